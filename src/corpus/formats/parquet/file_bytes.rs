//! Reads a file at positions, with a limit on the size of pages.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::corpus::formats::read_at::read_at;
use crate::corpus::limit::memory_for;
use crate::corpus::unusable::Unusable;

/// A file that is read at positions, so that several readers can share it.
#[derive(Clone)]
pub(super) struct FileBytes {
    file: Arc<File>,
    pub(super) len: u64,
    /// The most bytes of a page, compressed or not.
    pub(super) largest_page: u64,
}

impl FileBytes {
    pub(super) fn of(file: File) -> io::Result<Self> {
        Ok(Self {
            len: file.metadata()?.len(),
            file: Arc::new(file),
            largest_page: u64::MAX,
        })
    }

    /// The same file with a limit on the size of pages. A larger page is an error when its header is read.
    pub(super) fn with_pages_up_to(&self, largest_page: u64) -> Self {
        Self {
            largest_page,
            ..self.clone()
        }
    }

    fn from(&self, start: u64) -> From {
        From {
            file: Arc::clone(&self.file),
            at: start,
            largest_page: self.largest_page,
        }
    }
}

/// Reads a file from a position on.
pub(super) struct From {
    file: Arc<File>,
    at: u64,
    /// The limit for the page whose header is at this position.
    largest_page: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, buffer, self.at)?;
        self.at += read as u64;
        // The first read returns the beginning of the header.
        let largest = std::mem::replace(&mut self.largest_page, u64::MAX);
        if largest < u64::MAX
            && let Some(bytes) = page_bytes(&buffer[..read])
            && bytes > largest
        {
            return Err(Unusable::error(format!(
                "the next page has {} MiB, but --memory allows pages of {} MiB: raise it to {}, or write the file with \
                 smaller pages",
                bytes.div_ceil(1 << 20),
                largest >> 20,
                memory_for(bytes)
            )));
        }
        Ok(read)
    }
}

/// The larger of a page's decompressed and compressed size, from the beginning of its header. The header is a Thrift
/// structure in the compact protocol. Its first three fields are 32-bit numbers: the type of the page, and its size
/// decompressed and compressed. `None` if these are other bytes.
fn page_bytes(header: &[u8]) -> Option<u64> {
    let mut rest = header.iter();
    let mut sizes = [0; 3];
    for size in &mut sizes {
        const NEXT_FIELD_IS_I32: u8 = 0x15;
        if *rest.next()? != NEXT_FIELD_IS_I32 {
            return None;
        }
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = *rest.next()?;
            number |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
            if shift > 28 {
                return None;
            }
        }
        *size = number >> 1; // zigzag; sizes are not negative
    }
    Some(sizes[1].max(sizes[2]))
}

impl Length for FileBytes {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for FileBytes {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        /// Enough for the header of a page, which takes a few hundred bytes.
        const HEADER: usize = 1 << 10;
        Ok(BufReader::with_capacity(HEADER, self.from(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(ParquetError::EOF("the file ends early".to_owned()));
        }
        let mut bytes = vec![0; length];
        let mut from = From {
            largest_page: u64::MAX, // these bytes are not headers
            ..self.from(start)
        };
        from.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
