//! Where a stored index lies, and how one is put there.

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

/// Where an index is to be written, and what lies there before.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    /// The index that is to be replaced.
    before: Option<Before>,
}

/// An index that nobody else writes.
#[derive(Debug)]
struct Before {
    /// The checksum of its header.
    checksum: String,
    /// The folder, held until the index is replaced. None where folders cannot be held.
    _lock: Option<File>,
}

impl Place {
    /// The place at `dir`, links followed.
    ///
    /// # Errors
    /// Where something lies there that is no index, or another process writes the index.
    pub(super) fn new(dir: &Path) -> Result<Self, Error> {
        let path = resolve(dir).map_err(|error| Problem::io("write", dir, &error))?;
        let before = match is_replaced(&path)? {
            true => Some(Before {
                _lock: lock(&path)?,
                checksum: checksum(&path)?, // once nobody else can change it
            }),
            false => None,
        };
        Ok(Self { path, before })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The checksum of the header of the index that lies there.
    pub(super) fn before(&self) -> Option<&str> {
        self.before.as_ref().map(|before| &*before.checksum)
    }

    /// Refuses a place where something else lies now.
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

    /// Puts the index in `folder` there. Who opens it finds the one before or this one, whatever happens.
    /// `sections` is the name of the folder of its sections.
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

/// Whether an index lies at a path, and may be replaced. An empty folder may lie there as well.
fn is_replaced(path: &Path) -> Result<bool, Error> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(occupied(path, "a file lies there"));
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
                "the index there also holds {}, which is no part of it",
                Path::new(&other).display()
            ),
        )),
        _ => Err(occupied(path, "a folder lies there that is no index")),
    }
}

fn occupied(place: &Path, why: impl Into<String>) -> Error {
    Problem::at(place, What::Occupied(why.into()))
}

/// Whether a folder is an index, of whatever version.
pub(crate) fn is_index(dir: &Path) -> bool {
    let header = fs::read(dir.join(header::FILE));
    header.is_ok_and(|bytes| header::is_header(&bytes))
}

/// Whether a folder holds the sections of an index, or of one that was replaced: by its name and what is in it.
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

/// Keeps others from writing an index.
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

/// Replaces an index: the new sections come first, in a folder of their own, then the header, in one step; those of
/// before go last.
fn replace(folder: &Path, sections: &str, place: &Path) -> io::Result<()> {
    let new = place.join(sections);
    match fs::create_dir(&new) {
        // The same index: whole files take the place of whatever is there.
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
    // Where one is in use and cannot go, the next to replace the index removes it.
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        if entry.file_name() != sections && is_of_sections(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// So that new names outlive a loss of power, too, where folders can be synced.
fn sync(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
