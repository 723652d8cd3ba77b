//! The synthetic collections of the benches, and the example `generate`, which writes them.

use std::fmt::Write;
use std::process::{Command, Output};

use crate::support::program::{Place, example};
use crate::synthetic::boilerplate::{Archive, ArchiveSettings, Templates, Texts};
use crate::synthetic::{Collection, Copied, Random, Settings, Vocabulary};
use resemblance::corpus::{Corpus, ReadOptions, TextDocument};
use resemblance::text::{Content, Document, ReadBuffer};
use serde_json::Value;

fn settings() -> Settings {
    Settings {
        documents: 4_000,
        copies: 0.3,
        ..Settings::default()
    }
}

/// All documents, with what they are copies of.
fn documents(settings: Settings) -> Vec<(String, Option<Copied>)> {
    let collection = Collection::new(settings);
    let document = |number| {
        let mut text = String::new();
        let copied = collection.push_text(number, &mut text);
        (text, copied)
    };
    (0..collection.settings().documents).map(document).collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

fn differing(left: &str, right: &str) -> usize {
    let (left, right) = (words(left), words(right));
    assert_eq!(left.len(), right.len());
    left.iter().zip(right).filter(|(l, r)| **l != *r).count()
}

#[test]
fn a_document_depends_on_settings_and_number_alone() {
    let all = documents(settings());
    let collection = Collection::new(settings());
    let mut text = String::from("kept ");
    collection.push_text(3_999, &mut text);
    assert_eq!(text, format!("kept {}", all[3_999].0));
    let fewer = documents(Settings {
        documents: 10,
        ..settings()
    });
    assert_eq!(fewer, all[..10]);
    let other = documents(Settings {
        seed: 2,
        documents: 10,
        ..settings()
    });
    assert!(other.iter().zip(&all).all(|(other, ours)| other != ours));
}

#[test]
fn copies_are_changed_as_told() {
    let all = documents(settings());
    let copies: Vec<(&str, Copied)> = all
        .iter()
        .filter_map(|(text, copied)| Some((text.as_str(), (*copied)?)))
        .collect();
    let share = copies.len() as f64 / all.len() as f64;
    assert!((share - 0.3).abs() < 0.03, "{share}");
    for (text, copied) in &copies {
        let (original, source) = &all[copied.original as usize];
        assert_eq!(*source, None, "the original is no copy");
        assert_eq!(copied.words, words(text).len());
        assert_eq!(copied.changed, differing(original, text));
        assert!((copied.changed as f64 - copied.edits * copied.words as f64).abs() < 1.0);
    }
    for rate in settings().edits {
        let planted = copies.iter().filter(|(_, copied)| copied.edits == rate);
        let (count, words, changed) = planted.fold((0, 0, 0), |(count, words, changed), (_, c)| {
            (count + 1, words + c.words, changed + c.changed)
        });
        assert!(count > copies.len() / 5, "every rate as often as others");
        let found = changed as f64 / words as f64;
        assert!(
            (found - rate).abs() < 0.002,
            "{rate} was planted, {found} found"
        );
    }
}

#[test]
fn lengths_have_the_median_and_mean_asked_for() {
    let lengths = |settings: Settings| {
        let all = documents(settings);
        let mut lengths: Vec<usize> = all.iter().map(|(text, _)| words(text).len()).collect();
        lengths.sort_unstable();
        lengths
    };
    let originals = Settings {
        copies: 0.0,
        ..settings()
    };
    let spread = lengths(originals.clone());
    let median = spread[spread.len() / 2] as f64;
    assert!((median - 100.0).abs() < 5.0, "{median}");
    // One deviation up: the share of a normal distribution below it.
    let upper = spread[(spread.len() as f64 * 0.8413) as usize] as f64;
    assert!((upper / 100.0 - 0.8f64.exp()).abs() < 0.15, "{upper}");
    let mean = spread.iter().sum::<usize>() as f64 / spread.len() as f64;
    assert!((mean - 138.0).abs() < 5.0, "{mean}");
    let even = lengths(Settings {
        spread: 0.0,
        words: 7.0,
        ..originals
    });
    assert_eq!((even[0], even[even.len() - 1]), (7, 7));
}

#[test]
fn words_follow_zipf() {
    let mut random = Random(1);
    let vocabulary = Vocabulary::new(&mut random, 1_000, &crate::synthetic::LATIN);
    let mut counts = vec![0u32; 1_000];
    let draws = 2_000_000;
    for _ in 0..draws {
        counts[vocabulary.draw(&mut random)] += 1;
    }
    let all: f64 = (1..=1_000).map(|rank| 1.0 / f64::from(rank)).sum();
    for rank in [0, 1, 2, 10, 100, 999] {
        let expected = f64::from(draws) / (rank + 1) as f64 / all;
        let found = f64::from(counts[rank]);
        assert!(
            (found - expected).abs() < 5.0 * expected.sqrt(),
            "rank {rank}: {found}, expected {expected}"
        );
    }
    let mut words: Vec<&str> = (0..1_000).map(|rank| vocabulary.word(rank)).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), 1_000, "no two ranks are the same word");
}

fn run(place: &Place, threads: &str, args: &str) -> Output {
    Command::new(example("generate"))
        .args(args.split_whitespace())
        .env("RAYON_NUM_THREADS", threads)
        .current_dir(place.0.path())
        .output()
        .unwrap()
}

