//! A job that holds everything in memory.

use std::borrow::Cow;

use rayon::prelude::*;

use super::Job;
use super::decided::{Counts, Decided, DecidedCluster, Held, Joined, Removed, Sinks};
use super::saving::{Saving, save};
use crate::batch::{Batch, Memory, Run, Shingled as _};
use crate::cluster::{Cluster, Clusters};
use crate::corpus::corpus::Corpus;
use crate::corpus::error::Error;
use crate::corpus::indexed::{Indexed, IndexedDocument, NewOrIndexed};
use crate::corpus::input::Sources;
use crate::corpus::read::Rejection;
use crate::corpus::sink::Table;
use crate::digest::Digests;
use crate::method::Method;
use crate::recall::Recall;
use crate::text::ReadError;
use crate::watch::{Stage, Ticker, Watch};

/// The decisions on documents that are in memory.
pub(super) struct InMemory {
    corpus: Corpus,
    indexed: Indexed,
    /// The documents of the indexes that take part: they are numbered after the new ones.
    old: Vec<u32>,
    clusters: Clusters,
}

/// What is compared, before it is decided.
struct Gathered {
    corpus: Corpus,
    indexed: Indexed,
    old: Vec<u32>,
}

/// Bytes that may be taken to write an index.
const SAVING: usize = 1 << 28;

impl InMemory {
    pub(super) fn run(
        job: &Job<'_>,
        sources: Sources,
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<Decided, Error> {
        let (gathered, digests) = Gathered::read(job, sources, watch)?;
        let (clusters, pairs) = gathered.decide(job, digests, sinks.pairs.as_ref(), watch)?;
        let Gathered {
            corpus,
            indexed,
            old,
        } = gathered;
        let held = Self {
            corpus,
            indexed,
            old,
            clusters,
        };
        held.write(job, sinks, watch)?;
        Ok(Decided {
            counts: held.counts(),
            split: held.clusters.split_buckets(),
            recall: *held.clusters.recall(),
            pairs,
            held: Held::InMemory(Box::new(held)),
        })
    }

    /// Writes what is wanted, but for pairs.
    fn write(&self, job: &Job<'_>, sinks: &Sinks, watch: Option<&dyn Watch>) -> Result<(), Error> {
        let Self {
            corpus, clusters, ..
        } = self;
        if let Some(table) = &sinks.clusters {
            table.clusters_header()?;
            self.clusters()
                .try_for_each(|cluster| table.decided(&cluster))?;
        }
        if let Some(table) = &sinks.rejections {
            table.rejections(corpus.rejections())?;
        }
        if sinks.wants_records() {
            corpus.copy_records(watch, |document| sinks.of(clusters.is_kept(document)))?;
        }
        match &sinks.index {
            Some(index) => save(job.deduper, index, &self.indexed, SAVING, |saving| {
                self.save_kept(job, saving, watch)
            })
            .map(drop),
            None => Ok(()),
        }
    }

    /// Adds the documents that are kept to an index.
    fn save_kept(
        &self,
        job: &Job<'_>,
        saving: &mut Saving<'_>,
        watch: Option<&dyn Watch>,
    ) -> Result<(), Error> {
        const TOGETHER: usize = 1 << 12;
        let Self {
            corpus, clusters, ..
        } = self;
        let shingler = job.deduper.sketcher().shingler();
        let shingle = |memory: &mut Memory, &document: &usize| {
            let set = corpus.documents()[document].shingle_set(shingler, memory);
            let unreadable = |error: ReadError| crate::Error::unreadable(document, &*error);
            Ok::<_, crate::Error>(IndexedDocument {
                id: corpus.ids()[document].clone(),
                set: set.map_err(unreadable)?,
            })
        };
        let new = 0..corpus.documents().len();
        let kept: Vec<usize> = new.filter(|&document| clusters.is_kept(document)).collect();
        let ticker = Ticker::new(watch, Stage::Save, kept.len());
        for some in kept.chunks(TOGETHER) {
            ticker.tick(some.len())?;
            let some = some.par_iter().map_init(Memory::default, shingle);
            saving.push(&some.collect::<Result<Vec<_>, _>>()?)?;
        }
        Ok(())
    }

    fn counts(&self) -> Counts {
        let Self {
            corpus, clusters, ..
        } = self;
        let (mut removed, mut matched, mut of_new, mut joins) = (0, 0, 0, 0);
        for (cluster, new) in self.clusters_of_new() {
            removed += new;
            of_new += 1;
            matched += if self.is_new(cluster.kept) { 0 } else { new };
            joins += usize::from(new < cluster.removed.len());
        }
        let documents = corpus.documents().len();
        let rejected = corpus.rejections().len();
        let empty = clusters.empty().iter();
        Counts {
            read: documents + rejected,
            kept: documents - removed,
            removed,
            rejected,
            empty: empty.filter(|&&document| self.is_new(document)).count(),
            hidden: corpus.hidden(),
            clusters: of_new,
            indexed: self.indexed.len() as usize,
            matched,
            joins,
            text_bytes: corpus.text_bytes(),
        }
    }

    fn is_new(&self, document: usize) -> bool {
        document < self.corpus.documents().len()
    }

    /// The clusters in which new documents are removed, and how many. These come before those of indexes.
    fn clusters_of_new(&self) -> impl Iterator<Item = (Cluster<'_>, usize)> {
        let of_new = |cluster: Cluster<'_>| {
            let removed = cluster.removed;
            removed.partition_point(|removal| self.is_new(removal.document))
        };
        let clusters = self.clusters.iter();
        let clusters = clusters.map(move |cluster| (cluster, of_new(cluster)));
        clusters.filter(|&(_, new)| new > 0)
    }

