//! The log of the examples on standard error.

use crate::support::program::{A, B, Place, Ran, example, four, line};
use serde_json::{Value, json};

/// The lines of a log, each an object with an event.
fn events(ran: &Ran) -> Vec<Value> {
    let parse =
        |line| serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    let events: Vec<Value> = ran.err.lines().map(parse).collect();
    assert!(events.iter().all(|event| event["event"].is_string()));
    assert_eq!(events[0]["event"], "start");
    events
}

/// The progress of a log: of each stage in turn what was done, of how much, in which unit.
fn progress(events: &[Value]) -> Vec<(&str, u64, u64, &str)> {
    let lines = events.iter().filter(|event| event["event"] == "progress");
    let told = |line: &'_ Value| {
        assert!(line["per_second"].as_f64().unwrap() > 0.0, "{line}");
        assert!(line["seconds_left"].as_f64().unwrap() >= 0.0, "{line}");
        assert!(line["elapsed"].as_f64().unwrap() >= 0.0, "{line}");
        assert_eq!(line["spilled"], 0, "{line}");
        (
            line["done"].as_u64().unwrap(),
            line["total"].as_u64().unwrap(),
        )
    };
    lines
        .map(|line| {
            let (done, total) = told(line);
            let text = |field: &str| line[field].as_str().unwrap();
            (text("stage"), done, total, text("unit"))
        })
        .collect()
}

#[test]
fn a_log_for_programs_begins_and_ends_and_adds_up() {
    let place = Place::new();
    place.write("in.jsonl", four() + "nonsense\n" + &line("one", B));
    let size = std::fs::metadata(place.path("in.jsonl")).unwrap().len();
    let args = "in.jsonl --threshold 0.7 --on-bad skip --kept k.jsonl";
    let silent = place.run(&format!("{args} --format json --log none"));
    assert_eq!((silent.code, &*silent.err), (0, ""));
    let ran = place.run(&format!("{args} --format json --log json"));
    assert_eq!((ran.code, ran.out.clone()), (0, silent.out), "{}", ran.err);

    let events = events(&ran);
    let [start, .., summary] = &*events else {
        panic!("{events:?}");
    };
    assert_eq!(start["program"], "dedup");
    assert_eq!(start["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(start["settings"]["threshold"], 0.7);
    assert_eq!(start["settings"]["paths"], json!(["in.jsonl"]));
    assert_eq!(start["settings"]["on_bad"], "skip");
    assert_eq!(start["settings"]["normalize"], "nfkc-casefold+apostrophes");
    assert_eq!(summary["event"], "summary");
    let count = |field: &str| summary[field].as_u64().unwrap();
    assert_eq!(
        (count("in"), count("rejected"), count("removed")),
        (6, 2, 2)
    );
    assert_eq!(
        count("in"),
        count("kept") + count("removed") + count("rejected")
    );
    let printed: Value = serde_json::from_str(&ran.out).unwrap();
    for field in ["in", "kept", "removed", "rejected"] {
        assert_eq!(printed["documents"][field], summary[field]);
    }
    assert!(summary["seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(summary["spilled"], 0);

    let told = progress(&events);
    assert_eq!(told.len() + 2, events.len());
    assert_eq!(told[0], ("reading", size, size, "bytes"));
    assert_eq!(told[told.len() - 1], ("writing", 4, 4, "documents"));
    assert!(
        told.contains(&("measuring removals", 2, 2, "documents")),
        "{told:?}"
    );
}

#[test]
fn every_stage_is_told_to_its_end() {
    let place = Place::new();
    let lines: Vec<String> = crate::support::collection(11, 5000)
        .iter()
        .enumerate()
        .map(|(i, text)| line(&i.to_string(), text))
        .collect();
    place.write("in.jsonl", lines.concat());
    for (method, verified) in [("lsh", 2), ("exact", 2)] {
        let args = format!("in.jsonl --method {method} --pairs p.tsv --clusters c.tsv --log json");
        let ran = place.run(&args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let events = events(&ran);
        let ended: Vec<_> = progress(&events)
            .into_iter()
            .filter(|(_, done, total, _)| done == total)
            .map(|(stage, ..)| stage)
            .collect();
        let times = |stage: &str| ended.iter().filter(|&&ended| ended == stage).count();
        for stage in [
            "reading",
            "finding candidates",
            "shingling candidates",
            "measuring removals",
        ] {
            assert_eq!(times(stage), 1, "{method} {stage}: {ended:?}");
        }
        // For the pairs and for the clusters.
        assert_eq!(times("verifying"), verified, "{method}: {ended:?}");
    }
}

#[test]
fn errors_are_events_too() {
    let place = Place::new();
    place.write("in.jsonl", line("a", A) + "nonsense\n");
    for (args, code, told) in [
        ("in.jsonl", 1, "in.jsonl:2: not a JSON record"),
        ("nowhere", 1, "cannot read nowhere"),
        ("in.jsonl --threshold 2", 2, "threshold 2: must be above 0"),
        (
            "in.jsonl --kept in.jsonl",
            2,
            "output in.jsonl is also an input",
        ),
    ] {
        let ran = place.run(&format!("{args} --log json"));
        assert_eq!((ran.code, &*ran.out), (code, ""), "{args}");
        let events = events(&ran);
        let last = events.last().unwrap();
        assert_eq!(last["event"], "error");
        assert_eq!(last["code"], code);
        assert!(
            last["message"].as_str().unwrap().starts_with(told),
            "{last}"
        );
        assert!(!ran.err.contains("summary"), "{}", ran.err);
        // The same for people.
        let message = last["message"].as_str().unwrap();
        for log in ["--log bar", "--log none", ""] {
            let ran = place.run(&format!("{args} {log}"));
            assert_eq!((ran.code, ran.err), (code, format!("error: {message}\n")));
        }
    }
    place.refuses(
        "in.jsonl --log loud",
        "invalid value 'loud' for '--log <LOG>'",
    );
}

#[test]
fn evaluate_tells_the_same_way() {
    let place = Place::new();
    place.write("in.jsonl", four());
    let evaluate = example("evaluate");
    let run = |args: &str| place.run_example(&evaluate, &format!("in.jsonl {args}"), b"");
    let ran = run("--log json");
    let events = events(&ran);
    assert_eq!(events[0]["program"], "evaluate");
    assert_eq!(events[0]["settings"]["from"], 0.3);
    let summary = events.last().unwrap();
    assert_eq!(
        (&summary["event"], &summary["documents"]),
        (&json!("summary"), &json!(4))
    );
    assert_eq!(ran.out, run("").out);
    let ran = run("--threshold 0.1 --log json");
    let error = self::events(&ran).pop().unwrap();
    assert_eq!((ran.code, &error["code"]), (2, &json!(2)));
}

#[cfg(unix)]
#[test]
fn an_interruption_is_told() {
    let place = Place::new();
    let ended = place.interrupted(
        &crate::support::collection(5, 40_000),
        "--pairs p.tsv --log json",
    );
    let told = String::from_utf8(ended.stderr).unwrap();
    let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!(
        last,
        json!({"event": "error", "code": 130, "message": "cancelled"})
    );
}
