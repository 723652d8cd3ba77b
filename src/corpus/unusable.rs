//! Bad inputs and records.

use std::fmt;
use std::io;

/// What to do with a bad record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBad {
    /// Stop with an error. Default.
    #[default]
    Fail,
    /// Count and list the record, and continue.
    Skip,
}

/// Why an input that can be read is bad. Wrapped in an [`io::Error`], like failures to read it.
#[derive(Debug)]
pub(crate) struct Unusable(String);

impl Unusable {
    pub(crate) fn error(why: impl Into<String>) -> io::Error {
        io::Error::other(Self(why.into()))
    }

    /// The reason to reject an input that caused this error.
    pub(crate) fn reason(error: &io::Error) -> String {
        let inner = error.get_ref();
        match inner.and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(Self(why)) => why.clone(),
            None => format!("cannot be read: {error}"),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

/// The bytes as text, or the reason that they are not text.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| {
        let not = format!("not UTF-8 (byte {})", error.valid_up_to());
        match looks_compressed(bytes) {
            Some(why) => format!("{not}: {why}"),
            None => not,
        }
    })
}

/// Advice for bytes that are compressed, although the name of their file does not say so.
pub(crate) fn looks_compressed(bytes: &[u8]) -> Option<String> {
    let (how, ending) = match bytes {
        [0x1F, 0x8B, ..] => ("gzip", "gz"),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => ("Zstandard", "zst"),
        _ => return None,
    };
    Some(format!(
        "it looks like {how} data: decompress it, or name a file that ends in .{ending}"
    ))
}
