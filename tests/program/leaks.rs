//! The example `leaks`: items that are planted in documents, whole, changed and in parts.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::support::Random;
use crate::support::program::{Place, Ran, example, line};
use serde_json::{Value, json};

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example("leaks"))
}

fn run(place: &Place, args: &str) -> Ran {
    place.run_example(program(), args, b"")
}

/// What a run prints that does well.
fn out(place: &Place, args: &str) -> String {
    let ran = run(place, args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args}");
    ran.out
}

fn json(place: &Place, args: &str) -> Value {
    serde_json::from_str(&out(place, &format!("{args} --format json"))).unwrap()
}

fn ends(place: &Place, args: &str, code: i32, told: &str) {
    let before = place.names();
    let ran = run(place, args);
    assert_eq!(ran.code, code, "{args}: {}", ran.err);
    assert!(ran.err.contains(told), "{args}: {}", ran.err);
    assert_eq!(ran.out, "", "{args}");
    assert_eq!(place.names(), before, "{args}: nothing half-written");
}

/// Words that no two calls share.
fn words(start: &str, many: usize) -> Vec<String> {
    (0..many).map(|word| format!("{start}{word}")).collect()
}

fn text(start: &str, many: usize) -> String {
    words(start, many).join(" ")
}

/// Items of 40 words and short ones, and documents that contain them in all ways.
fn planted() -> Place {
    let place = Place::new();
    let items =
        ["verbatim", "changed", "split", "phrase", "clean"].map(|id| line(id, &text(id, 40)));
    let short = [
        line("hidden", "so short"),
        line("alone", "Just three words"),
        line("empty", " … "),
    ];
    place.write("items.jsonl", items.concat() + &short.concat());
    let mut changed = words("changed", 40);
    "other".clone_into(&mut changed[20]);
    let split = words("split", 40);
    let phrase = words("phrase", 40)[7..19].join(" "); // one word too few
    let (own, end) = (text("own", 30), text("end", 30));
    let documents = [
        (
            "d1",
            format!(
                "{own} {}. {end}",
                text("VERBATIM", 40).to_uppercase().replace(' ', ", ")
            ),
        ),
        ("d2", format!("{own} {} {end}", changed.join(" "))),
        ("d3", format!("{own} {}", split[..20].join(" "))),
        ("d4", format!("{} {end}", split[20..].join(" "))),
        ("d5", format!("{own} {phrase} {end} so short")),
        ("d6", "just three words!".to_owned()),
        ("d7", String::new()),
        ("d8", format!("{own} {}", text("verbatim", 39))),
    ];
    let documents = documents.map(|(id, text)| line(id, &text));
    place.write("docs.jsonl", documents.concat());
    place
}

const ARGS: &str = "items.jsonl --in docs.jsonl";

