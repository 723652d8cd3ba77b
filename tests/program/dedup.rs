//! The example `dedup` on good input.

use std::fs;
use std::path::Path;

use crate::support::program::{A, B, Place, four, line};

#[test]
fn sample_articles() {
    let articles = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/articles");
    let summary = Place::new().json(&articles.display().to_string());
    let clusters = summary["clusters"].as_array().unwrap();
    assert_eq!(clusters.len(), 1);
    assert_eq!(clusters[0]["kept"], "ferry-returns.txt");
    assert_eq!(
        clusters[0]["removed"][0]["id"],
        "website-copy-of-ferry-returns.txt"
    );
    assert_eq!(summary["documents"]["in"], 7);
}

#[test]
fn seed_articles() {
    let Some(seeds) = crate::support::shared("seeds") else {
        return;
    };
    let place = Place::new();
    let ran = place.run(&format!("{} --pairs p.tsv", seeds.display()));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let table = place.read("p.tsv");
    let lines: Vec<Vec<&str>> = table.lines().map(|l| l.split('\t').collect()).collect();
    assert_eq!(
        lines[0],
        ["a", "b", "jaccard", "containment_a", "containment_b"]
    );
    assert_eq!(lines.len(), 2);
    assert!(lines[1][0].starts_with("000_") && lines[1][1].starts_with("001_"));
    // 1,022 of 1,081 shingles; split at apostrophes, as no UAX #29 word is, it would be 0.946.
    assert!((lines[1][2].parse::<f64>().unwrap() - 1022.0 / 1081.0).abs() < 1e-12);
    assert!((lines[1][3].parse::<f64>().unwrap() - 0.998).abs() < 0.0005);
    assert!(
        ran.out
            .contains("5 documents in = 4 kept + 1 removed + 0 rejected")
    );
}

#[test]
fn every_output() {
    let place = Place::new();
    place.write("in.jsonl", four());
    let ran = place.run(
        "in.jsonl --threshold 0.7 --pairs p.tsv --clusters c.tsv --kept k.jsonl --removed r.jsonl",
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        place.read("p.tsv"),
        "a\tb\tjaccard\tcontainment_a\tcontainment_b\n\
         one\tthree\t1\t1\t1\n\
         two\tfour\t0.8333333333333334\t0.9090909090909091\t0.9090909090909091\n"
    );
    assert_eq!(
        place.read("c.tsv"),
        "id\tcluster\tkept\tjaccard_to_kept\treason\n\
         one\t1\tone\t1\tkept\n\
         three\t1\tone\t1\tfirst\n\
         two\t2\ttwo\t1\tkept\n\
         four\t2\ttwo\t0.8333333333333334\tfirst\n"
    );
    assert_eq!(
        place.read("k.jsonl"),
        [line("one", A), line("two", B)].concat()
    );
    assert_eq!(
        place.names().len(),
        5,
        "no temporary file is left: {:?}",
        place.names()
    );
    assert!(
        ran.out
            .contains("4 documents in = 2 kept + 2 removed + 0 rejected"),
        "{}",
        ran.out
    );
}

#[test]
fn kept_and_removed_are_the_input_line_by_line() {
    let place = Place::new();
    // Odd but valid lines: spaces, escapes, other key orders, CRLF, a blank line, no last line feed.
    let odd = format!(
        "  {{\"text\": \"caf\\u00e9 {A}\" , \"id\":1}}\r\n\n{{\"id\": 2, \"x\": [1,{{}}], \"text\": \"{B}\"}}\n\
         {{\"text\": \"caf\\u00e9 {A}\",\"id\":\"tab\\there\"}}"
    );
    for suffix in ["", ".gz", ".zst"] {
        place.write("in.jsonl", &odd);
        // First through the compressor, so that the input is compressed as well.
        let input = format!("in2.jsonl{suffix}");
        assert_eq!(
            place
                .run(&format!("in.jsonl --threshold 1 --recall 1 --kept {input}"))
                .code,
            0
        );
        let ran = place.run(&format!(
            "{input} --kept k.jsonl{suffix} --removed r.jsonl{suffix} --pairs p"
        ));
        assert_eq!(ran.code, 0, "{}", ran.err);
        let ran = place.run("in.jsonl --kept k.jsonl --removed r.jsonl --clusters c.tsv");
        assert_eq!(ran.code, 0, "{}", ran.err);
        let whole = place.read("k.jsonl") + &place.read("r.jsonl");
        let sorted = |text: &str| -> Vec<String> {
            let mut lines: Vec<_> = text.split('\n').map(str::to_owned).collect();
            lines.retain(|line| !line.is_empty());
            lines.sort();
            lines
        };
        assert_eq!(sorted(&whole), sorted(&odd));
        assert!(place.read("c.tsv").contains("tab\\there\t1\t1\t1\tfirst\n"));
    }
}

