//! Gzip and Zstandard: what other decoders read whole is read alike, and what they refuse is refused.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use resemblance::corpus::{Corpus, OnBad, ReadOptions};
use resemblance_fuzz::file;

/// Bytes that are decompressed, at most.
const MOST: u64 = 1 << 22;

fuzz_target!(|bytes: &[u8]| {
    let mut text = Vec::new();
    let (path, read) = match bytes.first() {
        Some(0x28) => {
            let Ok(decoder) = zstd::stream::read::Decoder::new(bytes) else {
                return;
            };
            let read = decoder.take(MOST).read_to_end(&mut text);
            (file("in.jsonl.zst", bytes), read)
        }
        _ => {
            let decoder = flate2::read::MultiGzDecoder::new(bytes);
            let read = decoder.take(MOST).read_to_end(&mut text);
            (file("in.jsonl.gz", bytes), read)
        }
    };
    if text.len() as u64 == MOST {
        return; // a bomb: `tests/program/bounds.rs` has those
    }
    let options = ReadOptions::new().on_bad(OnBad::Skip);
    let of = |path| Corpus::read(&[path], &options).unwrap();
    let (packed, plain) = (of(path), of(file("plain.jsonl", &text)));
    let is_failed = packed.rejections().iter().any(|rejection| rejection.ends_file);
    match read {
        Ok(_) if !is_failed => {
            assert_eq!(packed.documents().len(), plain.documents().len());
            assert_eq!(packed.rejections().len(), plain.rejections().len());
        }
        // A window that others allow, or a file without a byte.
        Ok(_) => assert!(bytes.is_empty() || bytes[0] == 0x28),
        // Zeros behind the last member are padding.
        Err(_) => assert!(is_failed || bytes.ends_with(&[0])),
    }
});
