//! A job in many small groups against a batch in memory.

mod against;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::Recall;
use crate::cluster::ClusterMode;
use crate::corpus::{OnBad, Outputs};
use crate::text::{Shingle, mix};

/// Shares so small that everything is cut into many parts.
const SMALL: Shares = Shares {
    buffers: 1 << 12,
    round: 1 << 10,
    parts: 5,
    keys: 64,
    table: 1 << 12,
    group: 1 << 14,
    component: 1 << 60,
    numbers: 0,
};

/// JSON lines of documents that were made of one another, with some ids used twice and some lines that are bad.
fn lines(seed: u64, documents: u64) -> String {
    lines_with(seed, documents, 20)
}

/// The same where of so many documents one has the id of another, or none.
fn lines_with(seed: u64, documents: u64, repeated: u64) -> String {
    let mut state = seed;
    let mut below = |n: u64| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(state) % n
    };
    let mut texts: Vec<Vec<u64>> = Vec::new();
    let mut lines = String::new();
    for document in 0..documents {
        let mut text = match below(3) {
            0 if !texts.is_empty() => texts[below(texts.len() as u64) as usize].clone(),
            // The same shingles again and again, not always as often.
            1 if below(6) == 0 => (0..below(30)).map(|_| below(2)).collect(),
            _ => (0..below(60)).map(|_| below(900)).collect(),
        };
        for _ in 0..below(4) {
            if !text.is_empty() {
                let place = below(text.len() as u64) as usize;
                text[place] = below(900);
            }
        }
        let words: Vec<String> = text.iter().map(|word| format!("w{word}")).collect();
        let id = if repeated > 0 && below(repeated) == 0 {
            below(document + 1)
        } else {
            document
        };
        let (score, words) = (below(5), words.join(" "));
        let _ = match below(30) {
            0 => writeln!(lines, "{{\"id\": {id}, \"words\": 1}}"),
            1 => writeln!(lines, "\n"),
            _ => writeln!(
                lines,
                "{{\"id\": {id}, \"text\": \"{words}\", \"score\": {score}}}"
            ),
        };
        texts.push(text);
    }
    lines
}

/// Everything that is written, and what is told.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    files: [String; 5],
    /// The files of the index.
    index: BTreeMap<String, Vec<u8>>,
    clusters: Vec<DecidedCluster>,
    links: Recall,
    found: Recall,
    counts: Counts,
}

const NAMES: [&str; 5] = [
    "pairs",
    "clusters",
    "rejections",
    "kept.jsonl",
    "removed.jsonl",
];

/// What a job comes to: in memory, or with these shares.
fn told(deduper: &Deduper, options: &ReadOptions, path: &Path, shares: Option<Shares>) -> Told {
    let folder = TempDir::new().unwrap();
    let job = Job::new(deduper, options.clone());
    told_of(&job, path, shares, &folder.path().join("index"))
}

/// The same, with an index that is written here.
fn told_of(job: &Job<'_>, path: &Path, shares: Option<Shares>, index: &Path) -> Told {
    let folder = TempDir::new().unwrap();
    let file = |name| folder.path().join(name);
    let sources = Sources::find(&[path]).unwrap();
    let mut outputs = Outputs::new(&sources);
    let [pairs, clusters, rejections] =
        [0, 1, 2].map(|i| outputs.stage_table(file(NAMES[i])).unwrap());
    let [kept, removed] = [3, 4].map(|i| outputs.stage_records(file(NAMES[i])).unwrap());
    let sinks = Sinks::new()
        .pairs(pairs)
        .clusters(clusters)
        .rejections(rejections);
    let sinks = sinks.kept(kept).removed(removed);
    let sinks = sinks.index(outputs.stage_index(index).unwrap());
    let decided = match shares {
        None => job.run(sources, &sinks, None),
        Some(shares) => job.run_with(shares, sources, &sinks, None),
    };
    let decided = decided.unwrap();
    outputs.commit().unwrap();
    let counts = decided.counts();
    assert_eq!(counts.read, counts.kept + counts.removed + counts.rejected);
    let mut of_clusters = Vec::new();
    let each = |cluster| {
        of_clusters.push(cluster);
        Ok::<(), Error>(())
    };
    decided.for_each_cluster(each).unwrap();
    let files = NAMES.map(|name| fs::read_to_string(file(name)).unwrap());
    let (links, found) = (*decided.recall(), *decided.pairs().unwrap());
    if let (Held::OnDisk(held), Some(_)) = (&decided.held, shares) {
        GROUPS.fetch_max(held.work.manifest.decided.len(), Ordering::Relaxed);
    }
    decided.finish().unwrap();
    let index = fs::read_dir(index).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    });
    Told {
        files,
        index: index.collect(),
        clusters: of_clusters,
        links,
        found,
        counts,
    }
}

