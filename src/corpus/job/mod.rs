//! Collections larger than memory.
//!
//! 1. **Read.** Every document is shingled once. What stays of it is a row (its id, a hash of its record), 16 bytes to
//!    know copies by, and its *keys*, those of its bands. Keys are dealt by their first bits into parts on the disk.
//! 2. **Candidates.** Part after part, documents that have a key in common are a bucket. Those of small buckets are
//!    candidates; those of crowded ones are marked for the join.
//! 3. **Second look.** Where buckets are crowded, the inputs are read again, in their order, and the signatures of all
//!    documents of buckets are written. Those that agree with no others in enough slots are out.
//! 4. **Shingle again.** The inputs are read again. The shingle sets of the documents that are left go to one file.
//! 5. **Join.** Of the sets that are marked, frequencies are counted; rare shingles are dealt by their first bits to parts,
//!    each of which gives candidates; sets that are mostly common go to classes of the same common part.
//! 6. **Verify.** Candidates are sorted by document, so that each is read where its set is, and the similar ones are
//!    *edges*.
//! 7. **Decide.** Clusters follow from edges and classes: connected by a union-find, or in the order of the documents for
//!    leaders. Pairs are edges and what classes say.
//!
//! Documents of indexes go the same way after all others, from their shingle sets; what they have in common with each
//! other is no pair.
//!
//! Where the method is exact, sampled hashes take the place of keys in the first stage, and the filter of the exact join
//! that of the second; what it leaves is joined. A second look is taken where many documents are left that have much text
//! of their own: hashes of all their shingles that are not frequent go through the filter.
//!
//! Nothing that documents have in common need fit in memory: a bucket, a cluster or a template may be as large as the
//! collection. In memory are some numbers for each document ([`shares`]), 12 bytes for each that has candidates, the
//! classes with their atoms, and what is read at a time.
//!
//! | file | goes in | comes out |
//! |---|---|---|
//! | `read` | records | rows, prints, ids, and keys or strips |
//! | `firsts`, `keyed` | prints, ids | the first document of each set; ids used twice |
//! | `crowding` | keys of bands | candidates, marks |
//! | `strips` | sampled hashes | marks |
//! | `slots`, `narrowing` | inputs and marks | fewer marks |
//! | `again`, `walk`, `sets` | inputs and marks | shingle sets, and where each is |
//! | `joining` | sets | candidates by rare shingles; edges; classes |
//! | `keeping`, `labels` | edges, classes | the cluster of each set |
//! | `clusters` | clusters | decisions with similarities |
//! | `pairs` | edges, classes | the table of pairs |
//! | `on_disk`, `saving` | decisions | all other outputs |
//! | `dealt`, `rounds`, `stored`, `folder` | | bytes in parts, records in rounds, sets by document, files |
//! | `manifest`, `names` | | what has been done, and the names of files |

mod again;
mod clusters;
mod confirming;
mod crowding;
mod dealt;
mod decided;
mod firsts;
mod folder;
mod in_memory;
mod joining;
mod keeping;
mod keyed;
mod labels;
mod manifest;
mod names;
mod narrowing;
mod on_disk;
mod pairs;
mod read;
mod rejected;
mod rounds;
mod row;
mod saving;
mod sets;
mod shares;
mod slots;
mod stages;
mod stored;
mod strips;
#[cfg(test)]
mod tests;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::decided::{Counts, Decided, DecidedCluster, Joined, Removed, Sinks};
use self::folder::Folder;
use self::in_memory::InMemory;
use self::manifest::{DecidedDone, JobSettings, Work};
pub(super) use self::names::is_work_folder;
use self::on_disk::OnDisk;
use self::shares::Shares;
use self::stages::Stages;
use super::error::Error;
use super::escape::escaped_bytes;
use super::indexed::Indexed;
use super::limit::{PROGRAM, RecordLimit};
use super::options::ReadOptions;
use super::sink::IndexSink;
use super::sources::Sources;
use crate::batch::PairsOfCopies;
use crate::deduper::Deduper;
use crate::method::{Method, Reason};
use crate::passing::resolve;
use crate::recall::{LinkTally, Recall};
use crate::settings::Settings;
use crate::watch::Watch;

