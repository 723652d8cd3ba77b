//! Writes the kept documents to an index for later jobs.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::aside::SetAside;
use crate::corpus::error::Error;
use crate::corpus::indexed::Indexed;
use crate::corpus::job::membership::RemovedFor;
use crate::corpus::outputs::sink::IndexSink;
use crate::settings::Settings;
use crate::storage::{About, ListWriter, Section, SectionWriter, StoredDocument, StoredId, Writer};

/// An index that is being written.
pub(super) struct Saving<'s> {
    settings: &'s Settings,
    ids: ListWriter,
    sets: ListWriter,
    signatures: SectionWriter,
    counts: SectionWriter,
    documents: u32,
}

/// What is written to an index besides its documents.
#[derive(Clone, Copy)]
pub(super) struct Beside<'b> {
    /// The passages that are set aside.
    pub(super) aside: Option<&'b SetAside>,
    /// With weights, calls a function with the number of documents and 0, then with all shingles and their frequencies.
    pub(super) frequencies: Option<EachFrequency<'b>>,
}

/// Calls a function with frequencies, in order.
pub(super) type EachFrequency<'f> = &'f dyn Fn(PutFrequency<'_>) -> Result<(), Error>;

/// Takes a shingle and its frequency.
pub(super) type PutFrequency<'p> = &'p mut dyn FnMut(u64, u32) -> Result<(), Error>;

/// Writes an index of the documents of `indexed` and those that `add` adds, and returns its checksum. The counts of the
/// indexed ones grow by what is removed for them. Takes about `memory` bytes, and 16 bytes for each document.
pub(super) fn save(
    settings: &Settings,
    sink: &IndexSink,
    (indexed, removed_for): (&Indexed, &RemovedFor),
    beside: Beside<'_>,
    memory: usize,
    add: impl FnOnce(&mut Saving<'_>) -> Result<(), Error>,
) -> Result<String, Error> {
    sink.write(|writer| {
        let mut saving = Saving {
            settings,
            ids: writer.list(Section::Ids)?,
            sets: writer.list(Section::Sets)?,
            signatures: writer.section(Section::Signatures)?,
            counts: writer.section(Section::Counts)?,
            documents: 0,
        };
        let mut places = 0..;
        indexed.for_each_some(memory / 2, |mut some| {
            for (document, place) in some.iter_mut().zip(places.by_ref()) {
                let removed = removed_for.of_indexed(place);
                document.count = document.count.saturating_add(removed);
            }
            saving.push(&some)
        })?;
        add(&mut saving)?;
        if let Some(aside) = beside.aside {
            let mut section = writer.section(Section::Aside)?;
            aside.for_each_number(|number| section.put_u64(number))?;
            writer.finish(section)?;
        }
        if let Some(frequencies) = beside.frequencies {
            let mut section = writer.section(Section::Frequencies)?;
            frequencies(&mut |hash, frequency| {
                section.put_u64(hash)?;
                Ok(section.put_u32s([frequency])?)
            })?;
            writer.finish(section)?;
        }
        saving.finish(writer, memory)
    })
}

impl Saving<'_> {
    /// Adds documents.
    pub(super) fn push(&mut self, documents: &[StoredDocument]) -> Result<(), Error> {
        let sketch = self.settings.sketcher().sketch();
        let hashes = sketch.hashes();
        let mut slots = vec![0; documents.len() * hashes];
        let rows = slots.par_chunks_exact_mut(hashes).zip(documents);
        rows.for_each(|(row, document)| sketch.sketch(document.set.hashes(), row));
        for document in documents {
            self.ids.push(document.id.as_bytes())?;
            self.sets.push_hashes(document.set.hashes())?;
            self.counts.put_u64(document.count)?;
        }
        self.signatures.put_u32s(slots)?;
        self.documents += documents.len() as u32;
        Ok(())
    }

    fn finish(self, writer: &mut Writer, memory: usize) -> Result<String, Error> {
        let banding = self.settings.banding();
        writer.finish_list(self.ids)?;
        writer.finish_list(self.sets)?;
        writer.finish(self.signatures)?;
        writer.finish(self.counts)?;
        let about = About {
            documents: self.documents,
            id_kind: String::KIND.to_owned(),
            scheme: *self.settings.scheme(),
            banding: (banding.bands(), banding.rows()),
            threshold: self.settings.threshold(),
            application: BTreeMap::new(),
        };
        writer.write_tables(&about, memory, |band, slots| banding.key(band, slots))?;
        Ok(writer.seal(&about)?)
    }
}
