//! The rules that are evaluated.

use std::fmt;

use resemblance::corpus::{Escaped, TextDocument};
use resemblance::text::{Content, Document, Group, ReadBuffer, ReadError};
use resemblance::{Measure, Normalization, Shingle, Weights};

use super::args::Args;

/// A rule by which documents are near-duplicates, apart from the threshold: one choice of each option that lists
/// several.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) shingle: Shingle,
    pub(crate) measure: Measure,
    pub(crate) weights: Weights,
    pub(crate) normalization: Normalization,
    /// Whether repeated passages of groups are set aside.
    pub(crate) sets_aside: bool,
    /// The shingle, and the other choices of which there are several.
    name: String,
}

impl Rule {
    /// All combinations of what the options list.
    pub(crate) fn all(args: &Args) -> Vec<Self> {
        let aside: &[bool] = match args.common.sets_aside() {
            Some(_) => &[false, true],
            None => &[false],
        };
        let mut rules = Vec::new();
        for &shingle in &args.shingle {
            for &normalization in &args.normalize {
                for &measure in &args.similarity {
                    for &weights in &args.weights {
                        rules.extend(aside.iter().map(|&sets_aside| {
                            let mut rule = Self {
                                shingle,
                                measure,
                                weights,
                                normalization,
                                sets_aside,
                                name: String::new(),
                            };
                            rule.name = rule.name(args);
                            rule
                        }));
                    }
                }
            }
        }
        rules
    }

    fn name(&self, args: &Args) -> String {
        let mut parts = vec![self.shingle.to_string()];
        if args.normalize.len() > 1 {
            let default = Normalization::DEFAULT.to_string();
            let text = self.normalization.to_string();
            let switches = text.strip_prefix(&default);
            parts.push(switches.map_or(text.clone(), |rest| format!("default{rest}")));
        }
        if args.similarity.len() > 1 {
            parts.push(self.measure.to_string());
        }
        if args.weights.len() > 1 && self.weights != Weights::None {
            parts.push(self.weights.to_string());
        }
        if self.sets_aside {
            parts.push("aside".to_owned());
        }
        parts.join(" ")
    }

    /// The documents as this rule compares them.
    pub(crate) fn pages<'d>(&self, documents: &'d [TextDocument]) -> Vec<Page<'d>> {
        let page = |document| Page {
            document,
            in_group: self.sets_aside,
        };
        documents.iter().map(page).collect()
    }

    /// The options of `dedup` for this rule.
    pub(crate) fn options(&self, args: &Args) -> String {
        let mut options = vec![format!("--shingle {}", self.shingle)];
        if self.measure != Measure::default() {
            options.push(format!("--similarity {}", self.measure));
        }
        if self.weights != Weights::default() {
            options.push(format!("--weights {}", self.weights));
        }
        if self.normalization != Normalization::DEFAULT {
            options.push(format!("--normalize {}", self.normalization));
        }
        let common = &args.common;
        if let Some(field) = common.set_aside.as_ref().filter(|_| self.sets_aside) {
            options.push(format!("--set-aside {}", Escaped(field)));
        }
        if let Some(field) = common.set_aside_host.as_ref().filter(|_| self.sets_aside) {
            options.push(format!("--set-aside-host {}", Escaped(field)));
        }
        if self.sets_aside && common.set_aside_words != 5 {
            options.push(format!("--set-aside-words {}", common.set_aside_words));
        }
        options.join(" ")
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// A document, with its group only if the rule sets repeated passages aside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'d> {
    document: &'d TextDocument,
    in_group: bool,
}

impl Document for Page<'_> {
    fn content<'b>(&'b self, buffer: &'b mut ReadBuffer) -> Result<Content<'b>, ReadError> {
        self.document.content(buffer)
    }

    fn group(&self) -> Option<Group> {
        self.document.group().filter(|_| self.in_group)
    }

    fn byte_len(&self) -> usize {
        self.document.byte_len()
    }
}
