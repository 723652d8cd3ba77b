//! The example `dedup` with `--against` and `--save-index`: new documents against those of earlier runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::naive;
use crate::support::program::{A, B, Place, line};
use crate::support::templates::{SHORT_FORM, pages};
use resemblance::corpus::{IndexSink, Job, Outputs, ReadOptions, Sinks, Sources};
use resemblance::{ClusterMode, Deduper, Index, Method, Shingle};
use xxhash_rust::xxh3::xxh3_128;

/// The header of an index, which has the checksums of all its files.
fn index(place: &Place, name: &str) -> String {
    place.read(&format!("{name}/index.json"))
}

/// Monday's and Tuesday's documents.
fn two_days() -> Place {
    let place = Place::new();
    place.write(
        "monday.jsonl",
        line("a", A) + &line("b", B) + &line("a2", A),
    );
    place.write(
        "tuesday.jsonl",
        line("c", &B.replace("hills", "roofs"))
            + &line("d", "a text of its own, of more than five words")
            + &line("e", A),
    );
    assert_eq!(
        place
            .run("monday.jsonl --save-index seen --kept monday-kept.jsonl")
            .code,
        0
    );
    assert_eq!(
        place.read("monday-kept.jsonl"),
        line("a", A) + &line("b", B)
    );
    place
}

const OUTPUTS: &str = "--clusters c.tsv --pairs p.tsv --kept kept.jsonl --removed removed.jsonl";

#[test]
fn new_documents_that_are_in_the_index_are_removed_and_told() {
    let bounded = [
        "",
        " --memory 64MiB",
        " --method exact",
        " --method exact --memory 64MiB",
        " --method auto",
    ];
    for args in bounded {
        let place = two_days();
        let command = format!(
            "tuesday.jsonl --against seen --save-index seen --threshold 0.7 {OUTPUTS}{args}"
        );
        place.refuses(
            &command,
            "the index seen has the threshold 0.8, but this job has 0.7",
        );
        let command = command.replace(" --threshold 0.7", "");
        let told = place.run(&command);
        assert_eq!(told.code, 0, "{}", told.err);
        let rows = "id\tcluster\tkept\tjaccard_to_kept\treason\n\
                    b\t1\tb\t1\tindexed\n\
                    c\t1\tb\t0.8333333333333334\tindexed\n\
                    a\t2\ta\t1\tindexed\n\
                    e\t2\ta\t1\tindexed\n";
        assert_eq!(place.read("c.tsv"), rows, "{args}");
        assert_eq!(place.read("p.tsv").lines().count(), 3, "{args}");
        assert_eq!(place.read("kept.jsonl").lines().count(), 1);
        assert_eq!(place.read("removed.jsonl").lines().count(), 2);
        for part in [
            "keep    b  (in the index)",
            "3 documents in = 1 kept + 2 removed + 0 rejected",
            "Compared with 2 documents of the index. Removed because of one of these: 2.",
        ] {
            assert!(told.out.contains(part), "{args}: {part}: {}", told.out);
        }
        // The index has been replaced, and is one for the library as well.
        let mut index: Index<String> = Index::open(place.path("seen")).unwrap();
        let mut ids: Vec<String> = index.ids().cloned().collect();
        ids.sort();
        assert_eq!(ids, ["a", "b", "d"]);
        assert_eq!(index.query(A)[0].id, "a");
        assert_eq!(index.signature("a"), Some(Deduper::new().signature(A)));
        index
            .insert(
                "f".to_owned(),
                "one more of the texts that nobody has seen before",
            )
            .unwrap();
        assert!(index.remove("a") && index.query(A).is_empty());
    }
}

#[test]
fn json_tells_of_indexes() {
    let place = two_days();
    let told = place.json("tuesday.jsonl --against seen");
    let documents = &told["documents"];
    assert_eq!(documents["indexed"], 2);
    assert_eq!(documents["matched"], 2);
    assert_eq!(documents["joins"], 0);
    assert_eq!(told["clusters"][0]["kept"], "b");
    assert_eq!(told["clusters"][0]["indexed"], true);
}

