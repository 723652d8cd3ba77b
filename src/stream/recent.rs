//! The last signatures of a stream, and a look-up by their band keys.
//!
//! An [`Index`](crate::lsh::Index) can remove any document. Here only the oldest is removed, which costs nothing.
//! Signatures are in a ring. Each band has buckets, and each bucket has a chain from its newest document to older ones.
//! The chain ends at the first document that has been removed. This takes half the memory of the index, and a look-up
//! waits for memory about once a band.

use crate::lsh::Banding;
use crate::sketch::Estimate;

/// A ring of signatures. The place of a signature is its number in the order of insertion, from 1.
#[derive(Debug)]
pub(super) struct Recent {
    banding: Banding,
    hashes: usize,
    /// Rows of the ring. The signature at `place` is in row `place % capacity`.
    capacity: usize,
    slots: Vec<u32>,
    /// One link for each row and band.
    links: Vec<Link>,
    /// For each band and bucket, the place of the newest document, or 0.
    heads: Vec<u32>,
    /// The place of the next signature.
    next: u64,
    /// The number of signatures that have not been removed.
    len: usize,
}

/// The entry of a document in a bucket: the document before it, and part of its band key.
///
/// Places are stored modulo 2^32. So a document that was removed 2^32 insertions ago may be mistaken for a present one.
/// Such a candidate is dismissed by its tag or its estimate.
#[derive(Debug, Clone, Copy, Default)]
struct Link {
    older: u32,
    /// 32 bits of the key, other than those that determine the bucket.
    tag: u32,
}

/// The number of rows of a small ring.
const FEW: usize = 64;

impl Recent {
    /// Makes an empty ring, which grows up to about `most` rows.
    pub(super) fn new(banding: Banding, hashes: usize, most: Option<usize>) -> Self {
        // The ring doubles until it has `most` rows, or up to 1 in 64 more.
        let most = most.unwrap_or(FEW);
        let doublings = (most / FEW).checked_ilog2().unwrap_or(0);
        let mut ring = Self {
            banding,
            hashes,
            capacity: most.div_ceil(1 << doublings),
            slots: Vec::new(),
            links: Vec::new(),
            heads: Vec::new(),
            next: 1,
            len: 0,
        };
        ring.allocate();
        ring
    }

    fn allocate(&mut self) {
        /// Buckets for each row.
        const BUCKETS: usize = 2;
        let bands = self.banding.bands();
        self.heads = Vec::new(); // frees the old one before the new one is allocated
        self.heads = vec![0; self.capacity * BUCKETS * bands];
        self.slots.resize(self.capacity * self.hashes, 0);
        self.links.resize(self.capacity * bands, Link::default());
    }

    fn grow(&mut self) {
        let before = self.capacity;
        self.capacity *= 2;
        self.allocate();
        for place in self.oldest()..self.next {
            let (row, hashes) = (self.row(place), self.hashes);
            if let Some(from) = row.checked_sub(before) {
                let moved = from * hashes..(from + 1) * hashes;
                self.slots.copy_within(moved, row * hashes);
            }
            let slots = &self.slots[row * hashes..(row + 1) * hashes];
            let keys: Vec<u64> = self.banding.keys(slots).collect();
            self.link(place, &keys);
        }
    }

    /// Inserts a signature, whose band keys are `keys`.
    pub(super) fn push(&mut self, slots: &[u32], keys: &[u64]) {
        if self.len == self.capacity {
            self.grow();
        }
        let from = self.row(self.next) * self.hashes;
        self.slots[from..from + self.hashes].copy_from_slice(slots);
        self.link(self.next, keys);
        self.next += 1;
        self.len += 1;
    }

    fn link(&mut self, place: u64, keys: &[u64]) {
        let from = self.row(place) * keys.len();
        for (band, &key) in keys.iter().enumerate() {
            let bucket = self.bucket(band, key);
            let older = std::mem::replace(&mut self.heads[bucket], place as u32);
            self.links[from + band] = Link {
                older,
                tag: key as u32,
            };
        }
    }

    /// Removes the oldest signature. There must be one.
    pub(super) fn pop(&mut self) {
        self.len -= 1;
    }

