//! The number of pairs that were found, and an estimate of how many were missed.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::chances::{Agreement, Chance, Chances};
use crate::lsh::{Banding, power};
use crate::method::{Method, Reason};
use crate::verify::Similarity;

/// How pairs were found, and how many were probably missed.
///
/// LSH finds a pair with a known probability P. So each found pair stands for 1 / P pairs, of which (1 - P) / P were
/// missed (Horvitz and Thompson 1952). The sum over all found pairs is the expected number of missed pairs. The exact
/// join misses none.
///
/// P depends on the pair's similarity J and on n, the number of shingles in the union of its two sets. For
/// [`Classic`](crate::SketchKind::Classic) signatures, slots are independent and P is the
/// [S-curve](Banding::probability). The slots of [`FastSimilarity`](crate::SketchKind::FastSimilarity) are drawn nearly
/// without replacement, so the number of equal slots has a hypergeometric instead of a binomial distribution: P is
/// higher where the S-curve is high. A candidate with too few equal slots is not verified, and counts as missed.
/// `docs/signature.md` has the formulas.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Recall {
    /// The method that found the candidates: LSH or the exact join.
    pub method: Method,
    /// Why this method was used.
    pub reason: Reason,
    /// The bands of the signatures; `None` if the method is exact.
    pub banding: Option<Banding>,
    /// The least probability with which a pair exactly at the threshold is found. More similar pairs have a higher one.
    pub promised: f64,
    /// The number of similar pairs that were found. For [clusters](crate::Clusters), the number of distinct shingle
    /// sets that are removed for another.
    pub found: u64,
    /// An estimate of how many such pairs, or sets, were missed.
    pub missed: Missed,
    /// Candidate pairs that were not compared because [the work ran out](crate::DeduperBuilder::exact_work). It is
    /// unknown how many of them are similar, and `missed` does not include them. This is 0 unless very many documents
    /// share most of a form and lack different parts of it, or the threshold is very low.
    pub unseen: u64,
}

/// An estimate of the number of missed pairs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Missed {
    /// The expected number of missed pairs. If crowded buckets were joined exactly, this is only an upper bound: the
    /// join also finds pairs that share no band.
    pub expected: f64,
    /// Lower end of the range that contains the true number in 99 of 100 cases. 0 if crowded buckets were joined
    /// exactly.
    pub low: u64,
    /// Upper end of that range.
    pub high: u64,
}

#[cfg(feature = "serde")]
impl Recall {
    /// Whether a run can have these numbers.
    pub(crate) fn is_possible(&self) -> bool {
        let Missed {
            expected,
            low,
            high,
        } = self.missed;
        let is_of_method = match self.method {
            Method::Lsh => self.banding.is_some(),
            Method::Exact => self.banding.is_none(),
            Method::Auto => false,
        };
        is_of_method && (0.0..=1.0).contains(&self.promised) && expected >= 0.0 && low <= high
    }
}

/// The numbers from which [`Missed`] is computed.
struct Estimate {
    /// The number of found pairs.
    found: f64,
    /// The expected number of missed pairs.
    expected: f64,
    /// The variance of `expected`.
    variance: f64,
    /// The greatest odds of a miss, among pairs that are missed together.
    odds: f64,
    /// The number of pairs that are missed together, at least 1.
    group: f64,
}

impl Missed {
    /// The probability of an outcome that the range may leave out, at either end.
    const SELDOM: f64 = 0.005;