#[test]
fn compressed_input_and_output() {
    let place = Place::new();
    place.write("in.jsonl", four());
    let plain = place
        .run("in.jsonl --threshold 0.7 --pairs plain.tsv --kept k.jsonl.gz --removed r.jsonl.zst");
    assert_eq!(plain.code, 0, "{}", plain.err);
    let again =
        place.run("k.jsonl.gz r.jsonl.zst --threshold 0.7 --pairs again.tsv --kept all.jsonl");
    assert_eq!(again.code, 0, "{}", again.err);
    let pairs = |name| place.read(name).lines().count();
    assert_eq!((pairs("plain.tsv"), pairs("again.tsv")), (3, 3));
    assert_eq!(
        fs::read(place.path("k.jsonl.gz")).unwrap()[..2],
        [0x1F, 0x8B]
    );
    assert_eq!(
        fs::read(place.path("r.jsonl.zst")).unwrap()[..4],
        [0x28, 0xB5, 0x2F, 0xFD]
    );
    // Two gzip members one after the other are one file.
    let twice = fs::read(place.path("k.jsonl.gz")).unwrap().repeat(2);
    place.write("twice.jsonl.gz", twice);
    place.fails(
        "twice.jsonl.gz",
        "twice.jsonl.gz:3: id `one` was already used, at twice.jsonl.gz:1",
    );
}

#[test]
fn directories_are_read_whole_and_in_order() {
    let place = Place::new();
    place
        .write("d/b.txt", A)
        .write("d/a/z.txt", A)
        .write("d/a/c", B)
        .write("d/.git/x", [0xFF]);
    place
        .write("d/more.jsonl", line("id", B))
        .write("e/b.txt", A);
    let summary = place.json("d");
    assert_eq!(summary["clusters"][0]["kept"], "a/c");
    assert_eq!(summary["clusters"][0]["removed"][0]["id"], "id");
    assert_eq!(summary["clusters"][1]["kept"], "a/z.txt");
    assert_eq!(summary["clusters"][1]["removed"][0]["id"], "b.txt");
    let summary = place.json("d e");
    let removed = summary["clusters"][1]["removed"].as_array().unwrap();
    assert_eq!(
        (&removed[0]["id"], &removed[1]["id"]),
        (&"d/b.txt".into(), &"e/b.txt".into())
    );
    assert!(
        place
            .run("d")
            .out
            .contains("1 hidden file or directory skipped")
    );
    place.refuses("d --kept k.jsonl", "JSON lines and text files mixed");
    assert_eq!(place.run("d --kept k --removed r").code, 0);
    assert_eq!(place.read("k/a/z.txt"), A);
    assert_eq!(place.read("k/more.jsonl"), "");
    assert_eq!(place.read("r/more.jsonl"), line("id", B));
}

#[test]
fn text_files_are_kept_and_removed_as_files() {
    let place = Place::new();
    place
        .write("d/b.txt", A)
        .write("d/a/z.txt", format!("{A}\r\n"))
        .write("d/c", B);
    let ran = place.run("d --kept kept --removed removed");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.read("kept/a/z.txt"), format!("{A}\r\n"));
    assert_eq!(place.read("kept/c"), B);
    assert_eq!(place.read("removed/b.txt"), A);
    assert!(!place.path("kept/b.txt").exists());
    // What another run has written there is replaced, and nothing else.
    assert_eq!(place.run("d --kept removed").code, 0);
    assert!(!place.path("removed/b.txt").exists() && place.path("removed/c").exists());
    place.write("removed/notes/n", "mine");
    place.refuses(
        "d --kept removed",
        "removed/notes in it is not a file that this run would write",
    );
    assert_eq!(place.read("removed/notes/n"), "mine");
}

#[test]
fn a_drawn_seed_is_told_and_repeats_the_run() {
    let place = Place::new();
    place.write("in.jsonl", four());
    let told = "The seed of all hashes is ";
    let plain = place.run("in.jsonl");
    assert!(!plain.out.contains(told), "{}", plain.out);
    let drawn = ["a", "b"].map(|pairs| {
        let ran = place.run(&format!(
            "in.jsonl --seed random --threshold 0.5 --pairs {pairs}"
        ));
        assert_eq!(ran.code, 0, "{}", ran.err);
        let (_, rest) = ran.out.split_once(told).unwrap();
        let seed = rest.split(':').next().unwrap().to_owned();
        let again = place.run(&format!(
            "in.jsonl --seed {seed} --threshold 0.5 --pairs again"
        ));
        assert_eq!(place.read("again"), place.read(pairs));
        let said = |out: &str| out.lines().filter(|line| line.contains(told)).count();
        assert_eq!([said(&again.out), said(&ran.out)], [1, 1]);
        seed
    });
    assert_ne!(drawn[0], drawn[1]);
    let ran = place.run("in.jsonl --seed chance");
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("neither a number below 2^64 nor `random`"),
        "{}",
        ran.err
    );
}

