//! The second pass: documents that may have partners to shingle sets, group by group.

use std::ops::Range;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::components::{Firsts, Groups, NONE};
use super::dealt::Dealer;
use super::folder::{Folder, Whole};
use super::manifest::SetsDone;
use super::names;
use super::read::Row;
use super::rejected::RejectedAt;
use super::walk::{Known, Walk};
use crate::batch::{Memory, Shingled as _};
use crate::corpus::document::{CHANGED, Record};
use crate::corpus::error::Error;
use crate::corpus::input::Input;
use crate::corpus::options::ReadOptions;
use crate::corpus::parse::{Part, Producer, RawBlock};
use crate::corpus::read::Rejection;
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
    pub(super) folder: &'s Folder,
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

/// A block, and what is to be shingled of it.
struct Work {
    raw: RawBlock,
    input: usize,
    picked: Vec<Picked>,
}

/// The memory of a block, and the documents picked of it, those that are no copies with their sets.
type Shingles = (Vec<u8>, Vec<(Picked, Option<ShingleSet>)>);

/// Documents that were rejected after they were read, in order.
#[derive(Default)]
struct Late {
    rejected: Vec<RejectedAt>,
    bytes: u64,
}

impl Sets<'_> {
    /// Writes the groups to a file, and all rejections to another.
    pub(super) fn write(self, memory: usize) -> Result<SetsDone, Error> {
        let mut walk = Walk::new(self.known, self.inputs, self.folder)?;
        let mut late = Late::default();
        let mut dealer = Dealer::create(self.folder, names::SETS, self.groups.bytes.len(), memory)?;
        let mut producer = Producer::new(self.inputs, self.options);
        let spaces: Pool<Memory> = Pool::default();
        let mut work = self.pick(&mut producer, &mut walk, &mut late)?;
        while let Some(now) = work {
            let shingle = || {
                now.into_par_iter()
                    .with_max_len(1)
                    .map(|work| self.shingle(work, &mut spaces.lend()))
                    .collect::<Result<Vec<Shingles>, Error>>()
            };
            let read = || self.pick(&mut producer, &mut walk, &mut late);
            let (next, done) = rayon::join(read, shingle);
            for (memory, shingles) in done? {
                for (picked, set) in shingles {
                    self.deal(&mut dealer, &picked, set.as_ref())?;
                }
                producer.spare.push((memory, None));
            }
            work = next?;
        }
        Ok(SetsDone {
            sets: dealer.finish()?,
            late_bytes: late.bytes,
            rejections: self.write_rejected(late.rejected)?,
        })
    }

    /// Reads some blocks on, and picks what belongs to groups; none at the end.
    fn pick(
        &self,
        producer: &mut Producer<'_>,
        walk: &mut Walk<'_>,
        late: &mut Late,
    ) -> Result<Option<Vec<Work>>, Error> {
        let parts = producer.round();
        if parts.is_empty() {
            return Ok(None);
        }
        let mut all = Vec::new();
        for of in parts {
            match of.part {
                Part::Block(raw) => all.push(self.pick_of(raw, walk, late)?),
                Part::End => walk.end_input()?,
                Part::Failed { error, opened } => {
                    let input = &self.inputs[walk.input];
                    let line = (opened && input.has_lines()).then_some(walk.lines + 1);
                    if !walk.is_rejected(line) {
                        return Err(Error::io("read", &input.path, error));
                    }
                    walk.end_input()?;
                }
            }
        }
        Ok(Some(all))
    }

    fn pick_of(&self, raw: RawBlock, walk: &mut Walk<'_>, late: &mut Late) -> Result<Work, Error> {
        let mut picked = Vec::new();
        let block = &raw.block;
        let lines = block.for_each(|record| {
            let line = record.line.map(|line| walk.lines + line);
            let Some((document, row)) = walk.next(line)? else {
                return Ok(());
            };
            self.ticker.tick(1)?;
            if let Some(reason) = self.known.late.reason(document) {
                let told = || block.told(record.offset, record.bytes.len());
                let rejection = Rejection {
                    place: self.inputs[walk.input].place(line),
                    reason: reason.to_owned(),
                    record: line.map(|_| told()),
                };
                late.bytes += row.byte_len;
                late.rejected
                    .push(RejectedAt::of((walk.input, line), rejection));
            } else if self.groups.group[document as usize] != NONE {
                let record = block.place(&record);
                picked.push(Picked {
                    row,
                    document,
                    record,
                });
            }
            Ok::<(), Error>(())
        })?;
        walk.lines += lines;
        Ok(Work {
            raw,
            picked,
            input: walk.input,
        })
    }

    fn shingle(&self, work: Work, memory: &mut Memory) -> Result<Shingles, Error> {
        let input = &self.inputs[work.input];
        let fields = input.has_lines().then_some(&self.options.fields);
        let mut shingles = Vec::with_capacity(work.picked.len());
        for picked in work.picked {
            let changed = || Error::bad(input.place(picked.row.line()), CHANGED);
            let bytes = work.raw.block.bytes(&picked.record);
            if xxh3_64(bytes) != picked.row.record {
                return Err(changed());
            }
            let is_first = self.firsts.0[picked.document as usize] == picked.document;
            let record = Record { bytes, fields };
            let set = is_first.then(|| record.shingle_set(self.shingler, memory));
            let set = set.transpose().map_err(|_| changed())?;
            shingles.push((picked, set));
        }
        Ok((work.raw.block.into_memory(), shingles))
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
        for bytes in [row.id.as_bytes(), &row.keep] {
            write(&(bytes.len() as u32).to_le_bytes())?;
            write(bytes)?;
        }
        let Some(set) = set else {
            write(&[Kind::Copy as u8])?;
            return write(&self.firsts.0[*document as usize].to_le_bytes());
        };
        write(&[Kind::Set as u8])?;
        write(&(set.len() as u32).to_le_bytes())?;
        let mut hashes = set.hashes().iter();
        hashes.try_for_each(|hash| write(&hash.to_le_bytes()))
    }

    /// Writes the rejections of both passes in the order of their places.
    fn write_rejected(&self, late: Vec<RejectedAt>) -> Result<Whole, Error> {
        let mut early = self.folder.open(names::EARLY)?;
        let mut writing = self.folder.create(names::REJECTED, 1 << 16)?;
        let mut late = late.into_iter().peekable();
        while let Some(next) = RejectedAt::read(&mut early)? {
            while let Some(late) = late.next_if(|late| late.at() < next.at()) {
                late.write(&mut writing)?;
            }
            next.write(&mut writing)?;
        }
        late.try_for_each(|late| late.write(&mut writing))?;
        writing.finish()
    }
}
