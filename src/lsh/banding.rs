//! Bands and rows, and the probability with which they find a pair.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Kind};
use crate::named::serde_as_text;
use crate::sketch::hash_slots;

/// How a signature is divided into bands.
///
/// ```
/// use resemblance::lsh::Banding;
///
/// let banding = Banding::for_recall(0.8, 0.99, 128)?;
/// assert_eq!(banding.to_string(), "21 x 6");
/// assert_eq!("21 x 6".parse(), Ok(banding));
/// assert!(banding.probability(0.8) >= 0.99);
/// assert!(banding.probability(0.3) < 0.02);
/// # Ok::<(), resemblance::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Banding {
    bands: u16,
    rows: u16,
}

impl Banding {
    /// `bands` bands of `rows` rows. More bands find more pairs, more rows find fewer.
    ///
    /// # Errors
    /// If one of the two is not from 1 to 65,535.
    pub fn new(bands: usize, rows: usize) -> Result<Self, Error> {
        match (u16::try_from(bands), u16::try_from(rows)) {
            (Ok(b @ 1..), Ok(r @ 1..)) => Ok(Self { bands: b, rows: r }),
            _ => Err(Error::new(Kind::Banding { bands, rows })),
        }
    }

    /// The banding with the most rows, and so the fewest false candidates, with which a pair of similarity `threshold`
    /// becomes a candidate with probability `recall` or more. More similar pairs have a higher probability.
    ///
    /// # Errors
    /// If a value is out of range, or no banding of `hashes` slots reaches the recall. A recall of 1 can be reached
    /// only at a threshold of 1.
    pub fn for_recall(threshold: f64, recall: f64, hashes: usize) -> Result<Self, Error> {
        valid_threshold(threshold)?;
        valid_recall(recall)?;
        if hashes == 0 || hashes > usize::from(u16::MAX) {
            return Err(Error::new(Kind::Hashes(hashes)));
        }
        if recall >= 1.0 && threshold < 1.0 {
            return Err(Error::new(Kind::RecallNeedsExact));
        }
        let with_rows = |rows: usize| Self {
            bands: (hashes / rows) as u16,
            rows: rows as u16,
        };
        (1..=hashes)
            .rev()
            .map(with_rows)
            .find(|banding| banding.probability(threshold) >= recall)
            .ok_or_else(|| {
                Error::new(Kind::RecallOutOfReach {
                    threshold,
                    recall,
                    hashes,
                    best: with_rows(1).probability(threshold),
                })
            })
    }

