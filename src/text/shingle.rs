//! Shingle hashes from tokens.
//!
//! 1. Every token becomes two numbers of 31 bits: secret linear functions of its words of 30 bits, modulo 2^31 - 1.
//! 2. The n tokens of a shingle are combined into two such numbers, level by level. Each number of a level is a secret
//!    linear function of up to five numbers of the level below: see [`windows`](super::windows).
//! 3. A secret number that depends on n is added, and a finalizer mixes all bits: [`mix`](super::mix). `MinHash` needs
//!    mixed bits.
//!
//! `docs/signature.md` has the formulas, what is proven of them, and worked examples.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::arch::{self, Processor, Task};
use super::document::Content;
use super::edges::Edges;
use super::graphemes::for_each_grapheme_or_space;
use super::hash::{Block, Tokens};
use super::normalize::Normalization;
use super::tokens::for_each_token;
use super::windows::{Levels, Stages, Windows};
use super::words::Splitter;
use crate::error::{Error, Kind};
use crate::named::serde_as_text;

/// The unit of comparison: n consecutive tokens of a kind.
///
/// A text with at least one token but fewer than n makes one shingle of all its tokens, so that exact copies of short
/// texts are found.
///
/// ```
/// use resemblance::Shingle;
///
/// assert_eq!("words:5".parse(), Ok(Shingle::Words(5)));
/// assert_eq!(Shingle::Tokens(9).to_string(), "tokens:9");
/// assert!("words:0".parse::<Shingle>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shingle {
    /// n words of UAX #29 that contain a letter or digit. The default, with n = 5.
    ///
    /// Everything else is dropped: white space, punctuation and operators. So `a + b` equals `a - b`.
    Words(usize),
    /// n words or other visible characters, for source code: what UAX #29 puts between two word boundaries, unless it is
    /// white space. So `a != b` is the four tokens `a`, `!`, `=`, `b`. The
    /// [guide on settings](crate::guides::settings) has a section on source code.
    Tokens(usize),
    /// n extended grapheme clusters (user-perceived characters). A run of white space counts as one space; white space
    /// at either end of the text is dropped.
    Chars(usize),
    /// n bytes. Text is normalized first; bytes that are not UTF-8 are left unchanged.
    Bytes(usize),
}

impl Default for Shingle {
    fn default() -> Self {
        Self::Words(5)
    }
}

impl Shingle {
    /// The number of tokens in a shingle, n.
    pub const fn size(self) -> usize {
        match self {
            Self::Words(n) | Self::Tokens(n) | Self::Chars(n) | Self::Bytes(n) => n,
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Words(_) => "words",
            Self::Tokens(_) => "tokens",
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
        let expected = "words:N, tokens:N, chars:N or bytes:N, such as words:5";
        let unknown = || Error::unknown("shingle", text, expected);
        let (kind, n) = text.split_once(':').ok_or_else(unknown)?;
        let n = n.parse().map_err(|_| unknown())?;
        match kind {
            "words" => Self::Words(n).validate(),
            "tokens" => Self::Tokens(n).validate(),
            "chars" => Self::Chars(n).validate(),
            "bytes" => Self::Bytes(n).validate(),
            _ => Err(unknown()),
        }
    }
}

serde_as_text!(Shingle);

/// Working memory of a [`Shingler`]: keep one for each thread and nothing is allocated a document.
#[derive(Debug, Default)]
pub struct Scratch {
    normalized: String,
    spare: String,
    bytes: Vec<u8>,
    edges: Edges,
    blocks: Vec<Block>,
    stages: Stages,
}

struct Shingling<'a> {
    shingler: &'a Shingler,
    text: &'a str,
    edges: &'a mut Edges,
    blocks: &'a mut Vec<Block>,
    windows: Windows<'a>,
}

impl Task for Shingling<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(mut self, processor: P) {
        let Self { shingler, text, .. } = self;
        match shingler.shingle {
            Shingle::Words(_) => self.push_words(processor),
            Shingle::Tokens(_) => self.push_tokens(processor),
            Shingle::Chars(_) => push_graphemes(text, shingler, &mut self.windows),
            Shingle::Bytes(_) => {
                let (bytes, windows) = (text.as_bytes(), self.windows);
                let of_bytes = ShinglingBytes {
                    shingler,
                    bytes,
                    windows,
                };
                return of_bytes.run(processor);
            }
        }
        self.windows.end(processor);
    }
}

