//! Stands in for `mapped` without the feature `storage`. The type has no values.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::hash::Hash;
use std::marker::PhantomData;

use crate::error::Error;
use crate::sketch::Estimate;

#[derive(Debug, Clone)]
#[allow(dead_code, reason = "never constructed")]
pub(super) struct Mapped<Id>(Infallible, PhantomData<Id>);

impl<Id> Mapped<Id> {
    pub(super) fn rows(&self) -> u32 {
        match self.0 {}
    }

    pub(super) fn len(&self) -> usize {
        match self.0 {}
    }

    pub(super) fn find<Q>(&self, _: &Q) -> Option<u32>
    where
        Id: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.0 {}
    }

    pub(super) fn remove(&mut self, _: u32) {
        match self.0 {}
    }

    pub(super) fn has(&self, _: u32) -> bool {
        match self.0 {}
    }

    pub(super) fn id(&self, _: u32) -> Option<Id> {
        match self.0 {}
    }

    pub(super) fn document(&self, _: u32, _: &mut Vec<u32>) -> Result<Id, Error> {
        match self.0 {}
    }

    pub(super) fn candidates(&self, _: &[u64]) -> Vec<u32> {
        match self.0 {}
    }

    pub(super) fn estimate(&self, _: u32, _: &[u32]) -> Estimate {
        match self.0 {}
    }

    pub(super) fn ids(&self) -> std::iter::Empty<&Id> {
        match self.0 {}
    }

    pub(super) fn memory_usage(&self) -> usize {
        match self.0 {}
    }
}
