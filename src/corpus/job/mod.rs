//! Collections larger than memory.
//!
//! 1. **Read.** Every document is shingled once. What stays of it is a row (its id, a hash of its record), 16 bytes to
//!    know copies by, and its *keys*: those of its bands, or of its prefix where the method is exact. Keys are dealt by
//!    their first bits into parts on the disk.
//! 2. **Connect.** Part after part, documents that have a key in common are connected, in a union-find of 4 bytes a
//!    document; copies are one. What is connected is a component: no candidate pair leaves it.
//! 3. **Shingle again.** The inputs are read a second time, in their order. The shingle sets of documents that are
//!    connected with others are dealt to groups of components, each as large as memory allows.
//! 4. **Decide.** Group after group, a [`Batch`](crate::Batch) finds what it would find in memory.
//! 5. **Merge** the groups' decisions in the order of the documents.

mod components;
mod dealt;
mod decided;
mod folder;
mod groups;
mod in_memory;
mod keyed;
mod manifest;
mod merge;
mod names;
mod on_disk;
mod prefixes;
mod read;
mod rejected;
mod sets;
mod shares;
mod strips;
#[cfg(test)]
mod tests;
mod walk;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use self::components::{Firsts, Groups, NONE, Weight, connect, group, repeated_ids};
use self::dealt::Dealt;
use self::decided::Held;
pub use self::decided::{Counts, Decided, DecidedCluster, Removed, Sinks};
use self::folder::Folder;
use self::groups::Deciding;
use self::in_memory::InMemory;
use self::manifest::{GroupedDone, PickedDone, ReadDone, SetsDone, Settings, Work};
use self::on_disk::OnDisk;
use self::prefixes::Prefixes;
use self::read::{Keying, Row};
use self::rejected::Late;
use self::sets::Sets;
use self::shares::Shares;
use self::strips::StripsOnDisk;
use self::walk::Known;
use super::error::Error;
use super::input::Sources;
use super::options::{OnBad, ReadOptions};
use super::parse::Parser;
use super::read::Reading;
use crate::deduper::Deduper;
use crate::digest::Digester;
use crate::exact::survivors;
use crate::method::{Method, Reason};
use crate::recall::{LinkTally, PairTally};
use crate::text::arch::STRIPS;
use crate::threshold::Threshold;
use crate::watch::{Progress, Stage, Ticker, Watch};

/// Finds the near-duplicates of files, and writes the decisions.
///
/// Everything is held in memory, unless [`memory`](Self::memory) is bounded or there is a [work folder](Self::work): then
/// what does not fit goes to the disk, and comes to the same decisions, to the byte. That takes about as long; only
/// [`Method::Auto`] is LSH then, since what takes less cannot be told before everything is in memory.
///
/// ```no_run
/// use resemblance::Deduper;
/// use resemblance::corpus::{Job, Outputs, ReadOptions, Sinks, Sources};
///
/// let sources = Sources::find(&["articles"])?;
/// let mut outputs = Outputs::new(&sources);
/// let sinks = Sinks::new().clusters(outputs.stage_table("clusters.tsv")?);
/// let deduper = Deduper::new();
/// let job = Job::new(&deduper, ReadOptions::new()).memory(1 << 30);
/// let decided = job.run(sources, &sinks, None)?;
/// outputs.commit()?;
/// println!("{:?}", decided.counts());
/// decided.finish()?;
/// # Ok::<(), resemblance::corpus::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Job<'d> {
    deduper: &'d Deduper,
    options: ReadOptions,
    memory: Option<u64>,
    work: Option<PathBuf>,
    fresh: bool,
}

impl<'d> Job<'d> {
    /// A job with the defaults. Which copies are kept is up to [`ReadOptions::keep`].
    pub fn new(deduper: &'d Deduper, options: ReadOptions) -> Self {
        Self {
            deduper,
            options,
            memory: None,
            work: None,
            fresh: false,
        }
    }

    /// Bytes that the whole process may hold, about. Default no bound; with a work folder 4 GiB.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// The work folder: an empty one, or one that is made. What is done is entered in it, so that the same job goes on
    /// where it was stopped. Default none; where memory is bounded, a folder among the system's temporary ones, which
    /// is gone with the job.
    #[must_use]
    pub fn work(mut self, folder: impl Into<PathBuf>) -> Self {
        self.work = Some(folder.into());
        self
    }

