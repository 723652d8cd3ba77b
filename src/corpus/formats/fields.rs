//! The needed fields of a record, whatever its format.

use std::borrow::Cow;
use std::sync::Arc;

use crate::corpus::error::Error;
use crate::corpus::formats::paths::{FieldPath, OTHERS, Roles, Tree};
use crate::corpus::keep::policy::{KeepPolicy, KeepValues};
use crate::corpus::keep::value::{FieldValue, Number};
use crate::text::{Content, Group};

/// The fields to read.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    /// The fields whose strings are the text; at least one, and no two the same.
    text: Vec<FieldPath>,
    /// `None` if ids are made of file and line.
    id: Option<FieldPath>,
    /// Whether a record without the id field is bad.
    pub(crate) id_required: bool,
    /// Whether the id of a record is its id field with the name of its file before it.
    pub(crate) ids_by_file: bool,
    /// The policy, whose fields are read as well.
    keep: KeepPolicy,
    by: Option<FieldPath>,
    preferred: Option<FieldPath>,
    /// The field of the group, whose repeated passages are set aside.
    group: Option<(FieldPath, GroupBy)>,
    /// All of these fields.
    tree: Arc<Tree>,
}

/// The most fields of the text: each has a bit.
const MOST: usize = u64::BITS as usize;

impl Default for Fields {
    fn default() -> Self {
        let fields = Self {
            text: FieldPath::list("text"),
            id: Some(FieldPath::parse("id")),
            id_required: false,
            ids_by_file: false,
            keep: KeepPolicy::default(),
            by: None,
            preferred: None,
            group: None,
            tree: Arc::default(),
        };
        fields.with_tree()
    }
}

impl Fields {
    pub(crate) fn with_text(self, text: &str) -> Self {
        let text = FieldPath::list(text);
        Self { text, ..self }.with_tree()
    }

    /// Sets the id field; a record without it is bad.
    pub(crate) fn with_id(self, id: &str) -> Self {
        let (id, id_required) = (Some(FieldPath::parse(id)), true);
        let fields = Self {
            id,
            id_required,
            ..self
        };
        fields.with_tree()
    }

    pub(crate) fn without_id(self) -> Self {
        let (id, id_required) = (None, false);
        let fields = Self {
            id,
            id_required,
            ..self
        };
        fields.with_tree()
    }

    pub(crate) fn with_keep(self, keep: KeepPolicy) -> Self {
        let fields = Self {
            by: keep.by_field().map(FieldPath::parse),
            preferred: keep.preferred_field().map(FieldPath::parse),
            keep,
            ..self
        };
        fields.with_tree()
    }

    pub(crate) fn with_group(self, group: &str, by: GroupBy) -> Self {
        let group = Some((FieldPath::parse(group), by));
        Self { group, ..self }.with_tree()
    }

    fn with_tree(mut self) -> Self {
        let mut tree = Tree::default();
        for (number, path) in self.text.iter().enumerate() {
            tree.at(path).text = Some(number);
        }
        for (role, path) in self.others().into_iter().enumerate() {
            if let Some(path) = path {
                tree.at(path).others[role] = true;
            }
        }
        self.tree = Arc::new(tree);
        self
    }

    /// The fields of the text.
    pub(crate) fn text(&self) -> &[FieldPath] {
        &self.text
    }

    /// The fields of the text, as they are listed.
    pub(crate) fn text_list(&self) -> String {
        let listed: Vec<String> = self.text.iter().map(ToString::to_string).collect();
        listed.join(",")
    }

    /// The fields of the other roles.
    pub(crate) fn others(&self) -> [Option<&FieldPath>; OTHERS] {
        let group = self.group.as_ref().map(|(path, _)| path);
        let [id, by, preferred] = [&self.id, &self.by, &self.preferred].map(Option::as_ref);
        [id, by, preferred, group]
    }

    pub(crate) fn keep(&self) -> &KeepPolicy {
        &self.keep
    }

    /// Whether documents may have groups, whose repeated passages are set aside.
    pub(crate) fn sets_aside(&self) -> bool {
        self.group.is_some()
    }

    /// The setting by which groups are found, and the number of words in a passage.
    pub(crate) fn set_aside_text(&self, words: usize) -> String {
        let text = |(path, by): &(FieldPath, GroupBy)| {
            let of = match by {
                GroupBy::Value => "",
                GroupBy::Host => "host of ",
            };
            format!("{of}{path}, {words} words")
        };
        self.group.as_ref().map_or(String::new(), text)
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Fails if fields are named that cannot be read.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.text.len() > MOST {
            return Err(Error::refused(format!(
                "text field: {} fields are listed, but at most {MOST} can be read: list fewer",
                self.text.len()
            )));
        }
        let of_several = |path: &&FieldPath| path.is_of_several();
        let Some(path) = self.others().into_iter().flatten().find(of_several) else {
            return Ok(());
        };
        Err(Error::refused(format!(
            r"field `{path}`: `*` stands for several values, so only the text field may have it (a star that is a name is written `\*`)"
        )))
    }

