//! The suffix array of a sequence of numbers, and how much neighbours in it have in common.

/// "No place", and "no value".
pub(super) const NONE: u32 = u32::MAX;

/// The starts of the suffixes of `text`, ascending by suffix. The values of `text` are below `values`.
///
/// Time and memory are linear: Nong, Zhang and Chan, "Linear Suffix Array Construction by Almost Pure
/// Induced-Sorting" (2009).
pub(super) fn suffix_array(text: &[u32], values: usize) -> Vec<u32> {
    let mut order = vec![NONE; text.len()];
    if text.is_empty() {
        return order;
    }
    let sorting = Sorting::new(text, values);
    // The suffixes from whose order that of all others follows.
    let leading: Vec<u32> = (1..text.len())
        .filter(|&at| sorting.leads(at))
        .map(|at| at as u32)
        .collect();
    sorting.induce(&leading, &mut order);
    if leading.len() > 1 {
        // So far, they are sorted by their values up to the next of them. Each of these pieces gets its rank.
        let mut ranks = vec![NONE; text.len()];
        let (mut names, mut last) = (0, None);
        for &at in order.iter().filter(|&&at| sorting.leads(at as usize)) {
            let piece = sorting.piece(at as usize);
            names += u32::from(last.is_some_and(|last| last != piece));
            ranks[at as usize] = names;
            last = Some(piece);
        }
        let names = names as usize + 1;
        let sorted = if names == leading.len() {
            order
                .iter()
                .copied()
                .filter(|&at| sorting.leads(at as usize))
                .collect()
        } else {
            let pieces: Vec<u32> = leading.iter().map(|&at| ranks[at as usize]).collect();
            drop(ranks);
            let sorted = suffix_array(&pieces, names).into_iter();
            sorted
                .map(|piece| leading[piece as usize])
                .collect::<Vec<_>>()
        };
        sorting.induce(&sorted, &mut order);
    }
    order
}

struct Sorting<'t> {
    text: &'t [u32],
    /// Whether each suffix is smaller than the next one.
    rises: Vec<bool>,
    /// The number of suffixes that begin with a lower value, for each value and one more.
    starts: Vec<u32>,
}

impl<'t> Sorting<'t> {
    fn new(text: &'t [u32], values: usize) -> Self {
        let mut rises = vec![false; text.len()];
        for at in (1..text.len()).rev() {
            let [one, two] = [text[at - 1], text[at]];
            rises[at - 1] = one < two || one == two && rises[at];
        }
        let mut starts = vec![0; values + 1];
        for &value in text {
            starts[value as usize + 1] += 1;
        }
        for value in 0..values {
            starts[value + 1] += starts[value];
        }
        Self {
            text,
            rises,
            starts,
        }
    }

    /// Whether a suffix is smaller than the next one, but the one before it is not smaller than it.
    fn leads(&self, at: usize) -> bool {
        at > 0 && self.rises[at] && !self.rises[at - 1]
    }

    /// The values from a leading suffix to the next one, and whether there is a next one.
    fn piece(&self, at: usize) -> (bool, &'t [u32]) {
        let next = (at + 1..self.text.len()).find(|&next| self.leads(next));
        let end = next.unwrap_or(self.text.len() - 1);
        (next.is_some(), &self.text[at..=end])
    }

    /// Sorts all suffixes as far as the leading ones are sorted.
    fn induce(&self, leading: &[u32], order: &mut [u32]) {
        let Self {
            text,
            rises,
            starts,
        } = self;
        order.fill(NONE);
        let mut ends = starts[1..].to_vec();
        let put_last = |ends: &mut [u32], order: &mut [u32], at: u32| {
            let end = &mut ends[text[at as usize] as usize];
            *end -= 1;
            order[*end as usize] = at;
        };
        for &at in leading.iter().rev() {
            put_last(&mut ends, order, at);
        }
        let mut heads = starts.clone();
        let mut put_first = |order: &mut [u32], at: u32| {
            let head = &mut heads[text[at as usize] as usize];
            order[*head as usize] = at;
            *head += 1;
        };
        // The last suffix follows from the empty one, which is the smallest.
        put_first(order, text.len() as u32 - 1);
        for rank in 0..order.len() {
            let before = order[rank].wrapping_sub(1);
            if before < NONE - 1 && !rises[before as usize] {
                put_first(order, before);
            }
        }
        ends.copy_from_slice(&starts[1..]);
        for rank in (0..order.len()).rev() {
            let before = order[rank].wrapping_sub(1);
            if before < NONE - 1 && rises[before as usize] {
                put_last(&mut ends, order, before);
            }
        }
    }
}

/// For each suffix but the first in `order`, how many values it has in common with the one before it there; 0 for the
/// first. Takes linear time: Kärkkäinen, Manzini and Puglisi, "Permuted Longest-Common-Prefix Array" (2009).
pub(super) fn common_prefixes(text: &[u32], order: &[u32]) -> Vec<u32> {
    let mut before = vec![NONE; text.len()];
    for pair in order.windows(2) {
        before[pair[1] as usize] = pair[0];
    }
    let mut common = 0;
    for at in 0..text.len() {
        // The place of `at` holds the suffix before it, then how much the two have in common.
        common = match before[at] {
            NONE => 0,
            other => {
                let (one, two) = (&text[at + common..], &text[other as usize + common..]);
                common
                    + one
                        .iter()
                        .zip(two)
                        .take_while(|(one, two)| one == two)
                        .count()
            }
        };
        before[at] = common as u32;
        common = common.saturating_sub(1);
    }
    order.iter().map(|&at| before[at as usize]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_sorted(text: &[u32]) {
        let order = suffix_array(text, text.iter().max().map_or(0, |&most| most as usize + 1));
        let mut truth: Vec<u32> = (0..text.len() as u32).collect();
        truth.sort_by_key(|&at| &text[at as usize..]);
        assert_eq!(order, truth, "{text:?}");
        let common = common_prefixes(text, &order);
        for (rank, &common) in common.iter().enumerate() {
            let before = rank
                .checked_sub(1)
                .map_or(&[][..], |before| &text[order[before] as usize..]);
            let both = before.iter().zip(&text[order[rank] as usize..]);
            assert_eq!(
                common as usize,
                both.take_while(|(one, two)| one == two).count(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn every_short_text() {
        for len in 0..=9 {
            for number in 0..3u32.pow(len) {
                let digit = |at| number / 3u32.pow(at) % 3;
                assert_sorted(&(0..len).map(digit).collect::<Vec<_>>());
            }
        }
    }

    proptest! {
        #[test]
        fn random_and_periodic_texts(
            few in prop::collection::vec(0..4u32, 0..200),
            many in prop::collection::vec(0..200u32, 0..200),
            period in prop::collection::vec(0..3u32, 1..6),
            length in 0..300usize,
        ) {
            assert_sorted(&few);
            assert_sorted(&many);
            assert_sorted(&period.iter().copied().cycle().take(length).collect::<Vec<_>>());
            assert_sorted(&few.iter().chain(&period).chain(&few).copied().collect::<Vec<_>>());
        }
    }
}
