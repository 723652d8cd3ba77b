//! What remains of documents after their repeated passages are set aside.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::passages::{Passages, SHARES};
use crate::error::Error;
use crate::text::{Content, Group, Normalization, NotText, Scratch, Shingle, Shingler, word_edges};

/// With less than this share of its words, or less than [`FEW`] words, a document is compared whole.
const LITTLE: f64 = 0.05;
const FEW: usize = 5;

/// The repeated passages of groups of documents; made by [`Deduper::set_aside`](crate::Deduper::set_aside).
///
/// ```
/// use resemblance::Deduper;
/// use resemblance::text::InGroup;
///
/// let page = |body: &str| InGroup { group: "gazette", document: format!("Read the Gazette every morning. {body}") };
/// let pages = [
///     page("The ferry returns on Monday, after nine years."),
///     page("Volunteers will open the lighthouse in June."),
///     page("A goat has eaten the minutes of two meetings."),
/// ];
/// let aside = Deduper::new().set_aside(&pages);
/// let rest = aside.rest("gazette".into(), &pages[2].document);
/// assert_eq!(rest.text.trim(), ". a goat has eaten the minutes of two meetings.");
/// assert_eq!(rest.aside, 5.0 / 14.0);
/// ```
#[derive(Debug, Clone)]
pub struct SetAside {
    splitting: Splitting,
    groups: HashMap<Group, Passages>,
}

/// The part of a text that is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Rest<'t> {
    /// The normalized text without its repeated passages; the text itself if nothing was set aside.
    pub text: Cow<'t, str>,
    /// The share of the words that were set aside.
    pub aside: f64,
}

impl SetAside {
    pub(super) fn new(splitting: Splitting) -> Self {
        let groups = HashMap::new();
        Self { splitting, groups }
    }

    /// Adds the repeated passages of groups.
    pub(crate) fn extend(&mut self, repeated: Vec<(Group, Passages)>) {
        let repeated = repeated.into_iter();
        let repeated = repeated.filter(|(_, passages)| passages.is_worth_keeping());
        self.groups.extend(repeated);
    }

    /// The number of groups that have repeated passages.
    pub fn groups(&self) -> usize {
        let has_some = |passages: &&Passages| !passages.is_empty();
        self.groups.values().filter(has_some).count()
    }

    /// The number of repeated passages of a group.
    pub fn passages(&self, group: Group) -> usize {
        self.of(group).map_or(0, Passages::len)
    }

    /// The part of a text that is compared if the text belongs to this group.
    pub fn rest<'t>(&self, group: Group, text: &'t str) -> Rest<'t> {
        let mut space = Space::default();
        let cut = self.of(group);
        let cut = cut.and_then(|passages| self.splitting.cut(text, passages, &mut space));
        match cut {
            Some(share) => Rest {
                text: Cow::Owned(space.rest),
                aside: share.value(),
            },
            None => Rest {
                text: Cow::Borrowed(text),
                aside: 0.0,
            },
        }
    }

    pub(super) fn of(&self, group: Group) -> Option<&Passages> {
        self.groups.get(&group)
    }
}

#[cfg(feature = "corpus")]
impl SetAside {
    /// The number of words in a passage.
    pub(crate) fn words(&self) -> usize {
        self.splitting.words()
    }

    /// The approximate memory that it takes.
    pub(crate) fn memory(&self) -> usize {
        /// Bytes of a passage in a hash table, and of a group.
        const PASSAGE: usize = 30;
        const GROUP: usize = 160;
        let passages: usize = self.groups.values().map(Passages::len).sum();
        PASSAGE * passages + GROUP * self.groups.len()
    }

    /// The same without groups.
    pub(crate) fn emptied(&self) -> Self {
        Self::new(self.splitting.clone())
    }

    /// Adds the groups of `other`, which has passages of the same number of words.
    pub(crate) fn join(&mut self, other: &Self) {
        for (&group, passages) in &other.groups {
            self.groups.entry(group).or_default().join(passages);
        }
    }

    /// Calls `each` with the numbers that [`with_numbers`](Self::with_numbers) reads: the number of words in a passage;
    /// then for each group, ascending, its hash, the number of its documents, and for each level the number of its
    /// passages, and these, ascending.
    pub(crate) fn for_each_number<E>(
        &self,
        mut each: impl FnMut(u64) -> Result<(), E>,
    ) -> Result<(), E> {
        each(self.words() as u64)?;
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_unstable_by_key(|(group, _)| **group);
        for (&group, passages) in groups {
            each(Group::bits(Some(group)))?;
            each(u64::from(passages.documents()))?;
            for level in 0..SHARES.len() as u8 {
                let passages = passages.of_level(level);
                each(passages.len() as u64)?;
                passages.into_iter().try_for_each(&mut each)?;
            }
        }
        Ok(())
    }

