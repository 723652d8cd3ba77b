//! The join itself: who may be similar to whom, by rare shingles and by common parts.

use rayon::prelude::*;

use super::classes::{Classes, NONE};
use super::connect::connect;
use super::lead::Leading;
use super::lists::Lists;
use super::partners::Partners;
use super::scan::{MostlyCommon, Rarity, scan};
use super::work::{OutOfWork, Work};
use crate::error::Error;
use crate::threshold::Threshold;
use crate::union_find::UnionFind;
use crate::watch::Ticker;

/// Sets brought so far that those similar to each can be found.
///
/// Sets that take part have *places*, by size, equals by number.
#[derive(Debug)]
pub(crate) struct Join {
    threshold: Threshold,
    /// The set at each place, and the place of each set.
    set_at: Vec<u32>,
    place_of: Vec<u32>,
    lists: Lists,
    classes: Classes,
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
    /// The join of those sets that are not empty; hashes ascend. Sets for which `is_indexed` says so are not to be
    /// joined with each other by their common parts. `ticker` is for the sets.
    pub(crate) fn new(
        sets: &[&[u64]],
        threshold: Threshold,
        is_indexed: impl Fn(u32) -> bool + Sync,
        ticker: &Ticker<'_>,
    ) -> Result<Self, Error> {
        let (set_at, ordered) = by_size(sets);
        ticker.tick(sets.len() - ordered.len())?;
        let rarity = Rarity::new(&ordered);
        let join = Self::by(&rarity, set_at, &ordered, sets.len(), threshold, is_indexed);
        ticker.tick(ordered.len())?;
        Ok(join)
    }

    fn by(
        rarity: &Rarity,
        set_at: Vec<u32>,
        ordered: &[&[u64]],
        all: usize,
        threshold: Threshold,
        is_indexed: impl Fn(u32) -> bool + Sync,
    ) -> Self {
        let mut place_of = vec![NONE; all];
        for (place, &set) in (0..).zip(&set_at) {
            place_of[set as usize] = place;
        }
        let mut scanned = scan(ordered, rarity, threshold);
        let mostly_common: Vec<MostlyCommon> = scanned
            .iter_mut()
            .flat_map(|scanned| std::mem::take(&mut scanned.mostly_common))
            .collect();
        let is_indexed = |place: u32| is_indexed(set_at[place as usize]);
        let (lists, classes) = rayon::join(
            || Lists::new(ordered, &scanned, threshold),
            || Classes::new(mostly_common, ordered, rarity, threshold, is_indexed),
        );
        Self {
            threshold,
            place_of,
            lists,
            classes,
            set_at,
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

    /// Connects sets that are similar by common shingles alone, as far as it changes components.
    pub(crate) fn connect(&self, components: &mut UnionFind, work: Work) -> Result<(), OutOfWork> {
        connect(
            &self.classes,
            self.threshold,
            &self.set_at,
            components,
            work,
        )
    }

    /// To keep or remove sets one after the other, by what they share in common shingles alone.
    pub(crate) fn leading(&self, work: Work) -> Leading<'_> {
        Leading::new(&self.classes, self.threshold, work)
    }

    /// The place of a set, where it takes part.
    pub(crate) fn place(&self, set: u32) -> Option<u32> {
        Some(self.place_of[set as usize]).filter(|&place| place != NONE)
    }

    /// The set at a place.
    pub(crate) fn set_at(&self, place: u32) -> u32 {
        self.set_at[place as usize]
    }

    /// Which sets are similar by common shingles alone.
    pub(crate) fn partners(&self, work: Work) -> Result<Partners<'_>, OutOfWork> {
        Partners::new(&self.classes, self.threshold, work)
    }
}

/// The sets that are not empty by size, equals by number, and their hashes.
fn by_size<'s>(sets: &[&'s [u64]]) -> (Vec<u32>, Vec<&'s [u64]>) {
    let sizes = (0..).zip(sets).map(|(set, hashes)| (hashes.len(), set));
    let mut order: Vec<(usize, u32)> = sizes.filter(|&(size, _)| size > 0).collect();
    order.par_sort_unstable();
    let ordered = order.iter().map(|&(_, set)| sets[set as usize]).collect();
    (order.into_iter().map(|(_, set)| set).collect(), ordered)
}

#[cfg(test)]
mod tests;
