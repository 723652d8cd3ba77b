//! Text that is set aside, against a slow and plain statement of the rule.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use resemblance::text::{Bytes, Document, Group, InGroup, words};
use resemblance::{Clusters, Deduper, Measure, Normalization, Run, Shingle};

type Page = InGroup<'static, String>;

fn page(group: &'static str, text: impl Into<String>) -> Page {
    let document = text.into();
    InGroup { group, document }
}

fn words_of(text: &str) -> Vec<String> {
    let text = Normalization::default().normalize(text);
    words(&text).map(str::to_owned).collect()
}

/// For each page, the words that are compared, and how many were set aside.
fn rests(pages: &[Page], k: usize) -> Vec<(Vec<String>, usize)> {
    let all: Vec<Vec<String>> = pages.iter().map(|page| words_of(&page.document)).collect();
    let mut distinct = BTreeMap::<&str, BTreeSet<BTreeSet<&[String]>>>::new();
    for (page, words) in pages.iter().zip(&all) {
        // A text with fewer words than a passage has one passage, its words.
        let passages = match words.len() {
            0 => BTreeSet::new(),
            len => words.windows(k.min(len)).collect(),
        };
        distinct.entry(page.group).or_default().insert(passages);
    }
    let rest = |(page, words): (&Page, &Vec<String>)| {
        let documents = &distinct[page.group];
        for share in [0.1, 0.2, 0.4, 0.8] {
            let least = 3.0f64.max(share * documents.len() as f64);
            let mut stays = vec![true; words.len()];
            for from in 0..(words.len() + 1).saturating_sub(k) {
                let passage = &words[from..from + k];
                let with = documents
                    .iter()
                    .filter(|document| document.contains(passage));
                if with.count() as f64 >= least {
                    stays[from..from + k].fill(false);
                }
            }
            let rest = words.iter().zip(&stays).filter(|(_, stays)| **stays);
            let rest: Vec<String> = rest.map(|(word, _)| word.clone()).collect();
            if rest.len() >= 5 && rest.len() as f64 >= 0.05 * words.len() as f64 {
                let aside = words.len() - rest.len();
                return (rest, aside);
            }
        }
        (words.clone(), 0)
    };
    pages.iter().zip(&all).map(rest).collect()
}

/// Pages of two sites with repeated and own lines, in scripts with and without spaces.
fn pages() -> impl Strategy<Value = Vec<Page>> {
    const LINES: [&str; 8] = [
        "Home | News | Sport | Weather | Podcasts",
        "Sign in, or subscribe for two euros a week!",
        "© The Gazette 2024. All rights reserved.",
        "首页 新闻 体育 天气 联系我们",
        "Don’t miss our best-loved stories: write to us",
        "ﬁrst ① ＰＡＧＥ of 3.5 km/h; a_b __ c.d",
        "tags:",
        "👩‍👩‍👧 e\u{301}a\u{308} ok 🇩🇪🇫🇷 a🇩b",
    ];
    let line = prop_oneof![
        3 => (0..LINES.len()).prop_map(|line| LINES[line].to_owned()),
        2 => "[a-c]{1,2}( [a-c]{1,2}){0,12}",
        1 => "[あ-お漢字]{0,9}",
    ];
    let separator = prop::sample::select(vec!["\n", " ", ", ", " — "]);
    let text = (prop::collection::vec(line, 0..7), separator)
        .prop_map(|(lines, separator)| lines.join(separator));
    let group = prop::sample::select(vec!["gazette", "wire"]);
    let page = (group, text).prop_map(|(group, document)| page(group, document));
    prop::collection::vec(page, 0..50)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rests_equal_the_plain_rule(pages in pages(), k in 1usize..7) {
        let deduper = Deduper::builder().set_aside_words(k).build().unwrap();
        let aside = deduper.set_aside(&pages);
        for (page, (expected, many)) in pages.iter().zip(rests(&pages, k)) {
            let rest = aside.rest(page.group.into(), &page.document);
            prop_assert_eq!(words_of(&rest.text), expected.clone(), "{}", page.document);
            let all = expected.len() + many;
            prop_assert_eq!(rest.aside, if many == 0 { 0.0 } else { many as f64 / all as f64 });
        }
    }

    #[test]
    fn clusters_are_those_of_the_rests(
        pages in pages(),
        shingle in prop::sample::select(vec![Shingle::Words(2), Shingle::Chars(4), Shingle::Bytes(6)]),
        measure in prop::sample::select(vec![Measure::Jaccard, Measure::Containment]),
    ) {
        let builder = Deduper::builder().shingle(shingle).measure(measure).threshold(0.5);
        let deduper = builder.build().unwrap();
        let aside = deduper.set_aside(&pages);
        let rests: Vec<_> = pages.iter()
            .map(|page| aside.rest(page.group.into(), &page.document))
            .collect();
        let texts: Vec<&str> = rests.iter().map(|rest| &*rest.text).collect();
        let removals = |clusters: &Clusters| clusters.removed().to_vec();
        let run = Run::new();
        let clusters = deduper.try_clusters(&pages, &run).unwrap();
        prop_assert_eq!(removals(&clusters), removals(&deduper.clusters(&texts)));
        for (document, rest) in rests.iter().enumerate() {
            prop_assert_eq!(clusters.aside(document), rest.aside);
        }
    }
}

#[test]
fn nothing_is_set_aside_without_groups() {
    let text = "the same words in every text of this collection, and more";
    let texts: Vec<String> = (0..20).map(|i| format!("{text} {i}")).collect();
    let deduper = Deduper::builder().threshold(0.5).build().unwrap();
    let clusters = deduper.clusters(&texts);
    assert_eq!(clusters.removed().len(), 19);
    assert!((0..20).all(|document| clusters.aside(document) == 0.0));
}

#[test]
fn of_a_large_group_a_sample_is_counted() {
    let pages: Vec<Page> = (0..5000)
        .map(|i| {
            let half = if i % 2 == 0 {
                "these five words are common"
            } else {
                ""
            };
            let few = if i % 100 == 0 {
                "these five words are rare"
            } else {
                ""
            };
            page(
                "site",
                format!("{half} own{i} text{i} of{i} page{i} number{i} {few}"),
            )
        })
        .collect();
    let deduper = Deduper::new();
    let aside = deduper.set_aside(&pages);
    assert_eq!((aside.groups(), aside.passages("site".into())), (1, 1));
    let mut reversed: Vec<Page> = pages.clone();
    reversed.reverse();
    let group = Group::named("site");
    for page in &pages {
        let rest = aside.rest(group, &page.document);
        assert_eq!(
            rest,
            deduper.set_aside(&reversed).rest(group, &page.document)
        );
        assert!(!rest.text.contains("common"));
        if page.document.ends_with("rare") {
            break;
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_compared_whole() {
    let pages: Vec<_> = (0..4)
        .map(|_| InGroup {
            group: "site",
            document: Bytes(b"one two three four five \xff six seven"),
        })
        .collect();
    let deduper = Deduper::builder()
        .shingle(Shingle::Bytes(4))
        .build()
        .unwrap();
    let clusters = deduper.try_clusters(&pages, &Run::new()).unwrap();
    assert_eq!((clusters.removed().len(), clusters.aside(0)), (3, 0.0));
    assert_eq!(pages[0].group(), Some(Group::named("site")));
}

#[test]
fn a_passage_has_words() {
    let error = Deduper::builder().set_aside_words(0).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "passages of 0 words cannot be set aside: choose from 1 to 65535"
    );
}
