//! Candidate pairs to verified pairs: exact similarities of shingle sets.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::collapse::Distinct;
use crate::frequent::SplitSet;
use crate::sketch::{SignatureMatrix, equal_slots};
use crate::threshold::Threshold;

/// A set of shingle hashes: sorted, each once. A clone is the same set, held once.
///
/// ```
/// use resemblance::verify::ShingleSet;
///
/// let left = ShingleSet::from_hashes(vec![3, 1, 2, 2]);
/// let right = ShingleSet::from_hashes(vec![2, 3, 4]);
/// let similarity = left.similarity(&right);
/// assert_eq!(similarity.jaccard, 0.5);
/// assert_eq!(similarity.containment_a, 2.0 / 3.0);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShingleSet(Arc<[u64]>);

impl ShingleSet {
    /// The set of these hashes. Costs a sort.
    pub fn from_hashes(mut hashes: Vec<u64>) -> Self {
        sort_and_dedup(&mut hashes);
        Self(hashes.into())
    }

    /// The same from a buffer that is to be used again; its order is lost.
    pub(crate) fn from_buffer(hashes: &mut Vec<u64>) -> Self {
        sort_and_dedup(hashes);
        Self(hashes.as_slice().into())
    }

    /// The set of hashes that ascend, as they are written: eight bytes each, the lowest first.
    #[cfg(feature = "corpus")]
    pub(crate) fn of_bytes(hashes: &[[u8; 8]]) -> Self {
        Self(
            hashes
                .iter()
                .map(|&hash| u64::from_le_bytes(hash))
                .collect(),
        )
    }

    /// The hashes, ascending.
    pub fn hashes(&self) -> &[u64] {
        &self.0
    }

    /// Distinct shingles.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True where there is no shingle.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A 128-bit hash of the set. Two different sets have the same one with probability `2^-128`:
    /// documents with the same fingerprint are taken to have the same set.
    pub fn fingerprint(&self) -> u128 {
        const RUN: usize = 32;
        let mut buffer = [0; RUN * 8];
        let mut hasher = Xxh3::new();
        for run in self.0.chunks(RUN) {
            for (bytes, hash) in buffer.chunks_exact_mut(8).zip(run) {
                bytes.copy_from_slice(&hash.to_le_bytes());
            }
            hasher.update(&buffer[..run.len() * 8]);
        }
        hasher.digest128()
    }

    /// The exact similarity of two sets.
    pub fn similarity(&self, other: &Self) -> Similarity {
        let shared = overlap(&self.0, &other.0, 0).unwrap_or(0);
        Similarity::of(shared, self.len(), other.len())
    }

    /// The exact similarity where its Jaccard is at least `threshold`; nothing else, and sooner,
    /// where it is not.
    pub fn similarity_at_least(&self, other: &Self, threshold: f64) -> Option<Similarity> {
        let needed = Threshold(threshold).needed_of(self.len(), other.len())?;
        let shared = overlap(&self.0, &other.0, needed)?;
        Some(Similarity::of(shared, self.len(), other.len()))
    }
}

fn sort_and_dedup(hashes: &mut Vec<u64>) {
    hashes.sort_unstable();
    hashes.dedup();
}

/// How many numbers two ascending runs share; none as soon as fewer than `needed` is certain.
pub(crate) fn overlap<N: Ord>(left: &[N], right: &[N], needed: usize) -> Option<usize> {
    // `spare` is how many numbers either side may still have alone.
    let mut spare_left = left.len().checked_sub(needed)?;
    let mut spare_right = right.len().checked_sub(needed)?;
    let (mut l, mut r, mut shared) = (0, 0, 0);
    while let (Some(a), Some(b)) = (left.get(l), right.get(r)) {
        match a.cmp(b) {
            std::cmp::Ordering::Equal => {
                shared += 1;
                l += 1;
                r += 1;
            }
            std::cmp::Ordering::Less => {
                spare_left = spare_left.checked_sub(1)?;
                l += 1;
            }
            std::cmp::Ordering::Greater => {
                spare_right = spare_right.checked_sub(1)?;
                r += 1;
            }
        }
    }
    (shared >= needed).then_some(shared)
}

/// The exact similarity of documents a and b, by their shingle sets.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Similarity {
    /// Shingles in both.
    pub shared: usize,
    /// Jaccard similarity, |A ∩ B| / |A ∪ B|.
    pub jaccard: f64,
    /// Containment of a in b: the share of a's shingles that are in b, |A ∩ B| / |A|.
    pub containment_a: f64,
    /// Containment of b in a: |A ∩ B| / |B|.
    pub containment_b: f64,
}

impl Similarity {
    /// Of sets of these sizes that share so many shingles.
    pub(crate) fn of(shared: usize, left: usize, right: usize) -> Self {
        // A document without shingles resembles nothing.
        let share = |of: usize| match of {
            0 => 0.0,
            of => shared as f64 / of as f64,
        };
        Self {
            shared,
            jaccard: share(left + right - shared),
            containment_a: share(left),
            containment_b: share(right),
        }
    }

