//! Some of every document's shingle hashes, kept while it is shingled.

use crate::threshold::Threshold;

/// Parts of a sample, by the first bits of the keys: each is looked at by one thread, with a table of its own that
/// fits a cache the better.
pub(super) const STRIPS: usize = 8;
const STRIP_BITS: u32 = STRIPS.ilog2();

/// Keys for each shingle that a document may miss. A document is dropped if so many of its keys, less one, are its own:
/// two of three.
const KEYS: f64 = 1.5;
/// The least share of hashes that is kept.
const LEAST: f64 = 0.1;

/// Chooses the hashes that are kept: the same of all documents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampler {
    /// Hashes up to it are kept.
    limit: u64,
}

impl Sampler {
    pub(crate) fn new(threshold: Threshold) -> Self {
        let share = (KEYS * (1.0 - threshold.0)).clamp(LEAST, 1.0);
        Self {
            limit: (share * u64::MAX as f64) as u64,
        }
    }

    /// Adds a document's hashes, repetitions included, to a sample. `memory` is to work in.
    pub(crate) fn push(self, hashes: &[u64], memory: &mut Vec<u32>, sample: &mut Sample) {
        memory.clear();
        memory.resize(hashes.len(), 0);
        let mut many = 0;
        // Without a branch, which would be mispredicted one time in three.
        for &hash in hashes {
            memory[many] = hash as u32;
            many += usize::from(hash <= self.limit);
        }
        sample.last().push(hashes.len(), &memory[..many]);
    }
}

/// The sampled hashes of many documents. A key is the low half of a hash.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    pub(super) chunks: Vec<Chunk>,
}

/// Documents in a row.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// Shingles of each document, repetitions included; `u32::MAX` stands for more as well.
    pub(super) lengths: Vec<u32>,
    /// The keys of each strip, document after document.
    pub(super) keys: [Vec<u32>; STRIPS],
    /// Where the keys of each document end.
    pub(super) ends: Vec<[u32; STRIPS]>,
}

impl Sample {
    fn last(&mut self) -> &mut Chunk {
        /// Documents, and keys of a strip, beyond which a chunk is closed.
        const DOCUMENTS: usize = 1 << 16;
        const STRIP: usize = 1 << 20;
        let is_full = |chunk: &Chunk| {
            chunk.lengths.len() >= DOCUMENTS || chunk.keys.iter().any(|keys| keys.len() >= STRIP)
        };
        if self.chunks.last().is_none_or(is_full) {
            self.chunks.push(Chunk::default());
        }
        let last = self.chunks.len() - 1;
        &mut self.chunks[last]
    }

    /// Adds the documents of another for which `keep` says so, by their numbers in it.
    pub(crate) fn append(&mut self, other: Self, keep: impl Fn(usize) -> bool) {
        let mut first = 0;
        for mut chunk in other.chunks {
            let documents = chunk.lengths.len();
            if !(first..first + documents).all(&keep) {
                chunk = chunk.only(|document| keep(first + document));
            }
            chunk.shrink();
            self.chunks.push(chunk);
            first += documents;
        }
    }

    /// Bytes held on the heap.
    pub(crate) fn memory_usage(&self) -> usize {
        self.chunks.iter().map(Chunk::memory_usage).sum()
    }
}

impl Chunk {
    fn push(&mut self, length: usize, keys: &[u32]) {
        const RUN: usize = 256;
        for run in keys.chunks(RUN) {
            let mut dealt = [[0; RUN]; STRIPS];
            let mut many = [0; STRIPS];
            for &key in run {
                let strip = (key >> (32 - STRIP_BITS)) as usize;
                dealt[strip][many[strip] % RUN] = key; // never beyond: it saves a check
                many[strip] += 1;
            }
            for ((keys, dealt), many) in self.keys.iter_mut().zip(&dealt).zip(many) {
                keys.extend_from_slice(&dealt[..many]);
            }
        }
        self.lengths.push(u32::try_from(length).unwrap_or(u32::MAX));
        self.ends
            .push(self.keys.each_ref().map(|keys| keys.len() as u32));
    }

    /// The keys of a document in a strip.
    fn keys_of(&self, document: usize, strip: usize) -> &[u32] {
        let from = match document {
            0 => 0,
            _ => self.ends[document - 1][strip] as usize,
        };
        &self.keys[strip][from..self.ends[document][strip] as usize]
    }

    fn only(&self, keep: impl Fn(usize) -> bool) -> Self {
        let mut kept = Self::default();
        for document in (0..self.lengths.len()).filter(|&document| keep(document)) {
            for (strip, keys) in kept.keys.iter_mut().enumerate() {
                keys.extend_from_slice(self.keys_of(document, strip));
            }
            kept.lengths.push(self.lengths[document]);
            kept.ends
                .push(kept.keys.each_ref().map(|keys| keys.len() as u32));
        }
        kept
    }

    fn shrink(&mut self) {
        self.lengths.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.keys.iter_mut().for_each(Vec::shrink_to_fit);
    }

    fn memory_usage(&self) -> usize {
        let keys: usize = self.keys.iter().map(Vec::capacity).sum();
        (keys + self.lengths.capacity()) * size_of::<u32>()
            + self.ends.capacity() * size_of::<[u32; STRIPS]>()
    }
}

/// Bits, some for each key.
pub(super) struct Bits {
    words: Vec<u64>,
    bits: u64,
}

impl Bits {
    /// For so many keys of one strip. Eight bits for each: at the end one in eight is set.
    pub(super) fn new(keys: usize) -> Self {
        let words = keys / 8 + 1;
        Self {
            words: vec![0; words],
            bits: words as u64 * 64,
        }
    }

    #[inline(always)]
    fn place(&self, key: u32) -> (usize, u64) {
        // All keys of a strip have the same first bits.
        let bit = (u64::from(key << STRIP_BITS) * self.bits) >> 32;
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    /// Sets the bits of these keys, and counts those that were not set.
    pub(super) fn insert(&mut self, keys: &[u32]) -> usize {
        let mut new = 0;
        for &key in keys {
            let (word, bit) = self.place(key);
            let word = &mut self.words[word];
            new += usize::from(*word & bit == 0);
            *word |= bit;
        }
        new
    }

    /// Counts the keys whose bits are not set.
    pub(super) fn missing(&self, keys: &[u32]) -> usize {
        let is_missing = |&key: &u32| {
            let (word, bit) = self.place(key);
            usize::from(self.words[word] & bit == 0)
        };
        keys.iter().map(is_missing).sum()
    }
}
