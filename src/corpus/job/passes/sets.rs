//! The second pass: writes the shingle sets of documents that may have partners.

use crate::aside::Share;
use crate::corpus::error::Error;
use crate::corpus::job::candidates::crowding::Mark;
use crate::corpus::job::candidates::first_documents::FirstDocuments;
use crate::corpus::job::disk::folder::{Folder, Whole, Writing, extend};
use crate::corpus::job::disk::manifest::SetsDone;
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::Partitioner;
use crate::corpus::job::passes::rejected::RejectedAt;
use crate::corpus::job::passes::reread::{Picked, Picking, Reread};
use crate::verify::ShingleSet;

/// The written data of a document.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) document: u32,
    /// The first document with the same shingles. The set is written only if this is the document itself.
    pub(crate) first: u32,
    pub(crate) id: String,
    /// The values that the keep policy compares.
    pub(crate) keep: Vec<u8>,
    pub(crate) aside: Share,
    pub(crate) set: ShingleSet,
}

impl Record {
    /// Whether an earlier document has the same shingles, and its record contains the set.
    pub(crate) fn is_copy(&self) -> bool {
        self.first != self.document
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.document.to_le_bytes());
        to.extend_from_slice(&self.first.to_le_bytes());
        for bytes in [self.id.as_bytes(), &self.keep] {
            to.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            to.extend_from_slice(bytes);
        }
        to.extend_from_slice(&self.aside.to_bytes());
        if !self.is_copy() {
            to.extend_from_slice(&(self.set.len() as u32).to_le_bytes());
            extend(to, self.set.hashes().iter().map(|hash| hash.to_le_bytes()));
            to.extend_from_slice(&[0; 4]); // no frequencies yet
        }
    }
}

/// Writes shingle sets and their index.
pub(crate) struct Sets<'s> {
    folder: &'s Folder,
    firsts: &'s FirstDocuments,
    marks: &'s [Mark],
    records: Partitioner<'s>,
    /// The document and length of each record.
    index: Writing<'s>,
}

impl<'s> Sets<'s> {
    pub(crate) fn new(
        folder: &'s Folder,
        firsts: &'s FirstDocuments,
        marks: &'s [Mark],
        memory: usize,
    ) -> Result<Self, Error> {
        Ok(Self {
            folder,
            firsts,
            marks,
            records: Partitioner::create(folder, names::SETS, 1, memory)?,
            index: folder.create(names::INDEX, 1 << 16)?,
        })
    }

    /// Writes the sets of new and indexed documents to one file, and all rejections to another.
    pub(crate) fn write(mut self, reread: Reread<'_>) -> Result<SetsDone, Error> {
        let marks: Vec<u32> = self.marks.iter().map(|mark| mark.number()).collect();
        let marks = self.folder.write_numbers(names::NARROWED, &marks)?;
        let late = reread.run(&mut self)?;
        let rejected = late.rejected.into_iter();
        let rejected = rejected.map(|(at, rejection)| RejectedAt::of(at, rejection));
        Ok(SetsDone {
            rejections: self.write_rejected(rejected)?,
            sets: self.records.finish()?,
            index: self.index.finish()?,
            distinct: None,
            late_bytes: late.bytes,
            marks,
        })
    }

    /// The record of a document, without id, values and set.
    fn record(&self, document: u32) -> Record {
        Record {
            document,
            first: self.firsts.0[document as usize],
            ..Record::default()
        }
    }

    fn put(&mut self, document: u32, record: &[u8]) -> Result<(), Error> {
        let len = record.len() as u64;
        for number in [document, len as u32, (len >> 32) as u32] {
            self.index.write(&number.to_le_bytes())?;
        }
        self.records.write(0, record)
    }

    /// Writes the rejections of both passes, sorted by place.
    fn write_rejected(&self, late: impl Iterator<Item = RejectedAt>) -> Result<Whole, Error> {
        let mut early = self.folder.open(names::EARLY)?;
        let mut writing = self.folder.create(names::REJECTED, 1 << 16)?;
        let mut late = late.peekable();
        while let Some(next) = RejectedAt::read(&mut early)? {
            while let Some(late) = late.next_if(|late| late.at() < next.at()) {
                late.write(&mut writing)?;
            }
            next.write(&mut writing)?;
        }
        late.try_for_each(|late| late.write(&mut writing))?;
        writing.finish()
    }
}

/// The records of documents, one after the other.
#[derive(Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    /// The documents, and the ends of their records.
    ends: Vec<(u32, usize)>,
}

impl Picking for Sets<'_> {
    type Made = Records;

    fn is_picked(&self, document: u32) -> bool {
        self.marks[document as usize] != Mark::None
    }

    fn is_shingled(&self, document: u32) -> bool {
        self.firsts.is_first(document)
    }

    fn make(&self, picked: Picked, hashes: &mut Vec<u64>, made: &mut Records) {
        let Picked { row, document, .. } = picked;
        let record = Record {
            set: ShingleSet::from_buffer(hashes),
            id: row.id,
            keep: row.keep,
            aside: row.aside,
            ..self.record(document)
        };
        record.write(&mut made.bytes);
        made.ends.push((document, made.bytes.len()));
    }

    fn take(&mut self, made: Records) -> Result<(), Error> {
        let mut from = 0;
        for (document, end) in made.ends {
            self.put(document, &made.bytes[from..end])?;
            from = end;
        }
        Ok(())
    }
}
