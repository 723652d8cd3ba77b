//! The join itself: an index of prefixes, and who meets whom in it.

use rayon::prelude::*;

use super::bitmap::Bitmaps;
use super::prefix::{Order, Posting, Prefixes};
use crate::counting::starts;
use crate::error::Error;
use crate::repeated::Keyed;
use crate::threshold::Threshold;
use crate::watch::Ticker;

/// Sets brought so far that the candidates of each can be told.
///
/// Sets that may have partners have *places*, by size, equals by number.
#[derive(Debug)]
pub(crate) struct Join {
    threshold: Threshold,
    /// The set at each place, and its size.
    sets: Vec<u32>,
    sizes: Vec<u32>,
    /// The places whose sizes may be similar to that of each place: from, and to.
    within: Vec<(u32, u32)>,
    /// The shingles of place p that others have too: `shared[shared_from[p]..shared_from[p + 1]]`.
    shared_from: Vec<usize>,
    shared: Vec<Shared>,
    /// By the first place in them, so that a set finds most of its lists beside each other.
    lists: Vec<List>,
    postings: Vec<Posting>,
    bitmaps: Bitmaps,
}

/// A shingle of a set: its list, and the number of the set's own posting there.
#[derive(Debug, Clone, Copy, Default)]
struct Shared {
    list: u32,
    own: u32,
}

/// The sets with a shingle in their prefixes: `postings[from..late]` have it early, in the part of the prefix that is
/// asked of the smaller of two sets, `postings[late..to]` have it later. Both ascend.
#[derive(Debug, Clone, Copy)]
struct List {
    from: u32,
    late: u32,
    to: u32,
}

/// Which candidates are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Those at later places: each pair once.
    Later,
    All,
}

/// The candidates of a set, and the memory to find them in, of which each thread keeps its own.
#[derive(Debug, Default)]
pub(crate) struct Near {
    /// The places that were found, in no order.
    pub(crate) places: Vec<u32>,
    /// The round in which each place was found last.
    found: Vec<u32>,
    round: u32,
}

impl Near {
    fn begin(&mut self, places: usize) {
        self.places.clear();
        self.round = self.round.wrapping_add(1);
        if self.round == 0 || self.found.len() != places {
            self.found.clear();
            self.found.resize(places, 0);
            self.round = 1;
        }
    }
}

impl Join {
    /// The join of those sets that are not empty; hashes ascend. `ticker` is for the sets.
    pub(crate) fn new(
        sets: &[&[u64]],
        threshold: Threshold,
        ticker: &Ticker<'_>,
    ) -> Result<Self, Error> {
        let numbers = 0..sets.len() as u32;
        let mut order: Vec<u32> = numbers
            .filter(|&set| !sets[set as usize].is_empty())
            .collect();
        order.par_sort_unstable_by_key(|&set| (sets[set as usize].len(), set));
        let all = order.len();
        ticker.tick(sets.len() - all)?;
        let ordered: Vec<&[u64]> = order.iter().map(|&set| sets[set as usize]).collect();
        let sizes: Vec<u32> = ordered.iter().map(|set| set.len() as u32).collect();
        let mut join = Self {
            threshold,
            within: within(&sizes, threshold),
            sets: order,
            sizes,
            bitmaps: Bitmaps::new(&ordered),
            ..Self::empty(threshold)
        };
        join.index(&Prefixes::new(&ordered, threshold));
        ticker.tick(all)?;
        Ok(join)
    }

    fn empty(threshold: Threshold) -> Self {
        Self {
            threshold,
            sets: Vec::new(),
            sizes: Vec::new(),
            within: Vec::new(),
            shared_from: Vec::new(),
            shared: Vec::new(),
            lists: Vec::new(),
            postings: Vec::new(),
            bitmaps: Bitmaps::default(),
        }
    }

