//! Finds the needed columns in the schema of a file.

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

use crate::corpus::formats::fields::{Fields, GROUP_NAME, ID, KEEP, TEXT};
use crate::corpus::formats::paths::{FieldPath, OTHERS, Step};

/// The type of a column, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Text,
    Whole {
        signed: bool,
    },
    Float,
    /// A point in time since the epoch, in steps of this many nanoseconds.
    Time(i128),
    /// Another type, by its name for messages.
    Other(&'static str),
}

const GROUP: &str = "a list or a group of columns";
const LIST: &str = "a list";
const DAY: i128 = 86_400_000_000_000;

impl Kind {
    fn of(column: &Type) -> Self {
        if column.is_group() {
            return Self::Other(GROUP);
        }
        let info = column.get_basic_info();
        match (column.get_physical_type(), info.logical_type_ref()) {
            (Physical::INT64, Some(LogicalType::Timestamp(stamp))) => match stamp.unit {
                TimeUnit::MILLIS => Self::Time(1_000_000),
                TimeUnit::MICROS => Self::Time(1_000),
                TimeUnit::NANOS => Self::Time(1),
            },
            (Physical::INT96, _) => Self::Time(1),
            (physical, _) => Self::of_old(physical, info.converted_type()),
        }
    }

    /// The type by the older converted types, which all logical types except nanoseconds also have.
    fn of_old(physical: Physical, converted: ConvertedType) -> Self {
        use ConvertedType as Old;
        match (physical, converted) {
            (Physical::BYTE_ARRAY, Old::UTF8 | Old::ENUM | Old::JSON | Old::NONE) => Self::Text,
            (Physical::FLOAT | Physical::DOUBLE, _) => Self::Float,
            (Physical::INT32, Old::DATE) => Self::Time(DAY),
            (Physical::INT64, Old::TIMESTAMP_MILLIS) => Self::Time(1_000_000),
            (Physical::INT64, Old::TIMESTAMP_MICROS) => Self::Time(1_000),
            (_, Old::DECIMAL) => Self::Other("a decimal number"),
            (_, Old::TIME_MILLIS | Old::TIME_MICROS) => Self::Other("a time of day"),
            (
                Physical::INT32 | Physical::INT64,
                Old::UINT_8 | Old::UINT_16 | Old::UINT_32 | Old::UINT_64,
            ) => Self::Whole { signed: false },
            (Physical::INT32 | Physical::INT64, _) => Self::Whole { signed: true },
            (Physical::BOOLEAN, _) => Self::Other("a boolean"),
            _ => Self::Other("of bytes"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => TEXT,
            Self::Whole { .. } | Self::Float => "a number",
            Self::Time(_) => "a point in time",
            Self::Other(name) => name,
        }
    }
}

/// A needed column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Its position among the leaves of the schema.
    pub(super) leaf: usize,
    pub(super) kind: Kind,
    /// Whether a row may have several values.
    pub(super) is_list: bool,
}

/// The needed columns.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    /// Those of the text, each with the position of its field in the list.
    pub(super) text: Vec<(usize, Wanted)>,
    /// Those of the other roles.
    pub(super) others: [Option<Wanted>; OTHERS],
}

impl Columns {
    /// Finds the columns, or returns what the file lacks.
    pub(super) fn find(schema: &SchemaDescriptor, fields: &Fields) -> Result<Self, String> {
        let [id, by, preferred, group] = fields.others();
        let find = |path: Option<&FieldPath>| match path {
            Some(path) => find(schema, path),
            None => Ok(None),
        };
        let need = |path: &FieldPath, wanted, may: fn(Kind) -> bool| {
            let missing = || format!("column `{path}` is missing{}", path.advice());
            let column = find(Some(path))?.ok_or_else(missing)?;
            column.check(path, wanted, may).map(|()| column)
        };
        let is_id = |kind| matches!(kind, Kind::Text | Kind::Whole { .. });
        let is_value = |kind| !matches!(kind, Kind::Other(_));
        let id = id.filter(|_| fields.id_required || matches!(find(id), Ok(Some(_)) | Err(_)));
        // The columns of the preference and of the group may be missing.
        let is_single = |column: &Wanted| is_value(column.kind) && !column.is_list;
        let preferred = find(preferred)?.filter(is_single);
        let group = group.filter(|_| matches!(find(group), Ok(Some(_)) | Err(_)));
        Ok(Self {
            text: Self::of_text(schema, fields)?,
            others: [
                id.map(|path| need(path, ID, is_id)).transpose()?,
                by.map(|path| need(path, KEEP, is_value)).transpose()?,
                preferred,
                (group.map(|path| need(path, GROUP_NAME, is_value))).transpose()?,
            ],
        })
    }

