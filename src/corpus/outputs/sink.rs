//! Writers of staged outputs, used until the outputs are committed.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::corpus::error::Error;
use crate::corpus::formats::annotation::{Annotation, Facts};
use crate::corpus::formats::parquet::RowWriter;
use crate::corpus::formats::record::RawRecord;
use crate::corpus::inputs::input::Input;
use crate::corpus::outputs::encoder::Encoder;
use crate::corpus::outputs::shards::Shards;
use crate::corpus::unusable::utf8;
use crate::storage::Writer;

/// A writer shared by those that write and those that complete the output.
pub(crate) struct Open<W> {
    /// The path that the user named.
    path: PathBuf,
    writer: Arc<Mutex<Option<W>>>,
}

/// An output that can be completed.
pub(crate) trait Finish: fmt::Debug + Send + Sync {
    /// Writes all buffered data. Nothing can be written after that.
    fn finish(&self) -> Result<(), Error>;
}

impl<W> Open<W> {
    pub(crate) fn new(path: &Path, writer: W) -> Self {
        Self {
            path: path.to_owned(),
            writer: Arc::new(Mutex::new(Some(writer))),
        }
    }

    /// The path that the user named.
    fn path(&self) -> &Path {
        &self.path
    }

    fn with<T>(&self, write: impl FnOnce(&mut W) -> Result<T, Error>) -> Result<T, Error> {
        match &mut *self.lock() {
            Some(writer) => write(writer),
            None => Err(self.failed(io::Error::other("written to after it was committed"))),
        }
    }

    fn take(&self) -> Option<W> {
        self.lock().take()
    }

    /// Ignores poisoning: after a panic the output is never committed.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<W>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::io("write", &self.path, error)
    }
}

impl<W> Clone for Open<W> {
    fn clone(&self) -> Self {
        Self {
            path: self.path.clone(),
            writer: Arc::clone(&self.writer),
        }
    }
}

impl<W> fmt::Debug for Open<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Open").field(&self.path).finish()
    }
}

impl Finish for Open<Encoder> {
    fn finish(&self) -> Result<(), Error> {
        let finished = self.take().map_or(Ok(()), Encoder::finish);
        finished.map_err(|error| self.failed(error))
    }
}

impl Finish for Open<RowWriter> {
    fn finish(&self) -> Result<(), Error> {
        self.take().map_or(Ok(()), RowWriter::finish)
    }
}

impl Finish for Open<Shards> {
    fn finish(&self) -> Result<(), Error> {
        self.take().map_or(Ok(()), Shards::finish)
    }
}

/// A staged file of text.
#[derive(Debug)]
pub struct Table(pub(crate) Open<Encoder>);

impl Table {
    /// Appends a line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn line(&self, line: impl fmt::Display) -> Result<(), Error> {
        // Formatted before taking the lock.
        let line = format!("{line}\n");
        self.with(|encoder| encoder.write_all(line.as_bytes()))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn with(
        &self,
        write: impl FnOnce(&mut Encoder) -> io::Result<()>,
    ) -> Result<(), Error> {
        let Self(open) = self;
        open.with(|encoder| write(encoder).map_err(|error| open.failed(error)))
    }
}

/// Anything that is text can be written to a table, such as a report.
impl Write for &Table {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.with(|encoder| encoder.write_all(bytes))
            .map_err(io::Error::other)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A staged index of the kept documents, see [`Outputs::stage_index`](crate::corpus::Outputs::stage_index).
#[derive(Debug, Clone)]
pub struct IndexSink(pub(crate) Open<Writer>);

impl IndexSink {
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes the index.
    pub(crate) fn write<T>(
        &self,
        write: impl FnOnce(&mut Writer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.0.with(write)
    }

    /// Moves the index to its path.
    pub(crate) fn put(&self) -> Result<(), Error> {
        self.0.take().map_or(Ok(()), |writer| Ok(writer.put()?))
    }
}

/// An index is complete when its header is written.
impl Finish for Open<Writer> {
    fn finish(&self) -> Result<(), Error> {
        let writer = self.lock();
        writer
            .as_ref()
            .map_or(Ok(()), |writer| Ok(writer.can_be_put()?))
    }
}

/// A staged output of input records, see [`Outputs::stage_records`](crate::corpus::Outputs::stage_records).
#[derive(Debug)]
pub struct RecordSink {
    pub(crate) records: Records,
    /// The fields that are added to the records, see [`Outputs::annotate`](crate::corpus::Outputs::annotate).
    pub(crate) annotation: Option<Annotation>,
}

#[derive(Debug)]
pub(crate) enum Records {
    /// A file of JSON lines, of rows with a header, or of WET records.
    Lines(Table),
    /// A file of JSON lines, for text files.
    Texts(Table),
    /// A Parquet file.
    Rows(Open<RowWriter>),
    /// A directory with a file for each input.
    Directory(Open<Shards>),
}

impl RecordSink {
    pub(crate) fn path(&self) -> &Path {
        match &self.records {
            Records::Lines(table) | Records::Texts(table) => table.path(),
            Records::Rows(open) => open.path(),
            Records::Directory(open) => open.path(),
        }
    }

    /// Writes a record of `input`, and what is added to it if the sink is annotated. Call it for the records of each input
    /// in order, from one thread: while it holds the lock, rows are copied by all threads of the pool.
    pub(crate) fn write(
        &self,
        input: &Input,
        record: &RawRecord<'_>,
        facts: Option<Facts>,
    ) -> Result<(), Error> {
        let Some(annotation) = &self.annotation else {
            return self.write_with(input, record, None);
        };
        let Some(facts) = facts else {
            return Err(Error::refused(
                "records can be annotated only by a job, which knows their clusters: use `Job::run`",
            ));
        };
        let bytes = annotation.record(record, facts);
        let bytes = bytes.map_err(|reason| Error::bad(input.place(record.line), reason))?;
        let record = RawRecord {
            bytes: &bytes,
            ..*record
        };
        self.write_with(input, &record, Some((annotation, facts)))
    }

    /// Writes a record that is annotated already, unless it is a row or a text file.
    fn write_with(
        &self,
        input: &Input,
        record: &RawRecord<'_>,
        added: Option<(&Annotation, Facts)>,
    ) -> Result<(), Error> {
        let facts = added.map(|(_, facts)| facts);
        match &self.records {
            Records::Lines(table) => table.with(|encoder| encoder.record(record)),
            Records::Texts(table) => {
                let text = utf8(record.bytes).map_err(|reason| {
                    let reason = format!(
                        "{reason}, so it cannot be written as JSON: write to a directory instead"
                    );
                    Error::bad(input.place(None), reason)
                })?;
                let object = serde_json::json!({"id": input.id_of(None), "text": text});
                let mut object = object.to_string().into_bytes();
                if let Some((annotation, facts)) = added {
                    let annotated = annotation.object(&object, facts);
                    object = annotated.map_err(|reason| Error::bad(input.place(None), reason))?;
                }
                table.with(|encoder| encoder.line(&object))
            }
            Records::Rows(open) => {
                let row = record.line.unwrap_or_default();
                open.with(|writer| writer.write(&input.path, row, facts))
            }
            Records::Directory(open) => open.with(|shards| shards.write(input, record, facts)),
        }
    }
}
