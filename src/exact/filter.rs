//! Which documents may have a partner at all.

use rayon::prelude::*;

use super::sample::{Bits, Chunk, Own, Sample};
use crate::error::Error;
use crate::text::arch::STRIPS;
use crate::threshold::Threshold;
use crate::watch::Ticker;

/// For each document whether it may have a partner, among those that are `asked`: no other does. Wrong only on the safe
/// side, and the same in every run. `ticker` is for the documents.
///
/// Of two similar documents the later finds few shingles that no earlier one has: it is *late*, and one that is not has
/// no earlier partner. The earlier of the two finds few shingles that no late document has.
pub(crate) fn survivors(
    sample: &Sample,
    threshold: Threshold,
    asked: &[bool],
    ticker: &Ticker<'_>,
) -> Result<Vec<bool>, Error> {
    let may_miss = |length: u32| match length {
        u32::MAX => u32::MAX, // or longer
        length => threshold.may_miss(length as usize) as u32,
    };
    let may_miss: Vec<u32> = sample.lengths().map(may_miss).collect();
    let new = count(sample, asked, |strip| {
        let mut seen = Bits::new(strip.keys(), 6);
        move |keys: &[u32]| seen.insert(keys)
    });
    let late = |document: usize| asked[document] && new[document] <= may_miss[document];
    let late: Vec<bool> = (0..asked.len()).map(late).collect();
    ticker.tick(asked.len() / 2)?;
    let may = match late.contains(&true) {
        true => with_earlier(sample, asked, &may_miss, &new, &late),
        false => late,
    };
    ticker.tick(asked.len() - asked.len() / 2)?;
    Ok(may)
}

/// The documents that are late, and those that may be the earlier ones of the pairs: these have few shingles that no
/// late document has.
fn with_earlier(
    sample: &Sample,
    asked: &[bool],
    may_miss: &[u32],
    new: &[u32],
    late: &[bool],
) -> Vec<bool> {
    let of_late = |number| {
        let strip = Strip { sample, number };
        let late = strip.documents().zip(late).filter(|(_, late)| **late);
        let keys = late.map(|(keys, _)| keys);
        let mut of_late = Bits::new(keys.clone().map(<[u32]>::len).sum(), 16);
        for keys in keys {
            of_late.insert(keys);
        }
        of_late
    };
    let strips = (0..STRIPS).into_par_iter().with_max_len(1);
    let of_late: Vec<Bits> = strips.map(of_late).collect();
    let rest = asked.iter().zip(late).map(|(&asked, &late)| asked && !late);
    let rest: Vec<bool> = rest.collect();
    // Most are told by a look: of what was new in a document, at most what late ones have is not alone.
    let shared = count(sample, &rest, |strip| {
        let of_late = &of_late[strip.number];
        |keys: &[u32]| of_late.found(keys)
    });
    let is_open = |document: usize| {
        rest[document] && new[document].saturating_sub(shared[document]) <= may_miss[document]
    };
    let open: Vec<bool> = (0..rest.len()).map(is_open).collect();
    let alone = count(sample, &open, |strip| {
        let (of_late, mut own) = (&of_late[strip.number], Own::default());
        move |keys: &[u32]| of_late.missing(keys, &mut own)
    });
    let may =
        |document: usize| late[document] || open[document] && alone[document] <= may_miss[document];
    (0..late.len()).map(may).collect()
}

/// Counts keys of the documents that are asked. `counter` makes, of a strip, what counts those of each document in it.
fn count<Counter: FnMut(&[u32]) -> usize>(
    sample: &Sample,
    asked: &[bool],
    counter: impl Fn(Strip<'_>) -> Counter + Sync,
) -> Vec<u32> {
    if !asked.contains(&true) {
        return vec![0; asked.len()];
    }
    let of_strip = |number| {
        let strip = Strip { sample, number };
        let mut counter = counter(strip);
        let of_document = |(keys, &asked): (&[u32], &bool)| match asked {
            true => counter(keys) as u32,
            false => 0,
        };
        strip.documents().zip(asked).map(of_document).collect()
    };
    let strips = (0..STRIPS).into_par_iter().with_max_len(1);
    let strips: Vec<Vec<u32>> = strips.map(of_strip).collect();
    let all = |document| strips.iter().map(|strip| strip[document]).sum();
    (0..asked.len()).map(all).collect()
}

/// One strip of all documents.
#[derive(Clone, Copy)]
struct Strip<'s> {
    sample: &'s Sample,
    number: usize,
}

