//! Ids of records: from a field, or made of file and line.

use std::fmt::Display;

use crate::corpus::error::Place;
use crate::corpus::escape::Escaped;
use crate::corpus::inputs::input::Input;

/// Advice about repeated ids, for an error. `by_file` tells whether ids have the name of their file already.
pub(crate) fn advice(by_file: bool) -> String {
    let by_file = match by_file {
        true => "",
        false => {
            "put the name of the file before each id (--ids-by-file; for ids that repeat only in other files), "
        }
    };
    format!(
        "give every record its own id, name another id field (--id-field FIELD), {by_file}use file and line as ids \
         (--id-field none), or skip later records with the same id (--on-bad skip)"
    )
}

/// Why a record is bad whose id another has, at the place `there`.
pub(crate) fn used_before(id: &str, there: &dyn Display) -> String {
    format!("id `{}` was already used, {there}", Escaped(id))
}

impl Input {
    /// Why a record of this input is bad whose id the record at `first` has.
    pub(crate) fn used_before(&self, line: Option<u64>, id: &str, first: &Place) -> String {
        let made = match line {
            Some(_) if self.id_of(line) == id => ", made of file and line,",
            _ => "",
        };
        format!("id `{}`{made} was already used, at {first}", Escaped(id))
    }

    /// The id of a record, which may have `own` in its id field. If `by_file` is true, that follows the name of the file.
    pub(crate) fn id(&self, line: Option<u64>, own: Option<String>, by_file: bool) -> String {
        match own {
            Some(own) if by_file => format!("{}:{own}", self.name()),
            Some(own) => own,
            None => self.id_of(line),
        }
    }

    /// The id of a record without an id field.
    pub(crate) fn id_of(&self, line: Option<u64>) -> String {
        match line {
            Some(line) => format!("{}:{line}", self.name()),
            None => self.name(),
        }
    }
}
