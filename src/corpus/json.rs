//! The fields that matter of a record; what else a JSON line has is skipped without being built.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Which fields to take.
#[derive(Debug, Clone)]
pub(super) struct Fields {
    pub(super) text: String,
    pub(super) id: String,
    /// A record without the id field is bad.
    pub(super) id_required: bool,
    /// A field that the keep policy goes by.
    pub(super) keep: Option<String>,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            text: "text".to_owned(),
            id: "id".to_owned(),
            id_required: false,
            keep: None,
        }
    }
}

/// What was taken of a record.
#[derive(Debug)]
pub(super) struct Picked<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) id: Option<String>,
    pub(super) keep: Option<FieldValue>,
}

impl Fields {
    /// The text of a line that has been read before; where it has escapes, they are resolved in `memory`.
    pub(super) fn pick_text<'a>(
        &self,
        line: &'a str,
        memory: &'a mut String,
    ) -> Result<&'a str, String> {
        match self.find(line)?.text {
            Some(Scalar::Str(Cow::Borrowed(text))) => Ok(text),
            Some(Scalar::Str(Cow::Owned(text))) => {
                *memory = text;
                Ok(memory)
            }
            _ => Err(format!("field `{}` is missing", self.text)),
        }
    }

    fn find<'a>(&self, line: &'a str) -> Result<Found<'a>, String> {
        let mut json = serde_json::Deserializer::from_str(line);
        let mut found = Found::default();
        let seed = RecordSeed {
            fields: self,
            found: &mut found,
        };
        seed.deserialize(&mut json)
            .and_then(|()| json.end())
            .map_err(|error| told(&error))?;
        Ok(found)
    }

    /// The fields of one line, or what is wrong with it.
    pub(super) fn pick<'a>(&self, line: &'a str) -> Result<Picked<'a>, String> {
        self.settle(self.find(line)?)
    }

    /// The fields that were found of a record, or what is wrong with them.
    pub(super) fn settle<'a>(&self, found: Found<'a>) -> Result<Picked<'a>, String> {
        let text = match found.text {
            Some(Scalar::Str(text)) => text,
            Some(other) => return Err(is_not(&self.text, &other, TEXT)),
            None => return Err(format!("field `{}` is missing", self.text)),
        };
        let id = match found.id {
            Some(Scalar::Str(id)) => Some(id.into_owned()),
            Some(Scalar::Number(number)) if number.is_whole => Some(number.exact.to_string()),
            None | Some(Scalar::Other("null")) if !self.id_required => None,
            None => return Err(format!("field `{}` is missing", self.id)),
            Some(other) => {
                return Err(is_not(&self.id, &other, ID));
            }
        };
        let keep = match (&self.keep, found.keep) {
            (None, _) => None,
            (Some(_), Some(Scalar::Number(number))) => Some(FieldValue(Value::Number(number))),
            (Some(_), Some(Scalar::Str(text))) => Some(FieldValue(Value::Text(text.into_owned()))),
            (Some(name), Some(other)) => return Err(is_not(name, &other, KEEP)),
            (Some(name), None) => return Err(format!("field `{name}` is missing")),
        };
        Ok(Picked { text, id, keep })
    }
}

/// The parser's message; its line is always 1, since it sees one line at a time.
fn told(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let problem = message.split(" at line ").next().unwrap_or(&message);
    format!("not a JSON record: {problem} (column {})", error.column())
}

fn is_not(field: &str, found: &Scalar<'_>, wanted: &str) -> String {
    let kind = match found {
        Scalar::Str(_) => "a string",
        Scalar::Number(_) => "a number",
        Scalar::Other(kind) => kind,
    };
    format!("field `{field}` is {kind}, not {wanted}")
}

/// What a field's value may be.
pub(super) const TEXT: &str = "a string";
pub(super) const ID: &str = "a string or whole number of 64 bits";
pub(super) const KEEP: &str = "a number or string";

/// The value of the field that a keep policy goes by, in a total order: numbers come before strings;
/// strings go by their code points, so that dates as in `2024-05-31` are in order.
#[derive(Debug, Clone)]
pub struct FieldValue(Value);

#[derive(Debug, Clone)]
enum Value {
    Number(Number),
    Text(String),
}

/// A JSON number; whole numbers beyond 2^53 keep their digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number {
    approximate: f64,
    exact: i128,
    /// Written as a whole number that is known to the last digit.
    is_whole: bool,
}

impl Number {
    pub(super) fn whole(number: i128) -> Self {
        Self {
            approximate: number as f64,
            exact: number,
            is_whole: true,
        }
    }

    pub(super) fn float(number: f64) -> Self {
        Self {
            approximate: number,
            exact: number as i128,
            is_whole: false,
        }
    }

    /// What a file of JSON cannot hold, and others can.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    pub(super) fn is_nan(self) -> bool {
        self.approximate.is_nan()
    }
}

