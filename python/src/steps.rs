//! The steps of the distributed join, with bytes in Arrow columns between them, for `resemblance.spark`.
//!
//! Sets lie in *pages* of a bucket. The number of a set is that of its bucket, then its place among the fingerprints of the
//! bucket, 32 bits each. So it is the same whenever a step is repeated, in whatever order rows come.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, ArrayRef, Int32Array, Int64Array, LargeBinaryArray};
use arrow_schema::DataType;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use resemblance as core;
use resemblance::engine::{self, CommonPart, Counts, Join, Posting, Similar};
use resemblance::text::Shingles;
use resemblance::{PairsOfCopies, Run};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::arrow::Table;
use crate::clusters::table_of_removals;
use crate::deduper::{Deduper, all_pairs, table_of_pairs};
use crate::errors::{Raised, bug};
use crate::order::order_of;
use crate::running::{briefly_in, run};
use crate::texts::{Texts, arrays_of};

/// The number of fingerprints that a task remembers, to skip copies.
const REMEMBERED: usize = 1 << 20;
/// The bytes of a page, about.
const PAGE: usize = 1 << 20;

/// The steps of the distributed join, on the thread of the caller.
#[pyclass(frozen, module = "resemblance._native")]
pub(crate) struct Steps {
    join: Join,
    threads: usize,
    /// Fingerprints whose sets were passed on.
    seen: Mutex<HashSet<u128>>,
}

/// Some sets of a bucket, in the order of their fingerprints.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Page {
    #[serde(with = "serde_bytes")]
    fingerprints: Vec<u8>,
    sets: Sets,
}

/// Sets one after the other: their sizes, and their shingles in eight little-endian bytes each.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Sets {
    sizes: Vec<u32>,
    #[serde(with = "serde_bytes")]
    shingles: Vec<u8>,
}

/// Pairs to verify, with their first sets.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Asked {
    pairs: Vec<Similar>,
    numbers: Vec<u64>,
    sets: Sets,
}

/// The sets of a bucket.
struct Bucket {
    number: u64,
    fingerprints: Vec<u8>,
    sets: Decoded,
}

/// Sets as numbers.
struct Decoded {
    shingles: Vec<u64>,
    ends: Vec<usize>,
}

impl Sets {
    fn push(&mut self, set: &[u8]) {
        self.sizes.push((set.len() / 8) as u32);
        self.shingles.extend_from_slice(set);
    }

    fn push_shingles(&mut self, set: &[u64]) {
        self.sizes.push(set.len() as u32);
        self.shingles.extend(bytes(set));
    }
}

impl Decoded {
    fn new(all: impl IntoIterator<Item = Sets>) -> PyResult<Self> {
        let mut decoded = Self {
            shingles: Vec::new(),
            ends: vec![0],
        };
        for Sets { sizes, shingles } in all {
            let mut end = decoded.shingles.len();
            decoded.shingles.extend(numbers(&shingles));
            for size in sizes {
                end += size as usize;
                decoded.ends.push(end);
            }
            if end != decoded.shingles.len() {
                return Err(damaged());
            }
        }
        Ok(decoded)
    }

    fn len(&self) -> usize {
        self.ends.len() - 1
    }

    fn of(&self, place: usize) -> &[u64] {
        &self.shingles[self.ends[place]..self.ends[place + 1]]
    }

    fn all(&self) -> Vec<&[u64]> {
        (0..self.len()).map(|place| self.of(place)).collect()
    }
}

impl Bucket {
    fn new(number: u32, pages: &Binaries) -> PyResult<Self> {
        let mut pages: Vec<Page> = pages.received()?;
        pages.sort_unstable_by(|a, b| a.fingerprints.cmp(&b.fingerprints));
        let fingerprints = pages
            .iter()
            .map(|page| &page.fingerprints[..])
            .collect::<Vec<_>>()
            .concat();
        Ok(Self {
            number: u64::from(number),
            fingerprints,
            sets: Decoded::new(pages.into_iter().map(|page| page.sets))?,
        })
    }

    fn number_of(&self, place: usize) -> u64 {
        self.number << 32 | place as u64
    }

    fn set(&self, number: u64) -> PyResult<&[u64]> {
        let place = place_of(number) as usize;
        match bucket_of(number) == self.number && place < self.sets.len() {
            true => Ok(self.sets.of(place)),
            false => Err(damaged()),
        }
    }

    fn fingerprint(&self, place: usize) -> &[u8] {
        &self.fingerprints[16 * place..16 * place + 16]
    }
}

fn bucket_of(number: u64) -> u64 {
    number >> 32
}

