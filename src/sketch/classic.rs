//! Classic k-permutation MinHash (Broder 1997).

use super::scheme::valid_hashes;
use super::{EMPTY, Sketch};
use crate::error::Error;
use crate::text::mix;

/// Classic MinHash: slot j holds the smallest `(a_j * x + b_j) >> 32` over the set.
///
/// Its signatures can be [merged](super::Signature::merge): the smaller value of each slot is the
/// signature of the union. n K hashes for n shingles. The functions are multiply-shift (Dietzfelbinger
/// et al. 1997), which is enough on hashes that are mixed already.
#[derive(Debug, Clone)]
pub struct Classic {
    /// `(a_j, b_j)`, `a_j` odd.
    functions: Box<[(u64, u64)]>,
}

/// Where the parameters' generator starts; the seed of a scheme goes into the token hashes instead.
const START: u64 = 0x6A09_E667_F3BC_C908;
/// SplitMix64's step.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

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
        let random = |i: u64| mix(START.wrapping_add(i.wrapping_add(1).wrapping_mul(STEP)));
        let function = |j: u64| (random(2 * j) | 1, random(2 * j + 1));
        Self {
            functions: (0..hashes as u64).map(function).collect(),
        }
    }
}

impl Sketch for Classic {
    fn hashes(&self) -> usize {
        self.functions.len()
    }

    fn sketch(&self, shingles: &[u64], slots: &mut [u32]) {
        assert_eq!(slots.len(), self.functions.len(), "one slot a hash");
        slots.fill(EMPTY);
        for &x in shingles {
            for (slot, &(a, b)) in slots.iter_mut().zip(&self.functions) {
                let value = (a.wrapping_mul(x).wrapping_add(b) >> 32) as u32;
                *slot = (*slot).min(value.min(EMPTY - 1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{hashes, obeys_the_contract, sketched};
    use super::*;

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
