//! Writes a stored index: first the sections, then the header.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::check;
use super::error::{Problem, What};
use super::header::{self, About, Header};
use super::id::hash_of_id;
use super::place::Place;
use super::read::{ListReader, SectionReader};
use super::section::{Entry, ListWriter, Section, SectionWriter};
use crate::checksum;
use crate::error::Error;
use crate::passing::Folder;
use crate::sketch::EMPTY;

/// Writes a stored index beside its final path. If it is dropped before [`put`](Self::put), nothing is left.
pub(crate) struct Writer {
    place: Place,
    folder: Folder,
    written: BTreeMap<Section, Entry>,
    /// The name of the sections' folder, once the index is sealed.
    sealed: Option<String>,
}

/// The name of the sections' folder before the index is sealed.
const SECTIONS: &str = "sections";

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writer").field(&self.place.path()).finish()
    }
}

/// Keys of a table with their rows, before they are written.
type Pairs = Vec<(u64, u32)>;

/// The number of documents whose keys are made together, so that their signatures stay in a cache.
const TOGETHER: u32 = 1 << 12;

impl Writer {
    /// Starts to write an index for `dir`.
    ///
    /// # Errors
    /// If there is something else than an index at `dir`, if another process is writing that index, or if nothing can
    /// be written beside it.
    pub(crate) fn create(dir: &Path) -> Result<Self, Error> {
        let place = Place::new(dir)?;
        let make = || {
            let folder = Folder::beside(place.path())?;
            fs::create_dir(folder.path().join(SECTIONS)).map(|()| folder)
        };
        Ok(Self {
            folder: make().map_err(|error| Problem::io("write", place.path(), &error))?,
            place,
            written: BTreeMap::new(),
            sealed: None,
        })
    }

    /// The final path of the index, with links resolved.
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    /// The checksum of the header of the index that will be replaced.
    pub(crate) fn replaces(&self) -> Option<&str> {
        self.place.before()
    }

    /// The error if the index to replace has changed.
    pub(crate) fn changed(&self) -> Error {
        Problem::at(self.place(), What::Changed)
    }

    /// Starts to write a section.
    pub(crate) fn section(&self, section: Section) -> Result<SectionWriter, Error> {
        SectionWriter::create(&self.sections(), section)
    }

    /// Starts to write a section with parts of any length, and the section of their ends.
    pub(crate) fn list(&self, section: Section) -> Result<ListWriter, Error> {
        ListWriter::create(&self.sections(), section)
    }

    /// Finishes a section.
    pub(crate) fn finish(&mut self, writer: SectionWriter) -> Result<(), Error> {
        let (section, entry) = writer.finish()?;
        self.written.insert(section, entry);
        Ok(())
    }

    /// Finishes a section with parts of any length, and the section of their ends.
    pub(crate) fn finish_list(&mut self, writer: ListWriter) -> Result<(), Error> {
        self.finish(writer.parts)?;
        self.finish(writer.ends)
    }

    /// Writes the tables that are derived from ids and signatures: the table of ids, and those of the bands. `key`
    /// returns the key of a band. Takes 16 bytes of memory a document and band, limited to the larger of `most` and
    /// what one band takes.
    pub(crate) fn write_tables(
        &mut self,
        about: &About,
        most: usize,
        key: impl Fn(usize, &[u32]) -> u64 + Sync,
    ) -> Result<(), Error> {
        self.write_id_table(about)?;
        self.write_bands(about, most, key)
    }

    fn write_id_table(&mut self, about: &About) -> Result<(), Error> {
        let (ids, ends) = (self.path(Section::Ids), self.path(Section::IdEnds));
        let mut ids = ListReader::open(ids, ends, 1)?;
        let mut id = Vec::new();
        let mut pairs = Pairs::with_capacity(about.documents as usize);
        for row in 0..about.documents {
            ids.next_into(&mut id)?;
            pairs.push((hash_of_id(&id), row));
        }
        let mut writer = self.section(Section::IdTable)?;
        write_table(&mut writer, pairs)?;
        self.finish(writer)
    }

