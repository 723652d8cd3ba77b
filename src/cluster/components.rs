//! Connected components of the verified pairs, without enumerating the pairs.
//!
//! Bands are walked one after the other. In a bucket only sets that are not yet connected are
//! compared, so a bucket of m alike sets costs m - 1 comparisons. All buckets of a band see the
//! connections of the bands before it, and none of their neighbours': the result does not depend on
//! which thread is first.

use std::collections::HashMap;

use rayon::prelude::*;

use super::{Candidates, PATIENCE, UnionFind, split_slot};
use crate::error::Error;
use crate::watch::Ticker;

/// The smallest set of each set's component.
pub(crate) fn components<'r, Row, Similar>(
    candidates: &Candidates<'_, Row, Similar>,
    ticker: &Ticker<'_>,
) -> Result<Vec<u32>, Error>
where
    Row: Fn(u32) -> &'r [u32] + Sync,
    Similar: Fn(u32, u32) -> bool + Sync,
{
    let buckets = candidates.buckets;
    let mut components = UnionFind::new(candidates.sets);
    for band in 0..buckets.banding().bands() {
        let roots = components.flatten();
        let edges: Vec<(u32, u32)> = buckets
            .of_band(band)
            .into_par_iter()
            .map(|bucket| {
                let sets = buckets.sets(bucket);
                ticker.tick(sets.len())?;
                let rooted = sets.iter().map(|&set| (set, roots[set as usize])).collect();
                let mut edges = Vec::new();
                connect(candidates, band, 0, rooted, &mut edges);
                Ok(edges)
            })
            .collect::<Result<Vec<_>, Error>>()?
            .concat();
        for (x, y) in edges {
            components.union(x, y);
        }
    }
    Ok(components.flatten().to_vec())
}

/// Connects the sets of one bucket: `rooted` are (set, component so far).
fn connect<'r, Row, Similar>(
    candidates: &Candidates<'_, Row, Similar>,
    band: usize,
    depth: usize,
    rooted: Vec<(u32, u32)>,
    edges: &mut Vec<(u32, u32)>,
) where
    Row: Fn(u32) -> &'r [u32] + Sync,
    Similar: Fn(u32, u32) -> bool + Sync,
{
    if rooted.iter().all(|&(_, root)| root == rooted[0].1) {
        return;
    }
    let mut groups = Groups::new();
    let mut patience = PATIENCE * rooted.len();
    for &each in &rooted {
        groups.insert(each, &candidates.similar, &mut patience, edges);
        if patience == 0 {
            break;
        }
    }
    if patience > 0 {
        return;
    }
    let slots = (candidates.row)(rooted[0].0).len();
    let Some(slot) = split_slot(candidates.buckets.banding(), band, depth, slots) else {
        return;
    };
    let mut parts: Vec<(u32, u32, u32)> = rooted
        .into_iter()
        .map(|(set, root)| ((candidates.row)(set)[slot], set, groups.root(root)))
        .collect();
    parts.sort_unstable();
    for part in parts
        .chunk_by(|a, b| a.0 == b.0)
        .filter(|part| part.len() > 1)
    {
        let part = part.iter().map(|&(_, set, root)| (set, root)).collect();
        connect(candidates, band, depth + 1, part, edges);
    }
}

/// The sets of a bucket looked at so far, in groups of those that are connected.
struct Groups {
    /// Which groups have become one.
    joined: UnionFind,
    /// Members of each group; empty where it is not the first of those that have become one.
    members: Vec<Vec<u32>>,
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

    /// Adds a set: compares it with the groups that it is not in, and joins those where a member is
    /// similar. Each comparison that fails costs one of `patience`.
    fn insert(
        &mut self,
        (set, root): (u32, u32),
        similar: &impl Fn(u32, u32) -> bool,
        patience: &mut usize,
        edges: &mut Vec<(u32, u32)>,
    ) {
        let own = self.of(root);
        let mut is_similar = |&member: &u32| {
            let is = similar(member, set);
            if is {
                edges.push((member, set));
            } else {
                *patience = patience.saturating_sub(1);
            }
            is
        };
        let others = self.alive.iter().filter(|&&other| other != own);
        let join: Vec<u32> = others
            .filter(|&&other| self.members[other as usize].iter().any(&mut is_similar))
            .copied()
            .collect();
        self.members[own as usize].push(set);
        for other in join {
            self.join(own, other);
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
