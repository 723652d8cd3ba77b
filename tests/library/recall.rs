//! The reported recall against the true one, found by the exact join or known by construction, with fixed seeds.

use std::collections::BTreeSet;

use crate::support::Random;
use crate::support::templates::{Form, LONG_FORM, SHORT_FORM};
use resemblance::cluster::Removal;
use resemblance::corpus::{Corpus, ReadOptions};
use resemblance::text::Document;
use resemblance::{ClusterMode, Deduper, DeduperBuilder, Error, Method, Missed, Run, Shingle};

const SEEDS: u64 = 20;
const RECALLS: [f64; 3] = [0.9, 0.99, 0.999];

/// Families of edited copies, with similarities all over the range.
fn families(documents: usize) -> Vec<String> {
    let mut random = Random(77);
    let mut texts: Vec<Vec<String>> = Vec::new();
    for document in 0..documents {
        let mut words: Vec<String> = match document % 5 {
            0 => (0..40 + random.below(400))
                .map(|_| format!("w{}", random.below(5000)))
                .collect(),
            copy => texts[document - copy].clone(),
        };
        let edits = words.len() * random.below(30) / 100;
        for _ in 0..if document % 5 == 0 { 0 } else { edits } {
            let place = random.below(words.len());
            words[place] = format!("w{}", random.below(5000));
        }
        texts.push(words);
    }
    texts.into_iter().map(|words| words.join(" ")).collect()
}

type Pairs = BTreeSet<(usize, usize)>;

/// The pairs that are found, and what is told of those that are not.
fn found<D: Document + Sync>(deduper: &Deduper, documents: &[D]) -> (Pairs, Missed) {
    let mut pairs = Pairs::new();
    let each = |pair: resemblance::Pair| {
        pairs.insert((pair.a, pair.b));
        Ok::<(), Error>(())
    };
    let recall = deduper.try_pairs(documents, &Run::new(), each).unwrap();
    assert_eq!(recall.found, pairs.len() as u64);
    (pairs, recall.missed)
}

/// Runs all seeds at all recalls, and holds what is found and told against the truth.
fn holds<D: Document + Sync>(name: &str, documents: &[D], threshold: f64, shingle: Shingle) {
    let build = |builder: DeduperBuilder| {
        let builder = builder.threshold(threshold).shingle(shingle);
        builder.build().unwrap()
    };
    let mut bracketed = 0;
    for recall in RECALLS {
        let (mut all, mut hits, mut told, mut least) = (0, 0, 0.0, 1.0f64);
        for seed in 0..SEEDS {
            // Another seed hashes shingles anew: truth and sets are the same.
            let builder = Deduper::builder().seed(seed);
            let truth = build(builder.clone().method(Method::Exact));
            let (truth, none) = found(&truth, documents);
            assert_eq!((none.expected, none.high), (0.0, 0));
            let lsh = build(builder.method(Method::Lsh).recall(recall));
            let (pairs, missed) = found(&lsh, documents);
            assert!(pairs.is_subset(&truth));
            let lost = (truth.len() - pairs.len()) as u64;
            bracketed += u64::from((missed.low..=missed.high).contains(&lost));
            all += truth.len();
            hits += pairs.len();
            told += missed.expected;
            least = least.min(pairs.len() as f64 / truth.len() as f64);
        }
        let measured = hits as f64 / all as f64;
        println!(
            "{name} at {threshold}, recall {recall}: measured {measured:.5} (least {least:.5}), missed {} of {all}, \
             told {told:.1}",
            all - hits
        );
        assert!(measured >= recall, "{name} {recall}: {measured}");
        // The sums of twenty runs are nearer to each other.
        let lost = (all - hits) as f64;
        assert!(
            lost <= 2.0 * told + 10.0 && told <= 2.0 * lost + 10.0,
            "{lost} {told}"
        );
    }
    let runs = SEEDS * RECALLS.len() as u64;
    println!("{name} at {threshold}: bracketed in {bracketed} of {runs} runs");
    assert!(bracketed + 1 >= runs, "{name}: {bracketed} of {runs}");
}

#[test]
fn families_of_copies() {
    let texts = families(1500);
    for threshold in [0.5, 0.7, 0.85] {
        holds("families", &texts, threshold, Shingle::Words(2));
    }
}