    /// Computes the range: the score interval (Wilson 1927) of 2.6 standard errors.
    ///
    /// It contains the numbers M for which `(expected - M)^2 <= 2.6^2 Var(M)`. Var(M) is the variance if M is the true
    /// number; it grows with M by the odds of a miss. So the range is wide enough for small numbers as well; with the
    /// variance at `expected`, it would end too early. Pairs that are missed together count as whole groups.
    fn new(estimate: &Estimate) -> Self {
        const ERRORS: f64 = 2.6;
        let Estimate {
            found,
            expected,
            variance,
            odds,
            group,
        } = *estimate;
        if expected <= 0.0 {
            return Self {
                high: Self::unseen(odds),
                ..Self::default()
            };
        }
        let square = ERRORS * ERRORS;
        let around = |odds: f64| {
            let shift = square * odds / 2.0;
            (shift, (square * variance + shift * shift).sqrt())
        };
        let mean_odds = variance / (found + expected);
        let (up, above) = around(odds.max(mean_odds));
        let (down, below) = around(mean_odds);
        let mut high = expected + up + above;
        if expected >= Self::SELDOM * group {
            high = (high / group).ceil() * group;
        }
        Self {
            expected,
            low: (expected + down - below).max(0.0) as u64,
            high: (high.ceil() as u64).max(Self::unseen(odds)),
        }
    }

    /// Drops the lower end if the exact join of crowded buckets found some of the pairs. The join also finds pairs that
    /// share no band. So fewer are missed, and no lower bound is known.
    fn beside_join(self, is_joined: bool) -> Self {
        let low = if is_joined { 0 } else { self.low };
        Self { low, ..self }
    }

    /// The largest number of pairs that are all missed together with a probability of 1 in 200 or more.
    fn unseen(odds: f64) -> u64 {
        const MOST: u64 = 1000;
        let missed = odds / (1.0 + odds);
        let often = |pairs: &u64| power(missed, *pairs) >= Self::SELDOM;
        (1..=MOST).take_while(often).last().unwrap_or(0)
    }
}

impl fmt::Display for Missed {
    /// Writes text such as `about 3.2 (at most 8)` or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            expected,
            low,
            high,
        } = *self;
        let digits = usize::from(expected < 99.95);
        match low {
            _ if high == 0 => f.write_str("none"),
            _ if expected < 0.05 => write!(f, "hardly any (at most {high})"),
            0 => write!(f, "about {expected:.digits$} (at most {high})"),
            low => write!(f, "about {expected:.digits$} ({low} to {high})"),
        }
    }
}

/// Counts found pairs, and estimates from them how many were missed.
pub(crate) struct PairTally<'c> {
    chances: &'c Chances,
    counts: PairCounts,
}

/// Sums over the found pairs, which do not depend on the order of the pairs.
#[derive(Debug, Clone, Default)]
struct PairCounts {
    found: u64,
    /// Pairs that are found with certainty, which `found` does not count.
    certain: u64,
    /// Whether the exact join found some of the certain pairs.
    is_joined: bool,
    missed: Sum,
    variance: Sum,
    /// For each band, the expected number of pairs that agree in this band alone, estimated from those found.
    by_band: Vec<Sum>,
    /// Expected numbers of missed pairs, in [`GROUPS`](Self::GROUPS) by a hash of the bands in which the found pairs
    /// agree.
    together: Vec<Sum>,
    /// The sum of squares of the terms in `together`.
    squares: Sum,
}

impl PairCounts {
    /// With 64 groups, the estimated number of pairs that are missed together has a standard error of 18%.
    const GROUPS: usize = 64;
}

/// A fixed-point sum in steps of 2^-40, so that it does not depend on the order of its terms.
#[derive(Debug, Clone, Copy, Default)]
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

impl<'c> PairTally<'c> {
    pub(crate) fn new(chances: &'c Chances) -> Self {
        let bands = chances.banding().map_or(1, Banding::bands);
        Self {
            chances,
            counts: PairCounts {
                by_band: vec![Sum::default(); bands],
                together: vec![Sum::default(); PairCounts::GROUPS],
                ..PairCounts::default()
            },
        }
    }

