//! Jobs that compare with indexes of earlier jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::*;
use crate::DeduperBuilder;
use crate::corpus::KeepPolicy;

/// A folder with a file of lines for each part.
struct Parts {
    folder: TempDir,
    files: Vec<PathBuf>,
}

impl Parts {
    fn new(lines: &str, parts: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let lines: Vec<&str> = lines.lines().collect();
        let files = lines.chunks(lines.len().div_ceil(parts).max(1)).enumerate();
        let files = files.map(|(part, lines)| {
            let file = folder.path().join(format!("part-{part}.jsonl"));
            fs::write(&file, lines.join("\n")).unwrap();
            file
        });
        let files = files.collect();
        Self { folder, files }
    }

    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn ids(records: &str) -> Vec<u64> {
    let ids = records.lines().map(|line| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["id"].as_u64().unwrap()
    });
    ids.collect()
}

fn deduper(method: Method, mode: ClusterMode, threshold: f64) -> Deduper {
    builder(method, mode, threshold).build().unwrap()
}

fn builder(method: Method, mode: ClusterMode, threshold: f64) -> DeduperBuilder {
    let builder = Deduper::builder()
        .method(method)
        .cluster_mode(mode)
        .hashes(64);
    let builder = builder.threshold(threshold).shingle(Shingle::Words(2));
    builder.recall(0.9)
}

