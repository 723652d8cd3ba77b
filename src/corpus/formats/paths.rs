//! Paths: the places of fields in records.

use std::fmt;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The field of this name.
    Field(String),
    /// Every element of an array. Written `*`.
    Each,
}

/// The path of a field, see [`ReadOptions::text_field`](crate::corpus::ReadOptions::text_field).
#[derive(Debug, Clone)]
pub(crate) struct FieldPath {
    /// The path as the caller wrote it, for messages.
    written: String,
    /// The path without its backslashes: the name of the column in files without nested fields.
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

impl FieldPath {
    /// A single path, in which a comma is part of a name. Every text is a path.
    pub(crate) fn parse(written: &str) -> Self {
        Self {
            written: written.to_owned(),
            name: unescaped(written),
            steps: (split(written, '.').into_iter())
                .map(|step| match step {
                    "*" => Step::Each,
                    name => Step::Field(unescaped(name)),
                })
                .collect(),
        }
    }

    /// Paths separated by commas. A path that is listed twice counts once.
    pub(crate) fn list(written: &str) -> Vec<Self> {
        let mut paths: Vec<Self> = Vec::new();
        for path in split(written, ',').into_iter().map(Self::parse) {
            if paths.iter().all(|listed| listed.steps != path.steps) {
                paths.push(path);
            }
        }
        paths
    }

    /// Whether it may lead to several values of a record.
    pub(crate) fn is_of_several(&self) -> bool {
        self.steps.contains(&Step::Each)
    }

    /// Whether another path goes on from the place of this one.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    pub(crate) fn is_on_the_way_to(&self, other: &Self) -> bool {
        other.steps.len() > self.steps.len() && other.steps.starts_with(&self.steps)
    }

    /// Advice for a path that leads nowhere, if its dots may be meant as parts of a name.
    pub(crate) fn advice(&self) -> &'static str {
        match self.steps.len() {
            1 => "",
            _ => r" (a dot that is part of a name is written `\.`)",
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Splits a text at a character, except after a backslash.
fn split(text: &str, at: char) -> Vec<&str> {
    let mut is_escaped = false;
    let ends = |c| {
        let ends = c == at && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    };
    text.split(ends).collect()
}

/// The text without the backslashes before characters that have a meaning in paths. Other backslashes remain.
fn unescaped(text: &str) -> String {
    let mut chars = text.chars().peekable();
    let mut name = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        let follows = |next: &char| matches!(next, '.' | ',' | '*' | '\\');
        let meant = if c == '\\' {
            chars.next_if(follows)
        } else {
            None
        };
        name.push(meant.unwrap_or(c));
    }
    name
}

/// The needed fields as a tree: for each place in a record, the fields that are there and the places below it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    pub(crate) here: Roles,
    pub(crate) fields: Vec<(String, Tree)>,
    pub(crate) elements: Option<Box<Tree>>,
}

/// The roles of a field. One field may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Roles {
    /// Its position among the fields of the text.
    pub(crate) text: Option<usize>,
    pub(crate) others: [bool; OTHERS],
}

/// The number of roles other than the text: the id, the field of the keep policy, that of the preference, and that of
/// the group.
pub(crate) const OTHERS: usize = 4;

impl Tree {
    /// The roles at the end of a path, which is added if the tree does not have it.
    pub(crate) fn at(&mut self, path: &FieldPath) -> &mut Roles {
        let end = path.steps.iter().fold(self, |tree, step| match step {
            Step::Each => tree.elements.get_or_insert_default(),
            Step::Field(name) => tree.field(name),
        });
        &mut end.here
    }

    fn field(&mut self, name: &str) -> &mut Self {
        let known = self.fields.iter().position(|(known, _)| known == name);
        let place = known.unwrap_or_else(|| {
            self.fields.push((name.to_owned(), Self::default()));
            self.fields.len() - 1
        });
        &mut self.fields[place].1
    }

    /// Whether a part of the text is here or below.
    pub(crate) fn has_text(&self) -> bool {
        self.here.text.is_some()
            || self.fields.iter().any(|(_, tree)| tree.has_text())
            || self.elements.as_ref().is_some_and(|tree| tree.has_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(written: &str) -> Vec<Vec<String>> {
        let step = |step: &Step| match step {
            Step::Field(name) => format!("={name}"),
            Step::Each => "each".to_owned(),
        };
        let paths = FieldPath::list(written).into_iter();
        paths
            .map(|path| path.steps.iter().map(step).collect())
            .collect()
    }

    #[test]
    fn dots_commas_and_stars_have_a_meaning_unless_escaped() {
        let is = |written: &str, expected: &[&[&str]]| assert_eq!(fields(written), expected);
        is("text", &[&["=text"]]);
        is("title,body", &[&["=title"], &["=body"]]);
        is("messages.*.content", &[&["=messages", "each", "=content"]]);
        is(r"a\.b,c\,d", &[&["=a.b"], &["=c,d"]]);
        is(r"\*,a*,*", &[&["=*"], &["=a*"], &["each"]]);
        is(r"a\\.b,\x\", &[&[r"=a\", "=b"], &[r"=\x\"]]);
        is("", &[&["="]]);
        is("a,,b..c", &[&["=a"], &["="], &["=b", "=", "=c"]]);
        is("a,b,a", &[&["=a"], &["=b"]]);
        let one = FieldPath::parse(r"a,b\.c.d");
        assert_eq!(one.steps.len(), 2);
        assert_eq!(
            (one.to_string(), &*one.name),
            (r"a,b\.c.d".to_owned(), "a,b.c.d")
        );
    }

    #[test]
    fn a_tree_has_each_place_once() {
        let mut tree = Tree::default();
        for (number, path) in FieldPath::list("a.b,a.c,a,x.*.b,x.*").iter().enumerate() {
            tree.at(path).text = Some(number);
        }
        let names = |tree: &Tree| -> Vec<String> {
            tree.fields.iter().map(|(name, _)| name.clone()).collect()
        };
        assert_eq!(names(&tree), ["a", "x"]);
        assert_eq!(names(&tree.fields[0].1), ["b", "c"]);
        assert_eq!(tree.fields[0].1.here.text, Some(2));
        let elements = tree.fields[1].1.elements.as_ref().unwrap();
        assert_eq!(
            (elements.here.text, names(elements)),
            (Some(4), vec!["b".to_owned()])
        );
        assert!(tree.has_text() && !Tree::default().has_text());
    }
}
