//! Clusters where every pair is among the candidates: those of the exact join.
//!
//! The pairs are then known by the threshold alone, and so are both kinds of clusters: it does not matter which pairs are
//! compared first, or that one is not compared because it is connected already.

use std::collections::HashSet;
use std::ops::Range;

use rayon::prelude::*;

use super::{Labels, UnionFind};
use crate::error::Error;
use crate::exact::{Direction, Join, Near};
use crate::pool::Pool;
use crate::recall::LinkTally;
use crate::watch::Ticker;

/// Sets that are looked at in parallel, at most, between two looks at what is connected or kept.
const BATCH: usize = 2048;

/// Ends of batches of `all`: small ones first, so that what is alike is soon known to be.
fn batches(all: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    const FIRST: usize = 16;
    let mut from = 0;
    std::iter::from_fn(move || {
        let batch = from..all.min(from + from.clamp(FIRST, most));
        from = batch.end;
        (!batch.is_empty()).then_some(batch)
    })
}

pub(crate) struct Complete<'a, IsSimilar> {
    pub(crate) join: &'a Join,
    /// Distinct sets.
    pub(crate) sets: usize,
    /// Compares two sets.
    pub(crate) is_similar: IsSimilar,
    /// Counts the sets that are connected with others, or removed: those are the pairs that are needed, whichever
    /// were looked at.
    pub(crate) tally: &'a LinkTally<'a>,
}

