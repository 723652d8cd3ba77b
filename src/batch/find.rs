//! Finds candidates from digests: by LSH, by the exact join, or by the one that is estimated to be faster.

use std::collections::HashSet;

use rayon::prelude::*;

use super::open::open;
use super::run::Run;
use super::shingled::{Memory, Shingled};
use crate::aside::Maker;
use crate::boundary::IndexedFrom;
use crate::candidates::{Candidates, Crowds};
use crate::collapse::{Distinct, Firsts};
use crate::error::Error;
use crate::exact::{Join, MOST_RARE, Sample, Work, pays_again, survivors};
use crate::frequent::{Frequent, Parts};
use crate::lsh::Buckets;
use crate::method::{Budget, Reason, cost};
use crate::settings::Settings;
use crate::sketch::SignatureMatrix;
use crate::threshold::Threshold;
use crate::verify::{ComparedSet, ShingleSet};
use crate::watch::Stage;
use crate::weights::{DocumentFrequencies, Weights};

/// Finds the candidates of documents.
pub(super) struct Finder<'f, 'd, D> {
    pub(super) settings: &'d Settings,
    pub(super) documents: &'d [D],
    pub(super) maker: &'f Maker,
    pub(super) run: Run<'d>,
}

/// The candidates that were found, and the data to verify them.
pub(super) struct Found {
    pub(super) distinct: Distinct,
    /// With LSH, the signatures of the documents.
    pub(super) rows: Option<SignatureMatrix>,
    pub(super) candidates: Candidates,
    pub(super) reason: Reason,
    /// The shingles of each distinct set; empty for sets that are neither candidates nor have copies.
    pub(super) sets: Vec<ComparedSet>,
    /// With weights, whether each set counts for them; otherwise empty.
    pub(super) counted: Vec<bool>,
}

impl<D> Clone for Finder<'_, '_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for Finder<'_, '_, D> {}

/// The documents that may have a partner; and the number of sets to build, with the number of their shingles including
/// repetitions.
pub(super) struct Survivors {
    pub(super) may: Vec<bool>,
    pub(super) sets: u64,
    pub(super) shingles: u64,
}

impl Survivors {
    /// Whether this set may have a partner.
    fn have(&self, distinct: &Distinct, set: usize) -> bool {
        self.may[distinct.first(set)]
    }
}

/// Documents in buckets.
struct InBuckets {
    rows: SignatureMatrix,
    buckets: Buckets,
    crowded: Option<Buckets>,
}

impl InBuckets {
    /// The crowds of each set, if there are crowded buckets.
    fn crowds(&self, distinct: &Distinct) -> Vec<Crowds> {
        let Some(crowded) = &self.crowded else {
            return Vec::new();
        };
        let mut crowds = vec![Crowds::default(); distinct.len()];
        let banding = crowded.banding();
        for band in 0..banding.bands() {
            for bucket in crowded.of_band(band) {
                let sets = crowded.sets(bucket);
                let row = self.rows.row(distinct.first(sets[0] as usize));
                let own = Crowds::of(banding.key(band, row));
                for &set in sets {
                    crowds[set as usize].add(own);
                }
            }
        }
        crowds
    }

    fn of_set(&self, set: usize) -> bool {
        !self.buckets.of_set(set).is_empty()
    }
}

impl<D: Shingled> Finder<'_, '_, D> {
    pub(super) fn by_lsh(self, firsts: Firsts, rows: SignatureMatrix) -> Result<Found, Error> {
        let distinct: Distinct = firsts.into();
        let found = self.buckets(&distinct, rows)?;
        self.with_buckets(distinct, found, Reason::Asked)
    }

