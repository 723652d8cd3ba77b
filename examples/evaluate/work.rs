//! Computes the report from documents and labels.

use indicatif::{DecimalBytes, HumanCount};
use resemblance::Run;
use resemblance::corpus::{Corpus, Table};

use super::Failure;
use super::args::Args;
use super::clusters::Comparison;
use super::curve::Curve;
use super::found::{Found, Searched};
use super::histogram::Histogram;
use super::identical::Identical;
use super::labels::Labels;
use super::plot;
use super::rule::Rule;
use super::scores::Scores;
use super::shared::Log;
use super::shown::{Show, Shown};
use super::stories::Stories;
use super::summary::Summary;

pub(crate) struct Work<'a> {
    pub(crate) args: &'a Args,
    pub(crate) corpus: &'a Corpus,
    pub(crate) labels: Option<&'a Labels>,
    /// Which texts are identical, if their pairs are left out.
    pub(crate) identical: Option<&'a Identical>,
    pub(crate) log: &'a Log,
}

impl Work<'_> {
    /// The printed report. Writes the plot to its file.
    pub(crate) fn report(&self, plot: Option<&Table>) -> Result<String, Failure> {
        let mut report = self.opening();
        let mut curves = Vec::new();
        for rule in Rule::all(self.args) {
            let (part, curve) = self.of_rule(&rule)?;
            report += &part;
            curves.push((rule, curve));
        }
        if self.args.summary || curves.len() > 1 {
            let summary = Summary {
                curves: &curves,
                from: self.args.grid().from(),
                labels: self.labels.is_some(),
            };
            if !self.args.summary {
                report += "Summary\n\n";
            }
            report += &summary.to_string();
        }
        if let Some(table) = plot {
            let svg = plot::svg(&curves, self.args.grid()).map_err(Failure::failed)?;
            table.line(svg.trim_end())?;
        }
        Ok(report)
    }

    fn opening(&self) -> String {
        let documents = HumanCount(self.corpus.documents().len() as u64);
        let bytes = DecimalBytes(self.corpus.text_bytes());
        let (from, method) = (self.args.grid().from(), self.args.method);
        let read = format!(
            "{documents} documents, {bytes} of text. Pairs from similarity {from} on, method {method}."
        );
        let left_out = self.identical.map_or(String::new(), |identical| {
            let pairs = HumanCount(identical.pairs());
            format!("Pairs of identical texts: {pairs}; they are left out.\n")
        });
        let labelled = self.labels.map_or(String::new(), |labels| {
            let pairs = HumanCount(labels.pairs().len() as u64);
            let stories = HumanCount(Stories::new(labels).counted());
            format!(
                "{pairs} labelled pairs in {stories} stories. A pair that is not labelled counts as wrong:\n\
                 where labels are incomplete, precision is better than reported.\n"
            )
        });
        format!("{read}\n{left_out}{labelled}\n")
    }

    /// The report on one rule, and its curve.
    fn of_rule(&self, rule: &Rule) -> Result<(String, Curve), Failure> {
        let deduper = self.args.deduper(rule)?;
        let pages = rule.pages(self.corpus.documents());
        let searched = Searched {
            deduper: &deduper,
            pages: &pages,
            labels: self.labels,
            identical: self.identical,
        };
        let run = Run::new().watch(self.log);
        let found = Found::new(searched, &run)?;
        let curve = Curve::new(&found, self.labels, deduper.threshold());
        if self.args.summary {
            return Ok((String::new(), curve));
        }
        let mut part = match self.labels {
            Some(_) => self.scored(rule, &found, &curve)?,
            None => self.unscored(rule, &found)?,
        };
        if self.args.clusters {
            let clusters = Comparison::new(self.args, rule, &pages, &found, &run)?;
            part += &clusters.to_string();
        }
        Ok((part, curve))
    }

    fn scored(&self, rule: &Rule, found: &Found, curve: &Curve) -> Result<String, Failure> {
        let asked = self.args.threshold;
        let scores = Scores {
            rule,
            grid: self.args.grid(),
            found,
            curve,
            asked,
        };
        let best = || curve.best().map(|best| best.threshold);
        let threshold = asked.or_else(best).unwrap_or(self.usual());
        Ok(scores.to_string() + &self.nearest(found, threshold)? + &self.go_on(rule, threshold))
    }

    fn unscored(&self, rule: &Rule, found: &Found) -> Result<String, Failure> {
        let histogram = Histogram::new(rule, self.args.grid(), found);
        let mut part = histogram.to_string();
        if self.args.shown > 0 {
            part += "Some pairs of each range, drawn by lot. Read on until they are no copies any more: \
                     that is the threshold.\n\n";
            part += &joined(&histogram.samples(&self.show())?);
        }
        let threshold = self.args.threshold.unwrap_or(self.usual());
        Ok(part + &self.nearest(found, threshold)? + &self.go_on(rule, threshold))
    }

    /// The default threshold of `dedup`, if it is evaluated.
    fn usual(&self) -> f64 {
        self.args.grid().from().max(0.8)
    }

    fn nearest(&self, found: &Found, threshold: f64) -> Result<String, Failure> {
        match self.args.shown {
            0 => Ok(String::new()),
            _ => Ok(joined(&self.show().nearest(found, threshold)?)),
        }
    }

    fn go_on(&self, rule: &Rule, threshold: f64) -> String {
        let options = rule.options(self.args);
        format!("Go on with: dedup {options} --threshold {threshold}\n\n")
    }

    fn show(&self) -> Show<'_> {
        Show {
            corpus: self.corpus,
            pairs: self.args.shown,
            from: self.args.grid().from(),
            length: self.args.excerpt,
            labels: self.labels.is_some(),
        }
    }
}

fn joined(shown: &[Shown]) -> String {
    shown.iter().map(Shown::to_string).collect()
}
