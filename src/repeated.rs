//! Finds keys that occur more than once, such as band keys of candidates.
//!
//! Nearly all keys of a band are unique, so sorting them would be wasted work. Keys are distributed by their first bits
//! to parts that fit in the nearest cache. In each part, counters indexed by the next bits show which keys are
//! certainly unique. These are dropped, and the others are sorted. The result is the same as if all keys were sorted,
//! whatever the number of threads.

use rayon::prelude::*;

/// A key with its item, which is a number or contains one.
pub(crate) type Keyed<T = u32> = (u64, T);

/// Keys of a chunk. Chunks are larger if there would be more than [`CHUNKS`].
const CHUNK: usize = 1 << 16;
const CHUNKS: usize = 256;
/// The approximate number of keys of a part.
const PART: usize = 1 << 11;
/// Counters for each key of a part. With 8, one in nine unique keys shares its counter with another, and is sorted.
const COUNTERS: usize = 8;

/// Numbers in `0..n` that share a key with another, sorted by key, then by number.
///
/// Numbers without a key are skipped. Keys must be hashes, so that their bits distribute the work evenly. Takes 16
/// bytes of memory a number, and about 50 more for each that is found.
pub(crate) fn repeated(n: usize, key: impl Fn(u32) -> Option<u64> + Sync) -> Vec<Keyed> {
    let chunk = CHUNK.max(n / CHUNKS);
    let chunks = (0..n).step_by(chunk);
    let chunks: Vec<_> = chunks
        .map(|from| from as u32..(from + chunk).min(n) as u32)
        .collect();
    repeated_of(&chunks, n, |numbers, all| {
        all.extend(
            numbers
                .clone()
                .filter_map(|number| Some((key(number)?, number))),
        );
    })
}

/// Keyed items that share a key with another, sorted by key, then by item.
///
/// `add` appends the items of a chunk; there are about `n` in all.
pub(crate) fn repeated_of<C: Sync, T: Copy + Default + Ord + Send + Sync>(
    chunks: &[C],
    n: usize,
    add: impl Fn(&C, &mut Vec<Keyed<T>>) + Sync,
) -> Vec<Keyed<T>> {
    let bits = (n / PART).max(1).ilog2();
    let chunks: Vec<Dealt<T>> = chunks
        .par_iter()
        .with_max_len(1)
        .map_init(Vec::new, |all, chunk| {
            all.clear();
            add(chunk, all);
            Dealt::new(all, bits)
        })
        .collect();
    let found: Vec<Vec<Keyed<T>>> = (0..1 << bits)
        .into_par_iter()
        .map_init(
            <(Vec<Keyed<T>>, Vec<u8>)>::default,
            |(keyed, counters), part| {
                keyed.clear();
                for chunk in &chunks {
                    keyed.extend_from_slice(chunk.part(part));
                }
                drop_unique(keyed, counters, bits);
                keyed.sort_by_key(|keyed| keyed.0);
                let same = keyed.chunk_by(|a, b| a.0 == b.0);
                same.filter(|same| same.len() > 1)
                    .flatten()
                    .copied()
                    .collect()
            },
        )
        .collect();
    found.concat()
}

/// The keys of a chunk, distributed to parts.
struct Dealt<T> {
    keyed: Vec<Keyed<T>>,
    /// The start of each part, and the end of the last.
    starts: Vec<u32>,
}

impl<T: Copy + Default> Dealt<T> {
    fn new(keyed: &[Keyed<T>], bits: u32) -> Self {
        // Counting sort: count the sizes, sum them to starts, move each key to its position.
        let mut starts = vec![0; (1 << bits) + 1];
        for &(key, _) in keyed {
            starts[first_bits(key, bits) + 1] += 1;
        }
        for part in 1..starts.len() {
            starts[part] += starts[part - 1];
        }
        let mut next = starts.clone();
        let mut dealt = vec![(0, T::default()); keyed.len()];
        for &(key, of) in keyed {
            let place = &mut next[first_bits(key, bits)];
            dealt[*place as usize] = (key, of);
            *place += 1;
        }
        Self {
            keyed: dealt,
            starts,
        }
    }

    fn part(&self, part: usize) -> &[Keyed<T>] {
        &self.keyed[self.starts[part] as usize..self.starts[part + 1] as usize]
    }
}

/// The first `bits` bits of a key.
#[inline]
fn first_bits(key: u64, bits: u32) -> usize {
    (key >> 1 >> (63 - bits)) as usize
}

/// Drops keys that are certainly unique.
fn drop_unique<T>(keyed: &mut Vec<Keyed<T>>, counters: &mut Vec<u8>, bits: u32) {
    let size = (keyed.len() * COUNTERS).next_power_of_two();
    counters.clear();
    counters.resize(size, 0);
    let counter = |key: u64| first_bits(key << bits, size.ilog2());
    for &(key, _) in &*keyed {
        let count = &mut counters[counter(key)];
        *count = count.saturating_add(1);
    }
    keyed.retain(|&(key, _)| counters[counter(key)] > 1);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::text::mix;

    #[test]
    fn equals_counting() {
        for n in [0, 1, 2, 1000, 5000, 3 * CHUNK + 77] {
            for distinct in [1, 2, 100, n / 2 + 1, 20 * n + 1] {
                let key = |number: u32| match number % 7 {
                    3 => None,
                    _ => Some(mix(mix(u64::from(number)) % distinct as u64)),
                };
                let mut all: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
                for number in 0..n as u32 {
                    if let Some(key) = key(number) {
                        all.entry(key).or_default().push(number);
                    }
                }
                let expected: Vec<Keyed> = all
                    .into_iter()
                    .filter(|(_, numbers)| numbers.len() > 1)
                    .flat_map(|(key, numbers)| numbers.into_iter().map(move |n| (key, n)))
                    .collect();
                assert_eq!(repeated(n, key), expected, "{n} {distinct}");
            }
        }
    }
}
