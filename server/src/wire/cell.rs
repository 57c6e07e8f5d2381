//! From a position as it is sent to a cell.

use heatgrid_engine::model::limits::{X_PX, Y_PX};
use heatgrid_engine::model::{Cell, Kind};

/// The cell of an event at `x`, `y` (CSS px); `None` when that is on no page. Kinds without a place are at the origin,
/// those with a depth alone at x = 0, whatever else is said.
#[must_use]
#[inline]
pub fn cell_of(kind: Kind, x: f64, y: f64) -> Option<Cell> {
    let (x, y) = match kind {
        Kind::View | Kind::Conversion => return Some(Cell::ORIGIN),
        Kind::Scroll | Kind::Attention | Kind::AttentionEnd => (0.0, y),
        _ => (x, y),
    };
    Cell::at_px(px(x, X_PX)?, px(y, Y_PX)?)
}

/// The whole px of a coordinate: 16,383.9 is in the last one, and minus zero is zero.
fn px(coordinate: f64, most: u32) -> Option<u32> {
    let inside = coordinate >= 0.0 && coordinate < f64::from(most) + 1.0;
    inside.then_some(coordinate as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, (x, y): (f64, f64), cell: Option<(u32, u32)>) {
        assert_eq!(cell_of(kind, x, y).map(|cell| (cell.x(), cell.y())), cell, "{kind} at {x}, {y}");
    }

    #[test]
    fn a_position_is_in_a_cell_or_on_no_page() {
        check(Kind::Click, (7.99, 8.0), Some((0, 1)));
        check(Kind::Click, (16_383.9, 262_143.9), Some((2_047, 32_767)));
        check(Kind::Click, (-0.0, 0.0), Some((0, 0)));
        for off in
            [(-0.1, 0.0), (0.0, -1.0), (16_384.0, 0.0), (0.0, 262_144.0), (1e300, 0.0), (f64::NAN, 0.0)]
        {
            check(Kind::Touch, off, None);
        }
    }

    #[test]
    fn what_has_no_place_is_at_the_origin_and_depths_are_at_the_left() {
        check(Kind::View, (-5.0, 1e9), Some((0, 0)));
        check(Kind::Conversion, (9.0, 9.0), Some((0, 0)));
        check(Kind::Scroll, (-5.0, 2_400.0), Some((0, 300)));
        check(Kind::AttentionEnd, (900.0, 16.0), Some((0, 2)));
        check(Kind::Attention, (0.0, -16.0), None);
    }
}
