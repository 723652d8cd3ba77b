//! Decisions in a work folder.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::aside::Maker;
use crate::boundary::IndexedFrom;
use crate::corpus::error::Error;
use crate::corpus::formats::fields::Fields;
use crate::corpus::formats::record::RawRecord;
use crate::corpus::indexed::Indexed;
use crate::corpus::inputs::input::Input;
use crate::corpus::inputs::sources::Sources;
use crate::corpus::job::candidates::weighing::Weighing;
use crate::corpus::job::decided::{
    DecidedCluster, Decisions, EachCluster, EachRejection, EachText, Sinks,
};
use crate::corpus::job::disk::clusters_file::{self, Numbers};
use crate::corpus::job::disk::manifest::Work;
use crate::corpus::job::disk::names;
use crate::corpus::job::membership::{Membership, RemovedFor};
use crate::corpus::job::memory_plan::MemoryPlan;
use crate::corpus::job::passes::rejected::RejectedAt;
use crate::corpus::job::passes::reread::{Picked, Picking, Reread};
use crate::corpus::job::passes::row_cursor::{Known, RowCursor};
use crate::corpus::job::save_index::{Beside, PutFrequency, Saving, save};
use crate::corpus::options::ReadOptions;
use crate::corpus::outputs::copy::{Route, Target, copy_all};
use crate::corpus::outputs::sink::IndexSink;
use crate::corpus::reading::read::Rejection;
use crate::settings::Settings;
use crate::storage::StoredDocument;
use crate::verify::ShingleSet;
use crate::watch::{Stage, Ticker, Watch};
use crate::weights::{Known as KnownFrequencies, Weights};

/// The decisions, and the data to read the documents again.
pub(super) struct OnDisk {
    pub(super) work: Work,
    pub(super) sources: Sources,
    pub(super) known: Known,
    pub(super) indexed: Indexed,
    pub(super) options: ReadOptions,
    pub(super) maker: Maker,
    pub(super) plan: MemoryPlan,
    pub(super) freeze_weights: bool,
}

impl OnDisk {
    /// Calls `each` with every cluster and the numbers of its documents, in the order of their first documents, until it
    /// breaks.
    fn for_each_numbered(
        &self,
        mut each: impl FnMut(DecidedCluster, &Numbers) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        let mut clusters = self.work.folder.open(names::CLUSTERS)?;
        let (mut number, mut numbers) = (0, Numbers::default());
        while let Some(cluster) = clusters_file::read(&mut clusters, number, &mut numbers)? {
            if each(cluster, &numbers)?.is_break() {
                break;
            }
            number += 1;
        }
        Ok(())
    }

    /// Calls `each` with every rejected record, in order, until it breaks.
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

    /// Calls `put` with the number of documents that have been counted, and 0; then with all shingles, ascending, and the
    /// number of these documents that have them.
    fn for_each_frequency(&self, put: PutFrequency<'_>) -> Result<(), Error> {
        let Some(done) = &self.work.manifest.sets else {
            unreachable!("the sets are written");
        };
        let (sets, tables) = self.indexed.frequencies();
        let known = KnownFrequencies {
            sets,
            tables: &tables,
            is_frozen: self.freeze_weights,
        };
        let known = (known, self.indexed.fingerprints()?);
        let new = self.known.documents;
        let documents = (new + self.indexed.len()) as usize;
        let indexed_from = IndexedFrom::after(new as usize);
        Weighing::new(
            &self.work.folder,
            &self.plan,
            documents,
            known,
            indexed_from,
        )
        .for_each_frequency(&done.sets, put)
    }