#[test]
fn a_document_that_connects_two_is_told() {
    let words = |from: usize| {
        let words: Vec<String> = (from..from + 40)
            .map(|word| format!("word{word}"))
            .collect();
        words.join(" ")
    };
    for memory in ["", " --memory 64MiB"] {
        let place = Place::new();
        place.write(
            "old.jsonl",
            line("left", &words(0)) + &line("right", &words(16)),
        );
        place.write("new.jsonl", line("between", &words(8)));
        let both = "--threshold 0.6 --shingle words:1";
        assert_eq!(
            place
                .run(&format!("old.jsonl --save-index seen {both}"))
                .code,
            0
        );
        let told = place.run(&format!(
            "new.jsonl --against seen {both} --clusters c.tsv{memory}"
        ));
        assert!(
            told.out.contains("joins   right  (in the index; 0.429)"),
            "{}",
            told.out
        );
        let join = "1 cluster has several documents of the index, all kept";
        assert!(told.out.contains(join), "{}", told.out);
        let rows = "left\t1\tleft\t1\tindexed\n\
                    between\t1\tleft\t0.6666666666666666\tindexed\n\
                    right\t1\tleft\t0.42857142857142855\tindexed\n";
        assert!(
            place.read("c.tsv").ends_with(rows),
            "{}",
            place.read("c.tsv")
        );
        // With leaders nothing is connected.
        let told = place.run(&format!(
            "new.jsonl --against seen {both} --cluster leader{memory}"
        ));
        assert!(!told.out.contains("joins"), "{}", told.out);
    }
}

#[test]
fn ids_of_the_index_are_not_used_again() {
    for args in ["", " --memory 64MiB", " --method exact --memory 64MiB"] {
        let place = two_days();
        place.write(
            "again.jsonl",
            line("b", "a text of its own, of more than five words") + &line("x", A),
        );
        let told = "again.jsonl:1: id `b` was already used, in the index seen";
        place.fails(
            &format!("again.jsonl --against seen --kept k.jsonl{args}"),
            told,
        );
        let ran = place.run(&format!(
            "again.jsonl --against seen --on-bad skip --rejects r.jsonl{args}"
        ));
        assert!(
            ran.out
                .contains("2 documents in = 0 kept + 1 removed + 1 rejected"),
            "{}",
            ran.out
        );
        assert!(place.read("r.jsonl").contains("in the index seen"));
    }
}

#[test]
fn several_indexes_are_merged() {
    let place = Place::new();
    place
        .write("1.jsonl", line("a", A))
        .write("2.jsonl", line("b", B))
        .write("3.jsonl", line("c", A));
    // The copy is removed, and counts for the document that stands for it.
    place.write("all.jsonl", line("a", A) + &line("b", B) + &line("c", A));
    for (input, index) in [("1.jsonl", "one"), ("2.jsonl", "two"), ("all.jsonl", "all")] {
        assert_eq!(place.run(&format!("{input} --save-index {index}")).code, 0);
    }
    let merged = "3.jsonl --against one --against two --save-index merged";
    assert_eq!(place.run(merged).code, 0);
    assert_eq!(index(&place, "merged"), index(&place, "all"));
    place.refuses(
        "3.jsonl --against one --against all --save-index merged",
        "the index all cannot be used together with the others: id `a` was already used, in the index one",
    );
    assert_eq!(index(&place, "merged"), index(&place, "all"));
}