    /// The banding with the fewest wrong answers if candidates are *not* verified.
    ///
    /// Wrong answers are candidates below the threshold and missed pairs above it, with all similarities weighted
    /// equally. At the threshold itself about half of the pairs become candidates: 9 x 13, the banding for 0.8 and 128
    /// hashes, finds 40 of 100 pairs there, 93 at 0.9, and 1 at 0.6. More hashes make the curve steeper.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn balanced(threshold: f64, hashes: usize) -> Result<Self, Error> {
        const STEPS: usize = 200;
        valid_threshold(threshold)?;
        if hashes == 0 || hashes > usize::from(u16::MAX) {
            return Err(Error::new(Kind::Hashes(hashes)));
        }
        let wrong = |banding: &Self| -> f64 {
            let found = (0..STEPS).map(|step| (step as f64 + 0.5) / STEPS as f64);
            let wrong = found.map(|jaccard| match banding.probability(jaccard) {
                found if jaccard < threshold => found,
                found => 1.0 - found,
            });
            wrong.sum()
        };
        let all = (1..=hashes).map(|rows| Self {
            bands: (hashes / rows) as u16,
            rows: rows as u16,
        });
        let best = all.map(|banding| (wrong(&banding), banding));
        best.min_by(|left, right| left.0.total_cmp(&right.0))
            .map(|(_, banding)| banding)
            .ok_or_else(|| Error::new(Kind::Hashes(hashes)))
    }

    /// The number of bands, b.
    pub fn bands(self) -> usize {
        usize::from(self.bands)
    }

    /// The number of rows in a band, r.
    pub fn rows(self) -> usize {
        usize::from(self.rows)
    }

    /// The number of slots used, b x r.
    pub fn slots(self) -> usize {
        self.bands() * self.rows()
    }

    /// The S-curve: the probability that a pair of this similarity becomes a candidate,
    /// `1 - (1 - J^r)^b`.
    ///
    /// This holds for independent slots. Those of the default sketch are nearly independent; `docs/signature.md` has
    /// measurements of the difference for documents with few shingles.
    pub fn probability(self, jaccard: f64) -> f64 {
        1.0 - power(1.0 - power(jaccard, self.rows.into()), self.bands.into())
    }

    /// The similarity `(1/b)^(1/r)`, near which the S-curve is steepest. Only about 63% of the pairs with that
    /// similarity become candidates, so do not use it as a threshold.
    pub fn midpoint(self) -> f64 {
        (1.0 / f64::from(self.bands)).powf(1.0 / f64::from(self.rows))
    }

    /// The S-curve at `steps` + 1 similarities from 0 to 1, as (similarity, probability), for a plot or a table.
    pub fn curve(self, steps: usize) -> impl Iterator<Item = (f64, f64)> {
        (0..=steps).map(move |i| {
            let jaccard = i as f64 / steps.max(1) as f64;
            (jaccard, self.probability(jaccard))
        })
    }

    /// The key of a band: `xxh3_64` of its slots as little-endian bytes, seeded with the band's number. Documents with
    /// the same key in a band share a bucket.
    ///
    /// # Panics
    /// If there is no such band, or there are fewer slots than [`slots`](Self::slots).
    pub fn key(self, band: usize, slots: &[u32]) -> u64 {
        assert!(band < self.bands(), "no band {band} in {self}");
        let rows = self.rows();
        hash_slots(band as u64, &slots[band * rows..(band + 1) * rows])
    }

    /// The keys of all bands, in order. A database that looks them up can find candidates by itself.
    ///
    /// ```
    /// use resemblance::Deduper;
    ///
    /// let deduper = Deduper::new();
    /// let keys = |text| -> Vec<u64> {
    ///     let signature = deduper.signature(text);
    ///     deduper.banding().keys(signature.slots()).collect()
    /// };
    /// let left = keys("the council has voted to repair the old harbour wall before winter comes");
    /// let right = keys("The council has voted to repair the old harbour wall before winter comes!");
    /// assert!(left.iter().zip(&right).any(|(a, b)| a == b));
    /// ```
    ///
    /// All [empty](crate::Signature::is_empty) signatures have the same keys. Skip them: documents without shingles
    /// resemble nothing.
    ///
    /// # Panics
    /// If there are fewer slots than [`slots`](Self::slots).
    pub fn keys(self, slots: &[u32]) -> impl ExactSizeIterator<Item = u64> {
        (0..self.bands()).map(move |band| self.key(band, slots))
    }

    /// Fails if the banding needs more slots than a signature has.
    pub(crate) fn fits(self, hashes: usize) -> Result<Self, Error> {
        if self.slots() <= hashes {
            return Ok(self);
        }
        Err(Error::new(Kind::BandingTooLong {
            bands: self.bands(),
            rows: self.rows(),
            hashes,
        }))
    }
}

impl fmt::Display for Banding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", self.bands, self.rows)
    }
}

impl FromStr for Banding {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| {
            let digits = text.trim_matches(' ');
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            // A number that is too large is out of range as well.
            is_number.then(|| digits.parse().unwrap_or(usize::MAX))
        };
        let parts = text.split_once('x');
        match parts.and_then(|(bands, rows)| Some((number(bands)?, number(rows)?))) {
            Some((bands, rows)) => Self::new(bands, rows),
            None => Err(Error::unknown(
                "banding",
                text,
                "BANDS x ROWS, such as 21 x 6",
            )),
        }
    }
}

serde_as_text!(Banding);

pub(crate) fn valid_threshold(threshold: f64) -> Result<f64, Error> {
    if threshold > 0.0 && threshold <= 1.0 {
        return Ok(threshold);
    }
    Err(Error::new(Kind::Threshold(threshold)))
}

pub(crate) fn valid_recall(recall: f64) -> Result<f64, Error> {
    if recall > 0.0 && recall <= 1.0 {
        return Ok(recall);
    }
    Err(Error::new(Kind::Recall(recall)))
}

