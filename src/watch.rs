//! Watching a run: progress, and the way to cancel it.

use std::cell::Cell;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Files are looked for (feature `corpus`). Counted in files; told only where it takes long.
    Find,
    /// Files are read (feature `corpus`). Counted in bytes.
    Read,
    /// Documents to signatures, or to what the method needs of them.
    Sketch,
    /// Copies are collapsed (feature `corpus`, where memory is bounded).
    Collapse,
    /// Documents that can have no partner are set aside (exact join).
    Filter,
    /// Signatures to buckets of candidates, counted in bands; or shingle sets to an index of their prefixes, counted
    /// in sets.
    Candidates,
    /// The shingle sets of candidates are built.
    Sets,
    /// Candidates are verified, and clustered where clusters are asked for. Counted in documents, or
    /// in places of buckets.
    Verify,
    /// The similarity of each removed document to the kept one is computed.
    Measure,
    /// Records are copied to outputs (feature `corpus`).
    Write,
    /// Documents that are kept are written to an index (feature `corpus`).
    Save,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Find => "finding files",
            Self::Read => "reading",
            Self::Sketch => "sketching",
            Self::Collapse => "collapsing copies",
            Self::Filter => "setting aside",
            Self::Candidates => "finding candidates",
            Self::Sets => "shingling candidates",
            Self::Verify => "verifying",
            Self::Measure => "measuring removals",
            Self::Write => "writing",
            Self::Save => "writing the index",
        })
    }
}

impl Stage {
    /// What it is counted in.
    pub fn unit(self) -> Unit {
        match self {
            Self::Find => Unit::Files,
            Self::Read => Unit::Bytes,
            Self::Sketch
            | Self::Collapse
            | Self::Filter
            | Self::Measure
            | Self::Write
            | Self::Save => Unit::Documents,
            Self::Sets => Unit::Sets,
            Self::Candidates | Self::Verify => Unit::Steps,
        }
    }
}

/// What a stage is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Files.
    Files,
    /// Bytes of files, as they stand on the disk.
    Bytes,
    /// Documents.
    Documents,
    /// Distinct shingle sets: documents, but copies only once.
    Sets,
    /// Parts of the work, by method: bands, sets or places of buckets.
    Steps,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files => "files",
            Self::Bytes => "bytes",
            Self::Documents => "documents",
            Self::Sets => "sets",
            Self::Steps => "steps",
        })
    }
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Done so far, in the [unit](Stage::unit) of the stage.
    pub done: u64,
    /// How much there is to do. Where that is not known (files that are looked for, standard input), a number greater than
    /// [`done`](Self::done).
    pub total: u64,
    /// Bytes that the run has written to its work folder up to now; 0 where all is in memory.
    pub spilled: u64,
}

#[cfg(feature = "corpus")]
impl Progress {
    /// Progress of a stage whose total is not known.
    pub(crate) fn of_unknown(stage: Stage, done: u64) -> Self {
        Self {
            stage,
            done,
            total: done + 1,
            spilled: 0,
        }
    }
}

/// Is told how a run goes on, and may stop it.
///
/// Any `Fn(Progress) -> ControlFlow<()> + Sync` is one. Of each stage that has something to do it is told the
/// beginning, with nothing done; the end; and how far it is in between, about every thousand documents. A stage may
/// come again: when pairs were verified, clusters may be. The calls in between come from the threads that do the work,
/// so that one may be overtaken by a later one; a call that waits holds its thread up. After a `Break` the run ends
/// soon, with an error that [`is_cancelled`](Error::is_cancelled).
pub trait Watch: Sync {
    /// Called with how far the run is.
    fn progress(&self, progress: Progress) -> ControlFlow<()>;
}

impl<F: Fn(Progress) -> ControlFlow<()> + Sync> Watch for F {
    fn progress(&self, progress: Progress) -> ControlFlow<()> {
        self(progress)
    }
}

/// Counts one stage's work and passes it on to the [`Watch`].
pub(crate) struct Ticker<'a> {
    watch: Option<&'a dyn Watch>,
    stage: Stage,
    total: u64,
    done: AtomicU64,
    spilled: Option<&'a AtomicU64>,
}

/// Set in `done` once the watch has said break.
const CANCELLED: u64 = 1 << 63;

impl<'a> Ticker<'a> {
    /// Begins a stage.
    pub(crate) fn new(watch: Option<&'a dyn Watch>, stage: Stage, total: usize) -> Self {
        Self::begin(watch, stage, total, None)
    }

    /// Begins a stage of a run that counts in `spilled` what it writes to its work folder.
    #[cfg(feature = "corpus")]
    pub(crate) fn spilling(
        watch: Option<&'a dyn Watch>,
        stage: Stage,
        total: usize,
        spilled: &'a AtomicU64,
    ) -> Self {
        Self::begin(watch, stage, total, Some(spilled))
    }

