//! Ids: those that records have, and those that are made of file and line.

use std::fmt::Display;

use crate::corpus::error::Place;
use crate::corpus::escape::Escaped;
use crate::corpus::inputs::input::Input;

/// What to do about ids that are used several times, for an error.
pub(crate) const REPEATED: &str = "give every record its own id, name another id field (--id-field FIELD), use file and line as ids \
     (--id-field none), or skip later records with the same id (--on-bad skip)";

/// What is wrong with a record whose id an earlier one has, which is there.
pub(crate) fn used_before(id: &str, there: &dyn Display) -> String {
    format!("id `{}` was used before, {there}", Escaped(id))
}

impl Input {
    /// What is wrong with a record of this input whose id one at `first` has.
    pub(crate) fn used_before(&self, line: Option<u64>, id: &str, first: &Place) -> String {
        let made = match line {
            Some(_) if self.id_of(line) == id => ", made of file and line,",
            _ => "",
        };
        format!("id `{}`{made} was used before, at {first}", Escaped(id))
    }

    /// The id of a record that has none of its own.
    pub(crate) fn id_of(&self, line: Option<u64>) -> String {
        match line {
            Some(line) => format!("{}:{line}", self.name()),
            None => self.name(),
        }
    }
}
