//! A sieve in a file and back (feature `storage`).
//!
//! The file, all numbers little-endian, an optional number as a byte 0 or 1 and then the number:
//!
//! ```text
//! "resemblance-sieve\n"    version u32    scheme [16] (as in signatures)
//! counts: documents u64, passed u64, empty u64, dropped u64, failed u64
//! memory u8: 0 a window, 1 Bloom filters
//!
//! window:  documents u64?, shingles u64?, estimates u8, bands u16, rows u16, threshold f64, floor f64
//!          documents held u64, and for each of them, the oldest first:
//!          id u64, shingles that came u64, hashes held u64, these u64, K slots u32
//! bloom:   documents u64, rate f64, overfill u8, bands and rows asked for u8, bands u16, rows u16
//!          documents held u64, bytes u64, the blocks of each band's filter, 64 bytes each
//!
//! xxh3_128 of all before [16]
//! ```

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

use super::Counts;
use super::bloom::{Bloom, BloomBands};
use super::filter::Block;
use super::recent::Recent;
use super::sieve::{Remembered, Sieve};
use super::window::{Held, MOST, Passed, Shingles, Window};
use crate::checksum::Summed;
use crate::error::Error;
use crate::lsh::{Banding, valid_threshold};
use crate::passing::{file_beside, resolve};
use crate::sketch::{SCHEME_BYTES, Scheme, Sketcher};
use crate::storage::Problem;

const MAGIC: [u8; 18] = *b"resemblance-sieve\n";
const VERSION: u32 = 1;
/// Bytes of the checksum.
const SUM: usize = 16;
/// More shingles than any memory holds.
const MOST_SHINGLES: u64 = 1 << 48;

impl Sieve {
    /// Saves the sieve as a file, from which [`open`](Self::open) goes on as if the stream had never stopped (feature
    /// `storage`).
    ///
    /// The file is written beside `path` and moved there when it is complete. A sieve that is there already is replaced in
    /// one step. With a [`Window`] it takes 24 + 4 K bytes for each document that is remembered, and 8 for each shingle;
    /// with a [`Bloom`] memory, as much as [`memory_usage`](Self::memory_usage). It holds the seed.
    ///
    /// ```
    /// use resemblance::stream::{Sieve, Window};
    /// use resemblance::Deduper;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("sieve");
    /// let mut sieve = Deduper::new().sieve(Window::last(100_000))?;
    /// sieve.admit("volunteers will open the lighthouse to visitors in june");
    /// sieve.save(&path)?;
    ///
    /// let mut sieve = Sieve::open(&path)?;
    /// let verdict = sieve.admit("Volunteers will open the lighthouse to visitors in June.");
    /// assert_eq!(verdict.seen().unwrap().document(), Some(0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If something other than a sieve is at `path`, or nothing can be written there. `path` is as it was then.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let cannot = |error: io::Error| Problem::io("write", path, &error);
        let place = resolve(path).map_err(cannot)?;
        if !may_be_replaced(&place).map_err(cannot)? {
            return Err(Problem::unknown(
                path,
                "not a saved sieve, so it is not replaced",
            ));
        }
        let write = || {
            let temp = file_beside(&place)?;
            let mut output = Output(BufWriter::new(Summed::new(
                temp.as_file().try_clone()?,
                None,
            )));
            self.write(&mut output)?;
            output.0.flush()?;
            let sum = output.0.get_ref().sum();
            temp.as_file().write_all(&sum.to_le_bytes())?;
            temp.as_file().sync_all()?;
            temp.persist(&place)?;
            Ok(())
        };
        write().map_err(cannot)
    }

    /// Opens a sieve that was [saved](Self::save) (feature `storage`). Its settings are those that it was made with.
    ///
    /// # Errors
    /// If there is no such file, or it is not a saved sieve, of another version or corrupt; the error names the file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let read = || {
            let mut input = Input::open(path)?;
            let sieve = Self::read(&mut input)?;
            input.end()?;
            Ok(sieve)
        };
        read().map_err(|fault| match fault {
            Fault::Io(error) => Problem::io("read", path, &error),
            Fault::Unknown(why) => Problem::unknown(path, why),
            Fault::Bad(why) => Problem::bad(path, why),
        })
    }

    fn write(&self, output: &mut Output<impl Write>) -> io::Result<()> {
        output.bytes(&MAGIC)?;
        output.u32s(&[VERSION])?;
        output.bytes(&self.sketcher().scheme().to_bytes())?;
        let Counts {
            documents,
            passed,
            empty,
            dropped,
            failed,
        } = self.counts;
        output.u64s(&[documents, passed, empty, dropped, failed])?;
        match &self.memory {
            Remembered::Window(passed) => write_window(passed, output),
            Remembered::Bloom(bands) => write_bloom(bands, output),
        }
    }

    fn read(input: &mut Input) -> Result<Self, Fault> {
        if input.take().ok() != Some(MAGIC) {
            return Err(Fault::Unknown("not a saved sieve".to_owned()));
        }
        let version = u32::from_le_bytes(input.take()?);
        if version != VERSION {
            return Err(Fault::Unknown(format!(
                "sieve format version {version}, but this crate reads version {VERSION}"
            )));
        }
        let scheme: [u8; SCHEME_BYTES] = input.take()?;
        let scheme = Scheme::from_bytes(scheme).map_err(Fault::Unknown)?;
        let counts = Counts {
            documents: input.u64()?,
            passed: input.u64()?,
            empty: input.u64()?,
            dropped: input.u64()?,
            failed: input.u64()?,
        };
        let all = counts.passed.checked_add(counts.dropped);
        let all = all.and_then(|all| all.checked_add(counts.failed));
        let can_go_on = counts.documents < u64::MAX / 2;
        if all != Some(counts.documents) || counts.empty > counts.passed || !can_go_on {
            return Err(bad("its counts do not add up"));
        }
        let memory = match input.take()? {
            [0] => Remembered::Window(Box::new(read_window(&scheme, &counts, input)?)),
            [1] => Remembered::Bloom(read_bloom(&scheme, &counts, input)?),
            [other] => return Err(bad(format!("memory {other} is unknown"))),
        };
        Ok(Self::of(Sketcher::new(scheme), memory, counts))
    }
}

