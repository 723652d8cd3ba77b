//! Verification of candidate pairs by the exact similarity of their shingle sets.

use crate::collapse::Distinct;
use crate::frequent::SplitSet;
pub use crate::similarity::{ShingleSet, Similarity};
use crate::sketch::{SignatureMatrix, equal_slots};
use crate::threshold::Threshold;

/// Two documents whose exact similarity reaches the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Pair {
    /// The first of the two documents.
    pub a: usize,
    /// The second of the two documents, with a higher number.
    pub b: usize,
    /// Their similarity.
    pub similarity: Similarity,
}

impl Pair {
    /// Makes a pair of two documents in any order, with the similarity of `x` to `y`.
    pub(crate) fn of(x: u32, y: u32, similarity: Similarity) -> Self {
        let (a, b, similarity) = match x < y {
            true => (x, y, similarity),
            false => (y, x, similarity.reversed()),
        };
        Self {
            a: a as usize,
            b: b as usize,
            similarity,
        }
    }
}

/// The floor of verification, and the probability that a pair at the threshold has fewer equal slots.
///
/// Candidates with fewer equal slots than the floor are not verified. It is the highest floor for which this
/// probability is at most `loss`. The number of equal slots is modelled as binomial; that of the default sketch varies
/// slightly less.
pub(crate) fn floor_slots(threshold: f64, hashes: usize, loss: f64) -> (usize, f64) {
    if threshold >= 1.0 {
        return (hashes, 0.0);
    }
    let (weights, mode) = equal_slots_weights(threshold, hashes);
    let all: f64 = weights.iter().sum();
    let (mut floor, mut below) = (0, 0.0);
    while floor < mode && below + weights[floor] / all <= loss {
        below += weights[floor] / all;
        floor += 1;
    }
    (floor, below)
}

/// The probability that a pair of this similarity has fewer equal slots, of `hashes`, than `floor`.
pub(crate) fn below_floor(jaccard: f64, hashes: usize, floor: usize) -> f64 {
    if jaccard >= 1.0 {
        return 0.0;
    }
    let (weights, _) = equal_slots_weights(jaccard, hashes);
    weights[..floor].iter().sum::<f64>() / weights.iter().sum::<f64>()
}

/// Relative probabilities of each number of equal slots at a similarity below 1, and the most likely number.
fn equal_slots_weights(jaccard: f64, hashes: usize) -> (Vec<f64>, usize) {
    // Computed from the mode outwards, so that only negligible probabilities underflow. Products and quotients are the
    // same on every machine.
    let odds = jaccard / (1.0 - jaccard);
    let mode = (((hashes + 1) as f64 * jaccard) as usize).min(hashes);
    let mut weights = vec![0.0; hashes + 1];
    weights[mode] = 1.0;
    for k in (0..mode).rev() {
        weights[k] = weights[k + 1] * (k + 1) as f64 / ((hashes - k) as f64 * odds);
    }
    for k in mode + 1..=hashes {
        weights[k] = weights[k - 1] * (hashes - k + 1) as f64 * odds / k as f64;
    }
    (weights, mode)
}

/// Verifies candidates of a batch: first by signatures, if there are any, then exactly.
pub(crate) struct Verifier<'a> {
    /// The shingle sets of candidates; the others are empty.
    pub(crate) sets: &'a [SplitSet],
    pub(crate) threshold: Threshold,
    pub(crate) estimates: Option<Estimates<'a>>,
}

/// Signatures of distinct sets, to dismiss candidates without comparing sets.
pub(crate) struct Estimates<'a> {
    pub(crate) rows: &'a SignatureMatrix,
    pub(crate) distinct: &'a Distinct,
    /// The floor: two sets with fewer equal slots are dismissed.
    pub(crate) floor_slots: usize,
}

impl<'a> Estimates<'a> {
    fn may_be(&self, a: u32, b: u32) -> bool {
        equal_slots(self.row(a), self.row(b)) >= self.floor_slots
    }

    /// The signature of a set.
    fn row(&self, set: u32) -> &'a [u32] {
        self.rows.row(self.distinct.first(set as usize))
    }
}

impl<'a> Verifier<'a> {
    /// The similarity of sets `a` and `b`, if their signatures do not dismiss them and it reaches the threshold.
    pub(crate) fn verify(&self, a: u32, b: u32) -> Option<Similarity> {
        self.may_be(a, b).then(|| self.exactly(a, b)).flatten()
    }

    /// Whether the signatures allow that two sets are similar.
    fn may_be(&self, a: u32, b: u32) -> bool {
        let estimates = self.estimates.as_ref();
        estimates.is_none_or(|estimates| estimates.may_be(a, b))
    }

    /// The similarity of sets `a` and `b`, if it reaches the threshold. Ignores signatures.
    pub(crate) fn exactly(&self, a: u32, b: u32) -> Option<Similarity> {
        self.set(a).similarity_at_least(self.set(b), self.threshold)
    }

    fn set(&self, set: u32) -> &'a SplitSet {
        &self.sets[set as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_lose_what_they_may() {
        for (threshold, hashes, loss) in [(0.8, 128, 1e-3), (0.99, 128, 1e-5), (0.5, 65_535, 1e-3)]
        {
            let (floor, below) = floor_slots(threshold, hashes, loss);
            let (_, more) = floor_slots(threshold, hashes, loss * 1.2);
            assert!(
                below <= loss && more >= below,
                "{threshold} {hashes}: {floor} {below}"
            );
            let error = (threshold * (1.0 - threshold) / hashes as f64).sqrt();
            let errors = (threshold - floor as f64 / hashes as f64) / error;
            assert!(
                (2.5..7.0).contains(&errors),
                "{threshold} {hashes}: {errors} standard errors"
            );
        }
        // With one slot, equal with probability 3/4, the floor is 1 and loses a quarter, or it is 0.
        assert_eq!(floor_slots(0.75, 1, 0.3), (1, 0.25));
        assert_eq!(floor_slots(0.75, 1, 0.2), (0, 0.0));
        assert_eq!(floor_slots(1.0, 128, 0.0), (128, 0.0));
    }
}
