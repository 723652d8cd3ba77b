//! What counts as a document.

use std::any::Any;

/// A document: text, or bytes of any kind.
///
/// Everything that is `AsRef<str>` is one. Bytes that may not be UTF-8 are wrapped in [`Bytes`] and
/// can be compared with [`Shingle::Bytes`](crate::Shingle::Bytes) only; where they are valid UTF-8
/// they are the same document as that text.
///
/// A document need not be in memory: it can read itself each time it is looked at. A batch looks at every
/// document once, at candidates a second time, and at copies a third.
///
/// ```
/// use resemblance::text::{Content, Document, ReadBuffer, ReadError};
/// use resemblance::{Deduper, Run};
///
/// /// A page that is made when it is needed.
/// struct Page(u32);
///
/// impl Document for Page {
///     fn content<'a>(&'a self, buffer: &'a mut ReadBuffer) -> Result<Content<'a>, ReadError> {
///         buffer.text = format!("this is page {} of the book and nothing else at all", self.0 % 2);
///         Ok(Content::Text(&buffer.text))
///     }
///
///     fn byte_len(&self) -> usize {
///         51
///     }
/// }
///
/// let pages: Vec<_> = (0..10).map(Page).collect();
/// let clusters = Deduper::new().try_clusters(&pages, &Run::new())?;
/// assert_eq!(clusters.removed().len(), 8);
/// # Ok::<(), resemblance::Error>(())
/// ```
pub trait Document {
    /// The document's content. One that is not in memory reads itself into `buffer`, which each thread
    /// keeps.
    ///
    /// # Errors
    /// Where it cannot be read. A document that is in memory always can.
    fn content<'a>(&'a self, buffer: &'a mut ReadBuffer) -> Result<Content<'a>, ReadError>;

    /// Its length in bytes, by which [`Keep::Longest`](crate::Keep::Longest) goes.
    fn byte_len(&self) -> usize;
}

/// Why a [`Document`] cannot be read.
pub type ReadError = Box<dyn std::error::Error + Send + Sync>;

/// Memory that documents read themselves into, one after the other; what they find there is of no meaning.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    /// For bytes.
    pub bytes: Vec<u8>,
    /// For text.
    pub text: String,
    /// For what is worth keeping between two documents, such as an open file.
    pub kept: Option<Box<dyn Any + Send>>,
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
    fn content<'a>(&'a self, _: &'a mut ReadBuffer) -> Result<Content<'a>, ReadError> {
        Ok(Content::Text(self.as_ref()))
    }

    fn byte_len(&self) -> usize {
        self.as_ref().len()
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
    fn content<'a>(&'a self, _: &'a mut ReadBuffer) -> Result<Content<'a>, ReadError> {
        Ok(Content::Bytes(self.0))
    }

    fn byte_len(&self) -> usize {
        self.0.len()
    }
}