    pub(super) fn by_join(self, firsts: Firsts, sample: Sample) -> Result<Found, Error> {
        let distinct: Distinct = firsts.into();
        let survivors = self.survivors(&distinct, &sample)?;
        let frequent = self.frequent_of(&distinct, &survivors);
        let survivors = self.narrowed(&distinct, survivors, sample, &frequent)?;
        let joined = match self.refuses_memory(&survivors, &frequent) {
            Some(reason) => Err(reason),
            None => self.join(&distinct, &survivors, &frequent, self.settings.budget())?,
        };
        let (sets, candidates) = joined.map_err(|reason| reason.too_large(false))?;
        Ok(Found {
            distinct,
            rows: None,
            candidates,
            reason: self.settings.reason(),
            sets,
            counted: Vec::new(),
        })
    }

    /// Uses the exact join if it is estimated to be faster than LSH, or only slightly slower; otherwise LSH.
    pub(super) fn by_either(
        self,
        firsts: Firsts,
        rows: SignatureMatrix,
        sample: Sample,
    ) -> Result<Found, Error> {
        /// The exact join may take up to this many times as long as LSH, for the work that remains.
        const MORE: f64 = 1.1;
        let distinct: Distinct = firsts.into();
        let survivors = self.survivors(&distinct, &sample)?;
        let exact = cost::of_join(survivors.shingles, self.settings.threshold());
        let finding = cost::of_buckets(distinct.len(), self.settings.banding().bands());
        // The ratio of the join's time to the remaining time of LSH, which is `left`.
        let faster = |left: f64| Reason::Faster {
            exact_to_lsh: exact / left,
        };
        let (lsh, reason, found) = if exact <= cost::LITTLE {
            (cost::LITTLE, Reason::Little, Err(rows))
        } else if exact <= finding {
            (finding, faster(finding), Err(rows))
        } else {
            let found = self.buckets(&distinct, rows)?;
            let verifying = self.verifying(&distinct, &found, &sample);
            if finding + exact > MORE * (finding + verifying) {
                return self.with_buckets(distinct, found, faster(verifying));
            }
            (finding + verifying, faster(verifying), Ok(found))
        };
        // Not earlier, since this shingles documents.
        let frequent = self.frequent_of(&distinct, &survivors);
        if let Some(reason) = self.refuses_memory(&survivors, &frequent) {
            let found = found.or_else(|rows| self.buckets(&distinct, rows))?;
            return self.with_buckets(distinct, found, reason);
        }
        let mut budget = self.settings.budget();
        let allowed = budget.work;
        budget.work = allowed / 8;
        // If LSH has crowded buckets, it would have to join their sets as well, so the estimate is no limit.
        if !found.as_ref().is_ok_and(|found| found.crowded.is_some()) {
            budget.work = budget.work.min(cost::looks_in(MORE * lsh));
        }
        let survivors = self.narrowed(&distinct, survivors, sample, &frequent)?;
        let joined = self.join(&distinct, &survivors, &frequent, budget)?;
        let joined = joined.and_then(|(sets, mut candidates)| {
            candidates.try_work()?;
            Ok((sets, candidates))
        });
        match joined {
            Ok((sets, mut candidates)) => {
                // Listing pairs or leaders may take several times the work of components, which was tried.
                candidates.work = Work::new(allowed);
                Ok(Found {
                    distinct,
                    rows: None,
                    candidates,
                    reason,
                    sets,
                    counted: Vec::new(),
                })
            }
            Err(reason) => {
                let found = found.or_else(|rows| self.buckets(&distinct, rows))?;
                self.with_buckets(distinct, found, reason)
            }
        }
    }

    /// The estimated time to verify the candidates of LSH.
    fn verifying(self, distinct: &Distinct, found: &InBuckets, sample: &Sample) -> f64 {
        let crowded = |set| {
            let crowded = found.crowded.as_ref();
            crowded.is_some_and(|crowded| !crowded.of_set(set).is_empty())
        };
        let (mut in_buckets, mut in_crowd) = (0, 0);
        for (document, length) in sample.lengths().enumerate() {
            let set = distinct.set_of(document);
            if let Some(set) = set.filter(|&set| distinct.first(set) == document) {
                if crowded(set) {
                    in_crowd += u64::from(length);
                } else if found.of_set(set) {
                    in_buckets += u64::from(length);
                }
            }
        }
        cost::of_candidates(in_buckets, found.buckets.pairs())
            + cost::of_join(in_crowd, self.settings.threshold())
    }

