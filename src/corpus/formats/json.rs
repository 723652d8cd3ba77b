//! Reads the needed fields of a JSON line. Other values are skipped without being built.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::corpus::formats::fields::{Fields, Found, Picked, Scalar};
use crate::corpus::formats::paths::{Roles, Tree};
use crate::corpus::keep::value::Number;

impl Fields {
    /// The text of a line that was read before. Escapes are resolved in `memory`, and several parts are joined there.
    pub(crate) fn pick_text<'a>(
        &self,
        line: &'a str,
        memory: &'a mut String,
    ) -> Result<&'a str, String> {
        match self.text_of(self.find(line)?.text)? {
            Cow::Borrowed(text) => Ok(text),
            Cow::Owned(text) => {
                *memory = text;
                Ok(memory)
            }
        }
    }

    fn find<'a>(&self, line: &'a str) -> Result<Found<'a>, String> {
        let mut json = serde_json::Deserializer::from_str(line);
        let mut found = Found::default();
        let walk = Walk {
            tree: self.tree(),
            found: &mut found,
        };
        json.deserialize_map(walk)
            .and_then(|()| json.end())
            .map_err(|error| message(&error, line))?;
        Ok(found)
    }

    /// The fields of a line, or the reason to reject it.
    pub(crate) fn pick<'a>(&self, line: &'a str) -> Result<Picked<'a>, String> {
        self.settle(self.find(line)?)
    }
}

impl Scalar<'_> {
    /// Parses a number in the syntax of JSON.
    pub(crate) fn number(text: &str) -> Option<Self> {
        let number: serde_json::Number = serde_json::from_str(text).ok()?;
        if text.starts_with(|c: char| c.is_ascii_whitespace()) {
            return None;
        }
        let whole = |number: &serde_json::Number| {
            let signed = number.as_i64().map(i128::from);
            signed.or_else(|| number.as_u64().map(i128::from))
        };
        Some(Self::Number(match whole(&number) {
            Some(whole) => Number::Whole(whole),
            None => Number::float(number.as_f64()?),
        }))
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

/// Reads a value of a record, and finds the needed fields in it.
struct Walk<'s, 'a> {
    /// The needed fields that are here or below.
    tree: &'s Tree,
    found: &'s mut Found<'a>,
}

impl<'a> Walk<'_, 'a> {
    fn take<E: Error>(self, value: Scalar<'a>) -> Result<(), E> {
        let here = self.tree.here;
        self.take_as(here, value)
    }

    fn take_as<E: Error>(self, roles: Roles, value: Scalar<'a>) -> Result<(), E> {
        match self.found.take(roles, value) {
            true => Ok(()),
            false => Err(E::custom(TWICE)),
        }
    }

    /// Takes an object or array. As a text it is of the wrong type, unless a part of the text may lie in it.
    fn take_outer<E: Error>(
        self,
        value: Scalar<'a>,
        has_text: impl FnOnce() -> bool,
    ) -> Result<(), E> {
        let mut here = self.tree.here;
        if here.text.is_some() && has_text() {
            here.text = None;
        }
        self.take_as(here, value)
    }
}

const TWICE: &str = "a needed field occurs twice";

