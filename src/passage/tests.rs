use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::text::words;

fn finder(min_words: usize, max_gap: usize) -> PassageFinder {
    let finder = PassageFinder::new(Normalization::DEFAULT, Shingle::default());
    let finder = finder.with_min_words(min_words).unwrap();
    finder.with_max_gap(max_gap).unwrap()
}

/// The normalized words of a text.
fn words_of(text: &str) -> Vec<String> {
    let normalized = Normalization::DEFAULT.normalize(text);
    words(&normalized).map(str::to_owned).collect()
}

/// For each word of `near`, the longest run from there that `far` has, by comparing all places of both.
fn longest_by_comparing(near: &[String], far: &[String]) -> Vec<usize> {
    let longest = |at: usize| {
        let common = |place: usize| {
            let both = near[at..].iter().zip(&far[place..]);
            both.take_while(|(one, two)| one == two).count()
        };
        (0..far.len()).map(common).max().unwrap_or(0)
    };
    (0..near.len()).map(longest).collect()
}

/// All runs of `near` of at least `least` words that `far` has, and that no longer one contains.
fn runs_by_comparing(near: &[String], far: &[String], least: usize) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (start, words) in longest_by_comparing(near, far).into_iter().enumerate() {
        let end = start + words;
        if words >= least && runs.last().is_none_or(|last| last.end < end) {
            runs.push(start..end);
        }
    }
    runs
}

/// The fewest of these runs that cover what all cover, by trying how far each reaches.
fn fewest(runs: &[Range<usize>]) -> usize {
    let covered: BTreeSet<usize> = runs.iter().cloned().flatten().collect();
    let (mut many, mut rest) = (0, covered);
    while let Some(&first) = rest.first() {
        let around = runs.iter().filter(|run| run.contains(&first));
        let furthest = around.max_by_key(|run| run.end).unwrap();
        rest.retain(|&word| word >= furthest.end);
        many += 1;
    }
    many
}

/// Which words of a text some of these ranges of bytes contain.
fn within<'r>(text: &str, ranges: impl Iterator<Item = &'r Range<usize>>) -> BTreeSet<usize> {
    let located = Located::new(text, Normalization::DEFAULT, Shingle::default());
    let inside = |range: &Range<usize>| {
        let (range, located) = (range.clone(), &located);
        (0..located.len()).filter(move |&word| {
            located.start(word) >= range.start && located.end(word) <= range.end
        })
    };
    ranges.flat_map(inside).collect()
}

/// What is true of the passages of all texts.
fn check(a: &str, b: &str, finder: PassageFinder) {
    let passages = finder.find(a, b);
    let says = || format!("{a:?} {b:?} {finder:?}");
    for passage in &passages {
        let Passage {
            a: in_a,
            b: in_b,
            words,
            runs,
        } = passage;
        assert!(*words >= finder.min_words, "{}", says());
        assert_eq!(*words, runs.iter().map(|run| run.words).sum::<usize>());
        assert_eq!((in_a.start, in_b.start), (runs[0].a.start, runs[0].b.start));
        let last = runs.last().unwrap();
        assert_eq!((in_a.end, in_b.end), (last.a.end, last.b.end));
        for run in runs {
            let (one, two) = (words_of(&a[run.a.clone()]), words_of(&b[run.b.clone()]));
            assert_eq!(one, two, "{}", says());
            assert_eq!(one.len(), run.words);
        }
        for pair in runs.windows(2) {
            let gaps = [
                words_of(&a[pair[0].a.end..pair[1].a.start]).len(),
                words_of(&b[pair[0].b.end..pair[1].b.start]).len(),
            ];
            assert!(gaps.iter().all(|&gap| gap <= finder.max_gap), "{}", says());
        }
    }
    assert!(
        passages
            .as_slice()
            .is_sorted_by_key(|passage| passage.a.start)
    );
    let rest_and_shared = [
        (
            a,
            passages.words_a(),
            passages.share_a(),
            passages.only_in_a(),
        ),
        (
            b,
            passages.words_b(),
            passages.share_b(),
            passages.only_in_b(),
        ),
    ];
    for (text, words, share, rest) in rest_and_shared {
        assert_eq!(words, words_of(text).len());
        let others = within(text, rest.iter()).len();
        assert_eq!(share, super::share(words - others, words), "{}", says());
    }
    let _ = passages.to_string();
}

