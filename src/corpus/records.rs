//! An input's records as they stand in the file: in blocks, which can be looked at in parallel, or one after
//! the other.

use std::fmt;
use std::io;

use super::bytes::{ByteBlock, ByteBlocks};
use super::delimited::Columns;
use super::format::InputFormat;
use super::input::{Count, Input};
use super::json::{Fields, Picked};
use super::limit::ReadLimit;
use super::parquet::{Row, RowBlock, RowBlocks};
use crate::text::Content;

/// A record as it stands in its file. What it takes to parse it is here, so that each can be parsed by itself.
#[derive(Clone, Copy)]
pub(super) struct RawRecord<'b> {
    /// Line or row, from 1; none where the file is the record.
    pub(super) line: Option<u64>,
    /// Where it begins in the decompressed file, where it is bytes of it.
    pub(super) offset: u64,
    /// What it is known by when it is read again: the line without its line feed, the file, a row's text. Of a line or
    /// file that is too long to be read whole, the beginning.
    pub(super) bytes: &'b [u8],
    /// Bytes of the whole line, file or text.
    pub(super) len: u64,
    pub(super) form: Form<'b>,
}

/// What a record is.
#[derive(Clone, Copy)]
pub(super) enum Form<'b> {
    /// A file of text.
    Text,
    /// An object on a line.
    Json,
    /// A row of cells, with these columns.
    Cells(&'b Columns),
    /// A row of a Parquet file.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    Row(Row<'b>),
}

impl<'b> RawRecord<'b> {
    /// Its fields; none where the file is the record.
    pub(super) fn pick(&self, fields: &Fields) -> Result<Option<Picked<'b>>, String> {
        let picked = match self.form {
            Form::Text => return Ok(None),
            Form::Json => fields.pick(utf8(self.bytes)?),
            Form::Cells(columns) => fields.settle(columns.found(utf8(self.bytes)?)?),
            Form::Row(row) => fields.settle(row.found(fields)?),
        };
        picked.map(Some)
    }

    /// Its text alone, of a record that has been read before; escapes are resolved in `memory`.
    pub(super) fn content<'a>(
        &'a self,
        fields: &Fields,
        memory: &'a mut String,
    ) -> Result<Content<'a>, String> {
        Ok(match self.form {
            Form::Json => Content::Text(fields.pick_text(utf8(self.bytes)?, memory)?),
            Form::Cells(columns) => Content::Text(columns.text(utf8(self.bytes)?, memory)?),
            Form::Text | Form::Row(_) => match std::str::from_utf8(self.bytes) {
                Ok(text) => Content::Text(text),
                Err(_) => Content::Bytes(self.bytes),
            },
        })
    }
}

/// The bytes as text, or where they are none.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8 (byte {})", error.valid_up_to()))
}

/// Whole records of one input, all in memory: looking at one does not fail.
pub(super) enum Block {
    Bytes(ByteBlock),
    Rows(RowBlock),
}

impl Block {
    /// Bytes of the block.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(block) => block.len(),
            Self::Rows(block) => block.len(),
        }
    }

    /// Bytes that it takes in memory, with what is made of it.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Bytes(block) => block.weight(),
            Self::Rows(block) => block.weight(),
        }
    }

    /// A part of it as text, by the place in the decompressed file; none of rows.
    pub(super) fn told(&self, offset: u64, len: usize) -> Option<String> {
        match self {
            Self::Bytes(block) => Some(block.told(offset, len)),
            Self::Rows(_) => None,
        }
    }

    /// Its memory, for another block.
    pub(super) fn into_memory(self) -> Vec<u8> {
        match self {
            Self::Bytes(block) => block.into_memory(),
            Self::Rows(_) => Vec::new(),
        }
    }

    /// Calls `each` with the records, their lines or rows counted from 1 in this block, and tells how many of these
    /// there are. No record is parsed for it.
    pub(super) fn for_each<'b, E>(
        &'b self,
        each: impl FnMut(RawRecord<'b>) -> Result<(), E>,
    ) -> Result<u64, E> {
        match self {
            Self::Bytes(block) => block.for_each(each),
            Self::Rows(block) => block.for_each(each),
        }
    }
}

/// How large blocks are.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockSize {
    /// Bytes, about; one record is a block however long it is.
    pub(super) bytes: usize,
    /// Bytes that are held for a record besides its own, where they count.
    pub(super) record: usize,
}

/// Bytes of a block where memory is not bounded.
pub(super) const BLOCK: usize = 1 << 20;

impl Default for BlockSize {
    fn default() -> Self {
        let (bytes, record) = (BLOCK, 0);
        Self { bytes, record }
    }
}

/// An input read in blocks.
pub(super) enum Blocks {
    Bytes(ByteBlocks),
    Rows(Box<RowBlocks>),
}

impl Blocks {
    /// Opens an input, for these fields; its bytes on the disk are counted. Lines and files that are too long are cut.
    pub(super) fn open(
        input: &Input,
        fields: &Fields,
        limit: ReadLimit,
        size: BlockSize,
        bytes: &Count,
    ) -> io::Result<Self> {
        if let Some(problem) = &input.problem {
            return Err(Unusable::error(problem));
        }
        Ok(match input.format.of {
            InputFormat::Parquet => Self::Rows(Box::new(RowBlocks::open(
                &input.path,
                fields,
                limit,
                size,
                bytes,
            )?)),
            _ => Self::Bytes(ByteBlocks::open(input, fields, limit, size, bytes)?),
        })
    }

    /// The next whole records, in `memory`, which goes with them and may have been used before; none at the end.
    /// What is read before an error is handed out first.
    pub(super) fn next(&mut self, memory: &mut Vec<u8>) -> io::Result<Option<Block>> {
        Ok(match self {
            Self::Bytes(blocks) => blocks.next(memory)?.map(Block::Bytes),
            Self::Rows(blocks) => blocks.next()?.map(Block::Rows),
        })
    }
}

/// Why an input is of no use, where that is no failure to read it. It travels as an error of the system does.
#[derive(Debug)]
pub(super) struct Unusable(String);

impl Unusable {
    pub(super) fn error(why: impl Into<String>) -> io::Error {
        io::Error::other(Self(why.into()))
    }

    /// What is wrong with an input that gave this error.
    pub(super) fn reason(error: &io::Error) -> String {
        let inner = error.get_ref();
        match inner.and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(Self(why)) => why.clone(),
            None => format!("cannot be read: {error}"),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

/// Calls `each` with the records of `input`, one after the other. An error comes with the line it is on.
pub(super) fn for_each_record<E: From<io::Error>>(
    input: &Input,
    fields: &Fields,
    limit: ReadLimit,
    mut each: impl FnMut(RawRecord<'_>) -> Result<(), E>,
) -> Result<(), (Option<u64>, E)> {
    let mut blocks = Blocks::open(
        input,
        fields,
        limit,
        BlockSize::default(),
        &Count::default(),
    )
    .map_err(|error| (None, E::from(error)))?;
    let (mut lines, mut memory) = (0, Vec::new());
    loop {
        let next = blocks.next(&mut memory).map_err(|error| {
            let line = input.format.has_lines().then_some(lines + 1);
            (line, E::from(error))
        })?;
        let Some(block) = next else {
            return Ok(());
        };
        lines += block.for_each(|record| {
            let line = record.line.map(|line| line + lines);
            each(RawRecord { line, ..record }).map_err(|error| (line, error))
        })?;
        memory = block.into_memory();
    }
}
