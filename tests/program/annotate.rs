//! The options `--annotate` and `--keep none` of the example `dedup`.

use std::collections::BTreeMap;

use crate::dedup_outputs::{odd, pack, unpack};
use crate::rows::{Column, Table, text};
use crate::support::program::{A, B, Place, four, line};
use parquet::file::metadata::KeyValue;
use parquet::file::reader::FileReader;
use serde_json::{Value, json};

/// Runs what must work, and returns what it prints.
fn run(place: &Place, args: &str) -> String {
    let ran = place.run(args);
    assert_eq!(ran.code, 0, "{args}: {}", ran.err);
    ran.out
}

/// Cluster, size, and whether the document is kept.
type Facts = (Option<u64>, u64, bool);

/// A line without the fields that were added to it, and these.
fn parted(line: &str) -> (String, Facts) {
    let from = line.find("\"dup_cluster\":").unwrap();
    let end = line.trim_end().len() - 1;
    let added: Value = serde_json::from_str(&format!("{{{}}}", &line[from..end])).unwrap();
    let facts = (
        added["dup_cluster"].as_u64(),
        added["dup_cluster_size"].as_u64().unwrap(),
        added["dup_kept"].as_bool().unwrap(),
    );
    assert_eq!(added.as_object().unwrap().len(), 3, "{line}");
    let before = line[..from].strip_suffix(',').unwrap();
    (format!("{before}{}", &line[end..]), facts)
}

/// The facts of each document in a cluster, from the table of clusters.
fn facts_of_table(table: &str) -> BTreeMap<String, Facts> {
    let rows = table.lines().skip(1);
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split('\t').collect()).collect();
    let size = |cluster: &str| rows.iter().filter(|row| row[1] == cluster).count() as u64;
    let facts = rows.iter().map(|row| {
        let number = row[1].parse().unwrap();
        let facts = (Some(number), size(row[1]), row[4] == "kept");
        (row[0].to_owned(), facts)
    });
    facts.collect()
}

fn id_of(line: &str) -> String {
    let record: Value = serde_json::from_str(line).unwrap();
    match &record["id"] {
        Value::String(id) => id.clone(),
        id => id.to_string(),
    }
}

#[test]
fn annotated_lines_are_the_lines_with_three_fields() {
    let place = Place::new();
    place
        .write("in/a.jsonl", odd(1))
        .write("in/b/c.jsonl.gz", pack(".gz", &odd(2)))
        .write("in/d.jsonl.zst", pack(".zst", &odd(3)));
    for cluster in ["components", "leader"] {
        let of = format!("in --threshold 0.6 --cluster {cluster}");
        run(
            &place,
            &format!("{of} --kept k.jsonl --removed r.jsonl --clusters c.tsv"),
        );
        let facts = facts_of_table(&place.read("c.tsv"));
        let of = format!("{of} --annotate dup_");
        run(&place, &format!("{of} --kept ak.jsonl --removed ar.jsonl"));
        for (plain, annotated, is_kept) in [
            ("k.jsonl", "ak.jsonl", true),
            ("r.jsonl", "ar.jsonl", false),
        ] {
            let (plain, annotated) = (place.read(plain), place.read(annotated));
            assert!(plain.lines().count() > 20, "{cluster}");
            let lines = |text: &str| -> Vec<String> {
                text.split_terminator('\n').map(str::to_owned).collect()
            };
            let (plain, annotated) = (lines(&plain), lines(&annotated));
            assert_eq!(plain.len(), annotated.len());
            for (plain, annotated) in plain.iter().zip(&annotated) {
                let (rest, found) = parted(annotated);
                assert_eq!(&rest, plain);
                let expected = facts.get(&id_of(plain));
                assert_eq!(
                    found,
                    expected.copied().unwrap_or((None, 1, is_kept)),
                    "{plain}"
                );
            }
        }
        let whole = [place.read("ak.jsonl"), place.read("ar.jsonl")];
        for more in [
            "--threads 1",
            "--memory 64MiB",
            "--memory 64MiB --threads 3",
            "--work w",
        ] {
            run(
                &place,
                &format!("{of} {more} --kept mk.jsonl.gz --removed mr.jsonl.zst"),
            );
            let [kept, removed] = ["mk.jsonl.gz", "mr.jsonl.zst"].map(|name| unpack(&place, name));
            assert!([kept, removed] == whole, "{cluster} {more}");
        }
        run(&place, &format!("{of} --kept k/ --removed r/"));
        for (folder, whole) in ["k", "r"].iter().zip(whole) {
            let files = ["a.jsonl", "b/c.jsonl.gz", "d.jsonl.zst"];
            let shards = files.map(|file| unpack(&place, &format!("{folder}/{file}")));
            assert!(shards.concat() == whole, "{cluster} {folder}");
        }
    }
}

