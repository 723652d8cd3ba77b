//! Documents to signatures: shingler and sketch together.

use std::sync::Arc;

use rayon::prelude::*;

use super::{Scheme, Signature, SignatureMatrix, Sketch};
use crate::error::{Error, Kind};
use crate::text::{Content, Document, NotText, ReadBuffer, Scratch, Shingle, Shingler, mix};
use crate::watch::Ticker;

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

/// Working memory of a thread.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    scratch: Scratch,
    hashes: Vec<u64>,
}

impl Sketcher {
    /// A sketcher; a scheme has been validated, so this cannot fail.
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

    /// What makes the shingles.
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
    /// Where it is not UTF-8 and the shingles are not of bytes.
    pub fn try_signature(&self, content: Content<'_>) -> Result<Signature, NotText> {
        self.of_content(content)
    }

    /// The signature of a set of ids of your own making: hashes, term numbers, anything. They are
    /// mixed with the seed first, so they need not be hashes; normalization and shingle play no
    /// part. Compare such signatures with one another only: that they are not of texts is not seen in
    /// their scheme.
    pub fn signature_of_ids(&self, ids: impl IntoIterator<Item = u64>) -> Signature {
        let seed = mix(self.scheme.seed());
        let hashes: Vec<u64> = ids.into_iter().map(|id| mix(seed ^ mix(id))).collect();
        let mut slots = vec![0; self.scheme.hashes()].into_boxed_slice();
        self.sketch.sketch(&hashes, &mut slots);
        Signature::new(self.scheme, slots)
    }

    /// The signatures of many texts, made in parallel on the current rayon pool.
    pub fn signatures<T: AsRef<str> + Sync>(&self, texts: &[T]) -> SignatureMatrix {
        self.try_signatures(texts, &Ticker::silent())
            .unwrap_or_else(|error| unreachable!("text is text: {error}"))
    }

    pub(crate) fn try_signatures<D: Document + Sync>(
        &self,
        documents: &[D],
        ticker: &Ticker<'_>,
    ) -> Result<SignatureMatrix, Error> {
        let mut slots = vec![0; documents.len() * self.scheme.hashes()];
        slots
            .par_chunks_mut(self.scheme.hashes())
            .zip(documents.par_iter().enumerate())
            .try_for_each_init(
                <(Workspace, ReadBuffer)>::default,
                |(space, buffer), (slots, (i, document))| {
                    let content = document
                        .content(buffer)
                        .map_err(|error| Error::unreadable(i, &*error))?;
                    self.sketch_into(content, space, slots)
                        .map_err(|not_text| not_text.in_document(i))?;
                    ticker.tick(1)
                },
            )
            .map_err(|error| {
                let mut buffer = ReadBuffer::default();
                error.first_of(documents.iter().enumerate(), |(i, document)| {
                    self.error_of(i, document, &mut buffer)
                })
            })?;
        SignatureMatrix::from_slots(self.scheme, slots)
    }

    fn of_content(&self, content: Content<'_>) -> Result<Signature, NotText> {
        let mut slots = vec![0; self.scheme.hashes()].into_boxed_slice();
        self.sketch_into(content, &mut Workspace::default(), &mut slots)?;
        Ok(Signature::new(self.scheme, slots))
    }

    /// Writes the signature of a document over `slots`.
    pub(crate) fn sketch_into(
        &self,
        content: Content<'_>,
        space: &mut Workspace,
        slots: &mut [u32],
    ) -> Result<(), NotText> {
        self.shingler
            .content_into(content, &mut space.scratch, &mut space.hashes)?;
        self.sketch.sketch(&space.hashes, slots);
        Ok(())
    }

    /// Why a document cannot be sketched, without sketching it.
    fn error_of<D: Document>(
        &self,
        i: usize,
        document: &D,
        buffer: &mut ReadBuffer,
    ) -> Option<Error> {
        match document.content(buffer) {
            Ok(Content::Bytes(bytes)) if !matches!(self.scheme.shingle(), Shingle::Bytes(_)) => {
                let offset = std::str::from_utf8(bytes).err()?.valid_up_to();
                Some(NotText { offset }.in_document(i))
            }
            Ok(_) => None,
            Err(error) => Some(Error::unreadable(i, &*error)),
        }
    }
}

impl Error {
    pub(crate) fn unreadable(document: usize, error: &dyn std::error::Error) -> Self {
        let reason = error.to_string();
        Self::new(Kind::Unreadable { document, reason })
    }
}

impl NotText {
    fn in_document(self, document: usize) -> Error {
        Error::new(Kind::NotText {
            document,
            offset: self.offset,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::SketchKind;
    use crate::text::{Bytes, Normalization, Shingle};

    fn sketcher(shingle: Shingle) -> Sketcher {
        let none = Normalization::NONE;
        Sketcher::new(Scheme::new(SketchKind::FastSimilarity, 16, shingle, none, 0).unwrap())
    }

    #[test]
    fn names_the_first_document_that_is_no_text() {
        let documents: Vec<_> = (0..5000)
            .map(|i| Bytes(if i % 1000 == 700 { b"ok \xff" } else { b"fine" }))
            .collect();
        let error = sketcher(Shingle::Words(1))
            .try_signatures(&documents, &Ticker::silent())
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("document 700 is not UTF-8 (byte 3)")
        );
        assert!(
            sketcher(Shingle::Bytes(2))
                .try_signatures(&documents, &Ticker::silent())
                .is_ok()
        );
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
