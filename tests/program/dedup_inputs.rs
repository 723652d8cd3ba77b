//! The inputs of the example `dedup`: names and formats of files, CSV, TSV and WET, ids, and records that are nearly
//! valid.

use std::fs;
use std::io::{Read, Write};

use crate::support::program::{A, B, Place, four, line};
use proptest::prelude::*;
use resemblance::Deduper;
use resemblance::corpus::{Corpus, InputFormat, Job, ReadOptions, Sinks, Sources};

fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(place: &Place, name: &str) -> String {
    let mut text = String::new();
    let file = fs::File::open(place.path(name)).unwrap();
    let mut decoder = flate2::read::MultiGzDecoder::new(file);
    decoder.read_to_string(&mut text).unwrap();
    text
}

/// The numbers of documents that were read and removed.
fn counts(place: &Place, args: &str) -> (u64, u64) {
    let summary = place.json(args);
    let count = |of: &str| summary["documents"][of].as_u64().unwrap();
    (count("in"), count("removed"))
}

/// Runs in memory and within a bound, which write the same.
fn both(place: &Place, args: &str, outputs: &[&str]) -> String {
    let run = |memory: &str| {
        let ran = place.run(&format!("{args} --format json --on-bad skip{memory}"));
        assert_eq!(ran.code, 0, "{args}{memory}: {}", ran.err);
        let files = outputs
            .iter()
            .map(|name| fs::read(place.path(name)).unwrap());
        let files: Vec<_> = files.collect();
        let summary: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        (summary["documents"].to_string(), files)
    };
    let plain = run("");
    assert!(plain == run(" --memory 64MiB"), "{args}");
    plain.0
}

#[test]
fn cases_that_people_meet() {
    let Some(cases) = crate::support::shared("cases/small") else {
        return;
    };
    let place = Place::new();
    let case = |name: &str| cases.join(name).display().to_string();
    assert_eq!(counts(&place, &case("zero-padding.jsonl.gz")), (1, 0));
    assert_eq!(
        counts(&place, &case("shard.00000-of-00002.json.gz")),
        (2, 0)
    );
    let missing = format!(
        "{} --keep max:date --threshold 0.5",
        case("keep-field-missing.jsonl")
    );
    assert_eq!(place.json(&missing)["clusters"][0]["kept"], "3");
    assert_eq!(counts(&place, &missing), (3, 2));
    for (name, documents) in [("apostrophes-en.jsonl", 3), ("apostrophes-fr.jsonl", 2)] {
        let args = format!("{} --threshold 1", case(name));
        assert_eq!(counts(&place, &args), (documents, documents - 1));
        let args = format!("{args} --normalize nfkc-casefold");
        assert_eq!(counts(&place, &args), (documents, 0));
    }
    let operators = format!("{} --threshold 1", case("operators.jsonl"));
    assert_eq!(counts(&place, &operators), (3, 2));
    assert_eq!(
        counts(&place, &format!("{operators} --shingle tokens:5")),
        (3, 0)
    );
    let repeated = case("ids-repeated.jsonl");
    place.fails(&repeated, "use file and line as ids (--id-field none)");
    assert_eq!(
        counts(&place, &format!("{repeated} --id-field none")),
        (2, 0)
    );
    let chats = format!("{} --threshold 0.5", case("chats.jsonl"));
    let paths = format!("{chats} --text-field messages.*.content");
    assert_eq!(counts(&place, &paths), (2, 1));
}

