//! An input file.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::corpus::error::Error;
use crate::corpus::escape::escaped_id;
use crate::corpus::formats::compression::decoder;
use crate::corpus::formats::counted::{Count, Counted};
use crate::corpus::formats::delimited::Header;
use crate::corpus::formats::format::{Format, InputFormat};
use crate::corpus::inputs::spool::spool;
use crate::corpus::limit::ReadLimit;
use crate::watch::Watch;

/// An input file.
#[derive(Debug)]
pub(crate) struct Input {
    /// The path to open, also used in messages.
    pub(crate) path: PathBuf,
    /// The path used in ids, and below an output directory.
    pub(crate) below: PathBuf,
    pub(crate) format: Format,
    pub(crate) size: u64,
    /// The header, if the format has one and it could be read.
    pub(crate) header: Option<Arc<Header>>,
    /// Why the file cannot be read, if it cannot.
    pub(crate) problem: Option<String>,
    /// A copy of standard input, in a file without a name that is removed with this.
    pub(crate) spool: Option<File>,
}

impl Input {
    pub(crate) fn file(path: &Path, below: &Path, size: u64, format: Format) -> Self {
        let input = Self {
            path: path.to_owned(),
            below: below.to_owned(),
            format,
            size,
            header: None,
            problem: None,
            spool: None,
        };
        input.with_header()
    }

    /// Standard input. If it is copied at once, the watch gets reports on the progress.
    pub(crate) fn stdin(of: InputFormat, watch: Option<&dyn Watch>) -> Result<Self, Error> {
        let path = Path::new("-");
        if of == InputFormat::Parquet {
            return Err(Error::refused(
                "standard input cannot be Parquet: name a file",
            ));
        }
        let format = Format { of, ..Format::TEXT };
        let mut input = Self::file(path, path, 0, Format::TEXT);
        input.format = format;
        if of.delimiter().is_some() {
            input.spool(watch)?; // outputs need the header
        }
        Ok(input.with_header())
    }

    /// Reads the header, if the format has one. An error is reported later, when the records are read.
    fn with_header(self) -> Self {
        match self.format.of.delimiter() {
            Some(_) => Self {
                header: self.read_header().ok().map(Arc::new),
                ..self
            },
            None => self,
        }
    }

    /// The header of a file that has one.
    pub(crate) fn read_header(&self) -> io::Result<Header> {
        let delimiter = self.format.of.delimiter().unwrap_or_default();
        let file = self.open(ReadLimit::default().window, &Count::default())?;
        Header::read(file, delimiter)
    }

    /// Adds the reason why the file cannot be read.
    pub(crate) fn with(self, problem: String) -> Self {
        Self {
            problem: Some(problem),
            ..self
        }
    }

    /// The name used in ids. It has slashes on every system, so that ids are the same on all of them.
    pub(crate) fn name(&self) -> String {
        let mut name = String::new();
        for component in self.below.components() {
            if !name.is_empty() && !name.ends_with('/') {
                name.push('/');
            }
            match component {
                Component::RootDir => name.push('/'),
                other => name.push_str(&escaped_id(other.as_os_str())),
            }
        }
        name
    }

    /// If this is standard input, copies it to a file, since kept records are read a second time.
    pub(crate) fn spool(&mut self, watch: Option<&dyn Watch>) -> Result<(), Error> {
        if self.path != Path::new("-") || self.spool.is_some() {
            return Ok(());
        }
        let (spool, size) = spool(watch)?;
        (self.spool, self.size) = (Some(spool), size);
        Ok(())
    }

    /// Opens the file for decompressed reading, and counts the bytes read from the file. `window` limits the window of
    /// Zstandard files, as a power of two.
    pub(crate) fn open(&self, window: u32, bytes: &Count) -> io::Result<Box<dyn Read + Send>> {
        let file = if let Some(spool) = &self.spool {
            let mut file = spool.try_clone()?;
            file.rewind()?;
            file
        } else {
            File::open(&self.path)?
        };
        let bytes = Arc::clone(bytes);
        decoder(self.format.compression, Counted { file, bytes }, window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_slashes() {
        let name =
            |path: &str| Input::file(Path::new(path), Path::new(path), 0, Format::TEXT).name();
        assert_eq!(name("a/b/../c.txt"), "a/b/../c.txt");
        assert_eq!(name("/a/b"), "/a/b");
    }
}
