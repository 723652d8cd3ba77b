//! The documents of an index that are in memory.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::hashed::table_memory;
use crate::lsh::banding::Banding;
use crate::sketch::{Estimate, Scheme, SignatureMatrix, is_empty_row};

/// Documents in rows. Rows of removed documents are reused.
#[derive(Debug, Clone)]
pub(super) struct Resident<Id> {
    /// The id in each row; `None` if the document was removed.
    ids: Vec<Option<Id>>,
    row_of: HashMap<Id, u32>,
    free: Vec<u32>,
    /// For each row, the position of its document in the order of insertion.
    turns: Vec<u64>,
    next_turn: u64,
    matrix: SignatureMatrix,
    /// For each band, the newest row under a key.
    heads: Vec<HashMap<u64, u32, BuildHasherDefault<KeyHasher>>>,
    /// For each row and band, the neighbouring rows with the same key.
    links: Vec<Link>,
}

/// The rows before and after a row in the chain of a key, or `END`.
#[derive(Debug, Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
}

/// End of a chain of rows.
const END: u32 = u32::MAX;

impl<Id: Clone + Eq + Hash> Resident<Id> {
    /// Starts without documents. The first inserted document has the turn `next_turn`.
    pub(super) fn new(scheme: Scheme, bands: usize, next_turn: u64) -> Self {
        Self {
            ids: Vec::new(),
            row_of: HashMap::new(),
            free: Vec::new(),
            turns: Vec::new(),
            next_turn,
            matrix: SignatureMatrix::new(scheme),
            heads: vec![HashMap::default(); bands],
            links: Vec::new(),
        }
    }

    /// Inserts a document with a new id and the band keys `keys`.
    ///
    /// # Panics
    /// If there are already 2^32 - 1 documents.
    pub(super) fn insert(&mut self, id: Id, slots: &[u32], keys: &[u64]) {
        let row = self.new_row(slots);
        self.turns[row as usize] = self.next_turn;
        self.next_turn += 1;
        self.ids[row as usize] = Some(id.clone());
        self.row_of.insert(id, row);
        if !is_empty_row(slots) {
            self.link(row, keys);
        }
    }

    fn new_row(&mut self, slots: &[u32]) -> u32 {
        if let Some(row) = self.free.pop() {
            self.matrix.set_row(row as usize, slots);
            return row;
        }
        let row = u32::try_from(self.ids.len()).ok().filter(|&row| row != END);
        let row = row.expect("fewer than 2^32 - 1 documents");
        self.matrix.push_row(slots);
        self.ids.push(None);
        self.turns.push(0);
        let alone = Link {
            newer: END,
            older: END,
        };
        self.links
            .resize(self.links.len() + self.heads.len(), alone);
        row
    }

    fn link(&mut self, row: u32, keys: &[u64]) {
        let bands = self.heads.len();
        for (band, (head, &key)) in self.heads.iter_mut().zip(keys).enumerate() {
            let older = head.insert(key, row).unwrap_or(END);
            self.links[row as usize * bands + band] = Link { newer: END, older };
            if older != END {
                self.links[older as usize * bands + band].newer = row;
            }
        }
    }

    /// Removes a document; false if no document has this id.
    pub(super) fn remove<Q>(&mut self, id: &Q, banding: Banding) -> bool
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Some(row) = self.row_of.remove(id) else {
            return false;
        };
        if !self.matrix.is_empty_row(row as usize) {
            let keys: Vec<u64> = banding.keys(self.matrix.row(row as usize)).collect();
            self.unlink(row, &keys);
        }
        self.ids[row as usize] = None;
        self.free.push(row);
        true
    }

    fn unlink(&mut self, row: u32, keys: &[u64]) {
        let bands = self.heads.len();
        for (band, key) in keys.iter().enumerate() {
            let Link { newer, older } = self.links[row as usize * bands + band];
            if older != END {
                self.links[older as usize * bands + band].newer = newer;
            }
            if newer != END {
                self.links[newer as usize * bands + band].older = older;
            } else if older != END {
                self.heads[band].insert(*key, older);
            } else {
                self.heads[band].remove(key);
            }
        }
    }

    /// The row of a document.
    pub(super) fn find<Q>(&self, id: &Q) -> Option<u32>
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.row_of.get(id).copied()
    }

    /// Rows that have one of `keys` in its band, ascending.
    pub(super) fn candidates(&self, keys: &[u64]) -> Vec<u32> {
        let bands = self.heads.len();
        let mut rows = Vec::new();
        for (band, (heads, key)) in self.heads.iter().zip(keys).enumerate() {
            rows.extend(std::iter::successors(heads.get(key).copied(), |&row| {
                Some(self.links[row as usize * bands + band].older).filter(|&row| row != END)
            }));
        }
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// The rows in use, in the order in which their documents were inserted.
    pub(super) fn in_order(&self) -> Vec<u32> {
        let mut rows: Vec<u32> = self.row_of.values().copied().collect();
        rows.sort_unstable_by_key(|&row| self.turn(row));
        rows
    }

    /// The position of a row's document in the order of insertion.
    pub(super) fn turn(&self, row: u32) -> u64 {
        self.turns[row as usize]
    }

    pub(super) fn id(&self, row: u32) -> Option<&Id> {
        self.ids[row as usize].as_ref()
    }

    pub(super) fn slots(&self, row: u32) -> &[u32] {
        self.matrix.row(row as usize)
    }

    pub(super) fn estimate(&self, row: u32, slots: &[u32]) -> Estimate {
        Estimate::of_rows(self.slots(row), slots)
    }

    pub(super) fn len(&self) -> usize {
        self.row_of.len()
    }

    /// The approximate number of bytes on the heap, without those that the ids themselves allocate.
    pub(super) fn memory_usage(&self) -> usize {
        let heads: usize = self
            .heads
            .iter()
            .map(|head| table_memory(head.capacity(), size_of::<(u64, u32)>()))
            .sum();
        heads
            + table_memory(self.row_of.capacity(), size_of::<(Id, u32)>())
            + self.ids.capacity() * size_of::<Option<Id>>()
            + self.turns.capacity() * size_of::<u64>()
            + self.links.capacity() * size_of::<Link>()
            + self.free.capacity() * size_of::<u32>()
            + self.matrix.memory_usage()
    }
}

/// Passes band keys through unchanged, since they are hashes already.
#[derive(Debug, Default, Clone)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Deduper;

    #[test]
    fn rows_are_used_again_and_turns_are_not() {
        let deduper = Deduper::new();
        let banding = deduper.banding();
        let mut resident = Resident::new(*deduper.scheme(), banding.bands(), 7);
        let signature = deduper.signature("some words of a text");
        let keys: Vec<u64> = banding.keys(signature.slots()).collect();
        for id in ["a", "b", "c"] {
            resident.insert(id, signature.slots(), &keys);
        }
        assert!(resident.remove("a", banding));
        resident.insert("d", signature.slots(), &keys);
        assert_eq!(resident.find("d"), Some(0));
        assert_eq!(resident.candidates(&keys), [0, 1, 2]);
        let ids: Vec<_> = resident
            .in_order()
            .into_iter()
            .map(|row| resident.id(row))
            .collect();
        assert_eq!(ids, [Some(&"b"), Some(&"c"), Some(&"d")]);
        assert_eq!(resident.turn(0), 10);
    }
}
