//! Signatures of many documents in one vector.

use std::fmt;

use super::{Estimate, Scheme, Signature, is_empty_row};
use crate::error::{Error, Kind};

/// Signatures of many documents, row after row, in 4 K bytes a document.
///
/// ```
/// use resemblance::Deduper;
///
/// let matrix = Deduper::new().signatures(&["one text of some words", "one text of some words"]);
/// assert_eq!(matrix.len(), 2);
/// assert_eq!(matrix.estimate(0, 1).jaccard, 1.0);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SignatureMatrix {
    scheme: Scheme,
    slots: Vec<u32>,
}

impl fmt::Debug for SignatureMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignatureMatrix")
            .field("scheme", &self.scheme)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl SignatureMatrix {
    /// An empty matrix.
    pub fn new(scheme: Scheme) -> Self {
        Self {
            scheme,
            slots: Vec::new(),
        }
    }

    /// Makes a matrix from rows one after the other, as [`slots`](Self::slots) returns them.
    ///
    /// # Errors
    /// If their number is not a multiple of the scheme's K.
    pub fn from_slots(scheme: Scheme, slots: Vec<u32>) -> Result<Self, Error> {
        let hashes = scheme.hashes();
        if !slots.len().is_multiple_of(hashes) {
            let slots = slots.len();
            return Err(Error::new(Kind::SlotCount { slots, hashes }));
        }
        Ok(Self { scheme, slots })
    }

    /// All rows, one after the other.
    pub fn slots(&self) -> &[u32] {
        &self.slots
    }

    /// The scheme of the signatures.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The number of documents.
    pub fn len(&self) -> usize {
        self.slots.len() / self.scheme.hashes()
    }

    /// True if there are no documents.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The slots of a document.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn row(&self, document: usize) -> &[u32] {
        let k = self.scheme.hashes();
        &self.slots[document * k..(document + 1) * k]
    }

    /// The rows, in order.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, u32> {
        self.slots.chunks_exact(self.scheme.hashes())
    }

    /// True if the document has no shingles.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn is_empty_row(&self, document: usize) -> bool {
        is_empty_row(self.row(document))
    }

    /// A copy of a document's signature.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn signature(&self, document: usize) -> Signature {
        Signature::new(self.scheme, self.row(document).into())
    }

    /// Appends a signature.
    ///
    /// # Errors
    /// If it has another scheme.
    pub fn push(&mut self, signature: &Signature) -> Result<(), Error> {
        self.scheme.matches(signature.scheme())?;
        self.slots.extend_from_slice(signature.slots());
        Ok(())
    }

    /// Appends a row of the same scheme.
    pub(crate) fn push_row(&mut self, slots: &[u32]) {
        debug_assert_eq!(slots.len(), self.scheme.hashes());
        self.slots.extend_from_slice(slots);
    }

    /// Overwrites a document's row with one of the same scheme.
    pub(crate) fn set_row(&mut self, document: usize, slots: &[u32]) {
        let k = self.scheme.hashes();
        self.slots[document * k..(document + 1) * k].copy_from_slice(slots);
    }

    /// The estimated Jaccard similarity of two documents.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn estimate(&self, left: usize, right: usize) -> Estimate {
        Estimate::of_rows(self.row(left), self.row(right))
    }

    /// Bytes held on the heap.
    pub fn memory_usage(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }
}

/// A matrix of these rows.
#[cfg(test)]
pub(crate) fn matrix_of(rows: &[[u32; 4]]) -> SignatureMatrix {
    use crate::text::{Normalization, Shingle};

    let sketch = super::SketchKind::FastSimilarity;
    let scheme = Scheme::new(sketch, 4, Shingle::Words(5), Normalization::NONE, 0);
    SignatureMatrix::from_slots(scheme.unwrap(), rows.concat()).unwrap()
}
