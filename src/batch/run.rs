//! What belongs to one run and to no setting.

use std::cmp::Ordering;
use std::fmt::{self, Debug};

use crate::named::named;
use crate::watch::{Stage, Ticker, Watch};

/// One run's options: who watches it, and an order of your own for what is kept.
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
    /// Documents from this number on are of an index: they are not compared with each other, and always kept.
    pub(super) indexed_from: Option<usize>,
}

/// Which pairs of documents with the same shingles are reported.
///
/// 20,000 copies of one text make 200 million pairs. All of them follow from 19,999: those of each copy with the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PairsOfCopies {
    /// All pairs. Default.
    #[default]
    All,
    /// Each copy is paired only with the first document that has the same shingles. Similar documents with other shingles
    /// are paired with that first document only, not with its copies. [`Recall`](crate::Recall) still counts all pairs.
    Star,
}

named!(PairsOfCopies, "pairs of copies", "all or star", {
    All: "all",
    Star: "star"
});

impl PairsOfCopies {
    /// Of documents with the same shingles, those that come first in a pair with another of these, or take part in pairs with
    /// others.
    pub(crate) fn paired(self, documents: &[u32]) -> &[u32] {
        match self {
            Self::All => documents,
            Self::Star => &documents[..documents.len().min(1)],
        }
    }
}

/// Compares two documents by number; the lesser is kept.
pub(super) type KeepOrder<'a> = dyn Fn(usize, usize) -> Ordering + Sync + 'a;

impl<'a> Run<'a> {
    /// A run that nobody watches.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells `watch` how the run goes on.
    #[must_use]
    pub fn watch(self, watch: &'a dyn Watch) -> Self {
        Self {
            watch: Some(watch),
            ..self
        }
    }

    /// Keeps the least document of each cluster by this comparison of document numbers instead of the
    /// [`Keep`](crate::Keep) policy. It must be an order; equals go by number.
    #[must_use]
    pub fn keep_by(self, order: &'a KeepOrder<'a>) -> Self {
        Self {
            keep_by: Some(order),
            ..self
        }
    }

    /// Which pairs of documents with the same shingles are reported. Default all.
    #[must_use]
    pub fn pairs_of_copies(self, pairs_of_copies: PairsOfCopies) -> Self {
        Self {
            pairs_of_copies,
            ..self
        }
    }

    /// Takes the documents from this number on for those of an index: they have been compared with each other before,
    /// and whatever they resemble, they stay. They are to be the least by [`keep_by`](Self::keep_by).
    #[cfg(feature = "corpus")]
    pub(crate) fn indexed_from(self, document: usize) -> Self {
        Self {
            indexed_from: Some(document),
            ..self
        }
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
