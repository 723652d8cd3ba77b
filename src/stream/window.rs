//! A memory of the last passed documents: their signatures, and their shingles for exact comparisons.

use std::collections::VecDeque;

use super::recent::Recent;
use super::sketched::{Sketch, Wanted};
use super::{Seen, Verdict};
use crate::error::{Error, Kind};
use crate::lsh::Banding;
use crate::settings::Settings;
use crate::verify::{ShingleSet, below_floor};

/// Settings of a memory of all passed documents, or of the last ones. Verdicts name the earlier document and the
/// similarity.
///
/// With the defaults, a document takes about 910 bytes, and 8 for each shingle (about one per word) for exact
/// comparisons. A memory of all documents may take up to twice the 910 bytes, since it doubles when it is full. See
/// [the cost of streams](crate::stream#what-does-it-cost).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Window {
    documents: Option<usize>,
    shingles: Option<usize>,
    estimates: bool,
}

/// The most documents that a window can hold.
const MOST: usize = u32::MAX as usize - 1;

impl Window {
    /// Remembers every passed document, so that memory grows with them.
    pub fn all() -> Self {
        Self {
            documents: None,
            shingles: None,
            estimates: false,
        }
    }

    /// Remembers the last `documents` passed documents, at least 1. For each new one, the oldest is forgotten.
    pub fn last(documents: usize) -> Self {
        Self {
            documents: Some(documents),
            ..Self::all()
        }
    }

    /// Sets the most shingles to hold in all, with repetitions, at 8 bytes each. For a new document, as many of the
    /// oldest documents are forgotten as necessary. The newest document is held even if it has more shingles. Default:
    /// no limit, so that memory is bounded only if the lengths of documents are. Has no effect with
    /// [`estimates`](Self::estimates).
    pub fn shingles(&mut self, most: usize) -> &mut Self {
        self.shingles = Some(most);
        self
    }

    /// Sets whether to estimate similarities from signatures, instead of holding shingles. Default: no; similarities
    /// are exact, and every dropped document is verified.
    ///
    /// Estimates have a standard error of 0.035 at J = 0.8 with 128 hashes. So about half of the documents with a
    /// similarity exactly at the threshold are dropped, and some with a similarity below it.
    pub fn estimates(&mut self, estimates: bool) -> &mut Self {
        self.estimates = estimates;
        self
    }
}

impl Default for Window {
    /// [All documents](Window::all), compared exactly.
    fn default() -> Self {
        Self::all()
    }
}

/// The passed documents that a [`Window`] holds.
#[derive(Debug)]
pub(super) struct Passed {
    signatures: Recent,
    held: VecDeque<Held>,
    /// The number of shingles in memory, with repetitions.
    shingles: usize,
    settings: Window,
    threshold: f64,
    /// The least estimate with which two documents are compared.
    floor: f64,
    /// Working memory.
    places: Vec<u64>,
}

#[derive(Debug)]
struct Held {
    /// The document's number in the stream.
    number: u64,
    shingles: Shingles,
    /// The number of shingles, with repetitions.
    count: usize,
}

/// Shingles of a document. They are sorted when they are first compared, since most never are.
#[derive(Debug)]
enum Shingles {
    /// Shingles in the order of the text, with repetitions. Empty if similarities are estimated.
    Raw(Box<[u64]>),
    Set(ShingleSet),
}

impl Shingles {
    fn set(&mut self) -> &ShingleSet {
        if let Self::Raw(hashes) = self {
            let hashes = std::mem::take(hashes).into_vec();
            *self = Self::Set(ShingleSet::from_hashes(hashes));
        }
        match self {
            Self::Set(set) => set,
            Self::Raw(_) => unreachable!("sorted above"),
        }
    }
}

