//! txtfp: its default canonicalizer (NFKC, case folding), word 5-grams by UAX #29, its default hash.
//!
//! It sketches one text a call; the loop over texts is run by rayon, as is its index's `extend_par`.

use std::borrow::Cow;
use std::hint::black_box;

use rayon::prelude::*;
use resemblance::Deduper;
use txtfp::tokenize::TokenStream;
use txtfp::{
    Canonicalizer, CanonicalizerBuilder, Fingerprinter, LshIndex, MinHashFingerprinter, MinHashSig,
    ShingleTokenizer, Tokenizer, WordTokenizer,
};

use super::{HASHES, Pairs, THRESHOLD};
use crate::Task;
use crate::measure::best_of;

/// Its signatures must have as many slots as the bands of its index: 21 x 6.
const BANDED: usize = 126;

const WORDS: ShingleTokenizer<WordTokenizer> = ShingleTokenizer {
    k: 5,
    inner: WordTokenizer,
};

pub(super) fn shingle(texts: &[String]) -> usize {
    let canonicalizer = Canonicalizer::default();
    texts
        .par_iter()
        .map_init(String::new, |canonical, text| {
            canonical.clear();
            canonicalizer.canonicalize_into(text, canonical);
            let mut shingles = 0;
            WORDS.for_each_token(canonical, &mut |shingle| {
                black_box(shingle);
                shingles += 1;
            });
            shingles
        })
        .sum()
}

/// None where a text has no word.
fn all<const K: usize>(texts: &[String]) -> Vec<Option<MinHashSig<K>>> {
    let fingerprinter = MinHashFingerprinter::<_, K>::new(Canonicalizer::default(), WORDS);
    texts
        .par_iter()
        .map(|text| fingerprinter.fingerprint(text).ok())
        .collect()
}

pub(super) fn signatures(texts: &[String]) -> usize {
    all::<HASHES>(texts).len()
}

pub(super) fn pairs(texts: &[String]) -> Pairs {
    let banding = Deduper::new().banding();
    let mut index = LshIndex::<BANDED>::with_bands_rows(banding.bands(), banding.rows())
        .unwrap_or_else(|error| panic!("{error}"));
    let signatures: Vec<(u64, MinHashSig<BANDED>)> = (0..)
        .zip(all::<BANDED>(texts))
        .filter_map(|(id, signature)| Some((id, signature?)))
        .collect();
    index.extend_par(signatures.iter().copied());
    signatures
        .par_iter()
        .flat_map_iter(|&(a, signature)| {
            let found = index.query_with_threshold(&signature, THRESHOLD as f32);
            let after = found.into_iter().filter(move |&b| a < b);
            after.map(move |b| (a as usize, b as usize))
        })
        .collect()
}

/// Ready shingles: it has no call for them, but takes tokenizers of others. This one cuts a text into
/// tokens of sixteen letters.
struct Ready;

const LETTERS: usize = 16;

impl Tokenizer for Ready {
    fn tokens<'a>(&'a self, input: &'a str) -> TokenStream<'a> {
        let starts = (0..input.len()).step_by(LETTERS);
        TokenStream::Borrowed(Box::new(starts.map(|at| &input[at..at + LETTERS])))
    }

    fn name(&self) -> Cow<'static, str> {
        "ready".into()
    }

    fn for_each_token(&self, input: &str, f: &mut dyn FnMut(&str)) {
        for at in (0..input.len()).step_by(LETTERS) {
            f(&input[at..at + LETTERS]);
        }
    }
}

pub(super) fn sketch(task: &Task, sets: &[Vec<u64>]) -> f64 {
    let letters = |hash: &u64| format!("{hash:0LETTERS$x}").into_bytes();
    let text = |set: &Vec<u64>| {
        let letters = set.iter().flat_map(letters).collect();
        String::from_utf8(letters).unwrap_or_else(|error| unreachable!("digits: {error}"))
    };
    let texts: Vec<String> = sets.iter().map(text).collect();
    let bare = CanonicalizerBuilder::default().build();
    let fingerprinter = MinHashFingerprinter::<_, HASHES>::new(bare, Ready);
    let work = || {
        for text in &texts {
            drop(black_box(fingerprinter.fingerprint(text)));
        }
    };
    best_of(task.repeats, work).0
}
