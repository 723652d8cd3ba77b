//! One collection on its way through the stages.

use std::cmp::Ordering;
use std::fmt::Debug;

use rayon::prelude::*;

use crate::cluster::{Candidates, ClusterMode, Clusters, Grouping, Keep, components, leaders};
use crate::deduper::Deduper;
use crate::error::{Error, Kind};
use crate::lsh::{Buckets, Distinct};
use crate::sketch::SignatureMatrix;
use crate::text::{Document, ReadBuffer, Scratch};
use crate::verify::{Pair, ShingleSet, Similarity, Verifier};
use crate::watch::{Stage, Ticker, Watch};

/// One run's options: who watches it, and an order of your own for what is kept.
///
/// ```
/// use std::ops::ControlFlow;
/// use resemblance::{Deduper, Run, watch::Progress};
///
/// let texts = ["one of two equal texts", "one of two equal texts"];
/// let watch = |progress: Progress| {
///     eprintln!("{}: {} of {}", progress.stage, progress.done, progress.total);
///     ControlFlow::Continue(())
/// };
/// let newest_first = |a: usize, b: usize| b.cmp(&a);
/// let run = Run::new().watch(&watch).keep_by(&newest_first);
/// let clusters = Deduper::new().try_clusters(&texts, &run)?;
/// assert_eq!(clusters.cluster(0).kept, 1);
/// # Ok::<(), resemblance::Error>(())
/// ```
#[derive(Clone, Copy, Default)]
pub struct Run<'a> {
    watch: Option<&'a dyn Watch>,
    keep_by: Option<&'a KeepOrder<'a>>,
}

/// Compares two documents by number; the lesser is kept.
type KeepOrder<'a> = dyn Fn(usize, usize) -> Ordering + Sync + 'a;

impl<'a> Run<'a> {
    /// A run that nobody watches.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells `watch` how the run goes on.
    #[must_use]
    pub fn watch(self, watch: &'a dyn Watch) -> Self {
        Self {
            watch: Some(watch),
            ..self
        }
    }

    /// Keeps the least document of each cluster by this comparison of document numbers instead of the
    /// [`Keep`] policy. It must be an order; equals go by number.
    #[must_use]
    pub fn keep_by(self, order: &'a KeepOrder<'a>) -> Self {
        Self {
            keep_by: Some(order),
            ..self
        }
    }

    fn ticker(&self, stage: Stage, total: usize) -> Ticker<'a> {
        Ticker::new(self.watch, stage, total)
    }
}

impl Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("watch", &self.watch.is_some())
            .field("keep_by", &self.keep_by.is_some())
            .finish()
    }
}

/// Documents brought as far as candidate pairs, by [`Deduper::batch`]: ask for pairs, clusters or
/// both.
#[derive(Debug)]
pub struct Batch<'d, D> {
    deduper: &'d Deduper,
    documents: &'d [D],
    run: Run<'d>,
    matrix: SignatureMatrix,
    distinct: Distinct,
    buckets: Buckets,
    /// The shingle set of each distinct set; empty for those that are no candidates.
    sets: Vec<ShingleSet>,
}

impl<'d, D: Document + Sync> Batch<'d, D> {
    pub(crate) fn new(
        deduper: &'d Deduper,
        documents: &'d [D],
        run: Run<'d>,
    ) -> Result<Self, Error> {
        can_be_numbered(documents)?;
        let ticker = run.ticker(Stage::Sketch, documents.len());
        let matrix = deduper.sketcher().try_signatures(documents, &ticker)?;
        Self::of_signed(deduper, documents, matrix, run)
    }

