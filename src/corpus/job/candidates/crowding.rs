//! Finds documents that share bands, from keys in partitions on the disk.
//!
//! As in memory, documents that share a bucket are candidates. The largest buckets are *crowded*; their documents are
//! joined instead.

use std::collections::{BTreeMap, HashMap};

use crate::boundary::IndexedFrom;
use crate::candidates::Crowds;
use crate::corpus::error::Error;
use crate::corpus::job::candidates::first_documents::FirstDocuments;
use crate::corpus::job::disk::collisions::{Bucket, buckets};
use crate::corpus::job::disk::folder::{Bytes as _, Folder, Whole};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::{Partitioner, Partitions};
use crate::corpus::job::memory_plan::MemoryPlan;
use crate::watch::Ticker;

/// How a document takes part in the later stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Mark {
    /// It resembles no other document.
    #[default]
    None,
    /// It has a copy, or is one.
    Copy,
    /// It shares a bucket that is not crowded.
    Candidate,
    /// It may take part in the join.
    Joins,
}

impl Mark {
    pub(crate) fn may_have_partner(self) -> bool {
        self >= Self::Candidate
    }

    pub(crate) fn number(self) -> u32 {
        self as u32
    }

    pub(crate) fn of(number: u32) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Copy,
            2 => Self::Candidate,
            _ => Self::Joins,
        }
    }
}

/// Finds buckets and candidates.
pub(crate) struct Crowding<'c> {
    pub(crate) folder: &'c Folder,
    pub(crate) plan: &'c MemoryPlan,
    pub(crate) firsts: &'c FirstDocuments,
    pub(crate) indexed_from: IndexedFrom,
    /// Pairs that are compared in buckets, at most.
    pub(crate) most_pairs: u64,
}

/// The documents and pairs of all buckets.
pub(crate) struct InBuckets {
    pub(crate) candidates: Whole,
    pub(crate) marks: Vec<Mark>,
    pub(crate) crowds: Vec<Crowds>,
    /// The number of pairs in crowded buckets.
    pub(crate) in_crowds: u64,
}

/// Marks a bucket that is written as a whole, in place of the number of one that is written in parts.
const WHOLE: u32 = u32::MAX;

/// The sizes of buckets.
#[derive(Default)]
struct Sizes {
    /// For each size, the number of pairs in all buckets of this size.
    pairs: BTreeMap<u32, u64>,
    /// For each bucket that is written in parts, the number of its new documents, and of all.
    in_parts: Vec<[u32; 2]>,
}

impl Sizes {
    fn add(&mut self, [new, all]: [u32; 2]) {
        if new > 0 && all > 1 {
            let (new, indexed) = (u64::from(new), u64::from(all - new));
            *self.pairs.entry(all).or_default() += new * (new - 1) / 2 + new * indexed;
        }
    }

    /// The least size of a crowded bucket.
    fn crowded(&self, most_pairs: u64) -> u32 {
        let mut left = most_pairs;
        let too_large = self.pairs.iter().find(|&(_, &pairs)| {
            let fits = pairs <= left;
            left = left.saturating_sub(pairs);
            !fits
        });
        too_large.map_or(u32::MAX, |(&size, _)| size)
    }
}

impl Crowding<'_> {
    /// Writes the candidates of uncrowded buckets, and marks the documents of all buckets.
    pub(crate) fn find(&self, ticker: &Ticker<'_>) -> Result<InBuckets, Error> {
        let mut sizes = self.write_buckets(ticker)?;
        for counts in std::mem::take(&mut sizes.in_parts) {
            sizes.add(counts);
            sizes.in_parts.push(counts);
        }
        let crowded = sizes.crowded(self.most_pairs);
        let documents = self.firsts.0.len();
        let mut marks = vec![Mark::None; documents];
        let parts = self.plan.parts;
        let mut candidates =
            Partitioner::create(self.folder, names::CANDIDATES, parts, self.plan.buffers)?;
        let mut buckets = self.folder.open(names::BUCKETS)?;
        let mut bucket = Vec::new();
        let mut crowds = vec![Crowds::default(); documents];
        while let Some(number) = buckets.next_u32()? {
            let crowd = Crowds(buckets.u32()?);
            bucket.clear();
            for _ in 0..buckets.u32()? {
                bucket.push(buckets.u32()?);
            }
            let [new, all] = match number {
                WHOLE => self.counts(&bucket),
                number => sizes.in_parts[number as usize],
            };
            if new == 0 {
                continue;
            }
            let mark = match all >= crowded {
                true => Mark::Joins,
                false => Mark::Candidate,
            };
            for &document in &bucket {
                let own = &mut marks[document as usize];
                *own = mark.max(*own);
                if mark == Mark::Joins {
                    crowds[document as usize].add(crowd);
                }
            }
            if mark == Mark::Candidate {
                for (place, &a) in bucket.iter().enumerate() {
                    if self.indexed_from.is_new(a) {
                        let pairs = bucket[place + 1..].iter().map(|&b| (a, b));
                        pairs.into_iter().try_for_each(|pair| {
                            write_candidate(&mut candidates, pair, documents)
                        })?;
                    }
                }
            }
        }
        self.folder.remove(&[names::BUCKETS]);
        let in_crowds = sizes.pairs.range(crowded..).map(|(_, pairs)| pairs).sum();
        Ok(InBuckets {
            candidates: candidates.finish()?,
            marks,
            crowds,
            in_crowds,
        })
    }

    /// The number of new documents in a bucket, and of all.
    fn counts(&self, bucket: &[u32]) -> [u32; 2] {
        let new = self.indexed_from.new_of(bucket);
        [new as u32, bucket.len() as u32]
    }

    /// Writes all buckets of two or more documents.
    fn write_buckets(&self, ticker: &Ticker<'_>) -> Result<Sizes, Error> {
        let keys = Partitions::open(self.folder, names::KEYS)?;
        let mut writing = self.folder.create(names::BUCKETS, 1 << 16)?;
        let mut sizes = Sizes::default();
        let is_asked = |document: u32| self.firsts.is_first(document);
        for part in 0..keys.len() {
            let mut numbers: HashMap<u64, u32> = HashMap::new();
            buckets(&keys, part, self.plan.keys, is_asked, |bucket| {
                let (number, key, documents) = match bucket {
                    Bucket::Whole(key, documents) => {
                        sizes.add(self.counts(documents));
                        (WHOLE, key, documents)
                    }
                    Bucket::Part(key, documents) => {
                        let number = *numbers.entry(key).or_insert_with(|| {
                            sizes.in_parts.push([0; 2]);
                            sizes.in_parts.len() as u32 - 1
                        });
                        let more = self.counts(documents);
                        let counts = &mut sizes.in_parts[number as usize];
                        *counts = [counts[0] + more[0], counts[1] + more[1]];
                        (number, key, documents)
                    }
                };
                let header = [number, Crowds::of(key).0, documents.len() as u32];
                let mut numbers = header.into_iter().chain(documents.iter().copied());
                numbers.try_for_each(|number| writing.write(&number.to_le_bytes()))
            })?;
            ticker.tick(1)?;
        }
        writing.finish()?;
        Ok(sizes)
    }
}

/// Writes a candidate pair to the part of its first document.
pub(crate) fn write_candidate(
    to: &mut Partitioner<'_>,
    (a, b): (u32, u32),
    documents: usize,
) -> Result<(), Error> {
    let part = (a as usize * to.parts()) / documents;
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&a.to_le_bytes());
    bytes[4..].copy_from_slice(&b.to_le_bytes());
    to.write(part, &bytes)
}
