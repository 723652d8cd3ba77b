//! The order by which documents are kept.

use super::dealt::Dealt;
use super::rounds::{Round, for_each_round};
use super::stored::Stored;
use crate::corpus::error::Error;
use crate::corpus::keep::KeepPolicy;
use crate::corpus::keep_column::KeepColumn;
use crate::corpus::reason::KeepReason;

/// Compares the documents that have records. What the policy compares is in memory, where that is anything.
pub(super) struct Keeping<'s> {
    stored: &'s Stored,
    column: KeepColumn,
}

impl<'s> Keeping<'s> {
    /// Documents from number `new` on are of indexes.
    pub(super) fn load(
        policy: &KeepPolicy,
        stored: &'s Stored,
        sets: &Dealt,
        new: u32,
        round: usize,
    ) -> Result<Self, Error> {
        let mut column = KeepColumn::new(policy.clone());
        if !policy.is_first() {
            let push = |round: &Round| {
                let records = round.records();
                records.for_each(|record| column.push_bytes(record.keep));
                Ok(())
            };
            for_each_round(sets, 0, round, push, Ok)?;
        }
        let own = stored
            .documents()
            .partition_point(|&document| document < new);
        column.indexed_from(own);
        Ok(Self { stored, column })
    }

    fn place(&self, document: u32) -> usize {
        self.stored.place(document)
    }

    pub(super) fn compare(&self, a: u32, b: u32) -> std::cmp::Ordering {
        self.column.compare(self.place(a), self.place(b))
    }

    pub(super) fn reason(&self, kept: u32, removed: u32) -> KeepReason<'_> {
        self.column.reason(self.place(kept), self.place(removed))
    }
}
