//! Finds documents that share keys, in partitions of keys on the disk.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::corpus::error::Error;
use crate::corpus::job::disk::folder::Bytes as _;
use crate::corpus::job::disk::partition::{Partitioner, Partitions, part_of};
use crate::repeated::repeated_of;

/// A key that is written to partitions.
pub(crate) trait Key: Copy + Ord + Default + Send + Sync {
    const SIZE: usize;

    /// The first bits, which determine the part, and the rest.
    fn split(self) -> (u64, Self::Rest);
    type Rest: Copy + Ord + Default + Send + Sync;

    fn to_bytes(self, bytes: &mut [u8]);
    fn of_bytes(bytes: &[u8]) -> Self;
}

impl Key for u64 {
    const SIZE: usize = 8;
    type Rest = ();

    fn split(self) -> (u64, ()) {
        (self, ())
    }

    fn to_bytes(self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.to_le_bytes());
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        Self::from_le_bytes(bytes.try_into().unwrap_or_default())
    }
}

impl Key for u128 {
    const SIZE: usize = 16;
    type Rest = u64;

    fn split(self) -> (u64, u64) {
        ((self >> 64) as u64, self as u64)
    }

    fn to_bytes(self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.to_le_bytes());
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        Self::from_le_bytes(bytes.try_into().unwrap_or_default())
    }
}

impl Partitioner<'_> {
    /// Writes a document's key to the part of the key.
    pub(crate) fn write_key<K: Key>(&mut self, key: K, document: u32) -> Result<(), Error> {
        let mut bytes = [0; 20];
        key.to_bytes(&mut bytes[..K::SIZE]);
        bytes[K::SIZE..K::SIZE + 4].copy_from_slice(&document.to_le_bytes());
        let part = part_of(key.split().0, self.parts());
        self.write(part, &bytes[..K::SIZE + 4])
    }
}

/// Calls `each` with the keys of a part, and the document of each.
pub(crate) fn for_each_key<K: Key>(
    partitions: &Partitions,
    part: usize,
    mut each: impl FnMut(K, u32),
) -> Result<(), Error> {
    let mut reader = partitions.read(part)?;
    let mut bytes = [0; 20];
    while reader.fill(&mut bytes[..K::SIZE + 4])? {
        let document = bytes[K::SIZE..].first_chunk().copied();
        let document = u32::from_le_bytes(document.unwrap_or_default());
        each(K::of_bytes(&bytes[..K::SIZE]), document);
    }
    Ok(())
}

/// Pairs of a document and a later one with the same key.
pub(crate) type Shared = Vec<(u32, u32)>;

/// Finds the documents of a part that share keys, except those for which `is_asked` returns false. Holds about `most`
/// keys in memory. Calls `each` with pairs of documents that share a key: the lowest document with this key, and
/// another.
pub(crate) fn shared<K: Key>(
    partitions: &Partitions,
    part: usize,
    most: usize,
    is_asked: impl Fn(u32) -> bool + Sync,
    mut each: impl FnMut(Shared),
) -> Result<(), Error> {
    let keys = partitions.bytes(part) as usize / (K::SIZE + 4);
    let passes = keys.div_ceil(most).max(1);
    for pass in 0..passes {
        let mut held: Vec<(K, u32)> = Vec::new();
        let mut is_crowded = false;
        for_each_key(partitions, part, |key: K, document| {
            // The pass of a key is determined by the bits after those of its part.
            let within = key.split().0.wrapping_mul(partitions.len() as u64);
            if is_asked(document) && part_of(within, passes) == pass {
                held.push((key, document));
                if held.len() == 2 * most {
                    // Many documents share keys: keep only one document per key.
                    is_crowded = true;
                    each(compact(&mut held));
                }
            }
        })?;
        each(match is_crowded {
            true => compact(&mut held),
            false => repeated_keys(&held),
        });
    }
    Ok(())
}

