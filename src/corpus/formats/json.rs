//! Reads the needed fields of a record. Other values of a JSON line are skipped without being built.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::corpus::keep::policy::{KeepPolicy, KeepValues};
use crate::corpus::keep::value::{FieldValue, Number};
use crate::text::{Content, Group};

/// The fields to read.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    pub(crate) text: String,
    /// `None` if ids are made of file and line.
    pub(crate) id: Option<String>,
    /// Whether a record without the id field is bad.
    pub(crate) id_required: bool,
    /// The policy, whose fields are read as well.
    pub(crate) keep: KeepPolicy,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            text: "text".to_owned(),
            id: Some("id".to_owned()),
            id_required: false,
            keep: KeepPolicy::default(),
        }
    }
}

/// The fields of a record.
#[derive(Debug)]
pub(crate) struct Picked<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) id: Option<String>,
    pub(crate) keep: KeepValues<'static>,
    pub(crate) group: Option<Group>,
}

impl Fields {
    /// Whether documents may have groups, whose repeated passages are set aside.
    pub(crate) fn sets_aside(&self) -> bool {
        false
    }

    /// The setting by which groups are found, and the number of words in a passage.
    pub(crate) fn set_aside_text(&self, words: usize) -> String {
        let _ = words;
        String::new()
    }

    /// The text of a line that was read before. Escapes are resolved in `memory`.
    pub(crate) fn pick_text<'a>(
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
            .map_err(|error| message(&error, line))?;
        Ok(found)
    }

    /// The fields of a line, or the reason to reject it.
    pub(crate) fn pick<'a>(&self, line: &'a str) -> Result<Picked<'a>, String> {
        self.settle(self.find(line)?)
    }

    /// Checks the fields of a record, or returns the reason to reject it.
    pub(crate) fn settle<'a>(&self, found: Found<'a>) -> Result<Picked<'a>, String> {
        let Found { text, others } = found;
        let [id, by, preferred] = others;
        let text = match text {
            Some(Scalar::Str(text)) => text,
            Some(other) => return Err(is_not(&self.text, &other, TEXT)),
            None => return Err(format!("field `{}` is missing", self.text)),
        };
        let id_field = self.id.as_deref().unwrap_or_default();
        let id = match id {
            Some(Scalar::Str(id)) => Some(id.into_owned()),
            Some(Scalar::Number(Number::Whole(number))) => Some(number.to_string()),
            None | Some(Scalar::Other("null")) if !self.id_required => None,
            None => return Err(format!("field `{id_field}` is missing")),
            Some(other) => {
                return Err(is_not(id_field, &other, ID));
            }
        };
        let by = self.kept_by(by)?;
        let preferred = preferred.and_then(Scalar::into_text);
        let content = Content::Text(&text);
        let keep = self.keep.values(content, by, preferred.as_deref());
        let keep = keep.into_owned();
        let group = None;
        Ok(Picked {
            text,
            id,
            keep,
            group,
        })
    }

    /// The value for the keep policy, if the policy compares a field and the record has it.
    fn kept_by<'a>(&self, found: Option<Scalar<'a>>) -> Result<FieldValue<'a>, String> {
        match (self.keep.by_field(), found) {
            (None, _) | (_, None | Some(Scalar::Other("null"))) => Ok(FieldValue::Nothing),
            (Some(_), Some(Scalar::Number(number))) => Ok(FieldValue::Number(number)),
            (Some(_), Some(Scalar::Str(text))) => Ok(FieldValue::Text(text)),
            (Some(name), Some(other)) => Err(is_not(name, &other, KEEP)),
        }
    }
}

/// The message of a parse error, without the parser's line number, which is always 1.
fn message(error: &serde_json::Error, line: &str) -> String {
    let message = error.to_string();
    let problem = message.split(" at line ").next().unwrap_or(&message);
    let problem = named(error, line).unwrap_or(problem);
    format!("not a JSON record: {problem} (column {})", error.column())
}

/// A better message for common mistakes of programs that write JSON.
fn named(error: &serde_json::Error, line: &str) -> Option<&'static str> {
    if line.starts_with('\u{FEFF}') {
        return Some("a byte-order mark, which is allowed only at the start of a file");
    }
    // The parser may have read the sign and the first letter.
    let from = error.column().saturating_sub(2);
    let rest = line.as_bytes().get(from..)?;
    let begins = |word: &[u8]| rest.windows(word.len()).take(3).any(|part| part == word);
    match () {
        () if begins(b"NaN") => Some("NaN is not JSON: write null, or leave the field out"),
        () if begins(b"Infinity") => {
            Some("Infinity is not JSON: write null, or leave the field out")
        }
        () => None,
    }
}

