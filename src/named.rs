//! Settings as short strings: `Display`, `FromStr` and serde use the same spelling.

/// Implements serde's traits with `Display` and `FromStr`.
macro_rules! serde_as_text {
    ($type:ty) => {
        #[cfg(feature = "serde")]
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Implements `Display`, `FromStr` and serde's traits for an enum with named values. `what` and `expected` appear in
/// the error.
macro_rules! named {
    ($type:ident, $what:literal, $expected:literal, { $($value:ident: $name:literal),+ }) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self {
                    $(Self::$value => $name,)+
                })
            }
        }

        impl std::str::FromStr for $type {
            type Err = crate::error::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$value),)+
                    _ => Err(crate::error::Error::unknown($what, text, $expected)),
                }
            }
        }

        crate::named::serde_as_text!($type);
    };
}

pub(crate) use {named, serde_as_text};
