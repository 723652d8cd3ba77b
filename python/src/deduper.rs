//! The settings, and runs on texts in memory.

use std::str::FromStr;
use std::sync::Arc;

use arrow_array::ArrowPrimitiveType;
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{FixedSizeListArray, PrimitiveArray};
use arrow_schema::Field;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use resemblance as core;
use resemblance::sketch::SignatureMatrix;
use resemblance::text::{Content, Document, Group, ReadBuffer, ReadError};
use resemblance::watch::Stage;
use resemblance::{DeduperBuilder, Run};
use serde_json::{Map, Value};

use crate::arrow::{Array, Table};
use crate::clusters::Clusters;
use crate::errors::{Raised, bug};
use crate::order::order_of;
use crate::passages::Passages;
use crate::running::{Stopped, Watched, briefly, run};
use crate::similarity::{Recall, Similarity, places, similarities};
use crate::texts::Texts;

/// Finds near-duplicates among texts. An invalid setting is a ValueError.
///
/// - threshold: the lowest similarity of near-duplicates.
/// - shingle: what is compared: runs of N words ("words:N"), of words and signs ("tokens:N", for source code), of
///   characters ("chars:N") or of bytes ("bytes:N").
/// - normalization: what makes no difference, as for `resemblance dedup --normalize`: by default case, variants of
///   characters and the form of apostrophes; "default+accents+digits" ignores more, "none" nothing.
/// - method: how candidates are found: "lsh" (MinHash, at the recall), "exact" (all of them), or "auto" (the one that is
///   estimated to be faster).
/// - recall: the least probability with which a pair at the threshold is found.
/// - hashes: the slots of a signature; banding: its bands, such as "21 x 6", instead of those that follow from the recall.
/// - seed: of all hashes. Draw one, and keep it secret, if authors may write texts to deceive.
/// - measure: "jaccard", or "containment": the share of the smaller document that is in the larger one.
/// - weights: "none", or "ln": a shingle that df of N documents have counts ln(N / df).
/// - cluster_mode: "components": what a chain of near-duplicates connects is one cluster; or "leader": a document is
///   removed only for one that it resembles itself. By default components, and leader with containment.
/// - keep: of each cluster the "first", "longest" or "largest" document. By default the first, and the largest with
///   containment. `order` of `clusters` is an order of your own.
/// - sketch: "fast-similarity" or "classic".
/// - exact_memory, exact_work: the bytes that the exact join may take, and the pairs that it may compare.
/// - set_aside_words: the shortest passage that `groups` of `clusters` leave out, in words.
/// - threads: of a run, by default one for each core. It changes no result, and does not count when dedupers are compared.
///
/// By containment and with weights, candidates are always found by the exact join.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct Deduper {
    builder: DeduperBuilder,
    pub(crate) inner: core::Deduper,
    pub(crate) threads: Option<usize>,
}

/// The text of a document and its group.
struct Grouped<'t> {
    text: &'t str,
    group: Option<Group>,
}

impl Document for Grouped<'_> {
    fn content<'a>(&'a self, _: &'a mut ReadBuffer) -> Result<Content<'a>, ReadError> {
        Ok(Content::Text(self.text))
    }

    fn byte_len(&self) -> usize {
        self.text.len()
    }

    fn group(&self) -> Option<Group> {
        self.group
    }
}

/// The documents of a run: texts with groups, if the caller names any.
fn documents<'t>(texts: &'t Texts, groups: Option<&Texts>) -> PyResult<Vec<Grouped<'t>>> {
    let ungrouped = texts
        .slices()
        .into_iter()
        .map(|text| Grouped { text, group: None });
    let Some(groups) = groups else {
        return Ok(ungrouped.collect());
    };
    if groups.len() != texts.len() {
        return Err(PyValueError::new_err(format!(
            "groups has {} values for {} texts",
            groups.len(),
            texts.len()
        )));
    }
    let grouped = ungrouped.zip(groups.options());
    Ok(grouped
        .map(|(document, group)| Grouped {
            group: group.map(Group::named),
            ..document
        })
        .collect())
}

