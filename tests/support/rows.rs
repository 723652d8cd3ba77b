//! Parquet files, written and read back.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type, Int96,
    Int96Type,
};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

/// Values of a leaf column, by row.
pub enum Column {
    Text(Vec<Option<String>>),
    Bytes(Vec<Vec<u8>>),
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Int96(Vec<[u32; 3]>),
    Double(Vec<Option<f64>>),
    Bool(Vec<Option<bool>>),
    /// Of `repeated int64`.
    List(Vec<Vec<i64>>),
    /// Texts in lists or groups: for each row the definition and repetition levels, and a value where there is one.
    Levels(Vec<Vec<(i16, i16, Option<String>)>>),
}

pub fn text<S: Into<String>>(values: impl IntoIterator<Item = S>) -> Column {
    Column::Text(values.into_iter().map(|value| Some(value.into())).collect())
}

/// A file of this schema.
pub struct Table<'t> {
    pub schema: &'t str,
    pub columns: Vec<Column>,
    /// Rows of a row group.
    pub group: usize,
    pub properties: WriterPropertiesBuilder,
}

impl<'t> Table<'t> {
    pub fn new(schema: &'t str, columns: Vec<Column>) -> Self {
        let note = KeyValue::new("note".to_owned(), "kept as it is".to_owned());
        Self {
            schema,
            columns,
            group: 1000,
            properties: WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .set_key_value_metadata(Some(vec![note])),
        }
    }

    pub fn bytes(self) -> Vec<u8> {
        let schema = Arc::new(parse_message_type(self.schema).unwrap());
        let properties = Arc::new(self.properties.build());
        let mut file = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
        let rows = self.columns.iter().map(Column::len).max().unwrap();
        for from in (0..rows).step_by(self.group) {
            let to = rows.min(from + self.group);
            let mut group = file.next_row_group().unwrap();
            for column in &self.columns {
                let mut writer = group.next_column().unwrap().unwrap();
                column.write(from..to, &mut writer);
                writer.close().unwrap();
            }
            group.close().unwrap();
        }
        file.into_inner().unwrap()
    }
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Bytes(values) => values.len(),
            Self::Int32(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::Int96(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::List(values) => values.len(),
            Self::Levels(rows) => rows.len(),
        }
    }

    fn write(&self, rows: std::ops::Range<usize>, writer: &mut SerializedColumnWriter<'_>) {
        let all = |values: &[Vec<u8>]| values.iter().map(|v| Some(v.clone().into())).collect();
        match self {
            Self::Text(values) => {
                let text = |value: &Option<String>| value.as_deref().map(ByteArray::from);
                let values: Vec<_> = values[rows].iter().map(text).collect();
                put::<ByteArrayType>(&values, writer);
            }
            Self::Bytes(values) => {
                let values: Vec<Option<ByteArray>> = all(&values[rows]);
                put::<ByteArrayType>(&values, writer);
            }
            Self::Int32(values) => put::<Int32Type>(&values[rows], writer),
            Self::Int64(values) => put::<Int64Type>(&values[rows], writer),
            Self::Int96(values) => {
                let value = |&[a, b, c]: &[u32; 3]| {
                    let mut value = Int96::new();
                    value.set_data(a, b, c);
                    Some(value)
                };
                let values: Vec<_> = values[rows].iter().map(value).collect();
                put::<Int96Type>(&values, writer);
            }
            Self::Double(values) => put::<DoubleType>(&values[rows], writer),
            Self::Bool(values) => put::<BoolType>(&values[rows], writer),
            Self::List(values) => put_lists(&values[rows], writer),
            Self::Levels(values) => put_levels(&values[rows].concat(), writer),
        }
    }
}

fn put<T: DataType>(values: &[Option<T::T>], writer: &mut SerializedColumnWriter<'_>) {
    let levels: Vec<i16> = values.iter().map(|v| i16::from(v.is_some())).collect();
    let values: Vec<T::T> = values.iter().flatten().cloned().collect();
    let writer = writer.typed::<T>();
    let optional = writer.get_descriptor().max_def_level() > 0;
    writer
        .write_batch(&values, optional.then_some(&levels[..]), None)
        .unwrap();
}

fn put_lists(lists: &[Vec<i64>], writer: &mut SerializedColumnWriter<'_>) {
    let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        defined.extend(vec![i16::from(!list.is_empty()); list.len().max(1)]);
        repeated.push(0);
        repeated.extend(vec![1; list.len().saturating_sub(1)]);
        values.extend_from_slice(list);
    }
    let writer = writer.typed::<Int64Type>();
    writer
        .write_batch(&values, Some(&defined), Some(&repeated))
        .unwrap();
}

fn put_levels(cells: &[(i16, i16, Option<String>)], writer: &mut SerializedColumnWriter<'_>) {
    let defined: Vec<i16> = cells.iter().map(|cell| cell.0).collect();
    let repeated: Vec<i16> = cells.iter().map(|cell| cell.1).collect();
    let values = cells.iter().filter_map(|cell| cell.2.as_deref());
    let values: Vec<ByteArray> = values.map(ByteArray::from).collect();
    let writer = writer.typed::<ByteArrayType>();
    writer
        .write_batch(&values, Some(&defined), Some(&repeated))
        .unwrap();
}

/// A file that was written.
pub fn open(path: &Path) -> SerializedFileReader<Bytes> {
    let bytes = std::fs::read(path).unwrap();
    SerializedFileReader::new(bytes.into()).unwrap()
}

/// Its rows, each with all its columns.
pub fn rows(path: &Path) -> Vec<String> {
    let file = open(path);
    let rows = file.get_row_iter(None).unwrap();
    rows.map(|row| row.unwrap().to_string()).collect()
}
