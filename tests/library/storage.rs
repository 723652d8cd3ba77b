//! Saved indexes: compared with indexes that were never saved, corrupted in every way, and readable forever.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Random, collection};
use proptest::prelude::*;
use resemblance::lsh::{Banding, StoredId};
use resemblance::{Deduper, Index, Shingle, SketchKind};
use tempfile::TempDir;

fn deduper() -> Deduper {
    Deduper::builder()
        .shingle(Shingle::Words(2))
        .hashes(32)
        .threshold(0.5)
        .banding(Banding::new(16, 2).unwrap())
        .build()
        .unwrap()
}

/// An index and one that is saved and opened now and then: what is done is done to both.
struct Twins {
    plain: Index<String>,
    saved: Index<String>,
    folder: TempDir,
}

impl Twins {
    fn new() -> Self {
        Self {
            plain: deduper().index(),
            saved: deduper().index(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn place(&self) -> PathBuf {
        self.folder.path().join("index")
    }

    fn save_and_open(&mut self, verified: bool) {
        self.saved.save(self.place()).unwrap();
        let opened = match verified {
            true => Index::open(self.place()),
            false => Index::open_unverified(self.place()),
        };
        self.saved = opened.unwrap();
        assert_eq!(self.saved.memory_usage(), 0);
    }

    fn insert_or_remove(&mut self, id: &str, text: &str) {
        let there = self.plain.contains(id);
        assert_eq!(self.saved.contains(id), there);
        if there {
            let error = |index: &mut Index<String>| index.insert(id.to_owned(), text).unwrap_err();
            assert_eq!(error(&mut self.saved), error(&mut self.plain));
        }
        for index in [&mut self.plain, &mut self.saved] {
            assert_eq!(index.remove(id), there);
            if !there {
                index.insert(id.to_owned(), text).unwrap();
            }
        }
    }

    fn answer_alike(&self, text: &str) {
        let (plain, saved) = (&self.plain, &self.saved);
        assert_eq!(saved.query(text), plain.query(text));
        assert_eq!(saved.query_above(text, 0.0), plain.query_above(text, 0.0));
        assert_eq!(saved.top_k(text, 3), plain.top_k(text, 3));
        let signature = deduper().signature(text);
        let of = |index: &Index<String>| {
            let above = index.query_signature(&signature, 0.3).unwrap();
            (above, index.top_k_signature(&signature, 5).unwrap())
        };
        assert_eq!(of(saved), of(plain));
        assert_eq!(saved.estimate_floor(), plain.estimate_floor());
        // Every third id has no text; the others have one that may not be theirs.
        let verified = |index: &Index<String>| {
            let mut asked = Vec::new();
            let found = index.query_verified(text, |id| {
                asked.push(id.clone());
                (id.len() % 3 > 0).then_some(text)
            });
            (asked, found)
        };
        assert_eq!(verified(saved), verified(plain));
    }

    fn retain(&mut self, keep: impl Fn(&String) -> bool) {
        let retained = |index: &mut Index<String>| {
            let mut asked = Vec::new();
            index.retain(|id| {
                asked.push(id.clone());
                keep(id)
            });
            asked
        };
        assert_eq!(retained(&mut self.saved), retained(&mut self.plain));
        assert_eq!(ids(&self.saved), ids(&self.plain));
        assert!(self.plain.ids().all(keep));
    }

    /// Documents that are not there yet, together.
    fn insert_all(&mut self, ids: &[String], texts: &[String]) {
        let new: Vec<(String, &String)> = ids.iter().cloned().zip(texts).collect();
        let taken = ids.iter().any(|id| self.plain.contains(id));
        for index in [&mut self.plain, &mut self.saved] {
            assert_eq!(index.insert_all(new.clone()).is_err(), taken);
        }
    }

    fn are_alike(&self, ids: &[String]) {
        let (plain, saved) = (&self.plain, &self.saved);
        assert_eq!(saved.len(), plain.len());
        assert_eq!(saved.is_empty(), plain.is_empty());
        for id in ids {
            assert_eq!(saved.contains(id), plain.contains(id));
            assert_eq!(saved.signature(id), plain.signature(id));
        }
    }
}

/// All ids, in the order of insertion.
fn ids(index: &Index<String>) -> Vec<&String> {
    index.ids().collect()
}

/// The files of a stored index.
/// The files below a folder.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let below = files(&entry.path()).into_iter();
            all.extend(below.map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        } else {
            all.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    all
}

fn write_files(dir: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn of_texts(texts: &[String]) -> Index<String> {
    let mut index = deduper().index();
    for (i, text) in texts.iter().enumerate() {
        index.insert(format!("document {i}"), text).unwrap();
    }
    index
}

proptest! {
    // Every save waits for the disk.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn saved_indexes_answer_as_if_they_never_were(seed: u64) {
        let texts = collection(seed, 50);
        let ids: Vec<String> = (0..texts.len()).map(|i| format!("id {i}")).collect();
        let mut random = Random(seed);
        let mut twins = Twins::new();
        for _ in 0..200 {
            let i = random.below(texts.len());
            match random.below(12) {
                0 => twins.save_and_open(random.below(2) == 0),
                1 | 2 => twins.answer_alike(&texts[i]),
                3 => twins.insert_all(&ids[i..(i + 3).min(ids.len())], &texts[i..]),
                4 if random.below(6) == 0 => twins.retain(|id| !id.ends_with(['3', '7'])),
                _ => twins.insert_or_remove(&ids[i], &texts[i]),
            }
        }
        twins.are_alike(&ids);
        for text in &texts {
            twins.answer_alike(text);
        }
        prop_assert_eq!(self::ids(&twins.saved), self::ids(&twins.plain));
        // Reading all ids changes nothing.
        twins.are_alike(&ids);
    }

    #[test]
    fn the_same_documents_give_the_same_bytes(seed: u64) {
        let texts = collection(seed, 30);
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        of_texts(&texts).save(place("plain")).unwrap();
        // Opened halfway, with documents that came and went.
        let mut index = of_texts(&texts[..15]);
        index.insert("passing".to_owned(), &texts[0]).unwrap();
        index.save(place("other")).unwrap();
        let mut index: Index<String> = Index::open(place("other")).unwrap();
        index.remove("passing");
        for (i, text) in texts.iter().enumerate().skip(15) {
            index.insert(format!("document {i}"), text).unwrap();
        }
        index.save(place("other")).unwrap();
        prop_assert_eq!(files(&place("plain")), files(&place("other")));
    }

    #[test]
    fn what_is_corrupt_is_refused_and_never_panics(seed: u64) {
        let texts = collection(seed, 20);
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("index");
        of_texts(&texts).save(&place).unwrap();
        let whole = files(&place);
        let mut random = Random(seed);
        for (round, (name, bytes)) in whole.iter().cycle().take(60).enumerate() {
            let Some(bytes) = corrupted(bytes, &mut random) else { continue };
            let place = folder.path().join(round.to_string());
            write_files(&place, &whole);
            fs::write(place.join(name), bytes).unwrap();
            let error = Index::<String>::open(&place).unwrap_err().to_string();
            prop_assert!(error.contains(name), "{}: {}", name, error);
            if let Ok(index) = Index::<String>::open_unverified(&place) {
                use_all_of(index, &texts);
                // Whether or not what is broken can be written.
                if round < 6 {
                    let _ = Index::<String>::open_unverified(&place).unwrap().save(folder.path().join("again"));
                }
            }
        }
    }
}

/// `bytes` with one changed, some cut off or one more; none where there is nothing to change.
fn corrupted(bytes: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut bytes = bytes.to_owned();
    match random.below(4) {
        1 => bytes.push(random.below(256) as u8),
        _ if bytes.is_empty() => return None,
        0 => bytes.truncate(random.below(bytes.len())),
        _ => {
            let place = random.below(bytes.len());
            bytes[place] ^= 1 + random.below(255) as u8;
        }
    }
    Some(bytes)
}

fn use_all_of(mut index: Index<String>, texts: &[String]) {
    for text in texts {
        index.query_above(text, 0.0);
        index.top_k(text, 5);
    }
    for i in 0..texts.len() {
        let id = format!("document {i}");
        index.signature(&id);
        if i % 2 == 0 {
            index.remove(&id);
        }
    }
    let mut other = deduper().index();
    let _ = other.merge(&index);
    assert!(index.ids().count() <= texts.len());
}

#[test]
fn missing_parts_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    let open = |place: &Path| {
        let error = Index::<String>::open_unverified(place).unwrap_err();
        error.to_string().replace(place.to_str().unwrap(), "PLACE")
    };
    assert!(
        open(&place).starts_with("cannot read PLACE"),
        "{}",
        open(&place)
    );
    assert_eq!(open(folder.path()), "PLACE is not an index of this crate");
    of_texts(&collection(1, 5)).save(&place).unwrap();
    for name in files(&place).keys().filter(|name| *name != "index.json") {
        let aside = folder.path().join("aside");
        fs::rename(place.join(name), &aside).unwrap();
        let error = open(&place);
        assert!(
            error.starts_with("cannot read PLACE") && error.contains(name),
            "{error}"
        );
        fs::rename(&aside, place.join(name)).unwrap();
    }
    fs::write(place.join("index.json"), "{\"format\": \"other\"}").unwrap();
    assert_eq!(
        open(&place),
        "PLACE/index.json is not an index of this crate"
            .replace('/', std::path::MAIN_SEPARATOR_STR)
    );
}

#[test]
fn other_versions_and_ids_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    of_texts(&collection(1, 5)).save(&place).unwrap();
    let error = Index::<u64>::open(&place).unwrap_err().to_string();
    assert!(
        error.ends_with(": its ids are of type string, not u64"),
        "{error}"
    );
    let header = place.join("index.json");
    let text = fs::read_to_string(&header).unwrap();
    fs::write(
        &header,
        text.replacen("\"version\": 4", "\"version\": 3", 1),
    )
    .unwrap();
    let error = Index::<String>::open(&place).unwrap_err().to_string();
    assert!(
        error.ends_with(": index format version 3, but this crate reads version 4"),
        "{error}"
    );
    // An index all the same: it may be replaced.
    of_texts(&collection(2, 5)).save(&place).unwrap();
    assert_eq!(Index::<String>::open(&place).unwrap().len(), 5);
}

#[test]
fn what_is_no_index_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let index = of_texts(&collection(1, 5));
    let refused = |place: &Path, why: &str| {
        let error = index.save(place).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot write an index to ") && error.ends_with(why),
            "{error}"
        );
    };
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    refused(&file, ": there is a file at this path");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");

    let other = folder.path().join("folder");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("index.json"), "{}").unwrap();
    refused(
        &other,
        ": there is a folder at this path that is not an index",
    );
    assert_eq!(files(&other).len(), 1);

    let place = folder.path().join("index");
    index.save(&place).unwrap();
    fs::write(place.join("notes.txt"), "mine").unwrap();
    refused(
        &place,
        ": the folder of the index there also contains notes.txt, which is not part of an index",
    );
    assert_eq!(fs::read_to_string(place.join("notes.txt")).unwrap(), "mine");

    let nowhere = folder.path().join("no").join("folder");
    let error = index.save(&nowhere).unwrap_err().to_string();
    assert!(error.starts_with("cannot write "), "{error}");
    // Nothing is left beside them.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn empty_folders_and_links_can_be_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    fs::create_dir(&place).unwrap();
    let empty: Index<String> = deduper().index();
    empty.save(&place).unwrap();
    assert!(Index::<String>::open(&place).unwrap().is_empty());
    #[cfg(unix)]
    {
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&place, &link).unwrap();
        of_texts(&collection(1, 5)).save(&link).unwrap();
        assert_eq!(Index::<String>::open(&place).unwrap().len(), 5);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}