const METHODS: [Method; 2] = [Method::Lsh, Method::Exact];
const MODES: [ClusterMode; 2] = [ClusterMode::Components, ClusterMode::Leader];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Results and index bytes do not depend on whether a job that writes or uses an index runs in memory or on the
    /// disk.
    #[test]
    fn in_parts_as_in_memory(
        seed: u64,
        documents in 1u64..300,
        parts in 2usize..4,
        method in prop::sample::select(METHODS.to_vec()),
        mode in prop::sample::select(MODES.to_vec()),
        threshold in prop::sample::select(vec![0.3, 0.5, 0.8, 1.0]),
        keep in prop::sample::select(vec!["first", "longest", "largest", "max:score"]),
        measure in prop::sample::select(vec![Measure::Jaccard, Measure::Containment]),
        weights in prop::sample::select(vec![Weights::None, Weights::Ln]),
        freezes: bool,
        sets_aside: bool,
        drops_clusters: bool,
    ) {
        let parts = Parts::new(&lines(seed, documents), parts);
        let builder = builder(method, mode, threshold).measure(measure).weights(weights);
        let deduper = builder.set_aside_words(2).build().unwrap();
        let options = ReadOptions::new().on_bad(OnBad::Skip);
        let mut options = options.keep(KeepPolicy::new(keep.parse().unwrap()));
        if sets_aside {
            options = options.group_field("site");
        }
        let mut job = Job::new(&deduper, options).drop_clusters(drops_clusters);
        for (part, file) in parts.files.iter().enumerate() {
            let index = parts.place(&format!("index-{part}"));
            let tried = |plan| {
                try_results_of(&job, file, plan, &index).map_err(|error| error.to_string())
            };
            let expected = tried(None);
            prop_assert_eq!(&tried(Some(SMALL)), &expected);
            if let Err(error) = expected {
                prop_assert!(job.freeze_weights && error.contains("fewer than 2 documents"), "{error}");
                break;
            }
            let freeze_weights = freezes && weights != Weights::None;
            job = Job { against: vec![index], freeze_weights, ..job };
        }
    }

    /// The size of a cluster is the number of its documents in all parts so far, as one run over them finds it.
    #[test]
    fn sizes_add_up_over_parts(
        seed: u64,
        documents in 10u64..200,
        threshold in prop::sample::select(vec![0.3, 0.5, 0.8]),
        is_bounded: bool,
    ) {
        let text = lines_with(seed, documents, 0);
        let parts = Parts::new(&text, 3);
        let deduper = deduper(Method::Exact, ClusterMode::Leader, threshold);
        let options = ReadOptions::new().on_bad(OnBad::Skip);
        let whole = parts.place("whole.jsonl");
        fs::write(&whole, &text).unwrap();
        let whole = results(&deduper, &options, &whole, None);
        let mut read = BTreeSet::new();
        let mut job = Job::new(&deduper, options);
        for (part, file) in parts.files.iter().enumerate() {
            let index = parts.place(&format!("index-{part}"));
            let found = results_of(&job, file, is_bounded.then_some(SMALL), &index);
            read.extend([3, 4].iter().flat_map(|&of| ids(&found.files[of])));
            for cluster in &found.clusters {
                let in_one_run = whole.clusters.iter().find(|of| of.kept == cluster.kept).unwrap();
                let is_read = |removed: &&Removed| read.contains(&removed.id.parse().unwrap());
                let size = 1 + in_one_run.removed.iter().filter(is_read).count();
                prop_assert_eq!(cluster.size, size as u64);
            }
            job = Job { against: vec![index], ..job };
        }
    }

    /// An index has counted the documents of the jobs that made it, whether or not they were kept.
    #[test]
    fn weights_with_indexes_are_those_of_the_definition(
        seed: u64,
        documents in 10u64..120,
        threshold in prop::sample::select(vec![0.2, 0.5, 0.8]),
        freezes: bool,
        is_bounded: bool,
    ) {
        let parts = Parts::new(&lines_with(seed, documents, 0), 3);
        let builder = builder(Method::Exact, ClusterMode::Leader, threshold);
        let deduper = builder.weights(Weights::Ln).build().unwrap();
        let mut job = Job::new(&deduper, ReadOptions::new().on_bad(OnBad::Skip));
        let mut counted: Vec<BTreeSet<u64>> = Vec::new();
        let mut old: Vec<(u64, BTreeSet<u64>)> = Vec::new();
        for (part, file) in parts.files.iter().enumerate() {
            let plan = is_bounded.then_some(SMALL);
            let index = parts.place(&format!("index-{part}"));
            prop_assume!(part == 0 || !freezes || counted.len() >= 2);
            let results = results_of(&job, file, plan, &index);
            let shingles = |text: &String| {
                let mut shingles = deduper.sketcher().shingler().text(text);
                shingles.sort_unstable();
                shingles
            };
            let set = |text: &String| shingles(text).into_iter().collect::<BTreeSet<u64>>();
            let new = texts(&fs::read_to_string(file).unwrap());
            if part == 0 || !freezes {
                let is_old = |set: &BTreeSet<u64>| old.iter().any(|(_, old)| old == set);
                let distinct: BTreeSet<Vec<u64>> = new.iter().map(|(_, text)| shingles(text)).collect();
                let distinct = distinct.into_iter().map(|of| of.into_iter().collect());
                counted.extend(distinct.filter(|set: &BTreeSet<u64>| !set.is_empty() && !is_old(set)));
            }
            let of_text = |(id, text): (u64, String)| (id, set(&text));
            let new: Vec<(u64, BTreeSet<u64>)> = new.into_iter().map(of_text).collect();
            let mut stated: BTreeMap<(u64, u64), f64> = BTreeMap::new();
            for (place, (id, set)) in new.iter().enumerate() {
                for (other, of_other) in new[..place].iter().chain(&old) {
                    stated.insert((*id.min(other), *id.max(other)), weighted(&counted, set, of_other));
                }
            }
            for line in results.files[0].lines().skip(1) {
                let columns: Vec<&str> = line.split('\t').collect();
                let [a, b]: [u64; 2] = [0, 1].map(|column| columns[column].parse().unwrap());
                let similarity: f64 = columns[2].parse().unwrap();
                let stated = stated.remove(&(a.min(b), a.max(b))).unwrap();
                prop_assert!((similarity - stated).abs() < 1e-6, "{line} {stated}");
            }
            prop_assert!(stated.values().all(|&similarity| similarity < threshold + 1e-9));
            old.extend(texts(&results.files[3]).into_iter().map(of_text));
            job = Job { against: vec![index], freeze_weights: freezes, ..job };
        }
    }

    /// With leaders, a run over parts keeps the same documents as a single run.
    #[test]
    fn leaders_of_parts_are_those_of_the_whole(
        seed: u64,
        documents in 10u64..400,
        method in prop::sample::select(METHODS.to_vec()),
        threshold in prop::sample::select(vec![0.3, 0.5, 0.8, 1.0]),
        is_bounded: bool,
    ) {
        let lines = lines_with(seed, documents, 0);
        let deduper = deduper(method, ClusterMode::Leader, threshold);
        let mut job = Job::new(&deduper, ReadOptions::new().on_bad(OnBad::Skip));
        let whole = Parts::new(&lines, 1);
        let expected = results_of(&job, &whole.files[0], None, &whole.place("index"));
        let parts = Parts::new(&lines, 10);
        let (mut kept, mut read, mut matched) = (Vec::new(), 0, 0);
        let mut index = None;
        for file in &parts.files {
            let plan = is_bounded.then_some(SMALL);
            let results = results_of(&job, file, plan, &parts.place("index"));
            prop_assert_eq!(results.counts.indexed, kept.len());
            prop_assert_eq!(results.counts.joins, 0);
            kept.extend(ids(&results.files[3]));
            read += results.counts.read;
            matched += results.counts.matched;
            job = Job { against: vec![parts.place("index")], ..job };
            index = Some(results.index);
        }
        prop_assert_eq!(kept, ids(&expected.files[3]));
        prop_assert_eq!(read, expected.counts.read);
        prop_assert!(matched <= expected.counts.removed);
        prop_assert_eq!(index.unwrap(), expected.index);
    }

    /// New documents that are connected with indexed ones are removed; of each other component the first is kept.
    /// Checked against a comparison of all pairs.
    #[test]
    fn components_with_indexes_are_those_of_brute_force(
        seed: u64,
        documents in 10u64..120,
        threshold in prop::sample::select(vec![0.3, 0.5, 0.8]),
    ) {
        let parts = Parts::new(&lines_with(seed, documents, 0), 3);
        let deduper = deduper(Method::Exact, ClusterMode::Components, threshold);
        let alone = Job::new(&deduper, ReadOptions::new().on_bad(OnBad::Skip));
        let (mut old, mut job) = (Vec::new(), alone.clone());
        // Two indexes that know nothing of each other.
        for part in 0..2 {
            let index = parts.place(&format!("index-{part}"));
            let results = results_of(&alone, &parts.files[part], None, &index);
            old.extend(texts(&results.files[3]));
            job = job.against(index);
        }
        let results = results_of(&job, &parts.files[2], None, &parts.place("index"));
        let new = texts(&fs::read_to_string(&parts.files[2]).unwrap());
        let brute = Brute::new(&deduper, &old, &new);
        let kept: BTreeSet<u64> = ids(&results.files[3]).into_iter().collect();
        prop_assert_eq!(kept, brute.kept);
        prop_assert_eq!((results.counts.matched, results.counts.joins), (brute.matched, brute.joins));
        let mut pairs = brute.pairs;
        let mut found: Vec<(u64, u64)> = results.files[0].lines().skip(1).map(|line| {
            let mut ids = line.split('\t').map(|id| id.parse::<u64>().unwrap());
            let (a, b) = (ids.next().unwrap(), ids.next().unwrap());
            (a.min(b), a.max(b))
        }).collect();
        pairs.sort_unstable();
        found.sort_unstable();
        prop_assert_eq!(found, pairs);
    }
}

