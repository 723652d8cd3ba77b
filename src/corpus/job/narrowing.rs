//! A second look at the documents that join, by all of their shingles that are not frequent.

use super::again::{Again, Picked, Picking};
use super::crowding::Mark;
use super::dealt::Dealer;
use super::folder::Folder;
use super::names;
use super::shares::Shares;
use super::strips::StripsOnDisk;
use crate::corpus::error::Error;
use crate::exact::{MOST_RARE, Sample, Sampler, survivors};
use crate::frequent::Frequent;
use crate::text::arch::STRIPS;
use crate::threshold::Threshold;
use crate::verify::ShingleSet;
use crate::watch::Ticker;

/// Keys of the documents that join, on their way to the disk.
pub(super) struct Narrowing<'n> {
    folder: &'n Folder,
    shares: &'n Shares,
    marks: &'n [Mark],
    strips: Dealer<'n>,
    /// Shingles of each document, repetitions included.
    lengths: Vec<u32>,
    /// The first sets: they show what is frequent.
    sample: Vec<ShingleSet>,
    /// Known as soon as the sample is there. Until then all keys are written.
    frequent: Option<Frequent>,
}

/// What is made of documents in a row.
#[derive(Default)]
pub(super) struct Looked {
    keys: Sample,
    /// Their sets, while a sample is wanted.
    sets: Vec<ShingleSet>,
    /// To work in.
    picked: Vec<u32>,
}

impl<'n> Narrowing<'n> {
    pub(super) fn new(
        folder: &'n Folder,
        shares: &'n Shares,
        marks: &'n [Mark],
    ) -> Result<Self, Error> {
        Ok(Self {
            folder,
            shares,
            marks,
            strips: Dealer::create(folder, names::STRIPS, STRIPS, shares.buffers)?,
            lengths: Vec::new(),
            sample: Vec::new(),
            frequent: None,
        })
    }

    /// Reads the documents again, and says of each that joins, in order, whether it may have a partner.
    pub(super) fn survivors(
        mut self,
        again: Again<'_>,
        threshold: Threshold,
        ticker: &Ticker<'_>,
    ) -> Result<Vec<bool>, Error> {
        again.run(&mut self)?;
        self.strips.finish()?;
        let asked = vec![true; self.lengths.len()];
        let strips = StripsOnDisk::open(self.folder, asked.len(), self.shares.table)?;
        let lengths = self.lengths.into_iter();
        let may = survivors(&strips, lengths, threshold, &asked, ticker)?;
        self.folder.remove(&[names::STRIPS]);
        Ok(may)
    }
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
        let length = hashes.len();
        match &self.frequent {
            Some(frequent) => frequent.drop_from(hashes),
            None => made.sets.push(ShingleSet::from_hashes(hashes.clone())),
        }
        Sampler::of_all().push(hashes, length, &mut made.picked, &mut made.keys);
    }

    fn take(&mut self, made: Looked) -> Result<(), Error> {
        for (length, strips) in made.keys.open_documents() {
            self.lengths.push(length);
            self.strips.write_strips(strips)?;
        }
        if self.frequent.is_none() {
            let all = self.marks.iter();
            let all = all.filter(|mark| mark.may_have_partner()).count();
            let wanted = Frequent::sample_of(all).saturating_sub(self.sample.len());
            self.sample.extend(made.sets.into_iter().take(wanted));
            let shingles: usize = self.sample.iter().map(ShingleSet::len).sum();
            let is_full = 2 * size_of::<u64>() * shingles >= self.shares.table;
            if self.sample.len() == Frequent::sample_of(all) || is_full {
                let sample = std::mem::take(&mut self.sample);
                self.frequent = Some(Frequent::new(&sample, all, MOST_RARE));
            }
        }
        Ok(())
    }
}
