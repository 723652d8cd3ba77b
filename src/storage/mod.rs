//! Indexes in files: how they are written, checked and mapped. `docs/index-format.md` defines the bytes.
//!
//! A stored index is a directory with a header, `index.json`, and a file for each [`Section`]. Every section is an
//! array of little-endian numbers, or bytes. It is written from start to end, so that writing takes no more memory than
//! a buffer.
//!
//! - [`Writer`] writes an index beside its final path, and moves it there when it is complete.
//! - [`Stored`] opens an index. It refuses an inconsistent one, and maps the sections instead of loading them.
//!
//! ```text
//! let mut writer = Writer::create(dir)?;
//! let mut ids = writer.list(Section::Ids)?;               // any sections, at the same time
//! let mut signatures = writer.section(Section::Signatures)?;
//! for document in documents {
//!     ids.push(document.id.as_bytes())?;
//!     signatures.put_u32s(document.slots)?;
//! }
//! writer.finish_list(ids)?;
//! writer.finish(signatures)?;
//! writer.write_tables(&about, memory, |band, slots| banding.key(band, slots))?; // id-table and bands
//! writer.seal(&about)?;
//! writer.put()?;
//! ```

mod check;
mod error;
mod header;
mod id;
mod place;
mod read;
mod section;
mod stored;
mod table;
#[cfg(all(test, feature = "corpus"))]
mod tests;
mod view;
mod writer;

pub use id::StoredId;

pub(crate) use error::Problem;
pub(crate) use header::About;
pub(crate) use id::{hash_of_fed, hashes_as_stored};
#[cfg(feature = "corpus")]
pub(crate) use place::is_index;
#[cfg(feature = "corpus")]
pub(crate) use read::StoredDocument;
pub(crate) use section::Section;
#[cfg(feature = "corpus")]
pub(crate) use section::{ListWriter, SectionWriter};
pub(crate) use stored::{Checks, Stored};
pub(crate) use writer::Writer;
