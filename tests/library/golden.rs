//! The numbers of scheme version 3, as in `docs/signature.md`. A change here changes every stored signature, and so
//! needs a new version.

use resemblance::lsh::Banding;
use resemblance::sketch::{SCHEME_VERSION, Scheme, SketchKind, Sketcher};
use resemblance::text::{Form, Shingler, mix};
use resemblance::{Normalization, Shingle, Signature};
use xxhash_rust::xxh3::xxh3_64;

const FOX: &str = "The quick brown fox jumps over the lazy dog";
const MIXED: &str = "Straße\u{AD} №5: 東京都 ﬁn — don’t e\u{301}clair 3.14";
const CODE: &str = "if (a != b) { return x + y; }";
const LONG: &str = "Donaudampfschifffahrtsgesellschaft";

fn hashes(shingle: Shingle, seed: u64, text: &str) -> Vec<u64> {
    Shingler::new(shingle, Normalization::DEFAULT, seed)
        .unwrap()
        .text(text)
}

#[test]
fn version() {
    assert_eq!(SCHEME_VERSION, 3);
}

#[test]
fn finalizer() {
    assert_eq!(mix(0), 0);
    assert_eq!(mix(1), 0x5692_161D_100B_05E5);
}

#[test]
fn shingles() {
    for (shingle, seed, text, count, first) in [
        (Shingle::Words(5), 0, FOX, 5, 0x0661_73C2_9087_ACDD),
        (Shingle::Words(2), 42, MIXED, 8, 0xC06C_D76B_E63B_3667),
        (Shingle::Chars(4), 0, MIXED, 37, 0x8F63_3F07_B90D_F393),
        (Shingle::Bytes(8), 0, MIXED, 42, 0xD940_580C_5A74_9B54),
        (Shingle::Tokens(3), 0, CODE, 12, 0x8ACF_7357_295C_6577),
        (Shingle::Tokens(5), 7, MIXED, 7, 0x45CB_DB7B_5A26_5393),
        (Shingle::Words(7), 0, FOX, 3, 0x413C_B48D_530E_1578),
        (Shingle::Bytes(30), 0, FOX, 14, 0x1316_5E39_FD92_F51E),
        (Shingle::Words(1), 1, LONG, 1, 0x24F4_5231_1B16_0E47),
        (Shingle::Words(5), 0, "Hi there", 1, 0x968D_1D50_A0FC_6885),
    ] {
        let hashes = hashes(shingle, seed, text);
        assert_eq!(
            (hashes.len(), hashes[0]),
            (count, first),
            "{shingle} {text}"
        );
    }
}

/// What the switches of a normalization make of a text.
#[test]
fn normalizations() {
    let text = "Ça ﬁt 3½ À l’Ａ\u{AD}: ב״ל ٣ كِتَـاب ё ≠";
    for (normalization, normalized) in [
        ("none", text),
        ("nfkc-casefold", "ça fit 31⁄2 à l’a: ב״ל ٣ كِتَـاب ё ≠"),
        ("default", "ça fit 31⁄2 à l'a: ב\"ל ٣ كِتَـاب ё ≠"),
        ("default+arabic", "ça fit 31⁄2 à l'a: ב\"ל ٣ كتاب ё ≠"),
        ("default+accents", "ca fit 31⁄2 a l'a: ב\"ל ٣ كِتَـاب е ≠"),
        ("default+digits", "ça fit 00⁄0 à l'a: ב\"ל 0 كِتَـاب ё ≠"),
        (
            "nfc+fold+accents",
            "ca fit 3½ a l’ａ\u{AD}: ב״ל ٣ كِتَـاب е ≠",
        ),
    ] {
        let parsed: Normalization = normalization.parse().unwrap();
        assert_eq!(parsed.normalize(text), normalized, "{normalization}");
    }
}

/// A signature's first two slots, and the hash of all.
fn digest(kind: SketchKind, k: usize, text: &str) -> (u32, u32, u64) {
    let slots = slots(kind, k, text);
    let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_le_bytes()).collect();
    (slots[0], slots[1], xxh3_64(&bytes))
}

fn slots(kind: SketchKind, k: usize, text: &str) -> Vec<u32> {
    let scheme = Scheme::new(kind, k, Shingle::Words(2), Normalization::DEFAULT, 0);
    Sketcher::new(scheme.unwrap())
        .signature(text)
        .slots()
        .to_vec()
}

#[test]
fn fast_similarity() {
    let of = |k, text| digest(SketchKind::FastSimilarity, k, text);
    assert_eq!(
        of(128, FOX),
        (0x2C50_9F1E, 0x061E_695D, 0x548E_39E7_3878_3EED)
    );
    assert_eq!(
        of(5, FOX),
        (0x21B6_3845, 0x9751_60EB, 0x2444_9B67_0C79_BD16)
    );
    assert_eq!(
        of(128, MIXED),
        (0xAA07_019D, 0x8969_02FB, 0xA26A_162C_0A3B_7E3E)
    );
}

