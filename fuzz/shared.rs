//! What the targets share: places for files, and settings from bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use resemblance::corpus::{Job, ReadOptions, Sinks, Sources};
use resemblance::{Deduper, Shingle};
use tempfile::TempDir;

#[path = "../tests/support/statement.rs"]
pub mod statement;

/// A directory of this process: in memory where there is such a file system.
pub fn dir() -> &'static PathBuf {
    static DIR: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = DIR.get_or_init(|| {
        let fast = PathBuf::from("/dev/shm");
        let made = match fast.is_dir() {
            true => TempDir::with_prefix_in("fuzz", fast),
            false => TempDir::with_prefix("fuzz"),
        };
        let made = made.unwrap();
        let path = made.path().to_owned();
        (made, path)
    });
    path
}

/// A file of these bytes in it.
pub fn file(name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = dir().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// Checks that a run in memory and one within a bound count the same of a file.
pub fn is_the_same_within_a_bound(path: &Path, options: &ReadOptions) {
    let deduper = Deduper::new();
    let run = |job: Job| {
        let sources = Sources::find(&[path]).unwrap();
        let decided = job.run(sources, &Sinks::new(), None).unwrap();
        let counts = format!("{:?}", decided.counts());
        decided.finish().unwrap();
        counts
    };
    let plain = run(Job::new(&deduper, options.clone()));
    assert_eq!(plain, run(Job::new(&deduper, options.clone()).memory(64 << 20)));
}

/// Names and contents of files.
pub type Files = Vec<(String, Vec<u8>)>;

/// The files of a folder, sorted by name.
pub fn files_of(folder: &Path) -> Files {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Files = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// Shingles of any kind, mostly short.
pub fn shingle(kind: u8, size: u8) -> Shingle {
    let size = match size {
        0..=199 => usize::from(size % 12) + 1,
        more => usize::from(more),
    };
    match kind % 4 {
        0 => Shingle::Words(size),
        1 => Shingle::Chars(size),
        2 => Shingle::Tokens(size),
        _ => Shingle::Bytes(size),
    }
}
