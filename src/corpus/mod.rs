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
//! let (corpus, digests) = Corpus::digest_sources(sources, &options, &settings.digester(), None)?;
//! let order = corpus.keep_order();
//! let batch = settings.batch_of(corpus.documents(), digests, &Run::new().keep_by(&order))?;
//! let clusters = batch.clusters()?;
//! corpus.copy_records(None, |document| clusters.is_kept(document).then_some(&kept))?;
//! outputs.commit()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blocks;
mod bytes;
mod compression;
mod copy;
#[allow(clippy::module_inception)] // the type it holds
mod corpus;
mod counted;
mod delimited;
mod document;
mod encoder;
mod error;
mod escape;
mod finding;
mod format;
mod ids;
mod indexed;
mod input;
mod job;
mod json;
mod keep;
mod keep_column;
mod limit;
mod options;
mod output;
#[cfg_attr(not(feature = "parquet"), path = "no_parquet.rs")]
mod parquet;
mod parse;
mod pattern;
mod read;
mod read_at;
mod reason;
mod record;
mod shards;
mod sink;
mod sources;
mod spool;
mod tables;
mod unusable;
mod value;
mod wet;

pub use corpus::Corpus;
pub use document::TextDocument;
pub use error::{Error, Place};
pub use escape::Escaped;
pub use format::InputFormat;
pub use job::{Counts, Decided, DecidedCluster, Job, Joined, Removed, Sinks};
pub use keep::{KeepBy, KeepPolicy, Preference};
pub use options::{OnBad, ReadOptions};
pub use output::Outputs;
pub use read::Rejection;
pub use reason::KeepReason;
pub use sink::{IndexSink, RecordSink, Table};
pub use sources::Sources;
