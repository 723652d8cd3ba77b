//! Facts about the clusters of documents, which are added to their records as three fields.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, Visitor};

use crate::corpus::escape::Escaped;
use crate::corpus::formats::delimited::Header;
use crate::corpus::formats::record::{Form, RawRecord};

/// What is added to the record of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The number of its cluster, from 1; `None` if it is in no cluster.
    pub(crate) cluster: Option<NonZeroU32>,
    /// The number of documents in its cluster, those of earlier runs included; 1 if it is in no cluster.
    pub(crate) size: u64,
    pub(crate) is_kept: bool,
}

/// The names of the added fields, and how they are written in each format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Annotation {
    names: [String; 3],
}

impl Annotation {
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            names: ["cluster", "cluster_size", "kept"].map(|name| format!("{prefix}{name}")),
        }
    }

    /// The names of cluster, size, and whether the record is kept.
    #[cfg(feature = "parquet")]
    pub(crate) fn names(&self) -> &[String; 3] {
        &self.names
    }

    /// Fails if one of these columns has a name of the annotation.
    pub(crate) fn check_columns<'n>(
        &self,
        mut columns: impl Iterator<Item = &'n str>,
    ) -> Result<(), String> {
        match columns.find(|column| self.names.iter().any(|name| name == column)) {
            Some(name) => Err(exists("column", name)),
            None => Ok(()),
        }
    }

    /// The bytes of a record with the added fields. Those of Parquet rows are columns of their own, and text files are
    /// annotated as the objects that are written for them.
    pub(crate) fn record<'b>(
        &self,
        record: &RawRecord<'b>,
        facts: Facts,
    ) -> Result<Cow<'b, [u8]>, String> {
        Ok(match record.form {
            Form::Json => self.object(record.bytes, facts)?.into(),
            Form::Cells(columns) => annotated_row(record.bytes, columns.delimiter(), facts).into(),
            Form::Text | Form::Wet | Form::Row { .. } => record.bytes.into(),
        })
    }

    /// A JSON object with the added fields before its closing brace. All other bytes are unchanged.
    pub(crate) fn object(&self, line: &[u8], facts: Facts) -> Result<Vec<u8>, String> {
        let Existing { is_empty, taken } = self.existing(line).map_err(|e| e.to_string())?;
        if let Some(taken) = taken {
            return Err(exists("field", &self.names[taken]));
        }
        let brace = line.trim_ascii_end().len() - 1;
        let [cluster, size, kept] = self.names.each_ref().map(|name| json_string(name));
        let number = match facts.cluster {
            Some(number) => number.to_string(),
            None => "null".to_owned(),
        };
        let comma = if is_empty { "" } else { "," };
        let added = format!(
            "{comma}{cluster}:{number},{size}:{},{kept}:{}",
            facts.size, facts.is_kept
        );
        Ok([&line[..brace], added.as_bytes(), &line[brace..]].concat())
    }

    /// The names of a JSON object's fields, as far as they matter here.
    fn existing(&self, line: &[u8]) -> serde_json::Result<Existing> {
        let mut json = serde_json::Deserializer::from_slice(line);
        let existing = json.deserialize_map(Names(&self.names))?;
        json.end().map(|()| existing)
    }
}

impl Header {
    /// The row with the names of added cells, if there are any.
    pub(crate) fn row_with(&self, annotation: Option<&Annotation>) -> Vec<u8> {
        let row = self.row.as_bytes();
        let Some(annotation) = annotation else {
            return row.to_vec();
        };
        let names = annotation.names.each_ref();
        let names = names.map(|name| quoted(name, self.delimiter));
        with_cells(row, self.delimiter, &names)
    }
}

