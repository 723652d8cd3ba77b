//! A hash that identifies documents with the same shingles.

use crate::text::arch::{self, Processor, Task};

/// A 128-bit hash of a document's shingle hashes, with repetitions, in any order.
///
/// It consists of the sum of the hashes and the sum of the products of their halves, modulo 2^64. Since hashes are
/// mixed, documents with different shingles have the same fingerprint with a probability of about 2^-128. Documents with the
/// same fingerprint are treated as copies. (That of a [set](crate::verify::ShingleSet::fingerprint) leaves repetitions out.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Fingerprint {
    sum: u64,
    products: u64,
}

impl Fingerprint {
    pub(crate) fn of(shingles: &[u64]) -> Self {
        arch::run(Fingerprinting(shingles))
    }

    /// True for a document without shingles.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// The fingerprint as a number.
    #[cfg(feature = "corpus")]
    pub(crate) fn bits(self) -> u128 {
        u128::from(self.key()) << 64 | u128::from(self.sum)
    }

    /// 64 bits of the fingerprint, as a key.
    pub(super) fn key(self) -> u64 {
        self.sum ^ self.products.rotate_left(32)
    }
}

#[derive(Clone)]
struct Fingerprinting<'a>(&'a [u64]);

impl Task for Fingerprinting<'_> {
    type Output = Fingerprint;

    #[inline(always)]
    fn run<P: Processor>(self, _: P) -> Fingerprint {
        // Starts with the number of shingles, so that a shingle whose hash is 0 changes the fingerprint.
        let mut sum = (self.0.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut products = 0u64;
        for &hash in self.0 {
            sum = sum.wrapping_add(hash);
            products = products.wrapping_add((hash & 0xFFFF_FFFF) * (hash >> 32));
        }
        Fingerprint { sum, products }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::mix;

    #[test]
    fn order_does_not_matter_and_repetitions_do() {
        let hashes: Vec<u64> = (0..1000).map(mix).collect();
        let turned: Vec<u64> = hashes.iter().rev().copied().collect();
        let fingerprint = Fingerprint::of(&hashes);
        assert_eq!(fingerprint, Fingerprint::of(&turned));
        assert_ne!(
            fingerprint,
            Fingerprint::of(&[&hashes[..], &hashes[..1]].concat())
        );
        assert_ne!(fingerprint, Fingerprint::of(&hashes[1..]));
        assert!(Fingerprint::of(&[]).is_empty() && !fingerprint.is_empty());
        let all = arch::run_all(&Fingerprinting(&hashes));
        assert!(all.iter().all(|other| *other == fingerprint));
    }
}
