//! The parallel part of reading: splits inputs into blocks, and computes documents and digests from them.

use std::any::Any;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use xxhash_rust::xxh3::xxh3_64;

use crate::aside::Counter;
use crate::corpus::formats::counted::Count;
use crate::corpus::formats::fields::Fields;
use crate::corpus::formats::record::{BlockSize, RawRecord};
use crate::corpus::inputs::input::Input;
use crate::corpus::keep::policy::KeepValues;
use crate::corpus::keep::value::FieldValue;
use crate::corpus::limit::{ReadLimit, RecordLimit};
use crate::corpus::options::ReadOptions;
use crate::corpus::reading::blocks::{Block, Blocks};
use crate::corpus::reading::document::{StoredFile, TextDocument};
use crate::corpus::unusable::utf8;
use crate::digest::{Digester, Digests, Workspace};
use crate::text::{Content, Group};

/// A part of an input: a block that was read or parsed, an error, or the end.
pub(crate) enum Part<B> {
    Block(B),
    /// The input cannot be opened, or not be read further.
    Failed {
        error: io::Error,
        opened: bool,
    },
    End,
}

/// A part and its input.
pub(crate) struct Of<B> {
    pub(crate) input: usize,
    /// The number of bytes read from the disk for it.
    pub(crate) bytes: usize,
    pub(crate) part: Part<B>,
}

/// A block to parse.
pub(crate) struct RawBlock {
    pub(crate) block: Block,
    pub(crate) file: Option<Arc<StoredFile>>,
    /// Reused memory for its digests.
    digests: Option<Digests>,
}

pub(crate) struct ParsedBlock {
    pub(crate) block: Block,
    pub(crate) records: Vec<ParsedRecord>,
    /// The digests of its accepted records.
    pub(crate) digests: Option<Digests>,
    pub(crate) lines: u64,
}

/// A record, or the reason to reject it.
pub(crate) struct ParsedRecord {
    /// The line in the block.
    pub(crate) line: Option<u64>,
    pub(crate) offset: u64,
    pub(crate) len: usize,
    pub(crate) outcome: Result<Taken, Unfit>,
}

/// Why a record is rejected.
pub(crate) struct Unfit {
    pub(crate) reason: String,
    /// Whether it is too long. Then only its beginning is shown.
    pub(crate) is_too_long: bool,
}

impl From<String> for Unfit {
    fn from(reason: String) -> Self {
        let is_too_long = false;
        Self {
            reason,
            is_too_long,
        }
    }
}

/// A document, its id if the record has one, and the values of the keep policy.
pub(crate) struct Taken {
    /// `None` if documents are not held.
    pub(crate) document: Option<TextDocument>,
    /// A hash of the record.
    pub(crate) record: u64,
    /// The length of the record in bytes.
    pub(crate) len: u64,
    /// The approximate memory that it takes.
    pub(crate) takes: u64,
    /// The length of the text in bytes.
    pub(crate) byte_len: usize,
    pub(crate) group: Option<Group>,
    /// The fields of the text that the record has, as bits; none if the file is the record.
    pub(crate) text_fields: u64,
    pub(crate) id: Option<String>,
    pub(crate) keep: KeepValues<'static>,
    /// What [`Parser::look`] made of the text.
    pub(crate) seen: Option<Seen>,
}

/// What a caller has made of the text of a document.
pub(crate) type Seen = Box<dyn Any + Send>;

/// Makes something of the text of a document, if there is something to make.
pub(crate) type Look<'r> = &'r (dyn Fn(Content<'_>) -> Option<Seen> + Sync);

/// Memory for the bytes of a block, and for its digests.
pub(crate) type Spare = (Vec<u8>, Option<Digests>);

/// The memory of a round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoundWeight {
    /// The most bytes that it may take.
    pub(crate) bytes: usize,
    /// The memory that a record takes in addition to its bytes.
    pub(crate) record: usize,
}

/// Reads the inputs block after block.
pub(crate) struct Producer<'r> {
    inputs: &'r [Input],
    fields: &'r Fields,
    limit: ReadLimit,
    size: BlockSize,
    number: usize,
    open: Option<(Blocks, Option<Arc<StoredFile>>)>,
    bytes: Count,
    /// The most bytes that are read in a round.
    round: usize,
    /// The most memory of a round, including the data computed from it.
    weight: usize,
    /// Memory of finished blocks, for reuse.
    spare: Vec<Spare>,
}

/// Bytes of a round per thread: several blocks, so that the threads end at about the same time.
const ROUND: usize = 4 << 20;
/// The most parts of a round, reached if files are small.
const PARTS: usize = 4096;

impl<'r> Producer<'r> {
    pub(crate) fn new(inputs: &'r [Input], options: &'r ReadOptions, limit: ReadLimit) -> Self {
        Self {
            inputs,
            fields: &options.fields,
            limit,
            size: BlockSize::default(),
            number: 0,
            open: None,
            bytes: Count::default(),
            round: ROUND * rayon::current_num_threads(),
            weight: usize::MAX,
            spare: Vec::new(),
        }
    }

    /// Limits the memory of a round, whatever the number of threads.
    pub(crate) fn rounds_of(self, weight: RoundWeight) -> Self {
        /// Blocks of a round per thread.
        const EACH: usize = 4;
        let blocks = EACH * rayon::current_num_threads();
        Self {
            weight: weight.bytes,
            size: BlockSize {
                bytes: (weight.bytes / blocks).clamp(1, self.size.bytes),
                record: weight.record,
            },
            ..self
        }
    }

