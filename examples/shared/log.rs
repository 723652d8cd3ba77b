//! Progress on standard error, as a bar for people or as JSON lines for programs; and a clean end after an
//! interruption.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{DecimalBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use resemblance::watch::{Progress, Unit, Watch};
use serde_json::{Value, json};

use super::Failure;

/// What is written to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogMode {
    /// Nothing but errors
    None,
    /// A progress bar, if standard error is a terminal
    Bar,
    /// For programs, one JSON object per line: start, progress about every second, then summary or error
    Json,
}

/// Writes progress and errors to standard error.
pub(crate) struct Log {
    program: &'static str,
    mode: LogMode,
    started: Instant,
    bar: ProgressBar,
    state: Mutex<State>,
    /// Set by Ctrl-C and similar signals. The run then ends and leaves no temporary file.
    stopped: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    stage: Option<Running>,
    /// When the last line of progress was written.
    line: Option<Instant>,
    /// The most spilled bytes that a stage has reported; some stages report 0.
    spilled: u64,
}

/// The current stage.
struct Running {
    progress: Progress,
    begun: Instant,
    /// The `done` count in the last line.
    written: u64,
}

/// The least time between two lines. The last line of a stage does not wait for it.
const BETWEEN: Duration = Duration::from_secs(1);

impl Log {
    /// Sets the signal handlers. Call it first: an earlier interruption would leave temporary files.
    pub(crate) fn new(program: &'static str, mode: LogMode) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        // If no handler can be set, an interruption ends the program at once, as by default.
        let _ = ctrlc::set_handler(move || {
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(130); // second interruption
            }
        });
        // With this handler, exceeding the file size limit of the process is a write error, like a full disk.
        #[cfg(unix)]
        let _ = signal_hook::flag::register(
            signal_hook::consts::SIGXFSZ,
            Arc::new(AtomicBool::new(false)),
        );
        let style = ProgressStyle::with_template("{msg:20} {bar:30} {prefix}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self {
            program,
            mode,
            started: Instant::now(),
            bar: match mode {
                // Draws nothing if standard error is not a terminal.
                LogMode::Bar => ProgressBar::no_length().with_style(style),
                LogMode::None | LogMode::Json => ProgressBar::hidden(),
            },
            state: Mutex::default(),
            stopped,
        }
    }

    /// Seconds since the program was started.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Writes the event `start`, with the settings.
    pub(crate) fn start(&self, settings: &Value) {
        self.event(
            "start",
            json!({
                "program": self.program,
                "version": env!("CARGO_PKG_VERSION"),
                "settings": settings,
            }),
        );
    }

    /// Writes the event `summary`, with the counts of the finished run.
    pub(crate) fn summary(&self, mut counts: Value) {
        let mut state = self.state();
        self.end_stage(&mut state);
        counts["seconds"] = rounded(self.seconds());
        counts["spilled"] = state.spilled.into();
        self.event("summary", counts);
    }

    /// Removes the bar, so that the answer can be printed.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Writes the error, if there is one, and returns the program's exit code.
    pub(crate) fn end(&self, ran: Result<(), Failure>) -> u8 {
        self.clear();
        let Err(Failure { message, code }) = ran else {
            return 0;
        };
        self.end_stage(&mut self.state());
        match self.mode {
            LogMode::Json => self.event("error", json!({"message": message, "code": code})),
            LogMode::None | LogMode::Bar => write_line(&format!("error: {message}")),
        }
        code
    }

    fn event(&self, event: &str, mut fields: Value) {
        if self.mode == LogMode::Json {
            fields["event"] = event.into();
            write_line(&fields.to_string());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, state: &mut State, progress: Progress) {
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
        if let (LogMode::Bar, Some(running)) = (self.mode, &state.stage) {
            self.bar.set_position(progress.done);
            self.bar.set_prefix(running.shown(state.spilled));
        }
        let is_due = state.line.unwrap_or(self.started).elapsed() >= BETWEEN;
        if progress.done >= progress.total || progress.done > 0 && is_due {
            self.write_progress(state);
        }
    }

    /// Writes the last progress of the current stage, unless it is already written.
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

    /// The time left at this rate; `None` while the rate is 0.
    fn left(&self) -> Option<Duration> {
        let Progress { done, total, .. } = self.progress;
        let seconds = total.saturating_sub(done) as f64 / self.per_second();
        Duration::try_from_secs_f64(seconds).ok()
    }

    /// The text beside the bar: done of total, rate, time left, and the spilled bytes if any.
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
            Unit::Bytes => String::new(), // part of the counts
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
        if self.mode != LogMode::None {
            self.update(&mut self.state(), progress);
        }
        match self.stopped.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

/// Writes a line to standard error. Failing to do so is not an error.
fn write_line(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// A number of seconds or a rate, rounded to three decimals.
fn rounded(number: f64) -> Value {
    json!((number * 1e3).round() / 1e3)
}