#[test]
fn json_lines_are_known_by_other_names_and_by_content() {
    let place = Place::new();
    place
        .write("a.jl", line("a", A))
        .write("b.jsonlines", line("b", A))
        .write("c.ndjson", line("c", A))
        .write("d.json", format!("\u{FEFF}\n {}", line("d", A)))
        .write("e.json.gz", gzip(line("e", A)))
        .write(
            "f.json.zst",
            zstd::encode_all(line("f", A).as_bytes(), 1).unwrap(),
        )
        .write("g.json", "")
        .write(
            "h.00000-of-00002.json.gz",
            gzip(line("h", A) + &line("i", B)),
        )
        // Zeros after the last member are padding.
        .write("j.jsonl.gz", [gzip(line("j", B)), vec![0; 512]].concat());
    let all = "a.jl b.jsonlines c.ndjson d.json e.json.gz f.json.zst g.json h.00000-of-00002.json.gz j.jsonl.gz";
    assert_eq!(counts(&place, all), (9, 7));
    let ran = place.run(&format!("{all} --kept k/"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.read("k/a.jl"), line("a", A));
    assert_eq!(gunzip(&place, "k/e.json.gz"), "");
}

#[test]
fn files_without_text_are_refused_by_name_and_skipped_in_directories() {
    let place = Place::new();
    place
        .write("d/a.rs", "fn main() {}")
        .write("d/b.odd", A)
        .write("d/Makefile", B)
        .write("d/c.pdf", "%PDF, or so it says")
        .write("d/picture.odd", [0x89, b'P', 0, 1])
        .write("x.tar.gz", "")
        .write("x.jsonl.xz", "")
        .write("x.wat", "")
        .write("x.log.gz", "");
    place.fails("d/c.pdf", "d/c.pdf: a .pdf file, which is not read as text");
    place.fails("d/picture.odd", "--input-format text");
    place.fails(
        "x.jsonl.xz",
        "x.jsonl.xz: .xz files cannot be read: decompress the file",
    );
    place.fails("x.wat", "convert the file to .jsonl, .csv or .parquet");
    place.fails("x.log.gz", "say what it holds with --input-format");
    for args in ["d", "d/*"] {
        let ran = place.run(args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let told =
            "2 files skipped because they are not text by name or content; the first: d/c.pdf (";
        assert!(ran.out.contains(told), "{}", ran.out);
        assert!(ran.out.contains("3 documents in"), "{}", ran.out);
    }
    assert_eq!(place.json("d")["documents"]["skipped_files"], 2);
    assert_eq!(
        counts(&place, "d --input-format text --on-bad skip"),
        (5, 0)
    );
}

#[test]
fn a_format_that_is_named_comes_before_names() {
    let place = Place::new();
    place
        .write("part-0", four())
        .write("part-1.gz", gzip(line("five", A)))
        .write("x.jsonl.bz2", "");
    let read = "part-0 part-1.gz --input-format jsonl";
    assert_eq!(counts(&place, &format!("{read} --threshold 0.7")), (5, 3));
    place.fails("part-1.gz", "part-1.gz: compressed, but neither");
    place.fails(
        "part-1.gz --input-format text",
        "compressed text: decompress it",
    );
    place.fails(
        "x.jsonl.bz2 --input-format jsonl",
        ".bz2 files cannot be read",
    );
    place.refuses(
        "- --input-format parquet",
        "standard input cannot be Parquet",
    );
    place.refuses(
        "part-0 --input-format json",
        "must be text, jsonl, csv, tsv, wet or parquet",
    );
    let text = place.run_with("- --input-format text", b"{ no JSON");
    assert!(text.out.contains("1 document in = 1 kept"), "{}", text.err);

    let sources =
        Sources::find_with(&[place.path("part-0")], Some(InputFormat::JsonLines), None).unwrap();
    let corpus = Corpus::read_sources(sources, &ReadOptions::new(), None).unwrap();
    assert_eq!(corpus.documents().len(), 4);
    let options = ReadOptions::new().ids_by_line(true);
    let sources =
        Sources::find_with(&[place.path("part-0")], Some(InputFormat::JsonLines), None).unwrap();
    let corpus = Corpus::read_sources(sources, &options, None).unwrap();
    assert!(corpus.ids()[3].ends_with("part-0:4"));
}

#[test]
fn work_in_a_folder_is_of_one_input_format() {
    let place = Place::new();
    place.write("part", four());
    let deduper = Deduper::new();
    let job = Job::new(&deduper, ReadOptions::new()).work(place.path("w"));
    let part = [place.path("part")];
    let lines = Sources::find_with(&part, Some(InputFormat::JsonLines), None).unwrap();
    drop(job.run(lines, &Sinks::new(), None).unwrap());
    let text = Sources::find(&part).unwrap();
    let error = job.run(text, &Sinks::new(), None).unwrap_err().to_string();
    assert!(
        error.contains("input format was `jsonl` and is ``"),
        "{error}"
    );
}

#[test]
fn rows_of_csv_are_kept_and_removed_as_they_stand() {
    let place = Place::new();
    let (long, quoted) = (A.replace(' ', "\n"), format!("{B}, \"\"so\"\" it was"));
    let header = "id,text,score\r\n";
    let rows = [
        format!("1,\"{long}\",9\r\n"),
        "\r\n".to_owned(),
        format!("2,\"{quoted}\",\n"),
        format!("3,{A},10\n"),
        format!("\"4\",\"{quoted}\"  ,8\r\n"),
        "5,ragged\n".to_owned(),
        format!("6,{B} caf\u{e9},x"),
    ];
    let text = format!("\u{FEFF}{header}{}", rows.concat());
    place
        .write("in.csv", &text)
        .write("in.csv.gz", gzip(&text))
        .write("in.csv.zst", zstd::encode_all(text.as_bytes(), 1).unwrap());
    for (input, of) in [("in.csv", ""), ("in.csv.gz", ".gz"), ("in.csv.zst", ".zst")] {
        let outputs = "--kept k.csv --removed r.csv --rejects j.jsonl --clusters c.tsv";
        let args = format!("{input} --keep max:score {outputs}");
        let documents = both(&place, &args, &["k.csv", "r.csv", "j.jsonl", "c.tsv"]);
        assert!(documents.contains("\"in\":6"), "{documents}");
        // Numbers are compared as such: 10 > 9.
        let kept = [header, &rows[3], &rows[4], &rows[6], "\n"].concat();
        assert_eq!(place.read("k.csv"), kept);
        assert_eq!(place.read("r.csv"), [header, &rows[0], &rows[2]].concat());
        assert!(
            place
                .read("c.tsv")
                .contains("1\t1\t3\t1\tmax score: 10 > 9\n")
        );
        let reject: serde_json::Value = serde_json::from_str(&place.read("j.jsonl")).unwrap();
        // The text of the first row stands on lines 2 to 15.
        assert_eq!(reject["line"], 20, "{reject}");
        assert_eq!(
            reject["reason"],
            "the row has 2 cells, but the header row has 3"
        );
        assert_eq!(reject["record"], "5,ragged");
        let ran = place.run(&format!(
            "{input} --on-bad skip --keep max:score --kept k{of}/"
        ));
        assert_eq!(ran.code, 0, "{}", ran.err);
        let name = format!("k{of}/in.csv{of}");
        match of {
            ".gz" => assert_eq!(gunzip(&place, &name), kept),
            ".zst" => {
                let bytes = fs::read(place.path(&name)).unwrap();
                assert_eq!(zstd::decode_all(&*bytes).unwrap(), kept.as_bytes());
            }
            _ => assert_eq!(place.read(&name), kept),
        }
    }
    let args = "- --input-format csv --on-bad skip --kept s.csv --keep max:score";
    assert_eq!(place.run_with(args, text.as_bytes()).code, 0);
    assert_eq!(place.read("s.csv"), place.read("k.csv"));
    // What was kept is read again.
    assert_eq!(
        counts(&place, "k.csv --text-field text --id-field id"),
        (3, 0)
    );
}

#[test]
fn blank_lines_of_csv_are_no_part_of_rows_wherever_blocks_end() {
    let place = Place::new();
    let blank = |lines: usize, end: &str| end.repeat(lines);
    let columns: Vec<String> = (0..25_000).map(|i| format!(",c{i:06}")).collect();
    let columns = columns.concat();
    let cells = ",".repeat(25_000);
    place
        .write(
            "between.csv",
            format!("id,text\n1,{A}\n{}2,{A}\nragged\n", blank(900_000, "\n")),
        )
        .write(
            "before.csv",
            format!(
                "{}id,text\r\n1,{A}\r\n2,{A}\r\n3\r\n",
                blank(200_000, "\r\n")
            ),
        )
        .write(
            "wide.csv",
            format!("\r\nid,text{columns}\r\n1,{A}{cells}\r\n2,{A}{cells}\r\nragged\r\n"),
        );
    for (name, line) in [("between", 900_004), ("before", 200_004), ("wide", 5)] {
        for most in ["", " --max-record 200000"] {
            let outputs = "--kept k.csv --removed r.csv --rejects j.jsonl";
            let args = format!("{name}.csv{most} {outputs}");
            let documents = both(&place, &args, &["k.csv", "r.csv", "j.jsonl"]);
            for told in ["\"in\":3", "\"kept\":1", "\"removed\":1"] {
                assert!(documents.contains(told), "{args}: {documents}");
            }
            let reject: serde_json::Value = serde_json::from_str(&place.read("j.jsonl")).unwrap();
            assert_eq!(reject["line"], line, "{args}");
        }
    }
}

#[test]
fn cells_that_stand_for_no_number_are_missing() {
    let place = Place::new();
    let rows = ["NaN", "5", "N/A", "9", "", "null"].map(|score| format!("{score},{A}\n"));
    place.write("in.csv", "score,text\n".to_owned() + &rows.concat());
    for (keep, kept) in [("max", "in.csv:5"), ("min", "in.csv:3")] {
        let summary = place.json(&format!("in.csv --keep {keep}:score"));
        assert_eq!(summary["clusters"][0]["kept"], kept);
    }
}

#[test]
fn programs_among_sources_are_skipped() {
    let place = Place::new();
    place
        .write("d/tool", [0x7F, b'E', b'L', b'F', 2, 0, 0, 0xFF])
        .write("d/Makefile", A)
        .write("d/main.c", B);
    let ran = place.run("d");
    assert!(ran.out.contains("2 documents in = 2 kept"), "{}", ran.err);
    assert!(ran.out.contains("the first: d/tool"), "{}", ran.out);
    place.fails("d/tool", "d/tool: its content is not text: convert it");
}

/// A record of a WARC file.
fn warc(of: &str, uri: &str, date: &str, text: &str) -> String {
    format!(
        "WARC/1.0\r\nWARC-Type: {of}\r\nwarc-target-uri: {uri}\r\nWARC-Date: {date}\r\n\
         Content-Length: {}\r\n\r\n{text}\r\n\r\n",
        text.len()
    )
}

#[test]
fn pages_of_wet_are_kept_and_removed_as_they_stand() {
    let place = Place::new();
    let page = |uri: &str, date: &str, text: &str| warc("conversion", uri, date, text);
    let records = [
        warc("warcinfo", "", "2026-01-01T00:00:00Z", "software: none\r\n"),
        page("http://a.example/1", "2026-01-01T00:00:00Z", A),
        page(
            "http://b.example/",
            "2026-01-01T00:00:00Z",
            &B.replace(' ', "\r\n\r\n"),
        ),
        page(
            "http://a.example/2",
            "2026-01-02T00:00:00Z",
            &A.to_uppercase(),
        ),
        page("http://c.example/", "2026-01-01T00:00:00Z", "").replace("conversion", "metadata"),
    ];
    let text = records.concat();
    let members: Vec<u8> = records.iter().flat_map(gzip).collect();
    place
        .write("in.warc.wet", &text)
        .write("in.warc.wet.gz", members)
        .write("in.wet.zst", zstd::encode_all(text.as_bytes(), 1).unwrap());
    for input in ["in.warc.wet", "in.warc.wet.gz", "in.wet.zst"] {
        let outputs = "--kept k.wet --removed r.wet --clusters c.tsv";
        let args = format!("{input} --keep max:WARC-Date {outputs}");
        let documents = both(&place, &args, &["k.wet", "r.wet", "c.tsv"]);
        assert!(documents.contains("\"in\":3"), "{documents}");
        let kept = [&*records[2], &records[3]].concat();
        assert_eq!(place.read("k.wet"), kept);
        assert_eq!(place.read("r.wet"), records[1]);
        let clusters = place.read("c.tsv");
        assert!(clusters.contains("http://a.example/2\t"), "{clusters}");
        assert_eq!(
            place
                .run(&format!("{input} --keep max:WARC-Date --kept k-{input}/"))
                .code,
            0
        );
        assert_eq!(place.run(&format!("{input} --kept g.wet.gz")).code, 0);
    }
    // A member for each record.
    let kept: Vec<u8> = fs::read(place.path("k-in.warc.wet.gz/in.warc.wet.gz")).unwrap();
    let mut first = Vec::new();
    let mut decoder = flate2::bufread::GzDecoder::new(&*kept);
    decoder.read_to_end(&mut first).unwrap();
    assert_eq!(first, records[2].as_bytes());
    assert_eq!(gunzip(&place, "g.wet.gz"), records[1..3].concat());
    let args = "- --input-format wet --kept s.wet";
    assert_eq!(place.run_with(args, text.as_bytes()).code, 0);
    assert_eq!(place.read("s.wet"), records[1..3].concat());
    place.refuses(
        "in.warc.wet --kept k.jsonl",
        "name a .wet file or a directory",
    );
}

#[test]
fn standard_input_that_is_compressed_is_named() {
    let place = Place::new();
    let ran = place.run_with("- --kept k.jsonl", &gzip(four()));
    assert_eq!(ran.code, 1);
    let named = "-:1: not UTF-8 (byte 1): it looks like gzip data: decompress it";
    assert!(ran.err.contains(named), "{}", ran.err);
    let ran = place.run_with("- --input-format csv --kept k/", b"text\none\n");
    assert!(ran.err.contains("name a .csv file"), "{}", ran.err);
}

#[test]
fn wet_that_cannot_be_read_is_named() {
    let place = Place::new();
    let good = warc("conversion", "http://a.example/1", "", A);
    let other = good.replace("example/1", "example/2");
    let cut = &other[..other.len() - 9];
    let latin = good.replace("Content-Length: 1", "X: \u{e9}\r\nContent-Length: 1");
    place
        .write("cut.wet", format!("{good}{cut}"))
        .write("other.wet", format!("{good}{other}<html>"))
        .write("header.wet", latin)
        .write("page.warc", &good);
    let len = A.len();
    place.fails(
        "cut.wet",
        &format!(
            "cut.wet:2: the file ends within a WARC record: its Content-Length is {len}, but only {} bytes",
            len - 5
        ),
    );
    place.fails(
        "other.wet",
        "other.wet:3: expected a WARC record, but found `<html>`",
    );
    place.fails(
        "header.wet --text-field body",
        "the text of a WET record is called `text`",
    );
    place.fails("page.warc", "a WARC file, whose pages are not plain text");
    assert_eq!(counts(&place, "header.wet --id-field WARC-Type"), (1, 0));
    assert_eq!(counts(&place, "page.warc --input-format wet"), (1, 0));
    let documents = both(
        &place,
        "cut.wet other.wet --id-field none --rejects j.jsonl",
        &["j.jsonl"],
    );
    assert!(
        documents.contains("\"in\":5,") && documents.contains("\"rejected\":2"),
        "{documents}"
    );
    for memory in ["", " --memory 64MiB"] {
        let ran = place.run(&format!("other.wet --on-bad skip{memory}"));
        let unread = "1 file not read to the end: the records that are missing are not counted";
        assert!(ran.out.contains(unread), "{}", ran.out);
        let summary = place.json(&format!("other.wet --on-bad skip{memory}"));
        assert_eq!(summary["documents"]["unread_files"], 1);
    }
    // Records that are too long for the bound, and those around them. Those that are no documents do not count.
    let long = |of: &str| {
        warc(
            of,
            "http://a.example/long",
            "",
            &format!("{B} ").repeat(9000),
        )
    };
    for (of, read) in [("conversion", 3), ("response", 2)] {
        place.write("long.wet", format!("{good}{}{other}", long(of)));
        let args = "long.wet --max-record 100KB --on-bad skip --kept k.wet --format json";
        let ran = place.run(args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(place.read("k.wet"), good);
        assert!(
            ran.out.contains(&format!("\"in\": {read}"))
                || ran.out.contains(&format!("\"in\":{read}")),
            "{}",
            ran.out
        );
    }
}

#[test]
fn fields_of_tsv_go_by_the_names_of_the_header() {
    let place = Place::new();
    place.write(
        "in.tsv",
        format!("body\turl\tsource\n{A}\tu1\tweb\n{A}\t\tgov\n\t\t\n"),
    );
    let args = "in.tsv --text-field body --prefer source=gov";
    let summary = place.json(&format!("{args} --id-field none"));
    assert_eq!(summary["clusters"][0]["kept"], "in.tsv:3");
    assert_eq!(summary["documents"]["empty"], 1);
    place.fails(
        &format!("{args} --id-field url"),
        "in.tsv:3: field `url` is missing",
    );
    place.fails(
        "in.tsv --id-field url",
        "in.tsv: column `text` is missing: the header row has `body`, `url`, `source`",
    );
}

#[test]
fn csv_that_cannot_be_is_named() {
    let place = Place::new();
    place
        .write("open.csv", format!("id,text\n1,{A}\n2,\"{B}\n3,c\n"))
        .write("empty.csv", "")
        .write("twice.csv", "text,text\na,b\n")
        .write("latin.csv", b"text\ncaf\xE9\n")
        .write("a.csv", "id,text\n1,a b c\n")
        .write("b.csv", "text,id\na b c,2\n")
        .write("c.csv", "id,text\r\n3,d e f\r\n");
    place.fails("open.csv", "open.csv:3: a quoted field is not closed");
    place.fails("empty.csv", "empty.csv: has no header row");
    place.fails(
        "twice.csv",
        "twice.csv: column `text` appears twice in the header row",
    );
    place.fails("latin.csv", "latin.csv:2: not UTF-8 (byte 3)");
    place.refuses(
        "a.csv --kept k.jsonl",
        "would be CSV rows: name a .csv file",
    );
    place.refuses(
        "a.csv b.csv --kept k.csv",
        "the header rows of a.csv and b.csv differ",
    );
    let ran = place.run("a.csv c.csv --kept k.csv --removed r.csv");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.read("k.csv"), "id,text\n1,a b c\n3,d e f\r\n");
    assert_eq!(place.read("r.csv"), "id,text\n");
    assert_eq!(place.run("a.csv b.csv --kept k/ --removed r/").code, 0);
    assert_eq!(place.read("r/b.csv"), "text,id\na b c,2\n");
}

#[test]
fn a_row_that_is_too_long_for_the_bound_is_a_bad_one() {
    let place = Place::new();
    let long = "word,\n".repeat(1 << 20);
    place.write(
        "in.csv",
        format!("id,text\n1,{A}\n2,\"{long}\"\n3,{B}\n4\n"),
    );
    let ran = place.run("in.csv --memory 64MiB --on-bad skip --rejects j.jsonl --kept k.csv");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.read("k.csv"), format!("id,text\n1,{A}\n3,{B}\n"));
    let rejects = place.read("j.jsonl");
    let lines: Vec<serde_json::Value> = (rejects.lines())
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["line"].clone())
        .collect();
    assert_eq!(lines, [3, (1 << 20) + 5]);
}

