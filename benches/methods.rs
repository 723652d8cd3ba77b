//! LSH, the exact join and `Auto` on the same documents, by kind of text, shingle and threshold: when is which method
//! faster? Uses one thread. `-- NAME` selects collections whose names contain it, `-- words:5` a shingle.

mod support;

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use resemblance::text::{Scratch, Shingler};
use resemblance::{Deduper, Error, Method, Normalization, Run, Shingle};

const SHINGLES: [Shingle; 5] = [
    Shingle::Words(1),
    Shingle::Words(3),
    Shingle::Words(5),
    Shingle::Chars(5),
    Shingle::Chars(9),
];
const THRESHOLDS: [f64; 7] = [0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.3];

/// What the exact join may look at here before it is given up.
const WORK: u64 = 1_000_000_000;

/// Runs that take longer are made once; of others the best of three counts.
const PATIENCE: Duration = Duration::from_millis(600);
/// Where one took longer, or was given up, lower thresholds are left out.
const LONG: f64 = 5.0;

fn main() {
    // `cargo test --benches` runs this too: then a little is enough.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    let (mut shingles, mut names) = (Vec::new(), Vec::new());
    let arguments = std::env::args().skip(1);
    for argument in arguments.filter(|argument| !argument.starts_with('-')) {
        match argument.parse() {
            Ok(shingle) => shingles.push(shingle),
            Err(_) => names.push(argument),
        }
    }
    if shingles.is_empty() {
        shingles.extend(SHINGLES);
    }
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let one = one.expect("a thread can be started");
    println!(
        "Seconds from texts to pairs; after: without shingling, exact as a multiple of lsh; auto: as a multiple of \
         the better of both.\n"
    );
    println!(
        "{:20} {:8} {:>5} {:>9} {:>9} {:>9} {:>9} {:>7} {:>6}  {:5} {:>9}",
        "documents",
        "shingle",
        "t",
        "shingling",
        "lsh",
        "exact",
        "auto",
        "after",
        "auto",
        "took",
        "pairs"
    );
    for (name, texts) in collections(quick) {
        if names.is_empty() || names.iter().any(|part| name.contains(part.as_str())) {
            one.install(|| measure(name, &texts, &shingles, quick));
        }
    }
}

fn collections(quick: bool) -> impl Iterator<Item = (&'static str, Vec<String>)> {
    let made = |name, documents, words| {
        let documents = if quick { documents / 100 } else { documents };
        (name, support::collection(documents, words, 15))
    };
    let real = |name| {
        let texts = support::real(name);
        if texts.is_none() {
            eprintln!("{name} is not there: skipped");
        }
        Some((name, texts?))
    };
    let names = [
        "scotus_oral",
        "licenses_scancode",
        "psdocs_versions",
        "ja_aozora",
        "zh_poetry",
    ];
    let real = names.into_iter().filter(move |_| !quick).filter_map(real);
    real.chain([
        made("synthetic, 300 words", 30_000, 300.0),
        made("synthetic, 70 words", 100_000, 70.0),
    ])
}

fn measure(name: &str, texts: &[String], shingles: &[Shingle], quick: bool) {
    for &shingle in shingles {
        let alone = best(|| Some(shingle_alone(shingle, texts))).map_or(f64::NAN, |(time, _)| time);
        for threshold in THRESHOLDS.into_iter().filter(|&t| !quick || t == 0.7) {
            let by = |method| best(|| pairs(method, shingle, threshold, texts));
            let (lsh, exact, auto) = (by(Method::Lsh), by(Method::Exact), by(Method::Auto));
            let time = |of: &Option<(f64, Found)>| of.as_ref().map_or(f64::NAN, |of| of.0);
            let (l, e, a) = (time(&lsh), time(&exact), time(&auto));
            let (took, found) = auto.map_or((Method::Auto, 0), |(_, found)| found);
            let after = (e - alone) / (l - alone);
            let over = a / l.min(e); // the one that is a number
            println!(
                "{name:20} {:8} {threshold:5} {alone:9.3} {l:9.3} {e:9.3} {a:9.3} {after:7.2} {over:6.2}  {:5} {found:9}",
                shingle.to_string(),
                took.to_string(),
            );
            // Not a number: given up.
            if [l, e, a]
                .into_iter()
                .any(|time| time.is_nan() || time > LONG)
            {
                break;
            }
        }
    }
}

/// The method that was taken, and the pairs that it found.
type Found = (Method, usize);

/// None where there is too much to do for the method.
fn pairs(method: Method, shingle: Shingle, threshold: f64, texts: &[String]) -> Option<Found> {
    let deduper = Deduper::builder()
        .method(method)
        .shingle(shingle)
        .threshold(threshold)
        .exact_work(WORK)
        .build()
        .expect("valid settings");
    let mut pairs = 0;
    let each = |pair| {
        black_box(pair);
        pairs += 1;
        Ok::<(), Error>(())
    };
    let patient = |_| ControlFlow::Continue(());
    let recall = deduper
        .try_pairs(texts, &Run::new().watch(&patient), each)
        .ok()?;
    Some((recall.method, pairs))
}

fn shingle_alone(shingle: Shingle, texts: &[String]) -> Found {
    let shingler = Shingler::new(shingle, Normalization::default(), 0).expect("valid");
    let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
    for text in texts {
        shingler.text_into(text, &mut scratch, &mut hashes);
        black_box(hashes.as_slice());
    }
    (Method::Auto, 0)
}

/// Seconds of the fastest run, and what it gave; a slower one was disturbed.
fn best(mut run: impl FnMut() -> Option<Found>) -> Option<(f64, Found)> {
    let mut best: Option<(f64, Found)> = None;
    for _ in 0..3 {
        let start = Instant::now();
        let found = run()?;
        let time = start.elapsed();
        if best.is_none_or(|(best, _)| time.as_secs_f64() < best) {
            best = Some((time.as_secs_f64(), found));
        }
        if time > PATIENCE {
            break;
        }
    }
    best
}
