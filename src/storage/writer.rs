//! Writes a stored index: sections first, the header last.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use filebuffer::FileBuffer;
use rayon::prelude::*;
use tempfile::TempDir;

use super::check;
use super::error::Problem;
use super::header::{self, About, Entry, Header};
use super::id::hash_of_id;
use super::place;
use super::section::{ListWriter, Section, SectionWriter};
use super::table::Table;
use super::view::{Ids, Signatures};
use crate::error::Error;

/// A stored index in the making, beside its place. Dropped before it is committed, it leaves nothing.
pub(crate) struct Writer {
    place: PathBuf,
    folder: TempDir,
    written: BTreeMap<Section, Entry>,
}

/// Keys of a table and their rows, before they are written.
type Pairs = Vec<(u64, u32)>;

/// Bytes of pairs that are held at once, at least those of one table.
const HELD: usize = 1 << 28;

/// Documents whose keys are made together: their signatures stay in a cache.
const TOGETHER: usize = 1 << 12;

impl Writer {
    /// Begins an index that will lie at `dir`.
    ///
    /// # Errors
    /// Where something lies there that is no index, or nothing can be written beside it.
    pub(crate) fn create(dir: &Path) -> Result<Self, Error> {
        let place = place::resolve(dir)?;
        place::occupant(&place)?;
        Ok(Self {
            folder: place::folder_beside(&place)?,
            place,
            written: BTreeMap::new(),
        })
    }

    /// Begins a section.
    pub(crate) fn section(&self, section: Section) -> Result<SectionWriter, Error> {
        SectionWriter::create(self.folder.path(), section)
    }

    /// Begins a section with ends, and these.
    pub(crate) fn list(&self, section: Section) -> Result<ListWriter, Error> {
        ListWriter::create(self.folder.path(), section)
    }

    /// Ends a section.
    pub(crate) fn finish(&mut self, writer: SectionWriter) -> Result<(), Error> {
        let (section, entry) = writer.finish()?;
        self.written.insert(section, entry);
        Ok(())
    }

    /// Ends a section with ends.
    pub(crate) fn finish_list(&mut self, writer: ListWriter) -> Result<(), Error> {
        self.finish(writer.parts)?;
        self.finish(writer.ends)
    }

    /// Writes what follows from ids and signatures: the table of ids and those of the bands, `key` being the key of
    /// a band. Takes 16 bytes a document and band, but no more than 256 MiB or what one band takes, whichever is
    /// more.
    pub(crate) fn write_tables(
        &mut self,
        about: &About,
        key: impl Fn(usize, &[u32]) -> u64 + Sync,
    ) -> Result<(), Error> {
        self.write_id_table(about)?;
        self.write_bands(about, key)
    }

    fn write_id_table(&mut self, about: &About) -> Result<(), Error> {
        let (bytes, ends) = (self.map(Section::Ids)?, self.map(Section::IdEnds)?);
        let ids = Ids {
            bytes: &bytes,
            ends: ends.as_chunks().0,
            table: Table::of(&[]),
        };
        let hash = |row| (hash_of_id(ids.id(row).unwrap_or_default()), row);
        let pairs = (0..about.documents).into_par_iter().map(hash).collect();
        let mut writer = self.section(Section::IdTable)?;
        write_table(&mut writer, pairs)?;
        self.finish(writer)
    }

    fn write_bands(
        &mut self,
        about: &About,
        key: impl Fn(usize, &[u32]) -> u64 + Sync,
    ) -> Result<(), Error> {
        let slots = self.map(Section::Signatures)?;
        let signatures = Signatures {
            slots: slots.as_chunks().0,
            hashes: about.scheme.hashes(),
        };
        let rows: Vec<u32> = signatures.not_empty().collect();
        let bands = about.banding.0;
        let at_once = HELD / (size_of::<(u64, u32)>() * rows.len().max(1));
        let mut writer = self.section(Section::Bands)?;
        for first in (0..bands).step_by(at_once.max(1)) {
            let last = bands.min(first + at_once.max(1));
            for pairs in pairs_of_bands(&signatures, &rows, first..last, &key) {
                write_table(&mut writer, pairs)?;
            }
        }
        self.finish(writer)
    }

    fn map(&self, section: Section) -> Result<FileBuffer, Error> {
        let path = self.folder.path().join(section.file());
        FileBuffer::open(&path).map_err(|error| Problem::io("read", &path, &error))
    }

    /// Writes the header and puts the index in its place; one that was there is replaced.
    ///
    /// # Errors
    /// Where sections are missing or are not of as many documents as `about` says, or something lies at the place
    /// that is no index; what was there stays then.
    pub(crate) fn commit(self, about: &About) -> Result<(), Error> {
        let path = self.folder.path().join(header::FILE);
        for section in Section::ALL {
            match self.written.get(&section) {
                Some(entry) => check::size(&path, section, entry.bytes, about)?,
                None if section.is_optional() => {}
                None => return Err(Problem::bad(&path, format!("no {}", section.name()))),
            }
        }
        let header = Header::new(about, self.written.into_values().collect()).encode();
        let write = || {
            let mut file = File::create_new(&path)?;
            file.write_all(header.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| Problem::io("write", &path, &error))?;
        place::put(self.folder, &self.place)
    }
}

/// The tables of some bands, unsorted. The signatures are read once for all of them.
fn pairs_of_bands(
    signatures: &Signatures<'_>,
    rows: &[u32],
    bands: std::ops::Range<usize>,
    key: &(impl Fn(usize, &[u32]) -> u64 + Sync),
) -> Vec<Pairs> {
    let mut tables = vec![Pairs::with_capacity(rows.len()); bands.len()];
    for rows in rows.chunks(TOGETHER) {
        tables
            .par_iter_mut()
            .zip(bands.clone())
            .for_each(|(table, band)| {
                let mut slots = Vec::new();
                table.extend(rows.iter().map(|&row| {
                    signatures.copy_row(row, &mut slots);
                    (key(band, &slots), row)
                }));
            });
    }
    tables
}

fn write_table(writer: &mut SectionWriter, mut pairs: Pairs) -> Result<(), Error> {
    pairs.par_sort_unstable();
    writer.put_u64s(pairs.iter().map(|(key, _)| *key))?;
    writer.put_u32s(pairs.iter().map(|(_, row)| *row))
}