/// The error of a record or file that has a field of this name.
fn exists(what: &str, name: &str) -> String {
    let name = Escaped(name);
    format!("{what} `{name}` exists already: choose another prefix for the added ones (--annotate)")
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A row of CSV or TSV with three more cells. A carriage return stays at its end.
fn annotated_row(row: &[u8], delimiter: u8, facts: Facts) -> Vec<u8> {
    let number = facts.cluster.map(|number| number.to_string());
    let cells = [
        number.unwrap_or_default(),
        facts.size.to_string(),
        facts.is_kept.to_string(),
    ];
    with_cells(row, delimiter, &cells)
}

/// A row with more cells, which must be quoted where necessary.
fn with_cells(row: &[u8], delimiter: u8, cells: &[String; 3]) -> Vec<u8> {
    let (before, end) = match row.strip_suffix(b"\r") {
        Some(before) => (before, "\r"),
        None => (row, ""),
    };
    let mut row = before.to_vec();
    for cell in cells {
        row.push(delimiter);
        row.extend_from_slice(cell.as_bytes());
    }
    row.extend_from_slice(end.as_bytes());
    row
}

/// The text of a cell, in quotes if it needs them.
fn quoted(text: &str, delimiter: u8) -> String {
    let is_special = |c| matches!(c, '"' | '\n' | '\r') || c == char::from(delimiter);
    match text.contains(is_special) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// What is known of an object's fields.
struct Existing {
    is_empty: bool,
    /// The name of the annotation that a field has.
    taken: Option<usize>,
}

/// Reads the names of an object's fields, and finds those of the annotation.
struct Names<'a>(&'a [String; 3]);

impl<'de> Visitor<'de> for Names<'_> {
    type Value = Existing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Existing, A::Error> {
        let mut existing = Existing {
            is_empty: true,
            taken: None,
        };
        while let Some(taken) = map.next_key_seed(Name(self.0))? {
            existing.is_empty = false;
            existing.taken = existing.taken.or(taken);
            map.next_value::<IgnoredAny>()?;
        }
        Ok(existing)
    }
}

