//! Which documents of buckets may have partners, by their signatures.

use super::crowding::Mark;
use super::dealt::{Dealer, Dealt};
use super::folder::{Bytes as _, Folder};
use super::names;
use super::rounds::{Round, for_each_round};
use super::shares::Shares;
use crate::batch::{SharedSlots, TOGETHER, is_in_vain};
use crate::corpus::error::Error;
use crate::deduper::Deduper;

/// Whether each document may have a partner: of those that share a bucket, who agrees with others of these in enough
/// slots.
pub(super) fn open(
    marks: &[Mark],
    sets: &Dealt,
    deduper: &Deduper,
    folder: &Folder,
    shares: &Shares,
) -> Result<Vec<bool>, Error> {
    let is_marked = |document: u32| marks[document as usize] >= Mark::Candidate;
    let all = (0..marks.len() as u32)
        .filter(|&document| is_marked(document))
        .count();
    let mut open = vec![false; marks.len()];
    if all == 0 {
        return Ok(open);
    }
    let sketch = deduper.sketcher().sketch();
    let hashes = sketch.hashes();
    let parts = hashes.div_ceil(TOGETHER);
    let mut dealer = Dealer::create(folder, names::SLOTS, parts, shares.buffers)?;
    let make = |round: &Round| {
        Ok(round.in_parallel(|records| {
            let (mut slots, mut row, mut set) = (Vec::new(), vec![0; hashes], Vec::new());
            let records = records.filter(|record| is_marked(record.document) && !record.is_copy());
            records.for_each(|record| {
                set.clear();
                set.extend(record.hashes());
                sketch.sketch(&set, &mut row);
                slots.extend_from_slice(&row);
            });
            slots
        }))
    };
    let take = |all: Vec<Vec<u32>>| {
        let rows = all.iter().flat_map(|slots| slots.chunks_exact(hashes));
        for row in rows {
            for (part, slots) in row.chunks(TOGETHER).enumerate() {
                let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_le_bytes()).collect();
                dealer.write(part, &bytes)?;
            }
        }
        Ok(())
    };
    for_each_round(sets, 0, shares.round, make, take)?;
    dealer.finish()?;
    let dealt = Dealt::open(folder, names::SLOTS)?;
    let (mut shared, mut floor) = (vec![0u16; all], deduper.floor_slots());
    for part in 0..parts {
        let slots = TOGETHER.min(hashes - part * TOGETHER);
        let mut seen = SharedSlots::new(slots, all);
        for_each_row(&dealt, part, slots, |_, row| seen.insert(row))?;
        for_each_row(&dealt, part, slots, |number, row| {
            shared[number] += seen.shared(row);
        })?;
        if part == 0 && is_in_vain(&shared, slots, hashes, floor) {
            floor = 0;
            break;
        }
    }
    folder.remove(&[names::SLOTS]);
    let marked = (0..marks.len()).filter(|&document| is_marked(document as u32));
    for (document, shared) in marked.zip(shared) {
        open[document] = usize::from(shared) >= floor;
    }
    Ok(open)
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
