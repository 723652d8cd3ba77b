//! Words of UAX #29, found fast where the text is ASCII.
//!
//! The truth is `unicode_words` of the crate unicode-segmentation: the pieces between word
//! boundaries that hold a letter or digit. On ASCII the rules come down to these:
//!
//! - a word is a run of letters, digits and underscores with a letter or digit among them;
//! - `.` `'` `:` join two letters, `.` `'` `,` `;` join two digits, where one stands between them.
//!
//! ASCII is looked at in blocks of 64 bytes, with a bit for each byte:
//!
//! ```text
//! inside = letter | digit | underscore
//!        | mid_letter & (letter one byte before) & (letter one byte behind)
//!        | mid_digit  & (digit one byte before)  & (digit one byte behind)
//! edges  = inside ^ (inside one byte before)
//! ```
//!
//! Edges are, in turn, where a word begins and where it ends.
//!
//! A block with other characters is scanned one by one, by their [classes](super::classes). Around a hard
//! one (a combining mark, a flag), the *stretch* that it can influence is handed to unicode-segmentation.

use unicode_segmentation::{UnicodeSegmentation, UnicodeWords};

use super::arch::{BLOCK, Classifier, Masks};
use super::classes::{Class, class_of};

/// The words of `text` as UAX #29 finds them, in order: exactly what `unicode_words` yields.
///
/// Costs one pass: about a nanosecond a byte on ASCII, a few elsewhere.
///
/// ```
/// use resemblance::text::words;
///
/// let found: Vec<_> = words("Can't stop: 3.5 km to 東京!").collect();
/// assert_eq!(found, ["Can't", "stop", "3.5", "km", "to", "東", "京"]);
/// ```
pub fn words(text: &str) -> Words<'_> {
    Words::new(text, Classifier::detect())
}

/// The words of a text, see [`words`].
#[derive(Debug)]
pub struct Words<'a> {
    text: &'a str,
    classifier: Classifier,
    /// Everything before this byte has been looked at: the end of the last word, or further.
    at: usize,
    /// Where the next block begins.
    next_block: usize,
    /// The edges of the block in work that have not been passed.
    edges: u64,
    /// Start of the word that has begun but not ended.
    open: Option<usize>,
    /// The last byte of the block in work, as the rules for the next see it.
    before: Before,
    /// Up to here the scan goes character by character.
    scan_to: usize,
    /// The words of the stretch in work.
    stretch: Option<UnicodeWords<'a>>,
}

/// What the byte before a block is: 0 or 1 each.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    inside: u64,
    letter: u64,
    digit: u64,
}

/// What the scan of a word came to.
enum Scan {
    /// The word ends here, and whether it holds a letter or digit.
    End(usize, bool),
    /// What follows is hard: unicode-segmentation must see it.
    Leave,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        loop {
            while self.edges != 0 {
                let edge = self.next_block - BLOCK + self.edges.trailing_zeros() as usize;
                self.edges &= self.edges - 1;
                match self.open.take() {
                    None => self.open = Some(edge),
                    Some(start) => {
                        self.at = edge;
                        if self.is_word(start, edge) {
                            return Some(&self.text[start..edge]);
                        }
                    }
                }
            }
            if self.stretch.is_some() || self.at < self.scan_to {
                if let Some(word) = self.scan() {
                    return Some(word);
                }
            } else if !self.read_block() {
                return None;
            }
        }
    }
}

impl<'a> Words<'a> {
    fn new(text: &'a str, classifier: Classifier) -> Self {
        Self {
            text,
            classifier,
            at: 0,
            next_block: 0,
            edges: 0,
            open: None,
            before: Before::default(),
            scan_to: 0,
            stretch: None,
        }
    }

    /// Finds the edges of the next block, or hands over to the scan; false at the end of the text.
    fn read_block(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        let from = self.next_block;
        let rest = &bytes[from.min(bytes.len())..];
        if rest.is_empty() && self.open.is_none() {
            return false;
        }
        let masks = if let Some(block) = rest.first_chunk() {
            self.classifier.classify(block)
        } else {
            // Zeros end a word as the end of the text does.
            let mut block = [0; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            self.classifier.classify(&block)
        };
        let behind = rest.get(BLOCK).copied().unwrap_or_default();
        if masks.non_ascii != 0 || !behind.is_ascii() {
            // The open word may go on in what is not ASCII; begin again at its start.
            self.at = self.open.take().unwrap_or(self.at);
            self.scan_to = from + BLOCK - masks.non_ascii.leading_zeros() as usize;
            if !behind.is_ascii() {
                self.scan_to = from + BLOCK + 1;
            }
            return true;
        }
        self.next_block = from + BLOCK;
        self.edges = self.before.edges(&masks, class_of(char::from(behind)));
        true
    }

    /// One step of the scan character by character. After a word behind `scan_to` the blocks go on.
    fn scan(&mut self) -> Option<&'a str> {
        let word = self.scan_one();
        if self.stretch.is_none() && self.at >= self.scan_to {
            self.next_block = self.at;
            self.before = Before::default();
        }
        word
    }

