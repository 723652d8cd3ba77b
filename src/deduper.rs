//! The settings, validated, and the stages wired together.

use std::cmp::Ordering;

use std::fmt::Debug;
use std::hash::Hash;

use rayon::prelude::*;

use crate::cluster::{Candidates, ClusterMode, Clusters, Grouping, Keep, components, leaders};
use crate::error::{Error, Kind};
use crate::lsh::{Banding, Buckets, Distinct, Index, valid_recall, valid_threshold};
use crate::sketch::{Scheme, Signature, SignatureMatrix, SketchKind, Sketcher};
use crate::text::{Document, Normalization, Scratch, Shingle};
use crate::verify::{Pair, ShingleSet, Similarity, Verifier, estimate_floor, floor_slots};
use crate::watch::{Stage, Ticker, Watch};

/// Finds near-duplicates: every setting in one place, and the whole way from texts to clusters.
///
/// ```
/// use resemblance::{Deduper, Shingle};
///
/// let deduper = Deduper::builder().threshold(0.7).shingle(Shingle::Words(3)).build()?;
/// let similarity = deduper.similarity(
///     "a quick brown fox jumps over a lazy dog",
///     "A quick brown fox jumps over the lazy dog",
/// );
/// assert_eq!((similarity.shared, similarity.jaccard), (5, 5.0 / 9.0));
/// # Ok::<(), resemblance::Error>(())
/// ```
///
/// # Which settings matter?
///
/// The threshold and the [shingle](crate::text#which-shingle-should-i-use). Trust the rest until a
/// measurement says otherwise. `Deduper::new()` is threshold 0.8 on shingles of five words.
///
/// # Cost
///
/// One pass over the text, then memory of 4 bytes a hash and document (512 bytes with the defaults),
/// about 12 bytes a document for collapsing copies, and 8 bytes a shingle of each document that is a
/// candidate. Work runs on the current rayon pool; inside `ThreadPool::install` it stays in that
/// pool. Results do not depend on the number of threads.
///
/// # Fallibility
///
/// Settings are validated by [`DeduperBuilder::build`]; afterwards nothing fails on them. Methods named
/// `try_` take documents that may be bytes, and a [`Run`] that may be cancelled; they fail where bytes
/// are no text or the run was cancelled, and for no other reason but too many documents. Their
/// twins on text cannot fail, and panic at 2^32 - 1 documents or more.
#[derive(Debug, Clone)]
pub struct Deduper {
    sketcher: Sketcher,
    banding: Banding,
    threshold: f64,
    mode: ClusterMode,
    keep: Keep,
}

/// Settings of a [`Deduper`]; each method states its default.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct DeduperBuilder {
    threshold: f64,
    recall: f64,
    banding: Option<Banding>,
    sketch: SketchKind,
    hashes: usize,
    shingle: Shingle,
    normalization: Normalization,
    seed: u64,
    mode: ClusterMode,
    keep: Keep,
}

impl Default for DeduperBuilder {
    fn default() -> Self {
        Self {
            threshold: 0.8,
            recall: 0.99,
            banding: None,
            sketch: SketchKind::default(),
            hashes: 128,
            shingle: Shingle::default(),
            normalization: Normalization::default(),
            seed: 0,
            mode: ClusterMode::default(),
            keep: Keep::default(),
        }
    }
}

impl DeduperBuilder {
    /// Least Jaccard similarity of near-duplicates, above 0 and at most 1. Default 0.8.
    pub fn threshold(&mut self, threshold: f64) -> &mut Self {
        self.threshold = threshold;
        self
    }

    /// Least probability with which a pair at the threshold is found, above 0 and at most 1; pairs above
    /// it are found with a greater one. Default 0.99. More costs more candidates: the banding is
    /// [`Banding::for_recall`].
    pub fn recall(&mut self, recall: f64) -> &mut Self {
        self.recall = recall;
        self
    }

    /// The banding itself instead of a recall. Default: chosen by [`recall`](Self::recall).
    pub fn banding(&mut self, banding: Banding) -> &mut Self {
        self.banding = Some(banding);
        self
    }

    /// The sketch. Default [`SketchKind::FastSimilarity`].
    pub fn sketch(&mut self, sketch: SketchKind) -> &mut Self {
        self.sketch = sketch;
        self
    }

    /// K, the slots of a signature, from 1 to 65,535. Default 128. More makes estimates and bands
    /// sharper, at 4 bytes a slot and document.
    pub fn hashes(&mut self, hashes: usize) -> &mut Self {
        self.hashes = hashes;
        self
    }

