//! The sieve, which returns a verdict for each document.

use std::fmt;

use super::bloom::BloomBands;
use super::sketched::{Sketched, Sketching, Wanted};
use super::window::Passed;
use super::{Counts, Memory, Verdict};
use crate::error::Error;
use crate::lsh::Banding;
use crate::settings::Settings;
use crate::sketch::Sketcher;
use crate::text::Document;

/// Passes new documents of a stream and drops near-duplicates; made by [`Deduper::sieve`](crate::Deduper::sieve).
///
/// A document is dropped only for one that was *passed* and is still remembered. Dropped documents are not remembered,
/// so no chain of small differences can form. A document without tokens resembles nothing, and is passed.
///
/// ```
/// use resemblance::Deduper;
/// use resemblance::stream::{Seen, Verdict, Window};
///
/// let mut sieve = Deduper::new().sieve(Window::last(100_000))?;
/// assert_eq!(sieve.admit("the ferry returns to the harbour on monday after nine years"), Verdict::Unseen);
/// let verdict = sieve.admit("The ferry returns to the harbour on Monday, after nine years.");
/// let Verdict::Seen(Seen::Verified { document, similarity }) = verdict else { panic!() };
/// assert_eq!((document, similarity.jaccard), (0, 1.0));
/// assert_eq!(sieve.counts().to_string(), "2 documents = 1 passed + 1 dropped");
/// # Ok::<(), resemblance::Error>(())
/// ```
///
/// # Fallibility
///
/// Settings are validated by [`Deduper::sieve`](crate::Deduper::sieve). Methods named `try_` take documents that may be bytes or not in
/// memory; they fail where bytes are no text, a document cannot be read, or a [`Bloom`](super::Bloom) memory is full.
/// A failed document is counted, and the next one can be admitted. Their twins on text can only fail where a memory is
/// full, and then panic: a Bloom memory at one document more than planned unless it may
/// [overfill](super::Bloom::overfill), a window at 2^32 - 1 documents.
pub struct Sieve {
    sketching: Sketching,
    pub(super) memory: Remembered,
    pub(super) counts: Counts,
}

#[derive(Debug)]
pub(super) enum Remembered {
    Window(Box<Passed>),
    Bloom(BloomBands),
}

impl fmt::Debug for Sieve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory: &dyn fmt::Debug = match &self.memory {
            Remembered::Window(passed) => passed.settings(),
            Remembered::Bloom(bands) => bands,
        };
        f.debug_struct("Sieve")
            .field("sketcher", self.sketcher())
            .field("memory", memory)
            .field("remembered", &self.remembered())
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

impl Sieve {
    pub(crate) fn new(settings: &Settings, memory: Memory) -> Result<Self, Error> {
        settings.only_jaccard("a sieve")?;
        let memory = match memory {
            Memory::Window(window) => Remembered::Window(Box::new(Passed::new(settings, window)?)),
            Memory::Bloom(bloom) => Remembered::Bloom(BloomBands::new(settings, bloom)?),
        };
        let sketcher = settings.sketcher().clone();
        Ok(Self::of(sketcher, memory, Counts::default()))
    }

    /// One that has come so far.
    pub(super) fn of(sketcher: Sketcher, memory: Remembered, counts: Counts) -> Self {
        let wanted = match &memory {
            Remembered::Window(passed) => passed.wanted(),
            Remembered::Bloom(bands) => Wanted {
                banding: bands.banding(),
                slots: false,
                shingles: false,
            },
        };
        Self {
            sketching: Sketching::new(sketcher, wanted),
            memory,
            counts,
        }
    }

