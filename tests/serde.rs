//! Settings and results through serde, and what is refused on the way in.

use resemblance::sketch::Scheme;
use resemblance::stream::{Bloom, Memory, Verdict, Window};
use resemblance::{ClusterMode, Deduper, DeduperBuilder, Shingle, Signature};

#[test]
fn settings_are_what_they_were() {
    let settings = Deduper::builder()
        .threshold(0.7)
        .shingle(Shingle::Chars(4))
        .cluster_mode(ClusterMode::Leader)
        .seed(9);
    let json = serde_json::to_string(&settings).unwrap();
    assert_eq!(
        serde_json::from_str::<DeduperBuilder>(&json).unwrap(),
        settings
    );
    // What is left out has its default; what is unknown is refused.
    let some: DeduperBuilder =
        serde_json::from_str(r#"{"threshold": 0.5, "shingle": {"words": 3}, "banding": [10, 5]}"#)
            .unwrap();
    let deduper = some.build().unwrap();
    assert_eq!((deduper.threshold(), deduper.scheme().hashes()), (0.5, 128));
    assert_eq!(deduper.banding().to_string(), "10 x 5");
    assert!(serde_json::from_str::<DeduperBuilder>(r#"{"treshold": 0.5}"#).is_err());
    assert!(serde_json::from_str::<DeduperBuilder>(r#"{"banding": [0, 5]}"#).is_err());
}

#[test]
fn signatures_are_checked() {
    let signature = Deduper::new().signature("some text to be signed");
    let json = serde_json::to_string(&signature).unwrap();
    assert_eq!(serde_json::from_str::<Signature>(&json).unwrap(), signature);
    for (from, to) in [
        ("\"version\":2", "\"version\":9"),
        ("\"hashes\":128", "\"hashes\":0"),
        ("\"hashes\":128", "\"hashes\":64"),
        ("\"words\":5", "\"words\":0"),
    ] {
        assert!(json.contains(from));
        assert!(
            serde_json::from_str::<Signature>(&json.replace(from, to)).is_err(),
            "{to}"
        );
    }
    let scheme: Scheme =
        serde_json::from_str(&serde_json::to_string(signature.scheme()).unwrap()).unwrap();
    assert_eq!(
        Signature::from_slots(scheme, signature.slots().to_vec()).unwrap(),
        signature
    );
    let error = Signature::from_slots(scheme, vec![1, 2]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 slots do not make signatures of 128 hashes"
    );
}

#[test]
fn results_can_be_written() {
    let texts = ["one text of five words", "one text of five words"];
    let clusters = serde_json::to_value(Deduper::new().clusters(&texts)).unwrap();
    assert_eq!(clusters["removed"][0]["similarity"]["jaccard"], 1.0);
    let pairs = serde_json::to_value(Deduper::new().pairs(&texts)).unwrap();
    assert_eq!(pairs["pairs"][0]["b"], 1);
    assert_eq!(pairs["recall"]["method"], "lsh");
}

#[test]
fn memories_and_verdicts_are_what_they_were() {
    let memories: [Memory; 3] = [
        Window::last(7).shingles(100).estimates(true).into(),
        Window::all().into(),
        Bloom::new(100, 0.1).overfill(true).into(),
    ];
    for memory in memories {
        let json = serde_json::to_string(&memory).unwrap();
        assert_eq!(serde_json::from_str::<Memory>(&json).unwrap(), memory);
        let mut sieve = Deduper::new().sieve(memory).unwrap();
        for text in ["one text of five words", "one text of five words", ""] {
            let verdict = sieve.admit(text);
            let json = serde_json::to_string(&verdict).unwrap();
            assert_eq!(serde_json::from_str::<Verdict>(&json).unwrap(), verdict);
        }
    }
    let some = |json| serde_json::from_str::<Memory>(json);
    assert_eq!(some(r#"{"window": {}}"#).unwrap(), Window::all().into());
    let bloom = some(r#"{"bloom": {"documents": 9, "rate": 0.5}}"#).unwrap();
    assert_eq!(bloom, Bloom::new(9, 0.5).into());
    assert!(some(r#"{"window": {"document": 5}}"#).is_err());
}
