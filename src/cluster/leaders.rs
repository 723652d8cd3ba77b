//! Leader clusters: a set is removed only for one that is kept.
//!
//! In the order of the keep policy, each set is compared with the kept sets of its buckets, the first
//! of the order first. It is removed by the first that it resembles, else it is kept. This is the
//! greedy cover whose kept sets never resemble each other, as far as they are candidates.

use std::collections::HashMap;

use rayon::prelude::*;

use super::{Candidates, Compared, FULL, Labels, split_slot};
use crate::error::Error;
use crate::lsh::Banding;
use crate::watch::Ticker;

/// Sets whose comparison with the kept ones runs in parallel. The result does not depend on it: it is that of taking
/// one set after the other.
const BATCH: usize = 2048;

/// The kept set that removes each set, or itself. `order` holds every set once, in the order of the
/// keep policy.
pub(crate) fn leaders<'r, Row, Compare>(
    candidates: &Candidates<'_, Row, Compare>,
    order: &[u32],
    ticker: &Ticker<'_>,
) -> Result<Labels, Error>
where
    Row: Fn(u32) -> &'r [u32] + Sync,
    Compare: Fn(u32, u32) -> Compared + Sync,
{
    leaders_by(candidates, order, ticker, BATCH)
}

/// The same in batches of any size.
pub(super) fn leaders_by<'r, Row, Compare>(
    candidates: &Candidates<'_, Row, Compare>,
    order: &[u32],
    ticker: &Ticker<'_>,
    batch: usize,
) -> Result<Labels, Error>
where
    Row: Fn(u32) -> &'r [u32] + Sync,
    Compare: Fn(u32, u32) -> Compared + Sync,
{
    let mut leader: Vec<u32> = (0..candidates.sets as u32).collect();
    let mut kept = Kept::new(candidates, order);
    for (number, sets) in order.chunks(batch).enumerate() {
        let from = number * batch;
        // First against those kept before this batch, then, in order, against those of the batch.
        let found: Vec<Option<Led>> = sets
            .par_iter()
            .map_init(Vec::new, |near, &set| {
                ticker.tick(1)?;
                Ok(kept.resembled(set, 0, near))
            })
            .collect::<Result<_, Error>>()?;
        let mut near = Vec::new();
        for ((place, &set), found) in (from..).zip(sets).zip(found) {
            let found = match kept.was_split(set, from as u32) {
                true => kept.resembled(set, 0, &mut near),
                false => found.or_else(|| kept.resembled(set, from as u32, &mut near)),
            };
            match found {
                Some(Led { by, jaccard }) => {
                    candidates.tally.add(jaccard);
                    leader[set as usize] = by;
                }
                None => kept.insert(set, place as u32),
            }
        }
    }
    let is_split = |node: &&Node| matches!(node, Node::Split(_));
    Ok(Labels {
        label: leader,
        split: kept.buckets.iter().filter(is_split).count(),
    })
}

/// A set is removed for another that is kept.
#[derive(Clone, Copy)]
struct Led {
    by: u32,
    jaccard: f64,
}

/// The kept sets of each bucket.
struct Kept<'c, 'b, Row, Compare> {
    candidates: &'c Candidates<'b, Row, Compare>,
    order: &'c [u32],
    buckets: Vec<Node>,
    /// The band of each bucket.
    bands: Vec<u16>,
    /// The place of the set that split a bucket last, by bucket.
    split_by: HashMap<u32, u32>,
}

/// Kept sets of a bucket, as places in the order; split by further slots where there are many.
enum Node {
    Few(Vec<u32>),
    Split(HashMap<u32, Node>),
}

