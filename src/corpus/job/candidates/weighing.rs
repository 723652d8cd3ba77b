//! Counts in how many sets on the disk each shingle is.

use rayon::prelude::*;

use crate::boundary::IndexedFrom;
use crate::corpus::error::Error;
use crate::corpus::job::candidates::first_documents::NONE;
use crate::corpus::job::disk::folder::{Bytes as _, Folder, Whole};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::{Partitioner, Partitions, part_of};
use crate::corpus::job::disk::rounds::{Round, Written, for_each_round};
use crate::corpus::job::memory_plan::MemoryPlan;
use crate::hashed::HashedMap;
use crate::repeated::{Keyed, repeated_of};
use crate::verify::ShingleSet;
use crate::weights::{Frequency, Known, decoded, merged};

/// The sets on the disk, and how to count their shingles.
pub(crate) struct Weighing<'w> {
    folder: &'w Folder,
    plan: &'w MemoryPlan,
    /// The number of documents, including indexed ones.
    documents: usize,
    /// The documents that indexes have counted, and the fingerprints of their sets, ascending.
    known: Known<'w>,
    indexed: Vec<u128>,
    indexed_from: IndexedFrom,
}

/// The file of sets with frequencies, its index, and the number of documents by which these are weighed.
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

/// Shingles with their documents, and the documents that count.
#[derive(Default)]
struct Spread {
    shingles: Vec<(u64, u32)>,
    counted: Vec<u32>,
}

/// A written shingle.
fn shingle(bytes: &[u8]) -> (u64, u32) {
    let (hash, document) = bytes.split_at(8);
    (
        u64::from_le_bytes(hash.try_into().unwrap_or_default()),
        u32::from_le_bytes(document.try_into().unwrap_or_default()),
    )
}

/// Reads the shingles of a part one by one.
fn for_each_shingle(
    shingles: &Partitions,
    part: usize,
    mut each: impl FnMut((u64, u32)) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut reader, mut bytes) = (shingles.read(part)?, [0; SHINGLE]);
    while reader.fill(&mut bytes)? {
        each(shingle(&bytes))?;
    }
    Ok(())
}

fn read(shingles: &Partitions, part: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(shingles.bytes(part) as usize);
    shingles.read(part)?.append(&mut bytes, usize::MAX)?;
    Ok(bytes)
}

/// Written shingles, or known ones.
type Chunk<'c> = (&'c [u8], &'c [Frequency]);

/// The shingles of a part that occur again, as keys, with a document and how much it counts. Known shingles have no
/// document.
fn repeated(bytes: &[u8], known: &[Frequency], counts: &[bool]) -> Vec<Keyed<(u32, u32)>> {
    let of_sets = bytes.chunks(SHINGLE << 12).map(|bytes| (bytes, &[][..]));
    let of_known = known.chunks(1 << 12).map(|known| (&[][..], known));
    let chunks: Vec<Chunk<'_>> = of_sets.chain(of_known).collect();
    let all = bytes.len() / SHINGLE + known.len();
    // The hashes of a part share their first bits, by which keys are distributed.
    repeated_of(&chunks, all, |(bytes, known), all| {
        all.extend(bytes.chunks_exact(SHINGLE).map(|bytes| {
            let (hash, document) = shingle(bytes);
            let counts = u32::from(counts[document as usize]);
            (hash.reverse_bits(), (document, counts))
        }));
        let keyed = |&(hash, frequency): &Frequency| (hash.reverse_bits(), (NONE, frequency));
        all.extend(known.iter().map(keyed));
    })
}

