//! Files of bytes, in blocks of whole records: JSON lines, or one text.

use std::io::{self, Read};
use std::mem::take;

use memchr::{memchr, memchr_iter};

use super::input::{Compression, Count, Format, Input};
use super::limit::{BEGINNING, ReadLimit};
use super::records::{BlockSize, RawRecord};

/// Whole records of one input.
pub(super) struct ByteBlock {
    /// Its bytes, and others behind them.
    memory: Vec<u8>,
    len: usize,
    weight: usize,
    /// Where it begins in the decompressed file.
    offset: u64,
    has_lines: bool,
    /// Bytes of the one record that the block is the beginning of, which is too long.
    cut: Option<u64>,
}

impl ByteBlock {
    /// Bytes of the block.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that it takes in memory, with what is made of it.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// A part of it as text, by the place in the decompressed file; bytes that are no UTF-8 are replaced.
    pub(super) fn told(&self, offset: u64, len: usize) -> String {
        let from = (offset - self.offset) as usize;
        String::from_utf8_lossy(&self.memory[from..from + len]).into()
    }

    /// Its memory, for another block.
    pub(super) fn into_memory(self) -> Vec<u8> {
        self.memory
    }

    /// Calls `each` with the records, their lines counted from 1 in this block, and tells how many lines there
    /// are. Blank lines are no records, and a byte-order mark belongs to none.
    pub(super) fn for_each<'b, E>(
        &'b self,
        mut each: impl FnMut(RawRecord<'b>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let offset = self.offset;
        let block = &self.memory[..self.len];
        if !self.has_lines {
            let bytes = block;
            let line = None;
            each(RawRecord {
                line,
                offset,
                bytes,
                len: self.cut.unwrap_or(bytes.len() as u64),
                row: None,
            })?;
            return Ok(0);
        }
        let (mut at, mut line) = (0, 0);
        while at < block.len() {
            line += 1;
            let rest = &block[at..];
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let mark = match offset == 0 && at == 0 && rest.starts_with(MARK) {
                true => MARK.len(),
                false => 0,
            };
            let bytes = &rest[mark..end];
            if self.cut.is_some() || !is_blank(bytes) {
                each(RawRecord {
                    line: Some(line),
                    offset: offset + (at + mark) as u64,
                    bytes,
                    len: self.cut.map_or(bytes.len(), |len| len as usize - mark) as u64,
                    row: None,
                })?;
            }
            at += end + 1;
        }
        Ok(line)
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// The byte-order mark of UTF-8: it may open a file.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Bytes that are read at a time, at least.
const LEAST: usize = 1 << 12;

/// An input read in blocks.
pub(super) struct ByteBlocks {
    reader: Box<dyn Read + Send>,
    /// Bytes that are read at a time.
    step: usize,
    /// The beginning of a record that has not been read to its end.
    rest: Vec<u8>,
    /// Where it begins in the decompressed file.
    offset: u64,
    has_lines: bool,
    limit: ReadLimit,
    size: BlockSize,
    /// What came after the last bytes.
    end: Option<io::Result<()>>,
}

impl ByteBlocks {
    /// Opens an input; its bytes on the disk are counted. Records that are longer than the limit are cut.
    pub(super) fn open(
        input: &Input,
        limit: ReadLimit,
        size: BlockSize,
        bytes: &Count,
    ) -> io::Result<Self> {
        Ok(Self {
            reader: input.open(limit.window, bytes)?,
            step: match input.format {
                Format::Text | Format::JsonLines(Compression::None) => {
                    // One more, to see the end. Not all systems tell the size of all files.
                    (input.size as usize + 1).clamp(LEAST.min(size.bytes), size.bytes)
                }
                Format::JsonLines(_) | Format::Parquet => size.bytes,
            },
            rest: Vec::new(),
            offset: 0,
            has_lines: input.format != Format::Text,
            limit,
            size,
            end: None,
        })
    }

    /// The next whole records, in `memory`, which goes with them and may have been used before; none at the end.
    /// What is read before an error is handed out first.
    pub(super) fn next(&mut self, memory: &mut Vec<u8>) -> io::Result<Option<ByteBlock>> {
        let mut len = self.rest.len();
        if memory.len() < len {
            memory.resize(len, 0);
        }
        memory[..len].copy_from_slice(&self.rest);
        self.rest.clear();
        let mut searched = 0;
        loop {
            // What follows a record that was cut may hold whole lines already.
            let whole = match self.has_lines {
                true => memory[searched..len]
                    .iter()
                    .rposition(|&byte| byte == b'\n'),
                false => None,
            };
            if let Some(last) = whole {
                let whole = searched + last + 1;
                self.rest.extend_from_slice(&memory[whole..len]);
                return Ok(Some(self.block(take(memory), whole)));
            }
            // A byte-order mark is no part of the record.
            if len.saturating_sub(MARK.len()) as u64 > self.limit.record {
                return self.cut(take(memory), len).map(Some);
            }
            if self.end.is_some() {
                break;
            }
            searched = len;
            self.fill(memory, &mut len);
        }
        if let Some(Err(error)) = self.end.replace(Ok(())) {
            return Err(error);
        }
        // A text file without a byte is a document; the end of lines is none.
        if len > 0 || !self.has_lines && self.offset == 0 {
            let block = self.block(take(memory), len);
            self.offset = self.offset.max(1);
            return Ok(Some(block));
        }
        Ok(None)
    }

    /// Skips a record of which `len` bytes have been read; the block is its beginning.
    fn cut(&mut self, mut memory: Vec<u8>, len: usize) -> io::Result<ByteBlock> {
        let beginning = memory[..len.min(MARK.len() + BEGINNING)].to_vec();
        let mut is_blank_so_far = is_blank(&memory[..len]);
        let (mut skipped, mut line_feed) = (len as u64, 0);
        memory.truncate(self.size.bytes);
        memory.shrink_to_fit();
        while self.end.is_none() && line_feed == 0 {
            if skipped >= self.limit.seek {
                self.end = Some(Ok(()));
                break;
            }
            let mut read = 0;
            self.fill(&mut memory, &mut read);
            let mut part = &memory[..read];
            if let Some(end) = memchr(b'\n', part).filter(|_| self.has_lines) {
                self.rest.extend_from_slice(&part[end + 1..]);
                part = &part[..end];
                line_feed = 1;
            }
            is_blank_so_far &= is_blank(part);
            skipped += part.len() as u64;
        }
        // What is read before an error is handed out first, but for the line that it is in.
        if line_feed == 0
            && let Some(ended) = self.end.replace(Ok(()))
        {
            ended?;
        }
        let offset = self.offset;
        self.offset += skipped + line_feed;
        let (memory, cut) = match self.has_lines && is_blank_so_far {
            true => (vec![b'\n'], None), // no record, but a line
            false => (beginning, Some(skipped)),
        };
        Ok(ByteBlock {
            len: memory.len(),
            weight: memory.len(),
            memory,
            offset,
            has_lines: self.has_lines,
            cut,
        })
    }

    /// Reads so many more bytes, or to the end.
    fn fill(&mut self, memory: &mut Vec<u8>, len: &mut usize) {
        let most = *len + self.step;
        if memory.len() < most {
            memory.resize(most, 0);
        }
        while *len < most {
            match self.reader.read(&mut memory[*len..most]) {
                Ok(0) => self.end = Some(Ok(())),
                Ok(read) => {
                    *len += read;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => self.end = Some(Err(error)),
            }
            return;
        }
        self.step = (2 * self.step).min(self.size.bytes);
    }

    fn block(&mut self, memory: Vec<u8>, len: usize) -> ByteBlock {
        let offset = self.offset;
        self.offset += len as u64;
        let records = match self.size.record {
            0 => 0,
            _ if self.has_lines => memchr_iter(b'\n', &memory[..len]).count() + 1,
            _ => 1,
        };
        let weight = memory.len() + records * self.size.record;
        // The next block is to weigh about what a block may.
        let step = self.size.bytes as f64 * len as f64 / weight as f64;
        self.step = self.step.min((step as usize).max(LEAST));
        ByteBlock {
            memory,
            len,
            weight,
            offset,
            has_lines: self.has_lines,
            cut: None,
        }
    }
}
