//! Statistical claims about the sketches, with fixed seeds: estimates are unbiased, the size of their error, and how
//! often bands collide. The input is hashes of random sets with a chosen Jaccard similarity.

use rayon::prelude::*;
use resemblance::sketch::{CodeBits, Scheme, SignatureMatrix, Sketcher};
use resemblance::text::mix;
use resemblance::{Banding, Deduper, Normalization, Shingle, SketchKind};

const K: usize = 128;

/// Two sets whose union has `n` elements, and their Jaccard similarity, the nearest to `jaccard` that
/// n elements allow.
fn sets(trial: u64, n: usize, jaccard: f64) -> (Vec<u64>, Vec<u64>, f64) {
    let shared = ((n as f64 * jaccard).round() as usize).clamp(1, n);
    let element = |i: usize| mix(mix(trial.wrapping_add(1)).wrapping_add(i as u64));
    let in_both = (0..shared).map(element);
    let left = (shared..n).step_by(2).map(element);
    let right = (shared + 1..n).step_by(2).map(element);
    let (left, right) = (in_both.clone().chain(left), in_both.chain(right));
    (left.collect(), right.collect(), shared as f64 / n as f64)
}

fn sketcher(sketch: SketchKind, hashes: usize) -> Sketcher {
    let scheme = Scheme::new(
        sketch,
        hashes,
        Shingle::default(),
        Normalization::default(),
        0,
    );
    Sketcher::new(scheme.unwrap())
}

fn slots(sketch: &Sketcher, set: &[u64]) -> Vec<u32> {
    let mut slots = vec![0; sketch.scheme().hashes()];
    sketch.sketch_into(set, &mut slots);
    slots
}

/// Mean and mean square of the estimate's error over `trials` pairs, and the true similarity.
fn errors(sketch: &Sketcher, n: usize, jaccard: f64, trials: u64) -> (f64, f64, f64) {
    let k = sketch.scheme().hashes() as f64;
    let (sum, squares) = (0..trials)
        .into_par_iter()
        .map(|trial| {
            let (left, right, truth) = sets(trial, n, jaccard);
            let (left, right) = (slots(sketch, &left), slots(sketch, &right));
            let equal = left.iter().zip(&right).filter(|(l, r)| l == r).count();
            let error = equal as f64 / k - truth;
            (error, error * error)
        })
        // Summed in order, so that the last bit is the same in every run.
        .collect::<Vec<_>>()
        .into_iter()
        .fold((0.0, 0.0), |(s, q), (e, e2)| (s + e, q + e2));
    let count = trials as f64;
    (sum / count, squares / count, sets(0, n, jaccard).2)
}

/// What was measured for one sketch at one n and J.
struct Measured {
    n: usize,
    jaccard: f64,
    /// The bias in standard errors of its mean.
    bias: f64,
    /// Root mean square error as a share of `sqrt(J (1 - J) / K)`.
    error: f64,
}

fn measure(sketch: &Sketcher, n: usize, jaccard: f64, budget: u64) -> Option<Measured> {
    let trials = (budget / n as u64).clamp(budget / 5_000, 20_000);
    let (bias, square, truth) = errors(sketch, n, jaccard, trials);
    if truth >= 1.0 {
        assert_eq!(square, 0.0, "equal sets have equal sketches");
        return None;
    }
    let variance = square - bias * bias;
    Some(Measured {
        n,
        jaccard: truth,
        bias: bias / (variance / trials as f64).sqrt(),
        error: (square / (truth * (1.0 - truth) / K as f64)).sqrt(),
    })
}

const SIZES: [usize; 9] = [1, 2, 5, 20, 50, 100, 300, 1_000, 10_000];
const SIMILARITIES: [f64; 4] = [0.1, 0.5, 0.8, 0.95];

