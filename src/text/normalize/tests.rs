use proptest::prelude::*;

use super::*;

/// The specification: map every character, then compose the whole.
fn naive(normalization: Normalization, text: &str) -> String {
    let mapped: String = text.chars().map(|c| normalization.map_char(c)).collect();
    match normalization.form {
        Form::None => mapped,
        Form::Nfc | Form::Nfkc => mapped.nfc().collect(),
    }
}

fn normalize(text: &str) -> Cow<'_, str> {
    Normalization::NFKC_CASEFOLD.normalize(text)
}

#[test]
fn examples_of_the_standard() {
    assert_eq!(normalize("Straße"), "strasse");
    assert_eq!(normalize("ΑΣ"), "ας".replace('ς', "σ"));
    assert_eq!(normalize("e\u{301}"), "é");
    assert_eq!(normalize("E\u{200B}\u{301}"), "é");
    assert_eq!(normalize("ﬁ①Ａ"), "fi1a");
    assert_eq!(normalize("ｶﾞ"), "ガ");
    assert_eq!(normalize("\u{1FB3}"), "αι");
    assert_eq!(normalize("한글"), "한글");
    assert_eq!(normalize("\u{1112}\u{1161}\u{11AB}"), "한");
    assert_eq!(normalize("İ"), "i\u{307}");
    assert_eq!(normalize("a\u{FEFF}b\u{FE0F}c"), "abc");
    assert_eq!(normalize("\u{1D400}"), "a");
}

/// Checks a hash of the mapping of ranges that are fully assigned: a dependency that changed it would change
/// signatures. (All 10,429 characters that Unicode 14 maps were once compared with the `NFKC_Casefold` property of
/// Perl's module; later versions only add characters.)
#[test]
fn mapping_is_the_known_one() {
    let ranges = [
        0..=0x557,
        0x1E00..=0x1FFF,
        0x2100..=0x218B,
        0x2460..=0x24FF,
        0x3000..=0x33FF,
        0xF900..=0xFFEF,
        0x1D400..=0x1D6A5,
        0xE0000..=0xE0FFF,
    ];
    let mut all = String::new();
    for c in ranges.into_iter().flatten().filter_map(char::from_u32) {
        let mapped = Normalization::NFKC_CASEFOLD.map_char(c);
        if !mapped.chars().eq([c]) {
            all.push(c);
            all.push_str(&mapped);
            all.push('\n');
        }
    }
    let digest = xxhash_rust::xxh3::xxh3_64(all.as_bytes());
    assert_eq!((all.lines().count(), digest), (7991, 0xCB30_06EA_5D83_CFC3));
}

#[test]
fn variants_are_one() {
    let default = |text| Normalization::DEFAULT.normalize(text).into_owned();
    for text in [
        "don't", "don’t", "don‘t", "donʼt", "donʻt", "don＇t", "DON’T",
    ] {
        assert_eq!(default(text), "don't");
    }
    assert_eq!(default("ŉ"), "'n");
    for text in ["צה\"ל ג'", "צה״ל ג׳", "צה”ל ג’"] {
        assert_eq!(default(text), "צה\"ל ג'");
    }
    assert_eq!(normalize("’ʼ׳״"), "’ʼ׳״");
    let arabic = Normalization::DEFAULT.with_arabic_marks_dropped(true);
    assert_eq!(arabic.normalize("كِـــتَابٌ مُؤَدِّب آدَم ﷲ"), "كتاب مؤدب آدم الله");
    assert_eq!(default("كِتَابٌ"), "كِتَابٌ");
    let accents = Normalization::DEFAULT.with_accents_dropped(true);
    assert_eq!(
        accents.normalize("Crème BRÛLÉE e\u{301} ᾼ Ёлки İ ø が"),
        "creme brulee e α елки i ø が"
    );
    let digits = Normalization::DEFAULT.with_digits_unified(true);
    assert_eq!(
        digits.normalize("2024-05-31 ３.５ ½ 第3章 ٤٢"),
        "0000-00-00 0.0 0⁄0 第0章 00"
    );
}

#[test]
fn ascii_is_only_lower_cased() {
    let all: String = ('\0'..='\u{7F}').collect();
    for normalization in [Normalization::DEFAULT, Normalization::NFKC_CASEFOLD] {
        assert_eq!(normalization.normalize(&all), all.to_ascii_lowercase());
    }
    let digits = Normalization::NONE.with_digits_unified(true);
    let zeros = "0000000000";
    assert_eq!(digits.normalize(&all), all.replace("0123456789", zeros));
}

