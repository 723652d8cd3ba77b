//! Finds the input files, their order and their formats.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::corpus::error::Error;
use crate::corpus::escape::escaped_bytes;
use crate::corpus::formats::format::{Format, InputFormat, Unread};
use crate::corpus::inputs::finding::Finding;
use crate::corpus::inputs::input::Input;
use crate::corpus::inputs::pattern::{Pattern, is_pattern};
use crate::corpus::work_folder::is_work_folder;
use crate::storage::is_index;
use crate::watch::{Stage, Watch};

/// The input files, in order. Finding them reads only the beginnings of some.
#[derive(Debug)]
pub struct Sources {
    pub(crate) inputs: Vec<Input>,
    pub(crate) hidden: usize,
    /// The format of all files, if the caller set it.
    format: Option<InputFormat>,
    others: Vec<PathBuf>,
    /// The resolved paths of the files.
    pub(crate) places: HashSet<PathBuf>,
}

impl Sources {
    /// Finds the files of `paths`: files, directories, patterns, and `-` for JSON lines from standard input. A path is
    /// a pattern if it does not exist and contains `*`, `?`, `[...]` or `**` (any directories).
    ///
    /// The extension of a file determines its format:
    ///
    /// - `.jsonl`, `.ndjson`, `.jsonlines` and `.jl` files contain JSON lines. So does a `.json` file if its first
    ///   line is a complete object. `.csv` and `.tsv` files contain rows with a header row, `.wet` (`.warc.wet`) files
    ///   the texts of web pages. All these may be compressed (`.gz`, `.zst`).
    /// - `.parquet` files contain rows (feature `parquet`).
    /// - A `.txt`, `.md`, `.html` or similar file is a document. So is a file with any other extension, or none, that
    ///   begins with UTF-8 text, such as source code.
    /// - Files that are not text by their extension or their beginning (`.pdf`, `.docx`, pictures, programs) are bad
    ///   inputs if they are named. In directories, and among the matches of a pattern, they are
    ///   [skipped](Self::others).
    ///
    /// Documents keep the order of the paths. The files of a directory or pattern are sorted by path, name by name; the
    /// records of a file keep their order. In directories, hidden files and directories (`.name`),
    /// [indexes](crate::corpus::Job::against) and [work folders](crate::corpus::Job::work) are skipped. A pattern
    /// matches a hidden name only if it contains the dot.
    ///
    /// # Errors
    /// If a path does not exist, is neither a file nor a directory, or leads to a file a second time, or if nothing
    /// matches a pattern.
    pub fn find<P: AsRef<Path>>(paths: &[P]) -> Result<Self, Error> {
        Self::find_with(paths, None, None)
    }

    /// Like [`find`](Self::find), but if a `format` is given, all files are read in it, whatever their names. The name
    /// still determines the compression of a file; standard input can have any format except Parquet. If finding the
    /// files takes long, `watch` is called with the number found so far; a `Break` ends the search with an error.
    ///
    /// # Errors
    /// Those of [`find`](Self::find); also if standard input should be Parquet or cannot be read, or if `watch` breaks.
    pub fn find_with<P: AsRef<Path>>(
        paths: &[P],
        format: Option<InputFormat>,
        watch: Option<&dyn Watch>,
    ) -> Result<Self, Error> {
        let mut finding = Finding::new(watch, Stage::Find);
        let mut sources = Self {
            inputs: Vec::new(),
            hidden: 0,
            format,
            others: Vec::new(),
            places: HashSet::new(),
        };
        for path in paths {
            let path = path.as_ref();
            if path == Path::new("-") {
                let format = format.unwrap_or(InputFormat::JsonLines);
                sources.push(Input::stdin(format, watch)?)?;
                continue;
            }
            match fs::metadata(path) {
                Ok(found) if found.is_file() => sources.push_named(path, found.len())?,
                Ok(found) => sources.add(path, &found, paths.len() > 1, &mut finding)?,
                Err(_) if is_pattern(path) => sources.expand(path, &mut finding)?,
                Err(error) => return Err(Error::io("read", path, error)),
            }
        }
        Ok(sources)
    }

    /// Files in directories and among the matches of patterns that were skipped because they are not text.
    pub fn others(&self) -> &[PathBuf] {
        &self.others
    }

    /// The format of all files, if the caller set it.
    pub(crate) fn format(&self) -> Option<InputFormat> {
        self.format
    }

    /// Adds a file that the user named. If it is not text, it is a bad input.
    fn push_named(&mut self, path: &Path, size: u64) -> Result<(), Error> {
        let input = match self.format_of(path) {
            Ok(format) => Input::file(path, path, size, format),
            Err(Unread::Bad(why) | Unread::Other(why)) => {
                Input::file(path, path, size, Format::TEXT).with(why)
            }
        };
        self.push(input)
    }

    /// Adds a file that was found in a directory or for a pattern. If it is not text, it is skipped.
    fn push_found(&mut self, path: &Path, below: &Path, size: u64) -> Result<(), Error> {
        let input = match self.format_of(path) {
            Ok(format) => Input::file(path, below, size, format),
            Err(Unread::Bad(why)) => Input::file(path, below, size, Format::TEXT).with(why),
            Err(Unread::Other(_)) => {
                self.others.push(path.to_owned());
                return Ok(());
            }
        };
        self.push(input)
    }

    fn format_of(&self, path: &Path) -> Result<Format, Unread> {
        match self.format {
            Some(of) => Format::asked(of, path),
            None => Format::of(path),
        }
    }

