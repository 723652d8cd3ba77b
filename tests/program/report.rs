//! The reports of `dedup` and `compare`, and what the summary says of differences.

use crate::support::program::{Place, example, line};

const FERRY: &str = "The steam ferry goes back into service on Monday, nine years after its last crossing of the lake.";

/// A text, a copy with a changed word in a site's text, one that ends scripts, and one that resembles none.
fn articles(place: &Place) {
    let copy = format!(
        "NEWS SPORT {} Contact us.",
        FERRY.replace("Monday", "Tuesday")
    );
    let lines = [
        line("ferry", FERRY),
        line("ferry-website", &copy),
        line(
            "</script><b>",
            &format!("{FERRY} </script><img src=x onerror=alert(1)> <!--"),
        ),
        line(
            "goat",
            "A goat in the town hall has eaten the minutes of two meetings.",
        ),
    ];
    place.write("in.jsonl", lines.concat());
}

#[test]
fn a_report_shows_clusters_with_their_texts() {
    let place = Place::new();
    articles(&place);
    let ran = place.run("in.jsonl --threshold 0.3 --report report.html");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let html = place.read("report.html");
    for part in [
        "4 documents in = 2 kept + 2 removed + 0 rejected",
        "Cluster 1: 3 documents, kept ferry",
        "The steam ferry goes back into service on</a> Tuesday, <",
        "Tuesday",
        "nine years after its last crossing of the lake</",
        "&lt;img src=x onerror=alert(1)&gt;",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    // Texts and ids end neither the scripts that hold them nor anything else.
    assert_eq!(html.matches("<script").count(), 2);
    assert_eq!(html.matches("</script").count(), 2);
    assert_eq!(
        html.matches("<img").count() + html.matches("<!--").count(),
        0
    );
    for address in ["http:", "https:", "src=\"", "url("] {
        assert!(!html.contains(address), "{address}");
    }
}

#[test]
fn a_report_is_the_same_whatever_the_threads_and_the_memory() {
    let place = Place::new();
    let texts = crate::support::collection(5, 300);
    let lines = texts.iter().enumerate();
    place.write(
        "in.jsonl",
        lines
            .map(|(i, text)| line(&i.to_string(), text))
            .collect::<String>(),
    );
    let mut reports = Vec::new();
    for args in ["--threads 1", "--threads 2", "--threads 2 --memory 64MiB"] {
        let ran = place.run(&format!(
            "in.jsonl --threshold 0.6 {args} --report report.html"
        ));
        assert_eq!(ran.code, 0, "{}", ran.err);
        reports.push(place.read("report.html"));
    }
    assert!(reports[0].contains("Cluster 2:"));
    assert!(reports.iter().all(|report| *report == reports[0]));
    let ran = place.run("in.jsonl --threshold 0.6 --report report.html --report-clusters 1");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let small = place.read("report.html");
    assert_eq!(small.matches("<h2>").count(), 1);
}

#[test]
fn a_report_without_clusters_and_one_that_cannot_be_written() {
    let place = Place::new();
    place.write("in.jsonl", line("a", FERRY));
    assert_eq!(place.run("in.jsonl --report report.html").code, 0);
    assert!(!place.read("report.html").contains("<script"));
    let ran = place.run("in.jsonl --report none/report.html --kept kept.jsonl");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("none/report.html"), "{}", ran.err);
    assert!(!place.path("kept.jsonl").exists());
    let ran = place.run("in.jsonl --report kept.jsonl --kept kept.jsonl");
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert_eq!(place.run("in.jsonl --report-clusters 3").code, 2);
}

#[test]
fn the_summary_says_where_copies_differ() {
    let place = Place::new();
    articles(&place);
    let ran = place.run("in.jsonl --threshold 0.3");
    let expected = "          has “NEWS SPORT” “Tuesday” “Contact us”, not “Monday”\n";
    assert!(ran.out.contains(expected), "{}", ran.out);
}

#[test]
fn compare_shows_passages() {
    let place = Place::new();
    let b = format!(
        "NEWS <b>\n{} Contact us.",
        FERRY.replace("Monday", "Tuesday")
    );
    place.write("a.txt", FERRY).write("b.txt", &b);
    let ran = place.run_example(&example("compare"), "a.txt b.txt --report report.html", b"");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.out
            .contains("\n1 passage: 17 of 18 words of the first text (94.4%), 17 of 22"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("[Tuesday,]"), "{}", ran.out);
    let html = place.read("report.html");
    assert!(
        html.contains("NEWS &lt;b&gt;") && html.contains("a.txt"),
        "{html}"
    );
    for args in ["--min-words 0", "--max-gap 101"] {
        let ran = place.run_example(&example("compare"), &format!("a.txt b.txt {args}"), b"");
        assert_ne!(ran.code, 0);
        assert!(ran.err.contains("passage"), "{}", ran.err);
    }
}
