//! From the text of a question to what the engine can be asked: the same for HTTP and for the offline tools.

mod error;
mod written;

use std::ops::RangeInclusive;
use std::str::FromStr;

use heatgrid_engine::model::limits::LIST_ITEMS;
use heatgrid_engine::model::{
    CellSize, CountrySet, Day, DayRange, Device, Fixed, Kind, KindSet, LayerSelection, ViewportRange,
    ViewportSet,
};
use heatgrid_engine::query::{
    Align, GridQuestion, PagePattern, PageTotal, Pages, Selection, SeriesQuestion, Step, TopPagesQuestion,
};

pub use self::error::BadQuestion;
pub use self::written::{Written, asks_for_visitors};
use crate::picture::{OPACITIES_PERCENT, RADII_PX, Style};
use crate::privacy::pattern_text;
use crate::privacy::url::PageRules;
use crate::wire::format::Format;

/// Days asked for when none are named, today included.
const DEFAULT_DAYS: u32 = 30;
/// Pages answered when no limit is given.
const DEFAULT_PAGES: usize = 20;

/// Which question is asked: the last part of its path, and the verb of the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Cells.
    Grid,
    /// Counts over time.
    Series,
    /// Pages with the most events.
    Pages,
    /// Totals.
    Summary,
    /// Reach by depth.
    Scroll,
}

impl Route {
    /// The last part of its path.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Route::Grid => "grid",
            Route::Series => "series",
            Route::Pages => "pages",
            Route::Summary => "summary",
            Route::Scroll => "scroll",
        }
    }
}

impl Route {
    /// The forms that its answers have; the first is usual.
    #[must_use]
    pub fn forms(self) -> &'static [Format] {
        match self {
            Route::Grid => &Format::ALL,
            _ => &[Format::Json, Format::Csv, Format::Ndjson],
        }
    }
}

/// What a question leaves to the site it is asked of.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// How the site normalises the page that is asked for.
    pub rules: &'a PageRules,
    /// Today, in the site's zone.
    pub today: Day,
}

/// A grid, and the days it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridAsked {
    /// The grid.
    pub grid: GridQuestion,
    /// The same grid on other days.
    pub compare: Option<GridQuestion>,
}

/// Totals, each broken down by one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryAsked {
    /// Which events.
    pub selection: Selection,
    /// Which events by weekday and hour: hour totals know neither viewport nor country nor fixed, so they are of all
    /// of them, and are left out when the question selects by one.
    pub hours: Option<Selection>,
}

/// Names of the parameters that a route has.
#[must_use]
pub fn names(route: Route) -> Vec<&'static str> {
    const SELECTION: [&str; 9] =
        ["page", "page_pattern", "kind", "from", "to", "device", "viewport", "country", "fixed"];
    let (left_out, more): (&str, &[&str]) = match route {
        Route::Grid => (
            "",
            &[
                "cell",
                "align",
                "width",
                "compare_from",
                "compare_to",
                "format",
                "colormap",
                "radius",
                "opacity",
            ],
        ),
        Route::Series => ("", &["step", "format"]),
        Route::Pages => ("", &["limit", "cursor", "format"]),
        Route::Summary => ("", &["format"]),
        // Which kinds tell of depth is the engine's to know.
        Route::Scroll => ("kind", &["format"]),
    };
    SELECTION.into_iter().filter(|name| *name != left_out).chain(more.iter().copied()).collect()
}

impl Written {
    /// The form the answer is to have, if one was named.
    ///
    /// # Errors
    /// When there is no such form.
    pub fn format(&self) -> Result<Option<Format>, BadQuestion> {
        self.format
            .as_deref()
            .map(|format| parse("format", "json, csv, ndjson, png, points or bin", format))
            .transpose()
    }

