//! The exact similarity join, which finds every pair whose Jaccard similarity reaches the threshold, without sketches.
//!
//! Frequent shingles belong to the form of a document, rare ones to its content. The join uses rare shingles first, so
//! that text that many documents share (a site's header and footer, a form, a licence) does not slow it down.
//!
//! If the similarity of sets A and B is at least t, they share at least `ceil(t |A|)` shingles. So at most
//! `|A| - ceil(t |A|)` shingles of A are missing from B. Every step is based on this bound. Similar sets are
//! *partners*.
//!
//! 1. **Sample and filter.** While documents are shingled, the hashes below a limit are kept in 4 bytes each: on
//!    average three for every two that a partner may lack. A first pass over them uses a table of bits to count, for
//!    each document, its hashes that no earlier document has. If they are more than a partner may lack, the document
//!    has no earlier partner. A second pass compares the remaining documents in the same way with those that may have
//!    an earlier partner. The documents that are left are the *survivors*. In an ordinary collection, few of them have
//!    no partner. If two hashes share a bit, a document without partners may survive, but no document with a partner is
//!    dropped.
//! 2. **Second filter.** The sets of up to 4,096 survivors show which shingles are *frequent*; there are some only if
//!    they make up a quarter of all shingles. The survivors are filtered again, by all their shingles that are not
//!    frequent, if they are an eighth of the documents and have on average 1.5 times as many unique shingles as a
//!    partner may lack. This dismisses pages of one site that have different articles. In memory, sets store a frequent
//!    shingle as a number of 2 bytes instead of its hash.
//! 3. **Frequencies.** The shingle sets of the survivors are built. A table of bytes counts how many of them have each
//!    shingle. Hashes share bytes, so a count may be too high, but never too low. Shingles in more than 15 sets are
//!    *common*, and others are *rare*. Frequent shingles are common without being counted.
//! 4. **Rare shingles.** All shingles are sorted by (frequency, hash). In this order, two similar sets share one of the
//!    first `|A| - ceil(t |A|) + 1` shingles of each (*prefix filter*: Chaudhuri, Ganti, Kaushik 2006). The smaller set
//!    even has it among its first `|A| - ceil(2 t / (1 + t) |A|) + 1` (Bayardo, Ma, Srikant 2007: AllPairs; Xiao et al.
//!    2008: PPJoin). If the first shared shingle is rare, both sets are in the list of this shingle, which is short.
//!    They are candidates unless they are ruled out by their sizes (*length filter*), by the positions of the shared
//!    shingle in both (*positional filter*, PPJoin), or by bitmaps of the sets (*bitmap filter*: Sandes, Teodoro, Melo
//!    2020). Candidates are verified by merging the sorted sets, which stops as soon as the needed overlap cannot be
//!    reached.
//! 5. **Common parts.** If the first shared shingle is common, all shared shingles are common. Then at most
//!    `|A| - ceil(t |A|)` shingles of A are rare, likewise for B, and the common shingles alone reach the threshold.
//!    Sets with the same common shingles form a *class*. Within a class, sizes alone decide who is similar, without
//!    comparisons. Classes are far fewer and smaller than sets. Those with similar members are found with an index,
//!    whose nodes are split when too many comparisons in them fail.
//!
//! Mann, Augsten and Bouros (2016) compare the filters and their combinations.
//!
//! # What exact means
//!
//! Recall is 1 for sets of 64-bit shingle hashes: the result depends on no sketch, band or estimate. Two different
//! shingles have the same hash with probability `2^-62`. In a collection of n distinct shingles, some two have the same
//! hash with probability at most `n^2 / 2^63`: 1 in 10,000 for 30 million, 1 in 9 for 10^9. Such a collision changes
//! the similarity of a pair by one shingle. This holds for every part of the crate.
//!
//! # Cost
//!
//! Memory, beside shingling:
//!
//! - for every document, 52 bytes, and 4 for each sampled hash; the sample is a share `1.5 (1 - t)` of all hashes (0.3
//!   at t = 0.8)
//! - for the second filter, 4 bytes for each shingle that is not frequent, until it is done
//! - for the sets of survivors, 8 bytes a shingle (2 if it is frequent), about 2 for each distinct shingle, and about
//!   50 for each rare shingle of a prefix that another set shares
//!
//! On any collection, each shingle of a prefix leads to at most 15 looks at other sets. Joining classes takes time in
//! proportion to their number if they come from a few forms. It becomes slow if thousands of documents lack different
//! parts of one form, and so are not similar; [`exact_work`](crate::DeduperBuilder::exact_work) limits this.
//! [`exact_memory`](crate::DeduperBuilder::exact_memory) limits memory. `benches/README.md` compares the join with LSH.

mod bitmap;
mod classes;
mod common;
mod connect;
mod filter;
mod frequencies;
mod join;
mod lead;
mod lists;
mod partners;
mod sample;
mod scan;
mod tree;
mod work;

#[cfg(feature = "corpus")]
pub(crate) use classes::{Common, CommonOf, Part};
#[cfg(feature = "corpus")]
pub(crate) use common::CommonJoin;
#[cfg(feature = "corpus")]
pub(crate) use filter::Strips;
pub(crate) use filter::{pays_again, survivors};
#[cfg(feature = "corpus")]
pub(crate) use frequencies::Frequencies;
pub(crate) use frequencies::MOST_RARE;
pub(crate) use join::{Join, Near};
pub(crate) use lead::Leading;
#[cfg(feature = "corpus")]
pub(crate) use lists::{Listed, early};
pub(crate) use partners::Partners;
pub(crate) use sample::{Sample, Sampler};
#[cfg(feature = "corpus")]
pub(crate) use scan::{MostlyCommon, Posting, Rarity, Scanned};
pub(crate) use work::{OutOfWork, Work};
