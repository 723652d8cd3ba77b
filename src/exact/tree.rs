//! An index of classes by the atoms that they share, rarest first.
//!
//! Two classes of which members are similar share most of their atoms. The first that they share, in the order of all
//! atoms, has before it only atoms that one of the two lacks: few, as either has a *budget* of what a partner may lack.
//! So a class is found at each of its atoms that its budget allows to be the first.
//!
//! A node holds the classes that share the atoms of its path. Whoever visits it looks through all of them. Where that
//! has been in vain too often, the node is split: its classes go to nodes below by the atom that may be shared next.
//! Where that would spare little, or take too many places, the node stays as it is.

use super::classes::{Classes, NONE, Role};
use super::work::Patience;
use crate::hashed::HashedMap;
use crate::threshold::Threshold;

/// Places in the tree for each class, at most.
const PLACES: usize = 256;

/// A class at a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) class: u32,
    /// The size of its smallest member.
    pub(super) least: u32,
    /// Its first atom that may be shared below.
    at: u32,
    /// The weight of the atoms before it that are not shared.
    skipped: u32,
    /// The weight of its atoms that may be shared below.
    pub(super) rest: u32,
    pub(super) related: Related,
}

/// For each atom of a path, by a bit, whether the class has the related atom as well. Two that have it both meet there
/// too, and need not meet here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Related(u8);

impl Related {
    #[inline]
    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn has(self, node: &Node) -> bool {
        node.is_flagged && self.0 >> (node.depth - 1) & 1 == 1
    }
}

/// Classes at a node, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) entries: Vec<Entry>,
    /// Where classes come by size: entries before this one are too small for all that are to come.
    pub(super) from: usize,
    /// Of components: these entries are connected with each other, and can connect no more.
    pub(super) known: (usize, usize),
}

impl List {
    /// Makes it a list of one entry.
    fn show(&mut self, entry: Entry) {
        self.entries.clear();
        self.entries.push(entry);
        (self.from, self.known) = (0, (0, 0));
    }
}

#[derive(Debug, Default)]
pub(super) struct Node {
    /// Classes without the related atom of the path's last one, and with it.
    lists: [List; 2],
    /// The weight of the path.
    path: u32,
    /// No set in a class with these atoms is smaller.
    floor: u32,
    /// Looks in vain.
    vain: usize,
    /// It will not be split.
    is_fixed: bool,
    depth: u8,
    /// Whether the related atom counts: it is not in the path itself.
    is_flagged: bool,
    atom: u32,
    parent: u32,
    /// When the first class came here.
    pub(super) since: u32,
    split: Option<Box<Split>>,
}

/// What is known of a node that is split.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// The classes that may share no more than the path, in the order in which they came.
    pub(super) ended: Vec<u32>,
    /// Of leaders: sets of these that are kept, as (rank, size), smaller and smaller.
    pub(super) stairs: Vec<(u32, u32)>,
}

/// A class on a visit, at a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub(super) class: u32,
    /// The weight of the path, which is shared.
    pub(super) path: u32,
    /// The weight of its atoms that may be shared as well.
    pub(super) rest: u32,
    pub(super) related: Related,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looks {
    pub(super) all: usize,
    /// Those that a split would have spared.
    pub(super) in_vain: usize,
}

/// What is done where a class meets others.
pub(super) trait Visitor {
    /// Whether there may be anything of interest at a node or below.
    fn enters(&self, _: &Node) -> bool {
        true
    }

    /// Looks through the classes of a node that is not split.
    fn meet(&mut self, list: &mut List, visit: Visit) -> Looks;

    /// At a node that is split: looks at the classes that share no more than its path.
    fn meet_ended(&mut self, split: &mut Split, visit: Visit);
}

/// A node on the way of a class.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    node: u32,
    at: u32,
    skipped: u32,
    related: Related,
}

/// What stands below a node at an atom.
#[derive(Debug, Clone, Copy)]
enum Child {
    /// One class: its number among those that are alone.
    One(u32),
    Node(u32),
}

