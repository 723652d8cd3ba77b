//! Paths to sources: which files, in which order, of which format.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, ErrorKind, Read, Seek};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use glob::MatchOptions;
use walkdir::WalkDir;

use super::error::Error;
use super::escape::escaped_bytes;
use super::job::is_work_folder;
use crate::storage::is_index;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One document, the whole file.
    Text,
    /// One JSON object a line, each a document.
    JsonLines(Compression),
    /// Columns; each row is a document.
    Parquet,
}

/// Why a Parquet file cannot be used, where that is so.
pub(super) const NEEDS_PARQUET: &str = "Parquet, which takes the cargo feature `parquet`";

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    /// Of one member or several.
    Gzip,
    /// Of one frame or several.
    Zstd,
}

impl Compression {
    /// By the file's name.
    pub(super) fn of(path: &Path) -> Self {
        match extension(path).as_str() {
            "gz" => Self::Gzip,
            "zst" => Self::Zstd,
            _ => Self::None,
        }
    }
}

impl Format {
    /// By the file's name; what is no JSON lines is text. None for what is plainly something else.
    pub(super) fn of(path: &Path) -> Result<Self, String> {
        let compression = Compression::of(path);
        let inner = match compression {
            Compression::None => path.to_path_buf(),
            _ => path.with_extension(""),
        };
        match (extension(&inner).as_str(), compression) {
            ("jsonl" | "ndjson", _) => Ok(Self::JsonLines(compression)),
            ("parquet", Compression::None) if cfg!(feature = "parquet") => Ok(Self::Parquet),
            ("parquet", Compression::None) => Err(NEEDS_PARQUET.into()),
            ("json", _) => Err("JSON, but no .jsonl: one record a line is read".into()),
            ("xz" | "bz2" | "zip", _) | (_, Compression::Gzip | Compression::Zstd) => {
                Err("compressed, but no .jsonl.gz or .jsonl.zst".into())
            }
            (_, Compression::None) => Ok(Self::Text),
        }
    }
}

fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

/// The files behind the paths that a user names, in order; nothing has been read yet.
#[derive(Debug)]
pub struct Sources {
    pub(super) inputs: Vec<Input>,
    pub(super) hidden: usize,
    /// Where the files really are.
    pub(super) places: HashSet<PathBuf>,
}

impl Sources {
    /// Finds the files of `paths`: directories, text files, `.jsonl`, `.jsonl.gz`, `.jsonl.zst`, `.parquet` (feature
    /// `parquet`), `-` for JSON lines from standard input. A path that is not there and has `*`, `?`, `[...]` or `**` (any
    /// directories) stands for what matches it.
    ///
    /// Their order is that of the documents: the paths as given; the files of a directory, and what matches a pattern,
    /// sorted by path, name by name; within a file as they stand. Hidden files and directories (`.name`) are passed over
    /// in directories, and match no pattern that does not say the dot; so are [indexes](super::Job::against) and
    /// [work folders](super::Job::work).
    ///
    /// # Errors
    /// Where a path does not exist, is neither a file nor a directory, or leads to a file for a second
    /// time; where nothing matches a pattern.
    pub fn find<P: AsRef<Path>>(paths: &[P]) -> Result<Self, Error> {
        let mut sources = Self {
            inputs: Vec::new(),
            hidden: 0,
            places: HashSet::new(),
        };
        for path in paths {
            let path = path.as_ref();
            if path == Path::new("-") {
                sources.push(Input::stdin())?;
                continue;
            }
            match fs::metadata(path) {
                Ok(found) => sources.add(path, &found, paths.len() > 1)?,
                Err(_) if is_pattern(path) => sources.expand(path)?,
                Err(error) => return Err(Error::io("read", path, error)),
            }
        }
        Ok(sources)
    }

    fn add(&mut self, path: &Path, found: &Metadata, of_several: bool) -> Result<(), Error> {
        if found.is_dir() {
            return match ours(path) {
                Some(what) => Err(Error::refused(format!(
                    "{} is {what}, and no input",
                    escaped_bytes(path.as_os_str())
                ))),
                None => self.walk(path, of_several),
            };
        }
        if found.is_file() {
            return self.push(Input::file(path, path, found.len()));
        }
        let path = escaped_bytes(path.as_os_str());
        Err(Error::refused(format!(
            "{path} is no regular file: pipe it in as -"
        )))
    }

