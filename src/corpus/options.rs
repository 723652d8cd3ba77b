//! How documents are read from files.

use crate::corpus::formats::json::Fields;
use crate::corpus::keep::policy::KeepPolicy;
use crate::corpus::unusable::OnBad;

/// How to read documents; each method states its default.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    pub(crate) fields: Fields,
    pub(crate) on_bad: OnBad,
    pub(crate) bytes: bool,
    pub(crate) max_record: Option<u64>,
}

impl ReadOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The field, or the column of CSV, TSV or Parquet files, that holds a record's text. Default `text`, as that of a WET record is
    /// always called.
    #[must_use]
    pub fn text_field(mut self, name: impl Into<String>) -> Self {
        self.fields.text = name.into();
        self
    }

    /// The field that holds a record's id, which every record must have then. By default it is `id`, and
    /// a record without it is called `file:line`.
    #[must_use]
    pub fn id_field(mut self, name: impl Into<String>) -> Self {
        self.fields.id = Some(name.into());
        self.fields.id_required = true;
        self
    }

    /// Calls every record `file:line`, whatever fields it has: for ids that are used several times. Default false.
    #[must_use]
    pub fn ids_by_line(mut self, by_line: bool) -> Self {
        if by_line {
            self.fields.id = None;
            self.fields.id_required = false;
        }
        self
    }

    /// Which copies are to be kept: what this compares is read, for [`Corpus::keep_order`](crate::corpus::Corpus::keep_order).
    /// Default the first.
    ///
    /// The field of [`KeepBy::Max`](crate::corpus::KeepBy::Max) or [`Min`](crate::corpus::KeepBy::Min) holds a number or string; in Parquet
    /// files, which must have the column, also a date or timestamp. A cell of CSV or TSV counts as a number if it is a valid
    /// JSON number, as missing if it is empty or says so (`NaN`, `NA`, `N/A`, `null`, `None`), and otherwise as a string. Records without the field, and text files, come last; if no record has the
    /// field, reading fails.
    #[must_use]
    pub fn keep(mut self, policy: KeepPolicy) -> Self {
        self.fields.keep = policy;
        self
    }

    /// What to do with bad records. Default [`OnBad::Fail`]. In [bounded memory](crate::corpus::Job::memory), records that are too
    /// long are bad as well.
    #[must_use]
    pub fn on_bad(mut self, on_bad: OnBad) -> Self {
        self.on_bad = on_bad;
        self
    }

    /// The longest record that is accepted, in bytes: a line, a CSV or TSV row, a WET record, a text file, or the text of a Parquet row. A
    /// longer one is a bad record, and only its beginning is held. Default no limit; with
    /// [bounded memory](crate::corpus::Job::memory), the bound sets another limit.
    #[must_use]
    pub fn max_record(mut self, bytes: u64) -> Self {
        self.max_record = Some(bytes);
        self
    }

    /// Whether text files may be no UTF-8, for byte shingles. Default false.
    #[must_use]
    pub fn accept_bytes(mut self, accept: bool) -> Self {
        self.bytes = accept;
        self
    }
}
