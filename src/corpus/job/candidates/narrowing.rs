//! A second look at the documents that join, by all of their shingles that are not frequent.

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

/// Keys of the documents that join, on their way to the disk.
pub(crate) struct Narrowing<'n> {
    folder: &'n Folder,
    plan: &'n MemoryPlan,
    marks: &'n [Mark],
    /// Documents that join.
    pub(crate) looked_at: usize,
    strips: Partitioner<'n>,
    /// Shingles of each document, repetitions included.
    lengths: Vec<u32>,
    /// The hashes of the first documents, while it is not known what is frequent: they show it. None is written before.
    waiting: Vec<Vec<u64>>,
    frequent: Option<Frequent>,
}

/// What is made of documents in a row.
#[derive(Default)]
pub(crate) struct Looked {
    /// Their hashes, while it is not known what is frequent.
    waiting: Vec<Vec<u64>>,
    /// Of documents after that.
    keys: Sample,
    /// To work in.
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

    /// Reads the documents again, and says of each that joins, in order, whether it may have a partner.
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

    /// Whether enough documents wait to show what is frequent.
    fn is_enough(&self) -> bool {
        let hashes: usize = self.waiting.iter().map(Vec::len).sum();
        self.waiting.len() >= Frequent::sample_of(self.looked_at)
            || 2 * size_of::<u64>() * hashes >= self.plan.table
    }

    /// Finds what is frequent in the documents that wait, unless it is known, and writes these.
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
