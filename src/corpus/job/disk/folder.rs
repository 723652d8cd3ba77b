//! The work folder and its files.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use crate::checksum::{Summed, hex};
use crate::corpus::error::Error;
use crate::passing;

/// The folder for data that does not fit in memory.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The temporary folder, removed with the job, if the user named none.
    passing: Option<passing::Folder>,
    /// The number of bytes written so far.
    spilled: AtomicU64,
}

/// Writes a file from its beginning to its end.
pub(crate) struct Writing<'f> {
    folder: &'f Folder,
    name: String,
    file: BufWriter<Summed<'f>>,
}

/// A complete file of the folder, which is checked when the job is resumed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Whole {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// The checksum of all bytes, in hexadecimal digits.
    pub(crate) checksum: String,
}

impl Folder {
    /// The folder that the user named, created if it does not exist.
    pub(crate) fn at(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(|error| Error::io("create", path, error))?;
        Ok(Self::of(path.to_owned(), None))
    }

    /// A temporary folder for this run.
    pub(crate) fn passing() -> Result<Self, Error> {
        let passing = passing::Folder::of_work()
            .map_err(|error| Error::io("write", &std::env::temp_dir(), error))?;
        Ok(Self::of(passing.path().to_owned(), Some(passing)))
    }

    fn of(path: PathBuf, passing: Option<passing::Folder>) -> Self {
        Self {
            path,
            passing,
            spilled: AtomicU64::new(0),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// True if the folder outlives the run.
    pub(crate) fn is_durable(&self) -> bool {
        self.passing.is_none()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The number of bytes written so far.
    pub(crate) fn spilled(&self) -> &AtomicU64 {
        &self.spilled
    }

    pub(crate) fn create(&self, name: &str, buffer: usize) -> Result<Writing<'_>, Error> {
        let path = self.file(name);
        let file = File::create(&path).map_err(|error| Error::io("write", &path, error))?;
        Ok(Writing {
            folder: self,
            name: name.to_owned(),
            file: BufWriter::with_capacity(buffer, Summed::new(file, Some(&self.spilled))),
        })
    }

    pub(crate) fn open(&self, name: &str) -> Result<Reading, Error> {
        Reading::open(self.file(name))
    }

    /// Removes files that are no longer needed. Ignores errors.
    pub(crate) fn remove(&self, names: &[&str]) {
        for name in names {
            let _ = fs::remove_file(self.file(name));
        }
    }

    /// Writes a file of numbers.
    pub(crate) fn write_numbers(&self, name: &str, numbers: &[u32]) -> Result<Whole, Error> {
        let mut writing = self.create(name, 1 << 16)?;
        for number in numbers {
            writing.write(&number.to_le_bytes())?;
        }
        writing.finish()
    }

    pub(crate) fn read_numbers(&self, whole: &Whole) -> Result<Vec<u32>, Error> {
        let mut reading = self.open(&whole.name)?;
        (0..whole.bytes / 4).map(|_| reading.u32()).collect()
    }
}

impl Writing<'_> {
    #[inline]
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| self.failed(error))
    }

    /// The number of bytes written so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.file.get_ref().bytes() + self.file.buffer().len() as u64
    }

    /// Writes the number of bytes, then the bytes.
    pub(crate) fn counted(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write(&(bytes.len() as u32).to_le_bytes())?;
        self.write(bytes)
    }

    /// Writes all buffered data. Syncs the file if the folder outlives the run.
    pub(crate) fn finish(mut self) -> Result<Whole, Error> {
        let flushed = self.file.flush();
        flushed.map_err(|error| self.failed(error))?;
        let summed = self.file.get_ref();
        if self.folder.is_durable() {
            let synced = summed.file().sync_data();
            synced.map_err(|error| self.failed(error))?;
        }
        Ok(Whole {
            checksum: hex(summed.sum()),
            bytes: summed.bytes(),
            name: self.name,
        })
    }

    pub(crate) fn failed(&self, error: io::Error) -> Error {
        Error::io("write", &self.folder.file(&self.name), error)
    }
}

/// Reads a file of the folder from its beginning.
pub(crate) struct Reading {
    path: PathBuf,
    file: BufReader<File>,
}

impl Reading {
    fn open(path: PathBuf) -> Result<Self, Error> {
        let file = File::open(&path).map_err(|error| Error::io("read", &path, error))?;
        let file = BufReader::with_capacity(1 << 16, file);
        Ok(Self { path, file })
    }
}

impl Bytes for Reading {
    #[inline]
    fn fill(&mut self, bytes: &mut [u8]) -> Result<bool, Error> {
        if let Some(there) = self.file.buffer().get(..bytes.len()) {
            bytes.copy_from_slice(there);
            self.file.consume(bytes.len());
            return Ok(true);
        }
        self.fill_split(bytes)
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::io("read", &self.path, error)
    }
}

impl Reading {
    /// Fills `bytes` if the buffer does not contain enough; false at the end.
    #[cold]
    fn fill_split(&mut self, bytes: &mut [u8]) -> Result<bool, Error> {
        let rest = self.file.fill_buf().map(<[u8]>::is_empty);
        if rest.map_err(|error| self.failed(error))? {
            return Ok(bytes.is_empty());
        }
        let read = self.file.read_exact(bytes);
        read.map_err(|error| self.failed(error)).map(|()| true)
    }
}

/// Appends numbers to bytes.
pub(crate) fn extend<const N: usize>(
    bytes: &mut Vec<u8>,
    numbers: impl ExactSizeIterator<Item = [u8; N]>,
) {
    let before = bytes.len();
    bytes.resize(before + N * numbers.len(), 0);
    let (places, _) = bytes[before..].as_chunks_mut();
    for (place, number) in places.iter_mut().zip(numbers) {
        *place = number;
    }
}

/// Reads numbers and texts in the form in which they were written.
pub(crate) trait Bytes {
    /// Fills `bytes`; false at the end.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<bool, Error>;

    /// An error that names this file.
    fn failed(&self, error: io::Error) -> Error;

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        match self.fill(bytes)? {
            true => Ok(()),
            false => Err(self.failed(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.read(&mut bytes).map(|()| bytes)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }

    fn f64(&mut self) -> Result<f64, Error> {
        self.u64().map(f64::from_bits)
    }

    /// Reads a number; `None` at the end.
    fn next_u32(&mut self) -> Result<Option<u32>, Error> {
        let mut bytes = [0; 4];
        let found = self.fill(&mut bytes)?;
        Ok(found.then(|| u32::from_le_bytes(bytes)))
    }

    /// Reads a number; `None` at the end.
    fn next_u64(&mut self) -> Result<Option<u64>, Error> {
        let mut bytes = [0; 8];
        let found = self.fill(&mut bytes)?;
        Ok(found.then(|| u64::from_le_bytes(bytes)))
    }

    /// Reads the number of bytes, then replaces `bytes` with them.
    fn counted(&mut self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        bytes.clear();
        bytes.resize(self.u32()? as usize, 0);
        self.read(bytes)
    }

    /// Like [`counted`](Self::counted), for a text.
    fn text(&mut self, text: &mut String) -> Result<(), Error> {
        let mut bytes = std::mem::take(text).into_bytes();
        self.counted(&mut bytes)?;
        *text =
            String::from_utf8(bytes).map_err(|_| self.failed(io::ErrorKind::InvalidData.into()))?;
        Ok(())
    }
}
