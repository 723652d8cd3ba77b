//! The example `dedup` on Parquet files: reading, kept and removed records, and errors.

use crate::rows::{Column, Table, text};
use crate::support::program::{A, B, Place, four, line};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::properties::WriterVersion;
use parquet::file::reader::FileReader;
use parquet::schema::types::ColumnPath;
use resemblance::corpus::{Corpus, KeepBy, KeepPolicy, OnBad, ReadOptions};

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
        "in.jsonl:1: id `one` was already used, at in.parquet:1",
    );
}

/// The same documents, whatever the file they are in and the threads.
#[test]
fn decisions_are_those_of_json_lines() {
    let place = Place::new();
    let texts = crate::support::collection(7, 3000);
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
    // The third has no score, and comes last.
    assert!(ran.out.contains("1 rejected"), "{}", ran.out);
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
            &format!("{name}.parquet --pairs p.tsv"),
            &format!("{name}.parquet: cannot be read: "),
        );
        place.fails(
            &format!("{name}.parquet --kept k.parquet"),
            &format!("cannot read {name}.parquet: "),
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
    let mut random = crate::support::Random(3);
    let schema = "message m { optional binary id (STRING); required binary text (STRING);
        optional int64 n; }";
    let texts = crate::support::collection(5, 40);
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
            let options = ReadOptions::new()
                .keep(KeepPolicy::new(KeepBy::Max("n".to_owned())))
                .on_bad(OnBad::Skip);
            match Corpus::read(&[&path], &options) {
                Ok(corpus) => errors += usize::from(!corpus.rejections().is_empty()),
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(errors > 1000, "{errors}");
}

/// Columns of all kinds that rows may have beside their text.
const WIDE: &str = "message wide {
    optional binary text (STRING);
    required binary id (STRING);
    optional int32 small (INTEGER(8, true));
    required int64 at (TIMESTAMP(NANOS, true));
    required int96 old;
    optional double score;
    optional boolean flag;
    repeated int64 list;
    required group inner { optional binary raw; }
}";

fn wide(from: i64, texts: &[String]) -> Table<'static> {
    let numbers: Vec<i64> = (from..).take(texts.len()).collect();
    let ints = |step: i64| numbers.iter().map(move |&n| (n % step > 0).then_some(n));
    // One row in four has no score, and one a score that is no number.
    let score = |&n: &i64| match n % 4 {
        0 => Some(f64::NAN),
        1 => None,
        _ => Some(n as f64 / 3.0),
    };
    let columns = vec![
        text(texts.to_vec()),
        text(numbers.iter().map(|n| format!("d{n}"))),
        Column::Int32(ints(3).map(|n| n.map(|n| n as i32 % 100)).collect()),
        Column::Int64(numbers.iter().map(|&n| Some(n)).collect()),
        Column::Int96(numbers.iter().map(|&n| [n as u32, 0, 2_440_588]).collect()),
        Column::Double(numbers.iter().map(score).collect()),
        Column::Bool(ints(5).map(|n| n.map(|n| n % 2 == 0)).collect()),
        Column::List(numbers.iter().map(|&n| (0..n % 4).collect()).collect()),
        Column::Text(ints(2).map(|n| n.map(|n| format!("raw {n}"))).collect()),
    ];
    let mut table = Table::new(WIDE, columns);
    table.group = 700;
    table.properties = table
        .properties
        .set_column_compression("text".into(), Compression::ZSTD(ZstdLevel::default()))
        .set_data_page_size_limit(5000)
        .set_write_batch_size(32);
    table
}

/// Reads rows of two files as they stood in one.
fn interleaved(whole: &[String], kept: &[String], removed: &[String]) {
    let (mut kept, mut removed) = (kept.iter().peekable(), removed.iter().peekable());
    for row in whole {
        let from = if kept.peek() == Some(&row) {
            &mut kept
        } else {
            &mut removed
        };
        assert_eq!(from.next(), Some(row));
    }
    assert_eq!((kept.next(), removed.next()), (None, None));
}

