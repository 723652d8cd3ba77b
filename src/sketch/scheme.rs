//! Schemes: the settings that determine the numbers of a signature.

use std::fmt;

use super::SketchKind;
use crate::error::{Error, Kind};
use crate::text::{Normalization, Shingle};

/// Version of all algorithms that determine a signature's numbers: normalization, tokens, hashes, sketches.
///
/// A version is frozen: no release changes its numbers. `docs/signature.md` defines them, and golden tests check them.
pub const SCHEME_VERSION: u8 = 3;

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

/// Bytes of a scheme.
pub(crate) const BYTES: usize = 16;

impl Scheme {
    /// As [`Signature::to_bytes`](super::Signature::to_bytes) describes it.
    pub(crate) fn to_bytes(self) -> [u8; BYTES] {
        let sketch = match self.sketch {
            SketchKind::FastSimilarity => 0,
            SketchKind::Classic => 1,
        };
        let shingle = match self.shingle {
            Shingle::Words(_) => 0,
            Shingle::Chars(_) => 1,
            Shingle::Bytes(_) => 2,
            Shingle::Tokens(_) => 3,
        };
        let [k0, k1] = self.hashes.to_le_bytes();
        let [n0, n1] = (self.shingle.size() as u16).to_le_bytes();
        let mut bytes = [0; BYTES];
        bytes[..8].copy_from_slice(&[
            self.version,
            sketch,
            k0,
            k1,
            shingle,
            self.normalization.to_byte(),
            n0,
            n1,
        ]);
        bytes[8..].copy_from_slice(&self.seed.to_le_bytes());
        bytes
    }

    /// The scheme of these bytes, or why it is none.
    pub(crate) fn from_bytes(bytes: [u8; BYTES]) -> Result<Self, String> {
        let [
            version,
            sketch,
            k0,
            k1,
            shingle,
            normalization,
            n0,
            n1,
            seed @ ..,
        ] = bytes;
        if version != SCHEME_VERSION {
            return Err(other_version(version));
        }
        let sketch = match sketch {
            0 => SketchKind::FastSimilarity,
            1 => SketchKind::Classic,
            other => return Err(format!("sketch {other} is unknown")),
        };
        let n = usize::from(u16::from_le_bytes([n0, n1]));
        let shingle = match shingle {
            0 => Shingle::Words(n),
            1 => Shingle::Chars(n),
            2 => Shingle::Bytes(n),
            3 => Shingle::Tokens(n),
            other => return Err(format!("shingle {other} is unknown")),
        };
        let normalization = Normalization::from_byte(normalization)
            .ok_or_else(|| format!("normalization {normalization} is unknown"))?;
        let hashes = usize::from(u16::from_le_bytes([k0, k1]));
        let seed = u64::from_le_bytes(seed);
        Self::new(sketch, hashes, shingle, normalization, seed).map_err(|error| error.to_string())
    }
}

fn other_version(version: u8) -> String {
    format!("scheme version {version}: this crate has version {SCHEME_VERSION}")
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
    //! Checks a scheme when it is deserialized.

    use super::{Normalization, SCHEME_VERSION, Scheme, Shingle, SketchKind, other_version};

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
                return Err(other_version(version));
            }
            Self::new(sketch, hashes, shingle, normalization, seed).map_err(|e| e.to_string())
        }
    }
}
