//! Any bytes as a Parquet file: documents or rejections, and no panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resemblance::Deduper;
use resemblance::corpus::{Job, OnBad, Outputs, ReadOptions, Sinks, Sources};
use resemblance_fuzz::{dir, file};

// The library of Parquet panics on some damaged files, and these panics are caught. The hook that aborts at every panic
// goes; one that is not caught still fails the run.
fuzz_target!(init: drop(std::panic::take_hook()), |bytes: &[u8]| {
    let path = file("in.parquet", bytes);
    let sources = Sources::find(&[path]).unwrap();
    let mut outputs = Outputs::new(&sources);
    let kept = dir().join("kept.parquet");
    let sinks = match outputs.stage_records(&kept) {
        Ok(kept) => Sinks::new().kept(kept),
        Err(_) => Sinks::new(),
    };
    let deduper = Deduper::new();
    let has_messages = bytes.len() % 2 == 0;
    let list = if has_messages { "messages.*.content" } else { "text" };
    let options = ReadOptions::new().on_bad(OnBad::Skip).text_field(list);
    // A page may have no more than a bound of memory allows.
    let job = Job::new(&deduper, options).memory(128 << 20);
    if let Ok(decided) = job.run(sources, &sinks, None) {
        decided.finish().unwrap();
    }
});
