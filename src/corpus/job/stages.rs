//! The stages of a job, one after the other.

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use super::Job;
use super::again::Again;
use super::components::{Firsts, Groups, NONE, Weight, connect, group, repeated_ids};
use super::dealt::Dealt;
use super::folder::Folder;
use super::groups::Deciding;
use super::manifest::{GroupedDone, PickedDone, ReadDone, SetsDone, Work};
use super::names;
use super::prefixes::Prefixes;
use super::read::{Keying, Row};
use super::rejected::Late;
use super::sets::Sets;
use super::shares::Shares;
use super::strips::StripsOnDisk;
use super::walk::Known;
use crate::corpus::error::Error;
use crate::corpus::indexed::Indexed;
use crate::corpus::input::Sources;
use crate::corpus::limit::RecordLimit;
use crate::corpus::options::OnBad;
use crate::corpus::parse::Parser;
use crate::corpus::read::Reading;
use crate::digest::Digester;
use crate::exact::survivors;
use crate::method::{Budget, Method};
use crate::text::arch::STRIPS;
use crate::threshold::Threshold;
use crate::watch::{Progress, Stage, Ticker, Watch};

/// The stages of a job, each of which is done unless it has been.
pub(super) struct Stages<'j> {
    pub(super) job: &'j Job<'j>,
    pub(super) sources: &'j Sources,
    pub(super) indexed: &'j Indexed,
    pub(super) shares: Shares,
    pub(super) limit: RecordLimit,
    pub(super) wants_pairs: bool,
    pub(super) watch: Option<&'j dyn Watch>,
}

impl Stages<'_> {
    fn ticker<'t>(&'t self, folder: &'t Folder, stage: Stage, total: usize) -> Ticker<'t> {
        Ticker::spilling(self.watch, stage, total, folder.spilled())
    }

    fn is_exact(&self) -> bool {
        self.job.method() == Method::Exact
    }

    /// Records to what their candidates are found by.
    pub(super) fn read(&self, work: &mut Work) -> Result<ReadDone, Error> {
        if let Some(done) = work.manifest.read.clone() {
            self.limit.hold(done.heaviest).map_err(Error::refused)?;
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
            limit: self.limit,
        };
        let folder = &work.folder;
        let ticker = self.ticker(folder, Stage::Read, self.sources.size() as usize);
        let policy = &options.fields.keep;
        let mut keying = Keying::new(folder, policy, found_by, &self.shares)?;
        Reading::new(&self.sources.inputs, parser, ticker, &mut keying)
            .rounds_of(self.shares.round)
            .run()?;
        keying.take_indexed(self.indexed, &digester, self.shares.buffers)?;
        let done = keying.finish()?;
        work.manifest.read = Some(done.clone());
        work.save()?;
        Ok(done)
    }

    /// Copies are found, and documents that may have partners: by LSH in groups, with the exact join in one.
    pub(super) fn pick(&self, work: &mut Work, read: &ReadDone) -> Result<PickedDone, Error> {
        if let Some(done) = work.manifest.picked.clone() {
            return Ok(done);
        }
        let folder = &work.folder;
        let most = self.shares.keys;
        let repeated = repeated_ids(&Dealt::open(folder, names::IDS)?, most, read.documents)?;
        let prints = Dealt::open(folder, names::PRINTS)?;
        let ticker = self.ticker(folder, Stage::Collapse, prints.len());
        let documents = read.documents + self.indexed.len();
        let firsts = Firsts::new(documents, &prints, &repeated, most, &ticker)?;
        let groups = match self.is_exact() {
            true => self.surviving(folder, &firsts)?,
            false => self.sharing_bands(folder, &firsts, read.documents)?,
        };
        self.shares.hold(&groups)?;
        let late = repeated.len();
        let repeated = repeated.iter().flat_map(|&(late, first)| [late, first]);
        let repeated: Vec<u32> = repeated.collect();
        let new = &firsts.0[..read.documents as usize];
        let nothing = new.iter().filter(|&&first| first == NONE).count();
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
    fn sharing_bands(&self, folder: &Folder, firsts: &Firsts, new: u32) -> Result<Groups, Error> {
        let keys = Dealt::open(folder, names::KEYS)?;
        let ticker = self.ticker(folder, Stage::Candidates, keys.len());
        let components = connect(firsts, &keys, new, self.shares.keys, &ticker)?;
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
            true => Weight {
                document: 500,
                shingle: Budget::memory_of_shingle(deduper.threshold()),
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
    pub(super) fn known(
        &self,
        work: &Work,
        read: &ReadDone,
        picked: &PickedDone,
    ) -> Result<Known, Error> {
        let folder = &work.folder;
        let ends = folder.read_numbers(&read.ends)?;
        let mut known = Known::load(read, ends, folder)?;
        let repeated = folder.read_numbers(&picked.repeated)?;
        let repeated: Vec<(u32, u32)> = repeated.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        let inputs = &self.sources.inputs;
        known.late = Late::new(&repeated, folder, inputs, &known.ends, self.indexed)?;
        match known.late.first() {
            Some(((input, line), reason)) if self.job.options.on_bad == OnBad::Fail => {
                Err(Error::bad(inputs[input].place(line), reason))
            }
            _ => Ok(known),
        }
    }

    /// Documents of groups to shingle sets.
    pub(super) fn sets(
        &self,
        work: &mut Work,
        picked: &PickedDone,
        known: &Known,
    ) -> Result<SetsDone, Error> {
        if let Some(done) = work.manifest.sets.clone() {
            return Ok(done);
        }
        let folder = &work.folder;
        let firsts = Firsts(folder.read_numbers(&picked.firsts)?);
        let groups = Groups {
            group: folder.read_numbers(&picked.groups)?,
            bytes: picked.bytes.clone(),
        };
        let again = Again {
            folder,
            inputs: &self.sources.inputs,
            options: &self.job.options,
            shingler: self.job.deduper.sketcher().shingler(),
            known,
            round: self.shares.round,
            ticker: self.ticker(folder, Stage::Sets, known.documents as usize),
        };
        let sets = Sets::new(folder, &firsts, &groups, self.shares.buffers)?;
        let done = sets.write(again, self.indexed)?;
        work.manifest.sets = Some(done.clone());
        work.save()?;
        work.folder.remove(&[names::GROUPS]);
        Ok(done)
    }

    /// The sets in groups: as they are, by LSH; by their prefixes, with the exact join.
    pub(super) fn group(
        &self,
        work: &mut Work,
        picked: &PickedDone,
        sets: SetsDone,
        new: u32,
    ) -> Result<GroupedDone, Error> {
        if let Some(done) = work.manifest.grouped.clone() {
            return Ok(done);
        }
        let done = match self.is_exact() {
            true => self.group_by_prefixes(work, picked, new)?,
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
        new: u32,
    ) -> Result<GroupedDone, Error> {
        let folder = &work.folder;
        let prefixes = Prefixes {
            folder,
            shares: &self.shares,
            threshold: Threshold(self.job.deduper.threshold()),
            weight: self.weight(),
        };
        let ticker = self.ticker(folder, Stage::Candidates, self.shares.parts);
        prefixes.group(&Firsts(folder.read_numbers(&picked.firsts)?), new, &ticker)
    }

    /// Groups to decisions.
    pub(super) fn decide(
        &self,
        work: &mut Work,
        grouped: &GroupedDone,
        new: u32,
    ) -> Result<(), Error> {
        let all = grouped.bytes.len();
        let done = work.manifest.decided.len();
        if done == all {
            return Ok(());
        }
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
                round: self.shares.round,
                watch: &within,
                wants_pairs: self.wants_pairs,
                new,
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
