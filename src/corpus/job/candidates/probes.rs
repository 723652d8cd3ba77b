//! The joins by containment and by weights of shingle sets on the disk.

use crate::corpus::error::Error;
use crate::corpus::job::candidates::crowding::write_candidate;
use crate::corpus::job::candidates::joining::Joining;
use crate::corpus::job::disk::folder::Bytes as _;
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::{Partitioner, Partitions, part_of};
use crate::corpus::job::disk::rounds::{Round, Written, for_each_round};
use crate::exact::{Probed, Probing, listed_of_weighted};
use crate::verify::Measure;
use crate::watch::Ticker;

/// A set with a shingle that is a probe of some set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    hash: u64,
    is_other: bool,
    set: u32,
    /// The size or the order of the set.
    size: u32,
}

impl Listed {
    const BYTES: usize = 16;
    const OTHER: u32 = 1 << 31;

    /// Makes the entries of a set, of its shingles and whether each is a probe of it.
    fn of(set: u32, size: u32) -> impl Fn((u64, bool)) -> Self {
        move |(hash, is_probe)| Self {
            hash,
            is_other: !is_probe,
            set,
            size,
        }
    }

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let size = self.size.min(Self::OTHER - 1) | if self.is_other { Self::OTHER } else { 0 };
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.hash.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.set.to_le_bytes());
        bytes[12..].copy_from_slice(&size.to_le_bytes());
        bytes
    }

    fn of_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let bits = u128::from_le_bytes(bytes);
        let size = (bits >> 96) as u32;
        Self {
            hash: bits as u64,
            is_other: size & Self::OTHER != 0,
            set: (bits >> 64) as u32,
            size: size & !Self::OTHER,
        }
    }
}

impl Joining<'_> {
    /// Writes candidates: the pairs of sets in which the larger has a probe of the smaller.
    pub(crate) fn list_by_probes(&self, ticker: &Ticker<'_>) -> Result<(), Error> {
        match self.distinct {
            None => self.list_contained()?,
            Some(distinct) => self.list_weighted(distinct)?,
        }
        let listed = Partitions::open(self.folder, names::LISTED)?;
        let buffers = self.plan.buffers;
        let mut candidates = Partitioner::create(self.folder, names::JOINED, self.parts, buffers)?;
        let mut looks = 0;
        for part in 0..listed.len() {
            let mut all = Vec::with_capacity(listed.bytes(part) as usize / Listed::BYTES);
            let (mut reader, mut bytes) = (listed.read(part)?, [0; Listed::BYTES]);
            while reader.fill(&mut bytes)? {
                all.push(Listed::of_bytes(bytes));
            }
            all.sort_unstable();
            for list in all.chunk_by(|a, b| a.hash == b.hash) {
                self.write_pairs(list, &mut looks, &mut candidates)?;
            }
            ticker.tick(1)?;
        }
        candidates.finish()?;
        self.folder.remove(&[names::LISTED]);
        Ok(())
    }

    /// Lists sets without weights.
    fn list_contained(&self) -> Result<(), Error> {
        let frequencies = self.frequencies(self.plan.table / 2)?;
        let probed = Probed::with_bits(4 * frequencies.len());
        let threshold = self.settings.rule().threshold;
        let choosing = || (Probing::new(&frequencies, threshold), Vec::new());
        self.for_each_set(choosing, |(probing, set), record| {
            set.clear();
            set.extend(record.hashes());
            probing.choose(set);
            probed.mark(&probing.probes);
        })?;
        self.write_listed(choosing, |(probing, set), record, all| {
            set.clear();
            set.extend(record.hashes());
            probing.choose(set);
            let size = set.len() as u32;
            let listed = probed.listed(set, &probing.probes);
            all.extend(listed.map(Listed::of(record.document, size)));
        })
    }

    /// Lists sets with weights.
    fn list_weighted(&self, distinct: u64) -> Result<(), Error> {
        let rule = self.settings.rule();
        // By Jaccard similarity, only probes are listed.
        let mut probed = None;
        if rule.measure == Measure::Containment {
            let shingles = self.sets.bytes(0) as usize / 12;
            let bits = Probed::with_bits(4 * shingles.min(self.plan.table));
            self.for_each_set(
                || (),
                |(), record| {
                    let set = record.weighted(distinct);
                    bits.mark(&set.common()[..set.probes(rule.threshold.0)]);
                },
            )?;
            probed = Some(bits);
        }
        self.write_listed(
            || (),
            |(), record, all| {
                let set = record.weighted(distinct);
                let listed = listed_of_weighted(&set, rule, probed.as_ref());
                all.extend(listed.map(Listed::of(record.document, set.order())));
            },
        )
    }

    /// Calls `each` with all records in parallel, and working memory.
    fn for_each_set<M>(
        &self,
        memory: impl Fn() -> M + Sync,
        each: impl Fn(&mut M, Written<'_>) + Sync,
    ) -> Result<(), Error> {
        let mark = |round: &Round| {
            round.in_parallel(|records| {
                let mut memory = memory();
                records.for_each(|record| each(&mut memory, record));
            });
            Ok(())
        };
        for_each_round(self.sets, 0, self.plan.round, mark, Ok)
    }

    /// Writes the shingles that may be probes, with the sets that have them, partitioned by their first bits. `add` appends
    /// those of a record.
    fn write_listed<M>(
        &self,
        memory: impl Fn() -> M + Sync,
        add: impl Fn(&mut M, Written<'_>, &mut Vec<Listed>) + Sync,
    ) -> Result<(), Error> {
        let parts = self.plan.parts;
        let mut listed = Partitioner::create(self.folder, names::LISTED, parts, self.plan.buffers)?;
        let list = |round: &Round| {
            Ok(round.in_parallel(|records| {
                let (mut memory, mut all) = (memory(), Vec::new());
                records.for_each(|record| add(&mut memory, record, &mut all));
                all
            }))
        };
        let take = |made: Vec<Vec<Listed>>| {
            made.into_iter()
                .flatten()
                .try_for_each(|one: Listed| listed.write(part_of(one.hash, parts), &one.to_bytes()))
        };
        for_each_round(self.sets, 0, self.plan.round, list, take)?;
        listed.finish()?;
        Ok(())
    }

    /// Writes the pairs of a list, which has the sets of which the shingle is a probe first. Adds them to `looks`, and
    /// fails if these are too many.
    fn write_pairs(
        &self,
        list: &[Listed],
        looks: &mut u64,
        candidates: &mut Partitioner<'_>,
    ) -> Result<(), Error> {
        let probing = list.partition_point(|listed| !listed.is_other);
        *looks += 2 * probing as u64 * list.len() as u64;
        if let Some(reason) = self.settings.budget().refuses_work(*looks) {
            return Err(reason.too_large(true).into());
        }
        for (place, small) in list[..probing].iter().enumerate() {
            // If the shingle is a probe of both, exactly one of the two orders writes the pair.
            let (before, others) = (&list[..place], &list[place + 1..]);
            let larger = others.iter().filter(|other| other.size >= small.size);
            let smaller = before.iter().filter(|other| other.size > small.size);
            for large in larger.chain(smaller) {
                let (a, b) = (small.set.min(large.set), small.set.max(large.set));
                if self.indexed_from.is_new(a) {
                    write_candidate(candidates, (a, b), self.certain.joins.len())?;
                }
            }
        }
        Ok(())
    }
}