fn place_of(number: u64) -> u64 {
    number & u64::from(u32::MAX)
}

fn bytes(numbers: &[u64]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let (numbers, _) = bytes.as_chunks();
    numbers.iter().map(|&number| u64::from_le_bytes(number))
}

fn damaged() -> PyErr {
    bug("a message between steps is damaged")
}

/// A column of bytes.
struct Binaries(Vec<ArrayRef>);

impl Binaries {
    fn of(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let arrays = arrays_of(value, "the column")?;
        let arrays = arrays.ok_or_else(|| PyTypeError::new_err("no Arrow column"))?;
        let is_binary = |array: &ArrayRef| {
            matches!(array.data_type(), DataType::Binary | DataType::LargeBinary)
        };
        match arrays.iter().all(is_binary) {
            true => Ok(Self(arrays)),
            false => Err(PyTypeError::new_err("no column of bytes")),
        }
    }

    fn iter(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.0.iter().flat_map(|array| {
            let values: Box<dyn Iterator<Item = Option<&[u8]>>> = match array.data_type() {
                DataType::Binary => Box::new(array.as_binary::<i32>().iter()),
                _ => Box::new(array.as_binary::<i64>().iter()),
            };
            values
        })
    }

    fn values(&self) -> Vec<&[u8]> {
        self.iter().flatten().collect()
    }

    /// The values as sets of shingles.
    fn sets(&self) -> Vec<Vec<u64>> {
        let sets = self.values().into_iter();
        sets.map(|set| numbers(set).collect()).collect()
    }

    fn received<T: DeserializeOwned>(&self) -> PyResult<Vec<T>> {
        let received = |bytes| postcard::from_bytes(bytes).map_err(|_| damaged());
        self.values().into_iter().map(received).collect()
    }
}

fn sent(message: &impl Serialize) -> PyResult<Vec<u8>> {
    postcard::to_allocvec(message).map_err(|error| bug(&error.to_string()))
}

/// A table of messages: where each goes, and its bytes.
fn messages(all: impl IntoIterator<Item = PyResult<(u32, Vec<u8>)>>) -> PyResult<Table> {
    let (to, bodies): (Vec<i32>, Vec<Vec<u8>>) = all
        .into_iter()
        .map(|message| message.map(|(to, body)| (to.cast_signed(), body)))
        .collect::<PyResult<Vec<_>>>()?
        .into_iter()
        .unzip();
    Table::new([
        ("to", Arc::new(Int32Array::from(to)) as ArrayRef),
        ("body", Arc::new(LargeBinaryArray::from_iter_values(bodies))),
    ])
}

fn table_of_set_pairs(pairs: &[Similar]) -> PyResult<Table> {
    let column = |of: fn(&Similar) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(
            pairs.iter().map(|pair| of(pair).cast_signed()),
        ))
    };
    Table::new([("a", column(|pair| pair.0)), ("b", column(|pair| pair.1))])
}

/// Sizes as a column.
fn int64_column(sizes: impl Iterator<Item = usize>) -> ArrayRef {
    let sizes = sizes.map(|size| (size as u64).cast_signed());
    Arc::new(Int64Array::from_iter_values(sizes))
}

/// A column of whole numbers.
fn integers(value: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    let arrays = arrays_of(value, "the column")?;
    let arrays = arrays.ok_or_else(|| PyTypeError::new_err("no Arrow column"))?;
    let values = |array: &ArrayRef| match array.as_primitive_opt::<Int64Type>() {
        Some(array) => Ok(array
            .values()
            .iter()
            .map(|number| number.cast_unsigned())
            .collect()),
        None => Err(PyTypeError::new_err("no column of int64")),
    };
    Ok(arrays
        .iter()
        .map(values)
        .collect::<PyResult<Vec<Vec<u64>>>>()?
        .concat())
}

impl Steps {
    fn briefly<T: Send>(&self, py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
        briefly_in(py, Some(self.threads), || Ok::<T, core::Error>(work()))
    }
}

#[pymethods]
impl Steps {
    #[new]
    fn new(deduper: &Deduper) -> PyResult<Self> {
        Ok(Self {
            join: Join::new(&deduper.inner).map_err(Raised::raised)?,
            threads: deduper.threads.unwrap_or(1),
            seen: Mutex::default(),
        })
    }

