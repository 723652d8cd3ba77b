//! Finds documents with the same shingles, and repeated ids.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::boundary::IndexedFrom;
use crate::corpus::error::Error;
use crate::corpus::job::disk::collisions::{Shared, for_each_key, shared};
use crate::corpus::job::disk::partition::Partitions;
use crate::watch::Ticker;

/// Marks a document that is rejected or has no shingles.
pub(crate) const NONE: u32 = u32::MAX;

/// For each document, the first one with the same shingles; `NONE` if it has no shingles or is rejected.
pub(crate) struct FirstDocuments(pub(crate) Vec<u32>);

impl FirstDocuments {
    /// Finds the first documents by their fingerprints. A document without a fingerprint has no shingles.
    pub(crate) fn new(
        documents: u32,
        fingerprints: &Partitions,
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
        let mut rest = documents as usize;
        for part in 0..fingerprints.len() {
            let mut with_print = 0;
            for_each_key(fingerprints, part, |_: u128, document| {
                with_print += 1;
                if !is_rejected(document) {
                    firsts[document as usize] = document;
                }
            })?;
            let is_asked = |document: u32| !is_rejected(document);
            let mut copies = Shared::new();
            shared::<u128>(fingerprints, part, most, is_asked, |shared| {
                copies.extend(shared);
            })?;
            for (first, copy) in copies {
                firsts[copy as usize] = firsts[first as usize];
            }
            ticker.tick(with_print)?;
            rest -= with_print;
        }
        // Documents without shingles have no fingerprint.
        ticker.tick(rest)?;
        Ok(Self(firsts))
    }

    pub(crate) fn is_first(&self, document: u32) -> bool {
        self.0[document as usize] == document
    }
}

/// Which documents have ids that earlier ones have, and the first that has it; by document. Indexed
/// documents count as earlier than new ones.
pub(crate) fn repeated_ids(
    ids: &Partitions,
    most: usize,
    indexed_from: IndexedFrom,
) -> Result<Vec<(u32, u32)>, Error> {
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
    let of_index = repeated
        .iter()
        .filter(|&&(other, _)| indexed_from.is_indexed(other));
    let of_index: HashMap<u32, u32> = of_index.map(|&(old, first)| (first, old)).collect();
    for (other, first) in &mut repeated {
        if indexed_from.is_indexed(*other) {
            std::mem::swap(other, first);
        } else if let Some(&old) = of_index.get(first) {
            *first = old;
        }
    }
    repeated.par_sort_unstable();
    Ok(repeated)
}
