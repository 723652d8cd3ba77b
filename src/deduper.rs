//! The entry point, which connects the stages.

use std::fmt::{self, Debug};
use std::hash::Hash;
use std::sync::Arc;

use crate::aside::SetAside;
use crate::batch::{Batch, Pairs, Run};
use crate::cluster::{ClusterMode, Clusters, Keep};
use crate::containment::ContainmentIndex;
use crate::error::Error;
use crate::lsh::{Banding, Index};
use crate::method::Method;
use crate::passage::{PassageFinder, Passages};
use crate::recall::Recall;
use crate::settings::{DeduperBuilder, Settings};
use crate::similarity::Rule;
use crate::sketch::{Scheme, Signature, SignatureMatrix, Sketcher};
use crate::stream::{Memory, Sieve};
use crate::text::Document;
use crate::verify::{Measure, Pair, Similarity};
use crate::watch::Ticker;
use crate::weights::Weights;

/// Finds near-duplicates, from texts to clusters, with one set of settings.
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
/// The threshold and the [shingle](crate::text#which-shingle-should-i-use). Trust the defaults for the rest until a
/// measurement says otherwise. `Deduper::new()` has threshold 0.8 and shingles of five words.
/// [`docs/settings.md`](crate::guides::settings) has advice and measurements by kind of text.
///
/// # Cost
///
/// Time: one pass over all documents, and a second one over the candidates. Work runs on the current rayon pool; inside
/// `ThreadPool::install` it stays in that pool. Results do not depend on the number of threads.
///
/// Memory, in addition to the documents:
///
/// - 4 bytes per hash and document (512 bytes per document with the defaults);
/// - about 80 bytes per document for collapsing copies and comparing band keys;
/// - 8 bytes per entry in a bucket of two or more documents (at most one entry per band and document);
/// - 8 bytes per shingle of each distinct document that is a candidate.
///
/// Together these are 700 bytes per document, if documents have 100 words and one in seven is an edited copy. The
/// [exact join](crate::guides::exact_join#cost) has other costs.
///
/// # Fallibility
///
/// [`DeduperBuilder::build`] validates the settings; afterwards no method fails because of them.
///
/// Methods named `try_`, and [`batch`](Self::batch), take documents that may be bytes or not in memory, and a [`Run`]
/// that may be cancelled. They fail if
///
/// - a document is bytes that are not text, or cannot be read;
/// - the run was cancelled;
/// - there are 2^32 - 1 documents or more;
/// - with [`Method::Exact`] only: the exact join would exceed its limits of memory or work.
///
/// Their twins on text can fail only for the last two reasons, and then panic.
#[derive(Clone)]
pub struct Deduper {
    settings: Arc<Settings>,
}

impl Debug for Deduper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deduper")
            .field("measure", &self.measure())
            .field("weights", &self.weights())
            .field("threshold", &self.threshold())
            .field("method", &self.method())
            .field("banding", &self.banding())
            .field("scheme", &self.scheme())
            .field("cluster_mode", &self.cluster_mode())
            .field("keep", &self.keep())
            .finish_non_exhaustive()
    }
}

impl DeduperBuilder {
    /// Validates the settings and returns the deduper.
    ///
    /// # Errors
    /// If a setting is out of range, the recall cannot be reached with this number of hashes, or the banding needs more
    /// slots than a signature has. The error names the setting and its value.
    pub fn build(&self) -> Result<Deduper, Error> {
        let settings = Arc::new(self.validated()?);
        Ok(Deduper { settings })
    }
}

impl Default for Deduper {
    fn default() -> Self {
        Self::new()
    }
}

impl Deduper {
    /// A deduper with the defaults of the [builder](Self::builder).
    pub fn new() -> Self {
        DeduperBuilder::default()
            .build()
            .unwrap_or_else(|error| unreachable!("the defaults are valid: {error}"))
    }

    /// A builder with the default settings.
    pub fn builder() -> DeduperBuilder {
        DeduperBuilder::default()
    }

