//! Batches made before the clock starts: a flat file that is read many times faster than batches are generated.
//!
//! So the two cores are the store's while it is measured, and the benches hold one batch at a time in memory.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use heatgrid_engine::model::{Batch, HourOfSite, HourRow, Kind, PageRows, Row, RowKey, SiteId};

use crate::batches::SiteBatch;

const BUFFER_BYTES: usize = 1 << 20;

/// Writes batches to a file. It gets its name when it is whole.
///
/// # Errors
/// What the operating system said.
pub fn write(path: &Path, batches: impl Iterator<Item = SiteBatch>) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = BufWriter::with_capacity(BUFFER_BYTES, File::create(&unfinished)?);
    for SiteBatch { site, batch } in batches {
        numbers(&mut file, &[site, batch.pages.len()])?;
        file.write_all(&batch.events.to_le_bytes())?;
        for page in &batch.pages {
            numbers(&mut file, &[page.page.len(), page.rows.len(), page.hours.len()])?;
            file.write_all(page.page.as_bytes())?;
            for row in &page.rows {
                file.write_all(&row.key.bits().to_le_bytes())?;
                file.write_all(&row.count.to_le_bytes())?;
            }
            for hour in &page.hours {
                file.write_all(&[hour.kind.code()])?;
                file.write_all(&hour.hour.number().to_le_bytes())?;
                file.write_all(&hour.count.to_le_bytes())?;
            }
        }
    }
    file.flush()?;
    std::fs::rename(unfinished, path)
}

fn numbers(file: &mut impl Write, values: &[usize]) -> io::Result<()> {
    values.iter().try_for_each(|value| file.write_all(&(*value as u32).to_le_bytes()))
}

/// Reads the batches of a file in order. It is this program's own file: one that cannot be read is a panic.
pub struct Spool {
    file: BufReader<File>,
}

impl Spool {
    /// Opens a file that `write` made.
    ///
    /// # Errors
    /// What the operating system said.
    pub fn open(path: &Path) -> io::Result<Spool> {
        Ok(Spool { file: BufReader::with_capacity(BUFFER_BYTES, File::open(path)?) })
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes).expect("a whole spool file");
        bytes
    }

    fn number(&mut self) -> usize {
        u32::from_le_bytes(self.bytes()) as usize
    }

    fn page(&mut self) -> PageRows {
        let (text, rows, hours) = (self.number(), self.number(), self.number());
        let mut page = vec![0; text];
        self.file.read_exact(&mut page).expect("a whole spool file");
        PageRows {
            page: String::from_utf8(page).expect("text").into(),
            rows: (0..rows).map(|_| self.row()).collect(),
            hours: (0..hours).map(|_| self.hour()).collect(),
        }
    }

    fn row(&mut self) -> Row {
        let bytes: [u8; 12] = self.bytes();
        let (key, count) = bytes.split_at(8);
        let key = u64::from_le_bytes(key.try_into().expect("8 bytes"));
        Row {
            key: RowKey::from_bits(key).expect("a key as written"),
            count: u32::from_le_bytes(count.try_into().expect("4 bytes")),
        }
    }

    fn hour(&mut self) -> HourRow {
        let [kind] = self.bytes();
        HourRow {
            kind: Kind::from_code(kind).expect("a kind as written"),
            hour: HourOfSite::from_number(u32::from_le_bytes(self.bytes())).expect("an hour as written"),
            count: u64::from_le_bytes(self.bytes()),
        }
    }
}

impl Iterator for Spool {
    type Item = SiteBatch;

    fn next(&mut self) -> Option<SiteBatch> {
        let mut site = [0; 4];
        self.file.read_exact(&mut site).ok()?;
        let site = u32::from_le_bytes(site) as usize;
        let pages = self.number();
        let events = u64::from_le_bytes(self.bytes());
        let pages = (0..pages).map(|_| self.page()).collect();
        let batch = Batch { site: SiteId(site as u64), id: None, idempotency: None, pages, events };
        Some(SiteBatch { site, batch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batches::{Batches, Shape};
    use crate::workload::Workload;

    #[test]
    fn batches_come_back_as_they_were_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("batches");
        let batches = || Batches::new(Workload::new(20_000), Shape::Site, 1_000);
        write(&path, batches()).unwrap();
        let mut written = batches();
        for SiteBatch { site, batch } in Spool::open(&path).unwrap() {
            let expected = written.next().unwrap();
            assert_eq!((site, batch), (expected.site, expected.batch));
        }
        assert!(written.next().is_none());
    }
}