#[test]
fn kept_and_removed_are_the_rows_of_the_input() {
    let place = Place::new();
    let texts = crate::support::collection(9, 3000);
    place
        .write("in/a.parquet", wide(0, &texts[..2000]).bytes())
        .write("in/b/c.parquet", wide(2000, &texts[2000..]).bytes())
        .write("in/b/none.parquet", wide(3000, &[]).bytes());
    let options = "--threshold 0.6 --keep max:score --on-bad skip";
    let ran = place.run(&format!("in {options} --kept k/ --removed r --rejects j"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let ran = place.run(&format!(
        "in {options} --kept k.parquet --removed r.parquet"
    ));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let rejected = place.read("j").lines().count();
    let all = |files: &[&str]| -> Vec<String> {
        files
            .iter()
            .flat_map(|file| crate::rows::rows(&place.path(file)))
            .collect()
    };
    let mut whole = all(&["in/a.parquet", "in/b/c.parquet"]);
    whole.retain(|row| !row.contains("score: NaN"));
    assert_eq!(rejected, 750);
    assert_eq!(whole.len() + rejected, 3000);
    let kept = all(&["k.parquet"]);
    let removed = all(&["r.parquet"]);
    assert!(removed.len() > 300, "{}", removed.len());
    interleaved(&whole, &kept, &removed);
    assert_eq!(
        kept,
        all(&["k/a.parquet", "k/b/c.parquet", "k/b/none.parquet"])
    );
    assert_eq!(
        removed,
        all(&["r/a.parquet", "r/b/c.parquet", "r/b/none.parquet"])
    );
    for file in ["k.parquet", "r.parquet", "k/a.parquet", "r/b/c.parquet"] {
        is_like_the_input(&place, file);
    }
    // Small row groups become one.
    assert_eq!(
        crate::rows::open(&place.path("k.parquet")).num_row_groups(),
        1
    );
}

fn is_like_the_input(place: &Place, file: &str) {
    let (ours, input) = (
        crate::rows::open(&place.path(file)),
        crate::rows::open(&place.path("in/a.parquet")),
    );
    let (ours, input) = (ours.metadata(), input.metadata());
    let about = |metadata: &ParquetMetaData| {
        let about = metadata.file_metadata();
        (about.schema().clone(), about.key_value_metadata().cloned())
    };
    assert_eq!(about(ours), about(input));
    for (ours, input) in ours
        .row_group(0)
        .columns()
        .iter()
        .zip(input.row_group(0).columns())
    {
        assert_eq!(ours.compression(), input.compression());
    }
}

#[test]
fn small_inputs_share_row_groups_and_large_ones_keep_theirs() {
    let place = Place::new();
    let texts: Vec<String> = (0..120_000).map(|i| format!("text {i}")).collect();
    let mut large = wide(0, &texts);
    large.group = 60_000;
    place.write("in/large.parquet", large.bytes());
    for i in 0..70 {
        let texts = [format!("other {i}")];
        place.write(
            &format!("in/z{i:02}.parquet"),
            wide(120_000 + i, &texts).bytes(),
        );
    }
    let ran = place.run("in/large.parquet in/z*.parquet --kept k.parquet");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let file = crate::rows::open(&place.path("k.parquet"));
    let groups: Vec<i64> = file
        .metadata()
        .row_groups()
        .iter()
        .map(RowGroupMetaData::num_rows)
        .collect();
    assert_eq!(groups, [120_000, 64, 6]);
}

#[test]
fn one_file_has_one_schema() {
    let place = Place::new();
    let path = ColumnPath::from("text");
    let mut other = Table::new(PLAIN, four_rows());
    other.properties = other
        .properties
        .set_column_compression(path, Compression::UNCOMPRESSED);
    place
        .write("a.parquet", Table::new(PLAIN, four_rows()).bytes())
        .write(
            "b.parquet",
            wide(0, &crate::support::collection(1, 10)).bytes(),
        )
        .write("c.jsonl", line("c", A))
        .write("same.parquet", other.bytes())
        .write("d/a.parquet", Table::new(PLAIN, four_rows()).bytes());
    place.refuses(
        "a.parquet b.parquet --kept k.parquet",
        "a.parquet and b.parquet have different columns, but k.parquet can have only one set: name a directory",
    );
    place.refuses(
        "a.parquet c.jsonl --kept k.parquet",
        "records for k.parquet would be JSON lines and rows of Parquet files mixed: name a directory, or process each format in its own run",
    );
    place.refuses(
        "a.parquet --kept k.jsonl.gz",
        "records for k.jsonl.gz would be rows of Parquet files: name a .parquet file or a directory",
    );
    place.refuses(
        "c.jsonl --removed r.parquet",
        "records for r.parquet would be JSON lines: name a .jsonl file or a directory",
    );
    place.refuses(
        "d/a.parquet d/../a.parquet --kept k/",
        "two inputs would be written to k/d/a.parquet",
    );
    // In a directory each has its own.
    let ran = place.run("d/../a.parquet b.parquet c.jsonl --on-bad skip --removed r");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.read("r/c.jsonl"), line("c", A));
    assert_eq!(crate::rows::rows(&place.path("r/d/a.parquet")).len(), 2);
    assert!(place.path("r/b.parquet").exists());
}
