//! Each stage of a document separately, and all together; see `benches/README.md`.

mod support;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use resemblance::internals::{Buckets, Distinct};
use resemblance::stream::{Bloom, Memory, Window};
use resemblance::text::{Scratch, Shingler, mix, words};
use resemblance::verify::ShingleSet;
use resemblance::{ClusterMode, Deduper, Index, Normalization, Shingle, Sieve, SketchKind};

const MEGABYTE: usize = 1 << 20;

fn texts() -> [(&'static str, String); 3] {
    [
        ("english", support::english(MEGABYTE)),
        ("cjk", support::cjk(MEGABYTE)),
        ("mixed", support::mixed(MEGABYTE)),
    ]
}

/// Text: normalization alone, word splitting alone, and shingles of each kind with all that they need.
fn text(c: &mut Criterion) {
    let mut group = c.benchmark_group("text");
    for (name, text) in texts() {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("normalize", name), |b| {
            b.iter(|| Normalization::DEFAULT.normalize(black_box(&text)).len());
        });
        group.bench_function(BenchmarkId::new("words", name), |b| {
            b.iter(|| words(black_box(&text)).count());
        });
        for shingle in [
            Shingle::Words(5),
            Shingle::Tokens(8),
            Shingle::Chars(5),
            Shingle::Bytes(9),
        ] {
            let shingler = Shingler::new(shingle, Normalization::default(), 0).unwrap();
            let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
            group.bench_function(BenchmarkId::new(format!("shingle {shingle}"), name), |b| {
                b.iter(|| {
                    shingler.text_into(black_box(&text), &mut scratch, &mut hashes);
                    hashes.len()
                });
            });
        }
    }
    group.finish();
}

/// Sketches of ready shingle hashes, by the number of shingles.
fn sketch(c: &mut Criterion) {
    let mut group = c.benchmark_group("sketch");
    for n in [20, 100, 500, 10_000u64] {
        let hashes: Vec<u64> = (0..n).map(mix).collect();
        group.throughput(Throughput::Elements(n));
        let mut slots = vec![0; 128];
        for (name, kind) in [
            ("fast", SketchKind::FastSimilarity),
            ("classic", SketchKind::Classic),
        ] {
            let deduper = Deduper::builder().sketch(kind).build().unwrap();
            let sketcher = deduper.sketcher();
            group.bench_function(BenchmarkId::new(name, n), |b| {
                b.iter(|| {
                    sketcher.sketch_into(black_box(&hashes), &mut slots);
                    slots[0]
                });
            });
        }
    }
    group.finish();
}

/// Text to signature with the defaults, on one thread, and beside it what cannot be spared: splitting, hashing
/// and shingling.
fn signature(c: &mut Criterion) {
    let deduper = Deduper::new();
    let one = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let mut group = c.benchmark_group("signature");
    let mut measure = |name: &str, texts: &[String]| {
        let bytes = texts.iter().map(|text| text.len() as u64).sum();
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(BenchmarkId::new("shingles alone", name), |b| {
            let shingler = deduper.sketcher().shingler();
            let (mut scratch, mut hashes) = (Scratch::default(), Vec::new());
            b.iter(|| {
                for text in texts {
                    shingler.text_into(black_box(text), &mut scratch, &mut hashes);
                }
                hashes.len()
            });
        });
        group.bench_function(BenchmarkId::new("signature", name), |b| {
            b.iter(|| one.install(|| deduper.signatures(black_box(texts)).len()));
        });
    };
    for (name, text) in texts() {
        let letters: Vec<char> = text.chars().collect();
        let documents: Vec<String> = letters
            .chunks(2000)
            .map(|part| part.iter().collect())
            .collect();
        measure(name, &documents);
    }
    for name in ["scotus_oral", "ja_aozora", "zh_poetry", "psdocs_versions"] {
        match support::real(name) {
            Some(texts) => measure(name, &texts),
            None => eprintln!("{name} is not there: skipped"),
        }
    }
    group.finish();
}

