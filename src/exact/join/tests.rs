//! The join against brute force, on collections with planted templates.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::exact::classes::NONE;
use crate::exact::frequencies::Frequencies;
use crate::exact::work::{Patience, Work};
use crate::frequent::SplitSet;
use crate::text::mix;
use crate::union_find::UnionFind;

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0) % n
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// Sets of a few forms. Each has shingles of its form, some headlines, some shingles that all share and some unique
/// ones; or it is a changed copy of an earlier set.
fn collection(random: &mut Random) -> Vec<Vec<u64>> {
    let mut next = 0;
    let mut fresh = |many: u64| -> Vec<u64> {
        next += many;
        (next - many..next).map(mix).collect()
    };
    let forms: Vec<Vec<u64>> = (0..=random.below(3))
        .map(|_| fresh(random.of(&[0, 2, 9, 25, 50])))
        .collect();
    let headlines: Vec<Vec<u64>> = (0..random.below(12))
        .map(|_| fresh(1 + random.below(5)))
        .collect();
    let (all_share, few_share) = (fresh(random.of(&[0, 0, 6])), fresh(25));
    let own = random.of(&[0, 1, 4, 9, 20]);
    let damage = random.of(&[2, 8, 1000]);
    let mut sets: Vec<Vec<u64>> = Vec::new();
    for _ in 0..random.of(&[3, 15, 50, 130]) {
        let mut set;
        if !sets.is_empty() && random.below(4) == 0 {
            set = sets[random.below(sets.len() as u64) as usize].clone();
            for _ in 0..random.below(4) {
                if !set.is_empty() {
                    set.swap_remove(random.below(set.len() as u64) as usize);
                }
                let more = random.below(2);
                set.extend(fresh(more));
            }
        } else {
            set = forms[random.below(forms.len() as u64) as usize].clone();
            set.extend(&all_share);
            for _ in 0..random.below(5) {
                if !headlines.is_empty() {
                    set.extend(&headlines[random.below(headlines.len() as u64) as usize]);
                }
            }
            let many = random.below(own + 1);
            set.extend(fresh(many));
            for _ in 0..random.below(3) {
                set.push(few_share[random.below(25) as usize]);
            }
            if random.below(damage) == 0 {
                set.truncate(set.len() - random.below(4).min(set.len() as u64) as usize);
                set.reverse();
            }
        }
        set.sort_unstable();
        set.dedup();
        sets.push(set);
    }
    sets
}

/// The similar pairs, and the number of shingles that they share.
fn similar(sets: &[Vec<u64>], threshold: Threshold) -> BTreeMap<(u32, u32), u32> {
    let mut similar = BTreeMap::new();
    for (x, left) in (0..).zip(sets) {
        let left: BTreeSet<_> = left.iter().collect();
        for (y, right) in (0..).zip(sets).take(x as usize) {
            let shared = right.iter().filter(|hash| left.contains(hash)).count();
            let union = left.len() + right.len() - shared;
            if shared > 0 && threshold.is_reached(shared, union) {
                similar.insert((y, x), shared as u32);
            }
        }
    }
    similar
}

/// A join, and queries of its results.
struct Joined<'t> {
    join: Join,
    sets: &'t [Vec<u64>],
    threshold: Threshold,
    /// Sets from this number on are indexed.
    indexed_from: u32,
    work: Work,
}

