//! The example `dedup` in bounded memory: the same bytes, however it is interrupted.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::support::program::{Place, example, four, line, program};

/// So little that a collection of some thousand documents is more than one group.
const LITTLE: &str = "--memory 40MiB";

const OUTPUTS: &str =
    "--pairs p.tsv --clusters c.tsv --kept k.jsonl --removed r.jsonl --format json";

/// A collection that takes several groups, written once.
fn collection() -> &'static [u8] {
    static COLLECTION: OnceLock<Vec<u8>> = OnceLock::new();
    COLLECTION.get_or_init(|| {
        let place = Place::new();
        let args = "--documents 12000 --copies 50 --output in.jsonl";
        let ran = place.run_example(&example("generate"), args, b"");
        assert_eq!(ran.code, 0, "{}", ran.err);
        fs::read(place.path("in.jsonl")).unwrap()
    })
}

/// All that a run writes and prints.
fn written(place: &Place, args: &str) -> Vec<String> {
    let ran = place.run(args);
    assert_eq!(ran.code, 0, "{args}: {}", ran.err);
    outputs(place, ran.out)
}

fn outputs(place: &Place, out: String) -> Vec<String> {
    let files = ["p.tsv", "c.tsv", "k.jsonl", "r.jsonl"].map(|name| place.read(name));
    // The header of an index has checksums of all its files.
    let index = fs::read_to_string(place.path("new/index.json"));
    [vec![out], files.to_vec(), vec![index.unwrap_or_default()]].concat()
}

#[test]
fn little_memory_comes_to_the_same_bytes() {
    let place = Place::new();
    place.write("in.jsonl", collection());
    for options in [
        "",
        "--cluster leader --keep longest",
        "--method exact",
        "--method exact --cluster leader --threshold 0.5",
        "--threshold 0.4 --recall 0.9 --shingle words:2",
    ] {
        let args = format!("in.jsonl {options} {OUTPUTS}");
        let expected = written(&place, &args);
        let ran = place.run(&format!("{args} {LITTLE} --log json"));
        assert_eq!(ran.code, 0, "{options}: {}", ran.err);
        assert!(outputs(&place, ran.out) == expected, "{options}");
        let last = ran.err.lines().last().unwrap();
        let summary: serde_json::Value = serde_json::from_str(last).unwrap();
        assert!(summary["spilled"].as_u64() > Some(1 << 20), "{summary}");
    }
    assert_eq!(place.names().len(), 5, "{:?}", place.names());
}

#[test]
fn small_inputs_of_all_kinds_too() {
    let place = Place::new();
    let bad = "{\"id\": \"five\"}\n{\"id\": \"one\", \"text\": \"again\"}\n\n";
    place.write("in/a.jsonl", [&four(), bad].concat());
    place.write("in/b.jsonl", line("six", ""));
    let args = format!("in --threshold 0.7 --on-bad skip --rejects x.jsonl {OUTPUTS}");
    let expected = written(&place, &args);
    let rejects = place.read("x.jsonl");
    assert_eq!(rejects.lines().count(), 2);
    assert!(written(&place, &format!("{args} {LITTLE}")) == expected);
    assert_eq!(place.read("x.jsonl"), rejects);
    place.fails(
        &format!("in/a.jsonl {LITTLE}"),
        "in/a.jsonl:5: field `text` is missing",
    );
    place.write("twice.jsonl", [four(), line("two", "again")].concat());
    place.fails(
        &format!("twice.jsonl {LITTLE} --kept k2.jsonl"),
        "twice.jsonl:5: id `two` was already used, at twice.jsonl:2",
    );
    place.write("none.jsonl", "");
    let empty = place.json(&format!("none.jsonl {LITTLE}"));
    assert_eq!(empty["documents"]["in"], 0);
}

struct Killed {
    place: Place,
    args: String,
}

impl Killed {
    fn new(options: &str) -> Self {
        let place = Place::new();
        let lines: Vec<&[u8]> = collection()
            .split_inclusive(|&byte| byte == b'\n')
            .collect();
        let (old, new) = lines.split_at(1000);
        place.write("old.jsonl", old.concat());
        place.write("in.jsonl", new.concat());
        assert_eq!(place.run("old.jsonl --save-index old").code, 0);
        let args = format!("in.jsonl {OUTPUTS} {LITTLE} --work w {options}");
        Self { place, args }
    }

