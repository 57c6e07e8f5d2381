//! Cells: squares of 8 x 8 CSS px, the unit of place.

use super::limits::{X_PX, Y_PX};

/// Side of a cell in CSS px.
pub const CELL_PX: u32 = 8;

/// One 8 x 8 px square of a page. Ordered by x, then y: the order of every grid and of every file.
///
/// `x` is 0 to 2,047 and `y` 0 to 32,767, in cells; packed as `x << 15 | y` in 26 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(u32);

impl Cell {
    /// Number of distinct cell codes: every code is below it.
    pub const CODES: u32 = 1 << 26;
    /// Bits of a row in a cell's code.
    pub const ROW_BITS: u32 = 15;
    /// Number of rows: every y is below it.
    pub const ROWS: u32 = 1 << Self::ROW_BITS;
    /// Number of columns: every x is below it.
    pub const COLUMNS: u32 = Self::CODES >> Self::ROW_BITS;
    /// The cell at (0, 0), where views and conversions are counted.
    pub const ORIGIN: Cell = Cell(0);

    /// The cell that holds a position in CSS px, or `None` beyond the limits.
    #[must_use]
    pub fn at_px(x: u32, y: u32) -> Option<Cell> {
        (x <= X_PX && y <= Y_PX).then_some(Cell((x / CELL_PX) << 15 | (y / CELL_PX)))
    }

    /// The cell of a code as stored, or `None` if no cell has it.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Cell> {
        (code < Self::CODES).then_some(Cell(code))
    }

    /// The code as stored: `x << 15 | y`.
    #[must_use]
    pub fn code(self) -> u32 {
        self.0
    }

    /// Column, in cells.
    #[must_use]
    pub fn x(self) -> u32 {
        self.0 >> 15
    }

    /// Row, in cells.
    #[must_use]
    pub fn y(self) -> u32 {
        self.0 & 0x7fff
    }
}

/// Side of an answered cell: 8, 16, 32 or 64 px, as the shift from a stored cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellSize(u8);

impl CellSize {
    /// Stored cells, 8 px.
    pub const STORED: CellSize = CellSize(0);

    /// From px; `None` unless 8, 16, 32 or 64.
    #[must_use]
    pub fn from_px(px: u32) -> Option<CellSize> {
        match px {
            8 => Some(CellSize(0)),
            16 => Some(CellSize(1)),
            32 => Some(CellSize(2)),
            64 => Some(CellSize(3)),
            _ => None,
        }
    }

    /// Side in px.
    #[must_use]
    pub fn px(self) -> u32 {
        CELL_PX << self.0
    }

    /// How many bits a stored coordinate is shifted right.
    #[must_use]
    pub fn shift(self) -> u32 {
        u32::from(self.0)
    }
}
