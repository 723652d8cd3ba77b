//! The example `dedup` with texts in several fields and at paths, and with ids that repeat in several files.

use crate::rows::{Column, Table, text};
use crate::support::program::{A, B, Place, line};
use resemblance::corpus::{Corpus, ReadOptions};
use resemblance::text::{Content, Document, ReadBuffer};
use serde_json::json;

/// Some texts, each in parts, and whole.
struct Parted {
    parts: Vec<Vec<String>>,
    whole: Vec<String>,
}

impl Parted {
    fn new(seed: u64, documents: usize) -> Self {
        let mut random = crate::support::Random(seed);
        let parts: Vec<Vec<String>> = crate::support::collection(seed, documents)
            .iter()
            .map(|text| {
                let words: Vec<&str> = text.split(' ').collect();
                let parts = words.chunks(1 + random.below(9));
                parts.map(|words| words.join(" ")).collect()
            })
            .collect();
        let whole = parts.iter().map(|parts| parts.join("\n")).collect();
        Self { parts, whole }
    }

    /// One field with the whole text, by which the others are judged.
    fn plain(&self) -> String {
        let lines = self.whole.iter().enumerate();
        lines
            .map(|(id, text)| line(&id.to_string(), text))
            .collect()
    }

    /// The first part, and the others.
    fn head_and_rest(&self) -> impl Iterator<Item = (String, String)> {
        let split = |parts: &Vec<String>| (parts[0].clone(), parts[1..].join("\n"));
        self.parts.iter().map(split)
    }

    fn title_and_body(&self) -> String {
        let lines = self.head_and_rest().enumerate();
        let record = |(id, (title, body)): (usize, (String, String))| match id % 2 {
            0 => json!({"body": body, "id": id, "x": {"title": title}}),
            // An empty part and one that is missing are the same.
            _ if body.is_empty() => json!({"id": id, "x": {"title": title, "body": "no"}}),
            _ => json!({"id": id, "x": {"title": title}, "body": body}),
        };
        lines_of(lines.map(record))
    }

    fn chats(&self) -> String {
        let message = |part: &String| json!({"role": "user", "content": part});
        let lines = self.parts.iter().enumerate();
        let record = |(id, parts): (usize, &Vec<String>)| {
            let mut messages: Vec<_> = parts.iter().map(message).collect();
            messages.insert(id % messages.len(), json!({"content": null}));
            json!({"id": id, "messages": messages})
        };
        lines_of(lines.map(record))
    }

    fn csv(&self) -> String {
        let rows = self.head_and_rest().enumerate();
        let rows = rows.map(|(id, (title, body))| format!("{title},{id},\"{body}\"\n"));
        ["x.title,id,body\n".to_owned()]
            .into_iter()
            .chain(rows)
            .collect()
    }

    fn ids(&self) -> Column {
        text((0..self.parts.len()).map(|id| id.to_string()))
    }

    /// Columns in groups, in small pages and row groups.
    fn groups(&self) -> Vec<u8> {
        let schema = "message m {
            optional group x { required int64 n; optional binary title (STRING); }
            required binary id (STRING);
            optional binary body (STRING);
        }";
        let numbers = (0..).take(self.parts.len()).map(Some);
        let title = |(title, _)| vec![(2, 0, Some(title))];
        let titles = Column::Levels(self.head_and_rest().map(title).collect());
        let body = |(_, body): (String, String)| (!body.is_empty()).then_some(body);
        let bodies = Column::Text(self.head_and_rest().map(body).collect());
        let columns = vec![Column::Int64(numbers.collect()), titles, self.ids(), bodies];
        small(Table::new(schema, columns))
    }

    /// Lists of groups, with a null in each.
    fn lists(&self, schema: &str, [null, some]: [i16; 2]) -> Vec<u8> {
        let list = |parts: &Vec<String>, part: fn(&String) -> String| -> Vec<_> {
            let levels = |(at, text)| (some, i16::from(at > 0), Some(part(text)));
            let mut levels: Vec<_> = parts.iter().enumerate().map(levels).collect();
            levels.push((null, 1, None));
            levels
        };
        let lists = |part: fn(&String) -> String| {
            Column::Levels(self.parts.iter().map(|parts| list(parts, part)).collect())
        };
        let roles = lists(|_| "user".to_owned());
        small(Table::new(
            schema,
            vec![self.ids(), roles, lists(String::clone)],
        ))
    }
}

