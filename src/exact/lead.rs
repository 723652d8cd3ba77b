//! Finds the first kept set that a set resembles by its common part.

use super::classes::{Classes, NONE, Role};
use super::connect::COMPARED;
use super::tree::{List, Looks, Node, Split, Tree, Visit, Visitor};
use super::work::{OutOfWork, Work};
use crate::threshold::Threshold;

/// The kept sets of all classes, while sets are kept or removed one after the other. Sets come in the order of their
/// ranks.
pub(crate) struct Leading<'j> {
    /// For each set, its class and its size.
    class_of: Vec<(u32, u32)>,
    /// Index of kept sets that finds them as the smaller of two similar sets.
    smaller: Tree<'j>,
    /// Index of kept sets that finds them as the larger of two similar sets.
    larger: Tree<'j>,
    kept: Kept<'j>,
    work: Work,
    /// The number of sets processed so far, of `all`.
    looked_at: usize,
    all: usize,
}

struct Kept<'j> {
    classes: &'j Classes,
    threshold: Threshold,
    /// For each class, (rank, size) of kept members, with ascending ranks and descending sizes. A kept member that is
    /// larger than one before it is left out: the one before it resembles every set that it resembles.
    stairs: Vec<Vec<(u32, u32)>>,
    /// For each class, the last rank for which it was compared.
    compared: Vec<u32>,
    /// The size of the current set.
    size: u32,
    /// The rank of the current set.
    rank: u32,
    /// The least rank of a kept set that the current set resembles.
    best: u32,
}

impl<'j> Leading<'j> {
    pub(super) fn new(classes: &'j Classes, sets: usize, threshold: Threshold, work: Work) -> Self {
        Self {
            class_of: classes.of_sets(sets),
            smaller: Tree::new(classes, threshold, Role::Smaller, work.patience),
            larger: Tree::new(classes, threshold, Role::Larger, work.patience),
            kept: Kept {
                classes,
                threshold,
                stairs: vec![Vec::new(); classes.len()],
                compared: vec![NONE; classes.len()],
                size: 0,
                rank: 0,
                best: NONE,
            },
            work,
            looked_at: 0,
            all: classes.sets(),
        }
    }

    /// The least rank of a kept set that this one resembles, if it is below `best`; otherwise `best`.
    pub(crate) fn first(&mut self, set: u32, rank: u32, best: u32) -> Result<u32, OutOfWork> {
        let (class, size) = self.class_of[set as usize];
        if class == NONE {
            return Ok(best);
        }
        let work = self.smaller.work + self.larger.work;
        self.work.check(work, self.looked_at, self.all)?;
        self.looked_at += 1;
        let kept = &mut self.kept;
        (kept.size, kept.rank, kept.best) = (size, rank, best);
        kept.take(class, kept.classes.class(class).common as usize);
        let size = size as usize;
        self.smaller.visit(class, size, kept);
        self.larger.visit(class, size, kept);
        Ok(kept.best)
    }

    /// Keeps a set.
    pub(crate) fn keep(&mut self, set: u32, rank: u32) {
        let (class, size) = self.class_of[set as usize];
        if class == NONE {
            return;
        }
        let stairs = &mut self.kept.stairs[class as usize];
        let is_new = stairs.is_empty();
        if !step_down(stairs, (rank, size)) {
            return;
        }
        for tree in [&mut self.smaller, &mut self.larger] {
            // A class is inserted by its smallest member, whichever is kept.
            tree.insert(class, rank, is_new, |split| {
                step_down(&mut split.stairs, (rank, size));
            });
        }
    }
}

/// Adds a kept set with a rank above all others, if it is smaller than these. Returns whether it is.
fn step_down(stairs: &mut Vec<(u32, u32)>, step: (u32, u32)) -> bool {
    let is_down = stairs.last().is_none_or(|last| step.1 < last.1);
    if is_down {
        stairs.push(step);
    }
    is_down
}

impl Kept<'_> {
    /// Updates `best` with the kept sets of a class that shares `shared` shingles with the current set.
    fn take(&mut self, class: u32, shared: usize) {
        let first = self.first(&self.stairs[class as usize], shared);
        self.best = first.map_or(self.best, |first| first.min(self.best));
    }

    /// The least rank in `stairs` of a set that is similar, if it shares `shared` shingles with the current set.
    fn first(&self, stairs: &[(u32, u32)], shared: usize) -> Option<u32> {
        let most = self.threshold.most_sum(shared);
        let most = most.checked_sub(self.size as usize)?;
        let place = stairs.partition_point(|step| step.1 as usize > most);
        stairs.get(place).map(|step| step.0)
    }
}

impl Visitor for Kept<'_> {
    fn enters(&self, node: &Node) -> bool {
        node.since < self.best
    }

    fn meet(&mut self, list: &mut List, visit: Visit) -> Looks {
        let classes = self.classes;
        let mut looks = Looks::default();
        for entry in &list.entries {
            let y = entry.class;
            looks.all += 1;
            looks.in_vain += 1;
            let stairs = &self.stairs[y as usize];
            let (Some(&(first, _)), Some(&(_, least))) = (stairs.first(), stairs.last()) else {
                continue;
            };
            if first >= self.best {
                break;
            }
            let is_elsewhere = y == visit.class || entry.related.meets(visit.related);
            if is_elsewhere || self.compared[y as usize] == self.rank {
                continue;
            }
            let needed = self
                .threshold
                .needed_overlap(self.size as usize, least as usize);
            let most = visit.path + visit.rest.min(entry.rest);
            if (most as usize) < needed {
                continue;
            }
            self.compared[y as usize] = self.rank;
            looks.all += COMPARED;
            match classes.overlap(visit.class, y, needed) {
                Some(shared) => {
                    looks.in_vain -= 1;
                    self.take(y, shared);
                }
                None => looks.in_vain += COMPARED,
            }
        }
        looks
    }

    fn meet_ended(&mut self, split: &mut Split, visit: Visit) {
        if !split.ended.is_empty() {
            // The node was split since: add the kept sets of the classes that ended here.
            let ended = std::mem::take(&mut split.ended);
            let before = std::mem::take(&mut split.stairs);
            let of_classes = ended.iter().flat_map(|&class| &self.stairs[class as usize]);
            let mut all: Vec<(u32, u32)> = before.iter().chain(of_classes).copied().collect();
            all.sort_unstable();
            for step in all {
                step_down(&mut split.stairs, step);
            }
        }
        if let Some(first) = self.first(&split.stairs, visit.path as usize) {
            self.best = self.best.min(first);
        }
    }
}
