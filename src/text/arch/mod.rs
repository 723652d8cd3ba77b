//! What the word rules need to know of 64 bytes, as bit masks: [`portable`] is the truth, the other files
//! say the same faster where the processor can.
//!
//! All `unsafe` code of `text` is here.

mod portable;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)] // intrinsics, called behind a proof that the processor has them
mod x86_64;

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// Classes of the bytes of a block; bit i is byte i.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Masks {
    /// `A` to `Z`, `a` to `z`.
    pub(super) letter: u64,
    /// `0` to `9`.
    pub(super) digit: u64,
    /// `_`
    pub(super) underscore: u64,
    /// `.` `'` `:`, which join letters.
    pub(super) mid_letter: u64,
    /// `.` `'` `,` `;`, which join digits.
    pub(super) mid_digit: u64,
    /// Bytes of characters that are not ASCII.
    pub(super) non_ascii: u64,
}

/// How blocks are classified. All ways give the same masks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Classifier {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(x86_64::Avx2),
}

impl Classifier {
    /// The fastest that this processor has. Costs a look at a cached answer.
    #[inline]
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(proof) = x86_64::Avx2::detect() {
            return Self::Avx2(proof);
        }
        Self::Portable
    }

    /// The classes of a block.
    #[inline]
    pub(super) fn classify(self, block: &[u8; BLOCK]) -> Masks {
        match self {
            Self::Portable => portable::classify(block),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.classify(block),
        }
    }

    /// Every way that this processor has, for tests.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        all.extend(x86_64::Avx2::detect().map(Self::Avx2));
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(block: &[u8; BLOCK]) -> Masks {
        let mask = |is: fn(u8) -> bool| {
            let bit = |(i, &byte): (usize, &u8)| u64::from(is(byte)) << i;
            block
                .iter()
                .enumerate()
                .map(bit)
                .fold(0, |mask, bit| mask | bit)
        };
        Masks {
            letter: mask(|byte| byte.is_ascii_alphabetic()),
            digit: mask(|byte| byte.is_ascii_digit()),
            underscore: mask(|byte| byte == b'_'),
            mid_letter: mask(|byte| b".':".contains(&byte)),
            mid_digit: mask(|byte| b".',;".contains(&byte)),
            non_ascii: mask(|byte| !byte.is_ascii()),
        }
    }

    #[test]
    fn every_byte_in_every_place() {
        for classifier in Classifier::all() {
            for byte in 0..=255 {
                for place in 0..BLOCK {
                    let mut block = [b' '; BLOCK];
                    block[place] = byte;
                    assert_eq!(
                        classifier.classify(&block),
                        naive(&block),
                        "{classifier:?} {byte}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_block(bytes in prop::collection::vec(any::<u8>(), BLOCK)) {
            let block: [u8; BLOCK] = bytes.try_into().unwrap();
            for classifier in Classifier::all() {
                prop_assert_eq!(classifier.classify(&block), naive(&block));
            }
        }
    }
}
