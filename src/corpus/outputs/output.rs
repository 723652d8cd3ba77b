//! Outputs that appear complete or not at all.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

use crate::corpus::error::Error;
use crate::corpus::escape::escaped_bytes;
use crate::corpus::formats::annotation::Annotation;
use crate::corpus::formats::compression::Compression;
use crate::corpus::formats::delimited::Header;
use crate::corpus::formats::format::InputFormat;
use crate::corpus::formats::parquet::RowWriter;
use crate::corpus::inputs::sources::Sources;
use crate::corpus::outputs::encoder::Encoder;
use crate::corpus::outputs::shards::{Origin, Shards};
use crate::corpus::outputs::sink::{Finish, IndexSink, Open, RecordSink, Records, Table};
use crate::passing::{self, Folder};
use crate::storage::Writer;

/// Files and directories that are being written. Each is written beside its path, under a temporary name;
/// [`commit`](Self::commit) renames them when all are complete. If this is dropped before, all of them are removed.
///
/// Stage outputs before the work begins, so that you learn at once of one that cannot be written.
#[derive(Debug)]
#[must_use = "nothing is written before it is committed"]
pub struct Outputs {
    staged: Vec<Staged>,
    /// The resolved paths of the inputs. No output may replace one.
    inputs: HashSet<PathBuf>,
    /// The inputs that can be read.
    origins: Arc<[Origin]>,
    /// The fields that are added to records.
    annotation: Option<Annotation>,
}

#[derive(Debug)]
struct Staged {
    /// The path that the user named.
    path: PathBuf,
    /// The path with links resolved.
    place: PathBuf,
    kind: Kind,
    /// The writer.
    open: Box<dyn Finish>,
}

#[derive(Debug)]
enum Kind {
    File(NamedTempFile),
    Directory(Folder),
    Index(IndexSink),
}

impl Outputs {
    /// Outputs for records of `sources`; nothing is staged yet.
    pub fn new(sources: &Sources) -> Self {
        let usable = sources
            .inputs
            .iter()
            .filter(|input| input.problem.is_none());
        Self {
            staged: Vec::new(),
            inputs: sources.places.clone(),
            origins: usable.map(Origin::of).collect(),
            annotation: None,
        }
    }

    /// Stages a file of text, compressed if its name ends in `.gz` or `.zst`.
    ///
    /// # Errors
    /// If it cannot be created, is staged already, is an input, or has the extension of another compression, such as
    /// `.xz`.
    pub fn stage_table(&mut self, path: impl AsRef<Path>) -> Result<Table, Error> {
        let path = path.as_ref();
        check_compression(path)?;
        let (place, temp, file) = self.temporary_file(path)?;
        let encoder = Encoder::new(file, Compression::of(path));
        let encoder = encoder.map_err(|error| Error::io("write", path, error))?;
        Ok(Table(self.stage(path, place, Kind::File(temp), encoder)))
    }

    /// Adds three fields to the records of all outputs that are staged after this. Their names begin with `prefix`. Only a
    /// [`Job`](crate::corpus::Job) can write such outputs.
    ///
    /// - `cluster`: the number of the document's cluster, as in the [table of clusters](Table::clusters), from 1; null, or
    ///   an empty cell, for a document in no cluster.
    /// - `cluster_size`: the number of documents in this cluster, 1 for a document in no cluster. If the job
    ///   [compares](crate::corpus::Job::against) with indexes, documents of an index in the cluster count too, and so do
    ///   those that earlier jobs removed for them.
    /// - `kept`: whether the document is kept.
    ///
    /// JSON objects get them as their last fields, rows as their last columns. In Parquet files, the first two are 64-bit
    /// integers; an Arrow schema in the file's metadata is left out, since it would lack the columns. Everything else is
    /// unchanged.
    ///
    /// Staging an output fails if the inputs have WET records, if text files would be written to a directory, or if a
    /// CSV, TSV or Parquet file has a column of such a name. A JSON line with such a field ends the job with an error,
    /// whatever [`OnBad`](crate::corpus::OnBad) says.
    ///
    /// ```no_run
    /// use resemblance::corpus::{Outputs, Sinks, Sources};
    ///
    /// let sources = Sources::find(&["articles.jsonl"])?;
    /// let mut outputs = Outputs::new(&sources);
    /// outputs.annotate("dup_");
    /// let sinks = Sinks::new().kept(outputs.stage_records("kept.jsonl")?);
    /// # Ok::<(), resemblance::corpus::Error>(())
    /// ```
    pub fn annotate(&mut self, prefix: impl AsRef<str>) {
        self.annotation = Some(Annotation::new(prefix.as_ref()));
    }