    /// The fingerprints of texts (null for a text without shingles), their numbers of distinct shingles, and their bytes.
    fn digests(&self, py: Python<'_>, texts: &Bound<'_, PyAny>) -> PyResult<Table> {
        let texts = Texts::of(texts, "text")?;
        let slices = texts.slices();
        let digests = self.briefly(py, || self.join.digests(&slices))?;
        let fingerprints = digests
            .iter()
            .map(|digest| digest.fingerprint.map(u128::to_be_bytes));
        let lengths = int64_column(slices.iter().map(|text| text.len()));
        let shingles = int64_column(digests.iter().map(|digest| digest.shingles.len()));
        Table::new([
            (
                "fingerprint",
                Arc::new(fingerprints.collect::<LargeBinaryArray>()) as ArrayRef,
            ),
            ("shingles", shingles),
            ("bytes", lengths),
        ])
    }

    /// The sets of texts, with their fingerprints, for some buckets. Texts without shingles and most copies are left out.
    fn sets(&self, py: Python<'_>, texts: &Bound<'_, PyAny>, buckets: u32) -> PyResult<Table> {
        let texts = Texts::of(texts, "text")?;
        let slices = texts.slices();
        let digests = self.briefly(py, || self.join.digests(&slices))?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let sets = digests.iter().filter_map(|digest| {
            let fingerprint = digest.fingerprint?;
            if seen.len() >= REMEMBERED {
                seen.clear();
            }
            seen.insert(fingerprint)
                .then_some((fingerprint, &digest.shingles))
        });
        let sets: Vec<(u128, &Vec<u64>)> = sets.collect();
        let bucket = |fingerprint: u128| (((fingerprint >> 64) * u128::from(buckets)) >> 64) as i32;
        let buckets = sets.iter().map(|&(fingerprint, _)| bucket(fingerprint));
        let fingerprints = sets
            .iter()
            .map(|(fingerprint, _)| fingerprint.to_be_bytes());
        let shingles = sets.iter().map(|(_, set)| bytes(set));
        Table::new([
            (
                "to",
                Arc::new(Int32Array::from_iter_values(buckets)) as ArrayRef,
            ),
            (
                "fingerprint",
                Arc::new(LargeBinaryArray::from_iter_values(fingerprints)),
            ),
            (
                "set",
                Arc::new(LargeBinaryArray::from_iter_values(shingles)),
            ),
        ])
    }

    /// The distinct sets of a bucket as pages.
    #[staticmethod]
    fn pack(to: u32, fingerprints: &Bound<'_, PyAny>, sets: &Bound<'_, PyAny>) -> PyResult<Table> {
        let (fingerprints, sets) = (Binaries::of(fingerprints)?, Binaries::of(sets)?);
        let sets: BTreeMap<&[u8], &[u8]> = fingerprints
            .values()
            .into_iter()
            .zip(sets.values())
            .collect();
        let (mut pages, mut page) = (Vec::new(), Page::default());
        for (fingerprint, set) in sets {
            page.fingerprints.extend_from_slice(fingerprint);
            page.sets.push(set);
            if page.sets.shingles.len() >= PAGE {
                pages.push(std::mem::take(&mut page));
            }
        }
        pages.push(page);
        messages(pages.iter().map(|page| Ok((to, sent(page)?))))
    }

    /// Counts the shingles of a bucket, by range.
    fn count(&self, py: Python<'_>, pages: &Bound<'_, PyAny>, ranges: u32) -> PyResult<Table> {
        let bucket = Bucket::new(0, &Binaries::of(pages)?)?;
        let counts = self.briefly(py, || Counts::of(&bucket.sets.all()).split(ranges))?;
        let some = (0..).zip(&counts).filter(|(_, counts)| !counts.is_empty());
        messages(some.map(|(range, counts)| Ok((range, sent(counts)?))))
    }

    /// Adds up the counts of a range that the buckets `sources` sent, and returns to each what it needs of the sums.
    fn sum(&self, py: Python<'_>, sources: Vec<u32>, counts: &Bound<'_, PyAny>) -> PyResult<Table> {
        let counts: Vec<Counts> = Binaries::of(counts)?.received()?;
        let replies: Vec<Counts> = self.briefly(py, || {
            let sum = Counts::sum(&counts);
            counts.iter().map(|asked| sum.repeated(asked)).collect()
        })?;
        messages(
            sources
                .into_iter()
                .zip(&replies)
                .map(|(to, counts)| Ok((to, sent(counts)?))),
        )
    }

