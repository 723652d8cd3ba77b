//! Ids as bytes, and their hashes.

use std::any::TypeId;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::xxh3_64;

/// A type of ids with which an [`Index`](crate::Index) can be saved (feature `storage`).
///
/// It is implemented for `String` and the unsigned integers. For your own type, use one of their implementations:
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
/// For ids of your own type, or of `u8`, the first look-up of an id reads all ids into a table. For the other types,
/// the table is in the file.
pub trait StoredId: Clone + Eq + Hash + Debug + Send + Sync + 'static {
    /// Name of the type, which is written to the index. An index whose ids have another name is refused. `usize` has
    /// the name of `u64`.
    const KIND: &'static str;

    /// Appends the bytes of the id. Equal ids must have the same bytes, and different ids different bytes.
    fn to_bytes(&self, bytes: &mut Vec<u8>);

    /// Decodes an id from `bytes`; `None` if they are not valid.
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

/// The hash of an id in the table of ids.
pub(crate) fn hash_of_id(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// The same hash, computed through `Hash` for a value that is hashed like an id, but has no bytes.
pub(crate) fn hash_of_fed<Q: Hash + ?Sized>(id: &Q) -> u64 {
    let mut hasher = Fed(Vec::new());
    id.hash(&mut hasher);
    hasher.finish()
}

/// True if [`hash_of_fed`] equals [`hash_of_id`] of the bytes for this type. This is also tried with `example`, since a
/// new version of the standard library may feed other bytes to a hasher.
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

/// Collects the bytes that `Hash` feeds for a string or an integer, in a form that is the same on every machine.
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
