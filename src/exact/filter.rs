//! Filters out documents that cannot have a partner: a document similar to them.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::sample::{Bits, Own, Sample, Sampler, place};
use crate::error::Error;
use crate::text::arch::STRIPS;
use crate::threshold::Threshold;
use crate::watch::Ticker;

/// The sampled keys of all documents, distributed to strips. They may be in memory or not.
pub(crate) trait Strips: Sync {
    type Error: From<Error> + Send;

    /// The number of keys of a strip.
    fn keys(&self, strip: usize) -> usize;

    /// The most strips that are processed at the same time.
    fn at_once(&self) -> usize {
        STRIPS
    }

    /// The most bytes that the tables of all strips may take together.
    fn most_bytes(&self) -> usize {
        usize::MAX
    }

    /// Calls `each` with the number of every document and its keys in a strip.
    fn for_each(&self, strip: usize, each: impl FnMut(usize, &[u32])) -> Result<(), Self::Error>;
}

impl Strips for Sample {
    type Error = Error;

    fn keys(&self, strip: usize) -> usize {
        self.chunks
            .iter()
            .map(|chunk| chunk.strips[strip].len())
            .sum()
    }

    fn for_each(&self, strip: usize, mut each: impl FnMut(usize, &[u32])) -> Result<(), Error> {
        let mut document = 0;
        for chunk in &self.chunks {
            let keys = chunk.strips[strip].as_slice();
            let mut from = 0;
            for ends in &chunk.ends {
                let to = ends[strip] as usize;
                each(document, &keys[from..to]);
                document += 1;
                from = to;
            }
        }
        Ok(())
    }
}

/// Finds the documents that may have a partner, among those that are `asked`.
///
/// It may keep a document without a partner, but never drops one with a partner. The result is the same in every run.
/// `lengths` are the numbers of shingles of the documents, with repetitions; `ticker` counts documents.
///
/// If two documents are similar, the later one has few shingles that no earlier document has. Such a document is called
/// *late*; a document that is not late has no earlier partner. The earlier one of the two has few shingles that no late
/// document has.
pub(crate) fn survivors<S: Strips>(
    strips: &S,
    lengths: impl Iterator<Item = u32>,
    threshold: Threshold,
    asked: &[bool],
    ticker: &Ticker<'_>,
) -> Result<Vec<bool>, S::Error> {
    let may_miss = |length: u32| match length {
        u32::MAX => u32::MAX, // or longer
        length => threshold.may_miss(length as usize) as u32,
    };
    let may_miss: Vec<u32> = lengths.map(may_miss).collect();
    let new = count(strips, asked, |strip| {
        let mut seen = Bits::new(strips.keys(strip), 6);
        move |keys: &[u32]| seen.insert(keys)
    })?;
    let late = |document: usize| asked[document] && new[document] <= may_miss[document];
    let late: Vec<bool> = (0..asked.len()).map(late).collect();
    ticker.tick(asked.len() / 2)?;
    let may = match late.contains(&true) {
        true => with_earlier(strips, asked, &may_miss, &new, &late)?,
        false => late,
    };
    ticker.tick(asked.len() - asked.len() / 2)?;
    Ok(may)
}

/// The documents that are late, and those that may be an earlier partner: they have few shingles that no late document
/// has.
fn with_earlier<S: Strips>(
    strips: &S,
    asked: &[bool],
    may_miss: &[u32],
    new: &[u32],
    late: &[bool],
) -> Result<Vec<bool>, S::Error> {
    // Late documents have about the same share of the keys as of the shingles. Counting their keys would read all
    // again.
    let missed = |which: &dyn Fn(usize) -> bool| {
        let documents = (0..late.len()).filter(|&document| which(document));
        let missed: u64 = documents
            .map(|document| u64::from(may_miss[document]) + 1)
            .sum();
        missed as f64
    };
    let share_of_late = missed(&|document| late[document]) / missed(&|_| true);
    let keys_of_late = |strip| (strips.keys(strip) as f64 * share_of_late) as usize;
    // With fewer bits, more keys are found by mistake, and more documents survive.
    let bytes: usize = (0..STRIPS).map(|strip| 2 * keys_of_late(strip)).sum();
    let bits = match bytes <= strips.most_bytes() {
        true => 16,
        false => (16 * strips.most_bytes() / bytes).max(1),
    };
    let of_late = |strip| -> Result<Bits, S::Error> {
        let mut of_late = Bits::new(keys_of_late(strip), bits);
        strips.for_each(strip, |document, keys| {
            if late[document] {
                of_late.insert(keys);
            }
        })?;
        Ok(of_late)
    };
    let all = (0..STRIPS).into_par_iter().with_max_len(1);
    let of_late: Vec<Bits> = all.map(of_late).collect::<Result<_, S::Error>>()?;
    let rest = asked.iter().zip(late).map(|(&asked, &late)| asked && !late);
    let rest: Vec<bool> = rest.collect();
    // A cheap bound decides most documents: the keys that were new, minus all keys that late documents have.
    let shared = count(strips, &rest, |strip| {
        let of_late = &of_late[strip];
        |keys: &[u32]| of_late.found(keys)
    })?;
    let is_open = |document: usize| {
        rest[document] && new[document].saturating_sub(shared[document]) <= may_miss[document]
    };
    let open: Vec<bool> = (0..rest.len()).map(is_open).collect();
    let alone = count(strips, &open, |strip| {
        let (of_late, mut own) = (&of_late[strip], Own::default());
        move |keys: &[u32]| of_late.missing(keys, &mut own)
    })?;
    let may =
        |document: usize| late[document] || open[document] && alone[document] <= may_miss[document];
    Ok((0..late.len()).map(may).collect())
}

