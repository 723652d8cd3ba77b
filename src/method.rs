//! How candidate pairs are found, and the reason for the choice.

use std::fmt;

use crate::error::{Error, Kind, megabytes};
use crate::exact::{OutOfWork, Work};
use crate::named::named;

/// How candidate pairs are found.
///
/// # Which method should I use?
///
/// - [`Lsh`](Self::Lsh) finds pairs with the recall that you ask for. If so many documents share a band that comparing
///   all of them would take quadratic time, like the pages of one site, it joins these with the exact method.
/// - [`Exact`](Self::Exact) misses no pair. It is faster on short documents, and mostly on documents with boilerplate.
///   On longer documents whose shingles are rare (five words of prose, thresholds of 0.7 and more) it takes up to twice
///   as long as LSH, on some collections up to five times. If all shingles are common (single words, short n-grams of
///   characters, thresholds of 0.5 and less) it may take many times as long, and more memory.
/// - [`Auto`](Self::Auto) makes one pass for both methods, then chooses the one that it estimates to be faster. It
///   takes longer than the faster of the two: 1.1 times as long in the median of our measurements, at most 1.55 times
///   in all but two of them, and 2.3 times at most.
///
/// `benches/README.md`, "Where the line runs", has the times of all three by kind of text, shingle and threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Method {
    /// MinHash signatures in bands: finds pairs with the recall that you ask for.
    #[default]
    Lsh,
    /// The [exact join](crate::guides::exact_join): finds every pair.
    Exact,
    /// Whichever of the two is estimated to be faster, after a pass over the documents.
    Auto,
}

named!(Method, "method", "lsh, exact or auto", {
    Lsh: "lsh",
    Exact: "exact",
    Auto: "auto"
});

/// Why a run used its method.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Reason {
    /// The caller set this method.
    Asked,
    /// This method was estimated to be faster; the exact join is also chosen when it is only slightly slower.
    Faster {
        /// The estimated time of the exact join divided by the estimated time that the rest of LSH would take.
        exact_to_lsh: f64,
    },
    /// There is so little work that the exact join takes hardly any time.
    Little,
    /// Only the exact join finds documents that are contained in others.
    Containment,
    /// Only the exact join compares documents by weights.
    Weights,
    /// No banding reaches the recall with this number of hashes, but the exact join does.
    Recall,
    /// The exact join would take too much memory.
    Memory {
        /// About how many bytes it would take.
        needed: u64,
        /// How many bytes it may take.
        allowed: u64,
    },
    /// The exact join would compare too many pairs.
    Work {
        /// How many pairs it would compare.
        needed: u64,
        /// How many pairs it may compare.
        allowed: u64,
    },
}

impl Reason {
    /// The reason if joining common parts took too much work.
    pub(crate) fn of_work(OutOfWork { needed }: OutOfWork, work: Work) -> Self {
        let allowed = work.most;
        Self::Work { needed, allowed }
    }

    /// The error if the exact join would take too much, and is asked for or the only method, by probes.
    pub(crate) fn too_large(self, is_by_probes: bool) -> Error {
        let advice = match is_by_probes {
            false => "allow more, or use the method lsh or auto",
            true => "allow more, raise the threshold, or set aside text that many documents share",
        };
        match self {
            Self::Memory { needed, allowed } => Error::new(Kind::ExactMemory {
                needed,
                allowed,
                advice,
            }),
            Self::Work { needed, allowed } => Error::new(Kind::ExactWork {
                needed,
                allowed,
                advice,
            }),
            Self::Asked
            | Self::Faster { .. }
            | Self::Little
            | Self::Containment
            | Self::Weights
            | Self::Recall => {
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
                "chosen because the exact join was estimated to take {exact_to_lsh:.2} times as long as LSH"
            ),
            Self::Little => f.write_str("chosen because there is little to do"),
            Self::Containment => f.write_str("the only method for containment"),
            Self::Weights => f.write_str("the only method for weights"),
            Self::Recall => f.write_str("chosen because LSH cannot reach the recall"),
            Self::Memory { needed, allowed } => {
                let (needed, allowed) = (megabytes(needed), megabytes(allowed));
                write!(
                    f,
                    "chosen because the exact join would take {needed:.1} MB, and {allowed:.1} MB are allowed"
                )
            }
            Self::Work { needed, allowed } => write!(
                f,
                "chosen because the exact join would compare {needed} pairs, and {allowed} are allowed"
            ),
        }
    }
}

