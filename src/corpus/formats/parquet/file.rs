//! A Parquet file that can be read at several places at the same time.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::schema::types::TypePtr;

use crate::corpus::formats::parquet::file_bytes::FileBytes;
use crate::corpus::formats::parquet::pages::Pages;

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
        Self {
            bytes: Arc::new(self.bytes.with_pages_up_to(largest_page)),
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
