//! The detail group of a block: days, countries and counts of its cells. `docs/FORMAT.md`, section "Blocks".

use std::slice::Iter;

use super::columns::{Numbers, Packer, Unpacker};
use super::frame::{Cursor, FormatError};
use super::summary::Summary;
use crate::model::limits::BLOCK_ROWS;

/// Days of the longest month.
pub const MONTH_DAYS: u8 = 31;

/// One detail row of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellRow {
    /// Day of the month, 0 to 30.
    pub day: u8,
    /// Index into the extent's countries.
    pub country: u16,
    /// At least 1.
    pub count: u32,
}

/// Which run of bytes a row's day stands in: days are distributed alike within one.
///
/// The first row of a cell has its day, the others the days since the row before; and the more rows are left in
/// the cell, the smaller both are.
struct DayRun;

impl DayRun {
    const COUNT: usize = 8;
    /// The first run of rows that are not the first of their cell.
    const LATER: usize = 4;

    /// The run of a row that is the first of its cell or not, with `left` rows left in the cell, itself included.
    #[inline]
    fn of(first: bool, left: u32) -> usize {
        let class = match left {
            0 | 1 => 0,
            2 => 1,
            3 | 4 => 2,
            _ => 3,
        };
        if first { class } else { class | DayRun::LATER }
    }
}

/// The detail group's columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// Days of the month, in the runs of `DayRun`.
    days: [Vec<u8>; DayRun::COUNT],
    /// Indexes into the extent's countries.
    countries: Numbers,
    /// Count less 1, of the rows of cells with total > fan-out > 1, but for the last row of each.
    counts: Numbers,
}

impl Detail {
    /// Takes everything out.
    pub fn clear(&mut self) {
        self.days.iter_mut().for_each(Vec::clear);
        self.countries.clear();
        self.counts.clear();
    }

    /// Appends the rows of a cell, ordered by day; `total` is the sum of their counts.
    pub fn push_rows(&mut self, total: u64, rows: &[CellRow]) {
        let mut before = 0_u8;
        for (at, row) in rows.iter().enumerate() {
            // A cell's rows are at most a block's.
            let left = rows.len().saturating_sub(at) as u32;
            if let Some(run) = self.days.get_mut(DayRun::of(at == 0, left)) {
                run.push(row.day.wrapping_sub(before));
            }
            before = row.day;
            self.countries.push(u64::from(row.country));
        }
        if total > rows.len() as u64
            && let Some((_, counted)) = rows.split_last()
        {
            counted.iter().for_each(|row| self.counts.push(u64::from(row.count.saturating_sub(1))));
        }
    }

    /// Appends the group's columns.
    pub fn pack(&self, packer: &mut Packer, target: &mut Vec<u8>) {
        for (number, run) in self.days.iter().enumerate() {
            // Neighbouring cells are often of one visit, so that first days repeat; what follows them does not.
            if number < DayRun::LATER { packer.pack(run, target) } else { packer.pack_symbols(run, target) }
        }
        self.countries.pack(packer, target);
        self.counts.pack(packer, target);
    }

    /// Reads the columns of a group of so many rows over these.
    ///
    /// # Errors
    /// When they are not the columns of so many rows.
    pub fn unpack(&mut self, columns: &[u8], rows: u32, unpacker: &mut Unpacker) -> Result<(), FormatError> {
        let rows = (rows as usize).min(BLOCK_ROWS);
        let mut cursor = Cursor::new("detail", columns);
        let mut days = 0_usize;
        for run in &mut self.days {
            unpacker.unpack(&mut cursor, rows, run)?;
            days = days.saturating_add(run.len());
        }
        if days != rows {
            return Err(cursor.invalid(days as u64));
        }
        self.countries.unpack_exactly(unpacker, &mut cursor, rows)?;
        self.counts.unpack(unpacker, &mut cursor, rows)?;
        cursor.finish()
    }
}

