//! The containment index, against brute force.

use std::collections::BTreeMap;

use crate::support::{Random, collection};
use proptest::prelude::*;
use resemblance::containment::Match;
use resemblance::text::Shingler;
use resemblance::{ContainmentIndex, Deduper, Shingle};

fn deduper(n: usize) -> Deduper {
    Deduper::builder()
        .shingle(Shingle::Words(n))
        .build()
        .unwrap()
}

/// Documents in the order of insertion, with nothing sorted and nothing skipped.
#[derive(Default)]
struct Naive(Vec<(usize, Vec<u64>)>);

impl Naive {
    fn remove(&mut self, id: usize) -> bool {
        let before = self.0.len();
        self.0.retain(|(other, _)| *other != id);
        self.0.len() < before
    }

    /// Every document that reaches a containment; `of` says whether of the document or of the query.
    fn found(
        &self,
        asked: &[u64],
        containment: f64,
        of_document: bool,
    ) -> Vec<(usize, usize, f64)> {
        let shares = self.0.iter().filter_map(|(id, set)| {
            let shared = asked.iter().filter(|hash| set.contains(hash)).count();
            let of = if of_document { set.len() } else { asked.len() };
            let share = shared as f64 / of as f64;
            (shared > 0 && share >= containment).then_some((*id, shared, share))
        });
        let mut found: Vec<_> = shares.collect();
        found.sort_by(|left, right| right.2.total_cmp(&left.2));
        found
    }
}

fn plain(found: Vec<Match<usize>>) -> Vec<(usize, usize, f64)> {
    found
        .into_iter()
        .map(|found| (found.id, found.shared, found.containment))
        .collect()
}

/// Texts of few words, so that they share much: documents, queries.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let word = prop::sample::select(vec!["ash", "oak", "elm", "fir", "yew", "rye"]);
    let rare = (0..200u32).prop_map(|n| format!("w{n}"));
    let word = prop_oneof![4 => word.prop_map(str::to_owned), 1 => rare];
    let text = prop::collection::vec(word, 0..30).prop_map(|words| words.join(" "));
    prop::collection::vec(text, 1..40)
}

#[derive(Debug, Clone)]
enum Step {
    Insert(usize),
    InsertAll(usize, usize),
    Remove(usize),
    Retain(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..40usize).prop_map(Step::Insert),
        1 => (0..40usize, 0..40usize).prop_map(|(from, many)| Step::InsertAll(from, many)),
        3 => (0..40usize).prop_map(Step::Remove),
        1 => (2..5usize).prop_map(Step::Retain),
    ];
    prop::collection::vec(step, 0..60)
}

/// Shares that a small text can have exactly, and others.
fn containments() -> impl Strategy<Value = f64> {
    let exact = (1..20u32, 1..20u32)
        .prop_map(|(one, other)| f64::from(one.min(other)) / f64::from(one.max(other)));
    prop_oneof![
        Just(1.0),
        Just(f64::MIN_POSITIVE),
        Just(1e-9),
        Just(0.8),
        exact,
        (0.001..1.0f64),
    ]
}

