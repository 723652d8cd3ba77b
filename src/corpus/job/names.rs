//! The files of a work folder.

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const INPUTS: &str = "inputs.jsonl";
pub(super) const LOCK: &str = "lock";
/// A row for each document.
pub(super) const ROWS: &str = "rows";
/// Documents at the end of each input.
pub(super) const ENDS: &str = "ends";
pub(super) const KEYS: &str = "keys";
pub(super) const PRINTS: &str = "prints";
pub(super) const IDS: &str = "ids";
/// Records rejected on the way.
pub(super) const EARLY: &str = "rejected-early";
/// All rejected records.
pub(super) const REJECTED: &str = "rejected";
/// Documents whose ids were used before.
pub(super) const REPEATED: &str = "repeated";
/// The first document of the same shingles, of each.
pub(super) const FIRSTS: &str = "firsts";
/// The group of each document.
pub(super) const GROUPS: &str = "groups";
/// The shingle sets of each group; of the exact join, of all documents that may have partners.
pub(super) const SETS: &str = "sets";
/// Sampled hashes.
pub(super) const STRIPS: &str = "strips";
/// Shingles of prefixes.
pub(super) const PREFIXES: &str = "prefixes";
/// The sets of the exact join, of each group.
pub(super) const GROUPED: &str = "grouped";
/// How names of files begin that are whole later.
pub(super) const PASSING: &str = ".resemblance-";

/// The decisions on a group.
pub(super) fn clusters(group: usize) -> String {
    format!("clusters-{group:06}")
}

pub(super) fn pairs(group: usize) -> String {
    format!("pairs-{group:06}")
}

/// Whether a job may have written a file of this name.
pub(super) fn is_ours(name: &str) -> bool {
    const ALL: [&str; 17] = [
        MANIFEST, INPUTS, LOCK, ROWS, ENDS, KEYS, PRINTS, IDS, EARLY, REJECTED, REPEATED, FIRSTS,
        GROUPS, SETS, STRIPS, PREFIXES, GROUPED,
    ];
    let is_of_group = |prefix| {
        let number = name.strip_prefix(prefix);
        number.is_some_and(|n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    ALL.contains(&name)
        || is_of_group("clusters-")
        || is_of_group("pairs-")
        || name.starts_with(PASSING)
}
