//! The example `dedup` run as its users run it, in a folder of its own.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The program, built as this test was.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example("dedup"))
}

/// An example, built as this test was.
pub fn example(name: &str) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--example", name, "--profile"])
        .arg(if cfg!(debug_assertions) {
            "test"
        } else {
            "release"
        })
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(built.success());
    // target/debug/deps/dedup-1234 -> target/debug/examples/dedup
    let target = std::env::current_exe().unwrap();
    let folder = target.parent().and_then(Path::parent).unwrap();
    folder
        .join("examples")
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// A folder of its own to run in.
pub struct Place(pub TempDir);

/// What a run came to.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn run(&self, args: &str) -> Ran {
        self.run_with(args, b"")
    }

    pub fn run_with(&self, args: &str, input: &[u8]) -> Ran {
        self.run_example(program(), args, input)
    }

    /// Runs a program that is not `dedup`.
    pub fn run_example(&self, program: &Path, args: &str, input: &[u8]) -> Ran {
        let mut child = Command::new(program)
            .args(args.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        Ran {
            code: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Runs `dedup` on so many texts that it takes long, with these further arguments, and asks it to end as soon as it
    /// has begun to write.
    #[cfg(unix)]
    pub fn interrupted(&self, texts: &[String], args: &str) -> Output {
        let lines = texts.iter().enumerate();
        let lines: String = lines.map(|(i, text)| line(&i.to_string(), text)).collect();
        self.write("in.jsonl", lines);
        let before = self.names();
        let child = Command::new(program())
            .args(["in.jsonl", "--threshold", "0.3", "--hashes", "512"])
            .args(args.split_whitespace())
            .current_dir(self.0.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Once a temporary file is there, the work has begun.
        while self.names() == before {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let kill = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        child.wait_with_output().unwrap()
    }

    /// Runs what must fail with 1, says `told`, and leaves the folder as it was.
    pub fn fails(&self, args: &str, told: &str) {
        self.ends(args, 1, told);
    }

    /// The same for bad usage.
    pub fn refuses(&self, args: &str, told: &str) {
        self.ends(args, 2, told);
    }

    fn ends(&self, args: &str, code: i32, told: &str) {
        let before = self.names();
        let ran = self.run(args);
        assert_eq!(ran.code, code, "{args}: {}", ran.err);
        assert!(ran.err.contains(told), "{args}: {}", ran.err);
        assert_eq!(ran.out, "", "{args}");
        assert_eq!(self.names(), before, "{args}: nothing half-written");
    }

    /// The files in the folder, hidden ones too.
    pub fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    pub fn json(&self, args: &str) -> serde_json::Value {
        let ran = self.run(&format!("{args} --format json"));
        assert_eq!(ran.code, 0, "{}", ran.err);
        serde_json::from_str(&ran.out).unwrap()
    }
}

pub const A: &str = "the harbour office opened its doors again on the first monday of the month";
pub const B: &str =
    "nobody in the village could remember a winter with so little snow on the hills";

pub fn line(id: &str, text: &str) -> String {
    format!(
        "{}\n",
        serde_json::json!({"id": id, "text": text, "n": id.len()})
    )
}

/// Four records: 1 and 3 are copies, and so are 2 and 4 but for a word.
pub fn four() -> String {
    [
        line("one", A),
        line("two", B),
        line("three", &A.to_uppercase()),
        line("four", &B.replace("hills", "roofs")),
    ]
    .concat()
}
