//! Text to shingle hashes: normalization, tokens, shingles.
//!
//! # Which shingle should I use?
//!
//! - Use [`Shingle::Words`]`(5)`, the default, for prose in any script. Five consecutive words are rarely the same by
//!   chance, so similarity means shared passages, and boilerplate of a few words counts little. In Han and Hiragana,
//!   each character is a word. Punctuation and operators are dropped: `a + b` equals `a - b`.
//! - Use [`Shingle::Tokens`]`(10)` for source code. Operators, brackets and punctuation count, white space does not.
//! - Use [`Shingle::Chars`]`(n)` for short texts, names, and text whose words differ in spelling. With n = 5 or less
//!   unrelated texts share many shingles: expect more candidates, and choose the threshold by reading pairs.
//! - Use [`Shingle::Bytes`]`(n)` for data that is not text, or whose encoding is unknown.
//!
//! A smaller n finds more distant copies, but also more pairs that are not copies. Changing one word changes n
//! shingles.
//!
//! # Which normalization?
//!
//! [`Normalization::DEFAULT`] ignores case, compatibility variants, invisible characters, and how apostrophes are written:
//! `L’ÉTÉ` equals `l'été`. Switch on more if a copy may differ in more: accents in retyped text, harakat in Arabic, digits in
//! pages that a template has filled in. Each switch makes different words equal, so pairs may appear that are not copies.
//!
//! ```
//! use resemblance::{Deduper, Normalization};
//!
//! let (one, other) = ("Café ouvert le 3 août", "Cafe ouvert le 9 aout");
//! assert_eq!(Deduper::new().similarity(one, other).jaccard, 0.0);
//! let loose: Normalization = "default+accents+digits".parse()?;
//! let deduper = Deduper::builder().normalization(loose).build()?;
//! assert_eq!(deduper.similarity(one, other).jaccard, 1.0);
//! # Ok::<(), resemblance::Error>(())
//! ```
//!
//! # Source code
//!
//! [`Shingle::Words`] drops everything but letters and digits, operators included: `a != b` equals `a == b`. For code use
//! tokens, and no normalization if case matters:
//!
//! ```
//! use resemblance::{Deduper, Normalization, Shingle};
//!
//! let words = Deduper::builder().shingle(Shingle::Words(2)).build()?;
//! assert_eq!(words.similarity("if a != b {", "if a == b {").jaccard, 1.0);
//!
//! let code = Deduper::builder().shingle(Shingle::Tokens(4)).normalization(Normalization::NONE).build()?;
//! assert!(code.similarity("if a != b {", "if a == b {").jaccard < 1.0);
//! // Spaces and line breaks make no difference.
//! assert_eq!(code.similarity("if a!=b {start()}", "if a != b {\n    start()\n}").jaccard, 1.0);
//! # Ok::<(), resemblance::Error>(())
//! ```
//!
//! No threshold separates an edit that matters from one that does not: a changed operator costs less similarity than an
//! added comment. To find sources with the same tokens only, use the threshold 1. The
//! [guide on settings](crate::guides::settings#source-code) has measurements.
//!
//! # Can two shingles have the same hash?
//!
//! By chance, a share of 2^-62 of all pairs do. If the seed is known, such pairs are easy to make. If it is not, they
//! can only be guessed: any two shingles of up to 5 tokens of up to 16 bytes have the same hash under at most 2^-58 of
//! all keys; with up to 65,535 tokens, under at most 2^-54. `docs/signature.md` has the full statement and its
//! assumptions.

pub(crate) mod arch;
mod classes;
mod decode;
mod document;
mod edges;
mod graphemes;
mod group;
mod hash;
mod ignorable;
mod located;
mod mappings;
mod normalize;
mod shingle;
mod spelled;
#[cfg(test)]
#[path = "../../tests/support/statement.rs"]
pub(crate) mod statement;
mod tokens;
mod variants;
mod windows;
mod words;

pub use document::{Bytes, Content, Document, InGroup, ReadBuffer, ReadError, Shingles};
pub use group::Group;
pub use hash::mix;
pub(crate) use located::Located;
pub use normalize::{Form, Normalization};
pub use shingle::{NotText, Scratch, Shingle, Shingler};
pub use spelled::Spelled;
pub(crate) use words::word_edges;
pub use words::{Words, words};
