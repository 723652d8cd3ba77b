//! Classes of mostly common sets with the same common part.
//!
//! Members of a class share the same common shingles, so their sizes alone decide whether they are similar. To compare
//! classes, shingles that occur in the same classes are combined into one *atom*, whose weight is their number. A class
//! is then a short list of atoms.

use std::collections::HashMap;
use std::ops::Range;

use rayon::prelude::*;

use super::bitmap::Bitmaps;
use super::scan::MostlyCommon;
use crate::hashed::HashedMap;
use crate::text::mix;
use crate::threshold::Threshold;

/// Means no atom, or no class.
pub(super) const NONE: u32 = u32::MAX;

/// A source of the common shingles of sets.
pub(crate) trait CommonOf {
    /// The error of reading shingles.
    type Error: Send;

    /// Calls `each` with the index in `sets` and a common shingle, for all common shingles of `sets` in the part `part`
    /// of all shingles, one set after the other.
    fn for_each(
        &self,
        sets: &[u32],
        part: Part,
        each: impl FnMut(usize, Common),
    ) -> Result<(), Self::Error>;

    /// The number of parts of all shingles, which are processed in parallel.
    fn parts(&self) -> usize;

    /// The number of shingles that have numbers.
    fn numbered(&self) -> usize;
}

/// A common shingle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Common {
    /// The number of a frequent shingle.
    Numbered(u16),
    Hashed(u64),
}

/// One of several parts of all shingles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    number: usize,
    of: usize,
}

impl Part {
    const ALL: Self = Self { number: 0, of: 1 };

    /// The numbers in this part, of `all` numbered shingles.
    pub(super) fn numbers(self, all: usize) -> Range<usize> {
        let bound = |number| number * all / self.of;
        bound(self.number)..bound(self.number + 1)
    }

    /// The first and the last hash in this part.
    pub(crate) fn hashes(self) -> (u64, u64) {
        let bound = |number| ((number as u128) << 64) / self.of as u128;
        let last = bound(self.number + 1) - 1;
        (bound(self.number) as u64, last as u64)
    }
}

/// The classes of mostly common sets. Sets of indexed documents are in separate classes.
#[derive(Debug, Default)]
pub(super) struct Classes {
    all: Vec<Class>,
    /// Members of all classes, sorted by class, then by size.
    members: Vec<Member>,
    /// Atoms of all classes, sorted by class, rarest first.
    atoms: Vec<Atom>,
    kinds: Vec<Kind>,
    /// Bitmaps of the shared shingles of classes with many atoms.
    bitmaps: Bitmaps,
}

/// With fewer atoms, comparing classes directly is as fast as with bitmaps.
const MANY: usize = 64;

/// A set of a class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) size: u32,
    pub(super) set: u32,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Class {
    /// The size of the smallest member.
    pub(super) least: u32,
    /// The number of common shingles.
    pub(super) common: u32,
    /// The number of common shingles that another class also has.
    pub(super) shared: u32,
    /// Whether all its members are indexed documents.
    pub(super) is_indexed: bool,
    members: (u32, u32),
    atoms: (u32, u32),
}

/// An atom of a class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Atom {
    pub(super) kind: u32,
    /// The weight of the class's atoms from this one on.
    pub(super) rest: u32,
    /// Whether the class also has the [related](Kind::related) atom.
    pub(super) has_related: bool,
}

/// The properties of an atom that are the same in all classes. Atoms are numbered by the number of classes that have
/// them, rarest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// The number of shingles.
    pub(super) weight: u32,
    /// The least size of a set in a class that has the atom.
    pub(super) floor: u32,
    /// An earlier atom that nearly the same classes have, or [`NONE`].
    pub(super) related: u32,
}

/// Whether a set is the smaller or the larger of two similar sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Smaller,
    Larger,
}

impl Role {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Smaller => Self::Larger,
            Self::Larger => Self::Smaller,
        }
    }
}

