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
        // The index holds signatures only; the texts are where they always were.
        let known = index.query_verified(&text, |path| read_to_string(path).ok());
        if let Some(known) = known.first() {
            let jaccard = known.similarity.jaccard;
            println!("known  {path}: {jaccard:.3} like {}", known.id);
        } else {
            println!("new    {path}");
            index.insert(path, &text)?;
        }
    }
    println!("{} articles, {} bytes", index.len(), index.memory_usage());
    Ok(())
}
