//! The pairs that one rule finds.

use rayon::prelude::*;
use resemblance::aside::SetAside;
use resemblance::text::{Content, Document, ReadBuffer, Scratch, mix};
use resemblance::verify::ShingleSet;
use resemblance::{Deduper, Measure, Run, Similarity};

use super::Failure;
use super::identical::Identical;
use super::labels::Labels;
use super::rule::Page;

/// Two documents and their similarity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scored {
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) similarity: Similarity,
    /// What is compared with the threshold.
    pub(crate) value: f64,
    pub(crate) is_labelled: bool,
}

impl Scored {
    fn new((a, b): (usize, usize), similarity: Similarity, measure: Measure) -> Self {
        Self {
            a,
            b,
            similarity,
            value: measure.of(&similarity),
            is_labelled: false,
        }
    }

    fn labelled(self, is_labelled: bool) -> Self {
        Self {
            is_labelled,
            ..self
        }
    }

    /// A number that puts pairs in an arbitrary order, the same in every run.
    pub(crate) fn lot(&self) -> u64 {
        mix(mix(self.a as u64 + 1) ^ self.b as u64)
    }
}

/// What is searched for pairs.
#[derive(Clone, Copy)]
pub(crate) struct Searched<'s> {
    pub(crate) deduper: &'s Deduper,
    pub(crate) pages: &'s [Page<'s>],
    pub(crate) labels: Option<&'s Labels>,
    /// Which texts are identical, if their pairs are left out.
    pub(crate) identical: Option<&'s Identical>,
}

/// The pairs of one rule, and the labelled pairs that it does not report.
pub(crate) struct Found {
    /// The pairs at the deduper's threshold or above, most similar first.
    pub(crate) reported: Vec<Scored>,
    /// The labelled pairs that are not among them, most similar first.
    pub(crate) unreported: Vec<Scored>,
}

impl Found {
    pub(crate) fn new<'s>(searched: Searched<'s>, run: &Run<'s>) -> Result<Self, Failure> {
        let Searched {
            deduper,
            pages,
            labels,
            identical,
        } = searched;
        let labelled = labels.map_or(0, |labels| labels.pairs().len());
        let mut was_reported = vec![false; labelled];
        let mut reported = Vec::new();
        let batch = deduper.batch(pages, run)?;
        batch.for_each_pair(|pair| {
            if identical.is_some_and(|identical| identical.are(pair.a, pair.b)) {
                return Ok(());
            }
            let label = labels.and_then(|labels| labels.place(pair.a, pair.b));
            if let Some(label) = label {
                was_reported[label] = true;
            }
            let scored = Scored::new((pair.a, pair.b), pair.similarity, deduper.measure());
            reported.push(scored.labelled(label.is_some()));
            Ok::<(), Failure>(())
        })?;
        let labels = labels.map_or(&[][..], Labels::pairs).iter();
        let rest = labels.zip(was_reported).filter(|(_, reported)| !reported);
        let (mut unreported, mut unknown) = (Vec::new(), Vec::new());
        for (&pair, _) in rest {
            match batch.similarity(pair.0, pair.1) {
                Some(similarity) => {
                    let scored = Scored::new(pair, similarity, deduper.measure());
                    unreported.push(scored.labelled(true));
                }
                None => unknown.push(pair),
            }
        }
        drop(batch);
        unreported.extend(scored(deduper, pages, &unknown)?);
        most_similar_first(&mut reported);
        most_similar_first(&mut unreported);
        Ok(Self {
            reported,
            unreported,
        })
    }
}

/// Compares labelled pairs whose shingles are not at hand.
fn scored(
    deduper: &Deduper,
    pages: &[Page<'_>],
    pairs: &[(usize, usize)],
) -> Result<Vec<Scored>, Failure> {
    let aside = (!pairs.is_empty()).then(|| deduper.set_aside(pages));
    let score = |buffer: &mut ReadBuffer, &(a, b): &(usize, usize)| {
        let left = shingle_set(deduper, &pages[a], aside.as_ref(), buffer)?;
        let right = shingle_set(deduper, &pages[b], aside.as_ref(), buffer)?;
        let similarity = left.similarity(&right);
        Ok(Scored::new((a, b), similarity, deduper.measure()).labelled(true))
    };
    let pairs = pairs.par_iter();
    pairs.map_init(ReadBuffer::default, score).collect()
}

fn shingle_set(
    deduper: &Deduper,
    page: &Page<'_>,
    aside: Option<&SetAside>,
    buffer: &mut ReadBuffer,
) -> Result<ShingleSet, Failure> {
    let mut hashes = Vec::new();
    let content = page.content(buffer).map_err(Failure::failed)?;
    let rest = match (aside, page.group(), content) {
        (Some(aside), Some(group), Content::Text(text)) => Some(aside.rest(group, text).text),
        _ => None,
    };
    let content = rest.as_deref().map_or(content, Content::Text);
    let shingler = deduper.sketcher().shingler();
    shingler
        .content_into(content, &mut Scratch::default(), &mut hashes)
        .map_err(Failure::failed)?;
    Ok(ShingleSet::from_hashes(hashes))
}

/// Sorts pairs, with ties in arbitrary order: the pairs next to a threshold should not all have the same document.
pub(crate) fn most_similar_first(pairs: &mut [Scored]) {
    pairs.par_sort_unstable_by(|x, y| {
        let by_similarity = y.value.total_cmp(&x.value);
        by_similarity.then_with(|| (x.lot(), x.a, x.b).cmp(&(y.lot(), y.a, y.b)))
    });
}

/// The number of sorted pairs that reach a threshold.
pub(crate) fn reaching(pairs: &[Scored], threshold: f64) -> usize {
    pairs.partition_point(|pair| pair.value >= threshold)
}