    /// The columns of the text that the file has; at least one. A group is skipped if a listed field lies in it.
    fn of_text(schema: &SchemaDescriptor, fields: &Fields) -> Result<Vec<(usize, Wanted)>, String> {
        let paths = fields.text();
        let mut found = Vec::new();
        for (number, path) in paths.iter().enumerate() {
            let Some(column) = find(schema, path)? else {
                continue;
            };
            let is_outer = |other| path.is_on_the_way_to(other);
            if column.kind == Kind::Other(GROUP) && paths.iter().any(is_outer) {
                continue;
            }
            let is_text = |kind| kind == Kind::Text;
            column.check(path, TEXT, is_text)?;
            found.push((number, column));
        }
        let names: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
        match (found.is_empty(), paths) {
            (false, _) => Ok(found),
            (true, [path]) => Err(format!("column `{path}` is missing{}", path.advice())),
            (true, _) => Err(format!(
                "columns {} are missing, of which one is needed",
                names.join(", ")
            )),
        }
    }
}

impl Wanted {
    fn check(&self, path: &FieldPath, wanted: &str, may: fn(Kind) -> bool) -> Result<(), String> {
        let kind = match self.is_list && wanted != TEXT {
            true => Kind::Other(LIST),
            false => self.kind,
        };
        if may(kind) {
            return Ok(());
        }
        let kind = kind.name();
        let hint = match self.kind {
            Kind::Other(GROUP) if wanted == TEXT => {
                format!(": name what is in it, as in `{path}.NAME` or `{path}.*`")
            }
            Kind::Other(LIST) if wanted == TEXT => format!(": name its elements with `{path}.*`"),
            _ => String::new(),
        };
        Err(format!("column `{path}` is {kind}, not {wanted}{hint}"))
    }
}

/// The column at a path; `None` if there is none.
fn find(schema: &SchemaDescriptor, path: &FieldPath) -> Result<Option<Wanted>, String> {
    let mut place = Place {
        column: schema.root_schema(),
        leaf: 0,
        is_list: false,
        is_element: false,
    };
    for step in &path.steps {
        let next = match step {
            Step::Field(name) => place.field(name),
            Step::Each => Ok(place.elements()),
        };
        let next = next.map_err(|()| format!("column `{path}` occurs twice"))?;
        let Some(next) = next else {
            return Ok(None);
        };
        place = next;
    }
    Ok(Some(place.wanted()))
}

/// A column or group of the schema.
struct Place<'t> {
    column: &'t Type,
    /// The number of leaves before it.
    leaf: usize,
    /// Whether it is in a list.
    is_list: bool,
    /// Whether it stands for the elements of a list, although it is marked as a list itself.
    is_element: bool,
}

impl<'t> Place<'t> {
    fn is_repeated(&self) -> bool {
        let info = self.column.get_basic_info();
        !self.is_element && info.has_repetition() && info.repetition() == Repetition::REPEATED
    }

    /// The columns of a group.
    fn fields(&self) -> &'t [TypePtr] {
        match self.column {
            Type::GroupType { fields, .. } => fields,
            Type::PrimitiveType { .. } => &[],
        }
    }

    /// The column of this name in a group; `None` if there is none, and an error if there are several. Those in a list
    /// are named as if it was a group, as the file spells them.
    fn field(&self, name: &str) -> Result<Option<Self>, ()> {
        let fields = self.fields();
        let mut named = (0..fields.len()).filter(|&at| fields[at].name() == name);
        let Some(at) = named.next() else {
            return Ok(None);
        };
        match named.next() {
            Some(_) => Err(()),
            None => Ok(Some(self.inner(at))),
        }
    }

    fn inner(&self, at: usize) -> Self {
        let fields = self.fields();
        Self {
            column: &fields[at],
            leaf: self.leaf
                + fields[..at]
                    .iter()
                    .map(|column| leaves(column))
                    .sum::<usize>(),
            is_list: self.is_list || self.is_repeated(),
            is_element: false,
        }
    }

    /// The elements of a list, by the rules of the format for lists, old ones included; `None` if it is no list.
    fn elements(&self) -> Option<Self> {
        if self.is_repeated() {
            return Some(Self {
                is_list: true,
                is_element: true,
                ..*self
            });
        }
        let info = self.column.get_basic_info();
        let is_list = info.converted_type() == ConvertedType::LIST
            || info.logical_type_ref() == Some(&LogicalType::List);
        if !is_list || self.fields().len() != 1 {
            return None;
        }
        let list = self.inner(0).elements()?;
        let name = list.column.name();
        let is_old = name == "array" || name.strip_suffix("_tuple") == Some(self.column.name());
        match list.fields().len() {
            1 if !is_old => Some(list.inner(0)),
            _ => Some(list),
        }
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            leaf: self.leaf,
            kind: match self.is_repeated() && !self.column.is_group() {
                true => Kind::Other(LIST),
                false => Kind::of(self.column),
            },
            is_list: self.is_list,
        }
    }
}

/// The number of leaves of a column.
fn leaves(column: &Type) -> usize {
    match column {
        Type::PrimitiveType { .. } => 1,
        Type::GroupType { fields, .. } => fields.iter().map(|column| leaves(column)).sum(),
    }
}
