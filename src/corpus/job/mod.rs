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
mod merge;
mod read;
mod sets;

use std::path::PathBuf;

use self::components::{Weight, connect, group, repeated_ids};
use self::dealt::Dealt;
pub use self::decided::{Decided, DecidedCluster, Removed};
use self::folder::Folder;
use self::groups::{Deciding, Tally};
use self::read::Keying;
use self::sets::Sets;
use super::error::Error;
use super::input::Sources;
use super::options::ReadOptions;
use super::parse::Parser;
use super::read::Reading;
use crate::batch::Run;
use crate::deduper::Deduper;
use crate::digest::{Digester, Keyer};
use crate::method::{Method, Reason};
use crate::recall::{LinkTally, PairTally};
use crate::threshold::Threshold;
use crate::watch::{Stage, Ticker, Watch};

/// Finds the near-duplicates of files in a bounded amount of memory: what does not fit goes to a work folder.
#[derive(Debug, Clone)]
pub struct Job<'d> {
    deduper: &'d Deduper,
    options: ReadOptions,
    memory: u64,
    work: Option<PathBuf>,
    wants_pairs: bool,
}

impl<'d> Job<'d> {
    /// A job with the defaults.
    pub fn new(deduper: &'d Deduper, options: ReadOptions) -> Self {
        Self {
            deduper,
            options,
            memory: 4 << 30,
            work: None,
            wants_pairs: false,
        }
    }

    /// Bytes that the whole process may hold. Default 4 GiB.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = bytes;
        self
    }

    /// The work folder. Default one of the system's temporary ones.
    #[must_use]
    pub fn work(mut self, folder: impl Into<PathBuf>) -> Self {
        self.work = Some(folder.into());
        self
    }

    /// Whether all pairs are to be found as well as clusters. Default false.
    #[must_use]
    pub fn pairs(mut self, wanted: bool) -> Self {
        self.wants_pairs = wanted;
        self
    }

    /// Does the work.
    ///
    /// # Errors
    /// As [`Corpus::read`](super::Corpus::read); and where the work folder cannot be written.
    pub fn run(&self, mut sources: Sources, watch: Option<&dyn Watch>) -> Result<Decided, Error> {
        sources.spool()?;
        let folder = match &self.work {
            Some(path) => Folder::at(path)?,
            None => Folder::passing()?,
        };
        let shares = Shares::of(self.memory, sources.size(), rayon::current_num_threads());
        let known = self.read(&sources, &folder, &shares, watch)?;
        let ids = Dealt::open(&folder, Keying::IDS)?;
        let rejected = repeated_ids(&ids, shares.keys)?;
        let prints = Dealt::open(&folder, Keying::PRINTS)?;
        let ticker = Ticker::new(watch, Stage::Collapse, prints.len());
        let firsts =
            components::Firsts::new(known.documents, &prints, &rejected, shares.keys, &ticker)?;
        let keys = Dealt::open(&folder, Keying::KEYS)?;
        let ticker = Ticker::new(watch, Stage::Candidates, keys.len());
        let components = connect(&firsts, &keys, shares.keys, &ticker)?;
        folder.remove(&[Keying::KEYS, Keying::PRINTS, Keying::IDS]);
        let weight = Weight {
            signature: 4 * self.deduper.scheme().hashes() as u64,
            most: shares.group,
        };
        let groups = group(components, &firsts, &folder, weight)?;
        let sets = Sets {
            inputs: &sources.inputs,
            options: &self.options,
            shingler: self.deduper.sketcher().shingler(),
            known: &known,
            firsts: &firsts,
            groups: &groups,
            ticker: Ticker::new(watch, Stage::Sets, known.documents as usize),
        };
        sets.write(&folder, "sets", shares.buffers)?;
        let many = groups.bytes.len();
        drop((firsts, groups));
        self.decide(folder, many, known, sources, watch)
    }

    /// The first pass.
    fn read(
        &self,
        sources: &Sources,
        folder: &Folder,
        shares: &Shares,
        watch: Option<&dyn Watch>,
    ) -> Result<read::Known, Error> {
        let keyer = match self.method() {
            Method::Exact => Keyer::Prefixes(Threshold(self.deduper.threshold())),
            _ => Keyer::Bands(self.deduper.banding()),
        };
        let digester = Digester::keyed(self.deduper.sketcher().clone(), keyer);
        let parser = Parser {
            options: &self.options,
            digester: Some(&digester),
            hold: false,
        };
        let ticker = Ticker::new(watch, Stage::Read, sources.size() as usize);
        let mut keying = Keying::new(folder, shares.parts, shares.buffers)?;
        Reading::new(&sources.inputs, parser, ticker, &mut keying).run()?;
        let (known, _) = keying.finish()?;
        Ok(known)
    }

    /// By LSH, where the method is not exact: which takes less cannot be told before everything is in memory.
    fn method(&self) -> Method {
        match self.deduper.method() {
            Method::Auto => Method::Lsh,
            method => method,
        }
    }

    fn decide(
        &self,
        folder: Folder,
        groups: usize,
        known: read::Known,
        sources: Sources,
        watch: Option<&dyn Watch>,
    ) -> Result<Decided, Error> {
        let chances = self.deduper.chances(self.method());
        let mut tally = Tally {
            links: LinkTally::new(&chances),
            pairs: PairTally::new(&chances),
            clusters: 0,
            removed: 0,
            split: 0,
        };
        let deciding = Deciding {
            deduper: self.deduper,
            folder: &folder,
            run: Run::new(),
            wants_pairs: self.wants_pairs,
        };
        let dealt = Dealt::open(&folder, "sets")?;
        let ticker = Ticker::new(watch, Stage::Verify, groups);
        for group in 0..groups {
            deciding.decide(&dealt, group, &mut tally)?;
            ticker.tick(1)?;
        }
        let method = (self.method(), Reason::Asked);
        let recall = self.deduper.recall_of(method, tally.links.told());
        let of_pairs = (tally.pairs.found(), tally.pairs.missed());
        let pairs = self.deduper.recall_of(method, of_pairs);
        Ok(Decided {
            groups,
            clusters: tally.clusters as usize,
            removed: tally.removed as usize,
            split: tally.split,
            recall,
            pairs: self.wants_pairs.then_some(pairs),
            known,
            sources,
            folder,
        })
    }
}

/// What the parts of the work may take of the memory, in bytes unless it says otherwise.
struct Shares {
    /// For what waits to be written.
    buffers: usize,
    /// Parts of keys.
    parts: usize,
    /// Keys held at a time: a number.
    keys: usize,
    /// For a group.
    group: u64,
}

impl Shares {
    /// Of so much memory for inputs of this size.
    fn of(memory: u64, _input: u64, _threads: usize) -> Self {
        /// What there is before there is anything to hold.
        const PROGRAM: u64 = 32 << 20;
        /// Bytes that are held for a key while it is compared with others.
        const KEY: u64 = 64;
        let rest = memory.saturating_sub(PROGRAM).max(PROGRAM);
        Self {
            buffers: (rest / 8).clamp(1 << 20, 64 << 20) as usize,
            parts: 256,
            keys: (rest / 4 / KEY) as usize,
            group: rest / 3,
        }
    }
}
