//! Signatures in an `SQLite` database: candidates are found by their band keys, and compared by their signatures.
//! `cargo run --release --example sqlite -- seen.db examples/articles/*.txt`

use std::error::Error;
use std::fs::read_to_string;

use resemblance::{Deduper, Signature};
use rusqlite::{Connection, params};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS documents (id INTEGER PRIMARY KEY, path TEXT NOT NULL, signature BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS bands (band INTEGER, key INTEGER, document INTEGER, PRIMARY KEY (band, key, document))
        WITHOUT ROWID;";

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let mut args = std::env::args().skip(1);
    let database = args.next().ok_or("usage: sqlite DATABASE FILE...")?;
    let deduper = Deduper::new();
    let mut connection = Connection::open(database)?;
    connection.execute_batch(TABLES)?;
    let transaction = connection.transaction()?;
    for path in args {
        let signature = deduper.signature(read_to_string(&path)?);
        match most_similar(&transaction, &deduper, &signature)? {
            Some((known, jaccard)) if jaccard >= deduper.threshold() => {
                println!("known  {path}: about {jaccard:.3} like {known}");
            }
            _ => {
                println!("new    {path}");
                insert(&transaction, &deduper, &path, &signature)?;
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

/// The keys of all bands with their numbers. Integers of `SQLite` have a sign.
fn keys(deduper: &Deduper, signature: &Signature) -> impl Iterator<Item = (i64, i64)> {
    let keys = deduper.banding().keys(signature.slots());
    (0..).zip(keys.map(u64::cast_signed))
}

fn insert(db: &Connection, deduper: &Deduper, path: &str, signature: &Signature) -> Fallible<()> {
    let row = params![path, signature.to_bytes()];
    db.execute("INSERT INTO documents (path, signature) VALUES (?, ?)", row)?;
    let id = db.last_insert_rowid();
    let mut band = db.prepare_cached("INSERT INTO bands VALUES (?, ?, ?)")?;
    // Documents without shingles resemble nothing.
    for (number, key) in keys(deduper, signature).filter(|_| !signature.is_empty()) {
        band.execute(params![number, key, id])?;
    }
    Ok(())
}

/// The document of the highest estimate among those that share a band.
fn most_similar(
    db: &Connection,
    deduper: &Deduper,
    signature: &Signature,
) -> Fallible<Option<(String, f64)>> {
    let query = "SELECT path, signature FROM bands JOIN documents ON id = document WHERE band = ? AND key = ?";
    let mut in_band = db.prepare_cached(query)?;
    let mut best = None;
    for (number, key) in keys(deduper, signature) {
        let mut rows = in_band.query(params![number, key])?;
        while let Some(row) = rows.next()? {
            // An error if the database was filled with other settings.
            let known = Signature::from_bytes(row.get_ref(1)?.as_blob()?)?;
            let jaccard = signature.estimate(&known)?.jaccard;
            if best.as_ref().is_none_or(|(_, most)| jaccard > *most) {
                best = Some((row.get(0)?, jaccard));
            }
        }
    }
    Ok(best)
}