/// A key and documents that share it, ascending.
pub(crate) enum Bucket<'b> {
    /// The key and all its documents.
    Whole(u64, &'b [u32]),
    /// The key and some of its documents. Others follow, or were returned before.
    Part(u64, &'b [u32]),
}

/// Finds the documents of a part that share keys, except those for which `is_asked` returns false. Holds about `most`
/// keys in memory.
pub(crate) fn buckets(
    partitions: &Partitions,
    part: usize,
    most: usize,
    is_asked: impl Fn(u32) -> bool + Sync,
    mut each: impl FnMut(Bucket<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    /// The number of documents of a key from which on they are returned in parts.
    const MANY: usize = 1 << 10;
    let keys = partitions.bytes(part) as usize / (u64::SIZE + 4);
    let passes = keys.div_ceil(most).max(1);
    for pass in 0..passes {
        let mut held: Vec<(u64, u32)> = Vec::new();
        let mut full = 2 * most;
        let mut in_parts = HashSet::new();
        let mut reader = partitions.read(part)?;
        let mut bytes = [0; 12];
        let mut documents: Vec<u32> = Vec::new();
        while reader.fill(&mut bytes)? {
            let (key, document) = bytes.split_at(8);
            let key = u64::of_bytes(key);
            let document = u32::from_le_bytes(document.try_into().unwrap_or_default());
            let within = key.wrapping_mul(partitions.len() as u64);
            if !is_asked(document) || part_of(within, passes) != pass {
                continue;
            }
            held.push((key, document));
            if held.len() >= full {
                held.par_sort_unstable();
                let mut kept = Vec::new();
                for run in held.chunk_by(|a, b| a.0 == b.0) {
                    if run.len() < MANY && !in_parts.contains(&run[0].0) {
                        kept.extend_from_slice(run);
                        continue;
                    }
                    in_parts.insert(run[0].0);
                    documents.clear();
                    documents.extend(run.iter().map(|&(_, document)| document));
                    each(Bucket::Part(run[0].0, &documents))?;
                }
                held = kept;
                full = (2 * most).max(2 * held.len());
            }
        }
        for run in repeated_keys_of(&held, &in_parts).chunk_by(|a, b| a.0 == b.0) {
            documents.clear();
            documents.extend(run.iter().map(|&(_, document)| document));
            documents.sort_unstable();
            let key = run[0].0;
            each(match in_parts.contains(&key) {
                true => Bucket::Part(key, &documents),
                false => Bucket::Whole(key, &documents),
            })?;
        }
    }
    Ok(())
}

/// The keys of several documents, and those of which some documents were returned before.
fn repeated_keys_of(held: &[(u64, u32)], in_parts: &HashSet<u64>) -> Vec<(u64, u32)> {
    const CHUNK: usize = 1 << 14;
    let chunks: Vec<_> = held.chunks(CHUNK).collect();
    // Keys of a part share their first bits, so sort by the last bits first.
    let mut repeated: Vec<(u64, u32)> = repeated_of(&chunks, held.len(), |chunk, all| {
        all.extend(
            chunk
                .iter()
                .map(|&(key, document)| (key.reverse_bits(), document)),
        );
    });
    for keyed in &mut repeated {
        keyed.0 = keyed.0.reverse_bits();
    }
    if !in_parts.is_empty() {
        let found: HashSet<u64> = repeated.iter().map(|keyed| keyed.0).collect();
        let is_alone =
            |keyed: &&(u64, u32)| in_parts.contains(&keyed.0) && !found.contains(&keyed.0);
        repeated.extend(held.iter().filter(is_alone));
    }
    repeated
}

/// Leaves the lowest document of each key, and returns pairs of it and each other document with the key.
fn compact<K: Key>(held: &mut Vec<(K, u32)>) -> Shared {
    held.par_sort_unstable();
    let mut shared = Vec::new();
    held.dedup_by(|other, least| {
        let is_same = other.0 == least.0;
        if is_same && other.1 != least.1 {
            shared.push((least.1, other.1));
        }
        is_same
    });
    shared
}

/// Like [`compact`] for all keys of a pass, but does not sort unique keys.
fn repeated_keys<K: Key>(held: &[(K, u32)]) -> Shared {
    const CHUNK: usize = 1 << 14;
    let chunks: Vec<_> = held.chunks(CHUNK).collect();
    let mut repeated = repeated_of(&chunks, held.len(), |chunk, all| {
        all.extend(chunk.iter().map(|&(key, document)| {
            let (first, rest) = key.split();
            // Keys of a part share their first bits, so sort by the last bits first.
            (first.reverse_bits(), (rest, document))
        }));
    });
    let mut shared = Vec::new();
    for run in repeated.chunk_by_mut(|a, b| a.0 == b.0) {
        run.sort_unstable();
        let same = run.chunk_by(|a, b| a.1.0 == b.1.0);
        for same in same {
            let least = same[0].1.1;
            shared.extend(same[1..].iter().map(|&(_, (_, other))| (least, other)));
        }
    }
    shared
}
