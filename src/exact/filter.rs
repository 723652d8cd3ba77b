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
        let lengths = self.sample.chunks.iter().flat_map(|chunk| &*chunk.lengths);
        let few = |(document, (&length, alone)): (usize, (&u32, AtomicU32))| {
            let alone = alone.into_inner() as usize;
            let is_few = length == u32::MAX || alone <= threshold.may_miss(length as usize);
            is_few && asked(document)
        };
        lengths.zip(self.alone).enumerate().map(few).collect()
    }
}
