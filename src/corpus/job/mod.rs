//! A complete run over files, from inputs to outputs.
//!
//! A job in memory is short: [`in_memory`] reads the documents, and computes pairs and clusters with a batch. The rest
//! of this folder is the same run for collections larger than memory, in [`stages`]. Both end in
//! [`Decided::write`](decided::Decided), which writes all outputs except the table of pairs.
//!
//! The stages of a bounded run:
//!
//! 1. **Read.** Every document is shingled once. This writes a row (its id and a hash of its record), a fingerprint
//!    of 16 bytes that identifies copies, and its *keys*, one per band. Keys are partitioned on the disk by their first
//!    bits.
//! 2. **Pick.** In each partition, documents that share a key form a bucket. Pairs of small buckets are candidates;
//!    documents of crowded buckets are marked for the join.
//! 3. **Narrow.** If buckets are crowded, the inputs are read again in order, and the signatures of all documents in
//!    buckets are written. Documents whose signatures agree with no other in enough slots are dropped.
//! 4. **Make sets.** The inputs are read again. The shingle sets of the remaining documents are written to one file.
//! 5. **Join.** The frequencies of the shingles in marked sets are counted. Rare shingles are partitioned by their
//!    first bits, and each partition yields candidates. Sets that consist mostly of common shingles are grouped into
//!    classes with the same common part.
//! 6. **Verify.** Candidates are sorted by document, and compared when the sets of both are read. Similar ones
//!    become *edges*.
//! 7. **Decide.** Clusters follow from edges and classes: with a union-find for components, in the order of the
//!    documents for leaders. The table of pairs consists of the edges, and the pairs within and between classes.
//!
//! Documents of indexes pass the same stages after all others, starting from their shingle sets. Pairs of two such
//! documents are left out.
//!
//! With the exact method, sampled hashes replace the keys of step 1, and the filter of the exact join replaces step 2;
//! the documents that pass the filter are joined. Step 3 runs if many documents remain that have much text of their
//! own: then the hashes of all their infrequent shingles pass through the filter.
//!
//! Nothing that documents share has to fit in memory: a bucket, a cluster or a template may be as large as the
//! collection. The memory holds a few numbers for each document ([`memory_plan`]), 12 bytes for each with candidates,
//! the classes with their atoms, and the data that is currently read.
//!
//! | step | file | reads | writes |
//! |---|---|---|---|
//! | 1 | `passes/first` | records | rows, fingerprints, ids, rejected records; keys, or sampled hashes |
//! | 2 | `candidates/first_documents` | fingerprints, ids | the first document of each set; duplicate ids |
//! | 2 | `candidates/crowding` | keys | candidates, marks |
//! | 2 | `candidates/samples` | sampled hashes | marks |
//! | 3 | `candidates/signatures`, `candidates/narrowing` | inputs, marks | fewer marks |
//! | 4 | `passes/sets` | inputs, marks | shingle sets, and where each is |
//! | 5, 6 | `candidates/joining` | sets, candidates | candidates by rare shingles; edges; classes |
//! | 7 | `answers/keep_order`, `answers/labels` | edges, classes | the cluster of each set |
//! | 7 | `answers/clusters` | clusters of sets | the file of clusters, with similarities and reasons |
//! | 7 | `answers/pairs` | edges, classes | the table of pairs |
//! | | `on_disk`, `save_index`, `tables` | the file of clusters | all other outputs |
//!
//! Shared parts: `passes/reread` and `passes/row_cursor` read the inputs again together with the rows; `disk/folder`
//! manages the files, `disk/names` names them, `disk/partition` writes bytes in partitions, `disk/collisions` finds
//! keys that documents share, `disk/rounds` reads records in rounds, `disk/set_store` reads sets by document,
//! `disk/clusters_file` is the file of clusters, and `disk/manifest` records the finished stages. `confirm` recomputes
//! similarities from tokens, in memory only. `membership` has the clusters of documents, for copying records and saving an
//! index.

