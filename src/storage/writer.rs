//! Writes a stored index: sections first, the header last.

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

/// A stored index in the making, beside its place. Dropped before it is committed, it leaves nothing.
pub(crate) struct Writer {
    place: Place,
    folder: Folder,
    written: BTreeMap<Section, Entry>,
    /// The folder of the sections, once the index is sealed.
    sealed: Option<String>,
}

/// The folder of the sections before that.
const SECTIONS: &str = "sections";

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writer").field(&self.place.path()).finish()
    }
}

/// Keys of a table and their rows, before they are written.
type Pairs = Vec<(u64, u32)>;

/// Documents whose keys are made together: their signatures stay in a cache.
const TOGETHER: u32 = 1 << 12;

impl Writer {
    /// Begins an index that will lie at `dir`.
    ///
    /// # Errors
    /// Where something lies there that is no index, another process writes that, or nothing can be written beside it.
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

    /// Where the index will lie, links followed.
    pub(crate) fn place(&self) -> &Path {
        self.place.path()
    }

    /// The checksum of the header of the index that will be replaced.
    pub(crate) fn replaces(&self) -> Option<&str> {
        self.place.before()
    }

    /// The error where something else is to be replaced.
    pub(crate) fn changed(&self) -> Error {
        Problem::at(self.place(), What::Changed)
    }

    /// Begins a section.
    pub(crate) fn section(&self, section: Section) -> Result<SectionWriter, Error> {
        SectionWriter::create(&self.sections(), section)
    }

    /// Begins a section with ends, and these.
    pub(crate) fn list(&self, section: Section) -> Result<ListWriter, Error> {
        ListWriter::create(&self.sections(), section)
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
    /// a band. Takes 16 bytes a document and band, but no more than `most` or what one band takes, whichever is more.
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

    /// The tables of some bands, unsorted. The signatures are read once for all of them.
    fn pairs_of_bands(
        &self,
        about: &About,
        bands: Range<usize>,
        key: &(impl Fn(usize, &[u32]) -> u64 + Sync),
    ) -> Result<Vec<Pairs>, Error> {
        let hashes = about.scheme.hashes();
        let mut signatures = SectionReader::open(self.path(Section::Signatures))?;
        // Clones would have no room.
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

    /// The folder of the sections, as long as these are written.
    fn sections(&self) -> PathBuf {
        self.folder.path().join(SECTIONS)
    }

    /// The file of a section.
    fn path(&self, section: Section) -> PathBuf {
        self.sections().join(section.file())
    }

    /// Writes the header, and tells its checksum: nothing can be added then.
    ///
    /// # Errors
    /// Where sections are missing or are not of as many documents as `about` says.
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

    /// Refuses an index that is not sealed, or whose place has changed since.
    #[cfg(feature = "corpus")]
    pub(crate) fn can_be_put(&self) -> Result<(), Error> {
        match &self.sealed {
            Some(_) => self.place.check(),
            None => Err(Problem::at(self.place(), What::Unwritten)),
        }
    }

    /// Puts the index in its place, once it is sealed, in one step: who opens it finds this one, or the one that it
    /// replaces.
    ///
    /// # Errors
    /// Where another has been put there since [`create`](Self::create), or something that is no index; what is there
    /// stays then.
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
