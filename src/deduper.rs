//! The settings, validated, and the stages wired together.

use std::fmt::Debug;
use std::hash::Hash;

use crate::batch::{Batch, Pairs, Run};
use crate::chances::Chances;
use crate::cluster::{ClusterMode, Clusters, Keep};
use crate::digest::{Digester, Digests};
use crate::error::Error;
use crate::exact::Sampler;
use crate::lsh::{Banding, Index, valid_recall, valid_threshold};
use crate::method::{Budget, Method, Reason};
use crate::recall::{Missed, Recall};
use crate::sketch::{Scheme, Signature, SignatureMatrix, SketchKind, Sketcher};
use crate::stream::{Memory, Sieve};
use crate::text::{Document, Normalization, Shingle};
use crate::threshold::Threshold;
use crate::verify::{Pair, ShingleSet, Similarity, floor_slots};

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
/// assert_eq!((similarity.shared, similarity.jaccard), (4, 0.4));
/// # Ok::<(), resemblance::Error>(())
/// ```
///
/// # Which settings matter?
///
/// The threshold and the [shingle](crate::text#which-shingle-should-i-use). Trust the rest until a
/// measurement says otherwise. `Deduper::new()` is threshold 0.8 on shingles of five words.
/// [`docs/settings.md`](crate::settings) has advice and measurements by kind of text.
///
/// # Cost
///
/// One pass over the text, and another over documents that are candidates. Memory, beside the documents: 4 bytes a
/// hash and document (512 bytes with the defaults), some 80 bytes a document for collapsing copies and comparing
/// band keys, 8 bytes for each place in a bucket of two and more (at most one a band and document), and 8 bytes a
/// shingle of each distinct document that is a candidate: in all 700 bytes a document where one in seven of 100 words
/// is an edited copy. The [exact join](crate::exact#cost) has costs of its own. Work runs on the current rayon
/// pool; inside `ThreadPool::install` it stays in that pool. Results do not depend on the number of threads.
///
/// # Fallibility
///
/// Settings are validated by [`DeduperBuilder::build`]; afterwards nothing fails on them. Methods named
/// `try_` take documents that may be bytes or not in memory, and a [`Run`] that may be cancelled; they fail where
/// bytes are no text, a document cannot be read, the run was cancelled, or there is too much: documents, or, with
/// [`Method::Exact`] alone, memory or work for the exact join. Their twins on text can only fail where there is too
/// much, and then panic: at 2^32 - 1 documents or more, or where the exact join is beyond its budget.
#[derive(Debug, Clone)]
pub struct Deduper {
    sketcher: Sketcher,
    method: Method,
    banding: Banding,
    threshold: f64,
    /// Least equal slots with which a candidate is verified, and the recall that this costs.
    floor: (usize, f64),
    budget: Budget,
    mode: ClusterMode,
    keep: Keep,
    /// Pairs of sets that are compared in buckets, whatever the sets: tests choose few.
    bucket_pairs: Option<u64>,
}

