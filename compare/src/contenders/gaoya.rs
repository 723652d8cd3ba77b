//! gaoya: `MinHasher32` (the faster of its two, see the stage `sketch`) and `MinHashIndex` with the
//! container that its documentation calls faster where nothing is removed.
//!
//! Its words, as in its examples: lower case, split at ASCII white space and punctuation. It has no
//! shingles of words, but hashes whatever can be: windows of five words. Or it is given our shingles.

use std::collections::HashSet;
use std::hint::black_box;

use gaoya::minhash::{MinHashIndex, MinHasher, MinHasher32, MinHasher64V1, VecContainer};
use gaoya::text::whitespace_split;
use rayon::prelude::*;
use resemblance::Deduper;
use resemblance::text::Scratch;

use super::{HASHES, Pairs, THRESHOLD, ours};
use crate::Task;
use crate::measure::best_of;

fn of_words(texts: &[String], hashes: usize) -> Vec<Vec<u32>> {
    let hasher = MinHasher32::new(hashes);
    texts
        .par_iter()
        .map(|text| {
            let text = text.to_lowercase();
            let words: Vec<&str> = whitespace_split(&text).collect();
            // A text of fewer words is one shingle.
            let n = words.len().clamp(1, 5);
            hasher.create_signature(words.windows(n))
        })
        .collect()
}

fn of_ours(texts: &[String], hashes: usize) -> Vec<Vec<u32>> {
    let (hasher, shingler) = (MinHasher32::new(hashes), ours::shingler());
    texts
        .par_iter()
        .map_init(
            || (Scratch::default(), Vec::new()),
            |(scratch, shingles), text| {
                shingler.text_into(text, scratch, shingles);
                hasher.create_signature(shingles.iter())
            },
        )
        .collect()
}

fn pairs(signatures: &Vec<Vec<u32>>) -> Pairs {
    let banding = Deduper::new().banding();
    let mut index = MinHashIndex::<u32, u32, VecContainer<u32>>::new_index(
        banding.bands(),
        banding.rows(),
        THRESHOLD,
    );
    index.par_bulk_insert((0..signatures.len() as u32).collect(), signatures.clone());
    let found: Vec<HashSet<u32>> = index.par_bulk_query(signatures);
    let after = |(a, others): (usize, HashSet<u32>)| {
        let others = others.into_iter().map(|b| b as usize);
        others.filter(move |&b| a < b).map(move |b| (a, b))
    };
    found.into_iter().enumerate().flat_map(after).collect()
}

/// The index wants signatures of just as many slots as its bands have.
fn banded() -> usize {
    Deduper::new().banding().slots()
}

pub(super) fn signatures_of_words(texts: &[String]) -> usize {
    of_words(texts, HASHES).len()
}

pub(super) fn signatures_of_ours(texts: &[String]) -> usize {
    of_ours(texts, HASHES).len()
}

pub(super) fn pairs_of_words(texts: &[String]) -> Pairs {
    pairs(&of_words(texts, banded()))
}

pub(super) fn pairs_of_ours(texts: &[String]) -> Pairs {
    pairs(&of_ours(texts, banded()))
}

pub(super) fn sketch(task: &Task, sets: &[Vec<u64>]) -> f64 {
    let all = |hasher: &dyn Fn(&[u64])| {
        best_of(task.repeats, || sets.iter().for_each(|set| hasher(set))).0
    };
    if task.contender == "gaoya-32" {
        let hasher = MinHasher32::new(HASHES);
        all(&|set| drop(black_box(hasher.create_signature(set.iter()))))
    } else {
        let hasher = MinHasher64V1::new(HASHES);
        all(&|set| drop(black_box(hasher.create_signature(set.iter()))))
    }
}