#[test]
fn planted_items_are_found_with_their_places() {
    let place = planted();
    let printed = out(&place, &format!("{ARGS} --matches m.tsv"));
    let table = place.read("m.tsv");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "item",
            "document",
            "containment",
            "words",
            "in_item",
            "in_document"
        ]
    );
    let matches: Vec<_> = rows[1..]
        .iter()
        .map(|row| (row[0], row[1], row[2].parse::<f64>().unwrap(), row[3]))
        .collect();
    let expected = [
        ("verbatim", "d1", 1.0, "40"),
        // Of 36 shingles, a changed word changes 5.
        ("changed", "d2", 31.0 / 36.0, "39"),
        // Each half has 16 shingles, so it is found by its passage alone.
        ("split", "d3", 16.0 / 36.0, "20"),
        ("split", "d4", 16.0 / 36.0, "20"),
        ("alone", "d6", 1.0, "3"),
        ("verbatim", "d8", 35.0 / 36.0, "39"),
    ];
    assert_eq!(matches, expected);
    // The places are those of the words.
    let texts = |file: &str| -> Vec<Value> {
        let file = place.read(file);
        file.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let (items, documents) = (texts("items.jsonl"), texts("docs.jsonl"));
    let cut = |records: &[Value], id: &str, places: &str| -> String {
        let record = records.iter().find(|record| record["id"] == id).unwrap();
        let text = record["text"].as_str().unwrap();
        let parts = places.split(',').map(|place| {
            let (start, end) = place.split_once('-').unwrap();
            &text[start.parse::<usize>().unwrap()..end.parse().unwrap()]
        });
        parts
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase()
            .replace([',', '.', '!'], "")
    };
    for row in &rows[1..] {
        let (item, document) = (cut(&items, row[0], row[4]), cut(&documents, row[1], row[5]));
        let same = item
            .split(' ')
            .filter(|word| document.split(' ').any(|other| other == *word));
        assert_eq!(
            same.count().to_string(),
            row[3],
            "{row:?}: {item} / {document}"
        );
    }
    assert!(
        printed.starts_with("8 items searched in 8 documents of "),
        "{printed}"
    );
    for count in [
        "clean 2 ",
        "leaked in part 2 ",
        "leaked whole 2 ",
        "short 1 ",
        "empty 1 ",
    ] {
        let squeezed = printed.split_whitespace().collect::<Vec<_>>().join(" ") + " ";
        assert!(squeezed.contains(count), "{count}: {printed}");
    }
    assert!(printed.contains("6 matches in 6 documents"), "{printed}");
    assert!(
        printed.contains("  100.0%  verbatim  in d1 at "),
        "{printed}"
    );
    assert!(printed.contains(", and in 1 other documents"), "{printed}");
}

