//! Finds the near-duplicate documents of a collection: computes shingles and MinHash signatures in parallel, finds
//! candidate pairs with locality-sensitive hashing, verifies every pair exactly, forms clusters, and chooses which copy
//! of each cluster to keep.
//!
//! Every reported pair comes with its exact Jaccard similarity, and none lies below the threshold. You choose the
//! recall. The same input gives the same answer with any number of threads.
//!
//! # Texts to clusters
//!
//! ```
//! use resemblance::Deduper;
//!
//! let articles = [
//!     "The steam ferry goes back into service on Monday, nine years after its last crossing.",
//!     "Volunteers will open the lighthouse to visitors for one day in June.",
//!     "NEWS | SPORT The steam ferry goes back into service on Monday, nine years after its last crossing.",
//! ];
//! let clusters = Deduper::new().clusters(&articles);
//! let removed = &clusters.removed()[0];
//! assert_eq!((removed.document, removed.kept), (2, 0));
//! println!("Jaccard {:.3}", removed.similarity.jaccard);
//! println!("of the kept copy in it {:.3}", removed.similarity.containment_b);
//! ```
//!
//! # Two texts
//!
//! ```
//! use resemblance::{Deduper, Shingle};
//!
//! let deduper = Deduper::builder().shingle(Shingle::Words(2)).build()?;
//! let similarity = deduper.similarity("to be or not to be", "to be or to be not");
//! assert_eq!((similarity.shared, similarity.jaccard), (2, 1.0 / 3.0));
//! # Ok::<(), resemblance::Error>(())
//! ```
//!
//! # An index
//!
//! ```
//! use resemblance::Deduper;
//!
//! let mut index = Deduper::new().index();
//! index.insert("monday", "the council has voted to repair the old harbour wall before winter comes")?;
//! let found = index.query("The council has voted to repair the old harbour wall before winter comes.");
//! println!("{} resembles it: {}", found[0].id, found[0].estimate);
//! # Ok::<(), resemblance::Error>(())
//! ```
//!
//! # Passages in documents
//!
//! ```
//! use resemblance::Deduper;
//!
//! let mut index = Deduper::new().containment_index();
//! index.insert("page 7", "News in brief. The council has voted to repair the old harbour wall. Rain is expected.")?;
//! let found = index.containing("the council has voted to repair the old harbour wall", 0.8)?;
//! assert_eq!((found[0].id, found[0].containment), ("page 7", 1.0));
//! # Ok::<(), resemblance::Error>(())
//! ```
//!
//! # A stream
//!
//! ```
//! use resemblance::Deduper;
//! use resemblance::stream::Window;
//!
//! let lines = ["volunteers will open the lighthouse in june", "Volunteers will open the lighthouse in June!"];
//! let mut sieve = Deduper::new().sieve(Window::last(100_000))?;
//! for line in sieve.unseen(lines, |line| *line) {
//!     println!("{line}");
//! }
//! assert_eq!(sieve.counts().dropped, 1);
//! # Ok::<(), resemblance::Error>(())
//! ```
//!
//! # Two layers
//!
//! Most users need only [`Deduper`] and the types that it returns. The modules are its stages, for users who want to
//! combine them differently. Each stage depends only on the stages that a document passes before it.
//!
//! # Features
//!
//! - `corpus`: the module `corpus`, which reads documents from files and writes the decisions to files. Includes
//!   `storage`.
//! - `storage`: saving and opening an [`Index`] or a [`Sieve`].
//! - `parquet`: `corpus`, with support for Parquet files.
//! - `report`: the module `report`, HTML that shows what was found.
//! - `serde`: serde's traits for settings and results.
//!
//! Without features the crate depends on rayon, xxhash-rust, unicode-segmentation, unicode-normalization,
//! unicode-width and caseless. It reads no environment variable and sets up no logger and no allocator.

// What everything stands on.
mod boundary;
#[cfg(feature = "storage")]
mod checksum;
mod counting;
mod error;
mod hashed;
mod named;
#[cfg(feature = "storage")]
mod passing;
mod pool;
mod repeated;
mod threshold;
mod union_find;
pub mod watch;

// Text -> normalized text -> tokens -> shingle hashes.
pub mod text;

// Repeated passages of groups, which are left out of comparisons.
pub mod aside;

// What two texts share, word by word.
pub mod passage;

// Shingle sets, and the similarity of two.
mod similarity;
mod weights;

// Documents that contain a text, and those that a text contains.
pub mod containment;

// -> signature.
pub mod sketch;

// -> files of signatures.
#[cfg(feature = "storage")]
mod storage;

// Documents with equal shingle sets are treated as one from here on.
mod collapse;

// -> band keys -> candidate pairs.
pub mod lsh;

// Or, without signatures: shingle sets -> candidate pairs.
mod frequent;

mod exact;

// The choice between the two, and the candidates of both.
mod method;

mod candidates;

// -> verified pairs.
pub mod verify;

// The number of pairs that were found, and the expected number of missed ones.
mod chances;
mod recall;

// -> clusters -> kept and removed.
pub mod cluster;

// What was found, for people to see.
#[cfg(feature = "report")]
pub mod report;

// The settings of all stages below.
mod digest;
mod settings;

// A collection: the stages wired together.
mod batch;

// Or, one document at a time -> documents not seen before.
pub mod stream;

// The entry point.
mod deduper;

// The stages as functions, for distributed engines.
pub mod engine;

// Files in, decisions out.
#[cfg(feature = "corpus")]
pub mod corpus;

pub use batch::{Batch, Pairs, PairsOfCopies, Run};
pub use cluster::{ClusterMode, Clusters, Keep};
pub use containment::ContainmentIndex;
pub use deduper::Deduper;
pub use error::Error;
pub use lsh::{Banding, Index};
pub use method::{Method, Reason};
pub use recall::{Missed, Recall};
pub use settings::DeduperBuilder;
pub use sketch::{Signature, SketchKind};
pub use stream::Sieve;
pub use text::{Normalization, Shingle};
pub use verify::{Measure, Pair, Similarity};
pub use weights::Weights;

/// Parts that the benches of this repository time on their own. Not part of the API.
#[doc(hidden)]
pub mod internals {
    pub use crate::collapse::Distinct;
    pub use crate::lsh::Buckets;
}

/// The code in README.md, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Guides on settings, methods, file formats and large runs.
#[cfg(doc)]
pub mod guides {
    #[doc = include_str!("../docs/settings.md")]
    pub mod settings {}

    #[doc = include_str!("../docs/exact-join.md")]
    pub mod exact_join {}

    #[doc = include_str!("../docs/passages.md")]
    pub mod passages {}

    #[cfg(feature = "corpus")]
    #[doc = include_str!("../docs/dedup.md")]
    pub mod dedup {}

    #[cfg(feature = "corpus")]
    #[doc = include_str!("../docs/planning.md")]
    pub mod planning {}

    #[cfg(feature = "corpus")]
    #[doc = include_str!("../docs/reliability.md")]
    pub mod reliability {}

    #[cfg(feature = "storage")]
    #[doc = include_str!("../docs/index-format.md")]
    pub mod index_format {}

    #[doc = include_str!("../docs/signature.md")]
    pub mod signature {}
}