/// Candidates from ready signatures; verification of ready sets; the whole, from texts to clusters.
fn batch(c: &mut Criterion) {
    let texts = support::collection(20_000, 100.0, 15);
    let deduper = Deduper::new();
    let matrix = deduper.signatures(&texts);
    let mut group = c.benchmark_group("batch of 20,000 documents");
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("collapse", |b| {
        b.iter(|| Distinct::new(&matrix, |(): &mut (), document| document as u128).len());
    });
    let distinct = Distinct::new(&matrix, |(): &mut (), document| document as u128);
    group.bench_function("candidates", |b| {
        b.iter(|| Buckets::new(&matrix, &distinct, deduper.banding()).len());
    });
    group.bench_function("pairs", |b| {
        b.iter(|| deduper.pairs(black_box(&texts)).len());
    });
    for mode in [ClusterMode::Components, ClusterMode::Leader] {
        let deduper = Deduper::builder().cluster_mode(mode).build().unwrap();
        group.bench_function(format!("clusters, {mode:?}"), |b| {
            b.iter(|| deduper.clusters(black_box(&texts)).len());
        });
    }
    group.finish();

    let mut group = c.benchmark_group("verify");
    for n in [100u64, 1000, 10_000] {
        let set = |from: u64| ShingleSet::from_hashes((from..from + n).map(mix).collect());
        let (left, near, far) = (set(0), set(n / 20), set(n / 2));
        group.throughput(Throughput::Elements(2 * n));
        group.bench_function(BenchmarkId::new("similar", n), |b| {
            b.iter(|| black_box(&left).similarity_at_least(&near, 0.8).is_some());
        });
        group.bench_function(BenchmarkId::new("dissimilar", n), |b| {
            b.iter(|| black_box(&left).similarity_at_least(&far, 0.8).is_some());
        });
    }
    group.finish();
}

/// The index: documents of about 100 words, 10,000 of them in it.
fn index(c: &mut Criterion) {
    let texts = support::collection(10_000, 100.0, 15);
    let deduper = Deduper::new();
    let mut index = deduper.index();
    for (i, text) in texts.iter().enumerate() {
        index.insert(i, text).unwrap();
    }
    let mut group = c.benchmark_group("index");
    let mut next = 0;
    group.bench_function("query", |b| {
        b.iter(|| {
            next = (next + 1) % texts.len();
            index.query(&texts[next]).len()
        });
    });
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("index");
    index.save(&place).unwrap();
    group.bench_function("open", |b| {
        b.iter(|| Index::<usize>::open(&place).unwrap().len());
    });
    let opened: Index<usize> = Index::open(&place).unwrap();
    group.bench_function("query, opened", |b| {
        b.iter(|| {
            next = (next + 1) % texts.len();
            opened.query(&texts[next]).len()
        });
    });
    group.bench_function("remove and insert", |b| {
        b.iter(|| {
            next = (next + 1) % texts.len();
            index.remove(&next);
            index.insert(next, &texts[next]).unwrap();
        });
    });
    group.finish();
}

/// Sieves: 20,000 documents of about 100 words, one after the other through an empty one, and beside it the
/// signatures alone; then in batches, sketched on all threads.
fn stream(c: &mut Criterion) {
    let texts = support::collection(20_000, 100.0, 15);
    let deduper = Deduper::new();
    let mut group = c.benchmark_group("stream of 20,000 documents");
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("signatures alone", |b| {
        let signature = |text| deduper.signature(text).is_empty();
        b.iter(|| texts.iter().filter(|text| signature(*text)).count());
    });
    let memories: [(&str, Memory); 4] = [
        ("window of all", Window::all().into()),
        ("window of 5,000", Window::last(5_000).into()),
        (
            "window of all, estimates",
            Window::all().estimates(true).into(),
        ),
        ("bloom", Bloom::new(20_000, 0.001).into()),
    ];
    for (name, memory) in memories {
        let sieve = || deduper.sieve(memory).unwrap();
        group.bench_function(name, |b| {
            let pass = |mut sieve: Sieve| {
                for text in &texts {
                    black_box(sieve.admit(text));
                }
                sieve
            };
            b.iter_batched(sieve, pass, BatchSize::PerIteration);
        });
        group.bench_function(format!("{name}, in batches"), |b| {
            let pass = |mut sieve: Sieve| {
                let verdicts = sieve.verdicts(&texts, |text| *text);
                black_box(verdicts.in_batches(1024).count());
                sieve
            };
            b.iter_batched(sieve, pass, BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = text, sketch, signature, batch, index, stream
}
criterion_main!(benches);
