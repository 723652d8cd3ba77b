//! Passages of 60 words in documents of 2,000: the containment index beside brute force and `Index`; and many documents
//! against an index of the passages, beside computing shingles alone. `-- 50000` sets the number of documents.

mod support;

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use rayon::prelude::*;
use resemblance::text::Scratch;
use resemblance::verify::ShingleSet;
use resemblance::{Banding, ContainmentIndex, Deduper};
use support::synthetic::{Collection, LATIN, Random, Settings, Vocabulary};

/// The words of a document, and of a passage.
const WORDS: usize = 2000;
const PASSAGE: usize = 60;
const PASSAGES: usize = 151;

/// The share that is asked for. A passage has 56 shingles, and each changed word changes up to five, so one with six
/// changed words may keep only 26 of them: 0.46.
const CONTAINMENT: f64 = 0.4;

/// The words that all documents begin with.
const CHROME: usize = 40;

fn main() {
    // `cargo test --benches` runs this too: then a little is enough.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    let asked = std::env::args().find_map(|argument| argument.parse().ok());
    let documents = asked.unwrap_or(if quick { 300 } else { 10_000 });
    let texts = texts(documents, 1);
    let deduper = Deduper::new();
    let passages = passages(&texts);
    println!("{documents} documents of {WORDS} words, {PASSAGES} passages of {PASSAGE} words");
    let truth = brute_force(&deduper, &texts, &passages);
    let index = built(&deduper, &texts);
    ask(&index, &passages, &truth);
    ask_with_chrome(&index, &texts);
    ask_signatures(&texts, &passages, &truth);
    drop((index, texts));
    for items in [PASSAGES, 20_000] {
        stream(
            &deduper,
            if quick { 100 } else { items },
            if quick { 100 } else { 5_000 },
        );
    }
}

/// Documents that begin with the same words. Another seed gives others.
fn texts(documents: usize, seed: u64) -> Vec<String> {
    let collection = Collection::new(Settings {
        documents: documents as u64,
        words: (WORDS - CHROME) as f64,
        spread: 0.0,
        copies: 0.0,
        seed,
        ..Settings::default()
    });
    let chrome: Vec<String> = (0..CHROME).map(|word| format!("chrome{word}")).collect();
    let chrome = chrome.join(" ");
    let text = |document| {
        let mut text = format!("{chrome} ");
        let mut own = String::new();
        collection.push_text(document, &mut own);
        text.push_str(&own);
        text
    };
    (0..documents as u64).into_par_iter().map(text).collect()
}

/// Passages from documents, behind the words that all have, with 0, 3 or 6 other words in them; and their documents.
fn passages(texts: &[String]) -> Vec<(usize, String)> {
    let mut random = Random(5);
    let vocabulary = Vocabulary::new(&mut random, 200_000, &LATIN);
    let passage = |number: usize| {
        let document = random.below(texts.len());
        let from = CHROME + random.below(WORDS - CHROME - PASSAGE);
        let words = texts[document].split(' ').skip(from).take(PASSAGE);
        let mut words: Vec<&str> = words.collect();
        let mut changed = 3 * (number % 3);
        while changed > 0 {
            let (at, word) = (random.below(PASSAGE), vocabulary.draw_word(&mut random));
            if words[at] != word {
                words[at] = word;
                changed -= 1;
            }
        }
        (document, words.join(" "))
    };
    (0..PASSAGES).map(passage).collect()
}

/// Every document that reaches the share, and the shingles shared, for each passage.
type Truth = Vec<Vec<(usize, usize)>>;

fn brute_force(deduper: &Deduper, texts: &[String], passages: &[(usize, String)]) -> Truth {
    let set = |text: &String| ShingleSet::from_hashes(deduper.shingle_set(text));
    let asked: Vec<ShingleSet> = passages.iter().map(|(_, passage)| set(passage)).collect();
    let mut seconds = 0.0;
    let mut truth: Truth = vec![Vec::new(); asked.len()];
    for (number, texts) in texts.chunks(2000).enumerate() {
        let sets: Vec<ShingleSet> = texts.par_iter().map(set).collect();
        let start = Instant::now();
        truth.par_iter_mut().zip(&asked).for_each(|(truth, asked)| {
            for (at, set) in sets.iter().enumerate() {
                let similarity = asked.similarity(set);
                if similarity.containment_a >= CONTAINMENT {
                    truth.push((2000 * number + at, similarity.shared));
                }
            }
        });
        seconds += start.elapsed().as_secs_f64();
    }
    let found: usize = truth.iter().map(Vec::len).sum();
    let sources = passages.iter().zip(&truth);
    let all =
        sources.filter(|((document, _), truth)| truth.iter().any(|(other, _)| other == document));
    assert_eq!(all.count(), PASSAGES, "every passage is in its document");
    println!(
        "brute force, ready sets, {} threads: {:.1} ms a passage; {found} documents in all",
        rayon::current_num_threads(),
        1e3 * seconds / PASSAGES as f64
    );
    truth
}

fn built(deduper: &Deduper, texts: &[String]) -> ContainmentIndex<usize> {
    let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
    let start = Instant::now();
    for text in texts {
        deduper
            .sketcher()
            .shingler()
            .text_into(text, &mut scratch, &mut hashes);
        black_box(&hashes);
    }
    let alone = start.elapsed().as_secs_f64();
    let mut one_by_one = deduper.containment_index();
    let start = Instant::now();
    for (id, text) in texts.iter().enumerate() {
        one_by_one.insert(id, text).expect("ids are unique");
    }
    let each = start.elapsed().as_secs_f64();
    drop(one_by_one);
    let mut index = deduper.containment_index();
    let start = Instant::now();
    index
        .insert_all(texts.iter().enumerate())
        .expect("ids are unique");
    let all = start.elapsed().as_secs_f64();
    println!(
        "inserted one by one: {:.0} MB/s; all together: {:.0} MB/s; shingles alone, one thread: {:.0} MB/s",
        megabytes / each,
        megabytes / all,
        megabytes / alone
    );
    let shingles: usize = (0..texts.len()).filter_map(|id| index.shingles(&id)).sum();
    println!(
        "memory: {:.1} KB a document, {:.2} bytes a shingle",
        index.memory_usage() as f64 / 1e3 / texts.len() as f64,
        index.memory_usage() as f64 / shingles as f64
    );
    index
}

