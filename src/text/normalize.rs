//! Unicode normalization of texts before they are compared.
//!
//! The reference implementation is [`Normalization::map_char`], followed by canonical composition. Since it is slow,
//! its results are cached in pages of 256 code points, each filled when it is first needed.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use caseless::Caseless;
use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::arch::{self, Processor, Task};
use super::decode::{char_at, of_three};
use super::ignorable::is_default_ignorable;
use crate::error::Error;
use crate::named::{named, serde_as_text};

/// A Unicode normalization form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// No normalization form: characters are left unchanged.
    None,
    /// Canonical composition: `e` with a combining acute becomes `é`.
    Nfc,
    /// Compatibility composition: also, `ﬁ` becomes `fi`, full-width `Ａ` becomes `A`, `①` becomes `1`.
    Nfkc,
}

named!(Form, "normalization form", "none, nfc or nfkc", {
    None: "none",
    Nfc: "nfc",
    Nfkc: "nfkc"
});

/// What is done to a text before it is split into tokens.
///
/// The default is [`NFKC_CASEFOLD`](Self::NFKC_CASEFOLD). Normalizing takes almost no time on ASCII text (it is only
/// lower-cased), and less than word splitting on other text.
///
/// ```
/// use resemblance::Normalization;
///
/// assert_eq!(Normalization::NFKC_CASEFOLD.normalize("Stra\u{AD}ße ＡＢＣ"), "strasse abc");
/// let case_only = Normalization::NONE.with_case_fold(true);
/// assert_eq!(case_only.normalize("ＡＢＣ"), "ａｂｃ");
/// ```
///
/// As text it is `nfkc-casefold`, or a form and the switches that are on, in this order: `none`, `nfc+fold`,
/// `nfkc+fold+drop-ignorable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Normalization {
    form: Form,
    case_fold: bool,
    drop_ignorable: bool,
}

impl Default for Normalization {
    fn default() -> Self {
        Self::NFKC_CASEFOLD
    }
}

impl Normalization {
    /// `NFKC_Casefold` of the Unicode Standard (section 3.13, R5): compatibility composition, full
    /// case folding, default-ignorable characters dropped. The default.
    pub const NFKC_CASEFOLD: Self = Self {
        form: Form::Nfkc,
        case_fold: true,
        drop_ignorable: true,
    };

    /// No normalization: the text is left unchanged.
    pub const NONE: Self = Self {
        form: Form::None,
        case_fold: false,
        drop_ignorable: false,
    };

    /// The same with another normalization form.
    #[must_use]
    pub const fn with_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// The same with full case folding on or off. With [`Form::None`] the folding is that of
    /// `CaseFolding.txt` (statuses C and F), character by character.
    #[must_use]
    pub const fn with_case_fold(self, on: bool) -> Self {
        Self {
            case_fold: on,
            ..self
        }
    }

    /// The same with default-ignorable characters (soft hyphens, zero-width joiners, variation
    /// selectors) dropped or kept.
    #[must_use]
    pub const fn with_ignorable_dropped(self, on: bool) -> Self {
        Self {
            drop_ignorable: on,
            ..self
        }
    }

    /// The normalization form.
    pub const fn form(self) -> Form {
        self.form
    }

    /// Whether case is folded.
    pub const fn folds_case(self) -> bool {
        self.case_fold
    }

    /// Whether default-ignorable characters are dropped.
    pub const fn drops_ignorable(self) -> bool {
        self.drop_ignorable
    }

