//! WET: the texts of web pages, each a `conversion` record of a WARC file (ISO 28500).

use httparse::{EMPTY_HEADER, Status};

use crate::corpus::escape::Escaped;
use crate::corpus::formats::json::{Fields, Found, Scalar};
use crate::corpus::unusable::utf8;

/// The most bytes of a record's header.
const LONGEST: usize = 1 << 16;
/// The most fields of a header.
const FIELDS: usize = 64;
/// The terminator of a record, after its block.
pub(crate) const END: &[u8] = b"\r\n\r\n";
/// The field that is a record's id by default.
const URI: &str = "WARC-Target-URI";

/// The header of a record.
struct Header<'b> {
    /// The length of the header, with the empty line after it.
    len: usize,
    fields: Vec<(&'b str, &'b [u8])>,
    /// The length of the block.
    block: u64,
}

impl<'b> Header<'b> {
    /// The header at the start of `bytes`; `None` if it continues after them.
    fn parse(bytes: &'b [u8]) -> Result<Option<Self>, String> {
        const BEGINNING: &[u8] = b"WARC/";
        let known = bytes.len().min(BEGINNING.len());
        if bytes[..known] != BEGINNING[..known] {
            let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]);
            return Err(format!(
                "expected a WARC record, but found `{}`",
                Escaped(&beginning)
            ));
        }
        let unusable = |why: &str| format!("the header of a WARC record is unusable: {why}");
        let beginning = &bytes[..bytes.len().min(LONGEST)];
        let mut fields = [EMPTY_HEADER; FIELDS];
        let version = memchr::memchr(b'\n', beginning);
        let parsed = match version {
            Some(end) => httparse::parse_headers(&beginning[end + 1..], &mut fields),
            None => Ok(Status::Partial),
        };
        let (len, found) = match (parsed, version) {
            (Ok(Status::Complete((len, found))), Some(end)) => (end + 1 + len, found),
            (Ok(_), _) if bytes.len() < LONGEST => return Ok(None),
            (Ok(_), _) => return Err(unusable("it is longer than 64 KiB")),
            (Err(error), _) => return Err(unusable(&error.to_string())),
        };
        let fields: Vec<_> = found
            .iter()
            .map(|field| (field.name, field.value))
            .collect();
        let mut header = Self {
            len,
            fields,
            block: 0,
        };
        let block = header.get("Content-Length").and_then(|block| {
            let digits = std::str::from_utf8(block).ok()?;
            digits
                .bytes()
                .all(|digit| digit.is_ascii_digit())
                .then_some(digits)?
                .parse()
                .ok()
        });
        header.block =
            block.ok_or_else(|| unusable("it has no Content-Length that is a number"))?;
        Ok(Some(header))
    }

    /// The value of a field. Case does not matter in names.
    fn get(&self, name: &str) -> Option<&'b [u8]> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|&(_, value)| value)
    }
}

/// Finds the ends of records in bytes that arrive in parts.
#[derive(Default)]
pub(crate) struct RecordEnds {
    /// The beginning of a header.
    header: Vec<u8>,
    /// The remaining bytes of the record, if its header is known.
    left: Option<u64>,
}

impl RecordEnds {
    /// The end of the record that these bytes continue; `None` if they do not contain it.
    ///
    /// # Errors
    /// If the header of a record is invalid. Then neither its end nor any later record can be found.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Result<Option<usize>, String> {
        let known = self.left.map(|left| (0, left));
        let Some((at, left)) = known.map_or_else(|| self.begin(bytes), |known| Ok(Some(known)))?
        else {
            return Ok(None);
        };
        let here = (bytes.len() - at) as u64;
        self.left = left.checked_sub(here).filter(|&left| left > 0);
        Ok(self.left.is_none().then(|| at + left as usize))
    }

    /// The end of the header that these bytes continue, and the number of bytes of the record after it; `None` if the
    /// header continues after them.
    fn begin(&mut self, bytes: &[u8]) -> Result<Option<(usize, u64)>, String> {
        let before = self.header.len();
        let header = if before == 0 {
            Header::parse(bytes)?
        } else {
            self.header.extend(bytes.iter().take(LONGEST));
            Header::parse(&self.header)?
        };
        let Some(Header { len, block, .. }) = header else {
            if before == 0 {
                self.header.extend_from_slice(bytes);
            }
            return Ok(None);
        };
        self.header.clear();
        Ok(Some((len - before, block.saturating_add(END.len() as u64))))
    }
}

/// A complete record without its terminator.
pub(crate) fn without_end(record: &[u8]) -> &[u8] {
    record.strip_suffix(END).unwrap_or(record)
}

/// Whether a record is a document. One that cannot be parsed counts as a document, and is bad.
pub(crate) fn is_document(record: &[u8]) -> bool {
    match Header::parse(record) {
        Ok(Some(header)) => header.get("WARC-Type") == Some(b"conversion"),
        _ => true,
    }
}

/// The needed fields of a record: `text` is its block, `id` its URI, all others are fields of its header.
pub(crate) fn found<'b>(record: &'b [u8], fields: &Fields) -> Result<Found<'b>, String> {
    let header =
        Header::parse(record)?.ok_or("the file ends within the header of a WARC record")?;
    let block = &record[header.len..];
    if block.len() as u64 != header.block {
        return Err(format!(
            "Content-Length is {}, but the record has {} bytes",
            header.block,
            block.len()
        ));
    }
    if fields.text != "text" {
        let name = Escaped(&fields.text);
        return Err(format!(
            "field `{name}` is missing: the text of a WET record is called `text`"
        ));
    }
    let value = |name: Option<&str>| -> Result<Option<&'b str>, String> {
        let name = match name {
            Some("id") => URI,
            Some(name) => name,
            None => return Ok(None),
        };
        header.get(name).map(utf8).transpose()
    };
    let string = |text: &'b str| Scalar::Str(text.into());
    let number = |text: &'b str| Scalar::number(text).unwrap_or_else(|| string(text));
    Ok(Found {
        text: Some(string(utf8(block)?)),
        others: [
            value(fields.id.as_deref())?.map(string),
            value(fields.keep.by_field())?.map(number),
            value(fields.keep.preferred_field())?.map(string),
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
        let record = without_end(record.as_bytes());
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
            "expected a WARC record, but found `<html>\\u{7} and more of `"
        );
        let length = "it has no Content-Length that is a number";
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
                    Some(*end)
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