impl Classes {
    /// Makes the classes. `common` is the source of the common shingles.
    pub(super) fn new<C: CommonOf + Sync>(
        mut mostly_common: Vec<MostlyCommon>,
        threshold: Threshold,
        is_indexed: impl Fn(u32) -> bool + Sync,
        common: &C,
    ) -> Result<Self, C::Error> {
        let key = |set: &MostlyCommon| (set.fingerprint, is_indexed(set.set));
        mostly_common.par_sort_unstable_by_key(|set| (key(set), set.size, set.set));
        // In the order of their smallest members, so that sets are read in the order of memory.
        let runs = mostly_common.chunk_by(|a, b| key(a) == key(b));
        let mut runs: Vec<&[MostlyCommon]> = runs.collect();
        runs.par_sort_unstable_by_key(|run| run[0].set);
        let mut classes = Self {
            all: Vec::with_capacity(runs.len()),
            members: Vec::with_capacity(mostly_common.len()),
            atoms: Vec::new(),
            kinds: Vec::new(),
            bitmaps: Bitmaps::default(),
        };
        let mut from = 0;
        for run in runs {
            let to = from + run.len() as u32;
            classes.members.extend(run.iter().map(|set| Member {
                size: set.size,
                set: set.set,
            }));
            classes.all.push(Class {
                least: run[0].size,
                common: run[0].common,
                is_indexed: is_indexed(run[0].set),
                members: (from, to),
                ..Class::default()
            });
            from = to;
        }
        drop(mostly_common);
        if classes.len() > 1 {
            classes.split_into_atoms(threshold, common)?;
        }
        Ok(classes)
    }

    fn split_into_atoms<C: CommonOf + Sync>(
        &mut self,
        threshold: Threshold,
        common: &C,
    ) -> Result<(), C::Error> {
        let firsts: Vec<u32> = (0..self.len() as u32)
            .map(|class| self.first(class))
            .collect();
        let (parts, numbered) = (common.parts(), common.numbered());
        let tokens: Vec<Tokens> = (0..parts)
            .into_par_iter()
            .map(|number| {
                let part = Part { number, of: parts };
                let mut tokens = Tokens::new(part.numbers(numbered));
                common.for_each(&firsts, part, |class, shingle| {
                    tokens.add(class as u32, shingle);
                })?;
                tokens.drop_single();
                Ok(tokens)
            })
            .collect::<Result<_, C::Error>>()?;
        let Kinds {
            mut kinds,
            of_shingle,
        } = Kinds::of(&tokens, numbered);
        let together = firsts.len().div_ceil(parts);
        let own: Vec<Vec<(u32, u32)>> = firsts
            .par_chunks(together)
            .enumerate()
            .map(|(chunk, some)| {
                let mut own = Vec::new();
                let before = chunk * together;
                common.for_each(some, Part::ALL, |class, shingle| {
                    if let Some(kind) = of_shingle.get(shingle) {
                        own.push(((before + class) as u32, kind));
                    }
                })?;
                Ok(own)
            })
            .collect::<Result<_, C::Error>>()?;
        let mut own = own.concat();
        let mut seen_in = vec![NONE; kinds.len()];
        let mut own = own.as_mut_slice();
        for (number, class) in (0..).zip(&mut self.all) {
            let many = own.iter().take_while(|of| of.0 == number).count();
            let (of_class, rest) = own.split_at_mut(many);
            own = rest;
            of_class.sort_unstable();
            let of_class = &*of_class;
            let weight = |&(_, kind): &(u32, u32)| kinds[kind as usize].weight;
            class.shared = of_class.iter().map(weight).sum();
            let from = self.atoms.len() as u32;
            class.atoms = (from, from);
            // A class without partners in other classes needs no atoms.
            let least = class.least as usize;
            let partner = threshold.least_partner(least);
            if (class.shared as usize) < threshold.needed_overlap(least, partner) {
                continue;
            }
            for &(_, kind) in of_class {
                seen_in[kind as usize] = number;
            }
            let mut rest = class.shared;
            for &(_, kind) in of_class {
                let of_kind = &mut kinds[kind as usize];
                of_kind.floor = of_kind.floor.min(class.least);
                let related = of_kind.related;
                self.atoms.push(Atom {
                    kind,
                    rest,
                    has_related: related != NONE && seen_in[related as usize] == number,
                });
                rest -= of_kind.weight;
            }
            class.atoms.1 = self.atoms.len() as u32;
        }
        self.kinds = kinds;
        self.bitmaps = self.bitmaps();
        Ok(())
    }