/// Limits of the memory and the work of the exact join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Bytes for shingle sets and their index.
    pub(crate) memory: u64,
    /// Pairs that may be compared.
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
    /// Bytes that the join takes for `sets` sets with `shingles` shingles in all, a share `frequent` of which are
    /// stored as numbers of 2 bytes. Any other shingle takes 8 bytes, and 3 for bitmaps and frequencies. A shingle of a
    /// prefix takes up to 48 more. The rest is a fixed size per set.
    pub(crate) fn memory_of(sets: u64, shingles: u64, frequent: f64, threshold: f64) -> u64 {
        let of_others = (1.0 - frequent) * Self::memory_of_shingle(threshold);
        200 * sets + (shingles as f64 * (2.0 * frequent + of_others)) as u64
    }

    pub(crate) fn memory_of_shingle(threshold: f64) -> f64 {
        11.0 + 48.0 * (1.0 - threshold)
    }

    /// The reason not to join such sets, if they would take too much memory.
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

    /// The reason not to join sets with `shingles` shingles in all by probes, if it would take too much memory. A
    /// shingle takes 8 bytes, 4 for frequencies and probes, and up to 36 in the lists.
    pub(crate) fn refuses_probes(self, shingles: u64) -> Option<Reason> {
        let (needed, allowed) = (48 * shingles, self.memory);
        (needed > allowed).then_some(Reason::Memory { needed, allowed })
    }

    /// The reason not to make a join that would compare `needed` pairs, if these are too many.
    pub(crate) fn refuses_work(self, needed: u64) -> Option<Reason> {
        let allowed = self.work;
        (needed > allowed).then_some(Reason::Work { needed, allowed })
    }
}

/// Times in nanoseconds, on one core of an AMD EPYC of 2024. Only their ratios matter.
pub(crate) mod cost {
    /// Time of a shingle in the prefix of a survivor.
    const PREFIXED: f64 = 34.0;
    /// Time to compare a pair.
    const LOOK: f64 = 10.0;
    /// Time of a set in a band.
    const BAND: f64 = 27.0;
    /// Time of a shingle of a candidate or survivor: reading its document again, shingling, sorting.
    const SHINGLED: f64 = 15.0;
    /// Below this time, the exact join is used whatever LSH takes.
    pub(crate) const LITTLE: f64 = 5e6;
    /// Time of a pair in a bucket: comparing signatures, and some sets.
    const PAIR: f64 = 15.0;

    /// Time of the exact join of survivors with `shingles` shingles in all.
    pub(crate) fn of_join(shingles: u64, threshold: f64) -> f64 {
        (SHINGLED + PREFIXED * (1.0 - threshold)) * shingles as f64
    }

    /// The number of pairs that can be compared in `time`.
    pub(crate) fn looks_in(time: f64) -> u64 {
        (time / LOOK) as u64
    }

    /// Time to find the buckets of `sets` sets.
    pub(crate) fn of_buckets(sets: usize, bands: usize) -> f64 {
        BAND * sets as f64 * bands as f64
    }

    /// Time to verify candidates with `shingles` shingles in all, and `pairs` pairs in buckets.
    pub(crate) fn of_candidates(shingles: u64, pairs: u64) -> f64 {
        SHINGLED * shingles as f64 + PAIR * pairs as f64
    }
}
