//! How much memory one record may take, and how much is read of an input at a time.

use serde::{Deserialize, Serialize};

use crate::corpus::unusable::OnBad;
use crate::text::Shingle;

/// The memory that one record may take, and an estimate of what a record takes.
///
/// A record waits in up to three rounds of reading, as it is read, parsed and taken. Its text is decoded, normalized and
/// shingled; its shingle set is sorted, copied and written. The factors are peaks that were measured, for the texts that
/// have the most shingles for their length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordLimit {
    /// The bound of the whole process, in bytes.
    memory: u64,
    /// What the process takes without any data.
    program: u64,
    /// Bytes that a record may take.
    allowed: u64,
    /// Bytes of a record, whatever it takes.
    most: u64,
    /// Bytes taken for each byte of text.
    text: u64,
    /// Records that take more are refused in words for this.
    on_bad: OnBad,
}

/// What the program takes without any data.
pub(crate) const PROGRAM: u64 = 32 << 20;
/// Bytes taken for each byte of a line or file.
const RAW: u64 = 5;
/// A record may take a part in so many of the memory that data may take.
const SHARE: u64 = 2;
/// A window or a page may take a part in so many of that.
const PART: u64 = 2;
const MIB: u64 = 1 << 20;
/// Bytes after which the end of a record that is refused is not looked for any more: its error says how long it is, unless
/// that takes too long to find out.
const SEEK: u64 = 1 << 30;

/// The largest parts of an input that are held whole.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct ReadLimit {
    /// Bytes of a record. Of a longer one the beginning is read.
    pub(crate) record: u64,
    /// Bytes in which the end of a longer one is looked for.
    pub(crate) seek: u64,
    /// Bytes of a Zstandard window, as the power of two that they are.
    pub(crate) window: u32,
    /// Bytes of a Parquet page, decompressed.
    pub(crate) page: u64,
}

impl Default for ReadLimit {
    /// No limit but that of the window: this is the one up to which decoders of Zstandard work unless they are told
    /// otherwise.
    fn default() -> Self {
        Self {
            record: u64::MAX,
            seek: u64::MAX,
            window: 27,
            page: u64::MAX,
        }
    }
}

/// The longest window that decoders can be asked for.
const LONGEST_WINDOW: u32 = if cfg!(target_pointer_width = "64") {
    31
} else {
    30
};

/// Advice for users who do not want to raise the limit.
const SKIP: &str = ", or skip such records with --on-bad skip";

/// Bytes of a record that is too long which stand for it in a list of rejections.
pub(crate) const BEGINNING: usize = 200;

impl RecordLimit {
    /// The limit of a process that may hold whatever it takes, for records of `most` bytes if that is set.
    pub(crate) fn unbounded(most: Option<u64>, on_bad: OnBad) -> Self {
        Self {
            memory: u64::MAX,
            program: 0,
            allowed: u64::MAX,
            most: most.unwrap_or(u64::MAX),
            text: 0,
            on_bad,
        }
    }

    /// The limit of a process that may hold `memory` bytes and takes `program` bytes without any data.
    pub(crate) fn within(self, memory: u64, program: u64, shingle: Shingle) -> Self {
        Self {
            memory,
            program,
            allowed: memory.saturating_sub(program).max(program) / SHARE,
            text: match shingle {
                // Two bytes a word: a letter and a space.
                Shingle::Words(_) => 16,
                Shingle::Chars(_) => 36,
                Shingle::Bytes(_) => 28,
            },
            ..self
        }
    }

    /// Bytes that a record of `len` bytes takes, of which `text` are its text.
    pub(crate) fn takes(&self, len: u64, text: u64) -> u64 {
        let of_text = self.text.saturating_mul(text);
        RAW.saturating_mul(len).saturating_add(of_text)
    }

    /// The limit of what is read of an input.
    pub(crate) fn of_reading(&self) -> ReadLimit {
        let unbounded = ReadLimit::default();
        // As much as is told of a record that is too long.
        let record = self.most.min(self.allowed / RAW).max(BEGINNING as u64);
        let seek = match self.on_bad {
            OnBad::Fail if record < u64::MAX => SEEK,
            _ => u64::MAX,
        };
        match self.allowed {
            u64::MAX => ReadLimit {
                record,
                seek,
                ..unbounded
            },
            allowed => ReadLimit {
                record,
                seek,
                window: (allowed / PART).ilog2().min(LONGEST_WINDOW),
                page: allowed / PART,
            },
        }
    }