    /// Chooses the order of shingles, and makes the lists of it. Counting frequencies costs as much as some visits, and
    /// spares most where shingles are common.
    fn index(&mut self, prefixes: &Prefixes<'_>) {
        /// Shingles of all sets for each visit up to which their order by hash will do.
        const VISITS: usize = 4;
        /// One in so many shingles is looked at to tell.
        const SAMPLED: u64 = 16;
        let enough = (prefixes.shingles / VISITS) as u64;
        self.list(&prefixes.shared(&Order::Hash, |hash| hash % SAMPLED == 0));
        if SAMPLED * self.visits() <= enough {
            self.list(&prefixes.shared(&Order::Hash, |_| true));
            if self.visits() <= enough {
                return;
            }
            // What is common was not among those looked at.
        }
        self.list(&prefixes.shared(&prefixes.by_frequency(), |_| true));
    }

    /// Makes the lists of shingles of which one is early, that of the smaller set: no others bring sets together.
    fn list(&mut self, shared: &[Keyed<Posting>]) {
        let early = |&size: &u32| self.threshold.may_miss_of_larger(size as usize) as u32;
        let early: Vec<u32> = self.sizes.iter().map(early).collect();
        let is_early = |posting: &Posting| posting.at <= early[posting.place as usize];
        let mut runs: Vec<&[Keyed<Posting>]> = shared
            .chunk_by(|a, b| a.0 == b.0)
            .filter(|run| run.iter().any(|(_, posting)| is_early(posting)))
            .collect();
        let postings: usize = runs.iter().map(|run| run.len()).sum();
        assert!(
            u32::try_from(postings).is_ok(),
            "2^32 shared shingles or more"
        );
        sort_by_number(&mut runs, early.len(), |run| run[0].1.place as usize);
        self.lists = Vec::with_capacity(runs.len());
        self.postings = Vec::with_capacity(postings);
        for run in runs {
            let run = || run.iter().map(|&(_, posting)| posting);
            let from = self.postings.len() as u32;
            self.postings.extend(run().filter(is_early));
            let late = self.postings.len() as u32;
            self.postings
                .extend(run().filter(|posting| !is_early(posting)));
            let to = self.postings.len() as u32;
            self.lists.push(List { from, late, to });
        }
        self.list_by_place();
    }

    fn list_by_place(&mut self) {
        let places = self.postings.iter().map(|posting| posting.place as usize);
        let from = starts(self.len(), places);
        let mut next = from.clone();
        self.shared = vec![Shared::default(); self.postings.len()];
        for (number, list) in (0..).zip(&self.lists) {
            for own in list.from..list.to {
                let next = &mut next[self.postings[own as usize].place as usize];
                self.shared[*next] = Shared { list: number, own };
                *next += 1;
            }
        }
        self.shared_from = from;
    }

    /// Places: sets that may have partners.
    pub(crate) fn len(&self) -> usize {
        self.sets.len()
    }

    /// The set at a place.
    pub(crate) fn set(&self, place: usize) -> u32 {
        self.sets[place]
    }

    /// The place of each of `sets` sets that has one.
    pub(crate) fn places(&self, sets: usize) -> Vec<Option<u32>> {
        let mut places = vec![None; sets];
        for (place, &set) in (0..).zip(&self.sets) {
            places[set as usize] = Some(place);
        }
        places
    }

    fn shared(&self, place: usize) -> &[Shared] {
        &self.shared[self.shared_from[place]..self.shared_from[place + 1]]
    }

