//! Files to documents.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::error::{Error, Place};
use super::escape::{Escaped, escaped_bytes};
use super::input::{Count, Format, Input, Sources};
use super::json::{FieldValue, Fields};
use super::output::RecordSink;
use super::records::{RawRecord, for_each_record};
use crate::text::{Content, Document};
use crate::watch::{Stage, Ticker, Watch};

/// What to do with a record that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBad {
    /// Reading ends with an error. Default.
    #[default]
    Fail,
    /// It is counted and listed, and reading goes on.
    Skip,
}

/// How to read documents; each method states its default.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    fields: Fields,
    on_bad: OnBad,
    bytes: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            fields: Fields {
                text: "text".to_owned(),
                id: "id".to_owned(),
                id_required: false,
                keep: None,
            },
            on_bad: OnBad::default(),
            bytes: false,
        }
    }
}

impl ReadOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The field that holds a record's text. Default `text`.
    #[must_use]
    pub fn text_field(mut self, name: impl Into<String>) -> Self {
        self.fields.text = name.into();
        self
    }

    /// The field that holds a record's id, which every record must have then. By default it is `id`, and
    /// a record without it is called `file:line`.
    #[must_use]
    pub fn id_field(mut self, name: impl Into<String>) -> Self {
        self.fields.id = name.into();
        self.fields.id_required = true;
        self
    }

    /// A field whose values are read for [`Corpus::field`], which every record must have then.
    /// Default none.
    #[must_use]
    pub fn keep_field(mut self, name: impl Into<String>) -> Self {
        self.fields.keep = Some(name.into());
        self
    }

    /// What to do with bad records. Default [`OnBad::Fail`].
    #[must_use]
    pub fn on_bad(mut self, on_bad: OnBad) -> Self {
        self.on_bad = on_bad;
        self
    }

    /// Whether text files may be no UTF-8, for byte shingles. Default false.
    #[must_use]
    pub fn accept_bytes(mut self, accept: bool) -> Self {
        self.bytes = accept;
        self
    }
}

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextDocument {
    /// UTF-8.
    Text(String),
    /// Bytes that are no UTF-8.
    Bytes(Vec<u8>),
}

impl Document for TextDocument {
    fn content(&self) -> Content<'_> {
        match self {
            Self::Text(text) => Content::Text(text),
            Self::Bytes(bytes) => Content::Bytes(bytes),
        }
    }
}

/// A record that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Where it is.
    pub place: Place,
    /// What is wrong with it.
    pub reason: String,
    /// The record itself where it stands on a line; bytes that are no UTF-8 are replaced.
    pub record: Option<String>,
}

/// Documents read from files, in order: the paths as given, files of a directory sorted by path, lines
/// as they stand.
#[derive(Debug)]
pub struct Corpus {
    inputs: Vec<Input>,
    documents: Vec<TextDocument>,
    ids: Vec<String>,
    fields: Vec<FieldValue>,
    /// A hash of each document's record, to see that a file did not change between two readings.
    records: Vec<u64>,
    /// For each input, the documents read once it was read.
    ends: Vec<usize>,
    /// Input and line of each rejected record.
    rejected_at: HashSet<(usize, Option<u64>)>,
    rejections: Vec<Rejection>,
    hidden: usize,
}

impl Corpus {
    /// Reads the files of `paths`, see [`Sources::find`].
    ///
    /// A document's id is its record's id field; for a file in a directory the path below it (with the
    /// directory in front where several paths are given); for another file its path as given; else
    /// `file:line`.
    ///
    /// # Errors
    /// Where the files cannot be found. With [`OnBad::Fail`] also at the first file that cannot be read, and
    /// the first record that is no UTF-8, no JSON object, lacks a field or has one of the wrong kind, or
    /// has the id of an earlier one. The error names file and line.
    pub fn read<P: AsRef<Path>>(paths: &[P], options: &ReadOptions) -> Result<Self, Error> {
        Self::read_sources(Sources::find(paths)?, options, None)
    }

    /// As [`read`](Self::read), from files already found, telling `watch` how far it is. A `Break` ends it
    /// with an error.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_sources(
        mut sources: Sources,
        options: &ReadOptions,
        watch: Option<&dyn Watch>,
    ) -> Result<Self, Error> {
        for input in &mut sources.inputs {
            input.spool()?;
        }
        let size: u64 = sources.inputs.iter().map(|input| input.size).sum();
        let files = sources.inputs.len();
        let mut reading = Reading {
            options,
            ticker: Ticker::new(watch, Stage::Read, size as usize),
            corpus: Self {
                inputs: sources.inputs,
                documents: Vec::new(),
                ids: Vec::new(),
                fields: Vec::new(),
                records: Vec::new(),
                ends: Vec::new(),
                rejected_at: HashSet::new(),
                rejections: Vec::new(),
                hidden: sources.hidden,
            },
            seen: HashMap::new(),
            places: Vec::new(),
        };
        for number in 0..files {
            reading.read(number)?;
            reading.corpus.ends.push(reading.corpus.documents.len());
        }
        Ok(reading.corpus)
    }

    /// The documents.
    pub fn documents(&self) -> &[TextDocument] {
        &self.documents
    }

    /// The id of each document.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// A document's value of [`ReadOptions::keep_field`]; none where no field was asked for.
    pub fn field(&self, document: usize) -> Option<&FieldValue> {
        self.fields.get(document)
    }

    /// Records that could not be used.
    pub fn rejections(&self) -> &[Rejection] {
        &self.rejections
    }

    /// Hidden files and directories that were passed over.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// Bytes of all documents' texts.
    pub fn text_bytes(&self) -> u64 {
        let length = |document: &TextDocument| document.content().len() as u64;
        self.documents.iter().map(length).sum()
    }

    /// Reads the inputs once more and copies every document's record, byte for byte, to the sink that
    /// `choose` names for it.
    ///
    /// # Errors
    /// Where a file cannot be read or written, or has changed since it was first read; where `watch` breaks.
    pub fn copy_records<'s>(
        &self,
        watch: Option<&dyn Watch>,
        mut choose: impl FnMut(usize) -> Option<&'s RecordSink>,
    ) -> Result<(), Error> {
        let ticker = Ticker::new(watch, Stage::Write, self.documents.len());
        let mut document = 0;
        for (number, input) in self.inputs.iter().enumerate() {
            let copy = |record: RawRecord<'_>| -> Result<(), Stop> {
                if self.rejected_at.contains(&(number, record.line)) {
                    return Ok(());
                }
                if self.records.get(document) != Some(&xxh3_64(record.bytes)) {
                    return Err(Stop::Fatal(changed(input)));
                }
                if let Some(sink) = choose(document) {
                    sink.write(&input.below, record.bytes)
                        .map_err(Stop::Fatal)?;
                }
                document += 1;
                ticker.tick(1).map_err(|error| Stop::Fatal(error.into()))
            };
            match for_each_record(input, &Count::default(), copy) {
                Ok(()) => {}
                // The first reading stopped here as well.
                Err((line, Stop::Io(_))) if self.rejected_at.contains(&(number, line)) => {}
                Err((_, Stop::Io(error))) => return Err(Error::io("read", &input.path, error)),
                Err((_, Stop::Fatal(error))) => return Err(error),
            }
            if document != self.ends[number] {
                return Err(changed(input));
            }
        }
        Ok(())
    }
}

