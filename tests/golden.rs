//! The numbers of scheme version 1, as `docs/signature.md` has them. A change here changes every stored
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
    assert_eq!(SCHEME_VERSION, 1);
}

#[test]
fn finalizer() {
    assert_eq!(mix(0), 0);
    assert_eq!(mix(1), 0x5692_161D_100B_05E5);
}

#[test]
fn shingles() {
    for (shingle, seed, text, count, first) in [
        (Shingle::Words(5), 0, FOX, 5, 0x686E_F423_C4A1_EB55),
        (Shingle::Words(2), 42, MIXED, 8, 0x256A_CF0B_29A6_7944),
        (Shingle::Chars(4), 0, MIXED, 37, 0x3706_F19D_B5C9_349B),
        (Shingle::Bytes(8), 0, MIXED, 44, 0x88FF_2F3B_649F_243D),
        (Shingle::Words(5), 0, "Hi there", 1, 0x70AB_55B0_DA2D_1B0D),
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
        (0x047F_2765, 0xA81B_0263, 0x268D_613C_34D4_428D)
    );
    assert_eq!(
        of(5, FOX),
        (0x35C4_A912, 0x9A8B_2B78, 0x0B10_637A_DB87_ABCB)
    );
    assert_eq!(
        of(128, MIXED),
        (0x3474_1F78, 0x0D73_71D5, 0x0FBD_21AE_D851_15C9)
    );
}

#[test]
fn classic() {
    let of = |k, text| digest(SketchKind::Classic, k, text);
    assert_eq!(
        of(128, FOX),
        (0x35C4_A912, 0x2558_8C96, 0x53B3_365B_AE21_D87F)
    );
    assert_eq!(
        of(5, FOX),
        (0x35C4_A912, 0x2558_8C96, 0xA503_4563_FA18_E556)
    );
    assert_eq!(
        of(128, MIXED),
        (0x0B19_D6E0, 0x65FB_3C1C, 0x1C66_C137_DA60_2830)
    );
}

#[test]
fn band_keys() {
    let banding = Banding::new(21, 6).unwrap();
    for (kind, text, first, last) in [
        (
            SketchKind::FastSimilarity,
            FOX,
            0xF0A9_5966_E80E_E231,
            0x1EF8_41A3_9BE5_A571,
        ),
        (
            SketchKind::FastSimilarity,
            MIXED,
            0x8500_5398_5581_9248,
            0x72DC_DE7B_A1F4_5DAB,
        ),
        (
            SketchKind::Classic,
            FOX,
            0xA90A_0895_8F9F_9935,
            0x30E5_FFF2_664E_A1FC,
        ),
        (
            SketchKind::Classic,
            MIXED,
            0xE48E_8B42_BFF8_56E4,
            0x448A_02D1_AC0C_6E9B,
        ),
    ] {
        let slots = slots(kind, 128, text);
        assert_eq!(banding.key(0, &slots), first, "{kind} {text}");
        assert_eq!(banding.key(20, &slots), last, "{kind} {text}");
    }
}
