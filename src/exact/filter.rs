//! Which documents may have a partner at all.

use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use super::sample::{Bits, Sample};
use crate::error::Error;
use crate::text::arch::STRIPS;
use crate::threshold::Threshold;
use crate::watch::Ticker;

/// For each document whether it may have a partner, among those for which `asked` says true: no other does. Wrong
/// only on the safe side, and the same in every run. `ticker` is for the documents.
///
/// Of two similar documents the later finds few shingles that no earlier one has: it is *late*, and one that is not has
/// no earlier partner. The earlier of the two finds few shingles that no late document has.
pub(crate) fn survivors(
    sample: &Sample,
    documents: usize,
    threshold: Threshold,
    asked: impl Fn(usize) -> bool + Sync,
    ticker: &Ticker<'_>,
) -> Result<Vec<bool>, Error> {
    let alone = Alone::new(sample, documents);
    alone.count(&asked, |bits, keys| bits.insert(keys), |_| false);
    let mut may = alone.few(threshold, &asked);
    ticker.tick(documents / 2)?;
    if may.contains(&true) {
        let alone = Alone::new(sample, documents);
        let asked = |document: usize| asked(document) && !may[document];
        alone.count(
            &asked,
            |bits, keys| bits.missing(keys),
            |document| may[document],
        );
        may = alone
            .few(threshold, &asked)
            .into_iter()
            .zip(&may)
            .map(|(a, &b)| a || b)
            .collect();
    }
    ticker.tick(documents - documents / 2)?;
    Ok(may)
}

/// How many keys of each document are its own.
struct Alone<'s> {
    sample: &'s Sample,
    alone: Vec<AtomicU32>,
}

impl<'s> Alone<'s> {
    fn new(sample: &'s Sample, documents: usize) -> Self {
        Self {
            sample,
            alone: (0..documents).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Counts for the documents that are `asked`, strip by strip, by what `look` finds of their keys in the bits, into
    /// which the keys of documents that are `known` go first.
    fn count(
        &self,
        asked: &(impl Fn(usize) -> bool + Sync),
        look: impl Fn(&mut Bits, &[u32]) -> usize + Sync,
        known: impl Fn(usize) -> bool + Sync,
    ) {
        (0..STRIPS)
            .into_par_iter()
            .with_max_len(1)
            .for_each(|strip| {
                let mut keys = 0;
                self.for_each(strip, |document, of_document| {
                    if known(document) {
                        keys += of_document.len();
                    }
                });
                let mut bits = Bits::new(match keys {
                    0 => self
                        .sample
                        .chunks
                        .iter()
                        .map(|chunk| chunk.strips[strip].len())
                        .sum(),
                    keys => keys,
                });
                if keys > 0 {
                    self.for_each(strip, |document, of_document| {
                        if known(document) {
                            bits.insert(of_document);
                        }
                    });
                }
                self.for_each(strip, |document, of_document| {
                    if asked(document) {
                        let alone = look(&mut bits, of_document);
                        self.alone[document].fetch_add(alone as u32, Ordering::Relaxed);
                    }
                });
            });
    }

    fn for_each(&self, strip: usize, mut each: impl FnMut(usize, &[u32])) {
        let mut document = 0;
        for chunk in &self.sample.chunks {
            let mut from = 0;
            for ends in &*chunk.ends {
                let to = ends[strip] as usize;
                each(document, &chunk.strips[strip][from..to]);
                from = to;
                document += 1;
            }
        }
    }

    /// Which of those that are asked have no more keys of their own than they may miss.
    fn few(self, threshold: Threshold, asked: &(impl Fn(usize) -> bool + Sync)) -> Vec<bool> {
        let lengths = self.sample.lengths();
        let few = |(document, (length, alone)): (usize, (u32, AtomicU32))| {
            let alone = alone.into_inner() as usize;
            let is_few = length == u32::MAX || alone <= threshold.may_miss(length as usize);
            is_few && asked(document)
        };
        lengths.zip(self.alone).enumerate().map(few).collect()
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
        survivors(&sample, documents.len(), threshold, |_| true, &ticker).unwrap()
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
        let may = survivors(&sample, 2, threshold, |document| document == 0, &ticker);
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