#[test]
fn an_open_index_outlives_its_replacement() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    let texts = collection(3, 50);
    of_texts(&texts).save(&place).unwrap();
    let opened: Index<String> = Index::open(&place).unwrap();
    of_texts(&texts[..10]).save(&place).unwrap();
    assert_eq!(opened.len(), 50);
    let plain = of_texts(&texts);
    for text in &texts {
        assert_eq!(opened.query(text), plain.query(text));
    }
}

/// Saves an index of these ids, opens it, and asks for them.
fn keeps_ids<Id: StoredId>(ids: &[Id]) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    let mut index = deduper().index();
    for id in ids {
        index.insert(id.clone(), "one and the same text").unwrap();
    }
    index.save(&place).unwrap();
    let mut index: Index<Id> = Index::open(&place).unwrap();
    let found: Vec<Id> = index
        .query("one and the same text")
        .into_iter()
        .map(|m| m.id)
        .collect();
    assert_eq!(found, ids);
    for id in ids {
        assert!(index.insert(id.clone(), "").is_err());
        assert!(index.contains(id) && index.remove(id) && !index.contains(id));
    }
    assert!(index.is_empty() && index.ids().next().is_none());
}

/// One that hashes unlike its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Part {
    shard: u8,
    name: String,
}

impl StoredId for Part {
    const KIND: &'static str = "part";

