//! What was found, and how much may have been missed.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::lsh::Banding;
use crate::method::{Method, Reason};
use crate::verify::below_floor;

/// How pairs were found, and how many of them may have been missed.
///
/// LSH finds a pair of similarity J with a probability P(J) that is known: the
/// [S-curve](Banding::probability), less what is lost by not verifying candidates whose signatures differ too much. Each pair that is
/// found thus stands for 1 / P(J) pairs, of which (1 - P(J)) / P(J) were missed (Horvitz and Thompson 1952). The sum
/// over all that were found is the expected number of those that were not.
///
/// The exact join misses none.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Recall {
    /// How candidates were found: by LSH or the exact join.
    pub method: Method,
    /// Why so.
    pub reason: Reason,
    /// The bands of the signatures; none where the method is exact.
    pub banding: Option<Banding>,
    /// The probability that a pair exactly at the threshold is found, at least. Above it, more.
    pub promised: f64,
    /// Pairs that were found to be similar. For [clusters](crate::Clusters) distinct shingle sets that are removed for
    /// another.
    pub found: u64,
    /// Pairs, or such sets, that were not.
    pub missed: Missed,
    /// Candidate pairs that were not looked at, as [work ran out](crate::DeduperBuilder::exact_work): how many of them
    /// are similar is not known, and not part of `missed`. 0 but where very many documents share most of a form and lack
    /// different parts of it, or the threshold is very low.
    pub unseen: u64,
}

/// How many pairs were missed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Missed {
    /// The expected number.
    pub expected: f64,
    /// The least number to reckon with: 2.6 standard errors below, which bracket the truth 99 times in 100.
    pub low: u64,
    /// The greatest number to reckon with.
    pub high: u64,
}

impl Missed {
    fn new(expected: f64, variance: f64) -> Self {
        const ERRORS: f64 = 2.6;
        let around = ERRORS * variance.max(0.0).sqrt();
        Self {
            expected,
            low: (expected - around).max(0.0) as u64,
            high: (expected + around).ceil() as u64,
        }
    }
}

impl fmt::Display for Missed {
    /// `about 3.2 (at most 8)`, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            expected,
            low,
            high,
        } = *self;
        let digits = usize::from(expected < 99.95);
        match low {
            _ if expected <= 0.0 => f.write_str("none"),
            _ if expected < 0.05 => write!(f, "hardly any (at most {high})"),
            0 => write!(f, "about {expected:.digits$} (at most {high})"),
            low => write!(f, "about {expected:.digits$} ({low} to {high})"),
        }
    }
}

/// With which probability LSH finds a pair, by its similarity.
pub(crate) struct Chances {
    threshold: f64,
    /// None where every pair is found.
    banding: Option<Banding>,
    /// Of similarities from the threshold to 1, in even steps: what is lost below the floor.
    lost: Vec<f64>,
}

impl Chances {
    const STEPS: usize = 256;

    /// `floor` is the least number of equal slots, of `hashes`, with which a candidate is verified.
    pub(crate) fn new(threshold: f64, banding: Banding, hashes: usize, floor: usize) -> Self {
        /// So little is nothing, and less at greater similarities.
        const NOTHING: f64 = 1e-12;
        let mut chances = Self {
            threshold,
            banding: Some(banding),
            lost: vec![0.0; Self::STEPS + 1],
        };
        for step in 0..=Self::STEPS {
            let lost = below_floor(chances.similarity(step), hashes, floor);
            if lost < NOTHING {
                break;
            }
            chances.lost[step] = lost;
        }
        chances
    }

    /// Those of the exact join.
    pub(crate) fn certain() -> Self {
        Self {
            threshold: 0.0,
            banding: None,
            lost: vec![0.0; Self::STEPS + 1],
        }
    }

    fn similarity(&self, step: usize) -> f64 {
        let above = (1.0 - self.threshold) * step as f64 / Self::STEPS as f64;
        (self.threshold + above).min(1.0)
    }

    /// The last step up to a similarity, and how far it is from there to the next.
    fn step(&self, jaccard: f64) -> (usize, f64) {
        let place = (jaccard - self.threshold) / (1.0 - self.threshold) * Self::STEPS as f64;
        let place = if place.is_nan() { 0.0 } else { place }; // a threshold of 1
        let step = (place as usize).min(Self::STEPS - 1);
        (step, (place - step as f64).clamp(0.0, 1.0))
    }

    /// The probability for a similarity, and what it would be with a band less.
    fn of(&self, jaccard: f64) -> (f64, f64) {
        let Some(banding) = self.banding else {
            return (1.0, 1.0);
        };
        let (step, share) = self.step(jaccard);
        let lost = self.lost[step] + (self.lost[step + 1] - self.lost[step]) * share;
        let found = |banding: Banding| (banding.probability(jaccard) - lost).clamp(1e-9, 1.0);
        let less = Banding::new(banding.bands() - 1, banding.rows());
        (found(banding), less.map_or(0.0, found))
    }

