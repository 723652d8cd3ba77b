//! Who is compared, in what, and how each is run.

use crate::Stage;

/// Collections of `--corpora` to time.
pub(crate) const SPEED: [&str; 1] = ["scotus_oral"];
/// And those to check pairs on.
pub(crate) const RECALL: [&str; 4] = [
    "licenses_scancode",
    "psdocs_versions",
    "zh_poetry",
    "ja_aozora",
];

/// Numbers of shingles a document to sketch.
pub(crate) const SIZES: [usize; 7] = [20, 60, 100, 500, 1000, 5000, 10_000];

/// How a contender is run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    /// By this program.
    Crate,
    /// By a Python script.
    Script(&'static str),
}

/// A contender in a stage on texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) contender: &'static str,
    pub(crate) by: By,
    pub(crate) stage: Stage,
    /// What is run on two cores too.
    pub(crate) two: bool,
    /// Megabytes of text that a slow one is given.
    pub(crate) limit: Option<u64>,
    pub(crate) repeats: usize,
    pub(crate) how: &'static str,
}

const fn row(contender: &'static str, by: By, stage: Stage, how: &'static str) -> Row {
    Row {
        contender,
        by,
        stage,
        two: true,
        limit: None,
        repeats: 3,
        how,
    }
}

impl Row {
    /// On the first megabytes only.
    const fn first(mut self, megabytes: u64, repeats: usize) -> Self {
        self.limit = Some(megabytes);
        self.repeats = repeats;
        self
    }

    /// On all documents, fewer times.
    const fn times(mut self, repeats: usize) -> Self {
        self.repeats = repeats;
        self
    }

    /// It has no threads to use.
    const fn one_core(mut self) -> Self {
        self.two = false;
        self
    }
}

const DATASKETCH: By = By::Script("with_datasketch.py");
const RENSA: By = By::Script("with_rensa.py");
const DAFT: By = By::Script("with_daft.py");
const PYTHON: By = By::Script("with_python.py");
const PACKAGE: By = By::Script("with_resemblance.py");
const FAST: By = By::Script("with_fastsketchlsh.py");

pub(crate) const SHINGLE: &[Row] = &[
    row(
        "resemblance",
        By::Crate,
        Stage::Shingle,
        "NFKC_Casefold, UAX #29 words, hashes of word 5-grams",
    ),
    row(
        "unicode-words",
        By::Crate,
        Stage::Shingle,
        "unicode-segmentation: UAX #29 words counted, nothing else",
    ),
    row(
        "txtfp",
        By::Crate,
        Stage::Shingle,
        "NFKC, case folding, UAX #29 words, 5-grams as strings, not hashed",
    ),
    row(
        "python",
        PYTHON,
        Stage::Shingle,
        "`lower().split()`, 5-grams as strings: what rensa and datasketch are fed",
    )
    .first(20, 1)
    .one_core(),
];

