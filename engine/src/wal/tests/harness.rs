//! A log on a simulated disk, beside a list of what it should hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::disk::simulated::SimulatedDisk;
use crate::format::wal::{BatchMeta, encode_batch};
use crate::model::{PageRows, Row, RowKey, Seq, SiteId};
use crate::wal::{Replayed, Wal, WalError, WalOptions, WalReport, replay};
use crate::window::{Known, Windows};

pub(super) const OPTIONS: WalOptions = WalOptions { file_bytes: 4_096, first_file_bytes: 4_096 };

/// Batches by their place: first cell (which tells the batch), number of rows.
pub(super) type Held = BTreeMap<u64, (u64, usize)>;

pub(super) struct Log {
    pub(super) disk: SimulatedDisk,
    pub(super) wal: Wal,
    pub(super) windows: Windows,
    /// What is durable and after the floor.
    pub(super) held: Held,
    pub(super) floor: Seq,
    pub(super) appended: u64,
}

/// What a log gives when it is read.
pub(super) struct Read {
    pub(super) held: Held,
    pub(super) windows: Windows,
    pub(super) replayed: Replayed,
}

impl Read {
    pub(super) fn report(&self) -> &WalReport {
        &self.replayed.report
    }
}

pub(super) fn read(disk: &SimulatedDisk, floor: Seq) -> Result<Read, WalError> {
    let mut windows = Windows::new([3; 32]);
    let mut rows: BTreeMap<u64, Vec<PageRows>> = BTreeMap::new();
    let mut last = 0;
    let replayed = replay(disk, floor, &mut windows, &mut |given| {
        assert!(given.seq.0 >= last && given.seq > floor, "in order, and only what is asked for");
        last = given.seq.0;
        rows.entry(last).or_default().extend(given.pages);
    })?;
    let held: Held = rows.into_iter().map(|(seq, pages)| (seq, content(&pages))).collect();
    assert_eq!(held.len() as u64, replayed.report.batches);
    Ok(Read { held, windows, replayed })
}

/// The first cell and the number of rows; every row must be the one that `pages` made.
fn content(pages: &[PageRows]) -> (u64, usize) {
    let rows: Vec<Row> = pages.iter().flat_map(|page| &page.rows).copied().collect();
    let cell = |row: &Row| u64::from(row.key.cell().code());
    let first = rows.first().map_or(0, cell);
    for (index, row) in rows.iter().enumerate() {
        assert_eq!((cell(row), u64::from(row.count)), (first + index as u64, first + 1));
    }
    (first, rows.len())
}

/// Rows of the batch that begins at a cell.
pub(super) fn pages(first: u64, rows: usize) -> Vec<PageRows> {
    let row = |cell: u64| Row { key: RowKey::from_bits(cell << 26).unwrap(), count: first as u32 + 1 };
    let rows = (first..first + rows as u64).map(row).collect();
    vec![PageRows { page: "shop.example/".into(), rows, hours: Vec::new() }]
}

/// Every batch has an id.
pub(super) fn id_of(first: u64) -> BatchMeta {
    BatchMeta { id: Some(first.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1), key: None }
}

impl Log {
    pub(super) fn new() -> Log {
        Log::open(SimulatedDisk::new(), Seq(0), OPTIONS).unwrap()
    }

    /// Opens what is on a disk, whatever it is.
    pub(super) fn open(disk: SimulatedDisk, floor: Seq, options: WalOptions) -> Result<Log, WalError> {
        let Read { held, windows, replayed } = read(&disk, floor)?;
        let wal = Wal::begin(Arc::new(disk.clone()), options, replayed.end)?;
        Ok(Log { disk, wal, windows, held, floor, appended: 0 })
    }

    /// Appends a batch of `rows` rows, not durable yet. Its first cell is `first`.
    pub(super) fn append(&mut self, first: u64, rows: usize) -> Result<Seq, WalError> {
        let (site, meta) = (SiteId(1), id_of(first));
        let encoded = encode_batch(site, &meta, &pages(first, rows), self.wal.payload_bytes());
        let seq = self.wal.append(&encoded, 1_000)?;
        self.windows.remember(site, meta, 1_000);
        self.appended += 1;
        Ok(seq)
    }

    /// Appends a group and makes it durable.
    pub(super) fn group(&mut self, batches: &[(u64, usize)]) -> Result<(), WalError> {
        let mut durable = Vec::new();
        for (first, rows) in batches {
            durable.push((self.append(*first, *rows)?.0, (*first, *rows)));
        }
        self.wal.sync()?;
        self.held.extend(durable);
        Ok(())
    }

    /// What a flush does: a new file with the windows; then everything before is in a segment, and trimmed.
    pub(super) fn flush(&mut self) -> Result<(), WalError> {
        let limit = self.wal.payload_bytes();
        self.wal.rotate(1_000, self.windows.carried(1_000, limit))?;
        self.floor = self.wal.last_seq();
        self.held.clear();
        self.wal.files().trim(self.floor)?;
        Ok(())
    }

    pub(super) fn knows(&self, first: u64) -> bool {
        knows(&self.windows, first)
    }
}

pub(super) fn knows(windows: &Windows, first: u64) -> bool {
    windows.known(SiteId(1), &id_of(first), 1_000) == Some(Known::ById)
}