/// JSON lines.
fn lines_of(records: impl Iterator<Item = serde_json::Value>) -> String {
    let lines: Vec<String> = records.map(|record| record.to_string()).collect();
    lines.join("\n")
}

fn small(mut table: Table<'_>) -> Vec<u8> {
    table.group = 700;
    table.properties = table
        .properties
        .set_data_page_size_limit(2000)
        .set_write_batch_size(16);
    table.bytes()
}

/// A list as the format defines it.
const LIST: &str = "message m {
    required binary id (STRING);
    optional group messages (LIST) { repeated group list { optional group element {
        optional binary role (STRING); optional binary content (STRING);
    } } }
}";

/// A list as old programs write it.
const OLD: &str = "message m {
    required binary id (STRING);
    repeated group messages { optional binary role (STRING); optional binary content (STRING); }
}";

/// The tables and kept records of a run.
fn answer(place: &Place, args: &str, kept: &str) -> (String, String, Vec<u8>) {
    let ran = place.run(&format!(
        "{args} --threshold 0.6 --pairs p.tsv --clusters c.tsv --kept {kept}"
    ));
    assert_eq!(ran.code, 0, "{args}: {}", ran.err);
    let kept = std::fs::read(place.path(kept)).unwrap();
    (place.read("p.tsv"), place.read("c.tsv"), kept)
}

#[test]
fn decisions_are_those_of_one_field_with_the_whole_text() {
    let place = Place::new();
    let texts = Parted::new(3, 2000);
    place
        .write("plain.jsonl", texts.plain())
        .write("parts.jsonl", texts.title_and_body())
        .write("chats.jsonl", texts.chats())
        .write("in.csv", texts.csv())
        .write("groups.parquet", texts.groups())
        .write("list.parquet", texts.lists(LIST, [2, 4]))
        .write("old.parquet", texts.lists(OLD, [0, 2]));
    let (pairs, clusters, _) = answer(&place, "plain.jsonl", "k.jsonl");
    assert!(pairs.lines().count() > 100);
    for (args, kept) in [
        ("parts.jsonl --text-field x.title,body", "k.jsonl"),
        ("chats.jsonl --text-field messages.*.content", "k.jsonl"),
        ("in.csv --text-field x.title,body", "k.csv"),
        ("groups.parquet --text-field x.title,body", "k.parquet"),
        ("list.parquet --text-field messages.*.content", "k.parquet"),
        (
            "list.parquet --text-field messages.list.element.content",
            "k.parquet",
        ),
        ("old.parquet --text-field messages.*.content", "k.parquet"),
    ] {
        let plain = answer(&place, args, kept);
        assert!(plain.0 == pairs && plain.1 == clusters, "{args}");
        for more in [
            "--threads 3",
            "--memory 64MiB",
            "--memory 64MiB --threads 3",
        ] {
            assert!(
                plain == answer(&place, &format!("{args} {more}"), kept),
                "{args} {more}"
            );
        }
    }
    // Kept rows have all their columns.
    let rows = crate::rows::rows(&place.path("k.parquet"));
    assert!(rows[0].contains("role: \"user\""), "{}", rows[0]);
}

fn read(place: &Place, name: &str, list: &str) -> Vec<String> {
    let options = ReadOptions::new().text_field(list);
    let corpus = Corpus::read(&[place.path(name)], &options).unwrap();
    let mut buffer = ReadBuffer::default();
    let text = |document: &_| match Document::content(document, &mut buffer).unwrap() {
        Content::Text(text) => text.to_owned(),
        _ => panic!("not a text"),
    };
    corpus.documents().iter().map(text).collect()
}

