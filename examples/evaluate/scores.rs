//! The table of precision and recall by threshold.

use std::fmt;

use indicatif::HumanCount;

use super::curve::{Curve, Score};
use super::found::{Found, reaching};
use super::grid::Grid;
use super::rule::Rule;

/// The scores of one rule.
pub(crate) struct Scores<'a> {
    pub(crate) rule: &'a Rule,
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
            "threshold      pairs   labelled  precision  recall     F1  story F1"
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
                "{:>9.digits$} {:>10} {:>10} {:>10} {:>7.3} {:>6.3} {:>9.3}{mark}",
                score.threshold,
                HumanCount(score.pairs as u64).to_string(),
                HumanCount(score.labelled as u64).to_string(),
                precision(&score),
                score.recall(),
                score.f1(),
                score.story_f1,
            )?;
        }
        Ok(())
    }

    fn show_best(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.grid.from();
        let Some(best) = self.curve.best() else {
            return writeln!(f, "No labelled pair is found at {from} or above.");
        };
        writeln!(f, "best F1 {}", described(best.f1(), &best))?;
        if self.curve.is_open(&best) {
            writeln!(
                f,
                "It takes every pair that was looked at: a lower --from may give a better one."
            )?;
        }
        if let Some(best) = self.curve.best_of_stories() {
            writeln!(f, "best story F1 {}", described(best.story_f1, &best))?;
        }
        match self.asked.map(|asked| self.curve.at(asked)) {
            Some(asked) => writeln!(f, "     F1 {}", described(asked.f1(), &asked)),
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
        writeln!(f, "Rule {}\n", self.rule)?;
        self.show_table(f)?;
        writeln!(f)?;
        self.show_best(f)?;
        self.show_unreported(f)?;
        writeln!(f)
    }
}

fn described(f1: f64, score: &Score) -> String {
    format!(
        "{f1:.3} at {}: precision {}, recall {:.3}; {} pairs, {} of them labelled",
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
