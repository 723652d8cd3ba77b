//! Sieves against brute force, the clusters of a batch, and plain sets of keys.

use std::collections::{BTreeSet, HashSet};

use crate::support::{Random, collection, naive_jaccard, sure};
use proptest::prelude::*;
use resemblance::stream::{Bloom, Counts, Memory, Seen, Verdict, Window};
use resemblance::text::Bytes;
use resemblance::{Banding, ClusterMode, Deduper, Shingle, Sieve, SketchKind};

fn verdicts(sieve: &mut Sieve, texts: &[String]) -> Vec<Verdict> {
    texts.iter().map(|text| sieve.admit(text)).collect()
}

/// What became of each text by the definition: dropped for the first of the passed texts that are remembered, `keep` of
/// whose lengths in shingles says how many of the last are.
fn brute_force(
    deduper: &Deduper,
    texts: &[String],
    keep: impl Fn(&[usize]) -> usize,
) -> Vec<Option<(u64, f64)>> {
    let shingler = deduper.sketcher().shingler();
    let sets: Vec<Vec<u64>> = texts.iter().map(|text| shingler.text(text)).collect();
    let mut passed: Vec<usize> = Vec::new();
    let mut found = Vec::new();
    for (i, set) in sets.iter().enumerate() {
        let similar = passed.iter().find_map(|&earlier| {
            let jaccard = naive_jaccard(set, &sets[earlier]);
            (jaccard >= deduper.threshold()).then_some((earlier as u64, jaccard))
        });
        if similar.is_none() && !set.is_empty() {
            passed.push(i);
            let distinct = |&i: &usize| sets[i].iter().collect::<HashSet<_>>().len();
            let lengths: Vec<usize> = passed.iter().map(distinct).collect();
            passed.drain(..passed.len() - keep(&lengths));
        }
        found.push(similar);
    }
    found
}

fn verified(verdicts: &[Verdict]) -> Vec<Option<(u64, f64)>> {
    let met = |verdict: &Verdict| {
        let seen = verdict.seen()?;
        Some((seen.document()?, seen.jaccard()?))
    };
    verdicts.iter().map(met).collect()
}

fn thresholds() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![0.3, 0.5, 2.0 / 3.0, 0.8, 0.9, 1.0])
}