    /// Normalizes `text`. Borrows it if it certainly does not change.
    pub fn normalize(self, text: &str) -> Cow<'_, str> {
        if self.leaves(text) {
            return Cow::Borrowed(text);
        }
        let mut out = String::new();
        self.normalize_into(text, &mut out, &mut String::new());
        Cow::Owned(out)
    }

    /// True if a quick check shows that `text` does not change.
    pub(crate) fn leaves(self, text: &str) -> bool {
        self == Self::NONE || (!self.case_fold && text.is_ascii())
    }

    /// Replaces `out` by the normalized `text`. `spare` is working memory whose content is lost.
    pub(crate) fn normalize_into(self, text: &str, out: &mut String, spare: &mut String) {
        arch::run(Normalizing {
            normalization: self,
            text,
            out,
            spare,
        });
    }

    #[inline(always)]
    fn normalize_here(self, text: &str, out: &mut String, spare: &mut String) {
        out.clear();
        let mut at = 0;
        while at < text.len() {
            let piece = &text.as_bytes()[at..text.len().min(at + PIECE)];
            let ascii = &text[at..at + ascii_prefix(piece)];
            let from = out.len();
            out.push_str(ascii);
            if self.case_fold {
                out[from..].make_ascii_lowercase();
            }
            at = self.push_non_ascii(text, at + ascii.len(), out, spare);
        }
    }

    /// Appends the normalized stretch of `text` that begins at `from`, and returns its end. The stretch has no ASCII
    /// characters, except single ones. Only its first characters can compose with a character before it, and only with
    /// the last one, which is always ASCII.
    fn push_non_ascii(
        self,
        text: &str,
        from: usize,
        out: &mut String,
        spare: &mut String,
    ) -> usize {
        let table = self.table();
        let before = out.len().saturating_sub(1);
        let (mut inert, mut copied, mut at) = (true, from, from);
        let bytes = text.as_bytes();
        loop {
            let threes = bytes[at..].as_chunks().0.iter().map_while(of_three);
            at += 3 * threes.take_while(|&code| table.is_same(code)).count();
            let Some((code, end)) = char_at(bytes, at) else {
                break;
            };
            if code < 0x80 {
                // A single line end or comma within text of another script does not end the stretch.
                let alone = bytes.get(end).is_some_and(|byte| !byte.is_ascii());
                if !alone || bytes[at].is_ascii_uppercase() {
                    break;
                }
            } else if !table.is_same(code) {
                if let Some((mapped, is_inert)) = table.mapped(self, code) {
                    out.push_str(&text[copied..at]);
                    out.push_str(mapped);
                    copied = end;
                    inert &= is_inert;
                } else {
                    table.set_same(code);
                }
            }
            at = end;
        }
        out.push_str(&text[copied..at]);
        if !inert {
            spare.clear();
            spare.push_str(&out[before..]);
            out.truncate(before);
            out.extend(spare.nfc());
        }
        at
    }

    /// Maps one character, before composition across characters.
    ///
    /// With NFKC and folding, this is the definition of the `NFKC_Casefold` property (UAX #44): fold and normalize
    /// until nothing changes.
    fn map_char(self, c: char) -> String {
        let step = |text: &str| -> String {
            let kept = text
                .chars()
                .filter(|&c| !(self.drop_ignorable && is_default_ignorable(c)));
            match (self.form, self.case_fold) {
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

    fn table(self) -> &'static Table {
        let form = match self.form {
            Form::None => 0,
            Form::Nfc => 1,
            Form::Nfkc => 2,
        };
        &TABLES[form * 4 + usize::from(self.case_fold) * 2 + usize::from(self.drop_ignorable)]
    }
}

impl fmt::Display for Normalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NFKC_CASEFOLD {
            return f.write_str("nfkc-casefold");
        }
        write!(f, "{}", self.form)?;
        if self.case_fold {
            f.write_str("+fold")?;
        }
        if self.drop_ignorable {
            f.write_str("+drop-ignorable")?;
        }
        Ok(())
    }
}

impl FromStr for Normalization {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "nfkc-casefold" {
            return Ok(Self::NFKC_CASEFOLD);
        }
        let (form, drops) = match text.strip_suffix("+drop-ignorable") {
            Some(form) => (form, true),
            None => (text, false),
        };
        let (form, folds) = match form.strip_suffix("+fold") {
            Some(form) => (form, true),
            None => (form, false),
        };
        let expected =
            "nfkc-casefold, or none, nfc or nfkc with +fold and +drop-ignorable where wanted";
        let form = form.parse();
        let form = form.map_err(|_| Error::unknown("normalization", text, expected))?;
        let normalization = Self::NONE.with_form(form).with_case_fold(folds);
        Ok(normalization.with_ignorable_dropped(drops))
    }
}

