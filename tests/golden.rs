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
        (0x1D6A_D1EA, 0x4970_55DD, 0x16E9_B160_8A23_C20C)
    );
    assert_eq!(
        of(5, FOX),
        (0x49A4_9ECB, 0x9A8B_2B78, 0xDACE_4575_65CA_BD29)
    );
    assert_eq!(
        of(128, MIXED),
        (0x81A5_5BD0, 0x2963_33A5, 0xCA05_7931_05D3_D572)
    );
}

#[test]
fn classic() {
    let of = |k, text| digest(SketchKind::Classic, k, text);
    assert_eq!(
        of(128, FOX),
        (0x30E7_30D7, 0x0405_75C7, 0x0B45_9F6F_B74F_EA6D)
    );
    assert_eq!(
        of(5, FOX),
        (0x30E7_30D7, 0x0405_75C7, 0x1AD5_43D5_2B0D_C136)
    );
    assert_eq!(
        of(128, MIXED),
        (0x16F6_CD2E, 0x017B_4A45, 0x933D_CC2A_F899_ED1E)
    );
}

#[test]
fn band_keys() {
    let banding = Banding::new(21, 6).unwrap();
    for (kind, text, first, last) in [
        (
            SketchKind::FastSimilarity,
            FOX,
            0x6231_2BD6_DB4B_5C6B,
            0xCD51_2671_44DD_F58D,
        ),
        (
            SketchKind::FastSimilarity,
            MIXED,
            0x9169_E367_E14F_C58C,
            0xF31F_79F1_14D9_E476,
        ),
        (
            SketchKind::Classic,
            FOX,
            0x044D_1254_0234_D9CE,
            0x77DF_21CD_E2F4_DBA0,
        ),
        (
            SketchKind::Classic,
            MIXED,
            0x51E7_58D6_3D2D_191B,
            0x1F91_9C33_E463_EF86,
        ),
    ] {
        let slots = slots(kind, 128, text);
        assert_eq!(banding.key(0, &slots), first, "{kind} {text}");
        assert_eq!(banding.key(20, &slots), last, "{kind} {text}");
    }
}
