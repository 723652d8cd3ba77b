//! Progress on standard error, where that is a terminal; and the end of the run when it is interrupted.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use indicatif::{ProgressBar, ProgressStyle};
use resemblance::watch::{Progress, Stage, Watch};

/// One bar that each stage takes over from the one before.
pub(crate) struct Bar {
    line: ProgressBar,
    stage: Mutex<Option<Stage>>,
    /// Set by Ctrl-C and its like: the run then ends by itself, and leaves no temporary file.
    stopped: Arc<AtomicBool>,
}

impl Bar {
    pub(crate) fn new() -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        // Where no handler can be set, interrupting ends the program as it always did.
        let _ = ctrlc::set_handler(move || {
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(130); // asked for the second time
            }
        });
        Self {
            // Draws nothing where standard error is no terminal.
            line: ProgressBar::no_length().with_style(style("")),
            stage: Mutex::new(None),
            stopped,
        }
    }

    fn begin(&self, progress: Progress) {
        let count = match progress.stage {
            Stage::Read => "{bytes} of {total_bytes} ({bytes_per_sec}, {eta} left)",
            _ => "{human_pos} of {human_len} ({eta} left)",
        };
        self.line.set_length(progress.total);
        self.line.set_position(0);
        self.line.reset_eta();
        self.line.set_style(style(count));
        self.line.set_message(progress.stage.to_string());
    }
}

fn style(count: &str) -> ProgressStyle {
    let template = format!("{{msg:20}} {{bar:30}} {count}");
    ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Watch for Bar {
    fn progress(&self, progress: Progress) -> ControlFlow<()> {
        if let Ok(mut stage) = self.stage.lock()
            && stage.replace(progress.stage) != Some(progress.stage)
        {
            self.begin(progress);
        }
        self.line.set_position(progress.done);
        match self.stopped.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.line.finish_and_clear();
    }
}
