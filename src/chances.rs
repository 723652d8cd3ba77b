//! The probability that LSH finds a pair.
//!
//! ```text
//! union size, K   ->  variance of the number of equal slots   (spread)
//! banding, floor  ->  misses, by number of equal slots        (misses)
//! both            ->  probability that a pair is missed       (missed)
//! ```

use std::sync::OnceLock;

use crate::lsh::{Banding, power};
use crate::sketch::SketchKind;
use crate::text::mix;

/// Probabilities that a pair is found, depending on its similarity and the size of its union.
///
/// One shingle of the union decides a slot, and the two signatures agree there if both sets have it. The slots are
/// exchangeable: if E of K slots agree, each choice of E slots has the same probability. So the model has two parts.
///
/// 1. *Which slots agree.* The probability that E random slots fill no band is a ratio of counts. [`misses`] computes
///    it band by band, with positive terms only. Inclusion-exclusion over the bands gives the same number, but its
///    terms nearly cancel. A pair with fewer equal slots than the floor is missed whatever its bands, and counted once.
/// 2. *How many agree.* For independent slots ([`SketchKind::Classic`]) E is binomial. Fast Similarity Sketching fills
///    many slots in one round, each with a different shingle. This is drawing without replacement: the mean of E is the
///    same, but its variance is smaller by a known factor ([`spread`]). The model takes E as hypergeometric, with the
///    union size that gives this variance.
///
/// Probabilities are interpolated between steps of similarity and of spread. Tables are computed when they are first
/// needed: 0.05 to 0.1 ms each at K = 128, 0.3 ms for all. Only `+ - * /` are used, so that all machines get the same
/// numbers.
pub(crate) struct Chances {
    pub(crate) threshold: f64,
    /// `None` if every pair is found.
    lsh: Option<Curves>,
}

/// The probability that a pair is found: with all bands, and with one band less.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Chance {
    pub(crate) all: f64,
    pub(crate) less: f64,
}

impl Chances {
    /// Steps of similarity from the threshold to 1.
    pub(crate) const STEPS: usize = 128;

    /// Chances of LSH. `floor` is the least number of equal slots, of `hashes`, with which a candidate is verified.
    pub(crate) fn new(
        threshold: f64,
        banding: Banding,
        sketch: SketchKind,
        hashes: usize,
        floor: usize,
    ) -> Self {
        Self {
            threshold,
            lsh: Some(Curves {
                banding,
                sketch,
                hashes,
                floor,
                misses: OnceLock::new(),
                by_spread: [const { OnceLock::new() }; SPREADS + 1],
            }),
        }
    }

    /// Chances of the exact join, which finds every pair.
    pub(crate) fn certain() -> Self {
        Self {
            threshold: 0.0,
            lsh: None,
        }
    }

    /// The banding, with LSH.
    pub(crate) fn banding(&self) -> Option<Banding> {
        self.lsh.as_ref().map(|lsh| lsh.banding)
    }

    /// The similarity at the start of a step.
    pub(crate) fn similarity(&self, step: usize) -> f64 {
        let above = (1.0 - self.threshold) * step as f64 / Self::STEPS as f64;
        (self.threshold + above).min(1.0)
    }

    /// The step that contains a similarity, and its position in the step, from 0 to 1.
    pub(crate) fn step(&self, jaccard: f64) -> (usize, f64) {
        let place = (jaccard - self.threshold) / (1.0 - self.threshold) * Self::STEPS as f64;
        let place = if place.is_nan() { 0.0 } else { place }; // a threshold of 1
        let step = (place as usize).min(Self::STEPS - 1);
        (step, (place - step as f64).clamp(0.0, 1.0))
    }

    /// The probability for two sets with this similarity, whose union has `union` shingles.
    pub(crate) fn of(&self, jaccard: f64, union: usize) -> Chance {
        let Some(lsh) = &self.lsh else {
            return Chance {
                all: 1.0,
                less: 1.0,
            };
        };
        let spread = lsh.spread(union) * SPREADS as f64;
        let narrow = (spread as usize).min(SPREADS - 1);
        let (step, on) = self.step(jaccard);
        let at = |class: usize| {
            let curve = lsh.curve(class, |step| self.similarity(step));
            between(curve[step], curve[step + 1], on)
        };
        let wide = spread - narrow as f64;
        let missed = match wide {
            0.0 => at(narrow),
            1.0 => at(narrow + 1),
            wide => between(at(narrow), at(narrow + 1), wide),
        };
        let [all, less] = missed.map(|missed| (1.0 - missed).clamp(1e-9, 1.0));
        Chance { all, less }
    }

