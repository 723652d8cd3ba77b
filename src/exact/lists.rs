//! Sets that share a rare shingle.

use super::bitmap::Bitmaps;
use super::scan::{Posting, Scanned};
use crate::counting::starts;
use crate::frequent::Parts;
use crate::repeated::{Keyed, repeated_of};
use crate::threshold::Threshold;

/// For each rare shingle of a prefix the sets that have it in theirs: few, as the shingle is rare.
///
/// Sets go by their *places*, by size.
#[derive(Debug)]
pub(super) struct Lists {
    threshold: Threshold,
    sizes: Vec<u32>,
    /// Where a shingle stands at most in a set's order, so that a set as large or larger must meet it there: Bayardo,
    /// Ma, Srikant 2007.
    early: Vec<u32>,
    /// Postings of list l, by place: `postings[starts[l]..starts[l + 1]]`.
    starts: Vec<u32>,
    postings: Vec<Posting>,
    /// The lists of place p: `of_place[of_place_from[p]..of_place_from[p + 1]]`.
    of_place_from: Vec<usize>,
    of_place: Vec<Own>,
    bitmaps: Bitmaps,
}

/// A place in a list.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    list: u32,
    posting: u32,
}

impl Lists {
    /// Of the sets at all places, and what a scan of them came to.
    pub(super) fn new(sets: &[Parts<'_>], scanned: &[Scanned], threshold: Threshold) -> Self {
        let sizes: Vec<u32> = sets.iter().map(|set| set.len() as u32).collect();
        let early = |&size: &u32| threshold.may_miss_of_larger(size as usize) as u32;
        let mut lists = Self {
            threshold,
            early: sizes.iter().map(early).collect(),
            sizes,
            starts: vec![0],
            postings: Vec::new(),
            of_place_from: Vec::new(),
            of_place: Vec::new(),
            bitmaps: Bitmaps::default(),
        };
        let rare: usize = scanned.iter().map(|scanned| scanned.rare.len()).sum();
        lists.list(&repeated_of(scanned, rare, |scanned, all| {
            all.extend_from_slice(&scanned.rare);
        }));
        lists.list_by_place();
        let of_place = |place: usize| &lists.of_place_from[place..place + 2];
        let met = |place: usize| of_place(place)[0] < of_place(place)[1];
        let met_sets = (0..sets.len()).map(|place| match met(place) {
            true => sets[place].others,
            false => &[],
        });
        lists.bitmaps = Bitmaps::new(&met_sets.collect::<Vec<_>>());
        lists
    }

    /// Makes the lists of shingles of which one is early, that of the smaller set: no others bring sets together.
    fn list(&mut self, shared: &[Keyed<Posting>]) {
        let is_early =
            |(_, posting): &Keyed<Posting>| posting.at <= self.early[posting.place as usize];
        for run in shared.chunk_by(|a, b| a.0 == b.0) {
            if run.iter().any(is_early) {
                self.postings
                    .extend(run.iter().map(|&(_, posting)| posting));
                self.starts.push(self.postings.len() as u32);
            }
        }
        assert!(
            u32::try_from(self.postings.len()).is_ok(),
            "2^32 shared shingles or more"
        );
    }

    fn list_by_place(&mut self) {
        let places = self.postings.iter().map(|posting| posting.place as usize);
        let from = starts(self.sizes.len(), places);
        let mut next = from.clone();
        self.of_place = vec![Own::default(); self.postings.len()];
        for list in 0..self.starts.len() - 1 {
            for posting in self.starts[list]..self.starts[list + 1] {
                let next = &mut next[self.postings[posting as usize].place as usize];
                self.of_place[*next] = Own {
                    list: list as u32,
                    posting,
                };
                *next += 1;
            }
        }
        self.of_place_from = from;
    }

    fn of_place(&self, place: usize) -> &[Own] {
        &self.of_place[self.of_place_from[place]..self.of_place_from[place + 1]]
    }

    /// Calls `each` with the places that may be similar to this one, some of them several times.
    pub(super) fn near(&self, place: usize, mut each: impl FnMut(u32)) {
        let size = self.sizes[place] as usize;
        let least = self.threshold.least_partner(size) as u32;
        for &Own { list, posting } in self.of_place(place) {
            let own = self.postings[posting as usize];
            let list = self.starts[list as usize]..self.starts[list as usize + 1];
            let (smaller, larger) = (list.start..posting, posting + 1..list.end);
            // Sizes fall from here to the beginning of the list, and grow to its end.
            for other in smaller.rev().map(|other| self.postings[other as usize]) {
                if self.sizes[other.place as usize] < least {
                    break;
                }
                if self.may_be_similar(other, own) {
                    each(other.place);
                }
            }
            if own.at <= self.early[place] {
                for other in larger.map(|other| self.postings[other as usize]) {
                    if self.is_too_large(other.place, size) {
                        break;
                    }
                    if self.may_be_similar(own, other) {
                        each(other.place);
                    }
                }
            }
        }
    }

    fn is_too_large(&self, place: u32, size: usize) -> bool {
        let other = self.sizes[place as usize] as usize;
        self.threshold.needed_about(size + other) > size
    }

    /// Whether two sets that share a shingle may be similar, by where it stands in both.
    #[inline]
    fn may_be_similar(&self, smaller: Posting, larger: Posting) -> bool {
        if smaller.at > self.early[smaller.place as usize] {
            return false;
        }
        let rest = |posting: Posting| (self.sizes[posting.place as usize] - posting.at) as usize;
        let both = self.sizes[smaller.place as usize] + self.sizes[larger.place as usize];
        rest(smaller).min(rest(larger)) >= self.threshold.needed_about(both as usize)
    }

    /// Whether bitmaps leave it open that two sets are similar.
    pub(super) fn may_overlap(&self, x: usize, y: usize) -> bool {
        let both = (self.sizes[x] + self.sizes[y]) as usize;
        let may_differ = both - 2 * self.threshold.needed_about(both);
        self.bitmaps.differ(x, y) <= may_differ
    }

    /// Postings in the lists of a place: it has no more candidates.
    pub(super) fn met(&self, place: usize) -> usize {
        let len = |own: &Own| {
            let list = own.list as usize;
            (self.starts[list + 1] - self.starts[list]) as usize
        };
        self.of_place(place).iter().map(len).sum()
    }

    /// How often [`near`](Self::near) looks at another set, for all places, at most.
    pub(super) fn looks(&self) -> u64 {
        let lists = self
            .starts
            .windows(2)
            .map(|list| u64::from(list[1] - list[0]));
        lists.map(|postings| postings * (postings - 1)).sum()
    }
}
