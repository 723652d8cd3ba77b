//! Story F1: agreement with the labels, where each story counts once.

use super::found::Scored;
use super::labels::Labels;

/// The agreement of a growing set of pairs with the labels, story by story.
///
/// The F1 of a story is 2 L / (T + A): A is the number of its labelled pairs, L how many of these are found, and T the
/// number of found pairs with at least one document of the story. It is the harmonic mean of the recall L / A and the
/// precision L / T. Story F1 is the mean over all stories that have a labelled pair or a document in a found pair
/// (macro-averaged pairwise F1: Manning, Raghavan, Schütze: Introduction to Information Retrieval, 2008, 13.6 and 16.3).
pub(crate) struct Stories<'l> {
    labels: &'l Labels,
    counts: Vec<Counts>,
    /// The number of stories with a labelled or found pair, and the sum of their F1, in units.
    counted: u64,
    sum: u64,
}

/// The counts of a story.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    labelled: u64,
    touching: u64,
    found: u64,
}

/// An F1 of 1. Whole units have sums without rounding errors, so equal scores are equal.
const ONE: u64 = 1 << 32;

impl Counts {
    fn is_counted(self) -> bool {
        self.labelled + self.touching > 0
    }

    fn f1(self) -> u64 {
        let all = u128::from((self.touching + self.labelled).max(1));
        (2 * u128::from(self.found) * u128::from(ONE) / all) as u64
    }
}

impl<'l> Stories<'l> {
    /// The stories, with no pair found.
    pub(crate) fn new(labels: &'l Labels) -> Self {
        let mut counts = vec![Counts::default(); labels.documents()];
        for &(a, _) in labels.pairs() {
            counts[labels.story(a)].labelled += 1;
        }
        let counted = counts.iter().filter(|counts| counts.is_counted()).count();
        Self {
            labels,
            counts,
            counted: counted as u64,
            sum: 0,
        }
    }

    /// The number of stories with a labelled or found pair.
    pub(crate) fn counted(&self) -> u64 {
        self.counted
    }

    /// Adds a found pair.
    pub(crate) fn add(&mut self, pair: &Scored) {
        let [a, b] = [pair.a, pair.b].map(|document| self.labels.story(document));
        self.add_to(a, pair.is_labelled);
        if a != b {
            self.add_to(b, pair.is_labelled);
        }
    }

    fn add_to(&mut self, story: usize, is_labelled: bool) {
        let counts = &mut self.counts[story];
        self.counted += u64::from(!counts.is_counted());
        self.sum -= counts.f1();
        counts.touching += 1;
        counts.found += u64::from(is_labelled);
        self.sum += counts.f1();
    }

    pub(crate) fn f1(&self) -> f64 {
        self.sum as f64 / (self.counted.max(1) as f64 * ONE as f64)
    }
}
