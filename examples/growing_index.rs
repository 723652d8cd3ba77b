//! An index that grows: articles come one at a time, and each is looked up before it is inserted.
//! `cargo run --release --example growing_index -- examples/articles/*.txt`

use std::error::Error;
use std::fs::read_to_string;

use resemblance::{Deduper, Index};

fn main() -> Result<(), Box<dyn Error>> {
    let deduper = Deduper::builder().threshold(0.7).build()?;
    let mut index: Index<String> = deduper.index();
    for path in std::env::args().skip(1) {
        let text = read_to_string(&path)?;
        // To miss none, ask for less than the threshold: estimates err.
        let candidates = index.query_above(&text, deduper.estimate_floor());
        // The index holds signatures only; the texts are where they always were.
        let mut known = None;
        for candidate in candidates {
            let similarity = deduper.similarity(&text, read_to_string(&candidate.id)?);
            if similarity.jaccard >= deduper.threshold() {
                known = Some((candidate.id, similarity.jaccard));
                break;
            }
        }
        if let Some((id, jaccard)) = known {
            println!("known  {path}: {jaccard:.3} like {id}");
        } else {
            println!("new    {path}");
            index.insert(path, &text)?;
        }
    }
    println!("{} articles, {} bytes", index.len(), index.memory_usage());
    Ok(())
}