fn is_not(field: &str, found: &Scalar<'_>, wanted: &str) -> String {
    let kind = match found {
        Scalar::Str(_) => "a string",
        Scalar::Number(_) => "a number",
        Scalar::Bool(_) => "a boolean",
        Scalar::Other(kind) => kind,
    };
    format!("field `{field}` is {kind}, not {wanted}")
}

/// The allowed types of fields, for messages.
pub(crate) const TEXT: &str = "a string";
pub(crate) const ID: &str = "a string or whole number of 64 bits";
pub(crate) const KEEP: &str = "a number or string";

#[derive(Debug)]
pub(crate) enum Scalar<'a> {
    Str(Cow<'a, str>),
    Number(Number),
    Bool(bool),
    /// A value of another type, by the name of the type.
    Other(&'static str),
}

/// The needed fields of a record, not yet checked.
#[derive(Debug, Default)]
pub(crate) struct Found<'a> {
    pub(crate) text: Option<Scalar<'a>>,
    /// The id, the value that the keep policy compares, and the value for the preference.
    pub(crate) others: [Option<Scalar<'a>>; OTHERS],
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
        while let Some(roles) = map.next_key_seed(KeySeed(fields))? {
            if roles == Roles::default() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value_seed(ScalarSeed)?;
            if !found.take(roles, value) {
                return Err(serde::de::Error::custom("a needed field occurs twice"));
            }
        }
        Ok(())
    }
}

impl<'a> Found<'a> {
    /// Stores a value for each of its roles. Returns false if a role has a value already.
    fn take(&mut self, roles: Roles, value: Scalar<'a>) -> bool {
        let places = self.others.iter_mut().zip(roles.others);
        for (place, _) in places.filter(|&(_, serves)| serves) {
            if place.replace(value.copy()).is_some() {
                return false;
            }
        }
        // Last, so that the text is copied only for other roles.
        !(roles.text && self.text.replace(value).is_some())
    }
}

impl<'a> Scalar<'a> {
    fn copy(&self) -> Self {
        match self {
            Self::Str(text) => Self::Str(text.clone()),
            Self::Number(number) => Self::Number(*number),
            Self::Bool(value) => Self::Bool(*value),
            Self::Other(kind) => Self::Other(kind),
        }
    }

    /// Parses a number in the syntax of JSON.
    pub(crate) fn number(text: &str) -> Option<Self> {
        let mut json = serde_json::Deserializer::from_str(text);
        let number = ScalarSeed.deserialize(&mut json).ok()?;
        let is_whole = json.end().is_ok() && !text.starts_with(|c: char| c.is_ascii_whitespace());
        match number {
            Scalar::Number(number) if is_whole => Some(Self::Number(number)),
            _ => None,
        }
    }

    /// The text that a preference compares, if the value has one.
    fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Str(text) => Some(text),
            Self::Number(number) => Some(number.to_string().into()),
            Self::Bool(value) => Some(value.to_string().into()),
            Self::Other(_) => None,
        }
    }
}

struct KeySeed<'s>(&'s Fields);

/// The roles of a field. One field may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Roles {
    text: bool,
    others: [bool; OTHERS],
}

