//! Formats of files, determined by their names or, if these do not suffice, by their beginnings.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::str::FromStr;

use serde::de::IgnoredAny;

use crate::corpus::error::Error;
use crate::corpus::formats::compression::{Compression, decoder, ending};
use crate::corpus::limit::ReadLimit;

/// The format of a file. Written `text`, `jsonl`, `csv`, `tsv`, `wet`, `parquet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputFormat {
    /// Text: the whole file is one document.
    Text,
    /// One JSON object per line; each is a document.
    JsonLines,
    /// Cells separated by commas, with a header row that names the fields. Each row is a document. A cell in double
    /// quotes may contain commas, line breaks and doubled quotes (RFC 4180).
    Csv,
    /// Like CSV, with tabs instead of commas.
    Tsv,
    /// The texts of web pages as published by Common Crawl: records of a WARC file (ISO 28500). Each `conversion`
    /// record is a document; other records are skipped. The field `text` is the block of the record, and `id` its
    /// `WARC-Target-URI`; the other fields are those of its header, such as `WARC-Date`. If several records have the
    /// same URI, use `WARC-Record-ID` as the id.
    Wet,
    /// Parquet: each row is a document (feature `parquet`).
    Parquet,
}

impl InputFormat {
    pub(crate) const ALL: [Self; 6] = [
        Self::JsonLines,
        Self::Csv,
        Self::Tsv,
        Self::Wet,
        Self::Parquet,
        Self::Text,
    ];

    /// The format of a name's extension, without that of the compression.
    pub(crate) fn named(path: &Path) -> Option<Self> {
        Some(match ending(&Compression::strip(path)).as_str() {
            "jsonl" | "ndjson" | "jsonlines" | "jl" => Self::JsonLines,
            "csv" => Self::Csv,
            "tsv" => Self::Tsv,
            "wet" => Self::Wet,
            "parquet" => Self::Parquet,
            "txt" | "text" | "md" | "markdown" | "rst" | "adoc" | "org" | "tex" | "html"
            | "htm" | "xhtml" | "xml" => Self::Text,
            _ => return None,
        })
    }

    /// The delimiter between two cells, if the format has cells.
    pub(crate) fn delimiter(self) -> Option<u8> {
        match self {
            Self::Csv => Some(b','),
            Self::Tsv => Some(b'\t'),
            _ => None,
        }
    }

    /// The content of such files, for messages.
    pub(crate) fn holds(self) -> &'static str {
        match self {
            Self::Text => "text files",
            Self::JsonLines => "JSON lines",
            Self::Csv => "CSV rows",
            Self::Tsv => "TSV rows",
            Self::Wet => "WET records",
            Self::Parquet => "rows of Parquet files",
        }
    }
}

impl fmt::Display for InputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::JsonLines => "jsonl",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Wet => "wet",
            Self::Parquet => "parquet",
        })
    }
}

impl FromStr for InputFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let named = Self::ALL.into_iter().find(|of| of.to_string() == text);
        named.ok_or_else(|| {
            Error::refused(format!(
                "input format `{text}`: must be text, jsonl, csv, tsv, wet or parquet"
            ))
        })
    }
}

/// The format and compression of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) of: InputFormat,
    pub(crate) compression: Compression,
}

/// Why a file is not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It may contain documents, and is a bad input.
    Bad(String),
    /// It is not text, and is skipped in directories.
    Other(String),
}

/// Why a Parquet file cannot be used without the feature `parquet`.
pub(crate) const NEEDS_PARQUET: &str =
    "a Parquet file, which this build cannot read: build it with the cargo feature `parquet`";

const SAY: &str = "say what it holds with --input-format";

impl Format {
    pub(crate) const TEXT: Self = Self {
        of: InputFormat::Text,
        compression: Compression::None,
    };

