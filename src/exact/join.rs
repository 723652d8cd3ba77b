//! The join itself: an index of prefixes, and who meets whom in it.

use rayon::prelude::*;

use super::bitmap::Bitmaps;
use super::prefix::{Frequencies, Orderer};
use crate::error::Error;
use crate::repeated::repeated;
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
    /// Lists of place p: `of_place[of_place_from[p]..of_place_from[p + 1]]`.
    of_place_from: Vec<usize>,
    of_place: Vec<Posting>,
    lists: Vec<List>,
    postings: Vec<Posting>,
    bitmaps: Bitmaps,
}

/// A shingle of a prefix: in a list the place of the set that has it, of a set the number of its list; and where it
/// stands in the order of the set's shingles.
#[derive(Debug, Clone, Copy, Default)]
struct Posting {
    of: u32,
    at: u32,
}

/// The sets with a shingle in their prefixes: `postings[from..late]` have it early, in the part of the prefix that is
/// asked of the smaller of two sets, `postings[late..to]` have it later. Both ascend.
#[derive(Debug, Clone, Copy)]
struct List {
    from: usize,
    late: usize,
    to: usize,
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
        ticker.tick(sets.len() - order.len())?;
        order.par_sort_unstable_by_key(|&set| (sets[set as usize].len(), set));
        let (order, prefixes) = Prefixes::settled(order, sets, threshold);
        ticker.tick(sets.len().min(order.len()))?;
        let of = |set: &u32| sets[*set as usize];
        let sizes: Vec<u32> = order.iter().map(|set| of(set).len() as u32).collect();
        let mut join = Self {
            threshold,
            within: within(&sizes, threshold),
            of_place_from: vec![0; order.len() + 1],
            of_place: Vec::new(),
            lists: Vec::new(),
            postings: Vec::new(),
            bitmaps: Bitmaps::new(order.iter().map(of)),
            sets: order,
            sizes,
        };
        join.list(&prefixes);
        join.list_by_place();
        if std::env::var("DBG").is_ok() { eprintln!("DBG sets {} shingles {} entries {} lists {} postings {} visits {}", join.sets.len(), join.sizes.iter().map(|&x| x as u64).sum::<u64>(), prefixes.hashes.len(), join.lists.len(), join.postings.len(), join.visits()); }
        Ok(join)
    }

    /// Makes the lists of shingles that are in two prefixes and more.
    fn list(&mut self, prefixes: &Prefixes) {
        let shared = repeated(prefixes.hashes.len(), |entry| {
            Some(prefixes.hashes[entry as usize])
        });
        for run in shared.chunk_by(|a, b| a.0 == b.0) {
            let from = self.postings.len();
            let entries = || {
                run.iter()
                    .map(|&(_, entry)| prefixes.postings[entry as usize])
            };
            let is_early = |posting: &Posting| self.is_early(posting.of, posting.at);
            let early = entries().filter(is_early);
            let late = entries().filter(|posting| !is_early(posting));
            let early: Vec<Posting> = early.collect();
            if early.is_empty() {
                continue;
            }
            let late: Vec<Posting> = late.collect();
            self.postings.extend(early);
            let middle = self.postings.len();
            self.postings.extend(late);
            self.lists.push(List {
                from,
                late: middle,
                to: self.postings.len(),
            });
        }
    }

    /// True where a shingle that stands at `at` is asked of a set as the smaller of two.
    fn is_early(&self, place: u32, at: u32) -> bool {
        let size = self.sizes[place as usize] as usize;
        at as usize <= self.threshold.may_miss_of_larger(size)
    }

    fn list_by_place(&mut self) {
        let from = &mut self.of_place_from;
        for posting in &self.postings {
            from[posting.of as usize + 1] += 1;
        }
        for place in 1..from.len() {
            from[place] += from[place - 1];
        }
        let mut next = from.clone();
        self.of_place = vec![Posting::default(); self.postings.len()];
        for (number, list) in self.lists.iter().enumerate() {
            for posting in &self.postings[list.from..list.to] {
                let next = &mut next[posting.of as usize];
                self.of_place[*next] = Posting {
                    of: number as u32,
                    at: posting.at,
                };
                *next += 1;
            }
        }
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

    fn lists_of(&self, place: usize) -> &[Posting] {
        &self.of_place[self.of_place_from[place]..self.of_place_from[place + 1]]
    }

    /// Finds the candidates of a place.
    pub(crate) fn near(&self, place: usize, direction: Direction, near: &mut Near) {
        near.begin(self.len());
        let place = place as u32;
        let (first, end) = self.within[place as usize];
        for &Posting { of, at } in self.lists_of(place as usize) {
            let List { from, late, to } = self.lists[of as usize];
            let (early, late) = (&self.postings[from..late], &self.postings[late..to]);
            if self.is_early(place, at) {
                // As the smaller of two.
                self.meet(place, at, between(early, place + 1, end), near);
                self.meet(place, at, between(late, place + 1, end), near);
            }
            if direction == Direction::All {
                self.meet(place, at, between(early, first, place), near);
            }
        }
    }

    /// Adds those of `postings` that pass the filters.
    fn meet(&self, place: u32, at: u32, postings: &[Posting], near: &mut Near) {
        let size = self.sizes[place as usize] as usize;
        let rest = size - at as usize;
        for posting in postings {
            let other = posting.of as usize;
            if near.found[other] == near.round {
                continue;
            }
            let other_size = self.sizes[other] as usize;
            let needed = self.threshold.needed_about(size + other_size);
            if rest.min(other_size - posting.at as usize) < needed {
                continue;
            }
            near.found[other] = near.round;
            let may_differ = size + other_size - 2 * needed;
            if self.bitmaps.differ(place as usize, other) <= may_differ {
                near.places.push(posting.of);
            }
        }
    }

    /// Postings in the lists of a place: it has no more candidates.
    pub(crate) fn places_met(&self, place: usize) -> usize {
        let length = |posting: &Posting| {
            let list = self.lists[posting.of as usize];
            list.to - list.from
        };
        self.lists_of(place).iter().map(length).sum()
    }

    /// How often [`near`](Self::near) looks at a posting, for all places by [`Direction::Later`]: the work is in
    /// proportion to it.
    pub(crate) fn visits(&self) -> u64 {
        let of_list = |list: &List| {
            let early = &self.postings[list.from..list.late];
            let late = &self.postings[list.late..list.to];
            let visits = |posting: &Posting| {
                let end = self.within[posting.of as usize].1;
                between(early, posting.of + 1, end).len() + between(late, posting.of + 1, end).len()
            };
            early
                .iter()
                .map(|posting| visits(posting) as u64)
                .sum::<u64>()
        };
        self.lists.par_iter().map(of_list).sum()
    }

    /// Bytes held on the heap.
    pub(crate) fn memory_usage(&self) -> usize {
        (self.sets.capacity() + self.sizes.capacity()) * size_of::<u32>()
            + (self.within.capacity() + self.of_place_from.capacity()) * size_of::<u64>()
            + (self.of_place.capacity() + self.postings.capacity()) * size_of::<Posting>()
            + self.lists.capacity() * size_of::<List>()
            + self.bitmaps.memory_usage()
    }
}