fn memories() -> impl Strategy<Value = Memory> {
    prop::sample::select(vec![
        Window::all().into(),
        Window::last(7).into(),
        Window::last(9).shingles(100).into(),
        Window::all().estimates(true).into(),
        Bloom::new(200, 0.01).into(),
        Bloom::new(200, 0.5).into(),
        Bloom::new(3, 0.2).overfill(true).into(),
        Bloom::new(3, 0.2).into(),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn all_are_dropped_for_the_first_passed_that_they_resemble(seed: u64, t in thresholds()) {
        let texts = collection(seed, 80);
        let deduper = sure(t).build().unwrap();
        let mut sieve = deduper.sieve(Window::all()).unwrap();
        let verdicts = verdicts(&mut sieve, &texts);
        prop_assert_eq!(verified(&verdicts), brute_force(&deduper, &texts, <[_]>::len));
        for (text, verdict) in texts.iter().zip(&verdicts) {
            prop_assert_eq!(*verdict == Verdict::Empty, text.is_empty());
            if let Verdict::Seen(Seen::Verified { document, similarity }) = verdict {
                let earlier = &texts[*document as usize];
                prop_assert_eq!(*similarity, deduper.similarity(text, earlier));
            }
        }
    }

    #[test]
    fn windows_remember_the_last(seed: u64, t in thresholds(), last in 1usize..20) {
        let texts = collection(seed, 80);
        let deduper = sure(t).build().unwrap();
        let mut sieve = deduper.sieve(Window::last(last)).unwrap();
        let found = verified(&verdicts(&mut sieve, &texts));
        prop_assert_eq!(found, brute_force(&deduper, &texts, |passed| last.min(passed.len())));
        prop_assert!(sieve.remembered() <= last as u64);
        prop_assert_eq!(sieve.is_full(), sieve.remembered() == last as u64);
    }

    #[test]
    fn windows_hold_no_more_shingles_than_allowed(seed: u64, most in 1usize..200) {
        let texts = collection(seed, 80);
        let deduper = sure(0.5).build().unwrap();
        let mut sieve = deduper.sieve(Window::all().shingles(most)).unwrap();
        let found = verified(&verdicts(&mut sieve, &texts));
        let keep = |lengths: &[usize]| {
            let mut held = 0;
            let fits = |length: &&usize| {
                held += **length;
                held <= most
            };
            lengths.iter().rev().take_while(fits).count().max(1)
        };
        prop_assert_eq!(found, brute_force(&deduper, &texts, keep));
    }

    #[test]
    fn a_window_of_all_gives_the_leader_clusters_of_a_batch(
        seed: u64,
        t in thresholds(),
        many_bands: bool,
    ) {
        let texts = collection(seed, 150);
        let builder = if many_bands { sure(t) } else { Deduper::builder() };
        let deduper = builder
            .threshold(t)
            .shingle(Shingle::Words(2))
            .cluster_mode(ClusterMode::Leader)
            .build()
            .unwrap();
        let clusters = deduper.clusters(&texts);
        prop_assume!(clusters.recall().unseen == 0);
        let mut sieve = deduper.sieve(Window::all()).unwrap();
        for (i, verdict) in verdicts(&mut sieve, &texts).into_iter().enumerate() {
            prop_assert_eq!(verdict.passes(), clusters.is_kept(i));
            let removal = clusters.removal(i).map(|removal| Seen::Verified {
                document: removal.kept as u64,
                similarity: removal.similarity,
            });
            prop_assert_eq!(verdict.seen(), removal);
        }
        prop_assert_eq!(sieve.counts().dropped, clusters.removed().len() as u64);
        prop_assert_eq!(sieve.counts().empty, clusters.empty().len() as u64);
    }

    #[test]
    fn estimates_are_those_of_the_signatures(seed: u64) {
        let texts = collection(seed, 80);
        let deduper = sure(0.5).build().unwrap();
        let matrix = deduper.signatures(&texts);
        let mut sieve = deduper.sieve(Window::all().estimates(true)).unwrap();
        let mut passed: Vec<usize> = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            let mut earlier = passed.iter().filter(|_| !text.is_empty());
            let similar = earlier.find(|&&j| matrix.estimate(i, j).jaccard >= 0.5);
            let expected = match similar {
                Some(&j) => Verdict::Seen(Seen::Estimated {
                    document: j as u64,
                    estimate: matrix.estimate(i, j),
                }),
                None if text.is_empty() => Verdict::Empty,
                None => Verdict::Unseen,
            };
            prop_assert_eq!(sieve.admit(text), expected);
            if expected == Verdict::Unseen {
                passed.push(i);
            }
        }
    }

    /// What shares a band key with a passed document is dropped for it, at the latest.
    #[test]
    fn bloom_bands_miss_no_key(seed: u64, rate in 1e-6..0.3) {
        let texts = collection(seed, 150);
        let deduper = Deduper::builder().shingle(Shingle::Words(2)).build().unwrap();
        let mut sieve = deduper.sieve(Bloom::new(200, rate)).unwrap();
        let banding = sieve.banding();
        let mut known: BTreeSet<(usize, u64)> = BTreeSet::new();
        for text in &texts {
            let signature = deduper.signature(text);
            let keys = (0..banding.bands()).map(|band| (band, banding.key(band, signature.slots())));
            let keys: Vec<_> = keys.collect();
            match sieve.admit(text) {
                Verdict::Seen(Seen::Band { band }) => prop_assert!(band < banding.bands()),
                Verdict::Empty => prop_assert!(text.is_empty()),
                Verdict::Unseen => {
                    prop_assert!(keys.iter().all(|key| !known.contains(key)));
                    known.extend(keys);
                }
                Verdict::Seen(other) => panic!("{other:?}"),
            }
        }
        prop_assert_eq!(sieve.remembered() + sieve.counts().empty, sieve.counts().passed);
    }

    #[test]
    fn batches_change_no_verdict(
        seed: u64,
        memory in memories(),
        batch in 1usize..100,
        threads in 1usize..4,
    ) {
        let texts = collection(seed, 150);
        let deduper = sure(0.5).build().unwrap();
        let sieve = || deduper.sieve(memory).unwrap();
        let (mut one, mut many) = (sieve(), sieve());
        let expected: Vec<_> = one.try_verdicts(&texts, |text| *text).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found: Vec<_> = pool.install(|| {
            many.try_verdicts(&texts, |text| *text).in_batches(batch).collect()
        });
        prop_assert_eq!(expected, found);
        prop_assert_eq!(one.counts(), many.counts());
        prop_assert_eq!(one.counts().documents, texts.len() as u64);
    }
}

/// Something with a text, not the text itself.
#[derive(Debug, Clone, PartialEq)]
struct Record {
    id: usize,
    text: String,
}

fn records(documents: usize) -> Vec<Record> {
    let texts = collection(3, documents).into_iter().enumerate();
    texts.map(|(id, text)| Record { id, text }).collect()
}

#[test]
fn iterators_hand_out_every_record() {
    let records = records(500);
    let deduper = sure(0.5).build().unwrap();
    let mut sieve = deduper.sieve(Window::all()).unwrap();
    let mut iterator = sieve.verdicts(records.clone(), |record| &record.text);
    assert_eq!(iterator.size_hint(), (500, Some(500)));
    iterator.next();
    assert_eq!(iterator.size_hint(), (499, Some(499)));
    drop(iterator);

    let mut sieve = deduper.sieve(Window::all()).unwrap();
    let all: Vec<_> = sieve
        .verdicts(records.clone(), |record| &record.text)
        .collect();
    assert!(all.iter().map(|(record, _)| record).eq(&records));
    let expected = all.into_iter().filter(|(_, verdict)| verdict.passes());
    let expected: Vec<Record> = expected.map(|(record, _)| record).collect();

    for batch in [1, 64] {
        let mut sieve = deduper.sieve(Window::all()).unwrap();
        let verdicts = sieve.verdicts(records.clone(), |record| &record.text);
        let unseen: Vec<Record> = verdicts.in_batches(batch).unseen().collect();
        assert_eq!(unseen, expected);
        assert_eq!(sieve.counts().passed, unseen.len() as u64);
    }
    let mut sieve = deduper.sieve(Window::all()).unwrap();
    let unseen = sieve.unseen(records, |record| &record.text);
    assert!(unseen.eq(expected));
}

/// What was read ahead and not handed out is not remembered.
#[test]
fn an_iterator_dropped_early_remembers_nothing_more() {
    let records = records(100);
    let deduper = sure(0.5).build().unwrap();
    let mut sieve = deduper.sieve(Window::all()).unwrap();
    let verdicts = sieve.verdicts(&records, |record| &record.text);
    assert_eq!(verdicts.in_batches(50).take(10).count(), 10);
    assert_eq!(sieve.counts().documents, 10);
    let mut one = deduper.sieve(Window::all()).unwrap();
    for record in &records[..10] {
        one.admit(&record.text);
    }
    for record in &records[10..] {
        assert_eq!(sieve.admit(&record.text), one.admit(&record.text));
    }
}

#[test]
fn failed_documents_are_counted_and_named() {
    let good: &[u8] = b"volunteers will open the lighthouse to visitors in june";
    let documents = [good, b"\xff\xfe", good, b"", b"x\xff"].map(Bytes);
    for batch in [1, 4] {
        let mut sieve = Deduper::new().sieve(Window::all()).unwrap();
        let verdicts = sieve.try_verdicts(documents, |document| document);
        let all: Vec<_> = verdicts.in_batches(batch).collect();
        let told: Vec<_> = all
            .iter()
            .map(|(_, verdict)| match verdict {
                Ok(verdict) => format!("{verdict:?}"),
                Err(error) => error.to_string(),
            })
            .collect();
        assert_eq!(told[0], "Unseen");
        assert!(told[1].starts_with("document 1 is not UTF-8 (byte 0)"));
        assert!(told[2].starts_with("Seen(Verified { document: 0"));
        assert_eq!(told[3], "Empty");
        assert!(told[4].starts_with("document 4 is not UTF-8 (byte 1)"));
        let Counts {
            documents,
            passed,
            empty,
            dropped,
            failed,
            ..
        } = sieve.counts();
        assert_eq!((documents, passed, empty, dropped, failed), (5, 2, 1, 1, 2));
        let told = sieve.counts().to_string();
        assert_eq!(
            told,
            "5 documents = 2 passed (1 of them empty) + 1 dropped + 2 failed"
        );
    }
    let mut sieve = Deduper::new().sieve(Window::all()).unwrap();
    let unseen = sieve.try_verdicts(documents, |document| document).unseen();
    let passed: Vec<bool> = unseen.map(|document| document.is_ok()).collect();
    assert_eq!(passed, [true, false, true, false]);

    let deduper = Deduper::builder()
        .shingle(Shingle::Bytes(2))
        .build()
        .unwrap();
    let mut sieve = deduper.sieve(Window::all()).unwrap();
    assert_eq!(sieve.try_admit(&documents[1]), Ok(Verdict::Unseen));
    assert!(!sieve.try_admit(&documents[1]).unwrap().passes());
}

/// Texts that have nothing in common: `words` of their own.
fn unrelated(salt: u64, words: usize) -> impl Iterator<Item = String> {
    (0u64..).map(move |i| {
        let word = |word| format!("w{salt}x{i}x{word} ");
        (0..words).map(word).collect()
    })
}

#[test]
fn a_full_bloom_memory_fails_or_tells_how_often_it_errs() {
    let deduper = Deduper::new();
    let mut sieve = deduper.sieve(Bloom::new(100, 0.001)).unwrap();
    let texts: Vec<String> = unrelated(1, 8).take(300).collect();
    assert!(texts[..100].iter().all(|text| sieve.admit(text).passes()));
    assert!(sieve.is_full() && sieve.bloom().unwrap().is_full());
    let error = sieve.try_admit(&texts[100]).unwrap_err();
    assert!(error.is_full() && !error.is_setting());
    assert_eq!(
        error.to_string(),
        "the Bloom filters are full: all 100 documents that they were planned for have been passed; plan for more, \
         or allow them to overfill"
    );
    // What was seen can be told still.
    assert!(!sieve.admit(&texts[7]).passes());
    assert_eq!(sieve.admit(""), Verdict::Empty);
    let told = "103 documents = 101 passed (1 of them empty) + 1 dropped + 1 failed";
    assert_eq!(sieve.counts().to_string(), told);
    sieve.forget();
    assert_eq!((sieve.remembered(), sieve.is_full()), (0, false));
    assert!(sieve.admit(&texts[7]).passes());

    let mut sieve = deduper
        .sieve(Bloom::new(100, 0.001).overfill(true))
        .unwrap();
    for text in &texts {
        sieve.admit(text);
    }
    let bloom = sieve.bloom().unwrap();
    assert!(bloom.is_full() && bloom.documents() > 200);
    assert!(bloom.rate_of(bloom.planned()) <= 0.001);
    assert!(bloom.rate() > 0.05 && bloom.measured_rate() > 0.05);
}

#[test]
#[should_panic(expected = "the Bloom filters are full: all 1 documents that they were planned for")]
fn text_panics_where_a_bloom_memory_is_full() {
    let mut sieve = Deduper::new().sieve(Bloom::new(1, 0.1)).unwrap();
    for text in unrelated(2, 5).take(2) {
        sieve.admit(text);
    }
}

/// The whole way, from texts: documents without a band key in common with any are dropped as often as is stated.
#[test]
fn bloom_rates_are_those_that_are_stated() {
    const ASKED: u32 = 40_000;
    let deduper = Deduper::builder()
        .shingle(Shingle::Words(1))
        .build()
        .unwrap();
    for (documents, asked) in [(2_000, 0.1), (20_000, 0.01)] {
        let mut sieve = deduper.sieve(Bloom::new(documents, asked)).unwrap();
        let mut texts = unrelated(3, 12);
        while !sieve.is_full() {
            sieve.admit(texts.next().unwrap());
        }
        let bloom = sieve.bloom().unwrap();
        let (stated, present) = (bloom.rate(), bloom.measured_rate());
        assert!(stated <= asked && stated > 0.9 * asked, "{stated} {asked}");
        assert!((present / stated - 1.0).abs() < 0.05, "{present} {stated}");
        let before = sieve.counts();
        let others = unrelated(4, 12).take(ASKED as usize);
        let wrong = others.filter(|text| matches!(sieve.try_admit(text), Ok(v) if !v.passes()));
        let measured = wrong.count() as f64 / f64::from(ASKED);
        // Five standard errors of the count. What is passed is refused, so that the filters stay as they are.
        let error = 5.0 * (present * (1.0 - present) / f64::from(ASKED)).sqrt();
        assert!((measured - present).abs() < error, "{measured} {present}");
        let failed = sieve.counts().failed - before.failed;
        let dropped = sieve.counts().dropped - before.dropped;
        assert_eq!(failed + dropped, u64::from(ASKED));
    }
}

/// Documents of a known similarity to one that was passed are dropped as often as the S-curve says.
#[test]
fn bloom_bands_drop_by_the_curve() {
    const TRIALS: u32 = 1_500;
    let deduper = Deduper::builder()
        .shingle(Shingle::Words(1))
        .build()
        .unwrap();
    let mut random = Random(5);
    for (shared, union) in [(60, 100), (70, 100), (80, 100), (90, 100), (95, 100)] {
        let mut sieve = deduper
            .sieve(Bloom::new(u64::from(2 * TRIALS), 1e-6))
            .unwrap();
        let expected = sieve.probability(f64::from(shared) / f64::from(union));
        let mut dropped = 0;
        for _ in 0..TRIALS {
            let words: Vec<String> = (0..union)
                .map(|_| format!("w{}", random.below(1 << 40)))
                .collect();
            // The first lacks the second half of what is not shared, the other the first half.
            let (shared, alone) = words.split_at(shared as usize);
            let (left, right) = alone.split_at(alone.len() / 2);
            assert!(sieve.admit([shared, left].concat().join(" ")).passes());
            dropped += u32::from(!sieve.admit([shared, right].concat().join(" ")).passes());
        }
        let measured = f64::from(dropped) / f64::from(TRIALS);
        // Five standard errors, and 0.01 since slots are not quite independent.
        let error = 5.0 * (expected * (1.0 - expected) / f64::from(TRIALS)).sqrt() + 0.01;
        assert!((measured - expected).abs() < error, "{measured} {expected}");
    }
}

#[test]
fn windows_drop_what_the_recall_promises() {
    let deduper = Deduper::new();
    let exact = deduper.sieve(Window::all()).unwrap();
    assert_eq!(exact.probability(0.79), 0.0);
    let at = exact.probability(0.8);
    assert!((deduper.recall()..1.0).contains(&at), "{at}");
    assert_eq!(exact.probability(1.0), 1.0);
    let estimates = deduper.sieve(Window::all().estimates(true)).unwrap();
    let at = estimates.probability(0.8);
    assert!((0.4..0.6).contains(&at), "{at}");
    assert!(estimates.probability(0.7) > 0.0);
}

#[test]
fn wrong_settings_are_named() {
    let told = |memory: Memory| {
        let error = Deduper::new().sieve(memory).unwrap_err();
        assert!(error.is_setting());
        error.to_string()
    };
    assert_eq!(
        told(Window::last(0).into()),
        "window of 0 documents: must be from 1 to 4294967294"
    );
    assert_eq!(
        told(Bloom::new(0, 0.1).into()),
        "bloom of 0 documents: must be at least 1"
    );
    for rate in [0.0, 1.0, -0.5, 1e-13, f64::NAN] {
        let expected = format!("bloom rate {rate}: must be from 1e-12 to below 1");
        assert_eq!(told(Bloom::new(10, rate).into()), expected);
    }
    let banding = Banding::new(20, 10).unwrap();
    assert_eq!(
        told(Bloom::new(10, 0.1).banding(banding).into()),
        "banding 20 x 10 needs 200 slots, but a signature has 128 hashes"
    );
    let huge = told(Bloom::new(u64::MAX, 1e-6).into());
    assert!(
        huge.contains("a memory of that size cannot be allocated"),
        "{huge}"
    );
}

/// The documentation's numbers, after ten times as many documents as are remembered.
#[test]
fn memory_is_bounded() {
    let deduper = Deduper::new();
    let texts = || unrelated(6, 34).take(20_000);
    let last = 2_000;
    // 34 words are 30 shingles.
    for (memory, expected) in [
        (Window::last(last), 910 + 30 * 8),
        (Window::last(last).estimates(true), 910),
    ] {
        let mut sieve = deduper.sieve(memory).unwrap();
        for text in texts() {
            assert!(sieve.admit(text).passes());
        }
        let each = sieve.memory_usage() / last;
        assert!(each.abs_diff(expected) < expected / 20, "{each} {expected}");
        sieve.forget();
        assert_eq!(sieve.remembered(), 0);
    }
    let mut sieve = deduper.sieve(Bloom::new(20_000, 0.001)).unwrap();
    let fixed = sieve.memory_usage();
    for text in texts() {
        sieve.admit(text);
    }
    assert_eq!(sieve.memory_usage(), fixed);
    assert_eq!(fixed / 20_000, 24);
}

#[test]
fn a_memory_larger_than_there_is_is_an_error() {
    // Terabytes: no system lends that much.
    let error = Deduper::new().sieve(Bloom::new(1 << 42, 0.5)).unwrap_err();
    assert!(error.is_setting());
    let told = error.to_string();
    assert!(
        told.contains("a memory of that size cannot be allocated"),
        "{told}"
    );
}

/// An iterator may go on after its end, as one does that stops at a line that cannot be read.
#[test]
fn an_iterator_is_not_asked_again_once_it_has_ended() {
    for batch in [1, 2, 100] {
        let mut left = vec![Some("d"), None, Some("c"), Some("b"), Some("a")];
        let documents = std::iter::from_fn(|| left.pop().flatten());
        let mut sieve = Deduper::new().sieve(Window::all()).unwrap();
        let verdicts = sieve.try_verdicts(documents, |text| *text);
        let seen: Vec<&str> = verdicts.in_batches(batch).map(|(text, _)| text).collect();
        assert_eq!(seen, ["a", "b", "c"], "{batch}");
        assert_eq!(left, [Some("d")], "{batch}");
    }
}

/// Ids of one's own are reported in place of numbers, one by one and by iterators alike.
#[test]
fn documents_go_by_ids_of_ones_own() {
    let texts = collection(4, 300);
    let id = |i: usize| u64::MAX - 3 * i as u64;
    let deduper = sure(0.5).build().unwrap();
    for memory in [
        Memory::from(Window::all()),
        Window::last(40).estimates(true).into(),
    ] {
        let (mut plain, mut named) = (
            deduper.sieve(memory).unwrap(),
            deduper.sieve(memory).unwrap(),
        );
        let mut dropped = 0;
        let mut all = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            let verdict = plain.admit(text);
            let expected = verdict.seen().and_then(|seen| seen.document());
            let expected = expected.map(|document| id(document as usize));
            let verdict = named.admit_as(id(i), text);
            assert_eq!(verdict.seen().and_then(|seen| seen.document()), expected);
            dropped += usize::from(expected.is_some());
            all.push(verdict);
        }
        assert!(dropped > 20);
        for batch in [1, 7, 1000] {
            let mut sieve = deduper.sieve(memory).unwrap();
            let documents = texts.iter().enumerate();
            let verdicts = sieve.verdicts(documents, |(_, text)| *text);
            let verdicts = verdicts
                .ids(|(i, _)| u64::MAX - 3 * *i as u64)
                .in_batches(batch);
            assert!(verdicts.map(|(_, verdict)| verdict).eq(all.iter().copied()));
        }
    }
    let mut sieve = deduper.sieve(Window::all()).unwrap();
    let error = sieve.try_admit_as(77, &Bytes(b"\xff")).unwrap_err();
    assert!(
        error.to_string().starts_with("document 77 is not UTF-8"),
        "{error}"
    );
}

