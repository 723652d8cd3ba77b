//! The stages wired together.

use std::fmt::{self, Debug};
use std::hash::Hash;
use std::sync::Arc;

use crate::batch::{Batch, Pairs, Run};
use crate::cluster::{ClusterMode, Clusters, Keep};
use crate::error::Error;
use crate::lsh::{Banding, Index};
use crate::method::Method;
use crate::recall::Recall;
use crate::settings::{DeduperBuilder, Settings};
use crate::sketch::{Scheme, Signature, SignatureMatrix, Sketcher};
use crate::stream::{Memory, Sieve};
use crate::text::Document;
use crate::verify::{Pair, ShingleSet, Similarity};

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
/// [`docs/settings.md`](crate::guides::settings) has advice and measurements by kind of text.
///
/// # Cost
///
/// One pass over the text, and another over documents that are candidates. Memory, beside the documents: 4 bytes a
/// hash and document (512 bytes with the defaults), some 80 bytes a document for collapsing copies and comparing
/// band keys, 8 bytes for each place in a bucket of two and more (at most one a band and document), and 8 bytes a
/// shingle of each distinct document that is a candidate: in all 700 bytes a document where one in seven of 100 words
/// is an edited copy. The [exact join](crate::guides::exact_join#cost) has costs of its own. Work runs on the current rayon
/// pool; inside `ThreadPool::install` it stays in that pool. Results do not depend on the number of threads.
///
/// # Fallibility
///
/// Settings are validated by [`DeduperBuilder::build`]; afterwards nothing fails on them. Methods named
/// `try_` take documents that may be bytes or not in memory, and a [`Run`] that may be cancelled; they fail where
/// bytes are no text, a document cannot be read, the run was cancelled, or there is too much: documents, or, with
/// [`Method::Exact`] alone, memory or work for the exact join. Their twins on text can only fail where there is too
/// much, and then panic: at 2^32 - 1 documents or more, or where the exact join is beyond its budget.
#[derive(Clone)]
pub struct Deduper {
    settings: Arc<Settings>,
}

impl Debug for Deduper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deduper")
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
    /// The deduper.
    ///
    /// # Errors
    /// Where a setting is out of its range, the recall cannot be reached with so few hashes, or the
    /// banding has more slots than a signature. The error names setting and value.
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

    /// As [`clusters`](Self::clusters), for items that hold a text, such as structs; `text` returns the text of each. No text
    /// is copied.
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
    /// As [`clusters`](Self::clusters).
    pub fn clusters_by<T, S: AsRef<str> + Sync + ?Sized>(
        &self,
        items: &[T],
        text: impl Fn(&T) -> &S,
    ) -> Clusters {
        let texts: Vec<&S> = items.iter().map(text).collect();
        self.clusters(&texts)
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
        Batch::new(&self.settings, documents, *run)
    }

    /// The exact similarity of two texts.
    pub fn similarity(&self, a: impl AsRef<str>, b: impl AsRef<str>) -> Similarity {
        let set = |text: &str| ShingleSet::from_hashes(self.sketcher().shingler().text(text));
        set(a.as_ref()).similarity(&set(b.as_ref()))
    }

    /// The signature of a text.
    pub fn signature(&self, text: impl AsRef<str>) -> Signature {
        self.sketcher().signature(text)
    }

    /// The signature of a shingle set, for an [`Index`]. That of [`shingle_set`](Self::shingle_set) is the text's.
    pub fn signature_of_set(&self, shingles: &[u64]) -> Signature {
        self.sketcher().signature_of_set(shingles)
    }

    /// The shingles of a text, as ascending hashes, each once: 8 bytes a shingle.
    ///
    /// Wrapped in [`Shingles`](crate::text::Shingles) they are a document that gives the same answers as the text, without
    /// being split and hashed again.
    pub fn shingle_set(&self, text: impl AsRef<str>) -> Vec<u64> {
        sorted(self.sketcher().shingler().text(text.as_ref()))
    }

    /// The shingles of a document whose tokens are numbers of your own, such as the ids of a tokenizer: one for each n
    /// consecutive ids.
    ///
    /// n is that of [`DeduperBuilder::shingle`], for words, chars and bytes alike; normalization plays no part. Fewer than n
    /// ids make one shingle. With n = 1 the ids are compared as a set. Compare only documents whose ids come from the same
    /// vocabulary: neither the settings nor a signature record it.
    pub fn shingle_set_of_ids(&self, ids: impl IntoIterator<Item = impl Into<u64>>) -> Vec<u64> {
        sorted(self.sketcher().shingler().token_ids(ids))
    }

    /// The signatures of many texts, made in parallel.
    pub fn signatures<T: AsRef<str> + Sync>(&self, texts: &[T]) -> SignatureMatrix {
        self.sketcher().signatures(texts)
    }

    /// An empty index with these settings, for documents that come one at a time.
    pub fn index<Id: Clone + Eq + Hash + Debug>(&self) -> Index<Id> {
        Index::new(self.sketcher().clone(), self.banding(), self.threshold())
            .unwrap_or_else(|error| unreachable!("validated: {error}"))
    }

    /// Passes documents not seen before, one at a time; `memory` is what is remembered of those that were passed:
    /// [`Window::all`](crate::stream::Window::all), or one that is bounded (see
    /// [which to use](crate::stream#which-memory-should-i-use)). Candidates are found by bands, whatever the method is.
    ///
    /// # Errors
    /// Where a setting of the memory is out of its range, or there is no memory of that size.
    pub fn sieve(&self, memory: impl Into<Memory>) -> Result<Sieve, Error> {
        Sieve::new(&self.settings, memory.into())
    }

    /// What makes shingles and signatures.
    pub fn sketcher(&self) -> &Sketcher {
        self.settings.sketcher()
    }

    /// What the signatures' numbers mean.
    pub fn scheme(&self) -> &Scheme {
        self.settings.scheme()
    }

    /// The banding in force.
    pub fn banding(&self) -> Banding {
        self.settings.banding()
    }

    /// Least Jaccard similarity of near-duplicates.
    pub fn threshold(&self) -> f64 {
        self.settings.threshold()
    }

    /// The probability that a pair exactly at the threshold is found, at least; above it, more. 1 with [`Method::Exact`], else what the
    /// [banding](Banding::probability) gives, less what is lost by verifying no candidate whose estimate lies
    /// below [`estimate_floor`](Self::estimate_floor).
    ///
    /// What was missed in a run is told by its [`Recall`](crate::Recall).
    pub fn recall(&self) -> f64 {
        self.settings.recall()
    }

    /// The least estimate with which a candidate is verified: so far below the threshold that it costs
    /// no more than a tenth of what the recall allows to be missed.
    pub fn estimate_floor(&self) -> f64 {
        self.settings.estimate_floor()
    }

    /// One for which buckets of so many pairs together are not crowded.
    #[cfg(test)]
    pub(crate) fn with_bucket_pairs(mut self, most: u64) -> Self {
        Arc::make_mut(&mut self.settings).bucket_pairs = Some(most);
        self
    }

    /// The same with the exact join.
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

    #[cfg(feature = "corpus")]
    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }
}

/// Hashes as a set.
fn sorted(mut hashes: Vec<u64>) -> Vec<u64> {
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}
