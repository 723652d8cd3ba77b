//! Classes of characters in the word rules of UAX #29.

use std::sync::atomic::{AtomicU8, Ordering};

use unicode_segmentation::UnicodeSegmentation;

use super::decode::{char_at, of_three};

/// The class of a character in the word rules. It is derived from how unicode-segmentation treats the character, so the
/// two cannot differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// Not a word, with a boundary on either side.
    Break = 1,
    /// A word by itself, with a boundary on either side: Han, Hiragana, Thai.
    Alone,
    /// Joins letters, digits and underscores.
    Letter,
    /// Joins letters, digits and underscores. Unlike letters, two digits are joined by `,` and `;`, but not by `:`.
    Digit,
    /// Joins letters, digits and Katakana, but is not a word without them.
    Underscore,
    /// Joins Katakana and underscores.
    Katakana,
    /// Joins two letters: `:`, `·`.
    MidLetter,
    /// Joins two digits: `,` and `;`.
    MidDigit,
    /// Joins two letters or two digits: `.`, `'`, `’`.
    Mid,
    /// `"`: joins Hebrew letters, otherwise breaks.
    Quote,
    /// Anything else: combining marks, joiners, flags, Hebrew, spaces other than U+0020.
    Hard,
}

/// Classes by number. There are 16 entries, so that any four bits are a valid index.
const ALL: [Class; 16] = {
    let mut all = [Class::Hard; 16];
    let named = [
        Class::Break,
        Class::Alone,
        Class::Letter,
        Class::Digit,
        Class::Underscore,
        Class::Katakana,
        Class::MidLetter,
        Class::MidDigit,
        Class::Mid,
        Class::Quote,
    ];
    let mut i = 0;
    while i < named.len() {
        all[named[i] as usize] = named[i];
        i += 1;
    }
    all
};

static ASCII: [Class; 128] = {
    let mut classes = [Class::Break; 128];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'_' => Class::Underscore,
            b':' => Class::MidLetter,
            b',' | b';' => Class::MidDigit,
            b'.' | b'\'' => Class::Mid,
            b'"' => Class::Quote,
            _ => Class::Break,
        };
        byte += 1;
    }
    classes
};

/// Cache of the class of every character met so far, 0 for the others. It holds results of a pure function only, and a
/// page of it is resident for each 4,096 code points in use.
static KNOWN: [[AtomicU8; PAGE]; PAGES] = [const { [const { AtomicU8::new(0) }; PAGE] }; PAGES];
const PAGE: usize = 4096;
/// Enough pages for all characters, and a power of two, so that an index never needs a check.
const PAGES: usize = 0x20_0000 / PAGE;

/// The class of an ASCII character.
#[inline(always)]
pub(super) fn ascii_class(byte: u8) -> Class {
    ASCII[usize::from(byte & 0x7F)]
}

/// The class of a character.
#[cfg(test)]
fn class_of(c: char) -> Class {
    match u8::try_from(c) {
        Ok(byte) if byte.is_ascii() => ascii_class(byte),
        _ => class_of_code(u32::from(c)),
    }
}

#[inline(always)]
fn class_of_code(code: u32) -> Class {
    match known(code) {
        0 => learn(code as usize),
        class => ALL[usize::from(class % 16)],
    }
}

/// The cached number of a character's class, or 0 if it is not cached.
#[inline(always)]
fn known(code: u32) -> u8 {
    let code = code as usize;
    KNOWN[code / PAGE % PAGES][code % PAGE].load(Ordering::Relaxed)
}

#[cold]
fn learn(code: usize) -> Class {
    let c = char::from_u32(code as u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    let class = probe(c);
    let code = u32::from(c) as usize;
    KNOWN[code / PAGE][code % PAGE].store(class as u8, Ordering::Relaxed);
    class
}

/// Yields an item for each character at the start of `text` that has three bytes and is known to be
/// [`Alone`](Class::Alone), up to the first other character.
#[inline(always)]
pub(super) fn known_alone(text: &[u8]) -> impl Iterator<Item = ()> {
    let threes = text.as_chunks().0.iter();
    threes
        .map_while(of_three)
        .take_while(|&code| known(code) == Class::Alone as u8)
        .map(|_| ())
}

/// The class of the character at `at`, and the start of the next one. At the end of the text, a break without length.
#[inline(always)]
pub(super) fn look(text: &[u8], at: usize) -> (Class, usize) {
    match char_at(text, at) {
        Some((code @ ..0x80, end)) => (ascii_class(code as u8), end),
        Some((code, end)) => (class_of_code(code), end),
        None => (Class::Break, at),
    }
}

/// Finds the class of `c` by how unicode-segmentation treats it beside characters of known classes.
#[cold]
fn probe(c: char) -> Class {
    let one = |text: &[char]| {
        let text: String = text.iter().collect();
        text.split_word_bounds().count() == 1
    };
    let is_word = c.to_string().unicode_words().next().is_some();
    // Whether it joins `other` on both sides; `None` if the sides differ.
    let joins = |other: char| {
        let sides = (one(&[other, c]), one(&[c, other]));
        (sides.0 == sides.1).then_some(sides.0)
    };
    if joins(' ') != Some(false) {
        return Class::Hard;
    }
    let beside = ['a', '1', '_', 'ア', c].map(joins);
    match (beside.map(|joins| joins.map_or(2, u8::from)), is_word) {
        ([0, 0, 0, 0, 0], _) => match (one(&['a', c, 'a']), one(&['1', c, '1']), is_word) {
            (false, false, true) => Class::Alone,
            (false, false, false) => Class::Break,
            (true, false, false) => Class::MidLetter,
            (false, true, false) => Class::MidDigit,
            (true, true, false) => Class::Mid,
            _ => Class::Hard,
        },
        ([1, 1, 1, 0, 1], true) => match ['.', ':', ',', '"'].map(|middle| one(&[c, middle, c])) {
            [true, true, false, false] => Class::Letter,
            [true, false, true, false] => Class::Digit,
            _ => Class::Hard,
        },
        ([1, 1, 1, 1, 1], false) => Class::Underscore,
        ([0, 0, 1, 1, 1], true) => Class::Katakana,
        _ => Class::Hard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_what_the_probe_says() {
        for c in ('\0'..='\x7F').filter(|c| !" \"\r\n".contains(*c)) {
            assert_eq!(class_of(c), probe(c), "{c:?}");
        }
    }

    #[test]
    fn known_characters() {
        for (class, characters) in [
            (Class::Letter, "éßжΩعक가ªⓂ"),
            (Class::Digit, "٣१᠐"),
            (Class::Alone, "漢字ひらกไ①"),
            (Class::Katakana, "アー"),
            (Class::Underscore, "‿"),
            (Class::Break, "—。、“”…👩€\u{85}"),
            (Class::MidLetter, "·"),
            (Class::MidDigit, "⁄"),
            (Class::Mid, "’․"),
            (Class::Hard, "\u{301}\u{200D}\u{AD}🇩א\u{2003}\u{3000}"),
        ] {
            for c in characters.chars() {
                assert_eq!(class_of(c), class, "{c:?} U+{:04X}", u32::from(c));
                assert_eq!(class_of(c), class, "the second time");
            }
        }
    }
}