    pub(super) fn clusters(&self) -> impl Iterator<Item = DecidedCluster> {
        let clusters = self.clusters_of_new().enumerate();
        clusters.map(|(number, (cluster, new))| self.decided(number, cluster, new))
    }

    fn decided(&self, number: usize, cluster: Cluster<'_>, new: usize) -> DecidedCluster {
        let (removed, joined) = cluster.removed.split_at(new);
        let removed = removed.iter().map(|removal| Removed {
            id: self.id(removal.document),
            similarity: removal.similarity,
            reason: self.corpus.keep_reason(removal).to_string(),
        });
        let joined = joined.iter().map(|removal| Joined {
            id: self.id(removal.document),
            similarity: removal.similarity,
        });
        DecidedCluster {
            number,
            kept: self.id(cluster.kept),
            is_indexed: !self.is_new(cluster.kept),
            removed: removed.collect(),
            joined: joined.collect(),
        }
    }

    fn id(&self, document: usize) -> String {
        id_of(&self.corpus, &self.indexed, &self.old, document).into_owned()
    }

    pub(super) fn rejections(&self) -> &[Rejection] {
        self.corpus.rejections()
    }
}

impl Gathered {
    fn read(
        job: &Job<'_>,
        sources: Sources,
        watch: Option<&dyn Watch>,
    ) -> Result<(Self, Digests), Error> {
        let Job {
            deduper, options, ..
        } = job;
        let indexed = Indexed::open(&job.against, deduper)?;
        let digester = deduper.digester();
        let (corpus, mut digests) =
            Corpus::digest_new(sources, options, &digester, &indexed, watch)?;
        // By LSH alone it is known which have nothing to do with new documents.
        let old = match deduper.method() {
            _ if indexed.is_empty() => Vec::new(),
            Method::Lsh => indexed.candidates(&digests, deduper),
            _ => (0..indexed.len()).collect(),
        };
        let mut of_old = indexed.digests(&old, &digester);
        digests.append(&mut of_old, &vec![true; old.len()]);
        let gathered = Self {
            corpus,
            indexed,
            old,
        };
        Ok((gathered, digests))
    }

    /// The clusters, and what was found of all pairs, where a table of them is wanted.
    fn decide(
        &self,
        job: &Job<'_>,
        digests: Digests,
        pairs: Option<&Table>,
        watch: Option<&dyn Watch>,
    ) -> Result<(Clusters, Option<Recall>), Error> {
        let new = self.corpus.documents().iter().map(NewOrIndexed::New);
        let old = self.old.iter();
        let old = old.map(|&document| NewOrIndexed::Indexed(&self.indexed, document));
        let documents: Vec<_> = new.chain(old).collect();
        let order = self.corpus.keep_order();
        let mut run = Run::new().keep_by(&order);
        if !self.indexed.is_empty() {
            run = run.indexed_from(self.corpus.documents().len());
        }
        if let Some(watch) = watch {
            run = run.watch(watch);
        }
        let batch = Batch::of(job.deduper, &documents, digests, run)?;
        let mut found = None;
        if let Some(table) = pairs {
            table.pairs_header()?;
            let id = |document| id_of(&self.corpus, &self.indexed, &self.old, document);
            found =
                Some(batch.all_pairs(|pair| {
                    table.pair_row(&id(pair.a), &id(pair.b), &pair.similarity)
                })?);
        }
        Ok((batch.all_clusters()?, found))
    }
}

/// The id of a document: those of indexes are numbered after the new ones.
fn id_of<'c>(corpus: &'c Corpus, indexed: &Indexed, old: &[u32], document: usize) -> Cow<'c, str> {
    match document.checked_sub(corpus.documents().len()) {
        None => Cow::Borrowed(&corpus.ids()[document]),
        Some(place) => Cow::Owned(indexed.id(old[place])),
    }
}
