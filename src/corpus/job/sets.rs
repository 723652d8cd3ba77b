//! The second pass: documents that may have partners to shingle sets, group by group.

use std::ops::Range;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::components::{Firsts, Groups, NONE};
use super::dealt::Dealer;
use super::folder::{Folder, Reading, Whole};
use super::read::{Known, Row};
use crate::batch::{Memory, Shingled as _};
use crate::corpus::document::{CHANGED, Record};
use crate::corpus::error::Error;
use crate::corpus::input::Input;
use crate::corpus::options::ReadOptions;
use crate::corpus::parse::{Part, Producer, RawBlock};
use crate::pool::Pool;
use crate::text::Shingler;
use crate::verify::ShingleSet;
use crate::watch::Ticker;

/// What is written of each document of a group.
pub(super) enum Kind {
    /// Its shingle set follows.
    Set = 0,
    /// The number of the document it is a copy of follows.
    Copy = 1,
}

/// Reads the inputs again, and writes what groups are made of.
pub(super) struct Sets<'s> {
    pub(super) inputs: &'s [Input],
    pub(super) options: &'s ReadOptions,
    pub(super) shingler: &'s Shingler,
    pub(super) known: &'s Known,
    pub(super) firsts: &'s Firsts,
    pub(super) groups: &'s Groups,
    pub(super) ticker: Ticker<'s>,
}

/// A document of a group, in a block that was read.
struct Picked {
    row: Row,
    document: u32,
    /// Where its record is in the block.
    record: Range<usize>,
}

/// Where the enumeration of records is.
struct Cursor {
    input: usize,
    lines: u64,
    document: u32,
    /// Rejected records passed.
    rejected: usize,
    rows: Reading,
}

impl Sets<'_> {
    /// Writes the groups to a file.
    pub(super) fn write(self, folder: &Folder, name: &str, memory: usize) -> Result<Whole, Error> {
        let mut cursor = Cursor {
            input: 0,
            lines: 0,
            document: 0,
            rejected: 0,
            rows: folder.open(Row::FILE)?,
        };
        let mut dealer = Dealer::create(folder, name, self.groups.bytes.len(), memory)?;
        let mut producer = Producer::new(self.inputs, self.options);
        let spaces: Pool<Memory> = Pool::default();
        let mut work = Vec::new();
        let mut is_first = true;
        while is_first || !work.is_empty() {
            is_first = false;
            let shingle = || {
                std::mem::take(&mut work)
                    .into_par_iter()
                    .with_max_len(1)
                    .map(|work: Work| work.shingled(&self, &mut spaces.lend()))
                    .collect::<Result<Vec<_>, Error>>()
            };
            let (next, done) = rayon::join(|| self.pick(&mut producer, &mut cursor), shingle);
            for (block, shingled) in done? {
                for (picked, set) in shingled {
                    self.deal(&mut dealer, &picked, set.as_ref())?;
                }
                producer.spare.push((block, None));
            }
            work = next?;
        }
        dealer.finish()
    }

    /// Reads some blocks on, and picks what belongs to groups.
    fn pick(&self, producer: &mut Producer<'_>, cursor: &mut Cursor) -> Result<Vec<Work>, Error> {
        let mut all = Vec::new();
        for of in producer.round() {
            match of.part {
                Part::Block(raw) => all.push(self.pick_of(raw, cursor)?),
                Part::End => self.end_input(cursor)?,
                Part::Failed { error, opened } => {
                    let input = &self.inputs[cursor.input];
                    let line = (opened && input.has_lines()).then_some(cursor.lines + 1);
                    if !cursor.is_rejected(self.known, line) {
                        return Err(Error::io("read", &input.path, error));
                    }
                    self.end_input(cursor)?;
                }
            }
        }
        Ok(all)
    }

    fn pick_of(&self, raw: RawBlock, cursor: &mut Cursor) -> Result<Work, Error> {
        let mut picked = Vec::new();
        let lines = raw.block.for_each(|record| {
            let line = record.line.map(|line| cursor.lines + line);
            if cursor.is_rejected(self.known, line) {
                return Ok(());
            }
            let document = cursor.document;
            if document >= self.known.documents {
                return Err(self.changed(cursor));
            }
            cursor.document += 1;
            let mut row = Row::default();
            row.read(&mut cursor.rows)?;
            self.ticker.tick(1)?;
            if self.groups.group[document as usize] != NONE {
                picked.push(Picked {
                    row,
                    document,
                    record: raw.block.place(&record),
                });
            }
            Ok(())
        })?;
        cursor.lines += lines;
        Ok(Work {
            raw,
            picked,
            input: cursor.input,
        })
    }

    fn end_input(&self, cursor: &mut Cursor) -> Result<(), Error> {
        if cursor.document != self.known.ends[cursor.input] {
            return Err(self.changed(cursor));
        }
        cursor.input += 1;
        cursor.lines = 0;
        Ok(())
    }

    fn changed(&self, cursor: &Cursor) -> Error {
        Error::bad(self.inputs[cursor.input].place(None), CHANGED)
    }

    /// Writes a document to its group.
    fn deal(
        &self,
        dealer: &mut Dealer<'_>,
        picked: &Picked,
        set: Option<&ShingleSet>,
    ) -> Result<(), Error> {
        let Picked { row, document, .. } = picked;
        let group = self.groups.group[*document as usize] as usize;
        let mut write = |bytes: &[u8]| dealer.write(group, bytes);
        write(&document.to_le_bytes())?;
        write(&row.byte_len.to_le_bytes())?;
        write(&(row.id.len() as u32).to_le_bytes())?;
        write(row.id.as_bytes())?;
        let Some(set) = set else {
            write(&[Kind::Copy as u8])?;
            return write(&self.firsts.0[*document as usize].to_le_bytes());
        };
        write(&[Kind::Set as u8])?;
        write(&(set.len() as u32).to_le_bytes())?;
        set.hashes()
            .iter()
            .try_for_each(|hash| write(&hash.to_le_bytes()))
    }
}

impl Cursor {
    /// Whether the next record is one that was rejected; it is passed then.
    fn is_rejected(&mut self, known: &Known, line: Option<u64>) -> bool {
        let next = known.rejected_at.get(self.rejected);
        let is_rejected = next == Some(&(self.input, line));
        self.rejected += usize::from(is_rejected);
        is_rejected
    }
}

/// A block, and what is to be shingled of it.
struct Work {
    raw: RawBlock,
    input: usize,
    picked: Vec<Picked>,
}

/// The memory of a block, and the documents picked of it, those that are no copies with their sets.
type Shingled = (Vec<u8>, Vec<(Picked, Option<ShingleSet>)>);

impl Work {
    fn shingled(self, sets: &Sets<'_>, memory: &mut Memory) -> Result<Shingled, Error> {
        let input = &sets.inputs[self.input];
        let fields = input.has_lines().then_some(&sets.options.fields);
        let mut shingled = Vec::with_capacity(self.picked.len());
        for picked in self.picked {
            let changed = || Error::bad(input.place(picked.row.at_line()), CHANGED);
            let record = self.raw.block.bytes(&picked.record);
            if xxh3_64(record) != picked.row.record {
                return Err(changed());
            }
            let is_first = sets.firsts.0[picked.document as usize] == picked.document;
            let set = is_first.then(|| {
                let record = Record {
                    bytes: record,
                    fields,
                };
                record.shingle_set(sets.shingler, memory)
            });
            let set = set.transpose().map_err(|_| changed())?;
            shingled.push((picked, set));
        }
        Ok((self.raw.block.into_memory(), shingled))
    }
}
