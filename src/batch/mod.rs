//! A batch: one collection, processed stage by stage.

mod find;
mod open;
mod pairs;
mod run;
mod shingled;

use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

use rayon::prelude::*;

use crate::aside::{Maker, Share};
use crate::boundary::IndexedFrom;
use crate::candidates::Candidates;
use crate::chances::{Agreement, Chances};
use crate::cluster::{ClusterMode, Clusters, Grouping, Keep, Labels, components, leaders};
use crate::collapse::{Distinct, Firsts};
use crate::digest::Digests;
use crate::error::{Error, Kind};
use crate::exact::{Near, Partners};
use crate::lsh::Buckets;
use crate::method::{Method, Reason};
use crate::pool::Pool;
use crate::recall::{LinkTally, PairTally, Recall};
use crate::settings::Settings;
use crate::sketch::SignatureMatrix;
use crate::text::Document;
use crate::verify::{ComparedSet, Estimates, Pair, Similarity, Verifier};
use crate::watch::{Looks, Stage};

use find::{Finder, Found};
#[cfg(feature = "corpus")]
pub(crate) use open::{SharedSlots, TOGETHER, is_in_vain};
pub use pairs::Pairs;
pub use run::{PairsOfCopies, Run};
#[cfg(feature = "corpus")]
pub(crate) use shingled::Memory;
pub(crate) use shingled::Shingled;

/// Documents with their candidate pairs, from which to compute pairs, clusters or both; made by
/// [`Deduper::batch`](crate::Deduper::batch).
#[derive(Debug)]
pub struct Batch<'d, D> {
    settings: &'d Settings,
    documents: &'d [D],
    run: Run<'d>,
    distinct: Distinct,
    /// With LSH, the signatures of the documents.
    rows: Option<SignatureMatrix>,
    candidates: Candidates,
    reason: Reason,
    /// The shingles of each distinct set; empty for sets that are neither candidates nor have copies.
    sets: Vec<ComparedSet>,
    /// With weights, whether each set counts for them; otherwise empty.
    #[cfg_attr(not(feature = "corpus"), allow(dead_code))]
    counted: Vec<bool>,
    /// What was set aside of each document, if anything may have been.
    aside: Option<Vec<Share>>,
    /// The sets that only indexed documents have.
    indexed_sets_from: IndexedFrom,
}

impl<'d, D: Document + Sync> Batch<'d, D> {
    pub(crate) fn new(
        settings: &'d Settings,
        documents: &'d [D],
        run: Run<'d>,
    ) -> Result<Self, Error> {
        can_be_numbered(documents)?;
        let maker = Self::maker(settings, documents, run)?;
        let ticker = run.ticker(Stage::Sketch, documents.len());
        let digester = settings.digester().with_maker(maker.clone());
        let digests = digester.try_digests(documents, &ticker)?;
        Self::of(settings, documents, digests, &maker, run)
    }

    /// The maker of shingles. If documents have groups, it sets their repeated passages aside.
    fn maker(settings: &Settings, documents: &[D], run: Run<'_>) -> Result<Maker, Error> {
        let shingler = settings.sketcher().shingler();
        if documents.iter().all(|document| document.group().is_none()) {
            return Ok(Maker::whole(shingler));
        }
        let ticker = run.ticker(Stage::Passages, documents.len());
        let counter = settings.counter();
        counter.add_all(documents, &ticker)?;
        Ok(Maker::without(shingler, Arc::new(counter.finish(None))))
    }

    /// Computes the clusters, and which copies to keep.
    ///
    /// Pairs that are already connected are not compared, nor in leader mode pairs of which one is already removed.
    ///
    /// # Errors
    /// If the run is cancelled.
    pub fn clusters(&self) -> Result<Clusters, Error> {
        self.all_clusters()
    }

