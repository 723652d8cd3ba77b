//! CSV and TSV: rows of cells, with a header row.

use std::io::{self, BufRead, BufReader, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use crate::corpus::escape::Escaped;
use crate::corpus::formats::fields::{Fields, Found, Scalar, TextParts, join};
use crate::corpus::formats::paths::{FieldPath, OTHERS};
use crate::corpus::unusable::{Unusable, utf8};

/// The byte-order mark of UTF-8, with which a file may start.
pub(crate) const MARK: &[u8] = b"\xEF\xBB\xBF";

/// Whether a row is a blank line. A row of spaces or tabs is not; these are cells.
pub(crate) fn is_blank_row(row: &[u8]) -> bool {
    row.is_empty() || row == b"\r"
}

/// A parser of rows that end at line feeds. A carriage return stays part of the row, so rows can be copied like lines.
fn reader(delimiter: u8) -> Reader {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .terminator(Terminator::Any(b'\n'))
        .build()
}

/// Finds the ends of rows in bytes that arrive in parts.
pub(crate) struct RowEnds {
    reader: Reader,
    /// Whether the next byte is the first of a row.
    is_start: bool,
}

impl RowEnds {
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            reader: reader(delimiter),
            is_start: true,
        }
    }

    /// The end of the row that these bytes continue, after its line feed; `None` if they do not contain it. An empty
    /// line is a row as well, although the parser would take it for the start of the next.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.is_start && bytes.first() == Some(&b'\n') {
            return Some(1);
        }
        let (mut output, mut ends) = ([0; 1 << 12], [0; 1 << 6]);
        let mut at = 0;
        while at < bytes.len() {
            let (result, read, ..) = self
                .reader
                .read_record(&bytes[at..], &mut output, &mut ends);
            at += read;
            self.is_start = result == ReadRecordResult::Record;
            if self.is_start {
                return Some(at);
            }
        }
        None
    }
}

/// The first row of a file.
#[derive(Debug)]
pub(crate) struct Header {
    /// The row in the file, without its line feed.
    pub(crate) row: String,
    names: Vec<String>,
    pub(crate) delimiter: u8,
}

/// The most bytes of a header.
const LONGEST: u64 = 1 << 20;

impl Header {
    pub(crate) fn read(file: impl Read, delimiter: u8) -> io::Result<Self> {
        let mut file = BufReader::new(file).take(LONGEST);
        let mut ends = RowEnds::new(delimiter);
        let (mut row, mut is_first) = (Vec::new(), true);
        loop {
            let from = row.len();
            if file.read_until(b'\n', &mut row)? == 0 {
                break;
            }
            if std::mem::take(&mut is_first) && row.starts_with(MARK) {
                row.drain(..MARK.len());
            }
            match ends.next(&row[from..]) {
                _ if matches!(&*row, b"\n" | b"\r\n") => row.clear(),
                Some(_) => break,
                None => {}
            }
        }
        if file.limit() == 0 {
            return Err(Unusable::error("its header row is longer than 1 MiB"));
        }
        let row = row.strip_suffix(b"\n").unwrap_or(&row);
        if is_blank_row(row) {
            return Err(Unusable::error("has no header row"));
        }
        let unusable = |reason| Unusable::error(format!("its header row is unusable: {reason}"));
        let row = utf8(row).map_err(unusable)?;
        let cells = Cells::of(delimiter, row).map_err(unusable)?;
        Ok(Self {
            names: (0..cells.len())
                .map(|at| cells.get(at).to_owned())
                .collect(),
            row: row.to_owned(),
            delimiter,
        })
    }

    /// The names of the columns.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether another file has the same columns.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.names == other.names
    }

    /// The column of this name.
    fn find(&self, name: &str) -> Result<Option<usize>, String> {
        let mut named = (0..self.names.len()).filter(|&at| self.names[at] == name);
        let found = named.next();
        match named.next() {
            Some(_) => Err(format!(
                "column `{}` appears twice in the header row",
                Escaped(name)
            )),
            None => Ok(found),
        }
    }

    /// Those of these columns that there are, with their positions in the list; fails if there are none.
    fn need(&self, names: &[FieldPath]) -> Result<Vec<(usize, usize)>, String> {
        const SHOWN: usize = 20;
        let mut found = Vec::new();
        for (number, path) in names.iter().enumerate() {
            found.extend(self.find(&path.name)?.map(|at| (number, at)));
        }
        if !found.is_empty() {
            return Ok(found);
        }
        let list = |names: &mut dyn Iterator<Item = &str>| {
            let names: Vec<String> = names.map(|name| format!("`{}`", Escaped(name))).collect();
            names.join(", ")
        };
        let needed = list(&mut names.iter().map(|path| &*path.name));
        let there = list(&mut self.names.iter().map(|name| &**name).take(SHOWN));
        let missing = match names {
            [_] => format!("column {needed} is missing"),
            _ => format!("columns {needed} are missing, of which one is needed"),
        };
        Err(format!("{missing}: the header row has {there}"))
    }
}

/// Values that programs write for a missing number.
const MISSING: [&str; 10] = [
    "NaN", "nan", "-nan", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "None",
];

/// The needed columns.
pub(crate) struct Columns {
    delimiter: u8,
    /// The number of cells in a row.
    cells: usize,
    /// The columns of the text, each with the position of its field in the list.
    text: Vec<(usize, usize)>,
    /// Those of the other roles.
    others: [Option<usize>; OTHERS],
}

