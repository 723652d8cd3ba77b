//! Progress of a run, and how to cancel it.

use std::cell::Cell;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Error;

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Searching for files (feature `corpus`). Counted in files; reported only if it takes long.
    Find,
    /// Reading files (feature `corpus`). Counted in bytes.
    Read,
    /// Counting in how many documents of a group each passage stands, see [`aside`](crate::aside).
    Passages,
    /// Computing signatures, or what else the method needs of each document.
    Sketch,
    /// Collapsing copies (feature `corpus`, with bounded memory).
    Collapse,
    /// Filtering out documents that cannot have a near-duplicate (exact join).
    Filter,
    /// Sorting signatures into buckets of candidates, counted in bands; or building an index of the prefixes of shingle
    /// sets, counted in sets.
    Candidates,
    /// Building the shingle sets of candidates.
    Sets,
    /// Verifying candidates, and clustering them if the caller wants clusters. Counted in documents, or in entries of
    /// buckets.
    Verify,
    /// Computing the similarity of each removed document to the kept one.
    Measure,
    /// Copying records to outputs (feature `corpus`).
    Write,
    /// Writing the kept documents to an index (feature `corpus`).
    Save,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Find => "finding files",
            Self::Read => "reading",
            Self::Passages => "counting passages",
            Self::Sketch => "sketching",
            Self::Collapse => "collapsing copies",
            Self::Filter => "filtering",
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
    /// The unit in which [`Progress`] counts this stage.
    pub fn unit(self) -> Unit {
        match self {
            Self::Find => Unit::Files,
            Self::Read => Unit::Bytes,
            Self::Passages
            | Self::Sketch
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

/// The unit in which a stage is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Files.
    Files,
    /// Bytes of files, as stored on the disk.
    Bytes,
    /// Documents.
    Documents,
    /// Distinct shingle sets: documents, with copies counted once.
    Sets,
    /// Parts of the work, depending on the method: bands, sets or entries of buckets.
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

/// The progress of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Done so far, in the [unit](Stage::unit) of the stage.
    pub done: u64,
    /// The total amount of work. If it is not known (while searching for files, or with standard input), a number
    /// greater than [`done`](Self::done).
    pub total: u64,
    /// Bytes that the run has written to its work folder so far; 0 for a run in memory.
    pub spilled: u64,
}

#[cfg(feature = "corpus")]
impl Progress {
    /// The progress of a stage whose total is not known.
    pub(crate) fn of_unknown(stage: Stage, done: u64) -> Self {
        Self {
            stage,
            done,
            total: done + 1,
            spilled: 0,
        }
    }
}

/// A callback that receives the progress of a run, and may cancel it.
///
/// Any `Fn(Progress) -> ControlFlow<()> + Sync` implements it. Each stage that has work to do reports its start, with
/// nothing done; its progress, about every thousand documents; and its end. A stage may be reported again: for example,
/// clusters may be verified after pairs. Reports of progress come from the threads that do the work, so they may arrive
/// out of order, and a call that blocks delays its thread. After a `Break` the run ends soon, with an error that
/// [`is_cancelled`](Error::is_cancelled).
pub trait Watch: Sync {
    /// Receives the progress of the current stage.
    fn progress(&self, progress: Progress) -> ControlFlow<()>;
}

impl<F: Fn(Progress) -> ControlFlow<()> + Sync> Watch for F {
    fn progress(&self, progress: Progress) -> ControlFlow<()> {
        self(progress)
    }
}

/// Counts the work of a stage and reports it to the [`Watch`].
pub(crate) struct Ticker<'a> {
    watch: Option<&'a dyn Watch>,
    stage: Stage,
    total: u64,
    done: AtomicU64,
    spilled: Option<&'a AtomicU64>,
}

/// The bit of `done` that is set once the watch has returned `Break`.
const CANCELLED: u64 = 1 << 63;

impl<'a> Ticker<'a> {
    /// Starts a stage.
    pub(crate) fn new(watch: Option<&'a dyn Watch>, stage: Stage, total: usize) -> Self {
        Self::begin(watch, stage, total, None)
    }

    /// Starts a stage of a run whose work folder has `spilled` bytes.
    #[cfg(feature = "corpus")]
    pub(crate) fn spilling(
        watch: Option<&'a dyn Watch>,
        stage: Stage,
        total: usize,
        spilled: &'a AtomicU64,
    ) -> Self {
        Self::begin(watch, stage, total, Some(spilled))
    }

    /// A ticker that reports to no watch.
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
            *ticker.done.get_mut() = CANCELLED; // the first tick returns the error
        }
        ticker
    }

    /// Counts `more` units as done.
    ///
    /// # Errors
    /// If the run is cancelled.
    pub(crate) fn tick(&self, more: usize) -> Result<(), Error> {
        let Some(watch) = self.watch else {
            return Ok(());
        };
        let before = self.done.fetch_add(more as u64, Ordering::Relaxed);
        let done = (before & !CANCELLED) + more as u64;
        // The amount of work between two calls of the watch. Results never depend on it.
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

    /// Calls the watch without counting any work.
    ///
    /// # Errors
    /// If the run is cancelled.
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

/// Calls the watch of a stage at intervals of steps that do not count as work.
pub(crate) struct Looks<'t> {
    ticker: &'t Ticker<'t>,
    steps: Cell<usize>,
}

impl<'t> Looks<'t> {
    pub(crate) fn new(ticker: &'t Ticker<'t>) -> Self {
        let steps = Cell::new(0);
        Self { ticker, steps }
    }

    /// Counts steps of about a microsecond each.
    ///
    /// # Errors
    /// If the run is cancelled.
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

    /// What a stage of 2,500 documents reports, if it does 500 at a time and writes 10 bytes each time.
    fn reported(until: u64) -> (Vec<(u64, u64)>, Result<(), Error>) {
        let reports = Mutex::default();
        let watch = |progress: Progress| {
            assert_eq!((progress.stage, progress.total), (Stage::Filter, 2500));
            let mut reports: std::sync::MutexGuard<'_, Vec<_>> = reports.lock().unwrap();
            reports.push((progress.done, progress.spilled));
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
        (reports.into_inner().unwrap(), ticked)
    }

    #[test]
    fn a_stage_reports_its_start_its_end_and_some_progress() {
        let (reports, ticked) = reported(u64::MAX);
        assert_eq!(reports, [(0, 7), (1500, 37), (2500, 57)]);
        ticked.unwrap();
    }

    #[test]
    fn a_break_ends_it_at_the_next_tick() {
        for (until, calls) in [(0, 1), (1, 2), (2500, 3)] {
            let (reports, ticked) = reported(until);
            assert_eq!(reports.len(), calls);
            assert!(ticked.unwrap_err().is_cancelled());
        }
    }

    #[test]
    fn a_stage_without_work_is_not_reported() {
        let watch = |_: Progress| panic!("reported");
        Ticker::new(Some(&watch), Stage::Sketch, 0);
    }
}
