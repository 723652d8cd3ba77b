//! The example `dedup` in bounded memory, with records that are too long for it.

use std::io::Write;
#[cfg(target_os = "linux")]
use std::process::Command;

use crate::rows::{Table, text};
use crate::support::program::{Place, four, line};
use resemblance::Deduper;
use resemblance::corpus::{Decided, Error, Job, OnBad, ReadOptions, Sinks, Sources};

const BOUND: &str = "--memory 64MiB";
const SKIP: &str = "--memory 64MiB --on-bad skip --rejects x.jsonl";
const OUTPUTS: &str =
    "--threshold 0.7 --pairs p.tsv --clusters c.tsv --kept k.jsonl --removed r.jsonl --format json";

/// A text of about so many bytes.
fn long(bytes: usize) -> String {
    "so many words ".repeat(bytes / 14)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// The four records with these lines between them, one before each and one at the end.
fn around(lines: [&str; 5]) -> String {
    let four = four();
    let mut four = four.split_inclusive('\n');
    lines
        .iter()
        .flat_map(|line| [*line, four.next().unwrap_or_default()])
        .collect()
}

/// What a run writes.
fn written(place: &Place, args: &str) -> Vec<String> {
    let ran = place.run(args);
    assert_eq!(ran.code, 0, "{args}: {}", ran.err);
    let files = ["p.tsv", "c.tsv", "k.jsonl", "r.jsonl"].map(|name| place.read(name));
    [vec![ran.out], files.to_vec()].concat()
}

/// The lines of rejected records, from the list of them.
fn rejected(place: &Place) -> Vec<u64> {
    let rejects = place.read("x.jsonl");
    let rejects = rejects.lines().map(|line| {
        let rejection: serde_json::Value = serde_json::from_str(line).unwrap();
        let record = rejection["record"].as_str().unwrap();
        assert!(record.len() < 300 && record.ends_with('…'), "{record}");
        let reason = rejection["reason"].as_str().unwrap();
        assert!(
            reason.contains("MiB for one record: raise it to "),
            "{reason}"
        );
        rejection["line"].as_u64().unwrap()
    });
    rejects.collect()
}

#[test]
fn long_lines_are_refused_or_skipped_wherever_they_are() {
    let place = Place::new();
    // One that is cut while it is read, and one that is read whole and has too much text.
    let (cut, whole) = (
        line("cut", &long(4_000_000)),
        line("whole", &long(2_000_000)),
    );
    let last = cut.trim_end();
    for (lines, numbers) in [
        ([&*cut, "", "", "", ""], vec![1]),
        (["", "", &cut, "", ""], vec![3]),
        (["", "", "", "", last], vec![5]),
        (["", &whole, &cut, &cut, &whole], vec![2, 4, 6, 8]),
    ] {
        let lines = around(lines);
        for (name, bytes) in [
            ("in.jsonl", lines.clone().into_bytes()),
            ("in.jsonl.gz", gzip(lines.as_bytes())),
            ("in.jsonl.zst", zstd(lines.as_bytes())),
        ] {
            // Ids are in the records: the others come to what they come to without the long ones.
            place.write(name, four());
            if name != "in.jsonl" {
                let compress = if name.ends_with("gz") { gzip } else { zstd };
                place.write(name, compress(four().as_bytes()));
            }
            let expected = written(&place, &format!("{name} {OUTPUTS}"));
            place.write(name, bytes);
            for threads in [1, 3] {
                let args = format!("{name} {OUTPUTS} {SKIP} --threads {threads}");
                let found = written(&place, &args);
                assert_eq!(found[1..], expected[1..], "{name} {numbers:?}");
                assert_eq!(rejected(&place), numbers, "{name}");
                let told: serde_json::Value = serde_json::from_str(&found[0]).unwrap();
                assert_eq!(told["documents"]["rejected"], numbers.len());
            }
            let told = format!("{name}:{}: this record has ", numbers[0]);
            place.fails(&format!("{name} {BOUND}"), &told);
            // Without a bound nothing is too long; two records have the ids of others.
            let unbounded = place.json(&format!("{name} --on-bad skip"));
            assert_eq!(
                unbounded["documents"]["rejected"],
                numbers.len().saturating_sub(2)
            );
        }
    }
    place.fails(
        &format!("in.jsonl {BOUND}"),
        "or skip such records with --on-bad skip",
    );
}

#[test]
fn what_is_advised_is_enough() {
    let place = Place::new();
    place.write(
        "in.jsonl",
        around(["", &line("long", &long(4_000_000)), "", "", ""]),
    );
    let told = place.run(&format!("in.jsonl {BOUND}")).err;
    assert!(told.contains("has 4.0 MB"), "{told}");
    let advice = told.split("raise it to ").nth(1).unwrap();
    let (advice, _) = advice.split_once(',').unwrap();
    let args = format!("in.jsonl {OUTPUTS}");
    let expected = written(&place, &args);
    assert_eq!(
        written(&place, &format!("{args} --memory {advice}"))[1..],
        expected[1..]
    );
}

#[test]
fn long_blank_lines_are_no_records() {
    let place = Place::new();
    let blank = " ".repeat(4_000_000) + "\n";
    let bad = "{\"id\": \"bad\"}\n";
    place.write("in.jsonl", around([&blank, "", &blank, bad, &blank]));
    let args = format!("in.jsonl {OUTPUTS} --on-bad skip --rejects x.jsonl");
    let expected = (written(&place, &args), place.read("x.jsonl"));
    let bounded = written(&place, &format!("{args} {BOUND}"));
    assert_eq!(
        (&bounded[1..], place.read("x.jsonl")),
        (&expected.0[1..], expected.1)
    );
}

#[test]
fn a_file_that_ends_early_does_so_at_the_same_line() {
    let place = Place::new();
    let long = line("long", &long(4_000_000));
    let short: String = (0..3000u32)
        .map(|i| line(&i.to_string(), &format!("{} {}", i ^ 0x4D, i * i)))
        .collect();
    for lines in [
        long.clone() + &short,
        short.clone() + &long,
        short + &long + &long,
    ] {
        let bytes = gzip(lines.as_bytes());
        for part in 1..10 {
            place.write("in.jsonl.gz", &bytes[..bytes.len() * part / 10]);
            let mut last = Vec::new();
            for args in ["--on-bad skip --rejects x.jsonl", SKIP] {
                let told = place.json(&format!("in.jsonl.gz {args}"));
                let rejects = place.read("x.jsonl");
                let failed = rejects.lines().last().unwrap().to_owned();
                assert!(failed.contains("cannot be read"), "{failed}");
                let documents = &told["documents"];
                last.push((documents["in"].clone(), failed));
            }
            assert_eq!(last[0], last[1], "{part}");
        }
    }
}

#[test]
fn long_text_files_and_rows_too() {
    let place = Place::new();
    place.write("in/a.txt", "a few words in a file");
    place.write("in/b.txt", long(4_000_000));
    place.write("in/c.txt", long(2_000_000));
    place.fails(&format!("in {BOUND}"), "in/b.txt: this record has 4.0 MB");
    let told = place.json(&format!("in {SKIP}"));
    assert_eq!(told["documents"]["kept"], 1);
    assert_eq!(told["documents"]["rejected"], 2);
    let rejects = place.read("x.jsonl");
    assert!(
        rejects.contains("in/b.txt") && rejects.contains("in/c.txt"),
        "{rejects}"
    );

    let texts = [
        "a few words",
        &long(2_000_000),
        "some other words",
        &long(4_000_000),
    ];
    let table = Table::new(
        "message m { required binary text (UTF8); }",
        vec![text(texts)],
    );
    place.write("in.parquet", table.bytes());
    place.fails(
        &format!("in.parquet {BOUND}"),
        "in.parquet:2: this record has 2.0 MB",
    );
    let told = place.json(&format!("in.parquet {SKIP} --kept k.parquet"));
    assert_eq!(told["documents"]["kept"], 2);
    assert_eq!(told["documents"]["rejected"], 2);
    assert_eq!(crate::rows::rows(&place.path("k.parquet")).len(), 2);
}

/// Decides on `in.jsonl` in the work folder, and leaves the work there.
fn decide(place: &Place, memory: u64, folder: &str) -> Result<Decided, Error> {
    let deduper = Deduper::builder().threshold(0.7).build().unwrap();
    let sources = Sources::find(&[place.path("in.jsonl")]).unwrap();
    let options = ReadOptions::new().on_bad(OnBad::Skip);
    let job = Job::new(&deduper, options)
        .memory(memory)
        .work(place.path(folder));
    job.run(sources, &Sinks::new(), None)
}

#[test]
fn work_goes_on_with_the_rejections_of_its_first_pass() {
    let place = Place::new();
    let long = line("long", &long(2_000_000));
    place.write("in.jsonl", around(["", &long, "", "", ""]));
    for memory in [64 << 20, 1 << 30] {
        let decided = decide(&place, memory, "little").unwrap();
        assert_eq!((decided.counts().kept, decided.counts().rejected), (2, 1));
    }
    for memory in [1 << 30, 512 << 20] {
        let decided = decide(&place, memory, "much").unwrap();
        assert_eq!((decided.counts().kept, decided.counts().rejected), (3, 0));
    }
    let error = decide(&place, 64 << 20, "much").unwrap_err();
    assert!(error.is_setting());
    let told = "memory 64 MiB is too small: a record in the work folder needs up to 41 MiB; raise --memory to 113MiB, or start anew with --fresh";
    assert_eq!(error.to_string(), told);
}

/// A line of 120 MB. The peak of memory is that of a process of its own: this test once more.
#[test]
#[cfg(target_os = "linux")]
fn a_huge_line_does_not_take_its_memory() {
    const CHILD: &str = "RESEMBLANCE_TEST_FOLDER";
    if let Some(folder) = std::env::var_os(CHILD) {
        let path = std::path::Path::new(&folder).join("in.jsonl");
        let deduper = Deduper::new();
        let options = ReadOptions::new().on_bad(OnBad::Skip);
        let job = Job::new(&deduper, options).memory(64 << 20);
        let sources = Sources::find(&[path]).unwrap();
        let decided = job.run(sources, &Sinks::new(), None).unwrap();
        assert_eq!((decided.counts().kept, decided.counts().rejected), (2, 1));
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        println!("{status}");
        return;
    }
    let place = Place::new();
    let mut file = std::fs::File::create(place.path("in.jsonl")).unwrap();
    file.write_all(b"{\"id\": \"huge\", \"text\": \"").unwrap();
    let some = long(1_000_000);
    (0..120).for_each(|_| file.write_all(some.as_bytes()).unwrap());
    file.write_all(b"\"}\n").unwrap();
    file.write_all(four().as_bytes()).unwrap();
    let ran = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "long_records::a_huge_line_does_not_take_its_memory",
        ])
        .env(CHILD, place.0.path())
        .output()
        .unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    let error = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{out}{error}");
    let peak = out
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 64 << 10, "{kib}");
}