    /// Calls `each` with every pair of near-duplicates as it is found, until `each` fails. Returns how many pairs were
    /// found, and an estimate of how many were missed. Only the pairs of about a million candidates are in memory at a
    /// time.
    ///
    /// The order of pairs is the same in every run: by the first documents with the same shingles as those of the pair.
    ///
    /// # Errors
    /// If the run is cancelled, or `each` fails.
    pub fn for_each_pair<E: From<Error>>(
        &self,
        each: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<Recall, E> {
        self.all_pairs(each)
    }
}

impl<'d, D: Shingled> Batch<'d, D> {
    /// Makes a batch of documents whose digests have been computed.
    pub(crate) fn of(
        settings: &'d Settings,
        documents: &'d [D],
        mut digests: Digests,
        maker: &Maker,
        run: Run<'d>,
    ) -> Result<Self, Error> {
        can_be_numbered(documents)?;
        assert_eq!(digests.len(), documents.len(), "a digest for each document");
        let finder = Finder {
            settings,
            documents,
            maker,
            run,
        };
        let aside = digests.take_aside();
        let (fingerprints, matrix, sample) = digests.into_parts();
        let firsts = Firsts::of_fingerprints(&fingerprints);
        drop(fingerprints);
        let found = match (settings.method(), matrix, sample) {
            _ if settings.is_by_probes() => finder.by_probes(firsts),
            (Method::Lsh, Some(rows), _) => finder.by_lsh(firsts, rows),
            (Method::Exact, _, Some(sample)) => finder.by_join(firsts, sample),
            (Method::Auto, Some(rows), Some(sample)) => finder.by_either(firsts, rows, sample),
            _ => unreachable!("digests hold what the method needs"),
        }?;
        let Found {
            distinct,
            rows,
            candidates,
            reason,
            sets,
            counted,
        } = found;
        Ok(Self {
            indexed_sets_from: finder.indexed_sets_from(&distinct),
            settings,
            documents,
            run,
            distinct,
            rows,
            candidates,
            reason,
            sets,
            counted,
            aside,
        })
    }

    /// The same as [`clusters`](Batch::clusters).
    pub(crate) fn all_clusters(&self) -> Result<Clusters, Error> {
        let chances = self.chances();
        self.clusters_in(&LinkTally::new(&chances))
    }

    /// The same as [`for_each_pair`](Batch::for_each_pair).
    pub(crate) fn all_pairs<E: From<Error>>(
        &self,
        each: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<Recall, E> {
        let chances = self.chances();
        let mut tally = PairTally::new(&chances);
        let unseen = self.for_each_pair_in(&mut tally, each)?;
        let settings = self.settings;
        Ok(settings.recall_of(self.method(), tally.counted(), unseen))
    }
}

impl<D> Batch<'_, D> {
    /// The exact similarity of two documents, with [`Weights`](crate::Weights) if the settings have any. `None` if the
    /// shingles of one are not at hand: without weights and with [`Measure::Jaccard`](crate::Measure), only those of
    /// candidates and of copies are.
    ///
    /// # Panics
    /// If there is no document with one of these numbers.
    pub fn similarity(&self, a: usize, b: usize) -> Option<Similarity> {
        assert!(a.max(b) < self.documents.len(), "no such document");
        self.similarity_of(a, b)
    }

    fn similarity_of(&self, a: usize, b: usize) -> Option<Similarity> {
        let [a, b] = [a, b].map(|document| self.distinct.set_of(document));
        let (Some(a), Some(b)) = (a, b) else {
            return Some(Similarity::of(0, 0, 0)); // one has no shingles
        };
        let [of_a, of_b] = [a, b].map(|set| &self.sets[set]);
        match of_a.len().min(of_b.len()) {
            0 => None,
            len if a == b => Some(Similarity::of_copies(len)),
            _ => Some(of_a.similarity(of_b)),
        }
    }

    /// The method that found the candidates, and the reason why it was used.
    pub fn method(&self) -> (Method, Reason) {
        match self.rows {
            Some(_) => (Method::Lsh, self.reason),
            None => (Method::Exact, self.reason),
        }
    }

    /// The signatures of the documents, if the method is LSH.
    pub fn signatures(&self) -> Option<&SignatureMatrix> {
        self.rows.as_ref()
    }

    /// The documents collapsed to distinct shingle sets.
    #[cfg(feature = "corpus")]
    pub(crate) fn distinct(&self) -> &Distinct {
        &self.distinct
    }

