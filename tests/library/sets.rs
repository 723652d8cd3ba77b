//! Shingle sets as documents give the same answers as the texts from which they were made.

use crate::support::{Random, collection, naive_jaccard};
use proptest::prelude::*;
use resemblance::stream::{Bloom, Memory, Window};
use resemblance::text::{Content, Shingles};
use resemblance::{ClusterMode, Deduper, Index, Method, Pair, Run, Shingle, SketchKind};

/// Sets of texts; every other one is turned around and has some shingles twice.
fn sets(deduper: &Deduper, texts: &[String]) -> Vec<Vec<u64>> {
    let mut turn = false;
    let of_text = |text: &String| {
        let mut set = deduper.shingle_set(text);
        assert!(set.is_sorted_by(|a, b| a < b));
        turn = !turn;
        if turn {
            set.reverse();
            set.extend_from_within(..set.len() / 2);
        }
        set
    };
    texts.iter().map(of_text).collect()
}

fn pairs(deduper: &Deduper, documents: &[Shingles<'_>]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let each = |pair| {
        pairs.push(pair);
        Ok::<(), resemblance::Error>(())
    };
    deduper.try_pairs(documents, &Run::new(), each).unwrap();
    pairs.sort_by_key(|pair| (pair.a, pair.b));
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn batches_answer_alike(
        seed: u64,
        threshold in prop::sample::select(vec![0.3, 0.6, 0.8, 1.0]),
        exact: bool,
        leader: bool,
        shingle in prop::sample::select(vec![Shingle::Words(2), Shingle::Tokens(2), Shingle::Chars(5), Shingle::Bytes(6)]),
    ) {
        let texts = collection(seed, 120);
        let deduper = Deduper::builder()
            .threshold(threshold)
            .method(if exact { Method::Exact } else { Method::Lsh })
            .cluster_mode(if leader { ClusterMode::Leader } else { ClusterMode::Components })
            .shingle(shingle)
            .seed(seed)
            .build()
            .unwrap();
        let sets = sets(&deduper, &texts);
        let documents: Vec<_> = sets.iter().map(|set| Shingles(set)).collect();
        prop_assert_eq!(&pairs(&deduper, &documents)[..], &deduper.pairs(&texts)[..]);
        let expected = deduper.clusters(&texts);
        let clusters = deduper.try_clusters(&documents, &Run::new()).unwrap();
        prop_assert_eq!(clusters.removed(), expected.removed());
        prop_assert_eq!(clusters.empty(), expected.empty());
    }

    #[test]
    fn sieves_and_indexes_answer_alike(
        seed: u64,
        memory in prop::sample::select(vec![
            Memory::from(Window::all()),
            Window::last(9).into(),
            Window::all().estimates(true).into(),
            Bloom::new(200, 0.1).into(),
        ]),
        kind in prop::sample::select(vec![SketchKind::FastSimilarity, SketchKind::Classic]),
    ) {
        let texts = collection(seed, 100);
        let deduper = Deduper::builder().sketch(kind).shingle(Shingle::Words(3)).build().unwrap();
        let sets = sets(&deduper, &texts);
        let (mut expected, mut sieve) = (deduper.sieve(memory).unwrap(), deduper.sieve(memory).unwrap());
        let (mut of_texts, mut of_sets): (Index<usize>, Index<usize>) = (deduper.index(), deduper.index());
        for (i, (text, set)) in texts.iter().zip(&sets).enumerate() {
            prop_assert_eq!(sieve.try_admit(&Shingles(set)), expected.try_admit(text));
            let signature = deduper.signature_of_set(set);
            prop_assert_eq!(&signature, &deduper.signature(text));
            let content = deduper.sketcher().try_signature(Content::Shingles(set));
            prop_assert_eq!(content.unwrap(), signature.clone());
            of_texts.insert(i, text).unwrap();
            of_sets.insert_signature(i, &signature).unwrap();
            prop_assert_eq!(of_sets.query_signature(&signature, 0.5).unwrap(), of_texts.query_above(text, 0.5));
        }
    }

    /// Windows of n ids, whatever the tokens of a text would be; another order is another document.
    #[test]
    fn ids_are_tokens(ids in prop::collection::vec(0u32..30, 0..60), n in 1usize..12, seed: u64) {
        let make = |shingle, seed| Deduper::builder().shingle(shingle).seed(seed).build().unwrap();
        let set = make(Shingle::Words(n), seed).shingle_set_of_ids(ids.iter().copied());
        let mut windows: Vec<&[u32]> = ids.windows(n).collect();
        if windows.is_empty() && !ids.is_empty() {
            windows.push(&ids);
        }
        windows.sort_unstable();
        windows.dedup();
        prop_assert_eq!(set.len(), windows.len());
        for shingle in [Shingle::Chars(n), Shingle::Bytes(n)] {
            prop_assert_eq!(&make(shingle, seed).shingle_set_of_ids(ids.iter().copied()), &set);
        }
        let other = make(Shingle::Words(n), seed ^ 1).shingle_set_of_ids(ids.iter().copied());
        prop_assert!(set.iter().all(|hash| !other.contains(hash)));
    }
}

/// The similarity of two documents of ids is that of their windows, also of many ids.
#[test]
fn similarities_of_ids_are_those_of_their_windows() {
    let deduper = Deduper::builder()
        .shingle(Shingle::Words(4))
        .threshold(0.1)
        .build()
        .unwrap();
    let mut random = Random(5);
    let left: Vec<u64> = (0..5000).map(|_| random.below(1 << 40) as u64).collect();
    let mut right = left.clone();
    right.splice(1024..1030, [7, 8, 9]);
    let windows = |ids: &[u64]| -> Vec<u64> {
        let hash = |window: &[u64]| {
            let bytes: Vec<u8> = window.iter().flat_map(|id| id.to_le_bytes()).collect();
            xxhash_rust::xxh3::xxh3_64(&bytes)
        };
        ids.windows(4).map(hash).collect()
    };
    let sets = [&left, &right].map(|ids| deduper.shingle_set_of_ids(ids.iter().copied()));
    let found = pairs(&deduper, &[Shingles(&sets[0]), Shingles(&sets[1])]);
    assert_eq!(
        found[0].similarity.jaccard,
        naive_jaccard(&windows(&left), &windows(&right))
    );
}

#[test]
fn items_of_any_type_are_clustered_by_their_text() {
    struct Item {
        name: &'static str,
        body: String,
    }
    let texts = collection(11, 200);
    let items: Vec<Item> = texts
        .iter()
        .map(|body| Item {
            name: "x",
            body: body.clone(),
        })
        .collect();
    let deduper = Deduper::builder()
        .threshold(0.6)
        .shingle(Shingle::Words(2))
        .build()
        .unwrap();
    let expected = deduper.clusters(&texts);
    assert!(expected.len() > 10);
    assert_eq!(deduper.clusters_by(&items, |item| &item.body), expected);
    assert_eq!(
        deduper.clusters_by(&items, |item| item.body.as_str()),
        expected
    );
    assert!(deduper.clusters_by(&items, |item| item.name).len() == 1);
}
