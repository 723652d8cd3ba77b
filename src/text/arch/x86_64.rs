//! Kernels for AVX2 and AVX-512. A class takes a few comparisons of 32 or 64 bytes at once.
//!
//! The types are proofs: a value can only be made if the processor has the instructions, so the methods are safe to
//! call.

use std::arch::x86_64::{
    __m256i, __m512i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_storeu_si256, _mm256_sub_epi8,
    _mm512_cmpeq_epi8_mask, _mm512_cmplt_epu8_mask, _mm512_cvtepi64_epi32, _mm512_loadu_si512,
    _mm512_mask_cmpeq_epi32_mask, _mm512_mask_cmple_epu64_mask, _mm512_maskz_compress_epi32,
    _mm512_maskz_compress_epi64, _mm512_maskz_loadu_epi32, _mm512_maskz_loadu_epi64,
    _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_srli_epi32, _mm512_storeu_si512, _mm512_sub_epi8,
};
use std::hint::black_box;

use super::{BEHIND_STRIP, BLOCK, Masks, Processor, SPARE, STRIPS, Task, portable};

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
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[inline(never)]
fn run_avx2<T: Task>(proof: Avx2, task: T) -> T::Output {
    task.run(proof)
}

impl Processor for Avx2 {
    #[inline]
    fn run<T: Task>(self, task: T) -> T::Output {
        // SAFETY: `self` proves all that the function asks for.
        unsafe { run_avx2(self, task) }
    }

    #[inline(always)]
    fn classify(self, block: &[u8; BLOCK]) -> Masks {
        // SAFETY: `self` proves AVX2.
        unsafe { classify_avx2(block) }
    }

    #[inline(always)]
    fn pick(self, hashes: &[u64], limit: u64, keys: &mut [u32]) -> usize {
        portable::pick(hashes, limit, keys)
    }

    #[inline(always)]
    fn deal(self, keys: &[u32], strips: &mut [Vec<u32>; STRIPS], many: &mut [usize; STRIPS]) {
        portable::deal(keys, strips, many);
    }
}

