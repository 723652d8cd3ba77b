//! Connected components of the verified pairs, without comparing all candidates.
//!
//! A pair that is already connected is not compared. The result does not depend on the order of comparisons: it is the
//! components of all pairs that would be found.

use std::collections::HashSet;
use std::ops::Range;

use rayon::prelude::*;

use super::Labels;
use crate::candidates::Candidates;
use crate::error::Error;
use crate::exact::Near;
use crate::pool::Pool;
use crate::union_find::UnionFind;
use crate::watch::Ticker;

/// The most sets that are processed in parallel before the connected or kept sets are updated.
pub(super) const BATCH: usize = 2048;

/// Ranges of batches of `all`. The first are small, so that similar sets are connected early.
pub(super) fn batches(all: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    const FIRST: usize = 16;
    let mut from = 0;
    std::iter::from_fn(move || {
        let batch = from..all.min(from + from.clamp(FIRST, most));
        from = batch.end;
        (!batch.is_empty()).then_some(batch)
    })
}

/// Labels each set with the smallest set of its component.
pub(crate) fn components(
    candidates: &Candidates,
    is_similar: impl Fn(u32, u32) -> bool + Sync,
    ticker: &Ticker<'_>,
) -> Result<Labels, Error> {
    let mut unseen = 0;
    let (mut components, joined) = candidates.connected();
    if let Err(out) = joined {
        candidates.out_of_work(out)?;
        unseen = candidates.unseen();
    }
    let all = 0..candidates.sets as u32;
    let active: Vec<u32> = all.filter(candidates.active(unseen > 0)).collect();
    ticker.tick(candidates.sets - active.len())?;
    let memory = Pool::<(Near, HashSet<u32>)>::default();
    for batch in batches(active.len(), BATCH.max(active.len() / 64)) {
        let sets = &active[batch];
        let edges: Vec<Vec<(u32, u32)>> = sets
            .par_iter()
            .map_init(
                || memory.lend(),
                |memory, &set| {
                    ticker.tick(1)?;
                    let (near, joined) = &mut **memory;
                    candidates.near(set, unseen > 0, near);
                    Ok(connections(
                        set,
                        &near.sets,
                        &components,
                        joined,
                        &is_similar,
                    ))
                },
            )
            .collect::<Result<_, Error>>()?;
        for (x, y) in edges.into_iter().flatten() {
            components.union(x, y);
        }
        for &set in sets {
            components.find(set); // shortens paths to roots
        }
    }
    Ok(Labels {
        label: components.flatten().to_vec(),
        unseen,
    })
}

/// The pairs that connect a set with later candidates: one for each component.
fn connections(
    set: u32,
    near: &[u32],
    components: &UnionFind,
    joined: &mut HashSet<u32>,
    is_similar: &impl Fn(u32, u32) -> bool,
) -> Vec<(u32, u32)> {
    let own = components.root(set);
    joined.clear();
    let mut edges = Vec::new();
    for &other in near.iter().filter(|&&other| other > set) {
        let root = components.root(other);
        if root != own && !joined.contains(&root) && is_similar(set, other) {
            joined.insert(root);
            edges.push((set, other));
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_all_and_grow() {
        for all in [0, 1, 16, 17, 5000] {
            let batches: Vec<_> = batches(all, 100).collect();
            let places: Vec<usize> = batches.iter().cloned().flatten().collect();
            assert!(places.into_iter().eq(0..all));
            assert!(batches.iter().all(|batch| (1..=100).contains(&batch.len())));
        }
    }
}
