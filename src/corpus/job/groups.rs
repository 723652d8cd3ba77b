//! Group by group: candidates to clusters and pairs, with what does it in memory.

use std::io;
use std::string::FromUtf8Error;

use serde::{Deserialize, Serialize};

use super::dealt::Dealt;
use super::decided::{ClusterCounts, removed_of};
use super::folder::{Folder, Writing};
use super::manifest::GroupDone;
use super::names;
use super::rounds::{Round, Written, for_each_round};
use crate::batch::{Batch, Candidate, PairOrder, Run};
use crate::chances::Chances;
use crate::cluster::Cluster;
use crate::corpus::error::Error;
use crate::corpus::keep::{KeepColumn, KeepPolicy};
use crate::deduper::Deduper;
use crate::recall::{LinkCounts, LinkTally, PairCounts, PairTally};
use crate::verify::{Pair, ShingleSet, Similarity};
use crate::watch::Watch;

/// The documents of a group, in order.
struct Group {
    numbers: Vec<u32>,
    ids: Vec<String>,
    documents: Vec<Candidate>,
    keep: KeepColumn,
    /// Those that are of no index: they come first.
    new: usize,
    /// The first document of each that has the same shingles, in the group.
    firsts: Vec<u32>,
}

/// A document as it is put into a group, and the first of the same shingles.
struct Loaded {
    number: u32,
    first: u32,
    id: String,
    keep: Vec<u8>,
    document: Candidate,
}

impl Loaded {
    fn of(written: &Written<'_>) -> Result<Self, FromUtf8Error> {
        Ok(Self {
            number: written.document,
            first: written.first,
            id: String::from_utf8(written.id.to_vec())?,
            keep: written.keep.to_vec(),
            document: Candidate {
                set: ShingleSet::of_bytes(written.set),
                byte_len: written.byte_len as usize,
            },
        })
    }
}

impl Group {
    /// Reads a group, in rounds of so many bytes. Documents from number `new` on are of indexes; they come last.
    fn load(
        dealt: &Dealt,
        group: usize,
        round: usize,
        policy: &KeepPolicy,
        new: u32,
    ) -> Result<Self, Error> {
        let mut loaded = Self {
            numbers: Vec::new(),
            ids: Vec::new(),
            documents: Vec::new(),
            keep: KeepColumn::new(policy.clone()),
            new: 0,
            firsts: Vec::new(),
        };
        let load = |round: &Round| {
            let chunks = round.in_parallel(|records| {
                let all = records.map(|record| Loaded::of(&record));
                all.collect::<Result<Vec<Loaded>, _>>()
            });
            let chunks: Result<Vec<Vec<Loaded>>, _> = chunks.into_iter().collect();
            chunks.map_err(|_| dealt.failed(io::ErrorKind::InvalidData.into()))
        };
        for_each_round(dealt, group, round, load, |chunks| {
            chunks
                .into_iter()
                .flatten()
                .for_each(|next| loaded.push(next));
            Ok(())
        })?;
        let own = loaded.numbers.partition_point(|&number| number < new);
        loaded.keep.indexed_from(own);
        loaded.new = own;
        Ok(loaded)
    }

    fn push(&mut self, next: Loaded) {
        let own = self.numbers.len();
        let first = match next.first == next.number {
            true => own,
            false => self.numbers.binary_search(&next.first).unwrap_or(own),
        };
        self.firsts.push(first as u32);
        self.numbers.push(next.number);
        self.ids.push(next.id);
        self.keep.push_bytes(&next.keep);
        self.documents.push(next.document);
    }
}

/// What is counted in a group.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Counted {
    pub(super) links: LinkCounts,
    pub(super) pairs: PairCounts,
    pub(super) clusters: ClusterCounts,
    /// Buckets that were split.
    pub(super) split: usize,
}