    fn buckets(self, distinct: &Distinct, rows: SignatureMatrix) -> Result<InBuckets, Error> {
        let banding = self.settings.banding();
        let ticker = self.run.ticker(Stage::Candidates, banding.bands());
        let new = self.new_sets(distinct);
        let row = |document| rows.row(document);
        let mut buckets = Buckets::try_new(row, distinct, banding, new, &ticker)?;
        let crowded = buckets.split_off(self.settings.most_bucket_pairs(new), new);
        Ok(InBuckets {
            rows,
            buckets,
            crowded,
        })
    }

    fn with_buckets(
        self,
        distinct: Distinct,
        mut found: InBuckets,
        reason: Reason,
    ) -> Result<Found, Error> {
        let joins = match &found.crowded {
            Some(crowded) => {
                let row = |set: u32| found.rows.row(distinct.first(set as usize));
                let buckets = [&found.buckets, crowded];
                let mut open = open(&buckets, distinct.len(), row, self.settings.floor_slots());
                found.buckets.retain(|set| open[set as usize]);
                for (set, open) in open.iter_mut().enumerate() {
                    *open &= !crowded.of_set(set).is_empty();
                }
                open
            }
            None => Vec::new(),
        };
        let crowds = found.crowds(&distinct);
        let joins = |set: usize| joins.get(set).is_some_and(|&joins| joins);
        let is_candidate = |set: usize| found.of_set(set) || joins(set);
        let frequent = self.frequent(&distinct, is_candidate);
        let sets = self.shingle_sets(&distinct, is_candidate, &frequent)?;
        let join = match found.crowded {
            Some(_) => Some(self.join_of(&distinct, &sets, &frequent, joins)?),
            None => None,
        };
        let candidates = Candidates {
            sets: distinct.len(),
            buckets: Some(found.buckets),
            crowded: found.crowded,
            join,
            crowds,
            work: Work::new(self.settings.budget().work),
            connected: None,
        };
        Ok(Found {
            distinct,
            rows: Some(found.rows),
            candidates,
            reason,
            sets,
            counted: Vec::new(),
        })
    }

    /// The join of the sets for which `joins` is true.
    fn join_of(
        self,
        distinct: &Distinct,
        sets: &[ComparedSet],
        frequent: &Frequent,
        joins: impl Fn(usize) -> bool,
    ) -> Result<Join, Error> {
        let joined = |set: usize| match joins(set) {
            true => sets[set].parts(),
            false => Parts::default(),
        };
        let joined: Vec<Parts<'_>> = (0..sets.len()).map(joined).collect();
        let ticker = self.run.ticker(Stage::Candidates, joined.len());
        let indexed_from = self.indexed_sets_from(distinct);
        let is_indexed = |set| indexed_from.is_indexed(set);
        let rule = self.settings.rule();
        Join::new(&joined, frequent, rule, is_indexed, &ticker)
    }

    /// The exact join, or the reason if it would take too much work.
    pub(super) fn join(
        self,
        distinct: &Distinct,
        survivors: &Survivors,
        frequent: &Frequent,
        budget: Budget,
    ) -> Result<Result<(Vec<ComparedSet>, Candidates), Reason>, Error> {
        let survives = |set| survivors.have(distinct, set);
        let sets = self.shingle_sets(distinct, survives, frequent)?;
        let join = self.join_of(distinct, &sets, frequent, survives)?;
        let candidates = Candidates::of_join(join, distinct.len(), budget);
        Ok(candidates.map(|candidates| (sets, candidates)))
    }

