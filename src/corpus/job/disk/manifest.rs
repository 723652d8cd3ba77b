//! Records the finished stages of a job, so that it can be resumed.

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

/// The state of a job, stored in its work folder. A stage is recorded when all its files are complete.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The settings; empty while the files of earlier work are being removed.
    pub(crate) settings: JobSettings,
    /// A hash of the names, sizes and times of the inputs, which are listed in another file.
    inputs: String,
    /// The repeated passages, if documents may have groups.
    pub(crate) aside: Option<Whole>,
    pub(crate) read: Option<ReadDone>,
    pub(crate) picked: Option<PickedDone>,
    pub(crate) sets: Option<SetsDone>,
    pub(crate) found: Option<FoundDone>,
    pub(crate) decided: Option<DecidedDone>,
    /// The checksum of the index that was written.
    pub(crate) saved: Option<String>,
}

impl Manifest {
    /// The files that the remaining stages need.
    fn needed(&self) -> Vec<&Whole> {
        let mut needed: Vec<&Whole> = self.aside.iter().collect();
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

/// The names and values of the settings on which the decisions depend. Settings that determine others come first.
pub(crate) type JobSettings = Vec<(String, String)>;

/// The inputs have been read once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ReadDone {
    pub(crate) documents: u32,
    pub(crate) text_bytes: u64,
    /// The limit for reading the inputs again: the longest record that was taken.
    pub(crate) limit: ReadLimit,
    /// The approximate memory of the record that takes most.
    pub(crate) heaviest: u64,
    /// Records that were rejected in the first pass.
    pub(crate) rejections: Whole,
    /// For each input, the number of documents in it and all inputs before it.
    pub(crate) ends: Whole,
    pub(crate) rows: Whole,
    /// Band keys, or sampled hashes.
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
    /// Documents with repeated ids, and the first with each id.
    pub(crate) repeated: Whole,
    pub(crate) firsts: Whole,
    pub(crate) marks: Whole,
    /// Whether the documents that may have partners are filtered a second time.
    pub(crate) is_narrowed: bool,
    /// With LSH, the pairs that share an uncrowded bucket.
    pub(crate) candidates: Option<Whole>,
    /// The crowds of each document.
    pub(crate) crowds: Option<Whole>,
    /// The number of pairs in crowded buckets.
    pub(crate) crowded: u64,
    /// Documents without shingles.
    pub(crate) empty: usize,
}

/// The shingle sets of all candidates are written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SetsDone {
    /// The mark of each document after narrowing.
    pub(crate) marks: Whole,
    pub(crate) sets: Whole,
    /// The document and length of each record.
    pub(crate) index: Whole,
    /// With weights, the number of distinct sets. Then the records contain frequencies.
    pub(crate) distinct: Option<u64>,
    /// All rejected records.
    pub(crate) rejections: Whole,
    /// The bytes in the texts of documents that were rejected after the first pass.
    pub(crate) late_bytes: u64,
}

/// All pairs that share a band or a rare shingle are verified.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FoundDone {
    pub(crate) edges: Whole,
}

/// The clusters are written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DecidedDone {
    pub(crate) clusters: Whole,
    pub(crate) counted: Counted,
}

const VERSION: u32 = 7;

impl Manifest {
    /// The bytes of the manifest file: a line with format, version and checksum, then the content.
    fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let text = serde_json::to_vec_pretty(self)?;
        let line = format!("{FORMAT} {VERSION} {}\n", checksum::of(&text));
        Ok([line.as_bytes(), &text].concat())
    }

    /// Decodes a manifest, or returns why it is invalid.
    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let damaged = || format!("{MANIFEST} is damaged");
        let line_end = bytes.iter().position(|&byte| byte == b'\n');
        let (line, text) = bytes.split_at(line_end.ok_or_else(damaged)?);
        let text = &text[1..];
        let line = std::str::from_utf8(line).map_err(|_| damaged())?;
        let rest = line.strip_prefix(FORMAT).ok_or_else(damaged)?;
        let (version, checksum) = rest.trim_start().split_once(' ').ok_or_else(damaged)?;
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

/// The name, size and time of an input, to detect changes.
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

/// A work folder that this run has locked, and its manifest.
pub(crate) struct Work {
    pub(crate) folder: Folder,
    pub(crate) manifest: Manifest,
    /// Locked as long as the job runs. `None` for a temporary folder.
    lock: Option<File>,
}

