//! The exact join finds every pair that brute force finds, and LSH none besides; clusters are their closure.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use resemblance::{ClusterMode, Deduper, Method, Shingle};

#[derive(Arbitrary, Debug)]
struct Case {
    threshold: u8,
    slots: u8,
    /// Each byte is a word of a document; a document may begin as an earlier one.
    documents: Vec<(u8, Vec<u8>)>,
}

fn jaccard(a: &BTreeSet<u16>, b: &BTreeSet<u16>) -> f64 {
    let shared = a.intersection(b).count();
    match a.len() + b.len() - shared {
        0 => 0.0,
        union => shared as f64 / union as f64,
    }
}

fuzz_target!(|case: Case| {
    let threshold = f64::from(case.threshold % 20 + 1) / 20.0;
    let mut sets: Vec<BTreeSet<u16>> = Vec::new();
    for (like, words) in case.documents.iter().take(60) {
        let mut set = BTreeSet::new();
        if like % 2 == 1 && !sets.is_empty() {
            set.clone_from(&sets[usize::from(*like) % sets.len()]);
        }
        for (&word, place) in words.iter().zip(0u16..) {
            // The upper half are words of this document alone.
            match word < 128 {
                true => set.insert(u16::from(word)),
                false => set.insert(1000 + 100 * sets.len() as u16 + place % 100),
            };
        }
        sets.push(set);
    }
    let texts: Vec<String> = sets
        .iter()
        .map(|set| {
            let words: Vec<String> = set.iter().map(|word| format!("w{word}")).collect();
            words.join(" ")
        })
        .collect();
    let mut expected = BTreeMap::new();
    for a in 0..sets.len() {
        for b in a + 1..sets.len() {
            let jaccard = jaccard(&sets[a], &sets[b]);
            if jaccard > 0.0 && jaccard >= threshold {
                expected.insert((a, b), jaccard);
            }
        }
    }
    for method in [Method::Exact, Method::Lsh, Method::Auto] {
        let builder = Deduper::builder()
            .method(method)
            .threshold(threshold)
            .hashes(usize::from(case.slots % 64) + 4)
            .recall(0.5)
            .shingle(Shingle::Words(1));
        let Ok(deduper) = builder.build() else {
            continue; // no banding of so few slots has the recall
        };
        let pairs: BTreeMap<_, _> = deduper
            .pairs(&texts)
            .iter()
            .map(|pair| ((pair.a, pair.b), pair.similarity.jaccard))
            .collect();
        match method {
            Method::Exact => assert_eq!(pairs, expected),
            _ => assert!(pairs.iter().all(|(pair, j)| expected.get(pair) == Some(j))),
        }
        if method == Method::Exact {
            let mut first: Vec<usize> = (0..sets.len()).collect();
            for &(a, b) in pairs.keys() {
                let (one, other) = (first[a], first[b]);
                for label in &mut first {
                    if *label == one || *label == other {
                        *label = one.min(other);
                    }
                }
            }
            let clusters = deduper.clusters(&texts);
            for (document, &first) in first.iter().enumerate() {
                assert_eq!(clusters.is_kept(document), document == first);
            }
            let builder = builder.cluster_mode(ClusterMode::Leader);
            let leaders = builder.build().unwrap().clusters(&texts);
            for removal in leaders.removed() {
                assert!(leaders.is_kept(removal.kept));
                assert!(removal.similarity.jaccard >= threshold);
            }
        }
    }
});
