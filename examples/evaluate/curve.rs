//! Measures how well the pairs at a threshold agree with the labels.

use super::found::Found;
use super::labels::Labels;
use super::stories::Stories;

/// The counts for every threshold.
pub(crate) struct Curve {
    /// The lowest threshold.
    from: f64,
    /// The similarities of the reported pairs, descending.
    similarities: Vec<f64>,
    /// The number of labelled pairs among the first n, for n from 0 on.
    labelled: Vec<usize>,
    /// Story F1 of the first n pairs, for n from 0 on.
    stories: Vec<f64>,
    /// The number of labelled pairs, reported or not.
    all: usize,
}

/// The pairs at a threshold or above, compared with the labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Score {
    pub(crate) threshold: f64,
    pub(crate) pairs: usize,
    /// The number of labelled pairs among them.
    pub(crate) labelled: usize,
    /// The number of all labelled pairs.
    pub(crate) all: usize,
    /// The mean F1 of the stories, see [`Stories`].
    pub(crate) story_f1: f64,
}

impl Score {
    /// The share of the pairs that are labelled; `None` without pairs.
    pub(crate) fn precision(&self) -> Option<f64> {
        (self.pairs > 0).then(|| self.labelled as f64 / self.pairs as f64)
    }

    /// The share of the labelled pairs that are found.
    pub(crate) fn recall(&self) -> f64 {
        self.labelled as f64 / self.all.max(1) as f64
    }

    /// The harmonic mean of precision and recall.
    pub(crate) fn f1(&self) -> f64 {
        2.0 * self.labelled as f64 / (self.pairs + self.all).max(1) as f64
    }
}

impl Curve {
    pub(crate) fn new(found: &Found, labels: Option<&Labels>, from: f64) -> Self {
        let mut labelled = vec![0];
        let mut count = 0;
        labelled.extend(found.reported.iter().map(|pair| {
            count += usize::from(pair.is_labelled);
            count
        }));
        Self {
            from,
            similarities: found.reported.iter().map(|pair| pair.value).collect(),
            labelled,
            stories: story_f1(found, labels),
            all: count + found.unreported.len(),
        }
    }

    /// The score at a threshold, not below the lowest.
    pub(crate) fn at(&self, threshold: f64) -> Score {
        let reaches = |&similarity: &f64| similarity >= threshold;
        self.of_first(self.similarities.partition_point(reaches), threshold)
    }

    fn of_first(&self, pairs: usize, threshold: f64) -> Score {
        Score {
            threshold,
            pairs,
            labelled: self.labelled[pairs],
            all: self.all,
            story_f1: self.stories[pairs],
        }
    }

    /// The score with the best F1, at the highest such threshold; `None` if no labelled pair is reported.
    pub(crate) fn best(&self) -> Option<Score> {
        self.best_by(Score::f1)
    }

    /// The score with the best story F1, likewise.
    pub(crate) fn best_of_stories(&self) -> Option<Score> {
        self.best_by(|score| score.story_f1)
    }

    fn best_by(&self, f1: impl Fn(&Score) -> f64) -> Option<Score> {
        let similarities = &self.similarities;
        let mut best: Option<Score> = None;
        for (i, &similarity) in similarities.iter().enumerate() {
            let next = similarities.get(i + 1);
            if next == Some(&similarity) {
                continue; // no threshold separates the two
            }
            let score = self.of_first(i + 1, similarity);
            if f1(&score) > best.map_or(0.0, |best| f1(&best)) {
                let below = next.copied().unwrap_or(self.from.next_down());
                let threshold = shortest(below, similarity);
                best = Some(Score { threshold, ..score });
            }
        }
        best
    }

    /// Whether a threshold below the lowest may score better.
    pub(crate) fn is_open(&self, best: &Score) -> bool {
        best.pairs == self.similarities.len() && best.labelled < best.all
    }
}

/// Story F1 of the first n reported pairs, for n from 0 on; 0 without labels.
fn story_f1(found: &Found, labels: Option<&Labels>) -> Vec<f64> {
    let Some(labels) = labels else {
        return vec![0.0; found.reported.len() + 1];
    };
    let mut stories = Stories::new(labels);
    let mut scores = vec![stories.f1()];
    scores.extend(found.reported.iter().map(|pair| {
        stories.add(pair);
        stories.f1()
    }));
    scores
}

/// The number with the fewest digits above `below` and at most `similarity`. As a threshold it separates the pairs like
/// `similarity`, and is shorter.
fn shortest(below: f64, similarity: f64) -> f64 {
    let rounded_down = |digits| {
        let scale = 10f64.powi(digits);
        (similarity * scale).floor() / scale
    };
    (1..16)
        .map(rounded_down)
        .find(|&number| number > below && number <= similarity)
        .unwrap_or(similarity)
}
