//! The report of `--report`.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io;

use resemblance::Deduper;
use resemblance::corpus::{Decided, DecidedCluster, Error, Table};
use resemblance::report::{ClusterShown, Compared, Histogram, Page};

use super::summary::{Summary, largest};

/// The removed documents that are shown of a cluster.
const DOCUMENTS: usize = 10;

/// The bytes that are shown of a text.
pub(crate) const BYTES: usize = 20_000;

/// Writes the report to a staged file, with the largest clusters.
pub(crate) fn write(
    to: &Table,
    clusters: usize,
    deduper: &Deduper,
    decided: &Decided,
    summary: &Summary<'_>,
) -> Result<(), Error> {
    let clusters = largest(decided, clusters, DOCUMENTS)?;
    let texts = texts_of(decided, &clusters)?;
    let mut histogram = Histogram::new(deduper.threshold());
    decided.for_each_cluster(|cluster| {
        for removed in &cluster.removed {
            histogram.count(deduper.measure().of(&removed.similarity));
        }
        Ok::<(), Error>(())
    })?;
    let put = || -> io::Result<()> {
        let mut page = Page::new(to, "Near-duplicates")?;
        page.summary(&summary.facts().to_string())?;
        page.histogram(&histogram)?;
        for (len, cluster) in &clusters {
            put_cluster(&mut page, deduper, *len, cluster, &texts)?;
        }
        page.finish()
    };
    put().map_err(|error| {
        let error = error.downcast::<Error>();
        error.unwrap_or_else(|error| unreachable!("only the file can fail: {error}"))
    })
}

/// The texts of documents, by id, cut off after [`BYTES`].
pub(crate) type Texts = HashMap<String, String>;

/// The texts of the documents that are shown of these clusters.
pub(crate) fn texts_of(
    decided: &Decided,
    clusters: &[(usize, DecidedCluster)],
) -> Result<Texts, Error> {
    let ids = clusters.iter().flat_map(|(_, cluster)| {
        let removed = cluster.removed.iter().map(|removed| &removed.id);
        removed.chain([&cluster.kept])
    });
    let wanted: HashSet<&str> = ids.map(String::as_str).collect();
    let mut texts = Texts::new();
    decided.for_each_text(&wanted, |id, text| {
        let most = text.len().min(BYTES);
        let end = (0..=most)
            .rev()
            .find(|&end| text.is_char_boundary(end))
            .unwrap_or(0);
        let mut shown = text[..end].to_owned();
        if end < text.len() {
            shown.push('…');
        }
        texts.insert(id.to_owned(), shown);
    })?;
    Ok(texts)
}

fn put_cluster(
    page: &mut Page<&Table>,
    deduper: &Deduper,
    len: usize,
    cluster: &DecidedCluster,
    texts: &Texts,
) -> io::Result<()> {
    // Documents of an index, and bytes that are not text, have no text here.
    let text = |id: &str| texts.get(id).map_or("", String::as_str);
    let passages: Vec<_> = (cluster.removed.iter())
        .map(|removed| deduper.passages(text(&removed.id), text(&cluster.kept)))
        .collect();
    let compared = cluster.removed.iter().zip(&passages);
    let removed = compared.map(|(removed, passages)| Compared {
        names: [&removed.id, &cluster.kept],
        similarity: removed.similarity,
        reason: Some(&removed.reason),
        passages,
    });
    let mut notes = Vec::new();
    if cluster.is_indexed {
        notes.push("The kept document is one of an index, whose texts are not at hand.".to_owned());
    }
    for joined in &cluster.joined {
        let jaccard = joined.similarity.jaccard;
        notes.push(format!("Joins {} of an index ({jaccard:.3}).", joined.id));
    }
    page.cluster(&ClusterShown {
        number: cluster.number + 1,
        kept: cluster.dropped.is_none().then_some(cluster.kept.as_str()),
        documents: len,
        removed: removed.collect(),
        notes,
    })
}

/// Where a removed document and the kept one differ, in a line.
pub(crate) fn difference(deduper: &Deduper, removed: &str, kept: &str) -> Option<String> {
    const WORDS: usize = 3; // so that a changed word does not hide its neighbours
    let finder = deduper.passage_finder().with_min_words(WORDS).ok()?;
    let passages = finder.find(removed, kept);
    let of = |text: &str, only: &[std::ops::Range<usize>]| {
        const STRETCHES: usize = 3;
        const CHARACTERS: usize = 30;
        let shown = only.iter().take(STRETCHES).map(|range| {
            let words: Vec<&str> = text[range.clone()].split_whitespace().collect();
            let words = words.join(" ");
            match words.char_indices().nth(CHARACTERS) {
                Some((end, _)) => format!("“{}…”", &words[..end]),
                None => format!("“{words}”"),
            }
        });
        let mut shown = shown.collect::<Vec<_>>().join(" ");
        if only.len() > STRETCHES {
            let _ = write!(shown, " and {} more", only.len() - STRETCHES);
        }
        shown
    };
    let only_removed = of(removed, passages.only_in_a());
    let only_kept = of(kept, passages.only_in_b());
    match (only_removed.is_empty(), only_kept.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("has also {only_removed}")),
        (true, false) => Some(format!("lacks {only_kept}")),
        (false, false) => Some(format!("has {only_removed}, not {only_kept}")),
    }
}
