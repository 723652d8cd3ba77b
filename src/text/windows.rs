//! Combines hashes of tokens into hashes of shingles, level by level.
//!
//! A value of the first level covers a window of up to 5 consecutive tokens, a value of the second level up to 25, and
//! so on, up to the n tokens of a shingle. It is a [`Linear`] function of values of the level below, whose windows
//! together cover its own. The last two of them overlap if n is not a multiple of their size:
//!
//! ```text
//! tokens    t1 t2 t3 t4 t5 t6 t7 t8 t9        n = 9
//! level 1   [----- a1 ----]                   a1 = linear1(t1, t2, t3, t4, t5)
//!                       [----- a5 ----]
//! level 2   [----------- b1 ----------]       b1 = linear2(a1, a5)
//! ```
//!
//! Neighbouring shingles share windows, so each shingle takes one function for each level. No function needs the result
//! of the one before, so vector instructions can compute several at once.

use super::arch::{Portable, Processor, Task};
use super::hash::{Linear, VALUES, appended, key, mix};

/// The number of the first key of the first level.
const LEVEL_KEYS: u64 = 8;
/// The number of the key for 0 tokens; that for n tokens is n higher.
const LENGTH_KEYS: u64 = 64;

/// The levels for shingles of n tokens.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    seed: u64,
    all: Vec<Level>,
    /// The key for n tokens.
    length: u64,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    linear: Linear,
    /// The number of tokens in a value of the level below.
    size: usize,
    /// How many more tokens a value of this level has.
    spare: usize,
}

impl Levels {
    pub(super) fn new(n: usize, seed: u64) -> Self {
        let mut all = Vec::new();
        let mut size = 1;
        while size < n {
            let next = n.min(VALUES * size);
            all.push(Level {
                linear: Linear::new(seed, LEVEL_KEYS + 4 * all.len() as u64),
                size,
                spare: next - size,
            });
            size = next;
        }
        Self {
            seed,
            all,
            length: length_key(seed, n),
        }
    }
}

/// The key that distinguishes shingles with different numbers of tokens.
fn length_key(seed: u64, tokens: usize) -> u64 {
    key(seed, LENGTH_KEYS + tokens as u64)
}

/// Values of a level that the next level still needs.
#[derive(Debug, Default)]
struct Stage {
    values: Vec<u64>,
    /// How many of the values have started a value of the next level.
    done: usize,
}

/// Working memory: hashes of tokens, and the values of each level.
#[derive(Debug, Default)]
pub(super) struct Stages(Vec<Stage>);

/// How many done values are kept before they are removed: few enough to stay in the nearest cache.
const DONE: usize = 1024;

/// Makes the shingles of a document, whose tokens arrive in parts.
pub(super) struct Windows<'a> {
    levels: &'a Levels,
    stages: &'a mut [Stage],
    hashes: &'a mut Vec<u64>,
}

impl<'a> Windows<'a> {
    /// Starts a document. Its shingle hashes replace the content of `hashes`.
    #[inline(always)]
    pub(super) fn new(
        levels: &'a Levels,
        stages: &'a mut Stages,
        hashes: &'a mut Vec<u64>,
    ) -> Self {
        let many = levels.all.len() + 1;
        if stages.0.len() < many {
            stages.0.resize_with(many, Stage::default);
        }
        let stages = &mut stages.0[..many];
        for stage in &mut *stages {
            stage.values.clear();
            stage.done = 0;
        }
        hashes.clear();
        Self {
            levels,
            stages,
            hashes,
        }
    }

    /// The vector to which to append hashes of tokens before calling [`advance`](Self::advance).
    #[inline(always)]
    pub(super) fn tokens(&mut self) -> &mut Vec<u64> {
        &mut self.stages[0].values
    }

    /// Appends the shingles that end in the new tokens.
    #[inline(always)]
    pub(super) fn advance(&mut self, processor: impl Processor) {
        let length = self.levels.length;
        let Some((last, below)) = self.levels.all.split_last() else {
            let tokens = &mut self.stages[0].values;
            processor.run(Finish {
                length,
                values: tokens,
                hashes: appended(self.hashes, tokens.len()),
            });
            tokens.clear();
            return;
        };
        for (at, level) in below.iter().enumerate() {
            let (from, to) = self.stages.split_at_mut(at + 1);
            level.advance(&mut from[at], |values, many| {
                processor.run(Combine {
                    level: *level,
                    values,
                    made: appended(&mut to[0].values, many),
                });
            });
        }
        last.advance(&mut self.stages[below.len()], |values, many| {
            processor.run(CombineLast {
                level: *last,
                values,
                length,
                hashes: appended(self.hashes, many),
            });
        });
    }

