//! Copies rows to another file, with all their columns.

use std::fs::File;
use std::io::{self, BufWriter};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Encoding, Repetition, Type as Physical};
use parquet::column::reader::{ColumnReaderImpl, get_typed_column_reader};
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type, Int96Type,
};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ColumnChunkMetaData, KeyValue};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use crate::corpus::error::Error;
use crate::corpus::escape::escaped_bytes;
use crate::corpus::formats::annotation::{Annotation, Facts};
use crate::corpus::formats::parquet::file::{ParquetFile, guarded};
use crate::corpus::formats::record::BLOCK;
use crate::corpus::formats::record::CHANGED;

/// Writes a file of rows that are copied from other files, with the columns of an annotation if there is one.
///
/// Only the numbers of rows are noted at first. When there are enough of them for a row group, the group is written
/// column by column, so only a batch of one column is in memory.
pub(crate) struct RowWriter {
    writer: SerializedFileWriter<BufWriter<File>>,
    /// The path that the user named.
    path: PathBuf,
    source: Option<Source>,
    waiting: Vec<Piece>,
}

/// The key of the Arrow schema in the metadata of a file.
const ARROW_SCHEMA: &str = "ARROW:schema";

/// A row group is written when it has this many rows,
const ROWS: usize = 100_000;
/// or this many bytes before compression,
const BYTES: u64 = 128 << 20;
/// or parts of this many other row groups, whose files are open.
const PIECES: usize = 64;

/// The file whose rows are being copied, and its current row group.
struct Source {
    path: PathBuf,
    file: Arc<ParquetFile>,
    group: usize,
    /// The number of rows before that group.
    before: u64,
    rows: Vec<Range<usize>>,
    /// What is added to each of these rows, if anything is.
    facts: Vec<Facts>,
}

/// Rows of one row group.
struct Piece {
    path: PathBuf,
    file: Arc<ParquetFile>,
    group: usize,
    rows: Vec<Range<usize>>,
    /// What is added to each of these rows, if anything is.
    facts: Vec<Facts>,
}

impl RowWriter {
    /// A writer of rows of `inputs` to `path`, with their schema, and with the metadata and compression of the first. The
    /// columns of the annotation are added to the schema.
    ///
    /// # Errors
    /// If the schemas differ, or no input can be read.
    pub(crate) fn create(
        path: &Path,
        file: File,
        inputs: &[&Path],
        annotation: Option<&Annotation>,
    ) -> Result<Self, Error> {
        let like = alike(path, inputs)?;
        let about = like.metadata.file_metadata();
        let properties = Arc::new(properties(&like, annotation));
        let schema = about.schema_descr().root_schema_ptr();
        let file = BufWriter::with_capacity(1 << 16, file);
        let writer = guarded(|| {
            let schema = match annotation {
                Some(annotation) => annotated(&schema, annotation)?,
                None => schema,
            };
            SerializedFileWriter::new(file, schema, properties)
        });
        Ok(Self {
            writer: writer.map_err(|error| Error::io("write", path, error))?,
            path: path.to_owned(),
            source: None,
            waiting: Vec::new(),
        })
    }

    /// Whether a file with the schema of `input` can be written.
    pub(crate) fn can_be_like(input: &Path) -> bool {
        ParquetFile::open(input).is_ok()
    }

    /// Fails if a column of `input` has a name of the annotation. A file that cannot be read is reported later.
    pub(crate) fn check_columns(input: &Path, annotation: &Annotation) -> Result<(), String> {
        let Ok(file) = ParquetFile::open(input) else {
            return Ok(());
        };
        annotation.check_columns(file.fields().iter().map(|column| column.name()))
    }

    /// Writes a row of `input`, numbered from 1, and with an annotation what is added to it. Call it file by file, with
    /// rows in order.
    pub(crate) fn write(
        &mut self,
        input: &Path,
        row: u64,
        facts: Option<Facts>,
    ) -> Result<(), Error> {
        if self
            .source
            .as_ref()
            .is_none_or(|source| source.path != input)
        {
            self.end_source()?;
            self.source = Some(Source::open(input)?);
        }
        while let Some(source) = &mut self.source {
            if source.note(row)? {
                source.facts.extend(facts);
                break;
            }
            let piece = source.next_group();
            self.wait(piece)?;
        }
        Ok(())
    }

