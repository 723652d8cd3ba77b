//! Weighted shingles, against a plain statement of their definition.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use resemblance::{
    ClusterMode, Deduper, Measure, Method, Reason, Run, Shingle, Similarity, Weights,
};

/// Texts of numbered words: passages of a pool, cut and put together, with a form that many texts have.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let passage = (0usize..12, 0usize..30, 1usize..40).prop_map(|(passage, from, len)| {
        let words = (from..from + len).map(|word| format!("w{passage}x{word}"));
        words.collect::<Vec<_>>().join(" ")
    });
    let text = prop::collection::vec(passage, 0..4).prop_map(|parts| parts.join(" dear all "));
    let form = "we thank you for your letter and remain yours";
    let text = (text, any::<bool>()).prop_map(move |(text, has_form)| match has_form {
        true => format!("{form} {text}"),
        false => text,
    });
    prop::collection::vec(text, 0..40)
}

fn deduper(measure: Measure, threshold: f64, n: usize) -> Deduper {
    let builder = Deduper::builder().weights(Weights::Ln).measure(measure);
    let builder = builder.threshold(threshold).shingle(Shingle::Words(n));
    builder.build().unwrap()
}

/// The definition: sets, and what their shingles weigh.
struct Stated {
    sets: Vec<BTreeSet<u64>>,
    weights: BTreeMap<u64, f64>,
}

impl Stated {
    fn new(deduper: &Deduper, texts: &[String]) -> Self {
        let shingles = |text: &String| {
            let mut shingles = deduper.sketcher().shingler().text(text);
            shingles.sort_unstable();
            shingles
        };
        let documents: Vec<Vec<u64>> = texts.iter().map(shingles).collect();
        let set = |shingles: &Vec<u64>| shingles.iter().copied().collect::<BTreeSet<u64>>();
        let distinct: BTreeSet<&Vec<u64>> = documents.iter().filter(|of| !of.is_empty()).collect();
        let mut frequencies = BTreeMap::new();
        for hash in distinct.iter().copied().flat_map(set) {
            *frequencies.entry(hash).or_insert(0u32) += 1;
        }
        let sets = documents.iter().map(set).collect();
        let n = distinct.len() as f64;
        let weight = |(hash, df)| (hash, (n / f64::from(df)).ln());
        let weights = frequencies.into_iter().map(weight).collect();
        Self { sets, weights }
    }

    fn weight<'h>(&self, hashes: impl Iterator<Item = &'h u64>) -> f64 {
        hashes.map(|hash| self.weights[hash]).sum()
    }

    /// The weighted Jaccard similarity, and the shares of the weight of each set that is in both.
    fn similarity(&self, a: usize, b: usize) -> [f64; 3] {
        let [left, right] = [&self.sets[a], &self.sets[b]];
        if left == right {
            return [1.0; 3].map(|one| if left.is_empty() { 0.0 } else { one });
        }
        let shared = self.weight(left.intersection(right));
        let share = |of: f64| if shared > 0.0 { shared / of } else { 0.0 };
        [
            share(self.weight(left.union(right))),
            share(self.weight(left.iter())),
            share(self.weight(right.iter())),
        ]
    }

    fn value(&self, measure: Measure, a: usize, b: usize) -> f64 {
        let [jaccard, of_a, of_b] = self.similarity(a, b);
        match measure {
            Measure::Containment => of_a.max(of_b),
            _ => jaccard,
        }
    }
}

