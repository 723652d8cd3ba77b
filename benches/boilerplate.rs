//! What does boilerplate cost? Compares documents that share most of their text with as many documents of the same
//! length that share none.
//!
//! - `cargo bench --bench boilerplate`: archives of one site and of three, and texts of one form, of 25,000 and 100,000
//!   documents.
//! - `-- --large`: also 400,000 documents, and archives of 2.8 and 4 GB in memory and with `--memory 256MiB`; needs
//!   10 GB of disk in the system's folder for temporary files.
//! - `-- NAME`: only the collections and methods (or rules, such as `weights`) whose names contain it, such as `-- forms exact`.
//! - `-- --test`: everything once, on 500 documents.
//!
//! Each run is the example `dedup` in a process of its own, from JSON lines to the table of clusters. Runs with and
//! without boilerplate alternate; numbers are medians. A run that takes longer than the limit is stopped, and larger
//! collections of that kind are skipped.

#[allow(dead_code, unreachable_pub)] // scale uses the rest
#[path = "scale/memory.rs"]
mod memory;
#[allow(dead_code, unreachable_pub)] // the tests use the rest
#[path = "../tests/support/program.rs"]
mod program;
#[path = "support/mod.rs"]
mod support;
#[allow(dead_code)]
#[path = "scale/table.rs"]
mod table;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use program::example;
use rayon::prelude::*;
use support::synthetic::boilerplate::{Archive, ArchiveSettings, Templates, Texts};
use table::{Ratio, row};

/// Methods and rules, by name, with their options.
const METHODS: [(&str, &[&str]); 6] = [
    ("lsh", &["--method", "lsh"]),
    ("exact", &["--method", "exact"]),
    ("auto", &["--method", "auto"]),
    ("weights", &["--weights", "ln"]),
    ("set-aside", &["--set-aside", "site"]),
    (
        "containment",
        &["--set-aside", "site", "--similarity", "containment"],
    ),
];
/// Runs are repeated until they have taken so long together, or so often.
const PATIENCE: Duration = Duration::from_secs(6);
const TIMES: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    let quick = !has("--bench") || has("--test");
    let (sizes, limit): (&[u64], u64) = match (quick, has("--large")) {
        (true, _) => (&[500], 60),
        (false, false) => (&[25_000, 100_000], 30),
        (false, true) => (&[25_000, 100_000, 400_000], 600),
    };
    let names = arguments.iter().filter(|a| !a.starts_with('-')).cloned();
    let bench = Bench {
        dedup: example("dedup"),
        folder: tempfile::tempdir().expect("a temporary folder"),
        limit: Duration::from_secs(limit),
        names: names.collect(),
    };
    println!(
        "Seconds of the whole command, {} threads; ratio: to text of the same length without boilerplate; to first: the time \
         of a document to that in the smallest collection. Runs are stopped after {limit} s.\n",
        rayon::current_num_threads(),
    );
    row(&[
        "collection",
        "method",
        "documents",
        "MB",
        "seconds",
        "plain, s",
        "ratio",
        "to first",
        "removed",
        "peak, MiB",
        "plain, MiB",
    ]);
    for kind in Kind::ALL {
        bench.measure(kind, sizes);
    }
    if has("--large") || quick {
        // 2.8 and 4 GB.
        let sizes = if quick {
            [500, 1_000]
        } else {
            [1_500_000, 2_150_000]
        };
        bench.bounded(&sizes);
    }
}

/// Collections with boilerplate.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// One site, whose articles are as long as its chrome.
    Articles,
    /// One site, whose chrome is six times as long as its articles.
    Notices,
    /// Three sites, with headlines that change from page to page.
    Sites,
    /// Texts of one form.
    Forms,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Articles, Self::Notices, Self::Sites, Self::Forms];

    fn name(self) -> &'static str {
        match self {
            Self::Articles => "articles",
            Self::Notices => "notices",
            Self::Sites => "sites",
            Self::Forms => "forms",
        }
    }

    fn texts(self, documents: u64) -> Box<dyn Texts> {
        let archive = match self {
            Self::Articles => ArchiveSettings::default(),
            Self::Notices => ArchiveSettings {
                chrome: 150,
                body: 25.0,
                ..ArchiveSettings::default()
            },
            Self::Sites => ArchiveSettings {
                sites: 3,
                chrome: 110,
                body: 25.0,
                links: 5,
                headlines: 200,
                ..ArchiveSettings::default()
            },
            Self::Forms => {
                // The same share of copies as in an archive.
                let copies = documents / 20;
                return Box::new(Templates {
                    texts: documents - copies,
                    copies,
                    ..Templates::default()
                });
            }
        };
        Box::new(Archive::new(ArchiveSettings {
            documents,
            ..archive
        }))
    }

    /// As many documents, as long, and copies of them as often, but nothing that all of them share.
    fn plain(self, documents: u64) -> Archive {
        let words = match self {
            Self::Articles => 220.0,
            Self::Notices | Self::Sites => 175.0,
            Self::Forms => 60.0,
        };
        Archive::new(ArchiveSettings {
            documents,
            chrome: 0,
            body: words,
            ..ArchiveSettings::default()
        })
    }
}

