//! Which copies the example `dedup` keeps, and the reasons that it reports.

use std::cmp::Ordering;

use crate::support::program::{A, B, Place, four};
use proptest::prelude::*;
use resemblance::corpus::{
    Corpus, Job, KeepBy, KeepPolicy, Outputs, Preference, ReadOptions, Sinks, Sources,
};
use resemblance::{Deduper, Keep, Run};
use serde_json::{Value, json};

/// Copies of one text, each with fields of its own besides.
fn copies(place: &Place, records: &[Value]) {
    let line = |(number, fields): (usize, &Value)| {
        let mut record = json!({"id": (number + 1).to_string(), "text": A});
        let fields = fields.as_object().unwrap().clone();
        record.as_object_mut().unwrap().extend(fields);
        format!("{record}\n")
    };
    let lines: String = records.iter().enumerate().map(line).collect();
    place.write("in.jsonl", lines);
}

/// The rows of `--clusters` as id and reason.
fn decided(place: &Place, args: &str) -> Vec<[String; 2]> {
    let ran = place.run(&format!("in.jsonl --clusters c.tsv {args}"));
    assert_eq!(ran.code, 0, "{args}: {}", ran.err);
    let table = place.read("c.tsv");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        assert_eq!(cells.len(), 5, "{line}");
        [cells[0].to_owned(), cells[4].to_owned()]
    };
    assert_eq!(row(table.lines().next().unwrap()), ["id", "reason"]);
    table.lines().skip(1).map(row).collect()
}

fn is_decided(place: &Place, args: &str, expected: &[(&str, &str)]) {
    for mode in ["components", "leader"] {
        let decided = decided(place, &format!("{args} --cluster {mode}"));
        let decided: Vec<(&str, &str)> = decided.iter().map(|[id, why]| (&**id, &**why)).collect();
        assert_eq!(decided, expected, "{args} {mode}");
    }
}

#[test]
fn greatest_and_least_values_of_a_field() {
    let place = Place::new();
    copies(
        &place,
        &[
            json!({"score": 3, "day": "2024-02-01"}),
            json!({"score": 10, "day": "2024-10-01"}),
            json!({"score": -1.5, "day": "2024-01-31"}),
        ],
    );
    is_decided(
        &place,
        "--keep max:score",
        &[
            ("2", "kept"),
            ("1", "max score: 10 > 3"),
            ("3", "max score: 10 > -1.5"),
        ],
    );
    is_decided(
        &place,
        "--keep min:score",
        &[
            ("3", "kept"),
            ("1", "min score: -1.5 < 3"),
            ("2", "min score: -1.5 < 10"),
        ],
    );
    is_decided(
        &place,
        "--keep max:day",
        &[
            ("2", "kept"),
            ("1", "max day: 2024-10-01 > 2024-02-01"),
            ("3", "max day: 2024-10-01 > 2024-01-31"),
        ],
    );
    let told = "keep `max:x`: no record has a field `x`: check its name";
    place.refuses("in.jsonl --keep max:x", told);
    place.refuses("in.jsonl --keep max:x --memory 64MiB", told);
    copies(&place, &[json!({"x": 1}), json!({"x": true})]);
    place.fails(
        "in.jsonl --keep max:x",
        "in.jsonl:2: field `x` is a boolean, not a number or string",
    );
}

#[test]
fn records_without_the_field_to_keep_by_come_last() {
    let place = Place::new();
    copies(
        &place,
        &[
            json!({}),
            json!({"n": 2}),
            json!({"n": null}),
            json!({"n": 1}),
        ],
    );
    for (args, expected) in [
        (
            "--keep max:n",
            [
                "max n: 2 before missing",
                "max n: 2 before missing",
                "max n: 2 > 1",
            ],
        ),
        (
            "--keep min:n",
            [
                "min n: 1 before missing",
                "min n: 1 < 2",
                "min n: 1 before missing",
            ],
        ),
    ] {
        let kept = if args.contains("max") { "2" } else { "4" };
        for memory in ["", " --memory 64MiB"] {
            let decided = decided(&place, &format!("{args}{memory}"));
            assert_eq!(decided[0], [kept, "kept"]);
            let reasons: Vec<&str> = decided[1..].iter().map(|[_, why]| &**why).collect();
            assert_eq!(reasons, expected, "{args}{memory}");
        }
    }
}

#[test]
fn ties_go_by_the_order_of_the_documents() {
    let place = Place::new();
    copies(
        &place,
        &[json!({"n": 2}), json!({"n": 2.0}), json!({"n": 1})],
    );
    let first = [("1", "kept"), ("2", "first"), ("3", "first")];
    is_decided(&place, "", &first);
    is_decided(&place, "--keep longest", &first);
    is_decided(&place, "--prefer nowhere=a,b", &first);
    is_decided(
        &place,
        "--keep max:n",
        &[("1", "kept"), ("2", "first"), ("3", "max n: 2 > 1")],
    );
}