/// Finds the near-duplicates of files, and writes the decisions.
///
/// Everything is held in memory, unless [`memory`](Self::memory) is bounded or there is a [work folder](Self::work): then
/// what does not fit goes to the disk, and comes to the same decisions, to the byte. That takes about as long; only
/// [`Method::Auto`] is LSH then, since what takes less cannot be told before everything is in memory.
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
pub struct Job {
    settings: Arc<Settings>,
    options: ReadOptions,
    memory: Option<u64>,
    work: Option<PathBuf>,
    fresh: bool,
    against: Vec<PathBuf>,
    pairs_of_copies: Option<PairsOfCopies>,
    confirm_texts: bool,
}

impl Job {
    /// A job with the defaults. Which copies are kept is up to [`ReadOptions::keep`].
    pub fn new(deduper: &Deduper, options: ReadOptions) -> Self {
        Self {
            settings: Arc::clone(deduper.settings()),
            options,
            memory: None,
            work: None,
            fresh: false,
            against: Vec::new(),
            pairs_of_copies: None,
            confirm_texts: false,
        }
    }

    /// Bytes that the whole process may hold, about; at least 64 MiB. Default no bound; with a work folder 4 GiB.
    ///
    /// What documents have in common need not fit: a cluster or a template may be as large as the collection. Two
    /// things grow with the documents and are held all the same: 20 bytes for each, and of documents that are mostly
    /// boilerplate the common parts by which they are joined. `docs/planning.md` has the numbers.
    ///
    /// A record that takes too much is a bad record, see [`ReadOptions::on_bad`]: a line or file of more than a tenth of
    /// the memory above 32 MiB, or a text of more than a 42nd of it (by word shingles; a 66th by bytes, an 82nd by
    /// characters). That is 0.8 MB of text under 64 MiB, 12 MB under 512 MiB, 101 MB under 4 GiB. A page of a
    /// Parquet file, and the window of a Zstandard file, may take a quarter of the memory above 32 MiB; from a larger one on,
    /// the rest of the file is bad input.
    ///
    /// Work in a folder goes on with another bound. Records that were rejected stay so under a larger one; under one that
    /// is too small for a record that was taken the job fails.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// The work folder: an empty one, or one that is made. What is done is entered in it, so that the same job goes on
    /// where it was stopped. Default none; where memory is bounded, a folder among the system's temporary ones, which
    /// is gone with the job.
    #[must_use]
    pub fn work(mut self, folder: impl Into<PathBuf>) -> Self {
        self.work = Some(folder.into());
        self
    }

    /// Whether to begin anew, whatever the work folder holds of earlier work. Default false.
    #[must_use]
    pub fn fresh(mut self, fresh: bool) -> Self {
        self.fresh = fresh;
        self
    }

    /// Compares with the documents of an index as well, which a job with [`Sinks::index`] has written. Default none; of
    /// several, all count.
    ///
    /// Its documents come before the new ones: whatever the keep policy says, they stay kept, and what resembles one is
    /// removed. They are not compared with each other, and their records, which nobody has, are not written. Ids are
    /// used once: a new document that has the id of an indexed one is a bad record; where records have no ids of their own,
    /// these are made of file and line, so that files of each part need other names. An index that the job writes holds
    /// the documents of all these, and then the new ones that are kept.
    ///
    /// In [leader mode](crate::ClusterMode::Leader), with `first` as the keep policy, parts of a collection one after the
    /// other, each against the index of those before, keep what one run keeps of the whole. With [components](crate::ClusterMode::Components) they may keep
    /// more: a document may connect two that were kept before it, see [`Counts::joins`]; and one that resembles only a
    /// document that was removed, which is in no index, is kept.
    ///
    /// By LSH, without a bound of memory, it costs a look-up for each band of each new document, whatever the size of the
    /// index, and reading the index once to check that it is whole. Else all its shingle sets are read.
    #[must_use]
    pub fn against(mut self, index: impl Into<PathBuf>) -> Self {
        self.against.push(index.into());
        self
    }