    /// Takes back memory for reuse, except the large memory of long records.
    pub(crate) fn take_back(&mut self, spare: Spare) {
        if spare.0.len() <= 2 * self.size.bytes {
            self.spare.push(spare);
        }
    }

    /// Reads the parts of the next round; empty at the end.
    pub(crate) fn round(&mut self) -> Vec<Of<RawBlock>> {
        let mut parts = Vec::new();
        let (mut bytes, mut weight) = (0, 0);
        while bytes < self.round
            && weight < self.weight
            && parts.len() < PARTS
            && self.number < self.inputs.len()
        {
            let input = self.number;
            let part = self.next();
            if let Part::Block(raw) = &part {
                bytes += raw.block.len();
                weight += raw.block.weight();
            } else {
                self.open = None;
                self.number += 1;
            }
            parts.push(Of {
                input,
                bytes: self.bytes.swap(0, Ordering::Relaxed),
                part,
            });
        }
        parts
    }

    fn next(&mut self) -> Part<RawBlock> {
        let input = &self.inputs[self.number];
        let (blocks, file) = match &mut self.open {
            Some(open) => open,
            none => match Blocks::open(input, self.fields, self.limit, self.size, &self.bytes) {
                Ok(blocks) => none.insert((blocks, StoredFile::of(input, self.fields))),
                Err(error) => {
                    let opened = false;
                    return Part::Failed { error, opened };
                }
            },
        };
        let (mut memory, digests) = self.spare.pop().unwrap_or_default();
        let other = match blocks.next(&mut memory) {
            Ok(Some(block)) => {
                return Part::Block(RawBlock {
                    block,
                    file: file.clone(),
                    digests,
                });
            }
            Ok(None) => Part::End,
            Err(error) => {
                let opened = true;
                Part::Failed { error, opened }
            }
        };
        self.spare.push((memory, digests));
        other
    }
}

/// Parses records, and computes their digests or counts their passages if there is a digester or a counter.
#[derive(Clone, Copy)]
pub(crate) struct Parser<'r> {
    pub(crate) options: &'r ReadOptions,
    pub(crate) digester: Option<&'r Digester>,
    /// Counts the passages of documents that have a group.
    pub(crate) counter: Option<&'r Counter>,
    /// What a caller makes of the text of each document.
    pub(crate) look: Option<Look<'r>>,
    /// Whether to hold documents, so that they can be read again separately.
    pub(crate) hold: bool,
    pub(crate) limit: RecordLimit,
}

impl Parser<'_> {
    pub(crate) fn parse(self, of: Of<RawBlock>, space: &mut Workspace) -> Of<ParsedBlock> {
        let Of { input, bytes, part } = of;
        let part = match part {
            Part::Block(raw) => Part::Block(self.parse_block(raw, space)),
            Part::Failed { error, opened } => Part::Failed { error, opened },
            Part::End => Part::End,
        };
        Of { input, bytes, part }
    }

    fn parse_block(self, raw: RawBlock, space: &mut Workspace) -> ParsedBlock {
        let RawBlock {
            block,
            file,
            digests,
        } = raw;
        let mut records = Vec::new();
        let empty = || self.digester.map(Digester::empty);
        let mut digests = digests.or_else(empty);
        let Ok(lines) = block.for_each(|record| {
            records.push(ParsedRecord {
                line: record.line,
                offset: record.offset,
                len: record.bytes.len(),
                outcome: self.take(&record, file.as_ref(), space, digests.as_mut()),
            });
            Ok::<(), Infallible>(())
        });
        space.release_large();
        ParsedBlock {
            block,
            records,
            digests,
            lines,
        }
    }

    /// Parses a record as a document, or returns the reason to reject it.
    pub(crate) fn take(
        self,
        record: &RawRecord<'_>,
        file: Option<&Arc<StoredFile>>,
        space: &mut Workspace,
        digests: Option<&mut Digests>,
    ) -> Result<Taken, Unfit> {
        let too_long = |reason| Unfit {
            reason,
            is_too_long: true,
        };
        self.limit.check_line(record.len).map_err(too_long)?;
        let options = self.options;
        let text;
        let picked = record.pick(&options.fields)?;
        let (group, text_fields) =
            (picked.as_ref()).map_or((None, 0), |picked| (picked.group, picked.text_fields));
        let (content, id, keep) = if let Some(picked) = picked {
            text = picked.text;
            (Content::Text(&text), picked.id, picked.keep)
        } else {
            let content = match utf8(record.bytes) {
                Ok(text) => Content::Text(text),
                Err(_) if options.bytes => Content::Bytes(record.bytes),
                Err(reason) => return Err(reason.into()),
            };
            // A text file has no fields.
            let policy = options.fields.keep();
            let keep = policy.values(content, FieldValue::Nothing, None);
            (content, None, keep)
        };
        let fits = self.limit.check(record.len, content.len());
        fits.map_err(too_long)?;
        if let (Some(counter), Some(group)) = (self.counter, group) {
            counter.add(group, content, &mut space.space);
        }
        if let (Some(digester), Some(digests)) = (self.digester, digests) {
            let digested = digester.push(content, group, space, digests);
            digested.map_err(|error| error.to_string())?;
        }
        let hash = xxh3_64(record.bytes);
        let document = || TextDocument::new(content, group, record, hash, file);
        Ok(Taken {
            document: self.hold.then(document),
            record: hash,
            len: record.len,
            takes: self.limit.takes(record.len, content.len() as u64),
            byte_len: content.len(),
            group,
            text_fields,
            id,
            keep,
            seen: self.look.and_then(|look| look(content)),
        })
    }
}