impl Joined<'_> {
    fn is_open(&self, x: u32, y: u32) -> bool {
        x.min(y) < self.indexed_from
    }

    fn shared(&self, x: u32, y: u32) -> Option<u32> {
        let [left, right] = [x, y].map(|set| &self.sets[set as usize]);
        let shared = left.iter().filter(|&hash| right.contains(hash)).count();
        let union = left.len() + right.len() - shared;
        let is_similar = shared > 0 && self.threshold.is_reached(shared, union);
        is_similar.then_some(shared as u32)
    }

    fn near(&self, set: u32) -> Vec<u32> {
        let mut near = Near::default();
        near.begin(self.sets.len());
        near.is_new(set);
        self.join.near(set, &mut near);
        assert!(near.sets.len() <= self.join.met(set));
        let open = near.sets.iter().copied();
        open.filter(|&other| self.is_open(set, other) && self.shared(set, other).is_some())
            .collect()
    }

    fn size(&self, set: u32) -> u32 {
        self.sets[set as usize].len() as u32
    }

    fn all(&self) -> std::ops::Range<u32> {
        0..self.sets.len() as u32
    }

    fn pairs(&self) -> BTreeMap<(u32, u32), u32> {
        let partners = self.join.common().partners(self.work).unwrap();
        let mut pairs = BTreeMap::new();
        for set in self.all() {
            let near: BTreeSet<u32> = self.near(set).into_iter().collect();
            for &other in near.iter().filter(|&&other| other > set) {
                pairs.insert((set, other), self.shared(set, other).unwrap());
            }
            let mut found = BTreeSet::new();
            partners.of(set, |other, sizes, shared| {
                assert_eq!(sizes, [set, other].map(|set| self.size(set)));
                assert!(found.insert(other), "twice");
                if other > set && self.is_open(set, other) && !near.contains(&other) {
                    assert_eq!(pairs.insert((set, other), shared), None);
                }
            });
            assert!(found.len() <= partners.met(set));
        }
        pairs
    }

    fn components(&self) -> Vec<u32> {
        let mut components = UnionFind::new(self.sets.len());
        self.join
            .common()
            .connect(&mut components, self.work)
            .unwrap();
        for set in self.all() {
            for other in self.near(set) {
                components.union(set, other);
            }
        }
        components.flatten().to_vec()
    }

    fn leaders(&self, order: &[u32]) -> Vec<u32> {
        let mut leading = self.join.common().leading(self.work);
        let mut rank = vec![0; self.sets.len()];
        for (number, &set) in (0..).zip(order) {
            rank[set as usize] = number;
        }
        let mut leader: Vec<u32> = self.all().collect();
        for &set in order {
            let own = rank[set as usize];
            let kept = self.near(set).into_iter();
            let kept = kept.filter(|&other| leader[other as usize] == other);
            let ranks = kept.map(|other| rank[other as usize]);
            let mut best = ranks.filter(|&rank| rank < own).min().unwrap_or(NONE);
            best = leading.first(set, own, best).unwrap();
            match best {
                NONE => leading.keep(set, own),
                best => leader[set as usize] = order[best as usize],
            }
        }
        leader
    }
}

fn closure(sets: usize, pairs: &BTreeMap<(u32, u32), u32>) -> Vec<u32> {
    let mut label: Vec<u32> = (0..sets as u32).collect();
    loop {
        let before = label.clone();
        for &(x, y) in pairs.keys() {
            let least = label[x as usize].min(label[y as usize]);
            label[x as usize] = least;
            label[y as usize] = least;
        }
        if label == before {
            return label;
        }
    }
}

fn greedy(pairs: &BTreeMap<(u32, u32), u32>, order: &[u32]) -> Vec<u32> {
    let mut leader: Vec<u32> = (0..order.len() as u32).collect();
    for (own, &set) in order.iter().enumerate() {
        let is_pair = |&&other: &&u32| pairs.contains_key(&(set.min(other), set.max(other)));
        let mut before = order[..own].iter().filter(is_pair);
        if let Some(&kept) = before.find(|&&other| leader[other as usize] == other) {
            leader[set as usize] = kept;
        }
    }
    leader
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_join_equals_brute_force(
        seed: u64,
        threshold in prop::sample::select(vec![0.2, 0.3, 0.5, 2.0 / 3.0, 0.75, 0.8, 0.9, 1.0]),
        most_rare in prop::sample::select(vec![0u8, 1, 2, 3, 5, 15, 254]),
        bytes in prop::sample::select(vec![1usize, 30, 2000]),
        is_forced in prop::bool::weighted(0.2),
        few in 1usize..20,
        looks in prop::sample::select(vec![0usize, 1, 8, 64]),
        share_of_index in prop::sample::select(vec![0u32, 0, 3, 10]),
    ) {
        let threshold = Threshold(threshold);
        let mut random = Random(seed);
        let sets = collection(&mut random);
        let frequent = frequent(&mut random, &sets);
        let split = split(&sets, &frequent);
        let many = sets.len() as u32;
        let indexed_from = many - many * share_of_index / 10;
        let parts: Vec<Parts<'_>> = split.iter().map(SplitSet::parts).collect();
        let frequencies = Frequencies::with_bytes(bytes);
        frequencies.count(&parts);
        let mut rarity = Rarity::of(frequencies, frequent.hashes(), most_rare);
        rarity.forced = is_forced.then_some(seed);
        let is_indexed = |set| set >= indexed_from;
        let join = Join::by(&rarity, &parts, frequent.hashes().len(), threshold, is_indexed);
        let mut work = Work::new(u64::MAX);
        work.patience = Patience { few, looks };
        let joined = Joined { join, sets: &sets, threshold, indexed_from, work };
        let mut expected = similar(&sets, threshold);
        let order: Vec<u32> = match seed % 2 {
            0 => joined.all().collect(),
            _ => joined.all().rev().collect(),
        };
        if share_of_index == 0 {
            prop_assert_eq!(joined.leaders(&order), greedy(&expected, &order));
        }
        expected.retain(|&(x, y), _| joined.is_open(x, y));
        prop_assert_eq!(joined.components(), closure(sets.len(), &expected));
        prop_assert_eq!(joined.pairs(), expected);
    }
}

