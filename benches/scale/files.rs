//! The examples end to end: `generate` writes a file, `dedup` finds its near-duplicates.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::memory;
use crate::program::example;
use crate::table::{Ratio, row};

/// Prints a line for each size and number of threads.
pub(crate) fn measure(sizes: &[u64], words: u64) {
    let (generate, dedup) = (example("generate"), example("dedup"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("documents.jsonl");
    row(&[
        "documents",
        "threads",
        "MB",
        "seconds",
        "MB/s",
        "ns/document",
        "to first",
        "peak, MiB",
        "B/document",
    ]);
    let mut firsts = [Ratio::default(), Ratio::default()];
    for &documents in sizes {
        let written = Command::new(&generate)
            .args(["--documents", &documents.to_string()])
            .args(["--words", &words.to_string()])
            .arg("--output")
            .arg(&file)
            .status();
        assert!(written.expect("generate runs").success());
        let bytes = file.metadata().expect("just written").len() as f64;
        for (threads, first) in [1, 2].into_iter().zip(&mut firsts) {
            let (seconds, peak) = run(Command::new(&dedup)
                .arg(&file)
                .args(["--format", "json", "--threads", &threads.to_string()])
                .stdout(Stdio::null()));
            let each = seconds * 1e9 / documents as f64;
            let peak = peak.map_or(f64::NAN, |peak| peak as f64);
            row(&[
                &documents.to_string(),
                &threads.to_string(),
                &format!("{:.0}", bytes / 1e6),
                &format!("{seconds:.2}"),
                &format!("{:.0}", bytes / 1e6 / seconds),
                &format!("{each:.0}"),
                &first.of(each),
                &format!("{:.0}", peak / f64::from(1 << 20)),
                &format!("{:.0}", peak / documents as f64),
            ]);
        }
    }
}

/// Seconds, and the peak of memory: looked at every few milliseconds, since it is gone when the process
/// is.
fn run(command: &mut Command) -> (f64, Option<u64>) {
    let start = Instant::now();
    let mut child = command.spawn().expect("dedup runs");
    let mut peak = None;
    loop {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            assert!(status.success());
            return (start.elapsed().as_secs_f64(), peak);
        }
        peak = peak.max(memory::peak_of(child.id()));
        sleep(Duration::from_millis(5));
    }
}
