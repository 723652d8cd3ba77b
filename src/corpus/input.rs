//! Paths to inputs: which files, in which order, of which format.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use tempfile::NamedTempFile;
use walkdir::WalkDir;

use super::error::Error;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One document, the whole file.
    Text,
    /// One JSON object a line, each a document (`.jsonl`, `.jsonl.gz`, `.jsonl.zst`).
    JsonLines(Compression),
}

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip (`.gz`), of one member or several.
    Gzip,
    /// Zstandard (`.zst`), of one frame or several.
    Zstd,
}

impl Compression {
    /// By the file's name.
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::None,
        }
    }
}

impl Format {
    /// By the file's name; what is no JSON lines is text.
    pub fn of(path: &Path) -> Self {
        let compression = Compression::of(path);
        let inner = match compression {
            Compression::None => path.to_path_buf(),
            _ => path.with_extension(""),
        };
        match inner.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl") => Self::JsonLines(compression),
            _ => Self::Text,
        }
    }
}

/// A file to read.
#[derive(Debug)]
pub(super) struct Input {
    /// What to open.
    pub(super) path: PathBuf,
    /// What it is called in ids and messages.
    pub(super) name: String,
    pub(super) format: Format,
    pub(super) size: u64,
    /// Holds the copy of standard input; it goes when this does.
    _spool: Option<NamedTempFile>,
}

/// The inputs of `paths` in order; also how many hidden files were passed over in directories.
pub(super) fn inputs(paths: &[PathBuf]) -> Result<(Vec<Input>, usize), Error> {
    let (mut inputs, mut hidden) = (Vec::new(), 0);
    let mut stdin = false;
    for path in paths {
        if path == Path::new("-") {
            if std::mem::replace(&mut stdin, true) {
                return Err(Error::refused("standard input (-) can be read only once"));
            }
            inputs.push(Input::stdin()?);
            continue;
        }
        let found = fs::metadata(path).map_err(|error| Error::io("read", path, error))?;
        if found.is_dir() {
            hidden += walk(path, paths.len() > 1, &mut inputs)?;
        } else {
            inputs.push(Input::file(path, path, found.len())?);
        }
    }
    Ok((inputs, hidden))
}

/// The files below `root`, sorted by path; hidden ones (`.git`, `.DS_Store`) are only counted.
fn walk(root: &Path, of_several: bool, inputs: &mut Vec<Input>) -> Result<usize, Error> {
    let mut hidden = 0;
    let mut entries = WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(root).to_owned();
            Error::io("read", &path, error.into())
        })?;
        let is_hidden = entry.depth() > 0 && entry.file_name().as_encoded_bytes()[0] == b'.';
        if is_hidden {
            hidden += 1;
            if entry.file_type().is_dir() {
                entries.skip_current_dir();
            }
        } else if entry.file_type().is_file() {
            let path = entry.path();
            let below = path.strip_prefix(root).unwrap_or(path);
            let name = if of_several { path } else { below };
            let size = entry.metadata().map_or(0, |metadata| metadata.len());
            inputs.push(Input::file(path, name, size)?);
        }
    }
    Ok(hidden)
}

impl Input {
    fn file(path: &Path, name: &Path, size: u64) -> Result<Self, Error> {
        if path
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            return Err(Error::refused(format!(
                "{}: parquet files cannot be read yet; convert it to .jsonl",
                path.display()
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            name: slashed(name),
            format: Format::of(path),
            size,
            _spool: None,
        })
    }

    /// Copies standard input to a file: records that are kept are read a second time.
    fn stdin() -> Result<Self, Error> {
        let name = Path::new("standard input");
        let spool = || -> io::Result<(NamedTempFile, u64)> {
            let mut spool = NamedTempFile::new()?;
            let size = io::copy(&mut io::stdin().lock(), &mut spool)?;
            Ok((spool, size))
        };
        let (spool, size) = spool().map_err(|error| Error::io("copy", name, error))?;
        Ok(Self {
            path: spool.path().to_owned(),
            name: "-".to_owned(),
            format: Format::JsonLines(Compression::None),
            size,
            _spool: Some(spool),
        })
    }

    /// Opens the file; what is read comes decompressed, and the file's bytes are counted.
    pub(super) fn open(&self, bytes: &Count) -> io::Result<Box<dyn BufRead>> {
        const BUFFER: usize = 1 << 16;
        let file = Counted {
            file: File::open(&self.path)?,
            bytes: Rc::clone(bytes),
        };
        let file = BufReader::with_capacity(BUFFER, file);
        Ok(match self.format {
            Format::Text | Format::JsonLines(Compression::None) => Box::new(file),
            Format::JsonLines(Compression::Gzip) => Box::new(BufReader::with_capacity(
                BUFFER,
                flate2::bufread::MultiGzDecoder::new(file),
            )),
            Format::JsonLines(Compression::Zstd) => Box::new(BufReader::with_capacity(
                BUFFER,
                zstd::Decoder::with_buffer(file)?,
            )),
        })
    }
}

/// Bytes read from a file, as they stand on the disk.
pub(super) type Count = Rc<Cell<usize>>;

struct Counted {
    file: File,
    bytes: Count,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.bytes.set(self.bytes.get() + n);
        Ok(n)
    }
}

/// A path with slashes on every system, so that ids are the same on all of them.
fn slashed(path: &Path) -> String {
    let mut name = String::new();
    for component in path.components() {
        if !name.is_empty() && !name.ends_with('/') {
            name.push('/');
        }
        match component {
            Component::RootDir => name.push('/'),
            other => name.push_str(&other.as_os_str().to_string_lossy()),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_go_by_name() {
        let of = |name: &str| Format::of(Path::new(name));
        assert_eq!(of("a/b.jsonl"), Format::JsonLines(Compression::None));
        assert_eq!(of("b.jsonl.gz"), Format::JsonLines(Compression::Gzip));
        assert_eq!(of("b.x.jsonl.zst"), Format::JsonLines(Compression::Zstd));
        assert_eq!(of("b.txt"), Format::Text);
        assert_eq!(of("jsonl"), Format::Text);
    }

    #[test]
    fn names_have_slashes() {
        assert_eq!(slashed(Path::new("a/b/../c.txt")), "a/b/../c.txt");
        assert_eq!(slashed(Path::new("/a/b")), "/a/b");
    }
}