impl Work {
    /// A temporary folder for this run.
    pub(crate) fn passing() -> Result<Self, Error> {
        Ok(Self {
            folder: Folder::passing()?,
            manifest: Manifest::default(),
            lock: None,
        })
    }

    /// Locks a folder, and resumes the work in it. Starts anew if it is empty or `fresh` is true.
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
                    work.clear(&Manifest::default())?;
                }
                // The manifest comes first. Without it, other files would not be recognized as ours.
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
                "the work in {path} cannot be resumed: {why}; remove the folder, or use another one"
            ))
        })
    }

    /// Fails if the work has other settings or inputs.
    fn is_of(&self, found: &Manifest, stamps: &[Stamp]) -> Result<(), Error> {
        let none = ("a setting".to_owned(), "missing".to_owned());
        let settings = &self.manifest.settings;
        for place in 0..settings.len().max(found.settings.len()) {
            let (name, is) = settings.get(place).unwrap_or(&none);
            let (_, was) = found.settings.get(place).unwrap_or(&none);
            if name == "against" && found.saved.as_ref().is_some_and(|saved| is.contains(saved)) {
                return Err(Error::refused(format!(
                    "the work in {} is done: its outputs are in their places, and its index has replaced one with which \
                     it compared; remove the folder",
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
            _ => "the inputs have another order".to_owned(),
        })
    }

    fn refused(&self, why: &str) -> Error {
        let path = escaped_bytes(self.folder.path().as_os_str());
        Error::refused(format!(
            "the work in {path} cannot be resumed: {why}; start anew (--fresh), or use another folder"
        ))
    }

    /// Removes all files. The manifest is removed last; until then it is `meanwhile`, which needs no other file.
    fn clear(&self, meanwhile: &Manifest) -> Result<(), Error> {
        self.save_as(meanwhile)?;
        let mut names = files_of(&self.folder)?;
        names.retain(|name| name != LOCK);
        names.sort_by_key(|name| [name == MANIFEST, name == INPUTS]);
        self.remove(&names)
    }

    fn remove(&self, names: &[String]) -> Result<(), Error> {
        names.iter().try_for_each(|name| {
            let path = self.folder.file(name);
            fs::remove_file(&path).map_err(|error| Error::io("remove", &path, error))
        })
    }

    /// Writes the manifest, unless the folder is temporary.
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
            // Sync the folder as well, so that the name is durable.
            File::open(self.folder.path()).and_then(|folder| folder.sync_all())
        };
        write().map_err(|error| Error::io("write", &path, error))
    }

    /// Fails if a needed file of earlier work has changed.
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

    /// Removes all files, when the job is finished. If it is killed meanwhile, it still tells that its index is written.
    pub(crate) fn end(&self) -> Result<(), Error> {
        let Manifest {
            settings,
            inputs,
            saved,
            ..
        } = &self.manifest;
        match (&self.lock, saved) {
            (None, _) => Ok(()),
            (Some(_), None) => self.clear(&Manifest::default()),
            (Some(_), Some(saved)) => self.clear(&Manifest {
                settings: settings.clone(),
                inputs: inputs.clone(),
                saved: Some(saved.clone()),
                ..Manifest::default()
            }),
        }
    }
}

/// The files in a folder. Fails if it contains anything else than files of a job.
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
        "{} is not a work folder: it contains {}; name an empty folder, or one that does not exist yet",
        escaped_bytes(path.as_os_str()),
        escaped_bytes(name)
    ))
}

/// The temporary files that a killed run left in a folder.
fn passing(folder: &Folder) -> Result<Vec<String>, Error> {
    let mut names = files_of(folder)?;
    names.retain(|name| name.starts_with(PREFIX));
    Ok(names)
}

/// Whether a folder contains earlier work, which only a manifest shows. Without a manifest, the folder may contain only
/// the files that are written before it: the empty lock and a temporary manifest.
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

/// Locks a folder against other jobs. Does not truncate the lock file; [`files_of`] has already refused links.
fn lock(folder: &Folder) -> Result<File, Error> {
    let path = folder.file(LOCK);
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|error| Error::io("write", &path, error))?;
    match hold(&file) {
        Ok(true) => Ok(file),
        Ok(false) => Err(Error::refused(format!(
            "another job is using the work folder {}: wait for it, or use another folder",
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
