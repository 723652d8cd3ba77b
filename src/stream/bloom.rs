//! A memory of fixed size: a Bloom filter for each band.

use std::fmt;

use super::filter::Filter;
use super::rates::{BLOCK, Plan, union};
use super::{Seen, Verdict};
use crate::error::{Error, Kind};
use crate::lsh::Banding;
use crate::settings::Settings;

/// Settings of a memory of fixed size, which stores only the band keys of passed documents.
///
/// A document is dropped if a band key of it is stored. The verdict names neither the earlier document nor its
/// similarity: see [the limits of Bloom filters](crate::stream#what-bloom-filters-cannot-do).
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Bloom {
    pub(super) documents: u64,
    pub(super) rate: f64,
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) banding: Option<Banding>,
    #[cfg_attr(feature = "serde", serde(default))]
    pub(super) overfill: bool,
}

/// The least rate. A smaller one would be meaningless, since 64-bit keys may also be equal by chance.
const LEAST_RATE: f64 = 1e-12;

impl Bloom {
    /// Plans a memory for `documents` passed documents, at least 1.
    ///
    /// `rate` is the false-positive rate, from 10^-12 to below 1: the probability that a document is dropped although
    /// it shares no band key with any other, when all planned documents are stored. Before, the probability is smaller.
    pub fn new(documents: u64, rate: f64) -> Self {
        Self {
            documents,
            rate,
            banding: None,
            overfill: false,
        }
    }

    /// The bands. Default: [`Banding::balanced`] for threshold and hashes of the deduper, since nothing is verified.
    /// (That of the deduper itself is made for its recall, with verification behind it: 63 in 100 documents of
    /// similarity 0.6 would be dropped with the defaults.)
    #[must_use]
    pub fn banding(mut self, banding: Banding) -> Self {
        self.banding = Some(banding);
        self
    }

    /// Whether documents are held beyond the planned number. Then the [rate](BloomBands::rate) grows beyond the planned
    /// one. Default: no, the next document to be held is an [error](Error::is_full).
    #[must_use]
    pub fn overfill(mut self, overfill: bool) -> Self {
        self.overfill = overfill;
        self
    }
}

/// The filters of a [`Bloom`] memory, and how often they err.
#[derive(Clone)]
pub struct BloomBands {
    /// One for each band.
    pub(super) filters: Vec<Filter>,
    banding: Banding,
    plan: Plan,
    pub(super) documents: u64,
    pub(super) settings: Bloom,
}

impl fmt::Debug for BloomBands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BloomBands")
            .field("banding", &self.banding)
            .field("planned", &self.planned())
            .field("documents", &self.documents)
            .finish_non_exhaustive()
    }
}

impl BloomBands {
    pub(super) fn new(settings: &Settings, bloom: Bloom) -> Result<Self, Error> {
        let hashes = settings.scheme().hashes();
        let banding = match bloom.banding {
            Some(banding) => banding.fits(hashes)?,
            None => Banding::balanced(settings.threshold(), hashes)?,
        };
        Self::with(bloom, banding, None)
    }

    /// Empty filters for a banding. An error if `bytes` are given and the filters would have another size.
    pub(super) fn with(bloom: Bloom, banding: Banding, bytes: Option<u64>) -> Result<Self, Error> {
        let Bloom {
            documents, rate, ..
        } = bloom;
        if documents == 0 {
            return Err(Error::new(Kind::BloomDocuments(documents)));
        }
        if !(LEAST_RATE..1.0).contains(&rate) {
            return Err(Error::new(Kind::BloomRate(rate)));
        }
        let plan = Plan::new(documents, banding.bands(), rate)?;
        let blocks = plan.blocks() as usize;
        let planned = plan.blocks() * (BLOCK / 8 * banding.bands()) as u64;
        let fits = bytes.is_none_or(|bytes| bytes == planned);
        if !fits || !Filter::fit(banding.bands(), blocks) {
            return Err(Error::new(Kind::BloomSize { documents, rate }));
        }
        let filter = Filter::new(blocks, plan.probes());
        Ok(Self {
            filters: vec![filter; banding.bands()],
            banding,
            plan,
            documents: 0,
            settings: bloom,
        })
    }

    /// Looks up the key of each band. Stores the keys if the document is passed.
    pub(super) fn admit(&mut self, keys: &[u64]) -> Result<Verdict, Error> {
        let mut filters = self.filters.iter().zip(keys);
        if let Some(band) = filters.position(|(filter, &key)| filter.contains(key)) {
            return Ok(Verdict::Seen(Seen::Band { band }));
        }
        if self.is_full() && !self.settings.overfill {
            return Err(Error::new(Kind::BloomFull(self.planned())));
        }
        for (filter, &key) in self.filters.iter_mut().zip(keys) {
            filter.insert(key);
        }
        self.documents += 1;
        Ok(Verdict::Unseen)
    }

    pub(super) fn forget(&mut self) {
        self.filters.iter_mut().for_each(Filter::clear);
        self.documents = 0;
    }

    /// The number of stored documents.
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// The number of documents for which the filters are planned.
    pub fn planned(&self) -> u64 {
        self.settings.documents
    }

    /// True if as many documents are stored as were planned, or more.
    pub fn is_full(&self) -> bool {
        self.documents >= self.planned()
    }

    /// The bands.
    pub fn banding(&self) -> Banding {
        self.banding
    }

    /// The false-positive rate: the probability that a document is dropped although it shares no band key with any
    /// stored document. It is computed from the number of stored documents; [`rate_of`](Self::rate_of) computes it for
    /// any number.
    pub fn rate(&self) -> f64 {
        self.rate_of(self.documents)
    }

    /// The false-positive rate with `documents` stored documents. For the planned number it is the planned rate, or
    /// slightly less.
    pub fn rate_of(&self, documents: u64) -> f64 {
        self.plan.rate(documents)
    }

    /// The false-positive rate of these filters with their current bits, instead of the average rate of filters of this
    /// size. Reads all bits: some milliseconds for 100 MB.
    pub fn measured_rate(&self) -> f64 {
        union(self.filters.iter().map(Filter::rate))
    }

    /// The probability that a document is dropped if it has this similarity to one stored document, and resembles no
    /// other. It combines the [S-curve](Banding::probability) and the false positives of the filters.
    pub fn probability(&self, jaccard: f64) -> f64 {
        union([self.banding.probability(jaccard), self.rate()])
    }

    /// Bytes held on the heap. They are allocated at the start, and do not change.
    pub fn memory_usage(&self) -> usize {
        self.filters.iter().map(Filter::memory_usage).sum()
    }
}
