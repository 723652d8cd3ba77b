//! Documents collapsed to distinct shingle sets.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::fingerprint::Fingerprint;
use crate::error::Error;
use crate::repeated::repeated;
use crate::sketch::{SignatureMatrix, hash_slots, is_empty_row};
use crate::watch::Ticker;

/// Marks an empty document, which has no set.
const NONE: u32 = u32::MAX;

/// Documents collapsed to distinct shingle sets. Documents without shingles are in no set.
///
/// A million copies of a page then cost no more than reading them. Sets are numbered in the order of their first
/// documents. Takes 12 bytes a document.
#[derive(Debug, Clone)]
pub struct Distinct {
    /// The set of each document, or `NONE`.
    set_of: Vec<u32>,
    /// The documents of set s are `members[starts[s]..starts[s + 1]]`, ascending.
    starts: Vec<u32>,
    members: Vec<u32>,
}

impl Distinct {
    /// Collapses the documents of `matrix`.
    ///
    /// `fingerprint` returns a 128-bit hash of a document's shingle set
    /// ([`ShingleSet::fingerprint`](crate::verify::ShingleSet::fingerprint)). It is called only for documents whose
    /// signature equals another one. Its first argument is working memory that each thread reuses.
    ///
    /// # Panics
    /// If there are 2^32 - 1 documents or more.
    pub fn new<S: Default>(
        matrix: &SignatureMatrix,
        fingerprint: impl Fn(&mut S, usize) -> u128 + Sync,
    ) -> Self {
        let fingerprint = |memory: &mut S, document| Ok(fingerprint(memory, document));
        Firsts::of_signatures(matrix)
            .merge_equal_sets(
                |document| matrix.row(document),
                fingerprint,
                |_| Ticker::silent(),
            )
            .unwrap_or_else(|error| unreachable!("nobody cancels: {error}"))
            .into()
    }

    /// The number of distinct sets.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// True if every document is empty.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The documents that have this set, ascending.
    pub fn documents(&self, set: usize) -> &[u32] {
        &self.members[self.starts[set] as usize..self.starts[set + 1] as usize]
    }

    /// Whether other documents have the same set as this one.
    pub(crate) fn has_copies(&self, document: usize) -> bool {
        let set = self.set_of(document);
        set.is_some_and(|set| self.documents(set).len() > 1)
    }

    /// The first document that has this set.
    pub fn first(&self, set: usize) -> usize {
        self.members[self.starts[set] as usize] as usize
    }

    /// The sets, sorted by their first documents in `order`. Equal documents are ordered by number.
    pub(crate) fn in_order(&self, order: &(dyn Fn(usize, usize) -> Ordering + Sync)) -> Vec<u32> {
        let order = |a: usize, b: usize| order(a, b).then(a.cmp(&b));
        let least = |set: u32| {
            let documents = self.documents(set as usize).iter().map(|&d| d as usize);
            documents.min_by(|&a, &b| order(a, b)).unwrap_or_default()
        };
        let mut sets: Vec<(usize, u32)> = (0..self.len() as u32)
            .into_par_iter()
            .map(|set| (least(set), set))
            .collect();
        sets.par_sort_unstable_by(|a, b| order(a.0, b.0));
        sets.into_iter().map(|(_, set)| set).collect()
    }

    /// The set of a document; `None` if it is empty.
    pub fn set_of(&self, document: usize) -> Option<usize> {
        Some(self.set_of[document])
            .filter(|&set| set != NONE)
            .map(|set| set as usize)
    }
}

/// For each document, the first that is known to have the same shingle set, or `NONE`.
#[derive(Clone)]
pub(crate) struct Firsts(Vec<u32>);

impl Firsts {
    /// Starts with each document that has shingles in a set of its own.
    fn of_signatures(matrix: &SignatureMatrix) -> Self {
        assert!(matrix.len() < NONE as usize, "too many documents");
        let first = |document| match matrix.is_empty_row(document) {
            true => NONE,
            false => document as u32,
        };
        Self((0..matrix.len()).into_par_iter().map(first).collect())
    }

    /// Collapses documents with the same fingerprint: those that have the same shingles equally often.
    pub(crate) fn of_fingerprints(fingerprints: &[Fingerprint]) -> Self {
        assert!(fingerprints.len() < NONE as usize, "too many documents");
        let first = |(document, fingerprint): (usize, &Fingerprint)| match fingerprint.is_empty() {
            true => NONE,
            false => document as u32,
        };
        let mut firsts: Vec<u32> = fingerprints.par_iter().enumerate().map(first).collect();
        let key = |document: u32| {
            let fingerprint = &fingerprints[document as usize];
            (!fingerprint.is_empty()).then(|| fingerprint.key())
        };
        let alike = repeated(fingerprints.len(), key);
        let fingerprint = |(_, document): (u64, u32)| (fingerprints[document as usize], document);
        put_first(
            &mut firsts,
            alike.into_par_iter().map(fingerprint).collect(),
        );
        Self(firsts)
    }