#[test]
fn the_longest_text_counts_neither_white_space_nor_ways_to_write_a_letter() {
    let place = Place::new();
    let text = format!("caf\u{e9} {A}");
    let decomposed = format!("cafe\u{301}   {A}  \u{2003}\n\u{ad}");
    copies(
        &place,
        &[
            json!({"text": text}),
            json!({"text": decomposed}),
            json!({"text": format!("{text}!")}),
        ],
    );
    let short = text.chars().filter(|c| !c.is_whitespace()).count();
    let told = format!("longer: {} > {short} characters", short + 1);
    is_decided(
        &place,
        "--keep longest",
        &[("3", "kept"), ("1", &told), ("2", &told)],
    );
}

#[test]
fn numbers_come_before_strings() {
    let place = Place::new();
    copies(
        &place,
        &[json!({"n": 7}), json!({"n": "7"}), json!({"n": ""})],
    );
    is_decided(
        &place,
        "--keep min:n",
        &[
            ("1", "kept"),
            ("2", "min n: 7 < \"7\""),
            ("3", "min n: 7 < \"\""),
        ],
    );
    is_decided(
        &place,
        "--keep max:n",
        &[
            ("2", "kept"),
            ("1", "max n: \"7\" > 7"),
            ("3", "max n: 7 > \"\""),
        ],
    );
}

#[test]
fn preferred_values_come_first() {
    let place = Place::new();
    copies(
        &place,
        &[
            json!({"source": "blog", "date": "2024-05-31"}),
            json!({"source": "web", "date": "2024-05-30"}),
            json!({"source": "gov", "date": "2023-01-01"}),
            json!({"date": "2024-06-01"}),
            json!({"source": "gov", "date": "2023-01-02"}),
        ],
    );
    is_decided(
        &place,
        "--prefer source=gov,web --keep max:date",
        &[
            ("5", "kept"),
            ("1", "prefer source: gov before unlisted"),
            ("2", "prefer source: gov before web"),
            ("3", "max date: 2023-01-02 > 2023-01-01"),
            ("4", "prefer source: gov before unlisted"),
        ],
    );
    is_decided(
        &place,
        "--prefer source=web",
        &[
            ("2", "kept"),
            ("1", "prefer source: web before unlisted"),
            ("3", "prefer source: web before unlisted"),
            ("4", "prefer source: web before unlisted"),
            ("5", "prefer source: web before unlisted"),
        ],
    );
    // None has a value that is listed.
    assert_eq!(decided(&place, "--prefer source=Gov")[0], ["1", "kept"]);
}

#[test]
fn one_field_in_several_roles() {
    let place = Place::new();
    copies(
        &place,
        &[
            json!({"id": 10, "n": 1}),
            json!({"id": 9, "n": 2}),
            json!({"id": 7, "n": 2}),
        ],
    );
    is_decided(
        &place,
        "--prefer n=2,1 --keep min:n",
        &[
            ("9", "kept"),
            ("10", "prefer n: 2 before 1"),
            ("7", "first"),
        ],
    );
    is_decided(
        &place,
        "--keep max:id",
        &[
            ("10", "kept"),
            ("9", "max id: 10 > 9"),
            ("7", "max id: 10 > 7"),
        ],
    );
    is_decided(
        &place,
        "--prefer id=7",
        &[
            ("7", "kept"),
            ("10", "prefer id: 7 before unlisted"),
            ("9", "prefer id: 7 before unlisted"),
        ],
    );
    let decided = decided(&place, "--prefer text=x --keep max:text");
    assert_eq!(decided[0], ["10", "kept"]);
    assert_eq!(decided[1], ["9", "first"]);
}

#[test]
fn reasons_stay_on_their_line_and_are_in_every_output() {
    let place = Place::new();
    copies(
        &place,
        &[json!({"k\te": "a\n\u{1b}"}), json!({"k\te": "b\\c"})],
    );
    let of = KeepPolicy::new(KeepBy::Max("k\te".to_owned()));
    let path = [place.path("in.jsonl")];
    let sources = Sources::find(&path).unwrap();
    let mut outputs = Outputs::new(&sources);
    let table = outputs.stage_table(place.path("c.tsv")).unwrap();
    let corpus = Corpus::read(&path, &ReadOptions::new().keep(of)).unwrap();
    let order = corpus.keep_order();
    let run = Run::new().keep_by(&order);
    let clusters = Deduper::new()
        .try_clusters(corpus.documents(), &run)
        .unwrap();
    table
        .clusters(&clusters, corpus.ids(), |r| corpus.keep_reason(r))
        .unwrap();
    outputs.commit().unwrap();
    let told = "1\t1\t2\t1\tmax k\\te: b\\\\c > a\\n\\u{1b}\n";
    assert!(
        place.read("c.tsv").ends_with(told),
        "{}",
        place.read("c.tsv")
    );

    copies(&place, &[json!({"n": "a\u{1b}"}), json!({"n": "b"})]);
    let summary = place.json("in.jsonl --keep max:n --prefer m=x,y");
    assert_eq!(
        summary["clusters"][0]["removed"][0]["reason"],
        "max n: b > a\u{1b}"
    );
    assert_eq!(summary["settings"]["keep"], "max:n");
    assert_eq!(summary["settings"]["prefer"], "m=x,y");
    let text = place.run("in.jsonl --keep max:n").out;
    assert!(text.contains("  of kept in it  reason\n"), "{text}");
    assert!(text.contains("%  max n: b > a\\u{1b}\n"), "{text}");
    let text = place.run("in.jsonl").out;
    assert!(!text.contains("reason"), "{text}");
    let summary = place.json("in.jsonl");
    assert_eq!(summary["clusters"][0]["removed"][0]["reason"], "first");
    assert_eq!(summary["settings"]["prefer"], Value::Null);
}

