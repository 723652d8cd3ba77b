//! Signatures of documents: a shingler and a sketch together.

use std::fmt;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Scheme, Signature, SignatureMatrix, Sketch};
use crate::similarity::ShingleSet;
use crate::text::{Content, NotText, Scratch, Shingler};

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
#[derive(Clone)]
pub struct Sketcher {
    scheme: Scheme,
    shingler: Shingler,
    sketch: Arc<dyn Sketch>,
}

impl fmt::Debug for Sketcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sketcher").field(&self.scheme).finish()
    }
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

    /// The shingle set of a text.
    pub(crate) fn set(&self, text: &str) -> ShingleSet {
        ShingleSet::from_hashes(self.shingler.text(text))
    }

    /// The signature of a set of shingle hashes, as in [`Content::Shingles`].
    pub fn signature_of_set(&self, shingles: &[u64]) -> Signature {
        let mut slots = vec![0; self.scheme.hashes()].into_boxed_slice();
        self.sketch.sketch(shingles, &mut slots);
        Signature::new(self.scheme, slots)
    }

    /// Writes the slots of a set of shingle hashes, as in [`Content::Shingles`], over `slots`. For callers that keep their own
    /// buffers: nothing is allocated. An empty set gives `u32::MAX` in every slot.
    ///
    /// # Panics
    /// If `slots` are not [`hashes`](Scheme::hashes) many.
    pub fn sketch_into(&self, shingles: &[u64], slots: &mut [u32]) {
        self.sketch.sketch(shingles, slots);
    }

    /// The signatures of many texts, made in parallel on the current rayon pool.
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
        Ok(self.signature_of_set(&hashes))
    }

    /// The sketch.
    pub(crate) fn sketch(&self) -> &dyn Sketch {
        &*self.sketch
    }
}
