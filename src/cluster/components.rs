//! Connected components of the verified pairs, without enumerating the pairs.
//!
//! Bands are walked one after the other. In a bucket only sets that are not yet connected are
//! compared, so a bucket of m alike sets costs m - 1 comparisons. All buckets of a band see the
//! connections of the bands before it, and none of their neighbours': the result does not depend on
//! which thread is first.
//!
//! A pair that fails is compared once: it is passed over in a later band if an earlier bucket that it
//! shares was compared in full.

use std::collections::HashMap;

use rayon::prelude::*;

use super::{Candidates, Compared, FULL, Labels, UnionFind, WORK, split_slot};
use crate::error::Error;
use crate::watch::Ticker;

/// The smallest set of each set's component.
pub(crate) fn components<'r, Row, Compare>(
    candidates: &Candidates<'_, Row, Compare>,
    ticker: &Ticker<'_>,
) -> Result<Labels, Error>
where
    Row: Fn(u32) -> &'r [u32] + Sync,
    Compare: Fn(u32, u32) -> Compared + Sync,
{
    let buckets = candidates.buckets;
    let mut components = UnionFind::new(candidates.sets);
    let mut split = vec![false; buckets.len()];
    for band in 0..buckets.banding().bands() {
        let roots = components.flatten();
        let done: Vec<(usize, Edges, bool)> = buckets
            .of_band(band)
            .into_par_iter()
            .map(|bucket| {
                let sets = buckets.sets(bucket);
                ticker.tick(sets.len())?;
                let members = sets.iter().map(|&set| Member {
                    set,
                    root: roots[set as usize],
                    seen: false,
                });
                let mut walk = Walk {
                    candidates,
                    split: &split,
                    band,
                    edges: Vec::new(),
                };
                let was_split = walk.connect(0, members.collect());
                Ok((bucket, walk.edges, was_split))
            })
            .collect::<Result<_, Error>>()?;
        for (bucket, edges, was_split) in done {
            split[bucket] = was_split;
            for (x, y) in edges {
                components.union(x, y);
            }
        }
    }
    Ok(Labels {
        label: components.flatten().to_vec(),
        split: split.into_iter().filter(|&split| split).count(),
    })
}

/// Sets found to be similar.
type Edges = Vec<(u32, u32)>;

/// A set in a bucket.
#[derive(Clone, Copy)]
struct Member {
    set: u32,
    /// What stands for all that it is connected with so far.
    root: u32,
    /// It was compared with all that were seen before it, in the bucket that this one was split from.
    seen: bool,
}

/// The walk through one bucket and the parts that it is split into.
struct Walk<'w, 'b, Row, Compare> {
    candidates: &'w Candidates<'b, Row, Compare>,
    /// The buckets of earlier bands that were split.
    split: &'w [bool],
    band: usize,
    edges: Edges,
}

