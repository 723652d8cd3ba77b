//! Reports the progress of work whose total is not known.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::corpus::error::Error;
use crate::watch::{Progress, Stage, Watch};

/// Reports the progress of work whose total is not known.
pub(crate) struct Finding<'w> {
    watch: Option<&'w dyn Watch>,
    stage: Stage,
    last: Instant,
}

impl<'w> Finding<'w> {
    /// The time between two reports.
    pub(crate) const EVERY: Duration = Duration::from_millis(50);

    pub(crate) fn new(watch: Option<&'w dyn Watch>, stage: Stage) -> Self {
        let last = Instant::now();
        Self { watch, stage, last }
    }

    /// Reports that `done` is done, if a report is due.
    pub(crate) fn look(&mut self, done: usize) -> Result<(), Error> {
        let Some(watch) = self.watch.filter(|_| self.last.elapsed() >= Self::EVERY) else {
            return Ok(());
        };
        self.last = Instant::now();
        match watch.progress(Progress::of_unknown(self.stage, done as u64)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(crate::Error::cancelled().into()),
        }
    }
}
