//! The exact join of shingle sets on the disk, and the verification of candidates.

use rayon::prelude::*;

use crate::boundary::IndexedFrom;
use crate::candidates::Crowds;
use crate::chances::{Agreement, Chances};
use crate::corpus::error::Error;
use crate::corpus::job::candidates::crowding::{Mark, write_candidate};
use crate::corpus::job::disk::folder::{Bytes as _, Folder, Whole};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::{Partitioner, Partitions, part_of};
use crate::corpus::job::disk::rounds::{Round, for_each_round};
use crate::corpus::job::disk::set_store::{Fetched, SetStore, runs};
use crate::corpus::job::memory_plan::MemoryPlan;
use crate::exact::{
    Common, CommonJoin, CommonOf, Frequencies, MostlyCommon, Part, Posting, Rarity, Scanned,
    similar_in_list,
};
use crate::frequent::Parts;
use crate::method::Method;
use crate::repeated::repeated_of;
use crate::settings::Settings;
use crate::sketch::equal_slots;
use crate::threshold::Threshold;
use crate::verify::Similarity;
use crate::watch::Ticker;

/// The join, with its settings and files.
pub(crate) struct Joining<'j> {
    pub(crate) settings: &'j Settings,
    pub(crate) folder: &'j Folder,
    pub(crate) plan: &'j MemoryPlan,
    pub(crate) stored: &'j SetStore,
    /// The file of all shingle sets.
    pub(crate) sets: &'j Partitions,
    pub(crate) marks: &'j [Mark],
    /// The documents that are joined.
    pub(crate) certain: &'j Certain,
    /// With weights, the number of distinct sets.
    pub(crate) distinct: Option<u64>,
    /// The number of parts of files of candidates.
    pub(crate) parts: usize,
    pub(crate) indexed_from: IndexedFrom,
}

/// The documents whose similar pairs are found with certainty.
pub(crate) struct Certain {
    /// Whether each document is joined.
    pub(crate) joins: Vec<bool>,
    /// With LSH, the crowds of each document.
    pub(crate) crowds: Vec<Crowds>,
}

impl Certain {
    fn is_joined(&self, document: u32) -> bool {
        self.joins[document as usize]
    }

    fn are_joined(&self, (a, b): (u32, u32)) -> bool {
        self.is_joined(a) && self.is_joined(b)
    }

    /// Whether two documents are joined, and would be even without a common band.
    pub(crate) fn are(&self, a: u32, b: u32) -> bool {
        let part = |crowds: &[Crowds]| crowds[a as usize].part(crowds[b as usize]);
        self.are_joined((a, b)) && (self.crowds.is_empty() || part(&self.crowds))
    }
}

/// A verified pair of the first documents of two sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) similarity: Similarity,
    pub(crate) found: FoundIn,
}

/// How a pair was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FoundIn {
    /// By the join, which misses no pair.
    Certain,
    /// By shared bands.
    Bands(Option<Agreement>),
}

impl Edge {
    const BYTES: usize = 48;
    /// Special values in place of a band.
    const CERTAIN: u32 = u32::MAX;
    const BANDS: u32 = u32::MAX - 1;
    const NO_BAND: u32 = u32::MAX - 2;

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let (found, same) = match self.found {
            FoundIn::Certain => (Self::CERTAIN, 0),
            FoundIn::Bands(None) => (Self::NO_BAND, 0),
            FoundIn::Bands(Some(Agreement { same, only })) => {
                (only.map_or(Self::BANDS, u32::from), same)
            }
        };
        let Similarity {
            shared,
            jaccard,
            containment_a,
            containment_b,
        } = self.similarity;
        let numbers = [self.a, self.b, shared as u32, found].map(u32::to_le_bytes);
        let shares = [jaccard, containment_a, containment_b].map(f64::to_le_bytes);
        let mut bytes = [0; Self::BYTES];
        bytes[..16].copy_from_slice(numbers.as_flattened());
        bytes[16..40].copy_from_slice(shares.as_flattened());
        bytes[40..].copy_from_slice(&same.to_le_bytes());
        bytes
    }
}

/// Reads verified pairs, sorted by (a, b).
pub(crate) struct Edges(crate::corpus::job::disk::folder::Reading);