#[test]
fn the_program_writes_the_collection_and_its_labels() {
    let place = Place::new();
    let args = "--documents 4000 --copies 30 --labels l.tsv --output c.jsonl";
    assert!(run(&place, "2", args).status.success());
    let all = documents(settings());
    let (lines, labels) = (place.read("c.jsonl"), place.read("l.tsv"));
    assert_eq!(lines.lines().count(), all.len());
    for (i, (line, (text, _))) in lines.lines().zip(&all).enumerate() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["id"], format!("d{i}"));
        assert_eq!(record["text"], text.as_str());
    }
    let mut expected = String::from("original\tcopy\tedits\twords\tchanged\n");
    for (i, (_, copied)) in all.iter().enumerate() {
        if let Some(c) = copied {
            let (original, edits) = (c.original, c.edits);
            let (words, changed) = (c.words, c.changed);
            writeln!(expected, "d{original}\td{i}\t{edits}\t{words}\t{changed}").unwrap();
        }
    }
    assert_eq!(labels, expected);

    let one_thread = run(&place, "1", "--documents 4000 --copies 30");
    assert_eq!(String::from_utf8(one_thread.stdout).unwrap(), lines);
}

#[test]
fn formats_go_by_name_and_hold_the_same() {
    let place = Place::new();
    let read = |name: &str| {
        let args = format!("--documents 2000 --words 20 --output {name}");
        assert!(run(&place, "2", &args).status.success());
        let corpus = Corpus::read(&[place.path(name)], &ReadOptions::new()).unwrap();
        let mut buffer = ReadBuffer::default();
        let mut text = |document: &TextDocument| match document.content(&mut buffer).unwrap() {
            Content::Text(text) => text.to_owned(),
            _ => panic!("no text"),
        };
        let texts: Vec<String> = corpus.documents().iter().map(&mut text).collect();
        (corpus.ids().to_vec(), texts)
    };
    let plain = read("c.jsonl");
    assert_eq!(plain.0.len(), 2000);
    for name in ["c.jsonl.gz", "c.jsonl.zst", "c.parquet"] {
        assert!(read(name) == plain, "{name}");
    }
}

#[test]
fn the_program_says_what_is_wrong() {
    let place = Place::new();
    let fails = |args: &str, code: i32, told: &str| {
        let ran = run(&place, "1", args);
        let err = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(code), "{args}: {err}");
        assert!(err.contains(told), "{args}: {err}");
    };
    fails("--words 0", 2, "must be a number from 1 to 10000000");
    fails("--spread=-1", 2, "must be a number from 0 to 2");
    fails("--copies 101", 2, "must be a number from 0 to 100");
    fails("--edits 0.1,x", 2, "invalid value 'x'");
    fails("--edits 5", 2, "must be a number from 0 to 1");
    fails(
        "--labels a --output a",
        2,
        "--labels and --output must be different files",
    );
    fails(
        "--output none/c.jsonl",
        1,
        "cannot write none/c.jsonl: No such file",
    );
    fails(
        "--output none/c.parquet",
        1,
        "cannot write none/c.parquet: No such file",
    );
    assert!(place.names().is_empty());
}

/// All documents, with what they are copies of.
fn written(texts: &dyn Texts) -> Vec<(String, Option<u64>)> {
    let document = |number| {
        let mut text = String::new();
        let copied = texts.push_text(number, &mut text);
        (text, copied)
    };
    (0..texts.documents()).map(document).collect()
}

#[test]
fn pages_of_an_archive_share_the_chrome_of_their_site() {
    let settings = ArchiveSettings {
        documents: 3000,
        sites: 3,
        links: 4,
        headlines: 30,
        ..ArchiveSettings::default()
    };
    let pages = written(&Archive::new(settings.clone()));
    let (mut copies, mut own) = (0, 0);
    for (number, (page, copied)) in pages.iter().enumerate() {
        let (page, first) = (words(page), words(&pages[number % 3].0));
        assert_eq!(page[..60], first[..60], "{number}: the header");
        assert_eq!(
            page[page.len() - 60..],
            first[first.len() - 60..],
            "{number}: the footer"
        );
        own += page.len() - 120 - 4 * 8;
        if let Some(copied) = copied {
            assert_eq!(*copied, number as u64 - 3);
            let before = words(&pages[*copied as usize].0);
            assert_eq!(before.len() - page.len(), 2, "{number}");
            let same = page.iter().zip(&before).take_while(|(a, b)| a == b).count();
            assert_eq!(
                page[same..],
                before[same + 2..],
                "{number}: two words are cut out"
            );
            copies += 1;
        }
    }
    assert!((100..200).contains(&copies), "{copies} copies");
    let mean = own as f64 / 3000.0;
    assert!((100.0..110.0).contains(&mean), "{mean} words of its own");
    assert_ne!(words(&pages[0].0)[..60], words(&pages[1].0)[..60]);
    assert!(pages == written(&Archive::new(settings)), "the same again");
}

#[test]
fn texts_of_a_form_share_its_words() {
    let form = Templates {
        texts: 30,
        copies: 10,
        ..Templates::default()
    };
    let texts = written(&form);
    for (number, (text, copied)) in texts.iter().enumerate() {
        let (text, first) = (words(text), words(&texts[0].0));
        assert_eq!((text.len(), &text[..53]), (60, &first[..53]));
        assert_eq!(*copied, (number as u64).checked_sub(30));
        let of = words(&texts[number % 30].0);
        assert_eq!(text[..54], of[..54]);
        let changed = if copied.is_some() { 6 } else { 0 };
        assert_eq!(differing(&text.join(" "), &of.join(" ")), changed);
    }
}
