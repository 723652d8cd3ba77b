//! What does a bound on memory cost? Compares a bounded job with the same job in memory, and checks whether the time
//! per megabyte stays the same for larger inputs.
//!
//! - `cargo bench --bench bounded`: a million documents of about 100 words.
//! - `cargo bench --bench bounded -- 4000000`: this many documents.
//!
//! Each run is a process of its own, so that each has its own peak of memory. Runs in memory and bounded runs
//! alternate, three times. Their clusters must be the same, byte for byte.

#[path = "scale/memory.rs"]
#[allow(dead_code)]
mod memory;
#[path = "support/mod.rs"]
mod support;
#[path = "scale/table.rs"]
mod table;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rayon::prelude::*;
use resemblance::corpus::{Job, Outputs, ReadOptions, Sinks, Sources};
use resemblance::watch::Progress;
use resemblance::{Deduper, Method};
use serde_json::{Value, json};
use support::synthetic::{Collection, Settings};
use table::{Ratio, row};

/// Bytes that a bounded job may hold.
const BOUND: u64 = 128 << 20;
/// Each is measured so often.
const TIMES: usize = 3;
const METHODS: [&str; 2] = ["lsh", "exact"];
/// How a process is told that it is the one to measure.
const CHILD: &str = "--child";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == CHILD) {
        println!("{}", measure(&arguments[at + 1..]));
        return;
    }
    // `cargo test --benches` runs this too: then a little is enough.
    let quick = !arguments.iter().any(|argument| argument == "--bench");
    let size = arguments.iter().find_map(|argument| argument.parse().ok());
    let documents = size.unwrap_or(if quick { 1_000 } else { 1_000_000 });
    let folder = tempfile::tempdir().expect("a temporary folder");
    println!(
        "Documents of about 100 words, {} threads, at most {} MiB; medians of {TIMES} runs.\n",
        rayon::current_num_threads(),
        BOUND >> 20,
    );
    beside(documents, folder.path());
    println!();
    growth(documents, folder.path());
}

/// In memory, and bounded.
fn beside(documents: u64, folder: &Path) {
    let file = folder.join("documents.jsonl");
    let megabytes = write(documents, &file);
    row(&[
        "method",
        "documents",
        "MB",
        "in memory",
        "peak, MiB",
        "bounded",
        "peak, MiB",
        "spilled, MB",
        "time, ratio",
    ]);
    for method in METHODS {
        let pairs = [(); TIMES].map(|()| pair(&file, method, folder));
        let of =
            |which: usize, name: &str| median(pairs.iter().map(|pair| number(&pair[which], name)));
        let ratio =
            |[free, bounded]: &[Value; 2]| number(bounded, "seconds") / number(free, "seconds");
        row(&[
            method,
            &documents.to_string(),
            &format!("{megabytes:.0}"),
            &format!("{:.2}", of(0, "seconds")),
            &format!("{:.0}", of(0, "peak")),
            &format!("{:.2}", of(1, "seconds")),
            &format!("{:.0}", of(1, "peak")),
            &format!("{:.0}", of(1, "spilled")),
            &format!("{:.2}", median(pairs.iter().map(ratio))),
        ]);
    }
}

/// One run of each, one right after the other.
fn pair(file: &Path, method: &str, folder: &Path) -> [Value; 2] {
    let (free, bounded) = (folder.join("free.tsv"), folder.join("bounded.tsv"));
    let told = [(0, &free), (BOUND, &bounded)].map(|(bound, to)| run(file, method, bound, to));
    let [free, bounded] = [free, bounded].map(|file| fs::read(file).expect("it was written"));
    assert!(free == bounded, "{method}: clusters are not the same");
    told
}