serde_as_text!(Normalization);

struct Normalizing<'a> {
    normalization: Normalization,
    text: &'a str,
    out: &'a mut String,
    spare: &'a mut String,
}

impl Task for Normalizing<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Processor>(self, _: P) {
        let Self { text, out, .. } = self;
        self.normalization.normalize_here(text, out, self.spare);
    }
}

/// Bytes that are checked, copied and folded at a time, so that they stay in the nearest cache.
const PIECE: usize = 4096;

/// Bytes checked together: enough for `is_ascii` to use vector instructions.
const STEP: usize = 64;

/// Length of the run of ASCII bytes at the start of `bytes`.
#[inline(always)]
fn ascii_prefix(bytes: &[u8]) -> usize {
    if bytes.first().is_none_or(|byte| !byte.is_ascii()) {
        return 0;
    }
    let whole = bytes.chunks(STEP).take_while(|c| c.is_ascii()).count() * STEP;
    let whole = whole.min(bytes.len());
    let tail = bytes[whole..].iter().take_while(|b| b.is_ascii()).count();
    whole + tail
}

const PAGE: usize = 256;
const PAGES: usize = 0x11_0000 / PAGE;

/// One cache for each combination of switches. It holds results of a pure function only.
static TABLES: [Table; 12] = [const { Table::new() }; 12];

struct Table {
    pages: [OnceLock<Box<Page>>; PAGES],
    /// A bit for each character that is known not to change. Most characters do not, and the pages would not fit in the
    /// nearest cache.
    same: [AtomicU64; CODES / 64],
}

/// More than the number of characters, and a power of two, so that an index never needs a check.
const CODES: usize = 0x20_0000;

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

impl Table {
    const fn new() -> Self {
        Self {
            pages: [const { OnceLock::new() }; PAGES],
            same: [const { AtomicU64::new(0) }; CODES / 64],
        }
    }

    /// True if it is known that the character does not change and takes no part in composition.
    #[inline(always)]
    fn is_same(&self, code: u32) -> bool {
        let bits = self.same[code as usize / 64 % (CODES / 64)].load(Ordering::Relaxed);
        bits >> (code % 64) & 1 == 1
    }

    fn set_same(&self, code: u32) {
        self.same[code as usize / 64].fetch_or(1 << (code % 64), Ordering::Relaxed);
    }

