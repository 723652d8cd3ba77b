//! Connected components of classes.

use super::classes::{Classes, Role};
use super::tree::{Entry, List, Looks, Split, Tree, Visit, Visitor};
use super::work::{OutOfWork, Work};
use crate::threshold::Threshold;
use crate::union_find::UnionFind;

/// Connects the sets of classes that are similar by their common parts.
pub(super) fn connect(
    classes: &Classes,
    threshold: Threshold,
    components: &mut UnionFind,
    mut work: Work,
) -> Result<(), OutOfWork> {
    let mut tree = Tree::new(classes, threshold, Role::Smaller, work.patience);
    let mut connecting = Connecting::new(classes, threshold, components);
    let order = classes.by_least();
    let mut done = Ok(());
    for (number, &class) in order.iter().enumerate() {
        if let Err(out) = work.check(tree.work, number, order.len()) {
            done = Err(out);
            break;
        }
        tree.visit(class, classes.least(class), &mut connecting);
        tree.insert(class, 0, true, |split| split.ended.push(class));
    }
    connecting.connect_members();
    done
}

struct Connecting<'a> {
    classes: &'a Classes,
    threshold: Threshold,
    components: &'a mut UnionFind,
    /// For each class, the largest sum of sizes of two similar sets, given the shingles that it shares with other
    /// classes.
    most: Vec<u32>,
    /// For each class, the size up to which members are connected with the smallest.
    connected: Vec<u32>,
    /// For each class, the least size of a member that is not connected with the smallest.
    next: Vec<u32>,
    /// For each class, the class that was last compared with it.
    compared: Vec<u32>,
}

impl<'a> Connecting<'a> {
    fn new(classes: &'a Classes, threshold: Threshold, components: &'a mut UnionFind) -> Self {
        let all = 0..classes.len() as u32;
        let most = |class| threshold.most_sum(classes.class(class).shared as usize) as u32;
        // Sets of indexed documents are only connected through other sets.
        let connected = |class| {
            if classes.class(class).is_indexed {
                return 0;
            }
            let most = threshold.most_sum(classes.class(class).common as usize);
            most.saturating_sub(classes.least(class)) as u32
        };
        let mut connecting = Self {
            classes,
            threshold,
            components,
            most: all.clone().map(most).collect(),
            connected: all.clone().map(connected).collect(),
            next: vec![0; classes.len()],
            compared: vec![u32::MAX; classes.len()],
        };
        all.for_each(|class| connecting.set_next(class));
        connecting
    }

    fn set_next(&mut self, class: u32) {
        let others = &self.classes.members(class)[1..];
        let connected = self.connected[class as usize];
        let next = others.partition_point(|member| member.size <= connected);
        self.next[class as usize] = others.get(next).map_or(u32::MAX, |next| next.size);
    }

    /// Whether sets of this size or larger in other classes can connect no more members of a class.
    fn is_done(&self, class: u32, size: u32) -> bool {
        let class = class as usize;
        u64::from(self.next[class]) + u64::from(size) > u64::from(self.most[class])
    }

    fn root(&mut self, class: u32) -> u32 {
        self.components.find(self.classes.first(class))
    }

    fn connect(&mut self, x: u32, y: u32, shared: usize) {
        let most = self.threshold.most_sum(shared) as u32;
        let (of_x, of_y) = (self.classes.class(x).least, self.classes.class(y).least);
        let firsts = [x, y].map(|class| self.classes.first(class));
        self.components.union(firsts[0], firsts[1]);
        for (class, most) in [(x, most - of_y), (y, most - of_x)] {
            if most > self.connected[class as usize] {
                self.connected[class as usize] = most;
                if most >= self.next[class as usize] {
                    self.set_next(class);
                }
            }
        }
    }

    /// Connects the members of each class that are similar to, or connected with, its smallest member.
    fn connect_members(&mut self) {
        for class in 0..self.classes.len() as u32 {
            let connected = self.connected[class as usize];
            let members = self.classes.members(class);
            for member in &members[1..] {
                if member.size > connected {
                    break;
                }
                self.components.union(members[0].set, member.set);
            }
        }
    }

