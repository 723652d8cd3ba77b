//! What stands for Parquet files where the feature `parquet` is off: nothing, since no input is one.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::path::Path;

use super::counted::Count;
use super::error::Error;
use super::format::NEEDS_PARQUET;
use super::json::Fields;
use super::limit::ReadLimit;
use super::record::{BlockSize, RawRecord};
use super::unusable::Unusable;

pub(super) struct RowBlocks(Infallible);

pub(super) struct RowBlock(Infallible);

impl RowBlocks {
    pub(super) fn open(
        _: &Path,
        _: &Fields,
        _: ReadLimit,
        _: BlockSize,
        _: &Count,
    ) -> io::Result<Self> {
        Err(Unusable::error(
            "Parquet, which takes the feature `parquet`",
        ))
    }

    pub(super) fn next(&mut self) -> io::Result<Option<RowBlock>> {
        match self.0 {}
    }
}

impl RowBlock {
    pub(super) fn len(&self) -> usize {
        match self.0 {}
    }

    pub(super) fn weight(&self) -> usize {
        match self.0 {}
    }

    pub(super) fn for_each<'b, E>(
        &'b self,
        _: impl FnMut(RawRecord<'b>) -> Result<(), E>,
    ) -> Result<u64, E> {
        match self.0 {}
    }
}

pub(super) struct RowWriter(Infallible);

impl RowWriter {
    pub(super) fn create(_: &Path, _: File, _: &[&Path]) -> Result<Self, Error> {
        Err(Error::refused(NEEDS_PARQUET))
    }

    pub(super) fn can_be_like(_: &Path) -> bool {
        false
    }

    pub(super) fn write(&mut self, _: &Path, _: u64) -> Result<(), Error> {
        match self.0 {}
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        match self.0 {}
    }
}
