//! Files in, decisions out (feature `corpus`).
//!
//! [`Sources`] finds directories, text files, JSON lines, CSV, TSV and WET, plain or compressed, and (feature `parquet`) Parquet files;
//! [`Corpus`] reads them into documents with ids, and can make their digests on the way; texts of files that are not
//! compressed are not held, but read again where they are needed. [`Outputs`] writes pairs, clusters and the records
//! that are kept and removed, in the inputs' format, to one file or a file for each input; every output is written
//! beside its place and renamed when all of them are whole. [`KeepPolicy`]
//! chooses the copy that is kept by what records say of themselves, and a [`Job`] does it all, in bounded memory where
//! that is asked for, against the documents of [jobs before](Job::against) as well.
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

#[allow(clippy::module_inception)] // the type it holds
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
pub use unusable::OnBad;
