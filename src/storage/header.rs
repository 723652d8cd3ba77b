//! The header of a stored index, `index.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{Problem, What};
use super::section::Entry;
use crate::checksum;
use crate::error::Error;
use crate::sketch::{SCHEME_VERSION, Scheme};

pub(super) const FILE: &str = "index.json";

/// Version of the format. Part of semver: see `docs/index-format.md`.
pub(super) const VERSION: u64 = 4;

const FORMAT: &str = "resemblance-index";

/// The bytes between the header and its checksum.
const BEFORE_CHECKSUM: &str = ",\n  \"checksum\": \"";

/// The number of digits of the checksum in the name of the sections' folder.
const FOLDER: usize = 16;

/// The properties of an index, without its documents.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct About {
    pub(crate) documents: u32,
    /// The type of the ids: [`StoredId::KIND`](super::StoredId::KIND).
    pub(crate) id_kind: String,
    pub(crate) scheme: Scheme,
    /// Bands and rows.
    pub(crate) banding: (usize, usize),
    pub(crate) threshold: f64,
    /// Any data of the program that wrote the index.
    pub(crate) application: BTreeMap<String, Value>,
}

/// `index.json`, without its checksum.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    format: String,
    version: u64,
    documents: u32,
    ids: String,
    scheme: SchemeFields,
    banding: BandingFields,
    threshold: f64,
    application: BTreeMap<String, Value>,
    pub(super) sections: Vec<Entry>,
    #[serde(default, skip_serializing)]
    checksum: String,
}

/// The fields that the headers of all versions have.
#[derive(Deserialize)]
struct Front {
    format: String,
    version: u64,
}

impl Header {
    pub(super) fn new(about: &About, sections: Vec<Entry>) -> Self {
        let (bands, rows) = about.banding;
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            documents: about.documents,
            ids: about.id_kind.clone(),
            scheme: SchemeFields::of(&about.scheme),
            banding: BandingFields { bands, rows },
            threshold: about.threshold,
            application: about.application.clone(),
            sections,
            checksum: String::new(),
        }
    }

    /// Encodes the file: the header, and the checksum of the bytes before it. Stores the checksum in the header.
    pub(super) fn encode(&mut self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .unwrap_or_else(|error| unreachable!("a header can be written as JSON: {error}"));
        text.truncate(text.trim_end_matches(['\n', '}']).len());
        self.checksum = checksum::of(text.as_bytes());
        text + BEFORE_CHECKSUM + &self.checksum + "\"\n}\n"
    }

    /// The name of the sections' folder, which depends on the checksum.
    pub(super) fn folder(&self) -> &str {
        &self.checksum[..FOLDER]
    }

    /// Whether a sections' folder may have this name.
    pub(super) fn is_folder(name: &str) -> bool {
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        name.len() == FOLDER && name.bytes().all(is_digit)
    }

    /// Decodes a header from `bytes`, the content of the file `path`.
    pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let no_index = || Problem::at(path, What::NoIndex);
        let front: Front = serde_json::from_slice(bytes).map_err(|_| no_index())?;
        if front.format != FORMAT {
            return Err(no_index());
        }
        if front.version != VERSION {
            return Err(Problem::at(
                path,
                What::Version {
                    stored: front.version,
                    read: VERSION,
                },
            ));
        }
        if !has_its_checksum(bytes) {
            return Err(Problem::at(path, What::Checksum));
        }
        let bad = |error: serde_json::Error| Problem::bad(path, error.to_string());
        serde_json::from_slice(bytes).map_err(bad)
    }

    /// The properties of the index. Checks everything that can be checked without the sections.
    pub(super) fn about(&self, path: &Path) -> Result<About, Error> {
        if self.documents == u32::MAX {
            return Err(Problem::bad(path, "more documents than an index can have"));
        }
        let unknown = |why| Problem::unknown(path, why);
        Ok(About {
            documents: self.documents,
            id_kind: self.ids.clone(),
            scheme: self.scheme.scheme().map_err(unknown)?,
            banding: (self.banding.bands, self.banding.rows),
            threshold: self.threshold,
            application: self.application.clone(),
        })
    }
}