#[test]
fn text_files_go_to_one_file_of_json_lines() {
    let place = Place::new();
    place
        .write("d/a.txt", A)
        .write("d/b \"c\".txt", format!("{B}\n"))
        .write("d/c.txt", A);
    both(
        &place,
        "d --kept tk.jsonl --removed tr.jsonl.gz",
        &["tk.jsonl", "tr.jsonl.gz"],
    );
    let record =
        |id: &str, text: &str| format!("{}\n", serde_json::json!({"id": id, "text": text}));
    let kept = record("a.txt", A) + &record("b \"c\".txt", &format!("{B}\n"));
    assert_eq!(place.read("tk.jsonl"), kept);
    assert_eq!(gunzip(&place, "tr.jsonl.gz"), record("c.txt", A));
    place.refuses("d --kept k.txt", "would be text files: name a .jsonl file");
    place.write("e/raw", [0xFF; 99]);
    place.fails(
        "e --shingle bytes:4 --input-format text --kept k.jsonl",
        "e/raw: not UTF-8 (byte 0), so it cannot be written as JSON",
    );
}

#[test]
fn compressions_that_are_not_written_are_refused() {
    let place = Place::new();
    place.write("in.jsonl", four());
    for args in [
        "--kept z.jsonl.xz",
        "--pairs p.tsv.bz2",
        "--clusters c.tsv.zip",
        "--rejects r.lz4",
    ] {
        place.refuses(
            &format!("in.jsonl {args}"),
            "files cannot be written: use a name that ends in .gz",
        );
    }
}

