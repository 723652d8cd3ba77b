//! One input's records as raw bytes, one after the other: the same in the first reading and when they
//! are copied to an output.

use std::io::{self, BufRead, Read};

use super::input::{Count, Format, Input};

/// A record as it stands in its file.
pub(super) struct RawRecord<'b> {
    /// Line, from 1; none where the file is the record.
    pub(super) line: Option<u64>,
    /// The bytes, without the line feed.
    pub(super) bytes: &'b [u8],
}

/// Calls `each` with the records of `input`, counting the file's bytes. Blank lines are none, and a
/// byte-order mark belongs to none. An error comes with the line it is on.
pub(super) fn for_each_record<E: From<io::Error>>(
    input: &Input,
    bytes: &Count,
    mut each: impl FnMut(RawRecord<'_>) -> Result<(), E>,
) -> Result<(), (Option<u64>, E)> {
    let at = |line| move |error: io::Error| (line, E::from(error));
    if let Some(problem) = &input.problem {
        return Err(at(None)(io::Error::other(problem.clone())));
    }
    let mut reader = input.open(bytes).map_err(at(None))?;
    let mut buffer = Vec::new();
    if input.format == Format::Text {
        reader.read_to_end(&mut buffer).map_err(at(None))?;
        let bytes = &buffer;
        return each(RawRecord { line: None, bytes }).map_err(|error| (None, error));
    }
    for line in 1.. {
        buffer.clear();
        let read = reader
            .read_until(b'\n', &mut buffer)
            .map_err(at(Some(line)))?;
        if read == 0 {
            break;
        }
        let bytes = buffer.strip_suffix(b"\n").unwrap_or(&buffer);
        // A byte-order mark may open the file; it is no part of the first record.
        let bytes = match line {
            1 => bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes),
            _ => bytes,
        };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line = Some(line);
        each(RawRecord { line, bytes }).map_err(|error| (line, error))?;
    }
    Ok(())
}