pub(super) struct Tree<'c> {
    classes: &'c Classes,
    threshold: Threshold,
    /// As which of two similar sets a class is inserted; those on a visit are the other.
    role: Role,
    patience: Patience,
    nodes: Vec<Node>,
    /// By node and atom.
    children: HashedMap<u64, Child>,
    alone: Vec<Entry>,
    /// Of these, what is not used.
    free: Vec<u32>,
    /// To show one of these in.
    one: List,
    places: usize,
    inserted: usize,
    /// The turn of each class, and when it came.
    turns: Vec<(u32, u32)>,
    /// Nodes that were visited, and classes looked at.
    pub(super) work: u64,
}

/// What a class may lack, by the floor of a node.
#[derive(Clone, Copy)]
struct Budget<'c> {
    classes: &'c Classes,
    threshold: Threshold,
    class: u32,
    role: Role,
    size: usize,
    /// The least size of a partner, whatever the floor.
    least: u32,
    most: u32,
}

impl<'c> Budget<'c> {
    /// None where a member of this size has no partner.
    fn new(tree: &Tree<'c>, class: u32, role: Role, size: usize) -> Option<Self> {
        let (classes, threshold) = (tree.classes, tree.threshold);
        let most = classes.budget(class, threshold, role, size, 0)?;
        Some(Self {
            classes,
            threshold,
            class,
            role,
            size,
            least: threshold.least_partner(size) as u32,
            most,
        })
    }

    /// Whether atoms of this weight may be lacked.
    #[inline]
    fn allows(&self, skipped: u32, floor: u32) -> bool {
        if self.role == Role::Smaller || floor <= self.least {
            return skipped <= self.most;
        }
        let Self {
            class, role, size, ..
        } = *self;
        let budget = self
            .classes
            .budget(class, self.threshold, role, size, floor);
        budget.is_some_and(|budget| skipped <= budget)
    }
}

impl<'c> Tree<'c> {
    pub(super) fn new(
        classes: &'c Classes,
        threshold: Threshold,
        role: Role,
        patience: Patience,
    ) -> Self {
        Self {
            classes,
            threshold,
            role,
            patience,
            nodes: vec![Node::default()],
            children: HashedMap::default(),
            one: List::default(),
            alone: Vec::new(),
            free: Vec::new(),
            places: 0,
            inserted: 0,
            turns: vec![(0, 0); classes.len()],
            work: 0,
        }
    }

    /// Takes a member of this size of a class to all classes that may have a similar one.
    pub(super) fn visit(&mut self, class: u32, size: usize, visitor: &mut impl Visitor) {
        let Some(budget) = Budget::new(self, class, self.role.other(), size) else {
            return;
        };
        let mut stack = vec![Step::default()];
        while let Some(step) = stack.pop() {
            self.work += 1;
            if !visitor.enters(&self.nodes[step.node as usize]) {
                continue;
            }
            match self.nodes[step.node as usize].split {
                None => self.visit_leaf(step, class, visitor),
                Some(_) => self.visit_split(step, budget, visitor, &mut stack),
            }
        }
    }

    fn visit_leaf(&mut self, step: Step, class: u32, visitor: &mut impl Visitor) {
        let node = &mut self.nodes[step.node as usize];
        let visit = Visit {
            class,
            path: node.path,
            rest: self.classes.rest(class, step.at as usize),
            related: step.related,
        };
        // Who has the related atom meets all others that have it elsewhere.
        let has_related = step.related.has(node);
        let [without, with] = &mut node.lists;
        let mut looks = visitor.meet(without, visit);
        if !has_related {
            let more = visitor.meet(with, visit);
            looks.all += more.all;
            looks.in_vain += more.in_vain;
        }
        self.work += looks.all as u64;
        node.vain += looks.in_vain;
        let all = node.lists.iter().map(|list| list.entries.len()).sum();
        let Patience { few, looks } = self.patience;
        // Whether the root is worth splitting shows when it has some more.
        let few = if step.node == 0 { 16 * few } else { few };
        if all > few && !node.is_fixed && node.vain > all * looks {
            self.split(step.node, all);
        }
    }

