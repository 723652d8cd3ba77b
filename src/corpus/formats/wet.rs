//! WET: the texts of web pages, each a `conversion` record of a WARC file (ISO 28500).

use std::borrow::Cow;

use memchr::memmem;

use crate::corpus::escape::Escaped;
use crate::corpus::formats::delimited::MARK;
use crate::corpus::formats::fields::{Fields, Found, Scalar, TextParts};
use crate::corpus::formats::paths::FieldPath;
use crate::corpus::unusable::{looks_compressed, utf8};

/// The maximum length of a record's header, in bytes.
const LONGEST: usize = 1 << 16;
/// What ends a record when it is written.
pub(crate) const END: &[u8] = b"\r\n\r\n";
/// The field that is a record's id by default.
const URI: &str = "WARC-Target-URI";

/// The header of a record.
struct Header<'b> {
    /// Its length in bytes, with the empty line after it.
    len: usize,
    /// Its lines, without the version.
    lines: &'b [u8],
    /// The length of the block in bytes.
    block: u64,
}

impl<'b> Header<'b> {
    /// The header that `bytes` begin with; none if it continues after them.
    fn parse(bytes: &'b [u8]) -> Result<Option<Self>, String> {
        const BEGINNING: &[u8] = b"WARC/";
        let known = bytes.len().min(BEGINNING.len());
        if bytes[..known] != BEGINNING[..known] {
            let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]);
            let why = match looks_compressed(bytes) {
                Some(why) => why,
                None => format!("found `{}`", Escaped(&beginning)),
            };
            return Err(broken(&format!("expected a WARC record, but {why}")));
        }
        let bytes = &bytes[..bytes.len().min(LONGEST)];
        let ends = [b"\r\n\r\n".as_slice(), b"\n\n"].map(|end| {
            let at = memmem::find(bytes, end)?;
            Some(at + end.len())
        });
        let Some(len) = ends.into_iter().flatten().min() else {
            return match bytes.len() {
                LONGEST => Err(broken("the header of a WARC record is longer than 64 KiB")),
                _ => Ok(None),
            };
        };
        let version = memchr::memchr(b'\n', bytes).unwrap_or(len - 1);
        let mut header = Self {
            len,
            lines: &bytes[version + 1..len],
            block: 0,
        };
        let digits = header.get("Content-Length");
        let is_number = |digits: &[u8]| digits.iter().all(u8::is_ascii_digit);
        let digits = digits.filter(|digits| is_number(digits));
        let block = digits.and_then(|digits| std::str::from_utf8(&digits).ok()?.parse().ok());
        header.block = block.ok_or_else(|| {
            broken("the header of a WARC record has no Content-Length that is a number")
        })?;
        Ok(Some(header))
    }

    /// The value of a field. Upper and lower case do not matter in names. A line that begins with white space continues
    /// the value before it.
    fn get(&self, name: &str) -> Option<Cow<'b, [u8]>> {
        let mut lines = self.lines.split(|&byte| byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            let Some(colon) = memchr::memchr(b':', line) else {
                continue;
            };
            if !line[..colon].eq_ignore_ascii_case(name.as_bytes()) {
                continue;
            }
            let mut value = Cow::Borrowed(line[colon + 1..].trim_ascii());
            while let Some(more) =
                lines.next_if(|line| line.starts_with(b" ") || line.starts_with(b"\t"))
            {
                value.to_mut().push(b' ');
                value.to_mut().extend_from_slice(more.trim_ascii());
            }
            return Some(value);
        }
        None
    }

    fn is_of_document(&self) -> bool {
        let of = self.get("WARC-Type");
        of.is_some_and(|of| of.eq_ignore_ascii_case(b"conversion"))
    }
}

/// Why no further records can be found in a file.
fn broken(why: &str) -> String {
    format!("{why}; the rest of the file is not read")
}

/// The bytes before a record: line ends, and the byte-order mark of a file.
fn before_record(bytes: &[u8]) -> usize {
    let mark = if bytes.starts_with(MARK) {
        MARK.len()
    } else {
        0
    };
    let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    mark + bytes[mark..].iter().take_while(is_end).count()
}

