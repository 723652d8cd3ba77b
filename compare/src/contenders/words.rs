//! unicode-segmentation: UAX #29 words and nothing else, neither normalized nor hashed.

use rayon::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

pub(super) fn count(texts: &[String]) -> usize {
    texts
        .par_iter()
        .map(|text| text.unicode_words().count())
        .sum()
}
