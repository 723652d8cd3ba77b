//! Texts that were made to have the same shingle hashes: attacks that succeeded once.

use resemblance::text::Shingler;
use resemblance::{Deduper, Method, Normalization, Shingle};

/// The letter at each place of the Thue-Morse sequence, and its opposite.
fn thue_morse(len: u32) -> [Vec<usize>; 2] {
    let parity = |i: u32| i.count_ones() as usize % 2;
    [0, 1].map(|first| (0..len).map(|i| parity(i) ^ first).collect())
}

/// Says whether two texts of one shingle each have the same, under some seeds.
fn collide(shingle: Shingle, [a, b]: &[String; 2]) -> bool {
    (0..20).any(|seed| {
        let shingler = Shingler::new(shingle, Normalization::default(), seed).unwrap();
        let [a, b] = [shingler.text(a), shingler.text(b)];
        assert_eq!([a.len(), b.len()], [1, 1]);
        a == b
    })
}

/// A polynomial in any odd number, with their signs for coefficients, is 0 modulo 2^64.
#[test]
fn thue_morse_texts_of_bytes_do_not_collide() {
    let texts = thue_morse(1024).map(|text| text.iter().map(|&i| ["a", "b"][i]).collect());
    assert!(!collide(Shingle::Bytes(1024), &texts));
}

#[test]
fn thue_morse_texts_of_words_do_not_collide() {
    let texts = thue_morse(1024).map(|text| {
        let words: Vec<_> = text.iter().map(|&i| ["alpha", "omega"][i]).collect();
        words.join(" ")
    });
    assert!(!collide(Shingle::Words(1024), &texts));
}

/// Found within seconds by a generalized birthday attack on the sum of known numbers that a shingle once was.
#[test]
fn texts_of_a_birthday_attack_have_nothing_in_common() {
    for [a, b] in [
        [
            "xapgmuuwt xbpksfzss xcwxxrmrr xdjsvzkbb same",
            "yaynimujq ybfkjofso ychanddmb ydkmgybcn same",
        ],
        [
            "xassjejxz xbydtwiqr xclalpuje xdyxytrxb same",
            "yaiexpguu ybngndget ycvighbnn ydviyspxa same",
        ],
        [
            "xaqdoxlug xbmlajytz xcgzzevld xdxehpxot same",
            "yaihnbvrs ybwjqtxbo ycqssjuuy ydxenmczd same",
        ],
    ] {
        let mut builder = Deduper::builder();
        builder.method(Method::Exact).recall(1.0).threshold(0.01);
        let deduper = builder.build().unwrap();
        assert_eq!(deduper.similarity(a, b).jaccard, 0.0, "{a} | {b}");
        assert_eq!(deduper.pairs(&[a, b]).len(), 0, "{a} | {b}");
    }
}

/// Texts of too few tokens for a shingle of n make one of another number of them.
#[test]
fn numbers_of_tokens_do_not_collide() {
    let shingler = Shingler::new(Shingle::Bytes(40), Normalization::NONE, 0).unwrap();
    for byte in ["a", "\0"] {
        let texts = (1..=40).map(|len| shingler.text(&byte.repeat(len))[0]);
        let all: std::collections::HashSet<u64> = texts.collect();
        assert_eq!(all.len(), 40);
    }
}