impl<'de> DeserializeSeed<'de> for Walk<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, 'de> {
    type Value = ();

    /// What a record must be; any value may be in it.
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        self.take(Scalar::Str(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.take(Scalar::Str(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.take(Scalar::Number(Number::Whole(number.into())))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.take(Scalar::Number(Number::Whole(number.into())))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.take(Scalar::Number(Number::float(number)))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.take(Scalar::Bool(value))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.take(Scalar::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { tree, found } = self;
        let Some(elements) = &tree.elements else {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            return Self { tree, found }.take(Scalar::Array);
        };
        loop {
            let element = Walk {
                tree: elements,
                found: &mut *found,
            };
            if seq.next_element_seed(element)?.is_none() {
                break;
            }
        }
        Self { tree, found }.take_outer(Scalar::Array, || elements.has_text())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { tree, found } = self;
        let fields = &tree.fields;
        // Fields that have occurred, as bits. There are at most those of the text and the other roles.
        let mut seen = 0u128;
        while let Some(field) = map.next_key_seed(Key(fields))? {
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if seen >> field & 1 == 1 {
                return Err(A::Error::custom(TWICE));
            }
            seen |= 1 << field;
            let tree = &fields[field].1;
            map.next_value_seed(Walk {
                tree,
                found: &mut *found,
            })?;
        }
        let has_text = || fields.iter().any(|(_, tree)| tree.has_text());
        Self { tree, found }.take_outer(Scalar::Object, has_text)
    }
}

/// Reads the name of a field, and finds it among the needed ones.
struct Key<'s>(&'s [(String, Tree)]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|(name, _)| name == key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::corpus::Preference;
    use crate::corpus::formats::paths::{FieldPath, Step};
    use crate::corpus::keep::policy::{KeepPolicy, KeepValues};
    use crate::corpus::keep::value::FieldValue;
    use crate::text::Content;

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
        let policy = KeepPolicy::new(by.parse().unwrap()).prefer(prefer.parse().unwrap());
        let fields = Fields::default().with_keep(policy);
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
            let fields = Fields::default().with_keep(policy.clone());
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
        let all = Fields::default().with_id("text");
        let all = all.with_keep(of("max:text", "text"));
        let picked = all.pick(line).unwrap();
        assert_eq!(
            (&*picked.text, picked.id.as_deref()),
            ("a\tb", Some("a\tb"))
        );
    }

    #[test]
    fn parts_are_joined_in_the_order_of_the_list() {
        let text = |list: &str, line: &str| {
            let fields = Fields::default().with_text(list);
            let picked = fields.pick(line).map(|picked| picked.text.into_owned());
            let mut memory = String::new();
            assert_eq!(
                fields.pick_text(line, &mut memory).map(ToOwned::to_owned),
                picked
            );
            picked
        };
        let ok = |text: &str| Ok(text.to_owned());
        let line = r#"{"body": "b\tc", "title": "a", "tags": ["x", null, "", "y"], "a.b": "z"}"#;
        assert_eq!(text("title,body", line), ok("a\nb\tc"));
        assert_eq!(text("nothing,body,title", line), ok("b\tc\na"));
        assert_eq!(text("tags.*,title", line), ok("x\ny\na"));
        assert_eq!(text(r"a\.b", line), ok("z"));
        // Messages whose content is a string or a list of parts.
        let line = r#"{"m": [{"c": "one"}, {"c": [{"t": "two"}, {"i": 3}]}, {"c": null}, {}, 5]}"#;
        assert_eq!(text("m.*.c,m.*.c.*.t", line), ok("one\ntwo"));
        let error = |list, line| text(list, line).unwrap_err();
        assert_eq!(
            error("m.*.c", line),
            "field `m.*.c` is an array, not a string: name what is in it, as in `m.*.c.*`"
        );
        assert_eq!(
            error("m.*.x", line),
            r"field `m.*.x` is missing (a dot that is part of a name is written `\.`)"
        );
        assert_eq!(
            error("a,b.c", line),
            "none of the fields `a`, `b.c` has a text"
        );
        assert_eq!(
            error("a,m.*", line),
            "field `m.*` is an object, not a string: name what is in it, as in `m.*.NAME`"
        );
        let twice = r#"{"m": [{"c": "one", "c": "two"}]}"#;
        assert!(error("m.*.c", twice).contains("a needed field occurs twice"));
        // An empty text is one, and one of no parts is none.
        assert_eq!(text("m.*", r#"{"m": [""]}"#), ok(""));
        assert!(text("m.*", r#"{"m": []}"#).is_err());
    }

    #[test]
    fn ids_and_keep_fields_may_be_paths() {
        let keep = KeepPolicy::new("max:meta.date".parse().unwrap());
        let fields = Fields::default().with_id("meta.id").with_keep(keep.clone());
        let picked = fields
            .pick(r#"{"meta": {"id": 7, "date": "2024"}, "text": "a"}"#)
            .unwrap();
        assert_eq!(picked.id.as_deref(), Some("7"));
        let by = FieldValue::Text("2024".into());
        assert_eq!(picked.keep, keep.values(Content::Text("a"), by, None));
        assert!(fields.check().is_ok());
        let error = Fields::default().with_id("a.*").check().unwrap_err();
        assert!(error.is_setting());
        assert!(
            error
                .to_string()
                .starts_with("field `a.*`: `*` stands for several values")
        );
        assert!(Fields::default().with_id(r"a.\*").check().is_ok());
        let many: Vec<String> = (0..65).map(|n| n.to_string()).collect();
        let error = Fields::default().with_text(&many.join(",")).check();
        assert!(error.unwrap_err().to_string().contains("at most 64"));
        assert!(
            Fields::default()
                .with_text(&many[..64].join(","))
                .check()
                .is_ok()
        );
    }

    /// The values at a path.
    fn at<'v>(value: &'v Value, steps: &[Step], found: &mut Vec<&'v Value>) {
        match (steps, value) {
            ([], _) => found.push(value),
            ([Step::Field(name), rest @ ..], Value::Object(fields)) => {
                if let Some(value) = fields.get(name) {
                    at(value, rest, found);
                }
            }
            ([Step::Each, rest @ ..], Value::Array(elements)) => {
                for value in elements {
                    at(value, rest, found);
                }
            }
            _ => {}
        }
    }

    /// The text of a record, as `ReadOptions::text_field` states it; `None` if the record is bad.
    fn stated(record: &Value, paths: &[FieldPath]) -> Option<String> {
        let goes_on = |path: &FieldPath, by: fn(&Step) -> bool| {
            let next = |other: &FieldPath| other.steps.get(path.steps.len()).is_some_and(by);
            let on = |other: &&FieldPath| other.steps.starts_with(&path.steps);
            paths.iter().filter(on).any(next)
        };
        let mut parts = Vec::new();
        for path in paths {
            let mut found = Vec::new();
            at(record, &path.steps, &mut found);
            for value in found {
                match value {
                    Value::String(text) => parts.push(text.clone()),
                    Value::Null => {}
                    Value::Array(_) if goes_on(path, |step| *step == Step::Each) => {}
                    Value::Object(_) if goes_on(path, |step| *step != Step::Each) => {}
                    _ => return None,
                }
            }
        }
        let is_there = !parts.is_empty();
        parts.retain(|part| !part.is_empty());
        is_there.then(|| parts.join("\n"))
    }

    fn json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            4 => "[a\"\n\u{e9}]{0,3}".prop_map(Value::from),
            1 => Just(Value::Null),
            1 => any::<i16>().prop_map(Value::from),
            1 => any::<bool>().prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 40, 4, |inner| {
            let names = prop::sample::select(vec!["a", "b", "c.d", "*", "\n"]);
            let names = names.prop_map(ToOwned::to_owned);
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(names, inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    fn paths(steps: &'static str) -> impl Strategy<Value = String> {
        let steps: Vec<&str> = steps.split(' ').collect();
        prop::collection::vec(prop::sample::select(steps), 1..4).prop_map(|steps| steps.join("."))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// What is found in a line is what is found in a tree of its values.
        #[test]
        fn paths_lead_where_a_walk_does(
            fields in prop::collection::btree_map("[ab]", json(), 1..3),
            list in prop::collection::vec(paths(r"a b c\.d * \*"), 1..4),
            id in paths("a b"),
        ) {
            let list = list.join(",");
            let record = Value::Object(fields.into_iter().collect());
            let line = record.to_string();
            let text = stated(&record, &FieldPath::list(&list));

            let fields = Fields::default().with_text(&list);
            let (mut memory, picked) = (String::new(), fields.clone().without_id().pick(&line));
            prop_assert_eq!(picked.as_ref().ok().map(|picked| &*picked.text), text.as_deref());
            prop_assert_eq!(fields.pick_text(&line, &mut memory).ok(), text.as_deref());
            let seen = |path: &FieldPath| stated(&record, std::slice::from_ref(path)).is_some();
            if let Ok(picked) = picked {
                for (number, path) in fields.text().iter().enumerate() {
                    let is_seen = picked.text_fields >> number & 1 == 1;
                    prop_assert!(is_seen || !seen(path), "{}", path);
                }
            }

            let mut found = Vec::new();
            at(&record, &FieldPath::parse(&id).steps, &mut found);
            let id_of = match &*found {
                [Value::String(id)] => Some(id.clone()),
                [Value::Number(id)] => Some(id.to_string()),
                _ => None,
            };
            let picked = fields.with_id(&id).pick(&line).ok();
            prop_assert_eq!(picked.and_then(|picked| picked.id), text.and(id_of));
        }
    }
}
