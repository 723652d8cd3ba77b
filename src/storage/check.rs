//! Checks that the sections of a stored index are consistent.

use std::path::Path;

use super::error::{Problem, What};
use super::header::About;
use super::section::Section;
use super::table::ENTRY;
use crate::error::Error;

/// Fails if the size of a section is not consistent with the other numbers of the header.
pub(super) fn size(path: &Path, section: Section, bytes: u64, about: &About) -> Result<(), Error> {
    let documents = u64::from(about.documents);
    let each = match section {
        // Their sizes are checked with the end of the last document.
        Section::Ids | Section::Sets => return Ok(()),
        Section::Bands => return size_of_bands(path, bytes, about),
        Section::Aside => return same_size(path, bytes, bytes / 8 * 8),
        Section::Frequencies => return same_size(path, bytes, bytes.max(12) / 12 * 12),
        Section::IdEnds | Section::SetEnds | Section::Counts => 8,
        Section::IdTable => ENTRY as u64,
        Section::Signatures => 4 * about.scheme.hashes() as u64,
    };
    same_size(path, bytes, documents * each)
}

/// Fails if the size of the bands is impossible. Any number of the documents may have shingles.
fn size_of_bands(path: &Path, bytes: u64, about: &About) -> Result<(), Error> {
    let each = (about.banding.0 as u64).saturating_mul(ENTRY as u64);
    let fits = bytes.checked_rem(each) == Some(0) && bytes / each <= u64::from(about.documents);
    match fits {
        true => Ok(()),
        false => Err(Problem::bad(
            path,
            format!("the bands of an index cannot have {bytes} bytes"),
        )),
    }
}

/// Fails if a file does not have `expected` bytes.
pub(super) fn same_size(path: &Path, bytes: u64, expected: u64) -> Result<(), Error> {
    match bytes == expected {
        true => Ok(()),
        false => Err(Problem::at(path, What::Size { bytes, expected })),
    }
}

/// Fails if the last end is not the end of the section, counted in units of `unit` bytes.
pub(super) fn last_end(path: &Path, ends: &[[u8; 8]], bytes: u64, unit: u64) -> Result<(), Error> {
    let last = ends.last().map_or(0, |end| u64::from_le_bytes(*end));
    if last.checked_mul(unit) == Some(bytes) {
        return Ok(());
    }
    let whole = bytes / unit;
    let why = format!("the last document ends at {last} instead of {whole}");
    Err(Problem::bad(path, why))
}

/// Fails if ends are not ascending.
pub(super) fn ascending(path: &Path, ends: &[[u8; 8]]) -> Result<(), Error> {
    match ends.is_sorted_by_key(|end| u64::from_le_bytes(*end)) {
        true => Ok(()),
        false => Err(Problem::bad(path, "a document ends before it begins")),
    }
}