proptest! {
    // Every save waits for the disk.
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Saved and opened again and again, a sieve goes on as one that never stops.
    #[test]
    fn saved_sieves_go_on_as_if_nothing_had_happened(
        seed: u64,
        memory in memories(),
        own_banding: bool,
        kind in prop::sample::select(vec![SketchKind::FastSimilarity, SketchKind::Classic]),
    ) {
        let memory = match memory {
            Memory::Bloom(bloom) if own_banding => bloom.banding(Banding::new(12, 5).unwrap()).into(),
            memory => memory,
        };
        let texts = collection(seed, 300);
        let deduper = Deduper::builder().threshold(0.6).hashes(100).sketch(kind).seed(seed);
        let deduper = deduper.shingle(Shingle::Words(2)).build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sieve");
        let (mut whole, mut saved) = (deduper.sieve(memory).unwrap(), deduper.sieve(memory).unwrap());
        let mut random = Random(seed);
        for (i, text) in texts.iter().enumerate() {
            if random.below(60) == 0 {
                saved.save(&path).unwrap();
                saved = Sieve::open(&path).unwrap();
            }
            match random.below(100) {
                0 => [&mut whole, &mut saved].map(Sieve::forget),
                _ => [(), ()],
            };
            let document = match random.below(20) {
                0 => Bytes(b"\xff"),
                _ => Bytes(text.as_bytes()),
            };
            let id = random.below(1 << 40) as u64 + i as u64;
            prop_assert_eq!(saved.try_admit_as(id, &document), whole.try_admit_as(id, &document));
        }
        saved.save(&path).unwrap();
        saved = Sieve::open(&path).unwrap();
        prop_assert_eq!(saved.counts(), whole.counts());
        prop_assert_eq!(saved.remembered(), whole.remembered());
        prop_assert_eq!(saved.is_full(), whole.is_full());
        prop_assert_eq!(saved.banding(), whole.banding());
        prop_assert_eq!(saved.sketcher().scheme(), whole.sketcher().scheme());
        prop_assert_eq!(saved.probability(0.7), whole.probability(0.7));
        let rate = |sieve: &Sieve| sieve.bloom().map(|bands| (bands.rate(), bands.measured_rate(), bands.planned()));
        prop_assert_eq!(rate(&saved), rate(&whole));
        // The same sieve gives the same bytes.
        let bytes = std::fs::read(&path).unwrap();
        saved.save(&path).unwrap();
        prop_assert!(std::fs::read(&path).unwrap() == bytes);
    }

    /// Whatever is changed in a file: an error or, where the checksum is made to fit, a sieve that can be used.
    #[test]
    fn damaged_sieves_are_refused_and_never_panic(seed: u64, memory in memories()) {
        let deduper = Deduper::builder().threshold(0.6).hashes(20).recall(0.9).shingle(Shingle::Words(2)).build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sieve");
        let mut sieve = deduper.sieve(memory).unwrap();
        let texts = collection(seed, 40);
        for text in &texts {
            let _ = sieve.try_admit(text);
        }
        sieve.save(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let error = Sieve::open(&path).map(drop).unwrap_err().to_string();
            assert!(error.contains("sieve"), "{error}");
        };
        let mut random = Random(seed);
        for _ in 0..40 {
            let mut bytes = whole.clone();
            match random.below(4) {
                0 => bytes.truncate(random.below(bytes.len())),
                1 => bytes.push(0),
                _ => {
                    let place = random.below(bytes.len());
                    bytes[place] ^= 1 + random.below(255) as u8;
                }
            }
            refused(&bytes);
        }
        for _ in 0..60 {
            let mut bytes = whole[..whole.len() - 16].to_vec();
            // Mostly settings and sizes.
            let within = if random.below(4) == 0 { bytes.len() } else { 200 };
            let place = random.below(within) % bytes.len();
            bytes[place] = [0, 1, 255, random.below(256) as u8][random.below(4)];
            let sum = xxhash_rust::xxh3::xxh3_128(&bytes);
            bytes.extend(sum.to_le_bytes());
            std::fs::write(&path, bytes).unwrap();
            if let Ok(mut sieve) = Sieve::open(&path) {
                for text in &texts {
                    let _ = sieve.try_admit(text);
                }
                sieve.memory_usage();
                sieve.save(folder.path().join("again")).unwrap();
            }
        }
    }
}