impl<IsSimilar: Fn(u32, u32) -> bool + Sync> Complete<'_, IsSimilar> {
    /// Connected components: the smallest set of each set's component.
    pub(crate) fn components(&self, ticker: &Ticker<'_>) -> Result<Labels, Error> {
        let mut components = UnionFind::new(self.sets);
        let memory = Pool::<(Near, HashSet<u32>)>::default();
        let most = BATCH.max(self.join.len() / 64); // flattening looks at all sets
        for places in batches(self.join.len(), most) {
            let roots = components.flatten();
            let edges: Vec<Vec<(u32, u32)>> = places
                .into_par_iter()
                .map_init(
                    || memory.lend(),
                    |memory, place| {
                        ticker.tick(1)?;
                        Ok(self.connections(place, roots, memory))
                    },
                )
                .collect::<Result<_, Error>>()?;
            let edges = edges.into_iter().flatten();
            let connecting = edges.filter(|&(x, y)| components.union(x, y));
            self.tally.add_certain(connecting.count() as u64);
        }
        Ok(Labels {
            label: components.flatten().to_vec(),
            split: 0,
        })
    }

    /// What the set at a place is connected with by later places: one pair for each component.
    fn connections(
        &self,
        place: usize,
        roots: &[u32],
        (near, joined): &mut (Near, HashSet<u32>),
    ) -> Vec<(u32, u32)> {
        let set = self.join.set(place);
        self.join.near(place, Direction::Later, near);
        joined.clear();
        joined.insert(roots[set as usize]);
        let mut edges = Vec::new();
        for &other in &near.places {
            let other = self.join.set(other as usize);
            let root = roots[other as usize];
            if !joined.contains(&root) && (self.is_similar)(set, other) {
                joined.insert(root);
                edges.push((set, other));
            }
        }
        edges
    }

    /// Leader clusters: the first kept set that each set resembles, or itself where it is kept. `order` holds every
    /// set once, in the order of the keep policy.
    pub(crate) fn leaders(&self, order: &[u32], ticker: &Ticker<'_>) -> Result<Labels, Error> {
        let mut leader: Vec<u32> = (0..self.sets as u32).collect();
        let mut rank = vec![0; self.sets];
        for (place, &set) in (0..).zip(order) {
            rank[set as usize] = place;
        }
        let places = self.join.places(self.sets);
        let order: Vec<(u32, u32)> = order
            .iter()
            .filter_map(|&set| Some((set, places[set as usize]?)))
            .collect();
        let memory = Pool::<Near>::default();
        for batch in batches(order.len(), BATCH) {
            let sets = &order[batch];
            let first = rank[sets[0].0 as usize];
            // Those kept before this batch; then, in order, those of the batch.
            let found: Vec<(Option<u32>, Vec<u32>)> = sets
                .par_iter()
                .map_init(
                    || memory.lend(),
                    |near, &(set, place)| {
                        ticker.tick(1)?;
                        let is_kept = |set: u32| leader[set as usize] == set;
                        Ok(self.resembled(set, place, first, &rank, is_kept, near))
                    },
                )
                .collect::<Result<_, Error>>()?;
            for (&(set, _), (before, within)) in sets.iter().zip(found) {
                let within = within
                    .into_iter()
                    .find(|&other| leader[other as usize] == other);
                if let Some(kept) = before.or(within) {
                    self.tally.add_certain(1);
                    leader[set as usize] = kept;
                }
            }
        }
        Ok(Labels {
            label: leader,
            split: 0,
        })
    }

    /// The first kept set ranked before `first` that `set` resembles; where there is none, all that it resembles from
    /// there to itself, by rank.
    fn resembled(
        &self,
        set: u32,
        place: u32,
        first: u32,
        rank: &[u32],
        is_kept: impl Fn(u32) -> bool,
        near: &mut Near,
    ) -> (Option<u32>, Vec<u32>) {
        let rank = |set: u32| rank[set as usize];
        self.join.near(place as usize, Direction::All, near);
        let others = near
            .places
            .iter()
            .map(|&other| self.join.set(other as usize));
        let asked =
            |&other: &u32| rank(other) < rank(set) && (rank(other) >= first || is_kept(other));
        let mut others: Vec<u32> = others.filter(asked).collect();
        others.sort_unstable_by_key(|&other| rank(other));
        let split = others.partition_point(|&other| rank(other) < first);
        let is_similar = |other: &u32| (self.is_similar)(*other, set);
        match others[..split].iter().copied().find(is_similar) {
            Some(kept) => (Some(kept), Vec::new()),
            None => (
                None,
                others[split..].iter().copied().filter(is_similar).collect(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chances::Chances;
    use crate::threshold::Threshold;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn batches_cover_all_and_grow() {
        for all in [0, 1, 16, 17, 5000] {
            let batches: Vec<_> = batches(all, 100).collect();
            let places: Vec<usize> = batches.iter().cloned().flatten().collect();
            assert!(places.into_iter().eq(0..all));
            assert!(batches.iter().all(|batch| (1..=100).contains(&batch.len())));
        }
    }

    /// Many sets that are all alike are not all compared with each other.
    #[test]
    fn what_is_alike_is_soon_known_to_be() {
        let many = 3000;
        let set = |own: u64| (0..100).chain([1000 + own]).collect::<Vec<u64>>();
        let sets: Vec<Vec<u64>> = (0..many).map(set).collect();
        let slices: Vec<&[u64]> = sets.iter().map(Vec::as_slice).collect();
        let ticker = Ticker::silent();
        let join = Join::new(&slices, Threshold(0.9), &ticker).unwrap();
        let asked = AtomicUsize::new(0);
        let chances = Chances::certain();
        let complete = Complete {
            join: &join,
            sets: sets.len(),
            is_similar: |_, _| {
                asked.fetch_add(1, Ordering::Relaxed);
                true
            },
            tally: &LinkTally::new(&chances),
        };
        let Labels { label, .. } = complete.components(&ticker).unwrap();
        assert!(label.iter().all(|&label| label == 0));
        let components = asked.swap(0, Ordering::Relaxed);
        let order: Vec<u32> = (0..many as u32).collect();
        let Labels { label, .. } = complete.leaders(&order, &ticker).unwrap();
        assert!(label.iter().all(|&label| label == 0));
        let leaders = asked.into_inner();
        assert!(
            components < 20 * sets.len() && leaders < 2 * sets.len(),
            "{components} {leaders}"
        );
    }
}
