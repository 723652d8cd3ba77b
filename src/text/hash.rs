//! Hash functions: of tokens, of windows of tokens, and the finalizer. `docs/signature.md` has their formulas, and what
//! is proven of them.

use super::arch::{Processor, Task};

/// The increment of SplitMix64.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A full-avalanche bijection of 64 bits: the finalizer of every shingle hash.
///
/// Every bit of the result depends on every bit of `x`. Sketches take slot numbers and values
/// straight from the bits of their input, so input that is not mixed (ids, counters) biases every
/// estimate: Thorup 2013 and Dahlgaard et al. 2017 give measurements. Pass hashes of your own through
/// it, or call [`Deduper::shingle_set_of_ids`](crate::Deduper::shingle_set_of_ids), which does.
///
/// This is variant 13 of Stafford's finalizers ("Better bit mixing", 2011), which SplitMix64 uses.
#[inline]
pub const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The key with this number: the output of SplitMix64 with this seed.
pub(super) const fn key(seed: u64, number: u64) -> u64 {
    mix(seed.wrapping_add(number.wrapping_mul(STEP)))
}

/// A linear function of up to five values modulo 2^31 - 1. The coefficients are secret, except the last, which is 1.
///
/// Values and coefficients have two halves of 32 bits, which are computed independently. Two inputs that differ in both
/// halves of a value have the same result with probability at most 2^-60. Halves of 32 bits are used because all
/// processors have vector instructions for their products.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear([u64; VALUES - 1]);

/// The most values of a [`Linear`].
pub(super) const VALUES: usize = 5;

impl Linear {
    /// Uses keys `first` to `first + 3`, reduced to 30 bits in each half.
    pub(super) const fn new(seed: u64, first: u64) -> Self {
        const BITS: u64 = 0x3FFF_FFFF_3FFF_FFFF;
        Self([
            key(seed, first) & BITS,
            key(seed, first + 1) & BITS,
            key(seed, first + 2) & BITS,
            key(seed, first + 3) & BITS,
        ])
    }

    #[inline(always)]
    pub(super) fn of<const N: usize>(self, values: [u64; N]) -> u64 {
        let half = |shift: u32| {
            let half_of = |x: u64| (x >> shift) & u64::from(u32::MAX);
            let mut sum = half_of(values[N - 1]);
            for (&key, &value) in self.0.iter().zip(&values[..N - 1]) {
                // Each product is below 2^62, so the sum is below 2^64.
                sum += half_of(key) * half_of(value);
            }
            reduce(reduce(sum))
        };
        half(0) | half(32) << 32
    }

    #[inline(always)]
    fn of_block(self, [low, high]: Block) -> u64 {
        let bits_30 = |x: u64| x & ((1 << 30) - 1);
        let words = [
            bits_30(low),
            bits_30(low >> 30),
            bits_30(high),
            bits_30(high >> 30),
            low >> 60 | (high >> 60) << 4,
        ];
        self.of(words.map(|word| word | word << 32))
    }
}

/// Reduces a number modulo 2^31 - 1, but not fully. Applied twice, the result has at most 32 bits.
#[inline(always)]
const fn reduce(x: u64) -> u64 {
    (x & ((1 << 31) - 1)) + (x >> 31)
}

/// A token as 128 bits, low and high. Different short tokens have different blocks; the block of a long token is a
/// hash.
pub(super) type Block = [u64; 2];

/// Hashes tokens: bytes of UTF-8, or any single byte.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) seed: u64,
    linear: Linear,
    long: [u64; 3],
}

/// Bytes of a block.
const BLOCK: usize = 16;
/// Added to the length of a token of other than 16 bytes, it gives the last byte of the block. No token of 16 bytes has
/// such a last byte, since UTF-8 ends with a byte below `0xC0`.
const MARK: u8 = 0xF0;

/// For each length of a token, the mask of its bytes among 16, and the mark after them.
static FORMS: [(u128, u128); BLOCK + 1] = {
    let mut forms = [(u128::MAX, 0); BLOCK + 1];
    let mut len = 0;
    while len < BLOCK {
        forms[len] = ((1 << (8 * len)) - 1, (MARK as u128 + len as u128) << 120);
        len += 1;
    }
    forms
};

const BITS_60: u64 = (1 << 60) - 1;

