//! Documents: text or bytes, in memory or read on demand.

use std::any::Any;

use super::group::Group;

/// A document: text, or bytes of any kind.
///
/// Everything that is `AsRef<str>` is one. Bytes that may not be UTF-8 are wrapped in [`Bytes`] and
/// can be compared with [`Shingle::Bytes`](crate::Shingle::Bytes) only; where they are valid UTF-8
/// they are the same document as that text. The shingles of your own tokens are wrapped in [`Shingles`].
///
/// A document need not be in memory: it can read its content each time it is needed. A batch reads every document once,
/// candidates a second time, and copies a third.
///
/// ```
/// use resemblance::text::{Content, Document, ReadBuffer, ReadError};
/// use resemblance::{Deduper, Run};
///
/// /// A page whose text is generated on demand.
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a document",
    label = "neither text (`AsRef<str>`) nor `Bytes` nor `Shingles`",
    note = "for structs that hold a text, use `clusters_by`, or pass a slice of their texts",
    note = "wrap bytes in `resemblance::text::Bytes`, and shingle hashes in `resemblance::text::Shingles`",
    note = "for documents that are not in memory, implement `resemblance::text::Document`"
)]
pub trait Document {
    /// The document's content. A document that is not in memory reads it into `buffer`, which each thread reuses.
    ///
    /// # Errors
    /// If the content cannot be read. A document in memory can always be read.
    fn content<'a>(&'a self, buffer: &'a mut ReadBuffer) -> Result<Content<'a>, ReadError>;

    /// The document's length in bytes, which [`Keep::Longest`](crate::Keep::Longest) compares.
    fn byte_len(&self) -> usize;

    /// The document's group, such as its site. Passages that many documents of a group share are
    /// [set aside](crate::aside). Default none: the document is compared whole.
    fn group(&self) -> Option<Group> {
        None
    }
}

/// Why a [`Document`] cannot be read.
pub type ReadError = Box<dyn std::error::Error + Send + Sync>;

/// Memory that a thread reuses for documents that read their content. Its previous content has no meaning.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    /// Space for bytes.
    pub bytes: Vec<u8>,
    /// Space for text.
    pub text: String,
    /// Anything that is worth keeping for the next document, such as an open file.
    pub kept: Option<Box<dyn Any + Send>>,
}

/// The content of a [`Document`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// UTF-8 text.
    Text(&'a str),
    /// Bytes that need not be UTF-8.
    Bytes(&'a [u8]),
    /// The hashes of the document's shingles, in any order; repeated ones count once. They must come from
    /// [`Deduper::shingle_set`](crate::Deduper::shingle_set) or
    /// [`shingle_set_of_ids`](crate::Deduper::shingle_set_of_ids), or be mixed as well as these are: see
    /// [`mix`](super::mix). They must have been made with the seed of the deduper that compares them, which cannot be
    /// checked.
    Shingles(&'a [u64]),
}

impl<'a> Content<'a> {
    /// The text, if it is text or bytes that are UTF-8.
    pub(crate) fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Shingles(_) => None,
        }
    }

    /// Length in bytes. A shingle hash has 8.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Shingles(hashes) => size_of_val(*hashes),
        }
    }

    /// True if there are no bytes.
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

/// A document of bytes, for [`Shingle::Bytes`](crate::Shingle::Bytes).
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

/// A document and its group, such as a page and its site. Passages that many documents of the group share are
/// [set aside](crate::aside).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InGroup<'g, D> {
    /// The name of the group.
    pub group: &'g str,
    /// The document.
    pub document: D,
}

impl<D: Document> Document for InGroup<'_, D> {
    fn content<'a>(&'a self, buffer: &'a mut ReadBuffer) -> Result<Content<'a>, ReadError> {
        self.document.content(buffer)
    }

    fn byte_len(&self) -> usize {
        self.document.byte_len()
    }

    fn group(&self) -> Option<Group> {
        Some(Group::named(self.group))
    }
}

/// A document of which only the shingles are given, as their hashes.
///
/// For tokens of your own, for sets that are kept beside the texts, and for texts that are compared several times. Sets
/// of [`Deduper::shingle_set`](crate::Deduper::shingle_set) give the same clusters, pairs and verdicts as the texts;
/// [`Keep::Longest`](crate::Keep::Longest) keeps the one of the most shingles.
///
/// ```
/// use resemblance::text::Shingles;
/// use resemblance::{Deduper, Run, Shingle};
///
/// let deduper = Deduper::builder().shingle(Shingle::Words(2)).build()?;
/// // What a tokenizer made of three texts.
/// let tokens: [&[u32]; 3] = [&[17, 4, 9, 9, 301, 12, 8], &[5, 6, 7], &[17, 4, 9, 9, 301, 12, 8]];
/// let sets = tokens.map(|ids| deduper.shingle_set_of_ids(ids.iter().copied()));
/// let documents = sets.each_ref().map(|set| Shingles(set));
/// let clusters = deduper.try_clusters(&documents, &Run::new())?;
/// assert_eq!(clusters.removed()[0].document, 2);
/// # Ok::<(), resemblance::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shingles<'a>(pub &'a [u64]);

impl Document for Shingles<'_> {
    fn content<'a>(&'a self, _: &'a mut ReadBuffer) -> Result<Content<'a>, ReadError> {
        Ok(Content::Shingles(self.0))
    }

    fn byte_len(&self) -> usize {
        size_of_val(self.0)
    }
}