    /// Whether to begin anew, whatever the work folder holds of earlier work. Default false.
    #[must_use]
    pub fn fresh(mut self, fresh: bool) -> Self {
        self.fresh = fresh;
        self
    }

    /// Does the work, as far as it has not been done.
    ///
    /// # Errors
    /// As [`Corpus::read`](super::Corpus::read). Where an output or the work folder cannot be written; where that holds
    /// work of other settings or inputs, or something else.
    pub fn run(
        &self,
        sources: Sources,
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<Decided, Error> {
        match (self.memory, &self.work) {
            (None, None) => InMemory::run(self, sources, sinks, watch),
            _ => self.run_with(Shares::of(self.bound()), sources, sinks, watch),
        }
    }

    /// Bytes that may be held, where they are bounded.
    fn bound(&self) -> u64 {
        self.memory.unwrap_or(4 << 30)
    }

    fn run_with(
        &self,
        shares: Shares,
        mut sources: Sources,
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<Decided, Error> {
        let wants_pairs = sinks.pairs.is_some();
        let mut work = self.begin(&sources, wants_pairs)?;
        sources.spool()?;
        let stages = Stages {
            job: self,
            sources: &sources,
            shares,
            wants_pairs,
            watch,
        };
        let read = stages.read(&mut work)?;
        let picked = stages.pick(&mut work, &read)?;
        let known = stages.known(&work, &read, &picked)?;
        let sets = stages.sets(&mut work, &picked, &known)?;
        let grouped = stages.group(&mut work, &picked, sets.clone())?;
        stages.decide(&mut work, &grouped)?;
        let known_of_texts = [read.text_bytes - sets.late_bytes, picked.empty as u64];
        let held = OnDisk {
            work,
            sources,
            known,
            fields: self.options.fields.clone(),
        };
        held.write(sinks, watch)?;
        Ok(self.decided(held, wants_pairs, known_of_texts))
    }

    fn begin(&self, sources: &Sources, wants_pairs: bool) -> Result<Work, Error> {
        let Some(path) = &self.work else {
            return Work::passing();
        };
        if sources.has_stdin() {
            return Err(Error::refused(
                "standard input cannot be read again when work goes on: name a file, or no work folder",
            ));
        }
        Work::resume(
            Folder::at(path)?,
            self.settings(wants_pairs),
            &sources.inputs,
            self.fresh,
        )
    }

    /// All that decisions depend on; and what the files of the work folder do.
    fn settings(&self, wants_pairs: bool) -> Settings {
        let deduper = self.deduper;
        let fields = &self.options.fields;
        let keep = &fields.keep;
        let prefer = keep.preference().map(ToString::to_string);
        [
            ("program", env!("CARGO_PKG_VERSION").to_owned()),
            ("scheme", deduper.scheme().to_string()),
            ("threshold", deduper.threshold().to_string()),
            ("method", self.method().to_string()),
            (
                "cluster",
                format!("{:?}", deduper.cluster_mode()).to_lowercase(),
            ),
            ("keep", keep.by().to_string()),
            ("prefer", prefer.unwrap_or_default()),
            ("text field", fields.text.clone()),
            ("id field", fields.id.clone()),
            ("id required", fields.id_required.to_string()),
            (
                "on bad",
                format!("{:?}", self.options.on_bad).to_lowercase(),
            ),
            ("bytes", self.options.bytes.to_string()),
            ("memory", self.bound().to_string()),
            ("pairs", wants_pairs.to_string()),
            ("banding", deduper.banding().to_string()),
            ("recall", deduper.recall().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// By LSH, where the method is not exact: which takes less cannot be told before everything is in memory.
    fn method(&self) -> Method {
        match self.deduper.method() {
            Method::Auto => Method::Lsh,
            method => method,
        }
    }

    fn decided(&self, held: OnDisk, wants_pairs: bool, [text_bytes, empty]: [u64; 2]) -> Decided {
        let OnDisk {
            work,
            sources,
            known,
            ..
        } = &held;
        let chances = self.deduper.chances(self.method());
        let (links, mut pairs) = (LinkTally::new(&chances), PairTally::new(&chances));
        let (mut clusters, mut removed, mut split) = (0, 0, 0);
        for group in &work.manifest.decided {
            let counted = &group.counted;
            links.add_counts(&counted.links);
            pairs.add_counts(&counted.pairs);
            clusters += counted.clusters;
            removed += counted.removed;
            split += counted.split;
        }
        let documents = known.documents as usize - known.late.len();
        let rejected = known.rejected() + known.late.len();
        let method = (self.method(), Reason::Asked);
        let of_pairs = self.deduper.recall_of(method, pairs.told());
        Decided {
            counts: Counts {
                read: documents + rejected,
                kept: documents - removed,
                removed,
                rejected,
                empty: empty as usize,
                hidden: sources.hidden,
                clusters,
                text_bytes,
            },
            split,
            recall: self.deduper.recall_of(method, links.told()),
            pairs: wants_pairs.then_some(of_pairs),
            held: Held::OnDisk(Box::new(held)),
        }
    }
}

/// The stages of a job, each of which is done unless it has been.
struct Stages<'j> {
    job: &'j Job<'j>,
    sources: &'j Sources,
    shares: Shares,
    wants_pairs: bool,
    watch: Option<&'j dyn Watch>,
}

impl Stages<'_> {
    fn ticker<'t>(&'t self, folder: &'t Folder, stage: Stage, total: usize) -> Ticker<'t> {
        Ticker::spilling(self.watch, stage, total, folder.spilled())
    }

    fn is_exact(&self) -> bool {
        self.job.method() == Method::Exact
    }

    /// Records to what their candidates are found by.
    fn read(&self, work: &mut Work) -> Result<ReadDone, Error> {
        if let Some(done) = work.manifest.read.clone() {
            return Ok(done);
        }
        let Job {
            deduper, options, ..
        } = self.job;
        let keyed = || Digester::keyed(deduper.sketcher().clone(), deduper.banding());
        let (digester, found_by) = match self.is_exact() {
            true => (deduper.digester(), (names::STRIPS, STRIPS)),
            false => (keyed(), (names::KEYS, self.shares.parts)),
        };
        let parser = Parser {
            options,
            digester: Some(&digester),
            hold: false,
        };
        let folder = &work.folder;
        let ticker = self.ticker(folder, Stage::Read, self.sources.size() as usize);
        let policy = &options.fields.keep;
        let mut keying = Keying::new(folder, policy, found_by, &self.shares)?;
        Reading::new(&self.sources.inputs, parser, ticker, &mut keying).run()?;
        let done = keying.finish()?;
        work.manifest.read = Some(done.clone());
        work.save()?;
        Ok(done)
    }

    /// Copies are found, and documents that may have partners: by LSH in groups, with the exact join in one.
    fn pick(&self, work: &mut Work, read: &ReadDone) -> Result<PickedDone, Error> {
        if let Some(done) = work.manifest.picked.clone() {
            return Ok(done);
        }
        work.check(&[&read.rows, &read.found_by, &read.prints, &read.ids])?;
        let folder = &work.folder;
        let most = self.shares.keys;
        let repeated = repeated_ids(&Dealt::open(folder, names::IDS)?, most)?;
        let prints = Dealt::open(folder, names::PRINTS)?;
        let ticker = self.ticker(folder, Stage::Collapse, prints.len());
        let firsts = Firsts::new(read.documents, &prints, &repeated, most, &ticker)?;
        let groups = match self.is_exact() {
            true => self.surviving(folder, &firsts)?,
            false => self.sharing_bands(folder, &firsts)?,
        };
        let late = repeated.len();
        let repeated = repeated.iter().flat_map(|&(late, first)| [late, first]);
        let repeated: Vec<u32> = repeated.collect();
        let nothing = firsts.0.iter().filter(|&&first| first == NONE).count();
        let done = PickedDone {
            empty: nothing - late,
            repeated: folder.write_numbers(names::REPEATED, &repeated)?,
            firsts: folder.write_numbers(names::FIRSTS, &firsts.0)?,
            groups: folder.write_numbers(names::GROUPS, &groups.group)?,
            bytes: groups.bytes,
        };
        work.manifest.picked = Some(done.clone());
        work.save()?;
        let done_with = [names::KEYS, names::STRIPS, names::PRINTS, names::IDS];
        work.folder.remove(&done_with);
        Ok(done)
    }

    /// The documents that share bands.
    fn sharing_bands(&self, folder: &Folder, firsts: &Firsts) -> Result<Groups, Error> {
        let keys = Dealt::open(folder, names::KEYS)?;
        let ticker = self.ticker(folder, Stage::Candidates, keys.len());
        let components = connect(firsts, &keys, self.shares.keys, &ticker)?;
        group(components, firsts, folder, self.weight())
    }

    /// The documents that the exact join may find partners of, and those that have copies.
    fn surviving(&self, folder: &Folder, firsts: &Firsts) -> Result<Groups, Error> {
        let documents = firsts.0.len();
        let strips = StripsOnDisk::open(folder, documents, self.shares.table)?;
        let ticker = self.ticker(folder, Stage::Filter, documents);
        let asked: Vec<bool> = (0..).zip(&firsts.0).map(|(d, &first)| d == first).collect();
        let lengths = lengths(folder, documents)?;
        let threshold = Threshold(self.job.deduper.threshold());
        let mut may = survivors(&strips, lengths.into_iter(), threshold, &asked, &ticker)?;
        for (document, &first) in firsts.0.iter().enumerate() {
            if first != NONE && first as usize != document {
                may[document] = true;
                may[first as usize] = true;
            }
        }
        Ok(Groups {
            group: may.iter().map(|&may| if may { 0 } else { NONE }).collect(),
            bytes: vec![0],
        })
    }

    fn weight(&self) -> Weight {
        let deduper = self.job.deduper;
        let most = self.shares.group;
        match self.is_exact() {
            // As the join reckons with, see `Budget`.
            true => Weight {
                document: 500,
                shingle: 11.0 + 48.0 * (1.0 - deduper.threshold()),
                most,
            },
            false => Weight {
                document: 400 + 4 * deduper.scheme().hashes() as u64,
                shingle: 8.0,
                most,
            },
        }
    }

    /// What is known of the documents; where a bad record ends the work, one whose id was used before does.
    fn known(&self, work: &Work, read: &ReadDone, picked: &PickedDone) -> Result<Known, Error> {
        let folder = &work.folder;
        work.check(&[&read.rows, &read.ends, &read.rejections, &picked.repeated])?;
        let ends = folder.read_numbers(&read.ends)?;
        let mut known = Known::load(read.documents, ends, folder)?;
        let repeated = folder.read_numbers(&picked.repeated)?;
        let repeated: Vec<(u32, u32)> = repeated.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        let inputs = &self.sources.inputs;
        known.late = Late::new(&repeated, folder, inputs, &known.ends)?;
        match known.late.first() {
            Some((document, reason)) if self.job.options.on_bad == OnBad::Fail => {
                let place = known.place_of(document, inputs, folder)?;
                Err(Error::bad(place, reason))
            }
            _ => Ok(known),
        }
    }

    /// Documents of groups to shingle sets.
    fn sets(&self, work: &mut Work, picked: &PickedDone, known: &Known) -> Result<SetsDone, Error> {
        if let Some(done) = work.manifest.sets.clone() {
            return Ok(done);
        }
        work.check(&[&picked.firsts, &picked.groups])?;
        let folder = &work.folder;
        let sets = Sets {
            folder,
            inputs: &self.sources.inputs,
            options: &self.job.options,
            shingler: self.job.deduper.sketcher().shingler(),
            known,
            firsts: &Firsts(folder.read_numbers(&picked.firsts)?),
            groups: &Groups {
                group: folder.read_numbers(&picked.groups)?,
                bytes: picked.bytes.clone(),
            },
            ticker: self.ticker(folder, Stage::Sets, known.documents as usize),
        };
        let done = sets.write(self.shares.buffers)?;
        work.manifest.sets = Some(done.clone());
        work.save()?;
        work.folder.remove(&[names::GROUPS]);
        Ok(done)
    }

    /// The sets in groups: as they are, by LSH; by their prefixes, with the exact join.
    fn group(
        &self,
        work: &mut Work,
        picked: &PickedDone,
        sets: SetsDone,
    ) -> Result<GroupedDone, Error> {
        if let Some(done) = work.manifest.grouped.clone() {
            return Ok(done);
        }
        let done = match self.is_exact() {
            true => self.group_by_prefixes(work, picked, &sets)?,
            false => GroupedDone {
                sets: sets.sets,
                bytes: picked.bytes.clone(),
            },
        };
        work.manifest.grouped = Some(done.clone());
        work.save()?;
        work.folder.remove(&[names::FIRSTS]);
        if self.is_exact() {
            work.folder.remove(&[names::SETS]);
        }
        Ok(done)
    }

    fn group_by_prefixes(
        &self,
        work: &Work,
        picked: &PickedDone,
        sets: &SetsDone,
    ) -> Result<GroupedDone, Error> {
        work.check(&[&picked.firsts, &sets.sets])?;
        let folder = &work.folder;
        let prefixes = Prefixes {
            folder,
            shares: &self.shares,
            threshold: Threshold(self.job.deduper.threshold()),
            weight: self.weight(),
        };
        let ticker = self.ticker(folder, Stage::Candidates, self.shares.parts);
        prefixes.group(&Firsts(folder.read_numbers(&picked.firsts)?), &ticker)
    }

    /// Groups to decisions.
    fn decide(&self, work: &mut Work, grouped: &GroupedDone) -> Result<(), Error> {
        let all = grouped.bytes.len();
        let done = work.manifest.decided.len();
        for group in &work.manifest.decided {
            work.check(&group.files.iter().collect::<Vec<_>>())?;
        }
        if done == all {
            return Ok(());
        }
        work.check(&[&grouped.sets])?;
        let dealt = Dealt::open(&work.folder, &grouped.sets.name)?;
        let chances = self.job.deduper.chances(self.job.method());
        let steps =
            |bytes: &[u64]| bytes.iter().map(|bytes| bytes / STEP + 1).sum::<u64>() as usize;
        let mut before = steps(&grouped.bytes[..done]);
        for group in done..all {
            let within = Within {
                watch: self.watch,
                progress: Progress {
                    stage: Stage::Verify,
                    done: before as u64 + 1,
                    total: steps(&grouped.bytes) as u64,
                    spilled: work.folder.spilled().load(Ordering::Relaxed),
                },
            };
            let deciding = Deciding {
                deduper: self.job.deduper,
                chances: &chances,
                policy: &self.job.options.fields.keep,
                folder: &work.folder,
                watch: &within,
                wants_pairs: self.wants_pairs,
            };
            let decided = deciding.decide(&dealt, group)?;
            work.manifest.decided.push(decided);
            work.save()?;
            before = steps(&grouped.bytes[..=group]);
            within.told(before)?;
        }
        work.folder.remove(&[&grouped.sets.name]);
        Ok(())
    }
}

/// Bytes of a group for each step of progress.
const STEP: u64 = 1 << 16;

/// The work on a group, seen as a part of the work on all: its stages are no stages of the job.
struct Within<'w> {
    watch: Option<&'w dyn Watch>,
    progress: Progress,
}

impl Within<'_> {
    /// Tells how many steps are done.
    fn told(&self, done: usize) -> Result<(), Error> {
        let done = done as u64;
        let progress = Progress {
            done,
            ..self.progress
        };
        match self.watch.map(|watch| watch.progress(progress)) {
            Some(ControlFlow::Break(())) => Err(crate::Error::cancelled().into()),
            _ => Ok(()),
        }
    }
}

impl Watch for Within<'_> {
    fn progress(&self, _: Progress) -> ControlFlow<()> {
        match self.watch {
            Some(watch) => watch.progress(self.progress),
            None => ControlFlow::Continue(()),
        }
    }
}

/// The shingles of each document, repetitions included.
fn lengths(folder: &Folder, documents: usize) -> Result<Vec<u32>, Error> {
    let mut rows = folder.open(names::ROWS)?;
    let mut row = Row::default();
    let lengths = (0..documents).map(|_| row.read(&mut rows).map(|()| row.shingles));
    lengths.collect()
}