fn changed(input: &Input) -> Error {
    Error::bad(input.place(None), "changed while it was in work")
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

struct Reading<'r> {
    options: &'r ReadOptions,
    ticker: Ticker<'r>,
    corpus: Corpus,
    /// The document of each id, by its hash of 128 bits.
    seen: HashMap<u128, usize>,
    /// Where each document is: input and line.
    places: Vec<(usize, Option<u64>)>,
}

impl Reading<'_> {
    fn read(&mut self, number: usize) -> Result<(), Error> {
        let inputs = std::mem::take(&mut self.corpus.inputs);
        let input = &inputs[number];
        let bytes = Count::default();
        let outcome = for_each_record(input, &bytes, |record| {
            let taken = self.ticker.tick(bytes.take());
            taken.map_err(|error| Stop::Fatal(error.into()))?;
            let at = (number, record.line);
            self.take(&inputs, at, record.bytes).or_else(|reason| {
                let record = record
                    .line
                    .map(|_| String::from_utf8_lossy(record.bytes).into());
                self.reject(input, at, reason, record).map_err(Stop::Fatal)
            })
        });
        let outcome = match outcome {
            Ok(()) => Ok(()),
            Err((_, Stop::Fatal(error))) => Err(error),
            Err((line, Stop::Io(error))) => {
                let reason = match &input.problem {
                    Some(problem) => problem.clone(),
                    None => format!("cannot be read: {error}"),
                };
                self.reject(input, (number, line), reason, None)
            }
        };
        self.corpus.inputs = inputs;
        outcome
    }

    /// Takes a record as a document, or says what is wrong with it.
    fn take(
        &mut self,
        inputs: &[Input],
        at: (usize, Option<u64>),
        record: &[u8],
    ) -> Result<(), String> {
        let input = &inputs[at.0];
        let (document, id, field) = match input.format {
            Format::Text => (self.text(record)?, input.name(), None),
            Format::JsonLines(_) => {
                let line = std::str::from_utf8(record).map_err(|error| not_utf8(&error))?;
                let picked = self.options.fields.pick(line)?;
                let id = picked
                    .id
                    .unwrap_or_else(|| format!("{}:{}", input.name(), at.1.unwrap_or(0)));
                let text = TextDocument::Text(picked.text.into_owned());
                (text, id, picked.keep)
            }
        };
        let key = xxh3_128(id.as_bytes());
        if let Some(&first) = self.seen.get(&key) {
            let (number, line) = self.places[first];
            let first = inputs[number].place(line);
            return Err(format!("id `{}` was used before, at {first}", Escaped(&id)));
        }
        if self.options.fields.keep.is_some() && field.is_none() {
            return Err("a text file has no fields to choose by".to_owned());
        }
        self.seen.insert(key, self.corpus.ids.len());
        self.places.push(at);
        self.corpus.ids.push(id);
        self.corpus.documents.push(document);
        self.corpus.fields.extend(field);
        self.corpus.records.push(xxh3_64(record));
        Ok(())
    }

    fn text(&self, bytes: &[u8]) -> Result<TextDocument, String> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(TextDocument::Text(text.to_owned())),
            Err(_) if self.options.bytes => Ok(TextDocument::Bytes(bytes.to_owned())),
            Err(error) => Err(not_utf8(&error)),
        }
    }

    fn reject(
        &mut self,
        input: &Input,
        at: (usize, Option<u64>),
        reason: String,
        record: Option<String>,
    ) -> Result<(), Error> {
        let place = input.place(at.1);
        if self.options.on_bad == OnBad::Fail {
            return Err(Error::bad(place, reason));
        }
        self.corpus.rejected_at.insert(at);
        self.corpus.rejections.push(Rejection {
            place,
            reason,
            record,
        });
        Ok(())
    }
}

impl Input {
    fn place(&self, line: Option<u64>) -> Place {
        Place {
            file: escaped_bytes(self.path.as_os_str()),
            line,
        }
    }
}

fn not_utf8(error: &std::str::Utf8Error) -> String {
    format!("not UTF-8 (byte {})", error.valid_up_to())
}
