//! The memory of a process in bytes, if the system reports it (Linux).

use std::fs;

/// Resident now.
pub(crate) fn resident() -> Option<u64> {
    status("self", "VmRSS:")
}

/// The most that was ever resident, or since the peak was forgotten.
pub(crate) fn peak() -> Option<u64> {
    status("self", "VmHWM:")
}

/// Lets the peak begin anew from what is resident now; where the system refuses, it stays.
pub(crate) fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The most that was ever resident of another process, while it runs.
pub(crate) fn peak_of(process: u32) -> Option<u64> {
    status(&process.to_string(), "VmHWM:")
}

fn status(process: &str, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}
