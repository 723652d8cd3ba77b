//! Normalization of texts before they are compared.
//!
//! The reference implementation is [`Normalization::map_char`], followed by canonical composition. Since it is slow,
//! [`Mappings`] cache its results.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

use super::arch::{self, Processor, Task};
use super::decode::{char_at, of_three};
use super::mappings::Mappings;
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
/// [`DEFAULT`](Self::DEFAULT) ignores case, compatibility variants of characters, invisible characters, and how
/// apostrophes are written. Other switches are off by default, since the differences that they ignore may matter.
/// Normalizing takes almost no time on ASCII text (it is only lower-cased), and less than word splitting on other text.
///
/// ```
/// use resemblance::Normalization;
///
/// assert_eq!(Normalization::DEFAULT.normalize("L’Été №5, ＡＢＣ"), "l'été no5, abc");
/// let loose = Normalization::DEFAULT.with_accents_dropped(true).with_digits_unified(true);
/// assert_eq!(loose.normalize("L’Été, 24 août"), "l'ete, 00 aout");
/// let case_only = Normalization::NONE.with_case_fold(true);
/// assert_eq!(case_only.normalize("ＡＢＣ"), "ａｂｃ");
/// ```
///
/// As text it is a base and `+SWITCH` for each switch that is on, in any order: `nfkc-casefold+apostrophes`, the default.
///
/// | base | |
/// |---|---|
/// | `none`, `nfc`, `nfkc` | the [`Form`] |
/// | `nfkc-casefold` | the same as `nfkc+fold+drop-ignorable` |
/// | `default` | the same as `nfkc-casefold+apostrophes` |
///
/// | switch | |
/// |---|---|
/// | `fold` | [folds case](Self::with_case_fold) |
/// | `drop-ignorable` | [drops invisible characters](Self::with_ignorable_dropped) |
/// | `apostrophes` | [unifies apostrophes](Self::with_apostrophes_unified) |
/// | `arabic` | [drops Arabic tatweel and harakat](Self::with_arabic_marks_dropped) |
/// | `accents` | [drops accents](Self::with_accents_dropped) |
/// | `digits` | [unifies digits](Self::with_digits_unified) |
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Normalization {
    form: Form,
    /// A bit for each switch that is on.
    switches: u8,
}

const FOLD: u8 = 1;
const DROP_IGNORABLE: u8 = 1 << 1;
const APOSTROPHES: u8 = 1 << 2;
const ARABIC: u8 = 1 << 3;
const ACCENTS: u8 = 1 << 4;
const DIGITS: u8 = 1 << 5;

/// The switches in the order of their bits, with their names.
const SWITCHES: [(&str, u8); 6] = [
    ("fold", FOLD),
    ("drop-ignorable", DROP_IGNORABLE),
    ("apostrophes", APOSTROPHES),
    ("arabic", ARABIC),
    ("accents", ACCENTS),
    ("digits", DIGITS),
];

impl Default for Normalization {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Normalization {
    /// The default: [`NFKC_CASEFOLD`](Self::NFKC_CASEFOLD), and apostrophes are unified.
    pub const DEFAULT: Self = Self::NFKC_CASEFOLD.with_apostrophes_unified(true);

    /// `NFKC_Casefold` of the Unicode Standard (section 3.13, R5): compatibility composition, full
    /// case folding, default-ignorable characters dropped.
    pub const NFKC_CASEFOLD: Self = Self {
        form: Form::Nfkc,
        switches: FOLD | DROP_IGNORABLE,
    };

    /// No normalization: the text is left unchanged.
    pub const NONE: Self = Self {
        form: Form::None,
        switches: 0,
    };

    const fn with(self, switch: u8, on: bool) -> Self {
        let switches = match on {
            true => self.switches | switch,
            false => self.switches & !switch,
        };
        Self { switches, ..self }
    }

    const fn has(self, switch: u8) -> bool {
        self.switches & switch != 0
    }

