//! What has been done, so that a job that was stopped can go on.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::boundary::IndexedFrom;
use crate::checksum::{self, hex};
use crate::corpus::error::Error;
use crate::corpus::escape::escaped_bytes;
use crate::corpus::inputs::input::Input;
use crate::corpus::job::answers::clusters::Counted;
use crate::corpus::job::disk::folder::{Folder, Whole};
use crate::corpus::job::disk::names::{self, INPUTS, LOCK};
use crate::corpus::limit::ReadLimit;
use crate::corpus::work_folder::{FORMAT, MANIFEST, is_work_folder};
use crate::passing::{PREFIX, hold};

/// The state of a job, as it stands in its work folder. Each stage is entered when all its files are whole.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// None where the files of earlier work are being removed.
    pub(crate) settings: JobSettings,
    /// A hash of the names, sizes and times of the inputs, which stand in a file of their own.
    inputs: String,
    pub(crate) read: Option<ReadDone>,
    pub(crate) picked: Option<PickedDone>,
    pub(crate) sets: Option<SetsDone>,
    pub(crate) found: Option<FoundDone>,
    pub(crate) decided: Option<DecidedDone>,
    /// The checksum of the index that was written.
    pub(crate) saved: Option<String>,
}

impl Manifest {
    /// The files that what is left to do needs.
    fn needed(&self) -> Vec<&Whole> {
        let mut needed = Vec::new();
        if let Some(read) = &self.read {
            needed.extend([&read.rows, &read.ends, &read.rejections]);
            if self.picked.is_none() {
                needed.extend([&read.found_by, &read.fingerprints, &read.ids]);
            }
        }
        if let Some(picked) = &self.picked {
            needed.extend([&picked.repeated, &picked.firsts, &picked.marks]);
            needed.extend(&picked.crowds);
            needed.extend(picked.candidates.as_ref().filter(|_| self.found.is_none()));
        }
        if let Some(sets) = &self.sets {
            needed.extend([&sets.rejections, &sets.marks, &sets.sets, &sets.index]);
        }
        if let Some(found) = &self.found {
            needed.push(&found.edges);
        }
        needed.extend(self.decided.as_ref().map(|decided| &decided.clusters));
        needed
    }
}

/// Settings of a job and their names, those first that others follow from: what the decisions depend on.
pub(crate) type JobSettings = Vec<(String, String)>;

/// The inputs have been read once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReadDone {
    pub(crate) documents: u32,
    pub(crate) text_bytes: u64,
    /// What was read of the inputs: records up to the longest that was taken.
    pub(crate) limit: ReadLimit,
    /// Bytes of memory that a record takes, at most, about.
    pub(crate) heaviest: u64,
    /// Records that were rejected on the way.
    pub(crate) rejections: Whole,
    /// For each input, the documents read once it was read.
    pub(crate) ends: Whole,
    pub(crate) rows: Whole,
    /// Keys of bands, or sampled hashes.
    pub(crate) found_by: Whole,
    pub(crate) fingerprints: Whole,
    pub(crate) ids: Whole,
}

impl ReadDone {
    /// The documents of indexes, after those that were read.
    pub(crate) fn indexed_from(&self) -> IndexedFrom {
        IndexedFrom::after(self.documents as usize)
    }
}

/// Documents that may have partners are known.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PickedDone {
    /// Documents whose ids were used before, and the first that has each.
    pub(crate) repeated: Whole,
    pub(crate) firsts: Whole,
    pub(crate) marks: Whole,
    /// Whether those that may have partners are looked at a second time.
    pub(crate) is_narrowed: bool,
    /// Documents that share a bucket, by LSH.
    pub(crate) candidates: Option<Whole>,
    /// The crowds of each document.
    pub(crate) crowds: Option<Whole>,
    /// Pairs in the buckets that are crowded.
    pub(crate) crowded: u64,
    /// Documents without shingles.
    pub(crate) empty: usize,
}