/// The weighted Jaccard similarity of two sets, by the sets that were counted.
fn weighted(counted: &[BTreeSet<u64>], left: &BTreeSet<u64>, right: &BTreeSet<u64>) -> f64 {
    if left == right {
        return if left.is_empty() { 0.0 } else { 1.0 };
    }
    let weight = |hash: &u64| {
        let have = counted.iter().filter(|set| set.contains(hash)).count();
        (counted.len() as f64 / have.max(1) as f64).ln()
    };
    let shared: f64 = left.intersection(right).map(weight).sum();
    match shared > 0.0 {
        true => shared / left.union(right).map(weight).sum::<f64>(),
        false => 0.0,
    }
}

type Texts = Vec<(u64, String)>;

/// Ids and texts of good lines.
fn texts(lines: &str) -> Texts {
    let text = |line| {
        let record: serde_json::Value = serde_json::from_str(line).ok()?;
        Some((record["id"].as_u64()?, record["text"].as_str()?.to_owned()))
    };
    lines.lines().filter_map(text).collect()
}

struct Brute {
    kept: BTreeSet<u64>,
    matched: usize,
    joins: usize,
    /// By id.
    pairs: Vec<(u64, u64)>,
}

impl Brute {
    fn new(deduper: &Deduper, old: &Texts, new: &Texts) -> Self {
        let all: Vec<&(u64, String)> = old.iter().chain(new).collect();
        let mut pairs = Vec::new();
        let mut label: Vec<usize> = (0..all.len()).collect();
        for b in old.len()..all.len() {
            for a in 0..b {
                let is_near = |similarity: crate::Similarity| {
                    similarity.shared > 0 && similarity.jaccard >= deduper.threshold()
                };
                if is_near(deduper.similarity(&all[a].1, &all[b].1)) {
                    pairs.push((all[a].0.min(all[b].0), all[a].0.max(all[b].0)));
                    let (to, from) = (label[a].min(label[b]), label[a].max(label[b]));
                    label
                        .iter_mut()
                        .filter(|l| **l == from)
                        .for_each(|l| *l = to);
                }
            }
        }
        let label = &label;
        let members = |of: usize| (0..all.len()).filter(move |&d| label[d] == of).collect();
        let mut brute = Self {
            kept: BTreeSet::new(),
            matched: 0,
            joins: 0,
            pairs,
        };
        for of in 0..all.len() {
            let members: Vec<usize> = members(of);
            let of_index = members.iter().filter(|&&d| d < old.len()).count();
            let of_new = members.len() - of_index;
            match (of_index, members.first()) {
                (0, Some(&first)) => drop(brute.kept.insert(all[first].0)),
                _ => brute.matched += of_new,
            }
            brute.joins += usize::from(of_index > 1 && of_new > 0);
        }
        brute
    }
}
