//! The thresholds of a table.

use std::str::FromStr;

/// A threshold or step in whole thousandths, whose sums have no rounding errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thousandths(u32);

impl FromStr for Thousandths {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let exact = |&number: &f64| (number * 1000.0).round() / 1000.0 == number;
        let number = text.parse().ok().filter(exact);
        number
            .map(|number| (number * 1000.0).round())
            .filter(|thousandths| (1.0..=1000.0).contains(thousandths))
            .map(|thousandths| Self(thousandths as u32))
            .ok_or_else(|| {
                "must be from 0.001 to 1, with three digits after the point or fewer".to_owned()
            })
    }
}

/// Thresholds from the lowest to 1, in even steps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    from: u32,
    step: u32,
}

impl Grid {
    pub(crate) fn new(from: Thousandths, step: Thousandths) -> Self {
        Self {
            from: from.0,
            step: step.0,
        }
    }

    /// The same range in steps of five thousandths, for plots.
    pub(crate) fn fine(self) -> Self {
        Self { step: 5, ..self }
    }

    /// The lowest threshold.
    pub(crate) fn from(self) -> f64 {
        value(self.from)
    }

    /// The thresholds, ascending.
    pub(crate) fn thresholds(self) -> impl DoubleEndedIterator<Item = f64> + Clone {
        let steps = (1000 - self.from).div_ceil(self.step);
        let nth = move |step: u32| value((self.from + step * self.step).min(1000));
        (0..=steps).map(nth)
    }

    /// The number of decimals that distinguishes the thresholds.
    pub(crate) fn digits(self) -> usize {
        match self.from.is_multiple_of(10) && self.step.is_multiple_of(10) {
            true => 2,
            false => 3,
        }
    }
}

/// The float nearest to the decimal number.
fn value(thousandths: u32) -> f64 {
    f64::from(thousandths) / 1000.0
}
