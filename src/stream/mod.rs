//! Documents that come one at a time: those not seen before are passed, near-duplicates of passed ones are dropped.
//!
//! [`Deduper::sieve`](crate::Deduper::sieve) makes a [`Sieve`], which answers for each document with a [`Verdict`];
//! [`Sieve::unseen`] and [`Sieve::verdicts`] put iterators through it. A document is dropped only for one that was
//! *passed*, as in [leader clusters](crate::ClusterMode::Leader): with a window of all documents, what is passed is
//! what those keep of the same documents in one batch, the first of each cluster.
//!
//! # Which memory should I use?
//!
//! - [`Window::all`], the default, as long as all that is passed fits in memory: a drop names the earlier document and
//!   their exact similarity, and none is below the threshold.
//! - [`Window::last`]`(n)` where copies come soon after one another, or the stream has no end. The same, for the last n
//!   passed documents; an older one is forgotten, and its copy passed.
//! - Either with [`estimates`](Window::estimates), at half the memory for documents of 100 words and less for longer
//!   ones, where an error of some hundredths in similarity does no harm.
//! - [`Bloom`] where the stream is long and memory short: 24 bytes a document instead of some 1,700. Read
//!   [what it cannot do](#what-bloom-filters-cannot-do) first.
//!
//! ```
//! use resemblance::Deduper;
//! use resemblance::stream::{Bloom, Window};
//!
//! let news = [
//!     "The steam ferry goes back into service on Monday, nine years after its last crossing.",
//!     "Volunteers will open the lighthouse to visitors for one day in June.",
//!     "NEWS: The steam ferry goes back into service on Monday, nine years after its last crossing.",
//! ];
//! let mut sieve = Deduper::new().sieve(Window::last(100_000))?;
//! for (text, verdict) in sieve.verdicts(&news, |text| *text) {
//!     match verdict.seen() {
//!         None => println!("{text}"),
//!         Some(seen) => eprintln!("dropped: {seen}"), // dropped: 0.917 like document 0
//!     }
//! }
//! assert_eq!(sieve.counts().to_string(), "3 documents = 2 passed + 1 dropped");
//!
//! let sieve = Deduper::new().sieve(Bloom::new(1_000_000, 0.001))?;
//! assert!(sieve.memory_usage() < 25_000_000);
//! # Ok::<(), resemblance::Error>(())
//! ```
//!
//! # What does it cost?
//!
//! Time: a signature, a look-up in each band, and where there is a candidate two sorts of shingles. Of 100,000
//! documents of 100 words, one after the other, each took 1.2 to 1.7 times as long as its signature alone with Bloom
//! filters, 1.5 to 1.9 times with a window of 3,600, and 3.0 to 3.9 times with one of all, which no cache holds.
//! Signatures can be made in parallel, ahead of the verdicts: [`Verdicts::in_batches`]. Where very many of the passed
//! documents share a band key with the one that comes (pages of a template, not alike enough to be dropped), each of
//! them is looked at, which takes some 20 nanoseconds; a batch joins such documents by their rare shingles, a sieve does
//! not.
//!
//! Memory, for each document that is remembered or planned, with K hashes and b bands:
//!
//! | | bytes | with the defaults |
//! |---|---|---|
//! | `Window`, estimates | 4 K + 16 b + about 60 | 910 |
//! | `Window` | 8 a shingle more | 1,700 at 100 words |
//! | `Bloom`, rate 0.001 | about 2.7 b | 24 |
//! | `Bloom`, rate 0.00001 | about 4.8 b | 43 |
//!
//! The first two double as they grow, so that [`Window::all`] holds up to twice as much as they say, shingles aside,
//! and for a moment more. [`Sieve::memory_usage`] tells what is held. Shingles are bounded by [`Window::shingles`].
//!
//! # What Bloom filters cannot do
//!
//! A band key goes into a Bloom filter of its band (Khan et al., "`LSHBloom`: Memory-efficient, Extreme-scale Document
//! Deduplication", 2024, [arXiv:2411.04257](https://arxiv.org/abs/2411.04257)). A document is dropped where one of its
//! keys is known, which means:
//!
//! - What it met cannot be told, nor how similar that is; only the band. Nothing is verified.
//! - By chance a document is dropped that has no key in common with any: with the probability that was asked for when
//!   the planned number of documents is held, and less before. [`BloomBands::rate`] tells it for what is held now,
//!   [`BloomBands::rate_of`] for any number, [`BloomBands::measured_rate`] by the bits that are set. The filters are
//!   blocked, and the rates are those of blocked filters. Beyond the planned number it would grow, so that the next
//!   document is an error unless you [let it](Bloom::overfill).
//! - Documents are dropped by the [S-curve](crate::Banding::probability) alone, below the threshold and above it. The
//!   bands are therefore chosen anew, by [`Banding::balanced`](crate::Banding::balanced). At threshold 0.8, documents
//!   in 100 that are dropped for *one* passed document of similarity J:
//!
//! | bands | J = 0.5 | 0.6 | 0.7 | 0.8 | 0.85 | 0.9 | 0.95 |
//! |---|---|---|---|---|---|---|---|
//! | 9 x 13, the default with 128 hashes | 0.1 | 1.2 | 8.4 | 40 | 69 | 93 | 99.8 |
//! | 17 x 15, with 256 hashes | 0.1 | 0.8 | 7.8 | 46 | 79 | 98 | 100 |
//! | 32 x 16, of 512 hashes | 0.0 | 0.9 | 10 | 60 | 91 | 99.9 | 100 |
//! | 21 x 6, that of the deduper's recall | 28 | 63 | 93 | 99.8 | 100 | 100 | 100 |
//!
//! A document that resembles a thousand passed ones by 0.5 meets each of them with these odds, and is dropped more
//! often than not: pages of one template are not for Bloom filters.
//!
//! The filter is the crate's own, some 80 lines: band keys are hashes already, and a crate for it would be one more
//! dependency for all users, whose rates would be that crate's and not ours to state.

mod bloom;
mod filter;
mod iter;
mod rates;
mod recent;
#[cfg(feature = "storage")]
mod save;
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

impl From<Bloom> for Memory {
    fn from(bloom: Bloom) -> Self {
        Self::Bloom(bloom)
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

/// What a dropped document met. Documents go by their numbers in the stream, from 0, or by the ids of your own under which
/// they [were admitted](Sieve::admit_as).
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