/// What decides groups.
pub(super) struct Deciding<'d> {
    pub(super) deduper: &'d Deduper,
    pub(super) chances: &'d Chances,
    pub(super) policy: &'d KeepPolicy,
    pub(super) folder: &'d Folder,
    /// Bytes that are read at a time.
    pub(super) round: usize,
    pub(super) watch: &'d dyn Watch,
    /// Whether all pairs are asked for.
    pub(super) wants_pairs: bool,
    /// Documents of this number and more are of indexes.
    pub(super) new: u32,
}

impl Deciding<'_> {
    /// Decides a group, and writes its files.
    pub(super) fn decide(&self, dealt: &Dealt, number: usize) -> Result<GroupDone, Error> {
        let mut group = Group::load(dealt, number, self.round, self.policy, self.new)?;
        let firsts = std::mem::take(&mut group.firsts);
        let order = |a, b| group.keep.compare(a, b);
        let run = Run::new().keep_by(&order).watch(self.watch);
        let run = run.indexed_from(group.new);
        let batch = Batch::of_candidates(self.deduper, &group.documents, firsts, run)?;
        let mut pairs = PairTally::new(self.chances);
        let mut files = Vec::new();
        if self.wants_pairs {
            let mut writing = self.folder.create(&names::pairs(number), 1 << 16)?;
            batch.for_each_pair_in(&mut pairs, |pair| {
                let order = batch.order_of(&pair, |document| group.numbers[document]);
                write_pair(&mut writing, order, &pair, &group.ids)
            })?;
            files.push(writing.finish()?);
        }
        let links = LinkTally::new(self.chances);
        let clusters = batch.clusters_in(&links)?;
        let mut writing = self.folder.create(&names::clusters(number), 1 << 16)?;
        let mut counts = ClusterCounts::default();
        for cluster in clusters.iter() {
            counts.count(&cluster, group.new);
            if removed_of(&cluster, group.new) > 0 {
                write_cluster(&mut writing, &cluster, &group)?;
            }
        }
        files.push(writing.finish()?);
        Ok(GroupDone {
            files,
            counted: Counted {
                links: links.counts(),
                pairs: pairs.counts().clone(),
                clusters: counts,
                split: clusters.split_buckets(),
            },
        })
    }
}

fn write_pair(
    to: &mut Writing<'_>,
    order: PairOrder,
    pair: &Pair,
    ids: &[String],
) -> Result<(), Error> {
    for part in order {
        to.write(&part.to_le_bytes())?;
    }
    to.counted(ids[pair.a].as_bytes())?;
    to.counted(ids[pair.b].as_bytes())?;
    write_similarity(to, &pair.similarity)
}

fn write_cluster(to: &mut Writing<'_>, cluster: &Cluster<'_>, group: &Group) -> Result<(), Error> {
    let kept = cluster.kept;
    let first = cluster.removed.iter().map(|removal| removal.document).min();
    let first = first.map_or(kept, |first| first.min(kept));
    let (removed, joined) = cluster.removed.split_at(removed_of(cluster, group.new));
    for number in [group.numbers[first], removed.len() as u32] {
        to.write(&number.to_le_bytes())?;
    }
    to.write(&[u8::from(kept >= group.new)])?;
    to.counted(group.ids[kept].as_bytes())?;
    for removal in removed {
        let document = removal.document;
        to.write(&group.numbers[document].to_le_bytes())?;
        to.counted(group.ids[document].as_bytes())?;
        let reason = group.keep.reason(kept, document).to_string();
        to.counted(reason.as_bytes())?;
        write_similarity(to, &removal.similarity)?;
    }
    to.write(&(joined.len() as u32).to_le_bytes())?;
    for removal in joined {
        to.counted(group.ids[removal.document].as_bytes())?;
        write_similarity(to, &removal.similarity)?;
    }
    Ok(())
}

fn write_similarity(to: &mut Writing<'_>, similarity: &Similarity) -> Result<(), Error> {
    let Similarity {
        shared,
        jaccard,
        containment_a,
        containment_b,
    } = *similarity;
    to.write(&(shared as u64).to_le_bytes())?;
    for number in [jaccard, containment_a, containment_b] {
        to.write(&number.to_le_bytes())?;
    }
    Ok(())
}
