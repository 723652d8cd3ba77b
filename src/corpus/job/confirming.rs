//! Similarities once more, from the tokens themselves.

use rayon::prelude::*;

use super::Job;
use crate::cluster::{Cluster, Clusters};
use crate::corpus::corpus::Corpus;
use crate::corpus::error::Error;
use crate::corpus::escape::Escaped;
use crate::text::{Document as _, ReadBuffer, Shingler, Spelled};
use crate::verify::{Pair, Similarity};
use crate::watch::{Stage, Ticker, Watch};

/// Confirms what is reported, where that is asked for.
pub(super) struct Confirming<'c> {
    shingler: &'c Shingler,
    corpus: &'c Corpus,
    is_asked: bool,
}

/// A document and its shingles.
type Read = (usize, Spelled);

impl<'c> Confirming<'c> {
    pub(super) fn new(job: &Job<'c>, corpus: &'c Corpus) -> Self {
        Self {
            shingler: job.deduper.sketcher().shingler(),
            corpus,
            is_asked: job.confirm_texts,
        }
    }

    /// A pair; `last` is the first document of the one before, which is often the same.
    pub(super) fn check_pair(&self, pair: &Pair, last: &mut Option<Read>) -> Result<(), Error> {
        if !self.is_asked {
            return Ok(());
        }
        let first = match last.take() {
            Some(read) if read.0 == pair.a => read,
            _ => self.read(pair.a)?,
        };
        self.check(&first, &self.read(pair.b)?, pair.similarity)?;
        *last = Some(first);
        Ok(())
    }

    /// All removals.
    pub(super) fn check_clusters(
        &self,
        clusters: &Clusters,
        watch: Option<&dyn Watch>,
    ) -> Result<(), Error> {
        if !self.is_asked {
            return Ok(());
        }
        let all: Vec<Cluster<'_>> = clusters.iter().collect();
        let removed = all.iter().map(|cluster| cluster.removed.len()).sum();
        let ticker = Ticker::new(watch, Stage::Verify, removed);
        let check = |cluster: &Cluster<'_>| {
            let kept = self.read(cluster.kept)?;
            cluster.removed.par_iter().try_for_each(|removal| {
                ticker.tick(1)?;
                self.check(&self.read(removal.document)?, &kept, removal.similarity)
            })
        };
        // The first, so that the error is the same in every run.
        let wrong = all
            .par_iter()
            .find_map_first(|cluster| check(cluster).err());
        wrong.map_or(Ok(()), Err)
    }

    fn read(&self, document: usize) -> Result<Read, Error> {
        let unreadable =
            |error: crate::text::ReadError| crate::Error::unreadable(document, &*error);
        let mut buffer = ReadBuffer::default();
        let content = self.corpus.documents()[document].content(&mut buffer);
        let spelled = self.shingler.spell(content.map_err(unreadable)?);
        let spelled = spelled.map_err(|error| unreadable(error.into()))?;
        Ok((document, spelled))
    }

    fn check(&self, left: &Read, right: &Read, told: Similarity) -> Result<(), Error> {
        let (one, other) = (&left.1, &right.1);
        let found = Similarity::of(one.shared_with(other), one.len(), other.len());
        if found == told {
            return Ok(());
        }
        let [left, right] = [left, right].map(|read| Escaped(&self.corpus.ids()[read.0]));
        let seed = self.shingler.seed();
        Err(Error::unconfirmed(format!(
            "`{left}` and `{right}` have a similarity of {:.3} by their shingle hashes, but {:.3} by their tokens: different \
             shingles have the same hash under seed {seed}, most likely on purpose; use another seed (--seed random)",
            told.jaccard, found.jaccard
        )))
    }
}
