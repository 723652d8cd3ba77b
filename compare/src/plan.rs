//! Who does what, and the record made of it.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use resemblance::Deduper;

use crate::Stage;
use crate::contenders::{HASHES, THRESHOLD};
use crate::measure::{self, Bounds, Measured};
use crate::roster::{
    ARCHIVE, By, CHECKED, RECALL, Row, SHINGLE, SIGNATURE, SIZES, SKETCH, SPEED, WHOLE,
};
use crate::table::{Table, figures, megabytes};
use crate::truth::Truth;

#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// Collections to time, JSON lines with `id` and `text`; pairs are checked where
    /// `jaccard_words5.tsv.gz` lies beside one [default: those of --corpora]
    files: Vec<PathBuf>,
    /// A folder of collections with known pairs
    #[arg(long, value_name = "DIR")]
    corpora: PathBuf,
    /// Less text, and each stage once
    #[arg(long)]
    quick: bool,
    /// The archive of a site alone
    #[arg(long)]
    archive: bool,
    /// Python with the packages installed
    #[arg(long, hide = true)]
    python: PathBuf,
    /// The folder of the Python rivals
    #[arg(long, hide = true)]
    rivals: PathBuf,
    /// This crate's program
    #[arg(long, hide = true)]
    dedup: PathBuf,
    /// Where to write
    #[arg(long, hide = true)]
    work: PathBuf,
    /// The record
    #[arg(long, hide = true)]
    record: PathBuf,
}

/// Runs everything, prints the record and writes it.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let session = Session::new(settings)?;
    let beside = |path: &Path| path.with_file_name("jaccard_words5.tsv.gz");
    let (speed, recall): (Vec<PathBuf>, Vec<PathBuf>) = if settings.archive {
        (Vec::new(), Vec::new())
    } else if settings.files.is_empty() {
        let of = |name: &&str| settings.corpora.join(name).join("docs.jsonl.gz");
        let there = |path: &PathBuf| path.exists();
        (
            SPEED.iter().map(of).filter(there).collect(),
            RECALL.iter().map(of).filter(there).collect(),
        )
    } else {
        let known = |path: &&PathBuf| beside(path).exists();
        let recall = settings.files.iter().filter(known).cloned().collect();
        (settings.files.clone(), recall)
    };
    ensure!(
        settings.archive || !speed.is_empty() || !recall.is_empty(),
        "no collections in {}: name some files",
        settings.corpora.display()
    );

    let banding = Deduper::new().banding();
    let mut record = format!(
        "# resemblance and its rivals\n\n{machine}\n\
         K = {HASHES}, {bands} bands of {rows}, threshold {THRESHOLD}{quick}. \
         What each row means is told in `README.md`.\n\n",
        machine = crate::machine::describe(settings.python.as_os_str()),
        bands = banding.bands(),
        rows = banding.rows(),
        quick = if settings.quick {
            "; a **quick** run"
        } else {
            ""
        },
    );
    for path in &speed {
        record += &session.speed(&session.prepare(path)?)?;
    }
    if !settings.archive {
        record += &session.sketches()?;
    }
    if settings.files.is_empty() {
        // Before any truth is held here: peaks count from this process.
        record += &session.archive()?;
    }
    if !recall.is_empty() {
        let collections = recall
            .iter()
            .map(|path| Ok((session.prepare(path)?, Truth::read(&beside(path))?)));
        record += &session.recall(&collections.collect::<Result<Vec<_>>>()?)?;
    }
    print!("{record}");
    fs::write(&settings.record, record)?;
    Ok(())
}

/// A collection unpacked.
struct Collection {
    name: String,
    folder: PathBuf,
}

impl Collection {
    fn documents(&self) -> PathBuf {
        self.folder.join("documents.jsonl")
    }
}

struct Session<'a> {
    settings: &'a Settings,
    own: PathBuf,
    cores: usize,
}

impl<'a> Session<'a> {
    fn new(settings: &'a Settings) -> Result<Self> {
        fs::create_dir_all(&settings.work)?;
        Ok(Self {
            settings,
            own: std::env::current_exe()?,
            cores: std::thread::available_parallelism()?.get(),
        })
    }

    /// Unpacks a collection, in a process of its own so that this one stays small.
    fn prepare(&self, path: &Path) -> Result<Collection> {
        let part = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let file = part(path.file_name());
        let name = match file.split('.').next() {
            Some("docs") => part(path.parent().and_then(Path::file_name)),
            stem => stem.unwrap_or_default().to_owned(),
        };
        eprintln!("unpacking {name}");
        let folder = self.settings.work.join(&name);
        let status = Command::new(&self.own)
            .arg("prepare")
            .args([path, &folder])
            .status()?;
        ensure!(status.success(), "cannot unpack {}", path.display());
        Ok(Collection { name, folder })
    }

