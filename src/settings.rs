//! The settings, and the values computed from them.

use crate::aside::{Counter, Splitting};
use crate::chances::Chances;
use crate::cluster::{ClusterMode, Keep};
use crate::digest::Digester;
use crate::error::{Error, Kind};
use crate::exact::Sampler;
use crate::lsh::{Banding, valid_recall, valid_threshold};
use crate::method::{Budget, Method, Reason};
use crate::recall::{Missed, Recall};
use crate::similarity::{Measure, Rule};
use crate::sketch::{Scheme, SketchKind, Sketcher, floor_slots};
use crate::text::{Normalization, Shingle};
use crate::threshold::Threshold;
use crate::weights::Weights;

/// Settings of a [`Deduper`](crate::Deduper); each method states its default.
///
/// With the feature `serde`, settings are a record with a field for each method. A missing field has its default, an
/// unknown one is an error. Values are written as they are printed:
///
/// ```
/// # #[cfg(feature = "serde")] {
/// use resemblance::DeduperBuilder;
///
/// let settings = r#"{ "threshold": 0.7, "shingle": "words:3", "cluster_mode": "leader", "banding": "21 x 6" }"#;
/// let settings: DeduperBuilder = serde_json::from_str(settings)?;
/// assert_eq!(settings.build()?.threshold(), 0.7);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct DeduperBuilder {
    measure: Measure,
    weights: Weights,
    threshold: f64,
    method: Method,
    recall: f64,
    banding: Option<Banding>,
    exact_memory: u64,
    exact_work: u64,
    sketch: SketchKind,
    hashes: usize,
    shingle: Shingle,
    normalization: Normalization,
    seed: u64,
    cluster_mode: Option<ClusterMode>,
    keep: Option<Keep>,
    set_aside_words: usize,
}

impl Default for DeduperBuilder {
    fn default() -> Self {
        let Budget { memory, work } = Budget::default();
        Self {
            measure: Measure::default(),
            weights: Weights::default(),
            threshold: 0.8,
            method: Method::default(),
            recall: 0.99,
            banding: None,
            exact_memory: memory,
            exact_work: work,
            sketch: SketchKind::default(),
            hashes: 128,
            shingle: Shingle::default(),
            normalization: Normalization::default(),
            seed: 0,
            cluster_mode: None,
            keep: None,
            set_aside_words: 5,
        }
    }
}

