//! The stages of a job, one after the other.

use std::sync::Arc;

use crate::aside::Maker;
use crate::boundary::IndexedFrom;
use crate::candidates::Crowds;
use crate::corpus::error::Error;
use crate::corpus::ids::advice;
use crate::corpus::indexed::Indexed;
use crate::corpus::inputs::sources::Sources;
use crate::corpus::job::Job;
use crate::corpus::job::answers::clusters::{self, Counted};
use crate::corpus::job::answers::keep_order::KeepOrder;
use crate::corpus::job::answers::labels::Labelling;
use crate::corpus::job::answers::pairs::Pairing;
use crate::corpus::job::candidates::crowding::{Crowding, InBuckets, Mark};
use crate::corpus::job::candidates::first_documents::{FirstDocuments, NONE, repeated_ids};
use crate::corpus::job::candidates::joining::{Candidates, Certain, Edges, Joining};
use crate::corpus::job::candidates::narrowing::Narrowing;
use crate::corpus::job::candidates::samples::SamplesOnDisk;
use crate::corpus::job::candidates::signatures::SignatureFilter;
use crate::corpus::job::candidates::weighing::Weighing;
use crate::corpus::job::disk::folder::{Folder, Whole};
use crate::corpus::job::disk::manifest::{
    DecidedDone, FoundDone, PickedDone, ReadDone, SetsDone, Work,
};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::Partitions;
use crate::corpus::job::disk::row::Row;
use crate::corpus::job::disk::set_store::SetStore;
use crate::corpus::job::memory_plan::MemoryPlan;
use crate::corpus::job::passes::first::FirstPass;
use crate::corpus::job::passes::passages::{self, Passages};
use crate::corpus::job::passes::rejected::Late;
use crate::corpus::job::passes::reread::Reread;
use crate::corpus::job::passes::row_cursor::Known;
use crate::corpus::job::passes::sets::Sets;
use crate::corpus::limit::RecordLimit;
use crate::corpus::outputs::sink::Table;
use crate::corpus::reading::parse::Parser;
use crate::corpus::reading::read::Reading;
use crate::corpus::unusable::OnBad;
use crate::digest::Digester;
use crate::exact::{self, CommonJoin, OutOfWork, pays_again, survivors};
use crate::method::{Method, Reason};
use crate::recall::{LinkTally, PairTally, Recall};
use crate::text::arch::STRIPS;
use crate::threshold::Threshold;
use crate::watch::{Stage, Ticker, Watch};
use crate::weights::{Known as KnownFrequencies, Weights};

/// The stages of a job. Each is skipped if the manifest records it as done.
pub(super) struct Stages<'j> {
    pub(super) job: &'j Job,
    pub(super) sources: &'j Sources,
    pub(super) indexed: &'j Indexed,
    pub(super) maker: Maker,
    pub(super) plan: MemoryPlan,
    pub(super) limit: RecordLimit,
    pub(super) watch: Option<&'j dyn Watch>,
}

