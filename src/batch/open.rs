//! Filters out sets in crowded buckets that cannot have partners, by their signatures.

use rayon::prelude::*;

use crate::lsh::Buckets;

/// Finds the sets in buckets that may have a partner, a set with which they agree in at least `floor` slots.
///
/// Such a set must agree with other sets in at least `floor` of its slots. `row` returns the signature of a set. The
/// filter may keep a set without partners, since slots share bits, but never drops one with a partner.
pub(super) fn open<'r>(
    buckets: &[&Buckets],
    sets: usize,
    row: impl Fn(u32) -> &'r [u32] + Sync,
    floor: usize,
) -> Vec<bool> {
    let mut is_open = vec![false; sets];
    let is_in_bucket = |set: &u32| {
        let mut buckets = buckets.iter();
        buckets.any(|buckets| !buckets.of_set(*set as usize).is_empty())
    };
    let all: Vec<u32> = (0..sets as u32).filter(is_in_bucket).collect();
    let Some(&first) = all.first() else {
        return is_open;
    };
    let slots: Vec<usize> = (0..row(first).len()).collect();
    let (some, rest) = slots.split_at(slots.len().min(TOGETHER));
    let shared_of = |slots: &[usize]| -> Vec<u16> {
        let of = |set: u32| &row(set)[slots[0]..=slots[slots.len() - 1]];
        let mut seen = SharedSlots::new(slots.len(), all.len());
        for &set in &all {
            seen.insert(of(set));
        }
        all.iter().map(|&set| seen.shared(of(set))).collect()
    };
    let add = |mut sum: Vec<u16>, more: Vec<u16>| {
        let sums = sum.iter_mut().zip(more);
        sums.for_each(|(sum, more)| *sum += more);
        sum
    };
    let sum_of = |slots: &[usize], at_once: usize| {
        let chunks = slots.par_chunks(at_once).map(shared_of);
        chunks.reduce(|| vec![0; all.len()], add)
    };
    let first = sum_of(some, TOGETHER / 4);
    if is_in_vain(&first, some.len(), slots.len(), floor) {
        for &set in &all {
            is_open[set as usize] = true;
        }
        return is_open;
    }
    let shared = add(first, sum_of(rest, TOGETHER));
    for (&set, shared) in all.iter().zip(shared) {
        is_open[set as usize] = usize::from(shared) >= floor;
    }
    is_open
}

/// Whether checking all slots would drop few signatures: most of them agree with another in enough of the first slots.
pub(crate) fn is_in_vain(shared: &[u16], slots: usize, hashes: usize, floor: usize) -> bool {
    let stays = |&&shared: &&u16| usize::from(shared) * hashes >= floor * slots;
    let staying = shared.iter().filter(stays).count();
    4 * staying > 3 * shared.len()
}

/// The number of slots that are processed together: those of a cache line.
pub(crate) const TOGETHER: usize = 16;

/// For some slots, the values that several signatures have.
pub(crate) struct SharedSlots(Vec<Seen>);

impl SharedSlots {
    /// Makes an empty table for `slots` slots of `signatures` signatures.
    pub(crate) fn new(slots: usize, signatures: usize) -> Self {
        Self((0..slots).map(|_| Seen::new(signatures)).collect())
    }

    #[inline]
    pub(crate) fn insert(&mut self, slots: &[u32]) {
        for (seen, &value) in self.0.iter_mut().zip(slots) {
            seen.insert(value);
        }
    }

    /// The number of slots in which other signatures agree with this one. All must have been inserted before.
    #[inline]
    pub(crate) fn shared(&self, slots: &[u32]) -> u16 {
        let slots = self.0.iter().zip(slots);
        slots
            .map(|(seen, &value)| u16::from(seen.is_repeated(value)))
            .sum()
    }
}

/// Tables of numbers that were seen once, and that were seen again. Their words are stored side by side.
struct Seen {
    words: Vec<[u32; 2]>,
    shift: u32,
}

impl Seen {
    /// Makes empty tables for `numbers` numbers.
    fn new(numbers: usize) -> Self {
        /// The number of bits for each number.
        const BITS: usize = 8;
        let words = (numbers * BITS / 32).next_power_of_two().max(2);
        Self {
            words: vec![[0; 2]; words],
            shift: 64 - words.ilog2(),
        }
    }

    #[inline]
    fn place(&self, number: u32) -> (usize, u32) {
        let hash = u64::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((hash >> self.shift) as usize, 1 << (hash >> 27 & 31))
    }

    #[inline]
    fn insert(&mut self, number: u32) {
        let (place, bit) = self.place(number);
        let [once, again] = &mut self.words[place];
        *again |= *once & bit;
        *once |= bit;
    }

    #[inline]
    fn is_repeated(&self, number: u32) -> bool {
        let (place, bit) = self.place(number);
        self.words[place][1] & bit != 0
    }
}
