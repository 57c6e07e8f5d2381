//! Layers: what was done (kind), how wide the window was (viewport), and whether the target scrolls (fixed).

use std::fmt;
use std::str::FromStr;

macro_rules! kinds {
    ($($code:literal $name:ident $text:literal $doc:literal)*) => {
        /// What was done. Closed; the number is the code on disk and never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind { $(#[doc = $doc] $name = $code,)* }

        impl Kind {
            /// Every kind, by code.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The kind of a code as stored, or `None` if none has it.
            #[must_use]
            pub fn from_code(code: u8) -> Option<Kind> {
                match code { $($code => Some(Kind::$name),)* _ => None }
            }

            /// Its name on the wire.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Kind::$name => $text,)* }
            }
        }

        impl FromStr for Kind {
            type Err = ();
            fn from_str(text: &str) -> Result<Kind, ()> {
                match text { $($text => Ok(Kind::$name),)* _ => Err(()) }
            }
        }
    };
}

kinds! {
    0 View "view" "A page was shown; cell (0, 0)."
    1 Click "click" "A click of the mouse."
    2 RageClick "rage_click" "A click among quick repeated ones at one place."
    3 DeadClick "dead_click" "A click after which nothing happened."
    4 Move "move" "The mouse rested or passed here."
    5 Touch "touch" "A tap."
    6 Scroll "scroll" "The deepest row reached in a view; x = 0."
    7 Attention "attention" "A second of attention began at this row; x = 0."
    8 AttentionEnd "attention_end" "A second of attention ended before this row; x = 0."
    9 Conversion "conversion" "A goal was reached; cell (0, 0), no country."
    10 ConvertedClick "converted_click" "A click of a visitor who later reached a goal; no country, device only."
}

impl Kind {
    /// The code on disk.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Whether it tells of a conversion: stored without country, with the device for viewport, never by the hour.
    #[must_use]
    pub fn is_conversion(self) -> bool {
        matches!(self, Kind::Conversion | Kind::ConvertedClick)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of kinds, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct KindSet(u16);

impl KindSet {
    /// The empty set.
    #[must_use]
    pub fn new() -> KindSet {
        KindSet::default()
    }

    /// The set of every kind.
    #[must_use]
    pub fn all() -> KindSet {
        Kind::ALL.iter().copied().collect()
    }

    /// Adds one.
    pub fn insert(&mut self, kind: Kind) {
        self.0 |= 1 << kind.code();
    }

    /// Takes one out.
    pub fn remove(&mut self, kind: Kind) {
        self.0 &= !(1 << kind.code());
    }

    /// Whether it holds `kind`.
    #[must_use]
    pub fn contains(self, kind: Kind) -> bool {
        self.0 >> kind.code() & 1 == 1
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its kinds, by code.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<Kind> for KindSet {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> KindSet {
        let mut set = KindSet::new();
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

impl From<Kind> for KindSet {
    fn from(kind: Kind) -> KindSet {
        [kind].into_iter().collect()
    }
}

/// What kind of screen a viewport class belongs to. Class borders coincide with device borders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Device {
    /// Below 768 px.
    Mobile = 0,
    /// 768 to 1,023 px.
    Tablet = 1,
    /// 1,024 px and more.
    Desktop = 2,
    /// The tracker did not say.
    Unknown = 3,
}

impl Device {
    /// Every device, by code.
    pub const ALL: [Device; 4] = [Device::Mobile, Device::Tablet, Device::Desktop, Device::Unknown];

    /// The device of a code as stored.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Device> {
        Device::ALL.get(usize::from(code)).copied()
    }

    /// The code on disk.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Device::Mobile => "mobile",
            Device::Tablet => "tablet",
            Device::Desktop => "desktop",
            Device::Unknown => "unknown",
        }
    }

    /// Its viewport classes.
    #[must_use]
    pub fn viewports(self) -> ViewportRange {
        let (low, high) = match self {
            Device::Mobile => (0, 11),
            Device::Tablet => (12, 15),
            Device::Desktop => (16, Viewport::WIDEST),
            Device::Unknown => (Viewport::UNKNOWN.0, Viewport::UNKNOWN.0),
        };
        ViewportRange { low: Viewport(low), high: Viewport(high) }
    }

    /// Its lowest class: where conversions of the device are stored.
    #[must_use]
    pub fn lowest_viewport(self) -> Viewport {
        self.viewports().low
    }
}

impl FromStr for Device {
    type Err = ();
    fn from_str(text: &str) -> Result<Device, ()> {
        Device::ALL.into_iter().find(|device| device.name() == text).ok_or(())
    }
}

/// Width class of the window: CSS px / 64 rounded down, at most 40; 41 is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Viewport(u8);

impl Viewport {
    /// Width of one class in px.
    pub const CLASS_PX: u32 = 64;
    /// The class of 2,560 px and more.
    const WIDEST: u8 = 40;
    /// The code of `UNKNOWN`, the highest.
    pub(super) const UNKNOWN_CODE: u8 = 41;
    /// The tracker did not say.
    pub const UNKNOWN: Viewport = Viewport(Self::UNKNOWN_CODE);

    /// The class of a width in px; 0 is unknown.
    #[must_use]
    pub fn of_px(width: u32) -> Viewport {
        match width {
            0 => Viewport::UNKNOWN,
            _ => Viewport((width / Self::CLASS_PX).min(u32::from(Self::WIDEST)) as u8),
        }
    }

    /// The class of a code as stored, or `None` if none has it.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Viewport> {
        (code <= Viewport::UNKNOWN.0).then_some(Viewport(code))
    }

    /// The code on disk.
    #[must_use]
    pub fn code(self) -> u8 {
        self.0
    }

    /// Its device.
    #[must_use]
    pub fn device(self) -> Device {
        match self.0 {
            0..=11 => Device::Mobile,
            12..=15 => Device::Tablet,
            16..=Self::WIDEST => Device::Desktop,
            _ => Device::Unknown,
        }
    }
}

/// Viewport classes from `low` to `high`, both in it. The full range is the only one that mixes known and unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewportRange {
    /// Lowest class in it.
    pub low: Viewport,
    /// Highest class in it.
    pub high: Viewport,
}