#[test]
fn an_id_made_of_file_and_line_is_not_merged_with_one_that_a_record_has() {
    let place = Place::new();
    let record = |text: &str| format!("{}\n", serde_json::json!({"text": text}));
    place
        .write("t.jsonl", line("t.jsonl:2", A) + &record(B))
        .write("u.jsonl", record(B) + &line("u.jsonl:1", A));
    for memory in ["", " --memory 64MiB"] {
        place.fails(
            &format!("t.jsonl{memory}"),
            "t.jsonl:2: id `t.jsonl:2`, made of file and line, was already used, at t.jsonl:1; give",
        );
        place.fails(
            &format!("u.jsonl{memory}"),
            "u.jsonl:2: id `u.jsonl:1` was already used, at u.jsonl:1; give every record its own id",
        );
        let ran = place.run(&format!("t.jsonl u.jsonl --id-field none{memory}"));
        assert!(
            ran.out.contains("4 documents in = 2 kept"),
            "{}{}",
            ran.out,
            ran.err
        );
    }
}

#[test]
fn what_programs_write_that_is_no_json_is_named() {
    let place = Place::new();
    place
        .write("nan.jsonl", "{\"text\": \"a\", \"score\": NaN}\n")
        .write(
            "infinity.jsonl",
            "{\"text\": \"a\", \"score\": -Infinity}\n",
        )
        .write("joined.jsonl", line("a", A) + "\u{FEFF}" + &line("b", B))
        .write("other.jsonl", "{\"text\": \"NaN\", \"score\": x}\n");
    place.fails(
        "nan.jsonl",
        "nan.jsonl:1: not a JSON record: NaN is not JSON: write null",
    );
    place.fails("infinity.jsonl", "not a JSON record: Infinity is not JSON");
    place.fails(
        "joined.jsonl",
        "joined.jsonl:2: not a JSON record: a byte-order mark, which is allowed only",
    );
    place.fails("other.jsonl", "not a JSON record: expected value");
}

