//! What may be held.

use crate::corpus::limit::PROGRAM;
use crate::corpus::reading::parse::RoundWeight;
use crate::lsh::Banding;

/// What the parts of the work may take of the memory, in bytes unless it says otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct MemoryPlan {
    /// For what waits to be written.
    pub(super) buffers: usize,
    /// For what is read at a time and looked at in parallel, however many the threads. Three of it are there at once,
    /// and what is made of them.
    pub(super) round: usize,
    /// Parts of keys: a number.
    pub(super) parts: usize,
    /// Keys held at a time: a number.
    pub(super) keys: usize,
    /// For tables of bits and bytes by which the exact join knows what is rare.
    pub(super) table: usize,
    /// For shingle sets that are read to compare them.
    pub(super) batch: u64,
    /// All of it.
    pub(super) all: u64,
}

impl MemoryPlan {
    /// Of so much memory.
    pub(super) fn of(memory: u64) -> Self {
        /// Bytes that are held for a key while it is compared with others.
        const KEY: u64 = 64;
        /// What a thread takes besides what it works on: its stack, and memory that it was given and does not give back.
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

    /// What a round of records may take of which keys of such bands are made.
    pub(super) fn of_records(self, banding: Banding) -> RoundWeight {
        /// Bytes that are held for a record while it is parsed and taken, its id included.
        const EACH: usize = 320;
        /// Bytes of a band's key, in memory that is larger than what is in it.
        const KEY: usize = 12;
        RoundWeight {
            bytes: self.round,
            record: EACH + KEY * banding.bands(),
        }
    }

    /// The same with more parts of keys where the inputs are so large that parts would not be held.
    pub(super) fn for_inputs(self, bytes: u64) -> Self {
        /// Bytes of an input for each key, at least: short documents, compressed.
        const EACH: u64 = 8;
        /// Parts whose buffers still are blocks that a disk reads at once.
        const MOST: u64 = 4096;
        let parts = (bytes / EACH / self.keys as u64).min(MOST) as usize;
        Self {
            parts: self.parts.max(parts),
            ..self
        }
    }

    /// What is left beside some numbers of so many documents: of each its first copy, what stands for its cluster, the
    /// first document of that, its mark and crowds, and whether it may have a partner, is
    /// joined, or removed.
    pub(super) fn beside(self, documents: u32) -> Self {
        const EACH: u64 = 20;
        /// Most would be held by the documents: then the bound does not hold.
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

    /// So small that everything is cut into many parts.
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
        // A terabyte of short documents: 50 billion keys and more, of which so many are held.
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
