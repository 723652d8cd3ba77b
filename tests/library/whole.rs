//! Complete runs against the naive definitions: brute-force pairs, naive closure, greedy cover.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{collection, naive_jaccard, sure};
use proptest::prelude::*;
use resemblance::lsh::Banding;
use resemblance::text::{Content, Document, ReadBuffer, ReadError, Shingler};
use resemblance::verify::ShingleSet;
use resemblance::watch::{Progress, Stage};
use resemblance::{
    ClusterMode, Clusters, Deduper, DeduperBuilder, Keep, Method, Reason, Run, Shingle,
};
use std::ops::ControlFlow;
use std::sync::Mutex;

fn hashes(shingler: &Shingler, texts: &[String]) -> Vec<Vec<u64>> {
    texts.iter().map(|text| shingler.text(text)).collect()
}

/// Every pair at or above the threshold, by the definition.
fn brute_force(deduper: &Deduper, texts: &[String]) -> BTreeMap<(usize, usize), f64> {
    let sets = hashes(deduper.sketcher().shingler(), texts);
    let mut pairs = BTreeMap::new();
    for a in 0..texts.len() {
        for b in a + 1..texts.len() {
            let jaccard = naive_jaccard(&sets[a], &sets[b]);
            if jaccard >= deduper.threshold() {
                pairs.insert((a, b), jaccard);
            }
        }
    }
    pairs
}

fn partition(clusters: &Clusters) -> BTreeSet<Vec<usize>> {
    clusters.iter().map(|cluster| cluster.documents()).collect()
}

