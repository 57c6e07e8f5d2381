//! Grids: what a heatmap question is answered with.

use super::{Cell, CellSize};

/// Cells of one or several pages, summed over the asked layers, days and countries.
///
/// Only cells with events are in it, sorted by x, then y; both are in cells of `size`. Held as two columns of 4 and
/// 8 bytes a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    size: CellSize,
    codes: Vec<u32>,
    counts: Vec<u64>,
    width: u32,
    height: u32,
    total: u64,
    max: u64,
    outside: u64,
}

/// One cell of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GridCell {
    /// Column, in cells of the grid's size.
    pub x: u32,
    /// Row, in cells of the grid's size.
    pub y: u32,
    /// Events; at least 1.
    pub count: u64,
}

impl Grid {
    /// A grid of cell codes (`x << 15 | y`, ascending, none twice) and the count of each (none 0). `outside` are
    /// events that an alignment moved out of the picture.
    ///
    /// # Panics
    /// When the columns have different lengths.
    #[must_use]
    pub fn new(size: CellSize, codes: Vec<u32>, counts: Vec<u64>, outside: u64) -> Grid {
        assert_eq!(codes.len(), counts.len(), "a count for each cell");
        debug_assert!(codes.is_sorted_by(|a, b| a < b) && counts.iter().all(|count| *count > 0));
        let end = |code: Option<u32>, of: fn(Cell) -> u32| {
            code.and_then(Cell::from_code).map_or(0, |cell| of(cell) + 1)
        };
        // There may be a million cells: each of these passes takes several at a time.
        let bits = counts.iter().fold(0, |bits, count| bits | count);
        let sum = counts.iter().fold(0, |sum: u64, count| sum.wrapping_add(*count));
        let max = match i32::try_from(bits) {
            // Every processor compares several of 32 bits at a time, but not of 64.
            Ok(_) => counts.iter().fold(0, |max, count| max.max(*count as i32)) as u64,
            Err(_) => counts.iter().copied().max().unwrap_or(0),
        };
        // The rows' end is the greatest y, which does not depend on the column: its bits are the code's lowest.
        let lowest = codes.iter().fold(0, |lowest, code| lowest.max((code & (Cell::ROWS - 1)) as i32)) as u32;
        // Counts below 2^38 of at most 2^26 cells have not wrapped.
        let total = match bits >> (u64::BITS - Cell::CODES.ilog2()) {
            0 => sum,
            _ => counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count)),
        };
        Grid {
            size,
            width: end(codes.last().copied(), Cell::x),
            height: end(codes.last().map(|_| lowest), Cell::y),
            total,
            max,
            outside,
            codes,
            counts,
        }
    }

    /// A grid without events.
    #[must_use]
    pub fn empty(size: CellSize) -> Grid {
        Grid::new(size, Vec::new(), Vec::new(), 0)
    }

    /// Side of its cells.
    #[must_use]
    pub fn size(&self) -> CellSize {
        self.size
    }

    /// Columns up to the last one with events.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows up to the last one with events.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Sum of its cells.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Greatest count of a cell; 0 of an empty grid.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.max
    }

    /// Events that are not in its cells, because the alignment moved them out of the picture.
    #[must_use]
    pub fn outside(&self) -> u64 {
        self.outside
    }

    /// Number of cells with events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether no cell has events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Its cells, by x, then y.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = GridCell> + '_ {
        self.codes.iter().zip(&self.counts).map(|(code, count)| GridCell {
            x: code >> Cell::ROW_BITS,
            y: code & (Cell::ROWS - 1),
            count: *count,
        })
    }

    /// Its columns: cell codes (`x << 15 | y`), and their counts.
    #[must_use]
    pub fn columns(&self) -> (&[u32], &[u64]) {
        (&self.codes, &self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_knows_its_extent_total_and_greatest_cell() {
        let code = |x: u32, y: u32| x << 15 | y;
        let grid = Grid::new(CellSize::STORED, vec![code(1, 9), code(4, 2)], vec![3, u64::MAX / 2], 7);
        assert_eq!((grid.width(), grid.height(), grid.max()), (5, 10, u64::MAX / 2));
        assert_eq!((grid.total(), grid.outside(), grid.len()), (u64::MAX / 2 + 3, 7, 2));
        let cells: Vec<_> = grid.cells().map(|cell| (cell.x, cell.y, cell.count)).collect();
        assert_eq!(cells, [(1, 9, 3), (4, 2, u64::MAX / 2)]);
        let empty = Grid::empty(CellSize::STORED);
        assert_eq!((empty.width(), empty.height(), empty.total(), empty.max()), (0, 0, 0, 0));
    }
}
