//! Which sets may be similar to which.

use crate::error::Error;
use crate::exact::{Join, Near, OutOfWork, Work};
use crate::lsh::Buckets;
use crate::method::Reason;
use crate::union_find::UnionFind;

/// Sets and their candidates: those that share a bucket, and those that the exact join brings together.
///
/// With LSH the join takes the sets of the buckets that are too large to compare all that is in them; with the exact
/// method there are no buckets.
#[derive(Debug)]
pub(crate) struct Candidates {
    /// Distinct sets.
    pub(crate) sets: usize,
    pub(crate) buckets: Option<Buckets>,
    /// The buckets that are too large.
    pub(crate) crowded: Option<Buckets>,
    pub(crate) join: Option<Join>,
    /// The crowds of each set, with LSH.
    pub(crate) crowds: Vec<Crowds>,
    /// What joining common parts may take.
    pub(crate) work: Work,
    /// The sets that are connected by common parts, where that is known already.
    pub(crate) connected: Option<UnionFind>,
}

/// The crowded buckets that a set is in, by a bit of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Crowds(pub(crate) u32);

impl Crowds {
    /// That of one bucket.
    pub(crate) fn of(key: u64) -> Self {
        Self(1 << (key & 31))
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether each of two sets is in a crowded bucket without the other: they then are joined whether or not they share
    /// a band. A set that is crowded only where it shares a band with the other is not found for certain.
    pub(crate) fn part(self, other: Self) -> bool {
        self.0 & !other.0 != 0 && other.0 & !self.0 != 0
    }
}

/// In what of the crowded buckets sets are compared where joining common parts takes too much work: each with so many
/// that come after it.
const WINDOW: usize = 64;

impl Candidates {
    /// Writes the candidates of a set over `near`; those of crowded buckets as well where `crowded` says so.
    pub(crate) fn near(&self, set: u32, crowded: bool, near: &mut Near) {
        near.begin(self.sets);
        near.is_new(set);
        if let Some(buckets) = &self.buckets {
            for &bucket in buckets.of_set(set as usize) {
                let sets = buckets.sets(bucket as usize).iter().copied();
                // Those of the join are found by it.
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

    /// How many sets are looked at to find the candidates of one, at most.
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

    /// The sets that may have candidates; with those of crowded buckets where `crowded` says so.
    pub(crate) fn active(&self, crowded: bool) -> impl Fn(&u32) -> bool {
        let crowded = self.crowded.as_ref().filter(|_| crowded);
        move |&set| {
            let is_in = |buckets: &Buckets| !buckets.of_set(set as usize).is_empty();
            self.buckets.as_ref().is_some_and(is_in)
                || self.join.as_ref().is_some_and(|join| join.has(set))
                || crowded.is_some_and(is_in)
        }
    }

    /// Whether two sets are found by the join where they are similar.
    pub(crate) fn are_joined(&self, x: u32, y: u32) -> bool {
        let join = self.join.as_ref();
        join.is_some_and(|join| join.has(x) && join.has(y))
    }

    /// Whether two sets are found where they are similar, whatever bands they share.
    pub(crate) fn are_certain(&self, x: u32, y: u32) -> bool {
        let crowds = |set: u32| self.crowds[set as usize];
        self.are_joined(x, y) && (self.buckets.is_none() || crowds(x).part(crowds(y)))
    }

    /// Pairs of crowded buckets that are not compared where joining common parts takes too much work.
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

    /// What it comes to that joining common parts takes too much work: an error where all pairs were asked for.
    pub(crate) fn out_of_work(&self, out: OutOfWork) -> Result<(), Error> {
        match self.buckets {
            Some(_) => Ok(()),
            None => Err(self.reason(out).too_large()),
        }
    }

    /// Tries whether joining common parts takes too much work.
    pub(crate) fn try_work(&mut self) -> Result<(), Reason> {
        let (connected, tried) = self.connected();
        tried.map_err(|out| self.reason(out))?;
        self.connected = Some(connected);
        Ok(())
    }

    /// Connects sets by their common parts, as far as the work allows.
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
