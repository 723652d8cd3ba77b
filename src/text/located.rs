//! Tokens of a normalized text, with their places in the text as it was written.

use super::decode::char_at;
use super::mappings::Mappings;
use super::normalize::{Normalization, ascii_prefix};
use super::shingle::Shingle;
use super::tokens::for_each_token;
use super::words::word_edges;

/// The tokens of a text: normalized, and with the place of each in the original text.
#[derive(Debug, Default)]
pub(crate) struct Located {
    normalized: String,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, Copy)]
struct Token {
    /// The start and end in the normalized text.
    normalized: [usize; 2],
    /// The start and end in the original text. Both lie between characters.
    original: [usize; 2],
}

impl Located {
    /// Splits a text into words; for [`Shingle::Tokens`] into words and other visible characters.
    pub(crate) fn new(text: &str, normalization: Normalization, shingle: Shingle) -> Self {
        let (normalized, pieces) = normalization.normalize_with_pieces(text);
        let mut edges = Vec::new();
        match shingle {
            Shingle::Tokens(_) => {
                for_each_token(&normalized, |start, end| edges.push([start, end]));
            }
            _ => word_edges(&normalized, &mut edges),
        }
        let mut at = 0;
        let mut piece_of = |place: usize| {
            while pieces[at + 1..]
                .first()
                .is_some_and(|next| next.normalized <= place)
            {
                at += 1;
            }
            (
                pieces[at],
                pieces.get(at + 1).map_or(text.len(), |next| next.original),
            )
        };
        let tokens = edges.into_iter().map(|[start, end]| {
            let (first, _) = piece_of(start);
            let (last, behind) = piece_of(end - 1);
            let from = first.of(start).unwrap_or(first.original);
            let to = last.of(end).unwrap_or(behind);
            Token {
                normalized: [start, end],
                original: [from, to],
            }
        });
        Self {
            tokens: tokens.collect(),
            normalized,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The normalized tokens, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let tokens = self.tokens.iter();
        tokens.map(|token| &self.normalized[token.normalized[0]..token.normalized[1]])
    }

    /// The start of a token in the original text.
    pub(crate) fn start(&self, token: usize) -> usize {
        self.tokens[token].original[0]
    }

    /// The end of a token in the original text.
    pub(crate) fn end(&self, token: usize) -> usize {
        self.tokens[token].original[1]
    }

    /// Whether the text can be cut before this token, or behind the last one: no character of the original text belongs
    /// to both this token and the one before it, as `㎏` does to both words of `5㎏ ㏂`.
    pub(crate) fn can_cut(&self, before: usize) -> bool {
        let inside = (1..self.tokens.len()).contains(&before);
        !inside || self.end(before - 1) <= self.start(before)
    }
}

/// A part of a normalized text, up to the next one, and where it comes from.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// The start in the normalized text.
    normalized: usize,
    /// The start in the original text.
    original: usize,
    /// Whether each character comes from one of as many bytes.
    alike: bool,
}

impl Piece {
    /// The place in the original text of a place in the normalized one, if it is known.
    fn of(self, normalized: usize) -> Option<usize> {
        let place = self.original + normalized.wrapping_sub(self.normalized);
        self.alike.then_some(place)
    }
}

