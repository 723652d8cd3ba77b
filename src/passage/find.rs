//! From the longest runs of two texts to passages.

use std::ops::Range;

use super::longest::{Longest, Side};
use super::{Passage, Passages, Run};
use crate::text::Located;

/// A run of words, as the number of its first word in both texts and the number of its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    near: usize,
    far: usize,
    words: usize,
}

impl Part {
    fn end(self) -> (usize, usize) {
        (self.near + self.words, self.far + self.words)
    }
}

/// A text, and which of its words are in passages.
struct Text<'t> {
    text: &'t str,
    located: Located,
    covered: Vec<bool>,
}

impl<'t> Text<'t> {
    fn new(text: &'t str, located: Located) -> Self {
        let covered = vec![false; located.len()];
        Self {
            text,
            located,
            covered,
        }
    }

    /// The bytes of some words.
    fn bytes(&self, words: Range<usize>) -> Range<usize> {
        self.located.start(words.start)..self.located.end(words.end - 1)
    }

    /// The bytes from the first to the last of adjacent words that are in no passage.
    fn rest(&self) -> Vec<Range<usize>> {
        let stretches = self.covered.chunk_by(|one, next| one == next);
        let mut at = 0;
        let mut rest = Vec::new();
        for stretch in stretches {
            if !stretch[0] {
                rest.push(self.bytes(at..at + stretch.len()));
            }
            at += stretch.len();
        }
        rest
    }

    fn shared(&self) -> usize {
        self.covered.iter().filter(|&&covered| covered).count()
    }
}

pub(super) fn find<'t>(
    (a, b): (&'t str, &'t str),
    (located_a, located_b): (Located, Located),
    min_words: usize,
    max_gap: usize,
) -> Passages<'t> {
    let longest = Longest::new(&located_a, &located_b);
    let (mut a, mut b) = (Text::new(a, located_a), Text::new(b, located_b));
    let mut passages = Vec::new();
    for side in [Side::A, Side::B] {
        let (near, far) = match side {
            Side::A => (&mut a, &mut b),
            Side::B => (&mut b, &mut a),
        };
        let mut behind = 0;
        for run in longest.covering(side, min_words) {
            if near.covered[run.clone()].iter().all(|&covered| covered) {
                continue;
            }
            let part = Part {
                near: run.start,
                far: longest.place(side, &run, behind),
                words: run.len(),
            };
            let extending = Extending {
                near: longest.words(side),
                far: longest.words(side.other()),
                covered: &near.covered,
                max_gap,
            };
            let mut parts = extending.extended(part);
            behind = parts.last().map_or(behind, |last| last.end().1);
            parts.retain_mut(|part| can_be_cut(part, &near.located, &far.located));
            if parts.iter().map(|part| part.words).sum::<usize>() < min_words {
                continue;
            }
            for part in &parts {
                near.covered[part.near..part.end().0].fill(true);
                far.covered[part.far..part.end().1].fill(true);
            }
            let runs = parts.into_iter().map(
                |Part {
                     near: one,
                     far: two,
                     words,
                 }| {
                    let [one, two] = [near.bytes(one..one + words), far.bytes(two..two + words)];
                    let (a, b) = match side {
                        Side::A => (one, two),
                        Side::B => (two, one),
                    };
                    Run { a, b, words }
                },
            );
            passages.extend(Passage::of(runs.collect()));
        }
    }
    passages.sort_by_key(|passage| (passage.a.start, passage.b.start, passage.a.end));
    Passages {
        words: [&a, &b].map(|text| text.covered.len()),
        shared: [&a, &b].map(Text::shared),
        rest: [&a, &b].map(Text::rest),
        texts: [a.text, b.text],
        passages,
    }
}

/// Takes words away from both ends until it can be cut out of both texts between characters. False if none remain.
fn can_be_cut(part: &mut Part, near: &Located, far: &Located) -> bool {
    let Part {
        near: at_near,
        far: at_far,
        words,
    } = *part;
    let mut cuts =
        (0..=words).filter(|&cut| near.can_cut(at_near + cut) && far.can_cut(at_far + cut));
    let Some(first) = cuts.next() else {
        return false;
    };
    let last = cuts.next_back().unwrap_or(first);
    *part = Part {
        near: at_near + first,
        far: at_far + first,
        words: last - first,
    };
    part.words > 0
}

/// Continues runs over gaps.
struct Extending<'f> {
    near: &'f [u32],
    far: &'f [u32],
    /// The words of the near text that passages have already.
    covered: &'f [bool],
    max_gap: usize,
}

impl Extending<'_> {
    /// The parts of the passage around a run, in order.
    fn extended(&self, run: Part) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut first = run;
        while let Some(part) = self.before(first) {
            parts.push(part);
            first = part;
        }
        parts.reverse();
        parts.push(run);
        let mut last = run;
        while let Some(part) = self.behind(last) {
            parts.push(part);
            last = part;
        }
        parts
    }

    /// The run that continues a passage behind `part`, over the shortest gap.
    fn behind(&self, part: Part) -> Option<Part> {
        let (near, far) = part.end();
        let words = self.near[near..].iter().zip(&self.covered[near..]);
        let (gap, words) = self.over_gap(&words, &self.far[far..].iter())?;
        Some(Part {
            near: near + gap[0],
            far: far + gap[1],
            words,
        })
    }

    /// The run that a passage continues before `part`.
    fn before(&self, part: Part) -> Option<Part> {
        let Part { near, far, .. } = part;
        let words = self.near[..near].iter().zip(&self.covered[..near]).rev();
        let (gap, words) = self.over_gap(&words, &self.far[..far].iter().rev())?;
        Some(Part {
            near: near - gap[0] - words,
            far: far - gap[1] - words,
            words,
        })
    }

    /// The gap that is bridged, as its words in both texts, and the number of words that match behind it: the shortest
    /// gap with more of them than the gap is long, and among gaps of the same length the one with the most.
    fn over_gap<'w>(
        &self,
        near: &(impl Iterator<Item = (&'w u32, &'w bool)> + Clone),
        far: &(impl Iterator<Item = &'w u32> + Clone),
    ) -> Option<([usize; 2], usize)> {
        (1..=self.max_gap).find_map(|length| {
            let replaced = std::iter::once([length, length]);
            let uneven = (0..length)
                .rev()
                .flat_map(|fewer| [[length, fewer], [fewer, length]]);
            let bridged = replaced.chain(uneven).filter_map(|gap| {
                let mut near = near.clone();
                let is_free = !near.by_ref().take(gap[0]).any(|(_, &covered)| covered);
                let both = near.zip(far.clone().skip(gap[1]));
                let same = both.take_while(|((near, covered), far)| near == far && !**covered);
                Some((gap, same.count())).filter(|&(_, words)| is_free && words > length)
            });
            bridged.reduce(|best, other| if other.1 > best.1 { other } else { best })
        })
    }
}