/// The number of roles other than the text: the id, the field of the keep policy, and that of the preference.
const OTHERS: usize = 3;

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Roles;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Roles, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Roles;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Roles, E> {
        let Fields { text, id, keep, .. } = self.0;
        let is_key = |field: Option<&str>| field == Some(key);
        Ok(Roles {
            text: key == text,
            others: [
                is_key(id.as_deref()),
                is_key(keep.by_field()),
                is_key(keep.preferred_field()),
            ],
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
        Ok(Scalar::Number(Number::Whole(number.into())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(Number::Whole(number.into())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(Number::float(number)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(value))
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
    use crate::corpus::Preference;

    fn fields() -> Fields {
        Fields {
            text: "text".into(),
            id: Some("id".into()),
            id_required: false,
            keep: KeepPolicy::default(),
        }
    }

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
        let error = |line: &str| Fields::default().pick(line).unwrap_err();
        assert_eq!(error(r#"{"id": 1}"#), "field `text` is missing");
        assert_eq!(
            error(r#"{"text": 5}"#),
            "field `text` is a number, not a string"
        );
        assert_eq!(
            error(r#"{"text": null}"#),
            "field `text` is null, not a string"
        );
        assert_eq!(
            error(r#"{"text": "x", "id": [1]}"#),
            "field `id` is an array, not a string or whole number of 64 bits"
        );
        assert_eq!(
            error(r#"{"text": "x", "id": 1.5}"#),
            "field `id` is a number, not a string or whole number of 64 bits"
        );
        assert!(error(r#"{"text": "x""#).starts_with("not a JSON record: EOF"));
        assert!(error(r#"{"text": "x"} {}"#).contains("trailing characters"));
        assert!(error(r#"["text"]"#).contains("expected an object"));
        assert!(error(r#"{"text": "x", "text": "y"}"#).contains("a needed field occurs twice"));
    }

    /// The compared values of a line, for the policy `by` with the preference `prefer`.
    fn kept(by: &str, prefer: &str, line: &str) -> Result<KeepValues<'static>, String> {
        let mut fields = fields();
        fields.keep = KeepPolicy::new(by.parse().unwrap()).prefer(prefer.parse().unwrap());
        fields.pick(line).map(|picked| picked.keep)
    }

    #[test]
    fn fields_for_keeping() {
        let score = |line: &str| kept("max:score", "source=gov,7,0.5,true", line);
        let policy = KeepPolicy::new("max:score".parse().unwrap())
            .prefer("source=gov,7,0.5,true".parse().unwrap());
        let best_first = [
            r#"{"text": "", "score": 1, "source": "gov"}"#,
            r#"{"text": "", "score": "b", "source": 7}"#,
            r#"{"text": "", "score": "a", "source": "7"}"#,
            r#"{"text": "", "score": 9007199254740993, "source": 7.0}"#,
            r#"{"text": "", "score": 9007199254740992, "source": 7}"#,
            r#"{"text": "", "score": 9, "source": 5e-1}"#,
            r#"{"text": "", "score": 9, "source": true}"#,
            r#"{"text": "", "score": 10, "source": "GOV"}"#,
            r#"{"text": "", "score": 9.5, "source": null}"#,
            r#"{"text": "", "score": 9}"#,
            r#"{"text": "", "score": 8, "source": ["gov"]}"#,
            r#"{"text": "", "source": ["gov"]}"#,
        ];
        let values = best_first.map(|line| score(line).unwrap());
        assert!(values.is_sorted_by(|a, b| policy.compare(a, b).is_lt()));
        assert_eq!(
            score(r#"{"text": "", "score": true}"#).unwrap_err(),
            "field `score` is a boolean, not a number or string"
        );
        assert!(
            score(r#"{"text": "", "score": 1, "source": 1, "source": 2}"#)
                .unwrap_err()
                .contains("a needed field occurs twice")
        );
    }

    #[test]
    fn one_field_may_serve_as_several() {
        // The text has an escape, so that it is not borrowed.
        let line = r#"{"text": "a\tb", "id": 7}"#;
        let of = |by: &str, field: &str| {
            KeepPolicy::new(by.parse().unwrap()).prefer(Preference::new(field, ["x", "a\tb", "7"]))
        };
        for (by, prefer) in [("max:text", "text"), ("max:id", "id"), ("min:text", "id")] {
            let policy = of(by, prefer);
            let mut fields = fields();
            fields.keep = policy.clone();
            let picked = fields.pick(line).unwrap();
            assert_eq!((&*picked.text, picked.id.as_deref()), ("a\tb", Some("7")));
            let (by, preferred) = match by {
                "max:id" => (FieldValue::whole(7), "7"),
                "max:text" => (FieldValue::Text("a\tb".into()), "a\tb"),
                _ => (FieldValue::Text("a\tb".into()), "7"),
            };
            assert_eq!(
                picked.keep,
                policy.values(Content::Text("a\tb"), by, Some(preferred))
            );
        }
        let mut all = fields();
        all.id = Some("text".into());
        all.keep = of("max:text", "text");
        let picked = all.pick(line).unwrap();
        assert_eq!(
            (&*picked.text, picked.id.as_deref()),
            ("a\tb", Some("a\tb"))
        );
    }
}
