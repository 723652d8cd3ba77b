//! Passages: the runs of words that two texts share, with their places in both.
//!
//! ```
//! use resemblance::Deduper;
//!
//! let article = "The steam ferry goes back into service on Monday, nine years after its last crossing.";
//! let page = "NEWS SPORT WEATHER\nThe steam ferry goes back into service on Tuesday, nine years after its last\ncrossing.";
//! let passages = Deduper::new().passages(article, page);
//! let passage = passages.iter().next().unwrap();
//! assert_eq!(&article[passage.a.clone()], "The steam ferry goes back into service on Monday, nine years after its last crossing");
//! assert_eq!(passage.words, 14);
//! assert_eq!(passages.only_in_b(), [0..18, 61..68]);
//! println!("{passages}");
//! ```
//!
//! # What a passage is
//!
//! A passage contains a run of at least [`min_words`](PassageFinder::with_min_words) consecutive words that both texts
//! have, compared word by word after normalization. It goes on over gaps of at most
//! [`max_gap`](PassageFinder::with_max_gap) words in either text, as long as more words match behind a gap than it has.
//! Order does not matter: a block that was moved is a passage like others.
//!
//! Every word that is in such a run of either text is in a passage. Where runs overlap, the fewest and longest are taken.
//! A run that the other text has several times is paired with its next place there behind the passage before it; if
//! there is none, or it has too many, with the first. So texts with much repetition have few passages, not all pairs of places.
//!
//! What counts as a word: with [`Shingle::Tokens`] also every other visible character, with all
//! other shingles a word of UAX #29. In Chinese, Japanese and Thai that is mostly a single character, so ask for about
//! twice as many.
//!
//! # Cost
//!
//! Time and memory grow linearly with the words of both texts together, whatever they repeat. Memory is about 100 bytes
//! for each word.

mod find;
mod longest;
mod show;
mod suffixes;

use std::borrow::Cow;
use std::ops::Range;

use crate::error::{Error, Kind};
use crate::text::{Located, Normalization, Shingle};

/// A passage that two texts share: runs of words that are the same in both, with gaps between them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Passage {
    /// Its bytes in the first text, from the first word to the last.
    pub a: Range<usize>,
    /// Its bytes in the second text.
    pub b: Range<usize>,
    /// The number of its words that both texts have, without those in gaps.
    pub words: usize,
    /// The runs that are the same in both, in order: one if it is verbatim.
    pub runs: Vec<Run>,
}

/// A run of words that is the same in two texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Run {
    /// Its bytes in the first text, from the first word to the last.
    pub a: Range<usize>,
    /// Its bytes in the second text.
    pub b: Range<usize>,
    /// The number of its words.
    pub words: usize,
}

impl Passage {
    /// `None` without runs.
    fn of(runs: Vec<Run>) -> Option<Self> {
        let (first, last) = (runs.first()?, runs.last()?);
        Some(Self {
            a: first.a.start..last.a.end,
            b: first.b.start..last.b.end,
            words: runs.iter().map(|run| run.words).sum(),
            runs,
        })
    }

    /// Whether it has no gaps.
    pub fn is_verbatim(&self) -> bool {
        self.runs.len() == 1
    }
}

/// The passages of two texts, from [`Deduper::passages`](crate::Deduper::passages). Printed, they stand side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Passages<'t> {
    #[cfg_attr(feature = "serde", serde(skip))]
    texts: [Cow<'t, str>; 2],
    all: Vec<Passage>,
    /// The number of words of each text.
    words: [usize; 2],
    /// How many of these are in passages.
    shared: [usize; 2],
    /// The bytes of the others.
    rest: [Vec<Range<usize>>; 2],
}

impl Passages<'_> {
    /// The same with copies of the texts, which it otherwise borrows.
    pub fn into_owned(self) -> Passages<'static> {
        Passages {
            texts: self.texts.map(|text| Cow::Owned(text.into_owned())),
            ..self
        }
    }

    /// The passages, in the order of the first text.
    pub fn iter(&self) -> std::slice::Iter<'_, Passage> {
        self.all.iter()
    }

    /// The number of passages.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// True if the texts share no passage.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The passages, in the order of the first text.
    pub fn as_slice(&self) -> &[Passage] {
        &self.all
    }

    /// The first text.
    pub fn text_a(&self) -> &str {
        &self.texts[0]
    }

    /// The second text.
    pub fn text_b(&self) -> &str {
        &self.texts[1]
    }

    /// The number of words of the first text.
    pub fn words_a(&self) -> usize {
        self.words[0]
    }

    /// The number of words of the second text.
    pub fn words_b(&self) -> usize {
        self.words[1]
    }

    /// The share of the first text's words that are in passages, but not in gaps. 0 if it has no words.
    pub fn share_a(&self) -> f64 {
        share(self.shared[0], self.words[0])
    }

    /// The share of the second text's words that are in passages, but not in gaps. 0 if it has no words.
    pub fn share_b(&self) -> f64 {
        share(self.shared[1], self.words[1])
    }

    /// What only the first text has: the bytes of each stretch of words that are in no passage, or in a gap, from the
    /// first of these words to the last.
    pub fn only_in_a(&self) -> &[Range<usize>] {
        &self.rest[0]
    }

    /// What only the second text has.
    pub fn only_in_b(&self) -> &[Range<usize>] {
        &self.rest[1]
    }
}

impl<'p> IntoIterator for &'p Passages<'_> {
    type Item = &'p Passage;
    type IntoIter = std::slice::Iter<'p, Passage>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Finds the passages of two texts; made by [`Deduper::passage_finder`](crate::Deduper::passage_finder).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PassageFinder {
    normalization: Normalization,
    shingle: Shingle,
    min_words: usize,
    max_gap: usize,
}

/// The most words of a gap that may be asked for.
const LONGEST_GAP: usize = 100;

impl PassageFinder {
    pub(crate) fn new(normalization: Normalization, shingle: Shingle) -> Self {
        Self {
            normalization,
            shingle,
            min_words: 8,
            max_gap: 3,
        }
    }

    /// The least number of consecutive words that a passage has without a gap; at least 1. Default 8.
    ///
    /// # Errors
    /// If it is 0.
    pub fn with_min_words(self, min_words: usize) -> Result<Self, Error> {
        if min_words == 0 {
            return Err(Error::new(Kind::PassageWords(min_words)));
        }
        Ok(Self { min_words, ..self })
    }

    /// The most words in a gap, in either text; at most 100. Default 3. With 0, passages are verbatim.
    ///
    /// # Errors
    /// If it is above 100.
    pub fn with_max_gap(self, max_gap: usize) -> Result<Self, Error> {
        if max_gap > LONGEST_GAP {
            return Err(Error::new(Kind::PassageGap(max_gap)));
        }
        Ok(Self { max_gap, ..self })
    }

    /// The least number of consecutive words.
    pub fn min_words(&self) -> usize {
        self.min_words
    }

    /// The most words in a gap.
    pub fn max_gap(&self) -> usize {
        self.max_gap
    }

    /// The passages that two texts share.
    ///
    /// # Panics
    /// If both texts together have more than 2^32 - 4 words.
    pub fn find<'t, A, B>(&self, a: &'t A, b: &'t B) -> Passages<'t>
    where
        A: AsRef<str> + ?Sized,
        B: AsRef<str> + ?Sized,
    {
        let (a, b) = (a.as_ref(), b.as_ref());
        let located = |text| Located::new(text, self.normalization, self.shingle);
        let located = (located(a), located(b));
        find::find((a, b), located, self.min_words, self.max_gap)
    }
}

#[cfg(test)]
mod tests;
