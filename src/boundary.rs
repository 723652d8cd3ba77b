//! The boundary between new documents and indexed ones.

/// The number from which on documents, or sets of documents, are indexed: they come after all new ones.
///
/// Indexed documents were compared with each other before, and are always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexedFrom(u32);

impl Default for IndexedFrom {
    /// Nothing is indexed.
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl IndexedFrom {
    /// The boundary after this many new ones.
    pub(crate) fn after(new: usize) -> Self {
        Self(u32::try_from(new).unwrap_or(u32::MAX))
    }

    pub(crate) fn is_new(self, number: u32) -> bool {
        number < self.0
    }

    pub(crate) fn is_indexed(self, number: u32) -> bool {
        !self.is_new(number)
    }

    /// The place of an indexed document among the indexed ones; none if it is new.
    #[cfg(feature = "corpus")]
    pub(crate) fn place(self, number: u32) -> Option<u32> {
        number.checked_sub(self.0)
    }

    /// How many of ascending numbers are new.
    pub(crate) fn new_of(self, numbers: &[u32]) -> usize {
        numbers.partition_point(|&number| self.is_new(number))
    }

    /// Two products of ascending numbers that together give all pairs of one of `left` and one of `right`, except pairs of
    /// two indexed ones.
    pub(crate) fn products<'s>(
        self,
        left: &'s [u32],
        right: &'s [u32],
    ) -> [(&'s [u32], &'s [u32]); 2] {
        let (new, indexed) = left.split_at(self.new_of(left));
        [(new, right), (indexed, &right[..self.new_of(right)])]
    }
}