#[test]
fn annotated_rows_are_the_rows_with_three_cells() {
    let place = Place::new();
    // Quotes, line breaks in cells, both ends of lines, and a last row without one.
    let input = format!(
        "id,text,more\r\n1,\"{A}\",\"a \"\"b\"\"\r\nc\"\r\n2,{B},\n\"3\",{A},x\r\n4,{A},\"\""
    );
    place.write("in.csv", &input);
    for more in ["", " --memory 64MiB"] {
        let args = format!("in.csv --annotate dup_ --kept k.csv --removed r.csv.gz{more}");
        run(&place, &args);
        let header = "id,text,more,dup_cluster,dup_cluster_size,dup_kept\r\n";
        let kept = format!("{header}1,\"{A}\",\"a \"\"b\"\"\r\nc\",1,3,true\r\n2,{B},,,1,true\n");
        assert_eq!(place.read("k.csv"), kept);
        let removed = format!("{header}\"3\",{A},x,1,3,false\r\n4,{A},\"\",1,3,false\n");
        assert_eq!(unpack(&place, "r.csv.gz"), removed);
        run(&place, &args.replace("k.csv", "k/"));
        assert_eq!(place.read("k/in.csv"), kept);
    }
    place.write("in.tsv", format!("id\ttext\n1\t{A}\n"));
    run(&place, "in.tsv --annotate=a, --kept k.tsv");
    let kept = format!("id\ttext\ta,cluster\ta,cluster_size\ta,kept\n1\t{A}\t\t1\ttrue\n");
    assert_eq!(place.read("k.tsv"), kept);
}

/// A table of texts, in row groups of 700 rows.
fn rows_of(from: i64, texts: &[String]) -> Table<'static> {
    const SCHEMA: &str = "message m {
        required binary id (STRING); optional group inner { optional binary x (STRING); }
        repeated int64 list; required binary text (STRING);
    }";
    let numbers: Vec<i64> = (from..).take(texts.len()).collect();
    let inner = |&n: &i64| match n % 3 {
        0 => vec![(0, 0, None)],
        1 => vec![(1, 0, None)],
        _ => vec![(2, 0, Some(format!("x {n}")))],
    };
    let columns = vec![
        text(numbers.iter().map(ToString::to_string)),
        Column::Levels(numbers.iter().map(inner).collect()),
        Column::List(numbers.iter().map(|&n| (0..n % 4).collect()).collect()),
        text(texts.to_vec()),
    ];
    let mut table = Table::new(SCHEMA, columns);
    table.group = 700;
    table
}

#[test]
fn annotated_parquet_rows_have_three_more_columns() {
    let place = Place::new();
    let texts = crate::support::collection(5, 3000);
    let mut first = rows_of(0, &texts[..2000]);
    let pair = |key: &str, value: &str| KeyValue::new(key.to_owned(), value.to_owned());
    let metadata = vec![pair("ARROW:schema", "fewer columns"), pair("note", "kept")];
    first.properties = first.properties.set_key_value_metadata(Some(metadata));
    place
        .write("in/a.parquet", first.bytes())
        .write("in/b/c.parquet", rows_of(2000, &texts[2000..]).bytes())
        .write("in/none.parquet", rows_of(3000, &[]).bytes());
    let of = "in --threshold 0.6";
    run(
        &place,
        &format!("{of} --kept k.parquet --removed r.parquet --clusters c.tsv"),
    );
    let facts = facts_of_table(&place.read("c.tsv"));
    let all = |file: &str| crate::rows::rows(&place.path(file));
    for more in ["", " --memory 64MiB --threads 1"] {
        run(
            &place,
            &format!("{of}{more} --annotate dup. --kept ak.parquet --removed ar.parquet"),
        );
        for (plain, annotated, is_kept) in [
            ("k.parquet", "ak.parquet", true),
            ("r.parquet", "ar.parquet", false),
        ] {
            let (plain, annotated) = (all(plain), all(annotated));
            assert!(plain.len() > 300 && plain.len() == annotated.len());
            for (plain, annotated) in plain.iter().zip(&annotated) {
                let (rest, added) = annotated.split_once(", dup.cluster: ").unwrap();
                assert_eq!(format!("{rest}}}"), *plain);
                let id = plain.strip_prefix("{id: \"").unwrap();
                let (id, _) = id.split_once('"').unwrap();
                let expected = facts.get(id).copied().unwrap_or((None, 1, is_kept));
                let number = expected.0.map_or("null".to_owned(), |n| n.to_string());
                let (size, kept) = (expected.1, expected.2);
                assert_eq!(
                    added,
                    format!("{number}, dup.cluster_size: {size}, dup.kept: {kept}}}")
                );
            }
        }
    }
    run(&place, &format!("{of} --annotate dup. --kept k/"));
    let files = ["a", "b/c", "none"].map(|name| format!("k/{name}.parquet"));
    let shards: Vec<String> = files.iter().flat_map(|file| all(file)).collect();
    assert_eq!(shards, all("ak.parquet"));
    for file in ["ak.parquet", &files[0]] {
        let file = crate::rows::open(&place.path(file));
        let about = file.metadata().file_metadata();
        let metadata = about.key_value_metadata().unwrap();
        assert_eq!(metadata.len(), 1);
        assert_eq!(metadata[0].key, "note");
        for column in file.metadata().row_group(0).columns() {
            let compression = file.metadata().row_group(0).column(0).compression();
            assert_eq!(column.compression(), compression);
        }
    }
    place.fails(
        "k/a.parquet --annotate dup. --kept x.parquet",
        "k/a.parquet: column `dup.cluster` exists already: choose another prefix",
    );
    place.fails(
        "k --annotate dup. --removed x/",
        "k/a.parquet: column `dup.cluster`",
    );
}

