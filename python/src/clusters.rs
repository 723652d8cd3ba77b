//! The clusters of a run.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, UInt32Array};
use html_escape::encode_text;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use resemblance as core;
use resemblance::Measure;
use resemblance::report::{Compared, side_by_side};

use crate::arrow::{Array, Table, html as html_of, items, place_in};
use crate::similarity::{Recall, Similarity, places, similarities};
use crate::texts::Texts;

/// The clusters that a notebook shows, and the documents of each.
const CLUSTERS: usize = 10;
const DOCUMENTS: usize = 5;
/// The characters that it shows of a text.
const CHARACTERS: usize = 100;

/// The clusters of near-duplicates, and which documents are kept. Documents are places of texts.
///
/// It is a sequence of clusters with two documents or more, in the order of their first documents. As an Arrow stream it
/// is a table with a row for each document, see `table`.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct Clusters {
    inner: core::Clusters,
    texts: Arc<Texts>,
    deduper: core::Deduper,
}

impl Clusters {
    pub(crate) fn new(inner: core::Clusters, texts: Texts, deduper: core::Deduper) -> Self {
        Self {
            inner,
            texts: Arc::new(texts),
            deduper,
        }
    }

    fn of(&self, cluster: core::cluster::Cluster<'_>) -> Cluster {
        let removal = |of: &core::cluster::Removal| Removal {
            document: of.document,
            kept: of.kept,
            similarity: of.similarity,
        };
        Cluster {
            kept: cluster.kept,
            removed: cluster.removed.iter().map(removal).collect(),
            texts: Arc::clone(&self.texts),
            deduper: self.deduper.clone(),
        }
    }
}