    /// Finds the candidates of a place.
    pub(crate) fn near(&self, place: usize, direction: Direction, near: &mut Near) {
        near.begin(self.len());
        let (first, end) = self.within[place];
        for &Shared { list, own } in self.shared(place) {
            let List { from, late, to } = self.lists[list as usize];
            let at = self.postings[own as usize].at;
            let place = place as u32;
            let early = |from: u32, to: u32| self.postings[from as usize..to as usize].iter();
            if own < late {
                // As the smaller of two.
                let after = early(own + 1, late).take_while(|other| other.place < end);
                after.for_each(|other| self.meet(place, at, *other, near));
                let late = from_place(&self.postings[late as usize..to as usize], place + 1);
                let after = late.iter().take_while(|other| other.place < end);
                after.for_each(|other| self.meet(place, at, *other, near));
            }
            if direction == Direction::All {
                let all = &self.postings[from as usize..late as usize];
                let to = late - from_place(all, place).len() as u32;
                let before = early(from, to).rev();
                let before = before.take_while(|other| other.place >= first);
                before.for_each(|other| self.meet(place, at, *other, near));
            }
        }
    }

    /// Adds another set with the same shingle, where it passes the filters.
    #[inline]
    fn meet(&self, place: u32, at: u32, posting: Posting, near: &mut Near) {
        let other = posting.place as usize;
        if near.found[other] == near.round {
            return;
        }
        let size = self.sizes[place as usize] as usize;
        let other_size = self.sizes[other] as usize;
        let needed = self.threshold.needed_about(size + other_size);
        let rest = (size - at as usize).min(other_size - posting.at as usize);
        if rest < needed {
            return;
        }
        near.found[other] = near.round;
        let may_differ = size + other_size - 2 * needed;
        if self.bitmaps.differ(place as usize, other) <= may_differ {
            near.places.push(posting.place);
        }
    }

    /// Postings in the lists of a place: it has no more candidates.
    pub(crate) fn places_met(&self, place: usize) -> usize {
        let length = |shared: &Shared| {
            let list = self.lists[shared.list as usize];
            (list.to - list.from) as usize
        };
        self.shared(place).iter().map(length).sum()
    }

    /// How often [`near`](Self::near) meets another set, for all places by [`Direction::Later`]: the work is in
    /// proportion to it.
    pub(crate) fn visits(&self) -> u64 {
        let of_list = |list: &List| {
            let early = &self.postings[list.from as usize..list.late as usize];
            let late = &self.postings[list.late as usize..list.to as usize];
            let visits = |(i, posting): (usize, &Posting)| {
                let end = self.within[posting.place as usize].1;
                let before =
                    |postings: &[Posting]| postings.len() - from_place(postings, end).len();
                before(&early[i + 1..]) + before(from_place(late, posting.place + 1))
            };
            early
                .iter()
                .enumerate()
                .map(|each| visits(each) as u64)
                .sum::<u64>()
        };
        self.lists.par_iter().map(of_list).sum()
    }
}

/// The postings of places from `place` on.
fn from_place(postings: &[Posting], place: u32) -> &[Posting] {
    /// So few are looked at one after the other.
    const FEW: usize = 8;
    let before = |posting: &Posting| posting.place < place;
    let skip = match postings.len() {
        ..=FEW => postings
            .iter()
            .take_while(|posting| before(posting))
            .count(),
        _ => postings.partition_point(before),
    };
    &postings[skip..]
}

/// Sorts by numbers below `all`; equals keep their order.
fn sort_by_number<T: Copy>(items: &mut Vec<T>, all: usize, number: impl Fn(T) -> usize) {
    let mut next = starts(all, items.iter().map(|&item| number(item)));
    let mut sorted = items.clone();
    for &item in &*items {
        let next = &mut next[number(item)];
        sorted[*next] = item;
        *next += 1;
    }
    *items = sorted;
}

