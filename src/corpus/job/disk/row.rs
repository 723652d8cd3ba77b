//! The row of a document, written in the first pass.

use xxhash_rust::xxh3::xxh3_64;

use crate::aside::Share;
use crate::corpus::error::Error;
use crate::corpus::formats::record::CHANGED;
use crate::corpus::formats::record::RawRecord;
use crate::corpus::inputs::input::Input;
use crate::corpus::job::disk::folder::{Bytes, Reading, Writing};
use crate::text::Group;

/// The data written for each document, in order.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// A hash of the record.
    pub(crate) record: u64,
    /// The line, 0 if there is none.
    pub(crate) line: u64,
    /// The length of the text in bytes.
    pub(crate) byte_len: u64,
    /// The number of shingles, including repetitions.
    pub(crate) shingles: u32,
    /// The group, whose repeated passages are set aside.
    pub(crate) group: Option<Group>,
    pub(crate) aside: Share,
    pub(crate) id: String,
    /// The values that the keep policy compares, if any.
    pub(crate) keep: Vec<u8>,
}

impl Row {
    pub(crate) fn write(&self, to: &mut Writing<'_>) -> Result<(), Error> {
        to.write(&self.record.to_le_bytes())?;
        to.write(&self.line.to_le_bytes())?;
        to.write(&self.byte_len.to_le_bytes())?;
        to.write(&self.shingles.to_le_bytes())?;
        to.write(&Group::bits(self.group).to_le_bytes())?;
        to.write(&self.aside.to_bytes())?;
        to.counted(self.id.as_bytes())?;
        to.counted(&self.keep)
    }

    /// Reads the next row.
    pub(crate) fn read(&mut self, from: &mut Reading) -> Result<(), Error> {
        self.record = from.u64()?;
        self.line = from.u64()?;
        self.byte_len = from.u64()?;
        self.shingles = from.u32()?;
        self.group = Group::of_bits(from.u64()?);
        self.aside = Share::of_bytes(from.array()?);
        from.text(&mut self.id)?;
        from.counted(&mut self.keep)
    }

    /// The row of a document of an index, which has only an id.
    pub(crate) fn of_indexed(id: String) -> Self {
        Self {
            id,
            ..Self::default()
        }
    }

    /// Fails if a record has changed.
    pub(crate) fn is_still(&self, input: &Input, record: &RawRecord<'_>) -> Result<(), Error> {
        match xxh3_64(record.bytes) == self.record {
            true => Ok(()),
            false => Err(Error::bad(input.place(self.line()), CHANGED)),
        }
    }

    /// The line, if there is one.
    pub(crate) fn line(&self) -> Option<u64> {
        (self.line > 0).then_some(self.line)
    }
}
