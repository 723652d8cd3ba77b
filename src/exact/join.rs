//! The join itself: who may be similar to whom, by rare shingles and by common parts.

use std::convert::Infallible;

use rayon::prelude::*;

use super::classes::{Common, CommonOf, NONE, Part};
use super::common::CommonJoin;
use super::frequencies::Frequencies;
use super::lists::Lists;
use super::scan::{MostlyCommon, Rarity, scan};
use crate::error::Error;
use crate::frequent::{Frequent, Parts, for_each_bit};
use crate::threshold::Threshold;
use crate::watch::Ticker;

/// Sets brought so far that those similar to each can be found.
///
/// Sets that take part have *places*, by size, equals by number.
#[derive(Debug)]
pub(crate) struct Join {
    /// The set at each place, and the place of each set.
    set_at: Vec<u32>,
    place_of: Vec<u32>,
    lists: Lists,
    common: CommonJoin,
}

/// Sets that are found, each once, and the memory to find them in, of which each thread keeps its own.
#[derive(Debug, Default)]
pub(crate) struct Near {
    /// The sets that were found, in no order.
    pub(crate) sets: Vec<u32>,
    /// The round in which each set was found last.
    found: Vec<u32>,
    round: u32,
}

impl Near {
    /// Forgets what was found before; of `all` sets.
    pub(crate) fn begin(&mut self, all: usize) {
        self.sets.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 || self.found.len() != all {
            self.found.clear();
            self.found.resize(all, 0);
            self.round = 1;
        }
    }

    /// Adds sets that are new.
    pub(crate) fn extend(&mut self, sets: impl Iterator<Item = u32>) {
        for set in sets {
            if self.is_new(set) {
                self.sets.push(set);
            }
        }
    }

    /// True the first time in a round.
    #[inline]
    pub(crate) fn is_new(&mut self, set: u32) -> bool {
        let found = &mut self.found[set as usize];
        let is_new = *found != self.round;
        *found = self.round;
        is_new
    }
}

impl Join {
    /// The join of those sets that are not empty. Sets for which `is_indexed` says so are not to be
    /// joined with each other by their common parts. `ticker` is for the sets.
    pub(crate) fn new(
        sets: &[Parts<'_>],
        frequent: &Frequent,
        threshold: Threshold,
        is_indexed: impl Fn(u32) -> bool + Send + Sync,
        ticker: &Ticker<'_>,
    ) -> Result<Self, Error> {
        let (set_at, ordered) = by_size(sets);
        ticker.tick(sets.len() - ordered.len())?;
        let rarity = Rarity::new(Frequencies::new(&ordered), frequent.hashes());
        let ordered = Ordered {
            set_at,
            sets: ordered,
            numbered: frequent.hashes().len(),
        };
        let many = ordered.sets.len();
        let join = Self::by(&rarity, ordered, sets.len(), threshold, is_indexed);
        ticker.tick(many)?;
        Ok(join)
    }

    fn by(
        rarity: &Rarity,
        ordered: Ordered<'_>,
        all: usize,
        threshold: Threshold,
        is_indexed: impl Fn(u32) -> bool + Send + Sync,
    ) -> Self {
        let Ordered { set_at, sets, .. } = &ordered;
        let mut place_of = vec![NONE; all];
        for (place, &set) in (0..).zip(set_at) {
            place_of[set as usize] = place;
        }
        let mut scanned = scan(sets, rarity, threshold);
        let (mut mostly_common, mut bits) = (Vec::new(), Bits::default());
        for some in &mut scanned {
            bits.all.append(&mut some.bits);
            for set in some.mostly_common.drain(..) {
                bits.start_of(set.set, sets);
                mostly_common.push(MostlyCommon {
                    set: set_at[set.set as usize],
                    ..set
                });
            }
        }
        let common_of = InMemory {
            ordered: &ordered,
            place_of: &place_of,
            bits,
        };
        let (lists, common) = rayon::join(
            || Lists::new(sets, &scanned, threshold),
            || CommonJoin::new(mostly_common, all, threshold, is_indexed, &common_of),
        );
        let Ok(common) = common;
        Self {
            set_at: ordered.set_at,
            place_of,
            lists,
            common,
        }
    }

    /// Whether a set takes part: all that are similar to it among those that do are found.
    pub(crate) fn has(&self, set: u32) -> bool {
        self.place_of[set as usize] != NONE
    }

    /// Adds sets to `near` that share a rare shingle with this one and may be similar to it: all of these that are.
    pub(crate) fn near(&self, set: u32, near: &mut Near) {
        let place = self.place_of[set as usize];
        if place == NONE {
            return;
        }
        self.lists.near(place as usize, |other| {
            let set = self.set_at[other as usize];
            if near.is_new(set) && self.lists.may_overlap(place as usize, other as usize) {
                near.sets.push(set);
            }
        });
    }

    /// How many sets [`near`](Self::near) looks at for one, at most.
    pub(crate) fn met(&self, set: u32) -> usize {
        match self.place_of[set as usize] {
            NONE => 0,
            place => self.lists.met(place as usize),
        }
    }

    /// How often it looks at another, for all sets, at most.
    pub(crate) fn looks(&self) -> u64 {
        self.lists.looks()
    }

    /// The join of those that share no rare shingle.
    pub(crate) fn common(&self) -> &CommonJoin {
        &self.common
    }
}

/// Sets by their places.
struct Ordered<'s> {
    set_at: Vec<u32>,
    sets: Vec<Parts<'s>>,
    /// How many shingles are told by numbers.
    numbered: usize,
}

/// Which shingles of sets, of those that are not told by numbers, are common, 64 in a word.
#[derive(Default)]
struct Bits {
    all: Vec<u64>,
    /// Where the words of each place begin, as far as it has any.
    starts: Vec<u32>,
    end: u32,
}

impl Bits {
    /// The words of a place follow those of the place before it.
    fn start_of(&mut self, place: u32, sets: &[Parts<'_>]) {
        self.starts.resize(place as usize, self.end);
        self.starts.push(self.end);
        self.end += sets[place as usize].others.len().div_ceil(64) as u32;
    }

    fn of(&self, place: u32) -> &[u64] {
        &self.all[self.starts[place as usize] as usize..]
    }
}

/// Sets in memory.
struct InMemory<'a> {
    ordered: &'a Ordered<'a>,
    place_of: &'a [u32],
    bits: Bits,
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
            let place = self.place_of[set as usize];
            let set = self.ordered.sets[place as usize];
            let from = |bound: usize| {
                let before = |&number: &u16| usize::from(number) < bound;
                set.frequent.partition_point(before)
            };
            for &frequent in &set.frequent[from(numbers.start)..from(numbers.end)] {
                each(number, Common::Numbered(frequent));
            }
            let hashes = set.others;
            let from = hashes.partition_point(|&hash| hash < first) / 64;
            let words = hashes.chunks(64).zip(self.bits.of(place)).skip(from);
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
        self.ordered.numbered
    }
}

/// The sets that are not empty by size, equals by number, and what they are.
fn by_size<'s>(sets: &[Parts<'s>]) -> (Vec<u32>, Vec<Parts<'s>>) {
    let sizes = (0..).zip(sets).map(|(number, set)| (set.len(), number));
    let mut order: Vec<(usize, u32)> = sizes.filter(|&(size, _)| size > 0).collect();
    order.par_sort_unstable();
    let ordered = order.iter().map(|&(_, set)| sets[set as usize]).collect();
    (order.into_iter().map(|(_, set)| set).collect(), ordered)
}

#[cfg(test)]
mod tests;