    #[inline]
    fn scan_one(&mut self) -> Option<&'a str> {
        if let Some(stretch) = &mut self.stretch {
            let word = stretch.next();
            if word.is_none() {
                self.stretch = None;
            }
            return word;
        }
        let mut start = self.at;
        let (class, end) = loop {
            match self.look(start) {
                (Class::Break, end) if end == start => {
                    self.at = end;
                    return None;
                }
                (
                    Class::Break | Class::Quote | Class::Mid | Class::MidLetter | Class::MidDigit,
                    end,
                ) => start = end,
                found => break found,
            }
        };
        let scan = match class {
            Class::Hard => {
                self.enter(self.before_hard(start), start);
                return None;
            }
            Class::Alone if self.look(end).0 == Class::Hard => Scan::Leave,
            Class::Alone => Scan::End(end, true),
            _ => self.scan_word(start),
        };
        match scan {
            Scan::End(end, is_word) => {
                self.at = end;
                is_word.then(|| &self.text[start..end])
            }
            Scan::Leave => {
                self.enter(start, start);
                None
            }
        }
    }

    /// The class of the character at `at`, and where the next one begins. At the end of the text, a
    /// break that takes no place.
    #[inline]
    fn look(&self, at: usize) -> (Class, usize) {
        look(self.text, at)
    }

    /// Where the word that begins at `start` ends.
    #[inline]
    fn scan_word(&self, start: usize) -> Scan {
        let (mut before, mut at) = self.look(start);
        let mut is_word = before != Class::Underscore;
        loop {
            let (here, end) = self.look(at);
            match here {
                Class::Letter | Class::Digit | Class::Underscore | Class::Katakana => {
                    let parts = before != here
                        && (before == Class::Katakana && here != Class::Underscore
                            || here == Class::Katakana && before != Class::Underscore);
                    if parts {
                        return Scan::End(at, is_word);
                    }
                    is_word |= here != Class::Underscore;
                    (before, at) = (here, end);
                }
                Class::Mid | Class::MidLetter | Class::MidDigit => {
                    let (after, behind) = self.look(end);
                    let joins = before == after
                        && match before {
                            Class::Letter => here != Class::MidDigit,
                            Class::Digit => here != Class::MidLetter,
                            _ => false,
                        };
                    match after {
                        Class::Hard => return Scan::Leave,
                        _ if !joins => return Scan::End(at, is_word),
                        _ => at = behind,
                    }
                }
                Class::Hard => return Scan::Leave,
                Class::Break | Class::Alone | Class::Quote => return Scan::End(at, is_word),
            }
        }
    }

    /// Where the stretch around the hard character at `at` begins: a combining mark belongs to the
    /// character before it, and spaces in a row are one piece (rules WB3d and WB4).
    fn before_hard(&self, at: usize) -> usize {
        let passed = &self.text[self.at..at];
        let Some(last) = passed.chars().next_back() else {
            return at;
        };
        match last {
            ' ' => self.at + passed.trim_end_matches(' ').len(),
            _ => at - last.len_utf8(),
        }
    }

    /// Hands `start..` to unicode-segmentation, as far as the hard character at `hard` or later reaches.
    fn enter(&mut self, start: usize, hard: usize) {
        let end = stretch_end(self.text, hard);
        self.stretch = Some(self.text[start..end].unicode_words());
        self.at = end;
    }

    /// False for a run of underscores.
    #[inline]
    fn is_word(&self, start: usize, end: usize) -> bool {
        let bytes = &self.text.as_bytes()[start..end];
        bytes[0] != b'_' || bytes.iter().any(|&byte| byte != b'_')
    }
}

impl Before {
    /// The edges of a block, and this made what it is for the next. `behind` is the first byte after the
    /// block.
    #[inline]
    fn edges(&mut self, masks: &Masks, behind: Class) -> u64 {
        let Masks {
            letter,
            digit,
            underscore,
            mid_letter,
            mid_digit,
            ..
        } = *masks;
        let between = |is: u64, before: u64, behind: bool| {
            (is << 1 | before) & (is >> 1 | u64::from(behind) << (BLOCK - 1))
        };
        let inside = letter
            | digit
            | underscore
            | mid_letter & between(letter, self.letter, behind == Class::Letter)
            | mid_digit & between(digit, self.digit, behind == Class::Digit);
        let edges = inside ^ (inside << 1 | self.inside);
        *self = Self {
            inside: inside >> (BLOCK - 1),
            letter: letter >> (BLOCK - 1),
            digit: digit >> (BLOCK - 1),
        };
        edges
    }
}

