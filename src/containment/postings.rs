//! Postings: which rows have a shingle.

use crate::counting::starts;

/// Postings of rows that follow each other, sorted by shingle hash, then by row.
///
/// A table over the top bits of the hashes leads to the few hashes among which one is searched. Hashes are mixed, so the
/// buckets of the table have about the same size, whatever the documents are.
#[derive(Debug, Clone)]
pub(super) struct Postings {
    hashes: Vec<u64>,
    rows: Vec<u32>,
    /// For each bucket, where its postings start; and the end of the last one.
    starts: Vec<usize>,
    /// The bits of a hash that do not number its bucket.
    shift: u32,
}

/// The average number of postings in a bucket. Its hashes are two cache lines.
const TOGETHER: usize = 16;

impl Postings {
    /// The postings of one document. Its hashes are sorted and distinct.
    pub(super) fn of_document(row: u32, hashes: &[u64]) -> Self {
        Self::with_table(hashes.to_vec(), vec![row; hashes.len()])
    }

    /// The postings of several documents, sorted.
    pub(super) fn of_sorted(postings: &[(u64, u32)]) -> Self {
        let hashes = postings.iter().map(|&(hash, _)| hash).collect();
        let rows = postings.iter().map(|&(_, row)| row).collect();
        Self::with_table(hashes, rows)
    }

    fn with_table(hashes: Vec<u64>, rows: Vec<u32>) -> Self {
        let bits = (hashes.len() / TOGETHER).max(2).ilog2();
        let shift = u64::BITS - bits;
        let buckets = hashes.iter().map(|hash| (hash >> shift) as usize);
        Self {
            starts: starts(1 << bits, buckets),
            hashes,
            rows,
            shift,
        }
    }

    /// The postings of both. All rows of `newer` come after those of `older`.
    pub(super) fn merged(older: &Self, newer: &Self) -> Self {
        let len = older.len() + newer.len();
        let mut hashes = Vec::with_capacity(len);
        let mut rows = Vec::with_capacity(len);
        let (mut at, mut other) = (0, 0);
        while at < older.len() && other < newer.len() {
            let (left, right) = (older.hashes[at], newer.hashes[other]);
            let (row, other_row) = (older.rows[at], newer.rows[other]);
            // Which is less is random, so this does not branch.
            let is_older = left <= right;
            hashes.push(left.min(right));
            rows.push(if is_older { row } else { other_row });
            at += usize::from(is_older);
            other += usize::from(!is_older);
        }
        for (rest, from) in [(older, at), (newer, other)] {
            hashes.extend_from_slice(&rest.hashes[from..]);
            rows.extend_from_slice(&rest.rows[from..]);
        }
        Self::with_table(hashes, rows)
    }

    /// The postings of the rows for which `number` returns a row, under that row. It must keep the order of rows.
    pub(super) fn renumbered(self, number: impl Fn(u32) -> Option<u32>) -> Self {
        let Self {
            mut hashes,
            mut rows,
            ..
        } = self;
        let mut kept = 0;
        for at in 0..rows.len() {
            if let Some(row) = number(rows[at]) {
                hashes[kept] = hashes[at];
                rows[kept] = row;
                kept += 1;
            }
        }
        hashes.truncate(kept);
        rows.truncate(kept);
        hashes.shrink_to_fit();
        rows.shrink_to_fit();
        Self::with_table(hashes, rows)
    }

    /// The rows that have a shingle, ascending.
    pub(super) fn list(&self, hash: u64) -> &[u32] {
        let bucket = (hash >> self.shift) as usize;
        let (start, end) = (self.starts[bucket], self.starts[bucket + 1]);
        let hashes = &self.hashes[start..end];
        let from = hashes.partition_point(|&other| other < hash);
        let behind = &hashes[from..];
        if behind.first() != Some(&hash) {
            return &[];
        }
        let many = behind.partition_point(|&other| other == hash);
        &self.rows[start + from..start + from + many]
    }

    /// All hashes, ascending; one that several rows have is repeated.
    pub(super) fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Bytes held on the heap.
    pub(super) fn memory_usage(&self) -> usize {
        self.hashes.capacity() * size_of::<u64>()
            + self.rows.capacity() * size_of::<u32>()
            + self.starts.capacity() * size_of::<usize>()
    }
}
