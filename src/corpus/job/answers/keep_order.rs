//! The keep order of documents on the disk.

use crate::boundary::IndexedFrom;
use crate::corpus::error::Error;
use crate::corpus::job::disk::partition::Partitions;
use crate::corpus::job::disk::rounds::{Round, for_each_round};
use crate::corpus::job::disk::set_store::SetStore;
use crate::corpus::keep::column::KeepColumn;
use crate::corpus::keep::policy::KeepPolicy;
use crate::corpus::keep::reason::KeepReason;

/// Compares the documents that have records. The compared values are in memory.
pub(crate) struct KeepOrder<'s> {
    stored: &'s SetStore,
    column: KeepColumn,
}

impl<'s> KeepOrder<'s> {
    pub(crate) fn load(
        policy: &KeepPolicy,
        stored: &'s SetStore,
        sets: &Partitions,
        firsts: &[u32],
        indexed_from: IndexedFrom,
        round: usize,
    ) -> Result<Self, Error> {
        let mut column = KeepColumn::new(policy.clone());
        if !policy.is_first() {
            let mut sizes: Vec<u32> = Vec::new();
            let push = |round: &Round| {
                for record in round.records() {
                    column.push_bytes(record.keep);
                    if policy.is_largest() {
                        let first = firsts[record.document as usize];
                        sizes.push(match first == record.document {
                            true => record.set.len() as u32,
                            false => sizes[stored.place(first)],
                        });
                    }
                }
                Ok(())
            };
            for_each_round(sets, 0, round, push, Ok)?;
            if policy.is_largest() {
                column.set_sizes(sizes);
            }
        }
        column.indexed_from_here(indexed_from.new_of(stored.documents()));
        Ok(Self { stored, column })
    }

    fn place(&self, document: u32) -> usize {
        self.stored.place(document)
    }

    pub(crate) fn compare(&self, a: u32, b: u32) -> std::cmp::Ordering {
        self.column.compare(self.place(a), self.place(b))
    }

    pub(crate) fn reason(&self, kept: u32, removed: u32) -> KeepReason<'_> {
        self.column.reason(self.place(kept), self.place(removed))
    }
}
