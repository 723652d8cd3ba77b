//! Shingle sets, and the similarity of two.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::named::named;
use crate::threshold::Threshold;

/// A set of shingle hashes, sorted and distinct. Clones share the memory.
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
    /// The set of these hashes, which it sorts.
    pub fn from_hashes(mut hashes: Vec<u64>) -> Self {
        sort_and_dedup(&mut hashes);
        Self(hashes.into())
    }

    /// The set of the hashes in a buffer, which can be reused afterwards. Changes its content.
    pub(crate) fn from_buffer(hashes: &mut Vec<u64>) -> Self {
        sort_and_dedup(hashes);
        Self(hashes.as_slice().into())
    }

    /// The set of ascending hashes in their stored form: eight bytes each, little-endian.
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

    /// The number of distinct shingles.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are no shingles.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A 128-bit hash of the set. Two different sets have the same fingerprint with probability `2^-128`, so documents
    /// with the same fingerprint are treated as having the same set.
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

    /// The exact similarity if its Jaccard is at least `threshold`, otherwise `None`. Stops as soon as the threshold
    /// cannot be reached.
    pub fn similarity_at_least(&self, other: &Self, threshold: f64) -> Option<Similarity> {
        self.similarity_by(
            other,
            Rule {
                measure: Measure::Jaccard,
                threshold: Threshold(threshold),
            },
        )
    }

    /// The exact similarity if the sets are near-duplicates by `rule`, otherwise `None`.
    pub(crate) fn similarity_by(&self, other: &Self, rule: Rule) -> Option<Similarity> {
        let shared = rule.shared(&self.0, &other.0)?;
        Some(Similarity::of(shared, self.len(), other.len()))
    }
}

/// What of two documents is compared with the threshold.
///
/// # Which measure should I use?
///
/// - [`Jaccard`](Self::Jaccard) finds copies of about the same length. It is low if one document contains the other and
///   much more.
/// - [`Containment`](Self::Containment) also finds a short document in a longer one: a wire report in the article that
///   quotes it, an excerpt, a page with and without comments. Text that many documents have, such as the header and
///   footer of a site, makes small documents contained in others: [set it aside](crate::aside).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Measure {
    /// Jaccard similarity, |A ∩ B| / |A ∪ B|. Default.
    #[default]
    Jaccard,
    /// Containment of the smaller document in the larger: the share of the smaller one's shingles that are in the
    /// larger, |A ∩ B| / min(|A|, |B|).
    Containment,
}

impl Measure {
    /// The value of this measure for two documents, which is compared with the threshold.
    ///
    /// ```
    /// use resemblance::Measure;
    /// use resemblance::verify::Similarity;
    ///
    /// // 3 shared shingles, of 4 and of 12.
    /// let similarity = Similarity::of(3, 4, 12);
    /// assert_eq!(Measure::Jaccard.of(&similarity), 3.0 / 13.0);
    /// assert_eq!(Measure::Containment.of(&similarity), 3.0 / 4.0);
    /// ```
    pub fn of(self, similarity: &Similarity) -> f64 {
        match self {
            Self::Jaccard => similarity.jaccard,
            Self::Containment => similarity.containment_a.max(similarity.containment_b),
        }
    }
}

named!(Measure, "similarity", "jaccard or containment", {
    Jaccard: "jaccard",
    Containment: "containment"
});

/// The rule by which two documents are near-duplicates: a measure that reaches a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rule {
    pub(crate) measure: Measure,
    pub(crate) threshold: Threshold,
}

impl Rule {
    /// The least overlap with which sets of these sizes are near-duplicates; `None` if they cannot be.
    pub(crate) fn needed_of(self, left: usize, right: usize) -> Option<usize> {
        match self.measure {
            Measure::Jaccard => self.threshold.needed_of(left, right),
            Measure::Containment => {
                let small = left.min(right);
                (small > 0).then(|| self.threshold.least_partner(small))
            }
        }
    }

    /// The number of shingles that two sets share, each ascending, if they are near-duplicates.
    pub(crate) fn shared(self, left: &[u64], right: &[u64]) -> Option<usize> {
        overlap(left, right, self.needed_of(left.len(), right.len())?)
    }

    /// Whether a document is removed if another one is kept, given the similarity of the removed one (a) to the kept.
    /// By containment, the kept one contains the removed one.
    pub(crate) fn removes(self, similarity: &Similarity) -> bool {
        let value = match self.measure {
            Measure::Jaccard => similarity.jaccard,
            Measure::Containment => similarity.containment_a,
        };
        value >= self.threshold.0
    }
}

fn sort_and_dedup(hashes: &mut Vec<u64>) {
    hashes.sort_unstable();
    hashes.dedup();
}

/// The number of elements that two ascending lists share; `None` if it is less than `needed`.
pub(crate) fn overlap<N: Ord>(left: &[N], right: &[N], needed: usize) -> Option<usize> {
    // How many more elements of each side may be missing from the other.
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
///
/// With [`Weights::Ln`](crate::Weights::Ln), `|S|` stands for the weight of the shingles in S.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Similarity {
    /// The number of shingles in both.
    pub shared: usize,
    /// Jaccard similarity, |A ∩ B| / |A ∪ B|.
    pub jaccard: f64,
    /// Containment of a in b: the share of a's shingles that are in b, |A ∩ B| / |A|.
    pub containment_a: f64,
    /// Containment of b in a: the share of b's shingles that are in a, |A ∩ B| / |B|.
    pub containment_b: f64,
}

impl Similarity {
    /// The similarity of sets of `left` and `right` shingles that share `shared` of them.
    pub fn of(shared: usize, left: usize, right: usize) -> Self {
        // A document without shingles resembles nothing.
        let share = |of: usize| match of {
            0 => 0.0,
            of => shared as f64 / of as f64,
        };
        Self {
            shared,
            jaccard: share((left + right).saturating_sub(shared)),
            containment_a: share(left),
            containment_b: share(right),
        }
    }

    /// The similarity of two documents with the same `shingles`, whatever these weigh.
    pub(crate) fn of_copies(shingles: usize) -> Self {
        Self::of(shingles, shingles, shingles)
    }

    /// Whether two documents can have these numbers.
    #[cfg(feature = "serde")]
    pub(crate) fn is_possible(&self) -> bool {
        let shares = [self.jaccard, self.containment_a, self.containment_b];
        let least = self.containment_a.min(self.containment_b);
        shares.iter().all(|share| (0.0..=1.0).contains(share))
            && self.jaccard <= least
            // Shared shingles may weigh nothing.
            && (self.shared > 0 || self.jaccard == 0.0)
    }

    /// The number of shingles in the union; `usize::MAX` if no shingle is in both.
    pub(crate) fn union(&self) -> usize {
        match self.shared {
            0 => usize::MAX,
            shared => (shared as f64 / self.jaccard).round() as usize,
        }
    }

    /// The same similarity with a and b exchanged.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            containment_a: self.containment_b,
            containment_b: self.containment_a,
            ..self
        }
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