    pub(crate) fn chances(&self) -> &'c Chances {
        self.chances
    }

    /// Adds `pairs` pairs that are found together, with their similarity, the size of the union, and the bands in which
    /// they agree.
    pub(crate) fn add(
        &mut self,
        jaccard: f64,
        union: usize,
        pairs: u64,
        agreement: Option<Agreement>,
    ) {
        let Chance { all: chance, less } = self.chances.of(jaccard, union);
        let weight = pairs as f64;
        let missed = weight * (1.0 - chance) / chance;
        let counts = &mut self.counts;
        counts.found += pairs;
        counts.missed.add(missed);
        counts
            .variance
            .add(weight * weight * (1.0 - chance) / (chance * chance));
        let Some(Agreement { same, only }) = agreement else {
            return;
        };
        counts.together[same as usize % PairCounts::GROUPS].add(missed);
        counts.squares.add(missed * missed);
        if let Some(band) = only
            && less > 0.0
        {
            counts.by_band[usize::from(band)].add(weight / less);
        }
    }

    /// Adds pairs that the exact join finds with certainty.
    pub(crate) fn add_certain(&mut self, pairs: u64) {
        self.counts.certain += pairs;
        self.counts.is_joined = true;
    }

    /// Adds all pairs of `documents` identical documents, except the pairs among `settled` of them.
    pub(crate) fn add_copies(&mut self, documents: u64, settled: u64) {
        let pairs = |of: u64| of * of.saturating_sub(1) / 2;
        self.counts.certain += pairs(documents) - pairs(settled);
    }

    /// Returns the number of found pairs, and an estimate of the missed ones.
    ///
    /// Pairs that share documents are found or missed together. The variance of independent pairs is then too small, so
    /// the largest of three estimates is used:
    ///
    /// - the variance of independent pairs;
    /// - the jackknife over bands: how much the estimate changes when one band is left out;
    /// - the variance of independent pairs times the size of the groups of pairs that agree in the same bands. A hash
    ///   of these bands spreads independent pairs evenly, but groups unevenly. This works even if no pair was found by
    ///   one band alone, when the jackknife gives 0.
    pub(crate) fn counted(&self) -> (u64, Missed) {
        let counts = &self.counts;
        let bands = counts.by_band.len() as f64;
        let independent = counts.variance.value();
        let jackknife = (bands - 1.0) / bands * squared_deviations(&counts.by_band);
        let even = counts.squares.value() * (1.0 - 1.0 / PairCounts::GROUPS as f64);
        let together = match even > 0.0 {
            true => (squared_deviations(&counts.together) / even).max(1.0),
            false => 1.0,
        };
        let variance = (independent * together).max(jackknife);
        let grouped = match independent > 0.0 {
            true => variance / independent,
            false => 1.0,
        };
        let missed = Missed::new(&Estimate {
            found: counts.found as f64,
            expected: counts.missed.value(),
            variance,
            odds: self.chances.greatest_odds() * grouped,
            group: together.floor(),
        });
        let missed = missed.beside_join(counts.is_joined);
        (counts.found + counts.certain, missed)
    }
}

/// The sum of squared differences from the mean.
fn squared_deviations(sums: &[Sum]) -> f64 {
    let values = || sums.iter().map(|sum| sum.value());
    let mean = values().sum::<f64>() / sums.len() as f64;
    values().map(|value| (value - mean) * (value - mean)).sum()
}

/// Counts sets that are removed, from many threads, and estimates how many were missed.
///
/// There is a counter for each step of similarity and each power of two of the size of the union, so that the result
/// does not depend on the order.
pub(crate) struct LinkTally<'c> {
    chances: &'c Chances,
    /// The last counter is for sets that are found with certainty.
    found: Vec<AtomicU64>,
}

/// Indexes of counters that are not 0, with their values.
#[cfg(feature = "corpus")]
pub(crate) type LinkCounts = Vec<(usize, u64)>;

impl<'c> LinkTally<'c> {
    /// The number of powers of two.
    const UNIONS: usize = usize::BITS as usize;
    /// Index of the counter for sets that are found with certainty.
    const CERTAIN: usize = Chances::STEPS * Self::UNIONS;