/// The shingle sets of all candidates are there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SetsDone {
    /// What is known of each document after a second look.
    pub(crate) marks: Whole,
    pub(crate) sets: Whole,
    /// Of each record its document and its length.
    pub(crate) index: Whole,
    /// All records that were rejected.
    pub(crate) rejections: Whole,
    /// Bytes of the texts of documents that were rejected after they were read.
    pub(crate) late_bytes: u64,
}

/// All pairs that share a band or a rare shingle are verified.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FoundDone {
    pub(crate) edges: Whole,
}

/// The clusters are there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DecidedDone {
    pub(crate) clusters: Whole,
    pub(crate) counted: Counted,
}

const VERSION: u32 = 5;

impl Manifest {
    /// The bytes of its file: a line that says what it is, and what it says.
    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let text = serde_json::to_vec_pretty(self)?;
        let line = format!("{FORMAT} {VERSION} {}\n", checksum::of(&text));
        Ok([line.as_bytes(), &text].concat())
    }

    /// What a manifest says, or what is wrong with it.
    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let damaged = || format!("{MANIFEST} is damaged");
        let line_end = bytes.iter().position(|&byte| byte == b'\n');
        let (line, text) = bytes.split_at(line_end.ok_or_else(damaged)?);
        let text = &text[1..];
        let line = std::str::from_utf8(line).map_err(|_| damaged())?;
        let told = line.strip_prefix(FORMAT).ok_or_else(damaged)?;
        let (version, checksum) = told.trim_start().split_once(' ').ok_or_else(damaged)?;
        if version != VERSION.to_string() {
            return Err(format!(
                "its format version is {version}, but this program uses version {VERSION}"
            ));
        }
        if checksum != checksum::of(text) {
            return Err(damaged());
        }
        serde_json::from_slice(text).map_err(|error| format!("{MANIFEST} cannot be read: {error}"))
    }
}

/// An input as it was.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    path: String,
    size: u64,
    /// Nanoseconds since 1970.
    modified: Option<u128>,
}

impl Stamp {
    fn of(input: &Input) -> Self {
        let modified = fs::metadata(&input.path).and_then(|found| found.modified());
        let since = modified
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            path: escaped_bytes(input.path.as_os_str()),
            size: input.size,
            modified: since.map(|since| since.as_nanos()),
        }
    }
}

/// A work folder that nobody else works in, and its manifest.
pub(crate) struct Work {
    pub(crate) folder: Folder,
    pub(crate) manifest: Manifest,
    /// Held as long as the work goes on. None where the folder is this run's alone.
    lock: Option<File>,
}

impl Work {
    /// One for this run alone.
    pub(crate) fn passing() -> Result<Self, Error> {
        Ok(Self {
            folder: Folder::passing()?,
            manifest: Manifest::default(),
            lock: None,
        })
    }

    /// The work in a folder, as far as it has come; from its beginning where it is `fresh`.
    pub(crate) fn resume(
        folder: Folder,
        settings: JobSettings,
        inputs: &[Input],
        fresh: bool,
    ) -> Result<Self, Error> {
        let is_ours = is_ours(&folder)?; // before anything is written to it
        let lock = lock(&folder)?;
        let stamps: Vec<Stamp> = inputs.iter().map(Stamp::of).collect();
        let lines = lines(&stamps)?;
        let manifest = Manifest {
            settings,
            inputs: checksum::of(&lines),
            ..Manifest::default()
        };
        let mut work = Self {
            folder,
            manifest,
            lock: Some(lock),
        };
        let found = match is_ours {
            true => Some(work.found()?),
            false => None,
        };
        match found {
            Some(found) if !fresh && !found.settings.is_empty() => {
                work.is_of(&found, &stamps)?;
                work.check(&found)?;
                work.manifest = found;
                work.remove(&passing(&work.folder)?)?;
            }
            found => {
                if found.is_some() {
                    work.clear()?;
                }
                // The manifest comes first: without it no file is ours.
                work.save_as(&Manifest::default())?;
                work.write_whole(INPUTS, &lines)?;
                work.save()?;
            }
        }
        Ok(work)
    }

