//! Where a stored index lies, and how one is put there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::{Problem, What};
use super::header;
use super::section::Section;
use crate::error::Error;

/// What lies at a place already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occupant {
    Nothing,
    EmptyFolder,
    Index,
}

/// Where `dir` really is, links followed.
pub(super) fn resolve(dir: &Path) -> Result<PathBuf, Error> {
    let place = fs::canonicalize(dir).or_else(|_| {
        let folder = fs::canonicalize(folder_of(dir))?;
        Ok(folder.join(dir.file_name().unwrap_or_default()))
    });
    place.map_err(|error| Problem::io("write", dir, &error))
}

/// What lies at a place, where that may be replaced by an index.
pub(super) fn occupant(place: &Path) -> Result<Occupant, Error> {
    let entries = match fs::read_dir(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Occupant::Nothing),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(occupied(place, "a file lies there"));
        }
        entries => entries.map_err(|error| Problem::io("read", place, &error))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Problem::io("read", place, &error))?;
        names.push(entry.file_name());
    }
    if names.is_empty() {
        return Ok(Occupant::EmptyFolder);
    }
    if !is_index(place) {
        return Err(occupied(place, "a folder lies there that is no index"));
    }
    let belongs = |name: &std::ffi::OsString| {
        let sections = Section::ALL.iter().map(|section| section.file());
        *name == *header::FILE || sections.into_iter().any(|section| *name == *section)
    };
    match names.iter().find(|name| !belongs(name)) {
        None => Ok(Occupant::Index),
        Some(other) => Err(occupied(
            place,
            format!("the index there has {} in it", Path::new(other).display()),
        )),
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

/// A new folder beside a place.
pub(super) fn folder_beside(place: &Path) -> Result<TempDir, Error> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".resemblance-");
    // What the umask leaves of it, as for any other folder.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let made = builder.tempdir_in(folder_of(place));
    made.map_err(|error| Problem::io("write", place, &error))
}

/// Puts a folder in its place. An index that lies there is moved aside first, and back where this fails.
pub(super) fn put(folder: TempDir, place: &Path) -> Result<(), Error> {
    let occupant = occupant(place)?;
    let io = |error| Problem::io("write", place, &error);
    match occupant {
        Occupant::Nothing => rename(folder, place).map_err(io)?,
        Occupant::EmptyFolder => {
            fs::remove_dir(place).map_err(io)?;
            rename(folder, place).map_err(io)?;
        }
        Occupant::Index => replace(folder, place)?,
    }
    // So that the new name outlives a loss of power, too, where folders can be synced.
    if let Ok(parent) = fs::File::open(folder_of(place)) {
        let _ = parent.sync_all();
    }
    Ok(())
}

fn replace(folder: TempDir, place: &Path) -> Result<(), Error> {
    let io = |error| Problem::io("write", place, &error);
    let aside = folder_beside(place)?;
    let before = aside.path().join("replaced");
    fs::rename(place, &before).map_err(io)?;
    let Err(error) = rename(folder, place) else {
        return Ok(());
    };
    if fs::rename(&before, place).is_err() {
        // It is not to be lost.
        let kept = aside.keep().join("replaced");
        let why = format!("{error}; what was there is now {}", kept.display());
        return Err(Problem::io("write", place, &io::Error::other(why)));
    }
    Err(io(error))
}

fn rename(folder: TempDir, place: &Path) -> io::Result<()> {
    fs::rename(folder.path(), place)?;
    let _gone = folder.keep();
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
