//! News pages in the chrome of sites, and small collections on which plain similarity fails, if they are installed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use resemblance::corpus::{Job, Outputs, ReadOptions, Sinks, Sources};
use resemblance::{Deduper, Measure, Method, Shingle};
use tempfile::TempDir;

type Pairs = BTreeSet<(String, String)>;

fn pair(a: &str, b: &str) -> (String, String) {
    (a.min(b).to_owned(), a.max(b).to_owned())
}

/// The tables of pairs and of clusters of a job that sets aside by `group`.
fn tables(path: &Path, group: Option<&str>, method: Method, memory: Option<u64>) -> [String; 2] {
    let folder = TempDir::new().unwrap();
    let [pairs, clusters] = ["pairs.tsv", "clusters.tsv"].map(|name| folder.path().join(name));
    let builder = Deduper::builder()
        .measure(Measure::Containment)
        .threshold(0.5);
    let deduper = builder
        .shingle(Shingle::Words(3))
        .method(method)
        .build()
        .unwrap();
    let mut options = ReadOptions::new();
    if let Some(group) = group {
        options = options.group_field(group);
    }
    let mut job = Job::new(&deduper, options);
    if let Some(memory) = memory {
        job = job.memory(memory);
    }
    let sources = Sources::find(&[path]).unwrap();
    let mut outputs = Outputs::new(&sources);
    let sinks = Sinks::new().pairs(outputs.stage_table(&pairs).unwrap());
    let sinks = sinks.clusters(outputs.stage_table(&clusters).unwrap());
    let decided = job.run(sources, &sinks, None).unwrap();
    outputs.commit().unwrap();
    decided.finish().unwrap();
    [pairs, clusters].map(|path| fs::read_to_string(path).unwrap())
}

/// The tables, which are the same by both methods, in memory and on the disk.
fn same_tables(path: &Path, group: Option<&str>) -> [String; 2] {
    let expected = tables(path, group, Method::Lsh, None);
    for method in [Method::Lsh, Method::Exact] {
        for memory in [None, Some(64 << 20)] {
            assert!(tables(path, group, method, memory) == expected);
        }
    }
    expected
}

/// Two columns of a table with a header line.
fn columns(table: &str, [a, b]: [usize; 2]) -> Vec<(String, String)> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        (cells[a].to_owned(), cells[b].to_owned())
    };
    table.lines().skip(1).map(row).collect()
}

/// The pairs of documents with the same name.
fn pairs_of(named: &[(String, String)]) -> Pairs {
    let mut groups = BTreeMap::<&str, Vec<&str>>::new();
    for (document, name) in named {
        groups.entry(name).or_default().push(document);
    }
    let pairs = groups.values().flat_map(|group| {
        let with = |(i, &a)| group[..i].iter().map(move |&b| pair(a, b));
        group.iter().enumerate().flat_map(with).collect::<Vec<_>>()
    });
    pairs.collect()
}

fn f1(found: &Pairs, truth: &Pairs) -> f64 {
    2.0 * found.intersection(truth).count() as f64 / (found.len() + truth.len()) as f64
}

fn stories_are_found(name: &str, least: f64) {
    let Some(folder) = crate::support::shared("corpora").map(|corpora| corpora.join(name)) else {
        return;
    };
    let stories = fs::read_to_string(folder.join("stories.tsv")).unwrap();
    let truth = pairs_of(&columns(&stories, [0, 1]));
    let [pairs, clusters] = same_tables(&folder.join("docs.jsonl.gz"), Some("site"));
    let pairs = columns(&pairs, [0, 1]);
    let of_pairs = f1(&pairs.iter().map(|(a, b)| pair(a, b)).collect(), &truth);
    let of_clusters = f1(&pairs_of(&columns(&clusters, [0, 1])), &truth);
    assert!(
        of_pairs >= least && of_clusters >= least,
        "{name}: pair F1 {of_pairs:.4}, of clusters {of_clusters:.4}"
    );
}

#[test]
fn stories_in_much_chrome_are_found() {
    stories_are_found("sites_short", 0.99);
}

#[test]
fn stories_in_little_chrome_are_found() {
    stories_are_found("sites_light", 0.975);
}

#[test]
fn stories_in_chrome_that_varies_are_found() {
    stories_are_found("sites_varied", 0.975);
}

#[test]
fn what_people_mean_is_found() {
    let Some(folder) = crate::support::shared("cases").map(|cases| cases.join("truth")) else {
        return;
    };
    let expected = fs::read_to_string(folder.join("expected.tsv")).unwrap();
    for (case, group) in [
        ("chrome", Some("group")),
        ("all-common", None),
        ("contained", None),
    ] {
        let of_case = expected
            .lines()
            .filter_map(|line| line.strip_prefix(case)?.strip_prefix('\t'));
        let truth: Pairs = of_case
            .map(|line| line.split_once('\t').unwrap())
            .map(|(a, b)| pair(a, b))
            .collect();
        assert!(!truth.is_empty());
        let [pairs, _] = same_tables(&folder.join(format!("{case}.jsonl")), group);
        let pairs = columns(&pairs, [0, 1]);
        let found: Pairs = pairs.iter().map(|(a, b)| pair(a, b)).collect();
        assert_eq!(found, truth, "{case}");
    }
}
