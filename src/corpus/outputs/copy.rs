//! Records that have been read before, read again and copied.

use std::io;

use crate::corpus::error::Error;
use crate::corpus::formats::json::Fields;
use crate::corpus::formats::record::RawRecord;
use crate::corpus::inputs::input::Input;
use crate::corpus::limit::ReadLimit;
use crate::corpus::outputs::sink::RecordSink;
use crate::corpus::reading::blocks::for_each_record;

/// Where records go that are read again. It is asked for one after the other.
pub(crate) trait Route<'s> {
    /// The sink of the next record, where it goes anywhere.
    fn next(
        &mut self,
        input: &Input,
        record: &RawRecord<'_>,
    ) -> Result<Option<&'s RecordSink>, Error>;

    /// Whether the first reading of the input stopped at this line as well.
    fn stopped(&mut self, line: Option<u64>) -> bool;

    fn end_input(&mut self) -> Result<(), Error>;
}

/// Reads the inputs once more and writes each record where it goes. What is beyond the limit is not read whole.
pub(crate) fn copy_all<'s>(
    inputs: &[Input],
    fields: &Fields,
    limit: ReadLimit,
    mut route: impl Route<'s>,
) -> Result<(), Error> {
    for input in inputs {
        let copy = |record: RawRecord<'_>| -> Result<(), Stop> {
            match route.next(input, &record)? {
                Some(sink) => Ok(sink.write(input, &record)?),
                None => Ok(()),
            }
        };
        match for_each_record(input, fields, limit, copy) {
            Ok(()) => {}
            Err((line, Stop::Io(_))) if route.stopped(line) => {}
            Err((_, Stop::Io(error))) => return Err(Error::io("read", &input.path, error)),
            Err((_, Stop::Fatal(error))) => return Err(error),
        }
        route.end_input()?;
    }
    Ok(())
}

/// Why reading an input stops.
enum Stop {
    Io(io::Error),
    Fatal(Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}
