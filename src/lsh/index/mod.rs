//! An index of documents that arrive one at a time.

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
use crate::similarity::Similarity;
use crate::sketch::{EMPTY, Estimate, Signature, Sketcher, floor_slots};
use mapped::Mapped;
use resident::Resident;

/// Finds the documents that a text resembles, among documents inserted under ids of your own.
///
/// [`Deduper::index`](crate::Deduper::index) makes one with its settings. An insertion or a query costs one signature
/// and one look-up per band; a query also costs an estimate (about 20 nanoseconds) per candidate. With the defaults, a
/// document takes 1.38 to 2.3 KiB of memory, plus its id; the size varies because hash tables and arrays double when
/// they are full. With the feature `storage`, an index can be saved to files and opened from them (`save`, `open`).
/// Documents in the files of an open index take hardly any memory.
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
/// Any number of threads can query an index at the same time; inserting and removing need exclusive access. Compute
/// signatures before taking the lock: they are most of the work.
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
/// Between the two locks, another thread may insert a copy of the same text. To prevent that, hold the write lock for
/// both steps.
#[derive(Clone)]
pub struct Index<Id> {
    sketcher: Sketcher,
    banding: Banding,
    threshold: f64,
    /// The documents in the files from which the index was opened. They come before all resident ones in the order of
    /// insertion.
    mapped: Option<Mapped<Id>>,
    resident: Resident<Id>,
    /// The files from which the index was opened, or to which it was last saved.
    #[cfg(feature = "storage")]
    saved: save::Saved,
}

/// The number of texts whose signatures are computed together.
const TOGETHER: usize = 1 << 12;

/// A document found by [`Index::query_verified`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct VerifiedMatch<Id> {
    /// The id of the document.
    pub id: Id,
    /// The exact similarity of the query text (a) and the text of the document (b).
    pub similarity: Similarity,
}

