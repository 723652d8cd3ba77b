//! Code that depends on the processor: tasks compiled for its instructions, and vectorized kernels. [`portable`] is the
//! reference; the other files compute the same results faster.
//!
//! All `unsafe` code of the crate is here.

mod portable;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
// intrinsics and wider instructions, behind a proof that the processor has them
mod x86_64;

pub(crate) use portable::Portable;

/// Bytes of a block.
pub(crate) const BLOCK: usize = 64;

/// Classes of the bytes of a block. Bit i is for byte i.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Masks {
    /// `A` to `Z`, `a` to `z`.
    pub(crate) letter: u64,
    /// `0` to `9`.
    pub(crate) digit: u64,
    /// `_`
    pub(crate) underscore: u64,
    /// `.` `'` `:`, which join letters.
    pub(crate) mid_letter: u64,
    /// `.` `'` `,` `;`, which join digits.
    pub(crate) mid_digit: u64,
    /// Bytes of characters that are not ASCII.
    pub(crate) non_ascii: u64,
}

/// A kind of processor. A value of the type proves that this processor is of that kind.
pub(crate) trait Processor: Copy {
    /// Runs a task with the instructions of this processor. Not inlined: compilers recognize loops that can use vector
    /// instructions only in a function of their own.
    fn run<T: Task>(self, task: T) -> T::Output;

    /// Classifies the bytes of a block, with the same result on every processor.
    fn classify(self, block: &[u8; BLOCK]) -> Masks;

    /// Writes the low halves of the hashes that are at most `limit` to the front of `keys`, in order, and returns their
    /// number. The keys after them have no meaning.
    ///
    /// # Panics
    /// Unless `keys` is longer than `hashes` by at least [`SPARE`].
    fn pick(self, hashes: &[u64], limit: u64, keys: &mut [u32]) -> usize;

    /// Distributes keys to strips by their first three bits, in order. Each key is written after the `many` keys of its
    /// strip, and its `many` grows by one. The keys after them have no meaning.
    ///
    /// # Panics
    /// If a strip has no room for all keys and [`SPARE`] more.
    fn deal(self, keys: &[u32], strips: &mut [Vec<u32>; STRIPS], many: &mut [usize; STRIPS]);
}

/// The number of strips to which keys are distributed.
pub(crate) const STRIPS: usize = 8;
/// The number of bits of a key after those that determine its strip.
const BEHIND_STRIP: u32 = 32 - STRIPS.ilog2();
/// Room after the keys that are written, so that whole vectors can be stored.
pub(crate) const SPARE: usize = 16;

/// Work that is compiled once for each kind of processor. The functions that `run` calls must be inlined into it, or
/// they are compiled for the least of the processors.
pub(crate) trait Task {
    type Output;

    fn run<P: Processor>(self, processor: P) -> Self::Output;
}

/// Runs a task with the best instructions that this processor has. Detecting them reads a cached result.
#[inline]
pub(crate) fn run<T: Task>(task: T) -> T::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = x86_64::Avx2::detect() {
        return match x86_64::Avx512::detect(avx2) {
            Some(avx512) => avx512.run(task),
            None => avx2.run(task),
        };
    }
    Portable.run(task)
}

/// Runs a task once with each kind of instructions that this processor has. All must give the same result.
#[cfg(test)]
pub(crate) fn run_all<T: Task + Clone>(task: &T) -> Vec<T::Output> {
    let mut all = vec![task.clone().run(Portable)];
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = x86_64::Avx2::detect() {
        all.push(avx2.run(task.clone()));
        all.extend(x86_64::Avx512::detect(avx2).map(|avx512| avx512.run(task.clone())));
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone)]
    struct Classify([u8; BLOCK]);

    impl Task for Classify {
        type Output = Masks;

        fn run<P: Processor>(self, processor: P) -> Masks {
            processor.classify(&self.0)
        }
    }

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
        for byte in 0..=255 {
            for place in 0..BLOCK {
                let mut block = [b' '; BLOCK];
                block[place] = byte;
                for masks in run_all(&Classify(block)) {
                    assert_eq!(masks, naive(&block), "{byte}");
                }
            }
        }
    }

    #[derive(Clone)]
    struct PickAndDeal(Vec<u64>, u64);

    impl Task for PickAndDeal {
        type Output = (Vec<u32>, Vec<Vec<u32>>);

        fn run<P: Processor>(self, processor: P) -> Self::Output {
            let mut keys = vec![7; self.0.len() + SPARE];
            let picked = processor.pick(&self.0, self.1, &mut keys);
            keys.truncate(picked);
            let mut strips: [Vec<u32>; STRIPS] = Default::default();
            for strip in &mut strips {
                strip.resize(1 + keys.len() + SPARE, 7);
            }
            let mut many = [1; STRIPS];
            processor.deal(&keys, &mut strips, &mut many);
            for (strip, many) in strips.iter_mut().zip(many) {
                strip.truncate(many);
            }
            (keys, strips.to_vec())
        }
    }

    proptest! {
        #[test]
        fn any_hashes(hashes in prop::collection::vec(any::<u64>(), 0..100), limit: u64) {
            let kept = hashes.iter().filter(|&&hash| hash <= limit);
            let keys: Vec<u32> = kept.map(|&hash| hash as u32).collect();
            let strip = |strip: u32| {
                let keys = keys.iter().copied().filter(|key| key >> 29 == strip);
                [7].into_iter().chain(keys).collect()
            };
            let strips: Vec<Vec<u32>> = (0..8).map(strip).collect();
            for all in run_all(&PickAndDeal(hashes.clone(), limit)) {
                prop_assert_eq!(all, (keys.clone(), strips.clone()));
            }
        }

        #[test]
        fn any_block(bytes in prop::collection::vec(any::<u8>(), BLOCK)) {
            let block: [u8; BLOCK] = bytes.try_into().unwrap();
            for masks in run_all(&Classify(block)) {
                prop_assert_eq!(masks, naive(&block));
            }
        }
    }
}
