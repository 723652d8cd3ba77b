//! The join, which finds similar sets by rare shingles and by common parts; contained or weighted sets by probes.

use std::convert::Infallible;

use super::classes::{Common, CommonOf, Part};
use super::common::CommonJoin;
use super::frequencies::Frequencies;
use super::lists::Lists;
use super::probes::ProbeLists;
use super::scan::{MostlyCommon, Rarity, scan};
use crate::error::Error;
use crate::frequent::{Frequent, Parts, for_each_bit};
use crate::similarity::{Measure, Rule};
use crate::threshold::Threshold;
use crate::watch::Ticker;
use crate::weights::WeightedSet;

/// Index of sets, to find those that are similar to a given one.
#[derive(Debug)]
pub(crate) struct Join {
    lists: ListsOf,
    common: CommonJoin,
}

/// Lists of sets that share a shingle.
#[derive(Debug)]
enum ListsOf {
    Similar(Lists),
    ByProbes(ProbeLists),
}

/// The sets that were found for a given one, without duplicates. Each thread reuses one as working memory.
#[derive(Debug, Default)]
pub(crate) struct Near {
    /// The sets that were found, in any order.
    pub(crate) sets: Vec<u32>,
    /// The last round in which each set was found.
    found: Vec<u32>,
    round: u32,
}

impl Near {
    /// Starts a new round, with no sets found. There are `all` sets.
    pub(crate) fn begin(&mut self, all: usize) {
        self.sets.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 || self.found.len() != all {
            self.found.clear();
            self.found.resize(all, 0);
            self.round = 1;
        }
    }

    /// Adds the sets that were not found before in this round.
    pub(crate) fn extend(&mut self, sets: impl Iterator<Item = u32>) {
        for set in sets {
            if self.is_new(set) {
                self.sets.push(set);
            }
        }
    }

    /// Marks a set as found. True if it was not found before in this round.
    #[inline]
    pub(crate) fn is_new(&mut self, set: u32) -> bool {
        let found = &mut self.found[set as usize];
        let is_new = *found != self.round;
        *found = self.round;
        is_new
    }
}

