//! Kernels for any processor, byte by byte.

use super::{BEHIND_STRIP, BLOCK, Masks, Processor, SPARE, STRIPS, Task};

/// Any processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

impl Processor for Portable {
    #[inline(never)]
    fn run<T: Task>(self, task: T) -> T::Output {
        task.run(self)
    }

    #[inline(always)]
    fn classify(self, block: &[u8; BLOCK]) -> Masks {
        classify(block)
    }

    #[inline(always)]
    fn pick(self, hashes: &[u64], limit: u64, keys: &mut [u32]) -> usize {
        pick(hashes, limit, keys)
    }

    #[inline(always)]
    fn deal(self, keys: &[u32], strips: &mut [Vec<u32>; STRIPS], many: &mut [usize; STRIPS]) {
        deal(keys, strips, many);
    }
}

#[inline(always)]
pub(super) fn pick(hashes: &[u64], limit: u64, keys: &mut [u32]) -> usize {
    let keys = &mut keys[..hashes.len() + SPARE];
    let mut many = 0;
    // No branch: it would often be mispredicted.
    for &hash in hashes {
        keys[many] = hash as u32;
        many += usize::from(hash <= limit);
    }
    many
}

#[inline(always)]
pub(super) fn deal(keys: &[u32], strips: &mut [Vec<u32>; STRIPS], many: &mut [usize; STRIPS]) {
    for &key in keys {
        let strip = (key >> BEHIND_STRIP) as usize;
        strips[strip][many[strip]] = key;
        many[strip] += 1;
    }
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const UNDERSCORE: u8 = 4;
const MID_LETTER: u8 = 8;
const MID_DIGIT: u8 = 16;
const NON_ASCII: u8 = 32;

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            b'0'..=b'9' => DIGIT,
            b'_' => UNDERSCORE,
            b':' => MID_LETTER,
            b',' | b';' => MID_DIGIT,
            b'.' | b'\'' => MID_LETTER | MID_DIGIT,
            0x80.. => NON_ASCII,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn classify(block: &[u8; BLOCK]) -> Masks {
    let mut masks = Masks::default();
    for (i, &byte) in block.iter().enumerate() {
        let class = CLASSES[usize::from(byte)];
        let bit = |of: u8| u64::from(class & of != 0) << i;
        masks.letter |= bit(LETTER);
        masks.digit |= bit(DIGIT);
        masks.underscore |= bit(UNDERSCORE);
        masks.mid_letter |= bit(MID_LETTER);
        masks.mid_digit |= bit(MID_DIGIT);
        masks.non_ascii |= bit(NON_ASCII);
    }
    masks
}
