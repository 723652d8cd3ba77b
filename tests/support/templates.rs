//! Collections with boilerplate: small random ones, and large ones of one form with planted copies.

use super::Random;

/// A small random collection of pages that share boilerplate.
///
/// Pages of several sites carry the chrome of their site, what all sites share, a few of the headlines of the day and words
/// of their own. Some have a damaged chrome, some are one word long, some are empty. Others are earlier pages again, exactly
/// or with a few words lost or new. All words are ASCII letters and digits, so that `Shingle::Words(1)` sees each as one
/// shingle. Of one seed, fewer documents are the first of more.
pub fn pages(seed: u64, documents: usize) -> Vec<String> {
    let mut maker = Maker::new(seed);
    let mut pages: Vec<Vec<String>> = Vec::new();
    for _ in 0..documents {
        let page = maker.page(&pages);
        pages.push(page);
    }
    pages.into_iter().map(|words| words.join(" ")).collect()
}

struct Maker {
    random: Random,
    /// Words made so far; the next is unlike all of them.
    made: usize,
    sites: Vec<Vec<String>>,
    shared: Vec<String>,
    headlines: Vec<Vec<String>>,
    /// Headlines of a page.
    drawn: usize,
    /// Most words of a page's own.
    own: usize,
    /// One in so many chromes is damaged.
    damage: usize,
    /// One in so many pages is an earlier one again.
    again: usize,
    /// One in so many of these is a copy of the first page.
    favourite: usize,
}

impl Maker {
    fn new(seed: u64) -> Self {
        let mut maker = Self {
            random: Random(seed),
            made: 0,
            sites: Vec::new(),
            shared: Vec::new(),
            headlines: Vec::new(),
            drawn: 0,
            own: 0,
            damage: 0,
            again: 0,
            favourite: 0,
        };
        for _ in 0..maker.one_of(&[1, 1, 2, 3, 5]) {
            let chrome = maker.one_of(&[0, 2, 5, 12, 25, 40]);
            let chrome = maker.fresh(chrome);
            maker.sites.push(chrome);
        }
        let shared = maker.one_of(&[0, 0, 4, 10]);
        maker.shared = maker.fresh(shared);
        for _ in 0..maker.random.below(16) {
            let words = 1 + maker.random.below(7);
            let headline = maker.fresh(words);
            maker.headlines.push(headline);
        }
        maker.drawn = maker.random.below(7).min(maker.headlines.len());
        maker.own = maker.one_of(&[0, 1, 2, 4, 8, 20]);
        maker.damage = maker.one_of(&[4, 15, 500]);
        maker.again = maker.one_of(&[2, 4, 8, 50]);
        maker.favourite = maker.one_of(&[2, 10, 1000]);
        maker
    }

    fn one_of(&mut self, choices: &[usize]) -> usize {
        choices[self.random.below(choices.len())]
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.random.below(n) == 0
    }

    /// Words that no other page has yet.
    fn fresh(&mut self, words: usize) -> Vec<String> {
        let first = self.made;
        self.made += words;
        (first..self.made).map(|word| format!("w{word}")).collect()
    }

    fn page(&mut self, before: &[Vec<String>]) -> Vec<String> {
        if !before.is_empty() && self.one_in(self.again) {
            let original = match self.one_in(self.favourite) {
                true => 0,
                false => self.random.below(before.len()),
            };
            return self.copy(&before[original]);
        }
        match self.random.below(25) {
            0 => self.fresh(1),
            1 => vec![self.pooled()],
            _ => self.article(),
        }
    }

    /// One of the few words that come in any page.
    fn pooled(&mut self) -> String {
        format!("p{}", self.random.below(24))
    }

    fn article(&mut self) -> Vec<String> {
        let site = self.random.below(self.sites.len());
        let mut chrome = self.sites[site].clone();
        if self.one_in(self.damage) {
            for _ in 0..=self.random.below(4) {
                self.damage(&mut chrome);
            }
        }
        let footer = chrome.split_off(chrome.len() / 2);
        let own = self.random.below(self.own + 1);
        let mut words = [chrome, self.shared.clone(), self.fresh(own)].concat();
        for _ in 0..self.random.below(4) {
            words.push(self.pooled());
        }
        let mut left: Vec<usize> = (0..self.headlines.len()).collect();
        for _ in 0..self.drawn {
            let headline = left.swap_remove(self.random.below(left.len()));
            words.extend_from_slice(&self.headlines[headline]);
        }
        words.extend(footer);
        words
    }

    /// The same page, exactly, with a word repeated, or with up to three changes.
    fn copy(&mut self, original: &[String]) -> Vec<String> {
        let mut words = original.to_vec();
        match self.random.below(4) {
            0 => {}
            1 => words.extend(original.first().cloned()),
            _ => (0..=self.random.below(3)).for_each(|_| self.damage(&mut words)),
        }
        words
    }

    /// A word is lost, is new, or is another.
    fn damage(&mut self, words: &mut Vec<String>) {
        let kind = self.random.below(3);
        let place = self.random.below(words.len() + 1);
        if kind != 0 {
            let word = self.fresh(1);
            words.splice(place..place, word);
        }
        if kind != 1 && !words.is_empty() {
            words.remove(self.random.below(words.len()));
        }
    }
}

/// Texts of one form: words that all share, and words of their own. The first ones have a copy each, behind all texts,
/// which differs in its last words.
///
/// By five words at a threshold of 0.8, each copy is similar to its original and no other two texts are similar, however
/// close they come.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    pub texts: usize,
    pub shared: usize,
    pub own: usize,
    pub copies: usize,
    /// Words of its own in which a copy differs.
    pub changed: usize,
}

/// All texts are 0.778 alike, and copies 0.806.
pub const SHORT_FORM: Form = Form {
    texts: 2000,
    shared: 53,
    own: 7,
    copies: 1000,
    changed: 6,
};

/// All texts are 0.779 alike, and copies 0.817.
pub const LONG_FORM: Form = Form {
    texts: 6000,
    shared: 230,
    own: 32,
    copies: 500,
    changed: 26,
};

impl Form {
    /// The texts, and then the copies: copy `i` of text `i` is document `self.texts + i`.
    pub fn documents(&self) -> Vec<String> {
        let form: Vec<String> = (0..self.shared).map(|word| format!("b{word}")).collect();
        let form = form.join(" ");
        let text = |words: Vec<String>| format!("{form} {}", words.join(" "));
        let own = |document: usize| {
            let word = move |word: usize| format!("y{document}x{word}");
            (0..self.own).map(word)
        };
        let same = self.own - self.changed;
        let copy = |document: usize| {
            let other = (same..self.own).map(|word| format!("z{document}x{word}"));
            text(own(document).take(same).chain(other).collect())
        };
        let texts = (0..self.texts).map(|document| text(own(document).collect()));
        texts.chain((0..self.copies).map(copy)).collect()
    }

    /// The original of a document that is a copy.
    pub fn original(&self, document: usize) -> Option<usize> {
        document.checked_sub(self.texts)
    }
}
