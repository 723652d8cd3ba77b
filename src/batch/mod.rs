//! One collection on its way through the stages.

#[cfg(feature = "corpus")]
mod candidate;
mod pairs;
mod run;
mod shingled;
mod way;

use std::cmp::Ordering;
use std::fmt::Debug;

use rayon::prelude::*;

use crate::chances::{Agreement, Chances};
use crate::cluster::{
    Candidates, ClusterMode, Clusters, Complete, Grouping, Keep, Labels, components, leaders,
};
use crate::collapse::{Distinct, Firsts};
use crate::deduper::Deduper;
use crate::digest::Digests;
use crate::error::{Error, Kind};
use crate::exact::{Direction, Join, Near};
use crate::lsh::Buckets;
use crate::method::{Method, Reason};
use crate::pool::Pool;
use crate::recall::{LinkTally, Missed, PairTally, Recall};
use crate::sketch::{Rows, SignatureMatrix};
use crate::text::Document;
use crate::verify::{Compared, Estimates, Pair, ShingleSet, Similarity, Verifier};
use crate::watch::Stage;

#[cfg(feature = "corpus")]
pub(crate) use candidate::Candidate;
pub use pairs::Pairs;
pub use run::Run;
#[cfg(feature = "corpus")]
pub(crate) use shingled::Memory;
pub(crate) use shingled::Shingled;
use way::Way;

/// Documents brought as far as candidate pairs, by [`Deduper::batch`]: ask for pairs, clusters or
/// both.
#[derive(Debug)]
pub struct Batch<'d, D> {
    deduper: &'d Deduper,
    documents: &'d [D],
    run: Run<'d>,
    distinct: Distinct,
    found: Found,
    reason: Reason,
    /// The shingle set of each distinct set; empty for those that are no candidates.
    sets: Vec<ShingleSet>,
    /// Sets from this number on have documents of an index alone.
    indexed_sets_from: usize,
}

/// What pairs are in order by: copies first, then the size of the first set where that counts, the first documents of
/// both sets, and the documents.
#[cfg(feature = "corpus")]
pub(crate) type PairOrder = [u32; 6];

/// Where candidates come from.
#[derive(Debug)]
enum Found {
    Lsh { rows: Rows, buckets: Buckets },
    Exact(Join),
}

impl<'d, D: Document + Sync> Batch<'d, D> {
    pub(crate) fn new(
        deduper: &'d Deduper,
        documents: &'d [D],
        run: Run<'d>,
    ) -> Result<Self, Error> {
        can_be_numbered(documents)?;
        let ticker = run.ticker(Stage::Sketch, documents.len());
        let digests = deduper.digester().try_digests(documents, &ticker)?;
        Self::of(deduper, documents, digests, run)
    }

    /// The clusters, and which copies to keep.
    ///
    /// A pair that is connected already (in leader mode, one that is removed already) is not compared. With LSH a
    /// bucket of very many documents in which comparisons keep failing is split by further slots instead of
    /// being enumerated: see [`Clusters::split_buckets`].
    ///
    /// # Errors
    /// Where the run is cancelled.
    pub fn clusters(&self) -> Result<Clusters, Error> {
        self.all_clusters()
    }

    /// Hands every pair of near-duplicates to `each` as it is found, until that fails, and tells how many may have been
    /// missed. Only pairs of about a million candidates are held at a time.
    ///
    /// The order is the same in every run, but not ascending: copies come together, and the pairs of one document
    /// with later ones.
    ///
    /// # Errors
    /// Where the run is cancelled; and the error of `each`.
    pub fn for_each_pair<E: From<Error>>(
        &self,
        each: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<Recall, E> {
        self.all_pairs(each)
    }
}

impl<'d, D: Shingled> Batch<'d, D> {
    /// From documents whose digests are there.
    pub(crate) fn of(
        deduper: &'d Deduper,
        documents: &'d [D],
        digests: Digests,
        run: Run<'d>,
    ) -> Result<Self, Error> {
        can_be_numbered(documents)?;
        deduper.scheme().matches(digests.scheme())?;
        if digests.len() != documents.len() {
            return Err(Error::new(Kind::DigestCount {
                digests: digests.len(),
                documents: documents.len(),
            }));
        }
        let way = Way {
            deduper,
            documents,
            run,
        };
        let (prints, matrix, sample) = digests.into_parts();
        let firsts = Firsts::of_prints(&prints);
        drop(prints);
        let rows = matrix.map(Rows::new);
        match (deduper.method(), rows, sample) {
            (Method::Lsh, Some(rows), _) => way.by_lsh(firsts, rows),
            (Method::Exact, _, Some(sample)) => way.by_join(firsts, sample),
            (Method::Auto, Some(rows), Some(sample)) => way.by_either(firsts, rows, sample),
            _ => Err(Error::new(Kind::DigestMethod)),
        }
    }

