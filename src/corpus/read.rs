//! Files to documents.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use super::document::{CHANGED, TextDocument};
use super::error::{Error, Place};
use super::escape::{Escaped, escaped_bytes};
use super::input::{Format, Input, Sources};
use super::json::FieldValue;
use super::options::{OnBad, ReadOptions};
use super::output::RecordSink;
use super::parse::{Of, ParsedBlock, Parser, Part, Producer, Spare, Taken};
use super::records::{BLOCK, RawRecord, for_each_record};
use crate::digest::{Digester, Digests, Workspace};
use crate::pool::Pool;
use crate::text::Document;
use crate::watch::{Stage, Ticker, Watch};

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
#[derive(Debug, Default)]
pub struct Corpus {
    inputs: Vec<Input>,
    documents: Vec<TextDocument>,
    ids: Vec<String>,
    fields: Vec<FieldValue>,
    /// For each input, the documents read once it was read.
    ends: Vec<usize>,
    /// Input and line of each rejected record.
    rejected_at: HashSet<(usize, Option<u64>)>,
    rejections: Vec<Rejection>,
    hidden: usize,
}

impl Corpus {
    /// Reads the files of `paths`, see [`Sources::find`], in parallel on the current rayon pool.
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
        sources: Sources,
        options: &ReadOptions,
        watch: Option<&dyn Watch>,
    ) -> Result<Self, Error> {
        let (corpus, _) = Reading::new(sources, options, None, watch)?.run()?;
        Ok(corpus)
    }

    /// As [`read_sources`](Self::read_sources), and makes each document's digest while it is at hand, so that
    /// files need be read and parsed once: what [`Deduper::batch_of`](crate::Deduper::batch_of) takes.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn digest_sources(
        sources: Sources,
        options: &ReadOptions,
        digester: &Digester,
        watch: Option<&dyn Watch>,
    ) -> Result<(Self, Digests), Error> {
        let (corpus, digests) = Reading::new(sources, options, Some(digester), watch)?.run()?;
        Ok((corpus, digests.unwrap_or_else(|| digester.empty())))
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
        self.documents
            .iter()
            .map(|document| document.byte_len() as u64)
            .sum()
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
                let read = self.documents.get(document);
                if read.is_none_or(|document| !document.is_of(record.bytes)) {
                    return Err(Stop::Fatal(changed(input)));
                }
                if let Some(sink) = choose(document) {
                    sink.write(&input.below, record.bytes)
                        .map_err(Stop::Fatal)?;
                }
                document += 1;
                ticker.tick(1).map_err(|error| Stop::Fatal(error.into()))
            };
            match for_each_record(input, copy) {
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
    Error::bad(input.place(None), CHANGED)
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

/// Reading goes in rounds: while the blocks of one are parsed in parallel, the documents of the last are taken
/// in order, and the next is read.
struct Reading<'r> {
    ticker: Ticker<'r>,
    on_bad: OnBad,
    parser: Parser<'r>,
    corpus: Corpus,
    digests: Option<Digests>,
    /// The document of each id, by its hash of 128 bits.
    seen: HashMap<u128, usize>,
    /// Where each document is: input and line.
    places: Vec<(usize, Option<u64>)>,
    /// Lines of the input in work that were passed.
    lines: u64,
}

impl<'r> Reading<'r> {
    fn new(
        mut sources: Sources,
        options: &'r ReadOptions,
        digester: Option<&'r Digester>,
        watch: Option<&'r dyn Watch>,
    ) -> Result<Self, Error> {
        for input in &mut sources.inputs {
            input.spool()?;
        }
        let size: u64 = sources.inputs.iter().map(|input| input.size).sum();
        Ok(Self {
            ticker: Ticker::new(watch, Stage::Read, size as usize),
            on_bad: options.on_bad,
            parser: Parser { options, digester },
            corpus: Corpus {
                inputs: sources.inputs,
                hidden: sources.hidden,
                ..Corpus::default()
            },
            digests: digester.map(Digester::empty),
            seen: HashMap::new(),
            places: Vec::new(),
            lines: 0,
        })
    }

