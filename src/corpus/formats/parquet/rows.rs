//! Reads rows in blocks.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use parquet::data_type::ByteArray;
use parquet::errors::Result;

use crate::corpus::formats::counted::Count;
use crate::corpus::formats::fields::{Fields, Found, TextParts};
use crate::corpus::formats::parquet::columns::{Cells, Column, Texts};
use crate::corpus::formats::parquet::file::{ParquetFile, guarded};
use crate::corpus::formats::parquet::schema::{Columns, Wanted};
use crate::corpus::formats::paths::OTHERS;
use crate::corpus::formats::record::{BlockSize, Form, RawRecord, Rows};
use crate::corpus::limit::ReadLimit;
use crate::corpus::unusable::Unusable;

/// The needed columns of some rows.
pub(crate) struct RowBlock {
    texts: Texts,
    /// The fields of the text of which some row has a value, as bits.
    seen: u64,
    /// The cells of the other roles.
    others: [Option<Cells>; OTHERS],
    /// The number of bytes in the texts.
    bytes: usize,
    weight: usize,
}

impl RowBlock {
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// Calls `each` with the rows, counted from 1 in this block. Returns the number of rows.
    pub(crate) fn for_each<'b, E>(
        &'b self,
        mut each: impl FnMut(RawRecord<'b>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let rows = self.texts.len();
        for at in 0..rows {
            each(RawRecord {
                line: Some(at as u64 + 1),
                offset: 0,
                bytes: self.texts.bytes(at),
                len: self.texts.bytes(at).len() as u64,
                form: Form::Row { rows: self, at },
            })?;
        }
        Ok(rows as u64)
    }
}

impl Rows for RowBlock {
    fn found<'b>(&'b self, at: usize, fields: &Fields) -> Result<Found<'b>, String> {
        let is_not = |field: &dyn Display, why| format!("field `{field}` is {why}");
        let mut text = TextParts::default();
        let value = self.texts.value(at);
        text.push(0, value.map_err(|why| is_not(&fields.text_list(), why))?);
        text.seen = self.seen;
        let mut found = Found {
            text,
            ..Found::default()
        };
        let paths = fields.others();
        for (role, cells) in self.others.iter().enumerate() {
            if let (Some(cells), Some(path)) = (cells, paths[role]) {
                let value = cells.value(at);
                found.others[role] = Some(value.map_err(|why| is_not(path, why))?);
            }
        }
        Ok(found)
    }
}

/// Reads a file in blocks of rows.
pub(crate) struct RowBlocks {
    file: ParquetFile,
    columns: Columns,
    size: BlockSize,
    /// The number of row groups opened so far.
    groups: usize,
    group: Option<Group>,
    /// The number of rows returned so far.
    rows: u64,
    count: Count,
    /// The bytes counted so far: a share of the file equal to the share of rows returned.
    counted: u64,
}

impl RowBlocks {
    pub(crate) fn open(
        path: &Path,
        fields: &Fields,
        limit: ReadLimit,
        size: BlockSize,
        count: &Count,
    ) -> io::Result<Self> {
        let file = ParquetFile::open(path)?.with_pages_up_to(limit.page);
        let schema = file.metadata.file_metadata().schema_descr();
        Ok(Self {
            columns: Columns::find(schema, fields).map_err(Unusable::error)?,
            file,
            size,
            groups: 0,
            group: None,
            rows: 0,
            count: Count::clone(count),
            counted: 0,
        })
    }

