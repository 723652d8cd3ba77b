//! A Parquet file that can be read at several places at the same time.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::TypePtr;

use super::super::limit::memory_for;
use super::super::unusable::Unusable;
use super::pages::Pages;

/// An open file, and what its footer tells.
pub(crate) struct ParquetFile {
    bytes: Arc<FileBytes>,
    pub(super) metadata: ParquetMetaData,
}

impl ParquetFile {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let bytes = FileBytes::of(File::open(path)?)?;
        let metadata = guarded(|| ParquetMetaDataReader::new().parse_and_finish(&bytes))?;
        let groups = metadata.row_groups().iter();
        if !groups.flat_map(RowGroupMetaData::columns).all(is_sound) {
            return Err(io::Error::other("corrupt footer"));
        }
        Ok(Self {
            bytes: Arc::new(bytes),
            metadata,
        })
    }

    /// Refuses pages of more bytes than this when their headers are read.
    pub(super) fn with_pages_up_to(self, largest_page: u64) -> Self {
        let bytes = FileBytes {
            largest_page,
            ..FileBytes::clone(&self.bytes)
        };
        Self {
            bytes: Arc::new(bytes),
            ..self
        }
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.bytes.len
    }

    /// The columns of its schema, whose own name is of no matter.
    pub(super) fn fields(&self) -> &[TypePtr] {
        self.metadata.file_metadata().schema().get_fields()
    }

    /// A reader of a row group's leaf column.
    pub(super) fn column(&self, group: usize, leaf: usize) -> Result<ColumnReader> {
        let group = self.metadata.row_group(group);
        let chunk = group.column(leaf);
        let pages = Pages::new(&self.bytes, chunk)?;
        Ok(get_column_reader(chunk.column_descr_ptr(), Box::new(pages)))
    }
}

/// Whether the numbers of a column are some that the reader does not panic at.
fn is_sound(chunk: &ColumnChunkMetaData) -> bool {
    let offset = chunk.dictionary_page_offset();
    let offset = offset.unwrap_or(chunk.data_page_offset());
    offset >= 0 && chunk.compressed_size() >= 0
}

/// Reads from a file that may be broken: the library panics at some of what such files hold.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T>) -> io::Result<T> {
    // What panicked halfway is dropped, since reading ends with the error.
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(told),
        Err(_) => Err(io::Error::other("corrupt data")),
    }
}

/// What went wrong, without the name of the library's error.
fn told(error: ParquetError) -> io::Error {
    match error {
        ParquetError::General(told) | ParquetError::EOF(told) => io::Error::other(told),
        ParquetError::External(error) => match error.downcast() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        other => io::Error::other(other),
    }
}

/// A file's bytes, by place. Reading them moves nothing that others rely on.
#[derive(Clone)]
pub(super) struct FileBytes {
    file: Arc<File>,
    len: u64,
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

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(not(any(unix, windows)))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
