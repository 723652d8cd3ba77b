//! Limits of the work of joining classes.

/// A limit of the work of joining classes. The unit is a look at a class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    pub(crate) most: u64,
    pub(super) patience: Patience,
    /// The work done when it was last checked at a power of two.
    before: u64,
}

/// When a node of an index of classes is split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// A node with this many classes or fewer is never split.
    pub(super) few: usize,
    /// A node is split after this many looks in vain for each of its classes.
    pub(super) looks: usize,
}

/// The error that joining classes takes more work than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfWork {
    /// An estimate of the work that it would take.
    pub(crate) needed: u64,
}

impl Work {
    pub(crate) fn new(most: u64) -> Self {
        Self {
            most,
            patience: Patience { few: 16, looks: 64 },
            before: 0,
        }
    }

    /// Fails if the work done on `some` of `all` items is too much, or is expected to become too much. The expectation
    /// is computed when `some` is a power of two.
    pub(super) fn check(&mut self, done: u64, some: usize, all: usize) -> Result<(), OutOfWork> {
        const FEW: usize = 256;
        /// If the work grows by more than this while items double, it is about quadratic.
        const GROWTH: u64 = 3;
        let part = all as f64 / some.max(1) as f64;
        let expected = done as f64 * part * part;
        let mut is_hopeless = false;
        if some >= FEW && some.is_power_of_two() {
            let has_grown = self.before > 0 && done > GROWTH * self.before;
            is_hopeless = has_grown && expected > self.most as f64;
            self.before = done;
        }
        match is_hopeless || done > self.most {
            true => Err(OutOfWork {
                needed: expected as u64,
            }),
            false => Ok(()),
        }
    }
}
