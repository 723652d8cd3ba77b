//! Shingles with their tokens, for comparisons that do not rely on hashes.

use std::cmp::Ordering;

use super::document::Content;
use super::graphemes::for_each_grapheme_or_space;
use super::shingle::{NotText, Scratch, Shingle, Shingler};
use super::tokens::for_each_token;
use super::words::words;

/// The distinct shingles of a document with their tokens, from [`Shingler::spell`].
///
/// ```
/// use resemblance::Deduper;
/// use resemblance::text::Content;
///
/// let deduper = Deduper::new();
/// let shingler = deduper.sketcher().shingler();
/// let spell = |text| shingler.spell(Content::Text(text));
/// let left = spell("The ferry goes back into service on Monday.")?;
/// let right = spell("The ferry goes back into service on Friday.")?;
/// assert_eq!(left.shared_with(&right), 3);
/// # Ok::<(), resemblance::text::NotText>(())
/// ```
#[derive(Debug)]
pub struct Spelled {
    /// The tokens, one after the other.
    tokens: Vec<u8>,
    /// The end of each token in `tokens`.
    ends: Vec<usize>,
    /// The number of tokens in a shingle.
    size: usize,
    /// The hash of each shingle and the number of its first token, ascending by hash, then by tokens.
    shingles: Vec<(u64, usize)>,
}

impl Spelled {
    fn of(shingler: &Shingler, content: Content<'_>) -> Result<Self, NotText> {
        let normalized = shingler.normalized_content(content)?;
        let mut hashes = Vec::new();
        shingler.content_into(content, &mut Scratch::default(), &mut hashes)?;
        let mut spelled = Self {
            tokens: Vec::with_capacity(normalized.len()),
            ends: Vec::new(),
            size: shingler.shingle().size(),
            shingles: Vec::new(),
        };
        if let Content::Shingles(hashes) = content {
            // Their tokens are not known: each is one, and all that is compared is the hash.
            for hash in hashes {
                spelled.push(hash.to_le_bytes());
            }
            spelled.size = 1;
        }
        match (shingler.shingle(), std::str::from_utf8(&normalized)) {
            (Shingle::Words(_), Ok(text)) => words(text).for_each(|word| spelled.push(word)),
            (Shingle::Tokens(_), Ok(text)) => {
                for_each_token(text, |start, end| spelled.push(&text[start..end]));
            }
            (Shingle::Chars(_), Ok(text)) => {
                for_each_grapheme_or_space(text, |token| spelled.push(token));
            }
            _ => normalized.iter().for_each(|byte| spelled.push([*byte])),
        }
        // Fewer tokens than a shingle needs make one shingle.
        spelled.size = spelled.size.min(spelled.ends.len());
        let mut shingles: Vec<_> = hashes.into_iter().zip(0..).collect();
        shingles.sort_unstable_by(|&left, &right| spelled.order(left, &spelled, right));
        shingles.dedup_by(|left, right| spelled.order(*left, &spelled, *right).is_eq());
        spelled.shingles = shingles;
        Ok(spelled)
    }

    fn push(&mut self, token: impl AsRef<[u8]>) {
        self.tokens.extend_from_slice(token.as_ref());
        self.ends.push(self.tokens.len());
    }

    /// The tokens of the shingle that begins with token number `first`.
    fn shingle(&self, first: usize) -> impl Iterator<Item = &[u8]> {
        (first..first + self.size).map(|at| {
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
            &self.tokens[start..self.ends[at]]
        })
    }

    fn order(&self, left: (u64, usize), other: &Self, right: (u64, usize)) -> Ordering {
        let by_hash = left.0.cmp(&right.0);
        by_hash.then_with(|| self.shingle(left.1).cmp(other.shingle(right.1)))
    }

    /// The number of distinct shingles.
    pub fn len(&self) -> usize {
        self.shingles.len()
    }

    /// True if there are no shingles.
    pub fn is_empty(&self) -> bool {
        self.shingles.is_empty()
    }

    /// The number of distinct shingles that both documents have. Both must come from the same shingler. Two shingles
    /// are equal only if all their tokens are; equal hashes are not enough.
    pub fn shared_with(&self, other: &Self) -> usize {
        let (mut left, mut right) = (self.shingles.iter(), other.shingles.iter());
        let (mut next_left, mut next_right, mut shared) = (left.next(), right.next(), 0);
        while let (Some(&one), Some(&two)) = (next_left, next_right) {
            let order = self.order(one, other, two);
            shared += usize::from(order.is_eq());
            if order.is_le() {
                next_left = left.next();
            }
            if order.is_ge() {
                next_right = right.next();
            }
        }
        shared
    }
}

impl Shingler {
    /// The distinct shingles of a document with their tokens. Takes several times the time and memory of the hashes.
    ///
    /// # Errors
    /// As [`content_into`](Self::content_into).
    pub fn spell(&self, content: Content<'_>) -> Result<Spelled, NotText> {
        Spelled::of(self, content)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::text::Normalization;

    fn shingler(shingle: Shingle) -> Shingler {
        Shingler::new(shingle, Normalization::DEFAULT, 7).unwrap()
    }

    proptest! {
        /// Without collisions, hashes give the same number of shared shingles.
        #[test]
        fn as_many_are_shared_as_hashes(
            left in "[ab ,=!\n\u{e9}\u{301}東]{0,30}",
            right in "[ab ,=!\n\u{e9}\u{301}東]{0,30}",
            size in 1usize..4,
        ) {
            for shingle in [Shingle::Words, Shingle::Tokens, Shingle::Chars, Shingle::Bytes].map(|kind| kind(size)) {
                let shingler = shingler(shingle);
                let [one, two] = [&left, &right].map(|text| {
                    let hashes: HashSet<u64> = shingler.text(text).into_iter().collect();
                    let spelled = shingler.spell(Content::Text(text)).unwrap();
                    (hashes, spelled)
                });
                prop_assert_eq!(one.0.len(), one.1.len());
                let shared = one.0.intersection(&two.0).count();
                prop_assert_eq!(one.1.shared_with(&two.1), shared);
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_spelled_by_bytes_alone() {
        let bytes = Content::Bytes(b"ab\xFFab\xFF");
        let spelled = shingler(Shingle::Bytes(3)).spell(bytes).unwrap();
        assert_eq!(spelled.len(), 3);
        assert!(shingler(Shingle::Words(1)).spell(bytes).is_err());
    }

    #[test]
    fn shingles_of_one_hash_are_told_apart() {
        let shingler = shingler(Shingle::Words(1));
        let [left, mut right] =
            ["a b c", "a b d"].map(|text| shingler.spell(Content::Text(text)).unwrap());
        assert_eq!(left.shared_with(&right), 2);
        let hash_of = |spelled: &Spelled, word: &[u8]| {
            let mut shingles = spelled.shingles.iter();
            let found = shingles.find(|&&(_, first)| spelled.shingle(first).eq([word]));
            found.unwrap().0
        };
        let (c, d) = (hash_of(&left, b"c"), hash_of(&right, b"d"));
        for (hash, _) in &mut right.shingles {
            *hash = if *hash == d { c } else { *hash };
        }
        right.shingles.sort_unstable();
        assert_eq!(left.shared_with(&right), 2);
    }
}