    /// Scans a bucket: returns postings for ranges, and common parts.
    fn scan(
        &self,
        py: Python<'_>,
        bucket: u32,
        pages: &Bound<'_, PyAny>,
        counts: &Bound<'_, PyAny>,
        ranges: u32,
    ) -> PyResult<(Table, Table)> {
        let bucket = Bucket::new(bucket, &Binaries::of(pages)?)?;
        let counts: Vec<Counts> = Binaries::of(counts)?.received()?;
        let sets =
            (0..bucket.sets.len()).map(|place| (bucket.number_of(place), bucket.sets.of(place)));
        let scanned = self.briefly(py, || self.join.scan(sets, &Counts::sum(&counts)))?;
        let mut postings: BTreeMap<u32, Vec<Posting>> = BTreeMap::new();
        for posting in scanned.postings {
            postings
                .entry(posting.range(ranges))
                .or_default()
                .push(posting);
        }
        let mut parts: BTreeMap<u32, Vec<CommonPart>> = BTreeMap::new();
        for part in scanned.common_parts {
            let range = (part.key() % u64::from(ranges)) as u32;
            parts.entry(range).or_default().push(part);
        }
        Ok((
            messages(
                postings
                    .iter()
                    .map(|(&to, postings)| Ok((to, sent(postings)?))),
            )?,
            messages(parts.iter().map(|(&to, parts)| Ok((to, sent(parts)?))))?,
        ))
    }

    /// The candidates of a range, for the buckets of their first sets.
    fn candidates(&self, py: Python<'_>, postings: &Bound<'_, PyAny>) -> PyResult<Table> {
        let postings: Vec<Vec<Posting>> = Binaries::of(postings)?.received()?;
        let pairs = self.briefly(py, || self.join.candidates(&postings.concat()))?;
        let by_bucket = pairs.chunk_by(|x, y| bucket_of(x.0) == bucket_of(y.0));
        messages(by_bucket.map(|pairs| Ok((bucket_of(pairs[0].0) as u32, sent(&pairs)?))))
    }

    /// The first sets of candidates, for the buckets of the second ones.
    #[staticmethod]
    fn fetch(bucket: u32, pages: &Bound<'_, PyAny>, pairs: &Bound<'_, PyAny>) -> PyResult<Table> {
        let bucket = Bucket::new(bucket, &Binaries::of(pages)?)?;
        let pairs: Vec<Vec<Similar>> = Binaries::of(pairs)?.received()?;
        let mut pairs = pairs.concat();
        pairs.sort_unstable_by_key(|&(a, b)| (bucket_of(b), a, b));
        pairs.dedup();
        let asked = |pairs: &[Similar]| {
            let mut asked = Asked {
                pairs: pairs.to_vec(),
                ..Asked::default()
            };
            for of_set in pairs.chunk_by(|x, y| x.0 == y.0) {
                asked.numbers.push(of_set[0].0);
                asked.sets.push_shingles(bucket.set(of_set[0].0)?);
            }
            Ok((bucket_of(pairs[0].1) as u32, sent(&asked)?))
        };
        messages(
            pairs
                .chunk_by(|x, y| bucket_of(x.1) == bucket_of(y.1))
                .map(asked),
        )
    }

    /// The candidates that are similar, given the bucket of the second sets.
    fn verify(
        &self,
        py: Python<'_>,
        bucket: u32,
        pages: &Bound<'_, PyAny>,
        asked: &Bound<'_, PyAny>,
    ) -> PyResult<Table> {
        let bucket = Bucket::new(bucket, &Binaries::of(pages)?)?;
        let mut pairs = Vec::new();
        for Asked {
            pairs: asked,
            numbers,
            sets,
        } in Binaries::of(asked)?.received()?
        {
            let sets = Decoded::new([sets])?;
            let firsts: BTreeMap<u64, &[u64]> = numbers.into_iter().zip(sets.all()).collect();
            let similar = self.briefly(py, || {
                let is_similar = |&(a, b): &Similar| {
                    let first = firsts.get(&a).ok_or_else(damaged)?;
                    Ok(self
                        .join
                        .are_similar(first, bucket.set(b)?)
                        .then_some((a, b)))
                };
                asked
                    .iter()
                    .map(is_similar)
                    .filter_map(Result::transpose)
                    .collect::<PyResult<Vec<_>>>()
            })?;
            pairs.extend(similar?);
        }
        table_of_set_pairs(&pairs)
    }

    /// Puts equal common parts together: returns the parts in a message to one place, 0, and pairs of similar sets.
    fn merge(&self, py: Python<'_>, parts: &Bound<'_, PyAny>) -> PyResult<(Table, Table)> {
        let parts: Vec<Vec<CommonPart>> = Binaries::of(parts)?.received()?;
        let (parts, pairs) = self.briefly(py, || self.join.merge(parts.concat()))?;
        Ok((
            messages([Ok((0, sent(&parts)?))])?,
            table_of_set_pairs(&pairs)?,
        ))
    }

