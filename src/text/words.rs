//! Words of UAX #29, with a fast path for ASCII.
//!
//! The reference is `unicode_words` of the crate unicode-segmentation: the segments between word boundaries that
//! contain a letter or digit. For ASCII, the rules reduce to these:
//!
//! - a word is a run of letters, digits and underscores with a letter or digit among them;
//! - a single `.`, `'` or `:` between two letters joins them, and so does a single `.`, `'`, `,` or `;` between two
//!   digits.
//!
//! ASCII is processed in blocks of 64 bytes, with a bit for each byte:
//!
//! ```text
//! inside = letter | digit | underscore
//!        | mid_letter & (letter one byte before) & (letter one byte after)
//!        | mid_digit  & (digit one byte before)  & (digit one byte after)
//! edges  = inside ^ (inside one byte before)
//! ```
//!
//! Edges are alternately the start and the end of a word.
//!
//! A block with other characters is scanned character by character, by their [classes](super::classes). Some characters
//! are hard (a combining mark, a flag): unicode-segmentation splits the *stretch* of text that such a character can
//! influence.
//!
//! [`Splitter`] writes the edges of many words at a time, so that finding words and hashing them are two tight loops.
//! [`Words`] returns them one by one.

use unicode_segmentation::{UnicodeSegmentation, UnicodeWords};

use super::arch::{self, BLOCK, Masks, Processor, Task};
use super::classes::{Class, ascii_class, known_alone, look};
use super::edges::Edges;

/// The words of `text` by UAX #29, in order: exactly the words that `unicode_words` of unicode-segmentation yields.
///
/// Takes one pass: less than a nanosecond a byte on ASCII, a few nanoseconds on other text.
///
/// ```
/// use resemblance::text::words;
///
/// let found: Vec<_> = words("Can't stop: 3.5 km to 東京!").collect();
/// assert_eq!(found, ["Can't", "stop", "3.5", "km", "to", "東", "京"]);
/// ```
pub fn words(text: &str) -> Words<'_> {
    Words {
        splitter: Splitter::new(text),
        edges: Edges::default(),
        passed: 0,
        ended: false,
    }
}

/// Iterator over the words of a text, see [`words`].
#[derive(Debug)]
pub struct Words<'a> {
    splitter: Splitter<'a>,
    edges: Edges,
    /// The number of words of `edges` that have been returned.
    passed: usize,
    ended: bool,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        loop {
            if let Some(&[start, end]) = self.edges.words().get(self.passed) {
                self.passed += 1;
                return Some(&self.splitter.text[start..end]);
            }
            if self.ended {
                return None;
            }
            self.passed = 0;
            self.ended = !arch::run(Read(&mut self.splitter, &mut self.edges));
        }
    }
}

impl std::iter::FusedIterator for Words<'_> {}

/// Writes the start and end of each word of `text` over `edges`.
pub(crate) fn word_edges(text: &str, edges: &mut Vec<[usize; 2]>) {
    edges.clear();
    let (mut splitter, mut some) = (Splitter::new(text), Edges::default());
    while arch::run(Read(&mut splitter, &mut some)) {
        edges.extend_from_slice(some.words());
    }
    edges.extend_from_slice(some.words());
}

struct Read<'a, 't>(&'a mut Splitter<'t>, &'a mut Edges);

impl Task for Read<'_, '_> {
    type Output = bool;

    #[inline(always)]
    fn run<P: Processor>(self, processor: P) -> bool {
        self.0.read(processor, self.1)
    }
}

/// Finds the words of a text, many at a time.
#[derive(Debug)]
pub(super) struct Splitter<'a> {
    text: &'a str,
    /// The end of the last word found by the scan, or a later position.
    at: usize,
    /// The start of the next block.
    next_block: usize,
    /// The class of the last byte of the previous block.
    before: Before,
    /// The end of the text that is scanned character by character.
    scan_to: usize,
    /// The words of the current stretch.
    stretch: Option<UnicodeWords<'a>>,
    /// Whether a block contained an underscore. Then there may be runs of underscores only, which are not words.
    underscores: bool,
}

/// Whether the byte before a block is inside a word, a letter, a digit: 0 or 1 each.
#[derive(Debug, Clone, Copy, Default)]
struct Before {
    inside: u64,
    letter: u64,
    digit: u64,
}

/// The result of scanning a word.
enum Scan {
    /// The end of the word, and whether it contains a letter or digit.
    End(usize, bool),
    /// A hard character follows, so unicode-segmentation must split the text.
    Leave,
}

