//! Grids. `x`, `y`, `width` and `height` are in cells of the asked size.

use std::cmp::Ordering;

use heatgrid_engine::model::{Grid, GridCell};
use serde::ser::{Serialize, SerializeSeq, Serializer};

use utoipa::ToSchema;

use super::Head;
use super::text::{Csv, json_line, ndjson};
use crate::wire::format::{Format, NoSuchForm};

/// First bytes of the binary form.
pub const BIN_MAGIC: [u8; 4] = *b"hgg1";

/// A grid, perhaps beside the same one on other days.
#[derive(Clone, Debug)]
pub struct GridAnswer<'a> {
    /// What was asked.
    pub head: Head<'a>,
    /// The answer.
    pub grid: &'a Grid,
    /// The one it is compared with.
    pub compare: Option<&'a Grid>,
}

impl GridAnswer<'_> {
    /// The answer as bytes.
    ///
    /// # Errors
    /// When it is to be a picture: that is drawn elsewhere.
    pub fn write(&self, format: Format) -> Result<Vec<u8>, NoSuchForm> {
        match format {
            Format::Json => Ok(self.json()),
            Format::Csv => Ok(self.csv()),
            Format::Ndjson => Ok(ndjson(self.cells())),
            Format::Points => Ok(self.points()),
            Format::Bin => Ok(bin(self.grid)),
            Format::Png => Err(NoSuchForm(format)),
        }
    }

    fn json(&self) -> Vec<u8> {
        let (grid, compare) = (self.grid, self.compare);
        json_line(&GridBody {
            head: &self.head,
            cell_px: grid.size().px(),
            width: grid.width().max(compare.map_or(0, Grid::width)),
            height: grid.height().max(compare.map_or(0, Grid::height)),
            total: grid.total(),
            max: grid.max(),
            outside: grid.outside(),
            compare_total: compare.map(Grid::total),
            compare_max: compare.map(Grid::max),
            cells: Cells(self),
        })
    }

    fn csv(&self) -> Vec<u8> {
        let compares = self.compare.is_some();
        let mut csv =
            Csv::with_header(if compares { "cell_x,cell_y,count,compare" } else { "cell_x,cell_y,count" });
        for cell in self.cells() {
            csv.number(cell.x).number(cell.y).number(cell.count);
            if compares {
                csv.number(cell.compare);
            }
            csv.end();
        }
        csv.into_bytes()
    }

    /// heatmap.js places points by px; a cell's is its middle.
    fn points(&self) -> Vec<u8> {
        #[derive(serde::Serialize)]
        struct Point {
            x: u32,
            y: u32,
            value: u64,
        }
        #[derive(serde::Serialize)]
        struct Points {
            max: u64,
            data: Vec<Point>,
        }
        let side = self.grid.size().px();
        let middle = |cell: u32| cell * side + side / 2;
        let point = |cell: GridCell| Point { x: middle(cell.x), y: middle(cell.y), value: cell.count };
        json_line(&Points { max: self.grid.max(), data: self.grid.cells().map(point).collect() })
    }

    /// The cells of both grids, by x, then y.
    fn cells(&self) -> impl Iterator<Item = CellJson> {
        let compares = self.compare.is_some();
        let mut left = self.grid.cells().peekable();
        let mut right = self.compare.into_iter().flat_map(Grid::cells).peekable();
        std::iter::from_fn(move || {
            let place = |cell: &GridCell| (cell.x, cell.y);
            let order = match (left.peek(), right.peek()) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(left), Some(right)) => place(left).cmp(&place(right)),
            };
            let now = if order.is_le() { left.next() } else { None };
            let then = if order.is_ge() { right.next() } else { None };
            let count = |cell: Option<GridCell>| cell.map_or(0, |cell| cell.count);
            let GridCell { x, y, .. } = now.or(then)?;
            Some(CellJson { x, y, count: count(now), compare: compares.then(|| count(then)) })
        })
    }
}

/// Little-endian: magic, cell side in px, width, height, number of cells (u32 each), total and max (u64 each), then
/// the column of cells (u32: `x << 15 | y`), then that of counts: u32 where max is below 2^32, else u64.
fn bin(grid: &Grid) -> Vec<u8> {
    let (codes, counts) = grid.columns();
    let narrow = u32::try_from(grid.max()).is_ok();
    let mut out = Vec::with_capacity(36 + codes.len() * if narrow { 8 } else { 12 });
    out.extend(BIN_MAGIC);
    // A grid has at most 2^26 cells.
    for word in [grid.size().px(), grid.width(), grid.height(), codes.len() as u32] {
        out.extend(word.to_le_bytes());
    }
    out.extend(grid.total().to_le_bytes());
    out.extend(grid.max().to_le_bytes());
    out.extend(codes.iter().flat_map(|code| code.to_le_bytes()));
    match narrow {
        true => out.extend(counts.iter().flat_map(|count| (*count as u32).to_le_bytes())),
        false => out.extend(counts.iter().flat_map(|count| count.to_le_bytes())),
    }
    out
}

/// A grid as JSON.
#[derive(serde::Serialize, ToSchema)]
#[schema(as = Grid)]
pub struct GridBody<'a> {
    #[serde(flatten)]
    head: &'a Head<'a>,
    cell_px: u32,
    width: u32,
    height: u32,
    total: u64,
    max: u64,
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    outside: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compare_total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compare_max: Option<u64>,
    #[schema(value_type = Vec<Vec<u64>>)]
    cells: Cells<'a>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(serde::Serialize)]
struct CellJson {
    x: u32,
    y: u32,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    compare: Option<u64>,
}

/// `[x,y,count]`, or with a comparison `[x,y,count,count then]`.
struct Cells<'a>(&'a GridAnswer<'a>);

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut cells = serializer.serialize_seq(None)?;
        for CellJson { x, y, count, compare } in self.0.cells() {
            match compare {
                None => cells.serialize_element(&(x, y, count))?,
                Some(compare) => cells.serialize_element(&(x, y, count, compare))?,
            }
        }
        cells.end()
    }
}