    /// Replaces `places` by the places of signatures that share the key of a band with `keys`, ascending and without
    /// duplicates.
    pub(super) fn find(&self, keys: &[u64], places: &mut Vec<u64>) {
        places.clear();
        // All heads are read first, so that the look-ups of all bands wait for memory at the same time.
        let head = |(band, &key)| self.heads[self.bucket(band, key)];
        let heads: Vec<u32> = keys.iter().enumerate().map(head).collect();
        for (band, (head, &key)) in heads.into_iter().zip(keys).enumerate() {
            let (mut older, mut age) = (head, 0);
            while let Some(place) = self.place_before(older, age) {
                let link = self.links[self.row(place) * keys.len() + band];
                if link.tag == key as u32 {
                    places.push(place);
                }
                (older, age) = (link.older, self.next - place);
            }
        }
        places.sort_unstable();
        places.dedup();
    }

    /// The full place that is stored as `place`, if it is of a document older than `age` that has not been removed.
    fn place_before(&self, place: u32, age: u64) -> Option<u64> {
        let older = u64::from((self.next as u32).wrapping_sub(place));
        (older > age && older <= self.len as u64).then(|| self.next - older)
    }

    /// The estimated similarity of a signature to the one at a place.
    pub(super) fn estimate(&self, slots: &[u32], place: u64) -> Estimate {
        let from = self.row(place) * self.hashes;
        Estimate::of_rows(slots, &self.slots[from..from + self.hashes])
    }

    /// The signature at a place.
    #[cfg(feature = "storage")]
    pub(super) fn slots(&self, place: u64) -> &[u32] {
        let from = self.row(place) * self.hashes;
        &self.slots[from..from + self.hashes]
    }

    fn row(&self, place: u64) -> usize {
        (place % self.capacity as u64) as usize
    }

    fn bucket(&self, band: usize, key: u64) -> usize {
        let buckets = self.heads.len() / self.banding.bands();
        band * buckets + ((u128::from(key) * buckets as u128) >> 64) as usize
    }

    /// The place of the oldest signature.
    pub(super) fn oldest(&self) -> u64 {
        self.next - self.len as u64
    }

    pub(super) fn banding(&self) -> Banding {
        self.banding
    }

    pub(super) fn hashes(&self) -> usize {
        self.hashes
    }

    /// Bytes held on the heap.
    pub(super) fn memory_usage(&self) -> usize {
        (self.slots.capacity() + self.heads.capacity()) * size_of::<u32>()
            + self.links.capacity() * size_of::<Link>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::text::mix;

    /// Compares with a list, while the ring grows and stored places wrap around.
    #[test]
    fn finds_what_a_list_finds() {
        let banding = Banding::new(5, 2).unwrap();
        for (next, most) in [
            (1, None),
            (1, Some(1)),
            (1, Some(300)),
            ((1 << 32) - 150, Some(100)),
            ((1 << 32) - 700, None),
        ] {
            let mut ring = Recent::new(banding, 10, most);
            ring.next = next;
            let mut list: VecDeque<(u64, Vec<u64>)> = VecDeque::new();
            let (mut places, mut met) = (Vec::new(), 0);
            for i in 0..1500u64 {
                let slots: Vec<u32> = (0..10).map(|s| mix(i * 16 + s) as u32 % 12).collect();
                let keys: Vec<u64> = banding.keys(&slots).collect();
                ring.find(&keys, &mut places);
                let shares = |other: &[u64]| keys.iter().zip(other).any(|(a, b)| a == b);
                let expected = list.iter().filter(|(_, other)| shares(other));
                let expected: Vec<u64> = expected.map(|&(place, _)| place).collect();
                assert_eq!(places, expected);
                met += expected.len();
                let full = most.is_some_and(|most| list.len() == most);
                // Sometimes remove more than necessary.
                for _ in 0..usize::from(full) + mix(i) as usize % 13 / 12 {
                    if list.pop_front().is_some() {
                        ring.pop();
                    }
                }
                ring.push(&slots, &keys);
                list.push_back((ring.next - 1, keys));
                assert_eq!(ring.oldest(), list[0].0);
                let estimate = ring.estimate(&slots, ring.next - 1);
                assert_eq!(estimate.jaccard, 1.0);
            }
            assert!(met > 50, "{met}");
        }
    }

    #[test]
    fn rings_are_as_large_as_they_need_to_be() {
        let banding = Banding::new(5, 2).unwrap();
        for most in [1, 63, 64, 65, 127, 128, 1000, 12_345] {
            let mut ring = Recent::new(banding, 10, Some(most));
            for _ in 0..most {
                ring.push(&[7; 10], &[7; 5]);
            }
            let rows = ring.capacity;
            assert!((most..=most + most / 64).contains(&rows), "{most}: {rows}");
        }
    }
}