    fn visit_split(
        &mut self,
        step: Step,
        budget: Budget<'_>,
        visitor: &mut impl Visitor,
        stack: &mut Vec<Step>,
    ) {
        let (classes, class) = (self.classes, budget.class);
        let node = &mut self.nodes[step.node as usize];
        let (path, floor) = (node.path, node.floor);
        let visit = |at: usize, path: u32| Visit {
            class,
            path,
            rest: classes.rest(class, at),
            related: step.related,
        };
        let here = visit(step.at as usize, path);
        if let Some(split) = &mut node.split
            && budget.allows(step.skipped + here.rest, floor)
        {
            visitor.meet_ended(split, here);
        }
        let pushed = stack.len();
        let mut skipped = step.skipped;
        let atoms = classes.atoms(class).iter().enumerate();
        for (at, atom) in atoms.skip(step.at as usize) {
            let kind = classes.kind(atom.kind);
            if budget.allows(skipped, floor.max(kind.floor)) {
                match self.children.get(&key(step.node, atom.kind)) {
                    None => {}
                    Some(&Child::One(one)) => {
                        self.one.show(self.alone[one as usize]);
                        visitor.meet(&mut self.one, visit(at + 1, path + kind.weight));
                        self.work += 1;
                    }
                    Some(&Child::Node(child)) => {
                        let flags = self.flags(step.related, child, atom.has_related);
                        stack.push(Step {
                            node: child,
                            at: at as u32 + 1,
                            skipped,
                            related: flags,
                        });
                    }
                }
            }
            skipped += kind.weight;
            if skipped > budget.most {
                break;
            }
        }
        // First where least is lacking.
        stack[pushed..].reverse();
    }

    /// The bits of a class that goes on to a child.
    fn flags(&self, before: Related, child: u32, has_related: bool) -> Related {
        let child = &self.nodes[child as usize];
        match child.is_flagged && has_related {
            true => Related(before.0 | 1 << (child.depth - 1)),
            false => before,
        }
    }

    /// Inserts a class, at the time `now`, by its smallest member. If it is not new, only `ended` is called, for the nodes
    /// that are split where it may share no more.
    pub(super) fn insert(
        &mut self,
        class: u32,
        now: u32,
        is_new: bool,
        mut ended: impl FnMut(&mut Split),
    ) {
        if is_new {
            self.inserted += 1;
            self.turns[class as usize] = (self.inserted as u32, now);
        }
        self.insert_below(Step::default(), class, is_new, &mut ended);
    }

    fn insert_below(
        &mut self,
        from: Step,
        class: u32,
        is_new: bool,
        ended: &mut impl FnMut(&mut Split),
    ) {
        let classes = self.classes;
        let Some(budget) = Budget::new(self, class, self.role, classes.least(class)) else {
            return;
        };
        let mut stack = vec![from];
        while let Some(step) = stack.pop() {
            let node = &mut self.nodes[step.node as usize];
            let Some(split) = &mut node.split else {
                if is_new {
                    self.places += 1;
                    node.push(Entry {
                        class,
                        least: budget.size as u32,
                        at: step.at,
                        skipped: step.skipped,
                        rest: classes.rest(class, step.at as usize),
                        related: step.related,
                    });
                }
                continue;
            };
            let floor = node.floor;
            let rest = classes.rest(class, step.at as usize);
            if budget.allows(step.skipped + rest, floor) {
                ended(split);
            }
            let mut skipped = step.skipped;
            let atoms = classes.atoms(class).iter().enumerate();
            for (at, atom) in atoms.skip(step.at as usize) {
                let kind = classes.kind(atom.kind);
                if budget.allows(skipped, floor.max(kind.floor)) {
                    let own = Entry {
                        class,
                        least: budget.size as u32,
                        at: at as u32 + 1,
                        skipped,
                        rest: atom.rest - kind.weight,
                        related: step.related,
                    };
                    let child = match is_new {
                        true => self.child_for(step.node, atom.kind, own),
                        false => self.child_node(step.node, atom.kind),
                    };
                    if let Some(child) = child {
                        stack.push(Step {
                            node: child,
                            at: at as u32 + 1,
                            skipped,
                            related: self.flags(step.related, child, atom.has_related),
                        });
                    }
                }
                skipped += kind.weight;
                if skipped > budget.most {
                    break;
                }
            }
        }
    }

    fn child_node(&self, node: u32, atom: u32) -> Option<u32> {
        match self.children.get(&key(node, atom)) {
            Some(&Child::Node(child)) => Some(child),
            _ => None,
        }
    }

