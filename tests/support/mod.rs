//! Code that several test files share.
#![allow(dead_code, unreachable_pub)] // each of them uses a part

pub mod naive;
pub mod program;
pub mod templates;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use resemblance::text::{Form, mix};
use resemblance::{Banding, Deduper, DeduperBuilder, Normalization, Shingle};

/// A generator of numbers, the same for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        ((u128::from(mix(self.0)) * n as u128) >> 64) as usize
    }
}

/// A collection with everything that matters: originals, copies edited a little or more, exact copies,
/// chains of edits, short texts and empty ones.
pub fn collection(seed: u64, documents: usize) -> Vec<String> {
    let mut random = Random(seed);
    let mut texts: Vec<Vec<String>> = Vec::new();
    for _ in 0..documents {
        let words = if texts.is_empty() || random.below(3) == 0 {
            let length = [0, 1, 3, 4, 5, 8, 20, 60][random.below(8)];
            (0..length).map(|_| word(&mut random)).collect()
        } else {
            let mut words = texts[random.below(texts.len())].clone();
            for _ in 0..random.below(4) {
                if !words.is_empty() {
                    let place = random.below(words.len());
                    words[place] = word(&mut random);
                }
            }
            words
        };
        texts.push(words);
    }
    texts.into_iter().map(|words| words.join(" ")).collect()
}

fn word(random: &mut Random) -> String {
    format!("w{}", random.below(400))
}

/// A band for each slot: at these thresholds a pair is missed once in 10^12 and less, so that answers
/// can be compared with brute force for equality.
pub fn sure(threshold: f64) -> DeduperBuilder {
    Deduper::builder()
        .threshold(threshold)
        .banding(Banding::new(128, 1).unwrap())
        .shingle(Shingle::Words(3))
}

/// A folder beside the project that is not always there; a test that needs it skips, saying so.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(folder);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Every normalization of a form: each combination of switches.
pub fn switched(form: Form) -> impl Iterator<Item = Normalization> {
    let switches: [fn(Normalization, bool) -> Normalization; 6] = [
        Normalization::with_case_fold,
        Normalization::with_ignorable_dropped,
        Normalization::with_apostrophes_unified,
        Normalization::with_arabic_marks_dropped,
        Normalization::with_accents_dropped,
        Normalization::with_digits_unified,
    ];
    (0..64u8).map(move |on| {
        let plain = Normalization::NONE.with_form(form);
        let numbered = switches.iter().enumerate();
        numbered.fold(plain, |all, (bit, set)| set(all, on >> bit & 1 == 1))
    })
}

/// The Jaccard similarity by its definition: nothing sorted, nothing skipped.
pub fn naive_jaccard(left: &[u64], right: &[u64]) -> f64 {
    let left: HashSet<_> = left.iter().collect();
    let right: HashSet<_> = right.iter().collect();
    match left.union(&right).count() {
        0 => 0.0,
        union => left.intersection(&right).count() as f64 / union as f64,
    }
}