    /// The one band in which two signatures agree, where it is one.
    pub(crate) fn only_band(&self, left: &[u32], right: &[u32]) -> Option<u16> {
        let banding = self.banding?;
        let (left, right) = [left, right]
            .map(|row| row.chunks_exact(banding.rows()))
            .into();
        let bands = left.zip(right).take(banding.bands());
        let mut equal = (0..).zip(bands).filter(|(_, (l, r))| l == r);
        let (only, _) = equal.next()?;
        equal.next().is_none().then_some(only)
    }
}

/// Counts the pairs that were found, and what they say of those that were not.
pub(crate) struct PairTally<'c> {
    chances: &'c Chances,
    counts: PairCounts,
}

/// What pairs come to, whatever their order.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "corpus", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct PairCounts {
    found: u64,
    missed: Sum,
    variance: Sum,
    /// What pairs that agree in one band alone stand for, by bands: as many are missed with another of these.
    by_band: Vec<Sum>,
}

/// A sum that does not depend on the order of its terms: in steps of 2^-40.
#[derive(Debug, Clone, Copy, Default)]
#[cfg_attr(feature = "corpus", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "corpus", serde(into = "String", try_from = "String"))]
struct Sum(i128);

impl Sum {
    const ONE: f64 = (1u64 << 40) as f64;

    fn add(&mut self, term: f64) {
        self.0 += (term * Self::ONE) as i128;
    }

    fn value(self) -> f64 {
        self.0 as f64 / Self::ONE
    }
}

/// JSON has no numbers of so many digits.
#[cfg(feature = "corpus")]
impl From<Sum> for String {
    fn from(sum: Sum) -> Self {
        sum.0.to_string()
    }
}

#[cfg(feature = "corpus")]
impl TryFrom<String> for Sum {
    type Error = std::num::ParseIntError;

    fn try_from(digits: String) -> Result<Self, Self::Error> {
        digits.parse().map(Self)
    }
}

impl<'c> PairTally<'c> {
    pub(crate) fn new(chances: &'c Chances) -> Self {
        Self {
            chances,
            counts: PairCounts {
                by_band: vec![Sum::default(); chances.banding.map_or(1, Banding::bands)],
                ..PairCounts::default()
            },
        }
    }

    pub(crate) fn chances(&self) -> &'c Chances {
        self.chances
    }

    /// Adds `pairs` that are found together, of this similarity, which agree in one band alone or in more.
    pub(crate) fn add(&mut self, jaccard: f64, pairs: u64, only: Option<u16>) {
        let (chance, with_less) = self.chances.of(jaccard);
        let weight = pairs as f64;
        let counts = &mut self.counts;
        counts.found += pairs;
        counts.missed.add(weight * (1.0 - chance) / chance);
        counts
            .variance
            .add(weight * weight * (1.0 - chance) / (chance * chance));
        if let Some(band) = only
            && with_less > 0.0
        {
            counts.by_band[usize::from(band)].add(weight / with_less);
        }
    }

    /// Adds pairs that are found for certain.
    pub(crate) fn add_certain(&mut self, pairs: u64) {
        self.counts.found += pairs;
    }

    /// Adds all pairs of documents that are known to be the same, but for those of `settled` among them.
    pub(crate) fn add_copies(&mut self, documents: u64, settled: u64) {
        let pairs = |of: u64| of * of.saturating_sub(1) / 2;
        self.counts.found += pairs(documents) - pairs(settled);
    }

    /// The pairs that were found, and those that were missed. These are the sum of what pairs stand for, less those found:
    /// their variance is that sum's. Pairs that share documents are found or missed together, which shows in how much the
    /// sum changes when one band is left out (the jackknife, over bands: they are independent).
    pub(crate) fn told(&self) -> (u64, Missed) {
        let counts = &self.counts;
        let bands = counts.by_band.len() as f64;
        let by_band = || counts.by_band.iter().map(|band| band.value());
        let mean = by_band().sum::<f64>() / bands;
        let squares: f64 = by_band().map(|band| (band - mean) * (band - mean)).sum();
        let jackknife = (bands - 1.0) / bands * squares;
        let variance = counts.variance.value().max(jackknife);
        (counts.found, Missed::new(counts.missed.value(), variance))
    }
}

/// The same for sets that are removed, counted from many threads: by steps of similarity, so that the order does not
/// matter.
pub(crate) struct LinkTally<'c> {
    chances: &'c Chances,
    /// The last counts those that are found for certain.
    found: Vec<AtomicU64>,
}

/// Steps of similarity, and how many pairs are of each.
#[cfg(feature = "corpus")]
pub(crate) type LinkCounts = Vec<(usize, u64)>;

