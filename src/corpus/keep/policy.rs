//! The policy that chooses the document of a cluster that is kept.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::corpus::error::Error;
use crate::corpus::keep::value::{FieldValue, read_whole, write_whole};
use crate::text::{Content, Normalization};

/// Which document of a cluster is kept: the first in a total order.
///
/// Documents are compared by the [`Preference`], if there is one, then by [`KeepBy`], then by their order in the input.
/// By default the first document is kept.
///
/// ```
/// use resemblance::corpus::{KeepBy, KeepPolicy, Preference, ReadOptions};
///
/// // Of the copies from the best source, the newest.
/// let policy = KeepPolicy::new(KeepBy::Max("date".to_owned()))
///     .prefer(Preference::new("source", ["gov", "news"]));
/// let options = ReadOptions::new().keep(policy.clone());
/// // The same, as users write it.
/// assert_eq!(policy, KeepPolicy::new("max:date".parse()?).prefer("source=gov,news".parse()?));
/// # Ok::<(), resemblance::corpus::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct KeepPolicy {
    by: KeepBy,
    preference: Option<Preference>,
}

/// How a keep policy compares documents that no preference distinguishes. Written `first`, `longest`, `largest`,
/// `max:FIELD`, `min:FIELD`.
///
/// Values of a field are numbers or strings. Numbers come before strings; strings are compared by code points, so dates
/// such as `2024-05-31` are in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum KeepBy {
    /// The first document in the input. Default.
    #[default]
    First,
    /// The longest text. Its length is the number of characters after `NFKC_Casefold`, without white space, so padding
    /// does not help. For a text that is not UTF-8, bytes are counted.
    Longest,
    /// The document with the most distinct shingles, without what is [set aside](crate::aside): the one that contains
    /// the others. Only a [`Job`](crate::corpus::Job) knows this number; elsewhere it is the first document.
    Largest,
    /// The highest value of a field. Records without the field, or with null, come last.
    Max(String),
    /// The lowest value of a field. Records without the field, or with null, come last.
    Min(String),
}

/// Preferred values of a field, such as a source or a language, best first. Written `FIELD=a,b,c`.
///
/// Strings must match exactly, including case; numbers and booleans must match in their shortest form, such as `7`,
/// `0.5` and `true`. Text files, and records with another value or without the field, come after those with a listed
/// value. Every record is compared with the listed values one after the other, so long lists take time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Preference {
    field: String,
    values: Vec<String>,
}

impl KeepPolicy {
    /// A policy without a preference. Ties are broken by the order of the documents.
    pub fn new(by: KeepBy) -> Self {
        Self {
            by,
            preference: None,
        }
    }

    /// Sets the preference, which is compared first. Default none.
    #[must_use]
    pub fn prefer(self, preference: Preference) -> Self {
        Self {
            preference: Some(preference),
            ..self
        }
    }

    /// How documents are compared that the preference does not distinguish.
    pub fn by(&self) -> &KeepBy {
        &self.by
    }

    /// The preference, if there is one.
    pub fn preference(&self) -> Option<&Preference> {
        self.preference.as_ref()
    }

    /// True if only the order of the documents decides.
    pub fn is_first(&self) -> bool {
        self.by == KeepBy::First && self.preference.is_none()
    }

    /// The same policy, by the number of shingles.
    pub(crate) fn by_largest(self) -> Self {
        let by = KeepBy::Largest;
        Self { by, ..self }
    }

    /// True if the number of shingles decides.
    pub(crate) fn is_largest(&self) -> bool {
        self.by == KeepBy::Largest
    }

    /// The field whose highest or lowest value is kept.
    pub(crate) fn by_field(&self) -> Option<&str> {
        match &self.by {
            KeepBy::First | KeepBy::Longest | KeepBy::Largest => None,
            KeepBy::Max(field) | KeepBy::Min(field) => Some(field),
        }
    }

    /// The field of the preference. Records need not have it.
    pub(crate) fn preferred_field(&self) -> Option<&str> {
        Some(&self.preference.as_ref()?.field)
    }

    /// The values of a document that are compared, given its text, the value of [`by_field`](Self::by_field) and the
    /// text of [`preferred_field`](Self::preferred_field).
    pub(crate) fn values<'a>(
        &self,
        text: Content<'_>,
        by: FieldValue<'a>,
        preferred: Option<&str>,
    ) -> KeepValues<'a> {
        let rank = |preference: &Preference| preference.rank(preferred);
        KeepValues {
            rank: self.preference.as_ref().map_or(0, rank),
            value: match self.by {
                KeepBy::First | KeepBy::Largest => FieldValue::Nothing,
                KeepBy::Longest => FieldValue::whole(length(text)),
                KeepBy::Max(_) | KeepBy::Min(_) => by,
            },
        }
    }

    /// Compares two documents, except by their order in the input. The lesser is kept.
    pub(crate) fn compare(&self, a: &KeepValues<'_>, b: &KeepValues<'_>) -> Ordering {
        a.rank.cmp(&b.rank).then_with(|| match self.by {
            KeepBy::First => Ordering::Equal,
            KeepBy::Longest | KeepBy::Largest | KeepBy::Max(_) => b.value.cmp(&a.value),
            KeepBy::Min(_) => {
                let is_missing = |of: &KeepValues<'_>| matches!(of.value, FieldValue::Nothing);
                let by_missing = is_missing(a).cmp(&is_missing(b));
                by_missing.then_with(|| a.value.cmp(&b.value))
            }
        })
    }
}

