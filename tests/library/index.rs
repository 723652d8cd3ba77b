//! The index against estimates of every pair, and against a rebuilt index.

use crate::support::{Random, collection};
use proptest::prelude::*;
use resemblance::lsh::Banding;
use resemblance::{Deduper, Index, Shingle, Similarity};

fn deduper() -> Deduper {
    Deduper::builder()
        .shingle(Shingle::Words(2))
        .hashes(64)
        .threshold(0.5)
        .banding(Banding::new(64, 1).unwrap())
        .build()
        .unwrap()
}

#[test]
fn queries_answer_what_estimates_say() {
    let texts = collection(5, 200);
    let deduper = deduper();
    let mut index = deduper.index();
    for (i, text) in texts.iter().enumerate() {
        index.insert(i, text).unwrap();
    }
    assert_eq!(index.len(), texts.len());
    let matrix = deduper.signatures(&texts);
    for (i, text) in texts.iter().enumerate() {
        let mut expected: Vec<(usize, f64)> = (0..texts.len())
            .map(|j| (j, matrix.estimate(i, j).jaccard))
            .filter(|&(_, jaccard)| jaccard >= 0.5)
            .collect();
        expected.sort_by(|l, r| r.1.total_cmp(&l.1).then(l.0.cmp(&r.0)));
        let ids = |found: Vec<resemblance::lsh::Match<usize>>| -> Vec<(usize, f64)> {
            found
                .into_iter()
                .map(|m| (m.id, m.estimate.jaccard))
                .collect()
        };
        assert_eq!(ids(index.query(text)), expected);
        let signature = deduper.signature(text);
        assert_eq!(
            ids(index.query_signature(&signature, 0.5).unwrap()),
            expected
        );
        assert_eq!(ids(index.query_above(text, 0.9)).len(), {
            expected
                .iter()
                .filter(|(_, jaccard)| *jaccard >= 0.9)
                .count()
        });
        let top = ids(index.top_k(text, 3));
        assert!(top.len() <= 3 && top.is_sorted_by(|l, r| l.1 >= r.1));
        assert!(expected.iter().take(3).zip(&top).all(|(e, t)| e.1 == t.1));
    }
}

#[test]
fn ids_are_unique_and_schemes_must_match() {
    let mut index: Index<&str> = deduper().index();
    index.insert("a", "some words here").unwrap();
    let error = index.insert("a", "other words").unwrap_err();
    assert_eq!(error.to_string(), "id \"a\" is in the index already");
    assert_eq!(index.len(), 1);
    let other = Deduper::new().signature("some words here");
    assert!(
        index
            .insert_signature("b", &other)
            .unwrap_err()
            .is_scheme_mismatch()
    );
    assert!(
        index
            .query_signature(&other, 0.5)
            .unwrap_err()
            .is_scheme_mismatch()
    );
    assert!(!index.remove("b"));
    assert_eq!(
        index.signature("a"),
        Some(deduper().signature("some words here"))
    );
}

#[test]
fn empty_texts_are_held_and_never_found() {
    let mut index = deduper().index();
    index.insert(1, "").unwrap();
    assert!(index.contains(&1) && index.query("").is_empty() && index.top_k("", 5).is_empty());
    assert!(index.remove(&1) && index.is_empty());
}

#[test]
fn an_index_of_longer_lives_is_one_of_shorter_ones() {
    fn contains<'a>(index: &Index<&'static str>, id: &'a str) -> bool {
        let index: &Index<&'a str> = index;
        index.contains(&id)
    }
    let mut index = deduper().index();
    index.insert("a", "").unwrap();
    assert!(contains(&index, &String::from("a")));
}

#[test]
fn memory_grows_with_documents() {
    let mut index = Deduper::new().index();
    let empty = index.memory_usage();
    for (i, text) in collection(1, 1000).into_iter().enumerate() {
        index.insert(i, text).unwrap();
    }
    let each = (index.memory_usage() - empty) / 1000;
    assert!((500..3000).contains(&each), "{each} bytes a document");
}

#[test]
fn of_the_same_estimate_the_first_comes_first() {
    let mut index = deduper().index();
    for id in ["a", "b", "c"] {
        index.insert(id, "one and the same text").unwrap();
    }
    assert!(index.remove("a"));
    index.insert("d", "one and the same text").unwrap();
    let found = index.query("one and the same text");
    let ids: Vec<&str> = found.iter().map(|found| found.id).collect();
    assert_eq!(ids, ["b", "c", "d"]);
}

#[test]
fn merging_demands_the_same_settings_and_ids_of_its_own() {
    let mut index = deduper().index();
    index.insert("a", "some words here").unwrap();
    let mut other = deduper().index();
    other.insert("b", "other words there").unwrap();
    other.insert("a", "some words there").unwrap();
    let error = index.merge(&other).unwrap_err();
    assert_eq!(error.to_string(), "id \"a\" is in the index already");
    assert_eq!(index.len(), 1);
    let new = |bands, threshold| {
        let banding = Banding::new(bands, 1).unwrap();
        Index::<&str>::new(deduper().sketcher().clone(), banding, threshold).unwrap()
    };
    let error = index.merge(&new(32, 0.5)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "indexes of two bandings cannot be merged: 64 x 1 and 32 x 1"
    );
    let error = index.merge(&new(64, 0.6)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "indexes of two thresholds cannot be merged: 0.5 and 0.6"
    );
    let error = index.merge(&Deduper::new().index()).unwrap_err();
    assert!(error.is_scheme_mismatch());
}