    /// The mapping of the character, and whether that takes no part in composition. `None` if the character does not
    /// change and takes no part.
    #[inline]
    fn mapped(
        &'static self,
        normalization: Normalization,
        code: u32,
    ) -> Option<(&'static str, bool)> {
        let number = code as usize / PAGE;
        let page = self.pages[number].get_or_init(|| Page::new(normalization, number));
        match page.entries[code as usize % PAGE] {
            Entry::Same => None,
            Entry::Mapped { start, end, inert } => {
                Some((&page.text[usize::from(start)..usize::from(end)], inert))
            }
        }
    }
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
            let inert = normalization.form == Form::None || takes_no_part(&mapped);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Normalization; 4] = [
        Normalization::NFKC_CASEFOLD,
        Normalization::NONE,
        Normalization::NONE
            .with_form(Form::Nfc)
            .with_case_fold(true),
        Normalization::NONE
            .with_form(Form::Nfkc)
            .with_ignorable_dropped(true),
    ];

    /// The specification: map every character, then compose the whole.
    fn naive(normalization: Normalization, text: &str) -> String {
        let mapped: String = text.chars().map(|c| normalization.map_char(c)).collect();
        match normalization.form {
            Form::None => mapped,
            Form::Nfc | Form::Nfkc => mapped.nfc().collect(),
        }
    }

    fn normalize(text: &str) -> Cow<'_, str> {
        Normalization::NFKC_CASEFOLD.normalize(text)
    }

    #[test]
    fn examples_of_the_standard() {
        assert_eq!(normalize("Straße"), "strasse");
        assert_eq!(normalize("ΑΣ"), "ας".replace('ς', "σ"));
        assert_eq!(normalize("e\u{301}"), "é");
        assert_eq!(normalize("E\u{200B}\u{301}"), "é");
        assert_eq!(normalize("ﬁ①Ａ"), "fi1a");
        assert_eq!(normalize("ｶﾞ"), "ガ");
        assert_eq!(normalize("\u{1FB3}"), "αι");
        assert_eq!(normalize("한글"), "한글");
        assert_eq!(normalize("\u{1112}\u{1161}\u{11AB}"), "한");
        assert_eq!(normalize("İ"), "i\u{307}");
        assert_eq!(normalize("a\u{FEFF}b\u{FE0F}c"), "abc");
        assert_eq!(normalize("\u{1D400}"), "a");
    }

    /// Checks a hash of the mapping of ranges that are fully assigned: a dependency that changed it would change
    /// signatures. (All 10,429 characters that Unicode 14 maps were once compared with the `NFKC_Casefold` property of
    /// Perl's module; later versions only add characters.)
    #[test]
    fn mapping_is_the_known_one() {
        let ranges = [
            0..=0x557,
            0x1E00..=0x1FFF,
            0x2100..=0x218B,
            0x2460..=0x24FF,
            0x3000..=0x33FF,
            0xF900..=0xFFEF,
            0x1D400..=0x1D6A5,
            0xE0000..=0xE0FFF,
        ];
        let mut all = String::new();
        for c in ranges.into_iter().flatten().filter_map(char::from_u32) {
            let mapped = Normalization::NFKC_CASEFOLD.map_char(c);
            if !mapped.chars().eq([c]) {
                all.push(c);
                all.push_str(&mapped);
                all.push('\n');
            }
        }
        let digest = xxhash_rust::xxh3::xxh3_64(all.as_bytes());
        assert_eq!((all.lines().count(), digest), (7991, 0xCB30_06EA_5D83_CFC3));
    }

    #[test]
    fn ascii_is_only_lower_cased() {
        let all: String = ('\0'..='\u{7F}').collect();
        assert_eq!(normalize(&all), all.to_ascii_lowercase());
    }

    #[test]
    fn none_borrows() {
        assert!(matches!(
            Normalization::NONE.normalize("Ａ\u{AD}"),
            Cow::Borrowed("Ａ\u{AD}")
        ));
    }

    /// Characters that compose, reorder, vanish or grow, between ASCII.
    fn hard_text() -> impl Strategy<Value = String> {
        let hard = prop::sample::select(vec![
            'a',
            'E',
            ' ',
            '.',
            'é',
            'ß',
            'İ',
            'ſ',
            'Ǆ',
            'ﬁ',
            'Å',
            '\u{301}',
            '\u{327}',
            '\u{345}',
            '\u{200B}',
            '\u{AD}',
            '\u{1100}',
            '\u{1161}',
            '\u{11A8}',
            '가',
            'ｶ',
            'ﾞ',
            '漢',
            '\u{FDFA}',
            '\u{1F1E9}',
            '\u{FE0F}',
            '\u{0F77}',
            '\u{1D15E}',
            '\u{2126}',
            'Σ',
        ]);
        let any = prop_oneof![4 => hard, 1 => any::<char>()];
        prop::collection::vec(any, 0..60).prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn equals_the_specification(text in hard_text()) {
            for normalization in ALL {
                prop_assert_eq!(
                    normalization.normalize(&text).into_owned(),
                    naive(normalization, &text),
                    "{}", normalization
                );
            }
        }

        #[test]
        fn is_idempotent(text in hard_text()) {
            let once = normalize(&text);
            prop_assert_eq!(normalize(&once).into_owned(), once.clone().into_owned());
        }

        #[test]
        fn ascii_prefix_is_counted(text in "[a-z]{0,200}(é[a-z]{0,9}){0,2}") {
            let expected = text.bytes().take_while(u8::is_ascii).count();
            prop_assert_eq!(ascii_prefix(text.as_bytes()), expected);
        }
    }
}
