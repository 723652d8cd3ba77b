//! Byte by byte, for any processor.

use super::{BLOCK, Masks, Processor};

/// Any processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

impl Processor for Portable {
    #[inline(always)]
    fn classify(self, block: &[u8; BLOCK]) -> Masks {
        classify(block)
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
