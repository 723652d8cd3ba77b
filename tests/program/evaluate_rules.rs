//! The rules and labels of the example `evaluate`: its scores are those of the definitions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::support::Random;
use crate::support::program::{Place, example, line};
use resemblance::text::InGroup;
use resemblance::{Deduper, Error, Measure, Method, Run, Shingle, Weights};
use serde_json::json;

fn out(place: &Place, args: &str) -> String {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program: &Path = PROGRAM.get_or_init(|| example("evaluate"));
    let ran = place.run_example(program, args, b"");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args}");
    ran.out
}

type Pairs = BTreeSet<(usize, usize)>;

/// Pages of sites: articles in several versions, each in the header and footer of its site.
struct Web {
    sites: Vec<&'static str>,
    texts: Vec<String>,
    stories: Vec<usize>,
}

const SITES: [&str; 3] = ["gazette", "wire", "herald"];

impl Web {
    fn new(seed: u64, articles: usize) -> Self {
        let mut random = Random(seed);
        let mut web = Self {
            sites: Vec::new(),
            texts: Vec::new(),
            stories: Vec::new(),
        };
        for story in 0..articles {
            let body: Vec<String> = (0..20).map(|_| format!("w{}", random.below(900))).collect();
            for _ in 0..[1, 1, 2, 3, 7][random.below(5)] {
                let mut version = body.clone();
                version.truncate(20 - random.below(8));
                for _ in 0..random.below(3) {
                    let place = random.below(version.len());
                    version[place] = format!("w{}", random.below(900));
                }
                web.add(SITES[random.below(3)], story, &version.join(" "));
            }
        }
        web
    }

    fn add(&mut self, site: &'static str, story: usize, body: &str) {
        let head: String = (0..12).fold(String::new(), |head, i| head + &format!("{site}{i} "));
        self.sites.push(site);
        self.texts.push(head + body);
        self.stories.push(story);
    }

    /// Writes `t.jsonl` with the pages, and the same labels as `stories.tsv` and `pairs.tsv`.
    fn write(&self, place: &Place) {
        let (mut pages, mut stories) = (String::new(), "id\tstory\n".to_owned());
        let mut pairs = String::new();
        for (n, text) in self.texts.iter().enumerate() {
            let page = json!({"id": format!("d{n}"), "site": self.sites[n], "text": text});
            writeln!(pages, "{page}").unwrap();
            writeln!(stories, "d{n}\tstory {}", self.stories[n]).unwrap();
        }
        for (a, b) in self.labelled() {
            writeln!(pairs, "d{a}\td{b}").unwrap();
        }
        place.write("t.jsonl", pages).write("stories.tsv", stories);
        place.write("pairs.tsv", pairs);
    }

    fn labelled(&self) -> Pairs {
        let all = 0..self.texts.len();
        let pairs = all.flat_map(|b| (0..b).map(move |a| (a, b)));
        pairs
            .filter(|&(a, b)| self.stories[a] == self.stories[b])
            .collect()
    }

    /// The pairs that a deduper finds with the rule of this name.
    fn found(&self, rule: &str, threshold: f64) -> Pairs {
        let has = |part: &str| rule.split(' ').any(|one| one == part);
        let measure = match has("containment") {
            true => Measure::Containment,
            false => Measure::Jaccard,
        };
        let weights = match has("ln") {
            true => Weights::Ln,
            false => Weights::None,
        };
        let deduper = Deduper::builder()
            .shingle(Shingle::Words(3))
            .measure(measure)
            .weights(weights)
            .method(Method::Exact)
            .threshold(threshold)
            .build()
            .unwrap();
        let mut pairs = Pairs::new();
        let mut each = |pair: resemblance::verify::Pair| {
            pairs.insert((pair.a, pair.b));
            Ok::<(), Error>(())
        };
        let pages = self.sites.iter().zip(&self.texts);
        let pages: Vec<_> = pages
            .map(|(&group, document)| InGroup { group, document })
            .collect();
        match has("aside") {
            true => deduper.try_pairs(&pages, &Run::new(), &mut each),
            false => deduper.try_pairs(&self.texts, &Run::new(), &mut each),
        }
        .unwrap();
        pairs
    }
}