    /// What is compared. Default [`Shingle::Words`]`(5)`.
    pub fn shingle(&mut self, shingle: Shingle) -> &mut Self {
        self.shingle = shingle;
        self
    }

    /// What is done to a text first. Default [`Normalization::NFKC_CASEFOLD`].
    pub fn normalization(&mut self, normalization: Normalization) -> &mut Self {
        self.normalization = normalization;
        self
    }

    /// Seed of all hashes. Default 0. Another seed misses other pairs.
    pub fn seed(&mut self, seed: u64) -> &mut Self {
        self.seed = seed;
        self
    }

    /// How pairs become clusters. Default [`ClusterMode::Components`].
    pub fn cluster_mode(&mut self, mode: ClusterMode) -> &mut Self {
        self.mode = mode;
        self
    }

    /// Which copy is kept. Default [`Keep::First`]; an order of your own goes to
    /// [`Run::keep_by`].
    pub fn keep(&mut self, keep: Keep) -> &mut Self {
        self.keep = keep;
        self
    }

    /// The deduper.
    ///
    /// # Errors
    /// Where a setting is out of its range, the recall cannot be reached with so few hashes, or the
    /// banding has more slots than a signature. The error names setting and value.
    pub fn build(&self) -> Result<Deduper, Error> {
        let scheme = Scheme::new(
            self.sketch,
            self.hashes,
            self.shingle,
            self.normalization,
            self.seed,
        )?;
        let threshold = valid_threshold(self.threshold)?;
        let recall = valid_recall(self.recall)?;
        let banding = match self.banding {
            Some(banding) => banding.fits(self.hashes)?,
            None => Banding::for_recall(threshold, recall, self.hashes)?,
        };
        Ok(Deduper {
            sketcher: Sketcher::new(scheme),
            banding,
            threshold,
            mode: self.mode,
            keep: self.keep,
        })
    }
}

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
    keep_by: Option<&'a KeepOrder>,
}

