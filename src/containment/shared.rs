//! Counts how many shingles of a query each row has.

use super::postings::Postings;

/// A row, and the number of shingles of the query that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) row: u32,
    pub(super) shingles: usize,
}

/// The rows that have a shingle: a part for each run of the index that contains it.
#[derive(Debug, Default)]
struct List<'p> {
    parts: Vec<&'p [u32]>,
    len: usize,
}

impl<'p> List<'p> {
    fn new(runs: &'p [Postings], hash: u64) -> Self {
        let parts = runs.iter().map(|run| run.list(hash));
        let parts: Vec<&[u32]> = parts.filter(|part| !part.is_empty()).collect();
        Self {
            len: parts.iter().map(|part| part.len()).sum(),
            parts,
        }
    }
}

/// All rows that have at least `least` of the distinct `hashes`, ascending, with the exact number of them.
///
/// Of n shingles that any row has, such a row has one of the n - `least` + 1 rarest. So only the lists of these are read
/// whole. In the other lists, the longest ones, the rows found so far are searched.
pub(super) fn shared(runs: &[Postings], hashes: &[u64], least: usize) -> Vec<Shared> {
    let lists = hashes.iter().map(|&hash| List::new(runs, hash));
    let mut lists: Vec<List<'_>> = lists.filter(|list| list.len > 0).collect();
    lists.sort_unstable_by_key(|list| list.len);
    let rare = (lists.len() + 1).saturating_sub(least.max(1));
    let (rare, common) = lists.split_at(rare);
    let mut found = counted(rare);
    for (list, left) in common.iter().zip((0..common.len()).rev()) {
        count(list, &mut found);
        found.retain(|shared| shared.shingles + left >= least);
    }
    found.retain(|shared| shared.shingles >= least);
    found
}

/// The rows of lists, and in how many lists each is.
fn counted(lists: &[List<'_>]) -> Vec<Shared> {
    let parts = lists.iter().flat_map(|list| &list.parts);
    let mut rows: Vec<u32> = parts.flat_map(|part| part.iter().copied()).collect();
    rows.sort_unstable();
    let same = rows.chunk_by(|one, next| one == next);
    same.map(|same| Shared {
        row: same[0],
        shingles: same.len(),
    })
    .collect()
}

/// Counts one more shingle for those of the rows that are in a list.
fn count(list: &List<'_>, rows: &mut [Shared]) {
    for &part in &list.parts {
        let mut rest = part;
        let from = rows.partition_point(|shared| shared.row < part[0]);
        for shared in &mut rows[from..] {
            rest = from_row(rest, shared.row);
            match rest.first() {
                None => break,
                Some(&row) => shared.shingles += usize::from(row == shared.row),
            }
        }
    }
}

/// The part of ascending rows from `row` on, searched in steps that double. So it costs little if the part begins soon.
fn from_row(rows: &[u32], row: u32) -> &[u32] {
    let mut step = 1;
    while rows.get(step).is_some_and(|&other| other < row) {
        step *= 2;
    }
    let (from, to) = (step / 2, rows.len().min(step + 1));
    let within = &rows[from.min(to)..to];
    &rows[from.min(to) + within.partition_point(|&other| other < row)..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_the_first_row_that_is_not_less() {
        for len in 0..40u32 {
            let rows: Vec<u32> = (0..len).map(|i| 3 * i + 1).collect();
            for row in 0..3 * len + 3 {
                let expected = &rows[rows.partition_point(|&other| other < row)..];
                assert_eq!(from_row(&rows, row), expected, "{len} {row}");
            }
        }
    }
}
