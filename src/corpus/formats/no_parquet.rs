//! Stands in for the Parquet module without the feature `parquet`. The types have no values.

use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::corpus::error::Error;
use crate::corpus::formats::annotation::{Annotation, Facts};
use crate::corpus::formats::counted::Count;
use crate::corpus::formats::fields::Fields;
use crate::corpus::formats::format::NEEDS_PARQUET;
use crate::corpus::formats::record::{BlockSize, RawRecord};
use crate::corpus::limit::ReadLimit;
use crate::corpus::unusable::Unusable;

pub(crate) struct RowBlocks(Infallible);

pub(crate) struct RowBlock(Infallible);

impl RowBlocks {
    pub(crate) fn open(
        _: &Path,
        _: &Fields,
        _: ReadLimit,
        _: BlockSize,
        _: &Count,
    ) -> io::Result<Self> {
        Err(Unusable::error(
            "Parquet, which needs the cargo feature `parquet`",
        ))
    }

    pub(crate) fn next(&mut self) -> io::Result<Option<RowBlock>> {
        match self.0 {}
    }
}

impl RowBlock {
    pub(crate) fn len(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn weight(&self) -> usize {
        match self.0 {}
    }

    pub(crate) fn for_each<'b, E>(
        &'b self,
        _: impl FnMut(RawRecord<'b>) -> Result<(), E>,
    ) -> Result<u64, E> {
        match self.0 {}
    }
}

pub(crate) struct RowWriter(Infallible);

impl RowWriter {
    pub(crate) fn create(
        _: &Path,
        _: File,
        _: &[&Path],
        _: Option<&Annotation>,
    ) -> Result<Self, Error> {
        Err(Error::refused(NEEDS_PARQUET))
    }

    pub(crate) fn can_be_like(_: &Path) -> bool {
        false
    }

    pub(crate) fn check_columns(_: &Path, _: &Annotation) -> Result<(), String> {
        Err(NEEDS_PARQUET.to_owned())
    }

    pub(crate) fn write(&mut self, _: &Path, _: u64, _: Option<Facts>) -> Result<(), Error> {
        match self.0 {}
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.0 {}
    }
}
