//! What processors do differently: code compiled for the instructions this one has, and what the word rules
//! need to know of 64 bytes, as bit masks. [`portable`] is the truth, the other files say the same faster.
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

/// Classes of the bytes of a block; bit i is byte i.
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

/// A kind of processor; to have one is the proof that this processor is of that kind.
pub(crate) trait Processor: Copy {
    /// Does a task with the instructions of this processor. Not inlined: what is to become vector instructions must stand
    /// by itself to be recognized.
    fn run<T: Task>(self, task: T) -> T::Output;

    /// The classes of a block: the same on every processor.
    fn classify(self, block: &[u8; BLOCK]) -> Masks;

    /// Writes the low halves of those hashes that are at most `limit` to the front of `keys`, in order, and returns how
    /// many they are. What is behind them is of no meaning.
    ///
    /// # Panics
    /// Where there are not [`SPARE`] more keys than hashes.
    fn pick(self, hashes: &[u64], limit: u64, keys: &mut [u32]) -> usize;

    /// Deals keys to strips by their first three bits, in order: each goes behind the `many` that its strip has, which
    /// then has one more. What is behind them is of no meaning.
    ///
    /// # Panics
    /// Where a strip has not room for all keys and [`SPARE`] more.
    fn deal(self, keys: &[u32], strips: &mut [Vec<u32>; STRIPS], many: &mut [usize; STRIPS]);
}

/// Strips that keys are dealt to.
pub(crate) const STRIPS: usize = 8;
/// A key's bits behind those that tell its strip.
const BEHIND_STRIP: u32 = 32 - STRIPS.ilog2();
/// Room behind keys that are written, for whole vectors.
pub(crate) const SPARE: usize = 16;

/// Work that is compiled once for each kind of processor. What `run` calls must be inlined into it, or it
/// is compiled for the least of them.
pub(crate) trait Task {
    type Output;

    fn run<P: Processor>(self, processor: P) -> Self::Output;
}

/// Does a task with the best instructions that this processor has. Costs a look at cached answers.
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

/// Does a task once with each kind of instructions that this processor has: all must give the same.
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