    /// As [`clusters`](Batch::clusters).
    pub(crate) fn all_clusters(&self) -> Result<Clusters, Error> {
        let chances = self.chances();
        self.clusters_in(&LinkTally::new(&chances))
    }

    /// As [`for_each_pair`](Batch::for_each_pair).
    pub(crate) fn all_pairs<E: From<Error>>(
        &self,
        each: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<Recall, E> {
        let chances = self.chances();
        let mut tally = PairTally::new(&chances);
        self.for_each_pair_in(&mut tally, each)?;
        Ok(self.recall(tally.told()))
    }
}

impl<D> Batch<'_, D> {
    /// How candidates were found, and why so.
    pub fn method(&self) -> (Method, Reason) {
        match self.found {
            Found::Lsh { .. } => (Method::Lsh, self.reason),
            Found::Exact(_) => (Method::Exact, self.reason),
        }
    }

    /// The signatures of the documents, where the method makes any.
    pub fn signatures(&self) -> Option<&SignatureMatrix> {
        match &self.found {
            Found::Lsh { rows, .. } => Some(rows.matrix()),
            Found::Exact(_) => None,
        }
    }

    /// The documents collapsed to distinct shingle sets.
    pub fn distinct(&self) -> &Distinct {
        &self.distinct
    }

    /// The buckets of candidates, where the method makes any.
    pub fn buckets(&self) -> Option<&Buckets> {
        match &self.found {
            Found::Lsh { buckets, .. } => Some(buckets),
            Found::Exact(_) => None,
        }
    }
}

impl<D: Shingled> Batch<'_, D> {
    /// As [`clusters`](Batch::clusters), in a tally that may have counted others.
    pub(crate) fn clusters_in(&self, tally: &LinkTally<'_>) -> Result<Clusters, Error> {
        let labels = self.labels(tally)?;
        let order = self.keep_order();
        let grouping = Grouping {
            distinct: &self.distinct,
            labels: &labels,
            order: &*order,
            recall: self.recall(tally.told()),
        };
        grouping.clusters(
            self.documents.len(),
            |a, b| self.similarity(a, b),
            |removals| self.run.ticker(Stage::Measure, removals),
        )
    }

    /// The cluster of each set. The pairs that connect them are counted by `tally`.
    fn labels(&self, tally: &LinkTally<'_>) -> Result<Labels, Error> {
        let verifier = self.verifier();
        let sets = self.distinct.len();
        let order = self.keep_order();
        let leader = match self.deduper.cluster_mode() {
            ClusterMode::Components => None,
            ClusterMode::Leader => Some(self.distinct.in_order(&*order)),
        };
        match &self.found {
            Found::Lsh { rows, buckets } => {
                let candidates = Candidates {
                    buckets,
                    sets,
                    row: |set: u32| rows.row(self.distinct.first(set as usize)),
                    compare: |a, b| match self.is_settled(a, b) {
                        true => Compared::Failed { work: 1 },
                        false => verifier.compare(a, b),
                    },
                    tally,
                };
                match leader {
                    None => {
                        let ticker = self.run.ticker(Stage::Verify, buckets.places());
                        components(&candidates, &ticker)
                    }
                    Some(order) => {
                        let ticker = self.run.ticker(Stage::Verify, sets);
                        leaders(&candidates, &order, &ticker)
                    }
                }
            }
            Found::Exact(join) => {
                let candidates = Complete {
                    join,
                    sets,
                    is_similar: |a, b| !self.is_settled(a, b) && verifier.verify(a, b).is_some(),
                    tally,
                };
                let ticker = self.run.ticker(Stage::Verify, join.len());
                match leader {
                    None => candidates.components(&ticker),
                    Some(order) => candidates.leaders(&order, &ticker),
                }
            }
        }
    }

    /// Whether two sets are not compared for clusters, since of both there are documents of an index. Components are
    /// connected by a new document of either; leaders, who are kept in any case, by none.
    fn is_settled(&self, a: u32, b: u32) -> bool {
        let Some(from) = self.run.indexed_from else {
            return false;
        };
        let has_indexed = |set: u32| {
            let last = self.distinct.documents(set as usize).last();
            last.is_some_and(|&document| document as usize >= from)
        };
        match self.deduper.cluster_mode() {
            ClusterMode::Components => self.is_indexed(a) && self.is_indexed(b),
            ClusterMode::Leader => has_indexed(a) && has_indexed(b),
        }
    }