    /// Merges first documents whose shingle sets are equal, although they repeat shingles differently. Only documents
    /// with equal signatures, which `row` returns, are compared. `ticker` is called with the number of documents whose
    /// fingerprints are computed.
    pub(crate) fn merge_equal_sets<'t, 'r, S: Default>(
        mut self,
        row: impl Fn(usize) -> &'r [u32] + Sync,
        fingerprint: impl Fn(&mut S, usize) -> Result<u128, Error> + Sync,
        ticker: impl FnOnce(usize) -> Ticker<'t>,
    ) -> Result<Self, Error> {
        let Self(firsts) = &mut self;
        let key = |document: u32| {
            let row = row(document as usize);
            let asked = firsts[document as usize] == document && !is_empty_row(row);
            asked.then(|| hash_slots(0, row))
        };
        let alike = repeated(firsts.len(), key);
        let ticker = ticker(alike.len());
        let fingerprints: Vec<(u128, u32)> = alike
            .par_iter()
            .map_init(S::default, |memory, &(_, document)| {
                ticker.tick(1)?;
                Ok((fingerprint(memory, document as usize)?, document))
            })
            .collect::<Result<_, Error>>()
            .map_err(|error| {
                let mut documents: Vec<u32> = alike.iter().map(|&(_, document)| document).collect();
                documents.sort_unstable();
                let mut memory = S::default();
                error.first_of(documents.into_iter(), |document| {
                    fingerprint(&mut memory, document as usize).err()
                })
            })?;
        drop(alike);
        put_first(firsts, fingerprints);
        // Update documents whose first document has changed.
        for document in 0..firsts.len() {
            if firsts[document] != NONE {
                firsts[document] = firsts[firsts[document] as usize];
            }
        }
        Ok(self)
    }
}

/// Sets the first document of documents with the same fingerprint.
fn put_first<P: Ord + Send>(firsts: &mut [u32], mut fingerprints: Vec<(P, u32)>) {
    fingerprints.par_sort_unstable();
    for run in fingerprints.chunk_by(|a, b| a.0 == b.0) {
        for &(_, document) in run {
            firsts[document as usize] = run[0].1;
        }
    }
}

impl From<Firsts> for Distinct {
    fn from(Firsts(firsts): Firsts) -> Self {
        let mut set_of = vec![NONE; firsts.len()];
        let mut starts = vec![0];
        for (document, &first) in firsts.iter().enumerate() {
            if first == document as u32 {
                set_of[document] = starts.len() as u32 - 1;
                starts.push(0);
            } else if first != NONE {
                set_of[document] = set_of[first as usize];
            }
        }
        // Counting sort: count the sizes, sum them to starts, move each document to its position.
        for &set in set_of.iter().filter(|&&set| set != NONE) {
            starts[set as usize + 1] += 1;
        }
        for set in 1..starts.len() {
            starts[set] += starts[set - 1];
        }
        let mut members = vec![0; *starts.last().unwrap_or(&0) as usize];
        let mut next = starts.clone();
        for (document, &set) in set_of.iter().enumerate().filter(|(_, set)| **set != NONE) {
            members[next[set as usize] as usize] = document as u32;
            next[set as usize] += 1;
        }
        Self {
            set_of,
            starts,
            members,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::{EMPTY, matrix_of as matrix};

    fn sets(distinct: &Distinct) -> Vec<Vec<u32>> {
        let sets = 0..distinct.len();
        sets.map(|set| distinct.documents(set).to_vec()).collect()
    }

    #[test]
    fn equal_sets_are_collapsed_and_equal_signatures_alone_are_not() {
        let rows = [
            [1, 2, 3, 4],
            [EMPTY; 4],
            [9, 9, 9, 9],
            [1, 2, 3, 4],
            [1, 2, 3, 4],
            [EMPTY; 4],
        ];
        // Document 3 has the signature of 0 and 4, but another set.
        let fingerprints = [7, 0, 0, 8, 7, 0];
        let distinct = Distinct::new(&matrix(&rows), |(): &mut (), document| {
            fingerprints[document]
        });
        assert_eq!(sets(&distinct), [vec![0, 4], vec![2], vec![3]]);
        assert_eq!(distinct.set_of(1), None);
        assert_eq!(distinct.set_of(4), Some(0));
    }

    #[test]
    fn prints_find_copies_and_fingerprints_find_the_rest() {
        let fingerprints =
            [&[3, 5][..], &[5, 3], &[], &[3, 5, 5], &[4], &[5, 5, 3], &[]].map(Fingerprint::of);
        let firsts = Firsts::of_fingerprints(&fingerprints);
        assert_eq!(firsts.0, [0, 0, NONE, 3, 4, 3, NONE]);
        let rows = [
            [1, 2, 1, 2],
            [1, 2, 1, 2],
            [EMPTY; 4],
            [1, 2, 1, 2],
            [7, 7, 7, 7],
            [1, 2, 1, 2],
            [EMPTY; 4],
        ];
        let fingerprint = |asked: &mut Vec<usize>, document| {
            asked.push(document);
            assert!(document == 0 || document == 3, "{document} is known");
            Ok(7)
        };
        let ticker = |documents| {
            assert_eq!(documents, 2);
            Ticker::silent()
        };
        let merged = firsts.merge_equal_sets(|d| &rows[d], fingerprint, ticker);
        let distinct = Distinct::from(merged.unwrap());
        assert_eq!(sets(&distinct), [vec![0, 1, 3, 5], vec![4]]);
        assert_eq!(distinct.set_of(6), None);
    }
}