    /// Fails if a field of the text was in no record: its name is probably misspelt. `seen` are the fields that were, as
    /// bits; none if there were no records.
    pub(crate) fn check_seen(&self, seen: u64) -> Result<(), Error> {
        if seen == 0 {
            return Ok(());
        }
        let is_unseen = |&number: &usize| seen >> number & 1 == 0;
        let Some(number) = (0..self.text.len()).find(is_unseen) else {
            return Ok(());
        };
        let path = &self.text[number];
        Err(Error::refused(format!(
            "text field `{path}`: no record has it: check its name{}, or leave it out",
            path.advice()
        )))
    }

    /// Checks the fields of a record, or returns the reason to reject it.
    pub(crate) fn settle<'a>(&self, found: Found<'a>) -> Result<Picked<'a>, String> {
        let Found { text, others } = found;
        let [id, by, preferred, group] = others;
        let text_fields = text.seen;
        let text = self.text_of(text)?;
        let id = self.id_of(id)?;
        let by = self.kept_by(by)?;
        let preferred = preferred.and_then(Scalar::into_text);
        let content = Content::Text(&text);
        let keep = self.keep.values(content, by, preferred.as_deref());
        let keep = keep.into_owned();
        let group = self.group_of(group)?;
        Ok(Picked {
            text,
            group,
            text_fields,
            id,
            keep,
        })
    }

    /// The text: a single part as it is, several on lines of their own.
    pub(crate) fn text_of<'a>(&self, parts: TextParts<'a>) -> Result<Cow<'a, str>, String> {
        if let Some((field, other)) = &parts.wrong {
            return Err(is_not(&self.text[*field], other, TEXT));
        }
        if let Some((_, text)) = parts.only {
            return Ok(text);
        }
        if parts.joined.is_empty() {
            return Err(self.no_text(parts.is_null));
        }
        let mut whole = String::new();
        join(parts.joined.iter().map(|text| &**text), &mut whole);
        Ok(whole.into())
    }

    /// The reason to reject a record without any text.
    pub(crate) fn no_text(&self, is_null: bool) -> String {
        match &*self.text {
            [path] if is_null => is_not(path, &Scalar::Null, TEXT),
            [path] => missing(path),
            paths => {
                let names: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
                format!("none of the fields {} has a text", names.join(", "))
            }
        }
    }

    fn id_of(&self, found: Option<Scalar<'_>>) -> Result<Option<String>, String> {
        let Some(path) = &self.id else {
            return Ok(None);
        };
        match found {
            Some(Scalar::Str(id)) => Ok(Some(id.into_owned())),
            Some(Scalar::Number(Number::Whole(number))) => Ok(Some(number.to_string())),
            None | Some(Scalar::Null) if !self.id_required => Ok(None),
            None => Err(missing(path)),
            Some(other) => Err(is_not(path, &other, ID)),
        }
    }

    fn group_of(&self, found: Option<Scalar<'_>>) -> Result<Option<Group>, String> {
        let (Some((path, by)), Some(found)) = (&self.group, found) else {
            return Ok(None);
        };
        let name = match found {
            Scalar::Null => return Ok(None),
            Scalar::Array | Scalar::Object | Scalar::Other(_) => {
                return Err(is_not(path, &found, GROUP_NAME));
            }
            found => found.into_text(),
        };
        Ok(name.and_then(|name| match by {
            GroupBy::Value => Some(Group::named(&name)),
            GroupBy::Host => host(&name).map(|host| Group::named(&host)),
        }))
    }

    /// The value for the keep policy, if the policy compares a field and the record has it.
    fn kept_by<'a>(&self, found: Option<Scalar<'a>>) -> Result<FieldValue<'a>, String> {
        match (&self.by, found) {
            (None, _) | (_, None | Some(Scalar::Null)) => Ok(FieldValue::Nothing),
            (Some(_), Some(Scalar::Number(number))) => Ok(FieldValue::Number(number)),
            (Some(_), Some(Scalar::Str(text))) => Ok(FieldValue::Text(text)),
            (Some(path), Some(other)) => Err(is_not(path, &other, KEEP)),
        }
    }
}

/// How the group of a record follows from a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupBy {
    /// The value is the name of the group.
    Value,
    /// The value is a URL, and its host is the name of the group.
    Host,
}

/// The host of a URL in lower case, without `www.`; `None` if there is none.
fn host(url: &str) -> Option<String> {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = after_scheme.trim_start_matches('/');
    let authority = authority.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        // An address of IPv6 has colons.
        Some(address) => address.split(']').next()?,
        None => host.split(':').next()?,
    };
    let host = host.trim().trim_end_matches('.').to_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    (!host.is_empty()).then(|| host.to_owned())
}

/// The fields of a record.
#[derive(Debug)]
pub(crate) struct Picked<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) group: Option<Group>,
    /// The fields of the text that the record has, as bits.
    pub(crate) text_fields: u64,
    pub(crate) id: Option<String>,
    pub(crate) keep: KeepValues<'static>,
}

fn missing(path: &FieldPath) -> String {
    format!("field `{path}` is missing{}", path.advice())
}