    /// Writes all remaining rows, and syncs the file.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.end_source()?;
        self.write_group()?;
        let cannot = |error| Error::io("write", &self.path, error);
        let file = guarded(|| self.writer.into_inner()).map_err(cannot)?;
        let file = file
            .into_inner()
            .map_err(|error| cannot(error.into_error()))?;
        file.sync_all().map_err(cannot)
    }

    fn end_source(&mut self) -> Result<(), Error> {
        match self.source.take() {
            Some(mut source) => self.wait(source.next_group()),
            None => Ok(()),
        }
    }

    /// Holds rows back until there are enough for a row group, then writes it.
    fn wait(&mut self, piece: Option<Piece>) -> Result<(), Error> {
        self.waiting.extend(piece);
        let rows: usize = self.waiting.iter().map(Piece::len).sum();
        let bytes: u64 = self.waiting.iter().map(Piece::bytes).sum();
        if rows >= ROWS || bytes >= BYTES || self.waiting.len() >= PIECES {
            self.write_group()?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), Error> {
        let Self {
            writer,
            path,
            waiting,
            ..
        } = self;
        if waiting.is_empty() {
            return Ok(());
        }
        let cannot = |error| Error::io("write", path, error);
        let copied = waiting[0].leaves();
        let mut group = guarded(|| writer.next_row_group()).map_err(cannot)?;
        let mut leaf: usize = 0;
        while let Some(mut column) = guarded(|| group.next_column()).map_err(cannot)? {
            match leaf.checked_sub(copied) {
                None => copy_column(waiting, leaf, &mut column, path)?,
                Some(added) => {
                    guarded(|| write_facts(waiting, added, &mut column)).map_err(cannot)?;
                }
            }
            guarded(|| column.close()).map_err(cannot)?;
            leaf += 1;
        }
        guarded(|| group.close()).map_err(cannot)?;
        waiting.clear();
        Ok(())
    }
}

/// The first input with rows, whose properties the output takes. An input that cannot be read is reported later, when
/// it is read, and may be skipped then.
fn alike(output: &Path, inputs: &[&Path]) -> Result<ParquetFile, Error> {
    let mut like: Option<(&Path, ParquetFile)> = None;
    let mut broken = Error::refused("there is no Parquet file among the inputs");
    for input in inputs {
        match (ParquetFile::open(input), &like) {
            (Err(error), _) => broken = Error::io("read", input, error),
            (Ok(file), Some((first, other))) if file.fields() != other.fields() => {
                return Err(different(first, input, output));
            }
            (Ok(_), Some((_, other))) if other.metadata.num_row_groups() > 0 => {}
            (Ok(file), _) => like = Some((input, file)),
        }
    }
    like.map(|(_, file)| file).ok_or(broken)
}

fn different(first: &Path, second: &Path, output: &Path) -> Error {
    let name = |path: &Path| escaped_bytes(path.as_os_str());
    Error::refused(format!(
        "{} and {} have different columns, but {} can have only one set: name a directory, or process them in separate \
         runs",
        name(first),
        name(second),
        name(output)
    ))
}

/// A schema with the columns of an annotation.
fn annotated(schema: &TypePtr, annotation: &Annotation) -> ParquetResult<TypePtr> {
    let [cluster, size, kept] = annotation.names();
    let mut fields = schema.get_fields().to_vec();
    for (name, physical, repetition) in [
        (cluster, Physical::INT64, Repetition::OPTIONAL),
        (size, Physical::INT64, Repetition::REQUIRED),
        (kept, Physical::BOOLEAN, Repetition::REQUIRED),
    ] {
        let column = Type::primitive_type_builder(name, physical);
        fields.push(Arc::new(column.with_repetition(repetition).build()?));
    }
    let schema = Type::group_type_builder(schema.name()).with_fields(fields);
    Ok(Arc::new(schema.build()?))
}

