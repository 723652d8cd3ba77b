//! Settings, schemes, signatures and memories from JSON: what is read is what is written, and builds or is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use resemblance::sketch::Scheme;
use resemblance::stream::Memory;
use resemblance::{DeduperBuilder, Signature};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is read is the same when it is written and read again.
fn is_stable<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(text: &str) -> Option<T> {
    let read: T = serde_json::from_str(text).ok()?;
    let written = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<T>(&written).unwrap(), read);
    Some(read)
}

fuzz_target!(|text: &str| {
    is_stable::<Scheme>(text);
    is_stable::<Memory>(text);
    if let Some(signature) = is_stable::<Signature>(text) {
        assert_eq!(signature.estimate(&signature).unwrap().jaccard, if signature.is_empty() { 0.0 } else { 1.0 });
    }
    if let Some(builder) = is_stable::<DeduperBuilder>(text)
        && let Ok(deduper) = builder.build()
        && deduper.scheme().hashes() <= 1024
    {
        let texts = ["one text of five words", "one text of five words", "another"];
        let clusters = deduper.clusters(&texts);
        assert_eq!(clusters.documents(), 3);
    }
});