impl Normalization {
    /// The same as [`normalize`](Self::normalize), and where the parts of the result come from: at least one.
    ///
    /// The text is cut before each character that takes no part in composition with characters before it, so that each
    /// part can be normalized alone.
    fn normalize_with_pieces(self, text: &str) -> (String, Vec<Piece>) {
        let mappings = Mappings::of(self);
        let bytes = text.as_bytes();
        let mut out = String::with_capacity(text.len());
        let mut pieces = Vec::new();
        let mut push = |out: &String, original, alike| {
            let piece = Piece {
                normalized: out.len(),
                original,
                alike,
            };
            match pieces.last() {
                Some(&Piece { alike: true, .. }) if alike => {}
                _ => pieces.push(piece),
            }
        };
        push(&out, 0, true);
        if self == Self::NONE {
            return (text.to_owned(), pieces);
        }
        // Whether a character goes with the one before it.
        let goes_along = |code: u32| {
            let mapped = mappings.mapped(code);
            mapped.is_some_and(|(text, is_inert)| text.is_empty() || !is_inert)
        };
        let mut at = 0;
        while let Some((code, mut end)) = char_at(bytes, at) {
            let ascii = ascii_prefix(&bytes[at..]);
            let next = char_at(bytes, at + ascii);
            let joined = next.is_some_and(|(code, _)| goes_along(code));
            let alone = ascii.saturating_sub(usize::from(joined));
            if alone > 0 {
                push(&out, at, true);
                self.push_ascii(&text[at..at + alone], &mut out);
                at += alone;
                continue;
            }
            while let Some((code, behind)) = char_at(bytes, end)
                && goes_along(code)
            {
                end = behind;
            }
            let part = &text[at..end];
            let is_one = part.chars().nth(1).is_none();
            let mapped = match mappings.mapped(code) {
                None => part,
                Some((mapped, _)) => mapped,
            };
            let is_alike = mapped.len() == part.len() && mapped.chars().nth(1).is_none();
            push(&out, at, is_one && is_alike);
            match is_one {
                true => out.push_str(mapped),
                false => out.push_str(&self.normalize(part)),
            }
            at = end;
        }
        (out, pieces)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::words;

    /// Normalizations with every switch.
    const NORMALIZATIONS: [&str; 8] = [
        "none",
        "nfc",
        "nfkc",
        "default",
        "none+fold+digits",
        "nfc+accents+arabic",
        "nfkc+drop-ignorable",
        "default+accents+arabic+digits",
    ];

    fn any_text() -> impl Strategy<Value = String> {
        let scripts = "aBçÉİßſK1५٣’ʼ\"_.,: \n\tӓжЖםשׁ\u{AD}\u{200D}\u{FEFF}شَـّ漢字ひガか\u{3099}가\u{1100}\u{1161}\u{11A8}\
                       ﬁ㎏㍿½①Ⓐไทยक्षिे\u{301}\u{327}\u{345}👩🇩🇪\u{1D15E}\u{FDFA}\u{0344}";
        let character = prop_oneof![
            5 => prop::sample::select("ab B.1\n".chars().collect::<Vec<_>>()),
            6 => prop::sample::select(scripts.chars().collect::<Vec<_>>()),
            1 => any::<char>(),
        ];
        prop::collection::vec(character, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn tokens_are_those_of_the_normalized_text(text in any_text()) {
            for name in NORMALIZATIONS {
                let normalization: Normalization = name.parse().unwrap();
                let normalized = normalization.normalize(&text);
                let located = Located::new(&text, normalization, Shingle::default());
                prop_assert_eq!(&located.normalized, &normalized);
                prop_assert!(located.iter().eq(words(&normalized)));
            }
        }

        #[test]
        fn a_range_that_can_be_cut_out_has_the_same_tokens(text in any_text(), from in 0..20usize, many in 1..20usize) {
            for name in NORMALIZATIONS {
                let normalization: Normalization = name.parse().unwrap();
                for shingle in [Shingle::Words(1), Shingle::Tokens(1)] {
                    let located = Located::new(&text, normalization, shingle);
                    let to = located.len().min(from + many);
                    if from >= to || !located.can_cut(from) || !located.can_cut(to) {
                        continue;
                    }
                    let cut = &text[located.start(from)..located.end(to - 1)];
                    let alone = Located::new(cut, normalization, shingle);
                    let inside: Vec<_> = located.iter().skip(from).take(to - from).collect();
                    prop_assert_eq!(alone.iter().collect::<Vec<_>>(), inside, "{:?} {:?}", cut, name);
                }
            }
        }
    }

    #[test]
    fn places_of_known_texts() {
        let places = |text: &str| {
            let located = Located::new(text, Normalization::DEFAULT, Shingle::default());
            let place = |token| text[located.start(token)..located.end(token)].to_owned();
            let cuts = (0..=located.len()).filter(|&token| located.can_cut(token));
            let tokens: Vec<_> = located.iter().map(str::to_owned).collect();
            (
                tokens,
                (0..located.len()).map(place).collect::<Vec<_>>(),
                cuts.count(),
            )
        };
        let (tokens, written, cuts) = places("L’E\u{301}te\u{301}: ＡＢ\u{AD}C, 5㎏.");
        assert_eq!(tokens, ["l'été", "abc", "5kg"]);
        assert_eq!(written, ["L’E\u{301}te\u{301}", "ＡＢ\u{AD}C", "5㎏"]);
        assert_eq!(cuts, 4);
        // One character of four words.
        let (tokens, written, cuts) = places("a㍿b");
        assert_eq!(tokens, ["a", "株", "式", "会", "社", "b"]);
        assert_eq!(written, ["a", "㍿", "㍿", "㍿", "㍿", "b"]);
        assert_eq!(cuts, 4);
    }
}
