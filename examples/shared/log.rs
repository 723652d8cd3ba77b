//! What is told on standard error: a bar for people, or lines for programs; and the end of the run when it is
//! interrupted.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{DecimalBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use resemblance::watch::{Progress, Unit, Watch};
use serde_json::{Value, json};

use super::Failure;

/// What is told meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Told {
    /// Nothing but errors
    None,
    /// A progress bar, where standard error is a terminal
    Bar,
    /// One JSON object a line, for programs: start, progress about every second, then summary or error
    Json,
}

/// Tells how the run goes on.
pub(crate) struct Log {
    told: Told,
    started: Instant,
    bar: ProgressBar,
    state: Mutex<State>,
    /// Set by Ctrl-C and its like: the run then ends by itself, and leaves no temporary file.
    stopped: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    stage: Option<Running>,
    /// When the last line of progress was written.
    line: Option<Instant>,
    /// The most bytes that were spilled by what has been told: not every stage knows.
    spilled: u64,
}

/// The stage in work.
struct Running {
    progress: Progress,
    begun: Instant,
    /// What was done by the last line.
    written: u64,
}

/// Time between two lines, at least, but for those on the end of a stage.
const BETWEEN: Duration = Duration::from_secs(1);

impl Log {
    /// Begin with it: an interruption before that would leave temporary files.
    pub(crate) fn new(told: Told) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        // Where no handler can be set, interrupting ends the program as it always did.
        let _ = ctrlc::set_handler(move || {
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(130); // asked for the second time
            }
        });
        // A file that grows beyond the limit of the process is an error then, as a full disk is.
        #[cfg(unix)]
        let _ = signal_hook::flag::register(
            signal_hook::consts::SIGXFSZ,
            Arc::new(AtomicBool::new(false)),
        );
        let style = ProgressStyle::with_template("{msg:20} {bar:30} {prefix}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            told,
            started: Instant::now(),
            bar: match told {
                // Draws nothing where standard error is no terminal.
                Told::Bar => ProgressBar::no_length().with_style(style),
                Told::None | Told::Json => ProgressBar::hidden(),
            },
            state: Mutex::default(),
            stopped,
        }
    }

    /// Seconds since the program was started.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Tells programs what the run is.
    pub(crate) fn start(&self, settings: &Value) {
        self.event(
            "start",
            json!({
                "program": env!("CARGO_CRATE_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "settings": settings,
            }),
        );
    }

    /// Tells programs what it came to.
    pub(crate) fn summary(&self, mut counts: Value) {
        let mut state = self.state();
        self.end_stage(&mut state);
        counts["seconds"] = rounded(self.seconds());
        counts["spilled"] = state.spilled.into();
        self.event("summary", counts);
    }

    /// Removes the bar; after that the answer can be printed.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Tells of the error, where there is one, and is the program's exit code.
    pub(crate) fn end(&self, ran: Result<(), Failure>) -> ExitCode {
        self.clear();
        let Err(Failure { told, code }) = ran else {
            return ExitCode::SUCCESS;
        };
        self.end_stage(&mut self.state());
        match self.told {
            Told::Json => self.event("error", json!({"message": told, "code": code})),
            Told::None | Told::Bar => write_line(&format!("error: {told}")),
        }
        ExitCode::from(code)
    }

    fn event(&self, event: &str, mut fields: Value) {
        if self.told == Told::Json {
            fields["event"] = event.into();
            write_line(&fields.to_string());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, state: &mut State, progress: Progress) {
        match &mut state.stage {
            Some(running) if progress.done > 0 => {
                if progress.done <= running.progress.done {
                    return; // overtaken by another thread
                }
                running.progress = progress;
            }
            _ => {
                self.end_stage(state);
                self.bar.set_length(progress.total);
                self.bar.set_message(progress.stage.to_string());
                state.stage = Some(Running {
                    progress,
                    begun: Instant::now(),
                    written: 0,
                });
            }
        }
        state.spilled = state.spilled.max(progress.spilled);
        if let (Told::Bar, Some(running)) = (self.told, &state.stage) {
            self.bar.set_position(progress.done);
            self.bar.set_prefix(running.shown(state.spilled));
        }
        let is_due = state.line.unwrap_or(self.started).elapsed() >= BETWEEN;
        if progress.done >= progress.total || progress.done > 0 && is_due {
            self.write_progress(state);
        }
    }

    /// Writes how the stage in work ended, where that has not been written.
    fn end_stage(&self, state: &mut State) {
        self.write_progress(state);
        state.stage = None;
    }

    fn write_progress(&self, state: &mut State) {
        let Some(running) = &mut state.stage else {
            return;
        };
        let Progress {
            stage, done, total, ..
        } = running.progress;
        if done > running.written {
            running.written = done;
            state.line = Some(Instant::now());
            let fields = json!({
                "stage": stage.to_string(),
                "done": done,
                "total": total,
                "unit": stage.unit().to_string(),
                "per_second": rounded(running.per_second()),
                "seconds_left": running.left().map(|left| rounded(left.as_secs_f64())),
                "spilled": state.spilled,
                "elapsed": rounded(self.seconds()),
            });
            self.event("progress", fields);
        }
    }
}

impl Running {
    /// The rate since the stage began.
    fn per_second(&self) -> f64 {
        self.progress.done as f64 / self.begun.elapsed().as_secs_f64().max(1e-9)
    }

    /// The time left at this rate; none before there is one.
    fn left(&self) -> Option<Duration> {
        let Progress { done, total, .. } = self.progress;
        let seconds = total.saturating_sub(done) as f64 / self.per_second();
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// For people: done of total, rate, time left, and what was spilled if anything.
    fn shown(&self, spilled: u64) -> String {
        let Progress {
            stage, done, total, ..
        } = self.progress;
        let unit = stage.unit();
        let count = |n: u64| match unit {
            Unit::Bytes => DecimalBytes(n).to_string(),
            _ => HumanCount(n).to_string(),
        };
        let unit = match unit {
            Unit::Bytes => String::new(), // told by the counts
            unit => format!(" {unit}"),
        };
        let rate = |left| {
            let rate = count(self.per_second() as u64);
            format!(" ({rate}/s, {:#} left)", HumanDuration(left))
        };
        let rate = self.left().map(rate).unwrap_or_default();
        let spilled = match spilled {
            0 => String::new(),
            bytes => format!(", {} spilled", DecimalBytes(bytes)),
        };
        format!("{} of {}{unit}{rate}{spilled}", count(done), count(total))
    }
}

impl Watch for Log {
    fn progress(&self, progress: Progress) -> ControlFlow<()> {
        if self.told != Told::None {
            self.tell(&mut self.state(), progress);
        }
        match self.stopped.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Whether anybody reads it is not ours to know.
fn write_line(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A number of seconds or a rate, to the thousandth.
fn rounded(number: f64) -> Value {
    json!((number * 1e3).round() / 1e3)
}