    /// Passes or drops a text. Remembers it if it is passed.
    ///
    /// # Panics
    /// If the memory is full (see [above](Self#fallibility)).
    pub fn admit(&mut self, text: impl AsRef<str>) -> Verdict {
        self.try_admit(text.as_ref())
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`admit`](Self::admit), under an id of your own, such as a row of a table: a later document that resembles this
    /// one is dropped [for that id](super::Seen::document) instead of a number in the stream. Ids need not be different.
    ///
    /// ```
    /// use resemblance::Deduper;
    /// use resemblance::stream::Window;
    ///
    /// let mut sieve = Deduper::new().sieve(Window::all())?;
    /// sieve.admit_as(9001, "the ferry returns to the harbour on monday after nine years");
    /// let verdict = sieve.admit_as(9002, "The ferry returns to the harbour on Monday, after nine years.");
    /// assert_eq!(verdict.seen().unwrap().document(), Some(9001));
    /// # Ok::<(), resemblance::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the memory is full (see [above](Self#fallibility)).
    pub fn admit_as(&mut self, id: u64, text: impl AsRef<str>) -> Verdict {
        self.try_admit_as(id, text.as_ref())
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`admit`](Self::admit), for a document that may be bytes.
    ///
    /// # Errors
    /// If it is bytes that are not text, if it cannot be read, or if a Bloom memory is full. The document is then
    /// counted as failed, and not remembered.
    pub fn try_admit<D: Document + ?Sized>(&mut self, document: &D) -> Result<Verdict, Error> {
        self.try_admit_as(self.counts.documents, document)
    }

    /// As [`admit_as`](Self::admit_as), for a document that may be bytes; errors name the id.
    ///
    /// # Errors
    /// As [`try_admit`](Self::try_admit).
    pub fn try_admit_as<D: Document + ?Sized>(
        &mut self,
        id: u64,
        document: &D,
    ) -> Result<Verdict, Error> {
        let sketched = self.sketching.of(id, document);
        self.judge(id, sketched)
    }

    /// The verdict on the next document.
    pub(super) fn judge(
        &mut self,
        id: u64,
        sketched: Result<Sketched, Error>,
    ) -> Result<Verdict, Error> {
        let verdict = sketched.and_then(|sketched| match (sketched, &mut self.memory) {
            (Sketched::Empty, _) => Ok(Verdict::Empty),
            (Sketched::Some(sketch), Remembered::Window(passed)) => Ok(passed.admit(id, sketch)),
            (Sketched::Some(sketch), Remembered::Bloom(bands)) => bands.admit(&sketch.keys),
        });
        self.counts.add(verdict.as_ref().ok());
        verdict
    }

    /// The numbers of documents so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The number of remembered documents.
    pub fn remembered(&self) -> u64 {
        match &self.memory {
            Remembered::Window(passed) => passed.len(),
            Remembered::Bloom(bands) => bands.documents(),
        }
    }

    /// True if the memory has reached its number of documents. From then on, a window forgets the oldest document for
    /// each new one, and a Bloom memory fails or has a higher rate than planned.
    pub fn is_full(&self) -> bool {
        match &self.memory {
            Remembered::Window(passed) => passed.is_full(),
            Remembered::Bloom(bands) => bands.is_full(),
        }
    }

    /// Forgets all documents. Counts and document numbers continue.
    pub fn forget(&mut self) {
        match &mut self.memory {
            Remembered::Window(passed) => passed.forget(),
            Remembered::Bloom(bands) => bands.forget(),
        }
    }

    /// The Bloom filters, if they are the memory.
    pub fn bloom(&self) -> Option<&BloomBands> {
        match &self.memory {
            Remembered::Window(_) => None,
            Remembered::Bloom(bands) => Some(bands),
        }
    }

    /// The bands by which candidates are found.
    pub fn banding(&self) -> Banding {
        match &self.memory {
            Remembered::Window(passed) => passed.banding(),
            Remembered::Bloom(bands) => bands.banding(),
        }
    }

    /// A lower bound of the probability that a document is dropped, if it has this similarity to one remembered
    /// document, and resembles no other. With a window that compares exactly, it is 0 below the threshold, and the
    /// deduper's promised recall at the threshold.
    pub fn probability(&self, jaccard: f64) -> f64 {
        match &self.memory {
            Remembered::Window(passed) => passed.probability(jaccard),
            Remembered::Bloom(bands) => bands.probability(jaccard),
        }
    }

    /// The approximate number of bytes that the memory holds on the heap.
    pub fn memory_usage(&self) -> usize {
        match &self.memory {
            Remembered::Window(passed) => passed.memory_usage(),
            Remembered::Bloom(bands) => bands.memory_usage(),
        }
    }

    /// The sketcher, which makes shingles and signatures.
    pub fn sketcher(&self) -> &Sketcher {
        self.sketching.sketcher()
    }

    pub(super) fn sketching(&self) -> &Sketching {
        &self.sketching
    }
}
