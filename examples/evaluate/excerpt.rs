//! Excerpts of two texts.

use unicode_segmentation::UnicodeSegmentation;

/// `length` characters of each text on one line. If the texts start alike, the excerpts start shortly before the first
/// difference. Differences in case, punctuation and spaces are ignored if letters or digits differ.
pub(crate) fn excerpts(a: &str, b: &str, length: usize) -> [String; 2] {
    let (a, b) = (folded(a), folded(b));
    let [a, b] = [&a, &b].map(|text| text.graphemes(true).collect::<Vec<_>>());
    let starts = difference(&telling(&a), &telling(&b))
        .or_else(|| difference(&whole(&a), &whole(&b)))
        .unwrap_or([0, 0]);
    let [from_a, from_b] = starts.map(|start| start.saturating_sub(length / 4));
    [cut(&a, from_a, length), cut(&b, from_b, length)]
}

/// Replaces every run of white space and control characters with one space.
fn folded(text: &str) -> String {
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    let parts: Vec<&str> = text.split(is_gap).filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// Characters and their positions; `None` at the end.
type Placed = Vec<(usize, String)>;

/// Letters and digits, in lower case.
fn telling(text: &[&str]) -> Placed {
    let all = whole(text).into_iter();
    all.filter(|(_, c)| c.is_empty() || c.contains(char::is_alphanumeric))
        .map(|(place, c)| (place, c.to_lowercase()))
        .collect()
}

fn whole(text: &[&str]) -> Placed {
    let all = text.iter().map(|&c| c.to_owned());
    all.chain([String::new()]).enumerate().collect()
}

/// The positions of the first difference.
fn difference(a: &Placed, b: &Placed) -> Option<[usize; 2]> {
    let mut both = a.iter().zip(b);
    let differing = both.find(|((_, a), (_, b))| a != b);
    differing.map(|((a, _), (b, _))| [*a, *b])
}

fn cut(text: &[&str], start: usize, length: usize) -> String {
    let end = text.len().min(start + length);
    let mark = |is_cut| if is_cut { "…" } else { "" };
    let shown = text[start..end].concat();
    [mark(start > 0), &shown, mark(end < text.len())].concat()
}