    /// The clusters of near-duplicates among `texts`, and which copies to keep.
    ///
    /// # Panics
    /// If there are 2^32 - 1 texts or more, or [`Method::Exact`] would exceed
    /// [`exact_memory`](DeduperBuilder::exact_memory) or [`exact_work`](DeduperBuilder::exact_work).
    pub fn clusters<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Clusters {
        self.try_clusters(texts, &Run::new())
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Like [`clusters`](Self::clusters), for items that contain a text, such as structs; `text` returns the text of an
    /// item. No text is copied.
    ///
    /// ```
    /// use resemblance::Deduper;
    ///
    /// struct Article { id: u32, body: String }
    /// # let article = |id, body: &str| Article { id, body: body.to_owned() };
    ///
    /// let articles = [
    ///     article(7, "volunteers will open the lighthouse to visitors in june"),
    ///     article(8, "Volunteers will open the lighthouse to visitors in June."),
    /// ];
    /// let clusters = Deduper::new().clusters_by(&articles, |article| &article.body);
    /// for removal in clusters.removed() {
    ///     println!("{} is a copy of {}", articles[removal.document].id, articles[removal.kept].id);
    /// }
    /// # assert_eq!(clusters.removed().len(), 1);
    /// ```
    ///
    /// # Panics
    /// Like [`clusters`](Self::clusters).
    pub fn clusters_by<T, S: AsRef<str> + Sync + ?Sized>(
        &self,
        items: &[T],
        text: impl Fn(&T) -> &S,
    ) -> Clusters {
        let texts: Vec<&S> = items.iter().map(text).collect();
        self.clusters(&texts)
    }

    /// Like [`clusters`](Self::clusters), for documents that may be bytes, and with a run that can be watched or
    /// cancelled.
    ///
    /// # Errors
    /// For the reasons listed under [Fallibility](Self#fallibility).
    pub fn try_clusters<D: Document + Sync>(
        &self,
        documents: &[D],
        run: &Run<'_>,
    ) -> Result<Clusters, Error> {
        self.batch(documents, run)?.clusters()
    }

    /// Every pair of near-duplicates that is found, sorted by (a, b).
    ///
    /// Time and memory grow with the number of pairs: a thousand copies of a page are half a million pairs.
    /// [`clusters`](Self::clusters) does not enumerate them.
    ///
    /// # Panics
    /// If there are 2^32 - 1 texts or more, or [`Method::Exact`] would exceed
    /// [`exact_memory`](DeduperBuilder::exact_memory) or [`exact_work`](DeduperBuilder::exact_work).
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

    /// Like [`pairs`](Self::pairs), for documents that may be bytes, and with a run that can be watched or cancelled.
    /// Calls `each` with every pair as it is found, see [`Batch::for_each_pair`].
    ///
    /// # Errors
    /// For the reasons listed under [Fallibility](Self#fallibility), or if `each` returns an error.
    pub fn try_pairs<D: Document + Sync, E: From<Error>>(
        &self,
        documents: &[D],
        run: &Run<'_>,
        each: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<Recall, E> {
        self.batch(documents, run)?.for_each_pair(each)
    }

    /// Finds the candidate pairs of documents. The returned batch computes pairs and clusters from them.
    ///
    /// # Errors
    /// For the reasons listed under [Fallibility](Self#fallibility).
    pub fn batch<'d, D: Document + Sync>(
        &'d self,
        documents: &'d [D],
        run: &Run<'d>,
    ) -> Result<Batch<'d, D>, Error> {
        Batch::new(&self.settings, documents, *run)
    }

    /// The passages that many documents of a group share, which [`try_clusters`](Self::try_clusters) and its siblings set
    /// [aside](crate::aside) on their own. Use this to see them, or to index and query what remains of texts.
    /// Documents that cannot be read are skipped.
    pub fn set_aside<D: Document + Sync>(&self, documents: &[D]) -> SetAside {
        let counter = self.settings.counter();
        let counted = counter.add_all(documents, &Ticker::silent());
        counted.unwrap_or_else(|error| unreachable!("nobody cancels: {error}"));
        counter.finish(None)
    }

    /// The exact similarity of two texts, without weights.
    pub fn similarity(&self, a: impl AsRef<str>, b: impl AsRef<str>) -> Similarity {
        let set = |text: &str| self.sketcher().set(text);
        set(a.as_ref()).similarity(&set(b.as_ref()))
    }

    /// The [passages](crate::passage) that two texts share: what is the same in both, and where.
    ///
    /// # Panics
    /// If both texts together have more than 2^32 - 4 words.
    pub fn passages<'t, A, B>(&self, a: &'t A, b: &'t B) -> Passages<'t>
    where
        A: AsRef<str> + ?Sized,
        B: AsRef<str> + ?Sized,
    {
        self.passage_finder().find(a, b)
    }

    /// A finder of passages with this normalization and kind of token. Use it to change how long passages and their gaps
    /// are.
    pub fn passage_finder(&self) -> PassageFinder {
        let shingler = self.sketcher().shingler();
        PassageFinder::new(shingler.normalization(), shingler.shingle())
    }

    /// The signature of a text.
    pub fn signature(&self, text: impl AsRef<str>) -> Signature {
        self.sketcher().signature(text)
    }

    /// The signature of a shingle set, for an [`Index`]. The [`shingle_set`](Self::shingle_set) of a text has the
    /// signature of the text.
    pub fn signature_of_set(&self, shingles: &[u64]) -> Signature {
        self.sketcher().signature_of_set(shingles)
    }

    /// The shingle set of a text: distinct hashes of 8 bytes, ascending.
    ///
    /// Wrapped in [`Shingles`](crate::text::Shingles), the hashes are a document that gives the same answers as the
    /// text, without being split and hashed again.
    pub fn shingle_set(&self, text: impl AsRef<str>) -> Vec<u64> {
        sorted(self.sketcher().shingler().text(text.as_ref()))
    }

