//! AVX2: a class is a handful of comparisons on 32 bytes at once.
//!
//! The type is a proof: it can only be had where the processor has the instructions, so its methods are
//! safe to call.

use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_sub_epi8,
};

use super::{BLOCK, Masks, Processor, Task};

/// Proof that the processor has AVX2 and the bit instructions that came with it (x86-64-v3).
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        let all = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        all.then_some(Self(()))
    }

    #[inline]
    pub(super) fn run<T: Task>(self, task: T) -> T::Output {
        // SAFETY: `self` proves all that the function asks for.
        unsafe { run_avx2(self, task) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn run_avx2<T: Task>(proof: Avx2, task: T) -> T::Output {
    task.run(proof)
}

impl Processor for Avx2 {
    #[inline(always)]
    fn classify(self, block: &[u8; BLOCK]) -> Masks {
        // SAFETY: `self` proves AVX2.
        unsafe { classify_avx2(block) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn classify_avx2(block: &[u8; BLOCK]) -> Masks {
    let (low, high) = block.split_at(BLOCK / 2);
    // SAFETY: both halves hold 32 bytes; the loads need no alignment.
    let halves = unsafe {
        [
            _mm256_loadu_si256(low.as_ptr().cast()),
            _mm256_loadu_si256(high.as_ptr().cast()),
        ]
    };
    let mask = |is: [__m256i; 2]| {
        let [low, high] = is.map(|half| u64::from(_mm256_movemask_epi8(half).cast_unsigned()));
        low | high << 32
    };
    let equal = |byte: u8| {
        let byte = _mm256_set1_epi8(byte.cast_signed());
        mask(halves.map(|half| _mm256_cmpeq_epi8(half, byte)))
    };
    // Bytes from `first` on, `many` of them: what is left after subtracting does not grow by a minimum
    // with many - 1.
    let within = |halves: [__m256i; 2], first: u8, many: u8| {
        let first = _mm256_set1_epi8(first.cast_signed());
        let last = _mm256_set1_epi8((many - 1).cast_signed());
        mask(halves.map(|half| {
            let from = _mm256_sub_epi8(half, first);
            _mm256_cmpeq_epi8(_mm256_min_epu8(from, last), from)
        }))
    };
    let case = _mm256_set1_epi8(0x20);
    let lower = halves.map(|half| _mm256_or_si256(half, case));
    let both = equal(b'.') | equal(b'\'');
    Masks {
        letter: within(lower, b'a', 26),
        digit: within(halves, b'0', 10),
        underscore: equal(b'_'),
        mid_letter: both | equal(b':'),
        mid_digit: both | equal(b',') | equal(b';'),
        non_ascii: mask(halves),
    }
}
