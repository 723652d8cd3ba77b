//! How many sets have each shingle.

use rayon::prelude::*;

use crate::exact::{Frequencies, PREFIX_BITS, prefix};

/// How many sets have each shingle, at most 255.
///
/// A shingle is known by the first 48 bits of its hash. If two shingles share these, both get the sum of their counts: a
/// count may be too high, but is never too low.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "Sent", into = "Sent")
)]
pub struct Counts {
    /// Ascending.
    prefixes: Vec<u64>,
    /// The count of each prefix, at least 1.
    counts: Vec<u8>,
}

impl Counts {
    /// Counts the shingles of sets.
    pub fn of<S: AsRef<[u64]> + Sync>(sets: &[S]) -> Self {
        let shingles = |set: &S| set.as_ref().iter().map(|&hash| prefix(hash)).collect();
        let mut all = sets
            .par_iter()
            .map(shingles)
            .collect::<Vec<Vec<u64>>>()
            .concat();
        all.par_sort_unstable();
        Self::summed(all.into_iter().map(|prefix| (prefix, 1)))
    }

    /// The sums of counts of different sets.
    pub fn sum(all: &[Self]) -> Self {
        let mut counted = all.iter().flat_map(Self::iter).collect::<Vec<_>>();
        counted.par_sort_unstable();
        Self::summed(counted.into_iter())
    }

    /// Adds up ascending counts.
    fn summed(counted: impl Iterator<Item = (u64, u8)>) -> Self {
        let mut sums = Self::default();
        for (prefix, count) in counted {
            match (sums.prefixes.last(), sums.counts.last_mut()) {
                (Some(&last), Some(sum)) if last == prefix => *sum = sum.saturating_add(count),
                _ => {
                    sums.prefixes.push(prefix);
                    sums.counts.push(count);
                }
            }
        }
        sums
    }

    /// Distributes the counts to `parts` ranges of shingles.
    ///
    /// # Panics
    /// If `parts` is 0.
    pub fn split(&self, parts: u32) -> Vec<Self> {
        let mut rest = self.iter().peekable();
        let part = |part| {
            let mut counts = Self::default();
            while let Some((prefix, count)) =
                rest.next_if(|&(prefix, _)| part_of(prefix, parts) == part)
            {
                counts.prefixes.push(prefix);
                counts.counts.push(count);
            }
            counts
        };
        (0..parts).map(part).collect()
    }

    /// The counts of the shingles of `asked` that are 2 or more.
    #[must_use]
    pub fn repeated(&self, asked: &Self) -> Self {
        let mut all = self.iter().peekable();
        let counts = asked.prefixes.iter().filter_map(|&prefix| {
            while all.next_if(|&(other, _)| other < prefix).is_some() {}
            all.next_if(|&(other, count)| other == prefix && count > 1)
        });
        Self::summed(counts)
    }

    /// The number of shingles.
    pub fn len(&self) -> usize {
        self.prefixes.len()
    }

    /// Whether there are no shingles.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = (u64, u8)> {
        self.prefixes
            .iter()
            .copied()
            .zip(self.counts.iter().copied())
    }

    /// Those that are 2 or more.
    pub(super) fn frequencies(&self) -> Frequencies {
        Frequencies::by_prefix(self.iter().filter(|&(_, count)| count > 1))
    }
}

/// Which of `parts` ranges of shingles a prefix is in.
fn part_of(prefix: u64, parts: u32) -> u32 {
    ((u128::from(prefix) * u128::from(parts)) >> PREFIX_BITS) as u32
}

/// Which of `parts` ranges of shingles a hash is in.
pub(super) fn part_of_hash(hash: u64, parts: u32) -> u32 {
    part_of(prefix(hash), parts)
}

/// Counts in the form in which they are sent: about 5 bytes a shingle where numbers have a variable length.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
struct Sent {
    /// Twice the difference of each prefix to the one before; one more if the count is above 1.
    steps: Vec<u64>,
    /// The counts above 1.
    counts: Vec<u8>,
}

#[cfg(feature = "serde")]
impl From<Counts> for Sent {
    fn from(counts: Counts) -> Self {
        let mut before = 0;
        let step = |(prefix, count): (u64, u8)| {
            let step = (prefix - before) << 1 | u64::from(count > 1);
            before = prefix;
            step
        };
        let steps = counts.iter().map(step).collect();
        let counts = counts
            .counts
            .into_iter()
            .filter(|&count| count > 1)
            .collect();
        Self { steps, counts }
    }
}

#[cfg(feature = "serde")]
impl From<Sent> for Counts {
    fn from(sent: Sent) -> Self {
        let (mut prefix, mut counts) = (0u64, sent.counts.into_iter());
        let counted = sent.steps.into_iter().map(|step| {
            prefix = prefix.wrapping_add(step >> 1);
            let count = if step & 1 == 0 {
                1
            } else {
                counts.next().unwrap_or(u8::MAX)
            };
            (prefix, count)
        });
        Self::summed(counted)
    }
}
