//! b-bit signatures (Li and König: "b-Bit Minwise Hashing", WWW 2010).

use std::fmt;

use super::{Estimate, Scheme, SignatureMatrix};
use crate::error::{Error, Kind};
use crate::named::named;

/// The number of bits kept of each slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CodeBits {
    /// One byte a slot.
    Eight,
    /// Two bytes a slot.
    Sixteen,
}

named!(CodeBits, "code bits", "8 or 16", {
    Eight: "8",
    Sixteen: "16"
});

impl CodeBits {
    /// The number of bits a slot.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Eight => 8,
            Self::Sixteen => 16,
        }
    }
}

/// Signatures of 8 or 16 bits a slot. They take a quarter or half of the memory, and serve for estimates only.
///
/// Two slots with different values look equal with probability `2^-b`. The estimate is corrected for this:
/// `(share - 2^-b) / (1 - 2^-b)` (Li and König's estimator for sets that are small compared to the 2^64 possible
/// hashes). With 8 bits the standard error grows by 2% at J = 0.1, and by less at a higher J.
///
/// ```
/// use resemblance::{Deduper, sketch::CodeBits};
///
/// let matrix = Deduper::new().signatures(&["some words of one text", "some words of one text"]);
/// let compact = matrix.compact(CodeBits::Eight);
/// assert_eq!(compact.estimate(0, 1).jaccard, 1.0);
/// assert_eq!(compact.memory_usage() * 4, matrix.memory_usage());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct CompactMatrix {
    scheme: Scheme,
    codes: Codes,
    /// Documents without shingles, ascending. Their codes do not show it.
    empty: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Codes {
    Eight(Vec<u8>),
    Sixteen(Vec<u16>),
}

/// Multiplier of Fibonacci hashing. The values of slots are minima, so their high bits are mostly zero.
const SPREAD: u32 = 0x9E37_79B1;

impl SignatureMatrix {
    /// Reduces the signatures to 1 or 2 bytes a slot, for estimates only.
    pub fn compact(&self, bits: CodeBits) -> CompactMatrix {
        let slots = self.rows().flatten();
        let spread = |slot: &u32| slot.wrapping_mul(SPREAD);
        CompactMatrix {
            scheme: *self.scheme(),
            codes: match bits {
                CodeBits::Eight => Codes::Eight(slots.map(|s| (spread(s) >> 24) as u8).collect()),
                CodeBits::Sixteen => {
                    Codes::Sixteen(slots.map(|s| (spread(s) >> 16) as u16).collect())
                }
            },
            empty: (0..self.len())
                .filter(|&document| self.is_empty_row(document))
                .collect(),
        }
    }
}

impl fmt::Debug for CompactMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompactMatrix")
            .field("scheme", &self.scheme)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl CompactMatrix {
    /// The scheme of the original signatures.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The number of bits a slot.
    pub fn bits(&self) -> CodeBits {
        match self.codes {
            Codes::Eight(_) => CodeBits::Eight,
            Codes::Sixteen(_) => CodeBits::Sixteen,
        }
    }

    /// The number of documents.
    pub fn len(&self) -> usize {
        let codes = match &self.codes {
            Codes::Eight(codes) => codes.len(),
            Codes::Sixteen(codes) => codes.len(),
        };
        codes / self.scheme.hashes()
    }

    /// True if there are no documents.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if the document has no shingles.
    pub fn is_empty_row(&self, document: usize) -> bool {
        self.empty.binary_search(&document).is_ok()
    }

    /// The estimated Jaccard similarity of two documents.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn estimate(&self, left: usize, right: usize) -> Estimate {
        let k = self.scheme.hashes();
        let equal = match &self.codes {
            Codes::Eight(codes) => equal_codes(codes, k, left, codes, right),
            Codes::Sixteen(codes) => equal_codes(codes, k, left, codes, right),
        };
        self.corrected(equal, self.is_empty_row(left) || self.is_empty_row(right))
    }

    /// The estimated Jaccard similarity of a document here and a document of another matrix.
    ///
    /// # Errors
    /// If the matrices have different schemes or numbers of bits.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn estimate_across(
        &self,
        document: usize,
        other: &Self,
        others: usize,
    ) -> Result<Estimate, Error> {
        self.scheme.matches(&other.scheme)?;
        let k = self.scheme.hashes();
        let equal = match (&self.codes, &other.codes) {
            (Codes::Eight(l), Codes::Eight(r)) => equal_codes(l, k, document, r, others),
            (Codes::Sixteen(l), Codes::Sixteen(r)) => equal_codes(l, k, document, r, others),
            _ => {
                return Err(Error::new(Kind::CodeWidth {
                    left: self.bits().bits(),
                    right: other.bits().bits(),
                }));
            }
        };
        Ok(self.corrected(
            equal,
            self.is_empty_row(document) || other.is_empty_row(others),
        ))
    }

    fn corrected(&self, equal: usize, empty: bool) -> Estimate {
        let chance = 1.0 / f64::from(1u32 << self.bits().bits());
        let equal = if empty { 0 } else { equal };
        Estimate::of_equal(equal, self.scheme.hashes(), chance)
    }

    /// Bytes held on the heap.
    pub fn memory_usage(&self) -> usize {
        let codes = match &self.codes {
            Codes::Eight(codes) => codes.capacity(),
            Codes::Sixteen(codes) => codes.capacity() * 2,
        };
        codes + self.empty.capacity() * size_of::<usize>()
    }
}

fn equal_codes<T: PartialEq>(
    codes: &[T],
    k: usize,
    left: usize,
    others: &[T],
    right: usize,
) -> usize {
    let left = &codes[left * k..(left + 1) * k];
    let right = &others[right * k..(right + 1) * k];
    left.iter().zip(right).filter(|(l, r)| l == r).count()
}
