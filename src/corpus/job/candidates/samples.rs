//! Reads and writes sampled hashes on the disk, for the filter of the exact join.

use crate::corpus::error::Error;
use crate::corpus::job::disk::folder::{Bytes, Folder, extend};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::{Partitioner, Partitions};
use crate::exact::Strips;
use crate::text::arch::STRIPS;

/// For this many keys or more, this byte is followed by their number in four bytes.
const MANY: u8 = u8::MAX;

impl Partitioner<'_> {
    /// Writes the keys of a document, each strip to its part.
    pub(crate) fn write_strips(&mut self, strips: [&[u32]; STRIPS]) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for (part, keys) in strips.into_iter().enumerate() {
            bytes.clear();
            match u8::try_from(keys.len()) {
                Ok(few) if few < MANY => bytes.push(few),
                _ => {
                    bytes.push(MANY);
                    bytes.extend_from_slice(&(keys.len() as u32).to_le_bytes());
                }
            }
            extend(&mut bytes, keys.iter().map(|key| key.to_le_bytes()));
            self.write(part, &bytes)?;
        }
        Ok(())
    }
}

/// The strips of all documents.
pub(crate) struct SamplesOnDisk {
    partitions: Partitions,
    documents: usize,
    /// The number of strips that are processed at the same time.
    at_once: usize,
    /// Memory for tables, in bytes.
    memory: usize,
}

impl SamplesOnDisk {
    /// Opens the strips. Tables may take `memory` bytes.
    pub(crate) fn open(folder: &Folder, documents: usize, memory: usize) -> Result<Self, Error> {
        let partitions = Partitions::open(folder, names::STRIPS)?;
        // The table of a strip has six bits for each key of four bytes.
        let of_strip = partitions.bytes(0) as usize / 5;
        let at_once = memory / of_strip.max(1);
        Ok(Self {
            partitions,
            documents,
            at_once: at_once.clamp(1, STRIPS),
            memory,
        })
    }
}

impl Strips for SamplesOnDisk {
    type Error = Error;

    fn keys(&self, strip: usize) -> usize {
        self.partitions.bytes(strip) as usize / size_of::<u32>()
    }

    fn at_once(&self) -> usize {
        self.at_once
    }

    fn most_bytes(&self) -> usize {
        self.memory
    }

    fn for_each(&self, strip: usize, mut each: impl FnMut(usize, &[u32])) -> Result<(), Error> {
        let mut reader = self.partitions.read(strip)?;
        let mut keys = Vec::new();
        for document in 0..self.documents {
            let [few] = reader.array()?;
            let many = match few {
                MANY => reader.u32()? as usize,
                few => usize::from(few),
            };
            keys.clear();
            let (read, _) = reader.slice(4 * many)?.as_chunks();
            keys.extend(read.iter().map(|&key| u32::from_le_bytes(key)));
            each(document, &keys);
        }
        Ok(())
    }
}
