//! Documents of files, which are read again when they are needed.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::corpus::escape::escaped_bytes;
use crate::corpus::formats::compression::Compression;
use crate::corpus::formats::fields::Fields;
use crate::corpus::formats::format::InputFormat;
use crate::corpus::formats::read_at::read_exact_at;
use crate::corpus::formats::record::{CHANGED, RawRecord};
use crate::corpus::inputs::input::Input;
use crate::text::{Content, Document, Group, ReadBuffer, ReadError};

/// A document that was read from a file.
///
/// A document of an uncompressed text file, or of uncompressed JSON lines, only stores its place and reads the text
/// again in each call of [`content`](Document::content). It takes 48 bytes, and for a text file the path. All other
/// documents hold their texts: those of compressed files, of CSV, TSV, WET and Parquet files, and records of 4 GiB or
/// more.
#[derive(Debug)]
pub struct TextDocument {
    held: Held,
    group: Option<Group>,
    /// A hash of the record in its file, to detect changes.
    record: u64,
}

#[derive(Debug)]
enum Held {
    Text(Box<str>),
    Bytes(Box<[u8]>),
    /// `len` bytes of a file from `offset` on, which contain `byte_len` bytes of text.
    There {
        file: Arc<StoredFile>,
        offset: u64,
        len: u32,
        byte_len: u32,
    },
}

/// A file from which documents are read again.
#[derive(Debug)]
pub(crate) struct StoredFile {
    path: PathBuf,
    /// Standard input, copied.
    spool: Option<File>,
    /// The fields of records; `None` if the file is one document.
    fields: Option<Fields>,
}

impl StoredFile {
    /// The file of an input; `None` if its records cannot be read separately.
    pub(crate) fn of(input: &Input, fields: &Fields) -> Option<Arc<Self>> {
        let fields = match (input.format.of, input.format.compression) {
            (InputFormat::Text, Compression::None) => None,
            (InputFormat::JsonLines, Compression::None) => Some(fields.clone()),
            _ => return None,
        };
        let spool = match &input.spool {
            Some(spool) => Some(spool.try_clone().ok()?),
            None => None,
        };
        Some(Arc::new(Self {
            path: input.path.clone(),
            spool,
            fields,
        }))
    }

    fn failed(&self, reason: impl std::fmt::Display) -> ReadError {
        format!("{}: {reason}", escaped_bytes(self.path.as_os_str())).into()
    }
}

/// A file that a thread keeps open.
struct Open {
    stored: Arc<StoredFile>,
    file: File,
}

impl TextDocument {
    /// The document of a record whose content and hash are known.
    pub(crate) fn new(
        content: Content<'_>,
        group: Option<Group>,
        record: &RawRecord<'_>,
        hash: u64,
        file: Option<&Arc<StoredFile>>,
    ) -> Self {
        let lengths = (
            u32::try_from(record.bytes.len()),
            u32::try_from(content.len()),
        );
        let held = match (file, lengths, content) {
            (Some(file), (Ok(len), Ok(byte_len)), _) => Held::There {
                file: Arc::clone(file),
                offset: record.offset,
                len,
                byte_len,
            },
            (_, _, Content::Text(text)) => Held::Text(text.into()),
            (_, _, Content::Bytes(bytes)) => Held::Bytes(bytes.into()),
            (_, _, Content::Shingles(_)) => unreachable!("files hold text and bytes"),
        };
        Self {
            held,
            group,
            record: hash,
        }
    }

    /// Whether these bytes are the record of the document.
    pub(crate) fn is_of(&self, record: &[u8]) -> bool {
        self.record == xxh3_64(record)
    }

    fn read<'b>(
        &self,
        stored: &Arc<StoredFile>,
        offset: u64,
        len: u32,
        buffer: &'b mut ReadBuffer,
    ) -> Result<Content<'b>, ReadError> {
        let ReadBuffer { bytes, text, kept } = buffer;
        let open = kept.as_ref().and_then(|kept| kept.downcast_ref::<Open>());
        if open.is_none_or(|open| !Arc::ptr_eq(&open.stored, stored)) {
            let file = match &stored.spool {
                Some(spool) => spool.try_clone(),
                None => File::open(&stored.path),
            };
            *kept = Some(Box::new(Open {
                stored: Arc::clone(stored),
                file: file.map_err(|error| stored.failed(error))?,
            }));
        }
        let open = kept.as_ref().and_then(|kept| kept.downcast_ref::<Open>());
        let Open { file, .. } = open.ok_or_else(|| stored.failed("is not open"))?;
        bytes.resize(len as usize, 0);
        read_exact_at(file, bytes, offset).map_err(|error| stored.failed(error))?;
        if !self.is_of(bytes) {
            return Err(stored.failed(CHANGED));
        }
        let Some(fields) = &stored.fields else {
            return Ok(match std::str::from_utf8(bytes) {
                Ok(text) => Content::Text(text),
                Err(_) => Content::Bytes(bytes),
            });
        };
        let line = std::str::from_utf8(bytes)?;
        Ok(Content::Text(fields.pick_text(line, text)?))
    }
}

impl Document for TextDocument {
    fn content<'a>(&'a self, buffer: &'a mut ReadBuffer) -> Result<Content<'a>, ReadError> {
        match &self.held {
            Held::Text(text) => Ok(Content::Text(text)),
            Held::Bytes(bytes) => Ok(Content::Bytes(bytes)),
            &Held::There {
                ref file,
                offset,
                len,
                ..
            } => self.read(file, offset, len, buffer),
        }
    }

    fn byte_len(&self) -> usize {
        match &self.held {
            Held::Text(text) => text.len(),
            Held::Bytes(bytes) => bytes.len(),
            Held::There { byte_len, .. } => *byte_len as usize,
        }
    }

    fn group(&self) -> Option<Group> {
        self.group
    }
}