/// For each of ascending sizes the range of those that may be similar.
fn within(sizes: &[u32], threshold: Threshold) -> Vec<(u32, u32)> {
    let mut firsts = Vec::with_capacity(sizes.len());
    let mut ends = vec![sizes.len() as u32; sizes.len()];
    let (mut first, mut closed) = (0, 0);
    for (place, &size) in sizes.iter().enumerate() {
        let least = threshold.least_partner(size as usize) as u32;
        while sizes[first] < least {
            first += 1;
        }
        // Those that are too small for this one have their end here.
        ends[closed..first].fill(place as u32);
        closed = first;
        firsts.push(first as u32);
    }
    firsts.into_iter().zip(ends).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::text::mix;

    /// Sets of numbers below `vocabulary`, of which low ones are common, some made of earlier sets.
    fn sets(seed: u64, many: usize, vocabulary: u64) -> Vec<Vec<u64>> {
        let mut state = seed;
        let mut below = |n: u64| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            mix(state) % n
        };
        let mut sets: Vec<BTreeSet<u64>> = Vec::new();
        for _ in 0..many {
            let mut set = match below(3) {
                0 if !sets.is_empty() => sets[below(sets.len() as u64) as usize].clone(),
                _ => BTreeSet::new(),
            };
            let size = [0, 1, 2, 5, 12, 60][below(6) as usize];
            for _ in 0..size {
                let rare = below(vocabulary) + 1;
                set.insert(mix(below(rare)));
            }
            for _ in 0..below(4) {
                set.pop_first();
            }
            sets.push(set);
        }
        sets.into_iter().map(Vec::from_iter).collect()
    }

    fn is_similar(threshold: Threshold, x: &[u64], y: &[u64]) -> bool {
        let shared = x.iter().filter(|hash| y.contains(hash)).count();
        shared > 0 && threshold.is_reached(shared, x.len() + y.len() - shared)
    }

    /// The similar pairs that each direction brings together.
    fn pairs(join: &Join, sets: &[Vec<u64>], direction: Direction) -> BTreeSet<(u32, u32)> {
        let mut near = Near::default();
        let mut pairs = BTreeSet::new();
        for place in 0..join.len() {
            join.near(place, direction, &mut near);
            let set = join.set(place);
            let distinct: BTreeSet<_> = near.places.iter().collect();
            assert_eq!(
                distinct.len(),
                near.places.len(),
                "each once, and not itself"
            );
            for &other in &near.places {
                assert!(direction == Direction::All || other as usize > place);
                let other = join.set(other as usize);
                let (x, y) = (&sets[set as usize], &sets[other as usize]);
                if is_similar(join.threshold, x, y) {
                    pairs.insert((set, other));
                }
            }
        }
        pairs
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(600))]

        #[test]
        fn either_order_brings_all_similar_sets_together(
            seed: u64,
            many in 2usize..80,
            vocabulary in prop::sample::select(vec![4u64, 30, 300, 100_000]),
            threshold in prop::sample::select(vec![0.1, 0.3, 0.5, 2.0 / 3.0, 0.8, 0.9, 1.0]),
        ) {
            let threshold = Threshold(threshold);
            let sets = sets(seed, many, vocabulary);
            let mut expected = BTreeSet::new();
            for (x, set) in (0..).zip(&sets) {
                for (y, other) in (0..).zip(&sets) {
                    if x != y && is_similar(threshold, set, other) {
                        expected.insert((x, y));
                    }
                }
            }
            let slices: Vec<&[u64]> = sets.iter().map(Vec::as_slice).collect();
            let mut join = Join::new(&slices, threshold, &Ticker::silent()).unwrap();
            let ordered: Vec<&[u64]> = join.sets.iter().map(|&set| slices[set as usize]).collect();
            let prefixes = Prefixes::new(&ordered, threshold);
            for order in [Order::Hash, prefixes.by_frequency()] {
                join.list(&prefixes.shared(&order, |_| true));
                prop_assert_eq!(&pairs(&join, &sets, Direction::All), &expected);
                let once = pairs(&join, &sets, Direction::Later);
                let both = once.iter().flat_map(|&(x, y)| [(x, y), (y, x)]).collect();
                prop_assert_eq!(&expected, &both);
                prop_assert_eq!(once.len() * 2, expected.len());
                let met: usize = (0..join.len()).map(|place| join.places_met(place)).sum();
                prop_assert!(join.visits() >= once.len() as u64 && join.visits() <= met as u64);
            }
        }
    }
}
