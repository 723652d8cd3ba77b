//! Reads files of JSON lines, CSV rows, WET records or one text in blocks of complete records.

use std::io::{self, Read};
use std::mem::take;
use std::sync::Arc;

use memchr::{memchr, memchr_iter};

use crate::corpus::formats::compression::Compression;
use crate::corpus::formats::counted::Count;
use crate::corpus::formats::delimited::{Columns, MARK, RowEnds, is_blank_row};
use crate::corpus::formats::fields::Fields;
use crate::corpus::formats::format::InputFormat;
use crate::corpus::formats::record::{BlockSize, Form, RawRecord};
use crate::corpus::formats::wet;
use crate::corpus::inputs::input::Input;
use crate::corpus::limit::{BEGINNING, ReadLimit};
use crate::corpus::unusable::Unusable;

/// Complete records of one input.
pub(crate) struct ByteBlock {
    /// The bytes of the block, followed by unused memory.
    memory: Vec<u8>,
    len: usize,
    weight: usize,
    /// The offset of the block in the decompressed file.
    offset: u64,
    records: Records,
    /// Set if the block is the beginning of one record that is too long.
    cut: Option<Cut>,
}

/// The records of a block.
enum Records {
    /// The block is one record.
    Whole,
    /// Each line is a record.
    Lines,
    /// WET records with these ends.
    Wet(Vec<usize>),
    /// Rows with these ends. The first one that is not blank may be the header.
    Rows {
        ends: Vec<usize>,
        columns: Arc<Columns>,
        has_header: bool,
    },
}

/// A record that was skipped.
#[derive(Clone, Copy)]
struct Cut {
    bytes: u64,
    /// The number of its lines.
    lines: u64,
    /// Whether it is a document, as far as is known.
    is_document: bool,
}

impl ByteBlock {
    /// The number of bytes in the block.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The memory of the block, and of the data computed from it.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// A part of the block as text, at an offset in the decompressed file. Bytes that are not UTF-8 are replaced.
    pub(crate) fn text_at(&self, offset: u64, len: usize) -> String {
        let from = (offset - self.offset) as usize;
        String::from_utf8_lossy(&self.memory[from..from + len]).into()
    }

    /// The memory of the block, for reuse.
    pub(crate) fn into_memory(self) -> Vec<u8> {
        self.memory
    }

    /// Calls `each` with the records, with lines counted from 1 in this block. Returns the number of lines. Blank lines
    /// are not records, and a byte-order mark belongs to none.
    pub(crate) fn for_each<'b, E>(
        &'b self,
        mut each: impl FnMut(RawRecord<'b>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let block = &self.memory[..self.len];
        match &self.records {
            Records::Whole => {
                each(self.record(None, 0, block, Form::Text))?;
                Ok(0)
            }
            Records::Lines => {
                let (mut at, mut line) = (0, 0);
                while at < block.len() {
                    line += 1;
                    let rest = &block[at..];
                    let end = memchr(b'\n', rest).unwrap_or(rest.len());
                    let from = at + self.mark(at);
                    let bytes = &block[from..at + end];
                    if self.cut.is_some() || !is_blank(bytes) {
                        each(self.record(Some(line), from, bytes, Form::Json))?;
                    }
                    at += end + 1;
                }
                Ok(line)
            }
            Records::Wet(ends) => {
                let mut at = 0;
                for (&end, number) in ends.iter().zip(1..) {
                    let bytes = wet::without_ends(&self.memory[at..end]);
                    let before = (end - at - bytes.len()) as u64;
                    let is_document = match self.cut {
                        Some(cut) => cut.is_document,
                        None => wet::is_document(bytes),
                    };
                    if is_document {
                        let mut record = self.record(Some(number), at, bytes, Form::Wet);
                        record.offset = self.offset + at as u64 + before;
                        record.len = self
                            .cut
                            .map_or(bytes.len() as u64, |cut| cut.bytes - before);
                        each(record)?;
                    }
                    at = end;
                }
                Ok(ends.len() as u64)
            }
            Records::Rows {
                ends,
                columns,
                has_header,
            } => self.for_each_row(ends, columns, *has_header, each),
        }
    }

    /// Like [`for_each`](Self::for_each), for rows. The line of a row is its first line.
    fn for_each_row<'b, E>(
        &'b self,
        ends: &[usize],
        columns: &'b Columns,
        has_header: bool,
        mut each: impl FnMut(RawRecord<'b>) -> Result<(), E>,
    ) -> Result<u64, E> {
        let (mut at, mut lines) = (0, 0);
        let mut is_header = has_header;
        for &end in ends {
            let row = &self.memory[at..end];
            let (from, bytes) = self.row(at, end);
            let is_row = self.cut.is_some() || !is_blank_row(bytes);
            if is_row && !take(&mut is_header) {
                let form = Form::Cells(columns);
                each(self.record(Some(lines + 1), from, bytes, form))?;
            }
            lines += line_feeds(row) + u64::from(!row.ends_with(b"\n"));
            at = end;
        }
        Ok(self.cut.map_or(lines, |cut| cut.lines))
    }

