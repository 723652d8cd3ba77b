//! Clusters where every pair is among the candidates: those of the exact join.
//!
//! The pairs are then known by the threshold alone, and so are both kinds of clusters: it does not matter which pairs are
//! compared first, or that one is not compared because it is connected already.

use rayon::prelude::*;

use super::{Labels, UnionFind};
use crate::error::Error;
use crate::exact::{Direction, Join, Near};
use crate::watch::Ticker;

/// Sets that are looked at in parallel, between two looks at what is connected or kept.
const BATCH: usize = 2048;

pub(crate) struct Complete<'a, IsSimilar> {
    pub(crate) join: &'a Join,
    /// Distinct sets.
    pub(crate) sets: usize,
    /// Compares two sets.
    pub(crate) is_similar: IsSimilar,
}

impl<IsSimilar: Fn(u32, u32) -> bool + Sync> Complete<'_, IsSimilar> {
    /// Connected components: the smallest set of each set's component.
    pub(crate) fn components(&self, ticker: &Ticker<'_>) -> Result<Labels, Error> {
        let mut components = UnionFind::new(self.sets);
        let batch = BATCH.max(self.join.len() / 64); // flattening looks at all sets
        for from in (0..self.join.len()).step_by(batch) {
            let roots = components.flatten();
            let places = from..self.join.len().min(from + batch);
            let edges: Vec<Vec<(u32, u32)>> = places
                .into_par_iter()
                .map_init(Default::default, |memory, place| {
                    ticker.tick(1)?;
                    Ok(self.connections(place, roots, memory))
                })
                .collect::<Result<_, Error>>()?;
            for (x, y) in edges.into_iter().flatten() {
                components.union(x, y);
            }
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
        (near, joined): &mut (Near, Vec<u32>),
    ) -> Vec<(u32, u32)> {
        let set = self.join.set(place);
        self.join.near(place, Direction::Later, near);
        joined.clear();
        joined.push(roots[set as usize]);
        let mut edges = Vec::new();
        for &other in &near.places {
            let other = self.join.set(other as usize);
            let root = roots[other as usize];
            if !joined.contains(&root) && (self.is_similar)(set, other) {
                joined.push(root);
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
        for sets in order.chunks(BATCH) {
            let first = rank[sets[0].0 as usize];
            // Those kept before this batch; then, in order, those of the batch.
            let found: Vec<(Option<u32>, Vec<u32>)> = sets
                .par_iter()
                .map_init(Near::default, |near, &(set, place)| {
                    ticker.tick(1)?;
                    let is_kept = |set: u32| leader[set as usize] == set;
                    Ok(self.resembled(set, place, first, &rank, is_kept, near))
                })
                .collect::<Result<_, Error>>()?;
            for (&(set, _), (before, within)) in sets.iter().zip(found) {
                let within = within
                    .into_iter()
                    .find(|&other| leader[other as usize] == other);
                if let Some(kept) = before.or(within) {
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
