//! A sample of the shingle hashes of each document, taken while it is shingled.

use crate::frequent::Frequent;
use crate::text::arch::{self, Processor, SPARE, STRIPS, Task};
use crate::threshold::Threshold;

/// The average number of keys for each shingle that a partner may lack. So a document is dropped if about two of three
/// of its keys are unique.
const KEYS: f64 = 1.5;
/// The least share of hashes that is sampled.
const LEAST: f64 = 0.1;

/// Selects the hashes to sample. It selects the same hashes in all documents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampler {
    /// The highest hash that is sampled.
    limit: u64,
}

impl Sampler {
    pub(crate) fn new(threshold: Threshold) -> Self {
        let share = (KEYS * (1.0 - threshold.0)).clamp(LEAST, 1.0);
        Self {
            limit: (share * u64::MAX as f64) as u64,
        }
    }

    /// The share of hashes that are sampled.
    pub(crate) fn share(self) -> f64 {
        self.limit as f64 / u64::MAX as f64
    }

    /// Adds a document with `length` shingles and these hashes to a sample. Both include repetitions. `keys` is working
    /// memory.
    pub(crate) fn push(
        self,
        hashes: &[u64],
        length: usize,
        keys: &mut Vec<u32>,
        sample: &mut Sample,
    ) {
        if keys.len() < hashes.len() + SPARE {
            keys.resize(hashes.len() + SPARE, 0);
        }
        arch::run(Sampling {
            limit: self.limit,
            hashes,
            length: u32::try_from(length).unwrap_or(u32::MAX),
            keys,
            open: &mut sample.open,
        });
    }
}

struct Sampling<'a> {
    limit: u64,
    hashes: &'a [u64],
    length: u32,
    keys: &'a mut [u32],
    open: &'a mut Open,
}

impl Task for Sampling<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(self, processor: P) {
        let picked = processor.pick(self.hashes, self.limit, self.keys);
        let open = self.open;
        for (strip, many) in open.strips.iter_mut().zip(open.many) {
            let room = many + picked + SPARE;
            if strip.len() < room {
                strip.resize(room.max(2 * strip.len()), 0);
            }
        }
        processor.deal(&self.keys[..picked], &mut open.strips, &mut open.many);
        open.ends.push(open.many.map(|many| many as u32));
        open.lengths.push(self.length);
    }
}

/// The sampled hashes of many documents, stored as keys: the low halves of hashes.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    pub(super) chunks: Vec<Chunk>,
    open: Open,
}

/// Consecutive documents.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// The number of shingles of each document, with repetitions; `u32::MAX` means that many or more.
    pub(super) lengths: Vec<u32>,
    /// The keys of each strip, document after document.
    pub(super) strips: [Vec<u32>; STRIPS],
    /// The end of the keys of each document, in each strip.
    pub(super) ends: Vec<[u32; STRIPS]>,
}

/// A chunk to which documents are being added. Its memory is reused.
#[derive(Debug, Default)]
struct Open {
    lengths: Vec<u32>,
    /// The first `many` keys count.
    strips: [Vec<u32>; STRIPS],
    many: [usize; STRIPS],
    ends: Vec<[u32; STRIPS]>,
}

impl Sample {
    /// Adds a document with these hashes, which include repetitions, and samples all that are not `frequent`. The
    /// frequent shingles must be the same for all documents: otherwise a shingle may seem unique that another document
    /// also has. `keys` is working memory.
    pub(crate) fn push_others(
        &mut self,
        hashes: &mut Vec<u64>,
        frequent: &Frequent,
        keys: &mut Vec<u32>,
    ) {
        let length = hashes.len();
        frequent.drop_from(hashes);
        let all = Sampler { limit: u64::MAX };
        all.push(hashes, length, keys, self);
    }

    /// Makes a chunk of the documents added since the last call for which `keep` is true.
    fn close(&mut self, keep: impl Fn(usize) -> bool) {
        let open = &mut self.open;
        if !(0..open.lengths.len()).all(&keep) {
            open.retain(keep);
        }
        let mut chunk = Chunk::default();
        chunk.extend(&open.lengths, &open.ends, |strip| {
            &open.strips[strip][..open.many[strip]]
        });
        open.clear();
        self.push(chunk);
    }

    /// The documents that are not in a chunk yet: the number of shingles of each, and its keys in each strip.
    #[cfg(feature = "corpus")]
    pub(crate) fn open_documents(&self) -> impl Iterator<Item = (u32, [&[u32]; STRIPS])> {
        let open = &self.open;
        let mut from = [0; STRIPS];
        open.lengths
            .iter()
            .zip(&open.ends)
            .map(move |(&length, &to)| {
                let from = std::mem::replace(&mut from, to);
                let keys = |i: usize| &open.strips[i][from[i] as usize..to[i] as usize];
                (length, std::array::from_fn(keys))
            })
    }

