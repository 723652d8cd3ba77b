//! Tokens to shingle hashes.
//!
//! 1. every token becomes 64 bits: one folded multiplication for up to 16 bytes, else
//!    `xxh3_64(token, seed)`;
//! 2. the n tokens of a shingle are combined by a polynomial, `h = t1*M^(n-1) + ... + tn`, which
//!    rolls: the next shingle costs two multiplications whatever n is, and the order of the tokens
//!    counts;
//! 3. a finalizer mixes all bits: [`mix`]`(h + n*L)`. MinHash needs it, see [`mix`].
//!
//! `docs/signature.md` gives the constants and worked examples.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use unicode_segmentation::UnicodeSegmentation;

use super::arch::{self, Processor, Task};
use super::document::Content;
use super::edges::Edges;
use super::hash::{LENGTH, Tokens, mix};
use super::normalize::Normalization;
use super::words::Splitter;
use crate::error::{Error, Kind};

/// What is compared: n consecutive tokens, and what a token is.
///
/// A text with at least one token but fewer than n makes one shingle of all of them, so that exact
/// copies of short texts are found.
///
/// ```
/// use resemblance::Shingle;
///
/// assert_eq!("words:5".parse(), Ok(Shingle::Words(5)));
/// assert_eq!(Shingle::Chars(9).to_string(), "chars:9");
/// assert!("words:0".parse::<Shingle>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Shingle {
    /// n words of UAX #29 that hold a letter or digit. Default, with n = 5.
    Words(usize),
    /// n extended grapheme clusters (what a reader calls a character). Runs of white space count as
    /// one space; white space at either end of the text counts for nothing.
    Chars(usize),
    /// n bytes. Text is normalized first; bytes that are no UTF-8 stay as they are.
    Bytes(usize),
}

impl Default for Shingle {
    fn default() -> Self {
        Self::Words(5)
    }
}

impl Shingle {
    /// Tokens in a shingle.
    pub const fn size(self) -> usize {
        match self {
            Self::Words(n) | Self::Chars(n) | Self::Bytes(n) => n,
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Words(_) => "words",
            Self::Chars(_) => "chars",
            Self::Bytes(_) => "bytes",
        }
    }

    pub(crate) fn validate(self) -> Result<Self, Error> {
        let n = self.size();
        if n == 0 || n > usize::from(u16::MAX) {
            let kind = self.kind();
            return Err(Error::new(Kind::ShingleSize { kind, n }));
        }
        Ok(self)
    }
}

impl fmt::Display for Shingle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.size())
    }
}

impl FromStr for Shingle {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || Error::new(Kind::ShingleText(text.to_owned()));
        let (kind, n) = text.split_once(':').ok_or_else(unknown)?;
        let n = n.parse().map_err(|_| unknown())?;
        match kind {
            "words" => Self::Words(n).validate(),
            "chars" => Self::Chars(n).validate(),
            "bytes" => Self::Bytes(n).validate(),
            _ => Err(unknown()),
        }
    }
}

/// Multiplier of the polynomial: odd, and 3 modulo 8, so that swapped neighbours differ in all bits
/// but one.
const POLYNOMIAL: u64 = 0xC4CE_B9FE_1A85_EC53;
/// Working memory of a [`Shingler`]: keep one for each thread and nothing is allocated a document.
#[derive(Debug, Default)]
pub struct Scratch {
    normalized: String,
    spare: String,
    bytes: Vec<u8>,
    edges: Edges,
    tokens: Vec<u64>,
}

struct Shingling<'a> {
    rolling: Rolling<'a>,
    text: &'a str,
    edges: &'a mut Edges,
}

impl Task for Shingling<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(mut self, processor: P) {
        let rolling = &mut self.rolling;
        match rolling.shingler.shingle {
            Shingle::Words(_) => push_words(processor, self.text, self.edges, rolling),
            Shingle::Chars(_) => push_graphemes(self.text, rolling),
            Shingle::Bytes(_) => push_bytes(self.text.as_bytes(), rolling),
        }
        self.rolling.end();
    }
}