    /// Whether a set is one of documents of an index alone.
    fn is_indexed(&self, set: u32) -> bool {
        set as usize >= self.indexed_sets_from
    }

    /// As [`for_each_pair`](Batch::for_each_pair), in a tally that may have counted others.
    pub(crate) fn for_each_pair_in<E: From<Error>>(
        &self,
        tally: &mut PairTally<'_>,
        mut each: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<(), E> {
        let chances = tally.chances();
        for set in 0..self.distinct.len() {
            self.pairs_within(set, tally, &mut each)?;
        }
        let verifier = self.verifier();
        let all = match &self.found {
            Found::Lsh { .. } => self.distinct.len(),
            Found::Exact(join) => join.len(),
        };
        let ticker = self.run.ticker(Stage::Verify, all);
        let memory = Pool::<Near>::default();
        let mut to = 0;
        while to < all {
            let from = to;
            to = self.step_from(from, all);
            let found: Vec<Vec<Partner>> = (from..to)
                .into_par_iter()
                .map_init(
                    || memory.lend(),
                    |near, place| {
                        ticker.tick(1)?;
                        let set = self.candidates_of(place, near);
                        let partner = |&other: &u32| self.partner(set, other, &verifier, chances);
                        Ok(near.places.iter().filter_map(partner).collect())
                    },
                )
                .collect::<Result<_, Error>>()?;
            for (place, partners) in (from..to).zip(found) {
                for partner in partners {
                    self.pairs_between(self.set_at(place), &partner, tally, &mut each)?;
                }
            }
        }
        Ok(())
    }

    /// What pairs are in order by, as they are found; `number` is that of a document in the whole of which these are a
    /// part.
    #[cfg(feature = "corpus")]
    pub(crate) fn order_of(&self, pair: &Pair, number: impl Fn(usize) -> u32) -> PairOrder {
        let set = |document| self.distinct.set_of(document).unwrap_or_default();
        let by_size = matches!(self.found, Found::Exact(_));
        let place = |document| {
            let set = set(document);
            let size = if by_size { self.sets[set].len() } else { 0 };
            (size as u32, set)
        };
        let (mut left, mut right) = (pair.a, pair.b);
        if place(right) < place(left) {
            (left, right) = (right, left);
        }
        let first = |document| number(self.distinct.first(set(document)));
        match set(left) == set(right) {
            true => [0, 0, first(left), first(left), number(left), number(right)],
            false => [
                1,
                place(left).0,
                first(left),
                first(right),
                number(left),
                number(right),
            ],
        }
    }

    /// A candidate of a set, verified.
    fn partner(
        &self,
        set: u32,
        other: u32,
        verifier: &Verifier<'_>,
        chances: &Chances,
    ) -> Option<Partner> {
        if self.is_indexed(set) && self.is_indexed(other) {
            return None;
        }
        let similarity = verifier.verify(set, other)?;
        let agreement = match &self.found {
            Found::Lsh { rows, .. } => {
                let row = |set: u32| rows.row(self.distinct.first(set as usize));
                chances.agreement(row(set), row(other))
            }
            Found::Exact(_) => None,
        };
        Some(Partner {
            set: other,
            similarity,
            agreement,
        })
    }

    /// With which probability pairs are found.
    fn chances(&self) -> Chances {
        self.deduper.chances(self.method().0)
    }

    fn recall(&self, counted: (u64, Missed)) -> Recall {
        self.deduper.recall_of(self.method(), counted)
    }

    /// The set that is the `place`-th in turn.
    fn set_at(&self, place: usize) -> u32 {
        match &self.found {
            Found::Lsh { .. } => place as u32,
            Found::Exact(join) => join.set(place),
        }
    }

    /// Writes the candidates of the `place`-th set with those that come after it over `near`, as ascending sets, and
    /// returns that set.
    fn candidates_of(&self, place: usize, near: &mut Near) -> u32 {
        match &self.found {
            Found::Lsh { buckets, .. } => buckets.partners_after(place, &mut near.places),
            Found::Exact(join) => {
                join.near(place, Direction::Later, near);
                for other in &mut near.places {
                    *other = join.set(*other as usize);
                }
                near.places.sort_unstable();
            }
        }
        self.set_at(place)
    }

    /// The end of the sets, from `from` on, that are looked at in one step: at least one, and others while
    /// their places in buckets or lists, of which there are as many as candidates or more, are not too many.
    fn step_from(&self, from: usize, all: usize) -> usize {
        const SETS: usize = 4096;
        const CANDIDATES: usize = 1 << 20;
        let end = all.min(from + SETS);
        let of_set = |place: usize| match &self.found {
            Found::Lsh { buckets, .. } => {
                let own = buckets.of_set(place).iter();
                own.map(|&b| buckets.sets(b as usize).len()).sum()
            }
            Found::Exact(join) => join.places_met(place),
        };
        let mut candidates = 0;
        let fits = |&place: &usize| {
            candidates += of_set(place);
            candidates <= CANDIDATES
        };
        (from..end)
            .take_while(fits)
            .last()
            .map_or(from + 1, |place| place + 1)
    }

    fn verifier(&self) -> Verifier<'_> {
        Verifier {
            sets: &self.sets,
            threshold: self.deduper.threshold(),
            estimates: match &self.found {
                Found::Lsh { rows, .. } => Some(Estimates {
                    rows,
                    distinct: &self.distinct,
                    floor_slots: self.deduper.floor_slots(),
                }),
                Found::Exact(_) => None,
            },
        }
    }

