//! Jobs on files, with the options of the program `dedup`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use arrow_array::ArrayRef;
use arrow_array::builder::{Float64Builder, StringBuilder, UInt64Builder};
use clap::Parser as _;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyString};
use resemblance as core;
use resemblance::corpus;

use crate::arrow::Table;
use crate::deduper::{to_python, with_progress};
use crate::examples::dedup::{Args, Done};
use crate::running::run;
use crate::similarity::Recall;
use crate::texts::kind_of;

/// Finds the near-duplicates in files, chooses which copies to keep, and writes the outputs that are named.
///
/// `paths` is a path, a pattern, or several of them. The options are those of the command `resemblance dedup`, with
/// underscores instead of hyphens: `dedup("articles.jsonl", kept="kept.jsonl", threshold=0.7)`. Type checkers know them,
/// and `resemblance dedup --help` describes them. An option that may be given several times takes a list.
///
/// `table` says whether the result has a table of the removed documents, which is held in memory: by default yes, but not
/// with `memory` or `work`.
#[pyfunction]
#[pyo3(signature = (paths, *, table=None, progress=None, threads=None, **options))]
pub(crate) fn dedup(
    py: Python<'_>,
    paths: &Bound<'_, PyAny>,
    table: Option<bool>,
    progress: Option<&Bound<'_, PyAny>>,
    threads: Option<usize>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Decided> {
    let args = arguments(paths, options)?;
    let args = Args::try_parse_from(args).map_err(|error| {
        // The cause, without the usage of the command.
        let message = error.to_string();
        let cause = message.split("\n\n").next().unwrap_or_default();
        PyValueError::new_err(cause.trim_start_matches("error: ").to_owned())
    })?;
    if threads == Some(0) {
        return Err(PyValueError::new_err(
            "threads is 0: use 1 or more, or None for one per core",
        ));
    }
    if let Some(conflict) = args.conflict() {
        return Err(PyValueError::new_err(conflict));
    }
    let is_given = |name| options.map_or(Ok(false), |options| options.contains(name));
    let has_table = table.unwrap_or(!is_given("memory")? && !is_given("work")?);
    let start = Instant::now();
    let made = with_progress(py, progress, |shown| {
        run(py, threads, shown, |watch| {
            let done = Done::new(&args, watch)?;
            let summary = done.summary(&args)?;
            let text = summary.text(start.elapsed().as_secs_f64()).to_string();
            let counts = summary.counts_for_programs();
            let mut removed = Removed::default();
            if has_table {
                done.decided.for_each_cluster(|cluster| {
                    removed.add(&cluster);
                    Ok::<(), corpus::Error>(())
                })?;
            }
            let recalls = (*done.decided.recall(), done.decided.pairs().copied());
            done.decided.finish()?;
            Ok::<_, corpus::Error>((text, counts, removed, recalls))
        })
    })?;
    let (text, counts, removed, (recall, pairs)) = made;
    Ok(Decided {
        counts: to_python(py, &counts)?.cast_into::<PyDict>()?.unbind(),
        recall,
        pairs,
        removed: has_table
            .then(|| removed.table().and_then(|table| Py::new(py, table)))
            .transpose()?,
        text,
    })
}

/// The arguments of the program.
fn arguments(
    paths: &Bound<'_, PyAny>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<Vec<OsString>> {
    let mut arguments = vec![OsString::from("dedup")];
    for (name, value) in options.iter().flat_map(|options| options.iter()) {
        let name = format!("--{}", name.extract::<String>()?.replace('_', "-"));
        if matches!(&*name, "--log" | "--format" | "--help" | "--version") {
            return Err(PyTypeError::new_err(format!(
                "{name} is an option of the command alone"
            )));
        }
        for value in several(&value)? {
            match value.cast::<PyBool>() {
                Ok(yes) if yes.is_true() => arguments.push(name.clone().into()),
                Ok(_) => {}
                Err(_) if value.is_none() => {}
                Err(_) => {
                    let mut argument = OsString::from(&name);
                    argument.push("=");
                    argument.push(text_of(&name, &value)?);
                    arguments.push(argument);
                }
            }
        }
    }
    arguments.push("--".into());
    for path in several(paths)? {
        arguments.push(path_of(&path).ok_or_else(|| {
            PyTypeError::new_err(format!(
                "a path is {}, not str or os.PathLike",
                kind_of(&path)
            ))
        })?);
    }
    Ok(arguments)
}

/// The items of a list, tuple or other iterable; a path or another value is the only item.
fn several<'py>(value: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let is_one = value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>();
    match value.try_iter() {
        Ok(items) if !is_one => items.collect(),
        _ => Ok(vec![value.clone()]),
    }
}