    /// The buckets in which all documents are compared, where the method makes any. Those that are too large are not
    /// among them: their documents are joined by rare shingles and common parts, as with [`Method::Exact`].
    #[doc(hidden)]
    pub fn buckets(&self) -> Option<&Buckets> {
        self.candidates.buckets.as_ref()
    }
}

impl<D: Shingled> Batch<'_, D> {
    /// The same as [`clusters`](Batch::clusters), with a tally that may already contain counts.
    pub(crate) fn clusters_in(&self, tally: &LinkTally<'_>) -> Result<Clusters, Error> {
        let labels = self.labels()?;
        let order = self.keep_order();
        let grouping = Grouping {
            distinct: &self.distinct,
            labels: &labels,
            order: &*order,
            are_certain: &|a, b| self.candidates.are_certain(a, b),
            indexed_sets_from: self.indexed_sets_from,
            tally,
        };
        let clusters = grouping.clusters(
            self.documents.len(),
            |a, b| {
                let similarity = self.similarity_of(a, b);
                similarity.unwrap_or_else(|| unreachable!("the sets of clusters are known"))
            },
            |removals| self.run.ticker(Stage::Measure, removals),
            |found| self.settings.recall_of(self.method(), found, labels.unseen),
        )?;
        Ok(clusters.with_aside(self.aside.as_deref().unwrap_or_default()))
    }

    /// The cluster of each set.
    fn labels(&self) -> Result<Labels, Error> {
        let verifier = self.verifier();
        let ticker = self.run.ticker(Stage::Verify, self.distinct.len());
        match self.settings.cluster_mode() {
            ClusterMode::Components => {
                let is_similar =
                    |a, b| !self.is_settled(a, b) && self.verify(&verifier, a, b).is_some();
                components(&self.candidates, is_similar, &ticker)
            }
            ClusterMode::Leader => {
                let order = self.distinct.in_order(&*self.keep_order());
                let stays = |set| self.has_indexed(set);
                let rule = self.settings.rule();
                let removes = |kept, set| {
                    !self.is_settled(kept, set)
                        && (self.verify(&verifier, set, kept))
                            .is_some_and(|similarity| rule.removes(&similarity))
                };
                leaders(&self.candidates, &order, stays, removes, &ticker)
            }
        }
    }

    /// Whether two sets are not compared for clusters, since both have indexed documents. For leaders, indexed
    /// documents are always kept, so such sets need no comparison. For components, they need one if either set also has
    /// a new document.
    fn is_settled(&self, a: u32, b: u32) -> bool {
        match self.settings.cluster_mode() {
            ClusterMode::Components => self.is_indexed(a) && self.is_indexed(b),
            ClusterMode::Leader => self.has_indexed(a) && self.has_indexed(b),
        }
    }

    /// Whether a set has indexed documents.
    fn has_indexed(&self, set: u32) -> bool {
        let last = self.distinct.documents(set as usize).last();
        last.is_some_and(|&document| self.run.indexed_from.is_indexed(document))
    }

    /// Whether all documents of a set are indexed ones.
    fn is_indexed(&self, set: u32) -> bool {
        self.indexed_sets_from.is_indexed(set)
    }

