//! The first pass: records to keys.

use xxhash_rust::xxh3::xxh3_128;

use super::dealt::Dealer;
use super::folder::{Bytes, Folder, Reading, Whole, Writing};
use crate::corpus::error::Error;
use crate::corpus::input::Input;
use crate::corpus::parse::Taken;
use crate::corpus::read::{At, Rejection, Sink};
use crate::digest::Digests;

/// What is kept of each document, in order.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// A hash of its record.
    pub(super) record: u64,
    /// Its line, 0 where it has none.
    pub(super) line: u64,
    /// Bytes of its text.
    pub(super) byte_len: u64,
    /// Its shingles, repetitions included.
    pub(super) shingles: u32,
    pub(super) id: String,
}

impl Row {
    /// The file that has them all.
    pub(super) const FILE: &str = "documents";

    fn write(&self, to: &mut Writing<'_>) -> Result<(), Error> {
        to.write(&self.record.to_le_bytes())?;
        to.write(&self.line.to_le_bytes())?;
        to.write(&self.byte_len.to_le_bytes())?;
        to.write(&self.shingles.to_le_bytes())?;
        to.write(&(self.id.len() as u32).to_le_bytes())?;
        to.write(self.id.as_bytes())
    }

    /// Reads the next.
    pub(super) fn read(&mut self, from: &mut Reading) -> Result<(), Error> {
        self.record = from.u64()?;
        self.line = from.u64()?;
        self.byte_len = from.u64()?;
        self.shingles = from.u32()?;
        from.text(&mut self.id)
    }

    /// The line, where there is one.
    pub(super) fn at_line(&self) -> Option<u64> {
        (self.line > 0).then_some(self.line)
    }
}

/// Documents on their way to the disk.
pub(super) struct Keying<'f> {
    rows: Writing<'f>,
    keys: Dealer<'f>,
    prints: Dealer<'f>,
    ids: Dealer<'f>,
    /// Documents whose digests are to come.
    waiting: Vec<Row>,
    pub(super) known: Known,
}

/// What is known of the documents when all have been read.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) documents: u32,
    /// Bytes of all texts.
    pub(super) text_bytes: u64,
    /// For each input, the documents read once it was read.
    pub(super) ends: Vec<u32>,
    pub(super) rejections: Vec<Rejection>,
    /// Where they are, in order.
    pub(super) rejected_at: Vec<At>,
}

impl<'f> Keying<'f> {
    pub(super) const KEYS: &'static str = "keys";
    pub(super) const PRINTS: &'static str = "prints";
    pub(super) const IDS: &'static str = "ids";

    /// `parts` of keys, with so much memory for what waits to be written.
    pub(super) fn new(folder: &'f Folder, parts: usize, memory: usize) -> Result<Self, Error> {
        // Keys are many times as many as documents.
        let few = parts.div_ceil(8);
        let of_few = memory / 10;
        Ok(Self {
            rows: folder.create(Row::FILE, 1 << 16)?,
            keys: Dealer::create(folder, Self::KEYS, parts, memory - 2 * of_few)?,
            prints: Dealer::create(folder, Self::PRINTS, few, of_few)?,
            ids: Dealer::create(folder, Self::IDS, few, of_few)?,
            waiting: Vec::new(),
            known: Known::default(),
        })
    }

    pub(super) fn finish(self) -> Result<(Known, [Whole; 4]), Error> {
        let files = [
            self.rows.finish()?,
            self.keys.finish()?,
            self.prints.finish()?,
            self.ids.finish()?,
        ];
        Ok((self.known, files))
    }
}

impl Sink for Keying<'_> {
    fn take(&mut self, inputs: &[Input], at: At, taken: Taken) -> Result<Option<String>, Error> {
        self.waiting.push(Row {
            record: taken.record,
            line: at.1.unwrap_or(0),
            byte_len: taken.byte_len as u64,
            shingles: 0,
            id: taken.id.unwrap_or_else(|| inputs[at.0].id_of(at.1)),
        });
        Ok(None)
    }

    fn take_digests(&mut self, digests: &mut Digests, _: &[bool]) -> Result<(), Error> {
        for (mut row, (print, shingles, keys)) in self.waiting.drain(..).zip(digests.keyed()) {
            let document = self.known.documents;
            if document == u32::MAX - 1 {
                return Err(crate::Error::too_many(document as usize + 1).into());
            }
            self.known.documents += 1;
            self.known.text_bytes += row.byte_len;
            row.shingles = shingles;
            row.write(&mut self.rows)?;
            self.ids.write_key(xxh3_128(row.id.as_bytes()), document)?;
            if !print.is_empty() {
                self.prints.write_key(print.bits(), document)?;
            }
            for &key in keys {
                self.keys.write_key(key, document)?;
            }
        }
        digests.clear();
        Ok(())
    }

    fn reject(&mut self, at: At, rejection: Rejection) -> Result<(), Error> {
        self.known.rejected_at.push(at);
        self.known.rejections.push(rejection);
        Ok(())
    }

    fn end_input(&mut self) -> Result<(), Error> {
        self.known.ends.push(self.known.documents);
        Ok(())
    }
}
