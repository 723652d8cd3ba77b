//! Outputs that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::{NamedTempFile, TempDir};

use super::error::Error;
use super::input::{Compression, Format};
use super::read::Corpus;

/// Files and directories in the making. Each is written beside its place, under a passing name;
/// [`commit`](Self::commit) renames them when all are whole. Dropped before that, they leave nothing.
///
/// Stage outputs before the work begins: one that cannot be written is then told at once.
#[derive(Debug, Default)]
pub struct Outputs {
    staged: Vec<Staged>,
}

#[derive(Debug)]
struct Staged {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    File(NamedTempFile, Shared),
    Directory(TempDir),
}

type Shared = Arc<Mutex<Option<Encoder>>>;

impl Outputs {
    /// Nothing staged.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stages a file of text, compressed where its name ends in `.gz` or `.zst`.
    ///
    /// # Errors
    /// Where it cannot be made, or is staged already.
    pub fn stage_table(&mut self, path: impl AsRef<Path>) -> Result<Table, Error> {
        let path = path.as_ref();
        self.refuse_twice(path)?;
        let cannot = |error| Error::io("write", path, error);
        if path.exists() && !path.is_file() {
            // Renaming over a device or directory would be a disaster or fail late.
            return Err(cannot(io::Error::other("it is there and no regular file")));
        }
        let beside = folder_of(path);
        let temp = temporary(0o666).tempfile_in(beside).map_err(cannot)?;
        let file = temp.as_file().try_clone().map_err(cannot)?;
        let encoder = Encoder::new(file, Compression::of(path)).map_err(cannot)?;
        let shared = Arc::new(Mutex::new(Some(encoder)));
        self.staged.push(Staged {
            path: path.to_owned(),
            kind: Kind::File(temp, Arc::clone(&shared)),
        });
        let path = path.to_owned();
        Ok(Table { path, shared })
    }

    /// Stages a place for records of `corpus`, in its format: a file of JSON lines, compressed by its
    /// name, or a directory for text files, which must not exist or be empty.
    ///
    /// # Errors
    /// Where it cannot be made, is staged already or is an input, or the inputs are JSON lines and
    /// text files mixed.
    pub fn stage_records(
        &mut self,
        path: impl AsRef<Path>,
        corpus: &Corpus,
    ) -> Result<RecordSink, Error> {
        let path = path.as_ref();
        let inputs = corpus.inputs();
        if inputs.iter().any(|input| same_file(&input.path, path)) {
            let path = path.display();
            return Err(Error::refused(format!("output {path} is an input as well")));
        }
        let texts = inputs.iter().filter(|i| i.format == Format::Text).count();
        if texts == 0 {
            return Ok(RecordSink(Sink::Lines(self.stage_table(path)?)));
        }
        if texts < inputs.len() {
            return Err(Error::refused(format!(
                "records for {} would be JSON lines and text files mixed: run them apart",
                path.display()
            )));
        }
        self.stage_directory(path)
    }

    fn stage_directory(&mut self, path: &Path) -> Result<RecordSink, Error> {
        self.refuse_twice(path)?;
        let cannot = |error| Error::io("write", path, error);
        if path.exists() && fs::read_dir(path).map_err(cannot)?.next().is_some() {
            return Err(cannot(io::ErrorKind::DirectoryNotEmpty.into()));
        }
        let temp = temporary(0o777)
            .tempdir_in(folder_of(path))
            .map_err(cannot)?;
        let folder = temp.path().to_owned();
        self.staged.push(Staged {
            path: path.to_owned(),
            kind: Kind::Directory(temp),
        });
        let path = path.to_owned();
        Ok(RecordSink(Sink::Directory { path, folder }))
    }

    fn refuse_twice(&self, path: &Path) -> Result<(), Error> {
        if self.staged.iter().any(|s| same_file(&s.path, path)) {
            let path = path.display();
            return Err(Error::refused(format!("{path} is named for two outputs")));
        }
        Ok(())
    }

    /// Finishes all outputs, then puts each in its place; files that were there are replaced.
    ///
    /// # Errors
    /// Where one cannot be finished (nothing is in its place then) or renamed.
    pub fn commit(self) -> Result<(), Error> {
        for Staged { path, kind } in &self.staged {
            if let Kind::File(_, shared) = kind {
                let encoder = lock(shared).take();
                let finished = encoder.map_or(Ok(()), Encoder::finish);
                finished.map_err(|error| Error::io("write", path, error))?;
            }
        }
        for Staged { path, kind } in self.staged {
            let placed = match kind {
                Kind::File(temp, _) => temp.persist(&path).map(drop).map_err(|e| e.error),
                Kind::Directory(temp) => place_directory(temp, &path),
            };
            placed.map_err(|error| Error::io("write", &path, error))?;
        }
        Ok(())
    }
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

/// True where both paths lead to one place, there or not yet.
fn same_file(left: &Path, right: &Path) -> bool {
    let whole = |path: &Path| {
        fs::canonicalize(path).unwrap_or_else(|_| {
            let folder = fs::canonicalize(folder_of(path));
            folder
                .unwrap_or_else(|_| folder_of(path).to_owned())
                .join(path.file_name().unwrap_or_default())
        })
    };
    whole(left) == whole(right)
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
    /// Writes a record of the input `name`.
    pub(super) fn write(&self, name: &str, record: &[u8]) -> Result<(), Error> {
        match &self.0 {
            Sink::Lines(table) => table.with(|encoder| {
                encoder.write_all(record)?;
                encoder.write_all(b"\n")
            }),
            Sink::Directory { path, folder } => {
                let below = Path::new(name).components();
                let below: PathBuf = below
                    .filter(|c| matches!(c, Component::Normal(_)))
                    .collect();
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