    /// Adds the groups of [`for_each_number`](Self::for_each_number); `None` if these are not what it calls with.
    pub(crate) fn with_numbers(mut self, numbers: impl Iterator<Item = u64>) -> Option<Self> {
        let mut numbers = numbers.fuse();
        if numbers.next()? != self.words() as u64 {
            return None;
        }
        while let Some(group) = numbers.next() {
            let documents = u32::try_from(numbers.next()?).ok()?;
            let (mut levels, mut all) = (Vec::new(), 0);
            for level in 0..SHARES.len() as u8 {
                let many = usize::try_from(numbers.next()?).ok()?;
                all = many.checked_add(all)?;
                levels.extend(numbers.by_ref().take(many).map(|hash| (hash, level)));
            }
            if levels.len() != all {
                return None;
            }
            let passages = Passages::new(documents, levels.into_iter());
            self.groups.insert(Group::of_bits(group)?, passages);
        }
        Some(self)
    }
}

/// How texts are split into passages.
#[derive(Debug, Clone)]
pub(crate) struct Splitting {
    normalization: Normalization,
    /// Makes passages of normalized text.
    passages: Shingler,
}

impl Splitting {
    /// Passages have `words` words.
    pub(crate) fn new(
        words: usize,
        normalization: Normalization,
        seed: u64,
    ) -> Result<Self, Error> {
        Ok(Self {
            normalization,
            passages: Shingler::new(Shingle::Words(words), Normalization::NONE, seed)?,
        })
    }

    /// The number of words in a passage.
    pub(crate) fn words(&self) -> usize {
        self.passages.shingle().size()
    }

    pub(super) fn seed(&self) -> u64 {
        self.passages.seed()
    }

    /// The passages of a text, in order. A text with too few words has one.
    pub(super) fn passages<'s>(&self, text: &str, space: &'s mut Space) -> &'s [u64] {
        let text = self.normalized(text, &mut space.normalized, &mut space.spare);
        let Space {
            scratch, passages, ..
        } = space;
        self.passages.text_into(text, scratch, passages);
        passages
    }

    fn normalized<'t>(
        &self,
        text: &'t str,
        normalized: &'t mut String,
        spare: &mut String,
    ) -> &'t str {
        if !self.normalization.leaves(text) {
            self.normalization.normalize_into(text, normalized, spare);
        }
        self.made_of(text, normalized)
    }

    /// The normalized text, which is in `normalized` if it differs from `text`.
    fn made_of<'t>(&self, text: &'t str, normalized: &'t str) -> &'t str {
        match self.normalization.leaves(text) {
            true => text,
            false => normalized,
        }
    }

    /// Writes what remains of a text to `space.rest`, and returns the share that is set aside; `None` if the document is
    /// compared whole.
    fn cut(&self, text: &str, repeated: &Passages, space: &mut Space) -> Option<Share> {
        let Space {
            scratch,
            normalized,
            spare,
            passages,
            levels,
            edges,
            rest,
        } = space;
        let text = self.normalized(text, normalized, spare);
        self.passages.text_into(text, scratch, passages);
        levels.clear();
        levels.extend(passages.iter().map(|&passage| repeated.level(passage)));
        if levels.iter().all(Option::is_none) {
            return None;
        }
        word_edges(text, edges);
        let size = self.words();
        if edges.len() < size {
            return None;
        }
        (0..SHARES.len() as u8).find_map(|least| {
            let is_aside = |level: &Option<u8>| level.is_some_and(|level| level >= least);
            let aside = cut_out(text, edges, size, levels.iter().map(is_aside), rest);
            let share = Share {
                aside: aside as u32,
                words: edges.len() as u32,
            };
            (aside > 0 && !share.leaves_little()).then_some(share)
        })
    }
}