/// Without gaps, passages are the runs that a comparison of all places finds.
fn check_verbatim(a: &str, b: &str, least: usize) {
    let passages = finder(least, 0).find(a, b);
    let (words_a, words_b) = (words_of(a), words_of(b));
    let runs_a = runs_by_comparing(&words_a, &words_b, least);
    let runs_b = runs_by_comparing(&words_b, &words_a, least);
    let all = |runs: &[Range<usize>]| runs.iter().cloned().flatten().collect::<BTreeSet<_>>();
    assert_eq!(
        within(a, passages.iter().map(|passage| &passage.a)),
        all(&runs_a),
        "{a:?} {b:?}"
    );
    assert_eq!(
        within(b, passages.iter().map(|passage| &passage.b)),
        all(&runs_b),
        "{a:?} {b:?}"
    );
    let mut found = std::collections::HashSet::new();
    for passage in &passages {
        assert!(passage.is_verbatim());
        // One of the runs of one of the texts.
        let is_run = |text: &str, range: &Range<usize>, runs: &[Range<usize>]| {
            let inside: Vec<_> = within(text, [range].into_iter()).into_iter().collect();
            runs.contains(&(inside[0]..inside[inside.len() - 1] + 1))
        };
        assert!(
            is_run(a, &passage.a, &runs_a) || is_run(b, &passage.b, &runs_b),
            "{a:?} {b:?}"
        );
        assert!(
            found.insert((passage.a.clone(), passage.b.clone())),
            "{a:?} {b:?}"
        );
    }
    assert!(
        passages.len() <= fewest(&runs_a) + fewest(&runs_b),
        "{a:?} {b:?}"
    );
    assert!(
        passages.len() >= fewest(&runs_a).max(fewest(&runs_b)),
        "{a:?} {b:?}"
    );
}

/// Two texts of few words: parts of one are copied into the other, in another order, and words are changed.
fn copied() -> impl Strategy<Value = (String, String)> {
    let text = |words: usize| prop::collection::vec(0..words, 0..120);
    (
        text(300),
        text(40),
        prop::collection::vec((0..100usize, 0..40usize, 0..100usize), 0..5),
        any::<u64>(),
    )
        .prop_map(|(a, mut b, copies, changes)| {
            for (from, words, to) in copies {
                let (from, to) = (from.min(a.len()), to.min(b.len()));
                let copied = a[from..a.len().min(from + words)].to_vec();
                b.splice(to..to, copied);
            }
            for (at, word) in b.iter_mut().enumerate() {
                if (changes >> (at % 64)).is_multiple_of(8) {
                    *word += 1;
                }
            }
            let written = |words: Vec<usize>| {
                let words = words.into_iter().map(|word| format!("w{word}"));
                words.collect::<Vec<_>>().join(" ")
            };
            (written(a), written(b))
        })
}

/// Two texts with the same parts in other places, of many scripts and with much repetition.
fn of_scripts() -> impl Strategy<Value = (String, String)> {
    let part = prop::sample::select(vec![
        "ha ha ha ha",
        "The ferry",
        "tHe FERRY",
        "fährt über",
        "fa\u{308}hrt u\u{308}ber",
        "東京都の船",
        "ｆerry ５㎏",
        "5kg 6㎏㏂",
        "㍿",
        "株式会社",
        "会社",
        "שלום עולם",
        "مرحبا بالعالم",
        "Привет, мир",
        "ไทยภาษา",
        "한국어 문장",
        "l’été",
        "L'été",
        "नमस्ते दुनिया",
        "👩\u{200D}👩\u{200D}👧 🇩🇪",
        "1,5 3.5",
        "a\u{AD}b ab",
        "— (…) —",
        "x",
        "ﬁn fin",
    ]);
    let text = prop::collection::vec(
        (part, prop::sample::select(vec![" ", "\n", ", ", "", ". "])),
        0..25,
    );
    let written = |parts: Vec<(&str, &str)>| {
        parts
            .into_iter()
            .flat_map(|(part, end)| [part, end])
            .collect::<String>()
    };
    (text.clone().prop_map(written), text.prop_map(written))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn as_a_comparison_of_all_places_finds((a, b) in copied(), least in 1..8usize) {
        check_verbatim(&a, &b, least);
    }

    #[test]
    fn of_all_texts((a, b) in prop_oneof![copied(), of_scripts()], least in 1..8usize, gap in 0..5usize) {
        check(&a, &b, finder(least, gap));
        check(&a, &a, finder(least, gap));
    }
}

#[test]
fn repetition_gives_few_passages() {
    let (a, b) = ("ha ".repeat(2000), "ha ".repeat(1001));
    let passages = finder(8, 3).find(&a, &b);
    assert_eq!((passages.share_a(), passages.share_b()), (1.0, 1.0));
    assert_eq!(passages.len(), 2);
    let (a, b) = (
        "one two three ".repeat(700),
        "three one two ".repeat(700) + &"two one ".repeat(300),
    );
    assert_eq!(finder(8, 3).find(&a, &b).len(), 2);
    // A chorus between verses that differ.
    let chorus = "row the boat home before the evening comes";
    let song = |name: &str| {
        let verse = |verse| format!("{name}{verse} {name} {verse}{name} . {name} {chorus}");
        (0..50).map(verse).collect::<Vec<_>>().join("\n")
    };
    let (a, b) = (song("a"), song("b"));
    let passages = finder(8, 3).find(&a, &b);
    assert_eq!(passages.len(), 50);
    for passage in &passages {
        // Each chorus with the same one of the other song.
        assert_eq!(passage.a, passage.b);
    }
}

