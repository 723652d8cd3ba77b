//! Decisions that are in a work folder.

use std::ops::ControlFlow;

use super::again::{Again, Picked, Picking};
use super::decided::{DecidedCluster, EachCluster, EachRejection, Held, Joined, Removed, Sinks};
use super::folder::{Bytes, Reading};
use super::manifest::Work;
use super::names;
use super::rejected::RejectedAt;
use super::saving::{Saving, save};
use super::shares::Shares;
use super::walk::{Known, Walk};
use crate::corpus::copy::{Route, copy_all};
use crate::corpus::error::Error;
use crate::corpus::indexed::{Indexed, IndexedDocument};
use crate::corpus::input::Input;
use crate::corpus::options::ReadOptions;
use crate::corpus::read::Rejection;
use crate::corpus::record::RawRecord;
use crate::corpus::sink::{IndexSink, RecordSink, Table};
use crate::corpus::sources::Sources;
use crate::settings::Settings;
use crate::verify::{ShingleSet, Similarity};
use crate::watch::{Looks, Stage, Ticker, Watch};

/// The decisions, and where the documents are.
pub(super) struct OnDisk {
    pub(super) work: Work,
    pub(super) sources: Sources,
    pub(super) known: Known,
    pub(super) indexed: Indexed,
    pub(super) options: ReadOptions,
}

impl OnDisk {
    /// Writes what is wanted.
    pub(super) fn write(
        &mut self,
        settings: &Settings,
        sinks: &Sinks,
        shares: &Shares,
        watch: Option<&dyn Watch>,
    ) -> Result<(), Error> {
        if let Some(table) = &sinks.clusters {
            self.write_clusters(table, watch)?;
        }
        if let Some(table) = &sinks.rejections {
            self.for_each_rejected(|rejection| {
                table.rejections(&[rejection])?;
                Ok(ControlFlow::Continue(()))
            })?;
        }
        if !sinks.wants_records() && sinks.index.is_none() {
            return Ok(());
        }
        let is_removed = self.is_removed()?;
        if sinks.wants_records() {
            self.copy_records(&is_removed, sinks, watch)?;
        }
        match &sinks.index {
            Some(index) => self.save(&is_removed, settings, index, shares, watch),
            None => Ok(()),
        }
    }

    /// Hands the clusters to `each`, in the order of their first documents, with the numbers of the documents that are
    /// removed, until that breaks.
    fn for_each_numbered(
        &self,
        mut each: impl FnMut(DecidedCluster, &[u32]) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        let mut clusters = self.work.folder.open(names::CLUSTERS)?;
        let (mut number, mut numbers) = (0, Vec::new());
        // The first document of a cluster tells that there is one.
        while clusters.next_u32()?.is_some() {
            let cluster = read_cluster(&mut clusters, number, &mut numbers)?;
            if each(cluster, &numbers)?.is_break() {
                break;
            }
            number += 1;
        }
        Ok(())
    }