fn real(name: &str) -> Option<Corpus> {
    let folder = crate::support::shared("corpora")?.join(name);
    Some(Corpus::read(&[folder.join("docs.jsonl.gz")], &ReadOptions::new()).unwrap())
}

/// Hundreds of texts that are nearly the same: their pairs are found and missed together.
#[test]
fn licenses() {
    if let Some(corpus) = real("licenses_scancode") {
        holds("licences", corpus.documents(), 0.8, Shingle::Words(5));
    }
}

#[test]
fn chinese_poems() {
    if let Some(corpus) = real("zh_poetry") {
        holds("poems", corpus.documents(), 0.6, Shingle::Words(5));
    }
}

#[test]
fn links_of_clusters_are_told() {
    let texts = families(1500);
    for mode in [ClusterMode::Components, ClusterMode::Leader] {
        let builder = Deduper::builder()
            .threshold(0.7)
            .shingle(Shingle::Words(2))
            .cluster_mode(mode);
        let truth = builder
            .clone()
            .method(Method::Exact)
            .build()
            .unwrap()
            .clusters(&texts);
        assert_eq!(truth.recall().missed.high, 0);
        let (mut lost, mut told) = (0.0, 0.0);
        for seed in 0..SEEDS {
            let builder = builder.clone().recall(0.9).seed(seed);
            let clusters = builder.build().unwrap().clusters(&texts);
            let recall = clusters.recall();
            let no_copies = |removal: &&Removal| removal.similarity.jaccard < 1.0;
            let linked = clusters.removed().iter().filter(no_copies).count();
            assert!(recall.found > linked as u64 / 2);
            lost += truth.removed().len() as f64 - clusters.removed().len() as f64;
            told += recall.missed.expected;
        }
        // A document has several chances: not more are lost than expected, but for chance.
        println!("{mode:?}: {lost} removals lost in {SEEDS} runs, told {told:.1}");
        assert!(
            lost > 0.0 && lost <= told + 3.0 * told.sqrt(),
            "{mode:?}: {lost} {told}"
        );
    }
}

/// Removes the copies of a form by LSH, in both modes: nearly all are found, nothing else is removed, and the range that is
/// reported for missed pairs holds those that were missed.
fn finds_the_copies_of(form: &Form, seeds: u64, least: usize) {
    let documents = form.documents();
    for mode in [ClusterMode::Components, ClusterMode::Leader] {
        let (mut bracketed, mut fewest, mut lost, mut expected) = (0, form.copies, 0, 0.0);
        for seed in 0..seeds {
            let builder = Deduper::builder().cluster_mode(mode).seed(seed);
            let clusters = builder.build().unwrap().clusters(&documents);
            for removal in clusters.removed() {
                let original = form.original(removal.document);
                assert_eq!(original, Some(removal.kept), "{}", removal.document);
            }
            let found = clusters.removed().len();
            let missed = clusters.recall().missed;
            bracketed +=
                u64::from((missed.low..=missed.high).contains(&((form.copies - found) as u64)));
            fewest = fewest.min(found);
            lost += form.copies - found;
            expected += missed.expected;
        }
        println!(
            "{mode:?}: of {} copies at least {fewest} found, {lost} missed in {seeds} runs, {expected:.1} expected; \
             bracketed in {bracketed}",
            form.copies
        );
        assert!(fewest >= least, "{mode:?}: {fewest} of {}", form.copies);
        assert!(bracketed + 1 >= seeds, "{mode:?}: {bracketed} of {seeds}");
    }
}

#[test]
fn copies_of_a_short_form() {
    finds_the_copies_of(&SHORT_FORM, SEEDS, 990);
}

#[test]
fn copies_of_a_long_form() {
    finds_the_copies_of(&LONG_FORM, 5, 495);
}

/// `pairs` pairs of texts of single words that have `shared` of `all` words in common, and no word of another pair.
fn apart(pairs: usize, shared: usize, all: usize) -> Vec<String> {
    let text = |pair: usize, half: usize| -> String {
        let own = (shared..all).filter(|word| word % 2 == half);
        let words = (0..shared).chain(own);
        let words: Vec<String> = words.map(|word| format!("p{pair}w{word}")).collect();
        words.join(" ")
    };
    let texts = (0..pairs).flat_map(|pair| [text(pair, 0), text(pair, 1)]);
    texts.collect()
}