/// The metadata of this file, and the compression and use of a dictionary of each column. Added columns are compressed
/// like the first one.
fn properties(like: &ParquetFile, annotation: Option<&Annotation>) -> WriterProperties {
    let about = like.metadata.file_metadata();
    let mut metadata = about.key_value_metadata().cloned();
    if let (Some(pairs), Some(_)) = (&mut metadata, annotation) {
        // It would have fewer columns than the file, which readers refuse.
        pairs.retain(|pair: &KeyValue| pair.key != ARROW_SCHEMA);
    }
    let mut properties = WriterProperties::builder().set_key_value_metadata(metadata);
    let group = like.metadata.row_groups().first();
    let first = group.and_then(|group| group.columns().first());
    if let (Some(annotation), Some(first)) = (annotation, first) {
        for name in annotation.names() {
            let path = ColumnPath::from(name.as_str());
            properties = properties.set_column_compression(path, first.compression());
        }
    }
    for column in group.iter().flat_map(|group| group.columns()) {
        let path = column.column_path().clone();
        properties = properties
            .set_column_dictionary_enabled(path.clone(), has_dictionary(column))
            .set_column_compression(path, column.compression());
    }
    properties.build()
}

fn has_dictionary(column: &ColumnChunkMetaData) -> bool {
    let mut encodings = column.encodings();
    encodings.any(|e| matches!(e, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY))
}

impl Source {
    fn open(path: &Path) -> Result<Self, Error> {
        let file = ParquetFile::open(path).map_err(|error| Error::io("read", path, error))?;
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(file),
            group: 0,
            before: 0,
            rows: Vec::new(),
            facts: Vec::new(),
        })
    }

    /// Notes a row, numbered from 1. Returns false if it lies after the current row group.
    fn note(&mut self, row: u64) -> Result<bool, Error> {
        let Some(group) = self.file.metadata.row_groups().get(self.group) else {
            let changed = io::Error::other(CHANGED);
            return Err(Error::io("read", &self.path, changed));
        };
        let at = (row - 1 - self.before) as usize;
        let is_here = at < group.num_rows() as usize;
        match self.rows.last_mut() {
            _ if !is_here => {}
            Some(last) if last.end == at => last.end += 1,
            _ => self.rows.push(at..at + 1),
        }
        Ok(is_here)
    }

    /// Moves to the next row group, and returns the noted rows of the current one.
    fn next_group(&mut self) -> Option<Piece> {
        let piece = Piece {
            path: self.path.clone(),
            file: Arc::clone(&self.file),
            group: self.group,
            rows: std::mem::take(&mut self.rows),
            facts: std::mem::take(&mut self.facts),
        };
        let groups = self.file.metadata.row_groups();
        self.before += groups
            .get(self.group)
            .map_or(0, |group| group.num_rows() as u64);
        self.group += 1;
        (!piece.rows.is_empty()).then_some(piece)
    }
}

impl Piece {
    fn len(&self) -> usize {
        self.rows.iter().map(Range::len).sum()
    }

    /// The number of columns in its file.
    fn leaves(&self) -> usize {
        let about = self.file.metadata.file_metadata();
        about.schema_descr().num_columns()
    }

    /// The approximate number of bytes before compression.
    fn bytes(&self) -> u64 {
        let group = self.file.metadata.row_group(self.group);
        let share = self.len() as f64 / group.num_rows() as f64;
        (group.total_byte_size() as f64 * share) as u64
    }
}

fn copy_column(
    pieces: &[Piece],
    leaf: usize,
    to: &mut SerializedColumnWriter<'_>,
    path: &Path,
) -> Result<(), Error> {
    let first = pieces[0].file.metadata.file_metadata();
    let copy = match first.schema_descr().column(leaf).physical_type() {
        Physical::BOOLEAN => copy_values::<BoolType>,
        Physical::INT32 => copy_values::<Int32Type>,
        Physical::INT64 => copy_values::<Int64Type>,
        Physical::INT96 => copy_values::<Int96Type>,
        Physical::FLOAT => copy_values::<FloatType>,
        Physical::DOUBLE => copy_values::<DoubleType>,
        Physical::BYTE_ARRAY => copy_values::<ByteArrayType>,
        Physical::FIXED_LEN_BYTE_ARRAY => copy_values::<FixedLenByteArrayType>,
    };
    copy(pieces, leaf, to, path)
}