    /// Removes the documents that are not in a chunk yet, and keeps their memory.
    #[cfg(feature = "corpus")]
    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }

    /// Moves documents from `other`: those that were added to it since the last call, and for whose number `keep` is
    /// true. `other` can be used further.
    pub(crate) fn take(&mut self, other: &mut Self, keep: impl Fn(usize) -> bool) {
        other.close(keep);
        for chunk in other.chunks.drain(..) {
            self.push(chunk);
        }
    }

    /// Adds a chunk. Appends it to the last one if that is small, like the chunks of small files.
    fn push(&mut self, chunk: Chunk) {
        match self.chunks.last_mut() {
            Some(last) if last.is_small() => {
                last.extend(&chunk.lengths, &chunk.ends, |strip| &chunk.strips[strip]);
                if !last.is_small() {
                    last.shrink();
                }
            }
            _ if chunk.lengths.is_empty() => {}
            _ => self.chunks.push(chunk),
        }
    }

    /// The number of shingles of each document, with repetitions.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = u32> {
        self.chunks
            .iter()
            .flat_map(|chunk| chunk.lengths.iter().copied())
    }
}

impl Open {
    fn clear(&mut self) {
        self.lengths.clear();
        self.ends.clear();
        self.many = [0; STRIPS];
    }

    fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        let (mut from, mut many, mut kept) = ([0; STRIPS], [0; STRIPS], 0);
        for document in 0..self.lengths.len() {
            let ends = self.ends[document].map(|end| end as usize);
            if keep(document) {
                for (i, strip) in self.strips.iter_mut().enumerate() {
                    strip.copy_within(from[i]..ends[i], many[i]);
                    many[i] += ends[i] - from[i];
                }
                self.lengths[kept] = self.lengths[document];
                self.ends[kept] = many.map(|many| many as u32);
                kept += 1;
            }
            from = ends;
        }
        self.lengths.truncate(kept);
        self.ends.truncate(kept);
        self.many = many;
    }
}

impl Chunk {
    fn is_small(&self) -> bool {
        self.lengths.len() < 1 << 10 && self.strips[0].len() < 1 << 12
    }

    /// Appends documents, with their keys in each strip.
    fn extend<'k>(
        &mut self,
        lengths: &[u32],
        ends: &[[u32; STRIPS]],
        keys: impl Fn(usize) -> &'k [u32],
    ) {
        let before = self.strips.each_ref().map(|strip| strip.len() as u32);
        self.lengths.extend_from_slice(lengths);
        self.ends.extend(
            ends.iter()
                .map(|ends| std::array::from_fn(|i| before[i] + ends[i])),
        );
        for (number, strip) in self.strips.iter_mut().enumerate() {
            strip.extend_from_slice(keys(number));
        }
    }

    fn shrink(&mut self) {
        self.lengths.shrink_to_fit();
        self.ends.shrink_to_fit();
        for strip in &mut self.strips {
            strip.shrink_to_fit();
        }
    }
}

/// Maps a key of a strip to `0..many`.
#[inline(always)]
pub(super) fn place(key: u32, many: u64) -> u64 {
    // Skip the first bits, which are the same for all keys of a strip.
    (u64::from(key << STRIPS.ilog2()) * many) >> 32
}

/// A table of bits, in which keys are marked.
pub(super) struct Bits {
    words: Vec<u64>,
    bits: u64,
}

impl Bits {
    /// Makes a table for `keys` keys of one strip, with `for_each` bits for each. With six bits, one in seven is set at
    /// the end; with sixteen, one in sixteen.
    pub(super) fn new(keys: usize, for_each: usize) -> Self {
        // More bits would be useless: keys do not have enough bits to address them.
        let words = (keys * for_each / 64 + 1).min(1 << 26);
        Self {
            words: vec![0; words],
            bits: words as u64 * 64,
        }
    }

    #[inline(always)]
    fn place(&self, key: u32) -> (usize, u64) {
        let bit = place(key, self.bits);
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    /// Sets the bits of these keys, and returns how many were not set before.
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

    /// Counts the keys whose bits are set, with repetitions.
    pub(super) fn found(&self, keys: &[u32]) -> usize {
        let is_found = |&key: &u32| {
            let (word, bit) = self.place(key);
            usize::from(self.words[word] & bit != 0)
        };
        keys.iter().map(is_found).sum()
    }

    /// Counts the keys whose bits are not set, without repetitions.
    pub(super) fn missing(&self, keys: &[u32], own: &mut Own) -> usize {
        own.begin(keys.len());
        let mut missing = 0;
        for &key in keys {
            let (word, bit) = self.place(key);
            let is_first = own.is_first(key); // computed always: a branch would be mispredicted
            missing += usize::from(is_first) & usize::from(self.words[word] & bit == 0);
        }
        missing
    }
}

/// A table of bits for the keys of one document, to find repetitions.
#[derive(Default)]
pub(super) struct Own {
    words: Vec<u64>,
}

impl Own {
    fn begin(&mut self, keys: usize) {
        self.words.clear();
        self.words.resize((keys / 8 + 1).next_power_of_two(), 0);
    }

    /// Marks a key. False if it was marked before, or another key with the same bit.
    #[inline(always)]
    fn is_first(&mut self, key: u32) -> bool {
        let place = key as usize % (64 * self.words.len());
        let (word, bit) = (&mut self.words[place / 64], 1 << (place % 64));
        let is_first = *word & bit == 0;
        *word |= bit;
        is_first
    }
}
