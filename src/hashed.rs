//! Hash tables of numbers, without the cost of a hash that resists attacks.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A table by numbers of 64 bits.
pub(crate) type HashedMap<K, V> = HashMap<K, V, BuildHasherDefault<Multiply>>;

/// Spreads a number by one multiplication.
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
        // The table takes its places from both ends of the hash.
        self.0 = number.wrapping_mul(0xF135_7AEA_2E62_A9C5).rotate_left(26);
    }
}