    /// The same as [`for_each_pair`](Batch::for_each_pair), with a tally that may already contain counts. Returns the
    /// number of candidates that were not compared.
    pub(crate) fn for_each_pair_in<E: From<Error>>(
        &self,
        tally: &mut PairTally<'_>,
        mut each: impl FnMut(Pair) -> Result<(), E>,
    ) -> Result<u64, E> {
        let candidates = &self.candidates;
        let join = candidates.join.as_ref();
        let by_classes = join.map(|join| join.common().partners(candidates.work));
        let by_classes = by_classes.transpose();
        let (by_classes, unseen) = match by_classes {
            Ok(partners) => (partners, 0),
            Err(out) => {
                candidates.out_of_work(out)?;
                (None, candidates.unseen())
            }
        };
        let finding = Finding {
            batch: self,
            verifier: self.verifier(),
            chances: tally.chances(),
            by_classes,
            with_crowded: unseen > 0,
        };
        let all = self.distinct.len();
        let ticker = self.run.ticker(Stage::Verify, all);
        let memory = Pool::<Near>::default();
        // So that a run can be cancelled while it reports pairs of copies, which may be very many.
        let looks = Looks::new(&ticker);
        let mut each = |pair| {
            looks.count(1)?;
            each(pair)
        };
        let mut to = 0;
        while to < all {
            let from = to;
            to = finding.step_from(from, all);
            let found: Vec<Vec<Partner>> = (from..to)
                .into_par_iter()
                .map_init(
                    || memory.lend(),
                    |near, set| {
                        ticker.tick(1)?;
                        Ok(finding.partners(set as u32, near))
                    },
                )
                .collect::<Result<_, Error>>()?;
            for (set, partners) in (from..to).zip(found) {
                self.pairs_within(set, tally, &mut each)?;
                for partner in partners {
                    self.pairs_between(set as u32, &partner, tally, &mut each)?;
                }
            }
        }
        Ok(unseen)
    }

    /// The similarity of two candidates, if it reaches the threshold. Pairs that the join finds with certainty are not
    /// dismissed by their signatures.
    fn verify(&self, verifier: &Verifier<'_>, a: u32, b: u32) -> Option<Similarity> {
        match self.candidates.are_joined(a, b) {
            true => verifier.exactly(a, b),
            false => verifier.verify(a, b),
        }
    }

    /// The probabilities with which pairs are found.
    fn chances(&self) -> Chances {
        self.settings.chances(self.method().0)
    }

    fn verifier(&self) -> Verifier<'_> {
        let estimates = self.rows.as_ref().map(|rows| Estimates {
            rows,
            distinct: &self.distinct,
            floor_slots: self.settings.floor_slots(),
        });
        Verifier {
            sets: &self.sets,
            rule: self.settings.rule(),
            estimates,
        }
    }

    /// The order by which documents are kept.
    fn keep_order(&self) -> Box<dyn Fn(usize, usize) -> Ordering + Sync + '_> {
        let length = |document: usize| self.documents[document].byte_len();
        match (self.run.keep_by, self.settings.keep()) {
            (Some(order), _) => Box::new(order),
            (None, Keep::First) => Box::new(|a, b| a.cmp(&b)),
            (None, Keep::Longest) => Box::new(move |a, b| length(b).cmp(&length(a))),
            (None, Keep::Largest) => Box::new(|a, b| self.size(b).cmp(&self.size(a))),
        }
    }

    /// The number of distinct shingles of a document; 0 if it is neither a candidate nor has copies.
    fn size(&self, document: usize) -> usize {
        let set = self.distinct.set_of(document);
        set.map_or(0, |set| self.sets[set].len())
    }

    /// Whether each document is the first with a set that counts for weights.
    #[cfg(feature = "corpus")]
    pub(crate) fn counted(&self) -> Vec<bool> {
        let mut counted = vec![false; self.documents.len()];
        for (set, &counts) in self.counted.iter().enumerate() {
            counted[self.distinct.first(set)] = counts;
        }
        counted
    }

    /// The number of distinct shingles of each document that is a candidate or has copies; 0 for others.
    #[cfg(feature = "corpus")]
    pub(crate) fn sizes(&self) -> Vec<u32> {
        let documents = 0..self.documents.len();
        documents
            .map(|document| self.size(document) as u32)
            .collect()
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
        let similarity = Similarity::of_copies(self.sets[set].len());
        let new = self.run.indexed_from.new_of(documents);
        tally.add_copies(documents.len() as u64, (documents.len() - new) as u64);
        let paired = self.run.pairs_of_copies.paired(&documents[..new]);
        for (i, &a) in paired.iter().enumerate() {
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
        let indexed_from = self.run.indexed_from;
        let pairs = indexed_from.products(left, right);
        let pairs: usize = pairs
            .iter()
            .map(|(left, right)| left.len() * right.len())
            .sum();
        let Partner {
            similarity,
            is_certain,
            agreement,
            ..
        } = *partner;
        if is_certain {
            tally.add_certain(pairs as u64);
        } else {
            let union = similarity.union();
            tally.add(similarity.jaccard, union, pairs as u64, agreement);
        }
        let copies = self.run.pairs_of_copies;
        for (left, right) in indexed_from.products(copies.paired(left), copies.paired(right)) {
            for &a in left {
                for &b in right {
                    each(Pair::of(a, b, partner.similarity))?;
                }
            }
        }
        Ok(())
    }
}

