//! Texts crafted to have the same shingle hashes: attacks that once succeeded.

use crate::support::program::{Place, four, line};
use resemblance::text::{Content, Shingler};
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
        let deduper = Deduper::builder()
            .method(Method::Exact)
            .recall(1.0)
            .threshold(0.01)
            .build()
            .unwrap();
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

/// Words of one hash under seed 0, pair by pair: found in seconds as short vectors of a lattice, by who knows the seed.
const MADE: [[&str; 2]; 5] = [
    ["dbcmaaamaaomkaam", "aaamsocmfiamahgm"],
    ["amgmdaamaadmaaam", "aaamaskmhhamkthm"],
    ["skamactmaacmaaam", "aagmyaamcdammogm"],
    ["wammkaamaagmejfm", "anamayomqjamaaam"],
    ["seamaanmsafmtadm", "aaxmblamanamaham"],
];

fn made() -> [String; 2] {
    [0, 1].map(|of| MADE.map(|words| words[of]).join(" "))
}

/// What `docs/signature.md` says of seeds that are known; and of those that are not.
#[test]
fn texts_made_for_a_known_seed_pass_for_copies_under_that_seed_alone() {
    let [a, b] = made();
    let jaccard = |seed| {
        let deduper = Deduper::builder().seed(seed).build().unwrap();
        deduper.similarity(&a, &b).jaccard
    };
    assert_eq!(jaccard(0), 1.0);
    assert!((1..50).all(|seed| jaccard(seed) == 0.0));
    let deduper = Deduper::new();
    let spell = |text| {
        let shingler = deduper.sketcher().shingler();
        shingler.spell(Content::Text(text)).unwrap()
    };
    assert_eq!(spell(&a).shared_with(&spell(&b)), 0);
}

#[test]
fn texts_made_for_a_known_seed_are_refused_where_texts_are_confirmed() {
    let place = Place::new();
    let [a, b] = made();
    place.write("made.jsonl", line("a", &a) + &line("b", &b));
    let told =
        "`b` and `a` have a similarity of 1.000 by their shingle hashes, but 0.000 by their tokens";
    assert_eq!(place.json("made.jsonl")["documents"]["removed"], 1);
    place.fails("made.jsonl --confirm text --kept k.jsonl", told);
    assert!(!place.path("k.jsonl").exists());
    let told = "`a` and `b` have a similarity of 1.000 by";
    place.fails("made.jsonl --confirm text --pairs p.tsv", told);
    let removed = |args: &str| place.json(args)["documents"]["removed"].clone();
    assert_eq!(removed("made.jsonl --confirm text --seed 1"), 0);
    assert_eq!(removed("made.jsonl --confirm text --seed random"), 0);
}

#[test]
fn confirming_texts_changes_nothing_where_nobody_made_them() {
    let place = Place::new();
    place.write("in.jsonl", four());
    for shingle in ["words:2", "chars:5", "bytes:9"] {
        for cluster in ["components", "leader"] {
            let run = |confirm: &str| {
                let args = format!("--threshold 0.4 --shingle {shingle} --cluster {cluster}");
                let ran = place.run(&format!(
                    "in.jsonl {args}{confirm} --pairs p.tsv --clusters c.tsv"
                ));
                assert_eq!(ran.code, 0, "{}", ran.err);
                (place.read("p.tsv"), place.read("c.tsv"))
            };
            let plain = run("");
            assert!(plain.1.lines().count() > 2);
            assert_eq!(run(" --confirm text"), plain);
        }
    }
    let told = "texts cannot be confirmed: the texts are not held in memory";
    place.refuses("in.jsonl --confirm text --memory 64MiB", told);
    place.refuses("in.jsonl --confirm text --work w", told);
    assert_eq!(place.run("in.jsonl --save-index i").code, 0);
    place.refuses(
        "in.jsonl --confirm text --against i",
        "an index has no texts",
    );
}
