//! Ids as bytes, and how they are found again.

use std::any::TypeId;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::xxh3_64;

/// Ids that an [`Index`](crate::Index) can be saved with (feature `storage`).
///
/// Implemented for `String` and the unsigned integers. Implement it for a type of your own by way of one of these:
///
/// ```
/// use resemblance::lsh::StoredId;
///
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// struct Isbn(u64);
///
/// impl StoredId for Isbn {
///     const KIND: &'static str = "isbn";
///
///     fn to_bytes(&self, bytes: &mut Vec<u8>) {
///         self.0.to_bytes(bytes);
///     }
///
///     fn from_bytes(bytes: &[u8]) -> Option<Self> {
///         u64::from_bytes(bytes).map(Self)
///     }
/// }
/// ```
///
/// An index with ids of your own type, or of `u8`, reads all of them into a table when one is first looked up; for the
/// others the table is in the file.
pub trait StoredId: Clone + Eq + Hash + Debug + Send + Sync + 'static {
    /// Name of the type, written to the index; an index whose ids have another name is refused. `usize` has that of
    /// `u64`.
    const KIND: &'static str;

    /// Appends the id. Equal ids give the same bytes, and different ids different ones.
    fn to_bytes(&self, bytes: &mut Vec<u8>);

    /// The id that was written as `bytes`; none where no id is.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl StoredId for String {
    const KIND: &'static str = "string";

    fn to_bytes(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.as_bytes());
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        str::from_utf8(bytes).ok().map(str::to_owned)
    }
}

macro_rules! stored_integers {
    ($($integer:ident)*) => {$(
        impl StoredId for $integer {
            const KIND: &'static str = stringify!($integer);

            fn to_bytes(&self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        }
    )*};
}

stored_integers!(u8 u16 u32 u64 u128);

impl StoredId for usize {
    const KIND: &'static str = u64::KIND;

    fn to_bytes(&self, bytes: &mut Vec<u8>) {
        (*self as u64).to_bytes(bytes);
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::try_from(u64::from_bytes(bytes)?).ok()
    }
}

/// The hash by which an id is found in the table of ids.
pub(crate) fn hash_of_id(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// The same hash of what can be hashed like an id, but has no bytes.
pub(crate) fn hash_of_fed<Q: Hash + ?Sized>(id: &Q) -> u64 {
    let mut hasher = Fed(Vec::new());
    id.hash(&mut hasher);
    hasher.finish()
}

/// True where [`hash_of_fed`] is [`hash_of_id`] of the bytes, for this type and, as far as `example` tells, this
/// version of the standard library: what it feeds to a hasher is not promised to stay the same.
pub(crate) fn hashes_as_stored<Id: StoredId>(example: Option<&[u8]>) -> bool {
    let types = [
        TypeId::of::<String>(),
        TypeId::of::<u16>(),
        TypeId::of::<u32>(),
        TypeId::of::<u64>(),
        TypeId::of::<u128>(),
        TypeId::of::<usize>(),
    ];
    let agrees =
        |bytes| Id::from_bytes(bytes).map(|id| hash_of_fed(&id)) == Some(hash_of_id(bytes));
    types.contains(&TypeId::of::<Id>()) && example.is_none_or(agrees)
}

/// What `Hash` feeds of a string or an integer, as bytes that are the same everywhere.
struct Fed(Vec<u8>);

impl Hasher for Fed {
    fn finish(&self) -> u64 {
        hash_of_id(&self.0)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The end of a string.
    fn write_u8(&mut self, _: u8) {}

    fn write_u16(&mut self, number: u16) {
        self.write(&number.to_le_bytes());
    }

    fn write_u32(&mut self, number: u32) {
        self.write(&number.to_le_bytes());
    }

    fn write_u64(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }

    fn write_u128(&mut self, number: u128) {
        self.write(&number.to_le_bytes());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds<Id: StoredId>(id: &Id, fed: bool) {
        let mut bytes = Vec::new();
        id.to_bytes(&mut bytes);
        assert_eq!(Id::from_bytes(&bytes).as_ref(), Some(id));
        assert_eq!(hashes_as_stored::<Id>(Some(&bytes)), fed, "{id:?}");
    }

    #[test]
    fn ids_are_what_they_were() {
        for id in ["", "a", "some longer id with spaces", "\u{FF}é"] {
            holds(&id.to_owned(), true);
            assert_eq!(hash_of_fed(id), hash_of_id(id.as_bytes()));
        }
        for number in [0, 1, u16::MAX] {
            holds(&number, true);
            holds(&u32::from(number), true);
            holds(&u64::from(number), true);
            holds(&u128::from(number), true);
            holds(&usize::from(number), true);
            holds(&(number as u8), false);
        }
    }

    #[test]
    fn other_bytes_are_no_ids() {
        assert_eq!(String::from_bytes(&[0xFF]), None);
        assert_eq!(u32::from_bytes(&[1, 2, 3]), None);
        assert_eq!(usize::from_bytes(&[]), None);
        assert_eq!((u64::KIND, usize::KIND), ("u64", "u64"));
    }
}
