//! Limits on the memory of a record, and on the parts of an input that are held whole.

use serde::{Deserialize, Serialize};

use crate::corpus::unusable::OnBad;
use crate::text::Shingle;

/// The memory that one record may take, and an estimate of what it takes.
///
/// A record is held in up to three rounds of reading, while it is read, parsed and taken. Its text is decoded,
/// normalized and shingled; its shingle set is sorted, copied and written. The factors are measured peaks, for texts
/// with the most shingles for their length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordLimit {
    /// The bound of the whole process, in bytes.
    memory: u64,
    /// The memory of the process without any data.
    program: u64,
    /// The memory that a record may take.
    allowed: u64,
    /// The longest accepted record, whatever memory it takes.
    most: u64,
    /// Memory taken for each byte of text.
    text: u64,
    /// Determines the advice in messages.
    on_bad: OnBad,
}

/// The memory of the program without any data.
pub(crate) const PROGRAM: u64 = 32 << 20;
/// Memory taken for each byte of a line or file.
const RAW: u64 = 5;
/// A record may take 1 / `SHARE` of the memory for data.
const SHARE: u64 = 2;
/// A window or a page may take 1 / `PART` of the memory for a record.
const PART: u64 = 2;
const MIB: u64 = 1 << 20;
/// Bytes after which the search for the end of a rejected record stops. Its error states its length, unless that takes
/// too long to find.
const SEEK: u64 = 1 << 30;

/// The largest parts of an input that are held whole.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct ReadLimit {
    /// The most bytes of a record. Only the beginning of a longer one is read.
    pub(crate) record: u64,
    /// The most bytes in which the end of a longer record is searched.
    pub(crate) seek: u64,
    /// The most bytes of a Zstandard window, as a power of two.
    pub(crate) window: u32,
    /// The most bytes of a Parquet page, decompressed.
    pub(crate) page: u64,
}

impl Default for ReadLimit {
    /// No limit except that of the window, which is the default of Zstandard decoders.
    fn default() -> Self {
        Self {
            record: u64::MAX,
            seek: u64::MAX,
            window: 27,
            page: u64::MAX,
        }
    }
}

/// The longest window that the decoder supports.
const LONGEST_WINDOW: u32 = if cfg!(target_pointer_width = "64") {
    31
} else {
    30
};

/// Advice for users who do not want to raise the limit.
const SKIP: &str = ", or skip such records with --on-bad skip";

/// The bytes of a too long record that are shown in a list of rejections.
pub(crate) const BEGINNING: usize = 200;

impl RecordLimit {
    /// The limit without a bound on memory, for records of at most `most` bytes if that is set.
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
                // Words of two bytes: a letter and a space.
                Shingle::Words(_) => 16,
                Shingle::Tokens(_) | Shingle::Chars(_) => 36,
                Shingle::Bytes(_) => 28,
            },
            ..self
        }
    }

    /// The memory that a record of `len` bytes takes, if its text has `text` bytes.
    pub(crate) fn takes(&self, len: u64, text: u64) -> u64 {
        let of_text = self.text.saturating_mul(text);
        RAW.saturating_mul(len).saturating_add(of_text)
    }

    /// The limit for reading inputs.
    pub(crate) fn of_reading(&self) -> ReadLimit {
        let unbounded = ReadLimit::default();
        // At least the beginning that is shown of a too long record.
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

    /// Fails if a record of `len` bytes is too long, whatever its text.
    pub(crate) fn check_line(&self, len: u64) -> Result<(), String> {
        if len > self.most {
            return Err(self.longer(len));
        }
        match self.takes(len, 0) <= self.allowed {
            true => Ok(()),
            false => Err(self.too_long(len, self.takes(len, len))),
        }
    }

    /// Fails if a record of `len` bytes, whose text has `text` bytes, takes too much memory.
    pub(crate) fn check(&self, len: u64, text: usize) -> Result<(), String> {
        let takes = self.takes(len, text as u64);
        match takes <= self.allowed {
            true => Ok(()),
            false => Err(self.too_long(len, takes)),
        }
    }

    /// The length of a record in words, and advice for users who do not want to raise the limit.
    fn length_and_advice(&self, len: u64) -> (String, &'static str) {
        let megabytes = format!("this record has {} MB", megabytes(len));
        match self.on_bad {
            OnBad::Fail if len >= SEEK => (megabytes.replace("has", "has more than"), SKIP),
            OnBad::Fail => (megabytes, SKIP),
            OnBad::Skip => (megabytes, ""),
        }
    }

    fn longer(&self, len: u64) -> String {
        let (length, or_skip) = self.length_and_advice(len);
        let most = megabytes(self.most);
        format!("{length}, but --max-record allows {most} MB: raise --max-record{or_skip}")
    }

    fn too_long(&self, len: u64, takes: u64) -> String {
        let (length, or_skip) = self.length_and_advice(len);
        format!(
            "{length} and needs up to {} MiB; --memory allows {} MiB for one record: raise it to {}{or_skip}",
            takes.div_ceil(MIB),
            self.allowed / MIB,
            self.enough(takes)
        )
    }

    /// Fails to resume a job if one of the records that were read takes too much memory.
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

    /// The bound with which a record may take this much memory.
    fn enough(&self, takes: u64) -> String {
        let memory = takes.saturating_mul(SHARE).saturating_add(self.program);
        format!("{}MiB", memory.div_ceil(MIB))
    }
}

/// The bound, as a value of `--memory`, with which a window or page of `bytes` bytes is accepted.
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

    /// The limit of a process with this much memory.
    fn within(memory: u64, on_bad: OnBad) -> RecordLimit {
        RecordLimit::unbounded(None, on_bad).within(memory, 32 << 20, Shingle::Words(5))
    }

    #[test]
    fn what_is_advised_is_enough() {
        let limit = |memory| within(memory, OnBad::Fail);
        for len in [2_000_000, 120_000_000, 9_000_000_000] {
            let error = limit(64 << 20).check(len, len as usize).unwrap_err();
            let advice = error.split("raise it to ").nth(1).unwrap();
            let mib: u64 = advice.split("MiB").next().unwrap().parse().unwrap();
            assert_eq!(limit(mib << 20).check(len, len as usize), Ok(()));
            assert!(
                limit((mib - 1) << 20).check(len, len as usize).is_err(),
                "{error}"
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