#[test]
fn ids_come_in_the_order_of_insertion() {
    let mut index = deduper().index();
    let ids: Vec<usize> = (0..500).map(|i| i * 7 % 500).collect();
    index
        .insert_all(ids.iter().map(|&id| (id, "a few words")))
        .unwrap();
    assert!(index.ids().eq(&ids));
    assert!(index.remove(&ids[3]) && index.remove(&ids[90]));
    index.insert(ids[90], "other words").unwrap();
    let mut expected = ids.clone();
    expected.remove(90);
    expected.remove(3);
    expected.push(ids[90]);
    assert!(index.ids().eq(&expected));
    index.retain(|id| id % 2 == 0);
    expected.retain(|id| id % 2 == 0);
    assert!(index.ids().eq(&expected));
    assert_eq!(index.len(), expected.len());
    assert!(
        !index.contains(&1)
            && index
                .query_above("a few words", 0.0)
                .iter()
                .all(|found| found.id % 2 == 0)
    );
}

#[test]
fn all_or_none_are_inserted() {
    let mut index = deduper().index();
    index.insert("a", "some words").unwrap();
    for ids in [["b", "a"], ["b", "b"]] {
        let error = index.insert_all(ids.map(|id| (id, "words"))).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("id {:?} is in the index already", ids[1])
        );
        assert_eq!(index.len(), 1);
    }
    index.insert_all::<&str>([]).unwrap();
}

proptest! {
    /// Against one document after the other, more of them than are made together.
    #[test]
    fn inserting_all_is_inserting_each(seed: u64, many: bool) {
        let texts = collection(seed, if many { 5000 } else { 50 });
        let (mut all, mut each) = (deduper().index(), deduper().index());
        all.insert_all(texts.iter().enumerate()).unwrap();
        for (i, text) in texts.iter().enumerate() {
            each.insert(i, text).unwrap();
        }
        prop_assert_eq!(all.len(), texts.len());
        for (i, text) in texts.iter().enumerate().step_by(texts.len() / 50) {
            prop_assert_eq!(all.signature(&i), each.signature(&i));
            prop_assert_eq!(all.query_above(text, 0.4), each.query_above(text, 0.4));
        }
    }

    /// Against the definition: all that reach the threshold, by similarity, then by insertion; none without a text.
    #[test]
    fn verified_answers_are_exact(seed: u64) {
        let texts = collection(seed, 120);
        let deduper = deduper();
        let mut index = deduper.index();
        index.insert_all(texts.iter().enumerate()).unwrap();
prop_assert_eq!(index.estimate_floor(), 0.0, "no pair is missed by so many bands"); let floor = Deduper::new().index::<u32>().estimate_floor(); prop_assert!(floor > 0.5 && floor < 0.8);
        for text in &texts {
            let has_text = |i: usize| !i.is_multiple_of(5);
            let mut expected: Vec<(usize, Similarity)> = (0..texts.len())
                .filter(|&i| has_text(i))
                .map(|i| (i, deduper.similarity(text, &texts[i])))
                .filter(|(_, similarity)| similarity.jaccard >= 0.5)
                .collect();
            expected.sort_by(|l, r| r.1.jaccard.total_cmp(&l.1.jaccard));
            let mut asked = std::collections::BTreeSet::new();
            let found = index.query_verified(text, |&i| {
                assert!(asked.insert(i), "once");
                has_text(i).then(|| &texts[i])
            });
            let found: Vec<_> = found.into_iter().map(|found| (found.id, found.similarity)).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn merging_is_inserting_one_by_one(seed: u64) {
        let texts = collection(seed, 60);
        let (mut left, mut right, mut all) = (deduper().index(), deduper().index(), deduper().index());
        for (i, text) in texts.iter().enumerate() {
            let index = if i < 30 { &mut left } else { &mut right };
            index.insert(i, text).unwrap();
            all.insert(i, text).unwrap();
        }
        // Rows that are used again do not change the order.
        for i in [40, 50, 35] {
            for index in [&mut right, &mut all] {
                prop_assert!(index.remove(&i));
                index.insert(i, &texts[i]).unwrap();
            }
        }
        left.merge(&right).unwrap();
        prop_assert_eq!(left.len(), all.len());
        for text in &texts {
            prop_assert_eq!(left.query_above(text, 0.0), all.query_above(text, 0.0));
        }
    }

    #[test]
    fn removing_is_as_if_never_inserted(seed: u64) {
        let texts = collection(seed, 60);
        let mut random = Random(seed);
        let mut index = deduper().index();
        let mut there = std::collections::BTreeMap::new();
        for round in 0..200 {
            let i = random.below(texts.len());
            if there.remove(&i).is_some() {
                prop_assert!(index.remove(&i));
            } else {
                index.insert(i, &texts[i]).unwrap();
                there.insert(i, round);
            }
        }
        let mut fresh = deduper().index();
        for &i in there.keys() {
            fresh.insert(i, &texts[i]).unwrap();
        }
        prop_assert_eq!(index.len(), fresh.len());
        for text in &texts {
            let ids = |index: &Index<usize>| {
                let mut ids: Vec<usize> = index.query(text).into_iter().map(|m| m.id).collect();
                ids.sort_unstable();
                ids
            };
            prop_assert_eq!(ids(&index), ids(&fresh));
        }
    }
}