struct ShinglingBytes<'a> {
    shingler: &'a Shingler,
    bytes: &'a [u8],
    windows: Windows<'a>,
}

impl Task for ShinglingBytes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(mut self, processor: P) {
        for part in self.bytes.chunks(BYTES) {
            let hashes = part
                .iter()
                .map(|&byte| self.shingler.one_byte[usize::from(byte)]);
            self.windows.tokens().extend(hashes);
            self.windows.advance(processor);
        }
        self.windows.end(processor);
    }
}

struct ShinglingIds<'a, I> {
    shingler: &'a Shingler,
    ids: I,
    windows: Windows<'a>,
}

impl<I: Iterator<Item = u64>> Task for ShinglingIds<'_, I> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(mut self, processor: P) {
        let tokens = &self.shingler.tokens;
        let mut ids = self.ids.map(|id| tokens.hash(&id.to_le_bytes())).peekable();
        while ids.peek().is_some() {
            self.windows.tokens().extend(ids.by_ref().take(BYTES));
            self.windows.advance(processor);
        }
        self.windows.end(processor);
    }
}

/// Tokens that are hashed before they are combined, so that they stay in the nearest cache.
const BYTES: usize = 1024;

/// Turns documents into shingle hashes.
///
/// ```
/// use resemblance::text::{Scratch, Shingler};
/// use resemblance::{Normalization, Shingle};
///
/// let shingler = Shingler::new(Shingle::Words(2), Normalization::DEFAULT, 0)?;
/// let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
/// shingler.text_into("The cat sat. The cat SAT.", &mut scratch, &mut hashes);
/// // the-cat cat-sat sat-the the-cat cat-sat
/// assert_eq!(hashes.len(), 5);
/// assert_eq!(hashes[0], hashes[3]);
/// # Ok::<(), resemblance::Error>(())
/// ```
#[derive(Clone)]
pub struct Shingler {
    shingle: Shingle,
    normalization: Normalization,
    tokens: Tokens,
    levels: Levels,
    /// The hash of each token of one byte.
    one_byte: Box<[u64; 256]>,
}

impl fmt::Debug for Shingler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shingler")
            .field("shingle", &self.shingle)
            .field("normalization", &self.normalization)
            .field("seed", &self.seed())
            .finish_non_exhaustive()
    }
}

impl Shingler {
    /// Makes a shingler, which takes about a microsecond: make one and keep it.
    ///
    /// # Errors
    /// If the shingle's n is 0 or above 65,535.
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
            levels: Levels::new(n, seed),
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

    /// The seed, from which the keys of all hashes are derived.
    pub fn seed(&self) -> u64 {
        self.tokens.seed
    }

    /// Replaces the content of `hashes` by the shingle hashes of `text`, in the order of the text, with repetitions. A
    /// text without tokens has none.
    pub fn text_into(&self, text: &str, scratch: &mut Scratch, hashes: &mut Vec<u64>) {
        let text = if self.normalization.leaves(text) {
            text
        } else {
            self.normalization
                .normalize_into(text, &mut scratch.normalized, &mut scratch.spare);
            &scratch.normalized
        };
        arch::run(Shingling {
            shingler: self,
            text,
            edges: &mut scratch.edges,
            blocks: &mut scratch.blocks,
            windows: Windows::new(&self.levels, &mut scratch.stages, hashes),
        });
    }

    /// Writes the shingle hashes of a document that may be bytes over `hashes`; those of
    /// [`Content::Shingles`] as they are. Bytes that are UTF-8 count as that text; else, with byte shingles, each UTF-8 run between the bytes that
    /// are none is normalized by itself.
    ///
    /// # Errors
    /// If the bytes are not UTF-8 and the shingles are not of bytes. The error has the offset of the first invalid
    /// byte.
    pub fn content_into(
        &self,
        content: Content<'_>,
        scratch: &mut Scratch,
        hashes: &mut Vec<u64>,
    ) -> Result<(), NotText> {
        match self.text_or_bytes(content)? {
            Content::Text(text) => self.text_into(text, scratch, hashes),
            Content::Bytes(bytes) => {
                self.normalize_bytes(bytes, &mut scratch.bytes);
                arch::run(ShinglingBytes {
                    shingler: self,
                    bytes: &scratch.bytes,
                    windows: Windows::new(&self.levels, &mut scratch.stages, hashes),
                });
            }
            Content::Shingles(shingles) => {
                hashes.clear();
                hashes.extend_from_slice(shingles);
            }
        }
        Ok(())
    }

