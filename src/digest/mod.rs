//! The first pass over documents, which computes a digest of each.

#[cfg_attr(not(feature = "corpus"), allow(dead_code))]
mod keys;

use rayon::prelude::*;

use crate::aside::{Maker, Share, Space};
use crate::collapse::Fingerprint;
use crate::error::{Error, Kind};
use crate::exact::{Sample, Sampler};
use crate::lsh::Banding;
#[cfg(feature = "corpus")]
use crate::similarity::ShingleSet;
use crate::sketch::{Scheme, SignatureMatrix, Sketcher};
#[cfg(feature = "corpus")]
use crate::text::arch::STRIPS;
use crate::text::{Content, Document, Group, NotText, ReadBuffer, Shingle};
use crate::watch::Ticker;

use keys::Keys;

/// Computes [`Digests`]: the data of documents that the method needs.
#[derive(Debug, Clone)]
pub(crate) struct Digester {
    sketcher: Sketcher,
    maker: Maker,
    sketches: bool,
    sampler: Option<Sampler>,
    /// The banding, if band keys are kept.
    banding: Option<Banding>,
}

/// The data of documents after one pass. For each document this is a fingerprint of 16 bytes, which identifies copies,
/// and
///
/// - with LSH or `Auto` its signature, 4 bytes per slot;
/// - with the exact join or `Auto` some of its shingle hashes, 4 bytes each and 36 more: 0.3 of them at threshold
///   0.8, see [the guide](crate::guides::exact_join#cost).
#[derive(Debug)]
pub(crate) struct Digests {
    scheme: Scheme,
    fingerprints: Vec<Fingerprint>,
    slots: Option<Vec<u32>>,
    sample: Option<Sample>,
    /// What was set aside, if anything may be.
    aside: Option<Vec<Share>>,
    #[cfg_attr(not(feature = "corpus"), allow(dead_code))]
    keys: Option<Keys>,
}