#[test]
fn text_files_are_annotated_in_a_file_of_lines() {
    let place = Place::new();
    place.write("d/1", A).write("d/2", B).write("d/3", A);
    run(&place, "d --annotate dup_ --kept k.jsonl --removed r.jsonl");
    let expected = |id: &str, text: &str, added: &str| {
        format!("{{\"id\":\"{id}\",\"text\":\"{text}\",{added}}}\n")
    };
    assert_eq!(
        place.read("k.jsonl"),
        expected(
            "1",
            A,
            "\"dup_cluster\":1,\"dup_cluster_size\":2,\"dup_kept\":true"
        ) + &expected(
            "2",
            B,
            "\"dup_cluster\":null,\"dup_cluster_size\":1,\"dup_kept\":true"
        )
    );
    assert_eq!(
        place.read("r.jsonl"),
        expected(
            "3",
            A,
            "\"dup_cluster\":1,\"dup_cluster_size\":2,\"dup_kept\":false"
        )
    );
    place.refuses(
        "d --annotate dup_ --kept k/",
        "k/ would be a directory of text files, which cannot have more fields (--annotate): name a .jsonl file",
    );
}

#[test]
fn what_cannot_be_annotated_is_refused() {
    let place = Place::new();
    place
        .write("in.jsonl", four() + &line("five", "a text of its own"))
        .write("in.wet", "")
        .write("in.csv", format!("text,\"dup_kept\"\n{A},1\n"))
        .write(
            "taken.jsonl",
            format!(
                "{}{{\"text\": \"{A}\", \"dup_\\u006bept\": 1}}\n",
                line("a", B)
            ),
        );
    place.refuses(
        "in.jsonl --annotate dup_",
        "--annotate adds fields to the records of --kept and --removed: name one of these outputs",
    );
    for kept in ["k.wet", "k/"] {
        let told = format!(
            "records for {kept} would be WET records, which cannot have more fields: leave --annotate out"
        );
        place.refuses(&format!("in.wet --annotate dup_ --kept {kept}"), &told);
    }
    let told = "in.csv: column `dup_kept` exists already: choose another prefix";
    place.fails("in.csv --annotate dup_ --kept k.csv", told);
    place.fails("in.csv in.jsonl --annotate dup_ --removed r/", told);
    for more in ["", " --on-bad skip", " --memory 64MiB"] {
        for outputs in [
            "--kept k.jsonl --removed r.jsonl --save-index i",
            "--removed r.jsonl --kept k/",
        ] {
            place.fails(
                &format!("in.jsonl taken.jsonl --annotate dup_ {outputs}{more}"),
                "taken.jsonl:2: field `dup_kept` exists already: choose another prefix for the added ones (--annotate)",
            );
        }
    }
    // The work goes on with another prefix.
    let args = "in.jsonl taken.jsonl --kept k.jsonl --removed r.jsonl --work w --annotate";
    assert_eq!(place.run(&format!("{args} dup_")).code, 1);
    run(&place, &format!("{args} its_"));
    assert_eq!(place.read("k.jsonl").lines().count(), 3);
}

/// The facts of the records in a file, by id.
fn facts_of(place: &Place, file: &str) -> BTreeMap<String, Facts> {
    let text = place.read(file);
    let facts = text.lines().map(|line| (id_of(line), parted(line).1));
    facts.collect()
}

