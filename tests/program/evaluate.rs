//! The example `evaluate`.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::support::program::{Place, Ran, example, line};

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example("evaluate"))
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

fn ends(place: &Place, args: &str, code: i32, told: &str) {
    let before = place.names();
    let ran = run(place, args);
    assert_eq!(ran.code, code, "{args}: {}", ran.err);
    assert!(ran.err.contains(told), "{args}: {}", ran.err);
    assert_eq!(ran.out, "", "{args}");
    assert_eq!(place.names(), before, "{args}: nothing half-written");
}

/// The fields of the first line that begins with `start`.
fn fields<'o>(out: &'o str, start: &str) -> Vec<&'o str> {
    let line = out.lines().find(|line| line.trim().starts_with(start));
    let line = line.unwrap_or_else(|| panic!("no line begins with {start}:\n{out}"));
    line.split_whitespace().collect()
}

/// By single words: one-two 4/5, one-three 3/4, four-five 2/3, two-three 3/5, four-six 1/2, five-six 1/3.
const TREES: [(&str, &str); 8] = [
    ("one", "ash oak elm fir"),
    ("two", "ash oak elm fir yew"),
    ("three", "ash oak elm"),
    ("four", "rye oat"),
    ("five", "rye oat barley"),
    ("six", "rye"),
    ("seven", "salt"),
    ("eight", "pepper"),
];

/// Three of the pairs, and one that shares no word.
const LABELS: &str = "id_a\tid_b\none\ttwo\nthree\tone\nthree\ttwo\nseven\teight\n";

fn trees() -> Place {
    let place = Place::new();
    let lines: String = TREES.iter().map(|(id, text)| line(id, text)).collect();
    place.write("t.jsonl", lines).write("l.tsv", LABELS);
    place
}

const LABELLED: &str = "t.jsonl --labels l.tsv";
const SCORED: &str = "t.jsonl --labels l.tsv --shingle words:1 --step 0.1";

#[test]
fn numbers_are_those_of_the_definition() {
    let out = out(&trees(), SCORED);
    for row in [
        "0.30 6 3 0.500 0.750 0.600 0.200",
        "0.40 5 3 0.600 0.750 0.667 0.200",
        "0.50 5 3 0.600 0.750 0.667 0.200",
        "0.60 4 3 0.750 0.750 0.750 0.250 best of these",
        "0.70 2 2 1.000 0.500 0.667 0.400",
        "0.80 1 1 1.000 0.250 0.400 0.250",
        "0.90 0 0 - 0.000 0.000 0.000",
        "1.00 0 0 - 0.000 0.000 0.000",
    ] {
        let expected: Vec<&str> = row.split(' ').collect();
        assert_eq!(fields(&out, &row[..4]), expected);
    }
    let best = "best F1 0.750 at 0.6: precision 0.750, recall 0.750; 4 pairs, 3 of them labelled";
    assert!(out.contains(best), "{out}");
    let best =
        "best story F1 0.400 at 0.7: precision 1.000, recall 0.500; 2 pairs, 2 of them labelled";
    assert!(out.contains(best), "{out}");
    assert!(out.contains("4 labelled pairs in 2 stories."), "{out}");
    assert!(out.contains("Labelled pairs below 0.3: 1;"), "{out}");
    assert!(out.contains("Go on with: dedup --shingle words:1 --threshold 0.6\n"));
}

#[test]
fn the_best_threshold_may_lie_between_those_of_the_table() {
    let out = out(
        &trees(),
        &format!("{LABELLED} --shingle words:1 --from 0.5 --step 0.5"),
    );
    assert_eq!(fields(&out, "0.50").len(), 7 + 3, "best of these");
    // 3/5, and the next pair is at 1/2.
    assert!(out.contains("best F1 0.750 at 0.6:"), "{out}");
    assert!(!out.contains("a lower --from"), "{out}");
}

#[test]
fn tells_where_a_lower_threshold_may_be_better() {
    let place = trees();
    let out = |args: &str| out(&place, &format!("{SCORED} {args}"));
    let told = out("--from 0.6");
    assert!(told.contains("best F1 0.750 at 0.6:"), "{told}");
    assert!(told.contains("a lower --from may give a better one"));
    assert!(told.contains("Just below 0.6; below 0.6 only labelled pairs are known"));
    let summary = out("--from 0.6 --summary");
    assert_eq!(fields(&summary, "words:1")[2], "0.6*");
    let none = out("--from 0.9");
    assert!(none.contains("No labelled pair is found at 0.9 or above."));
    assert!(none.contains("Labelled pairs below 0.9: 4;"), "{none}");
}