    fn write_bands(
        &mut self,
        about: &About,
        most: usize,
        key: impl Fn(usize, &[u32]) -> u64 + Sync,
    ) -> Result<(), Error> {
        let bands = about.banding.0;
        let of_band = size_of::<(u64, u32)>() * about.documents.max(1) as usize;
        let at_once = (most / of_band).max(1);
        let mut writer = self.section(Section::Bands)?;
        for first in (0..bands).step_by(at_once) {
            let last = bands.min(first + at_once);
            for pairs in self.pairs_of_bands(about, first..last, &key)? {
                write_table(&mut writer, pairs)?;
            }
        }
        self.finish(writer)
    }

    /// The tables of some bands, unsorted. Reads the signatures once for all these bands.
    fn pairs_of_bands(
        &self,
        about: &About,
        bands: Range<usize>,
        key: &(impl Fn(usize, &[u32]) -> u64 + Sync),
    ) -> Result<Vec<Pairs>, Error> {
        let hashes = about.scheme.hashes();
        let mut signatures = SectionReader::open(self.path(Section::Signatures))?;
        // Not `vec![...]`: clones of a vector do not keep its capacity.
        let table = |_| Pairs::with_capacity(about.documents as usize);
        let mut tables: Vec<Pairs> = bands.clone().map(table).collect();
        let (mut bytes, mut slots) = (Vec::new(), Vec::new());
        for first in (0..about.documents).step_by(TOGETHER as usize) {
            let rows = first..about.documents.min(first + TOGETHER);
            bytes.resize(4 * hashes * rows.len(), 0);
            signatures.fill(&mut bytes)?;
            slots.clear();
            slots.extend(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&slot| u32::from_le_bytes(slot)),
            );
            let add = |(table, band): (&mut Pairs, usize)| {
                let rows = slots.chunks_exact(hashes).zip(rows.clone());
                let rows = rows.filter(|(slots, _)| slots[0] != EMPTY);
                table.extend(rows.map(|(slots, row)| (key(band, slots), row)));
            };
            tables.par_iter_mut().zip(bands.clone()).for_each(add);
        }
        Ok(tables)
    }

    /// The folder of the sections while they are written.
    fn sections(&self) -> PathBuf {
        self.folder.path().join(SECTIONS)
    }

    /// The file of a section.
    fn path(&self, section: Section) -> PathBuf {
        self.sections().join(section.file())
    }

    /// Writes the header, and returns its checksum. After that, nothing can be added.
    ///
    /// # Errors
    /// If sections are missing, or do not have the number of documents that `about` states.
    pub(crate) fn seal(&mut self, about: &About) -> Result<String, Error> {
        let path = self.folder.path().join(header::FILE);
        for section in Section::ALL {
            match self.written.get(&section) {
                Some(entry) => check::size(&path, section, entry.bytes, about)?,
                None if section.is_optional() => {}
                None => return Err(Problem::bad(&path, format!("no {}", section.name()))),
            }
        }
        let entries = std::mem::take(&mut self.written).into_values();
        let mut header = Header::new(about, entries.collect());
        let text = header.encode();
        let write = || {
            fs::rename(self.sections(), self.folder.path().join(header.folder()))?;
            let mut file = File::create_new(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error| Problem::io("write", &path, &error))?;
        self.sealed = Some(header.folder().to_owned());
        Ok(checksum::of(text.as_bytes()))
    }

    /// Fails if the index is not sealed, or its place has changed.
    #[cfg(feature = "corpus")]
    pub(crate) fn can_be_put(&self) -> Result<(), Error> {
        match &self.sealed {
            Some(_) => self.place.check(),
            None => Err(Problem::at(self.place(), What::Unwritten)),
        }
    }

    /// Moves the sealed index to its final path in one step. A process that opens it sees this index, or the one that
    /// it replaces.
    ///
    /// # Errors
    /// If the index is not sealed, or the content of the path has changed since [`create`](Self::create). That content
    /// is then left unchanged.
    pub(crate) fn put(self) -> Result<(), Error> {
        match self.sealed {
            Some(sections) => self.place.put(self.folder, &sections),
            None => Err(Problem::at(self.place.path(), What::Unwritten)),
        }
    }
}

fn write_table(writer: &mut SectionWriter, mut pairs: Pairs) -> Result<(), Error> {
    pairs.par_sort_unstable();
    writer.put_u64s(pairs.iter().map(|(key, _)| *key))?;
    writer.put_u32s(pairs.iter().map(|(_, row)| *row))
}
