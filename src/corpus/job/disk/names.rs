//! The files of a work folder.

use crate::corpus::work_folder::MANIFEST;
use crate::passing::PREFIX;

pub(crate) const INPUTS: &str = "inputs.jsonl";
pub(crate) const LOCK: &str = "lock";
/// A row for each document.
pub(crate) const ROWS: &str = "rows";
/// Documents at the end of each input.
pub(crate) const ENDS: &str = "ends";
pub(crate) const KEYS: &str = "keys";
pub(crate) const PRINTS: &str = "prints";
pub(crate) const IDS: &str = "ids";
/// Records rejected on the way.
pub(crate) const EARLY: &str = "rejected-early";
/// All rejected records.
pub(crate) const REJECTED: &str = "rejected";
/// Documents whose ids were used before.
pub(crate) const REPEATED: &str = "repeated";
/// The first document of the same shingles, of each.
pub(crate) const FIRSTS: &str = "firsts";
/// What is known of each document before its set is made.
pub(crate) const MARKS: &str = "marks";
/// The same after the second look.
pub(crate) const NARROWED: &str = "narrowed";
/// Documents that share bands.
pub(crate) const BUCKETS: &str = "buckets";
/// The crowded buckets that each document is in.
pub(crate) const CROWDS: &str = "crowds";
/// Pairs that share a band.
pub(crate) const CANDIDATES: &str = "candidates";
/// The shingle sets of candidates, and where each is.
pub(crate) const SETS: &str = "sets";
pub(crate) const INDEX: &str = "index";
/// Sampled hashes.
pub(crate) const STRIPS: &str = "strips";
/// Signatures of documents of crowded buckets.
pub(crate) const SLOTS: &str = "slots";
/// Rare shingles of prefixes.
pub(crate) const RARE: &str = "rare";
/// Pairs that share one.
pub(crate) const JOINED: &str = "joined";
/// Verified pairs.
pub(crate) const EDGES: &str = "edges";
/// The same in the order in which documents are kept.
pub(crate) const BEFORE: &str = "before";
/// The decisions.
pub(crate) const CLUSTERS: &str = "clusters";

/// Whether a job may have written a file of this name, in a folder that is its own.
pub(crate) fn is_ours(name: &str) -> bool {
    const ALL: [&str; 21] = [
        MANIFEST, INPUTS, LOCK, ROWS, ENDS, KEYS, PRINTS, IDS, EARLY, REJECTED, REPEATED, FIRSTS,
        MARKS, BUCKETS, CANDIDATES, SETS, INDEX, STRIPS, SLOTS, RARE, JOINED,
    ];
    ALL.contains(&name)
        || [CROWDS, NARROWED, EDGES, BEFORE, CLUSTERS].contains(&name)
        || name.starts_with(PREFIX)
}
