//! The distributed join gives the same results as a run.

use std::collections::{BTreeMap, HashMap};

use crate::support::templates::pages;
use crate::support::{Random, collection};
use proptest::prelude::*;
use resemblance::engine::{CommonPart, Counts, Join, Posting, Similar, components};
use resemblance::text::Shingles;
use resemblance::{ClusterMode, Deduper, Measure, Pair, Run, Shingle, Weights};

/// Distributes a collection of distinct sets to buckets, and runs all steps. Returns the connected sets with their
/// components.
fn connected(join: &Join, sets: &BTreeMap<u64, Vec<u64>>, buckets: u32) -> Vec<(u64, u64)> {
    let bucket = |set: &u64| (set % u64::from(buckets)) as u32;
    let of_bucket = |number| sets.iter().filter(move |(set, _)| bucket(set) == number);
    let own: Vec<Counts> = (0..buckets)
        .map(|number| {
            Counts::of(
                &of_bucket(number)
                    .map(|(_, shingles)| shingles)
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    let split: Vec<Vec<Counts>> = own.iter().map(|counts| counts.split(buckets)).collect();
    let of_range = |range: usize| {
        split
            .iter()
            .map(|counts| counts[range].clone())
            .collect::<Vec<_>>()
    };
    let sums: Vec<Counts> = (0..buckets as usize)
        .map(|range| Counts::sum(&of_range(range)))
        .collect();
    let (mut postings, mut parts) = (
        vec![Vec::<Posting>::new(); buckets as usize],
        vec![Vec::new(); 3],
    );
    for number in 0..buckets {
        let asked = &split[number as usize];
        let replies: Vec<Counts> = sums
            .iter()
            .zip(asked)
            .map(|(sum, asked)| sum.repeated(asked))
            .collect();
        let of_bucket = of_bucket(number).map(|(&set, shingles)| (set, &shingles[..]));
        let scanned = join.scan(of_bucket, &Counts::sum(&replies));
        for posting in scanned.postings {
            postings[posting.range(buckets) as usize].push(posting);
        }
        for part in scanned.common_parts {
            parts[(part.key() % 3) as usize].push(part);
        }
    }
    let mut pairs: Vec<Similar> = postings
        .iter()
        .flat_map(|of_range| join.candidates(of_range))
        .collect();
    pairs.retain(|(a, b)| join.are_similar(&sets[a], &sets[b]));
    let mut left: Vec<CommonPart> = Vec::new();
    for some in parts {
        let (merged, similar) = join.merge(some);
        left.extend(merged);
        pairs.extend(similar);
    }
    pairs.extend(join.connect(&left).unwrap());
    components(&pairs)
}

/// The distinct sets of texts by their first documents, and the first document of each.
fn distinct(join: &Join, texts: &[String]) -> (BTreeMap<u64, Vec<u64>>, Vec<Option<u64>>) {
    let (mut sets, mut firsts) = (BTreeMap::new(), HashMap::new());
    let first = |(document, digest): (u64, resemblance::engine::Digest)| {
        let first = *firsts.entry(digest.fingerprint?).or_insert(document);
        if first == document {
            sets.insert(document, digest.shingles);
        }
        Some(first)
    };
    let of_documents = (0..).zip(join.digests(texts)).map(first).collect();
    (sets, of_documents)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn decisions_and_pairs_are_those_of_a_run(
        seed: u64,
        threshold in prop::sample::select(vec![0.3, 0.5, 0.7, 0.8, 0.9, 1.0]),
        buckets in 1u32..6,
        leader: bool,
        of_templates: bool,
    ) {
        let texts = match of_templates {
            true => pages(seed, 150),
            false => collection(seed, 150),
        };
        let words = if of_templates { 1 } else { 2 };
        let mode = if leader { ClusterMode::Leader } else { ClusterMode::Components };
        let deduper = Deduper::builder().threshold(threshold).cluster_mode(mode).shingle(Shingle::Words(words)).build().unwrap();
        let join = Join::new(&deduper).unwrap();
        let (sets, firsts) = distinct(&join, &texts);
        let mut bins: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        let mut random = Random(seed);
        let of_component: Vec<usize> = (0..texts.len()).map(|_| random.below(3)).collect();
        for (set, component) in connected(&join, &sets, buckets) {
            bins.entry(of_component[component as usize]).or_default().push(set);
        }
        let mut kept: BTreeMap<u64, (u64, f64)> = BTreeMap::new();
        let mut pairs = Vec::new();
        for bin in bins.values() {
            let documents: Vec<Shingles<'_>> = bin.iter().map(|set| Shingles(&sets[set])).collect();
            let clusters = join.deduper().try_clusters(&documents, &Run::new()).unwrap();
            for removal in clusters.removed() {
                kept.insert(bin[removal.document], (bin[removal.kept], removal.similarity.jaccard));
            }
            let each = |pair: Pair| {
                pairs.push((bin[pair.a], bin[pair.b], pair.similarity));
                Ok::<(), resemblance::Error>(())
            };
            join.deduper().try_pairs(&documents, &Run::new(), each).unwrap();
        }
        let run = join.deduper().clusters(&texts);
        for (document, first) in firsts.iter().enumerate() {
            let expected = run.removal(document).map(|removal| (removal.kept as u64, removal.similarity.jaccard));
            let found = first.and_then(|first| {
                let is_copy = first != document as u64;
                kept.get(&first).copied().or(is_copy.then_some((first, 1.0)))
            });
            prop_assert_eq!(found, expected, "document {}", document);
        }
        pairs.sort_by_key(|&(a, b, _)| (a, b));
        let are_firsts = |pair: &&Pair| [pair.a, pair.b].iter().all(|&document| firsts[document] == Some(document as u64));
        let all = join.deduper().pairs(&texts);
        let mut expected: Vec<_> = all.iter().filter(are_firsts).map(|pair| (pair.a as u64, pair.b as u64, pair.similarity)).collect();
        expected.sort_by_key(|&(a, b, _)| (a, b));
        prop_assert_eq!(pairs, expected);
    }

    /// Counts of all sets at once, or of some after the other in any number of ranges, are the same.
    #[test]
    fn counts_add_up(seed: u64, parts in 1u32..9, buckets in 1usize..5) {
        let mut random = Random(seed);
        let sets: Vec<Vec<u64>> = (0..40)
            .map(|_| (0..random.below(30)).map(|_| resemblance::text::mix(random.below(60) as u64)).collect())
            .collect();
        let whole = Counts::of(&sets);
        let own: Vec<Counts> = sets.chunks(sets.len().div_ceil(buckets)).map(Counts::of).collect();
        prop_assert_eq!(&Counts::sum(&own), &whole);
        prop_assert_eq!(&Counts::sum(&whole.split(parts)), &whole);
        let asked: usize = own.iter().map(|own| whole.repeated(own).len()).sum();
        prop_assert!(asked <= own.iter().map(Counts::len).sum());
        #[cfg(feature = "serde")]
        {
            let sent = serde_json::to_string(&whole).unwrap();
            prop_assert_eq!(serde_json::from_str::<Counts>(&sent).unwrap(), whole);
        }
    }
}

#[test]
fn copies_have_one_fingerprint_and_empty_texts_none() {
    let join = Join::new(&Deduper::new()).unwrap();
    let texts = [
        "one two three four five six",
        "One two three, four five six!",
        "",
        "one two three four five",
    ];
    let digests = join.digests(&texts);
    assert_eq!(digests[0], digests[1]);
    assert_eq!(
        (digests[0].shingles.len(), digests[2].shingles.len()),
        (2, 0)
    );
    assert_eq!(digests[2].fingerprint, None);
    assert_ne!(digests[0].fingerprint, digests[3].fingerprint);
}

#[test]
fn other_rules_are_refused() {
    for (builder, rule) in [
        (
            Deduper::builder().measure(Measure::Containment),
            "by containment",
        ),
        (Deduper::builder().weights(Weights::Ln), "with weights ln"),
    ] {
        let refused = Join::new(&builder.build().unwrap())
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("a distributed join") && refused.contains(rule),
            "{refused}"
        );
    }
}

#[test]
fn work_is_limited() {
    let texts = pages(3, 400);
    let deduper = Deduper::builder()
        .threshold(0.7)
        .shingle(Shingle::Words(1))
        .exact_work(1)
        .build()
        .unwrap();
    let join = Join::new(&deduper).unwrap();
    let (sets, _) = distinct(&join, &texts);
    let counts = Counts::of(&sets.values().collect::<Vec<_>>());
    let scanned = join.scan(
        sets.iter().map(|(&set, shingles)| (set, &shingles[..])),
        &counts,
    );
    let (parts, _) = join.merge(scanned.common_parts);
    let refused = join.connect(&parts).unwrap_err().to_string();
    assert!(refused.contains("exact_work is 1"), "{refused}");
}
