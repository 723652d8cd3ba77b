//! Reads the inputs again.

use rayon::prelude::*;

use crate::aside::Maker;
use crate::batch::Memory;
use crate::corpus::error::Error;
use crate::corpus::formats::record::CHANGED;
use crate::corpus::formats::record::RawRecord;
use crate::corpus::indexed::Indexed;
use crate::corpus::inputs::input::Input;
use crate::corpus::job::disk::folder::Folder;
use crate::corpus::job::disk::row::Row;
use crate::corpus::job::passes::row_cursor::{Known, RowCursor};
use crate::corpus::options::ReadOptions;
use crate::corpus::reading::parse::{Part, Producer, RawBlock, RoundWeight};
use crate::corpus::reading::read::{At, Rejection};
use crate::pool::Pool;
use crate::watch::Ticker;

/// Reads the inputs again, and processes the picked documents.
pub(crate) struct Reread<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) inputs: &'a [Input],
    pub(crate) options: &'a ReadOptions,
    pub(crate) maker: &'a Maker,
    pub(crate) known: &'a Known,
    /// The indexes, whose documents follow those of the inputs.
    pub(crate) indexed: &'a Indexed,
    /// The memory of a round.
    pub(crate) round: RoundWeight,
    pub(crate) ticker: Ticker<'a>,
}

/// A picked document in a block.
pub(crate) struct Picked {
    pub(crate) row: Row,
    pub(crate) document: u32,
    /// The line or row in the block.
    line: Option<u64>,
}

/// Picks documents and processes them.
pub(crate) trait Picking: Sync {
    /// The data computed from the picked documents of a block.
    type Made: Default + Send;

    /// Whether a document is picked.
    fn is_picked(&self, document: u32) -> bool;

    /// Whether a picked document is shingled. If not, `make` gets no hashes.
    fn is_shingled(&self, document: u32) -> bool;

    /// Adds the data of a document to `made`; called in parallel for several blocks. The shingle hashes come in any
    /// order, may be repeated, and may be changed.
    fn make(&self, picked: Picked, hashes: &mut Vec<u64>, made: &mut Self::Made);

    /// Takes the data of a block; called in order.
    fn take(&mut self, made: Self::Made) -> Result<(), Error>;
}

/// Rejections of documents with repeated ids, and the bytes of their texts.
#[derive(Default)]
pub(crate) struct LateRecords {
    pub(crate) rejected: Vec<(At, Rejection)>,
    pub(crate) bytes: u64,
}

/// A block and its picked documents.
struct Work {
    raw: RawBlock,
    input: usize,
    picked: Vec<Picked>,
}

