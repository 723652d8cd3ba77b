//! False-positive rates of blocked Bloom filters, and the sizes needed for a rate.
//!
//! In a filter of B blocks with n keys, the number i of keys in a block has the binomial distribution (n, 1/B). A block
//! with i keys has had i k draws of bits, each from all bits of the block. The distribution of the number x of
//! different bits set is computed draw by draw. A key that was not inserted has all its k bits set with probability (x
//! / bits)^k. The rate is the mean over i and x. (The usual formula uses the mean of x instead of its distribution, and
//! is about 5% too low for such small blocks.)
//!
//! Only sums, products and quotients are used, so that the plan is the same on every machine.

use crate::error::{Error, Kind};

/// Bits of a block, which is a cache line.
pub(super) const BLOCK: usize = 512;

/// The most bits of a key.
const MOST_PROBES: usize = 16;

/// The number of draws in a block for which rates are computed. After these, all but one in 3,000 bits are set.
const DRAWS: usize = 8 * BLOCK;

/// Probabilities below this are negligible.
const NOTHING: f64 = 1e-30;

/// The size of the filters of all bands, planned for a rate.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    bands: usize,
    blocks: u64,
    probes: usize,
    /// The rate of a block for each number of its keys.
    of_block: Vec<f64>,
}

impl Plan {
    /// Plans the smallest filters whose false-positive rate is at most `rate` when they contain `documents` documents.
    pub(super) fn new(documents: u64, bands: usize, rate: f64) -> Result<Self, Error> {
        let with_probes = |(i, of_block)| Self {
            bands,
            blocks: 1,
            probes: i + 1,
            of_block,
        };
        of_blocks()
            .into_iter()
            .enumerate()
            .map(with_probes)
            .filter_map(|plan| plan.sized(documents, rate))
            .min_by_key(|plan| plan.blocks)
            .ok_or_else(|| Error::new(Kind::BloomSize { documents, rate }))
    }

    /// Sets the least number of blocks that is enough. `None` if no memory can be that large.
    fn sized(mut self, documents: u64, rate: f64) -> Option<Self> {
        let most = isize::MAX as u64 / (BLOCK as u64 / 8 * self.bands as u64);
        let mut enough = |blocks: u64| {
            self.blocks = blocks;
            self.rate(documents) <= rate
        };
        let mut high = 1;
        while !enough(high) {
            high = Some(high * 2).filter(|&high| high <= most)?;
        }
        let mut low = high / 2; // not enough, or 0
        while high - low > 1 {
            let middle = low.midpoint(high);
            match enough(middle) {
                true => high = middle,
                false => low = middle,
            }
        }
        self.blocks = high;
        Some(self)
    }

    /// The number of blocks of each band's filter.
    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The number of bits of a key.
    pub(super) fn probes(&self) -> usize {
        self.probes
    }

    /// The false-positive rate of all filters together, when they contain `documents` documents.
    pub(super) fn rate(&self, documents: u64) -> f64 {
        let rate = self.of_filter(documents);
        union(std::iter::repeat_n(rate, self.bands))
    }

    /// The false-positive rate of the filter of one band.
    fn of_filter(&self, keys: u64) -> f64 {
        let of_block = |i: u64| self.of_block.get(i as usize).copied().unwrap_or(1.0);
        if self.blocks == 1 {
            return of_block(keys);
        }
        let mode = keys / self.blocks;
        if mode >= self.of_block.len() as u64 {
            return 1.0;
        }
        // Computed from the mode outwards, so that only negligible probabilities underflow.
        let odds = 1.0 / (self.blocks - 1) as f64;
        let up = (mode..keys).scan(1.0, |weight, i| {
            *weight *= (keys - i) as f64 * odds / (i + 1) as f64;
            Some((i + 1, *weight))
        });
        let down = (0..mode).rev().scan(1.0, |weight, i| {
            *weight *= (i + 1) as f64 / ((keys - i) as f64 * odds);
            Some((i, *weight))
        });
        let matters = |(_, weight): &(u64, f64)| *weight >= NOTHING;
        let (mut all, mut errs) = (1.0, of_block(mode));
        for (i, weight) in up.take_while(matters).chain(down.take_while(matters)) {
            all += weight;
            errs += weight * of_block(i);
        }
        errs / all
    }
}

