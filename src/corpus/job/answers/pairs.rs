//! Writes the table of pairs of documents from verified pairs of sets.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::batch::PairsOfCopies;
use crate::boundary::IndexedFrom;
use crate::chances::Agreement;
use crate::corpus::error::Error;
use crate::corpus::job::candidates::joining::{Certain, Edge, Edges, FoundIn};
use crate::corpus::job::disk::set_store::{SetStore, runs};
use crate::corpus::outputs::sink::Table;
use crate::exact::Partners;
use crate::recall::PairTally;
use crate::settings::Settings;
use crate::verify::{Pair, Similarity};
use crate::watch::Ticker;

/// The data from which pairs are written.
pub(crate) struct Pairing<'p> {
    /// The most bytes of records in memory at a time.
    pub(crate) batch: u64,
    /// For each document, the first one with the same shingles.
    pub(crate) firsts: &'p [u32],
    pub(crate) stored: &'p SetStore,
    pub(crate) certain: &'p Certain,
    pub(crate) settings: &'p Settings,
    pub(crate) indexed_from: IndexedFrom,
    pub(crate) copies: PairsOfCopies,
    pub(crate) ticker: &'p Ticker<'p>,
    /// The sets that are similar although they share no rare shingle.
    pub(crate) partners: Option<Partners<'p>>,
}

/// A set that is similar to another set.
struct Partner {
    set: u32,
    similarity: Similarity,
    /// How the pair was found; `None` if it is not known yet.
    found: Option<FoundIn>,
}

/// The pairs of documents with two sets, whose common bands are not known yet.
struct Uncertain {
    sets: [u32; 2],
    similarity: Similarity,
    pairs: u64,
}

/// Buffers pairs, and writes them to a table.
struct Rows<'r, 'p> {
    pairing: &'r Pairing<'p>,
    table: &'r Table,
    waiting: Vec<Pair>,
    uncertain: Vec<Uncertain>,
}

impl Pairing<'_> {
    /// Writes all pairs to a table, and counts them.
    pub(crate) fn write(
        &self,
        mut edges: Edges,
        table: &Table,
        tally: &mut PairTally<'_>,
    ) -> Result<(), Error> {
        let copies = self.copies();
        let of_set = |set: u32| {
            let from = copies.partition_point(|copy| copy.0 < set);
            let own = copies[from..].iter().take_while(move |copy| copy.0 == set);
            let own = own.map(|&(_, document)| document);
            std::iter::once(set).chain(own).collect::<Vec<u32>>()
        };
        let mut rows = Rows {
            pairing: self,
            table,
            waiting: Vec::new(),
            uncertain: Vec::new(),
        };
        let mut next = edges.next()?;
        let mut seen = HashSet::new();
        for &set in self.stored.documents() {
            self.ticker.tick(1)?;
            if self.firsts[set as usize] != set {
                continue;
            }
            let own = of_set(set);
            self.within(&own, tally, &mut rows)?;
            let mut partners = Vec::new();
            while let Some(edge) = next.filter(|edge| edge.a == set) {
                partners.push(Partner::of(edge));
                next = edges.next()?;
            }
            if let Some(by_classes) = &self.partners {
                seen.clear();
                seen.extend(partners.iter().map(|partner| partner.set));
                by_classes.of(set, |other, [own, size], shared| {
                    // Those that share rare shingles as well have been found, and share more.
                    if other > set && self.indexed_from.is_new(set) && !seen.contains(&other) {
                        partners.push(Partner {
                            set: other,
                            similarity: Similarity::of(
                                shared as usize,
                                own as usize,
                                size as usize,
                            ),
                            found: self.certain.are(set, other).then_some(FoundIn::Certain),
                        });
                    }
                });
            }
            partners.sort_unstable_by_key(|partner| partner.set);
            for partner in partners {
                self.between(&own, &of_set(partner.set), &partner, tally, &mut rows)?;
            }
        }
        rows.settle(tally)?;
        rows.flush()
    }

    /// Pairs of a first document and each later one with the same shingles, sorted.
    fn copies(&self) -> Vec<(u32, u32)> {
        let documents = self.stored.documents().iter();
        let pairs = documents.map(|&document| (self.firsts[document as usize], document));
        let mut copies: Vec<(u32, u32)> = pairs.filter(|pair| pair.0 != pair.1).collect();
        copies.sort_unstable();
        copies
    }

    /// The pairs among documents with the same set.
    fn within(
        &self,
        documents: &[u32],
        tally: &mut PairTally<'_>,
        rows: &mut Rows<'_, '_>,
    ) -> Result<(), Error> {
        if documents.len() == 1 {
            return Ok(());
        }
        let new = self.indexed_from.new_of(documents);
        tally.add_copies(documents.len() as u64, (documents.len() - new) as u64);
        let first = &documents[..1];
        let size = self.stored.fetch(first)?.get(first[0]).set.len();
        let similarity = Similarity::of_copies(size);
        for (i, &a) in self.copies.paired(&documents[..new]).iter().enumerate() {
            for &b in &documents[i + 1..] {
                rows.push(Pair::of(a, b, similarity))?;
            }
        }
        Ok(())
    }

    /// The pairs of documents with one set and documents with another.
    fn between(
        &self,
        left: &[u32],
        right: &[u32],
        partner: &Partner,
        tally: &mut PairTally<'_>,
        rows: &mut Rows<'_, '_>,
    ) -> Result<(), Error> {
        let similarity = partner.similarity;
        let pairs = self.indexed_from.products(left, right);
        let pairs: usize = pairs
            .iter()
            .map(|(left, right)| left.len() * right.len())
            .sum();
        let pairs = pairs as u64;
        match partner.found {
            Some(FoundIn::Certain) => tally.add_certain(pairs),
            Some(FoundIn::Bands(agreement)) => {
                tally.add(similarity.jaccard, similarity.union(), pairs, agreement);
            }
            None => {
                rows.uncertain.push(Uncertain {
                    sets: [left[0], right[0]],
                    similarity,
                    pairs,
                });
                if rows.uncertain.len() >= Rows::MOST {
                    rows.settle(tally)?;
                }
            }
        }
        let copies = self.copies;
        for (left, right) in self
            .indexed_from
            .products(copies.paired(left), copies.paired(right))
        {
            for &a in left {
                for &b in right {
                    rows.push(Pair::of(a, b, similarity))?;
                }
            }
        }
        Ok(())
    }
}