    /// Ends the document. If it has fewer tokens than a shingle needs, they make one shingle.
    #[inline(always)]
    pub(super) fn end(mut self, processor: impl Processor) {
        self.advance(processor);
        if self.hashes.is_empty() {
            let few = self.few();
            self.hashes.extend(few);
        }
    }

    /// The shingle of a document with fewer than n tokens. It is the shingle for n equal to their number: all levels
    /// but the last are the same, and the values that the last one needs are all there.
    fn few(&self) -> Option<u64> {
        let mut stages = self.stages.iter().zip(&self.levels.all).rev();
        let (stage, level) = stages.find(|(stage, _)| !stage.values.is_empty())?;
        let (values, spare) = (&stage.values, stage.values.len() - 1);
        let length = length_key(self.levels.seed, level.size + spare);
        let mut hash = [0];
        let hashes = &mut hash[..];
        if spare == 0 {
            let finish = Finish {
                length,
                values,
                hashes,
            };
            finish.run(Portable);
        } else {
            let level = Level { spare, ..*level };
            let combine = CombineLast {
                level,
                values,
                length,
                hashes,
            };
            combine.run(Portable);
        }
        Some(hash[0])
    }
}

impl Level {
    /// Calls `make` with the waiting values and the number of values of this level that they give.
    #[inline(always)]
    fn advance(&self, from: &mut Stage, make: impl FnOnce(&[u64], usize)) {
        let waiting = &from.values[from.done..];
        let many = waiting.len().saturating_sub(self.spare);
        if many == 0 {
            return;
        }
        make(waiting, many);
        from.done += many;
        if from.done > self.spare + DONE {
            from.values.copy_within(from.done.., 0);
            from.values.truncate(self.spare);
            from.done = 0;
        }
    }
}

/// Task that makes values of a level that is not the last, each from five adjacent windows.
struct Combine<'a> {
    level: Level,
    values: &'a [u64],
    made: &'a mut [u64],
}

impl Task for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(self, _: P) {
        self.level
            .combine::<VALUES>(self.values, self.made, |value| value);
    }
}

/// Task that makes shingle hashes from values of the level below the last.
struct CombineLast<'a> {
    level: Level,
    values: &'a [u64],
    length: u64,
    hashes: &'a mut [u64],
}

impl Task for CombineLast<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(self, _: P) {
        let Self {
            level,
            values,
            length,
            hashes,
        } = self;
        let finish = |value: u64| mix(value.wrapping_add(length));
        // One less than the number of windows that are combined into one.
        match level.spare.div_ceil(level.size) {
            0 | 1 => level.combine::<2>(values, hashes, finish),
            2 => level.combine::<3>(values, hashes, finish),
            3 => level.combine::<4>(values, hashes, finish),
            _ => level.combine::<VALUES>(values, hashes, finish),
        }
    }
}

impl Level {
    /// Combines N windows into one. They are adjacent, except the last, which ends where the combined window ends.
    #[inline(always)]
    fn combine<const N: usize>(
        self,
        values: &[u64],
        made: &mut [u64],
        finish: impl Fn(u64) -> u64,
    ) {
        let many = made.len();
        let mut windows = [&[][..]; N];
        for (i, window) in windows.iter_mut().enumerate() {
            *window = &values[self.spare.min(i * self.size)..][..many];
        }
        for i in 0..many {
            let mut values = [0; N];
            // With N = 5, calls of `map` are not inlined, and keep the compiler from using vector instructions.
            for (value, window) in values.iter_mut().zip(&windows) {
                *value = window[i];
            }
            made[i] = finish(self.linear.of(values));
        }
    }
}

/// Task that makes the hashes of shingles of one token.
struct Finish<'a> {
    length: u64,
    values: &'a [u64],
    hashes: &'a mut [u64],
}

impl Task for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(self, _: P) {
        for (hash, value) in self.hashes.iter_mut().zip(self.values) {
            *hash = mix(value.wrapping_add(self.length));
        }
    }
}
