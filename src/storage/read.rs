//! Reads sections from start to end.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;

use super::error::Problem;
use crate::error::Error;

/// A section that is read from its start.
struct SectionReader {
    path: PathBuf,
    file: BufReader<File>,
}

/// Bytes read at once.
const BUFFER: usize = 1 << 18;

impl SectionReader {
    fn open(path: PathBuf) -> Result<Self, Error> {
        let file = File::open(&path).map_err(|error| Problem::io("read", &path, &error))?;
        let file = BufReader::with_capacity(BUFFER, file);
        Ok(Self { path, file })
    }

    fn number(&mut self) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        let read = self.file.read_exact(&mut bytes);
        read.map_err(|error| Problem::io("read", &self.path, &error))?;
        Ok(u64::from_le_bytes(bytes))
    }
}

/// Reads the shingle sets of a stored index, document after document.
#[cfg_attr(not(test), allow(dead_code, reason = "an index has none of its own"))]
pub(crate) struct SetReader {
    hashes: SectionReader,
    ends: SectionReader,
    left: u32,
    end: u64,
}

#[cfg_attr(not(test), allow(dead_code, reason = "an index has none of its own"))]
impl SetReader {
    pub(super) fn open(hashes: PathBuf, ends: PathBuf, documents: u32) -> Result<Self, Error> {
        Ok(Self {
            hashes: SectionReader::open(hashes)?,
            ends: SectionReader::open(ends)?,
            left: documents,
            end: 0,
        })
    }

    /// Writes the next document's hashes, ascending, over `set`; false where there are no more documents.
    pub(crate) fn next_into(&mut self, set: &mut Vec<u64>) -> Result<bool, Error> {
        set.clear();
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        let start = std::mem::replace(&mut self.end, self.ends.number()?);
        // What is no size of a set ends with the file, at the latest.
        for _ in start..self.end {
            set.push(self.hashes.number()?);
        }
        Ok(true)
    }
}