impl std::iter::FusedIterator for Words<'_> {}

#[inline]
fn look(text: &str, at: usize) -> (Class, usize) {
    match text[at..].chars().next() {
        Some(c) => (class_of(c), at + c.len_utf8()),
        None => (Class::Break, at),
    }
}

/// The first place behind the character at `from` with a boundary in any case, behind which nothing
/// depends on what came before: a character that breaks, with no hard one on either side.
fn stretch_end(text: &str, from: usize) -> usize {
    let (mut at, mut before, mut after_space) = (from, Class::Hard, false);
    while at < text.len() {
        let (here, end) = look(text, at);
        let is_space = text.as_bytes()[at] == b' ';
        if matches!(here, Class::Break | Class::Alone)
            && before != Class::Hard
            && look(text, end).0 != Class::Hard
            && !(is_space && after_space)
        {
            return at;
        }
        (at, before, after_space) = (end, here, is_space);
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_same(text: &str) {
        let ours: Vec<_> = words(text).collect();
        for classifier in Classifier::all() {
            let others: Vec<_> = Words::new(text, classifier).collect();
            assert_eq!(others, ours, "{text:?} {classifier:?}");
        }
        // A trailing non-ASCII character keeps unicode-segmentation on its general path.
        let padded = format!("{text} \u{2014}");
        let truth: Vec<_> = padded.unicode_words().collect();
        assert_eq!(ours, truth, "{text:?}");
        assert_eq!(ours, text.unicode_words().collect::<Vec<_>>(), "{text:?}");
    }

    #[test]
    fn every_ascii_text_of_four() {
        // One of each class, and two of those that matter in pairs.
        let kinds = b"aB7_:,;.'\" \n\r\t-\0";
        let mut text = [0; 5];
        for number in 0..kinds.len().pow(5) {
            let mut rest = number;
            for byte in &mut text {
                *byte = kinds[rest % kinds.len()];
                rest /= kinds.len();
            }
            let text = std::str::from_utf8(&text).unwrap();
            let ours: Vec<_> = words(text).collect();
            assert!(ours.iter().copied().eq(text.unicode_words()), "{text:?}");
        }
    }

    #[test]
    fn marks_joiners_and_flags() {
        for text in [
            "a\u{308}b",
            "a.\u{308}b",
            "a \u{345}b",
            "a  \u{345}b",
            "(\u{345}b",
            "1\u{FE0F}\u{20E3} 2",
            "🇩🇪🇫🇷🇮 x",
            "👩\u{200D}👩\u{200D}👧 ok",
            "\u{2003} \u{345}x",
            "\u{2003}  \u{345}x",
            "שמ\"ה o'é x.é 5,é",
            "é.a é'5 a:é",
            "don’t l’été",
            "カタカナ語 ひらがな漢字 한국어 ไทย",
            "a\u{200D}b",
            "\u{FEFF}abc",
            "\r\u{308}\n",
        ] {
            assert_same(text);
        }
    }

    #[test]
    fn every_character_between_others() {
        let planes = ('\0'..='\u{3FFFF}').chain('\u{E0000}'..='\u{E0FFF}');
        for c in planes.filter(|&c| c.is_ascii() || !('\u{3400}'..'\u{9FF0}').contains(&c)) {
            let text = format!("{c}a{c}1{c}_{c}ア{c}.a:{c}: 5,{c},5 {c} {c}{c}漢{c}'{c}\u{301}{c}");
            let ours: Vec<_> = words(&text).collect();
            assert!(
                ours.iter().copied().eq(text.unicode_words()),
                "U+{:04X}",
                u32::from(c)
            );
        }
    }

    #[test]
    fn at_every_border_of_blocks() {
        for odd in [
            "a.b",
            "1,2",
            "a.é",
            "a:\u{308}b",
            "_",
            "__",
            "don't",
            "x  \u{345}y",
            "5.",
            "é",
        ] {
            for place in 0..2 * BLOCK + 2 {
                for filler in ["a", " ", "1", ". ", "_"] {
                    let before = &filler.repeat(place)[..place];
                    assert_same(&format!("{before}{odd}"));
                    assert_same(&format!("{before}{odd}{}", filler.repeat(70)));
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn equals_unicode_segmentation(text in prop::collection::vec(
            prop_oneof![
                6 => prop::sample::select(
                    "abZ059__::,,;;..''\"\"    \n\r\t-(".chars().collect::<Vec<_>>()),
                3 => prop::sample::select(
                    "éж\u{301}\u{345}\u{200D}\u{AD}אב’·․‿漢字ひカター🇩🇪👩。\u{2003}\u{3000}\u{85}٣१가ไ"
                        .chars().collect::<Vec<_>>()),
                1 => any::<char>(),
            ], 0..300).prop_map(|chars| chars.into_iter().collect::<String>())) {
            assert_same(&text);
        }
    }
}
