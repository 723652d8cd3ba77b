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
mod keyed;
mod manifest;
mod merge;
mod names;
mod read;
mod rejected;
mod sets;
mod shares;
mod walk;

use std::path::PathBuf;

use self::components::{Firsts, Groups, NONE, Weight, connect, group, repeated_ids};
use self::dealt::Dealt;
pub use self::decided::{Counts, Decided, DecidedCluster, Removed};
use self::folder::Folder;
use self::groups::Deciding;
use self::manifest::{ConnectedDone, ReadDone, SetsDone, Settings, Work};
use self::read::Keying;
use self::rejected::Late;
use self::sets::Sets;
use self::shares::Shares;
use self::walk::Known;
use super::error::Error;
use super::input::Sources;
use super::options::{OnBad, ReadOptions};
use super::parse::Parser;
use super::read::Reading;
use crate::deduper::Deduper;
use crate::digest::{Digester, Keyer};
use crate::method::{Method, Reason};
use crate::recall::{LinkTally, PairTally};
use crate::threshold::Threshold;
use crate::watch::{Stage, Ticker, Watch};

/// Finds the near-duplicates of files in a bounded amount of memory: what does not fit goes to a work folder.
///
/// It decides what a [`Batch`](crate::Batch) of all documents would decide, to the byte.
#[derive(Debug, Clone)]
pub struct Job<'d> {
    deduper: &'d Deduper,
    options: ReadOptions,
    memory: u64,
    work: Option<PathBuf>,
    fresh: bool,
    wants_pairs: bool,
}

impl<'d> Job<'d> {
    /// A job with the defaults. Which copies are kept is up to [`ReadOptions::keep`].
    pub fn new(deduper: &'d Deduper, options: ReadOptions) -> Self {
        Self {
            deduper,
            options,
            memory: 4 << 30,
            work: None,
            fresh: false,
            wants_pairs: false,
        }
    }

    /// Bytes that the whole process may hold. Default 4 GiB.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// The work folder: an empty one, or one that is made. What is done is entered in it, so that the same job goes on
    /// where it was stopped. Default a folder among the system's temporary ones, which is gone with the job.
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

    /// Whether all pairs are to be found as well as clusters. Default false.
    #[must_use]
    pub fn pairs(mut self, wanted: bool) -> Self {
        self.wants_pairs = wanted;
        self
    }

    /// Does the work, as far as it has not been done.
    ///
    /// # Errors
    /// As [`Corpus::read`](super::Corpus::read). Where the work folder cannot be written; where it holds work of other
    /// settings or inputs, or something else.
    pub fn run(&self, mut sources: Sources, watch: Option<&dyn Watch>) -> Result<Decided, Error> {
        let mut work = self.begin(&sources)?;
        sources.spool()?;
        let shares = Shares::of(self.memory, sources.size(), rayon::current_num_threads());
        let stages = Stages {
            job: self,
            sources: &sources,
            shares: &shares,
            watch,
        };
        let read = stages.read(&mut work)?;
        let connected = stages.connect(&mut work, &read)?;
        let ends = work.folder.read_numbers(&read.ends)?;
        let mut known = Known::load(read.documents, ends, &work.folder)?;
        let repeated = work.folder.read_numbers(&connected.repeated)?;
        let repeated: Vec<(u32, u32)> = repeated.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        known.late = Late::new(&repeated, &work.folder, &sources.inputs, &known.ends)?;
        stages.refuse_late(&work.folder, &known)?;
        let sets = stages.sets(&mut work, &connected, &known)?;
        stages.decide(&mut work, &connected, &sets)?;
        self.decided(work, sources, known, &read, &connected, &sets)
    }