/// The detail rows of a whole block, one slice per column.
#[derive(Debug, Default)]
pub struct BlockRows {
    /// Total of each cell.
    pub totals: Vec<u64>,
    /// Number of detail rows of each cell.
    pub fan_outs: Vec<u32>,
    /// Day of the month of each row.
    pub days: Vec<u8>,
    /// Index of the country of each row.
    pub countries: Vec<u16>,
    /// Count of each row.
    pub counts: Vec<u32>,
}

impl BlockRows {
    /// Puts the rows of a block in place of what was here.
    ///
    /// # Errors
    /// When the columns contradict each other, or a country's index is not below `countries`.
    pub fn expand(
        &mut self,
        summary: &Summary,
        detail: &Detail,
        countries: usize,
    ) -> Result<(), FormatError> {
        self.totals.clear();
        self.fan_outs.clear();
        summary.fan_outs(&mut self.totals, &mut self.fan_outs)?;
        let rows: u64 = self.fan_outs.iter().map(|fan_out| u64::from(*fan_out)).sum();
        let cursor = Cursor::new("detail", &[]);
        if rows != detail.countries.len() as u64 {
            return Err(cursor.invalid(rows));
        }
        self.expand_days(detail)?;
        self.expand_countries(detail, countries)?;
        self.expand_counts(detail)
    }

