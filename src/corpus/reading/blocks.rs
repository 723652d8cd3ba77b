//! Reads the records of an input in blocks, which can be processed in parallel or one after the other.

use std::io;

use crate::corpus::formats::counted::Count;
use crate::corpus::formats::fields::Fields;
use crate::corpus::formats::format::InputFormat;
use crate::corpus::formats::parquet::{RowBlock, RowBlocks};
use crate::corpus::formats::record::{BlockSize, RawRecord};
use crate::corpus::inputs::input::Input;
use crate::corpus::limit::ReadLimit;
use crate::corpus::reading::bytes::{ByteBlock, ByteBlocks};
use crate::corpus::unusable::Unusable;

/// Complete records of one input in memory.
pub(crate) enum Block {
    Bytes(ByteBlock),
    Rows(RowBlock),
}

impl Block {
    /// The number of bytes in the block.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(block) => block.len(),
            Self::Rows(block) => block.len(),
        }
    }

    /// The memory of the block, and of the data computed from it.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Bytes(block) => block.weight(),
            Self::Rows(block) => block.weight(),
        }
    }

    /// A part of the block as text, at an offset in the decompressed file; `None` for Parquet rows.
    pub(crate) fn text_at(&self, offset: u64, len: usize) -> Option<String> {
        match self {
            Self::Bytes(block) => Some(block.text_at(offset, len)),
            Self::Rows(_) => None,
        }
    }

    /// The memory of the block, for reuse.
    pub(crate) fn into_memory(self) -> Vec<u8> {
        match self {
            Self::Bytes(block) => block.into_memory(),
            Self::Rows(_) => Vec::new(),
        }
    }

    /// Calls `each` with the unparsed records, with lines or rows counted from 1 in this block. Returns the number of
    /// lines or rows.
    pub(crate) fn for_each<'b, E>(
        &'b self,
        each: impl FnMut(RawRecord<'b>) -> Result<(), E>,
    ) -> Result<u64, E> {
        match self {
            Self::Bytes(block) => block.for_each(each),
            Self::Rows(block) => block.for_each(each),
        }
    }
}

/// Reads an input in blocks.
pub(crate) enum Blocks {
    Bytes(ByteBlocks),
    Rows(Box<RowBlocks>),
}

impl Blocks {
    /// Opens an input, and counts the bytes read from the disk. Lines and files that are too long are cut.
    pub(crate) fn open(
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

    /// Reads the next complete records; `None` at the end. The block takes `memory`, which may be reused. Records
    /// before an error are returned first.
    pub(crate) fn next(&mut self, memory: &mut Vec<u8>) -> io::Result<Option<Block>> {
        Ok(match self {
            Self::Bytes(blocks) => blocks.next(memory)?.map(Block::Bytes),
            Self::Rows(blocks) => blocks.next()?.map(Block::Rows),
        })
    }
}

/// Calls `each` with the records of `input`, one after the other. An error comes with its line.
pub(crate) fn for_each_record<E: From<io::Error>>(
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
