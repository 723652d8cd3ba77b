//! Containment as the measure, against brute force.

use std::collections::BTreeSet;

use proptest::prelude::*;
use resemblance::{ClusterMode, Deduper, Keep, Measure, Method, Reason, Run, Shingle, Similarity};

/// Texts of numbered words: passages of a pool, cut and put together, so that some contain others.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let passage = (0usize..12, 0usize..30, 1usize..40).prop_map(|(passage, from, len)| {
        let words = (from..from + len).map(|word| format!("w{passage}x{word}"));
        words.collect::<Vec<_>>().join(" ")
    });
    let text = prop::collection::vec(passage, 0..4).prop_map(|parts| parts.join(" form "));
    prop::collection::vec(text, 0..40)
}

fn deduper(threshold: f64, n: usize) -> Deduper {
    let builder = Deduper::builder()
        .measure(Measure::Containment)
        .threshold(threshold);
    builder.shingle(Shingle::Words(n)).build().unwrap()
}

fn share(of: &[u64], other: &[u64]) -> f64 {
    let shared = of.iter().filter(|hash| other.binary_search(hash).is_ok());
    match of.len() {
        0 => 0.0,
        len => shared.count() as f64 / len as f64,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn pairs_equal_brute_force(
        texts in texts(),
        threshold in prop::sample::select(vec![0.05, 0.3, 0.5, 0.8, 1.0]),
        n in 1usize..4,
    ) {
        let deduper = deduper(threshold, n);
        let sets: Vec<_> = texts.iter().map(|text| deduper.shingle_set(text)).collect();
        let mut truth = BTreeSet::new();
        for b in 0..sets.len() {
            for a in 0..b {
                let (small, large) = match sets[a].len() <= sets[b].len() {
                    true => (&sets[a], &sets[b]),
                    false => (&sets[b], &sets[a]),
                };
                if share(small, large) >= threshold {
                    truth.insert((a, b));
                }
            }
        }
        let pairs = deduper.pairs(&texts);
        prop_assert_eq!(pairs.recall().missed.high, 0);
        let found: BTreeSet<_> = pairs.iter().map(|pair| (pair.a, pair.b)).collect();
        prop_assert_eq!(found, truth);
        for pair in &pairs {
            let Similarity { containment_a, containment_b, .. } = pair.similarity;
            prop_assert_eq!(containment_a, share(&sets[pair.a], &sets[pair.b]));
            prop_assert_eq!(containment_b, share(&sets[pair.b], &sets[pair.a]));
        }
    }

    #[test]
    fn leaders_equal_the_definition(
        texts in texts(),
        threshold in prop::sample::select(vec![0.3, 0.5, 0.8]),
        keep in prop::sample::select(vec![None, Some(Keep::First), Some(Keep::Longest)]),
    ) {
        let mut builder = Deduper::builder().measure(Measure::Containment);
        builder = builder.threshold(threshold).shingle(Shingle::Words(2));
        if let Some(keep) = keep {
            builder = builder.keep(keep);
        }
        let deduper = builder.build().unwrap();
        let sets: Vec<_> = texts.iter().map(|text| deduper.shingle_set(text)).collect();
        let mut order: Vec<usize> = (0..texts.len()).collect();
        match keep {
            None => order.sort_by_key(|&i| std::cmp::Reverse(sets[i].len())),
            Some(Keep::Longest) => order.sort_by_key(|&i| std::cmp::Reverse(texts[i].len())),
            _ => {}
        }
        // Copies are one set, which is ordered by its first document.
        let first_of = |set: &Vec<u64>| order.iter().copied().find(|&i| sets[i] == *set);
        let mut kept: Vec<usize> = Vec::new();
        let mut removed = Vec::new();
        for &document in &order {
            if sets[document].is_empty() {
                continue;
            }
            let first = first_of(&sets[document]).unwrap();
            if first != document {
                continue;
            }
            let copies = (0..texts.len()).filter(|&i| i != document && sets[i] == sets[document]);
            let by = kept.iter().copied().find(|&by| share(&sets[document], &sets[by]) >= threshold);
            if by.is_none() {
                kept.push(document);
            } else {
                removed.push((document, by.unwrap_or_default()));
            }
            removed.extend(copies.map(|copy| (copy, by.unwrap_or(document))));
        }
        removed.sort_unstable();
        let clusters = deduper.clusters(&texts);
        let mut found: Vec<_> = clusters.removed().iter().map(|r| (r.document, r.kept)).collect();
        found.sort_unstable();
        prop_assert_eq!(found, removed);
        for removal in clusters.removed() {
            prop_assert!(removal.similarity.containment_a >= threshold);
        }
    }
}

#[test]
fn the_contained_text_is_removed_whatever_comes_first() {
    let long = "The ferry returns on Monday. Nine years ago, a storm broke its engine, and the yard went bankrupt \
                before it was mended; a club of former stokers has now done it by hand, and will run it at weekends.";
    let short = "The ferry returns on Monday. Nine years ago, a storm broke its engine.";
    let deduper = deduper(0.5, 3);
    assert_eq!(deduper.cluster_mode(), ClusterMode::Leader);
    assert_eq!(deduper.keep(), Keep::Largest);
    for (texts, removed) in [([long, short], 1), ([short, long], 0)] {
        let clusters = deduper.clusters(&texts);
        assert_eq!(clusters.removed().len(), 1);
        assert_eq!(clusters.removed()[0].document, removed);
        assert_eq!(clusters.removed()[0].similarity.containment_a, 1.0);
        assert_eq!(clusters.recall().method, Method::Exact);
        assert_eq!(clusters.recall().reason, Reason::Containment);
    }
    // With the first text to be kept, the longer one is not contained in it, and stays.
    let first = Deduper::builder()
        .measure(Measure::Containment)
        .threshold(0.5)
        .keep(Keep::First);
    let first = first.shingle(Shingle::Words(3)).build().unwrap();
    assert!(first.clusters(&[short, long]).is_empty());
    assert_eq!(first.pairs(&[short, long]).len(), 1);
}

#[test]
fn a_short_common_text_does_not_chain() {
    let form = "please send the signed form and a copy of your passport to the office by friday";
    let texts: Vec<String> = (0..50)
        .map(|i| {
            let own = (0..40).map(|word| format!("p{i}w{word}"));
            format!("{form} {}", own.collect::<Vec<_>>().join(" "))
        })
        .chain([form.to_owned()])
        .collect();
    let clusters = deduper(0.8, 3).clusters(&texts);
    assert_eq!(clusters.removed().len(), 1);
    assert_eq!(clusters.removed()[0].document, 50);
}

#[test]
fn too_much_work_is_an_error() {
    let form: Vec<String> = (0..100).map(|word| format!("form{word}")).collect();
    let texts: Vec<String> = (0..300)
        .map(|i| {
            format!(
                "{} {}",
                form.join(" "),
                (0..110)
                    .map(|w| format!("p{i}w{w}"))
                    .collect::<Vec<_>>()
                    .join(" ")
            )
        })
        .collect();
    let builder = Deduper::builder()
        .measure(Measure::Containment)
        .exact_work(1000);
    let deduper = builder
        .threshold(0.4)
        .shingle(Shingle::Words(3))
        .build()
        .unwrap();
    let error = deduper.try_clusters(&texts, &Run::new()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("exact_work is 1000; allow more, raise the threshold"),
        "{error}"
    );
}