    fn expand_days(&mut self, detail: &Detail) -> Result<(), FormatError> {
        let [only, first_of_two, first_of_four, first_of_many, last, second_last, of_four, of_many] =
            &mut detail.days.each_ref().map(|run| run.iter());
        let next = |run: &mut Iter<'_, u8>| run.next().copied().unwrap_or(u8::MAX);
        let mut highest = 0;
        self.days.clear();
        self.days.reserve(detail.days.iter().map(Vec::len).sum());
        for fan_out in &self.fan_outs {
            // As `DayRun` says, without asking it for each row: a processor that cannot foresee the answers waits.
            let mut day = match *fan_out {
                1 => {
                    let day = next(only);
                    self.days.push(day);
                    highest = highest.max(day);
                    continue;
                }
                2 => next(first_of_two),
                3 | 4 => next(first_of_four),
                _ => next(first_of_many),
            };
            self.days.push(day);
            let mut later = |run: &mut Iter<'_, u8>| {
                day = day.saturating_add(next(run));
                self.days.push(day);
            };
            let left = fan_out.saturating_sub(1);
            (4..left).for_each(|_| later(of_many));
            (2..left.min(4)).for_each(|_| later(of_four));
            if left > 1 {
                later(second_last);
            }
            later(last);
            highest = highest.max(day);
        }
        if highest < MONTH_DAYS {
            return Ok(());
        }
        Err(Cursor::new("days", &[]).invalid(u64::from(highest)))
    }

    fn expand_countries(&mut self, detail: &Detail, countries: usize) -> Result<(), FormatError> {
        self.countries.clear();
        let mut reader = detail.countries.reader(0);
        match reader.short_run(usize::MAX) {
            Some(run) => self.countries.extend(run.iter().map(|byte| u16::from(*byte))),
            None => self.countries.extend(reader.map(|number| u16::try_from(number).unwrap_or(u16::MAX))),
        }
        let highest = self.countries.iter().fold(0, |highest, country| highest.max(*country));
        if self.countries.is_empty() || usize::from(highest) < countries {
            return Ok(());
        }
        Err(Cursor::new("countries", &[]).invalid(u64::from(highest)))
    }

    fn expand_counts(&mut self, detail: &Detail) -> Result<(), FormatError> {
        let cursor = Cursor::new("counts", &[]);
        let mut counts = detail.counts.reader(0);
        self.counts.clear();
        self.counts.resize(self.days.len(), 1);
        let mut rows = self.counts.as_mut_slice();
        for (total, fan_out) in self.totals.iter().zip(&self.fan_outs) {
            // `expand` has compared the sum of all fan-outs with the rows.
            let (of_cell, others) = rows.split_at_mut_checked(*fan_out as usize).unwrap_or_default();
            rows = others;
            if *total == u64::from(*fan_out) {
                continue;
            }
            let Some((last, counted)) = of_cell.split_last_mut() else { continue };
            let mut left = *total;
            for row in counted {
                let less_one = counts.next().and_then(|count| u32::try_from(count).ok());
                *row = less_one.and_then(|count| count.checked_add(1)).unwrap_or(u32::MAX);
                left = left.saturating_sub(u64::from(*row));
            }
            match u32::try_from(left) {
                Ok(count @ 1..) => *last = count,
                _ => return Err(cursor.invalid(left)),
            }
        }
        if counts.next().is_some() { Err(cursor.invalid(0)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::block::{BlockBuilder, BlockEntry, check_group};
    use super::*;

    fn rows() -> impl Strategy<Value = Vec<CellRow>> {
        let count = prop_oneof![8 => Just(1_u32), 2 => 1..5_u32, 1 => 1..=u32::MAX];
        let row = (0..MONTH_DAYS, 0..700_u16, count).prop_map(|(day, country, count)| CellRow {
            day,
            country: country / (1 + country % 9),
            count,
        });
        prop::collection::vec(row, 1..12).prop_map(|mut rows| {
            rows.sort_unstable();
            rows
        })
    }

    fn built(cells: &[Vec<CellRow>]) -> (BlockEntry, Vec<u8>) {
        let mut block = BlockBuilder::default();
        for rows in cells {
            block.push_cell(rows.iter().map(|row| u64::from(row.count)).sum(), rows);
        }
        block.place_piece(&(0..cells.len() as u32).collect::<Vec<_>>());
        let mut bytes = Vec::new();
        let entry = block.seal(&mut Packer::new(), 0, &mut bytes);
        (entry, bytes)
    }

    fn read(
        entry: &BlockEntry,
        summary: &[u8],
        detail: &[u8],
        countries: usize,
    ) -> Result<BlockRows, FormatError> {
        let mut unpacker = Unpacker::new();
        let (mut s, mut d, mut rows) = (Summary::default(), Detail::default(), BlockRows::default());
        s.unpack(summary, entry.cells, &(0..entry.cells), &mut unpacker)?;
        s.unpack_excess(summary, entry.cells, &mut unpacker)?;
        d.unpack(detail, entry.rows, &mut unpacker)?;
        rows.expand(&s, &d, countries)?;
        Ok(rows)
    }

    proptest! {
        #[test]
        fn rows_are_read_back(cells in prop::collection::vec(rows(), 1..80)) {
            let (entry, bytes) = built(&cells);
            let (summary, detail) = bytes.split_at(entry.summary_bytes as usize);
            let summary = check_group("summary", summary, entry.summary_crc).unwrap();
            let detail = check_group("detail", detail, entry.detail_crc).unwrap();
            let back = read(&entry, summary, detail, 700).unwrap();
            let expected: Vec<CellRow> = cells.concat();
            let got: Vec<CellRow> = (0..expected.len())
                .map(|at| CellRow { day: back.days[at], country: back.countries[at], count: back.counts[at] })
                .collect();
            prop_assert_eq!(got, expected);
            let fan_outs: Vec<u32> = cells.iter().map(|rows| rows.len() as u32).collect();
            prop_assert_eq!(back.fan_outs, fan_outs);
            prop_assert!(read(&entry, summary, detail, 0).is_err());
        }

        #[test]
        fn damaged_columns_give_an_error_or_possible_rows(
            cells in prop::collection::vec(rows(), 1..30),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let (entry, mut bytes) = built(&cells);
            for (at, value) in flips {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let (summary, detail) = bytes.split_at((entry.summary_bytes as usize).min(bytes.len()));
            if let Ok(rows) = read(&entry, summary, detail, 700) {
                prop_assert!(rows.days.iter().all(|day| *day < MONTH_DAYS));
                prop_assert_eq!(rows.days.len(), rows.counts.len());
                let sum: u64 = rows.counts.iter().map(|count| u64::from(*count)).sum();
                prop_assert_eq!(sum, rows.totals.iter().sum::<u64>());
            }
        }
    }
}
