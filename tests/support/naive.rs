//! The definitions in the simplest form: shingles, pairs, closure and greedy cover. Nothing here uses the crate.

use std::collections::{BTreeMap, BTreeSet};

/// The shingle sets of texts whose words are parted by single spaces: every run of `n` words, or all words of a text that
/// has fewer. Shingles go by numbers, equal ones by the same.
pub fn shingle_sets(texts: &[String], n: usize) -> Vec<BTreeSet<u32>> {
    let mut numbers: BTreeMap<Vec<&str>, u32> = BTreeMap::new();
    let mut sets = Vec::new();
    for text in texts {
        let words: Vec<&str> = text.split_whitespace().collect();
        let mut set = BTreeSet::new();
        for shingle in words.windows(n.min(words.len()).max(1)) {
            let next = numbers.len() as u32;
            set.insert(*numbers.entry(shingle.to_vec()).or_insert(next));
        }
        sets.push(set);
    }
    sets
}

pub fn jaccard(a: &BTreeSet<u32>, b: &BTreeSet<u32>) -> f64 {
    let shared = a.intersection(b).count();
    match a.len() + b.len() - shared {
        0 => 0.0,
        union => shared as f64 / union as f64,
    }
}

pub type Pairs = BTreeMap<(usize, usize), f64>;

/// Every pair at or above the threshold.
pub fn pairs(sets: &[BTreeSet<u32>], threshold: f64) -> Pairs {
    let mut pairs = Pairs::new();
    for a in 0..sets.len() {
        for b in a + 1..sets.len() {
            let jaccard = jaccard(&sets[a], &sets[b]);
            if jaccard > 0.0 && jaccard >= threshold {
                pairs.insert((a, b), jaccard);
            }
        }
    }
    pairs
}

/// The first document of each document's component.
pub fn closure(documents: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Vec<usize> {
    let mut first: Vec<usize> = (0..documents).collect();
    for (a, b) in pairs {
        let (one, other) = (first[a], first[b]);
        for label in &mut first {
            if *label == one || *label == other {
                *label = one.min(other);
            }
        }
    }
    first
}

/// For each document the kept one that it is removed for, itself where it is kept: in this order, a document is removed for
/// the first kept one that it is similar to.
pub fn cover(order: &[usize], similar: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let mut leader: Vec<usize> = (0..order.len()).collect();
    let mut kept: Vec<usize> = Vec::new();
    for &document in order {
        match kept.iter().find(|&&kept| similar(kept, document)) {
            Some(&kept) => leader[document] = kept,
            None => kept.push(document),
        }
    }
    leader
}
