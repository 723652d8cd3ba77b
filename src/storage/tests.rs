//! All sections are read as they were written; headers that do not match their files are refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::*;
use crate::error::Error;
use crate::lsh::Banding;
use crate::verify::ShingleSet;
use crate::{Deduper, Shingle};

const TEXTS: [&str; 4] = [
    "one text of some words",
    "",
    "another text of other words",
    "one text of some words",
];

fn deduper() -> Deduper {
    let builder = Deduper::builder().hashes(16).shingle(Shingle::Words(2));
    builder
        .banding(Banding::new(8, 2).unwrap())
        .build()
        .unwrap()
}

fn about() -> About {
    About {
        documents: TEXTS.len() as u32,
        id_kind: "string".to_owned(),
        scheme: *deduper().scheme(),
        banding: (8, 2),
        threshold: 0.8,
        application: BTreeMap::from([("field".to_owned(), Value::from("text"))]),
    }
}

/// Shingle hashes of a document, ascending.
fn set(text: &str) -> Vec<u64> {
    let hashes = deduper().sketcher().shingler().text(text);
    ShingleSet::from_hashes(hashes).hashes().to_vec()
}

fn key(band: usize, slots: &[u32]) -> u64 {
    deduper().banding().key(band, slots)
}

/// Writes all sections.
fn write(dir: &Path) -> Result<(), Error> {
    let mut writer = Writer::create(dir)?;
    let (mut ids, mut sets) = (writer.list(Section::Ids)?, writer.list(Section::Sets)?);
    let mut signatures = writer.section(Section::Signatures)?;
    let mut counts = writer.section(Section::Counts)?;
    for (row, text) in TEXTS.iter().enumerate() {
        ids.push(format!("id {row}").as_bytes())?;
        sets.push_hashes(&set(text))?;
        let signature = deduper().signature(text);
        signatures.put_u32s(signature.slots().iter().copied())?;
        counts.put_u64(row as u64 + 1)?;
    }
    writer.finish_list(ids)?;
    writer.finish_list(sets)?;
    writer.finish(signatures)?;
    writer.finish(counts)?;
    writer.write_tables(&about(), 0, key)?;
    writer.seal(&about())?;
    writer.put()
}

#[test]
fn all_sections_are_what_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("index");
    write(&dir).unwrap();
    let stored = Stored::open(&dir, Checks::All).unwrap();
    assert_eq!((stored.about(), stored.len()), (&about(), 4));
    let mut reader = stored.read_documents().unwrap();
    let mut slots = Vec::new();
    for (row, text) in TEXTS.iter().enumerate() {
        let id = format!("id {row}");
        assert_eq!(stored.ids().id(row as u32), Some(id.as_bytes()));
        assert_eq!(stored.ids().find(id.as_bytes()), Some(row as u32));
        let mapped = stored.sets().unwrap().set(row as u32).unwrap();
        let mapped: Vec<u64> = mapped
            .iter()
            .map(|hash| u64::from_le_bytes(*hash))
            .collect();
        assert_eq!(mapped, set(text));
        let count = row as u64 + 1;
        assert_eq!(stored.counts()[row], count.to_le_bytes());
        let set = ShingleSet::from_hashes(mapped);
        assert_eq!(
            reader.next().unwrap(),
            Some(StoredDocument { id, set, count })
        );
        assert!(stored.signatures().copy_row(row as u32, &mut slots));
        assert_eq!(slots, deduper().signature(text).slots());
    }
    assert_eq!(reader.next().unwrap(), None);
    assert_eq!(stored.ids().find(b"id 4"), None);
    assert_eq!(stored.ids().id(4), None);
    assert_eq!(stored.sets().unwrap().set(4), None);
}

#[test]
fn bands_have_the_documents_with_shingles() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("index");
    write(&dir).unwrap();
    let stored = Stored::open(&dir, Checks::All).unwrap();
    let rows = |text: &str| {
        let signature = deduper().signature(text);
        let keys: Vec<u64> = deduper().banding().keys(signature.slots()).collect();
        stored.bands().rows(&keys)
    };
    assert_eq!(rows(TEXTS[0]), [0, 3].repeat(8));
    assert!(rows(TEXTS[1]).is_empty());
}

