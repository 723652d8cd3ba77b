//! The items, in memory.

use rayon::prelude::*;
use resemblance::corpus::{Corpus, Sources};
use resemblance::text::{Content, Document, ReadBuffer};

use super::args::{Args, Rule};
use super::shared::{Failure, Log};

/// An item.
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) text: String,
    /// The number of its words, or tokens.
    pub(crate) words: usize,
}

/// The items, in the order of the files.
pub(crate) struct Items(pub(crate) Vec<Item>);

impl Items {
    /// Reads the items. Fails if there are none.
    pub(crate) fn read(
        args: &Args,
        rule: &Rule,
        sources: Sources,
        log: &Log,
    ) -> Result<Self, Failure> {
        let corpus = Corpus::read_sources(sources, &args.item_options(), Some(log))?;
        let items = corpus.documents().par_iter().zip(corpus.ids());
        let items = items.map_init(ReadBuffer::default, |buffer, (document, id)| {
            let text = match document.content(buffer).map_err(Failure::failed)? {
                Content::Text(text) => text.to_owned(),
                _ => unreachable!("only text is accepted"),
            };
            let words = rule.of_words.sketcher().shingler().text(&text).len();
            let id = id.clone();
            Ok::<_, Failure>(Item { id, text, words })
        });
        let items: Vec<Item> = items.collect::<Result<_, _>>()?;
        match items.is_empty() {
            true => Err(Failure::failed(
                "there are no items: the files contain no records",
            )),
            false => Ok(Self(items)),
        }
    }
}