#[test]
fn indexes_that_do_not_fit_are_refused() {
    let place = two_days();
    let mut own = Deduper::new().index();
    own.insert("a".to_owned(), A).unwrap();
    own.save(place.path("own")).unwrap();
    place.write("here/some.txt", A).write("file", "");
    for (args, told) in [
        ("--against nowhere", "cannot read nowhere"),
        ("--against here", "here is not an index of this crate"),
        ("--against own", "the index own has no shingle sets"),
        (
            "--against seen --shingle words:3",
            "the index seen has the scheme",
        ),
        (
            "--against seen --recall 0.9",
            "the index seen has the banding",
        ),
        (
            "--against seen --weights ln",
            "the index seen was written without weights",
        ),
        (
            "--against seen --freeze-weights",
            "weights cannot be frozen: all shingles count the same",
        ),
        ("--save-index here", "cannot write an index to "),
        ("--save-index file", "there is a file at this path"),
        (
            "--save-index k.jsonl --kept k.jsonl",
            "outputs k.jsonl and k.jsonl overlap",
        ),
    ] {
        let before = place.names();
        let ran = place.run(&format!("tuesday.jsonl {args}"));
        assert!(
            ran.code > 0 && ran.err.contains(told),
            "{args}: {}",
            ran.err
        );
        assert_eq!(place.names(), before, "{args}");
    }
    assert_eq!(
        place
            .run("tuesday.jsonl --weights ln --save-index weighed")
            .code,
        0
    );
    place.refuses(
        "tuesday.jsonl --against weighed",
        "the index weighed was written with --weights ln: use the same option",
    );
    let sets = section(&place, "seen", "sets.bin");
    let mut bytes = fs::read(&sets).unwrap();
    bytes[3] ^= 1;
    fs::write(&sets, bytes).unwrap();
    place.fails(
        "tuesday.jsonl --against seen --kept k",
        "sets.bin is corrupt: its checksum does not match",
    );
}