#[test]
fn what_is_not_finished_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("index");
    let writer = Writer::create(&dir).unwrap();
    let mut ids = writer.list(Section::Ids).unwrap();
    ids.push(&[7; 100_000]).unwrap();
    drop((ids, writer));
    let mut writer = Writer::create(&dir).unwrap();
    let ids = writer.list(Section::Ids).unwrap();
    writer.finish_list(ids).unwrap();
    let error = writer.seal(&about()).unwrap_err().to_string();
    drop(writer);
    assert!(
        error.ends_with("is corrupt: it has 0 bytes instead of 32; restore a copy of the index, or write it anew from the documents"),
        "{error}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Opens an index whose header was changed, with a correct checksum.
fn open_with(change: (&str, &str)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("index");
    write(&dir).unwrap();
    let path = dir.join("index.json");
    let text = fs::read_to_string(&path).unwrap();
    let (text, _) = text.split_once(",\n  \"checksum\"").unwrap();
    assert!(text.contains(change.0), "{}", change.0);
    let text = text.replacen(change.0, change.1, 1);
    let checksum = format!("{:032x}", xxh3_128(text.as_bytes()));
    let stored = Stored::open(&dir, Checks::Sizes).unwrap();
    let sections = stored.path(Section::Ids);
    drop(stored);
    fs::rename(sections.parent().unwrap(), dir.join(&checksum[..16])).unwrap();
    let text = format!("{text},\n  \"checksum\": \"{checksum}\"\n}}\n");
    fs::write(&path, text).unwrap();
    let opened = crate::Index::<String>::open_unverified(&dir);
    opened.map_or_else(|error| error.to_string(), |_| "opened".to_owned())
}

#[test]
fn headers_that_do_not_fit_are_refused() {
    assert_eq!(open_with(("0.8", "0.7")), "opened");
    for (change, why) in [
        (
            ("\"documents\": 4", "\"documents\": 5"),
            "it has 32 bytes instead of 40",
        ),
        (
            ("\"documents\": 4", "\"documents\": 4294967295"),
            "more documents than",
        ),
        (("\"documents\": 4", "\"documents\": -1"), "invalid value"),
        (
            ("\"bands\": 8", "\"bands\": 7"),
            "the bands of an index cannot have 288 bytes",
        ),
        (
            ("\"bands\": 8", "\"bands\": 0"),
            "the bands of an index cannot have 288 bytes",
        ),
        (
            ("\"bands\": 8", "\"bands\": 1152921504606846977"),
            "the bands of an index cannot have 288 bytes",
        ),
        (("\"rows\": 2", "\"rows\": 3"), "needs 24 slots"),
        (("\"hashes\": 16", "\"hashes\": 32"), "instead of 512"),
        (("\"hashes\": 16", "\"hashes\": 0"), "hashes 0"),
        (("0.8", "1.5"), "threshold 1.5"),
        (("words:2", "lines:2"), "shingle `lines:2`"),
        (
            ("fast-similarity", "slow"),
            "sketch `slow`: must be fast-similarity or classic",
        ),
        (
            ("nfkc-casefold", "nfkd"),
            "normalization `nfkd+apostrophes`: must be default, ",
        ),
        (
            (
                "\"scheme\": {\n    \"version\": 3",
                "\"scheme\": {\n    \"version\": 2",
            ),
            "scheme version 2",
        ),
        (("\"seed\"", "\"salt\""), "unknown field `salt`"),
        (
            ("\"name\": \"set-ends\"", "\"name\": \"../ids\""),
            "section `../ids`: unknown",
        ),
        (
            ("\"name\": \"id-ends\"", "\"name\": \"ids\""),
            "sections in another order",
        ),
    ] {
        let error = open_with(change);
        assert!(error.contains(why), "{change:?}: {error}");
        assert!(error.contains(".json") || error.contains(".bin"), "{error}");
    }
}

#[test]
fn sets_that_end_elsewhere_are_refused_or_end_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("index");
    write(&dir).unwrap();
    let stored = Stored::open(&dir, Checks::All).unwrap();
    let path = stored.path(Section::SetEnds);
    drop(stored);
    let mut bytes = fs::read(&path).unwrap();
    bytes[7] = 0xFF;
    fs::write(&path, bytes).unwrap();
    let error = Stored::open(&dir, Checks::All).unwrap_err().to_string();
    assert!(
        error.ends_with("set-ends.bin is corrupt: a document ends before it begins; restore a copy of the index, or write it anew from the documents"),
        "{error}"
    );
    let stored = Stored::open(&dir, Checks::Sizes).unwrap();
    assert_eq!(stored.sets().unwrap().set(0), None);
    let error = stored.read_documents().unwrap().next().unwrap_err();
    assert!(error.to_string().contains("sets.bin"), "{error}");
}