    /// The odds of a miss, (1 - P) / P, of a pair at the threshold with independent slots. All other odds are smaller.
    pub(crate) fn greatest_odds(&self) -> f64 {
        let found = self.of(self.threshold, usize::MAX).all;
        (1.0 - found) / found
    }

    /// The bands in which two signatures agree; `None` if there are none.
    pub(crate) fn agreement(&self, left: &[u32], right: &[u32]) -> Option<Agreement> {
        let banding = self.banding()?;
        let [left, right] = [left, right].map(|row| row.chunks_exact(banding.rows()));
        let bands = (0..).zip(left.zip(right).take(banding.bands()));
        let mut equal = bands.filter(|(_, (l, r))| l == r);
        let (first, (slots, _)) = equal.next()?;
        let hash = |hash: u64, band: u16, slots: &[u32]| {
            mix(hash ^ (u64::from(band) << 32 | u64::from(slots[0])))
        };
        let (mut same, mut only) = (hash(0, first, slots), Some(first));
        for (band, (slots, _)) in equal {
            same = hash(same, band, slots);
            only = None;
        }
        Some(Agreement { same, only })
    }
}

/// The bands in which two signatures agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Agreement {
    /// A hash of these bands and their slots. It is the same for pairs that share a document and agree in the same
    /// bands.
    pub(crate) same: u64,
    /// The band, if there is only one.
    pub(crate) only: Option<u16>,
}

/// The number of steps of spread, from 0 to 1. Independent slots have a spread of 1.
const SPREADS: usize = 8;

/// Probabilities that a pair is missed, with all bands and with one less.
type Missing = [f64; 2];

fn between(left: Missing, right: Missing, share: f64) -> Missing {
    [0, 1].map(|of| left[of] + (right[of] - left[of]) * share)
}

/// The probabilities for a banding, computed when they are first needed.
struct Curves {
    banding: Banding,
    sketch: SketchKind,
    hashes: usize,
    floor: usize,
    misses: OnceLock<Vec<Missing>>,
    /// For each step of spread, the probabilities at each step of similarity.
    by_spread: [OnceLock<Vec<Missing>>; SPREADS + 1],
}

impl Curves {
    /// The variance of the number of equal slots, divided by that of independent slots.
    fn spread(&self, union: usize) -> f64 {
        match self.sketch {
            SketchKind::FastSimilarity => spread(union, self.hashes),
            SketchKind::Classic => 1.0,
        }
    }

    fn curve(&self, class: usize, similarity: impl Fn(usize) -> f64) -> &[Missing] {
        self.by_spread[class].get_or_init(|| {
            let misses = self
                .misses
                .get_or_init(|| misses(self.banding, self.hashes, self.floor));
            let spread = class as f64 / SPREADS as f64;
            (0..=Chances::STEPS)
                .map(|step| missed(misses, similarity(step), spread))
                .collect()
        })
    }
}

/// The variance of the number of equal slots of Fast Similarity Sketching, divided by that of independent slots, for a
/// union of `union` shingles.
///
/// Different shingles decide the slots that one round fills, so two of these slots have the covariance
/// `-J (1 - J) / (n - 1)`. Slots of different rounds are independent. After one round, two given slots are both empty
/// with probability q2 = (1 - 2/K)^n, and one given slot is empty with probability q1 = (1 - 1/K)^n. So one round fills
/// two empty slots with probability 1 - 2 q1 + q2. The probability that one of the R rounds fills both is that times 1
/// + q2 + ... + q2^(R-1).
fn spread(union: usize, hashes: usize) -> f64 {
    let k = hashes as f64;
    if union < 2 || hashes < 2 {
        return 1.0;
    }
    let empty = |slots: f64| power(1.0 - slots / k, union as u64);
    let (q1, q2) = (empty(1.0), empty(2.0));
    let rounds = hashes.div_ceil(16) as u64;
    let both = (1.0 - 2.0 * q1 + q2) * (1.0 - power(q2, rounds)) / (1.0 - q2);
    (1.0 - (k - 1.0) / (union as f64 - 1.0) * both).clamp(0.0, 1.0)
}

