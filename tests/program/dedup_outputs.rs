//! The outputs of the example `dedup` for JSON lines: input records, byte for byte, in one file or in a file for each
//! input. Also patterns for paths.

use std::fs;
use std::io::{Read, Write};

use crate::support::program::{A, B, Place, four, line};

/// Odd but valid lines: spaces, escapes, other key orders, CRLF, blank lines, a byte-order mark, no last line feed.
pub(super) fn odd(part: usize) -> String {
    let mut text = String::from("\u{FEFF}");
    for (i, words) in crate::support::collection(part as u64, 60)
        .iter()
        .enumerate()
    {
        let words = words.replace("w1", "caf\\u00e9 ");
        let line = match i % 5 {
            0 => format!("  {{\"text\": \"{words}\" , \"id\":{part}{i:03}}}\r\n"),
            1 => format!(
                "{{\"id\":\"{part}{i:03}\",\"x\":[1,{{}}],\"text\":\"{words}\"}}\n\n \t\r\n"
            ),
            _ => format!("{{\"text\":\"{words}\",\"id\":\"{part}{i:03}\"}}\n"),
        };
        text += &line;
    }
    match part % 2 {
        0 => text,
        _ => text.trim_end().to_owned(),
    }
}

/// The records of it: each line that is not blank, without its line feed.
fn records(text: &str) -> Vec<&str> {
    let lines = text.trim_start_matches('\u{FEFF}').split('\n');
    lines.filter(|line| !line.trim().is_empty()).collect()
}

pub(super) fn pack(suffix: &str, text: &str) -> Vec<u8> {
    match suffix {
        ".gz" => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
        ".zst" => zstd::encode_all(text.as_bytes(), 1).unwrap(),
        _ => text.into(),
    }
}

pub(super) fn unpack(place: &Place, name: &str) -> String {
    let bytes = fs::read(place.path(name)).unwrap();
    let mut text = String::new();
    match name.rsplit('.').next() {
        Some("gz") => {
            let mut decoder = flate2::read::GzDecoder::new(&bytes[..]);
            decoder.read_to_string(&mut text).unwrap();
        }
        Some("zst") => text = String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap(),
        _ => text = String::from_utf8(bytes).unwrap(),
    }
    text
}

/// Two files, put together by the places of their lines in the input, are the input's records.
fn interleaved(input: &str, kept: &str, removed: &str) {
    let (mut left, mut right) = (kept, removed);
    for record in records(input) {
        let record = format!("{record}\n");
        if let Some(rest) = left.strip_prefix(&record) {
            left = rest;
        } else {
            right = right.strip_prefix(&record).unwrap();
        }
    }
    assert_eq!((left, right), ("", ""));
    assert!(kept.len() > 1000 && removed.len() > 1000);
}

#[test]
fn kept_and_removed_are_the_records_of_the_input() {
    let place = Place::new();
    let (first, second) = (odd(1), odd(2));
    for suffix in ["", ".gz", ".zst"] {
        let (kept, removed) = (format!("k{suffix}/"), format!("r{suffix}"));
        place
            .write(&format!("in{suffix}/a.jsonl{suffix}"), pack(suffix, &first))
            .write(
                &format!("in{suffix}/b/c.ndjson{suffix}"),
                pack(suffix, &second),
            )
            .write(&format!("in{suffix}/b/empty.jsonl"), "");
        fs::create_dir(place.path(&kept)).unwrap();
        fs::create_dir(place.path(&removed)).unwrap();
        let ran = place.run(&format!(
            "in{suffix} --threshold 0.6 --kept {kept} --removed {removed}"
        ));
        assert_eq!(ran.code, 0, "{}", ran.err);
        let mut whole = [String::new(), String::new()];
        for (name, input) in [("a.jsonl", &first), ("b/c.ndjson", &second)] {
            let [kept, removed] =
                [&kept, &removed].map(|folder| unpack(&place, &format!("{folder}/{name}{suffix}")));
            interleaved(input, &kept, &removed);
            whole[0] += &kept;
            whole[1] += &removed;
        }
        assert_eq!(place.read(&format!("{kept}/b/empty.jsonl")), "");
        let single = [format!("k.jsonl{suffix}"), format!("r.jsonl{suffix}")];
        let [kept, removed] = &single;
        let ran = place.run(&format!(
            "in{suffix} --threshold 0.6 --kept {kept} --removed {removed}"
        ));
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(single.map(|name| unpack(&place, &name)) == whole);
    }
}

