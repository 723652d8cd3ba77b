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
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};
use resemblance as core;
use resemblance::corpus;

use crate::arrow::Table;
use crate::deduper::{to_python, with_progress};
use crate::examples::dedup::{Args, Done};
use crate::running::run;
use crate::similarity::Recall;

/// Finds the near-duplicates in files, chooses which copies to keep, and writes the outputs that are named.
///
/// `paths` is a path, a pattern, or a list of them. The options are those of the command `resemblance dedup`, with
/// underscores: `dedup("articles.jsonl", kept="kept.jsonl", threshold=0.7)`; `resemblance dedup --help` lists them. An
/// option that may be given several times takes a list. With `table`, the result has a table of the removed documents;
/// by default it has unless `memory` or `work` is given.
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
    let args =
        Args::try_parse_from(args).map_err(|error| PyValueError::new_err(error.to_string()))?;
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
                    argument.push(path_or_text(&value)?);
                    arguments.push(argument);
                }
            }
        }
    }
    arguments.push("--".into());
    for path in several(paths)? {
        arguments.push(path_or_text(&path)?);
    }
    Ok(arguments)
}

/// The items of a list or tuple, or the value alone.
fn several<'py>(value: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    match value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        true => value.try_iter()?.collect(),
        false => Ok(vec![value.clone()]),
    }
}

/// The text of an argument: a path or string as it is, another value as Python writes it.
fn path_or_text(value: &Bound<'_, PyAny>) -> PyResult<OsString> {
    match value.is_instance_of::<PyString>() || value.hasattr("__fspath__")? {
        true => value.extract::<PathBuf>().map(PathBuf::into_os_string),
        false => Ok(value.str()?.to_string().into()),
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
        for removed in &cluster.removed {
            self.id.append_value(&removed.id);
            self.kept.append_value(&cluster.kept);
            self.cluster.append_value(cluster.number as u64);
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
    /// `containment_of_kept`, `reason` and `aside`. None if the table was not asked for.
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
