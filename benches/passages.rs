//! The passages of two texts, beside a diff of their words (`similar`, Myers) and a suffix automaton (`general-sam`).
//!
//! The diff finds no moved blocks, and the automaton only the length of the longest run at each word of one text; both
//! are given the words as numbers. Prints milliseconds, and how much longer ten times the words take.
//! `cargo bench --bench passages`

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use general_sam::{GeneralSam, HashTransTable};
use resemblance::{Deduper, Normalization, text};
use similar::{Algorithm, capture_diff_slices};

mod support;

use support::synthetic::Random;

/// A diff that would take longer is not made.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() {
    // `cargo test --benches` runs this too: then a little is enough.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    let sizes = if quick {
        vec![200]
    } else {
        vec![2_000, 20_000, 200_000]
    };
    println!("kind        words   passages ms   diff ms  automaton ms  found  share of b");
    for (kind, make) in KINDS {
        let mut before: Option<f64> = None;
        let mut diff = Some(0.0);
        for &words in &sizes {
            let (a, b) = make(words);
            let deduper = Deduper::new();
            let passages = deduper.passages(&a, &b);
            let own = best(|| deduper.passages(&a, &b).len());
            let [one, two] = numbers([&a, &b]);
            diff = diff.filter(|&last| last * 100.0 < PATIENCE.as_secs_f64());
            if diff.is_some() {
                diff = Some(best(|| {
                    capture_diff_slices(Algorithm::Myers, &one, &two).len()
                }));
            }
            let automaton = best(|| longest(&one, &two));
            let growth = before.map_or(String::new(), |before| format!("  x{:.1}", own / before));
            let diff_ms = diff.map_or("-".to_owned(), |diff| format!("{:.2}", 1e3 * diff));
            println!(
                "{kind:9} {words:7} {:12.2} {diff_ms:>10} {:12.2} {:7} {:10.3}{growth}",
                1e3 * own,
                1e3 * automaton,
                passages.len(),
                passages.share_b(),
            );
            before = Some(own);
        }
    }
}

type Make = fn(usize) -> (String, String);

const KINDS: [(&str, Make); 5] = [
    ("edited", |words| {
        let a = vocabulary(words, 1);
        let mut random = Random(2);
        let b = a.iter().map(|word| match random.below(20) {
            0 => format!("x{}", random.below(5000)),
            _ => word.clone(),
        });
        (a.join(" "), b.collect::<Vec<_>>().join(" "))
    }),
    ("moved", |words| {
        let a = vocabulary(words, 3);
        let mut blocks: Vec<_> = a.chunks(100).collect();
        blocks.reverse();
        (a.join(" "), blocks.concat().join(" "))
    }),
    ("unrelated", |words| {
        (
            vocabulary(words, 4).join(" "),
            vocabulary(words, 5).join(" "),
        )
    }),
    ("one in", |words| {
        // 60 words of a document in another.
        let (a, mut b) = (vocabulary(words, 6), vocabulary(words, 7));
        let at = words / 2;
        b.splice(at..at, a[at..at + 60].iter().cloned());
        (a.join(" "), b.join(" "))
    }),
    ("ha ha", |words| {
        (
            "ha ".repeat(words),
            "ha ".repeat(words / 2) + &"ho ha ha ".repeat(words / 6),
        )
    }),
];

/// Words as frequent as words are: the n-th as often as 1 / n.
fn vocabulary(words: usize, seed: u64) -> Vec<String> {
    let mut random = Random(seed);
    let word = |_| format!("w{}", (5000f64.powf(random.share())) as usize);
    (0..words).map(word).collect()
}

/// The words of two texts as numbers, the same for the same word.
fn numbers(texts: [&str; 2]) -> [Vec<u32>; 2] {
    let mut known = HashMap::new();
    texts.map(|text| {
        let normalized = Normalization::DEFAULT.normalize(text);
        let number = |word: &str| {
            let next = known.len() as u32;
            *known.entry(word.to_owned()).or_insert(next)
        };
        text::words(&normalized).map(number).collect()
    })
}

/// The sum of the lengths of the longest runs that end at each word of `a` and that `b` has.
fn longest(a: &[u32], b: &[u32]) -> usize {
    let automaton = GeneralSam::<HashTransTable<u32>>::from_utf32(b);
    let (mut state, mut length, mut sum) = (automaton.get_root_state(), 0, 0);
    for word in a {
        loop {
            if let Some(next) = state.get_non_nil_trans(word) {
                (state, length) = (next, length + 1);
                break;
            }
            if state.is_root() {
                length = 0;
                break;
            }
            state.goto_suffix_parent();
            length = state
                .get_node()
                .map_or(0, general_sam::GeneralSamNode::max_suffix_len);
        }
        sum += length;
    }
    sum
}

/// The least of three times, in seconds: what is longer was disturbed.
fn best<T>(mut run: impl FnMut() -> T) -> f64 {
    let time = |_| {
        let start = Instant::now();
        black_box(run());
        start.elapsed().as_secs_f64()
    };
    (0..3).map(time).fold(f64::INFINITY, f64::min)
}