impl DeduperBuilder {
    /// What of two documents is compared with the threshold. Default [`Measure::Jaccard`].
    ///
    /// With [`Measure::Containment`], every [`Method`] uses the [exact join](crate::guides::exact_join#containment): no
    /// number of bands finds a short document in a long one with a known probability. [`Index`](crate::Index) and
    /// [`Sieve`](crate::Sieve) compare by Jaccard similarity only.
    #[must_use]
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measure = measure;
        self
    }

    /// How much each shingle counts in the similarity of two documents. Default [`Weights::None`]: all count the same.
    ///
    /// Other weights come from the collection that is compared, so they apply where all of it is known: to
    /// [`clusters`](crate::Deduper::clusters), [`pairs`](crate::Deduper::pairs) and [`batch`](crate::Deduper::batch), and to
    /// jobs. Every [`Method`] then uses the [exact join](crate::guides::exact_join#weights). All else compares without
    /// weights or, like a [`Sieve`](crate::Sieve), refuses them.
    #[must_use]
    pub fn weights(mut self, weights: Weights) -> Self {
        self.weights = weights;
        self
    }

    /// The lowest similarity of near-duplicates, by the [`measure`](Self::measure); above 0 and at most 1. Default 0.8.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }

    /// How candidate pairs are found. Default [`Method::Lsh`].
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// Limit on the bytes that the [exact join](crate::guides::exact_join) takes for shingle sets and their index.
    /// Default 4 GiB. If it would take more, [`Method::Exact`] fails, and [`Method::Auto`] uses LSH.
    #[must_use]
    pub fn exact_memory(mut self, bytes: u64) -> Self {
        self.exact_memory = bytes;
        self
    }

    /// Limit on the pairs that the [exact join](crate::guides::exact_join) compares. Most are dismissed quickly: a core
    /// compares about 10^8 a second. Default 2 x 10^10. If there would be more, [`Method::Exact`] fails, and
    /// [`Method::Auto`] uses LSH. LSH leaves some candidates uncompared, see [`Recall::unseen`].
    #[must_use]
    pub fn exact_work(mut self, pairs: u64) -> Self {
        self.exact_work = pairs;
        self
    }

    /// The least probability with which a pair exactly at the threshold is found, above 0 and at most 1; more similar
    /// pairs have a higher one. Default 0.99. A higher recall means more candidates to compare: it determines the
    /// banding, see [`Banding::for_recall`]. With 1, [`Method::Auto`] uses the exact join, and [`Method::Lsh`] is an
    /// error unless the threshold is 1.
    #[must_use]
    pub fn recall(mut self, recall: f64) -> Self {
        self.recall = recall;
        self
    }

    /// The banding, instead of a recall. Default: the one for [`recall`](Self::recall).
    #[must_use]
    pub fn banding(mut self, banding: Banding) -> Self {
        self.banding = Some(banding);
        self
    }

    /// The kind of signature. Default [`SketchKind::FastSimilarity`].
    #[must_use]
    pub fn sketch(mut self, sketch: SketchKind) -> Self {
        self.sketch = sketch;
        self
    }

    /// K, the number of slots in a signature, from 1 to 65,535. Default 128. More slots make estimates and bands
    /// sharper, and take 4 bytes each per document.
    #[must_use]
    pub fn hashes(mut self, hashes: usize) -> Self {
        self.hashes = hashes;
        self
    }

    /// What is compared. Default [`Shingle::Words`]`(5)`.
    #[must_use]
    pub fn shingle(mut self, shingle: Shingle) -> Self {
        self.shingle = shingle;
        self
    }

    /// How texts are normalized before they are split. Default [`Normalization::DEFAULT`]: case, compatibility
    /// variants, invisible characters and the form of apostrophes make no difference.
    #[must_use]
    pub fn normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// The seed of all hashes. Default 0. With another seed, other pairs are missed.
    ///
    /// If authors may write texts to deceive, draw a seed at random and keep it secret. With a known seed, somebody can
    /// craft two texts that have the same shingle hashes but no word in common, so that one passes for a copy of the
    /// other. For a secret seed, [`text`](crate::text) states how unlikely that is. Signatures and indexes can be
    /// compared only if they have the same seed. Anybody who sees them can compute it with enough work.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How near-duplicates form clusters. Default [`ClusterMode::Components`]; with [`Measure::Containment`]
    /// [`ClusterMode::Leader`], since a short text that many documents contain would chain all of them.
    #[must_use]
    pub fn cluster_mode(mut self, mode: ClusterMode) -> Self {
        self.cluster_mode = Some(mode);
        self
    }

    /// Which document of a cluster is kept. Default [`Keep::First`]; with [`Measure::Containment`] [`Keep::Largest`], so
    /// that a contained document is removed, not the one that contains it. For an order of your own, use
    /// [`Run::keep_by`](crate::Run::keep_by).
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = Some(keep);
        self
    }

    /// The number of words in a passage that may be [set aside](crate::aside), from 1 to 65,535. Default 5. Fewer words
    /// set more aside, also phrases that documents of a group share by chance. Only documents with a
    /// [group](crate::text::Document::group) are affected.
    #[must_use]
    pub fn set_aside_words(mut self, words: usize) -> Self {
        self.set_aside_words = words;
        self
    }

    /// Validates the settings.
    pub(crate) fn validated(&self) -> Result<Settings, Error> {
        let scheme = Scheme::new(
            self.sketch,
            self.hashes,
            self.shingle,
            self.normalization,
            self.seed,
        )?;
        let threshold = valid_threshold(self.threshold)?;
        let mut recall = valid_recall(self.recall)?;
        // A tenth of the pairs that may be missed are candidates dismissed by their signatures.
        let loss = |recall: f64| (1.0 - recall) / 10.0;
        let (method, reason) = match (self.method, self.measure, self.weights) {
            (Method::Lsh | Method::Auto, Measure::Containment, _) => {
                (Method::Exact, Reason::Containment)
            }
            (Method::Lsh | Method::Auto, _, Weights::Ln) => (Method::Exact, Reason::Weights),
            (method, ..) => (method, Reason::Asked),
        };
        let banding_for = |recall| Banding::for_recall(threshold, recall, self.hashes);
        // The exact join has no banding, but an index needs one: if none reaches the recall, the one with the highest.
        let of_exact = || banding_for(recall).or_else(|_| Banding::new(self.hashes, 1));
        let (method, reason, banding) = match (self.banding, method) {
            (Some(banding), _) => (method, reason, banding.fits(self.hashes)?),
            (None, Method::Exact) => (method, reason, of_exact()?),
            (None, _) => match banding_for(recall + loss(recall)) {
                Ok(banding) => (method, reason, banding),
                Err(_) if method == Method::Auto => (Method::Exact, Reason::Recall, of_exact()?),
                Err(error) => return Err(error.of_recall(recall)),
            },
        };
        if self.banding.is_some() {
            recall = banding.probability(threshold);
        }
        let (mode, keep) = match self.measure {
            Measure::Jaccard => (ClusterMode::Components, Keep::First),
            Measure::Containment => (ClusterMode::Leader, Keep::Largest),
        };
        let words = self.set_aside_words;
        let splitting = Splitting::new(words, self.normalization, self.seed);
        Ok(Settings {
            splitting: splitting.map_err(|_| Error::new(Kind::SetAsideWords(words)))?,
            sketcher: Sketcher::new(scheme),
            measure: self.measure,
            weights: self.weights,
            method,
            reason,
            banding,
            threshold,
            floor: floor_slots(threshold, self.hashes, loss(recall)),
            budget: Budget {
                memory: self.exact_memory,
                work: self.exact_work,
            },
            mode: self.cluster_mode.unwrap_or(mode),
            keep: self.keep.unwrap_or(keep),
            bucket_pairs: None,
        })
    }
}

