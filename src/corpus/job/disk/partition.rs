//! Writes bytes in partitions to one file, and reads them again.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::corpus::error::Error;
use crate::corpus::job::disk::folder::{Bytes, Folder, Whole, Writing};

/// Distributes bytes to parts. Each part has a buffer; full buffers are appended to the file.
pub(crate) struct Partitioner<'f> {
    file: Writing<'f>,
    block: usize,
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
    buffer: Vec<u8>,
    /// The positions of its blocks.
    blocks: Vec<u64>,
    /// The number of its bytes, set when all are written.
    bytes: u64,
}

impl<'f> Partitioner<'f> {
    /// Creates a file of `parts` parts. All buffers together take `memory` bytes.
    pub(crate) fn create(
        folder: &'f Folder,
        name: &str,
        parts: usize,
        memory: usize,
    ) -> Result<Self, Error> {
        let block = (memory / parts.max(1)).clamp(1 << 12, 1 << 18);
        Ok(Self {
            // Blocks are large, so they need no further buffer.
            file: folder.create(name, 0)?,
            block,
            parts: (0..parts).map(|_| Part::default()).collect(),
        })
    }

    #[inline]
    pub(crate) fn write(&mut self, part: usize, bytes: &[u8]) -> Result<(), Error> {
        let buffer = &mut self.parts[part].buffer;
        let after = buffer.len() + bytes.len();
        if after < self.block && after <= buffer.capacity() {
            buffer.extend_from_slice(bytes);
            return Ok(());
        }
        self.write_split(part, bytes)
    }

    /// Writes to a buffer that is not allocated yet, or that these bytes fill.
    #[cold]
    fn write_split(&mut self, part: usize, mut bytes: &[u8]) -> Result<(), Error> {
        let part = &mut self.parts[part];
        while part.buffer.len() + bytes.len() >= self.block {
            let (now, rest) = bytes.split_at(self.block - part.buffer.len());
            part.buffer.extend_from_slice(now);
            part.blocks.push(self.file.bytes());
            self.file.write(&part.buffer)?;
            part.buffer.clear();
            bytes = rest;
        }
        if part.buffer.capacity() < self.block {
            part.buffer.reserve_exact(self.block);
        }
        part.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The number of parts.
    pub(crate) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Writes the rest of all parts, and the positions of all blocks.
    pub(crate) fn finish(mut self) -> Result<Whole, Error> {
        for part in &mut self.parts {
            part.bytes = (part.blocks.len() * self.block + part.buffer.len()) as u64;
            part.blocks.push(self.file.bytes());
            self.file.write(&part.buffer)?;
            part.buffer = Vec::new();
        }
        let index = self.file.bytes();
        let numbers = [self.parts.len() as u64, self.block as u64];
        let of_part = |part: &Part| [part.bytes].into_iter().chain(part.blocks.clone());
        let of_parts = self.parts.iter().flat_map(of_part);
        for number in numbers.into_iter().chain(of_parts).chain([index]) {
            self.file.write(&number.to_le_bytes())?;
        }
        self.file.finish()
    }
}

/// The part of a hash, by its first bits.
pub(crate) fn part_of(hash: u64, parts: usize) -> usize {
    ((u128::from(hash) * parts as u128) >> 64) as usize
}

/// A file of partitions.
pub(crate) struct Partitions {
    path: PathBuf,
    block: usize,
    parts: Vec<(u64, Vec<u64>)>,
}

impl Partitions {
    pub(crate) fn open(folder: &Folder, name: &str) -> Result<Self, Error> {
        let path = folder.file(name);
        let read = || -> io::Result<Self> {
            let mut file = File::open(&path)?;
            let end = file.seek(SeekFrom::End(-8))?;
            let index = number(&mut file)?;
            let len = end.checked_sub(index).ok_or(io::ErrorKind::InvalidData)?;
            file.seek(SeekFrom::Start(index))?;
            let mut index = io::BufReader::new(file.take(len));
            let parts = number(&mut index)?;
            let block = number(&mut index)?;
            let parts = (0..parts).map(|_| {
                let bytes = number(&mut index)?;
                let blocks = (0..=bytes / block).map(|_| number(&mut index));
                Ok((bytes, blocks.collect::<io::Result<_>>()?))
            });
            let parts = parts.collect::<io::Result<_>>()?;
            Ok(Self {
                path: path.clone(),
                block: block as usize,
                parts,
            })
        };
        read().map_err(|error| Error::io("read", &path, error))
    }

