//! How many slots of similar documents are equal.

/// The least number of equal slots, of K, with which a candidate is verified, and the probability that a
/// pair at the threshold has fewer: the most slots with which it is at most `loss`.
///
/// Equal slots are taken as binomial, which is a little wider than those of the default sketch.
pub(crate) fn floor_slots(threshold: f64, hashes: usize, loss: f64) -> (usize, f64) {
    if threshold >= 1.0 {
        return (hashes, 0.0);
    }
    let (weights, mode) = equal_slots_weights(threshold, hashes);
    let all: f64 = weights.iter().sum();
    let (mut floor, mut below) = (0, 0.0);
    while floor < mode && below + weights[floor] / all <= loss {
        below += weights[floor] / all;
        floor += 1;
    }
    (floor, below)
}

/// The probability that a pair of this similarity has fewer equal slots, of `hashes`, than `floor`.
pub(crate) fn below_floor(jaccard: f64, hashes: usize, floor: usize) -> f64 {
    if jaccard >= 1.0 {
        return 0.0;
    }
    let (weights, _) = equal_slots_weights(jaccard, hashes);
    weights[..floor].iter().sum::<f64>() / weights.iter().sum::<f64>()
}

/// How likely each number of equal slots is at a similarity below 1, in proportion, and the likeliest number.
fn equal_slots_weights(jaccard: f64, hashes: usize) -> (Vec<f64>, usize) {
    // From the mode outwards, so that none underflows that matters; only products and quotients, which are the same
    // on every machine.
    let odds = jaccard / (1.0 - jaccard);
    let mode = (((hashes + 1) as f64 * jaccard) as usize).min(hashes);
    let mut weights = vec![0.0; hashes + 1];
    weights[mode] = 1.0;
    for k in (0..mode).rev() {
        weights[k] = weights[k + 1] * (k + 1) as f64 / ((hashes - k) as f64 * odds);
    }
    for k in mode + 1..=hashes {
        weights[k] = weights[k - 1] * (hashes - k + 1) as f64 * odds / k as f64;
    }
    (weights, mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_lose_what_they_may() {
        for (threshold, hashes, loss) in [(0.8, 128, 1e-3), (0.99, 128, 1e-5), (0.5, 65_535, 1e-3)]
        {
            let (floor, below) = floor_slots(threshold, hashes, loss);
            let (_, more) = floor_slots(threshold, hashes, loss * 1.2);
            assert!(
                below <= loss && more >= below,
                "{threshold} {hashes}: {floor} {below}"
            );
            let error = (threshold * (1.0 - threshold) / hashes as f64).sqrt();
            let errors = (threshold - floor as f64 / hashes as f64) / error;
            assert!(
                (2.5..7.0).contains(&errors),
                "{threshold} {hashes}: {errors} standard errors"
            );
        }
        // One slot, three in four: either it is asked for, and a quarter lost, or it is not.
        assert_eq!(floor_slots(0.75, 1, 0.3), (1, 0.25));
        assert_eq!(floor_slots(0.75, 1, 0.2), (0, 0.0));
        assert_eq!(floor_slots(1.0, 128, 0.0), (128, 0.0));
    }
}