#[test]
fn none_borrows() {
    assert!(matches!(
        Normalization::NONE.normalize("Ａ\u{AD}"),
        Cow::Borrowed("Ａ\u{AD}")
    ));
}

fn text_of(chars: impl Strategy<Value = char>) -> impl Strategy<Value = String> {
    prop::collection::vec(chars, 0..60).prop_map(|chars| chars.into_iter().collect())
}

/// Characters that compose, reorder, vanish, grow or have variants, and ASCII.
fn hard() -> impl Strategy<Value = char> {
    prop::sample::select(vec![
        'a',
        'E',
        ' ',
        '.',
        'é',
        'ß',
        'İ',
        'ſ',
        'Ǆ',
        'ﬁ',
        'Å',
        '\u{301}',
        '\u{327}',
        '\u{345}',
        '\u{200B}',
        '\u{AD}',
        '\u{1100}',
        '\u{1161}',
        '\u{11A8}',
        '가',
        'ｶ',
        'ﾞ',
        '漢',
        '\u{FDFA}',
        '\u{1F1E9}',
        '\u{FE0F}',
        '\u{0F77}',
        '\u{1D15E}',
        '\u{2126}',
        'Σ',
        '1',
        '7',
        '९',
        '\'',
        '’',
        'ʼ',
        '＇',
        '׳',
        '״',
        '”',
        'א',
        'ŉ',
        'ا',
        '\u{640}',
        '\u{64E}',
        '\u{651}',
        '\u{653}',
        '\u{670}',
        'й',
        '≠',
        '\u{338}',
        'が',
        '\u{3099}',
    ])
}

fn hard_text() -> impl Strategy<Value = String> {
    text_of(prop_oneof![4 => hard(), 1 => any::<char>()])
}

proptest! {
    #[test]
    fn equals_the_specification(text in hard_text(), bytes in prop::array::uniform4(any::<u8>())) {
        let drawn = bytes.into_iter().filter_map(Normalization::from_byte);
        for normalization in drawn.chain([Normalization::DEFAULT, Normalization::NFKC_CASEFOLD]) {
            prop_assert_eq!(
                normalization.normalize(&text).into_owned(),
                naive(normalization, &text),
                "{}", normalization
            );
        }
    }

    /// The switches, applied to the whole text and one after the other.
    #[test]
    fn switches_mean_what_they_say(text in text_of(hard())) {
        let dropped = |text: &str, drop: fn(char) -> bool| -> String {
            text.nfd().filter(|&c| !drop(c)).nfc().collect()
        };
        let nfc: String = text.nfc().collect();
        let plain = Normalization::NONE.with_form(Form::Nfc);
        let marks = |c| ('\u{300}'..='\u{36F}').contains(&c) && c != '\u{338}';
        let accents = plain.with_accents_dropped(true);
        prop_assert_eq!(accents.normalize(&text).into_owned(), dropped(&text, marks));
        let arabic = |c| matches!(c, '\u{640}' | '\u{64B}'..='\u{652}' | '\u{670}');
        let marks = plain.with_arabic_marks_dropped(true);
        prop_assert_eq!(marks.normalize(&text).into_owned(), dropped(&text, arabic));
        let digits = plain.with_digits_unified(true);
        let zeros = nfc.replace(['1', '7', '९'], "0");
        prop_assert_eq!(digits.normalize(&text).into_owned(), zeros);
        let apostrophes = plain.with_apostrophes_unified(true);
        let ascii = nfc.replace(['’', 'ʼ', '＇', '׳'], "'").replace(['״', '”'], "\"");
        prop_assert_eq!(apostrophes.normalize(&text).into_owned(), ascii);
    }

    #[test]
    fn is_idempotent(text in hard_text()) {
        let once = normalize(&text);
        prop_assert_eq!(normalize(&once).into_owned(), once.clone().into_owned());
    }

    #[test]
    fn ascii_prefix_is_counted(text in "[a-z]{0,200}(é[a-z]{0,9}){0,2}") {
        let expected = text.bytes().take_while(u8::is_ascii).count();
        prop_assert_eq!(ascii_prefix(text.as_bytes()), expected);
    }
}
