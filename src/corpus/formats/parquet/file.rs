//! A Parquet file that can be read at several positions at the same time.

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
use crate::corpus::formats::parquet::pages::{Pages, RowPages};

/// An open file and its footer.
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

    /// Limits the size of pages. A larger page is an error when its header is read.
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

    /// The columns of the schema, without the name of the schema.
    pub(super) fn fields(&self) -> &[TypePtr] {
        self.metadata.file_metadata().schema().get_fields()
    }

    /// A reader of a row group's leaf column. In a list, `row_pages` counts the pages of a row.
    pub(super) fn column(
        &self,
        group: usize,
        leaf: usize,
        row_pages: Option<Arc<RowPages>>,
    ) -> Result<ColumnReader> {
        let group = self.metadata.row_group(group);
        let chunk = group.column(leaf);
        let pages = Pages::new(&self.bytes, chunk, row_pages)?;
        Ok(get_column_reader(chunk.column_descr_ptr(), Box::new(pages)))
    }
}

/// Whether the offsets of a column are valid. With others the library panics.
fn is_sound(chunk: &ColumnChunkMetaData) -> bool {
    let offset = chunk.dictionary_page_offset();
    let offset = offset.unwrap_or(chunk.data_page_offset());
    offset >= 0 && chunk.compressed_size() >= 0
}

/// Reads from a file that may be damaged, and turns panics of the library into errors.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T>) -> io::Result<T> {
    // Unwind safe: after a panic the reader is dropped, since reading ends with the error.
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(unwrapped),
        Err(_) => Err(io::Error::other("corrupt data")),
    }
}

/// The error without the name that the library adds.
fn unwrapped(error: ParquetError) -> io::Error {
    match error {
        ParquetError::General(message) | ParquetError::EOF(message) => io::Error::other(message),
        ParquetError::External(error) => match error.downcast() {
            Ok(error) => *error,
            Err(error) => io::Error::other(error),
        },
        other => io::Error::other(other),
    }
}
