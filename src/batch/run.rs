//! Options of one run.

use std::cmp::Ordering;
use std::fmt::{self, Debug};

use crate::boundary::IndexedFrom;
use crate::named::named;
use crate::watch::{Stage, Ticker, Watch};
use crate::weights::Known;

/// Options of one run: a watcher of its progress, your own order of documents to keep, and which pairs of copies to
/// report.
///
/// ```
/// use std::ops::ControlFlow;
/// use resemblance::{Deduper, Run, watch::Progress};
///
/// let texts = ["one of two equal texts", "one of two equal texts"];
/// let watch = |progress: Progress| {
///     eprintln!("{}: {} of {}", progress.stage, progress.done, progress.total);
///     ControlFlow::Continue(())
/// };
/// let newest_first = |a: usize, b: usize| b.cmp(&a);
/// let run = Run::new().watch(&watch).keep_by(&newest_first);
/// let clusters = Deduper::new().try_clusters(&texts, &run)?;
/// assert_eq!(clusters.cluster(0).kept, 1);
/// # Ok::<(), resemblance::Error>(())
/// ```
#[derive(Clone, Copy, Default)]
pub struct Run<'a> {
    watch: Option<&'a dyn Watch>,
    pub(super) keep_by: Option<&'a KeepOrder<'a>>,
    pub(super) pairs_of_copies: PairsOfCopies,
    pub(super) indexed_from: IndexedFrom,
    pub(super) known: Known<'a>,
}

/// Which pairs of documents with the same shingles, each as often, are reported.
///
/// 20,000 copies of one text make 200 million pairs. All of them follow from the 19,999 pairs of each copy with the
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PairsOfCopies {
    /// All pairs. Default.
    #[default]
    All,
    /// Each copy is paired only with the first document that has the same shingles. Similar documents with other
    /// shingles are paired with that first document only, not with its copies. [`Recall`](crate::Recall) still counts
    /// all pairs.
    Star,
}

named!(PairsOfCopies, "pairs of copies", "all or star", {
    All: "all",
    Star: "star"
});

impl PairsOfCopies {
    /// Given documents with the same shingles: those that are the first document of a pair of these copies, and that
    /// are paired with documents with other shingles.
    pub(crate) fn paired(self, documents: &[u32]) -> &[u32] {
        match self {
            Self::All => documents,
            Self::Star => &documents[..documents.len().min(1)],
        }
    }
}

/// A comparison of two documents by their numbers. The lesser document is kept.
pub(super) type KeepOrder<'a> = dyn Fn(usize, usize) -> Ordering + Sync + 'a;

impl<'a> Run<'a> {
    /// A run with default options: without a watcher, with the [`Keep`](crate::Keep) policy, and with all pairs of
    /// copies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports the progress of the run to `watch`.
    #[must_use]
    pub fn watch(self, watch: &'a dyn Watch) -> Self {
        Self {
            watch: Some(watch),
            ..self
        }
    }

    /// Keeps the least document of each cluster in this order, instead of using the [`Keep`](crate::Keep) policy.
    /// `order` compares document numbers, and must be an order. Documents that are equal in it are ordered by number.
    #[must_use]
    pub fn keep_by(self, order: &'a KeepOrder<'a>) -> Self {
        Self {
            keep_by: Some(order),
            ..self
        }
    }

    /// Sets which pairs of documents with the same shingles are reported. Default: all.
    #[must_use]
    pub fn pairs_of_copies(self, pairs_of_copies: PairsOfCopies) -> Self {
        Self {
            pairs_of_copies,
            ..self
        }
    }

    /// Treats the documents behind this boundary as indexed ones. They must be the least by [`keep_by`](Self::keep_by).
    #[cfg(feature = "corpus")]
    pub(crate) fn indexed_from(self, indexed_from: IndexedFrom) -> Self {
        Self {
            indexed_from,
            ..self
        }
    }

    /// Weighs shingles by these documents too, which include the indexed ones.
    #[cfg(feature = "corpus")]
    pub(crate) fn known(self, known: Known<'a>) -> Self {
        Self { known, ..self }
    }

    pub(super) fn ticker(&self, stage: Stage, total: usize) -> Ticker<'a> {
        Ticker::new(self.watch, stage, total)
    }
}

impl Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("watch", &self.watch.is_some())
            .field("keep_by", &self.keep_by.is_some())
            .finish()
    }
}