pub(crate) const SIGNATURE: &[Row] = &[
    row("resemblance", By::Crate, Stage::Signature, "defaults"),
    row(
        "resemblance, Python",
        PACKAGE,
        Stage::Signature,
        "this crate's Python package, a column of pyarrow",
    ),
    row(
        "gaoya",
        By::Crate,
        Stage::Signature,
        "lower case, its own words, windows of 5, `MinHasher32`",
    )
    .first(50, 1),
    row(
        "gaoya-shared",
        By::Crate,
        Stage::Signature,
        "our shingles, `MinHasher32`",
    )
    .first(50, 1),
    row(
        "txtfp",
        By::Crate,
        Stage::Signature,
        "its canonicalizer, UAX #29 word 5-grams",
    )
    .times(2),
    row(
        "probminhash",
        By::Crate,
        Stage::Signature,
        "our shingles, SuperMinHash",
    )
    .first(50, 1),
    row(
        "fastsketchlsh",
        FAST,
        Stage::Signature,
        "Python's word 5-grams, the same sketch as ours, one batch",
    )
    .first(20, 1),
    row(
        "rensa-r",
        RENSA,
        Stage::Signature,
        "Python's word 5-grams, R-MinHash of the whole set, one batch",
    )
    .first(20, 1),
    row(
        "rensa-c",
        RENSA,
        Stage::Signature,
        "Python's word 5-grams, C-MinHash of the whole set, one batch",
    )
    .first(20, 1),
    row(
        "rensa-rho",
        RENSA,
        Stage::Signature,
        "Python's word 5-grams, rho: **samples** positions, no full sketch",
    )
    .first(20, 1),
    row(
        "datasketch",
        DATASKETCH,
        Stage::Signature,
        "Python's word 5-grams, `MinHash.generator`, xxhash",
    )
    .first(5, 1)
    .one_core(),
    row(
        "daft-bare",
        DAFT,
        Stage::Signature,
        "`minhash` alone: 5-grams of what lies between spaces",
    )
    .times(2),
    row(
        "daft",
        DAFT,
        Stage::Signature,
        "`normalize`, then `minhash`, as documented",
    )
    .times(2),
];

pub(crate) const WHOLE: &[Row] = &[
    row(
        "resemblance",
        By::Crate,
        Stage::Pairs,
        "pairs, every one verified exactly",
    ),
    row(
        "resemblance",
        By::Crate,
        Stage::Clusters,
        "clusters, verified; the number is of documents removed",
    ),
    row(
        "resemblance, Python",
        PACKAGE,
        Stage::Pairs,
        "this crate's Python package, a column of pyarrow",
    ),
    row(
        "resemblance, Python",
        PACKAGE,
        Stage::Clusters,
        "likewise",
    ),
    row(
        "gaoya",
        By::Crate,
        Stage::Pairs,
        "its words, `MinHashIndex`; pairs by estimate",
    )
    .first(50, 1),
    row(
        "gaoya-shared",
        By::Crate,
        Stage::Pairs,
        "our shingles, `MinHashIndex`; pairs by estimate",
    )
    .first(50, 1),
    row(
        "txtfp",
        By::Crate,
        Stage::Pairs,
        "`LshIndex`; pairs by estimate",
    )
    .times(2),
    row(
        "fastsketchlsh",
        FAST,
        Stage::Pairs,
        "`LSH`, 32 bands of 4; pairs by estimate",
    )
    .first(20, 1),
    row(
        "rensa-r",
        RENSA,
        Stage::Pairs,
        "`from_token_sets`, `query_all`; pairs by estimate",
    )
    .first(20, 1),
    row(
        "rensa-r",
        RENSA,
        Stage::Flags,
        "a flag a document, by digest matrix: no pairs",
    )
    .first(20, 1),
    row(
        "rensa-rho",
        RENSA,
        Stage::Flags,
        "rho, which **samples**; a flag a document, no pairs",
    )
    .first(20, 1),
    row(
        "datasketch",
        DATASKETCH,
        Stage::Pairs,
        "`MinHashLSH`; pairs by estimate",
    )
    .first(5, 1)
    .one_core(),
    row(
        "daft",
        DAFT,
        Stage::Pairs,
        "documented steps as far as buckets; pairs are candidates",
    )
    .times(2),
];

