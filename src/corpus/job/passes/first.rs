//! The first pass: reads records, and writes their keys or sampled hashes.

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use crate::corpus::error::Error;
use crate::corpus::indexed::Indexed;
use crate::corpus::inputs::input::Input;
use crate::corpus::job::disk::folder::{Folder, Writing};
use crate::corpus::job::disk::manifest::ReadDone;
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::Partitioner;
use crate::corpus::job::disk::row::Row;
use crate::corpus::job::memory_plan::MemoryPlan;
use crate::corpus::job::passes::rejected::RejectedAt;
use crate::corpus::keep::policy::KeepPolicy;
use crate::corpus::limit::ReadLimit;
use crate::corpus::reading::parse::Taken;
use crate::corpus::reading::read::{At, Rejection, Sink};
use crate::digest::{Digester, Digests, FoundBy};
use crate::storage::StoredDocument;

/// Writes the rows, ids, fingerprints, and keys or sampled hashes of documents.
pub(crate) struct FirstPass<'f> {
    folder: &'f Folder,
    /// The keep policy. If it compares nothing, no values are written.
    policy: &'f KeepPolicy,
    rows: Writing<'f>,
    /// Keys of bands, or sampled hashes in strips.
    found_by: Partitioner<'f>,
    fingerprints: Partitioner<'f>,
    ids: Partitioner<'f>,
    rejections: Writing<'f>,
    /// Documents whose digests have not arrived yet.
    waiting: Vec<Row>,
    documents: u32,
    /// The number of documents that belong to indexes.
    indexed: u32,
    text_bytes: u64,
    longest: u64,
    heaviest: u64,
    ends: Vec<u32>,
}

impl<'f> FirstPass<'f> {
    /// Keys or sampled hashes are written to a file with this name and number of parts.
    pub(crate) fn new(
        folder: &'f Folder,
        policy: &'f KeepPolicy,
        (name, parts): (&str, usize),
        plan: &MemoryPlan,
    ) -> Result<Self, Error> {
        // There are many more keys than documents.
        let few = plan.parts.div_ceil(8);
        let memory = plan.buffers;
        let of_few = memory / 10;
        Ok(Self {
            folder,
            policy,
            rows: folder.create(names::ROWS, 1 << 16)?,
            found_by: Partitioner::create(folder, name, parts, memory - 2 * of_few)?,
            fingerprints: Partitioner::create(folder, names::PRINTS, few, of_few)?,
            ids: Partitioner::create(folder, names::IDS, few, of_few)?,
            rejections: folder.create(names::EARLY, 1 << 16)?,
            waiting: Vec::new(),
            documents: 0,
            indexed: 0,
            text_bytes: 0,
            longest: 0,
            heaviest: 0,
            ends: Vec::new(),
        })
    }

    /// Takes the documents of indexes, after all others. Uses about `memory` bytes.
    pub(crate) fn take_indexed(
        &mut self,
        indexed: &Indexed,
        digester: &Digester,
        memory: usize,
    ) -> Result<(), Error> {
        const TOGETHER: usize = 1 << 8;
        let new = self.documents;
        indexed.for_each_some(memory, |some| {
            let digest = |documents: &[StoredDocument]| {
                let sets = documents.iter().map(|document| document.set.clone());
                digester.of_sets(sets)
            };
            let digests: Vec<Digests> = some.par_chunks(TOGETHER).map(digest).collect();
            let row = |document: StoredDocument| Row::of_indexed(document.id);
            let mut rows = some.into_iter().map(row);
            digests.into_iter().try_for_each(|mut digests| {
                self.waiting.extend(rows.by_ref().take(digests.len()));
                self.take_digests(&mut digests, &[])
            })
        })?;
        self.indexed = self.documents - new;
        Ok(())
    }

    /// Finishes all files, and returns the result of the pass, which read the inputs within `limit`.
    pub(crate) fn finish(self, limit: ReadLimit) -> Result<ReadDone, Error> {
        Ok(ReadDone {
            documents: self.documents - self.indexed,
            text_bytes: self.text_bytes,
            limit: ReadLimit {
                record: self.longest,
                seek: u64::MAX,
                ..limit
            },
            heaviest: self.heaviest,
            rejections: self.rejections.finish()?,
            ends: self.folder.write_numbers(names::ENDS, &self.ends)?,
            rows: self.rows.finish()?,
            found_by: self.found_by.finish()?,
            fingerprints: self.fingerprints.finish()?,
            ids: self.ids.finish()?,
        })
    }
}

impl Sink for FirstPass<'_> {
    fn take(
        &mut self,
        _: &[Input],
        at: At,
        id: String,
        taken: Taken,
    ) -> Result<Option<String>, Error> {
        self.longest = self.longest.max(taken.len);
        self.heaviest = self.heaviest.max(taken.takes);
        let mut keep = Vec::new();
        if !self.policy.is_first() {
            taken.keep.write(&mut keep);
        }
        self.waiting.push(Row {
            record: taken.record,
            line: at.1.unwrap_or(0),
            byte_len: taken.byte_len as u64,
            group: taken.group,
            id,
            keep,
            ..Row::default()
        });
        Ok(None)
    }

    fn take_digests(&mut self, digests: &mut Digests, _: &[bool]) -> Result<(), Error> {
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        digests.for_each(|fingerprint, shingles, aside, found_by| {
            let Some(mut row) = waiting.next() else {
                return Ok(());
            };
            let document = self.documents;
            if document == u32::MAX - 1 {
                return Err(crate::Error::too_many(document as usize + 1).into());
            }
            self.documents += 1;
            self.text_bytes += row.byte_len;
            row.shingles = shingles;
            row.aside = aside;
            row.write(&mut self.rows)?;
            self.ids.write_key(xxh3_128(row.id.as_bytes()), document)?;
            if !fingerprint.is_empty() {
                self.fingerprints.write_key(fingerprint.bits(), document)?;
            }
            let to = &mut self.found_by;
            match found_by {
                FoundBy::Bands(keys) => {
                    keys.iter().try_for_each(|&key| to.write_key(key, document))
                }
                FoundBy::Strips(strips) => to.write_strips(strips),
                FoundBy::Nothing => Ok(()),
            }
        })?;
        digests.clear();
        Ok(())
    }

    fn reject(&mut self, at: At, rejection: Rejection) -> Result<(), Error> {
        RejectedAt::of(at, rejection).write(&mut self.rejections)
    }

    fn end_input(&mut self) -> Result<(), Error> {
        self.ends.push(self.documents);
        Ok(())
    }
}
