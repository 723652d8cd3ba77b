//! The example `dedup` on Parquet files: read, kept and removed, and refused.

#[path = "support/rows.rs"]
#[allow(dead_code, unreachable_pub)]
mod rows;
mod support;

use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterVersion;
use resemblance::corpus::{Corpus, OnBad, ReadOptions};
use rows::{Column, Table, text};
use support::program::{A, B, Place, four, line};

const PLAIN: &str =
    "message m { required binary id (STRING); required binary text (STRING); required int64 n; }";

/// What `four` holds, as a table.
fn four_rows() -> Vec<Column> {
    let texts = [
        A.to_owned(),
        B.to_owned(),
        A.to_uppercase(),
        B.replace("hills", "roofs"),
    ];
    vec![
        text(["one", "two", "three", "four"]),
        text(texts),
        Column::Int64(vec![Some(3), Some(3), Some(5), Some(4)]),
    ]
}

fn some(values: &[i64]) -> Column {
    Column::Int64(values.iter().copied().map(Some).collect())
}

#[test]
fn rows_are_documents() {
    let place = Place::new();
    place
        .write("in.parquet", Table::new(PLAIN, four_rows()).bytes())
        .write("in.jsonl", four());
    let tables = |input: &str| {
        let ran = place.run(&format!(
            "{input} --threshold 0.7 --pairs p.tsv --clusters c.tsv"
        ));
        assert_eq!(ran.code, 0, "{}", ran.err);
        (place.read("p.tsv"), place.read("c.tsv"))
    };
    assert_eq!(tables("in.parquet"), tables("in.jsonl"));
    // Both together: ids are used twice.
    place.fails(
        "in.parquet in.jsonl",
        "in.jsonl:1: id `one` was used before, at in.parquet:1",
    );
}

/// The same documents, whatever the file they are in and the threads.
#[test]
fn decisions_are_those_of_json_lines() {
    let place = Place::new();
    let texts = support::collection(7, 3000);
    let lines = texts.iter().enumerate();
    let lines: String = lines.map(|(i, text)| line(&i.to_string(), text)).collect();
    place.write("in.jsonl", lines);
    let columns = || {
        let ids = (0..texts.len()).map(|i| i.to_string());
        vec![text(ids), text(texts.clone()), some(&vec![1; texts.len()])]
    };
    let answer = |args: &str| {
        let ran = place.run(&format!(
            "{args} --threshold 0.6 --pairs p.tsv --clusters c.tsv"
        ));
        assert_eq!(ran.code, 0, "{}", ran.err);
        (place.read("p.tsv"), place.read("c.tsv"))
    };
    let expected = answer("in.jsonl");
    assert!(expected.0.lines().count() > 100);
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for (compression, group, page) in [
            (Compression::UNCOMPRESSED, 3000, 1 << 20),
            (Compression::ZSTD(ZstdLevel::default()), 700, 4000),
            (Compression::GZIP(GzipLevel::default()), 1, 100),
            (Compression::LZ4_RAW, 2999, 1000),
        ] {
            let mut table = Table::new(PLAIN, columns());
            table.group = group;
            table.properties = table
                .properties
                .set_compression(compression)
                .set_writer_version(version)
                .set_dictionary_enabled(group != 700)
                .set_data_page_size_limit(page)
                .set_write_batch_size(16);
            place.write("in.parquet", table.bytes());
            for threads in [1, 3] {
                let found = answer(&format!("in.parquet --threads {threads}"));
                assert!(found == expected, "{compression:?} {group} {threads}");
            }
        }
    }
}

#[test]
fn ids_and_fields_of_columns() {
    let place = Place::new();
    let schema = "message m {
        optional binary body (STRING);
        optional int64 whole;
        required int32 short (INTEGER(16, false));
        required int64 large (INTEGER(64, false));
        optional double score;
        required int32 day (DATE);
        required int64 at (TIMESTAMP(MILLIS, true));
        required int96 old;
        optional binary name (STRING);
    }";
    let table = Table::new(
        schema,
        vec![
            text([A, A, A]),
            Column::Int64(vec![Some(-7), Some(9_007_199_254_740_993), Some(1)]),
            Column::Int32(vec![Some(1), Some(65_535), Some(3)]),
            some(&[1, -1, 3]),
            Column::Double(vec![Some(3.0), Some(10.5), Some(-1.5)]),
            Column::Int32(vec![Some(-1), Some(0), Some(19_000)]),
            some(&[2_000, 3_000, 1_000]),
            Column::Int96(vec![
                [0, 0, 2_440_589],
                [1, 0, 2_440_589],
                [5, 0, 2_440_588],
            ]),
            Column::Text(vec![Some("b".into()), Some("a".into()), Some("c".into())]),
        ],
    );
    place.write("in.parquet", table.bytes());
    let kept = |args: &str| {
        let summary = place.json(&format!("in.parquet --text-field body {args}"));
        summary["clusters"][0]["kept"].as_str().unwrap().to_owned()
    };
    assert_eq!(kept(""), "in.parquet:1");
    assert_eq!(kept("--id-field whole"), "-7");
    assert_eq!(kept("--id-field name"), "b");
    assert_eq!(
        kept("--id-field large --keep max:short"),
        "18446744073709551615"
    );
    assert_eq!(
        kept("--id-field whole --keep max:whole"),
        "9007199254740993"
    );
    assert_eq!(kept("--id-field name --keep max:score"), "a");
    assert_eq!(kept("--id-field name --keep min:score"), "c");
    assert_eq!(kept("--id-field name --keep max:day"), "c");
    assert_eq!(kept("--id-field name --keep min:at"), "c");
    assert_eq!(kept("--id-field name --keep max:old"), "a");
    assert_eq!(
        kept("--id-field name --keep max:name --cluster leader"),
        "c"
    );
    place.fails(
        "in.parquet --text-field body --keep max:x",
        "in.parquet: column `x` is missing",
    );
    place.fails(
        "in.parquet --text-field body --id-field score",
        "in.parquet: column `score` is a number, not a string or whole number of 64 bits",
    );
}

