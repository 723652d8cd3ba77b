//! Temporary files and folders for outputs. They lie beside their target, under a name derived from it, and are renamed
//! to it when they are complete. If a run is killed and leaves one, the next run that writes to the same target removes
//! it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tempfile::{NamedTempFile, TempDir};
use xxhash_rust::xxh3::xxh3_64;

/// The start of all temporary names.
pub(crate) const PREFIX: &str = ".resemblance-";

/// A temporary folder, removed when dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: TempDir,
    /// Locked as long as the folder is temporary.
    _lock: Option<File>,
}

impl Folder {
    /// A new folder beside `place`. First removes those that killed runs left there.
    pub(crate) fn beside(place: &Path) -> io::Result<Self> {
        sweep(place);
        Self::in_folder(folder_of(place), &prefix_of(place))
    }

    /// A new folder in the system's folder for temporary files.
    #[cfg(feature = "corpus")]
    pub(crate) fn of_work() -> io::Result<Self> {
        const OF_WORK: &str = "resemblance-work-";
        let folder = std::env::temp_dir();
        for_each_left(&folder, OF_WORK, |path| fs::remove_dir_all(path));
        Self::in_folder(&folder, OF_WORK)
    }

    fn in_folder(folder: &Path, prefix: &str) -> io::Result<Self> {
        loop {
            let mut builder = tempfile::Builder::new();
            builder.prefix(prefix);
            // The umask restricts this, as for any other folder.
            #[cfg(unix)]
            if prefix.starts_with(PREFIX) {
                builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
            }
            let dir = builder.tempdir_in(folder)?;
            let lock = lock(dir.path(), || File::open(dir.path()));
            if let Ok(lock) = lock {
                return Ok(Self { dir, _lock: lock });
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Renames the folder to `place`, where there must be nothing or an empty folder.
    pub(crate) fn persist(self, place: &Path) -> io::Result<()> {
        if cfg!(windows) && place.exists() {
            fs::remove_dir(place)?; // it is empty, or this fails
        }
        fs::rename(self.path(), place)?;
        let _gone = self.dir.keep();
        Ok(())
    }

    /// Replaces the folder at `place` with this one. If the process is killed between the two steps, the next run that
    /// writes to the same place restores the old folder.
    #[cfg(feature = "corpus")]
    pub(crate) fn replace(self, place: &Path) -> io::Result<()> {
        let aside = Self::beside(place)?;
        let before = aside.path().join(BEFORE);
        fs::rename(place, &before)?;
        self.persist(place).inspect_err(|_| {
            // Restore the old folder.
            let _ = fs::rename(&before, place);
        })
    }
}

/// The temporary name of a folder that is being replaced.
const BEFORE: &str = "before";

/// A new file beside `place`. First removes those that killed runs left there.
pub(crate) fn file_beside(place: &Path) -> io::Result<NamedTempFile> {
    let (folder, prefix) = (folder_of(place), prefix_of(place));
    sweep(place);
    loop {
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        // The umask restricts this.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = builder.tempfile_in(folder)?;
        if lock(file.path(), || file.as_file().try_clone()).is_ok() {
            return Ok(file);
        }
    }
}

/// Locks a file or folder; false if another process has locked it.
///
/// Tries for a while: a child process that is just being started briefly inherits the open files of this one, and their
/// locks.
pub(crate) fn hold(file: &File) -> io::Result<bool> {
    const TRIES: u32 = 20;
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(fs::TryLockError::Error(error)) => return Err(error),
            Err(fs::TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
        }
    }
    Ok(false)
}

/// The path with links resolved, whether or not it exists.
pub(crate) fn resolve(path: &Path) -> io::Result<PathBuf> {
    match (fs::canonicalize(path), path.file_name()) {
        (Err(error), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            Ok(resolve(folder_of(path))?.join(name))
        }
        (place, _) => place,
    }
}

/// The folder that contains a path.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The start of the names of temporary files and folders for `place`.
fn prefix_of(place: &Path) -> String {
    let name = place.file_name().unwrap_or_default();
    let hash = xxh3_64(name.as_encoded_bytes());
    format!("{PREFIX}{hash:016x}-")
}

/// Locks a new temporary file or folder. Fails if another run took it for a leftover and removes it.
///
/// A lock ends with its process, even if that is killed. On systems without such locks, nothing counts as a leftover.
fn lock(path: &Path, open: impl FnOnce() -> io::Result<File>) -> Result<Option<File>, ()> {
    if cfg!(not(unix)) {
        return Ok(None); // here a lock would keep other processes and handles from writing to the file
    }
    let file = match open() {
        Ok(file) => file,
        // Another run has removed it, before it could be held.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(()),
        Err(_) => return Ok(None),
    };
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => Err(()),
        Err(fs::TryLockError::Error(_)) => Ok(None),
        Ok(()) => path.exists().then_some(Some(file)).ok_or(()),
    }
}

/// Removes what killed runs left beside `place`, and restores a folder that they were about to replace.
fn sweep(place: &Path) {
    for_each_left(folder_of(place), &prefix_of(place), |path| {
        let before = path.join(BEFORE);
        if before.is_dir() && !place.exists() {
            fs::rename(&before, place)?;
        }
        match path.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        }
    });
}