/// Validated settings, and the values computed from them.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    sketcher: Sketcher,
    measure: Measure,
    weights: Weights,
    method: Method,
    /// Why this method, unless it is chosen after the first pass.
    reason: Reason,
    banding: Banding,
    threshold: f64,
    /// The least number of equal slots with which a candidate is verified, and the recall that is lost by it.
    floor: (usize, f64),
    budget: Budget,
    mode: ClusterMode,
    keep: Keep,
    /// How texts are split into passages that may be set aside.
    splitting: Splitting,
    /// Limit on the pairs of sets that are compared in buckets, set only by tests.
    pub(crate) bucket_pairs: Option<u64>,
}

impl Settings {
    pub(crate) fn sketcher(&self) -> &Sketcher {
        &self.sketcher
    }

    pub(crate) fn scheme(&self) -> &Scheme {
        self.sketcher.scheme()
    }

    pub(crate) fn method(&self) -> Method {
        self.method
    }

    pub(crate) fn measure(&self) -> Measure {
        self.measure
    }

    pub(crate) fn weights(&self) -> Weights {
        self.weights
    }

    /// Whether candidates are found by probes, which needs the sets of all documents.
    pub(crate) fn is_by_probes(&self) -> bool {
        self.measure == Measure::Containment || self.weights != Weights::None
    }

    /// Why the method is used, unless it is chosen after the first pass.
    pub(crate) fn reason(&self) -> Reason {
        self.reason
    }

    /// The rule by which two documents are near-duplicates.
    pub(crate) fn rule(&self) -> Rule {
        Rule {
            measure: self.measure,
            threshold: Threshold(self.threshold),
        }
    }

    pub(crate) fn set_exact(&mut self) {
        self.method = Method::Exact;
    }

    pub(crate) fn banding(&self) -> Banding {
        self.banding
    }

    pub(crate) fn threshold(&self) -> f64 {
        self.threshold
    }

    pub(crate) fn cluster_mode(&self) -> ClusterMode {
        self.mode
    }

    pub(crate) fn keep(&self) -> Keep {
        self.keep
    }

    pub(crate) fn recall(&self) -> f64 {
        if self.method == Method::Exact {
            return 1.0;
        }
        (self.banding.probability(self.threshold) - self.floor.1).max(0.0)
    }

    pub(crate) fn estimate_floor(&self) -> f64 {
        self.floor.0 as f64 / self.scheme().hashes() as f64
    }

    /// The digester, which makes the first pass over documents.
    pub(crate) fn digester(&self) -> Digester {
        let sampler = || Sampler::new(Threshold(self.threshold));
        let sketcher = self.sketcher.clone();
        match self.method {
            // All sets are needed, and no sample of their shingles.
            _ if self.is_by_probes() => Digester::new(sketcher, false, None),
            Method::Lsh => Digester::new(sketcher, true, None),
            Method::Exact => Digester::new(sketcher, false, Some(sampler())),
            Method::Auto => Digester::new(sketcher, true, Some(sampler())),
        }
    }

    #[cfg(feature = "corpus")]
    pub(crate) fn set_aside_words(&self) -> usize {
        self.splitting.words()
    }

    /// A counter of repeated passages.
    pub(crate) fn counter(&self) -> Counter {
        Counter::new(self.splitting.clone())
    }

    pub(crate) fn floor_slots(&self) -> usize {
        self.floor.0
    }

    /// The probabilities with which a method finds pairs.
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

    /// The [`Recall`] of a run that used this method, and found and missed these numbers of pairs.
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

    /// The most pairs that the buckets of `sets` distinct sets may have together. If there are more, the largest
    /// buckets count as crowded, until the others are within this limit.
    pub(crate) fn most_bucket_pairs(&self, sets: usize) -> u64 {
        /// Pairs per set.
        const PAIRS: u64 = 32;
        /// The limit for few sets.
        const FEW: u64 = 1 << 16;
        self.bucket_pairs.unwrap_or(FEW.max(PAIRS * sets as u64))
    }

    pub(crate) fn budget(&self) -> Budget {
        self.budget
    }

    /// Fails if documents are not compared by Jaccard similarity without weights, which is all that `what` can do.
    pub(crate) fn only_jaccard(&self, what: &'static str) -> Result<(), Error> {
        let rule = match (self.measure(), self.weights()) {
            (Measure::Jaccard, Weights::None) => return Ok(()),
            (Measure::Jaccard, weights) => format!("with weights {weights}"),
            (measure, _) => format!("by {measure}"),
        };
        Err(Error::new(Kind::Rule { what, rule }))
    }
}