/// Story F1 by its definition: for each story the harmonic mean of precision and recall, and then the mean.
fn story_f1(found: &Pairs, labelled: &Pairs, stories: &[usize]) -> f64 {
    let names: BTreeSet<usize> = stories.iter().copied().collect();
    let mut scores = Vec::new();
    for story in names {
        let touches = |&&(a, b): &&(usize, usize)| stories[a] == story || stories[b] == story;
        let of_labels: Pairs = labelled.iter().filter(touches).copied().collect();
        let of_found: Pairs = found.iter().filter(touches).copied().collect();
        if of_labels.is_empty() && of_found.is_empty() {
            continue;
        }
        let both = of_labels.intersection(&of_found).count() as f64;
        scores.push(match both > 0.0 {
            true => {
                let (precision, recall) =
                    (both / of_found.len() as f64, both / of_labels.len() as f64);
                2.0 * precision * recall / (precision + recall)
            }
            false => 0.0,
        });
    }
    scores.iter().sum::<f64>() / scores.len().max(1) as f64
}

/// The table of each rule, by name: threshold, pairs, labelled pairs, story F1.
fn tables(told: &str) -> BTreeMap<String, Vec<(f64, usize, usize, f64)>> {
    let mut tables = BTreeMap::new();
    for part in told.split("Rule ").skip(1) {
        let (name, rest) = part.split_once('\n').unwrap();
        let rows = rest
            .trim_start()
            .lines()
            .skip(1)
            .take_while(|line| !line.is_empty());
        let row = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let count = |field: &str| field.replace(',', "").parse().unwrap();
            let (threshold, score) = (fields[0].parse().unwrap(), fields[6].parse().unwrap());
            (threshold, count(fields[1]), count(fields[2]), score)
        };
        tables.insert(name.to_owned(), rows.map(row).collect());
    }
    tables
}

#[test]
fn scores_are_those_of_the_definitions_for_every_rule() {
    for seed in 0..3 {
        let (place, web) = (Place::new(), Web::new(seed, 30));
        web.write(&place);
        let args = "t.jsonl --labels stories.tsv --shingle words:3 --similarity jaccard,containment \
                    --weights none,ln --set-aside site --from 0.2 --step 0.2 --shown 0";
        let told = out(&place, args);
        let tables = tables(&told);
        assert_eq!(tables.len(), 8, "{told}");
        for (name, rows) in &tables {
            assert_eq!(rows.len(), 5);
            for &(threshold, pairs, labelled, score) in rows {
                let found = web.found(name, threshold);
                let truth = web.labelled();
                let expected = (found.len(), found.intersection(&truth).count());
                assert_eq!((pairs, labelled), expected, "{name} at {threshold}");
                let expected = story_f1(&found, &truth, &web.stories);
                assert!(
                    (score - expected).abs() < 0.000_51,
                    "{name} at {threshold}: {score}, {expected}"
                );
            }
        }
        // The labels as pairs are the same.
        assert_eq!(out(&place, &args.replace("stories.tsv", "pairs.tsv")), told);
    }
}

#[test]
fn each_story_counts_once() {
    let (place, mut web) = (Place::new(), Web::new(0, 0));
    // One story in ten equal copies, and three in two that share no shingle.
    for _ in 0..10 {
        web.add("gazette", 0, "the ferry returns to the harbour on monday");
    }
    for story in 1..4 {
        web.add(
            "wire",
            story,
            &format!("a{story} b{story} c{story} d{story}"),
        );
        web.add(
            "herald",
            story,
            &format!("e{story} f{story} g{story} h{story}"),
        );
    }
    web.write(&place);
    let told = out(
        &place,
        "t.jsonl --labels stories.tsv --from 0.8 --shown 0 --step 0.1",
    );
    assert!(told.contains("best F1 0.968 at 1:"), "{told}");
    assert!(told.contains("best story F1 0.250 at 1:"), "{told}");
    assert!(told.contains("48 labelled pairs in 4 stories."), "{told}");

    let told = out(
        &place,
        "t.jsonl --labels stories.tsv --from 0.8 --shown 0 --ignore-identical",
    );
    assert!(
        told.contains("Pairs of identical texts: 45; they are left out."),
        "{told}"
    );
    assert!(told.contains("3 labelled pairs in 3 stories."), "{told}");
    assert!(told.contains("No labelled pair is found at 0.8"), "{told}");
}