impl Reread<'_> {
    /// Reads all inputs. Returns the documents that were rejected after the first pass.
    pub(crate) fn run<P: Picking>(self, picking: &mut P) -> Result<LateRecords, Error> {
        let mut cursor = RowCursor::new(self.known, self.inputs, self.folder)?;
        let mut late = LateRecords::default();
        let producer = Producer::new(self.inputs, self.options, self.known.limit);
        let mut producer = producer.rounds_of(self.round);
        let spaces: Pool<Memory> = Pool::default();
        let mut work = self.pick(picking, &mut producer, &mut cursor, &mut late)?;
        while let Some(now) = work {
            let picker = &*picking;
            let make = || {
                now.into_par_iter()
                    .with_max_len(1)
                    .map(|work| self.make(picker, work, &mut spaces.lend()))
                    .collect::<Result<Vec<_>, Error>>()
            };
            let read = || self.pick(picker, &mut producer, &mut cursor, &mut late);
            let (next, done) = rayon::join(read, make);
            for (memory, made) in done? {
                picking.take(made)?;
                producer.take_back((memory, None));
            }
            work = next?;
        }
        self.run_indexed(picking)?;
        Ok(late)
    }

    /// Processes the documents of indexes, whose shingle sets are stored.
    fn run_indexed<P: Picking>(&self, picking: &mut P) -> Result<(), Error> {
        let mut documents = self.known.documents..;
        self.indexed.for_each_some(self.round.bytes, |some| {
            let mut made = P::Made::default();
            for (of_index, document) in some.into_iter().zip(documents.by_ref()) {
                if picking.is_picked(document) {
                    let picked = Picked {
                        row: Row::of_indexed(of_index.id),
                        document,
                        line: None,
                    };
                    let mut hashes = match picking.is_shingled(document) {
                        true => of_index.set.hashes().to_vec(),
                        false => Vec::new(),
                    };
                    picking.make(picked, &mut hashes, &mut made);
                }
            }
            picking.take(made)
        })
    }

    /// Reads the next blocks, and picks documents; `None` at the end.
    fn pick(
        &self,
        picking: &impl Picking,
        producer: &mut Producer<'_>,
        cursor: &mut RowCursor<'_>,
        late: &mut LateRecords,
    ) -> Result<Option<Vec<Work>>, Error> {
        let parts = producer.round();
        if parts.is_empty() {
            return Ok(None);
        }
        let mut all = Vec::new();
        for of in parts {
            match of.part {
                Part::Block(raw) => all.push(self.pick_of(picking, raw, cursor, late)?),
                Part::End => cursor.end_input()?,
                Part::Failed { error, opened } => {
                    let input = &self.inputs[cursor.input];
                    let line = (opened && input.format.has_lines()).then_some(cursor.lines + 1);
                    if !cursor.is_rejected(line) {
                        return Err(Error::io("read", &input.path, error));
                    }
                    cursor.end_input()?;
                }
            }
        }
        Ok(Some(all))
    }

    fn pick_of(
        &self,
        picking: &impl Picking,
        raw: RawBlock,
        cursor: &mut RowCursor<'_>,
        late: &mut LateRecords,
    ) -> Result<Work, Error> {
        let mut picked = Vec::new();
        let block = &raw.block;
        let lines = block.for_each(|record| {
            let line = record.line.map(|line| cursor.lines + line);
            let number = cursor.input;
            let Some((document, row)) = cursor.next(line)? else {
                return Ok(());
            };
            self.ticker.tick(1)?;
            if let Some(reason) = self.known.late.reason(document) {
                let text = || block.text_at(record.offset, record.bytes.len());
                let rejection = Rejection {
                    place: self.inputs[number].place(line),
                    reason: reason.to_owned(),
                    record: line.and_then(|_| text()),
                    ends_file: false,
                };
                late.bytes += row.byte_len;
                late.rejected.push(((number, line), rejection));
            } else if picking.is_picked(document) {
                picked.push(Picked {
                    row: std::mem::take(row),
                    document,
                    line: record.line,
                });
            }
            Ok::<(), Error>(())
        })?;
        cursor.lines += lines;
        Ok(Work {
            raw,
            picked,
            input: cursor.input,
        })
    }

    /// Processes a block, and returns its memory and the data of its documents.
    fn make<P: Picking>(
        &self,
        picking: &P,
        work: Work,
        memory: &mut Memory,
    ) -> Result<(Vec<u8>, P::Made), Error> {
        let mut made = P::Made::default();
        let mut picked = work.picked.into_iter().peekable();
        let input = &self.inputs[work.input];
        work.raw.block.for_each(|record| {
            let is_picked = |picked: &Picked| picked.line == record.line;
            if let Some(picked) = picked.next_if(is_picked) {
                picked.row.is_still(input, &record)?;
                match picking.is_shingled(picked.document) {
                    true => self.shingle(input, &picked.row, record, memory)?,
                    false => memory.hashes.clear(),
                }
                picking.make(picked, &mut memory.hashes, &mut made);
            }
            Ok::<(), Error>(())
        })?;
        memory.release_large();
        Ok((work.raw.block.into_memory(), made))
    }

    /// Computes the shingles of a record in `memory`.
    fn shingle(
        &self,
        input: &Input,
        row: &Row,
        record: RawRecord<'_>,
        memory: &mut Memory,
    ) -> Result<(), Error> {
        let fields = &self.options.fields;
        let shingled = memory.shingle(self.maker, row.group, |buffer| {
            Ok(record.content(fields, &mut buffer.text)?)
        });
        shingled.map_err(|_| Error::bad(input.place(row.line()), CHANGED))
    }
}