fn path_of(value: &Bound<'_, PyAny>) -> Option<OsString> {
    let path = value.extract::<PathBuf>().ok()?;
    Some(path.into_os_string())
}

/// The text of an option: a string or path as it is, a number as the command takes it.
fn text_of(name: &str, value: &Bound<'_, PyAny>) -> PyResult<OsString> {
    if let Some(text) = path_of(value) {
        return Ok(text);
    }
    if value.is_instance_of::<PyInt>() {
        return Ok(value.str()?.to_string().into());
    }
    match value.extract::<f64>() {
        Ok(number) => Ok(number.to_string().into()), // 1e9 is 1000000000
        Err(_) => Err(PyTypeError::new_err(format!(
            "{} is {}, not str, a path or a number",
            name.trim_start_matches('-'),
            kind_of(value)
        ))),
    }
}

/// The removed documents, by columns.
#[derive(Default)]
struct Removed {
    id: StringBuilder,
    kept: StringBuilder,
    cluster: UInt64Builder,
    jaccard: Float64Builder,
    in_kept: Float64Builder,
    of_kept: Float64Builder,
    reason: StringBuilder,
    aside: Float64Builder,
}

impl Removed {
    fn add(&mut self, cluster: &corpus::DecidedCluster) {
        for (removed, like) in cluster.removals() {
            self.id.append_value(&removed.id);
            self.kept.append_value(like);
            self.cluster.append_value(cluster.number as u64 + 1); // as in the tables
            self.jaccard.append_value(removed.similarity.jaccard);
            self.in_kept.append_value(removed.similarity.containment_a);
            self.of_kept.append_value(removed.similarity.containment_b);
            self.reason.append_value(&removed.reason);
            self.aside.append_value(removed.aside);
        }
    }

    fn table(mut self) -> PyResult<Table> {
        let column = |array: ArrayRef| array;
        Table::new([
            ("id", column(Arc::new(self.id.finish()))),
            ("kept", column(Arc::new(self.kept.finish()))),
            ("cluster", column(Arc::new(self.cluster.finish()))),
            ("jaccard", column(Arc::new(self.jaccard.finish()))),
            (
                "containment_in_kept",
                column(Arc::new(self.in_kept.finish())),
            ),
            (
                "containment_of_kept",
                column(Arc::new(self.of_kept.finish())),
            ),
            ("reason", column(Arc::new(self.reason.finish()))),
            ("aside", column(Arc::new(self.aside.finish()))),
        ])
    }
}

/// What a job decided. Printed, it is the summary of the command.
#[pyclass(frozen, module = "resemblance")]
pub(crate) struct Decided {
    /// Numbers of records: `in` is the sum of `kept`, `removed` and `rejected`.
    #[pyo3(get)]
    counts: Py<PyDict>,
    recall: core::Recall,
    pairs: Option<core::Recall>,
    /// The removed documents: the columns `id`, `kept`, `cluster`, `jaccard`, `containment_in_kept`,
    /// `containment_of_kept`, `reason` and `aside`. None if the table was not asked for. With `keep="none"`, `kept` names a
    /// removed document: the one that represents the cluster, and for this one the second of the cluster.
    #[pyo3(get)]
    removed: Option<Py<Table>>,
    text: String,
}

#[pymethods]
impl Decided {
    /// How near-duplicates were found, and how many were probably missed.
    #[getter]
    fn recall(&self) -> Recall {
        self.recall.into()
    }

    /// The same of the table of pairs, if one was written.
    #[getter]
    fn pairs_recall(&self) -> Option<Recall> {
        self.pairs.map(Recall::from)
    }

    fn __str__(&self) -> &str {
        &self.text
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let counts = self.counts.bind(py);
        let recall = Recall::from(self.recall).text();
        Ok(format!(
            "<resemblance.Decided: {}; {recall}>",
            counts.str()?
        ))
    }
}