/// The naive transitive closure.
fn closure(documents: usize, pairs: impl Iterator<Item = (usize, usize)>) -> BTreeSet<Vec<usize>> {
    let mut label: Vec<usize> = (0..documents).collect();
    for (a, b) in pairs {
        let (from, to) = (label[a], label[b]);
        label
            .iter_mut()
            .filter(|l| **l == from)
            .for_each(|l| *l = to);
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (document, label) in label.into_iter().enumerate() {
        groups.entry(label).or_default().push(document);
    }
    groups
        .into_values()
        .filter(|group| group.len() > 1)
        .collect()
}

fn thresholds() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![0.3, 0.5, 2.0 / 3.0, 0.8, 0.9, 1.0])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn pairs_are_those_of_brute_force(seed: u64, threshold in thresholds()) {
        let texts = collection(seed, 60);
        let deduper = sure(threshold).build().unwrap();
        let found: BTreeMap<_, _> = deduper
            .pairs(&texts)
            .into_iter()
            .map(|pair| ((pair.a, pair.b), pair.similarity.jaccard))
            .collect();
        prop_assert_eq!(found, brute_force(&deduper, &texts));
    }

    #[test]
    fn containment_is_told_both_ways(seed: u64) {
        let texts = collection(seed, 40);
        let deduper = sure(0.5).build().unwrap();
        for pair in deduper.pairs(&texts) {
            let similarity = deduper.similarity(&texts[pair.a], &texts[pair.b]);
            prop_assert_eq!(pair.similarity, similarity);
            let set = |text: &str| -> BTreeSet<u64> {
                deduper.sketcher().shingler().text(text).into_iter().collect()
            };
            let (a, b) = (set(&texts[pair.a]), set(&texts[pair.b]));
            let shared = a.intersection(&b).count() as f64;
            prop_assert_eq!(similarity.containment_a, shared / a.len() as f64);
            prop_assert_eq!(similarity.containment_b, shared / b.len() as f64);
        }
    }

    #[test]
    fn components_are_the_closure_of_the_pairs(seed: u64, threshold in thresholds()) {
        let texts = collection(seed, 120);
        let deduper = sure(threshold).build().unwrap();
        let clusters = deduper.clusters(&texts);
        let pairs = brute_force(&deduper, &texts);
        prop_assert_eq!(partition(&clusters), closure(texts.len(), pairs.into_keys()));
        for cluster in clusters.iter() {
            prop_assert_eq!(cluster.kept, cluster.documents()[0]);
        }
    }

    #[test]
    fn default_banding_gives_the_closure_of_its_own_pairs(seed: u64) {
        let texts = collection(seed, 120);
        let deduper = Deduper::builder().shingle(Shingle::Words(2)).build().unwrap();
        let pairs = deduper.pairs(&texts).into_iter().map(|pair| (pair.a, pair.b));
        prop_assert_eq!(partition(&deduper.clusters(&texts)), closure(texts.len(), pairs));
    }

    #[test]
    fn leaders_cover_and_do_not_resemble_each_other(
        seed: u64,
        threshold in thresholds(),
        longest: bool,
    ) {
        let texts = collection(seed, 120);
        let keep = if longest { Keep::Longest } else { Keep::First };
        let deduper = sure(threshold)
            .cluster_mode(ClusterMode::Leader)
            .keep(keep)
            .build()
            .unwrap();
        let clusters = deduper.clusters(&texts);
        let pairs = brute_force(&deduper, &texts);
        let kept: Vec<usize> = clusters.kept().collect();
        for (i, &a) in kept.iter().enumerate() {
            for &b in &kept[i + 1..] {
                prop_assert!(!pairs.contains_key(&(a, b)), "both {} and {} are kept", a, b);
            }
        }
        for removal in clusters.removed() {
            prop_assert!(clusters.is_kept(removal.kept));
            let pair = (removal.document.min(removal.kept), removal.document.max(removal.kept));
            prop_assert_eq!(pairs.get(&pair), Some(&removal.similarity.jaccard));
        }
    }

    #[test]
    fn kept_and_removed_are_all_documents(seed: u64, leader: bool) {
        let texts = collection(seed, 80);
        let mode = if leader { ClusterMode::Leader } else { ClusterMode::Components };
        let deduper = sure(0.6).cluster_mode(mode).build().unwrap();
        let clusters = deduper.clusters(&texts);
        let mut all: Vec<usize> = clusters.kept().collect();
        for removal in clusters.removed() {
            all.push(removal.document);
            prop_assert_eq!(clusters.removal(removal.document), Some(removal));
            let similarity = deduper.similarity(&texts[removal.document], &texts[removal.kept]);
            prop_assert_eq!(removal.similarity, similarity);
        }
        all.sort_unstable();
        prop_assert_eq!(all, (0..texts.len()).collect::<Vec<_>>());
        let is_empty = |document: &usize| texts[*document].is_empty();
        let empty: Vec<usize> = (0..texts.len()).filter(is_empty).collect();
        prop_assert_eq!(clusters.empty(), empty);
    }

    #[test]
    fn order_of_the_documents_does_not_matter(seed: u64) {
        let texts = collection(seed, 80);
        let deduper = sure(0.6).build().unwrap();
        let reversed: Vec<_> = texts.iter().rev().collect();
        let turned: BTreeSet<Vec<usize>> = partition(&deduper.clusters(&reversed))
            .into_iter()
            .map(|cluster| cluster.into_iter().rev().map(|d| texts.len() - 1 - d).collect())
            .collect();
        prop_assert_eq!(partition(&deduper.clusters(&texts)), turned);
    }

    #[test]
    fn repeated_tokens_change_nothing(words in prop::collection::vec("[a-h]{1,2}", 1..30)) {
        let deduper = Deduper::builder().shingle(Shingle::Words(1)).build().unwrap();
        let twice: Vec<_> = words.iter().chain(words.iter().rev()).cloned().collect();
        let once = words.join(" ");
        prop_assert_eq!(deduper.signature(&once), deduper.signature(twice.join(" ")));
        prop_assert_eq!(deduper.similarity(once, twice.join(" ")).jaccard, 1.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn similarities_equal_the_definition(
        left in prop::collection::vec(0u64..30, 0..40),
        right in prop::collection::vec(0u64..30, 0..40),
        threshold in prop_oneof![
            (1u32..=100).prop_map(|t| f64::from(t) / 100.0),
            (1u32..20, 1u32..20).prop_map(|(a, b)| f64::from(a.min(b)) / f64::from(a.max(b))),
        ],
    ) {
        let set = |hashes: &Vec<u64>| ShingleSet::from_hashes(hashes.clone());
        let (a, b) = (set(&left), set(&right));
        let naive = naive_jaccard(&left, &right);
        let similarity = a.similarity(&b);
        prop_assert_eq!(similarity.jaccard, naive);
        prop_assert_eq!(similarity.reversed(), b.similarity(&a));
        let expected = (naive >= threshold && naive > 0.0).then_some(similarity);
        prop_assert_eq!(a.similarity_at_least(&b, threshold), expected);
    }
}

#[test]
fn threads_change_nothing() {
    let texts = collection(7, 3000);
    for mode in [ClusterMode::Components, ClusterMode::Leader] {
        let deduper = Deduper::builder()
            .threshold(0.6)
            .cluster_mode(mode)
            .build()
            .unwrap();
        let answer = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let mut pairs = Vec::new();
                let each = |pair| {
                    pairs.push(pair);
                    Ok::<(), resemblance::Error>(())
                };
                deduper.try_pairs(&texts, &Run::new(), each).unwrap();
                (deduper.signatures(&texts), pairs, deduper.clusters(&texts))
            })
        };
        let one = answer(1);
        assert!(one.1.len() > 100 && one.2.len() > 100);
        assert_eq!(one, answer(2));
        assert_eq!(one, answer(8));
    }
}

