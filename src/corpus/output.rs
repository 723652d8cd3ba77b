//! Outputs that appear whole or not at all.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::{NamedTempFile, TempDir};

use super::error::Error;
use super::escape::escaped_bytes;
use super::input::{Compression, Format, Sources};

/// Files and directories in the making. Each is written beside its place, under a passing name;
/// [`commit`](Self::commit) renames them when all are whole. Dropped before that, they leave nothing.
///
/// Stage outputs before the work begins: one that cannot be written is then told at once.
#[derive(Debug)]
#[must_use = "nothing is written before it is committed"]
pub struct Outputs {
    staged: Vec<Staged>,
    /// Where the inputs are: no output may replace one.
    inputs: HashSet<PathBuf>,
    /// What records of the inputs go to.
    records: Records,
}

/// What kind of place the records of the inputs can be written to.
#[derive(Debug)]
enum Records {
    Rows,
    Lines,
    /// The files, as they will lie in a directory.
    Files(Vec<PathBuf>),
    /// JSON lines and text files cannot share one.
    Mixed,
}

#[derive(Debug)]
struct Staged {
    /// The output as it was named.
    path: PathBuf,
    /// Where that really is.
    place: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    File(NamedTempFile, Shared),
    Directory(TempDir),
}

type Shared = Arc<Mutex<Option<Encoder>>>;

impl Outputs {
    /// Nothing staged; outputs of what is read from `sources`.
    pub fn new(sources: &Sources) -> Self {
        let usable = || {
            sources
                .inputs
                .iter()
                .filter(|input| input.problem.is_none())
        };
        let texts = usable().filter(|input| input.format == Format::Text);
        let files: Vec<PathBuf> = texts.map(|input| within(&input.below)).collect();
        Self {
            staged: Vec::new(),
            inputs: sources.places.clone(),
            records: match files.len() {
                _ if usable().any(|input| input.format == Format::Parquet) => Records::Rows,
                0 => Records::Lines,
                n if n == usable().count() => Records::Files(files),
                _ => Records::Mixed,
            },
        }
    }

    /// Stages a file of text, compressed where its name ends in `.gz` or `.zst`.
    ///
    /// # Errors
    /// Where it cannot be made, is staged already or is an input.
    pub fn stage_table(&mut self, path: impl AsRef<Path>) -> Result<Table, Error> {
        let path = path.as_ref();
        let cannot = |error| Error::io("write", path, error);
        let place = self.place(path)?;
        let before = fs::metadata(&place).ok();
        if before.as_ref().is_some_and(|before| !before.is_file()) {
            // Renaming over a device or directory would be a disaster or fail late.
            return Err(cannot(io::Error::other("it is there and no regular file")));
        }
        let temp = temporary(0o666)
            .tempfile_in(folder_of(&place))
            .map_err(cannot)?;
        if let Some(before) = before {
            temp.as_file()
                .set_permissions(before.permissions())
                .map_err(cannot)?;
        }
        let file = temp.as_file().try_clone().map_err(cannot)?;
        let encoder = Encoder::new(file, Compression::of(path)).map_err(cannot)?;
        let shared = Arc::new(Mutex::new(Some(encoder)));
        self.stage(path, place, Kind::File(temp, Arc::clone(&shared)));
        let path = path.to_owned();
        Ok(Table { path, shared })
    }

    /// Stages a place for input records, in the inputs' format: a file of JSON lines, compressed by its
    /// name, or a directory for text files, which must not exist or be empty.
    ///
    /// # Errors
    /// Where it cannot be made, is staged already or is an input; where the inputs are JSON lines and text
    /// files mixed, or two text files would lie in the same place.
    pub fn stage_records(&mut self, path: impl AsRef<Path>) -> Result<RecordSink, Error> {
        let path = path.as_ref();
        match &self.records {
            Records::Rows => Err(Error::refused(
                "rows of Parquet files cannot be written yet",
            )),
            Records::Lines => Ok(RecordSink(Sink::Lines(self.stage_table(path)?))),
            Records::Files(files) => {
                let mut seen = HashSet::new();
                if let Some(twice) = files.iter().find(|file| !seen.insert(*file)) {
                    let file = escaped_bytes(path.join(twice).as_os_str());
                    return Err(Error::refused(format!(
                        "two inputs would be written to {file}"
                    )));
                }
                self.stage_directory(path)
            }
            Records::Mixed => Err(Error::refused(format!(
                "records for {} would be JSON lines and text files mixed: run them apart",
                escaped_bytes(path.as_os_str())
            ))),
        }
    }

    fn stage_directory(&mut self, path: &Path) -> Result<RecordSink, Error> {
        let cannot = |error| Error::io("write", path, error);
        let place = self.place(path)?;
        if place.exists() && fs::read_dir(&place).map_err(cannot)?.next().is_some() {
            return Err(cannot(io::ErrorKind::DirectoryNotEmpty.into()));
        }
        let temp = temporary(0o777)
            .tempdir_in(folder_of(&place))
            .map_err(cannot)?;
        let folder = temp.path().to_owned();
        self.stage(path, place, Kind::Directory(temp));
        let path = path.to_owned();
        Ok(RecordSink(Sink::Directory { path, folder }))
    }

    fn stage(&mut self, path: &Path, place: PathBuf, kind: Kind) {
        let path = path.to_owned();
        self.staged.push(Staged { path, place, kind });
    }

