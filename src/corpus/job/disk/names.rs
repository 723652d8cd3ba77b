//! The names of the files in a work folder.

use crate::corpus::work_folder::MANIFEST;
use crate::passing::PREFIX;

pub(crate) const INPUTS: &str = "inputs.jsonl";
pub(crate) const LOCK: &str = "lock";
/// A row for each document.
pub(crate) const ROWS: &str = "rows";
/// The number of documents at the end of each input.
pub(crate) const ENDS: &str = "ends";
/// The passages of documents of groups.
pub(crate) const PASSAGES: &str = "passages";
/// The repeated ones.
pub(crate) const ASIDE: &str = "aside";
pub(crate) const KEYS: &str = "keys";
pub(crate) const PRINTS: &str = "prints";
pub(crate) const IDS: &str = "ids";
/// Records rejected in the first pass.
pub(crate) const EARLY: &str = "rejected-early";
/// All rejected records.
pub(crate) const REJECTED: &str = "rejected";
/// Documents with repeated ids.
pub(crate) const REPEATED: &str = "repeated";
/// For each document, the first one with the same shingles.
pub(crate) const FIRSTS: &str = "firsts";
/// The mark of each document.
pub(crate) const MARKS: &str = "marks";
/// The marks after narrowing.
pub(crate) const NARROWED: &str = "narrowed";
/// Documents that share bands.
pub(crate) const BUCKETS: &str = "buckets";
/// The crowds of each document.
pub(crate) const CROWDS: &str = "crowds";
/// Pairs that share a band.
pub(crate) const CANDIDATES: &str = "candidates";
/// The shingle sets of candidates.
pub(crate) const SETS: &str = "sets";
/// The place of each set in that file.
pub(crate) const INDEX: &str = "index";
/// All shingles, with the documents that have them.
pub(crate) const SHINGLES: &str = "shingles";
/// Those that several documents have, with their numbers.
pub(crate) const COUNTED: &str = "counted";
/// The shingle sets with the frequencies of their shingles, and the place of each in that file.
pub(crate) const WEIGHED: &str = "weighed";
pub(crate) const WEIGHED_INDEX: &str = "weighed-index";
/// Sampled hashes.
pub(crate) const STRIPS: &str = "strips";
/// Signatures of documents of crowded buckets.
pub(crate) const SLOTS: &str = "slots";
/// Rare shingles of prefixes.
pub(crate) const RARE: &str = "rare";
/// The shingles that are probes, with the sets that have them.
pub(crate) const LISTED: &str = "listed";
/// Pairs that share a rare shingle.
pub(crate) const JOINED: &str = "joined";
/// Verified pairs.
pub(crate) const EDGES: &str = "edges";
/// Verified pairs in keep order.
pub(crate) const BEFORE: &str = "before";
/// The decisions.
pub(crate) const CLUSTERS: &str = "clusters";

/// Whether a job may write a file with this name to its work folder.
pub(crate) fn is_ours(name: &str) -> bool {
    const ALL: [&str; 21] = [
        MANIFEST, INPUTS, LOCK, ROWS, ENDS, KEYS, PRINTS, IDS, EARLY, REJECTED, REPEATED, FIRSTS,
        MARKS, BUCKETS, CANDIDATES, SETS, INDEX, STRIPS, SLOTS, RARE, JOINED,
    ];
    ALL.contains(&name)
        || [
            CROWDS,
            NARROWED,
            EDGES,
            BEFORE,
            CLUSTERS,
            PASSAGES,
            ASIDE,
            LISTED,
            SHINGLES,
            COUNTED,
            WEIGHED,
            WEIGHED_INDEX,
        ]
        .contains(&name)
        || name.starts_with(PREFIX)
}