impl<'c> LinkTally<'c> {
    pub(crate) fn new(chances: &'c Chances) -> Self {
        Self {
            chances,
            found: (0..=Chances::STEPS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    pub(crate) fn add(&self, jaccard: f64) {
        let (step, _) = self.chances.step(jaccard);
        self.found[step].fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a similarity reaches the threshold.
    pub(crate) fn reaches(&self, jaccard: f64) -> bool {
        jaccard >= self.chances.threshold
    }

    /// Adds sets of which none is missed.
    pub(crate) fn add_certain(&self, sets: u64) {
        self.found[Chances::STEPS].fetch_add(sets, Ordering::Relaxed);
    }

    /// How many pairs there are of each step that has some.
    #[cfg(feature = "corpus")]
    pub(crate) fn counts(&self) -> LinkCounts {
        let found = self.found.iter().map(|found| found.load(Ordering::Relaxed));
        (0..).zip(found).filter(|&(_, found)| found > 0).collect()
    }

    /// Adds what another tally has counted.
    #[cfg(feature = "corpus")]
    pub(crate) fn add_counts(&self, counts: &LinkCounts) {
        for &(step, found) in counts {
            self.found[step].fetch_add(found, Ordering::Relaxed);
        }
    }

    /// Those that were found, and those that were missed: a little too many, as steps count from their beginning.
    pub(crate) fn told(&self) -> (u64, Missed) {
        let (mut all, mut missed, mut variance) = (0, 0.0, 0.0);
        for (step, found) in self.found.iter().enumerate() {
            let found = found.load(Ordering::Relaxed);
            if step == Chances::STEPS {
                all += found;
                break;
            }
            let (chance, _) = self.chances.of(self.chances.similarity(step));
            all += found;
            missed += found as f64 * (1.0 - chance) / chance;
            variance += found as f64 * (1.0 - chance) / (chance * chance);
        }
        (all, Missed::new(missed, variance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chances() -> Chances {
        Chances::new(0.5, Banding::new(42, 3).unwrap(), 128, 0)
    }

    #[test]
    fn chances_are_those_of_the_curve() {
        let (chances, banding) = (chances(), Banding::new(42, 3).unwrap());
        for jaccard in [0.5, 0.503, 0.62, 0.8, 0.9999, 1.0] {
            let (found, less) = chances.of(jaccard);
            assert!(
                (found - banding.probability(jaccard)).abs() < 1e-6,
                "{jaccard}"
            );
            let banding = Banding::new(41, 3).unwrap();
            assert!(
                (less - banding.probability(jaccard)).abs() < 1e-6,
                "{jaccard}"
            );
        }
        // A floor takes its share.
        let floored = Chances::new(0.5, banding, 128, 60);
        assert!(floored.of(0.5).0 < chances.of(0.5).0 - 0.1);
    }

    #[test]
    fn pairs_stand_for_those_that_were_missed() {
        let chances = chances();
        let missed = 1.0 / Banding::new(42, 3).unwrap().probability(0.5) - 1.0;
        let mut tally = PairTally::new(&chances);
        let links = LinkTally::new(&chances);
        for _ in 0..1000 {
            tally.add(0.5, 2, None);
            links.add(0.5);
        }
        let (linked, links) = links.told();
        let (found, told) = tally.told();
        assert_eq!((found, linked), (2000, 1000));
        assert!((told.expected - 2000.0 * missed).abs() < 1e-6, "{told:?}");
        assert!((told.low as f64) < told.expected && told.expected < told.high as f64);
        assert!((links.expected - 1000.0 * missed).abs() < 1e-6);
        // Where all that is found alone is found by one band, another band may as well find as much more.
        for _ in 0..100 {
            tally.add(0.5, 1, Some(7));
        }
        let (_, alone) = tally.told();
        assert!(
            alone.high - alone.low > told.high - told.low + 200,
            "{alone:?}"
        );
    }

    #[test]
    fn bands_that_agree_alone_are_told() {
        let chances = Chances::new(0.5, Banding::new(3, 2).unwrap(), 7, 0);
        let row = [1, 2, 3, 4, 5, 6, 7];
        assert_eq!(chances.only_band(&row, &[0, 2, 3, 4, 5, 0, 7]), Some(1));
        assert_eq!(chances.only_band(&row, &[0, 2, 3, 4, 5, 6, 7]), None);
        assert_eq!(chances.only_band(&row, &[0; 7]), None);
    }

    #[test]
    fn missed_reads_well() {
        let told = |expected, variance| Missed::new(expected, variance).to_string();
        assert_eq!(told(0.0, 0.0), "none");
        assert_eq!(told(0.01, 0.01), "hardly any (at most 1)");
        assert_eq!(told(3.21, 3.0), "about 3.2 (at most 8)");
        assert_eq!(told(1234.5, 900.0), "about 1234 (1156 to 1313)");
    }
}