/// The most groups that there were.
static GROUPS: AtomicUsize = AtomicUsize::new(0);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn groups_come_to_what_a_batch_does(
        seed: u64,
        documents in 1u64..300,
        method in prop::sample::select(vec![Method::Lsh, Method::Exact]),
        mode in prop::sample::select(vec![ClusterMode::Components, ClusterMode::Leader]),
        threshold in prop::sample::select(vec![0.3, 0.5, 0.8, 1.0]),
        keep in prop::sample::select(vec!["first", "longest", "max:score"]),
        words in 1usize..4,
    ) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("documents.jsonl");
        fs::write(&path, lines(seed, documents)).unwrap();
        let deduper = Deduper::builder()
            .method(method)
            .cluster_mode(mode)
            .threshold(threshold)
            .shingle(Shingle::Words(words))
            .hashes(64)
            .recall(0.9)
            .build()
            .unwrap();
        let policy = crate::corpus::KeepPolicy::new(keep.parse().unwrap());
        let options = ReadOptions::new().on_bad(OnBad::Skip).keep(policy);
        let expected = told(&deduper, &options, &path, None);
        prop_assert_eq!(&told(&deduper, &options, &path, Some(SMALL)), &expected);
        let large = Some(Shares::of(1 << 30));
        prop_assert_eq!(&told(&deduper, &options, &path, large), &expected);
    }
}

#[test]
fn small_shares_make_many_groups() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("documents.jsonl");
    fs::write(&path, lines(1, 2000)).unwrap();
    let options = ReadOptions::new().on_bad(OnBad::Skip);
    for method in [Method::Lsh, Method::Exact] {
        let deduper = Deduper::builder().method(method).build().unwrap();
        GROUPS.store(0, Ordering::Relaxed);
        let expected = told(&deduper, &options, &path, None);
        assert!(told(&deduper, &options, &path, Some(SMALL)) == expected);
        assert!(GROUPS.load(Ordering::Relaxed) > 5);
    }
}

#[test]
fn what_must_be_looked_at_together_and_does_not_fit_is_told_and_goes_on_with_more() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("documents.jsonl");
    fs::write(&path, lines(1, 500)).unwrap();
    let options = ReadOptions::new().on_bad(OnBad::Skip);
    for method in [Method::Lsh, Method::Exact] {
        let deduper = Deduper::builder().method(method).build().unwrap();
        let expected = told(&deduper, &options, &path, None);
        let job = Job::new(&deduper, options.clone()).work(folder.path().join("work"));
        let little = Shares {
            component: 1 << 10,
            ..SMALL
        };
        let sources = Sources::find(&[&path]).unwrap();
        let mut outputs = Outputs::new(&sources);
        let pairs = outputs.stage_table(folder.path().join("pairs")).unwrap();
        let sinks = Sinks::new().pairs(pairs);
        let error = job.run_with(little, sources, &sinks, None).unwrap_err();
        assert!(error.is_setting(), "{error}");
        assert!(
            error.to_string().contains("this takes about 33 MiB"),
            "{error}"
        );
        let index = folder.path().join("index");
        assert_eq!(told_of(&job, &path, Some(SMALL), &index), expected);
    }
}
