//! The crate's error.

use std::fmt::{self, Debug};

/// Why a call failed, with the offending value.
///
/// A bad setting is an error when a [`Deduper`](crate::Deduper) or a [`Banding`](crate::lsh::Banding) is built; after
/// that no call fails because of settings. Other errors are:
///
/// - a document that cannot be read, or is bytes although text is needed;
/// - more documents, or more work or memory for the exact join, than allowed;
/// - an id that is already in an index;
/// - signatures or indexes that cannot be compared or merged, or bytes that are not signatures;
/// - a file of a stored index that is missing or damaged, or cannot be written;
/// - a full memory of a [`Sieve`](crate::Sieve);
/// - a run that its caller cancelled.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    kind: Box<Kind>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Threshold(f64),
    Recall(f64),
    Hashes(usize),
    ShingleSize {
        kind: &'static str,
        n: usize,
    },
    Unknown {
        what: &'static str,
        text: String,
        expected: &'static str,
    },
    Banding {
        bands: usize,
        rows: usize,
    },
    BandingTooLong {
        bands: usize,
        rows: usize,
        hashes: usize,
    },
    RecallOutOfReach {
        threshold: f64,
        recall: f64,
        hashes: usize,
        best: f64,
    },
    RecallNeedsExact,
    ExactMemory {
        needed: u64,
        allowed: u64,
        /// The ways out.
        advice: &'static str,
    },
    ExactWork {
        needed: u64,
        allowed: u64,
        /// The ways out.
        advice: &'static str,
    },
    SchemeMismatch {
        left: String,
        right: String,
    },
    NotMergeable(String),
    CodeWidth {
        left: u32,
        right: u32,
    },
    SlotCount {
        slots: usize,
        hashes: usize,
    },
    SignatureBytes(String),
    NotText {
        document: usize,
        offset: usize,
    },
    Unreadable {
        document: usize,
        reason: String,
    },
    TooManyDocuments(usize),
    IdTaken(String),
    Window(usize),
    BloomDocuments(u64),
    BloomRate(f64),
    BloomSize {
        documents: u64,
        rate: f64,
    },
    BloomFull(u64),
    /// A rule by which `what` cannot compare.
    Rule {
        what: &'static str,
        rule: String,
    },
    SetAsideWords(usize),
    PassageWords(usize),
    PassageGap(usize),
    Containment(f64),
    IndexMismatch {
        what: &'static str,
        left: String,
        right: String,
    },
    /// A problem with a stored index, and its path.
    #[cfg(feature = "storage")]
    Stored {
        problem: String,
        /// Whether a file does not exist.
        is_missing: bool,
    },
    Cancelled,
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind: Box::new(kind),
        }
    }

    /// The error of a setting whose text is not one of the expected ones.
    pub(crate) fn unknown(what: &'static str, text: &str, expected: &'static str) -> Self {
        let text = text.to_owned();
        Self::new(Kind::Unknown {
            what,
            text,
            expected,
        })
    }

    /// The error of an id that an index contains already.
    pub(crate) fn id_taken(id: &impl Debug) -> Self {
        Self::new(Kind::IdTaken(format!("{id:?}")))
    }

    /// The error of a run that its watch cancelled.
    pub(crate) fn cancelled() -> Self {
        Self::new(Kind::Cancelled)
    }

    #[cfg(feature = "corpus")]
    pub(crate) fn too_many(documents: usize) -> Self {
        Self::new(Kind::TooManyDocuments(documents))
    }

    /// The same error, naming the recall that the caller asked for instead of the stricter one that was tried.
    pub(crate) fn of_recall(mut self, asked: f64) -> Self {
        if let Kind::RecallOutOfReach { recall, .. } = &mut *self.kind {
            *recall = asked;
        }
        self
    }

    /// The error of the first item in `all` that fails when tried again. It does not depend on which thread failed
    /// first.
    pub(crate) fn first_of<T>(
        self,
        mut all: impl Iterator<Item = T>,
        error_of: impl FnMut(T) -> Option<Self>,
    ) -> Self {
        match self.is_cancelled() {
            true => self,
            false => all.find_map(error_of).unwrap_or(self),
        }
    }

    /// True if the caller's own [`Watch`](crate::watch::Watch) cancelled the run.
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.kind, Kind::Cancelled)
    }

    /// True if a file of a stored index does not exist.
    #[cfg(feature = "storage")]
    pub(crate) fn is_missing_file(&self) -> bool {
        matches!(*self.kind, Kind::Stored { is_missing, .. } if is_missing)
    }

    /// True if two signatures have different schemes.
    pub fn is_scheme_mismatch(&self) -> bool {
        matches!(*self.kind, Kind::SchemeMismatch { .. })
    }

    /// True if the memory of a [`Sieve`](crate::Sieve) is full.
    pub fn is_full(&self) -> bool {
        matches!(*self.kind, Kind::BloomFull(_))
    }

    /// True if a file of an index or a sieve is missing or damaged, or cannot be read or written.
    #[cfg(feature = "storage")]
    pub fn is_io(&self) -> bool {
        matches!(*self.kind, Kind::Stored { .. })
    }

    /// True if a setting is invalid. A command-line program should report this as bad usage.
    pub fn is_setting(&self) -> bool {
        matches!(
            *self.kind,
            Kind::Threshold(_)
                | Kind::Recall(_)
                | Kind::Rule { .. }
                | Kind::SetAsideWords(_)
                | Kind::PassageWords(_)
                | Kind::PassageGap(_)
                | Kind::Containment(_)
                | Kind::Hashes(_)
                | Kind::ShingleSize { .. }
                | Kind::Unknown { .. }
                | Kind::Banding { .. }
                | Kind::BandingTooLong { .. }
                | Kind::RecallOutOfReach { .. }
                | Kind::RecallNeedsExact
                | Kind::Window(_)
                | Kind::BloomDocuments(_)
                | Kind::BloomRate(_)
                | Kind::BloomSize { .. }
        )
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    #[allow(clippy::too_many_lines)] // one arm per message
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            Kind::Threshold(t) => {
                write!(f, "threshold {t}: must be above 0 and at most 1")
            }
            Kind::Recall(r) => write!(f, "recall {r}: must be above 0 and at most 1"),
            Kind::Hashes(k) => write!(f, "hashes {k}: must be from 1 to 65535"),
            Kind::ShingleSize { kind, n } => {
                write!(f, "shingle {kind}:{n}: n must be from 1 to 65535")
            }
            Kind::Unknown {
                what,
                text,
                expected,
            } => write!(f, "{what} `{text}`: must be {expected}"),
            Kind::Banding { bands, rows } => write!(
                f,
                "banding {bands} x {rows}: bands and rows must each be from 1 to 65535"
            ),
            Kind::BandingTooLong {
                bands,
                rows,
                hashes,
            } => write!(
                f,
                "banding {bands} x {rows} needs {} slots, but a signature has {hashes} hashes",
                bands * rows
            ),
            Kind::RecallOutOfReach {
                threshold,
                recall,
                hashes,
                best,
            } => write!(
                f,
                "recall {recall} at threshold {threshold} is out of reach with {hashes} hashes: \
                 the highest is {best:.6}; use more hashes, a lower recall, or the method exact"
            ),
            Kind::RecallNeedsExact => f.write_str(
                "recall 1 at a threshold below 1: no banding finds every pair with certainty; \
                 use a lower recall, such as 0.999, or the method exact",
            ),
            Kind::ExactMemory {
                needed,
                allowed,
                advice,
            } => write!(
                f,
                "the exact join is too large: it would take {:.1} MB, and exact_memory is {:.1} MB; {advice}",
                megabytes(*needed),
                megabytes(*allowed)
            ),
            Kind::ExactWork {
                needed,
                allowed,
                advice,
            } => write!(
                f,
                "the exact join is too large: it would compare {needed} pairs, and exact_work is {allowed}; {advice}"
            ),
            Kind::SchemeMismatch { left, right } => {
                write!(
                    f,
                    "signatures of two schemes cannot be compared: {left} and {right}"
                )
            }
            Kind::NotMergeable(scheme) => write!(
                f,
                "signatures of scheme {scheme} cannot be merged: only classic signatures can"
            ),
            Kind::CodeWidth { left, right } => {
                write!(
                    f,
                    "compact signatures with {left} and with {right} bits per slot cannot be compared"
                )
            }
            Kind::SlotCount { slots, hashes } => {
                write!(f, "{slots} slots do not make signatures of {hashes} hashes")
            }
            Kind::SignatureBytes(why) => write!(f, "these bytes are not a signature: {why}"),
            Kind::NotText { document, offset } => write!(
                f,
                "document {document} is not UTF-8 (byte {offset}); use byte shingles to compare bytes"
            ),
            Kind::Unreadable { document, reason } => {
                write!(f, "document {document} cannot be read: {reason}")
            }
            Kind::TooManyDocuments(n) => write!(
                f,
                "{n} documents: one run takes at most {} of them",
                u32::MAX - 1
            ),
            Kind::IdTaken(id) => write!(f, "id {id} is in the index already"),
            Kind::Window(n) => write!(f, "window of {n} documents: must be from 1 to 4294967294"),
            Kind::BloomDocuments(n) => write!(f, "bloom of {n} documents: must be at least 1"),
            Kind::BloomRate(rate) => {
                write!(f, "bloom rate {rate}: must be from 1e-12 to below 1")
            }
            Kind::BloomSize { documents, rate } => write!(
                f,
                "bloom of {documents} documents at rate {rate}: a memory of that size cannot be allocated"
            ),
            Kind::BloomFull(n) => write!(
                f,
                "the Bloom filters are full: all {n} documents that they were planned for have been passed; \
                 plan for more, or allow them to overfill"
            ),
            Kind::SetAsideWords(words) => write!(
                f,
                "passages of {words} words cannot be set aside: choose from 1 to 65535"
            ),
            Kind::PassageWords(words) => {
                write!(f, "a passage cannot have {words} words: ask for at least 1")
            }
            Kind::PassageGap(words) => write!(
                f,
                "gaps of passages cannot have {words} words: choose from 0 to 100"
            ),
            Kind::Containment(c) => {
                write!(f, "containment {c}: must be above 0 and at most 1")
            }
            Kind::Rule { what, rule } => write!(
                f,
                "{what} compares by jaccard similarity without weights, not {rule}: change this setting"
            ),
            Kind::IndexMismatch { what, left, right } => {
                write!(
                    f,
                    "indexes of two {what} cannot be merged: {left} and {right}"
                )
            }
            #[cfg(feature = "storage")]
            Kind::Stored { problem, .. } => f.write_str(problem),
            Kind::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// Bytes as megabytes, for messages.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
