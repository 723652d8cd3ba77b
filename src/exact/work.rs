//! How much may be looked at.

/// A bound on the work of joining classes, in looks at a class.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    pub(crate) most: u64,
    pub(super) patience: Patience,
    /// What was done the last time that it was weighed.
    before: u64,
}

/// When a node of an index of classes is split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Classes that it may have without ever being split.
    pub(super) few: usize,
    /// Looks in vain for each of its classes before it is split.
    pub(super) looks: usize,
}

/// Joining classes takes more work than is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfWork {
    /// How much it would take, about.
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

    /// Refuses to go on where the work done on some of `all` is too much, or promises to become so: it is weighed each
    /// time that twice as many have been looked at.
    pub(super) fn check(&mut self, done: u64, some: usize, all: usize) -> Result<(), OutOfWork> {
        const FEW: usize = 256;
        /// Work grew with the square, about.
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
