//! Group by group: candidates to clusters and pairs, with what does it in memory.

use super::dealt::Dealt;
use super::folder::{Bytes, Folder, Whole, Writing};
use super::sets::Kind;
use crate::batch::{Batch, Candidate, PairOrder, Run};
use crate::cluster::Cluster;
use crate::corpus::error::Error;
use crate::deduper::Deduper;
use crate::recall::{LinkTally, PairTally};
use crate::verify::{Pair, ShingleSet, Similarity};

/// The documents of a group, in order.
#[derive(Default)]
struct Group {
    numbers: Vec<u32>,
    ids: Vec<String>,
    documents: Vec<Candidate>,
    /// The first document of each that has the same shingles, in the group.
    firsts: Vec<u32>,
}

impl Group {
    fn load(dealt: &Dealt, group: usize) -> Result<Self, Error> {
        let mut reader = dealt.read(group)?;
        let mut loaded = Self::default();
        let mut bytes = Vec::new();
        while let Some(number) = reader.next_u32()? {
            let mut document = Candidate {
                byte_len: reader.u64()? as usize,
                ..Candidate::default()
            };
            let mut id = String::new();
            reader.text(&mut id)?;
            let [kind] = reader.array()?;
            if kind == Kind::Copy as u8 {
                let first = reader.u32()?;
                let first = loaded.numbers.binary_search(&first).unwrap_or_default();
                loaded.firsts.push(first as u32);
            } else {
                bytes.resize(8 * reader.u32()? as usize, 0);
                reader.read(&mut bytes)?;
                document.set = ShingleSet::of_bytes(&bytes);
                loaded.firsts.push(loaded.numbers.len() as u32);
            }
            loaded.numbers.push(number);
            loaded.ids.push(id);
            loaded.documents.push(document);
        }
        Ok(loaded)
    }
}

/// What groups come to.
pub(super) struct Deciding<'d> {
    pub(super) deduper: &'d Deduper,
    pub(super) folder: &'d Folder,
    pub(super) run: Run<'d>,
    /// Whether all pairs are asked for.
    pub(super) wants_pairs: bool,
}

/// The numbers of all groups so far.
pub(super) struct Tally<'c> {
    pub(super) links: LinkTally<'c>,
    pub(super) pairs: PairTally<'c>,
    pub(super) clusters: u64,
    pub(super) removed: u64,
    pub(super) split: usize,
}

/// The files of a group's decisions.
pub(super) fn clusters_of(group: usize) -> String {
    format!("clusters-{group:06}")
}

pub(super) fn pairs_of(group: usize) -> String {
    format!("pairs-{group:06}")
}

impl Deciding<'_> {
    /// Decides a group, and writes its files.
    pub(super) fn decide(
        &self,
        dealt: &Dealt,
        number: usize,
        tally: &mut Tally<'_>,
    ) -> Result<Vec<Whole>, Error> {
        let mut group = Group::load(dealt, number)?;
        let firsts = std::mem::take(&mut group.firsts);
        let batch = Batch::of_candidates(self.deduper, &group.documents, firsts, self.run)?;
        let mut files = Vec::new();
        if self.wants_pairs {
            let mut writing = self.folder.create(&pairs_of(number), 1 << 16)?;
            batch.for_each_pair_in(&mut tally.pairs, |pair| {
                let order = batch.order_of(&pair, |document| group.numbers[document]);
                write_pair(&mut writing, order, &pair, &group.ids)
            })?;
            files.push(writing.finish()?);
        }
        let clusters = batch.clusters_in(&tally.links)?;
        tally.clusters += clusters.len() as u64;
        tally.removed += clusters.removed().len() as u64;
        tally.split += clusters.split_buckets();
        let mut writing = self.folder.create(&clusters_of(number), 1 << 16)?;
        for cluster in clusters.iter() {
            write_cluster(&mut writing, &cluster, &group)?;
        }
        files.push(writing.finish()?);
        Ok(files)
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
    write_text(to, &ids[pair.a])?;
    write_text(to, &ids[pair.b])?;
    write_similarity(to, &pair.similarity)
}

fn write_cluster(to: &mut Writing<'_>, cluster: &Cluster<'_>, group: &Group) -> Result<(), Error> {
    let first = cluster
        .removed
        .first()
        .map_or(cluster.kept, |removal| removal.document);
    let first = group.numbers[first.min(cluster.kept)];
    let mut write = |number: u32| to.write(&number.to_le_bytes());
    write(first)?;
    write(group.numbers[cluster.kept])?;
    write(cluster.removed.len() as u32)?;
    write_text(to, &group.ids[cluster.kept])?;
    for removal in cluster.removed {
        to.write(&group.numbers[removal.document].to_le_bytes())?;
        write_text(to, &group.ids[removal.document])?;
        write_similarity(to, &removal.similarity)?;
    }
    Ok(())
}

fn write_text(to: &mut Writing<'_>, text: &str) -> Result<(), Error> {
    to.write(&(text.len() as u32).to_le_bytes())?;
    to.write(text.as_bytes())
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
