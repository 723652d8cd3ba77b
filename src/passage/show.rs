//! Passages in a terminal, side by side.

use std::fmt;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::{Passage, Passages, Run};

/// The width of a column.
const WIDTH: usize = 37;

/// The most lines of a passage that are shown whole; of others the first and the last lines are.
const LINES: usize = 12;
const FIRST: usize = 6;
const LAST: usize = 4;

impl fmt::Display for Passages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [words_a, words_b] = self.words;
        let [shared_a, shared_b] = self.shared;
        let (percent_a, percent_b) = (100.0 * self.share_a(), 100.0 * self.share_b());
        let passages = if self.len() == 1 {
            "passage"
        } else {
            "passages"
        };
        writeln!(
            f,
            "{} {passages}: {shared_a} of {words_a} words of the first text ({percent_a:.1}%), {shared_b} of {words_b} \
             words of the second ({percent_b:.1}%)",
            self.len(),
        )?;
        for (number, passage) in (1..).zip(self) {
            let Passage { a, b, words, runs } = passage;
            let kind = match runs.len() - 1 {
                0 => "verbatim".to_owned(),
                1 => "1 gap".to_owned(),
                gaps => format!("{gaps} gaps"),
            };
            writeln!(f, "\n{number}. {words} words, {kind}")?;
            let bytes = |range: &Range<usize>| format!("bytes {} to {}", range.start, range.end);
            row(f, &bytes(a), &bytes(b))?;
            let left = lines(self.texts[0], runs.iter().map(|run: &Run| &run.a));
            let right = lines(self.texts[1], runs.iter().map(|run: &Run| &run.b));
            let most = left.len().max(right.len());
            let line = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
            let shown = |at: usize| most <= LINES || at < FIRST || at >= most - LAST;
            for at in 0..most {
                if shown(at) {
                    row(f, &line(&left, at), &line(&right, at))?;
                } else if at == FIRST {
                    writeln!(f, "   … {} more lines", most - FIRST - LAST)?;
                }
            }
        }
        Ok(())
    }
}

/// Writes a line of both columns.
fn row(f: &mut fmt::Formatter<'_>, left: &str, right: &str) -> fmt::Result {
    let spaces = WIDTH.saturating_sub(left.width());
    writeln!(f, "   {left}{:spaces$} | {right}", "")
}

/// The lines of a column: the runs of a passage, and what stands between them in brackets.
fn lines<'r>(text: &str, runs: impl Iterator<Item = &'r Range<usize>>) -> Vec<String> {
    let mut lines = Lines(vec![String::new()]);
    let mut end = None;
    for run in runs {
        if let Some(end) = end {
            lines.push(&format!("[{}]", text[end..run.start].trim()));
        }
        lines.push(&text[run.clone()]);
        end = Some(run.end);
    }
    lines.0
}

/// Lines that are no wider than a column.
struct Lines(Vec<String>);

impl Lines {
    fn push(&mut self, text: &str) {
        for word in text.split_whitespace() {
            // Characters that control a terminal are not for it.
            let word = word.replace(char::is_control, "\u{FFFD}");
            if !self.last().is_empty() {
                match self.last().width() + 1 + word.width() <= WIDTH {
                    true => self.last().push(' '),
                    false => self.0.push(String::new()),
                }
            }
            for character in word.graphemes(true) {
                if self.last().width() + character.width() > WIDTH {
                    self.0.push(String::new());
                }
                self.last().push_str(character);
            }
        }
    }

    fn last(&mut self) -> &mut String {
        if self.0.is_empty() {
            self.0.push(String::new());
        }
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}
