//! Reads files, and takes or rejects their records in order.

use rayon::prelude::*;

use crate::corpus::error::{Error, Place};
use crate::corpus::escape::escaped_bytes;
use crate::corpus::ids::advice;
use crate::corpus::inputs::input::Input;
use crate::corpus::keep::policy::KeepBy;
use crate::corpus::keep::value::FieldValue;
use crate::corpus::limit::BEGINNING;
use crate::corpus::reading::parse::{
    Of, ParsedBlock, Parser, Part, Producer, RoundWeight, Spare, Taken, Unfit,
};
use crate::corpus::unusable::OnBad;
use crate::corpus::unusable::Unusable;
use crate::digest::{Digests, Workspace};
use crate::pool::Pool;
use crate::watch::Ticker;

/// A rejected record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The place of the record.
    pub place: Place,
    /// Why it was rejected.
    pub reason: String,
    /// The record itself, if it has a line; bytes that are not UTF-8 are replaced. If the record is too long, its
    /// beginning and `…`.
    pub record: Option<String>,
    /// Whether the file could not be read on: all records from here to its end are missing, and not counted.
    pub ends_file: bool,
}

/// The place of a record: its input, and its line or row if it has one.
pub(crate) type At = (usize, Option<u64>);

/// Receives the records that are read, in order.
pub(crate) trait Sink {
    /// Takes a document with its id, or returns the reason to reject it.
    fn take(
        &mut self,
        inputs: &[Input],
        at: At,
        id: String,
        taken: Taken,
    ) -> Result<Option<String>, Error>;

    /// Takes the digests of those documents that are `kept`, and clears `digests`.
    fn take_digests(&mut self, digests: &mut Digests, kept: &[bool]) -> Result<(), Error>;

    /// Called for a bad record if reading continues.
    fn reject(&mut self, at: At, rejection: Rejection) -> Result<(), Error>;

    /// Called at the end of each input.
    fn end_input(&mut self) -> Result<(), Error>;
}

/// Reads the inputs in rounds. While the blocks of a round are parsed in parallel, the documents of the round before
/// are taken in order, and the next round is read.
pub(crate) struct Reading<'r, S> {
    pub(crate) inputs: &'r [Input],
    pub(crate) parser: Parser<'r>,
    pub(crate) ticker: Ticker<'r>,
    pub(crate) sink: &'r mut S,
    /// The limit on the memory of a round, if there is one.
    weight: Option<RoundWeight>,
    /// The number of lines of the current input before the next block.
    lines: u64,
    /// The number of records taken.
    taken: u64,
    /// Whether one of them has the field of the keep policy.
    has_field: bool,
    /// The fields of the text that some of them have, as bits.
    text_fields: u64,
}

impl<'r, S: Sink + Send> Reading<'r, S> {
    pub(crate) fn new(
        inputs: &'r [Input],
        parser: Parser<'r>,
        ticker: Ticker<'r>,
        sink: &'r mut S,
    ) -> Self {
        Self {
            inputs,
            parser,
            ticker,
            sink,
            weight: None,
            lines: 0,
            taken: 0,
            has_field: false,
            text_fields: 0,
        }
    }

    /// Limits the memory of a round.
    pub(crate) fn rounds_of(self, weight: RoundWeight) -> Self {
        Self {
            weight: Some(weight),
            ..self
        }
    }

