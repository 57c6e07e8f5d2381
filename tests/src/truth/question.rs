//! What is asked, in the plainest form, and the same as the engine takes it.

use heatgrid_engine::model::{
    CellSize, Country, DayRange, Device, Fixed, Kind, LayerSelection, ViewportRange, ViewportSet,
};
use heatgrid_engine::query::{Align, PagePattern, Pages, Selection, Step};

use super::Counter;

/// One question to a site.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    Grid(Ask, CellSize, Align),
    Series(Ask, Step),
    /// The whole list, read so many pages at a time.
    TopPages(Ask, usize),
    /// Likewise.
    PageList(Ask, usize),
    Summary(Ask),
    Scroll(Ask),
    Attention(Ask),
}

/// Which events a question is about.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) pages: AskPages,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) windows: AskWindows,
    pub(crate) fixed: Option<bool>,
    pub(crate) countries: Option<Vec<Country>>,
    pub(crate) days: DayRange,
}

#[derive(Clone, Debug)]
pub(crate) enum AskPages {
    All,
    One(String),
    Pattern(String),
}

#[derive(Clone, Debug)]
pub(crate) enum AskWindows {
    All,
    Devices(Vec<Device>),
    /// Widths in px, both ends in it.
    Px(u32, u32),
}

impl AskPages {
    pub(crate) fn matches(&self, page: &str) -> bool {
        match self {
            AskPages::All => true,
            AskPages::One(text) => text == page,
            AskPages::Pattern(pattern) => glob(pattern.as_bytes(), page.as_bytes()),
        }
    }
}

/// `*` is any run of bytes. Exponential, and plain.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|cut| glob(rest, &text[cut..])),
        Some((byte, rest)) => {
            text.split_first().is_some_and(|(first, text)| first == byte && glob(rest, text))
        }
    }
}

impl AskWindows {
    fn contains(&self, counter: &Counter) -> bool {
        match self {
            AskWindows::All => true,
            AskWindows::Devices(devices) => devices.contains(&counter.viewport.device()),
            AskWindows::Px(low, high) => {
                let class = |px: u32| (px / 64).min(40);
                let own = u32::from(counter.viewport.code());
                own <= 40 && class(*low) <= own && own <= class(*high)
            }
        }
    }
}

impl Ask {
    /// Whether it tells neither windows nor countries apart, which hour totals do not know.
    pub(super) fn is_of_hours(&self) -> bool {
        matches!(self.windows, AskWindows::All) && self.countries.is_none()
    }

    /// Whether a counter is asked for, by all but its kind and day.
    pub(super) fn selects(&self, counter: &Counter) -> bool {
        self.pages.matches(&counter.page)
            && self.windows.contains(counter)
            && self.fixed.is_none_or(|fixed| fixed == counter.fixed)
            && self.countries.as_ref().is_none_or(|countries| countries.contains(&counter.country))
    }

    pub(crate) fn selection(&self) -> Selection {
        Selection {
            pages: match &self.pages {
                AskPages::All => Pages::Site,
                AskPages::One(page) => Pages::Page(page.as_str().into()),
                AskPages::Pattern(text) => Pages::Matching(PagePattern::new(text).expect("a short pattern")),
            },
            layers: LayerSelection {
                kinds: self.kinds.iter().copied().collect(),
                viewports: match &self.windows {
                    AskWindows::All => ViewportSet::ALL,
                    AskWindows::Devices(devices) => ViewportSet::of_devices(devices.iter().copied()),
                    AskWindows::Px(low, high) => ViewportRange::of_px(*low, *high).into(),
                },
                fixed: match self.fixed {
                    None => Fixed::Any,
                    Some(false) => Fixed::No,
                    Some(true) => Fixed::Yes,
                },
            },
            countries: self.countries.as_ref().map(|countries| countries.iter().copied().collect()),
            days: self.days,
        }
    }
}

impl Question {
    pub(crate) fn ask(&self) -> &Ask {
        match self {
            Question::Grid(ask, ..)
            | Question::Series(ask, _)
            | Question::TopPages(ask, _)
            | Question::PageList(ask, _)
            | Question::Summary(ask)
            | Question::Scroll(ask)
            | Question::Attention(ask) => ask,
        }
    }
}
