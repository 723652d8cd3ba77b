//! Opens a stored index.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use filebuffer::FileBuffer;
use rayon::prelude::*;

use super::check;
use super::error::{Problem, What};
use super::header::{self, About, Header};
#[cfg(feature = "corpus")]
use super::read::{DocumentReader, ListReader, SectionReader};
use super::section::{Entry, Section};
use super::table::Table;
#[cfg(feature = "corpus")]
use super::view::Sets;
use super::view::{Bands, Ids, Signatures};
use crate::checksum::{self, hex};
use crate::error::Error;
#[cfg(feature = "corpus")]
use crate::weights::{StoredFrequency, decoded};

/// Which checks are made when an index is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checks {
    /// All checks, which read all files.
    All,
    /// Only the header, and that all sizes are consistent.
    Sizes,
}

/// A stored index with mapped sections.
pub(crate) struct Stored {
    dir: PathBuf,
    /// The folder of the sections.
    sections: PathBuf,
    about: About,
    checksum: String,
    /// The existing sections, at their indexes in [`Section::ALL`].
    maps: [Option<FileBuffer>; Section::ALL.len()],
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("dir", &self.dir)
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

impl Stored {
    /// Opens the index at `dir`. If it is replaced at the same time, opens the old or the new one.
    ///
    /// # Errors
    /// If there is no index, it has another version, or it is corrupt. The error names the file.
    pub(crate) fn open(dir: &Path, checks: Checks) -> Result<Self, Error> {
        /// How often to try again if the header is unchanged: the index may have been replaced by another one and by
        /// the same one again.
        const TWICE: usize = 20;
        let mut bytes = read_header(dir)?;
        let mut tries = 0;
        loop {
            let opened = Self::open_of(dir, &bytes, checks);
            let Err(error) = &opened else {
                return opened;
            };
            // If the index was replaced, its sections were removed.
            let now = read_header(dir)?;
            tries += usize::from(now == bytes);
            if now == bytes && (tries > TWICE || !error.is_missing_file()) {
                return opened;
            }
            bytes = now;
        }
    }

    /// Opens the index whose header has these bytes.
    fn open_of(dir: &Path, bytes: &[u8], checks: Checks) -> Result<Self, Error> {
        let path = dir.join(header::FILE);
        let header = Header::decode(&path, bytes)?;
        let mut stored = Self {
            about: header.about(&path)?,
            sections: dir.join(header.folder()),
            checksum: checksum::of(bytes),
            maps: Default::default(),
            dir: dir.to_owned(),
        };
        let entries = stored.entries(&header)?;
        for (section, entry) in &entries {
            stored.map(*section, entry)?;
        }
        stored.check_ends(checks)?;
        if checks == Checks::All {
            stored.check_sums(&entries)?;
        }
        Ok(stored)
    }