    /// The same with another normalization form.
    #[must_use]
    pub const fn with_form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    /// The same with full case folding on or off. With [`Form::None`] the folding is that of
    /// `CaseFolding.txt` (statuses C and F), character by character.
    #[must_use]
    pub const fn with_case_fold(self, on: bool) -> Self {
        self.with(FOLD, on)
    }

    /// The same with default-ignorable characters (soft hyphens, zero-width joiners, variation
    /// selectors) dropped or kept.
    #[must_use]
    pub const fn with_ignorable_dropped(self, on: bool) -> Self {
        self.with(DROP_IGNORABLE, on)
    }

    /// The same with apostrophes unified or as they are written. Unified, `‘ ’ ʻ ʼ ＇` and the Hebrew geresh `׳` become
    /// `'`; `“ ” ＂` and gershayim `״` become `"`. So `l’été` is the word `l'été`, and `צה״ל` is `צה"ל`. Other marks, such
    /// as backticks and `„ «`, stay.
    ///
    /// The marks are replaced outside words as well. Only shingles of tokens, characters and bytes see that.
    #[must_use]
    pub const fn with_apostrophes_unified(self, on: bool) -> Self {
        self.with(APOSTROPHES, on)
    }

    /// The same with the optional parts of Arabic script dropped or kept: tatweel, harakat (short vowels, shadda, sukun,
    /// the superscript alef) and Quranic annotation. Madda and hamza stay, since they make up other letters.
    #[must_use]
    pub const fn with_arabic_marks_dropped(self, on: bool) -> Self {
        self.with(ARABIC, on)
    }

    /// The same with the accents of Latin, Greek and Cyrillic letters dropped or kept: `é` becomes `e`, `ё` becomes `е`,
    /// and also `й` becomes `и`. Letters that Unicode does not decompose, such as `ø` and `ł`, stay, and so do the marks of
    /// other scripts, which are vowels or distinguish letters (Devanagari, Thai, Hebrew, kana).
    #[must_use]
    pub const fn with_accents_dropped(self, on: bool) -> Self {
        self.with(ACCENTS, on)
    }

    /// The same with decimal digits unified or as they are written. Unified, each digit of any script becomes `0`, so
    /// numbers differ only in their lengths and separators: all dates like `2024-05-31` are the same, and `9` and `10`
    /// are not. For pages of a template that differ in dates, counters and prices.
    #[must_use]
    pub const fn with_digits_unified(self, on: bool) -> Self {
        self.with(DIGITS, on)
    }

    /// The normalization form.
    pub const fn form(self) -> Form {
        self.form
    }

    /// Whether case is folded.
    pub const fn folds_case(self) -> bool {
        self.has(FOLD)
    }

    /// Whether default-ignorable characters are dropped.
    pub const fn drops_ignorable(self) -> bool {
        self.has(DROP_IGNORABLE)
    }

    /// Whether apostrophes are unified.
    pub const fn unifies_apostrophes(self) -> bool {
        self.has(APOSTROPHES)
    }

    /// Whether Arabic tatweel and harakat are dropped.
    pub const fn drops_arabic_marks(self) -> bool {
        self.has(ARABIC)
    }

    /// Whether accents are dropped.
    pub const fn drops_accents(self) -> bool {
        self.has(ACCENTS)
    }

    /// Whether digits are unified.
    pub const fn unifies_digits(self) -> bool {
        self.has(DIGITS)
    }

    /// A number of its own for each normalization: 0, 1 or 2 for the form, and the switches from bit 2 on.
    pub(crate) const fn to_byte(self) -> u8 {
        self.form as u8 | self.switches << 2
    }

