//! What a memory needs to know of a document. Made on any thread, in any order.

use crate::error::Error;
use crate::lsh::Banding;
use crate::pool::Pool;
use crate::sketch::Sketcher;
use crate::text::{Document, ReadBuffer, Scratch};

/// One document.
#[derive(Debug)]
pub(super) enum Sketched {
    /// It has no shingles.
    Empty,
    Some(Sketch),
}

/// A document that has shingles.
#[derive(Debug)]
pub(super) struct Sketch {
    /// The key of each band.
    pub(super) keys: Box<[u64]>,
    /// The signature, where it is wanted.
    pub(super) slots: Box<[u32]>,
    /// The shingle hashes as they came, where they are wanted.
    pub(super) shingles: Box<[u64]>,
}

/// What is to be made beside the keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) banding: Banding,
    pub(super) slots: bool,
    pub(super) shingles: bool,
}

/// Makes it.
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
