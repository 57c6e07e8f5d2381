//! A grid as a map of heat: counts spread over squares, blurred, and read between their middles.

use heatgrid_engine::model::{CELL_PX, Grid};

/// Squares of a map: 8 px each on a page of 1,440 x 46,000 px, and 4 MiB.
const SQUARES: u64 = 1 << 20;
/// Times that a box is moved over the map: three come close to a Gaussian, which has no corners.
const PASSES: usize = 3;

/// Heat by square; the greatest is 1, or all are 0.
pub(super) struct Heat {
    square_px: u32,
    width: usize,
    height: usize,
    squares: Vec<f32>,
}

impl Heat {
    /// The heat of a grid on an area of this many px, blurred by a radius in px.
    pub(super) fn of(grid: &Grid, (width_px, height_px): (u32, u32), radius_px: u32) -> Heat {
        let squares = |side: u32| u64::from(width_px.div_ceil(side)) * u64::from(height_px.div_ceil(side));
        let mut square_px = CELL_PX;
        while squares(square_px) > SQUARES {
            square_px *= 2;
        }
        let (width, height) = (width_px.div_ceil(square_px) as usize, height_px.div_ceil(square_px) as usize);
        let mut heat = Heat { square_px, width, height, squares: vec![0.0; width * height] };
        heat.add(grid);
        heat.blur(radius_px);
        heat.even_out();
        heat
    }

    /// Spreads each cell's count evenly over the squares that it covers.
    fn add(&mut self, grid: &Grid) {
        let side_px = grid.size().px();
        let across = (side_px / self.square_px).max(1);
        let share = (across * across) as f32;
        for cell in grid.cells() {
            let (left, top) = (cell.x * side_px / self.square_px, cell.y * side_px / self.square_px);
            let count = cell.count as f32 / share;
            for y in top..top + across {
                let row = y as usize * self.width;
                for x in left..left + across {
                    self.squares[row + x as usize] += count;
                }
            }
        }
    }

    /// Moves a box over rows, then over columns, three times: what was one point spreads over `radius_px`.
    fn blur(&mut self, radius_px: u32) {
        let radius = (radius_px / self.square_px) as usize;
        let mut blurred = vec![0.0; self.squares.len()];
        for pass in 0..PASSES {
            // Together they reach exactly as far as the radius.
            let reach = (radius + pass) / PASSES;
            for row in 0..self.height {
                let at = row * self.width;
                average(&self.squares[at..at + self.width], &mut blurred[at..at + self.width], reach);
            }
            self.average_columns(&blurred, reach);
        }
    }

    /// The same down the columns, row by row, so that memory is read in order.
    fn average_columns(&mut self, from: &[f32], reach: usize) {
        let width = self.width;
        let share = (2 * reach + 1) as f64;
        let mut sums = vec![0.0_f64; width];
        let row = |y: usize| &from[y * width..(y + 1) * width];
        for y in 0..reach.min(self.height) {
            sums.iter_mut().zip(row(y)).for_each(|(sum, heat)| *sum += f64::from(*heat));
        }
        for y in 0..self.height {
            if y + reach < self.height {
                sums.iter_mut().zip(row(y + reach)).for_each(|(sum, heat)| *sum += f64::from(*heat));
            }
            if y > reach {
                sums.iter_mut().zip(row(y - reach - 1)).for_each(|(sum, heat)| *sum -= f64::from(*heat));
            }
            let to = &mut self.squares[y * width..(y + 1) * width];
            to.iter_mut().zip(&sums).for_each(|(heat, sum)| *heat = (sum / share) as f32);
        }
    }

    fn even_out(&mut self) {
        let most = self.squares.iter().copied().fold(0.0, f32::max);
        if most > 0.0 {
            self.squares.iter_mut().for_each(|heat| *heat = (*heat / most).max(0.0));
        }
    }

    /// Gives the heat of each pixel, by rows, to `pixel`.
    pub(super) fn draw(&self, width: u32, height: u32, px_per_pixel: u32, pixel: &mut impl FnMut(f32)) {
        let pixels_a_square = self.square_px as f32 / px_per_pixel as f32;
        let columns: Vec<Between> = (0..width).map(|x| Between::of(x, pixels_a_square, self.width)).collect();
        let mut line = vec![0.0; self.width];
        for y in 0..height {
            let Between { low, high, share } = Between::of(y, pixels_a_square, self.height);
            let row = |y: usize| &self.squares[y * self.width..(y + 1) * self.width];
            let both = row(low).iter().zip(row(high));
            line.iter_mut().zip(both).for_each(|(heat, (low, high))| *heat = low + (high - low) * share);
            for Between { low, high, share } in &columns {
                pixel(line[*low] + (line[*high] - line[*low]) * share);
            }
        }
    }
}

/// Two squares beside each other, and how far between their middles a pixel is.
struct Between {
    low: usize,
    high: usize,
    share: f32,
}

impl Between {
    fn of(pixel: u32, pixels_a_square: f32, squares: usize) -> Between {
        let at = ((pixel as f32 + 0.5) / pixels_a_square - 0.5).clamp(0.0, (squares - 1) as f32);
        let low = at as usize;
        Between { low, high: (low + 1).min(squares - 1), share: at - low as f32 }
    }
}

/// The mean of each value and of `reach` to both sides; beyond the ends is nothing.
fn average(from: &[f32], to: &mut [f32], reach: usize) {
    let share = (2 * reach + 1) as f64;
    // A sum that others are taken from again: in f64 what is left of a large one is still exact for counts.
    let mut sum: f64 = from.iter().take(reach).map(|heat| f64::from(*heat)).sum();
    for at in 0..from.len() {
        sum += from.get(at + reach).copied().map_or(0.0, f64::from);
        if at > reach {
            sum -= f64::from(from[at - reach - 1]);
        }
        to[at] = (sum / share) as f32;
    }
}
