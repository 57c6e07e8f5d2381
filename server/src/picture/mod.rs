//! Pictures of grids: PNG with a transparent background, to be laid over the page.
//!
//! A grid becomes a coarse map of heat (`heat`), which is blurred there and drawn finer; colours (`colour`) are a
//! palette of 256 steps that goes from nothing to the most. Memory and work are bounded by the picture's pixels and
//! the map's squares, however far a page reaches: what is larger is drawn at half the scale, or a quarter, and so on.

mod colour;
mod heat;
mod style;
#[cfg(test)]
mod tests;

use heatgrid_engine::model::Grid;

pub use self::colour::Colormap;
pub use self::style::{OPACITIES_PERCENT, RADII_PX, Style};

use self::heat::Heat;

/// Pixels of a picture: a page of 1,440 x 5,825 px at full scale. One byte each while it is drawn.
const PIXELS: u64 = 8 << 20;

/// A picture, and how large it is.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The PNG.
    pub png: Vec<u8>,
    /// CSS px along one side of a pixel: 1, 2, 4, ...
    pub px_per_pixel: u32,
}

/// Draws a grid. The picture's left upper corner is that of the page; it ends a radius behind the last cells. An
/// empty grid is one transparent pixel.
///
/// Where most events are, colour and opacity are full; the root of the blurred count says how much less it is
/// elsewhere, because a linear scale would leave nothing but the hottest spot to see.
#[must_use]
pub fn draw(grid: &Grid, style: &Style) -> Picture {
    let side_px = grid.size().px();
    let extent = |cells: u32| if grid.is_empty() { 1 } else { cells * side_px + style.radius_px() };
    let (width_px, height_px) = (extent(grid.width()), extent(grid.height()));
    let px_per_pixel = scale(width_px, height_px);
    let (width, height) = (width_px.div_ceil(px_per_pixel), height_px.div_ceil(px_per_pixel));
    let heat = Heat::of(grid, (width_px, height_px), style.radius_px());
    let mut pixels = Vec::with_capacity(width as usize * height as usize);
    heat.draw(width, height, px_per_pixel, &mut |heat| pixels.push(step(heat)));
    Picture { png: encode(width, height, &pixels, style), px_per_pixel }
}

/// The least power of two at which the picture has at most `PIXELS`.
fn scale(width_px: u32, height_px: u32) -> u32 {
    let pixels = |scale: u32| u64::from(width_px.div_ceil(scale)) * u64::from(height_px.div_ceil(scale));
    let mut scale = 1;
    while pixels(scale) > PIXELS {
        scale *= 2;
    }
    scale
}

/// The palette's step of a heat between 0 and 1.
fn step(heat: f32) -> u8 {
    // A cast of a float stops at the ends of u8.
    (heat.sqrt() * 255.0).round() as u8
}

fn encode(width: u32, height: u32, pixels: &[u8], style: &Style) -> Vec<u8> {
    let mut out = Vec::new();
    let (colours, alphas) = style.palette();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(colours);
    encoder.set_trns(alphas);
    encoder.set_compression(png::Compression::Fast);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(pixels)?;
        writer.finish()
    });
    written.expect("a buffer takes all bytes, and a picture has a byte for each pixel");
    out
}
