//! Names and ids as they are printed: no control character reaches a terminal or breaks a line.

use std::ffi::OsStr;
use std::fmt::{self, Write};

/// Displays text with tab, line feed, carriage return and backslash as `\t`, `\n`, `\r`, `\\`, and other
/// control characters as `\u{1b}`.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' | '\t' | '\n' | '\r' => write!(f, "{}", c.escape_default())?,
                control if control.is_control() => write!(f, "{}", control.escape_unicode())?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A file's name as text: bytes that are no UTF-8 as `\xE9`, so that two names never look the same.
pub(super) fn escaped_bytes(name: &OsStr) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.extend(["\\x", &format!("{byte:02X}")]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_on_their_line() {
        assert_eq!(Escaped("a\tb\\c\r\n").to_string(), "a\\tb\\\\c\\r\\n");
        assert_eq!(Escaped("\u{1b}[1m é").to_string(), "\\u{1b}[1m é");
    }
}
