//! All rows of a block, cell by cell.

use super::Detail;
use crate::format::columns::Unpacker;
use crate::format::frame::{Cursor, FormatError};
use crate::format::summary::Summary;

/// The detail rows of a whole block, ordered by cell and day, one slice per column.
#[derive(Debug, Default)]
pub struct BlockRows {
    /// Number of detail rows of each cell.
    pub fan_outs: Vec<u32>,
    /// Day of the month of each row.
    pub days: Vec<u8>,
    /// Index of the country of each row.
    pub countries: Vec<u16>,
    /// Count of each row.
    pub counts: Vec<u32>,
    /// Number of the first row of each cell.
    starts: Vec<u32>,
    totals: Vec<u64>,
    /// As they stand in the file.
    by_run: Vec<RunRow>,
}

/// A row of a run.
#[derive(Debug)]
struct RunRow {
    cell: u32,
    count: u32,
    country: u16,
    day: u8,
}

impl BlockRows {
    /// Puts the `rows` rows of a block in place of what was here. `detail` was opened, `columns` are its, and
    /// `summary` has all cells of the block.
    ///
    /// # Errors
    /// When the columns contradict each other or the summary.
    pub fn expand(
        &mut self,
        summary: &Summary,
        detail: &mut Detail,
        columns: &[u8],
        rows: u32,
        unpacker: &mut Unpacker,
    ) -> Result<(), FormatError> {
        summary.totals(0).read(usize::MAX, &mut self.totals);
        self.fan_outs.clear();
        self.fan_outs.resize(self.totals.len(), 0);
        self.by_run.clear();
        let BlockRows { fan_outs, totals, by_run, .. } = self;
        detail.read(columns, |_| true, unpacker, &mut |run, cells, counts| {
            for (cell, count) in cells.iter().zip(counts) {
                if let (Some(fan_out), Some(left)) =
                    (fan_outs.get_mut(*cell as usize), totals.get_mut(*cell as usize))
                {
                    *fan_out = fan_out.saturating_add(1);
                    *left = left.wrapping_sub(u64::from(*count));
                }
                by_run.push(RunRow { cell: *cell, count: *count, country: run.country, day: run.day });
            }
        })?;
        let cursor = Cursor::new("detail", &[]);
        if by_run.len() != rows as usize {
            return Err(cursor.invalid(by_run.len() as u64));
        }
        // Of each cell nothing may be left, and no row may be missing: a total is at least 1.
        if let Some(left) = totals.iter().find(|left| **left != 0) {
            return Err(cursor.invalid(*left));
        }
        self.sort_by_cell();
        Ok(())
    }

    /// Puts every row where its cell's are. Rows come by day, and stay so within a cell.
    fn sort_by_cell(&mut self) {
        let rows = self.by_run.len();
        let mut next = 0_u32;
        self.starts.clear();
        self.starts.extend(self.fan_outs.iter().map(|fan_out| {
            let start = next;
            next = next.saturating_add(*fan_out);
            start
        }));
        self.days.resize(rows, 0);
        self.countries.resize(rows, 0);
        self.counts.resize(rows, 0);
        for row in &self.by_run {
            let Some(next) = self.starts.get_mut(row.cell as usize) else { continue };
            let at = *next as usize;
            *next = next.saturating_add(1);
            if let (Some(day), Some(country), Some(count)) =
                (self.days.get_mut(at), self.countries.get_mut(at), self.counts.get_mut(at))
            {
                (*day, *country, *count) = (row.day, row.country, row.count);
            }
        }
        for (start, fan_out) in self.starts.iter_mut().zip(&self.fan_outs) {
            *start = start.saturating_sub(*fan_out);
        }
    }

    /// Number of the first row of a cell; of all rows, past the last cell.
    #[must_use]
    pub fn first_row(&self, cell: u32) -> usize {
        self.starts.get(cell as usize).map_or(self.counts.len(), |start| *start as usize)
    }
}