    fn bounds(&self, cores: usize) -> Bounds {
        Bounds {
            cores,
            seconds: if self.settings.quick { 30 } else { 120 },
            memory: 8 << 30,
        }
    }

    fn repeats(&self, repeats: usize) -> usize {
        if self.settings.quick { 1 } else { repeats }
    }

    /// One or two cores, as far as the machine has them.
    fn core_counts(&self, two: bool) -> std::ops::RangeInclusive<usize> {
        1..=if two { self.cores.min(2) } else { 1 }
    }

    fn contender(
        &self,
        contender: &str,
        by: By,
        stage: Stage,
        cores: usize,
        options: &[String],
    ) -> Result<Measured> {
        eprintln!("{contender}, {stage:?}, {cores} cores");
        let mut arguments = Vec::new();
        let stage = stage
            .to_possible_value()
            .context("every stage has a name")?;
        let program = match by {
            By::Crate => {
                arguments.push("one".to_owned());
                self.own.as_os_str()
            }
            By::Script(script) => {
                arguments.push(self.settings.rivals.join(script).display().to_string());
                let banding = Deduper::new().banding();
                arguments.push(format!("--hashes={HASHES}"));
                arguments.push(format!("--bands={}", banding.bands()));
                arguments.push(format!("--rows={}", banding.rows()));
                self.settings.python.as_os_str()
            }
        };
        arguments.push(contender.to_owned());
        arguments.push(stage.get_name().to_owned());
        arguments.push(format!("--threads={cores}"));
        arguments.extend_from_slice(options);
        let found =
            measure::contender(program, &arguments, self.bounds(cores), &self.settings.work);
        if let Err(error) = &found {
            eprintln!("  failed: {error:#}");
        }
        found
    }

    /// The tables of what is timed on a collection.
    fn speed(&self, collection: &Collection) -> Result<String> {
        let mut out = String::new();
        writeln!(out, "## Speed on {}\n", collection.name)?;
        writeln!(
            out,
            "### Reading, MB/s of the file\n\n{}",
            self.reading(collection)
        )?;
        for (title, rows) in [
            ("Text to shingles", SHINGLE),
            ("Text to signature", SIGNATURE),
            ("Texts to pairs or clusters, in memory", WHOLE),
        ] {
            let table = self.on_texts(collection, rows)?;
            writeln!(out, "### {title}, MB/s of text\n\n{table}")?;
        }
        let table = self.files(collection);
        writeln!(
            out,
            "### JSON lines to clusters written, MB/s of the file\n\n{table}"
        )?;
        Ok(out)
    }

    /// Runs a program on a file, the clock around the whole process.
    fn program(
        &self,
        program: &OsStr,
        arguments: &[String],
        file: &Path,
        cores: usize,
    ) -> Result<Measured> {
        measure::program(
            program,
            arguments,
            file.metadata()?.len(),
            self.repeats(3),
            self.bounds(cores),
            &self.settings.work,
        )
    }

    /// `wc -w`, in a locale. It counts bytes' words in C, and characters' in UTF-8, which takes longer.
    fn wc(&self, locale: &str, file: &Path) -> Result<Measured> {
        eprintln!("wc -w, {locale}");
        let arguments = [
            format!("LC_ALL={locale}"),
            "wc".to_owned(),
            "-w".to_owned(),
            file.display().to_string(),
        ];
        self.program(OsStr::new("env"), &arguments, file, 1)
    }

    fn reading(&self, collection: &Collection) -> Table {
        let jsonl = collection.documents();
        let plain = collection.folder.join("texts.txt");
        let mut table = Rates::new();
        for cores in self.core_counts(true) {
            let options = [
                format!("--documents={}", jsonl.display()),
                format!("--repeats={}", self.repeats(3)),
            ];
            let read = self.contender("resemblance", By::Crate, Stage::Read, cores, &options);
            table.push(
                "resemblance",
                cores,
                read,
                "`Corpus::read`: JSON parsed and validated",
            );
        }
        for (file, what) in [
            (&jsonl, "the JSON lines"),
            (&plain, "the plain texts, one a line"),
        ] {
            for locale in ["C", "C.UTF-8"] {
                let how = format!("`LC_ALL={locale}`, {what}; with starting it");
                table.push("wc -w", 1, self.wc(locale, file), &how);
            }
        }
        table.table
    }