/// The probabilities that a pair is missed, given the probabilities for each number of equal slots.
fn missed(misses: &[Missing], jaccard: f64, spread: f64) -> Missing {
    let (mut all, mut missed) = (0.0, [0.0; 2]);
    if jaccard >= 1.0 {
        return missed;
    }
    equal_slots_at(jaccard, misses.len() - 1, spread, |equal, weight| {
        all += weight;
        for (missed, of) in missed.iter_mut().zip(misses[equal]) {
            *missed += weight * of;
        }
    });
    missed.map(|missed| missed / all)
}

/// Calls `each` with numbers of equal slots and their relative probabilities, which are hypergeometric, or binomial at
/// a spread of 1. Skips numbers with a negligible probability.
fn equal_slots_at(jaccard: f64, hashes: usize, spread: f64, mut each: impl FnMut(usize, f64)) {
    let k = hashes as f64;
    // One over the size of the union: (n - K) / (n - 1) is the spread.
    let part = ((1.0 - spread) / (k - spread)).max(0.0);
    let mode = (k + 1.0) * (jaccard + part) / (1.0 + 2.0 * part);
    let mode = (mode as usize).min(hashes);
    let odds = |equal: usize| {
        let more = (jaccard - equal as f64 * part) * (hashes - equal) as f64;
        let less = (equal + 1) as f64 * (1.0 - jaccard - (hashes - equal - 1) as f64 * part);
        (more.max(0.0), less.max(0.0))
    };
    each(mode, 1.0);
    let mut weight = 1.0;
    for equal in mode..hashes {
        let (more, less) = odds(equal);
        weight *= more / less;
        if !(weight > NOTHING && weight.is_finite()) {
            break;
        }
        each(equal + 1, weight);
    }
    weight = 1.0;
    for equal in (0..mode).rev() {
        let (more, less) = odds(equal);
        weight *= less / more;
        if !(weight > NOTHING && weight.is_finite()) {
            break;
        }
        each(equal, weight);
    }
}

/// A probability that is negligible beside 1.
const NOTHING: f64 = 1e-18;

/// For each number of equal slots, the probability that a pair is missed: because it is below the floor, or because no
/// band agrees.
fn misses(banding: Banding, hashes: usize, floor: usize) -> Vec<Missing> {
    let rows = banding.rows();
    // The probability that a band is not full, and slots that are in no band.
    let band: Vec<f64> = (0..=rows).map(|equal| f64::from(equal < rows)).collect();
    let free = |slots: usize| vec![1.0; slots + 1];
    let less = repeated(&band, banding.bands() - 1);
    let all = join(&less, &band);
    let less = join(&less, &free(hashes + 1 - less.len()));
    let all = join(&all, &free(hashes + 1 - all.len()));
    let by_equal = all.into_iter().zip(less).enumerate();
    by_equal
        .map(|(equal, (all, less))| match equal < floor {
            true => [1.0; 2],
            false => [all, less],
        })
        .collect()
}

/// For each number of equal slots in `times` bands, the probability that no band is full.
fn repeated(band: &[f64], times: usize) -> Vec<f64> {
    if times == 0 {
        return vec![1.0];
    }
    let half = repeated(band, times / 2);
    let both = join(&half, &half);
    match times % 2 {
        0 => both,
        _ => join(&both, band),
    }
}

