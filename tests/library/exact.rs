//! The exact join against brute force, and its errors if there is too much work.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Random, collection, naive_jaccard};
use proptest::prelude::*;
use resemblance::cluster::UnionFind;
use resemblance::{
    ClusterMode, Deduper, DeduperBuilder, Error, Method, Reason, Run, Shingle, Similarity,
};

fn exact(threshold: f64, shingle: Shingle) -> DeduperBuilder {
    Deduper::builder()
        .method(Method::Exact)
        .threshold(threshold)
        .shingle(shingle)
}

type Pairs = BTreeMap<(usize, usize), Similarity>;

fn found(deduper: &Deduper, texts: &[String]) -> Pairs {
    let pairs = deduper.pairs(texts);
    let all: Pairs = pairs
        .iter()
        .map(|pair| ((pair.a, pair.b), pair.similarity))
        .collect();
    assert_eq!(all.len(), pairs.len(), "each pair once");
    assert_eq!(pairs.recall().found, pairs.len() as u64);
    all
}

/// Every pair at or above the threshold, by the definition.
fn brute_force(deduper: &Deduper, texts: &[String]) -> BTreeMap<(usize, usize), f64> {
    let shingler = deduper.sketcher().shingler();
    let sets: Vec<Vec<u64>> = texts.iter().map(|text| shingler.text(text)).collect();
    let mut pairs = BTreeMap::new();
    for a in 0..texts.len() {
        for b in a + 1..texts.len() {
            let jaccard = naive_jaccard(&sets[a], &sets[b]);
            if jaccard >= deduper.threshold() && jaccard > 0.0 {
                pairs.insert((a, b), jaccard);
            }
        }
    }
    pairs
}

fn jaccards(pairs: &Pairs) -> BTreeMap<(usize, usize), f64> {
    let jaccard = |(&pair, similarity): (_, &Similarity)| (pair, similarity.jaccard);
    pairs.iter().map(jaccard).collect()
}

/// Documents as sets of words, so that similarities are simple fractions: sizes of 0, 1 and more, copies, copies with
/// words repeated, and parts of earlier ones; from a vocabulary in which all is common, or nothing.
fn word_sets(seed: u64, documents: usize, vocabulary: usize) -> Vec<String> {
    let mut random = Random(seed);
    let mut sets: Vec<Vec<String>> = Vec::new();
    for _ in 0..documents {
        let size = [0, 1, 2, 3, 4, 5, 8, 10, 20, 50][random.below(10)];
        let word = |random: &mut Random| format!("w{}", random.below(vocabulary));
        let words = if sets.is_empty() || random.below(2) == 0 {
            (0..size).map(|_| word(&mut random)).collect()
        } else {
            let mut words = sets[random.below(sets.len())].clone();
            match random.below(4) {
                0 => words.extend(words.clone()),
                1 => words.truncate(words.len() / 2),
                2 => words.extend((0..size / 4).map(|_| word(&mut random))),
                _ => words.reverse(),
            }
            words
        };
        sets.push(words);
    }
    sets.into_iter().map(|words| words.join(" ")).collect()
}

