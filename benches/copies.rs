//! Is the time linear for a million copies of one page and a thousand distinct ones? Prints the time per document with
//! a hundred thousand copies and with a million, and the ratio of the two.

mod support;

use std::time::Instant;

use resemblance::{ClusterMode, Deduper};

fn main() {
    // `cargo test --benches` runs this too: then a little is enough.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    let few = if quick { 1_000 } else { 100_000 };
    let texts = support::collection(1001, 200.0, 0);
    let page: String = support::english(1200);
    for mode in [ClusterMode::Components, ClusterMode::Leader] {
        let deduper = Deduper::builder().cluster_mode(mode).build().unwrap();
        let each: Vec<f64> = [few, 10 * few]
            .into_iter()
            .map(|copies| {
                let mut documents: Vec<&str> = vec![&page; copies];
                documents.extend(texts[..1000].iter().map(String::as_str));
                // The best of three: anything slower was disturbed.
                let best = (0..3)
                    .map(|_| {
                        let start = Instant::now();
                        let clusters = deduper.clusters(&documents);
                        assert_eq!(clusters.cluster(0).len(), copies);
                        start.elapsed().as_secs_f64()
                    })
                    .fold(f64::INFINITY, f64::min);
                let each = best / documents.len() as f64;
                println!(
                    "{mode:?}: {copies} copies: {best:.3} s, {:.0} ns a document",
                    each * 1e9
                );
                each
            })
            .collect();
        println!(
            "{mode:?}: ten times the copies take {:.3} times as long each\n",
            each[1] / each[0]
        );
    }
}