/// A document found by a query of an [`Index`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Match<Id> {
    /// The id of the document.
    pub id: Id,
    /// The estimated similarity to the query.
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
    /// If the threshold is not above 0 and at most 1, or the banding needs more slots than a signature has.
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

    /// Inserts a text. A text without shingles is stored, but no query finds it.
    ///
    /// # Errors
    /// If the id is in the index already; nothing changes then.
    pub fn insert(&mut self, id: Id, text: impl AsRef<str>) -> Result<(), Error> {
        let signature = self.sketcher.signature(text);
        self.insert_signature(id, &signature)
    }

    /// Inserts texts with their ids, in this order. Computes the signatures in parallel on the current rayon pool.
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
    /// If an id is in the index already or occurs twice; nothing changes then.
    pub fn insert_all<T: AsRef<str> + Sync>(
        &mut self,
        documents: impl IntoIterator<Item = (Id, T)>,
    ) -> Result<(), Error> {
        let (ids, texts): (Vec<Id>, Vec<T>) = documents.into_iter().unzip();
        let mut new = HashSet::with_capacity(ids.len());
        if let Some(id) = ids.iter().find(|&id| self.contains(id) || !new.insert(id)) {
            return Err(Error::id_taken(id));
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
    /// If the id is in the index already, or the signature has another scheme.
    ///
    /// # Panics
    /// If the index already contains 2^32 - 1 documents.
    pub fn insert_signature(&mut self, id: Id, signature: &Signature) -> Result<(), Error> {
        self.sketcher.scheme().matches(signature.scheme())?;
        if self.contains(&id) {
            return Err(Error::id_taken(&id));
        }
        let keys = self.keys(signature.slots());
        self.resident.insert(id, signature.slots(), &keys);
        Ok(())
    }

    /// Removes a document; returns false if no document has this id. Costs one look-up per band.
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

    /// Removes the documents for whose ids `keep` returns false. Calls it in the order of insertion.
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
    /// If the other index has another scheme, banding or threshold, or shares an id with this one; nothing changes
    /// then.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.matches(other)?;
        other.for_each(|id, _| match self.contains(&id) {
            true => Err(Error::id_taken(&id)),
            false => Ok(()),
        })?;
        other.for_each(|id, slots| {
            let keys = self.keys(slots);
            self.resident.insert(id, slots, &keys);
            Ok(())
        })
    }

    /// Fails if `other` has different settings.
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

    /// Calls `each` with every document, in the order of insertion.
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

    /// The documents whose estimated similarity to `text` is at least the threshold: most similar first, ties in the
    /// order of insertion.
    ///
    /// An estimate has a standard error, so a document exactly at the threshold is found only about half of the time.
    /// To find those too, call [`query_above`](Self::query_above) with
    /// [`Deduper::estimate_floor`](crate::Deduper::estimate_floor) and compare the texts, or use
    /// [`query_verified`](Self::query_verified).
    pub fn query(&self, text: impl AsRef<str>) -> Vec<Match<Id>> {
        self.query_above(text, self.threshold)
    }

    /// Like [`query`](Self::query), with `jaccard` as the lowest estimate instead of the threshold.
    ///
    /// The further a document lies below the threshold, the more likely it is not found at all: the
    /// [S-curve](Banding::probability) of the banding has the probabilities.
    pub fn query_above(&self, text: impl AsRef<str>, jaccard: f64) -> Vec<Match<Id>> {
        self.above(&self.sketcher.signature(text), jaccard)
    }

    /// Like [`query_above`](Self::query_above), for a signature.
    ///
    /// # Errors
    /// If the signature has another scheme.
    pub fn query_signature(
        &self,
        signature: &Signature,
        jaccard: f64,
    ) -> Result<Vec<Match<Id>>, Error> {
        self.sketcher.scheme().matches(signature.scheme())?;
        Ok(self.above(signature, jaccard))
    }

    /// The documents whose exact similarity to `text` is at least the threshold: most similar first, ties in the order
    /// of insertion.
    ///
    /// The index contains no texts, so `text_of` must return the text that was inserted under an id. It is called for
    /// each candidate whose estimate reaches [`estimate_floor`](Self::estimate_floor), highest estimates first. If it
    /// returns `None`, the document cannot be verified and is left out; [`query_above`](Self::query_above) also lists
    /// such documents, with their estimates.
    ///
    /// In addition to the cost of a query, each text from `text_of` is split into shingles, which are sorted: about 10
    /// microseconds for 100 words.
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
        let set = |text: &str| self.sketcher.set(text);
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

    /// The `k` candidates with the highest estimates, however low these are.
    pub fn top_k(&self, text: impl AsRef<str>, k: usize) -> Vec<Match<Id>> {
        self.top(&self.sketcher.signature(text), k)
    }

    /// Like [`top_k`](Self::top_k), for a signature.
    ///
    /// # Errors
    /// If the signature has another scheme.
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

    /// The documents that share a band with `slots`, highest estimates first.
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

    /// The place of a document.
    fn find<Q>(&self, id: &Q) -> Option<Place>
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mapped = self.mapped.as_ref().and_then(|mapped| mapped.find(id));
        let resident = || self.resident.find(id).map(Place::Resident);
        mapped.map(Place::Mapped).or_else(resident)
    }

    /// True if the index contains a document with this id.
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

    /// The ids, in the order of insertion. They are sorted first, which takes 16 bytes per document while the iterator
    /// exists. The first call on an opened index reads the ids in its files into memory.
    pub fn ids(&self) -> impl Iterator<Item = &Id> {
        let mapped = self.mapped.iter().flat_map(Mapped::ids);
        let resident = self.resident.in_order().into_iter();
        mapped.chain(resident.filter_map(|row| self.resident.id(row)))
    }

    /// The number of documents in the index.
    pub fn len(&self) -> usize {
        self.mapped.as_ref().map_or(0, Mapped::len) + self.resident.len()
    }

    /// True if the index contains no documents.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The approximate number of bytes on the heap, without those that the ids themselves allocate, and without the
    /// files of an opened index.
    pub fn memory_usage(&self) -> usize {
        self.mapped.as_ref().map_or(0, Mapped::memory_usage) + self.resident.memory_usage()
    }

    /// The sketcher, which computes the signatures.
    pub fn sketcher(&self) -> &Sketcher {
        &self.sketcher
    }

    /// The banding.
    pub fn banding(&self) -> Banding {
        self.banding
    }

    /// The lowest estimate that [`query`](Self::query) returns, and the lowest similarity that
    /// [`query_verified`](Self::query_verified) returns.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// The lowest estimate with which [`query_verified`](Self::query_verified) verifies a candidate. It is so far below
    /// the threshold that it misses at most a tenth as many documents at the threshold as the banding misses.
    pub fn estimate_floor(&self) -> f64 {
        let hashes = self.sketcher.scheme().hashes();
        let missed = 1.0 - self.banding.probability(self.threshold);
        floor_slots(self.threshold, hashes, missed / 10.0).0 as f64 / hashes as f64
    }
}

/// A candidate, before its id is looked up.
struct Found {
    estimate: Estimate,
    /// The position of the document in the order of insertion.
    turn: u64,
    place: Place,
}

/// A row of the mapped documents, or of those in memory.
#[derive(Clone, Copy)]
enum Place {
    Mapped(u32),
    Resident(u32),
}

impl Found {
    /// Orders by estimate, highest first, then by insertion.
    fn compare(&self, other: &Self) -> Ordering {
        let (left, right) = (self.estimate.jaccard, other.estimate.jaccard);
        right.total_cmp(&left).then(self.turn.cmp(&other.turn))
    }
}