    fn write_clusters(&self, table: &Table, watch: Option<&dyn Watch>) -> Result<(), Error> {
        table.clusters_header()?;
        let ticker = Ticker::new(watch, Stage::Write, 0);
        let looks = Looks::new(&ticker);
        self.for_each_numbered(|cluster, _| {
            looks.count(cluster.removed.len())?;
            table.decided(&cluster)?;
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Hands the records that could not be used to `each`, in order, until that breaks.
    fn for_each_rejected(
        &self,
        mut each: impl FnMut(Rejection) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        let mut rejected = self.work.folder.open(names::REJECTED)?;
        while let Some(next) = RejectedAt::read(&mut rejected)? {
            if each(next.into_rejection())?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads the inputs once more and copies the records of documents that are kept and removed, byte for byte.
    fn copy_records(
        &self,
        is_removed: &[bool],
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<(), Error> {
        let inputs = &self.sources.inputs;
        let again = Copying {
            known: &self.known,
            walk: Walk::new(&self.known, inputs, &self.work.folder)?,
            is_removed,
            sinks,
            ticker: Ticker::new(watch, Stage::Write, self.known.documents as usize),
        };
        copy_all(inputs, &self.options.fields, self.known.limit, again)
    }

    /// Whether each document is removed.
    fn is_removed(&self) -> Result<Vec<bool>, Error> {
        let mut is_removed = vec![false; self.known.documents as usize];
        self.for_each_numbered(|_, removed| {
            for &document in removed {
                is_removed[document as usize] = true;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(is_removed)
    }

    /// Reads the inputs once more and writes an index of the documents that are kept, after those of other indexes.
    fn save(
        &mut self,
        is_removed: &[bool],
        settings: &Settings,
        index: &IndexSink,
        shares: &Shares,
        watch: Option<&dyn Watch>,
    ) -> Result<(), Error> {
        let again = Again {
            folder: &self.work.folder,
            inputs: &self.sources.inputs,
            options: &self.options,
            shingler: settings.sketcher().shingler(),
            known: &self.known,
            // These are saved from their index.
            indexed: &Indexed::default(),
            round: shares.of_records(settings.banding()),
            ticker: Ticker::new(watch, Stage::Save, self.known.documents as usize),
        };
        let saved = save(settings, index, &self.indexed, shares.table, |saving| {
            again.run(&mut Kept { is_removed, saving }).map(drop)
        })?;
        // An index that this job goes by may give way to its own: then its outputs are in their places.
        self.work.manifest.saved = Some(saved);
        self.work.save()
    }
}

impl Held for OnDisk {
    fn for_each_cluster(&self, each: EachCluster<'_>) -> Result<(), Error> {
        self.for_each_numbered(|cluster, _| Ok(each(cluster)))
    }

    fn for_each_rejection(&self, each: EachRejection<'_>) -> Result<(), Error> {
        self.for_each_rejected(|rejection| Ok(each(&rejection)))
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        self.work.end()
    }
}

/// Records on their way to their sinks.
struct Copying<'a> {
    known: &'a Known,
    walk: Walk<'a>,
    is_removed: &'a [bool],
    sinks: &'a Sinks,
    ticker: Ticker<'a>,
}

impl<'a> Route<'a> for Copying<'a> {
    fn next(
        &mut self,
        input: &Input,
        record: &RawRecord<'_>,
    ) -> Result<Option<&'a RecordSink>, Error> {
        let Some((document, row)) = self.walk.next(record.line)? else {
            return Ok(None);
        };
        self.ticker.tick(1)?;
        row.is_still(input, record)?;
        let is_late = self.known.late.reason(document).is_some();
        let sink = self.sinks.of(!self.is_removed[document as usize]);
        Ok(sink.filter(|_| !is_late))
    }

    fn stopped(&mut self, line: Option<u64>) -> bool {
        self.walk.is_rejected(line)
    }

    fn end_input(&mut self) -> Result<(), Error> {
        self.walk.end_input()
    }
}

/// Reads a cluster; the numbers of the documents that are removed go over `numbers`.
fn read_cluster(
    from: &mut Reading,
    number: usize,
    numbers: &mut Vec<u32>,
) -> Result<DecidedCluster, Error> {
    let many = from.u32()?;
    let [is_indexed] = from.array()?;
    let mut kept = String::new();
    from.text(&mut kept)?;
    numbers.clear();
    let removed = (0..many).map(|_| {
        numbers.push(from.u32()?);
        let (mut id, mut reason) = (String::new(), String::new());
        from.text(&mut id)?;
        from.text(&mut reason)?;
        Ok(Removed {
            id,
            reason,
            similarity: read_similarity(from)?,
        })
    });
    let removed = removed.collect::<Result<_, Error>>()?;
    let joined = (0..from.u32()?).map(|_| {
        let mut id = String::new();
        from.text(&mut id)?;
        let similarity = read_similarity(from)?;
        Ok(Joined { id, similarity })
    });
    Ok(DecidedCluster {
        number,
        joined: joined.collect::<Result<_, Error>>()?,
        is_indexed: is_indexed != 0,
        removed,
        kept,
    })
}

fn read_similarity(from: &mut Reading) -> Result<Similarity, Error> {
    Ok(Similarity {
        shared: from.u64()? as usize,
        jaccard: from.f64()?,
        containment_a: from.f64()?,
        containment_b: from.f64()?,
    })
}

/// Documents that are kept, on their way to an index.
struct Kept<'k, 's> {
    is_removed: &'k [bool],
    saving: &'k mut Saving<'s>,
}

impl Picking for Kept<'_, '_> {
    type Made = Vec<IndexedDocument>;

    fn is_picked(&self, document: u32) -> bool {
        !self.is_removed[document as usize]
    }

    fn is_shingled(&self, _: u32) -> bool {
        true
    }

    fn make(&self, picked: Picked, hashes: &mut Vec<u64>, made: &mut Vec<IndexedDocument>) {
        let (id, set) = (picked.row.id, ShingleSet::from_buffer(hashes));
        made.push(IndexedDocument { id, set });
    }

    fn take(&mut self, made: Vec<IndexedDocument>) -> Result<(), Error> {
        self.saving.push(&made)
    }
}
