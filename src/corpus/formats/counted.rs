//! Counts the bytes that are read from a file.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of bytes read from a file on the disk, before decompression.
pub(crate) type Count = Arc<AtomicUsize>;

/// A file that counts the bytes read from it.
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