    fn add(
        &mut self,
        path: &Path,
        found: &Metadata,
        of_several: bool,
        finding: &mut Finding<'_>,
    ) -> Result<(), Error> {
        if found.is_dir() {
            return match ours(path) {
                Some(what) => Err(Error::refused(format!(
                    "{} is {what}, not an input: name other paths",
                    escaped_bytes(path.as_os_str())
                ))),
                None => self.walk(path, of_several, finding),
            };
        }
        if found.is_file() {
            return self.push_found(path, path, found.len());
        }
        let path = escaped_bytes(path.as_os_str());
        Err(Error::refused(format!(
            "{path} is not a regular file: pipe it to standard input, and name it -"
        )))
    }

    /// Adds the files and directories that match a pattern, sorted. Skips directories in which nothing can match, and
    /// links to a directory that contains them.
    fn expand(&mut self, path: &Path, finding: &mut Finding<'_>) -> Result<(), Error> {
        let pattern = Pattern::new(path)?;
        let before = self.inputs.len() + self.hidden;
        let root = match pattern.base.as_os_str().is_empty() {
            true => Path::new("."),
            false => &pattern.base,
        };
        let mut entries = entries_below(root);
        while let Some(entry) = entries.next() {
            finding.look(self.inputs.len())?;
            let places = |path: &Path| {
                let path = path.strip_prefix(".").unwrap_or(path);
                pattern.places(pattern.names_below(path))
            };
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    let error = match error.loop_ancestor() {
                        Some(_) => continue,
                        None => io::Error::from(error),
                    };
                    // A broken link is an error only if its own name matches.
                    let places = places(&path);
                    let matters = match error.kind() {
                        ErrorKind::NotFound => path != root && places.ends_with(&[true]),
                        _ => places.contains(&true),
                    };
                    if matters {
                        return Err(Error::io("read", &path, error));
                    }
                    continue;
                }
            };
            let places = places(entry.path());
            let (is_dir, is_match) = (entry.file_type().is_dir(), places.ends_with(&[true]));
            if is_dir && (is_match || !places.contains(&true)) {
                entries.skip_current_dir();
            }
            if is_match && (is_dir || !pattern.of_directories) {
                let path = entry.path();
                let path = path.strip_prefix(".").unwrap_or(path);
                let found = entry.metadata();
                let found = found.map_err(|error| Error::io("read", path, error.into()))?;
                match is_dir && ours(path).is_some() {
                    true => self.hidden += 1,
                    false => self.add(path, &found, true, finding)?,
                }
            }
        }
        match self.inputs.len() + self.hidden == before {
            true => Err(Error::io(
                "read",
                path,
                io::Error::other("nothing matches this pattern"),
            )),
            false => Ok(()),
        }
    }

    /// Copies standard input to a file, if it is one of the inputs.
    pub(crate) fn spool(&mut self, watch: Option<&dyn Watch>) -> Result<(), Error> {
        let mut inputs = self.inputs.iter_mut();
        inputs.try_for_each(|input| input.spool(watch))
    }

    /// Whether standard input is one of the inputs.
    pub(crate) fn has_stdin(&self) -> bool {
        self.inputs.iter().any(|input| input.path == Path::new("-"))
    }

    /// The bytes of all files on the disk.
    pub(crate) fn size(&self) -> u64 {
        self.inputs.iter().map(|input| input.size).sum()
    }

    fn push(&mut self, input: Input) -> Result<(), Error> {
        let place = match fs::canonicalize(&input.path) {
            Ok(place) if input.problem.is_none() => place,
            _ => input.path.clone(),
        };
        if !self.places.insert(place) {
            let path = escaped_bytes(input.path.as_os_str());
            return Err(Error::refused(format!("the input {path} is named twice")));
        }
        self.inputs.push(input);
        Ok(())
    }

    /// Adds the files below `root`, sorted by path. A file that cannot be read becomes an input with a problem.
    fn walk(
        &mut self,
        root: &Path,
        of_several: bool,
        finding: &mut Finding<'_>,
    ) -> Result<(), Error> {
        let mut entries = entries_below(root);
        while let Some(entry) = entries.next() {
            finding.look(self.inputs.len())?;
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    let problem = match error.loop_ancestor() {
                        Some(_) => "a link to a directory that contains it".to_owned(),
                        None => io::Error::from(error).kind().to_string(),
                    };
                    let problem = format!("cannot be read: {problem}");
                    let below = below(&path, root, of_several);
                    self.push(Input::file(&path, below, 0, Format::TEXT).with(problem))?;
                    continue;
                }
            };
            let is_hidden = entry.file_name().as_encoded_bytes()[0] == b'.';
            let is_ours = || entry.file_type().is_dir() && ours(entry.path()).is_some();
            if entry.depth() > 0 && (is_hidden || is_ours()) {
                self.hidden += 1;
                if entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
            } else if !entry.file_type().is_dir() {
                let path = entry.path();
                let size = entry.metadata().map_or(0, |metadata| metadata.len());
                let below = below(path, root, of_several);
                if entry.file_type().is_file() {
                    self.push_found(path, below, size)?;
                } else {
                    let input = Input::file(path, below, size, Format::TEXT);
                    self.push(input.with("is not a regular file".to_owned()))?;
                }
            }
        }
        Ok(())
    }
}

/// The entries below a directory, sorted by path. Links are followed.
fn entries_below(root: &Path) -> walkdir::IntoIter {
    let walk = WalkDir::new(root).follow_links(true);
    walk.sort_by_file_name().into_iter()
}

/// What a directory is, if this crate wrote it and it contains no documents.
fn ours(dir: &Path) -> Option<&'static str> {
    match () {
        () if is_index(dir) => Some("an index"),
        () if is_work_folder(dir) => Some("a work folder"),
        () => None,
    }
}

fn below<'p>(path: &'p Path, root: &Path, of_several: bool) -> &'p Path {
    match path.strip_prefix(root) {
        Ok(below) if !of_several => below,
        _ => path,
    }
}