    /// Which pairs of documents with the same shingles go to the [table of pairs](Sinks::pairs). By default all, and the job
    /// fails before it compares anything if there are more than 100 million: 20,000 copies of a text make 200 million pairs.
    /// If [`All`](PairsOfCopies::All) is set, any number is written.
    #[must_use]
    pub fn pairs_of_copies(mut self, pairs: PairsOfCopies) -> Self {
        self.pairs_of_copies = Some(pairs);
        self
    }

    /// Whether to recompute every reported similarity from the tokens themselves: those of removals and those in the
    /// [table of pairs](Sinks::pairs). If one differs from the similarity by shingle hashes, the job fails. Default false.
    ///
    /// Without it a similarity is wrong if two different shingles have the same hash. By chance this happens to one pair of
    /// shingles in 2^62, but whoever knows the seed can make such shingles, see
    /// [`text`](crate::text#can-two-shingles-have-the-same-hash). A seed drawn at random prevents that at no cost; this
    /// setting is for seeds that others have to know.
    ///
    /// The documents of clusters are read once more. That took 15% more time where one document in twenty is a copy, and
    /// twice the time where one in three is; a table of pairs takes longer still. The texts must be held, so this cannot be
    /// combined with [`memory`](Self::memory), [`work`](Self::work) or [`against`](Self::against).
    #[must_use]
    pub fn confirm_texts(mut self, confirm: bool) -> Self {
        self.confirm_texts = confirm;
        self
    }

    /// Refuses to confirm texts that are not at hand.
    fn check_confirm(&self) -> Result<(), Error> {
        let cannot = match () {
            () if !self.confirm_texts => return Ok(()),
            () if !self.against.is_empty() => "an index has no texts",
            () if self.memory.is_some() || self.work.is_some() => {
                "the texts are not held where memory is bounded or there is a work folder"
            }
            () => return Ok(()),
        };
        Err(Error::refused(format!(
            "texts cannot be confirmed: {cannot}; instead, use a seed that nobody else knows (--seed random draws one for a run without --work and --against)"
        )))
    }

    /// Refuses too many pairs of equal texts, unless the setting asks for them. `texts` gives, for each text, its number of
    /// documents and how many of them are indexed; indexed documents make no pairs with each other.
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

