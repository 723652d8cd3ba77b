use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

use super::super::statement;
use super::*;

fn shingler(shingle: Shingle) -> Shingler {
    Shingler::new(shingle, Normalization::DEFAULT, 0).unwrap()
}

#[test]
fn short_texts_make_one_shingle_and_empty_ones_none() {
    for kind in [
        Shingle::Words,
        Shingle::Tokens,
        Shingle::Chars,
        Shingle::Bytes,
    ] {
        assert_eq!(shingler(kind(5)).text("").len(), 0);
    }
    assert_eq!(shingler(Shingle::Tokens(5)).text("?!").len(), 1);
    assert_eq!(shingler(Shingle::Tokens(5)).text(" \n\t ").len(), 0);
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
fn spellings_of_apostrophes_make_the_same_shingles() {
    for spellings in [
        [
            "Don't say it's ours.",
            "Don’t say it’s ours.",
            "Donʼt say itʼs ours.",
        ],
        [
            "Qu'est-ce que l'âge ?",
            "Qu’est-ce que l’âge ?",
            "Qu‘est-ce que l＇âge ?",
        ],
        ["п'ять об'єктів", "п’ять об’єктів", "пʼять обʼєктів"],
        ["o'zbek bog'i", "oʻzbek bogʻi", "o‘zbek bog‘i"],
        [
            "דו\"ח של ג'ירפה וצ'",
            "דו״ח של ג׳ירפה וצ׳",
            "דו”ח של ג’ירפה וצ’",
        ],
    ] {
        for kind in [
            Shingle::Words,
            Shingle::Tokens,
            Shingle::Chars,
            Shingle::Bytes,
        ] {
            let [ascii, typographic, other] = spellings.map(|text| shingler(kind(2)).text(text));
            assert!(ascii == typographic && ascii == other, "{spellings:?}");
        }
    }
}

#[test]
fn operators_count_in_tokens_and_spaces_do_not() {
    let texts = [
        "if (a != b) { x += 1; }",
        "if(a!=b){x+=1;}",
        "if (a == b) { x -= 1; }",
    ];
    let of = |kind: fn(usize) -> Shingle| texts.map(|text| shingler(kind(3)).text(text));
    let [one, spaced, other] = of(Shingle::Tokens);
    assert_eq!(one, spaced);
    assert_ne!(one, other);
    let [one, _, other] = of(Shingle::Words);
    assert_eq!(one, other);
}

#[test]
fn seeds_give_other_hashes() {
    let other = Shingler::new(Shingle::Words(5), Normalization::DEFAULT, 1).unwrap();
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
    fn shingles_equal_the_formula(
        tokens in prop::collection::vec("[a-e]{1,2}|[a-z]{13,18}|[a-z]{30,34}|[\u{430}-\u{44F}]{7,9}", 0..300),
        n in prop_oneof![4 => 1usize..=40, 1 => 41usize..=300],
        seed: u64,
    ) {
        let words: Vec<&[u8]> = tokens.iter().map(String::as_bytes).collect();
        let shingler = Shingler::new(Shingle::Words(n), Normalization::NONE, seed).unwrap();
        prop_assert_eq!(shingler.text(&tokens.join(" ")), statement::shingles(seed, n, &words));
    }

    #[test]
    fn shingles_of_tokens_equal_the_formula(
        text in "([a-e]{1,20}|[-+*/=<>!;(){}]{1,3}|[ \n]|é|东|。){0,900}",
        n in 1usize..=30,
        seed: u64,
    ) {
        let segments = text.split_word_bounds().filter(|segment| !segment.trim().is_empty());
        let tokens: Vec<&[u8]> = segments.map(str::as_bytes).collect();
        let shingler = Shingler::new(Shingle::Tokens(n), Normalization::NONE, seed).unwrap();
        prop_assert_eq!(shingler.text(&text), statement::shingles(seed, n, &tokens));
    }

    #[test]
    fn shingles_of_bytes_equal_the_formula(
        bytes in prop::collection::vec(any::<u8>(), 0..5000),
        n in prop_oneof![1usize..=40, 41usize..=5000],
        seed: u64,
    ) {
        let tokens: Vec<&[u8]> = bytes.chunks(1).collect();
        let shingler = Shingler::new(Shingle::Bytes(n), Normalization::NONE, seed).unwrap();
        let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
        shingler.content_into(Content::Bytes(&bytes), &mut scratch, &mut hashes).unwrap();
        // The formula takes its time: some are enough.
        let step = 1 + hashes.len() / 20;
        prop_assert_eq!(hashes.len(), (bytes.len() + 1).saturating_sub(n).max(usize::from(!bytes.is_empty())));
        for (at, &hash) in hashes.iter().enumerate().step_by(step) {
            let window = &tokens[at..tokens.len().min(at + n)];
            prop_assert_eq!(hash, statement::shingle(seed, window));
        }
    }
}

#[test]
fn all_processors_make_the_same_shingles() {
    let words: Vec<String> = (0..2000u32)
        .map(|i| "x".repeat(i as usize % 40 + 1) + &i.to_string())
        .collect();
    let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
    let text = String::from_utf8(words.join(&b' ')).unwrap();
    for n in [1, 2, 3, 4, 5, 9, 26, 300] {
        let shingler = Shingler::new(Shingle::Words(n), Normalization::NONE, 3).unwrap();
        for hashes in arch::run_all(&Each {
            shingler: &shingler,
            text: &text,
        }) {
            assert_eq!(hashes, statement::shingles(3, n, &words), "n = {n}");
        }
    }
}

#[derive(Clone)]
struct Each<'a> {
    shingler: &'a Shingler,
    text: &'a str,
}

impl Task for Each<'_> {
    type Output = Vec<u64>;

    fn run<P: Processor>(self, processor: P) -> Vec<u64> {
        let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
        let shingling = Shingling {
            shingler: self.shingler,
            text: self.text,
            edges: &mut scratch.edges,
            blocks: &mut scratch.blocks,
            windows: Windows::new(&self.shingler.levels, &mut scratch.stages, &mut hashes),
        };
        shingling.run(processor);
        hashes
    }
}

#[test]
fn many_tokens_too_few_for_a_shingle_make_one() {
    // Thousands of tokens pass through the first levels before it is clear that they are too few.
    let bytes: Vec<u8> = (0..5000u32).map(|i| (i * i % 251) as u8).collect();
    let tokens: Vec<&[u8]> = bytes.chunks(1).collect();
    let text = Content::Bytes(&bytes);
    let shingler = Shingler::new(Shingle::Bytes(65_535), Normalization::NONE, 0).unwrap();
    let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
    (shingler.content_into(text, &mut scratch, &mut hashes)).unwrap();
    assert_eq!(hashes, [statement::shingle(0, &tokens)]);
}
