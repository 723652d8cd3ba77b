//! JSON lines are read as `serde_json` reads them, and every line is a document, a rejection or blank; in memory and
//! within a bound alike.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use resemblance::corpus::{Corpus, OnBad, ReadOptions};
use resemblance::text::{Content, Document, ReadBuffer};
use resemblance_fuzz::{file, is_the_same_within_a_bound};
use serde_json::{Map, Value};

/// The text in the field `text`, or in it and in all `messages.*.text`, where there is one.
fn text(object: &Map<String, Value>, has_messages: bool) -> Option<String> {
    let mut values: Vec<&Value> = object.get("text").into_iter().collect();
    if has_messages && let Some(Value::Array(messages)) = object.get("messages") {
        values.extend(messages.iter().filter_map(|message| message.as_object()?.get("text")));
    }
    values.retain(|value| !value.is_null());
    let parts: Vec<&str> = values.iter().map(|value| value.as_str()).collect::<Option<_>>()?;
    let lines: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| lines.join("\n"))
}

/// The text and the id of a line, where it is plainly a record.
fn record(line: &[u8], has_messages: bool) -> Option<(String, Option<String>)> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let object = value.as_object()?;
    let id = match object.get("id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(number)) if number.is_u64() || number.is_i64() => Some(number.to_string()),
        Some(_) => return None,
    };
    Some((text(object, has_messages)?, id))
}

fuzz_target!(|bytes: &[u8]| {
    let path = file("in.jsonl", bytes);
    let has_messages = bytes.len() % 2 == 0;
    let list = if has_messages { "text,messages.*.text" } else { "text" };
    let options = ReadOptions::new().on_bad(OnBad::Skip).text_field(list);
    let corpus = match Corpus::read(&[&path], &options) {
        Ok(corpus) => corpus,
        Err(error) => return assert!(has_messages && error.to_string().contains("no record has it")),
    };

    let lines = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    let is_blank = |line: &&[u8]| !line.iter().all(u8::is_ascii_whitespace);
    let lines: Vec<&[u8]> = lines.split(|&byte| byte == b'\n').filter(is_blank).collect();
    let (documents, rejections) = (corpus.documents(), corpus.rejections());
    assert_eq!(documents.len() + rejections.len(), lines.len());

    // Where a key stands twice, `serde_json` takes the last; the crate refuses it.
    let mut buffer = ReadBuffer::default();
    let (mut taken, mut refused) = (documents.iter().zip(corpus.ids()), rejections.iter());
    let mut ids = HashSet::new();
    for line in &lines {
        let stated = record(line, has_messages);
        let is_next = rejections.is_empty() || refused.as_slice().first().is_none_or(|rejection| {
            let told = rejection.record.as_deref().unwrap_or_default();
            told != String::from_utf8_lossy(line)
        });
        if is_next {
            let (document, id) = taken.next().unwrap();
            let Content::Text(text) = document.content(&mut buffer).unwrap() else {
                panic!("a record is text");
            };
            if let Some((stated, stated_id)) = stated {
                assert_eq!(text, stated);
                assert!(stated_id.is_none_or(|stated| stated == *id));
            }
            assert!(ids.insert(id.clone()), "{id}");
        } else {
            let reason = &refused.next().unwrap().reason;
            assert!(
                stated.is_none() || reason.contains("already used") || reason.contains("twice"),
                "{reason}"
            );
        }
    }

    if bytes.first().is_some_and(|byte| byte % 8 == 0) {
        is_the_same_within_a_bound(&path, &options);
    }
});
