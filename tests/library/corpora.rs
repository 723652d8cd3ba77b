//! Real collections against their stored brute-force results, if they are installed.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use resemblance::cluster::UnionFind;
use resemblance::corpus::{Corpus, ReadOptions};
use resemblance::text::{Content, Document, ReadBuffer, words};
use resemblance::{Deduper, Normalization, Run};
use unicode_segmentation::UnicodeSegmentation;

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
    let Some(folder) = crate::support::shared("corpora").map(|corpora| corpora.join(name)) else {
        return;
    };
    let corpus = Corpus::read(&[folder.join("docs.jsonl.gz")], &ReadOptions::new()).unwrap();
    let truth = truth(&folder);
    let ids = corpus.ids();
    // The truth is rounded to six places: pairs on the very threshold are left out.
    let edge = 1e-6;
    for threshold in [0.5, 0.7, 0.8, 0.9] {
        let builder = Deduper::builder().threshold(threshold);
        // The truth is of texts after NFKC_Casefold alone.
        let builder = builder.normalization(Normalization::NFKC_CASEFOLD);
        let deduper = builder.build().unwrap();
        let batch = deduper.batch(corpus.documents(), &Run::new()).unwrap();
        let (mut found, mut closure) = (Pairs::new(), UnionFind::new(ids.len()));
        let each = |pair: resemblance::Pair| {
            found.insert(key(&ids[pair.a], &ids[pair.b]), pair.similarity.jaccard);
            closure.union(pair.a as u32, pair.b as u32);
            Ok::<(), resemblance::Error>(())
        };
        batch.for_each_pair(each).unwrap();
        // Clusters compare less, and lose nothing by it.
        let clusters = batch.clusters().unwrap();
        assert_eq!(clusters.recall().unseen, 0);
        for (document, &first) in closure.flatten().iter().enumerate() {
            let cluster = clusters
                .cluster_of(document)
                .map(|cluster| cluster.documents()[0]);
            assert_eq!(
                cluster.unwrap_or(document),
                first as usize,
                "{}",
                ids[document]
            );
        }
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

/// Words of real texts, as they are and normalized, are those that unicode-segmentation finds.
#[test]
fn words_of_real_texts() {
    let Some(corpora) = crate::support::shared("corpora") else {
        return;
    };
    for name in [
        "licenses_scancode",
        "psdocs_versions",
        "zh_poetry",
        "ja_aozora",
        "scotus_oral",
    ] {
        let path = corpora.join(name).join("docs.jsonl.gz");
        let corpus = Corpus::read(&[path], &ReadOptions::new()).unwrap();
        let mut buffer = ReadBuffer::default();
        for (document, id) in corpus.documents().iter().zip(corpus.ids()).take(1000) {
            let Ok(Content::Text(text)) = document.content(&mut buffer) else {
                panic!("{id} is no text");
            };
            for text in [text, &Normalization::DEFAULT.normalize(text)] {
                assert!(words(text).eq(text.unicode_words()), "{name} {id}");
            }
        }
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