    /// The format of a file by its name. For `.json` files and unknown extensions the beginning of the file decides. A
    /// file that cannot be opened is reported later, when it is read.
    pub(crate) fn of(path: &Path) -> Result<Self, Unread> {
        let compression = Compression::of(path);
        let named = |of| Self::checked(of, compression);
        if let Some(ending) = Compression::unknown(path) {
            return Err(Unread::Bad(format!(
                ".{ending} files cannot be read: decompress the file, or compress it as .gz or .zst"
            )));
        }
        match InputFormat::named(path) {
            Some(InputFormat::Text) if compression != Compression::None => {}
            Some(of) => return named(of).map_err(Unread::Bad),
            None => {}
        }
        let ending = ending(&Compression::strip(path));
        match (ending.as_str(), compression) {
            ("json", _) => match not_json_lines(path, compression) {
                Some(why) => Err(Unread::Bad(why)),
                None => named(InputFormat::JsonLines).map_err(Unread::Bad),
            },
            ("warc", _) => Err(Unread::Bad(format!(
                "a WARC file, whose pages are not plain text: extract it to .warc.wet; if it contains text, {SAY} wet"
            ))),
            (_, Compression::Gzip | Compression::Zstd) => Err(Unread::Bad(format!(
                "compressed, but neither JSON lines, CSV, TSV nor WET by its name: decompress it, or {SAY}"
            ))),
            ("arrow" | "avro" | "feather" | "orc" | "wat", _) => Err(Unread::Bad(format!(
                ".{ending} files cannot be read: convert the file to .jsonl, .csv or .parquet"
            ))),
            (other, Compression::None) => match is_no_text(other, path) {
                Some(why) => Err(Unread::Other(why)),
                None => Ok(Self::TEXT),
            },
        }
    }

    /// The format of a file for which the caller set `of`.
    pub(crate) fn asked(of: InputFormat, path: &Path) -> Result<Self, Unread> {
        match Compression::unknown(path) {
            Some(ending) => Err(Unread::Bad(format!(
                ".{ending} files cannot be read: decompress the file, or compress it as .gz or .zst"
            ))),
            None => Self::checked(of, Compression::of(path)).map_err(Unread::Bad),
        }
    }

    fn checked(of: InputFormat, compression: Compression) -> Result<Self, String> {
        let is_plain = compression == Compression::None;
        match of {
            InputFormat::Text if !is_plain => Err("compressed text: decompress it".into()),
            InputFormat::Parquet if !is_plain => {
                Err("a Parquet file that is compressed as a whole: decompress it".into())
            }
            InputFormat::Parquet if cfg!(not(feature = "parquet")) => Err(NEEDS_PARQUET.into()),
            _ => Ok(Self { of, compression }),
        }
    }

    /// Whether the format has several records, in lines or rows.
    pub(crate) fn has_lines(self) -> bool {
        self.of != InputFormat::Text
    }
}

/// The most bytes of a `.json` file that are read to find its first line.
const FIRST_LINE: u64 = 1 << 20;

/// Why a `.json` file does not contain JSON lines: its first line must be a complete object.
fn not_json_lines(path: &Path, compression: Compression) -> Option<String> {
    let window = ReadLimit::default().window;
    let file = File::open(path).ok()?;
    let mut reader = BufReader::new(decoder(compression, file, window).ok()?).take(FIRST_LINE);
    let mut line = Vec::new();
    while line.trim_ascii().is_empty() {
        line.clear();
        if reader.read_until(b'\n', &mut line).ok()? == 0 {
            return None; // no records
        }
        if line.starts_with("\u{FEFF}".as_bytes()) {
            line.drain(..3);
        }
    }
    let line = line.trim_ascii();
    let convert = |filter| format!("convert it with jq -c {filter}, or {SAY}");
    match line.first() {
        Some(b'[') => Some(format!(
            "a JSON array, but only JSON lines can be read: {}",
            convert("'.[]'")
        )),
        Some(b'{') if serde_json::from_slice::<IgnoredAny>(line).is_ok() => None,
        Some(b'{') if reader.limit() == 0 => None, // a long line
        Some(b'{') => Some(format!(
            "its first line is not one whole JSON object, but only JSON lines can be read: {}",
            convert(".")
        )),
        _ => Some(format!("its first line is not a JSON object: {SAY}")),
    }
}

