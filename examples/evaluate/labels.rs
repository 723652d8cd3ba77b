//! Pairs that people have labelled as copies.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use resemblance::corpus::Escaped;

/// Labelled pairs, as numbers of documents.
pub(crate) struct Labels {
    /// Distinct pairs (a, b) with a < b, ascending.
    pairs: Vec<(usize, usize)>,
}

impl Labels {
    /// Reads a table with two ids per line.
    ///
    /// # Errors
    /// If it cannot be read, a line does not have two fields, an id is not in `ids`, a document is paired with itself,
    /// or there are no pairs.
    pub(crate) fn read(path: &Path, ids: &[String]) -> Result<Self, String> {
        let file = path.display();
        let bytes = fs::read(path).map_err(|error| format!("cannot read {file}: {error}"))?;
        let numbers = ids.iter().enumerate().map(|(n, id)| (id.as_str(), n));
        let numbers = numbers.collect();
        let mut pairs = BTreeSet::new();
        let lines = bytes.split_inclusive(|&byte| byte == b'\n').enumerate();
        for (line, bytes) in lines {
            let pair = match std::str::from_utf8(bytes).map(|text| text.trim_end_matches(LINE_END))
            {
                Ok("id_a\tid_b") if line == 0 => continue,
                Ok(text) => pair(text, &numbers),
                Err(_) => Err("is not UTF-8".to_owned()),
            };
            pairs.insert(pair.map_err(|why| format!("{file}:{}: {why}", line + 1))?);
        }
        match pairs.is_empty() {
            true => Err(format!("{file}: holds no pair")),
            false => Ok(Self {
                pairs: pairs.into_iter().collect(),
            }),
        }
    }

    pub(crate) fn pairs(&self) -> &[(usize, usize)] {
        &self.pairs
    }

    /// The position of a pair in [`pairs`](Self::pairs), with `a < b`.
    pub(crate) fn place(&self, a: usize, b: usize) -> Option<usize> {
        self.pairs.binary_search(&(a, b)).ok()
    }
}

const LINE_END: [char; 2] = ['\r', '\n'];

/// The pair of a line, lower number first.
fn pair(line: &str, numbers: &HashMap<&str, usize>) -> Result<(usize, usize), String> {
    let fields: Vec<&str> = line.split('\t').collect();
    let &[a, b] = fields.as_slice() else {
        let (shown, count) = (Escaped(line), fields.len());
        return Err(format!(
            "`{shown}` must be two ids with a tab between, and has {count} fields"
        ));
    };
    let number = |id| {
        let number = numbers.get(id).copied();
        number.ok_or_else(|| format!("no document has the id `{}`", Escaped(id)))
    };
    let (x, y) = (number(a)?, number(b)?);
    match x == y {
        true => Err(format!("pairs `{}` with itself", Escaped(a))),
        false => Ok((x.min(y), x.max(y))),
    }
}