    /// What matches a pattern: files, and all files of directories.
    fn expand(&mut self, pattern: &Path) -> Result<(), Error> {
        let mut walked: Option<PathBuf> = None;
        for path in matches(pattern)? {
            if walked
                .as_ref()
                .is_some_and(|folder| path.starts_with(folder))
            {
                continue; // it was found there
            }
            let about = fs::metadata(&path).map_err(|error| Error::io("read", &path, error))?;
            match about.is_dir() && ours(&path).is_some() {
                true => self.hidden += 1,
                false => self.add(&path, &about, true)?,
            }
            walked = about.is_dir().then_some(path);
        }
        Ok(())
    }

    /// Copies standard input to a file, where it is among them.
    pub(super) fn spool(&mut self) -> Result<(), Error> {
        self.inputs.iter_mut().try_for_each(Input::spool)
    }

    /// Whether standard input is among them.
    pub(super) fn has_stdin(&self) -> bool {
        self.inputs.iter().any(|input| input.path == Path::new("-"))
    }

    /// Bytes of all files, as they stand on the disk.
    pub(super) fn size(&self) -> u64 {
        self.inputs.iter().map(|input| input.size).sum()
    }

    fn push(&mut self, input: Input) -> Result<(), Error> {
        let place = match fs::canonicalize(&input.path) {
            Ok(place) if input.problem.is_none() => place,
            _ => input.path.clone(),
        };
        if !self.places.insert(place) {
            let path = escaped_bytes(input.path.as_os_str());
            return Err(Error::refused(format!("{path} is named for input twice")));
        }
        self.inputs.push(input);
        Ok(())
    }

    /// The files below `root`, sorted by path; what cannot be read is an input with a problem.
    fn walk(&mut self, root: &Path, of_several: bool) -> Result<(), Error> {
        let mut entries = WalkDir::new(root)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    let problem = match error.loop_ancestor() {
                        Some(_) => "a link to a directory that it is in".to_owned(),
                        None => io::Error::from(error).kind().to_string(),
                    };
                    let problem = format!("cannot be read: {problem}");
                    self.push(Input::file(&path, below(&path, root, of_several), 0).with(problem))?;
                    continue;
                }
            };
            let is_hidden = entry.file_name().as_encoded_bytes()[0] == b'.';
            let is_ours = || entry.file_type().is_dir() && ours(entry.path()).is_some();
            if entry.depth() > 0 && (is_hidden || is_ours()) {
                self.hidden += 1;
                if entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
            } else if !entry.file_type().is_dir() {
                let path = entry.path();
                let size = entry.metadata().map_or(0, |metadata| metadata.len());
                let mut input = Input::file(path, below(path, root, of_several), size);
                if !entry.file_type().is_file() {
                    input = input.with("is no regular file".to_owned());
                }
                self.push(input)?;
            }
        }
        Ok(())
    }
}

/// What a directory is that this crate has written, and that holds no documents.
fn ours(dir: &Path) -> Option<&'static str> {
    match () {
        () if is_index(dir) => Some("an index"),
        () if is_work_folder(dir) => Some("a work folder"),
        () => None,
    }
}

fn is_pattern(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .any(|byte| b"*?[".contains(byte))
}

/// The paths that match a pattern, sorted.
fn matches(pattern: &Path) -> Result<Vec<PathBuf>, Error> {
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let cannot = |error| Error::io("read", pattern, error);
    let text = pattern.to_str();
    let text = text.ok_or_else(|| cannot(ErrorKind::InvalidFilename.into()))?;
    let found = glob::glob_with(text, options);
    let found = found.map_err(|error| cannot(io::Error::other(error.msg)))?;
    let mut paths: Vec<PathBuf> = found.collect::<Result<_, _>>().map_err(|error| {
        let path = error.path().to_owned();
        Error::io("read", &path, error.into())
    })?;
    if paths.is_empty() {
        return Err(cannot(io::Error::other("nothing matches it")));
    }
    paths.sort_unstable();
    Ok(paths)
}

fn below<'p>(path: &'p Path, root: &Path, of_several: bool) -> &'p Path {
    match path.strip_prefix(root) {
        Ok(below) if !of_several => below,
        _ => path,
    }
}

/// A file to read.
#[derive(Debug)]
pub(super) struct Input {
    /// What to open, and what messages call it.
    pub(super) path: PathBuf,
    /// What ids call it, and where below an output it goes.
    pub(super) below: PathBuf,
    pub(super) format: Format,
    pub(super) size: u64,
    /// Why it cannot be read.
    pub(super) problem: Option<String>,
    /// The copy of standard input: a file without a name, gone when this is.
    pub(super) spool: Option<File>,
}

