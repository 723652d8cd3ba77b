//! An index of documents that come one at a time.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use super::banding::{Banding, valid_threshold};
use crate::error::{Error, Kind};
use crate::sketch::{EMPTY, Estimate, Signature, SignatureMatrix, Sketcher};

/// Documents under ids of your own, to find those that a text resembles.
///
/// Made by [`Deduper::index`](crate::Deduper::index), whose settings it uses. Inserting and querying
/// cost one signature and one look-up a band, plus an estimate (about 20 nanoseconds) for each
/// candidate. Takes 4 K bytes for the signature and about 35 bytes a band a document: near 1.2 KiB with
/// the defaults, and the ids.
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
#[derive(Debug, Clone)]
pub struct Index<Id> {
    sketcher: Sketcher,
    banding: Banding,
    threshold: f64,
    /// The id in each row; none where it was removed.
    ids: Vec<Option<Id>>,
    row_of: HashMap<Id, u32>,
    free: Vec<u32>,
    matrix: SignatureMatrix,
    /// For each band, the newest row under a key.
    heads: Vec<HashMap<u64, u32, BuildHasherDefault<KeyHasher>>>,
    /// For each row and band, the rows next to it under the same key.
    links: Vec<Link>,
}

/// The rows before and after one under a key, or `END`.
#[derive(Debug, Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
}

/// End of a chain of rows.
const END: u32 = u32::MAX;

/// One answer of an [`Index`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Match<Id> {
    /// The id that was inserted.
    pub id: Id,
    /// Estimated similarity to what was asked.
    pub estimate: Estimate,
}

impl<Id: Clone + Eq + Hash + Debug> Index<Id> {
    /// An empty index.
    ///
    /// # Errors
    /// Where the threshold is not above 0 and at most 1, or the banding has more slots than a
    /// signature.
    pub fn new(sketcher: Sketcher, banding: Banding, threshold: f64) -> Result<Self, Error> {
        Ok(Self {
            ids: Vec::new(),
            row_of: HashMap::new(),
            free: Vec::new(),
            matrix: SignatureMatrix::new(*sketcher.scheme()),
            heads: vec![HashMap::default(); banding.bands()],
            links: Vec::new(),
            banding: banding.fits(sketcher.scheme().hashes())?,
            threshold: valid_threshold(threshold)?,
            sketcher,
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

    /// Inserts a signature.
    ///
    /// # Errors
    /// Where the id is in the index already, or the signature is of another scheme.
    ///
    /// # Panics
    /// Where 2^32 - 1 documents are in the index.
    pub fn insert_signature(&mut self, id: Id, signature: &Signature) -> Result<(), Error> {
        self.sketcher.scheme().matches(signature.scheme())?;
        if self.row_of.contains_key(&id) {
            return Err(Error::new(Kind::IdTaken(format!("{id:?}"))));
        }
        let row = self.new_row(signature)?;
        self.ids[row as usize] = Some(id.clone());
        self.row_of.insert(id, row);
        if !signature.is_empty() {
            self.link(row, signature.slots());
        }
        Ok(())
    }

    fn new_row(&mut self, signature: &Signature) -> Result<u32, Error> {
        if let Some(row) = self.free.pop() {
            self.matrix.set_row(row as usize, signature.slots());
            return Ok(row);
        }
        let row = u32::try_from(self.ids.len()).ok().filter(|&row| row != END);
        let row = row.expect("fewer than 2^32 - 1 documents");
        self.matrix.push(signature)?;
        self.ids.push(None);
        let alone = Link {
            newer: END,
            older: END,
        };
        self.links
            .resize(self.links.len() + self.heads.len(), alone);
        Ok(row)
    }

    fn link(&mut self, row: u32, slots: &[u32]) {
        let bands = self.heads.len();
        for (band, head) in self.heads.iter_mut().enumerate() {
            let older = head
                .insert(self.banding.key(band, slots), row)
                .unwrap_or(END);
            self.links[row as usize * bands + band] = Link { newer: END, older };
            if older != END {
                self.links[older as usize * bands + band].newer = row;
            }
        }
    }

    /// Removes a document; false where there is none of that id. Costs one look-up a band.
    pub fn remove<Q>(&mut self, id: &Q) -> bool
    where
        Id: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Some(row) = self.row_of.remove(id) else {
            return false;
        };
        if !self.matrix.is_empty_row(row as usize) {
            self.unlink(row);
        }
        self.ids[row as usize] = None;
        self.free.push(row);
        true
    }

    fn unlink(&mut self, row: u32) {
        let bands = self.heads.len();
        for band in 0..bands {
            let Link { newer, older } = self.links[row as usize * bands + band];
            if older != END {
                self.links[older as usize * bands + band].newer = newer;
            }
            if newer != END {
                self.links[newer as usize * bands + band].older = older;
                continue;
            }
            let key = self.banding.key(band, self.matrix.row(row as usize));
            if older == END {
                self.heads[band].remove(&key);
            } else {
                self.heads[band].insert(key, older);
            }
        }
    }

    /// The documents whose estimated similarity to `text` is at least the threshold, most similar
    /// first.
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

    fn above(&self, signature: &Signature, jaccard: f64) -> Vec<Match<Id>> {
        let mut found = self.candidates(signature.slots());
        found.retain(|(_, estimate)| estimate.jaccard >= jaccard);
        self.matches(found)
    }

    fn top(&self, signature: &Signature, k: usize) -> Vec<Match<Id>> {
        let mut found = self.candidates(signature.slots());
        found.truncate(k);
        self.matches(found)
    }

    /// Rows that share a band with `slots`, with their estimates, the highest first.
    fn candidates(&self, slots: &[u32]) -> Vec<(u32, Estimate)> {
        if slots[0] == EMPTY {
            return Vec::new();
        }
        let (banding, bands) = (self.banding, self.heads.len());
        let mut rows = Vec::new();
        for (band, heads) in self.heads.iter().enumerate() {
            let head = heads.get(&banding.key(band, slots)).copied();
            rows.extend(std::iter::successors(head, |&row| {
                Some(self.links[row as usize * bands + band].older).filter(|&row| row != END)
            }));
        }
        rows.sort_unstable();
        rows.dedup();
        let estimate = |row: u32| Estimate::of_rows(self.matrix.row(row as usize), slots);
        let mut found: Vec<_> = rows.into_iter().map(|row| (row, estimate(row))).collect();
        found.sort_by(by_estimate);
        found
    }

    fn matches(&self, found: Vec<(u32, Estimate)>) -> Vec<Match<Id>> {
        found
            .into_iter()
            .filter_map(|(row, estimate)| {
                let id = self.ids[row as usize].clone()?;
                Some(Match { id, estimate })
            })
            .collect()
    }

    /// True where a document of that id is in the index.
    pub fn contains<Q>(&self, id: &Q) -> bool
    where
        Id: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.row_of.contains_key(id)
    }

    /// The signature of a document in the index.
    pub fn signature<Q>(&self, id: &Q) -> Option<Signature>
    where
        Id: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let row = *self.row_of.get(id)?;
        Some(self.matrix.signature(row as usize))
    }