/// Finds the ends of records in bytes that arrive in parts.
#[derive(Default)]
pub(crate) struct RecordEnds {
    /// The beginning of a header.
    header: Vec<u8>,
    /// The number of bytes of the record that are still to come, once its header is known.
    left: Option<u64>,
    is_document: bool,
}

impl RecordEnds {
    /// The end of the record that these bytes continue; none if it is still to come. The line ends after a record are part
    /// of the next one.
    ///
    /// # Errors
    /// If a record's header cannot be used. Then its end, and all that follows, cannot be known.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Result<Option<usize>, String> {
        let (at, left) = match self.left {
            Some(left) => (0, left),
            None => match self.begin(bytes)? {
                Some(begun) => begun,
                None => return Ok(None),
            },
        };
        let here = (bytes.len() - at) as u64;
        self.left = left.checked_sub(here).filter(|&left| left > 0);
        Ok(self.left.is_none().then(|| at + left as usize))
    }

    /// Whether the record that was begun last is a document, as far as is known.
    pub(crate) fn is_in_document(&self) -> bool {
        self.is_document
    }

    /// The end of the header that these bytes continue, and the length of the block after it; none if the header
    /// continues.
    fn begin(&mut self, bytes: &[u8]) -> Result<Option<(usize, u64)>, String> {
        let begun = self.header.len();
        let skipped = if begun == 0 { before_record(bytes) } else { 0 };
        self.is_document = true; // until its type is known
        if begun > 0 {
            self.header.extend(bytes.iter().take(LONGEST));
        }
        let header = match begun {
            0 => Header::parse(&bytes[skipped..])?,
            _ => Header::parse(&self.header)?,
        };
        let Some(header) = header else {
            if begun == 0 {
                self.header.extend_from_slice(&bytes[skipped..]);
            }
            return Ok(None);
        };
        self.is_document = header.is_of_document();
        let found = (skipped + header.len - begun, header.block);
        self.header.clear();
        Ok(Some(found))
    }
}

/// A record, or its beginning, without the bytes before it.
pub(crate) fn without_ends(record: &[u8]) -> &[u8] {
    &record[before_record(record)..]
}

/// Whether a whole record is a document. Anything that cannot be parsed counts as one.
pub(crate) fn is_document(record: &[u8]) -> bool {
    match Header::parse(record) {
        Ok(Some(header)) => header.is_of_document(),
        _ => !record.is_empty(),
    }
}

