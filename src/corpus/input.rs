//! Paths to sources: which files, in which order, of which format.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, Write};
use std::ops::ControlFlow;
use std::path::{self, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use glob::MatchOptions;
use walkdir::WalkDir;

use super::error::Error;
use super::escape::escaped_bytes;
use super::job::is_work_folder;
use super::limit::memory_for;
use super::records::Unusable;
use crate::storage::is_index;
use crate::watch::{Progress, Stage, Watch};

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
        Self::find_with(paths, None)
    }

    /// As [`find`](Self::find), telling `watch` how many files there are, where that takes long. A `Break` ends it with an
    /// error.
    ///
    /// # Errors
    /// As [`find`](Self::find); where `watch` breaks.
    pub fn find_with<P: AsRef<Path>>(
        paths: &[P],
        watch: Option<&dyn Watch>,
    ) -> Result<Self, Error> {
        let mut finding = Finding::new(watch, Stage::Find);
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
                Ok(found) => sources.add(path, &found, paths.len() > 1, &mut finding)?,
                Err(_) if is_pattern(path) => sources.expand(path, &mut finding)?,
                Err(error) => return Err(Error::io("read", path, error)),
            }
        }
        Ok(sources)
    }

    fn add(
        &mut self,
        path: &Path,
        found: &Metadata,
        of_several: bool,
        finding: &mut Finding<'_>,
    ) -> Result<(), Error> {
        if found.is_dir() {
            return match ours(path) {
                Some(what) => Err(Error::refused(format!(
                    "{} is {what}, and no input",
                    escaped_bytes(path.as_os_str())
                ))),
                None => self.walk(path, of_several, finding),
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

    /// What matches a pattern, sorted: files, and all files of directories. Directories are passed over in which nothing
    /// can match, and links to a directory that they are in.
    fn expand(&mut self, path: &Path, finding: &mut Finding<'_>) -> Result<(), Error> {
        let pattern = Pattern::new(path)?;
        let before = self.inputs.len() + self.hidden;
        let root = match pattern.base.as_os_str().is_empty() {
            true => Path::new("."),
            false => &pattern.base,
        };
        let mut entries = WalkDir::new(root)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter();
        while let Some(entry) = entries.next() {
            finding.look(self.inputs.len())?;
            let places = |path: &Path| {
                let path = path.strip_prefix(".").unwrap_or(path);
                pattern.places(pattern.names_below(path))
            };
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    let error = match error.loop_ancestor() {
                        Some(_) => continue,
                        None => io::Error::from(error),
                    };
                    // A link that leads nowhere matters where it matches itself.
                    let places = places(&path);
                    let matters = match error.kind() {
                        ErrorKind::NotFound => path != root && places.ends_with(&[true]),
                        _ => places.contains(&true),
                    };
                    if matters {
                        return Err(Error::io("read", &path, error));
                    }
                    continue;
                }
            };
            let places = places(entry.path());
            let (is_dir, is_match) = (entry.file_type().is_dir(), places.ends_with(&[true]));
            if is_dir && (is_match || !places.contains(&true)) {
                entries.skip_current_dir();
            }
            if is_match && (is_dir || !pattern.of_directories) {
                let path = entry.path();
                let path = path.strip_prefix(".").unwrap_or(path);
                let found = entry.metadata();
                let found = found.map_err(|error| Error::io("read", path, error.into()))?;
                match is_dir && ours(path).is_some() {
                    true => self.hidden += 1,
                    false => self.add(path, &found, true, finding)?,
                }
            }
        }
        match self.inputs.len() + self.hidden == before {
            true => Err(Error::io(
                "read",
                path,
                io::Error::other("nothing matches it"),
            )),
            false => Ok(()),
        }
    }

    /// Copies standard input to a file, where it is among them.
    pub(super) fn spool(&mut self, watch: Option<&dyn Watch>) -> Result<(), Error> {
        let mut inputs = self.inputs.iter_mut();
        inputs.try_for_each(|input| input.spool(watch))
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
    fn walk(
        &mut self,
        root: &Path,
        of_several: bool,
        finding: &mut Finding<'_>,
    ) -> Result<(), Error> {
        let mut entries = WalkDir::new(root)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter();
        while let Some(entry) = entries.next() {
            finding.look(self.inputs.len())?;
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

/// A pattern, component by component.
struct Pattern {
    /// The directory that comes before the first component that is no plain name.
    base: PathBuf,
    components: Vec<Component>,
    /// Whether it says that it is for directories.
    of_directories: bool,
}

enum Component {
    /// Any directories, or none.
    Any,
    Name(glob::Pattern),
}

impl Pattern {
    fn new(pattern: &Path) -> Result<Self, Error> {
        let cannot = |error| Error::io("read", pattern, error);
        let text = pattern.to_str();
        let text = text.ok_or_else(|| cannot(ErrorKind::InvalidFilename.into()))?;
        let mut components = pattern
            .components()
            .filter(|component| *component != path::Component::CurDir)
            .peekable();
        let mut base = PathBuf::new();
        while let Some(plain) = components.next_if(|c| !is_pattern(c.as_ref())) {
            base.push(plain);
        }
        let component = |component: path::Component<'_>| {
            let name = component.as_os_str().to_str().unwrap_or_default();
            match name {
                "**" => Ok(Component::Any),
                _ => glob::Pattern::new(name).map(Component::Name),
            }
        };
        let components = components.map(component).collect::<Result<_, _>>();
        Ok(Self {
            base,
            components: components.map_err(|error| cannot(io::Error::other(error.msg)))?,
            of_directories: text.ends_with(path::is_separator),
        })
    }

    /// The numbers of components before which one stands behind these names; behind the last, the names match.
    fn places<'n>(&self, names: impl Iterator<Item = &'n OsStr>) -> Vec<bool> {
        const OPTIONS: MatchOptions = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let mut places = vec![false; self.components.len() + 1];
        places[0] = true;
        self.pass_any(&mut places);
        for name in names {
            let name = name.to_str();
            let mut next = vec![false; places.len()];
            for (place, component) in self.components.iter().enumerate() {
                match (component, name) {
                    (Component::Any, Some(name)) if places[place] => {
                        next[place] |= !name.starts_with('.');
                    }
                    (Component::Name(pattern), Some(name)) if places[place] => {
                        next[place + 1] |= pattern.matches_with(name, OPTIONS);
                    }
                    _ => {}
                }
            }
            self.pass_any(&mut next);
            places = next;
        }
        places
    }

    /// Any directories may be none.
    fn pass_any(&self, places: &mut [bool]) {
        for (place, component) in self.components.iter().enumerate() {
            if matches!(component, Component::Any) {
                places[place + 1] |= places[place];
            }
        }
    }

    fn names_below<'p>(&self, path: &'p Path) -> impl Iterator<Item = &'p OsStr> {
        let below = path.strip_prefix(&self.base).unwrap_or(path);
        let names = below.components();
        names
            .filter(|component| *component != path::Component::CurDir)
            .map(path::Component::as_os_str)
    }
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
                path::Component::RootDir => name.push('/'),
                other => name.push_str(&escaped_bytes(other.as_os_str())),
            }
        }
        name
    }

    /// Copies standard input to a file, where this is it: records that are kept are read a second time.
    fn spool(&mut self, watch: Option<&dyn Watch>) -> Result<(), Error> {
        if self.path != Path::new("-") {
            return Ok(());
        }
        let (spool, size) = match watch {
            Some(watch) => watched_spool(watch)?,
            None => spool_stdin(|_| true).map_err(cannot_spool)?,
        };
        (self.spool, self.size) = (Some(spool), size);
        Ok(())
    }

    /// Opens the file; what is read comes decompressed, and the file's bytes are counted. A Zstandard window may be of so
    /// many bytes, as a power of two.
    pub(super) fn open(&self, window: u32, bytes: &Count) -> io::Result<Box<dyn Read + Send>> {
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
            Format::JsonLines(Compression::Zstd) => Box::new(Zstd::open(buffered(file), window)?),
        })
    }
}

