//! How much memory one record may take.

use super::options::OnBad;
use crate::text::Shingle;

/// The memory that one record may take, and an estimate of what a record takes.
///
/// A record waits in up to three rounds of reading, as it is read, parsed and taken. Its text is decoded, normalized and
/// shingled; its shingle set is sorted, copied and written. The factors are peaks that were measured, for the texts that
/// have the most shingles for their length.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordLimit {
    /// The bound of the whole process, in bytes.
    memory: u64,
    /// What the process takes without any data.
    program: u64,
    /// Bytes that a record may take.
    allowed: u64,
    /// Bytes taken for each byte of text.
    text: u64,
    /// Records that take more are refused in words for this.
    on_bad: OnBad,
}

/// Bytes taken for each byte of a line or file.
const RAW: u64 = 5;
/// A record may take a part in so many of the memory that data may take.
const SHARE: u64 = 2;
const MIB: u64 = 1 << 20;
/// Bytes after which the end of a record that is refused is not looked for any more: its error says how long it is, unless
/// that takes too long to find out.
const SEEK: u64 = 1 << 30;

/// The longest record that is read whole, and how far the end of a longer one is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Longest {
    pub(super) bytes: u64,
    pub(super) seek: u64,
}

impl Longest {
    /// No limit.
    pub(super) const NONE: Self = Self::of(u64::MAX);

    /// Records of so many bytes; longer ones are skipped.
    pub(super) const fn of(bytes: u64) -> Self {
        let seek = u64::MAX;
        Self { bytes, seek }
    }
}

/// Bytes of a record that is too long which stand for it in a list of rejections.
pub(super) const BEGINNING: usize = 200;

impl RecordLimit {
    /// No limit.
    pub(super) const NONE: Self = Self {
        memory: u64::MAX,
        program: 0,
        allowed: u64::MAX,
        text: 0,
        on_bad: OnBad::Fail,
    };

    /// The limit of a process that may hold `memory` bytes and takes `program` bytes without any data.
    pub(super) fn of(memory: u64, program: u64, shingle: Shingle, on_bad: OnBad) -> Self {
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
            on_bad,
        }
    }

    /// Bytes that a record of `len` bytes takes, of which `text` are its text.
    pub(super) fn takes(&self, len: u64, text: u64) -> u64 {
        let of_text = self.text.saturating_mul(text);
        RAW.saturating_mul(len).saturating_add(of_text)
    }

    /// The longest line or file that is read, whatever its text is.
    pub(super) fn longest(&self) -> Longest {
        Longest {
            bytes: self.allowed / RAW,
            seek: match self.on_bad {
                OnBad::Skip => u64::MAX,
                OnBad::Fail => SEEK,
            },
        }
    }

    /// Refuses a record of `len` bytes that is too long whatever its text is.
    pub(super) fn check_line(&self, len: u64) -> Result<(), String> {
        match self.takes(len, 0) <= self.allowed {
            true => Ok(()),
            false => Err(self.too_long(len, self.takes(len, len))),
        }
    }

    /// Refuses a record of `len` bytes, of which `text` are its text, that takes too much.
    pub(super) fn check(&self, len: u64, text: usize) -> Result<(), String> {
        let takes = self.takes(len, text as u64);
        match takes <= self.allowed {
            true => Ok(()),
            false => Err(self.too_long(len, takes)),
        }
    }

    fn too_long(&self, len: u64, takes: u64) -> String {
        let megabytes = len as f64 / 1e6;
        let (more, way_out) = match self.on_bad {
            OnBad::Skip => ("", ""),
            OnBad::Fail => (
                if len < SEEK { "" } else { "more than " },
                ", or skip such records with --on-bad skip",
            ),
        };
        format!(
            "this record has {more}{megabytes:.1} MB and may take {} MiB; --memory allows {} MiB for one record: raise \
             it to {}{way_out}",
            takes.div_ceil(MIB),
            self.allowed / MIB,
            self.enough(takes)
        )
    }

    /// Refuses to go on with records that have been read, where one takes too much.
    pub(super) fn hold(&self, takes: u64) -> Result<(), String> {
        if takes <= self.allowed {
            return Ok(());
        }
        Err(format!(
            "memory {} MiB: a record that was read may take {} MiB: raise --memory to {}, or start afresh",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_is_enough() {
        let limit = |memory| RecordLimit::of(memory, 32 << 20, Shingle::Words(5), OnBad::Fail);
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
        assert_eq!(RecordLimit::NONE.check(u64::MAX, usize::MAX), Ok(()));
    }

    #[test]
    fn a_line_of_little_text_may_be_longer() {
        let limit = RecordLimit::of(64 << 20, 32 << 20, Shingle::Words(5), OnBad::Skip);
        let longest = limit.longest().bytes;
        assert_eq!(limit.check_line(longest), Ok(()));
        assert!(limit.check_line(longest + 1).is_err());
        assert_eq!(limit.check(longest, 0), Ok(()));
        assert!(limit.check(longest, 1 << 20).is_err());
    }
}
