//! The compared values of all documents.

use std::cmp::Ordering;
use std::sync::OnceLock;

use crate::boundary::IndexedFrom;
use crate::corpus::keep::policy::{KeepPolicy, KeepValues};
use crate::corpus::keep::reason::KeepReason;
use crate::corpus::keep::value::FieldValue;

/// The values that a policy compares, of all documents, as bytes to save memory. Empty if the policy compares nothing.
#[derive(Debug, Default)]
pub(crate) struct KeepColumn {
    policy: KeepPolicy,
    pub(crate) bytes: Vec<u8>,
    /// The end of each document's bytes.
    ends: Vec<u64>,
    /// Indexed documents are kept before any other.
    indexed_from: IndexedFrom,
    /// The number of distinct shingles of each document, if the policy compares it.
    sizes: OnceLock<Vec<u32>>,
}

impl KeepColumn {
    pub(crate) fn new(policy: KeepPolicy) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, values: &KeepValues<'_>) {
        if !self.policy.is_first() {
            values.write(&mut self.bytes);
            self.ends.push(self.bytes.len() as u64);
        }
    }

    /// Adds a document whose values are already bytes, unless nothing is compared.
    pub(crate) fn push_bytes(&mut self, bytes: &[u8]) {
        if !self.policy.is_first() {
            self.bytes.extend_from_slice(bytes);
            self.ends.push(self.bytes.len() as u64);
        }
    }

    /// Says that all further documents are indexed: nothing is known of them, and they are kept before any other.
    pub(crate) fn indexed_from_here(&mut self, documents: usize) {
        self.indexed_from = IndexedFrom::after(documents);
    }

    fn is_indexed(&self, document: usize) -> bool {
        self.indexed_from.is_indexed(document as u32)
    }

    fn values(&self, document: usize) -> KeepValues<'_> {
        if self.policy.is_first() || self.is_indexed(document) {
            return KeepValues::default();
        }
        let start = document
            .checked_sub(1)
            .map_or(0, |before| self.ends[before]);
        let mut bytes = &self.bytes[start as usize..self.ends[document] as usize];
        let mut values = KeepValues::read(&mut bytes)
            .unwrap_or_else(|| unreachable!("the bytes of document {document} are whole"));
        if let Some(sizes) = self.sizes.get() {
            values.value = FieldValue::whole(sizes[document] as usize);
        }
        values
    }

    /// Sets the number of distinct shingles of each document, for a policy that compares them.
    pub(crate) fn set_sizes(&self, sizes: Vec<u32>) {
        let _ = self.sizes.set(sizes);
    }

    /// Compares two documents, by the policy and then by number.
    pub(crate) fn compare(&self, a: usize, b: usize) -> Ordering {
        let by_policy = match (self.is_indexed(a), self.is_indexed(b)) {
            (false, false) if !self.policy.is_first() => {
                self.policy.compare(&self.values(a), &self.values(b))
            }
            (a, b) => b.cmp(&a),
        };
        by_policy.then(a.cmp(&b))
    }

    pub(crate) fn reason(&self, kept: usize, removed: usize) -> KeepReason<'_> {
        KeepReason {
            policy: &self.policy,
            is_indexed: self.is_indexed(kept),
            kept: self.values(kept),
            removed: self.values(removed),
        }
    }
}