/// Copies standard input to a file without a name, and tells its size; `goes_on` is asked after each piece of it.
fn spool_stdin(mut goes_on: impl FnMut(u64) -> bool) -> io::Result<(File, u64)> {
    let (mut spool, mut size) = (tempfile::tempfile()?, 0);
    let (mut stdin, mut buffer) = (io::stdin().lock(), vec![0; 1 << 16]);
    loop {
        match stdin.read(&mut buffer) {
            Ok(0) => return Ok((spool, size)),
            Ok(read) => {
                spool.write_all(&buffer[..read])?;
                size += read as u64;
                if !goes_on(size) {
                    return Ok((spool, size));
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn cannot_spool(error: io::Error) -> Error {
    Error::io("copy", Path::new("standard input"), error)
}

/// The same in a thread of its own, so that who waits for input can stop waiting. The thread ends with the input, or with
/// the next of it.
fn watched_spool(watch: &dyn Watch) -> Result<(File, u64), Error> {
    let mut finding = Finding::new(Some(watch), Stage::Read);
    let size = Arc::new(AtomicUsize::new(0));
    let (copied, is_copied) = mpsc::sync_channel(1);
    let told = Arc::clone(&size);
    let copy = move || {
        // Nobody asks any more where the other end of the channel is gone; it holds the file until then.
        let spooled = spool_stdin(|size| {
            told.store(size as usize, Ordering::Relaxed);
            Arc::strong_count(&told) > 1
        });
        let _ = copied.send(spooled);
    };
    let thread = thread::Builder::new().name("standard input".to_owned());
    thread.spawn(copy).map_err(cannot_spool)?;
    loop {
        match is_copied.recv_timeout(Finding::EVERY) {
            Ok(spooled) => return spooled.map_err(cannot_spool),
            Err(RecvTimeoutError::Timeout) => finding.look(size.load(Ordering::Relaxed))?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(cannot_spool(io::Error::other(
                    "the thread that reads it has ended",
                )));
            }
        }
    }
}

/// Tells a watch of work of which nobody knows how much there is.
struct Finding<'w> {
    watch: Option<&'w dyn Watch>,
    stage: Stage,
    last: Instant,
}

impl<'w> Finding<'w> {
    /// Time between two looks at the watch.
    const EVERY: Duration = Duration::from_millis(50);

    fn new(watch: Option<&'w dyn Watch>, stage: Stage) -> Self {
        let last = Instant::now();
        Self { watch, stage, last }
    }

    /// Tells that so much is done, where that is due.
    fn look(&mut self, done: usize) -> Result<(), Error> {
        let Some(watch) = self.watch.filter(|_| self.last.elapsed() >= Self::EVERY) else {
            return Ok(());
        };
        self.last = Instant::now();
        match watch.progress(Progress::of_unknown(self.stage, done as u64)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(crate::Error::cancelled().into()),
        }
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

/// A Zstandard file. What cannot be decompressed with a window of so many bytes is refused in words for that.
struct Zstd {
    decoder: zstd::Decoder<'static, BufReader<Counted>>,
    window: u32,
}

impl Zstd {
    fn open(mut file: BufReader<Counted>, window: u32) -> io::Result<Self> {
        if let Some(takes) = window_of(file.fill_buf()?)
            && takes > 1 << window
        {
            return Err(too_large_a_window(Some(takes), window));
        }
        let mut decoder = zstd::Decoder::with_buffer(file)?;
        decoder.window_log_max(window)?;
        Ok(Self { decoder, window })
    }
}

impl Read for Zstd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer).map_err(|error| {
            // The library has no other way to tell this from a damaged file.
            match error.to_string().contains("too much memory") {
                true => too_large_a_window(None, self.window),
                false => error,
            }
        })
    }
}

/// The window of the first frame of a file that begins so (RFC 8878, section 3.1.1.1); none where the frame is its own
/// window, or this is no frame.
fn window_of(file: &[u8]) -> Option<u64> {
    const SINGLE_SEGMENT: u8 = 1 << 5;
    let [0x28, 0xB5, 0x2F, 0xFD, descriptor, window, ..] = *file else {
        return None;
    };
    let base = 1 << (10 + (window >> 3));
    (descriptor & SINGLE_SEGMENT == 0).then_some(base + base / 8 * u64::from(window & 7))
}

fn too_large_a_window(takes: Option<u64>, window: u32) -> io::Error {
    let enough = takes.map_or(String::new(), |bytes| {
        let memory = memory_for(bytes.next_power_of_two());
        format!(": --memory {memory} allows it")
    });
    let takes = takes.map_or("more".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
    Unusable::error(format!(
        "decompressing it takes a window of {takes}, and {} MiB are allowed{enough}; or compress it with a smaller window, \
         or pipe it in as - (zstd -dc --long=31)",
        (1u64 << window) >> 20
    ))
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
