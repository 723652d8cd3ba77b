//! The documents of an index that are in mapped files (feature `storage`).

use std::any::Any;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::error::Error;
use crate::hashed::table_memory;
use crate::sketch::{Estimate, equal_slots_of_bytes};
use crate::storage::{Checks, Problem, Section, Stored, StoredId};
use crate::storage::{hash_of_fed, hashes_as_stored};

/// A stored index that is mapped, and the set of its documents that were removed since.
#[derive(Clone)]
pub(super) struct Mapped<Id> {
    stored: Arc<Stored>,
    removed: Removed,
    /// True if the table in the file finds ids.
    has_table: bool,
    /// The rows of all ids, filled when they are first needed.
    rows_of_ids: OnceLock<RowsOfIds>,
    reading: Reading<Id>,
}

/// A `HashMap<Id, u32>`. Its type is hidden: with a cell of it, an `Index<&'static str>` could not be used as an
/// `Index<&str>`.
type RowsOfIds = Arc<dyn Any + Send + Sync>;

/// Functions for stored ids.
#[derive(Clone)]
struct Reading<Id> {
    id: fn(&[u8]) -> Option<Id>,
    all: fn(&Stored) -> RowsOfIds,
    shown: fn(&RowsOfIds) -> &HashMap<Id, u32>,
}

impl<Id> fmt::Debug for Mapped<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Base")
            .field("stored", &self.stored)
            .field("removed", &self.removed.count)
            .finish_non_exhaustive()
    }
}

impl<Id: StoredId> Mapped<Id> {
    /// Opens the index at `dir`.
    pub(super) fn open(dir: &Path, checks: Checks) -> Result<Self, Error> {
        let stored = Stored::open(dir, checks)?;
        stored.expect_ids(Id::KIND)?;
        let ids = stored.ids();
        let is_bad = |row: &u32| ids.id(*row).and_then(Id::from_bytes).is_none();
        if checks == Checks::All
            && let Some(row) = (0..stored.len()).find(is_bad)
        {
            return Err(no_id(&stored, row));
        }
        Ok(Self {
            has_table: hashes_as_stored::<Id>(ids.id(0)),
            removed: Removed::default(),
            rows_of_ids: OnceLock::new(),
            reading: Reading {
                id: Id::from_bytes,
                all: rows_of_ids::<Id>,
                shown: |rows| {
                    let rows = rows.downcast_ref();
                    rows.unwrap_or_else(|| unreachable!("made by `all`"))
                },
            },
            stored: Arc::new(stored),
        })
    }

    pub(super) fn stored(&self) -> &Stored {
        &self.stored
    }
}

impl<Id: Eq + Hash> Mapped<Id> {
    /// The number of rows, including those of removed documents.
    pub(super) fn rows(&self) -> u32 {
        self.stored.len()
    }

    /// The number of documents that are not removed.
    pub(super) fn len(&self) -> usize {
        self.rows() as usize - self.removed.count
    }

    /// The row of a document.
    pub(super) fn find<Q>(&self, id: &Q) -> Option<u32>
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let row = match self.rows_of_ids.get() {
            None if self.has_table => {
                let mut rows = self.stored.ids().rows(hash_of_fed(id));
                rows.find(|&row| self.id(row).is_some_and(|found| found.borrow() == id))
            }
            _ => self.row_of().get(id).copied(),
        };
        row.filter(|&row| self.has(row))
    }

    /// The rows of all ids. The first call reads all ids.
    fn row_of(&self) -> &HashMap<Id, u32> {
        let rows = &self.rows_of_ids;
        (self.reading.shown)(rows.get_or_init(|| (self.reading.all)(&self.stored)))
    }

    /// Removes the document in a row, which must not be removed already.
    pub(super) fn remove(&mut self, row: u32) {
        self.removed.insert(row, self.rows());
    }

    /// True if there is such a row and its document is not removed.
    pub(super) fn has(&self, row: u32) -> bool {
        row < self.rows() && !self.removed.contains(row)
    }

    /// The id in a row; `None` if the file has no valid id there.
    pub(super) fn id(&self, row: u32) -> Option<Id> {
        self.stored.ids().id(row).and_then(self.reading.id)
    }

    /// Replaces `slots` with the slots of a row, and returns the id.
    pub(super) fn document(&self, row: u32, slots: &mut Vec<u32>) -> Result<Id, Error> {
        self.stored.signatures().copy_row(row, slots);
        self.id(row).ok_or_else(|| no_id(&self.stored, row))
    }

    /// Rows that have one of `keys` in its band, ascending.
    pub(super) fn candidates(&self, keys: &[u64]) -> Vec<u32> {
        let mut rows = self.stored.bands().rows(keys);
        rows.sort_unstable();
        rows.dedup();
        rows.retain(|&row| self.has(row));
        rows
    }

    /// The estimated similarity of a row to `slots`.
    pub(super) fn estimate(&self, row: u32, slots: &[u32]) -> Estimate {
        let stored = self.stored.signatures().row(row).unwrap_or_default();
        Estimate::of_equal(equal_slots_of_bytes(stored, slots), slots.len(), 0.0)
    }

    /// The ids, in the order of their rows.
    pub(super) fn ids(&self) -> impl Iterator<Item = &Id> {
        let ids = self.row_of().iter().map(|(id, row)| (*row, id));
        let mut ids: Vec<(u32, &Id)> = ids.filter(|&(row, _)| self.has(row)).collect();
        ids.sort_unstable_by_key(|&(row, _)| row);
        ids.into_iter().map(|(_, id)| id)
    }

    /// The approximate number of bytes on the heap.
    pub(super) fn memory_usage(&self) -> usize {
        let rows = self.rows_of_ids.get().map(self.reading.shown);
        let table = rows.map_or(0, HashMap::capacity);
        table_memory(table, size_of::<(Id, u32)>()) + self.removed.bits.capacity() * 8
    }
}

fn rows_of_ids<Id: StoredId>(stored: &Stored) -> RowsOfIds {
    let ids = stored.ids();
    let row_of = |row| Some((ids.id(row).and_then(Id::from_bytes)?, row));
    let rows: HashMap<Id, u32> = (0..stored.len()).filter_map(row_of).collect();
    Arc::new(rows)
}

fn no_id(stored: &Stored, row: u32) -> Error {
    let kind = &stored.about().id_kind;
    let why = format!("the id of document {row} is not a valid {kind}");
    Problem::bad(&stored.path(Section::Ids), why)
}

/// The removed rows: one bit per row, allocated with the first removal.
#[derive(Debug, Clone, Default)]
struct Removed {
    bits: Vec<u64>,
    count: usize,
}

impl Removed {
    fn insert(&mut self, row: u32, rows: u32) {
        self.bits.resize(rows.div_ceil(64) as usize, 0);
        self.bits[row as usize / 64] |= 1 << (row % 64);
        self.count += 1;
    }

    fn contains(&self, row: u32) -> bool {
        let bits = self.bits.get(row as usize / 64);
        bits.is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    }
}