impl<'r, Row, Compare> Kept<'_, '_, Row, Compare>
where
    Row: Fn(u32) -> &'r [u32] + Sync,
    Compare: Fn(u32, u32) -> Compared + Sync,
{
    fn new<'c, 'b>(
        candidates: &'c Candidates<'b, Row, Compare>,
        order: &'c [u32],
    ) -> Kept<'c, 'b, Row, Compare> {
        let buckets = candidates.buckets;
        let bands = 0..buckets.banding().bands();
        Kept {
            candidates,
            order,
            buckets: (0..buckets.len()).map(|_| Node::Few(Vec::new())).collect(),
            bands: bands
                .flat_map(|band| buckets.of_band(band).map(move |_| band as u16))
                .collect(),
            split_by: HashMap::new(),
        }
    }

    /// The first kept set, from place `from` of the order on, that `set` resembles.
    fn resembled(&self, set: u32, from: u32, near: &mut Vec<u32>) -> Option<Led> {
        let Candidates {
            buckets,
            row,
            compare,
            ..
        } = self.candidates;
        near.clear();
        for &bucket in buckets.of_set(set as usize) {
            let mut node = &self.buckets[bucket as usize];
            let mut depth = 0;
            let slots = row(set);
            let places = loop {
                match node {
                    Node::Few(places) => break places.as_slice(),
                    Node::Split(parts) => {
                        let slot = self.split_slot(bucket, depth, slots.len());
                        let part = slot.and_then(|slot| parts.get(&slots[slot]));
                        let Some(part) = part else { break &[] };
                        node = part;
                        depth += 1;
                    }
                }
            };
            near.extend_from_slice(&places[places.partition_point(|&place| place < from)..]);
        }
        near.sort_unstable();
        near.dedup();
        near.iter().find_map(|&place| {
            let by = self.order[place as usize];
            match compare(by, set) {
                Compared::Similar { jaccard } => Some(Led { by, jaccard }),
                Compared::Failed { .. } => None,
            }
        })
    }

    /// Whether a bucket of `set` has been split since place `from`: what was found before may no longer hold.
    fn was_split(&self, set: u32, from: u32) -> bool {
        let buckets = self.candidates.buckets.of_set(set as usize).iter();
        !self.split_by.is_empty()
            && buckets
                .filter_map(|bucket| self.split_by.get(bucket))
                .any(|&place| place >= from)
    }

    fn split_slot(&self, bucket: u32, depth: usize, slots: usize) -> Option<usize> {
        let band = usize::from(self.bands[bucket as usize]);
        split_slot(self.candidates.buckets.banding(), band, depth, slots)
    }

    fn insert(&mut self, set: u32, place: u32) {
        let Candidates { buckets, row, .. } = self.candidates;
        let banding = buckets.banding();
        let of_place = |place: u32| row(self.order[place as usize]);
        for &bucket in buckets.of_set(set as usize) {
            let band = usize::from(self.bands[bucket as usize]);
            if self.buckets[bucket as usize].insert(place, banding, band, 0, &of_place) {
                self.split_by.insert(bucket, place);
            }
        }
    }
}

impl Node {
    /// True where a part of the bucket was split.
    fn insert<'r>(
        &mut self,
        place: u32,
        banding: Banding,
        band: usize,
        depth: usize,
        row: &impl Fn(u32) -> &'r [u32],
    ) -> bool {
        let slots = row(place);
        match self {
            Node::Few(places) => {
                places.push(place);
                if places.len() <= FULL {
                    return false;
                }
                if split_slot(banding, band, depth, slots.len()).is_none() {
                    // Signatures are the same to the last slot: comparing more would be quadratic.
                    places.pop();
                    return false;
                }
                let places = std::mem::take(places);
                *self = Node::Split(HashMap::new());
                for place in places {
                    self.insert(place, banding, band, depth, row);
                }
                true
            }
            Node::Split(parts) => {
                let Some(slot) = split_slot(banding, band, depth, slots.len()) else {
                    return false;
                };
                parts
                    .entry(slots[slot])
                    .or_insert_with(|| Node::Few(Vec::new()))
                    .insert(place, banding, band, depth + 1, row)
            }
        }
    }
}
