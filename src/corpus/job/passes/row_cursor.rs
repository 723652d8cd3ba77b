//! Matches records that are read again with their documents.

use crate::corpus::error::Error;
use crate::corpus::formats::record::CHANGED;
use crate::corpus::inputs::input::Input;
use crate::corpus::job::disk::folder::{Folder, Reading};
use crate::corpus::job::disk::manifest::ReadDone;
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::row::Row;
use crate::corpus::job::passes::rejected::{Late, RejectedAt};
use crate::corpus::limit::ReadLimit;
use crate::corpus::reading::read::At;

/// The numbers of documents and places of rejections after the first pass.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) documents: u32,
    /// For each input, the number of documents in it and all inputs before it.
    pub(crate) ends: Vec<u32>,
    /// The places of rejected records, in order.
    rejected: Vec<At>,
    pub(crate) late: Late,
    /// The limit of the first pass.
    pub(crate) limit: ReadLimit,
}

impl Known {
    /// Reads the data from the work folder.
    pub(crate) fn load(read: &ReadDone, ends: Vec<u32>, folder: &Folder) -> Result<Self, Error> {
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

    /// The number of records that were rejected in the first pass.
    pub(crate) fn rejected(&self) -> usize {
        self.rejected.len()
    }
}

/// A position in the records of all inputs.
pub(crate) struct RowCursor<'w> {
    known: &'w Known,
    inputs: &'w [Input],
    pub(crate) input: usize,
    /// The number of lines of the input before the next block.
    pub(crate) lines: u64,
    document: u32,
    /// The number of rejected records before the position.
    rejected: usize,
    rows: Reading,
    row: Row,
}

impl<'w> RowCursor<'w> {
    pub(crate) fn new(
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

    /// The document of the next record, and its row, which may be taken; `None` if the first pass rejected it.
    pub(crate) fn next(&mut self, line: Option<u64>) -> Result<Option<(u32, &mut Row)>, Error> {
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

    /// Whether the next record, or the rest of the input, was rejected. If so, moves past it.
    pub(crate) fn is_rejected(&mut self, line: Option<u64>) -> bool {
        let next = self.known.rejected.get(self.rejected);
        let is_rejected = next == Some(&(self.input, line));
        self.rejected += usize::from(is_rejected);
        is_rejected
    }

    pub(crate) fn end_input(&mut self) -> Result<(), Error> {
        if self.document != self.known.ends[self.input] {
            return Err(self.changed());
        }
        self.input += 1;
        self.lines = 0;
        Ok(())
    }

    /// The error of an input that has changed.
    pub(crate) fn changed(&self) -> Error {
        Error::bad(self.inputs[self.input].place(None), CHANGED)
    }
}
