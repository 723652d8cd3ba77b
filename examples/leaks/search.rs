//! Searches documents for the items.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;

use resemblance::ContainmentIndex;
use resemblance::corpus::{Error, Escaped, ReadOptions, Scanned, Sources, Table};
use resemblance::passage::Passage;
use resemblance::text::{Content, Scratch};

use super::args::Rule;
use super::items::Items;
use super::shared::{Failure, Log};

/// Finds the items that a document contains.
pub(crate) struct Search<'a> {
    rule: &'a Rule,
    items: &'a Items,
    /// The items by their shingles.
    by_shingle: ContainmentIndex<u32>,
    /// The items by their shingles of `min_words` words: those that a document shares one of have a passage in it.
    by_passage: ContainmentIndex<u32>,
}

/// An item that a document contains.
pub(crate) struct Match {
    item: usize,
    /// The share of the item's shingles that are in the document.
    containment: f64,
    /// The words of the item that are in passages.
    words: usize,
    /// The bytes of each passage in the item and in the document.
    places: Vec<[Range<usize>; 2]>,
}

/// What was found.
pub(crate) struct Found {
    pub(crate) scanned: Scanned,
    /// The number of documents that contain an item.
    pub(crate) documents: u64,
    /// The number of matches.
    pub(crate) matches: u64,
    /// What was found of each item.
    pub(crate) items: Vec<FoundItem>,
}

/// What was found of an item.
#[derive(Default, Clone)]
pub(crate) struct FoundItem {
    /// The number of documents that contain it, whole or in part.
    pub(crate) documents: u64,
    /// The first of the documents that contain most of it.
    pub(crate) best: Option<Best>,
}

/// The document that contains most of an item.
#[derive(Clone)]
pub(crate) struct Best {
    pub(crate) document: String,
    pub(crate) containment: f64,
    pub(crate) places: Vec<[Range<usize>; 2]>,
}

/// Memory that a thread reuses.
#[derive(Default)]
struct Memory {
    scratch: Scratch,
    hashes: Vec<u64>,
    known: Vec<u64>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

impl<'a> Search<'a> {
    pub(crate) fn new(rule: &'a Rule, items: &'a Items) -> Result<Self, Failure> {
        let texts = || (0..).zip(items.0.iter().map(|item| &item.text));
        let mut by_shingle = rule.deduper.containment_index();
        by_shingle.insert_all(texts())?;
        let mut by_passage = rule.of_passages.containment_index();
        by_passage.insert_all(texts())?;
        Ok(Self {
            rule,
            items,
            by_shingle,
            by_passage,
        })
    }

    /// Reads the documents, and writes every match to the table.
    pub(crate) fn run(
        &self,
        documents: Sources,
        options: &ReadOptions,
        table: Option<&Table>,
        log: &Log,
    ) -> Result<Found, Failure> {
        let mut found = Found {
            scanned: Scanned::default(),
            documents: 0,
            matches: 0,
            items: vec![FoundItem::default(); self.items.0.len()],
        };
        if let Some(table) = table {
            table.line("item\tdocument\tcontainment\twords\tin_item\tin_document")?;
        }
        let look = |content: Content<'_>| match content {
            Content::Text(text) => Some(self.look(text)).filter(|matches| !matches.is_empty()),
            _ => unreachable!("only text is accepted"),
        };
        let take =
            |document: &str, matches: Vec<Match>| self.take(document, matches, &mut found, table);
        let scanned = documents.scan(options, Some(log), look, take)?;
        found.scanned = scanned;
        Ok(found)
    }

    /// The items that a text contains.
    fn look(&self, text: &str) -> Vec<Match> {
        let items = MEMORY.with_borrow_mut(|memory| self.contained(text, memory));
        let matches = items.into_iter().map(|(item, containment)| {
            let passages = self.passages(item, text);
            Match {
                item,
                containment,
                words: passages.iter().map(|passage| passage.words).sum(),
                places: passages
                    .into_iter()
                    .map(|passage| [passage.a, passage.b])
                    .collect(),
            }
        });
        matches.collect()
    }