    fn to_bytes(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.shard);
        self.name.to_bytes(bytes);
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&shard, name) = bytes.split_first()?;
        let name = String::from_bytes(name)?;
        Some(Self { shard, name })
    }
}

#[test]
fn ids_of_every_type_are_found() {
    keeps_ids(&["", "a", "b", "a longer one", "\u{FF}\0"].map(str::to_owned));
    keeps_ids::<u8>(&(0..=255).collect::<Vec<_>>());
    keeps_ids::<u16>(&[0, 3, 2, u16::MAX]);
    keeps_ids::<u32>(&[0, 3, 2, u32::MAX]);
    keeps_ids::<u64>(&[0, 3, 2, u64::MAX]);
    keeps_ids::<u128>(&[0, 3, 2, u128::MAX]);
    keeps_ids::<usize>(&[0, 3, 2, usize::MAX]);
    let part = |shard, name: &str| Part {
        shard,
        name: name.to_owned(),
    };
    keeps_ids(&[part(0, "a"), part(1, "a"), part(1, "")]);
}

#[test]
fn stored_indexes_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    let texts = collection(9, 60);
    let plain = of_texts(&texts);
    let mut rest = deduper().index();
    for (i, text) in texts.iter().enumerate().skip(20) {
        rest.insert(format!("document {i}"), text).unwrap();
    }
    rest.save(&place).unwrap();
    let mut rest: Index<String> = Index::open(&place).unwrap();
    let mut all = of_texts(&texts[..20]);
    all.merge(&rest).unwrap();
    assert_eq!(all.len(), 60);
    for text in &texts {
        assert_eq!(all.query_above(text, 0.0), plain.query_above(text, 0.0));
    }
    // And the other way round, into one that lies in files.
    assert_eq!(
        rest.merge(&all).unwrap_err().to_string(),
        "id \"document 20\" is in the index already"
    );
    rest.merge(&of_texts(&texts[..20])).unwrap();
    let mut turned = ids(&plain);
    turned.rotate_left(20);
    assert_eq!((rest.len(), ids(&rest)), (60, turned));
}

