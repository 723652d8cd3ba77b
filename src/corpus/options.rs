//! Options for reading documents from files.

use crate::cluster::Keep;
use crate::corpus::formats::json::Fields;
use crate::corpus::keep::policy::{KeepBy, KeepPolicy};
use crate::corpus::unusable::OnBad;

/// Options for reading documents; each method states its default.
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

    /// The field, or the column of CSV, TSV or Parquet files, that contains the text of a record. Default `text`, which
    /// is also the name of this field in WET records.
    #[must_use]
    pub fn text_field(mut self, name: impl Into<String>) -> Self {
        self.fields.text = name.into();
        self
    }

    /// The field that contains the id of a record. Every record must have it. By default the field is `id`, and the id
    /// of a record without it is `file:line`.
    #[must_use]
    pub fn id_field(mut self, name: impl Into<String>) -> Self {
        self.fields.id = Some(name.into());
        self.fields.id_required = true;
        self
    }

    /// Whether to use `file:line` as the id of every record, whatever its fields; for records whose ids are not unique.
    /// Default false.
    #[must_use]
    pub fn ids_by_line(mut self, by_line: bool) -> Self {
        if by_line {
            self.fields.id = None;
            self.fields.id_required = false;
        }
        self
    }

    /// Which document of a cluster is kept. The fields that this policy compares are read, for
    /// [`Corpus::keep_order`](crate::corpus::Corpus::keep_order). Default the first document.
    ///
    /// The field of [`KeepBy::Max`](crate::corpus::KeepBy::Max) or [`Min`](crate::corpus::KeepBy::Min) must contain a
    /// number or a string; in Parquet files, which must have the column, also a date or timestamp. A cell of CSV or TSV
    /// is a number if it is a valid JSON number, missing if it is empty or one of `NaN`, `NA`, `N/A`, `null` and
    /// `None`, and a string otherwise. Records without the field, and text files, come last. If no record has the
    /// field, reading fails.
    #[must_use]
    pub fn keep(mut self, policy: KeepPolicy) -> Self {
        self.fields.keep = policy;
        self
    }

    /// The same options, which keep the largest documents if a deduper does and nothing else is set.
    pub(crate) fn with_keep(mut self, keep: Keep) -> Self {
        let policy = &mut self.fields.keep;
        if keep == Keep::Largest && *policy.by() == KeepBy::First {
            *policy = std::mem::take(policy).by_largest();
        }
        self
    }

    /// What to do with bad records. Default [`OnBad::Fail`]. With [bounded memory](crate::corpus::Job::memory), a
    /// record that is too long is a bad record as well.
    #[must_use]
    pub fn on_bad(mut self, on_bad: OnBad) -> Self {
        self.on_bad = on_bad;
        self
    }

    /// The longest accepted record, in bytes. A record is a line, a CSV or TSV row, a WET record, a text file, or the
    /// text of a Parquet row. A longer one is a bad record, and only its beginning is held. Default no limit; with
    /// [bounded memory](crate::corpus::Job::memory), the bound sets another limit.
    #[must_use]
    pub fn max_record(mut self, bytes: u64) -> Self {
        self.max_record = Some(bytes);
        self
    }

    /// Whether to accept text files that are not UTF-8, for byte shingles. Default false.
    #[must_use]
    pub fn accept_bytes(mut self, accept: bool) -> Self {
        self.bytes = accept;
        self
    }
}
