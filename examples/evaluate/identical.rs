//! Identical texts, whose pairs can be left out.

use rayon::prelude::*;
use resemblance::corpus::TextDocument;
use resemblance::text::{Document, ReadBuffer, Scratch};
use resemblance::verify::ShingleSet;
use resemblance::{Deduper, Normalization, Shingle};

use super::Failure;
use super::args::Args;

/// Which texts are identical: those with the same shingles of five tokens, after the first normalization. White space
/// makes no difference.
#[derive(Debug)]
pub(crate) struct Identical {
    /// The fingerprint of each text; `None` if it has no tokens.
    texts: Vec<Option<u128>>,
}

impl Identical {
    pub(crate) fn new(args: &Args, documents: &[TextDocument]) -> Result<Self, Failure> {
        let shingle = match args.has_bytes() {
            true => Shingle::Bytes(5),
            false => Shingle::Tokens(5),
        };
        let first = args.normalize.first();
        let deduper = Deduper::builder()
            .shingle(shingle)
            .normalization(first.copied().unwrap_or(Normalization::DEFAULT))
            .build()?;
        let fingerprint = |buffer: &mut ReadBuffer, document: &TextDocument| {
            let content = document.content(buffer).map_err(Failure::failed)?;
            let mut hashes = Vec::new();
            let shingler = deduper.sketcher().shingler();
            shingler
                .content_into(content, &mut Scratch::default(), &mut hashes)
                .map_err(Failure::failed)?;
            let set = ShingleSet::from_hashes(hashes);
            Ok((!set.is_empty()).then(|| set.fingerprint()))
        };
        let documents = documents.par_iter();
        let texts = documents.map_init(ReadBuffer::default, fingerprint);
        let texts = texts.collect::<Result<_, Failure>>()?;
        Ok(Self { texts })
    }

    pub(crate) fn are(&self, a: usize, b: usize) -> bool {
        self.texts[a].is_some() && self.texts[a] == self.texts[b]
    }

    /// The number of pairs of identical texts.
    pub(crate) fn pairs(&self) -> u64 {
        let mut texts: Vec<u128> = self.texts.iter().copied().flatten().collect();
        texts.sort_unstable();
        let alike = texts.chunk_by(|a, b| a == b);
        alike
            .map(|same| same.len() as u64 * (same.len() as u64 - 1) / 2)
            .sum()
    }
}
