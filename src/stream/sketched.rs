//! Sketches of documents, from which a memory decides. They can be made on any thread, in any order.

use crate::error::Error;
use crate::lsh::Banding;
use crate::pool::Pool;
use crate::sketch::Sketcher;
use crate::text::{Document, ReadBuffer, Scratch};

/// The sketch of a document, if it has shingles.
#[derive(Debug)]
pub(super) enum Sketched {
    /// The document has no shingles.
    Empty,
    Some(Sketch),
}

/// The sketch of a document that has shingles.
#[derive(Debug)]
pub(super) struct Sketch {
    /// The key of each band.
    pub(super) keys: Box<[u64]>,
    /// The signature, or empty if the memory does not need it.
    pub(super) slots: Box<[u32]>,
    /// The shingle hashes in the order of the text, or empty if the memory does not need them.
    pub(super) shingles: Box<[u64]>,
}

/// The parts of a sketch that a memory needs. Keys are always made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) banding: Banding,
    pub(super) slots: bool,
    pub(super) shingles: bool,
}

/// Makes sketches of documents.
#[derive(Debug)]
pub(super) struct Sketching {
    sketcher: Sketcher,
    wanted: Wanted,
    spaces: Pool<Space>,
}

/// Working memory of a thread.
#[derive(Debug, Default)]
struct Space {
    buffer: ReadBuffer,
    scratch: Scratch,
    hashes: Vec<u64>,
    slots: Vec<u32>,
}

impl Sketching {
    pub(super) fn new(sketcher: Sketcher, wanted: Wanted) -> Self {
        Self {
            sketcher,
            wanted,
            spaces: Pool::default(),
        }
    }

    /// Of the document of this id; errors name it.
    pub(super) fn of<D: Document + ?Sized>(
        &self,
        id: u64,
        document: &D,
    ) -> Result<Sketched, Error> {
        let mut space = self.spaces.lend();
        let Space {
            buffer,
            scratch,
            hashes,
            slots,
        } = &mut *space;
        let content = document
            .content(buffer)
            .map_err(|error| Error::unreadable(id as usize, &*error))?;
        self.sketcher
            .shingler()
            .content_into(content, scratch, hashes)
            .map_err(|not_text| not_text.in_document(id as usize))?;
        if hashes.is_empty() {
            return Ok(Sketched::Empty);
        }
        slots.resize(self.sketcher.scheme().hashes(), 0);
        self.sketcher.sketch().sketch(hashes, slots);
        let Wanted { banding, .. } = self.wanted;
        let slots_wanted = if self.wanted.slots { &slots[..] } else { &[] };
        let shingles_wanted = if self.wanted.shingles {
            &hashes[..]
        } else {
            &[]
        };
        Ok(Sketched::Some(Sketch {
            keys: banding.keys(slots).collect(),
            slots: slots_wanted.into(),
            shingles: shingles_wanted.into(),
        }))
    }

    pub(super) fn sketcher(&self) -> &Sketcher {
        &self.sketcher
    }
}
