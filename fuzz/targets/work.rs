//! Work folders of which files or the manifest were damaged: the right result or an error, and no panic.
#![no_main]

use std::fs;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use resemblance::corpus::{Job, ReadOptions, Sinks, Sources};
use resemblance::watch::{Progress, Stage, Watch};
use resemblance::{Deduper, Method};
use resemblance_fuzz::{Files, dir, file, files_of};

#[derive(Arbitrary, Debug)]
struct Case {
    /// How far the work was.
    state: u8,
    changes: Vec<Change>,
}

#[derive(Arbitrary, Debug)]
struct Change {
    file: u8,
    at: u16,
    bytes: Vec<u8>,
    is_cut: bool,
}

/// Stops the work when a stage begins.
struct Until(Stage);

impl Watch for Until {
    fn progress(&self, progress: Progress) -> ControlFlow<()> {
        match progress.stage == self.0 {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

const STATES: [(Method, Stage); 6] = [
    (Method::Lsh, Stage::Candidates),
    (Method::Lsh, Stage::Verify),
    (Method::Lsh, Stage::Measure),
    (Method::Exact, Stage::Filter),
    (Method::Exact, Stage::Verify),
    (Method::Exact, Stage::Measure),
];

fn deduper(method: Method) -> Deduper {
    Deduper::builder().method(method).build().unwrap()
}

/// The files of work that was stopped in each state.
fn states() -> &'static [Files] {
    static STATES_FOUND: OnceLock<Vec<Files>> = OnceLock::new();
    STATES_FOUND.get_or_init(|| {
        let lines: Vec<String> = (0..40)
            .map(|i| {
                let words: Vec<String> = (0..12).map(|j| format!("w{}", (i % 7) * j + i / 20 * (j / 11))).collect();
                format!("{{\"id\": \"d{i}\", \"text\": \"{}\"}}\n", words.join(" "))
            })
            .collect();
        file("in.jsonl", lines.concat());
        let states = STATES.iter().map(|&(method, stage)| {
            let work = dir().join("work");
            let _ = fs::remove_dir_all(&work);
            let deduper = deduper(method);
            let job = Job::new(&deduper, ReadOptions::new()).work(&work).memory(64 << 20);
            let sources = Sources::find(&[dir().join("in.jsonl")]).unwrap();
            if let Ok(decided) = job.run(sources, &Sinks::new(), Some(&Until(stage))) {
                drop(decided);
            }
            files_of(&work)
        });
        states.collect()
    })
}

/// Documents that are kept.
fn kept() -> usize {
    static KEPT: OnceLock<usize> = OnceLock::new();
    *KEPT.get_or_init(|| {
        let deduper = deduper(Method::Exact);
        let sources = Sources::find(&[dir().join("in.jsonl")]).unwrap();
        let decided = Job::new(&deduper, ReadOptions::new()).run(sources, &Sinks::new(), None);
        decided.unwrap().counts().kept
    })
}

fuzz_target!(|case: Case| {
    let state = usize::from(case.state) % STATES.len();
    let mut files = states()[state].clone();
    let many = files.len();
    for change in &case.changes {
        let (_, content) = &mut files[usize::from(change.file) % many];
        let at = usize::from(change.at) % content.len().max(1);
        for (old, new) in content.iter_mut().skip(at).zip(&change.bytes) {
            *old = *new;
        }
        if change.is_cut {
            content.truncate(at);
        }
    }
    let work = dir().join("work");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir(&work).unwrap();
    for (name, bytes) in &files {
        fs::write(work.join(name), bytes).unwrap();
    }
    let deduper = deduper(STATES[state].0);
    let job = Job::new(&deduper, ReadOptions::new()).work(&work).memory(64 << 20);
    let sources = Sources::find(&[dir().join("in.jsonl")]).unwrap();
    match job.run(sources, &Sinks::new(), None) {
        Ok(decided) => {
            assert_eq!(decided.counts().kept, kept());
            decided.finish().unwrap();
        }
        Err(error) => assert!(files != states()[state], "{error}"),
    }
});
