//! A job in many small parts on the disk against one in memory.

mod against;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::Recall;
use crate::cluster::ClusterMode;
use crate::corpus::{OnBad, Outputs};
use crate::text::{Shingle, mix};

const SMALL: MemoryPlan = MemoryPlan::SMALL;

/// JSON lines of documents that were made of one another, with some ids used twice and some lines that are bad.
fn lines(seed: u64, documents: u64) -> String {
    lines_with(seed, documents, 20)
}

/// Like [`lines`], but one in this many documents has the id of another, or none.
fn lines_with(seed: u64, documents: u64, repeated: u64) -> String {
    let mut state = seed;
    let mut below = |n: u64| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(state) % n
    };
    let mut texts: Vec<Vec<u64>> = Vec::new();
    let mut lines = String::new();
    for document in 0..documents {
        let mut text = match below(3) {
            0 if !texts.is_empty() => texts[below(texts.len() as u64) as usize].clone(),
            // The same shingles again and again, not always as often.
            1 if below(6) == 0 => (0..below(30)).map(|_| below(2)).collect(),
            _ => (0..below(60)).map(|_| below(900)).collect(),
        };
        for _ in 0..below(4) {
            if !text.is_empty() {
                let place = below(text.len() as u64) as usize;
                text[place] = below(900);
            }
        }
        let words: Vec<String> = text.iter().map(|word| format!("w{word}")).collect();
        let id = if repeated > 0 && below(repeated) == 0 {
            below(document + 1)
        } else {
            document
        };
        let (score, words) = (below(5), words.join(" "));
        let _ = match below(30) {
            0 => writeln!(lines, "{{\"id\": {id}, \"words\": 1}}"),
            1 => writeln!(lines, "\n"),
            2..8 => writeln!(
                lines,
                "{{\"id\": {id}, \"text\": \"{words}\", \"score\": {score}}}"
            ),
            _ => writeln!(
                lines,
                "{{\"id\": {id}, \"text\": \"{words}\", \"score\": {score}, \"site\": {}}}",
                document % 3
            ),
        };
        texts.push(text);
    }
    lines
}

/// Everything that a job writes and returns.
#[derive(Debug, Clone, PartialEq)]
struct Results {
    files: [String; 5],
    /// The header of the index.
    index: Vec<u8>,
    clusters: Vec<DecidedCluster>,
    links: Recall,
    found: Recall,
    counts: Counts,
}

const NAMES: [&str; 5] = [
    "pairs",
    "clusters",
    "rejections",
    "kept.jsonl",
    "removed.jsonl",
];

/// Runs a job in memory, or on the disk with a plan.
fn results(
    deduper: &Deduper,
    options: &ReadOptions,
    path: &Path,
    plan: Option<MemoryPlan>,
) -> Results {
    let folder = TempDir::new().unwrap();
    let job = Job::new(deduper, options.clone());
    results_of(&job, path, plan, &folder.path().join("index"))
}

/// Runs a job that writes an index to a path.
fn results_of(job: &Job, path: &Path, plan: Option<MemoryPlan>, index: &Path) -> Results {
    try_results_of(job, path, plan, index).unwrap()
}