/// For 1 bit a key, 2 bits, and so on: the rate of a block for each number of its keys.
fn of_blocks() -> Vec<Vec<f64>> {
    let powers: Vec<Vec<f64>> = (1..=MOST_PROBES)
        .map(|probes| (0..=BLOCK).map(|ones| power(fill(ones), probes)).collect())
        .collect();
    let mut rates = vec![vec![0.0]; MOST_PROBES];
    let mut block = Drawn::none();
    for draws in 1..=DRAWS {
        block.draw();
        let likely = block.low..=block.high;
        for (i, rates) in rates.iter_mut().enumerate() {
            if draws % (i + 1) == 0 {
                let ones = block.ones[likely.clone()].iter();
                let powers = &powers[i][likely.clone()];
                rates.push(ones.zip(powers).map(|(ones, power)| ones * power).sum());
            }
        }
    }
    rates
}

/// The share of a block's bits that are set.
fn fill(ones: usize) -> f64 {
    ones as f64 / BLOCK as f64
}

/// A block in which bits have been drawn.
struct Drawn {
    /// The probability of each number of set bits.
    ones: [f64; BLOCK + 1],
    /// The least and the greatest number with a probability above 0.
    low: usize,
    high: usize,
}

impl Drawn {
    fn none() -> Self {
        let mut ones = [0.0; BLOCK + 1];
        ones[0] = 1.0;
        Self {
            ones,
            low: 0,
            high: 0,
        }
    }

    /// Draws one more bit, which may already be set.
    fn draw(&mut self) {
        let Self { ones, low, high } = self;
        *high = (*high + 1).min(BLOCK);
        for n in (*low + 1..=*high).rev() {
            ones[n] = ones[n] * fill(n) + ones[n - 1] * (1.0 - fill(n - 1));
        }
        ones[*low] *= fill(*low);
        while ones[*low] < NOTHING {
            ones[*low] = 0.0;
            *low += 1;
        }
        while ones[*high] < NOTHING {
            ones[*high] = 0.0;
            *high -= 1;
        }
    }
}

/// The probability that at least one of independent events happens. It is also precise for very unlikely events.
pub(super) fn union(events: impl IntoIterator<Item = f64>) -> f64 {
    (events.into_iter()).fold(0.0, |any, event| any + event * (1.0 - any))
}

/// `x^n`, the same on every machine.
pub(super) fn power(x: f64, n: usize) -> f64 {
    (0..n).fold(1.0, |power, _| power * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_keep_what_is_asked_and_no_smaller_one_would() {
        for documents in [1, 2, 100, 10_000, 1_000_000_000] {
            for bands in [1, 9, 42] {
                for rate in [0.5, 0.01, 1e-6, 1e-12] {
                    let plan = Plan::new(documents, bands, rate).unwrap();
                    assert!(plan.rate(documents) <= rate);
                    assert_eq!(plan.rate(0), 0.0);
                    if plan.blocks > 1 {
                        let blocks = plan.blocks - 1;
                        let smaller = Plan { blocks, ..plan };
                        assert!(smaller.rate(documents) > rate);
                    }
                }
            }
        }
        assert!(Plan::new(u64::MAX, 9, 1e-12).is_err());
    }

    /// Compares with the textbook formula for a filter that is not blocked.
    #[test]
    fn blocks_cost_some_bits() {
        let documents = 1_000_000;
        for (rate, more) in [(0.1, 1.1), (0.01, 1.2), (1e-3, 1.3), (1e-4, 1.4)] {
            let plan = Plan::new(documents, 1, rate).unwrap();
            let bits = plan.blocks as f64 * BLOCK as f64 / documents as f64;
            let textbook = -f64::ln(rate) / std::f64::consts::LN_2.powi(2);
            assert!(
                bits > textbook && bits < more * textbook,
                "{bits} {textbook}"
            );
        }
    }

    /// In a block of one key, k draws set x bits, and k draws of another key must all hit them. For k = 2, the two
    /// draws set one bit with probability 1/512, otherwise two.
    #[test]
    fn small_cases_by_hand() {
        let rates = of_blocks();
        let b = BLOCK as f64;
        assert_eq!(rates[0][1], 1.0 / b);
        let by_hand = 1.0 / b * (1.0 / b).powi(2) + (1.0 - 1.0 / b) * (2.0 / b).powi(2);
        assert!((rates[1][1] / by_hand - 1.0).abs() < 1e-12);
        // With one bit a key, the rate is the mean share of set bits.
        let mean = 1.0 - (1.0 - 1.0 / b).powi(300);
        assert!((rates[0][300] / mean - 1.0).abs() < 1e-12);
        assert!(rates.iter().all(|rates| rates.is_sorted()));
    }

    #[test]
    fn rates_grow_with_documents() {
        let plan = Plan::new(10_000, 9, 0.001).unwrap();
        let rates: Vec<f64> = (0..200).map(|i| plan.rate(i * 500)).collect();
        assert!(rates.is_sorted() && rates[0] == 0.0 && rates[199] > 0.5 && rates[199] <= 1.0);
    }
}