    fn found(&self) -> Result<Manifest, Error> {
        let path = self.folder.file(MANIFEST);
        let text = fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
        Manifest::decode(&text).map_err(|why| {
            let path = escaped_bytes(self.folder.path().as_os_str());
            Error::refused(format!(
                "the work in {path} cannot go on: {why}; remove the folder, or use another one"
            ))
        })
    }

    /// Refuses work of other settings or inputs.
    fn is_of(&self, found: &Manifest, stamps: &[Stamp]) -> Result<(), Error> {
        let none = ("a setting".to_owned(), "not there".to_owned());
        let settings = &self.manifest.settings;
        for place in 0..settings.len().max(found.settings.len()) {
            let (name, is) = settings.get(place).unwrap_or(&none);
            let (_, was) = found.settings.get(place).unwrap_or(&none);
            if name == "against" && found.saved.as_ref().is_some_and(|saved| is.contains(saved)) {
                return Err(Error::refused(format!(
                    "the work in {} is done: its outputs are in their places, and so is its index, which it would \
                     go by reread; remove the folder",
                    escaped_bytes(self.folder.path().as_os_str())
                )));
            }
            if was != is {
                return Err(self.refused(&format!("{name} was `{was}` and is `{is}`")));
            }
        }
        if found.inputs == self.manifest.inputs {
            return Ok(());
        }
        Err(self.refused(&self.what_changed(stamps)?))
    }

    fn what_changed(&self, stamps: &[Stamp]) -> Result<String, Error> {
        let path = self.folder.file(INPUTS);
        let text = fs::read_to_string(&path).map_err(|error| Error::io("read", &path, error))?;
        let stamp = |line| serde_json::from_str::<Stamp>(line).ok();
        let before: Vec<Stamp> = text.lines().filter_map(stamp).collect();
        let named = |stamps: &[Stamp], path: &str| stamps.iter().any(|s| s.path == path);
        let gone = before.iter().find(|old| !named(stamps, &old.path));
        let new = stamps.iter().find(|new| !named(&before, &new.path));
        let changed = stamps.iter().zip(&before).find(|(new, old)| new != old);
        Ok(match (gone, new, changed) {
            (Some(gone), ..) => format!("input {} is gone", gone.path),
            (_, Some(new), _) => format!("input {} is new", new.path),
            (_, _, Some((new, old))) if new.path == old.path => {
                format!("input {} has changed", new.path)
            }
            _ => "the inputs come in another order".to_owned(),
        })
    }

    fn refused(&self, why: &str) -> Error {
        let path = escaped_bytes(self.folder.path().as_os_str());
        Error::refused(format!(
            "the work in {path} cannot go on: {why}; start it afresh, or use another folder"
        ))
    }

    /// Removes what earlier work has left. The manifest is there until the rest is gone, but says that it goes.
    fn clear(&self) -> Result<(), Error> {
        self.save_as(&Manifest::default())?;
        let mut names = files_of(&self.folder)?;
        names.retain(|name| name != LOCK);
        names.sort_by_key(|name| name == MANIFEST);
        self.remove(&names)
    }

    fn remove(&self, names: &[String]) -> Result<(), Error> {
        names.iter().try_for_each(|name| {
            let path = self.folder.file(name);
            fs::remove_file(&path).map_err(|error| Error::io("remove", &path, error))
        })
    }

    /// Enters what has been done.
    pub(crate) fn save(&self) -> Result<(), Error> {
        match self.lock {
            Some(_) => self.save_as(&self.manifest),
            None => Ok(()),
        }
    }

    fn save_as(&self, manifest: &Manifest) -> Result<(), Error> {
        let path = self.folder.file(MANIFEST);
        let text = manifest.encode();
        let text = text.map_err(|error| Error::io("write", &path, error.into()))?;
        self.write_whole(MANIFEST, &text)
    }

