//! Reads sections from start to end through a buffer. Unlike a map, this takes no memory that grows with the sections.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use super::error::Problem;
use crate::error::Error;
#[cfg(feature = "corpus")]
use crate::similarity::ShingleSet;

/// Reads a section from its start.
pub(super) struct SectionReader {
    path: PathBuf,
    file: BufReader<File>,
}

/// The number of bytes read at once.
const BUFFER: usize = 1 << 18;

impl SectionReader {
    pub(super) fn open(path: PathBuf) -> Result<Self, Error> {
        let file = File::open(&path).map_err(|error| Problem::io("read", &path, &error))?;
        let file = BufReader::with_capacity(BUFFER, file);
        Ok(Self { path, file })
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        let read = self.file.read_exact(bytes);
        read.map_err(|error| Problem::io("read", &self.path, &error))
    }

    fn number(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Replaces `bytes` by the next `many` bytes. If `many` is corrupt, it fails at the end of the file, and takes no
    /// more memory than the file has bytes.
    fn take(&mut self, many: u64, bytes: &mut Vec<u8>) -> Result<(), Error> {
        bytes.clear();
        let read = self.file.by_ref().take(many).read_to_end(bytes);
        let whole = read.and_then(|read| match read as u64 == many {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        });
        whole.map_err(|error| Problem::io("read", &self.path, &error))
    }
}

/// Reads a section with parts of any length, document after document.
pub(super) struct ListReader {
    parts: SectionReader,
    ends: SectionReader,
    unit: u64,
    end: u64,
}

impl ListReader {
    /// Opens a section of parts, and the section of their ends, which counts in units of `unit` bytes.
    pub(super) fn open(parts: PathBuf, ends: PathBuf, unit: u64) -> Result<Self, Error> {
        Ok(Self {
            parts: SectionReader::open(parts)?,
            ends: SectionReader::open(ends)?,
            unit,
            end: 0,
        })
    }

    /// Replaces `bytes` by the part of the next document.
    pub(super) fn next_into(&mut self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let start = std::mem::replace(&mut self.end, self.ends.number()?);
        let many = self.end.saturating_sub(start).saturating_mul(self.unit);
        self.parts.take(many, bytes)
    }
}

/// Reads the ids, shingle sets and counts of a stored index.
#[cfg(feature = "corpus")]
pub(crate) struct DocumentReader {
    ids: ListReader,
    sets: ListReader,
    counts: SectionReader,
    left: u32,
    bytes: Vec<u8>,
}

/// A document of a stored index.
#[cfg(feature = "corpus")]
#[derive(Debug, PartialEq)]
pub(crate) struct StoredDocument {
    pub(crate) id: String,
    pub(crate) set: ShingleSet,
    /// The number of documents that it stands for.
    pub(crate) count: u64,
}

#[cfg(feature = "corpus")]
impl DocumentReader {
    pub(super) fn new(
        ids: ListReader,
        sets: ListReader,
        counts: SectionReader,
        documents: u32,
    ) -> Self {
        Self {
            ids,
            sets,
            counts,
            left: documents,
            bytes: Vec::new(),
        }
    }

    /// The next document; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<StoredDocument>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.ids.next_into(&mut self.bytes)?;
        let id = String::from_utf8_lossy(&self.bytes).into_owned();
        self.sets.next_into(&mut self.bytes)?;
        Ok(Some(StoredDocument {
            id,
            set: ShingleSet::of_bytes(self.bytes.as_chunks().0),
            count: self.counts.number()?,
        }))
    }
}