#[test]
fn work_does_not_go_on_against_another_index() {
    let place = two_days();
    place.write("bad.jsonl", line("x", A) + "{}\n");
    // The work has begun when it stops at the bad record.
    let args = "tuesday.jsonl bad.jsonl --against seen --work work --kept k.jsonl";
    assert_eq!(place.run(args).code, 1);
    assert_eq!(place.run("tuesday.jsonl --save-index seen").code, 0);
    let told = "the work in work cannot be resumed: against was `seen ";
    place.refuses(args, told);
    let ran = place.run(&format!("{args} --fresh --on-bad skip"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(place.read("k.jsonl"), "");
}

#[test]
fn nothing_new_leaves_the_index_as_it_is() {
    for args in ["", " --memory 64MiB", " --method exact --memory 64MiB"] {
        let place = two_days();
        place.write("none.jsonl", "");
        let ran = place.run(&format!(
            "none.jsonl --against seen --save-index same{args}"
        ));
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(index(&place, "same"), index(&place, "seen"));
    }
}

/// Tuesday's documents, and an index that is to replace that of Monday's.
fn tuesday(place: &Place) -> (Sources, Outputs, IndexSink) {
    let sources = Sources::find(&[place.path("tuesday.jsonl")]).unwrap();
    let mut outputs = Outputs::new(&sources);
    let seen = outputs.stage_index(place.path("seen")).unwrap();
    (sources, outputs, seen)
}

#[test]
fn an_index_is_placed_last() {
    let place = two_days();
    let before = index(&place, "seen");
    let (sources, mut outputs, seen) = tuesday(&place);
    let kept = outputs.stage_records(place.path("k.jsonl")).unwrap();
    let deduper = Deduper::new();
    let job = Job::new(&deduper, ReadOptions::new()).against(place.path("seen"));
    job.run(sources, &Sinks::new().index(seen).kept(kept), None)
        .unwrap();
    // What is kept cannot be placed: the same job can be run again, since the index is what it was.
    fs::create_dir(place.path("k.jsonl")).unwrap();
    assert!(outputs.commit().is_err());
    assert_eq!(index(&place, "seen"), before);
}

#[test]
fn an_index_that_no_job_has_written_is_not_placed() {
    let place = two_days();
    let before = index(&place, "seen");
    let (_, outputs, _seen) = tuesday(&place);
    let error = outputs.commit().unwrap_err().to_string();
    assert!(error.ends_with("seen: it was not finished"), "{error}");
    assert_eq!(index(&place, "seen"), before);
}

#[test]
fn a_run_whose_index_is_in_place_is_done() {
    let place = two_days();
    // As when it is killed after its outputs were placed: the work is there, and the new index instead of the old.
    let (sources, outputs, seen) = tuesday(&place);
    let deduper = Deduper::new();
    let job = Job::new(&deduper, ReadOptions::new()).against(place.path("seen"));
    let job = job.work(place.path("w"));
    job.run(sources, &Sinks::new().index(seen), None).unwrap();
    outputs.commit().unwrap();
    let sources = Sources::find(&[place.path("tuesday.jsonl")]).unwrap();
    let error = job
        .run(sources, &Sinks::new(), None)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("is done: its outputs are in their places"),
        "{error}"
    );
}

#[test]
fn an_index_among_the_inputs_is_passed_over() {
    let place = Place::new();
    place.write("in/a.txt", A).write("in/b.txt", B);
    assert_eq!(place.run("in --save-index in/seen").code, 0);
    let ran = place.run("in");
    assert!(
        ran.out.contains("2 documents in = 2 kept"),
        "{} {}",
        ran.out,
        ran.err
    );
}

/// The texts of a form in two files. Of three quarters of the copies the original is in the first; of the others both
/// are in the second.
fn form_in_halves() -> Place {
    let documents = SHORT_FORM.documents();
    let (mut first, mut second) = (String::new(), String::new());
    for (document, text) in documents.iter().enumerate() {
        let half = match document % 4 < 3 && document < SHORT_FORM.texts {
            true => &mut first,
            false => &mut second,
        };
        half.push_str(&line(&document.to_string(), text));
    }
    let place = Place::new();
    place
        .write("first.jsonl", first)
        .write("second.jsonl", second);
    place
}

/// Nearly all copies are found by LSH, all by the exact join, and nothing else is removed.
fn copies_of_a_form_are_found_against_an_index(cluster: &str) {
    for (args, least) in [
        ("", 990),
        (" --memory 64MiB", 990),
        (" --method exact", SHORT_FORM.copies),
        (" --method exact --memory 64MiB", SHORT_FORM.copies),
    ] {
        let place = form_in_halves();
        let args = format!("--cluster {cluster}{args}");
        let first = place.json(&format!("first.jsonl --save-index seen {args}"));
        assert_eq!(first["documents"]["removed"], 0, "{args}");
        let second = place.json(&format!(
            "second.jsonl --against seen --save-index seen --clusters c.tsv {args}"
        ));
        let mut found = 0;
        for row in place.read("c.tsv").lines().skip(1) {
            let row: Vec<&str> = row.split('\t').collect();
            let [document, kept] = [row[0], row[2]].map(|id| id.parse::<usize>().unwrap());
            if document != kept {
                assert_eq!(SHORT_FORM.original(document), Some(kept), "{args}");
                found += 1;
            }
        }
        assert!(found >= least, "{args}: {found} of {}", SHORT_FORM.copies);
        assert_eq!(second["documents"]["removed"], found, "{args}");
        let kept = SHORT_FORM.texts + SHORT_FORM.copies - found;
        let index: Index<String> = Index::open(place.path("seen")).unwrap();
        assert_eq!(index.len(), kept, "{args}");
    }
}

#[test]
fn copies_of_a_form_are_found_against_an_index_by_components() {
    copies_of_a_form_are_found_against_an_index("components");
}

#[test]
fn copies_of_a_form_are_found_against_an_index_by_leaders() {
    copies_of_a_form_are_found_against_an_index("leader");
}

/// Runs a job on a file, against an index where there is one, and returns the documents that it keeps.
fn kept_by(place: &Place, job: &Job, file: &str) -> BTreeSet<usize> {
    let sources = Sources::find(&[place.path(file)]).unwrap();
    let mut outputs = Outputs::new(&sources);
    let kept = outputs.stage_records(place.path("kept.jsonl")).unwrap();
    let seen = outputs.stage_index(place.path("seen")).unwrap();
    let sinks = Sinks::new().kept(kept).index(seen);
    let decided = job.run(sources, &sinks, None).unwrap();
    outputs.commit().unwrap();
    decided.finish().unwrap();
    let id = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        record["id"].as_str().unwrap().parse().unwrap()
    };
    place.read("kept.jsonl").lines().map(id).collect()
}