#[test]
fn standard_input() {
    let place = Place::new();
    let ran = place.run_with(
        "- --threshold 0.7 --kept k.jsonl --format json",
        four().as_bytes(),
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        place.read("k.jsonl"),
        [line("one", A), line("two", B)].concat()
    );
    let ran = place.run_with("-", b"{\"text\": \"x\"}\n{\"text\": ");
    assert!(ran.err.contains("-:2: not a JSON record"), "{}", ran.err);
}

#[test]
fn ids_and_fields() {
    let place = Place::new();
    place.write(
        "in.jsonl",
        format!(
            "{}\n{}\n{}\n",
            serde_json::json!({"url": "u1", "body": A, "rank": 1}),
            serde_json::json!({"url": "u2", "body": A, "rank": 2}),
            serde_json::json!({"url": "u3", "body": A, "rank": 3}),
        ),
    );
    let kept = |args: &str| {
        let summary = place.json(&format!("in.jsonl --text-field body {args}"));
        summary["clusters"][0]["kept"].as_str().unwrap().to_owned()
    };
    assert_eq!(kept(""), "in.jsonl:1");
    assert_eq!(kept("--id-field url"), "u1");
    assert_eq!(kept("--id-field rank --keep longest"), "1");
    place.fails(
        "in.jsonl --text-field body --id-field x",
        "in.jsonl:1: field `x` is missing",
    );
}

#[test]
fn bytes_that_are_no_text_with_byte_shingles() {
    let place = Place::new();
    place
        .write("d/1", [0xFF; 100])
        .write("d/2", [0xFF; 100])
        .write("d/3", A);
    let summary = place.json("d --shingle bytes:8 --input-format text");
    assert_eq!(summary["clusters"][0]["removed"][0]["id"], "2");
}

#[test]
fn the_same_bytes_whatever_the_threads() {
    let place = Place::new();
    let lines: String = crate::support::collection(11, 2000)
        .iter()
        .enumerate()
        .map(|(i, text)| line(&i.to_string(), text))
        .collect();
    place.write("in.jsonl", lines);
    for mode in ["components", "leader"] {
        let answer = |threads: u32| {
            let ran = place.run(&format!(
                "in.jsonl --cluster {mode} --threads {threads} --format json --threshold 0.6 \
                 --pairs p.tsv --clusters c.tsv --kept k.jsonl"
            ));
            assert_eq!(ran.code, 0, "{}", ran.err);
            [
                ran.out,
                place.read("p.tsv"),
                place.read("c.tsv"),
                place.read("k.jsonl"),
            ]
        };
        let one = answer(1);
        assert!(one[1].lines().count() > 100);
        assert!(one == answer(2) && one == answer(8));
    }
}

