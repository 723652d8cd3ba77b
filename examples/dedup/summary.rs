//! The summary that is printed at the end.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use indicatif::{DecimalBytes, HumanCount};
use resemblance::corpus::{
    Decided, DecidedCluster, Error, Escaped, Joined, KeepPolicy, Preference, Removed,
};
use resemblance::{Deduper, Measure, Recall, Shingle, Weights};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::args::Printed;
use super::report::{BYTES, difference, texts_of};
use super::shared::{Failure, print};

/// Most clusters, and most removed documents per cluster, that the text shows. The tables contain all.
const CLUSTERS: usize = 20;
const DOCUMENTS: usize = 10;
/// The number of clusters of which it also shows where the documents differ.
const EXPLAINED: usize = 5;

pub(crate) struct Summary<'a> {
    deduper: &'a Deduper,
    keep: KeepPolicy,
    /// The name of the policy.
    keep_name: String,
    decided: &'a Decided,
    /// Files that were skipped because they contain no text.
    others: &'a [PathBuf],
    /// The clusters that are shown, with their numbers of documents.
    largest: Vec<(usize, DecidedCluster)>,
    /// Where some removed documents differ from the kept ones, by id.
    differences: HashMap<String, String>,
    first_rejected: Option<String>,
    threads: usize,
    /// The number of words in a passage, if passages are set aside.
    sets_aside: Option<usize>,
}

impl<'a> Summary<'a> {
    pub(crate) fn new(
        deduper: &'a Deduper,
        (keep, keep_name): (KeepPolicy, String),
        decided: &'a Decided,
        others: &'a [PathBuf],
        threads: usize,
        sets_aside: Option<usize>,
    ) -> Result<Self, Error> {
        let mut first_rejected = None;
        decided.for_each_rejection(|rejection| {
            let message = || format!("{}: {}", rejection.place, rejection.reason);
            first_rejected.get_or_insert_with(message);
            Ok::<(), Error>(())
        })?;
        let largest = largest(decided, CLUSTERS, DOCUMENTS)?;
        Ok(Self {
            deduper,
            keep,
            keep_name,
            decided,
            others,
            differences: differences(deduper, decided, &largest)?,
            largest,
            first_rejected,
            threads,
            sets_aside,
        })
    }

    pub(crate) fn print(&self, format: Printed, seconds: f64) -> Result<(), Failure> {
        match format {
            Printed::Text => print(format_args!("{}\n", self.text(seconds))),
            Printed::Json => self.print_json(),
        }
    }

    /// The summary as text. `seconds` is the time of the run.
    pub(crate) fn text(&self, seconds: f64) -> impl fmt::Display {
        Text(self, seconds)
    }

    /// The settings and the numbers, which are the same in every run.
    pub(crate) fn facts(&self) -> impl fmt::Display {
        Facts(self)
    }

    /// The counts alone, for the JSON log. `in` is the sum of `kept`, `removed` and `rejected`.
    pub(crate) fn counts_for_programs(&self) -> Value {
        let counts = self.decided.counts();
        json!({
            "in": counts.read,
            "kept": counts.kept,
            "removed": counts.removed,
            "rejected": counts.rejected,
            "clusters": counts.clusters,
            "indexed": counts.indexed,
            "matched": counts.matched,
            "joins": counts.joins,
            "text_bytes": counts.text_bytes,
        })
    }

