//! Schemes: the settings that determine the numbers of a signature.

use std::fmt;

use super::SketchKind;
use crate::error::{Error, Kind};
use crate::text::{Normalization, Shingle};

/// Version of all algorithms that determine a signature's numbers: normalization, tokens, hashes, sketches.
///
/// A version is frozen: no release changes its numbers. `docs/signature.md` defines them, and golden tests check them.
pub const SCHEME_VERSION: u8 = 2;

/// The settings that determine a signature's numbers: version, sketch, K, shingle, normalization, seed.
///
/// Every [`Signature`](super::Signature) and [`SignatureMatrix`](super::SignatureMatrix) carries its scheme. Comparing
/// signatures of different schemes is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "stored::Stored"))]
pub struct Scheme {
    version: u8,
    sketch: SketchKind,
    hashes: u16,
    shingle: Shingle,
    normalization: Normalization,
    seed: u64,
}

impl Scheme {
    /// Makes a scheme of the current [`SCHEME_VERSION`].
    ///
    /// # Errors
    /// If `hashes` or the shingle's n is not from 1 to 65,535.
    pub fn new(
        sketch: SketchKind,
        hashes: usize,
        shingle: Shingle,
        normalization: Normalization,
        seed: u64,
    ) -> Result<Self, Error> {
        Ok(Self {
            version: SCHEME_VERSION,
            sketch,
            hashes: valid_hashes(hashes)?,
            shingle: shingle.validate()?,
            normalization,
            seed,
        })
    }

    /// The version of the algorithms, see [`SCHEME_VERSION`].
    pub fn version(&self) -> u8 {
        self.version
    }

    /// The sketch.
    pub fn sketch(&self) -> SketchKind {
        self.sketch
    }

    /// K, the number of slots of a signature.
    pub fn hashes(&self) -> usize {
        usize::from(self.hashes)
    }

    /// The shingle.
    pub fn shingle(&self) -> Shingle {
        self.shingle
    }

    /// The normalization.
    pub fn normalization(&self) -> Normalization {
        self.normalization
    }

    /// The seed of all hashes.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Checks that `other` is the same scheme.
    ///
    /// # Errors
    /// If it is another scheme. The error names both.
    pub fn matches(&self, other: &Self) -> Result<(), Error> {
        if self == other {
            return Ok(());
        }
        Err(Error::new(Kind::SchemeMismatch {
            left: self.to_string(),
            right: other.to_string(),
        }))
    }
}

/// Checks that a sketch can have `hashes` slots.
pub(super) fn valid_hashes(hashes: usize) -> Result<u16, Error> {
    match u16::try_from(hashes) {
        Ok(valid) if valid > 0 => Ok(valid),
        _ => Err(Error::new(Kind::Hashes(hashes))),
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            sketch,
            hashes,
            shingle,
            normalization,
            seed,
        } = self;
        write!(
            f,
            "v{version}/{sketch}:{hashes}/{shingle}/{normalization}/seed:{seed}"
        )
    }
}

#[cfg(feature = "serde")]
mod stored {
    //! Checks a scheme when it is deserialized.

    use super::{Normalization, SCHEME_VERSION, Scheme, Shingle, SketchKind};

    #[derive(serde::Deserialize)]
    pub(super) struct Stored {
        version: u8,
        sketch: SketchKind,
        hashes: usize,
        shingle: Shingle,
        normalization: Normalization,
        seed: u64,
    }

    impl TryFrom<Stored> for Scheme {
        type Error = String;

        fn try_from(stored: Stored) -> Result<Self, String> {
            let Stored {
                version,
                sketch,
                hashes,
                shingle,
                normalization,
                seed,
            } = stored;
            if version != SCHEME_VERSION {
                return Err(format!(
                    "scheme version {version}: this crate has version {SCHEME_VERSION}"
                ));
            }
            Self::new(sketch, hashes, shingle, normalization, seed).map_err(|e| e.to_string())
        }
    }
}