impl<'a> Splitter<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            next_block: 0,
            before: Before::default(),
            scan_to: 0,
            stretch: None,
            underscores: false,
        }
    }

    /// Replaces the words in `edges` by the next ones. Returns false if they are the last.
    #[inline(always)]
    pub(super) fn read<P: Processor>(&mut self, processor: P, edges: &mut Edges) -> bool {
        if let Some(&[_, end]) = edges.words().last() {
            self.at = self.at.max(end);
        }
        edges.pass();
        let mut more = true;
        while more && !edges.is_full() {
            if self.stretch.is_some() {
                self.read_stretch(edges);
            } else if self.at < self.scan_to {
                self.scan(edges);
            } else {
                more = self.read_block(processor, edges);
            }
        }
        if self.underscores {
            let bytes = self.text.as_bytes();
            edges.retain(|start, end| {
                bytes[start] != b'_' || bytes[start..end].iter().any(|&byte| byte != b'_')
            });
        }
        more
    }

    /// Finds the edges of the next block, or starts the scan. Returns false at the end of the text.
    #[inline(always)]
    fn read_block<P: Processor>(&mut self, processor: P, edges: &mut Edges) -> bool {
        let bytes = self.text.as_bytes();
        let from = self.next_block;
        let rest = &bytes[from.min(bytes.len())..];
        let masks = if let Some(block) = rest.first_chunk() {
            processor.classify(block)
        } else if rest.is_empty() && !edges.is_open() {
            return false;
        } else {
            // Zeros end a word, as the end of the text does.
            let mut block = [0; BLOCK];
            block[..rest.len()].copy_from_slice(rest);
            processor.classify(&block)
        };
        let behind = rest.get(BLOCK).copied().unwrap_or_default();
        if masks.non_ascii != 0 || !behind.is_ascii() {
            // The open word may continue with characters that are not ASCII, so scan it from its start.
            let last = edges.words().last().map_or(self.at, |&[_, end]| end);
            self.at = edges.take_open().unwrap_or(last.max(self.at));
            self.scan_to = from + BLOCK - masks.non_ascii.leading_zeros() as usize;
            if !behind.is_ascii() {
                self.scan_to = from + BLOCK + 1;
            }
            return true;
        }
        self.next_block = from + BLOCK;
        self.underscores |= masks.underscore != 0;
        edges.push_bits(self.before.edges(&masks, ascii_class(behind)), from);
        true
    }

    fn read_stretch(&mut self, edges: &mut Edges) {
        let Some(words) = &mut self.stretch else {
            return;
        };
        let origin = self.text.as_ptr().addr();
        for word in words {
            let start = word.as_ptr().addr() - origin;
            edges.push(start, start + word.len());
            if edges.is_full() {
                return;
            }
        }
        self.stretch = None;
        self.scanned();
    }

    /// Ends a word of the scan, and returns to blocks if it has passed `scan_to`.
    #[inline]
    fn scanned(&mut self) {
        if self.at >= self.scan_to {
            self.next_block = self.at;
            self.before = Before::default();
        }
    }

    /// Finds words character by character.
    #[inline(always)]
    fn scan(&mut self, edges: &mut Edges) {
        let bytes = self.text.as_bytes();
        let mut start = self.at;
        let (mut class, mut end) = look(bytes, start);
        loop {
            match class {
                Class::Alone => {
                    let found;
                    (found, start, class, end) = run_of_alone(bytes, start, end, edges.room());
                    edges.added(found);
                    self.at = start;
                    if class == Class::Hard {
                        return self.enter(start, start);
                    }
                }
                Class::Break | Class::Quote | Class::Mid | Class::MidLetter | Class::MidDigit => {
                    if end == start {
                        self.at = end;
                        break;
                    }
                    start = end;
                    (class, end) = look(bytes, start);
                    continue;
                }
                Class::Hard => return self.enter(self.before_hard(start), start),
                Class::Letter | Class::Digit | Class::Underscore | Class::Katakana => {
                    match scan_word(bytes, class, end) {
                        Scan::Leave => return self.enter(start, start),
                        Scan::End(behind, is_word) => {
                            if is_word {
                                edges.push(start, behind);
                            }
                            self.at = behind;
                            start = behind;
                            (class, end) = look(bytes, start);
                        }
                    }
                }
            }
            if edges.is_full() || self.at >= self.scan_to && is_ascii_for_a_while(bytes, self.at) {
                break;
            }
        }
        self.scanned();
    }

    /// The start of the stretch around the hard character at `at`. A combining mark belongs to the character before it,
    /// and consecutive spaces are one segment (rules WB3d and WB4).
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

    /// Lets unicode-segmentation split the text from `start` on, up to the end of the influence of hard characters from
    /// `hard` on.
    fn enter(&mut self, start: usize, hard: usize) {
        let end = stretch_end(self.text.as_bytes(), hard);
        self.stretch = Some(self.text[start..end].unicode_words());
        self.at = end;
    }
}

