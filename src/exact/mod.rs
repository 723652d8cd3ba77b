//! The exact similarity join: every pair whose Jaccard similarity reaches the threshold, and no sketch.
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
//! 2. **Prefixes.** The shingle sets of the survivors are made. Their shingles are put in one order for all; two sets
//!    at the threshold then share one of the first `|A| - ceil(t |A|) + 1` of each (*prefix filter*: Chaudhuri,
//!    Ganti, Kaushik 2006), the smaller of them even one of its first `|A| - ceil(2 t / (1 + t) |A|) + 1` (Bayardo,
//!    Ma, Srikant 2007: AllPairs; Xiao et al. 2008: PPJoin). The order is that of hashes where a look at some of them
//!    shows that few sets would meet; else by (document frequency, hash), rarest first. Frequencies are counted in a
//!    table of bytes, for three times as many shingles as a prefix takes; where two shingles share a byte, the order
//!    changes and the result does not.
//! 3. **Candidates.** Sets that share a shingle in their prefixes are candidates unless their sizes say no (*length
//!    filter*), the places of the shared shingle in both (*positional filter*, PPJoin), or bitmaps of the sets
//!    (*bitmap filter*: Sandes, Teodoro, Melo 2020): a bit in which they differ stands for a shingle that one of them
//!    lacks.
//! 4. **Verification** by merging the sorted sets, given up as soon as the overlap that is needed is out of reach.
//!
//! Mann, Augsten and Bouros (2016) compare these filters and their combinations.
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
//! Beside shingling: of every document 52 bytes, and 4 for each sampled hash, `1.5 (1 - t)` of all (0.3 at t = 0.8);
//! of survivors 8 bytes a shingle for their sets, and while prefixes are compared some 50 for each place in a prefix that
//! another set shares. The work grows with the square of the frequency of the shingles in prefixes: it is small
//! where most documents have rare shingles (five words of prose), and large where all shingles are common (single
//! words, short n-grams of characters) or the threshold is low. `benches/README.md` sets it beside LSH.
//!
//! [`exact_memory`](crate::DeduperBuilder::exact_memory) and [`exact_work`](crate::DeduperBuilder::exact_work) bound
//! both.

mod bitmap;
mod filter;
mod join;
mod prefix;
mod sample;

#[cfg(feature = "corpus")]
pub(crate) use filter::Strips;
pub(crate) use filter::survivors;
pub(crate) use join::{Direction, Join, Near};
#[cfg(feature = "corpus")]
pub(crate) use prefix::{Frequencies, Orderer};
pub(crate) use sample::{Sample, Sampler};