impl Edges {
    pub(crate) fn open(folder: &Folder) -> Result<Self, Error> {
        folder.open(names::EDGES).map(Self)
    }

    /// Reads the next pair; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Edge>, Error> {
        let mut bytes = [0; Edge::BYTES];
        if !self.0.fill(&mut bytes)? {
            return Ok(None);
        }
        let (numbers, _) = bytes.as_chunks();
        let number = |i: usize| u32::from_le_bytes(numbers[i]);
        let (words, _) = bytes.as_chunks();
        let share = |i: usize| f64::from_le_bytes(words[i]);
        Ok(Some(Edge {
            a: number(0),
            b: number(1),
            similarity: Similarity {
                shared: number(2) as usize,
                jaccard: share(2),
                containment_a: share(3),
                containment_b: share(4),
            },
            found: match number(3) {
                Edge::CERTAIN => FoundIn::Certain,
                Edge::NO_BAND => FoundIn::Bands(None),
                band => FoundIn::Bands(Some(Agreement {
                    same: u64::from_le_bytes(words[5]),
                    only: Some(band as u16).filter(|_| band != Edge::BANDS),
                })),
            },
        }))
    }
}

/// A file of candidates.
pub(crate) struct Candidates {
    pub(crate) pairs: Partitions,
    /// Whether they are candidates of the join.
    pub(crate) are_joined: bool,
}

/// The bytes of a written posting: a hash, a document, the size of its set, and a place in it.
const POSTING: usize = 20;