    fn files(&self, collection: &Collection) -> Table {
        let jsonl = collection.documents();
        let mut table = Rates::new();
        for cores in self.core_counts(true) {
            eprintln!("dedup, {cores} cores");
            let arguments = [
                jsonl.display().to_string(),
                format!("--threads={cores}"),
                format!(
                    "--clusters={}",
                    collection.folder.join("clusters.tsv").display()
                ),
            ];
            let dedup = self.program(self.settings.dedup.as_os_str(), &arguments, &jsonl, cores);
            table.push(
                "resemblance",
                cores,
                dedup,
                "the program `dedup --clusters`; with starting it",
            );
        }
        for locale in ["C", "C.UTF-8"] {
            let how = format!("`LC_ALL={locale}`, counts words and does nothing else");
            table.push("wc -w", 1, self.wc(locale, &jsonl), &how);
        }
        table.table
    }

    fn on_texts(&self, collection: &Collection, rows: &[Row]) -> Result<Table> {
        let mut table = Rates::new();
        let quick = self.settings.quick;
        for row in rows {
            for cores in self.core_counts(row.two) {
                // A quick run gives the fast ten megabytes, and the slow a quarter of theirs, five at most.
                let limit = match (row.limit, quick) {
                    (None, false) => None,
                    (None, true) => Some(10_000_000),
                    (Some(limit), false) => Some(limit * 1_000_000),
                    (Some(limit), true) => Some((limit * 1_000_000 / 4).min(5_000_000)),
                };
                let mut options = vec![
                    format!("--documents={}", collection.documents().display()),
                    format!("--repeats={}", self.repeats(row.repeats)),
                ];
                options.extend(limit.map(|limit| format!("--limit={limit}")));
                let measured = self.contender(row.contender, row.by, row.stage, cores, &options);
                let mut how = row.how.to_owned();
                if let (Ok(measured), Some(limit)) = (&measured, limit) {
                    let bytes = measured.answer.bytes;
                    if bytes >= limit {
                        write!(how, "; the first {} MB", figures(megabytes(bytes)))?;
                    }
                }
                if let Ok(Some(pairs)) = measured.as_ref().map(|m| m.answer.pairs) {
                    write!(how, "; {pairs} found")?;
                }
                table.push(row.contender, cores, measured, &how);
            }
        }
        Ok(table.table)
    }

    /// Sketches of ready shingles, on one core.
    fn sketches(&self) -> Result<String> {
        let sizes: Vec<String> = SIZES.iter().map(ToString::to_string).collect();
        let head = [String::new()].into_iter().chain(sizes.clone());
        let mut table = Table::new(head.chain(["sketch; input".to_owned()]));
        for &(contender, by, input) in SKETCH {
            let total = if self.settings.quick { 40_000 } else { 400_000 };
            let options = [
                format!("--sizes={}", sizes.join(",")),
                format!("--total={total}"),
                format!("--repeats={}", self.repeats(3)),
            ];
            let mut cells = vec![contender.to_owned()];
            match self.contender(contender, by, Stage::Sketch, 1, &options) {
                Ok(measured) => {
                    let each = measured.answer.nanoseconds;
                    ensure!(each.len() == SIZES.len(), "{contender} left sizes out");
                    cells.extend(each.iter().map(|&(_, time)| figures(time)));
                    cells.push(input.to_owned());
                }
                Err(error) => {
                    cells.extend(SIZES.map(|_| "-".to_owned()));
                    cells.push(format!("{input}: **failed**, {error:#}"));
                }
            }
            table.row(cells);
        }
        Ok(format!(
            "## Ready shingles to signature\n\n\
             Nanoseconds a shingle on one core, by the shingles of a document; K = {HASHES}.\n\n{table}\n"
        ))
    }

    /// Pairs against brute force.
    fn recall(&self, collections: &[(Collection, Truth)]) -> Result<String> {
        let mut out = format!(
            "## Pairs against brute force\n\nAt true Jaccard {THRESHOLD} of word 5-grams. False: \
             reported, and below it in truth.\n\n"
        );
        for (collection, truth) in collections {
            let mut table =
                Table::new(["", "pairs", "recall", "false", "shingles; what is reported"]);
            for &(contender, by, shared, how) in CHECKED {
                let pairs = collection.folder.join("pairs.tsv");
                let mut options = vec![
                    format!("--documents={}", collection.documents().display()),
                    format!("--pairs={}", pairs.display()),
                ];
                if shared {
                    let shingles = collection.folder.join("shingles.bin");
                    options.push(format!("--shingles={}", shingles.display()));
                }
                let cores = self.cores.min(2);
                let score = self
                    .contender(contender, by, Stage::Pairs, cores, &options)
                    .and_then(|measured| match measured.answer.pairs {
                        Some(_) => truth.score(&pairs, THRESHOLD),
                        None => bail!("no pairs"),
                    });
                match score {
                    Ok(score) => table.row([
                        contender.to_owned(),
                        score.reported.to_string(),
                        format!("{:.4}", score.recall),
                        score.wrong.to_string(),
                        how.to_owned(),
                    ]),
                    Err(error) => table.row([
                        contender.to_owned(),
                        "-".to_owned(),
                        "-".to_owned(),
                        "-".to_owned(),
                        format!("{how}: **failed**, {error:#}"),
                    ]),
                }
            }
            let (name, above) = (&collection.name, truth.above(THRESHOLD));
            writeln!(out, "### {name}: {above} true pairs\n\n{table}")?;
        }
        Ok(out)
    }
}

