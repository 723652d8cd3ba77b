//! The example `dedup` at its limits: memory, files, threads, pairs, time.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
#[cfg(unix)]
use std::process::{Child, Command, Output, Stdio};
#[cfg(unix)]
use std::time::{Duration, Instant};

use crate::rows::{Table, text};
#[cfg(unix)]
use crate::support::program::program;
use crate::support::program::{Place, four, line};

const SKIP: &str = "--on-bad skip --rejects x.jsonl";

fn lines(texts: impl Iterator<Item = String>) -> String {
    texts.fold(String::new(), |mut all, text| {
        let _ = writeln!(all, "{{\"text\":\"{text}\"}}");
        all
    })
}

/// Runs `dedup` and tells the most that it held, in MiB.
#[cfg(target_os = "linux")]
fn peak(place: &Place, args: &str) -> u64 {
    let mut child = spawn(place, args, Stdio::null());
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let told = fs::read_to_string(&status).unwrap_or_default();
        let most = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kib) = most {
            peak = kib.trim().trim_end_matches(" kB").parse().unwrap();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    peak >> 10
}

#[cfg(unix)]
fn spawn(place: &Place, args: &str, stdin: Stdio) -> Child {
    Command::new(program())
        .args(args.split_whitespace())
        .current_dir(place.0.path())
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs `dedup` in a shell, after this command.
#[cfg(unix)]
fn after(place: &Place, command: &str, args: &str) -> (Option<i32>, String) {
    let ran = Command::new("sh")
        .args(["-c", &format!("{command}; exec \"$0\" {args}")])
        .arg(program())
        .current_dir(place.0.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stderr).into_owned();
    (ran.status.code(), told)
}

#[test]
#[cfg(target_os = "linux")]
fn a_million_short_documents_do_not_take_their_memory() {
    let place = Place::new();
    let words = (0..500_000).map(|i| format!("w{}", i % 30_000));
    place.write("some.jsonl", lines(words));
    place.write("other.jsonl", lines((0..500_000).map(|i| format!("u{i}"))));
    for threads in [2, 16] {
        for name in ["some", "other"] {
            let args = format!("{name}.jsonl --memory 64MiB --threads {threads}");
            let peak = peak(&place, &args);
            assert!(peak < 64, "{name} {threads}: {peak}");
        }
    }
}

/// A Zstandard file whose header asks for a window of 2^`log` bytes.
fn with_window(log: u8) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_contentsize(false).unwrap();
    encoder.write_all(four().as_bytes()).unwrap();
    let mut bytes = encoder.finish().unwrap();
    assert_eq!(bytes[4] & 0x20, 0, "a frame that is its own window");
    bytes[5] = (log - 10) << 3;
    bytes
}

#[test]
fn a_large_window_is_refused_by_name() {
    let place = Place::new();
    let told = "in.jsonl.zst: decompressing it needs a window of 2048 MiB, but at most";
    place.write("in.jsonl.zst", with_window(31));
    place.fails("in.jsonl.zst", &format!("{told} 128 MiB are allowed"));
    place.fails(
        "in.jsonl.zst --memory 64MiB",
        &format!("{told} 8 MiB are allowed: use --memory 8224MiB, "),
    );
    // A later frame.
    place.write(
        "late.jsonl.zst",
        [with_window(20), with_window(28)].concat(),
    );
    place.fails(
        "late.jsonl.zst",
        "needs a larger window, but at most 128 MiB",
    );
    for memory in ["", "--memory 64MiB"] {
        let told = place.json(&format!("in.jsonl.zst {SKIP} {memory} --kept k.jsonl"));
        assert_eq!(told["documents"]["rejected"], 1);
        assert!(place.read("x.jsonl").contains("a window of 2048 MiB"));
    }
    place.write("in.jsonl.zst", with_window(24));
    assert_eq!(place.json("in.jsonl.zst")["documents"]["in"], 4);
    let advised = "in.jsonl.zst --memory 96MiB";
    place.fails("in.jsonl.zst --memory 95MiB", "use --memory 96MiB, ");
    assert_eq!(place.json(advised)["documents"]["in"], 4);
}

