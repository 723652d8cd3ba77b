//! Values of fields: their order, and their form as bytes.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// A value that a keep policy compares, with a total order. Numbers come before strings. Strings are compared by code
/// points, so dates such as `2024-05-31` are in order.
#[derive(Debug, Clone, Default)]
pub(crate) enum FieldValue<'a> {
    /// The value is missing, or not compared.
    #[default]
    Nothing,
    Number(Number),
    Text(Cow<'a, str>),
}

/// A number. Whole numbers keep all their digits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    /// A whole number of 64 bits, signed or unsigned.
    Whole(i128),
    Float(f64),
}

impl Number {
    /// A float. Zero loses its sign, so that `0` and `-0` are equal.
    pub(crate) fn float(number: f64) -> Self {
        Self::Float(number + 0.0)
    }

    /// Whether the number is NaN, which JSON cannot contain but other formats can.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    pub(crate) fn is_nan(self) -> bool {
        matches!(self, Self::Float(number) if number.is_nan())
    }

    /// The key of the order: the number as a float, then its digits beyond the precision of a float.
    fn size(self) -> (f64, i128) {
        match self {
            Self::Whole(number) => (number as f64, number),
            Self::Float(number) => (number, number as i128),
        }
    }
}

impl FieldValue<'_> {
    /// A count as a value.
    pub(crate) fn whole(number: usize) -> Self {
        Self::Number(Number::Whole(number as i128))
    }

    pub(crate) fn into_owned(self) -> FieldValue<'static> {
        match self {
            Self::Nothing => FieldValue::Nothing,
            Self::Number(number) => FieldValue::Number(number),
            Self::Text(text) => FieldValue::Text(Cow::Owned(text.into_owned())),
        }
    }
}

impl Ord for FieldValue<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let kind = |value: &Self| match value {
            Self::Nothing => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
        };
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => {
                let (left, right) = (left.size(), right.size());
                left.0.total_cmp(&right.0).then(left.1.cmp(&right.1))
            }
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            _ => kind(self).cmp(&kind(other)),
        }
    }
}

impl PartialOrd for FieldValue<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for FieldValue<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for FieldValue<'_> {}

/// The shortest form that is read back as the same number: `7`, `-0.5`, `1e300`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Whole(number) => write!(f, "{number}"),
            Self::Float(number) if number == 0.0 || (1e-6..1e21).contains(&number.abs()) => {
                write!(f, "{number}")
            }
            Self::Float(number) => write!(f, "{number:e}"),
        }
    }
}

/// The first byte of a value, which is its kind.
mod tag {
    pub(crate) const NOTHING: u8 = 0;
    pub(crate) const WHOLE: u8 = 1;
    pub(crate) const FLOAT: u8 = 2;
    pub(crate) const TEXT: u8 = 3;
}

impl<'a> FieldValue<'a> {
    /// Appends the value as bytes: its kind, then as few bytes as it takes.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Nothing => to.push(tag::NOTHING),
            Self::Number(Number::Whole(number)) => {
                to.push(tag::WHOLE);
                // Zigzag: 0, -1, 1, -2 become 0, 1, 2, 3.
                write_whole((number << 1 ^ number >> 127).cast_unsigned(), to);
            }
            Self::Number(Number::Float(number)) => {
                to.push(tag::FLOAT);
                to.extend(number.to_bits().to_le_bytes());
            }
            Self::Text(text) => {
                to.push(tag::TEXT);
                write_whole(text.len() as u128, to);
                to.extend(text.as_bytes());
            }
        }
    }

    /// Reads and removes a value from the front of bytes; `None` if they are not a value.
    pub(crate) fn read(from: &mut &'a [u8]) -> Option<Self> {
        Some(match *from.split_off_first()? {
            tag::NOTHING => Self::Nothing,
            tag::WHOLE => {
                let folded = read_whole(from)?;
                let sign = -(folded & 1).cast_signed();
                Self::Number(Number::Whole((folded >> 1).cast_signed() ^ sign))
            }
            tag::FLOAT => {
                let bits = from.split_off(..8)?.try_into().ok()?;
                Self::Number(Number::Float(f64::from_bits(u64::from_le_bytes(bits))))
            }
            tag::TEXT => {
                let len = usize::try_from(read_whole(from)?).ok()?;
                let text = std::str::from_utf8(from.split_off(..len)?).ok()?;
                Self::Text(Cow::Borrowed(text))
            }
            _ => return None,
        })
    }
}