    /// The order by which documents are kept.
    fn keep_order(&self) -> Box<dyn Fn(usize, usize) -> Ordering + Sync + '_> {
        let length = |document: usize| self.documents[document].byte_len();
        match (self.run.keep_by, self.deduper.keep()) {
            (Some(order), _) => Box::new(order),
            (None, Keep::First) => Box::new(|a, b| a.cmp(&b)),
            (None, Keep::Longest) => Box::new(move |a, b| length(b).cmp(&length(a))),
        }
    }

    /// The exact similarity of two documents of one cluster.
    fn similarity(&self, a: usize, b: usize) -> Similarity {
        let set = |document| {
            let set = self.distinct.set_of(document);
            &self.sets[set.unwrap_or_else(|| unreachable!("empty documents are in no cluster"))]
        };
        set(a).similarity(set(b))
    }

    /// The pairs among documents with the same set.
    fn pairs_within<E>(
        &self,
        set: usize,
        tally: &mut PairTally<'_>,
        each: &mut impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<(), E> {
        let documents = self.distinct.documents(set);
        if documents.len() == 1 {
            return Ok(());
        }
        let similarity = self.sets[set].similarity(&self.sets[set]);
        let new = self.new_of(documents);
        tally.add_copies(documents.len() as u64, (documents.len() - new) as u64);
        for (i, &a) in documents[..new].iter().enumerate() {
            for &b in &documents[i + 1..] {
                each(Pair::of(a, b, similarity))?;
            }
        }
        Ok(())
    }

    /// The pairs of documents with one set and documents with another.
    fn pairs_between<E>(
        &self,
        set: u32,
        partner: &Partner,
        tally: &mut PairTally<'_>,
        each: &mut impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<(), E> {
        let left = self.distinct.documents(set as usize);
        let right = self.distinct.documents(partner.set as usize);
        let (new, indexed) = left.split_at(self.new_of(left));
        let new_right = &right[..self.new_of(right)];
        let pairs = new.len() * right.len() + indexed.len() * new_right.len();
        let Similarity {
            jaccard, shared, ..
        } = partner.similarity;
        let union = (shared as f64 / jaccard).round() as usize;
        tally.add(jaccard, union, pairs as u64, partner.agreement);
        for (left, right) in [(new, right), (indexed, new_right)] {
            for &a in left {
                for &b in right {
                    each(Pair::of(a, b, partner.similarity))?;
                }
            }
        }
        Ok(())
    }

    /// How many of a set's documents are of no index; these come first.
    fn new_of(&self, documents: &[u32]) -> usize {
        let from = self.run.indexed_from;
        from.map_or(documents.len(), |from| {
            documents.partition_point(|&document| (document as usize) < from)
        })
    }
}

/// A set that is similar to another.
struct Partner {
    set: u32,
    similarity: Similarity,
    /// The bands in which their signatures agree.
    agreement: Option<Agreement>,
}

fn can_be_numbered<D>(documents: &[D]) -> Result<(), Error> {
    match documents.len() {
        n if n >= u32::MAX as usize => Err(Error::new(Kind::TooManyDocuments(n))),
        _ => Ok(()),
    }
}