#[test]
fn shows_the_pairs_next_to_the_threshold() {
    let place = trees();
    let shown = out(&place, &format!("{SCORED} --shown 1"));
    let (_, shown) = shown.split_once("At 0.6 and just above\n").unwrap();
    let expected = "\n  0.600  labelled, 60.0% of A in B, 100.0% of B in A\
                    \n    A  two\n       ash oak elm fir yew\
                    \n    B  three\n       ash oak elm\n\
                    \nJust below 0.6\n\
                    \n  0.500  not labelled, 50.0% of A in B, 100.0% of B in A\
                    \n    A  four\n       rye oat\
                    \n    B  six\n       rye\n";
    assert!(shown.starts_with(expected), "{shown}");

    let asked = out(&place, &format!("{SCORED} --shown 1 --threshold 0.667"));
    // 2/3 lies below: it must not look as if it did not.
    assert!(asked.contains("\n  0.6667  not labelled, 100.0% of A in B, 66.7%"));
    assert!(asked.contains("     F1 0.667 at 0.667: precision 1.000, recall 0.500; 2 pairs, 2"));
}

#[test]
fn excerpts_begin_where_texts_part() {
    let place = Place::new();
    let words: Vec<String> = (0..99).map(|n| format!("word{n} ")).collect();
    let same = words.concat();
    let a = format!("{same}\n,then\ta \u{1b}[31mred\u{7} house {same}");
    let b = format!("{}then a blue house {same}", same.to_uppercase());
    place.write("t.jsonl", line("a", &a) + &line("b", &b));
    let out = out(&place, "t.jsonl --shingle words:2 --excerpt 40");
    assert!(out.contains("\n       … ,then a [31mred house word0 word1 word2…\n"));
    assert!(out.contains("\n       …98 then a blue house word0 word1 word2 w…\n"));
}

#[test]
fn labels_may_come_in_any_order_and_twice() {
    let place = trees();
    let first = out(&place, SCORED);
    let twice = "one\ttwo\r\ntwo\tone\none\tthree\ntwo\tthree\nthree\ttwo\neight\tseven";
    place.write("l.tsv", twice);
    assert_eq!(out(&place, SCORED), first);
}

#[test]
fn says_what_is_wrong_with_labels() {
    let place = trees();
    let fails = |labels: &[u8], told: &str| {
        place.write("l.tsv", labels);
        ends(&place, &format!("{SCORED} --plot p.svg"), 1, told);
    };
    fails(
        b"one\ttwo\none\tnine\n",
        "error: l.tsv:2: no document has the id `nine`",
    );
    fails(b"one two\n", "l.tsv:1: `one two` must be two ids");
    fails(b"one\ttwo\t1.0\n", "and has 3 fields");
    fails(b"one\ttwo\n\n", "l.tsv:2: `` must be two ids");
    fails(
        b"id_a\tid_b\nsix\tsix\n",
        "l.tsv:2: pairs `six` with itself",
    );
    fails(
        b"one\ttwo\nid_a\tid_b\n",
        "l.tsv:2: no document has the id `id_a`",
    );
    fails(b"one\ttw\xff\n", "l.tsv:1: is not UTF-8");
    fails(b"id_a\tid_b\n", "l.tsv: holds no pair");
    let labels = "t.jsonl --labels none.tsv";
    ends(&place, labels, 1, "cannot read none.tsv: No such file");
}

#[test]
fn refuses_what_cannot_be() {
    let place = trees();
    let refuses = |args: &str, told: &str| ends(&place, args, 2, told);
    refuses("t.jsonl --from 0", "must be from 0.001 to 1");
    refuses("t.jsonl --from 0.0001", "must be from 0.001 to 1");
    refuses("t.jsonl --step 2", "must be from 0.001 to 1");
    refuses("t.jsonl --threshold 1.5", "must be a number above 0");
    refuses("t.jsonl --threshold 0.2", "is below --from 0.3");
    refuses("t.jsonl --shingle words:1,x", "invalid value 'x'");
    refuses("t.jsonl --method x", "invalid value 'x'");
    refuses("t.jsonl --plot p.svg", "--labels");
    refuses("t.jsonl --recall 2", "recall 2: must be");
    refuses(
        "t.jsonl --labels l.tsv --plot l.tsv",
        "--labels and --plot must be different files",
    );
    refuses("t.jsonl --labels l.tsv --plot t.jsonl", "is also an input");
    ends(&place, "none.jsonl", 1, "none.jsonl");
}

#[test]
fn without_labels_every_pair_is_in_one_range() {
    let place = Place::new();
    let texts = crate::support::collection(7, 300);
    let lines = texts.iter().enumerate();
    let lines: String = lines
        .map(|(i, text)| line(&format!("d{i}"), text))
        .collect();
    place.write("t.jsonl", lines);
    let args = "t.jsonl --shingle words:2 --from 0.25 --step 0.25 --shown 2";
    let told = out(&place, args);
    let number = |field: &str| field.replace(',', "").parse::<usize>().unwrap();
    let mut in_all = 0;
    for range in ["1.00", "0.75 to 1.00", "0.50 to 0.75", "0.25 to 0.50"] {
        let fields = fields(&told, range);
        let counts = &fields[range.split(' ').count()..];
        let pairs = number(counts[0]);
        assert!(pairs > 2);
        in_all += pairs;
        assert_eq!(number(counts[1]), in_all);
        let sample = format!("\n{range}: 2 of {} pairs\n", counts[0]);
        assert!(told.contains(&sample), "{told}");
    }
    let deduper = resemblance::Deduper::builder()
        .threshold(0.25)
        .shingle(resemblance::Shingle::Words(2))
        .method(resemblance::Method::Exact)
        .build()
        .unwrap();
    assert_eq!(in_all, deduper.pairs(&texts).len());
    assert!(told.contains("Go on with: dedup --shingle words:2 --threshold 0.8\n"));
    assert!(!told.contains("labelled"), "{told}");

    let one = out(&place, &format!("{args} --threads 1"));
    let four = out(&place, &format!("{args} --threads 4"));
    assert!(one == told && four == told);
}