/// What is kept of these documents by the definition; the first `indexed` of them are of an index and stay.
fn kept_naively(
    texts: &[String],
    documents: &[usize],
    indexed: usize,
    threshold: f64,
    mode: ClusterMode,
) -> BTreeSet<usize> {
    let texts: Vec<String> = documents.iter().map(|&d| texts[d].clone()).collect();
    let pairs = naive::pairs(&naive::shingle_sets(&texts, 1), threshold);
    let stands_for = match mode {
        ClusterMode::Leader => {
            let order: Vec<usize> = (0..texts.len()).collect();
            naive::cover(&order, |a, b| pairs.contains_key(&(a, b)))
        }
        _ => naive::closure(texts.len(), pairs.into_keys()),
    };
    let new = indexed..texts.len();
    new.filter(|&document| stands_for[document] == document)
        .map(|document| documents[document])
        .collect()
}

#[test]
fn halves_of_pages_are_decided_as_by_the_definition() {
    let mut removed = 0;
    for seed in 0..16 {
        let threshold = [0.5, 2.0 / 3.0, 0.75, 0.8][seed % 4];
        let texts = pages(seed as u64, 120);
        let halves = [0..60, 60..120].map(Vec::from_iter);
        let place = Place::new();
        for (half, file) in halves.iter().zip(["old.jsonl", "new.jsonl"]) {
            let text = |&document: &usize| line(&document.to_string(), &texts[document]);
            place.write(file, half.iter().map(text).collect::<String>());
        }
        for mode in [ClusterMode::Components, ClusterMode::Leader] {
            let old = kept_naively(&texts, &halves[0], 0, threshold, mode);
            let all: Vec<usize> = old.iter().chain(&halves[1]).copied().collect();
            let new = kept_naively(&texts, &all, old.len(), threshold, mode);
            removed += halves[1].len() - new.len();

            let deduper = Deduper::builder()
                .method(Method::Exact)
                .shingle(Shingle::Words(1))
                .threshold(threshold)
                .cluster_mode(mode)
                .build()
                .unwrap();
            let mut job = Job::new(&deduper, ReadOptions::new());
            if seed % 8 < 4 {
                job = job.memory(64 << 20);
            }
            assert_eq!(
                kept_by(&place, &job, "old.jsonl"),
                old,
                "old, {seed} {mode:?}"
            );
            let job = job.against(place.path("seen"));
            assert_eq!(
                kept_by(&place, &job, "new.jsonl"),
                new,
                "new, {seed} {mode:?}"
            );
        }
    }
    assert!(removed > 200, "{removed} new documents are removed");
}

/// The file of a section of an index.
fn section(place: &Place, index: &str, name: &str) -> PathBuf {
    let folders = fs::read_dir(place.path(index)).unwrap();
    let mut files = folders.map(|folder| folder.unwrap().path().join(name));
    files.find(|file| file.exists()).unwrap()
}

#[cfg(unix)]
#[test]
fn two_runs_at_once_lose_nothing() {
    let place = two_days();
    place.write(
        "wednesday.jsonl",
        line("w", "other words on another day, all of them new"),
    );
    // As another run holds it.
    let lock = fs::File::open(place.path("seen")).unwrap();
    lock.lock().unwrap();
    place.fails(
        "tuesday.jsonl --against seen --save-index seen --kept k.jsonl",
        "cannot write an index to ",
    );
    drop(lock);
    // It may be read all the same, and written when the other is done.
    for day in ["tuesday", "wednesday"] {
        let args = format!("{day}.jsonl --against seen --save-index seen");
        let ran = place.run(&args);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }
    place.write(
        "thursday.jsonl",
        line("z", "nothing of this was there before"),
    );
    let summary = place.json("thursday.jsonl --against seen");
    assert_eq!(summary["documents"]["indexed"], 4, "{summary}");
}

