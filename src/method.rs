//! How candidate pairs are found.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Kind};

/// How candidate pairs are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Method {
    /// MinHash signatures in bands: finds pairs with the recall that is asked for.
    #[default]
    Lsh,
    /// The [exact join](crate::exact): finds every pair.
    Exact,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lsh => "lsh",
            Self::Exact => "exact",
        })
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "lsh" => Ok(Self::Lsh),
            "exact" => Ok(Self::Exact),
            _ => Err(Error::new(Kind::MethodText(text.to_owned()))),
        }
    }
}
