//! The summary that is printed at the end.

use std::fmt;

use indicatif::{DecimalBytes, HumanCount};
use resemblance::corpus::Escaped;
use serde_json::{Value, json};

use super::args::{Printed, Rule};
use super::items::{Item, Items};
use super::search::{Best, Found, FoundItem, shown};
use super::shared::{Failure, print};

/// The share of an item's shingles in one document from which it counts as leaked whole. Below 1, so that a changed word
/// in a long item makes no difference.
const WHOLE: f64 = 0.99;

/// The most items that the text shows.
const SHOWN: usize = 20;

pub(crate) struct Summary {
    rule: Rule,
    items: Items,
    found: Found,
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// A document contains nearly all of it.
    Whole,
    /// Documents contain a part of it.
    Part,
    /// It was not found, but has fewer words than a shingle.
    Short,
    /// It has no words.
    Empty,
    Clean,
}

impl Outcome {
    fn of(item: &Item, found: &FoundItem, rule: &Rule) -> Self {
        match &found.best {
            Some(best) if best.containment >= WHOLE => Self::Whole,
            Some(_) => Self::Part,
            None if item.words == 0 => Self::Empty,
            None if item.words < rule.shingle.size() => Self::Short,
            None => Self::Clean,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Part => "part",
            Self::Short => "short",
            Self::Empty => "empty",
            Self::Clean => "clean",
        }
    }
}

impl Summary {
    pub(crate) fn new(rule: &Rule, items: Items, found: Found) -> Self {
        let rule = rule.clone();
        Self { rule, items, found }
    }

    pub(crate) fn print(&self, format: Printed) -> Result<(), Failure> {
        match format {
            Printed::Text => print(self),
            Printed::Json => print(format_args!("{:#}\n", self.json())),
        }
    }

    fn outcomes(&self) -> impl Iterator<Item = Outcome> {
        let items = self.items.0.iter().zip(&self.found.items);
        items.map(|(item, found)| Outcome::of(item, found, &self.rule))
    }

    fn count(&self, outcome: Outcome) -> u64 {
        self.outcomes().filter(|&other| other == outcome).count() as u64
    }

    /// The leaked items, and what was found of each: those of which a document contains most first, then those that are
    /// in most documents, then in the order of the items.
    fn leaked(&self) -> Vec<(&Item, &FoundItem, &Best)> {
        let items = self.items.0.iter().zip(&self.found.items);
        let leaked = items.filter_map(|(item, found)| Some((item, found, found.best.as_ref()?)));
        let mut leaked: Vec<_> = leaked.collect();
        leaked.sort_by(|(_, left, best), (_, right, other)| {
            let by_share = other.containment.total_cmp(&best.containment);
            by_share.then(right.documents.cmp(&left.documents))
        });
        leaked
    }

    /// The counts alone, for the JSON log. `items` is the sum of the five numbers after it.
    pub(crate) fn counts(&self) -> Value {
        let Found {
            scanned,
            documents,
            matches,
            ..
        } = &self.found;
        json!({
            "items": self.items.0.len(),
            "clean": self.count(Outcome::Clean),
            "part": self.count(Outcome::Part),
            "whole": self.count(Outcome::Whole),
            "short": self.count(Outcome::Short),
            "empty": self.count(Outcome::Empty),
            "documents": scanned.documents,
            "rejected": scanned.rejections.len(),
            "documents_with_items": documents,
            "matches": matches,
            "text_bytes": scanned.text_bytes,
        })
    }

    /// The same in every run.
    fn json(&self) -> Value {
        let leaked = self.leaked().into_iter().map(|(item, found, best)| {
            let place = |text: usize| -> Vec<[usize; 2]> {
                let places = best.places.iter().map(|place| &place[text]);
                places.map(|place| [place.start, place.end]).collect()
            };
            json!({
                "id": item.id,
                "leaked": Outcome::of(item, found, &self.rule).name(),
                "documents": found.documents,
                "document": best.document,
                "containment": best.containment,
                "in_item": place(0),
                "in_document": place(1),
            })
        });
        let leaked: Vec<Value> = leaked.collect();
        json!({
            "settings": {
                "containment": self.rule.containment,
                "min_words": self.rule.min_words,
                "shingle": self.rule.shingle.to_string(),
                "whole": WHOLE,
            },
            "counts": self.counts(),
            "leaked": leaked,
        })
    }

    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.rule.shingle.size();
        let part = format!(
            "one document has at least {} of the shingles, or a passage of {} words",
            self.rule.containment, self.rule.min_words
        );
        let whole = format!("one document has at least {WHOLE} of the shingles");
        let short = format!(
            "not found; with fewer than {size} words, only in a document of the same words and no others"
        );
        for (outcome, name, meaning) in [
            (Outcome::Clean, "clean", ""),
            (Outcome::Part, "leaked in part", &*part),
            (Outcome::Whole, "leaked whole", &*whole),
            (Outcome::Short, "short", &*short),
            (Outcome::Empty, "empty", "no words"),
        ] {
            let count = self.count(outcome);
            let is_usual = matches!(outcome, Outcome::Clean | Outcome::Part | Outcome::Whole);
            if count > 0 || is_usual {
                let line = format!(
                    "  {name:14} {:>9}  {meaning}",
                    HumanCount(count).to_string()
                );
                writeln!(f, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }

    fn write_worst(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaked = self.leaked();
        if leaked.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nWorst items: the share in one document, and the bytes of it there"
        )?;
        for (item, found, best) in leaked.iter().take(SHOWN) {
            let others = match found.documents {
                1 => String::new(),
                all => format!(", and in {} other documents", HumanCount(all - 1)),
            };
            writeln!(
                f,
                "  {:>5.1}%  {}  in {} at {}{others}",
                100.0 * best.containment,
                Escaped(&item.id),
                Escaped(&best.document),
                shown(&best.places, 1),
            )?;
        }
        match leaked.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => writeln!(
                f,
                "  and {} more: --matches FILE.tsv lists all",
                HumanCount(more as u64)
            ),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found {
            scanned,
            documents,
            matches,
            ..
        } = &self.found;
        let items = self.items.0.len() as u64;
        writeln!(
            f,
            "{} items searched in {} documents of {}",
            HumanCount(items),
            HumanCount(scanned.documents),
            DecimalBytes(scanned.text_bytes)
        )?;
        self.write_counts(f)?;
        let (documents, matches) = (HumanCount(*documents), HumanCount(*matches));
        writeln!(f, "  {matches} matches in {documents} documents")?;
        if let Some(first) = scanned.rejections.first() {
            let rejected = HumanCount(scanned.rejections.len() as u64);
            writeln!(
                f,
                "  {rejected} bad records were skipped; the first: {}: {}",
                first.place, first.reason
            )?;
        }
        self.write_worst(f)
    }
}
