//! The needed columns and their values.

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::{SchemaDescriptor, Type};

use crate::corpus::formats::json::{Fields, ID, KEEP, Scalar, TEXT};
use crate::corpus::formats::parquet::file::ParquetFile;
use crate::corpus::keep::value::Number;
use crate::corpus::unusable::utf8;

/// The type of a column, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Whole {
        signed: bool,
    },
    Float,
    /// A point in time since the epoch, in steps of this many nanoseconds.
    Time(i128),
    /// Another type, by its name for messages.
    Other(&'static str),
}

const DAY: i128 = 86_400_000_000_000;

impl Kind {
    fn of(column: &Type) -> Self {
        if column.is_group() {
            return Self::Other("a list or a group of columns");
        }
        let info = column.get_basic_info();
        if info.repetition() == Repetition::REPEATED {
            return Self::Other("a list");
        }
        match (column.get_physical_type(), info.logical_type_ref()) {
            (Physical::INT64, Some(LogicalType::Timestamp(stamp))) => match stamp.unit {
                TimeUnit::MILLIS => Self::Time(1_000_000),
                TimeUnit::MICROS => Self::Time(1_000),
                TimeUnit::NANOS => Self::Time(1),
            },
            (Physical::INT96, _) => Self::Time(1),
            (physical, _) => Self::of_old(physical, info.converted_type()),
        }
    }

    /// The type by the older converted types, which all logical types except nanoseconds also have.
    fn of_old(physical: Physical, converted: ConvertedType) -> Self {
        use ConvertedType as Old;
        match (physical, converted) {
            (Physical::BYTE_ARRAY, Old::UTF8 | Old::ENUM | Old::JSON | Old::NONE) => Self::Text,
            (Physical::FLOAT | Physical::DOUBLE, _) => Self::Float,
            (Physical::INT32, Old::DATE) => Self::Time(DAY),
            (Physical::INT64, Old::TIMESTAMP_MILLIS) => Self::Time(1_000_000),
            (Physical::INT64, Old::TIMESTAMP_MICROS) => Self::Time(1_000),
            (_, Old::DECIMAL) => Self::Other("a decimal number"),
            (_, Old::TIME_MILLIS | Old::TIME_MICROS) => Self::Other("a time of day"),
            (
                Physical::INT32 | Physical::INT64,
                Old::UINT_8 | Old::UINT_16 | Old::UINT_32 | Old::UINT_64,
            ) => Self::Whole { signed: false },
            (Physical::INT32 | Physical::INT64, _) => Self::Whole { signed: true },
            (Physical::BOOLEAN, _) => Self::Other("a boolean"),
            _ => Self::Other("of bytes"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => TEXT,
            Self::Whole { .. } | Self::Float => "a number",
            Self::Time(_) => "a point in time",
            Self::Other(name) => name,
        }
    }
}

/// A needed column: its position among the leaves of the schema, and its type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) leaf: usize,
    kind: Kind,
}

/// The needed columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) text: Wanted,
    pub(super) id: Option<Wanted>,
    pub(super) by: Option<Wanted>,
    pub(super) preferred: Option<Wanted>,
}

impl Columns {
    /// Finds the columns, or returns what the file lacks.
    pub(super) fn find(schema: &SchemaDescriptor, fields: &Fields) -> Result<Self, String> {
        let need = |name: &str, wanted: &str, may: fn(Kind) -> bool| {
            let missing = || format!("column `{name}` is missing");
            let column = find(schema, name)?.ok_or_else(missing)?;
            match may(column.kind) {
                true => Ok(column),
                false => Err(format!(
                    "column `{name}` is {}, not {wanted}",
                    column.kind.name()
                )),
            }
        };
        let is_id = |kind| matches!(kind, Kind::Text | Kind::Whole { .. });
        let id = fields.id.as_deref().unwrap_or_default();
        let has_id = fields.id_required || fields.id.is_some() && find(schema, id)?.is_some();
        let by = fields.keep.by_field();
        // The column of the preference may be missing.
        let preferred = fields.keep.preferred_field();
        let preferred = preferred
            .map(|name| find(schema, name))
            .transpose()?
            .flatten();
        Ok(Self {
            text: need(&fields.text, TEXT, |kind| kind == Kind::Text)?,
            id: has_id.then(|| need(id, ID, is_id)).transpose()?,
            by: by
                .map(|name| need(name, KEEP, |kind| !matches!(kind, Kind::Other(_))))
                .transpose()?,
            preferred: preferred.filter(|column| !matches!(column.kind, Kind::Other(_))),
        })
    }
}

