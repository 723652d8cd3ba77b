//! Tokens of user-perceived characters.

use unicode_segmentation::UnicodeSegmentation;

/// Calls `each` with the tokens of [`Shingle::Chars`](super::Shingle::Chars).
#[inline(always)]
pub(super) fn for_each_grapheme_or_space(text: &str, mut each: impl FnMut(&str)) {
    let mut space_due = false;
    for_each_grapheme(text.trim(), |grapheme| {
        if grapheme.chars().all(char::is_whitespace) {
            space_due = true;
            return;
        }
        if std::mem::take(&mut space_due) {
            each(" ");
        }
        each(grapheme);
    });
}

/// Calls `each` with every extended grapheme cluster of `text`. There is always a boundary between two ASCII
/// characters, except in CR LF. Only the rest needs the rules.
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
        // There is a boundary at `at`, and one before each ASCII character that is alone and follows an ASCII
        // character other than CR.
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

    use super::*;

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
    }
}
