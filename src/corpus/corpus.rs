//! Documents read from files.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use crate::aside::Counter;
use crate::cluster::Removal;
use crate::corpus::error::Error;
use crate::corpus::formats::fields::Fields;
use crate::corpus::formats::record::CHANGED;
use crate::corpus::formats::record::RawRecord;
use crate::corpus::indexed::Indexed;
use crate::corpus::inputs::input::Input;
use crate::corpus::inputs::sources::Sources;
use crate::corpus::keep::column::KeepColumn;
use crate::corpus::keep::reason::KeepReason;
use crate::corpus::limit::{ReadLimit, RecordLimit};
use crate::corpus::options::ReadOptions;
use crate::corpus::outputs::copy::{Route, Target, copy_all};
use crate::corpus::outputs::sink::RecordSink;
use crate::corpus::reading::document::TextDocument;
use crate::corpus::reading::parse::{Parser, Taken};
use crate::corpus::reading::read::{At, Reading, Rejection, Sink};
use crate::digest::{Digester, Digests};
use crate::text::Document;
use crate::watch::{Stage, Ticker, Watch};

/// Documents read from files, in order: paths in the given order, files of a directory or pattern sorted by path, lines
/// and rows in the order of the file.
#[derive(Debug, Default)]
pub struct Corpus {
    inputs: Vec<Input>,
    documents: Vec<TextDocument>,
    ids: Vec<String>,
    keep: KeepColumn,
    /// For each input, the number of documents in it and all inputs before it.
    ends: Vec<usize>,
    /// The fields that were read.
    taken: Fields,
    /// The limit within which the inputs were read.
    limit: ReadLimit,
    /// Input and line of each rejected record.
    rejected_at: HashSet<At>,
    rejections: Vec<Rejection>,
    hidden: usize,
}

impl Corpus {
    /// Reads the files of `paths`, see [`Sources::find`], in parallel on the current rayon pool.
    ///
    /// The id of a document is the id field of its record, or `file:line` if the record has none (`file:row` in Parquet
    /// files). With [`ids_by_file`](ReadOptions::ids_by_file) it is `file:id`. The id of a text file is its path: for a file in a directory the path below it (including the directory,
    /// if several paths or a pattern are given), otherwise the path as given.
    ///
    /// # Errors
    /// If the files cannot be found. With [`OnBad::Fail`](crate::corpus::OnBad::Fail) also at the first file that
    /// cannot be read, or the first bad record: one that is not UTF-8 or not a JSON object, lacks a field, has a field
    /// of the wrong type, or has the id of an earlier record. The error names file and line. A Parquet file that lacks
    /// a column, or has one of the wrong type, is not read at all.
    pub fn read<P: AsRef<Path>>(paths: &[P], options: &ReadOptions) -> Result<Self, Error> {
        Self::read_sources(Sources::find(paths)?, options, None)
    }

    /// Like [`read`](Self::read), from files that are already found. `watch` gets reports on the progress; a `Break`
    /// ends reading with an error.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn read_sources(
        sources: Sources,
        options: &ReadOptions,
        watch: Option<&dyn Watch>,
    ) -> Result<Self, Error> {
        let indexed = Indexed::default();
        let (corpus, _) = Gathering::run(sources, options, (None, None), &indexed, watch)?;
        Ok(corpus)
    }

    /// Like [`read_sources`](Self::read_sources), and computes the digests of the documents while each is in memory. A
    /// record with an id of `indexed` is bad.
    pub(crate) fn digest_new(
        sources: Sources,
        options: &ReadOptions,
        digester: &Digester,
        indexed: &Indexed,
        watch: Option<&dyn Watch>,
    ) -> Result<(Self, Digests), Error> {
        let (mut corpus, digests) =
            Gathering::run(sources, options, (Some(digester), None), indexed, watch)?;
        corpus.keep.indexed_from_here(corpus.documents.len());
        Ok((corpus, digests.unwrap_or_else(|| digester.empty())))
    }

    /// Like [`digest_new`](Self::digest_new), but counts the passages of the documents instead.
    pub(crate) fn count_new(
        sources: Sources,
        options: &ReadOptions,
        counter: &Counter,
        indexed: &Indexed,
        watch: Option<&dyn Watch>,
    ) -> Result<Self, Error> {
        let (mut corpus, _) =
            Gathering::run(sources, options, (None, Some(counter)), indexed, watch)?;
        corpus.keep.indexed_from_here(corpus.documents.len());
        Ok(corpus)
    }

    /// Sets the number of distinct shingles of each document, for a policy that compares them.
    pub(crate) fn set_sizes(&self, sizes: Vec<u32>) {
        self.keep.set_sizes(sizes);
    }

    /// The documents.
    pub fn documents(&self) -> &[TextDocument] {
        &self.documents
    }

    /// The id of each document.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// The order of [`ReadOptions::keep`], for [`Run::keep_by`](crate::Run::keep_by): the lesser of two documents is
    /// kept.
    pub fn keep_order(&self) -> impl Fn(usize, usize) -> Ordering + Sync {
        |a, b| self.keep.compare(a, b)
    }

    /// Why this document is removed and the other is kept, by [`keep_order`](Self::keep_order).
    pub fn keep_reason(&self, removal: &Removal) -> KeepReason<'_> {
        self.keep.reason(removal.kept, removal.document)
    }

    /// The rejected records.
    pub fn rejections(&self) -> &[Rejection] {
        &self.rejections
    }

    /// The number of hidden files and directories that were skipped.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// The number of bytes in all texts.
    pub fn text_bytes(&self) -> u64 {
        self.documents
            .iter()
            .map(|document| document.byte_len() as u64)
            .sum()
    }

    /// Reads the inputs once more and copies every document's record to the sink that `choose` returns: lines and files
    /// byte for byte, rows with all their columns.
    ///
    /// # Errors
    /// If a file cannot be read or written, or has changed since it was first read, if `watch` breaks, or if a sink is
    /// [annotated](crate::corpus::Outputs::annotate).
    pub fn copy_records<'s>(
        &self,
        watch: Option<&dyn Watch>,
        mut choose: impl FnMut(usize) -> Option<&'s RecordSink>,
    ) -> Result<(), Error> {
        self.copy_to(watch, |document| {
            let sink = choose(document)?;
            Some(Target { sink, facts: None })
        })
    }

    /// Like [`copy_records`](Self::copy_records), with what is added to each record.
    pub(crate) fn copy_to<'s>(
        &self,
        watch: Option<&dyn Watch>,
        choose: impl FnMut(usize) -> Option<Target<'s>>,
    ) -> Result<(), Error> {
        let again = Again {
            corpus: self,
            number: 0,
            document: 0,
            choose,
            ticker: Ticker::new(watch, Stage::Write, self.documents.len()),
        };
        copy_all(&self.inputs, &self.taken, self.limit, again)
    }
}