    /// Prints the JSON object, which is the same in every run. Clusters are written one at a time, never all held.
    fn print_json(&self) -> Result<(), Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        let written = serde_json::to_writer_pretty(&mut out, self).map_err(io::Error::from);
        match written
            .and_then(|()| writeln!(out))
            .and_then(|()| out.flush())
        {
            // The reader has closed the pipe.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::failed(format!("cannot write the answer: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// The similarities of a removed document and the reason for its removal. With `--keep first` and `none` the reason is
    /// always the same, and left out.
    fn removed(&self, removed: &Removed) -> String {
        let similarity = &removed.similarity;
        let [of_it, of_kept] =
            [similarity.containment_a, similarity.containment_b].map(|share| 100.0 * share);
        let shares = format!(
            "{:>10.3}  {of_it:>12.1}%  {of_kept:>12.1}%",
            similarity.jaccard
        );
        match self.has_one_reason() {
            true => shares,
            false => format!("{shares}  {}", Escaped(&removed.reason)),
        }
    }

    /// Whether all documents are removed for the same reason.
    fn has_one_reason(&self) -> bool {
        self.keep.is_first() || self.keeps_none()
    }

    fn keeps_none(&self) -> bool {
        self.keep_name == "none"
    }

    fn show_cluster(
        &self,
        f: &mut fmt::Formatter<'_>,
        (len, cluster): &(usize, DecidedCluster),
    ) -> fmt::Result {
        // Control characters in ids are escaped.
        let shown = |id: &String| Escaped(id).to_string();
        let ids: Vec<String> = cluster.removed.iter().map(|r| shown(&r.id)).collect();
        let width = ids.iter().map(|id| id.width()).max().unwrap_or(0).max(20);
        let title = format!(
            "Cluster {}, {}",
            cluster.number + 1,
            plural(*len, "document")
        );
        let pad = width + 10;
        let reason = match self.has_one_reason() {
            true => "",
            false => "  reason",
        };
        let heads = "similarity  of it in kept  of kept in it";
        writeln!(f, "{title:pad$}  {heads}{reason}")?;
        let index = if cluster.is_indexed {
            "  (in the index)"
        } else {
            ""
        };
        match cluster.dropped {
            Some(_) => writeln!(
                f,
                "  remove  {}  (represents the cluster)",
                shown(&cluster.kept)
            )?,
            None => writeln!(f, "  keep    {}{index}", shown(&cluster.kept))?,
        }
        for joined in &cluster.joined {
            let jaccard = joined.similarity.jaccard;
            writeln!(
                f,
                "  joins   {}  (in the index; {jaccard:.3})",
                shown(&joined.id)
            )?;
        }
        for (removed, id) in cluster.removed.iter().zip(&ids) {
            let pad = " ".repeat(width - id.width());
            writeln!(f, "  remove  {id}{pad}  {}", self.removed(removed))?;
            if let Some(difference) = self.differences.get(&removed.id) {
                writeln!(f, "          {}", Escaped(difference))?;
            }
        }
        let more = len - 1 - cluster.removed.len();
        if more > 0 {
            writeln!(f, "          and {} more", HumanCount(more as u64))?;
        }
        writeln!(f)
    }

    fn show_settings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deduper = self.deduper;
        let shingles = match deduper.scheme().shingle() {
            Shingle::Words(n) => plural(n, "word"),
            Shingle::Tokens(n) => plural(n, "token"),
            Shingle::Chars(n) => plural(n, "character"),
            Shingle::Bytes(n) => plural(n, "byte"),
        };
        let threshold = deduper.threshold();
        match deduper.scheme().seed() {
            0 => {}
            seed => writeln!(
                f,
                "The seed of all hashes is {seed}: --seed {seed} repeats this run."
            )?,
        }
        let divided = match deduper.measure() {
            Measure::Containment => "of the smaller one",
            _ => "that occur in either",
        };
        match deduper.weights() {
            Weights::Ln => writeln!(
                f,
                "Similarity is the weight of the shingles ({shingles} in a row) that two documents share, divided by the \
                 weight of those {divided}. A shingle that df of N documents have weighs ln(N / df)."
            )?,
            _ => writeln!(
                f,
                "Similarity is the number of shingles ({shingles} in a row) that two documents share, divided by the \
                 number {divided}."
            )?,
        }
        if let Some(words) = self.sets_aside {
            let groups = match self.decided.counts().groups_with_aside {
                0 => "no group has such passages (if some should, check the field)".to_owned(),
                1 => "1 group has such passages".to_owned(),
                many => format!("{} have such passages", plural(many, "group")),
            };
            writeln!(
                f,
                "Documents are compared without the passages ({words} words) that at least 3 and 10% of their group have; \
                 {groups}."
            )?;
        }
        let is_plain = deduper.measure() == Measure::Jaccard && deduper.weights() == Weights::None;
        if threshold >= 1.0 && is_plain {
            return writeln!(
                f,
                "Only documents with the same shingles are near-duplicates, and all of them are found."
            );
        }
        writeln!(
            f,
            "Documents with a similarity of {threshold} or more are near-duplicates."
        )?;
        match self.decided.recall().unseen {
            0 => {}
            unseen => writeln!(
                f,
                "It is unknown how many near-duplicates were missed: {} candidate pairs were not compared, because \
                 --exact-work was used up.",
                HumanCount(unseen)
            )?,
        }
        self.show_recall(f)
    }