#[test]
fn what_is_wrong_is_told() {
    let place = Place::new();
    let schema = "message m {
        optional binary text (STRING);
        optional boolean flag;
        repeated int64 list;
        required binary raw;
        optional double score;
        optional binary id (STRING);
    }";
    let table = Table::new(
        schema,
        vec![
            Column::Text(vec![Some(A.into()), None, Some(B.into())]),
            Column::Bool(vec![Some(true), None, None]),
            Column::List(vec![vec![], vec![1, 2], vec![3]]),
            Column::Bytes(vec![b"fine".to_vec(), b"caf\xE9".to_vec(), vec![]]),
            Column::Double(vec![Some(1.0), Some(f64::NAN), None]),
            Column::Text(vec![None, Some("x".into()), Some("x".into())]),
        ],
    );
    place.write("in.parquet", table.bytes());
    for (args, told) in [
        ("", "in.parquet:2: field `text` is null, not a string"),
        ("--text-field body", "in.parquet: column `body` is missing"),
        (
            "--text-field flag",
            "in.parquet: column `flag` is a boolean, not a string",
        ),
        (
            "--text-field list",
            "in.parquet: column `list` is a list, not a string",
        ),
        (
            "--text-field raw",
            "in.parquet:2: field `raw` is not UTF-8 (byte 3)",
        ),
        (
            "--text-field score",
            "in.parquet: column `score` is a number, not a string",
        ),
        (
            "--text-field id --keep max:score",
            "in.parquet:1: field `id` is null, not a string",
        ),
        (
            "--on-bad skip --id-field nowhere",
            "in.parquet: column `nowhere` is missing",
        ),
    ] {
        if args.starts_with("--on-bad") {
            let ran = place.run(&format!("in.parquet {args}"));
            assert!(ran.out.contains(told), "{}", ran.out);
            assert!(ran.out.contains("1 document in = 0 kept"), "{}", ran.out);
        } else {
            place.fails(&format!("in.parquet {args} --pairs p.tsv"), told);
        }
    }
    let ran = place.run("in.parquet --on-bad skip --rejects r.jsonl --format json");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let rejects = place.read("r.jsonl");
    let reject: serde_json::Value = serde_json::from_str(rejects.trim()).unwrap();
    assert_eq!(
        (&reject["line"], &reject["record"]),
        (&2.into(), &serde_json::Value::Null)
    );
    let ran = place.run("in.parquet --text-field raw --keep max:score --on-bad skip");
    assert!(ran.out.contains("2 rejected"), "{}", ran.out);
}

#[test]
fn broken_files_are_named() {
    let place = Place::new();
    let whole = Table::new(PLAIN, four_rows()).bytes();
    let cut = &whole[..whole.len() - 100];
    place
        .write("cut.parquet", cut)
        .write("empty.parquet", "")
        .write("text.parquet", "no such thing")
        .write("fine.jsonl", line("x", B));
    for name in ["cut", "empty", "text"] {
        place.fails(
            &format!("{name}.parquet --kept k.parquet"),
            &format!("{name}.parquet: cannot be read: "),
        );
    }
    let ran = place.run("cut.parquet fine.jsonl --on-bad skip");
    assert!(ran.out.contains("2 documents in = 1 kept"), "{}", ran.out);
    // What is broken behind the footer's back: the first page.
    let mut pages = whole;
    pages[4..60].fill(0xFF);
    place.write("pages.parquet", pages);
    place.fails("pages.parquet", "pages.parquet:1: cannot be read: ");
}

/// Whatever stands in a file: an error or documents, no panic.
#[test]
fn no_byte_breaks_the_reader() {
    let place = Place::new();
    let mut random = support::Random(3);
    let schema = "message m { optional binary id (STRING); required binary text (STRING);
        optional int64 n; }";
    let texts = support::collection(5, 40);
    let mut errors = 0;
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        let columns = vec![
            text((0..40).map(|i| i.to_string())),
            text(texts.clone()),
            Column::Int64((0..40).map(|i| (i % 3 > 0).then_some(i)).collect()),
        ];
        let mut table = Table::new(schema, columns);
        table.group = 25;
        table.properties = table.properties.set_compression(compression);
        let whole = table.bytes();
        let path = place.path("in.parquet");
        for _ in 0..4000 {
            let mut broken = whole.clone();
            for _ in 0..=random.below(2) {
                let place = random.below(broken.len());
                broken[place] ^= 1 << random.below(8);
            }
            std::fs::write(&path, broken).unwrap();
            let options = ReadOptions::new().keep_field("n").on_bad(OnBad::Skip);
            match Corpus::read(&[&path], &options) {
                Ok(corpus) => errors += usize::from(!corpus.rejections().is_empty()),
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(errors > 1000, "{errors}");
}
