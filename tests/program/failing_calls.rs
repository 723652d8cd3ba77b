//! System calls that fail, one at a time: a run succeeds, or fails with an error and no half-written output.
//!
//! `strace` makes the calls fail. If it is missing, or must not trace, the tests say so and test nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::support::program::{Place, four, line, program};

const OUTPUTS: [&str; 4] = ["kd", "r.jsonl.gz", "p.tsv", "c.tsv"];

/// What of each output is there.
fn outputs(place: &Place) -> BTreeMap<&'static str, Vec<u8>> {
    let read = |name| Some((name, fs::read(file(place, name)).ok()?));
    OUTPUTS.into_iter().filter_map(read).collect()
}

/// The file that is an output, or the one in it.
fn file(place: &Place, name: &str) -> PathBuf {
    match name {
        "kd" => place.path("kd/in.jsonl"),
        _ => place.path(name),
    }
}

struct Tracing {
    place: Place,
    args: String,
}

impl Tracing {
    /// With the outputs of an earlier run on other documents, and what this one will write.
    fn new(bound: &str) -> (Self, [BTreeMap<&'static str, Vec<u8>>; 2]) {
        let place = Place::new();
        let args = format!(
            "in.jsonl --kept kd/ --removed r.jsonl.gz --pairs p.tsv --clusters c.tsv --threads 1{bound}"
        );
        place.write("in.jsonl", four());
        let tracing = Self { place, args };
        let written = || {
            let ran = tracing.place.run(&tracing.args);
            assert_eq!(ran.code, 0, "{}", ran.err);
            outputs(&tracing.place)
        };
        let old = written();
        let more = (0..300).map(|i| {
            line(
                &format!("more {i}"),
                &format!("text {i} of {} and {i}", i / 3),
            )
        });
        tracing
            .place
            .write("in.jsonl", four() + &more.collect::<String>());
        let new = written();
        (tracing, [old, new])
    }

    /// Runs with a call that fails when it is made for the so manieth time by some thread.
    fn run(&self, calls: &str, error: &str, when: u32) -> Output {
        Command::new("strace")
            .args(["-f", "-qq", "-o", "trace"])
            .arg(format!("--inject={calls}:error={error}:when={when}"))
            .arg(program())
            .args(self.args.split_whitespace())
            .current_dir(self.place.0.path())
            .output()
            .unwrap()
    }
}

/// Whether programs can be traced here.
fn can_trace() -> bool {
    let traced = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .status();
    let can = traced.is_ok_and(|status| status.success());
    if !can {
        eprintln!("skipped: strace is not to be had, or may not trace");
    }
    can
}

#[test]
fn a_call_that_fails_leaves_every_output_old_or_new() {
    if !can_trace() {
        return;
    }
    let (mut failed, mut passed) = (0, 0);
    for bound in ["", " --memory 64MiB", " --work w"] {
        let (tracing, [old, new]) = Tracing::new(bound);
        let place = &tracing.place;
        for (calls, error) in [
            ("openat", "EMFILE"),
            ("read", "EIO"),
            ("write", "ENOSPC"),
            ("write", "EDQUOT"),
            ("/^rename", "EACCES"),
            ("fsync", "EIO"),
            ("mkdir", "ENOSPC"),
            ("/^unlink", "EACCES"),
            ("/^getdents", "EIO"),
            ("flock", "ENOLCK"),
            ("lseek", "EIO"),
            ("/^clone", "EAGAIN"),
        ] {
            for when in [1, 2, 3, 5, 8, 13, 20, 35, 60] {
                let case = format!("{calls} {error} {when}{bound}");
                for (name, bytes) in &old {
                    fs::create_dir_all(place.path("kd")).unwrap();
                    fs::write(file(place, name), bytes).unwrap();
                }
                let _ = fs::remove_dir_all(place.path("w"));
                let ran = tracing.run(calls, error, when);
                let told = String::from_utf8_lossy(&ran.stderr).into_owned();
                let trace =
                    String::from_utf8_lossy(&fs::read(place.path("trace")).unwrap()).into_owned();
                let found = outputs(place);
                for (name, bytes) in &found {
                    assert!(
                        *bytes == old[name] || *bytes == new[name],
                        "{case}: {name} is neither old nor new"
                    );
                }
                assert_eq!(found.len(), old.len(), "{case}: an output is gone");
                assert!(!told.contains("panicked"), "{case}: {told}");
                match ran.status.code() {
                    Some(0) => {
                        assert!(found == new, "{case}: done, and not written");
                        passed += 1;
                    }
                    Some(code) => {
                        // The loader has its own code and words; what fails may be to write the error.
                        let is_told =
                            told.starts_with("error: ") || told.is_empty() && calls == "write";
                        assert!(code == 127 || is_told, "{case}: {code} {told}");
                        failed += 1;
                    }
                    None => panic!("{case}: killed: {told}"),
                }
                if !trace.contains("(INJECTED)") {
                    break;
                }
            }
        }
        // What the failures left is swept.
        let _ = fs::remove_dir_all(place.path("w"));
        let ran = place.run(&tracing.args);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(outputs(place) == new);
        let left: Vec<String> = (place.names().into_iter())
            .filter(|name| name.starts_with(".resemblance-"))
            .collect();
        assert_eq!(left, [""; 0], "{bound}");
    }
    eprintln!("{failed} runs failed, {passed} did not");
    assert!(failed > 100, "{failed} {passed}");
}

#[test]
fn a_small_file_system_loses_nothing() {
    let place = Place::new();
    let lines = (0..3000).map(|i| {
        line(
            &i.to_string(),
            &format!("the same text of everyone {}", i / 2),
        )
    });
    place.write("in.jsonl", lines.collect::<String>());
    place.write("old", "what was there\n");
    fs::create_dir(place.path("small")).unwrap();
    let run = |size: &str, args: &str| {
        let script = format!(
            "mount -t tmpfs -o size={size} none small || exit 99
             cp old small/p.tsv
             TMPDIR=small \"$0\" in.jsonl --pairs small/p.tsv --kept small/k.jsonl {args}
             code=$?
             cmp -s small/p.tsv old && echo is old
             ls -A small
             exit $code"
        );
        Command::new("unshare")
            .args(["-rm", "sh", "-c", &script])
            .arg(program())
            .current_dir(place.0.path())
            .output()
            .unwrap()
    };
    let lines = |ran: &Output| {
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let can = run("64m", "");
    if can.status.code() != Some(0) {
        let told = String::from_utf8_lossy(&can.stderr);
        assert!(!told.starts_with("error: "), "{told}");
        eprintln!("skipped: no file system can be mounted here");
        return;
    }
    assert!(lines(&can).ends_with(&["k.jsonl".to_owned(), "p.tsv".to_owned()]));
    for args in ["", "--memory 64MiB", "--work small/w"] {
        for size in ["16k", "64k", "100k"] {
            let ran = run(size, args);
            let told = String::from_utf8_lossy(&ran.stderr);
            assert_eq!(ran.status.code(), Some(1), "{size} {args}: {told}");
            assert!(told.contains("No space left on device"), "{told}");
            let mut left = lines(&ran);
            left.retain(|name| name != "w");
            assert_eq!(left, ["is old", "p.tsv"], "{size} {args}");
        }
    }
}
