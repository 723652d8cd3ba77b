//! Random draws that sketches derive from a shingle hash.

use super::EMPTY;

/// A draw of 32 bits from the halves of a shingle hash. Draws with different [`turn`]s are practically independent of
/// each other and of the hash.
///
/// It uses only 32-bit numbers, so that a vector of any processor holds eight. It is the finalizer "lowbias32" of
/// Wellons ("Prospecting for hash functions", 2018) on the low half, with the high half added midway.
#[inline(always)]
pub(super) fn draw(low: u32, high: u32, turn: u32) -> u32 {
    let mut u = (low ^ turn).wrapping_mul(0x7FEB_352D);
    u ^= u >> 15;
    u = u.wrapping_add(high).wrapping_mul(0x846C_A68B);
    u ^ (u >> 16)
}

/// The number that distinguishes draw i from others: i times the golden ratio.
#[inline(always)]
pub(super) fn turn(i: u32) -> u32 {
    i.wrapping_mul(0x9E37_79B9)
}

/// The halves of a shingle hash.
#[inline(always)]
pub(super) fn halves(shingle: u64) -> (u32, u32) {
    (shingle as u32, (shingle >> 32) as u32)
}

/// The smallest draw of all shingles for each turn, at most `EMPTY - 1`. N slots stay in registers during the loop over
/// shingles.
#[inline(always)]
pub(super) fn least_draws<const N: usize>(shingles: &[u64], turns: &[u32; N]) -> [u32; N] {
    let mut least = [EMPTY - 1; N];
    for &x in shingles {
        let (low, high) = halves(x);
        for (least, &turn) in least.iter_mut().zip(turns) {
            *least = (*least).min(draw(low, high, turn));
        }
    }
    least
}