fn is_not(path: &FieldPath, found: &Scalar<'_>, wanted: &str) -> String {
    let (kind, below) = match found {
        Scalar::Str(_) => ("a string", ""),
        Scalar::Number(_) => ("a number", ""),
        Scalar::Bool(_) => ("a boolean", ""),
        Scalar::Null => ("null", ""),
        Scalar::Array => ("an array", "*"),
        Scalar::Object => ("an object", "NAME"),
        Scalar::Other(kind) => (*kind, ""),
    };
    let hint = match below {
        "" => String::new(),
        _ if wanted != TEXT => String::new(),
        below => format!(": name what is in it, as in `{path}.{below}`"),
    };
    format!("field `{path}` is {kind}, not {wanted}{hint}")
}

/// The allowed types of fields, for messages.
pub(crate) const TEXT: &str = "a string";
pub(crate) const ID: &str = "a string or whole number of 64 bits";
pub(crate) const KEEP: &str = "a number or string";
pub(crate) const GROUP_NAME: &str = "a string, number or boolean";

/// A value; of objects, arrays and other types only the type.
#[derive(Debug)]
pub(crate) enum Scalar<'a> {
    Str(Cow<'a, str>),
    Number(Number),
    Bool(bool),
    Null,
    Array,
    Object,
    /// A value of another type, by the name of the type.
    Other(&'static str),
}

impl<'a> Scalar<'a> {
    fn copy(&self) -> Self {
        match self {
            Self::Str(text) => Self::Str(text.clone()),
            Self::Number(number) => Self::Number(*number),
            Self::Bool(value) => Self::Bool(*value),
            Self::Null => Self::Null,
            Self::Array => Self::Array,
            Self::Object => Self::Object,
            Self::Other(kind) => Self::Other(kind),
        }
    }

    /// The text that a preference compares or that names a group, if the value has one.
    fn into_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Str(text) => Some(text),
            Self::Number(number) => Some(number.to_string().into()),
            Self::Bool(value) => Some(value.to_string().into()),
            Self::Null | Self::Array | Self::Object | Self::Other(_) => None,
        }
    }
}

/// The needed fields of a record, not yet checked.
#[derive(Debug, Default)]
pub(crate) struct Found<'a> {
    pub(crate) text: TextParts<'a>,
    /// The id, the value that the keep policy compares, the value for the preference, and the group.
    pub(crate) others: [Option<Scalar<'a>>; OTHERS],
}

impl<'a> Found<'a> {
    /// Stores a value for each of its roles. Returns false if a role other than the text has a value already.
    pub(crate) fn take(&mut self, roles: Roles, value: Scalar<'a>) -> bool {
        let places = self.others.iter_mut().zip(roles.others);
        for (place, _) in places.filter(|&(_, serves)| serves) {
            if place.replace(value.copy()).is_some() {
                return false;
            }
        }
        // Last, so that the text is copied only for other roles.
        if let Some(field) = roles.text {
            self.text.push(field, value);
        }
        true
    }
}

/// The parts of a text, in the order of the record.
#[derive(Debug, Default)]
pub(crate) struct TextParts<'a> {
    /// The only part so far, with the position of its field in the list. Most texts are one part, and not copied.
    only: Option<(usize, Cow<'a, str>)>,
    /// If there are several, those of each field, joined: a text may have more parts than there is memory for a list.
    joined: Vec<String>,
    /// The first value that is neither a string nor null.
    wrong: Option<(usize, Scalar<'a>)>,
    /// Whether there was a null, which is no part.
    is_null: bool,
    /// The fields with a part or null, as bits; of Parquet rows, those with a part in some row of the block.
    pub(crate) seen: u64,
}

impl<'a> TextParts<'a> {
    pub(crate) fn push(&mut self, field: usize, value: Scalar<'a>) {
        match value {
            Scalar::Null => {
                self.is_null = true;
                self.seen |= 1 << field;
            }
            Scalar::Str(text) => self.push_text(field, text),
            other => {
                self.wrong.get_or_insert((field, other));
            }
        }
    }

    fn push_text(&mut self, field: usize, text: Cow<'a, str>) {
        let is_first = self.only.is_none() && self.joined.is_empty();
        self.seen |= 1 << field;
        if is_first {
            self.only = Some((field, text));
            return;
        }
        if let Some((first, text)) = self.only.take() {
            self.append(first, &text);
        }
        self.append(field, &text);
    }

    fn append(&mut self, field: usize, text: &str) {
        if self.joined.len() <= field {
            self.joined.resize_with(field + 1, String::new);
        }
        add_line(text, &mut self.joined[field]);
    }
}

/// Replaces `text` by these parts, each on lines of its own. Empty parts make no line.
pub(crate) fn join<'p>(parts: impl Iterator<Item = &'p str>, text: &mut String) {
    text.clear();
    parts.for_each(|part| add_line(part, text));
}

fn add_line(part: &str, text: &mut String) {
    if !text.is_empty() && !part.is_empty() {
        text.push('\n');
    }
    text.push_str(part);
}