    fn are_indexed(&self, x: u32, y: u32) -> bool {
        self.classes.class(x).is_indexed && self.classes.class(y).is_indexed
    }
}

impl Visitor for Connecting<'_> {
    fn meet(&mut self, list: &mut List, visit: Visit) -> Looks {
        let (classes, threshold, x) = (self.classes, self.threshold, visit.class);
        let size = classes.class(x).least;
        let least = threshold.least_partner(size as usize);
        let entries = &list.entries;
        // Classes are inserted by ascending size.
        let is_too_small = |entry: &Entry| (entry.least as usize) < least;
        while entries.get(list.from).is_some_and(is_too_small) {
            list.from += 1;
        }
        let from = list.from;
        // Larger classes cannot share enough at this node.
        let end = threshold.most_sum((visit.path + visit.rest) as usize);
        let end = end.saturating_sub(size as usize) as u32;
        let (known_from, known_to) = list.known;
        let is_known = |place: usize| known_from <= place && place < known_to;
        let mut root = self.root(x);
        let mut looks = Looks::default();
        // The entries from `from` to `run` are connected with class x, and can connect no more members.
        let mut run = from;
        let mut place = from;
        while let Some(entry) = entries.get(place) {
            let Entry {
                class: y,
                least: other,
                ..
            } = *entry;
            if other > end {
                break;
            }
            looks.all += 1;
            let needed = threshold.needed_overlap(size as usize, other as usize);
            let most = visit.path + visit.rest.min(entry.rest);
            let is_dissimilar = (most as usize) < needed
                || entry.related.meets(visit.related)
                || self.compared[y as usize] == x;
            // If the run has ended, an entry that is not compared needs no look-up of its root.
            if is_dissimilar && run != place && !is_known(place) {
                looks.in_vain += 1;
                place += 1;
                continue;
            }
            if self.root(y) == root {
                if is_known(place) && self.is_done(x, other) {
                    // Known entries are connected with each other, so x is connected with all of them.
                    if run >= known_from.max(from) {
                        run = known_to;
                    }
                    place = known_to;
                    continue;
                }
                if self.is_done_between(x, y) {
                    looks.in_vain += 1;
                    run += usize::from(run == place && self.is_done(y, size));
                    place += 1;
                    continue;
                }
            }
            looks.in_vain += 1;
            place += 1;
            if is_dissimilar || self.are_indexed(x, y) {
                continue;
            }
            self.compared[y as usize] = x;
            match classes.overlap(x, y, needed) {
                Some(shared) => {
                    self.connect(x, y, shared);
                    root = self.root(x);
                    run += usize::from(run == place - 1 && self.is_done(y, size));
                    if is_known(place) && is_known(place - 1) && self.is_done(x, other) {
                        place -= 1; // to skip the other known entries
                    }
                }
                None => looks.in_vain += COMPARED,
            }
            looks.all += COMPARED;
        }
        if run > from {
            let joins = is_known(from);
            if joins {
                list.known = (known_from, known_to.max(run));
            } else if run - from > known_to - known_from || known_to <= from {
                list.known = (from, run);
            }
        }
        looks
    }

    fn meet_ended(&mut self, split: &mut Split, visit: Visit) {
        let x = visit.class;
        let most = self.threshold.most_sum(visit.path as usize);
        let most = most.saturating_sub(self.classes.least(x)) as u32;
        for &y in &split.ended {
            if self.classes.class(y).least > most {
                break;
            }
            if self.are_indexed(x, y) {
                continue;
            }
            self.connect(x, y, visit.path as usize);
            // A class that is not indexed is already connected with the larger classes that follow it.
            if !self.classes.class(y).is_indexed {
                break;
            }
        }
    }
}

/// The cost of a comparison, in looks.
pub(super) const COMPARED: usize = 4;

impl Connecting<'_> {
    /// Whether two classes can connect no more members of each other.
    fn is_done_between(&self, x: u32, y: u32) -> bool {
        let most = u64::from(self.most[x as usize].min(self.most[y as usize]));
        let beyond = |least: u32, next: u32| u64::from(least) + u64::from(next) > most;
        let least = |class| self.classes.class(class).least;
        beyond(least(y), self.next[x as usize]) && beyond(least(x), self.next[y as usize])
    }
}
