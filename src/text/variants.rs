//! Variants of characters that a normalization may treat as one: apostrophes, optional marks, digits.

use unicode_normalization::UnicodeNormalization;

/// The ASCII form of an apostrophe or quotation mark, in typographic, full-width, letter-like or Hebrew form. Any other
/// character is returned unchanged.
pub(super) fn plain_apostrophe(c: char) -> char {
    match c {
        // Quotation marks, which are apostrophes as well; ʻ and ʼ; full-width; geresh.
        '\u{2018}' | '\u{2019}' | '\u{2BB}' | '\u{2BC}' | '\u{FF07}' | '\u{5F3}' => '\'',
        // Between Hebrew letters, `"` and its typographic forms stand for gershayim.
        '\u{201C}' | '\u{201D}' | '\u{FF02}' | '\u{5F4}' => '"',
        other => other,
    }
}

/// True for the parts of Arabic script that most texts leave out: tatweel, which only lengthens a word; harakat, the
/// marks of short vowels and of doubled letters; Quranic annotation. Not for the marks that make up other letters (madda
/// and hamza, U+0653 to U+0655).
pub(super) fn is_optional_arabic(c: char) -> bool {
    matches!(c,
        '\u{640}'
        | '\u{610}'..='\u{61A}'
        | '\u{64B}'..='\u{652}'
        | '\u{656}'..='\u{65F}'
        | '\u{670}'
        | '\u{6D6}'..='\u{6DC}'
        | '\u{6DF}'..='\u{6E8}'
        | '\u{6EA}'..='\u{6ED}'
        | '\u{897}'..='\u{89F}'
        | '\u{8CA}'..='\u{8E1}'
        | '\u{8E3}'..='\u{8FF}'
        | '\u{10EFA}'..='\u{10EFF}')
}

/// A character without its accents; `None` if it is an accent itself.
pub(super) fn without_accents(c: char) -> Option<char> {
    let mut decomposed = std::iter::once(c).nfd();
    match decomposed.clone().any(is_accent) {
        // What remains of an accented character is one character.
        true => decomposed.find(|&c| !is_accent(c)),
        false => Some(c),
    }
}

/// True for the marks of Latin, Greek and Cyrillic letters. Marks of other scripts have blocks of their own and are
/// not among them: there, they are vowels or distinguish letters. U+0338 is not either: it makes `≠` of `=`.
fn is_accent(c: char) -> bool {
    c != '\u{338}'
        && matches!(c,
            '\u{300}'..='\u{36F}'
            | '\u{483}'..='\u{487}'
            | '\u{1AB0}'..='\u{1AFF}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{FE20}'..='\u{FE2F}')
}

/// The zero of each run of ten decimal digits (general category Nd of Unicode 17). None of the dependencies has this
/// property.
const ZEROS: [u32; 77] = [
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66,
    0xDE6, 0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0,
    0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0, 0x11950, 0x11BF0, 0x11C50, 0x11D50,
    0x11DA0, 0x11DE0, 0x11F50, 0x16130, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1D7CE,
    0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

/// True for decimal digits of any script.
pub(super) fn is_decimal_digit(c: char) -> bool {
    let code = u32::from(c);
    let after = ZEROS.partition_point(|&zero| zero <= code);
    after > 0 && code - ZEROS[after - 1] < 10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = char> {
        '\0'..=char::MAX
    }

    #[test]
    fn one_character_remains_of_an_accented_one() {
        for c in all() {
            let rest: Vec<char> = [c].into_iter().nfd().filter(|&c| !is_accent(c)).collect();
            if without_accents(c) != Some(c) {
                assert!(rest.len() <= 1, "{c:?} leaves {rest:?}");
                assert_eq!(without_accents(c), rest.first().copied());
            }
        }
        for (accented, plain) in "éÀçñöűặΐῷёйЇİ≠が".chars().zip("eAcnouaιωеиІI≠が".chars())
        {
            assert_eq!(without_accents(accented), Some(plain), "{accented}");
        }
        // Letters that are not composed, and vowels of other scripts.
        for c in "øłđßæþकिแก่שָبَ".chars() {
            assert_eq!(without_accents(c), Some(c), "{c:?}");
        }
    }

    /// The word rules join `,` and a decimal digit on either side; in these, no other number but U+19DA.
    #[test]
    fn digits_are_what_the_word_rules_say() {
        use unicode_segmentation::UnicodeSegmentation;

        for c in all().filter(|&c| c != '\u{19DA}') {
            let joins = format!("{c},{c}").split_word_bounds().count() == 1;
            // The standard library may know fewer characters.
            let is_digit = joins && (c.is_numeric() || is_decimal_digit(c));
            assert_eq!(is_decimal_digit(c), is_digit, "U+{:04X}", u32::from(c));
        }
        for c in "²①½Ⅷ一٫".chars() {
            assert!(!is_decimal_digit(c), "{c}");
        }
    }

    #[test]
    fn arabic_letters_are_kept() {
        for c in "ابجدهوزحطيكلمنسعفصقرشتثخذضظغءآأؤإئىةپچژگۀۂۓ\u{653}\u{654}\u{655}٠۝".chars()
        {
            assert!(!is_optional_arabic(c), "{c:?}");
        }
    }
}