fn write_window(passed: &Passed, output: &mut Output<impl Write>) -> io::Result<()> {
    output.bytes(&[0])?;
    let Window {
        documents,
        shingles,
        estimates,
    } = passed.settings;
    output.option(documents)?;
    output.option(shingles)?;
    output.bytes(&[estimates.into()])?;
    output.banding(passed.banding())?;
    output.f64(passed.threshold)?;
    output.f64(passed.floor)?;
    output.u64s(&[passed.len()])?;
    for (place, held) in (passed.signatures.oldest()..).zip(&passed.held) {
        let hashes = held.shingles.hashes();
        output.u64s(&[held.id, held.count as u64, hashes.len() as u64])?;
        output.u64s(hashes)?;
        output.u32s(passed.signatures.slots(place))?;
    }
    Ok(())
}

fn read_window(scheme: &Scheme, counts: &Counts, input: &mut Input) -> Result<Passed, Fault> {
    let window = Window {
        documents: input.option()?,
        shingles: input.option()?,
        estimates: input.flag()?,
    };
    let banding = input.banding(scheme)?;
    let (threshold, floor) = (input.f64()?, input.f64()?);
    let most = window.documents.unwrap_or(MOST);
    if valid_threshold(threshold).is_err()
        || !(0.0..=threshold).contains(&floor)
        || !(1..=MOST).contains(&most)
    {
        return Err(bad("its settings are out of range"));
    }
    let signatures = Recent::new(banding, scheme.hashes(), window.documents);
    let mut passed = Passed::with(signatures, window, threshold, floor);
    let many = input.u64()?;
    if many > most as u64 || many > counts.passed {
        return Err(bad(format!("it cannot remember {many} documents")));
    }
    let mut shingles = 0u64;
    for _ in 0..many {
        let (id, count, hashes) = (input.u64()?, input.u64()?, input.u64()?);
        let hashes = input.u64s(hashes)?;
        let slots = input.u32s(scheme.hashes() as u64)?;
        shingles = shingles.saturating_add(count);
        let fits = count >= hashes.len() as u64 && shingles < MOST_SHINGLES;
        if !fits || window.estimates != hashes.is_empty() {
            return Err(bad(format!("document {id} cannot have {count} shingles")));
        }
        let keys: Vec<u64> = banding.keys(&slots).collect();
        let held = Held {
            id,
            shingles: Shingles::Raw(hashes.into()),
            count: count as usize,
        };
        passed.hold(held, &slots, &keys);
    }
    Ok(passed)
}

fn write_bloom(bands: &BloomBands, output: &mut Output<impl Write>) -> io::Result<()> {
    output.bytes(&[1])?;
    let Bloom {
        documents,
        rate,
        banding,
        overfill,
    } = bands.settings;
    output.u64s(&[documents])?;
    output.f64(rate)?;
    output.bytes(&[overfill.into()])?;
    output.bytes(&[banding.is_some().into()])?;
    output.banding(bands.banding())?;
    output.u64s(&[bands.documents(), bands.memory_usage() as u64])?;
    for filter in &bands.filters {
        filter
            .blocks()
            .iter()
            .try_for_each(|Block(words)| output.u64s(words))?;
    }
    Ok(())
}

fn read_bloom(scheme: &Scheme, counts: &Counts, input: &mut Input) -> Result<BloomBands, Fault> {
    let (documents, rate, overfill) = (input.u64()?, input.f64()?, input.flag()?);
    let is_asked = input.flag()?;
    let banding = input.banding(scheme)?;
    let settings = Bloom {
        documents,
        rate,
        banding: is_asked.then_some(banding),
        overfill,
    };
    let (held, bytes) = (input.u64()?, input.u64()?);
    if held > counts.passed {
        return Err(bad(format!("it cannot remember {held} documents")));
    }
    // Before anything of that size is allocated.
    if bytes != input.left {
        return Err(bad(format!("{bytes} bytes of filters are not there")));
    }
    let mut bands =
        BloomBands::with(settings, banding, Some(bytes)).map_err(|e| bad(e.to_string()))?;
    bands.documents = held;
    for filter in &mut bands.filters {
        for Block(words) in filter.blocks_mut() {
            for word in words {
                *word = input.u64()?;
            }
        }
    }
    Ok(bands)
}

