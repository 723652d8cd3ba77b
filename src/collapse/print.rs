//! What a document is recognized by.

use crate::text::arch::{self, Processor, Task};

/// 128 bits of a document's shingle hashes with their repetitions, in whatever order.
///
/// The sums of the hashes and of the products of their halves, modulo 2^64: hashes are mixed, so that two
/// documents whose shingles differ have the same print with a probability of about 2^-128. They are then taken to
/// be the same, as those of the same [fingerprint](crate::verify::ShingleSet::fingerprint) are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Print {
    sum: u64,
    products: u64,
}

impl Print {
    pub(crate) fn of(shingles: &[u64]) -> Self {
        arch::run(Printing(shingles))
    }

    /// True for a document without shingles.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// All of it as a number.
    #[cfg(feature = "corpus")]
    pub(crate) fn bits(self) -> u128 {
        u128::from(self.key()) << 64 | u128::from(self.sum)
    }

    /// 64 bits of it.
    pub(super) fn key(self) -> u64 {
        self.sum ^ self.products.rotate_left(32)
    }
}

#[derive(Clone)]
struct Printing<'a>(&'a [u64]);

impl Task for Printing<'_> {
    type Output = Print;

    #[inline(always)]
    fn run<P: Processor>(self, _: P) -> Print {
        // The number of shingles counts, so that one whose hash is 0 does.
        let mut sum = (self.0.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut products = 0u64;
        for &hash in self.0 {
            sum = sum.wrapping_add(hash);
            products = products.wrapping_add((hash & 0xFFFF_FFFF) * (hash >> 32));
        }
        Print { sum, products }
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
        let print = Print::of(&hashes);
        assert_eq!(print, Print::of(&turned));
        assert_ne!(print, Print::of(&[&hashes[..], &hashes[..1]].concat()));
        assert_ne!(print, Print::of(&hashes[1..]));
        assert!(Print::of(&[]).is_empty() && !print.is_empty());
        let all = arch::run_all(&Printing(&hashes));
        assert!(all.iter().all(|other| *other == print));
    }
}