/// Compares two documents by number; the lesser is kept.
type KeepOrder = dyn Fn(usize, usize) -> Ordering + Sync;

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
    pub fn keep_by(self, order: &'a KeepOrder) -> Self {
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

impl Default for Deduper {
    fn default() -> Self {
        Self::new()
    }
}

impl Deduper {
    /// One with the defaults of the [builder](Self::builder).
    pub fn new() -> Self {
        DeduperBuilder::default()
            .build()
            .unwrap_or_else(|error| unreachable!("the defaults are valid: {error}"))
    }

    /// Settings to choose.
    pub fn builder() -> DeduperBuilder {
        DeduperBuilder::default()
    }

    /// The clusters of near-duplicates among `texts`, and which copies to keep.
    ///
    /// # Panics
    /// Where there are 2^32 - 1 texts or more.
    pub fn clusters<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Clusters {
        self.try_clusters(texts, &Run::new())
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`clusters`](Self::clusters), for documents that may be bytes, in a run that may be watched.
    ///
    /// A pair that is connected already is not compared, and a bucket in which comparisons keep failing
    /// (over 64 for each of its sets) is split by further slots instead of being enumerated.
    ///
    /// # Errors
    /// Where a document is bytes and no text, the run is cancelled, or the documents are too many.
    pub fn try_clusters<D: Document + Sync>(
        &self,
        documents: &[D],
        run: &Run<'_>,
    ) -> Result<Clusters, Error> {
        let batch = self.prepare(documents, run)?;
        let order = self.keep_order(documents, run);
        let order = &*order;
        let verifier = self.verifier(&batch);
        let candidates = Candidates {
            buckets: &batch.buckets,
            sets: batch.distinct.len(),
            row: |set| verifier.row(set as usize),
            similar: |a, b| verifier.verify(a, b).is_some(),
        };
        let label = match self.mode {
            ClusterMode::Components => {
                let ticker = run.ticker(Stage::Verify, batch.buckets.places());
                components(&candidates, &ticker)?
            }
            ClusterMode::Leader => {
                let ticker = run.ticker(Stage::Verify, batch.distinct.len());
                leaders(&candidates, &batch.distinct.in_order(order), &ticker)?
            }
        };
        let grouping = Grouping {
            distinct: &batch.distinct,
            label: &label,
            order,
        };
        Ok(grouping.clusters(documents.len(), |a, b| batch.similarity(a, b)))
    }

    /// Every pair of near-duplicates that is found, by (a, b) ascending. As long as its answer: a
    /// thousand copies of a page are half a million pairs.
    ///
    /// # Panics
    /// Where there are 2^32 - 1 texts or more.
    pub fn pairs<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Vec<Pair> {
        let mut pairs = Vec::new();
        self.try_pairs(texts, &Run::new(), |pair| pairs.push(pair))
            .unwrap_or_else(|error| panic!("{error}"));
        pairs.sort_unstable_by_key(|pair| (pair.a, pair.b));
        pairs
    }

    /// As [`pairs`](Self::pairs), for documents that may be bytes, in a run that may be watched; each
    /// pair is handed out as it is found and not held.
    ///
    /// The order is the same in every run, but not ascending: first all pairs of the documents with the
    /// shingle set of document 0, and so on.
    ///
    /// # Errors
    /// Where a document is bytes and no text, the run is cancelled, or the documents are too many.
    pub fn try_pairs<D: Document + Sync>(
        &self,
        documents: &[D],
        run: &Run<'_>,
        mut each: impl FnMut(Pair),
    ) -> Result<(), Error> {
        /// Sets whose pairs are held until they are handed out.
        const BATCH: usize = 1024;
        let batch = self.prepare(documents, run)?;
        let verifier = self.verifier(&batch);
        let ticker = run.ticker(Stage::Verify, batch.distinct.len());
        for from in (0..batch.distinct.len()).step_by(BATCH) {
            let to = batch.distinct.len().min(from + BATCH);
            let found: Vec<Vec<(u32, Similarity)>> = (from..to)
                .into_par_iter()
                .map_init(Vec::new, |partners, set| {
                    ticker.tick(1)?;
                    batch.buckets.partners_after(set, partners);
                    let verified =
                        |&other: &u32| Some((other, verifier.verify(set as u32, other)?));
                    Ok(partners.iter().filter_map(verified).collect())
                })
                .collect::<Result<_, Error>>()?;
            for (set, partners) in (from..to).zip(found) {
                batch.pairs_within(set, &mut each);
                for (other, similarity) in partners {
                    batch.pairs_between(set, other as usize, similarity, &mut each);
                }
            }
        }
        Ok(())
    }

    /// The exact similarity of two texts.
    pub fn similarity(&self, a: impl AsRef<str>, b: impl AsRef<str>) -> Similarity {
        let set = |text: &str| ShingleSet::from_hashes(self.sketcher.shingler().text(text));
        set(a.as_ref()).similarity(&set(b.as_ref()))
    }

    /// The signature of a text.
    pub fn signature(&self, text: impl AsRef<str>) -> Signature {
        self.sketcher.signature(text)
    }

    /// The signature of a set of ids of your own, see [`Sketcher::signature_of_ids`].
    pub fn signature_of_ids(&self, ids: impl IntoIterator<Item = u64>) -> Signature {
        self.sketcher.signature_of_ids(ids)
    }

    /// The signatures of many texts, made in parallel.
    pub fn signatures<T: AsRef<str> + Sync>(&self, texts: &[T]) -> SignatureMatrix {
        self.sketcher.signatures(texts)
    }

    /// An empty index with these settings, for documents that come one at a time.
    pub fn index<Id: Clone + Eq + Hash + Debug>(&self) -> Index<Id> {
        Index::new(self.sketcher.clone(), self.banding, self.threshold)
            .unwrap_or_else(|error| unreachable!("validated: {error}"))
    }

    /// What makes shingles and signatures.
    pub fn sketcher(&self) -> &Sketcher {
        &self.sketcher
    }

    /// What the signatures' numbers mean.
    pub fn scheme(&self) -> &Scheme {
        self.sketcher.scheme()
    }

    /// The banding in force.
    pub fn banding(&self) -> Banding {
        self.banding
    }

    /// Least Jaccard similarity of near-duplicates.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The probability that a pair exactly at the threshold becomes a candidate; above it, more.
    pub fn recall(&self) -> f64 {
        self.banding.probability(self.threshold)
    }

    /// The least estimate with which a candidate is verified, 4 standard errors below the threshold.
    pub fn estimate_floor(&self) -> f64 {
        estimate_floor(self.threshold, self.scheme().hashes())
    }

    /// How pairs become clusters.
    pub fn cluster_mode(&self) -> ClusterMode {
        self.mode
    }

    /// Which copy is kept.
    pub fn keep(&self) -> Keep {
        self.keep
    }

    /// Text to candidates: what pairs and clusters share.
    fn prepare<D: Document + Sync>(&self, documents: &[D], run: &Run<'_>) -> Result<Batch, Error> {
        let n = documents.len();
        if n >= u32::MAX as usize {
            return Err(Error::new(Kind::TooManyDocuments(n)));
        }
        let ticker = run.ticker(Stage::Sketch, n);
        let matrix = self.sketcher.try_signatures(documents, &ticker)?;
        let shingler = self.sketcher.shingler();
        let set_of = |document: usize, scratch: &mut Scratch, hashes: &mut Vec<u64>| {
            shingler
                .content_into(documents[document].content(), scratch, hashes)
                .unwrap_or_else(|error| unreachable!("sketched before: {error}"));
            ShingleSet::from_buffer(hashes)
        };
        let distinct = Distinct::new(&matrix, |document| {
            set_of(document, &mut Scratch::default(), &mut Vec::new()).fingerprint()
        });
        let ticker = run.ticker(Stage::Candidates, self.banding.bands());
        let buckets = Buckets::try_new(&matrix, &distinct, self.banding, &ticker)?;
        let ticker = run.ticker(Stage::Sets, distinct.len());
        let sets = (0..distinct.len())
            .into_par_iter()
            .map_init(<(Scratch, Vec<u64>)>::default, |(scratch, hashes), set| {
                ticker.tick(1)?;
                let wanted = !buckets.of_set(set).is_empty() || distinct.documents(set).len() > 1;
                Ok(match wanted {
                    true => set_of(distinct.first(set), scratch, hashes),
                    false => ShingleSet::default(),
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Batch {
            matrix,
            distinct,
            buckets,
            sets,
        })
    }

    fn verifier<'b>(&self, batch: &'b Batch) -> Verifier<'b> {
        Verifier {
            matrix: &batch.matrix,
            sets: &batch.sets,
            distinct: &batch.distinct,
            threshold: self.threshold,
            floor_slots: floor_slots(self.threshold, self.scheme().hashes()),
        }
    }

    /// The order by which documents are kept.
    fn keep_order<'d, D: Document + Sync>(
        &self,
        documents: &'d [D],
        run: &Run<'d>,
    ) -> Box<dyn Fn(usize, usize) -> Ordering + Sync + 'd> {
        let length = |document: usize| documents[document].content().len();
        match (run.keep_by, self.keep) {
            (Some(order), _) => Box::new(order),
            (None, Keep::First) => Box::new(|a, b| a.cmp(&b)),
            (None, Keep::Longest) => Box::new(move |a, b| length(b).cmp(&length(a))),
        }
    }
}

