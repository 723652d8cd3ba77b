//! Views of mapped sections. Their content is not trusted: a position outside a section yields nothing.

#[cfg(feature = "corpus")]
use super::id::hash_of_id;
use super::table::{GUESSES, Table};

/// The part of a document in a section, given the ends of parts.
fn part<'a, T>(all: &'a [T], ends: &[[u8; 8]], row: usize) -> Option<&'a [T]> {
    let end = |row: usize| usize::try_from(u64::from_le_bytes(*ends.get(row)?)).ok();
    let start = row.checked_sub(1).map_or(Some(0), end)?;
    all.get(start..end(row)?)
}

/// The ids, as bytes.
#[derive(Clone, Copy)]
pub(crate) struct Ids<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) ends: &'a [[u8; 8]],
    pub(super) table: Table<'a>,
}

impl<'a> Ids<'a> {
    pub(crate) fn id(self, row: u32) -> Option<&'a [u8]> {
        part(self.bytes, self.ends, row as usize)
    }

    /// The row of an id.
    #[cfg(feature = "corpus")]
    pub(crate) fn find(self, id: &[u8]) -> Option<u32> {
        let mut rows = self.rows(hash_of_id(id));
        rows.find(|&row| self.id(row) == Some(id))
    }

    /// The rows of ids that have this hash.
    pub(crate) fn rows(self, hash: u64) -> impl Iterator<Item = u32> + 'a {
        self.table.rows(hash)
    }
}

/// The signatures.
#[derive(Clone, Copy)]
pub(crate) struct Signatures<'a> {
    pub(super) slots: &'a [[u8; 4]],
    pub(super) hashes: usize,
}

impl<'a> Signatures<'a> {
    /// The slots of a document, as little-endian bytes.
    pub(crate) fn row(self, row: u32) -> Option<&'a [[u8; 4]]> {
        let start = (row as usize).checked_mul(self.hashes)?;
        self.slots.get(start..start.checked_add(self.hashes)?)
    }

    /// Replaces `slots` by the slots of a document. False if there is no such document.
    pub(crate) fn copy_row(self, row: u32, slots: &mut Vec<u32>) -> bool {
        slots.clear();
        let found = self.row(row);
        slots.extend(
            found
                .unwrap_or_default()
                .iter()
                .copied()
                .map(u32::from_le_bytes),
        );
        found.is_some()
    }
}

/// The tables of the bands.
#[derive(Clone, Copy)]
pub(crate) struct Bands<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) bands: usize,
}

impl<'a> Bands<'a> {
    fn table(self, band: usize) -> Table<'a> {
        let each = self.bytes.len() / self.bands;
        Table::of(&self.bytes[band * each..(band + 1) * each])
    }

    /// The rows of documents that have the key of some band. `keys` has a key for each band. A row may be repeated.
    pub(crate) fn rows(self, keys: &[u64]) -> Vec<u32> {
        let tables = (0..self.bands).map(|band| self.table(band)).zip(keys);
        let mut places: Vec<_> = tables
            .map(|(table, &key)| (table, key, table.first_guess(key)))
            .collect();
        // All tables together, so that the processor waits for several reads of memory at the same time.
        for _ in 0..GUESSES {
            for (table, key, place) in &mut places {
                *place = table.better_guess(*key, *place);
            }
        }
        let rows = places.iter();
        rows.flat_map(|(table, key, place)| table.rows_near(*key, *place))
            .collect()
    }
}

/// The shingle sets.
#[cfg(feature = "corpus")]
#[derive(Clone, Copy)]
pub(crate) struct Sets<'a> {
    pub(super) hashes: &'a [[u8; 8]],
    pub(super) ends: &'a [[u8; 8]],
}

#[cfg(feature = "corpus")]
impl<'a> Sets<'a> {
    /// A document's shingle hashes, ascending, as little-endian bytes.
    pub(crate) fn set(self, row: u32) -> Option<&'a [[u8; 8]]> {
        part(self.hashes, self.ends, row as usize)
    }
}
