//! Which documents must be looked at together.
//!
//! Two documents that have no key in common are no candidates. Those that are connected by common keys are a
//! *component*; components have nothing to do with each other, so that each can be looked at by itself, with what
//! clusters documents in memory, and the result is the same. Components go to *groups*, as many as fit in memory.

use std::collections::HashMap;

use rayon::prelude::*;

use super::dealt::Dealt;
use super::folder::Folder;
use super::keyed::{Shared, for_each_key, shared};
use super::names;
use super::read::Row;
use crate::cluster::UnionFind;
use crate::corpus::error::Error;
use crate::watch::Ticker;

/// Of a document that has nothing to do with the others: it is rejected, or has no shingles.
pub(super) const NONE: u32 = u32::MAX;

/// For each document the first of the same shingles, `NONE` where it has none or is rejected.
pub(super) struct Firsts(pub(super) Vec<u32>);

impl Firsts {
    /// Every document but the rejected ones is taken for empty until its print is found.
    pub(super) fn new(
        documents: u32,
        prints: &Dealt,
        rejected: &[(u32, u32)],
        most: usize,
        ticker: &Ticker<'_>,
    ) -> Result<Self, Error> {
        let mut firsts = vec![NONE; documents as usize];
        let is_rejected = |document: u32| {
            rejected
                .binary_search_by_key(&document, |&(d, _)| d)
                .is_ok()
        };
        for part in 0..prints.len() {
            for_each_key(prints, part, |_: u128, document| {
                if !is_rejected(document) {
                    firsts[document as usize] = document;
                }
            })?;
            let is_asked = |document: u32| !is_rejected(document);
            let mut copies = Shared::new();
            shared::<u128>(prints, part, most, is_asked, |shared| copies.extend(shared))?;
            for (first, copy) in copies {
                firsts[copy as usize] = firsts[first as usize];
            }
            ticker.tick(1)?;
        }
        Ok(Self(firsts))
    }

    pub(super) fn is_first(&self, document: u32) -> bool {
        self.0[document as usize] == document
    }
}

/// Which documents have ids that earlier ones have, and the first that has it; by document. Those from number `new` on
/// are of indexes, and earlier than any other.
pub(super) fn repeated_ids(ids: &Dealt, most: usize, new: u32) -> Result<Vec<(u32, u32)>, Error> {
    let mut repeated = Vec::new();
    for part in 0..ids.len() {
        shared::<u128>(
            ids,
            part,
            most,
            |_| true,
            |shared| {
                repeated.extend(shared.into_iter().map(|(first, other)| (other, first)));
            },
        )?;
    }
    let of_index = repeated.iter().filter(|&&(other, _)| other >= new);
    let of_index: HashMap<u32, u32> = of_index.map(|&(old, first)| (first, old)).collect();
    for (other, first) in &mut repeated {
        if *other >= new {
            std::mem::swap(other, first);
        } else if let Some(&old) = of_index.get(first) {
            *first = old;
        }
    }
    repeated.par_sort_unstable();
    Ok(repeated)
}

/// Connects documents that have a key in common; those from number `new` on, which are of indexes, by way of a new one
/// alone.
pub(super) fn connect(
    firsts: &Firsts,
    keys: &Dealt,
    new: u32,
    most: usize,
    ticker: &Ticker<'_>,
) -> Result<UnionFind, Error> {
    let mut components = UnionFind::new(firsts.0.len());
    for part in 0..keys.len() {
        let is_asked = |document: u32| firsts.is_first(document);
        shared::<u64>(keys, part, most, is_asked, |shared| {
            // The least of those that have a key is new, where any is.
            for (document, other) in shared.into_iter().filter(|&(least, _)| least < new) {
                components.union(document, other);
            }
        })?;
        ticker.tick(1)?;
    }
    for (document, &first) in (0..).zip(&firsts.0) {
        if first != NONE && first != document {
            components.union(first, document);
        }
    }
    Ok(components)
}

/// Which group each document is looked at in.
pub(super) struct Groups {
    /// `NONE` where it resembles none and is kept.
    pub(super) group: Vec<u32>,
    /// Bytes that each group takes, about.
    pub(super) bytes: Vec<u64>,
}

/// What documents of groups take of memory, and how much there is of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weight {
    /// Bytes of a document that is no copy, besides its shingles.
    pub(super) document: u64,
    /// Bytes of a shingle.
    pub(super) shingle: f64,
    /// Bytes of a group, about.
    pub(super) most: u64,
}

impl Weight {
    /// Of a document of so many shingles, none where it is a copy, with so many bytes of its own.
    pub(super) fn of(self, shingles: Option<u64>, own: usize) -> u32 {
        const COPY: u64 = 200;
        let bytes = shingles.map_or(COPY, |shingles| {
            self.document + (self.shingle * shingles as f64) as u64
        });
        (bytes + own as u64)
            .div_ceil(UNIT)
            .try_into()
            .unwrap_or(u32::MAX)
    }
}

/// Weights are counted in these, so that 32 bits will do.
const UNIT: u64 = 64;

/// Deals components to groups, in the order of their first documents.
pub(super) fn group(
    mut components: UnionFind,
    firsts: &Firsts,
    folder: &Folder,
    weight: Weight,
) -> Result<Groups, Error> {
    let mut weights = vec![0u32; firsts.0.len()];
    let mut rows = folder.open(names::ROWS)?;
    let mut row = Row::default();
    for (document, own) in (0..).zip(&mut weights) {
        row.read(&mut rows)?;
        let shingles = firsts.is_first(document).then_some(row.shingles.into());
        *own = weight.of(shingles, row.id.len() + row.keep.len());
    }
    Ok(deal(components.flatten(), weights, weight.most))
}

/// From the root and the weight of each document to its group.
pub(super) fn deal(roots: &[u32], mut weights: Vec<u32>, most: u64) -> Groups {
    // A component of one document has nothing to look at.
    let mut is_joined = vec![false; roots.len()];
    for (document, &root) in (0..).zip(roots) {
        if root != document {
            is_joined[root as usize] = true;
            let own = weights[document as usize];
            let all = &mut weights[root as usize];
            *all = all.saturating_add(own);
        }
    }
    let mut bytes: Vec<u64> = Vec::new();
    for (document, &root) in (0..).zip(roots) {
        let place = document as usize;
        if root != document {
            weights[place] = weights[root as usize];
        } else if !is_joined[place] {
            weights[place] = NONE;
        } else {
            let own = u64::from(weights[place]) * UNIT;
            match bytes.last_mut() {
                Some(last) if *last + own <= most => *last += own,
                _ => bytes.push(own),
            }
            weights[place] = bytes.len() as u32 - 1;
        }
    }
    Groups {
        group: weights,
        bytes,
    }
}
