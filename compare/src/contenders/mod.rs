//! The contenders that are crates: each by its own fastest way from texts to what is timed.

mod gaoya;
mod ours;
mod probminhash;
mod txtfp;
mod words;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use resemblance::Method;
use resemblance::text::mix;

use crate::documents::Documents;
use crate::measure::{Answer, best_of, resident};
use crate::{Stage, Task};

/// Slots of a signature, for everybody.
pub(crate) const HASHES: usize = 128;
/// Least Jaccard similarity of a pair.
pub(crate) const THRESHOLD: f64 = 0.8;

/// Pairs of documents by number.
type Pairs = Vec<(usize, usize)>;

/// Does one stage of one contender, and prints the answer.
pub(crate) fn run(task: &Task) -> Result<()> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(task.threads)
        .build_global()?;
    let answer = match task.stage {
        Stage::Read => ours::read(documents_of(task)?, task.repeats)?,
        Stage::Sketch => Answer {
            nanoseconds: sketch(task)?,
            ..Answer::default()
        },
        _ => on_texts(task)?,
    };
    println!("{}", serde_json::to_string(&answer)?);
    Ok(())
}

fn documents_of(task: &Task) -> Result<&PathBuf> {
    task.documents.as_ref().context("--documents is needed")
}

fn on_texts(task: &Task) -> Result<Answer> {
    let documents = Documents::read(documents_of(task)?, task.limit)?;
    let before = resident();
    let texts = &documents.texts;
    let mut pairs: Option<Pairs> = None;
    let mut count = None;
    let seconds = {
        let time = |work: &dyn Fn() -> usize| best_of(task.repeats, work).0;
        let mut found = |work: &dyn Fn() -> Pairs| {
            let (seconds, made) = best_of(task.repeats, work);
            pairs = Some(made);
            seconds
        };
        match (task.contender.as_str(), task.stage) {
            ("resemblance", Stage::Shingle) => time(&|| ours::shingle(texts)),
            ("resemblance", Stage::Signature) => time(&|| ours::signatures(texts)),
            ("resemblance", Stage::Pairs) => found(&|| ours::pairs(texts, Method::Lsh)),
            ("resemblance-exact", Stage::Pairs) => found(&|| ours::pairs(texts, Method::Exact)),
            ("resemblance" | "resemblance-exact", Stage::Clusters) => {
                let method = match task.contender.as_str() {
                    "resemblance" => Method::Lsh,
                    _ => Method::Exact,
                };
                let (seconds, removed) = best_of(task.repeats, || ours::clusters(texts, method));
                count = Some(removed);
                seconds
            }
            ("unicode-words", Stage::Shingle) => time(&|| words::count(texts)),
            ("txtfp", Stage::Shingle) => time(&|| txtfp::shingle(texts)),
            ("txtfp", Stage::Signature) => time(&|| txtfp::signatures(texts)),
            ("txtfp", Stage::Pairs) => found(&|| txtfp::pairs(texts)),
            ("gaoya", Stage::Signature) => time(&|| gaoya::signatures_of_words(texts)),
            ("gaoya", Stage::Pairs) => found(&|| gaoya::pairs_of_words(texts)),
            ("gaoya-shared", Stage::Signature) => time(&|| gaoya::signatures_of_ours(texts)),
            ("gaoya-shared", Stage::Pairs) => found(&|| gaoya::pairs_of_ours(texts)),
            ("probminhash", Stage::Signature) => time(&|| probminhash::signatures(texts)),
            (contender, stage) => bail!("{contender} has no stage {stage:?}"),
        }
    };
    if let (Some(path), Some(pairs)) = (&task.pairs, &pairs) {
        let mut out = BufWriter::new(File::create(path)?);
        for &(a, b) in pairs {
            writeln!(out, "{}\t{}", documents.ids[a], documents.ids[b])?;
        }
        out.flush()?;
    }
    Ok(Answer {
        seconds,
        bytes: documents.bytes,
        documents: texts.len(),
        before,
        pairs: pairs.map(|pairs| pairs.len()).or(count),
        nanoseconds: Vec::new(),
    })
}

/// For each number of shingles, the nanoseconds a shingle.
fn sketch(task: &Task) -> Result<Vec<(usize, f64)>> {
    let measure = |&size: &usize| {
        // Many documents, so that no branch is learnt by heart.
        let documents = (task.total / size).max(1);
        let sets: Vec<Vec<u64>> = (0..documents as u64)
            .map(|document| (0..size as u64).map(|i| mix(document << 32 | i)).collect())
            .collect();
        let seconds = match task.contender.as_str() {
            "resemblance" | "resemblance-classic" => ours::sketch(task, &sets)?,
            "gaoya-32" | "gaoya-64" => gaoya::sketch(task, &sets),
            "txtfp" => txtfp::sketch(task, &sets),
            _ => probminhash::sketch(task, &sets)?,
        };
        Ok((size, seconds * 1e9 / (documents * size) as f64))
    };
    task.sizes.iter().map(measure).collect()
}
