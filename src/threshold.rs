//! What a threshold asks of sets.

/// A least Jaccard similarity, above 0 and at most 1.
///
/// All bounds follow from [`is_reached`](Self::is_reached), in the same arithmetic: what they rule out would not have
/// been accepted, down to the last bit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Threshold(pub(crate) f64);

impl Threshold {
    /// True where `shared / union` is at least the threshold: the one place where a similarity meets it.
    pub(crate) fn is_reached(self, shared: usize, union: usize) -> bool {
        shared as f64 / union as f64 >= self.0
    }

    /// The least overlap with which sets of these sizes reach the threshold:
    /// `ceil(t (|A| + |B|) / (1 + t))`, set right where rounding went the wrong way. It falls with neither size.
    pub(crate) fn needed_overlap(self, left: usize, right: usize) -> usize {
        let both = left + right;
        let enough = |shared: usize| shared >= both || self.is_reached(shared, both - shared);
        least((self.0 * both as f64 / (1.0 + self.0)) as usize, enough)
    }

    /// The same where sets of these sizes may reach the threshold at all.
    pub(crate) fn needed_of(self, left: usize, right: usize) -> Option<usize> {
        let (small, large) = (left.min(right), left.max(right));
        let may = small > 0 && self.is_reached(small, large);
        may.then(|| self.needed_overlap(left, right))
    }

    /// The same of sizes that come to `both`, for a filter: at most by one too low.
    #[inline]
    pub(crate) fn needed_about(self, both: usize) -> usize {
        // Less by more than all rounding: never too high.
        (self.0 / (1.0 + self.0) * (1.0 - 1e-9) * both as f64).ceil() as usize
    }

    /// The largest sum of the sizes of two sets for which an overlap is enough; 0 where it is none.
    pub(crate) fn most_sum(self, shared: usize) -> usize {
        if shared == 0 {
            return 0;
        }
        let enough = |sum: usize| self.is_reached(shared, sum - shared);
        let guess = (shared as f64 * (1.0 + self.0) / self.0) as usize;
        let mut sum = guess.max(2 * shared);
        while enough(sum + 1) {
            sum += 1;
        }
        while !enough(sum) {
            sum -= 1;
        }
        sum
    }

    /// The least size of a set that is similar to one of `size`, and the least overlap with it: `ceil(t |A|)`.
    pub(crate) fn least_partner(self, size: usize) -> usize {
        least((self.0 * size as f64) as usize, |other| {
            other >= size || self.is_reached(other, size)
        })
    }

    /// How many of `size` shingles can be missing from a similar set. It grows with the size, by one or not at all
    /// for one more.
    pub(crate) fn may_miss(self, size: usize) -> usize {
        size - self.least_partner(size)
    }

    /// How many of `size` shingles can be missing from a similar set that is as large or larger.
    pub(crate) fn may_miss_of_larger(self, size: usize) -> usize {
        size - self.needed_overlap(size, size)
    }
}

/// The least number that is enough, from a guess near to it.
fn least(guess: usize, enough: impl Fn(usize) -> bool) -> usize {
    let mut least = guess;
    while least > 0 && enough(least - 1) {
        least -= 1;
    }
    while !enough(least) {
        least += 1;
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_the_inverse_of_overlaps() {
        for threshold in [0.1, 0.3, 0.5, 2.0 / 3.0, 0.75, 0.8, 0.95, 1.0].map(Threshold) {
            for shared in 1..200 {
                let most = threshold.most_sum(shared);
                for sum in 2 * shared..most + 3 {
                    let needed = threshold.needed_overlap(shared, sum - shared);
                    assert_eq!(
                        needed <= shared,
                        sum <= most,
                        "{threshold:?} {shared} {sum}"
                    );
                }
            }
        }
    }

    #[test]
    fn bounds_are_those_of_the_definition() {
        for threshold in [0.1, 0.3, 0.5, 2.0 / 3.0, 0.7, 0.8, 0.9, 0.95, 1.0].map(Threshold) {
            let mut before = 0;
            for size in 1..200 {
                // A similar set may hold `shared` of the size and nothing else.
                let missed = (1..=size)
                    .rev()
                    .take_while(|&s| threshold.is_reached(s, size));
                assert_eq!(
                    threshold.may_miss(size),
                    missed.count() - 1,
                    "{threshold:?} {size}"
                );
                assert!((before..=before + 1).contains(&threshold.may_miss(size)));
                before = threshold.may_miss(size);
                for other in size..2 * size {
                    let needed = threshold.needed_overlap(size, other);
                    let union = |shared: usize| size + other - shared;
                    let enough = |shared| threshold.is_reached(shared, union(shared));
                    assert!(needed > size || enough(needed));
                    assert!(needed == 0 || !enough(needed - 1));
                    assert!(needed > size || size - needed <= threshold.may_miss_of_larger(size));
                    assert!((needed - 1..=needed).contains(&threshold.needed_about(size + other)));
                }
            }
        }
    }
}
