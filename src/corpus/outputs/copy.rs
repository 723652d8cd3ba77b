//! Reads the inputs again and copies records to outputs.

use std::io;

use crate::corpus::error::Error;
use crate::corpus::formats::annotation::Facts;
use crate::corpus::formats::fields::Fields;
use crate::corpus::formats::record::RawRecord;
use crate::corpus::inputs::input::Input;
use crate::corpus::limit::ReadLimit;
use crate::corpus::outputs::sink::RecordSink;
use crate::corpus::reading::blocks::for_each_record;

/// Where a record is copied to.
pub(crate) struct Target<'s> {
    pub(crate) sink: &'s RecordSink,
    /// What an annotated sink adds to the record.
    pub(crate) facts: Option<Facts>,
}

/// Chooses an output for each record, in order.
pub(crate) trait Route<'s> {
    /// The target of the next record, if it has one.
    fn next(&mut self, input: &Input, record: &RawRecord<'_>) -> Result<Option<Target<'s>>, Error>;

    /// Whether the first pass over the input stopped at this line as well.
    fn stopped(&mut self, line: Option<u64>) -> bool;

    fn end_input(&mut self) -> Result<(), Error>;
}

/// Reads the inputs once more and copies each record to its output. Records beyond the limit are not read completely.
pub(crate) fn copy_all<'s>(
    inputs: &[Input],
    fields: &Fields,
    limit: ReadLimit,
    mut route: impl Route<'s>,
) -> Result<(), Error> {
    for input in inputs {
        let copy = |record: RawRecord<'_>| -> Result<(), Stop> {
            match route.next(input, &record)? {
                Some(Target { sink, facts }) => Ok(sink.write(input, &record, facts)?),
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
