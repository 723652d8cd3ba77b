//! The example `dedup` with invalid inputs, options and outputs: each error names the cause, and no output is
//! half-written.

use std::fs;

use crate::support::program::{A, B, Place, four, line};
use resemblance::corpus::{Corpus, ReadOptions};

#[test]
fn bad_input_is_named_and_nothing_is_written() {
    let place = Place::new();
    place
        .write("broken.jsonl", line("a", A) + "{\"text\": \"x\"\n")
        .write("missing.jsonl", line("a", A) + "{\"id\": \"b\"}\n")
        .write(
            "number.jsonl",
            line("a", A) + "{\"id\": \"b\", \"text\": 5}\n",
        )
        .write("twice.jsonl", line("a", A) + &line("b", A) + &line("a", B))
        .write(
            "latin.jsonl",
            [line("a", A).as_bytes(), b"{\"text\": \"caf\xE9\"}\n"].concat(),
        )
        .write(
            "sites.jsonl",
            line("a", A) + "{\"text\": \"b\", \"site\": [1]}\n",
        )
        .write("d/fine.txt", A)
        .write("d/latin.txt", b"caf\xE9")
        .write("cut.jsonl.gz", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1])
        .write("x.parquet", "PAR1");
    let outputs = "--pairs p.tsv --clusters c.tsv --kept k --removed r --rejects j";
    for (input, told) in [
        ("nowhere", "cannot read nowhere: "),
        (
            "broken.jsonl",
            "broken.jsonl:2: not a JSON record: EOF while parsing an object",
        ),
        ("missing.jsonl", "missing.jsonl:2: field `text` is missing"),
        (
            "number.jsonl",
            "number.jsonl:2: field `text` is a number, not a string",
        ),
        (
            "twice.jsonl",
            "twice.jsonl:3: id `a` was already used, at twice.jsonl:1; give every record its own id",
        ),
        ("latin.jsonl", "latin.jsonl:2: not UTF-8 (byte 13)"),
        (
            "twice.jsonl --ids-by-file",
            "id `twice.jsonl:a` was already used, at twice.jsonl:1; give every record its own id, name another id field \
             (--id-field FIELD), use file and line",
        ),
        (
            "sites.jsonl --set-aside site",
            "sites.jsonl:2: field `site` is an array, not a string, number or boolean",
        ),
        ("d", "latin.txt: not UTF-8 (byte 3)"),
        ("cut.jsonl.gz", "cut.jsonl.gz:1: cannot be read: "),
        ("x.parquet", "x.parquet: cannot be read: "),
    ] {
        place.fails(&format!("{input} {outputs}"), told);
    }
}

#[test]
fn bad_input_can_be_skipped_and_is_listed() {
    let place = Place::new();
    let good = four();
    place.write(
        "in.jsonl",
        format!("{good}{{\"text\": 1}}\nnonsense\n{}", line("one", B)),
    );
    let args =
        "in.jsonl --threshold 0.7 --on-bad skip --rejects j.jsonl --kept k.jsonl --removed r.jsonl";
    let summary = place.json(args);
    assert_eq!(
        summary["documents"],
        serde_json::json!({
            "in": 7, "kept": 2, "removed": 2, "rejected": 3, "empty": 0, "hidden": 0,
            "indexed": 0, "matched": 0, "joins": 0,
        })
    );
    let rejects = place.read("j.jsonl");
    let rejects: Vec<serde_json::Value> = rejects
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rejects.len(), 3);
    assert_eq!(rejects[0]["line"], 5);
    assert_eq!(rejects[1]["record"], "nonsense");
    assert_eq!(
        rejects[2]["reason"],
        "id `one` was already used, at in.jsonl:1"
    );
    let records = place.read("k.jsonl").lines().count() + place.read("r.jsonl").lines().count();
    assert_eq!(records, 4);
    place.write("d/ok.txt", A).write("d/latin.txt", b"caf\xE9");
    assert_eq!(place.json("d --on-bad skip")["documents"]["rejected"], 1);
}