/// `groups` templates in two versions: one page has the first, `pages` have the second, each with a word of its own.
fn templates(groups: usize, pages: usize, shared: usize, all: usize) -> Vec<String> {
    let versions = apart(groups, shared, all);
    let group = |versions: &[String]| {
        let second = (0..pages).map(|page| format!("{} page{page}", versions[1]));
        let texts: Vec<String> = second.chain([versions[0].clone()]).collect();
        texts
    };
    versions.chunks_exact(2).flat_map(group).collect()
}

/// How often a range held the truth.
#[derive(Default)]
struct Ranges {
    runs: u64,
    held: u64,
    lost: f64,
    expected: f64,
    width: f64,
}

impl Ranges {
    /// Runs these seeds; the exact join says which pairs there are.
    fn run(&mut self, texts: &[String], threshold: f64, recall: f64, seeds: u64) {
        let builder = Deduper::builder()
            .threshold(threshold)
            .shingle(Shingle::Words(1));
        let exact = builder.clone().method(Method::Exact).build().unwrap();
        let all = found(&exact, texts).0.len();
        let builder = builder.recall(recall);
        for seed in 0..seeds {
            let (pairs, missed) = found(&builder.clone().seed(seed).build().unwrap(), texts);
            let lost = (all - pairs.len()) as u64;
            let held = (missed.low..=missed.high).contains(&lost);
            if !held {
                println!(
                    "at {threshold}, recall {recall}, seed {seed}: {lost} of {all}, {missed:?}"
                );
            }
            self.runs += 1;
            self.held += u64::from(held);
            self.lost += lost as f64;
            self.expected += missed.expected;
            self.width += (missed.high - missed.low) as f64;
        }
    }

    /// At least `least` in 100 hold the truth, and the sum of all runs is within `off` of the truth, or 10 pairs.
    fn hold(&self, name: &str, least: u64, off: f64) {
        let Self {
            runs,
            held,
            lost,
            expected,
            width,
        } = *self;
        println!(
            "{name}: {held} of {runs} hold; {lost} lost, {expected:.1} expected, widths {width}"
        );
        assert!(100 * held >= least * runs, "{name}: {held} of {runs}");
        assert!(
            (expected - lost).abs() <= off * lost + 10.0,
            "{name}: {expected} {lost}"
        );
    }
}

/// Independent pairs, which are as hard to find as any: 20 settings, 5 seeds each.
#[test]
fn pairs_at_the_threshold() {
    let mut ranges = Ranges::default();
    for (threshold, tenths) in [(0.5, 5), (0.7, 7), (0.8, 8), (0.9, 9)] {
        for all in [20, 40, 100, 300, 800] {
            let texts = apart(400, all * tenths / 10, all);
            let mut setting = Ranges::default();
            setting.run(&texts, threshold, 0.9, 5);
            let Ranges { lost, expected, .. } = setting;
            println!("{threshold} {all}: {lost} lost, {expected:.1} expected");
            ranges.held += setting.held;
            ranges.runs += setting.runs;
            ranges.lost += lost;
            ranges.expected += expected;
            ranges.width += setting.width;
        }
    }
    ranges.hold("pairs at the threshold", 99, 0.05);
    // Wide enough for the jackknife, which errs on that side; not wider.
    assert!(ranges.width < 3.0 * ranges.lost, "{}", ranges.width);
}

/// Ranges of small numbers: from 1 pair to 20.
#[test]
fn few_pairs() {
    for recall in [0.9, 0.99] {
        let mut ranges = Ranges::default();
        for pairs in [1, 2, 3, 5, 10, 20] {
            ranges.run(&apart(pairs, 54, 60), 0.9, recall, 100);
        }
        ranges.hold("few pairs", 99, 0.3);
        assert!(ranges.width < 8.0 * ranges.runs as f64);
    }
}

/// If one page is missed, so are nearly all pages of the other version. That two of ten groups are missed happens in 2 of
/// 100 runs. The size of a group is estimated a little too low, as its pages differ by a word: both runs are outside.
#[test]
fn pairs_missed_together() {
    let mut ranges = Ranges::default();
    ranges.run(&templates(10, 60, 82, 100), 0.8, 0.9, 100);
    ranges.hold("templates", 98, 0.5);
}
