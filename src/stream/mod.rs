//! Documents that come one at a time: those not seen before are passed, near-duplicates of passed ones are dropped.
//!
//! TODO
mod bloom;
mod filter;
mod iter;
mod rates;
mod recent;
mod sieve;
mod sketched;
mod window;

use std::fmt;

use crate::sketch::Estimate;
use crate::verify::Similarity;

pub use bloom::{Bloom, BloomBands};
pub use iter::{TryVerdicts, Unseen, Verdicts};
pub use sieve::Sieve;
pub use window::Window;

/// What a [`Sieve`] remembers of the documents that it passed; see [which to use](self#which-memory-should-i-use).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Memory {
    /// All of them, or the last ones.
    Window(Window),
    /// Their band keys, in a fixed number of bytes.
    Bloom(Bloom),
}

impl Default for Memory {
    /// [All documents](Window::all), compared exactly.
    fn default() -> Self {
        Self::Window(Window::all())
    }
}

impl From<Window> for Memory {
    fn from(window: Window) -> Self {
        Self::Window(window)
    }
}

impl From<&mut Window> for Memory {
    fn from(window: &mut Window) -> Self {
        Self::Window(*window)
    }
}

impl From<Bloom> for Memory {
    fn from(bloom: Bloom) -> Self {
        Self::Bloom(bloom)
    }
}

impl From<&mut Bloom> for Memory {
    fn from(bloom: &mut Bloom) -> Self {
        Self::Bloom(*bloom)
    }
}

/// What becomes of a document.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Verdict {
    /// It is passed, and remembered.
    Unseen,
    /// It has no shingles and resembles nothing: it is passed.
    Empty,
    /// It is dropped.
    Seen(Seen),
}

impl Verdict {
    /// True where the document is passed.
    pub fn passes(&self) -> bool {
        !matches!(self, Self::Seen(_))
    }

    /// For what it is dropped.
    pub fn seen(&self) -> Option<Seen> {
        match self {
            Self::Seen(seen) => Some(*seen),
            _ => None,
        }
    }
}

/// What a dropped document met. Documents go by their numbers in the stream, from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Seen {
    /// A document that it resembles: the first of those that are remembered.
    Verified {
        /// The earlier document, which was passed.
        document: u64,
        /// The exact similarity of the dropped document (a) and the earlier one (b).
        similarity: Similarity,
    },
    /// A document that it resembles by their signatures: the first of those that are remembered.
    Estimated {
        /// The earlier document, which was passed.
        document: u64,
        /// Their estimated similarity.
        estimate: Estimate,
    },
    /// A band key that is known, or is taken for one that is.
    Band {
        /// The first such band.
        band: usize,
    },
}

impl Seen {
    /// The earlier document, where it is known.
    pub fn document(&self) -> Option<u64> {
        match *self {
            Self::Verified { document, .. } | Self::Estimated { document, .. } => Some(document),
            Self::Band { .. } => None,
        }
    }

    /// The Jaccard similarity to it, exact or estimated, where it is known.
    pub fn jaccard(&self) -> Option<f64> {
        match self {
            Self::Verified { similarity, .. } => Some(similarity.jaccard),
            Self::Estimated { estimate, .. } => Some(estimate.jaccard),
            Self::Band { .. } => None,
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified {
                document,
                similarity,
            } => write!(f, "{:.3} like document {document}", similarity.jaccard),
            Self::Estimated { document, estimate } => {
                write!(f, "about {estimate} like document {document}")
            }
            Self::Band { band } => write!(f, "band {band} is known"),
        }
    }
}

/// What became of documents: all of them are passed, dropped or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Counts {
    /// Documents that came.
    pub documents: u64,
    /// Those that were passed.
    pub passed: u64,
    /// Those among the passed that have no shingles.
    pub empty: u64,
    /// Those that were dropped.
    pub dropped: u64,
    /// Those of which there was an error.
    pub failed: u64,
}

impl Counts {
    fn add(&mut self, verdict: Option<&Verdict>) {
        self.documents += 1;
        match verdict {
            None => self.failed += 1,
            Some(Verdict::Seen(_)) => self.dropped += 1,
            Some(Verdict::Unseen) => self.passed += 1,
            Some(Verdict::Empty) => {
                self.passed += 1;
                self.empty += 1;
            }
        }
    }
}

impl fmt::Display for Counts {
    /// `6 documents = 3 passed (1 of them empty) + 2 dropped + 1 failed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} documents = {} passed", self.documents, self.passed)?;
        if self.empty > 0 {
            write!(f, " ({} of them empty)", self.empty)?;
        }
        write!(f, " + {} dropped", self.dropped)?;
        match self.failed {
            0 => Ok(()),
            failed => write!(f, " + {failed} failed"),
        }
    }
}