/// Thresholds that similarities of small sets meet exactly.
fn thresholds() -> impl Strategy<Value = f64> {
    let simple = vec![
        0.1,
        0.2,
        0.25,
        1.0 / 3.0,
        0.5,
        0.6,
        2.0 / 3.0,
        0.75,
        0.8,
        0.9,
        1.0,
    ];
    prop_oneof![
        prop::sample::select(simple),
        (1u32..30, 1u32..30).prop_map(|(a, b)| f64::from(a.min(b)) / f64::from(a.max(b))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn finds_every_pair_and_no_other(
        seed: u64,
        documents in 0usize..40,
        vocabulary in prop::sample::select(vec![3usize, 20, 100, 10_000]),
        threshold in thresholds(),
    ) {
        let texts = word_sets(seed, documents, vocabulary);
        let deduper = exact(threshold, Shingle::Words(1)).build().unwrap();
        prop_assert_eq!(jaccards(&found(&deduper, &texts)), brute_force(&deduper, &texts));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn finds_every_pair_of_some_hundred_documents(
        seed: u64,
        words in 1usize..4,
        threshold in thresholds(),
    ) {
        let texts = collection(seed, 300);
        let deduper = exact(threshold, Shingle::Words(words)).build().unwrap();
        let found = found(&deduper, &texts);
        prop_assert_eq!(jaccards(&found), brute_force(&deduper, &texts));
        for (&(a, b), &similarity) in found.iter().take(50) {
            prop_assert_eq!(similarity, deduper.similarity(&texts[a], &texts[b]));
        }
    }

    #[test]
    fn clusters_are_those_of_the_pairs(seed: u64, threshold in thresholds(), vocabulary in 20usize..2000) {
        let texts = word_sets(seed, 250, vocabulary);
        let builder = exact(threshold, Shingle::Words(1));
        let deduper = builder.build().unwrap();
        let pairs = brute_force(&deduper, &texts);
        let mut closure = UnionFind::new(texts.len());
        for &(a, b) in pairs.keys() {
            closure.union(a as u32, b as u32);
        }
        let clusters = deduper.clusters(&texts);
        for document in 0..texts.len() {
            let first = clusters.cluster_of(document).map_or(document, |c| c.documents()[0]);
            prop_assert_eq!(closure.find(document as u32) as usize, first);
        }
        // The greedy cover: each document is removed by the first kept one that it resembles.
        let leader = builder.cluster_mode(ClusterMode::Leader).build().unwrap();
        let mut kept = BTreeSet::new();
        let mut expected = BTreeMap::new();
        for document in 0..texts.len() {
            match kept.iter().find(|&&k| pairs.contains_key(&(k, document))) {
                Some(&k) => drop(expected.insert(document, k)),
                None => drop(kept.insert(document)),
            }
        }
        let clusters = leader.clusters(&texts);
        let removed: BTreeMap<_, _> = clusters.removed().iter().map(|r| (r.document, r.kept)).collect();
        prop_assert_eq!(removed, expected);
    }
}

#[test]
fn long_documents_and_common_shingles() {
    // Some thousand words each from a vocabulary of 2,000: every word is common, every document has repetitions.
    let mut random = Random(5);
    let mut texts: Vec<Vec<String>> = Vec::new();
    for document in 0..60 {
        let mut words: Vec<String> = match document % 3 {
            0 => (0..2000 + 100 * document)
                .map(|_| format!("w{}", random.below(2000)))
                .collect(),
            _ => texts[document - document % 3].clone(),
        };
        for _ in 0..document * 10 {
            let place = random.below(words.len());
            words[place] = format!("w{}", random.below(2000));
        }
        texts.push(words);
    }
    let texts: Vec<String> = texts.into_iter().map(|words| words.join(" ")).collect();
    for (shingle, threshold) in [
        (Shingle::Words(1), 0.5),
        (Shingle::Words(1), 0.7),
        (Shingle::Words(2), 0.5),
        (Shingle::Words(3), 0.7),
        (Shingle::Tokens(3), 0.7),
        (Shingle::Chars(4), 0.8),
        (Shingle::Bytes(3), 0.9),
    ] {
        let deduper = exact(threshold, shingle).build().unwrap();
        let expected = brute_force(&deduper, &texts);
        assert!(!expected.is_empty(), "{shingle} {threshold}");
        assert_eq!(
            jaccards(&found(&deduper, &texts)),
            expected,
            "{shingle} {threshold}"
        );
    }
}

#[test]
fn threads_change_nothing() {
    let texts = collection(11, 3000);
    for mode in [ClusterMode::Components, ClusterMode::Leader] {
        let deduper = exact(0.6, Shingle::Words(2))
            .cluster_mode(mode)
            .build()
            .unwrap();
        let answer = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let mut pairs = Vec::new();
                let each = |pair| {
                    pairs.push(pair);
                    Ok::<(), Error>(())
                };
                let recall = deduper.try_pairs(&texts, &Run::new(), each).unwrap();
                (pairs, recall, deduper.clusters(&texts))
            })
        };
        let one = answer(1);
        assert!(one.0.len() > 100 && one.2.len() > 100);
        assert_eq!(one, answer(2));
        assert_eq!(one, answer(8));
    }
}