/// Turns documents into shingle hashes.
///
/// ```
/// use resemblance::text::{Scratch, Shingler};
/// use resemblance::{Normalization, Shingle};
///
/// let shingler = Shingler::new(Shingle::Words(2), Normalization::NFKC_CASEFOLD, 0)?;
/// let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
/// shingler.text_into("The cat sat. The cat SAT.", &mut scratch, &mut hashes);
/// // the-cat cat-sat sat-the the-cat cat-sat
/// assert_eq!(hashes.len(), 5);
/// assert_eq!(hashes[0], hashes[3]);
/// # Ok::<(), resemblance::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Shingler {
    shingle: Shingle,
    normalization: Normalization,
    tokens: Tokens,
    /// `POLYNOMIAL^n`, the weight of the token that leaves.
    leaving: u64,
    /// Hashes of all tokens of one byte.
    one_byte: Box<[u64; 256]>,
}

impl Shingler {
    /// A shingler. Costs about a microsecond: make one and keep it.
    ///
    /// # Errors
    /// Where the shingle's n is 0 or above 65,535.
    pub fn new(shingle: Shingle, normalization: Normalization, seed: u64) -> Result<Self, Error> {
        let n = shingle.validate()?.size();
        let tokens = Tokens::new(seed);
        let mut one_byte = Box::new([0; 256]);
        for (byte, hash) in one_byte.iter_mut().enumerate() {
            *hash = tokens.hash(&[byte as u8]);
        }
        Ok(Self {
            shingle,
            normalization,
            tokens,
            leaving: (0..n).fold(1, |power: u64, _| power.wrapping_mul(POLYNOMIAL)),
            one_byte,
        })
    }

    /// The shingle.
    pub fn shingle(&self) -> Shingle {
        self.shingle
    }

    /// The normalization.
    pub fn normalization(&self) -> Normalization {
        self.normalization
    }

    /// The seed: the hash of every token starts from it.
    pub fn seed(&self) -> u64 {
        self.tokens.seed
    }

    /// Writes the shingle hashes of `text` over `hashes`, in the order of the text, repetitions
    /// included. Without a token there are none.
    pub fn text_into(&self, text: &str, scratch: &mut Scratch, hashes: &mut Vec<u64>) {
        let text = if self.normalization.leaves(text) {
            text
        } else {
            self.normalization
                .normalize_into(text, &mut scratch.normalized, &mut scratch.spare);
            &scratch.normalized
        };
        arch::run(Shingling {
            rolling: Rolling::new(self, &mut scratch.tokens, hashes),
            text,
            edges: &mut scratch.edges,
        });
    }

    /// Writes the shingle hashes of a document that may be bytes over `hashes`. Bytes that are
    /// UTF-8 count as that text; else, with byte shingles, each UTF-8 run between the bytes that
    /// are none is normalized by itself.
    ///
    /// # Errors
    /// Where the bytes are no UTF-8 and the shingles are not of bytes: the offset of the first byte
    /// that is none.
    pub fn content_into(
        &self,
        content: Content<'_>,
        scratch: &mut Scratch,
        hashes: &mut Vec<u64>,
    ) -> Result<(), NotText> {
        let bytes = match content {
            Content::Text(text) => {
                self.text_into(text, scratch, hashes);
                return Ok(());
            }
            Content::Bytes(bytes) => bytes,
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text_into(text, scratch, hashes),
            Err(error) if !matches!(self.shingle, Shingle::Bytes(_)) => {
                return Err(NotText {
                    offset: error.valid_up_to(),
                });
            }
            Err(_) => {
                scratch.bytes.clear();
                for chunk in bytes.utf8_chunks() {
                    let text = self.normalization.normalize(chunk.valid());
                    scratch.bytes.extend_from_slice(text.as_bytes());
                    scratch.bytes.extend_from_slice(chunk.invalid());
                }
                let mut rolling = Rolling::new(self, &mut scratch.tokens, hashes);
                push_bytes(&scratch.bytes, &mut rolling);
                rolling.end();
            }
        }
        Ok(())
    }