    pub(crate) fn run(mut self) -> Result<(), Error> {
        let (inputs, parser) = (self.inputs, self.parser);
        parser.options.fields.check()?;
        let mut producer = Producer::new(inputs, parser.options, parser.limit.of_reading());
        if let Some(weight) = self.weight {
            producer = producer.rounds_of(weight);
        }
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
                    if let Some(spare) = self.take(part)? {
                        producer.take_back(spare);
                    }
                }
                Ok::<_, Error>(producer.round())
            };
            let (next, now) = rayon::join(take, parse);
            (read, parsed) = (next?, now);
        }
        self.check_fields()
    }

    /// Takes a parsed part of an input, and returns its memory.
    fn take(&mut self, part: Of<ParsedBlock>) -> Result<Option<Spare>, Error> {
        let Of {
            input: number,
            bytes,
            part,
        } = part;
        let input = &self.inputs[number];
        self.ticker.tick(bytes)?;
        match part {
            Part::Block(block) => return self.take_block(number, block).map(Some),
            Part::Failed { error, opened } => {
                let reason = Unusable::reason(&error);
                let in_line = opened && input.format.has_lines();
                let line = in_line.then_some(self.lines + 1);
                self.reject((number, line), reason, None, true)?;
            }
            Part::End => {}
        }
        self.lines = 0;
        self.sink.end_input()?;
        Ok(None)
    }

    fn take_block(&mut self, number: usize, mut block: ParsedBlock) -> Result<Spare, Error> {
        let mut kept = Vec::with_capacity(block.records.len());
        for record in block.records {
            let at = (number, record.line.map(|line| self.lines + line));
            let refused = match record.outcome {
                Ok(mut taken) => {
                    self.has_field |= !matches!(taken.keep.value, FieldValue::Nothing);
                    self.text_fields |= taken.text_fields;
                    self.taken += 1;
                    let by_file = self.parser.options.fields.ids_by_file;
                    let id = self.inputs[number].id(at.1, taken.id.take(), by_file);
                    let refused = self.sink.take(self.inputs, at, id, taken)?;
                    kept.push(refused.is_none());
                    refused.map(|reason| self.with_advice(reason).into())
                }
                Err(unfit) => Some(unfit),
            };
            if let Some(Unfit {
                reason,
                is_too_long,
            }) = refused
            {
                let text = |_| {
                    if !is_too_long {
                        return block.block.text_at(record.offset, record.len);
                    }
                    let len = record.len.min(BEGINNING);
                    let beginning = block.block.text_at(record.offset, len)?;
                    // The last character may be incomplete.
                    Some(beginning.trim_end_matches('\u{FFFD}').to_owned() + "…")
                };
                self.reject(at, reason, at.1.and_then(text), false)?;
            }
        }
        self.lines += block.lines;
        if let Some(digests) = &mut block.digests {
            self.sink.take_digests(digests, &kept)?;
        }
        Ok((block.block.into_memory(), block.digests))
    }

    /// The reason to reject a record with a repeated id, with advice if it ends the run.
    fn with_advice(&self, used_before: String) -> String {
        match self.parser.options.on_bad {
            OnBad::Fail => {
                let by_file = self.parser.options.fields.ids_by_file;
                format!("{used_before}; {}", advice(by_file))
            }
            OnBad::Skip => used_before,
        }
    }

    /// Fails if no record has the field of the keep policy, or one of the text: its name is probably misspelt.
    fn check_fields(&self) -> Result<(), Error> {
        let fields = &self.parser.options.fields;
        let by = fields.keep().by();
        match by {
            KeepBy::Max(field) | KeepBy::Min(field) if self.taken > 0 && !self.has_field => {
                Err(Error::refused(format!(
                    "keep `{by}`: no record has a field `{field}`: check its name"
                )))
            }
            _ => fields.check_seen(self.text_fields),
        }
    }

    fn reject(
        &mut self,
        at: At,
        reason: String,
        record: Option<String>,
        ends_file: bool,
    ) -> Result<(), Error> {
        let place = self.inputs[at.0].place(at.1);
        if self.parser.options.on_bad == OnBad::Fail {
            return Err(Error::bad(place, reason));
        }
        let rejection = Rejection {
            place,
            reason,
            record,
            ends_file,
        };
        self.sink.reject(at, rejection)
    }
}

impl Input {
    pub(crate) fn place(&self, line: Option<u64>) -> Place {
        Place {
            file: escaped_bytes(self.path.as_os_str()),
            line,
        }
    }
}
