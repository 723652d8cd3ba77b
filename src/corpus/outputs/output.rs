//! Outputs that appear whole or not at all.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

use crate::corpus::error::Error;
use crate::corpus::escape::escaped_bytes;
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
    /// Those inputs that records may come from.
    origins: Arc<[Origin]>,
}

#[derive(Debug)]
struct Staged {
    /// The output as it was named.
    path: PathBuf,
    /// Where that really is.
    place: PathBuf,
    kind: Kind,
    /// What is written to it.
    open: Box<dyn Finish>,
}

#[derive(Debug)]
enum Kind {
    File(NamedTempFile),
    Directory(Folder),
    Index(IndexSink),
}

impl Outputs {
    /// Nothing staged; outputs of what is read from `sources`.
    pub fn new(sources: &Sources) -> Self {
        let usable = sources
            .inputs
            .iter()
            .filter(|input| input.problem.is_none());
        Self {
            staged: Vec::new(),
            inputs: sources.places.clone(),
            origins: usable.map(Origin::of).collect(),
        }
    }

    /// Stages a file of text, compressed where its name ends in `.gz` or `.zst`.
    ///
    /// # Errors
    /// Where it cannot be made, is staged already or is an input; where its name ends in that of another compression,
    /// such as `.xz`.
    pub fn stage_table(&mut self, path: impl AsRef<Path>) -> Result<Table, Error> {
        let path = path.as_ref();
        check_compression(path)?;
        let (place, temp, file) = self.temporary_file(path)?;
        let encoder = Encoder::new(file, Compression::of(path));
        let encoder = encoder.map_err(|error| Error::io("write", path, error))?;
        Ok(Table(self.stage(path, place, Kind::File(temp), encoder)))
    }

    /// Stages a place for input records, in the inputs' format.
    ///
    /// - A name with an extension is one file: JSON lines, CSV, TSV or WET, compressed as the name says, or `.parquet`. Text files
    ///   are written to a file of JSON lines, as objects with `id` and `text`.
    /// - Any other name, a name that ends in a slash, and an existing directory are a directory with one file for each input,
    ///   named and compressed like the input. An existing directory is replaced if it holds only files of these names.
    ///
    /// A line or row is written as it stands, with a line feed; blank lines and a byte-order mark are no part of records.
    /// A WET record is written as it stands as well, under gzip in a member of its own; records that are no documents are
    /// not written.
    /// A file of CSV or TSV begins with the header of the first input. A row of a Parquet file is written with all its
    /// columns, under the schema, the metadata and the compression of the first file.
    ///
    /// # Errors
    /// Where it cannot be made, is staged already or is an input. For one file: where the inputs are of several formats,
    /// or of several schemas or headers, or its name is one of another format. For a directory: where two inputs would
    /// lie in the same place.
    pub fn stage_records(&mut self, path: impl AsRef<Path>) -> Result<RecordSink, Error> {
        let path = path.as_ref();
        if names_directory(path) {
            let shards = self.stage_shards(path)?;
            return Ok(RecordSink(Records::Directory(shards)));
        }
        self.place(path)?; // an input is no output, whatever its name
        check_compression(path)?;
        let refused = |what: &str, instead: &str| {
            let path = escaped_bytes(path.as_os_str());
            let told = format!("records for {path} would be {what}: name {instead}");
            Err(Error::refused(told))
        };
        let all = Origin::formats(&self.origins);
        let format = match *all {
            [] => InputFormat::JsonLines,
            [one] => one,
            _ => {
                let names: Vec<&str> = all.iter().map(|of| of.holds()).collect();
                let told = format!("{} mixed", names.join(" and "));
                return refused(&told, "a directory, or process each format in its own run");
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
                table.line(header)?;
                Records::Lines(table)
            }
            InputFormat::Wet => Records::Lines(self.stage_table(path)?),
            InputFormat::Parquet => Records::Rows(self.stage_rows(path)?),
        };
        Ok(RecordSink(records))
    }