impl Stages<'_> {
    fn ticker<'t>(&'t self, folder: &'t Folder, stage: Stage, total: usize) -> Ticker<'t> {
        Ticker::spilling(self.watch, stage, total, folder.spilled())
    }

    fn is_exact(&self) -> bool {
        self.job.method() == Method::Exact
    }

    fn is_by_probes(&self) -> bool {
        self.job.settings.is_by_probes()
    }

    /// Reads the records and counts their passages, if they may have groups. Returns the maker of shingles, which sets
    /// repeated passages aside.
    pub(super) fn set_aside(&self, work: &mut Work) -> Result<Maker, Error> {
        let Job {
            settings, options, ..
        } = self.job;
        let shingler = settings.sketcher().shingler();
        if !options.fields.sets_aside() {
            return Ok(Maker::whole(shingler));
        }
        let counter = settings.counter();
        if work.manifest.aside.is_some() {
            let aside = passages::read(&work.folder, &counter)?;
            return Ok(Maker::without(shingler, Arc::new(aside)));
        }
        let parser = Parser {
            options,
            digester: None,
            counter: Some(&counter),
            look: None,
            hold: false,
            limit: self.limit,
        };
        let folder = &work.folder;
        let ticker = self.ticker(folder, Stage::Read, self.sources.size() as usize);
        let mut counting = Passages::new(folder, &counter, &self.plan)?;
        Reading::new(&self.sources.inputs, parser, ticker, &mut counting)
            .rounds_of(self.plan.of_records(settings.banding()))
            .run()?;
        let aside = counting.finish(folder, self.indexed.aside())?;
        work.manifest.aside = Some(passages::write(folder, &aside)?);
        work.save()?;
        work.folder.remove(&[names::PASSAGES]);
        Ok(Maker::without(shingler, Arc::new(aside)))
    }

    /// Reads the records, and writes their rows, fingerprints, and keys or sampled hashes.
    pub(super) fn read(&self, work: &mut Work) -> Result<ReadDone, Error> {
        if let Some(done) = work.manifest.read.clone() {
            self.limit.hold(done.heaviest).map_err(Error::refused)?;
            return Ok(done);
        }
        let Job {
            settings, options, ..
        } = self.job;
        let keyed = || Digester::keyed(settings.sketcher().clone(), settings.banding());
        let (digester, found_by) = match self.is_exact() {
            true => (settings.digester(), (names::STRIPS, STRIPS)),
            false => (keyed(), (names::KEYS, self.plan.parts)),
        };
        let digester = digester.with_maker(self.maker.clone());
        let parser = Parser {
            options,
            digester: Some(&digester),
            counter: None,
            look: None,
            hold: false,
            limit: self.limit,
        };
        let folder = &work.folder;
        let ticker = self.ticker(folder, Stage::Read, self.sources.size() as usize);
        let policy = options.fields.keep();
        let mut first_pass = FirstPass::new(folder, policy, found_by, &self.plan)?;
        Reading::new(&self.sources.inputs, parser, ticker, &mut first_pass)
            .rounds_of(self.plan.of_records(settings.banding()))
            .run()?;
        first_pass.take_indexed(self.indexed, &digester, self.plan.buffers)?;
        let done = first_pass.finish(self.limit.of_reading())?;
        work.manifest.read = Some(done.clone());
        work.save()?;
        Ok(done)
    }

    /// Finds copies, and documents that may have partners.
    pub(super) fn pick(&self, work: &mut Work, read: &ReadDone) -> Result<PickedDone, Error> {
        if let Some(done) = work.manifest.picked.clone() {
            return Ok(done);
        }
        let folder = &work.folder;
        let most = self.plan.keys;
        let repeated = repeated_ids(
            &Partitions::open(folder, names::IDS)?,
            most,
            read.indexed_from(),
        )?;
        self.indexed
            .check_repeated(&repeated, read.indexed_from())?;
        let fingerprints = Partitions::open(folder, names::PRINTS)?;
        let documents = read.documents + self.indexed.len();
        let ticker = self.ticker(folder, Stage::Collapse, documents as usize);
        let firsts = FirstDocuments::new(documents, &fingerprints, &repeated, most, &ticker)?;
        let (mut marks, in_buckets, is_narrowed) = if self.is_exact() {
            let (marks, is_narrowed) = self.surviving(folder, &firsts)?;
            (marks, None, is_narrowed)
        } else {
            let mut found = self.sharing_bands(folder, &firsts, read.indexed_from())?;
            let is_crowded = found.in_crowds > 0;
            (std::mem::take(&mut found.marks), Some(found), is_crowded)
        };
        mark_copies(&firsts, &mut marks);
        let late = repeated.len();
        let repeated = repeated.iter().flat_map(|&(late, first)| [late, first]);
        let repeated: Vec<u32> = repeated.collect();
        let new = &firsts.0[..read.documents as usize];
        let nothing = new.iter().filter(|&&first| first == NONE).count();
        let marks: Vec<u32> = marks.into_iter().map(Mark::number).collect();
        let (candidates, crowds, crowded) = match in_buckets {
            None => (None, None, 0),
            Some(found) => {
                let crowds: Vec<u32> = found.crowds.iter().map(|crowds| crowds.0).collect();
                let crowds = folder.write_numbers(names::CROWDS, &crowds)?;
                (Some(found.candidates), Some(crowds), found.in_crowds)
            }
        };
        let done = PickedDone {
            empty: nothing - late,
            repeated: folder.write_numbers(names::REPEATED, &repeated)?,
            firsts: folder.write_numbers(names::FIRSTS, &firsts.0)?,
            marks: folder.write_numbers(names::MARKS, &marks)?,
            is_narrowed,
            candidates,
            crowds,
            crowded,
        };
        work.manifest.picked = Some(done.clone());
        work.save()?;
        let done_with = [names::KEYS, names::STRIPS, names::PRINTS, names::IDS];
        work.folder.remove(&done_with);
        Ok(done)
    }

    /// Finds the documents that share bands.
    fn sharing_bands(
        &self,
        folder: &Folder,
        firsts: &FirstDocuments,
        indexed_from: IndexedFrom,
    ) -> Result<InBuckets, Error> {
        let ticker = self.ticker(folder, Stage::Candidates, self.plan.parts);
        let sets = (0..firsts.0.len() as u32)
            .take_while(|&document| indexed_from.is_new(document))
            .filter(|&document| firsts.is_first(document))
            .count();
        let crowding = Crowding {
            folder,
            plan: &self.plan,
            firsts,
            indexed_from,
            most_pairs: self.job.settings.most_bucket_pairs(sets),
        };
        crowding.find(&ticker)
    }

    /// The documents for which the exact join may find partners, and whether filtering these a second time pays off.
    fn surviving(
        &self,
        folder: &Folder,
        firsts: &FirstDocuments,
    ) -> Result<(Vec<Mark>, bool), Error> {
        let documents = firsts.0.len();
        if self.is_by_probes() {
            // No sample shows which documents are contained in others, or what their shingles weigh.
            let mark = |(document, &first): (u32, &u32)| match document == first {
                true => Mark::Joins,
                false => Mark::None,
            };
            return Ok(((0..).zip(&firsts.0).map(mark).collect(), false));
        }
        let strips = SamplesOnDisk::open(folder, documents, self.plan.table)?;
        let ticker = self.ticker(folder, Stage::Filter, documents);
        let asked: Vec<bool> = (0..).zip(&firsts.0).map(|(d, &first)| d == first).collect();
        let lengths = lengths(folder, documents)?;
        let threshold = Threshold(self.job.settings.threshold());
        let of_all = || lengths.iter().copied();
        let may = survivors(&strips, of_all(), threshold, &asked, &ticker)?;
        let is_narrowed = pays_again(&strips, of_all(), threshold, &may)?;
        let mark = |may| if may { Mark::Joins } else { Mark::None };
        Ok((may.into_iter().map(mark).collect(), is_narrowed))
    }

    /// Fails if there are too many pairs of documents with equal shingles.
    pub(super) fn check_copies(
        &self,
        work: &Work,
        picked: &PickedDone,
        indexed_from: IndexedFrom,
    ) -> Result<(), Error> {
        let firsts = work.folder.read_numbers(&picked.firsts)?;
        // For the first document of each set: the number of documents with this set, and of indexed ones among them.
        let mut of_set = vec![(0u32, 0u32); firsts.len()];
        for (document, &first) in (0..).zip(&firsts) {
            if first != NONE {
                let (all, indexed) = &mut of_set[first as usize];
                *all += 1;
                *indexed += u32::from(indexed_from.is_indexed(document));
            }
        }
        self.job.check_copies(of_set.into_iter())
    }

    /// Loads the numbers and places of the documents. A record with a repeated id ends the run if bad records do.
    pub(super) fn known(
        &self,
        work: &Work,
        read: &ReadDone,
        picked: &PickedDone,
    ) -> Result<Known, Error> {
        let folder = &work.folder;
        let ends = folder.read_numbers(&read.ends)?;
        let mut known = Known::load(read, ends, folder)?;
        let repeated = folder.read_numbers(&picked.repeated)?;
        let repeated: Vec<(u32, u32)> = repeated.chunks(2).map(|pair| (pair[0], pair[1])).collect();
        let inputs = &self.sources.inputs;
        known.late = Late::new(&repeated, folder, inputs, &known.ends, self.indexed)?;
        match known.late.first() {
            Some(((input, line), reason)) if self.job.options.on_bad == OnBad::Fail => {
                let by_file = self.job.options.fields.ids_by_file;
                let reason = format!("{reason}; {}", advice(by_file));
                Err(Error::bad(inputs[input].place(line), reason))
            }
            _ => Ok(known),
        }
    }

    /// Writes the shingle sets of candidates.
    pub(super) fn sets(
        &self,
        work: &mut Work,
        picked: &PickedDone,
        known: &Known,
    ) -> Result<SetsDone, Error> {
        if let Some(done) = work.manifest.sets.clone() {
            return Ok(done);
        }
        let folder = &work.folder;
        let firsts = FirstDocuments(folder.read_numbers(&picked.firsts)?);
        let mut marks = marks(folder, &picked.marks)?;
        if picked.is_narrowed {
            self.narrow(folder, &firsts, known, &mut marks)?;
        }
        let sets = Sets::new(folder, &firsts, &marks, self.plan.buffers)?;
        let read = known.documents;
        let mut done = sets.write(self.reread(folder, known, Stage::Sets))?;
        if self.job.settings.weights() != Weights::None {
            let (sets, tables) = self.indexed.frequencies();
            let known = KnownFrequencies {
                sets,
                tables: &tables,
                is_frozen: self.job.freeze_weights,
            };
            let indexed_from = IndexedFrom::after(read as usize);
            let known = (known, self.indexed.fingerprints()?);
            let weighing = Weighing::new(folder, &self.plan, marks.len(), known, indexed_from);
            let (sets, index, distinct) = weighing.write(&done.sets)?;
            (done.sets, done.index, done.distinct) = (sets, index, Some(distinct));
        }
        work.manifest.sets = Some(done.clone());
        work.save()?;
        Ok(done)
    }

    /// A pass that reads the inputs again.
    fn reread<'a>(&'a self, folder: &'a Folder, known: &'a Known, stage: Stage) -> Reread<'a> {
        Reread {
            folder,
            inputs: &self.sources.inputs,
            options: &self.job.options,
            maker: &self.maker,
            known,
            indexed: self.indexed,
            round: self.plan.of_records(self.job.settings.banding()),
            ticker: self.ticker(folder, stage, known.documents as usize),
        }
    }

    /// Filters the documents that may have partners a second time, and unmarks those that cannot.
    fn narrow(
        &self,
        folder: &Folder,
        firsts: &FirstDocuments,
        known: &Known,
        marks: &mut [Mark],
    ) -> Result<(), Error> {
        let (settings, plan) = (&self.job.settings, &self.plan);
        let reread = self.reread(folder, known, Stage::Filter);
        let may = match self.is_exact() {
            true => {
                let threshold = Threshold(settings.threshold());
                let narrowing = Narrowing::new(folder, plan, marks)?;
                let ticker = self.ticker(folder, Stage::Filter, narrowing.looked_at);
                narrowing.survivors(reread, threshold, &ticker)?
            }
            false => SignatureFilter::new(folder, settings, marks, plan.buffers)?.open(reread)?,
        };
        let looked_at = marks.iter_mut().filter(|mark| mark.may_have_partner());
        for (mark, may) in looked_at.zip(may) {
            if !may {
                *mark = Mark::None;
            }
        }
        mark_copies(firsts, marks);
        Ok(())
    }

    /// Verifies candidates, and prepares the join of sets that share no rare shingle.
    pub(super) fn find(
        &self,
        work: &mut Work,
        picked: &PickedDone,
        sets: &SetsDone,
        indexed_from: IndexedFrom,
        wants_pairs: bool,
    ) -> Result<Found, Error> {
        let folder = &work.folder;
        let stored = SetStore::open(folder, sets)?;
        let partitions = Partitions::open(folder, &sets.sets.name)?;
        let marks = marks(folder, &sets.marks)?;
        let joins = marks.iter().map(|&mark| mark == Mark::Joins).collect();
        let crowds = match &picked.crowds {
            Some(crowds) => folder
                .read_numbers(crowds)?
                .into_iter()
                .map(Crowds)
                .collect(),
            None => Vec::new(),
        };
        let certain = Certain { joins, crowds };
        let candidates = match (&picked.candidates, &work.manifest.found) {
            (Some(candidates), None) => Some(Partitions::open(folder, &candidates.name)?),
            _ => None,
        };
        let joining = Joining {
            settings: &self.job.settings,
            folder,
            plan: &self.plan,
            stored: &stored,
            sets: &partitions,
            marks: &marks,
            certain: &certain,
            distinct: sets.distinct,
            parts: candidates.as_ref().map_or(self.plan.parts, Partitions::len),
            indexed_from,
        };
        let is_done = work.manifest.found.is_some();
        // Needed for clusters and pairs.
        let needs_common = work.manifest.decided.is_none() || wants_pairs;
        let mut common = None;
        let is_joined = certain.joins.contains(&true);
        if is_joined && self.is_by_probes() {
            if !is_done {
                let parts = self.plan.parts;
                joining.list_by_probes(&self.ticker(folder, Stage::Candidates, parts))?;
            }
        } else if (!is_done || needs_common) && is_joined {
            let rarity = joining.rarity()?;
            let mostly_common = match is_done {
                true => joining.scan_again(&rarity)?,
                false => joining.scan(&rarity)?,
            };
            if !is_done {
                let parts = self.plan.parts;
                joining.list(&self.ticker(folder, Stage::Candidates, parts))?;
            }
            common = Some(joining.common(&rarity, mostly_common)?);
        }
        if !is_done {
            let of_buckets = candidates.map(|pairs| Candidates {
                pairs,
                are_joined: false,
            });
            let of_join = match is_joined {
                true => Some(Candidates {
                    pairs: Partitions::open(folder, names::JOINED)?,
                    are_joined: true,
                }),
                false => None,
            };
            let files: Vec<Candidates> = of_buckets.into_iter().chain(of_join).collect();
            let edges =
                joining.verify(&files, &self.ticker(folder, Stage::Verify, joining.parts))?;
            work.manifest.found = Some(FoundDone { edges });
            work.save()?;
            work.folder.remove(&[names::CANDIDATES, names::JOINED]);
        }
        Ok(Found {
            stored,
            partitions,
            certain,
            common,
        })
    }

    /// Computes and writes the clusters.
    pub(super) fn decide(
        &self,
        work: &mut Work,
        picked: &PickedDone,
        found: &Found,
        indexed_from: IndexedFrom,
    ) -> Result<DecidedDone, Error> {
        if let Some(done) = work.manifest.decided.clone() {
            return Ok(done);
        }
        let (folder, plan) = (&work.folder, &self.plan);
        let settings = &self.job.settings;
        let firsts = folder.read_numbers(&picked.firsts)?;
        let policy = self.job.options.fields.keep();
        let stored = &found.stored;
        let keep_order = KeepOrder::load(
            policy,
            stored,
            &found.partitions,
            &firsts,
            indexed_from,
            plan.round,
        )?;
        let labelling = Labelling {
            mode: settings.cluster_mode(),
            rule: settings.rule(),
            work: self.work(),
            folder,
            plan,
            firsts: &firsts,
            stored,
            keep_order: &keep_order,
            indexed_from,
        };
        let (labels, out) = labelling.labels(found.common.as_ref())?;
        let unseen = self.unseen(out, picked)?;
        let chances = settings.chances(self.job.method());
        let tally = LinkTally::new(&chances);
        let writer = clusters::Writer {
            folder,
            batch: plan.batch,
            firsts: &firsts,
            stored,
            keep_order: &keep_order,
            certain: &found.certain,
            indexed: self.indexed,
            indexed_from,
            drops_clusters: self.job.drop_clusters,
            tally: &tally,
            ticker: &self.ticker(folder, Stage::Measure, stored.documents().len()),
        };
        let (clusters, counts) = writer.write(&labels)?;
        let counted = Counted {
            links: tally.counts(),
            clusters: counts,
            unseen,
        };
        let done = DecidedDone { clusters, counted };
        work.manifest.decided = Some(done.clone());
        work.save()?;
        Ok(done)
    }

    /// Writes the table of pairs, and returns their recall.
    pub(super) fn pairs(
        &self,
        work: &Work,
        picked: &PickedDone,
        found: &Found,
        indexed_from: IndexedFrom,
        table: &Table,
    ) -> Result<Recall, Error> {
        table.pairs_header()?;
        let settings = &self.job.settings;
        let common = found.common.as_ref();
        let partners = common
            .map(|common| common.partners(self.work()))
            .transpose();
        let (partners, out) = match partners {
            Ok(partners) => (partners, None),
            Err(out) => (None, Some(out)),
        };
        let unseen = self.unseen(out, picked)?;
        let folder = &work.folder;
        let pairing = Pairing {
            batch: self.plan.batch,
            copies: self.job.pairs_of_copies.unwrap_or_default(),
            ticker: &self.ticker(folder, Stage::Write, found.stored.documents().len()),
            firsts: &folder.read_numbers(&picked.firsts)?,
            stored: &found.stored,
            certain: &found.certain,
            settings,
            indexed_from,
            partners,
        };
        let method = (self.job.method(), settings.reason());
        let chances = settings.chances(method.0);
        let mut tally = PairTally::new(&chances);
        pairing.write(Edges::open(folder)?, table, &mut tally)?;
        Ok(settings.recall_of(method, tally.counted(), unseen))
    }

    /// The limit of work for joining common parts.
    fn work(&self) -> exact::Work {
        exact::Work::new(self.job.settings.budget().work)
    }

    /// The number of pairs that were not compared because joining common parts took too much work. With the exact
    /// method, this is an error.
    fn unseen(&self, out: Option<OutOfWork>, picked: &PickedDone) -> Result<u64, Error> {
        match out {
            None => Ok(0),
            Some(out) if self.is_exact() => {
                Err(Reason::of_work(out, self.work()).too_large(false).into())
            }
            Some(_) => Ok(picked.crowded),
        }
    }
}

/// The data from which clusters and pairs are computed.
pub(super) struct Found {
    pub(super) stored: SetStore,
    /// The file of all shingle sets.
    partitions: Partitions,
    certain: Certain,
    pub(super) common: Option<CommonJoin>,
}

fn marks(folder: &Folder, marks: &Whole) -> Result<Vec<Mark>, Error> {
    let numbers = folder.read_numbers(marks)?;
    Ok(numbers.into_iter().map(Mark::of).collect())
}

/// Marks documents that are copies, and documents that have copies.
fn mark_copies(firsts: &FirstDocuments, marks: &mut [Mark]) {
    for (document, &first) in firsts.0.iter().enumerate() {
        if first != NONE && first as usize != document {
            for own in [document, first as usize] {
                marks[own] = marks[own].max(Mark::Copy);
            }
        }
    }
}

/// The number of shingles of each document, including repetitions.
fn lengths(folder: &Folder, documents: usize) -> Result<Vec<u32>, Error> {
    let mut rows = folder.open(names::ROWS)?;
    let mut row = Row::default();
    let lengths = (0..documents).map(|_| row.read(&mut rows).map(|()| row.shingles));
    lengths.collect()
}
