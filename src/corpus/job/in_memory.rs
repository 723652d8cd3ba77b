//! A job that holds everything in memory.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use rayon::prelude::*;

use crate::aside::{Maker, SetAside};
use crate::batch::{Batch, Memory, Run, Shingled as _};
use crate::boundary::IndexedFrom;
use crate::cluster::{Cluster, Clusters};
use crate::collapse::Distinct;
use crate::corpus::corpus::Corpus;
use crate::corpus::error::Error;
use crate::corpus::indexed::{Indexed, NewOrIndexed};
use crate::corpus::inputs::sources::Sources;
use crate::corpus::job::Job;
use crate::corpus::job::confirm::{Cache, Confirming};
use crate::corpus::job::decided::{
    ClusterCounts, Counts, Decided, DecidedCluster, Decisions, EachCluster, EachRejection,
    EachText, Fate, Joined, Removed, Sinks, removed_of,
};
use crate::corpus::job::membership::{Membership, RemovedFor};
use crate::corpus::job::save_index::{Beside, PutFrequency, Saving, save};
use crate::corpus::outputs::copy::Target;
use crate::corpus::outputs::sink::{IndexSink, Table};
use crate::digest::Digests;
use crate::method::Method;
use crate::recall::Recall;
use crate::settings::Settings;
use crate::storage::StoredDocument;
use crate::text::{Document, ReadBuffer, ReadError};
use crate::watch::{Stage, Ticker, Watch};
use crate::weights::{Frequency, Known, Weights, decoded, merged};

/// The decisions on documents that are in memory.
pub(super) struct InMemory {
    gathered: Gathered,
    clusters: Clusters,
    /// With weights, whether each document counts for them; otherwise empty.
    counted: Vec<bool>,
    /// Whether clusters of new documents lose all of them.
    drops_clusters: bool,
}

/// The documents that are compared.
struct Gathered {
    corpus: Corpus,
    indexed: Indexed,
    /// The documents of indexes that take part. They are numbered after the new ones.
    old: Vec<u32>,
    maker: Maker,
    /// Whether new documents do not count for weights.
    is_frozen: bool,
}

/// Memory for writing an index, in bytes.
const SAVING: usize = 1 << 28;

