//! Settings and results through serde, and invalid ones.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use resemblance::sketch::{CodeBits, Scheme};
use resemblance::stream::{Bloom, Memory, Verdict, Window};
use resemblance::text::Form;
use resemblance::{
    Banding, ClusterMode, Clusters, Deduper, DeduperBuilder, Error, Keep, Measure, Method,
    Normalization, PairsOfCopies, Shingle, Signature, SketchKind, Weights,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A setting is one text for `Display`, `FromStr` and serde; any other text is refused.
fn is_text<T>(setting: T, text: &str)
where
    T: Copy + Debug + Display + PartialEq + FromStr<Err = Error> + Serialize + DeserializeOwned,
{
    assert_eq!(setting.to_string(), text);
    assert_eq!(text.parse(), Ok(setting));
    let json = serde_json::to_string(&setting).unwrap();
    assert_eq!(json, format!("\"{text}\""));
    assert_eq!(serde_json::from_str::<T>(&json).unwrap(), setting);
    for other in ["", "no such", &format!("{text} "), &text.to_uppercase()] {
        match other.parse::<T>() {
            Ok(parsed) => assert_eq!(parsed, setting, "`{other}`"),
            Err(error) => {
                assert!(error.is_setting(), "{error}");
                let json = format!("\"{other}\"");
                assert!(serde_json::from_str::<T>(&json).is_err(), "`{other}`");
            }
        }
    }
}

#[test]
fn settings_are_short_texts() {
    is_text(Shingle::Words(5), "words:5");
    is_text(Shingle::Chars(9), "chars:9");
    is_text(Shingle::Tokens(8), "tokens:8");
    is_text(Shingle::Bytes(65_535), "bytes:65535");
    is_text(Banding::new(21, 6).unwrap(), "21 x 6");
    is_text(Method::Lsh, "lsh");
    is_text(Method::Exact, "exact");
    is_text(Method::Auto, "auto");
    is_text(ClusterMode::Components, "components");
    is_text(ClusterMode::Leader, "leader");
    is_text(Keep::First, "first");
    is_text(Keep::Longest, "longest");
    is_text(PairsOfCopies::All, "all");
    is_text(PairsOfCopies::Star, "star");
    is_text(SketchKind::FastSimilarity, "fast-similarity");
    is_text(SketchKind::Classic, "classic");
    is_text(CodeBits::Eight, "8");
    is_text(CodeBits::Sixteen, "16");
    let mut all = Vec::new();
    for form in [Form::None, Form::Nfc, Form::Nfkc] {
        is_text(form, ["none", "nfc", "nfkc"][form as usize]);
        for one in crate::support::switched(form) {
            is_text(one, &one.to_string());
            all.push(one.to_string());
        }
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 3 * 64);
    for (text, normalization) in [
        ("nfkc+fold+drop-ignorable", Normalization::NFKC_CASEFOLD),
        ("nfkc+drop-ignorable+fold", Normalization::NFKC_CASEFOLD),
        ("default", Normalization::DEFAULT),
        ("nfkc-casefold+apostrophes", Normalization::default()),
        (
            "default+digits+accents",
            Normalization::DEFAULT
                .with_accents_dropped(true)
                .with_digits_unified(true),
        ),
    ] {
        assert_eq!(text.parse(), Ok(normalization), "{text}");
    }
    is_text(
        Normalization::DEFAULT
            .with_digits_unified(true)
            .with_arabic_marks_dropped(true),
        "nfkc-casefold+apostrophes+arabic+digits",
    );
    is_text(
        Normalization::NONE
            .with_case_fold(true)
            .with_accents_dropped(true),
        "none+fold+accents",
    );
    for wrong in [
        "nfkd",
        "nfc+fold+fold",
        "nfkc-casefold+fold",
        "default+apostrophes",
        "nfc+ligatures",
        "nfkc+",
        "+fold",
    ] {
        let error = wrong.parse::<Normalization>().unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("normalization `{wrong}`: must be default, ")),
            "{error}"
        );
    }
    for wrong in ["21", "21 x", "x 6", "21 x 6 x 1", "-1 x 6", "21,6"] {
        assert!(wrong.parse::<Banding>().is_err(), "{wrong}");
    }
}