    /// The question of a grid.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn grid(&self, asked: Asked<'_>) -> Result<GridAsked, BadQuestion> {
        self.only(&names(Route::Grid))?;
        let selection = self.selection(asked, Kind::Click.into())?;
        if selection.pages == Pages::Site {
            return Err(BadQuestion::Missing { name: "page", expected: "a URL, or use page_pattern" });
        }
        let grid = GridQuestion { selection, cell: self.cell()?, align: self.align()? };
        let compare = match (&self.compare_from, &self.compare_to) {
            (None, None) => None,
            (Some(from), Some(to)) => {
                let days = DayRange { from: day("compare_from", from)?, to: day("compare_to", to)? };
                let selection = Selection { days, ..grid.selection.clone() };
                Some(GridQuestion { selection, ..grid })
            }
            (Some(_), None) => return Err(BadQuestion::Missing { name: "compare_to", expected: DAY }),
            (None, Some(_)) => return Err(BadQuestion::Missing { name: "compare_from", expected: DAY }),
        };
        Ok(GridAsked { grid, compare })
    }

    /// The question of a series. By hour it is of all viewports, countries and fixed marks, unless it says otherwise;
    /// the engine then refuses it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn series(&self, asked: Asked<'_>) -> Result<SeriesQuestion, BadQuestion> {
        self.only(&names(Route::Series))?;
        let step = match self.step.as_deref() {
            None | Some("day") => Step::Day,
            Some("hour") => Step::Hour,
            Some("month") => Step::Month,
            Some(_) => return Err(BadQuestion::Value { name: "step", expected: "hour, day or month" }),
        };
        let mut selection = self.selection(asked, Kind::Click.into())?;
        if step == Step::Hour && self.fixed.is_none() {
            selection.layers.fixed = Fixed::Any;
        }
        Ok(SeriesQuestion { selection, step })
    }

    /// The question of the pages with the most events.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn pages(&self, asked: Asked<'_>) -> Result<TopPagesQuestion, BadQuestion> {
        self.only(&names(Route::Pages))?;
        let limit = match &self.limit {
            None => DEFAULT_PAGES,
            Some(limit) => within("limit", LIMITS, 1..=LIST_ITEMS, limit)?,
        };
        let after = self.cursor.as_deref().map(read_cursor).transpose()?;
        Ok(TopPagesQuestion { selection: self.selection(asked, Kind::Click.into())?, limit, after })
    }

    /// How a picture of a grid is to look.
    ///
    /// # Errors
    /// When there is no such colormap, or radius or opacity are out of range.
    pub fn style(&self) -> Result<Style, BadQuestion> {
        let standard = Style::default();
        let colormap = match &self.colormap {
            None => standard.colormap(),
            Some(name) => parse("colormap", COLORMAPS, name)?,
        };
        let radius_px = match &self.radius {
            None => standard.radius_px(),
            Some(radius) => within("radius", "8 to 256 (px)", RADII_PX, radius)?,
        };
        let opacity_percent = match &self.opacity {
            None => standard.opacity_percent(),
            Some(opacity) => within("opacity", "1 to 100 (percent)", OPACITIES_PERCENT, opacity)?,
        };
        Ok(Style::new(colormap, radius_px, opacity_percent))
    }

    /// Whether days are to be compared.
    #[must_use]
    pub fn compares(&self) -> bool {
        self.compare_from.is_some() || self.compare_to.is_some()
    }

    /// The question of totals; of every kind when none is named.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn summary(&self, asked: Asked<'_>) -> Result<SummaryAsked, BadQuestion> {
        self.only(&names(Route::Summary))?;
        let selection = self.selection(asked, KindSet::all())?;
        let selects = self.device.is_some() || self.viewport.is_some() || self.country.is_some();
        let hours = (!selects && self.fixed.as_deref().is_none_or(|fixed| fixed == "any")).then(|| {
            let layers = LayerSelection { fixed: Fixed::Any, ..selection.layers };
            Selection { layers, ..selection.clone() }
        });
        Ok(SummaryAsked { selection, hours })
    }

    /// The question of how far down pages were seen. Which kinds that takes is the engine's to know.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn scroll(&self, asked: Asked<'_>) -> Result<Selection, BadQuestion> {
        self.only(&names(Route::Scroll))?;
        self.selection(asked, Kind::Scroll.into())
    }

    fn selection(&self, asked: Asked<'_>, kinds: KindSet) -> Result<Selection, BadQuestion> {
        let pages = match (&self.page, &self.page_pattern) {
            (None, None) => Pages::Site,
            (Some(page), None) => Pages::Page(asked.rules.normalise_query_page(page)?.text.into()),
            (None, Some(pattern)) => Pages::Matching(PagePattern::new(&pattern_text(pattern))?),
            (Some(_), Some(_)) => return Err(BadQuestion::Both { one: "page", other: "page_pattern" }),
        };
        let kinds = match &self.kind {
            None => kinds,
            Some(kinds) => list("kind", KINDS, kinds)?,
        };
        let fixed = match self.fixed.as_deref() {
            None | Some("false") => Fixed::No,
            Some("true") => Fixed::Yes,
            Some("any") => Fixed::Any,
            Some(_) => return Err(BadQuestion::Value { name: "fixed", expected: "false, true or any" }),
        };
        let countries: Option<CountrySet> = self
            .country
            .as_ref()
            .map(|text| list("country", "two letters such as DE, with commas", text))
            .transpose()?;
        let layers = LayerSelection { kinds, viewports: self.viewports()?, fixed };
        Ok(Selection { pages, layers, countries, days: self.days(asked.today)? })
    }

    fn days(&self, today: Day) -> Result<DayRange, BadQuestion> {
        let to = self.to.as_ref().map(|to| day("to", to)).transpose()?;
        let from = self.from.as_ref().map(|from| day("from", from)).transpose()?;
        let to = to.unwrap_or(today.plus(1));
        Ok(DayRange { from: from.unwrap_or(to.minus(DEFAULT_DAYS)), to })
    }

    fn viewports(&self) -> Result<ViewportSet, BadQuestion> {
        let mut viewports = ViewportSet::ALL;
        if let Some(devices) = &self.device {
            let devices: Vec<Device> =
                list("device", "mobile, tablet, desktop or unknown, with commas", devices)?;
            viewports = viewports.intersect(ViewportSet::of_devices(devices));
        }
        if let Some(range) = &self.viewport {
            const EXPECTED: &str = "min-max in px, such as 320-767";
            let (low, high) =
                range.split_once('-').ok_or(BadQuestion::Value { name: "viewport", expected: EXPECTED })?;
            let (low, high) = (parse("viewport", EXPECTED, low)?, parse("viewport", EXPECTED, high)?);
            if low > high {
                return Err(BadQuestion::Value { name: "viewport", expected: EXPECTED });
            }
            viewports = viewports.intersect(ViewportRange::of_px(low, high).into());
        }
        Ok(viewports)
    }

    fn cell(&self) -> Result<CellSize, BadQuestion> {
        let bad = BadQuestion::Value { name: "cell", expected: "8, 16, 32 or 64" };
        match &self.cell {
            None => Ok(CellSize::STORED),
            Some(px) => px.parse().ok().and_then(CellSize::from_px).ok_or(bad),
        }
    }

    fn align(&self) -> Result<Align, BadQuestion> {
        let width = self.width.as_ref().map(|width| parse("width", "a width in px", width)).transpose()?;
        let needed = BadQuestion::Missing { name: "width", expected: "the width in px to align to" };
        match (self.align.as_deref(), width) {
            (None | Some("none"), None) => Ok(Align::None),
            (None | Some("none"), Some(_)) => Err(BadQuestion::NotHere { name: "width" }),
            (Some("center"), width) => Ok(Align::Center { width_px: width.ok_or(needed)? }),
            (Some("scale"), width) => Ok(Align::Scale { width_px: width.ok_or(needed)? }),
            (Some(_), _) => Err(BadQuestion::Value { name: "align", expected: "none, center or scale" }),
        }
    }
}