fn check(
    index: &ContainmentIndex<usize>,
    naive: &Naive,
    shingler: &Shingler,
    text: &str,
    containment: f64,
) -> Result<(), TestCaseError> {
    let mut asked = shingler.text(text);
    let mut set = asked.clone();
    set.sort_unstable();
    set.dedup();
    let containing = naive.found(&set, containment, false);
    let contained = naive.found(&set, containment, true);
    prop_assert_eq!(
        plain(index.containing(text, containment).unwrap()),
        &containing[..]
    );
    prop_assert_eq!(
        plain(index.contained_in(text, containment).unwrap()),
        &contained[..]
    );
    asked.reverse();
    prop_assert_eq!(
        plain(index.containing_shingles(&asked, containment).unwrap()),
        containing
    );
    prop_assert_eq!(
        plain(index.contained_in_shingles(&asked, containment).unwrap()),
        contained
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn answers_are_those_of_brute_force(
        texts in texts(),
        queries in texts(),
        steps in steps(),
        containment in containments(),
        n in 1usize..4,
    ) {
        let deduper = deduper(n);
        let shingler = deduper.sketcher().shingler();
        let (mut index, mut naive) = (deduper.containment_index(), Naive::default());
        let text = |id: usize| &texts[id % texts.len()];
        for step in steps {
            match step {
                Step::Insert(id) => match index.insert(id, text(id)) {
                    Ok(()) => naive.0.push((id, deduper.shingle_set(text(id)))),
                    Err(_) => prop_assert!(naive.0.iter().any(|(other, _)| *other == id)),
                },
                Step::InsertAll(from, many) => {
                    let new = |id: &usize| !naive.0.iter().any(|(other, _)| other == id);
                    let ids: Vec<usize> = (from..from + many).filter(new).collect();
                    index.insert_all(ids.iter().map(|&id| (id, text(id)))).unwrap();
                    naive.0.extend(ids.iter().map(|&id| (id, deduper.shingle_set(text(id)))));
                }
                Step::Remove(id) => prop_assert_eq!(index.remove(&id), naive.remove(id)),
                Step::Retain(rest) => {
                    index.retain(|id| id % rest > 0);
                    naive.0.retain(|(id, _)| id % rest > 0);
                }
            }
            prop_assert_eq!(index.len(), naive.0.len());
            prop_assert!(index.ids().eq(naive.0.iter().map(|(id, _)| id)));
            check(&index, &naive, shingler, &queries[0], containment)?;
        }
        for (id, set) in &naive.0 {
            prop_assert!(index.contains(id));
            prop_assert_eq!(index.shingles(id), Some(set.len()));
            prop_assert!(set.iter().all(|&hash| index.has_shingle(hash)));
        }
        for query in queries.iter().chain(&texts) {
            check(&index, &naive, shingler, query, containment)?;
        }
    }
}

/// More documents than fit in small tables, at every share that their passages can have.
#[test]
fn many_documents_and_all_shares() {
    let texts = collection(7, 3000);
    let deduper = deduper(2);
    let mut index = deduper.containment_index();
    index.insert_all(texts.iter().enumerate()).unwrap();
    let sets = texts.iter().map(|text| deduper.shingle_set(text));
    let naive = Naive(sets.enumerate().collect());
    let mut random = Random(9);
    for share in 1..=10 {
        for _ in 0..20 {
            let words: Vec<&str> = texts[random.below(texts.len())].split(' ').collect();
            let from = random.below(words.len());
            let passage = words[from..words.len().min(from + 11)].join(" ");
            let shingler = deduper.sketcher().shingler();
            check(&index, &naive, shingler, &passage, f64::from(share) / 10.0).unwrap();
        }
    }
}

#[test]
fn a_share_that_is_reached_exactly_counts() {
    let deduper = deduper(1);
    let mut index = deduper.containment_index();
    index.insert("nine", "a b c d e f g h i").unwrap();
    let text = "a b c d e f g h i j";
    let found = index.containing(text, 0.9).unwrap();
    assert_eq!((found[0].shared, found[0].containment), (9, 0.9));
    assert!(index.containing(text, 0.9 + 1e-15).unwrap().is_empty());
    assert_eq!(index.contained_in(text, 1.0).unwrap()[0].containment, 1.0);
}

#[test]
fn empty_and_short_texts() {
    let deduper = deduper(5);
    let mut index = deduper.containment_index();
    index
        .insert_all([
            ("empty", ""),
            ("short", "Hello, world!"),
            ("long", "hello world and all who live in it"),
        ])
        .unwrap();
    assert_eq!(index.len(), 3);
    assert_eq!(
        ["empty", "short", "long"].map(|id| index.shingles(id)),
        [Some(0), Some(1), Some(4)]
    );
    assert_eq!(index.shingles("other"), None);
    for text in ["", " ?! "] {
        assert!(index.containing(text, 1e-300).unwrap().is_empty());
        assert!(index.contained_in(text, 1e-300).unwrap().is_empty());
    }
    // Only a text of the same words contains a text shorter than a shingle.
    let ids = |found: Vec<Match<&'static str>>| {
        found.into_iter().map(|found| found.id).collect::<Vec<_>>()
    };
    assert_eq!(
        ids(index.containing("hello world", 1e-300).unwrap()),
        ["short"]
    );
    assert_eq!(
        ids(index
            .contained_in("hello world and all who live in it", 1e-300)
            .unwrap()),
        ["long"]
    );
    assert!(index.remove("short") && !index.remove("short"));
    assert!(index.containing("hello world", 1e-300).unwrap().is_empty());
}

