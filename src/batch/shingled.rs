//! The items that a batch compares.

use crate::aside::{Maker, Space};
#[cfg(feature = "corpus")]
use crate::digest::KEPT;
use crate::frequent::{Frequent, SplitSet};
use crate::text::{Content, Document, Group, ReadBuffer, ReadError};
use crate::verify::ShingleSet;

/// A document, or a shingle set that was made of one before.
pub trait Shingled: Sync {
    /// Replaces the shingles in `memory` by those of the document, in any order, perhaps with repetitions.
    ///
    /// # Errors
    /// If the document cannot be read, or is bytes that are not text.
    fn shingle(&self, maker: &Maker, memory: &mut Memory) -> Result<(), ReadError>;

    /// The document's shingle set.
    ///
    /// # Errors
    /// The same as for [`shingle`](Self::shingle).
    fn shingle_set(&self, maker: &Maker, memory: &mut Memory) -> Result<ShingleSet, ReadError> {
        self.shingle(maker, memory)?;
        Ok(ShingleSet::from_buffer(&mut memory.hashes))
    }

    /// The length of the document's text in bytes.
    fn byte_len(&self) -> usize;
}

/// Working memory of a thread to make shingle sets.
#[derive(Debug, Default)]
pub struct Memory {
    buffer: ReadBuffer,
    space: Space,
    pub(crate) hashes: Vec<u64>,
    marks: Vec<u64>,
}

impl Memory {
    /// Writes the shingles of some content, of a document of this group, over those that are there.
    pub(crate) fn shingle<'m>(
        &'m mut self,
        maker: &Maker,
        group: Option<Group>,
        content: impl FnOnce(&'m mut ReadBuffer) -> Result<Content<'m>, ReadError>,
    ) -> Result<(), ReadError> {
        let Self {
            buffer,
            space,
            hashes,
            ..
        } = self;
        maker.content_into(content(buffer)?, group, space, hashes)?;
        Ok(())
    }

    /// The shingles of the last document, split.
    pub(crate) fn split(&mut self, frequent: &Frequent) -> SplitSet {
        frequent.split(&mut self.hashes, &mut self.marks)
    }

    /// Frees the memory if a long document has made it large.
    #[cfg(feature = "corpus")]
    pub(crate) fn release_large(&mut self) {
        if self.hashes.capacity() > KEPT || self.buffer.text.capacity() > 8 * KEPT {
            *self = Self::default();
        }
    }
}

impl<D: Document + Sync> Shingled for D {
    fn shingle(&self, maker: &Maker, memory: &mut Memory) -> Result<(), ReadError> {
        memory.shingle(maker, self.group(), |buffer| self.content(buffer))
    }

    fn byte_len(&self) -> usize {
        Document::byte_len(self)
    }
}
