//! The table of precision and recall by threshold.

use std::fmt;

use indicatif::HumanCount;
use resemblance::Shingle;

use crate::curve::{Curve, Score};
use crate::found::{Found, reaching};
use crate::grid::Grid;

/// The scores of one kind of shingle.
pub(crate) struct Scores<'a> {
    pub(crate) shingle: Shingle,
    pub(crate) grid: Grid,
    pub(crate) found: &'a Found,
    pub(crate) curve: &'a Curve,
    /// The threshold that the user named.
    pub(crate) asked: Option<f64>,
}

impl Scores<'_> {
    fn show_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "threshold      pairs   labelled  precision  recall     F1"
        )?;
        let scores = self.grid.thresholds().map(|t| self.curve.at(t));
        let most = scores.clone().map(|score| score.f1()).fold(0.0, f64::max);
        for score in scores {
            let mark = match score.f1() == most && most > 0.0 {
                true => "  best of these",
                false => "",
            };
            let digits = self.grid.digits();
            writeln!(
                f,
                "{:>9.digits$} {:>10} {:>10} {:>10} {:>7.3} {:>6.3}{mark}",
                score.threshold,
                HumanCount(score.pairs as u64).to_string(),
                HumanCount(score.labelled as u64).to_string(),
                precision(&score),
                score.recall(),
                score.f1(),
            )?;
        }
        Ok(())
    }

    fn show_best(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.grid.from();
        let Some(best) = self.curve.best() else {
            return writeln!(f, "No labelled pair is found at {from} or above.");
        };
        writeln!(f, "best {}", described(&best))?;
        if self.curve.is_open(&best) {
            writeln!(
                f,
                "It takes every pair that was looked at: a lower --from may give a better one."
            )?;
        }
        match self.asked {
            Some(asked) => writeln!(f, "     {}", described(&self.curve.at(asked))),
            None => Ok(()),
        }
    }

    fn show_unreported(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.grid.from();
        let missed = reaching(&self.found.unreported, from);
        let below = self.found.unreported.len() - missed;
        let [below, missed_count] = [below, missed].map(|n| HumanCount(n as u64));
        writeln!(
            f,
            "Labelled pairs below {from}: {below}; they count as not found."
        )?;
        match missed {
            0 => Ok(()),
            _ => writeln!(
                f,
                "Labelled pairs above that the method missed: {missed_count}; so do they."
            ),
        }
    }
}

impl fmt::Display for Scores<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Shingle {}\n", self.shingle)?;
        self.show_table(f)?;
        writeln!(f)?;
        self.show_best(f)?;
        self.show_unreported(f)?;
        writeln!(f)
    }
}

fn described(score: &Score) -> String {
    format!(
        "F1 {:.3} at {}: precision {}, recall {:.3}; {} pairs, {} of them labelled",
        score.f1(),
        score.threshold,
        precision(score),
        score.recall(),
        HumanCount(score.pairs as u64),
        HumanCount(score.labelled as u64),
    )
}

pub(crate) fn precision(score: &Score) -> String {
    let precision = score.precision();
    precision.map_or_else(|| "-".to_owned(), |share| format!("{share:.3}"))
}
