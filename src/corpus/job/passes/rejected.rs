//! Rejected records: bad ones, and those with repeated ids, which are found later.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::boundary::IndexedFrom;
use crate::corpus::error::{Error, Place};
use crate::corpus::indexed::Indexed;
use crate::corpus::inputs::input::Input;
use crate::corpus::job::disk::folder::{Bytes, Folder, Reading, Writing};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::row::Row;
use crate::corpus::reading::read::{At, Rejection};

/// A rejection and its place, as written to the work folder.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RejectedAt {
    input: usize,
    line: Option<u64>,
    file: String,
    reason: String,
    record: Option<String>,
    ends_file: bool,
}

impl RejectedAt {
    pub(crate) fn of((input, line): At, rejection: Rejection) -> Self {
        Self {
            input,
            line,
            file: rejection.place.file,
            reason: rejection.reason,
            record: rejection.record,
            ends_file: rejection.ends_file,
        }
    }

    pub(crate) fn at(&self) -> At {
        (self.input, self.line)
    }

    pub(crate) fn write(&self, to: &mut Writing<'_>) -> Result<(), Error> {
        let bytes = serde_json::to_vec(self).map_err(|error| to.failed(error.into()))?;
        to.counted(&bytes)
    }

    /// Reads the next rejection; `None` at the end.
    pub(crate) fn read(from: &mut Reading) -> Result<Option<Self>, Error> {
        let Some(len) = from.next_u32()? else {
            return Ok(None);
        };
        let mut bytes = vec![0; len as usize];
        from.read(&mut bytes)?;
        let read = serde_json::from_slice(&bytes);
        read.map(Some).map_err(|error| from.failed(error.into()))
    }

    pub(crate) fn into_rejection(self) -> Rejection {
        Rejection {
            place: Place {
                file: self.file,
                line: self.line,
            },
            reason: self.reason,
            record: self.record,
            ends_file: self.ends_file,
        }
    }
}

/// Documents with repeated ids, sorted by number.
#[derive(Debug, Default)]
pub(crate) struct Late {
    documents: Vec<u32>,
    /// The reason to reject each.
    reasons: Vec<String>,
    /// The place of the first.
    first_at: At,
}

impl Late {
    /// `repeated` contains pairs of such a document and the first with its id. That one may belong to an index; indexed
    /// documents have numbers after all others. `ends` are the numbers of documents at the end of each input.
    pub(crate) fn new(
        repeated: &[(u32, u32)],
        folder: &Folder,
        inputs: &[Input],
        ends: &[u32],
        indexed: &Indexed,
    ) -> Result<Self, Error> {
        let indexed_from = IndexedFrom::after(ends.last().copied().unwrap_or(0) as usize);
        let mut late = Self::default();
        let mut firsts: HashMap<u32, At> = repeated
            .iter()
            .map(|&(_, first)| (first, (0, None)))
            .collect();
        let Some(&(last, _)) = repeated.last() else {
            return Ok(late);
        };
        let mut rows = folder.open(names::ROWS)?;
        let mut row = Row::default();
        let mut repeated = repeated.iter().peekable();
        for document in 0..=last {
            row.read(&mut rows)?;
            let at = || (ends.partition_point(|&end| end <= document), row.line());
            if let Some(first) = firsts.get_mut(&document) {
                *first = at();
            }
            if let Some((_, first)) = repeated.next_if(|&&(late, _)| late == document) {
                if late.documents.is_empty() {
                    late.first_at = at();
                }
                late.documents.push(document);
                late.reasons
                    .push(if let Some(first) = indexed_from.place(*first) {
                        indexed.used(first, &row.id)
                    } else {
                        let (input, line) = firsts[first];
                        let first = inputs[input].place(line);
                        let (input, line) = at();
                        inputs[input].used_before(line, &row.id, &first)
                    });
            }
        }
        Ok(late)
    }

    pub(crate) fn len(&self) -> usize {
        self.documents.len()
    }

    /// The reason to reject a document, if there is one.
    pub(crate) fn reason(&self, document: u32) -> Option<&str> {
        let place = self.documents.binary_search(&document).ok()?;
        Some(&self.reasons[place])
    }

    /// The place of the first such document, and the reason to reject it.
    pub(crate) fn first(&self) -> Option<(At, &str)> {
        Some((self.first_at, self.reasons.first()?))
    }
}