/// Settings of a [`Deduper`]; each method states its default.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct DeduperBuilder {
    threshold: f64,
    method: Method,
    recall: f64,
    banding: Option<Banding>,
    exact: Budget,
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
            method: Method::default(),
            recall: 0.99,
            banding: None,
            exact: Budget::default(),
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

    /// How candidate pairs are found. Default [`Method::Lsh`].
    pub fn method(&mut self, method: Method) -> &mut Self {
        self.method = method;
        self
    }

    /// Bytes that the [exact join](crate::exact) may take for shingle sets and their index. Default 4 GiB. Where it
    /// would take more, [`Method::Exact`] fails, and [`Method::Auto`] takes LSH.
    pub fn exact_memory(&mut self, bytes: u64) -> &mut Self {
        self.exact.memory = bytes;
        self
    }

    /// Pairs that the [exact join](crate::exact) may look at, of which most are dismissed by a glance: some 10^8 a
    /// second and core. Default 2 x 10^10. Where it would look at more, [`Method::Exact`] fails, and [`Method::Auto`] takes
    /// LSH.
    pub fn exact_work(&mut self, pairs: u64) -> &mut Self {
        self.exact.work = pairs;
        self
    }

    /// Least probability with which a pair at the threshold is found, above 0 and at most 1; pairs above
    /// it are found with a greater one. Default 0.99. More costs more candidates: the banding is
    /// [`Banding::for_recall`]. 1 is for [`Method::Exact`], and makes [`Method::Auto`] take that.
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
    ///
    /// If somebody may write texts to deceive, draw a seed at random and keep it secret. Under a known seed, two texts can be
    /// made that have the same shingle hashes but no word in common, so that one passes for a copy of the other. For a
    /// secret seed, [`text`](crate::text) states how unlikely that is. Signatures and indexes can be compared only under the
    /// same seed, and whoever sees them can compute it with enough work.
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
        let mut recall = valid_recall(self.recall)?;
        // A tenth of what may be missed goes to candidates whose signatures say no.
        let loss = |recall: f64| (1.0 - recall) / 10.0;
        let method = match self.method {
            Method::Auto if recall >= 1.0 => Method::Exact,
            method => method,
        };
        let banding = match (self.banding, method) {
            (Some(banding), _) => banding.fits(self.hashes)?,
            // For an index alone: the best that there is, where the recall cannot be had.
            (None, Method::Exact) => Banding::for_recall(threshold, recall, self.hashes)
                .or_else(|_| Banding::new(self.hashes, 1))?,
            (None, _) => Banding::for_recall(threshold, recall + loss(recall), self.hashes)
                .map_err(|error| error.of_recall(recall))?,
        };
        if self.banding.is_some() {
            recall = banding.probability(threshold);
        }
        Ok(Deduper {
            sketcher: Sketcher::new(scheme),
            method,
            banding,
            threshold,
            floor: floor_slots(threshold, self.hashes, loss(recall)),
            budget: self.exact,
            mode: self.mode,
            keep: self.keep,
            bucket_pairs: None,
        })
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
    /// Where there are 2^32 - 1 texts or more, or [`Method::Exact`] would take more than
    /// [`exact_memory`](DeduperBuilder::exact_memory) or [`exact_work`](DeduperBuilder::exact_work) allow.
    pub fn clusters<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Clusters {
        self.try_clusters(texts, &Run::new())
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`clusters`](Self::clusters), for documents that may be bytes, in a run that may be watched.
    ///
    /// # Errors
    /// Where a document is bytes and no text, the run is cancelled, or there is too much (see [above](Self#fallibility)).
    pub fn try_clusters<D: Document + Sync>(
        &self,
        documents: &[D],
        run: &Run<'_>,
    ) -> Result<Clusters, Error> {
        self.batch(documents, run)?.clusters()
    }

    /// Every pair of near-duplicates that is found, by (a, b) ascending.
    ///
    /// As long as its answer: a thousand copies of a page are half a million pairs. Every candidate is
    /// verified, so that many pages of one template, not alike enough to be near-duplicates, take long for
    /// a short answer; [`clusters`](Self::clusters) does not enumerate them.
    ///
    /// # Panics
    /// Where there are 2^32 - 1 texts or more, or [`Method::Exact`] would take more than
    /// [`exact_memory`](DeduperBuilder::exact_memory) or [`exact_work`](DeduperBuilder::exact_work) allow.
    pub fn pairs<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Pairs {
        let mut pairs = Vec::new();
        let each = |pair| {
            pairs.push(pair);
            Ok::<(), Error>(())
        };
        let recall = self
            .try_pairs(texts, &Run::new(), each)
            .unwrap_or_else(|error| panic!("{error}"));
        Pairs::new(pairs, recall)
    }

    /// As [`pairs`](Self::pairs), for documents that may be bytes, in a run that may be watched; each
    /// pair is handed to `each` as it is found, see [`Batch::for_each_pair`].
    ///
    /// # Errors
    /// Where a document is bytes and no text, the run is cancelled, or there is too much (see above); and the
    /// error of `each`.
    pub fn try_pairs<D: Document + Sync, E: From<Error>>(
        &self,
        documents: &[D],
        run: &Run<'_>,
        each: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<Recall, E> {
        self.batch(documents, run)?.for_each_pair(each)
    }

    /// Brings documents as far as candidate pairs; the batch answers for pairs and clusters.
    ///
    /// # Errors
    /// Where a document is bytes and no text, the run is cancelled, or there is too much (see [above](Self#fallibility)).
    pub fn batch<'d, D: Document + Sync>(
        &'d self,
        documents: &'d [D],
        run: &Run<'d>,
    ) -> Result<Batch<'d, D>, Error> {
        Batch::new(self, documents, *run)
    }

    /// As [`batch`](Self::batch), of documents that have been looked at by the [`digester`](Self::digester) already.
    ///
    /// # Errors
    /// Where the digests are of another scheme, method or number; where a document cannot be read again, the run is
    /// cancelled, or the documents are too many.
    pub fn batch_of<'d, D: Document + Sync>(
        &'d self,
        documents: &'d [D],
        digests: Digests,
        run: &Run<'d>,
    ) -> Result<Batch<'d, D>, Error> {
        Batch::of(self, documents, digests, *run)
    }

    /// What makes the first pass over documents.
    pub fn digester(&self) -> Digester {
        let sampler = || Sampler::new(Threshold(self.threshold));
        let sketcher = self.sketcher.clone();
        match self.method {
            Method::Lsh => Digester::new(sketcher, true, None),
            Method::Exact => Digester::new(sketcher, false, Some(sampler())),
            Method::Auto => Digester::new(sketcher, true, Some(sampler())),
        }
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

    /// Passes documents not seen before, one at a time; `memory` is what is remembered of those that were passed:
    /// [`Window::all`](crate::stream::Window::all), or one that is bounded (see
    /// [which to use](crate::stream#which-memory-should-i-use)). Candidates are found by bands, whatever the method is.
    ///
    /// # Errors
    /// Where a setting of the memory is out of its range, or there is no memory of that size.
    pub fn sieve(&self, memory: impl Into<Memory>) -> Result<Sieve, Error> {
        Sieve::new(self, memory.into())
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

    /// The probability that a pair exactly at the threshold is found, at least; above it, more. 1 with [`Method::Exact`], else what the
    /// [banding](Banding::probability) gives, less what is lost by verifying no candidate whose estimate lies
    /// below [`estimate_floor`](Self::estimate_floor).
    ///
    /// What was missed in a run is told by its [`Recall`](crate::Recall).
    pub fn recall(&self) -> f64 {
        if self.method == Method::Exact {
            return 1.0;
        }
        (self.banding.probability(self.threshold) - self.floor.1).max(0.0)
    }

    /// The least estimate with which a candidate is verified: so far below the threshold that it costs
    /// no more than a tenth of what the recall allows to be missed.
    pub fn estimate_floor(&self) -> f64 {
        self.floor.0 as f64 / self.scheme().hashes() as f64
    }

    pub(crate) fn floor_slots(&self) -> usize {
        self.floor.0
    }

    /// With which probability a method finds pairs.
    pub(crate) fn chances(&self, method: Method) -> Chances {
        match method {
            Method::Exact => Chances::certain(),
            _ => Chances::new(
                self.threshold,
                self.banding,
                self.scheme().sketch(),
                self.scheme().hashes(),
                self.floor_slots(),
            ),
        }
    }

    /// What is told of a run by this method, in which pairs were found and missed.
    pub(crate) fn recall_of(
        &self,
        (method, reason): (Method, Reason),
        (found, missed): (u64, Missed),
        unseen: u64,
    ) -> Recall {
        let (banding, promised) = match method {
            Method::Exact => (None, 1.0),
            _ => (Some(self.banding), self.recall()),
        };
        Recall {
            method,
            reason,
            banding,
            promised,
            found,
            missed,
            unseen,
        }
    }

    /// Pairs that are compared in the buckets of so many distinct sets, at most: the largest buckets are crowded, so that
    /// no more are left in the others.
    pub(crate) fn most_bucket_pairs(&self, sets: usize) -> u64 {
        /// For each set.
        const PAIRS: u64 = 32;
        /// So many in any case.
        const FEW: u64 = 1 << 16;
        self.bucket_pairs.unwrap_or(FEW.max(PAIRS * sets as u64))
    }

    /// One for which buckets of so many pairs together are not crowded.
    #[cfg(test)]
    pub(crate) fn with_bucket_pairs(self, most: u64) -> Self {
        Self {
            bucket_pairs: Some(most),
            ..self
        }
    }

    pub(crate) fn budget(&self) -> Budget {
        self.budget
    }

    /// How candidate pairs are found.
    pub fn method(&self) -> Method {
        self.method
    }

    /// How pairs become clusters.
    pub fn cluster_mode(&self) -> ClusterMode {
        self.mode
    }

    /// Which copy is kept.
    pub fn keep(&self) -> Keep {
        self.keep
    }
}
