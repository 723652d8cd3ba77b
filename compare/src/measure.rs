//! Running a contender in a child process, and what it took.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use wait4::Wait4;

/// What a child answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Of the stage alone, the best run.
    #[serde(default)]
    pub(crate) seconds: f64,
    /// Read or worked on.
    #[serde(default)]
    pub(crate) bytes: u64,
    #[serde(default)]
    pub(crate) documents: usize,
    /// Resident before the stage: program, interpreter and documents.
    #[serde(default)]
    pub(crate) before: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pairs: Option<usize>,
    /// Of the stage `sketch`: shingles a document, and nanoseconds a shingle.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) nanoseconds: Vec<(usize, f64)>,
}

/// A child's answer, and what was seen of it from outside.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) answer: Answer,
    /// Of the whole process.
    pub(crate) wall: f64,
    /// Most memory resident at once, in bytes.
    pub(crate) peak: u64,
}

/// Where a child runs, and for how long it may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) cores: usize,
    pub(crate) seconds: u64,
    /// Bytes that it may allocate.
    pub(crate) memory: u64,
}

/// Runs `program` on the first CPUs, told to use as many threads.
///
/// A child's peak counts from the memory of its parent at the fork: this process must stay small, and so
/// holds no documents.
fn spawn(
    program: &OsStr,
    arguments: &[String],
    bounds: Bounds,
    scratch: &Path,
) -> Result<(String, f64, u64)> {
    let (out, err) = (scratch.join("stdout"), scratch.join("stderr"));
    let threads = bounds.cores.to_string();
    let start = Instant::now();
    let child = Command::new("timeout")
        .args([&bounds.seconds.to_string(), "taskset", "-c"])
        .arg(if bounds.cores == 1 { "0" } else { "0,1" })
        .args(["prlimit", &format!("--data={}", bounds.memory)])
        .arg(program)
        .args(arguments)
        .env("RAYON_NUM_THREADS", &threads)
        .env("OMP_NUM_THREADS", &threads)
        .env("OPENBLAS_NUM_THREADS", &threads)
        // daft draws a progress bar and phones home unless told not to.
        .env("DAFT_PROGRESS_BAR", "0")
        .env("DO_NOT_TRACK", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(File::create(&out)?)
        .stderr(File::create(&err)?)
        .spawn()
        .context("timeout, taskset and prlimit are needed")?;
    let used = child.wait4()?;
    let wall = start.elapsed().as_secs_f64();
    if !used.status.success() {
        if used.status.code() == Some(124) {
            bail!("not done after {} s", bounds.seconds);
        }
        let complaint = std::fs::read_to_string(&err)?;
        bail!("{}: {}", used.status, essence(&complaint));
    }
    Ok((std::fs::read_to_string(&out)?, wall, used.rusage.maxrss))
}

/// The line of a child's complaints that says what went wrong: after a panic's place, which names paths of
/// this machine; where an abort begins; or else the last, as in Python.
fn essence(complaint: &str) -> &str {
    let lines = || complaint.lines().filter(|line| !line.trim().is_empty());
    let panic = lines()
        .skip_while(|line| !line.contains("panicked at"))
        .nth(1);
    let abort = lines().find(|line| line.starts_with("Fatal Python error"));
    let found = panic.or(abort).or_else(|| lines().next_back());
    found.unwrap_or("no message")
}

/// Runs a contender that answers in a line of JSON.
pub(crate) fn contender(
    program: &OsStr,
    arguments: &[String],
    bounds: Bounds,
    scratch: &Path,
) -> Result<Measured> {
    let (output, wall, peak) = spawn(program, arguments, bounds, scratch)?;
    let line = output.lines().rfind(|line| line.starts_with('{'));
    let answer = serde_json::from_str(line.ok_or_else(|| anyhow!("no answer"))?)?;
    Ok(Measured { answer, wall, peak })
}

/// Runs a program that knows nothing of this on a file of `bytes`, a few times: the best.
pub(crate) fn program(
    program: &OsStr,
    arguments: &[String],
    bytes: u64,
    repeats: usize,
    bounds: Bounds,
    scratch: &Path,
) -> Result<Measured> {
    let mut best: Option<Measured> = None;
    for _ in 0..repeats.max(1) {
        let (_, wall, peak) = spawn(program, arguments, bounds, scratch)?;
        if best.as_ref().is_none_or(|best| wall < best.wall) {
            let answer = Answer {
                seconds: wall,
                bytes,
                ..Answer::default()
            };
            best = Some(Measured { answer, wall, peak });
        }
    }
    best.ok_or_else(|| anyhow!("never run"))
}

/// The least time of some runs, and what the last of them made.
pub(crate) fn best_of<T>(repeats: usize, mut work: impl FnMut() -> T) -> (f64, T) {
    let mut best = f64::INFINITY;
    let mut made = None;
    for _ in 0..repeats.max(1) {
        // What the run before made is freed outside the clock.
        drop(made.take());
        let start = Instant::now();
        let result = work();
        best = best.min(start.elapsed().as_secs_f64());
        made = Some(result);
    }
    let made = made.unwrap_or_else(|| unreachable!("run once at least"));
    (best, made)
}

/// Bytes resident in this process now.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
