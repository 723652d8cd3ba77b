//! Text to shingle hashes: normalization, tokens, shingles.
//!
//! # Which shingle should I use?
//!
//! - Use [`Shingle::Words`]`(5)`, the default, for prose in any script. Five consecutive words are rarely the same by
//!   chance, so similarity means shared passages, and boilerplate of a few words counts little. In Han and Hiragana,
//!   each character is a word. Punctuation and operators are dropped: `a + b` equals `a - b`.
//! - Use [`Shingle::Chars`]`(n)` for short texts, names, text whose words differ in spelling, and source code in which
//!   operators matter. With n = 5 or less unrelated texts share many shingles: expect more candidates, and choose the
//!   threshold by reading pairs.
//! - Use [`Shingle::Bytes`]`(n)` for data that is not text, or whose encoding is unknown.
//!
//! A smaller n finds more distant copies, but also more pairs that are not copies. Changing one word changes n
//! shingles.
//!
//! # Source code
//!
//! [`Shingle::Words`] drops everything but letters and digits, operators included: `a + b` equals `a - b`. For code use
//! characters, and no normalization if case matters:
//!
//! ```
//! use resemblance::{Deduper, Normalization, Shingle};
//!
//! let words = Deduper::builder().shingle(Shingle::Words(2)).build()?;
//! assert_eq!(words.similarity("total = a + b;", "total = a - b;").jaccard, 1.0);
//!
//! let code = Deduper::builder().shingle(Shingle::Chars(12)).normalization(Normalization::NONE).build()?;
//! assert!(code.similarity("total = a + b;", "total = a - b;").jaccard < 1.0);
//! // Indentation and line breaks still make no difference.
//! assert_eq!(code.similarity("if ready { start() }", "if ready {\n    start()\n}").jaccard, 1.0);
//! # Ok::<(), resemblance::Error>(())
//! ```
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
mod group;
mod hash;
mod ignorable;
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
pub use normalize::{Form, Normalization};
pub use shingle::{NotText, Scratch, Shingle, Shingler};
pub use spelled::Spelled;
pub(crate) use words::word_edges;
pub use words::{Words, words};
