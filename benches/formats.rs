//! What does the format of a file cost? Compares the whole command `dedup` with decompressing the same file, and with
//! decompressing and parsing it.
//!
//! `cargo bench --bench formats`: half a million documents of about 100 words, in each format.
//!
//! The two baselines are the simplest loops over the libraries that read these formats, on one thread: one decompresses
//! bytes into a buffer and discards them; the other also parses lines with `serde_json` into id and text, and columns
//! into values.

#[allow(dead_code, unreachable_pub)] // the tests use the rest
#[path = "../tests/support/program.rs"]
mod program;
#[path = "scale/table.rs"]
#[allow(dead_code)]
mod table;

use std::borrow::Cow;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use parquet::column::page::PageReader;
use parquet::column::reader::{get_column_reader, get_typed_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;
use program::example;
use serde::Deserialize;
use table::row;

fn main() {
    // `cargo test --benches` runs this too: then a little is enough.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    let documents = if quick { "1000" } else { "500000" };
    let (generate, dedup) = (example("generate"), example("dedup"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    println!(
        "Seconds, best of three; a ratio is the whole command as a multiple of reading and parsing.\n"
    );
    row(&[
        "",
        "MB",
        "read",
        "and parse",
        "1 thread",
        "ratio",
        "2 threads",
        "ratio",
    ]);
    for format in ["jsonl", "jsonl.gz", "jsonl.zst", "parquet"] {
        let file = folder.path().join("documents").with_extension(format);
        let written = Command::new(&generate)
            .args(["--words", "73", "--documents", documents, "--output"])
            .arg(&file)
            .status();
        assert!(written.expect("generate runs").success());
        measure(format, &file, &dedup);
    }
}

fn measure(format: &str, file: &Path, dedup: &Path) {
    let (read, parsed) = match format {
        "parquet" => (best(|| pages(file)), best(|| columns(file))),
        _ => (best(|| bytes(file)), best(|| lines(file))),
    };
    let whole = |threads: &str| best(|| run(Command::new(dedup).arg(file), threads));
    let (one, two) = (whole("1"), whole("2"));
    let megabytes = file.metadata().expect("just written").len() as f64 / 1e6;
    row(&[
        format,
        &format!("{megabytes:.0}"),
        &format!("{read:.2}"),
        &format!("{parsed:.2}"),
        &format!("{one:.2}"),
        &format!("{:.2}", one / parsed),
        &format!("{two:.2}"),
        &format!("{:.2}", two / parsed),
    ]);
}

/// Seconds, by the fastest run: a slower one was disturbed.
fn best(mut run: impl FnMut()) -> f64 {
    let seconds = (0..3).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    seconds.fold(f64::INFINITY, f64::min)
}

fn run(dedup: &mut Command, threads: &str) {
    let dedup = dedup.args(["--format", "json", "--threads", threads]);
    let ran = dedup.stdout(Stdio::null()).status();
    assert!(ran.expect("dedup runs").success());
}

fn open(path: &Path) -> Box<dyn Read> {
    let file = File::open(path).expect("just written");
    match path.extension().and_then(|name| name.to_str()) {
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Some("zst") => Box::new(zstd::Decoder::new(file).expect("a file of zstd")),
        _ => Box::new(file),
    }
}

fn bytes(path: &Path) {
    let mut buffer = vec![0; 1 << 20];
    let mut file = open(path);
    while file.read(&mut buffer).expect("it can be read") > 0 {
        black_box(&buffer);
    }
}

#[derive(Deserialize)]
struct Record<'l> {
    #[serde(borrow)]
    id: Cow<'l, str>,
    #[serde(borrow)]
    text: Cow<'l, str>,
}

fn lines(path: &Path) {
    let mut file = BufReader::with_capacity(1 << 20, open(path));
    let mut line = String::new();
    while file.read_line(&mut line).expect("lines of UTF-8") > 0 {
        let record: Record<'_> = serde_json::from_str(&line).expect("a record");
        black_box((record.id, record.text));
        line.clear();
    }
}

/// The pages of all columns, decompressed.
fn pages(path: &Path) {
    each_column(path, |_, mut pages| {
        while let Some(page) = pages.get_next_page().expect("a page") {
            black_box(page);
        }
    });
}

/// Their values, as text.
fn columns(path: &Path) {
    each_column(path, |column, pages| {
        let reader = get_column_reader(column, pages);
        let mut reader = get_typed_column_reader::<ByteArrayType>(reader);
        let mut values: Vec<ByteArray> = Vec::new();
        loop {
            let read = reader.read_records(1024, None, None, &mut values);
            if read.expect("values").0 == 0 {
                break;
            }
            for value in values.drain(..) {
                black_box(value.as_utf8().expect("text"));
            }
        }
    });
}

fn each_column(path: &Path, each: impl Fn(ColumnDescPtr, Box<dyn PageReader>)) {
    let file = File::open(path).expect("just written");
    let file = SerializedFileReader::new(file).expect("a file of Parquet");
    for number in 0..file.num_row_groups() {
        let group = file.get_row_group(number).expect("a row group");
        for column in 0..group.num_columns() {
            let pages = group.get_column_page_reader(column).expect("a column");
            each(group.metadata().column(column).column_descr_ptr(), pages);
        }
    }
}
