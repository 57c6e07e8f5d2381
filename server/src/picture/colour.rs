//! Colormaps: colours from few events to many.

use std::str::FromStr;

use colorgrad::{Gradient, preset};

macro_rules! colormaps {
    ($($map:ident $name:literal $preset:ident $meaning:literal)*) => {
        /// Colours from few events to many.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Colormap { $(#[doc = $meaning] $map,)* }

        impl Colormap {
            /// Every colormap.
            pub const ALL: &[Colormap] = &[$(Colormap::$map,)*];

            /// Its name in `colormap=`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Colormap::$map => $name,)* }
            }

            /// What it looks like, from few to many.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Colormap::$map => $meaning,)* }
            }

            fn gradient(self) -> Box<dyn Gradient> {
                match self { $(Colormap::$map => Box::new(preset::$preset()),)* }
            }
        }
    };
}

colormaps! {
    Turbo "turbo" turbo "Blue, green, yellow, red."
    Viridis "viridis" viridis "Violet, green, yellow; even in lightness."
    Cividis "cividis" cividis "Blue to yellow; colour-blind eyes see the same."
    Inferno "inferno" inferno "Black, red, yellow."
    Magma "magma" magma "Black, purple, white."
    Plasma "plasma" plasma "Blue, pink, yellow."
    Warm "warm" yl_or_rd "Yellow, orange, red."
    Reds "reds" reds "Light to dark red."
    Oranges "oranges" oranges "Light to dark orange."
    Blues "blues" blues "Light to dark blue."
    Greys "greys" greys "White to black."
}

impl Colormap {
    /// Red, green and blue of 256 steps from few to many.
    pub(super) fn colours(self) -> Vec<u8> {
        let gradient = self.gradient();
        let colour = |step: u8| {
            let [red, green, blue, _] = gradient.at(f32::from(step) / 255.0).to_rgba8();
            [red, green, blue]
        };
        (0..=255).flat_map(colour).collect()
    }
}

/// No colormap has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownColormap;

impl FromStr for Colormap {
    type Err = UnknownColormap;

    fn from_str(text: &str) -> Result<Colormap, UnknownColormap> {
        Colormap::ALL.iter().copied().find(|colormap| colormap.name() == text).ok_or(UnknownColormap)
    }
}
