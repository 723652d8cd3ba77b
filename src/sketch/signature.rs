//! The signature of a document.

use std::fmt;

use super::scheme::BYTES;
use super::{EMPTY, Scheme, SketchKind, equal_slots, is_empty_row};
use crate::error::{Error, Kind};

/// The sketch of a document, with the [`Scheme`] that determines its numbers.
///
/// ```
/// use resemblance::Deduper;
///
/// let deduper = Deduper::new();
/// let left = deduper.signature("the quick brown fox jumps over the lazy dog near the river bank");
/// let right = deduper.signature("the quick brown fox jumps over the lazy dog near the river bend");
/// let estimate = left.estimate(&right)?;
/// assert!(estimate.jaccard > 0.5 && estimate.standard_error < 0.05);
/// # Ok::<(), resemblance::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "stored::Stored"))]
pub struct Signature {
    scheme: Scheme,
    slots: Box<[u32]>,
}

impl Signature {
    /// Makes a signature of `slots`, which must be K of the scheme.
    pub(crate) fn new(scheme: Scheme, slots: Box<[u32]>) -> Self {
        debug_assert_eq!(slots.len(), scheme.hashes());
        Self { scheme, slots }
    }

    /// Makes a signature from stored slots.
    ///
    /// # Errors
    /// If their number is not K of the scheme.
    pub fn from_slots(scheme: Scheme, slots: Vec<u32>) -> Result<Self, Error> {
        let hashes = scheme.hashes();
        if slots.len() != hashes {
            let slots = slots.len();
            return Err(Error::new(Kind::SlotCount { slots, hashes }));
        }
        Ok(Self::new(scheme, slots.into_boxed_slice()))
    }

    /// The signature as bytes, for a database or a file: 16 + 4 K of them, 528 with the defaults.
    ///
    /// The first 16 hold the scheme: comparing signatures of different settings is still an error. All numbers are
    /// little-endian:
    ///
    /// | offset | bytes | |
    /// |---|---|---|
    /// | 0 | 1 | [`SCHEME_VERSION`](crate::sketch::SCHEME_VERSION) |
    /// | 1 | 1 | sketch: 0 fast-similarity, 1 classic |
    /// | 2 | 2 | K |
    /// | 4 | 1 | shingle: 0 words, 1 chars, 2 bytes, 3 tokens |
    /// | 5 | 1 | normalization: 0 none, 1 NFC, 2 NFKC; plus 4 for `fold`, 8 for `drop-ignorable`, 16 for `apostrophes`, 32 for `arabic`, 64 for `accents`, 128 for `digits` |
    /// | 6 | 2 | n of the shingle |
    /// | 8 | 8 | seed |
    /// | 16 | 4 K | slots |
    ///
    /// The bytes hold the seed. If it is secret, so are they.
    ///
    /// ```
    /// use resemblance::{Deduper, Signature};
    ///
    /// let signature = Deduper::new().signature("some text to be kept");
    /// let bytes = signature.to_bytes();
    /// assert_eq!((bytes.len(), Signature::from_bytes(&bytes)?), (528, signature));
    /// # Ok::<(), resemblance::Error>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.scheme.to_bytes().to_vec();
        bytes.extend(self.slots.iter().flat_map(|slot| slot.to_le_bytes()));
        bytes
    }

    /// The signature of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// If the bytes are too few or too many, or their scheme is of another version or has settings out of range. There is no
    /// checksum: a changed slot goes unnoticed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bad = |why| Error::new(Kind::SignatureBytes(why));
        let Some((scheme, slots)) = bytes.split_first_chunk::<BYTES>() else {
            return Err(bad(format!("{} bytes are too few", bytes.len())));
        };
        let scheme = Scheme::from_bytes(*scheme).map_err(bad)?;
        let expected = BYTES + 4 * scheme.hashes();
        if bytes.len() != expected {
            let len = bytes.len();
            return Err(bad(format!(
                "it has {len} bytes and should have {expected}"
            )));
        }
        let slots = slots.as_chunks().0.iter();
        let slots = slots.map(|&slot| u32::from_le_bytes(slot));
        Ok(Self::new(scheme, slots.collect()))
    }

    /// What the numbers mean.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The K slots. All are `u32::MAX` for a document without shingles.
    pub fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// True if the document has no shingles. Such a document resembles nothing, not even itself.
    pub fn is_empty(&self) -> bool {
        is_empty_row(&self.slots)
    }

    /// The estimated Jaccard similarity of the two documents.
    ///
    /// # Errors
    /// If the signatures have different schemes.
    pub fn estimate(&self, other: &Self) -> Result<Estimate, Error> {
        self.scheme.matches(&other.scheme)?;
        Ok(Estimate::of_rows(&self.slots, &other.slots))
    }

    /// Turns this into the signature of the union of both shingle sets.
    ///
    /// # Errors
    /// If the schemes differ, or the sketch is not [`SketchKind::Classic`].
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.scheme.matches(&other.scheme)?;
        if self.scheme.sketch() != SketchKind::Classic {
            return Err(Error::new(Kind::NotMergeable(self.scheme.to_string())));
        }
        for (slot, &value) in self.slots.iter_mut().zip(&other.slots) {
            *slot = (*slot).min(value);
        }
        Ok(())
    }
}

/// An estimated Jaccard similarity.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Estimate {
    /// The estimate, from 0 to 1.
    pub jaccard: f64,
    /// Standard error of the estimate: `sqrt(p (1 - p) / K)` with p = (e + 1) / (K + 2), if e of K slots are equal. So
    /// it is not 0 if all or no slots are equal. For [`SketchKind::FastSimilarity`] with few shingles, the true error
    /// is up to 30% smaller.
    pub standard_error: f64,
}

impl Estimate {
    /// The estimate for two rows of the same scheme.
    pub(crate) fn of_rows(left: &[u32], right: &[u32]) -> Self {
        // All slots of two empty documents are equal, but empty documents resemble nothing.
        let equal = if left.first() == Some(&EMPTY) {
            0
        } else {
            equal_slots(left, right)
        };
        Self::of_equal(equal, left.len(), 0.0)
    }

    /// The estimate if `equal` of `all` slots are equal, and slots with different values look equal with probability
    /// `chance`.
    pub(crate) fn of_equal(equal: usize, all: usize, chance: f64) -> Self {
        let (equal, all) = (equal as f64, all as f64);
        let smoothed = (equal + 1.0) / (all + 2.0);
        Self {
            jaccard: ((equal / all - chance) / (1.0 - chance)).max(0.0),
            standard_error: (smoothed * (1.0 - smoothed) / all).sqrt() / (1.0 - chance),
        }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ± {:.3}", self.jaccard, self.standard_error)
    }
}

#[cfg(feature = "serde")]
mod stored {
    //! Checks a signature when it is deserialized.

    use super::{Error, Scheme, Signature};

    #[derive(serde::Deserialize)]
    pub(super) struct Stored {
        scheme: Scheme,
        slots: Vec<u32>,
    }

    impl TryFrom<Stored> for Signature {
        type Error = Error;

        fn try_from(stored: Stored) -> Result<Self, Error> {
            Self::from_slots(stored.scheme, stored.slots)
        }
    }
}
