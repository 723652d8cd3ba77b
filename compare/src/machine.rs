//! What the record was made on.

use std::ffi::OsStr;
use std::fs;
use std::process::Command;

/// A list of the machine, and of the versions of everything compared.
pub(crate) fn describe(python: &OsStr) -> String {
    let line = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let found = text.lines().find_map(|line| line.strip_prefix(key));
        let value = found.unwrap_or("unknown");
        value.trim_matches([' ', '\t', ':', '=', '"']).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(1, Into::into);
    let memory = line("/proc/meminfo", "MemTotal");
    let memory: f64 = memory
        .split(' ')
        .next()
        .and_then(|kilobytes| kilobytes.parse().ok())
        .unwrap_or(0.0);
    let vector = line("/proc/cpuinfo", "flags");
    let vector: Vec<&str> = ["avx2", "avx512f"]
        .into_iter()
        .filter(|flag| vector.split(' ').any(|has| has == *flag))
        .collect();
    let packages = include_str!("../requirements.txt").lines();
    let packages: Vec<String> = packages.map(|line| line.replace("==", " ")).collect();
    format!(
        "- {date}, commit {commit}\n\
         - {cpu} (family {family}, {vector}), {cores} cores, {memory:.0} GB, {os}; load at the start {load}\n\
         - {rustc}; RUSTFLAGS: {flags}; release, thin LTO, one codegen unit (the program `dedup`: \
         the project's own release profile)\n\
         - {python}; {packages}\n\
         - gaoya 0.2.2, probminhash 0.1.12, txtfp 0.3.2, unicode-segmentation; {wc}\n",
        date = first_line("date", &["-u", "+%F"]),
        commit = first_line("git", &["rev-parse", "--short", "HEAD"]),
        cpu = line("/proc/cpuinfo", "model name"),
        family = line("/proc/cpuinfo", "cpu family"),
        vector = vector.join(", "),
        memory = memory * 1024.0 / 1e9,
        load = fs::read_to_string("/proc/loadavg")
            .ok()
            .and_then(|text| Some(text.split(' ').next()?.to_owned()))
            .unwrap_or_default(),
        os = line("/etc/os-release", "PRETTY_NAME"),
        rustc = first_line("rustc", &["--version"]),
        flags = std::env::var("RUSTFLAGS").unwrap_or_else(|_| "none".to_owned()),
        python = first_line(python, &["--version"]),
        packages = packages.join(", "),
        wc = first_line("wc", &["--version"]),
    )
}

fn first_line(program: impl AsRef<OsStr>, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    text.lines().next().unwrap_or("unknown").to_owned()
}