/// Measures all sizes and similarities over about `budget` elements each; `most` is the largest error
/// allowed at n.
fn holds(sketch: &Sketcher, budget: u64, most: impl Fn(usize) -> f64) {
    for n in SIZES {
        for jaccard in SIMILARITIES {
            let Some(Measured {
                n,
                jaccard,
                bias,
                error,
            }) = measure(sketch, n, jaccard, budget)
            else {
                continue;
            };
            println!("n {n:5}  J {jaccard:.3}  bias {bias:+.2} standard errors  rmse {error:.3}");
            assert!(
                bias.abs() < 3.0,
                "n {n} J {jaccard}: bias of {bias} standard errors"
            );
            assert!(error < most(n), "n {n} J {jaccard}: error {error}");
        }
    }
}

#[test]
fn fast_similarity_is_unbiased_and_sharp_on_small_sets() {
    let most = |n| if (20..=100).contains(&n) { 0.80 } else { 1.05 };
    holds(&sketcher(SketchKind::FastSimilarity, K), 20_000_000, most);
}

#[test]
fn classic_is_unbiased() {
    // So slow on large sets that it gets fewer trials: its error is known to 4% there.
    holds(&sketcher(SketchKind::Classic, K), 4_000_000, |_| 1.10);
}

#[test]
fn k_need_be_no_power_of_two() {
    for k in [1, 3, 100, 300] {
        let sketch = sketcher(SketchKind::FastSimilarity, k);
        for n in [5, 100, 1000] {
            let (bias, square, truth) = errors(&sketch, n, 0.6, 8_000);
            let z = bias / ((square - bias * bias) / 8_000.0).sqrt();
            let error = (square / (truth * (1.0 - truth) / k as f64)).sqrt();
            assert!(z.abs() < 3.0 && error < 1.05, "K {k} n {n}: {z} {error}");
        }
    }
}

/// The share of pairs with a band in common, and what the S-curve says.
fn collisions(sketch: &Sketcher, banding: Banding, n: usize, jaccard: f64) -> (f64, f64) {
    let trials = 10_000;
    let hits = (0..trials)
        .into_par_iter()
        .filter(|&trial| {
            let (left, right, _) = sets(trial, n, jaccard);
            let (left, right) = (slots(sketch, &left), slots(sketch, &right));
            (0..banding.bands()).any(|band| banding.key(band, &left) == banding.key(band, &right))
        })
        .count();
    let (_, _, truth) = sets(0, n, jaccard);
    (hits as f64 / trials as f64, banding.probability(truth))
}

/// At most 0.02 below the S-curve, and at most 0.03 above it; `docs/signature.md` tells what was measured.
#[test]
fn bands_collide_as_the_s_curve_says() {
    let (fast, classic) = (
        sketcher(SketchKind::FastSimilarity, K),
        sketcher(SketchKind::Classic, K),
    );
    for (name, sketch) in [("fast", &fast), ("classic", &classic)] {
        for (bands, rows) in [(42, 3), (25, 5), (21, 6), (16, 8), (14, 9), (12, 10)] {
            let banding = Banding::new(bands, rows).unwrap();
            for n in [6, 20, 100, 1000] {
                for jaccard in [0.5, 0.8] {
                    let (rate, theory) = collisions(sketch, banding, n, jaccard);
                    let excess = rate - theory;
                    println!("{name} {banding} n {n} J {jaccard}: {theory:.4} {excess:+.4}");
                    assert!(
                        (-0.02..0.03).contains(&excess),
                        "{banding} n {n} J {jaccard}: {excess}"
                    );
                }
            }
        }
    }
}

/// Ids in a row: input on which unmixed hashes are biased.
fn signature_of_ids(deduper: &Deduper, ids: std::ops::Range<u64>) -> resemblance::Signature {
    deduper.signature_of_set(&deduper.shingle_set_of_ids(ids))
}

