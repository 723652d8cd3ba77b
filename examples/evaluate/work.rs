//! Computes the report from documents and labels.

use indicatif::{DecimalBytes, HumanCount};
use resemblance::corpus::{Corpus, Table};
use resemblance::{Run, Shingle};

use crate::Failure;
use crate::args::Args;
use crate::clusters::Comparison;
use crate::curve::Curve;
use crate::found::Found;
use crate::histogram::Histogram;
use crate::labels::Labels;
use crate::plot;
use crate::scores::Scores;
use crate::shared::Log;
use crate::shown::{Show, Shown};
use crate::summary::Summary;

pub(crate) struct Work<'a> {
    pub(crate) args: &'a Args,
    pub(crate) corpus: &'a Corpus,
    pub(crate) labels: Option<&'a Labels>,
    pub(crate) log: &'a Log,
}

impl Work<'_> {
    /// The printed report. Writes the plot to its file.
    pub(crate) fn report(&self, plot: Option<&Table>) -> Result<String, Failure> {
        let mut report = self.opening();
        let mut curves = Vec::new();
        for &shingle in &self.args.shingle {
            let (part, curve) = self.of_shingle(shingle)?;
            report += &part;
            curves.push((shingle, curve));
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
        match self.labels {
            None => format!("{read}\n\n"),
            Some(labels) => format!(
                "{read}\n\
                 {} labelled pairs. A pair that is not labelled counts as wrong: where labels are incomplete, \
                 precision is better than told.\n\n",
                HumanCount(labels.pairs().len() as u64)
            ),
        }
    }

    /// The report on one kind of shingle, and its curve.
    fn of_shingle(&self, shingle: Shingle) -> Result<(String, Curve), Failure> {
        let deduper = self.args.deduper(shingle)?;
        let run = Run::new().watch(self.log);
        let found = Found::new(&deduper, self.corpus, self.labels, &run)?;
        let curve = Curve::new(&found, deduper.threshold());
        if self.args.summary {
            return Ok((String::new(), curve));
        }
        let mut part = match self.labels {
            Some(_) => self.scored(shingle, &found, &curve)?,
            None => self.unscored(shingle, &found)?,
        };
        if self.args.clusters {
            let clusters = Comparison::new(self.args, shingle, self.corpus, &found, &run)?;
            part += &clusters.to_string();
        }
        Ok((part, curve))
    }

    fn scored(&self, shingle: Shingle, found: &Found, curve: &Curve) -> Result<String, Failure> {
        let asked = self.args.threshold;
        let scores = Scores {
            shingle,
            grid: self.args.grid(),
            found,
            curve,
            asked,
        };
        let best = || curve.best().map(|best| best.threshold);
        let threshold = asked.or_else(best).unwrap_or(self.usual());
        Ok(scores.to_string() + &self.nearest(found, threshold)? + &go_on(shingle, threshold))
    }

    fn unscored(&self, shingle: Shingle, found: &Found) -> Result<String, Failure> {
        let histogram = Histogram::new(shingle, self.args.grid(), found);
        let mut part = histogram.to_string();
        if self.args.shown > 0 {
            part += "Some pairs of each range, drawn by lot. Read on until they are no copies any more: \
                     that is the threshold.\n\n";
            part += &joined(&histogram.samples(&self.show())?);
        }
        let threshold = self.args.threshold.unwrap_or(self.usual());
        Ok(part + &self.nearest(found, threshold)? + &go_on(shingle, threshold))
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

fn go_on(shingle: Shingle, threshold: f64) -> String {
    format!("Go on with: dedup --shingle {shingle} --threshold {threshold}\n\n")
}
