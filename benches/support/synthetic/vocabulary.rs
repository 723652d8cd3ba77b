//! Words, drawn by Zipf's law.

use std::collections::HashSet;

use super::random::Random;

/// Words ranked from the most frequent one on; the word of rank r is drawn in proportion to 1 / (r + 1).
///
/// Drawing is by the alias method (Walker 1974, tables as Vose 1991): one random number and one look into
/// a table, however many words there are.
#[derive(Debug)]
pub struct Vocabulary {
    /// All words, one after the other, and where each begins; one more for the end.
    letters: String,
    starts: Vec<u32>,
    columns: Vec<Column>,
}

/// As much probability as any other column: its own rank's below `own`, in parts of 2^32, and `other`'s
/// from there on.
#[derive(Debug, Clone, Copy)]
struct Column {
    own: u32,
    other: u32,
}

impl Vocabulary {
    /// `size` different words of these syllables.
    pub fn new(random: &mut Random, size: usize, syllables: &[&str]) -> Self {
        let mut words = Vec::with_capacity(size);
        let mut known = HashSet::with_capacity(size);
        for rank in 0..size {
            // Frequent words are short.
            let most = (rank + 10).ilog10() as usize;
            let mut word: String = (0..=random.below(most))
                .map(|_| syllables[random.below(syllables.len())])
                .collect();
            while !known.insert(word.clone()) {
                word += syllables[random.below(syllables.len())];
            }
            words.push(word);
        }
        let ends = words.iter().scan(0, |end, word| {
            *end += word.len() as u32;
            Some(*end)
        });
        Self {
            starts: std::iter::once(0).chain(ends).collect(),
            letters: words.concat(),
            columns: columns(size),
        }
    }

    /// The rank of a word.
    #[inline]
    pub fn draw(&self, random: &mut Random) -> usize {
        let x = random.next();
        let column = ((x >> 32) * self.columns.len() as u64) >> 32;
        let Column { own, other } = self.columns[column as usize];
        if (x as u32) < own {
            column as usize
        } else {
            other as usize
        }
    }

    /// The word of a rank.
    #[inline]
    pub fn word(&self, rank: usize) -> &str {
        &self.letters[self.starts[rank] as usize..self.starts[rank + 1] as usize]
    }

    /// A word.
    pub fn draw_word(&self, random: &mut Random) -> &str {
        self.word(self.draw(random))
    }
}

/// The table of the alias method: ranks that have less than a column's share are filled up by one that
/// has more.
fn columns(size: usize) -> Vec<Column> {
    let weight = |rank: usize| 1.0 / (rank + 1) as f64;
    let mean = (0..size).map(weight).sum::<f64>() / size as f64;
    let mut shares: Vec<f64> = (0..size).map(|rank| weight(rank) / mean).collect();
    let mut columns: Vec<Column> = (0..size as u32)
        .map(|rank| Column {
            own: u32::MAX,
            other: rank,
        })
        .collect();
    let (mut less, mut more): (Vec<usize>, Vec<usize>) =
        (0..size).partition(|&rank| shares[rank] < 1.0);
    while let (Some(small), Some(&large)) = (less.pop(), more.last()) {
        columns[small] = Column {
            own: (shares[small] * (1u64 << 32) as f64) as u32,
            other: large as u32,
        };
        shares[large] -= 1.0 - shares[small];
        if shares[large] < 1.0 {
            less.extend(more.pop());
        }
    }
    columns
}