#[test]
fn consecutive_integers_show_no_bias() {
    for kind in [SketchKind::FastSimilarity, SketchKind::Classic] {
        let builder = Deduper::builder().sketch(kind).shingle(Shingle::Words(1));
        let deduper = |seed| builder.clone().seed(seed).build().unwrap();
        for (n, jaccard) in [(100u64, 0.5), (100, 0.8), (2000, 0.5), (2000, 0.9)] {
            let trials = 1000;
            let shared = (n as f64 * jaccard) as u64;
            let half = (n - shared) / 2;
            let errors: Vec<f64> = (0..trials)
                .into_par_iter()
                .map(|seed| {
                    let deduper = deduper(seed);
                    let left = signature_of_ids(&deduper, 0..half + shared);
                    let right = signature_of_ids(&deduper, half..2 * half + shared);
                    let truth = shared as f64 / (shared + 2 * half) as f64;
                    left.estimate(&right).unwrap().jaccard - truth
                })
                .collect();
            let mean = errors.iter().sum::<f64>() / trials as f64;
            let square = errors.iter().map(|e| e * e).sum::<f64>() / trials as f64;
            let z = mean / ((square - mean * mean) / trials as f64).sqrt();
            assert!(
                z.abs() < 3.0,
                "{kind} n {n} J {jaccard}: bias {mean}, {z} standard errors"
            );
        }
    }
}

/// b-bit estimates are corrected for chance: no bias at any similarity.
#[test]
fn compact_estimates_are_unbiased() {
    for bits in [CodeBits::Eight, CodeBits::Sixteen] {
        for (shared, alone) in [(0u64, 100u64), (20, 40), (60, 20), (100, 0)] {
            let trials = 2000;
            let truth = shared as f64 / (shared + 2 * alone) as f64;
            let shares: Vec<f64> = (0..trials)
                .into_par_iter()
                .map(|seed| {
                    let builder = Deduper::builder().shingle(Shingle::Words(1));
                    let deduper = builder.seed(seed).build().unwrap();
                    let mut matrix = SignatureMatrix::new(*deduper.scheme());
                    let right = alone..2 * alone + shared;
                    for set in [0..alone + shared, right] {
                        matrix.push(&signature_of_ids(&deduper, set)).unwrap();
                    }
                    matrix.compact(bits).estimate(0, 1).jaccard - truth
                })
                .collect();
            let mean = shares.iter().sum::<f64>() / trials as f64;
            // At J = 0 estimates below 0 are told as 0: half the normal's mean remains.
            let chance = 1.0 / f64::from(1u32 << bits.bits());
            let most = 3.0 * (0.25_f64 / K as f64 / trials as f64).sqrt()
                + if shared == 0 {
                    (chance / K as f64).sqrt()
                } else {
                    0.0
                };
            assert!(mean.abs() < most, "{bits:?} {shared}: {mean} > {most}");
        }
    }
}

/// Pairs that lie exactly at the threshold are found as often as was asked, and as is told.
#[test]
fn the_recall_is_the_one_that_is_told() {
    let pairs = 3000;
    for (shared, all, recall) in [
        (100, 200, 0.99),
        (160, 200, 0.9),
        (160, 200, 0.99),
        (198, 200, 0.999),
    ] {
        let deduper = Deduper::builder()
            .threshold(f64::from(shared) / f64::from(all))
            .recall(recall)
            .shingle(Shingle::Words(1))
            .build()
            .unwrap();
        let text = |pair: u32, half: u32| -> String {
            let own = (shared..all).filter(|i| i % 2 == half);
            let words = (0..shared).chain(own).map(|i| format!("p{pair}w{i} "));
            words.collect()
        };
        let texts: Vec<String> = (0..pairs).flat_map(|i| [text(i, 0), text(i, 1)]).collect();
        let found = deduper.pairs(&texts).len() as f64 / f64::from(pairs);
        let told = deduper.recall();
        println!("asked {recall}, told {told:.5}, found {found:.5}");
        assert!(told >= recall, "asked {recall}, told {told}");
        let error = (told * (1.0 - told) / f64::from(pairs)).sqrt();
        assert!(
            found > told - 3.0 * error - 0.001,
            "told {told}, found {found}"
        );
    }
}
