//! Real collections against the brute-force truth that lies beside them, where they are there.

mod support;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use resemblance::Deduper;
use resemblance::Run;
use resemblance::corpus::{Corpus, ReadOptions};

type Pairs = BTreeMap<(String, String), f64>;

fn key(a: &str, b: &str) -> (String, String) {
    (a.min(b).to_owned(), a.max(b).to_owned())
}

fn truth(folder: &Path) -> Pairs {
    let file = std::fs::File::open(folder.join("jaccard_words5.tsv.gz")).unwrap();
    let mut lines = String::new();
    flate2::read::MultiGzDecoder::new(file)
        .read_to_string(&mut lines)
        .unwrap();
    lines
        .lines()
        .map(|line| {
            let fields: Vec<_> = line.split('\t').collect();
            (key(fields[0], fields[1]), fields[2].parse().unwrap())
        })
        .collect()
}

fn holds(name: &str) {
    let Some(folder) = support::shared("corpora").map(|corpora| corpora.join(name)) else {
        return;
    };
    let corpus = Corpus::read(&[folder.join("docs.jsonl.gz")], &ReadOptions::new()).unwrap();
    let truth = truth(&folder);
    let ids = corpus.ids();
    // The truth is rounded to six places: pairs on the very threshold are left out.
    let edge = 1e-6;
    for threshold in [0.5, 0.7, 0.8, 0.9] {
        let deduper = Deduper::builder().threshold(threshold).build().unwrap();
        let mut found = Pairs::new();
        let each = |pair: resemblance::Pair| {
            found.insert(key(&ids[pair.a], &ids[pair.b]), pair.similarity.jaccard);
            Ok::<(), resemblance::Error>(())
        };
        deduper
            .try_pairs(corpus.documents(), &Run::new(), each)
            .unwrap();
        for (pair, jaccard) in &found {
            let truth = truth
                .get(pair)
                .unwrap_or_else(|| panic!("{pair:?} is no pair"));
            assert!(
                (jaccard - truth).abs() < edge,
                "{pair:?}: {jaccard}, not {truth}"
            );
            assert!(*truth >= threshold - edge, "{pair:?} is below {threshold}");
        }
        let wanted = truth
            .iter()
            .filter(|(_, jaccard)| **jaccard >= threshold + edge);
        let (mut all, mut hits) = (0, 0);
        for (pair, _) in wanted {
            all += 1;
            hits += usize::from(found.contains_key(pair));
        }
        println!("{name} at {threshold}: {hits} of {all} pairs");
        assert!(f64::from(hits as u32) >= 0.99 * f64::from(all as u32));
    }
}

#[test]
fn licenses() {
    holds("licenses_scancode");
}

#[test]
fn manuals() {
    holds("psdocs_versions");
}

#[test]
fn chinese_poems() {
    holds("zh_poetry");
}

#[test]
fn japanese_books() {
    holds("ja_aozora");
}