#[test]
fn the_json_names_every_leaked_item() {
    let place = planted();
    let found = json(&place, ARGS);
    let counts = &found["counts"];
    let count = |name: &str| counts[name].as_u64().unwrap();
    let all = ["clean", "part", "whole", "short", "empty"].map(count);
    assert_eq!((all, count("items")), ([2, 2, 2, 1, 1], 8));
    assert_eq!(
        (
            count("documents"),
            count("documents_with_items"),
            count("matches")
        ),
        (8, 6, 6)
    );
    let leaked: Vec<_> = found["leaked"]
        .as_array()
        .unwrap()
        .iter()
        .map(|leaked| {
            (
                leaked["id"].as_str().unwrap(),
                leaked["leaked"].as_str().unwrap(),
                leaked["documents"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        leaked,
        [
            ("verbatim", "whole", 2),
            ("alone", "whole", 1),
            ("changed", "part", 1),
            ("split", "part", 2)
        ]
    );
    assert_eq!(found["leaked"][1]["in_item"], json!([[0, 16]]));
    assert_eq!(found["leaked"][1]["in_document"], json!([[0, 16]]));
    assert_eq!(
        found["settings"],
        json!({"containment": 0.8, "min_words": 13, "shingle": "words:5", "whole": 0.99})
    );
}

#[test]
fn other_rules_find_more_and_less() {
    let place = planted();
    let ids = |args: &str| -> Vec<String> {
        let found = json(&place, &format!("{ARGS} {args}"));
        let leaked = found["leaked"].as_array().unwrap().iter();
        leaked
            .map(|leaked| leaked["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        ids("--min-words 12"),
        ["verbatim", "alone", "changed", "split", "phrase"]
    );
    assert_eq!(
        ids("--containment 0.2 --min-words 1000"),
        ["verbatim", "alone", "changed", "split", "phrase"]
    );
    assert_eq!(
        ids("--containment 1 --min-words 1000"),
        ["verbatim", "alone"]
    );
    assert_eq!(ids("--containment 1 --min-words 21"), ["verbatim", "alone"]);
    // Of words alone, the short items are found wherever they are.
    assert_eq!(
        ids("--shingle words:1 --containment 1"),
        ["verbatim", "hidden", "alone", "changed", "split"]
    );
    assert_eq!(
        ids("--shingle words:1 --containment 1 --min-words 21"),
        ["verbatim", "hidden", "alone"]
    );
}

#[test]
fn formats_fields_and_scripts() {
    let place = Place::new();
    let question =
        "Où l’été commence-t-il, 北京市海淀区中关村大街の近くで, и почему так рано в этом году?";
    place.write(
        "items.csv",
        format!("key,question\nq1,\"{question}\"\nq2,something else that nobody has written\n"),
    );
    place.write(
        "docs/a.txt",
        "Nothing of it is in here, only words that all people use every day.",
    );
    place.write(
        "docs/b.txt",
        format!("ÉTÉ\n{}\nfin", question.to_uppercase().replace('’', "'")),
    );
    let args = "items.csv --in docs --item-text-field question --item-id-field key";
    let found = json(&place, &format!("{args} --matches m.tsv.gz"));
    assert_eq!(found["leaked"][0]["id"], "q1");
    assert_eq!(found["leaked"][0]["document"], "b.txt");
    assert_eq!(found["leaked"][0]["containment"], 1.0);
    let document = place.read("docs/b.txt");
    let place_of =
        |end: usize| found["leaked"][0]["in_document"][0][end].as_u64().unwrap() as usize;
    let passage = &document[place_of(0)..place_of(1)];
    assert!(
        passage.starts_with("OÙ L'ÉTÉ") && passage.ends_with("ГОДУ"),
        "{passage}"
    );
    assert!(place.names().contains("m.tsv.gz"));
    let code = "fn main() { let a = b != c; println!(\"{a}\"); }";
    place
        .write("items/a.rs", code)
        .write("code/b.rs", format!("// A copy.\n{code}\nfn other() {{}}"));
    let found = json(
        &place,
        "items --in code --shingle tokens:5 --normalize none",
    );
    assert_eq!(
        (&found["leaked"][0]["id"], &found["leaked"][0]["leaked"]),
        (&json!("a.rs"), &json!("whole"))
    );
}

#[test]
fn the_answer_does_not_depend_on_threads() {
    let place = Place::new();
    let mut random = Random(3);
    let words = |random: &mut Random, many: usize| -> Vec<String> {
        (0..many)
            .map(|_| format!("w{}", random.below(3000)))
            .collect()
    };
    let items: Vec<Vec<String>> = (0..50).map(|_| words(&mut random, 30)).collect();
    let lines = items
        .iter()
        .enumerate()
        .map(|(id, item)| line(&id.to_string(), &item.join(" ")));
    place.write("items.jsonl", lines.collect::<String>());
    let documents = (0..3000).map(|id| {
        let mut document = words(&mut random, 100);
        if random.below(3) == 0 {
            let (from, many) = (random.below(20), 10 + random.below(15));
            let item = &items[random.below(50)][from..30.min(from + many)];
            document.splice(40..40, item.iter().cloned());
        }
        line(&id.to_string(), &document.join(" "))
    });
    place.write("docs.jsonl", documents.collect::<String>());
    let one = out(&place, &format!("{ARGS} --threads 1 --matches one.tsv"));
    let two = out(&place, &format!("{ARGS} --threads 2 --matches two.tsv"));
    assert_eq!(one, two);
    let table = place.read("one.tsv");
    assert_eq!(table, place.read("two.tsv"));
    // Against brute force: those with 13 words of an item in a row, or 80% of its shingles.
    let texts = |file: &str| -> Vec<Vec<String>> {
        let file = place.read(file);
        let text = |line: &str| {
            serde_json::from_str::<Value>(line).unwrap()["text"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        file.lines()
            .map(|line| text(line).split(' ').map(str::to_owned).collect())
            .collect()
    };
    let mut expected = Vec::new();
    for (id, document) in texts("docs.jsonl").iter().enumerate() {
        for (item, words) in items.iter().enumerate() {
            let has = |run: &[String]| document.windows(run.len()).any(|other| other == run);
            let mut shingles: Vec<&[String]> = words.windows(5).collect();
            shingles.sort_unstable();
            shingles.dedup();
            let shared = shingles.iter().filter(|shingle| has(shingle)).count();
            let is_leak =
                words.windows(13).any(has) || shared as f64 / shingles.len() as f64 >= 0.8;
            if is_leak {
                expected.push((item.to_string(), id.to_string()));
            }
        }
    }
    let rows = table.lines().skip(1).map(|row| {
        let mut cells = row.split('\t');
        (
            cells.next().unwrap().to_owned(),
            cells.next().unwrap().to_owned(),
        )
    });
    assert!(expected.len() > 200);
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}

#[test]
fn bad_input_is_an_error_that_says_what_to_do() {
    let place = planted();
    place
        .write("none.jsonl", "")
        .write("bad.jsonl", line("a", "one two") + "nonsense\n");
    for (args, code, told) in [
        ("", 2, "required"),
        ("items.jsonl", 2, "--in"),
        (
            "none.jsonl --in docs.jsonl",
            1,
            "there are no items: the files contain no records",
        ),
        (
            "bad.jsonl --in docs.jsonl",
            1,
            "bad.jsonl:2: not a JSON record",
        ),
        (
            "items.jsonl --in bad.jsonl",
            1,
            "bad.jsonl:2: not a JSON record",
        ),
        (
            "items.jsonl --in bad.jsonl --matches m.tsv",
            1,
            "bad.jsonl:2: not a JSON record",
        ),
        (
            "nowhere.jsonl --in docs.jsonl",
            1,
            "cannot read nowhere.jsonl",
        ),
        (
            "items.jsonl --in nowhere.jsonl",
            1,
            "cannot read nowhere.jsonl",
        ),
        (
            "items.jsonl --in docs.jsonl --containment 0",
            2,
            "containment 0: must be above 0 and at most 1",
        ),
        (
            "items.jsonl --in docs.jsonl --containment -1",
            2,
            "containment -1: must be above 0",
        ),
        (
            "items.jsonl --in docs.jsonl --containment 1.5",
            2,
            "containment 1.5: must be above 0",
        ),
        (
            "items.jsonl --in docs.jsonl --min-words 4",
            2,
            "--min-words 4: must be at least 5, the size of a shingle",
        ),
        (
            "items.jsonl --in docs.jsonl --min-words 65536",
            2,
            "n must be from 1 to 65535",
        ),
        (
            "items.jsonl --in docs.jsonl --shingle chars:5",
            2,
            "use words:N or tokens:N",
        ),
        (
            "items.jsonl --in docs.jsonl --matches items.jsonl",
            2,
            "output items.jsonl is also an input",
        ),
        (
            "items.jsonl --in docs.jsonl --matches docs.jsonl",
            2,
            "output docs.jsonl is also an input",
        ),
        ("items.jsonl --in docs.jsonl --matches no/m.tsv", 1, "no"),
        (
            "items.jsonl --in docs.jsonl --text-field body",
            1,
            "items.jsonl:1",
        ),
    ] {
        ends(&place, args, code, told);
    }
}

#[test]
fn bad_records_of_documents_can_be_skipped() {
    let place = planted();
    place.write(
        "bad.jsonl",
        place.read("docs.jsonl") + "nonsense\n" + &line("d1", "again"),
    );
    let printed = out(&place, "items.jsonl --in bad.jsonl --on-bad skip");
    assert!(
        printed.contains("1 bad records were skipped; the first: bad.jsonl:9: not a JSON record"),
        "{printed}"
    );
    assert!(printed.contains("searched in 9 documents"), "{printed}");
}

#[test]
fn the_log_begins_and_ends() {
    let place = planted();
    let ran = run(&place, &format!("{ARGS} --log json"));
    let events: Vec<Value> = ran
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (&events[0]["event"], &events[0]["program"]),
        (&json!("start"), &json!("leaks"))
    );
    assert_eq!(events[0]["settings"]["in"], json!(["docs.jsonl"]));
    let summary = events.last().unwrap();
    assert_eq!(
        (&summary["event"], &summary["matches"]),
        (&json!("summary"), &json!(6))
    );
    assert_eq!(ran.out, out(&place, ARGS));
}
