//! Progress on standard error, where that is a terminal.

use std::ops::ControlFlow;
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressStyle};
use resemblance::watch::{Progress, Stage, Watch};

/// One bar that each stage takes over from the one before.
pub(crate) struct Bar {
    bar: ProgressBar,
    stage: Mutex<Option<Stage>>,
}

impl Bar {
    pub(crate) fn new() -> Self {
        // Draws nothing where standard error is no terminal.
        Self {
            bar: ProgressBar::new(0),
            stage: Mutex::new(None),
        }
    }

    fn style(stage: Stage) -> ProgressStyle {
        let count = match stage {
            Stage::Read => "{bytes}/{total_bytes} ({bytes_per_sec}, {eta} left)",
            _ => "{human_pos}/{human_len} ({per_sec}, {eta} left)",
        };
        let template = format!("{{msg:20}} {{bar:30}} {count}");
        ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar())
    }
}

impl Watch for Bar {
    fn progress(&self, progress: Progress) -> ControlFlow<()> {
        if let Ok(mut stage) = self.stage.lock() {
            if *stage != Some(progress.stage) {
                *stage = Some(progress.stage);
                self.bar.reset();
                self.bar.set_style(Self::style(progress.stage));
                self.bar.set_message(progress.stage.to_string());
                self.bar.set_length(progress.total);
            }
        }
        self.bar.set_position(progress.done);
        ControlFlow::Continue(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