impl<'s> Strip<'s> {
    fn keys(self) -> usize {
        let chunks = self.sample.chunks.iter();
        chunks.map(|chunk| chunk.strips[self.number].len()).sum()
    }

    /// The keys of each document in turn.
    fn documents(self) -> impl Iterator<Item = &'s [u32]> + Clone {
        let of_chunk = move |chunk: &'s Chunk| {
            let keys = chunk.strips[self.number].as_slice();
            let mut from = 0;
            chunk.ends.iter().map(move |ends| {
                let to = ends[self.number] as usize;
                &keys[std::mem::replace(&mut from, to)..to]
            })
        };
        self.sample.chunks.iter().flat_map(of_chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Sampler;
    use crate::text::mix;

    /// The answer for documents of these hashes, all of them asked.
    fn filtered(documents: &[Vec<u64>], threshold: f64) -> Vec<bool> {
        let threshold = Threshold(threshold);
        let (sampler, mut sample) = (Sampler::new(threshold), Sample::default());
        let mut memory = Vec::new();
        for document in documents {
            let mut one = Sample::default();
            sampler.push(document, &mut memory, &mut one);
            sample.take(&mut one, |_| true);
        }
        let ticker = Ticker::silent();
        survivors(&sample, threshold, &vec![true; documents.len()], &ticker).unwrap()
    }

    fn hashes(numbers: impl Iterator<Item = u64>) -> Vec<u64> {
        numbers.map(mix).collect()
    }

    #[test]
    fn partners_stay_and_most_others_go() {
        let mut documents: Vec<Vec<u64>> = (0..1000)
            .map(|i| hashes(i * 1000..i * 1000 + 200))
            .collect();
        // 80% of document 7, and a document that holds 500 for its 400; and 790 with shingles repeated.
        documents.push(hashes((7000..7160).chain(900_000_000..900_000_000)));
        documents.push(hashes(8000..8250));
        documents.push(hashes((790_000..790_200).chain(790_000..790_150)));
        for threshold in [0.8, 0.7, 0.5] {
            let may = filtered(&documents, threshold);
            for partner in [7, 1000, 8, 1001, 790, 1002] {
                assert!(may[partner], "{partner} at {threshold}");
            }
            let stay = may.iter().filter(|&&may| may).count();
            assert!(stay < 80, "{stay} stay at {threshold}");
        }
    }

    #[test]
    fn repeated_shingles_are_missed_once() {
        // One in three, the others repeated.
        let repeated = [1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3].map(mix).to_vec();
        let may = filtered(&[repeated, hashes(1..2), hashes(50..90)], 1.0 / 3.0);
        assert_eq!(may, [true, true, false]);
    }

    #[test]
    fn documents_that_are_not_asked_do_not_count() {
        let document = hashes(0..100);
        let documents = [document.clone(), document];
        let threshold = Threshold(0.8);
        let (sampler, mut open) = (Sampler::new(threshold), Sample::default());
        let mut sample = Sample::default();
        for document in &documents {
            sampler.push(document, &mut Vec::new(), &mut open);
        }
        sample.take(&mut open, |_| true);
        let ticker = Ticker::silent();
        let may = survivors(&sample, threshold, &[true, false], &ticker);
        assert_eq!(may, Ok(vec![false, false]));
    }

    #[test]
    fn samples_can_be_taken_in_part() {
        let documents: Vec<Vec<u64>> = (0..9).map(|i| hashes(i * 50..i * 50 + 40 + i)).collect();
        let sampler = Sampler::new(Threshold(0.5));
        let sampled = |numbers: &[usize], keep: &dyn Fn(usize) -> bool| {
            let (mut open, mut sample) = (Sample::default(), Sample::default());
            for &number in numbers {
                sampler.push(&documents[number], &mut Vec::new(), &mut open);
            }
            sample.take(&mut open, keep);
            let chunk = &sample.chunks[0];
            (
                chunk.lengths.clone(),
                chunk.strips.clone(),
                chunk.ends.clone(),
            )
        };
        let all: Vec<usize> = (0..9).collect();
        let some = sampled(&all, &|number| number % 3 != 1);
        assert_eq!(some, sampled(&[0, 2, 3, 5, 6, 8], &|_| true));
    }
}