    /// Pairs of sets that are similar by all common parts.
    fn connect(&self, py: Python<'_>, parts: &Bound<'_, PyAny>) -> PyResult<Table> {
        let parts: Vec<Vec<CommonPart>> = Binaries::of(parts)?.received()?;
        let pairs = run(py, Some(self.threads), None, |_| {
            self.join.connect(&parts.concat())
        })?;
        table_of_set_pairs(&pairs)
    }

    /// Sets of a bucket by place, with their fingerprints.
    #[staticmethod]
    fn take(pages: &Bound<'_, PyAny>, places: Vec<u32>) -> PyResult<Table> {
        let bucket = Bucket::new(0, &Binaries::of(pages)?)?;
        let places: Vec<usize> = places.into_iter().map(|place| place as usize).collect();
        if places.iter().any(|&place| place >= bucket.sets.len()) {
            return Err(damaged());
        }
        let fingerprints = places.iter().map(|&place| bucket.fingerprint(place));
        let sets = places.iter().map(|&place| bucket.sets.of(place));
        let sets = sets.map(bytes);
        Table::new([
            (
                "fingerprint",
                Arc::new(LargeBinaryArray::from_iter_values(fingerprints)) as ArrayRef,
            ),
            ("set", Arc::new(LargeBinaryArray::from_iter_values(sets))),
        ])
    }

    /// The sets of a bin that are removed, by place, and the set that is kept instead: of each cluster, that with the least
    /// rank.
    fn decide(
        &self,
        py: Python<'_>,
        sets: &Bound<'_, PyAny>,
        ranks: &Bound<'_, PyAny>,
    ) -> PyResult<Table> {
        let sets = Binaries::of(sets)?.sets();
        let order = order_of(ranks, sets.len())?;
        let documents: Vec<Shingles<'_>> = sets.iter().map(|set| Shingles(set)).collect();
        let clusters = run(py, Some(self.threads), None, |watch| {
            let options = Run::new().watch(watch).keep_by(&order);
            self.join.deduper().try_clusters(&documents, &options)
        })?;
        table_of_removals(clusters.removed())
    }

    /// The similar pairs of the sets of a bin: `a` and `b` (places), and their similarity.
    fn pairs(&self, py: Python<'_>, sets: &Bound<'_, PyAny>) -> PyResult<Table> {
        let sets = Binaries::of(sets)?.sets();
        let documents: Vec<Shingles<'_>> = sets.iter().map(|set| Shingles(set)).collect();
        let (pairs, _) = run(py, Some(self.threads), None, |watch| {
            let options = Run::new().watch(watch).pairs_of_copies(PairsOfCopies::Star);
            all_pairs(self.join.deduper(), &documents, &options)
        })?;
        table_of_pairs(&pairs)
    }
}

/// Pairs that connect the same sets as these, fewer than there are sets.
#[pyfunction]
pub(crate) fn forest(
    py: Python<'_>,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
) -> PyResult<Table> {
    let mut pairs = connected(py, a, b)?;
    pairs.retain(|(set, least)| set != least);
    table_of_set_pairs(&pairs)
}

/// The sets of pairs by bucket (`to`) and `place`, each in a `bin` of about `together` sets with those that it is connected with.
#[pyfunction]
pub(crate) fn bins(
    py: Python<'_>,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    together: usize,
) -> PyResult<Table> {
    let mut sets = connected(py, a, b)?;
    sets.sort_unstable_by_key(|&(set, least)| (least, set));
    let mut bins: Vec<i32> = Vec::with_capacity(sets.len());
    for component in sets.chunk_by(|x, y| x.1 == y.1) {
        let bin = ((bins.len() / together) as u32).cast_signed();
        bins.extend(component.iter().map(|_| bin));
    }
    let numbers = |of: fn(u64) -> u64| -> ArrayRef {
        Arc::new(Int32Array::from_iter_values(
            sets.iter().map(|&(set, _)| of(set) as i32),
        ))
    };
    Table::new([
        ("to", numbers(bucket_of)),
        ("place", numbers(place_of)),
        ("bin", Arc::new(Int32Array::from(bins))),
    ])
}

fn connected(py: Python<'_>, a: &Bound<'_, PyAny>, b: &Bound<'_, PyAny>) -> PyResult<Vec<Similar>> {
    let (a, b) = (integers(a)?, integers(b)?);
    if a.len() != b.len() {
        return Err(PyValueError::new_err("columns of two lengths"));
    }
    briefly_in(py, Some(1), || {
        let pairs: Vec<Similar> = a.into_iter().zip(b).collect();
        Ok::<_, core::Error>(engine::components(&pairs))
    })
}