    /// The items that a text contains, ascending, and the share of each that it contains.
    ///
    /// Most texts end with the first loop: no item has one of their shingles.
    fn contained(&self, text: &str, memory: &mut Memory) -> Vec<(usize, f64)> {
        let Memory {
            scratch,
            hashes,
            known,
        } = memory;
        self.by_shingle.shingler().text_into(text, scratch, hashes);
        known.clear();
        let (mut run, mut longest) = (0, 0);
        for &hash in &*hashes {
            if self.by_shingle.has_shingle(hash) {
                known.push(hash);
                run += 1;
                longest = longest.max(run);
            } else {
                run = 0;
            }
        }
        if known.is_empty() {
            return Vec::new();
        }
        // A passage of w words has w - n + 1 shingles of n words.
        let Rule {
            containment,
            min_words,
            shingle,
            ..
        } = *self.rule;
        let passages: HashSet<u32> = match longest > min_words - shingle.size() {
            true => sharing(self.by_passage.contained_in(text, f64::MIN_POSITIVE))
                .map(|(item, _)| item)
                .collect(),
            false => HashSet::new(),
        };
        let shared = self
            .by_shingle
            .contained_in_shingles(known, f64::MIN_POSITIVE);
        let is_leak =
            |&(item, share): &(u32, f64)| share >= containment || passages.contains(&item);
        let leaks = sharing(shared).filter(is_leak);
        let mut leaks: Vec<(usize, f64)> =
            leaks.map(|(item, share)| (item as usize, share)).collect();
        leaks.sort_unstable_by_key(|&(item, _)| item);
        leaks
    }

    /// The passages that an item and a document share.
    fn passages(&self, item: usize, document: &str) -> Vec<Passage> {
        let item = &self.items.0[item];
        let finder = self.rule.deduper.passage_finder();
        let size = self.rule.shingle.size();
        // Shorter ones only if there are no others: they may be the same by chance.
        let lengths = [
            finder.min_words().max(size),
            size,
            item.words.clamp(1, size),
        ];
        let find = |words: usize| {
            let finder = finder.with_min_words(words).ok()?;
            let found = finder.find(&item.text, document);
            (!found.is_empty()).then(|| found.as_slice().to_vec())
        };
        lengths.into_iter().find_map(find).unwrap_or_default()
    }

    /// Counts the matches of a document, and writes them.
    fn take(
        &self,
        document: &str,
        matches: Vec<Match>,
        found: &mut Found,
        table: Option<&Table>,
    ) -> Result<(), Error> {
        found.documents += 1;
        found.matches += matches.len() as u64;
        for matched in matches {
            if let Some(table) = table {
                table.line(self.line(document, &matched))?;
            }
            found.items[matched.item].take(document, matched);
        }
        Ok(())
    }

    /// A match as a line of the table.
    fn line(&self, document: &str, matched: &Match) -> String {
        let Match {
            item,
            containment,
            words,
            places,
        } = matched;
        let item = Escaped(&self.items.0[*item].id);
        let [in_item, in_document] = [0, 1].map(|text| shown(places, text));
        format!(
            "{item}\t{}\t{containment}\t{words}\t{in_item}\t{in_document}",
            Escaped(document)
        )
    }
}

/// The items of an answer. It cannot fail, since every containment above 0 is allowed.
fn sharing(
    found: Result<Vec<resemblance::containment::Match<u32>>, resemblance::Error>,
) -> impl Iterator<Item = (u32, f64)> {
    let found = found.into_iter().flatten();
    found.map(|found| (found.id, found.containment))
}

/// The places of passages in one of the two texts, such as `0-85,99-120`.
pub(crate) fn shown(places: &[[Range<usize>; 2]], text: usize) -> String {
    let mut shown = String::new();
    for place in places {
        let comma = if shown.is_empty() { "" } else { "," };
        let Range { start, end } = place[text];
        let _ = write!(shown, "{comma}{start}-{end}");
    }
    shown
}

impl FoundItem {
    fn take(&mut self, document: &str, matched: Match) {
        self.documents += 1;
        let best = self.best.as_ref();
        if best.is_none_or(|best| best.containment < matched.containment) {
            self.best = Some(Best {
                document: document.to_owned(),
                containment: matched.containment,
                places: matched.places,
            });
        }
    }
}