    /// Returns bytes that are valid UTF-8 as text.
    fn text_or_bytes<'c>(&self, content: Content<'c>) -> Result<Content<'c>, NotText> {
        let Content::Bytes(bytes) = content else {
            return Ok(content);
        };
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Content::Text(text)),
            Err(_) if matches!(self.shingle, Shingle::Bytes(_)) => Ok(content),
            Err(error) => Err(NotText {
                offset: error.valid_up_to(),
            }),
        }
    }

    /// Normalizes the runs of valid UTF-8 in bytes that are not UTF-8.
    fn normalize_bytes(&self, bytes: &[u8], normalized: &mut Vec<u8>) {
        normalized.clear();
        for chunk in bytes.utf8_chunks() {
            let text = self.normalization.normalize(chunk.valid());
            normalized.extend_from_slice(text.as_bytes());
            normalized.extend_from_slice(chunk.invalid());
        }
    }

    /// A document's normalized content, which is then split into tokens.
    pub(super) fn normalized_content(&self, content: Content<'_>) -> Result<Vec<u8>, NotText> {
        Ok(match self.text_or_bytes(content)? {
            Content::Text(text) => self.normalized(text).into_owned().into_bytes(),
            Content::Bytes(bytes) => {
                let mut normalized = Vec::new();
                self.normalize_bytes(bytes, &mut normalized);
                normalized
            }
            Content::Shingles(_) => Vec::new(),
        })
    }

    /// The shingle hashes of `text`. In a loop, [`text_into`](Self::text_into) is faster.
    pub fn text(&self, text: &str) -> Vec<u64> {
        let mut hashes = Vec::new();
        self.text_into(text, &mut Scratch::default(), &mut hashes);
        hashes
    }

    /// The shingle hashes of a document whose tokens are numbers of your own, such as those of a tokenizer: of n
    /// consecutive ids each, whatever the kind of shingle. Nothing is normalized. An id is hashed like the token of its
    /// eight bytes, the lowest first.
    pub fn token_ids(&self, ids: impl IntoIterator<Item = impl Into<u64>>) -> Vec<u64> {
        let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
        arch::run(ShinglingIds {
            shingler: self,
            ids: ids.into_iter().map(Into::into),
            windows: Windows::new(&self.levels, &mut scratch.stages, &mut hashes),
        });
        hashes
    }

    /// `text` as this shingler sees it before splitting.
    pub fn normalized<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.normalization.normalize(text)
    }
}

impl Shingling<'_> {
    /// Processes a few hundred words at a time, in three passes: one finds them, one hashes them, one combines them.
    #[inline(always)]
    fn push_words<P: Processor>(&mut self, processor: P) {
        self.edges.clear();
        let mut splitter = Splitter::new(self.text);
        let mut more = true;
        while more {
            more = splitter.read(processor, self.edges);
            self.push_edges(processor);
        }
    }

    #[inline(always)]
    fn push_tokens<P: Processor>(&mut self, processor: P) {
        self.edges.clear();
        for_each_token(self.text, |start, end| {
            if self.edges.is_full() {
                self.push_edges(processor);
                self.edges.clear();
            }
            self.edges.push(start, end);
        });
        self.push_edges(processor);
    }

    /// Hashes and combines the tokens between these edges.
    #[inline(always)]
    fn push_edges<P: Processor>(&mut self, processor: P) {
        let tokens = (self.text, self.edges.words());
        let hashes = self.windows.tokens();
        (self.shingler.tokens).hash_words(processor, tokens, self.blocks, hashes);
        self.windows.advance(processor);
    }
}

fn push_graphemes(text: &str, shingler: &Shingler, windows: &mut Windows<'_>) {
    let one_byte = &shingler.one_byte;
    let tokens = windows.tokens();
    for_each_grapheme_or_space(text, |token| {
        tokens.push(match token.as_bytes() {
            &[byte] => one_byte[usize::from(byte)],
            longer => shingler.tokens.hash(longer),
        });
    });
}

/// The error for bytes that are not UTF-8 where text is needed.
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

#[cfg(test)]
mod tests;