/// Some of the shingles of sets, as frequent shingles. This must not change results.
fn frequent(random: &mut Random, sets: &[Vec<u64>]) -> Frequent {
    let of_ten = random.of(&[0, 0, 2, 9]);
    let all: BTreeSet<u64> = sets.concat().into_iter().collect();
    let some = all.into_iter().filter(|_| random.below(10) < of_ten);
    Frequent::of(some.collect())
}

fn split(sets: &[Vec<u64>], frequent: &Frequent) -> Vec<SplitSet> {
    let split = |set: &Vec<u64>| frequent.split(&mut set.clone(), &mut Vec::new());
    sets.iter().map(split).collect()
}

fn joined(sets: &[Vec<u64>]) -> Join {
    let sets: Vec<Parts<'_>> = sets.iter().map(|set| Parts::of(set)).collect();
    let none = Frequent::default();
    let rule = Rule {
        measure: Measure::Jaccard,
        threshold: Threshold(0.8),
    };
    Join::new(&sets, &none, rule, |_| false, &Ticker::silent()).unwrap()
}

/// Many similar sets are not all compared with each other.
#[test]
fn near_copies_of_one_page_take_little_work() {
    let many = 3000u64;
    let mut random = Random(7);
    let set = |_| {
        let lost = [random.below(200), random.below(200)];
        let own = random.below(1 << 40) + 1000;
        let kept = (0..200).filter(|shingle| !lost.contains(shingle));
        let mut set: Vec<u64> = kept.chain([own]).map(mix).collect();
        set.sort_unstable();
        set
    };
    let sets: Vec<Vec<u64>> = (0..many).map(set).collect();
    let join = joined(&sets);
    let work = Work::new(100 * many);
    let mut components = UnionFind::new(sets.len());
    join.common().connect(&mut components, work).unwrap();
    assert!(components.flatten().iter().all(|&root| root == 0));
    let mut leading = join.common().leading(work);
    leading.keep(0, 0);
    for set in 1..many as u32 {
        assert_eq!(leading.first(set, set, NONE), Ok(0));
    }
}

#[test]
fn too_much_work_is_refused_soon() {
    // Each set lacks different parts of one form: all share shingles, but no two are similar.
    let mut random = Random(3);
    let set = |_| {
        let lost: BTreeSet<u64> = (0..120).map(|_| random.below(400)).collect();
        let mut set: Vec<u64> = (0..400).filter(|i| !lost.contains(i)).map(mix).collect();
        set.sort_unstable();
        set
    };
    let sets: Vec<Vec<u64>> = (0..2000).map(set).collect();
    let join = joined(&sets);
    let work = Work::new(50_000);
    let common = join.common();
    let out = common
        .connect(&mut UnionFind::new(sets.len()), work)
        .unwrap_err();
    assert!(out.needed > work.most);
    assert!(common.partners(work).is_err());
}
