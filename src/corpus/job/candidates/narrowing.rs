//! Filters the joined documents a second time, with all of their infrequent shingles.

use crate::corpus::error::Error;
use crate::corpus::job::candidates::crowding::Mark;
use crate::corpus::job::candidates::samples::SamplesOnDisk;
use crate::corpus::job::disk::folder::Folder;
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::Partitioner;
use crate::corpus::job::memory_plan::MemoryPlan;
use crate::corpus::job::passes::reread::{Picked, Picking, Reread};
use crate::exact::{MOST_RARE, Sample, survivors};
use crate::frequent::Frequent;
use crate::text::arch::STRIPS;
use crate::threshold::Threshold;
use crate::verify::ShingleSet;
use crate::watch::Ticker;

/// Writes the keys of the joined documents, and filters them.
pub(crate) struct Narrowing<'n> {
    folder: &'n Folder,
    plan: &'n MemoryPlan,
    marks: &'n [Mark],
    /// The number of joined documents.
    pub(crate) looked_at: usize,
    strips: Partitioner<'n>,
    /// The number of shingles of each document, including repetitions.
    lengths: Vec<u32>,
    /// The hashes of the first documents, from which the frequent shingles are determined. Nothing is written before
    /// that.
    waiting: Vec<Vec<u64>>,
    frequent: Option<Frequent>,
}

/// The data computed from consecutive documents.
#[derive(Default)]
pub(crate) struct Looked {
    /// The hashes of documents, while the frequent shingles are not known.
    waiting: Vec<Vec<u64>>,
    /// The keys of documents after that.
    keys: Sample,
    /// Scratch memory.
    picked: Vec<u32>,
}

impl Looked {
    fn push(&mut self, hashes: &mut Vec<u64>, frequent: &Frequent) {
        self.keys.push_others(hashes, frequent, &mut self.picked);
    }
}

impl<'n> Narrowing<'n> {
    pub(crate) fn new(
        folder: &'n Folder,
        plan: &'n MemoryPlan,
        marks: &'n [Mark],
    ) -> Result<Self, Error> {
        let looked_at = marks.iter().filter(|mark| mark.may_have_partner()).count();
        Ok(Self {
            folder,
            plan,
            marks,
            looked_at,
            strips: Partitioner::create(folder, names::STRIPS, STRIPS, plan.buffers)?,
            lengths: Vec::new(),
            waiting: Vec::new(),
            frequent: None,
        })
    }

    /// Reads the documents again. Returns, for each joined document in order, whether it may have a partner.
    pub(crate) fn survivors(
        mut self,
        reread: Reread<'_>,
        threshold: Threshold,
        ticker: &Ticker<'_>,
    ) -> Result<Vec<bool>, Error> {
        reread.run(&mut self)?;
        self.write_waiting()?;
        self.strips.finish()?;
        let asked = vec![true; self.lengths.len()];
        let strips = SamplesOnDisk::open(self.folder, asked.len(), self.plan.table)?;
        let lengths = self.lengths.into_iter();
        let may = survivors(&strips, lengths, threshold, &asked, ticker)?;
        self.folder.remove(&[names::STRIPS]);
        Ok(may)
    }

    /// Whether enough documents wait to determine the frequent shingles.
    fn is_enough(&self) -> bool {
        let hashes: usize = self.waiting.iter().map(Vec::len).sum();
        self.waiting.len() >= Frequent::sample_of(self.looked_at)
            || 2 * size_of::<u64>() * hashes >= self.plan.table
    }

    /// Determines the frequent shingles from the waiting documents, unless they are known, and writes these documents.
    fn write_waiting(&mut self) -> Result<(), Error> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let all = self.looked_at;
        let frequent = self.frequent.get_or_insert_with(|| {
            let sets = waiting.iter().cloned().map(ShingleSet::from_hashes);
            Frequent::new(&sets.collect::<Vec<_>>(), all, MOST_RARE)
        });
        let mut looked = Looked::default();
        for mut hashes in waiting {
            looked.push(&mut hashes, frequent);
        }
        write(&looked.keys, &mut self.strips, &mut self.lengths)
    }
}

fn write(keys: &Sample, strips: &mut Partitioner<'_>, lengths: &mut Vec<u32>) -> Result<(), Error> {
    for (length, keys) in keys.open_documents() {
        lengths.push(length);
        strips.write_strips(keys)?;
    }
    Ok(())
}

impl Picking for Narrowing<'_> {
    type Made = Looked;

    fn is_picked(&self, document: u32) -> bool {
        self.marks[document as usize].may_have_partner()
    }

    fn is_shingled(&self, _: u32) -> bool {
        true
    }

    fn make(&self, _: Picked, hashes: &mut Vec<u64>, made: &mut Looked) {
        match &self.frequent {
            Some(frequent) => made.push(hashes, frequent),
            None => made.waiting.push(std::mem::take(hashes)),
        }
    }

    fn take(&mut self, made: Looked) -> Result<(), Error> {
        self.waiting.extend(made.waiting);
        if self.frequent.is_some() || self.is_enough() {
            self.write_waiting()?;
        }
        write(&made.keys, &mut self.strips, &mut self.lengths)
    }
}