#[test]
fn text_files_have_length_but_no_fields() {
    let place = Place::new();
    place.write("d/1", A).write("d/2", format!("{A}..")).write(
        "d/3.jsonl",
        format!("{}\n", json!({"id": "3", "text": A, "s": "web"})),
    );
    let kept = |args: &str| place.json(&format!("d {args}"))["clusters"][0]["kept"].clone();
    assert_eq!(kept(""), "1");
    assert_eq!(kept("--keep longest"), "2");
    assert_eq!(kept("--prefer s=web --keep longest"), "3");
    assert_eq!(kept("--keep max:s"), "3");
    place.refuses("d --keep max:date", "no record has a field `date`");
}

#[test]
fn records_that_are_rejected_take_their_values_along() {
    let place = Place::new();
    copies(
        &place,
        &[
            json!({"n": 5, "text": 1}),
            json!({"n": 1}),
            json!({"n": true}),
            json!({"n": 9, "id": "2"}),
            json!({"n": 2}),
            json!({"n": 3, "text": B}),
        ],
    );
    is_decided(
        &place,
        "--on-bad skip --keep max:n",
        &[("5", "kept"), ("2", "max n: 2 > 1")],
    );
}

#[test]
fn another_order_is_told() {
    let place = Place::new();
    copies(&place, &[json!({}), json!({"text": format!("{A}.")})]);
    let options = ReadOptions::new().keep(KeepPolicy::new(KeepBy::Longest));
    let corpus = Corpus::read(&[place.path("in.jsonl")], &options).unwrap();
    let clusters = Deduper::new()
        .try_clusters(corpus.documents(), &Run::new())
        .unwrap();
    let reason = corpus.keep_reason(&clusters.removed()[0]).to_string();
    assert_eq!(reason, "another order");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The order of a corpus is that of its records' fields, by its definition.
    #[test]
    fn the_order_is_that_of_the_records(
        records in prop::collection::vec((prop::option::of(0usize..4), -2i32..3, 0i32..3), 1..12),
        by in 0usize..4,
        prefers: bool,
    ) {
        let sources = ["b", "a", "d", "c"];
        let place = Place::new();
        let lines = records.iter().map(|&(source, n, more)| {
            let text = format!("{A}{}", "!".repeat(more as usize));
            let mut record = json!({"text": text, "n": n});
            if let Some(source) = source {
                record["source"] = json!(sources[source]);
            }
            record
        });
        copies(&place, &lines.collect::<Vec<_>>());
        let field = || "n".to_owned();
        let kinds = [KeepBy::First, KeepBy::Longest, KeepBy::Max(field()), KeepBy::Min(field())];
        let mut policy = KeepPolicy::new(kinds[by].clone());
        if prefers {
            policy = policy.prefer(Preference::new("source", ["b", "a", "d"]));
        }
        let options = ReadOptions::new().keep(policy);
        let corpus = Corpus::read(&[place.path("in.jsonl")], &options).unwrap();
        let order = corpus.keep_order();
        let key = |document: usize| {
            let (source, n, more) = records[document];
            let rank = if prefers { source.unwrap_or(3).min(3) } else { 0 };
            let by = [0, -more, -n, n][by];
            (rank, by, document)
        };
        for a in 0..records.len() {
            for b in 0..records.len() {
                prop_assert_eq!(order(a, b), key(a).cmp(&key(b)));
            }
            prop_assert_eq!(order(a, a), Ordering::Equal);
        }
    }
}

#[test]
fn a_job_refuses_a_rule_of_the_deduper_that_its_options_do_not_share() {
    let place = Place::new();
    place.write("in.jsonl", four());
    let deduper = Deduper::builder().keep(Keep::Longest).build().unwrap();
    let run = |options: ReadOptions| {
        let sources = Sources::find(&[place.path("in.jsonl")]).unwrap();
        Job::new(&deduper, options).run(sources, &Sinks::new(), None)
    };
    let error = run(ReadOptions::new()).unwrap_err().to_string();
    assert!(error.contains("set ReadOptions::keep"), "{error}");
    assert!(run(ReadOptions::new().keep(KeepPolicy::new(KeepBy::Longest))).is_ok());
}