/// The beginning of a text.
fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(CHARACTERS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// A table of removed documents.
pub(crate) fn table_of_removals(removed: &[core::cluster::Removal]) -> PyResult<Table> {
    let [jaccard, in_kept, of_kept, _] =
        similarities(removed.iter().map(|removal| removal.similarity)).map(|(_, column)| column);
    Table::new([
        (
            "document",
            places(removed.iter().map(|removal| removal.document)),
        ),
        ("kept", places(removed.iter().map(|removal| removal.kept))),
        ("jaccard", jaccard),
        ("containment_in_kept", in_kept),
        ("containment_of_kept", of_kept),
    ])
}

/// The documents of a cluster that are shown: the kept one, and the first removed.
fn shown_of(cluster: &core::cluster::Cluster<'_>) -> Vec<usize> {
    let removed = cluster.removed.iter().map(|removal| removal.document);
    std::iter::once(cluster.kept)
        .chain(removed)
        .take(DOCUMENTS)
        .collect()
}

#[pymethods]
impl Clusters {
    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn __getitem__(&self, place: isize) -> PyResult<Cluster> {
        let place = place_in(place, self.inner.len())?;
        Ok(self.of(self.inner.cluster(place)))
    }

    fn __iter__<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        items(this.as_any())
    }

    /// The number of documents.
    #[getter]
    fn documents(&self) -> usize {
        self.inner.documents()
    }

    /// The cluster of a document; None for one that is in no cluster.
    fn cluster_of(&self, document: isize) -> PyResult<Option<Cluster>> {
        let document = place_in(document, self.inner.documents())?;
        Ok(self
            .inner
            .cluster_of(document)
            .map(|cluster| self.of(cluster)))
    }

    /// The kept documents, ascending.
    #[getter]
    fn kept(&self) -> Array {
        Array::new(Arc::new(UInt32Array::from_iter_values(
            self.inner.kept().map(|kept| kept as u32),
        )))
    }

    /// Whether each document is kept: a column to filter by.
    #[getter]
    fn is_kept(&self) -> Array {
        let is_kept = (0..self.inner.documents()).map(|document| self.inner.is_kept(document));
        Array::new(Arc::new(BooleanArray::from(is_kept.collect::<Vec<bool>>())))
    }

    /// The removed documents with what they are removed for: the columns `document`, `kept`, `jaccard`,
    /// `containment_in_kept` and `containment_of_kept`.
    #[getter]
    fn removed(&self) -> PyResult<Table> {
        table_of_removals(self.inner.removed())
    }

    /// A row for each document: `document`; `cluster`, null where it is in none; `is_kept`; `kept`, the document that is
    /// kept, itself or another; `jaccard` to that, null for a kept one; `aside`, the share of the document's words that was not
    /// compared, since its group shares them.
    #[getter]
    fn table(&self) -> PyResult<Table> {
        let documents = 0..self.inner.documents();
        let cluster = documents
            .clone()
            .map(|document| self.inner.cluster_of(document));
        let cluster = cluster.map(|cluster| cluster.map(|cluster| cluster.number as u32));
        let kept = documents
            .clone()
            .map(|document| match self.inner.removal(document) {
                Some(removal) => removal.kept as u32,
                None => document as u32,
            });
        let jaccard = documents.clone().map(|document| {
            let removal = self.inner.removal(document)?;
            Some(removal.similarity.jaccard)
        });
        let aside = documents.clone().map(|document| self.inner.aside(document));
        Table::new([
            (
                "document",
                Arc::new(UInt32Array::from_iter_values(documents.map(|d| d as u32))) as ArrayRef,
            ),
            ("cluster", Arc::new(cluster.collect::<UInt32Array>())),
            ("is_kept", self.is_kept().into_array()),
            ("kept", Arc::new(UInt32Array::from_iter_values(kept))),
            ("jaccard", Arc::new(jaccard.collect::<Float64Array>())),
            ("aside", Arc::new(Float64Array::from_iter_values(aside))),
        ])
    }

    /// The documents without shingles, such as missing and empty texts. They are kept, and resemble nothing.
    #[getter]
    fn empty(&self) -> Vec<usize> {
        self.inner.empty().to_vec()
    }

    /// The number of missing texts. They are among `empty`.
    #[getter]
    fn nulls(&self) -> usize {
        self.texts.nulls()
    }

    /// How near-duplicates were found, and how many were probably missed.
    #[getter]
    fn recall(&self) -> Recall {
        (*self.inner.recall()).into()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        self.table()?.__arrow_c_stream__(py, requested_schema)
    }

    fn __repr__(&self) -> String {
        format!("<resemblance.Clusters: {}>", self.text())
    }

    fn _repr_html_(&self) -> String {
        let mut html = format!("<p>{}</p>", encode_text(&self.text()));
        if self.inner.is_empty() {
            return html;
        }
        let by_containment = self.deduper.measure() == Measure::Containment;
        let heads = match by_containment {
            true => "<th>Jaccard</th><th>of it in kept</th>",
            false => "<th>Jaccard</th>",
        };
        let _ = write!(
            html,
            "<table><thead><tr><th>cluster</th><th></th><th>document</th>{heads}<th>text</th></tr></thead><tbody>"
        );
        let texts = self.texts.slices();
        for cluster in self.inner.by_size().into_iter().take(CLUSTERS) {
            let shown = shown_of(&cluster);
            for &document in &shown {
                let removal = self.inner.removal(document);
                let number = if removal.is_none() {
                    cluster.number.to_string()
                } else {
                    String::new()
                };
                let verdict = if removal.is_none() { "keep" } else { "remove" };
                let share = |of: fn(&core::Similarity) -> f64| {
                    removal.map_or(String::new(), |removal| {
                        format!("{:.3}", of(&removal.similarity))
                    })
                };
                let mut cells = format!("<td>{}</td>", share(|similarity| similarity.jaccard));
                if by_containment {
                    let _ = write!(
                        cells,
                        "<td>{}</td>",
                        share(|similarity| similarity.containment_a)
                    );
                }
                let _ = write!(
                    html,
                    "<tr><td>{number}</td><td>{verdict}</td><td>{document}</td>{cells}<td style=\"text-align:left\">{}</td></tr>",
                    html_of(&excerpt(texts[document]))
                );
            }
            if cluster.len() > shown.len() {
                let more = cluster.len() - shown.len();
                let _ = write!(
                    html,
                    "<tr><td></td><td></td><td colspan=\"4\" style=\"text-align:left\">and {more} more</td></tr>"
                );
            }
        }
        html.push_str("</tbody></table>");
        if self.inner.len() > CLUSTERS {
            let _ = write!(
                html,
                "<p>The {CLUSTERS} largest of {} clusters</p>",
                self.inner.len()
            );
        }
        html
    }
}

