//! Which documents of buckets may have partners, by their signatures.

use super::again::{Again, Picked, Picking};
use super::crowding::Mark;
use super::dealt::{Dealer, Dealt};
use super::folder::{Bytes as _, Folder};
use super::names;
use crate::batch::{SharedSlots, TOGETHER, is_in_vain};
use crate::corpus::error::Error;
use crate::settings::Settings;

/// Signatures of the documents of buckets, on their way to the disk.
pub(super) struct Slots<'s> {
    folder: &'s Folder,
    settings: &'s Settings,
    marks: &'s [Mark],
    dealer: Dealer<'s>,
    documents: usize,
}

impl<'s> Slots<'s> {
    /// With so much memory for what waits to be written.
    pub(super) fn new(
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
            dealer: Dealer::create(folder, names::SLOTS, parts, memory)?,
            documents: 0,
        })
    }

    /// Reads the documents again, and says of each that is in a bucket, in order, whether it may have a partner: whether
    /// it agrees with others of these in enough slots.
    pub(super) fn open(mut self, again: Again<'_>) -> Result<Vec<bool>, Error> {
        again.run(&mut self)?;
        self.dealer.finish()?;
        let (hashes, floor) = (self.settings.scheme().hashes(), self.settings.floor_slots());
        let dealt = Dealt::open(self.folder, names::SLOTS)?;
        let mut shared = vec![0u16; self.documents];
        for part in 0..dealt.len() {
            let slots = TOGETHER.min(hashes - part * TOGETHER);
            let mut seen = SharedSlots::new(slots, self.documents);
            for_each_row(&dealt, part, slots, |_, row| seen.insert(row))?;
            for_each_row(&dealt, part, slots, |number, row| {
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

impl Picking for Slots<'_> {
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
                self.dealer.write(part, &bytes)?;
            }
        }
        Ok(())
    }
}

/// Calls `each` with the number of every row of a part, and its slots.
fn for_each_row(
    dealt: &Dealt,
    part: usize,
    slots: usize,
    mut each: impl FnMut(usize, &[u32]),
) -> Result<(), Error> {
    let mut reader = dealt.read(part)?;
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
