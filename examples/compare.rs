//! Compares two text files: `cargo run --release --example compare -- A.txt B.txt`.

use std::env::args;
use std::error::Error;
use std::fs::read_to_string;

use resemblance::Deduper;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<String> = args().skip(1).collect();
    let [a, b] = paths.as_slice() else {
        return Err("usage: compare A.txt B.txt".into());
    };
    let (a, b) = (read_to_string(a)?, read_to_string(b)?);
    let deduper = Deduper::new();

    // Exactly, from the texts themselves.
    let similarity = deduper.similarity(&a, &b);
    println!("Jaccard similarity     {:.3}", similarity.jaccard);
    println!("of the first in second {:.3}", similarity.containment_a);
    println!("of the second in first {:.3}", similarity.containment_b);
    println!("shingles in common     {}", similarity.shared);

    // Estimated, from 512 bytes that could have been kept of each.
    let estimate = deduper.signature(&a).estimate(&deduper.signature(&b))?;
    println!("estimated Jaccard      {estimate}");
    Ok(())
}