    /// The node below another for a class to go on to; none where the class is alone there.
    fn child_for(&mut self, node: u32, atom: u32, own: Entry) -> Option<u32> {
        let one = match self.children.get(&key(node, atom)) {
            Some(&Child::Node(child)) => return Some(child),
            Some(&Child::One(one)) => one,
            None => {
                let one = self.free.pop().unwrap_or(self.alone.len() as u32);
                match self.alone.get_mut(one as usize) {
                    Some(alone) => *alone = own,
                    None => self.alone.push(own),
                }
                self.places += 1;
                self.children.insert(key(node, atom), Child::One(one));
                return None;
            }
        };
        // There are two now.
        self.free.push(one);
        let mut first = self.alone[one as usize];
        let child = self.nodes.len() as u32;
        let below = self.node_below(node, atom, first.class);
        self.nodes.push(below);
        self.children.insert(key(node, atom), Child::Node(child));
        let atoms = self.classes.atoms(first.class);
        let has_related = atoms[first.at as usize - 1].has_related;
        first.related = self.flags(first.related, child, has_related);
        self.nodes[child as usize].push(first);
        Some(child)
    }

    fn node_below(&self, parent: u32, atom: u32, first: u32) -> Node {
        /// Atoms of a path that have bits.
        const DEPTH: u8 = u8::BITS as u8;
        let above = &self.nodes[parent as usize];
        let kind = self.classes.kind(atom);
        let mut is_flagged = kind.related != NONE && above.depth < DEPTH;
        let mut up = parent;
        while is_flagged && up != 0 {
            let node = &self.nodes[up as usize];
            is_flagged = node.atom != kind.related;
            up = node.parent;
        }
        Node {
            path: above.path + kind.weight,
            floor: above.floor.max(kind.floor),
            since: self.turns[first as usize].1,
            depth: above.depth.saturating_add(1),
            is_flagged,
            atom,
            parent,
            ..Node::default()
        }
    }

    /// Splits a node of so many classes, where that spares most looks.
    fn split(&mut self, number: u32, all: usize) {
        let node = &self.nodes[number as usize];
        let mut at_atom: HashedMap<u64, usize> = HashedMap::default();
        for entry in node.lists.iter().flat_map(|list| &list.entries) {
            self.for_each_place(entry, node.floor, |atom| {
                *at_atom.entry(atom.into()).or_default() += 1;
            });
        }
        let places: usize = at_atom.values().sum();
        // All who share a place look at each other.
        let pairs = |classes: usize| classes * (classes - 1);
        let looks: usize = at_atom.values().copied().map(pairs).sum();
        let node = &mut self.nodes[number as usize];
        // A look at a class far from the one before takes several times as long.
        let is_worth_it = 8 * looks <= pairs(all)
            && self.places + places <= PLACES * (self.inserted + self.patience.few);
        if !is_worth_it {
            // More classes come to the root, which has all of them.
            node.is_fixed = number > 0;
            node.vain = 0;
            return;
        }
        node.split = Some(Box::default());
        self.places -= all;
        let lists = std::mem::take(&mut node.lists);
        let mut entries: Vec<Entry> = lists.into_iter().flat_map(|list| list.entries).collect();
        entries.sort_unstable_by_key(|entry| self.turns[entry.class as usize]);
        for entry in entries {
            let step = Step {
                node: number,
                at: entry.at,
                skipped: entry.skipped,
                related: entry.related,
            };
            let mut ended = |split: &mut Split| split.ended.push(entry.class);
            self.insert_below(step, entry.class, true, &mut ended);
        }
    }

    /// Calls `each` with the atoms at which a class would have places below its node.
    fn for_each_place(&self, entry: &Entry, floor: u32, mut each: impl FnMut(u32)) {
        let class = entry.class;
        let least = self.classes.least(class);
        let budget = self
            .classes
            .budget(class, self.threshold, self.role, least, floor);
        let Some(most) = budget else { return };
        let mut skipped = entry.skipped;
        for atom in &self.classes.atoms(class)[entry.at as usize..] {
            each(atom.kind);
            skipped += self.classes.kind(atom.kind).weight;
            if skipped > most {
                break;
            }
        }
    }
}

fn key(node: u32, atom: u32) -> u64 {
    u64::from(node) << 32 | u64::from(atom)
}

impl Node {
    fn push(&mut self, entry: Entry) {
        let list = usize::from(entry.related.has(self));
        self.lists[list].entries.push(entry);
    }
}