    /// Whether one of the rows with these ends is not blank.
    fn has_row(&self, ends: &[usize]) -> bool {
        let starts = std::iter::once(&0).chain(ends);
        starts
            .zip(ends)
            .any(|(&start, &end)| !is_blank_row(self.row(start, end).1))
    }

    /// The start of the row in `start..end` after a byte-order mark, and its bytes without the line feed.
    fn row(&self, start: usize, end: usize) -> (usize, &[u8]) {
        let from = start + self.mark(start);
        let bytes = &self.memory[from..end];
        (from, bytes.strip_suffix(b"\n").unwrap_or(bytes))
    }

    fn record<'b>(
        &'b self,
        line: Option<u64>,
        from: usize,
        bytes: &'b [u8],
        form: Form<'b>,
    ) -> RawRecord<'b> {
        let mark = self.mark(0).min(from) as u64;
        RawRecord {
            line,
            offset: self.offset + from as u64,
            bytes,
            len: self.cut.map_or(bytes.len() as u64, |cut| cut.bytes - mark),
            form,
        }
    }

    /// The length of the byte-order mark at a position, 0 if there is none.
    fn mark(&self, at: usize) -> usize {
        let is_start = self.offset == 0 && at == 0;
        match is_start && self.memory[..self.len].starts_with(MARK) {
            true => MARK.len(),
            false => 0,
        }
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

fn line_feeds(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

/// How records are separated.
enum Framing {
    /// The file is one record.
    Whole,
    Lines,
    Wet(wet::RecordEnds),
    Rows {
        ends: Box<RowEnds>,
        columns: Arc<Columns>,
        /// Whether the header has not been read yet.
        header_due: bool,
    },
}

impl Framing {
    fn of(input: &Input, fields: &Fields) -> io::Result<Self> {
        Ok(match input.format.of {
            InputFormat::Csv | InputFormat::Tsv => {
                let header = match &input.header {
                    Some(header) => Arc::clone(header),
                    None => Arc::new(input.read_header()?),
                };
                let columns = Columns::find(&header, fields).map_err(Unusable::error)?;
                Self::Rows {
                    ends: Box::new(RowEnds::new(header.delimiter)),
                    columns: Arc::new(columns),
                    header_due: true,
                }
            }
            InputFormat::Wet => Self::Wet(wet::RecordEnds::default()),
            InputFormat::Text => Self::Whole,
            InputFormat::JsonLines | InputFormat::Parquet => Self::Lines,
        })
    }

    /// The end of the record that `bytes` continue; `None` if they do not contain it.
    fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, String> {
        Ok(match self {
            Self::Whole => None,
            Self::Lines => memchr(b'\n', bytes).map(|end| end + 1),
            Self::Wet(ends) => ends.next(bytes)?,
            Self::Rows { ends, .. } => ends.next(bytes),
        })
    }

    /// Whether ends can only be found in order, and not by searching backwards.
    fn is_sequential(&self) -> bool {
        matches!(self, Self::Wet(_) | Self::Rows { .. })
    }
}

/// The least number of bytes that are read together.
const LEAST: usize = 1 << 12;

/// Reads an input in blocks.
pub(crate) struct ByteBlocks {
    reader: Box<dyn Read + Send>,
    /// The number of bytes to read together.
    step: usize,
    /// The beginning of a record that is not read completely.
    rest: Vec<u8>,
    /// The number of bytes in `rest` that were searched for ends of records.
    seen: usize,
    /// The offset of `rest` in the decompressed file.
    offset: u64,
    framing: Framing,
    limit: ReadLimit,
    size: BlockSize,
    /// The end of the input or an error, if it was reached.
    end: Option<io::Result<()>>,
}

impl ByteBlocks {
    /// Opens an input, and counts the bytes read from the disk. Records that are longer than the limit are cut.
    pub(crate) fn open(
        input: &Input,
        fields: &Fields,
        limit: ReadLimit,
        size: BlockSize,
        bytes: &Count,
    ) -> io::Result<Self> {
        Ok(Self {
            framing: Framing::of(input, fields)?,
            reader: input.open(limit.window, bytes)?,
            step: match input.format.compression {
                // One more, to detect the end. Some systems report a wrong size for some files.
                Compression::None => {
                    (input.size as usize + 1).clamp(LEAST.min(size.bytes), size.bytes)
                }
                Compression::Gzip | Compression::Zstd => size.bytes,
            },
            rest: Vec::new(),
            seen: 0,
            offset: 0,
            limit,
            size,
            end: None,
        })
    }

    /// Reads the next complete records; `None` at the end. The block takes `memory`, which may be reused. Records
    /// before an error are returned first.
    pub(crate) fn next(&mut self, memory: &mut Vec<u8>) -> io::Result<Option<ByteBlock>> {
        let mut len = self.rest.len();
        if memory.len() < len {
            memory.resize(len, 0);
        }
        memory[..len].copy_from_slice(&self.rest);
        self.rest.clear();
        let mut ends = Vec::new();
        let mut searched = take(&mut self.seen);
        loop {
            let whole = self.whole(&memory[..len], searched, &mut ends);
            if let Some(whole) = whole {
                self.rest.extend_from_slice(&memory[whole..len]);
                if self.framing.is_sequential() {
                    self.seen = self.rest.len();
                }
                return Ok(Some(self.block(take(memory), whole, ends)));
            }
            // A byte-order mark is not part of the record.
            if len.saturating_sub(MARK.len() + wet::END.len()) as u64 > self.limit.record {
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
        // An empty text file is a document; the end of a file of lines is not.
        if len > 0 || matches!(self.framing, Framing::Whole) && self.offset == 0 {
            let block = self.block(take(memory), len, vec![len]);
            self.offset = self.offset.max(1);
            return Ok(Some(block));
        }
        Ok(None)
    }

    /// The end of the last complete record, if there is one. The bytes before `searched` were searched already.
    fn whole(&mut self, memory: &[u8], searched: usize, ends: &mut Vec<usize>) -> Option<usize> {
        if matches!(self.framing, Framing::Lines) {
            let last = memory[searched..].iter().rposition(|&byte| byte == b'\n')?;
            return Some(searched + last + 1);
        }
        let mut at = searched;
        while let Some(end) = self.next_end(&memory[at..]) {
            at += end;
            ends.push(at);
        }
        ends.last().copied()
    }

    /// The end of the record that `bytes` continue; `None` if they do not contain it. If the end cannot be determined,
    /// the input ends with that error.
    fn next_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let end = self.framing.end(bytes);
        end.unwrap_or_else(|reason| {
            self.end = Some(Err(Unusable::error(reason)));
            None
        })
    }

    /// Skips a record of which `len` bytes were read, and returns its beginning as a block.
    fn cut(&mut self, mut memory: Vec<u8>, len: usize) -> io::Result<ByteBlock> {
        let beginning = memory[..len.min(MARK.len() + BEGINNING)].to_vec();
        let mut is_blank_so_far = is_blank(&memory[..len]);
        let mut lines = line_feeds(&memory[..len]);
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
            if let Some(end) = self.next_end(part) {
                // The rest may contain complete records.
                self.rest.extend_from_slice(&part[end..]);
                part = &part[..end - 1];
                line_feed = 1;
            }
            is_blank_so_far &= is_blank(part);
            lines += line_feeds(part);
            skipped += part.len() as u64;
        }
        // Records before an error are returned first, except the one with the error.
        if line_feed == 0
            && let Some(ended) = self.end.replace(Ok(()))
        {
            ended?;
        }
        let is_blank_line = matches!(self.framing, Framing::Lines) && is_blank_so_far;
        let (memory, cut) = if is_blank_line {
            (vec![b'\n'], None) // not a record, but counts as a line
        } else {
            let is_wet = matches!(self.framing, Framing::Wet(_));
            let cut = Cut {
                // A line feed is not part of a line.
                bytes: skipped + if is_wet { line_feed } else { 0 },
                lines: lines + 1,
                is_document: match &self.framing {
                    Framing::Wet(ends) => ends.is_in_document(),
                    _ => true,
                },
            };
            (beginning, Some(cut))
        };
        let len = memory.len();
        let block = ByteBlock {
            cut,
            ..self.block(memory, len, vec![len])
        };
        self.offset = block.offset + skipped + line_feed;
        Ok(block)
    }

    /// Reads `step` more bytes, or to the end.
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

    fn block(&mut self, memory: Vec<u8>, len: usize, ends: Vec<usize>) -> ByteBlock {
        let offset = self.offset;
        self.offset += len as u64;
        let records = match self.size.record {
            0 => 0,
            _ => match &self.framing {
                Framing::Whole => 1,
                Framing::Lines => memchr_iter(b'\n', &memory[..len]).count() + 1,
                Framing::Wet(_) | Framing::Rows { .. } => ends.len(),
            },
        };
        let weight = memory.len() + records * self.size.record;
        // Adjusts the step so that the next block takes about as much memory as a block may.
        let step = self.size.bytes as f64 * len as f64 / weight as f64;
        self.step = self.step.min((step as usize).max(LEAST));
        let mut block = ByteBlock {
            memory,
            len,
            weight,
            offset,
            records: Records::Lines,
            cut: None,
        };
        match &mut self.framing {
            Framing::Whole => block.records = Records::Whole,
            Framing::Lines => {}
            Framing::Wet(_) => block.records = Records::Wet(ends),
            Framing::Rows {
                columns,
                header_due,
                ..
            } => {
                let has_header = *header_due && block.has_row(&ends);
                *header_due &= !has_header;
                block.records = Records::Rows {
                    ends,
                    columns: Arc::clone(columns),
                    has_header,
                };
            }
        }
        block
    }
}