    fn begin(&self, sources: &Sources) -> Result<Work, Error> {
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
            self.settings(),
            &sources.inputs,
            self.fresh,
        )
    }

    /// All that decisions depend on; and what the files of the work folder do.
    fn settings(&self) -> Settings {
        let deduper = self.deduper;
        let fields = &self.options.fields;
        let keep = &fields.keep;
        let prefer = keep.preference().map(ToString::to_string);
        [
            ("program", env!("CARGO_PKG_VERSION").to_owned()),
            ("scheme", deduper.scheme().to_string()),
            ("threshold", deduper.threshold().to_string()),
            ("method", self.method().to_string()),
            ("banding", deduper.banding().to_string()),
            ("recall", deduper.recall().to_string()),
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
            ("memory", self.memory.to_string()),
            ("pairs", self.wants_pairs.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// By LSH, where the method is not exact: which takes less cannot be told before everything is in memory.
    fn method(&self) -> Method {
        match self.deduper.method() {
            Method::Auto => Method::Lsh,
            method => method,
        }
    }

    fn decided(
        &self,
        work: Work,
        sources: Sources,
        known: Known,
        read: &ReadDone,
        connected: &ConnectedDone,
        sets: &SetsDone,
    ) -> Result<Decided, Error> {
        let chances = self.deduper.chances(self.method());
        let (links, mut pairs) = (LinkTally::new(&chances), PairTally::new(&chances));
        let (mut clusters, mut removed, mut split) = (0, 0, 0);
        for group in &work.manifest.decided {
            work.check(&group.files.iter().collect::<Vec<_>>())?;
            let counted = &group.counted;
            links.add_counts(&counted.links);
            pairs.add_counts(&counted.pairs);
            clusters += counted.clusters;
            removed += counted.removed;
            split += counted.split;
        }
        let documents = read.documents as usize - known.late.len();
        let rejected = known.rejected() + known.late.len();
        let method = (self.method(), Reason::Asked);
        let of_pairs = self.deduper.recall_of(method, pairs.told());
        Ok(Decided {
            groups: connected.bytes.len(),
            counts: Counts {
                read: documents + rejected,
                kept: documents - removed,
                removed,
                rejected,
                empty: connected.empty,
                hidden: sources.hidden,
                clusters,
                text_bytes: read.text_bytes - sets.late_bytes,
            },
            split,
            recall: self.deduper.recall_of(method, links.told()),
            pairs: self.wants_pairs.then_some(of_pairs),
            known,
            sources,
            work,
        })
    }
}

/// The stages of a job, each of which is done unless it has been.
struct Stages<'j> {
    job: &'j Job<'j>,
    sources: &'j Sources,
    shares: &'j Shares,
    watch: Option<&'j dyn Watch>,
}

impl Stages<'_> {
    fn ticker<'t>(&'t self, folder: &'t Folder, stage: Stage, total: usize) -> Ticker<'t> {
        Ticker::spilling(self.watch, stage, total, folder.spilled())
    }

    /// Records to keys.
    fn read(&self, work: &mut Work) -> Result<ReadDone, Error> {
        if let Some(done) = work.manifest.read.clone() {
            return Ok(done);
        }
        let Job {
            deduper, options, ..
        } = self.job;
        let keyer = match self.job.method() {
            Method::Exact => Keyer::Prefixes(Threshold(deduper.threshold())),
            _ => Keyer::Bands(deduper.banding()),
        };
        let digester = Digester::keyed(deduper.sketcher().clone(), keyer);
        let parser = Parser {
            options,
            digester: Some(&digester),
            hold: false,
        };
        let folder = &work.folder;
        let ticker = self.ticker(folder, Stage::Read, self.sources.size() as usize);
        let (parts, memory) = (self.shares.parts, self.shares.buffers);
        let mut keying = Keying::new(folder, &options.fields.keep, parts, memory)?;
        Reading::new(&self.sources.inputs, parser, ticker, &mut keying).run()?;
        let done = keying.finish()?;
        work.manifest.read = Some(done.clone());
        work.save()?;
        Ok(done)
    }

    /// Keys to groups.
    fn connect(&self, work: &mut Work, read: &ReadDone) -> Result<ConnectedDone, Error> {
        if let Some(done) = work.manifest.connected.clone() {
            return Ok(done);
        }
        work.check(&[&read.rows, &read.keys, &read.prints, &read.ids])?;
        let folder = &work.folder;
        let most = self.shares.keys;
        let repeated = repeated_ids(&Dealt::open(folder, names::IDS)?, most)?;
        let prints = Dealt::open(folder, names::PRINTS)?;
        let ticker = self.ticker(folder, Stage::Collapse, prints.len());
        let firsts = Firsts::new(read.documents, &prints, &repeated, most, &ticker)?;
        let keys = Dealt::open(folder, names::KEYS)?;
        let ticker = self.ticker(folder, Stage::Candidates, keys.len());
        let components = connect(&firsts, &keys, most, &ticker)?;
        let weight = Weight {
            signature: 4 * self.job.deduper.scheme().hashes() as u64,
            most: self.shares.group,
        };
        let groups = group(components, &firsts, folder, weight)?;
        let repeated: Vec<u32> = repeated
            .iter()
            .flat_map(|&(late, first)| [late, first])
            .collect();
        let nothing = firsts.0.iter().filter(|&&first| first == NONE).count();
        let done = ConnectedDone {
            empty: nothing - repeated.len() / 2,
            repeated: folder.write_numbers(names::REPEATED, &repeated)?,
            firsts: folder.write_numbers(names::FIRSTS, &firsts.0)?,
            groups: folder.write_numbers(names::GROUPS, &groups.group)?,
            bytes: groups.bytes,
        };
        work.manifest.connected = Some(done.clone());
        work.save()?;
        work.folder
            .remove(&[names::KEYS, names::PRINTS, names::IDS]);
        Ok(done)
    }

    /// Where a bad record is to end the work, one whose id was used before does.
    fn refuse_late(&self, folder: &Folder, known: &Known) -> Result<(), Error> {
        let Some((document, reason)) = known.late.first() else {
            return Ok(());
        };
        if self.job.options.on_bad == OnBad::Skip {
            return Ok(());
        }
        let place = known.place_of(document, &self.sources.inputs, folder)?;
        Err(Error::bad(place, reason))
    }

    /// Documents of groups to shingle sets.
    fn sets(
        &self,
        work: &mut Work,
        connected: &ConnectedDone,
        known: &Known,
    ) -> Result<SetsDone, Error> {
        if let Some(done) = work.manifest.sets.clone() {
            return Ok(done);
        }
        work.check(&[&connected.firsts, &connected.groups])?;
        let folder = &work.folder;
        let sets = Sets {
            folder,
            inputs: &self.sources.inputs,
            options: &self.job.options,
            shingler: self.job.deduper.sketcher().shingler(),
            known,
            firsts: &Firsts(folder.read_numbers(&connected.firsts)?),
            groups: &Groups {
                group: folder.read_numbers(&connected.groups)?,
                bytes: connected.bytes.clone(),
            },
            ticker: self.ticker(folder, Stage::Sets, known.documents as usize),
        };
        let done = sets.write(self.shares.buffers)?;
        work.manifest.sets = Some(done.clone());
        work.save()?;
        work.folder.remove(&[names::FIRSTS, names::GROUPS]);
        Ok(done)
    }

    /// Groups to decisions.
    fn decide(
        &self,
        work: &mut Work,
        connected: &ConnectedDone,
        sets: &SetsDone,
    ) -> Result<(), Error> {
        let all = connected.bytes.len();
        let done = work.manifest.decided.len();
        if done == all {
            return Ok(());
        }
        work.check(&[&sets.sets])?;
        let dealt = Dealt::open(&work.folder, names::SETS)?;
        let chances = self.job.deduper.chances(self.job.method());
        for group in done..all {
            let deciding = Deciding {
                deduper: self.job.deduper,
                chances: &chances,
                policy: &self.job.options.fields.keep,
                folder: &work.folder,
                wants_pairs: self.job.wants_pairs,
            };
            let decided = deciding.decide(&dealt, group)?;
            work.manifest.decided.push(decided);
            work.save()?;
        }
        work.folder.remove(&[names::SETS]);
        Ok(())
    }
}
