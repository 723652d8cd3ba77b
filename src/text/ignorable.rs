//! Default-ignorable code points.

/// The ranges of `Default_Ignorable_Code_Point` (Unicode 17, `DerivedCoreProperties.txt`), including their ends.
///
/// None of the dependencies has this property. It contains ranges without assigned characters, to keep it stable. Since
/// Unicode 4.1, only U+180F was added.
const RANGES: [(u32, u32); 17] = [
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
];

/// True for characters that are invisible if a program does not support them: soft hyphens, zero-width joiners and
/// spaces, variation selectors, byte-order marks.
pub(super) fn is_default_ignorable(c: char) -> bool {
    let code = u32::from(c);
    let next = RANGES.partition_point(|&(_, last)| last < code);
    RANGES.get(next).is_some_and(|&(first, _)| first <= code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_their_ends_and_nothing_beside_them() {
        for (first, last) in RANGES {
            for inside in [first, last] {
                assert!(is_default_ignorable(char::from_u32(inside).unwrap()));
            }
            for outside in [first - 1, last + 1] {
                let c = char::from_u32(outside).unwrap();
                assert!(!is_default_ignorable(c), "U+{outside:04X}");
            }
        }
    }
}
