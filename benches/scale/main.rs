//! Does the time per document stay the same from a hundred thousand documents to ten million? How much memory does a
//! document take, and how close is the total time to the lowest possible?
//!
//! - `cargo bench --bench scale`: a hundred thousand and a million documents of about 100 words, a million short
//!   documents, and a few hundred long ones.
//! - `cargo bench --bench scale -- --large`: also ten million documents, which need about 14 GiB.
//! - `cargo bench --bench scale -- --files`: the example `dedup` on files of the same sizes.
//!
//! Each measurement is a process of its own, so that each has its own peak of memory.

mod files;
mod measure;
mod memory;
#[allow(dead_code, unreachable_pub)] // the tests use the rest
#[path = "../../tests/support/program.rs"]
mod program;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::process::{Command, Stdio};

use measure::Case;
use serde_json::Value;
use table::{Ratio, row};

/// Medians of lengths in words. The mean is 1.38 times as long: of ordinary documents 100.
const ORDINARY: u64 = 73;
const SHORT: u64 = 20;
const LONG: u64 = 50_000;

/// How a process is told that it is the one to measure.
const CHILD: &str = "--child";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    if has(CHILD) {
        println!("{}", measure::measure(Case::told(&arguments)));
        return;
    }
    // `cargo test --benches` runs this too: then a little is enough.
    let quick = !has("--bench");
    let sizes: &[u64] = match (quick, has("--large")) {
        (true, _) => &[100, 1_000],
        (false, false) => &[100_000, 1_000_000],
        (false, true) => &[100_000, 1_000_000, 10_000_000],
    };
    if has("--files") {
        files::measure(sizes, ORDINARY);
        return;
    }
    let of = |words| move |&documents: &u64| (documents, words);
    let (short, long) = if quick { (1_000, 2) } else { (1_000_000, 300) };
    let groups = [
        sizes.iter().map(of(ORDINARY)).collect(),
        vec![(short, SHORT)],
        vec![(long, LONG)],
    ];
    let measured: Vec<(Case, Value)> = time(&groups);
    space(&measured);
}

/// Prints times and rates; the first line of a group with as many threads is what others are compared
/// with.
fn time(groups: &[Vec<(u64, u64)>]) -> Vec<(Case, Value)> {
    println!("Texts to clusters; rates in MB (10^6 bytes) of text a second.\n");
    row(&[
        "documents",
        "words",
        "threads",
        "seconds",
        "ns/document",
        "to first",
        "MB/s",
        "shingling",
        "of it",
        "byte pass",
        "of it",
    ]);
    let mut measured = Vec::new();
    for group in groups {
        let mut firsts = [Ratio::default(), Ratio::default()];
        for &(documents, words) in group {
            for (threads, first) in [1, 2].into_iter().zip(&mut firsts) {
                let case = Case {
                    documents,
                    words,
                    threads,
                };
                let found = case.in_child();
                time_row(case, &found, first);
                measured.push((case, found));
            }
        }
    }
    measured
}

fn time_row(case: Case, found: &Value, first: &mut Ratio) {
    let number = |name: &str| found[name].as_f64().unwrap_or(f64::NAN);
    let rate = |name: &str| number("bytes") / 1e6 / number(name);
    let share = |name: &str| format!("{:.2}", rate("whole") / rate(name));
    let each = number("whole") * 1e9 / case.documents as f64;
    row(&[
        &case.documents.to_string(),
        &case.words.to_string(),
        &case.threads.to_string(),
        &format!("{:.3}", number("whole")),
        &format!("{each:.0}"),
        &first.of(each),
        &format!("{:.0}", rate("whole")),
        &format!("{:.0}", rate("shingling")),
        &share("shingling"),
        &format!("{:.0}", rate("pass")),
        &share("pass"),
    ]);
}

/// Prints what a document takes of memory: its text, what the batch holds beside it and in what, and the
/// peak beyond the text; and the way through the stages.
fn space(measured: &[(Case, Value)]) {
    println!(
        "\nBytes a document; peaks are beyond the text. Of one run, by stages: time and peak.\n"
    );
    row(&[
        "documents",
        "words",
        "threads",
        "text",
        "signatures",
        "buckets",
        "other held",
        "peak",
        "process MiB",
    ]);
    for (case, found) in measured {
        space_row(*case, found);
        stage_rows(*case, found);
    }
}

fn space_row(case: Case, found: &Value) {
    let of = |name: &str| found["watched"][name].as_f64().unwrap_or(f64::NAN);
    let each = |bytes: f64| format!("{:.0}", bytes / case.documents as f64);
    row(&[
        &case.documents.to_string(),
        &case.words.to_string(),
        &case.threads.to_string(),
        &each(found["bytes"].as_f64().unwrap_or(f64::NAN)),
        &each(of("signatures")),
        &each(of("buckets")),
        &each(of("held") - of("signatures") - of("buckets")),
        &each(of("peak")),
        &format!("{:.0}", of("resident") / f64::from(1 << 20)),
    ]);
}

fn stage_rows(case: Case, found: &Value) {
    let each = |value: f64| value / case.documents as f64;
    let mut before = 0.0;
    for stage in found["watched"]["stages"].as_array().into_iter().flatten() {
        let number = |at: usize| stage[at].as_f64().unwrap_or(f64::NAN);
        let (name, seconds) = (stage[0].as_str().unwrap_or_default(), number(1));
        let (took, peak) = (each((seconds - before) * 1e9), each(number(2)));
        println!("{:12}{name:20} {took:8.0} ns {peak:8.0} bytes", "");
        before = seconds;
    }
}

impl Case {
    /// Measures in a process of its own.
    fn in_child(self) -> Value {
        let output = Command::new(std::env::current_exe().expect("it is running"))
            .arg(CHILD)
            .args([self.documents, self.words, self.threads as u64].map(|n| n.to_string()))
            .stderr(Stdio::inherit())
            .output()
            .expect("this program runs");
        assert!(output.status.success(), "{self:?}: {}", output.status);
        serde_json::from_slice(&output.stdout).expect("what `measure` tells")
    }

    /// The case that a child was started with.
    fn told(arguments: &[String]) -> Self {
        let numbers: Vec<u64> = arguments.iter().filter_map(|a| a.parse().ok()).collect();
        let [documents, words, threads] = numbers[..] else {
            panic!("{CHILD} is for this program itself");
        };
        Self {
            documents,
            words,
            threads: threads as usize,
        }
    }
}