impl Joining<'_> {
    fn threshold(&self) -> Threshold {
        Threshold(self.settings.threshold())
    }

    /// Counts the shingles of the joined sets, to find which are rare.
    pub(crate) fn rarity(&self) -> Result<Rarity, Error> {
        Ok(Rarity::new(self.frequencies(self.plan.table)?, &[]))
    }

    /// Counts the shingles of the joined sets, in a table of at most about `most` bytes.
    pub(crate) fn frequencies(&self, most: usize) -> Result<Frequencies, Error> {
        let bytes = self.sets.bytes(0) as usize / 8;
        let frequencies = Frequencies::with_bytes(bytes.min(most) + 1);
        let count = |round: &Round| {
            let sets = round.in_parallel(|records| {
                let (mut hashes, mut ends) = (Vec::new(), vec![0]);
                for record in records.filter(|record| self.certain.is_joined(record.document)) {
                    hashes.extend(record.hashes());
                    ends.push(hashes.len());
                }
                (hashes, ends)
            });
            let sets = sets.iter().flat_map(|(hashes, ends)| {
                let ends = ends.windows(2);
                ends.map(|end| Parts::of(&hashes[end[0]..end[1]]))
            });
            let sets: Vec<Parts<'_>> = sets.collect();
            frequencies.count(&sets);
            Ok(())
        };
        for_each_round(self.sets, 0, self.plan.round, count, Ok)?;
        Ok(frequencies)
    }

    /// Scans the joined sets: writes rare shingles to partitions, and returns the sets that are mostly common.
    pub(crate) fn scan(&self, rarity: &Rarity) -> Result<Vec<MostlyCommon>, Error> {
        let parts = self.plan.parts;
        let mut rare = Partitioner::create(self.folder, names::RARE, parts, self.plan.buffers)?;
        let mostly_common = self.scan_to(rarity, |(hash, numbers)| {
            let mut bytes = [0; POSTING];
            bytes[..8].copy_from_slice(&hash.to_le_bytes());
            let (places, _) = bytes[8..].as_chunks_mut();
            for (place, number) in places.iter_mut().zip(numbers) {
                *place = number.to_le_bytes();
            }
            rare.write(part_of(hash, parts), &bytes)
        })?;
        rare.finish()?;
        Ok(mostly_common)
    }

    /// Scans the joined sets again, without writing rare shingles.
    pub(crate) fn scan_again(&self, rarity: &Rarity) -> Result<Vec<MostlyCommon>, Error> {
        self.scan_to(rarity, |_| Ok(()))
    }

    fn scan_to(
        &self,
        rarity: &Rarity,
        mut rare: impl FnMut((u64, [u32; 3])) -> Result<(), Error> + Send,
    ) -> Result<Vec<MostlyCommon>, Error> {
        let threshold = self.threshold();
        let scan = |round: &Round| {
            Ok(round.in_parallel(|records| {
                let (mut scanned, mut set) = (Scanned::default(), Vec::new());
                let mut sizes = Vec::new();
                for record in records.filter(|record| self.certain.is_joined(record.document)) {
                    set.clear();
                    set.extend(record.hashes());
                    scanned.scan(Parts::of(&set), record.document, rarity, threshold);
                    sizes.resize(scanned.rare.len(), set.len() as u32);
                    scanned.forget_bits();
                }
                (scanned, sizes)
            }))
        };
        let mut mostly_common = Vec::new();
        let take = |all: Vec<(Scanned, Vec<u32>)>| {
            for (scanned, sizes) in all {
                mostly_common.extend(scanned.mostly_common);
                let postings = scanned.rare.iter().zip(sizes);
                for (&(hash, Posting { set, at }), size) in postings {
                    rare((hash, [set, size, at]))?;
                }
            }
            Ok(())
        };
        for_each_round(self.sets, 0, self.plan.round, scan, take)?;
        Ok(mostly_common)
    }

    /// Writes candidates: the pairs of sets that share a rare shingle.
    pub(crate) fn list(&self, ticker: &Ticker<'_>) -> Result<(), Error> {
        let rare = Partitions::open(self.folder, names::RARE)?;
        let buffers = self.plan.buffers;
        let mut candidates = Partitioner::create(self.folder, names::JOINED, self.parts, buffers)?;
        for part in 0..rare.len() {
            let mut bytes = Vec::new();
            rare.read(part)?.append(&mut bytes, usize::MAX)?;
            for pair in self.pairs_of(&bytes) {
                write_candidate(&mut candidates, pair, self.certain.joins.len())?;
            }
            ticker.tick(1)?;
        }
        candidates.finish()?;
        self.folder.remove(&[names::RARE]);
        Ok(())
    }

    /// The pairs that may be similar, given all postings of some shingles. A pair may occur several times.
    fn pairs_of(&self, postings: &[u8]) -> Vec<(u32, u32)> {
        const CHUNK: usize = POSTING << 12;
        let chunks: Vec<&[u8]> = postings.chunks(CHUNK).collect();
        let all = postings.len() / POSTING;
        let shared = repeated_of(&chunks, all, |chunk, all| {
            all.extend(chunk.chunks_exact(POSTING).map(|bytes| {
                let (hash, numbers) = bytes.split_at(8);
                let (numbers, _) = numbers.as_chunks();
                let number = |i: usize| u32::from_le_bytes(numbers[i]);
                let hash = u64::from_le_bytes(hash.try_into().unwrap_or_default());
                // The hashes of a part share their first bits.
                let posting = Posting {
                    set: number(0),
                    at: number(2),
                };
                (hash.reverse_bits(), (number(1), posting))
            }));
        });
        let threshold = self.threshold();
        let runs: Vec<&[_]> = shared.chunk_by(|a, b| a.0 == b.0).collect();
        let pairs = runs.par_iter().flat_map_iter(|run| {
            let mut pairs = Vec::new();
            let list = run.iter().map(|&(_, listed)| listed);
            similar_in_list(list, threshold, |a, b| {
                let pair = (a.min(b), a.max(b));
                if self.indexed_from.is_new(pair.0) {
                    pairs.push(pair);
                }
            });
            pairs
        });
        pairs.collect()
    }

    /// Verifies candidates, and writes the similar pairs sorted by (a, b).
    pub(crate) fn verify(&self, files: &[Candidates], ticker: &Ticker<'_>) -> Result<Whole, Error> {
        let chances = self.settings.chances(Method::Lsh);
        let mut edges = self.folder.create(names::EDGES, 1 << 16)?;
        for part in 0..self.parts {
            let mut pairs: Vec<(u32, u32)> = Vec::new();
            for file in files {
                let mut reader = file.pairs.read(part)?;
                let mut bytes = [0; 8];
                while reader.fill(&mut bytes)? {
                    let (numbers, _) = bytes.as_chunks();
                    let pair = (
                        u32::from_le_bytes(numbers[0]),
                        u32::from_le_bytes(numbers[1]),
                    );
                    // If both documents are joined, the join finds the pair.
                    if file.are_joined || self.are_open(pair) && !self.certain.are_joined(pair) {
                        pairs.push(pair);
                    }
                }
            }
            pairs.par_sort_unstable();
            pairs.dedup();
            for (run, documents) in runs(&pairs, self.stored, self.plan.batch, |&(a, b)| [a, b]) {
                let fetched = self.stored.fetch(&documents)?;
                for edge in self.verified(run, &documents, &fetched, &chances) {
                    edges.write(&edge.to_bytes())?;
                }
            }
            ticker.tick(1)?;
        }
        edges.finish()
    }

    fn are_open(&self, (a, b): (u32, u32)) -> bool {
        [a, b].map(|document| self.marks[document as usize].may_have_partner()) == [true; 2]
    }

    fn verified(
        &self,
        pairs: &[(u32, u32)],
        documents: &[u32],
        fetched: &Fetched<'_>,
        chances: &Chances,
    ) -> Vec<Edge> {
        let sketch = self.settings.sketcher().sketch();
        let is_certain = |&(a, b): &(u32, u32)| self.certain.are(a, b);
        let hashes = match pairs.iter().all(is_certain) {
            true => 0, // signatures are not needed
            false => sketch.hashes(),
        };
        let mut slots = vec![0; documents.len() * hashes];
        if hashes > 0 {
            let rows = slots.par_chunks_exact_mut(hashes).zip(documents);
            rows.for_each(|(row, &document)| {
                sketch.sketch(fetched.get(document).set.parts().others, row);
            });
        }
        let row = |document: u32| {
            let place = documents.partition_point(|&other| other < document);
            &slots[place * hashes..(place + 1) * hashes]
        };
        let floor = self.settings.floor_slots();
        let verify = |&(a, b): &(u32, u32)| {
            let found = if is_certain(&(a, b)) {
                FoundIn::Certain
            } else {
                let (left, right) = (row(a), row(b));
                if !self.certain.are_joined((a, b)) && equal_slots(left, right) < floor {
                    return None;
                }
                FoundIn::Bands(chances.agreement(left, right))
            };
            let [left, right] = [a, b].map(|document| &fetched.get(document).set);
            Some(Edge {
                a,
                b,
                similarity: left.similarity_by(right, self.settings.rule())?,
                found,
            })
        };
        pairs.par_iter().filter_map(verify).collect()
    }

    /// The join of sets that share no rare shingle.
    pub(crate) fn common(
        &self,
        rarity: &Rarity,
        mostly_common: Vec<MostlyCommon>,
    ) -> Result<CommonJoin, Error> {
        let common_of = OnDisk {
            joining: self,
            rarity,
        };
        let is_indexed = |document| self.indexed_from.is_indexed(document);
        CommonJoin::new(
            mostly_common,
            self.certain.joins.len(),
            self.threshold(),
            is_indexed,
            &common_of,
        )
    }
}

/// Sets on the disk.
struct OnDisk<'a> {
    joining: &'a Joining<'a>,
    rarity: &'a Rarity,
}

impl CommonOf for OnDisk<'_> {
    type Error = Error;

    fn for_each(
        &self,
        sets: &[u32],
        part: Part,
        mut each: impl FnMut(usize, Common),
    ) -> Result<(), Error> {
        let (first, last) = part.hashes();
        let stored = self.joining.stored;
        let numbered: Vec<(usize, u32)> = sets.iter().copied().enumerate().collect();
        let batch = self.joining.plan.batch;
        for (run, documents) in runs(&numbered, stored, batch, |&(_, set)| [set, set]) {
            let fetched = stored.fetch(&documents)?;
            for &(number, set) in run {
                let hashes = fetched.get(set).set.parts().others;
                self.rarity.for_each_common(hashes, |hash| {
                    if (first..=last).contains(&hash) {
                        each(number, Common::Hashed(hash));
                    }
                });
            }
        }
        Ok(())
    }

    /// One part, since each part would read all sets.
    fn parts(&self) -> usize {
        1
    }

    fn numbered(&self) -> usize {
        0
    }
}
