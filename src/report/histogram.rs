//! How many documents have which similarity.

use maud::{Markup, html};

/// The bars of a histogram, without the last.
const BARS: usize = 10;

/// The similarities of removed documents, from the threshold to 1.
///
/// It has ten bars of equal width, and one for similarities of exactly 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    from: f64,
    counts: [u64; BARS + 1],
}

impl Histogram {
    /// An empty one, for similarities from `from` on. Lower ones are counted in the first bar.
    pub fn new(from: f64) -> Self {
        Self {
            from,
            counts: [0; BARS + 1],
        }
    }

    /// Counts a similarity.
    pub fn count(&mut self, similarity: f64) {
        let bar = if similarity >= 1.0 {
            BARS
        } else {
            let share = (similarity - self.from) / (1.0 - self.from);
            ((share * BARS as f64).max(0.0) as usize).min(BARS - 1)
        };
        self.counts[bar] += 1;
    }

    pub(super) fn html(&self) -> Markup {
        let most = self.counts.iter().copied().max().unwrap_or(0).max(1);
        let start = |bar: usize| self.from + (1.0 - self.from) * bar as f64 / BARS as f64;
        let name = |bar: usize| match bar {
            BARS => "1".to_owned(),
            bar => format!("{:.3} to {:.3}", start(bar), start(bar + 1)),
        };
        html! {
            table.histogram {
                caption { "Similarities of removed documents" }
                @for (bar, &count) in self.counts.iter().enumerate() {
                    @if bar == BARS || start(bar) < 1.0 {
                        tr {
                            th scope="row" { (name(bar)) }
                            td.bar {
                                @if count > 0 {
                                    div style=(format!("width: {:.1}%", 100.0 * count as f64 / most as f64)) {}
                                }
                            }
                            td { (count) }
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
    fn bars() {
        let mut histogram = Histogram::new(0.8);
        for similarity in [0.8, 0.819, 0.83, 0.999, 1.0, 0.5] {
            histogram.count(similarity);
        }
        assert_eq!(histogram.counts[..2], [3, 1]);
        assert_eq!(histogram.counts[BARS - 1..], [1, 1]);
        let mut all_or_nothing = Histogram::new(1.0);
        all_or_nothing.count(1.0);
        assert_eq!(all_or_nothing.counts[BARS], 1);
        assert!(
            all_or_nothing
                .html()
                .into_string()
                .contains("width: 100.0%")
        );
    }
}
