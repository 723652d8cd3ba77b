//! Checks that `lib.rs` lists the modules in the order of the stages, and that each module uses only those before it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files below a folder, but for those of tests.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// What a file says, without comments and unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn modules_know_only_those_before_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let declared = code(&src.join("lib.rs"));
    let order: HashMap<&str, usize> = declared
        .lines()
        .filter_map(|line| {
            line.strip_prefix("pub ")
                .unwrap_or(line)
                .strip_prefix("mod ")
        })
        .map(|name| name.trim_end_matches(';'))
        .zip(0..)
        .collect();
    assert!(order.len() > 20, "{order:?}");
    let mut all = Vec::new();
    files(&src, &mut all);
    let mut known = 0;
    for path in all {
        let below = path.strip_prefix(&src).unwrap();
        let is_test = below
            .iter()
            .any(|name| name == "tests" || name == "tests.rs");
        let top = below.iter().next().unwrap().to_str().unwrap();
        let top = top.trim_end_matches(".rs");
        let Some(&own) = order.get(top).filter(|_| !is_test) else {
            continue;
        };
        let text = code(&path);
        for (at, _) in text.match_indices("crate::") {
            let name = &text[at + "crate::".len()..];
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
            if let Some(&other) = order.get(&name[..end.unwrap_or(name.len())]) {
                let (path, name) = (below.display(), &name[..end.unwrap_or(name.len())]);
                assert!(
                    other <= own,
                    "{path} knows `{name}`, which comes after `{top}`"
                );
                known += 1;
            }
        }
    }
    assert!(known > 300, "{known}");
}