    /// Stages an output of input records, in the format of the inputs.
    ///
    /// - A name with an extension is one file: JSON lines, CSV, TSV or WET, compressed as the name says, or
    ///   `.parquet`. Text files are written to a file of JSON lines, as objects with `id` and `text`.
    /// - Any other name, a name that ends in a slash, and an existing directory are a directory with one file for
    ///   each input, named and compressed like the input. An existing directory is replaced if it contains only files
    ///   of these names.
    ///
    /// Lines, rows and WET records are written unchanged:
    ///
    /// - A line or row ends with a line feed. Blank lines and byte-order marks are not part of records.
    /// - A file of CSV or TSV begins with the header of the first input.
    /// - With gzip, each WET record is a member of its own. Records that are not documents are not written.
    /// - A row of a Parquet file is written with all its columns. The file has the schema, metadata and compression
    ///   of the first input.
    ///
    /// # Errors
    /// If it cannot be created, is staged already or is an input. For one file: if the inputs have different formats,
    /// schemas or headers, or the name is one of another format. For a directory: if two inputs would be written to the
    /// same file.
    pub fn stage_records(&mut self, path: impl AsRef<Path>) -> Result<RecordSink, Error> {
        let path = path.as_ref();
        if names_directory(path) {
            let shards = self.stage_shards(path)?;
            return Ok(self.record_sink(Records::Directory(shards)));
        }
        self.place(path)?; // first, so that an output that is an input is reported as such
        check_compression(path)?;
        self.check_annotation(path)?;
        let refused = |what: &str, instead: &str| {
            let path = escaped_bytes(path.as_os_str());
            let why = format!("records for {path} would be {what}: name {instead}");
            Err(Error::refused(why))
        };
        let all = Origin::formats(&self.origins);
        let format = match *all {
            [] => InputFormat::JsonLines,
            [one] => one,
            _ => {
                let names: Vec<&str> = all.iter().map(|of| of.holds()).collect();
                let what = format!("{} mixed", names.join(" and "));
                return refused(&what, "a directory, or process each format in its own run");
            }
        };
        let named = InputFormat::named(path);
        let records = match format {
            InputFormat::Text if named == Some(InputFormat::JsonLines) => {
                Records::Texts(self.stage_table(path)?)
            }
            InputFormat::Text => {
                let instead =
                    "a .jsonl file, for their ids and texts, or a directory: a name that ends in /";
                return refused("text files", instead);
            }
            InputFormat::JsonLines => match named {
                Some(
                    InputFormat::Csv | InputFormat::Tsv | InputFormat::Wet | InputFormat::Parquet,
                ) => {
                    return refused("JSON lines", "a .jsonl file or a directory");
                }
                _ => Records::Lines(self.stage_table(path)?),
            },
            _ if named != Some(format) => {
                return refused(format.holds(), &format!("a .{format} file or a directory"));
            }
            InputFormat::Csv | InputFormat::Tsv => {
                let header = self.common_header(path)?;
                let table = self.stage_table(path)?;
                table.with(|encoder| encoder.line(&header))?;
                Records::Lines(table)
            }
            InputFormat::Wet => Records::Lines(self.stage_table(path)?),
            InputFormat::Parquet => Records::Rows(self.stage_rows(path)?),
        };
        Ok(self.record_sink(records))
    }

    fn record_sink(&self, records: Records) -> RecordSink {
        RecordSink {
            records,
            annotation: self.annotation.clone(),
        }
    }

    /// Fails if fields cannot be added to records in the output at `path`.
    fn check_annotation(&self, path: &Path) -> Result<(), Error> {
        let Some(annotation) = &self.annotation else {
            return Ok(());
        };
        let formats = Origin::formats(&self.origins);
        let name = escaped_bytes(path.as_os_str());
        if formats.contains(&InputFormat::Wet) {
            return Err(Error::refused(format!(
                "records for {name} would be WET records, which cannot have more fields: leave --annotate out, and write \
                 the table of clusters (--clusters), which has their ids"
            )));
        }
        if formats.contains(&InputFormat::Text) && names_directory(path) {
            return Err(Error::refused(format!(
                "{name} would be a directory of text files, which cannot have more fields (--annotate): name a .jsonl file"
            )));
        }
        let mut origins = self.origins.iter();
        origins.try_for_each(|origin| origin.check_columns(annotation))
    }

