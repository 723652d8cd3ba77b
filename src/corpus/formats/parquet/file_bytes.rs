//! A file's bytes, by place, with a limit of what a page may have.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::corpus::formats::read_at::read_at;
use crate::corpus::limit::memory_for;
use crate::corpus::unusable::Unusable;

/// A file's bytes, by place. Reading them moves nothing that others rely on.
#[derive(Clone)]
pub(super) struct FileBytes {
    file: Arc<File>,
    pub(super) len: u64,
    /// Bytes of the largest page that is read, compressed or not.
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

    /// The same file, in which larger pages are refused when their headers are read.
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

/// A file's bytes from a place on.
pub(super) struct From {
    file: Arc<File>,
    at: u64,
    /// What a page may have whose header is here.
    largest_page: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, buffer, self.at)?;
        self.at += read as u64;
        // The first bytes that are read are the beginning of the header.
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

/// Bytes of a page, compressed or not, by the beginning of its header. This is a Thrift structure in the compact protocol,
/// whose first three fields are 32-bit numbers: the type of the page, and its size decompressed and compressed. None where
/// it is something else.
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
        *size = number >> 1; // of a number that is not negative
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
        /// The headers of pages are read through it: some hundred bytes.
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
            largest_page: u64::MAX, // these are no headers
            ..self.from(start)
        };
        from.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
