//! A job that holds everything in memory.

use super::Job;
use super::decided::{Counts, Decided, DecidedCluster, Held, Removed, Sinks};
use crate::batch::Run;
use crate::cluster::{Cluster, Clusters};
use crate::corpus::corpus::Corpus;
use crate::corpus::error::Error;
use crate::corpus::input::Sources;
use crate::corpus::read::Rejection;
use crate::watch::Watch;

/// The decisions on documents that are in memory.
pub(super) struct InMemory {
    corpus: Corpus,
    clusters: Clusters,
}

impl InMemory {
    pub(super) fn run(
        job: &Job<'_>,
        sources: Sources,
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<Decided, Error> {
        let Job {
            deduper, options, ..
        } = job;
        let digester = deduper.digester();
        let (corpus, digests) = Corpus::digest_sources(sources, options, &digester, watch)?;
        let order = corpus.keep_order();
        let mut run = Run::new().keep_by(&order);
        if let Some(watch) = watch {
            run = run.watch(watch);
        }
        let batch = deduper.batch_of(corpus.documents(), digests, &run)?;
        let mut pairs = None;
        if let Some(table) = &sinks.pairs {
            table.pairs_header()?;
            pairs = Some(batch.for_each_pair(|pair| table.pair(&pair, corpus.ids()))?);
        }
        let clusters = batch.clusters()?;
        drop(batch);
        drop(order);
        let held = Self { corpus, clusters };
        held.write(sinks, watch)?;
        Ok(Decided {
            counts: held.counts(),
            split: held.clusters.split_buckets(),
            recall: *held.clusters.recall(),
            pairs,
            held: Held::InMemory(Box::new(held)),
        })
    }

    /// Writes what is wanted, but for pairs.
    fn write(&self, sinks: &Sinks, watch: Option<&dyn Watch>) -> Result<(), Error> {
        let Self { corpus, clusters } = self;
        if let Some(table) = &sinks.clusters {
            table.clusters(clusters, corpus.ids(), |removal| {
                corpus.keep_reason(removal)
            })?;
        }
        if let Some(table) = &sinks.rejections {
            table.rejections(corpus.rejections())?;
        }
        match sinks.wants_records() {
            true => corpus.copy_records(watch, |document| sinks.of(clusters.is_kept(document))),
            false => Ok(()),
        }
    }

    fn counts(&self) -> Counts {
        let Self { corpus, clusters } = self;
        let documents = corpus.documents().len();
        let (removed, rejected) = (clusters.removed().len(), corpus.rejections().len());
        Counts {
            read: documents + rejected,
            kept: documents - removed,
            removed,
            rejected,
            empty: clusters.empty().len(),
            hidden: corpus.hidden(),
            clusters: clusters.len(),
            text_bytes: corpus.text_bytes(),
        }
    }

    pub(super) fn clusters(&self) -> impl Iterator<Item = DecidedCluster> {
        self.clusters.iter().map(|cluster| self.decided(cluster))
    }

    fn decided(&self, cluster: Cluster<'_>) -> DecidedCluster {
        let ids = self.corpus.ids();
        let removed = cluster.removed.iter().map(|removal| Removed {
            id: ids[removal.document].clone(),
            similarity: removal.similarity,
            reason: self.corpus.keep_reason(removal).to_string(),
        });
        DecidedCluster {
            number: cluster.number,
            kept: ids[cluster.kept].clone(),
            removed: removed.collect(),
        }
    }

    pub(super) fn rejections(&self) -> &[Rejection] {
        self.corpus.rejections()
    }
}