impl Session<'_> {
    /// Pages that share most of their words: time, memory and pairs on two cores.
    fn archive(&self) -> Result<String> {
        /// More pairs than this are not scored: hardly one of them is true.
        const MOST: usize = 20_000_000;
        let folder = self.settings.work.join("archive");
        let made = Command::new(&self.own)
            .arg("archive")
            .arg(&folder)
            .status()?;
        ensure!(made.success(), "cannot make the archive");
        let collection = self.prepare(&folder.join("docs.jsonl"))?;
        let cores = self.cores.min(2);
        let mut runs = Vec::new();
        for (number, &(contender, by, stage, shared, how)) in ARCHIVE.iter().enumerate() {
            let pairs = folder.join(format!("pairs-{number}.tsv"));
            let mut options = vec![
                format!("--documents={}", collection.documents().display()),
                format!("--pairs={}", pairs.display()),
            ];
            if shared {
                options.push(format!(
                    "--shingles={}",
                    folder.join("shingles.bin").display()
                ));
            }
            let measured = self.contender(contender, by, stage, cores, &options);
            runs.push((contender, stage, how, measured, pairs));
        }

        let truth = Truth::read(&folder.join("jaccard_words5.tsv.gz"))?;
        let head = [
            "",
            "s",
            "peak MB",
            "pairs",
            "recall",
            "false",
            "shingles; what is reported",
        ];
        let mut table = Table::new(head);
        for (contender, stage, how, measured, pairs) in runs {
            let mut cells = vec![contender.to_owned()];
            match measured {
                Ok(Measured { answer, peak, .. }) => {
                    cells.extend([answer.seconds, megabytes(peak)].map(figures));
                    let listed = answer.pairs.filter(|&found| found <= MOST);
                    if stage == Stage::Pairs && listed.is_some() {
                        let score = truth.score(&pairs, THRESHOLD)?;
                        let recall = format!("{:.4}", score.recall);
                        cells.extend([score.reported.to_string(), recall, score.wrong.to_string()]);
                    } else {
                        let found = answer
                            .pairs
                            .map_or("too many".to_owned(), |n| n.to_string());
                        cells.extend([found, "-".to_owned(), "-".to_owned()]);
                    }
                    cells.push(how.to_owned());
                }
                Err(error) => {
                    cells.extend(["-"; 5].map(str::to_owned));
                    cells.push(format!("{how}: **failed**, {error:#}"));
                }
            }
            table.row(cells);
        }
        Ok(format!(
            "## The archive of a site\n\n\
             25,000 pages of 150 words of chrome and about 25 of their own, {} pairs at true Jaccard {THRESHOLD} of word \
             5-grams; on {cores} cores, one run. False: reported, and below it in truth.\n\n{table}\n",
            truth.above(THRESHOLD)
        ))
    }
}

/// A table of rates, each beside ours on as many cores.
struct Rates {
    table: Table,
    /// Ours, by cores: the first row of each number.
    ours: Vec<(usize, f64)>,
}

impl Rates {
    fn new() -> Self {
        let head = [
            "",
            "cores",
            "MB/s",
            "x our time",
            "s",
            "peak MB",
            "before",
            "what it does",
        ];
        Self {
            table: Table::new(head),
            ours: Vec::new(),
        }
    }

    fn push(&mut self, contender: &str, cores: usize, measured: Result<Measured>, how: &str) {
        let cores_cell = cores.to_string();
        let measured = match measured {
            Ok(measured) => measured,
            Err(error) => {
                let mut cells = vec![contender.to_owned(), cores_cell];
                cells.extend(["-"; 5].map(str::to_owned));
                cells.push(format!("{how}: **failed**, {error:#}"));
                self.table.row(cells);
                return;
            }
        };
        let answer = &measured.answer;
        let rate = megabytes(answer.bytes) / answer.seconds;
        let ours = self.ours.iter().find(|(n, _)| *n == cores);
        let ours = ours.map(|(_, ours)| *ours);
        if ours.is_none() && contender == "resemblance" {
            self.ours.push((cores, rate));
        }
        self.table.row([
            contender.to_owned(),
            cores_cell,
            figures(rate),
            figures(ours.unwrap_or(rate) / rate),
            figures(answer.seconds),
            figures(megabytes(measured.peak)),
            match answer.before {
                0 => "-".to_owned(),
                before => figures(megabytes(before)),
            },
            how.to_owned(),
        ]);
    }
}
