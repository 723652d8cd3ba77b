//! Counts in how many documents of each group every passage stands.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::passages::Passages;
use super::rest::{SetAside, Space, Splitting};
use crate::error::Error;
use crate::text::{Content, Document, Group, ReadBuffer};
use crate::watch::Ticker;

/// The most documents of a group whose passages are counted.
const SAMPLE: usize = 1024;

/// The memory of a document in passages: its own, and what the maps take for a group of one document.
fn memory_of(passages: &[u64]) -> usize {
    const EACH: usize = 48;
    passages.len() + EACH
}

/// Collects the passages of documents, in any order and in parallel.
///
/// Of each group, it keeps the documents with the lowest hashes of their texts. Which these are does not depend on the
/// order.
#[derive(Debug)]
pub(crate) struct Counter {
    splitting: Splitting,
    shards: Vec<Mutex<HashMap<Group, Sampled>>>,
    /// The memory of the documents that are held, in passages.
    held: AtomicUsize,
}

/// The sampled documents of a group.
#[derive(Debug)]
struct Sampled {
    /// Only documents with a lower hash may be in the sample.
    below: u64,
    /// For the hash of each text, its distinct passages, ascending.
    texts: BTreeMap<u64, Box<[u64]>>,
}

impl Default for Sampled {
    fn default() -> Self {
        Self {
            below: u64::MAX,
            texts: BTreeMap::new(),
        }
    }
}

impl Sampled {
    fn wants(&self, text: u64) -> bool {
        text < self.below && !self.texts.contains_key(&text)
    }

    /// Adds a document, and returns how much more memory is held, and how much less.
    fn add(&mut self, text: u64, passages: Box<[u64]>) -> (usize, usize) {
        if !self.wants(text) {
            return (0, 0);
        }
        let more = memory_of(&passages);
        self.texts.insert(text, passages);
        let mut fewer = 0;
        if self.texts.len() > SAMPLE {
            fewer = self
                .texts
                .pop_last()
                .map_or(0, |(_, left)| memory_of(&left));
        }
        if self.texts.len() == SAMPLE {
            let last = self.texts.last_key_value();
            self.below = last.map_or(self.below, |(&last, _)| last);
        }
        (more, fewer)
    }
}

impl Counter {
    pub(crate) fn new(splitting: Splitting) -> Self {
        const SHARDS: usize = 64;
        Self {
            splitting,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            held: AtomicUsize::new(0),
        }
    }

    /// Counts a document. Bytes that are not text have no passages.
    pub(crate) fn add(&self, group: Group, content: Content<'_>, space: &mut Space) {
        let Some(text) = content.as_text() else {
            return;
        };
        let key = xxh3_64_with_seed(text.as_bytes(), self.splitting.seed());
        if !self.of(group).entry(group).or_default().wants(key) {
            return;
        }
        let mut passages = self.splitting.passages(text, space).to_vec();
        passages.sort_unstable();
        passages.dedup();
        self.put(group, key, passages.into());
    }

    /// Adds the passages of a document, given the hash of its text.
    pub(crate) fn put(&self, group: Group, text: u64, passages: Box<[u64]>) {
        let (more, fewer) = self.of(group).entry(group).or_default().add(text, passages);
        self.held.fetch_add(more, Ordering::Relaxed);
        self.held.fetch_sub(fewer, Ordering::Relaxed);
    }

    /// The groups of a shard.
    fn of(&self, group: Group) -> MutexGuard<'_, HashMap<Group, Sampled>> {
        let shard = Group::bits(Some(group)) as usize % self.shards.len();
        lock(&self.shards[shard])
    }

    /// About the bytes of the documents that are held.
    #[cfg(feature = "corpus")]
    pub(crate) fn memory(&self) -> usize {
        size_of::<u64>() * self.held.load(Ordering::Relaxed)
    }

    /// Removes all documents: the group of each, the hash of its text, and its passages. Of groups with a full sample,
    /// only documents with lower hashes are collected further.
    #[cfg(feature = "corpus")]
    pub(crate) fn drain(&self) -> Vec<(Group, u64, Box<[u64]>)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let mut groups = lock(shard);
            for (&group, sampled) in &mut *groups {
                let texts = std::mem::take(&mut sampled.texts).into_iter();
                all.extend(texts.map(|(text, passages)| (group, text, passages)));
            }
            groups.retain(|_, sampled| sampled.below < u64::MAX);
            groups.shrink_to_fit();
        }
        let many = all.iter().map(|(.., passages)| memory_of(passages)).sum();
        self.held.fetch_sub(many, Ordering::Relaxed);
        all
    }

    /// Counts documents.
    pub(crate) fn add_all<D: Document + Sync>(
        &self,
        documents: &[D],
        ticker: &Ticker<'_>,
    ) -> Result<(), Error> {
        let add = |(space, buffer): &mut (Space, ReadBuffer), document: &D| {
            ticker.tick(1)?;
            if let Some(group) = document.group() {
                // Errors of reading are reported when the documents are compared.
                if let Ok(content) = document.content(buffer) {
                    self.add(group, content, space);
                }
            }
            Ok(())
        };
        documents
            .par_iter()
            .map_init(Default::default, add)
            .collect()
    }

    /// The repeated passages of all groups, in addition to those that are `known`.
    pub(crate) fn finish(self, known: Option<&SetAside>) -> SetAside {
        let mut aside = self.none(known);
        aside.extend(self.repeated(known));
        aside
    }

    /// Only the passages that are `known`.
    pub(crate) fn none(&self, known: Option<&SetAside>) -> SetAside {
        let none = || SetAside::new(self.splitting.clone());
        known.cloned().unwrap_or_else(none)
    }

    /// Removes all groups, and returns the repeated passages of each, in addition to those that are `known`.
    pub(crate) fn repeated(&self, known: Option<&SetAside>) -> Vec<(Group, Passages)> {
        self.held.store(0, Ordering::Relaxed);
        let shards = self.shards.par_iter().map(|shard| {
            let groups = std::mem::take(&mut *lock(shard)).into_iter();
            let repeated = groups.map(|(group, sampled)| {
                let known = known.and_then(|known| known.of(group));
                (group, Passages::repeated(&distinct(sampled), known))
            });
            repeated.collect::<Vec<_>>()
        });
        shards.flatten_iter().collect()
    }
}

fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The passages of distinct documents.
fn distinct(sampled: Sampled) -> Vec<Box<[u64]>> {
    let mut documents: Vec<Box<[u64]>> = sampled.texts.into_values().collect();
    documents.sort_unstable();
    documents.dedup();
    documents
}
