//! Collections with boilerplate: articles in the chrome of their site, and texts of one form.
//!
//! Each document depends only on the settings and its number, so collections of any size can be written in parallel
//! without being held in memory.

use super::{LATIN, Purpose, Random, Vocabulary, random_for};

/// Documents that are made as they are asked for.
pub trait Texts: Sync {
    /// How many.
    fn documents(&self) -> u64;

    /// Appends the text of a document to `text`; returns the earlier document that it is a copy of, if any.
    fn push_text(&self, document: u64, text: &mut String) -> Option<u64>;

    /// The site of a document.
    fn site(&self, _document: u64) -> u64 {
        0
    }
}

/// What an archive is like.
#[derive(Debug, Clone, PartialEq)]
pub struct ArchiveSettings {
    /// Articles.
    pub documents: u64,
    /// Sites, which take turns. At least 1.
    pub sites: u64,
    /// Words of a site's header and footer together.
    pub chrome: usize,
    /// The median of an article's own words.
    pub body: f64,
    /// Headlines of other articles on a page.
    pub links: usize,
    /// Headlines of a site, at least as many.
    pub headlines: usize,
    /// The share of pages that are the one before of the same site, with two words of the article cut out.
    pub copies: f64,
    /// Another seed gives another archive.
    pub seed: u64,
}

impl Default for ArchiveSettings {
    fn default() -> Self {
        Self {
            documents: 10_000,
            sites: 1,
            chrome: 120,
            body: 100.0,
            links: 0,
            headlines: 0,
            copies: 0.05,
            seed: 7,
        }
    }
}

/// A newspaper's archive: a site's header, an article, a few headlines of the site's others, and the footer.
///
/// Words of chrome and headlines are drawn evenly from a vocabulary of 60,000, those of articles by Zipf's law.
#[derive(Debug)]
pub struct Archive {
    settings: ArchiveSettings,
    vocabulary: Vocabulary,
    sites: Vec<Site>,
}

#[derive(Debug)]
struct Site {
    header: String,
    footer: String,
    headlines: Vec<String>,
}

const WORDS: usize = 60_000;
/// Words of a headline.
const HEADLINE: usize = 8;
/// Fewest words of an article.
const SHORTEST: usize = 8;
/// The deviation of the logarithm of articles' lengths.
const SPREAD: f64 = 0.3;
/// Words that a copy lacks.
const CUT: usize = 2;

impl Archive {
    /// Makes the vocabulary and the sites.
    pub fn new(settings: ArchiveSettings) -> Self {
        let mut random = random_for(settings.seed, Purpose::Vocabulary, 0);
        let vocabulary = Vocabulary::new(&mut random, WORDS, &LATIN);
        let site = |site| {
            let mut random = random_for(settings.seed, Purpose::Chrome, site);
            let mut words = |number: usize| -> String {
                let word = |_| vocabulary.word(random.below(WORDS)).to_owned() + " ";
                (0..number).map(word).collect()
            };
            Site {
                header: words(settings.chrome / 2),
                footer: words(settings.chrome - settings.chrome / 2),
                headlines: (0..settings.headlines).map(|_| words(HEADLINE)).collect(),
            }
        };
        Self {
            sites: (0..settings.sites).map(site).collect(),
            vocabulary,
            settings,
        }
    }

    fn random(&self, purpose: Purpose, document: u64) -> Random {
        random_for(self.settings.seed, purpose, document)
    }

    /// The page before of the same site, where a page is a copy of that.
    fn copied_from(&self, document: u64) -> Option<u64> {
        let before = document.checked_sub(self.settings.sites)?;
        let share = self.random(Purpose::Source, document).share();
        (share < self.settings.copies).then_some(before)
    }

    /// The page that is no copy, from which a page was copied through all these copies, latest first.
    fn original(&self, document: u64) -> (u64, Vec<u64>) {
        let (mut original, mut copies) = (document, Vec::new());
        while let Some(before) = self.copied_from(original) {
            copies.push(original);
            original = before;
        }
        (original, copies)
    }

    /// The words of an article, by their ranks, cut as often as it was copied.
    fn article(&self, original: u64, copies: &[u64]) -> Vec<usize> {
        let mut random = self.random(Purpose::Words, original);
        let length = random.length(self.settings.body, SPREAD).max(SHORTEST);
        let mut words: Vec<usize> = (0..length)
            .map(|_| self.vocabulary.draw(&mut random))
            .collect();
        for &copy in copies.iter().rev() {
            if words.len() > CUT {
                let places = words.len() + 1 - CUT;
                let from = self.random(Purpose::Edits, copy).below(places);
                words.drain(from..from + CUT);
            }
        }
        words
    }

    /// Which headlines are on a page that is no copy: different ones, in any order.
    fn links(&self, document: u64) -> Vec<usize> {
        let mut random = self.random(Purpose::Links, document);
        let mut links = Vec::with_capacity(self.settings.links);
        while links.len() < self.settings.links {
            let link = random.below(self.settings.headlines);
            if !links.contains(&link) {
                links.push(link);
            }
        }
        links
    }
}

impl Texts for Archive {
    fn documents(&self) -> u64 {
        self.settings.documents
    }

    fn site(&self, document: u64) -> u64 {
        document % self.settings.sites
    }

    fn push_text(&self, document: u64, text: &mut String) -> Option<u64> {
        let site = &self.sites[self.site(document) as usize];
        text.push_str(&site.header);
        let (original, copies) = self.original(document);
        for rank in self.article(original, &copies) {
            text.extend([self.vocabulary.word(rank), " "]);
        }
        for link in self.links(original) {
            text.push_str(&site.headlines[link]);
        }
        text.push_str(&site.footer);
        text.pop(); // the space behind the last word
        self.copied_from(document)
    }
}

/// Texts of one form: words that all share, and words of their own. The first of them have a copy each, behind all texts,
/// whose last words are others.
///
/// With the defaults, by five words, texts are 0.778 alike, and copies 0.806: just below and just above a threshold of 0.8.
#[derive(Debug, Clone, PartialEq)]
pub struct Templates {
    /// Texts without the copies.
    pub texts: u64,
    /// Words that all texts share.
    pub shared: usize,
    /// Words of a text's own.
    pub own: usize,
    /// Copies, at most as many as texts.
    pub copies: u64,
    /// How many of its own words a copy changes.
    pub changed: usize,
}

impl Default for Templates {
    fn default() -> Self {
        Self {
            texts: 2_000,
            shared: 53,
            own: 7,
            copies: 1_000,
            changed: 6,
        }
    }
}

impl Texts for Templates {
    fn documents(&self) -> u64 {
        self.texts + self.copies
    }

    fn push_text(&self, document: u64, text: &mut String) -> Option<u64> {
        let original = document.checked_sub(self.texts);
        let (of, same) = match original {
            Some(original) => (original, self.own - self.changed),
            None => (document, self.own),
        };
        let shared = (0..self.shared).map(|word| format!("b{word} "));
        let own = (0..self.own).map(|word| {
            let letter = if word < same { 'y' } else { 'z' };
            format!("{letter}{of}x{word} ")
        });
        text.extend(shared.chain(own));
        text.pop(); // the space behind the last word
        original
    }
}