impl Rows<'_, '_> {
    /// The most pairs that wait.
    const MOST: usize = 1 << 16;

    fn push(&mut self, pair: Pair) -> Result<(), Error> {
        self.waiting.push(pair);
        match self.waiting.len() {
            Self::MOST.. => self.flush(),
            _ => Ok(()),
        }
    }

    /// Counts the uncertain pairs, after computing their common bands.
    fn settle(&mut self, tally: &mut PairTally<'_>) -> Result<(), Error> {
        let Pairing {
            stored,
            batch,
            settings,
            ..
        } = self.pairing;
        let sketch = settings.sketcher().sketch();
        for (run, documents) in runs(&self.uncertain, stored, *batch, |pair| pair.sets) {
            let fetched = stored.fetch(&documents)?;
            let agreements: Vec<Option<Agreement>> = run
                .par_iter()
                .map(|pair| {
                    let [left, right] = pair.sets.map(|set| {
                        let mut row = vec![0; sketch.hashes()];
                        sketch.sketch(fetched.get(set).set.parts().others, &mut row);
                        row
                    });
                    tally.chances().agreement(&left, &right)
                })
                .collect();
            for (pair, agreement) in run.iter().zip(agreements) {
                let similarity = &pair.similarity;
                tally.add(
                    similarity.jaccard,
                    similarity.union(),
                    pair.pairs,
                    agreement,
                );
            }
        }
        self.uncertain.clear();
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let Pairing {
            stored,
            batch,
            ticker,
            ..
        } = self.pairing;
        ticker.look()?;
        let documents = |pair: &Pair| [pair.a as u32, pair.b as u32];
        for (run, documents) in runs(&self.waiting, stored, *batch, documents) {
            let fetched = stored.fetch(&documents)?;
            for pair in run {
                let [a, b] = [pair.a, pair.b].map(|document| &fetched.get(document as u32).id);
                self.table.pair_row(a, b, &pair.similarity)?;
            }
        }
        self.waiting.clear();
        Ok(())
    }
}

impl Partner {
    fn of(edge: Edge) -> Self {
        Self {
            set: edge.b,
            similarity: edge.similarity,
            found: Some(edge.found),
        }
    }
}
