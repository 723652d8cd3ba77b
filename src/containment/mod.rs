//! Containment search: the documents that contain a text, and those that a text contains.
//!
//! [`Deduper::containment_index`](crate::Deduper::containment_index) makes a [`ContainmentIndex`], which holds the
//! shingles of documents. It answers two questions:
//!
//! - [`containing`](ContainmentIndex::containing): the documents that contain at least this share of a text. For the
//!   articles that quote a press release, the page from which a passage was taken, or the training documents that
//!   contain a test item.
//! - [`contained_in`](ContainmentIndex::contained_in): the documents of which a text contains at least this share. For
//!   the press releases that an article quotes, or the test items that a training document contains.
//!
//! Both answers are exact: every document at or above the share is found, and no other. An [`Index`](crate::Index)
//! cannot do this. It finds documents by their Jaccard similarity, which is low if one text is much longer than the
//! other: at most 0.03 for a passage of 60 words in a document of 2,000.
//!
//! # Where is the passage?
//!
//! An index holds no texts. To see which words two texts share, and where, pass both texts to
//! [`Deduper::passages`](crate::Deduper::passages):
//!
//! ```
//! use std::collections::HashMap;
//! use resemblance::Deduper;
//!
//! let deduper = Deduper::new();
//! let pages = HashMap::from([
//!     (1, "Shipping news. The steam ferry goes back into service on Monday, nine years after its last crossing. Tides."),
//!     (2, "Volunteers will open the lighthouse to visitors for one day in June."),
//! ]);
//! let mut index = deduper.containment_index();
//! index.insert_all(&pages)?;
//!
//! let sentence = "the steam ferry goes back into service on Monday, nine years after its last crossing";
//! let found = index.containing(sentence, 0.8)?;
//! assert_eq!((*found[0].id, found[0].containment), (1, 1.0));
//!
//! let page = pages[found[0].id];
//! let passages = deduper.passages(sentence, page);
//! assert_eq!(passages.as_slice()[0].b, 15..99);
//! # Ok::<(), resemblance::Error>(())
//! ```
//!
//! # Which share?
//!
//! Containment is a share of shingles, not of words. With shingles of n words, a changed word changes up to n of them. A
//! passage of 60 words has 56 shingles of five words. With three words changed, it keeps at least 41 of them (0.73); with
//! six, at least 26 (0.46). So ask for 0.4 if every tenth word may have changed; a text of some dozen words hardly shares
//! that much by chance. Or use shorter shingles, which are shared by chance more often.
//!
//! A text of fewer than n words has one shingle: all its words. So it is contained only in texts of these words and
//! no others. A text without words contains nothing, and is contained in nothing.
//!
//! # Cost
//!
//! Memory: 12.5 bytes for each distinct shingle of each document, so 25 KB for a document of 2,000 words, plus 2 to 4
//! bytes for each in an index of less than 8 million. It doubles for a moment while parts of the index are merged.
//!
//! Time: an insertion costs the shingles of the text, and merges parts of the index: each shingle is moved once for each
//! doubling of the index. A query costs the shingles of the text and a look-up for each; then the lists of documents of
//! the rarer shingles are read, and the documents found there are searched in the lists of the others. So a passage
//! that is partly boilerplate costs little more than one without. `docs/passages.md` has measurements.

mod filter;
mod postings;
mod shared;

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::fmt::{self, Debug};
use std::hash::Hash;

use rayon::prelude::*;

use crate::error::{Error, Kind};
use crate::hashed::table_memory;
use crate::pool::Pool;
use crate::text::{Scratch, Shingler};
use crate::threshold::Threshold;
use filter::Filter;
use postings::Postings;
use shared::{Shared, shared};

