//! The numbers of scheme version 0, as `docs/signature.md` has them. A change here changes every stored
//! signature: it needs a new version.

use resemblance::lsh::Banding;
use resemblance::sketch::{SCHEME_VERSION, Scheme, SketchKind, Sketcher};
use resemblance::text::{Shingler, mix};
use resemblance::{Normalization, Shingle};
use xxhash_rust::xxh3::xxh3_64;

const FOX: &str = "The quick brown fox jumps over the lazy dog";
const MIXED: &str = "Straße\u{AD} №5: 東京都 ﬁn — don’t e\u{301}clair 3.14";

fn hashes(shingle: Shingle, seed: u64, text: &str) -> Vec<u64> {
    Shingler::new(shingle, Normalization::NFKC_CASEFOLD, seed)
        .unwrap()
        .text(text)
}

#[test]
fn version() {
    assert_eq!(SCHEME_VERSION, 0);
}

#[test]
fn finalizer() {
    assert_eq!(mix(0), 0);
    assert_eq!(mix(1), 0x5692_161D_100B_05E5);
}

#[test]
fn shingles() {
    for (shingle, seed, text, count, first) in [
        (Shingle::Words(5), 0, FOX, 5, 0x4168_A7F0_D1B3_29B3),
        (Shingle::Words(2), 42, MIXED, 8, 0xA939_1970_8D7D_C425),
        (Shingle::Chars(4), 0, MIXED, 37, 0x2006_8B91_3A15_9D0A),
        (Shingle::Bytes(8), 0, MIXED, 44, 0x302C_6CFE_AA54_F76F),
        (Shingle::Words(5), 0, "Hi there", 1, 0x3ADC_B385_62B6_DA23),
    ] {
        let hashes = hashes(shingle, seed, text);
        assert_eq!(
            (hashes.len(), hashes[0]),
            (count, first),
            "{shingle} {text}"
        );
    }
}

/// A signature's first two slots, and the hash of all.
fn digest(kind: SketchKind, k: usize, text: &str) -> (u32, u32, u64) {
    let slots = slots(kind, k, text);
    let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_le_bytes()).collect();
    (slots[0], slots[1], xxh3_64(&bytes))
}

fn slots(kind: SketchKind, k: usize, text: &str) -> Vec<u32> {
    let scheme = Scheme::new(kind, k, Shingle::Words(2), Normalization::NFKC_CASEFOLD, 0);
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
        (0x365D_2B32, 0xB580_6A65, 0x2CB4_5BE1_EAAF_B875)
    );
    assert_eq!(
        of(5, FOX),
        (0x9CB3_1F89, 0x2560_1D5E, 0xAE69_9701_DD28_A91C)
    );
    assert_eq!(
        of(128, MIXED),
        (0xB611_A60E, 0x19A3_0543, 0x0F0D_1845_2385_9DB4)
    );
}

#[test]
fn classic() {
    let of = |k, text| digest(SketchKind::Classic, k, text);
    assert_eq!(
        of(128, FOX),
        (0x1CCF_B0DC, 0x09DF_31C3, 0x75F7_E4ED_2437_CC22)
    );
    assert_eq!(
        of(5, FOX),
        (0x1CCF_B0DC, 0x09DF_31C3, 0x2E6A_0805_B254_B7FE)
    );
    assert_eq!(
        of(128, MIXED),
        (0x0327_A1ED, 0x0240_8CC1, 0xF0EA_90D1_5385_47E5)
    );
}

#[test]
fn band_keys() {
    let banding = Banding::new(21, 6).unwrap();
    for (kind, text, first, last) in [
        (
            SketchKind::FastSimilarity,
            FOX,
            0x160C_5616_57AB_50B6,
            0x0C9F_2DF0_5F3F_9A1A,
        ),
        (
            SketchKind::FastSimilarity,
            MIXED,
            0xBD98_1C6B_DFED_D671,
            0x1EBC_6FBC_C131_9DF0,
        ),
        (
            SketchKind::Classic,
            FOX,
            0x32D6_A1E5_D746_DFC4,
            0x18D0_CA49_2F05_DE0B,
        ),
        (
            SketchKind::Classic,
            MIXED,
            0xA706_4DE4_8CF3_2AD8,
            0x5656_92E6_4FB8_648E,
        ),
    ] {
        let slots = slots(kind, 128, text);
        assert_eq!(banding.key(0, &slots), first, "{kind} {text}");
        assert_eq!(banding.key(20, &slots), last, "{kind} {text}");
    }
}
