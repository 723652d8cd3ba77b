//! Passages of whole texts.

use std::fs;

use resemblance::Deduper;

fn article(name: &str) -> String {
    let articles = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/articles");
    fs::read_to_string(format!("{articles}/{name}.txt")).unwrap()
}

#[test]
fn what_a_website_adds_is_left() {
    let (article, page) = (
        article("ferry-returns"),
        article("website-copy-of-ferry-returns"),
    );
    let passages = Deduper::new().passages(&article, &page);
    let only: Vec<_> = passages
        .only_in_b()
        .iter()
        .map(|range| &page[range.clone()])
        .collect();
    assert_eq!(only.len(), 3, "{only:?}");
    assert!(
        page.starts_with(only[0]) && only[0].ends_with("07:15"),
        "{only:?}"
    );
    assert_eq!(only[1], "about 35 per cent");
    assert!(only[2].starts_with("Share this story"), "{only:?}");
    assert!(page.trim_end().ends_with(only[2]), "{only:?}");
    let only: Vec<_> = passages
        .only_in_a()
        .iter()
        .map(|range| &article[range.clone()])
        .collect();
    assert_eq!(only, ["a little over a third"]);
}

/// The words of a made-up text: as frequent as words are.
fn words(random: &mut crate::support::Random, many: usize) -> Vec<String> {
    let word = |_| {
        let rank = random.below(5000) * random.below(5000) / 5000;
        format!("w{rank}")
    };
    (0..many).map(word).collect()
}

#[test]
fn sixty_words_in_another_document_are_found_with_their_place() {
    let mut random = crate::support::Random(3);
    for changed in [0, 3, 6] {
        for _ in 0..50 {
            let (a, mut b) = (words(&mut random, 2000), words(&mut random, 1940));
            let from = random.below(1940);
            let mut copied = a[from..from + 60].to_vec();
            for _ in 0..changed {
                let at = random.below(60);
                copied[at] = format!("x{}", random.below(1000));
            }
            let to = random.below(1940);
            b.splice(to..to, copied);
            let place = |words: &[String], word: usize| {
                words[..word]
                    .iter()
                    .map(|word| word.len() + 1)
                    .sum::<usize>()
            };
            let (start, end) = (place(&b, to), place(&b, to + 60));
            let (a, b) = (a.join(" "), b.join(" "));
            let passages = Deduper::new().passages(&a, &b);
            let mut inside = passages
                .iter()
                .filter(|passage| passage.b.start < end && passage.b.end > start);
            let found: usize = inside.by_ref().map(|passage| passage.words).sum();
            assert!(
                found >= 60 - 4 * changed,
                "{changed} changed, {found} found"
            );
        }
    }
}
