//! Shows pairs with excerpts of their texts, to judge by eye.

use std::fmt;

use resemblance::corpus::{Corpus, Escaped};
use resemblance::text::{Content, Document, ReadBuffer};

use super::Failure;
use super::excerpt::excerpts;
use super::found::{Found, Scored, reaching};

/// Shows pairs of a collection.
pub(crate) struct Show<'a> {
    pub(crate) corpus: &'a Corpus,
    /// Pairs under a title.
    pub(crate) pairs: usize,
    /// The lowest threshold.
    pub(crate) from: f64,
    /// The number of characters to show of a text.
    pub(crate) length: usize,
    /// Whether there are labels.
    pub(crate) labels: bool,
}

/// Pairs under a title.
pub(crate) struct Shown {
    title: String,
    pairs: Vec<ShownPair>,
}

/// The least number of decimals of a similarity.
const DIGITS: usize = 3;

struct ShownPair {
    pair: Scored,
    digits: usize,
    label: Option<&'static str>,
    ids: [String; 2],
    texts: [String; 2],
}

impl Show<'_> {
    /// The pairs next to a threshold, on both sides of it, most similar first.
    pub(crate) fn nearest(&self, found: &Found, threshold: f64) -> Result<Vec<Shown>, Failure> {
        let (above, below) = found
            .reported
            .split_at(reaching(&found.reported, threshold));
        let above = &above[above.len().saturating_sub(self.pairs)..];
        let mut all_below: Vec<Scored> = below.iter().take(self.pairs).copied().collect();
        let unreported = found.unreported.iter();
        all_below.extend(unreported.filter(|pair| pair.value < threshold));
        all_below.sort_by(|x, y| y.value.total_cmp(&x.value));
        all_below.truncate(self.pairs);
        let digits = digits(&[above, &all_below].concat(), threshold);
        Ok(vec![
            self.with_digits(digits, format!("At {threshold} and just above"), above)?,
            self.with_digits(digits, self.below(threshold, &all_below), &all_below)?,
        ])
    }

    /// The title of pairs below a threshold.
    fn below(&self, threshold: f64, pairs: &[Scored]) -> String {
        let from = self.from;
        match pairs.iter().any(|pair| pair.value < from) {
            true => format!("Just below {threshold}; below {from} only labelled pairs are known"),
            false => format!("Just below {threshold}"),
        }
    }

    pub(crate) fn under(&self, title: String, pairs: &[Scored]) -> Result<Shown, Failure> {
        self.with_digits(DIGITS, title, pairs)
    }

    fn with_digits(
        &self,
        digits: usize,
        title: String,
        pairs: &[Scored],
    ) -> Result<Shown, Failure> {
        let pairs = pairs.iter().map(|&pair| self.shown(pair, digits));
        let pairs = pairs.collect::<Result<_, _>>()?;
        Ok(Shown { title, pairs })
    }

    fn shown(&self, pair: Scored, digits: usize) -> Result<ShownPair, Failure> {
        let (a, b) = (self.text(pair.a)?, self.text(pair.b)?);
        let label = match pair.is_labelled {
            true => "labelled",
            false => "not labelled",
        };
        Ok(ShownPair {
            pair,
            digits,
            label: self.labels.then_some(label),
            ids: [pair.a, pair.b].map(|document| Escaped(&self.corpus.ids()[document]).to_string()),
            texts: excerpts(&a, &b, self.length),
        })
    }

    fn text(&self, document: usize) -> Result<String, Failure> {
        let mut buffer = ReadBuffer::default();
        let content = self.corpus.documents()[document].content(&mut buffer);
        Ok(match content.map_err(Failure::failed)? {
            Content::Text(text) => text.to_owned(),
            Content::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Content::Shingles(_) => unreachable!("files hold text and bytes"),
        })
    }
}

/// The number of decimals with which every similarity is shown on the correct side of the threshold.
fn digits(pairs: &[Scored], threshold: f64) -> usize {
    let is_correct = |pair: &Scored, digits: usize| {
        let shown = format!("{:.digits$}", pair.value);
        let reaches = |value: f64| value >= threshold;
        shown.parse().is_ok_and(reaches) == reaches(pair.value)
    };
    (DIGITS..17)
        .find(|&digits| pairs.iter().all(|pair| is_correct(pair, digits)))
        .unwrap_or(17)
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        if self.pairs.is_empty() {
            writeln!(f, "\n  no pair")?;
        }
        for pair in &self.pairs {
            writeln!(f, "\n{pair}")?;
        }
        writeln!(f)
    }
}

impl fmt::Display for ShownPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let similarity = &self.pair.similarity;
        let [of_a, of_b] =
            [similarity.containment_a, similarity.containment_b].map(|share| 100.0 * share);
        write!(f, "  {:.*}  ", self.digits, self.pair.value)?;
        if let Some(label) = self.label {
            write!(f, "{label}, ")?;
        }
        write!(f, "{of_a:.1}% of A in B, {of_b:.1}% of B in A")?;
        for ((name, id), text) in ["A", "B"].iter().zip(&self.ids).zip(&self.texts) {
            write!(f, "\n    {name}  {id}\n       {text}")?;
        }
        Ok(())
    }
}