/// Proof that the processor has AVX-512 for bytes, and all that [`Avx2`] has (x86-64-v4).
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    #[inline]
    pub(super) fn detect(_: Avx2) -> Option<Self> {
        let all = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        all.then_some(Self(()))
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
#[inline(never)]
fn run_avx512<T: Task>(proof: Avx512, task: T) -> T::Output {
    task.run(proof)
}

impl Processor for Avx512 {
    #[inline]
    fn run<T: Task>(self, task: T) -> T::Output {
        // SAFETY: `self` proves all that the function asks for.
        unsafe { run_avx512(self, task) }
    }

    #[inline(always)]
    fn classify(self, block: &[u8; BLOCK]) -> Masks {
        // SAFETY: `self` proves AVX-512 for bytes.
        unsafe { classify_avx512(block) }
    }

    #[inline(always)]
    fn pick(self, hashes: &[u64], limit: u64, keys: &mut [u32]) -> usize {
        // SAFETY: `self` proves AVX-512.
        unsafe { pick_avx512(hashes, limit, keys) }
    }

    #[inline(always)]
    fn deal(self, keys: &[u32], strips: &mut [Vec<u32>; STRIPS], many: &mut [usize; STRIPS]) {
        // SAFETY: `self` proves AVX-512.
        unsafe { deal_avx512(keys, strips, many) }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,popcnt")]
fn pick_avx512(hashes: &[u64], limit: u64, keys: &mut [u32]) -> usize {
    let keys = &mut keys[..hashes.len() + SPARE];
    let most = _mm512_set1_epi64(limit.cast_signed());
    let mut many = 0;
    for eight in hashes.chunks(8) {
        let there = ((1u32 << eight.len()) - 1) as u8;
        // SAFETY: the mask leaves out what lies behind the slice; the load needs no alignment.
        let eight = unsafe { _mm512_maskz_loadu_epi64(there, eight.as_ptr().cast()) };
        let kept = _mm512_mask_cmple_epu64_mask(there, eight, most);
        let low = _mm512_cvtepi64_epi32(_mm512_maskz_compress_epi64(kept, eight));
        // SAFETY: `many` is at most the number of hashes before these, and there are 16 keys more than hashes.
        unsafe { _mm256_storeu_si256(keys.as_mut_ptr().add(many).cast(), low) };
        many += kept.count_ones() as usize;
    }
    many
}

#[inline]
#[target_feature(enable = "avx512f,popcnt")]
fn deal_avx512(keys: &[u32], strips: &mut [Vec<u32>; STRIPS], many: &mut [usize; STRIPS]) {
    let room = |(strip, many): (&Vec<u32>, &usize)| many + keys.len() + SPARE <= strip.len();
    assert!(
        strips.iter().zip(&*many).all(room),
        "room for whole vectors"
    );
    for sixteen in keys.chunks(16) {
        let there = ((1u32 << sixteen.len()) - 1) as u16;
        // SAFETY: the mask leaves out what lies behind the slice; the load needs no alignment.
        let sixteen = unsafe { _mm512_maskz_loadu_epi32(there, sixteen.as_ptr().cast()) };
        let strip_of = _mm512_srli_epi32::<BEHIND_STRIP>(sixteen);
        for (number, (strip, many)) in (0..).zip(strips.iter_mut().zip(&mut *many)) {
            let own = _mm512_mask_cmpeq_epi32_mask(there, strip_of, _mm512_set1_epi32(number));
            let own_keys = _mm512_maskz_compress_epi32(own, sixteen);
            // SAFETY: a strip gets no more than the keys before these, and has room for 16 more.
            unsafe { _mm512_storeu_si512(strip.as_mut_ptr().add(*many).cast(), own_keys) };
            *many += own.count_ones() as usize;
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn classify_avx512(block: &[u8; BLOCK]) -> Masks {
    // SAFETY: the block holds 64 bytes; the load needs no alignment.
    let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
    let equal = |byte: u8| _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(byte.cast_signed()));
    // Bytes from `first` on, `many` of them.
    let within = |bytes: __m512i, first: u8, many: u8| {
        let from = _mm512_sub_epi8(bytes, _mm512_set1_epi8(first.cast_signed()));
        _mm512_cmplt_epu8_mask(from, _mm512_set1_epi8(many.cast_signed()))
    };
    let lower = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
    let both = equal(b'.') | equal(b'\'');
    Masks {
        letter: within(lower, b'a', 26),
        digit: within(bytes, b'0', 10),
        underscore: equal(b'_'),
        mid_letter: both | equal(b':'),
        mid_digit: both | equal(b',') | equal(b';'),
        non_ascii: _mm512_movepi8_mask(bytes),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn classify_avx2(block: &[u8; BLOCK]) -> Masks {
    let (low, high) = block.split_at(BLOCK / 2);
    // SAFETY: both halves hold 32 bytes; the loads need no alignment.
    let (low, high) = unsafe {
        (
            _mm256_loadu_si256(low.as_ptr().cast()),
            _mm256_loadu_si256(high.as_ptr().cast()),
        )
    };
    let (low, high) = (classes(low), classes(high));
    let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    Masks {
        letter: join(low.letter, high.letter),
        digit: join(low.digit, high.digit),
        underscore: join(low.underscore, high.underscore),
        mid_letter: join(low.mid_letter, high.mid_letter),
        mid_digit: join(low.mid_digit, high.mid_digit),
        non_ascii: join(low.non_ascii, high.non_ascii),
    }
}

/// [`Masks`] of half a block.
struct Half {
    letter: u32,
    digit: u32,
    underscore: u32,
    mid_letter: u32,
    mid_digit: u32,
    non_ascii: u32,
}

#[inline]
#[target_feature(enable = "avx2")]
fn classes(bytes: __m256i) -> Half {
    // `black_box` stops the compiler from computing single bits instead of whole masks.
    let mask = |is: __m256i| black_box(_mm256_movemask_epi8(is).cast_unsigned());
    let equal = |byte: u8| _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte.cast_signed()));
    // Whether each byte is one of the `many` from `first` on: its distance from `first` is at most many - 1, so the
    // minimum with many - 1 does not change it.
    let within = |bytes: __m256i, first: u8, many: u8| {
        let from = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first.cast_signed()));
        let last = _mm256_set1_epi8((many - 1).cast_signed());
        _mm256_cmpeq_epi8(_mm256_min_epu8(from, last), from)
    };
    let lower = _mm256_or_si256(bytes, _mm256_set1_epi8(0x20));
    let both = _mm256_or_si256(equal(b'.'), equal(b'\''));
    let comma = _mm256_or_si256(equal(b','), equal(b';'));
    Half {
        letter: mask(within(lower, b'a', 26)),
        digit: mask(within(bytes, b'0', 10)),
        underscore: mask(equal(b'_')),
        mid_letter: mask(_mm256_or_si256(both, equal(b':'))),
        mid_digit: mask(_mm256_or_si256(both, comma)),
        non_ascii: mask(bytes),
    }
}
