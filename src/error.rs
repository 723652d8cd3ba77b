//! The crate's error.

use std::fmt;

/// What went wrong, with the value that was refused.
///
/// A setting is refused when it is built into a [`Deduper`](crate::Deduper) or a
/// [`Banding`](crate::lsh::Banding); after that no call fails on settings. What remains are
/// documents that are not what was promised (bytes where text is needed, or not to be read), signatures of
/// two schemes, files of a stored index, a memory of a [`Sieve`](crate::Sieve) that is full, and a run that its own
/// caller cancelled.
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
    },
    ExactWork {
        needed: u64,
        allowed: u64,
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
    IndexMismatch {
        what: &'static str,
        left: String,
        right: String,
    },
    /// What is wrong with a stored index, and where.
    #[cfg(feature = "storage")]
    Stored {
        problem: String,
        /// Whether it is that a file is not there.
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

    /// The error of a setting that is not spelled as one of those that are expected.
    pub(crate) fn unknown(what: &'static str, text: &str, expected: &'static str) -> Self {
        let text = text.to_owned();
        Self::new(Kind::Unknown {
            what,
            text,
            expected,
        })
    }

    /// The error of a run that its watch has stopped.
    pub(crate) fn cancelled() -> Self {
        Self::new(Kind::Cancelled)
    }

    #[cfg(feature = "corpus")]
    pub(crate) fn too_many(documents: usize) -> Self {
        Self::new(Kind::TooManyDocuments(documents))
    }

    /// The same where the recall that could not be had was a stricter one than was asked for.
    pub(crate) fn of_recall(mut self, asked: f64) -> Self {
        if let Kind::RecallOutOfReach { recall, .. } = &mut *self.kind {
            *recall = asked;
        }
        self
    }

    /// The error of the first of `all`, in their order, that has one when it is tried again: which thread fails
    /// first is chance.
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

    /// True where the caller's own [`Watch`](crate::watch::Watch) stopped the run.
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.kind, Kind::Cancelled)
    }

    /// True where a file of a stored index is not there.
    #[cfg(feature = "storage")]
    pub(crate) fn is_missing_file(&self) -> bool {
        matches!(*self.kind, Kind::Stored { is_missing, .. } if is_missing)
    }

    /// True where two signatures of different schemes were brought together.
    pub fn is_scheme_mismatch(&self) -> bool {
        matches!(*self.kind, Kind::SchemeMismatch { .. })
    }

    /// True where the memory of a [`Sieve`](crate::Sieve) is full.
    pub fn is_full(&self) -> bool {
        matches!(*self.kind, Kind::BloomFull(_))
    }

    /// True where a setting was refused: a program would call this bad usage.
    pub fn is_setting(&self) -> bool {
        matches!(
            *self.kind,
            Kind::Threshold(_)
                | Kind::Recall(_)
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
    #[allow(clippy::too_many_lines)] // an arm for each message
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
                 the most is {best:.6}; use more hashes or ask for less"
            ),
            Kind::RecallNeedsExact => f.write_str(
                "recall 1 at a threshold below 1: no banding finds every pair for certain; \
                 ask for less, such as 0.999, or for the method exact",
            ),
            Kind::ExactMemory { needed, allowed } => write!(
                f,
                "the exact join is too large: it would take {:.1} MB, and exact_memory is {:.1} MB; {ALLOW_MORE}",
                megabytes(*needed),
                megabytes(*allowed)
            ),
            Kind::ExactWork { needed, allowed } => write!(
                f,
                "the exact join is too large: it would look at {needed} pairs, and exact_work is {allowed}; {ALLOW_MORE}"
            ),
            Kind::SchemeMismatch { left, right } => {
                write!(f, "signatures of two schemes: {left} against {right}")
            }
            Kind::NotMergeable(scheme) => write!(
                f,
                "signatures of scheme {scheme} cannot be merged: only the classic sketch can"
            ),
            Kind::CodeWidth { left, right } => {
                write!(f, "compact signatures of {left} and of {right} bits a slot")
            }
            Kind::SlotCount { slots, hashes } => {
                write!(f, "{slots} slots do not make signatures of {hashes} hashes")
            }
            Kind::SignatureBytes(why) => write!(f, "these bytes are not a signature: {why}"),
            Kind::NotText { document, offset } => write!(
                f,
                "document {document} is not UTF-8 (byte {offset}): bytes can be compared with \
                 byte shingles only"
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
                "bloom of {documents} documents at rate {rate}: there is no memory of that size"
            ),
            Kind::BloomFull(n) => write!(
                f,
                "the {n} documents that the Bloom filters are for have been passed: plan for more, \
                 or let them overfill"
            ),
            Kind::IndexMismatch { what, left, right } => {
                write!(f, "indexes of two {what}: {left} against {right}")
            }
            #[cfg(feature = "storage")]
            Kind::Stored { problem, .. } => f.write_str(problem),
            Kind::Cancelled => f.write_str("cancelled"),
        }
    }
}

const ALLOW_MORE: &str = "allow more, or use the method lsh or auto";

/// Bytes in 10^6, as they are told.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
