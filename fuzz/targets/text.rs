//! Words are those of unicode-segmentation; shingles and signatures are what `docs/signature.md` states.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use resemblance::sketch::{Scheme, SketchKind, Sketcher};
use resemblance::text::{Content, Scratch, Shingler, words};
use resemblance::{Normalization, Shingle};
use resemblance_fuzz::{shingle, statement};
use unicode_segmentation::UnicodeSegmentation;

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    kind: u8,
    size: u8,
    slots: u8,
    seed: u64,
    text: &'a str,
    bytes: &'a [u8],
}

/// The tokens of a normalized text.
fn tokens(shingle: Shingle, text: &str) -> Vec<&[u8]> {
    match shingle {
        Shingle::Words(_) => text.unicode_words().map(str::as_bytes).collect(),
        Shingle::Tokens(_) => {
            let segments = text.split_word_bounds();
            let visible = segments.filter(|segment| !segment.chars().all(char::is_whitespace));
            visible.map(str::as_bytes).collect()
        }
        Shingle::Chars(_) => {
            let mut tokens = Vec::new();
            let mut space_due = false;
            for grapheme in text.trim().graphemes(true) {
                if grapheme.chars().all(char::is_whitespace) {
                    space_due = true;
                    continue;
                }
                if std::mem::take(&mut space_due) {
                    tokens.push(&b" "[..]);
                }
                tokens.push(grapheme.as_bytes());
            }
            tokens
        }
        Shingle::Bytes(_) => text.as_bytes().chunks(1).collect(),
    }
}

fuzz_target!(|case: Case| {
    let found: Vec<&str> = words(case.text).collect();
    let expected: Vec<&str> = case.text.unicode_words().collect();
    assert_eq!(found, expected);

    let shingle = shingle(case.kind, case.size);
    let shingler = Shingler::new(shingle, Normalization::DEFAULT, case.seed).unwrap();
    let normalized = shingler.normalized(case.text);
    let tokens = tokens(shingle, &normalized);
    let hashes = shingler.text(case.text);
    assert_eq!(
        hashes,
        statement::shingles(case.seed, shingle.size(), &tokens)
    );

    let spelled = shingler.spell(Content::Text(case.text)).unwrap();
    let mut distinct = hashes.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(spelled.len(), distinct.len());

    let slots = usize::from(case.slots % 40) + 1;
    for (kind, stated) in [
        (
            SketchKind::FastSimilarity,
            statement::fast_similarity(&hashes, slots),
        ),
        (SketchKind::Classic, statement::classic(&hashes, slots)),
    ] {
        let scheme = Scheme::new(
            kind,
            slots,
            shingle,
            Normalization::DEFAULT,
            case.seed,
        );
        let signature = Sketcher::new(scheme.unwrap()).signature(case.text);
        assert_eq!(signature.slots(), stated, "{kind:?}");
    }

    // Bytes that are no text are an error, or bytes.
    let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
    let made = shingler.content_into(Content::Bytes(case.bytes), &mut scratch, &mut hashes);
    let is_text = std::str::from_utf8(case.bytes).is_ok();
    assert_eq!(
        made.is_ok(),
        is_text || matches!(shingle, Shingle::Bytes(_))
    );
});
