//! probminhash: sketches only, of ready hashes, which it is told not to hash again. Those that estimate
//! the Jaccard similarity of sets: all weights are 1.

use std::hash::BuildHasherDefault;
use std::hint::black_box;

use anyhow::{Result, bail};
use indexmap::IndexMap;
use probminhash::densminhash::{OptDensMinHash, RevOptDensMinHash};
use probminhash::nohasher;
use probminhash::probminhasher::{ProbMinHash2, ProbMinHash3, ProbMinHash3a};
use probminhash::setsketcher::{SetSketchParams, SetSketcher};
use probminhash::superminhasher::{NoHashHasher, SuperMinHash};
use probminhash::superminhasher2::SuperMinHash2;
use rayon::prelude::*;
use resemblance::text::Scratch;

use super::{HASHES, ours};
use crate::Task;
use crate::measure::best_of;

type NoHash<H> = BuildHasherDefault<H>;

/// Times sketching every set; a set cannot be refused, as none is empty.
macro_rules! time {
    ($task:expr, $sets:expr, $sketcher:expr, $sketch:expr) => {{
        let mut sketcher = $sketcher;
        let work = || {
            for set in $sets {
                $sketch(&mut sketcher, set);
            }
        };
        best_of($task.repeats, work).0
    }};
}

pub(super) fn sketch(task: &Task, sets: &[Vec<u64>]) -> Result<f64> {
    let seconds = match task.contender.as_str() {
        "SuperMinHash" => time!(
            task,
            sets,
            SuperMinHash::<f32, u64, NoHashHasher>::new(HASHES, NoHash::default()),
            |sketcher: &mut SuperMinHash<_, _, _>, set: &Vec<u64>| {
                sketcher.reinit();
                let _ = sketcher.sketch_slice(set);
                black_box(sketcher.get_hsketch());
            }
        ),
        "SuperMinHash2" => time!(
            task,
            sets,
            SuperMinHash2::<u64, u64, NoHashHasher>::new(HASHES, NoHash::default()),
            |sketcher: &mut SuperMinHash2<_, _, _>, set: &Vec<u64>| {
                sketcher.reinit();
                let _ = sketcher.sketch_slice(set);
                black_box(sketcher.get_hsketch());
            }
        ),
        "SetSketch" => time!(
            task,
            sets,
            SetSketcher::<u16, u64, nohasher::NoHashHasher>::new(
                SetSketchParams::new(1.001, HASHES as u64, 20.0, (1 << 16) - 2),
                NoHash::default(),
            ),
            |sketcher: &mut SetSketcher<_, _, _>, set: &Vec<u64>| {
                sketcher.reinit();
                let _ = sketcher.sketch_slice(set);
                black_box(sketcher.get_signature());
            }
        ),
        "OptDensMinHash" => time!(
            task,
            sets,
            OptDensMinHash::<f32, u64, NoHashHasher>::new(HASHES, NoHash::default()),
            |sketcher: &mut OptDensMinHash<_, _, _>, set: &Vec<u64>| {
                sketcher.reinit();
                let _ = sketcher.sketch_slice(set);
                black_box(sketcher.get_hsketch());
            }
        ),
        "RevOptDensMinHash" => time!(
            task,
            sets,
            RevOptDensMinHash::<f32, u64, NoHashHasher>::new(HASHES, NoHash::default()),
            |sketcher: &mut RevOptDensMinHash<_, _, _>, set: &Vec<u64>| {
                sketcher.reinit();
                let _ = sketcher.sketch_slice(set);
                black_box(sketcher.get_hsketch());
            }
        ),
        "ProbMinHash2" => time!(
            task,
            sets,
            ProbMinHash2::<u64, nohasher::NoHashHasher>::new(HASHES, 0),
            |sketcher: &mut ProbMinHash2<_, _>, set: &Vec<u64>| {
                sketcher.reset();
                for &hash in set {
                    sketcher.hash_item(hash, 1.0);
                }
                black_box(sketcher.get_signature());
            }
        ),
        // These two cannot be reset: one is made for each set.
        "ProbMinHash3" => time!(task, sets, (), |(): &mut (), set: &Vec<u64>| {
            let mut sketcher = ProbMinHash3::<u64, nohasher::NoHashHasher>::new(HASHES, 0);
            for &hash in set {
                sketcher.hash_item(hash, &1.0);
            }
            black_box(sketcher.get_signature());
        }),
        "ProbMinHash3a" => {
            type Weights = IndexMap<u64, f64, NoHash<nohasher::NoHashHasher>>;
            let weights: Vec<Weights> = sets
                .iter()
                .map(|set| set.iter().map(|&hash| (hash, 1.0)).collect())
                .collect();
            time!(task, &weights, (), |(): &mut (), set: &Weights| {
                let mut sketcher = ProbMinHash3a::<u64, nohasher::NoHashHasher>::new(HASHES, 0);
                sketcher.hash_weigthed_idxmap(set);
                black_box(sketcher.get_signature());
            })
        }
        other => bail!("{other} has no sketch"),
    };
    Ok(seconds)
}

/// `SuperMinHash` of our shingles, as the crate makes none.
pub(super) fn signatures(texts: &[String]) -> usize {
    let shingler = ours::shingler();
    let sketcher = || SuperMinHash::<f32, u64, NoHashHasher>::new(HASHES, NoHash::default());
    let signatures: Vec<Vec<f32>> = texts
        .par_iter()
        .map_init(
            || (Scratch::default(), Vec::new(), sketcher()),
            |(scratch, shingles, sketcher), text| {
                shingler.text_into(text, scratch, shingles);
                sketcher.reinit();
                for shingle in &*shingles {
                    let _ = sketcher.sketch(shingle);
                }
                sketcher.get_hsketch().clone()
            },
        )
        .collect();
    signatures.len()
}
