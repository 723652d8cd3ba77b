//! Documents whose shingle sets are there, and nothing else of them.

use rayon::prelude::*;

use super::shingled::{Memory, Shingled};
use super::way::{Survivors, Way};
use super::{Batch, Run};
use crate::collapse::{Distinct, Firsts};
use crate::deduper::Deduper;
use crate::error::{Error, Kind};
use crate::method::{Method, Reason};
use crate::sketch::{Rows, SignatureMatrix};
use crate::text::{ReadError, Shingler};
use crate::verify::ShingleSet;
use crate::watch::Stage;

/// A document of which no more is there than its shingle set; empty where it is a copy of another.
#[derive(Debug, Default)]
pub(crate) struct Candidate {
    pub(crate) set: ShingleSet,
    pub(crate) byte_len: usize,
}

impl Shingled for Candidate {
    fn shingle_set(&self, _: &Shingler, _: &mut Memory) -> Result<ShingleSet, ReadError> {
        Ok(self.set.clone())
    }

    fn byte_len(&self) -> usize {
        self.byte_len
    }
}

impl<'d> Batch<'d, Candidate> {
    /// From documents whose shingle sets are there. `firsts` are the first of each that has the same shingles as often.
    /// By LSH, where the method is not exact.
    pub(crate) fn of_candidates(
        deduper: &'d Deduper,
        documents: &'d [Candidate],
        firsts: Vec<u32>,
        run: Run<'d>,
    ) -> Result<Self, Error> {
        let way = Way {
            deduper,
            documents,
            run,
        };
        if deduper.method() == Method::Exact {
            return way.by_join_of_all(Firsts::of(firsts));
        }
        let rows = way.rows(&firsts)?;
        way.by_lsh(Firsts::of(firsts), rows)
    }
}

impl<'d> Way<'d, Candidate> {
    /// The signatures of documents that are the first of theirs.
    fn rows(self, firsts: &[u32]) -> Result<Rows, Error> {
        let sketcher = self.deduper.sketcher();
        let hashes = sketcher.scheme().hashes();
        let mut of = vec![0; firsts.len()];
        let mut distinct = Vec::new();
        for (document, &first) in firsts.iter().enumerate() {
            match first as usize == document {
                true => {
                    of[document] = distinct.len() as u32;
                    distinct.push(document);
                }
                false => of[document] = of[first as usize],
            }
        }
        let ticker = self.run.ticker(Stage::Sketch, distinct.len());
        let mut slots = vec![0; distinct.len() * hashes];
        let rows = slots.par_chunks_mut(hashes).zip(distinct);
        rows.try_for_each(|(row, document)| {
            let set = &self.documents[document].set;
            sketcher.sketch().sketch(set.hashes(), row);
            ticker.tick(1)
        })?;
        let matrix = SignatureMatrix::from_slots(*sketcher.scheme(), slots)?;
        Ok(Rows::sparse(matrix, of))
    }

    /// The exact join of documents that may all have partners.
    fn by_join_of_all(self, firsts: Firsts) -> Result<Batch<'d, Candidate>, Error> {
        let distinct = Distinct::from(firsts);
        let survivors = Survivors {
            may: vec![true; self.documents.len()],
            sets: 0,
            shingles: 0,
        };
        let joined = self.join(&distinct, &survivors, self.deduper.budget())?;
        let (sets, candidates) =
            joined.map_err(|reason| Error::new(Kind::ExactTooLarge(reason)))?;
        Ok(self.batch(distinct, None, candidates, Reason::Asked, sets))
    }
}
