//! What a batch compares.

#[cfg(feature = "corpus")]
use crate::digest::KEPT;
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

    /// The length of its text in bytes.
    fn byte_len(&self) -> usize;
}

/// What a thread keeps to make shingle sets with.
#[derive(Debug, Default)]
pub struct Memory {
    buffer: ReadBuffer,
    scratch: Scratch,
    hashes: Vec<u64>,
}

impl Memory {
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
        } = memory;
        shingler.content_into(self.content(buffer)?, scratch, hashes)?;
        Ok(ShingleSet::from_buffer(hashes))
    }

    fn byte_len(&self) -> usize {
        Document::byte_len(self)
    }
}