    /// Shows the recall, and how many near-duplicates were missed.
    fn show_recall(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recall = self.decided.recall();
        let Recall {
            reason, promised, ..
        } = recall;
        let Some(banding) = recall.banding else {
            return writeln!(f, "Every pair was found by the exact join ({reason}).");
        };
        let threshold = self.deduper.threshold();
        writeln!(
            f,
            "A pair at {threshold} is found with a probability of at least {}, a more similar one with a higher \
             probability: by LSH with {} bands of {} rows ({reason}).",
            percent_down(*promised),
            banding.bands(),
            banding.rows()
        )?;
        if let Some(Recall { found, missed, .. }) = self.decided.pairs() {
            let found = HumanCount(*found);
            return writeln!(f, "Pairs found: {found}. Missed: {missed}.");
        }
        let missed = &recall.missed;
        writeln!(f, "Near-duplicates that were missed and so kept: {missed}.")
    }

    /// Shows the counts of documents of indexes.
    fn show_index(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.decided.counts();
        if counts.indexed == 0 {
            return Ok(());
        }
        let indexed = plural(counts.indexed, "document");
        let matched = HumanCount(counts.matched as u64);
        writeln!(
            f,
            "Compared with {indexed} of the index. Removed because of one of these: {matched}."
        )?;
        match counts.joins {
            0 => Ok(()),
            n => writeln!(
                f,
                "{} several documents of the index, all kept; in a single run they would have been in one cluster.",
                plural_with(n, ["cluster has", "clusters each have"])
            ),
        }
    }

    fn show_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.decided.counts();
        let documents = plural(counts.read, "document");
        let [kept, removed, rejected] =
            [counts.kept, counts.removed, counts.rejected].map(|n| HumanCount(n as u64));
        write!(
            f,
            "{documents} in = {kept} kept + {removed} removed + {rejected} rejected"
        )?;
        if counts.empty > 0 {
            let empty = HumanCount(counts.empty as u64);
            write!(f, "; {empty} without a token, kept")?;
        }
        writeln!(f)?;
        if self.keeps_none() {
            let instead = match counts.indexed {
                0 => "",
                _ => ", except those of the index",
            };
            writeln!(
                f,
                "No document of a cluster is kept (--keep none){instead}. Similarities are those to the document that represents the cluster."
            )?;
        }
        self.show_index(f)?;
        if let Some(first) = &self.first_rejected {
            writeln!(f, "first rejected: {first} (--rejects FILE lists all)")?;
        }
        if counts.unread_files > 0 {
            writeln!(
                f,
                "{} not read to the end: the records that are missing are not counted",
                plural(counts.unread_files, "file")
            )?;
        }
        if counts.hidden > 0 {
            writeln!(
                f,
                "{} skipped",
                plural_with(
                    counts.hidden,
                    ["hidden file or directory", "hidden files and directories"]
                )
            )?;
        }
        if let Some(first) = self.others.first() {
            writeln!(
                f,
                "{} skipped because they are not text by name or content; the first: {} (--input-format text reads every input as text)",
                plural(self.others.len(), "file"),
                Escaped(&first.to_string_lossy())
            )?;
        }
        Ok(())
    }
}