impl InMemory {
    pub(super) fn run(
        job: &Job,
        sources: Sources,
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<Decided, Error> {
        let (gathered, digests) = Gathered::read(job, sources, watch)?;
        let (clusters, counted, pairs) =
            gathered.decide(job, digests, sinks.pairs.as_ref(), watch)?;
        let decisions = Self {
            gathered,
            clusters,
            counted,
            drops_clusters: job.drop_clusters,
        };
        let decided = Decided {
            counts: decisions.counts(),
            recall: *decisions.clusters.recall(),
            pairs,
            decisions: Box::new(decisions),
        };
        decided.write(&job.settings, job.columns(), sinks, watch)
    }

    /// Adds the kept documents to an index.
    fn save_kept(
        &self,
        saving: &mut Saving<'_>,
        removed_for: &RemovedFor,
        watch: Option<&dyn Watch>,
    ) -> Result<(), Error> {
        const TOGETHER: usize = 1 << 12;
        let gathered = &self.gathered;
        let corpus = &gathered.corpus;
        let maker = &gathered.maker;
        let shingle = |memory: &mut Memory, &document: &usize| {
            let set = corpus.documents()[document].shingle_set(maker, memory);
            let unreadable = |error: ReadError| crate::Error::unreadable(document, &*error);
            Ok::<_, crate::Error>(StoredDocument {
                count: removed_for.count(document as u32),
                id: corpus.ids()[document].clone(),
                set: set.map_err(unreadable)?,
            })
        };
        let new = 0..corpus.documents().len();
        let kept: Vec<usize> = new.filter(|&document| self.is_kept(document)).collect();
        let ticker = Ticker::new(watch, Stage::Save, kept.len());
        for some in kept.chunks(TOGETHER) {
            ticker.tick(some.len())?;
            let some = some.par_iter().map_init(Memory::default, shingle);
            saving.push(&some.collect::<Result<Vec<_>, _>>()?)?;
        }
        Ok(())
    }

    /// Calls `put` with the number of documents that have been counted, and 0; then with all shingles, ascending, and the
    /// number of these documents that have them.
    fn for_each_frequency(&self, put: PutFrequency<'_>) -> Result<(), Error> {
        type List<'l> = Box<dyn Iterator<Item = Frequency> + 'l>;
        let (known, tables) = self.gathered.indexed.frequencies();
        let (new, hashes) = match self.gathered.is_frozen {
            true => (0, Vec::new()),
            false => self.counted_shingles()?,
        };
        put(known + new, 0)?;
        let tables = tables.iter().map(|table| table.iter().map(decoded));
        let counted = hashes.chunk_by(|a, b| a == b);
        let counted = counted.map(|run| (run[0], run.len() as u32));
        let tables = tables.map(|table| Box::new(table) as List<'_>);
        let mut all = merged(tables.chain([Box::new(counted) as List<'_>]));
        all.try_for_each(|(hash, frequency)| put(hash, frequency))
    }

    /// The number of documents that count, and their shingles, ascending; once for each document.
    fn counted_shingles(&self) -> Result<(u64, Vec<u64>), Error> {
        const TOGETHER: usize = 1 << 12;
        let Gathered { corpus, maker, .. } = &self.gathered;
        let documents = corpus.documents();
        let counted: Vec<usize> = (0..documents.len()).filter(|&d| self.counted[d]).collect();
        let shingle = |memory: &mut Memory, &document: &usize| {
            let set = documents[document].shingle_set(maker, memory);
            set.map_err(|error| crate::Error::unreadable(document, &*error))
        };
        let mut hashes = Vec::new();
        for some in counted.chunks(TOGETHER) {
            let sets = some.par_iter().map_init(Memory::default, shingle);
            for set in sets.collect::<Result<Vec<_>, _>>()? {
                hashes.extend_from_slice(set.hashes());
            }
        }
        hashes.par_sort_unstable();
        Ok((counted.len() as u64, hashes))
    }

    fn counts(&self) -> Counts {
        let Self {
            gathered, clusters, ..
        } = self;
        let corpus = &gathered.corpus;
        let new = gathered.new_documents();
        let mut of_clusters = ClusterCounts::default();
        for cluster in clusters.iter() {
            of_clusters.count(&cluster, gathered.indexed_from(), self.fate(&cluster));
        }
        let rejected = corpus.rejections().len();
        let empty = clusters.empty().iter();
        let counts = Counts {
            read: new + rejected,
            rejected,
            empty: empty.filter(|&&document| document < new).count(),
            hidden: corpus.hidden(),
            indexed: gathered.indexed.len() as usize,
            groups_with_aside: gathered.maker.aside().map_or(0, SetAside::groups),
            text_bytes: corpus.text_bytes(),
            ..Counts::default()
        };
        counts.with(of_clusters)
    }

    /// Whether a new document is kept.
    fn is_kept(&self, document: usize) -> bool {
        match self.drops_clusters {
            true => self.clusters.cluster_of(document).is_none(),
            false => self.clusters.is_kept(document),
        }
    }

    fn fate(&self, cluster: &Cluster<'_>) -> Fate {
        let indexed_from = self.gathered.indexed_from();
        Fate::of(cluster.kept as u32, indexed_from, self.drops_clusters)
    }

    /// The clusters in which new documents are removed. They come before clusters of only indexed documents.
    fn new_clusters(&self) -> impl Iterator<Item = Cluster<'_>> {
        let indexed_from = self.gathered.indexed_from();
        let clusters = self.clusters.iter();
        clusters.filter(move |cluster| removed_of(cluster, indexed_from) > 0)
    }

    fn clusters(&self) -> impl Iterator<Item = DecidedCluster> {
        let clusters = self.new_clusters().enumerate();
        clusters.map(|(number, cluster)| self.decided(number, cluster))
    }

    /// The number of documents in a cluster, with those for which documents of indexes stand.
    fn size(&self, cluster: &Cluster<'_>) -> u64 {
        let gathered = &self.gathered;
        let documents = cluster.removed.iter().map(|removal| removal.document);
        let documents = documents.chain([cluster.kept]);
        let numbers = documents.map(|document| gathered.number(document));
        gathered.indexed.size(numbers, gathered.indexed_from())
    }

    fn membership(&self) -> Membership {
        let indexed_from = self.gathered.indexed_from();
        let mut membership = Membership::new(self.gathered.new_documents());
        for cluster in self.new_clusters() {
            let documents = cluster.removed.iter().map(|removal| removal.document);
            let documents = documents
                .chain([cluster.kept])
                .map(|document| document as u32);
            let new = documents.filter(|&document| indexed_from.is_new(document));
            membership.add(self.size(&cluster), new);
        }
        membership
    }

    fn removed_for(&self) -> RemovedFor {
        let gathered = &self.gathered;
        let kept = |cluster: &Cluster<'_>| self.fate(cluster) != Fate::Dropped;
        let removed = self.new_clusters().filter(kept).map(|cluster| {
            let removed = removed_of(&cluster, gathered.indexed_from());
            (gathered.number(cluster.kept), removed as u32)
        });
        RemovedFor::new(removed.collect(), gathered.new_documents() as u32)
    }

    fn decided(&self, number: usize, cluster: Cluster<'_>) -> DecidedCluster {
        let Gathered { corpus, .. } = &self.gathered;
        let indexed_from = self.gathered.indexed_from();
        let id = |document| self.gathered.id(document).into_owned();
        let (removed, joined) = cluster.removed.split_at(removed_of(&cluster, indexed_from));
        let (fate, size) = (self.fate(&cluster), self.size(&cluster));
        let removed = removed.iter().map(|removal| Removed {
            id: id(removal.document),
            similarity: removal.similarity,
            reason: corpus.keep_reason(removal).to_string(),
            aside: self.clusters.aside(removal.document),
        });
        let joined = joined.iter().map(|removal| Joined {
            id: id(removal.document),
            similarity: removal.similarity,
        });
        let cluster = DecidedCluster {
            number,
            kept: id(cluster.kept),
            aside: self.clusters.aside(cluster.kept),
            dropped: None,
            size,
            is_indexed: fate == Fate::Indexed,
            removed: removed.collect(),
            joined: joined.collect(),
        };
        match fate {
            Fate::Dropped => cluster.into_dropped(),
            Fate::Kept | Fate::Indexed => cluster,
        }
    }
}

impl Decisions for InMemory {
    fn for_each_cluster(&self, each: EachCluster<'_>) -> Result<(), Error> {
        let _ = self.clusters().try_for_each(each);
        Ok(())
    }

    fn for_each_rejection(&self, each: EachRejection<'_>) -> Result<(), Error> {
        let _ = self.gathered.corpus.rejections().iter().try_for_each(each);
        Ok(())
    }

    fn holds_texts(&self) -> bool {
        true
    }

    fn for_each_text(&self, wanted: &HashSet<&str>, each: EachText<'_>) -> Result<(), Error> {
        let corpus = &self.gathered.corpus;
        let mut buffer = ReadBuffer::default();
        let documents = corpus.ids().iter().zip(corpus.documents()).enumerate();
        let wanted_documents = documents.filter(|(_, (id, _))| wanted.contains(id.as_str()));
        // Ids are unique, so the search ends with the last of them.
        for (document, (id, text)) in wanted_documents.take(wanted.len()) {
            let content = text.content(&mut buffer);
            let content = content.map_err(|error| crate::Error::unreadable(document, &*error))?;
            if let Some(text) = content.as_text() {
                each(id, text);
            }
        }
        Ok(())
    }

    fn copy_records(&self, sinks: &Sinks, watch: Option<&dyn Watch>) -> Result<(), Error> {
        let membership = sinks.are_annotated().then(|| self.membership());
        self.gathered.corpus.copy_to(watch, |document| {
            let is_kept = self.is_kept(document);
            let of = |membership: &Membership| membership.facts(document, is_kept);
            let facts = membership.as_ref().map(of);
            let sink = sinks.of(is_kept)?;
            Some(Target { sink, facts })
        })
    }

    fn save_index(
        &mut self,
        settings: &Settings,
        index: &IndexSink,
        watch: Option<&dyn Watch>,
    ) -> Result<(), Error> {
        let indexed = &self.gathered.indexed;
        let frequencies = |put: PutFrequency<'_>| self.for_each_frequency(put);
        let has_weights = settings.weights() != Weights::None;
        let beside = Beside {
            aside: self.gathered.maker.aside(),
            frequencies: has_weights.then_some(&frequencies),
        };
        let removed_for = self.removed_for();
        let documents = (indexed, &removed_for);
        let saved = save(settings, index, documents, beside, SAVING, |saving| {
            self.save_kept(saving, &removed_for, watch)
        });
        saved.map(drop)
    }

    fn finish(self: Box<Self>) -> Result<(), Error> {
        Ok(())
    }
}

impl Gathered {
    fn read(
        job: &Job,
        sources: Sources,
        watch: Option<&dyn Watch>,
    ) -> Result<(Self, Digests), Error> {
        let Job {
            settings, options, ..
        } = job;
        let indexed = Indexed::open(&job.against, settings, &options.fields)?;
        job.check_frozen(&indexed)?;
        let shingler = settings.sketcher().shingler();
        let mut maker = Maker::whole(shingler);
        let mut digester = settings.digester();
        let (corpus, mut digests) = if options.fields.sets_aside() {
            // What is set aside is known when all documents are counted.
            let counter = settings.counter();
            let corpus = Corpus::count_new(sources, options, &counter, &indexed, watch)?;
            maker = Maker::without(shingler, Arc::new(counter.finish(indexed.aside())));
            digester = digester.with_maker(maker.clone());
            let ticker = Ticker::new(watch, Stage::Sketch, corpus.documents().len());
            let digests = digester.try_digests(corpus.documents(), &ticker)?;
            (corpus, digests)
        } else {
            Corpus::digest_new(sources, options, &digester, &indexed, watch)?
        };
        // Only LSH can tell which indexed documents share nothing with new ones.
        let old = match settings.method() {
            _ if indexed.is_empty() => Vec::new(),
            Method::Lsh => indexed.candidates(&digests, settings),
            _ => (0..indexed.len()).collect(),
        };
        let mut of_old = indexed.digests(&old, &digester);
        digests.append(&mut of_old, &vec![true; old.len()]);
        let gathered = Self {
            corpus,
            indexed,
            old,
            maker,
            is_frozen: job.freeze_weights,
        };
        Ok((gathered, digests))
    }

    /// Computes the clusters. If `pairs` is given, writes the table of pairs, and returns their recall.
    fn decide(
        &self,
        job: &Job,
        digests: Digests,
        pairs: Option<&Table>,
        watch: Option<&dyn Watch>,
    ) -> Result<(Clusters, Vec<bool>, Option<Recall>), Error> {
        let new = self.corpus.documents().iter().map(NewOrIndexed::New);
        let old = self.old.iter();
        let old = old.map(|&document| NewOrIndexed::Indexed(&self.indexed, document));
        let documents: Vec<_> = new.chain(old).collect();
        let order = self.corpus.keep_order();
        let copies = job.pairs_of_copies.unwrap_or_default();
        let mut run = Run::new().keep_by(&order).pairs_of_copies(copies);
        let (sets, tables) = self.indexed.frequencies();
        run = run.known(Known {
            sets,
            tables: &tables,
            is_frozen: self.is_frozen,
        });
        if !self.indexed.is_empty() {
            run = run.indexed_from(self.indexed_from());
        }
        if let Some(watch) = watch {
            run = run.watch(watch);
        }
        let batch = Batch::of(&job.settings, &documents, digests, &self.maker, run)?;
        if job.options.fields.keep().is_largest() {
            self.corpus.set_sizes(batch.sizes());
        }
        let confirming = Confirming::new(job, &self.corpus);
        let mut found = None;
        if let Some(table) = pairs {
            job.check_copies(self.copies(batch.distinct()))?;
            table.pairs_header()?;
            let mut cache = Cache::default();
            found = Some(batch.all_pairs(|pair| {
                confirming.check_pair(&pair, &mut cache)?;
                table.pair_row(&self.id(pair.a), &self.id(pair.b), &pair.similarity)
            })?);
        }
        let clusters = batch.all_clusters()?;
        confirming.check_clusters(&clusters, watch)?;
        let counted = match job.settings.weights() {
            Weights::None => Vec::new(),
            Weights::Ln => batch.counted(),
        };
        Ok((clusters, counted, found))
    }

    /// For each set, the number of documents, and of indexed ones among them.
    fn copies(&self, distinct: &Distinct) -> impl Iterator<Item = (u32, u32)> {
        let indexed_from = self.indexed_from();
        (0..distinct.len()).map(move |set| {
            let documents = distinct.documents(set);
            let indexed = documents.len() - indexed_from.new_of(documents);
            (documents.len() as u32, indexed as u32)
        })
    }

    /// The documents of indexes, after the new ones.
    fn indexed_from(&self) -> IndexedFrom {
        IndexedFrom::after(self.new_documents())
    }

    fn new_documents(&self) -> usize {
        self.corpus.documents().len()
    }

    /// The number of a document if all documents of the indexes took part.
    fn number(&self, document: usize) -> u32 {
        match document.checked_sub(self.new_documents()) {
            None => document as u32,
            Some(place) => self.new_documents() as u32 + self.old[place],
        }
    }

    fn id(&self, document: usize) -> Cow<'_, str> {
        match document.checked_sub(self.new_documents()) {
            None => Cow::Borrowed(&self.corpus.ids()[document]),
            Some(place) => Cow::Owned(self.indexed.id(self.old[place])),
        }
    }
}