    /// Does the work, as far as it has not been done.
    ///
    /// # Errors
    /// As [`Corpus::read`](super::Corpus::read), and
    ///
    /// - where an index is corrupt, was written by a job of another scheme, banding or threshold, or has an id that
    ///   another has;
    /// - where an output or the work folder cannot be written;
    /// - where the work folder holds work of other settings or inputs, or other files;
    /// - where a similarity by tokens differs from that by hashes, if texts are [confirmed](Self::confirm_texts);
    /// - where one of the outputs, indexes, inputs and the work folder lies in another.
    pub fn run(
        &self,
        sources: Sources,
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<Decided, Error> {
        self.check_confirm()?;
        self.lie_apart(&sources, sinks)?;
        match (self.memory, &self.work) {
            (None, None) => InMemory::run(self, sources, sinks, watch),
            _ => self.run_with(Shares::of(self.bound()), sources, sinks, watch),
        }
    }

    /// Refuses paths of which one would be read or written in the place of another.
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
                // An index may take the place of one that it goes by.
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

    /// Bytes that may be held, where they are bounded.
    fn bound(&self) -> u64 {
        self.memory.unwrap_or(4 << 30)
    }

    /// What one record may take.
    fn limit(&self) -> RecordLimit {
        let shingle = self.settings.scheme().shingle();
        RecordLimit::of(self.bound(), PROGRAM, shingle, &self.options)
    }

    fn run_with(
        &self,
        shares: Shares,
        mut sources: Sources,
        sinks: &Sinks,
        watch: Option<&dyn Watch>,
    ) -> Result<Decided, Error> {
        let indexed = Indexed::open(&self.against, &self.settings)?;
        let mut work = self.begin(&sources, &indexed)?;
        sources.spool(watch)?;
        let stages = Stages {
            job: self,
            sources: &sources,
            indexed: &indexed,
            shares: shares.for_inputs(sources.size()),
            limit: self.limit(),
            watch,
        };
        let read = stages.read(&mut work)?;
        let shares = stages.shares.beside(read.documents + indexed.len());
        let stages = Stages { shares, ..stages };
        let picked = stages.pick(&mut work, &read)?;
        if sinks.pairs.is_some() {
            stages.check_copies(&work, &picked, read.documents)?;
        }
        let known = stages.known(&work, &read, &picked)?;
        let sets = stages.sets(&mut work, &picked, &known)?;
        let wants_pairs = sinks.pairs.is_some();
        let found = stages.find(&mut work, &picked, &sets, read.documents, wants_pairs)?;
        let decided = stages.decide(&mut work, &picked, &found, read.documents)?;
        let pairs = match &sinks.pairs {
            Some(table) => Some(stages.pairs(&work, &picked, &found, read.documents, table)?),
            None => None,
        };
        drop(found);
        let known_of_texts = [read.text_bytes - sets.late_bytes, picked.empty as u64];
        let mut held = OnDisk {
            work,
            sources,
            known,
            indexed,
            options: self.options.clone(),
        };
        held.write(&self.settings, sinks, &shares, watch)?;
        Ok(self.decided(held, &decided, pairs, known_of_texts))
    }

    fn begin(&self, sources: &Sources, indexed: &Indexed) -> Result<Work, Error> {
        let Some(path) = &self.work else {
            return Work::passing();
        };
        if sources.has_stdin() {
            return Err(Error::refused(
                "standard input cannot be read again when work goes on: name a file, or no work folder",
            ));
        }
        Work::resume(
            Folder::at(path)?,
            self.settings(sources, indexed),
            &sources.inputs,
            self.fresh,
        )
    }

    /// All that decisions depend on; and what the files of the work folder do.
    fn settings(&self, sources: &Sources, indexed: &Indexed) -> JobSettings {
        let settings = &self.settings;
        let fields = &self.options.fields;
        let keep = &fields.keep;
        let prefer = keep.preference().map(ToString::to_string);
        [
            ("program", env!("CARGO_PKG_VERSION").to_owned()),
            ("scheme", settings.scheme().to_string()),
            ("threshold", settings.threshold().to_string()),
            ("method", self.method().to_string()),
            (
                "cluster",
                format!("{:?}", settings.cluster_mode()).to_lowercase(),
            ),
            ("keep", keep.by().to_string()),
            ("prefer", prefer.unwrap_or_default()),
            ("text field", fields.text.clone()),
            ("id field", fields.id.clone().unwrap_or_default()),
            ("id required", fields.id_required.to_string()),
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

    /// By LSH, where the method is not exact: which takes less cannot be told before everything is in memory.
    fn method(&self) -> Method {
        match self.settings.method() {
            Method::Auto => Method::Lsh,
            method => method,
        }
    }

    fn decided(
        &self,
        held: OnDisk,
        decided: &DecidedDone,
        pairs: Option<Recall>,
        [text_bytes, empty]: [u64; 2],
    ) -> Decided {
        let OnDisk {
            sources,
            known,
            indexed,
            ..
        } = &held;
        let chances = self.settings.chances(self.method());
        let links = LinkTally::new(&chances);
        let counted = &decided.counted;
        links.add_counts(&counted.links);
        let of_clusters = counted.clusters;
        let documents = known.documents as usize - known.late.len();
        let rejected = known.rejected() + known.late.len();
        let method = (self.method(), Reason::Asked);
        let recall = self
            .settings
            .recall_of(method, links.told(), counted.unseen);
        Decided {
            counts: Counts {
                read: documents + rejected,
                kept: documents - of_clusters.removed,
                removed: of_clusters.removed,
                rejected,
                empty: empty as usize,
                hidden: sources.hidden,
                clusters: of_clusters.clusters,
                indexed: indexed.len() as usize,
                matched: of_clusters.matched,
                joins: of_clusters.joins,
                text_bytes,
            },
            recall,
            pairs,
            held: Box::new(held),
        }
    }
}