    fn bitmaps(&self) -> Bitmaps {
        let size = |class: usize| match self.atoms(class as u32).len() {
            0..MANY => 0,
            _ => self.all[class].shared as usize,
        };
        Bitmaps::new(self.len(), size, |class, bits| {
            for atom in self.atoms(class as u32) {
                let shingle = |number| mix(u64::from(atom.kind) << 32 | number);
                let weight = u64::from(self.kind(atom.kind).weight);
                (0..weight).for_each(|number| bits.add(shingle(number)));
            }
        })
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    #[inline]
    pub(super) fn class(&self, class: u32) -> &Class {
        &self.all[class as usize]
    }

    /// For each of `sets` sets, its class (or [`NONE`]) and its size.
    pub(super) fn of_sets(&self, sets: usize) -> Vec<(u32, u32)> {
        let mut of_sets = vec![(NONE, 0); sets];
        for class in 0..self.len() as u32 {
            for member in self.members(class) {
                of_sets[member.set as usize] = (class, member.size);
            }
        }
        of_sets
    }

    /// The smallest member of a class.
    #[inline]
    pub(super) fn first(&self, class: u32) -> u32 {
        self.members(class)[0].set
    }

    /// The size of the smallest member of a class.
    #[inline]
    pub(super) fn least(&self, class: u32) -> usize {
        self.class(class).least as usize
    }

    /// The members of a class, by size.
    #[inline]
    pub(super) fn members(&self, class: u32) -> &[Member] {
        let (from, to) = self.class(class).members;
        &self.members[from as usize..to as usize]
    }

    #[inline]
    pub(super) fn atoms(&self, class: u32) -> &[Atom] {
        let (from, to) = self.class(class).atoms;
        &self.atoms[from as usize..to as usize]
    }

    #[inline]
    pub(super) fn kind(&self, kind: u32) -> &Kind {
        &self.kinds[kind as usize]
    }

    /// The weight of a class's atoms from number `at` on.
    #[inline]
    pub(super) fn rest(&self, class: u32, at: usize) -> u32 {
        self.atoms(class).get(at).map_or(0, |atom| atom.rest)
    }

    /// The weight of a class's atoms that a partner of a member of this size may lack, if the partner's size is at
    /// least `floor`. `None` if it cannot be a partner.
    #[inline]
    pub(super) fn budget(
        &self,
        class: u32,
        threshold: Threshold,
        role: Role,
        size: usize,
        floor: u32,
    ) -> Option<u32> {
        let partner = match role {
            Role::Smaller => size,
            Role::Larger => threshold.least_partner(size).max(floor as usize),
        };
        let needed = threshold.needed_overlap(size, partner) as u32;
        self.class(class).shared.checked_sub(needed)
    }

    /// The number of sets in all classes together.
    pub(super) fn sets(&self) -> usize {
        self.members.len()
    }

    /// The classes, sorted by the size of their smallest members.
    pub(super) fn by_least(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_unstable_by_key(|&class| (self.class(class).least, class));
        order
    }

    /// The weight of the atoms that two classes share, if it is at least `needed`.
    pub(super) fn overlap(&self, x: u32, y: u32, needed: usize) -> Option<usize> {
        let needed = needed as u32;
        let mut spare_x = self.class(x).shared.checked_sub(needed)?;
        let mut spare_y = self.class(y).shared.checked_sub(needed)?;
        if self.bitmaps.differ(x as usize, y as usize) > (spare_x + spare_y) as usize {
            return None;
        }
        let (mut left, mut right) = (self.atoms(x).iter(), self.atoms(y).iter());
        let (mut l, mut r) = (left.next(), right.next());
        let mut shared = 0;
        while let (Some(a), Some(b)) = (l, r) {
            let weight = self.kind(a.kind.min(b.kind)).weight;
            match a.kind.cmp(&b.kind) {
                std::cmp::Ordering::Equal => {
                    shared += weight;
                    (l, r) = (left.next(), right.next());
                }
                std::cmp::Ordering::Less => {
                    spare_x = spare_x.checked_sub(weight)?;
                    l = left.next();
                }
                std::cmp::Ordering::Greater => {
                    spare_y = spare_y.checked_sub(weight)?;
                    r = right.next();
                }
            }
        }
        (shared >= needed).then_some(shared as usize)
    }
}

/// A 128-bit hash of a number. The sum of hashes identifies a set of numbers.
fn fingerprint(number: u32) -> u128 {
    let high = mix(u64::from(number) ^ 0x9E37_79B9_7F4A_7C15);
    let low = mix(high ^ u64::from(number) << 17 ^ 0xC2B2_AE3D_27D4_EB4F);
    u128::from(high) << 64 | u128::from(low)
}

/// The atoms of all classes.
struct Kinds {
    kinds: Vec<Kind>,
    of_shingle: OfShingle,
}

/// A common shingle, while the classes that have it are collected.
#[derive(Default, Clone, Copy)]
struct Token {
    /// Identifies the set of classes that have it.
    fingerprint: u128,
    classes: u32,
    first_class: u32,
}

/// The common shingles of all classes, in one part of all shingles.
struct Tokens {
    first_number: usize,
    numbered: Vec<Token>,
    hashed: HashedMap<u64, Token>,
    /// The class whose shingles are being added, and its fingerprint.
    class: (u32, u128),
}

impl Tokens {
    fn new(numbers: Range<usize>) -> Self {
        Self {
            first_number: numbers.start,
            numbered: vec![Token::default(); numbers.len()],
            hashed: HashedMap::default(),
            class: (NONE, 0),
        }
    }

