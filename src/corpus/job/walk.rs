//! Records that have been read before, enumerated again as documents.

use super::folder::{Folder, Reading};
use super::manifest::ReadDone;
use super::names;
use super::rejected::{Late, RejectedAt};
use super::row::Row;
use crate::corpus::document::CHANGED;
use crate::corpus::error::Error;
use crate::corpus::input::Input;
use crate::corpus::limit::ReadLimit;
use crate::corpus::read::At;

/// What is known of the documents when all have been read.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) documents: u32,
    /// For each input, the documents read once it was read.
    pub(super) ends: Vec<u32>,
    /// Where records were rejected, in order.
    rejected: Vec<At>,
    pub(super) late: Late,
    /// What is beyond it was rejected.
    pub(super) limit: ReadLimit,
}

impl Known {
    /// From the files of the folder.
    pub(super) fn load(read: &ReadDone, ends: Vec<u32>, folder: &Folder) -> Result<Self, Error> {
        let mut rejected = Vec::new();
        let mut early = folder.open(names::EARLY)?;
        while let Some(next) = RejectedAt::read(&mut early)? {
            rejected.push(next.at());
        }
        Ok(Self {
            documents: read.documents,
            ends,
            rejected,
            late: Late::default(),
            limit: read.limit,
        })
    }

    /// Records that were rejected on the way.
    pub(super) fn rejected(&self) -> usize {
        self.rejected.len()
    }
}

/// A place among the records of all inputs.
pub(super) struct Walk<'w> {
    known: &'w Known,
    inputs: &'w [Input],
    pub(super) input: usize,
    /// Lines of the input that were passed.
    pub(super) lines: u64,
    document: u32,
    /// Rejected records passed.
    rejected: usize,
    rows: Reading,
    row: Row,
}

impl<'w> Walk<'w> {
    pub(super) fn new(
        known: &'w Known,
        inputs: &'w [Input],
        folder: &Folder,
    ) -> Result<Self, Error> {
        Ok(Self {
            known,
            inputs,
            input: 0,
            lines: 0,
            document: 0,
            rejected: 0,
            rows: folder.open(names::ROWS)?,
            row: Row::default(),
        })
    }

    /// The document of the next record, and its row, which may be taken; none where that was rejected on the way.
    pub(super) fn next(&mut self, line: Option<u64>) -> Result<Option<(u32, &mut Row)>, Error> {
        if self.is_rejected(line) {
            return Ok(None);
        }
        let document = self.document;
        if document >= self.known.documents {
            return Err(self.changed());
        }
        self.document += 1;
        self.row.read(&mut self.rows)?;
        Ok(Some((document, &mut self.row)))
    }

    /// Whether the next record, or the rest of the input, was rejected; it is passed then.
    pub(super) fn is_rejected(&mut self, line: Option<u64>) -> bool {
        let next = self.known.rejected.get(self.rejected);
        let is_rejected = next == Some(&(self.input, line));
        self.rejected += usize::from(is_rejected);
        is_rejected
    }

    pub(super) fn end_input(&mut self) -> Result<(), Error> {
        if self.document != self.known.ends[self.input] {
            return Err(self.changed());
        }
        self.input += 1;
        self.lines = 0;
        Ok(())
    }

    /// The error of an input that is not what it was.
    pub(super) fn changed(&self) -> Error {
        Error::bad(self.inputs[self.input].place(None), CHANGED)
    }
}
