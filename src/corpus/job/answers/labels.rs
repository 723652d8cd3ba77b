//! Computes the cluster of each document from verified pairs.

use crate::boundary::IndexedFrom;
use crate::cluster::ClusterMode;
use crate::corpus::error::Error;
use crate::corpus::job::answers::keep_order::KeepOrder;
use crate::corpus::job::candidates::first_documents::NONE;
use crate::corpus::job::candidates::joining::{Edge, Edges};
use crate::corpus::job::disk::folder::{Bytes as _, Folder};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::{Partitioner, Partitions};
use crate::corpus::job::disk::set_store::SetStore;
use crate::corpus::job::memory_plan::MemoryPlan;
use crate::exact::{CommonJoin, Leading, OutOfWork, Work};
use crate::similarity::Rule;
use crate::union_find::UnionFind;

/// The data from which clusters are computed.
pub(crate) struct Labelling<'l> {
    pub(crate) mode: ClusterMode,
    pub(crate) rule: Rule,
    pub(crate) work: Work,
    pub(crate) folder: &'l Folder,
    pub(crate) plan: &'l MemoryPlan,
    /// For each document, the first one with the same shingles.
    pub(crate) firsts: &'l [u32],
    pub(crate) stored: &'l SetStore,
    pub(crate) keep_order: &'l KeepOrder<'l>,
    pub(crate) indexed_from: IndexedFrom,
}

/// For the first document of each set, the document that identifies its cluster.
pub(crate) type Labels = Vec<u32>;

impl Labelling<'_> {
    /// Computes the cluster of each set, and whether joining common parts took too much work.
    pub(crate) fn labels(
        &self,
        common: Option<&CommonJoin>,
    ) -> Result<(Labels, Option<OutOfWork>), Error> {
        match self.mode {
            ClusterMode::Components => self.components(common),
            ClusterMode::Leader => self.leaders(common),
        }
    }

    fn components(
        &self,
        common: Option<&CommonJoin>,
    ) -> Result<(Labels, Option<OutOfWork>), Error> {
        let mut components = UnionFind::new(self.firsts.len());
        let done = common.map_or(Ok(()), |common| common.connect(&mut components, self.work));
        let mut edges = Edges::open(self.folder)?;
        while let Some(Edge { a, b, .. }) = edges.next()? {
            components.union(a, b);
        }
        Ok((components.flatten().to_vec(), done.err()))
    }

    /// Processes the sets in keep order. Each is removed for the first kept set that it resembles.
    fn leaders(&self, common: Option<&CommonJoin>) -> Result<(Labels, Option<OutOfWork>), Error> {
        let order = self.order();
        let mut rank = vec![NONE; self.firsts.len()];
        for (number, &(set, _)) in (0..).zip(&order) {
            rank[set as usize] = number;
        }
        let before = self.write_before(&order, &rank)?;
        let mut labels: Vec<u32> = (0..self.firsts.len() as u32).collect();
        let mut leading = common.map(|common| common.leading(self.work));
        let mut out = None;
        let mut ranks = 0..order.len() as u32;
        for part in 0..before.len() {
            let mut pairs: Vec<(u32, u32)> = Vec::new();
            let mut reader = before.read(part)?;
            let mut bytes = [0; 8];
            while reader.fill(&mut bytes)? {
                let (numbers, _) = bytes.as_chunks();
                pairs.push((
                    u32::from_le_bytes(numbers[0]),
                    u32::from_le_bytes(numbers[1]),
                ));
            }
            pairs.sort_unstable();
            let mut pairs = pairs.into_iter().peekable();
            let end = (part + 1) * order.len() / before.len();
            for own in ranks.by_ref().take(end - part * order.len() / before.len()) {
                let (set, stays) = order[own as usize];
                let mut best = NONE;
                while let Some((_, earlier)) = pairs.next_if(|pair| pair.0 == own) {
                    let (other, _) = order[earlier as usize];
                    if labels[other as usize] == other {
                        best = best.min(earlier);
                    }
                }
                if let Some(leading) = &mut leading
                    && let Err(too_much) = lead(leading, set, own, stays, &mut best)
                {
                    out = Some(too_much);
                }
                if out.is_some() {
                    leading = None;
                }
                if best != NONE {
                    labels[set as usize] = order[best as usize].0;
                }
            }
        }
        self.folder.remove(&[names::BEFORE]);
        Ok((labels, out))
    }

    /// The sets in keep order, and whether each stays because a document of an index has it. A set is ordered by its
    /// first document in keep order.
    fn order(&self) -> Vec<(u32, bool)> {
        let mut least: Vec<(u32, u32)> = Vec::new();
        for &document in self.stored.documents() {
            least.push((self.firsts[document as usize], document));
        }
        least.sort_unstable();
        let mut order: Vec<(u32, u32, bool)> = Vec::new();
        for set in least.chunk_by(|a, b| a.0 == b.0) {
            let documents = set.iter().map(|&(_, document)| document);
            let first = documents.min_by(|&a, &b| self.keep_order.compare(a, b));
            let stays = set
                .last()
                .is_some_and(|&(_, last)| self.indexed_from.is_indexed(last));
            order.extend(first.map(|least| (least, set[0].0, stays)));
        }
        order.sort_unstable_by(|a, b| self.keep_order.compare(a.0, b.0));
        let sets = order.into_iter();
        sets.map(|(_, set, stays)| (set, stays)).collect()
    }

    /// Writes, for each set, the ranks of the earlier sets for which it may be removed, partitioned by its own rank.
    fn write_before(&self, order: &[(u32, bool)], rank: &[u32]) -> Result<Partitions, Error> {
        let parts = self.plan.parts;
        let mut before = Partitioner::create(self.folder, names::BEFORE, parts, self.plan.buffers)?;
        let mut edges = Edges::open(self.folder)?;
        while let Some(edge) = edges.next()? {
            let [a, b] = [edge.a, edge.b].map(|set| rank[set as usize]);
            let (earlier, later) = (a.min(b), a.max(b));
            if order[later as usize].1 {
                continue; // both belong to indexes
            }
            let of_later = match later == a {
                true => edge.similarity,
                false => edge.similarity.reversed(),
            };
            if !self.rule.removes(&of_later) {
                continue;
            }
            // The part of a rank: the ranks of a part end where those of the next begin.
            let part = ((later as usize + 1) * parts - 1) / order.len();
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&later.to_le_bytes());
            bytes[4..].copy_from_slice(&earlier.to_le_bytes());
            before.write(part, &bytes)?;
        }
        before.finish()?;
        Partitions::open(self.folder, names::BEFORE)
    }
}

/// Compares a set with the kept sets of classes, and keeps it if it resembles none.
fn lead(
    leading: &mut Leading<'_>,
    set: u32,
    rank: u32,
    stays: bool,
    best: &mut u32,
) -> Result<(), OutOfWork> {
    if !stays {
        *best = leading.first(set, rank, *best)?;
    }
    if *best == NONE {
        leading.keep(set, rank);
    }
    Ok(())
}