impl Clusters {
    fn text(&self) -> String {
        let removed = self.inner.removed().len();
        let (documents, clusters) = (self.inner.documents(), self.inner.len());
        let empty = match (self.inner.empty().len(), self.texts.nulls()) {
            (0, _) => String::new(),
            (empty, 0) => format!(", {empty} of these without text"),
            (empty, nulls) => format!(", {empty} of these without text ({nulls} null)"),
        };
        let recall = Recall::from(*self.inner.recall()).text();
        format!(
            "{documents} documents = {} kept{empty} + {removed} removed, {clusters} clusters; {recall}",
            documents - removed
        )
    }
}

/// A kept document, and those that are removed for it. A notebook shows their texts side by side.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct Cluster {
    /// The kept document.
    #[pyo3(get)]
    kept: usize,
    /// The removed documents, ascending.
    #[pyo3(get)]
    removed: Vec<Removal>,
    texts: Arc<Texts>,
    deduper: core::Deduper,
}

#[pymethods]
impl Cluster {
    /// The number of documents.
    fn __len__(&self) -> usize {
        self.removed.len() + 1
    }

    /// All documents, ascending.
    #[getter]
    fn documents(&self) -> Vec<usize> {
        let removed = self.removed.iter().map(|removal| removal.document);
        let mut documents: Vec<usize> = removed.chain([self.kept]).collect();
        documents.sort_unstable();
        documents
    }

    fn __repr__(&self) -> String {
        let removed: Vec<usize> = self
            .removed
            .iter()
            .map(|removal| removal.document)
            .collect();
        format!("Cluster(kept={}, removed={removed:?})", self.kept)
    }

    fn _repr_html_(&self) -> String {
        let texts = self.texts.slices();
        let removed = &self.removed[..self.removed.len().min(DOCUMENTS)];
        let passages: Vec<_> = (removed.iter())
            .map(|removal| {
                self.deduper
                    .passages(texts[removal.document], texts[removal.kept])
            })
            .collect();
        let names: Vec<_> = (removed.iter())
            .map(|removal| {
                [
                    format!("removed: {}", removal.document),
                    format!("kept: {}", removal.kept),
                ]
            })
            .collect();
        let compared = removed.iter().zip(&passages).zip(&names);
        let compared = compared.map(|((removal, passages), [one, kept])| Compared {
            names: [one, kept],
            similarity: removal.similarity,
            reason: None,
            passages,
        });
        let mut html = side_by_side(&compared.collect::<Vec<_>>());
        if self.removed.len() > removed.len() {
            let more = self.removed.len() - removed.len();
            let _ = write!(html, "<p>and {more} more removed</p>");
        }
        html
    }
}

/// A removed document.
#[pyclass(frozen, module = "resemblance")]
#[derive(Clone)]
pub(crate) struct Removal {
    /// The document that is removed.
    #[pyo3(get)]
    document: usize,
    /// The document that is kept.
    #[pyo3(get)]
    kept: usize,
    similarity: core::Similarity,
}

#[pymethods]
impl Removal {
    /// The similarity of the removed document (a) and the kept one (b).
    #[getter]
    fn similarity(&self) -> Similarity {
        self.similarity.into()
    }

    fn __repr__(&self) -> String {
        let Self {
            document,
            kept,
            similarity,
        } = self;
        format!(
            "Removal(document={document}, kept={kept}, jaccard={:.6})",
            similarity.jaccard
        )
    }
}
