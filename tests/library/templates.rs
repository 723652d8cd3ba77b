//! Boilerplate and templates: pages that share most of their words, against the definitions.

use std::collections::BTreeSet;

use crate::support::naive;
use crate::support::templates::{Form, LONG_FORM, SHORT_FORM, pages};
use proptest::prelude::*;
use resemblance::{ClusterMode, Clusters, Deduper, DeduperBuilder, Keep, Method, Shingle};

/// Thresholds, most of which some pairs meet exactly.
fn thresholds() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![
        0.2,
        0.3,
        0.5,
        0.6,
        2.0 / 3.0,
        0.7,
        0.75,
        0.8,
        0.9,
        1.0,
    ])
}

/// How many documents: few more often than many.
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 5usize..20, 2 => 20usize..60, 1 => 60usize..=150]
}

fn builder(method: Method, threshold: f64, words: usize) -> DeduperBuilder {
    Deduper::builder()
        .method(method)
        .threshold(threshold)
        .shingle(Shingle::Words(words))
}

/// Pairs that are found, each once.
fn found(deduper: &Deduper, texts: &[String]) -> naive::Pairs {
    let pairs = deduper.pairs(texts);
    let found: naive::Pairs = pairs
        .iter()
        .map(|pair| ((pair.a, pair.b), pair.similarity.jaccard))
        .collect();
    assert_eq!(found.len(), pairs.len(), "a pair is reported twice");
    assert_eq!(pairs.recall().found, pairs.len() as u64);
    found
}

/// The first document of each document's cluster.
fn firsts(clusters: &Clusters) -> Vec<usize> {
    let mut first: Vec<usize> = (0..clusters.documents()).collect();
    for cluster in clusters.iter() {
        let documents = cluster.documents();
        for &document in &documents {
            first[document] = documents[0];
        }
    }
    first
}

/// The kept document of each document's cluster.
fn leaders(clusters: &Clusters) -> Vec<usize> {
    let kept = |document| {
        clusters
            .removal(document)
            .map_or(document, |removal| removal.kept)
    };
    (0..clusters.documents()).map(kept).collect()
}

fn similar(pairs: &naive::Pairs, a: usize, b: usize) -> bool {
    pairs.contains_key(&(a.min(b), a.max(b)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn exact_is_brute_force(seed: u64, documents in sizes(), threshold in thresholds(), words in 1usize..=2) {
        let texts = pages(seed, documents);
        let pairs = naive::pairs(&naive::shingle_sets(&texts, words), threshold);
        let builder = builder(Method::Exact, threshold, words);

        let deduper = builder.build().unwrap();
        prop_assert_eq!(found(&deduper, &texts), pairs.clone());
        let connected = naive::closure(documents, pairs.keys().copied());
        prop_assert_eq!(firsts(&deduper.clusters(&texts)), connected);

        let leader = builder.cluster_mode(ClusterMode::Leader);
        let order: Vec<usize> = (0..documents).collect();
        let cover = |order: &[usize]| naive::cover(order, |a, b| similar(&pairs, a, b));
        prop_assert_eq!(leaders(&leader.build().unwrap().clusters(&texts)), cover(&order));

        let longest = leader.keep(Keep::Longest).build().unwrap();
        let mut order = order;
        order.sort_by_key(|&document| std::cmp::Reverse(texts[document].len()));
        prop_assert_eq!(leaders(&longest.clusters(&texts)), cover(&order));
    }
}

/// Holds what a deduper finds by bands against itself: pairs are true, and clusters are those of the pairs.
fn agrees_with_itself(builder: &DeduperBuilder, texts: &[String], words: usize) {
    let deduper = builder.build().unwrap();
    let sets = naive::shingle_sets(texts, words);
    let pairs = found(&deduper, texts);
    for (&(a, b), &jaccard) in &pairs {
        assert_eq!(jaccard, naive::jaccard(&sets[a], &sets[b]), "{a} {b}");
        assert!(jaccard >= deduper.threshold(), "{a} {b}: {jaccard}");
    }
    let clusters = deduper.clusters(texts);
    let connected = naive::closure(texts.len(), pairs.keys().copied());
    assert!(
        firsts(&clusters) == connected,
        "{} removed, and {} by the pairs",
        clusters.removed().len(),
        (0..texts.len()).filter(|&d| connected[d] != d).count(),
    );

    let leader = builder.clone().cluster_mode(ClusterMode::Leader);
    let leader = leader.build().unwrap();
    let clusters = leader.clusters(texts);
    for removal in clusters.removed() {
        let (document, kept) = (removal.document, removal.kept);
        assert!(clusters.is_kept(kept), "{document} is removed for {kept}");
        assert!(similar(&pairs, document, kept), "{document} {kept}");
    }
    let both_kept = |&&(a, b): &&(usize, usize)| clusters.is_kept(a) && clusters.is_kept(b);
    let both: Vec<_> = pairs.keys().filter(both_kept).collect();
    assert!(both.is_empty(), "similar, and both kept: {both:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn lsh_and_auto_agree_with_themselves(
        seed: u64,
        documents in sizes(),
        threshold in thresholds(),
        words in 1usize..=2,
        auto: bool,
    ) {
        let texts = pages(seed, documents);
        let method = if auto { Method::Auto } else { Method::Lsh };
        agrees_with_itself(&builder(method, threshold, words), &texts, words);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3))]

    /// Enough pages that a bucket holds thousands of them.
    #[test]
    fn many_pages_agree_with_themselves(seed: u64, threshold in prop::sample::select(vec![0.7, 0.8, 0.9])) {
        let texts = pages(seed, 2000);
        for method in [Method::Lsh, Method::Auto] {
            agrees_with_itself(&builder(method, threshold, 1), &texts, 1);
        }
    }
}

