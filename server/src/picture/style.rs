//! How a picture looks.

use std::ops::RangeInclusive;

use super::Colormap;

/// Radii of a spot in CSS px: from one cell to a spot that hides a phone's page.
pub const RADII_PX: RangeInclusive<u32> = 8..=256;
/// Opacities of the hottest spot, in percent.
pub const OPACITIES_PERCENT: RangeInclusive<u32> = 1..=100;
/// Steps of the palette over which a picture goes from transparent to its full opacity.
const FADE_STEPS: f32 = 96.0;

/// How a picture looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    colormap: Colormap,
    radius_px: u32,
    opacity_percent: u32,
}

impl Style {
    /// Colours, radius of a spot in CSS px, and opacity of the hottest one in percent.
    ///
    /// # Panics
    /// When radius or opacity is not one of those above.
    #[must_use]
    pub fn new(colormap: Colormap, radius_px: u32, opacity_percent: u32) -> Style {
        assert!(RADII_PX.contains(&radius_px) && OPACITIES_PERCENT.contains(&opacity_percent));
        Style { colormap, radius_px, opacity_percent }
    }

    /// Its colours.
    #[must_use]
    pub fn colormap(&self) -> Colormap {
        self.colormap
    }

    /// Opacity of the hottest spot, in percent.
    #[must_use]
    pub fn opacity_percent(&self) -> u32 {
        self.opacity_percent
    }

    /// How far an event's spot reaches, in CSS px.
    #[must_use]
    pub fn radius_px(&self) -> u32 {
        self.radius_px
    }

    /// Colours and opacities of the 256 steps from nothing to the most. The first is nothing at all.
    pub(super) fn palette(&self) -> (Vec<u8>, Vec<u8>) {
        let full = self.opacity_percent as f32 * 2.55;
        let alpha = |step: u8| {
            let share = (f32::from(step) / FADE_STEPS).min(1.0);
            // Smooth at both ends, so that no edge shows where a spot begins.
            (full * share * share * (3.0 - 2.0 * share)).round() as u8
        };
        (self.colormap.colours(), (0..=255).map(alpha).collect())
    }
}

impl Default for Style {
    fn default() -> Style {
        Style::new(Colormap::Turbo, 32, 80)
    }
}
