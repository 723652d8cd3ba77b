//! Reads the records of documents in rounds. While the records of a round are processed in parallel, the results of the
//! round before are taken in order, and the next round is read.

use std::io;
use std::ops::Range;

use rayon::prelude::*;

use crate::aside::Share;
use crate::corpus::error::Error;
use crate::corpus::job::disk::folder::{Bytes as _, extend};
use crate::corpus::job::disk::partition::{PartReader, Partitions};
use crate::weights::WeightedSet;

/// Complete records of a part.
#[derive(Debug, Default)]
pub(crate) struct Round {
    bytes: Vec<u8>,
    /// The end of each record.
    ends: Vec<usize>,
}

/// A record in its written form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'b> {
    pub(crate) document: u32,
    pub(crate) id: &'b [u8],
    /// The values that the keep policy compares.
    pub(crate) keep: &'b [u8],
    pub(crate) aside: Share,
    /// The shingle set; empty if the document is a copy.
    pub(crate) set: &'b [[u8; 8]],
    /// With weights, the number of sets that have each shingle; empty before they are counted.
    pub(crate) frequencies: &'b [[u8; 4]],
    /// The complete record.
    pub(crate) bytes: &'b [u8],
}

impl<'b> Written<'b> {
    /// The first record of these bytes; `None` if they do not contain all of it.
    pub(crate) fn first_of(bytes: &'b [u8]) -> Option<Self> {
        let mut rest = bytes;
        let document = u32::from_le_bytes(array(&mut rest)?);
        let first = u32::from_le_bytes(array(&mut rest)?);
        let id = counted(&mut rest, 1)?;
        let keep = counted(&mut rest, 1)?;
        let aside = Share::of_bytes(array(&mut rest)?);
        let mut of_first = |size| match first == document {
            true => counted(&mut rest, size),
            false => Some(&[][..]),
        };
        let (set, frequencies) = (of_first(8)?, of_first(4)?);
        Some(Self {
            document,
            id,
            keep,
            aside,
            set: set.as_chunks().0,
            frequencies: frequencies.as_chunks().0,
            bytes: &bytes[..bytes.len() - rest.len()],
        })
    }

    /// Writes the record again, with these frequencies instead of none.
    pub(crate) fn write_with(
        &self,
        frequencies: impl ExactSizeIterator<Item = u32>,
        to: &mut Vec<u8>,
    ) {
        if self.set.is_empty() {
            return to.extend_from_slice(self.bytes);
        }
        let (before, _) = self.bytes.split_at(self.bytes.len() - 4);
        to.extend_from_slice(before);
        to.extend_from_slice(&(self.set.len() as u32).to_le_bytes());
        extend(to, frequencies.map(u32::to_le_bytes));
    }

    /// Its set, with weights for a collection of `sets` distinct sets.
    pub(crate) fn weighted(&self, sets: u64) -> WeightedSet {
        let frequencies = self.frequencies.iter().map(|&of| u32::from_le_bytes(of));
        WeightedSet::new(frequencies.zip(self.hashes()), sets, &mut Vec::new())
    }

    /// The hashes of its set, ascending.
    pub(crate) fn hashes(&self) -> impl ExactSizeIterator<Item = u64> + use<'b> {
        self.set.iter().map(|&hash| u64::from_le_bytes(hash))
    }
}

fn array<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (array, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*array)
}

/// Reads a number, then that many items of `size` bytes.
fn counted<'b>(from: &mut &'b [u8], size: usize) -> Option<&'b [u8]> {
    let many = u32::from_le_bytes(array(from)?) as usize;
    let (bytes, rest) = from.split_at_checked(size * many)?;
    *from = rest;
    Some(bytes)
}

impl Round {
    /// The records at these positions.
    fn records_at(&self, places: Range<usize>) -> impl Iterator<Item = Written<'_>> {
        places.map_while(|place| {
            let from = place.checked_sub(1).map_or(0, |before| self.ends[before]);
            Written::first_of(&self.bytes[from..])
        })
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Written<'_>> {
        self.records_at(0..self.ends.len())
    }

    /// Calls `work` in parallel on chunks of consecutive records. Returns the results in order.
    pub(crate) fn in_parallel<'r, M: Send>(
        &'r self,
        work: impl Fn(&mut dyn Iterator<Item = Written<'r>>) -> M + Sync,
    ) -> Vec<M> {
        // Chunks have equal numbers of bytes instead of records, since records may have very different sizes.
        let all = self.bytes.len();
        let chunks = 4 * rayon::current_num_threads();
        let place = |chunk| {
            self.ends
                .partition_point(|&end| end <= all / chunks * chunk)
        };
        let ranges: Vec<_> = (0..chunks)
            .map(|chunk| match chunk + 1 == chunks {
                true => place(chunk)..self.ends.len(),
                false => place(chunk)..place(chunk + 1),
            })
            .collect();
        ranges
            .into_par_iter()
            .with_max_len(1)
            .map(|range| work(&mut self.records_at(range)))
            .collect()
    }
}

/// The rounds of a part.
struct Rounds<'d> {
    reader: PartReader<'d>,
    /// The approximate bytes of a round.
    size: usize,
    /// The beginning of a record that is not read completely.
    rest: Vec<u8>,
}

impl Rounds<'_> {
    /// Reads the next round into reused memory; `None` at the end.
    fn next(&mut self, memory: Round) -> Result<Option<Round>, Error> {
        let Round {
            mut bytes,
            mut ends,
        } = memory;
        bytes.clear();
        ends.clear();
        bytes.append(&mut self.rest);
        let mut end = 0;
        while ends.is_empty() {
            let before = bytes.len();
            self.reader.append(&mut bytes, self.size)?;
            if bytes.len() == before {
                return match bytes.is_empty() {
                    true => Ok(None),
                    false => Err(self.reader.failed(io::ErrorKind::UnexpectedEof.into())),
                };
            }
            while let Some(record) = Written::first_of(&bytes[end..]) {
                end += record.bytes.len();
                ends.push(end);
            }
        }
        self.rest.extend_from_slice(&bytes[end..]);
        bytes.truncate(end);
        Ok(Some(Round { bytes, ends }))
    }
}

/// Calls `work` on each round of a part, and `take` on the results in order. Rounds have about `size` bytes.
pub(crate) fn for_each_round<M: Send>(
    partitions: &Partitions,
    part: usize,
    size: usize,
    mut work: impl FnMut(&Round) -> Result<M, Error> + Send,
    mut take: impl FnMut(M) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let mut rounds = Rounds {
        reader: partitions.read(part)?,
        size,
        rest: Vec::new(),
    };
    let mut now = rounds.next(Round::default())?;
    let (mut made, mut spare) = (None, Round::default());
    while now.is_some() || made.is_some() {
        let last = made.take();
        let memory = std::mem::take(&mut spare);
        let (next, done) = rayon::join(
            || {
                last.map_or(Ok(()), &mut take)?;
                rounds.next(memory)
            },
            || now.as_ref().map(&mut work).transpose(),
        );
        spare = now.take().unwrap_or_default();
        (now, made) = (next?, done?);
    }
    Ok(())
}
