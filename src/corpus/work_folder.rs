//! Recognizes work folders.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The file that identifies a work folder.
pub(crate) const MANIFEST: &str = "manifest";

/// The start of a manifest's first line; a version and the checksum of the other lines follow.
pub(crate) const FORMAT: &str = "resemblance work folder";

/// Whether a folder is the work folder of a job, in any version.
pub(crate) fn is_work_folder(dir: &Path) -> bool {
    let mut start = [0; FORMAT.len()];
    let read = File::open(dir.join(MANIFEST)).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *FORMAT.as_bytes()
}