/// Whether nothing is at this place, or a saved sieve of any version. Devices, pipes and links are never replaced.
fn may_be_replaced(place: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(place) {
        Ok(found) if !found.is_file() => return Ok(false),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    }
    let mut begin = Vec::new();
    let file = File::open(place)?;
    file.take(MAGIC.len() as u64).read_to_end(&mut begin)?;
    Ok(begin.is_empty() || begin == MAGIC)
}

struct Output<W>(W);

impl<W: Write> Output<W> {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn u32s(&mut self, numbers: &[u32]) -> io::Result<()> {
        let mut numbers = numbers.iter();
        numbers.try_for_each(|number| self.bytes(&number.to_le_bytes()))
    }

    fn u64s(&mut self, numbers: &[u64]) -> io::Result<()> {
        let mut numbers = numbers.iter();
        numbers.try_for_each(|number| self.bytes(&number.to_le_bytes()))
    }

    fn f64(&mut self, number: f64) -> io::Result<()> {
        self.u64s(&[number.to_bits()])
    }

    fn option(&mut self, number: Option<usize>) -> io::Result<()> {
        self.bytes(&[number.is_some().into()])?;
        self.u64s(&[number.unwrap_or_default() as u64])
    }

    fn banding(&mut self, banding: Banding) -> io::Result<()> {
        self.bytes(&(banding.bands() as u16).to_le_bytes())?;
        self.bytes(&(banding.rows() as u16).to_le_bytes())
    }
}

/// Why a file cannot be opened.
enum Fault {
    Io(io::Error),
    /// It is something else.
    Unknown(String),
    /// It is corrupt.
    Bad(String),
}

fn bad(why: impl Into<String>) -> Fault {
    Fault::Bad(why.into())
}

/// A file that is read once. Nothing is allocated for more than it has.
struct Input {
    file: BufReader<File>,
    hasher: Xxh3,
    /// Bytes before the checksum.
    left: u64,
}

impl Input {
    fn open(path: &Path) -> Result<Self, Fault> {
        // A pipe would block when it is opened.
        let found = fs::metadata(path).map_err(Fault::Io)?;
        if !found.is_file() {
            return Err(Fault::Unknown("not a saved sieve".to_owned()));
        }
        let bytes = found.len();
        let file = File::open(path).map_err(Fault::Io)?;
        Ok(Self {
            file: BufReader::new(file),
            hasher: Xxh3::new(),
            left: bytes.saturating_sub(SUM as u64),
        })
    }

    /// An error if fewer than `many` numbers of `bytes` bytes are left.
    fn has(&self, many: u64, bytes: u64) -> Result<(), Fault> {
        let needed = many.checked_mul(bytes);
        match needed.is_some_and(|needed| needed <= self.left) {
            true => Ok(()),
            false => Err(bad("it is cut off")),
        }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.has(1, N as u64)?;
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes).map_err(Fault::Io)?;
        self.hasher.update(&bytes);
        self.left -= N as u64;
        Ok(bytes)
    }

    fn u64(&mut self) -> Result<u64, Fault> {
        self.take().map(u64::from_le_bytes)
    }

    fn u64s(&mut self, many: u64) -> Result<Vec<u64>, Fault> {
        self.has(many, 8)?;
        (0..many).map(|_| self.u64()).collect()
    }

    fn u32s(&mut self, many: u64) -> Result<Vec<u32>, Fault> {
        self.has(many, 4)?;
        (0..many)
            .map(|_| self.take().map(u32::from_le_bytes))
            .collect()
    }

    fn f64(&mut self) -> Result<f64, Fault> {
        self.u64().map(f64::from_bits)
    }

    fn flag(&mut self) -> Result<bool, Fault> {
        match self.take()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(bad(format!("{other} is neither yes nor no"))),
        }
    }

    fn option(&mut self) -> Result<Option<usize>, Fault> {
        let (is_some, number) = (self.flag()?, self.u64()?);
        let number = usize::try_from(number).map_err(|_| bad(format!("{number} is too large")))?;
        Ok(is_some.then_some(number))
    }

    fn banding(&mut self, scheme: &Scheme) -> Result<Banding, Fault> {
        let bands = u16::from_le_bytes(self.take()?);
        let rows = u16::from_le_bytes(self.take()?);
        let banding = Banding::new(bands.into(), rows.into());
        let banding = banding.and_then(|banding| banding.fits(scheme.hashes()));
        banding.map_err(|error| bad(error.to_string()))
    }

    /// Compares the checksum.
    fn end(mut self) -> Result<(), Fault> {
        let mut sum = [0; SUM];
        self.file.read_exact(&mut sum).map_err(Fault::Io)?;
        match self.left == 0 && self.hasher.digest128() == u128::from_le_bytes(sum) {
            true => Ok(()),
            false => Err(bad("its checksum is another")),
        }
    }
}
