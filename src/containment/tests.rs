//! What users cannot see: the runs, and what is left of removed documents.

use super::*;
use crate::text::mix;
use crate::{Deduper, Shingle};

fn index() -> ContainmentIndex<u64> {
    let builder = Deduper::builder().shingle(Shingle::Words(2));
    builder.build().unwrap().containment_index()
}

/// The shingles of a document, of which each has others.
fn shingles(document: u64, many: u64) -> Vec<u64> {
    (0..many).map(|i| mix(document << 32 | i)).collect()
}

#[test]
fn each_run_is_at_least_twice_the_next() {
    let mut index = index();
    for document in 0..1000 {
        // Falling sizes, so that no document alone makes the one before it merge.
        index
            .insert_shingles(document, &shingles(document, 1 + (1000 - document) % 77))
            .unwrap();
        let sizes: Vec<usize> = index.runs.iter().map(Postings::len).collect();
        assert!(
            sizes.windows(2).all(|pair| pair[0] >= 2 * pair[1]),
            "{sizes:?}"
        );
        let all: u64 = (0..=document).map(|of| 1 + (1000 - of) % 77).sum();
        assert_eq!(sizes.iter().sum::<usize>(), all as usize);
    }
}

#[test]
fn removed_documents_are_forgotten_when_they_are_half_of_all() {
    let mut index = index();
    for document in 0..100 {
        index
            .insert_shingles(document, &shingles(document, 50))
            .unwrap();
    }
    for document in 0..100 {
        assert!(index.remove(&document));
        let (rows, postings) = (index.ids.len(), index.postings());
        assert!(2 * index.removed.rows <= rows && 2 * index.removed.postings <= postings);
        assert_eq!(rows - index.removed.rows, index.len());
        assert_eq!(postings - index.removed.postings, 50 * index.len());
    }
    assert!(index.runs.is_empty() && index.ids.is_empty() && index.sizes.is_empty());
    assert_eq!(index.smallest, u32::MAX);
}

#[test]
fn empty_documents_that_come_and_go_do_not_rewrite_a_large_one() {
    let mut index = index();
    index.insert_shingles(0, &shingles(0, 10_000)).unwrap();
    for _ in 0..5_000 {
        index.insert(1, "").unwrap();
        index.remove(&1);
    }
    assert_eq!(index.ids.len(), 5_001);
}

#[test]
fn the_filter_grows_until_it_is_too_large() {
    let mut index = index();
    for document in 0..20 {
        index
            .insert_shingles(document, &shingles(document, 1000))
            .unwrap();
        let filter = index.filter.as_ref().unwrap();
        assert!(filter.fits(index.postings()) && !filter.fits(4 * index.postings().max(1000)));
        assert!(
            shingles(document, 1000)
                .into_iter()
                .all(|hash| index.has_shingle(hash))
        );
    }
    assert!((20..40).all(|document| {
        !shingles(document, 1000)
            .into_iter()
            .any(|hash| index.has_shingle(hash))
    }));
    index.add(Postings::of_document(
        0,
        &(0..1 << 24).map(|i| i << 40).collect::<Vec<_>>(),
    ));
    assert!(index.filter.is_none());
    assert!(index.has_shingle(7 << 40) && !index.has_shingle(7));
}