#[test]
fn lsh_agrees_with_itself_on_a_form() {
    let form = Form {
        texts: 1500,
        copies: 750,
        ..SHORT_FORM
    };
    for seed in 0..2 {
        let builder = builder(Method::Lsh, 0.8, 5).seed(seed);
        agrees_with_itself(&builder, &form.documents(), 5);
    }
}

/// What the properties above are about does occur.
#[test]
fn pages_meet_thresholds_exactly() {
    let mut met = [(2.0 / 3.0, 0), (0.75, 0), (0.8, 0), (0.9, 0), (1.0, 0)];
    let (mut pairs, mut empty, mut single) = (0, 0, 0);
    for seed in 0..200 {
        let sets = naive::shingle_sets(&pages(seed, 60), 1);
        empty += sets.iter().filter(|set| set.is_empty()).count();
        single += sets.iter().filter(|set| set.len() == 1).count();
        for jaccard in naive::pairs(&sets, 0.5).into_values() {
            pairs += 1;
            for (threshold, met) in &mut met {
                *met += usize::from(jaccard == *threshold);
            }
        }
    }
    println!(
        "{pairs} pairs above 0.5, {empty} documents of no word, {single} of one, thresholds met: {met:?}"
    );
    assert!(met.iter().all(|&(_, met)| met > 50) && empty > 50 && single > 50);
}

/// Of a form every pair is alike but for the copies', so that a few show what all are.
#[test]
fn copies_of_a_form_are_similar_and_nothing_else_is() {
    for form in [SHORT_FORM, LONG_FORM] {
        let documents = form.documents();
        assert_eq!(documents.len(), form.texts + form.copies);
        assert_eq!(
            documents.iter().collect::<BTreeSet<_>>().len(),
            documents.len()
        );
        let chosen = [0, 1, form.texts - 1, form.texts, form.texts + 1];
        let texts: Vec<String> = chosen.iter().map(|&d| documents[d].clone()).collect();
        let pairs = naive::pairs(&naive::shingle_sets(&texts, 5), 0.8);
        assert_eq!(pairs.keys().copied().collect::<Vec<_>>(), [(0, 3), (1, 4)]);
        let others = naive::pairs(&naive::shingle_sets(&texts, 5), 0.77);
        assert_eq!(others.len(), 10, "all are close");
    }
}

#[test]
fn the_exact_join_finds_the_copies_of_a_form_and_nothing_else() {
    let documents = SHORT_FORM.documents();
    for mode in [ClusterMode::Components, ClusterMode::Leader] {
        let clusters = builder(Method::Exact, 0.8, 5)
            .cluster_mode(mode)
            .build()
            .unwrap()
            .clusters(&documents);
        let original = |document| SHORT_FORM.original(document).unwrap_or(document);
        let expected: Vec<usize> = (0..documents.len()).map(original).collect();
        assert_eq!(leaders(&clusters), expected);
    }
}