/// Finds the documents that contain a text, and those that a text contains, among documents inserted under ids of your
/// own. See the [module](self) for the two questions, and what they cost.
///
/// ```
/// use resemblance::Deduper;
///
/// let mut index = Deduper::new().containment_index();
/// index.insert("release", "The steam ferry goes back into service on Monday.")?;
/// let article = "Good news: the steam ferry goes back into service on Monday. Tickets are sold out already.";
/// let found = index.contained_in(article, 0.8)?;
/// assert_eq!((found[0].id, found[0].shared, found[0].containment), ("release", 5, 1.0));
/// assert!(index.containing(article, 0.8)?.is_empty());
/// # Ok::<(), resemblance::Error>(())
/// ```
///
/// # Threads
///
/// Any number of threads can query an index at the same time; inserting and removing need exclusive access.
///
/// # Fallibility
///
/// Queries fail only if the containment is not above 0 and at most 1; insertions only if the id is in the index already.
#[derive(Clone)]
pub struct ContainmentIndex<Id> {
    shingler: Shingler,
    /// The id in each row; `None` if the document was removed. Rows are in the order of insertion.
    ids: Vec<Option<Id>>,
    row_of: HashMap<Id, u32>,
    /// The number of distinct shingles in each row.
    sizes: Vec<u32>,
    /// No document with shingles has fewer.
    smallest: u32,
    /// The postings of all rows, in runs of consecutive rows. Each run is at least twice as large as the next, so there
    /// are few.
    runs: Vec<Postings>,
    /// The hashes of all runs, unless there are too many.
    filter: Option<Filter>,
    /// The removed documents, and their shingles, that are still in the rows and runs.
    removed: Removed,
    working: Pool<Working>,
}

/// A document found by a query of a [`ContainmentIndex`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Match<Id> {
    /// The id of the document.
    pub id: Id,
    /// The number of distinct shingles that the text and the document share.
    pub shared: usize,
    /// The share of the contained one's shingles that are in the other: of the text's for
    /// [`containing`](ContainmentIndex::containing), of the document's for
    /// [`contained_in`](ContainmentIndex::contained_in).
    pub containment: f64,
}

/// Removed documents, and how many shingles they have.
#[derive(Debug, Clone, Copy, Default)]
struct Removed {
    rows: usize,
    postings: usize,
}

/// Memory of a thread for the shingles of a text.
#[derive(Debug, Default)]
struct Working {
    scratch: Scratch,
    hashes: Vec<u64>,
}

impl Working {
    /// The distinct shingle hashes of a text, ascending.
    fn set(&mut self, shingler: &Shingler, text: &str) -> &[u64] {
        shingler.text_into(text, &mut self.scratch, &mut self.hashes);
        sort_and_dedup(&mut self.hashes);
        &self.hashes
    }
}

/// The most bytes of texts whose shingles are sorted together.
const TOGETHER: usize = 32 << 20;

impl<Id: Clone + Eq + Hash + Debug> Debug for ContainmentIndex<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainmentIndex")
            .field("shingler", &self.shingler)
            .field("len", &self.len())
            .field("shingles", &self.postings())
            .finish_non_exhaustive()
    }
}

impl<Id: Clone + Eq + Hash + Debug> ContainmentIndex<Id> {
    /// An empty index for texts with the shingles of this shingler.
    pub fn new(shingler: Shingler) -> Self {
        Self {
            shingler,
            ids: Vec::new(),
            row_of: HashMap::new(),
            sizes: Vec::new(),
            smallest: u32::MAX,
            runs: Vec::new(),
            filter: Filter::new(0),
            removed: Removed::default(),
            working: Pool::default(),
        }
    }

    /// Inserts a text. A text without shingles is stored, but no query finds it.
    ///
    /// # Errors
    /// If the id is in the index already; nothing changes then.
    ///
    /// # Panics
    /// If the index already contains 2^32 - 1 documents.
    pub fn insert(&mut self, id: Id, text: impl AsRef<str>) -> Result<(), Error> {
        let mut working = std::mem::take(&mut *self.working.lend());
        let inserted = self.insert_sorted(id, working.set(&self.shingler, text.as_ref()));
        *self.working.lend() = working;
        inserted
    }

    /// Inserts a document of which only the shingles are given, as in
    /// [`Content::Shingles`](crate::text::Content::Shingles): in any order; repeated ones count once.
    ///
    /// # Errors
    /// If the id is in the index already; nothing changes then.
    ///
    /// # Panics
    /// If the index already contains 2^32 - 1 documents.
    pub fn insert_shingles(&mut self, id: Id, shingles: &[u64]) -> Result<(), Error> {
        self.insert_sorted(id, &sorted(shingles))
    }

