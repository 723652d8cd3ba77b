//! Tokens of source code: words, and every other visible character.
//!
//! The reference is `split_word_bounds` of the crate unicode-segmentation, without the segments that are white space.
//! A word is such a segment, so [`words`] finds most of them, and only the gaps between words are split here.

use unicode_segmentation::UnicodeSegmentation;

use super::words::words;

/// Calls `each` with the start and end of every token of [`Shingle::Tokens`](super::Shingle::Tokens).
#[inline(always)]
pub(super) fn for_each_token(text: &str, mut each: impl FnMut(usize, usize)) {
    let mut at = 0;
    for word in words(text) {
        let start = word.as_ptr().addr() - text.as_ptr().addr();
        split_gap(text, at, start, &mut each);
        at = start + word.len();
        each(start, at);
    }
    split_gap(text, at, text.len(), &mut each);
}

/// Splits the text between two words. Its tokens do not depend on the words: both ends are word boundaries, and the
/// rules that look further need a letter, a digit or a mark of the word itself.
#[inline(always)]
fn split_gap(text: &str, start: usize, end: usize, each: &mut impl FnMut(usize, usize)) {
    let gap = &text[start..end];
    if !gap.is_ascii() {
        let segments = gap.split_word_bound_indices();
        let visible = segments.filter(|(_, segment)| !segment.chars().all(char::is_whitespace));
        return visible.for_each(|(at, segment)| each(start + at, start + at + segment.len()));
    }
    let bytes = text.as_bytes();
    let mut at = start;
    while at < end {
        let from = at;
        at += 1;
        if bytes[from] == b'_' {
            // Underscores join each other, but are not a word without a letter or digit.
            let more = bytes[at..end].iter().take_while(|&&byte| byte == b'_');
            at += more.count();
        }
        if !char::from(bytes[from]).is_whitespace() {
            each(from, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_same(text: &str) {
        let mut ours = Vec::new();
        for_each_token(text, |start, end| ours.push(&text[start..end]));
        let segments = text.split_word_bounds();
        let visible = segments.filter(|segment| !segment.chars().all(char::is_whitespace));
        let truth: Vec<_> = visible.collect();
        assert_eq!(ours, truth, "{text:?}");
    }

    #[test]
    fn source_code() {
        for (text, tokens) in [
            ("if (a != b) {", "if|(|a|!|=|b|)|{"),
            (
                "x.y::z->w[__i] += 0x1F;",
                "x.y|:|:|z|-|>|w|[|__i|]|+|=|0x1F|;",
            ),
            (
                "__ _ ___a\r\n\t// 1,5 'c' \"s\"",
                "__|_|___a|/|/|1,5|'|c|'|\"|s|\"",
            ),
            (
                "a≠b → 👩\u{200D}👩\u{200D}👧;",
                "a|≠|b|→|👩\u{200D}👩\u{200D}👧|;",
            ),
            ("", ""),
            (" \u{3000}\r\n", ""),
        ] {
            let mut ours = Vec::new();
            for_each_token(text, |start, end| ours.push(&text[start..end]));
            assert_eq!(ours.join("|"), tokens);
            assert_same(text);
        }
    }

    #[test]
    fn every_character_between_others() {
        for c in ('\0'..='\u{33FF}').chain('\u{A000}'..='\u{1FFFF}') {
            assert_same(&format!("{c}a{c}.{c}1{c}_{c} {c}{c}-{c}\u{301}{c}"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn equals_unicode_segmentation(text in prop::collection::vec(
            prop_oneof![
                6 => prop::sample::select(
                    "abZ059__::,,;;..''\"\"    \n\r\t-({<=>!&\0\u{7F}\u{B}".chars().collect::<Vec<_>>()),
                3 => prop::sample::select(
                    "éж\u{301}\u{345}\u{200D}\u{AD}אב’·․‿漢字ひカター🇩🇪👩。\u{2003}\u{3000}\u{85}٣१ไ≠"
                        .chars().collect::<Vec<_>>()),
                1 => any::<char>(),
            ], 0..200).prop_map(|chars| chars.into_iter().collect::<String>())) {
            assert_same(&text);
        }
    }
}
