//! Candidate pairs of sets, from buckets and the exact join.

use crate::error::Error;
use crate::exact::{Join, Near, OutOfWork, Work};
use crate::lsh::Buckets;
use crate::method::{Budget, Reason};
use crate::union_find::UnionFind;

/// Sets and their candidates: sets that share a bucket, and sets that the exact join finds.
///
/// With LSH, the join processes the sets of buckets that are too large to compare all their pairs. With the exact
/// method, there are no buckets.
#[derive(Debug)]
pub(crate) struct Candidates {
    /// The number of distinct sets.
    pub(crate) sets: usize,
    pub(crate) buckets: Option<Buckets>,
    /// Buckets that are too large to compare all their pairs.
    pub(crate) crowded: Option<Buckets>,
    pub(crate) join: Option<Join>,
    /// With LSH, the crowds of each set.
    pub(crate) crowds: Vec<Crowds>,
    /// The limit of work for joining common parts.
    pub(crate) work: Work,
    /// The sets connected by their common parts, if they have been computed.
    pub(crate) connected: Option<UnionFind>,
}

/// The crowded buckets that contain a set, as a mask with one of 32 bits for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Crowds(pub(crate) u32);

impl Crowds {
    /// The mask of a bucket with this key.
    pub(crate) fn of(key: u64) -> Self {
        Self(1 << (key & 31))
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether each of two sets is in a crowded bucket without the other. Then the join finds them, whether or not they
    /// share a band. If a set is only in crowded buckets that also contain the other, the pair is not found with
    /// certainty.
    pub(crate) fn part(self, other: Self) -> bool {
        self.0 & !other.0 != 0 && other.0 & !self.0 != 0
    }
}

/// If joining common parts takes too much work, each set of a crowded bucket is compared with this many sets after it.
const WINDOW: usize = 64;

impl Candidates {
    /// The candidates of an exact join of `sets` sets, unless it would take too much work.
    pub(crate) fn of_join(join: Join, sets: usize, budget: Budget) -> Result<Self, Reason> {
        if let Some(reason) = budget.refuses_work(join.looks()) {
            return Err(reason);
        }
        Ok(Self {
            sets,
            buckets: None,
            crowded: None,
            join: Some(join),
            crowds: Vec::new(),
            work: Work::new(budget.work),
            connected: None,
        })
    }

    /// Replaces `near` by the candidates of a set. Includes those of crowded buckets if `crowded` is true.
    pub(crate) fn near(&self, set: u32, crowded: bool, near: &mut Near) {
        near.begin(self.sets);
        near.is_new(set);
        if let Some(buckets) = &self.buckets {
            for &bucket in buckets.of_set(set as usize) {
                let sets = buckets.sets(bucket as usize).iter().copied();
                // The join finds its own pairs.
                near.extend(sets.filter(|&other| !self.are_joined(set, other)));
            }
        }
        if let Some(join) = &self.join {
            join.near(set, near);
        }
        if let Some(buckets) = self.crowded.as_ref().filter(|_| crowded) {
            for &bucket in buckets.of_set(set as usize) {
                let sets = buckets.sets(bucket as usize);
                let own = sets.partition_point(|&other| other < set);
                let around = own.saturating_sub(WINDOW)..sets.len().min(own + WINDOW + 1);
                near.extend(sets[around].iter().copied());
            }
        }
    }

    /// The most sets that are visited to find the candidates of a set.
    pub(crate) fn met(&self, set: u32, crowded: bool) -> usize {
        let in_buckets = |buckets: &Buckets, most: usize| -> usize {
            let own = buckets.of_set(set as usize).iter();
            own.map(|&bucket| buckets.sets(bucket as usize).len().min(most))
                .sum()
        };
        let buckets = self.buckets.as_ref();
        let large = self.crowded.as_ref().filter(|_| crowded);
        buckets.map_or(0, |buckets| in_buckets(buckets, usize::MAX))
            + large.map_or(0, |buckets| in_buckets(buckets, 2 * WINDOW))
            + self.join.as_ref().map_or(0, |join| join.met(set))
    }

    /// Whether a set may have candidates. Includes sets of crowded buckets if `crowded` is true.
    pub(crate) fn active(&self, crowded: bool) -> impl Fn(&u32) -> bool {
        let crowded = self.crowded.as_ref().filter(|_| crowded);
        move |&set| {
            let is_in = |buckets: &Buckets| !buckets.of_set(set as usize).is_empty();
            self.buckets.as_ref().is_some_and(is_in)
                || self.join.as_ref().is_some_and(|join| join.has(set))
                || crowded.is_some_and(is_in)
        }
    }

    /// Whether the join finds two sets, if they are similar.
    pub(crate) fn are_joined(&self, x: u32, y: u32) -> bool {
        let join = self.join.as_ref();
        join.is_some_and(|join| join.has(x) && join.has(y))
    }

    /// Whether two sets are found with certainty if they are similar, whatever bands they share.
    pub(crate) fn are_certain(&self, x: u32, y: u32) -> bool {
        let crowds = |set: u32| self.crowds[set as usize];
        self.are_joined(x, y) && (self.buckets.is_none() || crowds(x).part(crowds(y)))
    }

    /// The number of pairs of crowded buckets that are not compared if joining common parts takes too much work.
    pub(crate) fn unseen(&self) -> u64 {
        let Some(buckets) = &self.crowded else {
            return 0;
        };
        let unseen = |bucket| {
            let sets = buckets.sets(bucket).len() as u64;
            let beyond = sets.saturating_sub(WINDOW as u64 + 1);
            beyond * (beyond + 1) / 2
        };
        (0..buckets.len()).map(unseen).sum()
    }

    /// Handles a join of common parts, by Jaccard similarity, that took too much work: an error with the exact method, nothing with LSH.
    pub(crate) fn out_of_work(&self, out: OutOfWork) -> Result<(), Error> {
        match self.buckets {
            Some(_) => Ok(()),
            None => Err(self.reason(out).too_large(false)),
        }
    }

    /// Connects sets by their common parts, and stores the result. Fails if this takes too much work.
    pub(crate) fn try_work(&mut self) -> Result<(), Reason> {
        let (connected, tried) = self.connected();
        tried.map_err(|out| self.reason(out))?;
        self.connected = Some(connected);
        Ok(())
    }

    /// Connects sets by their common parts, until the work runs out.
    pub(crate) fn connected(&self) -> (UnionFind, Result<(), OutOfWork>) {
        if let Some(connected) = &self.connected {
            return (connected.clone(), Ok(()));
        }
        let mut connected = UnionFind::new(self.sets);
        let tried = match &self.join {
            Some(join) => join.common().connect(&mut connected, self.work),
            None => Ok(()),
        };
        (connected, tried)
    }

    fn reason(&self, out: OutOfWork) -> Reason {
        Reason::of_work(out, self.work)
    }
}
