//! Documents, as every contender gets them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use resemblance::{Deduper, Normalization};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Record {
    /// A string or a number.
    id: Value,
    text: String,
}

/// Ids and texts, in memory.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    pub(crate) ids: Vec<String>,
    pub(crate) texts: Vec<String>,
    /// Of the texts, in UTF-8.
    pub(crate) bytes: u64,
}

impl Documents {
    /// Those of a JSON-lines file until `limit` bytes of text are reached.
    pub(crate) fn read(path: &Path, limit: Option<u64>) -> Result<Self> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        let mut documents = Self::default();
        for line in BufReader::new(file).lines() {
            if limit.is_some_and(|limit| documents.bytes >= limit) {
                break;
            }
            let record: Record = serde_json::from_str(&line?)?;
            documents.bytes += record.text.len() as u64;
            documents.ids.push(match record.id {
                Value::String(id) => id,
                other => other.to_string(),
            });
            documents.texts.push(record.text);
        }
        Ok(documents)
    }
}

/// Writes into `folder` what the contenders read of a collection: `documents.jsonl`; `texts.txt`, a text a
/// line; and `shingles.bin`, for rivals that take ready shingles: the number of documents, where the
/// hashes of each end, and the hashes, as little-endian numbers of 64 bits.
pub(crate) fn prepare(collection: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let jsonl = folder.join("documents.jsonl");
    let packed = File::open(collection).with_context(|| collection.display().to_string())?;
    let mut unpacked: Box<dyn Read> = if collection.extension().is_some_and(|e| e == "gz") {
        Box::new(MultiGzDecoder::new(packed))
    } else {
        Box::new(packed)
    };
    std::io::copy(&mut unpacked, &mut File::create(&jsonl)?)?;

    let documents = Documents::read(&jsonl, None)?;
    let mut plain = BufWriter::new(File::create(folder.join("texts.txt"))?);
    for text in &documents.texts {
        writeln!(plain, "{}", text.replace(['\n', '\r'], " "))?;
    }
    plain.flush()?;

    let builder = Deduper::builder().normalization(Normalization::NFKC_CASEFOLD);
    let deduper = builder.build()?;
    let (mut ends, mut hashes) = (Vec::new(), Vec::new());
    for text in &documents.texts {
        hashes.append(&mut deduper.sketcher().shingler().text(text));
        ends.push(hashes.len() as u64);
    }
    let mut shingles = BufWriter::new(File::create(folder.join("shingles.bin"))?);
    for number in [ends.len() as u64].iter().chain(&ends).chain(&hashes) {
        shingles.write_all(&number.to_le_bytes())?;
    }
    shingles.flush()?;
    Ok(())
}