    /// Adds a shingle of a class. Classes must come in order.
    #[inline]
    fn add(&mut self, class: u32, shingle: Common) {
        if self.class.0 != class {
            self.class = (class, fingerprint(class));
        }
        let token = match shingle {
            Common::Numbered(number) => &mut self.numbered[usize::from(number) - self.first_number],
            Common::Hashed(hash) => self.hashed.entry(hash).or_default(),
        };
        if token.classes == 0 {
            token.first_class = class;
        }
        token.classes += 1;
        token.fingerprint = token.fingerprint.wrapping_add(self.class.1);
    }

    /// Drops shingles that only one class has.
    fn drop_single(&mut self) {
        self.hashed.retain(|_, token| token.classes > 1);
    }

    fn iter(&self) -> impl Iterator<Item = (Common, &Token)> {
        let numbered = (self.first_number..).zip(&self.numbered);
        let numbered = numbered
            .filter(|(_, token)| token.classes > 1)
            .map(|(number, token)| (Common::Numbered(number as u16), token));
        let hashed = self.hashed.iter();
        numbered.chain(hashed.map(|(&hash, token)| (Common::Hashed(hash), token)))
    }
}

impl Kinds {
    fn of(tokens: &[Tokens], numbered: usize) -> Self {
        /// An atom is related to another if this many of five classes that have the one also have the other.
        const RELATED: u64 = 4;
        let kind = |token: &Token| (token.classes, token.fingerprint, token.first_class);
        let all = || tokens.iter().flat_map(Tokens::iter);
        let mut atoms: Vec<(u32, u128, u32)> = all().map(|(_, token)| kind(token)).collect();
        atoms.sort_unstable();
        atoms.dedup();
        let of_print: HashMap<u128, u32> = (0..)
            .zip(&atoms)
            .map(|(atom, &(_, fingerprint, _))| (fingerprint, atom))
            .collect();
        let mut last: HashedMap<u64, u32> = HashedMap::default();
        let mut kinds: Vec<Kind> = Vec::with_capacity(atoms.len());
        for (atom, &(classes, _, first)) in (0..).zip(&atoms) {
            let before = last.insert(first.into(), atom).filter(|&before| {
                u64::from(atoms[before as usize].0) * 5 >= u64::from(classes) * RELATED
            });
            kinds.push(Kind {
                weight: 0,
                floor: u32::MAX,
                related: before.unwrap_or(NONE),
            });
        }
        // One shingle represents each atom, so that the others need not be looked up again.
        let mut least = vec![Common::Hashed(u64::MAX); kinds.len()];
        for (shingle, token) in all() {
            let atom = of_print[&token.fingerprint] as usize;
            kinds[atom].weight += 1;
            least[atom] = least[atom].min(shingle);
        }
        Self {
            kinds,
            of_shingle: OfShingle::new(&least, numbered),
        }
    }
}

/// Look-up of the atom that a shingle represents.
struct OfShingle {
    of_number: Vec<u32>,
    /// A bit is set for each hash that represents an atom. Most other hashes have an unset bit, and need no look-up.
    filter: Vec<u64>,
    of_hash: HashedMap<u64, u32>,
}

impl OfShingle {
    /// Makes the look-up. Each shingle represents the atom with its index.
    fn new(shingles: &[Common], numbered: usize) -> Self {
        let words = (shingles.len() / 4).next_power_of_two();
        let mut of_shingle = Self {
            of_number: vec![NONE; numbered],
            filter: vec![0; words],
            of_hash: HashedMap::default(),
        };
        for (atom, &shingle) in (0..).zip(shingles) {
            match shingle {
                Common::Numbered(number) => of_shingle.of_number[usize::from(number)] = atom,
                Common::Hashed(hash) => {
                    let (word, bit) = Self::place(hash, words);
                    of_shingle.filter[word] |= bit;
                    of_shingle.of_hash.insert(hash, atom);
                }
            }
        }
        of_shingle
    }

    fn place(hash: u64, words: usize) -> (usize, u64) {
        ((hash >> 13) as usize & (words - 1), 1 << (hash >> 7 & 63))
    }

    #[inline]
    fn get(&self, shingle: Common) -> Option<u32> {
        match shingle {
            Common::Numbered(number) => {
                let atom = self.of_number[usize::from(number)];
                (atom != NONE).then_some(atom)
            }
            Common::Hashed(hash) => {
                let (word, bit) = Self::place(hash, self.filter.len());
                match self.filter[word] & bit {
                    0 => None,
                    _ => self.of_hash.get(&hash).copied(),
                }
            }
        }
    }
}
