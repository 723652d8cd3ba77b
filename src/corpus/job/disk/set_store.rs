//! Reads the shingle sets in the work folder, by document.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use rayon::prelude::*;

use crate::aside::Share;
use crate::corpus::error::Error;
use crate::corpus::job::disk::folder::Folder;
use crate::corpus::job::disk::manifest::SetsDone;
use crate::corpus::job::disk::rounds::Written;
use crate::verify::{ComparedSet, ShingleSet, Similarity};

/// The places of the records of documents. Takes 12 bytes for each.
pub(crate) struct SetStore {
    path: PathBuf,
    /// The documents that have records, ascending.
    documents: Vec<u32>,
    /// The start of each record, and the end of the last.
    starts: Vec<u64>,
    /// With weights, the number of distinct sets.
    distinct: Option<u64>,
}

/// A record that was read.
#[derive(Debug, Default)]
pub(crate) struct StoredRecord {
    pub(crate) id: String,
    pub(crate) aside: Share,
    pub(crate) set: ComparedSet,
}

/// The records of some documents.
pub(crate) struct Fetched<'d> {
    documents: &'d [u32],
    records: Vec<StoredRecord>,
}

impl Fetched<'_> {
    pub(crate) fn get(&self, document: u32) -> &StoredRecord {
        let place = self.documents.binary_search(&document);
        &self.records[place.unwrap_or_else(|_| unreachable!("document {document} was not fetched"))]
    }
}

impl SetStore {
    /// Opens the file of records with its index, which has the document and length of each.
    pub(crate) fn open(folder: &Folder, done: &SetsDone) -> Result<Self, Error> {
        let numbers = folder.read_numbers(&done.index)?;
        let mut starts = vec![0];
        let mut end = 0;
        for record in numbers.chunks_exact(3) {
            end += u64::from(record[1]) | u64::from(record[2]) << 32;
            starts.push(end);
        }
        Ok(Self {
            path: folder.file(&done.sets.name),
            documents: numbers.chunks_exact(3).map(|record| record[0]).collect(),
            starts,
            distinct: done.distinct,
        })
    }

    /// The documents that have records, ascending.
    pub(crate) fn documents(&self) -> &[u32] {
        &self.documents
    }

    /// The position of a document among those that have records.
    pub(crate) fn place(&self, document: u32) -> usize {
        let place = self.documents.binary_search(&document);
        place.unwrap_or_else(|_| unreachable!("document {document} has no record"))
    }

    /// The length of a document's record in bytes.
    pub(crate) fn bytes(&self, document: u32) -> u64 {
        let place = self.place(document);
        self.starts[place + 1] - self.starts[place]
    }

    /// Reads the records of ascending documents, in parallel.
    pub(crate) fn fetch<'d>(&self, documents: &'d [u32]) -> Result<Fetched<'d>, Error> {
        const TOGETHER: usize = 256;
        let read = |documents: &[u32]| self.read(documents);
        let parts = documents.par_chunks(TOGETHER).map(read);
        let parts: io::Result<Vec<Vec<StoredRecord>>> = parts.collect();
        let parts = parts.map_err(|error| Error::io("read", &self.path, error))?;
        Ok(Fetched {
            documents,
            records: parts.into_iter().flatten().collect(),
        })
    }

    fn read(&self, documents: &[u32]) -> io::Result<Vec<StoredRecord>> {
        // The buffer holds only a few records, since they may be far apart.
        let mut file = BufReader::with_capacity(1 << 13, File::open(&self.path)?);
        let (mut at, mut bytes) = (0, Vec::new());
        let mut read = |&document: &u32| {
            let place = self.place(document);
            let (start, end) = (self.starts[place], self.starts[place + 1]);
            file.seek_relative((start - at).cast_signed())?;
            at = end;
            bytes.resize((end - start) as usize, 0);
            file.read_exact(&mut bytes)?;
            let written = Written::first_of(&bytes).ok_or(io::ErrorKind::InvalidData)?;
            let id = String::from_utf8(written.id.to_vec());
            Ok(StoredRecord {
                id: id.map_err(|_| io::ErrorKind::InvalidData)?,
                aside: written.aside,
                set: match self.distinct {
                    Some(distinct) => written.weighted(distinct).into(),
                    None => ComparedSet::Plain(ShingleSet::of_bytes(written.set).into()),
                },
            })
        };
        documents.iter().map(&mut read).collect()
    }
}

/// Splits items into runs of at least one item. The records of the documents of a run take about `most` bytes of memory
/// together.
pub(crate) fn runs<'i, T, const N: usize>(
    items: &'i [T],
    stored: &'i SetStore,
    most: u64,
    documents: impl Fn(&T) -> [u32; N] + 'i,
) -> impl Iterator<Item = (&'i [T], Vec<u32>)> + 'i {
    /// Memory of a record in addition to its bytes: two structs, its place, and the overhead of allocation.
    const EACH: u64 = 2 * size_of::<StoredRecord>() as u64 + 96;
    /// Memory for the result of an item.
    const MADE: u64 = size_of::<Similarity>() as u64;
    let mut rest = items;
    // Bit i is set while the document i is in the run. Few documents may be in many items, so this has to be fast.
    let last = stored
        .documents
        .last()
        .map_or(0, |&document| document as usize);
    let mut bits = vec![0u64; last / 64 + 1];
    std::iter::from_fn(move || {
        let (mut bytes, mut own) = (0, Vec::new());
        let fits = |item: &&T| {
            bytes += MADE;
            for document in documents(item) {
                let (word, bit) = (&mut bits[document as usize / 64], 1 << (document % 64));
                if *word & bit == 0 {
                    *word |= bit;
                    own.push(document);
                    bytes += stored.bytes(document) + EACH;
                }
            }
            bytes < most
        };
        let many = (rest.iter().take_while(fits).count() + 1).min(rest.len());
        let (run, behind) = rest.split_at(many);
        rest = behind;
        for &document in &own {
            bits[document as usize / 64] = 0;
        }
        own.sort_unstable();
        (many > 0).then_some((run, own))
    })
}