    /// From documents whose signatures are there.
    pub(crate) fn of_signed(
        deduper: &'d Deduper,
        documents: &'d [D],
        matrix: SignatureMatrix,
        run: Run<'d>,
    ) -> Result<Self, Error> {
        can_be_numbered(documents)?;
        deduper.scheme().matches(matrix.scheme())?;
        if matrix.len() != documents.len() {
            return Err(Error::new(Kind::SignatureCount {
                signatures: matrix.len(),
                documents: documents.len(),
            }));
        }
        let fingerprint = |memory: &mut Memory, document: usize| {
            Ok(set_of(deduper, documents, document, memory)?.fingerprint())
        };
        let ticker = |copies| run.ticker(Stage::Collapse, copies);
        let distinct = Distinct::try_new(&matrix, fingerprint, ticker)?;
        let banding = deduper.banding();
        let buckets = if deduper.threshold() < 1.0 {
            let ticker = run.ticker(Stage::Candidates, banding.bands());
            Buckets::try_new(&matrix, &distinct, banding, &ticker)?
        } else {
            // Copies are collapsed, and nothing else reaches 1.
            Buckets::none(&distinct, banding)
        };
        let mut batch = Self {
            deduper,
            documents,
            run,
            matrix,
            distinct,
            buckets,
            sets: Vec::new(),
        };
        batch.sets = batch.shingle_sets()?;
        Ok(batch)
    }

    /// The shingle sets that will be compared: of candidates, and of copies, whose similarity is told.
    fn shingle_sets(&self) -> Result<Vec<ShingleSet>, Error> {
        let Self { distinct, .. } = self;
        let ticker = self.run.ticker(Stage::Sets, distinct.len());
        let shingle = |memory: &mut Memory, set: usize| {
            let is_candidate = !self.buckets.of_set(set).is_empty();
            if !is_candidate && distinct.documents(set).len() == 1 {
                return Ok(ShingleSet::default());
            }
            set_of(self.deduper, self.documents, distinct.first(set), memory)
        };
        (0..distinct.len())
            .into_par_iter()
            .map_init(Memory::default, |memory, set| {
                ticker.tick(1)?;
                shingle(memory, set)
            })
            .collect::<Result<_, Error>>()
            .map_err(|error| {
                let mut memory = Memory::default();
                error.first_of(0..distinct.len(), |set| shingle(&mut memory, set).err())
            })
    }

    /// The signatures of the documents.
    pub fn signatures(&self) -> &SignatureMatrix {
        &self.matrix
    }

    /// The documents collapsed to distinct shingle sets.
    pub fn distinct(&self) -> &Distinct {
        &self.distinct
    }

    /// The buckets of candidates.
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// The clusters, and which copies to keep.
    ///
    /// A pair that is connected already (in leader mode, one that is removed already) is not compared, and a
    /// bucket of very many documents in which comparisons keep failing is split by further slots instead of
    /// being enumerated: see [`Clusters::split_buckets`].
    ///
    /// # Errors
    /// Where the run is cancelled.
    pub fn clusters(&self) -> Result<Clusters, Error> {
        let order = self.keep_order();
        let verifier = self.verifier();
        let candidates = Candidates {
            buckets: &self.buckets,
            sets: self.distinct.len(),
            row: |set| verifier.row(set as usize),
            compare: |a, b| verifier.compare(a, b),
        };
        let labels = match self.deduper.cluster_mode() {
            ClusterMode::Components => {
                let ticker = self.run.ticker(Stage::Verify, self.buckets.places());
                components(&candidates, &ticker)?
            }
            ClusterMode::Leader => {
                let ticker = self.run.ticker(Stage::Verify, self.distinct.len());
                leaders(&candidates, &self.distinct.in_order(&*order), &ticker)?
            }
        };
        let grouping = Grouping {
            distinct: &self.distinct,
            labels: &labels,
            order: &*order,
        };
        grouping.clusters(
            self.documents.len(),
            |a, b| self.similarity(a, b),
            |removals| self.run.ticker(Stage::Measure, removals),
        )
    }

