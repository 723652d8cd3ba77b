//! The settings, and what follows from them.

use crate::chances::Chances;
use crate::cluster::{ClusterMode, Keep};
use crate::digest::Digester;
use crate::error::Error;
use crate::exact::Sampler;
use crate::lsh::{Banding, valid_recall, valid_threshold};
use crate::method::{Budget, Method, Reason};
use crate::recall::{Missed, Recall};
use crate::sketch::{Scheme, SketchKind, Sketcher, floor_slots};
use crate::text::{Normalization, Shingle};
use crate::threshold::Threshold;

/// Settings of a [`Deduper`](crate::Deduper); each method states its default.
///
/// With the feature `serde`, settings are a record whose fields are named like the methods. A field that is left out has
/// its default, an unknown one is an error. Values are written as they are printed:
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
    cluster_mode: ClusterMode,
    keep: Keep,
}

impl Default for DeduperBuilder {
    fn default() -> Self {
        let Budget { memory, work } = Budget::default();
        Self {
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
            cluster_mode: ClusterMode::default(),
            keep: Keep::default(),
        }
    }
}

impl DeduperBuilder {
    /// Least Jaccard similarity of near-duplicates, above 0 and at most 1. Default 0.8.
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

    /// Bytes that the [exact join](crate::guides::exact_join) may take for shingle sets and their index. Default 4 GiB. Where it
    /// would take more, [`Method::Exact`] fails, and [`Method::Auto`] takes LSH.
    #[must_use]
    pub fn exact_memory(mut self, bytes: u64) -> Self {
        self.exact_memory = bytes;
        self
    }

    /// Pairs that the [exact join](crate::guides::exact_join) may look at, of which most are dismissed by a glance: some 10^8 a
    /// second and core. Default 2 x 10^10. Where it would look at more, [`Method::Exact`] fails, and [`Method::Auto`] takes
    /// LSH.
    #[must_use]
    pub fn exact_work(mut self, pairs: u64) -> Self {
        self.exact_work = pairs;
        self
    }

    /// Least probability with which a pair at the threshold is found, above 0 and at most 1; pairs above
    /// it are found with a greater one. Default 0.99. More costs more candidates: the banding is
    /// [`Banding::for_recall`]. 1 is for [`Method::Exact`], and makes [`Method::Auto`] take that.
    #[must_use]
    pub fn recall(mut self, recall: f64) -> Self {
        self.recall = recall;
        self
    }

    /// The banding itself instead of a recall. Default: chosen by [`recall`](Self::recall).
    #[must_use]
    pub fn banding(mut self, banding: Banding) -> Self {
        self.banding = Some(banding);
        self
    }

    /// The sketch. Default [`SketchKind::FastSimilarity`].
    #[must_use]
    pub fn sketch(mut self, sketch: SketchKind) -> Self {
        self.sketch = sketch;
        self
    }

    /// K, the slots of a signature, from 1 to 65,535. Default 128. More makes estimates and bands
    /// sharper, at 4 bytes a slot and document.
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

    /// What is done to a text first. Default [`Normalization::NFKC_CASEFOLD`].
    #[must_use]
    pub fn normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// Seed of all hashes. Default 0. Another seed misses other pairs.
    ///
    /// If somebody may write texts to deceive, draw a seed at random and keep it secret. Under a known seed, two texts can be
    /// made that have the same shingle hashes but no word in common, so that one passes for a copy of the other. For a
    /// secret seed, [`text`](crate::text) states how unlikely that is. Signatures and indexes can be compared only under the
    /// same seed, and whoever sees them can compute it with enough work.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How pairs become clusters. Default [`ClusterMode::Components`].
    #[must_use]
    pub fn cluster_mode(mut self, mode: ClusterMode) -> Self {
        self.cluster_mode = mode;
        self
    }

    /// Which copy is kept. Default [`Keep::First`]; an order of your own goes to
    /// [`Run::keep_by`](crate::Run::keep_by).
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// The settings in force.
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
        Ok(Settings {
            sketcher: Sketcher::new(scheme),
            method,
            banding,
            threshold,
            floor: floor_slots(threshold, self.hashes, loss(recall)),
            budget: Budget {
                memory: self.exact_memory,
                work: self.exact_work,
            },
            mode: self.cluster_mode,
            keep: self.keep,
            bucket_pairs: None,
        })
    }
}

/// Validated settings, and what follows from them.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
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

    /// What makes the first pass over documents.
    pub(crate) fn digester(&self) -> Digester {
        let sampler = || Sampler::new(Threshold(self.threshold));
        let sketcher = self.sketcher.clone();
        match self.method {
            Method::Lsh => Digester::new(sketcher, true, None),
            Method::Exact => Digester::new(sketcher, false, Some(sampler())),
            Method::Auto => Digester::new(sketcher, true, Some(sampler())),
        }
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

    pub(crate) fn budget(&self) -> Budget {
        self.budget
    }
}