    /// Refuses a record of `len` bytes that is too long whatever its text is.
    pub(crate) fn check_line(&self, len: u64) -> Result<(), String> {
        if len > self.most {
            return Err(self.longer(len));
        }
        match self.takes(len, 0) <= self.allowed {
            true => Ok(()),
            false => Err(self.too_long(len, self.takes(len, len))),
        }
    }

    /// Refuses a record of `len` bytes, of which `text` are its text, that takes too much.
    pub(crate) fn check(&self, len: u64, text: usize) -> Result<(), String> {
        let takes = self.takes(len, text as u64);
        match takes <= self.allowed {
            true => Ok(()),
            false => Err(self.too_long(len, takes)),
        }
    }

    /// How long a record is, and what can be done but to allow more.
    fn told(&self, len: u64) -> (String, &'static str) {
        let megabytes = format!("this record has {} MB", megabytes(len));
        match self.on_bad {
            OnBad::Fail if len >= SEEK => (megabytes.replace("has", "has more than"), SKIP),
            OnBad::Fail => (megabytes, SKIP),
            OnBad::Skip => (megabytes, ""),
        }
    }

    fn longer(&self, len: u64) -> String {
        let (told, or_skip) = self.told(len);
        let most = megabytes(self.most);
        format!("{told}, but --max-record allows {most} MB: raise --max-record{or_skip}")
    }

    fn too_long(&self, len: u64, takes: u64) -> String {
        let (told, or_skip) = self.told(len);
        format!(
            "{told} and needs up to {} MiB; --memory allows {} MiB for one record: raise it to {}{or_skip}",
            takes.div_ceil(MIB),
            self.allowed / MIB,
            self.enough(takes)
        )
    }

    /// Refuses to go on with records that have been read, where one takes too much.
    pub(crate) fn hold(&self, takes: u64) -> Result<(), String> {
        if takes <= self.allowed {
            return Ok(());
        }
        Err(format!(
            "memory {} MiB is too small: a record in the work folder needs up to {} MiB; raise --memory to {}, or start anew with --fresh",
            self.memory / MIB,
            takes.div_ceil(MIB),
            self.enough(takes)
        ))
    }

    /// The bound under which a record may take so much.
    fn enough(&self, takes: u64) -> String {
        let memory = takes.saturating_mul(SHARE).saturating_add(self.program);
        format!("{}MiB", memory.div_ceil(MIB))
    }
}

/// The bound under which a window or a page of so many bytes is held whole, as it is given to the program.
pub(crate) fn memory_for(bytes: u64) -> String {
    let memory = bytes.saturating_mul(PART * SHARE).saturating_add(PROGRAM);
    format!("{}MiB", memory.div_ceil(MIB))
}

/// A number of bytes, in megabytes.
fn megabytes(bytes: u64) -> String {
    match bytes as f64 / 1e6 {
        few if few < 0.1 => few.to_string(),
        many => format!("{many:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The limit of a process that may hold so many bytes.
    fn within(memory: u64, on_bad: OnBad) -> RecordLimit {
        RecordLimit::unbounded(None, on_bad).within(memory, 32 << 20, Shingle::Words(5))
    }

    #[test]
    fn what_is_advised_is_enough() {
        let limit = |memory| within(memory, OnBad::Fail);
        for len in [2_000_000, 120_000_000, 9_000_000_000] {
            let told = limit(64 << 20).check(len, len as usize).unwrap_err();
            let advice = told.split("raise it to ").nth(1).unwrap();
            let mib: u64 = advice.split("MiB").next().unwrap().parse().unwrap();
            assert_eq!(limit(mib << 20).check(len, len as usize), Ok(()));
            assert!(
                limit((mib - 1) << 20).check(len, len as usize).is_err(),
                "{told}"
            );
        }
        let unbounded = RecordLimit::unbounded(None, OnBad::Fail);
        assert_eq!(unbounded.check_line(u64::MAX), Ok(()));
        assert_eq!(unbounded.check(u64::MAX, usize::MAX), Ok(()));
    }

    #[test]
    fn a_line_of_little_text_may_be_longer() {
        let limit = within(64 << 20, OnBad::Skip);
        let longest = limit.of_reading().record;
        assert_eq!(limit.check_line(longest), Ok(()));
        assert!(limit.check_line(longest + 1).is_err());
        assert_eq!(limit.check(longest, 0), Ok(()));
        assert!(limit.check(longest, 1 << 20).is_err());
    }
}
