//! Reads rows in blocks.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use parquet::data_type::ByteArray;
use parquet::errors::Result;

use crate::corpus::formats::counted::Count;
use crate::corpus::formats::json::{Fields, Found, Scalar};
use crate::corpus::formats::parquet::columns::{Cells, Column, Columns, Texts, Wanted};
use crate::corpus::formats::parquet::file::{ParquetFile, guarded};
use crate::corpus::formats::record::{BlockSize, Form, RawRecord, Rows};
use crate::corpus::limit::ReadLimit;
use crate::corpus::unusable::Unusable;

/// The needed columns of some rows.
pub(crate) struct RowBlock {
    texts: Texts,
    id: Option<Cells>,
    by: Option<Cells>,
    preferred: Option<Cells>,
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
        let of = |cells: &'b Option<Cells>, name: &str| -> Result<Option<Scalar<'b>>, String> {
            let cell = cells.as_ref().map(|cells| cells.value(at, name));
            cell.transpose()
        };
        let policy = &fields.keep;
        Ok(Found {
            text: Some(self.texts.value(at, &fields.text)?),
            others: [
                of(&self.id, fields.id.as_deref().unwrap_or_default())?,
                of(&self.by, policy.by_field().unwrap_or_default())?,
                of(
                    &self.preferred,
                    policy.preferred_field().unwrap_or_default(),
                )?,
            ],
        })
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
    text: Column,
    id: Option<Column>,
    by: Option<Column>,
    preferred: Option<Column>,
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
        let bytes = group.column(columns.text.leaf).uncompressed_size();
        Ok(Self {
            text: open(columns.text)?,
            id: columns.id.map(open).transpose()?,
            by: columns.by.map(open).transpose()?,
            preferred: columns.preferred.map(open).transpose()?,
            left: rows,
            mean: usize::try_from(bytes)? / rows.max(1),
        })
    }

    /// Reads a block of this size. It reads a few rows at a time: a text that a dictionary stores once may occur often,
    /// so the total length is not known beforehand.
    fn read(&mut self, size: BlockSize) -> Result<RowBlock> {
        const STEP: usize = 1 << 8;
        /// The most rows of a block, reached if texts are short or missing.
        const ROWS: usize = 1 << 15;
        let mut texts = Texts::default();
        let mut bytes = 0;
        let each = size.record + std::mem::size_of::<Option<ByteArray>>();
        let weight = |texts: &Texts, bytes| bytes + each * texts.len();
        while weight(&texts, bytes) < size.bytes && texts.len() < ROWS && texts.len() < self.left {
            let fit = (size.bytes - weight(&texts, bytes)) / (self.mean + each);
            let rows = fit.clamp(1, STEP).min(self.left - texts.len());
            bytes += self.text.read_texts(rows, &mut texts)?;
            self.mean = self.mean.max(bytes / texts.len());
        }
        let (rows, weight) = (texts.len(), weight(&texts, bytes));
        self.left -= rows;
        let cells = |column: &mut Column| column.read(rows);
        Ok(RowBlock {
            texts,
            id: self.id.as_mut().map(cells).transpose()?,
            by: self.by.as_mut().map(cells).transpose()?,
            preferred: self.preferred.as_mut().map(cells).transpose()?,
            bytes,
            weight,
        })
    }
}
