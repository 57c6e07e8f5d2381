//! Which layers a question is about.

use super::{Device, KindSet, Layer, Viewport, ViewportRange};

/// A set of viewport classes, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewportSet(u64);

impl ViewportSet {
    /// Every class, unknown too.
    pub const ALL: ViewportSet = ViewportSet((1 << (Viewport::UNKNOWN_CODE + 1)) - 1);
    /// No class.
    pub const NONE: ViewportSet = ViewportSet(0);

    /// The classes of some devices.
    #[must_use]
    pub fn of_devices(devices: impl IntoIterator<Item = Device>) -> ViewportSet {
        let classes = devices.into_iter().map(|device| ViewportSet::from(device.viewports()).0);
        ViewportSet(classes.fold(0, |all, bits| all | bits))
    }

    /// The classes that are in both.
    #[must_use]
    pub fn intersect(self, other: ViewportSet) -> ViewportSet {
        ViewportSet(self.0 & other.0)
    }

    /// Whether it holds `viewport`.
    #[must_use]
    pub fn contains(self, viewport: Viewport) -> bool {
        self.0 >> viewport.code() & 1 == 1
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether of every device it holds all classes or none, so that totals by device answer for it.
    #[must_use]
    pub fn is_of_devices(self) -> bool {
        Device::ALL.into_iter().all(|device| {
            let classes = ViewportSet::from(device.viewports());
            self.intersect(classes) == classes || self.intersect(classes).is_empty()
        })
    }
}

impl From<ViewportRange> for ViewportSet {
    fn from(range: ViewportRange) -> ViewportSet {
        let codes = range.low.code()..=range.high.code();
        ViewportSet(codes.fold(0, |bits, code| bits | 1 << code))
    }
}

/// Whether targets that are fixed or sticky are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixed {
    /// Only targets that scroll with the page.
    No,
    /// Only fixed targets.
    Yes,
    /// Both.
    Any,
}

impl Fixed {
    /// Whether a layer with this mark is counted.
    #[must_use]
    pub fn allows(self, fixed: bool) -> bool {
        match self {
            Fixed::No => !fixed,
            Fixed::Yes => fixed,
            Fixed::Any => true,
        }
    }
}

/// kinds x viewports x fixed: the layers that are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerSelection {
    /// What was done.
    pub kinds: KindSet,
    /// How wide the window was.
    pub viewports: ViewportSet,
    /// Whether the target scrolls.
    pub fixed: Fixed,
}

impl LayerSelection {
    /// Every layer of these kinds.
    #[must_use]
    pub fn of_kinds(kinds: impl Into<KindSet>) -> LayerSelection {
        LayerSelection { kinds: kinds.into(), viewports: ViewportSet::ALL, fixed: Fixed::Any }
    }

    /// Whether `layer` is one of them.
    #[must_use]
    pub fn contains(&self, layer: Layer) -> bool {
        self.kinds.contains(layer.kind())
            && self.viewports.contains(layer.viewport())
            && self.fixed.allows(layer.fixed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    #[test]
    fn a_set_of_viewports_holds_what_its_ranges_hold() {
        for range in [
            ViewportRange::ALL,
            ViewportRange::of_px(1_000, 1_100),
            ViewportRange::of_px(1, 9_999),
            ViewportRange::of_px(500, 100),
            Device::Tablet.viewports(),
        ] {
            let set = ViewportSet::from(range);
            for code in 0..=Viewport::UNKNOWN.code() {
                let viewport = Viewport::from_code(code).unwrap();
                assert_eq!(set.contains(viewport), range.contains(viewport), "{range:?} {viewport:?}");
            }
        }
        assert_eq!(ViewportSet::from(ViewportRange::ALL), ViewportSet::ALL);
        assert_eq!(ViewportSet::of_devices(Device::ALL), ViewportSet::ALL);
    }

    #[test]
    fn a_set_is_of_devices_when_it_splits_none() {
        let phones_and_unknown = ViewportSet::of_devices([Device::Mobile, Device::Unknown]);
        assert!(phones_and_unknown.is_of_devices() && ViewportSet::NONE.is_of_devices());
        assert!(!ViewportSet::from(ViewportRange::of_px(1_024, 1_300)).is_of_devices());
    }

    #[test]
    fn a_selection_of_a_kind_holds_its_layers_only() {
        let selection = LayerSelection { fixed: Fixed::No, ..LayerSelection::of_kinds(Kind::Click) };
        let viewport = Viewport::of_px(800);
        assert!(selection.contains(Layer::new(Kind::Click, viewport, false)));
        assert!(!selection.contains(Layer::new(Kind::Click, viewport, true)));
        assert!(!selection.contains(Layer::new(Kind::Move, viewport, false)));
    }
}