    pub(crate) fn new(chances: &'c Chances) -> Self {
        Self {
            chances,
            found: (0..=Self::CERTAIN).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Adds a set that is removed for another one with this similarity to it.
    pub(crate) fn add(&self, similarity: &Similarity) {
        let (step, _) = self.chances.step(similarity.jaccard);
        let union = similarity.union().max(1).ilog2() as usize;
        self.found[step * Self::UNIONS + union].fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a similarity reaches the threshold.
    pub(crate) fn reaches(&self, similarity: &Similarity) -> bool {
        similarity.jaccard >= self.chances.threshold
    }

    /// Adds a set that is found with certainty.
    pub(crate) fn add_certain(&self) {
        self.found[Self::CERTAIN].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the counters that are not 0.
    #[cfg(feature = "corpus")]
    pub(crate) fn counts(&self) -> LinkCounts {
        let found = self.found.iter().map(|found| found.load(Ordering::Relaxed));
        (0..).zip(found).filter(|&(_, found)| found > 0).collect()
    }

    /// Adds the counts of another tally.
    #[cfg(feature = "corpus")]
    pub(crate) fn add_counts(&self, counts: &LinkCounts) {
        for &(step, found) in counts {
            self.found[step].fetch_add(found, Ordering::Relaxed);
        }
    }

    /// Returns the number of found sets, and an estimate of the missed ones.
    ///
    /// The estimate is slightly too high, since similarities are rounded down to their step, and unions up to a power
    /// of two.
    pub(crate) fn counted(&self) -> (u64, Missed) {
        let mut all = self.found[Self::CERTAIN].load(Ordering::Relaxed);
        let (mut uncertain, mut missed, mut variance) = (0, 0.0, 0.0);
        for (kind, found) in self.found[..Self::CERTAIN].iter().enumerate() {
            let found = found.load(Ordering::Relaxed);
            if found == 0 {
                continue;
            }
            let similarity = self.chances.similarity(kind / Self::UNIONS);
            let union = 2usize.saturating_pow(1 + (kind % Self::UNIONS) as u32);
            let chance = self.chances.of(similarity, union).all;
            uncertain += found;
            missed += found as f64 * (1.0 - chance) / chance;
            variance += found as f64 * (1.0 - chance) / (chance * chance);
        }
        all += uncertain;
        let missed = Missed::new(&Estimate {
            found: uncertain as f64,
            expected: missed,
            variance,
            odds: self.chances.greatest_odds(),
            group: 1.0,
        });
        (all, missed.beside_join(all > uncertain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::SketchKind;

    fn chances() -> Chances {
        let banding = Banding::new(42, 3).unwrap();
        Chances::new(0.5, banding, SketchKind::Classic, 128, 0)
    }

    #[test]
    fn pairs_stand_for_those_that_were_missed() {
        let chances = chances();
        let missed = 1.0 / Banding::new(42, 3).unwrap().probability(0.5) - 1.0;
        let mut tally = PairTally::new(&chances);
        let links = LinkTally::new(&chances);
        for _ in 0..1000 {
            tally.add(0.5, 100, 2, None);
            links.add(&Similarity::of(50, 75, 75));
        }
        let (linked, links) = links.counted();
        let (found, pairs) = tally.counted();
        assert_eq!((found, linked), (2000, 1000));
        assert!((pairs.expected - 2000.0 * missed).abs() < 1e-6, "{pairs:?}");
        assert!((pairs.low as f64) < pairs.expected && pairs.expected < pairs.high as f64);
        assert!((links.expected - 1000.0 * missed).abs() < 1e-6);
        // If one band alone finds many pairs, each of the others may have missed as many.
        for _ in 0..100 {
            let (same, only) = (0, Some(7));
            tally.add(0.5, 100, 1, Some(Agreement { same, only }));
        }
        let (_, alone) = tally.counted();
        assert!(
            alone.high - alone.low > pairs.high - pairs.low + 200,
            "{alone:?}"
        );
    }

    #[test]
    fn no_lower_end_is_known_beside_a_join() {
        let chances = chances();
        let mut tally = PairTally::new(&chances);
        let links = LinkTally::new(&chances);
        tally.add_copies(2, 0);
        for _ in 0..5000 {
            tally.add(0.5, 100, 1, None);
            links.add(&Similarity::of(50, 75, 75));
        }
        assert!(tally.counted().1.low > 0 && links.counted().1.low > 0);
        tally.add_certain(1);
        links.add_certain();
        let (pairs, links) = (tally.counted().1, links.counted().1);
        assert_eq!((pairs.low, links.low), (0, 0));
        assert!(pairs.expected > 0.0 && links.high > 0);
    }

    /// The estimate for `found` independent pairs, each found with probability `chance`.
    fn missed(found: u64, chance: f64) -> Missed {
        let odds = (1.0 - chance) / chance;
        Missed::new(&Estimate {
            found: found as f64,
            expected: found as f64 * odds,
            variance: found as f64 * odds / chance,
            odds,
            group: 1.0,
        })
    }

    /// Sums the probabilities of all outcomes whose range contains the truth.
    #[test]
    fn ranges_hold_the_truth() {
        for chance in [0.2, 0.5, 0.9, 0.947, 0.99, 0.998] {
            for pairs in (1..60).chain([100, 250]) {
                // From all found downwards: the binomial distribution.
                let (mut weight, mut held) = (power(chance, pairs), 0.0);
                for lost in 0..=pairs {
                    let found = pairs - lost;
                    let Missed { low, high, .. } = missed(found, chance);
                    held += if (low..=high).contains(&lost) {
                        weight
                    } else {
                        0.0
                    };
                    weight *= found as f64 / (lost + 1) as f64 * (1.0 - chance) / chance;
                }
                assert!(
                    held > 0.989,
                    "{pairs} pairs, each found with {chance}: {held}"
                );
            }
        }
    }

    #[test]
    fn ranges_of_few_pairs() {
        let range = |found, chance| {
            let missed = missed(found, chance);
            (missed.low, missed.high)
        };
        // Two pairs, each found with 0.9, are both missed once in 100 times.
        assert_eq!(
            [0, 3, 20].map(|found| range(found, 0.9)),
            [(0, 2), (0, 3), (0, 7)]
        );
        assert_eq!(
            [0, 3, 20].map(|found| range(found, 0.99)),
            [(0, 1), (0, 1), (0, 2)]
        );
        assert_eq!(
            [0, 3, 20].map(|found| range(found, 0.998)),
            [(0, 0), (0, 1), (0, 1)]
        );
        assert_eq!(range(0, 1.0), (0, 0));
        assert_eq!(range(10_000, 0.9), (1020, 1203));
    }

    #[test]
    fn pairs_found_together_widen_the_range() {
        let banding = Banding::new(16, 8).unwrap();
        let chances = Chances::new(0.8, banding, SketchKind::Classic, 128, 0);
        // A thousand pairs by themselves, and ten groups of a hundred.
        let range = |hash: fn(u64) -> u64| {
            let mut tally = PairTally::new(&chances);
            for pair in 0..1000 {
                let (same, only) = (hash(pair), None);
                tally.add(0.8, 100, 1, Some(Agreement { same, only }));
            }
            tally.counted().1
        };
        let [apart, together] = [range(|pair| pair), range(|pair| pair / 100)];
        assert_eq!(apart.expected, together.expected);
        assert!(together.high >= apart.expected as u64 + 100, "{together:?}");
        assert!(apart.high < 90, "{apart:?}");
    }

    #[test]
    fn missed_reads_well() {
        let shown = |expected, low, high| {
            Missed {
                expected,
                low,
                high,
            }
            .to_string()
        };
        assert_eq!(shown(0.0, 0, 0), "none");
        assert_eq!(shown(0.0, 0, 1), "hardly any (at most 1)");
        assert_eq!(shown(0.01, 0, 1), "hardly any (at most 1)");
        assert_eq!(shown(3.21, 0, 8), "about 3.2 (at most 8)");
        assert_eq!(shown(1234.5, 1156, 1313), "about 1234 (1156 to 1313)");
    }
}