mod answers;
mod candidates;
mod confirm;
mod decided;
mod disk;
mod in_memory;
mod membership;
mod memory_plan;
mod on_disk;
mod passes;
mod save_index;
mod stages;
mod tables;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::decided::{Counts, Decided, DecidedCluster, Joined, Removed, Sinks};
use self::disk::folder::Folder;
use self::disk::manifest::{DecidedDone, JobSettings, Work};
use self::in_memory::InMemory;
use self::memory_plan::MemoryPlan;
use self::on_disk::OnDisk;
use self::stages::Stages;
use self::tables::Columns;
use crate::aside::{Maker, SetAside};
use crate::batch::PairsOfCopies;
use crate::cluster::Keep;
use crate::corpus::error::Error;
use crate::corpus::escape::escaped_bytes;
use crate::corpus::indexed::Indexed;
use crate::corpus::inputs::sources::Sources;
use crate::corpus::keep::policy::KeepBy;
use crate::corpus::limit::{PROGRAM, RecordLimit};
use crate::corpus::options::ReadOptions;
use crate::corpus::outputs::sink::IndexSink;
use crate::deduper::Deduper;
use crate::method::Method;
use crate::passing::resolve;
use crate::recall::{LinkTally, Recall};
use crate::settings::Settings;
use crate::verify::Measure;
use crate::watch::Watch;
use crate::weights::Weights;

/// Finds the near-duplicates in files, and writes the decisions.
///
/// By default everything is held in memory. With a bound on the [memory](Self::memory) or a [work folder](Self::work),
/// data that does not fit goes to the disk. The decisions are the same, byte for byte, and the job takes about as long.
/// One setting differs: [`Method::Auto`] then always uses LSH, since comparing the two methods needs all documents in
/// memory.
///
/// ```no_run
/// use resemblance::Deduper;
/// use resemblance::corpus::{Job, Outputs, ReadOptions, Sinks, Sources};
///
/// let sources = Sources::find(&["articles"])?;
/// let mut outputs = Outputs::new(&sources);
/// let sinks = Sinks::new().clusters(outputs.stage_table("clusters.tsv")?);
/// let deduper = Deduper::new();
/// let job = Job::new(&deduper, ReadOptions::new()).memory(1 << 30);
/// let decided = job.run(sources, &sinks, None)?;
/// outputs.commit()?;
/// println!("{:?}", decided.counts());
/// decided.finish()?;
/// # Ok::<(), resemblance::corpus::Error>(())
/// ```
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)] // settings that do not depend on each other
pub struct Job {
    settings: Arc<Settings>,
    options: ReadOptions,
    memory: Option<u64>,
    work: Option<PathBuf>,
    fresh: bool,
    against: Vec<PathBuf>,
    pairs_of_copies: Option<PairsOfCopies>,
    confirm_texts: bool,
    freeze_weights: bool,
    drop_clusters: bool,
}

impl Job {
    /// A job with the defaults. [`ReadOptions::keep`] decides which copies are kept. If it says the first, and the deduper
    /// [`Keep::Largest`](crate::Keep::Largest), as by default with containment, the largest are kept; a deduper with
    /// [`Keep::Longest`](crate::Keep::Longest) is refused unless the options keep the longest copy as well.
    pub fn new(deduper: &Deduper, options: ReadOptions) -> Self {
        Self {
            settings: Arc::clone(deduper.settings()),
            options: options.with_keep(deduper.keep()),
            memory: None,
            work: None,
            fresh: false,
            against: Vec::new(),
            pairs_of_copies: None,
            confirm_texts: false,
            freeze_weights: false,
            drop_clusters: false,
        }
    }

    /// Limits the memory of the whole process to about this many bytes, at least 64 MiB. Default no bound; with a work
    /// folder 4 GiB.
    ///
    /// Nothing that documents share has to fit: a cluster or a template may be as large as the collection. But some
    /// data grows with the number of documents and always stays in memory: 20 bytes for each document, 12 more for each
    /// that has candidates, and the common parts of documents that are mostly boilerplate. `docs/planning.md` has the
    /// numbers.
    ///
    /// A record that would take too much memory is a bad record, see [`ReadOptions::on_bad`]. The limits are shares of
    /// the memory above 32 MiB: a tenth for a line or file, and a 42nd for a text (with word shingles; a 66th with
    /// bytes, an 82nd with characters). So a text may have 0.8 MB with 64 MiB, 12 MB with 512 MiB, and 101 MB with 4
    /// GiB. A page of a Parquet file or the window of a Zstandard file may take a quarter; if one is larger, the rest
    /// of the file is bad input.
    ///
    /// A job can be resumed with another bound. Records that were rejected stay rejected with a larger one. The job
    /// fails if the new bound is too small for a record that was accepted before.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// The work folder, which must be empty, not exist, or hold the work of the same job. The job records there what is
    /// done, so that it can be resumed after an interruption. Default none; with bounded memory, a temporary folder of
    /// the system, which is removed at the end of the job.
    #[must_use]
    pub fn work(mut self, folder: impl Into<PathBuf>) -> Self {
        self.work = Some(folder.into());
        self
    }

