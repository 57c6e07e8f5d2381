//! What can be asked.

use crate::model::{CellSize, CountrySet, Day, DayRange, LayerSelection, SiteScope, SiteSettings};

use super::PagePattern;

/// On whose behalf, by which rules, and on which day of the site's calendar a question is asked.
#[derive(Clone, Copy, Debug)]
pub struct SiteContext<'a> {
    /// The right to read the site.
    pub scope: SiteScope,
    /// Its retention, its hours, its rare countries.
    pub settings: &'a SiteSettings,
    /// Today, in the site's zone.
    pub today: Day,
}

/// Which pages of a site a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pages {
    /// All of them.
    Site,
    /// The one of exactly this text.
    Page(Box<str>),
    /// Those that match, at most `limits::PATTERN_PAGES` of them.
    Matching(PagePattern),
}

/// Which events a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// On which pages.
    pub pages: Pages,
    /// Of which layers. Conversions are stored by device: in its lowest viewport class.
    pub layers: LayerSelection,
    /// From which countries, after rare ones became `ZZ`; `None` is every one.
    pub countries: Option<CountrySet>,
    /// On which days of the site's calendar; at most `limits::QUERY_DAYS`.
    pub days: DayRange,
}

/// Asks for the cells of a page or of the pages of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridQuestion {
    /// Which events; `Pages::Site` is refused.
    pub selection: Selection,
    /// Side of the answered cells.
    pub cell: CellSize,
    /// How windows of different widths are laid over each other.
    pub align: Align,
}

/// How windows of different widths are laid over each other.
///
/// A viewport class stands for windows of its middle width (class 22: 1,440 px); conversions, of which only the
/// device is known, for windows of 416, 864 or 1,440 px. Events of unknown width are not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// x as it was.
    None,
    /// The middle of every window comes to the middle of one of `width_px`, for centred layouts.
    Center {
        /// CSS px, 1 to 16,384.
        width_px: u32,
    },
    /// Every window is stretched to `width_px`, for fluid layouts.
    Scale {
        /// CSS px, 1 to 16,384.
        width_px: u32,
    },
}

/// Length of a step of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// By hour of the site's wall clock, for the last `hourly_days`. Hour totals have neither viewport nor fixed nor
    /// country, so a question that selects by them is refused; as are conversion kinds.
    Hour,
    /// By day.
    Day,
    /// By month.
    Month,
}

/// Asks for counts over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesQuestion {
    /// Which events.
    pub selection: Selection,
    /// By hour, day or month.
    pub step: Step,
}

/// Asks for the pages with the most events, most first, pages of equal counts by text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopPagesQuestion {
    /// Which events.
    pub selection: Selection,
    /// How many pages at most; 1 to `limits::LIST_ITEMS`.
    pub limit: usize,
    /// The last page of the list before; the answer begins after it.
    pub after: Option<super::PageTotal>,
}

/// Asks for the pages that have events, by text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageListQuestion {
    /// Which events.
    pub selection: Selection,
    /// How many pages at most; 1 to `limits::LIST_ITEMS`.
    pub limit: usize,
    /// The last page of the list before; the answer begins after it.
    pub after: Option<Box<str>>,
}
