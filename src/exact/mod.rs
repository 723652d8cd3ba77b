//! The exact similarity join: every pair whose Jaccard similarity reaches the threshold, and no sketch.
//!
//! Frequent shingles say what form a document has, rare ones what it says. So the join goes by rare shingles first, and
//! text that many documents have in common (a site's header and footer, a form, a licence) does not slow it down.
//!
//! A set A with a partner B at the threshold t shares at least `ceil(t |A|)` of its shingles with it, and so misses at
//! most `|A| - ceil(t |A|)`. Everything here follows from that:
//!
//! 1. **Sample and filter.** While documents are shingled, those of their hashes that lie below a limit are kept, 4
//!    bytes each: three for every two that a document may miss. In one pass over them, with a table of bits, each
//!    document counts those that no earlier document has; where they are more than it may miss, it has no earlier
//!    partner. In a second pass the rest do the same against the documents that may have one. What stays are the
//!    *survivors*: in an ordinary collection few beside those that have partners. Where two hashes share a bit, a
//!    document may survive that need not: the filter errs on the safe side only.
//! 2. **Second look.** The sets of up to 4,096 survivors show which shingles are *frequent*, where these are a quarter
//!    of all. Where an eighth of the documents survive, and a survivor has on average 1.5 times as many shingles of its own
//!    as it may miss, all survivors go through the filter again, with the keys of all their shingles that are not
//!    frequent: pages of one site whose articles are their own end here. In memory, sets hold a number of 2 bytes for
//!    each frequent shingle instead of its hash.
//! 3. **Frequencies.** The shingle sets of the survivors are made, and counted is how many of them have each shingle, in
//!    a table of bytes that hashes share: never too low. Shingles in more than 15 sets are *common*, others *rare*.
//!    Frequent ones are common without being counted.
//! 4. **Rare shingles.** All shingles are put in the order of (frequency, hash). Two sets at the threshold share one of
//!    the first `|A| - ceil(t |A|) + 1` of each (*prefix filter*: Chaudhuri, Ganti, Kaushik 2006), the smaller of them
//!    even one of its first `|A| - ceil(2 t / (1 + t) |A|) + 1` (Bayardo, Ma, Srikant 2007: AllPairs; Xiao et al. 2008:
//!    PPJoin). If the first that they share in this order is rare, both stand in its list, which is short. They are
//!    candidates unless their sizes say no (*length filter*), the places of the shared shingle in both (*positional
//!    filter*, PPJoin), or bitmaps of the sets (*bitmap filter*: Sandes, Teodoro, Melo 2020). They are verified by
//!    merging the sorted sets, given up as soon as the overlap that is needed is out of reach.
//! 5. **Common parts.** If the first is common, all that the two share is common: at most `|A| - ceil(t |A|)` of A are
//!    rare, and of B likewise, and their common shingles alone reach the threshold. Sets with the same common shingles
//!    are a *class*, in which sizes alone decide: nothing is compared. Between classes the same question is asked of far
//!    fewer and smaller things, with an index that is split where looking is in vain.
//!
//! Mann, Augsten and Bouros (2016) compare the filters and their combinations.
//!
//! # What exact means
//!
//! Recall is 1 over sets of 64-bit shingle hashes. Two different shingles have the same hash with probability
//! `2^-64`; in a collection of n distinct shingles any two do with at most `n^2 / 2^65`: 3 in 100,000 for 30 million,
//! 3 in 100 for 10^9. One such collision changes the similarity of a pair by one shingle's worth, here as in every
//! other part of the crate: no sketch, no band and no estimate has a say.
//!
//! # Cost
//!
//! Beside shingling: of every document 52 bytes, and 4 for each sampled hash, `1.5 (1 - t)` of all (0.3 at t = 0.8); of
//! a second look 4 for each shingle that is not frequent, until it is over; of survivors 8 bytes a shingle for their
//! sets, 2 of one that is frequent, about 2 for each distinct shingle, and some 50 for each rare shingle in a prefix that
//! another set shares. Looks by rare shingles are at most 15 for each place in a prefix, on any
//! collection. The join of classes takes time in proportion to the classes where these are few forms and their parts. It
//! becomes slow where thousands of documents lack different parts of one form and are not similar for that; there
//! [`exact_work`](crate::DeduperBuilder::exact_work) ends it. [`exact_memory`](crate::DeduperBuilder::exact_memory)
//! bounds memory. `benches/README.md` sets the join beside LSH.

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
