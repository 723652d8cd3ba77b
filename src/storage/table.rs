//! Tables of keys and rows, searched in the mapped file.

/// A table of ascending keys with their rows. Rows with the same key ascend.
///
/// The content is not trusted: a search ends, and stays within the table, whatever the bytes are.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    keys: &'a [[u8; 8]],
    rows: &'a [[u8; 4]],
}

/// Bytes of a key and its row.
pub(super) const ENTRY: usize = 12;

/// How often a guess is improved: if it is 500 places off at first, it is 20 off after one step, and 5 after two.
pub(super) const GUESSES: usize = 2;

impl<'a> Table<'a> {
    /// The table in `bytes`: all keys, u64, then all rows, u32.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let (keys, rows) = bytes.split_at(bytes.len() / ENTRY * 8);
        Self {
            keys: keys.as_chunks().0,
            rows: rows.as_chunks().0,
        }
    }

    /// The rows of a key.
    pub(crate) fn rows(self, key: u64) -> impl Iterator<Item = u32> + 'a {
        let mut place = self.first_guess(key);
        for _ in 0..GUESSES {
            place = self.better_guess(key, place);
        }
        self.rows_near(key, place)
    }

    /// The rows of a key, searched from a guess of its place.
    pub(super) fn rows_near(self, key: u64, place: usize) -> impl Iterator<Item = u32> + 'a {
        let first = self.first_at_least(key, place);
        let pairs = self.keys[first..].iter().zip(&self.rows[first..]);
        pairs
            .take_while(move |(found, _)| u64::from_le_bytes(**found) == key)
            .map(|(_, row)| u32::from_le_bytes(*row))
    }

    fn key(self, place: usize) -> u64 {
        u64::from_le_bytes(self.keys[place])
    }

    /// A first guess of the place of a key. Keys are hashes, so they are evenly distributed unless many are equal.
    pub(super) fn first_guess(self, key: u64) -> usize {
        ((u128::from(key) * self.keys.len() as u128) >> 64) as usize
    }

    /// A better guess than `place`: estimates how many keys lie between, from the difference to the key at `place`.
    pub(super) fn better_guess(self, key: u64, place: usize) -> usize {
        let Some(found) = self.keys.get(place) else {
            return place;
        };
        // No branch, so that the processor can improve guesses in many tables at the same time.
        let distance = i128::from(key) - i128::from(u64::from_le_bytes(*found));
        let places = (distance * self.keys.len() as i128) >> 64;
        (place as i128 + places).clamp(0, self.keys.len() as i128 - 1) as usize
    }

    /// The first place whose key is not below `key`, searched from `place` in growing strides.
    fn first_at_least(self, key: u64, place: usize) -> usize {
        let all = self.keys.len();
        let (mut low, mut high, mut stride) = (place, place, 1);
        if place < all && self.key(place) < key {
            while high < all && self.key(high) < key {
                (low, high) = (high + 1, high + stride);
                stride *= 2;
            }
        } else {
            while low > 0 && self.key(low - 1) >= key {
                (high, low) = (low - 1, low.saturating_sub(stride));
                stride *= 2;
            }
        }
        let between = &self.keys[low..high.min(all)];
        low + between.partition_point(|found| u64::from_le_bytes(*found) < key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::mix;

    fn bytes_of(pairs: &[(u64, u32)]) -> Vec<u8> {
        let keys = pairs.iter().flat_map(|(key, _)| key.to_le_bytes());
        let rows = pairs.iter().flat_map(|(_, row)| row.to_le_bytes());
        keys.chain(rows).collect()
    }

    fn finds_all(mut pairs: Vec<(u64, u32)>) {
        pairs.sort_unstable();
        let bytes = bytes_of(&pairs);
        let table = Table::of(&bytes);
        let near = |key: u64| [key, key.wrapping_sub(1), key.wrapping_add(1)];
        let keys = pairs.iter().flat_map(|(key, _)| near(*key));
        for key in keys.chain([0, 1 << 63, u64::MAX]) {
            let from = pairs.partition_point(|(other, _)| *other < key);
            let expected: Vec<u32> = pairs[from..]
                .iter()
                .take_while(|(other, _)| *other == key)
                .map(|(_, row)| *row)
                .collect();
            assert_eq!(table.rows(key).collect::<Vec<_>>(), expected, "{key}");
        }
    }

    #[test]
    fn keys_are_found_wherever_they_lie() {
        for n in [0, 1, 2, 16, 17, 100, 5000] {
            finds_all((0..n).map(|i| (mix(u64::from(i)), i)).collect());
            finds_all((0..n).map(|i| (mix(u64::from(i % 7)), i)).collect());
            finds_all((0..n).map(|i| (u64::from(i).pow(4), i)).collect());
            finds_all((0..n).map(|i| (u64::MAX - u64::from(i), i)).collect());
            finds_all((0..n).map(|i| (5, i)).collect());
        }
    }

    #[test]
    fn tables_of_nonsense_are_searched_to_an_end() {
        let nonsense: Vec<(u64, u32)> = (0..1000).map(|i| (mix(u64::from(i)), i)).collect();
        let bytes = bytes_of(&nonsense);
        for cut in [0, 1, 5, 11, 12, 13, 4000, bytes.len()] {
            for seed in 0..100 {
                Table::of(&bytes[..cut]).rows(mix(seed)).for_each(drop);
            }
        }
    }
}
