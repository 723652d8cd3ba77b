//! How documents are read from files.

use super::json::Fields;

/// What to do with a record that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBad {
    /// Reading ends with an error. Default.
    #[default]
    Fail,
    /// It is counted and listed, and reading goes on.
    Skip,
}

/// How to read documents; each method states its default.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    pub(super) fields: Fields,
    pub(super) on_bad: OnBad,
    pub(super) bytes: bool,
}

impl ReadOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The field, or the column of a Parquet file, that holds a record's text. Default `text`.
    #[must_use]
    pub fn text_field(mut self, name: impl Into<String>) -> Self {
        self.fields.text = name.into();
        self
    }

    /// The field that holds a record's id, which every record must have then. By default it is `id`, and
    /// a record without it is called `file:line`.
    #[must_use]
    pub fn id_field(mut self, name: impl Into<String>) -> Self {
        self.fields.id = name.into();
        self.fields.id_required = true;
        self
    }

    /// A field whose values are read for [`Corpus::field`](super::Corpus::field), which every record must have then: a
    /// number or string; in Parquet files also a date or timestamp, in nanoseconds from 1970 on. Default none.
    #[must_use]
    pub fn keep_field(mut self, name: impl Into<String>) -> Self {
        self.fields.keep = Some(name.into());
        self
    }

    /// What to do with bad records. Default [`OnBad::Fail`].
    #[must_use]
    pub fn on_bad(mut self, on_bad: OnBad) -> Self {
        self.on_bad = on_bad;
        self
    }

    /// Whether text files may be no UTF-8, for byte shingles. Default false.
    #[must_use]
    pub fn accept_bytes(mut self, accept: bool) -> Self {
        self.bytes = accept;
        self
    }
}
