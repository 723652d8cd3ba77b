//! An index of documents that come one at a time.

#[cfg(feature = "storage")]
mod mapped;
#[cfg(not(feature = "storage"))]
#[path = "mapped_disabled.rs"]
mod mapped;
mod resident;
#[cfg(feature = "storage")]
mod save;

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt::{self, Debug};
use std::hash::Hash;

use super::banding::{Banding, valid_threshold};
use crate::error::{Error, Kind};
use crate::similarity::{ShingleSet, Similarity};
use crate::sketch::{EMPTY, Estimate, Signature, Sketcher, floor_slots};
use mapped::Mapped;
use resident::Resident;

/// Documents under ids of your own, to find those that a text resembles.
///
/// Made by [`Deduper::index`](crate::Deduper::index), whose settings it uses. Inserting and querying
/// cost one signature and one look-up a band, plus an estimate (about 20 nanoseconds) for each
/// candidate. Takes 4 K bytes for the signature and about 35 bytes a band a document: near 1.2 KiB with
/// the defaults, and the ids. With the feature `storage` it is saved as files and opened from them (`save`, `open`);
/// an open one takes next to no memory for what lies in them.
///
/// ```
/// use resemblance::Deduper;
///
/// let mut index = Deduper::new().index();
/// index.insert("first", "a text long enough to have a few shingles of five words each")?;
/// let found = index.query("A text long enough to have a few shingles of five words each!");
/// assert_eq!(found[0].id, "first");
/// assert!(index.remove(&"first") && index.is_empty());
/// # Ok::<(), resemblance::Error>(())
/// ```
///
/// # Threads
///
/// Any number of threads can query an index at the same time; inserting and removing need it alone. Make signatures before
/// the lock is taken: they are most of the work.
///
/// ```
/// use std::sync::RwLock;
/// use std::thread;
/// use resemblance::{Deduper, Error};
///
/// let deduper = Deduper::new();
/// let index = RwLock::new(deduper.index());
/// let texts = ["the harbour wall will be repaired before winter", "the ferry goes back into service on monday"];
/// thread::scope(|scope| {
///     for (id, text) in texts.iter().enumerate() {
///         let (deduper, index) = (&deduper, &index);
///         scope.spawn(move || {
///             let signature = deduper.signature(text);
///             let known = index.read().unwrap().query_signature(&signature, deduper.threshold())?;
///             if known.is_empty() {
///                 index.write().unwrap().insert_signature(id, &signature)?;
///             }
///             Ok::<(), Error>(())
///         });
///     }
/// });
/// assert_eq!(index.read().unwrap().len(), 2);
/// ```
///
/// Between the two locks, another thread may insert a copy of the same text. To rule that out, take the write lock for both
/// steps.
#[derive(Clone)]
pub struct Index<Id> {
    sketcher: Sketcher,
    banding: Banding,
    threshold: f64,
    /// What lay in files when the index was opened. Inserted before anything that is live.
    mapped: Option<Mapped<Id>>,
    resident: Resident<Id>,
    /// The files that it was opened from, or saved to since.
    #[cfg(feature = "storage")]
    saved: save::Saved,
}

/// Texts whose signatures are made together.
const TOGETHER: usize = 1 << 12;

/// One answer of [`Index::query_verified`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VerifiedMatch<Id> {
    /// The id that was inserted.
    pub id: Id,
    /// The exact similarity of the text that was asked for (a) and the one of this id (b).
    pub similarity: Similarity,
}

/// One answer of an [`Index`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Match<Id> {
    /// The id that was inserted.
    pub id: Id,
    /// Estimated similarity to what was asked.
    pub estimate: Estimate,
}