/// True if `bytes` are the header of an index of any version.
pub(super) fn is_header(bytes: &[u8]) -> bool {
    serde_json::from_slice(bytes).is_ok_and(|front: Front| front.format == FORMAT)
}

/// True if a header ends with the right checksum of the bytes before it.
fn has_its_checksum(bytes: &[u8]) -> bool {
    let tail = BEFORE_CHECKSUM.len() + 32 + "\"\n}\n".len();
    let Some(at) = bytes.len().checked_sub(tail) else {
        return false;
    };
    let (text, found) = bytes.split_at(at);
    let expected = BEFORE_CHECKSUM.to_owned() + &checksum::of(text) + "\"\n}\n";
    found == expected.as_bytes()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BandingFields {
    bands: usize,
    rows: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemeFields {
    version: u8,
    sketch: String,
    hashes: usize,
    shingle: String,
    normalization: String,
    seed: u64,
}

impl SchemeFields {
    fn of(scheme: &Scheme) -> Self {
        Self {
            version: scheme.version(),
            sketch: scheme.sketch().to_string(),
            hashes: scheme.hashes(),
            shingle: scheme.shingle().to_string(),
            normalization: scheme.normalization().to_string(),
            seed: scheme.seed(),
        }
    }

    fn scheme(&self) -> Result<Scheme, String> {
        if self.version != SCHEME_VERSION {
            let version = self.version;
            return Err(format!(
                "scheme version {version}: this crate has version {SCHEME_VERSION}"
            ));
        }
        let why = |error: Error| error.to_string();
        let sketch = self.sketch.parse().map_err(why)?;
        let normalization = self.normalization.parse().map_err(why)?;
        let shingle = self.shingle.parse().map_err(why)?;
        Scheme::new(sketch, self.hashes, shingle, normalization, self.seed).map_err(why)
    }
}

#[cfg(test)]
mod tests {
    use super::super::section::Section;
    use super::*;
    use crate::sketch::SketchKind;
    use crate::text::{Form, Normalization, Shingle};

    fn about() -> About {
        let normalization = Normalization::NONE.with_form(Form::Nfc);
        let shingle = Shingle::Chars(7);
        About {
            documents: 3,
            id_kind: "string".to_owned(),
            scheme: Scheme::new(SketchKind::Classic, 64, shingle, normalization, u64::MAX).unwrap(),
            banding: (16, 4),
            // A number that an imprecise parser would read as its neighbour.
            threshold: 0.1 + 0.2,
            application: BTreeMap::from([("a \"note\"".to_owned(), Value::from(vec![1, 2]))]),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let entry = Entry::new(Section::Ids, 12, 0xABC);
        let mut written = Header::new(&about(), vec![entry.clone()]);
        let text = written.encode();
        let path = Path::new("index.json");
        let header = Header::decode(path, text.as_bytes()).unwrap();
        assert_eq!(header.about(path).unwrap(), about());
        assert_eq!(header.sections, [entry]);
        assert_eq!(header.folder(), written.folder());
        assert!(Header::is_folder(header.folder()) && !Header::is_folder("../0123456789abc"));
        assert!(serde_json::from_str::<Value>(&text).is_ok());
    }

    #[test]
    fn every_changed_byte_is_seen() {
        let text = Header::new(&about(), Vec::new()).encode().into_bytes();
        let path = Path::new("index.json");
        for place in 0..text.len() {
            for flip in [1, 2, 0x20, 0x2D, 0x80] {
                let mut changed = text.clone();
                changed[place] ^= flip;
                assert!(Header::decode(path, &changed).is_err(), "{place} {flip}");
            }
            assert!(Header::decode(path, &text[..place]).is_err(), "{place}");
        }
        let more = [&text[..], b" "].concat();
        assert!(Header::decode(path, &more).is_err());
    }
}