    /// The header that all inputs share, for the output at `path`, with the added columns.
    fn common_header(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let mut first: Option<(&Origin, &Header)> = None;
        for origin in self.origins.iter() {
            let name = |path: &Path| escaped_bytes(path.as_os_str());
            let Some(header) = &origin.header else {
                let origin = name(&origin.path);
                return Err(Error::refused(format!(
                    "the header row of {origin} cannot be read, but {} needs it: write to a directory instead",
                    name(path)
                )));
            };
            match first {
                None => first = Some((origin, header)),
                Some((_, other)) if header.is_like(other) => {}
                Some((other, _)) => {
                    return Err(Error::refused(format!(
                        "the header rows of {} and {} differ, but {} can have only one: write to a directory instead",
                        name(&other.path),
                        name(&origin.path),
                        name(path)
                    )));
                }
            }
        }
        let annotation = self.annotation.as_ref();
        Ok(first.map_or(Vec::new(), |(_, header)| header.row_with(annotation)))
    }

    fn stage_rows(&mut self, path: &Path) -> Result<Open<RowWriter>, Error> {
        let (place, temp, file) = self.temporary_file(path)?;
        let inputs: Vec<&Path> = self.origins.iter().map(|origin| &*origin.path).collect();
        let writer = RowWriter::create(path, file, &inputs, self.annotation.as_ref())?;
        Ok(self.stage(path, place, Kind::File(temp), writer))
    }

    fn stage_shards(&mut self, path: &Path) -> Result<Open<Shards>, Error> {
        Origin::lie_apart(&self.origins, path)?;
        self.check_annotation(path)?;
        let cannot = |error| Error::io("write", path, error);
        let place = self.place(path)?;
        if place.exists()
            && let Some(other) = Origin::stranger(&self.origins, &place)?
        {
            return Err(Error::refused(format!(
                "output {} exists, and {} in it is not a file that this run would write: name another directory, or empty this one",
                escaped_bytes(path.as_os_str()),
                escaped_bytes(other.as_os_str())
            )));
        }
        let temp = Folder::beside(&place).map_err(cannot)?;
        let annotation = self.annotation.clone();
        let shards = Shards::new(path, temp.path(), &self.origins, annotation);
        Ok(self.stage(path, place, Kind::Directory(temp), shards))
    }

    /// Stages an index of the kept documents, which is a directory.
    ///
    /// The directory must not exist, be empty, or be an index, which is replaced. It may be an index with which the job
    /// [compares](crate::corpus::Job::against).
    ///
    /// # Errors
    /// If it cannot be created, is staged already, or something else exists at this path.
    pub fn stage_index(&mut self, path: impl AsRef<Path>) -> Result<IndexSink, Error> {
        let path = path.as_ref();
        let place = self.place(path)?;
        let open = Open::new(path, Writer::create(path)?);
        let sink = IndexSink(open.clone());
        self.staged.push(Staged {
            path: path.to_owned(),
            place,
            kind: Kind::Index(sink.clone()),
            open: Box::new(open),
        });
        Ok(sink)
    }

    /// A temporary file beside an output.
    fn temporary_file(&self, path: &Path) -> Result<(PathBuf, NamedTempFile, File), Error> {
        let cannot = |error| Error::io("write", path, error);
        let place = self.place(path)?;
        let before = fs::metadata(&place).ok();
        if before.as_ref().is_some_and(|before| !before.is_file()) {
            // Renaming over a device would be a disaster, and over a directory it would fail late.
            return Err(cannot(io::Error::other(
                "it exists and is not a regular file",
            )));
        }
        let temp = passing::file_beside(&place).map_err(cannot)?;
        if let Some(before) = before {
            temp.as_file()
                .set_permissions(before.permissions())
                .map_err(cannot)?;
        }
        let file = temp.as_file().try_clone().map_err(cannot)?;
        Ok((place, temp, file))
    }

