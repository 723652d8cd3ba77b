//! Decodes single characters of a text, without checks that valid UTF-8 does not need.

/// Decodes a character of three bytes; `None` if the character has another length. Han, kana and Hangul have three
/// bytes, and come in runs.
#[inline(always)]
pub(super) fn of_three(&[first, second, third]: &[u8; 3]) -> Option<u32> {
    let bits = |byte: u8| u32::from(byte & 0x3F);
    let code = u32::from(first & 0xF) << 12 | bits(second) << 6 | bits(third);
    (first & 0xF0 == 0xE0).then_some(code)
}

/// Decodes the character at `at`, and returns it with the start of the next one. `None` at the end of the text.
#[inline(always)]
pub(super) fn char_at(text: &[u8], at: usize) -> Option<(u32, usize)> {
    let rest = text.get(at..)?;
    // The most frequent case in text that is not ASCII.
    if let Some(code) = rest.first_chunk().and_then(of_three) {
        return Some((code, at + 3));
    }
    let bits = |byte: u8| u32::from(byte & 0x3F);
    match *rest {
        [byte @ ..0x80, ..] => Some((u32::from(byte), at + 1)),
        [first @ ..0xE0, second, ..] => Some((u32::from(first & 0x1F) << 6 | bits(second), at + 2)),
        [first, second, third, fourth, ..] => {
            let high = u32::from(first & 7) << 18 | bits(second) << 12;
            Some((high | bits(third) << 6 | bits(fourth), at + 4))
        }
        // Only at the end: a text has only whole characters.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character() {
        for c in '\0'..=char::MAX {
            let mut bytes = [0; 8];
            let end = 1 + c.encode_utf8(&mut bytes[1..]).len();
            for text in [&bytes[..end], &bytes[..]] {
                assert_eq!(char_at(text, 1), Some((u32::from(c), end)), "{c:?}");
            }
        }
        assert_eq!(char_at(b"a", 1), None);
        assert_eq!(char_at(b"a", 2), None);
    }
}
