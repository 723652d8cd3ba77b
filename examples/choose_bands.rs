//! From a recall to bands, and what they find:
//! `cargo run --example choose_bands -- 0.8 0.99 128` (threshold, recall, hashes).

use std::error::Error;

use resemblance::Banding;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let argument = |i: usize, default: &str| args.get(i).map_or(default, |a| a).parse::<f64>();
    let (threshold, recall) = (argument(0, "0.8")?, argument(1, "0.99")?);
    let hashes = argument(2, "128")? as usize;

    println!("recall at {threshold} with {hashes} hashes:");
    for recall in [0.9, 0.95, 0.99, 0.999, 0.9999] {
        match Banding::for_recall(threshold, recall, hashes) {
            Ok(banding) => println!("  {recall:<7} {:>8}", banding.to_string()),
            Err(error) => println!("  {recall:<7} {error}"),
        }
    }

    let banding = Banding::for_recall(threshold, recall, hashes)?;
    println!("\npairs that become candidates with {banding}, by similarity:");
    for (jaccard, probability) in banding.curve(20) {
        let bar = "#".repeat((probability * 50.0).round() as usize);
        println!("  {jaccard:.2}  {probability:.4}  {bar}");
    }
    Ok(())
}