    /// The shingle hashes of `text`; [`text_into`](Self::text_into) is the one to call in a loop.
    pub fn text(&self, text: &str) -> Vec<u64> {
        let mut hashes = Vec::new();
        self.text_into(text, &mut Scratch::default(), &mut hashes);
        hashes
    }

    /// `text` as this shingler sees it before splitting.
    pub fn normalized<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.normalization.normalize(text)
    }
}

/// One pass finds words, one hashes them, one combines them; some hundred at a time.
#[inline(always)]
fn push_words<P: Processor>(
    processor: P,
    text: &str,
    edges: &mut Edges,
    rolling: &mut Rolling<'_>,
) {
    edges.clear();
    let mut splitter = Splitter::new(text);
    let mut more = true;
    while more {
        more = splitter.read(processor, edges);
        let hashes = &rolling.shingler.tokens;
        let words = edges.words().iter();
        let bytes = text.as_bytes();
        (rolling.tokens)
            .extend(words.map(|&[start, end]| hashes.hash_in(bytes, start, end - start)));
        rolling.roll();
    }
}

#[inline(always)]
fn push_bytes(bytes: &[u8], rolling: &mut Rolling<'_>) {
    let one_byte = &rolling.shingler.one_byte;
    for part in bytes.chunks(PASSED) {
        (rolling.tokens).extend(part.iter().map(|&byte| one_byte[usize::from(byte)]));
        rolling.roll();
    }
}

fn push_graphemes(text: &str, rolling: &mut Rolling<'_>) {
    let Shingler {
        tokens: hashes,
        one_byte,
        ..
    } = rolling.shingler;
    let tokens = &mut *rolling.tokens;
    let space = one_byte[usize::from(b' ')];
    let mut space_due = false;
    for_each_grapheme(text.trim(), |grapheme| {
        if grapheme.chars().all(char::is_whitespace) {
            space_due = true;
            return;
        }
        if std::mem::take(&mut space_due) {
            tokens.push(space);
        }
        tokens.push(match grapheme.as_bytes() {
            &[byte] => one_byte[usize::from(byte)],
            longer => hashes.hash(longer),
        });
    });
}

/// Rolls a window of n tokens over the tokens of a document, which come in parts.
struct Rolling<'a> {
    shingler: &'a Shingler,
    tokens: &'a mut Vec<u64>,
    hashes: &'a mut Vec<u64>,
    /// The polynomial of the window, which ends before token `next`; meaningless while that is 0.
    sum: u64,
    next: usize,
}

/// Tokens passed that are kept before they are dropped, so that they stay in the nearest cache.
const PASSED: usize = 1024;

impl<'a> Rolling<'a> {
    #[inline(always)]
    fn new(shingler: &'a Shingler, tokens: &'a mut Vec<u64>, hashes: &'a mut Vec<u64>) -> Self {
        tokens.clear();
        hashes.clear();
        Self {
            shingler,
            tokens,
            hashes,
            sum: 0,
            next: 0,
        }
    }

    /// Appends the shingles that end in the new tokens.
    #[inline(always)]
    fn roll(&mut self) {
        let n = self.shingler.shingle.size();
        if self.next == 0 {
            if self.tokens.len() < n {
                return;
            }
            self.begin(n);
        }
        let leaving = self.shingler.leaving;
        let length = length(n);
        let mut sum = self.sum;
        let pairs = self.tokens[self.next..]
            .iter()
            .zip(&self.tokens[self.next - n..]);
        self.hashes.extend(pairs.map(|(&enters, &leaves)| {
            // What does not wait for the last sum comes first.
            let change = enters.wrapping_sub(leaves.wrapping_mul(leaving));
            sum = sum.wrapping_mul(POLYNOMIAL).wrapping_add(change);
            mix(sum.wrapping_add(length))
        }));
        self.sum = sum;
        self.next = self.tokens.len();
        if self.next > 4 * n + PASSED {
            self.tokens.copy_within(self.next - n.., 0);
            self.tokens.truncate(n);
            self.next = n;
        }
    }