#[test]
fn bad_settings_are_bad_usage() {
    let place = Place::new();
    place.write("in.jsonl", four());
    for (args, told) in [
        ("--threshold 0", "threshold 0: must be above 0"),
        ("--threshold 1.5", "threshold 1.5: must be above 0"),
        ("--threshold -0.5", "threshold -0.5: must be above 0"),
        ("--threshold NaN", "threshold NaN: must be above 0"),
        ("--threshold x", "invalid value 'x' for '--threshold <S>'"),
        ("--hashes 0", "hashes 0: must be from 1 to 65535"),
        ("--shingle words:0", "shingle words:0: n must be from 1"),
        (
            "--shingle lines:5",
            "must be words:N, tokens:N, chars:N or bytes:N",
        ),
        (
            "--normalize nfkd",
            "normalization `nfkd`: must be default, nfkc-casefold, nfkc, nfc or none, followed by +fold, ",
        ),
        ("--recall 1.01", "recall 1.01: must be above 0"),
        ("--recall 1", "recall 1 at a threshold below 1"),
        (
            "--keep best",
            "keep `best`: must be first, longest, largest, max:FIELD or min:FIELD",
        ),
        ("--keep max:", "keep `max:`: must be first"),
        ("--prefer gov", "prefer `gov`: must be FIELD=a,b,c"),
        ("--prefer x=a,,b", "prefer `x=a,,b`: value 2 is empty"),
        ("--cluster chain", "invalid value 'chain'"),
        ("--unknown", "unexpected argument '--unknown'"),
        (
            "--set-aside-words 3",
            "<--set-aside <FIELD>|--set-aside-host <FIELD>>",
        ),
        (
            "--set-aside a --set-aside-host b",
            "cannot be used with '--set-aside-host <FIELD>'",
        ),
    ] {
        let ran = place.run(&format!("in.jsonl --pairs p.tsv {args}"));
        assert_eq!(ran.code, 2, "{args}: {}", ran.err);
        assert!(ran.err.contains(told), "{args}: {}", ran.err);
        assert!(!place.path("p.tsv").exists());
    }
    assert_eq!(place.run("").code, 2);
}

#[test]
fn a_drawn_seed_is_refused_where_it_cannot_be_the_same_again() {
    let place = Place::new();
    place.write("in.jsonl", four());
    assert_eq!(
        place.run("in.jsonl --save-index seen --seed random").code,
        0
    );
    place.refuses(
        "in.jsonl --seed random --against seen",
        "--seed random cannot be used with --against: ",
    );
    place.refuses(
        "in.jsonl --seed random --work w",
        "--seed random cannot be used with --work: ",
    );
    // Another number is told with the one that it should be.
    place.refuses(
        "in.jsonl --seed 1 --against seen",
        "the index seen has the scheme v3/",
    );
    place.refuses(
        "in.jsonl --seed 1 --against seen",
        "/seed:1: use the settings of the index",
    );
}

#[test]
fn outputs_that_cannot_be_written() {
    let place = Place::new();
    place
        .write("in.jsonl", four())
        .write("old.tsv", "old")
        .write("dir/x", "");
    place.fails(
        "in.jsonl --pairs nowhere/p.tsv",
        "cannot write nowhere/p.tsv: ",
    );
    place.fails(
        "in.jsonl --pairs dir",
        "cannot write dir: it exists and is not a regular file",
    );
    place.refuses(
        "in.jsonl --kept in.jsonl",
        "output in.jsonl is also an input",
    );
    place.refuses(
        "in.jsonl --kept k --removed ./k",
        "outputs k and ./k overlap",
    );
    place.refuses("in.jsonl --pairs p --clusters p", "outputs p and p overlap");
    // What was there stays until the new one is whole.
    place.fails("nowhere --pairs old.tsv", "cannot read nowhere");
    assert_eq!(place.read("old.tsv"), "old");
    assert_eq!(place.run("in.jsonl --pairs old.tsv").code, 0);
    assert!(place.read("old.tsv").starts_with("a\tb\t"));
}

