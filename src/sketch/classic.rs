//! Classic k-permutation MinHash (Broder 1997).

use super::draw::{least_draws, turn};
use super::scheme::valid_hashes;
use super::{EMPTY, Sketch};
use crate::error::Error;
use crate::text::arch::{self, Processor, Task};

/// Classic MinHash: slot j holds the smallest of the shingles' draws number j + 1.
///
/// Its signatures can be [merged](super::Signature::merge): the smaller value of each slot is the
/// signature of the union. n K hashes for n shingles.
#[derive(Debug, Clone)]
pub struct Classic {
    hashes: usize,
}

impl Classic {
    /// A sketch of `hashes` slots.
    ///
    /// # Errors
    /// Where `hashes` is not from 1 to 65,535.
    pub fn new(hashes: usize) -> Result<Self, Error> {
        valid_hashes(hashes)?;
        Ok(Self::unchecked(hashes))
    }

    pub(super) fn unchecked(hashes: usize) -> Self {
        Self { hashes }
    }
}

impl Sketch for Classic {
    fn hashes(&self) -> usize {
        self.hashes
    }

    fn sketch(&self, shingles: &[u64], slots: &mut [u32]) {
        assert_eq!(slots.len(), self.hashes, "one slot a hash");
        slots.fill(EMPTY);
        if !shingles.is_empty() {
            arch::run(Sketching { shingles, slots });
        }
    }
}

struct Sketching<'a> {
    shingles: &'a [u64],
    slots: &'a mut [u32],
}

/// Slots made together.
const LANES: usize = 32;

impl Task for Sketching<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(self, _: P) {
        let mut turns: [u32; LANES] = std::array::from_fn(|i| turn(i as u32 + 1));
        for slots in self.slots.chunks_mut(LANES) {
            let least = least_draws(self.shingles, &turns);
            slots.copy_from_slice(&least[..slots.len()]);
            for turned in &mut turns {
                *turned = turned.wrapping_add(turn(LANES as u32));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{hashes, obeys_the_contract, sketched};
    use super::*;

    /// A sketch by one kind of instructions.
    #[derive(Clone)]
    struct Made<'a>(&'a [u64], usize);

    impl Task for Made<'_> {
        type Output = Vec<u32>;

        fn run<P: Processor>(self, processor: P) -> Vec<u32> {
            let Self(shingles, k) = self;
            let mut slots = vec![EMPTY; k];
            let slots_of = Sketching {
                shingles,
                slots: &mut slots,
            };
            slots_of.run(processor);
            slots
        }
    }

    #[test]
    fn all_processors_make_the_same() {
        for k in [1, 7, 64, 128, 200, 513] {
            for n in [1, 5, 20, 63, 64, 65, 100, 500, 20 * k + 1000] {
                let set = hashes(n as u64, n);
                let all = arch::run_all(&Made(&set, k));
                assert!(all.iter().all(|slots| *slots == all[0]), "K {k} n {n}");
            }
        }
    }

    #[test]
    fn contract() {
        obeys_the_contract(|k| Arc::new(Classic::new(k).unwrap()));
    }

    #[test]
    fn smaller_slots_are_the_union() {
        let sketch = Classic::new(64).unwrap();
        let (left, right) = (hashes(1, 30), hashes(2, 50));
        let union = [left.clone(), right.clone()].concat();
        let merged: Vec<_> = sketched(&sketch, &left)
            .into_iter()
            .zip(sketched(&sketch, &right))
            .map(|(l, r)| l.min(r))
            .collect();
        assert_eq!(merged, sketched(&sketch, &union));
    }
}
