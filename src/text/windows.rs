//! Hashes of tokens to hashes of shingles, in levels.
//!
//! A value of the first level stands for up to 5 consecutive tokens, one of the second for up to 25, and so on, until
//! it is the n of a shingle. It is a [`Linear`] function of values of the level below, whose windows cover its own;
//! the last two of them overlap where n is no multiple of their size:
//!
//! ```text
//! tokens    t1 t2 t3 t4 t5 t6 t7 t8 t9        n = 9
//! level 1   [----- a1 ----]                   a1 = linear1(t1, t2, t3, t4, t5)
//!                       [----- a5 ----]
//! level 2   [----------- b1 ----------]       b1 = linear2(a1, a5)
//! ```
//!
//! Windows of neighbouring shingles are the same, so a shingle costs one function for each level. None waits for
//! the one before, so that vector instructions can do several at once.

use super::arch::{Portable, Processor, Task};
use super::hash::{Linear, VALUES, appended, key, mix};

/// Numbers of the keys of the first level, and of that of no tokens.
const LEVEL_KEYS: u64 = 8;
const LENGTH_KEYS: u64 = 64;

/// The levels for shingles of n tokens.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    seed: u64,
    all: Vec<Level>,
    /// The key of n tokens.
    length: u64,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    linear: Linear,
    /// Tokens in a value that goes in.
    size: usize,
    /// Tokens more in one that comes out.
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

/// What tells shingles of other numbers of tokens apart.
fn length_key(seed: u64, tokens: usize) -> u64 {
    key(seed, LENGTH_KEYS + tokens as u64)
}

/// Values of a level that wait for further ones.
#[derive(Debug, Default)]
struct Stage {
    values: Vec<u64>,
    /// Values that the next level began with.
    done: usize,
}

/// Working memory: the tokens, and the values of each level.
#[derive(Debug, Default)]
pub(super) struct Stages(Vec<Stage>);

/// Done values that are kept before they are dropped, so that they stay in the nearest cache.
const DONE: usize = 1024;

/// Makes the shingles of a document, whose tokens come in parts.
pub(super) struct Windows<'a> {
    levels: &'a Levels,
    stages: &'a mut [Stage],
    hashes: &'a mut Vec<u64>,
}

impl<'a> Windows<'a> {
    /// Hashes are written over `hashes`.
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

    /// Where hashes of further tokens are to be appended, before [`advance`](Self::advance).
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

    /// After the last token: too few for a shingle make one by themselves.
    #[inline(always)]
    pub(super) fn end(mut self, processor: impl Processor) {
        self.advance(processor);
        if self.hashes.is_empty() {
            let few = self.few();
            self.hashes.extend(few);
        }
    }

    /// The shingle of too few tokens. What it would be if n were their number: the levels are the same up to the last,
    /// and of that the values below are all there.
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
    /// Has values made of those that wait, as many as they give.
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

/// Makes values of a level that is not the last: of five windows side by side.
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

/// Makes hashes of values of the last level.
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
        // How many windows side by side go into one.
        match level.spare.div_ceil(level.size) {
            0 | 1 => level.combine::<2>(values, hashes, finish),
            2 => level.combine::<3>(values, hashes, finish),
            3 => level.combine::<4>(values, hashes, finish),
            _ => level.combine::<VALUES>(values, hashes, finish),
        }
    }
}

impl Level {
    /// Of N windows: side by side, but for the last, which ends where they all do.
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
            // Calls of `map` stay calls for N = 5, and keep the loop from becoming vector instructions.
            for (value, window) in values.iter_mut().zip(&windows) {
                *value = window[i];
            }
            made[i] = finish(self.linear.of(values));
        }
    }
}

/// Makes hashes of shingles of one token.
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