    /// Whether to start anew and discard earlier work in the work folder. Default false.
    #[must_use]
    pub fn fresh(mut self, fresh: bool) -> Self {
        self.fresh = fresh;
        self
    }

    /// Also compares with the documents of an index that an earlier job wrote, see [`Sinks::index`]. Default none. Can
    /// be called several times to compare with several indexes.
    ///
    /// Documents of an index come before the new ones. They stay kept, whatever the keep policy, and new documents that
    /// resemble them are removed. They are not compared with each other. An index stores no records, so none of its
    /// documents are written. If this job writes an index, it contains the documents of all these indexes, then the new
    /// documents that are kept.
    ///
    /// A new document must not have the id of an indexed one; if it has, it is a bad record. Records without ids of
    /// their own are identified by file and line, so the files of each part need different names.
    ///
    /// A collection can be processed in parts, each against the index of the parts before it. In [leader
    /// mode](crate::ClusterMode::Leader) with the keep policy `first`, this keeps the same documents as one run over
    /// the whole. With [components](crate::ClusterMode::Components) it may keep more: a document may connect two that
    /// were kept before (see [`Counts::joins`]), and a document that resembles only removed ones, which are in no
    /// index, is kept.
    ///
    /// With LSH and without a memory bound, this costs one look-up per band of each new document, whatever the size of
    /// the index, and reading the index once to verify it. Otherwise the job reads all shingle sets of the index.
    #[must_use]
    pub fn against(mut self, index: impl Into<PathBuf>) -> Self {
        self.against.push(index.into());
        self
    }

    /// Whether shingles have the [weights](crate::Weights) that the indexes of [`against`](Self::against) give them, and new
    /// documents do not count. Default false: an index that a job with weights wrote records how many documents were
    /// compared so far, kept or not, and how many of these have each shingle; and new documents are added to both.
    ///
    /// With frozen weights, two documents have the same similarity in every later run, and a shingle that is new to the
    /// index weighs most. Without, weights follow the collection as it grows.
    #[must_use]
    pub fn freeze_weights(mut self, freeze: bool) -> Self {
        self.freeze_weights = freeze;
        self
    }

    /// Whether to remove all documents of a cluster, also the one that [`ReadOptions::keep`] would keep. Default false. Then
    /// only documents without near-duplicates are kept.
    ///
    /// The document that the policy would keep still represents the cluster: the others are removed for it, and it is removed
    /// for the first of them, see [`DecidedCluster::removals`].
    ///
    /// Documents of [indexes](Self::against) stay kept as always, and so do their clusters: new documents are removed for
    /// them. An index that the job [writes](Sinks::index) contains kept documents only. So it does not know the dropped
    /// ones, and a later job keeps a document that resembles only these.
    #[must_use]
    pub fn drop_clusters(mut self, drop: bool) -> Self {
        self.drop_clusters = drop;
        self
    }

    /// Which pairs of documents with the same shingles are written to the [table of pairs](Sinks::pairs).
    ///
    /// By default all are written, but the job fails before it compares anything if there are more than 100 million.
    /// (20,000 copies of a text make 200 million pairs.) If [`All`](PairsOfCopies::All) is set, any number is written.
    #[must_use]
    pub fn pairs_of_copies(mut self, pairs: PairsOfCopies) -> Self {
        self.pairs_of_copies = Some(pairs);
        self
    }

