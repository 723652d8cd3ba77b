//! Describes in a few words why one document is kept and another is removed.

use std::cmp::Ordering;
use std::fmt;

use crate::corpus::keep::policy::{KeepBy, KeepPolicy, KeepValues};
use crate::corpus::keep::value::FieldValue;

/// Why one document is kept and another is removed, for display: the first comparison of the policy in which they
/// differ.
///
/// - `first`: only their order differs.
/// - `longer: 1234 > 1200 characters`, `larger: 230 > 190 shingles`.
/// - `max date: 2024-05-31 > 2023-01-01` or `min score: 3 < 7.5`; `max date: 2024-05-31 before missing` if the
///   removed document does not have the field.
/// - `prefer source: gov before web`; `gov before unlisted` if the removed document has none of the listed values.
/// - `indexed`: the kept document belongs to an [index](crate::corpus::Job::against).
/// - `another order`: the kept document is not the one that the policy would keep.
///
/// Strings are cut after 60 characters. They are quoted if they are empty, compared with a number, or if both look like
/// numbers. Control characters are not escaped.
#[derive(Debug, Clone)]
pub struct KeepReason<'a> {
    pub(crate) policy: &'a KeepPolicy,
    /// Whether the kept document belongs to an index.
    pub(crate) is_indexed: bool,
    pub(crate) kept: KeepValues<'a>,
    pub(crate) removed: KeepValues<'a>,
}

impl fmt::Display for KeepReason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            policy,
            is_indexed,
            kept,
            removed,
        } = self;
        if *is_indexed {
            return f.write_str(INDEXED);
        }
        match (policy.compare(kept, removed), policy.preference()) {
            (Ordering::Equal, _) => f.write_str("first"),
            (Ordering::Greater, _) => f.write_str("another order"),
            (Ordering::Less, Some(preference)) if kept.rank != removed.rank => {
                let ranked = |rank| preference.ranked(rank).map_or("unlisted".into(), cut);
                let (before, after) = (ranked(kept.rank), ranked(removed.rank));
                write!(f, "prefer {}: {before} before {after}", preference.field())
            }
            (Ordering::Less, _) => {
                let (kept, removed) = (&kept.value, &removed.value);
                let is_missing = matches!(removed, FieldValue::Nothing);
                let (kept, removed) = (shown(kept, removed), shown(removed, kept));
                match policy.by() {
                    by @ (KeepBy::Max(field) | KeepBy::Min(field)) if is_missing => {
                        let which = if matches!(by, KeepBy::Max(_)) {
                            "max"
                        } else {
                            "min"
                        };
                        write!(f, "{which} {field}: {kept} before missing")
                    }
                    KeepBy::First => Ok(()), // they would be equal
                    KeepBy::Longest => write!(f, "longer: {kept} > {removed} characters"),
                    KeepBy::Largest => write!(f, "larger: {kept} > {removed} shingles"),
                    KeepBy::Max(field) => write!(f, "max {field}: {kept} > {removed}"),
                    KeepBy::Min(field) => write!(f, "min {field}: {kept} < {removed}"),
                }
            }
        }
    }
}

/// The reason if the kept document belongs to an index.
pub(crate) const INDEXED: &str = "indexed";

/// The reason in a cluster of which no document is kept.
pub(crate) const NONE_KEPT: &str = "none kept";

/// The text of a value that is shown beside another.
fn shown(value: &FieldValue<'_>, other: &FieldValue<'_>) -> String {
    let is_number = |value: &FieldValue<'_>| matches!(value, FieldValue::Number(_));
    // "9" > "10"
    let looks_like_one = |value: &FieldValue<'_>| matches!(value, FieldValue::Text(text) if text.parse::<f64>().is_ok());
    let look_like_numbers = looks_like_one(value) && looks_like_one(other);
    match value {
        FieldValue::Nothing => String::new(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Text(text) if text.is_empty() || is_number(other) || look_like_numbers => {
            format!("\"{}\"", cut(text))
        }
        FieldValue::Text(text) => cut(text),
    }
}

/// The most characters of a string that are shown.
const SHOWN: usize = 60;

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::keep::policy::tests::{policy, text};
    use crate::corpus::keep::value::Number;
    use crate::text::Content;

    fn reason(policy: &KeepPolicy, kept: KeepValues<'_>, removed: KeepValues<'_>) -> String {
        let reason = KeepReason {
            policy,
            is_indexed: false,
            kept,
            removed,
        };
        reason.to_string()
    }

    fn float(number: f64) -> FieldValue<'static> {
        FieldValue::Number(Number::float(number))
    }

    #[test]
    fn reasons_say_what_decided() {
        let lengths = |by, kept, removed| {
            let policy = policy(by, None);
            let values = |length| {
                let text = "a ".repeat(length);
                policy.values(Content::Text(&text), FieldValue::Nothing, None)
            };
            reason(&policy, values(kept), values(removed))
        };
        assert_eq!(lengths("first", 1, 2), "first");
        assert_eq!(
            lengths("longest", 1234, 1200),
            "longer: 1234 > 1200 characters"
        );
        assert_eq!(lengths("longest", 7, 7), "first");
        assert_eq!(lengths("longest", 6, 7), "another order");
        let fields = |by, kept, removed| {
            let policy = policy(by, Some("source=gov,web"));
            let values = |(value, source)| policy.values(Content::Text(""), value, Some(source));
            reason(&policy, values(kept), values(removed))
        };
        for (kept, removed, expected) in [
            (
                ("2024-05-31", "gov"),
                ("2025-01-01", "web"),
                "prefer source: gov before web",
            ),
            (
                ("2024-05-31", "web"),
                ("2025-01-01", "x"),
                "prefer source: web before unlisted",
            ),
            (
                ("2024-05-31", "web"),
                ("2023-01-01", "web"),
                "max date: 2024-05-31 > 2023-01-01",
            ),
            (("2024-05-31", "x"), ("2024-05-31", "y"), "first"),
            (("2024", "x"), ("", "x"), "max date: 2024 > \"\""),
        ] {
            let [kept, removed] = [kept, removed].map(|(date, source)| (text(date), source));
            assert_eq!(fields("max:date", kept, removed), expected);
        }
        let score = |kept, removed| fields("min:score", (kept, "x"), (removed, "x"));
        assert_eq!(score(float(-0.5), float(7.0)), "min score: -0.5 < 7");
        assert_eq!(score(float(7.0), text("7")), "min score: 7 < \"7\"");
        assert_eq!(
            score(text("a"), text(&"ü".repeat(61))),
            format!("min score: a < {}…", "ü".repeat(60))
        );
    }
}