fn are_near(similarity: &Similarity, stated: [f64; 3]) -> bool {
    let Similarity {
        jaccard,
        containment_a,
        containment_b,
        ..
    } = *similarity;
    let shares = [jaccard, containment_a, containment_b];
    shares
        .iter()
        .zip(stated)
        .all(|(share, stated)| (share - stated).abs() < 1e-9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn pairs_equal_the_definition(
        texts in texts(),
        threshold in prop::sample::select(vec![0.05, 0.3, 0.5, 0.8, 1.0]),
        measure in prop::sample::select(vec![Measure::Jaccard, Measure::Containment]),
        n in 1usize..4,
    ) {
        let deduper = deduper(measure, threshold, n);
        let stated = Stated::new(&deduper, &texts);
        let pairs = deduper.pairs(&texts);
        prop_assert_eq!(pairs.recall().missed.high, 0);
        let found: BTreeMap<_, _> = pairs.iter().map(|pair| ((pair.a, pair.b), pair.similarity)).collect();
        let batch = deduper.batch(&texts, &Run::new()).unwrap();
        for b in 0..texts.len() {
            for a in 0..b {
                let value = stated.value(measure, a, b);
                match found.get(&(a, b)) {
                    // Sums in another order may round to the other side of the threshold.
                    Some(similarity) => {
                        prop_assert!(value > threshold - 1e-9, "{a} {b} {value}");
                        prop_assert!(are_near(similarity, stated.similarity(a, b)));
                        prop_assert!(measure.of(similarity) >= threshold);
                    }
                    None => prop_assert!(value < threshold + 1e-9, "{a} {b} {value}"),
                }
                let similarity = batch.similarity(a, b).unwrap();
                prop_assert!(are_near(&similarity, stated.similarity(a, b)), "{a} {b} {similarity:?}");
                let shared = stated.sets[a].intersection(&stated.sets[b]).count();
                prop_assert_eq!(similarity.shared, shared);
                prop_assert!(similarity.jaccard <= similarity.containment_a.min(similarity.containment_b));
                prop_assert!(similarity.containment_a.max(similarity.containment_b) <= 1.0);
                prop_assert_eq!(batch.similarity(b, a), Some(similarity.reversed()));
            }
        }
    }

    #[test]
    fn each_removed_text_has_a_kept_one_that_it_resembles(
        texts in texts(),
        threshold in prop::sample::select(vec![0.2, 0.5, 0.8]),
        measure in prop::sample::select(vec![Measure::Jaccard, Measure::Containment]),
    ) {
        let builder = Deduper::builder().weights(Weights::Ln).measure(measure).threshold(threshold);
        let deduper = builder.shingle(Shingle::Words(2)).cluster_mode(ClusterMode::Leader).build().unwrap();
        let stated = Stated::new(&deduper, &texts);
        let clusters = deduper.clusters(&texts);
        let mut is_removed = vec![false; texts.len()];
        for removal in clusters.removed() {
            is_removed[removal.document] = true;
            let [jaccard, of_removed, _] = stated.similarity(removal.document, removal.kept);
            let value = if measure == Measure::Jaccard { jaccard } else { of_removed };
            prop_assert!(value > threshold - 1e-9);
            prop_assert!(are_near(&removal.similarity, stated.similarity(removal.document, removal.kept)));
        }
        prop_assert!(clusters.removed().iter().all(|removal| !is_removed[removal.kept]));
        if measure == Measure::Jaccard {
            let kept: Vec<usize> = (0..texts.len()).filter(|&document| !is_removed[document]).collect();
            for (place, &a) in kept.iter().enumerate() {
                for &b in &kept[place + 1..] {
                    prop_assert!(stated.similarity(a, b)[0] < threshold + 1e-9);
                }
            }
        }
    }
}

#[test]
fn letters_from_one_template_differ_by_what_is_their_own() {
    let form = "Thank you for writing to the harbour office. We have received your letter and will answer within four \
                weeks. Please quote the number above whenever you call. The office is open on weekdays from nine to noon.";
    let subjects = [
        "Your boat at berth seven may stay until the end of October if the fee is paid in advance.",
        "The crane will lift your mast on the second Tuesday of May, provided that the wind is light.",
        "No permit is needed to sell fish from the quay on Saturdays before ten in the morning.",
        "Lost property is kept in the shed behind the customs house and given out against a receipt.",
        "Dogs must be on a leash along the pier because gulls are nesting under the planks again.",
    ];
    let mut letters: Vec<String> = subjects.iter().map(|own| format!("{form} {own}")).collect();
    letters.push(letters[2].replace("on Saturdays", "on Sundays"));
    let found = |weights| {
        let builder = Deduper::builder()
            .weights(weights)
            .shingle(Shingle::Words(3));
        let deduper = builder.threshold(0.4).build().unwrap();
        let pairs = deduper.pairs(&letters);
        pairs
            .iter()
            .map(|pair| (pair.a, pair.b))
            .collect::<Vec<_>>()
    };
    assert_eq!(found(Weights::None).len(), 15);
    assert_eq!(found(Weights::Ln), [(2, 5)]);
}

#[test]
fn every_method_is_the_exact_join_and_says_why() {
    let texts = [
        "one text of a few words",
        "another text of a few words",
        "a third",
    ];
    for (method, reason) in [
        (Method::Lsh, Reason::Weights),
        (Method::Auto, Reason::Weights),
        (Method::Exact, Reason::Asked),
    ] {
        let builder = Deduper::builder().weights(Weights::Ln).method(method);
        let deduper = builder.threshold(0.1).build().unwrap();
        let pairs = deduper.pairs(&texts);
        assert_eq!(
            (pairs.recall().method, pairs.recall().reason),
            (Method::Exact, reason)
        );
    }
}

#[test]
fn what_compares_without_the_collection_refuses_weights() {
    let deduper = Deduper::builder().weights(Weights::Ln).build().unwrap();
    let refused = deduper
        .sieve(resemblance::stream::Window::all())
        .unwrap_err();
    assert!(
        refused.to_string().contains("not with weights ln"),
        "{refused}"
    );
}

#[test]
fn copies_are_copies_whatever_they_weigh() {
    // Both shingle sets of this collection are one, so each shingle weighs ln(1 / 1) = 0.
    let clusters = Deduper::builder()
        .weights(Weights::Ln)
        .build()
        .unwrap()
        .clusters(&["the same five words here", "The same five words here."]);
    assert_eq!(clusters.removed().len(), 1);
    assert_eq!(clusters.removed()[0].similarity.jaccard, 1.0);
    // Two documents of one set, which all others contain.
    for measure in [Measure::Jaccard, Measure::Containment] {
        let pairs = deduper(measure, 0.5, 1).pairs(&["x y", "x y y", "x y z"]);
        let pairs: Vec<_> = pairs
            .iter()
            .map(|pair| (pair.a, pair.b, pair.similarity.jaccard))
            .collect();
        assert_eq!(pairs, [(0, 1, 1.0)]);
    }
}
