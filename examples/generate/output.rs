//! Files of documents and labels.

use std::fs::File;
use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use resemblance::corpus::{Outputs, Sources, Table};

use super::Block;

/// A file or standard output. The extension of its name chooses the format.
pub(crate) enum Output {
    Standard(BufWriter<Stdout>),
    /// A file of lines, compressed if its name says so.
    Lines(Outputs, Table),
    Rows(Rows),
}

impl Output {
    pub(crate) fn create(path: &Path) -> Result<Self, String> {
        if path == Path::new("-") {
            return Ok(Self::Standard(BufWriter::new(io::stdout())));
        }
        if path.extension().is_some_and(|name| name == "parquet") {
            return Rows::create(path).map(Self::Rows);
        }
        let sources = Sources::find::<&Path>(&[]).map_err(|error| error.to_string())?;
        let mut outputs = Outputs::new(&sources);
        let table = outputs
            .stage_table(path)
            .map_err(|error| error.to_string())?;
        Ok(Self::Lines(outputs, table))
    }

    /// Writes the documents of a block.
    pub(crate) fn documents(&mut self, block: &Block) -> Result<(), String> {
        match self {
            Self::Rows(rows) => rows.write(block),
            _ => self.lines(&block.lines),
        }
    }

    /// Writes whole lines.
    pub(crate) fn lines(&mut self, lines: &str) -> Result<(), String> {
        let Some(lines) = lines.strip_suffix('\n') else {
            return Ok(()); // no lines
        };
        match self {
            Self::Standard(to) => writeln!(to, "{lines}").map_err(|error| cannot_print(&error)),
            Self::Lines(_, table) => table.line(lines).map_err(|error| error.to_string()),
            Self::Rows(rows) => Err(format!("cannot write {}: no table of rows", rows.name)),
        }
    }

    pub(crate) fn finish(self) -> Result<(), String> {
        match self {
            Self::Standard(mut to) => to.flush().map_err(|error| cannot_print(&error)),
            Self::Lines(outputs, _) => outputs.commit().map_err(|error| error.to_string()),
            Self::Rows(rows) => rows.finish(),
        }
    }
}

fn cannot_print(error: &io::Error) -> String {
    format!("cannot write standard output: {error}")
}

/// A Parquet file of ids and texts, as is usual: row groups of a hundred thousand rows, compressed with zstd.
pub(crate) struct Rows {
    name: String,
    writer: SerializedFileWriter<File>,
    /// The columns of the row group that is being filled.
    columns: [Vec<ByteArray>; 2],
}

const GROUP: usize = 100_000;

impl Rows {
    fn create(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        let create = || -> Result<_, ParquetError> {
            let schema = "message documents {
                required binary id (STRING); required binary text (STRING); }";
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::default()));
            SerializedFileWriter::new(
                File::create(path)?,
                Arc::new(parse_message_type(schema)?),
                Arc::new(properties.build()),
            )
        };
        Ok(Self {
            writer: create().map_err(|error| cannot_write(&name, &error))?,
            name,
            columns: Default::default(),
        })
    }

    fn write(&mut self, block: &Block) -> Result<(), String> {
        for (number, text) in (block.first..).zip(&block.texts) {
            let [ids, texts] = &mut self.columns;
            ids.push(format!("d{number}").into_bytes().into());
            texts.push(block.lines[text.clone()].into());
            if ids.len() == GROUP {
                self.write_group()?;
            }
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), String> {
        let (writer, columns) = (&mut self.writer, &mut self.columns);
        let write = || -> Result<(), ParquetError> {
            let mut group = writer.next_row_group()?;
            for values in columns {
                if let Some(mut column) = group.next_column()? {
                    let typed = column.typed::<ByteArrayType>();
                    typed.write_batch(values, None, None)?;
                    column.close()?;
                }
                values.clear();
            }
            group.close().map(drop)
        };
        write().map_err(|error| cannot_write(&self.name, &error))
    }

    fn finish(mut self) -> Result<(), String> {
        if !self.columns[0].is_empty() {
            self.write_group()?;
        }
        let closed = self.writer.close();
        closed
            .map(drop)
            .map_err(|error| cannot_write(&self.name, &error))
    }
}

fn cannot_write(name: &str, error: &ParquetError) -> String {
    let message = match error {
        // The error of the file itself.
        ParquetError::External(error) => error.to_string(),
        other => other.to_string(),
    };
    format!("cannot write {name}: {message}")
}
