//! Band keys, for runs that find buckets on the disk.

use crate::lsh::Banding;
use crate::sketch::Sketch;

/// The band keys of documents. Two documents that share no key are not candidates.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// The number of shingles of each document, including repetitions, at most `u32::MAX`.
    pub(crate) lengths: Vec<u32>,
    all: Vec<u64>,
    /// The end of each document's keys.
    ends: Vec<usize>,
    /// Scratch memory for a signature.
    row: Vec<u32>,
}

impl Keys {
    /// The keys of each document, in order.
    pub(crate) fn documents(&self) -> impl Iterator<Item = &[u64]> {
        let mut from = 0;
        let of_document = move |&to: &usize| &self.all[std::mem::replace(&mut from, to)..to];
        self.ends.iter().map(of_document)
    }

    /// Adds a document with these shingle hashes, which may be repeated.
    pub(crate) fn push(&mut self, hashes: &[u64], sketch: &dyn Sketch, banding: Banding) {
        let length = u32::try_from(hashes.len()).unwrap_or(u32::MAX);
        self.lengths.push(length);
        if !hashes.is_empty() {
            self.row.resize(sketch.hashes(), 0);
            sketch.sketch(hashes, &mut self.row);
            self.all.extend(banding.keys(&self.row));
        }
        self.ends.push(self.all.len());
    }

    pub(crate) fn clear(&mut self) {
        self.lengths.clear();
        self.all.clear();
        self.ends.clear();
    }
}