#[cfg(unix)]
#[test]
fn control_characters_of_names_do_not_reach_the_terminal() {
    let place = Place::new();
    place
        .write("d/a\u{1b}[2J.jsonl", "nonsense\n")
        .write("d/b\u{7}.pdf", "")
        .write("e/c\u{1b}[2J.txt", A)
        .write("e/d.txt", A);
    let shown = |args: &str| {
        let ran = place.run(args);
        let all = ran.out + &ran.err;
        assert!(!all.contains(['\u{1b}', '\u{7}']), "{args}: {all:?}");
        all
    };
    assert!(shown("d").contains("d/a\\u{1b}[2J.jsonl:1: not a JSON record"));
    assert!(shown("d --on-bad skip").contains("the first: d/b\\u{7}.pdf"));
    assert!(shown("e").contains("c\\u{1b}[2J.txt"));
    let args = "e --kept k/ --memory 64MiB --log json --threads 1";
    shown(args);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Texts come out of CSV as they went in, whatever they hold and wherever blocks end.
    #[test]
    fn csv_is_read_as_it_is_written(
        texts in prop::collection::vec("[ab,\"\n\r\t\u{e9}]{0,12}", 1..20),
        repeats in 1usize..200,
    ) {
        let place = Place::new();
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let texts: Vec<String> = texts.iter().map(|text| text.repeat(repeats)).collect();
        let rows = texts.iter().map(|text| format!("x,{}\n", quoted(text)));
        let text = "\"n\",text\n".to_owned() + &rows.collect::<String>();
        place.write("in.csv", &text).write("in.csv.gz", gzip(&text));
        for name in ["in.csv", "in.csv.gz"] {
            let corpus = Corpus::read(&[place.path(name)], &ReadOptions::new()).unwrap();
            let mut lines = 2;
            prop_assert_eq!(corpus.documents().len(), texts.len());
            for (number, text) in texts.iter().enumerate() {
                use resemblance::text::{Content, Document, ReadBuffer};
                let mut buffer = ReadBuffer::default();
                let content = corpus.documents()[number].content(&mut buffer).unwrap();
                prop_assert_eq!(content, Content::Text(text));
                let id = format!("{}:{lines}", place.path(name).display());
                prop_assert_eq!(&corpus.ids()[number], &id);
                lines += 1 + text.matches('\n').count();
            }
        }
    }
}