#[test]
fn a_run_can_be_repeated_over_what_it_has_placed() {
    let place = two_days();
    place.write("in/tuesday.jsonl", place.read("tuesday.jsonl"));
    let args = "in --kept k --removed r --clusters c.tsv";
    assert_eq!(place.run(args).code, 0);
    let first = (place.read("k/tuesday.jsonl"), place.read("r/tuesday.jsonl"));
    // As a run leaves them that is killed before all are in their places.
    fs::remove_file(place.path("c.tsv")).unwrap();
    fs::remove_dir_all(place.path("r")).unwrap();
    let ran = place.run(args);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(
        (place.read("k/tuesday.jsonl"), place.read("r/tuesday.jsonl")),
        first
    );
    place.write("k/notes", "mine");
    place.refuses(
        args,
        "k/notes in it is not a file that this run would write",
    );
    assert_eq!(place.read("k/notes"), "mine");
}

/// Changes a section of an index at some place; all checksums are right afterwards.
fn craft(dir: &Path, random: &mut crate::support::Random) {
    let header = fs::read_to_string(dir.join("index.json")).unwrap();
    let (text, checksum) = header.split_once(",\n  \"checksum\": \"").unwrap();
    let sections = dir.join(&checksum[..16]);
    let files: BTreeSet<_> = fs::read_dir(&sections)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let path = files.iter().nth(random.below(files.len())).unwrap();
    let mut bytes = fs::read(path).unwrap();
    let before = format!("{:032x}", xxh3_128(&bytes));
    let from = random.below(bytes.len());
    let value = random.below(256) as u8;
    let to = bytes.len().min(from + 1 + random.below(8));
    bytes[from..to].fill([0, 0xFF, value][random.below(3)]);
    fs::write(path, &bytes).unwrap();
    let text = text.replace(&before, &format!("{:032x}", xxh3_128(&bytes)));
    let checksum = format!("{:032x}", xxh3_128(text.as_bytes()));
    let header = format!("{text},\n  \"checksum\": \"{checksum}\"\n}}\n");
    fs::write(dir.join("index.json"), header).unwrap();
    fs::rename(sections, dir.join(&checksum[..16])).unwrap();
}

#[test]
fn crafted_indexes_do_not_panic() {
    let place = Place::new();
    place.write("old.jsonl", lines_of(&crate::support::collection(1, 40), 0));
    place.write(
        "new.jsonl",
        lines_of(&crate::support::collection(1, 60), 1000),
    );
    let mut random = crate::support::Random(7);
    let (mut failed, mut taken) = (0, 0);
    for method in [Method::Lsh, Method::Exact] {
        let deduper = Deduper::builder()
            .method(method)
            .hashes(16)
            .recall(0.5)
            .shingle(Shingle::Words(2))
            .build()
            .unwrap();
        let run = |input: &str, against: Option<&str>, memory: Option<u64>, save: bool| {
            let sources = Sources::find(&[place.path(input)])?;
            let mut outputs = Outputs::new(&sources);
            let mut sinks = Sinks::new().pairs(outputs.stage_table(place.path("p.tsv"))?);
            if save {
                sinks = sinks.index(outputs.stage_index(place.path("index"))?);
            }
            let mut job = Job::new(&deduper, ReadOptions::new());
            if let Some(memory) = memory {
                job = job.memory(memory);
            }
            if let Some(against) = against {
                job = job.against(place.path(against));
            }
            let decided = job.run(sources, &sinks, None)?;
            outputs.commit()?;
            decided.finish()
        };
        for case in 0..300 {
            run("old.jsonl", None, None, true).unwrap();
            (0..=random.below(3)).for_each(|_| craft(&place.path("index"), &mut random));
            let memory = [None, Some(64 << 20)][case % 2];
            match run("new.jsonl", Some("index"), memory, case % 3 == 0) {
                Ok(()) => taken += 1,
                Err(_) => failed += 1,
            }
            fs::remove_dir_all(place.path("index")).unwrap();
        }
    }
    assert!(failed > 100 && taken > 100, "{failed} {taken}");
}

/// The records of texts, numbered from `first` on.
fn lines_of(texts: &[String], first: usize) -> String {
    let texts = (first..).zip(texts);
    texts
        .map(|(id, text)| line(&id.to_string(), text))
        .collect()
}