#[test]
fn settings_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    let deduper = Deduper::builder()
        .sketch(SketchKind::Classic)
        .shingle(Shingle::Chars(4))
        .normalization(resemblance::Normalization::NONE)
        .hashes(60)
        .threshold(1.0 / 3.0)
        .seed(u64::MAX)
        .build()
        .unwrap();
    deduper.index::<u64>().save(&place).unwrap();
    let index: Index<u64> = Index::open(&place).unwrap();
    assert_eq!(index.sketcher().scheme(), deduper.scheme());
    assert_eq!(index.banding(), deduper.banding());
    assert_eq!(index.threshold(), deduper.threshold());
}

/// What lies in `tests/data/index-v4`: texts with copies, an empty one, and ids that are not ASCII.
fn golden() -> Index<String> {
    let text = "the quick brown fox jumps over the lazy dog near the river bank";
    let copy = text.replace("bank", "bend");
    let documents = [
        ("fox", text),
        ("Füchsin", &copy),
        ("", ""),
        ("other", "some words of another text"),
    ];
    let mut index = Deduper::new().index();
    for (id, text) in documents {
        index.insert(id.to_owned(), text).unwrap();
    }
    index
}

#[test]
fn version_4_opens_forever() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/index-v4");
    let opened: Index<String> = Index::open(&committed).unwrap();
    let plain = golden();
    assert_eq!(ids(&opened), ids(&plain));
    for id in plain.ids() {
        assert_eq!(opened.signature(id), plain.signature(id));
    }
    let text = "The quick brown fox jumps over the lazy dog near the river bank.";
    assert_eq!(opened.query(text), plain.query(text));
    assert_eq!(opened.query(text)[0].id, "fox");
    let folder = tempfile::tempdir().unwrap();
    for (name, index) in [("opened", opened), ("plain", plain)] {
        let place = folder.path().join(name);
        index.save(&place).unwrap();
        assert_eq!(files(&place), files(&committed), "{name}");
    }
}