    fn spawn(&self) -> std::process::Child {
        Command::new(program())
            .args(self.args.split_whitespace())
            .current_dir(self.place.0.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// What an undisturbed run writes, and how long it takes when the program is built.
    fn undisturbed(&self) -> (Vec<String>, Duration) {
        let expected = written(&self.place, &self.args);
        let started = Instant::now();
        assert!(written(&self.place, &self.args) == expected);
        (expected, started.elapsed())
    }

    /// Kills a run after some time; true where it was still at work.
    fn kill_after(&self, time: Duration) -> bool {
        let mut child = self.spawn();
        std::thread::sleep(time);
        child.kill().unwrap();
        !child.wait().unwrap().success()
    }
}

#[test]
fn a_killed_run_goes_on_to_the_same_bytes() {
    for (options, times) in [
        ("", 20),
        ("--method exact", 6),
        ("--against old --save-index new", 6),
    ] {
        let killed = Killed::new(options);
        let (expected, mut whole) = killed.undisturbed();
        let (mut state, mut at_work) = (7u64, 0);
        for _ in 0..times {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let share = (state >> 33) as f64 / f64::from(u32::MAX >> 1);
            for name in ["p.tsv", "c.tsv", "k.jsonl", "r.jsonl"] {
                let _ = fs::remove_file(killed.place.path(name));
            }
            let time = whole.mul_f64(share);
            if killed.kill_after(time) {
                at_work += 1;
                let there = |name: &&str| killed.place.path(name).exists();
                let half = ["p.tsv", "c.tsv", "k.jsonl", "r.jsonl"]
                    .iter()
                    .filter(|n| there(n));
                let half = half.count();
                assert!(
                    half == 0 || half == 4,
                    "some outputs and not others: {half}"
                );
            } else {
                // Other tests ran beside the undisturbed run: one takes less.
                whole = time;
            }
            assert!(
                written(&killed.place, &killed.args) == expected,
                "{options} {share}"
            );
        }
        assert!(
            at_work > times / 2,
            "only {at_work} of {times} were killed at work"
        );
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_ends() {
    let killed = Killed::new("");
    let (expected, whole) = killed.undisturbed();
    // What was done is not done again: each round has time for some stage, and not for all.
    let mut rounds = 0;
    while killed.kill_after(whole.mul_f64(0.7)) && rounds < 20 {
        rounds += 1;
    }
    assert!(rounds < 20, "it never ends");
    assert!(written(&killed.place, &killed.args) == expected);
}

#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    let killed = Killed::new("--against old --save-index new");
    let Killed { place, args } = &killed;
    let expected = written(place, args);
    for name in ["p.tsv", "c.tsv", "k.jsonl", "r.jsonl"] {
        fs::remove_file(place.path(name)).unwrap();
    }
    let before = place.names();
    // Files up to a limit, in blocks of 512 bytes: of rows, of keys, of sets, of outputs.
    for blocks in [100, 3000, 8000, 12_000] {
        let command = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" {args}");
        let ran = Command::new("sh")
            .args(["-c", &command])
            .arg(program())
            .current_dir(place.0.path())
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{blocks}: {err}");
        assert!(err.starts_with("error: cannot write "), "{err}");
        assert!(err.contains("File too large"), "{err}");
        let names = place.names();
        assert!(
            names
                .iter()
                .all(|name| name == "w" || before.contains(name)),
            "{names:?}"
        );
    }
    assert!(written(place, args) == expected);
}

/// A folder with the work of a run that was killed as soon as there was any.
fn with_work() -> Place {
    let place = Place::new();
    place.write("in/a.jsonl", four());
    place.write("in/b.jsonl", line("five", "five"));
    place.write("in/c.jsonl", collection());
    loop {
        let mut child = Command::new(program())
            .args("in --work w --threshold 0.7".split_whitespace())
            .current_dir(place.0.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let has_begun = || {
            let manifest = fs::read_to_string(place.path("w/manifest"));
            manifest.is_ok_and(|manifest| manifest.contains("threshold"))
        };
        while !has_begun() && child.try_wait().unwrap().is_none() {}
        child.kill().unwrap();
        if !child.wait().unwrap().success() && has_begun() {
            return place;
        }
    }
}

#[test]
fn work_of_something_else_is_refused() {
    let place = with_work();
    for (args, told) in [
        (
            "in --work w --threshold 0.8",
            "threshold was `0.7` and is `0.8`",
        ),
        (
            "in --work w --threshold 0.7 --method exact",
            "method was `lsh` and is `exact`",
        ),
        (
            "in --work w --threshold 0.7 --text-field text,meta.*.text",
            "text field was `text` and is `text,meta.*.text`",
        ),
        (
            "in --work w --threshold 0.7 --ids-by-file",
            "ids by file was `false` and is `true`",
        ),
        (
            "in/c.jsonl --work w --threshold 0.7",
            "input in/a.jsonl is gone",
        ),
        ("- --work w", "standard input cannot be read again"),
        (
            "in --work in --threshold 0.7",
            "the work folder in and input ",
        ),
        (
            "in/a.jsonl --work . --fresh --threshold 0.7",
            "the work folder . and input ",
        ),
        ("in --fresh", "--work"),
    ] {
        let before = place.names();
        let ran = place.run(args);
        assert_ne!(ran.code, 0, "{args}");
        assert!(ran.err.contains(told), "{args}: {}", ran.err);
        assert_eq!(place.names(), before, "{args}");
    }
    place.write("in/b.jsonl", line("five", "other"));
    place.refuses(
        "in --work w --threshold 0.7",
        "input in/b.jsonl has changed",
    );
    place.write("in/d.jsonl", line("seven", "new"));
    place.refuses("in --work w --threshold 0.7", "input in/d.jsonl is new");
    let ran = place.run("in --work w --threshold 0.7 --fresh");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(left_in(&place.path("w")), ["lock"]);
}

fn left_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A copy of a folder's files.
fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for name in left_in(from) {
        fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

impl Killed {
    /// Kills a run as soon as its first stage is entered, and leaves the folder `w`.
    fn kill_after_reading(&self) {
        loop {
            let mut child = self.spawn();
            let has_read = || {
                let manifest = fs::read_to_string(self.place.path("w/manifest"));
                let manifest = manifest.unwrap_or_default();
                let (_, told) = manifest.split_once('\n').unwrap_or_default();
                let told: serde_json::Value = serde_json::from_str(told).unwrap_or_default();
                !told["read"].is_null()
            };
            while !has_read() && child.try_wait().unwrap().is_none() {}
            child.kill().unwrap();
            child.wait().unwrap();
            if has_read() {
                return;
            }
        }
    }
}

#[test]
fn damaged_work_is_refused() {
    // Whatever file is damaged, the run either does not need it any more or refuses it.
    let killed = Killed::new("");
    let expected = written(&killed.place, &killed.args);
    killed.kill_after_reading();
    let (work, whole) = (killed.place.path("w"), killed.place.path("whole"));
    copy(&work, &whole);
    let mut refused = 0;
    for name in left_in(&whole) {
        copy(&whole, &work);
        let mut damaged = fs::read(whole.join(&name)).unwrap();
        match damaged.last_mut() {
            Some(byte) if name != "manifest" && name != "inputs.jsonl" => *byte ^= 1,
            _ => continue,
        }
        fs::write(work.join(&name), damaged).unwrap();
        let ran = killed.place.run(&killed.args);
        if ran.code == 0 {
            assert!(outputs(&killed.place, ran.out) == expected, "{name}");
            continue;
        }
        let told = format!("{name} is not what was written");
        assert!(ran.err.contains(&told), "{name}: {}", ran.err);
        refused += 1;
    }
    assert!(refused > 0);
    copy(&whole, &work);
    assert!(written(&killed.place, &killed.args) == expected);
}

#[test]
fn a_damaged_manifest_is_refused() {
    let killed = Killed::new("");
    killed.kill_after_reading();
    let path = killed.place.path("w/manifest");
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let ran = killed.place.run(&killed.args);
        assert_ne!(ran.code, 0, "{at}");
        // Where the first words are others, it is no manifest, and the folder not ours.
        let told = [
            "manifest is damaged",
            "its format version is",
            "is not a work folder",
        ];
        assert!(
            told.iter().any(|told| ran.err.contains(told)),
            "{at}: {}",
            ran.err
        );
        assert!(
            killed.place.path("w/rows").exists(),
            "{at}: nothing is removed"
        );
    }
}

#[test]
fn a_folder_of_other_files_is_no_work_folder_whatever_their_names() {
    let place = Place::new();
    place.write("in.jsonl", four());
    for names in [
        &["keys"][..],
        &["ids", "pairs", "sets"],
        &["lock"],
        &["inputs.jsonl"],
    ] {
        let folder = names.concat();
        for name in names {
            place.write(&format!("{folder}/{name}"), "mine");
        }
        for options in ["", " --fresh"] {
            place.refuses(
                &format!("in.jsonl --work {folder}{options}"),
                &format!("{folder} is not a work folder: "),
            );
        }
        for name in names {
            assert_eq!(place.read(&format!("{folder}/{name}")), "mine");
        }
    }
}

#[cfg(unix)]
#[test]
fn nothing_in_a_work_folder_is_opened_through_a_link() {
    use std::os::unix::fs::symlink;

    let place = Place::new();
    place.write("in.jsonl", four()).write("mine", "mine");
    for name in ["lock", "manifest", "keys"] {
        let folder = place.path(&format!("of-{name}"));
        fs::create_dir(&folder).unwrap();
        symlink(place.path("mine"), folder.join(name)).unwrap();
        let told = format!("is not a work folder: it contains {name}");
        place.refuses(&format!("in.jsonl --work of-{name}"), &told);
        assert_eq!(place.read("mine"), "mine");
    }
}

#[test]
fn work_that_was_stopped_while_it_was_cleared_begins_anew() {
    let place = with_work();
    // As a run leaves it that is killed after its manifest says that the rest goes.
    let manifest = place.path("w/manifest");
    assert_eq!(place.run("in --work w2 --threshold 0.7").code, 0);
    fs::remove_file(&manifest).unwrap();
    place.refuses("in --work w --threshold 0.7", "w is not a work folder: ");
    place.write("w2/.resemblance-manifest", "half");
    let ran = place.run("in --work w2 --threshold 0.7");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(left_in(&place.path("w2")), ["lock"]);
}

#[cfg(unix)]
#[test]
fn what_a_killed_run_leaves_is_removed_by_the_next() {
    let killed = Killed::new("--save-index new");
    let (expected, time) = killed.undisturbed();
    let names = killed.place.names();
    let mut left = 0;
    for part in 1..8 {
        killed.kill_after(time * part / 8);
        left = left.max(killed.place.names().len());
    }
    assert!(left > names.len(), "kills leave something");
    assert!(written(&killed.place, &killed.args) == expected);
    assert_eq!(killed.place.names(), names);
}

#[test]
fn paths_that_lie_in_one_another_are_refused_before_any_work() {
    let place = Place::new();
    place
        .write("in/a.jsonl", four())
        .write("b.jsonl", line("x", "other"));
    assert_eq!(place.run("b.jsonl --save-index seen").code, 0);
    for (args, told) in [
        (
            "in --work w --kept w/k.jsonl",
            "the work folder w and output w/k.jsonl overlap",
        ),
        (
            "in --work k/w --kept k/",
            "the work folder k/w and output k/ overlap",
        ),
        (
            "in --against seen --clusters seen/c.tsv",
            "the index seen and output seen/c.tsv overlap",
        ),
        (
            "in --against seen --work seen/w",
            "the index seen and the work folder seen/w overlap",
        ),
        (
            "in --against seen --work seen",
            "the index seen and the work folder seen overlap",
        ),
        ("in/a.jsonl --work in", "the work folder in and input "),
        ("in --kept in", "lies inside the output in"),
    ] {
        fs::create_dir_all(place.path("k")).unwrap();
        fs::create_dir_all(place.path("w")).unwrap();
        place.refuses(args, told);
    }
}

#[test]
fn work_folders_and_indexes_among_inputs_are_passed_over() {
    let place = with_work();
    assert!(place.path("w/manifest").exists());
    fs::rename(place.path("w"), place.path("in/w")).unwrap();
    place.write("other.jsonl", line("x", "other"));
    assert_eq!(place.run("other.jsonl --save-index in/seen").code, 0);
    for inputs in ["in", "in/*"] {
        let summary = place.json(inputs);
        assert_eq!(summary["documents"]["hidden"], 2, "{inputs}: {summary}");
    }
    place.refuses("in/w", "in/w is a work folder, not an input");
    place.refuses("in/seen", "in/seen is an index, not an input");
}
