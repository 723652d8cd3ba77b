//! Runs of the crate that other Python threads do not wait for.

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use resemblance::watch::{Progress, Stage, Watch};

use crate::errors::{Raised, bug, refused};

/// How often Python is asked whether it was interrupted, and shown the progress.
const EVERY: Duration = Duration::from_millis(50);

/// Does `work` in a pool of `threads`, without the interpreter's lock.
///
/// Meanwhile the calling thread lets Python handle signals, and passes the progress to `shown`, a callable that takes a
/// stage, what is done, the total and the unit. If either raises, the work is cancelled and the exception returned.
pub(crate) fn run<T: Send, E: Raised + Send>(
    py: Python<'_>,
    threads: Option<usize>,
    shown: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Watched) -> Result<T, E> + Send,
) -> PyResult<T> {
    let pool = pool(threads)?;
    let watched = Watched::default();
    let (send, done) = sync_channel(1);
    let done = Mutex::new(done); // another thread may not use it without
    thread::scope(|scope| {
        scope.spawn(|| {
            let run = || pool.install(|| work(&watched));
            // Nothing uses the state of a panicked run again.
            let _ = send.send(catch_unwind(AssertUnwindSafe(run)));
        });
        loop {
            match py.detach(|| lock(&done).recv_timeout(EVERY)) {
                Ok(Ok(result)) => {
                    watched.show(shown)?;
                    return result.map_err(Raised::raised);
                }
                Ok(Err(panic)) => return Err(bug(&message(&*panic))),
                Err(RecvTimeoutError::Disconnected) => return Err(bug("a thread has gone")),
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(raised) = py.check_signals().and_then(|()| watched.show(shown)) {
                        watched.stopped.store(true, Ordering::Relaxed);
                        let _ = py.detach(|| lock(&done).recv()); // it ends soon
                        return Err(raised);
                    }
                }
            }
        }
    })
}

/// Does `work` that takes too little time to be interrupted, without the interpreter's lock, in the default pool.
pub(crate) fn briefly<T: Send, E: Raised + Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    briefly_in(py, None, work)
}

/// Does `work` like [`briefly`], in a pool of `threads`.
pub(crate) fn briefly_in<T: Send, E: Raised + Send>(
    py: Python<'_>,
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    let pool = pool(threads)?;
    match py.detach(|| catch_unwind(AssertUnwindSafe(|| pool.install(work)))) {
        Ok(result) => result.map_err(Raised::raised),
        Err(panic) => Err(bug(&message(&*panic))),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic").to_owned()
}

/// A pool with the process that has its threads, and the number of threads that was asked for.
type Kept = (u32, usize, Arc<ThreadPool>);

/// A pool of this many threads, or one for each core. Those used last are kept. A process that was forked from one with
/// pools has none of their threads, and gets pools of its own.
fn pool(threads: Option<usize>) -> PyResult<Arc<ThreadPool>> {
    const MOST: usize = 2;
    static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());
    let mut kept = lock(&KEPT);
    let (process, threads) = (process::id(), threads.unwrap_or(0));
    let is_it = |(of, many, _): &Kept| (*of, *many) == (process, threads);
    if let Some((_, _, pool)) = kept.iter().find(|kept| is_it(kept)) {
        return Ok(Arc::clone(pool));
    }
    let made = ThreadPoolBuilder::new().num_threads(threads).build();
    let made = made.map_err(|error| refused(format!("cannot start the threads: {error}")))?;
    let pool = Arc::new(made);
    if kept.len() == MOST {
        let (of, _, oldest) = kept.remove(0);
        if of != process {
            std::mem::forget(oldest); // it would wait for threads that do not exist here
        }
    }
    kept.push((process, threads, Arc::clone(&pool)));
    Ok(pool)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the latest progress, and cancels the run if it is stopped.
#[derive(Default)]
pub(crate) struct Watched {
    stopped: AtomicBool,
    /// The stage, what is done, and the total.
    latest: Mutex<Option<(Stage, u64, u64)>>,
}

/// The run was stopped: the exception that stopped it is raised.
pub(crate) struct Stopped;

impl Raised for Stopped {
    fn raised(self) -> PyErr {
        PyKeyboardInterrupt::new_err(())
    }
}

impl Watch for Watched {
    fn progress(&self, progress: Progress) -> ControlFlow<()> {
        match self.reach(progress.stage, progress.done, progress.total) {
            Err(Stopped) => ControlFlow::Break(()),
            Ok(()) => ControlFlow::Continue(()),
        }
    }
}

impl Watched {
    /// Takes progress. Fails if the run was stopped.
    pub(crate) fn reach(&self, stage: Stage, done: u64, total: u64) -> Result<(), Stopped> {
        let mut latest = lock(&self.latest);
        let is_overtaken = |(at, before, _)| at == stage && done > 0 && done < before;
        if !latest.is_some_and(is_overtaken) {
            *latest = Some((stage, done, total));
        }
        match self.stopped.load(Ordering::Relaxed) {
            true => Err(Stopped),
            false => Ok(()),
        }
    }

    fn show(&self, shown: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let latest = *lock(&self.latest);
        if let (Some(shown), Some((stage, done, total))) = (shown, latest) {
            shown.call1((stage.to_string(), done, total, stage.unit().to_string()))?;
        }
        Ok(())
    }
}
