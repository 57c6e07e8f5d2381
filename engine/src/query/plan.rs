//! What of a question is still to be answered: days that are kept, and the checks that need no data.

use super::{InvalidQuestion, Pages, Selection, SiteContext, Step};
use crate::model::limits::{LIST_ITEMS, QUERY_DAYS};
use crate::model::{Day, DayRange, Fixed, Kind, LayerSelection, ViewportSet};

/// The days of a question, as retention leaves them at the moment of asking: whether it ran already never shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AnsweredDays {
    /// Days of cells and totals.
    pub(super) days: DayRange,
    /// Days of hour totals.
    pub(super) hours: DayRange,
    /// Every day that is kept, asked or not: what rare countries are counted over.
    pub(super) kept: DayRange,
}

impl AnsweredDays {
    /// Cuts the asked days to those that are kept.
    pub(super) fn new(context: &SiteContext<'_>, asked: &DayRange) -> Result<AnsweredDays, InvalidQuestion> {
        if asked.from > asked.to {
            return Err(InvalidQuestion::DaysReversed);
        }
        let expiry = context.settings.expiry(context.today);
        let kept = DayRange { from: expiry.days_from, to: Day::LAST };
        let days = cut(asked, kept.from);
        let length = u32::from(days.to.number() - days.from.number());
        match length > QUERY_DAYS {
            true => Err(InvalidQuestion::TooManyDays { days: length }),
            false => Ok(AnsweredDays { days, hours: cut(&days, expiry.hours_from), kept }),
        }
    }
}

/// The part of a range from a day on; empty, and still inside of what was asked, when there is none.
fn cut(range: &DayRange, from: Day) -> DayRange {
    DayRange { from: range.from.max(from).min(range.to), to: range.to }
}

/// Whether hour totals, which know neither viewport nor fixed nor country, answer for a selection.
pub(super) fn selects_no_layers(selection: &Selection) -> bool {
    let LayerSelection { viewports, fixed, .. } = selection.layers;
    viewports == ViewportSet::ALL && fixed == Fixed::Any && selection.countries.is_none()
}

/// Whether roll-ups, which know neither page nor fixed and of the viewport only the device, answer for a selection.
/// Fixed targets are few, so that they are taken off again where they are not asked for.
pub(super) fn is_of_rollups(selection: &Selection) -> bool {
    let LayerSelection { viewports, fixed, .. } = selection.layers;
    selection.pages == Pages::Site && fixed != Fixed::Yes && viewports.is_of_devices()
}

/// Refuses a series that hour totals do not have.
pub(super) fn check_step(selection: &Selection, step: Step) -> Result<(), InvalidQuestion> {
    if step != Step::Hour {
        return Ok(());
    }
    if !selects_no_layers(selection) {
        return Err(InvalidQuestion::HoursHaveNoLayers);
    }
    match selection.layers.kinds.iter().find(|kind: &Kind| kind.is_conversion()) {
        Some(kind) => Err(InvalidQuestion::KindHasNoHours { kind }),
        None => Ok(()),
    }
}

/// Refuses a list of nothing, or one too long.
pub(super) fn check_limit(limit: usize) -> Result<(), InvalidQuestion> {
    if (1..=LIST_ITEMS).contains(&limit) { Ok(()) } else { Err(InvalidQuestion::Limit { limit }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CountrySet, Device, KindSet, SiteId, SiteScope, SiteSettings, ViewportRange};

    fn range(from: u16, to: u16) -> DayRange {
        DayRange { from: Day::from_number(from), to: Day::from_number(to) }
    }

    #[test]
    fn only_kept_days_are_answered() {
        let settings = SiteSettings { retention_days: 100, hourly_days: 35, ..SiteSettings::standard() };
        let scope = SiteScope::granted(SiteId(1));
        let context = SiteContext { scope, settings: &settings, today: Day::from_number(20_000) };
        for (asked, days, hours) in [
            (range(19_950, 20_001), range(19_950, 20_001), range(19_966, 20_001)),
            (range(19_899, 19_902), range(19_901, 19_902), range(19_902, 19_902)),
            (range(19_000, 19_001), range(19_001, 19_001), range(19_001, 19_001)),
            (range(19_990, 19_990), range(19_990, 19_990), range(19_990, 19_990)),
            (range(0, 20_001), range(19_901, 20_001), range(19_966, 20_001)),
        ] {
            let answered = AnsweredDays::new(&context, &asked).unwrap();
            assert_eq!((answered.days, answered.hours), (days, hours), "{asked:?}");
        }
        let reversed = AnsweredDays::new(&context, &range(2, 1));
        assert_eq!(reversed, Err(InvalidQuestion::DaysReversed));
        let endless = AnsweredDays::new(&context, &range(0, u16::MAX));
        assert_eq!(endless, Err(InvalidQuestion::TooManyDays { days: 45_634 }));
    }

    #[test]
    fn hours_and_rollups_answer_only_what_they_know() {
        let all = Selection {
            pages: Pages::Site,
            layers: LayerSelection::of_kinds(Kind::Click),
            countries: None,
            days: DayRange::ALL,
        };
        assert!(selects_no_layers(&all) && is_of_rollups(&all));
        let of_a_page = Selection { pages: Pages::Page("a".into()), ..all };
        assert!(selects_no_layers(&of_a_page) && !is_of_rollups(&of_a_page));
        let of_a_country = Selection { countries: Some(CountrySet::new()), ..all.clone() };
        assert!(!selects_no_layers(&of_a_country) && is_of_rollups(&of_a_country));
        let mut of_phones = all.clone();
        of_phones.layers.viewports = ViewportSet::of_devices([Device::Mobile]);
        assert!(!selects_no_layers(&of_phones) && is_of_rollups(&of_phones));
        let mut not_fixed = all.clone();
        not_fixed.layers.fixed = Fixed::No;
        assert!(!selects_no_layers(&not_fixed) && is_of_rollups(&not_fixed));
        let mut wide = all.clone();
        wide.layers.viewports = ViewportRange::of_px(1_500, 9_999).into();
        assert!(!selects_no_layers(&wide) && !is_of_rollups(&wide));
        assert_eq!(check_step(&of_phones, Step::Day), Ok(()));
        assert_eq!(check_step(&of_phones, Step::Hour), Err(InvalidQuestion::HoursHaveNoLayers));
        let mut conversions = all;
        conversions.layers.kinds = KindSet::all();
        let refused = InvalidQuestion::KindHasNoHours { kind: Kind::Conversion };
        assert_eq!(check_step(&conversions, Step::Hour), Err(refused));
    }
}