    /// The first shingle, of `n` tokens.
    fn begin(&mut self, n: usize) {
        let roll = |sum: u64, token: u64| sum.wrapping_mul(POLYNOMIAL).wrapping_add(token);
        self.sum = self.tokens[..n].iter().copied().fold(0, roll);
        self.hashes.push(mix(self.sum.wrapping_add(length(n))));
        self.next = n;
    }

    /// After the last token: too few for a shingle make one by themselves.
    #[inline(always)]
    fn end(mut self) {
        self.roll();
        let few = self.tokens.len();
        if self.next == 0 && few > 0 {
            self.begin(few);
        }
    }
}

/// What the number of tokens adds to a shingle.
#[inline(always)]
fn length(tokens: usize) -> u64 {
    LENGTH.wrapping_mul(tokens as u64)
}

/// Bytes that are no UTF-8, where text is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotText {
    /// Offset of the first byte that is not UTF-8.
    pub offset: usize,
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not UTF-8 (byte {})", self.offset)
    }
}

impl std::error::Error for NotText {}

/// Calls `each` with every extended grapheme cluster of `text`. Between two ASCII characters there
/// is always a boundary, except in CR LF; only the rest needs the rules.
fn for_each_grapheme(text: &str, mut each: impl FnMut(&str)) {
    let bytes = text.as_bytes();
    let alone = |at: usize| {
        bytes[at].is_ascii() && bytes[at] != b'\r' && bytes.get(at + 1).is_none_or(u8::is_ascii)
    };
    let mut at = 0;
    while at < bytes.len() {
        if alone(at) {
            each(&text[at..=at]);
            at += 1;
            continue;
        }
        // `at` is a boundary; so is the place before an ASCII character that is alone and has an
        // ASCII character other than CR before it.
        let end = (at + 1..bytes.len())
            .find(|&i| alone(i) && bytes[i - 1].is_ascii() && bytes[i - 1] != b'\r')
            .unwrap_or(bytes.len());
        text[at..end].graphemes(true).for_each(&mut each);
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::hash::tests::naive_token;
    use super::*;

    fn shingler(shingle: Shingle) -> Shingler {
        Shingler::new(shingle, Normalization::NFKC_CASEFOLD, 0).unwrap()
    }

    /// A shingle by the formula, nothing rolled.
    fn naive(tokens: &[&[u8]], seed: u64) -> u64 {
        let mut sum = 0u64;
        for (i, token) in tokens.iter().rev().enumerate() {
            let weight = (0..i).fold(1u64, |w, _| w.wrapping_mul(POLYNOMIAL));
            sum = sum.wrapping_add(weight.wrapping_mul(naive_token(token, seed)));
        }
        mix(sum.wrapping_add(LENGTH.wrapping_mul(tokens.len() as u64)))
    }

    #[test]
    fn rolls_to_what_the_formula_gives() {
        let words = ["a", "rose", "is", "a", "rose", "is", "a", "rose"];
        for n in 1..=8 {
            let tokens: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
            let expected: Vec<_> = tokens.windows(n).map(|w| naive(w, 7)).collect();
            let shingler = Shingler::new(Shingle::Words(n), Normalization::NONE, 7).unwrap();
            assert_eq!(shingler.text(&words.join(" ")), expected, "n = {n}");
        }
    }

    #[test]
    fn short_texts_make_one_shingle_and_empty_ones_none() {
        for shingle in [Shingle::Words(5), Shingle::Chars(5), Shingle::Bytes(5)] {
            assert_eq!(shingler(shingle).text("").len(), 0);
        }
        assert_eq!(shingler(Shingle::Words(5)).text("one two three").len(), 1);
        assert_eq!(shingler(Shingle::Chars(5)).text("one").len(), 1);
        assert_eq!(shingler(Shingle::Bytes(5)).text("one").len(), 1);
        assert_eq!(shingler(Shingle::Words(5)).text(" ...!? ").len(), 0);
        assert_eq!(shingler(Shingle::Chars(5)).text(" \n\t ").len(), 0);
    }

    #[test]
    fn order_and_borders_of_tokens_count() {
        let pair = shingler(Shingle::Words(2));
        assert_ne!(pair.text("ab c"), pair.text("a bc"));
        assert_ne!(pair.text("ab c"), pair.text("c ab"));
        assert_ne!(pair.text("a a"), pair.text("a"));
    }

    #[test]
    fn white_space_is_folded_in_chars() {
        let chars = shingler(Shingle::Chars(3));
        assert_eq!(
            chars.text("  one\r\n\r\ntwo\u{3000}\t three\n"),
            chars.text("one two three")
        );
        assert_ne!(chars.text("onetwo"), chars.text("one two"));
    }

    #[test]
    fn seeds_give_other_hashes() {
        let other = Shingler::new(Shingle::Words(5), Normalization::NFKC_CASEFOLD, 1).unwrap();
        assert_ne!(
            other.text("the same text"),
            shingler(Shingle::Words(5)).text("the same text")
        );
    }

    #[test]
    fn bytes_that_are_no_text() {
        let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
        let broken = Content::Bytes(b"abc\xffdef");
        let words = shingler(Shingle::Words(5));
        assert_eq!(
            words.content_into(broken, &mut scratch, &mut hashes),
            Err(NotText { offset: 3 })
        );
        let bytes = shingler(Shingle::Bytes(4));
        bytes
            .content_into(broken, &mut scratch, &mut hashes)
            .unwrap();
        assert_eq!(hashes.len(), 4);
        let mut upper = Vec::new();
        bytes
            .content_into(Content::Bytes(b"ABC\xffDEF"), &mut scratch, &mut upper)
            .unwrap();
        assert_eq!(upper, hashes);
        bytes
            .content_into(Content::Bytes(b"plain text"), &mut scratch, &mut hashes)
            .unwrap();
        assert_eq!(hashes, bytes.text("plain text"));
    }

    proptest! {
        #[test]
        fn graphemes_equal_unicode_segmentation(text in prop::collection::vec(
            prop_oneof![
                4 => prop::sample::select("ab1 \r\n\n\t".chars().collect::<Vec<_>>()),
                3 => prop::sample::select(
                    "é\u{301}\u{200D}\u{600}\u{1100}\u{1161}가👩🇩🇪\u{FE0F}क्षิ\u{85}\u{2028}"
                        .chars().collect::<Vec<_>>()),
                1 => any::<char>(),
            ], 0..40).prop_map(|chars| chars.into_iter().collect::<String>())) {
            let mut ours = Vec::new();
            for_each_grapheme(&text, |g| ours.push(g.to_owned()));
            let truth: Vec<_> = text.graphemes(true).map(str::to_owned).collect();
            prop_assert_eq!(ours, truth);
        }

        #[test]
        fn rolling_equals_windows(tokens in prop::collection::vec("[a-e]{1,2}", 0..30), n in 1usize..8) {
            let words: Vec<&[u8]> = tokens.iter().map(String::as_bytes).collect();
            let expected: Vec<_> = match words.len() {
                0 => vec![],
                len => words.windows(n.min(len)).map(|w| naive(w, 0)).collect(),
            };
            prop_assert_eq!(shingler(Shingle::Words(n)).text(&tokens.join(" ")), expected);
        }
    }
}
