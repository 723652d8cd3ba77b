//! The joins by containment and by weights: find sets of which a share lies in another set.
//!
//! Of a set A, at most `(1 - C) |A|` shingles are missing from a set that contains the share C of it. So among any
//! `(1 - C) |A| + 1` shingles of A, one is in that set (Chaudhuri, Ganti, Kaushik 2006). The rarest shingles of A are
//! its *probes*. A set is looked up by its probes, among all shingles of all other sets: unlike with Jaccard similarity,
//! the sizes say nothing about which shingle of the larger set is shared.
//!
//! With weights, the same holds for the weight of shingles. With weighted Jaccard similarity, either of two similar sets
//! has the share C of the other, so the heaviest shingle that they share is a probe of both. Then a set is looked up among
//! the probes of the other sets.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::frequencies::Frequencies;
use crate::counting::starts;
use crate::frequent::Parts;
use crate::repeated::{Keyed, repeated_of};
use crate::similarity::{Measure, Rule};
use crate::threshold::Threshold;
use crate::weights::WeightedSet;

/// Chooses the probes of sets.
pub(crate) struct Probing<'f> {
    frequencies: &'f Frequencies,
    threshold: Threshold,
    counts: Vec<u8>,
    /// The shingles of the last set that another set may have, with their frequencies.
    shared: Vec<(u8, u64)>,
    /// The probes of the last set, ascending.
    pub(crate) probes: Vec<u64>,
}

impl<'f> Probing<'f> {
    pub(crate) fn new(frequencies: &'f Frequencies, threshold: Threshold) -> Self {
        Self {
            frequencies,
            threshold,
            counts: Vec::new(),
            shared: Vec::new(),
            probes: Vec::new(),
        }
    }

    /// Chooses the probes of a set. There are none if no other set can contain a large enough share of it. Unique
    /// shingles count as probes, but are left out.
    pub(crate) fn choose(&mut self, hashes: &[u64]) {
        self.probes.clear();
        if hashes.is_empty() {
            return;
        }
        let Self { counts, shared, .. } = self;
        self.frequencies.look_up(hashes, counts);
        shared.clear();
        let counted = counts.iter().copied().zip(hashes.iter().copied());
        shared.extend(counted.filter(|&(count, _)| count > 1));
        let unique = hashes.len() - shared.len();
        let Some(room) = (self.threshold.may_miss(hashes.len()) + 1).checked_sub(unique) else {
            return;
        };
        if shared.len() > room {
            shared.select_nth_unstable(room);
            shared.truncate(room);
        }
        self.probes.extend(shared.iter().map(|&(_, hash)| hash));
        self.probes.sort_unstable();
    }
}

/// For each probe of a set, the list of all sets that have this shingle; by weighted Jaccard similarity, of those of which it
/// is a probe.
#[derive(Debug)]
pub(super) struct ProbeLists {
    /// The size or the order of each set; 0 if it is empty.
    sizes: Vec<u32>,
    /// List l is `listed[starts[l]..starts[l + 1]]`. The sets of which the shingle is a probe come first, and then the
    /// others; both ascend.
    starts: Vec<usize>,
    listed: Vec<u32>,
    /// The number of sets in each list of which the shingle is a probe, at least 1.
    probing: Vec<u32>,
    /// The lists of set s are `of_set[of_set_from[s]..of_set_from[s + 1]]`.
    of_set_from: Vec<usize>,
    of_set: Vec<Own>,
}

/// A list that a set is in.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    list: u32,
    /// Whether the shingle is a probe of the set.
    is_probe: bool,
}

/// Consecutive sets with their probes.
struct Chunk<'s> {
    first: u32,
    sets: &'s [Parts<'s>],
    probes: Vec<u64>,
    /// The end of the probes of each set.
    ends: Vec<usize>,
}

impl<'s> Chunk<'s> {
    fn new(
        (first, sets): (u32, &'s [Parts<'s>]),
        probing: &mut Probing<'_>,
        probed: &Probed,
    ) -> Self {
        let (mut probes, mut ends) = (Vec::new(), Vec::with_capacity(sets.len()));
        for set in sets {
            probing.choose(set.others);
            probed.mark(&probing.probes);
            probes.extend_from_slice(&probing.probes);
            ends.push(probes.len());
        }
        Self {
            first,
            sets,
            probes,
            ends,
        }
    }

    /// Adds the shingles that may be probes of any set to `all`.
    fn add(&self, probed: &Probed, all: &mut Vec<Keyed<Member>>) {
        let mut from = 0;
        for ((number, set), &to) in (self.first..).zip(self.sets).zip(&self.ends) {
            let listed = probed.listed(set.others, &self.probes[from..to]);
            all.extend(listed.map(|(hash, is_probe)| (hash, Member::new(number, is_probe))));
            from = to;
        }
    }
}