#[test]
fn a_large_page_is_refused_before_it_is_decompressed() {
    let place = Place::new();
    let texts = ["a few words".to_owned(), "so many words ".repeat(4_000_000)];
    let table = Table::new(
        "message m { required binary text (UTF8); }",
        vec![text(texts)],
    );
    place.write("in.parquet", table.bytes());
    let told =
        "in.parquet:1: the next page has 54 MiB, but --memory allows pages of 8 MiB: raise it to ";
    place.fails("in.parquet --memory 64MiB", told);
    let skip = format!("in.parquet --memory 64MiB {SKIP} --kept k.parquet");
    assert_eq!(place.json(&skip)["documents"]["rejected"], 1);
    assert!(place.read("x.jsonl").contains("the next page has 54 MiB"));
    #[cfg(target_os = "linux")]
    {
        let peak = peak(&place, &skip);
        assert!(peak < 64, "{peak}");
    }
    assert_eq!(place.json("in.parquet")["documents"]["kept"], 2);
}

#[test]
fn records_are_as_long_as_is_allowed() {
    let place = Place::new();
    let long = line("long", &"word ".repeat(1000));
    place.write("in.jsonl", [&*four(), &long].concat());
    for memory in ["", "--memory 64MiB"] {
        place.fails(
            &format!("in.jsonl --max-record 5000 {memory}"),
            "or skip such records with --on-bad skip",
        );
        let args = format!("in.jsonl --max-record 5000 {memory} {SKIP} --kept k.jsonl");
        let told = place.json(&args);
        assert_eq!(told["documents"]["rejected"], 1);
        assert!(!place.read("k.jsonl").contains("long"));
        assert!(place.read("x.jsonl").contains("--max-record allows"));
        let enough = format!("in.jsonl --max-record 6000 {memory}");
        assert_eq!(place.json(&enough)["documents"]["rejected"], 0);
    }
}

#[test]
#[cfg(unix)]
fn few_files_are_open_at_a_time() {
    let place = Place::new();
    let pairs = (0..30_000).map(|i| {
        let own: Vec<String> = (0..12).map(|j| format!("w{}x{j}", i / 2)).collect();
        own.join(" ") + if i % 2 == 0 { "" } else { " more" }
    });
    place.write("in.jsonl", lines(pairs));
    for method in ["lsh", "exact"] {
        let args =
            format!("in.jsonl --memory 64MiB --method {method} --pairs p.tsv --clusters c.tsv");
        let ran = after(&place, "ulimit -n 64", &args);
        assert_eq!(ran, (Some(0), String::new()), "{method}");
        assert_eq!(place.read("p.tsv").lines().count(), 15_001);
    }
}

#[test]
#[cfg(unix)]
fn patterns_end_where_links_lead_back() {
    let place = Place::new();
    place.write("in/a/b/one.jsonl", line("1", "some words"));
    place.write("in/c/two.jsonl", line("2", "other words"));
    place.write("in/c/.hidden.jsonl", line("3", "hidden words"));
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, place.path(at)).unwrap();
    link("..", "in/a/up");
    link("../..", "in/a/b/upper");
    link("nowhere", "in/c/broken");
    for (pattern, documents) in [
        ("in/**/*.jsonl", 2),
        ("i?/**/one.jsonl", 1),
        ("./in/*/*.jsonl", 1),
        ("in/**/[!o]*.jsonl", 1),
        ("**/*.jsonl", 2),
        ("in/c/.*.jsonl", 1),
        ("in/c*", 1),
        ("i*/c/", 1),
    ] {
        let args = format!("{pattern} --on-bad skip --kept k.jsonl");
        let told = place.json(&args);
        assert_eq!(told["documents"]["kept"], documents, "{pattern}");
        fs::remove_file(place.path("k.jsonl")).unwrap();
    }
    place.fails("in/*.jsonl", "nothing matches this pattern");
    place.fails("none/*.jsonl", "nothing matches this pattern");
    place.fails("in/a**/*.jsonl", "recursive wildcards");
}

/// Asks a run to end, and tells how long it took to.
#[cfg(unix)]
fn stopped(mut child: Child) -> Duration {
    std::thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "it has ended before");
    let asked = Instant::now();
    let kill = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    // Whoever holds its standard input holds it still.
    let stdin = child.stdin.take();
    let ran = child.wait_with_output().unwrap();
    drop(stdin);
    assert_eq!(ran.status.code(), Some(130));
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "error: cancelled\n");
    asked.elapsed()
}

/// Other tests run at the same time: this is not what it takes.
#[cfg(unix)]
const SOON: Duration = Duration::from_secs(2);

#[test]
#[cfg(unix)]
fn a_run_that_waits_for_input_can_be_stopped() {
    let place = Place::new();
    for memory in ["", " --memory 64MiB"] {
        let child = spawn(&place, &format!("- --kept k.jsonl{memory}"), Stdio::piped());
        assert!(stopped(child) < SOON);
        assert!(place.names().is_empty(), "{:?}", place.names());
    }
}

