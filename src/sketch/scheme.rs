//! What a signature's numbers mean.

use std::fmt;

use super::SketchKind;
use crate::error::{Error, Kind};
use crate::text::{Normalization, Shingle};

/// Version of everything that decides a signature's numbers: normalization, tokens, hashes, sketches.
///
/// Frozen: no release changes the numbers of a version. They are those of `docs/signature.md` and are held by
/// golden tests.
pub const SCHEME_VERSION: u8 = 2;

/// Everything that a signature's numbers depend on: version, sketch, K, shingle, normalization, seed.
///
/// Every [`Signature`](super::Signature) and [`SignatureMatrix`](super::SignatureMatrix) carries its
/// scheme; comparing two schemes is an error.
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
    /// A scheme of the current [`SCHEME_VERSION`].
    ///
    /// # Errors
    /// Where `hashes` or the shingle's n is not from 1 to 65,535.
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

    /// Version of the numbers.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// The sketch.
    pub fn sketch(&self) -> SketchKind {
        self.sketch
    }

    /// K, the slots of a signature.
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

    /// Nothing where `other` is the same scheme.
    ///
    /// # Errors
    /// Where it is another: both are named.
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

/// `hashes` as a K that a sketch can have.
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
    //! A scheme read from outside is checked before it is one.

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
