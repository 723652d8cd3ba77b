//! The path of a stored index, and how an index is placed there.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{Problem, What};
use super::header::{self, Header};
use super::section::Section;
use crate::checksum;
use crate::error::Error;
use crate::passing::{Folder, folder_of, hold, resolve};

/// The path to which an index is written, and the index that it replaces.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// The index that is to be replaced.
    before: Option<Before>,
}

/// An index that is locked, so that no other process writes it.
#[derive(Debug)]
struct Before {
    /// The checksum of its header.
    checksum: String,
    /// The folder, locked until the index is replaced. `None` if the system cannot lock folders.
    _lock: Option<File>,
}

impl Place {
    /// The place at `dir`, with links resolved.
    ///
    /// # Errors
    /// If there is something else than an index, or another process is writing the index.
    pub(super) fn new(dir: &Path) -> Result<Self, Error> {
        let path = resolve(dir).map_err(|error| Problem::io("write", dir, &error))?;
        let before = match is_replaced(&path)? {
            true => Some(Before {
                _lock: lock(&path)?,
                checksum: checksum(&path)?, // after locking, so that it cannot change
            }),
            false => None,
        };
        Ok(Self { path, before })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The checksum of the header of the index that was there.
    pub(super) fn before(&self) -> Option<&str> {
        self.before.as_ref().map(|before| &*before.checksum)
    }

    /// Fails if the content of the place has changed.
    pub(super) fn check(&self) -> Result<(), Error> {
        let now = match is_replaced(&self.path)? {
            true => Some(checksum(&self.path)?),
            false => None,
        };
        match now.as_deref() == self.before() {
            true => Ok(()),
            false => Err(Problem::at(&self.path, What::Changed)),
        }
    }

    /// Moves the index in `folder` to the place. A process that opens it sees the old or the new index, whatever
    /// happens. `sections` is the name of its sections' folder.
    pub(super) fn put(self, folder: Folder, sections: &str) -> Result<(), Error> {
        self.check()?;
        let placed = match &self.before {
            None => folder.persist(&self.path),
            Some(_) => replace(folder.path(), sections, &self.path),
        };
        placed.map_err(|error| Problem::io("write", &self.path, &error))?;
        sync(folder_of(&self.path));
        Ok(())
    }
}

/// Whether there is an index at a path that may be replaced. False if there is nothing, or an empty folder.
fn is_replaced(path: &Path) -> Result<bool, Error> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(occupied(path, "there is a file at this path"));
        }
        entries => entries.map_err(|error| Problem::io("read", path, &error))?,
    };
    let mut is_empty = true;
    let mut other = None;
    for entry in entries {
        let name = entry.map_err(|error| Problem::io("read", path, &error))?;
        let name = name.file_name();
        is_empty = false;
        let belongs = name == header::FILE || is_of_sections(&path.join(&name));
        if !belongs {
            other = Some(name);
        }
    }
    match (is_empty, is_index(path), other) {
        (true, ..) => Ok(false),
        (_, true, None) => Ok(true),
        (_, true, Some(other)) => Err(occupied(
            path,
            format!(
                "the folder of the index there also contains {}, which is not part of an index",
                Path::new(&other).display()
            ),
        )),
        _ => Err(occupied(
            path,
            "there is a folder at this path that is not an index",
        )),
    }
}

fn occupied(place: &Path, why: impl Into<String>) -> Error {
    Problem::at(place, What::Occupied(why.into()))
}

/// Whether a folder is an index of any version.
pub(crate) fn is_index(dir: &Path) -> bool {
    let header = fs::read(dir.join(header::FILE));
    header.is_ok_and(|bytes| header::is_header(&bytes))
}

/// Whether a folder contains sections of an index, which may have been replaced. Checks its name and content.
fn is_of_sections(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let is_section = |name: &OsStr| Section::ALL.iter().any(|section| *section.file() == *name);
    let is_ours = |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|e| is_section(&e.file_name()));
    Header::is_folder(name)
        && !path.is_symlink()
        && fs::read_dir(path).is_ok_and(|mut entries| entries.all(is_ours))
}

/// The checksum of the header of an index.
fn checksum(dir: &Path) -> Result<String, Error> {
    let path = dir.join(header::FILE);
    let bytes = fs::read(&path).map_err(|error| Problem::io("read", &path, &error))?;
    Ok(checksum::of(&bytes))
}

/// Locks an index, so that no other process can write it.
fn lock(dir: &Path) -> Result<Option<File>, Error> {
    let Ok(folder) = File::open(dir) else {
        return Ok(None);
    };
    match hold(&folder) {
        Ok(true) => Ok(Some(folder)),
        Ok(false) => Err(occupied(dir, "another process is writing an index there")),
        Err(_) => Ok(None),
    }
}

/// Replaces an index: moves the new sections to their own folder, replaces the header in one step, and removes the old
/// sections.
fn replace(folder: &Path, sections: &str, place: &Path) -> io::Result<()> {
    let new = place.join(sections);
    match fs::create_dir(&new) {
        // The same index is there: complete files replace those in the folder.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    for entry in fs::read_dir(folder.join(sections))? {
        let entry = entry?;
        fs::rename(entry.path(), new.join(entry.file_name()))?;
    }
    sync(&new);
    fs::rename(folder.join(header::FILE), place.join(header::FILE))?;
    sync(place);
    // A folder that is in use may be impossible to remove; the next process that replaces the index removes it.
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if entry.file_name() != sections && is_of_sections(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Syncs a folder, if the system can, so that new names survive a loss of power.
fn sync(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