/// The number of characters in a text, normalized and without white space.
fn length(text: Content<'_>) -> usize {
    match text {
        Content::Text(text) => {
            let text = Normalization::NFKC_CASEFOLD.normalize(text);
            text.chars().filter(|c| !c.is_whitespace()).count()
        }
        Content::Bytes(bytes) => bytes.len(),
        Content::Shingles(hashes) => hashes.len(),
    }
}

impl Preference {
    /// Prefers the first of `values`, then the second, and so on. If a value is listed twice, its first position
    /// counts.
    pub fn new(
        field: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            field: field.into(),
            values: values.into_iter().map(Into::into).collect(),
        }
    }

    /// The field.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The listed values, best first.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// The position of a value in the list; the length of the list if it is not listed.
    fn rank(&self, value: Option<&str>) -> u32 {
        let is_it = |listed: &String| value == Some(listed);
        let place = self.values.iter().position(is_it);
        place.unwrap_or(self.values.len()) as u32
    }

    /// The value of a rank.
    pub(crate) fn ranked(&self, rank: u32) -> Option<&str> {
        self.values.get(rank as usize).map(String::as_str)
    }
}

impl FromStr for KeepBy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            None if text == "first" => Ok(Self::First),
            None if text == "longest" => Ok(Self::Longest),
            None if text == "largest" => Ok(Self::Largest),
            Some(("max", field)) if !field.is_empty() => Ok(Self::Max(field.to_owned())),
            Some(("min", field)) if !field.is_empty() => Ok(Self::Min(field.to_owned())),
            _ => Err(Error::refused(format!(
                "keep `{text}`: must be first, longest, largest, max:FIELD or min:FIELD"
            ))),
        }
    }
}

impl fmt::Display for KeepBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("first"),
            Self::Longest => f.write_str("longest"),
            Self::Largest => f.write_str("largest"),
            Self::Max(field) => write!(f, "max:{field}"),
            Self::Min(field) => write!(f, "min:{field}"),
        }
    }
}

/// The field ends at the first `=`, a value at the next comma. For other fields and values use [`Preference::new`].
impl FromStr for Preference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = |why: String| Error::refused(format!("prefer `{text}`: {why}"));
        let (field, values) = text
            .split_once('=')
            .filter(|(field, _)| !field.is_empty())
            .ok_or_else(|| refused("must be FIELD=a,b,c".to_owned()))?;
        let preference = Self::new(field, values.split(','));
        for (place, value) in preference.values.iter().enumerate() {
            if value.is_empty() {
                return Err(refused(format!("value {} is empty", place + 1)));
            }
            if preference.rank(Some(value)) != place as u32 {
                return Err(refused(format!("value `{value}` is listed twice")));
            }
        }
        Ok(preference)
    }
}

impl fmt::Display for Preference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.field, self.values.join(","))
    }
}

/// The values of a document that a policy compares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct KeepValues<'a> {
    /// The position of its value in the preference; 0 without a preference.
    pub(crate) rank: u32,
    /// The value of the field, or the length of the text as a number.
    pub(crate) value: FieldValue<'a>,
}

