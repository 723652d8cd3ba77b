//! Synthetic collections: words by Zipf's law, documents of log-normal length, and copies planted at known edit rates.
//!
//! Each document depends only on the settings and its number, and so does the document that it copies. No document has
//! to be kept for its copies, and documents can be generated in any order and in parallel.
#![allow(dead_code, unreachable_pub)] // benches, an example and a test use a part each

pub mod boilerplate;
mod random;
mod vocabulary;

pub use random::Random;
pub use vocabulary::Vocabulary;

use resemblance::text::mix;

/// What a collection is like.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Documents.
    pub documents: u64,
    /// The median of their lengths in words, at least 1. The mean is greater: 1.38 times at a spread of 0.8.
    pub words: f64,
    /// The deviation of the lengths' logarithm; 0 where all are of one length.
    pub spread: f64,
    /// The share of documents that are copies, from 0 to 1.
    pub copies: f64,
    /// Shares of words that are changed in copies; each copy has one of them. Not empty.
    pub edits: Vec<f64>,
    /// Another seed gives another collection.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            documents: 10_000,
            words: 100.0,
            spread: 0.8,
            copies: 0.15,
            edits: vec![0.0, 0.01, 0.05, 0.1],
            seed: 1,
        }
    }
}

/// A collection of documents, made as they are asked for.
#[derive(Debug)]
pub struct Collection {
    settings: Settings,
    vocabulary: Vocabulary,
}

/// Of what a document is a copy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Copied {
    /// An earlier document, itself no copy.
    pub original: u64,
    /// The share of words that was to be changed.
    pub edits: f64,
    /// The original's words, and so the copy's.
    pub words: usize,
    /// How many of them were changed: `edits * words`, rounded up or down at random.
    pub changed: usize,
}

/// Different words in a collection, most of them rare.
const WORDS: usize = 200_000;

/// What random numbers are drawn for: each purpose has its own for each document.
#[derive(Clone, Copy)]
enum Purpose {
    Vocabulary,
    Source,
    Words,
    Edits,
    Chrome,
    Links,
}

impl Collection {
    /// Makes the vocabulary, which takes a few hundredths of a second.
    pub fn new(settings: Settings) -> Self {
        let mut random = random_for(settings.seed, Purpose::Vocabulary, 0);
        Self {
            vocabulary: Vocabulary::new(&mut random, WORDS, &LATIN),
            settings,
        }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Appends the text of a document to `text`, and tells of what it is a copy.
    pub fn push_text(&self, document: u64, text: &mut String) -> Option<Copied> {
        let from = text.len();
        let copied = self.source(document).map(|(original, edits)| {
            let (words, changed) = self.push_copy(document, original, edits, text);
            Copied {
                original,
                edits,
                words,
                changed,
            }
        });
        if copied.is_none() {
            for rank in self.ranks(document) {
                self.push_word(rank, text);
            }
        }
        debug_assert!(text.len() > from, "at least one word");
        text.pop(); // the space behind the last word
        copied
    }

    /// All texts, for a collection that fits in memory.
    pub fn texts(&self) -> Vec<String> {
        let text = |document| {
            let mut text = String::new();
            self.push_text(document, &mut text);
            text
        };
        (0..self.settings.documents).map(text).collect()
    }

    /// Appends the original's words, of which `edits` are others; their number, and how many are changed.
    fn push_copy(
        &self,
        document: u64,
        original: u64,
        edits: f64,
        text: &mut String,
    ) -> (usize, usize) {
        let mut random = self.random(Purpose::Edits, document);
        let ranks = self.ranks(original);
        let words = ranks.len();
        let changed = ((edits * words as f64 + random.share()) as usize).min(words);
        let mut to_change = changed;
        for (place, rank) in ranks.enumerate() {
            // Of the words that are left, each is as likely as the others to be changed.
            if to_change > 0 && random.below(words - place) < to_change {
                to_change -= 1;
                self.push_word(self.other_rank(rank, &mut random), text);
            } else {
                self.push_word(rank, text);
            }
        }
        (words, changed)
    }

    fn push_word(&self, rank: usize, text: &mut String) {
        text.push_str(self.vocabulary.word(rank));
        text.push(' ');
    }

    /// The words of a document that is no copy, by their ranks.
    fn ranks(&self, document: u64) -> impl ExactSizeIterator<Item = usize> {
        let Settings { words, spread, .. } = self.settings;
        let mut random = self.random(Purpose::Words, document);
        let length = random.length(words, spread);
        (0..length).map(move |_| self.vocabulary.draw(&mut random))
    }

    fn other_rank(&self, rank: usize, random: &mut Random) -> usize {
        loop {
            let other = self.vocabulary.draw(random);
            if other != rank {
                return other;
            }
        }
    }

    /// The original of a copy, and the share of words that is changed in it.
    fn source(&self, document: u64) -> Option<(u64, f64)> {
        let (mut original, edits) = self.copied_from(document)?;
        // A copy of a copy is made from the original, so that its edit rate is what it says.
        while let Some((earlier, _)) = self.copied_from(original) {
            original = earlier;
        }
        Some((original, edits))
    }

    /// The document, perhaps a copy itself, that a copy was drawn from.
    fn copied_from(&self, document: u64) -> Option<(u64, f64)> {
        let Settings { copies, edits, .. } = &self.settings;
        let mut random = self.random(Purpose::Source, document);
        if document == 0 || random.share() >= *copies {
            return None;
        }
        let from = random.below(document as usize) as u64;
        Some((from, edits[random.below(edits.len())]))
    }

    fn random(&self, purpose: Purpose, document: u64) -> Random {
        random_for(self.settings.seed, purpose, document)
    }
}

fn random_for(seed: u64, purpose: Purpose, document: u64) -> Random {
    let purpose = mix(seed).wrapping_add(purpose as u64);
    Random(mix(mix(purpose).wrapping_add(document)))
}

/// What words of Latin letters are made of.
pub const LATIN: [&str; 40] = [
    "a", "the", "in", "on", "er", "ing", "tion", "re", "con", "al", "is", "to", "ed", "com", "pro",
    "ment", "for", "ate", "ous", "ist", "un", "ver", "sta", "men", "ti", "lo", "ra", "ne", "mi",
    "so", "ter", "de", "pen", "cal", "ly", "ness", "wor", "king", "gra", "ph",
];