#[test]
fn lists_and_groups_of_parquet() {
    let place = Place::new();
    let some = |text: &str| Some(text.to_owned());
    let columns = || {
        vec![
            // [["a", "b"], [null, "c"]], [["d"]]
            Column::Levels(vec![
                vec![
                    (5, 0, some("a")),
                    (5, 2, some("b")),
                    (4, 1, None),
                    (5, 2, some("c")),
                ],
                vec![(5, 0, some("d"))],
            ]),
            text(["one", ""]),
            text(["flat", "flat too"]),
        ]
    };
    let schema = "message m {
        optional group nested (LIST) { repeated group list { optional group element (LIST) {
            repeated group list { optional binary element (STRING); } } } }
        required group meta { required binary title (STRING); }
        required binary meta.title (STRING);
    }";
    place.write("in.parquet", Table::new(schema, columns()).bytes());
    let texts = |list| read(&place, "in.parquet", list);
    assert_eq!(texts("nested.*.*"), ["a\nb\nc", "d"]);
    assert_eq!(texts("meta.title,nested.*.*"), ["one\na\nb\nc", "d"]);
    assert_eq!(texts("meta.title"), ["one", ""]);
    assert_eq!(texts(r"meta\.title,meta.title"), ["flat\none", "flat too"]);
    // The old form with two levels, of a string or of a group with one column.
    let two = "message m {
        optional group tags (LIST) { repeated binary element (STRING); }
        optional group old (LIST) { repeated group array { required binary s (STRING); } }
        repeated binary bare (STRING);
    }";
    let list = |parts: [&str; 2], [first, then]: [i16; 2]| {
        let [a, b] = parts.map(some);
        Column::Levels(vec![vec![(first, 0, a), (then, 1, b)]])
    };
    let lists = vec![
        list(["a", "b"], [2, 2]),
        list(["c", "d"], [2, 2]),
        list(["e", "f"], [1, 1]),
    ];
    place.write("old.parquet", Table::new(two, lists).bytes());
    assert_eq!(
        read(&place, "old.parquet", "bare.*,old.*.s,tags.*"),
        ["e\nf\nc\nd\na\nb"]
    );
    for (list, told) in [
        (
            "nested",
            "column `nested` is a list or a group of columns, not a string: name what is in it",
        ),
        (
            "nested.*",
            "column `nested.*` is a list or a group of columns, not a string",
        ),
        (
            "meta.*",
            "column `meta.*` is missing (a dot that is part of a name is written `\\.`)",
        ),
        (
            "meta.no,meta.nor",
            "columns `meta.no`, `meta.nor` are missing, of which one is needed",
        ),
        (
            "meta.title --id-field nested.list.element.list.element",
            "is a list, not a string or whole number",
        ),
    ] {
        place.fails(&format!("in.parquet --text-field {list}"), told);
    }
    place.refuses(
        "in.parquet --text-field meta.title,meta.no",
        "text field `meta.no`: no record has it: check its name",
    );
    place.fails(
        "old.parquet --text-field bare",
        "column `bare` is a list, not a string: name its elements with `bare.*`",
    );
}