impl<'r, Row, Compare> Walk<'_, '_, Row, Compare>
where
    Row: Fn(u32) -> &'r [u32] + Sync,
    Compare: Fn(u32, u32) -> Compared + Sync,
{
    /// Connects the sets of one bucket; true where it had to be split.
    fn connect(&mut self, depth: usize, mut members: Vec<Member>) -> bool {
        if members.iter().all(|member| member.root == members[0].root) {
            return false;
        }
        let mut groups = Groups::new();
        let bands = self.candidates.buckets.banding().bands();
        let mut patience = match members.len() {
            few if depth == 0 && few <= FULL => usize::MAX,
            many => (WORK / bands).max(1) * many,
        };
        let mut seen = 0;
        while seen < members.len() && patience > 0 {
            self.insert(&mut groups, members[seen], &mut patience);
            seen += 1;
        }
        if seen == members.len() {
            return false;
        }
        let row = &self.candidates.row;
        let slots = row(members[0].set).len();
        let banding = self.candidates.buckets.banding();
        let Some(slot) = split_slot(banding, self.band, depth, slots) else {
            return true;
        };
        for (place, member) in members.iter_mut().enumerate() {
            member.root = groups.root(member.root);
            member.seen = place < seen;
        }
        // A stable sort: those seen stay first in their part.
        members.sort_by_key(|member| row(member.set)[slot]);
        for part in members.chunk_by(|a, b| row(a.set)[slot] == row(b.set)[slot]) {
            if part.len() > 1 {
                self.connect(depth + 1, part.to_vec());
            }
        }
        true
    }

    /// Adds a member to the groups: compares it with those that it is not in, and joins those where a
    /// member is similar. Comparisons that fail cost patience.
    fn insert(&mut self, groups: &mut Groups, new: Member, patience: &mut usize) {
        let own = groups.of(new.root);
        let others = groups.alive.iter().filter(|&&other| other != own);
        let join: Vec<u32> = others
            .filter(|&&other| {
                let members = &groups.members[other as usize];
                members.iter().any(|old| self.similar(old, &new, patience))
            })
            .copied()
            .collect();
        groups.members[own as usize].push(new);
        for other in join {
            groups.join(own, other);
        }
    }

    fn similar(&mut self, old: &Member, new: &Member, patience: &mut usize) -> bool {
        if old.seen && new.seen || self.compared_before(old.set, new.set) {
            *patience = patience.saturating_sub(1);
            return false;
        }
        match (self.candidates.compare)(old.set, new.set) {
            Compared::Similar { jaccard } => {
                self.candidates.tally.add(jaccard);
                self.edges.push((old.set, new.set));
                true
            }
            Compared::Failed { work } => {
                *patience = patience.saturating_sub(work);
                false
            }
        }
    }

    /// True where an earlier band has both in a bucket that was compared in full.
    fn compared_before(&self, x: u32, y: u32) -> bool {
        let Candidates { buckets, .. } = self.candidates;
        let (row, rows) = (&self.candidates.row, buckets.banding().rows());
        let bands = row(x).chunks_exact(rows).zip(row(y).chunks_exact(rows));
        let mut shared = bands
            .take(self.band)
            .enumerate()
            .filter(|(_, (l, r))| l == r);
        shared.any(|(band, _)| {
            let of_band = buckets.of_band(band);
            let of_set = buckets.of_set(x as usize);
            let place = of_set.partition_point(|&bucket| (bucket as usize) < of_band.start);
            of_set.get(place).is_some_and(|&bucket| {
                of_band.contains(&(bucket as usize)) && !self.split[bucket as usize]
            })
        })
    }
}

/// The sets of a bucket looked at so far, in groups of those that are connected.
struct Groups {
    /// Which groups have become one.
    joined: UnionFind,
    /// Members of each group; empty where it is not the first of those that have become one.
    members: Vec<Vec<Member>>,
    /// The root that each group was made for.
    roots: Vec<u32>,
    of_root: HashMap<u32, u32>,
    /// The groups with members, in the order of their making.
    alive: Vec<u32>,
}

impl Groups {
    fn new() -> Self {
        Self {
            joined: UnionFind::new(0),
            members: Vec::new(),
            roots: Vec::new(),
            of_root: HashMap::new(),
            alive: Vec::new(),
        }
    }

    /// The group of a root, made where there is none.
    fn of(&mut self, root: u32) -> u32 {
        if let Some(&group) = self.of_root.get(&root) {
            return self.joined.find(group);
        }
        let group = self.joined.push();
        self.of_root.insert(root, group);
        self.roots.push(root);
        self.members.push(Vec::new());
        self.alive.push(group);
        group
    }

    fn join(&mut self, x: u32, y: u32) {
        let (x, y) = (self.joined.find(x), self.joined.find(y));
        self.joined.union(x, y);
        let (first, gone) = (x.min(y), x.max(y));
        let mut small = std::mem::take(&mut self.members[gone as usize]);
        let large = &mut self.members[first as usize];
        if small.len() > large.len() {
            std::mem::swap(&mut small, large);
        }
        large.extend(small);
        self.alive.retain(|&group| group != gone);
    }

    /// The root that stands for all that `root` has been connected with here.
    fn root(&mut self, root: u32) -> u32 {
        match self.of_root.get(&root) {
            Some(&group) => self.roots[self.joined.find(group) as usize],
            None => root,
        }
    }
}