    /// Whether each document is removed.
    fn is_removed(&self) -> Result<Vec<bool>, Error> {
        let mut is_removed = vec![false; self.known.documents as usize];
        self.for_each_numbered(|cluster, numbers| {
            let dropped = cluster.dropped.map(|_| numbers.kept);
            for &document in numbers.removed.iter().chain(&dropped) {
                is_removed[document as usize] = true;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(is_removed)
    }

    fn membership(&self) -> Result<Membership, Error> {
        let mut membership = Membership::new(self.known.documents as usize);
        self.for_each_numbered(|cluster, numbers| {
            let kept = (!cluster.is_indexed).then_some(numbers.kept);
            let new = numbers.removed.iter().copied().chain(kept);
            membership.add(cluster.size, new);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(membership)
    }

    fn removed_for(&self) -> Result<RemovedFor, Error> {
        let mut removed = Vec::new();
        self.for_each_numbered(|cluster, numbers| {
            if cluster.dropped.is_none() {
                removed.push((numbers.kept, numbers.removed.len() as u32));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(RemovedFor::new(removed, self.known.documents))
    }
}

impl Decisions for OnDisk {
    fn for_each_cluster(&self, each: EachCluster<'_>) -> Result<(), Error> {
        self.for_each_numbered(|cluster, _| Ok(each(cluster)))
    }

    fn for_each_rejection(&self, each: EachRejection<'_>) -> Result<(), Error> {
        self.for_each_rejected(|rejection| Ok(each(&rejection)))
    }

    fn holds_texts(&self) -> bool {
        false
    }

    fn for_each_text(&self, wanted: &HashSet<&str>, each: EachText<'_>) -> Result<(), Error> {
        let inputs = &self.sources.inputs;
        let fields = &self.options.fields;
        let showing = Showing {
            known: &self.known,
            cursor: RowCursor::new(&self.known, inputs, &self.work.folder)?,
            wanted,
            fields,
            each,
        };
        copy_all(inputs, fields, self.known.limit, showing)
    }

    fn copy_records(&self, sinks: &Sinks, watch: Option<&dyn Watch>) -> Result<(), Error> {
        let inputs = &self.sources.inputs;
        let membership = match sinks.are_annotated() {
            true => Some(self.membership()?),
            false => None,
        };
        let copying = Copying {
            known: &self.known,
            cursor: RowCursor::new(&self.known, inputs, &self.work.folder)?,
            is_removed: &self.is_removed()?,
            membership: membership.as_ref(),
            sinks,
            ticker: Ticker::new(watch, Stage::Write, self.known.documents as usize),
        };
        copy_all(inputs, &self.options.fields, self.known.limit, copying)
    }

    fn save_index(
        &mut self,
        settings: &Settings,
        index: &IndexSink,
        watch: Option<&dyn Watch>,
    ) -> Result<(), Error> {
        let is_removed = &self.is_removed()?;
        let removed_for = &self.removed_for()?;
        let reread = Reread {
            folder: &self.work.folder,
            inputs: &self.sources.inputs,
            options: &self.options,
            maker: &self.maker,
            known: &self.known,
            // Indexed documents are copied from their indexes instead.
            indexed: &Indexed::default(),
            round: self.plan.of_records(settings.banding()),
            ticker: Ticker::new(watch, Stage::Save, self.known.documents as usize),
        };
        let frequencies = |put: PutFrequency<'_>| self.for_each_frequency(put);
        let has_weights = settings.weights() != Weights::None;
        let beside = Beside {
            aside: self.maker.aside(),
            frequencies: has_weights.then_some(&frequencies),
        };
        let saved = save(
            settings,
            index,
            (&self.indexed, removed_for),
            beside,
            self.plan.table,
            |saving| {
                let mut kept = Kept {
                    is_removed,
                    removed_for,
                    saving,
                };
                reread.run(&mut kept).map(drop)
            },
        )?;
        // The new index may replace one that this job compares with. Its checksum shows a resumed job that this
        // happened.
        self.work.manifest.saved = Some(saved);
        self.work.save()
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        self.work.end()
    }
}

/// Chooses the targets of records that are read again.
struct Copying<'a> {
    known: &'a Known,
    cursor: RowCursor<'a>,
    is_removed: &'a [bool],
    /// If records are annotated.
    membership: Option<&'a Membership>,
    sinks: &'a Sinks,
    ticker: Ticker<'a>,
}

impl<'a> Route<'a> for Copying<'a> {
    fn next(&mut self, input: &Input, record: &RawRecord<'_>) -> Result<Option<Target<'a>>, Error> {
        let Some((document, row)) = self.cursor.next(record.line)? else {
            return Ok(None);
        };
        self.ticker.tick(1)?;
        row.is_still(input, record)?;
        if self.known.late.reason(document).is_some() {
            return Ok(None);
        }
        let document = document as usize;
        let is_kept = !self.is_removed[document];
        let sink = self.sinks.of(is_kept);
        let of = |membership: &Membership| membership.facts(document, is_kept);
        let facts = self.membership.map(of);
        Ok(sink.map(|sink| Target { sink, facts }))
    }

    fn stopped(&mut self, line: Option<u64>) -> bool {
        self.cursor.is_rejected(line)
    }

    fn end_input(&mut self) -> Result<(), Error> {
        self.cursor.end_input()
    }
}

/// Shows the texts of records that are read again, and copies none.
struct Showing<'a> {
    known: &'a Known,
    cursor: RowCursor<'a>,
    wanted: &'a HashSet<&'a str>,
    fields: &'a Fields,
    each: EachText<'a>,
}

impl Route<'static> for Showing<'_> {
    fn next(
        &mut self,
        input: &Input,
        record: &RawRecord<'_>,
    ) -> Result<Option<Target<'static>>, Error> {
        let Some((document, row)) = self.cursor.next(record.line)? else {
            return Ok(None);
        };
        row.is_still(input, record)?;
        let is_late = self.known.late.reason(document).is_some();
        if !is_late && self.wanted.contains(row.id.as_str()) {
            let mut memory = String::new();
            let content = record.content(self.fields, &mut memory);
            let content = content.map_err(|reason| Error::bad(input.place(record.line), reason))?;
            if let Some(text) = content.as_text() {
                (self.each)(&row.id, text);
            }
        }
        Ok(None)
    }

    fn stopped(&mut self, line: Option<u64>) -> bool {
        self.cursor.is_rejected(line)
    }

    fn end_input(&mut self) -> Result<(), Error> {
        self.cursor.end_input()
    }
}

/// Writes kept documents to an index.
struct Kept<'k, 's> {
    is_removed: &'k [bool],
    removed_for: &'k RemovedFor,
    saving: &'k mut Saving<'s>,
}

impl Picking for Kept<'_, '_> {
    type Made = Vec<StoredDocument>;

    fn is_picked(&self, document: u32) -> bool {
        !self.is_removed[document as usize]
    }

    fn is_shingled(&self, _: u32) -> bool {
        true
    }

    fn make(&self, picked: Picked, hashes: &mut Vec<u64>, made: &mut Vec<StoredDocument>) {
        made.push(StoredDocument {
            count: self.removed_for.count(picked.document),
            id: picked.row.id,
            set: ShingleSet::from_buffer(hashes),
        });
    }

    fn take(&mut self, made: Vec<StoredDocument>) -> Result<(), Error> {
        self.saving.push(&made)
    }
}