impl Tokens {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            linear: Linear::new(seed, 1),
            long: [5, 6, 7].map(|number| key(seed, number) & BITS_60),
        }
    }

    /// Hashes a token.
    #[inline]
    pub(super) fn hash(&self, token: &[u8]) -> u64 {
        self.linear.of_block(halves(self.block(token)))
    }

    /// The block of a token. A token of up to 16 bytes is read as a little-endian number, padded with zeros and a mark
    /// of its length.
    #[inline(never)]
    fn block(&self, token: &[u8]) -> u128 {
        if token.len() > BLOCK {
            return self.long_block(token);
        }
        let mut padded = [0; BLOCK];
        padded[..token.len()].copy_from_slice(token);
        short_block(padded, token.len())
    }

    /// The same as [`block`](Self::block) for a part of `bytes`. Reads 16 bytes at once if there are that many.
    #[inline(always)]
    fn block_in(&self, bytes: &[u8], start: usize, len: usize) -> u128 {
        match bytes[start..].first_chunk() {
            Some(&chunk) if len <= BLOCK => short_block(chunk, len),
            _ => self.block(&bytes[start..start + len]),
        }
    }

    /// The block of a long token: its length, and a polynomial of its parts modulo 2^61 - 1 at a secret point.
    fn long_block(&self, token: &[u8]) -> u128 {
        let [a, b, point] = self.long;
        let mut sum = 0;
        let (parts, rest) = token.as_chunks();
        // The last part is read together with bytes before it, which are shifted out. Copying a few bytes would call a
        // function.
        let last = u128::from_le_bytes(*token.last_chunk().expect("longer than a block"));
        let last = (!rest.is_empty()).then(|| last >> (8 * (BLOCK - rest.len())));
        for part in parts.iter().copied().map(u128::from_le_bytes).chain(last) {
            let [low, high] = halves(part);
            let product = u128::from((low & BITS_60) + a) * u128::from((high & BITS_60) + b);
            let rest = low >> 60 | (high >> 60) << 4;
            // `sum` stays below 2^63, and `next` below 2^124.
            let next = u128::from(sum) * u128::from(point) + product + u128::from(rest);
            sum = (next as u64 & ((1 << 61) - 1)) + (next >> 61) as u64;
        }
        u128::from(sum) | (token.len() as u128) << 64 | u128::from(MARK) << 120
    }

    /// Appends the hashes of these words of `text`.
    #[inline(always)]
    pub(super) fn hash_words(
        &self,
        processor: impl Processor,
        (text, words): (&str, &[[usize; 2]]),
        blocks: &mut Vec<Block>,
        hashes: &mut Vec<u64>,
    ) {
        blocks.resize(words.len(), [0; 2]);
        processor.run(ReadBlocks {
            tokens: self,
            bytes: text.as_bytes(),
            words,
            blocks,
        });
        processor.run(HashBlocks {
            linear: self.linear,
            blocks,
            hashes: appended(hashes, blocks.len()),
        });
    }
}

/// Task that reads words of a text into blocks.
struct ReadBlocks<'a> {
    tokens: &'a Tokens,
    bytes: &'a [u8],
    words: &'a [[usize; 2]],
    blocks: &'a mut [Block],
}

impl Task for ReadBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(self, _: P) {
        for (block, &[start, end]) in self.blocks.iter_mut().zip(self.words) {
            // Split into two words only here: a pair returned from the calls would be passed on the stack.
            *block = halves(self.tokens.block_in(self.bytes, start, end - start));
        }
    }
}

/// Appends `many` zeros, and returns them to be overwritten.
#[inline(always)]
pub(super) fn appended(values: &mut Vec<u64>, many: usize) -> &mut [u64] {
    let before = values.len();
    values.resize(before + many, 0);
    &mut values[before..]
}

struct HashBlocks<'a> {
    linear: Linear,
    blocks: &'a [Block],
    hashes: &'a mut [u64],
}

impl Task for HashBlocks<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(self, _: P) {
        for (hash, &block) in self.hashes.iter_mut().zip(self.blocks) {
            *hash = self.linear.of_block(block);
        }
    }
}

#[inline(always)]
fn short_block(bytes: [u8; BLOCK], len: usize) -> u128 {
    let (kept, mark) = FORMS[len];
    u128::from_le_bytes(bytes) & kept | mark
}

#[inline(always)]
const fn halves(x: u128) -> [u64; 2] {
    [x as u64, (x >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::statement;
    use super::*;

    #[test]
    fn tokens_hash_as_the_formula_says() {
        let bytes: Vec<u8> = (0..120u8).map(|i| i.wrapping_mul(97) % 0xC0).collect();
        for seed in [0, 1, u64::MAX] {
            let tokens = Tokens::new(seed);
            for start in 0..40 {
                for len in 0..=80 {
                    let token = &bytes[start..start + len];
                    let [low, high] = statement::token(seed, token);
                    assert_eq!(tokens.hash(token), low + (high << 32));
                    let block = tokens.block_in(&bytes, start, len);
                    assert_eq!(block, tokens.block(token));
                }
            }
        }
    }

    #[test]
    fn largest_values_and_coefficients_do_not_overflow() {
        let most = u64::MAX;
        for half in [0, 32] {
            let linear = Linear([0x3FFF_FFFF_3FFF_FFFF; 4]);
            let sum = 4 * 0x3FFF_FFFF * u128::from(u32::MAX) + u128::from(u32::MAX);
            let expected = statement::reduced(u64::try_from(sum).unwrap());
            assert_eq!(linear.of([most; VALUES]) >> half & 0xFFFF_FFFF, expected);
        }
        let mut tokens = Tokens::new(0);
        tokens.long = [BITS_60; 3];
        tokens.long_block(&[0xFF; 1000]);
    }

    #[test]
    fn zeros_count_in_tokens() {
        let tokens = Tokens::new(0);
        let all: HashSet<u64> = (0..=50).map(|len| tokens.hash(&[0; 50][..len])).collect();
        assert_eq!(all.len(), 51);
    }
}