#[test]
fn too_much_is_refused_and_auto_takes_the_way_out() {
    let texts = collection(2, 400);
    let builder = exact(0.5, Shingle::Words(2));
    let reason = |builder: &DeduperBuilder| {
        let deduper = builder.build().unwrap();
        let pairs = deduper
            .batch(&texts, &Run::new())
            .map(|batch| batch.method());
        pairs.map_err(|error| error.to_string())
    };
    let small = builder.clone().exact_memory(1000);
    let told = reason(&small).unwrap_err();
    assert!(
        told.starts_with("the exact join is too large: it would take "),
        "{told}"
    );
    assert!(told.contains("exact_memory is 0.0 MB;"), "{told}");
    let auto = reason(&small.method(Method::Auto)).unwrap();
    assert!(
        matches!(auto, (Method::Lsh, Reason::Memory { allowed: 1000, .. })),
        "{auto:?}"
    );

    let told = reason(&builder.clone().exact_work(10)).unwrap_err();
    assert!(told.contains("pairs, and exact_work is 10;"), "{told}");
    let deduper = builder.exact_work(1 << 40).build().unwrap();
    assert!(!deduper.pairs(&texts).is_empty());
}

#[test]
fn auto_answers_as_the_method_that_it_takes() {
    // A wire of news: most documents are like no other. One page in many versions: LSH would have to join them as well. And
    // pages of few words, which are all common, and are like no other.
    let mut random = Random(3);
    let mut word = |vocabulary| format!("w{}", random.below(vocabulary));
    let mut wire: Vec<String> = Vec::new();
    for document in 0..600 {
        let fresh = |word: &mut dyn FnMut(usize) -> String| {
            (0..150).map(|_| word(50_000)).collect::<Vec<_>>().join(" ")
        };
        let text = match document % 20 {
            19 => format!("{} {}", wire[document - 1], word(50_000)),
            _ => fresh(&mut word),
        };
        wire.push(text);
    }
    let page: Vec<String> = (0..150).map(|_| word(50)).collect();
    let versions: Vec<String> = (0..3000)
        .map(|_| {
            let mut page = page.clone();
            for changed in page.iter_mut().step_by(3) {
                *changed = word(500);
            }
            page.join(" ")
        })
        .collect();
    let few_words: Vec<String> = (0..3000)
        .map(|_| (0..150).map(|_| word(500)).collect::<Vec<_>>().join(" "))
        .collect();
    for (texts, shingle, taken) in [
        (&wire, Shingle::Words(5), Method::Exact),
        (&versions, Shingle::Words(1), Method::Exact),
        (&few_words, Shingle::Words(1), Method::Lsh),
    ] {
        let by = |method: Method| {
            Deduper::builder()
                .method(method)
                .shingle(shingle)
                .threshold(0.8)
                .build()
                .unwrap()
        };
        let auto = by(Method::Auto);
        let pairs = auto.pairs(texts);
        assert_eq!(pairs.recall().method, taken);
        assert_ne!(pairs.recall().reason, Reason::Asked);
        let other = by(taken);
        assert_eq!(pairs[..], other.pairs(texts)[..]);
        assert_eq!(
            auto.clusters(texts).removed(),
            other.clusters(texts).removed()
        );
    }
}

#[test]
fn a_recall_of_one_is_exact() {
    let texts = collection(9, 200);
    let build = |method| {
        let builder = exact(0.7, Shingle::Words(2));
        builder.method(method).recall(1.0).build()
    };
    assert!(build(Method::Lsh).unwrap_err().is_setting());
    for method in [Method::Exact, Method::Auto] {
        let deduper = build(method).unwrap();
        assert_eq!((deduper.method(), deduper.recall()), (Method::Exact, 1.0));
        let pairs = deduper.pairs(&texts);
        let recall = pairs.recall();
        assert_eq!(
            (recall.method, recall.banding, recall.promised),
            (Method::Exact, None, 1.0)
        );
        assert_eq!((recall.missed.expected, recall.missed.high), (0.0, 0));
        // An index, which has no exact way, takes the best bands there are.
        assert_eq!(deduper.index::<u32>().banding().to_string(), "128 x 1");
    }
}
