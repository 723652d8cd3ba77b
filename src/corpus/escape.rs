//! Escapes names and ids for printing, so that no control character reaches a terminal or breaks a line.

use std::ffi::OsStr;
use std::fmt;

/// Displays text with tab, line feed, carriage return and backslash as `\t`, `\n`, `\r`, `\\`, and other
/// control characters as `\u{1b}`.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, c)) = rest
            .char_indices()
            .find(|&(_, c)| c == '\\' || c.is_control())
        {
            f.write_str(&rest[..at])?;
            match c {
                '\\' | '\t' | '\n' | '\r' => write!(f, "{}", c.escape_default())?,
                control => write!(f, "{}", control.escape_unicode())?,
            }
            rest = &rest[at + c.len_utf8()..];
        }
        f.write_str(rest)
    }
}

/// A path for messages: bytes that are not UTF-8 as `\xE9`, the rest [`Escaped`]. Backslashes that separate folders
/// remain.
pub(crate) fn escaped_bytes(path: &OsStr) -> String {
    escaped_with(path, |valid| {
        let is_separator = std::path::is_separator('\\');
        let part = |part| Escaped(part).to_string();
        match is_separator {
            true => valid.split('\\').map(part).collect::<Vec<_>>().join("\\"),
            false => part(valid),
        }
    })
}

/// A file name as a part of ids: bytes that are not UTF-8 as `\xE9` and a backslash as `\\`, so that different names
/// stay different. Control characters are escaped when the id is printed.
pub(crate) fn escaped_id(name: &OsStr) -> String {
    escaped_with(name, |valid| valid.replace('\\', "\\\\"))
}

fn escaped_with(name: &OsStr, valid: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        text.push_str(&valid(chunk.valid()));
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

    #[cfg(unix)]
    #[test]
    fn no_two_names_have_one_id() {
        use std::os::unix::ffi::OsStrExt;
        let id = |name: &[u8]| escaped_id(OsStr::from_bytes(name));
        assert_eq!(id(b"a\xE9"), "a\\xE9");
        assert_eq!(id(b"a\\xE9"), "a\\\\xE9");
        assert_eq!(id("é\t.txt".as_bytes()), "é\t.txt");
        let shown = |name: &[u8]| escaped_bytes(OsStr::from_bytes(name));
        assert_eq!(shown(b"a\x1b[2J\xE9\\"), "a\\u{1b}[2J\\xE9\\\\");
    }
}