/// An eighth, a quarter, a half of the documents and all of them, under one bound.
fn growth(documents: u64, folder: &Path) {
    row(&[
        "method",
        "documents",
        "MB",
        "bounded",
        "ms/MB",
        "to first",
        "peak, MiB",
        "spilled, MB",
    ]);
    let mut firsts = METHODS.map(|_| Ratio::default());
    for part in [8, 4, 2, 1] {
        let (documents, file) = (documents / part, folder.join("documents.jsonl"));
        let megabytes = write(documents, &file);
        for (method, first) in METHODS.into_iter().zip(&mut firsts) {
            let runs = [(); TIMES].map(|()| run(&file, method, BOUND, &folder.join("bounded.tsv")));
            let of = |name: &str| median(runs.iter().map(|run| number(run, name)));
            let each = of("seconds") * 1e3 / megabytes;
            row(&[
                method,
                &documents.to_string(),
                &format!("{megabytes:.0}"),
                &format!("{:.2}", of("seconds")),
                &format!("{each:.2}"),
                &first.of(each),
                &format!("{:.0}", of("peak")),
                &format!("{:.0}", of("spilled")),
            ]);
        }
    }
}

/// Writes documents to a file of JSON lines, and tells its megabytes.
fn write(documents: u64, file: &Path) -> f64 {
    const CHUNK: u64 = 1 << 12;
    let collection = Collection::new(Settings {
        documents,
        words: 73.0,
        ..Settings::default()
    });
    let mut to = File::create(file).expect("a temporary file");
    let firsts: Vec<u64> = (0..documents).step_by(CHUNK as usize).collect();
    for some in firsts.chunks(64) {
        let lines = |&first: &u64| lines(&collection, first..documents.min(first + CHUNK));
        let lines: Vec<String> = some.par_iter().map(lines).collect();
        to.write_all(lines.concat().as_bytes()).expect("room");
    }
    file.metadata().expect("just written").len() as f64 / 1e6
}

fn lines(collection: &Collection, documents: std::ops::Range<u64>) -> String {
    let (mut lines, mut text) = (String::new(), String::new());
    for document in documents {
        text.clear();
        collection.push_text(document, &mut text);
        let line = json!({ "id": document, "text": text });
        writeln!(lines, "{line}").expect("memory");
    }
    lines
}

/// A job in a process of its own; without a bound where that is 0.
fn run(file: &Path, method: &str, bound: u64, clusters: &Path) -> Value {
    let output = Command::new(std::env::current_exe().expect("it is running"))
        .args([CHILD, method, &bound.to_string()])
        .args([file, clusters])
        .stderr(Stdio::inherit())
        .output()
        .expect("this program runs");
    assert!(output.status.success(), "{method}: {}", output.status);
    serde_json::from_slice(&output.stdout).expect("what `measure` tells")
}

/// The job, in this process: seconds, and in MiB the peak of memory, in MB what was spilled.
fn measure(arguments: &[String]) -> Value {
    let [method, bound, file, clusters] = arguments else {
        panic!("{CHILD} is for this program itself");
    };
    let method = match method.as_str() {
        "exact" => Method::Exact,
        _ => Method::Lsh,
    };
    let deduper = Deduper::builder().method(method).build().expect("settings");
    let job = Job::new(&deduper, ReadOptions::new());
    let job = match bound.parse().expect("bytes") {
        0 => job,
        bound => job.memory(bound),
    };
    let spilled = AtomicU64::new(0);
    let watch = |progress: Progress| {
        spilled.fetch_max(progress.spilled, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    let start = Instant::now();
    let sources = Sources::find(&[file]).expect("the file");
    let mut outputs = Outputs::new(&sources);
    let sinks = Sinks::new().clusters(outputs.stage_table(clusters).expect("room"));
    let decided = job.run(sources, &sinks, Some(&watch)).expect("good lines");
    outputs.commit().expect("room");
    decided.finish().expect("a folder of its own");
    json!({
        "seconds": start.elapsed().as_secs_f64(),
        "peak": memory::peak().map_or(f64::NAN, |peak| peak as f64 / f64::from(1 << 20)),
        "spilled": spilled.into_inner() as f64 / 1e6,
    })
}

fn number(of: &Value, name: &str) -> f64 {
    of[name].as_f64().unwrap_or(f64::NAN)
}

fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = of.collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