struct Bench {
    dedup: PathBuf,
    folder: tempfile::TempDir,
    limit: Duration,
    /// Parts of names that are asked for.
    names: Vec<String>,
}

/// What a run came to.
#[derive(Debug, Clone, Copy)]
struct Ran {
    seconds: f64,
    /// Bytes, where the system says.
    peak: Option<u64>,
}

/// Why a run has no time.
#[derive(Debug, Clone, Copy)]
enum Stopped {
    Limit,
    Refused,
}

impl Bench {
    /// True where none of these names is left out.
    fn asked(&self, collection: &str, method: &str) -> bool {
        let is_method = |name: &&String| METHODS.iter().any(|(method, _)| name == method);
        let (methods, collections): (Vec<_>, Vec<_>) = self.names.iter().partition(is_method);
        (methods.is_empty() || methods.iter().any(|name| *name == method))
            && (collections.is_empty() || collections.iter().any(|name| collection.contains(*name)))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A line for each size and method.
    fn measure(&self, kind: Kind, sizes: &[u64]) {
        let mut left = METHODS.to_vec();
        left.retain(|(name, _)| self.asked(kind.name(), name));
        let mut firsts = METHODS.map(|method| (method, Ratio::default()));
        for &documents in sizes {
            if left.is_empty() {
                return;
            }
            let (file, plain) = (self.path("boilerplate.jsonl"), self.path("plain.jsonl"));
            let megabytes = write(&*kind.texts(documents), &file);
            write(&kind.plain(documents), &plain);
            for (method, first) in &mut firsts {
                let (name, options) = *method;
                if !left.contains(method) {
                    continue;
                }
                let start = [
                    kind.name(),
                    name,
                    &documents.to_string(),
                    &format!("{megabytes:.0}"),
                ]
                .map(str::to_owned);
                let cells = match self.in_turn(&file, &plain, options) {
                    Ok(turns) => self.cells(&turns, documents, first),
                    Err(stopped) => {
                        left.retain(|other| other != method);
                        vec![self.reason(stopped)]
                    }
                };
                let cells: Vec<&str> = start.iter().chain(&cells).map(String::as_str).collect();
                row(&cells);
            }
        }
    }

    /// Runs boilerplate and plain text in turn.
    fn in_turn(
        &self,
        file: &Path,
        plain: &Path,
        options: &[&str],
    ) -> Result<Vec<[Ran; 2]>, Stopped> {
        let start = Instant::now();
        let mut turns = Vec::new();
        while turns.len() < TIMES && (turns.is_empty() || start.elapsed() < PATIENCE) {
            let run = |file, clusters| self.run(file, options, &self.path(clusters));
            // The table of the boilerplate is counted afterwards.
            turns.push([run(file, "clusters.tsv")?, run(plain, "plain.tsv")?]);
        }
        Ok(turns)
    }

    fn cells(&self, turns: &[[Ran; 2]], documents: u64, first: &mut Ratio) -> Vec<String> {
        let seconds = |which: usize| median(turns.iter().map(|turn| turn[which].seconds));
        let ratio = median(turns.iter().map(|[ran, plain]| ran.seconds / plain.seconds));
        let peak = |which: usize| peak(turns.iter().map(|turn| turn[which].peak));
        vec![
            format!("{:.2}", seconds(0)),
            format!("{:.2}", seconds(1)),
            format!("{ratio:.2}"),
            first.of(seconds(0) / documents as f64),
            removed(&self.path("clusters.tsv")).to_string(),
            peak(0),
            peak(1),
        ]
    }

    fn reason(&self, stopped: Stopped) -> String {
        match stopped {
            Stopped::Limit => format!("over {}", self.limit.as_secs()),
            Stopped::Refused => "refused".to_owned(),
        }
    }

    /// An archive of one site in memory and with a bound on it: the same bytes of clusters, at which ratio of times?
    fn bounded(&self, sizes: &[u64]) {
        const BOUND: &str = "256MiB";
        println!("\nArticles, in memory and with --memory {BOUND}:\n");
        row(&[
            "method",
            "documents",
            "MB",
            "in memory",
            "peak, MiB",
            "bounded",
            "peak, MiB",
            "ratio",
        ]);
        for &documents in sizes {
            let file = self.path("archive.jsonl");
            let texts = Kind::Articles.texts(documents);
            let megabytes = write(&*texts, &file);
            for method in ["lsh", "exact"] {
                if !self.asked("articles", method) {
                    continue;
                }
                let tables = ["free.tsv", "bounded.tsv"].map(|name| self.path(name));
                let free = self.run(&file, &["--method", method], &tables[0]);
                let bounded = self.run(&file, &["--method", method, "--memory", BOUND], &tables[1]);
                if free.is_ok() && bounded.is_ok() {
                    let [free, bounded] = tables.map(|table| fs::read(table).expect("written"));
                    assert!(free == bounded, "{method}: clusters are not the same");
                }
                let cells = |ran: &Result<Ran, Stopped>| match ran {
                    Ok(ran) => [format!("{:.2}", ran.seconds), peak([ran.peak].into_iter())],
                    Err(stopped) => [self.reason(*stopped), "-".to_owned()],
                };
                let ratio = match (&free, &bounded) {
                    (Ok(free), Ok(bounded)) => format!("{:.2}", bounded.seconds / free.seconds),
                    _ => "-".to_owned(),
                };
                let start =
                    [method, &documents.to_string(), &format!("{megabytes:.0}")].map(str::to_owned);
                let (free, bounded) = (cells(&free), cells(&bounded));
                let cells = start.iter().chain(&free).chain(&bounded).chain([&ratio]);
                row(&cells.map(String::as_str).collect::<Vec<_>>());
            }
        }
    }

    /// Runs the command on a file. Its memory is looked at every few milliseconds, since it is gone when the process is.
    fn run(&self, file: &Path, options: &[&str], clusters: &Path) -> Result<Ran, Stopped> {
        let start = Instant::now();
        let mut child = Command::new(&self.dedup)
            .arg(file)
            .args(["--format", "json", "--clusters"])
            .arg(clusters)
            .args(options)
            .stdout(Stdio::null())
            .spawn()
            .expect("dedup runs");
        let mut peak = None;
        loop {
            if let Some(status) = child.try_wait().expect("a child of ours") {
                let seconds = start.elapsed().as_secs_f64();
                return match status.success() {
                    true => Ok(Ran { seconds, peak }),
                    false => Err(Stopped::Refused), // it has said why
                };
            }
            peak = peak.max(memory::peak_of(child.id()));
            if start.elapsed() > self.limit {
                child.kill().expect("a child of ours");
                child.wait().expect("a child of ours");
                return Err(Stopped::Limit);
            }
            sleep(Duration::from_millis(5));
        }
    }
}

/// Writes texts to a file of JSON lines; returns its megabytes.
fn write(texts: &dyn Texts, file: &Path) -> f64 {
    const CHUNK: u64 = 1 << 11;
    let mut to = File::create(file).expect("a temporary file");
    let firsts: Vec<u64> = (0..texts.documents()).step_by(CHUNK as usize).collect();
    for some in firsts.chunks(16) {
        let lines = |&first: &u64| lines(texts, first..texts.documents().min(first + CHUNK));
        let lines: Vec<String> = some.par_iter().map(lines).collect();
        for lines in lines {
            to.write_all(lines.as_bytes()).expect("room");
        }
    }
    file.metadata().expect("just written").len() as f64 / 1e6
}

/// Words are of ASCII letters and digits: nothing needs escaping.
fn lines(texts: &dyn Texts, documents: Range<u64>) -> String {
    let mut lines = String::new();
    for document in documents {
        let site = texts.site(document);
        write!(
            lines,
            r#"{{"id": "{document}", "site": "{site}", "text": ""#
        )
        .expect("memory");
        texts.push_text(document, &mut lines);
        lines.push_str("\"}\n");
    }
    lines
}

/// Documents that a table of clusters removes: each line but the head and one of each cluster.
fn removed(table: &Path) -> usize {
    let table = fs::read_to_string(table).expect("a table of clusters");
    let is_removed = |line: &&str| {
        let mut cells = line.split('\t');
        let (id, kept) = (cells.next(), cells.nth(1));
        id != kept
    };
    table.lines().skip(1).filter(is_removed).count()
}

/// The highest peak, in MiB.
fn peak(of: impl Iterator<Item = Option<u64>>) -> String {
    match of.flatten().max() {
        Some(peak) => format!("{:.0}", peak as f64 / f64::from(1 << 20)),
        None => "-".to_owned(),
    }
}

fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = of.collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
