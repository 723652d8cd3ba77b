//! A record as it stands in its file.

use std::borrow::Cow;

use crate::corpus::formats::delimited::Columns;
use crate::corpus::formats::json::{Fields, Found, Picked, Scalar};
use crate::corpus::formats::wet;
use crate::corpus::unusable::utf8;
use crate::text::Content;

/// Why a record is refused that is not what it was when it was read first.
pub(crate) const CHANGED: &str = "changed while it was in work";

/// A record as it stands in its file. What it takes to parse it is here, so that each can be parsed by itself.
#[derive(Clone, Copy)]
pub(crate) struct RawRecord<'b> {
    /// Line or row, from 1; none where the file is the record.
    pub(crate) line: Option<u64>,
    /// Where it begins in the decompressed file, where it is bytes of it.
    pub(crate) offset: u64,
    /// What it is known by when it is read again: the line without its line feed, the file, a row's text. Of a line or
    /// file that is too long to be read whole, the beginning.
    pub(crate) bytes: &'b [u8],
    /// Bytes of the whole line, file or text.
    pub(crate) len: u64,
    pub(crate) form: Form<'b>,
}

/// What a record is.
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
    /// The fields of a row that are needed, whatever they are.
    fn found<'b>(&'b self, at: usize, fields: &Fields) -> Result<Found<'b>, String>;
}

impl<'b> RawRecord<'b> {
    /// Its fields; none where the file is the record.
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

    /// Its text alone, of a record that has been read before; escapes are resolved in `memory`.
    pub(crate) fn content<'a>(
        &'a self,
        fields: &Fields,
        memory: &'a mut String,
    ) -> Result<Content<'a>, String> {
        Ok(match self.form {
            Form::Json => Content::Text(fields.pick_text(utf8(self.bytes)?, memory)?),
            Form::Cells(columns) => Content::Text(columns.text(utf8(self.bytes)?, memory)?),
            Form::Wet => match wet::found(self.bytes, fields)?.text {
                Some(Scalar::Str(Cow::Borrowed(text))) => Content::Text(text),
                _ => return Err("has no text".to_owned()),
            },
            Form::Text | Form::Row { .. } => match std::str::from_utf8(self.bytes) {
                Ok(text) => Content::Text(text),
                Err(_) => Content::Bytes(self.bytes),
            },
        })
    }
}

/// How large blocks are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockSize {
    /// Bytes, about; one record is a block however long it is.
    pub(crate) bytes: usize,
    /// Bytes that are held for a record besides its own, where they count.
    pub(crate) record: usize,
}

/// Bytes of a block where memory is not bounded.
pub(crate) const BLOCK: usize = 1 << 20;

impl Default for BlockSize {
    fn default() -> Self {
        let (bytes, record) = (BLOCK, 0);
        Self { bytes, record }
    }
}
