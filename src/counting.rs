//! The first half of a counting sort.

/// The start position of the items of each number below `all`, if items are sorted by number; and the end of the last.
pub(crate) fn starts(all: usize, numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut starts = vec![0; all + 1];
    for number in numbers {
        starts[number + 1] += 1;
    }
    for number in 1..starts.len() {
        starts[number] += starts[number - 1];
    }
    starts
}