#[test]
fn sizes_add_up_over_runs() {
    for (cluster, more) in [
        ("components", ""),
        ("components", " --memory 64MiB"),
        ("leader", " --method exact"),
        ("leader", " --memory 64MiB"),
    ] {
        let place = Place::new();
        let day = |name: &str, lines: &[String], against: &str| {
            place.write(&format!("{name}.jsonl"), lines.concat());
            run(
                &place,
                &format!(
                    "{name}.jsonl --cluster {cluster} --annotate dup_ --kept {name}-k.jsonl \
                     --removed {name}-r.jsonl {against}{more}"
                ),
            );
            [format!("{name}-k.jsonl"), format!("{name}-r.jsonl")]
                .map(|file| facts_of(&place, &file))
        };
        let [kept, removed] = day(
            "monday",
            &[line("a", A), line("b", B), line("a2", A), line("a3", A)],
            "--save-index seen",
        );
        assert_eq!(kept["a"], (Some(1), 3, true));
        assert_eq!(kept["b"], (None, 1, true));
        assert_eq!(removed["a3"], (Some(1), 3, false));
        let own = "a text of its own, of more than five words";
        let [kept, removed] = day(
            "tuesday",
            &[
                line("c", &B.replace("hills", "roofs")),
                line("d", own),
                line("e", A),
            ],
            "--against seen --save-index seen",
        );
        assert_eq!(kept["d"], (None, 1, true));
        assert_eq!(removed["c"], (Some(1), 2, false));
        assert_eq!(removed["e"], (Some(2), 4, false));
        let [kept, removed] = day(
            "wednesday",
            &[
                line("f", own),
                line("g", A),
                line("h", A),
                line("i", "new words only, none that was here before"),
            ],
            "--against seen --save-index next",
        );
        assert_eq!(kept.len(), 1);
        assert_eq!(removed["f"], (Some(1), 2, false));
        assert_eq!(removed["g"], (Some(2), 6, false));
        // Another order of indexes and of runs gives the same sums.
        let [_, removed] = day("thursday", &[line("j", A)], "--against next");
        assert_eq!(removed["j"], (Some(1), 7, false));
        day("other", &[line("k", A), line("l", A)], "--save-index other");
        let [_, removed] = day("friday", &[line("m", A)], "--against next --against other");
        assert_eq!(removed["m"], (Some(1), 9, false), "{cluster}{more}");
    }
}

const OUTPUTS: &str = "--kept k.jsonl --removed r.jsonl --clusters c.tsv";

#[test]
fn nothing_of_a_cluster_is_kept() {
    let place = Place::new();
    let rest = line("five", "a text of its own, of more than five words") + &line("six", "");
    place.write("in.jsonl", four() + &line("seven", A) + &rest);
    for more in [
        "",
        " --memory 64MiB",
        " --cluster leader",
        " --cluster leader --memory 64MiB",
    ] {
        let args = format!("in.jsonl --threshold 0.7 --keep none {OUTPUTS}{more}");
        let out = run(&place, &args);
        for part in [
            "7 documents in = 2 kept + 5 removed + 0 rejected; 1 without a token, kept\n",
            "No document of a cluster is kept (--keep none). ",
            "  remove  one  (represents the cluster)\n",
        ] {
            assert!(out.contains(part), "{part}: {out}");
        }
        assert!(!out.contains("  keep  "), "{out}");
        assert_eq!(place.read("k.jsonl"), rest);
        assert_eq!(place.read("r.jsonl"), four() + &line("seven", A));
        let rows = "id\tcluster\tkept\tjaccard_to_kept\treason\n\
                    one\t1\tthree\t1\tnone kept\n\
                    three\t1\tone\t1\tnone kept\n\
                    seven\t1\tone\t1\tnone kept\n\
                    two\t2\tfour\t0.8333333333333334\tnone kept\n\
                    four\t2\ttwo\t0.8333333333333334\tnone kept\n";
        assert_eq!(place.read("c.tsv"), rows, "{more}");
        let summary = place.json(&args);
        assert_eq!(summary["documents"]["kept"], 2);
        assert_eq!(summary["settings"]["keep"], "none");
        let cluster = &summary["clusters"][1];
        assert_eq!(
            (&cluster["kept"], &cluster["representative"]),
            (&Value::Null, &json!("two"))
        );
        let removed: Vec<[&Value; 2]> = cluster["removed"]
            .as_array()
            .unwrap()
            .iter()
            .map(|removed| [&removed["id"], &removed["resembles"]])
            .collect();
        assert_eq!(
            removed,
            [
                [&json!("two"), &json!("four")],
                [&json!("four"), &json!("two")]
            ]
        );
        // Annotated, none is the kept one.
        run(&place, &format!("{args} --annotate dup_"));
        let removed = facts_of(&place, "r.jsonl");
        assert_eq!(removed["one"], (Some(1), 3, false));
        assert_eq!(removed["four"], (Some(2), 2, false));
        assert_eq!(facts_of(&place, "k.jsonl")["six"], (None, 1, true));
    }
    place.refuses("in.jsonl --keep all", "max:FIELD or min:FIELD, or none");
}

