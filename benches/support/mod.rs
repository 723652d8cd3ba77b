//! Texts to measure on: generated, the same in every run, and real ones where they are there.
#![allow(dead_code, unreachable_pub)] // each bench uses a part

use std::path::Path;

use resemblance::corpus::{Corpus, ReadOptions, TextDocument};
use resemblance::text::mix;

/// A generator of numbers, the same for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.share() * n as f64) as usize
    }

    /// Log-normal with this median: most near it, few ten times as long.
    pub fn length(&mut self, median: f64) -> usize {
        let (u, v) = (1.0 - self.share(), self.share());
        let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        (median * (0.8 * normal).exp()).max(1.0) as usize
    }
}

/// A vocabulary, drawn from by Zipf's law.
pub struct Vocabulary {
    words: Vec<String>,
    /// Running sums of 1/rank.
    sums: Vec<f64>,
}

impl Vocabulary {
    pub fn new(random: &mut Random, size: usize, syllables: &[&str]) -> Self {
        let words = (0..size)
            .map(|rank| {
                // Frequent words are short.
                let most = 1 + (rank + 2).ilog10() as usize;
                (0..=random.below(most))
                    .map(|_| syllables[random.below(syllables.len())])
                    .collect()
            })
            .collect();
        let sums = (1..=size)
            .scan(0.0, |sum, rank| {
                *sum += 1.0 / rank as f64;
                Some(*sum)
            })
            .collect();
        Self { words, sums }
    }

    pub fn draw(&self, random: &mut Random) -> &str {
        let x = random.share() * self.sums[self.sums.len() - 1];
        &self.words[self
            .sums
            .partition_point(|&sum| sum < x)
            .min(self.words.len() - 1)]
    }
}

const LATIN: [&str; 40] = [
    "a", "the", "in", "on", "er", "ing", "tion", "re", "con", "al", "is", "to", "ed", "com", "pro",
    "ment", "for", "ate", "ous", "ist", "un", "ver", "sta", "men", "ti", "lo", "ra", "ne", "mi",
    "so", "ter", "de", "pen", "cal", "ly", "ness", "wor", "king", "gra", "ph",
];
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

/// About `bytes` of running text with sentences, commas, apostrophes and numbers.
fn prose(seed: u64, bytes: usize, syllables: &[&str]) -> String {
    let mut random = Random(seed);
    let vocabulary = Vocabulary::new(&mut random, 20_000, syllables);
    let mut text = String::with_capacity(bytes + 64);
    while text.len() < bytes {
        let word = vocabulary.draw(&mut random);
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
    let mut random = Random(4);
    let vocabulary = Vocabulary::new(&mut random, 200_000, &LATIN);
    let mut texts: Vec<String> = Vec::with_capacity(documents);
    for i in 0..documents {
        if i > 0 && random.below(100) < copies {
            let earlier = texts[random.below(i)].clone();
            let edits = random.below(21);
            let changed: Vec<&str> = earlier
                .split(' ')
                .map(|word| match random.below(400) < edits {
                    true => vocabulary.draw(&mut random),
                    false => word,
                })
                .collect();
            texts.push(changed.join(" "));
        } else {
            let length = random.length(words);
            let words: Vec<&str> = (0..length).map(|_| vocabulary.draw(&mut random)).collect();
            texts.push(words.join(" "));
        }
    }
    texts
}

/// The texts of a real collection, where it lies beside the project.
pub fn real(name: &str) -> Option<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/corpora")
        .join(name)
        .join("docs.jsonl.gz");
    let corpus = Corpus::read(&[path], &ReadOptions::new()).ok()?;
    let text = |document: &TextDocument| match document {
        TextDocument::Text(text) => text.clone(),
        other => panic!("not text: {other:?}"),
    };
    Some(corpus.documents().iter().map(text).collect())
}