/// The needed fields of a record: `text` is its block, `id` its URI, all others are fields of its header.
pub(crate) fn found<'b>(record: &'b [u8], fields: &Fields) -> Result<Found<'b>, String> {
    let header =
        Header::parse(record)?.ok_or("the file ends within the header of a WARC record")?;
    let block = &record[header.len..];
    if block.len() as u64 != header.block {
        return Err(format!(
            "the file ends within a WARC record: its Content-Length is {}, but only {} bytes follow",
            header.block,
            block.len()
        ));
    }
    let mut text = TextParts::default();
    let block = utf8(block)?;
    let is_text = |path: &FieldPath| path.name == "text";
    match fields.text().iter().position(is_text) {
        Some(field) => text.push(field, Scalar::Str(block.into())),
        None => {
            return Err(format!(
                "field `{}` is missing: the text of a WET record is called `text`",
                Escaped(&fields.text_list())
            ));
        }
    }
    let value = |path: Option<&FieldPath>| -> Result<Option<Cow<'b, str>>, String> {
        let name = match path {
            Some(path) if path.name == "id" => URI,
            Some(path) => &path.name,
            None => return Ok(None),
        };
        let text = |value: Cow<'b, [u8]>| match value {
            Cow::Borrowed(value) => utf8(value).map(Cow::Borrowed),
            Cow::Owned(value) => utf8(&value).map(|value| Cow::Owned(value.to_owned())),
        };
        let value = header.get(name).map(text).transpose();
        value.map_err(|why| format!("field `{}`: {why}", Escaped(name)))
    };
    let number = |text: Cow<'b, str>| Scalar::number(&text).unwrap_or(Scalar::Str(text));
    let [id, by, preferred, group] = fields.others();
    Ok(Found {
        text,
        others: [
            value(id)?.map(Scalar::Str),
            value(by)?.map(number),
            value(preferred)?.map(Scalar::Str),
            value(group)?.map(Scalar::Str),
        ],
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(of: &str, text: &str) -> String {
        format!(
            "WARC/1.0\r\nWARC-Type: {of}\r\nWARC-Target-URI: http://example.org/{}\r\nContent-Length: {}\r\n\r\n{text}\r\n\r\n",
            text.len(),
            text.len()
        )
    }

    fn ends(parts: &[&[u8]]) -> Result<Vec<usize>, String> {
        let (mut records, mut ends, mut start) = (RecordEnds::default(), Vec::new(), 0);
        for part in parts {
            let mut at = 0;
            while at < part.len() {
                let Some(end) = records.next(&part[at..])? else {
                    break;
                };
                at += end;
                ends.push(start + at);
            }
            start += part.len();
        }
        Ok(ends)
    }

    #[test]
    fn a_record_is_its_block_under_its_uri() {
        let record = record("conversion", "a page\r\n\r\nof two paragraphs");
        let record = record.strip_suffix("\r\n\r\n").unwrap().as_bytes();
        let picked = Fields::default().settle(found(record, &Fields::default()).unwrap());
        let picked = picked.unwrap();
        assert_eq!(picked.text, "a page\r\n\r\nof two paragraphs");
        assert_eq!(picked.id.as_deref(), Some("http://example.org/27"));
    }

    #[test]
    fn headers_that_are_unusable_are_named() {
        let error = |text: &str| ends(&[text.as_bytes()]).unwrap_err();
        assert_eq!(
            error("<html>\u{7} and more of that"),
            "expected a WARC record, but found `<html>\\u{7} and more of `; the rest of the file is not read"
        );
        let length = "no Content-Length that is a number; the rest of the file is not read";
        for header in [
            "WARC-Type: conversion",
            "Content-Length: +1",
            "Content-Length: -1",
        ] {
            assert!(error(&format!("WARC/1.0\r\n{header}\r\n\r\n")).ends_with(length));
        }
        assert!(error(&format!("WARC/1.0\r\nA: {}", "a".repeat(LONGEST))).contains("64 KiB"));
        // The greatest length, and longer than the file.
        assert_eq!(
            ends(&[b"WARC/1.0\r\nContent-Length: 18446744073709551615\r\n\r\na"]),
            Ok(vec![])
        );
    }

    #[test]
    fn headers_may_be_folded_and_lines_end_in_line_feeds() {
        let record = b"WARC/1.0\nwarc-type: CONVERSION\nX : \xff\nWARC-Target-URI: http://a.example/\n one\n\ttwo\n\
            Content-Length: 3\n\nabc";
        assert!(is_document(record));
        let found = found(record, &Fields::default()).unwrap();
        let picked = Fields::default().settle(found).unwrap();
        assert_eq!(picked.text, "abc");
        assert_eq!(picked.id.as_deref(), Some("http://a.example/ one two"));
        let file = [b"\xEF\xBB\xBF\r\n\n", record.as_slice(), b"\n\n\r\n"].concat();
        assert_eq!(ends(&[&file]), Ok(vec![6 + record.len()]));
    }

    proptest! {
        /// Records end at the same places, in whatever parts they arrive.
        #[test]
        fn records_end_where_they_do_in_one_part(
            texts in prop::collection::vec("[a\r\n]{0,9}", 1..5),
            cuts in prop::collection::vec(0usize..400, 0..6),
        ) {
            let records: Vec<String> = texts.iter().map(|text| record("conversion", text)).collect();
            let expected: Vec<usize> = records
                .iter()
                .scan(0, |end, record| {
                    *end += record.len();
                    // What ends a record belongs to the next.
                    Some(*end - END.len())
                })
                .collect();
            let file = records.concat();
            let bytes = file.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(ends(&parts), Ok(expected));
        }
    }
}