impl Deduper {
    /// The settings as JSON; with `all` false, only those that are not the default.
    fn json(&self, all: bool) -> PyResult<Map<String, Value>> {
        let of = |builder: &DeduperBuilder| match serde_json::to_value(builder) {
            Ok(Value::Object(settings)) => Ok(settings),
            _ => Err(bug("settings are no object")),
        };
        let (mut own, default) = (of(&self.builder)?, of(&DeduperBuilder::default())?);
        own.retain(|name, value| all || default.get(name) != Some(value));
        Ok(own)
    }
}

/// A setting from its text.
fn parsed<T: FromStr<Err = core::Error>>(text: &str) -> PyResult<T> {
    text.parse().map_err(Raised::raised)
}

#[pymethods]
impl Deduper {
    #[new]
    #[pyo3(signature = (
        *, threshold=0.8, shingle="words:5", normalization="nfkc-casefold+apostrophes", method="lsh", recall=0.99,
        hashes=128, seed=0, measure="jaccard", weights="none", cluster_mode=None, keep=None,
        sketch="fast-similarity", banding=None, exact_memory=4_294_967_296, exact_work=20_000_000_000,
        set_aside_words=5, threads=None
    ))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        threshold: f64,
        shingle: &str,
        normalization: &str,
        method: &str,
        recall: f64,
        hashes: usize,
        seed: u64,
        measure: &str,
        weights: &str,
        cluster_mode: Option<&str>,
        keep: Option<&str>,
        sketch: &str,
        banding: Option<&str>,
        exact_memory: u64,
        exact_work: u64,
        set_aside_words: usize,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        if threads == Some(0) {
            return Err(PyValueError::new_err(
                "threads is 0: use 1 or more, or None for one per core",
            ));
        }
        let mut builder = core::Deduper::builder()
            .threshold(threshold)
            .shingle(parsed(shingle)?)
            .normalization(parsed(normalization)?)
            .method(parsed(method)?)
            .recall(recall)
            .hashes(hashes)
            .seed(seed)
            .measure(parsed(measure)?)
            .weights(parsed(weights)?)
            .sketch(parsed(sketch)?)
            .exact_memory(exact_memory)
            .exact_work(exact_work)
            .set_aside_words(set_aside_words);
        if let Some(mode) = cluster_mode {
            builder = builder.cluster_mode(parsed(mode)?);
        }
        if let Some(keep) = keep {
            builder = builder.keep(parsed(keep)?);
        }
        if let Some(banding) = banding {
            builder = builder.banding(parsed(banding)?);
        }
        let inner = builder.build().map_err(Raised::raised)?;
        Ok(Self {
            builder,
            inner,
            threads,
        })
    }

    /// The clusters of near-duplicates among `texts`, and which copies are kept.
    ///
    /// - texts: an Arrow column of strings (of pyarrow, polars, DuckDB, datasets or pandas 3), or an iterable of str. A
    ///   missing text (None, NaN) is a document without text: it is kept and resembles nothing.
    /// - order: a column of numbers, strings, dates or booleans. Of each cluster, the document with the least value is kept;
    ///   missing values come last.
    /// - groups: a column of names, such as the sites of pages. Passages that many documents of a group share, such as a
    ///   site's footer, are not compared.
    /// - progress: True for a bar, or a callable that takes the stage, what is done, the total and the unit.
    #[pyo3(signature = (texts, *, order=None, groups=None, progress=None))]
    fn clusters(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        order: Option<&Bound<'_, PyAny>>,
        groups: Option<&Bound<'_, PyAny>>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Clusters> {
        let texts = Texts::of(texts, "texts")?;
        let order = order
            .map(|order| order_of(order, texts.len()))
            .transpose()?;
        let groups = groups
            .map(|groups| Texts::of(groups, "groups"))
            .transpose()?;
        let documents = documents(&texts, groups.as_ref())?;
        let clusters = with_progress(py, progress, |shown| {
            run(py, self.threads, shown, |watch| {
                let mut options = Run::new().watch(watch);
                if let Some(order) = &order {
                    options = options.keep_by(order);
                }
                self.inner.try_clusters(&documents, &options)
            })
        })?;
        drop(documents);
        Ok(Clusters::new(clusters, texts, self.inner.clone()))
    }

    /// Every pair of near-duplicates that is found, as a table with the columns `a`, `b` (places of texts), `jaccard`,
    /// `containment_a`, `containment_b` and `shared`.
    ///
    /// With `pairs_of_copies="star"`, documents with the same shingles make a pair with the first of them only: a thousand
    /// copies are 999 pairs instead of half a million. The other arguments are those of `clusters`.
    #[pyo3(signature = (texts, *, groups=None, pairs_of_copies="all", progress=None))]
    fn pairs<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        groups: Option<&Bound<'py, PyAny>>,
        pairs_of_copies: &str,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Pairs>> {
        let copies: core::PairsOfCopies = parsed(pairs_of_copies)?;
        let texts = Texts::of(texts, "texts")?;
        let groups = groups
            .map(|groups| Texts::of(groups, "groups"))
            .transpose()?;
        let documents = documents(&texts, groups.as_ref())?;
        let (pairs, recall) = with_progress(py, progress, |shown| {
            run(py, self.threads, shown, |watch| {
                let options = Run::new().watch(watch).pairs_of_copies(copies);
                all_pairs(&self.inner, &documents, &options)
            })
        })?;
        let table = table_of_pairs(&pairs)?;
        let pairs = Pairs {
            recall: Py::new(py, Recall::from(recall))?,
        };
        Bound::new(py, PyClassInitializer::from(table).add_subclass(pairs))
    }

    /// The exact similarity of two texts, without weights.
    fn similarity(&self, py: Python<'_>, a: &str, b: &str) -> PyResult<Similarity> {
        let of = || Ok::<_, core::Error>(self.inner.similarity(a, b));
        briefly(py, of).map(Similarity::from)
    }

    /// The passages that two texts share: runs of at least `min_words` consecutive words that both have, with gaps of at
    /// most `max_gap` words.
    #[pyo3(signature = (a, b, *, min_words=8, max_gap=3))]
    fn passages(
        &self,
        py: Python<'_>,
        a: &str,
        b: &str,
        min_words: usize,
        max_gap: usize,
    ) -> PyResult<Passages> {
        let finder = self.inner.passage_finder();
        let finder = finder.with_min_words(min_words).map_err(Raised::raised)?;
        let finder = finder.with_max_gap(max_gap).map_err(Raised::raised)?;
        let find = || {
            let similarity = self.inner.similarity(a, b);
            Ok::<_, core::Error>(Passages::new(finder.find(a, b), similarity))
        };
        briefly(py, find)
    }

    /// The signatures of texts: an Arrow array of lists of `hashes` numbers; null for a text without shingles.
    #[pyo3(signature = (texts, *, progress=None))]
    fn signatures(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Array> {
        let slots = self.of_signatures(py, texts, progress, |matrix, all| {
            all.extend(matrix.slots());
        })?;
        lists::<UInt32Type>(slots, self.inner.scheme().hashes())
    }

    /// The keys of the bands of texts: an Arrow array of lists with a number for each band; null for a text without
    /// shingles. Two texts are candidates if they have the same number in some band.
    #[pyo3(signature = (texts, *, progress=None))]
    fn bands(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Array> {
        let banding = self.inner.banding();
        let keys = self.of_signatures(py, texts, progress, |matrix, all| {
            all.extend(matrix.rows().flat_map(|row| banding.keys(row)));
        })?;
        lists::<UInt64Type>(keys, banding.bands())
    }

    /// The settings by name.
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let settings = to_python(py, &Value::Object(self.json(true)?))?;
        Ok(settings.cast_into::<PyDict>()?)
    }

    /// The bands of signatures, such as "21 x 6".
    #[getter]
    fn banding(&self) -> String {
        self.inner.banding().to_string()
    }

    /// The least probability with which a pair at the threshold is found.
    #[getter]
    fn recall(&self) -> f64 {
        self.inner.recall()
    }

    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let settings = to_python(py, &Value::Object(self.json(false)?))?;
        let settings = settings.cast_into::<PyDict>()?;
        if let Some(threads) = self.threads {
            settings.set_item("threads", threads)?;
        }
        Ok((PyTuple::empty(py), settings))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.builder == other.builder
    }

    fn __repr__(&self) -> PyResult<String> {
        let settings = self.json(false)?;
        let settings = settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let threads = self.threads.map(|threads| format!("threads={threads}"));
        let settings: Vec<String> = settings.chain(threads).collect();
        Ok(format!("Deduper({})", settings.join(", ")))
    }
}

