//! Does a thread that keeps its working memory allocate anything for a document, from text to signature? Prints the
//! number of allocations, and fails with the place of the first.

mod support;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use dhat::{HeapStats, Profiler};
use resemblance::sketch::{Scheme, Sketcher};
use resemblance::text::Scratch;
use resemblance::{Deduper, Normalization, Shingle, SketchKind};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> ExitCode {
    // `cargo test --benches` runs this too: then a little is enough.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    let bytes = if quick { 1 << 16 } else { 1 << 20 };
    // Kept: a pool that ends does so in the background, and may allocate while others are measured.
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let one = one.expect("a thread can be started");
    let mut failed = false;
    println!(
        "{:8} {:>10} {:>10}  {:22} {:>10} {:>12}",
        "text", "characters", "documents", "way", "first pass", "each further"
    );
    for (name, text) in texts(bytes) {
        for characters in [200, 20_000] {
            let documents = cut(&text, characters);
            let line = format!("{name:8} {characters:10} {:10}", documents.len());
            for way in &mut ways() {
                failed |= !way.allocates_nothing(&line, &documents);
            }
            batch(&one, &line, &documents);
        }
    }
    match failed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

fn texts(bytes: usize) -> [(&'static str, String); 4] {
    [
        ("english", support::english(bytes)),
        ("cjk", support::cjk(bytes)),
        ("mixed", support::mixed(bytes)),
        ("marks", support::marks(bytes)),
    ]
}

fn cut(text: &str, characters: usize) -> Vec<String> {
    let all: Vec<char> = text.chars().collect();
    let parts = all.chunks(characters);
    parts.map(|part| part.iter().collect()).collect()
}

/// A way from text to signature, with the memory that it works in.
struct Way {
    name: String,
    sketcher: Sketcher,
    scratch: Scratch,
    hashes: Vec<u64>,
    slots: Vec<u32>,
}

/// Each kind of shingle, each sketch, and a sketch of more slots than usual.
fn ways() -> Vec<Way> {
    vec![
        Way::new(SketchKind::FastSimilarity, Shingle::Words(5), 128),
        Way::new(SketchKind::FastSimilarity, Shingle::Words(5), 1024),
        Way::new(SketchKind::FastSimilarity, Shingle::Tokens(8), 128),
        Way::new(SketchKind::FastSimilarity, Shingle::Chars(5), 128),
        Way::new(SketchKind::FastSimilarity, Shingle::Bytes(9), 128),
        Way::new(SketchKind::Classic, Shingle::Words(5), 128),
    ]
}

impl Way {
    fn new(sketch: SketchKind, shingle: Shingle, hashes: usize) -> Self {
        let scheme = Scheme::new(sketch, hashes, shingle, Normalization::default(), 0);
        let name = match sketch {
            SketchKind::Classic => "classic",
            _ => "fast",
        };
        Self {
            name: format!("{shingle}, {name} {hashes}"),
            sketcher: Sketcher::new(scheme.expect("valid")),
            scratch: Scratch::default(),
            hashes: Vec::new(),
            slots: vec![0; hashes],
        }
    }

    fn go(&mut self, documents: &[String]) {
        for text in documents {
            let shingler = self.sketcher.shingler();
            shingler.text_into(text, &mut self.scratch, &mut self.hashes);
            self.sketcher.sketch_into(&self.hashes, &mut self.slots);
            black_box(self.slots[0]);
        }
    }

    /// Goes once until all buffers have grown, and once more, which should allocate nothing.
    fn allocates_nothing(&mut self, line: &str, documents: &[String]) -> bool {
        let first = allocations(|| self.go(documents));
        let steady = allocations(|| self.go(documents));
        let each = steady as f64 / documents.len() as f64;
        println!("{line}  {:22} {first:10} {each:12.3}", self.name);
        if steady > 0 {
            print_places(|| self.go(documents));
        }
        steady == 0
    }
}

/// Many documents at once, on one thread: what a call allocates, and what each document does when there
/// are twice as many. The matrix is one allocation; buffers grow anew in each call.
fn batch(one: &rayon::ThreadPool, line: &str, documents: &[String]) {
    let deduper = Deduper::new();
    let call = |documents: &[String]| {
        allocations(|| {
            one.install(|| black_box(deduper.signatures(documents)));
        })
    };
    let twice = [documents, documents].concat();
    let (first, more) = (call(documents), call(&twice));
    let each = (more as f64 - first as f64) / documents.len() as f64;
    println!(
        "{line}  {:22} {first:10} {each:12.3}",
        "Deduper::signatures"
    );
}

/// How often `run` allocates, growing a buffer included.
fn allocations(run: impl FnOnce()) -> u64 {
    let profiler = Profiler::builder().testing().build();
    run();
    let blocks = HeapStats::get().total_blocks;
    drop(profiler);
    blocks
}

/// Runs once more, and prints the functions of this crate in which it allocates.
fn print_places(run: impl FnOnce()) {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("allocations.json");
    let profiler = Profiler::builder().trim_backtraces(Some(60));
    let profiler = profiler.file_name(&file).build();
    run();
    drop(profiler);
    for (place, blocks) in places(&file).expect("the profile just written") {
        println!("{blocks:14} times in {place}");
    }
}

/// The innermost function of this crate in each trace of a profile, and the allocations there.
fn places(file: &Path) -> io::Result<BTreeMap<String, u64>> {
    let profile: Value = serde_json::from_slice(&fs::read(file)?)?;
    let mut places = BTreeMap::new();
    for point in profile["pps"].as_array().into_iter().flatten() {
        let frames = point["fs"].as_array().into_iter().flatten();
        let names = frames.filter_map(|frame| profile["ftbl"][frame.as_u64()? as usize].as_str());
        let mut ours = names.filter(|name| name.contains("resemblance::"));
        // "0x1234: function (file:1:2)"
        let place = ours.next().and_then(|name| name.split_once(": "));
        let place = place.map_or("what is not of this crate", |(_, function)| function);
        *places.entry(place.to_owned()).or_default() += point["tbk"].as_u64().unwrap_or_default();
    }
    Ok(places)
}
