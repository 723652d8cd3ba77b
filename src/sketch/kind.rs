//! Which sketch is made.

use std::sync::Arc;

use super::Sketch;
use super::classic::Classic;
use super::fast_similarity::FastSimilarity;
use crate::named::named;

/// The available sketches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum SketchKind {
    /// Fast Similarity Sketching, the default.
    #[default]
    FastSimilarity,
    /// Classic k-permutation MinHash; its signatures can be merged.
    Classic,
}

impl SketchKind {
    /// The sketch with `hashes` slots. The caller has checked `hashes`.
    pub(crate) fn with_hashes(self, hashes: usize) -> Arc<dyn Sketch> {
        match self {
            Self::FastSimilarity => Arc::new(FastSimilarity::unchecked(hashes)),
            Self::Classic => Arc::new(Classic::unchecked(hashes)),
        }
    }
}

named!(SketchKind, "sketch", "fast-similarity or classic", {
    FastSimilarity: "fast-similarity",
    Classic: "classic"
});
