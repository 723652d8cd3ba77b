//! The archive of a site: pages that share most of their words, made here, with all its true pairs.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use rayon::prelude::*;

use crate::contenders::THRESHOLD;
use crate::synthetic::boilerplate::{Archive, ArchiveSettings, Texts};

/// 25,000 pages: 150 words of chrome round articles of about 25 words; one in twenty is the page before with two words cut
/// out.
const SETTINGS: ArchiveSettings = ArchiveSettings {
    documents: 25_000,
    sites: 1,
    chrome: 150,
    body: 25.0,
    links: 0,
    headlines: 0,
    copies: 0.05,
    seed: 7,
};

/// Writes the pages to `docs.jsonl` in `folder`, and every pair at the threshold or above to `jaccard_words5.tsv.gz`.
pub(crate) fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let archive = Archive::new(SETTINGS);
    let text = |page| {
        let mut text = String::new();
        archive.push_text(page, &mut text);
        text
    };
    let texts: Vec<String> = (0..archive.documents()).map(text).collect();
    let mut lines = BufWriter::new(File::create(folder.join("docs.jsonl"))?);
    for (page, text) in texts.iter().enumerate() {
        let record = serde_json::json!({ "id": page.to_string(), "text": text });
        writeln!(lines, "{record}")?;
    }
    lines.flush()?;

    let truth = File::create(folder.join("jaccard_words5.tsv.gz"))?;
    let mut truth = GzEncoder::new(BufWriter::new(truth), Compression::fast());
    let pairs = Sets::new(&texts, FREQUENT).pairs(THRESHOLD);
    for (a, b, jaccard) in &pairs {
        writeln!(truth, "{a}\t{b}\t{jaccard}")?;
    }
    truth.finish()?.flush()?;
    eprintln!("{} pages, {} pairs", texts.len(), pairs.len());
    Ok(())
}

/// A shingle that more sets than this have is a bit; of others, the sets are listed.
const FREQUENT: usize = 200;

/// Shingle sets, for brute force: every pair is counted, none is skipped.
///
/// Nothing here is the crate's. A shingle is five words as they stand between single spaces; the pages have no capitals and
/// no marks, so that these are the words of UAX #29.
struct Sets {
    /// Shingles of each set.
    sizes: Vec<u32>,
    /// The frequent shingles of each set: `words` numbers a set, a bit a shingle.
    bits: Vec<u64>,
    words: usize,
    /// The other shingles of each set, as places of `lists`.
    rare: Vec<Vec<u32>>,
    /// The sets that have a shingle which is not frequent, ascending.
    lists: Vec<Vec<u32>>,
}

impl Sets {
    /// Lists of at most `most` sets.
    fn new(texts: &[String], most: usize) -> Self {
        // Which sets have a shingle, by shingle.
        let mut lists: Vec<Vec<u32>> = Vec::new();
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        for (set, text) in (0..).zip(texts) {
            for shingle in shingles(text) {
                let number = *numbers.entry(shingle).or_insert(lists.len() as u32);
                if number as usize == lists.len() {
                    lists.push(Vec::new());
                }
                let sets = &mut lists[number as usize];
                if sets.last() != Some(&set) {
                    sets.push(set); // not twice where a text repeats itself
                }
            }
        }
        let frequent = lists.iter().filter(|sets| sets.len() > most).count();
        let words = frequent.div_ceil(64);
        let mut sets = Self {
            sizes: vec![0; texts.len()],
            bits: vec![0; texts.len() * words],
            words,
            rare: vec![Vec::new(); texts.len()],
            lists: Vec::new(),
        };
        let mut bit = 0;
        for list in lists {
            let is_frequent = list.len() > most;
            for set in list.iter().map(|&set| set as usize) {
                sets.sizes[set] += 1;
                if is_frequent {
                    sets.bits[set * words + bit / 64] |= 1 << (bit % 64);
                } else {
                    sets.rare[set].push(sets.lists.len() as u32);
                }
            }
            if is_frequent {
                bit += 1;
            } else {
                sets.lists.push(list);
            }
        }
        sets
    }

    /// Every pair at the threshold or above, with its Jaccard similarity.
    fn pairs(&self, threshold: f64) -> Vec<(usize, usize, f64)> {
        let sets = 0..self.sizes.len();
        let found = sets.into_par_iter().map_init(
            || vec![0; self.sizes.len()],
            |rare, set| self.pairs_of(set, threshold, rare),
        );
        found.collect::<Vec<_>>().concat()
    }

    /// Those of a set and later ones; `rare` is all zeros before and after.
    fn pairs_of(&self, a: usize, threshold: f64, rare: &mut [u32]) -> Vec<(usize, usize, f64)> {
        let lists = || self.rare[a].iter().map(|&list| &self.lists[list as usize]);
        lists().flatten().for_each(|&set| rare[set as usize] += 1);
        let bits = |set: usize| &self.bits[set * self.words..(set + 1) * self.words];
        let of_a = bits(a);
        let mut pairs = Vec::new();
        for (b, rare) in rare.iter().enumerate().skip(a + 1) {
            let both = of_a.iter().zip(bits(b)).map(|(a, b)| (a & b).count_ones());
            let shared = both.sum::<u32>() + rare;
            let union = self.sizes[a] + self.sizes[b] - shared;
            let jaccard = f64::from(shared) / f64::from(union);
            if jaccard >= threshold {
                pairs.push((a, b, jaccard));
            }
        }
        lists().flatten().for_each(|&set| rare[set as usize] = 0);
        pairs
    }
}

/// Every five words in turn; all words where there are fewer.
fn shingles(text: &str) -> impl Iterator<Item = &str> {
    let starts = std::iter::once(0).chain(text.match_indices(' ').map(|(at, _)| at + 1));
    let ends = text.match_indices(' ').map(|(at, _)| at);
    let ends: Vec<usize> = ends.chain([text.len()]).collect();
    let first = ends.len().min(5) - 1;
    starts
        .zip(ends.into_iter().skip(first))
        .map(|(from, to)| &text[from..to])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn shingles_are_five_words() {
        let of = |text| shingles(text).collect::<Vec<_>>();
        assert_eq!(of("a b c d e f"), ["a b c d e", "b c d e f"]);
        assert_eq!(of("a b"), ["a b"]);
    }

    #[test]
    fn pairs_are_those_of_the_definition() {
        let archive = Archive::new(ArchiveSettings {
            documents: 200,
            ..SETTINGS
        });
        let text = |page| {
            let mut text = String::new();
            archive.push_text(page, &mut text);
            text
        };
        let texts: Vec<String> = (0..200).map(text).collect();
        let sets: Vec<HashSet<&str>> = texts.iter().map(|text| shingles(text).collect()).collect();
        let mut expected = Vec::new();
        for a in 0..sets.len() {
            for b in a + 1..sets.len() {
                let shared = sets[a].intersection(&sets[b]).count();
                let jaccard = shared as f64 / (sets[a].len() + sets[b].len() - shared) as f64;
                if jaccard >= THRESHOLD {
                    expected.push((a, b, jaccard));
                }
            }
        }
        assert!(expected.len() > 10, "{}", expected.len());
        for most in [0, 3, 150, 200] {
            assert_eq!(Sets::new(&texts, most).pairs(THRESHOLD), expected, "{most}");
        }
    }
}