/// Every field has the name of its method.
#[test]
fn fields_are_named_like_methods() {
    let builder = Deduper::builder()
        .threshold(0.75)
        .method(Method::Auto)
        .recall(0.9)
        .banding(Banding::new(20, 5).unwrap())
        .exact_memory(1000)
        .exact_work(2000)
        .sketch(SketchKind::Classic)
        .hashes(100)
        .shingle(Shingle::Bytes(8))
        .normalization(Normalization::NONE)
        .seed(7)
        .cluster_mode(ClusterMode::Leader)
        .keep(Keep::Longest)
        .measure(Measure::Containment)
        .weights(Weights::Ln)
        .set_aside_words(4);
    let expected = serde_json::json!({
        "threshold": 0.75, "method": "auto", "recall": 0.9, "banding": "20 x 5", "exact_memory": 1000,
        "exact_work": 2000, "sketch": "classic", "hashes": 100, "shingle": "bytes:8",
        "normalization": "none", "seed": 7, "cluster_mode": "leader", "keep": "longest",
        "measure": "containment", "weights": "ln", "set_aside_words": 4,
    });
    assert_eq!(serde_json::to_value(&builder).unwrap(), expected);
    assert_eq!(
        serde_json::from_value::<DeduperBuilder>(expected).unwrap(),
        builder
    );
}

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
        serde_json::from_str(r#"{"threshold": 0.5, "shingle": "words:3", "banding": "10x5"}"#)
            .unwrap();
    let deduper = some.build().unwrap();
    assert_eq!((deduper.threshold(), deduper.scheme().hashes()), (0.5, 128));
    assert_eq!(deduper.banding().to_string(), "10 x 5");
    assert!(serde_json::from_str::<DeduperBuilder>(r#"{"treshold": 0.5}"#).is_err());
    assert!(serde_json::from_str::<DeduperBuilder>(r#"{"banding": "0 x 5"}"#).is_err());
}

#[test]
fn signatures_are_checked() {
    let signature = Deduper::new().signature("some text to be signed");
    let json = serde_json::to_string(&signature).unwrap();
    assert_eq!(serde_json::from_str::<Signature>(&json).unwrap(), signature);
    for (from, to) in [
        ("\"version\":3", "\"version\":9"),
        ("\"hashes\":128", "\"hashes\":0"),
        ("\"hashes\":128", "\"hashes\":64"),
        ("words:5", "words:0"),
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
    let pairs = serde_json::to_value(Deduper::new().pairs(&texts)).unwrap();
    assert_eq!(pairs["pairs"][0]["b"], 1);
    assert_eq!(pairs["recall"]["method"], "lsh");
}

/// The form of the documentation, down to the names.
#[test]
fn clusters_have_a_form() {
    let texts = [
        "one text of five words",
        "",
        "one text of five words",
        "another",
    ];
    let clusters = Deduper::new().clusters(&texts);
    let written = serde_json::to_value(&clusters).unwrap();
    let recall = serde_json::to_value(clusters.recall()).unwrap();
    assert_eq!(recall["banding"], "21 x 6");
    let similarity = serde_json::json!({
        "shared": 1, "jaccard": 1.0, "containment_a": 1.0, "containment_b": 1.0
    });
    let expected = serde_json::json!({
        "documents": 4,
        "clusters": [{ "kept": 0, "removed": [{ "document": 2, "similarity": similarity }] }],
        "empty": [1],
        "recall": recall,
    });
    assert_eq!(written, expected);
}

#[test]
fn clusters_are_read_back() {
    let texts = crate::support::collection(3, 400);
    for mode in [ClusterMode::Components, ClusterMode::Leader] {
        let deduper = crate::support::sure(0.6)
            .cluster_mode(mode)
            .keep(Keep::Longest);
        let clusters = deduper.build().unwrap().clusters(&texts);
        assert!(clusters.len() > 10 && !clusters.empty().is_empty());
        let json = serde_json::to_string(&clusters).unwrap();
        let read: Clusters = serde_json::from_str(&json).unwrap();
        assert_eq!(read, clusters);
        for document in 0..texts.len() {
            assert_eq!(read.removal(document), clusters.removal(document));
        }
    }
}

#[test]
fn clusters_that_do_not_hold_together_are_refused() {
    let texts = [
        "a b c d e",
        "",
        "f g h i j",
        "a b c d e",
        "f g h i j",
        "a b c d e",
    ];
    let clusters = Deduper::new().clusters(&texts);
    let json = serde_json::to_string(&clusters).unwrap();
    for (from, to, why) in [
        (
            "\"documents\":6",
            "\"documents\":5",
            "there is no document 5",
        ),
        ("\"documents\":6", "\"documents\":4294967295", "too many"),
        ("\"kept\":2", "\"kept\":0", "document 0 is listed twice"),
        (
            "\"document\":3",
            "\"document\":0",
            "document 0 is listed twice",
        ),
        ("\"document\":3", "\"document\":5", "must ascend"),
        (
            "\"kept\":0",
            "\"kept\":1",
            "document 1 is empty, and in a cluster",
        ),
        ("\"empty\":[1]", "\"empty\":[1,1]", "must ascend"),
        (
            "\"empty\":[1]",
            "\"empty\":[6]",
            "must ascend, and be below",
        ),
        ("\"jaccard\":1.0", "\"jaccard\":1.5", "impossible"),
        ("\"kept\":0", "\"keep\":0", "unknown field"),
    ] {
        assert!(json.contains(from), "{json}");
        let error = serde_json::from_str::<Clusters>(&json.replacen(from, to, 1));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(why), "{to}: {error}");
    }
    let mut value = serde_json::to_value(&clusters).unwrap();
    let refused = |value: &serde_json::Value| {
        let read = serde_json::from_value::<Clusters>(value.clone());
        read.unwrap_err().to_string()
    };
    value["clusters"].as_array_mut().unwrap().reverse();
    assert!(refused(&value).contains("order of their first documents"));
    value["clusters"][0]["removed"] = serde_json::json!([]);
    assert!(refused(&value).contains("has no other"));
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