#[test]
fn keep_policies_choose() {
    let texts = [
        "one two three four",
        "One, two, three, four!",
        "ONE TWO THREE FOUR ...",
    ];
    let kept = |builder: DeduperBuilder| builder.build().unwrap().clusters(&texts).cluster(0).kept;
    assert_eq!(kept(sure(0.5)), 0);
    assert_eq!(
        kept(sure(0.5).keep(Keep::Longest)),
        1,
        "equals go by number"
    );
    let last = |a: usize, b: usize| b.cmp(&a);
    let deduper = sure(0.5).build().unwrap();
    let clusters = deduper
        .try_clusters(&texts, &Run::new().keep_by(&last))
        .unwrap();
    assert_eq!(clusters.cluster(0).kept, 2);
}

#[test]
fn a_watch_sees_every_stage_to_its_end_and_may_cancel() {
    let mut texts = collection(3, 5000);
    // The same set of shingles, not as often: what is left to collapse.
    texts.push("one two three four five ".repeat(2));
    texts.push("one two three four five ".repeat(3));
    let shared = [Stage::Sketch, Stage::Candidates, Stage::Sets, Stage::Verify];
    watched(Method::Lsh, &texts, &shared);
    watched(
        Method::Exact,
        &texts,
        &[&shared[..], &[Stage::Filter]].concat(),
    );
}

