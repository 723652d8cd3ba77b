//! Groups of documents.

use std::num::NonZeroU64;

use xxhash_rust::xxh3::xxh3_64;

/// The group of a document, such as its site: a hash of the group's name. See [`aside`](crate::aside).
///
/// ```
/// use resemblance::text::Group;
///
/// assert_eq!(Group::named("gazette"), Group::from("gazette"));
/// assert_ne!(Group::named("gazette"), Group::named("Gazette"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group(NonZeroU64);

impl Group {
    /// The group with this name. Two names are the same group by chance once in 2^64.
    pub fn named(name: &str) -> Self {
        Self(NonZeroU64::new(xxh3_64(name.as_bytes())).unwrap_or(NonZeroU64::MIN))
    }

    /// The hash, for files; 0 is no group.
    pub(crate) fn bits(group: Option<Self>) -> u64 {
        group.map_or(0, |Self(bits)| bits.get())
    }

    #[cfg(feature = "corpus")]
    pub(crate) fn of_bits(bits: u64) -> Option<Self> {
        NonZeroU64::new(bits).map(Self)
    }
}

impl From<&str> for Group {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}
