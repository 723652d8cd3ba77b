//! Weights of shingles, and the similarity of weighted sets.
//!
//! With [`Weights::Ln`] a shingle that few documents have counts more than one that many have. Similarities are then of
//! sums of weights instead of numbers of shingles.

use std::cmp::Ordering;
use std::f64::consts::{LN_2, SQRT_2};

use rayon::prelude::*;

use crate::hashed::HashedMap;
use crate::named::named;
use crate::repeated::{Keyed, repeated_of};
use crate::similarity::{Measure, Rule, ShingleSet, Similarity, overlap};

/// How much each shingle counts.
///
/// # Which weights should I use?
///
/// [`None`](Self::None), unless documents are alike by what most of the collection shares, such as letters from one
/// template. Among many other documents, the text of a template is rare and so counts as much as any.
/// [`docs/settings.md`](crate::guides::settings) has measurements by kind of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Weights {
    /// Every shingle counts 1. Default.
    #[default]
    None,
    /// A shingle counts ln(N / df), the inverse document frequency (Spärck Jones 1972): N is the number of documents, and df
    /// the number of these that have the shingle. Documents with the same shingles, each as often, are one.
    ///
    /// A shingle that all documents have counts nothing. So weights are of use for a collection of at least some hundred
    /// documents, most of which are not versions of one text. Two documents with the same shingles are always copies.
    Ln,
}

named!(Weights, "weights", "none or ln", {
    None: "none",
    Ln: "ln"
});

/// A shingle and the number of documents that have it.
pub(crate) type Frequency = (u64, u32);

/// The same as an index stores it: 8 and 4 bytes, little-endian.
pub(crate) type StoredFrequency = [u8; 12];

/// Decodes an entry.
#[cfg_attr(not(feature = "corpus"), allow(dead_code))]
pub(crate) fn decoded(entry: &StoredFrequency) -> Frequency {
    let bytes = |place: usize| u64::from(entry[place]) << (8 * (place % 8));
    let hash = (0..8).map(bytes).sum();
    (hash, (8..12).map(bytes).sum::<u64>() as u32)
}

/// The documents that indexes have counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known<'k> {
    /// Their number.
    pub(crate) sets: u64,
    /// The frequencies of their shingles. The entries of a table ascend.
    pub(crate) tables: &'k [&'k [StoredFrequency]],
    /// Whether other documents are not counted.
    pub(crate) is_frozen: bool,
}

impl Known<'_> {
    /// The number of documents together with `new` others.
    pub(crate) fn sets_with(self, new: u64) -> u64 {
        self.sets + if self.is_frozen { 0 } else { new }
    }
}

/// Merges ascending lists of shingles, and adds the frequencies of a shingle that several have.
#[cfg_attr(not(feature = "corpus"), allow(dead_code))]
pub(crate) fn merged<I: Iterator<Item = Frequency>>(
    lists: impl IntoIterator<Item = I>,
) -> impl Iterator<Item = Frequency> {
    let mut lists: Vec<_> = lists.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let next = lists.iter_mut().filter_map(|list| list.peek());
        let least = next.map(|&(hash, _)| hash).min()?;
        let mut sum = 0u32;
        for list in &mut lists {
            while let Some((_, frequency)) = list.next_if(|&(hash, _)| hash == least) {
                sum = sum.saturating_add(frequency);
            }
        }
        Some((least, sum))
    })
}

/// The numbers of documents that have each shingle.
pub(crate) struct DocumentFrequencies {
    /// The frequencies of shingles that several sets have, or that are known.
    several: HashedMap<u64, u32>,
    /// The number of documents.
    sets: u64,
}