    /// Finds candidates by probes. All sets are built: no sample shows which of them are contained in others, or what
    /// their shingles weigh.
    pub(super) fn by_probes(self, firsts: Firsts) -> Result<Found, Error> {
        let distinct: Distinct = firsts.into();
        let (settings, frequent) = (self.settings, Frequent::default());
        let (budget, rule) = (settings.budget(), settings.rule());
        let too_large = |reason: Reason| reason.too_large(settings.is_by_probes());
        let sets = self.shingle_sets(&distinct, |_| true, &frequent)?;
        let shingles: usize = sets.iter().map(ComparedSet::len).sum();
        if let Some(reason) = budget.refuses_probes(shingles as u64) {
            return Err(too_large(reason));
        }
        let mut counted = Vec::new();
        let (join, sets) = match settings.weights() {
            Weights::None => (self.join_of(&distinct, &sets, &frequent, |_| true)?, sets),
            Weights::Ln => {
                let ticker = self.run.ticker(Stage::Candidates, sets.len());
                let sets: Vec<ShingleSet> = sets.into_iter().map(ComparedSet::into_plain).collect();
                counted = self.counted(&distinct, &sets);
                let known = self.run.known;
                let sets = DocumentFrequencies::count(&sets, known, |set| counted[set]).weigh(sets);
                let join = Join::weighted(&sets, rule);
                ticker.tick(sets.len())?;
                (join, sets.into_iter().map(ComparedSet::from).collect())
            }
        };
        Ok(Found {
            candidates: Candidates::of_join(join, distinct.len(), budget).map_err(too_large)?,
            distinct,
            rows: None,
            reason: settings.reason(),
            sets,
            counted,
        })
    }

    /// Whether each set counts for weights: indexes have counted their own sets.
    fn counted(self, distinct: &Distinct, sets: &[ShingleSet]) -> Vec<bool> {
        let has_indexed = |set: usize| {
            let last = distinct.documents(set).last();
            last.is_some_and(|&last| self.run.indexed_from.is_indexed(last))
        };
        // A document that repeats shingles and its set in an index are not collapsed.
        let indexed = (0..sets.len()).filter(|&set| has_indexed(set));
        let indexed: HashSet<u128> = indexed.map(|set| sets[set].fingerprint()).collect();
        let counts = |set: &ShingleSet| indexed.is_empty() || !indexed.contains(&set.fingerprint());
        sets.iter().map(counts).collect()
    }

    fn refuses_memory(self, survivors: &Survivors, frequent: &Frequent) -> Option<Reason> {
        let Finder { settings, .. } = self;
        let (budget, threshold) = (settings.budget(), settings.threshold());
        budget.refuses_memory(
            survivors.sets,
            survivors.shingles,
            frequent.share(),
            threshold,
        )
    }

    /// Finds the documents that may have a partner, among the first documents of their sets.
    fn survivors(self, distinct: &Distinct, sample: &Sample) -> Result<Survivors, Error> {
        let threshold = Threshold(self.settings.threshold());
        let ticker = self.run.ticker(Stage::Filter, self.documents.len());
        let mut firsts = vec![false; self.documents.len()];
        for set in 0..distinct.len() {
            firsts[distinct.first(set)] = true;
        }
        let may = survivors(sample, sample.lengths(), threshold, &firsts, &ticker)?;
        let (mut sets, mut shingles) = (0, 0);
        for (document, length) in sample.lengths().enumerate().filter(|&(d, _)| firsts[d]) {
            if may[document] || distinct.has_copies(document) {
                sets += 1;
                shingles += u64::from(length);
            }
        }
        Ok(Survivors {
            may,
            sets,
            shingles,
        })
    }

