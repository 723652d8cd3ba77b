//! Errors of stored indexes.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};

/// A file or folder, and the problem with it.
pub(crate) struct Problem {
    path: PathBuf,
    what: What,
}

pub(super) enum What {
    /// An error of the system, as text, since it can be neither copied nor compared.
    Io {
        doing: &'static str,
        error: String,
    },
    /// The path of a new index is occupied.
    Occupied(String),
    /// The index at the path has changed since it was read.
    Changed,
    /// The new index was not written.
    Unwritten,
    NoIndex,
    Version {
        stored: u64,
        read: u64,
    },
    Checksum,
    Size {
        bytes: u64,
        expected: u64,
    },
    IdKind {
        stored: String,
        asked: &'static str,
    },
    /// Settings that this crate does not know.
    Unknown(String),
    /// Anything else that is inconsistent.
    Bad(String),
}

impl Problem {
    pub(super) fn at(path: &Path, what: What) -> Error {
        let path = path.to_owned();
        let problem = Self { path, what }.to_string();
        let is_missing = false;
        Error::new(Kind::Stored {
            problem,
            is_missing,
        })
    }

    pub(crate) fn io(doing: &'static str, path: &Path, error: &io::Error) -> Error {
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        let error = match error.get_ref() {
            // A wrapped system error contains the name of a temporary file.
            Some(_) if error.kind() != io::ErrorKind::Other => error.kind().to_string(),
            _ => error.to_string(),
        };
        let path = path.to_owned();
        let what = What::Io { doing, error };
        Error::new(Kind::Stored {
            problem: Self { path, what }.to_string(),
            is_missing,
        })
    }

    pub(crate) fn unknown(path: &Path, why: impl Into<String>) -> Error {
        Self::at(path, What::Unknown(why.into()))
    }

    pub(crate) fn bad(path: &Path, why: impl Into<String>) -> Error {
        Self::at(path, What::Bad(why.into()))
    }
}

/// The way out if an index is corrupt.
const RESTORE: &str = "restore a copy of the index, or write it anew from the documents";

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.what {
            What::Io { doing, error } => write!(f, "cannot {doing} {path}: {error}"),
            What::Occupied(why) => write!(f, "cannot write an index to {path}: {why}"),
            What::Changed => write!(
                f,
                "cannot write an index to {path}: the index there has changed in the meantime, and its new documents would be lost; start again from that index"
            ),
            What::Unwritten => write!(f, "cannot write an index to {path}: it was not finished"),
            What::NoIndex => write!(f, "{path} is not an index of this crate"),
            What::Version { stored, read } => write!(
                f,
                "{path}: index format version {stored}, but this crate reads version {read}"
            ),
            What::Checksum => write!(
                f,
                "{path} is corrupt: its checksum does not match; {RESTORE}"
            ),
            What::Size { bytes, expected } => write!(
                f,
                "{path} is corrupt: it has {bytes} bytes instead of {expected}; {RESTORE}"
            ),
            What::IdKind { stored, asked } => {
                write!(f, "{path}: its ids are of type {stored}, not {asked}")
            }
            What::Unknown(why) => write!(f, "{path}: {why}"),
            What::Bad(why) => write!(f, "{path} is corrupt: {why}; {RESTORE}"),
        }
    }
}