#[test]
fn only_sieves_are_opened_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stream");
    let told = |path| Sieve::open(path).map(drop).unwrap_err().to_string();
    assert!(told(&path).contains("cannot read"), "{}", told(&path));
    let sieve = Deduper::new().sieve(Window::all()).unwrap();
    std::fs::write(&path, "").unwrap();
    assert!(
        told(&path).ends_with("not a saved sieve"),
        "{}",
        told(&path)
    );
    sieve.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(
        &path,
        "notes of somebody, which are longer than the beginning of a sieve",
    )
    .unwrap();
    assert!(
        told(&path).ends_with("not a saved sieve"),
        "{}",
        told(&path)
    );
    let error = sieve.save(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("not a saved sieve, so it is not replaced"),
        "{error}"
    );
    assert!(
        sieve.save(folder.path()).is_err() && sieve.save(folder.path().join("no/such")).is_err()
    );
    let mut newer = bytes;
    newer[18] = 2;
    std::fs::write(&path, &newer).unwrap();
    assert!(told(&path).ends_with("sieve format version 2, but this crate reads version 1"));
    sieve.save(&path).unwrap();
    assert_eq!(Sieve::open(&path).unwrap().counts().documents, 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// The bytes of version 1, as one number: whoever changes them needs another version.
#[test]
fn version_1_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sieve");
    for (memory, expected) in [
        (
            Memory::from(Window::last(3).shingles(50)),
            0xb967_5ac1_ebb5_ee16,
        ),
        (Bloom::new(10, 0.1).into(), 0x785e_5a7c_57a1_9892),
    ] {
        let mut sieve = Deduper::new().sieve(memory).unwrap();
        for text in [
            "one text of five words",
            "one text of five words",
            "",
            "another text of six whole words",
        ] {
            sieve.admit(text);
        }
        sieve.save(&path).unwrap();
        let sum = xxhash_rust::xxh3::xxh3_64(&std::fs::read(&path).unwrap());
        assert_eq!(sum, expected, "{memory:?}: {sum:#x}");
    }
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_never_replaced_by_a_sieve() {
    let folder = tempfile::tempdir().unwrap();
    let [pipe, link] = ["pipe", "link"].map(|name| folder.path().join(name));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    std::os::unix::fs::symlink(folder.path().join("nowhere"), &link).unwrap();
    let sieve = Deduper::new().sieve(Window::all()).unwrap();
    for place in [&pipe, &link] {
        let error = sieve.save(place).unwrap_err().to_string();
        assert!(error.contains("not a saved sieve"), "{error}");
        assert!(!place.is_file());
    }
    assert!(Sieve::open(&pipe).is_err());
}
