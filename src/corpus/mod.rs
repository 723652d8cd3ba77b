//! Files in, decisions out (feature `corpus`).
//!
//! [`Corpus::read`] reads directories, text files and JSON lines, plain or compressed, into documents
//! with ids. [`Outputs`] writes pairs, clusters and the records that are kept and removed; every file
//! is written beside its place and renamed when all of them are whole.
//!
//! ```no_run
//! use resemblance::{Deduper, Run};
//! use resemblance::corpus::{Corpus, Outputs, ReadOptions};
//!
//! let corpus = Corpus::read(&["articles.jsonl.gz"], &ReadOptions::new())?;
//! let clusters = Deduper::new().try_clusters(corpus.documents(), &Run::new())?;
//! let mut outputs = Outputs::new();
//! let kept = outputs.stage_records("kept.jsonl.gz", &corpus)?;
//! corpus.copy_records(|document| clusters.is_kept(document).then_some(&kept))?;
//! outputs.commit()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod input;
mod json;
mod output;
mod read;
mod records;
mod tables;

pub use error::{Error, Place};
pub use input::{Compression, Format};
pub use json::FieldValue;
pub use output::{Outputs, RecordSink, Table};
pub use read::{Corpus, OnBad, ReadOptions, Rejection, TextDocument};
