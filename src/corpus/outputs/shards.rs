//! A directory of records, with a file for each input.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use walkdir::WalkDir;

use crate::corpus::error::{Error, Place};
use crate::corpus::escape::escaped_bytes;
use crate::corpus::formats::annotation::{Annotation, Facts};
use crate::corpus::formats::delimited::Header;
use crate::corpus::formats::format::{Format, InputFormat};
use crate::corpus::formats::parquet::RowWriter;
use crate::corpus::formats::record::RawRecord;
use crate::corpus::inputs::input::Input;
use crate::corpus::outputs::encoder::Encoder;
use crate::passing::folder_of;

/// An input whose records may be written.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) path: PathBuf,
    /// The path of its file below the directory.
    target: PathBuf,
    format: Format,
    pub(crate) header: Option<Arc<Header>>,
}

impl Origin {
    pub(crate) fn of(input: &Input) -> Self {
        Self {
            path: input.path.clone(),
            target: within(&input.below),
            format: input.format,
            header: input.header.clone(),
        }
    }

    /// The formats of the inputs.
    pub(crate) fn formats(origins: &[Self]) -> Vec<InputFormat> {
        let is_there = |of: &InputFormat| origins.iter().any(|origin| origin.format.of == *of);
        InputFormat::ALL.into_iter().filter(is_there).collect()
    }

    /// Fails if records of the input have a column with a name of the annotation. Whether JSON lines have such a field
    /// shows when they are copied.
    pub(crate) fn check_columns(&self, annotation: &Annotation) -> Result<(), Error> {
        let checked = match (&self.header, self.format.of) {
            (Some(header), _) => annotation.check_columns(header.names()),
            (None, InputFormat::Parquet) => RowWriter::check_columns(&self.path, annotation),
            _ => Ok(()),
        };
        checked.map_err(|reason| {
            let file = escaped_bytes(self.path.as_os_str());
            Error::bad(Place { file, line: None }, reason)
        })
    }

    /// A file or folder in a directory that this run would not write, if there is one. The directory is not replaced
    /// then.
    pub(crate) fn stranger(origins: &[Self], directory: &Path) -> Result<Option<PathBuf>, Error> {
        let ours: HashSet<&Path> = origins.iter().map(|origin| &*origin.target).collect();
        for entry in WalkDir::new(directory).min_depth(1) {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(directory).to_owned();
                Error::io("read", &path, error.into())
            })?;
            let below = entry.path().strip_prefix(directory).unwrap_or(entry.path());
            let is_ours = match entry.file_type() {
                kind if kind.is_dir() => ours.iter().any(|ours| ours.starts_with(below)),
                kind => kind.is_file() && ours.contains(below),
            };
            if !is_ours {
                return Ok(Some(entry.into_path()));
            }
        }
        Ok(None)
    }

    /// Fails if the file of one input would replace the file or the folder of another.
    pub(crate) fn lie_apart(origins: &[Self], directory: &Path) -> Result<(), Error> {
        let mut seen = HashSet::new();
        let mut twice = None;
        for Self {
            target,
            path,
            format,
            ..
        } in origins
        {
            if path == Path::new("-") {
                let directory = escaped_bytes(directory.as_os_str());
                let ending = match format.of {
                    InputFormat::Text => InputFormat::JsonLines,
                    other => other,
                };
                return Err(Error::refused(format!(
                    "{directory} would be a directory, but records of standard input have no file name: name a \
                     .{ending} file"
                )));
            }
            if !seen.insert(&**target) {
                twice = twice.or(Some(&**target));
            }
        }
        let folders = origins
            .iter()
            .flat_map(|origin| origin.target.ancestors().skip(1));
        match twice.or_else(|| folders.into_iter().find(|folder| seen.contains(folder))) {
            None => Ok(()),
            Some(target) => {
                let file = escaped_bytes(directory.join(target).as_os_str());
                let why =
                    format!("two inputs would be written to {file}: process them in separate runs");
                Err(Error::refused(why))
            }
        }
    }
}

/// A path below a directory, without components that lead out of it.
fn within(path: &Path) -> PathBuf {
    let normal = |c: &Component<'_>| matches!(c, Component::Normal(_));
    path.components().filter(normal).collect()
}

