//! Path patterns with `*`, `?`, `[...]` and `**`.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::{self, Path, PathBuf};

use glob::MatchOptions;

use crate::corpus::error::Error;

/// Whether a path contains a special character of patterns.
pub(crate) fn is_pattern(path: &Path) -> bool {
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .any(|byte| b"*?[".contains(byte))
}

/// A pattern, component by component.
pub(crate) struct Pattern {
    /// The directory before the first component that is not a plain name.
    pub(crate) base: PathBuf,
    components: Vec<Component>,
    /// Whether it matches only directories, since it ends in a slash.
    pub(crate) of_directories: bool,
}

enum Component {
    /// Any directories, or none.
    Any,
    Name(glob::Pattern),
}

impl Pattern {
    pub(crate) fn new(pattern: &Path) -> Result<Self, Error> {
        let cannot = |error| Error::io("read", pattern, error);
        let text = pattern.to_str();
        let text = text.ok_or_else(|| cannot(ErrorKind::InvalidFilename.into()))?;
        let mut components = pattern
            .components()
            .filter(|component| *component != path::Component::CurDir)
            .peekable();
        let mut base = PathBuf::new();
        while let Some(plain) = components.next_if(|c| !is_pattern(c.as_ref())) {
            base.push(plain);
        }
        let component = |component: path::Component<'_>| {
            let name = component.as_os_str().to_str().unwrap_or_default();
            match name {
                "**" => Ok(Component::Any),
                _ => glob::Pattern::new(name).map(Component::Name),
            }
        };
        let components = components.map(component).collect::<Result<_, _>>();
        Ok(Self {
            base,
            components: components.map_err(|error| cannot(io::Error::other(error.msg)))?,
            of_directories: text.ends_with(path::is_separator),
        })
    }

    /// For each number of components, whether that many of them match all of these names. If the last entry is true,
    /// the whole pattern matches.
    pub(crate) fn places<'n>(&self, names: impl Iterator<Item = &'n OsStr>) -> Vec<bool> {
        const OPTIONS: MatchOptions = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let mut places = vec![false; self.components.len() + 1];
        places[0] = true;
        self.pass_any(&mut places);
        for name in names {
            let name = name.to_str();
            let mut next = vec![false; places.len()];
            for (place, component) in self.components.iter().enumerate() {
                match (component, name) {
                    (Component::Any, Some(name)) if places[place] => {
                        next[place] |= !name.starts_with('.');
                    }
                    (Component::Name(pattern), Some(name)) if places[place] => {
                        next[place + 1] |= pattern.matches_with(name, OPTIONS);
                    }
                    _ => {}
                }
            }
            self.pass_any(&mut next);
            places = next;
        }
        places
    }

    /// Lets `**` match no directory.
    fn pass_any(&self, places: &mut [bool]) {
        for (place, component) in self.components.iter().enumerate() {
            if matches!(component, Component::Any) {
                places[place + 1] |= places[place];
            }
        }
    }

    pub(crate) fn names_below<'p>(&self, path: &'p Path) -> impl Iterator<Item = &'p OsStr> {
        let below = path.strip_prefix(&self.base).unwrap_or(path);
        let names = below.components();
        names
            .filter(|component| *component != path::Component::CurDir)
            .map(path::Component::as_os_str)
    }
}