fn try_results_of(
    job: &Job,
    path: &Path,
    plan: Option<MemoryPlan>,
    index: &Path,
) -> Result<Results, Error> {
    let folder = TempDir::new().unwrap();
    let file = |name| folder.path().join(name);
    let sources = Sources::find(&[path]).unwrap();
    let mut outputs = Outputs::new(&sources);
    let [pairs, clusters, rejections] =
        [0, 1, 2].map(|i| outputs.stage_table(file(NAMES[i])).unwrap());
    outputs.annotate("its_");
    let [kept, removed] = [3, 4].map(|i| outputs.stage_records(file(NAMES[i])).unwrap());
    let sinks = Sinks::new()
        .pairs(pairs)
        .clusters(clusters)
        .rejections(rejections);
    let sinks = sinks.kept(kept).removed(removed);
    let sinks = sinks.index(outputs.stage_index(index).unwrap());
    let decided = match plan {
        None => job.run(sources, &sinks, None),
        Some(plan) => job.run_with(plan, sources, &sinks, None),
    };
    let decided = decided?;
    outputs.commit().unwrap();
    let counts = decided.counts();
    assert_eq!(counts.read, counts.kept + counts.removed + counts.rejected);
    let mut of_clusters = Vec::new();
    let each = |cluster| {
        of_clusters.push(cluster);
        Ok::<(), Error>(())
    };
    decided.for_each_cluster(each).unwrap();
    let files = NAMES.map(|name| fs::read_to_string(file(name)).unwrap());
    let (links, found) = (*decided.recall(), *decided.pairs().unwrap());
    decided.finish().unwrap();
    // It has the checksums of all its files.
    let index = fs::read(index.join("index.json")).unwrap();
    Ok(Results {
        files,
        index,
        clusters: of_clusters,
        links,
        found,
        counts,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn parts_come_to_what_a_batch_does(
        seed: u64,
        documents in 1u64..300,
        method in prop::sample::select(vec![Method::Lsh, Method::Exact]),
        mode in prop::sample::select(vec![ClusterMode::Components, ClusterMode::Leader]),
        threshold in prop::sample::select(vec![0.3, 0.5, 0.8, 1.0]),
        keep in prop::sample::select(vec!["first", "longest", "largest", "max:score"]),
        measure in prop::sample::select(vec![Measure::Jaccard, Measure::Containment]),
        weights in prop::sample::select(vec![Weights::None, Weights::Ln]),
        words in 1usize..4,
        bucket_pairs in prop::sample::select(vec![0u64, 20, 300, 1 << 20]),
        sets_aside: bool,
        drops_clusters: bool,
    ) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("documents.jsonl");
        fs::write(&path, lines(seed, documents)).unwrap();
        let deduper = Deduper::builder()
            .measure(measure)
            .weights(weights)
            .set_aside_words(2)
            .method(method)
            .cluster_mode(mode)
            .threshold(threshold)
            .shingle(Shingle::Words(words))
            .hashes(64)
            .recall(0.9)
            .build()
            .unwrap()
            .with_bucket_pairs(bucket_pairs);
        let policy = crate::corpus::KeepPolicy::new(keep.parse().unwrap());
        let mut options = ReadOptions::new().on_bad(OnBad::Skip).keep(policy);
        if sets_aside {
            options = options.group_field("site");
        }
        let job = Job::new(&deduper, options).drop_clusters(drops_clusters);
        let index = folder.path().join("index");
        let expected = results_of(&job, &path, None, &index);
        for plan in [SMALL, MemoryPlan::of(1 << 30)] {
            prop_assert_eq!(&results_of(&job, &path, Some(plan), &index), &expected);
        }
    }
}

/// Pages of one site, some of which are changed copies of others.
fn pages(documents: u64) -> String {
    pages_of(documents, 60, 12, |document| document / 3 * 3)
}

/// Pages of one site, each of `of_site` words that all have, `of_page` of its own, and an end. The own words of page i are
/// those of page `copy_of(i)`.
fn pages_of(
    documents: u64,
    of_site: usize,
    of_page: usize,
    copy_of: impl Fn(u64) -> u64,
) -> String {
    let site: Vec<String> = (0..of_site).map(|word| format!("site{word}")).collect();
    let site = site.join(" ");
    let mut lines = String::new();
    for document in 0..documents {
        let own = copy_of(document);
        let words: Vec<String> = (0..of_page).map(|word| format!("w{own}x{word}")).collect();
        let _ = writeln!(
            lines,
            "{{\"id\": {document}, \"text\": \"{site} {} end{}\"}}",
            words.join(" "),
            document % 2
        );
    }
    lines
}

#[test]
fn crowds_are_joined_alike() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("documents.jsonl");
    fs::write(&path, pages(900)).unwrap();
    let options = ReadOptions::new();
    for method in [Method::Lsh, Method::Exact] {
        for mode in [ClusterMode::Components, ClusterMode::Leader] {
            for threshold in [0.7, 0.9] {
                let deduper = Deduper::builder()
                    .method(method)
                    .cluster_mode(mode)
                    .threshold(threshold)
                    .build()
                    .unwrap()
                    .with_bucket_pairs(100);
                let expected = results(&deduper, &options, &path, None);
                assert!(expected.counts.removed >= 300);
                assert!(results(&deduper, &options, &path, Some(SMALL)) == expected);
            }
        }
    }
}

