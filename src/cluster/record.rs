//! Serde's traits for [`Clusters`] (feature `serde`).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::result::{Clusters, NONE, Removal};
use crate::aside::Share;
use crate::recall::Recall;
use crate::verify::Similarity;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    documents: usize,
    clusters: Vec<ClusterRecord>,
    empty: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aside: Vec<AsideRecord>,
    recall: Recall,
}

/// How many words of a document were set aside.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AsideRecord {
    document: usize,
    words: u32,
    aside: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClusterRecord {
    kept: usize,
    removed: Vec<RemovedRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RemovedRecord {
    document: usize,
    similarity: Similarity,
}

impl Serialize for Clusters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let removed = |removal: &Removal| RemovedRecord {
            document: removal.document,
            similarity: removal.similarity,
        };
        let clusters = self.iter().map(|cluster| ClusterRecord {
            kept: cluster.kept,
            removed: cluster.removed.iter().map(removed).collect(),
        });
        let aside = |&(document, Share { words, aside }): &(usize, Share)| AsideRecord {
            document,
            words,
            aside,
        };
        let record = Record {
            aside: self.aside.iter().map(aside).collect(),
            documents: self.documents(),
            clusters: clusters.collect(),
            empty: self.empty().to_vec(),
            recall: *self.recall(),
        };
        record.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Clusters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = Record::deserialize(deserializer)?;
        record.clusters().map_err(de::Error::custom)
    }
}

impl Record {
    /// The clusters, if they are consistent.
    fn clusters(self) -> Result<Clusters, String> {
        let Self {
            documents,
            clusters,
            empty,
            aside,
            recall,
        } = self;
        if !recall.is_possible() {
            return Err("a recall that no run has".to_owned());
        }
        let mut found = Clusters::none(documents, empty, recall)?;
        found.aside = shares(documents, aside)?;
        let mut before = None;
        for cluster in clusters {
            let first = found.add(cluster)?;
            if before.is_some_and(|before| before >= first) {
                return Err("clusters must be in the order of their first documents".to_owned());
            }
            before = Some(first);
        }
        let in_cluster = |&&document: &&usize| found.cluster_of[document] != NONE;
        match found.empty.iter().find(in_cluster) {
            Some(document) => Err(format!("document {document} is empty, and in a cluster")),
            None => Ok(found),
        }
    }
}

/// What was set aside, if it is consistent.
fn shares(documents: usize, records: Vec<AsideRecord>) -> Result<Vec<(usize, Share)>, String> {
    let is_possible =
        |of: &AsideRecord| of.document < documents && (1..=of.words).contains(&of.aside);
    if !records.is_sorted_by(|a, b| a.document < b.document) || !records.iter().all(is_possible) {
        return Err(
            "`aside` must have ascending documents, and 1 to `words` words of each".to_owned(),
        );
    }
    let share = |of: AsideRecord| {
        let AsideRecord { words, aside, .. } = of;
        (of.document, Share { aside, words })
    };
    Ok(records.into_iter().map(share).collect())
}

impl Clusters {
    /// `documents` documents without clusters.
    fn none(documents: usize, empty: Vec<usize>, recall: Recall) -> Result<Self, String> {
        let mut cluster_of = Vec::new();
        if documents >= NONE as usize || cluster_of.try_reserve_exact(documents).is_err() {
            return Err(format!("{documents} documents are too many"));
        }
        cluster_of.resize(documents, NONE);
        let ascend = empty.is_sorted_by(|a, b| a < b);
        if !ascend || empty.last().is_some_and(|&last| last >= documents) {
            return Err("empty documents must ascend, and be below `documents`".to_owned());
        }
        Ok(Self {
            cluster_of,
            kept: Vec::new(),
            starts: vec![0],
            removed: Vec::new(),
            empty,
            aside: Vec::new(),
            recall,
        })
    }

    /// Adds a cluster, and returns its first document.
    fn add(&mut self, cluster: ClusterRecord) -> Result<usize, String> {
        let ClusterRecord { kept, removed } = cluster;
        if removed.is_empty() {
            return Err(format!(
                "the cluster of document {kept} has no other document"
            ));
        }
        if !removed.is_sorted_by(|a, b| a.document < b.document) {
            return Err(format!("documents removed for {kept} must ascend"));
        }
        let number = self.kept.len() as u32;
        for document in removed.iter().map(|removed| removed.document).chain([kept]) {
            match self.cluster_of.get_mut(document) {
                Some(cluster) if *cluster == NONE => *cluster = number,
                Some(_) => return Err(format!("document {document} is listed twice")),
                None => return Err(format!("there is no document {document}")),
            }
        }
        let first = removed[0].document.min(kept);
        for RemovedRecord {
            document,
            similarity,
        } in removed
        {
            if !similarity.is_possible() {
                return Err(format!("document {document}: {similarity:?} is impossible"));
            }
            self.removed.push(Removal {
                document,
                kept,
                similarity,
            });
        }
        self.kept.push(kept);
        self.starts.push(self.removed.len());
        Ok(first)
    }
}