/// Writes the files of a directory, one after the other.
pub(crate) struct Shards {
    /// The path of the directory that the user named, for messages.
    path: PathBuf,
    /// The temporary directory.
    folder: PathBuf,
    origins: Arc<[Origin]>,
    annotation: Option<Annotation>,
    /// The inputs whose files were begun.
    begun: HashSet<PathBuf>,
    open: Option<Shard>,
}

/// The file of one input.
struct Shard {
    /// The path of the input.
    of: PathBuf,
    /// The final path of the file.
    path: PathBuf,
    writer: Writer,
}

enum Writer {
    Lines(Encoder),
    Rows(Box<RowWriter>),
}

impl Shards {
    pub(crate) fn new(
        path: &Path,
        folder: &Path,
        origins: &Arc<[Origin]>,
        annotation: Option<Annotation>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            folder: folder.to_owned(),
            origins: Arc::clone(origins),
            annotation,
            begun: HashSet::new(),
            open: None,
        }
    }

    /// Writes a record of the input, and of a row also what is added to it.
    pub(crate) fn write(
        &mut self,
        input: &Input,
        record: &RawRecord<'_>,
        facts: Option<Facts>,
    ) -> Result<(), Error> {
        if input.format.of == InputFormat::Text {
            let target = within(&input.below);
            let written = create(&self.folder.join(&target));
            let written = written.and_then(|mut file| file.write_all(record.bytes));
            return written.map_err(|error| Error::io("write", &self.path.join(target), error));
        }
        if self
            .open
            .as_ref()
            .is_none_or(|shard| shard.of != input.path)
        {
            self.close()?;
            self.open = Some(self.begin(&Origin::of(input))?);
        }
        self.open
            .as_mut()
            .map_or(Ok(()), |shard| shard.write(record, facts))
    }

    fn begin(&mut self, origin: &Origin) -> Result<Shard, Error> {
        let path = self.path.join(&origin.target);
        let cannot = |error| Error::io("write", &path, error);
        let file = create(&self.folder.join(&origin.target)).map_err(cannot)?;
        let writer = if origin.format.of == InputFormat::Parquet {
            let (inputs, annotation) = ([&*origin.path], self.annotation.as_ref());
            let writer = RowWriter::create(&path, file, &inputs, annotation)?;
            Writer::Rows(Box::new(writer))
        } else {
            let encoder = Encoder::new(file, origin.format.compression);
            let mut encoder = encoder.map_err(cannot)?;
            if let Some(header) = &origin.header {
                let row = header.row_with(self.annotation.as_ref());
                encoder.line(&row).map_err(cannot)?;
            }
            Writer::Lines(encoder)
        };
        self.begun.insert(origin.path.clone());
        let of = origin.path.clone();
        Ok(Shard { of, path, writer })
    }

    fn close(&mut self) -> Result<(), Error> {
        self.open.take().map_or(Ok(()), Shard::finish)
    }

    /// Completes the last file, and creates the files of inputs without written records. Every input has a file, except
    /// text files, and inputs whose header or footer cannot be read.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.close()?;
        for origin in Arc::clone(&self.origins).iter() {
            let has_file = match origin.format.of {
                InputFormat::Text => false,
                InputFormat::JsonLines | InputFormat::Wet => true,
                InputFormat::Csv | InputFormat::Tsv => origin.header.is_some(),
                InputFormat::Parquet => RowWriter::can_be_like(&origin.path),
            };
            if has_file && !self.begun.contains(&origin.path) {
                self.begin(origin)?.finish()?;
            }
        }
        Ok(())
    }
}

impl Shard {
    fn write(&mut self, record: &RawRecord<'_>, facts: Option<Facts>) -> Result<(), Error> {
        match &mut self.writer {
            Writer::Lines(encoder) => {
                let written = encoder.record(record);
                written.map_err(|error| Error::io("write", &self.path, error))
            }
            Writer::Rows(writer) => writer.write(&self.of, record.line.unwrap_or_default(), facts),
        }
    }

    fn finish(self) -> Result<(), Error> {
        match self.writer {
            Writer::Lines(encoder) => {
                let finished = encoder.finish();
                finished.map_err(|error| Error::io("write", &self.path, error))
            }
            Writer::Rows(writer) => writer.finish(),
        }
    }
}

/// Creates a new file, and the folders that contain it.
fn create(path: &Path) -> io::Result<File> {
    fs::create_dir_all(folder_of(path))?;
    File::create_new(path)
}
