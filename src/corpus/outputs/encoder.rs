//! Writes compressed bytes to a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::mem::take;
use std::thread;

use crate::corpus::formats::compression::Compression;
use crate::corpus::formats::record::{Form, RawRecord};
use crate::corpus::formats::wet;

pub(crate) enum Encoder {
    Plain(BufWriter<File>),
    Gzip(GzipBlocks),
    /// Buffered before compression as well, since a frame is slow with a few bytes at a time.
    Zstd(BufWriter<zstd::Encoder<'static, BufWriter<File>>>),
}

impl Encoder {
    pub(crate) fn new(file: File, compression: Compression) -> io::Result<Self> {
        const BUFFER: usize = 1 << 16;
        let file = BufWriter::with_capacity(BUFFER, file);
        Ok(match compression {
            Compression::None => Self::Plain(file),
            Compression::Gzip => Self::Gzip(GzipBlocks::new(file)),
            Compression::Zstd => {
                let frame = zstd::Encoder::new(file, 0)?;
                Self::Zstd(BufWriter::with_capacity(BUFFER, frame))
            }
        })
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, line: &[u8]) -> io::Result<()> {
        self.write_all(line)?;
        self.write_all(b"\n")
    }

    /// Writes a record and its terminator.
    pub(crate) fn record(&mut self, record: &RawRecord<'_>) -> io::Result<()> {
        match (record.form, self) {
            // WARC readers expect a gzip member for each record.
            (Form::Wet, Self::Gzip(blocks)) => blocks.write_member(&[record.bytes, wet::END]),
            (Form::Wet, encoder) => {
                encoder.write_all(record.bytes)?;
                encoder.write_all(wet::END)
            }
            (_, encoder) => encoder.line(record.bytes),
        }
    }

    /// Writes all buffered data and syncs the file.
    pub(crate) fn finish(self) -> io::Result<()> {
        let file = match self {
            Self::Plain(file) => file,
            Self::Gzip(blocks) => blocks.finish()?,
            Self::Zstd(frame) => frame.into_inner()?.finish()?,
        };
        file.into_inner()?.sync_all()
    }
}

impl Write for Encoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Gzip(blocks) => blocks.write(bytes),
            Self::Zstd(frame) => frame.write(bytes),
        }
    }

    /// Writes compressed bytes that are ready; does not end a member or frame.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Gzip(blocks) => blocks.file.flush(),
            Self::Zstd(frame) => frame.flush(),
        }
    }
}

/// Bytes that are compressed together.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    /// The ends of the members; empty if the block is one member.
    ends: Vec<usize>,
}

impl Block {
    fn members(&self) -> io::Result<Vec<u8>> {
        let mut members = Vec::with_capacity(self.bytes.len() / 2);
        let mut from = 0;
        let end = self.ends.is_empty().then_some(self.bytes.len());
        for &to in self.ends.iter().chain(&end) {
            let level = flate2::Compression::default();
            let mut encoder = flate2::write::GzEncoder::new(&mut members, level);
            encoder.write_all(&self.bytes[from..to])?;
            encoder.finish()?;
            from = to;
        }
        Ok(members)
    }
}

/// Writes a gzip member for each block of bytes, and compresses several blocks in parallel. The size of a block does
/// not depend on the number of threads, so the file is always the same.
pub(crate) struct GzipBlocks {
    file: BufWriter<File>,
    /// Full blocks, and one that is being filled.
    blocks: Vec<Block>,
    /// Whether a member was written. Even an empty file needs one.
    has_member: bool,
}

/// Bytes of a block. For text, members of this size take 1% more than a single member.
const BLOCK: usize = 1 << 19;
/// The most blocks in memory: 4 MiB, and the same compressed.
const TOGETHER: usize = 8;

impl GzipBlocks {
    fn new(file: BufWriter<File>) -> Self {
        Self {
            file,
            blocks: vec![Block::default()],
            has_member: false,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let block = &mut self.open_block()?.bytes;
        let taken = bytes.len().min(BLOCK - block.len());
        block.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Writes a member of exactly these bytes.
    fn write_member(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let block = self.open_block()?;
        for part in parts {
            block.bytes.extend_from_slice(part);
        }
        block.ends.push(block.bytes.len());
        Ok(())
    }

    /// The block to write to, which is not full.
    fn open_block(&mut self) -> io::Result<&mut Block> {
        if self
            .blocks
            .last()
            .is_none_or(|block| block.bytes.len() >= BLOCK)
        {
            if self.blocks.len() >= rayon::current_num_threads().min(TOGETHER) {
                self.compress()?;
            }
            self.blocks.push(Block::default());
        }
        let last = self.blocks.len() - 1;
        Ok(&mut self.blocks[last])
    }

    /// Compresses and writes all blocks. Does not use the pool: its threads may be waiting to write here.
    fn compress(&mut self) -> io::Result<()> {
        let blocks = take(&mut self.blocks);
        let Some((first, others)) = blocks.split_first() else {
            return Ok(());
        };
        let members: Vec<io::Result<Vec<u8>>> = thread::scope(|scope| {
            let others: Vec<_> = others
                .iter()
                .map(|block| scope.spawn(|| block.members()))
                .collect();
            let mut members = vec![first.members()];
            members.extend(others.into_iter().map(|other| {
                let joined = other.join();
                joined.unwrap_or_else(|_| Err(io::Error::other("a thread that compresses failed")))
            }));
            members
        });
        for member in members {
            self.file.write_all(&member?)?;
        }
        self.has_member = true;
        Ok(())
    }

    fn finish(mut self) -> io::Result<BufWriter<File>> {
        let is_empty = self.blocks.iter().all(|block| block.bytes.is_empty());
        if !is_empty || !self.has_member {
            self.compress()?;
        }
        Ok(self.file)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// The bytes of a file that is written in pieces, on this many threads.
    fn written(text: &[u8], piece: usize, threads: usize) -> Vec<u8> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let file = tempfile::NamedTempFile::new().unwrap();
            let mut encoder = Encoder::new(file.reopen().unwrap(), Compression::Gzip).unwrap();
            text.chunks(piece)
                .for_each(|piece| encoder.write_all(piece).unwrap());
            encoder.finish().unwrap();
            std::fs::read(file.path()).unwrap()
        })
    }

    #[test]
    fn gzip_blocks_are_the_same_whatever_the_threads_and_pieces() {
        for len in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            let text: Vec<u8> = (0..len).map(|i| b"some text "[(i / 3 + i) % 10]).collect();
            let one = written(&text, 1 << 16, 1);
            let mut read = Vec::new();
            let mut decoder = flate2::bufread::MultiGzDecoder::new(&*one);
            decoder.read_to_end(&mut read).unwrap();
            assert!(read == text, "{len}");
            for (piece, threads) in [(BLOCK, 3), (777, 2), (2 * BLOCK, 20)] {
                assert!(
                    written(&text, piece, threads) == one,
                    "{len} {piece} {threads}"
                );
            }
        }
    }
}