/// The postings of places from `from` to before `to`.
fn between(postings: &[Posting], from: u32, to: u32) -> &[Posting] {
    let from = postings.partition_point(|posting| posting.of < from);
    let rest = &postings[from..];
    &rest[..rest.partition_point(|posting| posting.of < to)]
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

/// The shingles in the prefixes of sets that another set may have too.
#[derive(Default)]
struct Prefixes {
    hashes: Vec<u64>,
    /// The place of the set, and where the shingle stands in its order.
    postings: Vec<Posting>,
}

impl Prefixes {
    /// Counts frequencies and drops sets with nothing in their prefixes that another might have, until few are
    /// dropped: what is left is rarer without them. Returns the sets that stay, in order.
    fn settled(mut order: Vec<u32>, sets: &[&[u64]], threshold: Threshold) -> (Vec<u32>, Self) {
        loop {
            if std::env::var("DBG").is_ok() { eprintln!("DBG round {} shingles {}", order.len(), order.iter().map(|&s| sets[s as usize].len()).sum::<usize>()); }
            let ordered: Vec<&[u64]> = order.iter().map(|&set| sets[set as usize]).collect();
            let frequencies = Frequencies::new(&ordered);
            let parts = Self::of(&ordered, &frequencies, threshold);
            let shared: Vec<u32> = parts
                .iter()
                .flat_map(|(_, shared)| shared.iter().copied())
                .collect();
            let kept = shared.iter().filter(|&&shared| shared > 0).count();
            let dropped = order.len() - kept;
            if dropped > 0 {
                let mut shared = shared.iter();
                order.retain(|_| shared.next().is_some_and(|&shared| shared > 0));
            }
            if 8 * dropped > kept {
                continue;
            }
            return (order, Self::joined(parts));
        }
    }

    /// The prefixes of sets in order, in parts, and how many shingles there are of each set.
    fn of(
        sets: &[&[u64]],
        frequencies: &Frequencies,
        threshold: Threshold,
    ) -> Vec<(Self, Vec<u32>)> {
        const PART: usize = 256;
        let part = |sets: &[&[u64]]| {
            let (mut prefixes, mut many) = (Self::default(), Vec::with_capacity(sets.len()));
            let mut orderer = Orderer::default();
            let mut place = 0;
            for set in sets {
                let before = prefixes.hashes.len();
                orderer.prefix(set, frequencies, threshold, |hash, at| {
                    prefixes.hashes.push(hash);
                    prefixes.postings.push(Posting { of: place, at });
                });
                let shared = prefixes.hashes.len() - before;
                place += u32::from(shared > 0);
                many.push(shared as u32);
            }
            (prefixes, many)
        };
        sets.par_chunks(PART).map(part).collect()
    }

    /// Parts one after the other; places count the sets that have something.
    fn joined(parts: Vec<(Self, Vec<u32>)>) -> Self {
        let mut all = Self::default();
        let mut place = 0;
        for (part, many) in parts {
            all.hashes.extend(part.hashes);
            all.postings
                .extend(part.postings.into_iter().map(|posting| Posting {
                    of: posting.of + place,
                    ..posting
                }));
            place += many.iter().filter(|&&shared| shared > 0).count() as u32;
        }
        all
    }
}