/// Writes one of the added columns, in the order of the annotation.
fn write_facts(
    pieces: &[Piece],
    added: usize,
    to: &mut SerializedColumnWriter<'_>,
) -> ParquetResult<()> {
    const TOGETHER: usize = 1 << 12;
    for facts in pieces.iter().flat_map(|piece| piece.facts.chunks(TOGETHER)) {
        match added {
            0 => {
                let number = |of: &Facts| of.cluster.map(|number| i64::from(number.get()));
                let defined: Vec<i16> =
                    facts.iter().map(|of| of.cluster.is_some().into()).collect();
                let numbers: Vec<i64> = facts.iter().filter_map(number).collect();
                let to = to.typed::<Int64Type>();
                to.write_batch(&numbers, Some(&defined), None)?;
            }
            1 => {
                let size = |of: &Facts| i64::try_from(of.size).unwrap_or(i64::MAX);
                let sizes: Vec<i64> = facts.iter().map(size).collect();
                to.typed::<Int64Type>().write_batch(&sizes, None, None)?;
            }
            _ => {
                let kept: Vec<bool> = facts.iter().map(|of| of.is_kept).collect();
                to.typed::<BoolType>().write_batch(&kept, None, None)?;
            }
        }
    }
    Ok(())
}

/// Values of a column, with the levels that assign them to rows and lists.
struct Batch<T: DataType> {
    values: Vec<T::T>,
    defined: Vec<i16>,
    repeated: Vec<i16>,
    rows: usize,
}

fn copy_values<T: DataType>(
    pieces: &[Piece],
    leaf: usize,
    to: &mut SerializedColumnWriter<'_>,
    path: &Path,
) -> Result<(), Error> {
    let mut batch = Batch::<T> {
        values: Vec::new(),
        defined: Vec::new(),
        repeated: Vec::new(),
        rows: 0,
    };
    let cannot_write = |error| Error::io("write", path, error);
    for piece in pieces {
        let most = piece.rows_at_once(leaf);
        let cannot = |error| Error::io("read", &piece.path, error);
        let reader = guarded(|| piece.file.column(piece.group, leaf, None)).map_err(cannot)?;
        let mut reader = get_typed_column_reader::<T>(reader);
        let mut at = 0;
        for rows in &piece.rows {
            guarded(|| reader.skip_records(rows.start - at)).map_err(cannot)?;
            at = rows.start;
            while at < rows.end {
                let more = most.saturating_sub(batch.rows).clamp(1, rows.end - at);
                guarded(|| batch.read(&mut reader, more)).map_err(cannot)?;
                at += more;
                if batch.rows >= most {
                    guarded(|| batch.write(to)).map_err(cannot_write)?;
                }
            }
        }
    }
    guarded(|| batch.write(to)).map_err(cannot_write)
}

impl Piece {
    /// The number of rows in a batch that contains about `BLOCK` bytes of this column.
    fn rows_at_once(&self, leaf: usize) -> usize {
        let group = self.file.metadata.row_group(self.group);
        let bytes = group.column(leaf).uncompressed_size() / group.num_rows().max(1);
        BLOCK
            .checked_div(bytes as usize)
            .unwrap_or(BLOCK)
            .clamp(1, 1 << 10)
    }
}

impl<T: DataType> Batch<T> {
    fn read(&mut self, reader: &mut ColumnReaderImpl<T>, rows: usize) -> ParquetResult<()> {
        let (defined, repeated) = (&mut self.defined, &mut self.repeated);
        let read = reader.read_records(rows, Some(defined), Some(repeated), &mut self.values)?;
        self.rows += rows;
        match read.0 == rows {
            true => Ok(()),
            false => Err(ParquetError::General("a row group ends early".to_owned())),
        }
    }

    fn write(&mut self, to: &mut SerializedColumnWriter<'_>) -> ParquetResult<()> {
        let to = to.typed::<T>();
        let about = to.get_descriptor();
        let (optional, list) = (about.max_def_level() > 0, about.max_rep_level() > 0);
        let defined = optional.then_some(&self.defined[..]);
        let repeated = list.then_some(&self.repeated[..]);
        to.write_batch(&self.values, defined, repeated)?;
        self.values.clear();
        self.defined.clear();
        self.repeated.clear();
        self.rows = 0;
        Ok(())
    }
}