/// Sketches of ready shingles: contender, by whom, what it is fed.
pub(crate) const SKETCH: &[(&str, By, &str)] = &[
    ("resemblance", By::Crate, "FastSimilarity; 64-bit hashes"),
    ("resemblance-classic", By::Crate, "Classic; 64-bit hashes"),
    (
        "gaoya-32",
        By::Crate,
        "`MinHasher32`; hashes, hashed again by FNV",
    ),
    (
        "gaoya-64",
        By::Crate,
        "`MinHasher64V1`; hashes, hashed again by FNV",
    ),
    (
        "txtfp",
        By::Crate,
        "strings of 16 bytes, hashed by XXH3 (it takes nothing else)",
    ),
    ("SuperMinHash", By::Crate, "probminhash, f32; hashes"),
    ("SuperMinHash2", By::Crate, "probminhash, u64; hashes"),
    ("SetSketch", By::Crate, "probminhash, u16; hashes"),
    ("ProbMinHash2", By::Crate, "probminhash, weights 1; hashes"),
    ("ProbMinHash3", By::Crate, "probminhash, weights 1; hashes"),
    (
        "ProbMinHash3a",
        By::Crate,
        "probminhash, weights 1; a ready IndexMap",
    ),
    (
        "OptDensMinHash",
        By::Crate,
        "probminhash, one permutation, densified; hashes",
    ),
    (
        "RevOptDensMinHash",
        By::Crate,
        "probminhash, one permutation, densified; hashes",
    ),
    (
        "fastsketchlsh",
        FAST,
        "the same sketch as ours; one flat array of 64-bit hashes",
    ),
    (
        "rensa-r",
        RENSA,
        "R-MinHash; one flat array of 64-bit hashes",
    ),
    (
        "rensa-r-strings",
        RENSA,
        "R-MinHash; lists of strings of 16 letters",
    ),
    (
        "rensa-c",
        RENSA,
        "C-MinHash; lists of strings of 16 letters",
    ),
    (
        "rensa-rho",
        RENSA,
        "rho, which **samples**; one flat array of hashes",
    ),
    ("datasketch", DATASKETCH, "lists of 32-bit integers"),
];

/// Who is checked against brute force, on whose shingles.
pub(crate) const CHECKED: &[(&str, By, bool, &str)] = &[
    ("resemblance", By::Crate, false, "ours; verified exactly"),
    (
        "gaoya-shared",
        By::Crate,
        false,
        "ours; estimate >= 0.8 (126 slots)",
    ),
    (
        "gaoya",
        By::Crate,
        false,
        "its own words; estimate >= 0.8 (126 slots)",
    ),
    (
        "txtfp",
        By::Crate,
        false,
        "UAX #29, its folding; estimate >= 0.8 (126 slots)",
    ),
    ("rensa-r", RENSA, true, "ours; estimate >= 0.8 (126 slots)"),
    ("datasketch", DATASKETCH, true, "ours; estimate >= 0.8"),
    (
        "daft",
        DAFT,
        false,
        "its own, split at spaces; candidates, not verified",
    ),
];

/// Who is run on the archive of a site, in what, and on whose shingles.
pub(crate) const ARCHIVE: &[(&str, By, Stage, bool, &str)] = &[
    (
        "resemblance",
        By::Crate,
        Stage::Pairs,
        false,
        "ours; LSH, verified exactly",
    ),
    (
        "resemblance",
        By::Crate,
        Stage::Clusters,
        false,
        "ours; LSH, clusters: the number is of documents removed",
    ),
    (
        "resemblance-exact",
        By::Crate,
        Stage::Pairs,
        false,
        "ours; the exact join",
    ),
    (
        "resemblance-exact",
        By::Crate,
        Stage::Clusters,
        false,
        "ours; the exact join, clusters: the number is of documents removed",
    ),
    (
        "gaoya-shared",
        By::Crate,
        Stage::Pairs,
        false,
        "ours; estimate >= 0.8 (126 slots)",
    ),
    (
        "txtfp",
        By::Crate,
        Stage::Pairs,
        false,
        "UAX #29, its folding; estimate >= 0.8 (126 slots)",
    ),
    (
        "rensa-r",
        RENSA,
        Stage::Pairs,
        true,
        "ours; estimate >= 0.8 (126 slots)",
    ),
    (
        "datasketch",
        DATASKETCH,
        Stage::Pairs,
        true,
        "ours; estimate >= 0.8",
    ),
    (
        "daft",
        DAFT,
        Stage::Pairs,
        false,
        "its own, split at spaces; candidates, not verified",
    ),
];