    /// Reads and decodes the next rows; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<RowBlock>> {
        let group = loop {
            match &mut self.group {
                Some(group) if group.left > 0 => break group,
                _ if self.groups == self.file.metadata.num_row_groups() => {
                    self.count_to(self.file.len());
                    return Ok(None);
                }
                _ => {
                    let open = || Group::open(&self.file, self.groups, &self.columns);
                    self.group = Some(guarded(open)?);
                    self.groups += 1;
                }
            }
        };
        let block = guarded(|| group.read(self.size))?;
        self.rows += block.texts.len() as u64;
        let all = self.file.metadata.file_metadata().num_rows();
        let share = self.rows as f64 / all.max(1) as f64;
        self.count_to((self.file.len() as f64 * share.min(1.0)) as u64);
        Ok(Some(block))
    }

    fn count_to(&mut self, bytes: u64) {
        let more = bytes.saturating_sub(self.counted);
        self.count.fetch_add(more as usize, Ordering::Relaxed);
        self.counted += more;
    }
}

/// A row group that is being read.
struct Group {
    /// The columns of the text, each with the position of its field in the list.
    text: Vec<(usize, Column)>,
    /// Those of the other roles.
    others: [Option<Column>; OTHERS],
    /// The number of remaining rows.
    left: usize,
    /// The mean length of a text in bytes, as far as it is known.
    mean: usize,
}

impl Group {
    fn open(file: &ParquetFile, number: usize, columns: &Columns) -> Result<Self> {
        let group = file.metadata.row_group(number);
        let rows = usize::try_from(group.num_rows())?;
        let open = |wanted: Wanted| Column::open(file, number, wanted);
        let (mut text, mut bytes) = (Vec::new(), 0);
        for &(field, wanted) in &columns.text {
            bytes += usize::try_from(group.column(wanted.leaf).uncompressed_size())?;
            text.push((field, open(wanted)?));
        }
        let mut others = [const { None }; OTHERS];
        for (column, wanted) in others.iter_mut().zip(columns.others) {
            *column = wanted.map(open).transpose()?;
        }
        Ok(Self {
            text,
            others,
            left: rows,
            mean: bytes / rows.max(1),
        })
    }

    /// Reads a block of this size. It reads a few rows at a time: a text that a dictionary stores once may occur often,
    /// so the total length is not known beforehand.
    fn read(&mut self, size: BlockSize) -> Result<RowBlock> {
        const STEP: usize = 1 << 8;
        /// The most rows of a block, reached if texts are short or missing.
        const ROWS: usize = 1 << 15;
        let mut texts = Texts::default();
        let (mut bytes, mut seen) = (0, 0);
        let each = size.record + std::mem::size_of::<Option<ByteArray>>();
        let weight = |texts: &Texts, bytes| bytes + each * texts.len();
        while weight(&texts, bytes) < size.bytes && texts.len() < ROWS && texts.len() < self.left {
            let fit = (size.bytes - weight(&texts, bytes)) / (self.mean + each);
            let rows = fit.clamp(1, STEP).min(self.left - texts.len());
            bytes += self.read_texts(rows, &mut texts, &mut seen)?;
            self.mean = self.mean.max(bytes / texts.len());
        }
        let (rows, weight) = (texts.len(), weight(&texts, bytes));
        self.left -= rows;
        let mut others = [const { None }; OTHERS];
        for (cells, column) in others.iter_mut().zip(&mut self.others) {
            *cells = column
                .as_mut()
                .map(|column| column.read(rows))
                .transpose()?;
        }
        Ok(RowBlock {
            texts,
            seen,
            others,
            bytes,
            weight,
        })
    }

    /// Appends the next `rows` texts. Returns the number of their bytes, and adds the fields with values to `seen`.
    fn read_texts(&mut self, rows: usize, texts: &mut Texts, seen: &mut u64) -> Result<usize> {
        // The usual case, without a copy.
        if let [(field, column)] = &mut *self.text
            && !column.is_list()
        {
            *seen |= 1 << *field;
            return column.read_texts(rows, texts);
        }
        let mut parts = vec![Vec::new(); rows];
        for (field, column) in &mut self.text {
            *seen |= u64::from(column.read_parts(&mut parts)?) << *field;
        }
        Ok(texts.extend_joined(&parts))
    }
}
