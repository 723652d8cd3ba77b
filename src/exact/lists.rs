//! Lists of sets that share a rare shingle.

use rayon::prelude::*;

use super::bitmap::{Bitmaps, Bits};
use super::scan::{Posting, Scanned};
use crate::counting::starts;
use crate::frequent::Parts;
use crate::repeated::{Keyed, repeated_of};
use crate::text::mix;
use crate::threshold::Threshold;

/// For each rare shingle of a prefix, the list of sets that have it in their prefix.
#[derive(Debug)]
pub(super) struct Lists {
    threshold: Threshold,
    sizes: Vec<u32>,
    /// List l is `listed[starts[l]..starts[l + 1]]`, ascending.
    starts: Vec<u32>,
    listed: Vec<Listed>,
    /// The lists of set s are `of_set[of_set_from[s]..of_set_from[s + 1]]`.
    of_set_from: Vec<usize>,
    of_set: Vec<Own>,
    /// Bitmaps of the shingles of listed sets: of those without numbers, and of those with numbers if these are many.
    bitmaps: [Bitmaps; 2],
}

/// A set in the list of a shingle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    size: u32,
    set: u32,
    /// Position of the shingle in the order of the set's shingles.
    at: u32,
    /// Whether this position is in the shorter prefix for partners that are as large or larger: see [`early`].
    is_early: bool,
}

/// The entry of a set in a list.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    list: u32,
    place: u32,
}

/// The last position of the shorter prefix of a set of this size. A partner that is as large or larger shares a shingle
/// of this prefix (Bayardo, Ma, Srikant 2007).
fn early(size: u32, threshold: Threshold) -> u32 {
    threshold.may_miss_of_larger(size as usize) as u32
}

impl Listed {
    /// Makes an entry. `early` is the last position of the shorter prefix, see [`early`].
    fn new(size: u32, Posting { set, at }: Posting, early: u32) -> Self {
        Self {
            size,
            set,
            at,
            is_early: at <= early,
        }
    }

    /// Whether `larger`, and every set after it in the list, is too large to be similar.
    #[inline]
    fn ends_before(self, larger: Self, threshold: Threshold) -> bool {
        threshold.needed_about((self.size + larger.size) as usize) > self.size as usize
    }

    /// Whether this set and one after it in the list may be similar, by the positions of the shingle in both.
    #[inline]
    fn may_be_similar(self, larger: Self, threshold: Threshold) -> bool {
        let rest = |listed: Self| (listed.size - listed.at) as usize;
        let needed = threshold.needed_about((self.size + larger.size) as usize);
        self.is_early && rest(self).min(rest(larger)) >= needed
    }
}

/// Calls `each` with the two sets of each pair that may be similar, given the list of a shingle: the sizes and postings of
/// sets.
pub(crate) fn similar_in_list(
    list: impl Iterator<Item = (u32, Posting)>,
    threshold: Threshold,
    mut each: impl FnMut(u32, u32),
) {
    let listed = |(size, posting)| Listed::new(size, posting, early(size, threshold));
    let mut list: Vec<Listed> = list.map(listed).collect();
    list.sort_unstable();
    for (place, &smaller) in list.iter().enumerate() {
        for &larger in &list[place + 1..] {
            if smaller.ends_before(larger, threshold) {
                break;
            }
            if smaller.may_be_similar(larger, threshold) {
                each(smaller.set, larger.set);
            }
        }
    }
}