/// Shingles to be counted.
enum Chunk<'c> {
    /// Sets, and the number of the first.
    Sets(usize, &'c [ShingleSet]),
    Known(&'c [StoredFrequency]),
}

/// The sums of the numbers of shingles that occur again, at least 1. Each shingle of a set has the number that `of_set`
/// returns.
fn several<T: Copy + Default + Ord + Send + Sync>(
    chunks: &[Chunk<'_>],
    all: usize,
    of_set: impl Fn(usize) -> T + Sync,
    of_known: impl Fn(u32) -> T + Sync,
    sum: impl Fn(&[Keyed<T>]) -> u32,
) -> HashedMap<u64, u32> {
    let repeated = repeated_of(chunks, all, |chunk, all| match chunk {
        Chunk::Sets(first, sets) => {
            for (number, set) in (*first..).zip(*sets) {
                let of_one = of_set(number);
                all.extend(set.hashes().iter().map(|&hash| (hash, of_one)));
            }
        }
        Chunk::Known(entries) => {
            let entries = entries.iter().map(decoded);
            all.extend(entries.map(|(hash, frequency)| (hash, of_known(frequency))));
        }
    });
    let runs = || repeated.chunk_by(|a, b| a.0 == b.0);
    let mut several = HashedMap::default();
    several.reserve(runs().count());
    several.extend(runs().map(|run| (run[0].0, sum(run).max(1))));
    several
}

impl DocumentFrequencies {
    /// Counts the shingles of the sets for which `is_new` is true, in addition to those that are known. All sets will be
    /// weighed.
    pub(crate) fn count(
        sets: &[ShingleSet],
        known: Known<'_>,
        is_new: impl Fn(usize) -> bool + Sync,
    ) -> Self {
        /// Sets of a chunk. Chunks are larger if there would be more than `CHUNKS`.
        const SETS: usize = 256;
        const CHUNKS: usize = 256;
        /// The known shingles of a chunk.
        const KNOWN: usize = 1 << 20;
        let size = SETS.max(sets.len() / CHUNKS);
        let starts = (0..).step_by(size);
        let of_sets = starts.zip(sets.chunks(size));
        let of_known = known.tables.iter().flat_map(|table| table.chunks(KNOWN));
        let chunks: Vec<Chunk<'_>> = (of_sets.map(|(first, sets)| Chunk::Sets(first, sets)))
            .chain(of_known.map(Chunk::Known))
            .collect();
        let all = sets.iter().map(ShingleSet::len).sum::<usize>()
            + known.tables.iter().map(|table| table.len()).sum::<usize>();
        let new = (0..sets.len()).filter(|&set| is_new(set)).count();
        let several = match new == sets.len() && known.tables.is_empty() && !known.is_frozen {
            // Each shingle counts 1, so that no numbers need to be sorted.
            true => several(&chunks, all, |_| (), |_| (), |run| run.len() as u32),
            false => several(
                &chunks,
                all,
                |set| u32::from(!known.is_frozen && is_new(set)),
                |frequency| frequency,
                |run| run.iter().fold(0, |sum, of| sum.saturating_add(of.1)),
            ),
        };
        Self {
            several,
            sets: known.sets_with(new as u64),
        }
    }

    /// A bit for each shingle that several sets have. Most shingles are in one set, and have no bit: the table shows this
    /// sooner than the map.
    fn marks(&self) -> Vec<u64> {
        let words = (self.several.len() / 8 + 1).next_power_of_two();
        let mut marks = vec![0; words];
        for &hash in self.several.keys() {
            let (word, bit) = place(hash, words);
            marks[word] |= bit;
        }
        marks
    }

    /// The sets with weights.
    pub(crate) fn weigh(&self, sets: Vec<ShingleSet>) -> Vec<WeightedSet> {
        let marks = self.marks();
        let frequency = |&hash: &u64| {
            let (word, bit) = place(hash, marks.len());
            let is_marked = marks[word] & bit != 0;
            let found = is_marked.then(|| self.several.get(&hash)).flatten();
            (found.copied().unwrap_or(0), hash)
        };
        let weigh = |common: &mut Vec<_>, set: ShingleSet| {
            WeightedSet::new(set.hashes().iter().map(frequency), self.sets, common)
        };
        let sets = sets.into_par_iter();
        sets.map_init(Vec::new, weigh).collect()
    }
}

/// The word and the bit of a shingle among this many words, which is a power of two.
fn place(hash: u64, words: usize) -> (usize, u64) {
    (hash as usize & (words - 1), 1 << (hash >> 58))
}

/// A set of shingles with weights.
///
/// Frequencies are whole numbers, and weights are summed in the order of frequencies. So the same sets have the same
/// similarity to the last bit, however they are made.
#[derive(Debug, Clone, Default)]
pub(crate) struct WeightedSet {
    /// The shingles that other sets have too, by frequency, then by hash: the heaviest first.
    common: Box<[u64]>,
    /// The shingles of a frequency, ascending.
    runs: Box<[Run]>,
    /// The number of shingles that no other set has.
    unique: u32,
    /// The weight of all shingles, and of those that other sets have too.
    weight: f64,
    of_common: f64,
}

/// Shingles of one frequency.
#[derive(Debug, Clone, Copy)]
struct Run {
    frequency: u32,
    /// The end of the shingles in those of the set.
    end: u32,
    /// The weight of a shingle.
    weight: f64,
}

impl WeightedSet {
    /// The set of these shingles, given with their frequencies among `sets` documents: 0 if no other set that is compared has
    /// the shingle. `common` is working memory.
    pub(crate) fn new(
        shingles: impl Iterator<Item = (u32, u64)>,
        sets: u64,
        common: &mut Vec<(u32, u64)>,
    ) -> Self {
        // A damaged index may have more of a shingle than there are documents.
        let weight_of = |frequency: u32| ln((sets as f64 / f64::from(frequency)).max(1.0));
        let mut unique = 0;
        common.clear();
        for (frequency, hash) in shingles {
            match frequency {
                0 => unique += 1,
                _ => common.push((frequency, hash)),
            }
        }
        common.sort_unstable();
        let of_unique = f64::from(unique) * weight_of(1);
        let (mut weight, mut of_common, mut end) = (of_unique, 0.0, 0);
        let runs = common.chunk_by(|a, b| a.0 == b.0).map(|run| {
            let frequency = run[0].0;
            end += run.len() as u32;
            let of_one = weight_of(frequency);
            let of_run = run.len() as f64 * of_one;
            weight += of_run;
            of_common += of_run;
            Run {
                frequency,
                end,
                weight: of_one,
            }
        });
        Self {
            runs: runs.collect(),
            common: common.iter().map(|&(_, hash)| hash).collect(),
            unique,
            weight,
            of_common,
        }
    }

    /// The number of shingles.
    pub(crate) fn len(&self) -> usize {
        self.unique as usize + self.common.len()
    }

    /// The shingles that other sets have too, the heaviest first.
    pub(crate) fn common(&self) -> &[u64] {
        &self.common
    }

    /// A number that orders sets by weight, from 1 to 2^31. Sets of almost the same weight may have the same number.
    pub(crate) fn order(&self) -> u32 {
        // The bits of positive floating-point numbers are ordered as the numbers are.
        (self.weight as f32).to_bits().max(1)
    }

    /// How many of the heaviest [`common`](Self::common) shingles are probes: a set that has the share `threshold` of the
    /// weight of this one has one of them.
    pub(crate) fn probes(&self, threshold: f64) -> usize {
        // Less by more than rounding errors, so that there are never too few probes.
        let least = (threshold - SLACK) * self.weight;
        if self.weight == 0.0 {
            // Such a set is similar only to one with the same shingles.
            return self.common.len().min(1);
        }
        let mut rest = self.of_common;
        for (run, many) in self.each_run() {
            if rest < least {
                return run.end as usize - many;
            }
            let needed = (((rest - least) / run.weight) as usize).saturating_add(1);
            if needed <= many {
                return run.end as usize - many + needed;
            }
            rest -= many as f64 * run.weight;
        }
        self.common.len()
    }

    /// The runs, with their numbers of shingles.
    fn each_run(&self) -> impl Iterator<Item = (&Run, usize)> {
        let mut from = 0;
        self.runs.iter().map(move |run| {
            let many = run.end - from;
            from = run.end;
            (run, many as usize)
        })
    }

    /// The similarity of two sets.
    pub(crate) fn similarity(&self, other: &Self) -> Similarity {
        let all = self.shared(other, f64::NEG_INFINITY);
        let (shared, weight) = all.unwrap_or_else(|| unreachable!("nothing is needed"));
        self.similarity_of(other, shared, weight)
    }

    /// The similarity of two sets if they are near-duplicates by `rule`.
    pub(crate) fn similarity_by(&self, other: &Self, rule: Rule) -> Option<Similarity> {
        let threshold = rule.threshold.0;
        let needed = match rule.measure {
            Measure::Jaccard => {
                let heavier = self.weight.max(other.weight);
                let of_both = threshold / (1.0 + threshold) * (self.weight + other.weight);
                of_both.max(threshold * heavier)
            }
            Measure::Containment => threshold * self.weight.min(other.weight),
        };
        let needed = needed - SLACK * (self.weight + other.weight);
        let (shared, weight) = self.shared(other, needed)?;
        let similarity = self.similarity_of(other, shared, weight);
        (rule.measure.of(&similarity) >= threshold).then_some(similarity)
    }

    /// The number and the weight of the shingles that two sets share; `None` if the weight is certain to be less than
    /// `needed`.
    fn shared(&self, other: &Self, needed: f64) -> Option<(usize, f64)> {
        let (mut shared, mut weight) = (0, 0.0);
        let [mut left, mut right] = [self, other].map(Unmet::new);
        loop {
            if weight + left.weight.min(right.weight) < needed {
                return None;
            }
            let (Some(l), Some(r)) = (left.run(), right.run()) else {
                return Some((shared, weight));
            };
            let order = l.frequency.cmp(&r.frequency);
            let mine = (order != Ordering::Greater).then(|| left.next(l));
            let its = (order != Ordering::Less).then(|| right.next(r));
            if let (Some(mine), Some(its)) = (mine, its) {
                let both = overlap(mine, its, 0).unwrap_or(0);
                shared += both;
                weight += both as f64 * l.weight;
            }
        }
    }

    fn similarity_of(&self, other: &Self, shared: usize, weight: f64) -> Similarity {
        if shared == self.len() && shared == other.len() {
            return Similarity::of_copies(shared); // even if they weigh nothing
        }
        // A union is no lighter than either set, whatever is rounded.
        let union = (self.weight + other.weight - weight).max(self.weight.max(other.weight));
        let share = |of: f64| if weight > 0.0 { weight / of } else { 0.0 };
        Similarity {
            shared,
            jaccard: share(union),
            containment_a: share(self.weight),
            containment_b: share(other.weight),
        }
    }
}

/// Share of weights by which sums may be wrong, far above rounding errors.
const SLACK: f64 = 1e-9;

/// What is left of a set while it is compared.
struct Unmet<'s> {
    set: &'s WeightedSet,
    run: usize,
    from: usize,
    weight: f64,
}

impl<'s> Unmet<'s> {
    fn new(set: &'s WeightedSet) -> Self {
        Self {
            set,
            run: 0,
            from: 0,
            weight: set.of_common,
        }
    }

    fn run(&self) -> Option<Run> {
        self.set.runs.get(self.run).copied()
    }

    /// The shingles of the next run, which is `run`.
    fn next(&mut self, run: Run) -> &'s [u64] {
        let shingles = &self.set.common[self.from..run.end as usize];
        self.weight -= shingles.len() as f64 * run.weight;
        self.from = run.end as usize;
        self.run += 1;
        shingles
    }
}

/// The natural logarithm of a number of at least 1. Uses only operations that every machine rounds alike, unlike the
/// logarithm of the standard library.
fn ln(number: f64) -> f64 {
    let bits = number.to_bits();
    let mut exponent = (bits >> 52) as i32 - 1023;
    let mut fraction = f64::from_bits((bits & !(0x7FF << 52)) | (1023 << 52));
    if fraction > SQRT_2 {
        fraction /= 2.0;
        exponent += 1;
    }
    // ln x = 2 artanh((x - 1) / (x + 1)), of which 12 terms are enough, since the square is below 0.03.
    let part = (fraction - 1.0) / (fraction + 1.0);
    let square = part * part;
    let term = |sum: f64, n: i32| sum * square + 1.0 / f64::from(2 * n + 1);
    let series = (0..12).rev().fold(0.0, term);
    f64::from(exponent) * LN_2 + 2.0 * part * series
}