/// Bytes of a file that decide whether it is text.
const BEGINNING: u64 = 1 << 13;

/// Endings of files that are not text.
#[rustfmt::skip] // a name a line would fill a page
const BINARY: [&str; 59] = [
    "pdf", "ps", "rtf", "doc", "docx", "odt", "xls", "xlsx", "ods", "ppt", "pptx", "odp", "epub", "mobi",
    "azw3", "djvu", "png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "ico", "heic", "mp3", "mp4",
    "wav", "ogg", "flac", "m4a", "avi", "mov", "mkv", "webm", "bin", "exe", "dll", "so", "a", "o", "dylib",
    "class", "jar", "wasm", "pyc", "pkl", "npy", "npz", "pt", "safetensors", "h5", "db", "sqlite", "iso",
    "ttf", "otf", "woff2",
];

/// Why a file of an ending that is not known holds no text.
fn is_no_text(ending: &str, path: &Path) -> Option<String> {
    let other = || {
        let which = match ending {
            "" => "its content is not text".to_owned(),
            ending => format!("a .{ending} file, which is not read as text"),
        };
        format!("{which}: convert it, or read every input as text with --input-format text")
    };
    if BINARY.contains(&ending) {
        return Some(other());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(BEGINNING).read_to_end(&mut bytes).ok()?;
    let is_text = match std::str::from_utf8(&bytes) {
        Ok(_) => true,
        // The last character may be incomplete.
        Err(error) => error.error_len().is_none() && bytes.len() as u64 == BEGINNING,
    };
    (!is_text || bytes.contains(&0)).then(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_go_by_name() {
        let of = |name: &str| Format::of(Path::new(name));
        let is = |of, compression| Ok(Format { of, compression });
        let lines = |compression| is(InputFormat::JsonLines, compression);
        assert_eq!(of("a/b.jsonl"), lines(Compression::None));
        assert_eq!(of("b.JSONL.gz"), lines(Compression::Gzip));
        assert_eq!(of("b.x.ndjson.zst"), lines(Compression::Zstd));
        assert_eq!(of("b.jl"), lines(Compression::None));
        assert_eq!(of("b.jsonlines.gz"), lines(Compression::Gzip));
        assert_eq!(of("b.csv.gz"), is(InputFormat::Csv, Compression::Gzip));
        assert_eq!(of("b.tsv"), is(InputFormat::Tsv, Compression::None));
        assert_eq!(of("b.warc.wet.gz"), is(InputFormat::Wet, Compression::Gzip));
        assert_eq!(of("b.txt"), Ok(Format::TEXT));
        assert_eq!(of("jsonl"), Ok(Format::TEXT));
        assert_eq!(of("b.parquet").is_ok(), cfg!(feature = "parquet"));
        for bad in [
            "b.txt.gz",
            "b.log.zst",
            "b.parquet.gz",
            "b.jsonl.xz",
            "b.tar.gz",
            "b.warc",
            "b.warc.gz",
            "b.wat",
        ] {
            assert!(matches!(of(bad), Err(Unread::Bad(_))), "{bad}");
        }
        for other in ["b.pdf", "b.DOCX", "b.bin"] {
            assert!(matches!(of(other), Err(Unread::Other(_))), "{other}");
        }
    }

    #[test]
    fn formats_are_read_as_they_are_written() {
        for of in InputFormat::ALL {
            assert_eq!(of.to_string().parse::<InputFormat>().unwrap(), of);
        }
        let error = "json".parse::<InputFormat>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "input format `json`: must be text, jsonl, csv, tsv, wet or parquet"
        );
    }
}
