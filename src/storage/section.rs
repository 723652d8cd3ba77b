//! The sections of a stored index, and how they are written.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::Problem;
use crate::checksum::{Summed, hex};
use crate::error::Error;

/// A part of a stored index, in a file of its own. Documents are in rows, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    /// The bytes of all ids, one after the other.
    Ids,
    /// For each document, the end of its id in `Ids` (u64).
    IdEnds,
    /// A table of ids: their hashes (u64), ascending; then their rows (u32).
    IdTable,
    /// For each document, K slots (u32).
    Signatures,
    /// For each band, a table of the documents with shingles: their keys (u64), ascending; then their rows (u32).
    Bands,
    /// For each document, its distinct shingle hashes (u64), ascending. Optional.
    Sets,
    /// For each document, the end of its hashes in `Sets` (u64), counted in hashes. Present if `Sets` is.
    SetEnds,
    /// For each document, the number of documents that it stands for (u64): itself, and those that were removed for it.
    /// Present if `Sets` is.
    Counts,
    /// The repeated passages of groups (u64). Optional.
    Aside,
    /// The number of documents that were counted (u64), and 0 (u32); then shingles (u64), ascending, each with the number of
    /// documents that have it (u32). Optional.
    Frequencies,
}

impl Section {
    /// All sections, in the order of the header.
    pub(crate) const ALL: [Self; 10] = [
        Self::Ids,
        Self::IdEnds,
        Self::IdTable,
        Self::Signatures,
        Self::Bands,
        Self::Sets,
        Self::SetEnds,
        Self::Counts,
        Self::Aside,
        Self::Frequencies,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ids => "ids",
            Self::IdEnds => "id-ends",
            Self::IdTable => "id-table",
            Self::Signatures => "signatures",
            Self::Bands => "bands",
            Self::Sets => "sets",
            Self::SetEnds => "set-ends",
            Self::Counts => "counts",
            Self::Aside => "aside",
            Self::Frequencies => "frequencies",
        }
    }

    /// The name of the section's file.
    pub(super) fn file(self) -> String {
        format!("{}.bin", self.name())
    }

    /// True if an index may lack the section.
    pub(super) const fn is_optional(self) -> bool {
        matches!(
            self,
            Self::Sets | Self::SetEnds | Self::Counts | Self::Aside | Self::Frequencies
        )
    }

    /// For a section with parts of any length: the section of their ends, and the bytes of the unit in which it counts.
    pub(super) const fn ends(self) -> Option<(Self, u64)> {
        match self {
            Self::Ids => Some((Self::IdEnds, 1)),
            Self::Sets => Some((Self::SetEnds, 8)),
            _ => None,
        }
    }
}

/// The entry of a section's file in the header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) xxh3_128: String,
}

impl Entry {
    pub(super) fn new(section: Section, bytes: u64, checksum: u128) -> Self {
        Self {
            name: section.name().to_owned(),
            bytes,
            xxh3_128: hex(checksum),
        }
    }
}

/// Writes a section, and computes its size and checksum.
pub(crate) struct SectionWriter {
    section: Section,
    path: PathBuf,
    file: BufWriter<Summed<'static>>,
}

/// The number of bytes that are written and hashed at once.
const BUFFER: usize = 1 << 16;

impl SectionWriter {
    pub(super) fn create(folder: &Path, section: Section) -> Result<Self, Error> {
        let path = folder.join(section.file());
        let file = File::create_new(&path).map_err(|error| Problem::io("write", &path, &error))?;
        Ok(Self {
            section,
            path,
            file: BufWriter::with_capacity(BUFFER, Summed::new(file, None)),
        })
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| Problem::io("write", &self.path, &error))
    }

    pub(crate) fn put_u64(&mut self, number: u64) -> Result<(), Error> {
        self.put(&number.to_le_bytes())
    }

    pub(crate) fn put_u32s(&mut self, numbers: impl IntoIterator<Item = u32>) -> Result<(), Error> {
        let mut numbers = numbers.into_iter();
        numbers.try_for_each(|number| self.put(&number.to_le_bytes()))
    }

    pub(crate) fn put_u64s(&mut self, numbers: impl IntoIterator<Item = u64>) -> Result<(), Error> {
        let mut numbers = numbers.into_iter();
        numbers.try_for_each(|number| self.put_u64(number))
    }

    /// Writes the rest, and waits until all is on the disk.
    pub(super) fn finish(mut self) -> Result<(Section, Entry), Error> {
        let flushed = self.file.flush();
        let summed = self.file.get_ref();
        let synced = flushed.and_then(|()| summed.file().sync_all());
        synced.map_err(|error| Problem::io("write", &self.path, &error))?;
        let entry = Entry::new(self.section, summed.bytes(), summed.sum());
        Ok((self.section, entry))
    }
}

/// Writes a section with parts of any length, and the section of their ends.
pub(crate) struct ListWriter {
    pub(super) parts: SectionWriter,
    pub(super) ends: SectionWriter,
    end: u64,
}

impl ListWriter {
    pub(super) fn create(folder: &Path, section: Section) -> Result<Self, Error> {
        let (ends, _) = section.ends().expect("a section with ends");
        Ok(Self {
            parts: SectionWriter::create(folder, section)?,
            ends: SectionWriter::create(folder, ends)?,
            end: 0,
        })
    }

    /// Appends the bytes of the next document.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.parts.put(bytes)?;
        self.end += bytes.len() as u64;
        self.ends.put_u64(self.end)
    }

    /// Appends the hashes of the next document.
    #[cfg(feature = "corpus")]
    pub(crate) fn push_hashes(&mut self, hashes: &[u64]) -> Result<(), Error> {
        self.parts.put_u64s(hashes.iter().copied())?;
        self.end += hashes.len() as u64;
        self.ends.put_u64(self.end)
    }
}
