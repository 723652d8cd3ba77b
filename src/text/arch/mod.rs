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
    /// The classes of a block: the same on every processor.
    fn classify(self, block: &[u8; BLOCK]) -> Masks;
}

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
    task.run(Portable)
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

    proptest! {
        #[test]
        fn any_block(bytes in prop::collection::vec(any::<u8>(), BLOCK)) {
            let block: [u8; BLOCK] = bytes.try_into().unwrap();
            for masks in run_all(&Classify(block)) {
                prop_assert_eq!(masks, naive(&block));
            }
        }
    }
}
