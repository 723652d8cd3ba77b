//! Hash tables of numbers, with a fast hash function that does not resist attacks; and the memory of hash tables.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A hash map whose keys are hashed as numbers of 64 bits.
pub(crate) type HashedMap<K, V> = HashMap<K, V, BuildHasherDefault<Multiply>>;

/// Hashes a number by one multiplication.
#[derive(Default)]
pub(crate) struct Multiply(u64);

impl Hasher for Multiply {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers of 64 bits are hashed");
    }

    fn write_u64(&mut self, number: u64) {
        // The table uses bits of both ends of the hash.
        self.0 = number.wrapping_mul(0xF135_7AEA_2E62_A9C5).rotate_left(26);
    }
}

/// The bytes of a hash table. Its capacity is 7/8 of its places; each place has one control byte.
pub(crate) fn table_memory(capacity: usize, entry: usize) -> usize {
    capacity * 8 / 7 * (entry + 1)
}
