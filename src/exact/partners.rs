//! Finds classes with similar members, and the pairs of these.

use super::classes::{Classes, Role};
use super::connect::COMPARED;
use super::tree::{Entry, List, Looks, Split, Tree, Visit, Visitor};
use super::work::{OutOfWork, Work};
use crate::counting::starts;
use crate::threshold::Threshold;

/// For each class, the other classes that may have similar members, and the number of shingles shared with each.
pub(crate) struct Partners<'j> {
    classes: &'j Classes,
    threshold: Threshold,
    /// For each set, its class and its size.
    class_of: Vec<(u32, u32)>,
    /// The partners of class c are `near[starts[c]..starts[c + 1]]`.
    starts: Vec<usize>,
    near: Vec<(u32, u32)>,
}

impl<'j> Partners<'j> {
    pub(super) fn new(
        classes: &'j Classes,
        sets: usize,
        threshold: Threshold,
        mut work: Work,
    ) -> Result<Self, OutOfWork> {
        let mut tree = Tree::new(classes, threshold, Role::Smaller, work.patience);
        let mut collecting = Collecting {
            classes,
            threshold,
            compared: vec![u32::MAX; classes.len()],
            found: Vec::new(),
        };
        let order = classes.by_least();
        for (number, &class) in order.iter().enumerate() {
            work.check(tree.work, number, order.len())?;
            tree.visit(class, classes.least(class), &mut collecting);
            tree.insert(class, 0, true, |split| split.ended.push(class));
        }
        let both_ways = |&(x, y, shared): &(u32, u32, u32)| [(x, y, shared), (y, x, shared)];
        let found = collecting.found.iter().flat_map(both_ways);
        let starts = starts(classes.len(), found.clone().map(|(x, ..)| x as usize));
        let mut next = starts.clone();
        let mut near = vec![(0, 0); 2 * collecting.found.len()];
        for (x, y, shared) in found {
            let next = &mut next[x as usize];
            near[*next] = (y, shared);
            *next += 1;
        }
        Ok(Self {
            classes,
            threshold,
            class_of: classes.of_sets(sets),
            starts,
            near,
        })
    }

    /// Calls `each` with every set that is similar to this one by its common part, the sizes of both (this one first),
    /// and the number of common shingles that they share.
    pub(crate) fn of(&self, set: u32, mut each: impl FnMut(u32, [u32; 2], u32)) {
        let (class, size) = self.class_of[set as usize];
        if class == u32::MAX {
            return;
        }
        let near = &self.near[self.starts[class as usize]..self.starts[class as usize + 1]];
        let own = (class, self.classes.class(class).common);
        for &(other, shared) in [&own].into_iter().chain(near) {
            let most = self.threshold.most_sum(shared as usize);
            for other in self.classes.members(other) {
                if (other.size + size) as usize > most {
                    break;
                }
                if other.set != set {
                    each(other.set, [size, other.size], shared);
                }
            }
        }
    }

    /// The most sets that [`of`](Self::of) visits.
    pub(crate) fn met(&self, set: u32) -> usize {
        let (class, _) = self.class_of[set as usize];
        if class == u32::MAX {
            return 0;
        }
        let near = &self.near[self.starts[class as usize]..self.starts[class as usize + 1]];
        let members = |class| self.classes.members(class).len();
        let others: usize = near.iter().map(|&(other, _)| members(other)).sum();
        members(class) + others
    }
}

struct Collecting<'a> {
    classes: &'a Classes,
    threshold: Threshold,
    /// For each class, the class that was last compared with it.
    compared: Vec<u32>,
    found: Vec<(u32, u32, u32)>,
}

impl Visitor for Collecting<'_> {
    fn meet(&mut self, list: &mut List, visit: Visit) -> Looks {
        let (classes, threshold, x) = (self.classes, self.threshold, visit.class);
        let size = classes.least(x);
        let least = threshold.least_partner(size);
        let entries = &list.entries;
        // Classes are inserted by ascending size.
        let is_too_small = |entry: &Entry| (entry.least as usize) < least;
        while entries.get(list.from).is_some_and(is_too_small) {
            list.from += 1;
        }
        let end = threshold.most_sum((visit.path + visit.rest) as usize);
        let mut looks = Looks::default();
        for entry in &entries[list.from..] {
            let (y, other) = (entry.class, entry.least as usize);
            looks.all += 1;
            looks.in_vain += 1;
            if size + other > end {
                break;
            }
            let needed = threshold.needed_overlap(size, other);
            let most = visit.path + visit.rest.min(entry.rest);
            if (most as usize) < needed || entry.related.meets(visit.related) {
                continue;
            }
            if self.compared[y as usize] == x {
                continue;
            }
            self.compared[y as usize] = x;
            looks.all += COMPARED;
            match classes.overlap(x, y, needed) {
                Some(shared) => {
                    looks.in_vain -= 1;
                    self.found.push((x, y, shared as u32));
                }
                None => looks.in_vain += COMPARED,
            }
        }
        looks
    }

    fn meet_ended(&mut self, split: &mut Split, visit: Visit) {
        let (classes, x) = (self.classes, visit.class);
        let most = self.threshold.most_sum(visit.path as usize);
        for &y in &split.ended {
            if classes.least(x) + classes.least(y) > most {
                break;
            }
            if self.compared[y as usize] != x {
                self.compared[y as usize] = x;
                let shared = classes.overlap(x, y, 0).unwrap_or(0);
                self.found.push((x, y, shared as u32));
            }
        }
    }
}