impl Input {
    fn file(path: &Path, below: &Path, size: u64) -> Self {
        let format = Format::of(path);
        Self {
            path: path.to_owned(),
            below: below.to_owned(),
            format: *format.as_ref().unwrap_or(&Format::Text),
            size,
            problem: format.err(),
            spool: None,
        }
    }

    fn stdin() -> Self {
        Self {
            path: PathBuf::from("-"),
            below: PathBuf::from("-"),
            format: Format::JsonLines(Compression::None),
            size: 0,
            problem: None,
            spool: None,
        }
    }

    /// Whether its records stand on lines.
    pub(super) fn has_lines(&self) -> bool {
        self.format != Format::Text
    }

    fn with(self, problem: String) -> Self {
        Self {
            problem: Some(problem),
            ..self
        }
    }

    /// What ids call it: with slashes on every system, so that ids are the same on all of them.
    pub(super) fn name(&self) -> String {
        let mut name = String::new();
        for component in self.below.components() {
            if !name.is_empty() && !name.ends_with('/') {
                name.push('/');
            }
            match component {
                Component::RootDir => name.push('/'),
                other => name.push_str(&escaped_bytes(other.as_os_str())),
            }
        }
        name
    }

    /// Copies standard input to a file, where this is it: records that are kept are read a second time.
    fn spool(&mut self) -> Result<(), Error> {
        if self.path != Path::new("-") {
            return Ok(());
        }
        let copy = || -> io::Result<(File, u64)> {
            let mut spool = tempfile::tempfile()?;
            let size = io::copy(&mut io::stdin().lock(), &mut spool)?;
            Ok((spool, size))
        };
        let (spool, size) =
            copy().map_err(|error| Error::io("copy", Path::new("standard input"), error))?;
        (self.spool, self.size) = (Some(spool), size);
        Ok(())
    }

    /// Opens the file; what is read comes decompressed, and the file's bytes are counted.
    pub(super) fn open(&self, bytes: &Count) -> io::Result<Box<dyn Read + Send>> {
        const BUFFER: usize = 1 << 16;
        let file = if let Some(spool) = &self.spool {
            let mut file = spool.try_clone()?;
            file.rewind()?;
            file
        } else {
            File::open(&self.path)?
        };
        let bytes = Arc::clone(bytes);
        let file = Counted { file, bytes };
        let buffered = |file| BufReader::with_capacity(BUFFER, file);
        Ok(match self.format {
            Format::Text | Format::Parquet | Format::JsonLines(Compression::None) => Box::new(file),
            Format::JsonLines(Compression::Gzip) => {
                Box::new(flate2::bufread::MultiGzDecoder::new(buffered(file)))
            }
            Format::JsonLines(Compression::Zstd) => {
                let mut decoder = zstd::Decoder::with_buffer(buffered(file))?;
                decoder.window_log_max(if cfg!(target_pointer_width = "64") {
                    31
                } else {
                    30
                })?;
                Box::new(decoder)
            }
        })
    }
}

/// Bytes read from a file, as they stand on the disk.
pub(super) type Count = Arc<AtomicUsize>;

struct Counted {
    file: File,
    bytes: Count,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.bytes.fetch_add(n, Ordering::Relaxed);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_go_by_name() {
        let of = |name: &str| Format::of(Path::new(name));
        assert_eq!(of("a/b.jsonl"), Ok(Format::JsonLines(Compression::None)));
        assert_eq!(of("b.JSONL.gz"), Ok(Format::JsonLines(Compression::Gzip)));
        assert_eq!(
            of("b.x.ndjson.zst"),
            Ok(Format::JsonLines(Compression::Zstd))
        );
        assert_eq!(of("b.txt"), Ok(Format::Text));
        assert_eq!(of("jsonl"), Ok(Format::Text));
        assert_eq!(of("b.parquet").is_ok(), cfg!(feature = "parquet"));
        for other in ["b.txt.gz", "b.json", "b.parquet.gz", "b.xz"] {
            assert!(of(other).is_err(), "{other}");
        }
    }

    #[test]
    fn names_have_slashes() {
        let name = |path: &str| Input::file(Path::new(path), Path::new(path), 0).name();
        assert_eq!(name("a/b/../c.txt"), "a/b/../c.txt");
        assert_eq!(name("/a/b"), "/a/b");
    }
}