/// Writes `text` over `rest`, without the words of passages that are set aside, and returns the number of these words.
/// Passages have `size` words; `is_aside` says for each word whether the passage that begins there is set aside.
fn cut_out(
    text: &str,
    edges: &[[usize; 2]],
    size: usize,
    is_aside: impl Iterator<Item = bool>,
    rest: &mut String,
) -> usize {
    rest.clear();
    // Words before `covered` are in `rest` or set aside; `rest` has the text before `from` that is not.
    let (mut from, mut aside, mut covered) = (0, 0, 0);
    let passages = is_aside.enumerate().filter(|&(_, is_aside)| is_aside);
    for (at, _) in passages {
        if at > covered || aside == 0 {
            // A stretch begins here. A line break keeps the words around it apart.
            rest.push_str(&text[from..edges[at][0]]);
            rest.push('\n');
            covered = at;
        }
        aside += at + size - covered;
        covered = at + size;
        from = edges[covered - 1][1];
    }
    rest.push_str(&text[from..]);
    aside
}

/// How many of a document's words are set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Share {
    pub(crate) aside: u32,
    pub(crate) words: u32,
}

impl Share {
    #[cfg(feature = "corpus")]
    pub(crate) fn to_bytes(self) -> [u8; 8] {
        (u64::from(self.aside) << 32 | u64::from(self.words)).to_le_bytes()
    }

    #[cfg(feature = "corpus")]
    pub(crate) fn of_bytes(bytes: [u8; 8]) -> Self {
        let bits = u64::from_le_bytes(bytes);
        Self {
            aside: (bits >> 32) as u32,
            words: bits as u32,
        }
    }

    pub(crate) fn value(self) -> f64 {
        match self.words {
            0 => 0.0,
            words => f64::from(self.aside) / f64::from(words),
        }
    }

    fn leaves_little(self) -> bool {
        let rest = self.words - self.aside;
        (rest as usize) < FEW || f64::from(rest) < LITTLE * f64::from(self.words)
    }
}

/// Working memory of a thread.
#[derive(Debug, Default)]
pub(crate) struct Space {
    scratch: Scratch,
    normalized: String,
    spare: String,
    passages: Vec<u64>,
    /// The level of each passage that is repeated.
    levels: Vec<Option<u8>>,
    edges: Vec<[usize; 2]>,
    rest: String,
}

/// Makes the shingles of documents, without what is set aside.
#[derive(Debug, Clone)]
pub struct Maker {
    shingler: Shingler,
    aside: Option<(Arc<SetAside>, Shingler)>,
}

impl Maker {
    /// A maker that sets nothing aside.
    pub(crate) fn whole(shingler: &Shingler) -> Self {
        Self {
            shingler: shingler.clone(),
            aside: None,
        }
    }

    pub(crate) fn without(shingler: &Shingler, aside: Arc<SetAside>) -> Self {
        let of_normalized = Shingler::new(shingler.shingle(), Normalization::NONE, shingler.seed());
        let of_normalized = of_normalized.unwrap_or_else(|error| unreachable!("valid: {error}"));
        Self {
            shingler: shingler.clone(),
            aside: Some((aside, of_normalized)),
        }
    }

    pub(crate) fn sets_aside(&self) -> bool {
        self.aside.is_some()
    }

    /// What is set aside, if anything may be.
    #[cfg(feature = "corpus")]
    pub(crate) fn aside(&self) -> Option<&SetAside> {
        self.aside.as_ref().map(|(aside, _)| &**aside)
    }

    /// Writes the shingle hashes of a document over `hashes`, in any order and with repetitions, and returns what was
    /// set aside.
    pub(crate) fn content_into(
        &self,
        content: Content<'_>,
        group: Option<Group>,
        space: &mut Space,
        hashes: &mut Vec<u64>,
    ) -> Result<Share, NotText> {
        if let (Some((aside, of_normalized)), Some(group)) = (&self.aside, group)
            && let Some(text) = content.as_text()
            && let Some(repeated) = aside.of(group).filter(|repeated| !repeated.is_empty())
        {
            let splitting = &aside.splitting;
            let cut = splitting.cut(text, repeated, space);
            let Space {
                scratch,
                normalized,
                passages,
                rest,
                ..
            } = space;
            match cut {
                Some(_) => of_normalized.text_into(rest, scratch, hashes),
                None if of_normalized.shingle() == splitting.passages.shingle() => {
                    hashes.clone_from(passages);
                }
                None => {
                    let text = splitting.made_of(text, normalized);
                    of_normalized.text_into(text, scratch, hashes);
                }
            }
            return Ok(cut.unwrap_or_default());
        }
        self.shingler
            .content_into(content, &mut space.scratch, hashes)?;
        Ok(Share::default())
    }
}