#[test]
fn a_second_look_drops_pages_that_no_bound_changes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("documents.jsonl");
    // One in ten of the second half is a copy of one of the first.
    let copy_of = |document| match document {
        459.. if document % 10 == 9 => document - 451,
        _ => document,
    };
    fs::write(&path, pages_of(900, 60, 40, copy_of)).unwrap();
    let deduper = Deduper::builder().method(Method::Exact).build().unwrap();
    let options = ReadOptions::new();
    let expected = results(&deduper, &options, &path, None);
    assert_eq!(expected.counts.removed, 45);
    // With a larger table what is frequent is known after some rounds of many.
    let table = MemoryPlan {
        table: 1 << 22,
        ..SMALL
    };
    for plan in [SMALL, table, MemoryPlan::of(1 << 30)] {
        assert!(results(&deduper, &options, &path, Some(plan)) == expected);
    }
    // In two parts, the second against the index of the first.
    let lines = fs::read_to_string(&path).unwrap();
    let halves: Vec<&str> = lines.split_inclusive('\n').collect();
    let (first, second) = halves.split_at(459);
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name).with_extension("jsonl"));
    fs::write(&old, first.concat()).unwrap();
    fs::write(&new, second.concat()).unwrap();
    let index = folder.path().join("index");
    results_of(&Job::new(&deduper, options.clone()), &old, None, &index);
    let job = Job::new(&deduper, options.clone()).against(&index);
    let both = |plan| results_of(&job, &new, plan, &folder.path().join("both"));
    let expected = both(None);
    assert_eq!((expected.counts.removed, expected.counts.matched), (45, 45));
    for plan in [SMALL, table] {
        assert!(both(Some(plan)) == expected);
    }

    let job = Job::new(&deduper, options);
    let sources = Sources::find(&[&path]).unwrap();
    let indexed = Indexed::default();
    let mut work = job.begin(&sources, &indexed).unwrap();
    let stages = Stages {
        job: &job,
        sources: &sources,
        indexed: &indexed,
        maker: Maker::whole(deduper.sketcher().shingler()),
        plan: SMALL,
        limit: job.limit(),
        watch: None,
    };
    let read = stages.read(&mut work).unwrap();
    let picked = stages.pick(&mut work, &read).unwrap();
    assert!(picked.is_narrowed);
    let known = stages.known(&work, &read, &picked).unwrap();
    let sets = stages.sets(&mut work, &picked, &known).unwrap();
    let marked = |marks| {
        let marks = work.folder.read_numbers(marks).unwrap();
        marks.into_iter().filter(|&mark| mark > 0).count()
    };
    let (before, after) = (marked(&picked.marks), marked(&sets.marks));
    assert!(
        before > 800 && (90..400).contains(&after),
        "{before} {after}"
    );
}

#[test]
fn work_goes_on_with_another_bound() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("documents.jsonl");
    fs::write(&path, lines(1, 500)).unwrap();
    let options = ReadOptions::new().on_bad(OnBad::Skip);
    for method in [Method::Lsh, Method::Exact] {
        let deduper = Deduper::builder().method(method).build().unwrap();
        let expected = results(&deduper, &options, &path, None);
        let job = Job::new(&deduper, options.clone()).work(folder.path().join("work"));
        let index = folder.path().join("index");
        // Nothing is left of the work when it is finished: it is stopped by an output that cannot be written.
        let sources = Sources::find(&[&path]).unwrap();
        let stages = MemoryPlan { parts: 9, ..SMALL };
        let mut work = job.begin(&sources, &Indexed::default()).unwrap();
        let stages = Stages {
            job: &job,
            sources: &sources,
            indexed: &Indexed::default(),
            maker: Maker::whole(deduper.sketcher().shingler()),
            plan: stages,
            limit: job.limit(),
            watch: None,
        };
        let read = stages.read(&mut work).unwrap();
        stages.pick(&mut work, &read).unwrap();
        drop(work);
        assert_eq!(results_of(&job, &path, Some(SMALL), &index), expected);
    }
}