impl Deduper {
    /// What `take` makes of the signatures of texts, and which texts have shingles.
    fn of_signatures<N: Send>(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        progress: Option<&Bound<'_, PyAny>>,
        take: impl Fn(&SignatureMatrix, &mut Vec<N>) + Sync,
    ) -> PyResult<(Vec<N>, Vec<bool>)> {
        const TOGETHER: usize = 1 << 14;
        let texts = Texts::of(texts, "texts")?;
        let texts = texts.slices();
        let work = |watched: &Watched| {
            let (mut numbers, mut valid) = (Vec::new(), Vec::with_capacity(texts.len()));
            for some in texts.chunks(TOGETHER) {
                watched.reach(Stage::Sketch, valid.len() as u64, texts.len() as u64)?;
                let matrix = self.inner.signatures(some);
                take(&matrix, &mut numbers);
                valid.extend((0..matrix.len()).map(|document| !matrix.is_empty_row(document)));
                numbers.reserve(numbers.len() / valid.len() * (texts.len() - valid.len()));
            }
            Ok::<_, Stopped>((numbers, valid))
        };
        with_progress(py, progress, |shown| run(py, self.threads, shown, work))
    }
}

/// The pairs of documents, and how they were found.
pub(crate) fn all_pairs<D: Document + Sync>(
    deduper: &core::Deduper,
    documents: &[D],
    options: &Run<'_>,
) -> Result<(Vec<core::Pair>, core::Recall), core::Error> {
    let mut pairs = Vec::new();
    let recall = deduper.try_pairs(documents, options, |pair| {
        pairs.push(pair);
        Ok::<(), core::Error>(())
    })?;
    Ok((pairs, recall))
}

