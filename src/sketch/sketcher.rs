//! Signatures of documents: a shingler and a sketch together.

use std::sync::Arc;

use rayon::prelude::*;

use super::{Scheme, Signature, SignatureMatrix, Sketch};
use crate::text::{Content, NotText, Scratch, Shingler, mix};

/// Makes signatures of one [`Scheme`].
///
/// ```
/// use resemblance::sketch::{Scheme, SketchKind, Sketcher};
/// use resemblance::{Normalization, Shingle};
///
/// let scheme = Scheme::new(
///     SketchKind::Classic, 64, Shingle::Words(3), Normalization::NFKC_CASEFOLD, 1)?;
/// let sketcher = Sketcher::new(scheme);
/// let mut whole = sketcher.signature("roses are red violets are blue");
/// whole.merge(&sketcher.signature("sugar is sweet and so are you"))?;
/// # Ok::<(), resemblance::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sketcher {
    scheme: Scheme,
    shingler: Shingler,
    sketch: Arc<dyn Sketch>,
}

impl Sketcher {
    /// Makes a sketcher. This cannot fail, since a scheme is always valid.
    pub fn new(scheme: Scheme) -> Self {
        let shingler = Shingler::new(scheme.shingle(), scheme.normalization(), scheme.seed());
        Self {
            scheme,
            shingler: shingler.unwrap_or_else(|error| unreachable!("valid scheme: {error}")),
            sketch: scheme.sketch().with_hashes(scheme.hashes()),
        }
    }

    /// The scheme.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The shingler.
    pub fn shingler(&self) -> &Shingler {
        &self.shingler
    }

    /// The signature of a text.
    pub fn signature(&self, text: impl AsRef<str>) -> Signature {
        self.of_content(Content::Text(text.as_ref()))
            .unwrap_or_else(|error| unreachable!("text is text: {error}"))
    }

    /// The signature of content that may be bytes.
    ///
    /// # Errors
    /// If it is not UTF-8 and the shingles are not of bytes.
    pub fn try_signature(&self, content: Content<'_>) -> Result<Signature, NotText> {
        self.of_content(content)
    }

    /// The signature of a set of your own ids: hashes, numbers of terms, anything.
    ///
    /// The ids are mixed with the seed first, so they need not be hashes. Normalization and shingle are not used.
    /// Compare such signatures only with each other: their scheme does not show that they are not of texts.
    pub fn signature_of_ids(&self, ids: impl IntoIterator<Item = u64>) -> Signature {
        let seed = mix(self.scheme.seed());
        let hashes: Vec<u64> = ids.into_iter().map(|id| mix(seed ^ mix(id))).collect();
        let mut slots = vec![0; self.scheme.hashes()].into_boxed_slice();
        self.sketch.sketch(&hashes, &mut slots);
        Signature::new(self.scheme, slots)
    }

    /// The signatures of many texts, computed in parallel on the current rayon pool.
    pub fn signatures<T: AsRef<str> + Sync>(&self, texts: &[T]) -> SignatureMatrix {
        let mut slots = vec![0; texts.len() * self.scheme.hashes()];
        slots
            .par_chunks_mut(self.scheme.hashes())
            .zip(texts)
            .for_each_init(
                <(Scratch, Vec<u64>)>::default,
                |(scratch, hashes), (slots, text)| {
                    self.shingler.text_into(text.as_ref(), scratch, hashes);
                    self.sketch.sketch(hashes, slots);
                },
            );
        SignatureMatrix::from_slots(self.scheme, slots)
            .unwrap_or_else(|error| unreachable!("a row for each: {error}"))
    }

    fn of_content(&self, content: Content<'_>) -> Result<Signature, NotText> {
        let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
        self.shingler
            .content_into(content, &mut scratch, &mut hashes)?;
        let mut slots = vec![0; self.scheme.hashes()].into_boxed_slice();
        self.sketch.sketch(&hashes, &mut slots);
        Ok(Signature::new(self.scheme, slots))
    }

    /// The sketch.
    pub(crate) fn sketch(&self) -> &dyn Sketch {
        &*self.sketch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::SketchKind;
    use crate::text::{Normalization, Shingle};

    fn sketcher(shingle: Shingle) -> Sketcher {
        let none = Normalization::NONE;
        Sketcher::new(Scheme::new(SketchKind::FastSimilarity, 16, shingle, none, 0).unwrap())
    }

    #[test]
    fn ids_are_mixed_and_seeded() {
        let sketcher = sketcher(Shingle::Words(1));
        let ids = sketcher.signature_of_ids(0..100);
        assert_eq!(ids, sketcher.signature_of_ids((0..100).rev()));
        let far = sketcher.signature_of_ids(100..200);
        assert!(ids.estimate(&far).unwrap().jaccard < 0.2);
    }
}