#[test]
fn an_empty_input_is_no_failure() {
    let place = Place::new();
    place
        .write("in.jsonl", "")
        .write("blank.jsonl", "{\"text\": \"\"}\n{\"text\": \" ... \"}\n");
    assert!(
        place
            .run("in.jsonl")
            .out
            .contains("0 documents in = 0 kept")
    );
    let ran = place.run("blank.jsonl");
    assert!(ran.out.contains("No near-duplicates."), "{}", ran.out);
    assert!(ran.out.contains("2 without a token, kept"), "{}", ran.out);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_record() {
    let place = Place::new();
    place
        .write("bom.jsonl", format!("\u{FEFF}{}", four()))
        .write("only.jsonl", "\u{FEFF}\n");
    let ran = place.run("only.jsonl bom.jsonl --threshold 0.7 --kept k.jsonl");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        place.read("k.jsonl"),
        [line("one", A), line("two", B)].concat()
    );
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let place = Place::new();
    place.write("in.jsonl", line("a\nb", A) + &line("\u{1b}[31m", A));
    let ran = place.run("in.jsonl");
    assert!(ran.out.contains("keep    a\\nb\n"), "{}", ran.out);
    assert!(ran.out.contains("remove  \\u{1b}[31m "), "{}", ran.out);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_are_followed_and_permissions_stay() {
        let place = Place::new();
        place.write("in.jsonl", four()).write("real.tsv", "old");
        symlink("real.tsv", place.path("link.tsv")).unwrap();
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(place.path("real.tsv"), private.clone()).unwrap();
        assert_eq!(place.run("in.jsonl --pairs link.tsv").code, 0);
        assert!(place.read("real.tsv").starts_with("a\tb"));
        assert!(
            fs::symlink_metadata(place.path("link.tsv"))
                .unwrap()
                .is_symlink()
        );
        let mode = fs::metadata(place.path("real.tsv"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn broken_links_and_loops_can_be_skipped() {
        let place = Place::new();
        place.write("d/a.txt", A);
        symlink("nowhere", place.path("d/broken")).unwrap();
        symlink(".", place.path("d/loop")).unwrap();
        place.fails("d", "d/broken: cannot be read");
        let summary = place.json("d --on-bad skip --rejects j.jsonl");
        assert_eq!(summary["documents"]["rejected"], 2);
        assert!(
            place
                .read("j.jsonl")
                .contains("a link to a directory that contains it")
        );
    }

    #[test]
    fn names_that_are_no_utf8_stay_apart_and_unchanged() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let place = Place::new();
        fs::create_dir(place.path("d")).unwrap();
        for name in [b"caf\xE8.txt", b"caf\xE9.txt"] {
            fs::write(place.path("d").join(OsStr::from_bytes(name)), B).unwrap();
        }
        let summary = place.json("d --kept k");
        assert_eq!(summary["clusters"][0]["kept"], "caf\\xE8.txt");
        assert!(
            place
                .path("k")
                .join(OsStr::from_bytes(b"caf\xE8.txt"))
                .exists()
        );
    }

    #[test]
    fn a_pipe_is_refused() {
        let place = Place::new();
        place.refuses(
            "/dev/stdin",
            "/dev/stdin is not a regular file: pipe it to standard input, and name it -",
        );
    }

    #[test]
    fn interrupted_it_leaves_nothing() {
        let place = Place::new();
        let ended = place.interrupted(
            &crate::support::collection(5, 40_000),
            "--pairs p.tsv --kept k.jsonl",
        );
        assert_eq!(ended.status.code(), Some(130));
        let names = place.names();
        assert!(names.iter().eq(["in.jsonl"]), "{names:?}");
    }
}

/// Records that are rejected have been digested by then, or not: what is left keeps its own.
#[test]
fn methods_agree_whatever_is_rejected() {
    let place = Place::new();
    let records = [
        line(
            "zero",
            "one text that is like no other in this file, whatever one does to it",
        ),
        line("one", A),
        "not JSON\n".to_owned(),
        line("two", B),
        line("one", &B.to_uppercase()), // an id used before
        line("three", &A.to_uppercase()),
        "{\"id\": \"no text\"}\n".to_owned(),
        line("four", &B.replace("hills", "roofs")),
    ];
    place.write("in.jsonl", records.concat());
    for file in 0..20 {
        place.write(&format!("folder/{file}.txt"), [A, B][file % 2].repeat(file));
    }
    let by = |method: &str| {
        let options = "--threshold 0.5 --shingle words:2 --on-bad skip --recall 0.9999";
        place.json(&format!("in.jsonl folder {options} --method {method}"))
    };
    let lsh = by("lsh");
    assert_eq!(lsh["documents"]["rejected"], 3);
    assert!(lsh["clusters"].as_array().unwrap().len() > 1);
    for method in ["exact", "auto"] {
        let other = by(method);
        assert_eq!(other["documents"], lsh["documents"], "{method}");
        assert_eq!(other["clusters"], lsh["clusters"], "{method}");
        assert_eq!(
            other["settings"]["method"], "exact",
            "{method}: there is little to do"
        );
        assert_eq!(other["links"]["missed"]["high"], 0);
    }
}

#[test]
fn methods_are_told_and_refused() {
    let place = Place::new();
    place.write("in.jsonl", four());
    let told = |args: &str| place.run(&format!("in.jsonl --threshold 0.5 {args}")).out;
    assert!(told("--pairs pairs.tsv").contains("\nPairs found: 2. Missed: "));
    assert!(told("").contains("\nNear-duplicates that were missed and so kept: "));
    assert!(told("--method exact").contains("Every pair was found by the exact join (as asked)."));
    place.refuses(
        "in.jsonl --method brute",
        "method `brute`: must be lsh, exact or auto",
    );
    place.fails(
        "in.jsonl --method exact --exact-memory 10B",
        "the exact join is too large: it would take 0.0 MB, and exact_memory is 0.0 MB",
    );
    place.fails(
        "in.jsonl --method exact --threshold 0.5 --exact-work 0",
        "exact_work is 0;",
    );
}
