//! Disjoint sets of numbers.

/// Disjoint sets of the numbers 0..n, in 4 bytes a number.
///
/// The smallest number of a set represents it, so the result does not depend on the order of unions.
///
/// ```
/// use resemblance::cluster::UnionFind;
///
/// let mut sets = UnionFind::new(4);
/// sets.union(3, 1);
/// assert_eq!(sets.find(3), 1);
/// assert_eq!(sets.find(2), 2);
/// ```
#[derive(Debug, Clone)]
pub struct UnionFind {
    /// For each number, one of its set that is not greater.
    parent: Vec<u32>,
}

impl UnionFind {
    /// Makes `n` sets of one number each.
    ///
    /// # Panics
    /// If n is 2^32 or more.
    pub fn new(n: usize) -> Self {
        let n = u32::try_from(n).expect("fewer than 2^32 numbers");
        Self {
            parent: (0..n).collect(),
        }
    }

    /// The smallest number in the set of `x`. Shortens paths to it.
    ///
    /// # Panics
    /// If `x` is not below n.
    pub fn find(&mut self, x: u32) -> u32 {
        let mut x = x as usize;
        while self.parent[x] as usize != x {
            // Path halving.
            self.parent[x] = self.parent[self.parent[x] as usize];
            x = self.parent[x] as usize;
        }
        x as u32
    }

    /// The smallest number in the set of `x`, without changing anything.
    pub(crate) fn root(&self, x: u32) -> u32 {
        let mut x = x;
        while self.parent[x as usize] != x {
            x = self.parent[x as usize];
        }
        x
    }

    /// Joins the sets of `x` and `y`. Returns false if they were already the same set.
    ///
    /// # Panics
    /// If `x` or `y` is not below n.
    pub fn union(&mut self, x: u32, y: u32) -> bool {
        let (x, y) = (self.find(x), self.find(y));
        let (low, high) = (x.min(y), x.max(y));
        self.parent[high as usize] = low;
        low != high
    }

    /// For each number, the smallest number of its set.
    pub fn flatten(&mut self) -> &[u32] {
        // Parents are smaller, so their own parents are already final.
        for x in 0..self.parent.len() {
            self.parent[x] = self.parent[self.parent[x] as usize];
        }
        &self.parent
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equals_the_naive_closure(pairs in prop::collection::vec((0u32..40, 0u32..40), 0..60)) {
            let mut sets = UnionFind::new(40);
            let mut naive: Vec<u32> = (0..40).collect();
            for &(x, y) in &pairs {
                let (from, to) = (naive[x as usize], naive[y as usize]);
                prop_assert_eq!(sets.union(x, y), from != to);
                for label in naive.iter_mut().filter(|label| **label == from) {
                    *label = to;
                }
            }
            for x in 0..40 {
                let least = (0..40).find(|&y| naive[y] == naive[x]).unwrap();
                prop_assert_eq!(sets.find(x as u32), least as u32);
            }
            let flat = sets.flatten().to_vec();
            prop_assert!((0..40).all(|x| flat[x] == sets.find(x as u32)));
        }
    }
}
