//! Classic k-permutation MinHash (Broder 1997).

use super::draw::{least_draws, turn};
use super::{Method, Sketch, sketch_by};

/// Classic MinHash: slot j is the smallest draw number j + 1 of all shingles.
///
/// Its signatures can be [merged](super::Signature::merge): the smaller value of each slot gives the signature of the
/// union. Computes n K hashes for n shingles.
#[derive(Debug, Clone)]
pub(crate) struct Classic {
    hashes: usize,
}

impl Classic {
    pub(crate) fn unchecked(hashes: usize) -> Self {
        Self { hashes }
    }
}

impl Sketch for Classic {
    fn hashes(&self) -> usize {
        self.hashes
    }

    fn sketch(&self, shingles: &[u64], slots: &mut [u32]) {
        assert_eq!(slots.len(), self.hashes, "one slot a hash");
        sketch_by::<Self>(shingles, slots);
    }
}

/// The number of slots that are computed together.
const LANES: usize = 32;

impl Method for Classic {
    #[inline(always)]
    fn fill(shingles: &[u64], slots: &mut [u32]) {
        if shingles.is_empty() {
            return;
        }
        let mut turns: [u32; LANES] = std::array::from_fn(|i| turn(i as u32 + 1));
        for slots in slots.chunks_mut(LANES) {
            let least = least_draws(shingles, &turns);
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

    use super::super::testing::{
        hashes, is_the_same_on_all_processors, obeys_the_contract, sketched,
    };
    use super::*;

    #[test]
    fn all_processors_make_the_same() {
        is_the_same_on_all_processors::<Classic>();
    }

    #[test]
    fn contract() {
        obeys_the_contract(|k| Arc::new(Classic::unchecked(k)));
    }

    #[test]
    fn smaller_slots_are_the_union() {
        let sketch = Classic::unchecked(64);
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