impl<Id: Clone + Eq + Hash + Debug> Debug for Index<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("scheme", self.sketcher.scheme())
            .field("banding", &self.banding)
            .field("threshold", &self.threshold)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl<Id: Clone + Eq + Hash + Debug> Index<Id> {
    /// An empty index.
    ///
    /// # Errors
    /// Where the threshold is not above 0 and at most 1, or the banding has more slots than a
    /// signature.
    pub fn new(sketcher: Sketcher, banding: Banding, threshold: f64) -> Result<Self, Error> {
        Ok(Self {
            mapped: None,
            resident: Resident::new(*sketcher.scheme(), banding.bands(), 0),
            banding: banding.fits(sketcher.scheme().hashes())?,
            threshold: valid_threshold(threshold)?,
            sketcher,
            #[cfg(feature = "storage")]
            saved: save::Saved::default(),
        })
    }

    /// Inserts a text. One without shingles is held, and never found.
    ///
    /// # Errors
    /// Where the id is in the index already; nothing changes then.
    pub fn insert(&mut self, id: Id, text: impl AsRef<str>) -> Result<(), Error> {
        let signature = self.sketcher.signature(text);
        self.insert_signature(id, &signature)
    }

    /// Inserts texts under their ids, in this order. Their signatures are made in parallel on the current rayon pool.
    ///
    /// ```
    /// use resemblance::Deduper;
    ///
    /// let mut index = Deduper::new().index();
    /// let news = [("monday", "the harbour wall will be repaired"), ("tuesday", "the ferry goes back into service")];
    /// index.insert_all(news)?;
    /// assert_eq!(index.ids().collect::<Vec<_>>(), [&"monday", &"tuesday"]);
    /// # Ok::<(), resemblance::Error>(())
    /// ```
    ///
    /// # Errors
    /// If an id is in the index already or comes twice; nothing changes then.
    pub fn insert_all<T: AsRef<str> + Sync>(
        &mut self,
        documents: impl IntoIterator<Item = (Id, T)>,
    ) -> Result<(), Error> {
        let (ids, texts): (Vec<Id>, Vec<T>) = documents.into_iter().unzip();
        let mut new = HashSet::with_capacity(ids.len());
        if let Some(id) = ids.iter().find(|&id| self.contains(id) || !new.insert(id)) {
            return Err(id_taken(id));
        }
        drop(new);
        let mut ids = ids.into_iter();
        for texts in texts.chunks(TOGETHER) {
            let signatures = self.sketcher.signatures(texts);
            for (slots, id) in signatures.rows().zip(&mut ids) {
                let keys = self.keys(slots);
                self.resident.insert(id, slots, &keys);
            }
        }
        Ok(())
    }

    /// Inserts a signature.
    ///
    /// # Errors
    /// Where the id is in the index already, or the signature is of another scheme.
    ///
    /// # Panics
    /// Where 2^32 - 1 documents are in the index.
    pub fn insert_signature(&mut self, id: Id, signature: &Signature) -> Result<(), Error> {
        self.sketcher.scheme().matches(signature.scheme())?;
        if self.contains(&id) {
            return Err(id_taken(&id));
        }
        let keys = self.keys(signature.slots());
        self.resident.insert(id, signature.slots(), &keys);
        Ok(())
    }

    /// Removes a document; false where there is none of that id. Costs one look-up a band.
    pub fn remove<Q>(&mut self, id: &Q) -> bool
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some(mapped) = &mut self.mapped
            && let Some(row) = mapped.find(id)
        {
            mapped.remove(row);
            return true;
        }
        self.resident.remove(id, self.banding)
    }

    /// Removes the documents for whose id `keep` returns false. It is called in the order of insertion.
    pub fn retain(&mut self, mut keep: impl FnMut(&Id) -> bool) {
        if let Some(mapped) = &mut self.mapped {
            for row in 0..mapped.rows() {
                if mapped.has(row) && mapped.id(row).is_some_and(|id| !keep(&id)) {
                    mapped.remove(row);
                }
            }
        }
        for row in self.resident.in_order() {
            if let Some(id) = self.resident.id(row).filter(|&id| !keep(id)).cloned() {
                self.resident.remove(&id, self.banding);
            }
        }
    }

    /// Inserts the documents of another index, in the order in which they were inserted there.
    ///
    /// # Errors
    /// Where the other has another scheme, banding or threshold, or an id that is here already; nothing changes
    /// then.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.matches(other)?;
        other.for_each(|id, _| match self.contains(&id) {
            true => Err(id_taken(&id)),
            false => Ok(()),
        })?;
        other.for_each(|id, slots| {
            let keys = self.keys(slots);
            self.resident.insert(id, slots, &keys);
            Ok(())
        })
    }

    /// Nothing where `other` has the same settings.
    fn matches(&self, other: &Self) -> Result<(), Error> {
        self.sketcher.scheme().matches(other.sketcher.scheme())?;
        let mismatch = |what, left: String, right: String| {
            Err(Error::new(Kind::IndexMismatch { what, left, right }))
        };
        if self.banding != other.banding {
            let (left, right) = (self.banding.to_string(), other.banding.to_string());
            return mismatch("bandings", left, right);
        }
        if self.threshold != other.threshold {
            let (left, right) = (self.threshold.to_string(), other.threshold.to_string());
            return mismatch("thresholds", left, right);
        }
        Ok(())
    }

    /// Hands out every document, in the order in which they were inserted.
    fn for_each(&self, mut each: impl FnMut(Id, &[u32]) -> Result<(), Error>) -> Result<(), Error> {
        if let Some(mapped) = &self.mapped {
            let mut slots = Vec::new();
            for row in (0..mapped.rows()).filter(|&row| mapped.has(row)) {
                each(mapped.document(row, &mut slots)?, &slots)?;
            }
        }
        for row in self.resident.in_order() {
            if let Some(id) = self.resident.id(row) {
                each(id.clone(), self.resident.slots(row))?;
            }
        }
        Ok(())
    }

    /// The documents whose estimated similarity to `text` is at least the threshold, most similar
    /// first; of the same estimate, the one that was inserted first.
    ///
    /// An estimate errs by its standard error: of pairs that lie exactly at the threshold about half
    /// are answered. Not to miss those, ask with [`query_above`](Self::query_above) for
    /// [`Deduper::estimate_floor`](crate::Deduper::estimate_floor) and compare the texts.
    pub fn query(&self, text: impl AsRef<str>) -> Vec<Match<Id>> {
        self.query_above(text, self.threshold)
    }

    /// As [`query`](Self::query), with another least estimate. Below the threshold more and more
    /// documents are not found at all: the S-curve of the banding says how many.
    pub fn query_above(&self, text: impl AsRef<str>, jaccard: f64) -> Vec<Match<Id>> {
        self.above(&self.sketcher.signature(text), jaccard)
    }

    /// As [`query_above`](Self::query_above), for a signature.
    ///
    /// # Errors
    /// Where the signature is of another scheme.
    pub fn query_signature(
        &self,
        signature: &Signature,
        jaccard: f64,
    ) -> Result<Vec<Match<Id>>, Error> {
        self.sketcher.scheme().matches(signature.scheme())?;
        Ok(self.above(signature, jaccard))
    }

    /// The documents whose exact similarity to `text` is at least the threshold, most similar first; of the same
    /// similarity, the one that was inserted first.
    ///
    /// The index has no texts: `text_of` returns that of an id, as it was inserted. It is asked for each candidate whose
    /// estimate reaches [`estimate_floor`](Self::estimate_floor), the highest estimates first. An id for which it returns
    /// `None` cannot be verified and is left out; [`query_above`](Self::query_above) lists these with their estimates.
    ///
    /// Beside what a query costs, each text that is returned is split into shingles and sorted: some 10 microseconds for 100
    /// words.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use resemblance::Deduper;
    ///
    /// let texts = HashMap::from([(7, "The steam ferry goes back into service on Monday.")]);
    /// let mut index = Deduper::builder().threshold(0.5).build()?.index();
    /// index.insert_all(texts.clone())?;
    /// let found = index.query_verified("The steam ferry goes back into service on Friday.", |id| texts.get(id));
    /// assert_eq!((found[0].id, found[0].similarity.shared), (7, 4));
    /// # Ok::<(), resemblance::Error>(())
    /// ```
    pub fn query_verified<T: AsRef<str>>(
        &self,
        text: impl AsRef<str>,
        mut text_of: impl FnMut(&Id) -> Option<T>,
    ) -> Vec<VerifiedMatch<Id>> {
        let set = |text: &str| ShingleSet::from_hashes(self.sketcher.shingler().text(text));
        let asked = set(text.as_ref());
        let signature = self.sketcher.signature_of_set(asked.hashes());
        let mut found = self.candidates(signature.slots());
        let floor = self.estimate_floor();
        found.retain(|found| found.estimate.jaccard >= floor);
        let mut verified = Vec::new();
        for Found { place, turn, .. } in found {
            let Some(id) = self.id_at(place) else {
                continue;
            };
            let similarity = text_of(&id)
                .and_then(|text| asked.similarity_at_least(&set(text.as_ref()), self.threshold));
            if let Some(similarity) = similarity {
                verified.push((turn, VerifiedMatch { id, similarity }));
            }
        }
        verified.sort_by(|(turn, left), (other, right)| {
            let (left, right) = (left.similarity.jaccard, right.similarity.jaccard);
            right.total_cmp(&left).then(turn.cmp(other))
        });
        verified.into_iter().map(|(_, verified)| verified).collect()
    }

    /// The `k` candidates of the highest estimates, whatever these are.
    pub fn top_k(&self, text: impl AsRef<str>, k: usize) -> Vec<Match<Id>> {
        self.top(&self.sketcher.signature(text), k)
    }

    /// As [`top_k`](Self::top_k), for a signature.
    ///
    /// # Errors
    /// Where the signature is of another scheme.
    pub fn top_k_signature(
        &self,
        signature: &Signature,
        k: usize,
    ) -> Result<Vec<Match<Id>>, Error> {
        self.sketcher.scheme().matches(signature.scheme())?;
        Ok(self.top(signature, k))
    }

    fn keys(&self, slots: &[u32]) -> Vec<u64> {
        self.banding.keys(slots).collect()
    }

    fn above(&self, signature: &Signature, jaccard: f64) -> Vec<Match<Id>> {
        let mut found = self.candidates(signature.slots());
        found.retain(|found| found.estimate.jaccard >= jaccard);
        self.to_matches(found)
    }

    fn top(&self, signature: &Signature, k: usize) -> Vec<Match<Id>> {
        let mut found = self.candidates(signature.slots());
        found.truncate(k);
        self.to_matches(found)
    }

    /// What shares a band with `slots`, the highest estimates first.
    fn candidates(&self, slots: &[u32]) -> Vec<Found> {
        if slots[0] == EMPTY {
            return Vec::new();
        }
        let keys = self.keys(slots);
        let mut found = Vec::new();
        if let Some(mapped) = &self.mapped {
            found.extend(mapped.candidates(&keys).into_iter().map(|row| Found {
                estimate: mapped.estimate(row, slots),
                turn: u64::from(row),
                place: Place::Mapped(row),
            }));
        }
        found.extend(
            self.resident
                .candidates(&keys)
                .into_iter()
                .map(|row| Found {
                    estimate: self.resident.estimate(row, slots),
                    turn: self.resident.turn(row),
                    place: Place::Resident(row),
                }),
        );
        found.sort_by(Found::compare);
        found
    }

    fn to_matches(&self, found: Vec<Found>) -> Vec<Match<Id>> {
        let to_match = |Found {
                            estimate, place, ..
                        }| {
            let id = self.id_at(place)?;
            Some(Match { id, estimate })
        };
        found.into_iter().filter_map(to_match).collect()
    }

    fn id_at(&self, place: Place) -> Option<Id> {
        match place {
            Place::Mapped(row) => self.mapped.as_ref()?.id(row),
            Place::Resident(row) => self.resident.id(row).cloned(),
        }
    }

    /// Where a document is.
    fn find<Q>(&self, id: &Q) -> Option<Place>
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mapped = self.mapped.as_ref().and_then(|mapped| mapped.find(id));
        let resident = || self.resident.find(id).map(Place::Resident);
        mapped.map(Place::Mapped).or_else(resident)
    }

    /// True where a document of that id is in the index.
    pub fn contains<Q>(&self, id: &Q) -> bool
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.find(id).is_some()
    }

    /// The signature of a document in the index.
    pub fn signature<Q>(&self, id: &Q) -> Option<Signature>
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut slots = Vec::new();
        match self.find(id)? {
            Place::Mapped(row) => drop(self.mapped.as_ref()?.document(row, &mut slots)),
            Place::Resident(row) => slots.extend_from_slice(self.resident.slots(row)),
        }
        Signature::from_slots(*self.sketcher.scheme(), slots).ok()
    }

    /// The ids, in the order of insertion. They are sorted first, which takes 16 bytes a document for as long as the iterator
    /// lives. Those of an opened index are read into memory when they are first asked for.
    pub fn ids(&self) -> impl Iterator<Item = &Id> {
        let mapped = self.mapped.iter().flat_map(Mapped::ids);
        let resident = self.resident.in_order().into_iter();
        mapped.chain(resident.filter_map(|row| self.resident.id(row)))
    }

    /// Documents in the index.
    pub fn len(&self) -> usize {
        self.mapped.as_ref().map_or(0, Mapped::len) + self.resident.len()
    }

    /// True where the index holds no document.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes held on the heap, about; what the ids themselves hold there is not counted, and neither are the files of
    /// an opened index.
    pub fn memory_usage(&self) -> usize {
        self.mapped.as_ref().map_or(0, Mapped::memory_usage) + self.resident.memory_usage()
    }

    /// What makes the signatures.
    pub fn sketcher(&self) -> &Sketcher {
        &self.sketcher
    }

    /// The banding.
    pub fn banding(&self) -> Banding {
        self.banding
    }

    /// The least estimate that [`query`](Self::query) answers, and the least similarity that
    /// [`query_verified`](Self::query_verified) does.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The least estimate with which [`query_verified`](Self::query_verified) verifies a candidate. It lies so far below the
    /// threshold that no more than a tenth of what the banding misses at the threshold is missed for it.
    pub fn estimate_floor(&self) -> f64 {
        let hashes = self.sketcher.scheme().hashes();
        let missed = 1.0 - self.banding.probability(self.threshold);
        floor_slots(self.threshold, hashes, missed / 10.0).0 as f64 / hashes as f64
    }
}

/// A candidate, before its id is looked up.
struct Found {
    estimate: Estimate,
    /// Which of all inserted documents it is.
    turn: u64,
    place: Place,
}

/// A row of the documents in files, or of those in memory.
#[derive(Clone, Copy)]
enum Place {
    Mapped(u32),
    Resident(u32),
}

impl Found {
    /// The highest estimate first, then the one inserted first.
    fn compare(&self, other: &Self) -> Ordering {
        let (left, right) = (self.estimate.jaccard, other.estimate.jaccard);
        right.total_cmp(&left).then(self.turn.cmp(&other.turn))
    }
}

fn id_taken(id: &impl Debug) -> Error {
    Error::new(Kind::IdTaken(format!("{id:?}")))
}
