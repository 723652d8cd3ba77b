//! A memory of the last passed documents: their signatures, and their shingles for exact comparisons.

use std::collections::VecDeque;

use super::recent::Recent;
use super::sketched::{Sketch, Wanted};
use super::{Seen, Verdict};
use crate::error::{Error, Kind};
use crate::lsh::Banding;
use crate::settings::Settings;
use crate::sketch::below_floor;
use crate::verify::ShingleSet;

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
    pub(super) documents: Option<usize>,
    pub(super) shingles: Option<usize>,
    pub(super) estimates: bool,
}

/// The most documents that are held.
pub(super) const MOST: usize = u32::MAX as usize - 1;

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

    /// The most shingles held in all, repetitions included, at 8 bytes each; as many of the oldest documents leave for
    /// a new one as must. The newest is held whatever its length is. Default: no bound, so that memory is bounded as
    /// long as documents are. Without effect where no [shingles are held](Self::estimates).
    #[must_use]
    pub fn shingles(mut self, most: usize) -> Self {
        self.shingles = Some(most);
        self
    }

    /// Sets whether to estimate similarities from signatures, instead of holding shingles. Default: no; similarities
    /// are exact, and every dropped document is verified.
    ///
    /// An estimate errs, by 0.035 at J = 0.8 and 128 hashes: of documents that lie exactly at the threshold about half
    /// are dropped, and some are that lie below it.
    #[must_use]
    pub fn estimates(mut self, estimates: bool) -> Self {
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
    pub(super) signatures: Recent,
    pub(super) held: VecDeque<Held>,
    /// Shingles that are held, repetitions included.
    shingles: usize,
    pub(super) settings: Window,
    pub(super) threshold: f64,
    /// The least estimate with which a document is compared.
    pub(super) floor: f64,
    /// Working memory.
    places: Vec<u64>,
}

#[derive(Debug)]
pub(super) struct Held {
    /// Its number in the stream, or the id under which it came.
    pub(super) id: u64,
    pub(super) shingles: Shingles,
    /// How many they were when they came.
    pub(super) count: usize,
}

/// Shingles of a document. They are sorted when they are first compared, since most never are.
#[derive(Debug)]
pub(super) enum Shingles {
    /// As they came, repetitions included; none where similarities are estimated.
    Raw(Box<[u64]>),
    Set(ShingleSet),
}

impl Shingles {
    #[cfg(feature = "storage")]
    pub(super) fn hashes(&self) -> &[u64] {
        match self {
            Self::Raw(hashes) => hashes,
            Self::Set(set) => set.hashes(),
        }
    }

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
        let signatures = Recent::new(banding, hashes, window.documents);
        let threshold = settings.threshold();
        let floor = match window.estimates {
            true => threshold,
            false => settings.estimate_floor(),
        };
        Ok(Self::with(signatures, window, threshold, floor))
    }

    /// One that holds no document yet.
    pub(super) fn with(signatures: Recent, settings: Window, threshold: f64, floor: f64) -> Self {
        Self {
            signatures,
            held: VecDeque::new(),
            shingles: 0,
            settings,
            threshold,
            floor,
            places: Vec::new(),
        }
    }

    pub(super) fn settings(&self) -> &Window {
        &self.settings
    }

    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            banding: self.banding(),
            slots: true,
            shingles: !self.settings.estimates,
        }
    }

    /// Looks a document up, and holds it where it is passed.
    pub(super) fn admit(&mut self, id: u64, sketch: Sketch) -> Verdict {
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
        let held = Held {
            id,
            shingles,
            count,
        };
        self.hold(held, &slots, &keys);
        Verdict::Unseen
    }

    /// Holds a document for which there is room.
    pub(super) fn hold(&mut self, held: Held, slots: &[u32], keys: &[u64]) {
        self.signatures.push(slots, keys);
        self.shingles += held.count;
        self.held.push_back(held);
    }

    /// The first of the held documents that this one resembles: the order of the stream, not of the similarities, so
    /// that the answer is that of leader clusters.
    fn find(&mut self, keys: &[u64], slots: &[u32], shingles: &mut Shingles) -> Option<Seen> {
        self.signatures.find(keys, &mut self.places);
        for &place in &self.places {
            let estimate = self.signatures.estimate(slots, place);
            if estimate.jaccard < self.floor {
                continue;
            }
            let held = &mut self.held[(place - self.signatures.oldest()) as usize];
            let document = held.id;
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