#[test]
fn texts_are_identical_apart_from_white_space_and_what_is_normalized() {
    let place = Place::new();
    let texts = [
        ("a", "One text, with a comma and\nfive or six words."),
        ("b", "one TEXT, with a comma and five  or six words."),
        ("c", "One text with a comma and five or six words."),
        ("d", ""),
        ("e", " "),
    ];
    place.write("t.jsonl", texts.map(|(id, text)| line(id, text)).concat());
    let pairs = |args: &str| {
        let told = out(&place, &format!("t.jsonl --shown 0 {args}"));
        let row = told.lines().find(|line| line.starts_with("1.00"));
        let number = row.unwrap().split_whitespace().nth(1).unwrap();
        number.parse::<usize>().unwrap()
    };
    assert_eq!(pairs(""), 3);
    assert_eq!(pairs("--ignore-identical"), 2);
    assert_eq!(pairs("--normalize none"), 1);
    assert_eq!(pairs("--ignore-identical --normalize none"), 1);
    assert_eq!(pairs("--ignore-identical --shingle bytes:3"), 0);
}

#[test]
fn the_summary_names_what_varies() {
    let (place, web) = (Place::new(), Web::new(5, 30));
    web.write(&place);
    let names = |args: &str| -> Vec<String> {
        let told = out(
            &place,
            &format!("t.jsonl --labels stories.tsv --summary {args}"),
        );
        let rows = told.lines().filter(|line| line.starts_with("words"));
        let name = |row: &str| row.split("  ").next().unwrap().trim().to_owned();
        assert!(told.lines().all(|line| line.len() <= 104), "{told}");
        rows.map(name).collect()
    };
    assert_eq!(names(""), ["words:5"]);
    assert_eq!(names("--similarity containment"), ["words:5"]);
    assert_eq!(
        names("--shingle words:3 --similarity jaccard,containment --set-aside site"),
        [
            "words:3 jaccard",
            "words:3 jaccard aside",
            "words:3 containment",
            "words:3 containment aside"
        ]
    );
    assert_eq!(names("--weights ln"), ["words:5"]);
    assert_eq!(
        names("--similarity jaccard,containment --weights none,ln"),
        [
            "words:5 jaccard",
            "words:5 jaccard ln",
            "words:5 containment",
            "words:5 containment ln"
        ]
    );
    assert_eq!(
        names("--normalize default,default+accents,none"),
        ["words:5 default", "words:5 default+accents", "words:5 none"]
    );
}

#[test]
fn names_the_options_of_dedup() {
    let (place, web) = (Place::new(), Web::new(5, 30));
    web.write(&place);
    let args = "t.jsonl --similarity containment --weights ln --normalize none --set-aside site \
                --set-aside-words 4 --threshold 0.5";
    let told = out(&place, args);
    let (plain, aside) = (
        "dedup --shingle words:5 --similarity containment --weights ln --normalize none --threshold 0.5\n",
        "dedup --shingle words:5 --similarity containment --weights ln --normalize none --set-aside site --set-aside-words 4 --threshold 0.5\n",
    );
    assert!(told.contains(plain) && told.contains(aside), "{told}");
}

#[test]
fn says_what_is_wrong_with_stories() {
    let (place, web) = (Place::new(), Web::new(5, 30));
    web.write(&place);
    let program = example("evaluate");
    let fails = |labels: &str, told: &str| {
        place.write("l.tsv", labels);
        let ran = place.run_example(&program, "t.jsonl --labels l.tsv", b"");
        assert_eq!(ran.code, 1);
        assert!(ran.err.contains(told), "{}", ran.err);
    };
    fails(
        "id\tstory\nd0\n",
        "l.tsv:2: `d0` must be an id and a story with a tab between, and has 1 fields",
    );
    fails(
        "id\tstory\nd0\tone\nd0\ttwo\n",
        "l.tsv:3: `d0` already has the story `one`: list each id once",
    );
    fails("id\tstory\nd\tone\n", "l.tsv:2: no document has the id `d`");
    fails(
        "id\tstory\nd0\tone\nd1\ttwo\n",
        "l.tsv: no story has two documents",
    );
}