impl Join {
    /// Builds the join of the sets that are not empty. Sets for which `is_indexed` is true are not joined with each
    /// other by their common parts. `ticker` counts sets.
    pub(crate) fn new(
        sets: &[Parts<'_>],
        frequent: &Frequent,
        rule: Rule,
        is_indexed: impl Fn(u32) -> bool + Send + Sync,
        ticker: &Ticker<'_>,
    ) -> Result<Self, Error> {
        let frequencies = Frequencies::new(sets);
        let join = match rule.measure {
            Measure::Jaccard => {
                let rarity = Rarity::new(frequencies, frequent.hashes());
                let numbered = frequent.hashes().len();
                Self::by(&rarity, sets, numbered, rule.threshold, is_indexed)
            }
            Measure::Containment => Self::containment(&frequencies, sets, rule.threshold),
        };
        ticker.tick(sets.len())?;
        Ok(join)
    }

    /// Builds the join by containment of sets without numbered shingles. It has no common parts.
    fn containment(frequencies: &Frequencies, sets: &[Parts<'_>], threshold: Threshold) -> Self {
        Self {
            lists: ListsOf::ByProbes(ProbeLists::new(sets, frequencies, threshold)),
            common: CommonJoin::none(sets.len(), threshold),
        }
    }

    /// Builds the join of weighted sets. It has no common parts.
    pub(crate) fn weighted(sets: &[WeightedSet], rule: Rule) -> Self {
        Self {
            lists: ListsOf::ByProbes(ProbeLists::weighted(sets, rule)),
            common: CommonJoin::none(sets.len(), rule.threshold),
        }
    }

    /// Builds the join of sets in which `numbered` shingles have numbers.
    fn by(
        rarity: &Rarity,
        sets: &[Parts<'_>],
        numbered: usize,
        threshold: Threshold,
        is_indexed: impl Fn(u32) -> bool + Send + Sync,
    ) -> Self {
        let mut scanned = scan(sets, rarity, threshold);
        let mut mostly_common = Vec::new();
        let mut common_of = InMemory {
            sets,
            numbered,
            bits: Vec::new(),
            bits_from: Vec::new(),
        };
        for some in &mut scanned {
            common_of.push(&some.mostly_common, &mut some.bits);
            mostly_common.append(&mut some.mostly_common);
        }
        let (lists, common) = rayon::join(
            || Lists::new(sets, &scanned, threshold),
            || CommonJoin::new(mostly_common, sets.len(), threshold, is_indexed, &common_of),
        );
        let Ok(common) = common;
        let lists = ListsOf::Similar(lists);
        Self { lists, common }
    }

    /// Whether a set takes part in the join. All similar pairs of such sets are found.
    pub(crate) fn has(&self, set: u32) -> bool {
        match &self.lists {
            ListsOf::Similar(lists) => lists.has(set as usize),
            ListsOf::ByProbes(lists) => lists.has(set as usize),
        }
    }

    /// Adds to `near` sets that share a rare shingle with this one and may be similar. These include all that are
    /// similar.
    pub(crate) fn near(&self, set: u32, near: &mut Near) {
        match &self.lists {
            ListsOf::Similar(lists) => lists.near(set as usize, |other| {
                if near.is_new(other) && lists.may_overlap(set as usize, other as usize) {
                    near.sets.push(other);
                }
            }),
            ListsOf::ByProbes(lists) => near.extend(lists.near(set as usize)),
        }
    }

    /// The most sets that [`near`](Self::near) visits for this one.
    pub(crate) fn met(&self, set: u32) -> usize {
        match &self.lists {
            ListsOf::Similar(lists) => lists.met(set as usize),
            ListsOf::ByProbes(lists) => lists.met(set as usize),
        }
    }

    /// The most visits of [`near`](Self::near) for all sets together.
    pub(crate) fn looks(&self) -> u64 {
        match &self.lists {
            ListsOf::Similar(lists) => lists.looks(),
            ListsOf::ByProbes(lists) => lists.looks(),
        }
    }

    /// The join of sets that share no rare shingle.
    pub(crate) fn common(&self) -> &CommonJoin {
        &self.common
    }
}

/// The common shingles of sets in memory.
struct InMemory<'a> {
    sets: &'a [Parts<'a>],
    /// The number of shingles that have numbers.
    numbered: usize,
    /// For mostly common sets, masks of 64 bits of the shingles without numbers: set bits are common shingles.
    bits: Vec<u64>,
    /// The start of the masks of each set that has some.
    bits_from: Vec<usize>,
}

impl InMemory<'_> {
    /// Appends the masks of more sets.
    fn push(&mut self, mostly_common: &[MostlyCommon], bits: &mut Vec<u64>) {
        let mut end = self.bits.len();
        for &MostlyCommon { set, .. } in mostly_common {
            self.bits_from.resize(set as usize, end);
            self.bits_from.push(end);
            end += self.sets[set as usize].others.len().div_ceil(64);
        }
        self.bits.append(bits);
    }
}

impl CommonOf for InMemory<'_> {
    type Error = Infallible;

    fn for_each(
        &self,
        sets: &[u32],
        part: Part,
        mut each: impl FnMut(usize, Common),
    ) -> Result<(), Infallible> {
        let (first, last) = part.hashes();
        let numbers = part.numbers(self.numbered());
        for (number, &set) in sets.iter().enumerate() {
            let bits = &self.bits[self.bits_from[set as usize]..];
            let set = self.sets[set as usize];
            let from = |bound: usize| {
                let before = |&number: &u16| usize::from(number) < bound;
                set.frequent.partition_point(before)
            };
            for &frequent in &set.frequent[from(numbers.start)..from(numbers.end)] {
                each(number, Common::Numbered(frequent));
            }
            let hashes = set.others;
            let from = hashes.partition_point(|&hash| hash < first) / 64;
            let words = hashes.chunks(64).zip(bits).skip(from);
            for (hashes, &word) in words {
                if hashes[0] > last {
                    break;
                }
                for_each_bit(word, |i| {
                    if (first..=last).contains(&hashes[i]) {
                        each(number, Common::Hashed(hashes[i]));
                    }
                });
            }
        }
        Ok(())
    }

    fn parts(&self) -> usize {
        rayon::current_num_threads()
    }

    fn numbered(&self) -> usize {
        self.numbered
    }
}

#[cfg(test)]
mod tests;