    /// Where an output really is, links followed: no input, and apart from all other outputs.
    fn place(&self, path: &Path) -> Result<PathBuf, Error> {
        let name = || escaped_bytes(path.as_os_str());
        let place = fs::canonicalize(path).or_else(|_| {
            let folder = fs::canonicalize(folder_of(path))?;
            Ok(folder.join(path.file_name().unwrap_or_default()))
        });
        let place = place.map_err(|error| Error::io("write", path, error))?;
        if self.inputs.contains(&place) {
            return Err(Error::refused(format!(
                "output {} is an input as well",
                name()
            )));
        }
        let overlaps = |s: &Staged| s.place.starts_with(&place) || place.starts_with(&s.place);
        if let Some(other) = self.staged.iter().find(|&s| overlaps(s)) {
            let other = escaped_bytes(other.path.as_os_str());
            return Err(Error::refused(format!(
                "outputs {other} and {} overlap",
                name()
            )));
        }
        Ok(place)
    }

    /// Finishes all outputs, then puts each in its place; files that were there are replaced.
    ///
    /// # Errors
    /// Where one cannot be finished (nothing is in its place then) or renamed. Directories, the likelier
    /// to fail, are placed first.
    pub fn commit(self) -> Result<(), Error> {
        for Staged { path, kind, .. } in &self.staged {
            if let Kind::File(_, shared) = kind {
                let encoder = lock(shared).take();
                let finished = encoder.map_or(Ok(()), Encoder::finish);
                finished.map_err(|error| Error::io("write", path, error))?;
            }
        }
        let is_directory = |staged: &Staged| matches!(staged.kind, Kind::Directory(_));
        let (directories, files): (Vec<_>, Vec<_>) =
            self.staged.into_iter().partition(is_directory);
        for Staged { path, place, kind } in directories.into_iter().chain(files) {
            let placed = match kind {
                Kind::File(temp, _) => temp.persist(&place).map(drop).map_err(|e| e.error),
                Kind::Directory(temp) => place_directory(temp, &place),
            };
            placed.map_err(|error| Error::io("write", &path, error))?;
        }
        Ok(())
    }
}

/// A path as it lies below a directory: what leads out of that is left out.
fn within(path: &Path) -> PathBuf {
    let normal = |c: &Component<'_>| matches!(c, Component::Normal(_));
    path.components().filter(normal).collect()
}

fn place_directory(temp: TempDir, path: &Path) -> io::Result<()> {
    if path.exists() {
        fs::remove_dir(path)?; // it was empty, or this fails
    }
    fs::rename(temp.path(), path)?;
    let _gone = temp.keep();
    Ok(())
}

/// A temporary file or directory with the permissions that the finished one should have: what the
/// umask leaves of `mode`.
fn temporary(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".resemblance-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A staged file to write text to.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    shared: Shared,
}

impl Table {
    /// Appends a line.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn line(&self, line: impl std::fmt::Display) -> Result<(), Error> {
        self.with(|encoder| writeln!(encoder, "{line}"))
    }

    fn with(&self, write: impl FnOnce(&mut Encoder) -> io::Result<()>) -> Result<(), Error> {
        match &mut *lock(&self.shared) {
            Some(encoder) => write(encoder),
            None => Err(io::Error::other("written to after it was committed")),
        }
        .map_err(|error| Error::io("write", &self.path, error))
    }
}

/// A staged place for input records, see [`Outputs::stage_records`].
#[derive(Debug)]
pub struct RecordSink(Sink);

#[derive(Debug)]
enum Sink {
    Lines(Table),
    Directory {
        /// The output as it was named, for messages.
        path: PathBuf,
        folder: PathBuf,
    },
}

impl RecordSink {
    /// Writes a record of the input that is called `below`.
    pub(super) fn write(&self, below: &Path, record: &[u8]) -> Result<(), Error> {
        match &self.0 {
            Sink::Lines(table) => table.with(|encoder| {
                encoder.write_all(record)?;
                encoder.write_all(b"\n")
            }),
            Sink::Directory { path, folder } => {
                let below = within(below);
                write_new(&folder.join(&below), record)
                    .map_err(|error| Error::io("write", &path.join(below), error))
            }
        }
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder_of(path))?;
    File::create_new(path)?.write_all(bytes)
}

enum Encoder {
    Plain(BufWriter<File>),
    Gzip(flate2::write::GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encoder")
    }
}

impl Encoder {
    fn new(file: File, compression: Compression) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 16, file);
        Ok(match compression {
            Compression::None => Self::Plain(file),
            Compression::Gzip => Self::Gzip(flate2::write::GzEncoder::new(
                file,
                flate2::Compression::default(),
            )),
            Compression::Zstd => Self::Zstd(zstd::Encoder::new(file, 0)?),
        })
    }

    /// Writes what is still held and waits until the disk has it.
    fn finish(self) -> io::Result<()> {
        let file = match self {
            Self::Plain(file) => file,
            Self::Gzip(encoder) => encoder.finish()?,
            Self::Zstd(encoder) => encoder.finish()?,
        };
        file.into_inner()?.sync_all()
    }
}

impl Write for Encoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

/// A writer that panicked leaves its output uncommitted; the lock itself is sound.
fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Option<Encoder>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
