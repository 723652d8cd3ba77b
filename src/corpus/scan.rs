//! Reads documents one time, and holds none of them.

use crate::corpus::error::Error;
use crate::corpus::inputs::input::Input;
use crate::corpus::inputs::sources::Sources;
use crate::corpus::limit::RecordLimit;
use crate::corpus::options::ReadOptions;
use crate::corpus::reading::parse::{Parser, Seen, Taken};
use crate::corpus::reading::read::{At, Reading, Rejection, Sink};
use crate::digest::Digests;
use crate::text::Content;
use crate::watch::{Stage, Ticker, Watch};

/// What [`Sources::scan`] has read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Scanned {
    /// The number of documents.
    pub documents: u64,
    /// The number of bytes in all texts.
    pub text_bytes: u64,
    /// The rejected records.
    pub rejections: Vec<Rejection>,
    /// The number of hidden files and directories that were skipped.
    pub hidden: usize,
}

impl Sources {
    /// Reads all documents one time, without holding them, so that a collection may be of any size. Memory is some blocks
    /// of the files for each thread (about 12 MiB), whatever the formats.
    ///
    /// `look` sees the text of each document, in parallel on the current rayon pool. `take` gets what `look` returned,
    /// and the id of the document; one after the other, in the order of the documents, which is that of a
    /// [`Corpus`](crate::corpus::Corpus). `watch` gets reports on the progress; a `Break` ends reading with an error.
    ///
    /// The ids are those of [`Corpus::read`](crate::corpus::Corpus::read), but two documents with the same id are not
    /// noticed.
    ///
    /// ```
    /// use resemblance::corpus::{ReadOptions, Sources};
    /// use resemblance::text::Content;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("news.jsonl");
    /// # std::fs::write(&path, "{\"id\":\"monday\",\"text\":\"The ferry is late.\"}\n{\"id\":\"friday\",\"text\":\"Rain.\"}\n")?;
    /// let place = |text: Content<'_>| match text {
    ///     Content::Text(text) => text.find("ferry"),
    ///     _ => None,
    /// };
    /// let mut found = Vec::new();
    /// let scanned = Sources::find(&[path])?.scan(&ReadOptions::new(), None, place, |id, place| {
    ///     found.push((id.to_owned(), place));
    ///     Ok(())
    /// })?;
    /// assert_eq!((scanned.documents, found), (2, vec![("monday".to_owned(), 4)]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Corpus::read`](crate::corpus::Corpus::read), except for repeated ids; or if `take` returns one.
    pub fn scan<T: Send + 'static>(
        mut self,
        options: &ReadOptions,
        watch: Option<&dyn Watch>,
        look: impl Fn(Content<'_>) -> Option<T> + Sync,
        mut take: impl FnMut(&str, T) -> Result<(), Error> + Send,
    ) -> Result<Scanned, Error> {
        self.spool(watch)?;
        let ticker = Ticker::new(watch, Stage::Read, self.size() as usize);
        let look = |content: Content<'_>| -> Option<Seen> { Some(Box::new(look(content)?)) };
        let parser = Parser {
            options,
            digester: None,
            counter: None,
            look: Some(&look),
            hold: false,
            limit: RecordLimit::unbounded(options.max_record, options.on_bad),
        };
        let mut scan = Scan {
            scanned: Scanned {
                hidden: self.hidden,
                ..Scanned::default()
            },
            take: |id: &str, seen: Seen| match seen.downcast::<T>() {
                Ok(seen) => take(id, *seen),
                Err(_) => unreachable!("it is what `look` returned"),
            },
        };
        Reading::new(&self.inputs, parser, ticker, &mut scan).run()?;
        Ok(scan.scanned)
    }
}

/// Counts documents, and hands on what the caller has made of them.
struct Scan<Take> {
    scanned: Scanned,
    take: Take,
}

impl<Take: FnMut(&str, Seen) -> Result<(), Error>> Sink for Scan<Take> {
    fn take(
        &mut self,
        _: &[Input],
        _: At,
        id: String,
        taken: Taken,
    ) -> Result<Option<String>, Error> {
        self.scanned.documents += 1;
        self.scanned.text_bytes += taken.byte_len as u64;
        if let Some(seen) = taken.seen {
            (self.take)(&id, seen)?;
        }
        Ok(None)
    }

    fn take_digests(&mut self, _: &mut Digests, _: &[bool]) -> Result<(), Error> {
        Ok(())
    }

    fn reject(&mut self, _: At, rejection: Rejection) -> Result<(), Error> {
        self.scanned.rejections.push(rejection);
        Ok(())
    }

    fn end_input(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