#[test]
fn a_preference_decides_which_document_represents_a_cluster() {
    let place = Place::new();
    let record =
        |id: &str, source: &str| format!("{}\n", json!({"id": id, "text": A, "source": source}));
    place.write(
        "in.jsonl",
        record("1", "web") + &record("2", "gov") + &record("3", "web"),
    );
    for more in ["", " --memory 64MiB"] {
        run(
            &place,
            &format!("in.jsonl --keep none --prefer source=gov {OUTPUTS}{more}"),
        );
        let table = place.read("c.tsv");
        let rows: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!(
            rows,
            [
                "2\t1\t1\t1\tnone kept",
                "1\t1\t2\t1\tnone kept",
                "3\t1\t2\t1\tnone kept"
            ]
        );
        assert_eq!(place.read("k.jsonl"), "");
    }
    // By containment, the larger document represents.
    let longer = format!("{A} after nine years of work on the old quay wall");
    place.write("in.jsonl", line("short", A) + &line("long", &longer));
    run(
        &place,
        &format!("in.jsonl --similarity containment --keep none {OUTPUTS}"),
    );
    let table = place.read("c.tsv");
    let rows: Vec<&str> = table.lines().skip(1).collect();
    assert!(
        rows[0].starts_with("long\t1\tshort\t") && rows[1].starts_with("short\t1\tlong\t"),
        "{table}"
    );
    assert!(rows[1].ends_with("\tnone kept\t1"), "{table}");
}

#[test]
fn documents_of_indexes_stay_when_clusters_are_dropped() {
    for more in ["", " --memory 64MiB"] {
        let place = Place::new();
        let own = "a text of its own, of more than five words";
        place
            .write(
                "old.jsonl",
                line("a", A) + &line("b", "some words that have no near-duplicate here"),
            )
            .write(
                "new.jsonl",
                line("c", A) + &line("d", B) + &line("e", B) + &line("f", own),
            );
        run(&place, "old.jsonl --save-index seen");
        let args = format!(
            "new.jsonl --keep none --against seen --save-index next {OUTPUTS} --annotate dup_{more}"
        );
        let out = run(&place, &args);
        for part in [
            "4 documents in = 1 kept + 3 removed + 0 rejected\n",
            "is kept (--keep none), except those of the index. ",
            "Removed because of one of these: 1.",
            "  keep    a  (in the index)\n",
        ] {
            assert!(out.contains(part), "{part}: {out}");
        }
        let rows = "a\t1\ta\t1\tindexed\n\
                    c\t1\ta\t1\tindexed\n\
                    d\t2\te\t1\tnone kept\n\
                    e\t2\td\t1\tnone kept\n";
        assert!(
            place.read("c.tsv").ends_with(rows),
            "{}",
            place.read("c.tsv")
        );
        assert_eq!(facts_of(&place, "k.jsonl")["f"], (None, 1, true));
        assert_eq!(facts_of(&place, "r.jsonl")["c"], (Some(1), 2, false));
        assert_eq!(facts_of(&place, "r.jsonl")["d"], (Some(2), 2, false));
        // The index does not know what was dropped, but counts what was removed for its documents.
        place.write("later.jsonl", line("g", B) + &line("h", A));
        run(
            &place,
            &format!("later.jsonl --against next {OUTPUTS} --annotate dup_{more}"),
        );
        assert_eq!(facts_of(&place, "k.jsonl")["g"], (None, 1, true));
        assert_eq!(facts_of(&place, "r.jsonl")["h"], (Some(1), 3, false));
    }
}

#[test]
fn work_does_not_go_on_if_clusters_are_dropped_then() {
    let place = Place::new();
    place.write("in.jsonl", four()).write("bad.jsonl", "{}\n");
    let args = "in.jsonl bad.jsonl --work w --kept k.jsonl";
    assert_eq!(place.run(args).code, 1);
    place.refuses(
        &format!("{args} --keep none"),
        "the work in w cannot be resumed: drop clusters was `false` and is `true`",
    );
}