const LIMITS: &str = "a number of items, 1 to 10000";
const COLORMAPS: &str =
    "turbo, viridis, cividis, inferno, magma, plasma, warm, reds, oranges, blues or greys";
const DAY: &str = "a day between 1970-01-01 and 2149-06-06, as YYYY-MM-DD";
const KINDS: &str = "one or more of view, click, rage_click, dead_click, move, touch, scroll, attention, \
                     attention_end, conversion and converted_click, with commas";

fn day(name: &'static str, text: &str) -> Result<Day, BadQuestion> {
    parse(name, DAY, text)
}

fn parse<T: FromStr>(name: &'static str, expected: &'static str, text: &str) -> Result<T, BadQuestion> {
    text.trim().parse().map_err(|_| BadQuestion::Value { name, expected })
}

fn within<T: FromStr + PartialOrd>(
    name: &'static str,
    expected: &'static str,
    range: RangeInclusive<T>,
    text: &str,
) -> Result<T, BadQuestion> {
    let number = parse(name, expected, text)?;
    if range.contains(&number) { Ok(number) } else { Err(BadQuestion::Value { name, expected }) }
}

fn list<T: FromStr, C: FromIterator<T>>(
    name: &'static str,
    expected: &'static str,
    text: &str,
) -> Result<C, BadQuestion> {
    text.split(',').map(|item| parse(name, expected, item)).collect()
}

/// Where a list of pages goes on after `last`: opaque to clients, and without a page in plain text.
#[must_use]
pub fn cursor(last: &PageTotal) -> String {
    let mut text = format!("{:x}-", last.count);
    for byte in last.page.bytes() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn read_cursor(text: &str) -> Result<PageTotal, BadQuestion> {
    let read = || {
        let (count, page) = text.split_once('-')?;
        let bytes: Option<Vec<u8>> = page
            .as_bytes()
            .chunks(2)
            .map(|pair| match pair {
                [_, _] => u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok(),
                _ => None,
            })
            .collect();
        let page = String::from_utf8(bytes?).ok()?;
        Some(PageTotal { page: page.into(), count: u64::from_str_radix(count, 16).ok()? })
    };
    read().ok_or(BadQuestion::Value { name: "cursor", expected: "what a Link header gave" })
}

#[cfg(test)]
mod tests;
