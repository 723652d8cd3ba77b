//! A job in many small groups against a batch in memory.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::cluster::ClusterMode;
use crate::corpus::{Corpus, Outputs};
use crate::text::{Shingle, mix};
use crate::{Recall, Run};

/// Shares so small that everything is cut into many parts.
const SMALL: Shares = Shares {
    buffers: 1 << 12,
    parts: 5,
    keys: 64,
    table: 1 << 12,
    group: 1 << 14,
};

/// JSON lines of documents that were made of one another, with some ids used twice and some lines that are bad.
fn lines(seed: u64, documents: u64) -> String {
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
            _ => (0..below(60)).map(|_| below(900)).collect(),
        };
        for _ in 0..below(4) {
            if !text.is_empty() {
                let place = below(text.len() as u64) as usize;
                text[place] = below(900);
            }
        }
        let words: Vec<String> = text.iter().map(|word| format!("w{word}")).collect();
        let id = if below(20) == 0 {
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
#[derive(Debug, PartialEq)]
struct Told {
    pairs: String,
    clusters: String,
    rejections: String,
    kept: String,
    removed: String,
    links: Recall,
    found: Recall,
    split: usize,
    counts: [usize; 5],
}

struct Staged {
    folder: TempDir,
    outputs: Outputs,
    tables: [crate::corpus::Table; 3],
    records: [crate::corpus::RecordSink; 2],
}

const NAMES: [&str; 5] = [
    "pairs",
    "clusters",
    "rejections",
    "kept.jsonl",
    "removed.jsonl",
];

impl Staged {
    fn new(sources: &Sources) -> Self {
        let folder = TempDir::new().unwrap();
        let mut outputs = Outputs::new(sources);
        let path = |name| folder.path().join(name);
        let tables = [0, 1, 2].map(|i| outputs.stage_table(path(NAMES[i])).unwrap());
        let records = [3, 4].map(|i| outputs.stage_records(path(NAMES[i])).unwrap());
        Self {
            outputs,
            tables,
            records,
            folder,
        }
    }

    fn told(self, links: Recall, found: Recall, split: usize, counts: [usize; 5]) -> Told {
        self.outputs.commit().unwrap();
        let text = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap();
        let [pairs, clusters, rejections, kept, removed] = NAMES.map(text);
        Told {
            pairs,
            clusters,
            rejections,
            kept,
            removed,
            links,
            found,
            split,
            counts,
        }
    }
}

fn in_memory(deduper: &Deduper, options: &ReadOptions, path: &Path) -> Told {
    let sources = Sources::find(&[path]).unwrap();
    let staged = Staged::new(&sources);
    let digester = deduper.digester();
    let (corpus, digests) = Corpus::digest_sources(sources, options, &digester, None).unwrap();
    let order = corpus.keep_order();
    let run = Run::new().keep_by(&order);
    let batch = deduper.batch_of(corpus.documents(), digests, &run).unwrap();
    let [pairs, table, rejections] = &staged.tables;
    pairs.pairs_header().unwrap();
    let found = batch
        .for_each_pair(|pair| pairs.pair(&pair, corpus.ids()))
        .unwrap();
    let clusters = batch.clusters().unwrap();
    table
        .clusters(&clusters, corpus.ids(), |removal| {
            corpus.keep_reason(removal)
        })
        .unwrap();
    rejections.rejections(corpus.rejections()).unwrap();
    let [kept, removed] = &staged.records;
    let choose = |document| {
        Some(if clusters.is_kept(document) {
            kept
        } else {
            removed
        })
    };
    corpus.copy_records(None, choose).unwrap();
    let counts = [
        corpus.documents().len() + corpus.rejections().len(),
        clusters.kept().count(),
        clusters.removed().len(),
        clusters.empty().len(),
        corpus.text_bytes() as usize,
    ];
    staged.told(*clusters.recall(), found, clusters.split_buckets(), counts)
}

fn in_groups(deduper: &Deduper, options: &ReadOptions, path: &Path, shares: Shares) -> Told {
    let sources = Sources::find(&[path]).unwrap();
    let staged = Staged::new(&sources);
    let job = Job::new(deduper, options.clone()).pairs(true);
    let decided = job.run_with(shares, sources, None).unwrap();
    let [pairs, clusters, rejections] = &staged.tables;
    decided.write_pairs(pairs).unwrap();
    decided.write_clusters(clusters).unwrap();
    decided
        .for_each_rejection(|rejection| rejections.rejections(&[rejection]))
        .unwrap();
    let [kept, removed] = &staged.records;
    decided
        .copy_records(None, Some(kept), Some(removed))
        .unwrap();
    let counts = decided.counts();
    assert_eq!(counts.read, counts.kept + counts.removed + counts.rejected);
    let told = [
        counts.read,
        counts.kept,
        counts.removed,
        counts.empty,
        counts.text_bytes as usize,
    ];
    let (links, found) = (*decided.recall(), *decided.pairs().unwrap());
    staged.told(links, found, decided.split_buckets(), told)
}

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
        let expected = in_memory(&deduper, &options, &path);
        prop_assert_eq!(&in_groups(&deduper, &options, &path, SMALL), &expected);
        prop_assert_eq!(&in_groups(&deduper, &options, &path, Shares::of(1 << 30)), &expected);
    }
}
