//! Leader clusters: a set is removed only for one that is kept.
//!
//! Sets are processed in the order of the keep policy. Each is removed for the first kept set that it resembles; if
//! there is none, it is kept. So no two kept sets resemble each other, as far as pairs are found.

use rayon::prelude::*;

use super::Labels;
use super::components::{BATCH, batches};
use crate::candidates::Candidates;
use crate::error::Error;
use crate::exact::{Leading, Near, OutOfWork};
use crate::pool::Pool;
use crate::watch::Ticker;

/// No rank: there is no kept set that resembles this one.
const NONE: u32 = u32::MAX;

/// Labels each set with the first kept set that it resembles, or with itself if it is kept. `order` contains every set
/// once, in the order of the keep policy. Sets for which `stays` is true are always kept, and come first.
/// `removes(kept, set)` is true if a set is removed for a kept one.
pub(crate) fn leaders(
    candidates: &Candidates,
    order: &[u32],
    stays: impl Fn(u32) -> bool + Sync,
    removes: impl Fn(u32, u32) -> bool + Sync,
    ticker: &Ticker<'_>,
) -> Result<Labels, Error> {
    let mut leaders = Leaders {
        candidates,
        order,
        rank: vec![0; candidates.sets],
        stays: &stays,
        removes: &removes,
        ticker,
        with_crowded: false,
    };
    for (rank, &set) in (0..).zip(order) {
        leaders.rank[set as usize] = rank;
    }
    let join = candidates.join.as_ref();
    let label = match leaders.lead(join.map(|join| join.common().leading(candidates.work)))? {
        Ok(label) => label,
        Err(out) => {
            candidates.out_of_work(out)?;
            leaders.with_crowded = true;
            match leaders.lead(None)? {
                Ok(label) => label,
                Err(_) => unreachable!("nothing is joined by common parts"),
            }
        }
    };
    Ok(Labels {
        label,
        unseen: match leaders.with_crowded {
            true => candidates.unseen(),
            false => 0,
        },
    })
}

struct Leaders<'a, Stays, Removes> {
    candidates: &'a Candidates,
    order: &'a [u32],
    rank: Vec<u32>,
    stays: &'a Stays,
    removes: &'a Removes,
    ticker: &'a Ticker<'a>,
    with_crowded: bool,
}

impl<Stays, Removes> Leaders<'_, Stays, Removes>
where
    Stays: Fn(u32) -> bool + Sync,
    Removes: Fn(u32, u32) -> bool + Sync,
{
    fn lead(&self, mut leading: Option<Leading<'_>>) -> Result<Result<Vec<u32>, OutOfWork>, Error> {
        let candidates = self.candidates;
        let mut leader: Vec<u32> = (0..candidates.sets as u32).collect();
        let active = self.order.iter().copied();
        let active: Vec<u32> = active
            .filter(candidates.active(self.with_crowded))
            .collect();
        self.ticker.tick(candidates.sets - active.len())?;
        let memory = Pool::<Near>::default();
        for batch in batches(active.len(), BATCH) {
            let sets = &active[batch];
            let first = self.rank(sets[0]);
            // First compare with sets kept before this batch; then, in order, with those of the batch.
            let is_kept = |set: u32| leader[set as usize] == set;
            let found: Vec<(u32, Vec<u32>)> = sets
                .par_iter()
                .map_init(
                    || memory.lend(),
                    |near, &set| {
                        self.ticker.tick(1)?;
                        candidates.near(set, self.with_crowded, near);
                        Ok(self.resembled(set, first, is_kept, &mut near.sets))
                    },
                )
                .collect::<Result<_, Error>>()?;
            for (&set, (before, within)) in sets.iter().zip(found) {
                let is_kept = |&&rank: &&u32| {
                    let other = self.order[rank as usize];
                    leader[other as usize] == other
                };
                let within = within.iter().find(is_kept).copied();
                let mut best = before.min(within.unwrap_or(NONE));
                if let Some(leading) = &mut leading {
                    let rank = self.rank(set);
                    if !(self.stays)(set) {
                        match leading.first(set, rank, best) {
                            Ok(first) => best = first,
                            Err(out) => return Ok(Err(out)),
                        }
                    }
                    if best == NONE {
                        leading.keep(set, rank);
                    }
                }
                if best != NONE {
                    leader[set as usize] = self.order[best as usize];
                }
            }
        }
        Ok(Ok(leader))
    }

    fn rank(&self, set: u32) -> u32 {
        self.rank[set as usize]
    }

    /// The rank of the first kept set before rank `first` that `set` resembles. If there is none, the ranks of all sets
    /// from `first` to `set` that it resembles.
    fn resembled(
        &self,
        set: u32,
        first: u32,
        is_kept: impl Fn(u32) -> bool,
        near: &mut Vec<u32>,
    ) -> (u32, Vec<u32>) {
        let own = self.rank(set);
        for other in &mut *near {
            *other = self.rank(*other);
        }
        let of_rank = |rank: u32| self.order[rank as usize];
        near.retain(|&rank| rank < own && (rank >= first || is_kept(of_rank(rank))));
        near.sort_unstable();
        let (before, within) = near.split_at(near.partition_point(|&rank| rank < first));
        let removes = |&&rank: &&u32| (self.removes)(of_rank(rank), set);
        match before.iter().find(removes) {
            Some(&rank) => (rank, Vec::new()),
            None => (NONE, within.iter().filter(removes).copied().collect()),
        }
    }
}
