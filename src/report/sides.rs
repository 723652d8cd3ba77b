//! Two texts side by side, with their passages marked.

use std::ops::Range;

use maud::{Markup, html};

use super::Compared;
use crate::passage::Passages;

pub(super) const STYLE: &str = include_str!("sides.css");

/// The number of colours of marks in the style.
const COLOURS: usize = 6;

/// A part of a text: in the passage with a number, or in none.
struct Part<'t> {
    text: &'t str,
    passage: Option<usize>,
    /// Whether it is the first part of the passage in this text.
    is_first: bool,
}

/// Cuts a text into parts. Where passages overlap, the words belong to the one that begins first.
fn parts(text: &str, runs: impl Iterator<Item = (usize, Range<usize>)>) -> Vec<Part<'_>> {
    let mut runs: Vec<_> = runs.collect();
    runs.sort_by_key(|(_, run)| (run.start, run.end));
    let (mut parts, mut at) = (Vec::new(), 0);
    let mut seen = std::collections::HashSet::new();
    for (passage, run) in runs {
        let start = run.start.max(at);
        if run.end <= start {
            continue;
        }
        if at < start {
            parts.push(Part {
                text: &text[at..start],
                passage: None,
                is_first: false,
            });
        }
        parts.push(Part {
            text: &text[start..run.end],
            passage: Some(passage),
            is_first: seen.insert(passage),
        });
        at = run.end;
    }
    if at < text.len() {
        parts.push(Part {
            text: &text[at..],
            passage: None,
            is_first: false,
        });
    }
    parts
}

/// The parts of both texts.
fn parts_of<'t>(passages: &'t Passages<'_>) -> [Vec<Part<'t>>; 2] {
    let numbered = || (0..).zip(passages);
    let a = numbered()
        .flat_map(|(number, passage)| passage.runs.iter().map(move |run| (number, run.a.clone())));
    let b = numbered()
        .flat_map(|(number, passage)| passage.runs.iter().map(move |run| (number, run.b.clone())));
    [parts(passages.text_a(), a), parts(passages.text_b(), b)]
}

/// Two documents. `key` distinguishes them from others on the page.
pub(super) fn compared(compared: &Compared<'_>, key: &str) -> Markup {
    let Compared {
        names: [name_a, name_b],
        similarity,
        reason,
        passages,
    } = compared;
    let sides = parts_of(passages);
    let id = |side: usize, passage: usize| format!("p{key}-{passage}{}", ["a", "b"][side]);
    let shares = [
        (name_a, passages.share_a(), passages.words_a()),
        (name_b, passages.share_b(), passages.words_b()),
    ];
    html! {
        section.compared {
            p.facts {
                "Jaccard " b { (format!("{:.3}", similarity.jaccard)) }
                @if let Some(reason) = reason { "; why the other is kept: " (reason) }
                @if passages.is_empty() { "; no passage in common" }
            }
            input.unfold type="checkbox" id=(format!("u{key}"));
            label for=(format!("u{key}")) { "Whole texts" }
            div.sides {
                @for (side, (name, share, words)) in shares.into_iter().enumerate() {
                    article {
                        h3 { (name) small { (format!(" {:.1}% of {words} words shared", 100.0 * share)) } }
                        div.text dir="auto" {
                            @for part in &sides[side] {
                                @match part.passage {
                                    None => (part.text),
                                    Some(passage) if part.is_first => {
                                        a class=(format!("mark k{}", passage % COLOURS)) id=(id(side, passage))
                                            href=(format!("#{}", id(1 - side, passage))) { (part.text) }
                                    }
                                    Some(passage) => span class=(format!("mark k{}", passage % COLOURS)) { (part.text) },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_runs_are_cut() {
        let text = "abcdefgh";
        let parts = parts(
            text,
            [(0, 2..5), (1, 4..7), (2, 4..5), (0, 7..8)].into_iter(),
        );
        let found: Vec<_> = parts
            .iter()
            .map(|part| (part.text, part.passage, part.is_first))
            .collect();
        let expected = [
            ("ab", None, false),
            ("cde", Some(0), true),
            ("fg", Some(1), true),
            ("h", Some(0), false),
        ];
        assert_eq!(found, expected);
    }
}
