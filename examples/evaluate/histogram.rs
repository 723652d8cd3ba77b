//! Pairs by range of similarity, for a run without labels.

use std::fmt;

use indicatif::HumanCount;

use super::Failure;
use super::found::{Found, Scored, most_similar_first, reaching};
use super::grid::Grid;
use super::rule::Rule;
use super::shown::{Show, Shown};

/// Pairs of one rule.
pub(crate) struct Histogram<'a> {
    rule: &'a Rule,
    digits: usize,
    /// The ranges, highest first.
    ranges: Vec<Range<'a>>,
}

/// The pairs between two thresholds.
struct Range<'a> {
    from: f64,
    /// The upper threshold; `None` for the range of 1.
    below: Option<f64>,
    pairs: &'a [Scored],
    /// The number of pairs in this range and above.
    in_all: usize,
}

impl<'a> Histogram<'a> {
    pub(crate) fn new(rule: &'a Rule, grid: Grid, found: &'a Found) -> Self {
        let pairs = &found.reported;
        let (mut below, mut start) = (None, 0);
        let range = |from| {
            let end = reaching(pairs, from);
            let range = Range {
                from,
                below: below.replace(from),
                pairs: &pairs[start..end],
                in_all: end,
            };
            start = end;
            range
        };
        Self {
            rule,
            digits: grid.digits(),
            ranges: grid.thresholds().rev().map(range).collect(),
        }
    }

    /// Shows some pairs of each range.
    pub(crate) fn samples(&self, show: &Show<'_>) -> Result<Vec<Shown>, Failure> {
        let filled = self.ranges.iter().filter(|range| !range.pairs.is_empty());
        filled
            .map(|range| {
                let sample = drawn(range.pairs, show.pairs);
                let (shown, all) = (sample.len(), HumanCount(range.pairs.len() as u64));
                let title = format!("{}: {shown} of {all} pairs", range.name(self.digits));
                show.under(title, &sample)
            })
            .collect()
    }
}

/// A random sample of the pairs.
fn drawn(pairs: &[Scored], count: usize) -> Vec<Scored> {
    let mut drawn = pairs.to_vec();
    drawn.sort_unstable_by_key(|pair| (pair.lot(), pair.a, pair.b));
    drawn.truncate(count);
    most_similar_first(&mut drawn);
    drawn
}

impl Range<'_> {
    fn name(&self, digits: usize) -> String {
        let from = self.from;
        match self.below {
            Some(below) => format!("{from:.digits$} to {below:.digits$}"),
            None => format!("{from:.digits$}"),
        }
    }
}

impl fmt::Display for Histogram<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The length of the longest bar.
        const BAR: usize = 40;
        let counts = self.ranges.iter().map(|range| range.pairs.len());
        let most = counts.max().unwrap_or(0).max(1);
        writeln!(f, "Rule {}\n", self.rule)?;
        writeln!(f, "similarity            pairs  and above")?;
        for range in &self.ranges {
            let bar = "#".repeat((range.pairs.len() * BAR).div_ceil(most));
            let line = format!(
                "{:14} {:>12} {:>10}  {bar}",
                range.name(self.digits),
                HumanCount(range.pairs.len() as u64).to_string(),
                HumanCount(range.in_all as u64).to_string(),
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f)
    }
}
