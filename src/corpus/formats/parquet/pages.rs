//! Reads the pages of a column in order, and decompresses several at the same time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use rayon::prelude::*;

use crate::corpus::formats::parquet::file_bytes::FileBytes;
use crate::corpus::limit::memory_for;
use crate::corpus::unusable::Unusable;

/// The pages of one column of one row group.
///
/// A page can be decompressed separately, but its position is known only from the header of the page before. So each
/// thread has a reader of its own. All of them read all headers, which costs microseconds; each decompresses one of the
/// next pages.
pub(super) struct Pages {
    /// The readers, all before the same page.
    readers: Vec<SerializedPageReader<FileBytes>>,
    /// Decompressed pages before that position.
    ready: VecDeque<Page>,
    /// The bytes of the largest page so far.
    largest: usize,
    /// The most bytes of pages that are read ahead.
    ahead: usize,
    /// In a list, the pages of the current row.
    row: Option<Arc<RowPages>>,
    /// The most memory of a page, or of the pages of a row.
    most: u64,
}

/// Counts the memory of the pages of a list that lie within one row, since a row may have any number of them.
#[derive(Default)]
pub(super) struct RowPages {
    /// The pages within the row so far, of which more follow.
    within: AtomicU64,
    /// The page that was read last; 0 if none was read since the row began.
    last: AtomicU64,
}

impl RowPages {
    /// The memory of a value and its two levels, in addition to its bytes.
    const VALUE: u64 = (size_of::<ByteArray>() + 2 * size_of::<i16>()) as u64;

    pub(super) fn start_row(&self) {
        self.within.store(0, Ordering::Relaxed);
        self.last.store(0, Ordering::Relaxed);
    }

    /// Adds a page. Fails if its values, or the pages before it in this row, take more than `most` bytes.
    fn add(&self, page: &Page, most: u64) -> Result<()> {
        let values = u64::from(page.num_values()) * Self::VALUE;
        let taken = page.buffer().len() as u64 + values;
        let last = self.last.swap(taken, Ordering::Relaxed);
        let within = last + self.within.fetch_add(last, Ordering::Relaxed);
        let takes = within.max(values);
        if takes <= most {
            return Ok(());
        }
        Err(Unusable::error(format!(
            "the next row needs at least {} MiB for the values of a list, but --memory allows {} MiB: raise it to {}",
            takes.div_ceil(1 << 20),
            most >> 20,
            memory_for(takes)
        ))
        .into())
    }
}

/// Bytes of pages to read ahead per thread.
const AHEAD: usize = 4 << 20;
/// Bytes of a column that make another reader worthwhile: about a page.
const WORTH: u64 = 1 << 20;

impl Pages {
    pub(super) fn new(
        bytes: &Arc<FileBytes>,
        chunk: &ColumnChunkMetaData,
        row: Option<Arc<RowPages>>,
    ) -> Result<Self> {
        let worth = u64::try_from(chunk.uncompressed_size())? / WORTH;
        let readers = rayon::current_num_threads().min(worth as usize).max(1);
        // The number of rows is used only if the positions of pages are known beforehand.
        let reader = |_| SerializedPageReader::new(Arc::clone(bytes), chunk, 0, None);
        Ok(Self {
            readers: (0..readers).map(reader).collect::<Result<_>>()?,
            ready: VecDeque::new(),
            largest: 0,
            ahead: (AHEAD * readers).min(usize::try_from(bytes.largest_page).unwrap_or(usize::MAX)),
            row,
            most: bytes.largest_page,
        })
    }

    /// Reads as many of the next pages as may be read ahead.
    fn read_ahead(&mut self) -> Result<()> {
        let threads = self.readers.len();
        // Before the first page, the size of pages is not known.
        let most = match self.largest {
            0 => 1,
            largest => (self.ahead / largest).clamp(1, threads),
        };
        let read = |(number, reader): (usize, &mut SerializedPageReader<_>)| {
            skip(reader, number.min(most))?;
            if number >= most {
                return Ok(None);
            }
            let page = reader.get_next_page()?;
            skip(reader, most - number - 1)?;
            Ok(page)
        };
        let readers = self.readers.par_iter_mut().with_max_len(1);
        let pages: Vec<Result<_>> = readers.enumerate().map(read).collect();
        for page in pages {
            if let Some(page) = page? {
                self.largest = self.largest.max(page.buffer().len());
                self.ready.push_back(page);
            }
        }
        Ok(())
    }
}

