//! The way from digests to candidates: by LSH, by the exact join, or by the one of both that takes less.

use rayon::prelude::*;

use super::shingled::{Memory, Shingled};
use super::{Batch, Found, Run};
use crate::collapse::{Distinct, Firsts};
use crate::deduper::Deduper;
use crate::error::{Error, Kind};
use crate::exact::{Join, Sample, survivors};
use crate::lsh::Buckets;
use crate::method::{Budget, Reason, cost};
use crate::sketch::Rows;
use crate::threshold::Threshold;
use crate::verify::ShingleSet;
use crate::watch::Stage;

/// From digests to candidates.
pub(super) struct Way<'d, D> {
    pub(super) deduper: &'d Deduper,
    pub(super) documents: &'d [D],
    pub(super) run: Run<'d>,
}

impl<D> Clone for Way<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for Way<'_, D> {}

/// The documents that may have a partner; and how many sets will be made, with how many shingles, repetitions included.
pub(super) struct Survivors {
    pub(super) may: Vec<bool>,
    pub(super) sets: u64,
    pub(super) shingles: u64,
}

/// Documents brought as far as buckets.
struct InBuckets {
    distinct: Distinct,
    rows: Rows,
    buckets: Buckets,
}

impl InBuckets {
    /// What it costs to verify the candidates.
    fn verifying(&self, sample: &Sample) -> f64 {
        let is_candidate = |document: usize| {
            let set = self.distinct.set_of(document);
            set.is_some_and(|set| {
                self.distinct.first(set) == document && !self.buckets.of_set(set).is_empty()
            })
        };
        let lengths = sample.lengths().enumerate();
        let lengths = lengths.filter(|&(document, _)| is_candidate(document));
        let shingles = lengths.map(|(_, length)| u64::from(length)).sum();
        cost::of_candidates(shingles, self.buckets.pairs())
    }
}

