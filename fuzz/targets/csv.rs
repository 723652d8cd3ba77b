//! Rows, and texts of one column or two, are those that the crate csv reads, but for rows of another number of cells, which are rejected.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resemblance::corpus::{Corpus, OnBad, ReadOptions};
use resemblance::text::{Content, Document, ReadBuffer};
use resemblance_fuzz::file;

fuzz_target!(|bytes: &[u8]| {
    let bytes = [&b"text,n\n"[..], bytes].concat();
    let path = file("in.csv", &bytes);
    let is_both = bytes.len() % 2 == 0;
    let list = if is_both { "text,n" } else { "text" };
    let options = ReadOptions::new().on_bad(OnBad::Skip).text_field(list);
    let corpus = Corpus::read(&[&path], &options).unwrap();
    // The crate csv ends rows at any carriage return too.
    if bytes.contains(&b'\r') {
        return;
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(&*bytes);
    let mut stated = Vec::new();
    let mut others = 0;
    for row in reader.byte_records() {
        let row = row.unwrap();
        let is_text = row.iter().all(|cell| std::str::from_utf8(cell).is_ok());
        match row.len() == 2 && is_text {
            true => {
                let cells = row.iter().take(1 + usize::from(is_both));
                let cells = cells.map(|cell| std::str::from_utf8(cell).unwrap());
                let cells: Vec<&str> = cells.filter(|cell| !cell.is_empty()).collect();
                stated.push(cells.join("\n"));
            }
            false => others += 1,
        }
    }
    let mut buffer = ReadBuffer::default();
    let mut texts = Vec::new();
    for document in corpus.documents() {
        let Content::Text(text) = document.content(&mut buffer).unwrap() else {
            panic!("a cell is text");
        };
        texts.push(text.to_owned());
    }
    // The crate csv closes a quote that is open at the end of the file.
    let open = corpus.rejections().iter().any(|rejection| rejection.reason.contains("not closed"));
    if open {
        stated.truncate(texts.len());
    } else {
        assert_eq!(corpus.rejections().len(), others);
    }
    assert_eq!(texts, stated);
});
