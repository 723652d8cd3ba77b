//! The example `stream`, run as its users run it.

use std::sync::OnceLock;

use crate::support::collection;
use crate::support::program::{A, B, Place, Ran, example, four, line};

fn run(place: &Place, args: &str, input: &str) -> Ran {
    static PROGRAM: OnceLock<std::path::PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| example("stream"));
    place.run_example(program, args, input.as_bytes())
}

#[test]
fn lines_not_seen_before_are_passed_byte_for_byte() {
    let place = Place::new();
    let input = format!("{A}\r\n\n{B}\n{}\n{B}, too", A.to_uppercase());
    let ran = run(&place, "--dropped d.tsv --threshold 0.7", &input);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.out, format!("{A}\r\n\n{B}\n"));
    let told = "5 documents = 3 passed (1 of them empty) + 2 dropped\n";
    assert!(ran.err.starts_with(told), "{}", ran.err);
    let table = place.read("d.tsv");
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows[..2], ["line\tlike\tjaccard", "4\t1\t1"]);
    assert!(rows[2].starts_with("5\t3\t0.9"), "{table}");
}

#[test]
fn normalization_and_shingle_can_be_chosen() {
    let place = Place::new();
    let input = "let été = a != 10;\nlet ete = a != 20;\nlet ete = a == 30;\n";
    let passed = |args: &str| run(&place, args, input).out.lines().count();
    assert_eq!(passed(""), 3);
    assert_eq!(passed("--normalize default+accents+digits"), 1);
    assert_eq!(
        passed("--normalize default+accents+digits --shingle tokens:4 --threshold 1"),
        2
    );
}

#[test]
fn json_lines_are_compared_by_their_field() {
    let place = Place::new();
    let ran = run(&place, "--text-field text --threshold 0.7", &four());
    assert_eq!(ran.out, line("one", A) + &line("two", B));
    for (window, passed) in [(1, 4), (2, 2)] {
        let ran = run(
            &place,
            &format!("--text-field text --window {window}"),
            &four(),
        );
        assert_eq!(ran.out.lines().count(), passed, "{}", ran.out);
    }
}

#[test]
fn batches_and_threads_change_nothing() {
    let place = Place::new();
    let input = collection(4, 400).join("\n");
    let args = ["--batch 1", "--batch 7", ""].map(|batch| format!("{batch} --shingle words:2"));
    let outputs = args.map(|args| {
        let ran = run(&place, &args, &input);
        assert!(ran.err.contains(" dropped\n"));
        ran.out
    });
    assert_eq!(outputs[0], outputs[1]);
    assert_eq!(outputs[0], outputs[2]);
}

/// Each line is a document; the third is not UTF-8.
fn run_bytes(place: &Place, args: &str) -> Ran {
    let good = format!("{A}\n{B}\n");
    let input = [
        good.as_bytes(),
        b"caf\xE9\n",
        A.as_bytes(),
        b"\nnew words\n",
    ];
    place.run_example(&example("stream"), args, &input.concat())
}

#[test]
fn a_bad_line_ends_the_run_at_the_same_place_for_every_batch() {
    let place = Place::new();
    for batch in [1, 2, 3, 1024] {
        let ran = run_bytes(&place, &format!("--batch {batch} --dropped d.tsv"));
        assert_eq!(ran.code, 1, "{}", ran.err);
        assert_eq!(ran.out, format!("{A}\n{B}\n"), "{batch}");
        assert!(
            ran.err.ends_with("error: line 3: not UTF-8 (byte 3)\n"),
            "{}",
            ran.err
        );
        assert_eq!(place.read("d.tsv"), "line\tlike\tjaccard\n");
    }
}

#[test]
fn a_bad_line_can_be_skipped_and_line_numbers_stay() {
    let place = Place::new();
    for batch in [1, 2, 3, 1024] {
        let args = format!("--batch {batch} --dropped d.tsv --on-bad skip");
        let ran = run_bytes(&place, &args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(ran.out, format!("{A}\n{B}\nnew words\n"), "{batch}");
        assert!(
            ran.err.contains("skipped: line 3: not UTF-8 (byte 3)\n"),
            "{}",
            ran.err
        );
        assert_eq!(place.read("d.tsv"), "line\tlike\tjaccard\n4\t1\t1\n");
    }
    // The earlier line may itself stand after a skipped one.
    let input = format!("x\n{{\"t\": \"{A}\"}}\ny\n{{\"t\": \"{A}\"}}\n");
    let ran = run(
        &place,
        "--text-field t --on-bad skip --dropped d.tsv",
        &input,
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.read("d.tsv"), "line\tlike\tjaccard\n4\t2\t1\n");
}

#[test]
fn bloom_filters_drop_copies_and_tell_their_rate() {
    let place = Place::new();
    let ran = run(
        &place,
        "--bloom 1000 --text-field text --dropped d.tsv",
        &four(),
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.starts_with(&(line("one", A) + &line("two", B))));
    assert!(ran.err.contains("false-positive rate by now 0.0000"));
    assert!(place.read("d.tsv").contains("\n3\t\t\n"));
}

#[test]
fn what_is_wrong_is_told() {
    let place = Place::new();
    let fails = |args: &str, input: &str, code: i32, told: &str| {
        let ran = run(&place, args, input);
        assert_eq!(ran.code, code, "{args}: {}", ran.err);
        assert!(ran.err.contains(told), "{args}: {}", ran.err);
    };
    fails("--window 0", "", 2, "window of 0 documents: must be from 1");
    fails("--threshold 2", "", 2, "threshold 2: must be above 0");
    fails(
        "--bloom 5 --rate 1",
        "",
        2,
        "bloom rate 1: must be from 1e-12",
    );
    fails("--bloom 5 --window 5", "", 2, "cannot be used with");
    fails(
        "--dropped none/d.tsv",
        "",
        1,
        "cannot write none/d.tsv: No such file",
    );
    fails("--text-field t", "{}\n", 1, "line 1: no text in field `t`");
    fails(
        "--text-field t",
        "{\"t\": \"\"}\nx\n",
        1,
        "line 2: expected value",
    );
    let three = format!("{A}\n{B}\nsome other words that are neither\n");
    fails(
        "--bloom 2",
        &three,
        1,
        "line 3: the Bloom filters are full: all 2 documents",
    );
}
