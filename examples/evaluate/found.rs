//! The pairs that one kind of shingle finds.

use rayon::prelude::*;
use resemblance::corpus::{Corpus, TextDocument};
use resemblance::text::{Document, ReadBuffer, Scratch, mix};
use resemblance::verify::ShingleSet;
use resemblance::{Deduper, Run, Similarity};

use crate::Failure;
use crate::labels::Labels;

/// Two documents and their similarity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored {
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) similarity: Similarity,
    pub(crate) is_labelled: bool,
}

impl Scored {
    pub(crate) fn jaccard(&self) -> f64 {
        self.similarity.jaccard
    }

    /// A number that puts pairs in an arbitrary order, the same in every run.
    pub(crate) fn lot(&self) -> u64 {
        mix(mix(self.a as u64 + 1) ^ self.b as u64)
    }
}

/// The pairs of one kind of shingle, and the labelled pairs that it does not report.
pub(crate) struct Found {
    /// The pairs at the deduper's threshold or above, most similar first.
    pub(crate) reported: Vec<Scored>,
    /// The labelled pairs that are not among them, most similar first.
    pub(crate) unreported: Vec<Scored>,
}

impl Found {
    pub(crate) fn new(
        deduper: &Deduper,
        corpus: &Corpus,
        labels: Option<&Labels>,
        run: &Run<'_>,
    ) -> Result<Self, Failure> {
        let labelled = labels.map_or(0, |labels| labels.pairs().len());
        let mut was_reported = vec![false; labelled];
        let mut reported = Vec::new();
        let batch = deduper.batch(corpus.documents(), run)?;
        batch.for_each_pair(|pair| {
            let label = labels.and_then(|labels| labels.place(pair.a, pair.b));
            if let Some(label) = label {
                was_reported[label] = true;
            }
            reported.push(Scored {
                a: pair.a,
                b: pair.b,
                similarity: pair.similarity,
                is_labelled: label.is_some(),
            });
            Ok::<(), Failure>(())
        })?;
        drop(batch);
        let labels = labels.map_or(&[][..], Labels::pairs).iter();
        let rest = labels.zip(was_reported).filter(|(_, reported)| !reported);
        let rest: Vec<(usize, usize)> = rest.map(|(&pair, _)| pair).collect();
        let mut unreported = scored(deduper, corpus.documents(), &rest)?;
        most_similar_first(&mut reported);
        most_similar_first(&mut unreported);
        Ok(Self {
            reported,
            unreported,
        })
    }
}

/// Compares labelled pairs directly.
fn scored(
    deduper: &Deduper,
    documents: &[TextDocument],
    pairs: &[(usize, usize)],
) -> Result<Vec<Scored>, Failure> {
    let score = |buffer: &mut ReadBuffer, &(a, b): &(usize, usize)| {
        let left = shingle_set(deduper, &documents[a], buffer)?;
        let right = shingle_set(deduper, &documents[b], buffer)?;
        Ok(Scored {
            a,
            b,
            similarity: left.similarity(&right),
            is_labelled: true,
        })
    };
    let pairs = pairs.par_iter();
    pairs.map_init(ReadBuffer::default, score).collect()
}

fn shingle_set(
    deduper: &Deduper,
    document: &TextDocument,
    buffer: &mut ReadBuffer,
) -> Result<ShingleSet, Failure> {
    let mut hashes = Vec::new();
    let content = document.content(buffer).map_err(Failure::failed)?;
    let shingler = deduper.sketcher().shingler();
    shingler
        .content_into(content, &mut Scratch::default(), &mut hashes)
        .map_err(Failure::failed)?;
    Ok(ShingleSet::from_hashes(hashes))
}

/// Sorts pairs, with ties in arbitrary order: the pairs next to a threshold should not all have the same document.
pub(crate) fn most_similar_first(pairs: &mut [Scored]) {
    pairs.par_sort_unstable_by(|x, y| {
        let by_similarity = y.jaccard().total_cmp(&x.jaccard());
        by_similarity.then_with(|| (x.lot(), x.a, x.b).cmp(&(y.lot(), y.a, y.b)))
    });
}

/// The number of sorted pairs that reach a threshold.
pub(crate) fn reaching(pairs: &[Scored], threshold: f64) -> usize {
    pairs.partition_point(|pair| pair.jaccard() >= threshold)
}
