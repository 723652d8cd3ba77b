//! Saving an index to files, and opening it (feature `storage`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Index, Mapped, Resident};
use crate::error::{Error, Kind};
use crate::lsh::Banding;
use crate::passing::resolve;
use crate::sketch::Sketcher;
use crate::storage::{About, Checks, Problem, Section, StoredId, Writer};

/// Bytes of band keys that are sorted together.
const HELD: usize = 1 << 28;

impl<Id: StoredId> Index<Id> {
    /// Saves the index as a directory, to be opened by [`open`](Self::open) (feature `storage`).
    ///
    /// The index is written beside `dir` and moved there when it is complete. An existing index, even the one that this
    /// index was opened from, is replaced in one step: a process that opens `dir` meanwhile, or after a crash, finds
    /// the old index or the new one. Documents are written in the order of insertion; the same documents and settings
    /// give the same bytes. A document takes about 0.8 KB with the defaults, plus its id:
    /// [`docs/index-format.md`](crate::guides::index_format) describes the format.
    ///
    /// ```
    /// use resemblance::{Deduper, Index};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let place = folder.path().join("articles");
    /// let mut index: Index<String> = Deduper::new().index();
    /// index.insert("monday".to_owned(), "the council has voted to repair the old harbour wall")?;
    /// index.save(&place)?;
    ///
    /// let mut index: Index<String> = Index::open(&place)?;
    /// index.insert("tuesday".to_owned(), "the ferry goes back into service after nine years")?;
    /// let found = index.query("The council has voted to repair the old harbour wall!");
    /// assert_eq!(found[0].id, "monday");
    /// assert!(index.remove("monday") && index.len() == 1);
    /// index.save(&place)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Sorting the tables takes 16 bytes of memory per document and band, but at most 256 MiB, or the size of one band
    /// if that is more. Data that another program stored with the index, such as shingle sets or its own notes, is not
    /// written.
    ///
    /// # Errors
    /// - If `dir` is something other than an index or an empty directory, or cannot be written.
    /// - If another process is writing the index there, or has replaced the index that this one was opened from:
    ///   documents that it inserted would be lost.
    ///
    /// After an error, `dir` is unchanged.
    pub fn save(&self, dir: impl AsRef<Path>) -> Result<(), Error> {
        let about = self.about()?;
        let mut writer = Writer::create(dir.as_ref())?;
        self.saved.is_replaced_by(&writer)?;
        let mut ids = writer.list(Section::Ids)?;
        let mut signatures = writer.section(Section::Signatures)?;
        let mut bytes = Vec::new();
        self.for_each(|id, slots| {
            bytes.clear();
            id.to_bytes(&mut bytes);
            ids.push(&bytes)?;
            signatures.put_u32s(slots.iter().copied())
        })?;
        writer.finish_list(ids)?;
        writer.finish(signatures)?;
        let banding = self.banding;
        writer.write_tables(&about, HELD, |band, slots| banding.key(band, slots))?;
        let checksum = writer.seal(&about)?;
        let place = writer.place().to_owned();
        writer.put()?;
        self.saved.set(place, checksum);
        Ok(())
    }

    fn about(&self) -> Result<About, Error> {
        let documents = u32::try_from(self.len()).ok().filter(|&n| n != u32::MAX);
        let too_many = || Error::new(Kind::TooManyDocuments(self.len()));
        Ok(About {
            documents: documents.ok_or_else(too_many)?,
            id_kind: Id::KIND.to_owned(),
            scheme: *self.sketcher.scheme(),
            banding: (self.banding.bands(), self.banding.rows()),
            threshold: self.threshold,
            application: BTreeMap::new(),
        })
    }

    /// Opens a saved index (feature `storage`).
    ///
    /// Its files are mapped, not loaded. So an open index of any size takes hardly any memory, and the system's file
    /// cache serves its data. Documents that are inserted later are in memory, as in an index that was never saved;
    /// removed documents are marked as removed. [`save`](Self::save) writes both changes. Queries give the same answers
    /// as on an index that was never saved.
    ///
    /// All files are read once to verify their checksums, at the speed of the disk or the system's file cache.
    /// [`open_unverified`](Self::open_unverified) skips this.
    ///
    /// The files must not be changed while they are mapped. Saving to the same place does not change them: it writes new
    /// files and removes the old ones. But if another program truncates a mapped file, reading the missing part kills this
    /// process on Unix (SIGBUS).
    ///
    /// # Errors
    /// If there is no index, or it has another format version, ids of another type, or any damage. The error names the
    /// file.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(dir.as_ref(), Checks::All)
    }

    /// Opens a saved index without reading its files: checks only the header and the file sizes (feature `storage`).
    ///
    /// Use it for an index that was verified before. Any other damage leads to wrong or missing answers, but never to a
    /// panic or a read outside the files.
    ///
    /// # Errors
    /// If there is no index, or it has another format version, ids of another type, or a wrong header or file size. The
    /// error names the file.
    pub fn open_unverified(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(dir.as_ref(), Checks::Sizes)
    }

    fn open_with(dir: &Path, checks: Checks) -> Result<Self, Error> {
        let mapped = Mapped::open(dir, checks)?;
        let about = mapped.stored().about();
        let bad = |error: Error| Problem::bad(&mapped.stored().header_path(), error.to_string());
        let (bands, rows) = about.banding;
        let banding = Banding::new(bands, rows).map_err(bad)?;
        let sketcher = Sketcher::new(about.scheme);
        let empty = Self::new(sketcher, banding, about.threshold).map_err(bad)?;
        let next = u64::from(mapped.rows());
        let saved = Saved::default();
        let dir = mapped.stored().dir();
        let place = resolve(dir).map_err(|error| Problem::io("read", dir, &error))?;
        saved.set(place, mapped.stored().checksum().to_owned());
        Ok(Self {
            resident: Resident::new(about.scheme, banding.bands(), next),
            mapped: Some(mapped),
            saved,
            ..empty
        })
    }
}

/// The files from which an index was opened, or to which it was last saved: their path, and the checksum of their
/// header.
#[derive(Debug, Default)]
pub(super) struct Saved(Mutex<Option<(PathBuf, String)>>);

impl Saved {
    /// Fails if the files at this path are not these any more.
    fn is_replaced_by(&self, writer: &Writer) -> Result<(), Error> {
        match &*self.lock() {
            Some((place, checksum))
                if place == writer.place()
                    && writer.replaces().is_some_and(|now| now != checksum) =>
            {
                Err(writer.changed())
            }
            _ => Ok(()),
        }
    }

    fn set(&self, place: PathBuf, checksum: String) {
        *self.lock() = Some((place, checksum));
    }

    /// Ignores poisoning: a thread that panics does not leave a partial change.
    fn lock(&self) -> MutexGuard<'_, Option<(PathBuf, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Saved {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.lock().clone()))
    }
}