/// Where nothing is removed there is a file all the same; so it is for a file of nothing but bad records.
#[test]
fn every_input_has_its_file() {
    let place = Place::new();
    place
        .write("in/a.jsonl.gz", pack(".gz", &line("a", A)))
        .write("in/b.jsonl.zst", pack(".zst", "nonsense\n"))
        .write("in/c.txt", B);
    let ran = place.run("in --on-bad skip --kept k --removed r");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(unpack(&place, "k/a.jsonl.gz"), line("a", A));
    for name in ["r/a.jsonl.gz", "k/b.jsonl.zst", "r/b.jsonl.zst"] {
        assert_eq!(unpack(&place, name), "", "{name}");
    }
    assert_eq!(place.read("k/c.txt"), B);
    assert!(!place.path("r/c.txt").exists());
}

#[test]
fn directories_that_cannot_be_outputs() {
    let place = Place::new();
    place
        .write("in.jsonl", four())
        .write("full/x", "")
        .write("file", "")
        .write("d/in.jsonl", four());
    place.refuses(
        "in.jsonl --kept full",
        "full/x in it is not a file that this run would write",
    );
    place.fails("in.jsonl --kept file", "cannot write file: ");
    place.fails("in.jsonl --kept nowhere/k/", "cannot write nowhere/k/: ");
    place.refuses("- --kept k", "records of standard input have no file name");
    place.refuses(
        "d/in.jsonl d/../in.jsonl --kept k --on-bad skip",
        "two inputs would be written to k/d/in.jsonl",
    );
    place.refuses("in.jsonl --kept k --removed k/", "outputs k and k/ overlap");
}

#[test]
fn patterns_stand_for_files() {
    let place = Place::new();
    for name in [
        "p/b.jsonl",
        "p/a.jsonl",
        "p/c/d.jsonl",
        "p/c/.hidden.jsonl",
        "p/x[1].jsonl",
    ] {
        place.write(name, line(name, A));
    }
    place
        .write("p/c/e/f.jsonl", line("f", A))
        .write("p/note.txt", B);
    let found = |pattern: &str| {
        let ran = place.run(&format!(
            "{pattern} --threshold 1 --recall 0.99 --clusters c.tsv"
        ));
        assert_eq!(ran.code, 0, "{}", ran.err);
        let table = place.read("c.tsv");
        let ids = table
            .lines()
            .skip(1)
            .map(|line| line.split('\t').next().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    assert_eq!(
        found("p/*.jsonl"),
        ["p/a.jsonl", "p/b.jsonl", "p/x[1].jsonl"]
    );
    assert_eq!(found("p/[ab].jsonl"), ["p/a.jsonl", "p/b.jsonl"]);
    assert_eq!(
        found("p/c/d.jsonl p/?.jsonl"),
        ["p/c/d.jsonl", "p/a.jsonl", "p/b.jsonl"]
    );
    // What is there is no pattern.
    assert_eq!(
        found("p/b.jsonl p/x[1].jsonl"),
        ["p/b.jsonl", "p/x[1].jsonl"]
    );
    let all = ["p/a.jsonl", "p/b.jsonl", "p/c/d.jsonl", "f", "p/x[1].jsonl"];
    assert_eq!(found("p/**/*.jsonl"), all);
    // Directories stand for their files, once.
    assert_eq!(found("p/**"), all);
    assert_eq!(found("p/**/*"), all);
    place.fails(
        "p/*.parquet",
        "cannot read p/*.parquet: nothing matches this pattern",
    );
    place.fails("p/[.jsonl", "cannot read p/[.jsonl: ");
    place.refuses("p/*.jsonl p/a.jsonl", "the input p/a.jsonl is named twice");
}
