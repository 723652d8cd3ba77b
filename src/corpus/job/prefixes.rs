//! Sets to groups for the exact join: those that share a shingle of their prefixes are looked at together.
//!
//! Shingles come in the order of how many sets have them, rarest first, as they do in memory where they are common.

use super::components::{Firsts, Groups, NONE, Weight, connect, deal};
use super::dealt::{Dealer, Dealt};
use super::folder::Folder;
use super::manifest::GroupedDone;
use super::names;
use super::sets::Record;
use super::shares::Shares;
use crate::corpus::error::Error;
use crate::exact::{Frequencies, Orderer};
use crate::text::mix;
use crate::threshold::Threshold;
use crate::watch::Ticker;

/// What the sets of all survivors become groups by.
pub(super) struct Prefixes<'p> {
    pub(super) folder: &'p Folder,
    pub(super) shares: &'p Shares,
    pub(super) threshold: Threshold,
    pub(super) weight: Weight,
}

impl Prefixes<'_> {
    /// Deals the sets of the first part to groups. Documents from number `new` on are of indexes.
    pub(super) fn group(
        &self,
        firsts: &Firsts,
        new: u32,
        ticker: &Ticker<'_>,
    ) -> Result<GroupedDone, Error> {
        let sets = Dealt::open(self.folder, names::SETS)?;
        let keys = Dealer::create(
            self.folder,
            names::PREFIXES,
            self.shares.parts,
            self.shares.buffers,
        )?;
        let weights = self.write_keys(firsts, &sets, keys)?;
        let keys = Dealt::open(self.folder, names::PREFIXES)?;
        let mut components = connect(firsts, &keys, new, self.shares.keys, ticker)?;
        self.folder.remove(&[names::PREFIXES]);
        let groups = deal(components.flatten(), weights, self.weight.most);
        self.deal(&sets, &groups)
    }

    /// Writes the keys of all sets, and tells the weight of each document.
    fn write_keys(
        &self,
        firsts: &Firsts,
        sets: &Dealt,
        mut keys: Dealer<'_>,
    ) -> Result<Vec<u32>, Error> {
        let shingles = sets.bytes(0) / 8;
        let most = self.shares.table;
        let mut frequencies = Frequencies::for_shingles(self.threshold, shingles, most);
        let mut record = Record::default();
        let mut reader = sets.read(0)?;
        while record.read(&mut reader)? {
            if !record.is_copy() {
                frequencies.count(record.set.hashes());
            }
        }
        let mut weights = vec![0; firsts.0.len()];
        let mut orderer = Orderer::default();
        let mut reader = sets.read(0)?;
        let mut prefix = Vec::new();
        while record.read(&mut reader)? {
            weights[record.document as usize] = {
                let shingles = (!record.is_copy()).then_some(record.set.len() as u64);
                self.weight
                    .of(shingles, record.id.len() + record.keep.len())
            };
            if !record.is_copy() {
                prefix.clear();
                let set = record.set.hashes();
                orderer.prefix_of(set, &frequencies, self.threshold, |hash| prefix.push(hash));
                for &hash in &prefix {
                    // Hashes of prefixes are low ones: keys are to be even.
                    keys.write_key(mix(hash), record.document)?;
                }
            }
        }
        keys.finish()?;
        Ok(weights)
    }

    fn deal(&self, sets: &Dealt, groups: &Groups) -> Result<GroupedDone, Error> {
        let many = groups.bytes.len();
        let mut dealer = Dealer::create(self.folder, names::GROUPED, many, self.shares.buffers)?;
        let mut record = Record::default();
        let mut reader = sets.read(0)?;
        let mut bytes = Vec::new();
        while record.read(&mut reader)? {
            let group = groups.group[record.document as usize];
            if group != NONE {
                bytes.clear();
                record.write(&mut bytes);
                dealer.write(group as usize, &bytes)?;
            }
        }
        Ok(GroupedDone {
            sets: dealer.finish()?,
            bytes: groups.bytes.clone(),
        })
    }
}