/// Appends a number in groups of seven bits, lowest first. All bytes but the last have the high bit set.
pub(crate) fn write_whole(mut number: u128, to: &mut Vec<u8>) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

/// Reads and removes a number that [`write_whole`] wrote.
pub(crate) fn read_whole(from: &mut &[u8]) -> Option<u128> {
    let mut number = 0;
    for shift in (0..u128::BITS).step_by(7) {
        let byte = *from.split_off_first()?;
        let group = u128::from(byte & 0x7F);
        if group << shift >> shift != group {
            return None; // more than 128 bits
        }
        number |= group << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values of all kinds, equals among them.
    pub(crate) fn values() -> impl Strategy<Value = FieldValue<'static>> {
        prop_oneof![
            Just(FieldValue::Nothing),
            any::<i64>().prop_map(|n| FieldValue::Number(Number::Whole(n.into()))),
            any::<u64>().prop_map(|n| FieldValue::Number(Number::Whole(n.into()))),
            (-3i8..3).prop_map(|n| FieldValue::Number(Number::Whole(n.into()))),
            (-3i8..3).prop_map(|n| FieldValue::Number(Number::float(n.into()))),
            any::<f64>().prop_map(|n| FieldValue::Number(Number::float(n))),
            ".{0,9}".prop_map(|text| FieldValue::Text(text.into())),
        ]
    }

    #[test]
    fn numbers_by_size_then_strings_by_code_points() {
        let number = |number| FieldValue::Number(Number::Whole(number));
        let float = |number| FieldValue::Number(Number::float(number));
        let text = |text: &'static str| FieldValue::Text(text.into());
        let ascending = [
            FieldValue::Nothing,
            float(-1e300),
            float(-3.5),
            number(-3),
            float(0.5),
            number(1 << 53),
            number((1 << 53) + 1),
            number(u64::MAX.into()),
            text(""),
            text("10"),
            text("2024-01-02"),
            text("2024-11-01"),
            text("é"),
        ];
        assert!(ascending.is_sorted_by(|a, b| a < b));
        assert_eq!(number(0), float(-0.0));
        assert_eq!(number(7), float(7.0));
    }

    #[test]
    fn numbers_are_shown_short() {
        let shown = |number| Number::float(number).to_string();
        assert_eq!(
            Number::Whole(u64::MAX.into()).to_string(),
            "18446744073709551615"
        );
        assert_eq!(
            [7.0, -0.5, -0.0, 1e-6].map(shown),
            ["7", "-0.5", "0", "0.000001"]
        );
        assert_eq!([1e300, 1.5e-7].map(shown), ["1e300", "1.5e-7"]);
    }

    proptest! {
        #[test]
        fn is_a_total_order(a in values(), b in values(), c in values()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert!(!(a <= b && b <= c) || a <= c);
        }

        #[test]
        fn whole_numbers_are_read_as_written(number: u128) {
            let mut bytes = Vec::new();
            write_whole(number, &mut bytes);
            prop_assert_eq!(read_whole(&mut &*bytes), Some(number));
            prop_assert_eq!(read_whole(&mut &bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn bytes_that_are_no_value_are_none() {
        let read = |mut bytes: &[u8]| FieldValue::read(&mut bytes).is_some();
        assert!(read(&[tag::NOTHING]) && read(&[tag::TEXT, 1, b'x']));
        for bytes in [
            &[][..],
            &[4],
            &[tag::WHOLE],
            &[tag::FLOAT, 0, 0, 0, 0, 0, 0, 0],
            &[tag::TEXT, 2, b'x'],
            &[tag::TEXT, 1, 0xFF],
        ] {
            assert!(!read(bytes), "{bytes:?}");
        }
        assert_eq!(read_whole(&mut &[0xFF; 40][..]), None);
    }
}
