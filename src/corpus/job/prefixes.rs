//! Sets to groups for the exact join: those that share a shingle of their prefixes are looked at together.
//!
//! Shingles come in the order of how many sets have them, rarest first, as they do in memory where they are common.

use super::components::{Firsts, Groups, NONE, Weight, connect, deal};
use super::dealt::{Dealer, Dealt};
use super::folder::Folder;
use super::manifest::GroupedDone;
use super::names;
use super::rounds::{Round, Written, for_each_round};
use super::shares::Shares;
use crate::corpus::error::Error;
use crate::exact::{Frequencies, prefix_of};
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
        self.shares.hold(&groups)?;
        self.deal(&sets, &groups)
    }

    /// Writes the keys of all sets, and tells the weight of each document.
    fn write_keys(
        &self,
        firsts: &Firsts,
        sets: &Dealt,
        mut keys: Dealer<'_>,
    ) -> Result<Vec<u32>, Error> {
        let frequencies = self.frequencies(sets)?;
        let mut weights = vec![0; firsts.0.len()];
        let work = |round: &Round| {
            Ok(round.in_parallel(|records| {
                let mut keyed = Keyed::default();
                records.for_each(|record| self.key(&record, &frequencies, &mut keyed));
                keyed
            }))
        };
        for_each_round(sets, 0, self.shares.round, work, |keyed: Vec<Keyed>| {
            for Keyed { weighed, found, .. } in keyed {
                for (document, weight) in weighed {
                    weights[document as usize] = weight;
                }
                for (key, document) in found {
                    keys.write_key(key, document)?;
                }
            }
            Ok(())
        })?;
        keys.finish()?;
        Ok(weights)
    }

    /// How common the shingles of all sets are.
    fn frequencies(&self, sets: &Dealt) -> Result<Frequencies, Error> {
        let shingles = sets.bytes(0) / 8;
        let most = self.shares.table;
        let mut frequencies = Frequencies::with_bytes((2 * shingles as usize).min(most) + 1);
        let count = |round: &Round| {
            let sets = round.in_parallel(|records| {
                let (mut hashes, mut ends) = (Vec::new(), vec![0]);
                for record in records {
                    hashes.extend(record.hashes());
                    ends.push(hashes.len());
                }
                (hashes, ends)
            });
            let sets: Vec<&[u64]> = sets
                .iter()
                .flat_map(|(hashes, ends)| ends.windows(2).map(|end| &hashes[end[0]..end[1]]))
                .collect();
            frequencies.count(&sets);
            Ok(())
        };
        for_each_round(sets, 0, self.shares.round, count, Ok)?;
        Ok(frequencies)
    }

    fn key(&self, record: &Written<'_>, frequencies: &Frequencies, keyed: &mut Keyed) {
        let shingles = (!record.is_copy()).then_some(record.set.len() as u64);
        let own = record.id.len() + record.keep.len();
        keyed
            .weighed
            .push((record.document, self.weight.of(shingles, own)));
        let Keyed { found, set, .. } = keyed;
        set.clear();
        set.extend(record.hashes());
        prefix_of(set, frequencies, self.threshold, |hash| {
            // Hashes of prefixes are low ones: keys are to be even.
            found.push((mix(hash), record.document));
        });
    }

    fn deal(&self, sets: &Dealt, groups: &Groups) -> Result<GroupedDone, Error> {
        let many = groups.bytes.len();
        let mut dealer = Dealer::create(self.folder, names::GROUPED, many, self.shares.buffers)?;
        let deal = |round: &Round| {
            round
                .records()
                .try_for_each(|record| match groups.group[record.document as usize] {
                    NONE => Ok(()),
                    group => dealer.write(group as usize, record.bytes),
                })
        };
        for_each_round(sets, 0, self.shares.round, deal, Ok)?;
        Ok(GroupedDone {
            sets: dealer.finish()?,
            bytes: groups.bytes.clone(),
        })
    }
}

/// What is known of some documents, and what it takes to know it.
#[derive(Default)]
struct Keyed {
    /// Documents and their weights.
    weighed: Vec<(u32, u32)>,
    /// Keys and their documents.
    found: Vec<(u64, u32)>,
    set: Vec<u64>,
}
