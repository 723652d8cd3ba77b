//! What a batch compares.

#[cfg(feature = "corpus")]
use crate::digest::KEPT;
use crate::frequent::{Frequent, SplitSet};
use crate::text::{Document, ReadBuffer, ReadError, Scratch, Shingler};
use crate::verify::ShingleSet;

/// A document, or the shingle set that was made of one before.
pub trait Shingled: Sync {
    /// Its shingle set.
    ///
    /// # Errors
    /// Where the document cannot be read, or is bytes and no text.
    fn shingle_set(
        &self,
        shingler: &Shingler,
        memory: &mut Memory,
    ) -> Result<ShingleSet, ReadError>;

    /// The same, split.
    ///
    /// # Errors
    /// As [`shingle_set`](Self::shingle_set).
    fn split_set(
        &self,
        shingler: &Shingler,
        frequent: &Frequent,
        memory: &mut Memory,
    ) -> Result<SplitSet, ReadError>;

    /// The length of its text in bytes.
    fn byte_len(&self) -> usize;
}

/// What a thread keeps to make shingle sets with.
#[derive(Debug, Default)]
pub struct Memory {
    buffer: ReadBuffer,
    scratch: Scratch,
    hashes: Vec<u64>,
    marks: Vec<u64>,
}

impl Memory {
    /// Splits a set.
    #[cfg(feature = "corpus")]
    pub(crate) fn split(&mut self, frequent: &Frequent, set: ShingleSet) -> SplitSet {
        if frequent.hashes().is_empty() {
            return set.into();
        }
        self.hashes.clear();
        self.hashes.extend_from_slice(set.hashes());
        frequent.split(&mut self.hashes, &mut self.marks)
    }

    /// Gives up what a long document has taken.
    #[cfg(feature = "corpus")]
    pub(crate) fn release_large(&mut self) {
        if self.hashes.capacity() > KEPT || self.buffer.text.capacity() > 8 * KEPT {
            *self = Self::default();
        }
    }
}

impl<D: Document + Sync> Shingled for D {
    fn shingle_set(
        &self,
        shingler: &Shingler,
        memory: &mut Memory,
    ) -> Result<ShingleSet, ReadError> {
        let Memory {
            buffer,
            scratch,
            hashes,
            ..
        } = memory;
        shingler.content_into(self.content(buffer)?, scratch, hashes)?;
        Ok(ShingleSet::from_buffer(hashes))
    }

    fn split_set(
        &self,
        shingler: &Shingler,
        frequent: &Frequent,
        memory: &mut Memory,
    ) -> Result<SplitSet, ReadError> {
        let Memory {
            buffer,
            scratch,
            hashes,
            marks,
        } = memory;
        shingler.content_into(self.content(buffer)?, scratch, hashes)?;
        Ok(frequent.split(hashes, marks))
    }

    fn byte_len(&self) -> usize {
        Document::byte_len(self)
    }
}