    fn insert_sorted(&mut self, id: Id, hashes: &[u64]) -> Result<(), Error> {
        if self.contains(&id) {
            return Err(Error::id_taken(&id));
        }
        let row = self.push(id, hashes.len());
        self.add(Postings::of_document(row, hashes));
        Ok(())
    }

    /// Inserts texts with their ids, in this order. Computes and sorts the shingles in parallel on the current rayon
    /// pool, which is much faster than inserting one text after the other.
    ///
    /// # Errors
    /// If an id is in the index already or occurs twice; nothing changes then.
    ///
    /// # Panics
    /// If the index would contain more than 2^32 - 1 documents.
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
        let (mut ids, mut rest) = (ids.into_iter(), &*texts);
        while !rest.is_empty() {
            let (texts, behind) = rest.split_at(together(rest));
            let sets: Vec<Vec<u64>> = texts
                .par_iter()
                .map_init(Working::default, |working, text| {
                    working.set(&self.shingler, text.as_ref()).to_vec()
                })
                .collect();
            let mut postings = Vec::with_capacity(sets.iter().map(Vec::len).sum());
            for (set, id) in sets.into_iter().zip(&mut ids) {
                let row = self.push(id, set.len());
                postings.extend(set.into_iter().map(|hash| (hash, row)));
            }
            postings.par_sort_unstable();
            self.add(Postings::of_sorted(&postings));
            rest = behind;
        }
        Ok(())
    }

    /// Adds a row for a document.
    fn push(&mut self, id: Id, size: usize) -> u32 {
        let row = u32::try_from(self.ids.len()).ok();
        let row = row.filter(|&row| row < u32::MAX);
        let row = row.expect("fewer than 2^32 - 1 documents");
        let size = u32::try_from(size).expect("a text has fewer than 2^32 shingles");
        self.ids.push(Some(id.clone()));
        self.row_of.insert(id, row);
        self.sizes.push(size);
        if size > 0 {
            self.smallest = self.smallest.min(size);
        }
        row
    }

    /// Adds the postings of the last rows.
    fn add(&mut self, postings: Postings) {
        if postings.len() == 0 {
            return;
        }
        let hashes = self.postings() + postings.len();
        match &mut self.filter {
            Some(filter) if filter.fits(hashes) => {
                let new = postings.hashes().iter();
                new.for_each(|&hash| filter.insert(hash));
                self.runs.push(postings);
            }
            _ => {
                self.runs.push(postings);
                self.renew_filter();
            }
        }
        while let [.., older, newer] = &*self.runs
            && older.len() < 2 * newer.len()
        {
            self.merge_last();
        }
    }

    fn renew_filter(&mut self) {
        // The old one is not needed, and may be large.
        self.filter = None;
        self.filter = Filter::new(self.postings());
        if let Some(filter) = &mut self.filter {
            let hashes = self.runs.iter().flat_map(Postings::hashes);
            hashes.for_each(|&hash| filter.insert(hash));
        }
    }

    /// Makes one run of the last two, without the postings of removed documents.
    fn merge_last(&mut self) {
        let (Some(newer), Some(older)) = (self.runs.pop(), self.runs.pop()) else {
            return;
        };
        let mut merged = Postings::merged(&older, &newer);
        if self.removed.postings > 0 {
            let all = merged.len();
            let is_there = |row: u32| self.ids[row as usize].is_some();
            merged = merged.renumbered(|row| is_there(row).then_some(row));
            self.removed.postings -= all - merged.len();
        }
        self.runs.push(merged);
    }

    /// Removes a document; returns false if no document has this id.
    ///
    /// Its memory is freed when at least half of the index is of removed documents, or earlier. Then the whole index is
    /// written anew.
    pub fn remove<Q>(&mut self, id: &Q) -> bool
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let Some(row) = self.row_of.remove(id) else {
            return false;
        };
        self.ids[row as usize] = None;
        self.removed.rows += 1;
        self.removed.postings += self.sizes[row as usize] as usize;
        let Removed { rows, postings } = self.removed;
        if 2 * (rows + postings) > self.ids.len() + self.postings() {
            self.compact();
        }
        true
    }

    /// Removes the documents for whose ids `keep` returns false. Calls it in the order of insertion.
    pub fn retain(&mut self, mut keep: impl FnMut(&Id) -> bool) {
        let removed: Vec<Id> = self.ids().filter(|&id| !keep(id)).cloned().collect();
        for id in &removed {
            self.remove(id);
        }
    }

    /// Renumbers the documents without the removed ones, and makes one run of their postings.
    fn compact(&mut self) {
        let mut next = 0;
        let numbers = self.ids.iter().map(|id| {
            id.as_ref()?;
            next += 1;
            Some(next - 1)
        });
        let numbers: Vec<Option<u32>> = numbers.collect();
        let number = |row: u32| numbers[row as usize];
        let runs = std::mem::take(&mut self.runs).into_iter();
        let runs = runs.map(|run| run.renumbered(number));
        self.runs = runs.filter(|run| run.len() > 0).collect();
        for row in self.row_of.values_mut() {
            *row = number(*row).unwrap_or_default();
        }
        let mut rows = numbers.iter();
        self.sizes
            .retain(|_| rows.next().is_some_and(Option::is_some));
        self.ids.retain(Option::is_some);
        self.ids.shrink_to_fit();
        self.sizes.shrink_to_fit();
        self.smallest = self
            .sizes
            .iter()
            .copied()
            .filter(|&size| size > 0)
            .min()
            .unwrap_or(u32::MAX);
        self.removed = Removed::default();
        while self.runs.len() > 1 {
            self.merge_last();
        }
        self.renew_filter();
    }

    /// The documents that contain at least this share of the shingles of `text`: those that contain most of it first,
    /// ties in the order of insertion.
    ///
    /// # Errors
    /// If `containment` is not above 0 and at most 1.
    pub fn containing(
        &self,
        text: impl AsRef<str>,
        containment: f64,
    ) -> Result<Vec<Match<Id>>, Error> {
        let share = share(containment)?;
        let mut working = self.working.lend();
        Ok(self.containing_sorted(working.set(&self.shingler, text.as_ref()), share))
    }

    /// Like [`containing`](Self::containing), for a text of which only the shingles are given, in any order; repeated
    /// ones count once.
    ///
    /// # Errors
    /// If `containment` is not above 0 and at most 1.
    pub fn containing_shingles(
        &self,
        shingles: &[u64],
        containment: f64,
    ) -> Result<Vec<Match<Id>>, Error> {
        let share = share(containment)?;
        Ok(self.containing_sorted(&sorted(shingles), share))
    }

    fn containing_sorted(&self, hashes: &[u64], share: Threshold) -> Vec<Match<Id>> {
        let least = share.least_partner(hashes.len());
        let found = shared(&self.runs, hashes, least);
        self.matches(found, |_| hashes.len())
    }

    /// The documents of whose shingles `text` contains at least this share: the most contained first, ties in the order
    /// of insertion.
    ///
    /// Most shingles that no document has are dismissed by a filter, before the others are sorted and looked up. So for long
    /// texts and a small index, this costs little more than computing the shingles of the texts.
    ///
    /// # Errors
    /// If `containment` is not above 0 and at most 1.
    pub fn contained_in(
        &self,
        text: impl AsRef<str>,
        containment: f64,
    ) -> Result<Vec<Match<Id>>, Error> {
        let share = share(containment)?;
        let mut working = self.working.lend();
        let Working { scratch, hashes } = &mut *working;
        self.shingler.text_into(text.as_ref(), scratch, hashes);
        Ok(self.contained_in_any(hashes, share))
    }

    /// Like [`contained_in`](Self::contained_in), for a text of which only the shingles are given, in any order;
    /// repeated ones count once.
    ///
    /// # Errors
    /// If `containment` is not above 0 and at most 1.
    pub fn contained_in_shingles(
        &self,
        shingles: &[u64],
        containment: f64,
    ) -> Result<Vec<Match<Id>>, Error> {
        let share = share(containment)?;
        Ok(self.contained_in_any(&mut shingles.to_vec(), share))
    }

    /// For hashes in any order, which it changes.
    fn contained_in_any(&self, hashes: &mut Vec<u64>, share: Threshold) -> Vec<Match<Id>> {
        if let Some(filter) = &self.filter {
            filter.retain(hashes);
        }
        sort_and_dedup(hashes);
        if hashes.is_empty() {
            return Vec::new();
        }
        let least = share.least_partner(self.smallest as usize);
        let size = |row: u32| self.sizes[row as usize] as usize;
        let mut found = shared(&self.runs, hashes, least);
        found.retain(|found| share.is_reached(found.shingles, size(found.row)));
        self.matches(found, size)
    }

    /// Rows as matches, without those of removed documents. `size` returns the number of shingles of which a row shares
    /// some.
    fn matches(&self, found: Vec<Shared>, size: impl Fn(u32) -> usize) -> Vec<Match<Id>> {
        let matched = found.into_iter().filter_map(|Shared { row, shingles }| {
            Some(Match {
                id: self.ids[row as usize].clone()?,
                shared: shingles,
                containment: shingles as f64 / size(row) as f64,
            })
        });
        let mut matches: Vec<Match<Id>> = matched.collect();
        // Stable: rows are in the order of insertion.
        matches.sort_by(|left, right| right.containment.total_cmp(&left.containment));
        matches
    }

    /// True if a document of the index has this shingle; or had it, and was removed.
    ///
    /// If no document has it, this costs about as much as computing the hash with [`Shingler::text_into`].
    #[inline]
    pub fn has_shingle(&self, shingle: u64) -> bool {
        let may = self
            .filter
            .as_ref()
            .is_none_or(|filter| filter.contains(shingle));
        may && self.runs.iter().any(|run| !run.list(shingle).is_empty())
    }

    /// True if the index contains a document with this id.
    pub fn contains<Q>(&self, id: &Q) -> bool
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.row_of.contains_key(id)
    }

    /// The number of distinct shingles of a document in the index.
    pub fn shingles<Q>(&self, id: &Q) -> Option<usize>
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let row = *self.row_of.get(id)?;
        Some(self.sizes[row as usize] as usize)
    }

    /// The ids, in the order of insertion.
    pub fn ids(&self) -> impl Iterator<Item = &Id> {
        self.ids.iter().flatten()
    }

    /// The number of documents in the index.
    pub fn len(&self) -> usize {
        self.row_of.len()
    }

    /// True if the index contains no documents.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The approximate number of bytes on the heap, without those that the ids themselves allocate.
    pub fn memory_usage(&self) -> usize {
        let runs: usize = self.runs.iter().map(Postings::memory_usage).sum();
        runs + self.filter.as_ref().map_or(0, Filter::memory_usage)
            + table_memory(self.row_of.capacity(), size_of::<(Id, u32)>())
            + self.ids.capacity() * size_of::<Option<Id>>()
            + self.sizes.capacity() * size_of::<u32>()
    }

    /// The shingler, which computes the shingles of texts.
    pub fn shingler(&self) -> &Shingler {
        &self.shingler
    }

    /// The number of postings, with those of removed documents.
    fn postings(&self) -> usize {
        self.runs.iter().map(Postings::len).sum()
    }
}

/// A least containment, validated.
fn share(containment: f64) -> Result<Threshold, Error> {
    match containment > 0.0 && containment <= 1.0 {
        true => Ok(Threshold(containment)),
        false => Err(Error::new(Kind::Containment(containment))),
    }
}

/// The number of texts at the start of `texts` that are sorted together; at least one.
fn together<T: AsRef<str>>(texts: &[T]) -> usize {
    let mut bytes = 0;
    let fits = texts.iter().take_while(|text| {
        bytes += text.as_ref().len();
        bytes <= TOGETHER
    });
    fits.count().max(1)
}

fn sorted(shingles: &[u64]) -> Vec<u64> {
    let mut hashes = shingles.to_vec();
    sort_and_dedup(&mut hashes);
    hashes
}

fn sort_and_dedup(hashes: &mut Vec<u64>) {
    hashes.sort_unstable();
    hashes.dedup();
}

#[cfg(test)]
mod tests;