/// For each number of equal slots in `left` and `right` together, the probability that no band is full. The number of
/// equal slots in `left` is hypergeometric.
fn join(left: &[f64], right: &[f64]) -> Vec<f64> {
    let (l, r) = (left.len() - 1, right.len() - 1);
    let of = |equal: usize| {
        let (least, most) = (equal.saturating_sub(r), equal.min(l));
        let mode = ((l + 1) * (equal + 1) / (l + r + 2)).clamp(least, most);
        let mut all = 1.0;
        let mut sum = left[mode] * right[equal - mode];
        let mut add = |on_left: usize, weight: f64| {
            all += weight;
            sum += weight * left[on_left] * right[equal - on_left];
            weight > NOTHING
        };
        let odds = |i: usize| {
            let more = (l - i) as f64 * (equal - i) as f64;
            more / ((i + 1) as f64 * (r + i + 1 - equal) as f64)
        };
        let mut weight = 1.0;
        for i in mode..most {
            weight *= odds(i);
            if !add(i + 1, weight) {
                break;
            }
        }
        weight = 1.0;
        for i in (least..mode).rev() {
            weight /= odds(i);
            if !add(i, weight) {
                break;
            }
        }
        sum / all
    };
    (0..=l + r).map(of).collect()
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;
    use crate::sketch::floor_slots;
    use crate::sketch::{FastSimilarity, Sketch};

    fn chances(bands: usize, rows: usize, floor: usize) -> Chances {
        let banding = Banding::new(bands, rows).unwrap();
        Chances::new(0.5, banding, SketchKind::Classic, 128, floor)
    }

    #[test]
    fn independent_slots_follow_the_s_curve() {
        let of = |bands, rows| Banding::new(bands, rows).unwrap();
        let chances = chances(42, 3, 0);
        for jaccard in [0.5, 0.503, 0.62, 0.8, 0.9999, 1.0] {
            let found = chances.of(jaccard, 100);
            let all = of(42, 3).probability(jaccard);
            let less = of(41, 3).probability(jaccard);
            assert!((found.all - all).abs() < 1e-5, "{jaccard}: {found:?} {all}");
            assert!((found.less - less).abs() < 1e-5, "{jaccard}");
        }
    }

    #[test]
    fn a_floor_is_counted_once() {
        // Pairs with few equal slots share no band anyway: a floor costs less than its own probability.
        let (floor, below) = floor_slots(0.5, 128, 0.01);
        let lost = chances(42, 3, 0).of(0.5, 100).all - chances(42, 3, floor).of(0.5, 100).all;
        assert!(
            (0.5 * below..0.95 * below).contains(&lost),
            "{lost} {below}"
        );
    }

    /// Compares with inclusion-exclusion over the bands, computed with integers.
    #[test]
    fn misses_are_counts_of_slots() {
        let choose = |n: u128, k: u128| (0..k).fold(1, |all, i| all * (n - i) / (i + 1));
        for (bands, rows, hashes) in [
            (5usize, 3usize, 17usize),
            (21, 2, 42),
            (1, 9, 9),
            (30, 1, 31),
        ] {
            let misses = misses(Banding::new(bands, rows).unwrap(), hashes, 0);
            for (equal, [missed, _]) in misses.into_iter().enumerate() {
                let mut free = 0i128;
                for full in (0..=bands).take_while(|full| full * rows <= equal) {
                    let ways = choose(bands as u128, full as u128)
                        * choose(
                            (hashes - full * rows) as u128,
                            (equal - full * rows) as u128,
                        );
                    free += if full % 2 == 0 { 1 } else { -1 } * ways.cast_signed();
                }
                let exact = free as f64 / choose(hashes as u128, equal as u128) as f64;
                assert!(
                    (missed - exact).abs() <= 1e-12 * exact,
                    "{bands} x {rows}, {equal}"
                );
            }
        }
    }

    /// The number of equal slots and whether a band is shared, for pairs of random sets.
    fn sketched(
        k: usize,
        banding: Banding,
        shared: usize,
        n: usize,
        trials: u64,
    ) -> Vec<(usize, bool)> {
        let sketch = FastSimilarity::unchecked(k);
        let trial = |trial: u64| {
            let element = |i: usize| mix(mix(trial + 77).wrapping_add(i as u64));
            let slots = |from: usize| {
                let own = (from..n).step_by(2).map(element);
                let set: Vec<u64> = (0..shared).map(element).chain(own).collect();
                let mut slots = vec![0; k];
                sketch.sketch(&set, &mut slots);
                slots
            };
            let (left, right) = (slots(shared), slots(shared + 1));
            let equal = left.iter().zip(&right).filter(|(l, r)| l == r).count();
            let bands = |row: &'_ [u32]| {
                row.chunks_exact(banding.rows())
                    .map(<[u32]>::to_vec)
                    .collect::<Vec<_>>()
            };
            let pairs = bands(&left).into_iter().zip(bands(&right));
            (equal, pairs.take(banding.bands()).any(|(l, r)| l == r))
        };
        (0..trials).into_par_iter().map(trial).collect()
    }

    #[test]
    fn spread_is_that_of_the_sketch() {
        let banding = Banding::new(1, 1).unwrap();
        for (n, k) in [
            (2, 128),
            (6, 128),
            (20, 128),
            (100, 128),
            (300, 128),
            (1000, 64),
            (40, 100),
        ] {
            let (shared, trials) = (n / 2, 8000);
            let jaccard = shared as f64 / n as f64;
            let squares = sketched(k, banding, shared, n, trials).into_iter();
            let squares = squares.map(|(equal, _)| (equal as f64 - k as f64 * jaccard).powi(2));
            let measured =
                squares.sum::<f64>() / trials as f64 / (k as f64 * jaccard * (1.0 - jaccard));
            // With 8000 trials, one standard error is 1.6%.
            let spread = spread(n, k);
            assert!(
                (measured / spread - 1.0).abs() < 0.06,
                "n {n} K {k}: {measured} {spread}"
            );
        }
        assert_eq!((spread(1, 128), spread(usize::MAX, 128)), (1.0, 1.0));
    }

    /// Compares with pairs of real sketches: within 4 standard errors and a tenth.
    #[test]
    fn chances_are_those_of_the_sketch() {
        for (k, threshold, recall) in [
            (128, 0.8, 0.9),
            (128, 0.5, 0.99),
            (128, 0.9, 0.9),
            (64, 0.8, 0.9),
        ] {
            let banding = Banding::for_recall(threshold, recall, k).unwrap();
            let (floor, _) = floor_slots(threshold, k, 0.1 * (1.0 - recall));
            let chances = Chances::new(threshold, banding, SketchKind::FastSimilarity, k, floor);
            for n in [10usize, 40, 200, 1000] {
                let shared = (n as f64 * threshold).ceil() as usize;
                let trials = 20_000;
                let pairs = sketched(k, banding, shared, n, trials);
                let missed = pairs
                    .iter()
                    .filter(|&&(equal, band)| !band || equal < floor);
                let measured = missed.count() as f64 / trials as f64;
                let model = 1.0 - chances.of(shared as f64 / n as f64, n).all;
                let error = (model * (1.0 - model) / trials as f64).sqrt();
                println!(
                    "K {k} at {threshold}, {banding}, n {n}: missed {measured:.5}, by the model {model:.5}"
                );
                assert!(
                    (measured - model).abs() < 4.0 * error + 0.1 * model,
                    "{n}: {measured} {model}"
                );
            }
        }
    }

    /// Interpolation changes the probability of a miss by at most a twentieth.
    #[test]
    fn steps_are_small_enough() {
        let banding = Banding::for_recall(0.8, 0.9, 128).unwrap();
        let chances = Chances::new(0.8, banding, SketchKind::FastSimilarity, 128, 91);
        let misses = misses(banding, 128, 91);
        for n in [3, 10, 25, 60, 150, 280, 700, 5000] {
            for jaccard in [0.8, 0.8013, 0.83, 0.8777] {
                let [exact, _] = missed(&misses, jaccard, spread(n, 128));
                let interpolated = 1.0 - chances.of(jaccard, n).all;
                assert!(
                    (interpolated - exact).abs() <= 0.05 * exact + 1e-9,
                    "{n} {jaccard}: {interpolated} {exact}"
                );
            }
        }
    }

    #[test]
    fn many_slots_are_no_trouble() {
        for hashes in [1, 2, 4096] {
            let banding = Banding::for_recall(0.6, 0.5, hashes).unwrap();
            let chances = Chances::new(0.6, banding, SketchKind::FastSimilarity, hashes, 1);
            for n in [1, 2, 100, 100_000] {
                let found = chances.of(0.6, n).all;
                let curve = banding.probability(0.6);
                assert!((found - curve).abs() < 0.3, "{hashes} {n}: {found} {curve}");
                assert_eq!(chances.of(1.0, n).all, 1.0);
            }
        }
    }

    #[test]
    fn agreement_distinguishes_bands() {
        let banding = Banding::new(3, 2).unwrap();
        let chances = Chances::new(0.5, banding, SketchKind::Classic, 7, 0);
        let row = [1, 2, 3, 4, 5, 6, 7];
        let one = chances.agreement(&row, &[0, 2, 3, 4, 5, 0, 7]).unwrap();
        assert_eq!(one.only, Some(1));
        let two = chances.agreement(&row, &[0, 2, 3, 4, 5, 6, 7]).unwrap();
        assert_eq!(two.only, None);
        let same = chances.agreement(&row, &[9, 2, 3, 4, 5, 6, 0]).unwrap();
        assert!(same == two && same.same != one.same);
        assert_eq!(chances.agreement(&row, &[0; 7]), None);
        assert_eq!(Chances::certain().agreement(&row, &row), None);
    }
}