#[test]
fn whoever_opens_an_index_while_it_is_replaced_finds_one_or_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    let texts = collection(5, 30);
    let saved = [of_texts(&texts), of_texts(&texts[..10])];
    saved[0].clone().save(&place).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for turn in 0..30 {
                saved[turn % 2].clone().save(&place).unwrap();
            }
        });
        let mut opened = 0;
        while !writer.is_finished() || opened < 100 {
            let index: Index<String> = match opened % 2 {
                0 => Index::open(&place).unwrap(),
                _ => Index::open_unverified(&place).unwrap(),
            };
            assert!(index.len() == 30 || index.len() == 10);
            assert_eq!(index.query(&texts[3])[0].id, "document 3");
            opened += 1;
        }
    });
}

#[test]
fn what_others_have_saved_meanwhile_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    of_texts(&collection(1, 5)).save(&place).unwrap();
    let open = || Index::<String>::open(&place).unwrap();
    let (mut mine, mut theirs) = (open(), open());
    mine.insert("mine".to_owned(), "mine").unwrap();
    theirs.insert("theirs".to_owned(), "theirs").unwrap();
    theirs.save(&place).unwrap();
    let error = mine.save(&place).unwrap_err().to_string();
    assert!(
        error.contains("the index there has changed in the meantime"),
        "{error}"
    );
    assert!(open().contains("theirs"));
    // One's own changes can be saved time and again, and elsewhere.
    theirs.insert("more".to_owned(), "more").unwrap();
    theirs.save(&place).unwrap();
    mine.save(folder.path().join("other")).unwrap();
    assert_eq!(open().len(), 7);
}

#[cfg(unix)]
#[test]
fn an_index_that_another_writes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    let index = of_texts(&collection(1, 5));
    index.save(&place).unwrap();
    let lock = fs::File::open(&place).unwrap();
    lock.lock().unwrap();
    let error = index.save(&place).unwrap_err().to_string();
    assert!(
        error.ends_with(": another process is writing an index there"),
        "{error}"
    );
    drop(lock);
    index.save(&place).unwrap();
}

#[test]
fn a_killed_save_leaves_an_index_and_nothing_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    let index = of_texts(&collection(1, 5));
    index.save(&place).unwrap();
    let whole = files(&place);
    // New sections, before their header came; and a folder in the making.
    let orphan = place.join("0123456789abcdef");
    fs::create_dir(&orphan).unwrap();
    fs::write(orphan.join("ids.bin"), "half").unwrap();
    assert_eq!(Index::<String>::open(&place).unwrap().len(), 5);
    index.save(&place).unwrap();
    assert_eq!(files(&place), whole);
    // Sections are replaced by those of the same documents where they are damaged.
    let (name, _) = whole
        .iter()
        .find(|(name, _)| name.ends_with("ids.bin"))
        .unwrap();
    fs::write(place.join(name), "damaged").unwrap();
    index.save(&place).unwrap();
    assert_eq!(Index::<String>::open(&place).unwrap().len(), 5);
}
