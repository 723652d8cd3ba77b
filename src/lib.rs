//! Find the near-duplicate documents of a collection.

// What everything stands on.
mod error;
pub mod watch;

// The way of a document.
pub mod text;

pub mod sketch;

pub mod lsh;

pub mod verify;

pub mod cluster;

mod batch;
mod deduper;

#[cfg(feature = "corpus")]
pub mod corpus;

pub use batch::{Batch, Run};
pub use cluster::{ClusterMode, Clusters, Keep};
pub use deduper::{Deduper, DeduperBuilder};
pub use error::Error;
pub use lsh::{Banding, Index};
pub use sketch::{Signature, SketchKind};
pub use text::{Normalization, Shingle};
pub use verify::{Pair, Similarity};
