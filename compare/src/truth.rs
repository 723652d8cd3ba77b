//! Pairs found, held against those found by brute force.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;

type Pair = (String, String);

/// Every pair of a collection with an exact Jaccard similarity of 0.5 or more.
#[derive(Debug)]
pub(crate) struct Truth(HashMap<Pair, f64>);

/// How far pairs are right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Score {
    pub(crate) reported: usize,
    /// Share of the true pairs that was found.
    pub(crate) recall: f64,
    /// Reported, and below the threshold in truth.
    pub(crate) wrong: usize,
}

impl Truth {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        let mut pairs = HashMap::new();
        for line in BufReader::new(MultiGzDecoder::new(file)).lines() {
            let line = line?;
            if let [a, b, jaccard] = line.split('\t').collect::<Vec<_>>()[..] {
                pairs.insert(ordered(a, b), jaccard.parse()?);
            }
        }
        Ok(Self(pairs))
    }

    /// The pairs at `threshold` and above.
    pub(crate) fn above(&self, threshold: f64) -> usize {
        self.0.values().filter(|&&j| j >= threshold + EDGE).count()
    }

    /// Scores a file of pairs, two ids a line.
    pub(crate) fn score(&self, path: &Path, threshold: f64) -> Result<Score> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let reported: HashSet<Pair> = text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(a, b)| ordered(a, b))
            .collect();
        let jaccard = |pair| self.0.get(pair).copied().unwrap_or(0.0);
        let found = reported.iter().filter(|p| jaccard(p) >= threshold + EDGE);
        let wrong = reported.iter().filter(|p| jaccard(p) < threshold - EDGE);
        Ok(Score {
            reported: reported.len(),
            recall: found.count() as f64 / self.above(threshold).max(1) as f64,
            wrong: wrong.count(),
        })
    }
}

/// The truth is rounded to six places: pairs on the very threshold are neither missed nor wrong.
const EDGE: f64 = 1e-6;

fn ordered(a: &str, b: &str) -> Pair {
    let (a, b) = if a <= b { (a, b) } else { (b, a) };
    (a.to_owned(), b.to_owned())
}