    /// Filters the survivors again, by all their shingles that are not frequent. The first filter used only a sample of
    /// the shingles, most of which may be frequent.
    fn narrowed(
        self,
        distinct: &Distinct,
        mut survivors: Survivors,
        sample: Sample,
        frequent: &Frequent,
    ) -> Result<Survivors, Error> {
        let threshold = Threshold(self.settings.threshold());
        if !pays_again(&sample, sample.lengths(), threshold, &survivors.may)? {
            return Ok(survivors);
        }
        drop(sample);
        let sets = (0..distinct.len()).filter(|&set| survivors.have(distinct, set));
        let firsts: Vec<usize> = sets.map(|set| distinct.first(set)).collect();
        let ticker = self.run.ticker(Stage::Filter, 2 * firsts.len());
        let look = |documents: &[usize]| {
            let (mut memory, mut keys) = (Memory::default(), Vec::new());
            let mut sample = Sample::default();
            for &document in documents {
                ticker.tick(1)?;
                // Errors of reading are reported when all sets are built.
                if self.documents[document]
                    .shingle(self.maker, &mut memory)
                    .is_err()
                {
                    memory.hashes.clear();
                }
                sample.push_others(&mut memory.hashes, frequent, &mut keys);
            }
            Ok(sample)
        };
        let together = (firsts.len() / 64).clamp(1 << 8, 1 << 13);
        let looks = firsts.par_chunks(together).map(look);
        let looks: Vec<Sample> = looks.collect::<Result<_, Error>>()?;
        let mut sample = Sample::default();
        for mut look in looks {
            sample.take(&mut look, |_| true);
        }
        let asked = vec![true; firsts.len()];
        let stay = self::survivors(&sample, sample.lengths(), threshold, &asked, &ticker)?;
        for ((document, length), stays) in firsts.into_iter().zip(sample.lengths()).zip(stay) {
            survivors.may[document] = stays;
            if !stays && !distinct.has_copies(document) {
                survivors.sets -= 1;
                survivors.shingles -= u64::from(length);
            }
        }
        Ok(survivors)
    }

    /// The sets that only indexed documents have. Sets are in the order of their first documents.
    pub(super) fn indexed_sets_from(self, distinct: &Distinct) -> IndexedFrom {
        IndexedFrom::after(self.new_sets(distinct))
    }

    /// The number of sets that new documents have.
    fn new_sets(self, distinct: &Distinct) -> usize {
        let is_indexed = |&set: &usize| {
            let first = distinct.first(set) as u32;
            self.run.indexed_from.is_indexed(first)
        };
        let sets = 0..distinct.len();
        distinct.len() - sets.rev().take_while(is_indexed).count()
    }

    /// Builds the shingle sets that will be compared: those of candidates, and those of copies, whose similarity is
    /// reported.
    fn shingle_sets(
        self,
        distinct: &Distinct,
        is_candidate: impl Fn(usize) -> bool + Sync,
        frequent: &Frequent,
    ) -> Result<Vec<ComparedSet>, Error> {
        let ticker = self.run.ticker(Stage::Sets, distinct.len());
        let shingle = |memory: &mut Memory, set: usize| {
            if !is_candidate(set) && distinct.documents(set).len() == 1 {
                return Ok(ComparedSet::default());
            }
            let document = distinct.first(set);
            match self.documents[document].shingle(self.maker, memory) {
                Ok(()) => Ok(ComparedSet::Plain(memory.split(frequent))),
                Err(error) => Err(Error::unreadable(document, &*error)),
            }
        };
        (0..distinct.len())
            .into_par_iter()
            .map_init(Memory::default, |memory, set| {
                ticker.tick(1)?;
                shingle(memory, set)
            })
            .collect::<Result<_, Error>>()
            .map_err(|error| {
                let mut memory = Memory::default();
                error.first_of(0..distinct.len(), |set| shingle(&mut memory, set).err())
            })
    }

    fn frequent_of(self, distinct: &Distinct, survivors: &Survivors) -> Frequent {
        self.frequent(distinct, |set| survivors.have(distinct, set))
    }

    /// Finds the shingles that many of the candidates have.
    fn frequent(self, distinct: &Distinct, is_candidate: impl Fn(usize) -> bool) -> Frequent {
        let candidates = (0..distinct.len()).filter(|&set| is_candidate(set));
        let candidates: Vec<usize> = candidates.collect();
        let sample = Frequent::sample(candidates.len()).map_init(Memory::default, |memory, i| {
            let document = &self.documents[distinct.first(candidates[i])];
            // Errors of reading are reported when all sets are built.
            document.shingle_set(self.maker, memory).unwrap_or_default()
        });
        let sample: Vec<ShingleSet> = sample.collect();
        Frequent::new(&sample, candidates.len(), MOST_RARE)
    }
}