/// A set with a shingle. Those with the shingle as a probe come first, then by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Member(u64);

impl Member {
    pub(crate) fn new(set: u32, is_probe: bool) -> Self {
        Self(u64::from(!is_probe) << 32 | u64::from(set))
    }

    pub(crate) fn set(self) -> u32 {
        self.0 as u32
    }

    pub(crate) fn is_probe(self) -> bool {
        self.0 >> 32 == 0
    }
}

/// A table of bits for the shingles that are a probe of any set. Other shingles may share a bit with one.
#[derive(Debug)]
pub(crate) struct Probed(Vec<AtomicU64>);

impl Probed {
    /// Makes an empty table of about this many bits.
    pub(crate) fn with_bits(bits: usize) -> Self {
        let words = 0..=bits / 64;
        Self(words.map(|_| AtomicU64::new(0)).collect())
    }

    /// Marks the probes of a set.
    pub(crate) fn mark(&self, probes: &[u64]) {
        for &hash in probes {
            let (word, bit) = self.place(hash);
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// The shingles of a set that may be a probe of any set, and whether each is a probe of this set. Both slices ascend.
    pub(crate) fn listed(
        &self,
        hashes: &[u64],
        probes: &[u64],
    ) -> impl Iterator<Item = (u64, bool)> {
        let mut probes = probes.iter().peekable();
        let with_role = hashes.iter().map(move |hash| {
            let is_probe = probes.next_if_eq(&hash).is_some();
            (*hash, is_probe)
        });
        with_role.filter(|&(hash, is_probe)| is_probe || self.may_have(hash))
    }

    /// Marks the probes of weighted sets with `shingles` common shingles. None are needed if only probes are listed.
    fn of_weighted(sets: &[WeightedSet], rule: Rule, shingles: usize) -> Option<Self> {
        if rule.measure == Measure::Jaccard {
            return None;
        }
        let probed = Self::with_bits(4 * shingles);
        sets.par_iter().for_each(|set| {
            let probes = set.probes(rule.threshold.0);
            probed.mark(&set.common()[..probes]);
        });
        Some(probed)
    }

    fn may_have(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        word.load(Ordering::Relaxed) & bit != 0
    }

    fn place(&self, hash: u64) -> (&AtomicU64, u64) {
        let bit = (u128::from(hash) * (64 * self.0.len() as u128)) >> 64;
        (&self.0[bit as usize / 64], 1 << (bit % 64))
    }
}

/// The shingles of a weighted set that are listed, and whether each is a probe: the probes, and the shingles that may be a
/// probe of any set.
pub(crate) fn listed_of_weighted(
    set: &WeightedSet,
    rule: Rule,
    probed: Option<&Probed>,
) -> impl Iterator<Item = (u64, bool)> {
    let (probes, others) = set.common().split_at(set.probes(rule.threshold.0));
    let others = others
        .iter()
        .filter(move |&&hash| probed.is_some_and(|probed| probed.may_have(hash)));
    let probes = probes.iter().map(|&hash| (hash, true));
    probes.chain(others.map(|&hash| (hash, false)))
}

/// Splits sets into chunks, each with the number of its first set.
fn chunks<S>(sets: &[S]) -> Vec<(u32, &[S])> {
    /// Sets of a chunk. Chunks are larger if there would be more than `CHUNKS`.
    const SETS: usize = 256;
    const CHUNKS: usize = 256;
    let chunk = SETS.max(sets.len() / CHUNKS);
    (0..).step_by(chunk).zip(sets.chunks(chunk)).collect()
}

impl ProbeLists {
    /// Makes lists of sets without numbered shingles, for the join by containment.
    pub(super) fn new(sets: &[Parts<'_>], frequencies: &Frequencies, threshold: Threshold) -> Self {
        let probed = Probed::with_bits(4 * frequencies.len());
        let with_probes = |probing: &mut _, chunk| Chunk::new(chunk, probing, &probed);
        let chunks: Vec<Chunk<'_>> = chunks(sets)
            .into_par_iter()
            .map_init(|| Probing::new(frequencies, threshold), with_probes)
            .collect();
        let all = sets.iter().map(|set| set.others.len()).sum();
        let members = repeated_of(&chunks, all, |chunk, all| chunk.add(&probed, all));
        drop(chunks);
        Self::of(sets.iter().map(|set| set.len() as u32).collect(), members)
    }

    /// Makes lists of weighted sets.
    pub(super) fn weighted(sets: &[WeightedSet], rule: Rule) -> Self {
        let all = sets.iter().map(|set| set.common().len()).sum();
        let probed = Probed::of_weighted(sets, rule, all);
        let members = repeated_of(&chunks(sets), all, |&(first, sets), all| {
            for (number, set) in (first..).zip(sets) {
                let listed = listed_of_weighted(set, rule, probed.as_ref());
                all.extend(listed.map(|(hash, is_probe)| (hash, Member::new(number, is_probe))));
            }
        });
        Self::of(sets.iter().map(WeightedSet::order).collect(), members)
    }

    /// Makes lists of sets of these sizes, of members that share a shingle.
    fn of(sizes: Vec<u32>, members: Vec<Keyed<Member>>) -> Self {
        let mut lists = Self {
            sizes,
            starts: vec![0],
            listed: Vec::new(),
            probing: Vec::new(),
            of_set_from: Vec::new(),
            of_set: Vec::new(),
        };
        lists.list(members);
        lists.list_by_set();
        lists
    }

    /// Makes the lists of shingles that are a probe of some set.
    fn list(&mut self, mut members: Vec<Keyed<Member>>) {
        for run in members.chunk_by_mut(|a, b| a.0 == b.0) {
            let probing = run.iter().filter(|(_, member)| member.is_probe()).count();
            if probing == 0 {
                continue;
            }
            run.sort_unstable();
            self.listed
                .extend(run.iter().map(|(_, member)| member.set()));
            self.starts.push(self.listed.len());
            self.probing.push(probing as u32);
        }
        assert!(
            u32::try_from(self.probing.len()).is_ok(),
            "2^32 shared shingles or more"
        );
    }

    fn list_by_set(&mut self) {
        let sets = self.listed.iter().map(|&set| set as usize);
        let from = starts(self.sizes.len(), sets);
        let mut next = from.clone();
        self.of_set = vec![Own::default(); self.listed.len()];
        for (list, &probing) in (0..).zip(&self.probing) {
            let [from, to] = [list, list + 1].map(|list| self.starts[list as usize]);
            for (place, &set) in self.listed[from..to].iter().enumerate() {
                let next = &mut next[set as usize];
                self.of_set[*next] = Own {
                    list,
                    is_probe: place < probing as usize,
                };
                *next += 1;
            }
        }
        self.of_set_from = from;
    }

    fn list_of(&self, list: u32) -> &[u32] {
        let list = list as usize;
        &self.listed[self.starts[list]..self.starts[list + 1]]
    }

    fn of_set(&self, set: usize) -> &[Own] {
        &self.of_set[self.of_set_from[set]..self.of_set_from[set + 1]]
    }

    /// Whether a set has any shingles.
    pub(super) fn has(&self, set: usize) -> bool {
        self.sizes[set] > 0
    }

    /// The sets that may contain this one or be contained in it, some of them several times.
    pub(super) fn near(&self, set: usize) -> impl Iterator<Item = u32> {
        let size = self.sizes[set];
        self.of_set(set).iter().flat_map(move |own| {
            let list = self.list_of(own.list);
            let (probing, others) = list.split_at(self.probing[own.list as usize] as usize);
            // One of the two must be looked up by this shingle, as the smaller of them.
            let smaller = move |&&other: &&u32| own.is_probe || self.sizes[other as usize] <= size;
            let larger = move |&&other: &&u32| self.sizes[other as usize] >= size;
            let others = if own.is_probe { others } else { &[] };
            let smaller = probing.iter().filter(smaller);
            smaller.chain(others.iter().filter(larger)).copied()
        })
    }

    /// The number of sets that [`near`](Self::near) visits.
    pub(super) fn met(&self, set: usize) -> usize {
        let len = |own: &Own| match own.is_probe {
            true => self.list_of(own.list).len(),
            false => self.probing[own.list as usize] as usize,
        };
        self.of_set(set).iter().map(len).sum()
    }

    /// The number of visits of [`near`](Self::near) for all sets together.
    pub(super) fn looks(&self) -> u64 {
        let lists = self.starts.windows(2).zip(&self.probing);
        lists
            .map(|(list, &probing)| 2 * u64::from(probing) * (list[1] - list[0]) as u64)
            .sum()
    }
}
