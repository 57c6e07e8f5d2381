//! From stored cells to the cells of the picture: windows aligned, cells made coarser.

use super::{Align, InvalidQuestion};
use crate::model::limits::X_PX;
use crate::model::{CELL_PX, Cell, CellSize, Device, Layer, Viewport};

/// Marks a column that is moved out of the picture.
const OUTSIDE: u16 = u16::MAX;

/// Maps cell codes of layers to those of the answer.
pub(super) struct Projection {
    cell: CellSize,
    align: Align,
    /// The columns of the class that was mapped last: cells come layer by layer.
    columns: Option<(Viewport, Box<[u16]>)>,
    codes: Vec<u32>,
    counts: Vec<u64>,
    /// Events that were moved out of the picture.
    outside: u64,
}

impl Projection {
    /// Onto cells of a size.
    ///
    /// # Errors
    /// When the width to align to is out of range.
    pub(super) fn new(cell: CellSize, align: Align) -> Result<Projection, InvalidQuestion> {
        if let Align::Center { width_px } | Align::Scale { width_px } = align
            && (width_px == 0 || width_px > X_PX + 1)
        {
            return Err(InvalidQuestion::Width { width_px });
        }
        Ok(Projection { cell, align, columns: None, codes: Vec::new(), counts: Vec::new(), outside: 0 })
    }

    /// Whether cells stay where they are, and so in order.
    pub(super) fn is_identity(&self) -> bool {
        self.cell == CellSize::STORED && self.align == Align::None
    }

    /// Gives cells of a layer to `f` as cells of the answer; their order changes, and codes repeat.
    pub(super) fn map(
        &mut self,
        layer: Layer,
        codes: &[u32],
        counts: &[u64],
        f: &mut impl FnMut(&[u32], &[u64]),
    ) {
        if self.is_identity() {
            return f(codes, counts);
        }
        let shift = self.cell.shift();
        let row = |code: u32| (code & (Cell::ROWS - 1)) >> shift;
        self.codes.clear();
        let Some((class, width_px)) = self.moves(layer) else {
            let column = |code: u32| code >> Cell::ROW_BITS >> shift;
            self.codes.extend(codes.iter().map(|code| column(*code) << Cell::ROW_BITS | row(*code)));
            return f(&self.codes, counts);
        };
        let (align, cell) = (self.align, self.cell);
        let fresh = || (class, columns(class, width_px, align, cell));
        let known = self.columns.take().filter(|(of, _)| *of == class).unwrap_or_else(fresh);
        self.counts.clear();
        for (code, count) in codes.iter().zip(counts) {
            match known.1[(code >> Cell::ROW_BITS) as usize] {
                OUTSIDE => self.outside = self.outside.saturating_add(*count),
                column => {
                    self.codes.push(u32::from(column) << Cell::ROW_BITS | row(*code));
                    self.counts.push(*count);
                }
            }
        }
        self.columns = Some(known);
        f(&self.codes, &self.counts);
    }

    /// The class that a layer's windows are taken for and the width they are brought to; `None` when they stay.
    fn moves(&self, layer: Layer) -> Option<(Viewport, u32)> {
        let width_px = match self.align {
            Align::None => return None,
            Align::Center { width_px } | Align::Scale { width_px } => width_px,
        };
        let class = nominal_class(layer);
        (class != Viewport::UNKNOWN).then_some((class, width_px))
    }

    /// Events that were moved out of the picture so far.
    pub(super) fn outside(&self) -> u64 {
        self.outside
    }
}

/// The class whose middle a layer's windows are taken for: their own, or, of conversions, which are stored in the
/// lowest class of their device, a usual one of the device.
fn nominal_class(layer: Layer) -> Viewport {
    let class = layer.viewport();
    match layer.kind().is_conversion() {
        true => Viewport::of_px(match class.device() {
            Device::Mobile => 390,
            Device::Tablet => 834,
            Device::Desktop => 1_440,
            Device::Unknown => 0,
        }),
        false => class,
    }
}

/// By stored column, the column of the answer.
fn columns(class: Viewport, width_px: u32, align: Align, cell: CellSize) -> Box<[u16]> {
    let window_px =
        i64::from(class.code()) * i64::from(Viewport::CLASS_PX) + i64::from(Viewport::CLASS_PX) / 2;
    let width_px = i64::from(width_px);
    let column = |x: u32| {
        // A cell goes where its middle goes.
        let middle_px = i64::from(x * CELL_PX + CELL_PX / 2);
        let moved_px = match align {
            Align::None => middle_px,
            Align::Center { .. } => middle_px + (width_px - window_px).div_euclid(2),
            Align::Scale { .. } => middle_px * width_px / window_px,
        };
        let last_px = i64::from(X_PX);
        // At most 2,047, so nothing is lost and OUTSIDE is no column.
        if (0..=last_px).contains(&moved_px) { (moved_px / i64::from(cell.px())) as u16 } else { OUTSIDE }
    };
    (0..Cell::COLUMNS).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    fn layer(kind: Kind, width_px: u32) -> Layer {
        Layer::new(kind, Viewport::of_px(width_px), false)
    }

    /// Maps one event at (x, y) px; says the cell it comes to.
    fn mapped(cell_px: u32, align: Align, layer: Layer, x: u32, y: u32) -> Option<(u32, u32)> {
        let mut projection = Projection::new(CellSize::from_px(cell_px).unwrap(), align).unwrap();
        let code = Cell::at_px(x, y).unwrap().code();
        let mut at = None;
        projection.map(layer, &[code], &[3], &mut |codes, counts| {
            assert_eq!(codes.len(), counts.len());
            at = codes.first().map(|code| (code >> 15, code & 0x7fff));
        });
        assert_eq!(projection.outside(), if at.is_some() { 0 } else { 3 });
        at
    }

    #[test]
    fn windows_are_laid_over_each_other() {
        let (center, scale) = (Align::Center { width_px: 1_000 }, Align::Scale { width_px: 720 });
        let (desktop, phone) = (layer(Kind::Click, 1_440), layer(Kind::Click, 390));
        for (cell_px, align, layer, x, y, expected) in [
            (8, Align::None, desktop, 17, 262_143, Some((2, 32_767))),
            (64, Align::None, desktop, 16_383, 262_143, Some((255, 4_095))),
            (16, Align::None, layer(Kind::Click, 0), 17, 33, Some((1, 2))),
            // The middle of the window comes to the middle of the picture.
            (8, center, desktop, 720, 80, Some((63, 10))),
            (8, center, desktop, 215, 80, None),
            (8, center, desktop, 220, 80, Some((0, 10))),
            (8, scale, desktop, 720, 80, Some((45, 10))),
            (32, scale, desktop, 1_439, 80, Some((22, 2))),
            (8, Align::Scale { width_px: 16_384 }, phone, 9_000, 0, None),
            // A conversion is stored as the lowest class of its device, but was not made in such a window.
            (8, scale, layer(Kind::ConvertedClick, 1_024), 720, 80, Some((45, 10))),
            (8, scale, layer(Kind::Click, 0), 720, 80, Some((90, 10))),
        ] {
            assert_eq!(mapped(cell_px, align, layer, x, y), expected, "{cell_px} {align:?} {layer:?} {x}");
        }
    }

    #[test]
    fn widths_are_bounded() {
        for width_px in [0, 16_385] {
            let refused = Projection::new(CellSize::STORED, Align::Scale { width_px }).err();
            assert_eq!(refused, Some(InvalidQuestion::Width { width_px }));
        }
    }
}
