//! JSON lines from standard input to standard output, without near-duplicates of earlier lines. What was seen is kept in a file,
//! and the next run continues from it.
//! `cargo run --release --example json_stream -- seen.sieve < today.jsonl > new.jsonl`

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;

use resemblance::Deduper;
use resemblance::stream::{Sieve, Window};
use serde::Deserialize;

#[derive(Deserialize)]
struct Record {
    id: u64,
    text: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: json_stream SIEVE")?;
    let path = PathBuf::from(path);
    let mut sieve = match path.exists() {
        true => Sieve::open(&path)?,
        false => Deduper::new().sieve(Window::last(100_000))?,
    };

    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let record: Record = serde_json::from_str(&line)?;
        match sieve.admit_as(record.id, &record.text).seen() {
            None => writeln!(output, "{line}")?,
            Some(seen) => eprintln!("{}: {seen}", record.id), // 17: 0.917 like document 4
        }
    }
    eprintln!("{}", sieve.counts());
    sieve.save(&path)?;
    Ok(())
}
