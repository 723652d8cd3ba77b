//! Bytes that are counted as they are read.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes read from a file, as they stand on the disk.
pub(crate) type Count = Arc<AtomicUsize>;

/// A file whose bytes are counted as they are read.
pub(crate) struct Counted {
    pub(crate) file: File,
    pub(crate) bytes: Count,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.bytes.fetch_add(n, Ordering::Relaxed);
        Ok(n)
    }
}