impl<'w> Weighing<'w> {
    pub(crate) fn new(
        folder: &'w Folder,
        plan: &'w MemoryPlan,
        documents: usize,
        (known, indexed): (Known<'w>, Vec<u128>),
        indexed_from: IndexedFrom,
    ) -> Self {
        Self {
            folder,
            plan,
            documents,
            known,
            indexed,
            indexed_from,
        }
    }

    /// Whether a document counts for weights: it is new, and no index has its set.
    fn counts(&self, record: &Written<'_>) -> bool {
        let is_indexed = || {
            let set = ShingleSet::of_bytes(record.set).fingerprint();
            self.indexed.binary_search(&set).is_ok()
        };
        self.indexed_from.is_new(record.document)
            && !record.set.is_empty()
            && (self.indexed.is_empty() || !is_indexed())
    }

    /// Writes the sets again, with the frequency of each shingle.
    pub(crate) fn write(&self, sets: &Whole) -> Result<Weighed, Error> {
        let sets = Partitions::open(self.folder, &sets.name)?;
        let new = self.spread(&sets, false)?;
        let mut counts = vec![false; self.documents];
        for &document in &new {
            counts[document as usize] = true;
        }
        self.count(&counts)?;
        self.folder.remove(&[names::SHINGLES]);
        let (weighed, index) = self.join(&sets)?;
        self.folder
            .remove(&[names::COUNTED, names::SETS, names::INDEX]);
        Ok((weighed, index, self.known.sets_with(new.len() as u64)))
    }

    /// Calls `each` with the number of counted documents, and 0; then with all shingles, ascending, and the number of these
    /// documents that have them.
    pub(crate) fn for_each_frequency(
        &self,
        sets: &Whole,
        mut each: impl FnMut(u64, u32) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let sets = Partitions::open(self.folder, &sets.name)?;
        let new = self.spread(&sets, true)?;
        each(self.known.sets_with(new.len() as u64), 0)?;
        let shingles = Partitions::open(self.folder, names::SHINGLES)?;
        let mut known = self.known_parts();
        for part in 0..shingles.len() {
            let mut sums: HashedMap<u64, u32> = HashedMap::default();
            for_each_shingle(&shingles, part, |(hash, _)| {
                *sums.entry(hash).or_default() += 1;
                Ok(())
            })?;
            let mut counted: Vec<Frequency> = sums.into_iter().collect();
            counted.par_sort_unstable();
            let lists = [known(part), counted].map(Vec::into_iter);
            merged(lists).try_for_each(|(hash, frequency)| each(hash, frequency))?;
        }
        self.folder.remove(&[names::SHINGLES]);
        Ok(())
    }

    /// Writes the shingles of all sets, or only of those that count, partitioned by their first bits. Returns the documents
    /// that count.
    fn spread(&self, sets: &Partitions, only_counted: bool) -> Result<Vec<u32>, Error> {
        let parts = self.plan.parts;
        let buffers = self.plan.buffers;
        let mut shingles = Partitioner::create(self.folder, names::SHINGLES, parts, buffers)?;
        let mut counted = Vec::new();
        let spread = |round: &Round| {
            Ok(round.in_parallel(|records| {
                let mut made = Spread::default();
                for record in records {
                    let counts = !self.known.is_frozen && self.counts(&record);
                    if counts {
                        made.counted.push(record.document);
                    }
                    if counts || !only_counted {
                        let hashes = record.hashes();
                        made.shingles
                            .extend(hashes.map(|hash| (hash, record.document)));
                    }
                }
                made
            }))
        };
        let take = |made: Vec<Spread>| {
            for mut some in made {
                counted.append(&mut some.counted);
                for (hash, document) in some.shingles {
                    let mut bytes = [0; SHINGLE];
                    bytes[..8].copy_from_slice(&hash.to_le_bytes());
                    bytes[8..].copy_from_slice(&document.to_le_bytes());
                    shingles.write(part_of(hash, parts), &bytes)?;
                }
            }
            Ok(())
        };
        for_each_round(sets, 0, self.plan.round, spread, take)?;
        shingles.finish()?;
        Ok(counted)
    }

    /// The known shingles of each part, which must be asked for in order.
    fn known_parts(&self) -> impl FnMut(usize) -> Vec<Frequency> {
        let parts = self.plan.parts;
        let tables = self.known.tables.iter();
        let mut known = merged(tables.map(|table| table.iter().map(decoded))).peekable();
        move |part| {
            let in_part = || known.next_if(|&(hash, _)| part_of(hash, parts) <= part);
            std::iter::from_fn(in_part).collect()
        }
    }

    /// Counts the shingles of the documents for which `counts` is true, and writes those that several sets have or that are
    /// known, partitioned by document.
    fn count(&self, counts: &[bool]) -> Result<(), Error> {
        let shingles = Partitions::open(self.folder, names::SHINGLES)?;
        let (parts, buffers) = (self.plan.parts, self.plan.buffers);
        let mut counted = Partitioner::create(self.folder, names::COUNTED, parts, buffers)?;
        let mut known = self.known_parts();
        for part in 0..shingles.len() {
            if shingles.bytes(part) > self.plan.table as u64 / 4 {
                self.count_read_twice(&shingles, part, known(part), counts, &mut counted)?;
                continue;
            }
            let bytes = read(&shingles, part)?;
            for run in repeated(&bytes, &known(part), counts).chunk_by(|a, b| a.0 == b.0) {
                let sum = run
                    .iter()
                    .fold(0u32, |sum, one| sum.saturating_add(one.1.1));
                let documents = run.iter().filter(|(_, (document, _))| *document != NONE);
                for &(key, (document, _)) in documents {
                    let one = Counted {
                        document,
                        hash: key.reverse_bits(),
                        frequency: sum.max(1),
                    };
                    counted.write(self.part(document), &one.to_bytes())?;
                }
            }
        }
        counted.finish().map(drop)
    }

    /// The same for a part that is too large to sort, since very many documents have some of its shingles.
    fn count_read_twice(
        &self,
        shingles: &Partitions,
        part: usize,
        known: Vec<Frequency>,
        counts: &[bool],
        counted: &mut Partitioner<'_>,
    ) -> Result<(), Error> {
        // For each shingle its sum, and whether it occurs again.
        let known = known.into_iter().map(|(hash, sum)| (hash, (sum, false)));
        let mut sums: HashedMap<u64, (u32, bool)> = known.collect();
        for_each_shingle(shingles, part, |(hash, document)| {
            let count = u32::from(counts[document as usize]);
            let again = |(sum, occurs_again): &mut (u32, bool)| {
                *sum = sum.saturating_add(count);
                *occurs_again = true;
            };
            sums.entry(hash).and_modify(again).or_insert((count, false));
            Ok(())
        })?;
        for_each_shingle(shingles, part, |(hash, document)| match sums[&hash] {
            (_, false) => Ok(()),
            (sum, true) => {
                let frequency = sum.max(1);
                let one = Counted {
                    document,
                    hash,
                    frequency,
                };
                counted.write(self.part(document), &one.to_bytes())
            }
        })
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
            counted.map_or(0, |one| one.frequency)
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
