//! Counts in how many sets on the disk each shingle is.

use rayon::prelude::*;

use crate::corpus::error::Error;
use crate::corpus::job::disk::folder::{Bytes as _, Folder, Whole};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::{Partitioner, Partitions};
use crate::corpus::job::disk::rounds::{Round, Written, for_each_round};
use crate::corpus::job::memory_plan::MemoryPlan;
use crate::repeated::repeated_of;

/// The sets on the disk, and how to count their shingles.
pub(crate) struct Weighing<'w> {
    pub(crate) folder: &'w Folder,
    pub(crate) plan: &'w MemoryPlan,
    /// The number of documents, including indexed ones.
    pub(crate) documents: usize,
}

/// The file of sets with frequencies, its index, and the number of sets that are not empty.
pub(crate) type Weighed = (Whole, Whole, u64);

/// A shingle that several sets have, and one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Counted {
    document: u32,
    hash: u64,
    frequency: u32,
}

impl Counted {
    const BYTES: usize = 16;

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let high = u128::from(self.document) << 64 | u128::from(self.frequency) << 96;
        (high | u128::from(self.hash)).to_le_bytes()
    }

    fn of_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let bits = u128::from_le_bytes(bytes);
        Self {
            document: (bits >> 64) as u32,
            hash: bits as u64,
            frequency: (bits >> 96) as u32,
        }
    }
}

/// The bytes of a written shingle: its hash, and the document of a set that has it.
const SHINGLE: usize = 12;

impl Weighing<'_> {
    /// Writes the sets again, with the frequency of each shingle.
    pub(crate) fn write(&self, sets: &Whole) -> Result<Weighed, Error> {
        let sets = Partitions::open(self.folder, &sets.name)?;
        let distinct = self.spread(&sets)?;
        self.count()?;
        self.folder.remove(&[names::SHINGLES]);
        let (weighed, index) = self.join(&sets)?;
        self.folder
            .remove(&[names::COUNTED, names::SETS, names::INDEX]);
        Ok((weighed, index, distinct))
    }

    /// Writes the shingles of all sets, partitioned by their first bits. Returns the number of sets.
    fn spread(&self, sets: &Partitions) -> Result<u64, Error> {
        let parts = self.plan.parts;
        let buffers = self.plan.buffers;
        let mut shingles = Partitioner::create(self.folder, names::SHINGLES, parts, buffers)?;
        let mut distinct = 0;
        let spread = |round: &Round| {
            Ok(round.in_parallel(|records| {
                let (mut all, mut distinct) = (Vec::new(), 0);
                for record in records {
                    distinct += u64::from(!record.set.is_empty());
                    all.extend(record.hashes().map(|hash| (hash, record.document)));
                }
                (all, distinct)
            }))
        };
        let take = |made: Vec<(Vec<(u64, u32)>, u64)>| {
            for (all, sets) in made {
                distinct += sets;
                for (hash, document) in all {
                    let mut bytes = [0; SHINGLE];
                    bytes[..8].copy_from_slice(&hash.to_le_bytes());
                    bytes[8..].copy_from_slice(&document.to_le_bytes());
                    let part = (u128::from(hash) * parts as u128) >> 64;
                    shingles.write(part as usize, &bytes)?;
                }
            }
            Ok(())
        };
        for_each_round(sets, 0, self.plan.round, spread, take)?;
        shingles.finish()?;
        Ok(distinct)
    }

    /// Counts the shingles, and writes those that several sets have, partitioned by document.
    fn count(&self) -> Result<(), Error> {
        let shingles = Partitions::open(self.folder, names::SHINGLES)?;
        let (parts, buffers) = (self.plan.parts, self.plan.buffers);
        let mut counted = Partitioner::create(self.folder, names::COUNTED, parts, buffers)?;
        for part in 0..shingles.len() {
            let mut bytes = Vec::with_capacity(shingles.bytes(part) as usize);
            shingles.read(part)?.append(&mut bytes, usize::MAX)?;
            let chunks: Vec<&[u8]> = bytes.chunks(SHINGLE << 12).collect();
            // The hashes of a part share their first bits, by which keys are distributed.
            let repeated = repeated_of(&chunks, bytes.len() / SHINGLE, |chunk, all| {
                all.extend(chunk.chunks_exact(SHINGLE).map(|bytes| {
                    let (hash, document) = bytes.split_at(8);
                    let hash = u64::from_le_bytes(hash.try_into().unwrap_or_default());
                    let document = u32::from_le_bytes(document.try_into().unwrap_or_default());
                    (hash.reverse_bits(), document)
                }));
            });
            for run in repeated.chunk_by(|a, b| a.0 == b.0) {
                for &(key, document) in run {
                    let one = Counted {
                        document,
                        hash: key.reverse_bits(),
                        frequency: run.len() as u32,
                    };
                    counted.write(self.part(document), &one.to_bytes())?;
                }
            }
        }
        counted.finish().map(drop)
    }

    fn part(&self, document: u32) -> usize {
        document as usize * self.plan.parts / self.documents
    }

    /// Writes the sets with the frequencies of their shingles, and the index of that file.
    fn join(&self, sets: &Partitions) -> Result<(Whole, Whole), Error> {
        let mut counts = Counts {
            weighing: self,
            counted: Partitions::open(self.folder, names::COUNTED)?,
            part: None,
            all: Vec::new(),
        };
        let buffers = self.plan.buffers;
        let mut weighed = Partitioner::create(self.folder, names::WEIGHED, 1, buffers)?;
        let mut index = self.folder.create(names::WEIGHED_INDEX, 1 << 16)?;
        let mut made = Vec::new();
        let join = |round: &Round| {
            for record in round.records() {
                made.clear();
                counts.write(record, &mut made)?;
                let len = made.len() as u64;
                for number in [record.document, len as u32, (len >> 32) as u32] {
                    index.write(&number.to_le_bytes())?;
                }
                weighed.write(0, &made)?;
            }
            Ok(())
        };
        for_each_round(sets, 0, self.plan.round, join, Ok)?;
        Ok((weighed.finish()?, index.finish()?))
    }
}

/// The counted shingles of a part of the documents.
struct Counts<'w> {
    weighing: &'w Weighing<'w>,
    counted: Partitions,
    part: Option<usize>,
    /// By document, then by hash.
    all: Vec<Counted>,
}

impl Counts<'_> {
    /// Writes a record with the frequencies of its shingles. Documents must ascend.
    fn write(&mut self, record: Written<'_>, to: &mut Vec<u8>) -> Result<(), Error> {
        let part = self.weighing.part(record.document);
        if self.part != Some(part) {
            self.load(part)?;
        }
        let from = self
            .all
            .partition_point(|one| one.document < record.document);
        let of_document = |one: &&Counted| one.document == record.document;
        let mut counted = self.all[from..].iter().take_while(of_document).peekable();
        let frequency = |hash: u64| {
            let counted = counted.next_if(|one| one.hash == hash);
            counted.map_or(1, |one| one.frequency)
        };
        record.write_with(record.hashes().map(frequency), to);
        Ok(())
    }

    fn load(&mut self, part: usize) -> Result<(), Error> {
        self.all.clear();
        let (mut reader, mut bytes) = (self.counted.read(part)?, [0; Counted::BYTES]);
        while reader.fill(&mut bytes)? {
            self.all.push(Counted::of_bytes(bytes));
        }
        self.all.par_sort_unstable();
        self.part = Some(part);
        Ok(())
    }
}