    /// The normalization of a [`to_byte`](Self::to_byte), if there is one.
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        let form = match byte & 3 {
            0 => Form::None,
            1 => Form::Nfc,
            2 => Form::Nfkc,
            _ => return None,
        };
        let switches = byte >> 2;
        Some(Self { form, switches })
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
        self == Self::NONE || (!self.has(FOLD | DIGITS) && text.is_ascii())
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
            self.push_ascii(ascii, out);
            at = self.push_non_ascii(text, at + ascii.len(), out, spare);
        }
    }

    /// Appends normalized ASCII text.
    #[inline(always)]
    pub(super) fn push_ascii(self, ascii: &str, out: &mut String) {
        let from = out.len();
        match self.unifies_digits() {
            true => push_without_digits(ascii, out),
            false => out.push_str(ascii),
        }
        if self.folds_case() {
            out[from..].make_ascii_lowercase();
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
        let mappings = Mappings::of(self);
        let before = out.len().saturating_sub(1);
        let (mut inert, mut copied, mut at) = (true, from, from);
        let bytes = text.as_bytes();
        loop {
            let threes = bytes[at..].as_chunks().0.iter().map_while(of_three);
            at += 3 * threes.take_while(|&code| mappings.is_same(code)).count();
            let Some((code, end)) = char_at(bytes, at) else {
                break;
            };
            if code < 0x80 {
                // A single line end or comma within text of another script does not end the stretch.
                let alone = bytes.get(end).is_some_and(|byte| !byte.is_ascii());
                if !alone || bytes[at].is_ascii_uppercase() || bytes[at].is_ascii_digit() {
                    break;
                }
            } else if !mappings.is_same(code) {
                if let Some((mapped, is_inert)) = mappings.mapped(code) {
                    out.push_str(&text[copied..at]);
                    out.push_str(mapped);
                    copied = end;
                    inert &= is_inert;
                } else {
                    mappings.set_same(code);
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
}

impl fmt::Display for Normalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = *self;
        if self.with(!Self::NFKC_CASEFOLD.switches, false) == Self::NFKC_CASEFOLD {
            f.write_str("nfkc-casefold")?;
            rest.switches &= !Self::NFKC_CASEFOLD.switches;
        } else {
            write!(f, "{}", self.form)?;
        }
        let mut on = SWITCHES.iter().filter(|(_, switch)| rest.has(*switch));
        on.try_for_each(|(name, _)| write!(f, "+{name}"))
    }
}

impl fmt::Debug for Normalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Normalization({self})")
    }
}

impl FromStr for Normalization {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let expected = "default, nfkc-casefold, nfkc, nfc or none, followed by +fold, +drop-ignorable, +apostrophes, \
                        +arabic, +accents or +digits as wanted, each once";
        let unknown = || Error::unknown("normalization", text, expected);
        let mut parts = text.split('+');
        let mut normalization = match parts.next() {
            Some("default") => Self::DEFAULT,
            Some("nfkc-casefold") => Self::NFKC_CASEFOLD,
            form => Self::NONE.with_form(form.unwrap_or("").parse().map_err(|_| unknown())?),
        };
        for part in parts {
            let mut named = SWITCHES.iter().filter(|(name, _)| *name == part);
            let &(_, switch) = named.next().ok_or_else(unknown)?;
            if normalization.has(switch) {
                return Err(unknown());
            }
            normalization = normalization.with(switch, true);
        }
        Ok(normalization)
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

/// Appends ASCII text with each digit replaced by `0`.
fn push_without_digits(ascii: &str, out: &mut String) {
    for run in ascii.split_inclusive(|c: char| c.is_ascii_digit()) {
        match run.strip_suffix(|c: char| c.is_ascii_digit()) {
            Some(before) => out.extend([before, "0"]),
            None => out.push_str(run),
        }
    }
}

/// Bytes that are checked, copied and folded at a time, so that they stay in the nearest cache.
const PIECE: usize = 4096;

/// Bytes checked together: enough for `is_ascii` to use vector instructions.
const STEP: usize = 64;

/// Length of the run of ASCII bytes at the start of `bytes`.
#[inline(always)]
pub(super) fn ascii_prefix(bytes: &[u8]) -> usize {
    if bytes.first().is_none_or(|byte| !byte.is_ascii()) {
        return 0;
    }
    let whole = bytes.chunks(STEP).take_while(|c| c.is_ascii()).count() * STEP;
    let whole = whole.min(bytes.len());
    let tail = bytes[whole..].iter().take_while(|b| b.is_ascii()).count();
    whole + tail
}

#[cfg(test)]
mod tests;