impl<'d, D: Shingled> Way<'d, D> {
    pub(super) fn by_lsh(self, firsts: Firsts, rows: Rows) -> Result<Batch<'d, D>, Error> {
        let found = self.buckets(firsts, rows)?;
        self.with_buckets(found, Reason::Asked)
    }

    pub(super) fn by_join(self, firsts: Firsts, sample: Sample) -> Result<Batch<'d, D>, Error> {
        let distinct: Distinct = firsts.into();
        let survivors = self.survivors(&distinct, &sample)?;
        drop(sample);
        let joined = match self.refuses_memory(&survivors) {
            Some(reason) => Err(reason),
            None => self.join(distinct, &survivors, Reason::Asked, self.deduper.budget())?,
        };
        joined.map_err(|reason| Error::new(Kind::ExactTooLarge(reason)))
    }

    /// The exact join where it takes less than LSH, or hardly more.
    pub(super) fn by_either(
        self,
        firsts: Firsts,
        rows: Rows,
        sample: Sample,
    ) -> Result<Batch<'d, D>, Error> {
        /// How much more the exact join may take of what is left to do.
        const MORE: f64 = 1.1;
        let distinct: Distinct = firsts.clone().into();
        let survivors = self.survivors(&distinct, &sample)?;
        if let Some(reason) = self.refuses_memory(&survivors) {
            return self.with_buckets(self.buckets(firsts, rows)?, reason);
        }
        let exact = cost::of_join(survivors.shingles, self.deduper.threshold());
        let finding = cost::of_buckets(distinct.len(), self.deduper.banding().bands());
        // As a multiple of what is left of LSH.
        let faster = |left: f64| Reason::Faster {
            exact_to_lsh: exact / left,
        };
        let (lsh, reason, found) = if exact <= cost::LITTLE {
            (cost::LITTLE, Reason::Little, Err((firsts, rows)))
        } else if exact <= finding {
            (finding, faster(finding), Err((firsts, rows)))
        } else {
            let found = self.buckets(firsts, rows)?;
            let verifying = found.verifying(&sample);
            if finding + exact > MORE * (finding + verifying) {
                return self.with_buckets(found, faster(verifying));
            }
            (finding + verifying, faster(verifying), Ok(found))
        };
        drop(sample);
        let mut budget = self.deduper.budget();
        budget.work = budget.work.min(cost::looks_in(MORE * lsh));
        match self.join(distinct, &survivors, reason, budget)? {
            Ok(batch) => Ok(batch),
            Err(reason) => {
                let found = found.or_else(|(firsts, rows)| self.buckets(firsts, rows))?;
                self.with_buckets(found, reason)
            }
        }
    }

    fn buckets(self, firsts: Firsts, rows: Rows) -> Result<InBuckets, Error> {
        let fingerprint =
            |memory: &mut Memory, document| Ok(self.set_of(document, memory)?.fingerprint());
        let ticker = |copies| self.run.ticker(Stage::Collapse, copies);
        let row = |document| rows.row(document);
        let merged = firsts.merge_equal_sets(row, fingerprint, ticker)?;
        let distinct = Distinct::from(merged);
        let banding = self.deduper.banding();
        let buckets = if self.deduper.threshold() < 1.0 {
            let ticker = self.run.ticker(Stage::Candidates, banding.bands());
            let new = self.indexed_sets_from(&distinct);
            Buckets::try_new(row, &distinct, banding, new, &ticker)?
        } else {
            // Copies are collapsed, and nothing else reaches 1.
            Buckets::none(&distinct, banding)
        };
        Ok(InBuckets {
            distinct,
            rows,
            buckets,
        })
    }

    fn with_buckets(self, found: InBuckets, reason: Reason) -> Result<Batch<'d, D>, Error> {
        let InBuckets {
            distinct,
            rows,
            buckets,
        } = found;
        let sets = self.shingle_sets(&distinct, |set| !buckets.of_set(set).is_empty())?;
        Ok(self.batch(distinct, Found::Lsh { rows, buckets }, reason, sets))
    }

    /// The exact join, unless there is too much to look at.
    pub(super) fn join(
        self,
        distinct: Distinct,
        survivors: &Survivors,
        reason: Reason,
        budget: Budget,
    ) -> Result<Result<Batch<'d, D>, Reason>, Error> {
        let survives = |set| survivors.may[distinct.first(set)];
        let sets = self.shingle_sets(&distinct, survives)?;
        let hashes = |set: usize| match survives(set) {
            true => sets[set].hashes(),
            false => &[], // a copy
        };
        let hashes: Vec<&[u64]> = (0..sets.len()).map(hashes).collect();
        let ticker = self.run.ticker(Stage::Candidates, hashes.len());
        let join = Join::new(&hashes, Threshold(self.deduper.threshold()), &ticker)?;
        Ok(match budget.refuses_work(join.visits()) {
            Some(reason) => Err(reason),
            None => Ok(self.batch(distinct, Found::Exact(join), reason, sets)),
        })
    }

    fn refuses_memory(self, survivors: &Survivors) -> Option<Reason> {
        let Way { deduper, .. } = self;
        let budget = deduper.budget();
        budget.refuses_memory(survivors.sets, survivors.shingles, deduper.threshold())
    }

    /// Which documents may have a partner, of those that come first with their sets.
    fn survivors(self, distinct: &Distinct, sample: &Sample) -> Result<Survivors, Error> {
        let threshold = Threshold(self.deduper.threshold());
        let ticker = self.run.ticker(Stage::Filter, self.documents.len());
        let mut firsts = vec![false; self.documents.len()];
        for set in 0..distinct.len() {
            firsts[distinct.first(set)] = true;
        }
        let may = survivors(sample, sample.lengths(), threshold, &firsts, &ticker)?;
        let (mut sets, mut shingles) = (0, 0);
        for (document, length) in sample.lengths().enumerate().filter(|&(d, _)| firsts[d]) {
            // The set of a copy is made as well: its similarity is told.
            let set = distinct.set_of(document).unwrap_or_default();
            if may[document] || distinct.documents(set).len() > 1 {
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

    fn batch(
        self,
        distinct: Distinct,
        found: Found,
        reason: Reason,
        sets: Vec<ShingleSet>,
    ) -> Batch<'d, D> {
        Batch {
            indexed_sets_from: self.indexed_sets_from(&distinct),
            deduper: self.deduper,
            documents: self.documents,
            run: self.run,
            distinct,
            found,
            reason,
            sets,
        }
    }

    /// The first of the sets that documents of an index alone have. Sets are in the order of their first documents.
    fn indexed_sets_from(self, distinct: &Distinct) -> usize {
        let Some(from) = self.run.indexed_from else {
            return distinct.len();
        };
        let sets = 0..distinct.len();
        let sets = sets.into_iter().rev();
        distinct.len() - sets.take_while(|&set| distinct.first(set) >= from).count()
    }

    /// The shingle sets that will be compared: of candidates, and of copies, whose similarity is told.
    fn shingle_sets(
        self,
        distinct: &Distinct,
        is_candidate: impl Fn(usize) -> bool + Sync,
    ) -> Result<Vec<ShingleSet>, Error> {
        let ticker = self.run.ticker(Stage::Sets, distinct.len());
        let shingle = |memory: &mut Memory, set: usize| {
            if !is_candidate(set) && distinct.documents(set).len() == 1 {
                return Ok(ShingleSet::default());
            }
            self.set_of(distinct.first(set), memory)
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

    /// The shingle set of a document that has been digested.
    fn set_of(self, document: usize, memory: &mut Memory) -> Result<ShingleSet, Error> {
        let shingler = self.deduper.sketcher().shingler();
        self.documents[document]
            .shingle_set(shingler, memory)
            .map_err(|error| Error::unreadable(document, &*error))
    }
}
