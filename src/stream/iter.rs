//! Iterators that apply a [`Sieve`] to documents.

use std::collections::VecDeque;
use std::iter::Fuse;

use rayon::prelude::*;

use super::Verdict;
use super::sieve::Sieve;
use super::sketched::{Sketched, Sketching};
use crate::error::Error;
use crate::text::Document;

/// Iterator over documents with their verdicts; made by [`Sieve::verdicts`].
pub struct Verdicts<'s, I: Iterator, F>(TryVerdicts<'s, I, F>);

/// Iterator over documents with their verdicts or errors; made by [`Sieve::try_verdicts`].
pub struct TryVerdicts<'s, I: Iterator, F> {
    sieve: &'s mut Sieve,
    /// Fused, since an iterator may continue after its end.
    documents: Fuse<I>,
    document: F,
    /// Returns the id of a document; without it, documents are numbered.
    id: Option<fn(&I::Item) -> u64>,
    /// Documents that are read ahead, to be sketched together.
    batch: usize,
    sketch: Sketch<I::Item, F>,
    /// Sketched, but not admitted before they are asked for: an iterator that is dropped leaves no document
    /// remembered that was not handed out.
    ready: VecDeque<(I::Item, u64, Result<Sketched, Error>)>,
}

/// Sketches documents under these ids.
type Sketch<T, F> = fn(&Sketching, &[u64], &[T], &F) -> Vec<Result<Sketched, Error>>;

/// Iterator over passed documents; made by [`Sieve::unseen`], [`Verdicts::unseen`] and [`TryVerdicts::unseen`].
pub struct Unseen<V>(V);

impl Sieve {
    /// Returns an iterator over the new documents. `text` returns the text of a document.
    ///
    /// To get the dropped documents as well, use [`verdicts`](Self::verdicts).
    ///
    /// ```
    /// use resemblance::Deduper;
    /// use resemblance::stream::Window;
    ///
    /// struct Article { id: u32, body: String }
    /// # let body = |text: &str| text.to_owned();
    /// # let articles = vec![
    /// #     Article { id: 7, body: body("volunteers will open the lighthouse to visitors in june") },
    /// #     Article { id: 8, body: body("Volunteers will open the lighthouse to visitors in June.") },
    /// # ];
    ///
    /// let mut sieve = Deduper::new().sieve(Window::all())?;
    /// for article in sieve.unseen(articles, |article| &article.body) {
    ///     println!("new: {}", article.id);
    /// }
    /// assert_eq!(sieve.counts().dropped, 1);
    /// # Ok::<(), resemblance::Error>(())
    /// ```
    ///
    /// # Panics
    /// The iterator panics if the memory is full (see [above](Self#fallibility)).
    pub fn unseen<I, F, D>(&mut self, documents: I, text: F) -> Unseen<Verdicts<'_, I::IntoIter, F>>
    where
        I: IntoIterator,
        F: Fn(&I::Item) -> &D,
        D: AsRef<str> + ?Sized,
    {
        self.verdicts(documents, text).unseen()
    }

    /// Returns an iterator over all documents with their verdicts, in order. `text` returns the text of a document.
    ///
    /// # Panics
    /// The iterator panics if the memory is full (see [above](Self#fallibility)).
    pub fn verdicts<I, F, D>(&mut self, documents: I, text: F) -> Verdicts<'_, I::IntoIter, F>
    where
        I: IntoIterator,
        F: Fn(&I::Item) -> &D,
        D: AsRef<str> + ?Sized,
    {
        Verdicts::new(self.try_verdicts(documents, text))
    }

    /// Returns an iterator over all documents, which may be bytes or not in memory, with their verdicts. A document
    /// that fails is returned with its error, and the iterator continues.
    pub fn try_verdicts<I, F, D>(
        &mut self,
        documents: I,
        document: F,
    ) -> TryVerdicts<'_, I::IntoIter, F>
    where
        I: IntoIterator,
        F: Fn(&I::Item) -> &D,
        D: Document + ?Sized,
    {
        TryVerdicts::new(self, documents.into_iter(), document)
    }
}

