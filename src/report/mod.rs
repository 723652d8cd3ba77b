//! HTML for people who want to see what was found (feature `report`): two texts side by side with their shared
//! [passages](crate::passage) marked, and a page of clusters.
//!
//! A page is one file: it loads nothing, and works by keyboard, in print, on a telephone, in light and in dark.
//!
//! ```
//! use resemblance::Deduper;
//! use resemblance::report::{Compared, Page};
//!
//! let deduper = Deduper::new();
//! let (a, b) = ("The ferry is back. <b>", "NEWS The ferry is back.");
//! let compared = Compared {
//!     names: ["a.txt", "b.txt"],
//!     similarity: deduper.similarity(a, b),
//!     reason: None,
//!     passages: &deduper.passage_finder().with_min_words(4)?.find(a, b),
//! };
//! let mut html = Vec::new();
//! let mut page = Page::new(&mut html, "Two texts")?;
//! page.compared(&compared)?;
//! page.finish()?;
//! let html = String::from_utf8(html)?;
//! assert!(html.contains("The ferry is back</a>. &lt;b&gt;"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod histogram;
mod page;
mod sides;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::passage::Passages;
use crate::verify::Similarity;

pub use histogram::Histogram;
pub use page::Page;

/// Two documents that are shown side by side.
#[derive(Debug, Clone)]
pub struct Compared<'c> {
    /// Their names, such as ids.
    pub names: [&'c str; 2],
    /// Their similarity.
    pub similarity: Similarity,
    /// Why the second one is kept, if it is.
    pub reason: Option<&'c str>,
    /// Their texts, and what these share.
    pub passages: &'c Passages<'c>,
}

/// A cluster on a [`Page`].
#[derive(Debug, Clone)]
pub struct ClusterShown<'c> {
    /// Its number.
    pub number: usize,
    /// The id of the kept document, if one is kept.
    pub kept: Option<&'c str>,
    /// How many documents it has.
    pub documents: usize,
    /// Some of its removed documents, each compared with the one that is kept for it.
    pub removed: Vec<Compared<'c>>,
    /// More about it, such as documents of an index that it joins.
    pub notes: Vec<String>,
}

/// Documents side by side, for a notebook or a page of your own. It brings its style along.
pub fn side_by_side(all: &[Compared<'_>]) -> String {
    let style = maud::PreEscaped(sides::STYLE);
    // A page may show several of these.
    let key = |compared: &Compared<'_>| {
        let text = compared.passages.text_a().as_bytes();
        format!(
            "{:x}",
            xxh3_64_with_seed(text, compared.passages.len() as u64)
        )
    };
    let html = maud::html! {
        div.resemblance {
            style { (style) }
            @for (number, compared) in all.iter().enumerate() {
                (sides::compared(compared, &format!("{}-{number}", key(compared))))
            }
        }
    };
    html.into_string()
}