    /// The number of parts.
    pub(crate) fn len(&self) -> usize {
        self.parts.len()
    }

    /// The number of bytes in a part.
    pub(crate) fn bytes(&self, part: usize) -> u64 {
        self.parts[part].0
    }

    /// An error that names this file.
    pub(crate) fn failed(&self, error: io::Error) -> Error {
        Error::io("read", &self.path, error)
    }

    /// Reads a part from its beginning.
    pub(crate) fn read(&self, part: usize) -> Result<PartReader<'_>, Error> {
        let file = File::open(&self.path).map_err(|error| self.failed(error))?;
        Ok(PartReader {
            partitions: self,
            file,
            part,
            at: 0,
            buffer: Vec::new(),
            used: 0,
            split: Vec::new(),
        })
    }
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// Reads a part, block after block.
pub(crate) struct PartReader<'d> {
    partitions: &'d Partitions,
    file: File,
    part: usize,
    /// The number of blocks read so far.
    at: usize,
    buffer: Vec<u8>,
    /// The number of bytes taken from the buffer.
    used: usize,
    /// Memory for bytes that span two blocks.
    split: Vec<u8>,
}

impl PartReader<'_> {
    /// The next `len` bytes. They are copied only if they span several blocks.
    #[inline]
    pub(crate) fn slice(&mut self, len: usize) -> Result<&[u8], Error> {
        let (from, to) = (self.used, self.used + len);
        if to <= self.buffer.len() {
            self.used = to;
            return Ok(&self.buffer[from..to]);
        }
        let mut split = std::mem::take(&mut self.split);
        split.resize(len, 0);
        let read = self.read(&mut split);
        self.split = split;
        read.map(|()| &*self.split)
    }

    /// Appends the next `most` bytes to `to`, or all that are left.
    pub(crate) fn append(&mut self, to: &mut Vec<u8>, mut most: usize) -> Result<(), Error> {
        while most > 0 {
            let partitions = self.partitions;
            let rest = self.rest().map_err(|error| partitions.failed(error))?;
            let now = rest.len().min(most);
            if now == 0 {
                break;
            }
            to.extend_from_slice(&rest[..now]);
            self.used += now;
            most -= now;
        }
        Ok(())
    }

    /// Fills `bytes` from several blocks; false at the end.
    #[cold]
    fn fill_split(&mut self, bytes: &mut [u8]) -> Result<bool, Error> {
        let mut filled = 0;
        while filled < bytes.len() {
            let partitions = self.partitions;
            let rest = self.rest().map_err(|error| partitions.failed(error))?;
            let now = rest.len().min(bytes.len() - filled);
            if now == 0 {
                if filled == 0 {
                    return Ok(false);
                }
                return Err(self.failed(io::ErrorKind::UnexpectedEof.into()));
            }
            bytes[filled..filled + now].copy_from_slice(&rest[..now]);
            filled += now;
            self.used += now;
        }
        Ok(true)
    }

    /// The rest of the current block, or the next block; empty at the end.
    fn rest(&mut self) -> io::Result<&[u8]> {
        let (bytes, blocks) = &self.partitions.parts[self.part];
        if self.used == self.buffer.len() && self.at < blocks.len() {
            let block = self.partitions.block as u64;
            let len = (bytes - self.at as u64 * block).min(block);
            self.buffer.resize(len as usize, 0);
            self.file.seek(SeekFrom::Start(blocks[self.at]))?;
            self.file.read_exact(&mut self.buffer)?;
            self.at += 1;
            self.used = 0;
        }
        Ok(&self.buffer[self.used..])
    }
}

impl Bytes for PartReader<'_> {
    #[inline]
    fn fill(&mut self, bytes: &mut [u8]) -> Result<bool, Error> {
        let to = self.used + bytes.len();
        let Some(there) = self.buffer.get(self.used..to) else {
            return self.fill_split(bytes);
        };
        bytes.copy_from_slice(there);
        self.used = to;
        Ok(true)
    }

    fn failed(&self, error: io::Error) -> Error {
        self.partitions.failed(error)
    }
}
