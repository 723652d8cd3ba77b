//! Files with checksums.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// A checksum in its written form: 32 hexadecimal digits.
pub(crate) fn hex(checksum: u128) -> String {
    format!("{checksum:032x}")
}

/// The checksum of bytes, in its written form.
pub(crate) fn of(bytes: &[u8]) -> String {
    hex(xxh3_128(bytes))
}

/// The size and checksum of a file. The file is read and not mapped, so that it takes no memory.
pub(crate) fn of_file(path: &Path) -> io::Result<(u64, u128)> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 18];
    let (mut hasher, mut bytes) = (Xxh3::new(), 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hasher.digest128())),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes a file and computes its checksum. It does not buffer, so wrap it in a buffered writer.
pub(crate) struct Summed<'c> {
    file: File,
    hasher: Xxh3,
    bytes: u64,
    /// Another counter of the written bytes.
    counter: Option<&'c AtomicU64>,
}

impl<'c> Summed<'c> {
    pub(crate) fn new(file: File, counter: Option<&'c AtomicU64>) -> Self {
        Self {
            file,
            hasher: Xxh3::new(),
            bytes: 0,
            counter,
        }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// The number of bytes written.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn sum(&self) -> u128 {
        self.hasher.digest128()
    }
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        if let Some(counter) = self.counter {
            counter.fetch_add(written as u64, Ordering::Relaxed);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
