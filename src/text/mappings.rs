//! A cache of what a normalization makes of each character, in pages of 256 code points, each filled when it is first
//! needed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use caseless::Caseless;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::ignorable::is_default_ignorable;
use super::normalize::{Form, Normalization};
use super::variants::{is_decimal_digit, is_optional_arabic, plain_apostrophe, without_accents};

impl Normalization {
    /// Maps one character, before composition across characters.
    ///
    /// For [`NFKC_CASEFOLD`](Self::NFKC_CASEFOLD), this is the definition of the `NFKC_Casefold` property (UAX #44): fold
    /// and normalize until nothing changes. The other switches take part in each round.
    pub(super) fn map_char(self, c: char) -> String {
        let step = |text: &str| -> String {
            let kept = text.chars().filter_map(|c| self.variant(c));
            match (self.form(), self.folds_case()) {
                (Form::Nfkc, true) => kept.nfd().default_case_fold().nfkc().collect(),
                (Form::Nfkc, false) => kept.nfkc().collect(),
                (Form::Nfc, true) => kept.nfd().default_case_fold().nfc().collect(),
                (Form::Nfc, false) => kept.nfc().collect(),
                (Form::None, true) => kept.default_case_fold().collect(),
                (Form::None, false) => kept.collect(),
            }
        };
        let mut text = String::from(c);
        loop {
            let next = step(&text);
            if next == text {
                return text;
            }
            text = next;
        }
    }

    /// The variant of the character that stands for it; `None` if it is dropped.
    fn variant(self, c: char) -> Option<char> {
        let is_dropped = self.drops_ignorable() && is_default_ignorable(c)
            || self.drops_arabic_marks() && is_optional_arabic(c);
        if is_dropped {
            return None;
        }
        let c = match self.drops_accents() {
            true => without_accents(c)?,
            false => c,
        };
        match c {
            digit if self.unifies_digits() && is_decimal_digit(digit) => Some('0'),
            mark if self.unifies_apostrophes() => Some(plain_apostrophe(mark)),
            other => Some(other),
        }
    }
}

/// What a normalization makes of each character.
pub(super) struct Mappings {
    normalization: Normalization,
    pages: Box<[OnceLock<Box<Page>>; PAGES]>,
    /// A bit for each character that is known not to change. Most characters do not, and the pages would not fit in the
    /// nearest cache.
    same: Box<[AtomicU64; CODES / 64]>,
}

const PAGE: usize = 256;
const PAGES: usize = 0x11_0000 / PAGE;
/// More than the number of characters, and a power of two, so that an index never needs a check.
const CODES: usize = 0x20_0000;

/// The cache of each normalization, by its [number](Normalization::to_byte). It holds results of a pure function only.
static ALL: [OnceLock<Mappings>; 256] = [const { OnceLock::new() }; 256];

struct Page {
    entries: [Entry; PAGE],
    /// The mappings of the characters of this page, one after the other.
    text: String,
}

#[derive(Clone, Copy)]
enum Entry {
    /// The character does not change and takes no part in composition.
    Same,
    /// The character becomes `text[start..end]`; `inert` if that takes no part in composition.
    Mapped { start: u16, end: u16, inert: bool },
}

impl Mappings {
    /// The cache of a normalization. The first call for it allocates 0.3 MB.
    #[inline]
    pub(super) fn of(normalization: Normalization) -> &'static Self {
        ALL[usize::from(normalization.to_byte())].get_or_init(|| Self::new(normalization))
    }

    #[cold]
    fn new(normalization: Normalization) -> Self {
        Self {
            normalization,
            pages: boxed(OnceLock::new),
            same: boxed(AtomicU64::default),
        }
    }

    /// True if it is known that the character does not change and takes no part in composition.
    #[inline(always)]
    pub(super) fn is_same(&self, code: u32) -> bool {
        let bits = self.same[code as usize / 64 % (CODES / 64)].load(Ordering::Relaxed);
        bits >> (code % 64) & 1 == 1
    }

    pub(super) fn set_same(&self, code: u32) {
        self.same[code as usize / 64].fetch_or(1 << (code % 64), Ordering::Relaxed);
    }

    /// The mapping of the character, and whether that takes no part in composition. `None` if the character does not
    /// change and takes no part.
    #[inline]
    pub(super) fn mapped(&self, code: u32) -> Option<(&str, bool)> {
        let number = code as usize / PAGE;
        let page = self.pages[number].get_or_init(|| Page::new(self.normalization, number));
        match page.entries[code as usize % PAGE] {
            Entry::Same => None,
            Entry::Mapped { start, end, inert } => {
                Some((&page.text[usize::from(start)..usize::from(end)], inert))
            }
        }
    }
}

/// An array that is made on the heap, since it is too large for the stack of a thread.
fn boxed<T, const N: usize>(make: fn() -> T) -> Box<[T; N]> {
    let values: Box<[T]> = std::iter::repeat_with(make).take(N).collect();
    values.try_into().ok().expect("N values were made")
}

impl Page {
    fn new(normalization: Normalization, number: usize) -> Box<Self> {
        let mut page = Box::new(Self {
            entries: [Entry::Same; PAGE],
            text: String::new(),
        });
        for (i, entry) in page.entries.iter_mut().enumerate() {
            // Surrogates are not characters, and never looked up.
            let Some(c) = char::from_u32((number * PAGE + i) as u32) else {
                continue;
            };
            let mapped = normalization.map_char(c);
            let inert = normalization.form() == Form::None || takes_no_part(&mapped);
            if inert && mapped.chars().eq([c]) {
                continue;
            }
            let start = page.text.len() as u16; // a page's text is a few kilobytes at most
            page.text.push_str(&mapped);
            let end = page.text.len() as u16;
            *entry = Entry::Mapped { start, end, inert };
        }
        page
    }
}

/// True if no character of `text` can be reordered with, or composed with, a character before it.
fn takes_no_part(text: &str) -> bool {
    is_nfc_quick(text.chars()) == IsNormalized::Yes
        && text.chars().all(|c| canonical_combining_class(c) == 0)
}
