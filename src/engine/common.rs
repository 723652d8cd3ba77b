//! Common parts of sets, and the sets that are similar by them.

use std::convert::Infallible;

use rayon::prelude::*;

use super::Similar;
use crate::exact::{
    Common, CommonJoin, CommonOf, Fingerprint, MostlyCommon, OutOfWork, Part, Work,
};
use crate::threshold::Threshold;
use crate::union_find::UnionFind;

/// The common shingles of some sets, and those of the sets that have no other common shingles.
///
/// Sets with the same common part are compared by their sizes alone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CommonPart {
    pub(super) fingerprint: Fingerprint,
    /// Ascending.
    pub(super) shingles: Vec<u64>,
    /// The size and the number of each set, ascending.
    pub(super) sets: Vec<(u32, u64)>,
}

impl CommonPart {
    /// A number by which parts can be distributed: it is the same for the same shingles.
    pub fn key(&self) -> u64 {
        self.fingerprint.mixed()
    }
}

/// Puts the sets of the same common part together, and connects those that are similar to the smallest of them.
pub(super) fn merge(
    mut parts: Vec<CommonPart>,
    threshold: Threshold,
) -> (Vec<CommonPart>, Vec<Similar>) {
    parts.par_sort_unstable_by_key(|part| part.fingerprint);
    parts.dedup_by(|later, first| {
        let is_same = later.fingerprint == first.fingerprint;
        if is_same {
            first.sets.append(&mut later.sets);
        }
        is_same
    });
    let mut similar = Vec::new();
    for part in &mut parts {
        part.sets.sort_unstable();
        part.sets.dedup();
        let Some(&(least, first)) = part.sets.first() else {
            continue;
        };
        let most = threshold.most_sum(part.shingles.len());
        part.sets.retain(|&(size, set)| {
            let is_similar = set != first && (least + size) as usize <= most;
            if is_similar {
                similar.push((first.min(set), first.max(set)));
            }
            !is_similar
        });
    }
    (parts, similar)
}

/// Connects sets of common parts that are all different.
pub(super) fn connect(
    parts: &[CommonPart],
    threshold: Threshold,
    work: Work,
) -> Result<Vec<Similar>, OutOfWork> {
    let all = parts.iter().enumerate().flat_map(|(part, common)| {
        common
            .sets
            .iter()
            .map(move |&(size, set)| (part, size, set))
    });
    let all: Vec<(usize, u32, u64)> = all.collect();
    let mostly_common = (0..)
        .zip(&all)
        .map(|(number, &(part, size, _))| MostlyCommon {
            fingerprint: parts[part].fingerprint,
            set: number,
            size,
            common: parts[part].shingles.len() as u32,
        });
    let shingles = PartsOf { parts, all: &all };
    let join = CommonJoin::new(
        mostly_common.collect(),
        all.len(),
        threshold,
        |_| false,
        &shingles,
    );
    let Ok(join) = join;
    let mut components = UnionFind::new(all.len());
    join.connect(&mut components, work)?;
    let set = |number: u32| all[number as usize].2;
    let pairs = (0..all.len() as u32).filter_map(|number| {
        let root = components.find(number);
        (root != number).then(|| (set(root).min(set(number)), set(root).max(set(number))))
    });
    Ok(pairs.collect())
}

/// The common shingles of numbered sets.
struct PartsOf<'p> {
    parts: &'p [CommonPart],
    /// The part, size and number of each set.
    all: &'p [(usize, u32, u64)],
}

impl CommonOf for PartsOf<'_> {
    type Error = Infallible;

    fn for_each(
        &self,
        sets: &[u32],
        part: Part,
        mut each: impl FnMut(usize, Common),
    ) -> Result<(), Infallible> {
        let (first, last) = part.hashes();
        for (number, &set) in sets.iter().enumerate() {
            let shingles = &self.parts[self.all[set as usize].0].shingles;
            let from = shingles.partition_point(|&hash| hash < first);
            let within = shingles[from..].iter().take_while(|&&hash| hash <= last);
            within.for_each(|&hash| each(number, Common::Hashed(hash)));
        }
        Ok(())
    }

    fn parts(&self) -> usize {
        rayon::current_num_threads()
    }

    fn numbered(&self) -> usize {
        0
    }
}