impl<'s, I: Iterator, F> TryVerdicts<'s, I, F> {
    fn new<D>(sieve: &'s mut Sieve, documents: I, document: F) -> Self
    where
        F: Fn(&I::Item) -> &D,
        D: Document + ?Sized,
    {
        Self {
            sieve,
            documents: documents.fuse(),
            document,
            id: None,
            batch: 1,
            sketch: one_by_one,
            ready: VecDeque::new(),
        }
    }

    /// Reads up to `documents` documents ahead (at least 1), and sketches them in parallel on the current rayon pool.
    /// The verdicts do not change. If the iterator is dropped before its end, the documents that were read ahead are
    /// lost.
    ///
    /// A few hundred documents for each thread are enough.
    #[must_use]
    pub fn in_batches<D>(mut self, documents: usize) -> Self
    where
        I::Item: Sync,
        F: Fn(&I::Item) -> &D + Sync,
        D: Document + ?Sized,
    {
        self.batch = documents.max(1);
        self.sketch = in_parallel;
        self
    }

    /// Admits documents [under ids of your own](Sieve::admit_as), which `id` returns.
    #[must_use]
    pub fn ids(mut self, id: fn(&I::Item) -> u64) -> Self {
        self.id = Some(id);
        self
    }

    /// Passes on the documents that were not seen before, and errors; a document that has one is not handed back.
    pub fn unseen(self) -> Unseen<Self> {
        Unseen(self)
    }

    fn read_ahead(&mut self) {
        let documents: Vec<I::Item> = self.documents.by_ref().take(self.batch).collect();
        let ids: Vec<u64> = match self.id {
            Some(id) => documents.iter().map(id).collect(),
            None => (self.sieve.counts().documents..)
                .take(documents.len())
                .collect(),
        };
        let sketched = (self.sketch)(self.sieve.sketching(), &ids, &documents, &self.document);
        let documents = documents.into_iter().zip(ids).zip(sketched);
        let ready = documents.map(|((document, id), sketched)| (document, id, sketched));
        self.ready.extend(ready);
    }

    /// The size hint of this iterator, given that of `documents`.
    fn sized(&self, (least, most): (usize, Option<usize>)) -> (usize, Option<usize>) {
        let ready = self.ready.len();
        (
            least.saturating_add(ready),
            most.and_then(|most| most.checked_add(ready)),
        )
    }
}

fn one_by_one<T, F, D>(
    sketching: &Sketching,
    ids: &[u64],
    documents: &[T],
    document: &F,
) -> Vec<Result<Sketched, Error>>
where
    F: Fn(&T) -> &D,
    D: Document + ?Sized,
{
    let of = |(&id, one)| sketching.of(id, document(one));
    ids.iter().zip(documents).map(of).collect()
}

fn in_parallel<T, F, D>(
    sketching: &Sketching,
    ids: &[u64],
    documents: &[T],
    document: &F,
) -> Vec<Result<Sketched, Error>>
where
    T: Sync,
    F: Fn(&T) -> &D + Sync,
    D: Document + ?Sized,
{
    let of = |(&id, one)| sketching.of(id, document(one));
    ids.par_iter().zip(documents).map(of).collect()
}

impl<I: Iterator, F> Iterator for TryVerdicts<'_, I, F> {
    type Item = (I::Item, Result<Verdict, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() {
            self.read_ahead();
        }
        let (document, id, sketched) = self.ready.pop_front()?;
        Some((document, self.sieve.judge(id, sketched)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.sized(self.documents.size_hint())
    }
}

impl<'s, I: Iterator, F> Verdicts<'s, I, F> {
    pub(super) fn new(verdicts: TryVerdicts<'s, I, F>) -> Self {
        Self(verdicts)
    }

    /// Reads up to `documents` documents ahead (at least 1), and sketches them in parallel on the current rayon pool.
    /// The verdicts do not change. If the iterator is dropped before its end, the documents that were read ahead are
    /// lost.
    ///
    /// A few hundred documents for each thread are enough.
    #[must_use]
    pub fn in_batches<D>(self, documents: usize) -> Self
    where
        I::Item: Sync,
        F: Fn(&I::Item) -> &D + Sync,
        D: Document + ?Sized,
    {
        Self(self.0.in_batches(documents))
    }

    /// Admits documents [under ids of your own](Sieve::admit_as), which `id` returns.
    ///
    /// ```
    /// use resemblance::Deduper;
    /// use resemblance::stream::Window;
    ///
    /// struct Article { id: u64, body: &'static str }
    ///
    /// let articles = [
    ///     Article { id: 7, body: "volunteers will open the lighthouse to visitors in june" },
    ///     Article { id: 8, body: "Volunteers will open the lighthouse to visitors in June." },
    /// ];
    /// let mut sieve = Deduper::new().sieve(Window::all())?;
    /// for (article, verdict) in sieve.verdicts(articles, |article| article.body).ids(|article| article.id) {
    ///     if let Some(seen) = verdict.seen() {
    ///         println!("{}: {seen}", article.id); // 8: 1.000 like document 7
    /// #       assert_eq!(seen.document(), Some(7));
    ///     }
    /// }
    /// # Ok::<(), resemblance::Error>(())
    /// ```
    #[must_use]
    pub fn ids(self, id: fn(&I::Item) -> u64) -> Self {
        Self(self.0.ids(id))
    }

    /// Passes on the documents that were not seen before.
    pub fn unseen(self) -> Unseen<Self> {
        Unseen(self)
    }
}

impl<I: Iterator, F> Iterator for Verdicts<'_, I, F> {
    type Item = (I::Item, Verdict);

    fn next(&mut self) -> Option<Self::Item> {
        let (document, verdict) = self.0.next()?;
        Some((document, verdict.unwrap_or_else(|error| panic!("{error}"))))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<I: Iterator, F> Iterator for Unseen<Verdicts<'_, I, F>> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let mut passed = self.0.by_ref().filter(|(_, verdict)| verdict.passes());
        passed.next().map(|(document, _)| document)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.0.size_hint().1)
    }
}

impl<I: Iterator, F> Iterator for Unseen<TryVerdicts<'_, I, F>> {
    type Item = Result<I::Item, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.find_map(|(document, verdict)| match verdict {
            Ok(verdict) => verdict.passes().then_some(Ok(document)),
            Err(error) => Some(Err(error)),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.0.size_hint().1)
    }
}
