//! Copies standard input to a file, so that it can be read again.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use crate::corpus::error::Error;
use crate::corpus::inputs::finding::Finding;
use crate::watch::{Stage, Watch};

/// Copies standard input to a file without a name, which is removed when it is closed. Returns the file and its size.
/// `watch` gets reports on the progress, and can cancel the copy.
pub(crate) fn spool(watch: Option<&dyn Watch>) -> Result<(File, u64), Error> {
    match watch {
        Some(watch) => watched_spool(watch),
        None => spool_stdin(|_| true).map_err(cannot_spool),
    }
}

/// Copies standard input until it ends or `goes_on`, called with the size after each piece, returns false.
fn spool_stdin(mut goes_on: impl FnMut(u64) -> bool) -> io::Result<(File, u64)> {
    let (mut spool, mut size) = (tempfile::tempfile()?, 0);
    let (mut stdin, mut buffer) = (io::stdin().lock(), vec![0; 1 << 16]);
    loop {
        match stdin.read(&mut buffer) {
            Ok(0) => return Ok((spool, size)),
            Ok(read) => {
                spool.write_all(&buffer[..read])?;
                size += read as u64;
                if !goes_on(size) {
                    return Ok((spool, size));
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn cannot_spool(error: io::Error) -> Error {
    Error::io("copy", Path::new("standard input"), error)
}

/// Copies standard input in a thread of its own, so that the caller can stop waiting for input. The thread ends when
/// the input ends or, if the caller has stopped waiting, when the next input arrives.
fn watched_spool(watch: &dyn Watch) -> Result<(File, u64), Error> {
    let mut finding = Finding::new(Some(watch), Stage::Read);
    let size = Arc::new(AtomicUsize::new(0));
    let (copied, is_copied) = mpsc::sync_channel(1);
    let copied_size = Arc::clone(&size);
    let copy = move || {
        // If the caller has dropped its `size`, it no longer waits.
        let spooled = spool_stdin(|size| {
            copied_size.store(size as usize, Ordering::Relaxed);
            Arc::strong_count(&copied_size) > 1
        });
        let _ = copied.send(spooled);
    };
    let thread = thread::Builder::new().name("standard input".to_owned());
    thread.spawn(copy).map_err(cannot_spool)?;
    loop {
        match is_copied.recv_timeout(Finding::EVERY) {
            Ok(spooled) => return spooled.map_err(cannot_spool),
            Err(RecvTimeoutError::Timeout) => finding.look(size.load(Ordering::Relaxed))?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(cannot_spool(io::Error::other(
                    "the thread that reads it has ended",
                )));
            }
        }
    }
}
