//! This crate.

use std::hint::black_box;
use std::path::Path;

use anyhow::Result;
use rayon::prelude::*;
use resemblance::corpus::{Corpus, ReadOptions};
use resemblance::sketch::{Scheme, SketchKind, Sketcher};
use resemblance::text::{Scratch, Shingler};
use resemblance::{Deduper, Method, Normalization, Shingle};

use super::{HASHES, Pairs};
use crate::Task;
use crate::measure::{Answer, best_of, resident};

/// The shingler of the defaults: word 5-grams, for us and for rivals that take our shingles.
pub(super) fn shingler() -> Shingler {
    Shingler::new(Shingle::Words(5), Normalization::NFKC_CASEFOLD, 0)
        .unwrap_or_else(|error| unreachable!("valid: {error}"))
}

pub(super) fn read(path: &Path, repeats: usize) -> Result<Answer> {
    let before = resident();
    let (seconds, corpus) = best_of(repeats, || Corpus::read(&[path], &ReadOptions::new()));
    Ok(Answer {
        seconds,
        bytes: path.metadata()?.len(),
        documents: corpus?.documents().len(),
        before,
        ..Answer::default()
    })
}

pub(super) fn shingle(texts: &[String]) -> usize {
    let shingler = shingler();
    texts
        .par_iter()
        .map_init(
            || (Scratch::default(), Vec::new()),
            |(scratch, hashes), text| {
                shingler.text_into(text, scratch, hashes);
                black_box(&*hashes).len()
            },
        )
        .sum()
}

pub(super) fn signatures(texts: &[String]) -> usize {
    deduper(Method::Lsh).signatures(texts).len()
}

pub(super) fn pairs(texts: &[String], method: Method) -> Pairs {
    let pairs = deduper(method).pairs(texts);
    pairs.iter().map(|pair| (pair.a, pair.b)).collect()
}

/// Documents removed.
pub(super) fn clusters(texts: &[String], method: Method) -> usize {
    deduper(method).clusters(texts).removed().len()
}

/// A deduper of the defaults, with the normalization of the true pairs.
fn deduper(method: Method) -> Deduper {
    let builder = Deduper::builder().normalization(Normalization::NFKC_CASEFOLD);
    let deduper = builder.method(method).build();
    deduper.unwrap_or_else(|error| unreachable!("valid: {error}"))
}

pub(super) fn sketch(task: &Task, sets: &[Vec<u64>]) -> Result<f64> {
    let kind = match task.contender.as_str() {
        "resemblance" => SketchKind::FastSimilarity,
        _ => SketchKind::Classic,
    };
    let (shingle, normalization) = (Shingle::Words(5), Normalization::NFKC_CASEFOLD);
    let sketcher = Sketcher::new(Scheme::new(kind, HASHES, shingle, normalization, 0)?);
    let mut slots = vec![0; HASHES];
    let work = || {
        for set in sets {
            sketcher.sketch_into(set, &mut slots);
            black_box(&slots);
        }
    };
    Ok(best_of(task.repeats, work).0)
}
