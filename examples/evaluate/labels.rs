//! What people say are copies: pairs, or stories.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use resemblance::cluster::UnionFind;
use resemblance::corpus::Escaped;

use super::identical::Identical;

/// Labelled pairs, as numbers of documents.
pub(crate) struct Labels {
    /// Distinct pairs (a, b) with a < b, ascending.
    pairs: Vec<(usize, usize)>,
    /// The story of each document: the number of a document of it.
    stories: Vec<usize>,
}

/// The most pairs that stories may make.
const MOST: usize = 50_000_000;

impl Labels {
    /// Reads a table with two ids per line, or with a header `id`, `story`: an id and the name of its story.
    ///
    /// # Errors
    /// If it cannot be read, a line does not have two fields, an id is not in `ids`, a document is paired with itself
    /// or has two stories, there are no pairs, or stories make too many.
    pub(crate) fn read(path: &Path, ids: &[String]) -> Result<Self, String> {
        let file = path.display();
        let bytes = fs::read(path).map_err(|error| format!("cannot read {file}: {error}"))?;
        let mut table = Table {
            numbers: ids
                .iter()
                .enumerate()
                .map(|(n, id)| (id.as_str(), n))
                .collect(),
            ..Table::default()
        };
        for (line, bytes) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned());
            let added = text.and_then(|text| match text.trim_end_matches(LINE_END) {
                "id_a\tid_b" if line == 0 => Ok(()),
                "id\tstory" if line == 0 => {
                    table.is_of_stories = true;
                    Ok(())
                }
                text => table.add(text),
            });
            added.map_err(|why| format!("{file}:{}: {why}", line + 1))?;
        }
        table.labels().map_err(|why| format!("{file}: {why}"))
    }

    /// The labels without pairs of identical texts. Stories stay as they are.
    pub(crate) fn without(mut self, identical: &Identical) -> Self {
        self.pairs.retain(|&(a, b)| !identical.are(a, b));
        self
    }

    pub(crate) fn pairs(&self) -> &[(usize, usize)] {
        &self.pairs
    }

    /// The position of a pair in [`pairs`](Self::pairs), with `a < b`.
    pub(crate) fn place(&self, a: usize, b: usize) -> Option<usize> {
        self.pairs.binary_search(&(a, b)).ok()
    }

    pub(crate) fn documents(&self) -> usize {
        self.stories.len()
    }

    /// The story of a document, a number below that of the documents. A document without labels is a story of its own.
    pub(crate) fn story(&self, document: usize) -> usize {
        self.stories[document]
    }
}

const LINE_END: [char; 2] = ['\r', '\n'];

/// The labels that have been read.
#[derive(Default)]
struct Table<'t> {
    /// The number of each id.
    numbers: HashMap<&'t str, usize>,
    is_of_stories: bool,
    pairs: BTreeSet<(usize, usize)>,
    /// The story of each document that has one, and the documents of each story.
    named: HashMap<usize, String>,
    stories: BTreeMap<String, Vec<usize>>,
}

impl Table<'_> {
    fn add(&mut self, line: &str) -> Result<(), String> {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[a, b] = fields.as_slice() else {
            let what = match self.is_of_stories {
                true => "an id and a story",
                false => "two ids",
            };
            let count = fields.len();
            return Err(format!(
                "`{}` must be {what} with a tab between, and has {count} fields",
                Escaped(line)
            ));
        };
        match self.is_of_stories {
            true => self.add_to_story(self.number(a)?, a, b),
            false => self.add_pair((self.number(a)?, self.number(b)?), a),
        }
    }

    fn number(&self, id: &str) -> Result<usize, String> {
        let number = self.numbers.get(id).copied();
        number.ok_or_else(|| format!("no document has the id `{}`", Escaped(id)))
    }

    fn add_pair(&mut self, (x, y): (usize, usize), id: &str) -> Result<(), String> {
        if x == y {
            return Err(format!("pairs `{}` with itself", Escaped(id)));
        }
        self.pairs.insert((x.min(y), x.max(y)));
        Ok(())
    }

    fn add_to_story(&mut self, document: usize, id: &str, story: &str) -> Result<(), String> {
        if let Some(first) = self.named.insert(document, story.to_owned()) {
            return Err(format!(
                "`{}` already has the story `{}`: list each id once",
                Escaped(id),
                Escaped(&first)
            ));
        }
        let documents = self.stories.entry(story.to_owned()).or_default();
        documents.push(document);
        Ok(())
    }

    fn labels(mut self) -> Result<Labels, String> {
        let stories = self.stories.values();
        let pairs = stories.map(|story| story.len() * (story.len() - 1) / 2);
        let pairs = pairs.fold(0, usize::saturating_add);
        if pairs > MOST {
            return Err(format!(
                "its stories make {pairs} pairs, more than {MOST}: split the largest, or list pairs instead"
            ));
        }
        for story in self.stories.values_mut() {
            story.sort_unstable();
            for (i, &a) in story.iter().enumerate() {
                self.pairs.extend(story[i + 1..].iter().map(|&b| (a, b)));
            }
        }
        let pairs: Vec<(usize, usize)> = self.pairs.into_iter().collect();
        match pairs.is_empty() {
            true if self.is_of_stories => Err("no story has two documents".to_owned()),
            true => Err("holds no pair".to_owned()),
            false => Ok(Labels {
                stories: connected(self.numbers.len(), &pairs),
                pairs,
            }),
        }
    }
}

/// The first document of the component of each document: pairs connect copies of copies.
fn connected(documents: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
    let mut components = UnionFind::new(documents);
    for &(a, b) in pairs {
        components.union(a as u32, b as u32);
    }
    components
        .flatten()
        .iter()
        .map(|&first| first as usize)
        .collect()
}