    /// The header of all inputs, for an output of this name.
    fn common_header(&self, path: &Path) -> Result<String, Error> {
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
        Ok(first.map_or(String::new(), |(_, header)| header.row.clone()))
    }

    fn stage_rows(&mut self, path: &Path) -> Result<Open<RowWriter>, Error> {
        let (place, temp, file) = self.temporary_file(path)?;
        let inputs: Vec<&Path> = self.origins.iter().map(|origin| &*origin.path).collect();
        let writer = RowWriter::create(path, file, &inputs)?;
        Ok(self.stage(path, place, Kind::File(temp), writer))
    }

    fn stage_shards(&mut self, path: &Path) -> Result<Open<Shards>, Error> {
        Origin::lie_apart(&self.origins, path)?;
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
        let shards = Shards::new(path, temp.path(), &self.origins);
        Ok(self.stage(path, place, Kind::Directory(temp), shards))
    }

    /// Stages an index of the documents that are kept, as a directory. It must not exist, be empty, or be an index, which
    /// is replaced then: one that the job [goes by](crate::corpus::Job::against) as well.
    ///
    /// # Errors
    /// Where it cannot be made, is staged already, or something else lies there.
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

    /// A file beside the place of an output.
    fn temporary_file(&self, path: &Path) -> Result<(PathBuf, NamedTempFile, File), Error> {
        let cannot = |error| Error::io("write", path, error);
        let place = self.place(path)?;
        let before = fs::metadata(&place).ok();
        if before.as_ref().is_some_and(|before| !before.is_file()) {
            // Renaming over a device or directory would be a disaster or fail late.
            return Err(cannot(io::Error::other("it is there and no regular file")));
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

    /// Where an output really is, links followed: no input, and apart from all other outputs.
    fn place(&self, path: &Path) -> Result<PathBuf, Error> {
        // Links to what is open already: it would be replaced under whoever has it.
        const OPEN: [&str; 4] = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
        let name = || escaped_bytes(path.as_os_str());
        let cannot = |error| Error::io("write", path, error);
        let place = passing::resolve(path).map_err(cannot)?;
        if OPEN.iter().any(|of| path.starts_with(of)) {
            return Err(Error::refused(format!(
                "output {} is no file of its own: name one",
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
                "outputs {other} and {} overlap",
                name()
            )));
        }
        match fs::metadata(passing::folder_of(&place)) {
            Ok(_) => Ok(place),
            Err(error) => Err(cannot(error)),
        }
    }

    /// Finishes all outputs, then puts each in its place; files that were there are replaced.
    ///
    /// # Errors
    /// Where one cannot be finished (nothing is in its place then) or renamed. Directories, the likelier
    /// to fail, are placed first, and an index last: where it is there, so is what was kept, and where not, the same job
    /// can be run again: it replaces what it has placed.
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

/// Refuses a name that says a file is compressed in a way that is not written.
fn check_compression(path: &Path) -> Result<(), Error> {
    match Compression::unknown(path) {
        Some(ending) => Err(Error::refused(format!(
            "output {}: .{ending} files cannot be written: use a name that ends in .gz or .zst, or in neither",
            escaped_bytes(path.as_os_str())
        ))),
        None => Ok(()),
    }
}

/// Whether an output of this name is a directory.
fn names_directory(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    let last = bytes.last().copied().unwrap_or_default();
    std::path::is_separator(last.into())
        || path.extension().is_none_or(OsStr::is_empty)
        || path.is_dir()
}

/// Puts a directory in its place; one that is there, with files of the same names, goes.
fn place_directory(temp: Folder, path: &Path, origins: &[Origin]) -> io::Result<()> {
    let is_there = path.exists();
    if is_there && !matches!(Origin::stranger(origins, path), Ok(None)) {
        return Err(io::ErrorKind::DirectoryNotEmpty.into()); // somebody has put something there meanwhile
    }
    if !is_there || fs::read_dir(path)?.next().is_none() {
        return temp.persist(path);
    }
    temp.replace(path)
}
