//! The decisions of all groups, in one order: that of one batch.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::folder::{Bytes, Folder, Reading};
use crate::batch::PairOrder;
use crate::corpus::error::Error;
use crate::verify::Similarity;

/// Files of items in order, merged.
pub(super) struct Merge<K> {
    files: Vec<Reading>,
    /// The order of the next item of each file.
    next: BinaryHeap<Reverse<(K, usize)>>,
}

/// What items are sorted by. Each is written before its item.
pub(super) trait Order: Copy + Ord {
    /// Reads the order of the next item; none at the end.
    fn next(from: &mut Reading) -> Result<Option<Self>, Error>;
}

impl Order for u32 {
    fn next(from: &mut Reading) -> Result<Option<Self>, Error> {
        from.next_u32()
    }
}

impl Order for PairOrder {
    fn next(from: &mut Reading) -> Result<Option<Self>, Error> {
        let Some(first) = from.next_u32()? else {
            return Ok(None);
        };
        let mut order = [first; 4];
        for part in &mut order[1..] {
            *part = from.u32()?;
        }
        Ok(Some(order))
    }
}

impl<K: Order> Merge<K> {
    pub(super) fn open(
        folder: &Folder,
        groups: usize,
        name: impl Fn(usize) -> String,
    ) -> Result<Self, Error> {
        let mut merge = Self {
            files: Vec::new(),
            next: BinaryHeap::new(),
        };
        for group in 0..groups {
            merge.files.push(folder.open(&name(group))?);
            merge.advance(group)?;
        }
        Ok(merge)
    }

    fn advance(&mut self, file: usize) -> Result<(), Error> {
        if let Some(order) = K::next(&mut self.files[file])? {
            self.next.push(Reverse((order, file)));
        }
        Ok(())
    }

    /// Reads the next item, of which the order has been read; none at the end.
    pub(super) fn next<T>(
        &mut self,
        read: impl FnOnce(&mut Reading) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let Some(Reverse((_, file))) = self.next.pop() else {
            return Ok(None);
        };
        let item = read(&mut self.files[file])?;
        self.advance(file)?;
        Ok(Some(item))
    }
}

pub(super) fn read_similarity(from: &mut Reading) -> Result<Similarity, Error> {
    Ok(Similarity {
        shared: from.u64()? as usize,
        jaccard: from.f64()?,
        containment_a: from.f64()?,
        containment_b: from.f64()?,
    })
}
