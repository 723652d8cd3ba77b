//! The exact similarity join, by rare shingles first. `docs/exact-join.md` describes the algorithm, the papers it comes
//! from, what exact means, and the cost.

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
mod probes;
mod sample;
mod scan;
mod tree;
mod work;

pub(crate) use classes::{Common, CommonOf, Part};
pub(crate) use common::CommonJoin;
#[cfg(feature = "corpus")]
pub(crate) use filter::Strips;
pub(crate) use filter::{pays_again, survivors};
pub(crate) use frequencies::{Frequencies, MOST_RARE, PREFIX_BITS, prefix};
pub(crate) use join::{Join, Near};
pub(crate) use lead::Leading;
pub(crate) use lists::similar_in_list;
pub(crate) use partners::Partners;
#[cfg(feature = "corpus")]
pub(crate) use probes::{Probed, Probing, listed_of_weighted};
pub(crate) use sample::{Sample, Sampler};
pub(crate) use scan::{Fingerprint, MostlyCommon, Posting, Rarity, Scanned};
pub(crate) use work::{OutOfWork, Work};
