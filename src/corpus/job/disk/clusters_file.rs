//! The file of clusters, in the order of their first documents. Numbers are little-endian.
//!
//! A cluster is written as its representative, the number of removed documents without it, its size, the fate of the
//! representative (a byte), and what was set aside of it and its id; then each removed document with id, reason, what
//! was set aside and similarity; then the number of other documents of indexes, and the id and similarity of each.

use crate::aside::Share;
use crate::corpus::error::Error;
use crate::corpus::job::decided::{DecidedCluster, Fate, Joined, Removed};
use crate::corpus::job::disk::folder::{Bytes, Reading, Writing};
use crate::verify::Similarity;

/// The numbers of a cluster's new documents, as far as it has any.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// The representative, which may belong to an index.
    pub(crate) kept: u32,
    /// The removed documents without it, ascending.
    pub(crate) removed: Vec<u32>,
}

/// The start of a cluster.
pub(crate) struct Header<'h> {
    /// The representative.
    pub(crate) kept: u32,
    pub(crate) removed: u32,
    pub(crate) size: u64,
    pub(crate) fate: Fate,
    pub(crate) aside: Share,
    pub(crate) id: &'h str,
}

impl Header<'_> {
    pub(crate) fn write(&self, to: &mut Writing<'_>) -> Result<(), Error> {
        to.write(&self.kept.to_le_bytes())?;
        to.write(&self.removed.to_le_bytes())?;
        to.write(&self.size.to_le_bytes())?;
        to.write(&[self.fate as u8])?;
        to.write(&self.aside.to_bytes())?;
        to.counted(self.id.as_bytes())
    }
}

/// Writes a removed document.
pub(crate) fn write_removed(
    to: &mut Writing<'_>,
    document: u32,
    (id, aside): (&str, Share),
    reason: &str,
    similarity: &Similarity,
) -> Result<(), Error> {
    to.write(&document.to_le_bytes())?;
    to.counted(id.as_bytes())?;
    to.counted(reason.as_bytes())?;
    to.write(&aside.to_bytes())?;
    write_similarity(to, similarity)
}

/// Writes the number of documents of indexes, which follow the removed ones.
pub(crate) fn write_joined_count(to: &mut Writing<'_>, joined: u32) -> Result<(), Error> {
    to.write(&joined.to_le_bytes())
}

/// Writes a document of an index.
pub(crate) fn write_joined(
    to: &mut Writing<'_>,
    id: &str,
    similarity: &Similarity,
) -> Result<(), Error> {
    to.counted(id.as_bytes())?;
    write_similarity(to, similarity)
}

fn write_similarity(to: &mut Writing<'_>, similarity: &Similarity) -> Result<(), Error> {
    to.write(&(similarity.shared as u64).to_le_bytes())?;
    let Similarity {
        jaccard,
        containment_a,
        containment_b,
        ..
    } = *similarity;
    let shares = [jaccard, containment_a, containment_b];
    shares
        .iter()
        .try_for_each(|share| to.write(&share.to_le_bytes()))
}

/// Reads the next cluster; `None` at the end. Replaces `numbers` with those of its documents.
pub(crate) fn read(
    from: &mut Reading,
    number: usize,
    numbers: &mut Numbers,
) -> Result<Option<DecidedCluster>, Error> {
    let Some(representative) = from.next_u32()? else {
        return Ok(None);
    };
    let removed = from.u32()?;
    let size = from.u64()?;
    let fate = from.array()?;
    let aside = share(from)?;
    let kept = text(from)?;
    numbers.kept = representative;
    numbers.removed.clear();
    let removed = (0..removed).map(|_| {
        numbers.removed.push(from.u32()?);
        Ok(Removed {
            id: text(from)?,
            reason: text(from)?,
            aside: share(from)?,
            similarity: read_similarity(from)?,
        })
    });
    let removed = removed.collect::<Result<_, Error>>()?;
    let joined = (0..from.u32()?).map(|_| {
        Ok(Joined {
            id: text(from)?,
            similarity: read_similarity(from)?,
        })
    });
    let cluster = DecidedCluster {
        number,
        joined: joined.collect::<Result<_, Error>>()?,
        is_indexed: fate == [Fate::Indexed as u8],
        dropped: None,
        size,
        removed,
        kept,
        aside,
    };
    Ok(Some(match fate == [Fate::Dropped as u8] {
        true => cluster.into_dropped(),
        false => cluster,
    }))
}

fn share(from: &mut Reading) -> Result<f64, Error> {
    Ok(Share::of_bytes(from.array()?).value())
}

fn text(from: &mut Reading) -> Result<String, Error> {
    let mut text = String::new();
    from.text(&mut text)?;
    Ok(text)
}

fn read_similarity(from: &mut Reading) -> Result<Similarity, Error> {
    Ok(Similarity {
        shared: from.u64()? as usize,
        jaccard: from.f64()?,
        containment_a: from.f64()?,
        containment_b: from.f64()?,
    })
}