/// A table of pairs of places.
pub(crate) fn table_of_pairs(pairs: &[core::Pair]) -> PyResult<Table> {
    let similarities = similarities(pairs.iter().map(|pair| pair.similarity));
    let places = [
        ("a", places(pairs.iter().map(|pair| pair.a))),
        ("b", places(pairs.iter().map(|pair| pair.b))),
    ];
    Table::new(places.into_iter().chain(similarities))
}

/// An array of lists of `many` numbers each.
fn lists<T: ArrowPrimitiveType>(
    (values, valid): (Vec<T::Native>, Vec<bool>),
    many: usize,
) -> PyResult<Array> {
    let field = Arc::new(Field::new("item", T::DATA_TYPE, false));
    let values = Arc::new(PrimitiveArray::<T>::new(values.into(), None));
    let many = many as u16; // no signature has more slots
    let lists = FixedSizeListArray::try_new(field, many.into(), values, Some(valid.into()));
    let lists = lists.map_err(|error| bug(&error.to_string()))?;
    Ok(Array::new(Arc::new(lists)))
}

/// The pairs of near-duplicates.
#[pyclass(frozen, extends = Table, module = "resemblance")]
pub(crate) struct Pairs {
    /// How they were found, and how many were probably missed.
    #[pyo3(get)]
    recall: Py<Recall>,
}

#[pymethods]
impl Pairs {
    fn __repr__(this: PyRef<'_, Self>) -> String {
        let recall = this.recall.get().text();
        format!(
            "<resemblance.Pairs: {} pairs; {recall}>",
            this.into_super().batch.num_rows()
        )
    }
}

/// Calls `work` with the callable that shows progress: `progress` itself, the bar of the package if it is True, or none.
/// A bar is closed afterwards.
pub(crate) fn with_progress<'py, T>(
    py: Python<'py>,
    progress: Option<&Bound<'py, PyAny>>,
    work: impl FnOnce(Option<&Bound<'py, PyAny>>) -> PyResult<T>,
) -> PyResult<T> {
    match progress {
        None => work(None),
        Some(progress) if progress.is_callable() => work(Some(progress)),
        Some(progress) => match progress.extract() {
            Ok(false) => work(None),
            Ok(true) => {
                let bar = py
                    .import("resemblance._progress")?
                    .getattr("Bar")?
                    .call0()?;
                let result = work(Some(&bar));
                bar.call_method0("close")?;
                result
            }
            Err(_) => Err(PyTypeError::new_err(
                "progress is neither True, False nor callable",
            )),
        },
    }
}

/// A JSON value as Python's.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?
        .call_method1("loads", (value.to_string(),))
}
