//! Reads the values of columns.

use std::sync::Arc;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::errors::{ParquetError, Result};

use crate::corpus::formats::fields::Scalar;
use crate::corpus::formats::parquet::file::ParquetFile;
use crate::corpus::formats::parquet::pages::RowPages;
use crate::corpus::formats::parquet::schema::{Kind, Wanted};
use crate::corpus::keep::value::Number;
use crate::corpus::unusable::utf8;

/// The texts of rows; `None` for null.
#[derive(Default)]
pub(super) struct Texts(Vec<Option<ByteArray>>);

/// The parts of the texts of some rows, for each row.
pub(super) type Parts = Vec<Vec<ByteArray>>;

impl Texts {
    /// Appends a text for each row: its parts, each on lines of its own, as for other formats. Returns the number of their
    /// bytes.
    pub(super) fn extend_joined(&mut self, rows: &Parts) -> usize {
        let text = |parts: &Vec<ByteArray>| {
            let lines = parts.iter().map(ByteArray::data);
            let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
            (!parts.is_empty()).then(|| ByteArray::from(lines.join(&b'\n')))
        };
        let from = self.0.len();
        self.0.extend(rows.iter().map(text));
        self.0[from..].iter().flatten().map(ByteArray::len).sum()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The bytes of a row's text.
    pub(super) fn bytes(&self, row: usize) -> &[u8] {
        self.0[row].as_ref().map_or(&[], ByteArray::data)
    }

    /// The text of a row, or why it is not text.
    pub(super) fn value(&self, row: usize) -> Result<Scalar<'_>, String> {
        match self.0[row] {
            Some(_) => Ok(Scalar::Str(utf8(self.bytes(row))?.into())),
            None => Ok(Scalar::Null),
        }
    }
}

/// The values of a column of any type.
pub(super) enum Cells {
    Texts(Texts),
    Numbers(Vec<Option<Number>>),
}

impl Cells {
    /// The value of a row, or why it is not text.
    pub(super) fn value(&self, row: usize) -> Result<Scalar<'_>, String> {
        match self {
            Self::Texts(texts) => texts.value(row),
            Self::Numbers(cells) => Ok(match cells[row] {
                Some(number) if number.is_nan() => Scalar::Other("NaN"),
                Some(number) => Scalar::Number(number),
                None => Scalar::Null,
            }),
        }
    }
}

/// A column of a row group that is being read.
pub(super) struct Column {
    reader: ColumnReader,
    kind: Kind,
    /// The definition level of a value that is not null.
    defined: i16,
    /// Set if a row may have several values.
    pages: Option<Arc<RowPages>>,
}

impl Column {
    pub(super) fn open(file: &ParquetFile, group: usize, wanted: Wanted) -> Result<Self> {
        let schema = file.metadata.file_metadata().schema_descr();
        let pages = wanted.is_list.then(Arc::default);
        Ok(Self {
            reader: file.column(group, wanted.leaf, pages.clone())?,
            kind: wanted.kind,
            defined: schema.column(wanted.leaf).max_def_level(),
            pages,
        })
    }

    pub(super) fn is_list(&self) -> bool {
        self.pages.is_some()
    }

    /// The reader of a column of text.
    fn texts(&mut self) -> Result<&mut ColumnReaderImpl<ByteArrayType>> {
        match &mut self.reader {
            ColumnReader::ByteArrayColumnReader(reader) => Ok(reader),
            _ => Err(failed("not a column of text")),
        }
    }

    /// Appends the next `rows` values of a column of text that is not a list. Returns the number of their bytes.
    pub(super) fn read_texts(&mut self, rows: usize, texts: &mut Texts) -> Result<usize> {
        let defined = self.defined;
        let more = read(self.texts()?, rows, defined, |text| text)?;
        let bytes = more.iter().flatten().map(ByteArray::len).sum();
        texts.0.extend(more);
        Ok(bytes)
    }

    /// Appends the values of the next rows of a column of text to the parts of each row. Returns whether there are any.
    pub(super) fn read_parts(&mut self, rows: &mut Parts) -> Result<bool> {
        let defined = self.defined;
        let pages = self.pages.clone();
        let reader = self.texts()?;
        let mut found = 0;
        let Some(pages) = pages else {
            let values = read(reader, rows.len(), defined, |text| text)?;
            for (row, value) in rows.iter_mut().zip(values) {
                found += usize::from(value.is_some());
                row.extend(value);
            }
            return Ok(found > 0);
        };
        let (mut defined, mut repeated) = (Vec::new(), Vec::new());
        for row in rows {
            pages.start_row();
            defined.clear();
            repeated.clear();
            // Row by row, so that all values that come belong to it. Null and empty lists come as levels alone.
            let levels = (Some(&mut defined), Some(&mut repeated));
            let (read, values, _) = reader.read_records(1, levels.0, levels.1, row)?;
            if read != 1 {
                return Err(failed(ENDS_EARLY));
            }
            found += values;
        }
        Ok(found > 0)
    }

    /// Reads the next `rows` values.
    pub(super) fn read(&mut self, rows: usize) -> Result<Cells> {
        let (kind, defined) = (self.kind, self.defined);
        let cells = match &mut self.reader {
            ColumnReader::Int32ColumnReader(reader) => read(reader, rows, defined, |value| {
                whole(kind, value.into(), value.cast_unsigned().into())
            }),
            ColumnReader::Int64ColumnReader(reader) => read(reader, rows, defined, |value| {
                whole(kind, value, value.cast_unsigned())
            }),
            ColumnReader::Int96ColumnReader(reader) => read(reader, rows, defined, |value| {
                Number::Whole(value.to_nanos().into())
            }),
            ColumnReader::FloatColumnReader(reader) => {
                read(reader, rows, defined, |value| Number::float(value.into()))
            }
            ColumnReader::DoubleColumnReader(reader) => read(reader, rows, defined, Number::float),
            _ => {
                let mut texts = Texts::default();
                self.read_texts(rows, &mut texts)?;
                return Ok(Cells::Texts(texts));
            }
        };
        cells.map(Cells::Numbers)
    }
}

fn whole(kind: Kind, signed: i64, unsigned: u64) -> Number {
    Number::Whole(match kind {
        Kind::Whole { signed: false } => unsigned.into(),
        Kind::Time(unit) => i128::from(signed) * unit,
        _ => signed.into(),
    })
}

fn failed(why: &str) -> ParquetError {
    ParquetError::General(why.to_owned())
}

const ENDS_EARLY: &str = "a row group ends early";

/// Reads the next `rows` values of a column that is not a list, in which values have the definition level `defined`.
fn read<T: DataType, V>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    defined: i16,
    value: impl Fn(T::T) -> V,
) -> Result<Vec<Option<V>>> {
    let (mut levels, mut values) = (Vec::new(), Vec::with_capacity(rows));
    let (read, found, _) = reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if read != rows {
        return Err(failed(ENDS_EARLY));
    }
    let mut values = values.into_iter().map(value);
    // A required column has no levels.
    if levels.is_empty() && found == rows {
        return Ok(values.map(Some).collect());
    }
    let cell = |level| match level == defined {
        true => values.next(),
        false => None,
    };
    Ok(levels.into_iter().map(cell).collect())
}
