//! Where things are on the shop's pages, so that the seeded history touches what is really there.
//!
//! CSS px as a browser lays the pages out at the two widths; `shop.css` has fixed measures for that.

/// Width of the window in the seeded history of desktop visitors.
pub(super) const DESKTOP_PX: u32 = 1_440;
/// Width of the window in the seeded history of mobile visitors.
pub(super) const MOBILE_PX: u32 = 390;

/// Something that visitors touch.
pub(super) struct Target {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    /// How often it is touched, compared with the others of its page.
    pub(super) weight: f64,
    /// Whether it is in the bar that stays at the top.
    pub(super) fixed: bool,
}

/// A page at one width.
pub(super) struct Laid {
    /// Its name below `/demo/`.
    pub(super) page: &'static str,
    /// Its height.
    pub(super) height: u32,
    /// How often it is shown, compared with the other pages.
    pub(super) weight: f64,
    pub(super) targets: &'static [Target],
}

const fn target(x: u32, y: u32, width: u32, height: u32, weight: f64) -> Target {
    Target { x, y, width, height, weight, fixed: false }
}

const fn bar(x: u32, y: u32, width: u32, height: u32, weight: f64) -> Target {
    Target { x, y, width, height, weight, fixed: true }
}

pub(super) static DESKTOP: &[Laid] = &[
    Laid {
        page: "",
        height: 1_736,
        weight: 5.0,
        targets: &[
            bar(40, 23, 123, 26, 1.0),
            bar(1_247, 15, 67, 42, 2.0),
            bar(1_330, 15, 70, 42, 3.0),
            target(180, 312, 134, 52, 9.0),
            target(326, 312, 146, 52, 2.0),
            target(180, 552, 344, 290, 8.0),
            target(548, 552, 344, 290, 4.0),
            target(916, 552, 344, 290, 3.0),
            target(180, 866, 344, 290, 2.0),
            target(548, 866, 344, 290, 1.5),
            target(916, 866, 344, 290, 1.0),
            target(180, 1_245, 720, 190, 0.6),
            target(455, 1_527, 117, 19, 0.7),
        ],
    },
    Laid {
        page: "mug",
        height: 1_011,
        weight: 3.0,
        targets: &[
            bar(1_172, 15, 59, 42, 1.5),
            bar(1_330, 15, 70, 42, 2.0),
            target(180, 104, 520, 390, 3.0),
            target(770, 299, 40, 13, 1.0),
            target(856, 299, 40, 13, 2.0),
            target(932, 299, 48, 13, 2.5),
            target(748, 353, 151, 52, 9.0),
            target(180, 582, 720, 260, 2.0),
        ],
    },
    Laid {
        page: "about",
        height: 2_518,
        weight: 1.0,
        targets: &[
            bar(1_172, 15, 59, 42, 3.0),
            target(180, 169, 720, 300, 2.0),
            target(180, 705, 720, 52, 1.0),
            target(180, 1_241, 720, 26, 0.7),
            target(180, 2_272, 129, 52, 2.0),
        ],
    },
    Laid {
        page: "checkout",
        height: 900,
        weight: 1.5,
        targets: &[
            target(180, 194, 692, 44, 3.0),
            target(180, 280, 692, 44, 3.0),
            target(180, 366, 692, 44, 2.5),
            target(180, 452, 692, 44, 1.0),
            target(184, 517, 160, 13, 1.5),
            target(180, 562, 90, 52, 5.0),
            target(945, 378, 52, 19, 0.6),
        ],
    },
    Laid {
        page: "thanks",
        height: 900,
        weight: 0.7,
        targets: &[target(647, 172, 70, 19, 2.0), target(180, 220, 164, 52, 3.0)],
    },
];

pub(super) static MOBILE: &[Laid] = &[
    Laid {
        page: "",
        height: 2_100,
        weight: 5.0,
        targets: &[
            bar(269, 11, 50, 42, 1.0),
            bar(325, 11, 53, 42, 2.0),
            target(20, 262, 134, 52, 8.0),
            target(166, 262, 146, 52, 1.5),
            target(20, 658, 169, 210, 6.0),
            target(201, 658, 169, 210, 4.0),
            target(20, 880, 169, 210, 2.5),
            target(201, 880, 169, 210, 1.5),
            target(20, 1_102, 169, 210, 1.0),
            target(201, 1_102, 169, 210, 1.0),
        ],
    },
    Laid {
        page: "mug",
        height: 1_236,
        weight: 3.0,
        targets: &[
            bar(325, 11, 53, 42, 1.5),
            target(20, 96, 350, 240, 3.0),
            target(128, 553, 40, 13, 1.5),
            target(20, 607, 151, 52, 8.0),
            target(20, 755, 350, 260, 2.0),
        ],
    },
    Laid {
        page: "about",
        height: 2_732,
        weight: 0.7,
        targets: &[
            bar(220, 11, 43, 42, 2.0),
            target(20, 149, 350, 300, 1.0),
            target(20, 2_434, 129, 52, 1.0),
        ],
    },
    Laid {
        page: "checkout",
        height: 1_081,
        weight: 1.2,
        targets: &[
            target(20, 174, 350, 44, 3.0),
            target(20, 260, 350, 44, 3.0),
            target(20, 346, 350, 44, 2.5),
            target(24, 497, 180, 13, 1.5),
            target(20, 542, 90, 52, 4.0),
        ],
    },
    Laid {
        page: "thanks",
        height: 844,
        weight: 0.5,
        targets: &[target(143, 178, 70, 19, 1.0), target(20, 226, 164, 52, 2.0)],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::shop::PAGES;

    #[test]
    fn every_page_of_the_shop_is_laid_out_at_both_widths_and_holds_its_targets() {
        for (laid, width) in [(DESKTOP, DESKTOP_PX), (MOBILE, MOBILE_PX)] {
            let mut names: Vec<&str> = laid.iter().map(|page| page.page).collect();
            names.sort_unstable();
            let mut pages: Vec<&str> = PAGES.iter().map(|page| page.name).collect();
            pages.sort_unstable();
            assert_eq!(names, pages);
            for page in laid {
                for target in page.targets {
                    assert!(target.x + target.width <= width, "{} at {width}", page.page);
                    assert!(target.y + target.height <= page.height, "{} at {width}", page.page);
                }
            }
        }
    }
}