/// Where the removed documents of the first clusters differ from the kept ones, if their texts are at hand.
fn differences(
    deduper: &Deduper,
    decided: &Decided,
    clusters: &[(usize, DecidedCluster)],
) -> Result<HashMap<String, String>, Error> {
    let mut all = HashMap::new();
    if !decided.holds_texts() {
        return Ok(all);
    }
    let clusters = &clusters[..clusters.len().min(EXPLAINED)];
    let texts = texts_of(decided, clusters)?;
    let whole = |id: &String| texts.get(id).filter(|text| text.len() <= BYTES);
    for (_, cluster) in clusters {
        for removed in &cluster.removed {
            if let (Some(one), Some(kept)) = (whole(&removed.id), whole(&cluster.kept))
                && let Some(shown) = difference(deduper, one, kept)
            {
                all.insert(removed.id.clone(), shown);
            }
        }
    }
    Ok(all)
}

/// The largest clusters (ties by number), each with the documents that are shown.
pub(crate) fn largest(
    decided: &Decided,
    clusters: usize,
    documents: usize,
) -> Result<Vec<(usize, DecidedCluster)>, Error> {
    let mut largest = Vec::new();
    let cut = |largest: &mut Vec<(usize, DecidedCluster)>| {
        largest.sort_by_key(|(len, cluster)| (Reverse(*len), cluster.number));
        largest.truncate(clusters);
    };
    decided.for_each_cluster(|mut cluster| {
        let len = cluster.removed.len() + 1;
        cluster.removed.truncate(documents);
        largest.push((len, cluster));
        if largest.len() > 8 * clusters.max(CLUSTERS) {
            cut(&mut largest);
        }
        Ok::<(), Error>(())
    })?;
    cut(&mut largest);
    Ok(largest)
}

/// The settings and the numbers of a run, for people.
struct Facts<'s>(&'s Summary<'s>);

impl fmt::Display for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.show_settings(f)?;
        writeln!(f)?;
        self.0.show_counts(f)
    }
}

/// The summary for people, and the seconds that the run took.
struct Text<'s>(&'s Summary<'s>, f64);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(summary, seconds) = self;
        for cluster in &summary.largest {
            summary.show_cluster(f, cluster)?;
        }
        let counts = summary.decided.counts();
        if counts.clusters == 0 {
            writeln!(f, "No near-duplicates.\n")?;
        } else if counts.clusters > CLUSTERS {
            let more = plural(counts.clusters - CLUSTERS, "more cluster");
            writeln!(
                f,
                "{more}, none larger than the last one shown; --clusters FILE.tsv lists all.\n"
            )?;
        }
        write!(f, "{}", summary.facts())?;
        let bytes = counts.text_bytes;
        let rate = (bytes as f64 / seconds.max(1e-9)) as u64;
        let threads = plural(summary.threads, "thread");
        write!(
            f,
            "{} of text in {seconds:.3} s, {}/s, {threads}",
            DecimalBytes(bytes),
            DecimalBytes(rate)
        )
    }
}

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (decided, deduper) = (self.decided, self.deduper);
        let (counts, recall) = (decided.counts(), decided.recall());
        let mut documents = json!({
            "in": counts.read,
            "kept": counts.kept,
            "removed": counts.removed,
            "rejected": counts.rejected,
            "empty": counts.empty,
            "hidden": counts.hidden,
            "indexed": counts.indexed,
            "matched": counts.matched,
            "joins": counts.joins,
        });
        if counts.unread_files > 0 {
            documents["unread_files"] = counts.unread_files.into();
        }
        if !self.others.is_empty() {
            documents["skipped_files"] = self.others.len().into();
        }
        let mut settings = json!({
            "scheme": deduper.scheme().to_string(),
            "similarity": deduper.measure().to_string(),
            "weights": deduper.weights().to_string(),
            "threshold": deduper.threshold(),
            "method": recall.method.to_string(),
            "reason": recall.reason.to_string(),
            "banding": recall.banding.map(|banding| banding.to_string()),
            "recall": recall.promised,
            "keep": self.keep_name,
            "prefer": self.keep.preference().map(Preference::to_string),
        });
        if let Some(words) = self.sets_aside {
            settings["set_aside_words"] = words.into();
            documents["groups_with_aside"] = counts.groups_with_aside.into();
        }
        let clusters = Clusters {
            decided,
            sets_aside: self.sets_aside.is_some(),
        };
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("clusters", &clusters)?;
        map.serialize_entry("documents", &documents)?;
        map.serialize_entry("links", &found(recall))?;
        map.serialize_entry("pairs", &decided.pairs().map(found))?;
        map.serialize_entry("settings", &settings)?;
        map.end()
    }
}