impl Ord for FieldValue {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Value::Number(l), Value::Number(r)) => l
                .approximate
                .total_cmp(&r.approximate)
                .then(l.exact.cmp(&r.exact)),
            (Value::Text(l), Value::Text(r)) => l.cmp(r),
            (Value::Number(_), Value::Text(_)) => Ordering::Less,
            (Value::Text(_), Value::Number(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for FieldValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for FieldValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for FieldValue {}

#[derive(Debug)]
pub(super) enum Scalar<'a> {
    Str(Cow<'a, str>),
    Number(Number),
    /// A value of a kind that no field may have, by its name.
    Other(&'static str),
}

/// The fields that a record has, whatever they are.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    pub(super) text: Option<Scalar<'a>>,
    pub(super) id: Option<Scalar<'a>>,
    pub(super) keep: Option<Scalar<'a>>,
}

struct RecordSeed<'s, 'a> {
    fields: &'s Fields,
    found: &'s mut Found<'a>,
}

impl<'de> DeserializeSeed<'de> for RecordSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { fields, found } = self;
        while let Some(key) = map.next_key_seed(KeySeed(fields))? {
            if !(key.text || key.id || key.keep) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value_seed(ScalarSeed)?;
            let twice = key.text && found.text.is_some()
                || key.id && found.id.is_some()
                || key.keep && found.keep.is_some();
            if twice {
                return Err(serde::de::Error::custom(
                    "a field that is needed stands twice",
                ));
            }
            // One field may serve as several.
            if key.keep {
                found.keep = Some(value.copy());
            }
            if key.id {
                found.id = Some(value.copy());
            }
            if key.text {
                found.text = Some(value);
            }
        }
        Ok(())
    }
}

impl Scalar<'_> {
    fn copy(&self) -> Self {
        match self {
            Self::Str(text) => Self::Str(text.clone()),
            Self::Number(number) => Self::Number(*number),
            Self::Other(kind) => Self::Other(kind),
        }
    }
}

struct KeySeed<'s>(&'s Fields);

/// What a key stands for.
struct Key {
    text: bool,
    id: bool,
    keep: bool,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        let Fields { text, id, keep, .. } = self.0;
        Ok(Key {
            text: key == text,
            id: key == id,
            keep: keep.as_deref() == Some(key),
        })
    }
}

struct ScalarSeed;

impl<'de> DeserializeSeed<'de> for ScalarSeed {
    type Value = Scalar<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ScalarSeed {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Str(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Str(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(Number::whole(number.into())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(Number::whole(number.into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(Number::float(number)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Other("a boolean"))
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Other("null"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other("an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borrows_the_text_and_skips_the_rest() {
        let line = r#"{"meta": {"text": [1, {"id": 2}]}, "id": 7, "text": "plain", "x": null}"#;
        let picked = Fields::default().pick(line).unwrap();
        assert!(matches!(picked.text, Cow::Borrowed("plain")));
        assert_eq!(picked.id.as_deref(), Some("7"));
        let picked = Fields::default()
            .pick(r#"{"te\u0078t": "a\nb", "id": null}"#)
            .unwrap();
        assert_eq!((&*picked.text, picked.id), ("a\nb", None));
    }

    #[test]
    fn says_what_is_wrong() {
        let told = |line: &str| Fields::default().pick(line).unwrap_err();
        assert_eq!(told(r#"{"id": 1}"#), "field `text` is missing");
        assert_eq!(
            told(r#"{"text": 5}"#),
            "field `text` is a number, not a string"
        );
        assert_eq!(
            told(r#"{"text": null}"#),
            "field `text` is null, not a string"
        );
        assert_eq!(
            told(r#"{"text": "x", "id": [1]}"#),
            "field `id` is an array, not a string or whole number of 64 bits"
        );
        assert_eq!(
            told(r#"{"text": "x", "id": 1.5}"#),
            "field `id` is a number, not a string or whole number of 64 bits"
        );
        assert!(told(r#"{"text": "x""#).starts_with("not a JSON record: EOF"));
        assert!(told(r#"{"text": "x"} {}"#).contains("trailing characters"));
        assert!(told(r#"["text"]"#).contains("expected an object"));
        assert!(
            told(r#"{"text": "x", "text": "y"}"#).contains("a field that is needed stands twice")
        );
    }

    #[test]
    fn fields_for_keeping() {
        let by = Fields {
            keep: Some("score".into()),
            ..Fields::default()
        };
        let value = |line: &str| by.pick(line).unwrap().keep.unwrap();
        let values = [
            value(r#"{"text": "", "score": -3.5}"#),
            value(r#"{"text": "", "score": 9007199254740992}"#),
            value(r#"{"text": "", "score": 9007199254740993}"#),
            value(r#"{"text": "", "score": "2024-01-02"}"#),
            value(r#"{"text": "", "score": "2024-11-01"}"#),
        ];
        assert!(values.is_sorted_by(|a, b| a < b));
        assert_eq!(
            by.pick(r#"{"text": ""}"#).unwrap_err(),
            "field `score` is missing"
        );
    }
}
