//! The hash functions: of tokens, and the finalizer. `docs/signature.md` has their formulas.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Weight of a length: of a token in bytes, of a shingle in tokens.
pub(super) const LENGTH: u64 = 0x9E37_79B9_7F4A_7C15;

/// A full-avalanche bijection of 64 bits: the finalizer of every shingle hash.
///
/// Every bit of the result depends on every bit of `x`. Sketches take slot numbers and values
/// straight from the bits of their input, so input that is not mixed (ids, counters) biases every
/// estimate: Thorup 2013 and Dahlgaard et al. 2017 give measurements. Pass ids of your own through
/// it, or call [`Deduper::signature_of_ids`](crate::Deduper::signature_of_ids), which does.
///
/// This is variant 13 of Stafford's finalizers ("Better bit mixing", 2011), known from SplitMix64.
#[inline]
pub const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Both halves of the 128-bit product in one.
#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    (product >> 64) as u64 ^ product as u64
}

/// Hashes tokens.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) seed: u64,
    /// What the two halves of a short token are mixed with.
    keys: [u64; 2],
}

/// Bytes of a short token.
const SHORT: usize = 16;

/// What the bytes of a token of each length are among 16.
static KEPT: [u128; SHORT + 1] = {
    let mut kept = [0; SHORT + 1];
    let mut len = 1;
    while len <= SHORT {
        kept[len] = u128::MAX >> (8 * (SHORT - len));
        len += 1;
    }
    kept
};

impl Tokens {
    pub(super) fn new(seed: u64) -> Self {
        let key = |i: u64| mix(seed.wrapping_add(i.wrapping_mul(LENGTH)));
        Self {
            seed,
            keys: [key(1), key(2)],
        }
    }

    /// The hash of a token. Its bytes up to 16, little-endian and padded with zeros, are two words;
    /// their length is mixed in, so that zeros of its own make another token.
    #[inline]
    pub(super) fn hash(&self, token: &[u8]) -> u64 {
        if token.len() > SHORT {
            return xxh3_64_with_seed(token, self.seed);
        }
        let mut padded = [0; SHORT];
        padded[..token.len()].copy_from_slice(token);
        self.hash_short(u128::from_le_bytes(padded), token.len())
    }

    /// As [`hash`](Self::hash), of a part of `bytes`: 16 bytes are read at once where there are so many.
    #[inline(always)]
    pub(super) fn hash_in(&self, bytes: &[u8], start: usize, len: usize) -> u64 {
        match bytes[start..].first_chunk() {
            Some(&chunk) if len <= SHORT => {
                let short = u128::from_le_bytes(chunk) & KEPT[len];
                self.hash_short(short, len)
            }
            _ => self.hash(&bytes[start..start + len]),
        }
    }

    #[inline(always)]
    fn hash_short(&self, token: u128, len: usize) -> u64 {
        let [low, high] = self.keys;
        let length = LENGTH.wrapping_mul(len as u64);
        fold(
            token as u64 ^ low,
            (token >> 64) as u64 ^ high.wrapping_add(length),
        )
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A token's hash by the formula, byte by byte.
    pub(in crate::text) fn naive_token(token: &[u8], seed: u64) -> u64 {
        if token.len() > 16 {
            return xxh3_64_with_seed(token, seed);
        }
        let word = |from: usize| {
            let bytes = token.iter().skip(from).take(8);
            bytes
                .rev()
                .fold(0u64, |word, &byte| word << 8 | u64::from(byte))
        };
        let key = |i: u64| mix(seed.wrapping_add(LENGTH.wrapping_mul(i)));
        let length = LENGTH.wrapping_mul(token.len() as u64);
        let (a, b) = (word(0) ^ key(1), word(8) ^ key(2).wrapping_add(length));
        let product = u128::from(a) * u128::from(b);
        (product >> 64) as u64 ^ product as u64
    }

    #[test]
    fn tokens_hash_as_the_formula_says() {
        let bytes: Vec<u8> = (0..60u8).map(|i| i.wrapping_mul(97)).collect();
        for seed in [0, 1, u64::MAX] {
            let tokens = Tokens::new(seed);
            for start in 0..40 {
                for len in 0..=20 {
                    let token = &bytes[start..start + len];
                    assert_eq!(tokens.hash(token), naive_token(token, seed));
                    assert_eq!(tokens.hash_in(&bytes, start, len), naive_token(token, seed));
                }
            }
        }
    }

    #[test]
    fn zeros_count_in_tokens() {
        let tokens = Tokens::new(0);
        let all: std::collections::HashSet<u64> =
            (0..=20).map(|len| tokens.hash(&[0; 20][..len])).collect();
        assert_eq!(all.len(), 21);
    }
}