impl ViewportRange {
    /// Every class, unknown too.
    pub const ALL: ViewportRange = ViewportRange { low: Viewport(0), high: Viewport::UNKNOWN };

    /// The known classes that widths from `low` to `high` px fall into, rounded out to whole classes.
    #[must_use]
    pub fn of_px(low: u32, high: u32) -> ViewportRange {
        ViewportRange { low: Viewport::of_px(low.max(1)), high: Viewport::of_px(high.max(1)) }
    }

    /// Whether `viewport` is in it.
    #[must_use]
    pub fn contains(&self, viewport: Viewport) -> bool {
        self.low <= viewport && viewport <= self.high
    }
}

/// kind x viewport x fixed, in 11 bits: `kind << 7 | viewport << 1 | fixed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Layer(u16);

impl Layer {
    /// A layer.
    #[must_use]
    pub fn new(kind: Kind, viewport: Viewport, fixed: bool) -> Layer {
        Layer(u16::from(kind.code()) << 7 | u16::from(viewport.0) << 1 | u16::from(fixed))
    }

    /// The layer of a code as stored, or `None` if none has it.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Layer> {
        let kind = Kind::from_code(u8::try_from(code >> 7).ok()?)?;
        Some(Layer::new(kind, Viewport::from_code((code >> 1 & 0x3f) as u8)?, code & 1 == 1))
    }

    /// The code on disk.
    #[must_use]
    pub fn code(self) -> u16 {
        self.0
    }

    /// What was done.
    #[must_use]
    pub fn kind(self) -> Kind {
        // Only `new` makes one, so there is always a kind.
        Kind::ALL[usize::from(self.0 >> 7)]
    }

    /// How wide the window was.
    #[must_use]
    pub fn viewport(self) -> Viewport {
        Viewport((self.0 >> 1 & 0x3f) as u8)
    }

    /// Whether y is in viewport, not document, coordinates.
    #[must_use]
    pub fn fixed(self) -> bool {
        self.0 & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layer_is_its_own_code() {
        let mut layers = 0;
        for code in 0..=u16::MAX {
            let Some(layer) = Layer::from_code(code) else { continue };
            layers += 1;
            assert_eq!(layer.code(), code);
            assert_eq!(Layer::new(layer.kind(), layer.viewport(), layer.fixed()), layer);
            assert!(layer.viewport().device().viewports().contains(layer.viewport()));
        }
        assert_eq!(layers, Kind::ALL.len() * 42 * 2);
    }

    #[test]
    fn device_borders_are_class_borders() {
        for (px, device) in [
            (0, Device::Unknown),
            (1, Device::Mobile),
            (767, Device::Mobile),
            (768, Device::Tablet),
            (1023, Device::Tablet),
            (1024, Device::Desktop),
            (9_999, Device::Desktop),
        ] {
            assert_eq!(Viewport::of_px(px).device(), device, "{px} px");
        }
    }
}
