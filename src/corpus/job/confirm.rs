//! Recomputes similarities from the tokens themselves.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::cluster::{Cluster, Clusters};
use crate::corpus::corpus::Corpus;
use crate::corpus::error::Error;
use crate::corpus::escape::Escaped;
use crate::corpus::job::Job;
use crate::text::{Document as _, ReadBuffer, Shingler, Spelled};
use crate::verify::{Pair, Similarity};
use crate::watch::{Stage, Ticker, Watch};

/// Confirms reported similarities, if [`Job::confirm_texts`] is set.
pub(super) struct Confirming<'c> {
    shingler: &'c Shingler,
    corpus: &'c Corpus,
    is_enabled: bool,
}

/// Documents that were read for earlier pairs: the next pairs probably need some of them.
#[derive(Default)]
pub(super) struct Cache {
    documents: HashMap<usize, Spelled>,
    shingles: usize,
}

/// The most shingles in the cache, of about 100 bytes each.
const MOST: usize = 1 << 21;

impl<'c> Confirming<'c> {
    pub(super) fn new(job: &'c Job, corpus: &'c Corpus) -> Self {
        Self {
            shingler: job.settings.sketcher().shingler(),
            corpus,
            is_enabled: job.confirm_texts,
        }
    }

    pub(super) fn check_pair(&self, pair: &Pair, cache: &mut Cache) -> Result<(), Error> {
        if !self.is_enabled {
            return Ok(());
        }
        if cache.shingles > MOST {
            *cache = Cache::default();
        }
        let both = [pair.a, pair.b];
        for document in both {
            if !cache.documents.contains_key(&document) {
                let spelled = self.read(document)?;
                cache.shingles += spelled.len();
                cache.documents.insert(document, spelled);
            }
        }
        let [a, b] = both.map(|document| (document, &cache.documents[&document]));
        self.check(a, b, pair.similarity)
    }

    /// Confirms the similarities of all removals.
    pub(super) fn check_clusters(
        &self,
        clusters: &Clusters,
        watch: Option<&dyn Watch>,
    ) -> Result<(), Error> {
        if !self.is_enabled {
            return Ok(());
        }
        let all: Vec<Cluster<'_>> = clusters.iter().collect();
        let removed = all.iter().map(|cluster| cluster.removed.len()).sum();
        let ticker = Ticker::new(watch, Stage::Verify, removed);
        let check = |cluster: &Cluster<'_>| {
            let kept = self.read(cluster.kept)?;
            cluster.removed.par_iter().try_for_each(|removal| {
                ticker.tick(1)?;
                let document = removal.document;
                let removed = self.read(document)?;
                self.check(
                    (document, &removed),
                    (cluster.kept, &kept),
                    removal.similarity,
                )
            })
        };
        // Returns the first error, so that it is the same in every run.
        let wrong = all
            .par_iter()
            .find_map_first(|cluster| check(cluster).err());
        wrong.map_or(Ok(()), Err)
    }

    fn read(&self, document: usize) -> Result<Spelled, Error> {
        let unreadable =
            |error: crate::text::ReadError| crate::Error::unreadable(document, &*error);
        let mut buffer = ReadBuffer::default();
        let content = self.corpus.documents()[document].content(&mut buffer);
        let spelled = self.shingler.spell(content.map_err(unreadable)?);
        Ok(spelled.map_err(|error| unreadable(error.into()))?)
    }

    fn check(
        &self,
        left: (usize, &Spelled),
        right: (usize, &Spelled),
        reported: Similarity,
    ) -> Result<(), Error> {
        let found = Similarity::of(left.1.shared_with(right.1), left.1.len(), right.1.len());
        if found == reported {
            return Ok(());
        }
        let [left, right] =
            [left, right].map(|(document, _)| Escaped(&self.corpus.ids()[document]));
        let seed = self.shingler.seed();
        Err(Error::unconfirmed(format!(
            "`{left}` and `{right}` have a similarity of {:.3} by their shingle hashes, but {:.3} by their tokens: different \
             shingles have the same hash under seed {seed}, most likely on purpose; use another seed (--seed random)",
            reported.jaccard, found.jaccard
        )))
    }
}
