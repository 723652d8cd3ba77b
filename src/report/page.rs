//! A page of clusters, written as they come.

use std::io::{self, Write};

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::histogram::Histogram;
use super::{ClusterShown, Compared, sides};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The clusters that are shown at a time.
const TOGETHER: usize = 50;

/// Writes an HTML page. What is written first is shown first.
///
/// Clusters are held by the page, but become elements only while they are shown, 50 at a time: so a page stays quick with
/// 100,000 of them. Texts and ids may contain anything.
#[derive(Debug)]
pub struct Page<W: Write> {
    out: W,
    /// The clusters that are not written yet.
    waiting: Vec<String>,
    clusters: usize,
}

impl<W: Write> Page<W> {
    /// Begins a page.
    ///
    /// # Errors
    /// If it cannot be written, like all that follows.
    pub fn new(mut out: W, title: &str) -> io::Result<Self> {
        let head = html! {
            (DOCTYPE)
            (PreEscaped("<html lang=\"en\">"))
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(sides::STYLE)) }
            }
            (PreEscaped("<body class=\"resemblance\">"))
            h1 { (title) }
        };
        put(&mut out, &head)?;
        Ok(Self {
            out,
            waiting: Vec::new(),
            clusters: 0,
        })
    }

    /// Adds a text of several lines, such as the summary of a run.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn summary(&mut self, text: &str) -> io::Result<()> {
        put(&mut self.out, &html! { pre.summary { (text) } })
    }

    /// Adds a histogram.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn histogram(&mut self, histogram: &Histogram) -> io::Result<()> {
        put(&mut self.out, &histogram.html())
    }

    /// Adds two documents, which are always shown.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn compared(&mut self, compared: &Compared<'_>) -> io::Result<()> {
        put(&mut self.out, &sides::compared(compared, "0"))
    }

    /// Adds a cluster.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn cluster(&mut self, cluster: &ClusterShown<'_>) -> io::Result<()> {
        self.clusters += 1;
        self.waiting.push(shown(cluster).into_string());
        match self.waiting.len() < TOGETHER {
            true => Ok(()),
            false => self.put_waiting(),
        }
    }

    /// Writes the clusters that wait, as a script that is not run. Nothing in them ends it: `<` in texts and ids is
    /// escaped.
    fn put_waiting(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting).concat();
        let page = html! { script.page type="text/html" { (PreEscaped(waiting)) } };
        put(&mut self.out, &page)
    }

    /// Ends the page.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.put_waiting()?;
        let clusters = self.clusters;
        let end = html! {
            @if clusters > 0 {
                nav {
                    input #search type="search" placeholder="Search ids and texts" aria-label="Search ids and texts";
                    button #back type="button" accesskey="p" { "Back" }
                    button #next type="button" accesskey="n" { "Next" }
                    span #status role="status" {}
                }
                main #page data-clusters=(clusters) {
                    noscript { "The clusters are shown by a script, which is part of this file." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
            (PreEscaped("</body></html>\n"))
        };
        put(&mut self.out, &end)?;
        self.out.flush()
    }
}

fn put(out: &mut impl Write, markup: &Markup) -> io::Result<()> {
    out.write_all(markup.0.as_bytes())?;
    out.write_all(b"\n")
}

fn shown(cluster: &ClusterShown<'_>) -> Markup {
    let ClusterShown {
        number,
        kept,
        documents,
        removed,
        notes,
    } = cluster;
    let more = documents.saturating_sub(1 + removed.len());
    html! {
        section.cluster id=(format!("c{number}")) {
            h2 { "Cluster " (number) ": " (documents) " documents, " @match kept { Some(kept) => { "kept " (kept) }, None => "none kept" } }
            @for note in notes { p { (note) } }
            @for (at, compared) in removed.iter().enumerate() { (sides::compared(compared, &format!("{number}-{at}"))) }
            @if more > 0 { p { "and " (more) " more removed" } }
        }
        (PreEscaped("<i class=end></i>"))
    }
}