fn ask(index: &ContainmentIndex<usize>, passages: &[(usize, String)], truth: &Truth) {
    let mut times = Vec::new();
    for ((_, passage), truth) in passages.iter().zip(truth) {
        let start = Instant::now();
        let found = index
            .containing(passage, CONTAINMENT)
            .expect("it is in range");
        times.push(start.elapsed().as_secs_f64());
        let mut found: Vec<_> = found.iter().map(|found| (found.id, found.shared)).collect();
        found.sort_unstable();
        assert_eq!(&found, truth, "all documents and no others");
    }
    print_times("containing, at 0.4: all that brute force finds", times);
}

/// Passages of which half are words that all documents have.
fn ask_with_chrome(index: &ContainmentIndex<usize>, texts: &[String]) {
    let mut random = Random(6);
    let mut times = Vec::new();
    for _ in 0..PASSAGES {
        let document = random.below(texts.len());
        let words: Vec<&str> = texts[document].split(' ').collect();
        let passage = words[CHROME - PASSAGE / 2..CHROME + PASSAGE / 2].join(" ");
        let start = Instant::now();
        let found = index.containing(passage, 0.8).expect("it is in range");
        times.push(start.elapsed().as_secs_f64());
        assert!(
            found
                .iter()
                .any(|found| found.id == document && found.containment == 1.0)
        );
    }
    print_times(
        "containing, at 0.8: passages half of which all documents have",
        times,
    );
}

fn print_times(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    println!(
        "{what}: mean {:.3} ms, median {:.3}, slowest {:.3}",
        1e3 * mean,
        1e3 * times[times.len() / 2],
        1e3 * times[times.len() - 1]
    );
}

/// An index of signatures: with a band for each slot, and every candidate.
fn ask_signatures(texts: &[String], passages: &[(usize, String)], truth: &Truth) {
    let one_row = Banding::new(128, 1).expect("128 slots");
    let builder = Deduper::builder().banding(one_row).threshold(0.03);
    let mut index = builder.build().expect("valid settings").index();
    index
        .insert_all(texts.iter().enumerate())
        .expect("ids are unique");
    let (mut times, mut candidates) = (Vec::new(), 0);
    let mut found = [0; 2]; // candidates, estimates of 0.03
    for ((_, passage), truth) in passages.iter().zip(truth) {
        let start = Instant::now();
        let all = index.query_above(passage, 0.0);
        times.push(start.elapsed().as_secs_f64());
        candidates += all.len();
        let estimates: HashMap<usize, f64> = all
            .iter()
            .map(|found| (found.id, found.estimate.jaccard))
            .collect();
        for (document, _) in truth {
            let estimate = estimates.get(document);
            found[0] += usize::from(estimate.is_some());
            found[1] += usize::from(estimate.is_some_and(|&jaccard| jaccard >= 0.03));
        }
    }
    let all: usize = truth.iter().map(Vec::len).sum();
    println!(
        "Index, 128 x 1 at 0.03: of {all} documents {} are candidates, {} reach 0.03; {candidates} candidates in all, {:.1} KB a document",
        found[0],
        found[1],
        index.memory_usage() as f64 / 1e3 / texts.len() as f64
    );
    print_times("Index, all candidates", times);
}

/// Documents without any item, on one thread: the items that each contains, beside its shingles alone.
fn stream(deduper: &Deduper, items: usize, documents: usize) {
    let texts_of_items = texts(items.div_ceil(20), 3);
    let items: Vec<String> = (0..items)
        .map(|item| {
            let words = texts_of_items[item / 20].split(' ');
            words
                .skip(CHROME + 90 * (item % 20))
                .take(PASSAGE)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    let mut index = deduper.containment_index();
    index
        .insert_all(items.iter().enumerate())
        .expect("ids are unique");
    let texts = texts(documents, 4);
    let megabytes = texts.iter().map(String::len).sum::<usize>() as f64 / 1e6;
    let shingler = deduper.sketcher().shingler();
    let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
    let mut best = [f64::INFINITY; 3];
    let mut found = 0;
    for _ in 0..5 {
        let start = Instant::now();
        for text in &texts {
            shingler.text_into(text, &mut scratch, &mut hashes);
            black_box(&hashes);
        }
        best[0] = best[0].min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let leaked = |text: &&String| {
            !index
                .contained_in(text, 0.8)
                .expect("it is in range")
                .is_empty()
        };
        found = texts.iter().filter(leaked).count();
        best[1] = best[1].min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        for text in &texts {
            shingler.text_into(text, &mut scratch, &mut hashes);
            black_box(
                hashes
                    .iter()
                    .filter(|&&hash| index.has_shingle(hash))
                    .count(),
            );
        }
        best[2] = best[2].min(start.elapsed().as_secs_f64());
    }
    println!(
        "documents against {} items ({found} contain one): shingles alone {:.0} MB/s, contained_in {:.2} of it, has_shingle of all {:.2}",
        items.len(),
        megabytes / best[0],
        best[0] / best[1],
        best[0] / best[2]
    );
}
