//! Searches documents for the items.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;

use resemblance::corpus::{Error, Escaped, ReadOptions, Scanned, Sources, Table};
use resemblance::text::{Content, Scratch};
use resemblance::{ContainmentIndex, containment};

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

/// The bytes of a passage in the item and in the document.
pub(crate) type Place = [Range<usize>; 2];

/// An item that a document contains.
pub(crate) struct Match {
    item: usize,
    /// The share of the item's shingles that are in the document.
    containment: f64,
    /// The words of the item that are in passages.
    words: usize,
    /// The passages.
    places: Vec<Place>,
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
    pub(crate) places: Vec<Place>,
}

/// Memory that a thread reuses.
#[derive(Default)]
struct Memory {
    scratch: Scratch,
    hashes: Vec<u64>,
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
            let (words, places) = self.places(item, text);
            Match {
                item,
                containment,
                words,
                places,
            }
        });
        matches.collect()
    }

    /// The items that a text contains, ascending, and the share of each that it contains.
    ///
    /// Most texts end with the first look-up: no item has one of their shingles.
    fn contained(&self, text: &str, memory: &mut Memory) -> Vec<(usize, f64)> {
        let Memory { scratch, hashes } = memory;
        self.by_shingle.shingler().text_into(text, scratch, hashes);
        let mut shared = sharing(
            self.by_shingle
                .contained_in_shingles(hashes, f64::MIN_POSITIVE),
        );
        if shared.is_empty() {
            return shared;
        }
        let passages: HashSet<usize> = match self.may_have_passage(hashes) {
            true => {
                let found = self.by_passage.contained_in(text, f64::MIN_POSITIVE);
                sharing(found).into_iter().map(|(item, _)| item).collect()
            }
            false => HashSet::new(),
        };
        let containment = self.rule.containment;
        shared.retain(|&(item, share)| share >= containment || passages.contains(&item));
        shared.sort_unstable_by_key(|&(item, _)| item);
        shared
    }

    /// Whether a text may have a passage of items, by its shingles in order: a passage of w words has w - n + 1 shingles
    /// of n words in a row.
    fn may_have_passage(&self, hashes: &[u64]) -> bool {
        let least = self.rule.min_words - self.rule.shingle.size() + 1;
        let mut run = 0;
        hashes.iter().any(|&hash| {
            run = match self.by_shingle.has_shingle(hash) {
                true => run + 1,
                false => 0,
            };
            run >= least
        })
    }

    /// The number of words of an item that are in passages which a document has, and the places of these.
    fn places(&self, item: usize, document: &str) -> (usize, Vec<Place>) {
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
            let words = (found.share_a() * found.words_a() as f64).round() as usize;
            let places = found
                .iter()
                .map(|passage| [passage.a.clone(), passage.b.clone()]);
            (words > 0).then(|| (words, places.collect()))
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

/// The items of an answer, and their shares. It cannot fail, since every containment above 0 is allowed.
fn sharing(found: Result<Vec<containment::Match<u32>>, resemblance::Error>) -> Vec<(usize, f64)> {
    let found = found.into_iter().flatten();
    let shares = found.map(|found| (found.id as usize, found.containment));
    shares.collect()
}

/// The places of passages in one of the two texts, such as `0-85,99-120`.
pub(crate) fn shown(places: &[Place], text: usize) -> String {
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
