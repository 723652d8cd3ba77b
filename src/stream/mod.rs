//! Streams of documents: passes new documents one at a time, and drops near-duplicates of passed ones.
//!
//! [`Deduper::sieve`](crate::Deduper::sieve) makes a [`Sieve`], which returns a [`Verdict`] for each document.
//! [`Sieve::unseen`] and [`Sieve::verdicts`] apply it to iterators. A document is dropped only for one that was
//! *passed*, as in [leader clusters](crate::ClusterMode::Leader). With a window of all documents, the sieve passes
//! the documents that leader clusters of the same documents in one batch keep: the first of each cluster.
//!
//! # Which memory should I use?
//!
//! - [`Window::all`], the default, if all passed documents fit in memory. The verdict on a dropped document names the
//!   earlier document and their exact similarity, which is never below the threshold.
//! - [`Window::last`]`(n)` if copies come soon after each other, or the stream is endless. It remembers the last n
//!   passed documents; a copy of an older document is passed.
//! - Either of them with [`estimates`](Window::estimates), if errors of a few hundredths in similarity do no harm. This
//!   takes half the memory for documents of 100 words, and a smaller share for longer ones.
//! - [`Bloom`] if the stream is long and memory scarce: it takes 24 bytes a document instead of about 1,700. Read
//!   [its limits](#what-bloom-filters-cannot-do) first.
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
//! Time: each document takes a signature, a look-up in each band, and two sorts of shingles if there is a candidate.
//! For 100,000 documents of 100 words, one at a time, this took 1.2 to 1.7 times as long as the signatures alone with
//! Bloom filters, 1.5 to 1.9 times with a window of 3,600 documents, and 3.0 to 3.9 times with a window of all, which
//! fits in no cache. [`Verdicts::in_batches`] computes signatures in parallel, ahead of the verdicts. If many passed
//! documents share a band key with a new one without being near-duplicates (pages of a template), each of them takes
//! about 20 nanoseconds. A batch joins such documents by their rare shingles, but a sieve does not.
//!
//! Memory, for each remembered (or with Bloom filters, planned) document, with K hashes and b bands:
//!
//! | | bytes | with the defaults |
//! |---|---|---|
//! | `Window`, estimates | 4 K + 16 b + about 60 | 910 |
//! | `Window` | 8 a shingle more | 1,700 at 100 words |
//! | `Bloom`, rate 0.001 | about 2.7 b | 24 |
//! | `Bloom`, rate 0.00001 | about 4.8 b | 43 |
//!
//! The memory of [`Window::all`] doubles when it is full. So it may be up to twice as large as in the table (without
//! the shingles), and larger for a moment. [`Sieve::memory_usage`] returns the current size. [`Window::shingles`]
//! limits the number of shingles.
//!
//! # What Bloom filters cannot do
//!
//! Each band has a Bloom filter of its keys (Khan et al., "`LSHBloom`: Memory-efficient, Extreme-scale Document
//! Deduplication", 2024, [arXiv:2411.04257](https://arxiv.org/abs/2411.04257)). A document is dropped if the filter of
//! some band contains its key. This means:
//!
//! - The verdict names only the band, but neither the earlier document nor its similarity. Nothing is verified.
//! - A document that shares no key with any other may be dropped by chance. With the planned number of documents, this
//!   has the probability that you choose; with fewer, a smaller one. [`BloomBands::rate`] returns the probability for
//!   the current number of documents, [`BloomBands::rate_of`] for any number, and [`BloomBands::measured_rate`]
//!   computes it from the set bits. The filters are blocked, and the rates take that into account. Beyond the planned
//!   number the rate would grow, so the next document is an error, unless you [allow it](Bloom::overfill).
//! - The [S-curve](crate::Banding::probability) alone decides what is dropped, below the threshold and above it. So the
//!   default bands are different ones, from [`Banding::balanced`](crate::Banding::balanced). The table shows, for
//!   threshold 0.8, how many of 100 documents are dropped for *one* passed document with similarity J:
//!
//! | bands | J = 0.5 | 0.6 | 0.7 | 0.8 | 0.85 | 0.9 | 0.95 |
//! |---|---|---|---|---|---|---|---|
//! | 9 x 13, the default with 128 hashes | 0.1 | 1.2 | 8.4 | 40 | 69 | 93 | 99.8 |
//! | 17 x 15, with 256 hashes | 0.1 | 0.8 | 7.8 | 46 | 79 | 98 | 100 |
//! | 32 x 16, of 512 hashes | 0.0 | 0.9 | 10 | 60 | 91 | 99.9 | 100 |
//! | 21 x 6, that of the deduper's recall | 28 | 63 | 93 | 99.8 | 100 | 100 | 100 |
//!
//! If a document has a similarity of 0.5 to a thousand passed ones, it has this chance with each of them, and will
//! probably be dropped. So do not use Bloom filters for pages of one template.
//!
//! The crate has a filter of its own, in about 80 lines. Band keys are already hashes, and another crate's filter would
//! be a dependency for all users, with rates that we could not promise.

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

/// The memory of a [`Sieve`] for passed documents; see [which to use](self#which-memory-should-i-use).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Memory {
    /// All passed documents, or the last ones.
    Window(Window),
    /// Only the band keys of passed documents, in a fixed number of bytes.
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
    /// The document is passed and remembered.
    Unseen,
    /// The document is passed, since it has no shingles and resembles nothing.
    Empty,
    /// The document is dropped.
    Seen(Seen),
}

impl Verdict {
    /// True if the document is passed.
    pub fn passes(&self) -> bool {
        !matches!(self, Self::Seen(_))
    }

    /// The reason why the document is dropped, if it is.
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
    /// It resembles an earlier document, by exact similarity. Names the first such document that is remembered.
    Verified {
        /// The earlier document, which was passed.
        document: u64,
        /// The exact similarity of the dropped document (a) and the earlier one (b).
        similarity: Similarity,
    },
    /// It resembles an earlier document, by their signatures. Names the first such document that is remembered.
    Estimated {
        /// The earlier document, which was passed.
        document: u64,
        /// Their estimated similarity.
        estimate: Estimate,
    },
    /// A Bloom filter contains one of its band keys, perhaps by chance.
    Band {
        /// The first such band.
        band: usize,
    },
}

impl Seen {
    /// The earlier document, unless the memory is a Bloom filter.
    pub fn document(&self) -> Option<u64> {
        match *self {
            Self::Verified { document, .. } | Self::Estimated { document, .. } => Some(document),
            Self::Band { .. } => None,
        }
    }

    /// The Jaccard similarity to the earlier document, exact or estimated, unless the memory is a Bloom filter.
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

/// Numbers of documents: each is passed, dropped or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Counts {
    /// All documents.
    pub documents: u64,
    /// Passed documents.
    pub passed: u64,
    /// Passed documents without shingles.
    pub empty: u64,
    /// Dropped documents.
    pub dropped: u64,
    /// Documents for which there was an error.
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
    /// Writes text such as `6 documents = 3 passed (1 of them empty) + 2 dropped + 1 failed`.
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
