//! The functions for engines give the same results as a run.

mod support;

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use resemblance::engine::{digests, pairs_of_group, removals};
use resemblance::{ClusterMode, Deduper, Measure, Method, Pair, Similarity};
use support::{collection, sure};

/// The pairs of all groups, as an engine finds them.
fn pairs(deduper: &Deduper, texts: &[String]) -> Vec<Pair> {
    let mut groups = BTreeMap::<u64, Vec<usize>>::new();
    for (document, digest) in digests(deduper, texts).iter().enumerate() {
        for &key in &digest.keys {
            groups.entry(key).or_default().push(document);
        }
    }
    let mut pairs = Vec::new();
    for (key, documents) in groups {
        let group: Vec<&String> = documents.iter().map(|&document| &texts[document]).collect();
        for mut pair in pairs_of_group(deduper, key, &group).unwrap() {
            (pair.a, pair.b) = (documents[pair.a], documents[pair.b]);
            pairs.push(pair);
        }
    }
    pairs.sort_by_key(|pair| (pair.a, pair.b));
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Each pair once, and all of them: by bands that miss none, and by prefixes.
    #[test]
    fn pairs_and_removals_are_those_of_a_run(seed: u64, threshold in 0.2f64..1.0, exact: bool, leader: bool, contained: bool) {
        // By containment, every shingle is a key: the groups are very many.
        let texts = collection(seed, if contained { 30 } else { 120 });
        let mode = if leader { ClusterMode::Leader } else { ClusterMode::Components };
        let method = if exact { Method::Exact } else { Method::Lsh };
        let builder = sure(threshold);
        let measure = if contained { Measure::Containment } else { Measure::Jaccard };
        let builder = builder.measure(measure).cluster_mode(mode);
        let deduper = builder.method(method).build().unwrap();
        let found = pairs(&deduper, &texts);
        let mut expected: Vec<Pair> = deduper.pairs(&texts).to_vec();
        expected.sort_by_key(|pair| (pair.a, pair.b));
        prop_assert_eq!(&found, &expected);

        // Every other document first, from the last on.
        let order = |a: &usize, b: &usize| (a % 2, b).cmp(&(b % 2, a));
        let run_order = |a, b| order(&a, &b);
        let run = resemblance::Run::new().keep_by(&run_order);
        let clusters = deduper.try_clusters(&texts, &run).unwrap();
        let removals = removals(&deduper, texts.len(), &found, order);
        let removed: HashSet<(usize, usize)> = removals.iter().map(|r| (r.document, r.kept)).collect();
        let expected: HashSet<(usize, usize)> =
            clusters.removed().iter().map(|r| (r.document, r.kept)).collect();
        prop_assert_eq!(removed, expected);
        for removal in &removals {
            let exact = clusters.removal(removal.document).unwrap().similarity;
            match removal.similarity {
                Some(similarity) => prop_assert_eq!(similarity, exact),
                None => prop_assert!(exact.jaccard < threshold && !leader),
            }
        }
    }
}

#[test]
fn copies_have_one_fingerprint_and_empty_texts_no_key() {
    let deduper = Deduper::new();
    let texts = [
        "one two three four five six",
        "One two three, four five six!",
        "",
        "one two three four five",
    ];
    let digests = digests(&deduper, &texts);
    assert_eq!(digests[0], digests[1]);
    assert_eq!((digests[0].shingles, digests[2].shingles), (2, 0));
    assert!(digests[2].keys.is_empty() && digests[2].fingerprint.is_none());
    assert_ne!(digests[0].fingerprint, digests[3].fingerprint);
}

/// Copies that are collapsed first come to the same.
#[test]
fn copies_may_be_left_out_of_groups() {
    let texts = collection(7, 200);
    let deduper = sure(0.6).method(Method::Exact).build().unwrap();
    let all = digests(&deduper, &texts);
    let mut firsts = BTreeMap::new();
    let mut copies = Vec::new();
    let mut chosen = Vec::new();
    for (document, digest) in all.iter().enumerate() {
        let Some(fingerprint) = digest.fingerprint else {
            continue;
        };
        let n = digest.shingles;
        match firsts.entry(fingerprint) {
            std::collections::btree_map::Entry::Occupied(first) => {
                copies.push(Pair::new(document, *first.get(), Similarity::of(n, n, n)));
            }
            std::collections::btree_map::Entry::Vacant(first) => {
                first.insert(document);
                chosen.push(document);
            }
        }
    }
    assert!(copies.len() > 5);
    let distinct: Vec<String> = chosen
        .iter()
        .map(|&document| texts[document].clone())
        .collect();
    let found = pairs(&deduper, &distinct).into_iter();
    let found = found.map(|pair| Pair::new(chosen[pair.a], chosen[pair.b], pair.similarity));
    let pairs: Vec<Pair> = found.chain(copies).collect();
    let clusters = deduper.clusters(&texts);
    let removals = removals(&deduper, texts.len(), &pairs, usize::cmp);
    let removed: Vec<(usize, usize)> = removals.iter().map(|r| (r.document, r.kept)).collect();
    let mut expected: Vec<(usize, usize)> = clusters
        .removed()
        .iter()
        .map(|r| (r.document, r.kept))
        .collect();
    expected.sort_unstable();
    assert_eq!(removed, expected);
}
