use heatgrid_engine::model::{Cell, CellSize};

use super::*;

fn grid(side_px: u32, cells: &[(u32, u32, u64)]) -> Grid {
    let codes = cells.iter().map(|(x, y, _)| x << Cell::ROW_BITS | y).collect();
    Grid::new(CellSize::from_px(side_px).unwrap(), codes, cells.iter().map(|cell| cell.2).collect(), 0)
}

/// A picture, decoded: red, green, blue and opacity of each pixel.
struct Seen {
    width: u32,
    height: u32,
    pixels: Vec<[u8; 4]>,
}

impl Seen {
    fn of(picture: &Picture) -> Seen {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(&picture.png));
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgba);
        let pixels = bytes.as_chunks::<4>().0.to_vec();
        Seen { width: info.width, height: info.height, pixels }
    }

    fn at(&self, x: u32, y: u32) -> [u8; 4] {
        self.pixels[y as usize * self.width as usize + x as usize]
    }
}

fn seen(grid: &Grid, style: &Style) -> Seen {
    Seen::of(&draw(grid, style))
}

#[test]
fn one_spot_is_hottest_in_its_middle_round_and_gone_at_its_radius() {
    let style = Style::new(Colormap::Turbo, 48, 100);
    let seen = seen(&grid(8, &[(20, 20, 3)]), &style);
    assert_eq!((seen.width, seen.height), (21 * 8 + 48, 21 * 8 + 48));
    let (x, y) = (20 * 8 + 4, 20 * 8 + 4);
    let hottest = style.palette().0[255 * 3..].to_vec();
    assert_eq!(seen.at(x, y)[..3], hottest);
    assert_eq!(seen.at(x, y)[3], 255);
    for away in [8, 16, 24, 44] {
        let sides = [(x + away, y), (x - away - 1, y), (x, y + away), (x, y - away - 1)];
        let opacities = sides.map(|(x, y)| seen.at(x, y)[3]);
        assert!(opacities.iter().all(|opacity| *opacity == opacities[0]), "{away}: {opacities:?}");
        assert!(opacities[0] < 255 || away < 44, "{away}: {opacities:?}");
    }
    assert!(seen.at(x + 40, y)[3] > seen.at(x + 46, y)[3]);
    for (x, y) in [(0, 0), (x - 60, y), (x, y - 60), (0, 215)] {
        assert_eq!(seen.at(x, y)[3], 0, "{x},{y} is background");
    }
}

#[test]
fn more_events_are_hotter_and_opacity_scales_them_all() {
    let cells = [(5, 5, 1), (5, 60, 25), (60, 5, 100), (60, 60, 100)];
    let half = seen(&grid(8, &cells), &Style::new(Colormap::Reds, 16, 50));
    let full = seen(&grid(8, &cells), &Style::new(Colormap::Reds, 16, 100));
    let opacity = |seen: &Seen, (x, y, _): (u32, u32, u64)| seen.at(x * 8 + 4, y * 8 + 4)[3];
    let [few, some, many, same] = cells.map(|cell| opacity(&full, cell));
    assert!(few < some && some <= many && many == same, "{few} {some} {many} {same}");
    assert_eq!((many, opacity(&half, cells[2])), (255, 128));
    assert!(opacity(&half, cells[0]) < few);
}

#[test]
fn larger_cells_are_as_warm_as_what_they_hold() {
    let style = Style::default();
    let fine: Vec<_> = (8..16).flat_map(|x| (8..16).map(move |y| (x, y, 1))).collect();
    let fine = seen(&grid(8, &fine), &style);
    let coarse = seen(&grid(64, &[(1, 1, 64)]), &style);
    assert_eq!((fine.width, fine.height), (coarse.width, coarse.height));
    assert_eq!(fine.pixels, coarse.pixels);
}

#[test]
fn an_empty_grid_is_a_transparent_pixel() {
    let seen = seen(&Grid::empty(CellSize::STORED), &Style::default());
    assert_eq!((seen.width, seen.height, seen.at(0, 0)[3]), (1, 1, 0));
}

#[test]
fn a_picture_of_the_farthest_cells_is_bounded() {
    let grid = grid(8, &[(0, 0, u64::MAX / 2), (Cell::COLUMNS - 1, Cell::ROWS - 1, u64::MAX / 2)]);
    let picture = draw(&grid, &Style::new(Colormap::Greys, 256, 100));
    let seen = Seen::of(&picture);
    assert_eq!(picture.px_per_pixel, 32);
    assert!(u64::from(seen.width) * u64::from(seen.height) <= PIXELS);
    assert!(picture.png.len() < 1 << 20, "{} bytes of almost nothing", picture.png.len());
    assert!(seen.at(0, 0)[3] > 128 && seen.at(300, 300)[3] == 0);
}

#[test]
fn every_colormap_has_a_name_and_colours_of_its_own() {
    let mut all = std::collections::HashSet::new();
    for colormap in Colormap::ALL {
        assert_eq!(colormap.name().parse(), Ok(*colormap));
        assert!(all.insert(colormap.colours()), "{colormap:?}");
        assert_eq!(colormap.colours().len(), 3 * 256);
    }
    assert_eq!("jet".parse::<Colormap>(), Err(colour::UnknownColormap));
}

#[test]
fn http_md_lists_every_colormap() {
    let text = include_str!("../../../docs/HTTP.md");
    for colormap in Colormap::ALL {
        assert!(text.contains(&format!("\n| `{}` |", colormap.name())), "{}", colormap.name());
    }
}
