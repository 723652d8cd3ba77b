//! Compression of files, and decompression of inputs.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use crate::corpus::limit::memory_for;
use crate::corpus::unusable::Unusable;

/// The compression of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    /// Gzip, with one or more members.
    Gzip,
    /// Zstandard, with one or more frames.
    Zstd,
}

impl Compression {
    /// The compression by the name of a file.
    pub(crate) fn of(path: &Path) -> Self {
        match ending(path).as_str() {
            "gz" => Self::Gzip,
            "zst" => Self::Zstd,
            _ => Self::None,
        }
    }

    /// The name without the extension of the compression.
    pub(crate) fn strip(path: &Path) -> std::borrow::Cow<'_, Path> {
        match Self::of(path) {
            Self::None => path.into(),
            Self::Gzip | Self::Zstd => path.with_extension("").into(),
        }
    }

    /// The extension of a name, if it is that of an unsupported compression.
    pub(crate) fn unknown(path: &Path) -> Option<String> {
        const UNKNOWN: [&str; 15] = [
            "xz", "bz2", "zip", "7z", "lz4", "lzma", "lzo", "br", "z", "sz", "rar", "tar", "tgz",
            "gzip", "zstd",
        ];
        Some(ending(path)).filter(|ending| UNKNOWN.contains(&ending.as_str()))
    }
}

/// The extension of a name, in lower case.
pub(crate) fn ending(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

/// Decompresses `file`. `window` limits the window of Zstandard files, as a power of two.
pub(crate) fn decoder(
    compression: Compression,
    file: impl Read + Send + 'static,
    window: u32,
) -> io::Result<Box<dyn Read + Send>> {
    const BUFFER: usize = 1 << 16;
    let buffered = |file| BufReader::with_capacity(BUFFER, file);
    Ok(match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(GzipMembers::new(buffered(file))),
        Compression::Zstd => Box::new(Zstd::open(buffered(file), window)?),
    })
}

/// Decompresses the members of a gzip file, one after the other. Zeros after a member are padding, as for `gzip -d`;
/// other bytes there are an error.
struct GzipMembers<R> {
    /// `None` at the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> GzipMembers<R> {
    fn new(file: R) -> Self {
        Self {
            member: Some(GzDecoder::new(file)),
        }
    }
}

impl<R: BufRead> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(member) = &mut self.member {
            match member.read(buffer)? {
                0 => {}
                read => return Ok(read),
            }
            self.member = match self.member.take().map(GzDecoder::into_inner) {
                Some(mut file) => after_padding(&mut file)?.then(|| GzDecoder::new(file)),
                None => None,
            };
        }
        Ok(0)
    }
}

/// Skips zeros. Returns whether anything follows.
fn after_padding(file: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = file.fill_buf()?;
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        let (is_end, follows) = (bytes.is_empty(), zeros < bytes.len());
        file.consume(zeros);
        if is_end || follows {
            return Ok(follows);
        }
    }
}

/// Decompresses a Zstandard file. Fails with a clear error if it needs a larger window than allowed.
struct Zstd<R> {
    decoder: zstd::Decoder<'static, R>,
    window: u32,
}

impl<R: BufRead> Zstd<R> {
    fn open(mut file: R, window: u32) -> io::Result<Self> {
        if let Some(takes) = window_of(file.fill_buf()?)
            && takes > 1 << window
        {
            return Err(too_large_a_window(Some(takes), window));
        }
        let mut decoder = zstd::Decoder::with_buffer(file)?;
        decoder.window_log_max(window)?;
        Ok(Self { decoder, window })
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer).map_err(|error| {
            // The library does not distinguish this from a damaged file in another way.
            match error.to_string().contains("too much memory") {
                true => too_large_a_window(None, self.window),
                false => error,
            }
        })
    }
}

/// The window of the first frame, from the beginning of the file (RFC 8878, section 3.1.1.1); `None` if the frame is
/// its own window, or this is not a frame.
fn window_of(file: &[u8]) -> Option<u64> {
    const SINGLE_SEGMENT: u8 = 1 << 5;
    let [0x28, 0xB5, 0x2F, 0xFD, descriptor, window, ..] = *file else {
        return None;
    };
    let base = 1 << (10 + (window >> 3));
    (descriptor & SINGLE_SEGMENT == 0).then_some(base + base / 8 * u64::from(window & 7))
}

fn too_large_a_window(needs: Option<u64>, window: u32) -> io::Error {
    let enough = needs.map_or(String::new(), |bytes| {
        let memory = memory_for(bytes.next_power_of_two());
        format!("use --memory {memory}, ")
    });
    let needs = needs.map_or("a larger window".to_owned(), |bytes| {
        format!("a window of {} MiB", bytes >> 20)
    });
    Unusable::error(format!(
        "decompressing it needs {needs}, but at most {} MiB are allowed: {enough}compress it with a smaller window, or pipe \
         its content to standard input (zstd -dc --long=31)",
        (1u64 << window) >> 20
    ))
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};

    use super::*;

    fn read(file: &[u8], buffer: usize) -> io::Result<String> {
        let mut text = String::new();
        let file = BufReader::with_capacity(buffer, file);
        GzipMembers::new(file).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn zeros_after_the_last_member_are_padding_and_other_bytes_an_error() {
        let member = |text: &[u8]| {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let two = [member(b"one "), member(b"two")].concat();
        for buffer in [1, 7, 1 << 16] {
            assert_eq!(read(&two, buffer).unwrap(), "one two");
            assert_eq!(
                read(&[&*two, &[0; 1000]].concat(), buffer).unwrap(),
                "one two"
            );
            assert!(read(&[&*two, b"\0\0x"].concat(), buffer).is_err());
            assert!(read(&[&*two, b"garbage"].concat(), buffer).is_err());
            assert!(read(&two[..two.len() - 1], buffer).is_err());
        }
    }
}