    /// The corpus, and the digests of its documents where they are asked for.
    fn run(mut self) -> Result<(Corpus, Option<Digests>), Error> {
        let inputs = std::mem::take(&mut self.corpus.inputs);
        let parser = self.parser;
        let mut producer = Producer::new(&inputs, parser.options);
        let spaces: Pool<Workspace> = Pool::default();
        let mut read = producer.round();
        let mut parsed: Vec<Of<ParsedBlock>> = Vec::new();
        while !(read.is_empty() && parsed.is_empty()) {
            let parse = || {
                read.into_par_iter()
                    .with_max_len(1)
                    .map(|part| parser.parse(part, &mut spaces.lend()))
                    .collect()
            };
            let take = || {
                for part in parsed {
                    let spare = self.take(&inputs, part)?;
                    // A line that is out of all proportion should not be paid for to the end.
                    producer
                        .spare
                        .extend(spare.filter(|(memory, _)| memory.len() <= 4 * BLOCK));
                }
                Ok::<_, Error>(producer.round())
            };
            let (next, now) = rayon::join(take, parse);
            (read, parsed) = (next?, now);
        }
        self.corpus.inputs = inputs;
        Ok((self.corpus, self.digests))
    }

    /// Takes what was parsed of an input, and gives memory back.
    fn take(&mut self, inputs: &[Input], part: Of<ParsedBlock>) -> Result<Option<Spare>, Error> {
        let Of {
            input: number,
            bytes,
            part,
        } = part;
        let input = &inputs[number];
        self.ticker.tick(bytes)?;
        match part {
            Part::Block(block) => return self.take_block(inputs, number, block).map(Some),
            Part::Failed { error, opened } => {
                let reason = match &input.problem {
                    Some(problem) => problem.clone(),
                    None => format!("cannot be read: {error}"),
                };
                let in_line = opened && input.format != Format::Text;
                let line = in_line.then_some(self.lines + 1);
                self.reject(input, (number, line), reason, None)?;
            }
            Part::End => {}
        }
        self.lines = 0;
        self.corpus.ends.push(self.corpus.documents.len());
        Ok(None)
    }

    fn take_block(
        &mut self,
        inputs: &[Input],
        number: usize,
        mut block: ParsedBlock,
    ) -> Result<Spare, Error> {
        let mut kept = Vec::with_capacity(block.records.len());
        for record in block.records {
            let at = (number, record.line.map(|line| self.lines + line));
            let outcome = match record.outcome {
                Ok(taken) => {
                    let taken = self.take_document(inputs, at, taken);
                    kept.push(taken.is_ok());
                    taken
                }
                Err(reason) => Err(reason),
            };
            if let Err(reason) = outcome {
                let told = || block.block.told(record.offset, record.len);
                self.reject(&inputs[number], at, reason, at.1.map(|_| told()))?;
            }
        }
        self.lines += block.lines;
        if let (Some(all), Some(digests)) = (&mut self.digests, &mut block.digests) {
            all.append(digests, &kept);
        }
        Ok((block.block.into_memory(), block.digests))
    }

    /// Takes a document unless its id has been used.
    fn take_document(
        &mut self,
        inputs: &[Input],
        at: (usize, Option<u64>),
        taken: Taken,
    ) -> Result<(), String> {
        let name = || match at.1 {
            Some(line) => format!("{}:{line}", inputs[at.0].name()),
            None => inputs[at.0].name(),
        };
        let id = taken.id.unwrap_or_else(name);
        let key = xxh3_128(id.as_bytes());
        if let Some(&first) = self.seen.get(&key) {
            let (number, line) = self.places[first];
            let first = inputs[number].place(line);
            return Err(format!("id `{}` was used before, at {first}", Escaped(&id)));
        }
        self.seen.insert(key, self.corpus.ids.len());
        self.places.push(at);
        self.corpus.ids.push(id);
        self.corpus.documents.push(taken.document);
        self.corpus.fields.extend(taken.field);
        Ok(())
    }

    fn reject(
        &mut self,
        input: &Input,
        at: (usize, Option<u64>),
        reason: String,
        record: Option<String>,
    ) -> Result<(), Error> {
        let place = input.place(at.1);
        if self.on_bad == OnBad::Fail {
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
