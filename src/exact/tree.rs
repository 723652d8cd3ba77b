//! An index of classes by the atoms that they share, rarest first.
//!
//! Two classes with similar members share most of their atoms. Consider the first atom that they share. Each class has
//! only few atoms before it, since the other class lacks these, and a class has a *budget* of the weight that a partner
//! may lack. So a class is entered under each of its atoms that can be the first shared one within its budget.
//!
//! A node contains the classes that share the atoms of its path. A visiting class is compared with all of them. If too
//! many of these looks were in vain, the node is split: its classes move to child nodes, by the atom that may be shared
//! next. If splitting would save little, or take too much space, the node is not split.

use super::classes::{Classes, NONE, Role};
use super::work::Patience;
use crate::hashed::HashedMap;
use crate::threshold::Threshold;

/// The most entries in the tree, as a multiple of the number of classes.
const PLACES: usize = 256;

/// A class at a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) class: u32,
    /// The size of its smallest member.
    pub(super) least: u32,
    /// The index of its first atom after those of the path.
    at: u32,
    /// The weight of its atoms before that one that are not in the path.
    skipped: u32,
    /// The weight of its atoms from `at` on, which may be shared as well.
    pub(super) rest: u32,
    pub(super) related: Related,
}

/// A mask with a bit for each atom of a path: whether the class also has the related atom. Two classes that both have
/// it also meet under that atom, and need not be compared here.
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

/// Classes at a node, in the order of insertion.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) entries: Vec<Entry>,
    /// If classes are inserted by ascending size: entries before this one are too small for all later visits.
    pub(super) from: usize,
    /// For components: the range of entries that are connected with each other, and can connect no more members.
    pub(super) known: (usize, usize),
}

impl List {
    /// Makes this a list of one entry.
    fn show(&mut self, entry: Entry) {
        self.entries.clear();
        self.entries.push(entry);
        (self.from, self.known) = (0, (0, 0));
    }
}

#[derive(Debug, Default)]
pub(super) struct Node {
    /// Classes without, and classes with, the atom that is related to the last atom of the path.
    lists: [List; 2],
    /// The weight of the path.
    path: u32,
    /// A lower bound of the sizes of sets in classes with these atoms.
    floor: u32,
    /// The number of looks in vain.
    vain: usize,
    /// Whether the node will not be split.
    is_fixed: bool,
    depth: u8,
    /// Whether related atoms are used at this node. They are not if the related atom is in the path.
    is_flagged: bool,
    atom: u32,
    parent: u32,
    /// The time when the first class was inserted.
    pub(super) since: u32,
    split: Option<Box<Split>>,
}

/// The data of a node that is split.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// Classes for which sharing only the path can be enough, in the order of insertion.
    pub(super) ended: Vec<u32>,
    /// For leaders: (rank, size) of kept sets of these classes, with ascending ranks and descending sizes.
    pub(super) stairs: Vec<(u32, u32)>,
}

/// The state of a visiting class at a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub(super) class: u32,
    /// The weight of the path, which is shared.
    pub(super) path: u32,
    /// The weight of the visiting class's further atoms, which may be shared.
    pub(super) rest: u32,
    pub(super) related: Related,
}

/// Numbers of looks at classes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looks {
    pub(super) all: usize,
    /// Looks that a split of the node would have saved.
    pub(super) in_vain: usize,
}

/// The action of a visiting class where it meets others.
pub(super) trait Visitor {
    /// Whether a node, or a node below it, may contain a class of interest.
    fn enters(&self, _: &Node) -> bool {
        true
    }

    /// Processes the classes of a node that is not split.
    fn meet(&mut self, list: &mut List, visit: Visit) -> Looks;

    /// Processes the classes of a split node for which sharing only its path can be enough.
    fn meet_ended(&mut self, split: &mut Split, visit: Visit);
}

/// A node to process for a class, and the position in the class's atoms.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    node: u32,
    at: u32,
    skipped: u32,
    related: Related,
}

/// The child of a node for an atom.
#[derive(Debug, Clone, Copy)]
enum Child {
    /// A single class: its index in `alone`.
    One(u32),
    Node(u32),
}

pub(super) struct Tree<'c> {
    classes: &'c Classes,
    threshold: Threshold,
    /// The role of inserted classes in a pair of similar sets. Visiting classes have the other role.
    role: Role,
    patience: Patience,
    nodes: Vec<Node>,
    /// Children by node and atom.
    children: HashedMap<u64, Child>,
    /// Classes that are single children.
    alone: Vec<Entry>,
    /// Unused indexes of `alone`.
    free: Vec<u32>,
    /// Working memory to pass a single class to a visitor.
    one: List,
    /// The number of entries in the tree.
    places: usize,
    inserted: usize,
    /// For each class, its number in the order of insertion, and its time.
    turns: Vec<(u32, u32)>,
    /// The number of visited nodes and of looks at classes.
    pub(super) work: u64,
}

/// The weight of a class's atoms that a partner may lack, depending on the floor of a node.
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
    /// `None` if a member of this size has no partner.
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

    /// Whether a partner may lack atoms with the weight `skipped`.
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

    /// Calls `visitor` for all classes that may have a member similar to a member of this size of a class.
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
        // Two classes that both have the related atom meet elsewhere.
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
        // The root needs more classes before it is clear whether splitting it is worth it.
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
        // Nodes with the least skipped weight come first.
        stack[pushed..].reverse();
    }

    /// The mask of a class at a child node.
    fn flags(&self, before: Related, child: u32, has_related: bool) -> Related {
        let child = &self.nodes[child as usize];
        match child.is_flagged && has_related {
            true => Related(before.0 | 1 << (child.depth - 1)),
            false => before,
        }
    }

    /// Inserts a class by its smallest member, at the time `now`. Calls `ended` for each split node where sharing only
    /// the path can be enough. If the class is not new, it does nothing else.
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

    /// The child node to which a class moves on. `None` if the class becomes a single child.
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
        // Replace the single class by a node, since there are two classes now.
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
        /// The number of atoms of a path that have bits in [`Related`].
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

    /// Splits a node with `all` classes, if that saves most looks.
    fn split(&mut self, number: u32, all: usize) {
        let node = &self.nodes[number as usize];
        let mut at_atom: HashedMap<u64, usize> = HashedMap::default();
        for entry in node.lists.iter().flat_map(|list| &list.entries) {
            self.for_each_place(entry, node.floor, |atom| {
                *at_atom.entry(atom.into()).or_default() += 1;
            });
        }
        let places: usize = at_atom.values().sum();
        // Classes that would be entered under the same atom look at each other.
        let pairs = |classes: usize| classes * (classes - 1);
        let looks: usize = at_atom.values().copied().map(pairs).sum();
        let node = &mut self.nodes[number as usize];
        // The factor: a look at a class that is far from the last one in memory takes several times as long.
        let is_worth_it = 8 * looks <= pairs(all)
            && self.places + places <= PLACES * (self.inserted + self.patience.few);
        if !is_worth_it {
            // The root may be split later, when it has more classes.
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

    /// Calls `each` with the atoms under which a class would be entered below its node.
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