/// Skips pages; reads only their headers.
fn skip(reader: &mut SerializedPageReader<FileBytes>, pages: usize) -> Result<()> {
    for _ in 0..pages {
        // `peek_next_page` also skips pages of other types, like `get_next_page`.
        if reader.peek_next_page()?.is_some() {
            reader.skip_next_page()?;
        }
    }
    Ok(())
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        if self.ready.is_empty() {
            self.read_ahead()?;
        }
        let page = self.ready.pop_front();
        if let (Some(page), Some(row)) = (&page, &self.row)
            && page.is_data_page()
        {
            row.add(page, self.most)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        let Some(page) = self.ready.front() else {
            return self.readers[0].peek_next_page();
        };
        Ok(Some(PageMetadata {
            num_rows: match page {
                Page::DataPageV2 { num_rows, .. } => Some(*num_rows as usize),
                _ => None,
            },
            num_levels: page.is_data_page().then_some(page.num_values() as usize),
            is_dict: page.is_dictionary_page(),
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if self.ready.pop_front().is_none() {
            for reader in &mut self.readers {
                skip(reader, 1)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use parquet::basic::Encoding;
    use parquet::data_type::ByteArrayType;
    use parquet::file::metadata::ParquetMetaDataReader;
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;

    /// A column of a few mebibytes, in pages of two sizes.
    fn file() -> std::fs::File {
        let schema = parse_message_type("message m { required binary text; }").unwrap();
        let properties = WriterProperties::builder()
            .set_data_page_size_limit(100_000)
            .set_compression(parquet::basic::Compression::SNAPPY);
        let file = tempfile::tempfile().unwrap();
        let mut writer = SerializedFileWriter::new(
            file.try_clone().unwrap(),
            Arc::new(schema),
            Arc::new(properties.build()),
        )
        .unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let values: Vec<ByteArray> = (0..6000u32)
            .map(|i| {
                ByteArray::from(
                    format!("{i} ")
                        .repeat(if i == 3000 { 400_000 } else { 200 })
                        .into_bytes(),
                )
            })
            .collect();
        column
            .typed::<ByteArrayType>()
            .write_batch(&values, None, None)
            .unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        file
    }

    fn all(pages: impl Iterator<Item = Result<Page>>) -> Vec<(bool, u32, Vec<u8>)> {
        pages
            .map(|page| {
                let page = page.unwrap();
                (
                    page.is_dictionary_page(),
                    page.num_values(),
                    page.buffer().to_vec(),
                )
            })
            .collect()
    }

    #[test]
    fn several_readers_are_one() {
        let bytes = FileBytes::of(file()).unwrap();
        let metadata = ParquetMetaDataReader::new()
            .parse_and_finish(&bytes)
            .unwrap();
        let bytes = Arc::new(bytes);
        let chunk = metadata.row_group(0).column(0);
        let one = SerializedPageReader::new(Arc::clone(&bytes), chunk, 0, None).unwrap();
        let expected = all(one);
        assert!(expected[0].0 && expected.len() > 30, "{}", expected.len());
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pages = || {
                let pages = Pages::new(&bytes, chunk, None).unwrap();
                assert_eq!(pages.readers.len(), threads);
                pages
            };
            pool.build().unwrap().install(|| {
                assert!(all(pages()) == expected, "{threads}");
                // Only every third page.
                let mut some = pages();
                for (number, page) in expected.iter().enumerate() {
                    let peeked = some.peek_next_page().unwrap().unwrap();
                    assert_eq!(peeked.is_dict, page.0);
                    assert_eq!(peeked.num_levels, (!page.0).then_some(page.1 as usize));
                    if number % 3 > 0 {
                        some.skip_next_page().unwrap();
                        continue;
                    }
                    let read = some.get_next_page().unwrap().unwrap();
                    assert!(read.buffer() == &page.2[..]);
                }
                assert!(some.peek_next_page().unwrap().is_none());
                assert!(some.get_next_page().unwrap().is_none());
            });
        }
    }

    #[test]
    fn the_pages_of_a_row_are_counted_but_for_its_last() {
        let page = |bytes: usize, values: u32| Page::DataPage {
            buf: vec![0; bytes].into(),
            num_values: values,
            encoding: Encoding::PLAIN,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let row = RowPages::default();
        let each = RowPages::VALUE;
        for _ in 0..3 {
            row.start_row();
            // The last page may belong to other rows.
            for _ in 0..3 {
                assert!(row.add(&page(1000, 10), 2 * (1000 + 10 * each)).is_ok());
            }
        }
        let error = row.add(&page(1, 1), 2 * (1000 + 10 * each)).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("the next row needs at least 1 MiB")
        );
        // A page of few bytes may have any number of values.
        row.start_row();
        assert!(row.add(&page(1, 1 << 20), each << 20).is_ok());
        row.start_row();
        assert!(row.add(&page(1, 1 << 20), (each << 20) - 1).is_err());
    }
}
