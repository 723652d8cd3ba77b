//! Options for reading documents from files.

use crate::cluster::Keep;
use crate::corpus::formats::fields::{Fields, GroupBy};
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

    /// The fields, or the columns of CSV, TSV or Parquet files, that contain the text of a record. Default `text`, which
    /// is also the name of this field in WET records.
    ///
    /// - `title,body`: several fields. Their texts are joined with line breaks, in the order of this list.
    /// - `meta.title`: a field in an object (JSON lines), or a column in a group (Parquet).
    /// - `messages.*.content`: a field of every element of an array or list, in the order of the record. In Parquet,
    ///   `messages.list.element.content` also works, if the file spells the list like this.
    ///
    /// A backslash before `.`, `,`, `*` or `\` makes it part of a name: `a\.b` is the field `a.b`. In CSV and TSV files
    /// nothing is nested, so `a.b` and `a\.b` are both the column `a.b`.
    ///
    /// A record must have a string in at least one place. Empty strings, null and missing fields add nothing to the
    /// text. Any other value is an error, unless another path leads into it: with
    /// `messages.*.content,messages.*.content.*.text`, the content may be a string or an array of objects. The whole
    /// is one text, so shingles may begin in one part and end in the next. If one of the listed fields is in no record,
    /// or there are more than 64, reading fails.
    #[must_use]
    pub fn text_field(mut self, fields: impl Into<String>) -> Self {
        self.fields = self.fields.with_text(&fields.into());
        self
    }

    /// The field that contains the id of a record, as in `id` or `meta.id`: one path of those that
    /// [`text_field`](Self::text_field) takes, without `*`, and with commas as parts of names. Every record must have
    /// it. By default the field is `id`, and the id of a record without it is `file:line`.
    #[must_use]
    pub fn id_field(mut self, name: impl Into<String>) -> Self {
        self.fields = self.fields.with_id(&name.into());
        self
    }

    /// Whether to put the name of its file before the id of each record: `file:id`. For ids that are unique only in
    /// their file, such as those of shards. The name is that in ids made of file and line, see
    /// [`Corpus::read`](crate::corpus::Corpus::read). Default false.
    #[must_use]
    pub fn ids_by_file(mut self, by_file: bool) -> Self {
        self.fields.ids_by_file = by_file;
        self
    }

    /// Whether to use `file:line` as the id of every record, whatever its fields; for records whose ids are not unique.
    /// Default false.
    #[must_use]
    pub fn ids_by_line(mut self, by_line: bool) -> Self {
        if by_line {
            self.fields = self.fields.without_id();
        }
        self
    }

    /// The field that contains the group of a record, such as its site; one path, as for [`id_field`](Self::id_field). In
    /// each group, passages that many documents have are [set aside](crate::aside). A record without the field, or with
    /// null there, is in no group; so is a text file. With an array or object there it is a bad record. Default none: nothing is set aside.
    #[must_use]
    pub fn group_field(mut self, name: impl Into<String>) -> Self {
        self.fields = self.fields.with_group(&name.into(), GroupBy::Value);
        self
    }

    /// Like [`group_field`](Self::group_field), for a field that contains a URL: its group is the host of the URL, in
    /// lower case, without `www.` and without the port. A value without a host is in no group. In WET records, the
    /// field is `WARC-Target-URI`.
    #[must_use]
    pub fn group_host_field(mut self, name: impl Into<String>) -> Self {
        self.fields = self.fields.with_group(&name.into(), GroupBy::Host);
        self
    }

    /// Which document of a cluster is kept. The fields that this policy compares are read, for
    /// [`Corpus::keep_order`](crate::corpus::Corpus::keep_order). Default the first document.
    ///
    /// The fields are paths, as for [`id_field`](Self::id_field). That of
    /// [`KeepBy::Max`](crate::corpus::KeepBy::Max) or [`Min`](crate::corpus::KeepBy::Min) must contain a number or a
    /// string; in Parquet files, which must have the column, also a date or timestamp. A cell of CSV or TSV
    /// is a number if it is a valid JSON number, missing if it is empty or one of `NaN`, `NA`, `N/A`, `null` and
    /// `None`, and a string otherwise. Records without the field, and text files, come last. If no record has the
    /// field, reading fails.
    #[must_use]
    pub fn keep(mut self, policy: KeepPolicy) -> Self {
        self.fields = self.fields.with_keep(policy);
        self
    }

    /// The same options, which keep the largest documents if a deduper does and nothing else is set.
    pub(crate) fn with_keep(mut self, keep: Keep) -> Self {
        let policy = self.fields.keep();
        if keep == Keep::Largest && *policy.by() == KeepBy::First {
            let largest = policy.clone().by_largest();
            self.fields = self.fields.with_keep(largest);
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
