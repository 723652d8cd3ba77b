//! What candidates have in common, where they are not to be found in memory.

use crate::lsh::Banding;
use crate::sketch::Sketch;
use crate::text::mix;
use crate::threshold::Threshold;

/// Makes the keys of documents. Two documents that share none are no candidates, whatever else there is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keyer {
    /// The keys of the bands of their signatures.
    Bands(Banding),
    /// The lowest of their shingle hashes, as many as similar documents may lack and one (the prefix filter of the
    /// [exact join](crate::exact)).
    Prefixes(Threshold),
}

/// The keys of documents.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// Shingles of each document, repetitions included; `u32::MAX` stands for more as well.
    pub(crate) lengths: Vec<u32>,
    all: Vec<u64>,
    /// Where the keys of each document end.
    ends: Vec<usize>,
    /// To make a signature in.
    row: Vec<u32>,
}

impl Keys {
    /// The keys of each document in turn.
    pub(crate) fn documents(&self) -> impl Iterator<Item = &[u64]> {
        let mut from = 0;
        let of_document = move |&to: &usize| &self.all[std::mem::replace(&mut from, to)..to];
        self.ends.iter().map(of_document)
    }

    pub(crate) fn memory_usage(&self) -> usize {
        (self.lengths.capacity() + self.row.capacity()) * size_of::<u32>()
            + self.all.capacity() * size_of::<u64>()
            + self.ends.capacity() * size_of::<usize>()
    }

    pub(crate) fn clear(&mut self) {
        self.lengths.clear();
        self.all.clear();
        self.ends.clear();
    }
}

impl Keyer {
    /// Adds a document of these shingle hashes, repetitions included.
    pub(crate) fn push(self, hashes: &[u64], sketch: &dyn Sketch, keys: &mut Keys) {
        let length = u32::try_from(hashes.len()).unwrap_or(u32::MAX);
        keys.lengths.push(length);
        if !hashes.is_empty() {
            match self {
                Self::Bands(banding) => {
                    keys.row.resize(sketch.hashes(), 0);
                    sketch.sketch(hashes, &mut keys.row);
                    let of_band = |band| banding.key(band, &keys.row);
                    keys.all.extend((0..banding.bands()).map(of_band));
                }
                Self::Prefixes(threshold) => push_prefix(threshold, hashes, &mut keys.all),
            }
        }
        keys.ends.push(keys.all.len());
    }
}

/// Adds the lowest hashes, each once. Repetitions make a prefix longer than need be: it errs on the safe side.
fn push_prefix(threshold: Threshold, hashes: &[u64], keys: &mut Vec<u64>) {
    let prefix = threshold.may_miss(hashes.len()) + 1;
    let from = keys.len();
    // Hashes are even: these are enough nearly always.
    let share = (prefix as f64 + 4.0 * (prefix as f64).sqrt() + 4.0) / hashes.len() as f64;
    let limit = (share.min(1.0) * u64::MAX as f64) as u64;
    keys.extend(hashes.iter().filter(|&&hash| hash <= limit));
    sort_and_dedup(keys, from);
    if keys.len() - from < prefix {
        keys.truncate(from);
        keys.extend_from_slice(hashes);
        sort_and_dedup(keys, from);
    }
    keys.truncate(from + prefix);
    // The lowest hashes, but keys that are even.
    for key in &mut keys[from..] {
        *key = mix(*key);
    }
}

fn sort_and_dedup(keys: &mut Vec<u64>, from: usize) {
    keys[from..].sort_unstable();
    let mut to = from;
    for next in from..keys.len() {
        if to == from || keys[to - 1] != keys[next] {
            keys[to] = keys[next];
            to += 1;
        }
    }
    keys.truncate(to);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sketch::SketchKind;

    #[test]
    fn prefixes_are_the_lowest_hashes() {
        for (n, distinct, threshold) in [
            (1, 1, 0.8),
            (7, 7, 1.0),
            (100, 100, 0.8),
            (1000, 30, 0.5),
            (500, 3, 0.8),
            (3000, 3000, 0.1),
        ] {
            let hashes: Vec<u64> = (0..n).map(|i| mix(i % distinct)).collect();
            let prefix = Threshold(threshold).may_miss(hashes.len()) + 1;
            let expected: Vec<u64> = BTreeSet::from_iter(hashes.iter().copied())
                .into_iter()
                .take(prefix)
                .map(mix)
                .collect();
            let mut keys = Keys::default();
            let keyer = Keyer::Prefixes(Threshold(threshold));
            let sketch = SketchKind::default().with_hashes(8);
            for hashes in [&[], &hashes[..], &hashes[..1]] {
                keyer.push(hashes, &*sketch, &mut keys);
            }
            let of_documents: Vec<&[u64]> = keys.documents().collect();
            assert_eq!(of_documents, [&[], &expected[..], &[mix(hashes[0])]]);
            assert_eq!(keys.lengths, [0, n as u32, 1]);
        }
    }
}