    /// Shingles in either, where some are in both.
    pub(crate) fn union(&self) -> usize {
        match self.shared {
            0 => usize::MAX,
            shared => (shared as f64 / self.jaccard).round() as usize,
        }
    }

    /// The same seen from b.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            containment_a: self.containment_b,
            containment_b: self.containment_a,
            ..self
        }
    }
}

/// Two documents whose exact similarity reaches the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Pair {
    /// The document that comes first.
    pub a: usize,
    /// The document that comes later.
    pub b: usize,
    /// Their similarity.
    pub similarity: Similarity,
}

impl Pair {
    /// Of two documents in any order; `similarity` is of `x` and `y`.
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

/// The least number of equal slots, of K, with which a candidate is verified, and the probability that a
/// pair at the threshold has fewer: the most slots with which it is at most `loss`.
///
/// Equal slots are taken as binomial, which is a little wider than those of the default sketch.
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

/// How likely each number of equal slots is at a similarity below 1, in proportion, and the likeliest number.
fn equal_slots_weights(jaccard: f64, hashes: usize) -> (Vec<f64>, usize) {
    // From the mode outwards, so that none underflows that matters; only products and quotients, which are the same
    // on every machine.
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

/// Verifies candidates of a batch: by signatures first, where there are any, then exactly.
pub(crate) struct Verifier<'a> {
    /// The shingle sets that can be asked for; the rest are empty.
    pub(crate) sets: &'a [SplitSet],
    pub(crate) threshold: Threshold,
    pub(crate) estimates: Option<Estimates<'a>>,
}

/// What signatures say of distinct sets.
pub(crate) struct Estimates<'a> {
    pub(crate) rows: &'a SignatureMatrix,
    pub(crate) distinct: &'a Distinct,
    /// Equal slots below which two sets are taken to be dissimilar.
    pub(crate) floor_slots: usize,
}

impl<'a> Estimates<'a> {
    fn may_be(&self, a: u32, b: u32) -> bool {
        equal_slots(self.row(a), self.row(b)) >= self.floor_slots
    }

    /// A set's signature.
    fn row(&self, set: u32) -> &'a [u32] {
        self.rows.row(self.distinct.first(set as usize))
    }
}

impl<'a> Verifier<'a> {
    /// The similarity of sets `a` and `b` where it reaches the threshold.
    pub(crate) fn verify(&self, a: u32, b: u32) -> Option<Similarity> {
        self.may_be(a, b).then(|| self.exactly(a, b)).flatten()
    }

    /// What the signatures say.
    fn may_be(&self, a: u32, b: u32) -> bool {
        let estimates = self.estimates.as_ref();
        estimates.is_none_or(|estimates| estimates.may_be(a, b))
    }

    /// What the shingle sets say.
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

    fn set(hashes: &[u64]) -> ShingleSet {
        ShingleSet::from_hashes(hashes.to_vec())
    }

    #[test]
    fn the_threshold_itself_is_reached() {
        // 4 of 5, 2 of 3, 1 of 2, 9 of 10: the quotient and the literal round alike.
        for (shared, union, threshold) in [
            (4, 5, 0.8),
            (2, 3, 2.0 / 3.0),
            (1, 2, 0.5),
            (9, 10, 0.9),
            (7, 10, 0.7),
            (1, 1, 1.0),
        ] {
            let left: Vec<u64> = (0..union).collect();
            let right: Vec<u64> = (0..shared).collect();
            assert!(
                set(&left)
                    .similarity_at_least(&set(&right), threshold)
                    .is_some(),
                "{threshold}"
            );
            let above = threshold + 1e-9;
            assert!(
                set(&left)
                    .similarity_at_least(&set(&right), above)
                    .is_none()
            );
        }
    }

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
        // One slot, three in four: either it is asked for, and a quarter lost, or it is not.
        assert_eq!(floor_slots(0.75, 1, 0.3), (1, 0.25));
        assert_eq!(floor_slots(0.75, 1, 0.2), (0, 0.0));
        assert_eq!(floor_slots(1.0, 128, 0.0), (128, 0.0));
    }

    #[test]
    fn empty_sets_resemble_nothing() {
        let none = ShingleSet::default();
        assert_eq!(none.similarity(&none).jaccard, 0.0);
        assert_eq!(none.similarity_at_least(&none, 0.1), None);
        assert_eq!(set(&[1]).similarity(&none).jaccard, 0.0);
    }

    #[test]
    fn fingerprints_are_of_the_set() {
        assert_eq!(set(&[1, 2, 2]).fingerprint(), set(&[2, 1]).fingerprint());
        assert_ne!(set(&[1, 2]).fingerprint(), set(&[1, 3]).fingerprint());
        assert_ne!(set(&[]).fingerprint(), set(&[0]).fingerprint());
        let long: Vec<u64> = (0..100).collect();
        assert_ne!(set(&long).fingerprint(), set(&long[..64]).fingerprint());
    }
}
