//! Texts for benches: generated ones, the same in every run, and real ones if they are installed.
#![allow(dead_code, unreachable_pub)] // each bench uses a part

pub mod synthetic;

use std::path::Path;

use resemblance::corpus::{Corpus, ReadOptions, TextDocument};
use resemblance::text::{Content, Document, ReadBuffer};
use synthetic::{Collection, LATIN, Random, Settings, Vocabulary};

const MIXED: [&str; 24] = [
    "é",
    "à",
    "ße",
    "ö",
    "ção",
    "ñ",
    "слово",
    "дом",
    "ний",
    "ста",
    "при",
    "the",
    "for",
    "code",
    "x",
    "가",
    "나라",
    "文",
    "件",
    "ひ",
    "カタ",
    "مر",
    "ما",
    "n",
];

const MARKS: [&str; 12] = [
    "e\u{301}",
    "o\u{323}\u{302}",
    "क्षि",
    "ഇന്ത്യ",
    "\u{1112}\u{1161}\u{11AB}",
    "👩\u{200D}👩\u{200D}👧",
    "🇩🇪",
    "ﷺ",
    "ﬃ",
    "Ａ",
    "a\u{AD}",
    "n",
];

/// About `bytes` of running text with sentences, commas, apostrophes and numbers.
fn prose(seed: u64, bytes: usize, syllables: &[&str]) -> String {
    let mut random = Random(seed);
    let vocabulary = Vocabulary::new(&mut random, 20_000, syllables);
    let mut text = String::with_capacity(bytes + 64);
    while text.len() < bytes {
        let word = vocabulary.draw_word(&mut random);
        match random.below(60) {
            0..3 => text.extend([word, ". The "]),
            3..6 => text.extend([word, ", "]),
            6 => text.extend([word, "'s "]),
            7 => text.extend([&random.below(1000).to_string(), ".5 "]),
            8 => text.extend([word, "\n"]),
            _ => text.extend([word, " "]),
        }
    }
    text
}

pub fn english(bytes: usize) -> String {
    prose(1, bytes, &LATIN)
}

pub fn mixed(bytes: usize) -> String {
    prose(2, bytes, &MIXED)
}

/// Text around which no fast path goes: combining marks, conjoining letters, emoji, ligatures.
pub fn marks(bytes: usize) -> String {
    prose(5, bytes, &MARKS)
}

/// Running Han and kana with punctuation, no spaces.
pub fn cjk(bytes: usize) -> String {
    let mut random = Random(3);
    let mut text = String::with_capacity(bytes + 64);
    while text.len() < bytes {
        let (from, many) = match random.below(10) {
            0..5 => (0x4E00, 3000),
            5..9 => (0x3042, 80),
            _ => (0x30A2, 80),
        };
        let letter = char::from_u32(from + random.below(many) as u32);
        text.push(letter.unwrap_or('文'));
        if random.below(20) == 0 {
            text.push(['。', '、', '「', '」'][random.below(4)]);
        }
    }
    text
}

/// Documents of about `words` words (log-normal), of which `copies` in a hundred are earlier ones with
/// up to one word in twenty changed.
pub fn collection(documents: usize, words: f64, copies: usize) -> Vec<String> {
    let settings = Settings {
        documents: documents as u64,
        words,
        copies: copies as f64 / 100.0,
        edits: (0..=20).map(|edits| f64::from(edits) / 400.0).collect(),
        ..Settings::default()
    };
    Collection::new(settings).texts()
}

/// The texts of a real collection, where it lies beside the project.
pub fn real(name: &str) -> Option<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/corpora")
        .join(name)
        .join("docs.jsonl.gz");
    let corpus = Corpus::read(&[path], &ReadOptions::new()).ok()?;
    let mut buffer = ReadBuffer::default();
    let text = |document: &TextDocument| match document.content(&mut buffer) {
        Ok(Content::Text(text)) => text.to_owned(),
        other => panic!("not text: {other:?}"),
    };
    Some(corpus.documents().iter().map(text).collect())
}
