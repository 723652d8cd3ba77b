//! Unparsed records.

use std::borrow::Cow;

use crate::corpus::formats::delimited::Columns;
use crate::corpus::formats::fields::{Fields, Found, Picked};
use crate::corpus::formats::wet;
use crate::corpus::unusable::utf8;
use crate::text::Content;

/// Why a record is rejected that differs from the first pass.
pub(crate) const CHANGED: &str = "changed during the run";

/// An unparsed record, with all that is needed to parse it separately.
#[derive(Clone, Copy)]
pub(crate) struct RawRecord<'b> {
    /// The line or row, from 1; `None` if the file is the record.
    pub(crate) line: Option<u64>,
    /// The offset in the decompressed file, if the record is a part of its bytes.
    pub(crate) offset: u64,
    /// The bytes by which the record is recognized when it is read again: the line without its line feed, the file, or
    /// the text of a row. If it is too long, its beginning.
    pub(crate) bytes: &'b [u8],
    /// The length of the complete line, file or text.
    pub(crate) len: u64,
    pub(crate) form: Form<'b>,
}

/// The format of a record.
#[derive(Clone, Copy)]
pub(crate) enum Form<'b> {
    /// A file of text.
    Text,
    /// An object on a line.
    Json,
    /// A row of cells, with these columns.
    Cells(&'b Columns),
    /// A record of a WARC file.
    Wet,
    /// A row of a Parquet file.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    Row { rows: &'b dyn Rows, at: usize },
}

/// Rows of a Parquet file.
pub(crate) trait Rows: Sync {
    /// The needed fields of a row, not yet checked.
    fn found<'b>(&'b self, at: usize, fields: &Fields) -> Result<Found<'b>, String>;
}

impl<'b> RawRecord<'b> {
    /// The fields of the record; `None` if the file is the record.
    pub(crate) fn pick(&self, fields: &Fields) -> Result<Option<Picked<'b>>, String> {
        let picked = match self.form {
            Form::Text => return Ok(None),
            Form::Json => fields.pick(utf8(self.bytes)?),
            Form::Cells(columns) => fields.settle(columns.found(utf8(self.bytes)?)?),
            Form::Wet => fields.settle(wet::found(self.bytes, fields)?),
            Form::Row { rows, at } => fields.settle(rows.found(at, fields)?),
        };
        picked.map(Some)
    }

    /// Only the text, of a record that was read before. Escapes are resolved in `memory`.
    pub(crate) fn content<'a>(
        &'a self,
        fields: &Fields,
        memory: &'a mut String,
    ) -> Result<Content<'a>, String> {
        Ok(match self.form {
            Form::Json => Content::Text(fields.pick_text(utf8(self.bytes)?, memory)?),
            Form::Cells(columns) => Content::Text(columns.text(utf8(self.bytes)?, memory)?),
            Form::Wet => match fields.text_of(wet::found(self.bytes, fields)?.text)? {
                Cow::Borrowed(text) => Content::Text(text),
                Cow::Owned(_) => return Err("has no text".to_owned()),
            },
            Form::Text | Form::Row { .. } => match std::str::from_utf8(self.bytes) {
                Ok(text) => Content::Text(text),
                Err(_) => Content::Bytes(self.bytes),
            },
        })
    }
}

/// The size of blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockSize {
    /// The approximate memory of a block. A single longer record is a block of its own.
    pub(crate) bytes: usize,
    /// The memory that a record takes in addition to its bytes; 0 if memory is not bounded.
    pub(crate) record: usize,
}

/// Bytes of a block if memory is not bounded.
pub(crate) const BLOCK: usize = 1 << 20;

impl Default for BlockSize {
    fn default() -> Self {
        let (bytes, record) = (BLOCK, 0);
        Self { bytes, record }
    }
}