/// Finds the pairs of similar sets.
struct Finding<'f, 'd, D> {
    batch: &'f Batch<'d, D>,
    verifier: Verifier<'f>,
    chances: &'f Chances,
    /// Sets that are similar by common shingles alone.
    by_classes: Option<Partners<'f>>,
    with_crowded: bool,
}

/// A set that is similar to another.
struct Partner {
    set: u32,
    similarity: Similarity,
    /// Whether it was found with certainty.
    is_certain: bool,
    /// The bands in which the signatures of both sets agree.
    agreement: Option<Agreement>,
}

impl<D: Shingled> Finding<'_, '_, D> {
    /// The sets after `set` that are similar to it, ascending.
    fn partners(&self, set: u32, near: &mut Near) -> Vec<Partner> {
        let Self {
            batch, verifier, ..
        } = self;
        batch.candidates.near(set, self.with_crowded, near);
        let are_indexed = |other| batch.is_indexed(set) && batch.is_indexed(other);
        let after = near.sets.iter().copied();
        let after = after.filter(|&other| other > set && !are_indexed(other));
        let verified = |other| Some((other, batch.verify(verifier, set, other)?));
        let found: Vec<(u32, Similarity)> = after.filter_map(verified).collect();
        let partner =
            |&(other, similarity): &(u32, Similarity)| self.partner(set, other, similarity);
        let mut all: Vec<Partner> = found.iter().map(partner).collect();
        if let Some(partners) = &self.by_classes {
            // Skip sets that also share rare shingles: they have been found, with all shared shingles.
            near.begin(batch.distinct.len());
            for &(other, _) in &found {
                near.is_new(other);
            }
            partners.of(set, |other, [own, size], shared| {
                if other > set && !are_indexed(other) && near.is_new(other) {
                    let similarity = Similarity::of(shared as usize, own as usize, size as usize);
                    all.push(self.partner(set, other, similarity));
                }
            });
        }
        all.sort_unstable_by_key(|partner| partner.set);
        all
    }

    fn partner(&self, set: u32, other: u32, similarity: Similarity) -> Partner {
        let Batch {
            rows,
            distinct,
            candidates,
            ..
        } = self.batch;
        let rows = rows.as_ref();
        let is_certain = rows.is_none() || candidates.are_certain(set, other);
        let agreement = rows.filter(|_| !is_certain).and_then(|rows| {
            let row = |set: u32| rows.row(distinct.first(set as usize));
            self.chances.agreement(row(set), row(other))
        });
        Partner {
            set: other,
            similarity,
            is_certain,
            agreement,
        }
    }

    /// The end of the sets, from `from` on, that are processed in one step. At least one set is; others are added while
    /// the number of their candidates is not too large.
    fn step_from(&self, from: usize, all: usize) -> usize {
        const SETS: usize = 4096;
        const CANDIDATES: usize = 1 << 20;
        let end = all.min(from + SETS);
        let of_set = |set: usize| {
            let candidates = &self.batch.candidates;
            let by_classes = self.by_classes.as_ref();
            candidates.met(set as u32, self.with_crowded)
                + by_classes.map_or(0, |partners| partners.met(set as u32))
        };
        let mut candidates = 0;
        let fits = |&set: &usize| {
            candidates += of_set(set);
            candidates <= CANDIDATES
        };
        let fitting = (from..end).take_while(fits).last();
        fitting.map_or(from + 1, |set| set + 1)
    }
}

fn can_be_numbered<D>(documents: &[D]) -> Result<(), Error> {
    match documents.len() {
        n if n >= u32::MAX as usize => Err(Error::new(Kind::TooManyDocuments(n))),
        _ => Ok(()),
    }
}