impl Passed {
    pub(super) fn new(settings: &Settings, window: Window) -> Result<Self, Error> {
        if let Some(documents) = window.documents.filter(|n| !(1..=MOST).contains(n)) {
            return Err(Error::new(Kind::Window(documents)));
        }
        let (banding, hashes) = (settings.banding(), settings.scheme().hashes());
        Ok(Self {
            signatures: Recent::new(banding, hashes, window.documents),
            held: VecDeque::new(),
            shingles: 0,
            settings: window,
            threshold: settings.threshold(),
            floor: match window.estimates {
                true => settings.threshold(),
                false => settings.estimate_floor(),
            },
            places: Vec::new(),
        })
    }

    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            banding: self.banding(),
            slots: true,
            shingles: !self.settings.estimates,
        }
    }

    /// Passes or drops a document. Holds it if it is passed.
    pub(super) fn admit(&mut self, number: u64, sketch: Sketch) -> Verdict {
        let Sketch {
            keys,
            slots,
            shingles,
        } = sketch;
        let count = shingles.len();
        let mut shingles = Shingles::Raw(shingles);
        if let Some(seen) = self.find(&keys, &slots, &mut shingles) {
            return Verdict::Seen(seen);
        }
        self.make_room(count);
        self.signatures.push(&slots, &keys);
        self.shingles += count;
        self.held.push_back(Held {
            number,
            shingles,
            count,
        });
        Verdict::Unseen
    }

    /// The first held document, in the order of the stream, that this one resembles. (Not the most similar one: so the
    /// result equals that of leader clusters.)
    fn find(&mut self, keys: &[u64], slots: &[u32], shingles: &mut Shingles) -> Option<Seen> {
        self.signatures.find(keys, &mut self.places);
        for &place in &self.places {
            let estimate = self.signatures.estimate(slots, place);
            if estimate.jaccard < self.floor {
                continue;
            }
            let held = &mut self.held[(place - self.signatures.oldest()) as usize];
            let document = held.number;
            if self.settings.estimates {
                return Some(Seen::Estimated { document, estimate });
            }
            let earlier = held.shingles.set();
            let similarity = shingles.set().similarity_at_least(earlier, self.threshold);
            if let Some(similarity) = similarity {
                return Some(Seen::Verified {
                    document,
                    similarity,
                });
            }
        }
        None
    }

    /// Forgets the oldest documents until there is room for a document with this number of shingles.
    fn make_room(&mut self, shingles: usize) {
        let Window {
            documents: most,
            shingles: most_shingles,
            ..
        } = self.settings;
        while most.is_some_and(|most| self.held.len() >= most)
            || most_shingles.is_some_and(|most| self.shingles + shingles > most)
        {
            if !self.let_go() {
                return;
            }
        }
        assert!(self.held.len() < MOST, "fewer than 2^32 - 1 documents");
    }

    /// Forgets the oldest document. False if there is none.
    fn let_go(&mut self) -> bool {
        let Some(oldest) = self.held.pop_front() else {
            return false;
        };
        self.signatures.pop();
        self.shingles -= oldest.count;
        true
    }

    pub(super) fn forget(&mut self) {
        while self.let_go() {}
    }

    pub(super) fn len(&self) -> u64 {
        self.held.len() as u64
    }

    pub(super) fn is_full(&self) -> bool {
        self.settings.documents == Some(self.held.len())
    }

    pub(super) fn banding(&self) -> Banding {
        self.signatures.banding()
    }

    pub(super) fn probability(&self, jaccard: f64) -> f64 {
        let hashes = self.signatures.hashes();
        if !self.settings.estimates && jaccard < self.threshold {
            return 0.0;
        }
        // The least number of equal slots. It is exact, also if the floor is a quotient of integers.
        let floor = (self.floor * hashes as f64).ceil() as usize;
        // Both events, a common band and enough equal slots, become more likely with more equal slots. So they are
        // positively correlated, and the product of their probabilities is a lower bound (Harris 1960).
        self.banding().probability(jaccard) * (1.0 - below_floor(jaccard, hashes, floor))
    }

    pub(super) fn memory_usage(&self) -> usize {
        self.signatures.memory_usage()
            + self.held.capacity() * size_of::<Held>()
            + self.shingles * size_of::<u64>()
    }
}