/// Whether the next bytes are all ASCII, so that processing blocks is worth it.
#[inline(always)]
fn is_ascii_for_a_while(bytes: &[u8], at: usize) -> bool {
    let rest = &bytes[at..];
    rest.first_chunk::<16>().map_or(rest, |few| few).is_ascii()
}

/// Finds consecutive words of one character each, until `room` is full.
///
/// Returns the number of words, and the start, class and end of the next character. If a hard character follows the
/// last one, it returns the class [`Hard`](Class::Hard) with the last one, which then may not be a word by itself.
///
/// Not inlined, so that it has all registers for itself.
#[inline(never)]
fn run_of_alone(
    bytes: &[u8],
    mut start: usize,
    mut end: usize,
    room: &mut [[usize; 2]],
) -> (usize, usize, Class, usize) {
    let mut found = 0;
    loop {
        for (word, ()) in room[found..].iter_mut().zip(known_alone(&bytes[end..])) {
            *word = [start, end];
            (start, end) = (end, end + 3);
            found += 1;
        }
        let Some(word) = room.get_mut(found) else {
            return (found, start, Class::Alone, end);
        };
        let (next, behind) = look(bytes, end);
        if next == Class::Hard {
            return (found, start, Class::Hard, end);
        }
        *word = [start, end];
        (start, end) = (end, behind);
        found += 1;
        if next != Class::Alone {
            return (found, start, next, end);
        }
    }
}

/// Finds the end of a word whose first character has the class `before` and ends at `at`.
#[inline(always)]
fn scan_word(bytes: &[u8], mut before: Class, mut at: usize) -> Scan {
    let mut is_word = before != Class::Underscore;
    loop {
        let (here, end) = look(bytes, at);
        if here == before {
            at = end;
            continue;
        }
        match here {
            Class::Letter | Class::Digit | Class::Underscore | Class::Katakana => {
                let parts = before == Class::Katakana && here != Class::Underscore
                    || here == Class::Katakana && before != Class::Underscore;
                if parts {
                    return Scan::End(at, is_word);
                }
                is_word |= here != Class::Underscore;
                (before, at) = (here, end);
            }
            Class::Mid | Class::MidLetter | Class::MidDigit => {
                let (after, behind) = look(bytes, end);
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

impl Before {
    /// Returns the edges of a block, and updates this for the next block. `behind` is the class of the first byte after
    /// the block.
    #[inline(always)]
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

/// The end of the stretch that a hard character at `from` can influence.
///
/// It is the first position after it that is certainly a boundary, and after which nothing depends on the text before:
/// the start of a character that breaks, with no hard character on either side.
fn stretch_end(bytes: &[u8], from: usize) -> usize {
    let (mut at, mut before, mut after_space) = (from, Class::Hard, false);
    while at < bytes.len() {
        let (here, end) = look(bytes, at);
        let is_space = bytes[at] == b' ';
        if matches!(here, Class::Break | Class::Alone)
            && before != Class::Hard
            && look(bytes, end).0 != Class::Hard
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

    /// A task that returns all words, to compare processors.
    #[derive(Clone)]
    struct All<'a>(&'a str);

    impl<'a> Task for All<'a> {
        type Output = Vec<&'a str>;

        fn run<P: Processor>(self, processor: P) -> Self::Output {
            let (mut splitter, mut edges) = (Splitter::new(self.0), Edges::default());
            let (mut words, mut more) = (Vec::new(), true);
            while more {
                more = splitter.read(processor, &mut edges);
                words.extend(
                    edges
                        .words()
                        .iter()
                        .map(|&[start, end]| &self.0[start..end]),
                );
            }
            words
        }
    }

    fn assert_same(text: &str) {
        let ours: Vec<_> = words(text).collect();
        for others in arch::run_all(&All(text)) {
            assert_eq!(others, ours, "{text:?}");
        }
        // A trailing non-ASCII character keeps unicode-segmentation on its general path.
        let padded = format!("{text} \u{2014}");
        let truth: Vec<_> = padded.unicode_words().collect();
        assert_eq!(ours, truth, "{text:?}");
        assert_eq!(ours, text.unicode_words().collect::<Vec<_>>(), "{text:?}");
    }

    #[test]
    fn every_ascii_text_of_four() {
        // One character of each class, and two of the classes that matter in pairs.
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
