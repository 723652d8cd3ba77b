//! The documents of indexes with which new ones are compared.

use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::aside::{Maker, SetAside};
use crate::batch::{Memory, Shingled};
use crate::boundary::IndexedFrom;
use crate::corpus::error::Error;
use crate::corpus::escape::escaped_bytes;
use crate::corpus::formats::fields::Fields;
use crate::corpus::ids::used_before;
use crate::digest::{Digester, Digests};
use crate::settings::Settings;
use crate::storage::{Checks, Stored, StoredDocument, StoredId};
use crate::text::ReadError;
use crate::verify::ShingleSet;
use crate::weights::{StoredFrequency, Weights};

/// Stored indexes with shingle sets. Their documents are numbered through all indexes, in the order in which the user
/// named these.
#[derive(Debug, Default)]
pub(crate) struct Indexed {
    indexes: Vec<(PathBuf, Stored)>,
    /// For each index, the number of documents in it and all indexes before it.
    ends: Vec<u32>,
    /// The repeated passages of groups that the indexes know.
    aside: Option<SetAside>,
}

impl Indexed {
    /// Opens indexes. Fails if a job with other settings wrote one.
    pub(crate) fn open(
        dirs: &[PathBuf],
        settings: &Settings,
        fields: &Fields,
    ) -> Result<Self, Error> {
        let mut indexed = Self {
            aside: fields.sets_aside().then(|| settings.counter().none(None)),
            ..Self::default()
        };
        for dir in dirs {
            let stored = Stored::open(dir, Checks::All)?;
            stored.expect_ids(String::KIND)?;
            is_of(&stored, dir, settings)?;
            indexed.refuse_again(&stored, dir)?;
            indexed.take_aside(&stored, dir)?;
            expect_weights(&stored, dir, settings.weights())?;
            let end = u64::from(indexed.len()) + u64::from(stored.len());
            let end = u32::try_from(end).map_err(|_| crate::Error::too_many(end as usize))?;
            indexed.ends.push(end);
            indexed.indexes.push((dir.clone(), stored));
        }
        Ok(indexed)
    }

