//! What may be held.

/// What the parts of the work may take of the memory, in bytes unless it says otherwise.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shares {
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
    /// For a group.
    pub(super) group: u64,
}

impl Shares {
    /// Of so much memory.
    pub(super) fn of(memory: u64) -> Self {
        /// What there is before there is anything to hold.
        const PROGRAM: u64 = 32 << 20;
        /// Bytes that are held for a key while it is compared with others.
        const KEY: u64 = 64;
        let rest = memory.saturating_sub(PROGRAM).max(PROGRAM);
        Self {
            buffers: (rest / 8).clamp(1 << 20, 64 << 20) as usize,
            round: (rest / 24) as usize,
            parts: 256,
            keys: (rest / 4 / KEY) as usize,
            table: (rest / 4) as usize,
            group: rest / 3,
        }
    }
}