/// `x^n` by squaring. The last bit of `powi` may differ between platforms, and with it the banding.
pub(crate) fn power(x: f64, n: u64) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, x, n);
    while rest > 0 {
        if rest & 1 == 1 {
            result *= square;
        }
        square *= square;
        rest >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_choices() {
        let at = |t, r| Banding::for_recall(t, r, 128).unwrap().to_string();
        assert_eq!(at(0.8, 0.99), "21 x 6");
        assert_eq!(at(0.8, 0.9), "16 x 8");
        assert_eq!(at(0.5, 0.99), "42 x 3");
        assert_eq!(at(0.9, 0.99), "12 x 10");
        assert_eq!(at(1.0, 1.0), "1 x 128");
    }

    #[test]
    fn no_more_rows_would_do() {
        for hashes in [1, 7, 64, 128, 256] {
            for threshold in [0.3, 0.5, 0.8, 0.95] {
                for recall in [0.5, 0.9, 0.99] {
                    let Ok(found) = Banding::for_recall(threshold, recall, hashes) else {
                        let all = Banding::new(hashes, 1).unwrap();
                        assert!(all.probability(threshold) < recall);
                        continue;
                    };
                    assert!(found.probability(threshold) >= recall);
                    for rows in found.rows() + 1..=hashes {
                        let more = Banding::new(hashes / rows, rows).unwrap();
                        assert!(more.probability(threshold) < recall);
                    }
                }
            }
        }
    }

    #[test]
    fn balanced_ones_err_least_both_ways() {
        let at = |t, hashes| Banding::balanced(t, hashes).unwrap();
        for hashes in [1, 16, 100, 128, 256, 1000] {
            for threshold in [0.3, 0.5, 0.8, 0.9] {
                let balanced = at(threshold, hashes);
                // A row more or less errs more, on one side.
                for rows in [balanced.rows() - 1, balanced.rows() + 1] {
                    let Ok(other) = Banding::new(hashes / rows.max(1), rows) else {
                        continue;
                    };
                    let wrong = |banding: Banding| -> f64 {
                        let curve = banding.curve(1000);
                        curve
                            .map(|(j, p)| if j < threshold { p } else { 1.0 - p })
                            .sum()
                    };
                    assert!(wrong(balanced) < wrong(other) + 1.0, "{balanced} {other}");
                }
            }
        }
        assert_eq!(at(0.8, 128).to_string(), "9 x 13");
        assert_eq!(at(1.0, 128).to_string(), "1 x 128");
        assert!(Banding::balanced(0.0, 128).is_err() && Banding::balanced(0.5, 0).is_err());
    }

    #[test]
    fn curve_rises_from_nothing_to_certainty() {
        let curve: Vec<_> = Banding::new(16, 8).unwrap().curve(100).collect();
        assert_eq!((curve[0], curve[100]), ((0.0, 0.0), (1.0, 1.0)));
        assert!(curve.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        assert!((curve[80].1 - 0.947).abs() < 0.001);
    }

    #[test]
    fn refuses_what_cannot_be() {
        assert!(Banding::for_recall(f64::NAN, 0.9, 128).is_err());
        assert!(Banding::for_recall(0.0, 0.9, 128).is_err());
        assert!(Banding::for_recall(1.5, 0.9, 128).is_err());
        assert!(Banding::for_recall(0.8, f64::NAN, 128).is_err());
        assert!(Banding::for_recall(0.8, 1.0, 128).is_err());
        assert!(Banding::for_recall(0.1, 0.99, 8).is_err());
        assert!(Banding::for_recall(0.8, 0.9, 0).is_err());
        assert!(Banding::new(0, 3).is_err());
        assert!(Banding::new(3, 70_000).is_err());
    }

    #[test]
    fn bands_have_keys_of_their_own() {
        let banding = Banding::new(2, 2).unwrap();
        assert_ne!(banding.key(0, &[1, 2, 1, 2]), banding.key(1, &[1, 2, 1, 2]));
        assert_ne!(banding.key(0, &[1, 2, 0, 0]), banding.key(0, &[2, 1, 0, 0]));
    }
}
