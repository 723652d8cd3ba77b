//! The pass that counts passages, if documents have groups.

use crate::aside::{Counter, SetAside};
use crate::corpus::error::Error;
use crate::corpus::inputs::input::Input;
use crate::corpus::job::disk::folder::{Bytes as _, Folder, Whole};
use crate::corpus::job::disk::names;
use crate::corpus::job::disk::partition::{Partitioner, Partitions, part_of};
use crate::corpus::job::memory_plan::MemoryPlan;
use crate::corpus::reading::parse::Taken;
use crate::corpus::reading::read::{At, Rejection, Sink};
use crate::digest::Digests;
use crate::text::Group;

/// Moves counted passages to the disk, in parts of whole groups, whenever they take too much memory.
pub(crate) struct Passages<'p> {
    counter: &'p Counter,
    spilled: Partitioner<'p>,
    /// The most bytes of counted passages in memory.
    most: usize,
    /// The most bytes that the repeated ones may take.
    most_repeated: usize,
}

impl<'p> Passages<'p> {
    pub(crate) fn new(
        folder: &'p Folder,
        counter: &'p Counter,
        plan: &MemoryPlan,
    ) -> Result<Self, Error> {
        Ok(Self {
            counter,
            spilled: Partitioner::create(folder, names::PASSAGES, plan.parts, plan.buffers)?,
            most: plan.table,
            most_repeated: (plan.all / 4) as usize,
        })
    }

    fn spill(&mut self) -> Result<(), Error> {
        let parts = self.spilled.parts();
        for (group, text, passages) in self.counter.drain() {
            let group = Group::bits(Some(group));
            let part = part_of(group, parts);
            let head = [group, text, passages.len() as u64];
            for number in head.iter().chain(&passages) {
                self.spilled.write(part, &number.to_le_bytes())?;
            }
        }
        Ok(())
    }

    /// Finds the repeated passages, in addition to those that are `known`.
    pub(crate) fn finish(
        mut self,
        folder: &Folder,
        known: Option<&SetAside>,
    ) -> Result<SetAside, Error> {
        self.spill()?;
        let Self {
            counter,
            spilled,
            most_repeated,
            ..
        } = self;
        spilled.finish()?;
        let spilled = Partitions::open(folder, names::PASSAGES)?;
        let mut aside = counter.none(known);
        for part in 0..spilled.len() {
            let mut reader = spilled.read(part)?;
            while let Some(group) = reader.next_u64()? {
                let text = reader.u64()?;
                let many = reader.u64()?;
                let passages = (0..many).map(|_| reader.u64());
                let passages = passages.collect::<Result<_, Error>>()?;
                if let Some(group) = Group::of_bits(group) {
                    counter.put(group, text, passages);
                }
            }
            aside.extend(counter.repeated(known));
            if aside.memory() > most_repeated {
                return Err(Error::refused(format!(
                    "memory too small: the repeated passages of {} groups take more than {} MiB; raise --memory",
                    aside.groups(),
                    most_repeated >> 20
                )));
            }
        }
        Ok(aside)
    }
}

impl Sink for Passages<'_> {
    fn take(&mut self, _: &[Input], _: At, _: String, _: Taken) -> Result<Option<String>, Error> {
        match self.counter.memory() > self.most {
            true => self.spill().map(|()| None),
            false => Ok(None),
        }
    }

    fn take_digests(&mut self, _: &mut Digests, _: &[bool]) -> Result<(), Error> {
        Ok(())
    }

    fn reject(&mut self, _: At, _: Rejection) -> Result<(), Error> {
        Ok(())
    }

    fn end_input(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Writes repeated passages to the work folder.
pub(crate) fn write(folder: &Folder, aside: &SetAside) -> Result<Whole, Error> {
    let mut writing = folder.create(names::ASIDE, 1 << 16)?;
    aside.for_each_number(|number| writing.write(&number.to_le_bytes()))?;
    writing.finish()
}

/// Reads repeated passages from the work folder.
pub(crate) fn read(folder: &Folder, counter: &Counter) -> Result<SetAside, Error> {
    let mut reading = folder.open(names::ASIDE)?;
    let mut failed = Ok(());
    let numbers = std::iter::from_fn(|| match reading.next_u64() {
        Ok(number) => number,
        Err(error) => {
            failed = Err(error);
            None
        }
    });
    let aside = counter.none(None).with_numbers(numbers);
    failed?;
    aside.ok_or_else(|| {
        Error::refused(format!(
            "the file `{}` of the work folder is damaged",
            names::ASIDE
        ))
    })
}
