//! The second pass: documents that may have partners to shingle sets, group by group.

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::components::{Firsts, Groups, NONE};
use super::dealt::Dealer;
use super::folder::{Folder, Whole, extend};
use super::manifest::SetsDone;
use super::names;
use super::read::Row;
use super::rejected::RejectedAt;
use super::shares::Shares;
use super::walk::{Known, Walk};
use crate::batch::{Memory, Shingled as _};
use crate::corpus::document::{CHANGED, StoredRecord};
use crate::corpus::error::Error;
use crate::corpus::input::Input;
use crate::corpus::options::ReadOptions;
use crate::corpus::parse::{Part, Producer, RawBlock};
use crate::corpus::read::Rejection;
use crate::corpus::records::RawRecord;
use crate::pool::Pool;
use crate::text::Shingler;
use crate::verify::ShingleSet;
use crate::watch::Ticker;

/// What is written of a document of a group.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) document: u32,
    /// The first document that has the same shingles: itself, or its set is not written.
    pub(super) first: u32,
    pub(super) byte_len: u64,
    pub(super) id: String,
    /// What the keep policy compares.
    pub(super) keep: Vec<u8>,
    pub(super) set: ShingleSet,
}

impl Record {
    /// Whether another document has the same shingles, and the set.
    pub(super) fn is_copy(&self) -> bool {
        self.first != self.document
    }

    pub(super) fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.document.to_le_bytes());
        to.extend_from_slice(&self.first.to_le_bytes());
        to.extend_from_slice(&self.byte_len.to_le_bytes());
        for bytes in [self.id.as_bytes(), &self.keep] {
            to.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            to.extend_from_slice(bytes);
        }
        if !self.is_copy() {
            to.extend_from_slice(&(self.set.len() as u32).to_le_bytes());
            extend(to, self.set.hashes().iter().map(|hash| hash.to_le_bytes()));
        }
    }
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
    /// Its line or row in the block.
    line: Option<u64>,
}

/// A block, and what is to be shingled of it.
struct Work {
    raw: RawBlock,
    input: usize,
    picked: Vec<Picked>,
}

/// What is to be written of the documents of a block.
struct Shingled {
    /// The memory of the block.
    memory: Vec<u8>,
    records: Vec<u8>,
    /// The group of each record, and where it ends.
    ends: Vec<(u32, usize)>,
}

/// Documents that were rejected after they were read, in order.
#[derive(Default)]
struct FoundLate {
    rejected: Vec<RejectedAt>,
    bytes: u64,
}

impl Sets<'_> {
    /// Writes the groups to a file, and all rejections to another.
    pub(super) fn write(self, shares: &Shares) -> Result<SetsDone, Error> {
        let mut walk = Walk::new(self.known, self.inputs, self.folder)?;
        let mut late = FoundLate::default();
        let mut dealer = Dealer::create(
            self.folder,
            names::SETS,
            self.groups.bytes.len(),
            shares.buffers,
        )?;
        let producer = Producer::new(self.inputs, self.options);
        let mut producer = producer.rounds_of(shares.round);
        let spaces: Pool<Memory> = Pool::default();
        let mut work = self.pick(&mut producer, &mut walk, &mut late)?;
        while let Some(now) = work {
            let shingle = || {
                now.into_par_iter()
                    .with_max_len(1)
                    .map(|work| self.shingle(work, &mut spaces.lend()))
                    .collect::<Result<Vec<Shingled>, Error>>()
            };
            let read = || self.pick(&mut producer, &mut walk, &mut late);
            let (next, done) = rayon::join(read, shingle);
            for shingled in done? {
                let mut from = 0;
                for (group, end) in shingled.ends {
                    dealer.write(group as usize, &shingled.records[from..end])?;
                    from = end;
                }
                producer.spare.push((shingled.memory, None));
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
        late: &mut FoundLate,
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

    fn pick_of(
        &self,
        raw: RawBlock,
        walk: &mut Walk<'_>,
        late: &mut FoundLate,
    ) -> Result<Work, Error> {
        let mut picked = Vec::new();
        let block = &raw.block;
        let lines = block.for_each(|record| {
            let line = record.line.map(|line| walk.lines + line);
            let number = walk.input;
            let Some((document, row)) = walk.next(line)? else {
                return Ok(());
            };
            self.ticker.tick(1)?;
            if let Some(reason) = self.known.late.reason(document) {
                let told = || block.told(record.offset, record.bytes.len());
                let rejection = Rejection {
                    place: self.inputs[number].place(line),
                    reason: reason.to_owned(),
                    record: line.and_then(|_| told()),
                };
                late.bytes += row.byte_len;
                late.rejected
                    .push(RejectedAt::of((number, line), rejection));
            } else if self.groups.group[document as usize] != NONE {
                picked.push(Picked {
                    row: std::mem::take(row),
                    document,
                    line: record.line,
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

    fn shingle(&self, work: Work, memory: &mut Memory) -> Result<Shingled, Error> {
        let mut records = Vec::new();
        let mut ends = Vec::with_capacity(work.picked.len());
        let mut picked = work.picked.into_iter().peekable();
        work.raw.block.for_each(|record| {
            let is_picked = |picked: &Picked| picked.line == record.line;
            match picked.next_if(is_picked) {
                Some(picked) => {
                    let group = self.groups.group[picked.document as usize];
                    let input = &self.inputs[work.input];
                    self.record(input, picked, record, memory)?
                        .write(&mut records);
                    ends.push((group, records.len()));
                    Ok(())
                }
                None => Ok::<(), Error>(()),
            }
        })?;
        Ok(Shingled {
            memory: work.raw.block.into_memory(),
            records,
            ends,
        })
    }

    /// What is to be written of a document.
    fn record(
        &self,
        input: &Input,
        picked: Picked,
        stored: RawRecord<'_>,
        memory: &mut Memory,
    ) -> Result<Record, Error> {
        let Picked { row, document, .. } = picked;
        let changed = |line| Error::bad(input.place(line), CHANGED);
        if xxh3_64(stored.bytes) != row.record {
            return Err(changed(row.line()));
        }
        let line = row.line();
        let mut record = Record {
            document,
            first: self.firsts.0[document as usize],
            byte_len: row.byte_len,
            set: ShingleSet::default(),
            id: row.id,
            keep: row.keep,
        };
        if !record.is_copy() {
            let stored = StoredRecord {
                record: stored,
                fields: &self.options.fields,
            };
            let set = stored.shingle_set(self.shingler, memory);
            record.set = set.map_err(|_| changed(line))?;
        }
        Ok(record)
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