/// The column of this name, at the top of the schema.
fn find(schema: &SchemaDescriptor, name: &str) -> Result<Option<Wanted>, String> {
    let roots = schema.root_schema().get_fields().iter().enumerate();
    let mut named = roots.filter(|(_, column)| column.name() == name);
    let Some((root, column)) = named.next() else {
        return Ok(None);
    };
    if named.next().is_some() {
        return Err(format!("column `{name}` occurs twice"));
    }
    let leaves = 0..schema.num_columns();
    let leaf = leaves
        .into_iter()
        .find(|&leaf| schema.get_column_root_idx(leaf) == root);
    Ok(leaf.map(|leaf| Wanted {
        leaf,
        kind: Kind::of(column),
    }))
}

/// The texts of rows; `None` for null.
#[derive(Default)]
pub(super) struct Texts(Vec<Option<ByteArray>>);

impl Texts {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The bytes of a row's text.
    pub(super) fn bytes(&self, row: usize) -> &[u8] {
        self.0[row].as_ref().map_or(&[], ByteArray::data)
    }

    pub(super) fn value(&self, row: usize, name: &str) -> Result<Scalar<'_>, String> {
        if self.0[row].is_none() {
            return Ok(NULL);
        }
        let text = utf8(self.bytes(row));
        let text = text.map_err(|reason| format!("field `{name}` is {reason}"))?;
        Ok(Scalar::Str(text.into()))
    }
}

/// The values of a column of any type.
pub(super) enum Cells {
    Texts(Texts),
    Numbers(Vec<Option<Number>>),
}

const NULL: Scalar<'static> = Scalar::Other("null");

impl Cells {
    pub(super) fn value(&self, row: usize, name: &str) -> Result<Scalar<'_>, String> {
        match self {
            Self::Texts(texts) => texts.value(row, name),
            Self::Numbers(cells) => Ok(match cells[row] {
                Some(number) if number.is_nan() => Scalar::Other("NaN"),
                Some(number) => Scalar::Number(number),
                None => NULL,
            }),
        }
    }
}

/// A column of a row group that is being read.
pub(super) struct Column {
    reader: ColumnReader,
    kind: Kind,
}

impl Column {
    pub(super) fn open(file: &ParquetFile, group: usize, wanted: Wanted) -> Result<Self> {
        Ok(Self {
            reader: file.column(group, wanted.leaf)?,
            kind: wanted.kind,
        })
    }

    /// Appends the next `rows` values of a column of text. Returns the number of their bytes.
    pub(super) fn read_texts(&mut self, rows: usize, texts: &mut Texts) -> Result<usize> {
        let ColumnReader::ByteArrayColumnReader(reader) = &mut self.reader else {
            return Err(failed("not a column of text"));
        };
        let more = read(reader, rows, |text| text)?;
        let bytes = more.iter().flatten().map(ByteArray::len).sum();
        texts.0.extend(more);
        Ok(bytes)
    }

    /// Reads the next `rows` values.
    pub(super) fn read(&mut self, rows: usize) -> Result<Cells> {
        let kind = self.kind;
        let cells = match &mut self.reader {
            ColumnReader::Int32ColumnReader(reader) => read(reader, rows, |value| {
                whole(kind, value.into(), value.cast_unsigned().into())
            }),
            ColumnReader::Int64ColumnReader(reader) => read(reader, rows, |value| {
                whole(kind, value, value.cast_unsigned())
            }),
            ColumnReader::Int96ColumnReader(reader) => {
                read(reader, rows, |value| Number::Whole(value.to_nanos().into()))
            }
            ColumnReader::FloatColumnReader(reader) => {
                read(reader, rows, |value| Number::float(value.into()))
            }
            ColumnReader::DoubleColumnReader(reader) => read(reader, rows, Number::float),
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

/// Reads the next `rows` values of a column that is not a list.
fn read<T: DataType, V>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    value: impl Fn(T::T) -> V,
) -> Result<Vec<Option<V>>> {
    let (mut levels, mut values) = (Vec::new(), Vec::with_capacity(rows));
    let (read, found, _) = reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if read != rows {
        return Err(failed("a row group ends early"));
    }
    let mut values = values.into_iter().map(value);
    // A required column has no levels.
    if levels.is_empty() && found == rows {
        return Ok(values.map(Some).collect());
    }
    // At the top of the schema, level 1 means that there is a value.
    let cell = |level| match level {
        0 => None,
        _ => values.next(),
    };
    Ok(levels.into_iter().map(cell).collect())
}