struct Clusters<'d> {
    decided: &'d Decided,
    /// Whether passages may be set aside.
    sets_aside: bool,
}

impl Serialize for Clusters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_seq(None)?;
        let each = |cluster| {
            let written = all.serialize_element(&cluster_of(&cluster, self.sets_aside));
            written.map_err(Stopped::Writing)
        };
        match self.decided.for_each_cluster(each) {
            Ok(()) => all.end(),
            Err(Stopped::Writing(error)) => Err(error),
            Err(Stopped::Reading(error)) => Err(S::Error::custom(error)),
        }
    }
}

/// Why writing the clusters stopped early.
enum Stopped<E> {
    Reading(Error),
    Writing(E),
}

impl<E> From<Error> for Stopped<E> {
    fn from(error: Error) -> Self {
        Self::Reading(error)
    }
}

fn cluster_of(cluster: &DecidedCluster, sets_aside: bool) -> Value {
    let is_dropped = cluster.dropped.is_some();
    let removed = |(removed, like): (&Removed, &str)| {
        let mut value = json!({
            "id": removed.id,
            "jaccard": removed.similarity.jaccard,
            "containment_in_kept": removed.similarity.containment_a,
            "containment_of_kept": removed.similarity.containment_b,
            "reason": removed.reason,
        });
        if sets_aside {
            value["aside"] = removed.aside.into();
        }
        if is_dropped {
            value["resembles"] = like.into();
        }
        value
    };
    let joined = |joined: &Joined| json!({ "id": joined.id, "jaccard": joined.similarity.jaccard });
    let mut value = json!({
        "cluster": cluster.number + 1,
        "kept": cluster.kept,
        "indexed": cluster.is_indexed,
        "removed": cluster.removals().map(removed).collect::<Vec<_>>(),
        "joined": cluster.joined.iter().map(joined).collect::<Vec<_>>(),
    });
    if sets_aside {
        value["aside"] = cluster.aside.into();
    }
    if is_dropped {
        value["kept"] = Value::Null;
        value["representative"] = cluster.kept.as_str().into();
    }
    value
}

/// The numbers of found and missed pairs, for JSON.
fn found(recall: &Recall) -> Value {
    let missed = &recall.missed;
    json!({
        "found": recall.found,
        "missed": { "expected": missed.expected, "low": missed.low, "high": missed.high },
        "unseen": recall.unseen,
    })
}

/// A share as a percentage, rounded down, with enough digits to distinguish it from 100%.
fn percent_down(share: f64) -> String {
    let digits = (2..9).find(|&digits| {
        let scale = 10f64.powi(digits);
        (share * 100.0 * scale).floor() < 100.0 * scale
    });
    let digits = digits.unwrap_or(9);
    let scale = 10f64.powi(digits);
    format!(
        "{:.*}%",
        digits as usize,
        (share * 100.0 * scale).floor() / scale
    )
}

fn plural(n: usize, what: &str) -> String {
    plural_with(n, [what, &format!("{what}s")])
}

/// A number, followed by the words for one or for several things.
fn plural_with(n: usize, [one, several]: [&str; 2]) -> String {
    let words = if n == 1 { one } else { several };
    format!("{} {words}", HumanCount(n as u64))
}
