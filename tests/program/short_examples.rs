//! The short examples, run as their users run them.

use crate::support::program::{A, B, Place, Ran, example};

fn run(place: &Place, name: &str, args: &str, input: &str) -> Ran {
    let ran = place.run_example(&example(name), args, input.as_bytes());
    assert_eq!(ran.code, 0, "{name}: {}", ran.err);
    ran
}

/// Two texts, the second of which is in another file in capitals as well.
fn articles(place: &Place) -> &'static str {
    place.write("a.txt", A).write("b.txt", B);
    place.write("c.txt", B.to_uppercase());
    "a.txt b.txt c.txt"
}

#[test]
fn compare() {
    let place = Place::new();
    place
        .write("a.txt", "Qu’y a-t-il ?")
        .write("b.txt", "qu'y a t il");
    let ran = run(&place, "compare", "a.txt b.txt", "");
    assert!(
        ran.out.starts_with("Jaccard similarity     1.000\n"),
        "{}",
        ran.out
    );
    for args in ["--normalize nfkc-casefold", "--shingle tokens:2"] {
        let ran = run(&place, "compare", &format!("a.txt b.txt {args}"), "");
        assert!(
            !ran.out.starts_with("Jaccard similarity     1"),
            "{}",
            ran.out
        );
    }
}

#[test]
fn growing_index() {
    let place = Place::new();
    let ran = run(&place, "growing_index", articles(&place), "");
    let expected = "new    a.txt\nnew    b.txt\nknown  c.txt: 1.000 like b.txt\n2 articles, ";
    assert!(ran.out.starts_with(expected), "{}", ran.out);
}

#[test]
fn sqlite() {
    let place = Place::new();
    let args = format!("seen.db {}", articles(&place));
    let ran = run(&place, "sqlite", &args, "");
    let expected = "new    a.txt\nnew    b.txt\nknown  c.txt: about 1.000 like b.txt\n";
    assert_eq!(ran.out, expected);
    // All are in the database.
    let ran = run(&place, "sqlite", &args, "");
    assert_eq!(ran.out.matches("known").count(), 3, "{}", ran.out);
}

#[test]
fn json_stream() {
    let place = Place::new();
    let line = |id: u32, text: &str| format!("{{\"id\":{id},\"text\":\"{text}\"}}\n");
    let input = line(4, A) + &line(9, B) + &line(17, &A.to_uppercase());
    let ran = run(&place, "json_stream", "seen.sieve", &input);
    assert_eq!(ran.out, line(4, A) + &line(9, B));
    assert!(
        ran.err.starts_with("17: 1.000 like document 4\n"),
        "{}",
        ran.err
    );
    let ran = run(&place, "json_stream", "seen.sieve", &line(20, B));
    assert_eq!(ran.out, "");
    let expected = "20: 1.000 like document 9\n4 documents = 2 passed + 2 dropped\n";
    assert_eq!(ran.err, expected);
}

#[test]
fn arrow() {
    let ran = run(&Place::new(), "arrow", "", "");
    let last = ran.out.lines().last().unwrap();
    assert!(
        last.starts_with("3: kept Some(false), Some(0.91"),
        "{}",
        ran.out
    );
    assert_eq!(ran.out.matches("Some(true), None").count(), 3);
}
