//! Random numbers that use only sums, products and quotients, so that they are the same on every machine.

use resemblance::text::mix;

/// A generator of numbers, the same for the same seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// From 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 to n, without n.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// Nearly normal, with mean 0 and deviation 1: the sum of twelve shares less its mean. Unlike
    /// the exact ways it needs no logarithm, whose last bit differs between machines.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }

    /// A length, log-normal with this median and this deviation of its logarithm; at least 1.
    pub fn length(&mut self, median: f64, spread: f64) -> usize {
        (median * exp(spread * self.normal())).round().max(1.0) as usize
    }
}

/// e^x, for the same reason not the machine's own: a short series at x / 1024, squared ten times.
fn exp(x: f64) -> f64 {
    let x = x / 1024.0;
    let series = 1.0 + x * (1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0)));
    (0..10).fold(series, |power, _| power * power)
}
