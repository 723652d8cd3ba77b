//! The files of a work folder.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::passing::PREFIX;

pub(super) const MANIFEST: &str = "manifest";
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
/// What is known of each document before its set is made.
pub(super) const MARKS: &str = "marks";
/// The same after the second look.
pub(super) const NARROWED: &str = "narrowed";
/// Documents that share bands.
pub(super) const BUCKETS: &str = "buckets";
/// The crowded buckets that each document is in.
pub(super) const CROWDS: &str = "crowds";
/// Pairs that share a band.
pub(super) const CANDIDATES: &str = "candidates";
/// The shingle sets of candidates, and where each is.
pub(super) const SETS: &str = "sets";
pub(super) const INDEX: &str = "index";
/// Sampled hashes.
pub(super) const STRIPS: &str = "strips";
/// Signatures of documents of crowded buckets.
pub(super) const SLOTS: &str = "slots";
/// Rare shingles of prefixes.
pub(super) const RARE: &str = "rare";
/// Pairs that share one.
pub(super) const JOINED: &str = "joined";
/// Verified pairs.
pub(super) const EDGES: &str = "edges";
/// The same in the order in which documents are kept.
pub(super) const BEFORE: &str = "before";
/// The decisions.
pub(super) const CLUSTERS: &str = "clusters";

/// How the first line of a manifest begins; a version and the checksum of the other lines follow.
pub(super) const FORMAT: &str = "resemblance work folder";

/// Whether a folder is the work folder of a job, of whatever version.
pub(in crate::corpus) fn is_work_folder(dir: &Path) -> bool {
    let mut start = [0; FORMAT.len()];
    let read = File::open(dir.join(MANIFEST)).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *FORMAT.as_bytes()
}

/// Whether a job may have written a file of this name, in a folder that is its own.
pub(super) fn is_ours(name: &str) -> bool {
    const ALL: [&str; 21] = [
        MANIFEST, INPUTS, LOCK, ROWS, ENDS, KEYS, PRINTS, IDS, EARLY, REJECTED, REPEATED, FIRSTS,
        MARKS, BUCKETS, CANDIDATES, SETS, INDEX, STRIPS, SLOTS, RARE, JOINED,
    ];
    ALL.contains(&name)
        || [CROWDS, NARROWED, EDGES, BEFORE, CLUSTERS].contains(&name)
        || name.starts_with(PREFIX)
}