/// The data of a document by which its candidates are found.
#[cfg(feature = "corpus")]
pub(crate) enum FoundBy<'d> {
    /// Band keys.
    Bands(&'d [u64]),
    /// Sampled hashes, in strips.
    Strips([&'d [u32]; STRIPS]),
    /// All documents are candidates.
    Nothing,
}

/// The digests of some documents, except signatures.
#[derive(Debug, Default)]
struct Part {
    fingerprints: Vec<Fingerprint>,
    sample: Option<Sample>,
    aside: Vec<Share>,
}

/// Working memory of a thread.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) space: Space,
    hashes: Vec<u64>,
    sampled: Vec<u32>,
}

impl Workspace {
    /// Releases the memory that a long document has taken.
    #[cfg(feature = "corpus")]
    pub(crate) fn release_large(&mut self) {
        if self.hashes.capacity() > KEPT {
            *self = Self::default();
        }
    }
}

/// The most shingles of a document whose memory is kept for the next document.
#[cfg(feature = "corpus")]
pub(crate) const KEPT: usize = 1 << 16;

impl Digester {
    pub(crate) fn new(sketcher: Sketcher, sketches: bool, sampler: Option<Sampler>) -> Self {
        Self {
            maker: Maker::whole(sketcher.shingler()),
            sketcher,
            sketches,
            sampler,
            banding: None,
        }
    }

    /// The same digester, with what `maker` leaves of documents.
    pub(crate) fn with_maker(self, maker: Maker) -> Self {
        Self { maker, ..self }
    }

    /// A digester that keeps band keys instead of signatures.
    #[cfg(feature = "corpus")]
    pub(crate) fn keyed(sketcher: Sketcher, banding: Banding) -> Self {
        let banding = Some(banding);
        Self {
            banding,
            ..Self::new(sketcher, false, None)
        }
    }

    /// The digests of no documents.
    pub(crate) fn empty(&self) -> Digests {
        Digests {
            scheme: *self.sketcher.scheme(),
            fingerprints: Vec::new(),
            slots: self.sketches.then(Vec::new),
            sample: self.sampler.map(|_| Sample::default()),
            aside: self.maker.sets_aside().then(Vec::new),
            keys: self.banding.map(|_| Keys::default()),
        }
    }

    pub(crate) fn try_digests<D: Document + Sync>(
        &self,
        documents: &[D],
        ticker: &Ticker<'_>,
    ) -> Result<Digests, Error> {
        /// Parts per thread, so that the threads end at about the same time.
        const PARTS: usize = 64;
        let hashes = match self.sketches {
            true => self.sketcher.scheme().hashes(),
            false => 0,
        };
        let part = documents.len() / (PARTS * rayon::current_num_threads());
        let part = part.clamp(1, 1 << 12);
        // Signatures are written directly to their final place, since they are most of the memory.
        let mut slots = vec![0; documents.len() * hashes];
        let mut rest = &mut slots[..];
        let parts: Vec<(&[D], &mut [u32])> = documents
            .chunks(part)
            .map(|documents| {
                let (rows, behind) =
                    std::mem::take(&mut rest).split_at_mut(documents.len() * hashes);
                rest = behind;
                (documents, rows)
            })
            .collect();
        let digested: Vec<Part> = parts
            .into_par_iter()
            .with_max_len(1)
            .enumerate()
            .map_init(
                || {
                    (
                        Workspace::default(),
                        ReadBuffer::default(),
                        self.empty().sample,
                    )
                },
                |memory, (i, (documents, rows))| {
                    self.digest_part(i * part, documents, rows, memory, ticker)
                },
            )
            .collect::<Result<_, _>>()
            .map_err(|error: Error| {
                let mut buffer = ReadBuffer::default();
                error.first_of(documents.iter().enumerate(), |(i, document)| {
                    self.error_of(i, document, &mut buffer)
                })
            })?;
        let mut digests = self.empty();
        digests.slots = self.sketches.then_some(slots);
        digests.fingerprints.reserve_exact(documents.len());
        for mut part in digested {
            digests.fingerprints.append(&mut part.fingerprints);
            if let (Some(all), Some(mut sample)) = (&mut digests.sample, part.sample) {
                all.take(&mut sample, |_| true);
            }
            if let Some(aside) = &mut digests.aside {
                aside.append(&mut part.aside);
            }
        }
        Ok(digests)
    }

    /// Digests consecutive documents, from number `first` on. Writes their signatures to `rows`.
    fn digest_part<D: Document>(
        &self,
        first: usize,
        documents: &[D],
        rows: &mut [u32],
        (space, buffer, sample): &mut (Workspace, ReadBuffer, Option<Sample>),
        ticker: &Ticker<'_>,
    ) -> Result<Part, Error> {
        let mut part = Part {
            fingerprints: Vec::with_capacity(documents.len()),
            ..Part::default()
        };
        let hashes = rows.len() / documents.len();
        for (i, document) in documents.iter().enumerate() {
            let number = first + i;
            let content = document
                .content(buffer)
                .map_err(|error| Error::unreadable(number, &*error))?;
            let row = &mut rows[i * hashes..(i + 1) * hashes];
            let group = document.group();
            let (fingerprint, share) = self
                .digest(content, group, space, row, sample.as_mut())
                .map_err(|not_text| not_text.in_document(number))?;
            part.fingerprints.push(fingerprint);
            if self.maker.sets_aside() {
                part.aside.push(share);
            }
            ticker.tick(1)?;
        }
        part.sample = sample.as_mut().map(|sample| {
            let mut closed = Sample::default();
            closed.take(sample, |_| true);
            closed
        });
        Ok(part)
    }

    /// Returns the fingerprint of a document, and what was set aside. Writes its signature to `row` if signatures are
    /// kept, and adds its sampled hashes to `sample`.
    fn digest(
        &self,
        content: Content<'_>,
        group: Option<Group>,
        space: &mut Workspace,
        row: &mut [u32],
        sample: Option<&mut Sample>,
    ) -> Result<(Fingerprint, Share), NotText> {
        let share = self.shingle(content, group, space)?;
        let Workspace {
            hashes, sampled, ..
        } = space;
        Ok((self.digest_hashes(hashes, sampled, row, sample), share))
    }

    /// Writes the shingle hashes of a document, including repetitions, to `space.hashes`.
    fn shingle(
        &self,
        content: Content<'_>,
        group: Option<Group>,
        space: &mut Workspace,
    ) -> Result<Share, NotText> {
        let Workspace { space, hashes, .. } = space;
        self.maker.content_into(content, group, space, hashes)
    }

    /// Like [`digest`](Self::digest), for the shingle hashes of a document.
    fn digest_hashes(
        &self,
        hashes: &[u64],
        sampled: &mut Vec<u32>,
        row: &mut [u32],
        sample: Option<&mut Sample>,
    ) -> Fingerprint {
        if self.sketches {
            self.sketcher.sketch().sketch(hashes, row);
        }
        if let (Some(sampler), Some(sample)) = (self.sampler, sample) {
            sampler.push(hashes, hashes.len(), sampled, sample);
        }
        Fingerprint::of(hashes)
    }

    /// Adds a document to digests.
    #[cfg(feature = "corpus")]
    pub(crate) fn push(
        &self,
        content: Content<'_>,
        group: Option<Group>,
        space: &mut Workspace,
        digests: &mut Digests,
    ) -> Result<(), NotText> {
        let share = self.shingle(content, group, space)?;
        let Workspace {
            hashes, sampled, ..
        } = space;
        self.push_hashes(hashes, share, sampled, digests);
        Ok(())
    }

    /// The digests of documents whose shingle sets are given.
    #[cfg(feature = "corpus")]
    pub(crate) fn of_sets(&self, sets: impl Iterator<Item = ShingleSet>) -> Digests {
        let (mut digests, mut sampled) = (self.empty(), Vec::new());
        for set in sets {
            let share = Share::default();
            self.push_hashes(set.hashes(), share, &mut sampled, &mut digests);
        }
        digests
    }

    /// Adds a document with these shingle hashes to digests. `sampled` is scratch memory.
    #[cfg(feature = "corpus")]
    fn push_hashes(
        &self,
        hashes: &[u64],
        share: Share,
        sampled: &mut Vec<u32>,
        digests: &mut Digests,
    ) {
        let mut none = Vec::new();
        let slots = digests.slots.as_mut().unwrap_or(&mut none);
        let from = slots.len();
        if self.sketches {
            slots.resize(from + self.sketcher.scheme().hashes(), 0);
        }
        let row = &mut slots[from..];
        let fingerprint = self.digest_hashes(hashes, sampled, row, digests.sample.as_mut());
        digests.fingerprints.push(fingerprint);
        if let Some(aside) = &mut digests.aside {
            aside.push(share);
        }
        if let (Some(banding), Some(keys)) = (self.banding, &mut digests.keys) {
            keys.push(hashes, self.sketcher.sketch(), banding);
        }
    }

    /// The error of a document that cannot be digested. Does not digest it.
    fn error_of<D: Document>(
        &self,
        i: usize,
        document: &D,
        buffer: &mut ReadBuffer,
    ) -> Option<Error> {
        let shingle = self.sketcher.scheme().shingle();
        match document.content(buffer) {
            Ok(Content::Bytes(bytes)) if !matches!(shingle, Shingle::Bytes(_)) => {
                let offset = std::str::from_utf8(bytes).err()?.valid_up_to();
                Some(NotText { offset }.in_document(i))
            }
            Ok(_) => None,
            Err(error) => Some(Error::unreadable(i, &*error)),
        }
    }
}

impl Digests {
    /// The number of documents.
    pub(crate) fn len(&self) -> usize {
        self.fingerprints.len()
    }

    /// The signatures; empty if none are kept.
    #[cfg(feature = "corpus")]
    pub(crate) fn rows(&self) -> impl IndexedParallelIterator<Item = &[u32]> {
        let slots = self.slots.as_deref().unwrap_or_default();
        slots.par_chunks_exact(self.scheme.hashes())
    }

    /// Moves documents of `other` to the end: those for whose numbers `keep` is true. Leaves `other` empty.
    #[cfg(feature = "corpus")]
    pub(crate) fn append(&mut self, other: &mut Self, keep: &[bool]) {
        let kept = |&(number, _): &(usize, _)| keep[number];
        let fingerprints = other.fingerprints.drain(..).enumerate();
        self.fingerprints.extend(
            fingerprints
                .filter(|&(number, _)| keep[number])
                .map(|(_, fingerprint)| fingerprint),
        );
        if let (Some(slots), Some(others)) = (&mut self.slots, &mut other.slots) {
            let rows = others.chunks_exact(self.scheme.hashes()).enumerate();
            rows.filter(kept)
                .for_each(|(_, row)| slots.extend_from_slice(row));
            others.clear();
        }
        if let (Some(sample), Some(others)) = (&mut self.sample, &mut other.sample) {
            sample.take(others, |number| keep[number]);
        }
        if let (Some(aside), Some(others)) = (&mut self.aside, &mut other.aside) {
            let others = others.drain(..).zip(keep);
            aside.extend(others.filter(|&(_, &keep)| keep).map(|(share, _)| share));
        }
    }

    /// Calls `each` with the fingerprint of every document, its number of shingles, what was set aside, and the data by
    /// which candidates are found.
    #[cfg(feature = "corpus")]
    pub(crate) fn for_each<E>(
        &self,
        mut each: impl FnMut(Fingerprint, u32, Share, FoundBy<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut fingerprints = self.fingerprints.iter().copied();
        let mut aside = self.aside.iter().flatten().copied();
        let mut each = |shingles, found_by| {
            let fingerprint = fingerprints.next().unwrap_or_default();
            each(
                fingerprint,
                shingles,
                aside.next().unwrap_or_default(),
                found_by,
            )
        };
        if let Some(keys) = &self.keys {
            let mut documents = keys.lengths.iter().zip(keys.documents());
            return documents.try_for_each(|(&length, keys)| each(length, FoundBy::Bands(keys)));
        }
        if let Some(sample) = &self.sample {
            let mut documents = sample.open_documents();
            return documents
                .try_for_each(|(length, strips)| each(length, FoundBy::Strips(strips)));
        }
        (0..self.len()).try_for_each(|_| each(0, FoundBy::Nothing))
    }

    /// Removes all documents, but keeps the memory.
    #[cfg(feature = "corpus")]
    pub(crate) fn clear(&mut self) {
        self.fingerprints.clear();
        if let Some(keys) = &mut self.keys {
            keys.clear();
        }
        if let Some(sample) = &mut self.sample {
            sample.clear();
        }
        if let Some(aside) = &mut self.aside {
            aside.clear();
        }
    }

    /// What was set aside of each document, if anything may have been. Takes it out.
    pub(crate) fn take_aside(&mut self) -> Option<Vec<Share>> {
        self.aside.take()
    }

    /// The fingerprints, and the signatures and the sample if they were kept.
    pub(crate) fn into_parts(self) -> (Vec<Fingerprint>, Option<SignatureMatrix>, Option<Sample>) {
        let matrix = self.slots.map(|slots| {
            SignatureMatrix::from_slots(self.scheme, slots)
                .unwrap_or_else(|error| unreachable!("whole rows: {error}"))
        });
        (self.fingerprints, matrix, self.sample)
    }
}

impl Error {
    pub(crate) fn unreadable(document: usize, error: &dyn std::error::Error) -> Self {
        let reason = error.to_string();
        Self::new(Kind::Unreadable { document, reason })
    }
}

impl NotText {
    pub(crate) fn in_document(self, document: usize) -> Error {
        Error::new(Kind::NotText {
            document,
            offset: self.offset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::SketchKind;
    use crate::text::{Bytes, Normalization};

    fn digester(shingle: Shingle) -> Digester {
        let none = Normalization::NONE;
        let scheme = Scheme::new(SketchKind::FastSimilarity, 16, shingle, none, 0).unwrap();
        Digester::new(Sketcher::new(scheme), true, None)
    }

    #[test]
    fn names_the_first_document_that_is_no_text() {
        let documents: Vec<_> = (0..5000)
            .map(|i| Bytes(if i % 1000 == 700 { b"ok \xff" } else { b"fine" }))
            .collect();
        let error = digester(Shingle::Words(1))
            .try_digests(&documents, &Ticker::silent())
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("document 700 is not UTF-8 (byte 3)")
        );
        assert!(
            digester(Shingle::Bytes(2))
                .try_digests(&documents, &Ticker::silent())
                .is_ok()
        );
    }
}