    /// The shingle set of a document whose tokens are numbers of your own, such as the ids of a tokenizer. Every n
    /// consecutive ids make a shingle.
    ///
    /// n is the number in [`DeduperBuilder::shingle`], whether it counts words, characters or bytes; normalization has
    /// no effect. Fewer than n ids make one shingle. With n = 1 the ids are compared as a set. Compare only documents
    /// whose ids come from the same vocabulary: neither the settings nor a signature record it.
    pub fn shingle_set_of_ids(&self, ids: impl IntoIterator<Item = impl Into<u64>>) -> Vec<u64> {
        sorted(self.sketcher().shingler().token_ids(ids))
    }

    /// The signatures of many texts, computed in parallel.
    pub fn signatures<T: AsRef<str> + Sync>(&self, texts: &[T]) -> SignatureMatrix {
        self.sketcher().signatures(texts)
    }

    /// An empty index with these settings, for documents that arrive one at a time. It compares by Jaccard similarity
    /// without weights, whatever the [`measure`](DeduperBuilder::measure) and the [`weights`](DeduperBuilder::weights).
    pub fn index<Id: Clone + Eq + Hash + Debug>(&self) -> Index<Id> {
        Index::new(self.sketcher().clone(), self.banding(), self.threshold())
            .unwrap_or_else(|error| unreachable!("validated: {error}"))
    }

    /// An empty index that finds the documents which contain a text, and those that a text contains; see
    /// [`containment`](crate::containment). It compares shingles of this kind, normalization and seed, without weights.
    /// The share that counts is part of each query: the threshold and all other settings have no effect.
    pub fn containment_index<Id: Clone + Eq + Hash + Debug>(&self) -> ContainmentIndex<Id> {
        ContainmentIndex::new(self.sketcher().shingler().clone())
    }

    /// A filter for streams that passes only documents not seen before, one at a time.
    ///
    /// `memory` is what the sieve remembers of passed documents: [`Window::all`](crate::stream::Window::all), or a
    /// bounded memory (see [which to use](crate::stream#which-memory-should-i-use)). Candidates are always found by
    /// bands, whatever the method.
    ///
    /// # Errors
    /// If a setting of the memory is out of range, a memory of that size cannot be allocated, or the measure is
    /// [`Measure::Containment`], or there are weights.
    pub fn sieve(&self, memory: impl Into<Memory>) -> Result<Sieve, Error> {
        Sieve::new(&self.settings, memory.into())
    }

    /// The sketcher, which computes shingles and signatures.
    pub fn sketcher(&self) -> &Sketcher {
        self.settings.sketcher()
    }

    /// The scheme of the signatures: the settings that two signatures must share to be compared.
    pub fn scheme(&self) -> &Scheme {
        self.settings.scheme()
    }

    /// The banding, set or chosen for the recall.
    pub fn banding(&self) -> Banding {
        self.settings.banding()
    }

    /// What of two documents is compared with the threshold.
    pub fn measure(&self) -> Measure {
        self.settings.measure()
    }

    /// How much each shingle counts.
    pub fn weights(&self) -> Weights {
        self.settings.weights()
    }

    /// The lowest similarity of near-duplicates.
    pub fn threshold(&self) -> f64 {
        self.settings.threshold()
    }

    /// The least probability with which a pair exactly at the threshold is found. More similar pairs have a higher one.
    ///
    /// This is 1 with [`Method::Exact`]. Otherwise it is the probability of the [banding](Banding::probability), minus
    /// the loss from candidates that are not verified because their estimate lies below
    /// [`estimate_floor`](Self::estimate_floor). The [`Recall`](crate::Recall) of a run estimates how many pairs it
    /// missed.
    pub fn recall(&self) -> f64 {
        self.settings.recall()
    }

    /// The lowest estimate with which a candidate is verified. It is so far below the threshold that the unverified
    /// candidates are at most a tenth of the pairs that may be missed at this recall.
    pub fn estimate_floor(&self) -> f64 {
        self.settings.estimate_floor()
    }

    /// Sets how many pairs the uncrowded buckets may have together.
    #[cfg(test)]
    pub(crate) fn with_bucket_pairs(mut self, most: u64) -> Self {
        Arc::make_mut(&mut self.settings).bucket_pairs = Some(most);
        self
    }

    /// The same deduper, with the exact join.
    pub(crate) fn exact(&self) -> Self {
        let mut exact = self.clone();
        Arc::make_mut(&mut exact.settings).set_exact();
        exact
    }

    /// How candidate pairs are found.
    pub fn method(&self) -> Method {
        self.settings.method()
    }

    /// How pairs become clusters.
    pub fn cluster_mode(&self) -> ClusterMode {
        self.settings.cluster_mode()
    }

    /// Which copy is kept.
    pub fn keep(&self) -> Keep {
        self.settings.keep()
    }

    /// The rule by which two documents are near-duplicates.
    pub(crate) fn rule(&self) -> Rule {
        self.settings.rule()
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }
}

/// Sorts hashes and removes duplicates.
fn sorted(mut hashes: Vec<u64>) -> Vec<u64> {
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}