    fn stage<W>(&mut self, path: &Path, place: PathBuf, kind: Kind, writer: W) -> Open<W>
    where
        Open<W>: Finish + Clone + 'static,
    {
        let open = Open::new(path, writer);
        self.staged.push(Staged {
            path: path.to_owned(),
            place,
            kind,
            open: Box::new(open.clone()),
        });
        open
    }

    /// The resolved path of an output. Fails if it overlaps an input or another output.
    fn place(&self, path: &Path) -> Result<PathBuf, Error> {
        // Links to files that are open. Replacing one would take it away from the process that has it open.
        const OPEN: [&str; 4] = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
        let name = || escaped_bytes(path.as_os_str());
        let cannot = |error| Error::io("write", path, error);
        let place = passing::resolve(path).map_err(cannot)?;
        if OPEN.iter().any(|of| path.starts_with(of)) {
            return Err(Error::refused(format!(
                "output {} is not a file of its own: name a regular file",
                name()
            )));
        }
        if place.is_symlink() {
            return Err(Error::refused(format!(
                "output {} is a link to a file that does not exist: name the file itself",
                name()
            )));
        }
        if let Some(input) = self.inputs.iter().find(|input| input.starts_with(&place)) {
            return Err(Error::refused(match *input == place {
                true => format!("output {} is also an input: name another output", name()),
                false => format!(
                    "the input {} lies inside the output {}: name another output",
                    escaped_bytes(input.as_os_str()),
                    name()
                ),
            }));
        }
        let overlaps = |s: &Staged| s.place.starts_with(&place) || place.starts_with(&s.place);
        if let Some(other) = self.staged.iter().find(|&s| overlaps(s)) {
            let other = escaped_bytes(other.path.as_os_str());
            return Err(Error::refused(format!(
                "outputs {other} and {} overlap: name another path for one of them",
                name()
            )));
        }
        match fs::metadata(passing::folder_of(&place)) {
            Ok(_) => Ok(place),
            Err(error) => Err(cannot(error)),
        }
    }

    /// Completes all outputs, then renames each to its path. Existing files are replaced.
    ///
    /// # Errors
    /// If an output cannot be completed, none is renamed. If one cannot be renamed, those before it are in place, and
    /// the job can be run again to replace them. Directories are renamed first, since they are more likely to fail, and
    /// an index last: so if the index is in place, all other outputs are as well.
    pub fn commit(mut self) -> Result<(), Error> {
        for staged in &self.staged {
            staged.open.finish()?;
        }
        self.staged.sort_by_key(|staged| match staged.kind {
            Kind::Directory(_) => 0,
            Kind::File(_) => 1,
            Kind::Index(_) => 2,
        });
        for staged in self.staged {
            let Staged { path, place, .. } = staged;
            let placed = match staged.kind {
                Kind::File(temp) => temp.persist(&place).map(drop).map_err(|e| e.error),
                Kind::Directory(temp) => place_directory(temp, &place, &self.origins),
                Kind::Index(sink) => {
                    sink.put()?;
                    Ok(())
                }
            };
            placed.map_err(|error| Error::io("write", &path, error))?;
        }
        Ok(())
    }
}

/// Fails if a name has the extension of a compression that cannot be written.
fn check_compression(path: &Path) -> Result<(), Error> {
    match Compression::unknown(path) {
        Some(ending) => Err(Error::refused(format!(
            "output {}: .{ending} files cannot be written: use a name that ends in .gz or .zst, or in neither",
            escaped_bytes(path.as_os_str())
        ))),
        None => Ok(()),
    }
}

/// Whether the output at this path is a directory.
fn names_directory(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    let last = bytes.last().copied().unwrap_or_default();
    std::path::is_separator(last.into())
        || path.extension().is_none_or(OsStr::is_empty)
        || path.is_dir()
}

/// Renames a directory to its path, and replaces an existing one that contains only files of the same names.
fn place_directory(temp: Folder, path: &Path, origins: &[Origin]) -> io::Result<()> {
    let is_there = path.exists();
    if is_there && !matches!(Origin::stranger(origins, path), Ok(None)) {
        return Err(io::ErrorKind::DirectoryNotEmpty.into()); // another file was created there meanwhile
    }
    if !is_there || fs::read_dir(path)?.next().is_none() {
        return temp.persist(path);
    }
    temp.replace(path)
}
