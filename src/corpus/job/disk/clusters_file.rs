//! The file of clusters, in the order of their first documents. Numbers are little-endian.
//!
//! A cluster is written as its first document, the number of removed documents, whether the kept one belongs to an
//! index (a byte), and what was set aside of the kept one and its id; then each removed document with id, reason, what
//! was set aside and similarity; then the number of other documents of indexes, and the id and similarity of each.

use crate::aside::Share;
use crate::corpus::error::Error;
use crate::corpus::job::decided::{DecidedCluster, Joined, Removed};
use crate::corpus::job::disk::folder::{Bytes, Reading, Writing};
use crate::verify::Similarity;

/// Writes the start of a cluster.
pub(crate) fn write_header(
    to: &mut Writing<'_>,
    [first, removed]: [u32; 2],
    is_indexed: bool,
    (kept, aside): (&str, Share),
) -> Result<(), Error> {
    to.write(&first.to_le_bytes())?;
    to.write(&removed.to_le_bytes())?;
    to.write(&[u8::from(is_indexed)])?;
    to.write(&aside.to_bytes())?;
    to.counted(kept.as_bytes())
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

/// Reads the next cluster; `None` at the end. Replaces `removed_documents` with the numbers of its removed documents.
pub(crate) fn read(
    from: &mut Reading,
    number: usize,
    removed_documents: &mut Vec<u32>,
) -> Result<Option<DecidedCluster>, Error> {
    if from.next_u32()?.is_none() {
        return Ok(None);
    }
    let removed = from.u32()?;
    let [is_indexed] = from.array()?;
    let aside = share(from)?;
    let kept = text(from)?;
    removed_documents.clear();
    let removed = (0..removed).map(|_| {
        removed_documents.push(from.u32()?);
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
    Ok(Some(DecidedCluster {
        number,
        joined: joined.collect::<Result<_, Error>>()?,
        is_indexed: is_indexed != 0,
        removed,
        kept,
        aside,
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