impl Lists {
    /// Makes lists of sets from the result of scanning them.
    pub(super) fn new(sets: &[Parts<'_>], scanned: &[Scanned], threshold: Threshold) -> Self {
        /// With fewer numbers, comparing them directly is as fast as with bitmaps.
        const MANY: usize = 256;
        let mut lists = Self {
            threshold,
            sizes: sets.iter().map(|set| set.len() as u32).collect(),
            starts: vec![0],
            listed: Vec::new(),
            of_set_from: Vec::new(),
            of_set: Vec::new(),
            bitmaps: Default::default(),
        };
        let rare: usize = scanned.iter().map(|scanned| scanned.rare.len()).sum();
        let early = |set: &Parts<'_>| match set.len() {
            0 => 0,
            size => early(size as u32, threshold),
        };
        let early: Vec<u32> = sets.par_iter().map(early).collect();
        let shared = repeated_of(scanned, rare, |scanned, all| {
            all.extend_from_slice(&scanned.rare);
        });
        lists.list(&shared, &early);
        lists.list_by_set();
        let of_set = |set: usize| &lists.of_set_from[set..set + 2];
        let is_listed = |set: usize| of_set(set)[0] < of_set(set)[1];
        let others = |set: usize| match is_listed(set) {
            true => sets[set].others,
            false => &[],
        };
        let frequent = |set: usize| match is_listed(set) && sets[set].frequent.len() >= MANY {
            true => sets[set].frequent,
            false => &[],
        };
        let add = |set: usize, bits: &mut Bits<'_>| {
            let hashes = frequent(set).iter().map(|&number| mix(number.into()));
            hashes.for_each(|hash| bits.add(hash));
        };
        lists.bitmaps = [
            Bitmaps::new(
                sets.len(),
                |set| others(set).len(),
                |set, bits| others(set).iter().for_each(|&hash| bits.add(hash)),
            ),
            Bitmaps::new(sets.len(), |set| frequent(set).len(), add),
        ];
        lists
    }

    /// Makes the lists that have an early entry. Other lists find no pairs: the entry of the smaller set must be early.
    fn list(&mut self, shared: &[Keyed<Posting>], early: &[u32]) {
        for run in shared.chunk_by(|a, b| a.0 == b.0) {
            let from = self.listed.len();
            self.listed.extend(run.iter().map(|&(_, posting)| {
                let set = posting.set as usize;
                Listed::new(self.sizes[set], posting, early[set])
            }));
            let list = &mut self.listed[from..];
            if list.iter().any(|listed| listed.is_early) {
                list.sort_unstable();
                self.starts.push(self.listed.len() as u32);
            } else {
                self.listed.truncate(from);
            }
        }
        assert!(
            u32::try_from(self.listed.len()).is_ok(),
            "2^32 shared shingles or more"
        );
    }

    fn list_by_set(&mut self) {
        let sets = self.listed.iter().map(|listed| listed.set as usize);
        let from = starts(self.sizes.len(), sets);
        let mut next = from.clone();
        self.of_set = vec![Own::default(); self.listed.len()];
        for list in 0..self.starts.len() - 1 {
            for place in self.starts[list]..self.starts[list + 1] {
                let next = &mut next[self.listed[place as usize].set as usize];
                self.of_set[*next] = Own {
                    list: list as u32,
                    place,
                };
                *next += 1;
            }
        }
        self.of_set_from = from;
    }

    fn of_set(&self, set: usize) -> &[Own] {
        &self.of_set[self.of_set_from[set]..self.of_set_from[set + 1]]
    }

    /// Whether a set has any shingles.
    pub(super) fn has(&self, set: usize) -> bool {
        self.sizes[set] > 0
    }

    /// Calls `each` with the sets that may be similar to this one, with some of them several times.
    pub(super) fn near(&self, set: usize, mut each: impl FnMut(u32)) {
        let least = self.threshold.least_partner(self.sizes[set] as usize) as u32;
        for &Own { list, place } in self.of_set(set) {
            let own = self.listed[place as usize];
            let [from, to] = [list, list + 1].map(|list| self.starts[list as usize] as usize);
            // Lists are sorted by size: entries before this one are smaller, entries after it larger.
            for &other in self.listed[from..place as usize].iter().rev() {
                if other.size < least {
                    break;
                }
                if other.may_be_similar(own, self.threshold) {
                    each(other.set);
                }
            }
            if own.is_early {
                for &other in &self.listed[place as usize + 1..to] {
                    if own.ends_before(other, self.threshold) {
                        break;
                    }
                    if own.may_be_similar(other, self.threshold) {
                        each(other.set);
                    }
                }
            }
        }
    }

    /// Whether two sets may be similar by their bitmaps.
    pub(super) fn may_overlap(&self, x: usize, y: usize) -> bool {
        let both = (self.sizes[x] + self.sizes[y]) as usize;
        let may_differ = both - 2 * self.threshold.needed_about(both);
        let [others, frequent] = &self.bitmaps;
        let differ = others.differ(x, y);
        differ <= may_differ && differ + frequent.differ(x, y) <= may_differ
    }

    /// The number of sets in the lists of a set, which bounds the number of its candidates.
    pub(super) fn met(&self, set: usize) -> usize {
        let len = |own: &Own| {
            let list = own.list as usize;
            (self.starts[list + 1] - self.starts[list]) as usize
        };
        self.of_set(set).iter().map(len).sum()
    }

    /// The most visits of [`near`](Self::near) for all sets together.
    pub(super) fn looks(&self) -> u64 {
        let lists = self
            .starts
            .windows(2)
            .map(|list| u64::from(list[1] - list[0]));
        lists.map(|listed| listed * (listed - 1)).sum()
    }
}