    /// Fails if an index contains an id of an earlier index.
    fn refuse_again(&self, stored: &Stored, dir: &Path) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(());
        }
        let ids = stored.ids();
        let used = |row| self.find(std::str::from_utf8(ids.id(row)?).ok()?);
        match (0..stored.len()).find_map(used) {
            Some(used) => Err(Error::refused(format!(
                "the index {} cannot be used together with the others: {used}",
                shown(dir)
            ))),
            None => Ok(()),
        }
    }

    /// Refuses an index that has an id twice, by documents whose ids earlier ones have, sorted, and those; documents of
    /// indexes come after `indexed_from`.
    pub(crate) fn check_repeated(
        &self,
        repeated: &[(u32, u32)],
        indexed_from: IndexedFrom,
    ) -> Result<(), Error> {
        let of_index = repeated
            .iter()
            .find_map(|&(document, _)| indexed_from.place(document));
        let twice = repeated.windows(2).find(|pair| pair[0].0 == pair[1].0);
        let document = match (of_index, twice) {
            (Some(document), _) => document,
            (None, Some(pair)) => indexed_from.place(pair[1].1).unwrap_or_default(),
            (None, None) => return Ok(()),
        };
        let (dir, _) = &self.indexes[self.index_of(document)];
        let why = format!(
            "it is corrupt: it contains the id `{}` twice",
            self.id(document)
        );
        Err(Error::io("read", dir, io::Error::other(why)))
    }

    /// The number of documents in all indexes.
    pub(crate) fn len(&self) -> u32 {
        self.ends.last().copied().unwrap_or(0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A fingerprint of the indexes, by which a resumed job detects changes.
    pub(crate) fn stamp(&self) -> String {
        let stamps = self
            .indexes
            .iter()
            .map(|(dir, stored)| format!("{} {}", shown(dir), stored.checksum()));
        stamps.collect::<Vec<_>>().join(", ")
    }

    /// Why a new document cannot have this id, if an index contains it.
    pub(crate) fn find(&self, id: &str) -> Option<String> {
        let has = |(_, stored): &&(_, Stored)| stored.ids().find(id.as_bytes()).is_some();
        let (dir, _) = self.indexes.iter().find(has)?;
        Some(used_in(id, dir))
    }

    /// Why a new document cannot have the id of an indexed one.
    pub(crate) fn used(&self, document: u32, id: &str) -> String {
        used_in(id, &self.indexes[self.index_of(document)].0)
    }

    /// The number of the index that contains a document.
    fn index_of(&self, document: u32) -> usize {
        self.ends.partition_point(|&end| end <= document)
    }

    /// The first document of an index.
    fn start(&self, index: usize) -> u32 {
        index.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    /// The index that contains a document, and its row there.
    fn row(&self, document: u32) -> (&Stored, u32) {
        let index = self.index_of(document);
        (&self.indexes[index].1, document - self.start(index))
    }

    pub(crate) fn id(&self, document: u32) -> String {
        let (stored, row) = self.row(document);
        String::from_utf8_lossy(stored.ids().id(row).unwrap_or_default()).into_owned()
    }

    /// The shingle set of a document.
    pub(crate) fn set(&self, document: u32) -> ShingleSet {
        let (stored, row) = self.row(document);
        let set = stored.sets().and_then(|sets| sets.set(row));
        ShingleSet::of_bytes(set.unwrap_or_default())
    }

    /// The number of documents that a document stands for: itself, and those that earlier jobs removed for it.
    pub(crate) fn count(&self, document: u32) -> u64 {
        let (stored, row) = self.row(document);
        let count = stored.counts().get(row as usize);
        count.map_or(1, |&count| u64::from_le_bytes(count))
    }

    /// The number of documents in a cluster: the new ones, and all for which those of indexes stand. The documents of the
    /// indexes are numbered from `indexed_from` on.
    pub(crate) fn size(
        &self,
        documents: impl Iterator<Item = u32>,
        indexed_from: IndexedFrom,
    ) -> u64 {
        let place = |document| indexed_from.place(document);
        let counts = documents.map(|document| place(document).map_or(1, |at| self.count(at)));
        counts.fold(0, u64::saturating_add) // the file may be damaged
    }

    /// The documents that share a band with one of `digests`, ascending.
    pub(crate) fn candidates(&self, digests: &Digests, settings: &Settings) -> Vec<u32> {
        let banding = settings.banding();
        let near = |row: &[u32]| {
            let keys: Vec<u64> = banding.keys(row).collect();
            let indexes = self.indexes.iter().enumerate();
            indexes
                .flat_map(|(index, (_, stored))| {
                    let rows = stored.bands().rows(&keys).into_iter();
                    // The file may be damaged.
                    let rows = rows.filter(|&row| row < stored.len());
                    rows.map(move |row| self.start(index) + row)
                })
                .collect::<Vec<u32>>()
        };
        let mut all = digests.rows().flat_map_iter(near).collect::<Vec<u32>>();
        all.par_sort_unstable();
        all.dedup();
        all
    }

    /// The number of documents that the indexes have counted, and their tables of frequencies, if shingles are weighed.
    pub(crate) fn frequencies(&self) -> (u64, Vec<&[StoredFrequency]>) {
        let stored = self.indexes.iter();
        let all = stored.filter_map(|(_, stored)| stored.frequencies());
        all.fold((0, Vec::new()), |(sum, mut tables), (sets, table)| {
            tables.push(table);
            (sum + sets, tables)
        })
    }

    /// The fingerprints of all sets, ascending.
    pub(crate) fn fingerprints(&self) -> Result<Vec<u128>, Error> {
        let mut all = Vec::new();
        self.for_each_some(1 << 20, |some| {
            all.extend(some.iter().map(|document| document.set.fingerprint()));
            Ok(())
        })?;
        all.sort_unstable();
        Ok(all)
    }

    /// The repeated passages of groups that the indexes know, if passages are set aside.
    pub(crate) fn aside(&self) -> Option<&SetAside> {
        self.aside.as_ref()
    }

    /// Adds the repeated passages of an index. Fails if only the index or only this job sets passages aside.
    fn take_aside(&mut self, stored: &Stored, dir: &Path) -> Result<(), Error> {
        let refuse = |why: String| Err(Error::refused(format!("the index {} {why}", shown(dir))));
        match (stored.aside(), &mut self.aside) {
            (None, None) => Ok(()),
            (Some(numbers), Some(aside)) => {
                let mut numbers = numbers.peekable();
                let (words, own) = (numbers.peek().copied(), aside.words());
                if words != Some(own as u64) {
                    let words = words.unwrap_or_default();
                    return refuse(format!(
                        "sets aside passages of {words} words, but this job those of {own}: use --set-aside-words {words}"
                    ));
                }
                match aside.emptied().with_numbers(numbers) {
                    Some(of_index) => aside.join(&of_index),
                    None => return refuse("is corrupt: its repeated passages end early; restore a copy of it, or write it anew".to_owned()),
                }
                Ok(())
            }
            (Some(_), None) => refuse(
                "was written with --set-aside or --set-aside-host, but this job has neither: use the same option".to_owned(),
            ),
            (None, Some(_)) => refuse(
                "was written without --set-aside and --set-aside-host: leave the option out, or write the index anew with it"
                    .to_owned(),
            ),
        }
    }

    /// The digests of some documents.
    pub(crate) fn digests(&self, documents: &[u32], digester: &Digester) -> Digests {
        const TOGETHER: usize = 1 << 10;
        let of = |documents: &[u32]| {
            let sets = documents.iter().map(|&document| self.set(document));
            digester.of_sets(sets)
        };
        let parts: Vec<Digests> = documents.par_chunks(TOGETHER).map(of).collect();
        let mut all = digester.empty();
        for mut part in parts {
            let keep = vec![true; part.len()];
            all.append(&mut part, &keep);
        }
        all
    }

    /// Reads all documents, and calls `each` with batches of about `bytes` bytes.
    pub(crate) fn for_each_some(
        &self,
        bytes: usize,
        mut each: impl FnMut(Vec<StoredDocument>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for (_, stored) in &self.indexes {
            let mut reader = stored.read_documents()?;
            let (mut some, mut held) = (Vec::new(), 0);
            while let Some(document) = reader.next()? {
                held += size_of::<StoredDocument>() + document.id.len() + 8 * document.set.len();
                some.push(document);
                if held >= bytes {
                    each(std::mem::take(&mut some))?;
                    held = 0;
                }
            }
            each(some)?;
        }
        Ok(())
    }
}

/// Fails if an index has other settings.
fn is_of(stored: &Stored, dir: &Path, settings: &Settings) -> Result<(), Error> {
    let about = stored.about();
    let (bands, rows) = about.banding;
    let scheme = [&about.scheme, settings.scheme()].map(ToString::to_string);
    let threshold = [about.threshold, settings.threshold()].map(|of| of.to_string());
    let banding = [format!("{bands} x {rows}"), settings.banding().to_string()];
    let dir = shown(dir);
    for (what, [is, own], from) in [
        ("scheme", scheme, ""),
        ("threshold", threshold, ""),
        ("banding", banding, ", which follows from --recall"),
    ] {
        if is != own {
            return Err(Error::refused(format!(
                "the index {dir} has the {what} {is}, but this job has {own}{from}: use the settings of the index"
            )));
        }
    }
    match stored.sets() {
        Some(_) => Ok(()),
        None => Err(Error::refused(format!(
            "the index {dir} has no shingle sets: use one that a job wrote (--save-index)"
        ))),
    }
}

/// Fails if only the index or only this job weighs shingles.
fn expect_weights(stored: &Stored, dir: &Path, weights: Weights) -> Result<(), Error> {
    let why = match (stored.frequencies(), weights) {
        (None, Weights::None) | (Some(_), Weights::Ln) => return Ok(()),
        (Some(_), _) => "was written with --weights ln: use the same option",
        (None, _) => {
            "was written without weights: leave --weights out, or write the index anew with it"
        }
    };
    Err(Error::refused(format!("the index {} {why}", shown(dir))))
}

fn used_in(id: &str, dir: &Path) -> String {
    used_before(id, &format_args!("in the index {}", shown(dir)))
}

fn shown(dir: &Path) -> String {
    escaped_bytes(dir.as_os_str())
}

/// A document to compare: a new one, or one of an index.
pub(crate) enum NewOrIndexed<'d, D> {
    New(&'d D),
    Indexed(&'d Indexed, u32),
}

impl<D: Shingled> Shingled for NewOrIndexed<'_, D> {
    fn shingle(&self, maker: &Maker, memory: &mut Memory) -> Result<(), ReadError> {
        match self {
            Self::New(document) => document.shingle(maker, memory)?,
            Self::Indexed(indexed, document) => {
                memory.hashes.clear();
                memory
                    .hashes
                    .extend_from_slice(indexed.set(*document).hashes());
            }
        }
        Ok(())
    }

    fn byte_len(&self) -> usize {
        match self {
            Self::New(document) => document.byte_len(),
            Self::Indexed(..) => 0,
        }
    }
}
