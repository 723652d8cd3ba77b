//! Divides the memory among the stages of a job.

use crate::corpus::limit::PROGRAM;
use crate::corpus::reading::parse::RoundWeight;
use crate::lsh::Banding;

/// The memory that each use may take, in bytes unless noted.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemoryPlan {
    /// For write buffers.
    pub(super) buffers: usize,
    /// For a round of records that are read and processed in parallel, whatever the number of threads. Three rounds are
    /// in memory at the same time, with the data computed from them.
    pub(super) round: usize,
    /// The number of partitions of keys.
    pub(super) parts: usize,
    /// The number of keys in memory at a time.
    pub(super) keys: usize,
    /// For the tables with which the exact join recognizes rare shingles.
    pub(super) table: usize,
    /// For shingle sets that are being compared.
    pub(super) batch: u64,
    /// The total.
    pub(super) all: u64,
}

impl MemoryPlan {
    /// A plan for `memory` bytes.
    pub(super) fn of(memory: u64) -> Self {
        /// Memory of a key while it is compared with others.
        const KEY: u64 = 64;
        /// Memory of a thread in addition to its data: its stack, and freed memory that it retains.
        const THREAD: u64 = 1 << 19;
        let threads = THREAD * rayon::current_num_threads() as u64;
        let rest = memory.saturating_sub(PROGRAM + threads);
        let rest = rest.max(PROGRAM / 2);
        Self {
            buffers: (rest / 8).clamp(1 << 20, 64 << 20) as usize,
            round: (rest / 24) as usize,
            parts: 256,
            keys: (rest / 4 / KEY) as usize,
            table: (rest / 4) as usize,
            batch: rest / 6,
            all: rest,
        }
    }

    /// The limit on a round of records whose band keys are computed.
    pub(super) fn of_records(self, banding: Banding) -> RoundWeight {
        /// Memory of a record while it is parsed and taken, including its id.
        const EACH: usize = 320;
        /// Memory of the key of a band, including unused capacity.
        const KEY: usize = 12;
        RoundWeight {
            bytes: self.round,
            record: EACH + KEY * banding.bands(),
        }
    }

    /// The plan with more partitions of keys, if the inputs are so large that a partition would not fit.
    pub(super) fn for_inputs(self, bytes: u64) -> Self {
        /// The least bytes of an input per key, reached with short compressed documents.
        const EACH: u64 = 8;
        /// The most partitions. With more, their buffers would be too small for efficient disk access.
        const MOST: u64 = 4096;
        let parts = (bytes / EACH / self.keys as u64).min(MOST) as usize;
        Self {
            parts: self.parts.max(parts),
            ..self
        }
    }

    /// The plan for the memory that the numbers of `documents` documents leave. For each document these are its first
    /// copy, the representative of its cluster, the first document of that, its mark and crowds, and whether it may
    /// have a partner, is joined, or is removed.
    pub(super) fn beside(self, documents: u32) -> Self {
        const EACH: u64 = 20;
        /// At least 1 / `LEAST` of the memory is planned with, even if the documents leave less. Then the bound is
        /// exceeded.
        const LEAST: u64 = 8;
        let held = EACH * u64::from(documents);
        let left = self.all.saturating_sub(held).max(self.all / LEAST);
        let share = left as f64 / self.all as f64;
        let of = |bytes: usize| ((bytes as f64 * share) as usize).max(1);
        Self {
            round: of(self.round),
            keys: of(self.keys),
            table: of(self.table),
            batch: of(self.batch as usize) as u64,
            all: left,
            ..self
        }
    }

    /// A plan so small that all data is split into many parts.
    #[cfg(test)]
    pub(super) const SMALL: Self = Self {
        buffers: 1 << 12,
        round: 1 << 10,
        parts: 5,
        keys: 64,
        table: 1 << 12,
        batch: 1 << 12,
        all: 1 << 20,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_inputs_have_more_parts_and_many_documents_leave_less() {
        let plan = MemoryPlan::of(1 << 30);
        assert_eq!(plan.for_inputs(1 << 30).parts, plan.parts);
        // A terabyte of short documents has more than 50 billion keys.
        let parts = plan.for_inputs(1 << 40).parts;
        assert!(parts > 256 && parts <= 4096, "{parts}");
        assert!(plan.buffers / 4096 >= 1 << 12);
        let left = plan.beside(10_000_000);
        assert!(left.all < plan.all && left.batch < plan.batch);
        assert!(left.keys < plan.keys && left.table < plan.table);
        let least = plan.beside(u32::MAX);
        assert!(least.keys > 0 && least.batch > 1 << 20 && least.table > 1 << 20);
    }
}