/// Watches the stages of a method, to each of which there is an end, and cancels each.
fn watched(method: Method, texts: &[String], stages: &[Stage]) {
    let deduper = Deduper::builder().method(method).build().unwrap();
    let ends: Mutex<BTreeMap<String, (u64, u64)>> = Mutex::default();
    let watch = |progress: Progress| {
        let mut ends = ends.lock().unwrap();
        let end = ends.entry(progress.stage.to_string()).or_default();
        *end = (progress.done.max(end.0), progress.total);
        ControlFlow::Continue(())
    };
    deduper
        .try_clusters(texts, &Run::new().watch(&watch))
        .unwrap();
    let ends = ends.into_inner().unwrap();
    // Those, and measuring.
    assert_eq!(ends.len(), stages.len() + 1, "{ends:?}");
    assert!(ends.values().all(|(done, total)| done == total), "{ends:?}");

    for &stage in stages {
        let watch = |progress: Progress| match progress.stage == stage {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let run = Run::new().watch(&watch);
        assert!(
            deduper
                .try_clusters(texts, &run)
                .unwrap_err()
                .is_cancelled(),
            "{stage}"
        );
        assert!(
            deduper
                .try_pairs(texts, &run, |_| Ok::<(), resemblance::Error>(()))
                .unwrap_err()
                .is_cancelled(),
            "{stage}"
        );
    }
}

#[test]
fn settings_out_of_range_are_refused_by_name_and_value() {
    type Set = fn(DeduperBuilder) -> DeduperBuilder;
    let refused: [(Set, &str); 10] = [
        (|b| b.threshold(0.0), "threshold 0"),
        (|b| b.threshold(1.5), "threshold 1.5"),
        (|b| b.threshold(f64::NAN), "threshold NaN"),
        (|b| b.recall(0.0), "recall 0"),
        (|b| b.recall(1.0), "recall 1"),
        (|b| b.hashes(0), "hashes 0"),
        (|b| b.hashes(65_536), "hashes 65536"),
        (|b| b.shingle(Shingle::Words(0)), "shingle words:0"),
        (
            |b| b.hashes(100).banding(Banding::new(30, 4).unwrap()),
            "banding 30 x 4 needs 120",
        ),
        (
            |b| b.hashes(4).threshold(0.2),
            "recall 0.99 at threshold 0.2 is out of reach",
        ),
    ];
    let low = Deduper::builder().hashes(4).threshold(0.2);
    let auto = low.clone().method(Method::Auto).build().unwrap();
    let recall = *auto.clusters(&["one", "two"]).recall();
    assert_eq!(
        (recall.method, recall.reason),
        (Method::Exact, Reason::Recall)
    );
    for (set, told) in refused {
        let error = set(Deduper::builder()).build().unwrap_err();
        assert!(error.is_setting() || told.starts_with("banding"), "{error}");
        assert!(error.to_string().starts_with(told), "{error}");
    }
}

#[test]
fn nothing_and_little_are_fine() {
    let deduper = Deduper::new();
    assert!(deduper.clusters::<&str>(&[]).is_empty());
    assert!(deduper.pairs::<&str>(&[]).is_empty());
    let clusters = deduper.clusters(&["", "", " ... "]);
    assert!(clusters.is_empty());
    assert_eq!(clusters.empty(), [0, 1, 2]);
    assert_eq!(clusters.kept().count(), 3);
    assert_eq!(deduper.clusters(&["yes", "Yes!"]).len(), 1);
}

/// Settings and sizes, no tables.
#[test]
fn what_is_printed_for_debugging_is_short() {
    let deduper = Deduper::new();
    let texts: Vec<String> = (0..100)
        .map(|i| format!("text {i} of some words"))
        .collect();
    let mut index = deduper.index();
    let mut window = deduper.sieve(resemblance::stream::Window::all()).unwrap();
    let mut bloom = deduper
        .sieve(resemblance::stream::Bloom::new(1000, 0.001))
        .unwrap();
    for text in &texts {
        index.insert(text.clone(), text).unwrap();
        window.admit(text);
        bloom.admit(text);
    }
    let matrix = deduper.signatures(&texts);
    let all: [&dyn std::fmt::Debug; 9] = [
        &deduper,
        &deduper.scheme(),
        &deduper.sketcher(),
        &deduper.sketcher().shingler(),
        &index,
        &window,
        &bloom,
        &matrix,
        &matrix.compact(resemblance::sketch::CodeBits::Eight),
    ];
    for one in all {
        let shown = format!("{one:?}");
        assert!(shown.len() < 600 && shown.contains("Words(5)"), "{shown}");
    }
}

/// One more than a run takes; none of them takes memory.
#[test]
fn too_many_documents_are_refused_by_their_number() {
    struct Nothing;

    impl Document for Nothing {
        fn content<'a>(&'a self, _: &'a mut ReadBuffer) -> Result<Content<'a>, ReadError> {
            unreachable!("nothing is read")
        }

        fn byte_len(&self) -> usize {
            0
        }
    }

    let many = [const { Nothing }; u32::MAX as usize];
    let error = Deduper::new().try_clusters(&many, &Run::new()).unwrap_err();
    let expected = "4294967295 documents: one run takes at most 4294967294 of them";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn everything_is_send_and_sync() {
    fn is<T: Send + Sync>() {}
    is::<Deduper>();
    is::<resemblance::Index<String>>();
    is::<Clusters>();
    is::<resemblance::Error>();
    is::<resemblance::Signature>();
}
