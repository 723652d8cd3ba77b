//! The error of work with files.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::corpus::escape::escaped_bytes;

/// A place in the input: a file, and the line or row if its records have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as the user named it.
    pub file: String,
    /// The line, or the row of a Parquet file, from 1.
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

/// Why work with files failed: bad input, a file that cannot be read or written, or an invalid setting. The message
/// names the place.
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
    Unconfirmed(String),
    Run(crate::Error),
}

impl Error {
    pub(crate) fn io(doing: &'static str, path: &Path, error: io::Error) -> Self {
        // A wrapped system error contains the name of a temporary file; leave that out.
        let error = match error.get_ref() {
            Some(_) if error.kind() != io::ErrorKind::Other => error.kind().into(),
            _ => error,
        };
        Self::of(Kind::Io {
            doing,
            path: path.to_owned(),
            error,
        })
    }

    pub(crate) fn bad(place: Place, problem: impl Into<String>) -> Self {
        Self::of(Kind::Bad {
            place,
            problem: problem.into(),
        })
    }

    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self::of(Kind::Refused(why.into()))
    }

    /// The error if the similarity of two documents' shingle hashes differs from that of their texts.
    pub(crate) fn unconfirmed(what: String) -> Self {
        Self::of(Kind::Unconfirmed(what))
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind: Box::new(kind),
        }
    }

    /// True if the caller's own [`Watch`](crate::watch::Watch) cancelled the work.
    pub fn is_cancelled(&self) -> bool {
        matches!(&*self.kind, Kind::Run(error) if error.is_cancelled())
    }

    /// True if the request itself is invalid, whatever the files contain. A command-line program should report this as
    /// bad usage.
    pub fn is_setting(&self) -> bool {
        match &*self.kind {
            Kind::Refused(_) => true,
            Kind::Run(error) => error.is_setting(),
            Kind::Io { .. } | Kind::Bad { .. } | Kind::Unconfirmed(_) => false,
        }
    }

    /// True if a file cannot be read or written.
    pub fn is_io(&self) -> bool {
        match &*self.kind {
            Kind::Io { .. } => true,
            Kind::Run(error) => error.is_io(),
            Kind::Bad { .. } | Kind::Refused(_) | Kind::Unconfirmed(_) => false,
        }
    }

    /// The place in the input, if the error is one of the input.
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
                write!(
                    f,
                    "cannot {doing} {}: {error}",
                    escaped_bytes(path.as_os_str())
                )
            }
            Kind::Bad { place, problem } => write!(f, "{place}: {problem}"),
            Kind::Refused(what) | Kind::Unconfirmed(what) => f.write_str(what),
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
