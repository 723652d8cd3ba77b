//! What counts as a document.

/// A document: text, or bytes of any kind.
///
/// Everything that is `AsRef<str>` is one. Bytes that may not be UTF-8 are wrapped in [`Bytes`] and
/// can be compared with [`Shingle::Bytes`](crate::Shingle::Bytes) only; where they are valid UTF-8
/// they are the same document as that text.
pub trait Document {
    /// The document's content.
    fn content(&self) -> Content<'_>;
}

/// What a [`Document`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// UTF-8 text.
    Text(&'a str),
    /// Bytes that need not be UTF-8.
    Bytes(&'a [u8]),
}

impl Content<'_> {
    /// Length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    /// True where there is not one byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: AsRef<str> + ?Sized> Document for T {
    fn content(&self) -> Content<'_> {
        Content::Text(self.as_ref())
    }
}

/// Bytes as a document, for [`Shingle::Bytes`](crate::Shingle::Bytes).
///
/// ```
/// use resemblance::{Deduper, Run, Shingle, text::Bytes};
///
/// let deduper = Deduper::builder().shingle(Shingle::Bytes(8)).build()?;
/// let files = [Bytes(b"\xff\xfe one and the same blob"), Bytes(b"\xff\xfe one and the same blob")];
/// let clusters = deduper.try_clusters(&files, &Run::new())?;
/// assert_eq!(clusters.removed().len(), 1);
/// # Ok::<(), resemblance::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Document for Bytes<'_> {
    fn content(&self) -> Content<'_> {
        Content::Bytes(self.0)
    }
}
