//! Bounds on sizes and overlaps of sets, given a threshold.

/// A least Jaccard similarity, above 0 and at most 1.
///
/// All bounds are derived from [`is_reached`](Self::is_reached), with the same floating-point arithmetic. So they never
/// rule out a pair that it would accept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Threshold(pub(crate) f64);

impl Threshold {
    /// True if `shared / union` is at least the threshold. The only place where a similarity is compared with it.
    pub(crate) fn is_reached(self, shared: usize, union: usize) -> bool {
        shared as f64 / union as f64 >= self.0
    }

    /// The least overlap with which sets of these sizes reach the threshold: `ceil(t (|A| + |B|) / (1 + t))`, corrected
    /// for rounding. It never decreases with either size.
    pub(crate) fn needed_overlap(self, left: usize, right: usize) -> usize {
        let both = left + right;
        let enough = |shared: usize| shared >= both || self.is_reached(shared, both - shared);
        least((self.0 * both as f64 / (1.0 + self.0)) as usize, enough)
    }

    /// The least overlap with which sets of these sizes reach the threshold; `None` if they cannot.
    pub(crate) fn needed_of(self, left: usize, right: usize) -> Option<usize> {
        let (small, large) = (left.min(right), left.max(right));
        let may = small > 0 && self.is_reached(small, large);
        may.then(|| self.needed_overlap(left, right))
    }

    /// The least overlap for sets whose sizes add up to `both`, for filters: exact or one too low.
    #[inline]
    pub(crate) fn needed_about(self, both: usize) -> usize {
        // Reduced by more than the rounding error, so that it is never too high.
        (self.0 / (1.0 + self.0) * (1.0 - 1e-9) * both as f64).ceil() as usize
    }

    /// The largest sum of the sizes of two sets for which an overlap of `shared` is enough, at most 2^32 - 1; 0 for no
    /// overlap.
    pub(crate) fn most_sum(self, shared: usize) -> usize {
        const MOST: usize = u32::MAX as usize;
        if shared == 0 {
            return 0;
        }
        let enough = |sum: usize| self.is_reached(shared, sum - shared);
        if shared < MOST / 2 && enough(MOST) {
            return MOST;
        }
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

    /// The least size of a set that is similar to a set of `size`, which is also the least overlap: `ceil(t |A|)`.
    pub(crate) fn least_partner(self, size: usize) -> usize {
        least((self.0 * size as f64) as usize, |other| {
            other >= size || self.is_reached(other, size)
        })
    }

    /// How many of `size` shingles can be missing from a similar set. For each additional shingle, it grows by 0 or 1.
    pub(crate) fn may_miss(self, size: usize) -> usize {
        size - self.least_partner(size)
    }

    /// How many of `size` shingles can be missing from a similar set that is as large or larger.
    pub(crate) fn may_miss_of_larger(self, size: usize) -> usize {
        size - self.needed_overlap(size, size)
    }
}

/// The least number for which `enough` holds, searched from a guess close to it.
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
    fn sums_of_tiny_thresholds_are_bounded() {
        for (threshold, shared) in [(1e-20, 1), (1e-9, 5), (1e-6, 5000)] {
            assert_eq!(Threshold(threshold).most_sum(shared), u32::MAX as usize);
        }
        assert_eq!(Threshold(1e-6).most_sum(5), 5_000_005);
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
