//! For each place in two texts, the longest run of words from there that the other text has as well.

use std::collections::HashMap;
use std::ops::Range;

use super::suffixes::{NONE, common_prefixes, suffix_array};
use crate::text::Located;

/// One of the two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    A,
    B,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Two texts as numbers, one for each distinct token, and what they have in common.
pub(super) struct Longest {
    /// Both texts, with a number between them that neither has.
    tokens: Vec<u32>,
    words_of_a: usize,
    /// The suffixes of `tokens`, ascending.
    order: Vec<u32>,
    /// The place of each suffix in `order`.
    ranks: Vec<u32>,
    /// What each suffix of `order` has in common with the one before it.
    common: Vec<u32>,
    /// The longest run from each place that the other text has.
    runs: Vec<Run>,
}

/// A run of words that the other text has.
#[derive(Debug, Clone, Copy)]
struct Run {
    words: u32,
    /// Where it begins in the other text for the first time.
    first: u32,
}

/// One more than the most places of a run among which one is chosen.
pub(super) const PLACES: usize = 64;

impl Longest {
    /// # Panics
    /// If the texts have 2^32 - 3 tokens or more.
    pub(super) fn new(a: &Located, b: &Located) -> Self {
        let most = u32::MAX as usize - 3;
        assert!(
            a.len() + b.len() <= most,
            "the texts have more than {most} words"
        );
        let mut numbers = HashMap::new();
        let mut tokens = Vec::with_capacity(a.len() + 1 + b.len());
        for token in a.iter() {
            let next = numbers.len() as u32;
            tokens.push(*numbers.entry(token).or_insert(next));
        }
        tokens.push(NONE);
        for token in b.iter() {
            let next = numbers.len() as u32;
            tokens.push(*numbers.entry(token).or_insert(next));
        }
        let values = numbers.len() + 1;
        drop(numbers);
        tokens[a.len()] = values as u32 - 1;
        Self::of_numbers(tokens, a.len(), values)
    }

    fn of_numbers(tokens: Vec<u32>, words_of_a: usize, values: usize) -> Self {
        let order = suffix_array(&tokens, values);
        let common = common_prefixes(&tokens, &order);
        let runs = longest_runs(&order, &common, words_of_a as u32);
        let mut ranks = vec![0; order.len()];
        for (rank, &at) in order.iter().enumerate() {
            ranks[at as usize] = rank as u32;
        }
        Self {
            tokens,
            words_of_a,
            order,
            ranks,
            common,
            runs,
        }
    }

    /// The words of a text.
    pub(super) fn words(&self, side: Side) -> &[u32] {
        &self.tokens[self.range(side)]
    }

    fn range(&self, side: Side) -> Range<usize> {
        match side {
            Side::A => 0..self.words_of_a,
            Side::B => self.words_of_a + 1..self.tokens.len(),
        }
    }

    /// The fewest runs of at least `least` words that cover every word which is in such a run: each as long as can be.
    pub(super) fn covering(&self, side: Side, least: usize) -> Vec<Range<usize>> {
        let runs = &self.runs[self.range(side)];
        let mut covering = Vec::new();
        let (mut covered, mut next) = (0, Range::default());
        for (start, run) in runs.iter().enumerate() {
            if (run.words as usize) < least {
                continue;
            }
            if start > covered {
                // No later run continues what is covered.
                covered = next.end;
                push_if_some(&mut covering, std::mem::take(&mut next));
                covered = covered.max(start);
            }
            let end = start + run.words as usize;
            if end > covered.max(next.end) {
                next = start..end;
            }
        }
        push_if_some(&mut covering, next);
        covering
    }

    /// Where a run from [`covering`](Self::covering) begins in the other text: at its first place from `from` on, or
    /// its first place of all. If both texts together have it [`PLACES`] times more, the first place of all.
    pub(super) fn place(&self, side: Side, run: &Range<usize>, from: usize) -> usize {
        let at = self.range(side).start + run.start;
        let other = self.range(side.other());
        let first = self.runs[at].first as usize - other.start;
        if first >= from {
            return first;
        }
        let rank = self.ranks[at] as usize;
        let is_same = |&rank: &usize| self.common[rank] as usize >= run.len();
        let before = (1..=rank).rev().take_while(is_same).map(|rank| rank - 1);
        let behind = (rank + 1..self.order.len()).take_while(is_same);
        let places: Vec<usize> = before.chain(behind).take(PLACES).collect();
        if places.len() == PLACES {
            return first;
        }
        let places = places.into_iter().map(|rank| self.order[rank] as usize);
        let places = places.filter_map(|place| place.checked_sub(other.start));
        let later = places.filter(|&place| place >= from && place < other.len());
        later.min().unwrap_or(first)
    }
}

fn push_if_some(runs: &mut Vec<Range<usize>>, run: Range<usize>) {
    if !run.is_empty() {
        runs.push(run);
    }
}

/// Adjacent suffixes that have some words in common.
struct Group {
    words: u32,
    /// The first place in either text.
    first: [u32; 2],
    /// The suffixes whose longest run is not known yet, as the first and last of a list.
    waiting: [u32; 2],
}

impl Group {
    /// A group of one suffix.
    fn of(at: u32, words_of_a: u32) -> Self {
        let mut first = [NONE; 2];
        first[usize::from(at > words_of_a)] = at;
        Self {
            words: NONE,
            first,
            waiting: [at; 2],
        }
    }

    fn has_both(&self) -> bool {
        !self.first.contains(&NONE)
    }

    /// Adds another group to this one. `next` has the lists of those that wait.
    fn join(&mut self, other: &Self, next: &mut [u32]) {
        for (own, &first) in self.first.iter_mut().zip(&other.first) {
            *own = (*own).min(first);
        }
        let [head, tail] = other.waiting;
        if head != NONE {
            match self.waiting[1] {
                NONE => self.waiting[0] = head,
                last => next[last as usize] = head,
            }
            self.waiting[1] = tail;
        }
    }
}

/// The longest run from each place, found in the tree of the groups of suffixes: the smallest group around a suffix that
/// has suffixes of both texts.
fn longest_runs(order: &[u32], common: &[u32], words_of_a: u32) -> Vec<Run> {
    let mut runs = vec![
        Run {
            words: 0,
            first: NONE
        };
        order.len()
    ];
    let mut next = vec![NONE; order.len()];
    let mut open: Vec<Group> = Vec::new();
    for rank in 0..=order.len() {
        let shared = common.get(rank).copied().unwrap_or(0);
        while open.last().is_some_and(|group| group.words > shared)
            && let Some(mut group) = open.pop()
        {
            if group.has_both() {
                let mut at = group.waiting[0];
                while at != NONE {
                    runs[at as usize] = Run {
                        words: group.words,
                        first: group.first[usize::from(at <= words_of_a)],
                    };
                    at = next[at as usize];
                }
                group.waiting = [NONE; 2];
            }
            match open.last_mut() {
                Some(around) if around.words >= shared => around.join(&group, &mut next),
                _ => open.push(Group {
                    words: shared,
                    ..group
                }),
            }
        }
        if let Some(&at) = order.get(rank) {
            open.push(Group::of(at, words_of_a));
        }
    }
    runs
}
