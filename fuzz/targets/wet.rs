//! WARC records are read as they were written, up to the first that is damaged, in memory and within a bound alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resemblance::corpus::{Corpus, OnBad, ReadOptions};
use resemblance::text::{Content, Document, ReadBuffer};
use resemblance_fuzz::{file, is_the_same_within_a_bound};

fuzz_target!(|input: (Vec<(bool, String)>, Vec<u8>)| {
    let (records, rest) = input;
    let mut bytes = Vec::new();
    for (at, (is_page, text)) in records.iter().enumerate() {
        let of = if *is_page { "conversion" } else { "metadata" };
        let header = format!("WARC/1.0\r\nWARC-Type: {of}\r\nWARC-Target-URI: u:{at}\r\n");
        let block = format!("Content-Length: {}\r\n\r\n{text}\r\n\r\n", text.len());
        bytes.extend_from_slice((header + &block).as_bytes());
    }
    bytes.extend_from_slice(&rest);
    let path = file("in.wet", &bytes);
    let options = ReadOptions::new().on_bad(OnBad::Skip);
    let corpus = Corpus::read(&[&path], &options).unwrap();

    let stated = records.iter().enumerate().filter(|(_, (is_page, _))| *is_page);
    let mut found = corpus.documents().iter().zip(corpus.ids());
    let mut buffer = ReadBuffer::default();
    for (at, (_, text)) in stated {
        let (document, id) = found.next().unwrap();
        assert_eq!(document.content(&mut buffer).unwrap(), Content::Text(text));
        assert_eq!(*id, format!("u:{at}"));
    }
    if rest.is_empty() {
        assert!(found.next().is_none() && corpus.rejections().is_empty());
    }

    if bytes.last().is_some_and(|byte| byte % 8 == 2) {
        is_the_same_within_a_bound(&path, &options);
    }
});
