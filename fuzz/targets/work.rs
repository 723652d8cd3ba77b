//! Work folders of which files and manifest were changed and all checksums mended: results or errors, and no panic.
#![no_main]

use std::fs;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use resemblance::corpus::{Job, ReadOptions, Sinks, Sources};
use resemblance::watch::{Progress, Stage, Watch};
use resemblance::{Deduper, Method};
use resemblance_fuzz::{dir, file};
use xxhash_rust::xxh3::xxh3_128;

#[derive(Arbitrary, Debug)]
struct Case {
    /// How far the work was.
    state: u8,
    changes: Vec<Change>,
}

#[derive(Arbitrary, Debug)]
enum Change {
    File { file: u8, at: u16, bytes: Vec<u8> },
    Manifest { at: u16, digits: u16 },
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

type Files = Vec<(String, Vec<u8>)>;

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
            let mut files: Files = fs::read_dir(&work)
                .unwrap()
                .map(|entry| entry.unwrap())
                .map(|entry| {
                    let name = entry.file_name().into_string().unwrap();
                    (name, fs::read(entry.path()).unwrap())
                })
                .collect();
            files.sort();
            files
        });
        states.collect()
    })
}

fuzz_target!(|case: Case| {
    let state = usize::from(case.state) % STATES.len();
    let mut files = states()[state].clone();
    let Some(at) = files.iter().position(|(name, _)| name == "manifest") else {
        return; // stopped before anything was entered
    };
    let (_, manifest) = files.remove(at);
    let text = String::from_utf8(manifest).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let (first, mut rest) = (first.to_owned(), rest.to_owned());
    for change in &case.changes {
        match change {
            Change::File { file, at, bytes } if !files.is_empty() => {
                let many = files.len();
                let (_, content) = &mut files[usize::from(*file) % many];
                let before = format!("{:032x}", xxh3_128(content));
                let at = usize::from(*at) % content.len().max(1);
                for (old, new) in content.iter_mut().skip(at).zip(bytes) {
                    *old = *new;
                }
                rest = rest.replace(&before, &format!("{:032x}", xxh3_128(content)));
            }
            Change::File { .. } => {}
            Change::Manifest { at, digits } => {
                let numbers: Vec<usize> = rest
                    .match_indices(|c: char| c.is_ascii_digit())
                    .map(|(at, _)| at)
                    .collect();
                if let Some(&at) = numbers.get(usize::from(*at) % numbers.len().max(1)) {
                    rest.replace_range(at..=at, &digits.to_string());
                }
            }
        }
    }
    let before = first.rsplit_once(' ').unwrap().0;
    let checksum = format!("{:032x}", xxh3_128(rest.as_bytes()));
    let work = dir().join("work");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir(&work).unwrap();
    for (name, bytes) in &files {
        fs::write(work.join(name), bytes).unwrap();
    }
    fs::write(work.join("manifest"), format!("{before} {checksum}\n{rest}")).unwrap();

    let deduper = deduper(STATES[state].0);
    let job = Job::new(&deduper, ReadOptions::new()).work(&work).memory(64 << 20);
    let sources = Sources::find(&[dir().join("in.jsonl")]).unwrap();
    let done = job.run(sources, &Sinks::new(), None).and_then(|decided| decided.finish());
    assert!(done.is_ok() || !case.changes.is_empty(), "{done:?}");
});