impl<'a> KeepValues<'a> {
    pub(crate) fn into_owned(self) -> KeepValues<'static> {
        KeepValues {
            rank: self.rank,
            value: self.value.into_owned(),
        }
    }

    /// Appends the values as bytes: 2 if nothing is compared, about 4 for a length, 3 and the text for a string.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        write_whole(self.rank.into(), to);
        self.value.write(to);
    }

    /// Reads and removes values from the front of bytes that [`write`](Self::write) wrote; `None` if the bytes are
    /// invalid.
    pub(crate) fn read(from: &mut &'a [u8]) -> Option<Self> {
        Some(Self {
            rank: read_whole(from)?.try_into().ok()?,
            value: FieldValue::read(from)?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::corpus::keep::column::KeepColumn;
    use crate::corpus::keep::value::tests::values;

    pub(crate) fn policy(by: &str, prefer: Option<&str>) -> KeepPolicy {
        let policy = KeepPolicy::new(by.parse().unwrap());
        match prefer {
            Some(preference) => policy.prefer(preference.parse().unwrap()),
            None => policy,
        }
    }

    pub(crate) fn text(text: &str) -> FieldValue<'static> {
        FieldValue::Text(text.to_owned().into())
    }

    #[test]
    fn policies_are_read_as_they_are_written() {
        for written in ["first", "longest", "max:date", "min:a:b", "max: "] {
            assert_eq!(written.parse::<KeepBy>().unwrap().to_string(), written);
        }
        for written in ["", "First", "max", "max:", "min:", "least:x", "longest:x"] {
            let error = written.parse::<KeepBy>().unwrap_err();
            let expected = format!(
                "keep `{written}`: must be first, longest, largest, max:FIELD or min:FIELD"
            );
            assert_eq!(error.to_string(), expected);
            assert!(error.is_setting());
        }
        for written in ["source=gov,web", "a=b=c, d", "lang=en"] {
            assert_eq!(written.parse::<Preference>().unwrap().to_string(), written);
        }
        for (written, expected) in [
            ("source", "must be FIELD=a,b,c"),
            ("=gov", "must be FIELD=a,b,c"),
            ("source=", "value 1 is empty"),
            ("source=gov,,web", "value 2 is empty"),
            ("source=gov,web,gov", "value `gov` is listed twice"),
        ] {
            let error = written.parse::<Preference>().unwrap_err();
            assert_eq!(error.to_string(), format!("prefer `{written}`: {expected}"));
            assert!(error.is_setting());
        }
    }

    #[test]
    fn a_preference_comes_first_and_what_it_does_not_list_last() {
        let policy = policy("max:date", Some("source=gov,web"));
        let values = |source, date| policy.values(Content::Text(""), text(date), source);
        let best_first = [
            values(Some("gov"), "2024"),
            values(Some("gov"), "2023"),
            values(Some("web"), "2025"),
            values(Some("Gov"), "2026"),
            values(None, "2025"),
        ];
        let is_before = |a: &KeepValues<'_>, b: &KeepValues<'_>| policy.compare(a, b).is_lt();
        assert!(best_first.is_sorted_by(is_before));
        let (none, other) = (values(None, "2025"), values(Some("else"), "2025"));
        assert_eq!(policy.compare(&none, &other), Ordering::Equal);
        // If a value is listed twice, its first position counts.
        let twice = Preference::new("x", ["a", "b", "a"]);
        assert_eq!(["a", "b", "c"].map(|v| twice.rank(Some(v))), [0, 1, 3]);
    }

    #[test]
    fn only_what_is_compared_is_held() {
        let long = "a".repeat(300);
        let held = |by, prefer| {
            let policy = policy(by, prefer);
            let mut bytes = Vec::new();
            policy
                .values(Content::Text(&long), text("2024-05-31"), Some("x"))
                .write(&mut bytes);
            let mut column = KeepColumn::new(policy.clone());
            column.push(&policy.values(Content::Text(&long), text("2024-05-31"), Some("x")));
            assert_eq!(column.bytes, if policy.is_first() { &[] } else { &*bytes });
            bytes.len()
        };
        assert_eq!(held("first", None), 2);
        assert_eq!(held("first", Some("a=x")), 2);
        assert_eq!(held("longest", None), 4);
        assert_eq!(held("max:date", None), 3 + 10);
    }

    fn kept_values() -> impl Strategy<Value = KeepValues<'static>> {
        let fields = (0u32..3, values());
        prop_oneof![
            fields.prop_map(|(rank, value)| KeepValues { rank, value }),
            any::<u32>().prop_map(|rank| KeepValues {
                rank,
                value: FieldValue::Nothing
            }),
        ]
    }

    proptest! {
        #[test]
        fn is_a_total_order(
            a in kept_values(),
            b in kept_values(),
            c in kept_values(),
            by in prop_oneof![Just("first"), Just("longest"), Just("max:x"), Just("min:x")],
        ) {
            let policy = policy(by, None);
            let compare = |a, b| policy.compare(a, b);
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert!(!(compare(&a, &b).is_le() && compare(&b, &c).is_le()) || compare(&a, &c).is_le());
        }

        #[test]
        fn bytes_are_read_as_written(all in prop::collection::vec(kept_values(), 0..9)) {
            let mut bytes = Vec::new();
            for values in &all {
                values.write(&mut bytes);
            }
            let mut rest = &*bytes;
            for values in &all {
                let read = KeepValues::read(&mut rest).unwrap();
                // Compared as text, since a whole number and a float can be equal.
                prop_assert_eq!(format!("{read:?}"), format!("{values:?}"));
                prop_assert_eq!(&read.into_owned(), values);
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn bytes_that_are_cut_are_not_read(values in kept_values(), cut in 1usize..20) {
            let mut bytes = Vec::new();
            values.write(&mut bytes);
            bytes.truncate(bytes.len().saturating_sub(cut));
            prop_assert_eq!(KeepValues::read(&mut &*bytes), None);
        }
    }
}