#[test]
fn moved_blocks_are_found() {
    let [one, two] = [
        "the ferry crosses the lake nine times on every day",
        "a goat in the town hall has eaten two books",
    ];
    let (a, b) = (format!("{one}. {two}."), format!("{two}! {one}!"));
    let passages = finder(8, 3).find(&a, &b);
    let found: Vec<_> = passages
        .iter()
        .map(|passage| (&a[passage.a.clone()], &b[passage.b.clone()]))
        .collect();
    assert_eq!(found, [(one, one), (two, two)]);
}

#[test]
fn gaps_are_bridged_as_far_as_asked() {
    let a = "one two three four five six seven eight nine ten eleven twelve";
    for (b, max_gap, words, runs) in [
        (
            "one two three four five six SEVEN! x nine ten eleven twelve",
            1,
            11,
            2,
        ),
        (
            "one two three four five six seven nine ten eleven twelve",
            1,
            11,
            2,
        ),
        (
            "one two three four five six seven x eight nine ten eleven twelve",
            1,
            12,
            2,
        ),
        (
            "one two three four five six x y nine ten eleven twelve",
            2,
            10,
            2,
        ),
        (
            "one two three four five six x y nine ten eleven twelve",
            1,
            6,
            1,
        ),
        (
            "one two three four five six x y z u nine ten eleven twelve",
            3,
            6,
            1,
        ),
        // No more words match behind the gap than it has.
        ("one two three four five six x y nine ten", 3, 6, 1),
        ("x two y four five six seven eight nine z eleven u", 1, 6, 1),
        (
            "one two x four five six seven eight nine z eleven twelve",
            1,
            10,
            3,
        ),
    ] {
        let passages = finder(6, max_gap).find(a, b);
        let passage = passages.iter().next().unwrap();
        assert_eq!(
            (passage.words, passage.runs.len(), passages.len()),
            (words, runs, 1),
            "{b}"
        );
    }
}

#[test]
fn nothing_and_little() {
    for (a, b) in [("", ""), ("", "a b c"), ("a", "a"), ("?!", "…")] {
        assert!(finder(2, 3).find(a, b).is_empty());
        check(a, b, finder(1, 3));
    }
    assert_eq!(finder(1, 0).find("one", "x ONE").as_slice()[0].b, 2..5);
    let none = finder(8, 0).find("a b", "");
    assert_eq!((none.share_a(), none.share_b()), (0.0, 0.0));
    assert_eq!(none.only_in_a()[0], 0..3);
}

#[test]
fn settings_out_of_range() {
    let finder = PassageFinder::new(Normalization::DEFAULT, Shingle::default());
    let error = finder.with_min_words(0).unwrap_err().to_string();
    assert!(error.contains("0 words"), "{error}");
    let error = finder.with_max_gap(101).unwrap_err().to_string();
    assert!(
        error.contains("101 words") && error.contains("100"),
        "{error}"
    );
}

#[test]
fn side_by_side() {
    let a = "The ferry goes back into service on Monday, nine years after\nits last crossing \x1b[2J of the lake.";
    let b = "News: the ferry goes back into service on Tuesday, nine\nyears after its last crossing, 2J of the lake. 渡し船";
    let expected = "\
1 passage: 17 of 18 words of the first text (94.4%), 17 of 22 words of the second (77.3%)

1. 17 words, 1 gap
   bytes 0 to 95                         | bytes 6 to 101
   The ferry goes back into service on   | the ferry goes back into service on
   [Monday,] nine years after its last   | [Tuesday,] nine years after its last
   crossing \u{FFFD}[2J of the lake             | crossing, 2J of the lake
";
    assert_eq!(finder(8, 3).find(a, b).to_string(), expected);
    // Wide characters, and more lines than are shown.
    let a = "渡し船は九年ぶりに湖を渡る。".repeat(20);
    let shown = finder(12, 0).find(&a, &a).to_string();
    assert_eq!(shown.lines().count(), 4 + 6 + 1 + 4, "{shown}");
    for line in shown
        .lines()
        .skip(3)
        .filter(|line| !line.contains("more lines"))
    {
        let (left, right) = line.split_once(" | ").unwrap();
        assert_eq!(unicode_width::UnicodeWidthStr::width(left), 40, "{line}");
        assert!(unicode_width::UnicodeWidthStr::width(right) <= 37, "{line}");
    }
}