    fn write_whole(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.folder.file(name);
        let write = || -> io::Result<()> {
            let mut temp = tempfile::Builder::new()
                .prefix(PREFIX)
                .tempfile_in(self.folder.path())?;
            temp.write_all(bytes)?;
            temp.as_file().sync_all()?;
            temp.persist(&path)?;
            // The folder too has to remember the name.
            File::open(self.folder.path()).and_then(|folder| folder.sync_all())
        };
        write().map_err(|error| Error::io("write", &path, error))
    }

    /// Refuses files of earlier work that are not what was written.
    fn check(&self, found: &Manifest) -> Result<(), Error> {
        for whole in found.needed() {
            let path = self.folder.file(&whole.name);
            let (bytes, sum) =
                checksum::of_file(&path).map_err(|error| Error::io("read", &path, error))?;
            if (bytes, &hex(sum)) != (whole.bytes, &whole.checksum) {
                return Err(self.refused(&format!("{} is not what was written", whole.name)));
            }
        }
        Ok(())
    }

    /// Ends the work: nothing of it is needed any more.
    pub(crate) fn end(&self) -> Result<(), Error> {
        match self.lock {
            Some(_) => self.clear(),
            None => Ok(()),
        }
    }
}

/// The files in a folder. One that holds something else is none of ours.
fn files_of(folder: &Folder) -> Result<Vec<String>, Error> {
    let path = folder.path();
    let cannot = |error| Error::io("read", path, error);
    let entries = fs::read_dir(path).map_err(cannot)?;
    let names =
        entries.map(|entry| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))));
    let mut names = names.collect::<io::Result<Vec<_>>>().map_err(cannot)?;
    names.sort_by(|(left, _), (right, _)| left.cmp(right));
    let names = names.into_iter().map(|(name, kind)| match name.to_str() {
        Some(ours) if kind.is_file() && names::is_ours(ours) => Ok(ours.to_owned()),
        _ => Err(no_work_folder(path, &name)),
    });
    names.collect()
}

fn no_work_folder(path: &Path, name: &OsStr) -> Error {
    Error::refused(format!(
        "{} is no work folder: {} is in it; name an empty folder, or one that is not there yet",
        escaped_bytes(path.as_os_str()),
        escaped_bytes(name)
    ))
}

/// Files of a folder that were in the making when a run was killed.
fn passing(folder: &Folder) -> Result<Vec<String>, Error> {
    let mut names = files_of(folder)?;
    names.retain(|name| name.starts_with(PREFIX));
    Ok(names)
}

/// Whether earlier work lies in a folder. Only its manifest says so: without that nothing may be there but what is written
/// before it, the lock, which is empty, and a manifest in the making.
fn is_ours(folder: &Folder) -> Result<bool, Error> {
    let names = files_of(folder)?;
    if is_work_folder(folder.path()) {
        return Ok(true);
    }
    let is_empty = |name: &str| fs::metadata(folder.file(name)).is_ok_and(|found| found.len() == 0);
    let may_be = |name: &&String| name.starts_with(PREFIX) || *name == LOCK && is_empty(name);
    match names.iter().find(|name| !may_be(name)) {
        Some(other) => Err(no_work_folder(folder.path(), other.as_ref())),
        None => Ok(false),
    }
}

/// Keeps others from working in a folder. No link is followed, and nothing cut off.
fn lock(folder: &Folder) -> Result<File, Error> {
    let path = folder.file(LOCK);
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|error| Error::io("write", &path, error))?;
    match hold(&file) {
        Ok(true) => Ok(file),
        Ok(false) => Err(Error::refused(format!(
            "another job works in {}",
            escaped_bytes(folder.path().as_os_str())
        ))),
        Err(error) => Err(Error::io("lock", &path, error)),
    }
}

fn lines(stamps: &[Stamp]) -> Result<Vec<u8>, Error> {
    let mut lines = Vec::new();
    for stamp in stamps {
        let written = serde_json::to_writer(&mut lines, stamp);
        written.map_err(|error| Error::refused(error.to_string()))?;
        lines.push(b'\n');
    }
    Ok(lines)
}
