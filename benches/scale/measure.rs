//! One collection in memory: from texts to clusters, and the time of the unavoidable part alone.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use resemblance::internals::Buckets;
use resemblance::sketch::SignatureMatrix;
use resemblance::text::Scratch;
use resemblance::watch::Progress;
use resemblance::{Deduper, Run};
use serde_json::{Value, json};

use crate::memory;
use crate::support::synthetic::{Collection, Settings};

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) documents: u64,
    /// The median of their lengths in words.
    pub(crate) words: u64,
    pub(crate) threads: usize,
}

/// A measurement that takes longer is made once; others are repeated, and the best of three counts.
const PATIENCE: Duration = Duration::from_secs(4);

/// Measures in this process, which should have done nothing else: its peak of memory is told.
pub(crate) fn measure(case: Case) -> Value {
    let arena = Arena::new(case);
    let documents = arena.documents();
    let threads = rayon::ThreadPoolBuilder::new().num_threads(case.threads);
    let pool = threads.build().expect("threads can be started");
    pool.install(|| {
        let deduper = Deduper::new();
        let watched = watched(&deduper, &documents);
        json!({
            "bytes": arena.text.len(),
            "whole": best(|| { black_box(deduper.clusters(&documents)); }),
            "shingling": best(|| shingle(&deduper, &documents)),
            "pass": best(|| count_spaces(&arena.text)),
            "watched": watched,
        })
    })
}

/// Texts one after the other, so that one costs its bytes and a reference and nothing else.
struct Arena {
    text: String,
    ends: Vec<usize>,
}

impl Arena {
    fn new(case: Case) -> Self {
        let settings = Settings {
            documents: case.documents,
            words: case.words as f64,
            ..Settings::default()
        };
        let collection = Collection::new(settings);
        let (mut text, mut ends) = (String::new(), Vec::new());
        for document in 0..case.documents {
            collection.push_text(document, &mut text);
            ends.push(text.len());
        }
        Self { text, ends }
    }

    fn documents(&self) -> Vec<&str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        let places = starts.zip(&self.ends);
        places.map(|(&from, &to)| &self.text[from..to]).collect()
    }
}

/// Seconds, by the fastest run: a slower one was disturbed.
fn best(mut run: impl FnMut()) -> f64 {
    let started = Instant::now();
    let mut best = f64::INFINITY;
    for _ in 0..3 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
        if started.elapsed() > PATIENCE {
            break;
        }
    }
    best
}

/// Splitting, hashing and shingling alone: what a signature cannot be cheaper than.
fn shingle(deduper: &Deduper, documents: &[&str]) {
    let shingler = deduper.sketcher().shingler();
    documents.par_iter().for_each_init(
        || (Scratch::default(), Vec::new()),
        |(scratch, hashes), text| {
            shingler.text_into(text, scratch, hashes);
            black_box(hashes.as_slice());
        },
    );
}

/// A pass over the bytes that does next to nothing with them.
fn count_spaces(text: &str) {
    let parts = text.as_bytes().par_chunks(1 << 16);
    black_box(
        parts
            .map(|part| memchr::memchr_iter(b' ', part).count())
            .sum::<usize>(),
    );
}

/// One run, with the seconds from its start to the end of each stage, and bytes beyond those that were
/// resident before it: the peak up to there, and what the batch holds. Bytes are 0 where the system does
/// not tell.
fn watched(deduper: &Deduper, documents: &[&str]) -> Value {
    memory::forget_peak();
    let before = memory::resident();
    let beyond = |bytes: Option<u64>| bytes.unwrap_or(0).saturating_sub(before.unwrap_or(0));
    let stages = Mutex::new(Vec::new());
    let start = Instant::now();
    let watch = |progress: Progress| {
        if progress.done == progress.total {
            let seconds = start.elapsed().as_secs_f64();
            let stage = (progress.stage.to_string(), seconds, beyond(memory::peak()));
            stages.lock().expect("nobody panics").push(stage);
        }
        ControlFlow::Continue(())
    };
    let run = Run::new().watch(&watch);
    let batch = deduper.batch(documents, &run).expect("text");
    let held = beyond(memory::resident());
    let clusters = batch.clusters().expect("nobody cancels");
    let peak = memory::peak();
    let stages = stages.lock().expect("nobody panics");
    json!({
        "signatures": batch.signatures().map_or(0, SignatureMatrix::memory_usage),
        "buckets": batch.buckets().map_or(0, Buckets::memory_usage),
        "held": held,
        "stages": *stages,
        "peak": beyond(peak),
        "resident": peak,
        "removed": clusters.removed().len(),
    })
}