    /// Hands every pair of near-duplicates to `each` as it is found, until that fails. Only pairs of about a
    /// million candidates are held at a time.
    ///
    /// The order is the same in every run, but not ascending: first come all pairs of the documents
    /// with the shingle set of the first document, and so on.
    ///
    /// # Errors
    /// Where the run is cancelled; and the error of `each`.
    pub fn for_each_pair<E: From<Error>>(
        &self,
        mut each: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<(), E> {
        let verifier = self.verifier();
        let sets = self.distinct.len();
        let ticker = self.run.ticker(Stage::Verify, sets);
        let mut to = 0;
        while to < sets {
            let from = to;
            to = self.step_from(from);
            let found: Vec<Vec<(u32, Similarity)>> = (from..to)
                .into_par_iter()
                .map_init(Vec::new, |partners, set| {
                    ticker.tick(1)?;
                    self.buckets.partners_after(set, partners);
                    let verified =
                        |&other: &u32| Some((other, verifier.verify(set as u32, other)?));
                    Ok(partners.iter().filter_map(verified).collect())
                })
                .collect::<Result<_, Error>>()?;
            for (set, partners) in (from..to).zip(found) {
                self.pairs_within(set, &mut each)?;
                for (other, similarity) in partners {
                    self.pairs_between(set, other as usize, similarity, &mut each)?;
                }
            }
        }
        Ok(())
    }

    /// The end of the sets, from `from` on, that are looked at in one step: at least one, and others while
    /// their places in buckets, of which there are as many as candidates or more, are not too many.
    fn step_from(&self, from: usize) -> usize {
        const SETS: usize = 4096;
        const CANDIDATES: usize = 1 << 20;
        let end = self.distinct.len().min(from + SETS);
        let mut candidates = 0;
        let fits = |set: &usize| {
            let buckets = self.buckets.of_set(*set).iter();
            candidates += buckets
                .map(|&b| self.buckets.sets(b as usize).len())
                .sum::<usize>();
            candidates <= CANDIDATES
        };
        (from..end)
            .take_while(fits)
            .last()
            .map_or(from + 1, |set| set + 1)
    }

    fn verifier(&self) -> Verifier<'_> {
        Verifier {
            matrix: &self.matrix,
            sets: &self.sets,
            distinct: &self.distinct,
            threshold: self.deduper.threshold(),
            floor_slots: self.deduper.floor_slots(),
        }
    }

    /// The order by which documents are kept.
    fn keep_order(&self) -> Box<dyn Fn(usize, usize) -> Ordering + Sync + '_> {
        let length = |document: usize| self.documents[document].byte_len();
        match (self.run.keep_by, self.deduper.keep()) {
            (Some(order), _) => Box::new(order),
            (None, Keep::First) => Box::new(|a, b| a.cmp(&b)),
            (None, Keep::Longest) => Box::new(move |a, b| length(b).cmp(&length(a))),
        }
    }

    /// The exact similarity of two documents of one cluster.
    fn similarity(&self, a: usize, b: usize) -> Similarity {
        let set = |document| {
            let set = self.distinct.set_of(document);
            &self.sets[set.unwrap_or_else(|| unreachable!("empty documents are in no cluster"))]
        };
        set(a).similarity(set(b))
    }

    /// The pairs among documents with the same set.
    fn pairs_within<E>(
        &self,
        set: usize,
        each: &mut impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<(), E> {
        let documents = self.distinct.documents(set);
        if documents.len() == 1 {
            return Ok(());
        }
        let similarity = self.sets[set].similarity(&self.sets[set]);
        for (i, &a) in documents.iter().enumerate() {
            for &b in &documents[i + 1..] {
                each(Pair::of(a, b, similarity))?;
            }
        }
        Ok(())
    }

    /// The pairs of documents with one set and documents with another.
    fn pairs_between<E>(
        &self,
        left: usize,
        right: usize,
        similarity: Similarity,
        each: &mut impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<(), E> {
        for &a in self.distinct.documents(left) {
            for &b in self.distinct.documents(right) {
                each(Pair::of(a, b, similarity))?;
            }
        }
        Ok(())
    }
}

fn can_be_numbered<D>(documents: &[D]) -> Result<(), Error> {
    match documents.len() {
        n if n >= u32::MAX as usize => Err(Error::new(Kind::TooManyDocuments(n))),
        _ => Ok(()),
    }
}

/// What a thread keeps to make shingle sets with.
type Memory = (ReadBuffer, Scratch, Vec<u64>);

/// The shingle set of a document that has been sketched.
fn set_of<D: Document>(
    deduper: &Deduper,
    documents: &[D],
    document: usize,
    (buffer, scratch, hashes): &mut Memory,
) -> Result<ShingleSet, Error> {
    let content = documents[document]
        .content(buffer)
        .map_err(|error| Error::unreadable(document, &*error))?;
    let shingler = deduper.sketcher().shingler();
    shingler
        .content_into(content, scratch, hashes)
        .map_err(|error| Error::unreadable(document, &error))?;
    Ok(ShingleSet::from_buffer(hashes))
}