    /// One that nobody watches.
    pub(crate) fn silent() -> Self {
        Self::new(None, Stage::Sketch, 0)
    }

    fn begin(
        watch: Option<&'a dyn Watch>,
        stage: Stage,
        total: usize,
        spilled: Option<&'a AtomicU64>,
    ) -> Self {
        let mut ticker = Self {
            watch,
            stage,
            total: total as u64,
            done: AtomicU64::new(0),
            spilled,
        };
        if let Some(watch) = watch.filter(|_| total > 0)
            && watch.progress(ticker.progress(0)).is_break()
        {
            *ticker.done.get_mut() = CANCELLED; // told by the first tick
        }
        ticker
    }

    /// Counts `more` as done.
    ///
    /// # Errors
    /// Where the run is cancelled.
    pub(crate) fn tick(&self, more: usize) -> Result<(), Error> {
        let Some(watch) = self.watch else {
            return Ok(());
        };
        let before = self.done.fetch_add(more as u64, Ordering::Relaxed);
        let done = (before & !CANCELLED) + more as u64;
        // Work between two calls of the watch. Results never depend on it.
        let every = match self.stage {
            Stage::Read => 1 << 20,
            Stage::Candidates => 1,
            _ => 1 << 10,
        };
        let due = done / every != (before & !CANCELLED) / every || done == self.total;
        if before & CANCELLED != 0 || due && watch.progress(self.progress(done)).is_break() {
            self.done.fetch_or(CANCELLED, Ordering::Relaxed);
            return Err(Error::cancelled());
        }
        Ok(())
    }

    /// Asks the watch whether to go on, with nothing more done.
    ///
    /// # Errors
    /// Where the run is cancelled.
    pub(crate) fn look(&self) -> Result<(), Error> {
        let done = self.done.load(Ordering::Relaxed);
        let is_cancelled = |watch: &dyn Watch| watch.progress(self.progress(done)).is_break();
        if done & CANCELLED != 0 || self.watch.is_some_and(is_cancelled) {
            self.done.fetch_or(CANCELLED, Ordering::Relaxed);
            return Err(Error::cancelled());
        }
        Ok(())
    }

    fn progress(&self, done: u64) -> Progress {
        let spilled = self
            .spilled
            .map_or(0, |bytes| bytes.load(Ordering::Relaxed));
        Progress {
            stage: self.stage,
            done,
            total: self.total,
            spilled,
        }
    }
}

/// Asks the watch of a stage whether to go on, every so many steps that are not counted as work done.
pub(crate) struct Looks<'t> {
    ticker: &'t Ticker<'t>,
    steps: Cell<usize>,
}

impl<'t> Looks<'t> {
    pub(crate) fn new(ticker: &'t Ticker<'t>) -> Self {
        let steps = Cell::new(0);
        Self { ticker, steps }
    }

    /// Counts steps, of about a microsecond each.
    ///
    /// # Errors
    /// Where the run is cancelled.
    pub(crate) fn count(&self, more: usize) -> Result<(), Error> {
        const EVERY: usize = 1 << 13;
        let steps = self.steps.get() + more;
        self.steps.set(steps % EVERY);
        match steps < EVERY {
            true => Ok(()),
            false => self.ticker.look(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What a watch is told of a stage of 2,500 documents, done 500 at a time, each of which writes 10 bytes.
    fn told(until: u64) -> (Vec<(u64, u64)>, Result<(), Error>) {
        let told = Mutex::default();
        let watch = |progress: Progress| {
            assert_eq!((progress.stage, progress.total), (Stage::Filter, 2500));
            let mut told: std::sync::MutexGuard<'_, Vec<_>> = told.lock().unwrap();
            told.push((progress.done, progress.spilled));
            match progress.done >= until {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let spilled = AtomicU64::new(7);
        let ticker = Ticker::spilling(Some(&watch), Stage::Filter, 2500, &spilled);
        let ticked = (0..5).try_for_each(|_| {
            spilled.fetch_add(10, Ordering::Relaxed);
            ticker.tick(500)
        });
        (told.into_inner().unwrap(), ticked)
    }

    #[test]
    fn the_beginning_the_end_and_some_in_between_are_told() {
        let (told, ticked) = told(u64::MAX);
        assert_eq!(told, [(0, 7), (1500, 37), (2500, 57)]);
        ticked.unwrap();
    }

    #[test]
    fn a_break_ends_it_at_the_next_tick() {
        for (until, calls) in [(0, 1), (1, 2), (2500, 3)] {
            let (told, ticked) = told(until);
            assert_eq!(told.len(), calls);
            assert!(ticked.unwrap_err().is_cancelled());
        }
    }

    #[test]
    fn a_stage_without_work_is_not_told() {
        let watch = |_: Progress| panic!("told");
        Ticker::new(Some(&watch), Stage::Sketch, 0);
    }
}
