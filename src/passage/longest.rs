//! For each place in two texts, the longest run of words from there that the other text has as well.

use std::collections::HashMap;
use std::ops::Range;

use super::suffixes::{NONE, common_prefixes, suffix_array};
use crate::text::Located;

/// One of the two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Which {
    A,
    B,
}

impl Which {
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
    /// What each suffix of `order` has in common with the one before it.
    common: Vec<u32>,
    /// The longest run from each place that the other text has.
    runs: Vec<Run>,
    /// Where the other text has some runs, ascending.
    places: HashMap<(u32, u32, Which), Vec<u32>>,
}

/// A run of words that the other text has.
#[derive(Debug, Clone, Copy)]
struct Run {
    words: u32,
    /// The first suffix in `order` that begins with it.
    group: u32,
}

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
        let runs = longest_runs(&order, &common, words_of_a);
        Self {
            tokens,
            words_of_a,
            order,
            common,
            runs,
            places: HashMap::new(),
        }
    }

    /// The words of a text.
    pub(super) fn words(&self, side: Which) -> &[u32] {
        &self.tokens[self.range(side)]
    }

    fn range(&self, side: Which) -> Range<usize> {
        match side {
            Which::A => 0..self.words_of_a,
            Which::B => self.words_of_a + 1..self.tokens.len(),
        }
    }

    /// The fewest runs of at least `least` words that cover every word which is in such a run: each as long as can be.
    pub(super) fn covering(&self, side: Which, least: usize) -> Vec<Range<usize>> {
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
    /// its first place of all.
    pub(super) fn place(&mut self, side: Which, run: &Range<usize>, from: usize) -> usize {
        let other = self.range(side.other());
        let Run { group, words, .. } = self.runs[self.range(side).start + run.start];
        let places = self.places.entry((group, words, side)).or_insert_with(|| {
            let ranks = group as usize + 1..self.order.len();
            let same = ranks.take_while(|&rank| self.common[rank] >= words);
            let all = std::iter::once(group as usize).chain(same);
            let all = all.map(|rank| self.order[rank] as usize);
            let inside = all.filter(|place| other.contains(place));
            let mut places: Vec<u32> = inside.map(|place| (place - other.start) as u32).collect();
            places.sort_unstable();
            places
        });
        let next = places.partition_point(|&place| (place as usize) < from);
        places[next % places.len()] as usize
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
    /// The first of them in `order`.
    start: u32,
    /// Whether some are of the first text, and of the second.
    has: [bool; 2],
    /// The suffixes whose longest run is not known yet, as the first and last of a list.
    waiting: [u32; 2],
}

impl Group {
    /// A group of one suffix.
    fn of(at: u32, start: u32, words_of_a: usize) -> Self {
        let is_of_a = (at as usize) < words_of_a;
        Self {
            words: NONE,
            start,
            has: [is_of_a, !is_of_a],
            waiting: [at; 2],
        }
    }

    /// Adds another group to this one. `next` has the lists of those that wait.
    fn join(&mut self, other: &Self, next: &mut [u32]) {
        self.has = [0, 1].map(|text| self.has[text] || other.has[text]);
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
fn longest_runs(order: &[u32], common: &[u32], words_of_a: usize) -> Vec<Run> {
    let mut runs = vec![Run { words: 0, group: 0 }; order.len()];
    let mut next = vec![NONE; order.len()];
    let mut open: Vec<Group> = Vec::new();
    for rank in 0..=order.len() {
        let words = common.get(rank).copied().unwrap_or(0);
        while let Some(mut group) = open.pop_if(|group| group.words > words) {
            if group.has == [true, true] {
                let mut at = group.waiting[0];
                while at != NONE {
                    runs[at as usize] = Run {
                        words: group.words,
                        group: group.start,
                    };
                    at = next[at as usize];
                }
                group.waiting = [NONE; 2];
            }
            match open.last_mut() {
                Some(around) if around.words >= words => around.join(&group, &mut next),
                _ => open.push(Group { words, ..group }),
            }
        }
        if let Some(&at) = order.get(rank) {
            open.push(Group::of(at, rank as u32, words_of_a));
        }
    }
    runs
}