/// A collection on its way: signatures, distinct sets, buckets, and the shingle sets of candidates.
struct Batch {
    matrix: SignatureMatrix,
    distinct: Distinct,
    buckets: Buckets,
    /// Empty for sets that are no candidates.
    sets: Vec<ShingleSet>,
}

impl Batch {
    /// The exact similarity of two documents of one cluster.
    fn similarity(&self, a: usize, b: usize) -> Similarity {
        let set = |document| {
            let set = self.distinct.set_of(document);
            &self.sets[set.unwrap_or_else(|| unreachable!("empty documents are in no cluster"))]
        };
        set(a).similarity(set(b))
    }

    /// The pairs among documents with the same set.
    fn pairs_within(&self, set: usize, each: &mut impl FnMut(Pair)) {
        let documents = self.distinct.documents(set);
        if documents.len() < 2 {
            return;
        }
        let similarity = self.sets[set].similarity(&self.sets[set]);
        for (i, &a) in documents.iter().enumerate() {
            for &b in &documents[i + 1..] {
                each(Pair {
                    a: a as usize,
                    b: b as usize,
                    similarity,
                });
            }
        }
    }

    /// The pairs of documents with one set and documents with another.
    fn pairs_between(
        &self,
        left: usize,
        right: usize,
        similarity: Similarity,
        each: &mut impl FnMut(Pair),
    ) {
        for &a in self.distinct.documents(left) {
            for &b in self.distinct.documents(right) {
                each(match a < b {
                    true => Pair {
                        a: a as usize,
                        b: b as usize,
                        similarity,
                    },
                    false => Pair {
                        a: b as usize,
                        b: a as usize,
                        similarity: similarity.reversed(),
                    },
                });
            }
        }
    }
}
