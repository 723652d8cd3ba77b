//! Sets repeated text aside: passages that many documents of a group share, such as the header and footer of a site,
//! are left out of what is compared.
//!
//! Pages of one site share its navigation, notices and footer. If these are a large part of a page, all pages of the
//! site resemble each other, but copies of an article on two sites do not. An article on twenty sites and the footer of
//! twenty pages are equally frequent, so frequencies do not show which of the two a text is. The group of each document
//! must be known: its site, source or publisher.
//!
//! ```
//! use resemblance::text::InGroup;
//! use resemblance::{Deduper, Measure, Run, Shingle};
//!
//! let page = |group, body: &str| {
//!     let chrome = match group {
//!         "gazette" => "The Gazette, all the news of the harbour since 1911. Subscribe for two euros a week.",
//!         _ => "Wire: short news from everywhere. Contact us, advertise with us, read our terms of use.",
//!     };
//!     InGroup { group, document: format!("{chrome}\n{body}") }
//! };
//! let pages = [
//!     page("gazette", "The ferry returns to the harbour on Monday, nine years after its last crossing."),
//!     page("gazette", "Volunteers will open the lighthouse to visitors for one day in June."),
//!     page("gazette", "A goat in the town hall has eaten the minutes of two meetings."),
//!     page("wire", "The ferry returns to the harbour on Monday, nine years after its last crossing."),
//!     page("wire", "The council votes on the price of mooring at the end of the month."),
//!     page("wire", "Snow is expected above eight hundred metres from Thursday on."),
//! ];
//! let deduper = Deduper::builder().measure(Measure::Containment).threshold(0.5).shingle(Shingle::Words(3)).build()?;
//! let clusters = deduper.try_clusters(&pages, &Run::new())?;
//! assert_eq!(clusters.removed().len(), 1);
//! assert_eq!((clusters.removed()[0].document, clusters.removed()[0].kept), (3, 0));
//! println!("{:.2} of the first page were set aside", clusters.aside(0));
//! # Ok::<(), resemblance::Error>(())
//! ```
//!
//! # What is set aside
//!
//! A *passage* is a run of k words ([`DeduperBuilder::set_aside_words`](crate::DeduperBuilder::set_aside_words), 5 by
//! default) after normalization. Within each group, a passage is set aside if at least max(3, 10%) of the group's
//! distinct documents have it. Every word of such a passage is left out, and the rest is compared. If less than 5 words
//! or less than 5% of the words would remain of a document, passages are set aside there only if 20% of the documents
//! have them, or 40%, or 80%. If that leaves as little, the document is compared whole, so that a page that is all form
//! still finds its copies. [`Clusters::aside`](crate::Clusters::aside) returns the share of a document that was set aside.
//!
//! Documents with equal passages count once. In a group of more than 1,024 different texts, the documents of a sample of
//! 1,024 are counted, which the seed draws by a hash of the text.
//!
//! # Where it does not help
//!
//! - Groups of fewer than about five documents: three documents must have a passage.
//! - Groups of one document each.
//! - An article that appears in three or more versions in a small group is itself a repeated text there.
//!
//! # Cost
//!
//! One more pass over the documents of groups, of which only the sampled ones are split into words. It holds 8 bytes for
//! each word of the sampled documents, until the repeated passages are known; then about 30 bytes for each of these.

mod count;
mod passages;
mod rest;

pub(crate) use count::Counter;
pub(crate) use rest::{Maker, Share, Space, Splitting};
pub use rest::{Rest, SetAside};