/// Reads the name of a field, and finds it among those of the annotation.
struct Name<'a>(&'a [String; 3]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|own| own == name))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn facts(cluster: u32, size: u64, is_kept: bool) -> Facts {
        Facts {
            cluster: NonZeroU32::new(cluster),
            size,
            is_kept,
        }
    }

    fn object(line: &str) -> Result<String, String> {
        let annotation = Annotation::new("dup_");
        let made = annotation.object(line.as_bytes(), facts(7, 3, true))?;
        Ok(String::from_utf8(made).unwrap())
    }

    const ADDED: &str = r#""dup_cluster":7,"dup_cluster_size":3,"dup_kept":true"#;

    #[test]
    fn fields_come_before_the_closing_brace() {
        for (before, comma, after) in [
            ("{", "", "}"),
            ("{ \t", "", "} \r"),
            ("  {\"a\": {}", ",", "}"),
            ("{\"a\" : [{\"b\":\"}\"}] ", ",", "}\r"),
            (
                r#"{"é\u00e9":"\"}","n":123456789012345678901234567890.5e-3"#,
                ",",
                "}  \t",
            ),
        ] {
            let made = object(&format!("{before}{after}")).unwrap();
            assert_eq!(made, format!("{before}{comma}{ADDED}{after}"));
        }
        let none = Annotation::new("").object(b"{}", facts(0, 1, false));
        assert_eq!(
            String::from_utf8(none.unwrap()).unwrap(),
            r#"{"cluster":null,"cluster_size":1,"kept":false}"#
        );
        let odd = Annotation::new("\"\n")
            .object(b"{}", facts(1, 2, true))
            .unwrap();
        let odd: Value = serde_json::from_slice(&odd).unwrap();
        assert_eq!(odd["\"\nkept"], true);
    }

    #[test]
    fn fields_that_exist_are_refused() {
        let error = object(r#"{"a": 1, "dup_\u006bept": null}"#).unwrap_err();
        assert_eq!(
            error,
            "field `dup_kept` exists already: choose another prefix for the added ones (--annotate)"
        );
        // Only those of the record itself.
        assert!(object(r#"{"a": {"dup_kept": 1}, "Dup_kept": 2}"#).is_ok());
        let annotation = Annotation::new("");
        assert!(annotation.check_columns(["id", "text"].into_iter()).is_ok());
        let error = annotation.check_columns(["id", "cluster"].into_iter());
        assert!(
            error
                .unwrap_err()
                .starts_with("column `cluster` exists already")
        );
    }

    #[test]
    fn cells_come_last_and_names_are_quoted() {
        let annotation = Annotation::new("a,\"");
        let row = |row: &[u8], facts| String::from_utf8(annotated_row(row, b'\t', facts)).unwrap();
        assert_eq!(
            row(b"a\t\"b\nc\"\r", facts(2, 5, false)),
            "a\t\"b\nc\"\t2\t5\tfalse\r"
        );
        assert_eq!(row(b"", facts(0, 1, true)), "\t\t1\ttrue");
        let header = |delimiter| {
            let header = Header::read(&b"id\r\n1\r\n"[..], delimiter).unwrap();
            String::from_utf8(header.row_with(Some(&annotation))).unwrap()
        };
        assert_eq!(
            header(b','),
            "id,\"a,\"\"cluster\",\"a,\"\"cluster_size\",\"a,\"\"kept\"\r"
        );
        assert!(header(b'\t').starts_with("id\t\"a,\"\"cluster\"\t"));
    }

    /// Any JSON, and white space in which it may lie.
    fn json() -> impl Strategy<Value = String> {
        let space = || "[ \t\r]{0,2}";
        let scalar = prop_oneof![
            "\"([a-z{}\\[\\],:é\u{1F600}]|\\\\\"|\\\\\\\\|\\\\u00e9){0,6}\"",
            "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?",
            prop::sample::select(vec!["null", "true", "false", "1e400"]).prop_map(str::to_owned),
        ];
        scalar.prop_recursive(3, 24, 4, move |inner| {
            let list = prop::collection::vec((space(), inner.clone(), space()), 0..4);
            prop_oneof![
                list.prop_map(|items| {
                    let items: Vec<String> =
                        items.iter().map(|(a, b, c)| format!("{a}{b}{c}")).collect();
                    format!("[{}]", items.join(","))
                }),
                objects(inner.boxed()),
            ]
        })
    }

    fn objects(values: BoxedStrategy<String>) -> impl Strategy<Value = String> {
        let space = || "[ \t\r]{0,2}";
        let field = (space(), "[a-zé]{0,4}", space(), values, space());
        (prop::collection::vec(field, 0..4), space()).prop_map(|(fields, space)| {
            let fields: Vec<String> = fields
                .iter()
                .map(|(a, name, b, value, c)| format!("{a}\"{name}\"{b}:{a}{value}{c}"))
                .collect();
            format!("{{{}{space}}}", fields.join(","))
        })
    }

    proptest! {
        /// Without the added fields, an object is what it was, byte for byte.
        #[test]
        fn the_rest_of_an_object_is_unchanged(
            line in objects(json().boxed()),
            before in "[ \t]{0,2}",
            after in "[ \t\r]{0,3}",
        ) {
            let line = format!("{before}{line}{after}");
            let made = object(&line).unwrap();
            let found = made.find(ADDED).unwrap();
            let is_comma = made[..found].ends_with(',');
            let from = found - usize::from(is_comma);
            let without = [&made[..from], &made[found + ADDED.len()..]].concat();
            prop_assert_eq!(&without, &line);
            // With infinities, an object is no JSON for a parser of numbers.
            let (Ok(mut parsed), Ok(original)) = (
                serde_json::from_str::<Value>(&made),
                serde_json::from_str::<Value>(&line),
            ) else {
                return Ok(());
            };
            let fields = parsed.as_object_mut().unwrap();
            prop_assert_eq!(fields.remove("dup_cluster"), Some(7.into()));
            prop_assert_eq!(fields.remove("dup_cluster_size"), Some(3.into()));
            prop_assert_eq!(fields.remove("dup_kept"), Some(true.into()));
            prop_assert_eq!(parsed, original);
        }
    }
}