/// Calls `remove` for every entry of `folder` whose name starts with `prefix` and that no process has locked. Ignores
/// errors.
fn for_each_left(folder: &Path, prefix: &str, remove: impl Fn(&Path) -> io::Result<()>) {
    if cfg!(not(unix)) {
        return;
    }
    let begins = |name: &OsString| name.as_encoded_bytes().starts_with(prefix.as_bytes());
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| begins(&entry.file_name())) {
        if !entry
            .file_type()
            .is_ok_and(|kind| kind.is_file() || kind.is_dir())
        {
            continue;
        }
        let path = entry.path();
        // Locked while it is removed, so that no other run takes it for a new one.
        let held = File::open(&path).and_then(|file| Ok(file.try_lock().map(|()| file)?));
        if held.is_ok() {
            let _ = remove(&path);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_holds_is_removed_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let names = || fs::read_dir(folder.path()).unwrap().count();
        let place = folder.path().join("out");
        let held = Folder::beside(&place).unwrap();
        // A killed run leaves its folder, and no lock.
        let Folder { dir, _lock: lock } = Folder::beside(&place).unwrap();
        let left = dir.keep();
        fs::write(left.join("half"), "half").unwrap();
        drop(lock);
        assert_eq!(names(), 2);
        drop(Folder::beside(&folder.path().join("other")).unwrap());
        assert!(left.exists(), "another place");
        let next = Folder::beside(&place).unwrap();
        assert!(!left.exists() && held.path().exists());
        next.persist(&place).unwrap();
        drop(held);
        assert_eq!(names(), 1);
    }

    #[test]
    fn what_is_removed_before_it_is_held_is_made_again() {
        let gone = tempfile::tempdir().unwrap().path().join("gone");
        assert!(lock(&gone, || File::open(&gone)).is_err());
    }

    #[test]
    #[cfg(feature = "corpus")]
    fn what_a_killed_run_was_about_to_replace_is_put_back() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out");
        let write = |dir: &Path, text: &str| fs::write(dir.join("file"), text).unwrap();
        fs::create_dir(&place).unwrap();
        write(&place, "old");
        let Folder { dir, _lock: lock } = Folder::beside(&place).unwrap();
        fs::rename(&place, dir.keep().join(BEFORE)).unwrap();
        drop(lock);
        let next = Folder::beside(&place).unwrap();
        assert_eq!(fs::read(place.join("file")).unwrap(), b"old");
        write(next.path(), "new");
        next.replace(&place).unwrap();
        assert_eq!(fs::read(place.join("file")).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(feature = "corpus")]
    fn files_too_but_no_links() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("out");
        let held = file_beside(&place).unwrap();
        let mine = folder.path().join("mine");
        fs::write(&mine, "mine").unwrap();
        let link = folder.path().join(prefix_of(&place) + "link");
        std::os::unix::fs::symlink(&mine, &link).unwrap();
        let left = folder.path().join(prefix_of(&place) + "left");
        fs::write(&left, "half").unwrap();
        let next = file_beside(&place).unwrap();
        assert!(!left.exists() && link.exists() && mine.exists());
        assert!(held.path().exists() && next.path().exists());
    }
}