#[test]
fn classic() {
    let of = |k, text| digest(SketchKind::Classic, k, text);
    assert_eq!(
        of(128, FOX),
        (0x4B64_5826, 0x148B_5C43, 0xBEFA_DC1F_D47B_2280)
    );
    assert_eq!(
        of(5, FOX),
        (0x4B64_5826, 0x148B_5C43, 0xE629_6C67_0791_80B7)
    );
    assert_eq!(
        of(128, MIXED),
        (0x15AC_30C4, 0x37B1_85FB, 0x483F_D321_5111_7462)
    );
}

#[test]
fn band_keys() {
    let banding = Banding::new(21, 6).unwrap();
    for (kind, text, first, last) in [
        (
            SketchKind::FastSimilarity,
            FOX,
            0x2FBF_CF8E_0A5A_A825,
            0xDFD7_6BDB_553E_28F6,
        ),
        (
            SketchKind::FastSimilarity,
            MIXED,
            0x253C_01A3_A666_0172,
            0x73F2_7784_E500_2131,
        ),
        (
            SketchKind::Classic,
            FOX,
            0xA2FE_1F60_8F72_DB37,
            0x8D1C_039D_C533_FB5C,
        ),
        (
            SketchKind::Classic,
            MIXED,
            0x6E0D_6B7B_6F60_04C1,
            0xE10F_9EE4_FC05_9F80,
        ),
    ] {
        let slots = slots(kind, 128, text);
        assert_eq!(banding.key(0, &slots), first, "{kind} {text}");
        assert_eq!(banding.key(20, &slots), last, "{kind} {text}");
    }
}

/// The layout of signatures as bytes.
#[test]
fn signatures_as_bytes() {
    let scheme = Scheme::new(
        SketchKind::Classic,
        3,
        Shingle::Chars(0x0102),
        Normalization::DEFAULT,
        0x0807_0605_0403_0201,
    );
    let slots = vec![0x1413_1211, u32::MAX, 7];
    let signature = Signature::from_slots(scheme.unwrap(), slots).unwrap();
    let bytes = [
        3, 1, 3, 0, 1, 30, 2, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 255, 255, 255,
        255, 7, 0, 0, 0,
    ];
    assert_eq!(signature.to_bytes(), bytes);
    assert_eq!(Signature::from_bytes(&bytes), Ok(signature));
    for (place, value, why) in [
        (0, 2, "scheme version 2"),
        (1, 2, "sketch 2 is unknown"),
        (2, 0, "hashes 0"),
        (2, 4, "has 28 bytes and should have 32"),
        (3, 1, "should have 1052"),
        (4, 4, "shingle 4 is unknown"),
        (5, 3, "normalization 3 is unknown"),
        (5, 255, "normalization 255 is unknown"),
    ] {
        let mut changed = bytes;
        changed[place] = value;
        let error = Signature::from_bytes(&changed).unwrap_err().to_string();
        assert!(
            error.starts_with("these bytes are not a signature: ") && error.contains(why),
            "{error}"
        );
    }
    let no_shingle = [&bytes[..6], &[0, 0], &bytes[8..]].concat();
    assert!(Signature::from_bytes(&no_shingle).is_err());
    for len in 0..bytes.len() {
        assert!(Signature::from_bytes(&bytes[..len]).is_err(), "{len}");
    }
    assert!(Signature::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
}

/// Every scheme comes back, and two of them stay two.
#[test]
fn schemes_of_bytes_stay_apart() {
    let signature = |kind, shingle, normalization, seed| {
        let scheme = Scheme::new(kind, 2, shingle, normalization, seed).unwrap();
        Sketcher::new(scheme).signature(FOX)
    };
    let mut all = Vec::new();
    for kind in [SketchKind::FastSimilarity, SketchKind::Classic] {
        for shingle in [
            Shingle::Words(1),
            Shingle::Chars(1),
            Shingle::Bytes(1),
            Shingle::Tokens(1),
            Shingle::Words(65_535),
        ] {
            for form in [Form::None, Form::Nfc, Form::Nfkc] {
                // All combinations of switches once; of the others, some.
                let step = if shingle == Shingle::Words(1) { 1 } else { 21 };
                for normalization in crate::support::switched(form).step_by(step) {
                    all.push(signature(kind, shingle, normalization, u64::MAX));
                }
            }
        }
    }
    for (i, left) in all.iter().enumerate() {
        let left = Signature::from_bytes(&left.to_bytes()).unwrap();
        assert_eq!(left, all[i]);
        for (j, right) in all.iter().enumerate() {
            assert_eq!(left.estimate(right).is_err(), i != j);
        }
    }
}