#[test]
fn no_output_replaces_an_input_or_another_output() {
    let place = Place::new();
    place
        .write("in.jsonl", four())
        .write("d/a.txt", A)
        .write("d/b.txt", A);
    for output in ["--pairs", "--clusters", "--kept", "--removed", "--rejects"] {
        place.refuses(&format!("in.jsonl {output} ./in.jsonl"), "is also an input");
        place.refuses(&format!("d {output} d/a.txt"), "is also an input");
    }
    place.refuses("d --kept k --removed k/r", "outputs k and k/r overlap");
    fs::create_dir(place.path("k")).unwrap();
    place.refuses("d --kept k --removed k/r", "outputs k and k/r overlap");
    place.refuses(
        "d --kept k --pairs k/p.tsv",
        "outputs k/p.tsv and k overlap",
    );
    assert_eq!(place.run("d --kept k").code, 0);
    assert_eq!(place.read("k/a.txt"), A);
}

#[test]
fn an_input_counts_once() {
    let place = Place::new();
    place
        .write("in.jsonl", "{\"text\": \"a\"}\n")
        .write("d/a.txt", A);
    place.refuses("in.jsonl ./in.jsonl", "the input ./in.jsonl is named twice");
    place.refuses("d d/a.txt", "the input d/a.txt is named twice");
    place.refuses("- -", "the input - is named twice");
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_open_already_is_no_output() {
    let place = Place::new();
    place.write("in.jsonl", four());
    for output in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        place.refuses(
            &format!("in.jsonl --pairs {output}"),
            "is not a file of its own",
        );
    }
}

#[test]
fn ids_are_exact_or_refused() {
    let place = Place::new();
    let record = |id: &str| format!("{{\"id\": {id}, \"text\": \"{A}\"}}\n");
    let whole = record("9007199254740993") + &record("18446744073709551615") + &record("-7");
    place.write("in.jsonl", whole);
    let summary = place.json("in.jsonl");
    assert_eq!(summary["clusters"][0]["kept"], "9007199254740993");
    assert_eq!(
        summary["clusters"][0]["removed"][0]["id"],
        "18446744073709551615"
    );
    for id in ["18446744073709551616", "9007199254740993.0", "1e3"] {
        place.write("in.jsonl", record(id));
        place.fails(
            "in.jsonl",
            "in.jsonl:1: field `id` is a number, not a string or whole number",
        );
    }
}

#[test]
fn files_that_are_plainly_something_else_are_told() {
    let place = Place::new();
    place
        .write("a.json", "{\n  \"text\": \"a\"\n}\n")
        .write("array.json", "[{\"text\": \"a\"}]")
        .write("b.txt.gz", "x")
        .write("d/x.parquet", "PAR1")
        .write("d/a", A);
    place.fails(
        "a.json",
        "a.json: its first line is not one whole JSON object",
    );
    place.fails("array.json", "convert it with jq -c '.[]'");
    place.fails("b.txt.gz", "b.txt.gz: compressed, but neither JSON lines");
    place.fails("d", "d/x.parquet: cannot be read: ");
    let summary = place.json("d --on-bad skip");
    assert_eq!(
        (
            &summary["documents"]["kept"],
            &summary["documents"]["rejected"]
        ),
        (&1.into(), &1.into())
    );
    let ran = place.run("d --on-bad skip");
    assert!(
        ran.out
            .contains("first rejected: d/x.parquet: cannot be read"),
        "{}",
        ran.out
    );
}

/// Records are read twice; a file that is not what it was is named, not the one after it.
#[test]
fn an_input_that_changes_in_between_is_named() {
    let place = Place::new();
    let read = || {
        place
            .write("a.jsonl", four())
            .write("b.jsonl", line("b", A));
        let paths = [place.path("a.jsonl"), place.path("b.jsonl")];
        Corpus::read(&paths, &ReadOptions::new()).unwrap()
    };
    let copy = |corpus: &Corpus| corpus.copy_records(None, |_| None);
    copy(&read()).unwrap();
    for (name, changed) in [
        ("a.jsonl", line("one", A)),
        ("a.jsonl", four() + &line("more", A)),
        (
            "a.jsonl",
            four().replace("hills", "downs").replace("roofs", "lanes"),
        ),
        ("b.jsonl", String::new()),
    ] {
        let corpus = read();
        place.write(name, changed);
        let error = copy(&corpus).unwrap_err();
        assert_eq!(
            error.place().unwrap().file,
            place.path(name).display().to_string()
        );
        assert!(!error.is_setting() && error.to_string().ends_with("changed during the run"));
    }
}
