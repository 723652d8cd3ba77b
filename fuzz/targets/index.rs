//! Saved indexes of which bytes were changed and all checksums mended: wrong answers or errors, and no panic.
#![no_main]

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use resemblance::corpus::{Job, Outputs, ReadOptions, Sinks, Sources};
use resemblance::{Deduper, Index, Method, Shingle};
use resemblance_fuzz::{dir, file, files_of};
use xxhash_rust::xxh3::xxh3_128;

#[derive(Arbitrary, Debug)]
struct Case {
    is_exact: bool,
    is_bounded: bool,
    changes: Vec<Change>,
}

#[derive(Arbitrary, Debug)]
enum Change {
    /// Bytes of a section.
    Section { section: u8, at: u16, bytes: Vec<u8> },
    /// A number of the header.
    Header { at: u16, digits: u16 },
}

fn deduper(method: Method) -> Deduper {
    let builder = Deduper::builder().method(method).hashes(16).recall(0.5);
    builder.shingle(Shingle::Words(2)).build().unwrap()
}

/// An index of each method, of a few texts.
fn indexes() -> &'static [Deduper; 2] {
    static INDEXES: OnceLock<[Deduper; 2]> = OnceLock::new();
    INDEXES.get_or_init(|| {
        let lines: Vec<String> = (0..12)
            .map(|i| format!("{{\"id\": \"d{i}\", \"text\": \"some words of {} and of {}\"}}\n", i % 5, i % 3))
            .collect();
        let old = file("old.jsonl", lines.concat());
        file("new.jsonl", lines.concat().replace("\"d", "\"e"));
        [Method::Lsh, Method::Exact].map(|method| {
            let deduper = deduper(method);
            let sources = Sources::find(&[&old]).unwrap();
            let mut outputs = Outputs::new(&sources);
            let sinks = Sinks::new().index(outputs.stage_index(dir().join(method.to_string())).unwrap());
            let job = Job::new(&deduper, ReadOptions::new());
            let decided = job.run(sources, &sinks, None).unwrap();
            outputs.commit().unwrap();
            decided.finish().unwrap();
            deduper
        })
    })
}

fn change(header: &str, sections: &mut [(String, Vec<u8>)], changes: &[Change]) -> String {
    let mut header = header.to_owned();
    for change in changes {
        match change {
            Change::Section { section, at, bytes } => {
                let many = sections.len();
                let (_, content) = &mut sections[usize::from(*section) % many];
                let at = usize::from(*at) % content.len().max(1);
                for (old, new) in content.iter_mut().skip(at).zip(bytes) {
                    *old = *new;
                }
            }
            Change::Header { at, digits } => {
                let numbers: Vec<usize> = header
                    .match_indices(|c: char| c.is_ascii_digit())
                    .map(|(at, _)| at)
                    .collect();
                let at = numbers[usize::from(*at) % numbers.len()];
                header.replace_range(at..=at, &digits.to_string());
            }
        }
    }
    header
}

fn write(to: &Path, mut header: String, sections: &[(String, Vec<u8>)]) {
    let mut value: serde_json::Value = match serde_json::from_str(&(header.clone() + "}")) {
        Ok(value) => value,
        Err(_) => return,
    };
    if let Some(entries) = value["sections"].as_array_mut() {
        for entry in entries {
            let name = entry["name"].as_str().unwrap_or_default().to_owned() + ".bin";
            if let Some((_, bytes)) = sections.iter().find(|(of, _)| *of == name) {
                entry["xxh3_128"] = format!("{:032x}", xxh3_128(bytes)).into();
            }
        }
    }
    header = serde_json::to_string_pretty(&value).unwrap();
    let text = header.trim_end_matches('}').trim_end();
    let checksum = format!("{:032x}", xxh3_128(text.as_bytes()));
    let header = format!("{text},\n  \"checksum\": \"{checksum}\"\n}}\n");
    let folder = to.join(&checksum[..16]);
    fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in sections {
        fs::write(folder.join(name), bytes).unwrap();
    }
    fs::write(to.join("index.json"), header).unwrap();
}

fuzz_target!(|case: Case| {
    let deduper = &indexes()[usize::from(case.is_exact)];
    let from = dir().join(deduper.method().to_string());
    let header = fs::read_to_string(from.join("index.json")).unwrap();
    let (text, checksum) = header.split_once(",\n  \"checksum\": \"").unwrap();
    let mut sections = files_of(&from.join(&checksum[..16]));
    let to = dir().join("changed");
    let _ = fs::remove_dir_all(&to);
    write(&to, change(text, &mut sections, &case.changes), &sections);
    if case.changes.is_empty() {
        Index::<String>::open(&to).unwrap();
    }

    if let Ok(mut index) = Index::<String>::open(&to) {
        index.query("some words of 1 and of 2");
        let _ = index.insert("new".to_owned(), "some words of 7 and of 2");
        index.remove("d1");
    }
    let sources = Sources::find(&[dir().join("new.jsonl")]).unwrap();
    let mut job = Job::new(deduper, ReadOptions::new()).against(&to);
    if case.is_bounded {
        job = job.memory(64 << 20);
    }
    if let Ok(decided) = job.run(sources, &Sinks::new(), None) {
        let _ = decided.finish();
    }
});