    /// The sections that the header lists. Checks that none is repeated or missing.
    fn entries<'h>(&self, header: &'h Header) -> Result<Vec<(Section, &'h Entry)>, Error> {
        let path = self.dir.join(header::FILE);
        let known = |entry: &'h Entry| {
            let section = Section::ALL.into_iter().find(|s| s.name() == entry.name);
            let unknown = || Problem::bad(&path, format!("section `{}`: unknown", entry.name));
            section.map(|section| (section, entry)).ok_or_else(unknown)
        };
        let entries: Vec<_> = header
            .sections
            .iter()
            .map(known)
            .collect::<Result<_, _>>()?;
        if !entries.is_sorted_by(|(left, _), (right, _)| left < right) {
            return Err(Problem::bad(&path, "sections in another order"));
        }
        let has = |section| entries.iter().any(|(other, _)| *other == section);
        for section in Section::ALL {
            // `Sets`, `SetEnds` and `Counts` need one another.
            let needed = match section {
                Section::Sets => has(Section::SetEnds) || has(Section::Counts),
                Section::SetEnds | Section::Counts => has(Section::Sets),
                other => !other.is_optional(),
            };
            if needed && !has(section) {
                return Err(Problem::bad(&path, format!("no {}", section.name())));
            }
        }
        Ok(entries)
    }

    fn map(&mut self, section: Section, entry: &Entry) -> Result<(), Error> {
        let path = self.path(section);
        let map = FileBuffer::open(&path).map_err(|error| Problem::io("read", &path, &error))?;
        check::same_size(&path, map.len() as u64, entry.bytes)?;
        check::size(&path, section, entry.bytes, &self.about)?;
        self.maps[section as usize] = Some(map);
        Ok(())
    }

    /// Checks the ends of documents in the sections that have parts of any length.
    fn check_ends(&self, checks: Checks) -> Result<(), Error> {
        for section in Section::ALL.into_iter().filter(|&s| self.has(s)) {
            let Some((of_ends, unit)) = section.ends() else {
                continue;
            };
            let bytes = self.bytes(section).len() as u64;
            let ends = self.bytes(of_ends).as_chunks().0;
            check::last_end(&self.path(of_ends), ends, bytes, unit)?;
            if checks == Checks::All {
                check::ascending(&self.path(of_ends), ends)?;
            }
        }
        Ok(())
    }

    fn check_sums(&self, entries: &[(Section, &Entry)]) -> Result<(), Error> {
        let check = |(section, entry): &(Section, &Entry)| {
            let path = self.path(*section);
            match checksum::of_file(&path) {
                Ok((_, sum)) if hex(sum) == entry.xxh3_128 => None,
                Ok(_) => Some(Problem::at(&path, What::Checksum)),
                Err(error) => Some(Problem::io("read", &path, &error)),
            }
        };
        let problems: Vec<Option<Error>> = entries.par_iter().map(check).collect();
        problems.into_iter().flatten().next().map_or(Ok(()), Err)
    }

    /// The properties of the index.
    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// Fails if the ids have another type.
    pub(crate) fn expect_ids(&self, asked: &'static str) -> Result<(), Error> {
        if self.about.id_kind == asked {
            return Ok(());
        }
        let stored = self.about.id_kind.clone();
        Err(Problem::at(
            &self.header_path(),
            What::IdKind { stored, asked },
        ))
    }

    /// The number of documents.
    pub(crate) fn len(&self) -> u32 {
        self.about.documents
    }

    /// The file of a section, for messages.
    pub(crate) fn path(&self, section: Section) -> PathBuf {
        self.sections.join(section.file())
    }

    /// The header's file, for messages.
    pub(crate) fn header_path(&self) -> PathBuf {
        self.dir.join(header::FILE)
    }

    /// True if the index has this section.
    pub(crate) fn has(&self, section: Section) -> bool {
        self.maps[section as usize].is_some()
    }

    /// The bytes of a section; empty if there is no such section.
    fn bytes(&self, section: Section) -> &[u8] {
        self.maps[section as usize].as_deref().unwrap_or_default()
    }

    pub(crate) fn ids(&self) -> Ids<'_> {
        Ids {
            bytes: self.bytes(Section::Ids),
            ends: self.bytes(Section::IdEnds).as_chunks().0,
            table: Table::of(self.bytes(Section::IdTable)),
        }
    }

    pub(crate) fn signatures(&self) -> Signatures<'_> {
        Signatures {
            slots: self.bytes(Section::Signatures).as_chunks().0,
            hashes: self.about.scheme.hashes(),
        }
    }

    pub(crate) fn bands(&self) -> Bands<'_> {
        Bands {
            bytes: self.bytes(Section::Bands),
            bands: self.about.banding.0,
        }
    }

    /// The shingle sets, if they are stored.
    #[cfg(feature = "corpus")]
    pub(crate) fn sets(&self) -> Option<Sets<'_>> {
        self.has(Section::Sets).then(|| Sets {
            hashes: self.bytes(Section::Sets).as_chunks().0,
            ends: self.bytes(Section::SetEnds).as_chunks().0,
        })
    }

    /// The number of documents that each document stands for; empty if they are not stored.
    #[cfg(feature = "corpus")]
    pub(crate) fn counts(&self) -> &[[u8; 8]] {
        self.bytes(Section::Counts).as_chunks().0
    }

    /// The numbers of the repeated passages, if they are stored.
    #[cfg(feature = "corpus")]
    pub(crate) fn aside(&self) -> Option<impl Iterator<Item = u64>> {
        let numbers = self.bytes(Section::Aside).as_chunks().0.iter();
        let numbers = numbers.map(|&number| u64::from_le_bytes(number));
        self.has(Section::Aside).then_some(numbers)
    }

    /// The number of documents that were counted, and the frequencies of their shingles, if they are stored.
    #[cfg(feature = "corpus")]
    pub(crate) fn frequencies(&self) -> Option<(u64, &[StoredFrequency])> {
        let (first, rest) = self
            .bytes(Section::Frequencies)
            .as_chunks()
            .0
            .split_first()?;
        Some((decoded(first).0, rest))
    }

    /// Reads the documents one after the other. Their shingle sets must be stored.
    #[cfg(feature = "corpus")]
    pub(crate) fn read_documents(&self) -> Result<DocumentReader, Error> {
        let list = |section: Section| {
            let (ends, unit) = section.ends().unwrap_or((section, 1));
            ListReader::open(self.path(section), self.path(ends), unit)
        };
        let (ids, sets) = (list(Section::Ids)?, list(Section::Sets)?);
        let counts = SectionReader::open(self.path(Section::Counts))?;
        Ok(DocumentReader::new(ids, sets, counts, self.len()))
    }

    /// The folder of the index, as given by the caller.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The checksum of the header, which identifies the index with all its sections.
    pub(crate) fn checksum(&self) -> &str {
        &self.checksum
    }
}

fn read_header(dir: &Path) -> Result<Vec<u8>, Error> {
    let path = dir.join(header::FILE);
    fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound if dir.is_dir() => Problem::at(dir, What::NoIndex),
        _ => Problem::io("read", &path, &error),
    })
}
