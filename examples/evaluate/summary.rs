//! The summary, with one line for each rule.

use std::fmt;

use indicatif::HumanCount;

use super::curve::{Curve, Score};
use super::rule::Rule;
use super::scores::precision;

/// The thresholds at which the F1 of all rules is shown.
const F1_AT: [f64; 2] = [0.5, 0.8];
/// The thresholds at which the pairs of all rules are shown, without labels.
const PAIRS_AT: [f64; 4] = [0.5, 0.7, 0.8, 0.9];

pub(crate) struct Summary<'a> {
    pub(crate) curves: &'a [(Rule, Curve)],
    /// The lowest threshold.
    pub(crate) from: f64,
    /// Whether there are labels to score by.
    pub(crate) labels: bool,
}

impl Summary<'_> {
    /// The width of the longest name.
    fn width(&self) -> usize {
        let names = self.curves.iter().map(|(rule, _)| rule.to_string().len());
        names.fold(8, usize::max)
    }

    /// A cell for a threshold: `-` below the lowest.
    fn at(&self, threshold: f64, cell: impl Fn(f64) -> String) -> String {
        match threshold >= self.from {
            true => cell(threshold),
            false => "-".to_owned(),
        }
    }

    fn show_pairs_head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, " {:>13}", format!("pairs at {}", self.from))
    }

    fn with_labels(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, mut is_open) = (self.width(), false);
        write!(
            f,
            "{:width$} best F1      at precision  recall story F1      at",
            "rule"
        )?;
        for threshold in F1_AT {
            write!(f, " {:>6}", format!("F1@{threshold}"))?;
        }
        self.show_pairs_head(f)?;
        for (rule, curve) in self.curves {
            write!(f, "{rule:width$} ")?;
            let best = Best::of(curve, curve.best(), Score::f1);
            let of_stories = Best::of(curve, curve.best_of_stories(), |score| score.story_f1);
            is_open |= best.is_open || of_stories.is_open;
            write!(
                f,
                "{best} {:>9} {:>7}  {of_stories}",
                best.precision, best.recall
            )?;
            for threshold in F1_AT {
                let f1 = self.at(threshold, |at| format!("{:.3}", curve.at(at).f1()));
                write!(f, " {f1:>6}")?;
            }
            writeln!(f, " {:>13}", pairs(curve, self.from))?;
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
        let width = self.width();
        write!(f, "{:width$}", "rule")?;
        for threshold in PAIRS_AT {
            write!(f, " {:>12}", format!("pairs at {threshold}"))?;
        }
        self.show_pairs_head(f)?;
        for (rule, curve) in self.curves {
            write!(f, "{rule:width$}")?;
            for threshold in PAIRS_AT {
                write!(f, " {:>12}", self.at(threshold, |at| pairs(curve, at)))?;
            }
            writeln!(f, " {:>13}", pairs(curve, self.from))?;
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

/// The cells of a best score.
struct Best {
    f1: String,
    threshold: String,
    precision: String,
    recall: String,
    is_open: bool,
}

impl Best {
    fn of(curve: &Curve, best: Option<Score>, f1: impl Fn(&Score) -> f64) -> Self {
        let Some(best) = best else {
            let [f1, threshold, precision, recall] = [(); 4].map(|()| "-".to_owned());
            return Self {
                f1,
                threshold,
                precision,
                recall,
                is_open: false,
            };
        };
        let is_open = curve.is_open(&best);
        Self {
            f1: format!("{:.3}", f1(&best)),
            threshold: format!("{}{}", best.threshold, if is_open { "*" } else { "" }),
            precision: precision(&best),
            recall: format!("{:.3}", best.recall()),
            is_open,
        }
    }
}

impl fmt::Display for Best {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7} {:>7}", self.f1, self.threshold)
    }
}

fn pairs(curve: &Curve, threshold: f64) -> String {
    HumanCount(curve.at(threshold).pairs as u64).to_string()
}