#[test]
fn several_shingles_end_in_a_summary() {
    let place = trees();
    let told = out(
        &place,
        &format!("{LABELLED} --shingle words:1,words:2 --from 0.5"),
    );
    assert!(told.contains("Rule words:1\n") && told.contains("Rule words:2\n"));
    let (_, summary) = told.split_once("\nSummary\n\n").unwrap();
    let row = ["words:1", "0.750", "0.6", "0.750", "0.750"];
    let rest = ["0.400", "0.7", "0.667", "0.400", "5"];
    assert_eq!(fields(summary, "words:1"), [row, rest].concat());
    // By two words: one-two 3/4, one-three 2/3, two-three and four-five 1/2.
    let row = ["words:2", "0.750", "0.5*", "0.750", "0.750"];
    let rest = ["0.400", "0.6", "0.750", "0.000", "4"];
    assert_eq!(fields(summary, "words:2"), [row, rest].concat());

    let alone = out(
        &place,
        &format!("{LABELLED} --shingle words:1,words:2 --from 0.5 --summary"),
    );
    assert!(alone.ends_with(summary) && !alone.contains("Rule"));
    let unlabelled = out(&place, "t.jsonl --shingle words:1 --from 0.6 --summary");
    assert_eq!(
        fields(&unlabelled, "words:1"),
        ["words:1", "-", "2", "1", "0", "4"]
    );
}

#[test]
fn draws_the_curves() {
    let place = trees();
    let draw = |args: &str| {
        out(&place, &format!("{LABELLED} --plot p.svg {args}"));
        place.read("p.svg")
    };
    let svg = draw("--shingle words:1");
    assert!(
        svg.starts_with("<svg") && svg.ends_with("</svg>\n"),
        "{svg}"
    );
    for name in ["precision", "recall", "F1", "story F1", "threshold"] {
        assert!(svg.contains(name), "{name}");
    }
    let lines = |svg: &str| {
        let lines = svg.matches("<polyline");
        let drawn = svg.matches("stroke-width=\"2\"");
        (lines.count(), drawn.count())
    };
    // Each of the four, and its mark beside its name.
    assert!(lines(&svg).0 >= 4 && lines(&svg).1 == 8, "{svg}");
    let several = draw("--shingle words:1,words:2 --summary");
    assert!(several.contains("words:1") && several.contains("words:2"));
    assert_eq!(lines(&several).1, 4);
    assert_eq!(draw("--shingle words:1 --threads 3"), svg);
    assert_eq!(place.names().len(), 3, "{:?}", place.names());
    draw("--from 1");
}

#[test]
fn clusters_of_a_chain() {
    let place = Place::new();
    let mut lines = String::new();
    // Each shares 9 of 11 words with the next, and 8 of 12 with the one after.
    for first in 0..5 {
        let words: Vec<String> = (first..first + 10).map(|n| format!("w{n}")).collect();
        write!(lines, "{}", line(&format!("d{first}"), &words.join(" "))).unwrap();
    }
    place.write("t.jsonl", lines);
    for method in ["exact", "lsh"] {
        let args = format!("t.jsonl --shingle words:1 --clusters --method {method}");
        let told = out(&place, &args);
        let (_, told) = told.split_once("Clusters,").unwrap();
        assert_eq!(
            fields(told, "0.80  components"),
            ["0.80", "components", "1", "5", "4", "3"]
        );
        assert_eq!(
            fields(told, "0.80  leader"),
            ["0.80", "leader", "2", "2", "2", "0"]
        );
        assert_eq!(
            fields(told, "0.90  leader"),
            ["0.90", "leader", "0", "0", "0", "0"]
        );
    }
}

#[test]
fn who_has_read_enough_may_go() {
    let place = trees();
    let mut child = Command::new(program())
        .args(SCORED.split_whitespace())
        .current_dir(place.0.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.stderr.is_empty());
}

#[test]
fn text_files_have_their_paths_as_ids() {
    let place = Place::new();
    for (id, text) in TREES {
        place.write(&format!("trees/{id}.txt"), text);
    }
    place.write("l.tsv", "one.txt\ttwo.txt\n");
    let told = out(&place, "trees --shingle words:1 --labels l.tsv --summary");
    assert_eq!(fields(&told, "words:1")[..3], ["words:1", "1.000", "0.8"]);
    let bytes = out(&place, "trees --shingle bytes:3 --summary");
    assert_eq!(fields(&bytes, "bytes:3").len(), 6);
}