fn equal_texts(number: usize) -> String {
    lines((0..number).map(|_| "the same words in each of all these texts".to_owned()))
}

#[test]
#[cfg(unix)]
fn a_run_that_writes_pairs_of_copies_can_be_stopped() {
    let place = Place::new();
    place.write("in.jsonl", equal_texts(40_000));
    let before = place.names();
    for memory in ["", " --memory 64MiB"] {
        let args = format!("in.jsonl --pairs p.tsv --pairs-of-copies all{memory}");
        assert!(stopped(spawn(&place, &args, Stdio::null())) < SOON);
        assert_eq!(place.names(), before);
    }
}

#[test]
fn too_many_pairs_of_copies_are_refused_before_they_are_written() {
    let place = Place::new();
    place.write("in.jsonl", equal_texts(20_000));
    for memory in ["", "--memory 64MiB"] {
        let args = format!("in.jsonl --pairs p.tsv {memory}");
        place.refuses(
            &args,
            "documents with the same shingles make 199990000 pairs",
        );
        let star = format!("{args} --pairs-of-copies star");
        let told = place.json(&star);
        assert_eq!(told["pairs"]["found"], 199_990_000);
        let pairs = place.read("p.tsv");
        assert_eq!(pairs.lines().count(), 20_000);
        assert!(
            pairs
                .lines()
                .skip(1)
                .all(|pair| pair.starts_with("in.jsonl:1\t"))
        );
        fs::remove_file(place.path("p.tsv")).unwrap();
        assert_eq!(place.run(&format!("in.jsonl {memory}")).code, 0);
    }
}

#[test]
fn stars_connect_what_all_pairs_do() {
    let place = Place::new();
    let four = four();
    let again = four.replace("\"id\":\"", "\"id\":\"again ");
    place.write("old.jsonl", four.replace("\"id\":\"", "\"id\":\"old "));
    place.write("in.jsonl", [&*four, &again].concat());
    assert_eq!(
        place.run("old.jsonl --threshold 0.7 --save-index old").code,
        0
    );
    for against in ["", "--against old"] {
        let mut written = Vec::new();
        for memory in ["", "--memory 64MiB"] {
            for copies in ["all", "star"] {
                let args = format!(
                    "in.jsonl --threshold 0.7 --pairs p.tsv --pairs-of-copies {copies} {memory} {against}"
                );
                let told = place.json(&args);
                written.push((told["pairs"].clone(), place.read("p.tsv")));
            }
        }
        assert_eq!(written[..2], written[2..]);
        let [(all_told, all), (star_told, star)] = &written[..2] else {
            unreachable!();
        };
        assert_eq!(all_told, star_told);
        assert!(
            star.lines()
                .all(|pair| all.lines().any(|other| other == pair))
        );
        assert!(star.lines().count() < all.lines().count(), "{star}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn threads_that_cannot_be_started_are_an_error() {
    let place = Place::new();
    place.write("in.jsonl", four());
    let (code, told) = after(
        &place,
        "ulimit -v 600000",
        "in.jsonl --threads 1024 --kept k",
    );
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.starts_with("error: cannot start the threads"),
        "{told}"
    );
    assert!(told.ends_with("use fewer (--threads N)\n"), "{told}");
    assert_eq!(place.names().len(), 1);
}

#[test]
#[cfg(unix)]
fn a_file_beyond_the_limit_is_an_error() {
    let place = Place::new();
    place.write("in.jsonl", lines((0..20_000).map(|i| format!("u{i}"))));
    for memory in ["", "--memory 64MiB"] {
        let args = format!("in.jsonl --kept k.jsonl {memory}");
        let (code, told) = after(&place, "ulimit -f 100", &args);
        assert_eq!(code, Some(1), "{told}");
        assert!(told.starts_with("error: cannot write "), "{told}");
        assert!(told.contains("File too large"), "{told}");
        assert_eq!(place.names().len(), 1);
    }
}

#[test]
fn a_damaged_file_at_which_its_reader_panics_is_an_error_alone() {
    let Some(attack) = crate::support::shared("cases/attack/parquet-panic.parquet") else {
        return;
    };
    let place = Place::new();
    place.write("in.parquet", fs::read(attack).unwrap());
    let ran = place.run("in.parquet");
    let told = "error: in.parquet:1: cannot be read: corrupt data\n";
    assert_eq!((ran.code, &*ran.err), (1, told));
    let ran = place.run("in.parquet --log json");
    for line in ran.err.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}