    /// The ids, in no particular order.
    pub fn ids(&self) -> impl Iterator<Item = &Id> {
        self.row_of.keys()
    }

    /// Documents in the index.
    pub fn len(&self) -> usize {
        self.row_of.len()
    }

    /// True where the index holds no document.
    pub fn is_empty(&self) -> bool {
        self.row_of.is_empty()
    }

    /// Bytes held on the heap, about; what the ids themselves hold there is not counted.
    pub fn memory_usage(&self) -> usize {
        // A hash table's capacity is 7/8 of its places, each with one byte of control.
        let table = |capacity: usize, entry: usize| capacity * 8 / 7 * (entry + 1);
        let heads: usize = self
            .heads
            .iter()
            .map(|head| table(head.capacity(), size_of::<(u64, u32)>()))
            .sum();
        heads
            + table(self.row_of.capacity(), size_of::<(Id, u32)>())
            + self.ids.capacity() * size_of::<Option<Id>>()
            + self.links.capacity() * size_of::<Link>()
            + self.free.capacity() * size_of::<u32>()
            + self.matrix.memory_usage()
    }

    /// What makes the signatures.
    pub fn sketcher(&self) -> &Sketcher {
        &self.sketcher
    }

    /// The banding.
    pub fn banding(&self) -> Banding {
        self.banding
    }

    /// The least estimate that [`query`](Self::query) answers.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }
}

fn by_estimate(left: &(u32, Estimate), right: &(u32, Estimate)) -> std::cmp::Ordering {
    let (l, r) = (left.1.jaccard, right.1.jaccard);
    r.total_cmp(&l).then(left.0.cmp(&right.0))
}

/// Band keys are hashes already.
#[derive(Debug, Default, Clone)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}