impl Columns {
    /// Finds the columns, or returns what the file lacks. The columns of the keep policy may be missing.
    pub(crate) fn find(header: &Header, fields: &Fields) -> Result<Self, String> {
        let [id, by, preferred, group] = fields.others();
        let may = |path: Option<&FieldPath>| match path {
            Some(path) => header.find(&path.name),
            None => Ok(None),
        };
        let id = match id {
            Some(id) if fields.id_required => header.need(std::slice::from_ref(id))?[0].1.into(),
            id => may(id)?,
        };
        Ok(Self {
            delimiter: header.delimiter,
            cells: header.names.len(),
            text: header.need(fields.text())?,
            others: [id, may(by)?, may(preferred)?, may(group)?],
        })
    }

    pub(crate) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    fn cells(&self, row: &str) -> Result<Cells, String> {
        let cells = Cells::of(self.delimiter, row)?;
        match cells.len() == self.cells {
            true => Ok(cells),
            false => Err(format!(
                "the row has {} cells, but the header row has {}",
                cells.len(),
                self.cells
            )),
        }
    }

    /// The needed fields. Cells are text, except numbers for the keep policy. Empty cells are missing, except for the
    /// text.
    pub(crate) fn found(&self, row: &str) -> Result<Found<'static>, String> {
        let cells = self.cells(row)?;
        let string = |cell: &str| Scalar::Str(cell.to_owned().into());
        let of = |at: Option<usize>, scalar: &dyn Fn(&str) -> Scalar<'static>| {
            let cell = cells.get(at?);
            (!cell.is_empty()).then(|| scalar(cell))
        };
        let number = |cell: &str| match MISSING.contains(&cell) {
            true => Scalar::Null,
            false => Scalar::number(cell).unwrap_or_else(|| string(cell)),
        };
        let name = |cell: &str| match MISSING.contains(&cell) {
            true => Scalar::Null,
            false => string(cell),
        };
        let [id, by, preferred, group] = self.others;
        let mut text = TextParts::default();
        for &(field, at) in &self.text {
            text.push(field, string(cells.get(at)));
        }
        Ok(Found {
            text,
            others: [
                of(id, &string),
                of(by, &number),
                of(preferred, &string),
                of(group, &name),
            ],
        })
    }

    /// The text of a row that was read before.
    pub(crate) fn text<'a>(&self, row: &str, memory: &'a mut String) -> Result<&'a str, String> {
        let cells = self.cells(row)?;
        let texts = self.text.iter().map(|&(_, at)| cells.get(at));
        join(texts, memory);
        Ok(memory)
    }
}

/// The cells of a row, without their quotes.
struct Cells {
    text: String,
    ends: Vec<usize>,
}

impl Cells {
    fn of(delimiter: u8, row: &str) -> Result<Self, String> {
        let row = row.strip_suffix('\r').unwrap_or(row).as_bytes();
        let mut reader = reader(delimiter);
        let mut text = vec![0; row.len() + 1];
        // A row has at most one more cell than bytes.
        let mut ends = vec![0; row.len() + 2];
        if row.starts_with(MARK) {
            // The parser drops a byte-order mark at its start, so give it a line feed first.
            let _ = reader.read_record(b"\n", &mut text, &mut ends);
        }
        let (_, _, written, ended) = reader.read_record(row, &mut text, &mut ends);
        let line_feed = reader.read_record(b"\n", &mut text[written..], &mut ends[ended..]);
        let (ReadRecordResult::Record, _, more, last) = line_feed else {
            return Err("a quoted field is not closed".to_owned());
        };
        text.truncate(written + more);
        ends.truncate(ended + last);
        let text = String::from_utf8(text).map_err(|error| error.to_string())?;
        Ok(Self { text, ends })
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, at: usize) -> &str {
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[from..self.ends[at]]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(row: &str) -> Result<Vec<String>, String> {
        let cells = Cells::of(b',', row)?;
        Ok((0..cells.len())
            .map(|at| cells.get(at).to_owned())
            .collect())
    }

    #[test]
    fn quotes_are_resolved_and_carriage_returns_are_no_text() {
        let is = |row: &str, expected: &[&str]| assert_eq!(cells(row).unwrap(), expected, "{row}");
        is("a,b", &["a", "b"]);
        is("a,", &["a", ""]);
        is(",", &["", ""]);
        is("a,b\r", &["a", "b"]);
        is("\"a,\"\"b\"\"\nc\",d\"e", &["a,\"b\"\nc", "d\"e"]);
        is("\"x\r\"", &["x\r"]);
        is("\"x\"\r", &["x"]);
        is("\u{FEFF},\u{FEFF}", &["\u{FEFF}", "\u{FEFF}"]);
        assert!(cells("a,\"b").is_err());
    }

    proptest! {
        /// Rows have the same ends, in whatever parts they arrive.
        #[test]
        fn rows_end_where_they_do_in_one_part(
            text in "[a,\"\n]{0,60}",
            cuts in prop::collection::vec(0usize..60, 0..4),
        ) {
            let ends = |parts: &[&[u8]]| {
                let (mut rows, mut ends, mut start) = (RowEnds::new(b','), Vec::new(), 0);
                for part in parts {
                    let mut at = 0;
                    while let Some(end) = rows.next(&part[at..]) {
                        at += end;
                        ends.push(start + at);
                    }
                    start += part.len();
                }
                ends
            };
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let bytes = text.as_bytes();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(ends(&parts), ends(&[bytes]));
        }
    }
}