/// Rows of lists, some of which are too long for the bound.
#[test]
fn a_row_that_is_too_long_is_named() {
    let place = Place::new();
    let schema = "message m { optional group m (LIST) { repeated group list { required binary element (STRING); } } }";
    let file = |lengths: &[usize]| {
        let row = |(row, &length): (usize, &usize)| {
            let part = |at| format!("{row} {at} {}", "word ".repeat(2000));
            let level = |at| (2, i16::from(at > 0), Some(part(at)));
            match length {
                0 => vec![(1, 0, None)],
                _ => (0..length).map(level).collect(),
            }
        };
        let rows = lengths.iter().enumerate().map(row).collect();
        let mut table = Table::new(schema, vec![Column::Levels(rows)]);
        table.properties = table
            .properties
            .set_data_page_size_limit(50_000)
            .set_write_batch_size(4)
            .set_dictionary_enabled(false);
        table.bytes()
    };
    place
        .write("some.parquet", file(&[3, 200, 0, 5]))
        .write("long.parquet", file(&[3, 2000, 4]));
    let args = "--text-field m.* --memory 64MiB";
    place.fails(
        &format!("some.parquet {args}"),
        "some.parquet:2: this record has 2.0 MB and needs up to",
    );
    let ran = place.run(&format!(
        "some.parquet {args} --on-bad skip --rejects r.jsonl"
    ));
    assert!(
        ran.out.contains("4 documents in = 2 kept"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(place.read("r.jsonl").contains("field `m.*` is"));
    let ran = place.run("some.parquet --text-field m.* --on-bad skip");
    assert!(
        ran.out.contains("4 documents in = 3 kept"),
        "{}{}",
        ran.out,
        ran.err
    );
    // The writer ends a page only at the end of a row, so the row is one page.
    place.fails(
        &format!("long.parquet {args}"),
        "the next page has 20 MiB, but --memory allows pages of 8 MiB: raise it to 109MiB",
    );
    let ran = place.run("long.parquet --text-field m.* --memory 2GiB");
    assert!(ran.out.contains("3 documents in"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_field_that_no_record_has_is_named() {
    let place = Place::new();
    place
        .write("in.jsonl", [line("1", A), line("2", B)].concat())
        .write("in.csv", format!("id,text\n1,{A}\n2,{B}\n"))
        .write("a.txt", A);
    for memory in ["", " --memory 64MiB"] {
        for input in ["in.jsonl", "in.csv", "in.jsonl a.txt"] {
            let told = "text field `boddy`: no record has it: check its name, or leave it out";
            place.refuses(&format!("{input} --text-field text,boddy{memory}"), told);
        }
        let ran = place.run(&format!("a.txt --text-field text,boddy{memory}"));
        assert_eq!(ran.code, 0, "{}", ran.err);
        place.fails(
            &format!("in.jsonl --text-field title,body{memory}"),
            "in.jsonl:1: none of the fields `title`, `body` has a text",
        );
        place.fails(
            &format!("in.csv --text-field title,body{memory}"),
            "in.csv: columns `title`, `body` are missing, of which one is needed: the header row has `id`, `text`",
        );
        place.refuses(
            &format!("in.jsonl --id-field a.*{memory}"),
            "field `a.*`: `*` stands for several values",
        );
    }
}

#[test]
fn ids_that_repeat_in_other_files_get_the_name_of_their_file() {
    let place = Place::new();
    let rows = |texts: [&str; 2]| {
        let schema = "message m { required int64 id; required binary text (STRING); }";
        let ids = Column::Int64(vec![Some(1), Some(2)]);
        Table::new(schema, vec![ids, text(texts)]).bytes()
    };
    place
        .write("s/a.jsonl", [line("1", A), line("2", "x y z")].concat())
        .write("s/b.jsonl", [line("1", B), line("2", A)].concat())
        .write("s/c.parquet", rows([B, "one two"]))
        .write("s/d.jsonl", format!("{}\n", json!({"text": A})));
    for memory in ["", " --memory 64MiB"] {
        place.fails(
            &format!("s{memory}"),
            "b.jsonl:1: id `1` was already used, at s/a.jsonl:1; give every record its own id, name another id field \
             (--id-field FIELD), put the name of the file before each id (--ids-by-file; for ids that repeat only in other files), \
             use file and line as ids (--id-field none), or",
        );
        let ran = place.run(&format!("s --ids-by-file --clusters c.tsv{memory}"));
        assert_eq!(ran.code, 0, "{}", ran.err);
        let clusters = place.read("c.tsv");
        let ids = clusters
            .lines()
            .skip(1)
            .map(|row| row.split('\t').next().unwrap());
        assert_eq!(
            ids.collect::<Vec<_>>(),
            [
                "a.jsonl:1",
                "b.jsonl:2",
                "d.jsonl:1",
                "b.jsonl:1",
                "c.parquet:1"
            ]
        );
        // The same id twice in one file.
        place.write("t.jsonl", [line("1", A), line("1", B)].concat());
        place.fails(
            &format!("t.jsonl --ids-by-file{memory}"),
            "t.jsonl:2: id `t.jsonl:1` was already used, at t.jsonl:1",
        );
    }
}