    /// Whether to recompute every reported similarity from the tokens themselves: those of removals, and those in the
    /// [table of pairs](Sinks::pairs). If one differs from the similarity of the shingle hashes, the job fails. Default
    /// false.
    ///
    /// Without this setting, a similarity is wrong if two different shingles have the same hash. By chance this happens
    /// to one pair of shingles in 2^62, but anybody who knows the seed can craft such shingles, see
    /// [`text`](crate::text#can-two-shingles-have-the-same-hash). A seed drawn at random prevents that at no cost; use
    /// this setting if others must know the seed.
    ///
    /// The documents of clusters are read once more. This took 15% more time in a collection where one document in
    /// twenty is a copy, and twice the time where one in three is; a table of pairs takes longer still. The texts must
    /// be held, so this cannot be combined with [`memory`](Self::memory), [`work`](Self::work) or
    /// [`against`](Self::against).
    #[must_use]
    pub fn confirm_texts(mut self, confirm: bool) -> Self {
        self.confirm_texts = confirm;
        self
    }

    /// The columns of the table of clusters.
    fn columns(&self) -> Columns {
        Columns {
            containment: self.settings.measure() == Measure::Containment,
            aside: self.options.fields.sets_aside(),
        }
    }

    /// Refuses settings that keep the longest copy where the options do not: the options decide.
    fn check_keep(&self) -> Result<(), Error> {
        match (self.settings.keep(), self.options.fields.keep().by()) {
            (Keep::Longest, by) if *by != KeepBy::Longest => Err(Error::refused(
                "the deduper keeps the longest copy, but a job keeps what its ReadOptions say: set ReadOptions::keep instead",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses frozen weights by which no shingle weighs anything.
    fn check_frozen(&self, indexed: &Indexed) -> Result<(), Error> {
        let (counted, tables) = indexed.frequencies();
        let why = match () {
            () if !self.freeze_weights => return Ok(()),
            () if self.settings.weights() == Weights::None => {
                "all shingles count the same (--weights ln weighs them)"
            }
            () if tables.is_empty() => "there is no index that has them",
            () if counted < 2 => {
                "the index has counted fewer than 2 documents, so that no shingle weighs anything"
            }
            () => return Ok(()),
        };
        Err(Error::refused(format!("weights cannot be frozen: {why}")))
    }

    /// Refuses to confirm texts that are not at hand.
    fn check_confirm(&self) -> Result<(), Error> {
        let cannot = match () {
            () if !self.confirm_texts => return Ok(()),
            () if !self.against.is_empty() => "an index has no texts",
            () if self.options.fields.sets_aside() => {
                "--set-aside leaves out passages by their hashes"
            }
            () if self.settings.weights() != Weights::None => "weights are those of hashes",
            () if self.memory.is_some() || self.work.is_some() => {
                "the texts are not held in memory with --memory or --work"
            }
            () => return Ok(()),
        };
        Err(Error::refused(format!(
            "texts cannot be confirmed: {cannot}; use a seed that nobody else knows instead (--seed random draws one for a \
             run without --work and --against)"
        )))
    }

    /// Fails if there are too many pairs of documents with equal shingles, unless the setting allows any number.
    /// `texts` yields, for each distinct text, its number of documents and how many of them are indexed. Indexed
    /// documents make no pairs with each other.
    fn check_copies(&self, texts: impl Iterator<Item = (u32, u32)>) -> Result<(), Error> {
        const MOST: u64 = 100_000_000;
        let pairs = |of: u32| u64::from(of) * u64::from(of).saturating_sub(1) / 2;
        let pairs: u64 = texts
            .map(|(all, indexed)| pairs(all) - pairs(indexed))
            .sum();
        match self.pairs_of_copies {
            None if pairs > MOST => Err(Error::refused(format!(
                "documents with the same shingles make {pairs} pairs, more than {MOST}: write each copy with the first \
                 document only (--pairs-of-copies star), or every pair (--pairs-of-copies all)"
            ))),
            _ => Ok(()),
        }
    }

    /// Runs the job, or resumes it in the work folder, and writes the outputs.
    ///
    /// # Errors
    /// Those of [`Corpus::read`](crate::corpus::Corpus::read), and
    ///
    /// - if an index is damaged, was written by a job with another scheme, banding or threshold, or shares an id with
    ///   another index;
    /// - if an index was written with other [weights](crate::Weights), or weights are
    ///   [frozen](Self::freeze_weights) without an index that has them;
    /// - if an output or the work folder cannot be written;
    /// - if a record has a field of the name of one that is [added](crate::corpus::Outputs::annotate);
    /// - if the work folder contains the work of other settings or inputs, or other files;
    /// - if texts are [confirmed](Self::confirm_texts), and a similarity of tokens differs from that of hashes;
    /// - if one of the outputs, indexes, inputs and the work folder lies in another.
    pub fn run(
        &self,
        sources: Sources,
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<Decided, Error> {
        self.check_confirm()?;
        self.check_keep()?;
        self.lie_apart(&sources, sinks)?;
        match (self.memory, &self.work) {
            (None, None) => InMemory::run(self, sources, sinks, watch),
            _ => self.run_with(MemoryPlan::of(self.bound()), sources, sinks, watch),
        }
    }

    /// Fails if one of the paths lies in another.
    fn lie_apart(&self, sources: &Sources, sinks: &Sinks) -> Result<(), Error> {
        let place = |path: &Path| resolve(path).unwrap_or_else(|_| path.to_owned());
        let work = self.work.iter().map(|path| ("the work folder", path));
        let indexes = self.against.iter().map(|path| ("the index", path));
        let ours: Vec<_> = (work.chain(indexes))
            .map(|(what, path)| (what, &**path, place(path)))
            .collect();
        let within = |one: &Path, other: &Path| one.starts_with(other) || other.starts_with(one);
        let refuse = |left: (&str, &Path), right: (&str, &Path)| {
            let [left, right] = [left, right]
                .map(|(what, path)| format!("{what} {}", escaped_bytes(path.as_os_str())));
            Err(Error::refused(format!(
                "{left} and {right} overlap (one is, or contains, the other): name other paths"
            )))
        };
        let index = sinks.index.as_ref().map(IndexSink::path);
        for (number, (what, path, at)) in ours.iter().enumerate() {
            for (other_what, other, other_at) in &ours[..number] {
                if within(at, other_at) && (at != other_at || what != other_what) {
                    return refuse((what, path), (other_what, other));
                }
            }
            for output in sinks.paths() {
                let output_at = place(output);
                // The new index may replace one that the job compares with.
                let replaces = index == Some(output) && self.against.iter().any(|of| of == path);
                if within(at, &output_at) && !(replaces && *at == output_at) {
                    return refuse((what, path), ("output", output));
                }
            }
            if let Some(input) = sources.places.iter().find(|input| input.starts_with(at)) {
                return refuse((what, path), ("input", input));
            }
        }
        Ok(())
    }

    /// The bound on the memory, if it is bounded.
    fn bound(&self) -> u64 {
        self.memory.unwrap_or(4 << 30)
    }

    /// The limit on a record.
    fn limit(&self) -> RecordLimit {
        let shingle = self.settings.scheme().shingle();
        RecordLimit::unbounded(self.options.max_record, self.options.on_bad).within(
            self.bound(),
            PROGRAM,
            shingle,
        )
    }

    fn run_with(
        &self,
        plan: MemoryPlan,
        mut sources: Sources,
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<Decided, Error> {
        let indexed = Indexed::open(&self.against, &self.settings, &self.options.fields)?;
        self.check_frozen(&indexed)?;
        let mut work = self.begin(&sources, &indexed)?;
        sources.spool(watch)?;
        let stages = Stages {
            job: self,
            sources: &sources,
            indexed: &indexed,
            maker: Maker::whole(self.settings.sketcher().shingler()),
            plan: plan.for_inputs(sources.size()),
            limit: self.limit(),
            watch,
        };
        let maker = stages.set_aside(&mut work)?;
        let stages = Stages { maker, ..stages };
        let read = stages.read(&mut work)?;
        let plan = stages.plan.beside(read.documents + indexed.len());
        let stages = Stages { plan, ..stages };
        let picked = stages.pick(&mut work, &read)?;
        let indexed_from = read.indexed_from();
        if sinks.pairs.is_some() {
            stages.check_copies(&work, &picked, indexed_from)?;
        }
        let known = stages.known(&work, &read, &picked)?;
        let sets = stages.sets(&mut work, &picked, &known)?;
        let wants_pairs = sinks.pairs.is_some();
        let found = stages.find(&mut work, &picked, &sets, indexed_from, wants_pairs)?;
        let decided = stages.decide(&mut work, &picked, &found, indexed_from)?;
        let pairs = match &sinks.pairs {
            Some(table) => Some(stages.pairs(&work, &picked, &found, indexed_from, table)?),
            None => None,
        };
        drop(found);
        let maker = stages.maker;
        let known_of_texts = [read.text_bytes - sets.late_bytes, picked.empty as u64];
        let decisions = OnDisk {
            work,
            sources,
            known,
            indexed,
            options: self.options.clone(),
            maker,
            plan,
            freeze_weights: self.freeze_weights,
        };
        let decided = self.decided(decisions, &decided, pairs, known_of_texts);
        decided.write(&self.settings, self.columns(), sinks, watch)
    }

    fn begin(&self, sources: &Sources, indexed: &Indexed) -> Result<Work, Error> {
        let Some(path) = &self.work else {
            return Work::passing();
        };
        if sources.has_stdin() {
            return Err(Error::refused(
                "standard input cannot be read again when the job is resumed: name a file, or no work folder",
            ));
        }
        Work::resume(
            Folder::at(path)?,
            self.settings(sources, indexed),
            &sources.inputs,
            self.fresh,
        )
    }

    /// All settings on which the decisions, or the files of the work folder, depend.
    fn settings(&self, sources: &Sources, indexed: &Indexed) -> JobSettings {
        let settings = &self.settings;
        let fields = &self.options.fields;
        let keep = fields.keep();
        let [id, ..] = fields.others();
        let prefer = keep.preference().map(ToString::to_string);
        [
            ("program", env!("CARGO_PKG_VERSION").to_owned()),
            ("scheme", settings.scheme().to_string()),
            ("similarity", settings.measure().to_string()),
            ("weights", settings.weights().to_string()),
            ("threshold", settings.threshold().to_string()),
            ("method", self.method().to_string()),
            (
                "cluster",
                format!("{:?}", settings.cluster_mode()).to_lowercase(),
            ),
            ("keep", keep.by().to_string()),
            ("drop clusters", self.drop_clusters.to_string()),
            ("prefer", prefer.unwrap_or_default()),
            ("text field", fields.text_list()),
            ("id field", id.map_or(String::new(), ToString::to_string)),
            ("id required", fields.id_required.to_string()),
            ("ids by file", fields.ids_by_file.to_string()),
            (
                "set aside",
                fields.set_aside_text(settings.set_aside_words()),
            ),
            (
                "on bad",
                format!("{:?}", self.options.on_bad).to_lowercase(),
            ),
            ("bytes", self.options.bytes.to_string()),
            (
                "max record",
                (self.options.max_record).map_or(String::new(), |bytes| bytes.to_string()),
            ),
            ("against", indexed.stamp()),
            ("freeze weights", self.freeze_weights.to_string()),
            ("banding", settings.banding().to_string()),
            ("recall", settings.recall().to_string()),
            (
                "input format",
                sources.format().map_or(String::new(), |of| of.to_string()),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// The method. `Auto` is LSH here: comparing the two methods needs all documents in memory.
    fn method(&self) -> Method {
        match self.settings.method() {
            Method::Auto => Method::Lsh,
            method => method,
        }
    }

    fn decided(
        &self,
        decisions: OnDisk,
        decided: &DecidedDone,
        pairs: Option<Recall>,
        [text_bytes, empty]: [u64; 2],
    ) -> Decided {
        let OnDisk {
            sources,
            known,
            indexed,
            maker,
            ..
        } = &decisions;
        let chances = self.settings.chances(self.method());
        let links = LinkTally::new(&chances);
        let counted = &decided.counted;
        links.add_counts(&counted.links);
        let documents = known.documents as usize - known.late.len();
        let rejected = known.rejected() + known.late.len();
        let method = (self.method(), self.settings.reason());
        let recall = self
            .settings
            .recall_of(method, links.counted(), counted.unseen);
        let counts = Counts {
            read: documents + rejected,
            rejected,
            empty: empty as usize,
            hidden: sources.hidden,
            indexed: indexed.len() as usize,
            groups_with_aside: maker.aside().map_or(0, SetAside::groups),
            text_bytes,
            ..Counts::default()
        };
        Decided {
            counts: counts.with(counted.clusters),
            recall,
            pairs,
            decisions: Box::new(decisions),
        }
    }
}