/// Whether it pays to filter the documents that are `asked` again, by all their shingles.
///
/// It does if they are many and most will probably be dropped, since on average they have far more unique shingles than
/// a partner may lack. `lengths` are the numbers of shingles of all documents.
pub(crate) fn pays_again<S: Strips>(
    strips: &S,
    lengths: impl Iterator<Item = u32>,
    threshold: Threshold,
    asked: &[bool],
) -> Result<bool, S::Error> {
    /// The least average number of unique shingles of a document, as a multiple of the number that suffices to drop it.
    const OWN: f64 = 1.5;
    /// The approximate number of keys in the sample.
    const KEYS: usize = 1 << 18;
    if asked.iter().filter(|&&asked| asked).count() < asked.len() / 8 {
        return Ok(false);
    }
    let strip = 0;
    let one_of = strips.keys(strip).div_ceil(KEYS).max(1) as u64;
    let mut keys = Vec::<u32>::new();
    strips.for_each(strip, |document, of_document| {
        if asked[document] {
            keys.extend(of_document.iter().filter(|&&key| place(key, one_of) == 0));
        }
    })?;
    keys.par_sort_unstable();
    let own = keys.chunk_by(|a, b| a == b).filter(|run| run.len() == 1);
    let looked_at = Sampler::new(threshold).share() / (STRIPS as f64 * one_of as f64);
    let own = own.count() as f64 / looked_at;
    let shingles = lengths.zip(asked).filter(|&(_, &asked)| asked);
    let shingles: f64 = shingles.map(|(length, _)| f64::from(length)).sum();
    Ok(own > OWN * (1.0 - threshold.0) * shingles)
}

/// Counts keys of the documents that are `asked`. For each strip, `counter` makes a function that counts the keys of a
/// document.
fn count<S: Strips, Counter: FnMut(&[u32]) -> usize>(
    strips: &S,
    asked: &[bool],
    counter: impl Fn(usize) -> Counter + Sync,
) -> Result<Vec<u32>, S::Error> {
    /// The number of documents after which the counts of a strip are added to the totals.
    const CHUNK: usize = 1 << 14;
    let all = Mutex::new(vec![0; asked.len()]);
    if !asked.contains(&true) {
        return Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner));
    }
    let of_strip = |strip: usize| -> Result<(), S::Error> {
        let mut counter = counter(strip);
        let mut counts = Vec::with_capacity(CHUNK);
        strips.for_each(strip, |document, keys| {
            counts.push(match asked[document] {
                true => counter(keys) as u32,
                false => 0,
            });
            let end = document + 1;
            if counts.len() == CHUNK || end == asked.len() {
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                let all = &mut all[end - counts.len()..end];
                all.iter_mut()
                    .zip(counts.drain(..))
                    .for_each(|(all, count)| *all += count);
            }
        })
    };
    // With at least as many strips at once as threads, no limit is needed.
    let at_once = match strips.at_once().max(1) {
        few if few < rayon::current_num_threads() => few,
        _ => STRIPS,
    };
    for first in (0..STRIPS).step_by(at_once) {
        let some = first..STRIPS.min(first + at_once);
        some.into_par_iter()
            .with_max_len(1)
            .try_for_each(of_strip)?;
    }
    Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::mix;

    /// The survivors among documents with these hashes.
    fn filtered(documents: &[Vec<u64>], threshold: f64) -> Vec<bool> {
        let threshold = Threshold(threshold);
        let (sampler, mut sample) = (Sampler::new(threshold), Sample::default());
        let mut memory = Vec::new();
        for document in documents {
            let mut one = Sample::default();
            sampler.push(document, document.len(), &mut memory, &mut one);
            sample.take(&mut one, |_| true);
        }
        let ticker = Ticker::silent();
        let asked = vec![true; documents.len()];
        survivors(&sample, sample.lengths(), threshold, &asked, &ticker).unwrap()
    }

    fn hashes(numbers: impl Iterator<Item = u64>) -> Vec<u64> {
        numbers.map(mix).collect()
    }

    #[test]
    fn partners_stay_and_most_others_go() {
        let mut documents: Vec<Vec<u64>> = (0..1000)
            .map(|i| hashes(i * 1000..i * 1000 + 200))
            .collect();
        // 80% of document 7; document 8 with 50 more shingles; and document 790 with shingles repeated.
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
        // Two documents share one of three shingles, and the others are repeated.
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
            sampler.push(document, document.len(), &mut Vec::new(), &mut open);
        }
        sample.take(&mut open, |_| true);
        let ticker = Ticker::silent();
        let may = survivors(
            &sample,
            sample.lengths(),
            threshold,
            &[true, false],
            &ticker,
        );
        assert_eq!(may, Ok(vec![false, false]));
    }

    #[test]
    fn samples_can_be_taken_in_part() {
        let documents: Vec<Vec<u64>> = (0..9).map(|i| hashes(i * 50..i * 50 + 40 + i)).collect();
        let sampler = Sampler::new(Threshold(0.5));
        let sampled = |numbers: &[usize], keep: &dyn Fn(usize) -> bool| {
            let (mut open, mut sample) = (Sample::default(), Sample::default());
            for &number in numbers {
                let document = &documents[number];
                sampler.push(document, document.len(), &mut Vec::new(), &mut open);
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
