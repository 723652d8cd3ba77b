//! What can go wrong with files, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Where in the input: a file, and the line where it has records on lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// Input that cannot be used, or a file that cannot be read or written. Names the place.
#[derive(Debug)]
pub struct Error {
    kind: Box<Kind>,
}

#[derive(Debug)]
enum Kind {
    Io {
        doing: &'static str,
        path: PathBuf,
        error: io::Error,
    },
    Bad {
        place: Place,
        problem: String,
    },
    Refused(String),
    Run(crate::Error),
}

impl Error {
    pub(super) fn io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        Self::of(Kind::Io {
            doing,
            path: path.to_owned(),
            error,
        })
    }

    pub(super) fn bad(place: Place, problem: impl Into<String>) -> Self {
        Self::of(Kind::Bad {
            place,
            problem: problem.into(),
        })
    }

    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::of(Kind::Refused(why.into()))
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind: Box::new(kind),
        }
    }

    /// Where in the input it is, where it is there.
    pub fn place(&self) -> Option<&Place> {
        match &*self.kind {
            Kind::Bad { place, .. } => Some(place),
            _ => None,
        }
    }
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Self::of(Kind::Run(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            Kind::Io { doing, path, error } => {
                write!(f, "cannot {doing} {}: {error}", path.display())
            }
            Kind::Bad { place, problem } => write!(f, "{place}: {problem}"),
            Kind::Refused(why) => f.write_str(why),
            Kind::Run(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.kind {
            Kind::Io { error, .. } => Some(error),
            Kind::Run(error) => Some(error),
            _ => None,
        }
    }
}
