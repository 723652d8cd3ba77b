//! Watching a run: progress, and the way to cancel it.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Kind};

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Files are read (feature `corpus`). Counted in bytes.
    Read,
    /// Documents to signatures, or to what the method needs of them.
    Sketch,
    /// Documents of equal signatures are compared, and copies collapsed.
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
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "reading",
            Self::Sketch => "sketching",
            Self::Collapse => "collapsing copies",
            Self::Filter => "setting aside",
            Self::Candidates => "finding candidates",
            Self::Sets => "shingling candidates",
            Self::Verify => "verifying",
            Self::Measure => "measuring removals",
            Self::Write => "writing",
        })
    }
}

/// How far a stage is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Documents (in some stages bytes, bands, sets or candidates) done so far.
    pub done: u64,
    /// How many there are to do.
    pub total: u64,
}

/// Is told how a run goes on, and may stop it.
///
/// Any `Fn(Progress) -> ControlFlow<()> + Sync` is one. It is called from the threads that do the
/// work, about every thousand documents and at the end of each stage that has something to do; a call
/// that waits holds its thread up. After a `Break` the run ends soon, with an error that
/// [`is_cancelled`](Error::is_cancelled).
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
}

/// Set in `done` once the watch has said break.
const CANCELLED: u64 = 1 << 63;

impl<'a> Ticker<'a> {
    pub(crate) fn new(watch: Option<&'a dyn Watch>, stage: Stage, total: usize) -> Self {
        Self {
            watch,
            stage,
            total: total as u64,
            done: AtomicU64::new(0),
        }
    }

    /// One that nobody watches.
    pub(crate) fn silent() -> Self {
        Self::new(None, Stage::Sketch, 0)
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
        let progress = Progress {
            stage: self.stage,
            done,
            total: self.total,
        };
        if before & CANCELLED != 0 || due && watch.progress(progress).is_break() {
            self.done.fetch_or(CANCELLED, Ordering::Relaxed);
            return Err(Error::new(Kind::Cancelled));
        }
        Ok(())
    }
}
