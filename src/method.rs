//! How candidate pairs are found, and why so.

use std::fmt;

use crate::error::{Error, Kind, megabytes};
use crate::exact::{OutOfWork, Work};
use crate::named::named;

/// How candidate pairs are found.
///
/// # Which method should I use?
///
/// - [`Lsh`](Self::Lsh) finds pairs with the recall that is asked for. Where so many documents share a band that comparing
///   them would be quadratic, as those of one site do, it joins these as the exact method does.
/// - [`Exact`](Self::Exact) misses none. It is faster on short documents, and mostly on documents with boilerplate. On longer
///   documents whose shingles are rare (five words of prose, thresholds of 0.7 and more) it takes up to twice as long as LSH,
///   on some collections up to five times. Where all shingles are common (single words, short n-grams of characters,
///   thresholds of 0.5 and less) it may take many times as long, and more memory.
/// - [`Auto`](Self::Auto) does what both need in one pass, then chooses the one that it estimates to be faster. It takes
///   longer than the faster of the two: 1.1 times as long in the median of our measurements, at most 1.55 times in all but
///   two of them, and 2.3 times at most.
///
/// `benches/README.md`, "Where the line runs", has the times of all three by kind of text, shingle and threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Method {
    /// MinHash signatures in bands: finds pairs with the recall that is asked for.
    #[default]
    Lsh,
    /// The [exact join](crate::exact): finds every pair.
    Exact,
    /// The one of both that takes less, by what is seen of the documents.
    Auto,
}

named!(Method, "method", "lsh, exact or auto", {
    Lsh: "lsh",
    Exact: "exact",
    Auto: "auto"
});

/// Why a run took its method.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Reason {
    /// It was asked for.
    Asked,
    /// It was to take less time, or hardly more where it is exact: the exact join so many times what is left of
    /// LSH.
    Faster {
        /// The time of the exact join over that of LSH, as far as it can be told beforehand.
        exact_to_lsh: f64,
    },
    /// There is so little to do that the exact join takes hardly any time.
    Little,
    /// The exact join would take too much memory.
    Memory {
        /// Bytes it would take, about.
        needed: u64,
        /// Bytes it may take.
        allowed: u64,
    },
    /// The exact join would look at too many pairs.
    Work {
        /// Looks that it would take.
        needed: u64,
        /// Looks that it may take.
        allowed: u64,
    },
}

impl Reason {
    /// Joining common parts took too much work.
    pub(crate) fn of_work(OutOfWork { needed }: OutOfWork, work: Work) -> Self {
        let allowed = work.most;
        Self::Work { needed, allowed }
    }

    /// The error where the exact join was asked for, and would take too much.
    pub(crate) fn too_large(self) -> Error {
        match self {
            Self::Memory { needed, allowed } => Error::new(Kind::ExactMemory { needed, allowed }),
            Self::Work { needed, allowed } => Error::new(Kind::ExactWork { needed, allowed }),
            Self::Asked | Self::Faster { .. } | Self::Little => {
                unreachable!("no reason against the exact join")
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Asked => f.write_str("as asked"),
            Self::Faster { exact_to_lsh } => write!(
                f,
                "chosen, as the exact join takes about {exact_to_lsh:.2} times as long as LSH here"
            ),
            Self::Little => f.write_str("chosen, as there is little to do"),
            Self::Memory { needed, allowed } => {
                let (needed, allowed) = (megabytes(needed), megabytes(allowed));
                write!(
                    f,
                    "chosen, as the exact join would take {needed:.1} MB and may take {allowed:.1}"
                )
            }
            Self::Work { needed, allowed } => write!(
                f,
                "chosen, as the exact join would look at {needed} pairs and may look at {allowed}"
            ),
        }
    }
}

/// What the exact join may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Bytes, for shingle sets and their index.
    pub(crate) memory: u64,
    /// Pairs looked at.
    pub(crate) work: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            memory: 4 << 30,
            work: 20_000_000_000,
        }
    }
}

impl Budget {
    /// Bytes that the join takes for sets with so many shingles, of which the share `frequent` has numbers. A number
    /// takes 2 bytes. Any other shingle takes 8, and 3 of bitmaps and frequencies; a place in a prefix takes at most 48.
    /// Each set takes some more.
    pub(crate) fn memory_of(sets: u64, shingles: u64, frequent: f64, threshold: f64) -> u64 {
        let of_others = (1.0 - frequent) * Self::memory_of_shingle(threshold);
        200 * sets + (shingles as f64 * (2.0 * frequent + of_others)) as u64
    }

    pub(crate) fn memory_of_shingle(threshold: f64) -> f64 {
        11.0 + 48.0 * (1.0 - threshold)
    }

    /// Why a join of such sets is not to be made, where it is not.
    pub(crate) fn refuses_memory(
        self,
        sets: u64,
        shingles: u64,
        frequent: f64,
        threshold: f64,
    ) -> Option<Reason> {
        let needed = Self::memory_of(sets, shingles, frequent, threshold);
        let allowed = self.memory;
        (needed > allowed).then_some(Reason::Memory { needed, allowed })
    }

    /// The same of one with so much to look at.
    pub(crate) fn refuses_work(self, needed: u64) -> Option<Reason> {
        let allowed = self.work;
        (needed > allowed).then_some(Reason::Work { needed, allowed })
    }
}

/// Times, in nanoseconds on one core of an AMD EPYC of 2024: what counts is how they compare.
pub(crate) mod cost {
    /// Of a place in a prefix of a survivor.
    const PREFIXED: f64 = 34.0;
    /// Of a pair looked at.
    const LOOK: f64 = 10.0;
    /// Of a set in a band.
    const BAND: f64 = 27.0;
    /// Of a shingle of a candidate or survivor: reading its document again, shingling, sorting.
    const SHINGLED: f64 = 15.0;
    /// What is done exactly whatever LSH takes.
    pub(crate) const LITTLE: f64 = 5e6;
    /// Of a pair in a bucket: comparing signatures, and some sets.
    const PAIR: f64 = 15.0;

    /// The exact join of survivors with so many shingles.
    pub(crate) fn of_join(shingles: u64, threshold: f64) -> f64 {
        (SHINGLED + PREFIXED * (1.0 - threshold)) * shingles as f64
    }

    /// How many pairs can be looked at in a time.
    pub(crate) fn looks_in(time: f64) -> u64 {
        (time / LOOK) as u64
    }

    /// Finding the buckets of so many sets.
    pub(crate) fn of_buckets(sets: usize, bands: usize) -> f64 {
        BAND * sets as f64 * bands as f64
    }

    /// Verifying candidates with so many shingles and pairs in buckets.
    pub(crate) fn of_candidates(shingles: u64, pairs: u64) -> f64 {
        SHINGLED * shingles as f64 + PAIR * pairs as f64
    }
}
