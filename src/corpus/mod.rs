//! Reads documents from files, and writes the decisions to files (feature `corpus`).
//!
//! - [`Job`] does all of the following in one call. It can bound its memory, and compare with the documents of
//!   [earlier jobs](Job::against).
//! - [`Sources`] finds the input files: text files, JSON lines, CSV, TSV and WET, plain or compressed, and (feature
//!   `parquet`) Parquet files; also directories and patterns.
//! - [`Corpus`] reads them into documents with ids. It does not hold the texts of uncompressed files, but reads them
//!   again when they are needed.
//! - [`Sources::scan`] reads them one time, and holds none.
//! - [`KeepPolicy`] chooses the document of each cluster that is kept, by the fields of the records.
//! - [`Outputs`] writes pairs, clusters, and the kept and removed records. Records keep the format of the inputs, in
//!   one file or in a file for each input. Outputs are written under temporary names, and renamed when all are
//!   complete.
//!
//! ```no_run
//! use resemblance::{Deduper, Run};
//! use resemblance::corpus::{Corpus, KeepBy, KeepPolicy, Outputs, ReadOptions, Sources};
//!
//! let sources = Sources::find(&["articles.jsonl.gz"])?;
//! let mut outputs = Outputs::new(&sources);
//! let kept = outputs.stage_records("kept.jsonl.gz")?;
//! let settings = Deduper::new();
//! let options = ReadOptions::new().keep(KeepPolicy::new(KeepBy::Longest));
//! let corpus = Corpus::read_sources(sources, &options, None)?;
//! let order = corpus.keep_order();
//! let clusters = settings.try_clusters(corpus.documents(), &Run::new().keep_by(&order))?;
//! corpus.copy_records(None, |document| clusters.is_kept(document).then_some(&kept))?;
//! outputs.commit()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[allow(clippy::module_inception)] // named after its type
mod corpus;
mod error;
mod escape;
mod formats;
mod ids;
mod indexed;
mod inputs;
mod job;
mod keep;
mod limit;
mod options;
mod outputs;
mod reading;
mod scan;
mod unusable;
mod work_folder;

pub use corpus::Corpus;
pub use error::{Error, Place};
pub use escape::Escaped;
pub use formats::format::InputFormat;
pub use inputs::sources::Sources;
pub use job::{Counts, Decided, DecidedCluster, Job, Joined, Removed, Sinks};
pub use keep::policy::{KeepBy, KeepPolicy, Preference};
pub use keep::reason::KeepReason;
pub use options::ReadOptions;
pub use outputs::output::Outputs;
pub use outputs::sink::{IndexSink, RecordSink, Table};
pub use reading::document::TextDocument;
pub use reading::read::Rejection;
pub use scan::Scanned;
pub use unusable::OnBad;
