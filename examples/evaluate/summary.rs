//! The summary, with one line for each kind of shingle.

use std::fmt;

use indicatif::HumanCount;
use resemblance::Shingle;

use crate::curve::{Curve, Score};
use crate::scores::precision;

/// The thresholds at which all shingles are shown.
const AT: [f64; 4] = [0.5, 0.7, 0.8, 0.9];

pub(crate) struct Summary<'a> {
    pub(crate) curves: &'a [(Shingle, Curve)],
    /// The lowest threshold.
    pub(crate) from: f64,
    /// Whether there are labels to score by.
    pub(crate) labels: bool,
}

impl Summary<'_> {
    /// Shows a cell for each threshold, and `-` for thresholds below the lowest.
    fn show_at(&self, f: &mut fmt::Formatter<'_>, cell: impl Fn(f64) -> String) -> fmt::Result {
        for threshold in AT {
            let cell = match threshold >= self.from {
                true => cell(threshold),
                false => "-".to_owned(),
            };
            write!(f, " {cell:>12}")?;
        }
        Ok(())
    }

    fn show_heads(&self, f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
        for threshold in AT {
            write!(f, " {:>12}", format!("{what} at {threshold}"))?;
        }
        writeln!(f, " {:>14}", format!("pairs at {}", self.from))
    }

    fn with_labels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_open = false;
        write!(f, "shingle      best F1         at  precision  recall")?;
        self.show_heads(f, "F1")?;
        for (shingle, curve) in self.curves {
            write!(f, "{:11}  ", shingle.to_string())?;
            match curve.best() {
                Some(best) => {
                    let open = curve.is_open(&best);
                    is_open |= open;
                    show_best(f, &best, open)?;
                }
                None => write!(f, "{:>7}  {:>9} {:>10} {:>7}", "-", "-", "-", "-")?,
            }
            self.show_at(f, |threshold| format!("{:.3}", curve.at(threshold).f1()))?;
            writeln!(f, " {:>14}", pairs(curve, self.from))?;
        }
        match is_open {
            true => writeln!(
                f,
                "* all pairs looked at: a lower --from may give a better one"
            ),
            false => Ok(()),
        }
    }

    fn without(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shingle    ")?;
        self.show_heads(f, "pairs")?;
        for (shingle, curve) in self.curves {
            write!(f, "{:11}", shingle.to_string())?;
            self.show_at(f, |threshold| pairs(curve, threshold))?;
            writeln!(f, " {:>14}", pairs(curve, self.from))?;
        }
        Ok(())
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.labels {
            true => self.with_labels(f),
            false => self.without(f),
        }
    }
}

fn show_best(f: &mut fmt::Formatter<'_>, best: &Score, open: bool) -> fmt::Result {
    let threshold = format!("{}{}", best.threshold, if open { "*" } else { "" });
    write!(
        f,
        "{:>7.3}  {threshold:>9} {:>10} {:>7.3}",
        best.f1(),
        precision(best),
        best.recall()
    )
}

fn pairs(curve: &Curve, threshold: f64) -> String {
    HumanCount(curve.at(threshold).pairs as u64).to_string()
}