#[test]
fn a_containment_out_of_range_is_an_error() {
    let index = deduper(5).containment_index::<u32>();
    for containment in [0.0, -0.5, 1.0 + 1e-9, f64::NAN, f64::INFINITY] {
        let error = index.containing("some text", containment).unwrap_err();
        assert!(error.is_setting());
        assert_eq!(
            error.to_string(),
            format!("containment {containment}: must be above 0 and at most 1")
        );
        let other = index.contained_in("some text", containment).unwrap_err();
        assert_eq!(other.to_string(), error.to_string());
        assert!(index.containing_shingles(&[1], containment).is_err());
        assert!(index.contained_in_shingles(&[1], containment).is_err());
    }
}

#[test]
fn all_or_none_are_inserted() {
    let mut index = deduper(2).containment_index();
    index.insert("a", "some words").unwrap();
    let error = index.insert("a", "other words").unwrap_err();
    assert_eq!(error.to_string(), "id \"a\" is in the index already");
    assert!(index.insert_shingles("a", &[1]).is_err());
    for ids in [["b", "a"], ["b", "b"]] {
        let error = index.insert_all(ids.map(|id| (id, "words"))).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("id {:?} is in the index already", ids[1])
        );
        assert_eq!(index.len(), 1);
    }
    index.insert_all::<&str>([]).unwrap();
    assert_eq!(index.containing("some words", 1.0).unwrap().len(), 1);
}

#[test]
fn a_clone_is_an_index_of_its_own() {
    let mut index = deduper(2).containment_index();
    index.insert(1, "the steam ferry").unwrap();
    let other = index.clone();
    index.remove(&1);
    assert_eq!(other.containing("steam ferry", 1.0).unwrap().len(), 1);
    assert!(format!("{other:?}").starts_with("ContainmentIndex { shingler: Shingler {"));
}

#[test]
fn threads_ask_at_the_same_time() {
    let texts = collection(3, 500);
    let deduper = deduper(2);
    let mut index = deduper.containment_index();
    index.insert_all(texts.iter().enumerate()).unwrap();
    let alone: Vec<_> = texts
        .iter()
        .map(|text| index.containing(text, 0.5).unwrap())
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (text, alone) in texts.iter().zip(&alone) {
                    assert_eq!(&index.containing(text, 0.5).unwrap(), alone);
                }
            });
        }
    });
}

#[test]
fn memory_is_twelve_and_a_half_bytes_a_shingle_and_the_filter() {
    let mut index = deduper(5).containment_index();
    let mut random = Random(1);
    let mut sizes = BTreeMap::new();
    for document in 0..500usize {
        let words: Vec<String> = (0..400)
            .map(|_| format!("w{}", random.below(100_000)))
            .collect();
        index.insert(document, words.join(" ")).unwrap();
        sizes.insert(document, index.shingles(&document).unwrap());
    }
    let shingles: usize = sizes.values().sum();
    let each = index.memory_usage() as f64 / shingles as f64;
    assert!((14.0..17.5).contains(&each), "{each} bytes a shingle");
}
