//! Filters the documents of buckets by their signatures.

use crate::batch::{SharedSlots, TOGETHER, is_in_vain};
use crate::corpus::error::Error;
use crate::corpus::job::candidates::crowding::Mark;
use crate::corpus::job::disk::folder::{Bytes as _, Folder};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::{Partitioner, Partitions};
use crate::corpus::job::passes::reread::{Picked, Picking, Reread};
use crate::settings::Settings;

/// Writes the signatures of the documents of buckets, and filters the documents.
pub(crate) struct SignatureFilter<'s> {
    folder: &'s Folder,
    settings: &'s Settings,
    marks: &'s [Mark],
    partitioner: Partitioner<'s>,
    documents: usize,
}

impl<'s> SignatureFilter<'s> {
    /// Creates the file. Write buffers take `memory` bytes.
    pub(crate) fn new(
        folder: &'s Folder,
        settings: &'s Settings,
        marks: &'s [Mark],
        memory: usize,
    ) -> Result<Self, Error> {
        let parts = settings.scheme().hashes().div_ceil(TOGETHER);
        Ok(Self {
            folder,
            settings,
            marks,
            partitioner: Partitioner::create(folder, names::SLOTS, parts, memory)?,
            documents: 0,
        })
    }

    /// Reads the documents again. Returns, for each document in a bucket in order, whether it may have a partner:
    /// whether it agrees with others in enough slots.
    pub(crate) fn open(mut self, reread: Reread<'_>) -> Result<Vec<bool>, Error> {
        reread.run(&mut self)?;
        self.partitioner.finish()?;
        let (hashes, floor) = (self.settings.scheme().hashes(), self.settings.floor_slots());
        let partitions = Partitions::open(self.folder, names::SLOTS)?;
        let mut shared = vec![0u16; self.documents];
        for part in 0..partitions.len() {
            let slots = TOGETHER.min(hashes - part * TOGETHER);
            let mut seen = SharedSlots::new(slots, self.documents);
            for_each_row(&partitions, part, slots, |_, row| seen.insert(row))?;
            for_each_row(&partitions, part, slots, |number, row| {
                shared[number] += seen.shared(row);
            })?;
            if part == 0 && is_in_vain(&shared, slots, hashes, floor) {
                self.folder.remove(&[names::SLOTS]);
                return Ok(vec![true; self.documents]);
            }
        }
        self.folder.remove(&[names::SLOTS]);
        Ok(shared
            .into_iter()
            .map(|shared| usize::from(shared) >= floor)
            .collect())
    }
}

impl Picking for SignatureFilter<'_> {
    /// Signatures, one after the other.
    type Made = Vec<u32>;

    fn is_picked(&self, document: u32) -> bool {
        self.marks[document as usize].may_have_partner()
    }

    fn is_shingled(&self, _: u32) -> bool {
        true
    }

    fn make(&self, _: Picked, hashes: &mut Vec<u64>, made: &mut Vec<u32>) {
        let from = made.len();
        made.resize(from + self.settings.scheme().hashes(), 0);
        let sketch = self.settings.sketcher().sketch();
        sketch.sketch(hashes, &mut made[from..]);
    }

    fn take(&mut self, made: Vec<u32>) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for row in made.chunks_exact(self.settings.scheme().hashes()) {
            self.documents += 1;
            for (part, slots) in row.chunks(TOGETHER).enumerate() {
                bytes.clear();
                bytes.extend(slots.iter().flat_map(|slot| slot.to_le_bytes()));
                self.partitioner.write(part, &bytes)?;
            }
        }
        Ok(())
    }
}

/// Calls `each` with the number of every row of a part, and its slots.
fn for_each_row(
    partitions: &Partitions,
    part: usize,
    slots: usize,
    mut each: impl FnMut(usize, &[u32]),
) -> Result<(), Error> {
    let mut reader = partitions.read(part)?;
    let (mut bytes, mut row) = (vec![0; 4 * slots], Vec::new());
    let mut number = 0;
    while reader.fill(&mut bytes)? {
        row.clear();
        let (numbers, _) = bytes.as_chunks();
        row.extend(numbers.iter().map(|&slot| u32::from_le_bytes(slot)));
        each(number, &row);
        number += 1;
    }
    Ok(())
}