/// Chooses the targets of records that are read again.
struct Again<'c, Choose> {
    corpus: &'c Corpus,
    /// The input, and the next document.
    number: usize,
    document: usize,
    choose: Choose,
    ticker: Ticker<'c>,
}

impl<Choose> Again<'_, Choose> {
    fn changed(&self) -> Error {
        Error::bad(self.corpus.inputs[self.number].place(None), CHANGED)
    }
}

impl<'s, Choose: FnMut(usize) -> Option<Target<'s>>> Route<'s> for Again<'_, Choose> {
    fn next(&mut self, _: &Input, record: &RawRecord<'_>) -> Result<Option<Target<'s>>, Error> {
        if self.stopped(record.line) {
            return Ok(None);
        }
        let read = self.corpus.documents.get(self.document);
        if read.is_none_or(|document| !document.is_of(record.bytes)) {
            return Err(self.changed());
        }
        self.ticker.tick(1)?;
        self.document += 1;
        Ok((self.choose)(self.document - 1))
    }

    fn stopped(&mut self, line: Option<u64>) -> bool {
        self.corpus.rejected_at.contains(&(self.number, line))
    }

    fn end_input(&mut self) -> Result<(), Error> {
        if self.document != self.corpus.ends[self.number] {
            return Err(self.changed());
        }
        self.number += 1;
        Ok(())
    }
}

/// Collects documents into a corpus.
struct Gathering<'i> {
    corpus: Corpus,
    indexed: &'i Indexed,
    digests: Option<Digests>,
    /// The document of each id, by a 128-bit hash of the id.
    seen: HashMap<u128, usize>,
    places: Vec<At>,
}

impl<'i> Gathering<'i> {
    fn run(
        mut sources: Sources,
        options: &ReadOptions,
        (digester, counter): (Option<&Digester>, Option<&Counter>),
        indexed: &'i Indexed,
        watch: Option<&dyn Watch>,
    ) -> Result<(Corpus, Option<Digests>), Error> {
        sources.spool(watch)?;
        let ticker = Ticker::new(watch, Stage::Read, sources.size() as usize);
        let limit = RecordLimit::unbounded(options.max_record, options.on_bad);
        let parser = Parser {
            options,
            digester,
            counter,
            look: None,
            hold: true,
            limit,
        };
        let mut gathering = Self {
            corpus: Corpus {
                hidden: sources.hidden,
                limit: limit.of_reading(),
                keep: KeepColumn::new(options.fields.keep().clone()),
                ..Corpus::default()
            },
            indexed,
            digests: digester.map(Digester::empty),
            seen: HashMap::new(),
            places: Vec::new(),
        };
        Reading::new(&sources.inputs, parser, ticker, &mut gathering).run()?;
        gathering.corpus.inputs = sources.inputs;
        gathering.corpus.taken = options.fields.clone();
        Ok((gathering.corpus, gathering.digests))
    }
}

impl Sink for Gathering<'_> {
    /// Takes a document unless its id is already used.
    fn take(
        &mut self,
        inputs: &[Input],
        at: At,
        id: String,
        taken: Taken,
    ) -> Result<Option<String>, Error> {
        let key = xxh3_128(id.as_bytes());
        if let Some(&first) = self.seen.get(&key) {
            let (number, line) = self.places[first];
            let first = inputs[number].place(line);
            return Ok(Some(inputs[at.0].used_before(at.1, &id, &first)));
        }
        if let Some(used) = self.indexed.find(&id) {
            return Ok(Some(used));
        }
        self.seen.insert(key, self.corpus.ids.len());
        self.places.push(at);
        self.corpus.ids.push(id);
        self.corpus.documents.extend(taken.document);
        self.corpus.keep.push(&taken.keep);
        Ok(None)
    }

    fn take_digests(&mut self, digests: &mut Digests, kept: &[bool]) -> Result<(), Error> {
        if let Some(all) = &mut self.digests {
            all.append(digests, kept);
        }
        Ok(())
    }

    fn reject(&mut self, at: At, rejection: Rejection) -> Result<(), Error> {
        self.corpus.rejected_at.insert(at);
        self.corpus.rejections.push(rejection);
        Ok(())
    }

    fn end_input(&mut self) -> Result<(), Error> {
        self.corpus.ends.push(self.corpus.documents.len());
        Ok(())
    }
}
